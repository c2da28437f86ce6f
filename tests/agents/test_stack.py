import numpy as np
import pytest
from scipy.stats import norm

from driftline.agents.composed.memory import ChoiceLog
from driftline.agents.composed.valuation import APPEAL, EXPERTS, INTEREST, STEADY, TASTES, refitted, starting_stack
from driftline.sim.types import Floats

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
