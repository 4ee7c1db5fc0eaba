"""Recorded outputs of HTK 3.4, which are no part of the project: tests that find none skip."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[3]


def folder():
    """Return the folder of hcopy1.conf, test.wav, test.wav.fea_htk.1 ...: by MFCC_HTK_DATA, or beside the checkout."""
    if "MFCC_HTK_DATA" in os.environ:
        return Path(os.environ["MFCC_HTK_DATA"])
    found = sorted(ROOT.parent.glob("*/htk/hcopy1.conf"))
    if not found:
        pytest.skip(f"no recorded outputs of HTK in {ROOT.parent}/*/htk; MFCC_HTK_DATA says where else they are")
    return found[0].parent


def config(name):
    """Return the text of a configuration file."""
    return (folder() / name).read_text()


def features(name):
    """Return an HTK parameter file as (features, frames)."""
    content = (folder() / name).read_bytes()
    n_frames, _, size, _ = struct.unpack(">iihh", content[:12])
    return np.frombuffer(content[12:], ">f4").reshape(n_frames, size // 4).T


def samples(dtype="int16"):
    """Return the recording of the features: 16-bit integers, or numbers of full scale 1.0."""
    y, sr = soundfile.read(folder() / "test.wav", dtype="int16")
    assert sr == 16000
    return y if dtype == "int16" else y.astype(dtype) / 32768
