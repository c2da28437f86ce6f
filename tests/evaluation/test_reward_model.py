import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from driftline.evaluation.reward_model import ModelName, cross_fitted, user_folds
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ARMS = 4


def _log(n: int = 240, users: int = 30, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(n, 2))
    action = rng.integers(0, ARMS, n)
    chance = 1 / (1 + np.exp(-(context[:, 0] * (action - 1.5))))
    return {
        "reward": (rng.random(n) < chance).astype(np.float64),
        "action": action,
        "context": context,
        "user": rng.integers(0, users, n) * 7,
        "n_actions": ARMS,
    }


def _policy(n: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).dirichlet(np.ones(ARMS), n)


def _features(context: Floats, action: Int64s) -> Floats:
    return np.hstack([context, np.eye(ARMS)[action]])


class Memory:
    """Remembers the rounds it has seen by their first feature; knows nothing of others."""

    def fit(self, X: Any, y: Any) -> "Memory":
        self.seen = set(np.asarray(X)[:, 0].tolist())
        return self

    def predict(self, X: Any) -> Any:
        return np.array([float(x in self.seen) for x in np.asarray(X)[:, 0]])


def test_no_round_is_scored_by_a_model_that_has_seen_its_user() -> None:
    log = _log()
    log["context"] = log["user"][:, None].astype(np.float64)
    found = cross_fitted(**log, model=Memory(), target_policy=_policy(240), folds=5)
    assert found.q_action.max() == 0.0
    assert found.q_expected is not None
    assert found.q_expected.max() == 0.0
    others = [model for model in found.models if isinstance(model, Memory)]
    users = set(log["user"].tolist())
    assert all(model.seen | set(log["user"][found.fold == f].tolist()) == users for f, model in enumerate(others))


@pytest.mark.parametrize("name", ["ridge", "logistic"])
def test_predictions_are_scikit_learns_own_fold_by_fold(name: ModelName) -> None:
    log = _log()
    policy = _policy(240)
    found = cross_fitted(**log, model=name, target_policy=policy, folds=3, seed=4)
    X, every = _features(log["context"], log["action"]), np.arange(ARMS)
    for f in range(3):
        out = found.fold != f
        for i in np.flatnonzero(~out)[:20]:
            wide = _features(np.repeat(log["context"][[i]], ARMS, axis=0), every)
            if name == "ridge":
                ridge = Ridge().fit(X[out], log["reward"][out])
                q = ridge.predict(wide)
            else:
                q = LogisticRegression(max_iter=1000).fit(X[out], log["reward"][out]).predict_proba(wide)[:, 1]
            assert found.q_action[i] == pytest.approx(q[log["action"][i]], abs=1e-9)
            assert found.q_expected is not None
            assert found.q_expected[i] == pytest.approx(policy[i] @ q, abs=1e-9)


def test_boosting_learns_an_interaction_that_a_line_cannot() -> None:
    log = _log(3000, 300)
    chance = 1 / (1 + np.exp(-(log["context"][:, 0] * (log["action"] - 1.5))))
    error = {
        name: np.mean((cross_fitted(**log, model=name).q_action - chance) ** 2)
        for name in ("ridge", "hist_gradient_boosting")
    }
    assert error["hist_gradient_boosting"] < 0.75 * error["ridge"]


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 300))
def test_chunks_cover_every_round_in_order_whatever_their_size(size: int) -> None:
    log, policy = _log(120), _policy(120)
    found = cross_fitted(**log, target_policy=policy, chunk=size)
    rounds, parts = zip(*found.chunks(size), strict=True)
    assert np.concatenate(rounds).tolist() == list(range(120))
    q = np.concatenate(parts)
    assert np.allclose(q[np.arange(120), log["action"]], found.q_action, atol=1e-12)
    assert found.q_expected is not None
    assert np.allclose((q * policy).sum(axis=1), found.q_expected, atol=1e-12)
    assert np.allclose(q, found.q_hat(np.arange(120)), atol=1e-12)


def test_a_policy_may_be_a_function_and_is_asked_for_chunks_only() -> None:
    log, policy = _log(), _policy(240)
    asked: list[int] = []

    def of(rounds: Int64s) -> Floats:
        asked.append(len(rounds))
        return policy[rounds]

    dense = cross_fitted(**log, target_policy=policy).q_expected
    lazy = cross_fitted(**log, target_policy=of, chunk=50).q_expected
    assert asked == [50, 50, 50, 50, 40]
    assert dense is not None
    assert lazy is not None
    assert np.allclose(dense, lazy, atol=1e-12)


def test_action_context_replaces_one_column_an_action() -> None:
    log = _log()
    described = np.arange(ARMS)[:, None].astype(np.float64)
    found = cross_fitted(**log, action_context=described)
    X = np.hstack([log["context"], described[log["action"]]])
    out = found.fold != 1
    expected = Ridge().fit(X[out], log["reward"][out]).predict(X[~out])
    assert np.allclose(found.q_action[~out], expected, atol=1e-9)


def test_recency_weights_are_the_fits_sample_weights() -> None:
    log = _log()
    time = np.random.default_rng(3).uniform(0, 60, 240)
    scaled = make_pipeline(StandardScaler(), Ridge())
    for model in ("ridge", scaled):
        found = cross_fitted(**log, model=model, time=time, half_life=7.0)
        X, w = _features(log["context"], log["action"]), np.exp2((time - time.max()) / 7.0)
        out = found.fold != 0
        if model == "ridge":
            fit: Any = Ridge().fit(X[out], log["reward"][out], sample_weight=w[out])
        else:
            fit = make_pipeline(StandardScaler(), Ridge()).fit(X[out], log["reward"][out], ridge__sample_weight=w[out])
        assert np.allclose(found.q_action[~out], fit.predict(X[~out]), atol=1e-9)


def test_after_a_drift_the_recent_model_is_nearer_to_the_present() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    time = np.sort(rng.uniform(0, 100, n))
    action = rng.integers(0, 2, n)
    chance = np.where(action == 1, 0.2 + 0.6 * (time > 70), 0.5)
    log: dict[str, Any] = {
        "reward": (rng.random(n) < chance).astype(np.float64),
        "action": action,
        "context": np.zeros((n, 1)),
        "user": rng.integers(0, 200, n),
        "n_actions": 2,
    }
    new = time > 95
    miss = {
        half: abs(cross_fitted(**log, time=time, half_life=half).q_action[new & (action == 1)].mean() - 0.8)
        for half in (None, 5.0)
    }
    # 70 % of rounds are from before: .42 too low; half-life 5 leaves 2^-6 of that, and noise of about .02
    assert miss[None] > 0.35
    assert miss[5.0] < 0.08


def test_a_target_context_moves_only_what_is_expected() -> None:
    log, policy = _log(), _policy(240)
    moved = log["context"] + np.array([0.0, 1.0])
    a = cross_fitted(**log, target_policy=policy)
    b = cross_fitted(**log, target_policy=policy, target_context=moved)
    assert np.array_equal(a.q_action, b.q_action)
    slope = np.array([model.coef_[1] for model in a.models])  # type: ignore[union-attr]
    assert a.q_expected is not None
    assert b.q_expected is not None
    assert np.allclose(b.q_expected - a.q_expected, slope[a.fold], atol=1e-9)


def test_folds_keep_users_together_and_are_as_even_as_can_be() -> None:
    user = np.random.default_rng(0).integers(0, 50, 1000)
    fold = user_folds(user, folds=4, seed=3)
    by_user = {u: set(fold[user == u].tolist()) for u in np.unique(user)}
    assert all(len(folds) == 1 for folds in by_user.values())
    sizes = np.bincount([folds.pop() for folds in by_user.values()])
    assert sizes.max() - sizes.min() <= 1
    assert not np.array_equal(fold, user_folds(user, folds=4, seed=4))


def test_folds_do_not_depend_on_the_order_of_rounds() -> None:
    user = np.random.default_rng(0).integers(0, 50, 300)
    mixed = np.random.default_rng(1).permutation(300)
    assert np.array_equal(user_folds(user)[mixed], user_folds(user[mixed]))
    names = np.array([f"u{u:02d}" for u in user])
    assert np.array_equal(user_folds(names)[mixed], user_folds(names[mixed]))


def test_one_valued_rewards_of_a_fold_are_predicted_as_they_are_and_said() -> None:
    log = _log(60, 6)
    fold = user_folds(log["user"])
    log["reward"] = np.where((fold == 2) & (np.arange(60) % 2 == 0), 1.0, 0.0)
    found = cross_fitted(**log, model="logistic")
    assert found.models[2] == 0.0
    assert np.all(found.q_action[fold == 2] == 0.0)
    assert found.warnings == ("fold 2: every training reward is 0; that value is predicted",)


def test_what_the_library_warns_of_is_handed_on_as_a_line() -> None:
    log = _log()
    found = cross_fitted(**log, model=LogisticRegression(max_iter=1))
    assert len(found.warnings) == 3
    assert found.warnings[0].startswith("fold 0: while fitting: ")


def test_the_model_given_is_left_unfitted() -> None:
    model = Ridge()
    cross_fitted(**_log(), model=model)
    assert not hasattr(model, "coef_")


def test_scikit_learn_is_not_imported_with_the_package() -> None:
    code = (
        "import sys, driftline.evaluation.reward_model, driftline.evaluation.selection, "
        "driftline.evaluation.nonstationary; print('sklearn' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"user": np.zeros(240, dtype=np.int64)}, "1 distinct values for 3 folds"),
        ({"folds": 1}, "folds is 1; at least 2"),
        ({"reward": np.ones(240), "model": "logistic"}, "every reward is 1: a classifier needs two classes"),
        ({"model": "rigde"}, "did you mean 'ridge'"),
        ({"model": 3}, "int, which has no fit and predict"),
        ({"action": np.full(240, 4)}, r"action\[0\] is 4; must be at least 0 and below 4"),
        ({"context": np.zeros(240)}, r"context has shape \(240,\); must be \[240, d\]"),
        ({"context": np.full((240, 1), np.inf)}, r"context\[0, 0\] is inf"),
        ({"action_context": np.zeros((3, 1))}, r"action_context has shape \(3, 1\); must be \[4, e\]"),
        ({"n_actions": 500}, "500 actions without action_context"),
        ({"half_life": 3.0}, "half_life needs time"),
        ({"half_life": -3.0, "time": np.zeros(240)}, "half_life is -3"),
        ({"user": np.zeros(3)}, "user has 3 rows; must have 240"),
        ({"target_policy": np.full((240, ARMS), 0.3)}, r"target_policy\[0\] sums to .*; must be"),
        ({"target_policy": np.full((240, 2), 0.5)}, r"target_policy has shape \(240, 2\)"),
        ({"target_policy": _policy(240), "target_context": np.zeros((2, 2))}, "target_context has shape"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cross_fitted(**{**_log(), **changes})
