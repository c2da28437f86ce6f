"""Appeal and quality add up the same in any order, and leave an item's own event out."""

import numpy as np
import pytest

from driftline.agents.composed.item_effects import UNIT, ItemAppeal, ItemQuality, ItemSums, probability_without_own


def test_sums_are_the_same_bits_in_any_order_and_batch() -> None:
    rng = np.random.default_rng(1)
    items, amounts = rng.integers(0, 9, 500), rng.normal(size=(500, 2))
    once, shuffled = ItemSums(2), ItemSums(2)
    once.add(items, amounts)
    order = rng.permutation(500)
    for at in range(0, 500, 7):
        shuffled.add(items[order[at : at + 7]], amounts[order[at : at + 7]])
    once.settle()
    shuffled.settle()
    every = np.arange(12)
    np.testing.assert_array_equal(once.units(every), shuffled.units(every))
    exact = np.stack([np.bincount(items, amounts[:, c], minlength=12) for c in range(2)], axis=1)
    np.testing.assert_allclose(once.totals(every), exact, atol=500 * UNIT)


def test_nothing_is_visible_before_it_is_settled_and_items_may_come_later() -> None:
    sums = ItemSums(1)
    sums.add(np.array([2]), np.array([[1.5]]))
    assert sums.totals(np.array([2]))[0, 0] == 0.0
    sums.settle()
    sums.add(np.array([40]), np.array([[2.0]]))
    assert sums.totals(np.array([2, 40]))[:, 0].tolist() == [1.5, 0.0]
    sums.settle()
    sums.settle()
    assert sums.totals(np.array([[2, 40], [0, 999]]))[..., 0].tolist() == [[1.5, 2.0], [0.0, 0.0]]


def test_an_amount_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite; got nan"):
        ItemSums(1).add(np.array([0]), np.array([[np.nan]]))


def test_probabilities_leave_out_the_own_appeal_and_keep_that_of_the_others() -> None:
    utility, own = np.array([[1.0, 2.0, -0.5]]), np.array([[0.3, 0.8, -0.2]])
    position = np.array([0.0, -0.4, -0.7])
    found = probability_without_own(utility, own, position, 0.6)
    for k in range(3):
        u = utility[0] + position
        u[k] -= own[0, k]
        assert abs(found[0, k] - np.exp(u[k]) / (np.exp(0.6) + np.exp(u).sum())) < 1e-12


def test_the_effect_is_the_log_ratio_of_clicks_to_predicted_clicks() -> None:
    appeal = ItemAppeal(shrink=2.0)
    items = np.array([[4, 1], [1, 4], [4, 2]], np.int32)
    appeal.observe(items, np.array([0, 1, 2], np.int8), np.full((3, 2), 0.25))
    assert appeal.effect(np.array([4], np.int32))[0] == 0.0  # not before the tick
    appeal.tick()
    found = appeal.effect(np.array([4, 1, 2, 0, 77], np.int32))
    expected = np.log([4 / 2.75, 2 / 2.5, 2 / 2.25, 1.0, 1.0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_planted_appeal_is_recovered_and_batches_leave_no_trace() -> None:
    rng = np.random.default_rng(1)
    n, length, n_items = 40_000, 5, 30
    true = 0.6 * rng.normal(size=n_items)
    items = np.argsort(rng.random((n, n_items)), axis=1)[:, :length].astype(np.int32)
    base, position, outside = rng.normal(size=(n, length)), -0.5 * np.log1p(np.arange(length)), 2.5
    utility = base + true[items]
    noisy = np.column_stack([utility + position, np.full(n, outside)]) + rng.gumbel(size=(n, length + 1))
    choice = noisy.argmax(axis=1).astype(np.int8)
    predicted = probability_without_own(utility, true[items], position, outside)
    whole, cut = ItemAppeal(1.0), ItemAppeal(1.0)
    whole.observe(items, choice, predicted)
    for at in range(0, n, 1777):
        part = slice(at, at + 1777)
        cut.observe(items[part], choice[part], predicted[part])
    whole.tick()
    cut.tick()
    every = np.arange(n_items, dtype=np.int32)
    np.testing.assert_array_equal(whole.effect(every), cut.effect(every))
    # P(click with appeal) falls short of e^a P(click without): an honest bias, below .1 a here
    off = whole.effect(every) - true
    clicks = np.bincount(items[choice < length, choice[choice < length]], minlength=n_items)
    assert (np.abs(off) < 0.2 * np.abs(true) + 4 / np.sqrt(clicks)).all()
    assert np.corrcoef(whole.effect(every), true)[0, 1] > 0.98


def test_the_effect_is_a_shrunken_mean_of_residuals() -> None:
    quality = ItemQuality(shrink=2.0)
    items = np.array([0, 0, 3, 3], np.int32)
    felt, predicted = np.array([0.5, 0.9, -0.4, np.nan]), np.array([0.25, 0.4, 0.1, 0.0])
    quality.observe(items, felt, predicted, np.array([1.0, 0.5, 1.0, 1.0]))
    assert quality.effect(items).tolist() == [0.0] * 4  # not before the tick
    quality.tick()
    found = quality.effect(np.array([0, 3, 1, 99], np.int32))
    np.testing.assert_allclose(found, [0.5 / 3.5, -0.5 / 3.0, 0.0, 0.0], atol=1e-6)


def test_planted_quality_is_recovered_within_four_standard_errors() -> None:
    rng = np.random.default_rng(1)
    true = 0.3 * rng.normal(size=40)
    items = rng.integers(0, 40, 20_000).astype(np.int32)
    predicted = rng.uniform(-0.3, 0.3, 20_000)
    felt = predicted + true[items] + 0.4 * rng.normal(size=20_000)
    quality = ItemQuality(shrink=1.0)
    quality.observe(items, felt, predicted, np.ones(20_000))
    quality.tick()
    count = np.bincount(items)
    off = quality.effect(np.arange(40, dtype=np.int32)) - true * count / (count + 1.0)
    assert (np.abs(off) < 4 * 0.4 / np.sqrt(count)).all()


def test_a_prediction_without_own_quality_lets_the_effect_stand_and_one_with_it_shrinks_it() -> None:
    items, true = np.zeros(8, np.int32), 0.5
    honest, inclusive = ItemQuality(shrink=2.0), ItemQuality(shrink=2.0)
    for _ in range(50):
        felt = np.full(8, true)
        honest.observe(items, felt, np.zeros(8), np.ones(8))
        inclusive.observe(items, felt, inclusive.effect(items), np.ones(8))
        honest.tick()
        inclusive.tick()
    assert honest.effect(items)[0] == pytest.approx(true * 400 / 402, abs=1e-5)
    assert inclusive.effect(items)[0] < 0.6 * true


@pytest.mark.parametrize("chunk", [1, 7])
def test_order_and_batches_leave_no_trace(chunk: int) -> None:
    rng = np.random.default_rng(2)
    items = rng.integers(0, 5, 100).astype(np.int32)
    felt, predicted, weight = rng.normal(size=(3, 100))
    weight = np.abs(weight)
    whole, cut = ItemQuality(), ItemQuality()
    whole.observe(items, felt, predicted, weight)
    order = rng.permutation(100)
    for at in range(0, 100, chunk):
        rows = order[at : at + chunk]
        cut.observe(items[rows], felt[rows], predicted[rows], weight[rows])
    whole.tick()
    cut.tick()
    every = np.arange(5, dtype=np.int32)
    np.testing.assert_array_equal(whole.effect(every), cut.effect(every))


def test_leaving_a_consumption_out_equals_never_having_seen_it() -> None:
    rng = np.random.default_rng(3)
    items = rng.integers(0, 4, 30).astype(np.int32)
    felt, predicted = rng.normal(size=(2, 30))
    felt[5] = np.nan
    weight = rng.uniform(0.1, 1.0, 30)
    full = ItemQuality()
    full.observe(items, felt, predicted, weight)
    full.tick()
    without = full.effect_without(items, felt, predicted, weight)
    for row in range(30):
        rest = np.arange(30) != row
        blind = ItemQuality()
        blind.observe(items[rest], felt[rest], predicted[rest], weight[rest])
        blind.tick()
        assert without[row] == blind.effect(items[[row]])[0]
    assert without[5] == full.effect(items[[5]])[0]
