"""The distribution of rewards under the target policy: steps, errors, and a peer's values.

The mean of the worst rewards: against sorted lists, the maximum form, enumeration, and a peer that is wrong.
"""

from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tail_world import drawn, true_cdf, true_cvar, weighted_log

from driftline.evaluation.bootstrap import resampled_sums
from driftline.evaluation.off_policy import cvar, ips, reward_distribution, snips
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

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
        if one.std_error == 0.0:  # all rewards lie below the last step: nothing is left to chance
            assert found.low[at] == pytest.approx(1.0, abs=1e-12) == found.high[at]
            continue
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
        line.startswith("effective sample size")
        for line in reward_distribution(**weighted_log(weight, weight)).warnings
    )


def test_a_sum_of_weights_reaches_the_share_it_stands_for() -> None:
    """Ten equal weights of 0.7 add up to shares that differ from 0.1, 0.2, ... in their last bits."""
    found = reward_distribution(**weighted_log(np.full(10, 0.7), np.arange(10.0)))
    assert (found.cdf != np.arange(1, 11) / 10).any()
    assert found.quantile(np.arange(1, 11) / 10).tolist() == list(range(10))


TAIL_LOG = drawn(300, 2)
WEIGHT = TAIL_LOG["target_pscore"] / TAIL_LOG["pscore"]


def by_maximum(reward: Floats, weight: Floats, alpha: float, scale: float) -> float:
    """max over t of t - E[(t - R)+] / alpha; the maximum lies at a logged reward."""
    return max(float(t - (weight * np.maximum(t - reward, 0.0)).sum() / (alpha * scale)) for t in reward)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=12), st.data())
def test_it_is_the_mean_of_the_worst_of_a_list(rounds: list[tuple[int, int]], data: st.DataObject) -> None:
    """Integer weights: every reward stands in the list as often as it weighs."""
    weight, reward = (np.array(each, dtype=float) for each in zip(*rounds, strict=True))
    if not weight.any():
        return
    every = np.sort(np.repeat(reward, weight.astype(int)))
    k = data.draw(st.integers(1, len(every)))
    log = weighted_log(weight, reward)
    assert cvar(**log, alpha=k / len(every)).value == pytest.approx(every[:k].mean(), abs=1e-9)
    # the plain form: each copy is worth 1 / n, what is missing to 1 lies at the largest reward
    n = len(reward)
    k = data.draw(st.integers(1, n))
    filled = np.concatenate([every, np.full(n, reward.max())])[:k]
    assert cvar(**log, alpha=k / n, self_normalised=False).value == pytest.approx(filled.mean(), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.37, 0.9, 1.0])
def test_it_is_the_maximum_of_the_shortfall_form(alpha: float) -> None:
    found = cvar(**TAIL_LOG, alpha=alpha).value
    assert found == pytest.approx(by_maximum(TAIL_LOG["reward"], WEIGHT, alpha, WEIGHT.sum()), rel=1e-9)
    plain = cvar(**TAIL_LOG, alpha=alpha, self_normalised=False).value
    if alpha < WEIGHT.mean():
        assert plain == pytest.approx(by_maximum(TAIL_LOG["reward"], WEIGHT, alpha, 300.0), rel=1e-9)


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
@pytest.mark.parametrize("cluster", [None, np.arange(300) // 5])
def test_all_of_the_rewards_are_snips(interval: Any, cluster: Any) -> None:
    found = cvar(**TAIL_LOG, alpha=1.0, interval=interval, cluster=cluster, replicates=200)
    whole = snips(**TAIL_LOG, interval=interval, cluster=cluster, replicates=200)
    for name in ("value", "std_error", "low", "high", "n"):
        assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-9)
    assert found.method.startswith("cvar 1 of snips")


@pytest.mark.parametrize("self_normalised", [False, True])
def test_the_error_is_that_of_the_derivative(self_normalised: bool) -> None:
    """Numerically: each round in turn counts a little more, and the maximum is found anew."""
    alpha, n, step = 0.2, 300, 1e-6

    def value(counts: Floats) -> float:
        weight = counts * WEIGHT
        return by_maximum(TAIL_LOG["reward"], weight, alpha, float(weight.sum() if self_normalised else counts.sum()))

    psi = np.array([(value(1 + step * row) - value(1 - step * row)) * n / (2 * step) for row in np.eye(n)])
    found = cvar(**TAIL_LOG, alpha=alpha, self_normalised=self_normalised)
    assert found.std_error == pytest.approx(np.sqrt((psi**2).sum() / (n * (n - 1))), rel=1e-5)
    user = np.arange(n) // 4
    clustered = cvar(**TAIL_LOG, alpha=alpha, self_normalised=self_normalised, cluster=user)
    groups = np.bincount(user, psi)
    assert clustered.std_error == pytest.approx(np.sqrt((groups**2).sum() * 75 / 74) / n, rel=1e-5)
    assert clustered.n == 75


@pytest.mark.parametrize("alpha", [0.3, 0.97])
@pytest.mark.parametrize("self_normalised", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_every_replicate_finds_its_own_quantile(alpha: float, self_normalised: bool, clustered: bool) -> None:
    n, replicates = 24, 60
    log: dict[str, Any] = {name: values[:n] for name, values in TAIL_LOG.items()}
    user = np.arange(n) % 8 if clustered else np.arange(n)
    units = user.max() + 1
    counts = resampled_sums(list(np.eye(units)), None, 5, replicates)
    values = []
    for each in counts:
        weight = each[user] * WEIGHT[:n]
        scale = weight.sum() if self_normalised else each[user].sum()
        # a log in which every round stands as often as it was drawn
        order = np.argsort(log["reward"])
        mass, reward = weight[order] / scale, log["reward"][order]
        there = each[user][order] > 0
        taken = np.clip(alpha - np.append(0.0, np.cumsum(mass)[:-1]), 0.0, mass)
        values.append((taken @ reward + (alpha - taken.sum()) * reward[there].max()) / alpha)
    found = cvar(
        **log, alpha=alpha, self_normalised=self_normalised, interval="bootstrap", seed=5, replicates=replicates,
        cluster=user if clustered else None,
    )  # fmt: skip
    wide = found.value + (np.array(values) - found.value) * np.sqrt(units / (units - 1))
    assert found.std_error == pytest.approx(wide.std(), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(wide, [0.025, 0.975])), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.5])
def test_intervals_hold_the_truth(alpha: float) -> None:
    """400 logs of 1,000 rounds, nominal 95 %, four standard errors of a share."""
    truth = true_cvar(alpha)
    found = [cvar(**drawn(1000, seed), alpha=alpha) for seed in range(400)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.95 - 4 * 0.0109 < covered < 0.95 + 4 * 0.0109
    values = np.array([one.value for one in found])
    # the worst of a sample are a little too bad a guess of the worst: bias of order 1 / n, far below the spread
    assert abs(values.mean() - truth) < 0.2 * values.std()
    assert np.mean([one.std_error for one in found]) == pytest.approx(values.std(ddof=1), rel=0.12)


def test_bootstrap_and_delta_method_agree_on_a_smooth_tail() -> None:
    log = drawn(2000, 9)
    by_delta, by_draws = cvar(**log, alpha=0.2), cvar(**log, alpha=0.2, interval="bootstrap", seed=1)
    assert by_draws.value == by_delta.value
    assert by_draws.std_error == pytest.approx(by_delta.std_error, rel=0.1)
    assert by_draws.method == "cvar 0.2 of snips (bootstrap)"


def test_a_tail_does_not_depend_on_a_grid() -> None:
    """scope-rl 0.2.1 (`CumulativeDistributionSNTIS`) takes rewards from a grid and whole steps at the quantile.

    Three zeros and seven ones on policy: the worst 30 % are 0, the worst half 0.4, the mean is 0.7. The peer's are 0.9,
    0.9, 0.9 on the grid (-1, 0, 1), 1.2, 1.2, 1.2 on (-0.5, 0.5, 1.5).
    """
    log = weighted_log(np.ones(10), np.array([0.0] * 3 + [1.0] * 7))
    found = [cvar(**log, alpha=alpha).value for alpha in (0.3, 0.5, 1.0)]
    assert found == pytest.approx([0.0, 0.4, 0.7], abs=1e-12)


def test_what_speaks_against_a_tail_is_told() -> None:
    few = cvar(**TAIL_LOG, alpha=0.02)
    assert any(line.startswith("tail: the worst 2.00% rest on about") for line in few.warnings)
    assert not any(line.startswith("tail") for line in cvar(**TAIL_LOG, alpha=0.5).warnings)
    short = cvar(**weighted_log(np.full(100, 0.5), np.arange(100.0)), alpha=0.8, self_normalised=False)
    assert any(line.startswith("mass: the weights add up to 0.5 of the 0.8 asked for") for line in short.warnings)
    assert short.value == pytest.approx((np.arange(100).sum() * 0.5 + 30 * 99) / 80)
    flat = cvar(**weighted_log(np.ones(100), np.repeat([0.0, 1.0], 50)), alpha=0.2)
    assert any(line.startswith("spread") for line in flat.warnings)


def test_bad_questions_are_refused() -> None:
    for alpha in (0.0, -0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match=r"alpha is .*; must be above 0 and at most 1"):
            cvar(**TAIL_LOG, alpha=alpha)
    with pytest.raises(InputError, match="interval 'hoeffding' does not exist for cvar; use 'normal' or 'bootstrap'"):
        cvar(**TAIL_LOG, alpha=0.1, interval="hoeffding")
    with pytest.raises(InputError, match="did you mean 'normal'"):
        cvar(**TAIL_LOG, alpha=0.1, interval="normale")  # type: ignore[arg-type]
    one = cvar(**TAIL_LOG, alpha=0.1, cluster=np.zeros(300, dtype=int), interval="bootstrap")
    assert np.isnan(one.low)
    assert one.value == cvar(**TAIL_LOG, alpha=0.1).value
