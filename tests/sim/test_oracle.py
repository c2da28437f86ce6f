"""The oracle against brute force over all ordered slates, and against numeric integration."""

from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_user import NUMBERS, choice_for
from scipy.integrate import quad
from scipy.stats import norm

from driftline.sim.affinity import ItemNumbers, item_numbers
from driftline.sim.choice import Choice
from driftline.sim.oracle import SlateValues, expected_reward
from driftline.sim.response import REWARDS
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, RewardKind

WRITTEN_OUT = ("cascade", "multinomial_logit", "position_based")
real = st.floats(-4.0, 4.0, allow_nan=False, width=32)


@dataclass(frozen=True)
class Written:
    """A built-in model, to be written out."""

    model: str
    outside: float = 1.0
    decay: float = 0.5
    persistence: float = 0.9

    def choice(self, length: int) -> Choice:
        return choice_for(length, self.model, outside=self.outside, decay=self.decay, persistence=self.persistence)

    def value(self, utilities: Floats, rewards: Floats, slate: tuple[int, ...]) -> float:
        """sum_k p_k r_k of an ordered slate."""
        return float(self.values(utilities, rewards, np.array([slate]))[0])

    def values(self, utilities: Floats, rewards: Floats, slates: Int64s) -> Floats:
        """sum_k p_k r_k of ordered slates [S, L]."""
        worth, earned = np.exp(utilities[slates]), rewards[slates]
        look = (np.arange(slates.shape[1]) + 1.0) ** -self.decay
        alone = worth / (worth + np.exp(self.outside))
        read = np.zeros(len(slates))
        for a, r in zip(alone.T[::-1], earned.T[::-1], strict=True):
            read = a * r + (1.0 - a) * self.persistence * read
        seen = look * worth
        found: dict[str, Floats] = {
            "multinomial_logit": (seen * earned).sum(axis=1) / (seen.sum(axis=1) + np.exp(self.outside)),
            "position_based": (look / look.sum() * alone * earned).sum(axis=1),
            "cascade": read,
        }
        return found[self.model]

    def best(self, utilities: Floats, rewards: Floats, length: int) -> float:
        """The best value of any ordered slate."""
        return float(self.values(utilities, rewards, ordered_slates(len(utilities), length)).max())


@cache
def ordered_slates(items: int, length: int) -> Int64s:
    """All of them [S, length]."""
    return np.array(list(permutations(range(items), length)))


@pytest.mark.parametrize("model", WRITTEN_OUT)
@settings(max_examples=200)
@given(
    worth=st.lists(st.tuples(real, st.floats(-1.0, 1.0)), min_size=1, max_size=6),
    length=st.integers(1, 6),
    decay=st.floats(0.0, 2.0),
    outside=real,
    persistence=st.floats(0.0, 0.99),
)
def test_the_best_slate_is_as_good_as_any_ordered_slate(
    worth: list[tuple[float, float]], length: int, decay: float, outside: float, persistence: float, model: str
) -> None:
    length = min(length, len(worth))
    utilities, rewards = (np.array(column, np.float64) for column in zip(*worth, strict=True))
    written = Written(model, outside, decay, persistence)
    choice = written.choice(length)
    out = np.zeros(length, np.int32)
    value = choice.best(utilities, rewards, out, choice.params)
    assert len(set(out.tolist())) == length
    assert choice.exact(len(worth))
    assert abs(value - written.best(utilities, rewards, length)) < 1e-10
    assert abs(value - written.value(utilities, rewards, tuple(out.tolist()))) < 1e-12
    assert value == choice.ceiling(utilities, rewards, out, choice.params)
    shown = np.arange(length, dtype=np.int32)
    wanted = written.value(utilities, rewards, tuple(range(length)))
    assert abs(choice.value(utilities, rewards, shown, choice.params) - wanted) < 1e-12
    assert value >= wanted - 1e-12


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("length", [1, 3, 5])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("model", WRITTEN_OUT)
def test_regret_equals_brute_force_in_small_worlds_for_every_reward(
    reward: RewardKind, length: int, shared: bool, model: str
) -> None:
    small = Small.of(length, shared)
    written = Written(model)
    values = SlateValues(small.items, written.choice(length), NUMBERS, reward)
    shown = values.shown(small.users, small.theta, small.shown)
    best = values.best(small.users, small.theta, small.candidates)
    slates = values.best_slates(small.users, small.theta, small.candidates)
    assert (shown <= best + 1e-12).all()
    for i in range(len(small.users)):
        row = small.rows[i]
        match = small.theta[i].astype(np.float64) @ small.items.mixture[row].astype(np.float64).T
        utilities = match + small.items.appeal[row]
        rewards = np.array([integrated(x + q, reward) for x, q in zip(match, small.items.quality[row], strict=True)])
        assert abs(best[i] - written.best(utilities, rewards, length)) < 1e-6
        place = {int(item): k for k, item in enumerate(row)}
        was = tuple(place[int(item)] for item in small.shown[i])
        assert abs(shown[i] - written.value(utilities, rewards, was)) < 1e-6
        found = tuple(place[int(item)] for item in slates[i])
        assert len(set(found)) == length
        assert abs(written.value(utilities, rewards, found) - best[i]) < 1e-6


@dataclass(frozen=True)
class Small:
    """40 users, 12 items, 6 candidates, and slates shown at random."""

    users: Int64s
    theta: Float32s
    items: ItemNumbers
    candidates: Int32s
    rows: Int32s
    shown: Int32s

    @classmethod
    def of(cls, length: int, shared: bool) -> "Small":
        rng = np.random.default_rng(length)
        users, m = 40, 6
        mixture = rng.dirichlet(np.full(4, 0.3), 12).astype(np.float32)
        quality, appeal = (rng.normal(0, 0.6, 12).astype(np.float32) for _ in range(2))
        theta = rng.normal(0, 2, (users, 4)).astype(np.float32)
        candidates = np.array([rng.choice(12, m, replace=False) for _ in range(users)], np.int32)
        if shared:
            candidates = candidates[0]
        rows = np.broadcast_to(candidates, (users, m))
        shown = np.array([rng.choice(row, length, replace=False) for row in rows], np.int32)
        return cls(np.arange(users), theta, item_numbers(mixture, quality, appeal), candidates, rows, shown)


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def integrated(worth: float, reward: RewardKind) -> float:
    """E[reward | consumed] by dense quadrature over the satisfaction noise."""
    s = 2 * norm.cdf((worth - NUMBERS.level) / NUMBERS.scale + NUMBERS.noise * NODES) - 1
    lift = np.exp(np.log(NUMBERS.dwell_median) + NUMBERS.dwell_spread**2 / 2) / 60
    worths = {
        "click": np.ones_like(s),
        "dwell": lift * np.exp(NUMBERS.dwell_effect * s),
        "purchase": NUMBERS.purchase * (1 + s) / 2,
        "satisfaction": s,
    }
    return float((WEIGHTS * worths[reward]).sum() / WEIGHTS.sum())


@pytest.mark.parametrize("match", np.linspace(-5, 6, 12))
@pytest.mark.parametrize("effect", [0.15, 0.6])
def test_expected_dwell_equals_numeric_integration(match: float, effect: float) -> None:
    numbers = NUMBERS._replace(dwell_effect=effect)

    def minutes(noise: float) -> float:
        s = 2 * norm.cdf((match + 0.3 - numbers.level) / numbers.scale + numbers.noise * noise) - 1
        # Dwell itself is log-normal around this.
        return float(np.exp(numbers.dwell_effect * s + numbers.dwell_spread**2 / 2) * norm.pdf(noise))

    wanted = quad(minutes, -10, 10, points=[0], epsabs=1e-12)[0]
    got = expected_reward(match, 0.3, REWARDS.index("dwell"), numbers)
    assert abs(got - wanted) < 1e-4 * wanted


@pytest.mark.parametrize("match", [-3.0, 0.0, 0.7, 4.0])
def test_expected_purchase_has_its_closed_form(match: float) -> None:
    x = (match + 0.3 - NUMBERS.level) / NUMBERS.scale
    wanted = NUMBERS.purchase * norm.cdf(x / np.sqrt(1 + NUMBERS.noise**2))
    got = expected_reward(match, 0.3, REWARDS.index("purchase"), NUMBERS)
    assert abs(got - wanted) < 1e-12
    assert abs(got - integrated(match + 0.3, "purchase")) < 1e-9
    assert expected_reward(match, 0.3, REWARDS.index("click"), NUMBERS) == 1.0
