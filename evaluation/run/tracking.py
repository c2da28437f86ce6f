"""How well an agent knows what its users want: its scores of the probe items against the truth.

Agents believe in different things (topics, vectors, counts), so all are asked the same question: how do you
score these items for this user? No agent's inside is opened.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from driftline.evaluation.run.folder import RunFolder
from driftline.sim.errors import RunFolderError
from driftline.sim.types import Floats, Int32s, Int64s

FIT_ROWS = 4096
"""The temperature is fitted on at most this many rows, evenly spaced."""
BLOCK = 1024
"""Rows worked on at once: what fits into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What an agent scored and what was true, one row per probed visit, sorted by (user, visit)."""

    user: Int64s
    visit: Int32s
    time: Floats
    scores: Floats
    """The agent's scores of the probe items [n, P]."""
    utility: Floats
    """True interest in the probe items, theta . mixture [n, P]."""
    dominant: Int64s
    """Each probe's strongest topic [P]."""


def beliefs(run: RunFolder, agent: str, seed: int) -> Beliefs:
    """Scores and truth of every probed visit; the truth is the interest before the visit."""
    probes = run.probes(seed).select("item").with_row_index("place")
    mixtures = probes.join(run.true_items(seed), on="item").sort("place").collect()["mixture"].to_numpy()
    mixture = np.asarray(mixtures, dtype=np.float64)
    interest = run.truth(agent, seed).select("user", "visit", "interest_before")
    scored = run.scores(agent, seed).join(interest, on=["user", "visit"]).sort("user", "visit").collect()
    scores = np.asarray(scored["scores"].to_numpy(), dtype=np.float64)
    if scores.size and scores.shape[1] != len(mixture):
        raise RunFolderError(f"{run.path}: {agent}, seed {seed} scored {scores.shape[1]} probe items of {len(mixture)}")
    if not np.isfinite(scores).all():
        raise RunFolderError(f"{run.path}: {agent}, seed {seed} gave a probe item a score that is not finite")
    theta = np.asarray(scored["interest_before"].to_numpy(), dtype=np.float64)
    return Beliefs(
        scored["user"].to_numpy(),
        scored["visit"].to_numpy(),
        scored["time"].to_numpy(),
        scores,
        theta @ mixture.T,
        mixture.argmax(axis=1),
    )


def softmax(scores: Floats) -> Floats:
    """Row-wise softmax [n, P]."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Jensen-Shannon divergence of each row, in nats: 0 (equal) to log 2 (disjoint) (Lin 1991)."""
    return _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2


def fit_temperature(scores: Floats, utility: Floats) -> float:
    """The one temperature T at which softmax(scores / T) comes nearest to the truth on average.

    Minimises the mean Jensen-Shannon divergence to softmax(utility) over the rows given, so an agent is not
    judged by the scale of its scores. A grid over e^-5 to e^5 times the scores' typical spread, then Brent's
    bounded search. 1 where all scores are equal.
    """
    step = max(1, -(-len(scores) // FIT_ROWS))
    scores, truth = scores[::step], softmax(utility[::step])
    # a quarter of the range is about a standard deviation, and exactly 0 for equal scores
    spread = float(np.mean(np.ptp(scores, axis=1))) / 4 if len(scores) else 0.0
    if spread == 0.0:
        return 1.0

    def loss(log_t: float) -> float:
        return float(np.mean(jensen_shannon(softmax(scores / exp(log_t)), truth)))

    grid = log(spread) + np.linspace(-5.0, 5.0, 21)
    best = float(grid[int(np.argmin([loss(float(x)) for x in grid]))])
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(loss, bounds=(best - 0.5, best + 0.5), method="bounded", options={"xatol": 1e-4})
    return exp(float(found.x))


def tracking_error(scores: Floats, utility: Floats, temperature: float) -> Floats:
    """Divergence between what the agent believes and what is true, per row, in nats [n].

    Believed: softmax(scores / temperature) over the probe items. True: softmax(theta . mixture) over them.
    """
    out = np.empty(len(scores))
    for at in range(0, len(scores), BLOCK):
        rows = slice(at, at + BLOCK)
        out[rows] = jensen_shannon(softmax(scores[rows] / temperature), softmax(utility[rows]))
    return out


def rank_correlation(scores: Floats, utility: Floats) -> Floats:
    """Spearman's rank correlation of scores and truth, per row [n].

    Ties get their average rank; a row of equal scores knows no order and counts as 0.
    """
    out = np.zeros(len(scores))
    for at in range(0, len(scores), BLOCK):
        rows = slice(at, at + BLOCK)
        a, b = _centred_ranks(scores[rows]), _centred_ranks(utility[rows])
        norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
        np.divide((a * b).sum(axis=1), norm, out=out[rows], where=norm > 0)
    return out


def _centred_ranks(values: Floats) -> Floats:
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, values.shape[1] + 1)[None, :], axis=1)
    tied = (np.diff(ranked, axis=1) == 0).any(axis=1)
    if tied.any():
        ranks[tied] = _average_ranks(ranked[tied], order[tied])
    return np.asarray(ranks - (values.shape[1] + 1) / 2)


def _average_ranks(ranked: Floats, order: Int64s) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs; ranked: the values in ascending order."""
    width, place = ranked.shape[1], np.arange(ranked.shape[1])
    new = np.ones((len(ranked), width + 1), np.bool_)
    new[:, 1:-1] = np.diff(ranked, axis=1) != 0
    first = np.maximum.accumulate(np.where(new[:, :-1], place, 0), axis=1)
    last = np.minimum.accumulate(np.where(new[:, 1:], place, width - 1)[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(ranked.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1.0, axis=1)
    return ranks


def _entropy(p: Floats) -> Floats:
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return -np.asarray((p * logs).sum(axis=1))
