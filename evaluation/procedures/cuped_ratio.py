"""Difference of ratios of sums less what the arms differed by before (Deng, Xu, Kohavi & Walker 2013)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class CupedRatio(Procedure):
    """CUPED of a ratio metric: covariates known before the experiment explain a part of each unit's ratio."""

    title, meaning = "ratio (cuped)", "difference of ratios of sums, adjusted for covariates from before"
    needs, estimand = ("numerator", "denominator", "covariate"), "ratio"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.cuped_ratio`."""
        above, below = units.needed("numerator"), units.needed("denominator")
        covariate = units.needed("covariate")
        return experiment.cuped_ratio(
            numerator=above, denominator=below, arm=units.arm, covariate=covariate, level=level
        )
