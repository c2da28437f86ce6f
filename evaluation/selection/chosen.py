"""What a selection gives back."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from driftline.evaluation.estimate import Estimate
from driftline.sim.errors import InputError

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Selection(Generic[Key]):
    """The chosen candidate, its estimate, and the score by which it was chosen."""

    chosen: Key
    """The candidate's key: a name, or the hyper-parameter's value."""
    estimate: Estimate
    """The candidate's own estimate. Its interval does not know that it was chosen, and is too narrow for that."""
    scores: dict[Key, float]
    """Estimated mean squared error by candidate, or the half-width for `slope`."""


def select(chosen: Key, estimate: Estimate, scores: dict[Key, float], rule: str) -> Selection[Key]:
    """A selection whose estimate says by which rule it was chosen among how many."""
    method = f"{estimate.method or 'unnamed'}, {chosen!r} chosen among {len(scores)} by {rule}"
    return Selection(chosen, replace(estimate, method=method), scores)


def at_least_one(candidates: object, n: int) -> None:
    """A choice needs candidates."""
    if n == 0:
        raise InputError(f"candidates is empty ({type(candidates).__name__}); at least one is needed")
