"""What every procedure of an experiment must do, asked of one: `check_experiment`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import copysign, isfinite, sqrt
from typing import Any

import numpy as np

from driftline.evaluation.experiment import Effect
from driftline.evaluation.procedures._base import PROCEDURES, AnytimeProcedure, Estimand, Procedure, Units, built
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.errors import InputError

DRAWS, RESAMPLED_DRAWS = 300, 100
"""Experiments drawn for each case and question; of procedures that resample, which take long."""
ALPHA = 0.05
SURE = 4.0
"""A rate may miss its promise by this many standard errors of its Monte Carlo: once in 16,000 for chance alone."""
MARGIN = 0.02
"""p-values this near 5 % may differ from the interval, where both are approximate."""
ROUNDING = 1e-9
WOBBLE = 0.25
"""Share of the interval's width by which resampled limits may move with the order of rows."""


@dataclass(frozen=True, slots=True)
class Case:
    """How experiments are drawn: units, the share of arm B, and how often a value is not 0 (None: normal values)."""

    name: str
    n: int
    share: float
    rate: float | None = None


CASES = (
    Case("equal arms", 600, 0.5),
    Case("10 % arm", 1_500, 0.1),
    Case("rare values", 4_000, 0.1, 0.02),
)
"""Rare values: 2 % of the units convert, in a 10 % arm; to a procedure of quantiles, 2 % of the values are far up."""
FAR_UP = 20.0
PARTS = ("value", "arm", "numerator", "denominator", "covariate", "stratum", "cluster")


def drawn(case: Case, draw: int, effect: float, estimand: Estimand = "mean") -> Units:
    """One experiment. B has `effect` more; the rest of the units is there for whoever needs it.

    estimand: `share` has values of 0 and 1 in every case, `quantile` in none.
    """
    rng = np.random.default_rng([20, draw])
    n = case.n
    arm = np.zeros(n, dtype=bool)
    arm[rng.permutation(n)[: round(case.share * n)]] = True
    covariate = rng.normal(0.0, 1.0, n)
    rate = _converting(case, estimand)
    if rate is not None:
        value = (rng.random(n) < rate + effect * arm).astype(np.float64)
    else:
        value = 2.0 + 0.5 * covariate + rng.normal(0.0, 1.0, n) + effect * arm
        if case.rate is not None:
            value += FAR_UP * (rng.random(n) < case.rate)
    below = 1.0 + rng.poisson(3.0, n)
    return Units(
        value,
        arm,
        numerator=value * below,
        denominator=np.asarray(below, dtype=np.float64),
        covariate=covariate,
        stratum=np.asarray(covariate > 0.0, dtype=np.int64),
        cluster=np.arange(n, dtype=np.int64) // 2 * 2 + arm,
    )


def _converting(case: Case, estimand: Estimand) -> float | None:
    """How often a value is 1 and not 0; None where values are not of that kind."""
    if estimand == "quantile":
        return None
    return 0.4 if case.rate is None and estimand == "share" else case.rate


def check_experiment(procedure: str | type[Procedure] | Procedure) -> tuple[Check, ...]:
    """Ask for every promise of a procedure, and say what held.

    procedure: a name, `package.module:Class`, a class, or one that is built. It is asked about experiments drawn with
    fixed seeds, 300 for each case; a rate is refused where it is four standard errors beyond its promise. InputError:
    the name cannot be found, or is no `Procedure`.
    """
    if isinstance(procedure, str):
        procedure = PROCEDURES.find(procedure)
    return tuple(examined(SUITE, _Exam(procedure)))


@dataclass(frozen=True)
class _Exam:
    """A procedure, and the experiments that it is asked about."""

    given: type[Procedure] | Procedure

    @cached_property
    def procedure(self) -> Procedure:
        if isinstance(self.given, Procedure):
            return self.given
        return built(f"{self.given.__module__}:{self.given.__qualname__}") if _importable(self.given) else self.given()

    def units(self, case: Case = CASES[0], draw: int = 0, effect: float = 0.0) -> Units:
        return drawn(case, draw, effect, self.procedure.estimand)

    @property
    def draws(self) -> int:
        return RESAMPLED_DRAWS if self.procedure.resampled else DRAWS

    @property
    def allowed(self) -> float:
        """Share of experiments that may be rejected, or missed, where 5 % is promised: 10 % of 300."""
        return ALPHA + SURE * sqrt(ALPHA * (1.0 - ALPHA) / self.draws)

    def effect(self, units: Units) -> Effect:
        found = self.procedure.effect(units)
        if not isinstance(found, Effect):
            raise Broken(f"it returned {type(found).__name__}, not an Effect")
        return found

    def one(self, case: Case = CASES[0]) -> Units:
        """A single experiment with a clear effect."""
        return self.units(case, effect=0.3 if self.procedure.estimand != "share" else 0.15)


def _importable(kind: type) -> bool:
    return "<locals>" not in kind.__qualname__


def _described(exam: _Exam) -> None:
    if not exam.procedure.meaning.strip() or "\n" in exam.procedure.meaning:
        raise Broken(f"meaning is {exam.procedure.meaning!r}; it must be one line of words")
    found = exam.effect(exam.one())
    if not all(isfinite(each) for each in (found.value, found.low, found.high)):
        raise Broken(f"a plain experiment gave {found.value:g} [{found.low:g}, {found.high:g}]")
    if not found.low <= found.value <= found.high:
        raise Broken(f"its value {found.value:g} is outside its own interval [{found.low:g}, {found.high:g}]")


def _size(exam: _Exam, case: Case) -> None:
    """Of experiments without any effect; whoever may look at any time is looked at after every unit."""
    alarms = 0
    for draw in range(exam.draws):
        units = exam.units(case, draw)
        if isinstance(exam.procedure, AnytimeProcedure):
            alarms += bool(exam.procedure.running(units).excludes_zero().any())
        else:
            alarms += _rejects(exam.effect(units))
    if alarms / exam.draws > exam.allowed:
        raise Broken(
            f"{alarms / exam.draws:.1%} of {exam.draws} experiments without an effect were called one; 5 % may be"
        )


def _coverage(exam: _Exam, case: Case) -> None:
    """Of the planted effect."""
    effect = 0.1 if case.rate is None or exam.procedure.estimand == "quantile" else 0.01
    held, told, refused = 0, 0, ""
    for draw in range(exam.draws):
        found = exam.effect(exam.units(case, exam.draws + draw, effect))
        truth = _truth(exam.procedure, case, effect)
        told += isfinite(found.low) and isfinite(found.high)
        held += found.low <= truth <= found.high
        if not isfinite(found.low) and found.warnings:
            refused = found.warnings[0]
    if told < exam.draws / 2 and refused:
        raise Unasked(f"it refuses {exam.draws - told} of {exam.draws} such experiments: {refused}")
    if told < exam.draws / 2:
        raise Broken(f"only {told} of {exam.draws} experiments had an interval")
    if 1.0 - held / told > exam.allowed:
        raise Broken(f"{held / told:.1%} of {told} intervals held the planted effect; 95 % should")


def _truth(procedure: Procedure, case: Case, effect: float) -> float:
    if procedure.estimand != "lift":
        return effect
    return effect / (2.0 if case.rate is None else case.rate)


def _power(exam: _Exam) -> None:
    """An effect of about ten standard errors is seen."""
    seen = sum(
        _rejects(exam.effect(exam.units(draw=draw, effect=1.0 if not _ones(exam) else 0.4))) for draw in range(20)
    )
    if seen < 19:
        raise Broken(f"an effect of ten standard errors was seen in {seen} of 20 experiments")


def _ones(exam: _Exam) -> bool:
    return exam.procedure.estimand == "share"


def _swapped(exam: _Exam) -> None:
    units = exam.one(CASES[1])
    there, back = exam.effect(units), exam.effect(replace(units, arm=~units.arm))
    if exam.procedure.estimand == "lift":
        if not np.isclose((1.0 + there.value) * (1.0 + back.value), 1.0, rtol=1e-6):
            raise Broken(f"a lift of {there.value:.6g} is one of {back.value:.6g} with the arms swapped")
        return
    scale = max(abs(there.value), there.high - there.low)
    pairs = ((there.value, back.value), (there.low, back.high), (there.high, back.low))
    if any(abs(one + other) > 1e-6 * scale for one, other in pairs):
        raise Broken(
            f"{there.value:.6g} [{there.low:.6g}, {there.high:.6g}] became {back.value:.6g} "
            f"[{back.low:.6g}, {back.high:.6g}] with the arms swapped"
        )


def _scaled(exam: _Exam) -> None:
    """Values in another unit, and from another zero; of a lift, also with the other sign: loss for profit."""
    if _ones(exam):
        return
    if exam.procedure.estimand != "lift":
        _scaled_by(exam, 10.0, 5.0)
        return
    _scaled_by(exam, 10.0, 0.0)
    _scaled_by(exam, -1.0, 0.0)


def _scaled_by(exam: _Exam, factor: float, shift: float) -> None:
    units = exam.one()
    below = units.needed("denominator")
    other = replace(
        units, value=factor * units.value + shift, numerator=factor * units.needed("numerator") + shift * below
    )
    plain, scaled = exam.effect(units), exam.effect(other)
    by = copysign(1.0, factor) if exam.procedure.estimand == "lift" else factor
    low, high = sorted((by * plain.low, by * plain.high))
    wanted, found = (by * plain.value, low, high), (scaled.value, scaled.low, scaled.high)
    if isinstance(exam.procedure, AnytimeProcedure):
        wanted, found = (wanted[0],) * 3, (found[0],) * 3  # what it hopes for is stated in the value's own unit
    if not np.allclose(wanted, found, rtol=1e-6, atol=ROUNDING):
        raise Broken(f"values times {factor:g} plus {shift:g} gave {_shown(found)}, not {_shown(wanted)}")


def _order(exam: _Exam) -> None:
    units = exam.one()
    order = np.random.default_rng(5).permutation(len(units.value))
    shuffled = Units(**{name: getattr(units, name)[order] for name in PARTS})
    before, after = exam.effect(units), exam.effect(shuffled)
    looser = exam.procedure.resampled or isinstance(exam.procedure, AnytimeProcedure)  # who bets, bets in order
    slack = WOBBLE * (before.high - before.low) if looser else 1e-6 * abs(before.high - before.low)
    if not np.isclose(before.value, after.value, rtol=1e-6, atol=ROUNDING):
        raise Broken(f"the effect was {before.value:.6g}, and {after.value:.6g} with the rows in another order")
    if max(abs(before.low - after.low), abs(before.high - after.high)) > slack:
        raise Broken(
            f"[{before.low:.6g}, {before.high:.6g}] became [{after.low:.6g}, {after.high:.6g}] in another order"
        )


def _agreement(exam: _Exam) -> None:
    """Between test and interval, over effects from none to clear."""
    for draw in range(60):
        found = exam.effect(exam.units(draw=draw, effect=0.004 * draw))
        if not isfinite(found.p_value) or abs(found.p_value - ALPHA) < MARGIN:
            continue
        if (found.p_value < ALPHA) != (found.low > 0.0 or found.high < 0.0):
            raise Broken(f"p = {found.p_value:.3g} beside [{found.low:.4g}, {found.high:.4g}]")


def _refuses(exam: _Exam) -> None:
    """Values that do not vary have no standard error: no interval, and no finding."""
    units = exam.units()
    flat = replace(
        units,
        value=np.where(units.arm, 1.0, 0.0),
        numerator=np.where(units.arm, 1.0, 0.0) * units.needed("denominator"),
    )
    if not _ones(exam):
        try:
            found = exam.effect(flat)
        except InputError:
            found = None
        if found is not None and isfinite(found.low) and isfinite(found.high) and found.high - found.low < ROUNDING:
            raise Broken(f"values that do not vary gave the certain interval [{found.low:g}, {found.high:g}]")
    if exam.procedure.estimand == "lift":
        _refuses_without_base(exam, units)
    for need in exam.procedure.needs:
        try:
            exam.effect(_without(units, need))
        except InputError:
            continue
        raise Broken(f"without the {need} that it needs it gave a number")


def _refuses_without_base(exam: _Exam, units: Units) -> None:
    """Over a mean of A that is not told from 0 (it is a tenth of its standard error) there is no relative lift."""
    base = float(units.a.mean()) - 0.1 * float(units.a.std()) / sqrt(len(units.a))
    at_0 = replace(
        units, value=units.value - base, numerator=units.needed("numerator") - base * units.needed("denominator")
    )
    try:
        found = exam.effect(at_0)
    except InputError:
        return
    if isfinite(found.low) and isfinite(found.high):
        raise Broken(f"over an A not told from 0 it gave a lift of {_shown((found.value, found.low, found.high))}")


def _without(units: Units, need: str) -> Units:
    kept: dict[str, Any] = {name: getattr(units, name) for name in PARTS}
    return Units(**{**kept, need: None})


def _pure(exam: _Exam) -> None:
    units = exam.one()
    for name in PARTS:
        getattr(units, name).flags.writeable = False
    first, second = exam.effect(units), exam.effect(units)
    if (first.value, first.low, first.high) != (second.value, second.low, second.high):
        raise Broken(f"{first.value:.6g} the first time, {second.value:.6g} the second")


def _rejects(found: Effect) -> bool:
    return bool(found.low > 0.0 or found.high < 0.0)


def _shown(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{each:.6g}" for each in numbers)


def _in(case: Case, ask: Callable[[_Exam, Case], None]) -> Callable[[_Exam], None]:
    return lambda exam: ask(exam, case)


SUITE: tuple[Promise[_Exam], ...] = (
    Promise(
        "described",
        "is built without arguments, says what it is, and gives an effect inside its own interval",
        "State `meaning`, and return an `Effect` from `effect`",
        _described,
        last=True,
    ),
    *(
        Promise(
            f"size, {case.name}",
            "finds an effect in at most 5 % of the experiments that have none",
            "The standard error is too small: let it know the size of both arms, or refuse what has too few events",
            _in(case, _size),
        )
        for case in CASES
    ),
    *(
        Promise(
            f"coverage, {case.name}",
            "holds the true effect in at least 95 % of its intervals",
            "The interval is too short or off its centre",
            _in(case, _coverage),
        )
        for case in CASES
    ),
    Promise("power", "sees an effect of ten standard errors", "The interval is far too wide", _power),
    Promise("swapped", "says the opposite when the arms are swapped", "Treat both arms alike", _swapped),
    Promise("scaled", "follows the unit and the zero of the values", "Add no numbers to the values", _scaled),
    Promise("order", "does not depend on the order of the rows", "Take nothing from a row's place", _order),
    Promise("agreement", "p-value and interval say the same", "Take both from the same statistic", _agreement),
    Promise("refuses", "refuses what it cannot do", "Raise InputError, or give NaN limits and a warning", _refuses),
    Promise(
        "pure", "gives the same twice and writes to nothing", "Draw no unkeyed numbers; copy before writing", _pure
    ),
)
