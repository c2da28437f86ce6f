"""What every law of drift promises: finite, pure, keyed, day by day, honest about jumps and about its speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from driftline.sim import keyed
from driftline.sim.conformance import Broken, Promise, Unasked
from driftline.sim.kernel import compile_fault
from driftline.sim.laws._base import Law
from driftline.sim.laws._loops import consume_loop, daily_loop, start_loop
from driftline.sim.log import TruthLog
from driftline.sim.types import Bools, Float32s, Floats, Int64s, Slates
from driftline.sim.world import World

SEED, STREAM, HORIZON = 11, 1000, 60.0
USERS, TOPICS, DAYS = 32, 6, 40
JUMP = 8.0
"""A day's move is a jump when it is so many times those of the days before and after, and at least `MOVE` logits."""
MOVE = 0.02


@dataclass(frozen=True, slots=True)
class Life:
    """Components after each stop [stops + 1, n, K], the first on day 0, and change points [stops + 1, n]."""

    path: Float32s
    changed: Bools
    touched: str | None = None
    """What of `today` was written into."""

    @property
    def moves(self) -> Floats:
        """How far each component has gone from stop to stop [stops, n]: Euclidean, logits."""
        steps = np.diff(self.path.astype(np.float64), axis=0)
        return np.asarray(np.sqrt((steps**2).sum(axis=2)))


@dataclass(frozen=True, slots=True)
class LawExam:
    """A law, and users with these home interests [N, K]."""

    law: Law
    homes: Floats

    @classmethod
    def of(cls, law: Law) -> "LawExam":
        """The law, and the users that all promises are asked with."""
        return cls(law, _homes(USERS))

    def live(
        self,
        stops: Sequence[int] = range(1, DAYS + 1),
        users: Int64s | None = None,
        takes: bool = False,
        horizon: float = HORIZON,
    ) -> Life:
        """The life of some users [n] who are met on these days, through the loops of a world.

        takes: each also takes an item on each of these days. horizon: the last day of the run.
        """
        law, kind, homes = self.law, type(self.law), self.homes.copy()
        who = np.arange(len(homes)) if users is None else users
        n, topics = homes.shape
        state = np.zeros((n, 1, topics), np.float32)
        shared, numbers = law.shared(topics, SEED), law.numbers()
        before = shared.copy()
        if kind.start is not None:
            start_loop(kind.start)(state, 0, homes, who, SEED, STREAM, horizon, shared, numbers)
        path, changes = [state[who, 0]], [np.zeros(len(who), np.bool_)]
        last = np.zeros(n, np.int32)
        for day in stops:
            changed = np.zeros(n, np.bool_)
            if kind.advance is not None:
                move = daily_loop(kind.advance, law.noisy, kind.stirs)
                move(state, 0, homes, who, last, day, SEED, STREAM, horizon, shared, numbers, changed)
            last[who] = day
            if takes and kind.consume is not None:
                _take(kind.consume, state, who, numbers)
            path.append(state[who, 0])
            changes.append(changed[who])
        kept = {"home": np.array_equal(homes, self.homes), "shared": np.array_equal(shared, before, equal_nan=True)}
        touched = next((name for name, same in kept.items() if not same), None)
        return Life(np.array(path), np.array(changes), touched)


def _take(consume: Any, state: Float32s, users: Int64s, numbers: Any) -> None:
    """Each user takes an item, user by user another one, with satisfaction 1/2."""
    mixture = np.eye(state.shape[2], dtype=np.float32)
    taken = (users % state.shape[2]).astype(np.int32)
    ones = np.ones(len(users), np.int8)
    consume_loop(consume)(state, 0, users, taken, ones, mixture, np.full(len(users), 0.5, np.float32), numbers)


def _homes(users: int) -> Floats:
    """Home interests; the first user is indifferent, the second cares for one topic only."""
    homes = 2.0 * keyed.normals(SEED, keyed.Stream.HOME, np.arange(users)[:, None], np.arange(TOPICS))
    homes[0] = 0.0
    homes[1] = np.where(np.arange(TOPICS) == 2, 12.0, -12.0)
    return np.ascontiguousarray(homes)


def _runs(exam: LawExam) -> None:
    try:
        exam.live(range(1, 3), takes=True)
    except NumbaError as problem:
        raise Broken(compile_fault(problem)) from problem


def _finite(exam: LawExam) -> None:
    path = exam.live(takes=True).path
    wrong = np.argwhere(~np.isfinite(path))
    if len(wrong):
        day, user, topic = wrong[0]
        home = "without any preference" if user == 0 else "who cares for one topic only" if user == 1 else "of 32"
        raise Broken(f"topic {topic} of a user {home} is {path[day, user, topic]} on day {day}")


def _pure(exam: LawExam) -> None:
    one, other = exam.live(takes=True), exam.live(takes=True)
    if one.touched:
        raise Broken(f"it writes into `today.{one.touched}`, which it shares with all laws or users")
    _same(one, other, "two lives of the same users differ by")


def _keyed(exam: LawExam) -> None:
    whole = exam.live()
    for what, users in {
        "met in reverse order": np.arange(USERS)[::-1].copy(),
        "met without the others": np.array([7]),
        "met half of them": np.arange(0, USERS, 2),
    }.items():
        part = exam.live(users=users)
        _same(Life(whole.path[:, users], whole.changed[:, users]), part, f"users {what} differ by")


def _daily(exam: LawExam) -> None:
    stops = [1, 2, 7, 12, 13, DAYS]
    daily, seldom = exam.live(), exam.live(stops)
    _same(Life(daily.path[[0, *stops]], seldom.changed), seldom, "who is met after 5 days at once differs by")
    marked = np.array([daily.changed[a + 1 : b + 1].any(axis=0) for a, b in zip([0, *stops], stops, strict=False)])
    if not np.array_equal(marked, seldom.changed[1:]):
        raise Broken("change points are lost or added when several days are caught up at once")


def _change_points(exam: LawExam) -> None:
    life = exam.live()
    moves, changed = life.moves, life.changed[1:]
    still = np.argwhere(changed & (moves == 0.0))
    if len(still):
        raise Broken(f"day {still[0][0] + 1} is a change point of user {still[0][1]}, whose component stays as it is")
    calm = np.where(changed, 0.0, moves)
    around = np.maximum(np.vstack([calm[:1] * 0, calm[:-1]]), np.vstack([calm[1:], calm[-1:] * 0]))
    jumps = np.argwhere((calm > MOVE) & (calm > JUMP * around) & _inside(calm))
    if len(jumps):
        day, user = jumps[0]
        raise Broken(
            f"on day {day + 1} user {user} moves by {calm[day, user]:.3g} logits, {around[day, user]:.3g} on the days "
            f"around it (a jump is {JUMP:g} times that), and no change point is reported"
        )


def _inside(moves: Floats) -> Bools:
    """Days that have one before and one after."""
    inside = np.ones(moves.shape, np.bool_)
    inside[[0, -1]] = False
    return inside


def _contribution(exam: LawExam) -> None:
    world = World(_small(exam.law), SEED)
    alone = LawExam(exam.law, world.model.population().home)
    keep, reacts = np.ones(0, np.bool_), type(exam.law).consume is not None
    while (observation := world.observe()) is not None:
        users, keep = world.round.users, np.ones(len(observation), np.bool_)
        before = TruthLog().before(world, keep)
        component = world.components[users, 1]
        if not np.array_equal(before["from_checked"], component.astype(np.float16), equal_nan=True):
            raise Broken("`from_<law>` in the truth log is not its component")
        total = world.components[users].astype(np.float64).sum(axis=1).astype(np.float32)
        if not np.array_equal(before["interest_before"], total, equal_nan=True):
            raise Broken("interest is not the sum of its component and the others'")
        if world.round.day > 0 and not reacts:
            wanted = _in_world(alone, world, users)
            if not np.array_equal(component, wanted, equal_nan=True):
                apart = float(np.abs(component - wanted).max())
                raise Broken(f"beside another law it differs by {apart:.3g} logits from itself alone")
        world.respond(Slates.certain(np.ascontiguousarray(observation.candidates[:, :3])))


def _in_world(alone: LawExam, world: World, users: Int64s) -> Float32s:
    """The components [n, K] that these users of a world would have without its other law."""
    part, law, kind = world.model.parts[1], alone.law, type(alone.law)
    state = np.zeros((len(alone.homes), 1, alone.homes.shape[1]), np.float32)
    horizon, homes = world.params.horizon, alone.homes.copy()
    if kind.start is not None:
        start_loop(kind.start)(state, 0, homes, users, SEED, part.stream, horizon, part.shared, part.numbers)
    if kind.advance is not None:
        last, changed = np.zeros(len(homes), np.int32), np.zeros(len(homes), np.bool_)
        move = daily_loop(kind.advance, law.noisy, kind.stirs)
        day = world.round.day
        move(state, 0, homes, users, last, day, SEED, part.stream, horizon, part.shared, part.numbers, changed)
    return np.asarray(state[users, 0])


def _small(law: Law) -> dict[str, Any]:
    """A world of this law beside another one."""
    return {
        "population": {"users": 20, "sessions_per_day": 1.0},
        "groups": {"all": {"laws": {"gradual": {"tau": 5.0, "sigma": 1.0}, "checked": law}}},
        "catalogue": {"items": 30, "topics": TOPICS, "probes": 5},
        "candidates": {"private": 10},
        "horizon": 8.0,
        "warmup": 1.0,
        "slate": 3,
    }


def _scaled(exam: LawExam) -> None:
    law = exam.law
    if law.rates is None:
        raise Unasked("it does not say its `rates`, so no study can make it drift faster or slower")
    strange = [name for name in (*law.rates, *law.times) if name not in type(law).model_fields]
    if strange:
        raise Broken(f"`rates` or `times` names {strange[0]!r}, which is none of its fields")
    homes = _homes(400)
    if not law.rates and not law.times:
        drift = _distance(LawExam(law, homes), 20)
        if drift > 1e-6:
            raise Broken(f"it says that nothing drifts, and a component goes {drift:.3g} logits in 20 days")
        return
    slow, fast = law.scaled(0.25), law.scaled(0.5)
    far, near = _distance(LawExam(slow, homes), 20), _distance(LawExam(fast, homes), 10)
    if abs(near - far) > 0.25 * max(far, near):
        raise Broken(
            f"a quarter as fast it goes {far:.3g} logits in a run of 20 days, half as fast {near:.3g} in one of 10; "
            "they should be equal within 25 %"
        )


def _distance(exam: LawExam, days: int) -> float:
    """Root mean square of how far components go in a run of so many days, an item being taken every day.

    The run ends with these days: a law may place an event by the run's length, as `first: middle` of `abrupt` does.
    """
    path = exam.live(range(1, days + 1), takes=True, horizon=float(days)).path.astype(np.float64)
    return float(np.sqrt(((path[-1] - path[0]) ** 2).sum(axis=1).mean()))


def _same(one: Life, other: Life, what: str) -> None:
    if not np.array_equal(one.path, other.path, equal_nan=True):
        apart = float(np.nanmax(np.abs(one.path.astype(np.float64) - other.path)))
        raise Broken(f"{what} {apart:.3g} logits; must be 0")
    if not np.array_equal(one.changed, other.changed):
        raise Broken(f"{what} their change points; must be none")


_NO_STATE = "Use nothing but `component`, `today` and `params`, and write to `component` alone; `today.noise` is keyed."
LAW: tuple[Promise[LawExam], ...] = (
    Promise("runs", "its kernels compile and run", "Change the kernel that the message is about.", _runs, last=True),
    Promise(
        "finite",
        f"components are finite for {DAYS} days, whatever the home interest",
        "Guard divisions, logarithms and exponentials.",
        _finite,
    ),
    Promise("pure", "the same users live the same life again", _NO_STATE, _pure),
    Promise("keyed", "who else is met, and in which order, changes nobody's life", _NO_STATE, _keyed),
    Promise(
        "daily",
        "days caught up at once equal days one by one",
        "A day may not depend on when the user was last met; read noise only on days for which `stirs` says so.",
        _daily,
    ),
    Promise(
        "change_points",
        "`advance` says True on the days on which the component jumps, and only then",
        "Return True where the component jumps, and False elsewhere.",
        _change_points,
    ),
    Promise(
        "contribution",
        "in a world it is what it is alone, and the truth log says so",
        "A law moves its own `component` and nothing else.",
        _contribution,
    ),
    Promise(
        "scaled",
        "twice as fast by its `rates` and `times`, it goes as far in a run of half the days",
        "Name in `rates` what happens per day, in `times` what takes days; leave `rates` out if you cannot say.",
        _scaled,
    ),
)
