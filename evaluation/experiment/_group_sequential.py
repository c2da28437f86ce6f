"""A few planned looks: boundaries by error spending (Lan & DeMets 1983), and stopping at them."""

from dataclasses import dataclass
from math import inf, pi, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from driftline.evaluation.arrays import between_0_and_1, vector
from driftline.evaluation.experiment._always_valid import Streams, streams
from driftline.evaluation.experiment._levels import Effect, few_units
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

Spending = Literal["obrien_fleming", "pocock", "power"]
Convention = Literal["per_side", "two_sided"]
REACH = 9.0
"""The process is followed within this many standard deviations; 1e-19 lies beyond."""
TINY = 1e-16
"""Less error than this to spend at a look: no boundary, the look cannot stop."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Symmetric two-sided boundaries, one entry a look [k]."""

    fraction: Floats
    """Information fractions."""
    z: Floats
    """Stop when |z| reaches this; infinite where too little error may be spent."""
    spent: Floats
    """Cumulative two-sided error spent."""


def boundaries(
    fraction: ArrayLike,
    *,
    alpha: float = 0.05,
    spending: Spending = "obrien_fleming",
    convention: Convention = "per_side",
    exponent: float = 3.0,
) -> Boundaries:
    """Boundaries at information fractions t in (0, 1], ascending [k].

    Error spent by a side of size a until t: `obrien_fleming` 2 - 2 Phi(z_{a/2} / sqrt t), `pocock`
    a log(1 + (e - 1) t) (Lan & DeMets 1983), `power` a t^exponent (Kim & DeMets 1987). Convention: `per_side`, each
    side spends by its own function of alpha / 2, as in ldbounds, gsDesign and WinLD (first of five O'Brien-Fleming
    looks: 4.877); `two_sided`, both together by the function of alpha, half each (Jennison & Turnbull 2000, ch. 7;
    first look 4.383). The two differ for `obrien_fleming` only. The error left is spent at t = 1. Solved by
    recursive integration (Armitage, McPherson & Rowe 1969), Gauss-Legendre, to about 1e-10.

    Example:
        >>> from driftline.evaluation.experiment import boundaries
        >>> boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).z.round(3).tolist()
        [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    t = _checked(fraction, alpha, exponent)
    for name, given, legal in (("spending", spending, Spending), ("convention", convention, Convention)):
        if given not in get_args(legal):
            raise InputError(f"{name} {given!r} is unknown; {hint(given, get_args(legal))}")
    size = alpha / 2.0 if convention == "per_side" else alpha
    spent = _spent(t, size, spending, exponent) / (1.0 if convention == "per_side" else 2.0)
    z = np.empty(len(t))
    nodes = weights = None
    for k, gain in enumerate(np.diff(spent, prepend=0.0)):
        z[k] = _boundary(float(gain), t, k, nodes, weights)
        nodes, weights = _advanced(t, k, -z[k], z[k], nodes, weights, 0.0)
    return Boundaries(t, z, 2.0 * spent)


def crossing(z: ArrayLike, fraction: ArrayLike, *, drift: float = 0.0) -> tuple[Floats, Floats]:
    """Probability of first leaving [-z, z] upwards and downwards at each look [k].

    z: boundaries, possibly infinite. drift: expected z statistic at t = 1, that is, effect over its final standard
    error; the sum of both at a drift is the power.

    Example:
        >>> from driftline.evaluation.experiment import crossing
        >>> from driftline.evaluation.experiment import boundaries
        >>> up, down = crossing(boundaries([0.5, 1.0]).z, [0.5, 1.0])
        >>> round(float(up.sum() + down.sum()), 4)
        0.05
    """
    t = _checked(fraction, 0.5, 1.0)
    bounds = np.asarray(z, dtype=np.float64)
    if bounds.shape != t.shape or not (bounds > 0.0).all():
        raise InputError(f"z needs one boundary above 0 for each of {len(t)} looks, got {bounds.tolist()}")
    up, down = np.empty(len(t)), np.empty(len(t))
    nodes = weights = None
    for k in range(len(t)):
        up[k] = _beyond(bounds[k] * sqrt(t[k]), t, k, nodes, weights, drift)
        down[k] = _beyond(bounds[k] * sqrt(t[k]), t, k, None if nodes is None else -nodes, weights, -drift)
        nodes, weights = _advanced(t, k, -bounds[k], bounds[k], nodes, weights, drift)
    return up, down


def _checked(fraction: ArrayLike, alpha: float, exponent: float) -> Floats:
    t = vector("fraction", fraction)
    if t[0] <= 0.0 or t[-1] > 1.0 or (np.diff(t) <= 0.0).any():
        raise InputError(f"fraction must ascend within (0, 1], got {t.tolist()}")
    between_0_and_1("alpha", alpha)
    if not 0.0 < exponent < inf:
        raise InputError(f"exponent must be above 0, got {exponent}")
    return t


def _spent(t: Floats, size: float, spending: Spending, exponent: float) -> Floats:
    if spending == "obrien_fleming":
        return np.asarray(2.0 * ndtr(ndtri(size / 2.0) / np.sqrt(t)))
    if spending == "pocock":
        return np.asarray(size * np.log1p((np.e - 1.0) * t))
    return np.asarray(size * t**exponent)


def _beyond(at: float, t: Floats, k: int, nodes: Floats | None, weights: Floats | None, drift: float) -> float:
    """Probability of being within all bounds before look k and above `at` (on the scale of sums) at it."""
    if nodes is None or weights is None:
        return float(ndtr((drift * t[0] - at) / sqrt(t[0])))
    step = t[k] - t[k - 1]
    return float(weights @ ndtr((nodes + drift * step - at) / sqrt(step)))


def _boundary(gain: float, t: Floats, k: int, nodes: Floats | None, weights: Floats | None) -> float:
    if gain < TINY:
        return inf
    if nodes is None:
        return -float(ndtri(gain))
    from scipy.optimize import brentq

    root = sqrt(t[k])

    def missing(z: float) -> float:
        return _beyond(z * root, t, k, nodes, weights, 0.0) - gain

    if missing(REACH) > 0.0 or missing(0.0) < 0.0:
        return inf if missing(REACH) > 0.0 else 0.0
    return float(brentq(missing, 0.0, REACH, xtol=1e-13, rtol=1e-14))


def _advanced(
    t: Floats, k: int, low: float, high: float, nodes: Floats | None, weights: Floats | None, drift: float
) -> tuple[Floats, Floats]:
    """Nodes within the bounds of look k, and the density of the sum there times the quadrature weights."""
    root = sqrt(t[k])
    middle = drift * t[k]
    first, last = max(low * root, middle - REACH * root), min(high * root, middle + REACH * root)
    if first >= last:
        # the process is surely outside
        return np.zeros(1), np.zeros(1)
    steps = [t[0] if k == 0 else t[k] - t[k - 1], *np.diff(t)[k : k + 1]]
    places, parts = _legendre(first, last, sqrt(min(steps)))
    if nodes is None or weights is None:
        density = _normal_density(places - middle, root)
    else:
        step = t[k] - t[k - 1]
        density = _normal_density(places[:, None] - (nodes[None, :] + drift * step), sqrt(step)) @ weights
    return places, parts * density


def _normal_density(away: Floats, spread: float) -> Floats:
    return np.asarray(np.exp(-0.5 * (away / spread) ** 2) / (sqrt(2.0 * pi) * spread))


def _legendre(first: float, last: float, scale: float) -> tuple[Floats, Floats]:
    """Composite Gauss-Legendre nodes and weights: panels of 16 nodes no wider than two of the kernel's spreads."""
    panels = max(8, int(np.ceil((last - first) / (2.0 * scale))))
    x, w = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(first, last, panels + 1)
    half = np.diff(edges) / 2.0
    return ((edges[:-1] + half)[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


@dataclass(frozen=True, slots=True)
class GroupSequential:
    """What the looks saw; arrays have one entry a look [k]."""

    look: Int64s
    """Units so far at each look."""
    boundary: Boundaries
    z: Floats
    """Difference over Welch's standard error at each look."""
    low: Floats
    """Repeated confidence limits: difference -+ boundary times standard error."""
    high: Floats
    stopped: int | None
    """Place of the first look that crossed; null where none did."""
    effect: Effect
    """At the look that stopped, or at the last one, with its repeated confidence interval."""


def group_sequential(
    value: ArrayLike,
    arm: ArrayLike,
    *,
    looks: ArrayLike,
    planned: int,
    alpha: float = 0.05,
    spending: Spending = "obrien_fleming",
    convention: Convention = "per_side",
    exponent: float = 3.0,
) -> GroupSequential:
    """Two-sided test of equal means with early stopping, by error spending.

    value, arm: [n] in order of arrival. looks: ascending numbers of units at which one looked [k], at most n and
    planned. planned: units at which the experiment ends; information fractions are looks / planned. `spending`,
    `convention` and `exponent`: see `boundaries`. z, with Welch's standard error, is taken for normal: a look at which
    an arm has less than 20 units' worth of variance cannot stop, and has infinite limits. The repeated confidence
    intervals hold at all looks together (Jennison & Turnbull 1989). The estimate at an early stop is biased away from
    0; `warnings` say so.

    Example:
        >>> from driftline.evaluation.experiment import group_sequential
        >>> import numpy as np
        >>> arm = np.arange(400) % 2
        >>> value = np.tile([0.0, 1.0, 1.0, 2.0], 100)
        >>> found = group_sequential(value, arm, looks=[200, 400], planned=400)
        >>> found.stopped, round(found.effect.value, 2)
        (0, 1.0)
    """
    seen = streams(value, arm)
    at = _checked_looks(looks, planned, len(seen.n))
    k = at - 1
    thin = np.flatnonzero((seen.count_a[k] < 2) | (seen.count_b[k] < 2))
    if len(thin):
        raise InputError(f"look {thin[0] + 1}, at {at[thin[0]]} units, has an arm with fewer than 2 units")
    bound = boundaries(at / planned, alpha=alpha, spending=spending, convention=convention, exponent=exponent)
    d, error = seen.value[k], seen.std_error[k]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = d / error
        reach = np.where(seen.enough[k], bound.z * error, np.inf)
    crossed = np.flatnonzero(seen.enough[k] & (np.abs(z) >= bound.z))
    stopped = int(crossed[0]) if len(crossed) else None
    last = len(at) - 1 if stopped is None else stopped
    warnings = (*few_units(int(seen.count_a[k[0]]), int(seen.count_b[k[0]])), *_silent(seen, at))
    if stopped is not None and at[stopped] < planned:
        warnings = (*warnings, "stopped early: the estimate is biased away from 0; the interval holds")
    effect = Effect(
        float(d[last]),
        float(error[last]),
        float(d[last] - reach[last]),
        float(d[last] + reach[last]),
        int(at[last]),
        f"difference of means (group-sequential, {spending}, {convention}; repeated interval)",
        warnings,
        float(z[last]),
    )
    return GroupSequential(at, bound, z, d - reach, d + reach, stopped, effect)


def _silent(seen: Streams, at: Int64s) -> tuple[str, ...]:
    """Why the last look that could not stop could not."""
    early = np.flatnonzero(~seen.enough[at - 1])
    if not len(early):
        return ()
    look = int(early[-1])
    return tuple(
        f"look {look + 1}, at {at[look]} units, cannot stop: {each}" for each in seen.refusal(int(at[look]) - 1)
    )


def _checked_looks(looks: ArrayLike, planned: int, n: int) -> Int64s:
    given = vector("looks", looks)
    if (given != np.floor(given)).any() or given[0] < 4 or (np.diff(given) <= 0).any():
        raise InputError(f"looks must be ascending numbers of units, from 4 on, got {given.tolist()}")
    if given[-1] > n or given[-1] > planned:
        raise InputError(f"the last look, at {given[-1]:g} units, is beyond the {n} seen or the {planned} planned")
    return given.astype(np.int64)
