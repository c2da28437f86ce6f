"""Open Bandit Pipeline's logs: `BanditFeedback` and slate dictionaries, both ways, without depending on obp.

Keys and shapes are those of obp 0.5.7 and sb-obp 0.5.10 (`obp/dataset/synthetic.py`, `synthetic_slate.py`). Arrays
keep their values and types. A key that the dictionary lacks, or that is None there, is None here and comes back as
None; a key that Open Bandit Pipeline does not have is refused rather than lost.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.slate_off_policy.slate_log import SlateLog, slates_from_rows
from driftline.sim.errors import InputError, hint

Array = NDArray[Any]
Feedback = dict[str, Any]
SLATE_KEYS = (
    "n_rounds",
    "n_unique_action",
    "slate_id",
    "context",
    "action_context",
    "action",
    "position",
    "reward",
    "expected_reward_factual",
    "pscore_cascade",
    "pscore",
    "pscore_item_position",
)


@dataclass(frozen=True, slots=True)
class ObpRounds:
    """Logged single actions; None: not known. `action`, `reward`, `pscore`, `position` are the off-policy arguments."""

    n_actions: int
    action: Array
    """[n], 0 to n_actions - 1."""
    reward: Array
    """[n]."""
    pscore: Array | None = None
    """The logging policy's probability of the logged action [n]."""
    position: Array | None = None
    """[n]."""
    context: Array | None = None
    """[n, d]."""
    action_context: Array | None = None
    """[n_actions, d]."""
    expected_reward: Array | None = None
    """[n, n_actions]; known in simulations only."""
    pi_b: Array | None = None
    """The logging policy [n, n_actions, 1]."""

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True, slots=True)
class ObpSlates:
    """Logged slates and what Open Bandit Pipeline says about them beside; context rows follow ascending slate ids."""

    slates: SlateLog
    n_unique_action: int
    context: Array | None = None
    """[n slates, d]."""
    action_context: Array | None = None
    """[n_unique_action, d]."""
    expected_reward_factual: Array | None = None
    """[n slates, L]; known in simulations only."""


def from_obp(feedback: Mapping[str, Any]) -> ObpRounds:
    """A `BanditFeedback` dictionary as a log.

    Needs `n_actions`, `action` and `reward`; `n_rounds` must be their length.
    """
    names = [field.name for field in fields(ObpRounds)]
    _known(feedback, ["n_rounds", *names], ["n_actions", "action", "reward"])
    found = {name: _array(feedback[name]) for name in names if name != "n_actions" and feedback.get(name) is not None}
    log = ObpRounds(n_actions=int(feedback["n_actions"]), **found)
    _same_rows(log, feedback.get("n_rounds"))
    return log


def to_obp(log: ObpRounds) -> Feedback:
    """A log as a `BanditFeedback` dictionary with exactly Open Bandit Pipeline's ten keys."""
    _same_rows(log, None)
    return {
        "n_rounds": len(log),
        "n_actions": log.n_actions,
        "context": log.context,
        "action_context": log.action_context,
        "action": log.action,
        "position": log.position,
        "reward": log.reward,
        "expected_reward": log.expected_reward,
        "pi_b": log.pi_b,
        "pscore": log.pscore,
    }


def from_obp_slate(
    feedback: Mapping[str, Any],
    *,
    target_pscore: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    target_pscore_cascade: ArrayLike | None = None,
) -> ObpSlates:
    """A slate dictionary (one row per slate position, any order) as arrays [n slates, L], fully checked.

    Needs `slate_id`, `position`, `reward`, `action` and `n_unique_action`. Slates are sorted by id, positions within.
    The target policy's propensities, Open Bandit Pipeline's `evaluation_policy_pscore*`, come in the same rows.
    """
    _known(feedback, SLATE_KEYS, ["n_unique_action", "slate_id", "position", "reward", "action"])
    given: dict[str, Any] = {key: feedback.get(key) for key in SLATE_KEYS}
    slates = slates_from_rows(
        slate_id=given["slate_id"],
        position=given["position"],
        reward=given["reward"],
        action=given["action"],
        pscore=given["pscore"],
        pscore_item_position=given["pscore_item_position"],
        pscore_cascade=given["pscore_cascade"],
        target_pscore=target_pscore,
        target_pscore_item_position=target_pscore_item_position,
        target_pscore_cascade=target_pscore_cascade,
    )
    expected = given["expected_reward_factual"]
    if expected is not None:
        place = slates_from_rows(slate_id=given["slate_id"], position=given["position"], reward=expected)
        expected = place.reward
    for name, value in (("n_rounds", given["n_rounds"]), ("context", given["context"])):
        rows = value if value is None or name == "n_rounds" else len(value)
        if rows is not None and rows != len(slates):
            raise InputError(f"{name} says {rows} slates, slate_id has {len(slates)}")
    return ObpSlates(
        slates, int(feedback["n_unique_action"]), _array(given["context"]), _array(given["action_context"]), expected
    )


def to_obp_slate(log: ObpSlates) -> Feedback:
    """Slates as Open Bandit Pipeline's dictionary with exactly its twelve keys, rows sorted by slate and position.

    Target propensities have no place in it: its estimators take them as separate arguments.
    """
    slates = log.slates
    if slates.action is None:
        raise InputError("action is not known: Open Bandit Pipeline's slates need it")
    n, length = slates.reward.shape
    return {
        "n_rounds": n,
        "n_unique_action": log.n_unique_action,
        "slate_id": np.repeat(slates.slate_id, length),
        "context": log.context,
        "action_context": log.action_context,
        "action": slates.action.ravel(),
        "position": np.tile(np.arange(length), n),
        "reward": slates.reward.ravel(),
        "expected_reward_factual": _flat(log.expected_reward_factual),
        "pscore_cascade": _flat(slates.pscore_cascade),
        "pscore": None if slates.pscore is None else np.repeat(slates.pscore, length),
        "pscore_item_position": _flat(slates.pscore_item_position),
    }


def _known(feedback: Mapping[str, Any], keys: Collection[str], needed: list[str]) -> None:
    for key in feedback:
        if key not in keys:
            raise InputError(f"unknown key {key!r}: {hint(str(key), keys)}")
    for key in needed:
        if feedback.get(key) is None:
            raise InputError(f"key {key!r} is missing: {hint(key, feedback)}")


def _same_rows(log: ObpRounds, rounds: Any) -> None:
    n = len(log)
    if rounds is not None and int(rounds) != n:
        raise InputError(f"n_rounds is {rounds}, action has {n} rows")
    for name in ("reward", "pscore", "position", "context", "expected_reward", "pi_b"):
        column = getattr(log, name)
        if column is not None and len(column) != n:
            raise InputError(f"{name} has {len(column)} rows, action has {n}")
    if n and not 0 <= int(log.action.min()) <= int(log.action.max()) < log.n_actions:
        row = int(np.argmax((log.action < 0) | (log.action >= log.n_actions)))
        raise InputError(f"action of row {row} is {log.action[row]}; it must lie between 0 and {log.n_actions - 1}")


def _array(values: Any) -> Any:
    return None if values is None else np.asarray(values)


def _flat(table: Array | None) -> Array | None:
    return None if table is None else table.ravel()
