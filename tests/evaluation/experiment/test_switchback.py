import numpy as np
import pytest
import statsmodels.api as sm

from driftline.evaluation.experiment import switchback, welch


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
