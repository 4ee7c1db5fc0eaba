"""The Fourier transform of ten minutes in frames of 2,048 samples."""

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


def prepare(task: Task) -> None:
    """Save the frames."""
    n_frames = task.settings["n_frames"]
    task.save(frames=signals.music(n_frames * 2048, 22050).reshape(n_frames, 2048))


def cases(options: Options) -> list[Case]:
    """One case."""
    n_frames = 100 if options.quick else 6448
    return [
        Case(
            "frames-2048",
            f"rfft of {n_frames:,} frames of 2,048",
            CONTENDERS,
            prepare,
            tolerance=1e-5,
            settings={"n_frames": n_frames},
            at_least=1.5,
            aim=2.5,
        )
    ]


SUBJECT = Subject("rfft", "The Fourier transform of real frames", cases)
