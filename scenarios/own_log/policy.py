"""The target policy as its owner states it: a function of the log, called once and listened to carefully."""

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import polars as pl

from driftline.scenarios.imported import imported
from driftline.sim.errors import InputError

PolicyFunction = Callable[[pl.DataFrame], Any]
"""The log, without its rewards, to probabilities; see docs/own-logs.md."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A function with the name by which errors call it."""

    name: str
    function: PolicyFunction

    def answer(self, log: pl.DataFrame, hidden: str) -> Any:
        """What it says of the log. hidden: the reward's column, which a policy cannot know when it acts.

        Raises:
            InputError: the function raised.
        """
        try:
            return self.function(log.drop(hidden))
        except Exception as problem:  # the function is its owner's and may raise anything
            lines = str(problem).strip().splitlines() or ["no message"]
            secret = f" (the reward, {hidden!r}, is kept from it)" if hidden in str(problem) else ""
            raise InputError(f"policy {self.name!r} failed: {type(problem).__name__}: {lines[0]}{secret}") from problem


def named_policy(policy: str | PolicyFunction) -> Policy:
    """The policy behind `package.module:function`, or a function itself.

    Raises:
        InputError: another form of name, a module that cannot be imported, no such function, not a function.
    """
    if not isinstance(policy, str):
        if not callable(policy):
            raise InputError(f"policy is {type(policy).__name__}; must be package.module:function, or a function")
        return Policy(getattr(policy, "__name__", type(policy).__name__), policy)
    module, colon, name = policy.partition(":")
    if not (module and colon and name):
        raise InputError(f"policy {policy!r}: must be package.module:function, for instance shop:policy")
    function = imported("policy", policy, FunctionType)
    if not callable(function):
        raise InputError(f"policy {policy!r}: must be a function of the log, not {type(function).__name__}")
    return Policy(policy, function)
