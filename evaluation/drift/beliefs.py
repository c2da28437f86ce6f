"""Belief against truth: how sure an agent is, and whether it knows a user's strongest topics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.run.tracking import BLOCK, softmax
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

    scores, utility [n, P]: as in `driftline.evaluation.run.tracking.Beliefs`; believed = softmax(scores / T), true =
    softmax(utility), T from `fit_temperature`. With `dominant` [P], each probe's strongest topic, probabilities are
    summed by topic first. From 0 to log of the number of probes (topics); 0 log 0 = 0. T comes from all visits
    together, so the mean excess is small by construction; what it does just after a change, and who differs from
    whom, is what it can tell.

    Example:
        >>> from driftline.evaluation.drift import belief_entropy
        >>> belief_entropy([[0.0, 0.0]], [[1.0, 1.0]], 1.0).excess.tolist()
        [0.0]
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


TOP = 3
"""Strongest topics that are asked for, by default."""


def topic_recall(believed: ArrayLike, true: ArrayLike, *, top: int = TOP) -> Floats:
    """Share of the `top` truly strongest topics that are among the `top` believed ones [n], in [0, 1].

    believed, true [n, K]: any scores per topic, larger is stronger (see `topic_scores`). Ties at the border are
    broken at random, and the expectation of that is returned exactly: equal beliefs recall top / K. (Manning,
    Raghavan & Schutze 2008, 8.3, with as many retrieved as relevant: R-precision.)

    Example:
        >>> from driftline.evaluation.drift import topic_recall
        >>> topic_recall([[9.0, 0.0, 7.0, 8.0]], [[9.0, 8.0, 7.0, 0.0]], top=2).tolist()
        [0.5]
    """
    held, known = np.asarray(believed, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if held.ndim != 2 or held.shape != known.shape:
        raise InputError(f"believed {held.shape} and true {known.shape} must both be [visits, topics]")
    if not 1 <= top <= held.shape[1]:
        raise InputError(f"top is {top}; it must lie in 1 to {held.shape[1]}, the number of topics")
    if np.isnan(held).any() or np.isnan(known).any():
        raise InputError("believed and true must not hold NaN")
    return np.asarray((_membership(held, top) * _membership(known, top)).sum(axis=1) / top)


def topic_scores(scores: ArrayLike, dominant: ArrayLike) -> Floats:
    """Mean score of the probes of each topic [n, T]; topics ascending, those of no probe left out.

    scores [n, P] (an agent's scores, or the true utility), dominant [P]: each probe's strongest topic. Asks agents
    and truth the same question, whatever an agent believes in.

    Example:
        >>> from driftline.evaluation.drift import topic_scores
        >>> topic_scores([[1.0, 3.0, 5.0]], [0, 0, 1]).tolist()
        [[2.0, 5.0]]
    """
    given, topic = np.asarray(scores, dtype=np.float64), np.asarray(dominant)
    if given.ndim != 2 or topic.shape != (given.shape[1],):
        raise InputError(f"scores {given.shape} must be [visits, probes] and dominant {topic.shape} [probes]")
    _, code, count = np.unique(topic, return_inverse=True, return_counts=True)
    out = np.zeros((len(given), len(count)))
    for probe, place in enumerate(code):
        out[:, place] += given[:, probe]
    return out / count


def _membership(values: Floats, top: int) -> Floats:
    """Chance of each topic to be among the `top` when ties are broken at random."""
    border = -np.partition(-values, top - 1, axis=1)[:, top - 1 : top]
    above, tied = values > border, values == border
    places = top - above.sum(axis=1, keepdims=True)
    return np.asarray(above + tied * (places / tied.sum(axis=1, keepdims=True)))
