"""Record what torchaudio makes of half a second of sound: python record_torchaudio.py, in an environment that has it.

The recording holds the samples, the results by the names of the settings below, and the version.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
import torchaudio

SETTINGS = {
    "default": {},
    "log_mels": {"log_mels": True},
    "slaney": {
        "n_mfcc": 20,
        "melkwargs": {
            "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40, "f_min": 60.0, "f_max": 7600.0,
            "mel_scale": "slaney", "norm": "slaney", "normalized": True, "window_fn": "hamming_window",
        },
    },
    "uncentred": {"n_mfcc": 13, "melkwargs": {"n_fft": 400, "hop_length": 160, "n_mels": 23, "center": False}},
    "unscaled": {
        "n_mfcc": 30,
        "norm": None,
        "melkwargs": {
            "n_mels": 30, "window_fn": "blackman_window", "pad_mode": "constant", "normalized": "frame_length",
        },
    },
}  # fmt: skip


def main() -> None:
    t = np.arange(8000) / 16000
    y = 0.5 * np.sin(2 * np.pi * 300 * t * (1 + t)) * np.exp(-6 * t)
    y += 0.02 * np.random.default_rng(0).standard_normal(8000)
    y[6000:7000] = 0
    samples = np.round(y * 32768).astype(np.int16)
    signal = torch.from_numpy(samples.astype(np.float32) / 32768)
    recorded = {
        "samples": samples,
        "version": np.array(torchaudio.__version__),
        "settings": np.array(json.dumps(SETTINGS)),
    }
    for name, settings in SETTINGS.items():
        keywords = json.loads(json.dumps(settings))
        if window := keywords.get("melkwargs", {}).get("window_fn"):
            keywords["melkwargs"]["window_fn"] = getattr(torch, window)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty filters
            recorded[name] = torchaudio.transforms.MFCC(**keywords)(signal).numpy()
    np.savez_compressed(Path(__file__).with_name("torchaudio.npz"), **recorded)


if __name__ == "__main__":
    main()
