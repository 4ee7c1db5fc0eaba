"""From scores to probabilities: calibration on held-out samples, and collections in which classes have other shares.

Scores are **log-odds**, log(p / (1 - p)), of shape (n_samples,) for one class or (n_samples, n_classes) for several
that each decide for themselves; targets are 0 and 1 of the same shape.

A score that ranks well may still be no probability. :func:`fit_platt`, :func:`fit_temperature` and :func:`fit_isotonic`
learn on samples that the classifier did not see how scores become probabilities, and :func:`reliability_curve` shows
whether they did. A calibrated probability holds for the shares that classes had there: :func:`shift_shares` carries it
to a collection with other, known shares, :func:`match_shares` to one whose scores are moved as well, and
:func:`estimate_shares` finds unknown shares in the scores themselves.

Computation is in float64.
"""

from nnlite.calibration.isotonic import Isotonic, fit_isotonic
from nnlite.calibration.platt import Platt, fit_platt, fit_temperature
from nnlite.calibration.reliability import Reliability, expected_calibration_error, reliability_curve
from nnlite.calibration.shares import EstimatedShares, estimate_shares, log_odds_of, match_shares, shift_shares, sigmoid

__all__ = [
    "EstimatedShares",
    "Isotonic",
    "Platt",
    "Reliability",
    "estimate_shares",
    "expected_calibration_error",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "log_odds_of",
    "match_shares",
    "reliability_curve",
    "shift_shares",
    "sigmoid",
]
