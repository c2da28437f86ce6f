"""Mixture sequential probability ratio test (Johari, Pekelis & Walsh 2015)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Running
from driftline.evaluation.procedures._base import AnytimeProcedure, Units


class Msprt(AnytimeProcedure):
    """tau: standard deviation of the effects hoped for, in the value's unit."""

    title, meaning = "msprt", "difference of means at any time, mixture sequential probability ratio test"

    def __init__(self, tau: float = 0.05) -> None:
        self.tau = tau

    def running(self, units: Units, *, level: float = 0.95) -> Running:
        """See `experiment.msprt`."""
        return experiment.msprt(units.value, units.arm, tau=self.tau, level=level)
