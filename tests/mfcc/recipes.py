"""Recipes with knobs that hypothesis draws."""

import warnings

from hypothesis import strategies as st

from mfcc import MFCC
from mfcc.windows import WINDOWS


@st.composite
def recipes(draw, outputs=("mfcc",)):
    """Small ones, of every kind: lengths that fill no vector, odd transforms, hops beyond a frame, all choices."""
    n_fft = draw(st.sampled_from([2, 3, 4, 7, 9, 15, 16, 30, 45, 64, 75, 97, 100, 128, 154, 240, 256]))
    win_length = draw(st.integers(1, n_fft))
    n_mels = draw(st.integers(1, 12))
    n_mfcc = draw(st.integers(1, n_mels))
    sr = draw(st.sampled_from([8000.0, 16000.0, 22050.0]))
    fmin = draw(st.sampled_from([0.0, 20.0, 1000.0]))
    energy = draw(st.sampled_from([None, "raw", "windowed", "spectrum"]))
    energy_place = draw(st.sampled_from(["c0", "append"]))
    drop = n_mfcc > 1 and (energy is None or energy_place == "append")
    warp = draw(st.sampled_from([1.0, 0.9, 1.1]))
    log = draw(st.sampled_from(["natural", "decibel"]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mel filters are empty")
        return MFCC(
            sr=sr,
            full_scale=draw(st.sampled_from([1.0, 3.0, 32768.0])),
            integer_full_scale=draw(st.sampled_from([None, 32768.0])),
            preemphasis=draw(st.sampled_from([0.0, 0.97, 1.0])),
            preemphasis_scope=draw(st.sampled_from(["frame", "signal"])),
            n_fft=n_fft,
            win_length=win_length,
            hop_length=draw(st.integers(1, 2 * win_length)),
            zero_padding=draw(st.sampled_from(["after", "around"])),
            center=draw(st.sampled_from([False, True, "hop"])),
            pad_mode=draw(st.sampled_from(["constant", "reflect", "symmetric", "edge"])),
            partial=draw(st.sampled_from(["drop", "pad"])),
            remove_mean=draw(st.booleans()),
            window=draw(st.sampled_from(WINDOWS)),
            window_periodic=draw(st.booleans()),
            power=draw(st.sampled_from([1, 2])),
            spectrum_scale=draw(st.sampled_from([None, "length"])),
            n_mels=n_mels,
            fmin=fmin,
            fmax=draw(st.sampled_from([sr / 2, 3999.0])),
            filter_sr=draw(st.sampled_from([None, sr + 100.0])),
            mel_formula=draw(st.sampled_from(["htk", "slaney"])),
            filter_shape=draw(st.sampled_from(["hz", "mel", "bins"])),
            filter_norm=draw(st.sampled_from([None, "slaney"])),
            skip_edge_bins=draw(st.booleans()),
            warp=warp,
            warp_low=None if warp == 1 else 1500.0,
            warp_high=None if warp == 1 else 3000.0,
            log=log,
            log_floor=draw(st.sampled_from([1e-10, 1.0])),
            log_floor_mode=draw(st.sampled_from(["clip", "zeros", "add"])),
            top_db=draw(st.sampled_from([None, 10.0])) if log == "decibel" else None,
            n_mfcc=n_mfcc,
            dct_type=draw(st.sampled_from([1, 2, 3] if n_mels > 1 else [2, 3])),
            dct_norm=draw(st.sampled_from(["ortho", "htk", None])),
            lifter=draw(st.sampled_from([0.0, 22.0])),
            lifter_start=draw(st.sampled_from([0, 1])),
            c0=draw(st.sampled_from(["first", "last", "drop"] if drop else ["first", "last"])),
            energy=energy,
            energy_place=energy_place,
            energy_floor=draw(st.sampled_from([1e-10, 1.0])),
            output=draw(st.sampled_from(outputs)),
        )
