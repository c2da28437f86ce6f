"""Slates are the best there are by brute force, or within a stated bound."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from driftline.agents.ranking import (
    Doubt,
    best_slate,
    doubtful_slate,
    expected_reward,
    probit_worth,
    spherical_points,
    top_slate,
)
from driftline.sim.types import Float32s, Floats, Int32s, Int64s


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


@pytest.mark.parametrize(("count", "dim"), [(32, 16), (64, 16), (2, 1), (24, 3)])
def test_whole_sets_of_axes_have_the_mean_and_the_covariance_of_a_standard_normal(count: int, dim: int) -> None:
    points = spherical_points(count, dim, seed=3).astype(float)
    assert points.shape == (count, dim)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(points.T @ points / count, np.eye(dim), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.sqrt(dim), rtol=1e-5)


@pytest.mark.parametrize("count", [1, 7, 10])
def test_other_counts_keep_the_mean_and_an_odd_one_leaves_the_origin_in(count: int) -> None:
    points = spherical_points(count, 4, seed=1)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-6)
    assert (np.linalg.norm(points, axis=1) < 1e-6).sum() == count % 2


def test_they_are_keyed_by_the_seed() -> None:
    np.testing.assert_array_equal(spherical_points(8, 3, 5), spherical_points(8, 3, 5))
    assert not np.allclose(spherical_points(8, 3, 5), spherical_points(8, 3, 6))


POSITION = -0.5 * np.log1p(np.arange(3.0))
SATISFACTION, CLICK = (0.0, 1.0), (1.0, 0.0)


def worth(
    utility: Floats, latent: Floats, shift: Floats, slope: float, outside: float, earns: tuple[float, float]
) -> float:
    """E[R] of one slate in order of position: utility, latent [L], shift [K, L] of click utility at each point."""
    pull = np.exp(POSITION[: len(utility)] + utility + shift)
    earned = pull * (earns[0] + earns[1] * erf((latent + slope * shift) / np.sqrt(2.0)))
    return float(np.mean(earned.sum(axis=1) / (np.exp(outside) + pull.sum(axis=1))))


def case(seed: int, n: int, m: int, points: int, dim: int = 4) -> tuple[Floats, Floats, Int32s, Float32s, Float32s]:
    """Utility and latent [n, m], items [n, m], item vectors [20, dim], points away from the mean [n, K, dim]."""
    rng = np.random.default_rng(seed)
    items = np.argsort(rng.uniform(size=(n, 20)), axis=1)[:, :m].astype(np.int32)
    vectors = rng.normal(size=(20, dim)).astype(np.float32)
    away = (0.7 * rng.normal(size=(n, points, dim))).astype(np.float32)
    return rng.normal(size=(n, m)), rng.normal(size=(n, m)), items, vectors, away - away.mean(axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), earns=st.sampled_from([SATISFACTION, CLICK, (0.5, 0.5)]))
def test_every_position_holds_what_adds_most_to_those_before_it(seed: int, earns: tuple[float, float]) -> None:
    # Not the best slate of all: greedy filling promises no bound for a single case, only for the average (below).
    utility, latent, items, vectors, away = case(seed, 2, 6, points=8)
    slate = doubtful_slate(utility, latent, items, vectors, Doubt(away, 0.6), POSITION, 0.5, earns)
    for row in range(2):
        shift = away[row].astype(float) @ vectors[items[row]].T.astype(float)
        for place in range(3):
            before = list(slate[row, :place])
            values = {
                i: worth(utility[row, s], latent[row, s], shift[:, s], 0.6, 0.5, earns)
                for i in set(range(6)) - set(before)
                for s in [np.array([*before, i])]
            }
            assert values[slate[row, place]] >= max(values.values()) - 1e-5


def test_on_average_it_is_within_a_hundredth_of_the_best() -> None:
    lost, whole = 0.0, 0.0
    for seed in range(40):
        utility, latent, items, vectors, away = case(seed, 1, 6, points=8)
        slate = doubtful_slate(utility, latent, items, vectors, Doubt(away, 0.6), POSITION, 0.5, SATISFACTION)[0]
        shift = away[0].astype(float) @ vectors[items[0]].T.astype(float)
        values = {
            s: worth(utility[0, list(s)], latent[0, list(s)], shift[:, list(s)], 0.6, 0.5, SATISFACTION)
            for s in permutations(range(6), 3)
        }
        lost += max(values.values()) - values[tuple(slate)]
        whole += max(values.values())
    assert lost < 0.01 * whole


def test_a_slate_covers_what_a_user_may_like() -> None:
    # Two kinds of items, three of each, and a user who loves one of them, nobody knows which.
    vectors = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    away = np.array([[[3.0, -3.0], [-3.0, 3.0]]], np.float32)
    utility = np.array([[0.2, 0.2, 0.2, 0.0, 0.0, 0.0]])
    latent = np.zeros((1, 6))
    items = np.arange(6, dtype=np.int32)
    flat = np.zeros(2)
    slate = doubtful_slate(utility, latent, items, vectors, Doubt(away, 0.5), flat, 0.0, SATISFACTION)
    assert set(slate[0] // 3) == {0, 1}
    # The best guess alone bets on the kind that is a little ahead.
    assert set(top_slate(utility, flat)[0] // 3) == {0}


def test_without_doubt_it_earns_nearly_what_the_exact_slate_earns() -> None:
    utility, latent, items, vectors, away = case(1, 300, 20, points=4)
    worths = erf(latent / np.sqrt(2.0))
    slate = doubtful_slate(utility, latent, items, vectors, Doubt(0.0 * away, 0.6), POSITION, 0.5, SATISFACTION)
    exact = best_slate(utility, worths, POSITION, 0.5)

    def earned(columns: Int64s) -> Floats:
        return expected_reward(
            np.take_along_axis(utility, columns, 1), np.take_along_axis(worths, columns, 1), POSITION, 0.5
        )

    assert (earned(slate) <= earned(exact) + 1e-6).all()
    assert earned(slate).mean() > 0.99 * earned(exact).mean()


def test_clicks_without_doubt_are_won_by_the_highest_utilities() -> None:
    utility, latent, items, vectors, away = case(2, 50, 15, points=4)
    slate = doubtful_slate(utility, latent, items, vectors, Doubt(0.0 * away, 0.6), POSITION, 0.5, CLICK)
    np.testing.assert_array_equal(slate, top_slate(utility, POSITION))


def test_a_row_depends_on_no_other_row_and_shared_items_are_the_same_as_private_ones() -> None:
    utility, latent, items, vectors, away = case(3, 40, 20, points=32)
    every = doubtful_slate(utility, latent, items, vectors, Doubt(away, 0.6), POSITION, 0.5, SATISFACTION)
    for part in (slice(0, 1), slice(7, 20)):
        some = doubtful_slate(
            utility[part], latent[part], items[part], vectors, Doubt(away[part], 0.6), POSITION, 0.5, SATISFACTION
        )
        np.testing.assert_array_equal(some, every[part])
    shared = doubtful_slate(utility, latent, items[0], vectors, Doubt(away, 0.6), POSITION, 0.5, SATISFACTION)
    private = doubtful_slate(
        utility, latent, np.tile(items[0], (40, 1)), vectors, Doubt(away, 0.6), POSITION, 0.5, SATISFACTION
    )
    np.testing.assert_array_equal(shared, private)


def test_the_heaviest_position_is_filled_first_and_ties_go_to_the_lower_column() -> None:
    still = Doubt(np.zeros((1, 2, 2), np.float32), 0.5)
    items, vectors = np.arange(4, dtype=np.int32), np.zeros((4, 2), np.float32)
    heavy_last = np.array([-2.0, 0.0])
    slate = doubtful_slate(
        np.array([[0.0, 2.0, 1.0, 0.0]]), np.ones((1, 4)), items, vectors, still, heavy_last, 0.0, CLICK
    )
    np.testing.assert_array_equal(slate, [[2, 1]])
    tied = doubtful_slate(np.zeros((1, 4)), np.ones((1, 4)), items, vectors, still, np.zeros(3), 0.0, SATISFACTION)
    np.testing.assert_array_equal(tied, [[0, 1, 2]])


def test_extreme_utilities_keep_every_slate_whole() -> None:
    utility, latent, items, vectors, away = case(4, 30, 12, points=8)
    slate = doubtful_slate(
        300.0 * utility, 40.0 * latent, items, vectors, Doubt(20.0 * away, 3.0), POSITION, -50.0, SATISFACTION
    )
    assert all(len(set(row)) == 3 and row.min() >= 0 and row.max() < 12 for row in slate)


def test_the_compiled_link_is_the_probit() -> None:
    z = np.linspace(-6.0, 6.0, 2001).astype(np.float32)
    found = np.array([probit_worth(each) for each in z])
    np.testing.assert_allclose(found, erf(z.astype(float) / np.sqrt(2.0)), atol=6e-7)


def test_too_few_candidates_are_an_error() -> None:
    utility, latent, items, vectors, away = case(5, 2, 2, points=2)
    with pytest.raises(ValueError, match="2 candidates for a slate of 3; it needs at least 3"):
        doubtful_slate(utility, latent, items, vectors, Doubt(away, 0.5), POSITION, 0.0, CLICK)
