"""The distribution of rewards under the target policy: steps, errors, and a peer's values."""

from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tail_world import drawn, true_cdf, weighted_log

from driftline.evaluation.off_policy import ips, reward_distribution, snips
from driftline.sim.errors import InputError

LOG = drawn(400, 1)
COARSE: dict[str, Any] = {**LOG, "reward": np.round(LOG["reward"], 1)}
USER = np.arange(400) // 7


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("self_normalised", [False, True])
@pytest.mark.parametrize("log", [LOG, COARSE])
def test_every_step_is_the_estimate_of_its_indicator(
    log: dict[str, Any], self_normalised: bool, clustered: bool
) -> None:
    cluster = USER if clustered else None
    found = reward_distribution(**log, self_normalised=self_normalised, cluster=cluster)
    assert np.array_equal(found.reward, np.unique(log["reward"]))
    assert found.n == (58 if clustered else 400)
    estimate = snips if self_normalised else ips
    for at in (0, 3, len(found.reward) // 2, len(found.reward) - 2, len(found.reward) - 1):
        below = (log["reward"] <= found.reward[at]).astype(float)
        one = estimate(**{**log, "reward": below}, cluster=cluster)
        assert found.cdf[at] == pytest.approx(min(one.value, 1.0), rel=1e-9)
        assert found.std_error[at] == pytest.approx(one.std_error, rel=1e-9, abs=1e-12)
        assert found.low[at] == pytest.approx(max(one.low, 0.0), rel=1e-9)
        assert found.high[at] == pytest.approx(min(one.high, 1.0), rel=1e-9)


def test_the_plain_form_ends_where_the_weights_end_and_is_cut_off_at_one() -> None:
    short = reward_distribution(**weighted_log(np.array([1.0, 0.5, 0.0]), np.arange(3.0)), self_normalised=False)
    assert short.cdf == pytest.approx([1 / 3, 0.5, 0.5])
    long = reward_distribution(**weighted_log(np.array([2.0, 2.0, 1.0]), np.arange(3.0)), self_normalised=False)
    assert long.cdf == pytest.approx([2 / 3, 1.0, 1.0])
    whole = reward_distribution(**weighted_log(np.array([2.0, 2.0, 1.0]), np.arange(3.0)))
    assert whole.cdf == pytest.approx([0.4, 0.8, 1.0])


def test_steps_are_read_between_and_beyond_rewards() -> None:
    found = reward_distribution(**weighted_log(np.array([1.0, 2.0, 1.0]), np.array([1.0, 3.0, 2.0])))
    assert found.at([0.5, 1.0, 1.5, 2.0, 3.0, 9.0]) == pytest.approx([0.0, 0.25, 0.25, 0.5, 1.0, 1.0])
    assert found.quantile([0.1, 0.25, 0.26, 0.5, 0.51, 1.0]).tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    for wrong in (0.0, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"share is .*; must be above 0 and at most 1"):
            found.quantile(wrong)
    with pytest.raises(InputError, match="level is 95"):
        reward_distribution(**LOG, level=95)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=12), st.integers(1, 100))
def test_quantiles_are_those_of_a_list_with_every_reward_as_often_as_it_weighs(
    rounds: list[tuple[int, int]], percent: int
) -> None:
    weight, reward = (np.array(each, dtype=float) for each in zip(*rounds, strict=True))
    if not weight.any():
        return
    found = reward_distribution(**weighted_log(weight, reward))
    every = np.sort(np.repeat(reward, weight.astype(int)))
    assert found.quantile(percent / 100) == every[ceil(percent * len(every) / 100 - 1e-9) - 1]
    assert (np.diff(found.cdf) >= 0).all()


def test_values_are_those_of_the_peer() -> None:
    """scope-rl 0.2.1, `CumulativeDistributionTIS` and `SNTIS`, on a grid between the 74 distinct rewards."""

    def uniform(seed: int, *shape: int) -> np.ndarray:
        return np.random.default_rng(seed).random(shape)

    n, actions = 200, 4
    logging, target = uniform(11, n, actions) + 0.1, uniform(12, n, actions) ** 2 + 0.02
    logging /= logging.sum(axis=1, keepdims=True)
    target /= target.sum(axis=1, keepdims=True)
    action = np.minimum((logging.cumsum(axis=1) < uniform(13, n, 1)).sum(axis=1), actions - 1)
    reward = np.round(uniform(14, n) * (1 + action) / actions, 2)
    log: dict[str, Any] = {
        "reward": reward,
        "pscore": logging[np.arange(n), action],
        "target_pscore": target[np.arange(n), action],
    }
    plain = [0.014120258731106759, 0.19930142274461268, 0.5648025906470935, 0.8754835597351048, 0.9810170149501571]
    normalised = [0.014393490139234905, 0.20315796740257203, 0.5757316968409454, 0.8924244395287937, 1.0]
    for self_normalised, values in ((False, plain), (True, normalised)):
        found = reward_distribution(**log, self_normalised=self_normalised)
        assert found.cdf[[0, 9, 29, 59, -1]] == pytest.approx(values, rel=1e-12)


def test_the_plain_form_is_unbiased() -> None:
    at = [0.6, 1.1, 1.8]
    runs = [reward_distribution(**drawn(100, seed), self_normalised=False) for seed in range(1500)]
    found = np.array([run.at(at) for run in runs])
    # at 1.8 some runs are cut off at 1, which is no bias below it
    for j in (0, 1):
        error = found[:, j].std(ddof=1) / np.sqrt(len(found))
        assert abs(found[:, j].mean() - true_cdf(at[j])) < 4 * error
    told = np.array([run.std_error[np.searchsorted(run.reward, 1.1, side="right") - 1] for run in runs])
    assert np.sqrt(np.mean(told**2)) == pytest.approx(found[:, 1].std(ddof=1), rel=0.1)


def test_one_cluster_has_no_error_and_says_so() -> None:
    found = reward_distribution(**LOG, cluster=np.zeros(400, dtype=int))
    assert np.isnan(found.std_error).all()
    assert found.n == 1


def test_heavy_weights_are_told() -> None:
    weight = np.ones(200)
    weight[0] = 90.0
    assert any(
        line.startswith("largest weight") for line in reward_distribution(**weighted_log(weight, weight)).warnings
    )


def test_a_sum_of_weights_reaches_the_share_it_stands_for() -> None:
    """Ten equal weights of 0.7 add up to shares that differ from 0.1, 0.2, ... in their last bits."""
    found = reward_distribution(**weighted_log(np.full(10, 0.7), np.arange(10.0)))
    assert (found.cdf != np.arange(1, 11) / 10).any()
    assert found.quantile(np.arange(1, 11) / 10).tolist() == list(range(10))
