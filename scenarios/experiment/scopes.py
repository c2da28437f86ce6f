"""Which arm can change what: the scope of every stateful part of an experiment."""

from dataclasses import dataclass
from typing import Literal

from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.training import Training

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
