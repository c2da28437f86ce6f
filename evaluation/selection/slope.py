"""SLOPE: the least variable candidate whose interval still agrees with those of all more variable ones."""

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import t_quantile
from driftline.evaluation.off_policy.checks import one_of, share
from driftline.evaluation.selection.chosen import Key, Selection, at_least_one, select
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

Rule = Literal["pairwise", "intersection"]
Order = Literal["width", "given"]


def slope(
    candidates: Mapping[Key, Estimate], *, rule: Rule = "pairwise", order: Order = "width", delta: float = 0.1
) -> Selection[Key]:
    """Chooses among estimates of one thing whose bias grows as their variance falls.

    Candidates stand in the order of falling half-width c (equal ones as given). The last is taken up to which all
    agree:
    pairwise (SLOPE++, Tucker & Lee 2021): |v_i - v_j| <= c_i + (sqrt(6) - 1) c_j for every j before i;
    intersection (Su, Srinath & Krishnamurthy 2020): the intervals v_i +- 2 c_i have a common point.
    Half-width: std_error times Student's one-sided 1 - delta quantile with n - 1 degrees of freedom, as in the Open
    Bandit Pipeline, whose choice is the same for the pairwise rule.

    order "given": the mapping's own order, from least bias to least variance, where that is known (clipping from high
    to low, windows from short to long); a half-width is then at least that of every later candidate, as in the
    authors' code. The guarantee (an error within a factor of the best candidate's) needs the order to be right.
    InputError: no candidates, a candidate without a finite value and error.
    """
    at_least_one(candidates, len(candidates))
    one_of("rule", rule, get_args(Rule))
    one_of("order", order, get_args(Order))
    share("delta", delta)
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
