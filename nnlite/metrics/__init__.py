"""Multi-class, multi-label and ranking metrics, and R2 of predicted numbers.

**Targets** come first, as in scikit-learn, in one of two forms: *multi-label*, an (n_samples, n_classes) array of 0 and
1; or *multi-class*, an (n_samples,) array of class labels (0 to n_classes - 1 unless `classes` lists others), which
means one label a sample. **Scores** are (n_samples, n_classes), a higher score means a likelier class; two (n_samples,)
arrays, targets of 0 and 1 and scores, mean a single class. All results are Python floats, or arrays when there is one
figure a class.

**One averaging function.** A metric that exists per class takes `average`: ``None`` (one figure a class), ``"macro"``
(their mean, the default), ``"weighted"`` (their mean, weighted by the number of positives), ``"micro"`` (all decisions
pooled) or ``"samples"`` (one figure a sample over its classes, averaged over samples). `sample_weight` multiplies a
sample wherever it is counted.

**One core a family.** Counts of true and false positives carry precision, recall and F1; the same counts at every
threshold carry ROC-AUC, average precision and the best thresholds; the rank of each label, among all and among the
relevant ones, carries coverage error, label ranking average precision and ranking loss.

**Degenerate cases**, where scikit-learn often returns 0 or 1:

- A class without positives is not evaluable: precision, recall, F1, ROC-AUC and average precision are NaN. An average
  leaves it out, and an :class:`UndefinedMetricWarning` (one a call) says so. A class with positives only has no ROC-AUC
  (NaN); its average precision is 1.
- A class that is never predicted has precision 0 (and F1 0), as in scikit-learn. `zero_division` of precision, recall
  and F1 gives scikit-learn's answer for classes without positives too.
- A sample without labels has no ranking to judge. It is left out of coverage error, label ranking average precision and
  ranking loss; scikit-learn counts it as perfect. A sample with all labels is left out of ranking loss, which compares
  a relevant with an irrelevant label. ``average="samples"`` follows the same rule. If no sample is left, the result is
  NaN, with a warning.
- Ties: ROC-AUC counts a tied pair as half (midranks); average precision and the best thresholds treat tied scores as
  one threshold; the ranking metrics are pessimistic, a tie between a relevant and an irrelevant label is an error.

**Uncertainty**: :func:`bootstrap_intervals` resamples whole groups, :func:`bootstrap_difference` compares two models on
the same resamples.

All agree with scikit-learn where its conventions are the same. Computation is in float64.
"""

from nnlite.metrics.averages import UndefinedMetricWarning
from nnlite.metrics.bootstrap import Interval, bootstrap_difference, bootstrap_intervals
from nnlite.metrics.classification import (
    ClassCounts,
    PrecisionRecallF1,
    accuracy,
    class_counts,
    confusion_matrix,
    f1,
    precision,
    precision_recall_f1,
    recall,
)
from nnlite.metrics.curves import average_precision, best_thresholds, roc_auc
from nnlite.metrics.evaluation import evaluate
from nnlite.metrics.grouping import average_by_group, labels_by_group
from nnlite.metrics.probabilities import brier_score, log_loss
from nnlite.metrics.ranking import (
    best_coverage_error,
    coverage_error,
    label_ranking_average_precision,
    label_ranking_loss,
)
from nnlite.metrics.regression import r2

__all__ = [
    "ClassCounts",
    "Interval",
    "PrecisionRecallF1",
    "UndefinedMetricWarning",
    "accuracy",
    "average_by_group",
    "average_precision",
    "best_coverage_error",
    "best_thresholds",
    "bootstrap_difference",
    "bootstrap_intervals",
    "brier_score",
    "class_counts",
    "confusion_matrix",
    "coverage_error",
    "evaluate",
    "f1",
    "label_ranking_average_precision",
    "label_ranking_loss",
    "labels_by_group",
    "log_loss",
    "precision",
    "precision_recall_f1",
    "r2",
    "recall",
    "roc_auc",
]
