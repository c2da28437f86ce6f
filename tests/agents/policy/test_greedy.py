"""The best slate, and the highest scores: for certain, but for a draw between equal ones."""

from dataclasses import replace

import numpy as np
import pytest
from policy_visits import seen_by

from driftline.agents.policy import Greedy, highest
from driftline.sim.types import Floats


def test_greedy_shows_the_best_slate_for_certain() -> None:
    best = np.array([[2, 0], [1, 3]])
    shared = Greedy().slates(seen_by(2, np.array([10, 11, 12, 13])), np.zeros((2, 4)), best, 1)
    np.testing.assert_array_equal(shared.items, [[12, 10], [11, 13]])
    private = np.array([[10, 11, 12, 13], [20, 21, 22, 23]])
    own = Greedy().slates(seen_by(2, private), np.zeros((2, 4)), best, 1)
    np.testing.assert_array_equal(own.items, [[12, 10], [21, 23]])
    assert not own.log_p.any()
    assert not own.log_p_cascade.any()


def test_greedy_is_certain_of_the_best_slate_and_of_no_other() -> None:
    seen, best = seen_by(1, np.array([7, 8, 9])), np.array([[2, 0]])
    items = np.array([[9, 7]], np.int32)
    assert Greedy().log_propensity(seen, np.zeros((1, 3)), best, items).tolist() == [[0.0, 0.0]]
    assert Greedy().log_propensity(seen, np.zeros((1, 3)), best, items[:, ::-1]).tolist() == [[-np.inf, -np.inf]]


def test_the_highest_scores_come_first_and_ties_by_a_draw_per_item() -> None:
    seen = seen_by(3, np.array([7, 8, 9, 4]))
    own = highest(seen, np.array([[1.0, 3.0, 2.0, 0.0]] * 3), 3, seed=1)
    assert own.items.tolist() == [[8, 9, 7]] * 3
    assert highest(seen, np.array([1.0, 3.0, 2.0, 0.0]), 3, seed=1).items.tolist() == own.items.tolist()
    assert not own.log_p.any()
    tied = {tuple(highest(seen, np.zeros((3, 4)), 3, seed=seed).items[0].tolist()) for seed in range(20)}
    assert len(tied) > 5
    turned = replace(seen, candidates=seen.candidates[::-1].copy())
    np.testing.assert_array_equal(highest(seen, np.zeros(4), 3, 2).items, highest(turned, np.zeros(4), 3, 2).items)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros((2, 4)), r"scores have shape \[2, 4\]; must be \[3, 4\], or \[4\]"),
        (np.zeros((3, 3)), r"scores have shape \[3, 3\]; must be \[3, 4\]"),
        (np.array([0.0, 1.0, np.nan, 0.0]), "the score of item 9 for user 1000 is NaN"),
    ],
)
def test_scores_that_rank_nothing_are_named(scores: Floats, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        highest(seen_by(3, np.array([7, 8, 9, 4])), scores, 2, 1)
