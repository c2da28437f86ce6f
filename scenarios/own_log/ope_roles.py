"""The roles that columns of a log of decisions may play, and the log with its columns in their roles."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.scenarios.own_log.cells import codes, labels, numbers, times, within
from driftline.scenarios.own_log.columns import needed
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

KINDS = ("pscore", "pscore_item_position", "pscore_cascade")
"""Propensities that a log may hold; only `pscore` where rows are single decisions."""
ROLES = {
    "reward": "what the row's action earned",
    "action": "which action was taken (item, arm, treatment)",
    "pscore": "the probability with which the logging policy took what was logged",
    "pscore_item_position": "in slates, the probability of this item at this position",
    "pscore_cascade": "in slates, the probability of the items from the first position down to this one together",
    "target_pscore": "the target policy's probability of what was logged, in place of a policy",
    "target_pscore_item_position": "in slates, the target policy's probability of this item at this position",
    "target_pscore_cascade": "in slates, the target policy's probability of the items down to this one together",
    "q_action": "a reward model's prediction for the logged action",
    "q_expected": "a reward model's mean prediction under the target policy",
    "user": "whose row it is; rows of one user are not independent",
    "slate": "which slate (request) the row belongs to",
    "position": "the row's position in its slate",
    "time": "when it happened",
}
BY_NAME = ("reward", "action", *KINDS, *(f"target_{kind}" for kind in KINDS))
"""Roles taken from a column of their own name."""
PROBABILITY = "must be above 0 and at most 1, since it was logged"


@dataclass(frozen=True, slots=True)
class Decisions:
    """A log of decisions, checked; arrays are [n], in the order of the file. Null: not in the log."""

    log: Table
    columns: Mapping[str, str]
    reward: Floats
    pscore: Mapping[str, Floats]
    """By kind."""
    action: pl.Series | None
    user: Int64s | None
    slate: pl.Series | None
    position: Int64s | None
    """From 0, in the order of the logged positions."""
    time: Floats | None
    unit: str
    """Of time."""

    def __len__(self) -> int:
        return len(self.log)

    def order(self) -> Int64s:
        """Rows in the order of time, or of the file where there is no time."""
        return np.arange(len(self)) if self.time is None else np.argsort(self.time, kind="stable")


def decisions(log: Table, columns: Mapping[str, str]) -> Decisions:
    """The log with its columns in their roles.

    Raises:
        InputError: no propensities, an unusable value, a propensity outside (0, 1], a slate without positions.
    """
    needed(log, columns, ROLES, ("reward",))
    kinds = [kind for kind in KINDS if kind in columns]
    if not kinds:
        raise InputError(
            f"{log.path}: pscore is missing, {ROLES['pscore']}; without it the log cannot say what another policy "
            f"would have earned. State --columns pscore=COLUMN (there are: {', '.join(log.frame.columns[:20])})"
        )
    slates = "slate" in columns
    if slates:
        needed(log, columns, ROLES, ("position",))
    if not slates and kinds != ["pscore"]:
        raise InputError(
            f"{log.path}: {kinds[-1]} belongs to slates; state slate=COLUMN and position=COLUMN, or pscore"
        )
    time, unit = times(log, "time", columns["time"]) if "time" in columns else (None, "")
    return Decisions(
        log=log,
        columns=columns,
        reward=numbers(log, "reward", columns["reward"]),
        pscore={kind: propensities(log, kind, columns[kind]) for kind in kinds},
        action=labels(log, "action", columns["action"]) if "action" in columns else None,
        user=codes(labels(log, "user", columns["user"]))[0] if "user" in columns else None,
        slate=labels(log, "slate", columns["slate"]) if slates else None,
        position=_positions(log, columns["position"]) if slates else None,
        time=time,
        unit=unit,
    )


def propensities(log: Table, role: str, column: str) -> Floats:
    """Probabilities of what was logged, in (0, 1]."""
    values = numbers(log, role, column)
    percent = values.max() > 1.0 and values.max() <= 100.0 and bool((values > 0.0).all())
    bound = f"{PROBABILITY} (percentages must be divided by 100)" if percent else PROBABILITY
    return within(log, role, column, 0.0, 1.0, bound, open_low=True)


def _positions(log: Table, column: str) -> Int64s:
    """Positions counted from 0 in the order of those that the log holds: 1, 2, 3 are 0, 1, 2."""
    return codes(pl.Series(numbers(log, "position", column)))[0]
