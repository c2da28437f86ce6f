"""Expectations by enumeration of every trajectory of a two-state decision process, and plain-loop references."""

from collections.abc import Callable
from typing import Any

import chain_world
import numpy as np
import pytest
from chain_world import GAMMA, arguments, chains, in_proportion, rows, sample, truth, values

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.slate_off_policy import rips, sips
from driftline.evaluation.trajectory_off_policy import (
    dm,
    dr,
    marginal_is,
    pdis,
    sndr,
    snmarginal_is,
    snpdis,
    sntis,
    tis,
)
from driftline.sim.types import Floats


def _with_values(columns: dict[str, Any], true: bool) -> dict[str, Any]:
    q, v = values()
    if not true:
        q = np.random.default_rng(3).normal(size=q.shape)
        v = (chain_world.TARGET * q).sum(axis=2)
    t, s, a = columns["step"], columns["state"], columns["action"]
    return arguments({**columns, "q_action": q[t, s, a], "q_expected": v[t, s]}, "q_action", "q_expected")


def _expectation(estimator: Callable[..., Estimate], arrange: Callable[[dict[str, Any]], dict[str, Any]]) -> float:
    return sum(one.logged * estimator(**arrange(rows([one])), gamma=GAMMA).value for one in chains())


def test_the_enumeration_is_whole() -> None:
    every = chains()
    assert sum(one.logged for one in every) == pytest.approx(1.0)
    assert sum(one.target for one in every) == pytest.approx(1.0)
    assert len({len(one.states) for one in every}) == chain_world.HORIZON
    direct = sum(
        one.target
        * sum(GAMMA**t * chain_world.REWARD[s, a] for t, (s, a) in enumerate(zip(one.states, one.actions, strict=True)))
        for one in every
    )
    assert direct == pytest.approx(truth(), abs=1e-12)


@pytest.mark.parametrize("estimator", [tis, pdis])
def test_importance_sampling_of_trajectories_is_unbiased(estimator: Callable[..., Estimate]) -> None:
    assert _expectation(estimator, arguments) == pytest.approx(truth(), abs=1e-9)


@pytest.mark.parametrize("true", [True, False])
def test_doubly_robust_is_unbiased_for_any_value_estimates(true: bool) -> None:
    assert _expectation(dr, lambda columns: _with_values(columns, true)) == pytest.approx(truth(), abs=1e-9)


def test_true_values_leave_the_doubly_robust_estimate_less_to_chance() -> None:
    log = rows(sample(2000, 1))
    errors = [dr(**_with_values(log, true), gamma=GAMMA).std_error for true in (True, False)]
    assert errors[0] < 0.8 * pdis(**arguments(log), gamma=GAMMA).std_error
    assert errors[0] < errors[1]


@pytest.mark.parametrize("estimator", [tis, sntis, pdis, snpdis])
def test_a_log_in_proportion_gives_the_truth(estimator: Callable[..., Estimate]) -> None:
    found = estimator(**arguments(rows(in_proportion())), gamma=GAMMA)
    assert found.value == pytest.approx(truth(), abs=1e-9)
    assert not any("mean weight" in each for each in found.warnings)


@pytest.mark.parametrize("true", [True, False])
def test_weighted_doubly_robust_finds_the_truth_in_a_log_in_proportion(true: bool) -> None:
    found = sndr(**_with_values(rows(in_proportion()), true), gamma=GAMMA)
    assert found.value == pytest.approx(truth(), abs=1e-9)


MARGINAL = pytest.mark.parametrize("estimator", [marginal_is, snmarginal_is])


@MARGINAL
def test_marginal_weights_find_the_truth_in_a_log_in_proportion(estimator: Callable[..., Estimate]) -> None:
    found = estimator(**arguments(rows(in_proportion()), "state"), gamma=GAMMA)
    assert found.value == pytest.approx(truth(), abs=1e-9)
    assert found.std_error < pdis(**arguments(rows(in_proportion())), gamma=GAMMA).std_error


def test_the_direct_method_is_the_mean_first_value() -> None:
    log = rows(in_proportion())
    q_expected = values()[1][log["step"], log["state"]]
    found = dm(trajectory=log["trajectory"], step=log["step"], q_expected=q_expected)
    assert found.value == pytest.approx(truth(), abs=1e-9)
    assert found.warnings == ("the interval leaves out the error of the value estimates",)


def _loops(log: dict[str, Any], q: Floats, v: Floats) -> dict[str, float]:
    """Every estimator once more, trajectory by trajectory and step by step."""
    ids, horizon = np.unique(log["trajectory"]), int(log["step"].max()) + 1
    n = len(ids)
    weight, before, reward, left, ahead = np.zeros((5, n, horizon))
    for i, one in enumerate(ids):
        total = 1.0
        for t in range(horizon):
            at = np.flatnonzero((log["trajectory"] == one) & (log["step"] == t))
            before[i, t] = total
            if len(at):
                total *= log["target_pscore"][at[0]] / log["pscore"][at[0]]
                reward[i, t] = log["reward"][at[0]]
                left[i, t], ahead[i, t] = reward[i, t] - q[at[0]], v[at[0]]
            weight[i, t] = total
    power = GAMMA ** np.arange(horizon)
    last, value = weight[:, -1], reward @ power
    return {
        "tis": float(np.mean(last * value)),
        "sntis": float((last * value).sum() / last.sum()),
        "pdis": float(sum(power[t] * np.mean(weight[:, t] * reward[:, t]) for t in range(horizon))),
        "snpdis": float(sum(power[t] * np.average(reward[:, t], weights=weight[:, t]) for t in range(horizon))),
        "dr": float(
            sum(power[t] * np.mean(weight[:, t] * left[:, t] + before[:, t] * ahead[:, t]) for t in range(horizon))
        ),
        "sndr": float(
            sum(
                power[t]
                * (np.average(left[:, t], weights=weight[:, t]) + np.average(ahead[:, t], weights=before[:, t]))
                for t in range(horizon)
            )
        ),
    }


def test_ragged_rows_in_any_order_give_what_plain_loops_give() -> None:
    rng = np.random.default_rng(4)
    log = rows(sample(80, 5))
    order = rng.permutation(len(log["step"]))
    log = {name: column[order] for name, column in log.items()}
    log["trajectory"] = log["trajectory"] * 10**13
    log["reward"] = rng.normal(size=len(order))
    q, v = rng.normal(size=(2, len(order)))
    expected = _loops(log, q, v)
    plain, more = arguments(log), {**arguments(log), "q_action": q, "q_expected": v}
    found = {
        "tis": tis(**plain, gamma=GAMMA),
        "sntis": sntis(**plain, gamma=GAMMA),
        "pdis": pdis(**plain, gamma=GAMMA),
        "snpdis": snpdis(**plain, gamma=GAMMA),
        "dr": dr(**more, gamma=GAMMA),
        "sndr": sndr(**more, gamma=GAMMA),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_slates_are_trajectories_of_positions() -> None:
    rng = np.random.default_rng(6)
    logged, target, reward = rng.uniform(0.2, 1.0, (3, 30, 4))
    columns: dict[str, Any] = {
        "trajectory": np.repeat(np.arange(30), 4),
        "step": np.tile(np.arange(4), 30),
        "reward": reward.ravel(),
        "pscore": logged.ravel(),
        "target_pscore": target.ravel(),
    }
    whole = sips(reward=reward, pscore=logged.prod(axis=1), target_pscore=target.prod(axis=1))
    cascade = rips(reward=reward, pscore_cascade=logged.cumprod(axis=1), target_pscore_cascade=target.cumprod(axis=1))
    for one, other in ((whole, tis(**columns)), (cascade, pdis(**columns))):
        assert np.allclose([one.value, one.std_error], [other.value, other.std_error], atol=1e-9)


def _marginal(log: dict[str, Any], count: Floats, normalised: bool) -> float:
    """Xie, Ma & Wang's estimator, forward in time, each trajectory i counted `count[i]` times."""
    share = count[log["trajectory"]] / count.sum()
    ratio = log["target_pscore"] / log["pscore"]
    before = {(i, t): row for row, (i, t) in enumerate(zip(log["trajectory"], log["step"], strict=True))}
    weight, total = np.zeros(len(share)), 0.0
    for t in range(int(log["step"].max()) + 1):
        for s in (0, 1):
            at = np.flatnonzero((log["step"] == t) & (log["state"] == s))
            if not len(at):
                continue
            logged = share[at].sum()
            previous = [before[log["trajectory"][row], t - 1] for row in at] if t else []
            mass = sum(share[k] * weight[k] * ratio[k] for k in previous) if t else logged
            weight[at] = mass / logged
            if normalised:
                ratio[at] = ratio[at] * logged / (share[at] * ratio[at]).sum()
        at = np.flatnonzero(log["step"] == t)
        total += GAMMA**t * float((share[at] * weight[at] * ratio[at] * log["reward"][at]).sum())
    return total


@MARGINAL
def test_marginal_weights_and_their_error_are_the_plain_recursion_and_its_derivative(
    estimator: Callable[..., Estimate],
) -> None:
    """The code carries values backward, the reference mass forward; the error is the infinitesimal jackknife's."""
    n, step = 60, 1e-5
    log = rows(sample(n, 7))
    log["reward"] = log["reward"] + np.random.default_rng(8).normal(size=len(log["reward"]))
    own = estimator is snmarginal_is
    found = estimator(**arguments(log, "state"), gamma=GAMMA)
    assert found.value == pytest.approx(_marginal(log, np.ones(n), own), abs=1e-12)
    slope = [
        (_marginal(log, 1 + step * one, own) - _marginal(log, 1 - step * one, own)) / (2 * step) for one in np.eye(n)
    ]
    assert found.std_error == pytest.approx(float(np.sqrt(np.square(slope).sum() * n / (n - 1))), abs=1e-8)


def test_a_ratio_of_zero_does_not_end_a_marginal_weight() -> None:
    """A state reached by an action that the target never takes may also be reached otherwise."""
    log: dict[str, Any] = {
        "trajectory": np.array([0, 0, 1, 1]),
        "step": np.array([0, 1, 0, 1]),
        "state": np.array([0, 1, 0, 1]),
        "reward": np.array([0.0, 1.0, 0.0, 3.0]),
        "pscore": np.array([0.5, 1.0, 0.5, 1.0]),
        "target_pscore": np.array([0.0, 1.0, 1.0, 1.0]),
    }
    assert marginal_is(**log).value == pytest.approx(2.0, abs=1e-12)
    assert pdis(**{name: column for name, column in log.items() if name != "state"}).value == pytest.approx(3.0)


@pytest.mark.parametrize("name", ["tis", "sntis", "pdis", "snpdis", "dr", "sndr", "marginal_is", "snmarginal_is"])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    repeats, held = 300, 0
    for k in range(repeats):
        log = rows(sample(400, 100 + k))
        plain, more = arguments(log), _with_values(log, False)
        found = {
            "tis": lambda p=plain: tis(**p, gamma=GAMMA),
            "sntis": lambda p=plain: sntis(**p, gamma=GAMMA),
            "pdis": lambda p=plain: pdis(**p, gamma=GAMMA),
            "snpdis": lambda p=plain: snpdis(**p, gamma=GAMMA),
            "dr": lambda p=more: dr(**p, gamma=GAMMA),
            "sndr": lambda p=more: sndr(**p, gamma=GAMMA),
            "marginal_is": lambda p={**plain, "state": log["state"]}: marginal_is(**p, gamma=GAMMA),
            "snmarginal_is": lambda p={**plain, "state": log["state"]}: snmarginal_is(**p, gamma=GAMMA),
        }[name]()
        held += found.low <= truth() <= found.high
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
