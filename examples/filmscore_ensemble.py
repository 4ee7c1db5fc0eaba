"""Train the published ensemble, a binary convolutional network for each of the ten genres, and judge its ranking.

Each network is trained on all windows of its genre and a random sample, of the same size, of the others; several of a
genre (--bags) see different samples. Their logistic outputs, from 0 to 1, rank the genres of a window, and averaged
over a track those of the track. As published, a network does not know how common its genre is, so rare genres are
ranked too high; --prior training corrects this. Without arguments it uses the sample of real music that comes with the
project, and takes some minutes. A run that is interrupted or killed goes on when the same command runs again.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import nnlite as nn
from filmscore import plots, published
from filmscore.networks import convolutional
from filmscore.options import parse_training, training_parser, training_settings
from filmscore.runs import TRAINING_ERRORS, Data, judge_and_print, say_what_was_written, tag_recordings, write_run


def main(arguments: list[str] | None = None) -> int:
    parser = training_parser(__doc__, "filmscore-ensemble", epochs=12, batch_size=32)
    parser.add_argument("--bags", type=int, default=1, help="networks for each genre (default: %(default)s)")
    parser.add_argument("--average", choices=("probability", "logit"), default="probability", help="mean over the bags")
    parser.add_argument(
        "--prior",
        choices=("balanced", "training"),
        default="balanced",
        help="how common genres are taken to be: equally (as published), or as in training",
    )
    options = parse_training(parser, arguments)
    began = time.perf_counter()
    checkpoints = options.out / "checkpoints"
    try:
        # Read the data, and say what the figures below are about.
        data = Data.load(options)
        print(data.describe(options.split))
        names = data.features.class_names

        # Ten questions, each with networks of its own: is it this genre or not?
        network = convolutional(
            1,
            activation=options.activation,
            rest=options.dropout_rest,
            output=nn.Sigmoid(),
            input_shape=data.features.tile_shape,
        )
        model = nn.BaggedEnsemble(
            nn.NetworkClassifier(network, **training_settings(options)),
            n_bags=options.bags,
            average=options.average,
            prior=options.prior,
            checkpoint=checkpoints,
            random_state=options.seed,
            verbose=1,
        )
        model.fit(*data.part("train"), validation_data=data.part("validation"))
    except TRAINING_ERRORS as error:
        print(f"filmscore_ensemble: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"filmscore_ensemble: interrupted; the same command goes on with {checkpoints}", file=sys.stderr)
        return 130

    # Judge it beside the prior and the published ensemble.
    judgement = judge_and_print(model, data, published.F1_ENSEMBLE)
    for name, figures in (("coverage error", published.COVERAGE_ERROR), ("LRAP", published.LRAP)):
        print(f"published {name}, on other data: {figures['window']} of windows, {figures['track']} of whole tracks")
    print()

    # Write model, history and pictures; tag recordings that it has never heard.
    members = dict(zip(names, model.members_, strict=True))
    rows = [
        {"genre": names.index(name), "bag": bag, **row}
        for name, bags in members.items()
        for bag, member in enumerate(bags)
        for row in member.history_
    ]
    about = {
        "kept_epochs": {name: [member.best_epoch_ for member in bags] for name, bags in members.items()},
        "seconds": sum(row["seconds"] for row in rows),
    }
    write_run(options, data, model, judgement, published.F1_ENSEMBLE, rows, about)
    plots.member_curves(options.out / "learning_curves.png", members, "validation loss of each genre's networks")
    tag_recordings(model, data.features, options.tag, options.out)
    shutil.rmtree(checkpoints, ignore_errors=True)
    say_what_was_written(options.out, began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
