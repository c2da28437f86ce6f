"""Difference of means with an error that knows clusters (Bell & McCaffrey 2002)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import Procedure, Units


class Cluster(Procedure):
    """For rounds of one user, or users of one cluster, which are not independent."""

    title, meaning = "cluster (CR2)", "difference of means, cluster-robust errors"
    needs = ("cluster",)

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """See `experiment.cluster`."""
        return experiment.cluster(value=units.value, arm=units.arm, cluster=units.needed("cluster"), level=level)
