"""The filter bank: its equations, its arithmetic, its independence of batches."""

from typing import Any

import numpy as np
import pytest
from evolution_reference import ReferenceBank
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftline.agents.evolution import FilterBank
from driftline.agents.evolution._bank_lanes import exponential
from driftline.sim.types import Float32s, Int64s

N, DIM, M = 37, 5, 4
Event = tuple[Float32s, Int64s, Float32s, Float32s, tuple[Float32s, Float32s, Float32s]]


def events(count: int, seed: int = 1, n: int = N) -> list[Event]:
    """Random slates, choices, gaps, offsets and judgements; a third of the judgements are missing."""
    rng = np.random.default_rng(seed)
    out: list[Event] = []
    for _ in range(count):
        items = rng.normal(0, 0.8, (n, M, DIM)).astype(np.float32)
        value = rng.uniform(-1, 1, n).astype(np.float32)
        value[rng.uniform(size=n) < 1 / 3] = np.nan
        judged = (
            rng.normal(0, 0.8, (n, DIM)).astype(np.float32),
            value,
            rng.uniform(0.2, 2, n).astype(np.float32),
        )
        gap = rng.uniform(0, 4, n).astype(np.float32)
        offset = rng.normal(0, 0.7, (n, M)).astype(np.float32)
        out.append((items, rng.integers(0, M + 1, n), gap, offset, judged))
    return out


def fed(bank: FilterBank, count: int = 12, seed: int = 1) -> FilterBank:
    """The bank after some events of all its users."""
    users = np.arange(bank.n_users)
    for items, choice, gap, offset, judged in events(count, seed, bank.n_users):
        bank.update(users, items, choice, gap, offset, judged)
    return bank


def same(a: dict[str, NDArray[Any]], b: dict[str, NDArray[Any]]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("particles", [0, 1, 4])
@pytest.mark.parametrize("judgements", ["none", "given", "given with what is known"])
def test_predict_and_update_follow_the_equations(particles: int, judgements: str) -> None:
    retention, numbers = [1.0, 0.97, 0.8], (0.995, 0.03, 0.02, 2.5, 0.7)
    reference = ReferenceBank(N, DIM, retention, particles, *numbers)
    bank = FilterBank(
        N, DIM, retention=retention, particles=particles, particle_retention=0.995, hazard=0.03, share=0.02,
        prior_variance=2.5, outside=0.7,
    )  # fmt: skip
    users = np.arange(N)
    for items, choice, gap, offset, judged in events(40):
        expected = reference.predict(items, gap, offset)
        np.testing.assert_allclose(bank.predict(users, items, gap, offset), expected, atol=3e-5)
        known = offset[:, 0] - 1.0
        graded = {"none": None, "given": judged}.get(judgements, (*judged, known))
        reference.update(items, choice, gap, offset, graded)
        bank.update(users, items, choice, gap, offset, graded)
    state = bank.snapshot()
    np.testing.assert_allclose(state["mean"], reference.mean, atol=3e-4)
    np.testing.assert_allclose(state["variance"], reference.variance, rtol=3e-4)
    np.testing.assert_allclose(state["weight"], reference.weight, atol=1e-4)
    np.testing.assert_array_equal(state["age"], reference.age)


def test_what_is_known_of_a_judged_item_is_minus_the_outside_utility_unless_stated() -> None:
    items, choice, gap, offset, judged = events(1)[0]
    users, known = np.arange(N), np.full(N, -0.7, np.float32)
    plain, stated, wise = (FilterBank(N, DIM, outside=0.7) for _ in range(3))
    plain.update(users, items, choice, gap, offset, judged)
    stated.update(users, items, choice, gap, offset, (*judged, known))
    wise.update(users, items, choice, gap, offset, (*judged, known + 3.0))
    assert same(plain.snapshot(), stated.snapshot())
    vector, value, _ = judged
    along = [np.sum(bank.mean(users) * vector, axis=1)[~np.isnan(value)] for bank in (plain, wise)]
    # A good item explains the pleasure: less is left for interest to explain.
    assert np.all(along[1] < along[0])


def test_points_have_the_mean_and_the_spread_of_a_single_filter() -> None:
    bank = fed(FilterBank(N, DIM, retention=[0.97], particles=0))
    users, normal = np.arange(N), np.sqrt(DIM) * np.concatenate([np.eye(DIM), -np.eye(DIM)])
    points = bank.points(users, normal).astype(float)
    np.testing.assert_allclose(points.mean(axis=1), bank.mean(users), atol=1e-5)
    np.testing.assert_allclose(points.var(axis=1), bank.snapshot()["variance"][:, 0], rtol=1e-4)


def test_points_fall_to_the_filters_by_their_weights() -> None:
    bank = fed(FilterBank(N, DIM, hazard=0.05))
    state, count = bank.snapshot(), 40
    points = bank.points(np.arange(N), np.zeros((count, DIM)))
    for user in range(N):
        ends = np.cumsum(state["weight"][user].astype(float))
        filters = np.searchsorted(ends, (np.arange(count) + 0.5) / count - 1e-6).clip(max=len(ends) - 1)
        np.testing.assert_array_equal(points[user], state["mean"][user, filters])
    some = np.array([5, 2])
    np.testing.assert_array_equal(bank.points(some, np.zeros((count, DIM))), points[some])


def test_points_of_a_stranger_lie_around_the_prior_and_wrong_shapes_are_named() -> None:
    bank = FilterBank(2, DIM, prior_variance=4.0, retention=[1.0], particles=0)
    np.testing.assert_allclose(bank.points(np.array([1]), np.ones((3, DIM)))[0], 2.0)
    with pytest.raises(ValueError, match=r"normal must have shape \[3, 5\]"):
        bank.points(np.array([1]), np.ones((3, DIM + 1)))
    with pytest.raises(IndexError, match="user 2 is not among"):
        bank.points(np.array([2]), np.ones((3, DIM)))


def test_a_filter_that_never_forgets_is_the_plain_laplace_recursion() -> None:
    bank = FilterBank(1, DIM, retention=[1.0], particles=0, prior_variance=2.0, outside=0.5)
    mean, variance = np.zeros(DIM), np.full(DIM, 2.0)
    for items, choice, gap, _, _ in events(50, n=1):
        v, c = items[0].astype(float), int(choice[0])
        weights = np.exp([*(v @ mean), 0.5])
        p = (weights / weights.sum())[:M]
        fisher = p @ v**2 - (p @ v) ** 2
        variance = 1 / (1 / variance + fisher)
        mean = mean + variance * ((v[c] if c < M else 0) - p @ v)
        bank.update(np.array([0]), items, choice, gap)
    np.testing.assert_allclose(bank.mean(np.array([0]))[0], mean, atol=1e-4)
    np.testing.assert_allclose(bank.snapshot()["variance"][0, 0], variance, rtol=1e-4)


def test_weights_sum_to_one_and_every_filter_keeps_a_share() -> None:
    bank = fed(FilterBank(N, DIM, share=0.05, hazard=0.02), 60)
    weight = bank.snapshot()["weight"].astype(float)
    np.testing.assert_allclose(weight.sum(axis=1), 1.0, atol=1e-6)
    assert weight.min() >= 0


def test_the_restarted_particle_stands_at_the_prior_with_the_mass_of_the_hazard() -> None:
    state = fed(FilterBank(N, DIM, hazard=0.03, prior_variance=2.5), 30).snapshot()
    row, particle = np.nonzero(state["age"] == 0)
    np.testing.assert_array_equal(row, np.arange(N))
    np.testing.assert_array_equal(state["weight"][row, 3 + particle], np.float32(0.03))
    np.testing.assert_array_equal(state["mean"][row, 3 + particle], 0.0)
    np.testing.assert_array_equal(state["variance"][row, 3 + particle], 2.5)


def test_long_silence_returns_a_forgetting_filter_to_the_prior() -> None:
    items, _, _, offset, _ = events(1, seed=5)[0]
    users, late = np.arange(N), np.full(N, 2000.0)
    old = fed(FilterBank(N, DIM, retention=[0.95], particles=0))
    fresh = FilterBank(N, DIM, retention=[0.95], particles=0)
    assert not np.allclose(old.predict(users, items, 0 * late), fresh.predict(users, items, 0 * late), atol=0.02)
    np.testing.assert_allclose(
        old.predict(users, items, late, offset), fresh.predict(users, items, late, offset), atol=1e-6
    )


def test_a_judgement_moves_interest_its_way_and_a_missing_one_changes_no_bit() -> None:
    items, choice, gap, offset, (vector, _, _) = events(1)[0]
    users, one = np.arange(N), np.ones(N, np.float32)
    banks = {}
    for name, graded in {
        "none": None,
        "missing": (vector * np.nan, np.full(N, np.nan), one * np.nan),
        "weightless": (vector, one, 0 * one),
        "liked": (vector, one, one),
        "disliked": (vector, -one, one),
    }.items():
        banks[name] = FilterBank(N, DIM)
        banks[name].update(users, items, choice, gap, offset, graded)
    for name in ("missing", "weightless"):
        assert same(banks["none"].snapshot(), banks[name].snapshot())
    along = {name: np.sum(bank.mean(users) * vector, axis=1) for name, bank in banks.items()}
    assert np.all(along["liked"] > along["none"])
    assert np.all(along["disliked"] < along["none"])


def test_mean_and_variance_are_those_of_the_mixture() -> None:
    bank = fed(FilterBank(N, DIM))
    state = {name: array.astype(float) for name, array in bank.snapshot().items()}
    items = events(1, seed=9)[0][0]
    v = items.astype(float)
    mean = np.einsum("np,npd->nd", state["weight"], state["mean"])
    within = np.einsum("np,npd,nmd->nm", state["weight"], state["variance"], v**2)
    utility = np.einsum("npd,nmd->npm", state["mean"], v)
    between = np.einsum("np,npm->nm", state["weight"], utility**2) - np.einsum("nd,nmd->nm", mean, v) ** 2
    users = np.arange(N)
    np.testing.assert_allclose(bank.mean(users), mean, atol=1e-5)
    np.testing.assert_allclose(bank.variance(users, items), within + between, rtol=1e-4)


def test_predict_changes_nothing_and_sums_to_one_even_for_huge_utilities() -> None:
    bank = fed(FilterBank(N, DIM))
    before = bank.snapshot()
    items, _, gap, offset, _ = events(1, seed=3)[0]
    for scale in (1, 1e4):
        p = bank.predict(np.arange(N), scale * items, gap, scale * offset)
        assert np.all(np.isfinite(p))
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-5)
    assert same(before, bank.snapshot())


def test_an_impossible_choice_leaves_a_sound_state() -> None:
    bank = FilterBank(N, DIM)
    users, one = np.arange(N), np.ones(N)
    items = np.zeros((N, M, DIM))
    for _ in range(3):
        bank.update(users, items, np.zeros(N, int), one, np.tile([-500.0, 500, 0, 0], (N, 1)))
    for array in bank.snapshot().values():
        assert np.all(np.isfinite(array))
    np.testing.assert_allclose(bank.snapshot()["weight"].sum(axis=1), 1.0, atol=1e-6)


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(N)), st.integers(1, 40), st.booleans())
def test_bits_do_not_depend_on_the_batch(order: list[int], size: int, judge: bool) -> None:
    whole, parts = FilterBank(N, DIM), FilterBank(N, DIM)
    users = np.arange(N)
    for items, choice, gap, offset, judged in events(4):
        graded = judged if judge else None
        together = whole.predict(users, items, gap, offset)
        whole.update(users, items, choice, gap, offset, graded)
        for start in range(0, N, size):
            some = np.array(order[start : start + size])
            apart = parts.predict(some, items[some], gap[some], offset[some])
            np.testing.assert_array_equal(apart, together[some])
            own = tuple(part[some] for part in judged) if judge else None
            parts.update(some, items[some], choice[some], gap[some], offset[some], own)
    assert same(whole.snapshot(), parts.snapshot())
    items = events(1)[0][0]
    np.testing.assert_array_equal(whole.mean(users)[order], whole.mean(np.array(order)))
    np.testing.assert_array_equal(whole.variance(users, items)[order], whole.variance(np.array(order), items[order]))


def test_no_offset_means_zero_and_a_raised_one_lifts_every_item() -> None:
    items, _, gap, offset, _ = events(1)[0]
    bank = fed(FilterBank(N, DIM))
    raised = bank.predict(np.arange(N), items, gap, offset + np.float32(1e-3))
    level = bank.predict(np.arange(N), items, gap, offset)
    assert np.all(raised[:, :M].sum(axis=1) > level[:, :M].sum(axis=1))
    plain = bank.predict(np.arange(N), items, gap)
    np.testing.assert_array_equal(plain, bank.predict(np.arange(N), items, gap, np.zeros((N, M))))


def test_a_snapshot_is_untouched_by_later_events_and_restores_the_future() -> None:
    bank = fed(FilterBank(N, DIM))
    kept = bank.snapshot()
    first = fed(bank, 5, seed=8).snapshot()
    assert not same(kept, first)
    bank.grow(N + 3)
    bank.restore(kept)
    assert bank.n_users == N
    assert same(kept, bank.snapshot())
    assert same(fed(bank, 5, seed=8).snapshot(), first)
    assert same(kept, fed(FilterBank(N, DIM)).snapshot())


def test_growing_adds_fresh_users_and_changes_nobody() -> None:
    bank = fed(FilterBank(N, DIM))
    before = bank.snapshot()
    bank.grow(N + 4)
    after, fresh = bank.snapshot(), FilterBank(4, DIM).snapshot()
    assert same(before, {name: array[:N] for name, array in after.items()})
    assert same(fresh, {name: array[N:] for name, array in after.items()})
    with pytest.raises(ValueError, match=f"n_users must be >= {N + 4}"):
        bank.grow(N)


def test_a_user_costs_at_most_a_kilobyte() -> None:
    assert sum(array.nbytes for array in FilterBank(100, 16).snapshot().values()) <= 100 * 1000


def test_the_exponential_is_right_to_the_last_bits_and_exact_at_zero() -> None:
    x = np.linspace(-86.9, 0, 5001, dtype=np.float32)
    ours = np.array([exponential(value) for value in x], np.float64)
    np.testing.assert_allclose(ours, np.exp(x.astype(np.float64)), rtol=1.2e-7)
    assert exponential(np.float32(0)) == 1
    assert 0 < exponential(np.float32(-1e30)) < 1e-37


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"retention": [1.0, 1.5]}, r"retention must be in \(0, 1\], got 1.5"),
        ({"retention": []}, r"len\(retention\) must be >= 1"),
        ({"particles": -1}, "particles must be >= 0, got -1"),
        ({"hazard": 1.0}, r"hazard must be in \[0, 1\), got 1.0"),
        ({"share": -0.1}, "share must be"),
        ({"prior_variance": 0.0}, "prior_variance must be finite and > 0"),
        ({"outside": np.inf}, "outside must be finite"),
        ({"young": -1.0}, "young must be"),
        ({"particle_retention": 0.0}, "particle_retention must be"),
    ],
)
def test_a_parameter_out_of_bounds_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FilterBank(3, DIM, **parameters)
