"""What a grading found, each a number with its interval over the worlds and a sentence that says no more."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import polars as pl
from scipy.special import bdtr, chdtri

from driftline.evaluation.estimate import LEVEL, t_interval
from driftline.scenarios.grade.dose import DOSES, LEARNING
from driftline.scenarios.grade.experiments import SWITCHBACK
from driftline.sim.types import Floats


@dataclass(frozen=True, slots=True)
class Finding:
    """One number that the sentence is about, with its 95 % interval over the worlds."""

    name: str
    value: float
    low: float
    high: float
    n: int
    text: str
    stated: bool = True
    """Whether these worlds tell it: the interval excludes 0."""


def findings(rows: pl.DataFrame, boldest: str) -> tuple[Finding, ...]:
    """`stale`, `dose`, `together`, `memory`, `apart`; one that the rows do not speak of is left out.

    What these worlds do not tell (an interval with 0 in it, too few worlds that differ) is marked, and its sentence
    says so first.

    rows: of all replications (`Row` and `seed`). boldest: the target policy with the lowest temperature.
    """
    found = (_stale(rows, boldest), _dose(rows, boldest), _together(rows), _memory(rows), _apart(rows))
    return tuple(_told(each) for each in found if each is not None)


def _told(found: Finding) -> Finding:
    """With the number of worlds in its sentence; one that they do not tell says so first."""
    stated = found.stated and (found.low > 0.0 or found.high < 0.0)
    first = f"{found.n} worlds: " if stated else f"Not told by {found.n} worlds: "
    return replace(found, text=first + found.text, stated=stated)


def _stale(rows: pl.DataFrame, policy: str) -> Finding | None:
    """How far a stationary estimate is from the next period's value."""
    old, new = (_rows_of_cell(rows, method, "next_period", policy) for method in ("ips", "windowed snips"))
    if len(old) < 2:
        return None
    bias = t_interval(_error(old))
    text = (
        f"For the coming period, IPS over the whole log is off by {_signed(bias.value, bias.low, bias.high)} for policy"
        f" {policy!r}, whose true value is {np.mean(old['truth'].to_numpy()):+.3f}; {_share(_covers(old))} of its 95 %"
        " intervals hold the truth."
    )
    if len(new) > 1:
        last = t_interval(_error(new))
        text += (
            f" The last period alone (windowed SNIPS) is off by {_signed(last.value, last.low, last.high)};"
            f" {_share(_covers(new))} hold it."
        )
    return Finding("stale", bias.value, bias.low, bias.high, bias.n, text)


def _dose(rows: pl.DataFrame, policy: str) -> Finding | None:
    """How much of that error is the drift's: the same where nobody drifts, half of the users do, all do."""
    frozen, learning = (
        [_rows_of_cell(rows, "ips", "next_period", f"{name}, drift x {dose:g}") for dose in DOSES]
        for name in (policy, LEARNING)
    )
    ends = frozen[0].join(frozen[-1], on="seed", suffix="_drift")
    if len(ends) < 2 or min(map(len, (*frozen, *learning))) < 2:
        return None
    none, whole = (ends[f"value{of}"].to_numpy() - ends[f"truth{of}"].to_numpy() for of in ("", "_drift"))
    gained = t_interval(whole - none)
    still, half, full = (_off(cell) for cell in frozen)
    text = (
        f"IPS over the whole log is off by {still} for the coming period where nobody drifts, by {half} where half of"
        f" the drifting users do, and by {full} where all do: drift adds"
        f" {_signed(gained.value, gained.low, gained.high)}. For a policy that learns, which knows each user as of the"
        f" last visit, it is off by {', '.join(_off(cell) for cell in learning)}."
    )
    return Finding("dose", gained.value, gained.low, gained.high, gained.n, text)


def _off(cell: pl.DataFrame) -> str:
    found = t_interval(_error(cell))
    return _signed(found.value, found.low, found.high)


def _memory(rows: pl.DataFrame) -> Finding | None:
    """Carry-over told apart from interference: by designs and trainings in which only one of them can be."""
    cells = [
        _rows_of_cell(rows, method, "global", policy)
        for method, policy in (
            (SWITCHBACK, "switchback, snapshot"),
            ("welch", "user, pooled"),
            ("welch", "user, snapshot"),
        )
    ]
    if min(map(len, cells)) < 2:
        return None
    carried = t_interval(_error(cells[0]))
    text = (
        "Only users can remember where both agents are frozen and arms take turns (a switchback): its mean error,"
        f" carry-over, is {_off(cells[0])}. Only agents can carry anything from arm to arm where each user meets one"
        f" arm and both learn from everybody: the mean error of that test, interference, is {_off(cells[1])}. Where"
        f" neither can, it is {_off(cells[2])}."
    )
    return Finding("memory", carried.value, carried.low, carried.high, carried.n, text)


def _together(rows: pl.DataFrame) -> Finding | None:
    """Coverage lost where agents learn together: of the effect of all B against all A by an A/B over users."""
    frozen, pooled = (
        _rows_of_cell(rows, "welch", "global", f"user, {training}") for training in ("snapshot", "pooled")
    )
    both = frozen.join(pooled, on="seed", suffix="_pooled")
    if len(both) < 2:
        return None
    still, moving = _covers(both), _covers(both, "_pooled")
    lost = t_interval(still - moving)
    low, high = max(lost.low, -1.0), min(lost.high, 1.0)
    text = (
        f"An A/B test over users holds the effect of all B against all A in {_share(still)} of worlds while both agents"
        f" are frozen, and in {_share(moving)} while both learn from everybody: a difference of"
        f" {_signed(100 * lost.value, 100 * low, 100 * high, 0)} points."
    )
    realised = [_rows_of_cell(rows, "welch", "realised", f"user, {training}") for training in ("snapshot", "pooled")]
    if all(map(len, realised)):
        text += (
            f" Of the effect that one run realised, chance included, it holds {_share(_covers(realised[0]))} and"
            f" {_share(_covers(realised[1]))}."
        )
    return Finding("together", lost.value, low, high, lost.n, text, _differs(still - moving))


def _differs(difference: Floats) -> bool:
    """Whether an exact sign test of paired shares (McNemar 1947, exact) rejects at 5 %: Student's interval of a few
    worlds that all agree has no width.
    """
    up, down = int((difference > 0).sum()), int((difference < 0).sum())
    return 2.0 * float(bdtr(min(up, down), up + down, 0.5)) <= 1.0 - LEVEL if up + down else False


def _apart(rows: pl.DataFrame) -> Finding | None:
    """How much more an A/A test varies than it says where each arm's agent learns from its own users only."""
    told = _rows_of_cell(rows, "welch", "null", "user, diverted")
    if len(told) < 2:
        return None
    n, value = len(told), told["value"].to_numpy()
    stated = float((told["std_error"].to_numpy() ** 2).mean())
    ratio = sqrt(float(value.var(ddof=1)) / stated)
    # (n - 1) s^2 / sigma^2 is chi-square: the interval of a standard deviation.
    low, high = (ratio * sqrt((n - 1) / float(chdtri(n - 1, tail))) for tail in (0.025, 0.975))
    rejects = (told["low"].to_numpy() > 0.0) | (told["high"].to_numpy() < 0.0)
    text = (
        f"Two copies of one agent that learn from their own arm's users alone differ {ratio:.2f} times [{low:.2f},"
        f" {high:.2f}] as much as Welch's standard error says; {_share(rejects.astype(np.float64))} of such A/A tests"
        " are significant at 5 %."
    )
    return Finding("apart", ratio - 1.0, low - 1.0, high - 1.0, n, text)


def _rows_of_cell(rows: pl.DataFrame, method: str, target: str, policy: str) -> pl.DataFrame:
    """The finite verdicts of one method, one a seed."""
    wanted = (pl.col("method") == method) & (pl.col("target") == target) & (pl.col("policy") == policy)
    return rows.filter(wanted & pl.col("value").is_finite() & pl.col("low").is_finite()).sort("seed")


def _error(cell: pl.DataFrame) -> Floats:
    return np.asarray(cell["value"].to_numpy() - cell["truth"].to_numpy())


def _covers(cell: pl.DataFrame, suffix: str = "") -> Floats:
    low, high, truth = (cell[name + suffix].to_numpy() for name in ("low", "high", "truth"))
    return ((low <= truth) & (truth <= high)).astype(np.float64)


def _share(hits: Floats) -> str:
    return f"{100 * hits.mean():.0f} %"


def _signed(value: float, low: float, high: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
