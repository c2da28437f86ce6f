"""A run's log as input of off-policy evaluation: the run replayed, with a frozen target beside the agent that wrote it.

A run's log holds what an operator would have. Candidates and rewards are not in it: both follow from the world, and the
world from the run's resolved scenario and its seed. So world and agent are played again, and must do what the log says.
Another agent may watch: until a day it learns from what the log's users did, and from then on it is a policy that does
not learn. Its one-step value at a later visit, the user's state being what the log made it, is known here.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate, normal_reach
from driftline.evaluation.run.folder import RunFolder
from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.compose import build_agent
from driftline.scenarios.replay import EDGE, Columns, Player, Replay, Watcher
from driftline.scenarios.schema import Scenario, check
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int8s, Int32s, Int64s, RewardKind
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

ENUMERATED = 2_000_000
"""Propensities (visits x candidates) up to which a policy over single items is enumerated."""


@dataclass(frozen=True, slots=True)
class Target:
    """A policy that does not learn, at the visits of a log: what it would show there, and what that is worth."""

    name: str
    frozen: float
    """Day from which on it is told of nothing but who comes, when, and which items are new."""
    log_p_cascade: Floats
    """log P(item k | items above it) of the *logged* slates under this policy [n, L]; -inf where it never would."""
    items: Int32s
    """The slates that it would show: its own keyed draw, where it draws [n, L]."""
    certain: Bools
    """Whether it shows that slate with probability 1 [n]."""
    chances: Floats | None
    """P(candidate) in slates of one item [n, C]; null in longer ones, and where there are too many to enumerate."""
    unseen: Bools | None
    """Whether the logging agent would never show that slate [n]; null where it states no propensities."""
    value: Floats
    """Expected reward at each visit [n]; where it is not exact, that of the policy's own draw. Truth."""

    @property
    def exact(self) -> bool:
        """Whether `value` is free of error."""
        return self.chances is not None or bool(self.certain.all())

    def truth(self, level: float = 0.95) -> Estimate:
        """The policy's mean one-step value at these visits.

        Without error where it is exact. Else a mean over the policy's own draws, one a visit; the error stated is that
        of independent visits, an upper bound, since visits differ from each other by themselves.
        """
        return mean_value(self.value, self.exact, level)


def mean_value(value: Floats, exact: bool, level: float) -> Estimate:
    """Mean of true values [n], and its error where they rest on draws."""
    n, mean = len(value), float(value.mean())
    if exact:
        return Estimate(mean, 0.0, mean, mean, n, "truth, exact")
    error = float(value.std(ddof=1)) / sqrt(n) if n > 1 else nan
    reach = normal_reach(error, level)
    return Estimate(mean, error, mean - reach, mean + reach, n, "truth, by one keyed draw a visit")


@dataclass(frozen=True, slots=True)
class BanditLog:
    """Visits of a run with all that off-policy evaluation may ask for, in the order of (time, user, visit)."""

    agent: str
    """Who chose the slates."""
    seed: int
    reward_kind: RewardKind
    user: Int64s
    visit: Int32s
    time: Floats
    """Days."""
    items: Int32s
    """The slates that were shown [n, L]."""
    choice: Int8s
    """Position that was taken, L for nothing [n]."""
    reward: Floats
    """The scenario's, as it was realised [n]."""
    log_p_cascade: Floats
    """log P(item k | items above it) under the agent that chose them [n, L]."""
    value: Floats
    """Expected reward of the slate that was shown [n]. Truth."""
    pools: Int32s
    """Sets of candidates [P, C]."""
    pool: Int64s
    """Which of them each visit had [n]."""
    target: Target | None = None

    def __len__(self) -> int:
        return len(self.user)

    @property
    def candidates(self) -> Int32s:
        """Items that might have been shown at each visit [n, C]."""
        return self.pools[self.pool]

    @property
    def log_p(self) -> Floats:
        """Log-probability of the whole slate [n]."""
        whole: Floats = self.log_p_cascade.sum(axis=1)
        return whole

    @property
    def reward_by_position(self) -> Floats:
        """The reward where it was earned, 0 at the other positions [n, L]."""
        return np.where(self.choice[:, None] == np.arange(self.items.shape[1]), self.reward[:, None], 0.0)

    @property
    def frame(self) -> pl.DataFrame:
        """One row a visit, in the words of a run's log and with `reward`; `driftline.ope` reads it as it is."""
        columns: Columns = {
            "user": self.user, "visit": self.visit, "time": self.time, "items": self.items, "choice": self.choice,
            "reward": self.reward, "log_p": self.log_p, "log_p_cascade": self.log_p_cascade,
        }  # fmt: skip
        if self.target is not None:
            columns["target_log_p"] = self.target.log_p_cascade.sum(axis=1)
            columns["target_log_p_cascade"] = self.target.log_p_cascade
        return pl.DataFrame(columns)


def bandit_log(run: RunFolder, agent: str, seed: int, target: str | None = None, at: float | None = None) -> BanditLog:
    """The log of `agent` in a run, replayed: every judged visit; with a target, those after it is frozen.

    target: an agent id, composed as in this run, or as `driftline.run` would compose it. It learns from the logged
    feedback until the first tick boundary at or after day `at`. at: from the warm-up's end to the horizon.

    Raises:
        InputError: no such agent or seed in this run, an unusable target or day, no visit after it; the replay does
            something else than the log (another version, another machine).
    """
    logged = run.log(agent, seed).select("user", "visit", "time", "items").collect()
    if (target is None) != (at is None):
        raise InputError("target and at belong together: the agent whose policy is judged, and the day it is frozen on")
    scenario = resolved(run, agent if target is None else target)
    world = World(scenario, seed)
    day = world.params.warmup if at is None else _checked_day(at, world, logged)
    own = Caller(build_agent(scenario, agent, world), agent)
    asked = None if target is None else Caller(build_agent(scenario, target, world), target)
    if asked is not None and not asked.states_propensities:
        raise InputError(f"target {target!r} states no log_propensity(observation, items): it cannot be judged")
    setting = warm_up(world).setting
    watcher = None if asked is None else Watcher(asked, setting, day)
    replay = Replay(world, scenario.run.batch, Player(own, setting), watcher, _countable(world, logged, day))
    replay.play()
    _refuse_difference(run, agent, logged, replay.shown())
    rows = replay.rows()
    said = {name.removeprefix("target_"): rows.pop(name) for name in list(rows) if name.startswith("target_")}
    return BanditLog(
        agent=agent,
        seed=seed,
        reward_kind=world.params.reward,
        pools=replay.pools(),
        target=None if target is None else _target(target, day, said),
        **rows,
    )


def resolved(run: RunFolder, agent: str) -> Scenario:
    """The scenario of a run, with its agents as they were composed, and with one more where it is none of them."""
    scenario = check(run.scenario)
    if agent in scenario.agents:
        return scenario
    more = with_agents(scenario, checked_agents(scenario, [agent])).agents
    return scenario.model_copy(update={"agents": {**scenario.agents, **more}})


def _checked_day(at: float, world: World, logged: pl.DataFrame) -> float:
    first, last = world.params.warmup, world.params.horizon
    if not first <= at < last:
        raise InputError(f"at = {at:g}: must be a day from {first:g}, the warm-up's end, to {last:g}, the horizon")
    boundary = float(np.ceil(at / world.params.tick - EDGE) * world.params.tick)
    if not (logged["time"] >= boundary).any():
        raise InputError(f"at = {at:g}: this log has no visit from day {boundary:g} on")
    return boundary


def _countable(world: World, logged: pl.DataFrame, day: float) -> bool:
    """Whether every candidate of every visit can be asked for: slates of one item, and not too many."""
    pool = world.params.candidates.private or world.params.candidates.shared or 0
    visits = logged.filter(pl.col("time") >= day).height
    return world.params.slate == 1 and visits * pool <= ENUMERATED


def _refuse_difference(run: RunFolder, agent: str, logged: pl.DataFrame, shown: Columns) -> None:
    """The replay must show every user of the log what the log says it was shown."""
    order = ["time", "user", "visit"]
    was, now = logged.sort(order), pl.DataFrame(shown).sort(order)
    if len(was) != len(now):
        what = f"{len(now):,} visits, not {len(was):,}"
    else:
        differs = (was["user"] != now["user"]) | (was["visit"] != now["visit"])
        differs |= pl.Series((was["items"].to_numpy() != now["items"].to_numpy()).any(axis=1))
        if not differs.any():
            return
        row = was.row(int(differs.arg_max() or 0), named=True)
        what = f"another slate for user {row['user']}, visit {row['visit']} (day {row['time']:.2f})"
    raise InputError(
        f"{run.path}: agent {agent!r}, played again, has {what}; the run was made by other versions of this package "
        "or of its parts (see versions.json)"
    )


def _target(name: str, day: float, columns: Columns) -> Target:
    return Target(
        name=name,
        frozen=day,
        log_p_cascade=columns["log_p_cascade"],
        items=columns["items"],
        certain=columns["certain"],
        chances=columns.get("chances"),
        unseen=columns.get("unseen"),
        value=columns["value"],
    )
