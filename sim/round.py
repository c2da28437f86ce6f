"""One round of visits as the world knows it: who was met, what truly happened, and what may not be shown."""

from dataclasses import dataclass

from driftline.sim.errors import InputError
from driftline.sim.step import Outcome
from driftline.sim.types import Float32s, Floats, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class Round:
    """What the world itself knows of the users it last let an agent observe. Truth: never handed to an agent."""

    users: Int64s
    visits: Int32s
    times: Floats
    candidates: Int32s
    """`[C]` or `[n, C]`, as in the observation."""
    day: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What only the simulator knows about a round of responses."""

    outcome: Outcome
    reward: Float32s
    p_choice: Float32s
    """[n, L + 1], empty unless asked for."""


class SlateError(InputError):
    """An agent showed something that may not be shown."""

    def __init__(self, user: int, visit: int, item: int, place: int, problem: str) -> None:
        super().__init__(f"slate of user {user}, visit {visit}: item {item} at position {place} {problem}")
        self.user = user
        self.visit = visit
