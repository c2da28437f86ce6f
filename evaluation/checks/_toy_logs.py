"""Logs made up for estimators: a few rows of each kind of log, one of the target's own, and all logs of a small world.

A log is its columns, by the names of the estimators' arguments; numbers among them are options, such as a discount.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from driftline.sim.types import Floats, Int64s

Columns = Mapping[str, Any]
Chance = float
ROWS = 60
SHIFT, SCALE = -1.75, 2.5


@dataclass(frozen=True, slots=True)
class ToyLogs:
    """What estimators of one kind of log are asked about."""

    logs: Sequence[Columns]
    """Logs of `ROWS` rows and two policies; the first that an estimator takes is its own."""
    own: Sequence[tuple[Columns, float]]
    """Logs of the target policy itself, with models that say the mean of everything; and their mean rewards."""
    worlds: Mapping[str, Callable[[float, float], tuple[Iterator[tuple[Chance, Columns]], float]]]
    """By name: (scale, shift) -> every log of a small world with its probability, and the target policy's value."""
    later: Callable[[Columns, str], Floats | float]
    """How many rewards of 1 a column's values hold, where all are: 1 of a reward, more of what predicts later ones."""
    whole: float = 1.0
    """The value where every reward is 1."""

    def moved(self, log: Columns, shift: float) -> Columns:
        """The same log with rewards of shift + SCALE r, and predictions to match."""
        return {
            name: shift * self.later(log, name) + SCALE * values if _in_rewards(name) else values
            for name, values in log.items()
        }


def _in_rewards(name: str) -> bool:
    return name == "reward" or name.startswith("q_")


def _one(log: Columns, name: str) -> float:  # noqa: ARG001  all of a kind are called alike
    return 1.0


def _random(seed: int, n: int, *more: int) -> Iterator[Floats]:
    """Endless tables of numbers in [0.2, 1)."""
    rng = np.random.default_rng(seed)
    while True:
        yield rng.uniform(0.2, 1.0, (n, *more))


# -- single actions ------------------------------------------------------------------------------------------------


LOGGING = np.array([[0.7, 0.3], [0.4, 0.6]])
TARGET = np.array([[0.2, 0.8], [0.9, 0.1]])
CHANCE = np.array([[0.3, 0.6], [0.5, 0.2]])
"""Of a reward, by context and action."""
MODEL = np.array([[0.5, 0.1], [0.2, 0.9]])
"""A wrong model, which was not fitted on these rounds."""


def single_actions() -> ToyLogs:
    """Every vector of `Rounds`; an action's embedding is the action itself."""
    draw = _random(0, ROWS)
    reward, pscore, target, q_action, q_expected = (next(draw) for _ in range(5))
    log = _single(reward, pscore, target, q_action, q_expected)
    certain = _single(reward, pscore, (target > 0.5).astype(np.float64), q_action, q_expected)
    mean, ones = float(reward.mean()), np.ones(ROWS)
    own = [(_single(reward, each, each, mean * ones, mean * ones), mean) for each in (pscore, ones)]
    return ToyLogs((log, certain), own, {"any": _two_rounds}, _one)


def _single(reward: Floats, pscore: Floats, target: Floats, q_action: Floats, q_expected: Floats) -> Columns:
    return {
        "reward": reward,
        "pscore": pscore,
        "target_pscore": target,
        "q_action": q_action,
        "q_expected": q_expected,
        "embedding_weight": target / pscore,
    }


def _two_rounds(scale: float, shift: float) -> tuple[Iterator[tuple[Chance, Columns]], float]:
    """Two contexts, two actions, rewards of 0 and 1 before they are scaled and shifted."""
    model = shift + scale * MODEL

    def logs() -> Iterator[tuple[Chance, Columns]]:
        for log in product(product((0, 1), (0, 1), (0, 1)), repeat=2):
            context, action, won = (np.array(column) for column in zip(*log, strict=True))
            chance = np.where(won == 1, CHANCE[context, action], 1.0 - CHANCE[context, action])
            yield (
                float(np.prod(0.5 * LOGGING[context, action] * chance)),
                _single(
                    np.asarray(shift + scale * won, dtype=np.float64),
                    LOGGING[context, action],
                    TARGET[context, action],
                    model[context, action],
                    (TARGET * model).sum(axis=1)[context],
                ),
            )

    return logs(), shift + scale * float(0.5 * (TARGET * CHANCE).sum())


# -- slates ---------------------------------------------------------------------------------------------------------


LENGTH = 3


def slates() -> ToyLogs:
    """Slates of three positions, with the propensities of every click model."""
    draw = _random(3, ROWS, LENGTH)
    reward, logged, shown, q, v = (next(draw) for _ in range(5))
    mean = np.full((ROWS, LENGTH), float(reward.mean()))
    return ToyLogs(
        logs=[_slates(reward, logged, shown, q, v)],
        own=[(_slates(reward, logged, logged, mean, mean), float(reward.sum(axis=1).mean()))],
        worlds={name: _every_slate(name) for name in ("standard", "cascade", "independent")},
        later=lambda log, name: 1.0 if name == "reward" else np.arange(log[name].shape[1], 0.0, -1.0),
        whole=float(LENGTH),
    )


def _slates(reward: Floats, logged: Floats, shown: Floats, q: Floats, v: Floats) -> Columns:
    """From the probabilities of each item given those above it [n, L]; an item's marginal is taken to be the same."""
    columns: dict[str, Any] = {"reward": reward, "q_hat_factual": q, "q_expected": v}
    for prefix, each in (("", logged), ("target_", shown)):
        cascade = np.cumprod(each, axis=1)
        columns[f"{prefix}pscore"] = cascade[:, -1]
        columns[f"{prefix}pscore_cascade"] = cascade
        columns[f"{prefix}pscore_item_position"] = each
    return columns


FIRST, THEN = np.array([[0.7, 0.3], [0.4, 0.6]]), np.array([[[0.6, 0.4], [0.3, 0.7]], [[0.2, 0.8], [0.75, 0.25]]])
"""Logging and target policy: of the first item, and of the second one after each first."""
REWARDED = np.array([[[0.3, 0.8], [0.6, 0.1]], [[0.5, 0.9], [0.2, 0.4]]])
"""Chance of a reward at positions 0 and 1, by first and second item."""
LEFT = np.array([0.9, 0.4]), np.array([[0.2, 0.7], [0.5, 0.1]])
"""A wrong model of the rewards from each position on."""


def _every_slate(model: str) -> Callable[[float, float], tuple[Iterator[tuple[Chance, Columns]], float]]:
    """Logs of two slates of two items; what a reward depends on is the click model's."""
    # positions are drawn independently where rewards are independent too
    then = np.broadcast_to(THEN[:, :1], THEN.shape) if model == "independent" else THEN
    rewarded = REWARDED.copy()
    if model != "standard":
        rewarded[0] = REWARDED[0, :, :1]
    if model == "independent":
        rewarded[1] = REWARDED[1, :1]

    def world(scale: float, shift: float) -> tuple[Iterator[tuple[Chance, Columns]], float]:
        def logs() -> Iterator[tuple[Chance, Columns]]:
            for log in product(product((0, 1), (0, 1), (0, 1), (0, 1)), repeat=2):
                a, b, *won = (np.array(column) for column in zip(*log, strict=True))
                hit = np.stack(won, axis=1)
                p = rewarded[:, a, b].T
                chance = FIRST[0, a] * then[0, a, b] * np.where(hit == 1, p, 1.0 - p).prod(axis=1)
                yield float(chance.prod()), _two_slates(a, b, shift + scale * hit, then, scale, shift)

        target = FIRST[1][:, None] * then[1]
        return logs(), 2.0 * shift + scale * float((target * rewarded.sum(axis=0)).sum())

    return world


def _two_slates(a: Int64s, b: Int64s, reward: Floats, then: Floats, scale: float, shift: float) -> Columns:
    logged, shown = (np.stack([FIRST[k, a], then[k, a, b]], axis=1) for k in (0, 1))
    q, v = _left(a, b, then, scale, shift)
    columns = dict(_slates(reward, logged, shown, q, v))
    for prefix, k in (("", 0), ("target_", 1)):
        columns[f"{prefix}pscore_item_position"] = np.stack([FIRST[k, a], (FIRST[k] @ then[k])[b]], axis=1)
    return columns


def _left(a: Int64s, b: Int64s, then: Floats, scale: float, shift: float) -> tuple[Floats, Floats]:
    """The model's rewards from each of two steps on [n, 2], and their means under the target policy."""
    first, second = 2.0 * shift + scale * LEFT[0], shift + scale * LEFT[1]
    means = (then[1] * second).sum(axis=1)
    q = np.stack([first[a], second[a, b]], axis=1)
    return q, np.stack([np.full(len(a), FIRST[1] @ first), means[a]], axis=1)


# -- trajectories ---------------------------------------------------------------------------------------------------


STEPS = 3
GAMMA = 0.8


def trajectories() -> ToyLogs:
    """Twenty trajectories of three steps; those of the target's own are of unequal length."""
    draw = _random(5, ROWS)
    reward, logged, shown, q, v = (next(draw) for _ in range(5))
    which, step = np.divmod(np.arange(ROWS), STEPS)
    ragged = step <= which % STEPS
    returns = np.bincount(which[ragged], (GAMMA**step * reward)[ragged])
    mean = np.full(ROWS, float(returns.mean()))
    own = _trajectories(which, step, reward, logged, logged, mean, mean)
    ahead = (1.0 - GAMMA ** np.arange(STEPS + 1.0)) / (1.0 - GAMMA)
    return ToyLogs(
        logs=[_trajectories(which, step, reward, logged, shown, q, v)],
        own=[
            (
                {name: each[ragged] if isinstance(each, np.ndarray) else each for name, each in own.items()},
                float(returns.mean()),
            )
        ],
        worlds={"histories": _every_trajectory},
        later=lambda log, name: 1.0 if name == "reward" else ahead[STEPS - log["step"]],
        whole=float(ahead[STEPS]),
    )


def _trajectories(
    which: Int64s, step: Int64s, reward: Floats, logged: Floats, shown: Floats, q: Floats, v: Floats
) -> Columns:
    return {
        "trajectory": which,
        "step": step,
        "state": (3 * which + step) % 2,
        "reward": reward,
        "pscore": logged,
        "target_pscore": shown,
        "q_action": q,
        "q_expected": v,
        "gamma": GAMMA,
    }


def _every_trajectory(scale: float, shift: float) -> tuple[Iterator[tuple[Chance, Columns]], float]:
    """Logs of two trajectories of two steps, whose second action and reward depend on the first action."""
    rewarded = REWARDED.copy()
    rewarded[0] = REWARDED[0, :, :1]

    def logs() -> Iterator[tuple[Chance, Columns]]:
        which, step = np.divmod(np.arange(4), 2)
        for log in product(product((0, 1), repeat=4), repeat=2):
            a, b, *won = (np.array(column) for column in zip(*log, strict=True))
            hit, p = np.stack(won, axis=1), rewarded[:, a, b].T
            chance = FIRST[0, a] * THEN[0, a, b] * np.where(hit == 1, p, 1.0 - p).prod(axis=1)
            logged, shown = (np.stack([FIRST[k, a], THEN[k, a, b]], axis=1) for k in (0, 1))
            tables = (shift + scale * hit, logged, shown, *_left(a, b, THEN, scale, shift))
            yield float(chance.prod()), _trajectories(which, step, *(each.ravel() for each in tables))

    target = FIRST[1][:, None] * THEN[1]
    steps = (target * rewarded).sum(axis=(1, 2))
    return logs(), float((shift + scale * steps) @ GAMMA ** np.arange(2))


# -- single actions with their times ----------------------------------------------------------------------------------


PERIODS = 6


def times() -> ToyLogs:
    """Six periods of ten rounds; the target's own log is alike in each of them."""
    draw = _random(7, ROWS)
    reward, logged, shown, q, v = (next(draw) for _ in range(5))
    period = np.repeat(np.arange(PERIODS), ROWS // PERIODS)
    options = {"width": 2.5, "half_life": 3.0}
    alike = np.tile(reward[: ROWS // PERIODS], PERIODS)
    mean = np.full(ROWS, float(alike.mean()))
    return ToyLogs(
        logs=[_times(reward, logged, shown, q, v, period, options)],
        own=[(_times(alike, logged, logged, mean, mean, period, options), float(alike.mean()))],
        worlds={"still": _every_time},
        later=_one,
    )


def _times(
    reward: Floats,
    logged: Floats,
    shown: Floats,
    q: Floats,
    v: Floats,
    period: Int64s,
    options: Columns,
) -> Columns:
    return {
        "reward": reward,
        "pscore": logged,
        "target_pscore": shown,
        "q_action": q,
        "q_expected": v,
        "period": period,
        "time": period.astype(np.float64),
        "time_feature": period % 2,
        "target_feature": 1,
        **options,
    }


def _every_time(scale: float, shift: float) -> tuple[Iterator[tuple[Chance, Columns]], float]:
    """Logs of two rounds, one in each of two periods that are alike."""
    options = {"width": 0.5, "half_life": 1.0, "feature_probability": 0.5, "estimator": "dr"}
    model = shift + scale * MODEL[0]

    def logs() -> Iterator[tuple[Chance, Columns]]:
        for log in product(product((0, 1), (0, 1)), repeat=2):
            action, won = (np.array(column) for column in zip(*log, strict=True))
            chance = np.where(won == 1, CHANCE[0, action], 1.0 - CHANCE[0, action])
            expected = np.full(2, TARGET[0] @ model)
            columns = (shift + scale * won, LOGGING[0, action], TARGET[0, action], model[action], expected)
            yield float(np.prod(LOGGING[0, action] * chance)), _times(*columns, np.arange(2), options)

    return logs(), shift + scale * float(TARGET[0] @ CHANCE[0])
