"""Which item space to believe in: the one whose vectors foretell held-out choices best."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from driftline.agents.click_model import choice_log_likelihood, fit_choice_weights
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int8s, Int32s, Int64s

SHRINK = 3.0
"""Choices' worth of "no interest" in a user's mean."""
HELD_OUT = 0.5
"""The last share of the log, on which the spaces are judged."""


@dataclass(frozen=True, slots=True)
class SpaceChoice:
    """The chosen space, and what each would have scored."""

    name: str
    log_likelihood: dict[str, float]
    """Mean log-probability of the held-out choices, nats a visit, by space."""


def choose_space(
    spaces: Mapping[str, Float32s],
    user_rows: Int64s,
    items: Int32s,
    choice: Int8s,
    position_log_weight: Floats,
    ridge: float = 10.0,
) -> SpaceChoice:
    """The space with the highest held-out next-choice log-likelihood; the first named wins a tie.

    spaces: vectors [items of the catalogue, d] by name. The log is sorted by time: user_rows [n] (0..),
    items [n, L], choice [n] (`L` for nothing). Each user's interest at a visit is the shrunken mean of (taken
    minus slate mean) over that user's earlier visits; its weight is fitted on the first half of the log and
    judged on the rest. A space learned from clicks (matrix factors) must be fitted on the first half only.
    """
    if not spaces:
        raise ValueError("no item space to choose from")
    cut = round(len(choice) * (1.0 - HELD_OUT))
    scores: dict[str, float] = {}
    for name, vectors in spaces.items():
        x = foretold(vectors, user_rows, items, choice)[:, :, None]
        model = fit_choice_weights(x[:cut], position_log_weight, choice[:cut], ridge, np.zeros(1))
        scores[name] = choice_log_likelihood(x[cut:], choice[cut:], model)
    return SpaceChoice(max(scores, key=lambda name: scores[name]), scores)


def foretold(vectors: Float32s, user_rows: Int64s, items: Int32s, choice: Int8s) -> Floats:
    """Interest of each user in each item shown [n, L], by what that user took earlier in the log."""
    n_users = int(user_rows.max()) + 1 if len(user_rows) else 0
    return _foretold(np.ascontiguousarray(vectors, dtype=np.float64), user_rows, items, choice, n_users, SHRINK)


@kernel
def _foretold(vectors: Floats, user: Int64s, items: Int32s, choice: Int8s, n_users: int, shrink: float) -> Floats:
    n, length = items.shape
    dim = vectors.shape[1]
    total = np.zeros((n_users, dim))
    taken = np.zeros(n_users)
    out = np.zeros((n, length))
    for i in range(n):
        u = user[i]
        for k in range(length):
            for d in range(dim):
                out[i, k] += total[u, d] * vectors[items[i, k], d]
            out[i, k] /= taken[u] + shrink
        if choice[i] < length:
            taken[u] += 1.0
            for d in range(dim):
                mean = 0.0
                for k in range(length):
                    mean += vectors[items[i, k], d]
                total[u, d] += vectors[items[i, choice[i]], d] - mean / length
    return out
