"""What a procedure of an experiment is: from the units of two arms to an effect with its interval and test."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from driftline.evaluation.arrays import coded, columns, vector
from driftline.evaluation.experiment import Effect, Running
from driftline.evaluation.experiment._levels import checked_arm
from driftline.sim.errors import InputError, hint
from driftline.sim.plug_ins import PlugIns, subclass_of
from driftline.sim.types import Bools, Floats, Int64s

Estimand = Literal["mean", "ratio", "lift", "share", "quantile"]
Need = Literal["numerator", "denominator", "covariate", "stratum", "cluster"]


@dataclass(frozen=True)
class Units:
    """The units of an experiment, one row each, in order of arrival; checked when it is built.

    value [n]: what each unit did (a user's mean, say). arm [n]: 0 (A) or 1 (B). numerator, denominator [n]: of a ratio
    of sums. covariate [n] or [n, k]: known before the experiment. stratum, cluster [n]: any labels. Whatever is not
    known is None.

    Raises:
        InputError: unequal lengths, a value that is not finite, an arm with fewer than 2 units.
    """

    value: Floats
    arm: Bools
    numerator: Floats | None = None
    denominator: Floats | None = None
    covariate: Floats | None = None
    stratum: Int64s | None = None
    cluster: Int64s | None = None

    def __post_init__(self) -> None:
        value = vector("value", self.value)
        n = len(value)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "arm", checked_arm(self.arm, n))
        for name in ("numerator", "denominator"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, vector(name, getattr(self, name), n))
        if self.covariate is not None:
            columns("covariate", self.covariate, n)
        for name in ("stratum", "cluster"):
            if getattr(self, name) is not None:
                coded(name, getattr(self, name), n)

    @property
    def a(self) -> Floats:
        """The values of arm A's units."""
        return np.asarray(self.value[~self.arm])

    @property
    def b(self) -> Floats:
        """The values of arm B's units."""
        return np.asarray(self.value[self.arm])

    def needed(self, name: Need) -> Floats:
        """One of the parts that may be missing. InputError where it is."""
        found: Floats | None = getattr(self, name)
        if found is None:
            raise InputError(f"there is no {name} in these units")
        return found

    def has(self, needs: Sequence[Need]) -> bool:
        """Whether all of these parts are known."""
        return all(getattr(self, name) is not None for name in needs)


class Procedure:
    """A way of comparing two arms. A subclass states what it needs and estimates, and writes `effect`; that is all.

    It is graded, and reported by `driftline experiment` and `driftline ab`, beside the built-in ones, which have the
    same form. Its id is the class's name in snake case.

        class Normal(Procedure):
            title, meaning = "normal", "difference of means, normal interval"

            def effect(self, units, *, level=0.95):
                variance = units.a.var(ddof=1) / len(units.a) + units.b.var(ddof=1) / len(units.b)
                value, n = units.b.mean() - units.a.mean(), len(units.value)
                return t_effect(value=value, variance=variance, df=inf, n=n, level=level, method="normal")
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    """As tables name it; the id where it is empty."""
    meaning: ClassVar[str] = ""
    """What it estimates and how, in one line."""
    needs: ClassVar[tuple[Need, ...]] = ()
    """The parts of `Units` that it cannot do without, beside value and arm."""
    estimand: ClassVar[Estimand] = "mean"
    """What it estimates of B less A: a difference of means, ratios, shares of ones or quantiles; a relative lift."""
    resampled: ClassVar[bool] = False
    """Whether its limits come from resampled rows, and may move a little with their order."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.id = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def name(self) -> str:
        """As tables name it."""
        return self.title or self.id

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """B less A, with an interval of this level and the test of no effect.

        Raises:
            InputError: these units are not enough for it, or of another kind.
        """
        raise NotImplementedError


class AnytimeProcedure(Procedure):
    """A procedure whose interval may be looked at after every unit. Write `running`; `effect` is its last look."""

    @abstractmethod
    def running(self, units: Units, *, level: float = 0.95) -> Running:
        """The interval after each unit, in order of arrival."""
        raise NotImplementedError

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        """What is said after all units."""
        return self.running(units, level=level).last()


PROCEDURES: PlugIns[type[Procedure]] = PlugIns(
    "procedure", "driftline.evaluation.procedures", subclass_of(Procedure, "driftline.evaluation.procedures.Procedure")
)
"""The procedures of experiments, by the names of this folder's files."""


def built(path: str) -> Procedure:
    """A procedure by name or as `package.module:Class`, built without arguments.

    Raises:
        InputError: it cannot be found, is no `Procedure`, cannot be built so, or states something that there is not.
    """
    kind = PROCEDURES.find(path)
    try:
        found = kind()
    except TypeError as problem:
        raise InputError(f"procedure {path!r} must be built without arguments: {problem}") from problem
    for need in found.needs:
        if need not in get_args(Need):
            raise InputError(
                f"procedure {path!r}: needs {need!r}, which units do not have; {hint(need, get_args(Need))}"
            )
    return found


def built_in() -> tuple[Procedure, ...]:
    """The package's own, by name."""
    return tuple(built(name) for name in PROCEDURES.names())
