"""How sure an off-policy estimate is."""

from driftline.evaluation.off_policy.intervals.anytime import Sequence, bounded_sequence, weighted_sequence
from driftline.evaluation.off_policy.intervals.concentration import empirical_bernstein, hoeffding
from driftline.evaluation.off_policy.intervals.precision import Bounds, IntervalName, Precision

__all__ = [
    "Bounds",
    "IntervalName",
    "Precision",
    "Sequence",
    "bounded_sequence",
    "empirical_bernstein",
    "hoeffding",
    "weighted_sequence",
]
