import numpy as np
import pytest

from driftline.agents.models.ranking import spherical_points


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
