"""Entropy of belief against truth: does an agent think interests broader, or narrower, than they are?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.tracking import BLOCK, softmax
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


@dataclass(frozen=True, slots=True)
class BeliefEntropy:
    """Entropies of each probed visit in nats; arrays are [n]."""

    believed: Floats
    true: Floats

    @property
    def excess(self) -> Floats:
        """Believed less true: above 0 the agent is less sure than the user is."""
        return np.asarray(self.believed - self.true)


def belief_entropy(
    scores: ArrayLike, utility: ArrayLike, temperature: float, *, dominant: ArrayLike | None = None
) -> BeliefEntropy:
    """Shannon entropy of what is believed and of what is true, over the same probe items or topics.

    scores, utility [n, P]: as in `driftline.evaluation.tracking.Beliefs`; believed = softmax(scores / T), true =
    softmax(utility), T from `fit_temperature`. With `dominant` [P], each probe's strongest topic, probabilities are
    summed by topic first. From 0 to log of the number of probes (topics); 0 log 0 = 0. T comes from all visits
    together, so the mean excess is small by construction; what it does just after a change, and who differs from
    whom, is what it can tell.
    """
    held, known = np.asarray(scores, dtype=np.float64), np.asarray(utility, dtype=np.float64)
    if held.ndim != 2 or held.shape != known.shape:
        raise InputError(f"scores {held.shape} and utility {known.shape} must both be [visits, probes]")
    if not temperature > 0.0:
        raise InputError(f"temperature is {temperature}; it must be above 0")
    topic = np.arange(held.shape[1]) if dominant is None else np.asarray(dominant)
    if topic.shape != (held.shape[1],):
        raise InputError(f"dominant has shape {topic.shape} for {held.shape[1]} probes")
    _, code = np.unique(topic, return_inverse=True)
    gather = np.zeros((len(code), int(code.max(initial=-1)) + 1))
    gather[np.arange(len(code)), code] = 1.0
    out = np.empty((2, len(held)))
    for at in range(0, len(held), BLOCK):
        rows = slice(at, at + BLOCK)
        for row, logits in enumerate((held[rows] / temperature, known[rows])):
            share = softmax(logits) if dominant is None else np.einsum("np,pt->nt", softmax(logits), gather)
            logs = np.log(share, out=np.zeros_like(share), where=share > 0)
            out[row, rows] = -(share * logs).sum(axis=1) + 0.0
    return BeliefEntropy(out[0], out[1])
