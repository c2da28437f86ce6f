"""Offers: every live item about equally likely, and random slates uniform."""

import numpy as np
import pytest
from scipy import stats

from driftline.sim.items import private_candidates, random_slates, shared_candidates


def offers(live: int, count: int, visits: int = 4_000) -> np.ndarray:
    shelf = (1_000 + np.arange(live)).astype(np.int32)
    users = np.arange(visits) % 50
    return private_candidates(users, np.arange(visits, dtype=np.int32), shelf, count, 3, 15)


def test_every_live_item_is_equally_likely_to_be_offered() -> None:
    rows = offers(200, 40)
    assert rows.shape == (4_000, 40)
    assert (np.diff(np.sort(rows, axis=1), axis=1) > 0).all()
    counts = np.bincount(rows.ravel() - 1_000, minlength=200)
    assert counts.size == 200
    # Strips are drawn from evenly and independently: 4 degrees of freedom each, 40 strips.
    assert stats.chi2.sf(((counts - 800.0) ** 2 / 800).sum(), 40 * 4) > 1e-4


@pytest.mark.parametrize(("live", "count"), [(37, 10), (103, 100), (64, 63)])
def test_uneven_strips_are_even_up_to_rounding(live: int, count: int) -> None:
    shares = np.bincount(offers(live, count).ravel() - 1_000, minlength=live) / 4_000
    low, high = 1 / np.ceil(live / count), 1 / np.floor(live / count)
    assert shares.min() > low - 4 * np.sqrt(low * (1 - low) / 4_000)
    assert shares.max() <= high + 4 * np.sqrt(high * (1 - high) / 4_000)


@pytest.mark.parametrize("live", [5, 10])
def test_a_short_shelf_is_offered_whole(live: int) -> None:
    np.testing.assert_array_equal(np.sort(offers(live, 10, 20), axis=1), np.tile(1_000 + np.arange(live), (20, 1)))
    shelf = np.arange(live, dtype=np.int32)[::-1].copy()
    np.testing.assert_array_equal(shared_candidates(shelf, 10, 3, 0), np.arange(live))


def test_shared_offers_are_sorted_distinct_and_evenly_drawn() -> None:
    shelf = np.arange(30, dtype=np.int32)
    rows = np.array([shared_candidates(shelf, 10, tick, 1) for tick in range(3_000)])
    assert (np.diff(rows, axis=1) > 0).all()
    shares = np.bincount(rows.ravel(), minlength=30) / 3_000
    assert np.abs(shares - 1 / 3).max() < 4.5 * np.sqrt(2 / 9 / 3_000)


@pytest.mark.parametrize("shared", [True, False])
def test_random_slates_put_every_candidate_at_every_position_equally_often(shared: bool) -> None:
    n = 12_000
    candidates = np.tile(np.arange(6, dtype=np.int32), (1 if shared else n, 1))
    rows = random_slates(np.arange(n), np.zeros(n, np.int32), candidates, shared, 3, 0, 16)
    assert (np.diff(np.sort(rows, axis=1), axis=1) > 0).all()
    ordered = rows @ np.array([36, 6, 1])
    assert stats.chisquare(np.unique(ordered, return_counts=True)[1]).pvalue > 1e-4
    assert np.unique(ordered).size == 120
