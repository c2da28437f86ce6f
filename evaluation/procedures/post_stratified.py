"""Difference of means, stratum by stratum (Miratrix, Sekhon & Yu 2013)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class PostStratified(Procedure):
    """Like is compared with like, and the strata are weighed by their shares."""

    title, meaning = "post-stratified", "difference of means, weighed over strata"
    needs = ("stratum",)

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.post_stratified`."""
        stratum = units.needed("stratum")
        return experiment.post_stratified(value=units.value, arm=units.arm, stratum=stratum, level=level)
