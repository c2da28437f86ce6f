"""Filter bubble over time: does what a user consumes narrow to fewer topics?"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate, t_interval
from driftline.evaluation.ranking._catalogue import distribution_entropy
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class BubbleCurve:
    """Entropy of consumed topics by window; arrays are [users, windows]."""

    edges: Floats
    """Days [windows + 1]; a window holds its first edge and not its last."""
    user: Int64s
    """Ascending [users]."""
    entropy: Floats
    """NaN where the user consumed too little in that window."""
    events: Int64s
    """Consumptions in that window."""
    mean: tuple[Estimate, ...]
    """Mean over users of each window."""
    change: Estimate
    """Last window less first, over the users with a value in both; below 0: narrower than at first."""


def topic_entropy_over_time(
    user: ArrayLike,
    time: ArrayLike,
    topics: ArrayLike,
    *,
    window: float,
    start: float = 0.0,
    end: float | None = None,
    events: int = 5,
    base: float = 2.0,
) -> BubbleCurve:
    """Entropy of each user's consumed topics in windows of `window` days, in bits unless told otherwise.

    One row per consumption: user [n], time in days [n], topics [n, G] shares that sum to 1 (one-hot for a
    category). Per user and window the first `events` consumptions by time (ties: in the order given) are
    averaged to p, and H = - sum_g p log p (Shannon 1948). Fewer than `events`: NaN. The number is the same
    everywhere because the entropy of a sample is too low, by about (G - 1) / (2 events) nats (Miller 1955):
    windows with fewer clicks would look narrower. Windows are [start + w window, start + (w + 1) window): as
    many whole ones as fit before `end`, or (None) up to the one that holds the last consumption. Means:
    Student's t over users; the change is paired. Narrowing of what is consumed: Nguyen et al. 2014.

    Example:
        >>> from driftline.evaluation.ranking import topic_entropy_over_time
        >>> import numpy as np
        >>> topics = np.eye(5)[[0, 0, 0, 0, 0, 0, 1, 2, 3, 4]]
        >>> found = topic_entropy_over_time(np.ones(10, int), np.arange(10.0), topics, window=5.0)
        >>> found.entropy.round(3).tolist()
        [[0.0, 2.322]]
    """
    who, when, shares = _checked(user, time, topics, window, events, base)
    last = float(when.max(initial=start))
    count = int((last - start) / window) + 1 if end is None else int((end - start) / window + 1e-9)
    if count < 1:
        raise InputError(f"no whole window of {window} days fits between {start} and {end}")
    at = np.floor((when - start) / window).astype(np.int64)
    inside = (at >= 0) & (at < count)
    users, code = np.unique(who, return_inverse=True)
    cell = (code * count + at)[inside]
    order = np.lexsort((when[inside], cell))
    cell, own = cell[order], shares[inside][order]
    first = np.arange(len(cell)) - np.searchsorted(cell, cell) < events
    total = np.zeros((len(users) * count, shares.shape[1]))
    np.add.at(total, cell[first], own[first])
    found = np.bincount(cell, minlength=len(total))
    p = np.where((found >= events)[:, None], total / events, np.nan)
    entropy = distribution_entropy(p, base).reshape(len(users), count)
    return BubbleCurve(
        start + window * np.arange(count + 1.0),
        users,
        entropy,
        found.reshape(len(users), count),
        tuple(_mean(entropy[:, w], f"topic_entropy, window {w}") for w in range(count)),
        _mean(entropy[:, -1] - entropy[:, 0], "topic_entropy, last less first window"),
    )


def _mean(values: Floats, method: str) -> Estimate:
    """Student's interval over the users with a value."""
    known = values[~np.isnan(values)]
    left = len(values) - len(known)
    told = (f"{left} of {len(values)} users consumed too little and are left out",) if left else ()
    return replace(t_interval(known), method=f"{method} (t over users)", warnings=told)


def _checked(
    user: ArrayLike, time: ArrayLike, topics: ArrayLike, window: float, events: int, base: float
) -> tuple[Int64s, Floats, Floats]:
    who, when = np.asarray(user), np.asarray(time, dtype=np.float64)
    shares = np.asarray(topics, dtype=np.float64)
    if who.ndim != 1 or when.shape != who.shape or shares.ndim != 2 or len(shares) != len(who):
        raise InputError(f"user {who.shape}, time {when.shape} and topics {shares.shape} need one row per consumption")
    if not window > 0.0 or events < 1 or not base > 1.0:
        raise InputError(f"window {window} must be above 0, events {events} at least 1, base {base} above 1")
    if not np.isfinite(when).all() or not np.isfinite(shares).all() or (shares < 0).any():
        raise InputError("time and topics must be finite, topics at least 0")
    wrong = np.abs(shares.sum(axis=1) - 1.0) > 1e-6
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"topics of row {row} sum to {shares[row].sum():.6g}; they must sum to 1")
    return who.astype(np.int64), when, shares
