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
from driftline.scenarios.experiment.units import units_of
from driftline.scenarios.grade.rows import Row
from driftline.sim.errors import InputError

START = 100
"""Users seen before an always-valid method speaks."""
SWITCHBACK = "switchback (paired t)"
GRADED = ("mean", "ratio")
"""What procedures must estimate to be compared with a truth in reward a visit."""


def experiment_rows(
    visits: pl.DataFrame,
    design: Design,
    training: Training,
    truths: dict[str, float],
    days: float,
    own: Sequence[Procedure] = (),
) -> Iterator[Row]:
    """A row for every (method, truth).

    visits: a mixed run (`play.SCHEMA`). truths: by name, such as `global`; under `null` both arms are the same agent.
    own: procedures of the user's own.
    """
    for method, found in readings(visits, design, days, own).items():
        told = cautioned(found, design, training)
        for name, truth in truths.items():
            yield Row.of("experiment", method, name, f"{design.kind}, {training}", told, truth)


def readings(visits: pl.DataFrame, design: Design, days: float, own: Sequence[Procedure] = ()) -> dict[str, Estimate]:
    """B - A in reward a visit by every procedure that fits the design; `own` ones beside ours."""
    if design.copies > 1:
        return {f"{design.copies} copies (CR2)": verdict(visits, design, "reward", 0.0, days)}
    if design.kind != "user":
        name = {"cluster": "cluster (CR2)", "switchback": SWITCHBACK, "interleave": "interleaving"}
        return {name[design.kind]: verdict(visits, design, "reward", 0.0, days)}
    try:
        units = units_of(visits.filter(pl.col("analysed")), "reward")
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
