"""All measures as one frame; METRICS is one table (id, column, title, meaning, better).

The parts of a run that every measure is reported for.

Means of many measures in many windows at once, all resampled over the same users.

Every measure of a run as one frame: agent, seed, metric, window, value, low, high.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, isnan

import numpy as np
import polars as pl

from driftline.evaluation.drift.adaptation import ChangeCurve, Delay, Rule, delay, stacked
from driftline.evaluation.drift.beliefs import TOP, belief_entropy, topic_recall, topic_scores
from driftline.evaluation.estimate import Estimate, bootstrap_ratio, poisson_weights, t_interval
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.shown import Shelf, Slates, catalogue_use, shelf, slates, topic_entropy, with_shown
from driftline.evaluation.run.tracking import Beliefs, beliefs, fit_temperature, rank_correlation, tracking_error
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


MEANS = {
    "reward": "reward",
    "ctr": "click",
    "regret": "regret",
    "regret_in_item_space": "regret_in_item_space",
    "tracking_error": "tracking_error",
    "rank_correlation": "rank_correlation",
    "belief_entropy_excess": "belief_entropy_excess",
    "topic_recall": "topic_recall",
    "self_information": "self_information",
    "aplt": "aplt",
    "intra_list_diversity": "intra_list_diversity",
}
"""Metrics that are means over visits, and the column of each."""
TOTALS = {"dynamic_regret": "regret"}
"""Metrics that are sums over a user's visits, averaged over the users who came, and the column of each."""


def window_means(
    frame: pl.DataFrame, parts: tuple[Window, ...], users: Int64s, weights: Floats
) -> dict[tuple[str, str], Estimate]:
    """Each measure whose column is there, by (metric, window); NaN is left out, and a window without any value.

    frame: rows of visits. users: all users of the seed, ascending; weights [replicates, users].
    """
    code = np.searchsorted(users, frame["user"].to_numpy())
    masks = [(part.name, part.holds(frame)) for part in parts]
    keys, totals, counts = [], [], []
    for metric, column in {**MEANS, **TOTALS}.items():
        if column not in frame.columns:
            continue
        values = frame[column].cast(pl.Float64).to_numpy()
        there = ~np.isnan(values)
        for window, mask in masks:
            rows = mask & there
            if rows.any():
                keys.append((metric, window))
                totals.append(np.bincount(code[rows], values[rows], minlength=len(users)))
                count = np.bincount(code[rows], minlength=len(users))
                counts.append((count if metric in MEANS else count > 0).astype(np.float64))
    if not keys:
        return {}
    resampled = bootstrap_ratio(np.stack(totals), np.stack(counts), weights)
    return {key: resampled.estimate(k) for k, key in enumerate(keys)}


Row = tuple[str, int | None, str, str, float | None, float | None, float | None]

TEMPERATURE_ROWS = 4096


def metrics(run: RunFolder) -> pl.DataFrame:
    """All measures of all agents, in the run's order of agents.

    One row per seed (low, high: bootstrap over users) and one pooled (seed null: mean over seeds, with a t
    interval over seeds; from a single seed that seed's own interval). Means are over visits. Windows: see
    `windows`. Change points (`adaptation_delay`, visits; `recovery_time`, days), returns (`forgetting`, `savings`)
    and new users (`cold_start_plateau`; `cold_start_learned`, visits) are put together over seeds instead. Delays are
    censored where value and high are null and low is the last visit or day looked at. `act_p50`, `act_p99`
    (seconds) and `peak_memory` (bytes) have no interval within a seed. Where there is nothing to measure (no change
    points, no item space, no loss to recover from) there is no row.
    """
    parts, weights = windows(run), _weights(run)
    shelves = {seed: shelf(run, seed) for seed in run.seeds}
    rows: list[Row] = []
    for agent in run.agents:
        rows += _agent_rows(run, agent, parts, weights, shelves)
    schema = ["agent", "seed", "metric", "window", "value", "low", "high"]
    types = {"seed": pl.Int64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=schema, schema_overrides=types, orient="row")


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
        found[seed] = (users, poisson_weights(users, seed))
    return found


def _agent_rows(
    run: RunFolder,
    agent: str,
    parts: tuple[Window, ...],
    weights: dict[int, tuple[Int64s, Floats]],
    shelves: dict[int, Shelf],
) -> Iterator[Row]:
    known = {seed: beliefs(run, agent, seed) for seed in run.seeds}
    heat = temperature(list(known.values()))
    found: dict[tuple[str, str], list[tuple[int, Estimate]]] = {}
    by_visit: list[ChangeCurve] = []
    by_day: list[ChangeCurve] = []
    returning: list[Lives] = []
    fresh: list[Lives] = []
    for seed in run.seeds:
        visits = judged_visits(run, agent, seed)
        seen = slates(run, agent, seed, visits)
        shown = with_shown(visits, seen, shelves[seed], run.judged[0])
        own = window_means(shown, parts, *weights[seed])
        own |= window_means(_tracked(visits, known[seed], heat), parts, *weights[seed])
        own |= _catalogue(visits, seen, shelves[seed], parts, weights[seed][0])
        for key, estimate in own.items():
            found.setdefault(key, []).append((seed, estimate))
        by_visit.append(curve_of(visits))
        by_day.append(curve_of(visits, by_day=True))
        returning.append(changing(run, agent, seed, visits))
        fresh.append(new(visits))
    for (metric, window), estimates in found.items():
        yield from ((agent, seed, metric, window, *_limits(estimate)) for seed, estimate in estimates)
        yield agent, None, metric, window, *_limits(_pooled([estimate for _, estimate in estimates]))
    for metric, curves in (("adaptation_delay", by_visit), ("recovery_time", by_day)):
        yield from _delays(run, agent, metric, curves)
    yield from _returns(run, agent, returning)
    yield from _first_visits(run, agent, fresh)
    yield from _costs(run, agent)


def _catalogue(
    visits: pl.DataFrame, seen: Slates, shelf: Shelf, parts: tuple[Window, ...], users: Int64s
) -> dict[tuple[str, str], Estimate]:
    """What all users together were shown, and what each took, by (metric, window); by stretches of days only."""
    user = np.searchsorted(users, visits["user"].to_numpy())
    holds = {part: part.holds(visits) for part in parts if part.days}
    found = {
        (metric, part.name): estimate
        for part, rows in holds.items()
        if part.days
        for metric, estimate in catalogue_use(seen.items[rows], user[rows], shelf.holds(*part.days)).items()
    }
    thirds = {part.name: rows for part, rows in holds.items() if part.name != "all"}
    entropies = topic_entropy(user, seen, shelf, thirds)
    return found | {key: estimate for key, estimate in entropies.items() if isfinite(estimate.value)}


def _tracked(visits: pl.DataFrame, known: Beliefs, heat: float) -> pl.DataFrame:
    """The judged visits whose beliefs were probed, with the measures of tracking."""
    probed = pl.DataFrame(
        {
            "user": known.user,
            "visit": known.visit,
            "tracking_error": tracking_error(known.scores, known.utility, heat),
            "rank_correlation": rank_correlation(known.scores, known.utility),
            "belief_entropy_excess": belief_entropy(known.scores, known.utility, heat).excess,
        }
    )
    believed, true = (topic_scores(each, known.dominant) for each in (known.scores, known.utility))
    if true.shape[1] > TOP:  # with three topics or fewer every belief recalls them all
        probed = probed.with_columns(topic_recall=topic_recall(believed, true))
    columns = ["user", "visit", "time", "group", "since_change"]
    return visits.select(columns).join(probed, on=["user", "visit"], how="inner", maintain_order="left")


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
