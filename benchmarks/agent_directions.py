"""How much of the likeness of windows is left when embeddings are made small, as the agent keeps them.

    python examples/build_features.py corpus --fmax 9500 --out features9500
    python benchmarks/agent_directions.py features9500

For windows drawn at random: of the 20 windows of other soundtracks that are most alike by the cosine of all
standardized numbers of the embedding, how many are among the 20 by what is left of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from filmscore.agent.basis import Basis, to_bytes, unit
from filmscore.agent.scan import SHIPPED
from filmscore.features import load_features
from filmscore.options import DATA
from filmscore.tagging import Tagger

NEAREST = 20
WIDTHS = (64, 96, 128, 192)


def nearest(vectors: np.ndarray, queries: np.ndarray, groups: np.ndarray) -> list[set[int]]:
    """For each query its most alike rows of other groups."""
    cosines = unit(vectors[queries].astype(np.float64)) @ unit(vectors.astype(np.float64)).T
    cosines[groups[queries][:, None] == groups] = -2
    return [set(row) for row in np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST].tolist()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path, help="a folder of features by the model's recipe")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    features, tagger, rng = load_features(options.features), Tagger.load(SHIPPED), np.random.default_rng(options.seed)
    if features.recipe != tagger.settings.recipe:
        parser.error(f"{options.features}: expected features of the model's recipe: build them with --fmax 9500")
    tiles = np.asarray(features.tiles)
    embeddings = np.concatenate([tagger.embedding(tiles[i : i + 1024]) for i in range(0, len(tiles), 1024)])
    sample = tagger.embedding(np.asarray(load_features(DATA / "sample").tiles))
    queries, groups = rng.choice(len(tiles), options.queries, replace=False), features.groups("soundtrack")
    axes = np.linalg.qr(rng.standard_normal((embeddings.shape[1],) * 2))[0]
    own, shipped = Basis.fit(embeddings, embeddings.shape[1]), Basis.fit(sample, embeddings.shape[1])
    expected = nearest((embeddings - own.mean) * own.scale, queries, groups)

    def share(vectors: np.ndarray) -> str:
        found = nearest(vectors, queries, groups)
        return f"{np.mean([len(a & b) for a, b in zip(found, expected, strict=True)]) / NEAREST:.1%}"

    print(f"{len(tiles):,} windows, {options.queries} queries\n")
    print("| numbers kept | axes of these windows | of the sample | of the sample, in bytes | random axes |")
    print("|---:|---:|---:|---:|---:|")
    mine, theirs = own.project(embeddings), shipped.project(embeddings)
    random = ((embeddings - own.mean) * own.scale) @ axes
    for width in (*WIDTHS, embeddings.shape[1]):
        kept = (mine[:, :width], theirs[:, :width], to_bytes(unit(theirs[:, :width])), random[:, :width])
        print(f"| {width} | {' | '.join(map(share, kept))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
