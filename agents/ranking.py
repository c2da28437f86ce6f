"""The slate with the highest expected reward under a multinomial logit with position weights.

A slate earns sum_k w_k e^{u_k} r_k / (e^outside + sum_k w_k e^{u_k}). Dinkelbach (1967, "On nonlinear
fractional programming"): for a guessed value v the best slate maximises sum_k w_k a_k, a = e^u (r - v), which
is a sorted matching; its own value is the next guess, and the guesses rise to the optimum in a few rounds.
"""

from math import exp

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

MAX_ROUNDS = 60


def best_slate(click_utility: Floats, value: Floats, position_log_weight: Floats, outside: float) -> Int64s:
    """Columns of the exactly optimal slate of each row, in order of position [n, L].

    click_utility, value: [n, m] of the candidates. position_log_weight: [L]. outside: utility of nothing,
    which is worth 0. Ties go to the lower column. Raises ValueError if m < L.
    """
    utility, worth, position = _checked(click_utility, value, position_log_weight)
    return _best_slate(utility, worth, np.exp(position - position.max()), by_weight(position), outside - position.max())


def top_slate(utility: Floats, position_log_weight: Floats) -> Int64s:
    """Columns of the slate most likely to be clicked: the highest utilities, best position first [n, L]."""
    scores, _, position = _checked(utility, utility, position_log_weight)
    return _top_slate(scores, by_weight(position))


def expected_reward(click_utility: Floats, value: Floats, position_log_weight: Floats, outside: float) -> Floats:
    """Expected reward [n] of slates given in order of position: click_utility and value are [n, L]."""
    utility, worth, position = _checked(click_utility, value, position_log_weight)
    return _expected_reward(utility + position, worth, outside)


def by_weight(position_log_weight: Floats) -> Int64s:
    """Positions from the heaviest to the lightest [L]; ties to the earlier one."""
    return np.argsort(-np.asarray(position_log_weight), kind="stable")


def _checked(utility: Floats, value: Floats, position: Floats) -> tuple[Floats, Floats, Floats]:
    u = np.ascontiguousarray(utility, dtype=np.float64)
    r = np.ascontiguousarray(value, dtype=np.float64)
    if u.shape != r.shape:
        raise ValueError(f"click_utility is {u.shape} but value is {r.shape}; they must agree")
    if u.shape[1] < len(position):
        raise ValueError(f"{u.shape[1]} candidates for a slate of {len(position)}; it needs at least {len(position)}")
    return u, r, np.ascontiguousarray(position, dtype=np.float64)


@kernel
def top_columns(scores: Floats, out: Int64s) -> None:
    """The columns of the `out.size` highest scores [m], highest first; ties to the lower column."""
    length = out.size
    held = 0
    for i in range(scores.size):
        if held == length and not scores[i] > scores[out[length - 1]]:
            continue
        at = held if held < length else length - 1
        while at > 0 and scores[i] > scores[out[at - 1]]:
            out[at] = out[at - 1]
            at -= 1
        out[at] = i
        held = min(held + 1, length)


@kernel
def _top_slate(scores: Floats, heavy: Int64s) -> Int64s:
    n, length = scores.shape[0], heavy.size
    out = np.empty((n, length), np.int64)
    best = np.empty(length, np.int64)
    for row in range(n):
        top_columns(scores[row], best)
        for k in range(length):
            out[row, heavy[k]] = best[k]
    return out


@kernel
def _best_slate(utility: Floats, value: Floats, weight: Floats, heavy: Int64s, outside: float) -> Int64s:
    n, m = utility.shape
    length = weight.size
    out = np.empty((n, length), np.int64)
    pull, gain = np.empty(m), np.empty(m)
    best = np.empty(length, np.int64)
    for row in range(n):
        top = outside
        for i in range(m):
            top = max(top, utility[row, i])
        for i in range(m):
            pull[i] = exp(utility[row, i] - top)
        nothing = exp(outside - top)
        guess = 0.0
        for step in range(MAX_ROUNDS):
            for i in range(m):
                gain[i] = pull[i] * (value[row, i] - guess)
            top_columns(gain, best)
            earned, mass = 0.0, nothing
            for k in range(length):
                share = weight[heavy[k]] * pull[best[k]]
                earned += share * value[row, best[k]]
                mass += share
            found = earned / mass
            if step > 0 and not found > guess:
                break  # the slate already held is optimal
            guess = found
            for k in range(length):
                out[row, heavy[k]] = best[k]
    return out


@kernel
def _expected_reward(utility: Floats, value: Floats, outside: float) -> Floats:
    n, length = utility.shape
    out = np.empty(n)
    for row in range(n):
        top = outside
        for k in range(length):
            top = max(top, utility[row, k])
        earned, mass = 0.0, exp(outside - top)
        for k in range(length):
            share = exp(utility[row, k] - top)
            earned += share * value[row, k]
            mass += share
        out[row] = earned / mass
    return out
