"""The design of an experiment: who is shown which arm, what each arm's agent learns from, which arm can change what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, assert_never, get_args

import numpy as np
from pydantic import Field, ValidationError, model_validator

from driftline.agents.users import take_rows
from driftline.sim import keyed
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, hint
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Count, Feedback, Floats, Int64s, NonNegative, Params, Positive

Kind = Literal["user", "cluster", "switchback", "interleave"]
Training = Literal["pooled", "diverted", "snapshot", "weighted"]
"""What an arm's agent learns from: everybody's visits; its own arm's; nothing new; its own and some of the other's."""
TRAININGS: tuple[Training, ...] = get_args(Training)
USER, CLUSTER, BLOCK, COPY = 0, 1, 2, 7
"""What is drawn, in the third place of the key."""
WEIGHTED = 3
"""Place of the thinning in the key."""


class Design(Params):
    """An assignment of visits to arm B, the rest to arm A. Days count from the end of the warm-up.

    kind: `user` and `cluster` draw users or whole clusters; `switchback` shows everybody the same arm, in pairs of
    blocks in random order; `interleave` mixes both rankings in every slate. share: of arm B at full ramp (switchbacks
    and interleaving are half and half). ramp: days in which the share grows from 0 to its full size. washout: days left
    out of the analysis: at the start, and of every block of a switchback. block: days. clusters: how many.
    copies: of each arm's agent, each trained apart on its own part of the arm's users (under diverted training). With
    two or more the analysis compares copies, and so knows how much two trainings differ.
    """

    kind: Kind = "user"
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    ramp: NonNegative = 0.0
    washout: NonNegative = 0.0
    block: Positive = 2.0
    clusters: Annotated[int, Field(ge=2)] = 50
    copies: Count = 1

    @model_validator(mode="after")
    def _consistent(self) -> "Design":
        if self.kind in ("switchback", "interleave") and self.share != 0.5:
            raise ValueError(f"share = {self.share:g}: a {self.kind} is always half and half, .5")
        if self.copies > 1 and self.kind not in ("user", "cluster"):
            raise ValueError(f"copies = {self.copies}: a {self.kind} has no users of one arm only to train copies on")
        if self.kind == "switchback" and self.washout >= self.block:
            raise ValueError(f"washout = {self.washout:g} days: must be < block = {self.block:g}")
        return self

    @property
    def turns(self) -> Count:
        """How many turns of the draw it takes until every unit has been in arm B at least once."""
        if self.kind == "interleave":
            return 1  # every slate holds both arms
        return int(np.ceil(1.0 / self.share - 1e-9)) if self.kind in ("user", "cluster") else 2

    def cell(self, users: Int64s, days: Floats, in_b: Bools, seed: int) -> Int64s:
        """Which agent serves visits in these arms [n]: copy 0 .. of arm A, then of arm B; whole units stay together."""
        if self.copies == 1:
            return np.asarray(in_b, dtype=np.int64)
        draw = keyed.uniforms(seed, Stream.ASSIGNMENT, self.unit(users, days, seed), 0, COPY)
        return self.copies * in_b.astype(np.int64) + (draw * self.copies).astype(np.int64)

    def unit(self, users: Int64s, days: Floats, seed: int) -> Int64s:
        """What is randomised as one, numbered [n]: the user, its cluster, or the block of days."""
        if self.kind == "cluster":
            draw = keyed.uniforms(seed, Stream.ASSIGNMENT, users, 0, CLUSTER)
            return (draw * self.clusters).astype(np.int64)
        if self.kind == "switchback":
            return np.floor(days / self.block + 1e-9).astype(np.int64)
        return np.asarray(users, dtype=np.int64)

    def meant(self, users: Int64s, days: Floats, seed: int, turn: int = 0) -> Bools:
        """Whether each visit is meant for arm B once the ramp is over [n]: what intent-to-treat goes by.

        turn: 0 .. turns - 1 moves the draw on, so that every unit is in arm B in some turn.
        """
        return self._draw(users, days, seed, turn) < self.share

    def shown(self, users: Int64s, days: Floats, seed: int, turn: int = 0) -> Bools:
        """Whether each visit is really shown arm B [n]: during the ramp fewer are than are meant."""
        grown = np.clip(days / self.ramp, 0.0, 1.0) if self.ramp > 0.0 else np.ones(len(days))
        if self.kind == "switchback":
            return self.meant(users, days, seed, turn)
        return self._draw(users, days, seed, turn) < self.share * grown

    def analysed(self, days: Floats) -> Bools:
        """Whether a visit counts [n]: not in a wash-out."""
        if self.kind == "switchback":
            return np.asarray(np.mod(days + 1e-9, self.block) >= self.washout)
        return np.asarray(days >= self.washout)

    def _draw(self, users: Int64s, days: Floats, seed: int, turn: int) -> Floats:
        unit = self.unit(users, days, seed)
        if self.kind == "switchback":
            first = keyed.uniforms(seed, Stream.ASSIGNMENT, unit // 2, 0, BLOCK) < 0.5
            second = unit % 2 == 1
            return np.where(first ^ second ^ (turn % 2 == 1), 0.0, 1.0)
        what = CLUSTER if self.kind == "cluster" else USER
        draw = keyed.uniforms(seed, Stream.ASSIGNMENT, unit, 1, what)
        return np.mod(draw + turn * self.share, 1.0) if turn else draw


def checked_design(stated: Mapping[str, Any]) -> Design:
    """A design from numbers as stated.

    Raises:
        InputError: a design that cannot be; the first complaint.
    """
    try:
        return Design.model_validate(dict(stated))
    except ValidationError as problem:
        raise InputError(f"design: {complaints(problem, dict(stated), Design)[0]}") from problem


def checked_training(name: str) -> Training:
    """A way of training by its name; InputError with the nearest one where there is none."""
    for each in TRAININGS:
        if each == name:
            return each
    raise InputError(f"training {name!r} is unknown; {hint(name, TRAININGS)}")


class Exposure:
    """How often each arm has shown each item, up to the last tick boundary."""

    def __init__(self) -> None:
        self._settled: Int64s = np.zeros((2, 0), np.int64)
        self._waiting: Int64s = np.zeros((2, 0), np.int64)

    def note(self, feedback: Feedback, in_b: Bools) -> None:
        """Count slates, to be known from the next tick boundary on."""
        top = max(int(feedback.items.max()) + 1 if feedback.items.size else 0, self._waiting.shape[1])
        counts = [np.bincount(feedback.items[of_arm].ravel(), minlength=top) for of_arm in (~in_b, in_b)]
        self._waiting = _sum(self._waiting, np.stack(counts))

    def settle(self) -> None:
        """A tick boundary."""
        self._settled = _sum(self._settled, self._waiting)
        self._waiting = np.zeros_like(self._waiting)

    def likeness(self, feedback: Feedback, arm: int) -> Floats:
        """How likely arm `arm` (0 or 1) is to have shown these slates, beside the other arm, in [0, 1] [n].

        Mean over positions of min(1, share of the item in this arm's slates / share in the other's); items seen in
        neither count as 1.
        """
        known = np.zeros((2, max(int(feedback.items.max(initial=0)) + 1, self._settled.shape[1])))
        known[:, : self._settled.shape[1]] = self._settled
        share = (known + 0.5) / (known + 0.5).sum(axis=1, keepdims=True)
        ratio = np.minimum(1.0, share[arm] / share[1 - arm])
        mean: Floats = ratio[feedback.items].mean(axis=1)
        return mean


def lesson(training: Training, feedback: Feedback, own: Bools, exposure: Exposure, arm: int, seed: int) -> Feedback:
    """The part of a round's feedback that an arm's agent learns from; `own` [n]: visits that it served.

    `weighted` thins the other arm's visits to those that this arm might have produced, by a keyed draw: weighted
    training (Si 2023, "Tackling interference induced by data training loops in A/B tests") without asking agents to
    take weights.
    """
    match training:
        case "pooled":
            return feedback
        case "diverted" | "snapshot":
            heard = own
        case "weighted" if own.all():
            heard = own
        case "weighted":
            draw = keyed.uniforms(seed, Stream.ASSIGNMENT, feedback.user, feedback.visit, WEIGHTED)
            heard = own | (draw < exposure.likeness(feedback, arm))
        case other:
            assert_never(other)
    return take_rows(feedback, np.flatnonzero(heard))


def _sum(a: Int64s, b: Int64s) -> Int64s:
    total = np.zeros((2, max(a.shape[1], b.shape[1])), np.int64)
    total[:, : a.shape[1]] += a
    total[:, : b.shape[1]] += b
    return total


Scope = Literal["arm", "global"]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that an experiment changes as it goes; `arm`: each arm has its own, `global`: both write to one."""

    name: str
    scope: Scope
    why: str


def parts(design: Design, training: Training) -> tuple[Part, ...]:
    """Every stateful part of an experiment, with its scope."""
    shared = design.kind in ("switchback", "interleave")
    both = "every user meets both arms" if shared else "a user meets one arm, and users do not meet each other"
    return (
        Part("shelf of live items", "global", "items come and go by the calendar, whatever is shown"),
        Part("text vectors", "global", "they depend on the texts alone"),
        Part("users' interests and habits", "global" if shared else "arm", both),
        Part("agents: counts, models, factors", *LEARNED[training]),
        Part("agents: what they know of single users", *KNOWN[training]),
    )


LEARNED: dict[Training, tuple[Scope, str]] = {
    "pooled": ("global", "both learn from everybody's visits"),
    "diverted": ("arm", "each learns from its own arm's visits"),
    "snapshot": ("arm", "frozen as they were at the start"),
    "weighted": ("global", "each learns from its own arm's visits and a thinned part of the other's"),
}
KNOWN: dict[Training, tuple[Scope, str]] = {
    "pooled": ("global", "both watch all users"),
    "diverted": ("arm", "each watches the users that it serves"),
    "snapshot": ("arm", "each watches the users that it serves"),
    "weighted": ("global", "each watches its own users and a thinned part of the others' visits"),
}
