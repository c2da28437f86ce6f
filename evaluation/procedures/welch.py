"""Difference of means by Welch's t (Welch 1947)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Welch(Procedure):
    """Mean of B less mean of A; the arms' variances may differ."""

    title, meaning = "welch", "difference of means, Welch's t"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.welch`."""
        return experiment.welch(units.value, units.arm, level=level)
