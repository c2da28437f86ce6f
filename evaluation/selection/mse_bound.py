"""Tuning by an estimated mean squared error: bias from taming the weights against the variance saved."""

from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.off_policy.checks import one_of, share, vector
from driftline.evaluation.selection.chosen import at_least_one
from driftline.sim.types import Floats

Bias = Literal["direct", "bernstein", "bernstein_residual"]


def mse_bound(
    *,
    reward: Floats,
    weight: Floats,
    tamed_weight: Floats,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    bias: Bias = "bernstein",
    delta: float = 0.1,
) -> float:
    """Variance of the mean plus squared bias of an estimator that uses `tamed_weight` in place of `weight`; all [n].

    Estimator: mean of tamed_weight (r - q_action) + q_expected, without a model the mean of tamed_weight r. Variance:
    divisor n, over n. Bias b = |mean of (weight - tamed_weight)(r - q_action)| (Su, Dimakopoulou, Krishnamurthy &
    Dudik 2020, section 5 and appendix), and on top
    direct: nothing;
    bernstein: sqrt(2 mean(w^2) log(2/delta) / n) + 2 max(w) log(2/delta) / (3 n), the weights themselves being used,
    as in the Open Bandit Pipeline (`use_bias_upper_bound=True`): the same for every candidate, so it presses towards
    less bias;
    bernstein_residual: the same with |w - tamed w| |r - q| in place of w: 0 where nothing was tamed.
    """
    one_of("bias", bias, get_args(Bias))
    share("delta", delta)
    reward = vector("reward", reward)
    n = len(reward)
    w, tamed = vector("weight", weight, n, 0.0), vector("tamed_weight", tamed_weight, n, 0.0)
    missed = reward if q_action is None else reward - vector("q_action", q_action, n)
    terms = tamed * missed if q_expected is None else tamed * missed + vector("q_expected", q_expected, n)
    cut = (w - tamed) * missed
    amount = abs(float(cut.mean()))
    if bias != "direct":
        size = w if bias == "bernstein" else np.abs(cut)
        surprise = log(2.0 / delta)
        amount += sqrt(2.0 * float(np.square(size).mean()) * surprise / n)
        amount += 2.0 * float(size.max()) * surprise / (3.0 * n)
    return float(np.var(terms)) / n + amount**2


def smallest_mse_bound(
    *,
    family: Callable[[Floats, float], Floats],
    grid: Sequence[float],
    reward: Floats,
    weight: Floats,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    bias: Bias = "bernstein",
    delta: float = 0.1,
) -> tuple[float, dict[float, float]]:
    """The value of the grid with the smallest `mse_bound`, and all bounds; the earlier one among equals.

    family: (weights [n], lambda) -> tamed weights [n], such as those of `off_policy.weights`.
    """
    at_least_one(grid, len(grid))
    w = vector("weight", weight, len(reward), 0.0)
    scores = {
        float(lambda_): mse_bound(
            reward=reward,
            weight=w,
            tamed_weight=family(w, float(lambda_)),
            q_action=q_action,
            q_expected=q_expected,
            bias=bias,
            delta=delta,
        )
        for lambda_ in grid
    }
    return min(scores, key=scores.__getitem__), scores
