"""Relative lift of the mean by the delta method."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Lift(Procedure):
    """B's mean over A's less 1: .03 is three per cent more than A."""

    title, meaning = "lift", "relative lift of the mean, delta method"
    estimand = "lift"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.lift`."""
        return experiment.lift(value=units.value, arm=units.arm, level=level)
