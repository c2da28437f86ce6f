"""What can be wrong with slates, in words."""

import numpy as np

from driftline.sim.types import Observation, Slates

SLACK = 1e-9
"""Allowed, relative, in sums of log-probabilities."""


def slate_fault(observation: Observation, slates: Slates, length: int) -> str | None:
    """What is wrong with slates for an observation, None if nothing: `[n, length]` wanted."""
    if not isinstance(slates, Slates):
        return f"act returned {type(slates).__name__}; must be Slates"
    n = len(observation)
    for name, shape in (("items", (n, length)), ("log_p", (n,)), ("log_p_cascade", (n, length))):
        if np.shape(getattr(slates, name)) != shape:
            return f"Slates.{name} has shape {list(np.shape(getattr(slates, name)))}; must be {list(shape)}"
    if slates.items.dtype != np.int32:
        return f"Slates.items is {slates.items.dtype}; must be int32"
    pool = np.broadcast_to(observation.candidates, (n, observation.candidates.shape[-1]))
    for row in range(n):
        where = f"user {observation.user[row]}, visit {observation.visit[row]}"
        items = slates.items[row]
        if len(np.unique(items)) < length:
            return f"{where}: the slate {items.tolist()} holds an item twice"
        if not np.isin(items, pool[row]).all():
            return f"{where}: item {items[~np.isin(items, pool[row])][0]} is not among the candidates"
        whole, parts = float(slates.log_p[row]), slates.log_p_cascade[row]
        if not (np.isfinite(parts).all() and (parts <= SLACK).all() and np.isfinite(whole)):
            return f"{where}: log-probabilities must be finite and <= 0"
        if abs(float(parts.sum()) - whole) > SLACK * (1.0 + abs(whole)):
            return f"{where}: log_p = {whole:g} is not the sum of log_p_cascade, {float(parts.sum()):g}"
    return None
