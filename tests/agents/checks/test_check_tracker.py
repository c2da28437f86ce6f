"""The suite of trackers passes ours, and refuses every kind of broken one by name."""

from typing import Any

import numpy as np
import pytest
from unkept import faults

from driftline.agents.checks import _tracker, check_tracker
from driftline.agents.evolution import FilterBank, MovingAverage, Tracker
from driftline.sim.plug_ins import PlugIns, class_like
from driftline.sim.types import Float32s, Int64s

TRACKERS: PlugIns[Any] = PlugIns("tracker", "driftline.agents.evolution", class_like(Tracker, "Tracker"))


@pytest.mark.parametrize("name", TRACKERS.names())
def test_a_built_in_tracker_keeps_every_promise(name: str) -> None:
    checks = check_tracker(TRACKERS.find(name))
    assert [check.name for check in checks] == [promise.name for promise in _tracker.SUITE]
    assert [str(check) for check in checks if check.fault] == []
    assert {check.name for check in checks if check.unasked} <= {"predict", "points"}


class Plain:
    """The average of chosen vectors minus the mean of their slates: the least that is a tracker."""

    def __init__(self, n_users: int, dim: int) -> None:
        self.n_users, self.dim, self.state = n_users, dim, np.zeros((n_users, dim), np.float32)

    def grow(self, n_users: int) -> None:
        more = np.zeros((n_users - self.n_users, self.dim), np.float32)
        self.state, self.n_users = np.concatenate([self.state, more]), n_users

    def update(
        self,
        users: Int64s,
        item_vectors: Float32s,
        choice: Int64s,
        elapsed: Float32s,
        offset: Any = None,
        graded: Any = None,
    ) -> None:
        for row, user in enumerate(users):
            slate = item_vectors[row]
            taken = slate[choice[row]] if choice[row] < len(slate) else 0.0
            self.state[user] = 0.9 * self.state[user] + 0.1 * (taken - slate.mean(axis=0))

    def mean(self, users: Int64s) -> Float32s:
        return self.state[users]

    def snapshot(self) -> dict[str, Any]:
        return {"state": self.state.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        self.state = state["state"].copy()
        self.n_users = len(self.state)


class Frozen(Plain):
    grow = None  # type: ignore[assignment]


class Flattens(Plain):
    def mean(self, users: Int64s) -> Float32s:
        return super().mean(users).ravel()


class Spreads(Plain):
    """What one user does moves everybody a little."""

    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        super().update(users, item_vectors, choice, elapsed)
        self.state += 1e-3 * len(users)


class Averse(Plain):
    def mean(self, users: Int64s) -> Float32s:
        return -super().mean(users)


class Explodes(Plain):
    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        super().update(users, item_vectors, choice, elapsed)
        with np.errstate(over="ignore"):
            self.state[users] *= np.exp(np.asarray(elapsed, np.float32))[:, None]


class Lucky(Plain):
    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        super().update(users, item_vectors, choice, elapsed)
        self.state[users] += np.random.default_rng().normal(0.0, 1e-3, (len(users), self.dim))


class Compares(Plain):
    """Steps are scaled by the size of the batch."""

    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        super().update(users, item_vectors * (1.0 + 0.01 * len(users)), choice, elapsed)


class Restless(Plain):
    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        super().update(users, item_vectors, choice, elapsed)
        if not len(users):
            self.state *= 0.5


class Centres(Plain):
    def update(self, users: Int64s, item_vectors: Float32s, choice: Int64s, elapsed: Float32s, *rest: Any) -> None:
        item_vectors -= item_vectors.mean(axis=1, keepdims=True)
        super().update(users, item_vectors, choice, elapsed)


class Fades(Plain):
    """Forgets when it is asked."""

    def mean(self, users: Int64s) -> Float32s:
        found = super().mean(users).copy()
        self.state[users] *= 0.999
        return found


class Unsure(Plain):
    def predict(self, users: Int64s, item_vectors: Float32s, elapsed: Float32s) -> Float32s:
        return np.full((len(users), item_vectors.shape[1] + 1), 1.1 / (item_vectors.shape[1] + 1), np.float32)


class Foresees(Plain):
    """Predicts from the mean of all who are asked about."""

    def predict(self, users: Int64s, item_vectors: Float32s, elapsed: Float32s) -> Float32s:
        utility = item_vectors @ self.state[users].mean(axis=0)
        raised = np.exp(np.concatenate([utility, np.zeros((len(users), 1))], axis=1))
        shares: Float32s = raised / raised.sum(axis=1, keepdims=True)
        return shares


class Points(Plain):
    def points(self, users: Int64s, normal: Float32s) -> Float32s:
        return self.state[users]


class Forgetful(Plain):
    def grow(self, n_users: int) -> None:
        super().grow(n_users)
        self.state[:] = 0.0


class Lends(Plain):
    def snapshot(self) -> dict[str, Any]:
        return {"state": self.state}


BROKEN_TRACKERS = [
    (Frozen, "methods", "it lacks grow"),
    (Flattens, "means", "mean returned shape [9]; must be [3, 3]"),
    (Spreads, "strangers", "though only others had events"),
    (Averse, "learns", "after 20 choices of one item it scores -"),
    (Explodes, "finite", "is not finite"),
    (Lucky, "repeatable", "between two trackers alike"),
    (Compares, "batches", "between one call for all and one each"),
    (Restless, "empty", "after an update of nobody"),
    (Centres, "inputs", "update wrote into items"),
    (Fades, "pure", "when asked twice"),
    (Unsure, "predict", "add up to 1.1"),
    (Foresees, "predict", "predicted alone or among others"),
    (Points, "points", "points returned shape [9, 3]"),
    (Forgetful, "grow", "before and after grow"),
    (Lends, "snapshot", "after the first restore"),
]


def test_a_plain_tracker_keeps_every_promise() -> None:
    plain: Any = Plain
    assert faults(check_tracker(plain)) == {}


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize(("make", "name", "words"), BROKEN_TRACKERS)
def test_a_broken_tracker_is_refused_by_name_with_the_reason(make: Any, name: str, words: str) -> None:
    found = faults(check_tracker(make))
    assert name in found
    assert words in found[name]


def test_every_promise_of_trackers_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN_TRACKERS} == {promise.name for promise in _tracker.SUITE}


def test_a_tracker_with_numbers_of_its_own_is_made_by_whoever_asks() -> None:
    assert faults(check_tracker(lambda users, dim: MovingAverage(users, dim, decay=0.5))) == {}
    assert faults(check_tracker(lambda users, dim: FilterBank(users, dim, particles=0))) == {}
