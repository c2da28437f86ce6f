"""Betting confidence sequence of bounded values (Waudby-Smith & Ramdas 2024)."""

from driftline.evaluation import experiment
from driftline.evaluation.experiment import Running
from driftline.evaluation.procedures._base import AnytimeProcedure, Units


class Betting(AnytimeProcedure):
    """bounds: the lowest and the highest possible value. planned: units near which it is tightest, by default all."""

    title, meaning = "betting", "difference of bounded means at any time and any share of the arms"
    estimand = "share"

    def __init__(self, bounds: tuple[float, float] = (0.0, 1.0), planned: int | None = None) -> None:
        self.bounds, self.planned = bounds, planned

    def running(self, units: Units, *, level: float = 0.95) -> Running:
        """See `experiment.confidence_sequence`."""
        planned = len(units.value) if self.planned is None else self.planned
        return experiment.confidence_sequence(
            units.value, units.arm, kind="betting", bounds=self.bounds, planned=planned, level=level
        )
