import numpy as np
import pytest

from driftline.agents.composed.item_effects import UNIT, ItemSums


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
