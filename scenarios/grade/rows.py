"""One verdict of one method in one replication, beside the truth; and all of them summed up, with Monte-Carlo error."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.sim.types import Floats


@dataclass(frozen=True, slots=True)
class Row:
    """A number, its interval and the truth it was after."""

    family: str
    """`off_policy`, `experiment`, or `drift` (`dose.drift_rows`)."""
    method: str
    target: str
    """What it is a number of: past, present, next_period; or a truth of experiments and a training."""
    policy: str
    """Target policy, or design and training."""
    value: float
    std_error: float
    low: float
    high: float
    truth: float
    warned: bool

    @classmethod
    def of(cls, family: str, method: str, target: str, policy: str, found: Estimate, truth: float) -> "Row":
        """From an estimate."""
        return cls(
            family,
            method,
            target,
            policy,
            found.value,
            found.std_error,
            found.low,
            found.high,
            truth,
            bool(found.warnings),
        )


KEYS = ["family", "method", "target", "policy"]


def grades(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per (family, method, target, policy): how far its numbers and intervals are from the truth.

    `n`: replications with a number. `bias` = mean(value - truth), `bias_error` its Monte-Carlo standard error; `sd` of
    the errors; `rmse`; `coverage`: share of intervals with the truth in them, and its error; `width`: mean; `warned`:
    share with a warning or without a number; `rejected`: share of intervals without 0 (power where there is an effect,
    type I error where there is none); `type_s`: share of those whose sign is wrong; `type_m`: mean |value| of those
    over mean |truth| (Gelman & Carlin 2014), null where every truth is 0.
    """
    error = pl.col("value") - pl.col("truth")
    known = pl.col("value").is_finite()
    told = known & pl.col("low").is_finite() & pl.col("high").is_finite()
    holds = (pl.col("low") <= pl.col("truth")) & (pl.col("high") >= pl.col("truth"))
    rejects = told & ((pl.col("low") > 0.0) | (pl.col("high") < 0.0))
    wrong = rejects & (pl.col("value") * pl.col("truth") < 0.0)
    found = rows.group_by(KEYS, maintain_order=True).agg(
        known.sum().alias("n"),
        error.filter(known).mean().alias("bias"),
        (error.filter(known).std() / known.sum().sqrt()).alias("bias_error"),
        error.filter(known).std().alias("sd"),
        (error.filter(known) ** 2).mean().sqrt().alias("rmse"),
        holds.filter(told).mean().alias("coverage"),
        (pl.col("high") - pl.col("low")).filter(told).mean().alias("width"),
        (pl.col("warned") | ~known).mean().alias("warned"),
        rejects.mean().alias("rejected"),
        (wrong.sum() / rejects.sum()).alias("type_s"),
        pl.when((pl.col("truth") != 0.0).any())
        .then(pl.col("value").filter(rejects).abs().mean() / pl.col("truth").abs().mean())
        .alias("type_m"),
        pl.col("truth").mean().alias("truth"),
    )
    share = pl.col("coverage")
    return found.with_columns((share * (1 - share) / pl.col("n")).sqrt().alias("coverage_error"))


def selection(rows: pl.DataFrame) -> pl.DataFrame:
    """How well each off-policy method chooses among the target policies: one row per (method, target).

    `rank_correlation`: mean Spearman correlation of estimated and true values over replications; `regret_at_1`: mean
    true value lost by taking the policy estimated best; `sharpe_at_2`: (best true value among the top two - the lowest
    of all) / sd of the true values of those two (after Kiyohara et al. 2024), mean. Each with its standard error.
    """
    part = rows.filter((pl.col("family") == "off_policy") & pl.col("value").is_finite())
    out = []
    for (method, target), group in part.group_by("method", "target", maintain_order=True):
        verdicts = [
            _choice(each["value"].to_numpy(), each["truth"].to_numpy())
            for _, each in group.group_by("seed", maintain_order=True)
            if len(each) > 1
        ]
        if verdicts:
            table = np.array(verdicts)
            mean, error = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(len(table))
            names = ("rank_correlation", "regret_at_1", "sharpe_at_2")
            cells = {name: float(mean[k]) for k, name in enumerate(names)}
            cells |= {f"{name}_error": float(error[k]) for k, name in enumerate(names)}
            out.append({"method": method, "target": target, "n": len(table), **cells})
    return pl.DataFrame(out)


def _choice(value: Floats, truth: Floats) -> tuple[float, float, float]:
    ranks = np.argsort(np.argsort(value)), np.argsort(np.argsort(truth))
    best = np.argsort(-value, kind="stable")
    top = truth[best[:2]]
    spread = float(top.std())
    sharpe = (float(top.max()) - float(truth.min())) / spread if spread > 0.0 else 0.0
    return float(np.corrcoef(*ranks)[0, 1]), float(truth.max() - truth[best[0]]), sharpe
