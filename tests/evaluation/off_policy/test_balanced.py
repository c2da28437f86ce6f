"""Weights without propensities: closed forms where a classifier counts, a peer's value, and folds that do not peek."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from driftline.evaluation.off_policy import balanced_ope, estimated_action_weight, snips
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def counted(n: int = 400, actions: int = 3, seed: int = 0) -> dict[str, Any]:
    """Two contexts, so that a tree is a table of counts."""
    rng = np.random.default_rng(seed)
    context = rng.integers(0, 2, n)
    logging = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]])[:, :actions]
    target = np.array([[0.2, 0.5, 0.3], [0.7, 0.3, 0.0]])[:, :actions]
    action = (logging[context].cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return {"context": context[:, None].astype(float), "action": action, "target_policy": target[context]}


def by_counts(log: dict[str, Any], inside: Any = slice(None)) -> Floats:
    """pi_e(a | x) over the share of a among the logged actions in context x, told from some of the rounds."""
    place = log["context"][:, 0].astype(int)
    seen = np.zeros((2, log["target_policy"].shape[1]))
    np.add.at(seen, (place[inside], log["action"][inside]), 1.0)
    share = seen / seen.sum(axis=1, keepdims=True)
    rows = np.arange(len(place))
    return np.asarray(log["target_policy"][rows, log["action"]] / share[place, log["action"]])


LOG = counted()
TREE = DecisionTreeClassifier(random_state=0)


def test_a_classifier_that_counts_gives_the_ratio_to_observed_shares() -> None:
    assert estimated_action_weight(**LOG, classifier=TREE) == pytest.approx(by_counts(LOG), rel=1e-9)
    # any description of actions that tells them apart says the same
    described = estimated_action_weight(**LOG, classifier=TREE, action_context=np.array([[0.0], [1.0], [2.0]]))
    assert described == pytest.approx(by_counts(LOG), rel=1e-9)


def test_folds_of_users_are_scored_by_a_classifier_that_has_not_seen_them() -> None:
    from driftline.evaluation.reward_model import user_folds

    user = np.arange(400) // 4
    found = estimated_action_weight(**LOG, classifier=TREE, folds=3, user=user, seed=5)
    fold = user_folds(user, folds=3, seed=5)
    for each in range(3):
        assert found[fold == each] == pytest.approx(by_counts(LOG, fold != each)[fold == each], rel=1e-9)


def test_drawn_actions_are_keyed_and_follow_the_target_policy() -> None:
    first = estimated_action_weight(**LOG, classifier=TREE, draws=2, seed=1)
    assert np.array_equal(first, estimated_action_weight(**LOG, classifier=TREE, draws=2, seed=1))
    assert not np.array_equal(first, estimated_action_weight(**LOG, classifier=TREE, draws=2, seed=2))
    # context 1 never draws action 2, so its weight is 0 there
    never = (LOG["context"][:, 0] == 1) & (LOG["action"] == 2)
    assert never.any()
    assert not first[never].any()
    many = estimated_action_weight(**LOG, classifier=TREE, draws=400)
    assert many == pytest.approx(by_counts(LOG), rel=0.02)
    sure = {**LOG, "target_policy": np.eye(3)[LOG["context"][:, 0].astype(int)]}
    exact = estimated_action_weight(**sure, classifier=TREE)
    assert estimated_action_weight(**sure, classifier=TREE, draws=1) == pytest.approx(exact, rel=1e-12)


def linear_log(n: int, seed: int) -> tuple[dict[str, Any], Floats, Floats, float]:
    """Both policies are softmax in the context: the log ratio is linear for each action, but for a term of context."""
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(n, 2))
    logging = np.exp(context @ np.array([[-0.4, 0.0, 0.4], [-0.2, 0.4, 0.0]]))
    target = np.exp(context @ np.array([[0.4, 0.0, -0.4], [0.2, -0.4, 0.0]]))
    logging /= logging.sum(axis=1, keepdims=True)
    target /= target.sum(axis=1, keepdims=True)
    action = (logging.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    worth = 1 / (1 + np.exp(-(context @ np.array([[1.0, 0.0, -1.0], [0.5, -1.0, 0.0]]))))
    reward = (rng.random(n) < worth[np.arange(n), action]).astype(float)
    ratio = (target / logging)[np.arange(n), action]
    return (
        {"context": context, "action": action, "target_policy": target},
        reward,
        ratio,
        float((target * worth).sum(axis=1).mean()),
    )


def test_without_propensities_it_comes_close_to_those_who_have_them() -> None:
    log, reward, ratio, truth = linear_log(4000, 3)
    weight = estimated_action_weight(**log)
    assert np.corrcoef(np.log(weight), np.log(ratio))[0, 1] > 0.97
    assert weight.mean() == pytest.approx(1.0, abs=0.02)
    found = balanced_ope(reward=reward, estimated_weight=weight)
    assert abs(found.value - truth) < 4 * found.std_error
    assert abs(reward.mean() - truth) > 6 * found.std_error
    # without products the classifier cannot see that context and action go together
    flat = estimated_action_weight(**log, classifier=LogisticRegression())
    assert np.corrcoef(np.log(flat), np.log(ratio))[0, 1] < 0.8


def test_estimates_are_those_of_self_normalised_weights() -> None:
    def uniform(seed: int, *shape: int) -> Floats:
        return np.random.default_rng(seed).random(shape)

    action: Int64s = np.arange(50) % 3
    weight, reward = uniform(6, 50) * 3, np.round(uniform(5, 50) * (1 + action), 3)
    # the same weights as ratios of propensities
    known: dict[str, Any] = {"reward": reward, "pscore": np.full(50, 0.1), "target_pscore": 0.1 * weight}
    for asked in ({}, {"interval": "bootstrap", "seed": 2}, {"cluster": np.arange(50) // 2}):
        found, plain = balanced_ope(reward=reward, estimated_weight=weight, **asked), snips(**known, **asked)
        for name in ("value", "std_error", "low", "high", "n"):
            assert getattr(found, name) == pytest.approx(getattr(plain, name), rel=1e-9)
    assert found.method == "balanced_ope (delta, clustered)"
    assert found.warnings[0].startswith("weights: estimated by a classifier")


def test_the_value_is_the_peers() -> None:
    """sb-obp 0.5.10, `BalancedInverseProbabilityWeighting` on given weights.

    Its `ImportanceWeightEstimator` does not run with scikit-learn 1.2 or later (`base_estimator`).
    """

    def uniform(seed: int, *shape: int) -> Floats:
        return np.random.default_rng(seed).random(shape)

    n, loggers, actions = 300, 3, 4
    logger = (uniform(1, n) * loggers).astype(int)
    policies = uniform(2, loggers, n, actions) ** 2 + 0.05
    policies /= policies.sum(axis=2, keepdims=True)
    cumulative = policies[logger, np.arange(n)].cumsum(axis=1)
    action = np.minimum((cumulative < uniform(4, n, 1)).sum(axis=1), actions - 1)
    reward = np.round(uniform(5, n) * (1 + action) / actions, 3)
    found = balanced_ope(reward=reward, estimated_weight=uniform(6, n) * 3)
    assert found.value == pytest.approx(0.34510714081204813, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": np.full(400, 3)}, r"action\[0\] is 3; must be at least 0 and below 3"),
        (
            {"target_policy": np.full((400, 3), 0.5)},
            r"target_policy\[0\] sums to 1.5; must be at least 0 each and sum to 1",
        ),
        ({"context": np.full((400, 1), np.nan)}, r"context\[0, 0\] is nan; must be finite"),
        ({"context": np.zeros((399, 1))}, r"context has shape \(399, 1\); must be"),
        ({"action_context": np.zeros((2, 1))}, r"action_context has shape \(2, 1\); must be \[3, e\]"),
        ({"draws": 0}, "draws is 0; must be at least 1"),
        ({"folds": 0}, "folds is 0"),
        ({"user": np.arange(3)}, "user has 3 rows"),
        ({"action_context": np.zeros((3, 10**6))}, "cells, at most 134,217,728 are made; state draws, or fewer"),
        ({"folds": 2, "user": (np.arange(400) == 0).astype(int)}, "is certain that round|sees a single class"),
    ],
)
def test_bad_questions_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        estimated_action_weight(**{**LOG, "classifier": TREE, **change})


def test_bad_weights_are_refused() -> None:
    with pytest.raises(InputError, match=r"estimated_weight\[1\] is -1; must be at least 0"):
        balanced_ope(reward=np.ones(3), estimated_weight=np.array([1.0, -1.0, 1.0]))
    with pytest.raises(InputError, match="estimated_weight is 0 in all 3 rounds"):
        balanced_ope(reward=np.ones(3), estimated_weight=np.zeros(3))
    with pytest.raises(InputError, match="interval 'hoeffding' does not exist for balanced_ope"):
        balanced_ope(reward=np.ones(3), estimated_weight=np.ones(3), interval="hoeffding")
