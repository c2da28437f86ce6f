"""Interleaved slates, what clicks on them say, and which ranking users prefer."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.calibration import row_mean
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking._lists import check_distinct, check_gaps, id_array
from driftline.sim import keyed
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One slate per impression, made of a ranking A and a ranking B."""

    items: Int64s
    """What is shown [n, L]."""
    a: Int64s
    """Ranking A, best first, -1 as padding [n, width]."""
    b: Int64s
    """Ranking B."""
    share_b: Floats
    """Probability that B gave the item at each place, given the slate [n, L]: 0 or 1 where the method knows."""
    log_p: Floats
    """Log-probability of the slate under the method's randomness [n]."""


def rankings(a: ArrayLike, b: ArrayLike, length: int | None) -> tuple[Int64s, Int64s, int]:
    """Checked rankings [n, width] and the slate length (default: the shorter width).

    `InputError`: an item twice in a ranking, padding before an item, a ranking with fewer than `length` items
    (from two rankings of at least L items a slate of L can always be filled, whatever they share).
    """
    lists = []
    for name, given in (("a", a), ("b", b)):
        ids = id_array(name, given)
        check_gaps(name, ids)
        check_distinct(name, ids)
        lists.append(ids)
    first, second = lists
    if len(first) != len(second):
        raise InputError(f"a has {len(first)} rankings and b has {len(second)}")
    places = min(first.shape[1], second.shape[1]) if length is None else length
    if places < 1:
        raise InputError(f"length is {places}; it must be at least 1")
    for name, ids in (("a", first), ("b", second)):
        have = (ids >= 0).sum(axis=1)
        if len(have) and have.min() < places:
            row = int(have.argmin())
            raise InputError(f"{name} row {row} has {have[row]} items; slates of {places} need as many in each ranking")
    return first, second, int(places)


def coins(seed: int, n: int, slots: int, user: ArrayLike | None, visit: ArrayLike | None) -> Floats:
    """Uniforms [n, slots] keyed by (seed, user, visit, slot); without users the row number takes their place."""
    who = np.arange(n) if user is None else np.asarray(user)
    when = np.zeros(n, np.int64) if visit is None else np.asarray(visit)
    for name, key in (("user", who), ("visit", when)):
        if key.shape != (n,) or key.dtype.kind not in "iu":
            raise InputError(f"{name} must be {n} whole numbers, one per impression, got {key.dtype} {key.shape}")
    # a pseudonym takes two words of the counter, so the slot stands in the stream
    streams = [(slot << 16) + keyed.Stream.INTERLEAVING for slot in range(slots)]
    return np.stack([keyed.uniforms(seed, stream, who, who >> 32, when) for stream in streams], axis=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Credit of each ranking and who won; arrays are [n]."""

    credit_a: Floats
    credit_b: Floats
    win: Floats
    """Expected sign of credit_b - credit_a: 1 B won, -1 A won, 0 a tie; between them where the assignment of
    items to rankings is averaged over."""


def clicked(slates: Interleaved, clicks: ArrayLike) -> Bools:
    """Checked clicks [n, L] bool, one per place of the slates."""
    taken = np.asarray(clicks)
    if taken.shape != slates.items.shape:
        raise InputError(f"clicks have shape {taken.shape}, the slates {slates.items.shape}")
    if taken.dtype != np.bool_:
        raise InputError(f"clicks have type {taken.dtype}; true or false for every place (see `from_choice`)")
    return taken


def from_choice(choice: ArrayLike, length: int) -> Bools:
    """Clicks [n, L] of a log's `choice` [n]: the place that was taken, L for nothing.

    Example:
        >>> from driftline.evaluation.interleaving import from_choice
        >>> from_choice([0, 2], 2).tolist()
        [[True, False], [False, False]]
    """
    place = np.asarray(choice)
    if place.ndim != 1 or place.dtype.kind not in "iu":
        raise InputError(f"choice must be whole numbers [n], got {place.dtype} {place.shape}")
    if place.size and (place.min() < 0 or place.max() > length):
        raise InputError(
            f"choice holds {place.min()} to {place.max()}; it must lie in 0 to {length} ({length}: nothing)"
        )
    return np.asarray(place[:, None] == np.arange(length)[None, :])


FEW = 30
KINDS = ("wins", "credit")


def preference(
    outcome: Outcome, *, user: ArrayLike | None = None, measure: Literal["wins", "credit"] = "wins"
) -> Estimate:
    """How much B is preferred to A; above 0: B, below 0: A.

    `wins`: mean win / 2 = (wins of B + ties / 2) / impressions - 1/2, in [-.5, .5] (Chapelle, Joachims, Radlinski
    & Yue 2012, with B for their A). `credit`: mean credit_b - credit_a per impression, in clicks (or
    in worth). Impressions without clicks are ties. Interval: Student's t over impressions, or over users' sums if
    `user` [n] is given (a user's impressions are not independent; Liang & Zeger 1986).

    Example:
        >>> from driftline.evaluation.interleaving import preference
        >>> import numpy as np
        >>> from driftline.evaluation.interleaving import Outcome
        >>> a, b = np.zeros(40), np.ones(40)
        >>> preference(Outcome(a, b, np.sign(b - a))).value
        0.5
    """
    if measure not in KINDS:
        raise InputError(f"measure is {measure!r}; {hint(str(measure), KINDS)}")
    values = outcome.win / 2.0 if measure == "wins" else outcome.credit_b - outcome.credit_a
    if not len(values):
        raise InputError("there are no impressions")
    found = row_mean(np.asarray(values, dtype=np.float64), user, f"interleaving, {measure}")
    decided, warnings = int((values != 0).sum()), []
    if decided < FEW:
        warnings.append(f"{decided} of {len(values)} impressions have a winner: too few for the interval to be trusted")
    if user is not None and found.n < FEW:
        warnings.append(f"{found.n} users: too few for an interval over users to be trusted")
    return replace(found, warnings=tuple(warnings))
