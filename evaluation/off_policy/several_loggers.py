"""One target policy, a log that several policies filled (Agarwal, Basu, Schnabel & Joachims 2017).

Arrays are [n]; `logger` says which of K logging policies acted in a round, `pscore` [n, K] with which probability
*each* of them would have taken the logged action there. How many rounds a logger has counts as fixed: deviations are
taken from each logger's own mean, with divisor n_k - 1, so differences between loggers add nothing to the error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt
from typing import Unpack

import numpy as np

from driftline.evaluation.arrays import probabilities, vector, whole_numbers
from driftline.evaluation.bootstrap import Resampled, resampled_sums, summary
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked, Precision, judged, need_asymptotic
from driftline.evaluation.off_policy.diagnostics import diagnose
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Delta
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Shares = Callable[[Floats, Floats], Floats]
"""How much each logger's mean counts [..., K], from numbers of rounds and variances [..., K]."""


def naive_multi_ips(
    *,
    reward: Floats,
    logger: Int64s,
    pscore: Floats,
    target_pscore: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """mean(w r), w = target_pscore / the propensity of the logger that acted: unbiased, but not wise.

    One logger far from the target policy spoils the whole.

    Args:
        reward: What the logged actions earned [n]; finite.
        logger: Which policy acted in each round [n], 0 to K - 1; at least two rounds each.
        pscore: Each policy's probability of the logged action [n, K], or only that of the one that acted [n].
        target_pscore: Its probability under the target policy [n], in [0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: A logger with one round, or whose own propensity is 0; unequal lengths, an unusable value.

    Examples:
        >>> log = {"reward": [1, 0, 1, 1], "logger": [0, 0, 1, 1], "target_pscore": [0.5, 0.25, 0.5, 0.25]}
        >>> pscore = [[0.5, 0.25], [0.5, 0.5], [0.25, 0.5], [0.25, 0.5]]
        >>> naive_multi_ips(**log, pscore=pscore).value
        0.625
    """
    split = _split(reward, logger, pscore, target_pscore, asked, own=True)
    return _estimate("naive_multi_ips", split, _by_rounds, Precision.of(asked))


def balanced_multi_ips(
    *,
    reward: Floats,
    logger: Int64s,
    pscore: Floats,
    target_pscore: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """mean(w r), w = target_pscore / `mixture_pscore`: as if one logger that is the mixture of all had acted.

    Unbiased, never of larger variance than `naive_multi_ips`, and it needs support by some logger only.

    Args:
        reward: What the logged actions earned [n]; finite.
        logger: Which policy acted in each round [n], 0 to K - 1; at least two rounds each.
        pscore: Each policy's probability of the logged action [n, K].
        target_pscore: Its probability under the target policy [n], in [0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: A logger with one round, or whose own propensity is 0; unequal lengths, an unusable value.

    Examples:
        >>> log = {"reward": [1, 0, 1, 1], "logger": [0, 0, 1, 1], "target_pscore": [0.5, 0.25, 0.5, 0.25]}
        >>> pscore = [[0.5, 0.25], [0.5, 0.5], [0.25, 0.5], [0.25, 0.5]]
        >>> round(balanced_multi_ips(**log, pscore=pscore).value, 4)
        0.8333
    """
    split = _split(reward, logger, pscore, target_pscore, asked, own=False)
    return _estimate("balanced_multi_ips", split, _by_rounds, Precision.of(asked))


def weighted_multi_ips(
    *,
    reward: Floats,
    logger: Int64s,
    pscore: Floats,
    target_pscore: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """sum_k s_k mean_k(w r), s_k = (n_k / v_k) / sum_j (n_j / v_j): each logger's own mean, by its precision.

    v_k: the variance of w r within logger k, divisor n_k, w as in `naive_multi_ips`. The best of all fixed shares if
    v were known; it is estimated from the same rounds, so a logger whose rewards happen to be small and alike
    counts too much, and the value falls short where rewards are rare.

    Args:
        reward: What the logged actions earned [n]; finite.
        logger: Which policy acted in each round [n], 0 to K - 1; at least two rounds each.
        pscore: Each policy's probability of the logged action [n, K], or only that of the one that acted [n].
        target_pscore: Its probability under the target policy [n], in [0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: A logger with one round, or whose own propensity is 0; unequal lengths, an unusable value;
            a logger whose w r are all the same.

    Examples:
        >>> log = {"reward": [1, 0, 1, 1], "logger": [0, 0, 1, 1], "target_pscore": [0.5, 0.25, 0.5, 0.25]}
        >>> pscore = [[0.5, 0.25], [0.5, 0.5], [0.25, 0.5], [0.25, 0.5]]
        >>> round(weighted_multi_ips(**log, pscore=pscore).value, 4)
        0.7
    """
    split = _split(reward, logger, pscore, target_pscore, asked, own=True)
    same = [int(name) for name, v in zip(split.names, split.moments()[1], strict=True) if not v > 0]
    if same:
        raise InputError(
            f"logger {same[0]}: weighted rewards are the same in all its rounds, so its precision cannot be told; "
            "use balanced_multi_ips"
        )
    return _estimate("weighted_multi_ips", split, _by_precision, Precision.of(asked))


def mixture_pscore(*, logger: Int64s, pscore: Floats) -> Floats:
    """Propensity of the logged action under the mixture of all loggers, sum_k n_k / n pi_k(a_i | x_i) [n].

    For any estimator that takes `pscore`.

    Args:
        logger: Which policy acted in each round [n], 0 to K - 1.
        pscore: Each policy's probability of the logged action [n, K], in [0, 1].

    Raises:
        InputError: A logger whose own propensity is 0; unequal lengths, an unusable value.

    Examples:
        >>> mixture_pscore(logger=[0, 0, 1], pscore=[[0.5, 0.2], [0.5, 0.2], [0.5, 0.2]]).round(4).tolist()
        [0.4, 0.4, 0.4]
    """
    table = _propensities(pscore, None)
    loggers = whole_numbers("logger", logger, len(table), table.shape[1])
    _refuse_impossible(table, loggers)
    return np.asarray(table @ (np.bincount(loggers, minlength=table.shape[1]) / len(table)))


@dataclass(frozen=True, eq=False, slots=True)
class _Split:
    """Rounds by logger."""

    rounds: Rounds
    logger: Int64s
    """Place in `names` [n]."""
    names: Int64s
    """Loggers that have rounds [K]."""
    size: Floats
    """Their numbers of rounds [K]."""

    def moments(self) -> tuple[Floats, Floats]:
        """Means and variances (divisor n_k) of weighted rewards by logger [K]."""
        term = self.rounds.weighted_reward
        mean = np.bincount(self.logger, term) / self.size
        return mean, np.bincount(self.logger, (term - mean[self.logger]) ** 2) / self.size


def _split(reward: Floats, logger: Int64s, pscore: Floats, target_pscore: Floats, asked: Asked, *, own: bool) -> _Split:
    n = len(vector("reward", reward))
    if own and np.ndim(pscore) == 1:
        loggers, propensity = whole_numbers("logger", logger, n), pscore
    else:
        table = _propensities(pscore, n)
        loggers = whole_numbers("logger", logger, n, table.shape[1])
        if own:
            _refuse_impossible(table, loggers)
            propensity = table[np.arange(n), loggers]
        else:
            propensity = mixture_pscore(logger=loggers, pscore=table)
    names, place, size = np.unique(loggers, return_inverse=True, return_counts=True)
    if size.min() < 2:
        raise InputError(f"logger {names[np.argmin(size)]} has 1 round; at least 2 are needed")
    rounds = rounds_of(asked, reward, propensity, target_pscore)
    return _Split(rounds, place.astype(np.int64, copy=False), names, size.astype(np.float64))


def _propensities(pscore: Floats, n: int | None) -> Floats:
    table = np.asarray(pscore, dtype=np.float64)
    if table.ndim != 2 or (n is not None and len(table) != n):
        raise InputError(f"pscore has shape {table.shape}; must be [{n or 'n'}, loggers], one column a logging policy")
    for k in range(table.shape[1]):
        probabilities(f"pscore[:, {k}]", table[:, k])
    return table


def _refuse_impossible(table: Floats, loggers: Int64s) -> None:
    own = table[np.arange(len(table)), loggers]
    if not (own > 0).all():
        at = int(np.argmin(own > 0))
        raise InputError(f"pscore[{at}, {loggers[at]}] is 0, but logger {loggers[at]} took that action")


def _by_rounds(size: Floats, variance: Floats) -> Floats:  # noqa: ARG001  all of a kind are called alike
    return np.asarray(size / size.sum(axis=-1, keepdims=True))


def _by_precision(size: Floats, variance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = size / variance
        return np.asarray(precision / precision.sum(axis=-1, keepdims=True))


def _estimate(method: str, split: _Split, shares: Shares, precision: Precision) -> Estimate:
    need_asymptotic(method, precision)
    rounds = split.rounds
    cells = clusters_of(rounds)
    mean, variance = split.moments()
    share = shares(split.size, variance)
    n = len(rounds)
    # the influence of a round on the value, times n
    psi = (n * share / split.size)[split.logger] * (rounds.weighted_reward - mean[split.logger])
    found = _delta(float(share @ mean), psi, split, cells)
    drawn = None
    if precision.interval == "bootstrap" and found.units > 1:
        drawn = _resampled(split, shares, cells, found, precision)
    warnings = diagnose(rounds, cluster=cells).warnings()
    return judged(method, found, drawn, precision, clustered=cells is not None, warnings=warnings)


def _delta(value: float, psi: Floats, split: _Split, cells: Clusters | None) -> Delta:
    if cells is None:
        units = len(psi)
        squares = np.bincount(split.logger, psi**2)
        total, own = float(squares.sum()), float(np.sum(squares * split.size / (split.size - 1)))
    else:
        units = cells[1]
        psi = np.bincount(cells[0], psi, units).astype(np.float64, copy=False)
        total = float(np.sum(psi**2))
        own = total * units / (units - 1) if units > 1 else nan
    skew = abs(float(np.sum(psi**3))) / total**1.5 if total > 0 else nan
    return Delta(value, sqrt(own) / len(split.rounds) if units > 1 else nan, units, skew)


def _resampled(split: _Split, shares: Shares, cells: Clusters | None, found: Delta, precision: Precision) -> Resampled:
    """Replicates find their own means, variances and shares; propensities stay as they are.

    Shares by rounds stay too: how many rounds a logger has is no chance.
    """
    term = split.rounds.weighted_reward
    powers = (np.ones(len(term)), term, term**2)
    columns = [(split.logger == k) * power for k in range(len(split.names)) for power in powers]
    sums = resampled_sums(columns, cells, precision.seed, precision.replicates)
    size, first, second = (sums[:, part::3] for part in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = first / size
        variance = second / size - mean**2
    share = shares(np.broadcast_to(split.size, mean.shape), variance)
    return summary(found.value, np.sum(share * mean, axis=1), found.units, precision.level)
