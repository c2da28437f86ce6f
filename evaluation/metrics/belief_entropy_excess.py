"""Entropy excess: whether an agent is less sure of an interest than the user is (Shannon 1948)."""

from math import log

from driftline.evaluation.drift import beliefs
from driftline.evaluation.metrics._base import Judged, Metric
from driftline.sim.types import Floats


class BeliefEntropyExcess(Metric):
    """Entropy of softmax(scores / T) less that of softmax(true utility) over the probe items, in nats."""

    title = "entropy excess"
    meaning = "entropy of believed less true interest in nats: above 0, less sure than the user is"
    section = "known"
    # log 2 less the entropy of (.75, .25)
    case = (
        {"scores": [[0.0, 0.0], [1.0, 1.0]], "utility": [[0.0, 0.0], [log(3.0), 0.0]]},
        [0.0, log(2.0) + 0.75 * log(0.75) + 0.25 * log(0.25)],
    )

    def values(self, judged: Judged) -> Floats:
        """The excess at each probed visit."""
        known = judged.probed
        return judged.at_probed(beliefs.belief_entropy(known.scores, known.utility, known.temperature).excess)
