"""The three truths of an experiment, from twin runs of one seed. Only a simulator can give them."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from driftline.evaluation.estimate import Estimate, paired_t, t_interval
from driftline.scenarios.experiment.verdict import in_window

TRUTHS = ("individual", "exposure", "global")
"""individual: what arm B does to a user when nearly everybody else stays in A. exposure: at this experiment's own
share, which is what an A/B test estimates. global: everybody in B against everybody in A, which is what one wants."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Visits of runs of one seed, which share every random number; see `play.SCHEMA`."""

    mixed: Sequence[pl.DataFrame]
    """One for each turn of the assignment, so that every unit is met in both arms."""
    few: pl.DataFrame
    """A few users in B, the rest in A."""
    all_a: pl.DataFrame
    all_b: pl.DataFrame


def true_effects(
    twins: Twins, metric: str, since: float, until: float, interleaved: bool = False
) -> dict[str, Estimate]:
    """B - A by each truth, and `interference` = exposure - global: mean over users of paired differences.

    Where no visit was shown one arm only (interleaving), there is no effect at this exposure, nor interference.
    since, until: days from the end of the warm-up that count. A user counts once, whatever its number of visits; one
    without a visit in both arms is left out. Intervals are Student's over users: what both arms' agents share differs
    between seeds, so only several seeds tell how much that moves.
    """
    part = [in_window(frame, since, until) for frame in (*twins.mixed, twins.few, twins.all_a, twins.all_b)]
    mixed, few, all_a, all_b = pl.concat(part[:-3]), *part[-3:]
    whole = _paired(_means(all_a, metric, "a"), _means(all_b, metric, "b"))
    alone = _paired(_means(all_a, metric, "a"), _means(few.filter(pl.col("shown")), metric, "b"))
    here = _paired(
        _means(mixed.filter(~pl.col("shown")), metric, "a"), _means(mixed.filter(pl.col("shown")), metric, "b")
    )
    truths = {
        "individual": _estimate(alone, "twins of the few"),
        "exposure": _estimate(here, "twins at this exposure"),
        "global": _estimate(whole, "all B against all A"),
    }
    if interleaved:
        return {name: truths[name] for name in ("individual", "global")}
    both = here.join(whole, on="user", suffix="_whole").sort("user")
    gap = both["b"] - both["a"] - both["b_whole"] + both["a_whole"]
    return {**truths, "interference": t_interval(gap.to_numpy())}


def _means(visits: pl.DataFrame, metric: str, name: str) -> pl.DataFrame:
    return visits.group_by("user", maintain_order=True).agg(pl.col(metric).cast(pl.Float64).mean().alias(name))


def _paired(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    return a.join(b, on="user").sort("user")


def _estimate(pairs: pl.DataFrame, method: str) -> Estimate:
    found = paired_t(pairs["a"].to_numpy(), pairs["b"].to_numpy())
    return Estimate(found.value, found.std_error, found.low, found.high, found.n, method)
