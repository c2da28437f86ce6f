"""Difference of means less what the arms differed by before (Deng, Xu, Kohavi & Walker 2013)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Cuped(Procedure):
    """CUPED: covariates known before the experiment explain a part of the values."""

    title, meaning = "cuped", "difference of means, adjusted for covariates from before"
    needs = ("covariate",)

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.cuped`."""
        covariate = units.needed("covariate")
        return experiment.cuped(value=units.value, arm=units.arm, covariate=covariate, level=level)
