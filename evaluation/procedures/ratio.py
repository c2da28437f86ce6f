"""Difference of ratios of sums by the delta method (Deng, Knoblich & Lu 2018)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Ratio(Procedure):
    """Reward per visit, clicks per session: the user is the unit, not the visit."""

    title, meaning = "ratio (delta)", "difference of ratios of sums, delta method"
    needs, estimand = ("numerator", "denominator"), "ratio"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.ratio`."""
        above, below = units.needed("numerator"), units.needed("denominator")
        return experiment.ratio(numerator=above, denominator=below, arm=units.arm, level=level)
