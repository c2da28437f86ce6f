"""The stack finds the experts that predict choices, and slates earn by both models."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from driftline.agents.composed.memory import ChoiceLog
from driftline.agents.composed.sentiment import Sentiment
from driftline.agents.composed.valuation import (
    APPEAL,
    EXPERTS,
    FORESEEN,
    INTEREST,
    LOGIT,
    NUMBERS,
    STEADY,
    TASTES,
    FullNumbers,
    Valuation,
    refitted,
    starting_stack,
)
from driftline.agents.ranking import best_slate, top_slate
from driftline.sim.types import Feedback, Floats, RewardKind

DECAY, OUTSIDE = -0.5 * np.log1p(np.arange(4)), 1.0
TRUE = np.array([0.6, 0.0, 0.8, 0.0, -0.3, 1.0])


def shown(n: int, seed: int = 0) -> ChoiceLog:
    """Slates of four, chosen from by a logit with the weights TRUE."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4, len(EXPERTS)))
    utility = np.column_stack([x @ TRUE + DECAY, np.full(n, OUTSIDE)]) + rng.gumbel(size=(n, 5))
    log = ChoiceLog(10**6)
    log.add(time=np.zeros(n), user=np.arange(n), features=x.astype(np.float32), choice=utility.argmax(axis=1))
    log.settle()
    return log


def felt(n: int, weights: Floats, seed: int = 1) -> tuple[ChoiceLog, Floats]:
    """Satisfaction 2 Phi(w . tastes + quality - .2) - 1 with a little noise, and the qualities."""
    rng = np.random.default_rng(seed)
    x, quality = rng.normal(size=(n, len(EXPERTS))), 0.5 * rng.normal(size=n)
    mean = 2.0 * norm.cdf(x[:, :TASTES] @ weights + quality - 0.2) - 1.0
    log = ChoiceLog(10**6)
    log.add(
        time=np.zeros(n),
        user=np.arange(n),
        features=x.astype(np.float32),
        value=np.clip(mean + 0.1 * rng.normal(size=n), -1, 1),
        weight=np.ones(n),
    )
    log.settle()
    return log, quality


def test_at_first_the_tracker_is_trusted_alone() -> None:
    stack = starting_stack(DECAY, OUTSIDE)
    x = np.random.default_rng(0).normal(size=(3, 7, len(EXPERTS)))
    np.testing.assert_allclose(stack.click.utility(x), x[..., INTEREST] + x[..., APPEAL], atol=1e-12)
    # satisfaction grows with interest; the last column is the item's quality
    columns = np.zeros((2, TASTES + 1))
    columns[1, INTEREST] = 1.0
    low, high = stack.satisfaction.predict(columns)
    assert low < high


def test_planted_weights_are_found() -> None:
    start = starting_stack(DECAY, 0.0)
    found = refitted(start, shown(20_000), ChoiceLog(1), 1.0, np.zeros(0)).click
    # standard errors are about .01 here
    np.testing.assert_allclose(found.weights, TRUE, atol=0.05)
    assert found.outside == pytest.approx(OUTSIDE, abs=0.1)
    np.testing.assert_array_equal(found.position, DECAY)


def test_a_short_log_is_shrunk_towards_the_tracker() -> None:
    start, log = starting_stack(DECAY, OUTSIDE), shown(100)
    weak, strong = (refitted(start, log, ChoiceLog(1), ridge, np.zeros(0)).click.weights for ridge in (1.0, 1e6))
    goal = np.zeros(len(EXPERTS))
    goal[INTEREST] = goal[APPEAL] = 1.0
    np.testing.assert_allclose(strong, goal, atol=0.01)
    assert np.abs(weak - goal).max() > 0.2


def test_satisfaction_is_learned_from_tastes_and_quality_and_not_from_appeal() -> None:
    weights = np.array([0.2, 0.0, 0.5, 0.0, 0.0])
    log, quality = felt(5000, weights)
    found = refitted(starting_stack(DECAY, OUTSIDE), ChoiceLog(1), log, 1.0, quality).satisfaction
    np.testing.assert_allclose(found.weights, [*weights, 1.0], atol=0.05)
    assert found.intercept == pytest.approx(-0.2, abs=0.05)
    assert found.weights[STEADY] > found.weights[INTEREST]


def test_too_little_felt_changes_nothing() -> None:
    start = starting_stack(DECAY, OUTSIDE)
    log, quality = felt(49, np.zeros(TASTES))
    assert refitted(start, ChoiceLog(1), log, 1.0, quality) == start
    log, quality = felt(50, np.zeros(TASTES))
    assert refitted(start, ChoiceLog(1), log, 1.0, quality).satisfaction is not start.satisfaction


L, M, ITEMS = 4, 12, 30
POSITION: Floats = np.array([0.0, -0.4, -0.8, -1.2])
VECTORS = np.random.default_rng(0).normal(size=(ITEMS, 3)).astype(np.float32)


def valuation(reward: RewardKind = "satisfaction", numbers: FullNumbers = NUMBERS) -> Valuation:
    return Valuation(numbers, reward, POSITION, 0.5)


def features(n: int, m: int, seed: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, m, len(EXPERTS))), rng.integers(0, ITEMS, (n, m)).astype(np.int32)


def feedback(items: NDArray[Any], choice: NDArray[Any], time: float = 1.0) -> Feedback:
    n = len(items)
    return Feedback(
        np.arange(n), np.zeros(n, np.int32), np.full(n, time), items, choice.astype(np.int8),
        np.zeros(n, np.float32), np.full(n, np.nan, np.float32),
    )  # fmt: skip


def test_without_a_posterior_the_slate_is_the_exactly_best_one() -> None:
    own = valuation()
    x, items = features(20, M)
    best, scores = own.slates(x, items, VECTORS, None)
    utility = own.stack.click.utility(x)
    value = own.stack.satisfaction.predict(np.concatenate([x[..., :APPEAL], np.zeros((20, M, 1))], axis=-1))
    np.testing.assert_array_equal(best, best_slate(utility, value, POSITION, 0.5))
    np.testing.assert_allclose(scores, utility + np.log1p(np.maximum(value, -0.9)))


def test_a_posterior_changes_slates_unless_it_is_not_believed() -> None:
    x, items = features(50, M)
    spread = np.random.default_rng(2).normal(size=(50, 8, 3)).astype(np.float32)
    point, _ = valuation().slates(x, items, VECTORS, None)
    believed, _ = valuation().slates(x, items, VECTORS, spread)
    ignored, _ = valuation(numbers=FullNumbers(doubt=0.0)).slates(x, items, VECTORS, spread)
    assert (believed != point).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(ignored, point)


def test_where_a_click_is_the_reward_the_highest_utilities_are_shown() -> None:
    own = valuation("click")
    x, items = features(20, M)
    best, _ = own.slates(x, items, VECTORS, None)
    np.testing.assert_array_equal(best, top_slate(own.stack.click.utility(x), POSITION))


def test_interest_leaves_appeal_out_and_the_features_as_they_were() -> None:
    own = valuation()
    x, _ = features(5, M)
    before = x.copy()
    np.testing.assert_allclose(own.interest(x), x[..., INTEREST])
    np.testing.assert_array_equal(x, before)


def test_what_is_taken_in_counts_from_the_next_settling_on() -> None:
    own = valuation()
    items = np.tile(np.arange(L, dtype=np.int32), (60, 1))
    x = np.zeros((60, L, len(EXPERTS)))
    x[..., FORESEEN] = 3.0
    known = own.take_in(feedback(items, np.zeros(60)), x)
    np.testing.assert_allclose(known, 0.0)  # the head's part is left out, and it had no weight
    np.testing.assert_array_equal(own.appeal(items), 0.0)
    own.settle()
    assert (own.appeal(items[0])[0] > own.appeal(items[0])[1:]).all()
    np.testing.assert_allclose(own.pull(items), own.appeal(items) * own.stack.click.weights[APPEAL])


def test_evidence_speaks_in_the_satisfaction_models_own_terms() -> None:
    own = valuation(numbers=FullNumbers(judgement=3.0))
    item = np.array([1, 2], np.int32)
    felt = Sentiment(np.array([0.5, np.nan]), np.array([0.7, 0.0]))
    vector, value, weight, known = own.evidence(item, VECTORS[item], felt)  # type: ignore[misc]
    np.testing.assert_allclose(vector, LOGIT * own.stack.slope * VECTORS[item], rtol=1e-6)
    np.testing.assert_array_equal(value, felt.value)
    np.testing.assert_allclose(weight, [2.1, 0.0])
    np.testing.assert_allclose(known, LOGIT * own.stack.satisfaction.intercept)
    # A good item explains a part of the pleasure.
    many = np.full(40, 1, np.int32)
    x, _ = features(40, 1)
    own.feel(np.arange(40), np.zeros(40), many, x[:, 0], Sentiment(np.full(40, 0.9), np.ones(40)))
    own.settle()
    later = own.evidence(item, VECTORS[item], felt)
    assert later[3][0] > known[0] + 0.3  # type: ignore[misc]
    assert later[3][1] == known[1]  # type: ignore[misc]


def test_refitting_needs_something_felt_and_moves_the_weights_then() -> None:
    own = valuation()
    before = own.stack
    own.refit()
    assert own.stack == before
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, len(EXPERTS)))
    value = np.clip(np.tanh(1.5 * x[:, INTEREST]) + 0.1 * rng.normal(size=400), -1, 1)
    own.feel(
        np.arange(400), np.zeros(400), rng.integers(0, ITEMS, 400).astype(np.int32), x, Sentiment(value, np.ones(400))
    )
    own.settle()
    own.refit()
    assert own.stack.satisfaction.weights[INTEREST] > 1.0
    assert own.stack.slope == pytest.approx(own.stack.satisfaction.weights[INTEREST], rel=0.01)
