"""Estimate, quantiles, t, Poisson weights, the one user_folds.

A number, how sure it is, and what a reader must know before trusting it.

How sure a number is: bootstrap over users within a seed, Student's t over seeds.

Folds of whole users, keyed: a user's rounds stay together, whatever their order.
"""

from dataclasses import dataclass
from math import isinf, nan, sqrt

import numpy as np
from scipy.special import ndtri, pdtr, stdtrit

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. NaN limits: the interval cannot be told (fewer than two units)."""

    value: float
    std_error: float
    low: float
    high: float
    n: int
    """How many independent units (users, rounds, slates, seeds) stand behind it."""
    method: str = ""
    """What was estimated and how the interval was made, such as `snips (delta)`."""
    warnings: tuple[str, ...] = ()
    """What speaks against trusting it, one line each; empty where nothing does."""


REPLICATES = 400
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Resampled:
    """Bootstrap of many ratios at once; arrays are [k]."""

    value: Floats
    low: Floats
    high: Floats
    std_error: Floats
    n: Int64s

    def estimate(self, k: int) -> Estimate:
        """One of them."""
        return Estimate(
            float(self.value[k]),
            float(self.std_error[k]),
            float(self.low[k]),
            float(self.high[k]),
            int(self.n[k]),
        )


def poisson_weights(users: Int64s, seed: int, replicates: int = REPLICATES) -> Floats:
    """How often each user is drawn in each bootstrap replicate [replicates, users]: Poisson(1), keyed.

    A count depends on (seed, user, replicate) only: the same user counts alike under every agent, so
    differences between agents are resampled in pairs, and a further user changes nobody else's count.
    Count-based bootstrap with independent Poisson counts: Chamandy, Muralidharan, Najmi & Naidu 2012.
    """
    user, replicate = users[None, :], np.arange(replicates)[:, None]
    uniform = keyed.uniforms(seed, keyed.Stream.USER_BOOTSTRAP, user, user >> 32, replicate)
    steps = pdtr(np.arange(12), 1.0)
    return np.searchsorted(steps, uniform).astype(np.float64)


def bootstrap_ratio(total: Floats, count: Floats, weights: Floats) -> Resampled:
    """Ratios of sums over users, with percentile intervals that resample whole users.

    total, count: [k, users], what each user adds to the numerators and denominators. weights: [r, users].
    Deviations are widened by sqrt(n / (n - 1)), n being the users with a count, which is what the bootstrap
    of n units falls short of. Measured share of intervals that hold the truth (2,000 repeats): 93 to 95 % where
    users' means vary by 30 %, from 10 users on; with a heavy tail (log-normal, sigma 1) 84, 90 and 93 % for
    10, 60 and 300 users.
    """
    value = _divide(total.sum(axis=1), count.sum(axis=1))
    # no BLAS: the sums must not depend on its number of threads
    above = np.einsum("ru,ku->rk", weights, total)
    below = np.einsum("ru,ku->rk", weights, count)
    n = (count > 0).sum(axis=1)
    wider = np.sqrt(n / np.maximum(n - 1, 1))
    replicates = value + (_divide(above, below) - value) * wider
    low, high, error = np.full((3, len(value)), nan)
    enough = n > 1
    if enough.any():
        tail = 50.0 * (1.0 - LEVEL)
        low[enough], high[enough] = np.nanpercentile(replicates[:, enough], [tail, 100.0 - tail], axis=0)
        error[enough] = np.nanstd(replicates[:, enough], axis=0)
    return Resampled(value, low, high, error, n)


def t_interval(values: Floats) -> Estimate:
    """The mean of independent values with Student's interval (n - 1 degrees of freedom)."""
    n = len(values)
    mean = float(np.mean(values)) if n else nan
    if n < 2:
        return Estimate(mean, nan, nan, nan, n)
    error = float(np.std(values, ddof=1)) / sqrt(n)
    reach = t_quantile(0.5 + LEVEL / 2, n - 1) * error
    return Estimate(mean, error, mean - reach, mean + reach, n)


def normal_reach(std_error: float, level: float = LEVEL) -> float:
    """Half the width of the two-sided normal interval."""
    return float(ndtri(0.5 + level / 2)) * std_error


def t_quantile(share: float, freedom: float) -> float:
    """Quantile of Student's t with `freedom` degrees of freedom; the normal's where they are infinite."""
    return float(ndtri(share) if isinf(freedom) else stdtrit(freedom, share))


def paired_t(a: Floats, b: Floats) -> Estimate:
    """The mean of b - a over pairs with Student's interval."""
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, got {len(a)} and {len(b)}")
    return t_interval(b - a)


def smallest_difference(std_error: float, n: int, power: float = 0.8) -> float:
    """The smallest true difference that a two-sided 5 % t test on n units shows with this power.

    Solves for the non-centrality at which the noncentral t exceeds the critical value (Cohen 1988, ch. 2),
    times the standard error as estimated. NaN for fewer than two units.
    """
    if n < 2:
        return nan
    # a slow import, and scipy.special has no noncentral t with an accurate upper tail
    from scipy.stats import nct

    critical = t_quantile(0.5 + LEVEL / 2, n - 1)
    low, high = 0.0, 1.0
    while nct.sf(critical, n - 1, high) < power:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = nct.sf(critical, n - 1, middle) + nct.cdf(-critical, n - 1, middle) >= power
        low, high = (low, middle) if reached else (middle, high)
    return high * std_error


def _divide(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, nan), where=below > 0)


def user_folds(user: Int64s, *, folds: int = 3, seed: int = 0) -> Int64s:
    """The fold 0..folds - 1 of each round [n]: users in a keyed order are dealt out in turn.

    user: [n] whole numbers or any labels (labels are keyed by their sorted rank). Folds differ by at most one user. The
    order of rounds plays no part. InputError: folds below 2, fewer users than folds.
    """
    if folds < 2:
        raise InputError(f"folds is {folds}; at least 2 are needed, or each round is scored by a model that knows it")
    label, place = np.unique(np.asarray(user), return_inverse=True)
    if len(label) < folds:
        raise InputError(f"user has {len(label)} distinct values for {folds} folds; a fold needs at least 1 user")
    key = label.astype(np.int64) if np.issubdtype(label.dtype, np.integer) else np.arange(len(label))
    order = np.lexsort((key, keyed.uniforms(seed, keyed.Stream.FOLDS, key, key >> 32)))
    fold = np.empty(len(label), dtype=np.int64)
    fold[order] = np.arange(len(label)) % folds
    return np.asarray(fold[place], dtype=np.int64)
