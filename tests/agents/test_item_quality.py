import numpy as np
import pytest

from driftline.agents.composed.item_effects import ItemQuality


def test_the_effect_is_a_shrunken_mean_of_residuals() -> None:
    quality = ItemQuality(shrink=2.0)
    items = np.array([0, 0, 3, 3], np.int32)
    felt, foretold = np.array([0.5, 0.9, -0.4, np.nan]), np.array([0.25, 0.4, 0.1, 0.0])
    quality.observe(items, felt, foretold, np.array([1.0, 0.5, 1.0, 1.0]))
    assert quality.effect(items).tolist() == [0.0] * 4  # not before the tick
    quality.tick()
    found = quality.effect(np.array([0, 3, 1, 99], np.int32))
    np.testing.assert_allclose(found, [0.5 / 3.5, -0.5 / 3.0, 0.0, 0.0], atol=1e-6)


def test_planted_quality_is_recovered_within_four_standard_errors() -> None:
    rng = np.random.default_rng(1)
    true = 0.3 * rng.normal(size=40)
    items = rng.integers(0, 40, 20_000).astype(np.int32)
    foretold = rng.uniform(-0.3, 0.3, 20_000)
    felt = foretold + true[items] + 0.4 * rng.normal(size=20_000)
    quality = ItemQuality(shrink=1.0)
    quality.observe(items, felt, foretold, np.ones(20_000))
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
    felt, foretold, weight = rng.normal(size=(3, 100))
    weight = np.abs(weight)
    whole, cut = ItemQuality(), ItemQuality()
    whole.observe(items, felt, foretold, weight)
    order = rng.permutation(100)
    for at in range(0, 100, chunk):
        rows = order[at : at + chunk]
        cut.observe(items[rows], felt[rows], foretold[rows], weight[rows])
    whole.tick()
    cut.tick()
    every = np.arange(5, dtype=np.int32)
    np.testing.assert_array_equal(whole.effect(every), cut.effect(every))


def test_leaving_a_consumption_out_equals_never_having_seen_it() -> None:
    rng = np.random.default_rng(3)
    items = rng.integers(0, 4, 30).astype(np.int32)
    felt, foretold = rng.normal(size=(2, 30))
    felt[5] = np.nan
    weight = rng.uniform(0.1, 1.0, 30)
    full = ItemQuality()
    full.observe(items, felt, foretold, weight)
    full.tick()
    without = full.effect_without(items, felt, foretold, weight)
    for row in range(30):
        rest = np.arange(30) != row
        blind = ItemQuality()
        blind.observe(items[rest], felt[rest], foretold[rest], weight[rest])
        blind.tick()
        assert without[row] == blind.effect(items[[row]])[0]
    assert without[5] == full.effect(items[[5]])[0]
