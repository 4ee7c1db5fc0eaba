"""The way back from coefficients to the log-mel spectrum, the mel spectrum, the spectrum and, sketchily, to sound."""

from mfcc.inverse.phase_retrieval import griffin_lim
from mfcc.inverse.resynthesis import lost, resynthesize
from mfcc.inverse.steps import to_log_mel, to_mel, to_spectrum

__all__ = ["griffin_lim", "lost", "resynthesize", "to_log_mel", "to_mel", "to_spectrum"]
