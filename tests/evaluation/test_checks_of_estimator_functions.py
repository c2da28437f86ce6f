"""Every estimator of slates, trajectories and times keeps its promises; a broken twin is refused with the reason."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.evaluation import nonstationary, slate_off_policy, trajectory_off_policy
from driftline.evaluation.checks import check_estimator
from driftline.evaluation.claims import EstimatorFunction, claims, claims_of, estimator_functions
from driftline.evaluation.estimate import Estimate
from driftline.sim.errors import InputError

FAMILIES: dict[str, ModuleType] = {
    "slates": slate_off_policy,
    "trajectories": trajectory_off_policy,
    "times": nonstationary,
}
FUNCTIONS = [
    pytest.param(kind, function, id=f"{kind} {name}")
    for kind, package in FAMILIES.items()
    for name, function in estimator_functions(package).items()
]


@pytest.mark.parametrize("kind, function", FUNCTIONS)
def test_every_estimator_that_is_found_keeps_its_promises(kind: str, function: EstimatorFunction) -> None:
    stated = claims_of(function)
    assert stated is not None
    assert stated.log == kind
    checks = check_estimator(function)
    assert [str(each) for each in checks if each.fault] == []
    assert [each.name for each in checks if each.unasked] == ([] if stated.unbiased_in else ["unbiased"])


def test_all_that_return_an_estimate_are_found() -> None:
    found = {kind: set(estimator_functions(package)) for kind, package in FAMILIES.items()}
    assert {"sips", "sniips", "cascade_dr", "weighted_pseudo_inverse"} <= found["slates"]
    assert {"tis", "dm", "sndr", "snmarginal_is"} <= found["trajectories"]
    assert {"past_average", "prognosticator", "opfv"} <= found["times"]


# -- broken twins ------------------------------------------------------------------------------------------------------


@claims("slates", unbiased_in="standard")
def halved_slates(*, reward: Any, pscore: Any, target_pscore: Any, **asked: Any) -> Estimate:
    return slate_off_policy.sips(reward=0.5 * reward, pscore=pscore, target_pscore=target_pscore, **asked)


@claims("trajectories", unbiased_in="histories")
def halved_trajectories(
    *, trajectory: Any, step: Any, reward: Any, pscore: Any, target_pscore: Any, gamma: float, **asked: Any
) -> Estimate:
    log = {"trajectory": trajectory, "step": step, "pscore": pscore, "target_pscore": target_pscore, "gamma": gamma}
    return trajectory_off_policy.pdis(reward=0.5 * reward, **log, **asked)


@claims("times", unbiased_in="still")
def halved_times(
    *, reward: Any, pscore: Any, target_pscore: Any, time: Any, estimator: str = "snips", **asked: Any
) -> Estimate:
    log = {"pscore": pscore, "target_pscore": target_pscore, "time": time}
    kind: nonstationary.Estimator = "ips" if estimator == "dr" else "snips"
    return nonstationary.past_average(reward=0.5 * reward, estimator=kind, **log, **asked)


@claims("slates", unbiased_in="standard")
def short_sighted(*, reward: Any, pscore_cascade: Any, target_pscore_cascade: Any, **asked: Any) -> Estimate:
    """Takes for granted that what stands below an item does not matter."""
    columns = {"pscore_cascade": pscore_cascade, "target_pscore_cascade": target_pscore_cascade}
    return slate_off_policy.rips(reward=reward, **columns, **asked)


@claims("slates", unbiased_in="cascade")
def apart(*, reward: Any, pscore_item_position: Any, target_pscore_item_position: Any, **asked: Any) -> Estimate:
    """Takes for granted that what stands above an item does not matter."""
    columns = {
        "pscore_item_position": pscore_item_position,
        "target_pscore_item_position": target_pscore_item_position,
    }
    return slate_off_policy.iips(reward=reward, **columns, **asked)


@claims("trajectories", unbiased_in="histories")
def one_step(*, trajectory: Any, step: Any, reward: Any, pscore: Any, target_pscore: Any, gamma: float) -> Estimate:
    """Weighs a step by its own action only; states stand for themselves."""
    log = {"trajectory": trajectory, "step": step, "pscore": pscore, "target_pscore": target_pscore, "gamma": gamma}
    return trajectory_off_policy.marginal_is(reward=reward, state=np.zeros_like(step), **log)


@claims("trajectories")
def as_they_come(*, trajectory: Any, step: Any, reward: Any, pscore: Any, target_pscore: Any, gamma: float) -> Estimate:
    """Takes rows to lie in the order of time."""
    in_order = np.concatenate([np.arange(n) for n in np.bincount(trajectory) if n])
    log = {"pscore": pscore, "target_pscore": target_pscore, "gamma": gamma, "reward": reward}
    return trajectory_off_policy.pdis(trajectory=np.sort(trajectory), step=in_order, **log)


@claims("times", equivariant=True)
def plain(*, reward: Any, pscore: Any, target_pscore: Any, time: Any, **asked: Any) -> Estimate:
    log = {"pscore": pscore, "target_pscore": target_pscore, "time": time}
    return nonstationary.past_average(reward=reward, estimator="ips", **log, **asked)


@claims("slates")
def forgiving(*, reward: Any, pscore: Any, target_pscore: Any, **asked: Any) -> Estimate:
    """Turns an impossible propensity into a small one."""
    return slate_off_policy.sips(
        reward=reward, pscore=np.maximum(pscore, 1e-3), target_pscore=np.abs(target_pscore), **asked
    )


@claims("times")
def patching(*, reward: Any, pscore: Any, target_pscore: Any, time: Any, **asked: Any) -> Estimate:
    log = {"pscore": pscore, "target_pscore": target_pscore, "time": time}
    return nonstationary.past_average(reward=np.nan_to_num(reward), **log, **asked)


@claims("slates")
def writing(*, reward: Any, pscore: Any, target_pscore: Any, **asked: Any) -> Estimate:
    reward -= reward.min()
    return slate_off_policy.sips(reward=reward, pscore=pscore, target_pscore=target_pscore, **asked)


@claims("slates", unbiased_in="casade")
def misspelt(**asked: Any) -> Estimate:
    return slate_off_policy.rips(**asked)


@pytest.mark.parametrize(
    "twin, promise, told",
    [
        (halved_slates, "own policy", "0.5 times the mean reward"),
        (halved_slates, "unbiased", "its mean over all logs of a small world is"),
        (halved_trajectories, "own policy", "0.5 times the mean reward"),
        (halved_trajectories, "unbiased", "the target policy's value"),
        (halved_times, "own policy", "0.5 times the mean reward"),
        (halved_times, "unbiased", "the target policy's value"),
        (short_sighted, "unbiased", "the target policy's value"),
        (apart, "unbiased", "the target policy's value"),
        (one_step, "unbiased", "the target policy's value"),
        (as_they_come, "row order", "in another order"),
        (plain, "units of reward", "with rewards of -1.75 + 2.5 r"),
        (forgiving, "refuses", "whose pscore is negative in a row"),
        (patching, "refuses", "whose reward is NaN in a row"),
        (writing, "leaves the log", "it changed the log's reward"),
    ],
)
def test_a_broken_twin_is_refused_with_the_reason(twin: EstimatorFunction, promise: str, told: str) -> None:
    faults = {each.name: each.fault for each in check_estimator(twin)}
    assert told in (faults[promise] or "")


def test_a_function_is_checked_by_its_name_and_must_state_what_it_claims() -> None:
    (found,) = driftline.check("driftline.evaluation.slate_off_policy:rips")
    assert (found.kind, found.broken) == ("estimator", ())
    (halved,) = driftline.check(f"{__name__}:halved_slates", kind="estimator")
    assert {each.name for each in halved.broken} == {"own policy", "unbiased"}
    with pytest.raises(InputError, match="estimator 'gamma_matrix' states no claims; put @claims"):
        check_estimator(slate_off_policy.gamma_matrix)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unbiased_in is 'casade'; did you mean 'cascade'"):
        check_estimator(misspelt)
