"""What every tracker of interests must keep to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.agents.checks._hands import arrays
from driftline.agents.evolution._base import Arrays, Graded, Tracker
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.keyed import Stream, normals, uniforms
from driftline.sim.types import Float32s, Int64s

METHODS = ("grow", "update", "mean", "snapshot", "restore")
USERS, DIM, SLATE, EVENTS = 9, 3, 4, 6
SEED = 30

MakeTracker = Callable[[int, int], Tracker]


def check_tracker(make_tracker: MakeTracker) -> tuple[Check, ...]:
    """Ask a tracker for everything that `driftline.agents.evolution.Tracker` promises.

    make_tracker: the class, or whatever makes one of (number of users, length of an item vector).
    """
    return tuple(examined(SUITE, make_tracker))


# -- events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Event:
    """One event of each of some users; every fourth judgement is missing."""

    users: Int64s
    items: Float32s
    choice: Int64s
    elapsed: Float32s
    offset: Float32s
    graded: Graded

    @classmethod
    def of_all(cls, number: int) -> "_Event":
        def normal(what: int, *shape: int) -> Float32s:
            size = int(np.prod(shape))
            drawn = normals(SEED + number, Stream.SAMPLE, np.arange(size), what)
            return drawn.reshape(shape).astype(np.float32)

        luck = uniforms(SEED + number, Stream.SAMPLE, np.arange(USERS), 5)
        value = (2.0 * luck - 1.0).astype(np.float32)
        value[::4] = np.nan
        return cls(
            np.arange(USERS),
            normal(1, USERS, SLATE, DIM),
            (uniforms(SEED + number, Stream.SAMPLE, np.arange(USERS), 6) * (SLATE + 1)).astype(np.int64),
            (3.0 * luck).astype(np.float32),
            normal(2, USERS, SLATE),
            (normal(3, USERS, DIM), value, (0.5 + luck).astype(np.float32)),
        )

    def rows(self, rows: Int64s) -> "_Event":
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("users", "items", "choice")}
        columns |= {name: getattr(self, name)[rows] for name in ("elapsed", "offset")}
        return _Event(**columns, graded=(self.graded[0][rows], self.graded[1][rows], self.graded[2][rows]))

    def told_to(self, tracker: Tracker) -> None:
        tracker.update(self.users, self.items, self.choice, self.elapsed, self.offset, self.graded)


def _lived(make: MakeTracker, events: int = EVENTS, users: int = USERS) -> Tracker:
    tracker = make(users, DIM)
    for number in range(events):
        _Event.of_all(number).told_to(tracker)
    return tracker


def _means(tracker: Tracker, users: Int64s) -> Float32s:
    found = np.asarray(tracker.mean(users))
    if found.shape != (users.size, DIM):
        raise Broken(f"mean returned shape {list(found.shape)}; must be {[users.size, DIM]}")
    if not np.isfinite(found).all():
        raise Broken(f"the mean of user {users[~np.isfinite(found).all(axis=1)][0]} is not finite")
    return found.copy()


def _alike(one: Any, two: Any, what: str) -> None:
    if not np.array_equal(one, two, equal_nan=True):
        row = int(np.flatnonzero((one != two).reshape(len(one), -1).any(axis=1))[0])
        raise Broken(f"user {row} differs {what}: {one[row].ravel()[:3]} and {two[row].ravel()[:3]}")


EVERYBODY = np.arange(USERS)


# -- the promises ------------------------------------------------------------------------------------------------


def _methods(make: MakeTracker) -> None:
    tracker = make(USERS, DIM)
    missing = [name for name in METHODS if not callable(getattr(tracker, name, None))]
    if missing:
        raise Broken(f"it lacks {', '.join(missing)}")
    for name, wanted in (("n_users", USERS), ("dim", DIM)):
        if getattr(tracker, name, None) != wanted:
            raise Broken(f"{name} is {getattr(tracker, name, None)!r} after it was made with {wanted}")


def _starts_alike(make: MakeTracker) -> None:
    tracker = make(USERS, DIM)
    before = _means(tracker, EVERYBODY)
    _alike(before, np.broadcast_to(before[0], before.shape), "at the start from user 0")
    for number in range(EVENTS):
        _Event.of_all(number).rows(np.arange(USERS - 2)).told_to(tracker)
    _alike(_means(tracker, EVERYBODY[-2:]), before[-2:], "though only others had events")


def _means_fit(make: MakeTracker) -> None:
    tracker = _lived(make)
    for rows in ([4, 4, 0], [], [USERS - 1]):
        users = np.array(rows, np.int64)
        _alike(_means(tracker, users), _means(tracker, EVERYBODY)[users], "asked alone or among others")


def _finite(make: MakeTracker) -> None:
    tracker = make(USERS, DIM)
    event, far = _Event.of_all(0), np.full(USERS, 1e4, np.float32)
    for turn in range(300):
        elapsed = far if turn % 50 == 49 else np.zeros(USERS, np.float32)
        tracker.update(EVERYBODY, 3.0 * event.items, np.full(USERS, turn % 2), elapsed, 20.0 * event.offset)
    _means(tracker, EVERYBODY)
    if callable(getattr(tracker, "predict", None)):
        _probabilities(tracker, 3.0 * event.items, far)


def _learns(make: MakeTracker) -> None:
    tracker = make(USERS, DIM)
    items = np.tile(np.eye(SLATE, DIM, dtype=np.float32), (USERS, 1, 1))
    for _ in range(20):
        tracker.update(EVERYBODY, items, np.ones(USERS, np.int64), np.ones(USERS, np.float32))
    worth = (items @ _means(tracker, EVERYBODY)[..., None])[..., 0]
    others = np.delete(worth, 1, axis=1).max(axis=1)
    if not (worth[:, 1] > others).all():
        raise Broken(f"after 20 choices of one item it scores {worth[0, 1]:.3g}, another item {others[0]:.3g}")


def _batches(make: MakeTracker) -> None:
    whole, single = make(USERS, DIM), make(USERS, DIM)
    for number in range(EVENTS):
        event = _Event.of_all(number)
        event.told_to(whole)
        for user in EVERYBODY[::-1]:
            event.rows(np.array([user])).told_to(single)
    _alike(_means(whole, EVERYBODY), _means(single, EVERYBODY), "between one call for all and one each")


def _repeatable(make: MakeTracker) -> None:
    _alike(_means(_lived(make), EVERYBODY), _means(_lived(make), EVERYBODY), "between two trackers alike")


def _nothing_new(make: MakeTracker) -> None:
    tracker = _lived(make)
    before = _means(tracker, EVERYBODY)
    _Event.of_all(0).rows(np.arange(0)).told_to(tracker)
    _alike(_means(tracker, EVERYBODY), before, "after an update of nobody")


def _inputs(make: MakeTracker) -> None:
    tracker = make(USERS, DIM)
    for number in range(EVENTS):
        event = _Event.of_all(number)
        before = [(where, array.copy()) for where, array in arrays(event)]
        event.told_to(tracker)
        for (where, old), (_, new) in zip(before, arrays(event), strict=True):
            if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
                raise Broken(f"update wrote into {where.removeprefix('_Event.')}")


def _reading_is_pure(make: MakeTracker) -> None:
    asked, left = make(USERS, DIM), make(USERS, DIM)
    for number in range(EVENTS):
        event = _Event.of_all(number)
        first = _means(asked, EVERYBODY)
        if callable(getattr(asked, "predict", None)):
            _probabilities(asked, event.items, event.elapsed)
        if callable(getattr(asked, "points", None)):
            _points(asked, EVERYBODY)
        _alike(_means(asked, EVERYBODY), first, "when asked twice")
        event.told_to(asked)
        event.told_to(left)
    _alike(_means(asked, EVERYBODY), _means(left, EVERYBODY), "with and without being asked in between")


def _predict(make: MakeTracker) -> None:
    tracker, event = _lived(make), _Event.of_all(EVENTS)
    if not callable(getattr(tracker, "predict", None)):
        raise Unasked("it has no predict")
    whole = _probabilities(tracker, event.items, event.elapsed)
    rows = [_probabilities(tracker, event.items[u : u + 1], event.elapsed[u : u + 1], u) for u in range(USERS)]
    _alike(whole, np.concatenate(rows), "predicted alone or among others")
    _probabilities(tracker, event.items, np.zeros(USERS, np.float32))


def _probabilities(tracker: Any, items: Float32s, elapsed: Float32s, first: int = 0) -> Float32s:
    users = np.arange(first, first + len(items))
    found = np.asarray(tracker.predict(users, items, elapsed))
    if found.shape != (users.size, SLATE + 1):
        raise Broken(f"predict returned shape {list(found.shape)}; must be {[users.size, SLATE + 1]}")
    total = found.sum(axis=1)
    if not ((found >= 0).all() and np.allclose(total, 1.0, atol=1e-4)):
        row = int(np.argmax(np.abs(total - 1.0)))
        raise Broken(f"predict gives user {users[row]} probabilities that add up to {total[row]:.6g}")
    return found.copy()


def _posterior(make: MakeTracker) -> None:
    tracker = _lived(make)
    if not callable(getattr(tracker, "points", None)):
        raise Unasked("it has no points, so agents rank by its best guess alone")
    whole = _points(tracker, EVERYBODY)
    rows = [_points(tracker, np.array([user])) for user in EVERYBODY]
    _alike(whole, np.concatenate(rows), "between points asked alone or among others")


def _points(tracker: Any, users: Int64s) -> Float32s:
    normal = normals(SEED, Stream.SAMPLE, np.arange(8)[:, None], np.arange(DIM)).astype(np.float32)
    found = np.asarray(tracker.points(users, normal))
    if found.shape != (users.size, 8, DIM) or not np.isfinite(found).all():
        raise Broken(f"points returned shape {list(found.shape)}; must be finite and {[users.size, 8, DIM]}")
    return found.copy()


def _grow(make: MakeTracker) -> None:
    tracker = _lived(make)
    before = _means(tracker, EVERYBODY)
    tracker.grow(USERS + 2)
    if tracker.n_users != USERS + 2:
        raise Broken(f"n_users is {tracker.n_users} after grow({USERS + 2})")
    _alike(_means(tracker, EVERYBODY), before, "before and after grow")
    new = _means(make(USERS, DIM), np.array([0, 0]))
    _alike(_means(tracker, np.array([USERS, USERS + 1])), new, "between those who came by grow and a new tracker's")
    grown, large = make(0, DIM), _lived(make, users=USERS + 2)
    grown.grow(USERS)
    grown.grow(USERS + 2)
    for number in range(EVENTS):
        _Event.of_all(number).told_to(grown)
    _alike(_means(grown, EVERYBODY), _means(large, EVERYBODY), "between a tracker that grew and one made large")


def _snapshot(make: MakeTracker) -> None:
    tracker = _lived(make)
    state, kept = tracker.snapshot(), _means(tracker, EVERYBODY)
    future = _after(tracker)
    for turn in ("first", "second"):
        tracker.restore(state)
        if tracker.n_users != USERS:
            raise Broken(f"n_users is {tracker.n_users} after the {turn} restore, and was {USERS}")
        _alike(_means(tracker, EVERYBODY), kept, f"after the {turn} restore")
        _alike(_after(tracker), future, f"in what follows the {turn} restore")
    other: Tracker = make(1, DIM)
    copied: Arrays = state
    other.restore(copied)
    _alike(_after(other), future, "in another tracker that was given the snapshot")


def _after(tracker: Tracker) -> Float32s:
    """Live on; grow too, which a restore must undo."""
    for number in range(EVENTS, EVENTS + 3):
        _Event.of_all(number).told_to(tracker)
    found = _means(tracker, EVERYBODY)
    tracker.grow(USERS + 3)
    return found


SUITE: tuple[Promise[MakeTracker], ...] = (
    Promise(
        "methods",
        "made with (n_users, dim) it has every method of Tracker",
        "Follow driftline.agents.evolution.Tracker.",
        _methods,
        last=True,
    ),
    Promise(
        "means",
        "mean is finite [n, dim], whoever else is asked about, nobody included",
        "Read one row of the state for each user asked.",
        _means_fit,
    ),
    Promise(
        "strangers",
        "all users start alike, and one without events stays as it was",
        "Let update change the rows of its users only.",
        _starts_alike,
    ),
    Promise(
        "learns",
        "an item that is chosen again and again scores above the others of its slates",
        "Move the mean towards the chosen vector, away from the rest of the slate.",
        _learns,
    ),
    Promise(
        "finite",
        "means stay finite after 300 events, with no time and with 10,000 days between them",
        "Bound the step, and take exponentials of differences from the largest.",
        _finite,
    ),
    Promise("repeatable", "two trackers alike do the same", "Draw nothing, or key what is drawn.", _repeatable),
    Promise(
        "batches",
        "bits do not depend on who else is in the call",
        "Compute each row in a fixed order of its own; matrix products add up differently for other row counts.",
        _batches,
    ),
    Promise("empty", "an update of nobody changes nothing", "Let shapes of 0 rows pass.", _nothing_new),
    Promise("inputs", "update writes into none of its arguments", "Copy an array before changing it.", _inputs),
    Promise("pure", "asking (mean, predict, points) changes nothing", "Work on copies when asked.", _reading_is_pure),
    Promise(
        "predict",
        "predict gives probabilities [n, m + 1] that add up to 1, alone or among others",
        "Normalise each row, the outside option included.",
        _predict,
    ),
    Promise(
        "points",
        "points are finite [n, K, dim], alone or among others",
        "Follow driftline.agents.evolution Posterior: one point for each standard normal one.",
        _posterior,
    ),
    Promise(
        "grow",
        "grow makes room at the prior and changes nobody",
        "Append rows that equal those of a new tracker.",
        _grow,
    ),
    Promise(
        "snapshot",
        "a snapshot brings back the same future, the number of users included, as often as it is restored",
        "Copy the arrays, in snapshot and in restore, and set n_users.",
        _snapshot,
    ),
)
