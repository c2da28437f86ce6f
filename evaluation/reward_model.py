"""Reward models for off-policy evaluation, cross-fitted: each round is scored by a model that has not seen its user.

What may be fitted: three scikit-learn models by name, or any object with `fit` and `predict`. Features of a round and
an action are the context beside a description of the action.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from driftline.evaluation.arrays import distributions, matrix, one_a_row, vector, whole_numbers
from driftline.evaluation.estimate import user_folds
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s

__all__ = ["ModelName", "Regressor", "RewardModel", "cross_fitted", "user_folds"]


ONE_HOT_LIMIT = 200
"""More actions than this need `action_context`: one column each would not fit."""


@dataclass(frozen=True, slots=True)
class Features:
    """Builds feature rows; nothing of size rounds x actions is kept."""

    context: Floats
    """[n, d]"""
    action_context: Floats
    """[A, e]"""

    def of(self, context: Floats, action: Int64s) -> Floats:
        """Rows [m, d + e] for contexts [m, d] and actions [m]."""
        return np.hstack([context, self.action_context[action]])

    def of_every_action(self, context: Floats) -> Floats:
        """Rows [m * A, d + e]: each context with each action, actions running fastest."""
        m, a = len(context), len(self.action_context)
        return np.hstack([np.repeat(context, a, axis=0), np.tile(self.action_context, (m, 1))])


def features(context: Floats, n: int, n_actions: int, action_context: Floats | None) -> Features:
    """Checks the shapes; without `action_context` [A, e] actions are told apart by one column each."""
    found = matrix("context", context, n)
    if action_context is not None:
        return Features(found, matrix("action_context", action_context, n_actions, "e"))
    if n_actions > ONE_HOT_LIMIT:
        raise InputError(f"{n_actions} actions without action_context; one column each is kept to {ONE_HOT_LIMIT}")
    return Features(found, np.eye(n_actions))


ModelName = Literal["logistic", "ridge", "hist_gradient_boosting"]
CLASSIFIERS = ("logistic",)


@runtime_checkable
class Regressor(Protocol):
    """Anything that learns rewards from features. A classifier's `predict_proba` is used where there is one."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from features [m, d] and rewards [m]; takes `sample_weight` if recency weights are asked for."""

    def predict(self, X: Any) -> Any:
        """Expected rewards [m] of features [m, d]."""


def unfitted(model: "ModelName | Regressor", seed: int) -> Regressor:
    """A fresh model. Named ones have scikit-learn's defaults, but 1,000 iterations for logistic regression.

    Objects are copied before they are fitted, so the one given stays as it is.
    """
    if not isinstance(model, str):
        if not isinstance(model, Regressor):
            raise InputError(f"model is {type(model).__name__}, which has no fit and predict")
        return copy.deepcopy(model)
    if model not in get_args(ModelName):
        raise InputError(f"model is {model!r}, which is not known: {hint(model, get_args(ModelName))}")
    if model == "logistic":
        from sklearn.linear_model import LogisticRegression

        return _typed(LogisticRegression(max_iter=1000, random_state=seed))
    if model == "ridge":
        from sklearn.linear_model import Ridge

        return _typed(Ridge())
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _typed(HistGradientBoostingRegressor(random_state=seed))


def is_classifier(model: "ModelName | Regressor") -> bool:
    """Whether the model learns classes and answers with probabilities."""
    return model in CLASSIFIERS if isinstance(model, str) else hasattr(model, "predict_proba")


def fit_quietly(model: Regressor, X: Floats, reward: Floats, sample_weight: Floats | None) -> list[str]:
    """Fits in place; what the library warns of comes back as plain lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if sample_weight is None:
            model.fit(X, reward)
        else:
            _fit_weighted(model, X, reward, sample_weight)
    return [f"while fitting: {str(each.message).splitlines()[0]}" for each in caught]


def expected_reward(model: Regressor, X: Floats) -> Floats:
    """Predictions [m]; of a classifier the classes' values weighted by their probabilities."""
    if hasattr(model, "predict_proba") and hasattr(model, "classes_"):
        return np.asarray(model.predict_proba(X) @ np.asarray(model.classes_, dtype=np.float64), dtype=np.float64)
    return np.asarray(model.predict(X), dtype=np.float64).reshape(len(X))


def _fit_weighted(model: Any, X: Floats, reward: Floats, sample_weight: Floats) -> None:
    if hasattr(model, "steps"):
        # a pipeline hands weights on to its last step by this name
        model.fit(X, reward, **{f"{model.steps[-1][0]}__sample_weight": sample_weight})
    else:
        model.fit(X, reward, sample_weight=sample_weight)


def _typed(model: Any) -> Regressor:
    return model  # type: ignore[no-any-return]


TargetPolicy = Floats | Callable[[Int64s], Floats]
"""Probabilities [n, A], or a function that gives them for some rounds: round numbers [m] -> [m, A]."""
CHUNK_CELLS = 2_000_000
"""Feature cells held at once while scoring every action."""


@dataclass(frozen=True, slots=True)
class RewardModel:
    """Expected rewards of logged rounds, each by the model of the fold that left its user out."""

    q_action: Floats
    """q(x_i, a_i) of the logged action [n]."""
    q_expected: Floats | None
    """sum_a pi_e(a | x_i) q(x_i, a) [n]; null where no target policy was given."""
    fold: Int64s
    """[n]; the model of fold f was fitted on all rounds of the other folds."""
    models: tuple[Regressor | float, ...]
    """One per fold; a number where the fold's training rewards had a single value."""
    warnings: tuple[str, ...]
    features: Features = field(repr=False)

    def q_hat(self, rounds: Int64s, context: Floats | None = None) -> Floats:
        """Expected rewards of every action [m, A] for some rounds [m], contexts as logged or as given [m, d]."""
        rows = self.features.context[rounds] if context is None else np.asarray(context, dtype=np.float64)
        out = np.empty((len(rows), len(self.features.action_context)))
        for f, model in enumerate(self.models):
            here = self.fold[rounds] == f
            if here.any():
                found = _predict(model, self.features.of_every_action(rows[here]))
                out[here] = found.reshape(-1, out.shape[1])
        return out

    def chunks(self, size: int | None = None) -> Iterator[tuple[Int64s, Floats]]:
        """(round numbers [m], q_hat [m, A]) over all rounds in order; never the whole matrix at once.

        Values do not depend on `size` but for the last bits, which a library's matrix product may set by its shape.
        """
        n = len(self.fold)
        d = self.features.context.shape[1] + self.features.action_context.shape[1]
        step = size or max(1, CHUNK_CELLS // max(1, len(self.features.action_context) * d))
        for at in range(0, n, step):
            rounds = np.arange(at, min(at + step, n))
            yield rounds, self.q_hat(rounds)


def cross_fitted(
    *,
    reward: Floats,
    action: Int64s,
    context: Floats,
    user: Int64s,
    n_actions: int,
    target_policy: TargetPolicy | None = None,
    target_context: Floats | None = None,
    action_context: Floats | None = None,
    model: ModelName | Regressor = "ridge",
    folds: int = 3,
    time: Floats | None = None,
    half_life: float | None = None,
    chunk: int | None = None,
    seed: int = 0,
) -> RewardModel:
    """Fits one reward model per fold of users on the other folds and scores each round by its own fold's model.

    Cross-fitting (Chernozhukov et al. 2018; for policies Narita, Yasui & Yata 2021) keeps DR unbiased in spite of an
    adaptive model; users are the folds' unit because a user's rounds share what the context does not say. A fold whose
    training rewards have one value predicts that value and says so.

    Args:
        reward: What the logged actions earned [n]; finite.
        action: Which they were [n], 0 to n_actions - 1.
        context: What was known of each round [n, d].
        user: Whose round it is [n], any labels.
        n_actions: How many actions there are.
        target_policy: Its probabilities [n, n_actions], or a function of round numbers; for `q_expected`.
        target_context: Contexts at the target time [n, d], for `q_expected`, such as the log's with the time feature
            replaced (see `opfv`); the log's own where not given.
        action_context: What each action is like [n_actions, e]; one column an action where not given.
        model: `logistic` (rewards of few values; expected value over the classes), `ridge`,
            `hist_gradient_boosting`, or an object with fit and predict, which is copied.
        folds: How many, at least 2 and at most the number of users.
        time: When each round was [n], in one unit, usually days; with `half_life`.
        half_life: Rounds weigh 2^(-age / half_life) in the fit, age counted from the newest: the model describes the
            present. All alike where not given.
        chunk: Rounds whose every action is scored at once.
        seed: Of the folds and of the model.

    Raises:
        InputError: Unequal lengths, values that are not finite, an action out of range, fewer users than folds, a
            classifier for rewards of one value, half_life without time, a target policy whose rows do not sum to 1.

    Examples:
        >>> action, user = np.array([0, 1, 0, 1]), np.array([1, 1, 2, 2])
        >>> log = {"reward": np.array([1.0, 0.0, 1.0, 0.0]), "action": action, "context": np.zeros((4, 1))}
        >>> cross_fitted(**log, user=user, n_actions=2, folds=2).q_action.round(2).tolist()
        [0.75, 0.25, 0.75, 0.25]
    """
    reward = vector("reward", reward)
    action = whole_numbers("action", action, len(reward), below=n_actions)
    built = features(context, len(reward), n_actions, action_context)
    if is_classifier(model) and len(np.unique(reward)) == 1:
        raise InputError(f"every reward is {reward[0]:g}: a classifier needs two classes; model='ridge' takes any")
    fold = user_folds(one_a_row("user", user, len(reward)), folds=folds, seed=seed)
    weight = _recency(time, half_life, len(reward))
    fits = [_fit(unfitted(model, seed), built, action, reward, weight, fold != f) for f in range(folds)]
    q_action = np.empty(len(reward))
    for f, (fitted, _) in enumerate(fits):
        here = fold == f
        q_action[here] = _predict(fitted, built.of(built.context[here], action[here]))
    warnings = tuple(f"fold {f}: {note}" for f, (_, notes) in enumerate(fits) for note in notes)
    found = RewardModel(q_action, None, fold, tuple(fitted for fitted, _ in fits), warnings, built)
    if target_policy is None:
        return found
    return replace(found, q_expected=_expected(found, target_policy, target_context, chunk))


def _fit(
    model: Regressor, built: Features, action: Int64s, reward: Floats, weight: Floats | None, rows: Bools
) -> tuple[Regressor | float, list[str]]:
    seen = np.unique(reward[rows])
    if len(seen) == 1:
        return float(seen[0]), [f"every training reward is {seen[0]:g}; that value is predicted"]
    X = built.of(built.context[rows], action[rows])
    return model, fit_quietly(model, X, reward[rows], None if weight is None else weight[rows])


def _predict(model: Regressor | float, X: Floats) -> Floats:
    found = np.full(len(X), model) if isinstance(model, float) else expected_reward(model, X)
    if not np.isfinite(found).all():
        raise InputError(
            f"the reward model predicts {np.count_nonzero(~np.isfinite(found))} values that are not finite"
        )
    return found


def _expected(model: RewardModel, policy: TargetPolicy, context: Floats | None, chunk: int | None) -> Floats:
    n, a = len(model.fold), len(model.features.action_context)
    if context is not None and np.shape(context) != model.features.context.shape:
        raise InputError(f"target_context has shape {np.shape(context)}; {model.features.context.shape} is needed")
    out = np.empty(n)
    d = model.features.context.shape[1] + model.features.action_context.shape[1]
    step = chunk or max(1, CHUNK_CELLS // max(1, a * d))
    for at in range(0, n, step):
        rounds = np.arange(at, min(at + step, n))
        told = policy(rounds) if callable(policy) else policy[at : at + step]
        p = distributions("target_policy", told, len(rounds), a, first=at)
        q = model.q_hat(rounds, None if context is None else np.asarray(context)[rounds])
        out[rounds] = np.einsum("ij,ij->i", p, q)
    return out


def _recency(time: Floats | None, half_life: float | None, n: int) -> Floats | None:
    if half_life is None:
        return None
    if time is None:
        raise InputError("half_life needs time, which is missing")
    if not half_life > 0:
        raise InputError(f"half_life is {half_life}; it must be above 0, in the unit of time")
    found = vector("time", time, n)
    return np.asarray(np.exp2((found - found.max()) / half_life))
