"""What a law of drift is: how one component of a user's interest starts, moves by the calendar, and reacts.

Every file of this folder without an underscore is a law.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails

from driftline.sim.errors import InputError
from driftline.sim.kernel import is_kernel
from driftline.sim.plug_ins import PlugIns, subclass_of
from driftline.sim.types import Floats, Params


class Today(NamedTuple):
    """What a law may look at on one day of one user. All randomness comes in from here, so twins share it."""

    home: Floats
    """The user's home interest [K], from before any drift."""
    noise: Floats
    """Standard normals [K], keyed by (user, law, day)."""
    luck: float
    """A uniform in (0, 1), keyed by (user, law, day)."""
    fate: float
    """A uniform in (0, 1), keyed by (user, law): the same every day."""
    day: int
    horizon: float
    """Last day of the run."""
    shared: Floats
    """What `Law.shared` returned: one array for all users."""


Start = Callable[[Floats, Today, Any], None]
Advance = Callable[[Floats, Today, Any], bool]
Consume = Callable[[Floats, Floats, float, Any], None]
Stirs = Callable[[Today, Any], bool]
Kernel = Any
"""A law's kernel: a static method of compiled code, or None. Its `params` differ from law to law."""


ENDLESS = 1e6
"""Days of a time constant that no run sees the end of."""


class Law(Params):
    """One way in which interest moves. A subclass states numbers and up to three kernels.

    `start(component, today, params)` fills the component [K] on day 0 (default: zeros);
    `advance(component, today, params) -> bool` moves it by one day and says whether this was a change point;
    `consume(component, mixture, satisfaction, params)` reacts to an item that was taken. Each is a
    `@staticmethod` of a `@kernel`; `params` has the law's own fields. A component evolves alone: interest is
    the sum of the components, so a law's contribution is its component.
    """

    start: ClassVar[Kernel] = None
    advance: ClassVar[Kernel] = None
    consume: ClassVar[Kernel] = None
    noisy: ClassVar[bool] = True
    """Whether `advance` reads `today.noise`; drawing it costs most of a day."""
    stirs: ClassVar[Kernel] = None
    """`stirs(today, params) -> bool`: on which days a noisy law reads its noise; None: every day."""
    rates: ClassVar[tuple[str, ...] | None] = None
    """Fields that say how much happens in a day; empty: nothing drifts; None: the law does not say."""
    times: ClassVar[tuple[str, ...]] = ()
    """Fields that say how many days something takes."""

    def shared(self, topics: int, seed: int) -> Floats:
        """An array that all users share, for instance a topic graph; keyed by `seed`."""
        return np.zeros((0, 0))

    def scaled(self, factor: float) -> "Law":
        """The same law, drifting `factor` times as fast: `rates` multiplied by it, `times` divided by it.

        Other numbers stay: how far a law wanders in the end is not changed by how fast it gets there. What a law places
        by the run's length, such as a jump in its middle, stays there, too. factor 0: it starts as it did, and nothing
        of it drifts any more; `times` become `ENDLESS`.

        Raises:
            InputError: the law does not say its rates (`rates` is None).
            ValidationError: a number leaves its bounds.
        """
        if self.rates is None:
            raise InputError(f"law {type(self).__name__}: does not say which of its numbers are `rates` and `times`")
        faster = {name: getattr(self, name) * factor for name in self.rates}
        shorter = {name: getattr(self, name) / factor if factor else ENDLESS for name in self.times}
        return type(self).model_validate({**self.model_dump(), **faster, **shorter})


def _wrong(found: object) -> str | None:
    """What keeps something from being a law."""
    fault = subclass_of(Law, "driftline.sim.laws.Law")(found)
    if fault is not None:
        return fault
    kernels = {name: getattr(found, name) for name in ("start", "stirs", "advance", "consume")}
    plain = [name for name, value in kernels.items() if value is not None and not is_kernel(value)]
    return f"`{plain[0]}` must be a @staticmethod of a @kernel" if plain else None


LAWS: PlugIns[type[Law]] = PlugIns("law", "driftline.sim.laws", _wrong)


def laws_from_file(stated: dict[str, Any]) -> dict[str, Law]:
    """Laws by name, each built from the numbers that the scenario states for it."""
    return {name: numbers if isinstance(numbers, Law) else _built(name, numbers) for name, numbers in stated.items()}


def _built(name: str, numbers: Any) -> Law:
    """One law; what is wrong with its numbers is said at its name, which pydantic does not know of."""
    kind = LAWS.find(name)
    try:
        return kind.model_validate({} if numbers is None else numbers)
    except ValidationError as problem:
        found = [_at(name, each) for each in problem.errors(include_url=False)]
        raise ValidationError.from_exception_data(kind.__name__, found) from problem


def _at(name: str, error: ErrorDetails) -> InitErrorDetails:
    below = InitErrorDetails(type=error["type"], loc=(name, *error["loc"]), input=error["input"])
    return InitErrorDetails(**below, ctx=error["ctx"]) if "ctx" in error else below
