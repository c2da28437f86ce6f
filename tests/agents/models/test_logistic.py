"""The regression finds its optimum, the same every time."""

import numpy as np
import pytest

from driftline.agents.models.logistic import LogisticProbe, fit, fit_soft, keyed_folds, out_of_fold
from driftline.agents.models.rowwise import row_softmax
from driftline.sim.types import Floats, Int64s


def planted(n: int, width: int, classes: int, seed: int) -> tuple[Floats, Int64s, Floats]:
    rng = np.random.default_rng(seed)
    w = 0.6 * rng.normal(size=(width, classes))
    x = rng.normal(size=(n, width))
    p = row_softmax(x @ w)
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return x, y, w


def test_two_planted_classes_are_recovered_within_four_standard_errors() -> None:
    x, y, w = planted(20_000, 3, 2, 3)
    probe = fit(x, y, ridge=1e-6, n_classes=2)
    slope, true = probe.weights[:, 1] - probe.weights[:, 0], w[:, 1] - w[:, 0]
    p = probe.posterior(x)[:, 1]
    z = np.column_stack([x, np.ones(len(x))])
    error = np.sqrt(np.diag(np.linalg.inv((z * (p * (1 - p))[:, None]).T @ z)))
    assert (error[:3] < 0.05).all()
    assert (np.abs(slope - true) < 4 * error[:3]).all()
    assert abs(probe.bias[1] - probe.bias[0]) < 4 * error[3]


def test_the_fit_is_a_stationary_point_of_the_penalised_likelihood() -> None:
    x, y, _ = planted(300, 4, 3, 4)
    ridge = 7.0
    weight = np.random.default_rng(5).uniform(0.5, 2.0, len(y))
    probe = fit(x, y, ridge, 3, sample_weight=weight)
    centre = (x * weight[:, None]).sum(axis=0) / weight.sum()
    scale = np.sqrt((((x - centre) ** 2) * weight[:, None]).sum() / weight.sum() / 4)
    slope = (probe.posterior(x) - np.eye(3)[y]) * weight[:, None]
    gradient = ((x - centre) / scale).T @ slope + ridge * probe.weights * scale
    assert np.abs(gradient).max() < 1e-5 * weight.sum()
    assert np.abs(probe.weights).max() > 0.05


def test_ridge_does_not_depend_on_the_unit_or_origin_of_the_vectors() -> None:
    x, y, _ = planted(300, 4, 3, 6)
    plain, moved = fit(x, y, 5.0, 3), fit(1000.0 * x + 70.0, y, 5.0, 3)
    np.testing.assert_allclose(plain.posterior(x), moved.posterior(1000.0 * x + 70.0), atol=1e-5)


def test_soft_labels_equal_the_same_rows_repeated() -> None:
    x, y, _ = planted(120, 3, 3, 7)
    soft = np.zeros((60, 3))
    soft[np.arange(60), y[:60]] += 1.0
    soft[np.arange(60), y[60:]] += 2.0
    again = np.concatenate([x[:60], x[:60], x[:60]])
    repeated = fit(again, np.concatenate([y[:60], y[60:], y[60:]]), 2.0, 3)
    np.testing.assert_allclose(fit_soft(x[:60], soft, 2.0).posterior(x), repeated.posterior(x), atol=1e-5)


def test_a_warm_start_ends_at_the_same_place() -> None:
    x, y, _ = planted(200, 4, 3, 8)
    targets = np.eye(3)[y]
    cold = fit_soft(x, targets, 3.0)
    start = LogisticProbe(cold.weights + 0.3, cold.bias - 0.2)
    np.testing.assert_allclose(fit_soft(x, targets, 3.0, start).posterior(x), cold.posterior(x), atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 7])
def test_posteriors_do_not_depend_on_the_batch(chunk: int) -> None:
    x, y, _ = planted(90, 33, 5, 9)
    probe = fit(x, y, 1.0, 5)
    parts = [probe.posterior(x[at : at + chunk]) for at in range(0, len(x), chunk)]
    np.testing.assert_array_equal(probe.posterior(x), np.concatenate(parts))


def test_folds_are_keyed_and_of_equal_size() -> None:
    folds = keyed_folds(53, seed=1)
    assert sorted(np.bincount(folds)) == [10, 10, 11, 11, 11]
    np.testing.assert_array_equal(folds, keyed_folds(53, seed=1))
    assert (folds != keyed_folds(53, seed=2)).any()
    assert sorted(keyed_folds(3, seed=1)) == [0, 1, 2]


def test_an_out_of_fold_posterior_knows_nothing_of_its_own_label() -> None:
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(200, 150)), rng.integers(0, 2, 200)
    own = np.arange(200), y
    assert fit(x, y, 0.1, 2).posterior(x)[own].mean() > 0.95
    blind = out_of_fold(x, y, 0.1, 2, seed=1)[own]
    assert abs(blind.mean() - 0.5) < 4 * blind.std() / np.sqrt(200)
    flipped = y.copy()
    flipped[17] = 1 - flipped[17]
    np.testing.assert_array_equal(out_of_fold(x, y, 0.1, 2, seed=1)[17], out_of_fold(x, flipped, 0.1, 2, seed=1)[17])


def test_a_class_without_rows_is_unlikely_but_finite() -> None:
    x, y, _ = planted(100, 3, 2, 11)
    p = fit(x, y, 1.0, 4).posterior(x)
    assert np.isfinite(p).all()
    assert p[:, 2:].max() < 0.01


def test_no_rows_is_a_named_error() -> None:
    with pytest.raises(ValueError, match="no labelled rows"):
        fit(np.empty((0, 3)), np.empty(0, np.int64), 1.0, 2)
