"""Every way of analysing an experiment on the same visits, beside the truths of that very world."""

from collections.abc import Callable, Iterator
from math import nan

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment import (
    bootstrap,
    confidence_sequence,
    cuped,
    msprt,
    peeked_t,
    post_stratified,
    ratio,
    welch,
)
from driftline.evaluation.experiment._always_valid import Running
from driftline.scenarios.experiment.design import Design, Training
from driftline.scenarios.experiment.outcome import cautioned, verdict
from driftline.scenarios.grade.rows import Row
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

START = 100
"""Users seen before an always-valid method speaks."""
TAU = 0.05
"""Standard deviation of effects that the mSPRT expects, in reward a visit."""


def experiment_rows(
    visits: pl.DataFrame,
    design: Design,
    training: Training,
    before: pl.DataFrame,
    truths: dict[str, float],
    days: float,
) -> Iterator[Row]:
    """A row for every (method, truth).

    visits: a mixed run (`play.SCHEMA`). before: user, covariate, stratum from the warm-up. truths: by name, such as
    `global`; under `null` both arms are the same agent.
    """
    for method, found in readings(visits, design, before, days).items():
        told = cautioned(found, design, training)
        for name, truth in truths.items():
            yield Row.of("experiment", method, name, f"{design.kind}, {training}", told, truth)


def readings(visits: pl.DataFrame, design: Design, before: pl.DataFrame, days: float) -> dict[str, Estimate]:
    """B - A in reward a visit by every method that fits the design."""
    if design.copies > 1:
        return {f"{design.copies} copies (CR2)": verdict(visits, design, "reward", 0.0, days)}
    if design.kind != "user":
        name = {"cluster": "cluster (CR2)", "switchback": "switchback (block t)", "interleave": "interleaving"}
        return {name[design.kind]: verdict(visits, design, "reward", 0.0, days)}
    users = (
        visits.filter(pl.col("analysed"))
        .group_by("user", maintain_order=True)
        .agg(
            pl.col("reward").cast(pl.Float64).mean().alias("mean"),
            pl.col("reward").cast(pl.Float64).sum().alias("total"),
            pl.len().cast(pl.Float64).alias("visits"),
            pl.col("meant").first(),
            pl.col("day").min().alias("first"),
        )
        .join(before, on="user", how="left")
        .sort("first", "user")
    )
    value, arm = users["mean"].to_numpy(), users["meant"].to_numpy().astype(np.int64)
    covariate = users["covariate"].fill_null(users["covariate"].mean()).to_numpy()
    stratum = users["stratum"].fill_null(0).to_numpy()
    methods: dict[str, Callable[[], Estimate]] = {
        "welch": lambda: welch(value, arm),
        "cuped": lambda: cuped(value=value, arm=arm, covariate=covariate),
        "post-stratified": lambda: post_stratified(value=value, arm=arm, stratum=stratum),
        "ratio (delta)": lambda: ratio(
            numerator=users["total"].to_numpy(), denominator=users["visits"].to_numpy(), arm=arm
        ),
        "bootstrap": lambda: bootstrap(value=value, arm=arm, replicates=400, interval="percentile"),
        "msprt": lambda: msprt(value, arm, tau=TAU, start=START).last(),
        "confidence sequence": lambda: confidence_sequence(value, arm, planned=len(value), start=START).last(),
        "welch, peeked": lambda: _stopped(peeked_t(value, arm, start=START)),
        "msprt, peeked": lambda: _stopped(msprt(value, arm, tau=TAU, start=START)),
        "confidence sequence, peeked": lambda: _stopped(
            confidence_sequence(value, arm, planned=len(value), start=START)
        ),
    }
    return {name: _tried(method) for name, method in methods.items()}


def warmup_covariates(user: Int64s, click: Floats) -> pl.DataFrame:
    """What is known of users before the experiment: their click rate, and a stratum of how often they came."""
    frame = pl.DataFrame({"user": user, "click": click})
    seen = (
        frame.group_by("user", maintain_order=True)
        .agg(pl.col("click").mean().alias("covariate"), pl.len().alias("visits"))
        .sort("user")
    )
    return seen.with_columns((pl.col("visits").rank("ordinal") * 4 // (pl.len() + 1)).alias("stratum")).drop("visits")


def _stopped(running: Running) -> Estimate:
    """As told by someone who looks after every user and stops at the first interval without 0."""
    out = np.flatnonzero(running.excludes_zero(START))
    return running.at(START + int(out[0])) if out.size else running.last()


def _tried(method: Callable[[], Estimate]) -> Estimate:
    try:
        return method()
    except InputError as problem:
        return Estimate(nan, nan, nan, nan, 0, "", (str(problem),))
