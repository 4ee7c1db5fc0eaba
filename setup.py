"""The packages of the distribution. Everything else about it is in setup.cfg.

`filmscore` is the code of examples/; the model and the sample of features that it reads lie inside it once installed.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["nnlite", "nnlite.*", "mfcc", "mfcc.*"]),
        *find_packages("examples", include=["filmscore", "filmscore.*"]),
        "filmscore.data.sample",
        "filmscore.models",
    ],
    package_dir={
        "filmscore": "examples/filmscore",
        "filmscore.data.sample": "examples/data/sample",
        "filmscore.models": "examples/models",
    },
)
