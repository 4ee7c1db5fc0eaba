"""Each public name speaks for itself: its errors begin with it and name the argument, not in NumPy's or Python's words.

Each row of the files `who_rows.py` is a valid call. Here one argument after the other is replaced by bad ones.
"""

import inspect
import warnings

import numpy as np
import pytest

import nnlite as nn
from nnlite import (
    augmentation,
    exchange,
    initializers,
    losses,
    metrics,
    model_selection,
    optimizers,
    schedules,
    testing,
)
from tests.nnlite import who_rows
from tests.nnlite.augmentation import who_rows as rows_of_augmentation
from tests.nnlite.metrics import who_rows as rows_of_metrics
from tests.nnlite.model_selection import who_rows as rows_of_model_selection
from tests.nnlite.who_rows import NET, PARAMS

ROWS = who_rows.ROWS | rows_of_augmentation.ROWS | rows_of_metrics.ROWS | rows_of_model_selection.ROWS

MODULES = (nn, augmentation, initializers, losses, optimizers, schedules, testing, exchange, metrics, model_selection)

BASE = "a base class or a protocol: what derives from it speaks"
RECORD = "a record that the library makes"
SPEAKS = "an error or a warning, it is what is raised"
EXEMPT = {
    "Activation": BASE, "Initializer": BASE, "Loss": BASE, "Optimizer": BASE, "Schedule": BASE,
    "Epoch": RECORD, "metrics.ClassCounts": RECORD, "metrics.Interval": RECORD, "metrics.PrecisionRecallF1": RECORD,
    "model_selection.MeanScore": RECORD, "model_selection.Outcome": RECORD, "model_selection.SearchResult": RECORD,
    "model_selection.Trial": RECORD,
    "BaggedEnsembleWarning": SPEAKS, "FileFormatError": SPEAKS, "NotFittedError": SPEAKS, "TrainingDiverged": SPEAKS,
    "metrics.UndefinedMetricWarning": SPEAKS, "model_selection.SplitWarning": SPEAKS,
    "__version__": "a string",
}  # fmt: skip

BAD = ("text", None, -1, 0.5, [[1, 2], [3]], np.full(3, np.nan), {}, object())


def public_names():
    """Yield each name that a user may write, once: names of metrics and model selection with their module."""
    for module in MODULES:
        prefix = f"{module.__name__.removeprefix('nnlite.')}." if module in (metrics, model_selection) else ""
        for name in module.__all__:
            if not inspect.ismodule(getattr(module, name)):
                yield prefix + name


def test_every_public_name_has_a_row_or_a_reason():
    names = set(public_names())
    missing = sorted(names - ROWS.keys() - EXEMPT.keys())
    assert not missing, f"give each a row in a who_rows.py, or a reason here: {missing}"
    assert not ROWS.keys() & EXEMPT.keys()
    assert EXEMPT.keys() <= names and {name.partition(".")[0] for name in ROWS if name[0].isupper()} <= names


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nn.save("saved.npz", (NET, PARAMS))
    model_selection.write_folds("folds.json", {"a": 0})


def call(row, arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return row.function(**arguments)


@pytest.mark.parametrize("name", ROWS)
def test_the_valid_call(name):
    call(ROWS[name], ROWS[name].arguments)


@pytest.mark.parametrize("name", ROWS)
def test_bad_arguments(name):
    row = ROWS[name]
    inner = name.removeprefix("metrics.").removeprefix("model_selection.")
    speakers = tuple(f"{who}: " for who in {inner, inner.partition(".")[0]})
    wrong = []
    for argument in row.arguments:
        refused = 0
        for bad in BAD:
            try:
                call(row, row.arguments | {argument: bad})
            except OSError:  # a path without a file: the system speaks
                refused += 1
            except Exception as error:
                refused += 1
                if not str(error).startswith(speakers):
                    wrong.append(f"{argument}={bad!r}: {type(error).__name__}: {error}"[:300])
        if not refused:
            wrong.append(f"{argument}: takes anything")
    assert not wrong, "\n" + "\n".join(wrong)
