"""The files that come along: the trained model, and a sample of features of real music.

An installation has them inside this package, a checkout beside it.
"""

from pathlib import Path

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE if (PACKAGE / "models").is_dir() else PACKAGE.parent
DATA = FOLDER / "data"
SAMPLE = DATA / "sample"
MODEL = FOLDER / "models" / "filmscore.npz"
