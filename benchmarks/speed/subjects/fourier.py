"""The Fourier transform of ten minutes in frames of 2,048 samples, of other shapes, and the cosine transform."""

from __future__ import annotations

from speed import signals
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject, Task

CONTENDERS = (
    Contender("NumPy", "speed.peers.ffts:reference", REFERENCE),
    Contender("mfcc", "speed.peers.ffts:ours", OURS),
    Contender("FFTW", "speed.peers.ffts:fftw", needs=("pyfftw",)),
    Contender("SciPy", "speed.peers.ffts:scipy"),
    Contender("NumPy", "speed.peers.ffts:numpy"),
    Contender("MKL", "speed.peers.ffts:mkl", needs=("mkl_fft",)),
)


# FFTW and MKL look for a plan of each shape, for up to minutes.
WITHOUT_PLANS = tuple(one for one in CONTENDERS if not one.needs)
COSINES = (
    Contender("SciPy", "speed.peers.ffts:cosine_reference", REFERENCE),
    Contender("mfcc", "speed.peers.ffts:our_cosines", OURS),
    Contender("SciPy", "speed.peers.ffts:scipy_cosines"),
)
OTHER_SHAPES = {
    "few-long": ("7 rows of 4,096", 7, 4096),
    "one-long": ("one row of 1,048,576", 1, 1 << 20),
    "frames-400": ("1,000 frames of 400", 1000, 400),
    "frames-551": ("1,000 frames of 551", 1000, 551),
    "frames-625": ("1,000 frames of 625", 1000, 625),
    "one-frame": ("one frame of 512", 1, 512),
}
COSINE_SHAPES = {
    "dct-bands": ("1,000 rows of 41", 1000, 41),
    "dct-one": ("one row of 128", 1, 128),
    "dct-prime": ("100 rows of 509", 100, 509),
}


def prepare(task: Task) -> None:
    """Save the frames."""
    n_frames, n = task.settings["n_frames"], task.settings["n"]
    task.save(frames=signals.music(n_frames * n, 22050).reshape(n_frames, n))


def cases(options: Options) -> list[Case]:
    """Ten minutes, and what is transformed in another way than they are."""
    n_frames = 100 if options.quick else 6448
    others = [
        Case(
            name,
            f"{function} of {title}",
            contenders,
            prepare,
            tolerance=1e-5,
            settings={"n_frames": rows, "n": n},
            threads=1,
            at_least=1.0,
        )
        for function, contenders, shapes in (
            ("rfft", WITHOUT_PLANS, OTHER_SHAPES),
            ("dct", COSINES, COSINE_SHAPES),
        )
        for name, (title, rows, n) in shapes.items()
    ]
    return [
        Case(
            "frames-2048",
            f"rfft of {n_frames:,} frames of 2,048",
            CONTENDERS,
            prepare,
            tolerance=1e-5,
            settings={"n_frames": n_frames, "n": 2048},
            at_least=1.5,
            aim=2.5,
        ),
        *others,
    ]


SUBJECT = Subject("rfft", "The Fourier transform of real frames", cases)
