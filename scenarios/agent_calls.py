"""Calls to an agent, guarded: whatever it does wrong is reported with the agent, the user and the visit.

An agent meets copies only, made for this one call and read-only; of what it returns, copies are kept. So nothing that
it does to an array, now or later, reaches the world, the oracle or a log.
"""

import traceback
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

import numpy as np
from numba.core.errors import NumbaError

from driftline.agents.policy import states_propensities
from driftline.agents.protocol import AgentProtocol, HasItemSpace, Job
from driftline.scenarios.oracle_agent import ItemSpace
from driftline.sim.errors import AgentError, SlateError
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates, copied

T = TypeVar("T")
MOST = 2**31 - 1
"""The highest id there can be; a higher one must not wrap round to an item that exists."""


class Caller:
    """One agent under guard. Every fault becomes an `AgentError` of one line, with its cause attached."""

    def __init__(self, agent: AgentProtocol, name: str) -> None:
        self._agent = agent
        self._name = name

    @property
    def name(self) -> str:
        """The agent's id."""
        return self._name

    def reset(self, setting: Setting) -> None:
        """`AgentProtocol.reset`."""
        handed = copied(setting)
        self._guard("reset", lambda: self._agent.reset(handed))

    def tick(self, now: float) -> Sequence[Job]:
        """`AgentProtocol.tick`; the jobs it starts must have names and durations."""
        jobs = self._guard(f"tick at day {now:g}", lambda: tuple(self._agent.tick(now)))
        for job in jobs:
            if not (isinstance(job, Job) and job.days >= 0.0):
                raise AgentError(
                    f"agent {self._name!r}: tick at day {now:g} returned {job!r}; must be a Job with days >= 0"
                )
        return jobs

    def finish(self, job: str) -> None:
        """`AgentProtocol.finish`."""
        self._guard(f"finish({job!r})", lambda: self._agent.finish(job))

    @property
    def item_space(self) -> ItemSpace | None:
        """`HasItemSpace.item_space`, which must be finite, one row per item; None for an agent without one."""
        return self._item_space if isinstance(self._agent, HasItemSpace) else None

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """`AgentProtocol.score`; must be finite, one row per user."""
        who, what = copied(users), copied(items)
        scores = self._guard("score", lambda: np.array(self._agent.score(who, what), dtype=np.float64))
        if scores.shape != (users.size, items.size):
            raise AgentError(
                f"agent {self._name!r}: score returned shape {list(scores.shape)}; must be {[users.size, items.size]}"
            )
        bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if bad.size:
            raise AgentError(f"agent {self._name!r}, user {users[bad[0]]}: score is not finite")
        return scores

    def act(self, observation: Observation, length: int) -> Slates:
        """`AgentProtocol.act`; shapes, types and propensities are checked here, the items by the world."""
        where = f"user {observation.user[0]}, visit {observation.visit[0]}"
        handed = copied(observation)
        made = self._guard(f"act ({len(observation)} visits, the first: {where})", lambda: self._agent.act(handed))
        if not isinstance(made, Slates):
            raise AgentError(f"agent {self._name!r}, {where}: act returned {type(made).__name__}; must be Slates")
        slates = Slates(*(np.array(getattr(made, name)) for name in ("items", "log_p", "log_p_cascade")))
        n = len(observation)
        for field, shape in (("items", (n, length)), ("log_p", (n,)), ("log_p_cascade", (n, length))):
            found = getattr(slates, field).shape
            if found != shape:
                raise AgentError(
                    f"agent {self._name!r}, {where}: Slates.{field} has shape {list(found)}; must be {list(shape)}"
                )
        if slates.items.dtype.kind not in "iu":
            kind = slates.items.dtype
            raise AgentError(f"agent {self._name!r}, {where}: Slates.items is {kind}; must be whole numbers (int32)")
        self._check_propensities(observation, slates)
        return Slates(
            np.ascontiguousarray(np.clip(slates.items, -1, MOST), dtype=np.int32),
            np.asarray(slates.log_p, dtype=np.float64),
            np.asarray(slates.log_p_cascade, dtype=np.float64),
        )

    def guard_slates(self, observation: Observation, respond: Callable[[], T]) -> T:
        """Let the world respond; a slate that it refuses is the agent's fault."""
        try:
            return respond()
        except SlateError as problem:
            raise AgentError(f"agent {self._name!r}: {problem}") from problem

    @property
    def states_propensities(self) -> bool:
        """Whether it can say how likely it was to show a slate."""
        return states_propensities(self._agent)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """`HasPropensity.log_propensity`: at most 0, -inf allowed [n, L]."""
        agent = self._agent
        assert states_propensities(agent)
        handed, shown = copied(observation), copied(items)
        found = self._guard("log_propensity", lambda: np.array(agent.log_propensity(handed, shown), dtype=np.float64))
        if found.shape != items.shape or not (found <= 1e-9).all():
            raise AgentError(
                f"agent {self._name!r}: log_propensity returned shape {list(found.shape)}, highest "
                f"{found.max(initial=-np.inf):g}; must be {list(items.shape)} and <= 0"
            )
        return found

    def learn(self, feedback: Feedback, observation: Observation) -> None:
        """`AgentProtocol.learn`."""
        where = f"user {observation.user[0]}, visit {observation.visit[0]}"
        handed = copied(feedback)
        self._guard(f"learn ({len(observation)} visits, the first: {where})", lambda: self._agent.learn(handed))

    def _item_space(self, items: Int32s) -> Floats:
        agent = self._agent
        assert isinstance(agent, HasItemSpace)
        handed = copied(items)
        vectors = self._guard("item_space", lambda: np.array(agent.item_space(handed), dtype=np.float64))
        if vectors.ndim != 2 or len(vectors) != items.size or not np.isfinite(vectors).all():
            raise AgentError(
                f"agent {self._name!r}: item_space returned shape {list(vectors.shape)}; "
                f"must be finite and {[items.size, 'd']}"
            )
        return vectors

    def _check_propensities(self, observation: Observation, slates: Slates) -> None:
        whole = np.asarray(slates.log_p, dtype=np.float64)
        parts = np.asarray(slates.log_p_cascade, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            fits = np.isfinite(whole) & (parts <= 1e-9).all(axis=1) & (whole <= 1e-9)
            fits &= np.isfinite(parts).all(axis=1)
            fits &= np.abs(parts.sum(axis=1) - whole) <= 1e-6 * (1.0 + np.abs(whole))
        bad = np.flatnonzero(~fits)
        if bad.size:
            row = bad[0]
            raise AgentError(
                f"agent {self._name!r}, user {observation.user[row]}, visit {observation.visit[row]}: "
                f"log_p = {whole[row]:g}; must be finite, <= 0 and the sum of log_p_cascade"
            )

    def _guard(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except AgentError:
            raise
        except Exception as problem:
            written = _written(problem)
            if written:
                raise AgentError(f"agent {self._name!r}, {what} {written}") from problem
            text = str(problem).strip().splitlines()
            reason = f"{type(problem).__name__}: {text[0]}" if text else type(problem).__name__
            raise AgentError(f"agent {self._name!r}, {what} raised {reason}") from problem


def _written(problem: Exception) -> str:
    """How an agent wrote into what it was handed: by the line of its own that names the array; empty if it did not."""
    refused = ("read-only", "readonly array")  # as numpy says it, and as numba does
    if not isinstance(problem, ValueError | TypeError | NumbaError) or not any(w in str(problem) for w in refused):
        return ""
    frames = traceback.extract_tb(problem.__traceback__)
    last = [one for one in frames if not {"numpy", "numba"} & set(PurePath(one.filename).parts)][-1]
    where = f"{PurePath(last.filename).name}, line {last.lineno}"
    line = f" by `{last.line}`" if last.line else ""
    return f"wrote into what it was handed, which is read-only,{line} ({where}); write into a copy of the array"
