"""SLOPE, the least variable candidate that still agrees with the more variable ones, and bounds of squared errors."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, log, sqrt
from typing import Generic, Literal, TypeVar, get_args

import numpy as np

from driftline.evaluation.arrays import between_0_and_1, one_of, vector
from driftline.evaluation.estimate import Estimate, t_quantile
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Selection(Generic[Key]):
    """The chosen candidate, its estimate, and the score by which it was chosen."""

    chosen: Key
    """The candidate's key: a name, or the hyper-parameter's value."""
    estimate: Estimate
    """The candidate's own estimate. Its interval does not know that it was chosen, and is too narrow for that."""
    scores: dict[Key, float]
    """Estimated mean squared error by candidate, or the half-width for `slope`."""


def select(chosen: Key, estimate: Estimate, scores: dict[Key, float], rule: str) -> Selection[Key]:
    """A selection whose estimate says by which rule it was chosen among how many."""
    method = f"{estimate.method or 'unnamed'}, {chosen!r} chosen among {len(scores)} by {rule}"
    return Selection(chosen, replace(estimate, method=method), scores)


def at_least_one(candidates: object, n: int) -> None:
    """A choice needs candidates."""
    if n == 0:
        raise InputError(f"candidates is empty ({type(candidates).__name__}); at least one is needed")


Rule = Literal["pairwise", "intersection"]
Order = Literal["width", "given"]


def slope(
    candidates: Mapping[Key, Estimate], *, rule: Rule = "pairwise", order: Order = "width", delta: float = 0.1
) -> Selection[Key]:
    """Chooses among estimates of one thing whose bias grows as their variance falls.

    Candidates stand in the order of falling half-width c (equal ones as given). The last is taken up to which all
    agree.
    pairwise (SLOPE++, Tucker & Lee 2021): |v_i - v_j| <= c_i + (sqrt(6) - 1) c_j for every j before i;
    intersection (Su, Srinath & Krishnamurthy 2020): the intervals v_i +- 2 c_i have a common point.
    Half-width: std_error times Student's one-sided 1 - delta quantile with n - 1 degrees of freedom, as in the Open
    Bandit Pipeline, whose choice is the same for the pairwise rule.

    Args:
        candidates: Estimates by key.
        rule: `pairwise` or `intersection`.
        order: `width`, or `given`: the mapping's own order, from least bias to least variance, where that is known
            (clipping from high to low, windows from short to long); a half-width is then at least that of every later
            candidate, as in the authors' code. The guarantee (an error within a factor of the best candidate's) needs
            the order to be right.
        delta: Of the half-widths, in (0, 1).

    Raises:
        InputError: No candidates, a candidate without a finite value and error, an unknown name.

    Examples:
        >>> wide, narrow = Estimate(0.5, 0.2, 0.1, 0.9, 100), Estimate(0.6, 0.05, 0.5, 0.7, 100)
        >>> slope({"ips": wide, "dm": narrow}).chosen
        'dm'
    """
    at_least_one(candidates, len(candidates))
    one_of("rule", rule, get_args(Rule))
    one_of("order", order, get_args(Order))
    between_0_and_1("delta", delta)
    keys = list(candidates)
    width = np.array([_half_width(key, candidates[key], delta) for key in keys])
    place = np.argsort(-width, kind="stable") if order == "width" else np.arange(len(keys))
    value = np.array([candidates[key].value for key in keys])[place]
    # a later candidate's wider interval speaks for all before it
    reach = np.maximum.accumulate(width[place][::-1])[::-1]
    last = _agreeing_pairs(value, reach) if rule == "pairwise" else _common_point(value, reach)
    chosen = keys[int(place[last])]
    return select(chosen, candidates[chosen], dict(zip(keys, width.tolist(), strict=True)), f"slope ({rule})")


def _agreeing_pairs(value: Floats, width: Floats) -> int:
    factor = sqrt(6.0) - 1.0
    for i in range(1, len(value)):
        if (np.abs(value[:i] - value[i]) > width[i] + factor * width[:i]).any():
            return i - 1
    return len(value) - 1


def _common_point(value: Floats, width: Floats) -> int:
    low = np.maximum.accumulate(value - 2 * width)
    high = np.minimum.accumulate(value + 2 * width)
    apart = np.flatnonzero(low > high)
    return int(apart[0]) - 1 if len(apart) else len(value) - 1


def _half_width(key: object, estimate: Estimate, delta: float) -> float:
    if not (isfinite(estimate.value) and isfinite(estimate.std_error)) or estimate.n < 2:
        raise InputError(
            f"candidate {key!r} is {estimate.value:g} with error {estimate.std_error:g} from {estimate.n} units; "
            "slope needs a finite value and error from at least 2"
        )
    return t_quantile(1.0 - delta, estimate.n - 1) * estimate.std_error


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
    """Variance of the mean plus squared bias of an estimator that uses `tamed_weight` in place of `weight`.

    Estimator: mean of tamed_weight (r - q_action) + q_expected, without a model the mean of tamed_weight r. Variance:
    divisor n, over n. Bias b = |mean of (weight - tamed_weight)(r - q_action)| (Su, Dimakopoulou, Krishnamurthy &
    Dudik 2020, section 5 and appendix), and on top
    direct: nothing;
    bernstein: sqrt(2 mean(w^2) log(2/delta) / n) + 2 max(w) log(2/delta) / (3 n), the weights themselves being used,
    as in the Open Bandit Pipeline (`use_bias_upper_bound=True`): the same for every candidate, so it presses towards
    less bias;
    bernstein_residual: the same with |w - tamed w| |r - q| in place of w: 0 where nothing was tamed.

    Args:
        reward: What the logged actions earned [n]; finite.
        weight: Their importance weights [n], at least 0.
        tamed_weight: What is used in their place [n], at least 0.
        q_action: A reward model's predictions for the logged actions [n]; 0 where not given.
        q_expected: Its means under the target policy [n]; 0 where not given.
        bias: `direct`, `bernstein` or `bernstein_residual`.
        delta: Of the upper bound of the bias, in (0, 1).

    Raises:
        InputError: Unequal lengths, an unusable value, an unknown name.

    Examples:
        >>> reward, weight = np.array([1.0, 0.0, 1.0]), np.array([1.0, 4.0, 0.5])
        >>> tamed = np.minimum(weight, 2.0)
        >>> round(mse_bound(reward=reward, weight=weight, tamed_weight=tamed, bias="direct"), 4)
        0.0556
    """
    one_of("bias", bias, get_args(Bias))
    between_0_and_1("delta", delta)
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

    Args:
        family: (weights [n], lambda) -> tamed weights [n], such as `np.minimum`.
        grid: Values of lambda, at least one.
        reward: What the logged actions earned [n]; finite.
        weight: Their importance weights [n], at least 0.
        q_action: See `mse_bound`.
        q_expected: See `mse_bound`.
        bias: See `mse_bound`.
        delta: See `mse_bound`.

    Raises:
        InputError: An empty grid; see `mse_bound`.

    Examples:
        >>> log = {"weight": np.array([1.0, 4.0, 0.5]), "reward": np.array([1.0, 1.0, 0.0])}
        >>> best, bounds = smallest_mse_bound(family=np.minimum, grid=[2.0, 8.0], **log, bias="direct")
        >>> best
        2.0
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
