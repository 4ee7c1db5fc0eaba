"""Hold the presets against the tools that they reproduce, as far as they are installed, and print the differences.

On the recordings that come along, whole, with the tools' defaults; HTK is held against recorded outputs of HCopy: a
folder with test.wav, hcopy1.conf, test.wav.fea_htk.1 and so on. docs/tools.md shows the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import mfcc

RECORDINGS = [Path(__file__).parent / "data" / name for name in ("Illurock.opus", "return_to_home.ogg")]
FULL_SCALE = 32768


class Comparison(NamedTuple):
    """The features that a tool made of samples of full scale 1.0, and the recipe that should make the same."""

    tool: str
    what: str
    y: np.ndarray
    expected: np.ndarray
    ours: Callable[[np.ndarray], np.ndarray]


def librosa(y: np.ndarray, sr: float) -> Iterator[Comparison]:
    import librosa

    tool = f"librosa {librosa.__version__}"
    yield Comparison(tool, "`feature.mfcc(y=y)`", y, librosa.feature.mfcc(y=y, sr=sr), mfcc.LIBROSA)
    decibels = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr), top_db=None)
    unlimited = librosa.feature.mfcc(S=decibels)
    yield Comparison(tool, "the same without its limit of 80 dB", y, unlimited, mfcc.LIBROSA_UNLIMITED)


def kaldi(y: np.ndarray, sr: float) -> Iterator[Comparison]:
    import kaldi_native_fbank

    for center, what in ((False, "`MfccOptions()`, dither 0"), ("hop", "with snip_edges=False")):
        options = kaldi_native_fbank.MfccOptions()
        options.frame_opts.dither = 0
        options.frame_opts.snip_edges = not center
        online = kaldi_native_fbank.OnlineMfcc(options)
        online.accept_waveform(sr, (FULL_SCALE * y).tolist())
        online.input_finished()
        expected = np.array([online.get_frame(i) for i in range(online.num_frames_ready)]).T
        tool = f"kaldi-native-fbank {importlib.metadata.version('kaldi-native-fbank')}"
        yield Comparison(tool, what, y, expected, dataclasses.replace(mfcc.KALDI, center=center))


def python_speech_features(y: np.ndarray, sr: float) -> Iterator[Comparison]:
    import python_speech_features

    tool = f"python_speech_features {importlib.metadata.version('python_speech_features')}"
    expected = python_speech_features.mfcc((FULL_SCALE * y).astype(np.int16), int(sr)).T
    yield Comparison(tool, "`mfcc(signal)`", y, expected, mfcc.PYTHON_SPEECH_FEATURES)


def torchaudio(y: np.ndarray, sr: float) -> Iterator[Comparison]:
    import torch
    import torchaudio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of empty filters
        transform = torchaudio.transforms.MFCC()
    expected = transform(torch.from_numpy(y.astype(np.float32))).numpy()
    yield Comparison(f"torchaudio {torchaudio.__version__}", "`transforms.MFCC()`", y, expected, mfcc.TORCHAUDIO)


def htk(folder: Path) -> Iterator[Comparison]:
    import soundfile

    y = soundfile.read(folder / "test.wav", dtype="int16")[0] / FULL_SCALE
    for config in sorted(folder.glob("*.conf")):
        kind, number = config.stem[:-1].replace("hcopy", "fea"), config.stem[-1]
        content = (folder / f"test.wav.{kind}_htk.{number}").read_bytes()
        n_frames = int.from_bytes(content[:4], "big")
        expected = np.frombuffer(content[12:], ">f4").reshape(n_frames, -1).T.astype(np.float64)
        features = mfcc.HCopy.from_config(config.read_text())
        target = next(line.split("=")[1].split()[0] for line in config.read_text().splitlines() if "TARGETKIND" in line)
        yield Comparison("HTK 3.4, recorded", f"HCopy, {target}", y, expected, features)


def samples(path: Path, sr: float) -> np.ndarray:
    """Return a recording in 16 bits, as numbers of full scale 1.0 in float64."""
    y, _ = mfcc.load(path, sr)
    return np.round(y * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1) / FULL_SCALE


def rows(comparisons: Iterable[Comparison]) -> str:
    """Return the lines of the table, one for each setting of a tool: the largest numbers over all recordings."""
    largest: dict[tuple[str, str], np.ndarray] = {}
    for tool, what, y, expected, ours in comparisons:
        wide, narrow = (np.abs(ours(y.astype(dtype)) - expected).max() for dtype in (np.float64, np.float32))
        found = np.array([np.abs(expected).max(), wide, narrow])
        largest[tool, what] = np.maximum(found, largest.get((tool, what), found))
    return "\n".join(
        f"| {tool} | {what} | {value:.0f} | {wide:.1e} | {narrow:.1e} |"
        for (tool, what), (value, wide, narrow) in largest.items()
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--htk", type=Path, metavar="FOLDER", help="recorded outputs of HCopy")
    options = parser.parse_args(arguments)
    print("| tool | what | largest value | largest difference, float64 | float32 |\n|---|---|---|---|---|")
    if options.htk is not None:
        print(rows(htk(options.htk)))
    for compare, sr in ((kaldi, 16000), (librosa, 22050), (python_speech_features, 16000), (torchaudio, 16000)):
        try:
            print(rows(comparison for path in RECORDINGS for comparison in compare(samples(path, sr), sr)))
        except ImportError as error:
            print(f"{compare.__name__}: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
