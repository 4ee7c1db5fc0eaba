"""Recipes that reproduce other tools, by name; any knob is changed with `replace`.

Each is what its tool computes by default; WHISPER leaves two last steps to you, which its docstring has. Recipes of
speech count windows and hops in seconds: `KALDI.replace(sr=8000)` has 25 ms every 10 ms too. In two of them a frame
depends on the rest of its clip, because librosa and torchaudio raise what is more than 80 dB below the clip's loudest
value: LIBROSA_UNLIMITED and TORCHAUDIO_UNLIMITED are the same without that limit. `HTK.describe()` prints a recipe;
`HTK.difference(KALDI)` names the knobs in which two differ.
"""

from __future__ import annotations

import warnings

import numpy as np

from mfcc.recipe import MFCC

FILMSCORE = MFCC()
"""The published recipe for film scores, and the default: 40 coefficients (41 without the first) of frames of 2,048
samples at 22,050 Hz without overlap."""

HTK = MFCC(
    sr=16000,
    full_scale=32768,
    integer_full_scale="type",
    win_seconds=0.025,
    hop_seconds=0.01,
    window="hamming",
    window_periodic=False,
    n_mels=23,
    filter_shape="mel",
    skip_edge_bins=True,
    log_floor=1,
    n_mfcc=13,
    dct_norm="htk",
    lifter=22,
    c0="last",
    energy_place="append",
)
"""HTK 3.4's HCopy with TARGETKIND = MFCC_0, NUMCHANS = 23, USEPOWER = T, PREEMCOEF = 0 and 25 ms every 10 ms.

`mfcc.HCopy.from_config` reads any other settings from HTK's configuration files, with deltas (_D, _A, _T), means
subtracted (_Z) and energies normalised (ENORMALISE). By hand: MFCC without _0 is c0="drop"; _E is energy="raw", with
RAWENERGY = F "windowed"; FBANK and MELSPEC are output="log_mel" and "mel"; NUMCEPS is n_mfcc - 1; USEPOWER = F is
power=1; PREEMCOEF is preemphasis; ZMEANSOURCE = T is remove_mean=True; LOFREQ and HIFREQ are fmin and fmax; WARPFREQ,
WARPLCUTOFF and WARPUCUTOFF are warp, warp_low and warp_high. In a frame of digital silence HTK has an energy of -1e10,
and so has HCopy; here it is bounded.
"""

KALDI = MFCC(
    sr=16000,
    full_scale=32768,
    integer_full_scale="type",
    preemphasis=0.97,
    win_seconds=0.025,
    hop_seconds=0.01,
    pad_mode="symmetric",
    remove_mean=True,
    window="povey",
    window_periodic=False,
    n_mels=23,
    fmin=20,
    filter_shape="mel",
    log_floor=float(np.finfo(np.float32).eps),
    n_mfcc=13,
    lifter=22,
    c0="first",
    energy="raw",
    energy_floor=float(np.finfo(np.float32).eps),
)
"""Kaldi's compute-mfcc-feats, and kaldi-native-fbank's OnlineMfcc on samples of 16-bit scale, both with dither=0.

Other settings: snip-edges=false is center="hop"; use-energy=false is energy=None; raw-energy=false is
energy="windowed"; htk-compat=true is c0="last", without energy with dct_norm="htk" too; round-to-power-of-two=false is
n_fft=win_length; high-freq counts from sr / 2 if it is not above 0, fmax does not. Filter banks are output="log_mel",
with use-log-fbank=false "mel"; use-power=false is power=1.
"""

LIBROSA = MFCC(
    hop_length=512,
    center=True,
    zero_padding="around",
    n_mels=128,
    mel_formula="slaney",
    filter_norm="slaney",
    log="decibel",
    top_db=80,
    n_mfcc=20,
    c0="first",
)
"""librosa 0.11, `librosa.feature.mfcc(y=y, sr=22050)`.

Other settings: lifter goes with lifter_start=1; htk=True is mel_formula="htk"; mel_norm is filter_norm, norm is
dct_norm.
"""

LIBROSA_UNLIMITED = LIBROSA.replace(top_db=None)
"""LIBROSA without its limit of 80 dB below the loudest value of the clip, so that a frame depends on its own samples
alone: for streams, tiles and excerpts. It is `librosa.feature.mfcc(S=librosa.power_to_db(M, top_db=None))` of the mel
spectrogram M."""

PYTHON_SPEECH_FEATURES = MFCC(
    sr=16000,
    full_scale=32768,
    integer_full_scale="type",
    preemphasis=0.97,
    preemphasis_scope="signal",
    win_seconds=0.025,
    hop_seconds=0.01,
    seconds_rounding="nearest",
    partial="pad",
    window="rectangular",
    spectrum_scale="length",
    n_mels=26,
    filter_shape="bins",
    log_floor=float(np.finfo(np.float64).eps),
    log_floor_mode="zeros",
    n_mfcc=13,
    lifter=22,
    c0="first",
    energy="spectrum",
    energy_floor=float(np.finfo(np.float64).eps),
)
"""python_speech_features 0.6, `mfcc(signal, 16000)`, on the 16-bit integers of a file; full_scale=1 gives what it makes
of floating-point samples.

Other settings: its nfft is 512 at every rate, here the transform goes with the window: `replace(sr=8000, n_fft=512)` is
its `mfcc(signal, 8000)`; appendEnergy=False is energy=None; nfilt and numcep are n_mels and n_mfcc; winfunc is window,
with window_periodic=False for numpy's windows; logfbank is output="log_mel". (An energy between 0 and 2.2e-16, of
samples softer than -150 dB, is raised to that here.)
"""

TENSORFLOW = MFCC(
    sr=16000,
    n_fft=1024,
    hop_length=256,
    power=1,
    n_mels=80,
    fmin=80,
    fmax=7600,
    filter_shape="mel",
    log_floor=1e-6,
    log_floor_mode="add",
    n_mfcc=13,
    dct_norm="htk",
    c0="first",
)
"""TensorFlow's tf.signal, as the documentation of `tf.signal.mfccs_from_log_mel_spectrograms` puts its functions
together: stft with 64 ms every 16 ms, the magnitude through linear_to_mel_weight_matrix with 80 bands from 80 to
7,600 Hz, ln(m + 1e-6), and the first 13 coefficients.

Other settings: frame_length and frame_step are win_length and hop_length, lower_edge_hertz and upper_edge_hertz are
fmin and fmax; n_mfcc=80 keeps all coefficients; pad_end=True is no knob. (dct_norm="htk" has the angles of the cosines
in 32 bits, as HTK has them, which makes up to 1e-5 of a difference.)
"""

with warnings.catch_warnings():  # 128 filters on 201 bins leave some empty; torchaudio warns of them too
    warnings.filterwarnings("ignore", message="MFCC: .* mel filters are empty")
    TORCHAUDIO = MFCC(
        sr=16000,
        n_fft=400,
        hop_length=200,
        center=True,
        pad_mode="reflect",
        zero_padding="around",
        n_mels=128,
        log="decibel",
        top_db=80,
        n_mfcc=40,
        c0="first",
    )
    TORCHAUDIO_UNLIMITED = TORCHAUDIO.replace(top_db=None)
"""torchaudio 2, `torchaudio.transforms.MFCC()`; TORCHAUDIO_UNLIMITED is the same without its limit of 80 dB below the
loudest value of the clip, so that a frame depends on its own samples alone.

Other settings: log_mels=True is log="natural", log_floor=1e-6, log_floor_mode="add", top_db=None; mel_scale and norm
are mel_formula and filter_norm, MFCC's own norm is dct_norm; normalized=True is spectrum_scale="window", "frame_length"
is "length". Where n_fft or the sampling rate is odd, its bins lie between 0 and sr // 2:
filter_sr = sr // 2 * n_fft / (n_fft // 2).
"""

WHISPER = MFCC(
    sr=16000,
    n_fft=400,
    hop_length=160,
    center=True,
    pad_mode="reflect",
    n_mels=80,
    mel_formula="slaney",
    filter_norm="slaney",
    log="decibel",
    output="log_mel",
)
"""OpenAI's Whisper, `whisper.log_mel_spectrogram(y)`, up to its logarithm, in decibels. Its last steps are no knobs: it
leaves out the last frame, limits what is left to 8 bels below the loudest value, and scales. These two lines do that:

    bels = WHISPER(y)[:, :-1] / 10
    features = (np.maximum(bels, bels.max() - 8) + 4) / 4

Whisper takes y filled up with zeros or cut to 480,000 samples, 30 s. Its large-v3 has n_mels=128.
"""

PRESETS: dict[str, MFCC] = {name: value for name, value in vars().items() if isinstance(value, MFCC)}
"""All recipes here by name; the command line takes the names in lower case."""
