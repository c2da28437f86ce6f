"""The distribution of rewards that a policy would earn, and the mean of its worst share.

F(t) = P(reward <= t) under the target policy, from weighted rounds (Huang, Leqi, Lipton & Azizzadenesheli 2021): plain,
min(1, mean(w 1{r <= t})), or self-normalised, sum(w 1{r <= t}) / sum(w). Both are steps at logged rewards that never
fall, since weights are at least 0.

Conditional value at risk is that of the lower tail: rewards are gains, and small ones are bad. CVaR_alpha = 1 / alpha
times the integral of the quantile function from 0 to alpha = max_t {t - E[(t - R)+] / alpha} (Rockafellar & Uryasev
2000, signs turned), which is the mean of the worst alpha of all rewards; a reward at the quantile counts with the part
of its probability that is still needed. alpha = 1 is the mean.
"""

from dataclasses import dataclass
from math import inf, nan
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.arrays import between_0_and_1
from driftline.evaluation.bootstrap import Resampled, fill_counts, poisson_table, summary
from driftline.evaluation.estimate import LEVEL, Estimate, t_quantile
from driftline.evaluation.interval import Asked, Precision, judged, need_asymptotic
from driftline.evaluation.off_policy.diagnostics import diagnose
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Terms, delta
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class RewardDistribution:
    """A cumulative distribution in steps; arrays are [m], one entry for each distinct logged reward, ascending."""

    reward: Floats
    cdf: Floats
    """P(reward <= this one) under the target policy, in [0, 1]."""
    std_error: Floats
    """Of each step alone; NaN for fewer than two units."""
    low: Floats
    """Pointwise limits, within [0, 1]: each holds at its own reward, not all of them at once."""
    high: Floats
    n: int
    """Independent units: rounds, or clusters."""
    warnings: tuple[str, ...] = ()

    def at(self, reward: ArrayLike) -> Floats:
        """F at any rewards; 0 below the smallest logged one."""
        place = np.searchsorted(self.reward, np.asarray(reward, dtype=np.float64), side="right")
        return np.asarray(np.concatenate([[0.0], self.cdf])[place])

    def quantile(self, share: ArrayLike) -> Floats:
        """The smallest reward with F of at least `share`, in (0, 1]; the largest logged one where F never gets there.

        Value at risk is the quantile of a small share.
        """
        asked = np.asarray(share, dtype=np.float64)
        if not ((asked > 0.0) & (asked <= 1.0)).all():
            raise InputError(f"share is {asked.tolist()}; must be above 0 and at most 1")
        # a sum of weights may miss the share it stands for by its last bits
        place = np.searchsorted(self.cdf, asked - ROUNDING)
        return np.asarray(self.reward[np.minimum(place, len(self.cdf) - 1)])


def reward_distribution(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    self_normalised: bool = True,
    cluster: Int64s | None = None,
    level: float = LEVEL,
) -> RewardDistribution:
    """F at every distinct logged reward, with pointwise limits by the delta method.

    The standard error of F(t) is that of `snips`, or `ips`, on the reward 1{r <= t}.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        self_normalised: Whether weights are divided by their sum. The plain form is unbiased below 1, but may end below
            1 (what is missing has no reward) or is cut off at 1.
        cluster: Whose round it is [n]; then errors are cluster-robust, and limits Student's.
        level: Of the limits, in (0, 1).

    Raises:
        InputError: level out of range, unequal lengths, an unusable value.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> found = reward_distribution(**log)
        >>> found.reward.tolist(), found.cdf.round(4).tolist()
        ([0.0, 1.0], [0.1429, 1.0])
    """
    between_0_and_1("level", level)
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    cells = clusters_of(rounds)
    order = np.argsort(rounds.reward, kind="stable")
    weight = rounds.weight[order]
    ends = np.flatnonzero(np.append(np.diff(rounds.reward[order]) > 0, True))
    total = np.cumsum(weight)
    scale = float(total[-1]) if self_normalised else float(len(rounds))
    cdf = total[ends] / scale
    error = _errors(weight, order, ends, cdf, cells, scale, self_normalised)
    units = len(rounds) if cells is None else cells[1]
    reach = t_quantile(0.5 + level / 2, inf if cells is None else max(units - 1, 1)) * error
    return RewardDistribution(
        reward=rounds.reward[order][ends],
        cdf=np.minimum(cdf, 1.0),
        std_error=error,
        low=np.clip(cdf - reach, 0.0, 1.0),
        high=np.clip(cdf + reach, 0.0, 1.0),
        n=units,
        warnings=diagnose(rounds, cluster=cells).warnings(),
    )


def _errors(
    weight: Floats,
    order: Int64s,
    ends: Int64s,
    cdf: Floats,
    cells: Clusters | None,
    scale: float,
    self_normalised: bool,
) -> Floats:
    """Standard errors of all steps in one pass over the rounds in order of reward.

    With A_c a unit's weight up to the step and B_c its share of the normaliser, the sum of squared influences is
    sum A^2 - 2 F sum A B + F^2 sum B^2; a further round adds w (2 A_c + w) to the first and w B_c to the second.
    """
    n = len(weight)
    where = np.arange(n) if cells is None else cells[0][order]
    units = n if cells is None else cells[1]
    if units < 2:
        return np.full(len(ends), nan)
    whole = np.bincount(where, weight if self_normalised else None, units).astype(np.float64, copy=False)
    before = np.zeros(n) if cells is None else _before(weight, where)
    squares = np.cumsum(weight * (2.0 * before + weight))[ends]
    mixed = np.cumsum(weight * whole[where])[ends]
    summed = np.maximum(squares - cdf * (2.0 * mixed - cdf * float(np.sum(whole**2))), 0.0)
    if self_normalised:
        # all of the weight lies below the last step, whatever the draw
        summed[-1] = 0.0
    return np.asarray(np.sqrt(summed * units / (units - 1)) / scale)


def _before(weight: Floats, where: Int64s) -> Floats:
    """The sum of a unit's weights before each of its rounds [n]."""
    grouped = np.argsort(where, kind="stable")
    running = np.cumsum(weight[grouped]) - weight[grouped]
    starts = np.flatnonzero(np.append(True, np.diff(where[grouped]) > 0))
    running -= np.repeat(running[starts], np.diff(np.append(starts, len(weight))))
    before = np.empty(len(weight))
    before[grouped] = running
    return before


FEW_IN_TAIL = 30.0
"""Effective sample size of the tail below which it is told."""


def cvar(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    alpha: float,
    self_normalised: bool = True,
    **asked: Unpack[Asked],
) -> Estimate:
    """Conditional value at risk: the mean of the worst share of the target policy's rewards.

    Self-normalised, F has mass 1, and alpha = 1 gives `snips`. Else F is the plain one: mass beyond 1 is cut off, mass
    missing to 1 is put at the largest logged reward. The normal interval is by the delta method, the influence of round
    i being that of -w_i (t - r_i)+ / alpha at the quantile t, which may be held fixed since the maximum over t is flat;
    it understates where many rewards are equal and F passes alpha just between two of them. In the bootstrap every
    replicate finds its own quantile, with the counts of the other estimators' bootstrap.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        alpha: The worst share of rewards, in (0, 1].
        self_normalised: Whether weights are divided by their sum.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: alpha out of range, unequal lengths, an unusable value.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> round(cvar(**log, alpha=0.5).value, 4)
        0.7143
    """
    precision = Precision.of(asked)
    need_asymptotic("cvar", precision)
    if not 0.0 < alpha <= 1.0:
        raise InputError(f"alpha is {alpha:g}; must be above 0 and at most 1 (the worst share of rewards)")
    rounds = rounds_of(asked, reward, pscore, target_pscore)
    cells = clusters_of(rounds)
    order = np.argsort(rounds.reward, kind="stable")
    quantile, mass = _quantile(rounds, order, alpha, self_normalised)
    short = -rounds.weight * np.maximum(quantile - rounds.reward, 0.0) / alpha
    base = np.full(len(rounds), quantile)
    found = delta(Terms(base=base, top=short, bottom=rounds.weight if self_normalised else None), cells)
    drawn = None
    if precision.interval == "bootstrap":
        drawn = _resampled(rounds, order, cells, found.value, alpha, self_normalised, precision)
    warnings = (*diagnose(rounds, cluster=cells).warnings(), *_tail_warnings(rounds, quantile, alpha, mass))
    name = f"cvar {alpha:g} of {'snips' if self_normalised else 'ips'}"
    return judged(name, found, drawn, precision, clustered=cells is not None, warnings=warnings)


def _quantile(rounds: Rounds, order: Int64s, alpha: float, self_normalised: bool) -> tuple[float, float]:
    """The smallest reward with F of at least alpha (the largest where there is none), and the mass of F."""
    total = np.cumsum(rounds.weight[order])
    scale = float(total[-1]) if self_normalised else float(len(rounds))
    at = min(int(np.searchsorted(total, alpha * scale)), len(total) - 1)
    return float(rounds.reward[order[at]]), float(total[-1]) / scale


def _tail_warnings(rounds: Rounds, quantile: float, alpha: float, mass: float) -> tuple[str, ...]:
    found = []
    tail = rounds.weight[rounds.reward <= quantile]
    effective = float(tail.sum()) ** 2 / float(np.sum(tail**2)) if tail.any() else 0.0
    if effective < FEW_IN_TAIL:
        found.append(f"tail: the worst {alpha:.2%} rest on about {effective:.1f} rounds; the interval is rough")
    if mass < alpha:
        found.append(
            f"mass: the weights add up to {mass:.4g} of the {alpha:g} asked for; what is missing is put at the largest "
            "logged reward"
        )
    return tuple(found)


@kernel
def _tail_means(
    reward: Floats,
    weight: Floats,
    unit: Int64s,
    units: int,
    alpha: float,
    self_normalised: bool,
    table: NDArray[np.uint8],
    seed: int,
    found: Floats,
) -> None:
    """CVaR of every replicate, NaN where no weight was drawn; rounds come in order of reward."""
    n = reward.size
    counts = np.empty(units + 8)
    for replicate in range(found.size):
        fill_counts(counts, 0, units, replicate, table, seed)
        # all the mass that F has in this replicate
        scale = 0.0
        weighed = 0.0
        for i in range(n):
            count = counts[unit[i]]
            scale += count * weight[i] if self_normalised else count
            weighed += count * weight[i]
        if not weighed > 0.0:
            found[replicate] = np.nan
            continue
        # from the smallest reward up, until the share alpha of it is used
        left = alpha * scale
        total = 0.0
        last = 0.0
        for i in range(n):
            mass = counts[unit[i]] * weight[i]
            if mass <= 0.0:
                # a reward that was not drawn is not the largest one either
                if counts[unit[i]] > 0.0:
                    last = reward[i]
                continue
            last = reward[i]
            if mass >= left:
                break
            total += mass * last
            left -= mass
        found[replicate] = (total + left * last) / (alpha * scale)


def _resampled(
    rounds: Rounds,
    order: Int64s,
    cells: Clusters | None,
    value: float,
    alpha: float,
    self_normalised: bool,
    precision: Precision,
) -> Resampled:
    unit, units = (np.arange(len(rounds)), len(rounds)) if cells is None else cells
    found = np.empty(precision.replicates)
    _tail_means(
        rounds.reward[order],
        rounds.weight[order],
        unit[order],
        units,
        alpha,
        self_normalised,
        poisson_table(),
        precision.seed,
        found,
    )
    return summary(value, found, units, precision.level)
