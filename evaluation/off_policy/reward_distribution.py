"""The whole distribution of rewards that a policy would earn, not only its mean.

F(t) = P(reward <= t) under the target policy, from weighted rounds (Huang, Leqi, Lipton & Azizzadenesheli 2021):
plain, min(1, mean(w 1{r <= t})), or self-normalised, sum(w 1{r <= t}) / sum(w). Both are steps at logged
rewards that never fall, since weights are at least 0.
"""

from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.intervals import t_quantile
from driftline.evaluation.off_policy.checks import Codes, codes, share
from driftline.evaluation.off_policy.diagnostics import diagnose
from driftline.evaluation.off_policy.intervals.precision import LEVEL
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.errors import InputError
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

    Arrays [n], as for `ips`. The standard error of F(t) is that of `snips`, or `ips`, on the reward 1{r <= t}; with
    `cluster` the cluster-robust one and Student's t. self_normalised=False is unbiased below 1, but may end below 1
    (what is missing has no reward) or is cut off at 1.
    """
    share("level", level)
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    cells = None if rounds.cluster is None else codes(rounds.cluster)
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
    cells: tuple[Codes, int] | None,
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


def _before(weight: Floats, where: Codes) -> Floats:
    """The sum of a unit's weights before each of its rounds [n]."""
    grouped = np.argsort(where, kind="stable")
    running = np.cumsum(weight[grouped]) - weight[grouped]
    starts = np.flatnonzero(np.append(True, np.diff(where[grouped]) > 0))
    running -= np.repeat(running[starts], np.diff(np.append(starts, len(weight))))
    before = np.empty(len(weight))
    before[grouped] = running
    return before
