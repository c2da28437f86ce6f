"""Every procedure that is found keeps every promise, but for named causes; a broken twin is refused by its promise."""

import re
from dataclasses import replace
from math import inf, sqrt
from typing import Any, ClassVar

import numpy as np
import pytest

from driftline.evaluation.checks import check_experiment
from driftline.evaluation.experiment import Effect, welch
from driftline.evaluation.procedures import Estimand, Procedure, Units, t_effect
from driftline.evaluation.procedures._base import PROCEDURES, built
from driftline.sim.errors import InputError

PROMISES = (
    "described",
    "size, equal arms",
    "size, 10 % arm",
    "size, rare values",
    "coverage, equal arms",
    "coverage, 10 % arm",
    "coverage, rare values",
    "power",
    "swapped",
    "scaled",
    "order",
    "agreement",
    "refuses",
    "pure",
)


@pytest.mark.parametrize("name", PROCEDURES.names())
def test_every_procedure_of_the_folder_keeps_its_promises(name: str) -> None:
    checks = check_experiment(name)
    assert tuple(check.name for check in checks) == PROMISES
    broken = {check.name: str(check) for check in checks if check.fault}
    assert not broken


class Plain(Procedure):
    """A procedure as a user would write it."""

    meaning: ClassVar[str] = "difference of means, normal interval"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        return self.told(units, len(units.a), len(units.b), level)

    def told(self, units: Units, n_a: int, n_b: int, level: float) -> Effect:
        variance = float(units.a.var(ddof=1)) / n_a + float(units.b.var(ddof=1)) / n_b
        value, n = float(units.b.mean() - units.a.mean()), len(units.value)
        return t_effect(value=value, variance=variance, df=inf, n=n, level=level, method="normal")


class IgnoresTheSecondArm(Plain):
    """Takes arm A's size for both."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        return self.told(units, len(units.a), len(units.a), level)


class OneSided(Plain):
    """Adds a little to B."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        found = super().effect(units, level=level)
        return replace(found, value=found.value + 0.01, high=found.high + 0.01)


class Clipped(Plain):
    """Knows a largest value, in one unit."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        return super().effect(replace(units, value=np.minimum(units.value, 3.0)), level=level)


class FirstHalf(Plain):
    """Looks at the rows that came first."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        half = len(units.value) // 2
        return super().effect(Units(units.value[:half], units.arm[:half]), level=level)


class Timid(Plain):
    """Never finds anything."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        found = super().effect(units, level=level)
        return replace(found, low=-1e3, high=1e3, p_value=1.0)


class OtherTest(Plain):
    """Its test is not that of its interval."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        return replace(super().effect(units, level=level), p_value=0.5)


class Certain(Plain):
    """Is sure where nothing varies."""

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        found = super().effect(units, level=level)
        return found if found.std_error > 0.0 else replace(found, low=found.value, high=found.value)


class Greedy(Plain):
    """Says that it needs a covariate, and does without."""

    needs = ("covariate",)


class Lucky(Plain):
    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        found = super().effect(units, level=level)
        return replace(found, high=found.high + 1e-9 * np.random.default_rng().random())


class OverTheMean(Plain):
    """Divides by A's mean, whatever its sign, and however near 0 it is."""

    estimand: ClassVar[Estimand] = "lift"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        found, base = super().effect(units, level=level), float(units.a.mean()) or 1.0
        ends = sorted((found.low / base, found.high / base))
        return replace(found, value=found.value / base, low=ends[0], high=ends[1])


class Mute(Plain):
    meaning = ""


def test_a_procedure_of_the_users_own_is_asked_the_same() -> None:
    for given in (Plain, Plain(), f"{__name__}:Plain"):
        assert [str(check) for check in check_experiment(given) if check.fault] == []
    units = Units(np.array([1.0, 2.0, 4.0, 7.0]), np.array([False, False, True, True]))
    found, theirs = Plain().effect(units), welch([1, 2, 4, 7], [0, 0, 1, 1])
    assert found.value == theirs.value
    assert theirs.std_error == pytest.approx(found.std_error)
    assert found.std_error == pytest.approx(sqrt(0.25 + 2.25))


@pytest.mark.parametrize(
    ("twin", "promise", "words"),
    [
        (IgnoresTheSecondArm, "size, 10 % arm", "experiments without an effect were called one; 5 % may be"),
        (IgnoresTheSecondArm, "coverage, 10 % arm", "intervals held the planted effect; 95 % should"),
        (IgnoresTheSecondArm, "swapped", "with the arms swapped"),
        (OneSided, "swapped", "with the arms swapped"),
        (Clipped, "scaled", "values times 10 plus 5 gave"),
        (OverTheMean, "scaled", "values times -1 plus 0 gave"),
        (OverTheMean, "refuses", "over an A not told from 0 it gave a lift of"),
        (FirstHalf, "order", "with the rows in another order"),
        (Timid, "power", "was seen in 0 of 20 experiments"),
        (OtherTest, "agreement", "p = 0.5 beside"),
        (Certain, "refuses", "values that do not vary gave the certain interval"),
        (Greedy, "refuses", "without the covariate that it needs it gave a number"),
        (Lucky, "pure", "the first time"),
        (Mute, "described", "meaning is ''"),
    ],
)
def test_a_broken_twin_is_refused_by_the_promise_it_breaks(twin: Any, promise: str, words: str) -> None:
    faults = {check.name: check.fault for check in check_experiment(twin) if check.fault}
    assert promise in faults
    assert re.search(words, str(faults[promise]))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("welsh", "procedure 'welsh' is unknown; did you mean 'welch'?"),
        ("io:StringIO", "must be a subclass of driftline.evaluation.procedures.Procedure"),
        (f"{__name__}:Needy", "needs 'covariat', which units do not have; did you mean 'covariate'?"),
        (f"{__name__}:Particular", "must be built without arguments"),
    ],
)
def test_what_is_no_procedure_is_refused_by_name(path: str, line: str) -> None:
    with pytest.raises(InputError) as problem:
        built(path)
    assert line in str(problem.value)


class Needy(Plain):
    needs = ("covariat",)  # type: ignore[assignment]


class Particular(Plain):
    def __init__(self, days: int) -> None:
        self.days = days


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"value": [1.0, 2.0, np.nan, 4.0]}, r"value\[2\] is nan; must be finite"),
        ({"arm": [0, 0, 0, 1]}, "arm B has 1 of 4 units"),
        ({"covariate": [1.0, 2.0]}, "covariate has 2 rows; must have 4"),
        ({"cluster": [1]}, "cluster has 1 rows"),
    ],
)
def test_units_are_checked_when_they_are_built(parts: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        Units(**{"value": [1.0, 2.0, 3.0, 4.0], "arm": [0, 0, 1, 1], **parts})


def test_whoever_resamples_is_asked_less_often() -> None:
    asked = {"plain": 0, "resampled": 0}

    class Counted(Plain):
        def effect(self, units: Units, *, level: float = 0.95) -> Effect:
            asked["resampled" if self.resampled else "plain"] += 1
            return super().effect(units, level=level)

    class Resampling(Counted):
        resampled: ClassVar[bool] = True

    for kind in (Counted, Resampling):
        check_experiment(kind)
    assert asked["plain"] > 6 * 300 > asked["resampled"] > 6 * 100
