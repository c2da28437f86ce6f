"""Twin worlds compared: what each single user gains when agent `b` replaces agent `a`.

All randomness is keyed, so the two runs of a seed hold the same users leading the same lives; their
difference is each user's own effect, with the noise that they share removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, nan

import numpy as np
import polars as pl

from driftline.evaluation.estimate import (
    ENOUGH_SEEDS,
    Estimate,
    paired_t,
    smallest_difference,
    stratified_t,
    t_interval,
)
from driftline.evaluation.metrics._base import VISIT_METRICS, Metric, values_of
from driftline.evaluation.metrics._table import BUILT_IN, own_metrics
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import JudgedAgent
from driftline.sim.errors import hint
from driftline.sim.types import Floats


@dataclass(frozen=True)
class Comparison:
    """How `b` differs from `a` in one metric; positive means that `b` has more of it."""

    a: str
    b: str
    metric: str
    effects: pl.DataFrame
    """One row per user and seed met in both worlds: seed, user, a, b (means over its visits), effect."""
    missing: pl.DataFrame
    """Users met in one world only: seed, user, absent_from. They are left out above."""
    difference: Estimate
    """Mean effect, all users counting alike; interval by paired t over seeds (one seed: over its users): would another
    world of this scenario say the same?"""
    over_users: Estimate
    """The same with the interval over the users of these very worlds, seeds being strata: would other users of them say
    the same?"""
    by_seed: tuple[Estimate, ...]
    """The same within each seed, with the interval over its users (paired t)."""
    ratio: Estimate
    """Mean of b over mean of a: geometric mean over seeds, interval by t on the log ratios.

    NaN where a mean is not positive; no interval from a single seed.
    """
    variance_reduction: float
    """(var a + var b) / var(b - a) over users, pooled within seeds: how many times the users an unpaired
    experiment needs for the same precision. Infinite if every effect is the same."""
    smallest_difference: float
    """The smallest true difference that these seeds show with 80 % power (two-sided 5 % t test)."""
    notes: tuple[str, ...]
    """What a reader must know, in plain words; empty if nothing."""


def compare(run: RunFolder, a: str, b: str, metric: str = "reward", seeds: Sequence[int] | None = None) -> Comparison:
    """Compare two agents of one run, user by user.

    metric: a metric of single visits: one of ours, one that the run's scenario names, or `package.module:Class`. The
    unit is a user's mean over its own judged visits (the sum of a metric that is `summed`), so a user with few visits
    counts as much as one with many (`metrics` counts visits alike: the two differ where visits per user do). A user
    without any value in a world is missing from it. seeds: None for all that the run has.

    Raises:
        ValueError: there is no such metric of single visits, or the run lacks a seed.
    """
    wanted = run.seeds if seeds is None else tuple(seeds)
    for seed in wanted:
        if seed not in run.seeds:
            raise ValueError(f"no seed {seed} in {run.path}; it has {', '.join(map(str, run.seeds))}")
    measured = _metric(run, metric)
    agents = JudgedAgent(run, a), JudgedAgent(run, b)
    worlds = [_world(*agents, seed, measured) for seed in wanted]
    effects = pl.concat([both for both, _ in worlds])
    missing = pl.concat([absent for _, absent in worlds])
    if effects.is_empty():
        raise ValueError(f"{a} and {b} share no user in {run.path}")
    pairs = [(both["a"].to_numpy(), both["b"].to_numpy()) for both, _ in worlds if len(both)]
    by_seed = tuple(paired_t(x, y) for x, y in pairs)
    difference = by_seed[0] if len(pairs) == 1 else t_interval(np.array([found.value for found in by_seed]))
    return Comparison(
        a=a,
        b=b,
        metric=measured.id,
        effects=effects,
        missing=missing,
        difference=difference,
        over_users=stratified_t(by_seed),
        by_seed=by_seed,
        ratio=_ratio(pairs),
        variance_reduction=_variance_reduction(pairs),
        smallest_difference=smallest_difference(difference.std_error, difference.n),
        notes=_notes(a, b, missing, len(pairs)),
    )


def _metric(run: RunFolder, name: str) -> Metric:
    if ":" in name:
        return next(iter(own_metrics([name])), None) or VISIT_METRICS.find(name)()
    known = {**BUILT_IN, **{each.id: each for each in own_metrics(run.own_metrics)}}
    if name not in known:
        raise ValueError(f"no metric of single visits {name!r}; {hint(name, known)}")
    return known[name]


def _world(a: JudgedAgent, b: JudgedAgent, seed: int, metric: Metric) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both twins' user means of one seed, and who is missing in one of them."""
    means_a, means_b = _user_means(a, seed, metric), _user_means(b, seed, metric)
    both = (
        means_a.rename({"mean": "a"})
        .join(means_b.rename({"mean": "b"}), on="user", how="inner")
        .sort("user")
        .select(
            pl.lit(seed, pl.Int64).alias("seed"),
            "user",
            "a",
            "b",
            (pl.col("b") - pl.col("a")).alias("effect"),
        )
    )
    absent = pl.concat(
        [
            means_a.join(means_b, on="user", how="anti").select("user", pl.lit(b.agent).alias("absent_from")),
            means_b.join(means_a, on="user", how="anti").select("user", pl.lit(a.agent).alias("absent_from")),
        ]
    ).sort("user")
    return both, absent.select(pl.lit(seed, pl.Int64).alias("seed"), "user", "absent_from")


def _user_means(agent: JudgedAgent, seed: int, metric: Metric) -> pl.DataFrame:
    judged = agent.of(seed)
    visits = judged.visits.select("user", value=pl.Series(values_of(metric, judged), nan_to_null=True)).drop_nulls()
    value = pl.col("value").sum() if metric.summed else pl.col("value").mean()
    return visits.group_by("user", maintain_order=True).agg(value.alias("mean"))


def _variance_reduction(pairs: list[tuple[Floats, Floats]]) -> float:
    """Ratio of the unpaired variance to the paired one, degrees of freedom pooled over seeds."""
    unpaired = sum(float(np.sum((x - x.mean()) ** 2) + np.sum((y - y.mean()) ** 2)) for x, y in pairs)
    paired = sum(float(np.sum((y - x - (y - x).mean()) ** 2)) for x, y in pairs)
    if paired == 0.0:
        return inf
    return unpaired / paired


def _ratio(pairs: list[tuple[Floats, Floats]]) -> Estimate:
    means = np.array([(x.mean(), y.mean()) for x, y in pairs])
    if (means <= 0).any():
        return Estimate(nan, nan, nan, nan, len(pairs))
    logs = t_interval(np.log(means[:, 1] / means[:, 0]))
    value = exp(logs.value)
    return Estimate(value, value * logs.std_error, _exp(logs.low), _exp(logs.high), logs.n)


def _exp(x: float) -> float:
    """The interval of a ratio from two seeds can reach beyond what a float holds."""
    return inf if x > 700.0 else exp(x)


def _notes(a: str, b: str, missing: pl.DataFrame, seeds: int) -> tuple[str, ...]:
    notes = []
    if seeds == 1:
        notes.append("one seed only: the interval is over its users and says nothing about other worlds")
    elif seeds < ENOUGH_SEEDS:
        notes.append(
            f"{seeds} seeds only: the interval over seeds asks whether another world would say the same, and can "
            "hardly tell; the one over users asks whether other users of these very worlds would"
        )
    for agent in (a, b):
        absent = missing.filter(pl.col("absent_from") == agent)
        if len(absent):
            shown = ", ".join(str(user) for user in absent["user"].head(3))
            notes.append(f"{len(absent)} users are missing under {agent} and left out (for example {shown})")
    return tuple(notes)
