"""Train the baseline of the published study, a fully-connected network, judge it on unheard tracks, and tag two
recordings.

Without arguments: on the sample of real music that comes with the project, in about a minute. The published sizes are
not known; --hidden sets them, and filmscore_search.py looks for better ones. Everything else is as in filmscore_cnn.py,
so that figures can be compared.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import nnlite as nn
from filmscore import published
from filmscore.networks import fully_connected
from filmscore.options import parse_training, training_parser, training_settings
from filmscore.runs import TRAINING_ERRORS, Data, conclude_network


def main(arguments: list[str] | None = None) -> int:
    parser = training_parser(__doc__, "filmscore-mlp", epochs=24)
    parser.add_argument("--hidden", type=int, nargs="+", default=[200, 50], metavar="UNITS", help="default: 200 50")
    parser.add_argument("--dropout", type=float, default=0.5, help="share of hidden units (default: %(default)s)")
    options = parse_training(parser, arguments)
    began = time.perf_counter()
    try:
        # Read the data, and say what the figures below are about.
        data = Data.load(options)
        print(data.describe(options.split))

        # The network: every unit sees every coefficient of every frame, without knowing which ones are neighbours.
        network = fully_connected(
            len(data.features.class_names),
            hidden=options.hidden,
            activation=options.activation,
            dropout=options.dropout,
            rest=options.dropout_rest,
            input_shape=data.features.tile_shape,
        )
        print(network.summary(), "\n")
        checkpoint = options.out / "checkpoint.npz"
        model = nn.NetworkClassifier(network, **training_settings(options), checkpoint=checkpoint, verbose=1)
        model.fit(*data.part("train"), validation_data=data.part("validation"))
    except TRAINING_ERRORS as error:
        print(f"filmscore_mlp: {error}", file=sys.stderr)
        return 2

    # Judge it beside the prior; write model, history and pictures; tag recordings that it has never heard.
    conclude_network(options, data, model, published.F1_FULLY_CONNECTED, began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
