"""Train the published convolutional network on real soundtracks, judge it on unheard ones, and tag two recordings.

Without arguments: on the sample of real music that comes with the project, in about two minutes. The network is the
published one; how it starts and is trained can be chosen, since as published (--as-published) its sigmoid units hardly
learn: see RESULTS.md. A training that is interrupted or killed goes on when the same command runs again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import nnlite as nn
from filmscore import published
from filmscore.networks import convolutional
from filmscore.options import parse_training, training_parser, training_settings
from filmscore.runs import TRAINING_ERRORS, Data, conclude_network


def main(arguments: list[str] | None = None) -> int:
    options = parse_training(training_parser(__doc__, "filmscore-cnn", epochs=24), arguments)
    began = time.perf_counter()
    try:
        # Read the data, and say what the figures below are about.
        data = Data.load(options)
        print(data.describe(options.split))

        # The network: one softmax over the ten genres; a track's tags share its probability.
        n_classes = len(data.features.class_names)
        shape = data.features.tile_shape
        network = convolutional(n_classes, activation=options.activation, rest=options.dropout_rest, input_shape=shape)
        print(network.summary(), "\n")
        checkpoint = options.out / "checkpoint.npz"
        model = nn.NetworkClassifier(network, **training_settings(options), checkpoint=checkpoint, verbose=1)
        model.fit(*data.part("train"), validation_data=data.part("validation"))
    except TRAINING_ERRORS as error:
        print(f"filmscore_cnn: {error}", file=sys.stderr)
        return 2

    # Judge it beside the prior; write model, history and pictures; tag recordings that it has never heard.
    conclude_network(options, data, model, published.F1_CONVOLUTIONAL, began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
