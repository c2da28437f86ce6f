"""Every metric of a run as one frame: agent, seed, metric, window, value, low, high."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import pairwise
from math import isfinite, isnan

import numpy as np
import polars as pl

from driftline.evaluation.bootstrap import resample_users, user_counts
from driftline.evaluation.drift.adaptation import ChangeCurve, Delay, Rule, delay, stacked
from driftline.evaluation.estimate import Estimate, t_interval
from driftline.evaluation.metrics._base import Judged, Metric, Probed, values_of
from driftline.evaluation.metrics._table import BUILT_IN, own_metrics
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.shown import TrueItems, catalogue_use, shown, topic_entropy, true_items
from driftline.evaluation.run.tracking import Beliefs, beliefs, fit_temperature
from driftline.evaluation.run.visits import (
    Lives,
    changing,
    curve_of,
    judged_visits,
    learning_curve,
    lost_on_return,
    new,
    together,
)
from driftline.evaluation.terms import Terms
from driftline.sim.types import Bools, Floats, Int64s

AFTER_CHANGE = 10
"""Visits after a change of interest that count as "just after"."""
PARTS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A named part of the judged visits."""

    name: str
    holds: Callable[[pl.DataFrame], Bools]
    """Which rows of a frame with `time`, `since_change` and `group` belong to it."""
    days: tuple[float, float] | None = None
    """First and last day, where it is a stretch of days."""


def windows(run: RunFolder) -> tuple[Window, ...]:
    """Every window of a run.

    `all`: the whole judged period. `day:a-b`: its thirds, a <= time < b, cut at whole days (the last one
    includes b). `after_change:10`: each user's ten visits after a change of interest. `group:<name>`: the
    visits of one group of users.
    """
    just_after = pl.col("since_change") < AFTER_CHANGE
    return (
        Window("all", lambda frame: _mask(frame, pl.lit(True)), run.judged),
        *_thirds(*run.judged),
        Window(f"after_change:{AFTER_CHANGE}", lambda frame: _mask(frame, just_after)),
        *(_group(number, name) for number, name in enumerate(run.groups)),
    )


def _thirds(start: float, end: float) -> list[Window]:
    edges = [round(start + (end - start) * part / PARTS) for part in range(PARTS + 1)]
    parts = [(a, b) for a, b in pairwise(edges) if a < b]
    return [_days(a, b, last=b == edges[-1], first=a == edges[0]) for a, b in parts]


def _days(a: int, b: int, last: bool, first: bool) -> Window:
    """The outer edges are open, so that a horizon of 59.5 days loses nothing."""
    low = pl.lit(True) if first else pl.col("time") >= a
    high = pl.lit(True) if last else pl.col("time") < b
    return Window(f"day:{a}-{b}", lambda frame: _mask(frame, low & high), (a, b))


def _group(number: int, name: str) -> Window:
    return Window(f"group:{name}", lambda frame: _mask(frame, pl.col("group") == number))


def _mask(frame: pl.DataFrame, condition: pl.Expr) -> Bools:
    holds = frame.select(holds=condition.fill_null(False) & pl.col("time").is_not_null())
    return holds["holds"].to_numpy()


Row = tuple[str, int | None, str, str, float | None, float | None, float | None]
TEMPERATURE_ROWS = 4096


def metrics(run: RunFolder) -> pl.DataFrame:
    """All metrics of all agents, in the run's order of agents: agent, seed, metric, window, value, low, high.

    One row per seed (low, high: bootstrap over users) and one pooled (seed null: mean over seeds, with a t
    interval over seeds; from a single seed that seed's own interval). Means are over visits. Windows: see
    `windows`. Change points (`adaptation_delay`, visits; `recovery_time`, days), returns (`forgetting`, `savings`)
    and new users (`cold_start_plateau`; `cold_start_learned`, visits) are put together over seeds instead. Delays are
    censored where value and high are null and low is the last visit or day looked at. `act_p50`, `act_p99`
    (seconds) and `peak_memory` (bytes) have no interval within a seed. Where there is nothing to measure (no change
    points, no item space, no loss to recover from) there is no row. Metrics of the user's own that the run's scenario
    names stand beside ours.
    """
    visit_metrics = (*BUILT_IN.values(), *own_metrics(run.own_metrics))
    parts, weights, items = windows(run), _weights(run), cache(partial(true_items, run))
    rows: list[Row] = []
    for agent in run.agents:
        rows += _agent_rows(JudgedAgent(run, agent, items), visit_metrics, parts, weights)
    schema = ["agent", "seed", "metric", "window", "value", "low", "high"]
    types = {"seed": pl.Int64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=schema, schema_overrides=types, orient="row")


class JudgedAgent:
    """One agent's judged visits, seed by seed; what a metric does not ask for is not read."""

    def __init__(self, run: RunFolder, agent: str, items: Callable[[int], TrueItems] | None = None) -> None:
        self.run, self.agent = run, agent
        self._items = items or partial(true_items, run)

    def of(self, seed: int) -> Judged:
        """The judged visits of one seed."""
        visits = judged_visits(self.run, self.agent, seed)
        return Judged(
            visits,
            self.run.judged[0],
            partial(shown, self.run, self.agent, seed, visits),
            partial(self._items, seed),
            partial(self._probed, seed, visits),
        )

    @cached_property
    def beliefs(self) -> dict[int, Beliefs]:
        """What was scored and what was true, by seed."""
        return {seed: beliefs(self.run, self.agent, seed) for seed in self.run.seeds}

    @cached_property
    def temperature(self) -> float:
        """The agent's one temperature, of all seeds together."""
        return temperature(list(self.beliefs.values()))

    def _probed(self, seed: int, visits: pl.DataFrame) -> Probed:
        """The judged ones of the probed visits."""
        known = self.beliefs[seed]
        asked = pl.DataFrame({"user": known.user, "visit": known.visit}).with_row_index("place")
        rows = visits.select("user", "visit").with_row_index("row")
        both = rows.join(asked, on=["user", "visit"], how="inner", maintain_order="left")
        row, place = (both[name].to_numpy().astype(np.int64) for name in ("row", "place"))
        return Probed(row, known.scores[place], known.utility[place], known.dominant, self.temperature)


def temperature(seeds: list[Beliefs]) -> float:
    """An agent's one temperature, fitted on its probed visits of all seeds together (evenly thinned)."""
    share = max(1, TEMPERATURE_ROWS // max(len(seeds), 1))
    thin = [slice(None, None, max(1, -(-len(known.user) // share))) for known in seeds]
    scores = np.concatenate([known.scores[rows] for known, rows in zip(seeds, thin, strict=True)])
    utility = np.concatenate([known.utility[rows] for known, rows in zip(seeds, thin, strict=True)])
    return fit_temperature(scores, utility)


def _weights(run: RunFolder) -> dict[int, tuple[Int64s, Floats]]:
    """Each seed's users and their bootstrap counts, shared by all agents."""
    found = {}
    for seed in run.seeds:
        users = np.sort(run.users(seed).select("user").collect()["user"].to_numpy())
        found[seed] = (users, user_counts(users, seed))
    return found


def _agent_rows(
    agent: JudgedAgent,
    visit_metrics: Sequence[Metric],
    parts: tuple[Window, ...],
    weights: dict[int, tuple[Int64s, Floats]],
) -> Iterator[Row]:
    run, name = agent.run, agent.agent
    found: dict[tuple[str, str], list[tuple[int, Estimate]]] = {}
    by_visit: list[ChangeCurve] = []
    by_day: list[ChangeCurve] = []
    returning: list[Lives] = []
    fresh: list[Lives] = []
    for seed in run.seeds:
        judged = agent.of(seed)
        own = window_means(judged, visit_metrics, parts, *weights[seed])
        own |= _catalogue(judged, parts, weights[seed][0])
        for key, estimate in own.items():
            found.setdefault(key, []).append((seed, estimate))
        by_visit.append(curve_of(judged.visits))
        by_day.append(curve_of(judged.visits, by_day=True))
        returning.append(changing(run, name, seed, judged.visits))
        fresh.append(new(judged.visits))
    for (metric, window), estimates in found.items():
        yield from ((name, seed, metric, window, *_limits(estimate)) for seed, estimate in estimates)
        yield name, None, metric, window, *_limits(_pooled([estimate for _, estimate in estimates]))
    for metric, curves in (("adaptation_delay", by_visit), ("recovery_time", by_day)):
        yield from _delays(run, name, metric, curves)
    yield from _returns(run, name, returning)
    yield from _first_visits(run, name, fresh)
    yield from _costs(run, name)


def window_means(
    judged: Judged, visit_metrics: Sequence[Metric], parts: tuple[Window, ...], users: Int64s, weights: Floats
) -> dict[tuple[str, str], Estimate]:
    """Each metric of single visits by (metric, window); NaN is left out, and so is a window without any value.

    users: all users of the seed, ascending; weights [replicates, users].
    """
    code = np.searchsorted(users, judged.visits["user"].to_numpy())
    masks = [(part.name, part.holds(judged.visits)) for part in parts]
    keys, several = [], []
    for metric in visit_metrics:
        values = values_of(metric, judged)
        there = ~np.isnan(values)
        for window, mask in masks:
            rows = mask & there
            if rows.any():
                keys.append((metric.id, window))
                total = np.bincount(code[rows], values[rows], minlength=len(users)).astype(np.float64, copy=False)
                count = np.bincount(code[rows], minlength=len(users))
                below = (count > 0 if metric.summed else count).astype(np.float64)
                several.append(Terms(top=total, bottom=below, used=count > 0))
    if not keys:
        return {}
    found = resample_users(several, weights)
    return {key: each.estimate() for key, each in zip(keys, found, strict=True)}


def _catalogue(judged: Judged, parts: tuple[Window, ...], users: Int64s) -> dict[tuple[str, str], Estimate]:
    """What all users together were shown, and what each took, by (metric, window); by stretches of days only."""
    user = np.searchsorted(users, judged.visits["user"].to_numpy())
    holds = {part: part.holds(judged.visits) for part in parts if part.days}
    found = {
        (metric, part.name): estimate
        for part, rows in holds.items()
        if part.days
        for metric, estimate in catalogue_use(judged.items[rows], user[rows], judged.catalogue.live(*part.days)).items()
    }
    thirds = {part.name: rows for part, rows in holds.items() if part.name != "all"}
    entropies = topic_entropy(user, judged.shown, judged.catalogue.mixture, thirds)
    return found | {key: estimate for key, estimate in entropies.items() if isfinite(estimate.value)}


def _delays(run: RunFolder, agent: str, metric: str, curves: list[ChangeCurve]) -> Iterator[Row]:
    for seed, curve in zip(run.seeds, curves, strict=True):
        found = delay(curve, Rule(), seed)
        if not isnan(found.value):
            yield agent, seed, metric, "all", *_delay_limits(found)
    pooled = delay(stacked(curves), Rule(), run.seeds[0])
    if not isnan(pooled.value):
        yield agent, None, metric, "all", *_delay_limits(pooled)


def _returns(run: RunFolder, agent: str, lives: list[Lives]) -> Iterator[Row]:
    for seed, own, key in _and_together(run, lives):
        found = lost_on_return(own, key)
        if found is not None:
            yield agent, seed, "forgetting", "all", *_limits(found.forgetting)
            yield agent, seed, "savings", "all", *_limits(found.savings)


def _first_visits(run: RunFolder, agent: str, lives: list[Lives]) -> Iterator[Row]:
    for seed, own, key in _and_together(run, lives):
        found = learning_curve(own, key)
        if found is not None:
            yield agent, seed, "cold_start_plateau", "all", *_limits(found.plateau)
            if not isnan(found.learned.value):
                yield agent, seed, "cold_start_learned", "all", *_delay_limits(found.learned)


def _and_together(run: RunFolder, lives: list[Lives]) -> Iterator[tuple[int | None, Lives, int]]:
    """Each seed's lives, then all together, with the key of the bootstrap."""
    yield from zip(run.seeds, lives, run.seeds, strict=True)
    yield None, together(lives), run.seeds[0]


def _costs(run: RunFolder, agent: str) -> Iterator[Row]:
    timings = [run.timing(agent, seed) for seed in run.seeds]
    for metric in ("act_p50", "act_p99", "peak_memory"):
        values = np.array([getattr(timing, metric) for timing in timings], dtype=np.float64)
        for seed, value in zip(run.seeds, values, strict=True):
            yield agent, seed, metric, "all", float(value), None, None
        yield agent, None, metric, "all", *_limits(t_interval(values))


def _pooled(estimates: list[Estimate]) -> Estimate:
    if len(estimates) == 1:
        return estimates[0]
    return t_interval(np.array([estimate.value for estimate in estimates]))


def _limits(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return _finite(estimate.value), _finite(estimate.low), _finite(estimate.high)


def _delay_limits(found: Delay) -> tuple[float | None, float | None, float | None]:
    if found.censored:
        return None, found.horizon, None
    return found.value, _finite(found.low), _finite(found.high)


def _finite(x: float) -> float | None:
    return float(x) if isfinite(x) else None
