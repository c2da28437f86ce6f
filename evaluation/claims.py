"""What an estimator that is a function claims of itself; its conformance suite asks for just that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import isfunction, signature
from types import ModuleType
from typing import Any, Literal, TypeVar

from driftline.evaluation.estimate import Estimate

EstimatorFunction = Callable[..., Estimate]
"""Takes the columns of a log by name, and options; see `Asked`."""
Function = TypeVar("Function", bound=EstimatorFunction)
LogKind = Literal["slates", "trajectories", "times"]
"""What a log has a row for: slates [n], steps of trajectories [rows], or single actions with their times [n]."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an estimator promises beside what every estimator must do."""

    log: LogKind
    unbiased_in: str | None = None
    """The world in which its mean over logs is the target policy's value; None: it is biased, or only consistent.

    Slates: `standard` (every reward depends on the whole slate), `cascade` (on the items down to its position),
    `independent` (on its own item only, and positions are drawn independently). Trajectories: `histories` (actions and
    rewards depend on all that was). Times: `still` (nothing moves), with the estimator `dr` where there is a choice.
    """
    equivariant: bool = False
    """Whether rewards (and predictions) of a + b r, b > 0, move the value by what a adds up to, and scale it by b."""


def claims(
    log: LogKind, *, unbiased_in: str | None = None, equivariant: bool = False
) -> Callable[[Function], Function]:
    """State what an estimator claims, above its `def`; see `Claims`.

    Examples:
        >>> @claims("slates", equivariant=True)
        ... def mean_reward(*, reward) -> Estimate: ...
        >>> claims_of(mean_reward).equivariant
        True
    """

    def marked(function: Function) -> Function:
        function.__dict__["claims"] = Claims(log, unbiased_in, equivariant)
        return function

    return marked


def claims_of(found: object) -> Claims | None:
    """What it claims; None for anything but a function that states it."""
    stated: Any = getattr(found, "claims", None) if isfunction(found) else None
    return stated if isinstance(stated, Claims) else None


def estimator_functions(package: ModuleType) -> Mapping[str, EstimatorFunction]:
    """A package's public functions that return an `Estimate`, by name."""
    public = {name: getattr(package, name) for name in package.__all__}
    return {
        name: each
        for name, each in public.items()
        if isfunction(each) and signature(each).return_annotation is Estimate
    }
