import numpy as np

from driftline.agents.composed.item_effects import ItemAppeal, probability_without_own


def test_probabilities_leave_out_the_own_appeal_and_keep_that_of_the_others() -> None:
    utility, own = np.array([[1.0, 2.0, -0.5]]), np.array([[0.3, 0.8, -0.2]])
    position = np.array([0.0, -0.4, -0.7])
    found = probability_without_own(utility, own, position, 0.6)
    for k in range(3):
        u = utility[0] + position
        u[k] -= own[0, k]
        assert abs(found[0, k] - np.exp(u[k]) / (np.exp(0.6) + np.exp(u).sum())) < 1e-12


def test_the_effect_is_the_log_ratio_of_clicks_to_foretold_clicks() -> None:
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
    foretold = probability_without_own(utility, true[items], position, outside)
    whole, cut = ItemAppeal(1.0), ItemAppeal(1.0)
    whole.observe(items, choice, foretold)
    for at in range(0, n, 1777):
        part = slice(at, at + 1777)
        cut.observe(items[part], choice[part], foretold[part])
    whole.tick()
    cut.tick()
    every = np.arange(n_items, dtype=np.int32)
    np.testing.assert_array_equal(whole.effect(every), cut.effect(every))
    # P(click with appeal) falls short of e^a P(click without): an honest bias, below .1 a here
    off = whole.effect(every) - true
    clicks = np.bincount(items[choice < length, choice[choice < length]], minlength=n_items)
    assert (np.abs(off) < 0.2 * np.abs(true) + 4 / np.sqrt(clicks)).all()
    assert np.corrcoef(whole.effect(every), true)[0, 1] > 0.98
