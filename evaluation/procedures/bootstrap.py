"""Difference of means by the bootstrap of whole units (Hanley & MacGibbon 2006)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units

REPLICATES = 400


class Bootstrap(Procedure):
    """Percentiles of the difference over keyed Poisson counts."""

    title, meaning = "bootstrap", "difference of means, percentile bootstrap of units"
    resampled = True

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.bootstrap`."""
        return experiment.bootstrap(
            value=units.value, arm=units.arm, replicates=REPLICATES, interval="percentile", level=level
        )
