"""Every way of analysing an experiment on the same visits, beside the truths of that very world."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import nan

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment import Running, peeked_t
from driftline.evaluation.procedures._base import AnytimeProcedure, Procedure, Units, built_in
from driftline.scenarios.experiment.design import Design, Training
from driftline.scenarios.experiment.readings import cautioned, verdict
from driftline.scenarios.grade.rows import Row
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

START = 100
"""Users seen before an always-valid method speaks."""
GRADED = ("mean", "ratio")
"""What procedures must estimate to be compared with a truth in reward a visit."""


def experiment_rows(
    visits: pl.DataFrame,
    design: Design,
    training: Training,
    before: pl.DataFrame,
    truths: dict[str, float],
    days: float,
    own: Sequence[Procedure] = (),
) -> Iterator[Row]:
    """A row for every (method, truth).

    visits: a mixed run (`play.SCHEMA`). before: user, covariate, stratum from the warm-up. truths: by name, such as
    `global`; under `null` both arms are the same agent. own: procedures of the user's own.
    """
    for method, found in readings(visits, design, before, days, own).items():
        told = cautioned(found, design, training)
        for name, truth in truths.items():
            yield Row.of("experiment", method, name, f"{design.kind}, {training}", told, truth)


def readings(
    visits: pl.DataFrame, design: Design, before: pl.DataFrame, days: float, own: Sequence[Procedure] = ()
) -> dict[str, Estimate]:
    """B - A in reward a visit by every procedure that fits the design; `own` ones beside ours."""
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
    covariate = users["covariate"].fill_null(users["covariate"].mean()).to_numpy()
    stratum = users["stratum"].fill_null(0).to_numpy()
    try:
        units = Units(
            users["mean"].to_numpy(),
            users["meant"].to_numpy(),
            numerator=users["total"].to_numpy(),
            denominator=users["visits"].to_numpy(),
            covariate=covariate,
            stratum=stratum,
        )
    except InputError as problem:
        return {each.name: _refused(problem) for each in (*built_in(), *own) if each.estimand in GRADED}
    return dict(_of_users(units, [each for each in (*built_in(), *own) if each.estimand in GRADED]))


def _of_users(units: Units, procedures: Sequence[Procedure]) -> Iterator[tuple[str, Estimate]]:
    """Every procedure that these units allow; those that may be looked at any time also as told by an impatient one."""
    fixed = partial(peeked_t, units.value, units.arm, start=START)
    peeked: list[tuple[str, Callable[[], Running]]] = [("welch", fixed)]
    for procedure in procedures:
        if units.has(procedure.needs):
            yield procedure.name, _tried(partial(procedure.effect, units))
            if isinstance(procedure, AnytimeProcedure):
                peeked.append((procedure.name, partial(procedure.running, units)))
    for name, running in peeked:
        yield f"{name}, peeked", _tried(partial(_stopped, running))


def warmup_covariates(user: Int64s, click: Floats) -> pl.DataFrame:
    """What is known of users before the experiment: their click rate, and a stratum of how often they came."""
    frame = pl.DataFrame({"user": user, "click": click})
    seen = (
        frame.group_by("user", maintain_order=True)
        .agg(pl.col("click").mean().alias("covariate"), pl.len().alias("visits"))
        .sort("user")
    )
    return seen.with_columns((pl.col("visits").rank("ordinal") * 4 // (pl.len() + 1)).alias("stratum")).drop("visits")


def _stopped(look: Callable[[], Running]) -> Estimate:
    """As told by someone who looks after every user and stops at the first interval without 0."""
    running = look()
    out = np.flatnonzero(running.excludes_zero(START))
    return running.at(START + int(out[0])) if out.size else running.last()


def _tried(method: Callable[[], Estimate]) -> Estimate:
    try:
        return method()
    except InputError as problem:
        return _refused(problem)


def _refused(problem: InputError) -> Estimate:
    return Estimate(nan, nan, nan, nan, 0, "", (str(problem),))
