"""A log as vectors, checked: one action taken and one reward seen in each round."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import polars as pl

from driftline.evaluation.arrays import probabilities, propensities, vector, whole_numbers
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, eq=False, kw_only=True)
class Rounds:
    """A log of n rounds: one action taken, one reward seen in each. Arrays are [n]; None where not known.

    Everything is checked when the record is made; `InputError` names the array, the row, the value and the bound.
    Rounds are in the order of time (only the anytime-valid interval depends on it).
    """

    reward: Floats
    """What the logged action earned; finite."""
    pscore: Floats | None = None
    """Probability with which the logging policy took the logged action, in (0, 1]."""
    target_pscore: Floats | None = None
    """Probability with which the target policy takes the logged action in that context, in [0, 1]."""
    q_action: Floats | None = None
    """Reward model's prediction for the logged action, q(x_i, a_i)."""
    q_expected: Floats | None = None
    """Its expectation under the target policy, sum_a pi_e(a | x_i) q(x_i, a)."""
    embedding_weight: Floats | None = None
    """Marginal weight of the logged action's embedding, p(e_i | x_i, pi_e) / p(e_i | x_i, pi_b), at least 0."""
    unsupported: Floats | None = None
    """Probability with which the target policy takes actions that the logging policy never takes, in [0, 1]."""
    action: Int64s | None = None
    """Which action was taken; only to tell a log with a single one."""
    cluster: Int64s | None = None
    """Whose round it is (user); rounds of one cluster are not independent."""
    slate: Int64s | None = None
    """Which slate the round belongs to; with `position` each pair may occur once."""
    position: Int64s | None = None
    """Position in the slate."""

    def __post_init__(self) -> None:
        checked: dict[str, Floats | None] = {"reward": vector("reward", self.reward)}
        n = len(self.reward)
        if self.pscore is not None:
            checked["pscore"] = propensities("pscore", self.pscore, (n,))
        for name in ("target_pscore", "unsupported"):
            values = getattr(self, name)
            checked[name] = None if values is None else probabilities(name, values, (n,))
        for name in ("q_action", "q_expected"):
            values = getattr(self, name)
            checked[name] = None if values is None else vector(name, values, n)
        if self.embedding_weight is not None:
            checked["embedding_weight"] = vector("embedding_weight", self.embedding_weight, n, 0.0)
        for name, array in checked.items():
            object.__setattr__(self, name, array)
        for name in ("action", "cluster", "slate", "position"):
            values = getattr(self, name)
            object.__setattr__(self, name, None if values is None else whole_numbers(name, values, n))
        if self.slate is not None and self.position is not None:
            _no_repeats(self.slate, self.position)

    def __len__(self) -> int:
        return len(self.reward)

    def need(self, name: str, method: str) -> Floats:
        """A vector that a method cannot do without."""
        values: Floats | None = getattr(self, name)
        if values is None:
            known = [field.name for field in fields(self) if getattr(self, field.name) is not None]
            raise InputError(f"{method} needs {name}, which was not given; given: {', '.join(known)}")
        return values

    @cached_property
    def weight(self) -> Floats:
        """Importance weights pi_e(a_i | x_i) / pi_b(a_i | x_i) [n]; an error where all are 0."""
        weight = np.divide(self.need("target_pscore", "weighting"), self.need("pscore", "weighting"))
        if not weight.any():
            raise InputError(
                f"target_pscore is 0 in all {len(self):,} rounds: the target policy takes no logged action, "
                "so this log says nothing about it"
            )
        return weight

    @cached_property
    def weighted_reward(self) -> Floats:
        """Weight times reward [n]."""
        return self.weight * self.reward

    @cached_property
    def residual(self) -> Floats:
        """What the reward model missed, reward - q_action [n]."""
        return self.reward - self.need("q_action", "a residual")

    @cached_property
    def weighted_residual(self) -> Floats:
        """Weight times residual [n]."""
        return self.weight * self.residual


def _no_repeats(slate: Int64s, position: Int64s) -> None:
    """No slate may hold two rounds at one position."""
    order = np.lexsort((position, slate))
    again = (np.diff(slate[order]) == 0) & (np.diff(position[order]) == 0)
    if again.any():
        at = int(np.flatnonzero(again)[0])
        first, second = sorted((int(order[at]), int(order[at + 1])))
        raise InputError(
            f"position[{second}] is {position[second]} in slate {slate[second]}, as is position[{first}]; "
            "a slate has at most one round at a position"
        )


NAMES = tuple(field.name for field in fields(Rounds))
IDENTITIES = ("action", "cluster", "slate")
"""Columns of which only sameness counts; they may hold text."""


def rounds_from_frame(frame: pl.DataFrame, columns: Mapping[str, str]) -> Rounds:
    """The log in a frame, one row a round.

    columns: the frame's column for each vector of `Rounds`, such as `{"reward": "clicked", "cluster": "user"}`.
    `InputError` for a vector that does not exist, a column that is not there, and missing values.

    Examples:
        >>> frame = pl.DataFrame({"clicked": [1, 0], "p": [0.5, 0.25], "user": ["ann", "bob"]})
        >>> log = rounds_from_frame(frame, {"reward": "clicked", "pscore": "p", "cluster": "user"})
        >>> log.reward.tolist(), log.cluster.tolist()
        ([1.0, 0.0], [0, 1])
    """
    for name in columns:
        if name not in NAMES:
            raise InputError(f"columns: {name!r} is no vector of a log; {hint(name, NAMES)}")
    if "reward" not in columns:
        raise InputError("columns: reward is not given; a log needs it")
    arrays = {name: _column(frame, name, column) for name, column in columns.items()}
    return Rounds(**arrays)  # type: ignore[arg-type]


def _column(frame: pl.DataFrame, name: str, column: str) -> Floats | Int64s:
    if column not in frame.columns:
        raise InputError(f"{name}: the frame has no column {column!r}; {hint(column, frame.columns)}")
    values = frame.get_column(column)
    if values.null_count():
        at = int(values.is_null().arg_max() or 0)
        raise InputError(f"{name}: column {column!r} has no value in row {at}")
    if name in IDENTITIES and not values.dtype.is_integer():
        return values.rank("dense").to_numpy().astype(np.int64) - 1
    if name not in (*IDENTITIES, "position") and not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        raise InputError(f"{name}: column {column!r} must hold numbers, got {values.dtype}")
    return values.to_numpy()
