"""The files that the examples and `python -m mfcc` read: features, tables, packages, results."""

import contextlib
import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import filmscore_tables
import numpy as np

import nnlite as nn
from filmscore import corpus, deb, fetching
from filmscore.agent.basis import Basis
from filmscore.agent.library import BASIS, MODEL, Library, LibraryError
from filmscore.agent.writing import Writer
from filmscore.corpus import ManifestError, Track
from filmscore.features import FeaturesError, extract, load_features
from filmscore.features.coding import Coding
from filmscore.features.folder import write_tables
from filmscore.recording import Settings
from filmscore.tagging import Tagger
from mfcc import MFCC
from mfcc.command.journal import Journal
from mfcc.command.options import read_recipe
from tests.examples.agent import libraries
from tests.faults.file_kinds import Kind
from tests.faults.mutate.packages import package

TAGS = (("Drama",), ("Comedy", "Crime"))
TRACKS = [Track(f"g{k}/t.ogg", (), f"g{k}", f"g{k}", TAGS[k % 2], None) for k in range(4)]
N_TILES = 8


def write_features(folder: Path, dtype: str) -> None:
    values = np.random.default_rng(0).standard_normal((N_TILES, 40, 10, 1)).astype(np.float32)
    coding = None
    if dtype != "float32":
        coding = Coding.spanning(values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3)), dtype)
        values = coding.encode(values)
    if dtype == "uint8":
        np.savez_compressed(folder / "tiles.npz", tiles=values)
    else:
        np.save(folder / "tiles.npy", values)
    options = Settings(MFCC(), n_frames=10).to_dict()
    about = {"recipe": options.pop("recipe"), "options": options, "class_names": ["Comedy", "Crime", "Drama"]}
    about |= {"coding": None if coding is None else vars(coding), "versions": {"nnlite": "0"}, "errors": []}
    write_tables(folder, TRACKS, [(TRACKS[k // 2], k * 9.3, -20.0) for k in range(N_TILES)], about)


def read_features(folder: Path) -> None:
    features = load_features(folder)
    tiles = np.asarray(features.tiles)
    assert tiles.shape == features.tiles.shape and len(features.labels) == len(tiles)
    assert features.tiles[np.array([0, len(tiles) - 1])].dtype.kind == "f" and features.tiles[0].ndim == 3
    for by in ("window", "track", "soundtrack", "game"):
        assert len(features.groups(by)) == len(tiles)
    Settings(features.recipe, **features.description["options"])
    assert repr(features) and features.recipe.describe()


def write_manifest(folder: Path) -> None:
    columns = "path,sha256,soundtrack_id,use_s,licence,title,artist,copyright"
    rows = [f'alpha/usr/{name},{"0" * 64},ost,60.5,Expat,T,A,"C, D"' for name in ("a.ogg", "song.ogg")]
    (folder / "tracks.csv").write_text("\n".join([columns, *rows, ""]))
    sources = "source,tier,version,megabytes,url,alternatives\nalpha,small,1:2,1.5,,beta;gamma\n"
    (folder / "sources.csv").write_text(sources)
    (folder / "soundtracks.csv").write_text("soundtrack_id,game,tags\nost,game,Drama;Crime\n")


def read_manifest(folder: Path) -> None:
    out = folder / "out"
    for recording in corpus.read_recordings(folder, "small"):
        assert os.path.normpath(out / recording.path).startswith(f"{out}{os.sep}")
    assert repr(corpus.read_tracks(folder))


def write_tags(folder: Path) -> None:
    (folder / "tags.csv").write_text("path,tags,game\na.ogg,Drama;Crime,g\nb/c.ogg,Comedy,\n")


def read_tags(folder: Path) -> None:
    assert repr(corpus.read_tags(folder / "tags.csv"))


def write_part(folder: Path) -> None:
    about = {"digest": "d", "result": vars(extract.TrackResult("t", 2, 0, 18.6))}
    arrays = {"values": np.ones((2, 40, 10, 1), np.float32), "start_s": np.zeros(2), "level_dbfs": np.zeros(2)}
    np.savez(folder / "part.npz", about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)


def read_part(folder: Path) -> None:
    if extract._read_result(folder / "part.npz", "d") is not None:
        extract.read_part(folder / "part.npz")


def write_package(folder: Path) -> None:
    container = io.BytesIO()
    np.savez(container, music=np.arange(50))
    files = {"usr/one.ogg": b"one" * 400, "usr/pack.pk3": container.getvalue(), "usr/two.ogg": b"two" * 10}
    (folder / "alpha.deb").write_bytes(package(files))


def read_package(folder: Path) -> None:
    deb.list_files(folder / "alpha.deb")
    targets = {"usr/one.ogg": folder / "out" / "one", "usr/pack.pk3.d/music.npy": folder / "out" / "music"}
    for path in deb.extract(folder / "alpha.deb", targets):
        assert targets[path].is_file()


def write_sums(folder: Path) -> None:
    fetching.write_sums(folder / "SHA256SUMS", {"a/b.ogg": "0" * 64, "a/caf\u00e9.ogg": "1" * 64})


def read_sums(folder: Path) -> None:
    fetching.write_sums(folder / "SHA256SUMS", fetching.read_sums(folder / "SHA256SUMS"))


def write_results(folder: Path) -> None:
    figures = {"roc_auc": 0.7, "f1": 0.5}
    view = {"macro": figures, "classes": {"Drama": figures}, "n_samples": 9, "coverage_error": 2.5}
    view |= {"best_coverage_error": 1.5, "label_ranking_average_precision": 0.7, "ranking_loss": 0.2}
    names = ("window", "track", "prior_window", "prior_track")
    results = {name: view for name in names} | {"not_evaluable": ["Crime"], "options": {"seed": 0}, "thresholds": [0.5]}
    (folder / "results.json").write_text(json.dumps(results))


def read_results(folder: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert filmscore_tables.main([f"title={folder}"]) in (0, 2)


def write_extraction_journal(folder: Path) -> None:
    with Journal(str(folder)) as journal:
        journal.add({"name": "a", "status": "done", "size": 3, "mtime_ns": 4, "settings": {"format": "npz"}})
        journal.add({"name": "b", "status": "failed", "error": "no audio"})


def read_extraction_journal(folder: Path) -> None:
    with Journal(str(folder)) as journal:
        journal.add({"name": "c", "status": "failed"})


def write_recipe(folder: Path) -> None:
    (folder / "recipe.json").write_text(json.dumps(MFCC(sr=16000, n_fft=512, win_length=400).to_dict()))


def read_recipe_file(folder: Path) -> None:
    assert read_recipe(str(folder / "recipe.json")).describe()


def write_tagger(folder: Path) -> None:
    network = nn.Sequential([nn.Flatten(), nn.Dense(2), nn.Softmax()], input_shape=(40, 4, 1))
    x = np.random.default_rng(0).standard_normal((8, 40, 4, 1))
    model = nn.NetworkClassifier(network, max_epochs=1, random_state=0).fit(x, np.arange(8) % 2)
    options = {"n_frames": 4, "hop_frames": 4, "silence_dbfs": -60.0, "loudness_dbfs": None}
    about = {"recipe": MFCC().to_dict(), "class_names": ["Comedy", "Drama"], "options": options, "inputs": "mfcc"}
    nn.save(folder / "model.npz", model, **about)


def read_tagger(folder: Path) -> Callable[[], None]:
    tagger = Tagger.load(folder / "model.npz")
    assert repr(tagger.settings)

    def use() -> None:
        if math.prod(tagger.model.network_.input_shape) < 10**5:
            tagger.values(np.zeros((1, *tagger.model.network_.input_shape), np.float32))

    return use


def write_library(folder: Path) -> None:
    libraries.made_up_library(folder / "made", n_tracks=6, n_albums=2)
    with Writer(folder / "made") as writer:
        writer.label_all({1: ["Action"], 2: ["Drama", "Comedy"]}, "by hand")
    for path in (folder / "made").iterdir():
        path.rename(folder / path.name)
    (folder / "made").rmdir()


def read_library(folder: Path) -> Callable[[], None]:
    tagger = Tagger.load(folder / MODEL)
    Basis.load(folder / BASIS)
    with Library.open(folder) as library:
        tracks = library.tracks(text="TRACK", min_duration_s=1.0) + list(library.tracks_of(library.ids()))
        for track in tracks:
            windows = library.windows(track)
            assert repr((track.name, len(windows.start_s.tobytes()), library.paths(track.id)))
            library.of_album(track)
        assert library.directions().shape == (library.n_tracks, library.width)
        library.ranks(library.track_values), library.labels(), library.problems(), library.folders()
        assert len(library.first_windows) == library.n_tracks
    return lambda: repr(tagger)


EMPTY_FILTERS = (UserWarning,)  # about a recipe that hears nothing
KINDS = {
    "features (float32)": Kind(
        lambda folder: write_features(folder, "float32"), read_features, (FeaturesError,), EMPTY_FILTERS
    ),
    "features (int16)": Kind(
        lambda folder: write_features(folder, "int16"), read_features, (FeaturesError,), EMPTY_FILTERS
    ),
    "features (uint8)": Kind(
        lambda folder: write_features(folder, "uint8"), read_features, (FeaturesError,), EMPTY_FILTERS
    ),
    "manifest": Kind(write_manifest, read_manifest, (ManifestError,)),
    "tags": Kind(write_tags, read_tags, (ManifestError,)),
    "part of features": Kind(write_part, read_part, (extract.TrackError,)),
    "package": Kind(write_package, read_package, (deb.PackageError,), may_run=("subprocess.Popen",)),
    "checksums": Kind(write_sums, read_sums, ()),
    "journal of an extraction": Kind(write_extraction_journal, read_extraction_journal, ()),
    "recipe": Kind(write_recipe, read_recipe_file, (ValueError,), EMPTY_FILTERS),
    "model for tagging": Kind(write_tagger, read_tagger, (nn.FileFormatError, ValueError), EMPTY_FILTERS),
    "library": Kind(write_library, read_library, (LibraryError, nn.FileFormatError), EMPTY_FILTERS),
    "results": Kind(write_results, read_results, ()),
}
