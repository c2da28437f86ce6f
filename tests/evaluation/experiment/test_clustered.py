"""Cluster-robust errors beside statsmodels and their matrices; what is warned of."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from driftline.evaluation.experiment import cluster, welch


def _log(mixed: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(24), rng.integers(2, 9, 24))
    arm = rng.integers(0, 2, len(group)) if mixed else (group % 3 == 0).astype(int)
    value = rng.normal(0, 1, 24)[group] + rng.normal(0, 1, len(group)) + 0.5 * arm
    return value, arm, group


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("correction, corrected", [("CR0", False), ("CR1", True)])
def test_cr0_and_cr1_agree_with_statsmodels(mixed: bool, correction: Any, corrected: bool) -> None:
    value, arm, group = _log(mixed)
    fit = sm.OLS(value, sm.add_constant(arm)).fit(
        cov_type="cluster", cov_kwds={"groups": group, "use_correction": corrected}, use_t=True
    )
    found = cluster(value=value, arm=arm, cluster=group, correction=correction)
    assert [found.value, found.std_error, found.p_value, found.low, found.high] == pytest.approx(
        [fit.params[1], fit.bse[1], fit.pvalues[1], *fit.conf_int()[1]], rel=1e-9
    )
    assert found.n == 24


@pytest.mark.parametrize("mixed", [False, True])
def test_cr2_agrees_with_its_matrices(mixed: bool) -> None:
    """Bell & McCaffrey 2002, with the matrices written out."""
    value, arm, group = _log(mixed, 3)
    n = len(value)
    x = np.column_stack([np.ones(n), arm])
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    residual = value - hat @ value
    meat = np.zeros((2, 2))
    columns = []
    for g in range(24):
        rows = np.flatnonzero(group == g)
        spread, vectors = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        root = vectors @ np.diag(spread**-0.5) @ vectors.T
        score = x[rows].T @ root @ residual[rows]
        meat += np.outer(score, score)
        columns.append((np.eye(n) - hat)[:, rows] @ root @ x[rows] @ bread[:, 1])
    inner = np.column_stack(columns).T @ np.column_stack(columns)
    found = cluster(value=value, arm=arm, cluster=group)
    assert found.std_error == pytest.approx((bread @ meat @ bread)[1, 1] ** 0.5, rel=1e-9)
    assert found.df == pytest.approx(np.trace(inner) ** 2 / (inner**2).sum(), rel=1e-9)


def test_clusters_of_one_unit_are_welch() -> None:
    rng = np.random.default_rng(1)
    value, arm = rng.normal(0, 1, 50), (np.arange(50) < 15).astype(int)
    found, plain = cluster(value=value, arm=arm, cluster=np.arange(50)), welch(value, arm)
    assert found.std_error == pytest.approx(plain.std_error, rel=1e-12)


def test_few_clusters_warn() -> None:
    value, arm, group = _log(False)
    found = cluster(value=value, arm=arm, cluster=group)
    assert [each[:18] for each in found.warnings] == ["arm A has 16 clust", "arm B has 8 cluste"]


def test_cr2_holds_the_truth_with_few_unequal_clusters_where_cr0_does_not() -> None:
    rng, repeats = np.random.default_rng(5), 1500
    held = {"CR0": 0, "CR2": 0}
    size = np.array([3, 3, 4, 5, 30, 3, 4, 6, 3, 40])
    group = np.repeat(np.arange(10), size)
    arm = group % 2
    for _ in range(repeats):
        value = rng.normal(0, 0.3, 10)[group] + rng.normal(0, 1, len(group))
        for name in held:
            found = cluster(value=value, arm=arm, cluster=group, correction=name)  # type: ignore[arg-type]
            held[name] += found.low <= 0.0 <= found.high
    assert held["CR0"] / repeats < 0.88
    assert held["CR2"] / repeats > 0.9
