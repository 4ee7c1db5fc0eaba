"""The model that comes with the project: the study's best for tagging, trained on the whole corpus, and its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.features import Features
from filmscore.files import replace_file
from filmscore.inputs import INPUTS
from filmscore.splits import evaluable_classes
from filmscore.study.fitting import ensemble, some_of_each_game
from filmscore.study.folds import CAP
from filmscore.study.judging import Judgement, Pieces
from filmscore.study.models import Model
from filmscore.tagging import about_model
from nnlite import metrics


def train(model: Model, features: Features, pieces: Pieces, seed: int = 0) -> nn.BaggedEnsemble:
    """Train binary networks on all games; the thresholds are those that are best for the tracks of the folds.

    Parameters
    ----------
    pieces : Pieces
        Tracks with the values of the folds' networks, which had not heard them.
    """
    x = INPUTS[model.inputs](np.asarray(features.tiles))
    rows = some_of_each_game(features, np.arange(len(x)), np.random.default_rng(seed))
    fitted = ensemble(model, x.shape[1:], seed).fit(nn.Rows(x, rows), features.labels[rows])
    fitted.thresholds_ = metrics.best_thresholds(pieces.labels, pieces.values)
    return fitted


def write(
    path: Path,
    model: Model,
    fitted: nn.BaggedEnsemble,
    features: Features,
    judgement: Judgement,
    commands: Sequence[str],
) -> list[Path]:
    """Write the model's file, and its card beside it in Markdown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nn.save(path, fitted, **about_model(features, model.inputs))
    with replace_file(path.with_suffix(".md")) as file:
        file.write(card(path, model, features, judgement, commands).encode())
    return [path, path.with_suffix(".md")]


def card(path: Path, model: Model, features: Features, judgement: Judgement, commands: Sequence[str]) -> str:
    """Return the card: what the model is, what it was trained on, how good it is and where its limits are."""
    tracks, names = features.tracks, features.class_names
    games = Counter(track.game for track in tracks)
    licences = Counter(track.licence or "not stated" for track in tracks)
    low, high = judgement.intervals["roc_auc"]
    rows = []
    for k, name in enumerate(names):
        n_tracks = int(features.tags[:, k].sum())
        n_games = len({track.game for track, has in zip(tracks, features.tags[:, k], strict=True) if has})
        each = judgement.classes.get(name)
        quality = "not evaluable" if each is None else f"{each['roc_auc']:.2f} ({_interval(each)})"
        rows.append(f"| {name} | {n_tracks} | {n_games} | {quality} |")
    unknown = [name for name in names if name not in evaluable_classes(features)]
    figures, best = judgement.figures, judgement.best_coverage_error
    listed = ", ".join(f"{licence} ({n})" for licence, n in licences.most_common())
    return f"""# Model card: {path.name}

**What it is.** Ten binary networks, one for each genre, each trained on all positives of its genre and as many
negatives, with a layer of {model.hidden[0]} {model.activation} units. They see how the
{features.recipe.n_coefficients} MFCCs of a 9.3 s window move: their energy in seven bands of modulation frequency
(`filmscore.inputs.modulation`), with mel bands up to {model.bands_hz / 1000:g} kHz.
What a network says is how well the window fits the genre; a recording has the mean of its windows. The file keeps
thresholds that were best for F1 of whole recordings.

**Data.** {len(tracks)} recordings of {len(games)} story-telling games, {len(features.tiles):,} windows, at most {CAP}
of a game for training. Tags are film genres that a film of the game's story would carry, given to whole soundtracks by
this project (`examples/filmscore/corpus/`): opinions about stories, not listeners' judgements about tracks.

**Licences of the recordings.** {listed}.
The model's file holds no audio.

**Measured quality.** On tracks of games that were left out of training (six folds): ROC-AUC {figures["roc_auc"]:.3f},
95 % interval over games {low:.2f} to {high:.2f}; LRAP {figures["lrap"]:.3f}; coverage error
{figures["coverage_error"]:.2f} (best possible {best:.2f}). The model in the file was trained on all games, so no
recording of the corpus is left to measure it on. RESULTS.md has the other models and splits.

| genre | tracks | games | ROC-AUC, unheard games (95 %) |
| --- | ---: | ---: | ---: |
{chr(10).join(rows)}

**Limits.** {", ".join(unknown)}: two soundtracks each; the outputs exist, but nothing is known of their worth. Music
of free games is not film music: orchestras are mostly sampled, songs and dialogue are missing. With {len(games)} games
the intervals are wide, and what games of a genre have in common by accident can't be told from what the genre has.
Values are for ranking; they are not calibrated for other collections.

**Made by**

{chr(10).join("    " + command for command in commands)}
"""


def _interval(each: dict[str, Any]) -> str:
    low, high = each["roc_auc_interval"]
    return f"{low:.2f} to {high:.2f}"
