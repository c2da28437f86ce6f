"""Utility, attraction, ChoiceNumbers, Taken.

Whether a user who looks at one item alone takes it.

The largest of some numbers, in order.

The numbers of a choice model as compiled code reads them.

What a round of users took, before anything follows from it.
"""

from math import exp
from typing import NamedTuple, get_args

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import ChoiceModel, Floats, Int8s, Int32s, UInt64s


@kernel
def attraction(utility: float, outside: float) -> float:
    """P(taken | looked at) = 1 / (1 + e^(outside - u)): the logit between the item and nothing."""
    return 1.0 / (1.0 + exp(outside - utility))


@kernel
def largest(values: Floats, out: Int32s) -> None:
    """Positions of the `out.size` largest values, descending; ties go to the lower position."""
    length = out.size
    filled = 0
    for i in range(values.size):
        if filled == length and values[i] <= values[out[length - 1]]:
            continue
        at = filled if filled < length else length - 1
        while at > 0 and values[out[at - 1]] < values[i]:
            out[at] = out[at - 1]
            at -= 1
        out[at] = i
        if filled < length:
            filled += 1


MODELS: tuple[ChoiceModel, ...] = get_args(ChoiceModel)
MULTINOMIAL_LOGIT, CASCADE, POSITION_BASED = range(3)
"""Codes of the models in `MODELS`, for compiled code."""
OUTSIDE_KEY = 0xFFFFFFFF
"""Stands for "nothing" where an item's id keys the noise."""


class ChoiceNumbers(NamedTuple):
    """`ChoiceParams` for slates of one length."""

    model: int
    """A code of `MODELS`."""
    outside: float
    """Utility of taking nothing."""
    log_weights: Floats
    """log (k + 1)^-position_decay of position k [L]; the cascade does not use it."""
    persistence: float
    """Chance that a user looks at the next item after one it did not take; only the cascade uses it."""


def position_log_weights(length: int, decay: float) -> Floats:
    """log w_k = -decay log(k + 1), k = 0 .. length - 1."""
    weights: Floats = -decay * np.log(np.arange(1.0, length + 1.0))
    return weights


def choice_numbers(
    length: int,
    *,
    model: ChoiceModel = "multinomial_logit",
    outside: float = 2.5,
    decay: float = 0.5,
    persistence: float = 0.9,
) -> ChoiceNumbers:
    """Numbers for slates of `length`; the defaults are those of `ChoiceParams`."""
    return ChoiceNumbers(MODELS.index(model), outside, position_log_weights(length, decay), persistence)


class Taken(NamedTuple):
    """One row per visit."""

    position: Int8s
    """Position taken, L for nothing [n]."""
    match: Floats
    """theta . m of the item there, 0 for nothing [n]."""
    words: UInt64s
    """Two unused words of the item's noise [n, 2]."""


@kernel
def nothing_taken(n: int, length: int) -> Taken:
    """`n` visits to slates of `length` that took nothing."""
    return Taken(np.full(n, length, np.int8), np.zeros(n), np.zeros((n, 2), np.uint64))
