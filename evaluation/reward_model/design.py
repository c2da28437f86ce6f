"""Features of a round and an action: the context beside a description of the action."""

from dataclasses import dataclass

import numpy as np

from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ONE_HOT_LIMIT = 200
"""More actions than this need `action_context`: one column each would not fit."""


@dataclass(frozen=True, slots=True)
class Design:
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


def design(context: Floats, n: int, n_actions: int, action_context: Floats | None) -> Design:
    """Checks the shapes; without `action_context` [A, e] actions are told apart by one column each."""
    found = np.asarray(context, dtype=np.float64)
    if found.ndim != 2 or len(found) != n:
        raise InputError(f"context has shape {found.shape}; ({n}, d) is needed, one row a round")
    _finite("context", found)
    if action_context is None:
        if n_actions > ONE_HOT_LIMIT:
            raise InputError(f"{n_actions} actions without action_context; one column each is kept to {ONE_HOT_LIMIT}")
        return Design(found, np.eye(n_actions))
    described = np.asarray(action_context, dtype=np.float64)
    if described.ndim != 2 or len(described) != n_actions:
        raise InputError(f"action_context has shape {described.shape}; ({n_actions}, e) is needed, one row an action")
    _finite("action_context", described)
    return Design(found, described)


def _finite(name: str, values: Floats) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, at = bad[0]
        raise InputError(f"{name}[{row}, {at}] is {values[row, at]}; must be finite ({len(bad)} such values)")
