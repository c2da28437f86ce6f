"""A two-state decision process whose trajectories are all enumerated, with probabilities in 4096ths or finer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.sim.types import Floats

HORIZON = 3
GAMMA = 0.9
START = np.array([0.25, 0.75])
LOGGING = np.array([[0.5, 0.5], [0.25, 0.75]])
"""p(action | state)."""
TARGET = np.array([[0.125, 0.875], [0.8, 0.2]])
MOVE = np.array([[[0.75, 0.25], [0.25, 0.75]], [[0.5, 0.25], [0.25, 0.25]]])
"""p(next state | state, action); what is missing to 1 ends the trajectory."""
REWARD = np.array([[1.0, -0.5], [0.3, 2.0]])
"""Of (state, action)."""


@dataclass(frozen=True)
class Chain:
    states: tuple[int, ...]
    actions: tuple[int, ...]
    logged: float
    """Probability of the whole trajectory under the logging policy."""
    target: float


def chains() -> list[Chain]:
    """All trajectories of at most `HORIZON` steps."""
    done: list[Chain] = []
    open_ = [((s,), (), START[s], START[s]) for s in (0, 1)]
    for t in range(HORIZON):
        after = []
        for states, actions, logged, target in open_:
            s = states[-1]
            for a in (0, 1):
                p, q = logged * LOGGING[s, a], target * TARGET[s, a]
                ends = 1.0 - MOVE[s, a].sum() if t + 1 < HORIZON else 1.0
                if ends > 0:
                    done.append(Chain(states, (*actions, a), float(p * ends), float(q * ends)))
                if t + 1 < HORIZON:
                    after += [((*states, x), (*actions, a), p * MOVE[s, a, x], q * MOVE[s, a, x]) for x in (0, 1)]
        open_ = after  # type: ignore[assignment]
    return done


def rows(log: list[Chain]) -> dict[str, Any]:
    """One row per step: the columns that the estimators take, and `state`, `action` beside."""
    steps = [(i, t, one.states[t], one.actions[t]) for i, one in enumerate(log) for t in range(len(one.states))]
    trajectory, step, state, action = np.array(steps).T
    return {
        "trajectory": trajectory,
        "step": step,
        "state": state,
        "action": action,
        "reward": REWARD[state, action],
        "pscore": LOGGING[state, action],
        "target_pscore": TARGET[state, action],
    }


def arguments(columns: dict[str, Any], *more: str) -> dict[str, Any]:
    names = ("trajectory", "step", "reward", "pscore", "target_pscore", *more)
    return {name: columns[name] for name in names}


def values() -> tuple[Floats, Floats]:
    """q(t, s, a) and v(t, s) of the target policy, exactly, by dynamic programming."""
    q, v = np.zeros((HORIZON, 2, 2)), np.zeros((HORIZON + 1, 2))
    for t in range(HORIZON - 1, -1, -1):
        q[t] = REWARD + GAMMA * (MOVE @ v[t + 1])
        v[t] = (TARGET * q[t]).sum(axis=1)
    return q, v[:HORIZON]


def truth() -> float:
    return float(START @ values()[1][0])


def sample(n: int, seed: int) -> list[Chain]:
    every = chains()
    chance = np.array([one.logged for one in every])
    return [every[k] for k in np.random.default_rng(seed).choice(len(every), n, p=chance / chance.sum())]


def in_proportion() -> list[Chain]:
    """A log in which every trajectory appears exactly as often as it should."""
    every = chains()
    counts = np.array([one.logged for one in every]) * 4**7
    assert np.allclose(counts, counts.round(), atol=1e-9)
    return [one for one, count in zip(every, counts.round().astype(int), strict=True) for _ in range(count)]
