"""A run played again: its world, the agent whose log it is, and a second agent that watches until it is frozen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.grade.off_policy import true_values
from driftline.scenarios.runner import Trainer
from driftline.sim.errors import AgentError
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates, empty_behaviors
from driftline.sim.world import World

ROUNDING = 1e-6
"""How far the probabilities of all candidates may sum to something else than 1."""
EDGE = 1e-9
"""A day this near to a tick's boundary lies on it."""
Columns = dict[str, NDArray[Any]]


class Player:
    """An agent with its trainer: the one whose log it is."""

    def __init__(self, caller: Caller, setting: Setting) -> None:
        self.caller = caller
        self._trainer = Trainer()
        self._length = setting.slate
        caller.reset(setting)

    def tick(self, now: float) -> None:
        """A tick boundary."""
        for job in self._trainer.over(now):
            self.caller.finish(job)
        self._trainer.take(self.caller.tick(now), now)

    def act(self, seen: Observation) -> Slates:
        """What it shows."""
        return self.caller.act(seen, self._length)

    def learn(self, feedback: Feedback, seen: Observation) -> None:
        """What happened to the slates that were shown."""
        self.caller.learn(feedback, seen)


class Watcher(Player):
    """The target: asked at every visit, shown to nobody; it learns from the log until a day, and then no more."""

    def __init__(self, caller: Caller, setting: Setting, day: float) -> None:
        super().__init__(caller, setting)
        self.day = day
        self.frozen = False

    def tick(self, now: float) -> None:
        """A tick boundary; the one at the day on which it is frozen is its last."""
        if not self.frozen:
            super().tick(now)
            self.frozen = now >= self.day - EDGE

    def act(self, seen: Observation) -> Slates:
        """What it would show; once frozen, it does not hear what users did since."""
        return super().act(replace(seen, behaviors=empty_behaviors()) if self.frozen else seen)

    def learn(self, feedback: Feedback, seen: Observation) -> None:
        """What happened to the slates that were logged; nothing, once frozen."""
        if not self.frozen:
            super().learn(feedback, seen)


class Replay:
    """A run played again, round by round.

    world: at the end of its warm-up; it is moved. batch: most visits a round. enumerated: whether a watcher over slates
    of one item is asked for the probability of every candidate.
    """

    def __init__(self, world: World, batch: int, writer: Player, watcher: Watcher | None, enumerated: bool) -> None:
        self._world = world
        self._batch = batch
        self._writer = writer
        self._watcher = watcher
        self._enumerated = enumerated
        self._shown: list[Columns] = []
        self._rounds: list[Columns] = []
        self._pools: list[Int32s] = []
        self._pool_rows = 0

    def play(self) -> None:
        """From the end of the warm-up to the horizon."""
        world, width = self._world, self._world.params.tick
        boundary = round(world.params.warmup / width)
        while (seen := world.observe(self._batch)) is not None:
            while boundary <= seen.tick:
                self._writer.tick(boundary * width)
                if self._watcher is not None:
                    self._watcher.tick(boundary * width)
                boundary += 1
            self._round(seen)

    def shown(self) -> Columns:
        """User, visit, time and items of all visits."""
        return _whole(self._shown)

    def rows(self) -> Columns:
        """What was recorded, in the order of (time, user, visit)."""
        whole = _whole(self._rounds)
        order = np.lexsort((whole["visit"], whole["user"], whole["time"]))
        return {name: column[order] for name, column in whole.items()}

    def pools(self) -> Int32s:
        """Sets of candidates [P, C]; the column `pool` says which one a visit had."""
        return np.concatenate(self._pools)

    def _round(self, seen: Observation) -> None:
        world, writer, watcher = self._world, self._writer.caller, self._watcher
        slates = self._writer.act(seen)
        beside = None if watcher is None else watcher.act(seen)
        keep = watcher is None or watcher.frozen
        columns: Columns = {"user": seen.user, "visit": seen.visit, "time": seen.time, "items": slates.items}
        self._shown.append(columns)
        if keep:
            columns = columns | {"log_p_cascade": slates.log_p_cascade, "value": shown_values(world, slates.items)}
            columns["pool"] = self._keep_pool(seen)
            if beside is not None:
                columns |= self._of_target(seen, slates, beside)
        feedback, truth = writer.guard_slates(seen, lambda: world.respond_in_full(slates, probabilities=False))
        self._writer.learn(feedback, seen)
        if watcher is not None:
            watcher.learn(feedback, seen)
        if keep:
            columns |= {"choice": feedback.choice, "reward": truth.reward.astype(np.float64)}
            self._rounds.append(columns)

    def _keep_pool(self, seen: Observation) -> Int64s:
        """Keep the round's candidates; which row of them each visit has [n]."""
        first, pool = self._pool_rows, np.atleast_2d(seen.candidates).copy()
        self._pools.append(pool)
        self._pool_rows += len(pool)
        return first + (np.zeros(len(seen), np.int64) if seen.candidates.ndim == 1 else np.arange(len(seen)))

    def _of_target(self, seen: Observation, logged: Slates, own: Slates) -> Columns:
        """What the target says of this round, before the world responds."""
        assert self._watcher is not None
        asked, writer = self._watcher.caller, self._writer.caller
        columns: Columns = {
            "target_log_p_cascade": asked.log_propensity(seen, logged.items),
            "target_items": own.items,
            "target_certain": own.log_p == 0.0,
            "target_value": shown_values(self._world, own.items),
        }
        if writer.states_propensities:
            columns["target_unseen"] = np.isneginf(writer.log_propensity(seen, own.items).min(axis=1))
        if self._enumerated:
            chances = _chances(seen, asked, own)
            pool = np.broadcast_to(seen.candidates, chances.shape)
            columns["target_chances"] = chances
            worth = true_values(self._world, self._world.theta[self._world.round.users], pool)
            columns["target_value"] = (chances * worth).sum(axis=1)
        return columns


def shown_values(world: World, items: Int32s) -> Floats:
    """Exact expected reward of slates [n, L] for the users of the last observation, before they respond [n]."""
    return world.model.values.shown(world.round.users, world.theta, items)


def _chances(seen: Observation, asked: Caller, own: Slates) -> Floats:
    """P(candidate) of a policy over single items [n, C], asked for one by one where it draws."""
    pool = np.broadcast_to(seen.candidates, (len(seen), seen.candidates.shape[-1]))
    if (own.log_p == 0.0).all():
        return np.asarray(pool == own.items, dtype=np.float64)
    said = [asked.log_propensity(seen, np.ascontiguousarray(pool[:, [c]]))[:, 0] for c in range(pool.shape[1])]
    chances = np.exp(np.stack(said, axis=1))
    total = chances.sum(axis=1)
    off = np.abs(total - 1.0) > ROUNDING
    if off.any():
        row = int(np.argmax(off))
        raise AgentError(
            f"agent {asked.name!r}, user {seen.user[row]}, visit {seen.visit[row]}: log_propensity gives all "
            f"{pool.shape[1]} candidates together probability {total[row]:g}; must be 1"
        )
    return chances


def _whole(rounds: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in rounds]) for name in rounds[0]} if rounds else {}
