"""Difference of medians, or of other quantiles, by order statistics (Deng, Knoblich & Lu 2018)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Quantile(Procedure):
    """q: which quantile, in (0, 1); the median by default. Values must hardly ever tie with it."""

    title, meaning = "median", "difference of medians, order statistics and normal interval"
    estimand = "quantile"

    def __init__(self, q: float = 0.5) -> None:
        self.q = q

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.quantile`."""
        return experiment.quantile(value=units.value, arm=units.arm, q=self.q, level=level)
