"""Cluster-robust errors and switchbacks beside statsmodels and their matrices; what is warned of."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from driftline.evaluation.experiment import cluster, switchback, welch


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


def _blocks(count: int = 40, rows: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(count), rows)
    side = rng.integers(0, 2, count)
    side[:4] = [0, 1, 0, 1]
    return rng.normal(0, 1, count)[block] + rng.normal(0, 1, len(block)) + side[block], side[block], block


def test_block_t_is_welch_over_block_means() -> None:
    value, arm, block = _blocks()
    means = value.reshape(40, 6).mean(axis=1)
    found, plain = switchback(value=value, arm=arm, block=block), welch(means, arm[::6])
    assert [found.value, found.low, found.high, found.df] == pytest.approx(
        [plain.value, plain.low, plain.high, plain.df], rel=1e-12
    )
    assert found.n == 40


@pytest.mark.parametrize("lags", [0, 2, 7])
def test_newey_west_agrees_with_statsmodels(lags: int) -> None:
    value, arm, block = _blocks(seed=1)
    means = value.reshape(40, 6).mean(axis=1)
    fit = sm.OLS(means, sm.add_constant(arm[::6])).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    found = switchback(value=value, arm=arm, block=block, interval="newey_west", lags=lags)
    assert [found.std_error, found.low, found.high, found.p_value] == pytest.approx(
        [fit.bse[1], *fit.conf_int()[1], fit.pvalues[1]], rel=1e-9
    )


def test_the_order_of_rows_does_not_matter() -> None:
    value, arm, block = _blocks()
    order = np.random.default_rng(0).permutation(len(value))
    one = switchback(value=value, arm=arm, block=block, interval="newey_west")
    two = switchback(value=value[order], arm=arm[order], block=block[order], interval="newey_west")
    assert [two.value, two.std_error] == pytest.approx([one.value, one.std_error], rel=1e-12)


def test_the_wash_out_leaves_out_what_carries_over() -> None:
    """Each switch leaves the old arm's level in place for 3 of 10 rows; without wash-out the effect is diluted."""
    block = np.repeat(np.arange(60), 10)
    side = np.tile([0, 0, 1, 1], 15)
    arm, time = side[block], np.arange(600.0)
    late = np.concatenate([np.full(3, side[0]), arm[:-3]])
    value = late + np.random.default_rng(0).normal(0, 0.05, 600)
    diluted = switchback(value=value, arm=arm, block=block)
    found = switchback(value=value, arm=arm, block=block, time=time, washout=3.0)
    assert diluted.value < 0.9
    assert found.low < 1.0 < found.high
    kept = np.ones(600, dtype=bool)
    for k in range(1, 60):
        if side[k] != side[k - 1]:
            kept[10 * k : 10 * k + 3] = False
    means = np.array([value[(block == k) & kept].mean() for k in range(60)])
    assert found.value == pytest.approx(means[side == 1].mean() - means[side == 0].mean(), rel=1e-12)


def test_slowly_alternating_arms_with_correlated_blocks_warn_and_newey_west_helps() -> None:
    """Arms change every twentieth block; residuals are AR(1) with .6: the block t covers far too little."""
    rng, repeats, count = np.random.default_rng(3), 600, 200
    side = (np.arange(count) // 20) % 2
    held, warned = {"block_t": 0, "newey_west": 0}, 0
    for _ in range(repeats):
        noise = np.empty(count)
        noise[0] = rng.normal(0, 1.25)
        for t in range(1, count):
            noise[t] = 0.6 * noise[t - 1] + rng.normal()
        for name in held:
            found = switchback(value=noise, arm=side, block=np.arange(count), interval=name, lags=8)  # type: ignore[arg-type]
            held[name] += found.low <= 0.0 <= found.high
        warned += any("neighbouring blocks" in each for each in found.warnings)
    assert held["block_t"] / repeats < 0.85
    assert held["newey_west"] / repeats > held["block_t"] / repeats + 0.05
    assert warned == repeats


def test_few_and_emptied_blocks_warn() -> None:
    value, arm, block = _blocks(12)
    found = switchback(value=value, arm=arm, block=block)
    assert sum("blocks, fewer than 20" in each for each in found.warnings) == 2
    time = np.arange(len(value), dtype=float)
    emptied = switchback(value=value, arm=arm, block=np.where(block == 11, 12 + arm, block), time=time, washout=5.0)
    assert not any("empty" in each for each in emptied.warnings)
