from math import inf
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy import Rounds, ips
from driftline.evaluation.selection import candidates, fit_importance, pas_if
from driftline.evaluation.selection._pas_if import _features, _loss
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ARMS = 5


def _log(n: int, seed: int, heat: float = 1.0) -> dict[str, Any]:
    """Contexts with a logger near uniform and a target that is the sharper the larger `heat`."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(n, ARMS))
    behavior = _softmax(0.3 * taste)
    target = _softmax(heat * (taste + 0.3 * rng.normal(size=(n, ARMS))))
    action = _drawn(behavior, rng)
    mean = 1 / (1 + np.exp(-taste))
    reward = (rng.random(n) < mean[np.arange(n), action]).astype(np.float64)
    return {
        "reward": reward,
        "action": action,
        "behavior_policy": behavior,
        "target_policy": target,
        "q_hat": mean,
    }


def _softmax(logit: Floats) -> Floats:
    raised = np.exp(logit)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _drawn(policy: Floats, rng: np.random.Generator) -> Int64s:
    return np.asarray((rng.random(len(policy))[:, None] > np.cumsum(policy, axis=1)).sum(axis=1), dtype=np.int64)


def test_the_gradient_is_the_losss() -> None:
    log = _log(40, 0)
    ratio = log["target_policy"] / log["behavior_policy"]
    arguments = (
        _features(log["behavior_policy"], ratio),
        log["behavior_policy"],
        log["action"],
        ratio[np.arange(40), log["action"]],
        0.2,
        3.0,
    )

    def _value(theta: Floats) -> float:
        return _loss(theta, *arguments)[0]

    theta = np.array([-1.2, 0.8, 0.3])
    numeric = approx_fprime(theta, _value, 1e-7)
    assert _loss(theta, *arguments)[1] == pytest.approx(numeric, rel=1e-5)


def test_the_loss_is_the_papers() -> None:
    log = _log(30, 1)
    ratio = log["target_policy"] / log["behavior_policy"]
    theta = np.array([-1.0, 0.7, 0.1])
    features = _features(log["behavior_policy"], ratio)
    rho = 1 / (1 + np.exp(-features @ theta))
    total = 0.0
    for i in range(30):
        a = log["action"][i]
        m = sum(log["behavior_policy"][i, k] * rho[i, k] for k in range(ARMS))
        pseudo_target, pseudo_logger = rho[i, a] / m, (1 - rho[i, a]) / (1 - m)
        total += (pseudo_target / pseudo_logger - ratio[i, a]) ** 2 + 2.0 * (m - 0.2) ** 2
    wanted = ratio[np.arange(30), log["action"]]
    assert _loss(theta, features, log["behavior_policy"], log["action"], wanted, 0.2, 2.0)[0] == pytest.approx(
        total / 30
    )


def test_a_fit_keeps_the_share_and_mimics_the_weights() -> None:
    log = _log(600, 2)
    fit = fit_importance(
        action=log["action"], behavior_policy=log["behavior_policy"], target_policy=log["target_policy"]
    )
    rows = np.arange(600)
    real = (log["target_policy"] / log["behavior_policy"])[rows, log["action"]]
    assert abs(fit.marginal.mean() - 0.2) <= 0.02
    assert fit.probability.min() > 0
    assert fit.probability.max() < 1
    assert np.allclose(fit.marginal, (log["behavior_policy"] * fit.probability).sum(axis=1))
    assert np.corrcoef(fit.weight, real)[0, 1] > 0.95
    # a split at random, with weights of 1, misses by the weights' own variance
    assert fit.distance < 0.3 * np.mean((real - 1) ** 2)


def test_of_the_strengths_that_keep_the_share_the_nearest_weights_win() -> None:
    log = _log(300, 2)
    policies = {k: log[k] for k in ("action", "behavior_policy", "target_policy")}
    found = fit_importance(**policies, share=0.2)
    alone = {}
    for strength in (0.1, 1.0, 10.0, 100.0, 1000.0):
        try:
            alone[strength] = fit_importance(**policies, share=0.2, strengths=[strength]).distance
        except InputError:
            continue
    assert len(alone) > 1
    assert found.strength == min(alone, key=alone.__getitem__)
    assert found.distance == min(alone.values())


def test_equal_policies_are_split_at_random() -> None:
    log = _log(200, 3)
    fit = fit_importance(
        action=log["action"], behavior_policy=log["behavior_policy"], target_policy=log["behavior_policy"]
    )
    assert np.allclose(fit.weight, 1.0, atol=1e-6)
    assert fit.distance < 1e-12


def test_with_one_context_the_split_is_an_exact_copy_of_the_task() -> None:
    """Drawn rounds have the mean that unbiased ips finds in the rest, on average over logs."""
    behavior, target = np.array([[0.4, 0.3, 0.3]]), np.array([[0.1, 0.3, 0.6]])
    mean = np.array([0.2, 0.5, 0.8])
    gaps = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        action = _drawn(np.repeat(behavior, 200, axis=0), rng)
        seen: list[tuple[float, float]] = []

        def spy(rounds: Rounds, seen: list[tuple[float, float]] = seen) -> Estimate:
            found = ips(reward=rounds.reward, pscore=rounds.pscore, target_pscore=rounds.target_pscore)  # type: ignore[arg-type]
            seen.append((found.value, float(rounds.reward.sum())))
            return found

        reward = (rng.random(200) < mean[action]).astype(np.float64)
        pas_if(
            {"ips": spy},
            reward=reward,
            action=action,
            behavior_policy=np.repeat(behavior, 200, axis=0),
            target_policy=np.repeat(target, 200, axis=0),
            share=0.3,
            repeats=1,
            seed=seed,
        )
        value, kept = seen[0]
        fit = fit_importance(
            action=action,
            behavior_policy=np.repeat(behavior, 200, axis=0),
            target_policy=np.repeat(target, 200, axis=0),
            share=0.3,
        )
        pseudo = behavior[0] * fit.probability[0] / fit.marginal[0]
        gaps.append(value - float(pseudo @ mean))
        assert kept <= reward.sum()
    assert abs(np.mean(gaps)) < 4 * np.std(gaps, ddof=1) / np.sqrt(300)


def test_it_leaves_a_wrong_model_and_takes_a_right_one() -> None:
    wrong, right = [], []
    for seed in range(15):
        log = _log(800, seed, heat=1.5)
        names = candidates("ips", "dm", lambdas={"switch_dr": [inf]})
        right.append(pas_if(names, **log, seed=seed))
        log["q_hat"] = 1.0 - log["q_hat"]
        wrong.append(pas_if(names, **log, seed=seed))
    assert all(found.chosen != "dm" for found in wrong)
    assert all(found.chosen != "ips" for found in right)
    assert wrong[0].estimate.method.endswith("chosen among 3 by pas_if, 20 splits")
    assert set(wrong[0].scores) == {"ips", "dm", "switch_dr inf"}


def test_the_choice_is_at_most_a_little_worse_than_the_best_single_one() -> None:
    """Over logs whose model is sometimes right and sometimes not, choosing beats every fixed choice."""
    squared: dict[str, list[float]] = {}
    for seed in range(40):
        log = _log(400, seed, heat=1.5)
        truth = float((log["target_policy"] * log["q_hat"]).sum(axis=1).mean())
        if seed % 2:
            log["q_hat"] = 1.0 - log["q_hat"]
        names = candidates("ips", "snips", "dm")
        found = pas_if(names, **log, seed=seed)
        squared.setdefault("chosen", []).append((found.estimate.value - truth) ** 2)
        for name in names:
            alone = pas_if({name: names[name]}, **log, repeats=1)
            squared.setdefault(name, []).append((alone.estimate.value - truth) ** 2)
    chosen = np.mean(squared.pop("chosen"))
    assert chosen <= 1.05 * min(np.mean(values) for values in squared.values())


def test_the_seed_decides_and_nothing_else() -> None:
    log = _log(300, 5)
    names = candidates("ips", "snips", "dr")
    first, again, other = (pas_if(names, **log, seed=seed) for seed in (1, 1, 2))
    assert first.scores == again.scores
    assert first.scores != other.scores


def test_a_model_may_be_fitted_on_the_kept_rounds_only() -> None:
    log = _log(300, 6)
    q, asked = log.pop("q_hat"), []

    def refit(rounds: Int64s) -> Floats:
        asked.append(len(rounds))
        return np.asarray(q[rounds])

    found = pas_if(candidates("dm", "dr"), **log, q_hat=refit, repeats=3)
    fixed = pas_if(candidates("dm", "dr"), **log, q_hat=q, repeats=3)
    assert found.scores == fixed.scores
    assert len(asked) == 4
    assert max(asked[:3]) < 300
    assert asked[3] == 300


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"candidates": {}}, "candidates is empty"),
        ({"repeats": 0}, "repeats is 0"),
        ({"share": 1.0}, "share is 1"),
        ({"target_policy": np.ones((50, 2)) / 2}, r"target_policy has shape \(50, 2\); must be \[50, 5\]"),
        ({"target_policy": np.ones((50, ARMS))}, r"target_policy\[0\] sums to 5; must be"),
        ({"action": np.full(50, 9)}, r"action\[0\] is 9"),
        ({"q_hat": np.zeros((50, 2))}, "q_hat has shape"),
        ({"strengths": [0.0], "share": 0.9}, "no strength brings the drawn share"),
        ({"cluster": np.zeros(3, dtype=np.int64)}, "cluster has 3 rows"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    arguments = {"candidates": candidates("ips"), **_log(50, 0), **changes}
    named = arguments.pop("candidates")
    with pytest.raises(InputError, match=message):
        pas_if(named, **arguments)


def test_candidates_know_their_names() -> None:
    assert list(candidates("ips", lambdas={"dros": [1.0, inf]})) == ["ips", "dros 1", "dros inf"]
    with pytest.raises(InputError, match="did you mean 'snips'"):
        candidates("snip")
    with pytest.raises(InputError, match="'ips' has no lambda_"):
        candidates(lambdas={"ips": [1.0]})
