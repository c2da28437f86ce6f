"""The oracle against brute force over all ordered slates, and against numeric integration."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_user import NUMBERS
from scipy.integrate import quad
from scipy.stats import norm

from driftline.sim.affinity import item_numbers
from driftline.sim.choice import best_slate, slate_value
from driftline.sim.choice._base import MODELS, ChoiceNumbers, choice_numbers
from driftline.sim.oracle import expected_reward, oracle_values
from driftline.sim.response import REWARDS
from driftline.sim.types import ChoiceModel, Floats, RewardKind

real = st.floats(-4.0, 4.0, allow_nan=False, width=32)


def by_hand(utilities: Floats, rewards: Floats, slate: tuple[int, ...], choice: ChoiceNumbers) -> float:
    """sum_k p_k r_k, written out."""
    chosen = np.array(slate)
    worth, earned = np.exp(utilities[chosen]), rewards[chosen]
    look = np.exp(choice.log_weights[: len(slate)])
    if MODELS[choice.model] == "multinomial_logit":
        return float((look * worth * earned).sum() / ((look * worth).sum() + np.exp(choice.outside)))
    alone = worth / (worth + np.exp(choice.outside))
    if MODELS[choice.model] == "position_based":
        return float((look / look.sum() * alone * earned).sum())
    value = 0.0
    for a, r in zip(alone[::-1], earned[::-1], strict=True):
        value = a * r + (1.0 - a) * choice.persistence * value
    return float(value)


def brute(utilities: Floats, rewards: Floats, length: int, choice: ChoiceNumbers) -> float:
    """The best value of any ordered slate."""
    slates = permutations(range(len(utilities)), length)
    return max(by_hand(utilities, rewards, slate, choice) for slate in slates)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=200, deadline=None)
@given(
    worth=st.lists(st.tuples(real, st.floats(-1.0, 1.0)), min_size=1, max_size=6),
    length=st.integers(1, 6),
    decay=st.floats(0.0, 2.0),
    outside=real,
    persistence=st.floats(0.0, 0.99),
)
def test_the_best_slate_is_as_good_as_any_ordered_slate(
    worth: list[tuple[float, float]],
    length: int,
    decay: float,
    outside: float,
    persistence: float,
    model: ChoiceModel,
) -> None:
    length = min(length, len(worth))
    utilities, rewards = (np.array(column, np.float64) for column in zip(*worth, strict=True))
    out = np.empty(length, np.int32)
    choice = choice_numbers(length, model=model, outside=outside, decay=decay, persistence=persistence)
    value = best_slate(utilities, rewards, choice, out)
    assert len(set(out.tolist())) == length
    assert abs(value - brute(utilities, rewards, length, choice)) < 1e-10
    assert abs(value - by_hand(utilities, rewards, tuple(out.tolist()), choice)) < 1e-12
    shown = np.arange(length, dtype=np.int32)
    wanted = by_hand(utilities, rewards, tuple(range(length)), choice)
    assert abs(slate_value(utilities, rewards, shown, choice) - wanted) < 1e-12
    assert value >= wanted - 1e-12


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("length", [1, 3, 5])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_regret_equals_brute_force_in_small_worlds_for_every_reward(
    reward: RewardKind, length: int, shared: bool, model: ChoiceModel
) -> None:
    rng = np.random.default_rng(length)
    users, m = 40, 6
    mixture = rng.dirichlet(np.full(4, 0.3), 12).astype(np.float32)
    quality, appeal = (rng.normal(0, 0.6, 12).astype(np.float32) for _ in range(2))
    items = item_numbers(mixture, quality, appeal)
    theta = rng.normal(0, 2, (users, 4)).astype(np.float32)
    candidates = np.array([rng.choice(12, m, replace=False) for _ in range(users)], np.int32)
    if shared:
        candidates = candidates[0]
    rows = np.broadcast_to(candidates, (users, m))
    shown = np.array([rng.choice(row, length, replace=False) for row in rows], np.int32)
    choice = choice_numbers(length, model=model, outside=1.0)
    value, best, slates = oracle_values(np.arange(users), theta, candidates, shown, items, choice, NUMBERS, reward)
    assert (value <= best + 1e-12).all()
    for i in range(users):
        match = theta[i].astype(np.float64) @ mixture[rows[i]].astype(np.float64).T
        utilities = match + appeal[rows[i]]
        rewards = np.array([integrated(x + q, reward) for x, q in zip(match, quality[rows[i]], strict=True)])
        assert abs(best[i] - brute(utilities, rewards, length, choice)) < 1e-6
        place = {int(item): k for k, item in enumerate(rows[i])}
        was = tuple(place[int(item)] for item in shown[i])
        assert abs(value[i] - by_hand(utilities, rewards, was, choice)) < 1e-6
        found = tuple(place[int(item)] for item in slates[i])
        assert len(set(found)) == length
        assert abs(by_hand(utilities, rewards, found, choice) - best[i]) < 1e-6


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
