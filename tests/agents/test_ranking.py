from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.agents.models.ranking import best_slate, expected_reward, top_slate
from driftline.sim.types import Floats


def reward_of(u: Floats, r: Floats, w: Floats, outside: float) -> float:
    pull = np.exp(w + u)
    return float((pull * r).sum() / (np.exp(outside) + pull.sum()))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 6),
    spread=st.sampled_from([0.1, 1.0, 5.0]),
    shift=st.sampled_from([-1.0, 0.0, 1.0]),
    outside=st.sampled_from([-3.0, 0.0, 4.0]),
)
def test_the_slate_is_as_good_as_the_best_of_all_ordered_slates(
    seed: int, m: int, spread: float, shift: float, outside: float
) -> None:
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1, m + 1))
    u, r = spread * rng.normal(size=(3, m)), np.tanh(shift + rng.normal(size=(3, m)))
    w = rng.normal(size=length)  # any order of weights
    slate = best_slate(u, r, w, outside)
    own = expected_reward(np.take_along_axis(u, slate, 1), np.take_along_axis(r, slate, 1), w, outside)
    for row in range(3):
        assert len(set(slate[row])) == length
        every = [reward_of(u[row, list(s)], r[row, list(s)], w, outside) for s in permutations(range(m), length)]
        assert own[row] == pytest.approx(max(every), rel=1e-11, abs=1e-13)
        assert own[row] == pytest.approx(
            reward_of(u[row, slate[row]], r[row, slate[row]], w, outside), rel=1e-12, abs=1e-14
        )


def test_when_a_click_is_the_reward_the_best_slate_is_the_top_by_utility() -> None:
    u = np.random.default_rng(1).normal(size=(50, 30))
    w = -0.5 * np.log1p(np.arange(8))
    top = top_slate(u, w)
    np.testing.assert_array_equal(best_slate(u, np.ones_like(u), w, 1.0), top)
    np.testing.assert_array_equal(top, np.argsort(-u, axis=1)[:, :8])


def test_the_best_item_goes_to_the_heaviest_position() -> None:
    slate = top_slate(np.array([[0.0, 3.0, 2.0, 1.0]]), np.array([-2.0, 0.0, -1.0]))
    np.testing.assert_array_equal(slate, [[3, 1, 2]])


def test_ties_go_to_the_lower_column() -> None:
    np.testing.assert_array_equal(top_slate(np.zeros((1, 5)), np.zeros(3)), [[0, 1, 2]])
    np.testing.assert_array_equal(best_slate(np.zeros((1, 5)), np.ones((1, 5)), np.zeros(3), 0.0), [[0, 1, 2]])


@pytest.mark.parametrize("chunk", [1, 7])
def test_rows_do_not_depend_on_the_batch(chunk: int) -> None:
    rng = np.random.default_rng(2)
    u, r = rng.normal(size=(2, 60, 100))
    w = -0.5 * np.log1p(np.arange(10))
    whole = best_slate(u, r, w, 0.5)
    parts = [best_slate(u[at : at + chunk], r[at : at + chunk], w, 0.5) for at in range(0, 60, chunk)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_huge_utilities_do_not_overflow() -> None:
    u, r = np.array([[900.0, 899.0, -900.0]]), np.array([[-0.5, 0.9, 1.0]])
    slate = best_slate(u, r, np.zeros(2), 0.0)
    assert sorted(slate[0]) == [1, 2]
    assert expected_reward(u[:, [1, 2]], r[:, [1, 2]], np.zeros(2), 0.0)[0] == pytest.approx(0.9)


def test_click_bait_is_left_out_where_satisfaction_is_the_reward() -> None:
    u, r = np.array([[3.0, 1.0, 1.0]]), np.array([[-0.8, 0.5, 0.4]])
    assert sorted(best_slate(u, r, np.zeros(2), 0.0)[0]) == [1, 2]


def test_too_few_candidates_and_unlike_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="2 candidates for a slate of 3"):
        best_slate(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(3), 0.0)
    with pytest.raises(ValueError, match="must agree"):
        best_slate(np.zeros((1, 4)), np.zeros((1, 3)), np.zeros(3), 0.0)
