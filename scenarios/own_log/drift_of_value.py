"""A log with times: whether the target policy's value moved, what it is at present, and what it may be next."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from driftline.evaluation.nonstationary import past_average, prognosticator, sliding_window
from driftline.evaluation.off_policy import Rounds
from driftline.scenarios.own_log.verdict import Check, Finding
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

PERIODS = 10
"""How many periods a log is cut into where no length is stated."""

ROUNDING = 1e-9
"""A time this near to the start of a period, as a share of its length, lies on it."""
LINE = 2
"""Periods with a value that a straight line needs."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The log cut into periods of one length, counted back from its end."""

    length: float
    number: Int64s
    """Of each round [n], from 0; -1 for rounds of a first period that is not whole."""


def periods_of(time: Floats, length: float | None, unit: str) -> Periods | None:
    """Whole periods; null where all rounds have one time.

    Raises:
        InputError: a length that is not above 0, or of which fewer than two fit.
    """
    span = float(time.max() - time.min())
    if length is not None and not length > 0.0:
        raise InputError(f"period = {length:g}: must be > 0 {unit}")
    if length is not None and 2.0 * length > span * (1.0 + ROUNDING):
        raise InputError(f"period = {length:g}: at least two must fit into the log's {span:g} {unit}")
    if span == 0.0:
        return None
    long = span / PERIODS if length is None else length
    whole = int(np.floor(span / long + ROUNDING))
    back = np.floor((time.max() - time) / long + ROUNDING).astype(np.int64)
    back[np.isclose(time.max() - time, whole * long, rtol=ROUNDING) & (back == whole)] = whole - 1
    return Periods(long, np.where(back < whole, whole - 1 - back, -1))


def drift_check(rounds: Rounds, time: Floats, cut: Periods | None, unit: str) -> Check:
    """Whether the value of the target policy differs between older and newer rounds."""
    if cut is None:
        return Check("drift", "every row has the same time")
    found = past_average(
        reward=rounds.reward,
        pscore=rounds.need("pscore", "drift"),
        target_pscore=rounds.need("target_pscore", "drift"),
        time=time,
        target="present",
        cluster=rounds.cluster,
    )
    moved = tuple(
        f"drift: {line.partition(':')[0]}; the newest and the next period are something else than the log's mean"
        for line in found.warnings
        if line.startswith("the value moved")
    )
    said = "the value moved within the log" if moved else "the value is not seen to move within the log"
    span = f"{time.max() - time.min():.4g} {unit} in {int(cut.number.max()) + 1} periods of {cut.length:.4g}"
    return Check("drift", f"{said}; {span}", moved)


def later_values(rounds: Rounds, time: Floats, cut: Periods, level: float) -> Iterator[Finding]:
    """The newest period alone, and the next one by a straight line through the periods (both self-normalised)."""
    pscore, target_pscore = rounds.need("pscore", "a forecast"), rounds.need("target_pscore", "a forecast")
    newest = sliding_window(
        reward=rounds.reward,
        pscore=pscore,
        target_pscore=target_pscore,
        time=time,
        width=cut.length,
        cluster=rounds.cluster,
        level=level,
    )
    yield Finding("newest period", "windowed snips", newest)
    whole = cut.number >= 0
    if len(np.unique(cut.number[whole & (target_pscore > 0.0)])) < LINE:
        return
    ahead = prognosticator(
        reward=rounds.reward[whole],
        pscore=pscore[whole],
        target_pscore=target_pscore[whole],
        period=cut.number[whole],
        form="nis",
        level=level,
    )
    yield Finding("next period", "prognosticator", ahead)
