"""What a policy is, and who can say how likely any slate was."""

from typing import Protocol, TypeGuard, runtime_checkable

from driftline.sim.types import Floats, Int32s, Int64s, Observation, Slates


class Policy(Protocol):
    """Turns scores into slates."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        """Slates [n, L] for scores [n, C] of the candidates; `best` [n, L]: columns of the best slate."""


@runtime_checkable
class StatesPropensity(Policy, Protocol):
    """A policy that can say how likely any slate was, not only the one that it drew."""

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        """log P(item k | items above it) of showing these slates [n, L] for the same scores; -inf where it never would.

        `slates` draws with noise that depends on `seed`; this is the probability over that noise.
        """


@runtime_checkable
class HasPropensity(Protocol):
    """An agent that can say how it would have answered.

    One that can only under some of its policies has an attribute `states_propensities`, false where it cannot.
    """

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) of showing these slates to the visits of the latest `act` [n, L].

        -inf where it never would. Changes nothing.
        """


def states_propensities(agent: object) -> TypeGuard[HasPropensity]:
    """Whether an agent can say how likely it was to show any slate."""
    return isinstance(agent, HasPropensity) and bool(getattr(agent, "states_propensities", True))
