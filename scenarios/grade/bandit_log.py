"""A log of single choices, with all that off-policy evaluation of several target policies may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from driftline.scenarios.grade.frozen_policy import FrozenPolicy, true_values
from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Slates
from driftline.sim.warmup import Start

LOGGED, DEPLOYED = 5, 6
"""Places of the policies' draws in the key."""
_Round = tuple[Int64s, Floats, Int32s, Int64s, Float32s, Floats, list[Floats]]
"""user, day, candidates, place, reward, pscore, chances under each target."""


@dataclass(frozen=True, slots=True)
class BanditLog:
    """One row a visit, in the order of time; C candidates."""

    user: Int64s
    day: Floats
    """From the end of the warm-up."""
    candidates: Int32s
    """[n, C]."""
    place: Int64s
    """Column of the candidate that was shown [n]."""
    reward: Floats
    pscore: Floats
    target: dict[str, Floats]
    """P(candidate) under each target policy [n, C]."""

    @property
    def action(self) -> Int32s:
        """The item that was shown [n]."""
        return self.candidates[np.arange(len(self.user)), self.place]


def bandit_log(start: Start, logging: float, targets: Mapping[str, float]) -> BanditLog:
    """The visits of a frozen policy of temperature `logging`, and what each target would have shown.

    targets: temperatures by name. The world's slates must be of length 1.
    """
    world = start.world.fork()
    writer = FrozenPolicy(world, logging)
    policies = [FrozenPolicy(world, temperature) for temperature in targets.values()]
    rows: list[_Round] = []
    while (seen := world.observe()) is not None:
        users, days = world.round.users, seen.time - world.params.warmup
        pool = np.array(np.broadcast_to(seen.candidates, (len(seen), seen.candidates.shape[-1])))
        place, pscore = drawn(writer.chances(users, pool), users, seen.visit, world.seed, LOGGED)
        told = [policy.chances(users, pool) for policy in policies]
        _, truth = world.respond_in_full(_singles(pool, place, pscore), probabilities=False)
        rows.append((users, days, pool, place, truth.reward, pscore, told))
    user, day, pool, place, reward, pscore = (np.concatenate([row[k] for row in rows]) for k in range(6))
    order = np.lexsort((user, day))
    chances = {name: np.concatenate([row[6][k] for row in rows])[order] for k, name in enumerate(targets)}
    return BanditLog(
        user[order], day[order], pool[order], place[order], reward[order].astype(np.float64), pscore[order], chances
    )


def policy_value(start: Start, temperature: float) -> tuple[Floats, Floats]:
    """Day and expected reward of every visit [n] in a twin world that a frozen policy serves alone.

    The expectation is exact: enumerated over the candidates by their probabilities, and in closed form over the user's
    choice and satisfaction. Only who comes when is drawn.
    """
    world = start.world.fork()
    policy = FrozenPolicy(world, temperature)
    days, values = [], []
    while (seen := world.observe()) is not None:
        users = world.round.users
        pool = np.array(np.broadcast_to(seen.candidates, (len(seen), seen.candidates.shape[-1])))
        chance = policy.chances(users, pool)
        days.append(seen.time - world.params.warmup)
        values.append((chance * true_values(world, world.theta[users], pool)).sum(axis=1))
        place, pscore = drawn(chance, users, seen.visit, world.seed, DEPLOYED)
        world.respond(_singles(pool, place, pscore))
    return np.concatenate(days), np.concatenate(values)


def drawn(chance: Floats, users: Int64s, visits: Int32s, seed: int, what: int) -> tuple[Int64s, Floats]:
    """One column of each row [n], drawn by its chances [n, C] and keyed by (user, visit), and its probability."""
    uniform = keyed.uniforms(seed, Stream.ASSIGNMENT, users, visits, what)
    place = np.minimum((np.cumsum(chance, axis=1) < uniform[:, None]).sum(axis=1), chance.shape[1] - 1)
    return place, chance[np.arange(len(place)), place]


def _singles(pool: Int32s, place: Int64s, pscore: Floats) -> Slates:
    rows = np.arange(len(place))
    return Slates(np.ascontiguousarray(pool[rows, place][:, None]), np.log(pscore), np.log(pscore)[:, None])
