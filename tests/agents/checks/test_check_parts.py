"""The suites of trackers, predictors and policies pass ours, and refuse every kind of broken one by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftline.agents import policy
from driftline.agents.checks import _policy, _predictor, _tracker, check_policy, check_predictor, check_tracker
from driftline.agents.evolution import FilterBank, MovingAverage, Tracker
from driftline.agents.policy import Greedy, PlackettLuce, draw, plackett_luce_log_propensity
from driftline.agents.predictor import CachedEncoder, Encoder
from driftline.agents.predictor.encoders import HashingEncoder, NoiseEncoder
from driftline.sim.conformance import Check
from driftline.sim.plug_ins import PlugIns, class_like
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Observation, Params, Slates

TRACKERS: PlugIns[Any] = PlugIns("tracker", "driftline.agents.evolution", class_like(Tracker, "Tracker"))
POLICIES = [
    each for each in vars(policy).values() if isinstance(each, type) and issubclass(each, Params) and each is not Params
]


def faults(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.fault for check in checks if check.fault}


# -- trackers ----------------------------------------------------------------------------------------------------


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


# -- predictors --------------------------------------------------------------------------------------------------


ENCODERS: dict[str, Callable[[], Any]] = {
    "hashing": HashingEncoder,
    "noise": NoiseEncoder,
    "scratch": lambda: Encoder.open("scratch", "cpu", corpus=["amber brook cedar"]),
    "cached": lambda: CachedEncoder(HashingEncoder(64)),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_built_in_encoder_keeps_every_promise(name: str) -> None:
    checks = check_predictor(ENCODERS[name])
    assert [check.name for check in checks] == [promise.name for promise in _predictor.SUITE]
    assert [str(check) for check in checks if check.fault or check.unasked] == []


@pytest.mark.minilm
def test_the_pretrained_encoder_keeps_every_promise() -> None:
    assert faults(check_predictor(Encoder.open("minilm", "cpu"))) == {}


class Letters:
    """How often each of some letters comes."""

    def encode(self, texts: list[str]) -> Float32s:
        out = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    out[row, ord(letter) - 97] += 1.0
        return out


class Doubles(Letters):
    def encode(self, texts: list[str]) -> Any:
        return super().encode(texts).astype(np.float64)


class Divides(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        with np.errstate(invalid="ignore"):
            found /= found.sum(axis=1, keepdims=True)
        return found


class Whole(Letters):
    """No shape where there is nothing."""

    def encode(self, texts: list[str]) -> Float32s:
        return np.array([super(Whole, self).encode([text])[0] for text in texts], np.float32)


class Tires(Letters):
    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts: list[str]) -> Float32s:
        self.calls += 1
        found: Float32s = super().encode(texts) / np.float32(self.calls)
        return found


class Rarity(Letters):
    """Learns from its first texts which letters are rare."""

    rarity: Any = None

    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        if self.rarity is None:
            self.rarity = (1.0 / (1.0 + found.sum(axis=0))).astype(np.float32)
        found *= self.rarity
        return found


class Numbers(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        found[:, 25] = np.arange(len(texts))
        return found


class Deaf(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        return np.ones((len(texts), 4), np.float32)


class Born(Letters):
    """Every instance has weights of its own."""

    def __init__(self) -> None:
        self.weights = np.random.default_rng().normal(size=26).astype(np.float32)

    def encode(self, texts: list[str]) -> Float32s:
        found: Float32s = super().encode(texts) * self.weights
        return found


BROKEN_ENCODERS = [
    (Doubles, "rows", "encode returned float64"),
    (Divides, "finite", "the vector of '' is not finite"),
    (Whole, "empty", "encode([]) returned shape [0]; must be [0, p]"),
    (Tires, "same_twice", "when it is asked for twice"),
    (Rarity, "batches", "between being the first text and coming among others"),
    (Numbers, "duplicates", "from that of the same text beside it"),
    (Deaf, "tells_apart", "all texts have the same vector"),
    (Born, "second_instance", "in a second instance"),
]


@pytest.mark.parametrize(("make", "name", "words"), BROKEN_ENCODERS)
def test_a_broken_encoder_is_refused_by_name_with_the_reason(make: Any, name: str, words: str) -> None:
    assert faults(check_predictor(Letters)) == {}
    found = faults(check_predictor(make))
    assert name in found
    assert words in found[name]


def test_every_promise_of_encoders_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN_ENCODERS} == {promise.name for promise in _predictor.SUITE}


def test_an_encoder_that_is_given_ready_made_is_pickled() -> None:
    assert faults(check_predictor(Letters())) == {}
    local = Letters()
    local.hook = lambda: None  # type: ignore[attr-defined]
    unasked = {check.name: check.unasked for check in check_predictor(local) if check.unasked}
    assert unasked == {"second_instance": "it was given ready-made and cannot be pickled; give its class"}


# -- policies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", POLICIES, ids=lambda kind: kind.__name__)
def test_a_built_in_policy_keeps_every_promise(kind: Any) -> None:
    checks = check_policy(kind)
    assert [check.name for check in checks] == [promise.name for promise in _policy.SUITE]
    assert [str(check) for check in checks if check.fault or check.unasked] == []


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("shortlist", [3, 100])
def test_plackett_luce_keeps_every_promise_with_any_numbers(temperature: float, shortlist: int) -> None:
    assert faults(check_policy(PlackettLuce(temperature=temperature, shortlist=shortlist))) == {}


class Drawn:
    """Plackett-Luce at temperature 1, by hand."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return draw(observation, scores, best.shape[1], scores.shape[1], seed)

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return plackett_luce_log_propensity(scores, observation.candidates, items)


class Silent(Drawn):
    log_propensity = None  # type: ignore[assignment]


class Nothing(Drawn):
    slates = None  # type: ignore[assignment]


class Twins(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, scores, best, seed)
        found.items[:, 1] = found.items[:, 0]
        return found


class Sorts(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, scores, best, seed)
        scores.sort(axis=1)
        return found


class Wild(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return super().slates(observation, scores, best, int(np.random.default_rng().integers(2**31)))


class ByRow(Drawn):
    """Keyed by the row, which is another one in another batch."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return super().slates(observation, scores, best, seed + len(observation))


class Hotter(Drawn):
    """Draws from flatter probabilities than it states."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, 0.8 * scores, best, seed)
        stated = self.log_propensity(observation, scores, best, found.items)
        return Slates(found.items, stated.sum(axis=1), stated)


class OncePerUser(Drawn):
    """The draw of a user's first visit is shown for ever."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        observation.visit[:] = 0
        return super().slates(observation, scores, best, seed)


class Vague(Drawn):
    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return super().log_propensity(observation, 0.9 * scores, best, items)


class Doubtful(Drawn):
    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return super().log_propensity(observation, scores, best, items) - 0.1


BROKEN_POLICIES = [
    (Nothing, "methods", "it lacks slates"),
    (Twins, "slates", "holds an item twice"),
    (Sorts, "inputs", "slates wrote into scores or best"),
    (Wild, "repeatable", "when it is asked twice"),
    (ByRow, "batches", "alone and among others"),
    (Hotter, "frequencies", "log_p promised"),
    (OncePerUser, "frequencies", "log_p promised"),
    (Vague, "own_propensity", "log_propensity of a slate that it drew is"),
    (Doubtful, "propensity", "add up to 0.818731"),
]


@pytest.mark.parametrize(("make", "name", "words"), BROKEN_POLICIES)
def test_a_broken_policy_is_refused_by_name_with_the_reason(make: Any, name: str, words: str) -> None:
    assert faults(check_policy(Drawn)) == {}
    found = faults(check_policy(make))
    assert name in found
    assert words in found[name]


def test_every_promise_of_policies_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN_POLICIES} == {promise.name for promise in _policy.SUITE}


def test_a_policy_that_states_no_propensities_is_asked_the_rest() -> None:
    checks = check_policy(Silent)
    assert {check.name for check in checks if check.unasked} == {"own_propensity", "propensity"}
    assert faults(checks) == {}


def test_greedy_needs_no_luck() -> None:
    assert faults(check_policy(Greedy())) == {}
