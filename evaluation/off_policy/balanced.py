"""Weights for a log without propensities: a classifier tells logged actions from the target policy's (B-OPE).

Sondhi, Arbour & Dimmery 2020, "Balanced off-policy evaluation in general action spaces". Pairs (x_i, a_i) of the log
are of class 0, pairs (x_i, a) with a from the target policy of class 1. Contexts are the same in both, so the odds
p(1 | x, a) / p(0 | x, a) are the ratio of the policies, and whatever features a classifier cannot tell the classes
apart by are balanced.
"""

from typing import Any, Unpack

import numpy as np

from driftline.evaluation.arrays import distributions, matrix, vector, whole_numbers
from driftline.evaluation.estimate import Estimate, user_folds
from driftline.evaluation.interval import Asked, Precision, estimated
from driftline.evaluation.off_policy.diagnostics import diagnose
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.terms import Terms
from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

LARGEST = 2**27
"""Cells of the table of features (1 GB)."""
ESTIMATED = "weights: estimated by a classifier; the interval leaves out its error and what the context does not hold"


def balanced_ope(
    *,
    reward: Floats,
    estimated_weight: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """sum(w r) / sum(w) with estimated weights, such as those of `estimated_action_weight`.

    Self-normalised, since estimated weights need not be 1 on average. The interval is that of `snips`, as if weights
    were known.

    Args:
        reward: What the logged actions earned [n]; finite.
        estimated_weight: Their estimated importance weights [n], at least 0.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: No weight above 0; unequal lengths, an unusable value.

    Examples:
        >>> balanced_ope(reward=[1, 0, 1, 1], estimated_weight=[1.0, 2.0, 0.5, 0.5]).value
        0.5
    """
    precision = Precision.of(asked)
    rounds = rounds_of(asked, reward)
    weight = vector("estimated_weight", estimated_weight, len(rounds), 0.0)
    if not weight.any():
        raise InputError(f"estimated_weight is 0 in all {len(rounds):,} rounds: the log says nothing about this policy")
    cells = clusters_of(rounds)
    terms = Terms(top=weight * rounds.reward, bottom=weight)
    warnings = (ESTIMATED, *diagnose(rounds, weight=weight, cluster=cells).warnings())
    return estimated("balanced_ope", terms, precision, cluster=cells, warnings=warnings)


def estimated_action_weight(
    *,
    context: Floats,
    action: Int64s,
    target_policy: Floats,
    action_context: Floats | None = None,
    draws: int | None = None,
    folds: int = 1,
    user: Int64s | None = None,
    classifier: Any = None,
    seed: int = 0,
) -> Floats:
    """Weights pi_e(a_i | x_i) / pi_b(a_i | x_i) [n], estimated from the log alone.

    Args:
        context: Everything that the logging policy acted on [n, d]; finite.
        action: The logged actions [n], 0 to A - 1.
        target_policy: Probabilities of every action [n, A].
        action_context: Features of actions [A, e]; one column each where not given.
        draws: None shows the classifier every action, weighted by its probability (n A rows); a number draws so many
            for each round instead (the paper has 1), keyed by (seed, round, draw).
        folds: 1 fits on all rounds, which balances them best for a linear classifier; with more, each fold of whole
            users is scored by a classifier that has not seen it.
        user: Whose round it is [n]; each its own where not given.
        classifier: Anything with scikit-learn's `fit(X, y, sample_weight=)` and `predict_proba`, shown context and
            action features; by default its logistic regression, which is also shown their products.
        seed: Of draws and folds.

    Raises:
        InputError: Another shape, an unusable value, a table beyond memory, a classifier that is certain.

    Examples:
        >>> action, policy = np.array([0, 1, 0, 1]), np.full((4, 2), 0.5)
        >>> estimated_action_weight(context=np.zeros((4, 1)), action=action, target_policy=policy).round(2).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    target = distributions("target_policy", target_policy)
    n, actions = target.shape
    action = whole_numbers("action", action, n, actions)
    context = matrix("context", context, n)
    described = np.eye(actions) if action_context is None else matrix("action_context", action_context, actions, "e")
    row, taken, mass = _target_rows(target, draws, seed)
    cells = (n + len(row)) * _columns(context.shape[1], described.shape[1], classifier is None)
    if cells > LARGEST:
        raise InputError(
            f"the classifier would need a table of {cells:,} cells, at most {LARGEST:,} are made; "
            "state draws, or fewer columns in action_context"
        )
    logged = _features(context, described[action], classifier is None)
    shown = _features(context[row], described[taken], classifier is None)
    users = np.arange(n) if user is None else whole_numbers("user", user, n)
    fold = np.zeros(n, dtype=np.int64) if folds == 1 else user_folds(users, folds=folds, seed=seed)
    weight = np.empty(n)
    for each in range(folds):
        inside, outside = (fold != each, fold == each) if folds > 1 else (fold == 0, fold == 0)
        keep = inside[row]
        model = _fitted(logged[inside], shown[keep], mass[keep], classifier)
        weight[outside] = _odds(model, logged[outside], np.flatnonzero(outside))
    return weight


def _target_rows(target: Floats, draws: int | None, seed: int) -> tuple[Int64s, Int64s, Floats]:
    """Rounds, actions and weights of the pairs of class 1; the weights of each round sum to 1."""
    if draws is None:
        row, taken = np.nonzero(target)
        return row, taken, target[row, taken]
    if draws < 1:
        raise InputError(f"draws is {draws}; must be at least 1")
    n = len(target)
    uniform = keyed.uniforms(seed, keyed.Stream.DRAWN_ACTIONS, np.arange(n)[:, None], np.arange(draws)[None, :])
    steps = np.cumsum(target, axis=1)
    # scaled to the row's own sum, a draw never lands on an action of probability 0
    taken = (steps[:, None, :] <= (uniform * steps[:, -1:])[:, :, None]).sum(axis=2)
    return np.repeat(np.arange(n), draws), taken.ravel(), np.full(n * draws, 1.0 / draws)


def _columns(d: int, e: int, products: bool) -> int:
    return d + e + d * e if products else d + e


def _features(context: Floats, described: Floats, products: bool) -> Floats:
    parts = [context, described]
    if products:
        parts.append((context[:, :, None] * described[:, None, :]).reshape(len(context), -1))
    return np.hstack(parts)


def _fitted(logged: Floats, shown: Floats, mass: Floats, classifier: Any) -> Any:
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000) if classifier is None else clone(classifier)
    classes = np.repeat([0, 1], [len(logged), len(shown)])
    model.fit(np.vstack([logged, shown]), classes, sample_weight=np.concatenate([np.ones(len(logged)), mass]))
    return model


def _odds(model: Any, logged: Floats, rounds: Int64s) -> Floats:
    probability = np.asarray(model.predict_proba(logged), dtype=np.float64)
    if not (probability[:, 0] > 0).all():
        at = int(rounds[np.argmin(probability[:, 0] > 0)])
        raise InputError(
            f"the classifier is certain that round {at} is not logged: its weight is infinite; use a smoother one"
        )
    return np.asarray(probability[:, 1] / probability[:, 0])
