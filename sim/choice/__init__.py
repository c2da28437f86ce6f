"""How users choose: three models, each with its probabilities, its draws and its best slate, and anybody's own.

`multinomial_logit`, `cascade`, `position_based`: the models. `_base`: what a model is, and how it is found by name.
`_loops`: the loops and searches that are compiled around any model's kernels. `_checks`: what every model promises.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from driftline.sim.choice import _loops
from driftline.sim.choice._base import CHOICE_MODELS, ChoiceModel, Probabilities, Take, Value
from driftline.sim.kernel import compile_fault
from driftline.sim.types import Floats, Int32s

ROUNDING = 1e-6
"""How far probabilities may be from a sum of 1 by rounding alone."""

__all__ = ["CHOICE_MODELS", "Choice", "ChoiceModel"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice model for slates of one length: its compiled parts, to be called or to be closed over."""

    length: int
    params: Any
    """What the model's kernels read."""
    chances: Probabilities
    take: Take
    value: Value
    """`value(utilities, rewards, slate, params)`: expected reward of the ordered positions `slate` [L] among [m]."""
    best: Value
    """`best(utilities, rewards, out, params)`: fills `out` [L] with the best slate, or a good one, and values it."""
    ceiling: Value
    """`ceiling(utilities, rewards, out, params)`: what no slate [L] among [m] exceeds; it may overwrite `out`."""
    knows_best: bool
    """Whether the model says itself which slate is best."""

    @classmethod
    def of(cls, model: ChoiceModel, length: int) -> "Choice":
        """The model for slates of `length`."""
        kind = type(model)
        return cls(
            length,
            model.numbers_for(length),
            kind.probabilities,
            _loops.take_of(kind),
            _loops.value_of(kind),
            _loops.best_of(kind),
            _loops.ceiling_of(kind),
            kind.best is not None,
        )

    def fault(self) -> str | None:
        """What is wrong with the probabilities of a few slates at first sight; None when they are such."""
        slopes = np.linspace(-4.0, 4.0, self.length)
        for utilities in (np.zeros(self.length), slopes, slopes[::-1].copy()):
            try:
                chances = self.probabilities(utilities)
            except NumbaError as problem:
                return f"`probabilities` cannot be compiled: {compile_fault(problem)}"
            if not (chances >= 0.0).all():
                return f"`probabilities` gives {chances.min():.3g} to a position; must be >= 0"
            if abs(chances.sum() - 1.0) > ROUNDING:
                return f"the probabilities of a slate of {self.length} sum to {chances.sum():.6g}; must be 1"
        return None

    def probabilities(self, utilities: Floats) -> Floats:
        """The chance that each position of a slate of these utilities is taken, [L + 1]; the last is nothing."""
        out = np.empty(len(utilities) + 1)
        self.chances(utilities, self.params, out)
        return out

    def exact(self, candidates: int) -> bool:
        """Whether `best` and `ceiling` are exact among so many candidates: known by the model, or all slates tried."""
        return self.knows_best or bool(_loops.few_slates(candidates, self.length))

    def best_slate(self, utilities: Floats, rewards: Floats) -> Int32s:
        """Positions [L] of the best slate among candidates [m], or of a good one: see `exact`."""
        out = np.empty(self.length, np.int32)
        self.best(utilities, rewards, out, self.params)
        return out
