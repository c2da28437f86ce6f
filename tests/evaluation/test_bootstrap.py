"""Random counts: Poisson, keyed, and the replicates that they make."""

import numpy as np
import pytest
from scipy import stats

from driftline.evaluation.bootstrap import poisson_table, resample_users, resampled_sums, user_counts
from driftline.evaluation.terms import Terms


def test_counts_have_mean_and_variance_one_exactly_and_are_poisson() -> None:
    table = poisson_table().astype(np.int64)
    assert len(table) == 65536
    assert table.sum() == 65536
    assert (table**2).sum() == 2 * 65536
    shares = np.bincount(table) / 65536
    assert np.abs(shares - stats.poisson.pmf(np.arange(len(shares)), 1.0)).max() < 2e-4


def test_counts_are_independent_between_rounds_and_replicates() -> None:
    """Sums of single rounds are their counts."""
    n, replicates = 24, 4000
    counts = resampled_sums(list(np.eye(n)), None, 5, replicates)
    assert np.abs(counts.mean(axis=0) - 1.0).max() < 4.5 / np.sqrt(replicates)
    correlation = np.corrcoef(counts.T) - np.eye(n)
    assert np.abs(correlation).max() < 5.0 / np.sqrt(replicates)
    between = np.corrcoef(counts[:-1].ravel(), counts[1:].ravel())[0, 1]
    assert abs(between) < 4.0 / np.sqrt(counts.size)


def test_a_further_row_changes_no_other_rows_counts_and_clusters_are_rows_of_sums() -> None:
    few, more = (resampled_sums(list(np.eye(n)), None, 3, 20) for n in (5, 23))
    assert np.array_equal(few, more[:, :5])
    values = np.arange(10.0)
    cluster = (np.array([0, 0, 1, 2, 2, 2, 3, 4, 4, 0]), 5)
    assert np.allclose(resampled_sums([values], cluster, 3, 20)[:, 0], few @ np.bincount(cluster[0], values))


def test_counts_of_users_are_poisson_with_mean_one() -> None:
    counts = user_counts(np.arange(500), seed=3, replicates=400).ravel()
    n = counts.size
    assert abs(counts.mean() - 1.0) < 4 / np.sqrt(n)
    for k, expected in enumerate(stats.poisson.pmf(np.arange(5), 1.0)):
        share = float(np.mean(counts == k))
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_a_further_user_changes_nobody_elses_bootstrap_counts() -> None:
    few, many = user_counts(np.array([7, 2**40]), 1), user_counts(np.array([7, 8, 2**40]), 1)
    assert np.array_equal(few, many[:, [0, 2]])
    assert not np.array_equal(user_counts(np.array([7, 2**40]), 2), few)


def test_bootstrap_interval_of_a_ratio_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    repeats, users, held = 400, 60, 0
    for k in range(repeats):
        count = (rng.poisson(20, users) + 1).astype(np.float64)
        total = count * rng.lognormal(0.0, 0.3, users) + rng.normal(0, 1, users) * np.sqrt(count)
        weights = user_counts(np.arange(users) + k * users, seed=k)
        found = resample_users([Terms(top=total, bottom=count)], weights)[0]
        held += found.low <= np.exp(0.3**2 / 2) <= found.high
    error = np.sqrt(0.945 * 0.055 / repeats)
    assert abs(held / repeats - 0.945) < 4 * error


def test_bootstrap_standard_error_is_that_of_a_ratio_of_sums() -> None:
    rng = np.random.default_rng(2)
    users = 2000
    count = (rng.poisson(10, users) + 1).astype(np.float64)
    total = count * rng.normal(0.4, 0.3, users)
    found = resample_users([Terms(top=total, bottom=count)], user_counts(np.arange(users), 1, 2000))[0]
    ratio = total.sum() / count.sum()
    exact = np.sqrt(np.sum((total - ratio * count) ** 2)) / count.sum()
    assert found.value == pytest.approx(ratio, rel=1e-12)
    assert abs(found.std_error / exact - 1.0) < 4 / np.sqrt(2 * 2000)


def test_one_user_has_a_value_but_no_interval() -> None:
    found = resample_users([Terms(top=np.array([3.0]), bottom=np.array([2.0]))], user_counts(np.array([1]), 0))[0]
    assert found.value == 1.5
    assert found.units == 1
    assert np.isnan([found.low, found.high, found.std_error]).all()
