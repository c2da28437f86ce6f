"""Difference of means, a regression of its own for each arm (Lin 2013)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class RegressionAdjusted(Procedure):
    """Covariates known before the experiment explain a part of the values, in each arm by slopes of its own."""

    title, meaning = "regression (Lin)", "difference of means, each arm adjusted by a regression of its own, HC2"
    needs = ("covariate",)

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.regression_adjusted`."""
        covariate = units.needed("covariate")
        return experiment.regression_adjusted(value=units.value, arm=units.arm, covariate=covariate, level=level)
