"""Asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Running
from driftline.evaluation.procedures._base import AnytimeProcedure, Units


class ConfidenceSequence(AnytimeProcedure):
    """planned: units near which it is tightest, by default all there are."""

    title, meaning = "confidence sequence", "difference of means at any time, asymptotic confidence sequence"

    def __init__(self, planned: int | None = None) -> None:
        self.planned = planned

    def running(self, units: Units, *, level: float = 0.95) -> Running:
        """See `experiment.confidence_sequence`."""
        planned = len(units.value) if self.planned is None else self.planned
        return experiment.confidence_sequence(units.value, units.arm, planned=planned, level=level)
