"""Switchbacks beside statsmodels and scipy; pairs, wash-out, and blocks that remember."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from driftline.evaluation.experiment import Effect, switchback, welch
from driftline.sim.errors import InputError


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
    kept = time % 10 >= 3  # of every block, whether or not it changed arms
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


def _pairs(rng: np.random.Generator, pairs: int, apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two blocks a pair in random order, six rows a block; pairs differ by `apart`; B is worth .3 more."""
    first = rng.integers(0, 2, pairs)
    side = np.column_stack([first, 1 - first]).ravel()
    block = np.repeat(np.arange(2 * pairs), 6)
    value = rng.normal(0, apart, pairs)[block // 2] + rng.normal(0, 1, len(block)) + 0.3 * side[block]
    return value, side[block], block


def test_paired_t_is_students_t_over_the_pairs_differences() -> None:
    value, arm, block = _pairs(np.random.default_rng(2), 15, 1.0)
    means, side = value.reshape(30, 6).mean(axis=1), arm[::6]
    gap = np.where(side == 1, means, -means).reshape(15, 2).sum(axis=1)
    expected = stats.ttest_1samp(gap, 0.0)
    found = switchback(value=value, arm=arm, block=block, interval="paired_t", level=0.9)
    interval = expected.confidence_interval(0.9)
    assert [found.value, found.statistic, found.p_value, found.low, found.high] == pytest.approx(
        [gap.mean(), expected.statistic, expected.pvalue, interval.low, interval.high], rel=1e-9
    )
    assert (found.n, found.df) == (15, 14.0)
    assert found.warnings == ("15 pairs of blocks, fewer than 20: the error of their difference is very uncertain",)


def test_pairs_that_differ_are_worth_their_pairing() -> None:
    """The t over blocks takes what pairs differ by for chance: it covers everything, at nearly twice the width."""
    rng, repeats = np.random.default_rng(4), 600
    held, width = np.zeros(2), np.zeros(2)
    for _ in range(repeats):
        value, arm, block = _pairs(rng, 20, 0.6)
        for k, interval in enumerate(("paired_t", "block_t")):
            found = switchback(value=value, arm=arm, block=block, interval=interval)  # type: ignore[arg-type]
            held[k] += found.low <= 0.3 <= found.high
            width[k] += (found.high - found.low) / repeats
    assert abs(held[0] / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert held[1] / repeats > 0.985
    assert width[0] < 0.65 * width[1]


def test_a_block_without_its_other_one_is_left_out_and_said() -> None:
    value, arm, block = _pairs(np.random.default_rng(5), 6, 0.0)
    kept = (block > 0) & (block < 11)
    found = switchback(value=value[kept], arm=arm[kept], block=block[kept], interval="paired_t")
    inner = (block > 1) & (block < 10)
    whole = switchback(value=value[inner], arm=arm[inner], block=block[inner], interval="paired_t")
    assert (found.n, found.value, found.std_error) == (4, whole.value, whole.std_error)
    assert "2 blocks lack the other one of their pair, and are left out" in found.warnings


def test_pairs_that_are_none_are_refused() -> None:
    value, arm, block = _pairs(np.random.default_rng(5), 6, 0.0)
    with pytest.raises(InputError, match=r"blocks \d+ and \d+ are of one arm; paired_t needs one of each"):
        switchback(value=value, arm=(block // 2) % 2, block=block, interval="paired_t")
    with pytest.raises(InputError, match="there are 1 whole pairs of blocks; at least 2 are needed"):
        switchback(value=value[:18], arm=arm[:18], block=block[:18], interval="paired_t")
    with pytest.raises(InputError, match="block: must be whole numbers"):
        switchback(value=value, arm=arm, block=block / 2.0, interval="paired_t")


def _carried(rng: np.random.Generator, carry: float, washout: float = 0.0) -> Effect:
    """40 blocks of 20 rows, drawn in pairs; `carry` of the last arm is left at first, and fades within 5 rows."""
    first = rng.integers(0, 2, 20)
    side = np.column_stack([first, 1 - first]).ravel()
    block, time = np.repeat(np.arange(40), 20), np.arange(800.0)
    left = carry * np.exp(-(time % 20) / 5.0)
    last = np.concatenate([side[:1], side[:-1]])
    value = (1.0 - left) * side[block] + left * last[block] + rng.normal(0, 1, 800)
    return switchback(value=value, arm=side[block], block=block, time=time, washout=washout)


def test_blocks_that_remember_are_warned_of_and_those_that_do_not_are_left_in_peace() -> None:
    """An effect of 1: carry-over costs a quarter of it. Without any, 5 % may warn."""
    repeats, said = 300, {}
    for carry in (0.0, 0.6):
        rng = np.random.default_rng(9)
        said[carry] = sum(
            any("blocks remember (the effect is" in line for line in _carried(rng, carry).warnings)
            for _ in range(repeats)
        )
    assert said[0.0] / repeats < 0.05 + 4 * np.sqrt(0.05 * 0.95 / repeats)
    assert said[0.6] / repeats > 0.8
    washed = _carried(np.random.default_rng(1), 0.9, washout=15.0)
    assert not any("remember" in line for line in washed.warnings)


def test_without_times_means_that_follow_the_last_arm_are_warned_of() -> None:
    """The slope is that of statsmodels on own and last arm."""
    rng = np.random.default_rng(3)
    side = rng.integers(0, 2, 60)
    means = side + 0.8 * np.concatenate([[0], side[:-1]]) + rng.normal(0, 0.5, 60)
    fit = sm.OLS(means[1:], sm.add_constant(np.column_stack([side[1:], side[:-1]]))).fit()
    warning = [w for w in switchback(value=means, arm=side, block=np.arange(60)).warnings if "remember" in w]
    assert f"means are {fit.params[2]:+.3g} where the block before was of B" in warning[0]
    assert fit.pvalues[2] < 0.05
    alternating = np.arange(60) % 2
    assert not any("remember" in w for w in switchback(value=means, arm=alternating, block=np.arange(60)).warnings)
