"""A cross-fitted reward model from the log's own context columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.evaluation.off_policy.rounds import one_of
from driftline.evaluation.reward_model import cross_fitted
from driftline.scenarios.own_log.cells import codes, labels, numbers
from driftline.scenarios.own_log.target import Target
from driftline.sim.data.tables import TEXT, Table
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

MODELS = ("auto", "ridge", "logistic", "hist_gradient_boosting", "none")
MOST_TEXTS = 50
"""Different texts that a context column may hold: each becomes a column of 0 and 1."""
MOST_ACTIONS = 200
FOLDS = 3


@dataclass(frozen=True, slots=True)
class Modelled:
    """Predictions [n], or null with the reason; the rest is for the reader."""

    q_action: Floats | None
    q_expected: Floats | None
    told: str
    warnings: tuple[str, ...] = ()


def checked_model(log: Table, model: str, context: Sequence[str], reward: str | None) -> None:
    """`InputError` for a model or a context column that does not exist, and for the reward among the context."""
    one_of("reward_model", model, MODELS)
    if reward in context:
        raise InputError(f"context: column {reward!r} is the reward, which a model must not be told")
    for column in context:
        if column not in log.frame.columns:
            raise InputError(f"{log.path} has no column {column!r} (context); {hint(column, log.frame.columns)}")


def modelled(
    log: Table, model: str, context: Sequence[str], reward: Floats, target: Target, user: Int64s | None, seed: int
) -> Modelled:
    """q(x, a) by folds of whole users (rows where there are none), at the logged action and under the target policy.

    model: `auto` is logistic for rewards of 0 and 1, else ridge, and steps back where it cannot be fitted. Features:
    context columns (numbers standardised, texts one column each) beside one column an action.

    Raises:
        InputError: a model is asked for by name and cannot be fitted; an unusable context column.
    """
    if model == "none":
        return Modelled(None, None, "none was asked for")
    why = _hindrance(target, user, len(reward))
    if why:
        if model != "auto":
            raise InputError(f"reward_model {model!r} cannot be fitted: {why}")
        return Modelled(None, None, f"not fitted: {why}")
    assert target.matrix is not None
    assert target.action is not None
    binary = bool(np.isin(reward, (0.0, 1.0)).all()) and np.ptp(reward) > 0
    name = ("logistic" if binary else "ridge") if model == "auto" else model
    found = cross_fitted(
        reward=reward,
        action=target.action,
        context=features(log, context),
        user=np.arange(len(reward)) if user is None else user,
        n_actions=target.matrix.shape[1],
        target_policy=target.matrix,
        model=name,  # type: ignore[arg-type]  # checked against MODELS
        folds=FOLDS,
        seed=seed,
    )
    of = f"on {', '.join(context)} and the action" if context else "on the action alone (no context columns stated)"
    told = f"{name}, {of}; {FOLDS} folds of {'rows' if user is None else 'users'}"
    return Modelled(found.q_action, found.q_expected, told, tuple(f"reward model: {each}" for each in found.warnings))


def features(log: Table, context: Sequence[str]) -> Floats:
    """Context columns as numbers [n, d]."""
    parts = [_feature(log, column) for column in context]
    return np.hstack(parts) if parts else np.empty((len(log), 0))


def _feature(log: Table, column: str) -> Floats:
    cells = log.frame[column]
    if cells.dtype not in TEXT:
        values = numbers(log, "context", column)
        spread = float(values.std())
        return np.asarray(((values - values.mean()) / (spread if spread > 0 else 1.0))[:, None])
    places, distinct = codes(labels(log, "context", column).cast(pl.String))
    if len(distinct) > MOST_TEXTS:
        raise InputError(
            f"{log.path}: column {column!r} (context) holds {len(distinct):,} different texts; at most {MOST_TEXTS} "
            "are told apart: group them, or leave the column out"
        )
    return np.asarray(np.eye(len(distinct))[places])


def _hindrance(target: Target, user: Int64s | None, rows: int) -> str:
    if target.matrix is None:
        return "the policy gave the logged action's probability alone; a model needs that of every action"
    if target.matrix.shape[1] > MOST_ACTIONS:
        return f"{target.matrix.shape[1]:,} actions; at most {MOST_ACTIONS} are told apart"
    units = rows if user is None else len(np.unique(user))
    if units < FOLDS:
        return f"{units} {'rows' if user is None else 'users'} for {FOLDS} folds"
    return ""
