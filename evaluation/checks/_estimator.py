"""What every off-policy estimator must do, asked of one: `check_estimator`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from inspect import Parameter, signature
from math import isfinite
from typing import Any

import numpy as np

from driftline.evaluation.arrays import one_of
from driftline.evaluation.checks._toy_logs import (
    ROWS,
    SCALE,
    SHIFT,
    Columns,
    ToyLogs,
    single_actions,
    slates,
    times,
    trajectories,
)
from driftline.evaluation.claims import EstimatorFunction, claims_of
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked, Precision
from driftline.evaluation.off_policy.estimation import estimates
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS, Estimator
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

ROUNDING = 1e-9
"""Relative error that two ways of adding the same numbers may differ by."""
LEVELS = (0.5, 0.9, 0.99)


def check_estimator(estimator: str | type[Estimator] | Estimator | EstimatorFunction) -> tuple[Check, ...]:
    """Ask for every promise of an off-policy estimator, and say what held.

    Args:
        estimator: Of single actions: a name, `package.module:Class`, a class, or one that is built. One that has a
            `lambda_` is asked with the one at which weights stay as they are, unless it is built with another. Of
            slates, trajectories or times: a function that states its `claims`.

    Raises:
        InputError: The name cannot be found, or is no `Estimator`; a function that states no claims.

    Examples:
        >>> [check.name for check in check_estimator("ips") if check.fault]
        []
        >>> from driftline.evaluation.slate_off_policy import rips
        >>> [check.name for check in check_estimator(rips) if check.fault]
        []
    """
    if isinstance(estimator, str):
        estimator = ESTIMATORS.find(estimator)
    if isinstance(estimator, Estimator | type):
        return tuple(examined(SUITE, _OfClass(estimator)))
    return tuple(examined(SUITE, _OfFunction(estimator)))


class _Exam(ABC):
    """An estimator, and the logs that it is asked about."""

    toy: ToyLogs
    unbiased_in: str | None
    """The world in which it claims to be unbiased."""
    equivariant: bool
    intervals: tuple[str, ...]
    """Those that it must have."""

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The columns that it cannot do without."""

    @abstractmethod
    def opened(self, columns: Columns) -> Any:
        """A log as the estimator takes it."""

    @abstractmethod
    def of(self, opened: Any, asked: Mapping[str, Any]) -> Estimate:
        """Its estimate."""

    @abstractmethod
    def arrays(self, opened: Any) -> Mapping[str, Floats]:
        """All that it might write to."""

    def estimate(self, columns: Columns, **asked: Any) -> Estimate:
        return self.of(self.opened(_copied(columns)), asked)

    @cached_property
    def log(self) -> Columns:
        return next((each for each in self.toy.logs if self.takes(each)), self.toy.logs[0])

    def takes(self, columns: Columns) -> bool:
        try:
            self.estimate(columns)
        except InputError:
            return False
        return True


class _OfClass(_Exam):
    """Of single actions: by its class, on `Rounds`."""

    intervals = ("normal", "bootstrap")

    def __init__(self, given: type[Estimator] | Estimator) -> None:
        self.toy = single_actions()
        self._given = given
        self.unbiased_in = "any" if given.unbiased else None
        self.equivariant = given.equivariant

    @cached_property
    def estimator(self) -> Estimator:
        return self._given() if isinstance(self._given, type) else self._given

    @property
    def reads(self) -> tuple[str, ...]:
        return ("reward", *self._given.needs)

    def opened(self, columns: Columns) -> Rounds:
        return Rounds(**columns)

    def of(self, opened: Rounds, asked: Mapping[str, Any]) -> Estimate:
        precision = Precision.of(Asked(**asked))  # type: ignore[typeddict-item]  # the suite's own
        return estimates(opened, {"it": self.estimator}, precision)["it"]

    def arrays(self, opened: Rounds) -> Mapping[str, Floats]:
        return {name: getattr(opened, name) for name in (*self.log, "weight", "residual")}


TOYS = {"slates": slates, "trajectories": trajectories, "times": times}


class _OfFunction(_Exam):
    """Of another kind of log: a function of its columns."""

    def __init__(self, function: EstimatorFunction) -> None:
        stated = claims_of(function)
        if stated is None:
            name = getattr(function, "__name__", repr(function))
            raise InputError(
                f"estimator {name!r} states no claims; put @claims(...) of driftline.evaluation.claims above it"
            )
        one_of("the log that it claims to read", stated.log, TOYS)
        self.toy = TOYS[stated.log]()
        if stated.unbiased_in is not None:
            one_of("unbiased_in", stated.unbiased_in, self.toy.worlds)
        self.unbiased_in, self.equivariant = stated.unbiased_in, stated.equivariant
        self._function = function
        self._takes = signature(function).parameters
        self._any_option = any(each.kind is Parameter.VAR_KEYWORD for each in self._takes.values())
        self.intervals = ("normal", "bootstrap") if self._any_option else ("normal",)

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(
            name for name, values in self.log.items() if name in self._takes and isinstance(values, np.ndarray)
        )

    def opened(self, columns: Columns) -> Columns:
        return {name: values for name, values in columns.items() if name in self._takes}

    def of(self, opened: Columns, asked: Mapping[str, Any]) -> Estimate:
        known = {name: value for name, value in asked.items() if self._any_option or name in self._takes}
        return self._function(**opened, **known)

    def arrays(self, opened: Columns) -> Mapping[str, Floats]:
        return {name: each for name, each in opened.items() if isinstance(each, np.ndarray)}


def _number(exam: _Exam) -> None:
    found = exam.estimate(exam.log)
    if not isfinite(found.value) or not found.std_error > 0.0:
        raise Broken(f"of {ROWS} rows it says {found.value:.4g} with a standard error of {found.std_error:.4g}")


def _own_policy(exam: _Exam) -> None:
    log, mean = next((each for each in exam.toy.own if exam.takes(each[0])), exam.toy.own[0])
    found = exam.estimate(log).value
    if not _same(found, mean):
        raise Broken(f"it says {found:.4g}, {found / mean:.3g} times the mean reward {mean:.4g} of that log")


def _unbiased(exam: _Exam) -> None:
    """Over all logs of a small world, with rewards of 0 and 1, and of two other numbers."""
    if exam.unbiased_in is None:
        raise Unasked("it does not claim to be")
    for scale, shift in ((1.0, 0.0), (SCALE, SHIFT)):
        logs, truth = exam.toy.worlds[exam.unbiased_in](scale, shift)
        mean = sum(chance * exam.estimate(log).value for chance, log in logs)
        if not _same(mean, truth):
            told = f"its mean over all logs of a small world is {mean:.6g}, the target policy's value {truth:.6g}"
            raise Broken(told if shift == 0.0 else f"{told}, with rewards of {shift:g} and {shift + scale:g}")


def _units_of_reward(exam: _Exam) -> None:
    shift = SHIFT if exam.equivariant else 0.0
    found = exam.estimate(exam.toy.moved(exam.log, shift)).value
    wanted = shift * exam.toy.whole + SCALE * exam.estimate(exam.log).value
    if not _same(found, wanted):
        raise Broken(f"with rewards of {shift:g} + {SCALE:g} r it says {found:.6g}, not {wanted:.6g}")


def _row_order(exam: _Exam) -> None:
    order = np.random.default_rng(2).permutation(ROWS)
    shuffled_log = {name: each[order] if isinstance(each, np.ndarray) else each for name, each in exam.log.items()}
    plain, shuffled = exam.estimate(exam.log), exam.estimate(shuffled_log)
    for name in ("value", "std_error"):
        if not _same(getattr(shuffled, name), getattr(plain, name)):
            raise Broken(f"{name} is {getattr(plain, name):.6g}, and {getattr(shuffled, name):.6g} in another order")


def _interval(exam: _Exam) -> None:
    for kind in exam.intervals:
        narrower = (np.inf, -np.inf)
        for level in LEVELS:
            found = exam.estimate(exam.log, interval=kind, level=level, replicates=200)
            if kind == "normal" and not found.low <= found.value <= found.high:
                raise Broken(f"{found.value:.4g} lies outside its own interval [{found.low:.4g}, {found.high:.4g}]")
            if not (found.low <= narrower[0] and found.high >= narrower[1]):
                raise Broken(f"the {kind} interval at level {level:g} does not hold the one at a lower level")
            narrower = found.low, found.high


def _refuses(exam: _Exam) -> None:
    for told, log in _unusable(exam):
        if exam.takes(log):
            raise Broken(f"it gives a number for a log {told}")
    targets = [name for name in exam.reads if name.startswith("target_pscore")]
    if not targets:
        return
    try:
        found = exam.estimate({**exam.log, **{name: 0.0 * exam.log[name] for name in targets}})
    except InputError:
        return
    if isfinite(found.value) and not found.warnings:
        raise Broken(f"it says {found.value:.4g}, without a warning, of a target that takes no logged action")


def _unusable(exam: _Exam) -> Iterator[tuple[str, Columns]]:
    """Logs that nobody can say anything about, and what is wrong with each."""
    for name in exam.reads:
        values = exam.log[name]
        spoilt = {"has a row less": values[1:]}
        if isinstance(exam, _OfClass):
            spoilt["is not there"] = None
        if values.dtype.kind == "f":
            spoilt["is NaN in a row"] = _spoilt(values, np.nan)
        if "pscore" in name or "weight" in name:
            spoilt["is negative in a row"] = _spoilt(values, -0.1)
        if name.startswith("pscore"):
            spoilt["is 0 in a row"] = _spoilt(values, 0.0)
        yield from ((f"whose {name} {what}", {**exam.log, name: column}) for what, column in spoilt.items())


def _spoilt(values: Floats, by: float) -> Floats:
    spoilt = values.copy()
    spoilt[ROWS // 2] = by
    return spoilt


def _leaves_the_log(exam: _Exam) -> None:
    log = exam.opened(_copied(exam.log))
    before = {name: values.copy() for name, values in exam.arrays(log).items()}
    first, again = exam.of(log, {}), exam.of(log, {})
    for name, values in before.items():
        if not np.array_equal(values, exam.arrays(log)[name]):
            raise Broken(f"it changed the log's {name}")
    if first != again:
        raise Broken(f"asked twice it says {first.value:.6g} and {again.value:.6g}")


def _copied(columns: Columns) -> Columns:
    return {name: each.copy() if isinstance(each, np.ndarray) else each for name, each in columns.items()}


def _same(found: float, wanted: float) -> bool:
    return bool(np.isclose(found, wanted, rtol=ROUNDING, atol=ROUNDING))


SUITE: tuple[Promise[_Exam], ...] = (
    Promise("number", "a finite value with a standard error", "return Terms of one number a row", _number, last=True),
    Promise(
        "own policy",
        "the mean reward, where the target policy is the one that wrote the log",
        "weigh by the target's propensities over the logged ones, which is 1 there, and leave the rewards as they are",
        _own_policy,
    ),
    Promise(
        "unbiased",
        "the target policy's value on average over all logs, where it claims to be unbiased",
        "mend the terms, or claim less: `unbiased = False`, or another `unbiased_in`",
        _unbiased,
    ),
    Promise(
        "units of reward",
        "b times the value for b times the rewards, and as much more for a + b r where it claims to be equivariant",
        "do not compare rewards with fixed numbers, or set `equivariant = False`",
        _units_of_reward,
    ),
    Promise("row order", "the same in any order of the rows", "let no row depend on its place", _row_order),
    Promise(
        "interval",
        "limits around the value that widen with the level",
        "state Terms and leave the interval to them, or read precision.level",
        _interval,
    ),
    Promise(
        "refuses",
        "an InputError for a log that is not whole, and no quiet number without overlap",
        "read vectors by rounds.need(name, method), weights by rounds.weight, columns by evaluation/arrays.py",
        _refuses,
    ),
    Promise(
        "leaves the log", "the same twice, and the log's arrays as they were", "copy before writing", _leaves_the_log
    ),
)
