"""The vocabulary that the world, the agents and the judges share.

Everything here is what an operator could see; nothing latent. All records are frozen; all arrays have one
row per visit, per behaviour or per item, in the order that each docstring states. Time is float64 days
since the start of the run; `-1` stands for "none" in integer columns, NaN in real ones.
"""

from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from driftline.sim.numbers import numbers_type

Int8s = NDArray[np.int8]


Int32s = NDArray[np.int32]


Int64s = NDArray[np.int64]


UInt64s = NDArray[np.uint64]


Float32s = NDArray[np.float32]


Floats = NDArray[np.float64]


Bools = NDArray[np.bool_]


RewardKind = Literal["click", "dwell", "purchase", "satisfaction"]


NONE = -1
"""No item, no segment, no category."""


class BehaviorKind(IntEnum):
    """What a behaviour was."""

    CONSUME = 0
    """Took an item; `about` is the item's text, `expressed` the comment if one was written."""
    SEARCH = 1
    """Typed a query of its own accord; `about` is the query."""
    PURCHASE = 2
    """Bought an item, possibly days after it was shown."""


class SegmentTable(Protocol):
    """Texts by segment code; the same table serves logs, visits and agents."""

    def __len__(self) -> int:
        """How many distinct segments exist."""

    def text(self, code: int) -> str:
        """The text of one segment; the empty string for `NONE`."""

    def texts(self, codes: Int32s) -> list[str]:
        """The texts of many segments, in order."""


@dataclass(frozen=True, slots=True)
class Items:
    """What an operator knows of some items, one row each."""

    item: Int32s
    """Ids, unique over the whole run."""
    text: Int32s
    """Segment code of the title."""
    domain: Int8s
    """Row in `Setting.domains`."""
    price: Float32s
    born: Floats
    """Day of release; before 0 for items older than the run."""
    category: Int32s
    """Editorial category, `NONE` where the item has none (every item released after the start)."""

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True, slots=True)
class Behaviors:
    """What users did, one row each, sorted by (time, user)."""

    user: Int64s
    time: Floats
    kind: Int8s
    """A `BehaviorKind`."""
    item: Int32s
    about: Int32s
    """Segment code of the item's text or of the query."""
    expressed: Int32s
    """Segment code of the comment, or `NONE`."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Observation:
    """Who is due now and what may be shown: one visit per user, ascending by the world's user number."""

    user: Int64s
    """Pseudonyms [n]."""
    visit: Int32s
    """Number of this visit in the user's own count, from 0 [n]."""
    time: Floats
    """Days [n]."""
    behaviors: Behaviors
    """What these users did since they were last met."""
    candidates: Int32s
    """Item ids that may be shown: `[C]`, shared by all, or `[n, C]`, private."""
    arrived: Items
    """Items released since the previous observation; each is announced once."""
    tick: int
    """Number of the present tick."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Slates:
    """What an agent shows: one ordered slate per observed user, in the observation's order.

    `log_p` is the exact log-probability of the whole ordered slate under the agent's policy and
    `log_p_cascade[:, k]` that of item k given the items above it (they sum to `log_p`); both are 0 for a
    deterministic policy.
    """

    items: Int32s
    """Ids [n, L], distinct within a row, live, among the candidates."""
    log_p: Floats
    """[n]."""
    log_p_cascade: Floats
    """[n, L]."""

    @classmethod
    def certain(cls, items: Int32s) -> "Slates":
        """Slates of a deterministic policy: every log-probability is 0."""
        n, length = items.shape
        return cls(items.astype(np.int32, copy=False), np.zeros(n), np.zeros((n, length)))


@dataclass(frozen=True, slots=True)
class Feedback:
    """What happened to the slates, in the observation's order. Comments come later, as `Behaviors`."""

    user: Int64s
    visit: Int32s
    time: Floats
    items: Int32s
    """The slates that were shown [n, L]."""
    choice: Int8s
    """Position of the item that was taken, `L` for nothing [n]."""
    dwell: Float32s
    """Seconds, 0 when nothing was taken [n]."""
    rating: Float32s
    """1 to 5, NaN unless one was given [n]."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Interactions:
    """Dated user-item events that happened before the run, sorted by time (real data only).

    `time` is in days before the start (negative); `rating` is NaN where none was given.
    """

    user: Int64s
    item: Int32s
    time: Floats
    rating: Float32s

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Setting:
    """What an agent is told at `reset`: the shop, its items, its past, and the log of the warm-up."""

    seed: int
    """For the agent's own randomness; derived from the run's seed."""
    slate: int
    """Slate length L."""
    reward: RewardKind
    """What the scenario rewards."""
    domains: tuple[str, ...]
    categories: int
    """Number of editorial categories."""
    start: float
    """Day on which the agent takes over (the end of the warm-up)."""
    horizon: float
    """Day on which the run ends."""
    tick: float
    """Width of a tick in days."""
    segments: SegmentTable
    items: Items
    """Every item released up to `start`, retired ones included."""
    feedback: Feedback
    """The warm-up's slates and responses, sorted by (time, user, visit)."""
    behaviors: Behaviors
    """The warm-up's behaviours."""
    past: Interactions
    """Interactions from before the run; empty unless the data is real."""


def empty_behaviors() -> Behaviors:
    """No behaviours."""
    ints = np.empty(0, np.int32)
    return Behaviors(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8), ints, ints, ints)


def empty_interactions() -> Interactions:
    """No interactions."""
    return Interactions(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0), np.empty(0, np.float32))


T = TypeVar("T")


ArrayT = TypeVar("ArrayT", bound=NDArray[Any])


def read_only(array: ArrayT) -> ArrayT:
    """A view that cannot be written to; whoever owns `array` still can."""
    view = array.view()
    view.flags.writeable = False
    return view


def copied(told: T) -> T:
    """The same for somebody who is not trusted: every array, of records within records too, is a read-only copy.

    Nothing that is done to it, by whatever means, reaches the original. What is neither an array nor a record is
    handed on as it is.
    """
    if isinstance(told, np.ndarray):
        return read_only(told.copy())
    if is_dataclass(told) and not isinstance(told, type):
        return type(told)(**{field.name: copied(getattr(told, field.name)) for field in fields(told)})
    return told


Share = Annotated[float, Field(ge=0.0, le=1.0)]


Positive = Annotated[float, Field(gt=0.0, le=1e9)]
"""A quantity in any unit: what is larger is a slip, and would overflow somewhere."""


NonNegative = Annotated[float, Field(ge=0.0, le=1e9)]


Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


Utility = Annotated[float, Field(ge=-100.0, le=100.0)]
"""On the scale of logits, where 100 is certainty."""


Spread = Annotated[float, Field(ge=0.0, le=100.0)]
"""A standard deviation on the scale of logits."""


class Params(BaseModel):
    """Frozen, finite numbers; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def numbers(self) -> Any:
        """The fields as a named tuple that compiled code can read."""
        names = tuple(type(self).model_fields)
        return numbers_type(f"{type(self).__name__}Numbers", names)(*(getattr(self, name) for name in names))
