"""Difference of shares of ones by Newcombe's interval (Newcombe 1998)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Proportions(Procedure):
    """Who clicked, who came back: values are 0 or 1."""

    title, meaning = "proportion", "difference of shares of ones, Newcombe's interval and the pooled z test"
    estimand = "share"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.proportions`."""
        return experiment.proportions(units.value, units.arm, level=level)
