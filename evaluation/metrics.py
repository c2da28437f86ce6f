"""Every measure of a run as one frame: agent, seed, metric, window, value, low, high."""

from collections.abc import Iterator
from math import isfinite, isnan

import numpy as np
import polars as pl

from driftline.evaluation.drift.adaptation import Delay, delay
from driftline.evaluation.drift.change_curve import ChangeCurve, Rule, stacked
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import bootstrap_ratio, poisson_weights, t_interval
from driftline.evaluation.run_folder import RunFolder
from driftline.evaluation.tracking import Beliefs, beliefs, fit_temperature, rank_correlation, tracking_error
from driftline.evaluation.visits import curve_of, judged_visits
from driftline.evaluation.windows import Window, windows
from driftline.sim.types import Floats

Row = tuple[str, int | None, str, str, float | None, float | None, float | None]

MEASURES = {
    "reward": "reward",
    "ctr": "click",
    "regret": "regret",
    "regret_in_item_space": "regret_in_item_space",
    "tracking_error": "tracking_error",
    "rank_correlation": "rank_correlation",
}
"""Metrics that are means over visits, and the column of each."""
TEMPERATURE_ROWS = 4096


def metrics(run: RunFolder) -> pl.DataFrame:
    """All measures of all agents, in the run's order of agents.

    One row per seed (low, high: bootstrap over users) and one pooled (seed null: mean over seeds, with a t
    interval over seeds; from a single seed that seed's own interval). Means are over visits. Windows: see
    `windows`. `adaptation_delay` (visits) and `recovery_time` (days) pool change points over seeds instead,
    and are censored where value and high are null and low is the last visit or day looked at. `act_p50`,
    `act_p99` (seconds) and `peak_memory` (bytes) have no interval within a seed. Where there is nothing to
    measure (no change points, no item space, no loss to recover from) there is no row.
    """
    parts, weights = windows(run), _weights(run)
    rows: list[Row] = []
    for agent in run.agents:
        rows += _agent_rows(run, agent, parts, weights)
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


def _weights(run: RunFolder) -> dict[int, tuple[Floats, Floats]]:
    """Each seed's users and their bootstrap counts, shared by all agents."""
    found = {}
    for seed in run.seeds:
        users = np.sort(run.users(seed).select("user").collect()["user"].to_numpy())
        found[seed] = (users, poisson_weights(users, seed))
    return found


def _agent_rows(
    run: RunFolder, agent: str, parts: tuple[Window, ...], weights: dict[int, tuple[Floats, Floats]]
) -> Iterator[Row]:
    known = {seed: beliefs(run, agent, seed) for seed in run.seeds}
    heat = temperature(list(known.values()))
    found: dict[tuple[str, str], list[tuple[int, Estimate]]] = {}
    by_visit: list[ChangeCurve] = []
    by_day: list[ChangeCurve] = []
    for seed in run.seeds:
        visits = judged_visits(run, agent, seed)
        for frame in (visits, _tracked(visits, known[seed], heat)):
            for key, estimate in _means(frame, parts, *weights[seed]):
                found.setdefault(key, []).append((seed, estimate))
        by_visit.append(curve_of(visits))
        by_day.append(curve_of(visits, by_day=True))
    for (metric, window), estimates in found.items():
        yield from ((agent, seed, metric, window, *_limits(estimate)) for seed, estimate in estimates)
        yield agent, None, metric, window, *_limits(_pooled([estimate for _, estimate in estimates]))
    for metric, curves in (("adaptation_delay", by_visit), ("recovery_time", by_day)):
        yield from _delays(run, agent, metric, curves)
    yield from _costs(run, agent)


def _tracked(visits: pl.DataFrame, known: Beliefs, heat: float) -> pl.DataFrame:
    """The judged visits whose beliefs were probed, with both measures of tracking."""
    probed = pl.DataFrame(
        {
            "user": known.user,
            "visit": known.visit,
            "tracking_error": tracking_error(known.scores, known.utility, heat),
            "rank_correlation": rank_correlation(known.scores, known.utility),
        }
    )
    columns = ["user", "visit", "time", "group", "since_change"]
    return visits.select(columns).join(probed, on=["user", "visit"], how="inner", maintain_order="left")


def _means(
    frame: pl.DataFrame, parts: tuple[Window, ...], users: Floats, weights: Floats
) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """Mean over visits of each measure in each window, bootstrapped over users in one go."""
    code = np.searchsorted(users, frame["user"].to_numpy())
    masks = [(part.name, part.holds(frame)) for part in parts]
    keys, totals, counts = [], [], []
    for metric, column in MEASURES.items():
        if column not in frame.columns:
            continue
        values = frame[column].cast(pl.Float64).to_numpy()
        there = ~np.isnan(values)
        for window, mask in masks:
            rows = mask & there
            if rows.any():
                keys.append((metric, window))
                totals.append(np.bincount(code[rows], values[rows], minlength=len(users)))
                counts.append(np.bincount(code[rows], minlength=len(users)).astype(np.float64))
    if not keys:
        return
    resampled = bootstrap_ratio(np.stack(totals), np.stack(counts), weights)
    yield from ((key, resampled.estimate(k)) for k, key in enumerate(keys))


def _delays(run: RunFolder, agent: str, metric: str, curves: list[ChangeCurve]) -> Iterator[Row]:
    for seed, curve in zip(run.seeds, curves, strict=True):
        found = delay(curve, Rule(), seed)
        if not isnan(found.value):
            yield agent, seed, metric, "all", *_delay_limits(found)
    pooled = delay(stacked(curves), Rule(), run.seeds[0])
    if not isnan(pooled.value):
        yield agent, None, metric, "all", *_delay_limits(pooled)


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
