"""Tracking error: how far believed interest is from true interest (Lin 1991)."""

from math import log

from driftline.evaluation.metrics._base import Judged, Metric
from driftline.evaluation.run import tracking
from driftline.sim.types import Floats


class TrackingError(Metric):
    """Jensen-Shannon divergence of softmax(scores / T) and softmax(true utility) over the probe items, in nats."""

    title, better, bounds = "tracking error", "low", (0.0, log(2.0))
    meaning = "distance between believed and true interest (Jensen-Shannon, nats: 0 is perfect, 0.69 the worst)"
    section = "known"
    # (.5, .5) against (.75, .25); their mean is (5/8, 3/8)
    case = (
        {"scores": [[0.0, 0.0], [1.0, 1.0]], "utility": [[0.0, 0.0], [log(3.0), 0.0]]},
        [0.0, 0.5 * log(0.5) + 0.375 * log(0.75) + 0.125 * log(0.25) - 0.625 * log(0.625) - 0.375 * log(0.375)],
    )

    def values(self, judged: Judged) -> Floats:
        """The divergence at each probed visit."""
        known = judged.probed
        return judged.at_probed(tracking.tracking_error(known.scores, known.utility, known.temperature))
