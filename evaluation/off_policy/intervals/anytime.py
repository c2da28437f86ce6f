"""Intervals that hold at every n at once: confidence sequences by betting against the value.

The predictable plug-in empirical-Bernstein sequence of Waudby-Smith & Ramdas (2024, "Estimating means of bounded
random variables by betting", theorem 2), in its one-sided form. For x_1, x_2, ... >= 0 with a common mean,
independent or at least with that mean given the past, at every t with probability at least 1 - alpha

    mean >= [sum l_i x_i - log(1 / alpha) - sum (x_i - m_{i-1})^2 psi(l_i)] / sum l_i,   psi(l) = -log(1 - l) - l,

where l_i in [0, 1/2] and the running mean m_{i-1} <= 1 depend on x_1 .. x_{i-1} only. The lower limit needs no
upper bound on x (Fan's inequality needs x_i - m_{i-1} >= -1 only), so importance weights may be as large as they
like; the upper limit is the same for the mirrored reward (Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2024).
"""

from dataclasses import dataclass
from math import log, log1p, sqrt

import numpy as np

from driftline.evaluation.off_policy.intervals.concentration import (
    known,
    no_self_normalising,
    per_round,
    term_range,
    within_reward,
)
from driftline.evaluation.off_policy.intervals.precision import Bounds
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.terms import Terms
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats

LARGEST_BET = 0.5


@dataclass(frozen=True, slots=True)
class Sequence:
    """Limits after each round [n]; each already holds the best limit so far, so they only tighten."""

    low: Floats
    high: Floats


@kernel
def lower_sequence(values: Floats, alpha: float) -> Floats:
    """Lower limits of the mean of values >= 0 after each of them [n], all at once with error alpha.

    l_t = min(1/2, sqrt(2 log(1 / alpha) / (s_{t-1} t log(1 + t)))), with s_t = (1/4 + sum (x_i - m_i)^2) / (t + 1)
    and m_t = min(1, (1/2 + sum x_i) / (t + 1)). Limits are never below 0 and never fall.
    """
    out = np.empty(values.size)
    mean, spread = 0.5, 0.25
    total, squares = 0.5, 0.25
    bets, won, paid = 0.0, 0.0, log(1.0 / alpha)
    best = 0.0
    for i in range(values.size):
        t = i + 1.0
        bet = min(LARGEST_BET, sqrt(2.0 * log(1.0 / alpha) / (spread * t * log1p(t))))
        x = values[i]
        bets += bet
        won += bet * x
        paid += (x - mean) * (x - mean) * (-log1p(-bet) - bet)
        best = max(best, (won - paid) / bets)
        out[i] = best
        total += x
        mean = min(1.0, total / (t + 1.0))
        squares += (x - mean) * (x - mean)
        spread = squares / (t + 1.0)
    return out


def bounded_sequence(values: Floats, low: float, high: float, level: float) -> Sequence:
    """Limits of the mean of values in [low, high]; (1 - level) / 2 on each side."""
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence((values - low) / width, alpha)
    upper = high - width * lower_sequence((high - values) / width, alpha)
    return Sequence(lower, upper)


def weighted_sequence(reward: Floats, weight: Floats, low: float, high: float, level: float) -> Sequence:
    """Limits of E[w r] for rewards in [low, high] and weights >= 0 with mean 1 and no known bound.

    Both w (r - low) and w (high - r) are at least 0; the second gives the upper limit, since E[w] = 1.
    """
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence(weight * (reward - low) / width, alpha)
    upper = high - width * lower_sequence(weight * (high - reward) / width, alpha)
    return Sequence(lower, upper)


def confidence_sequence(
    rounds: Rounds, terms: Terms, *, lambda_: float, bounds: Bounds | None, level: float
) -> Sequence:
    """Limits after each round, in the log's order. Plain weighting needs bounds.reward only."""
    no_self_normalising(terms.method, "anytime")
    if terms.method in ("ips", "mips"):
        low, high = within_reward(rounds, terms.method, known(bounds, "anytime"))
        weight = rounds.weight if terms.method == "ips" else rounds.need("embedding_weight", "mips")
        return weighted_sequence(rounds.reward, weight, low, high, level)
    low, high = term_range(rounds, terms, lambda_, bounds, "anytime")
    return bounded_sequence(per_round(terms), low, high, level)
