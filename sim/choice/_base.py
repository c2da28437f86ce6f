"""What a choice model is: how a user chooses from a slate. Every file here without an underscore is one."""

from collections.abc import Callable
from math import exp
from typing import Any, ClassVar, NamedTuple

import numpy as np

from driftline.sim.affinity import ItemNumbers
from driftline.sim.kernel import is_kernel, kernel
from driftline.sim.plug_ins import PlugIns, subclass_of
from driftline.sim.types import Float32s, Floats, Int8s, Int32s, Int64s, Params, UInt64s

Kernel = Any
"""A model's kernel: a static method of compiled code, or None. Its `params` differ from model to model."""


class Taken(NamedTuple):
    """What a round of users took, before anything follows from it. One row a visit."""

    position: Int8s
    """Position taken, L for nothing [n]."""
    match: Floats
    """theta . m of the item there, 0 for nothing [n]."""
    words: UInt64s
    """Two unused words of the item's noise [n, 2]."""


Take = Callable[[Int64s, Int32s, Int32s, Float32s, ItemNumbers, Any, int, int, Float32s], Taken]
"""`take(users, visits, slates, theta, items, params, seed, stream, chances)`: what every visit takes.

Visits [n], slates of ids [n, L]; users are rows of theta [N, K]. Noise is keyed by (user, visit, item) in `stream`, and
by (user, visit, `NOTHING`) for what belongs to no item. `chances` [n, L + 1] is filled unless it has no rows.
"""
Probabilities = Callable[[Floats, Any, Floats], None]
Draw = Callable[[Floats, Floats, float, Any], int]
Value = Callable[[Floats, Floats, Int32s, Any], float]
Best = Callable[[Floats, Floats, Any, Int32s], None]

NOTHING = 0xFFFFFFFF
"""Stands for "nothing" where an item's id keys the noise."""


class ChoiceModel(Params):
    """One way in which a user takes one item of a slate, or nothing. A subclass states numbers and kernels.

    Each kernel is a `@staticmethod` of a `@kernel`; `params` has the model's own fields. A slate is seen as the click
    utilities u = theta . m + appeal of its items, from the top, at most `slate` of them; only the first kernel is
    needed.

    `probabilities(utilities, params, out)` fills `out` [L + 1] with the chance that each of the L positions is taken;
    the last is nothing. They are at least 0 and sum to 1.
    `draw(utilities, noise, luck, params) -> int` is the position taken, L for nothing, as often as `probabilities`
    says. `noise` [L]: uniforms in (0, 1), each keyed by (user, visit, item); `luck`: one keyed by (user, visit).
    Without it choices are drawn by Gumbel-max over the log-probabilities, the item's Gumbel keyed like its noise.
    Either way an item meets the same noise in every world in which that user is shown it at that visit: in twin worlds
    a choice differs only because the probabilities do.
    `best(utilities, rewards, params, out)` fills `out` [L] with positions among the m candidates: the ordered slate
    of the highest sum_k p_k r_k, exactly. Without it regret is measured against a bound: see `driftline.sim.oracle`.

    Two more save time: `value(utilities, rewards, slate, params) -> float`, the expected reward of the positions
    `slate`, and `take`, a loop over visits of the model's own (see `Take`).

    A field called outside, position_decay or persistence is the `choice.` key of that name in a scenario; other fields
    stand under `choice.params`.
    """

    probabilities: ClassVar[Kernel] = None
    draw: ClassVar[Kernel] = None
    best: ClassVar[Kernel] = None
    value: ClassVar[Kernel] = None
    take: ClassVar[Kernel] = None
    monotone: ClassVar[bool] = False
    """Whether nothing never becomes likelier when one item's utility rises. It makes the bound on regret closer."""

    def numbers_for(self, length: int) -> Any:
        """What `params` is, for slates of at most `length`: by default the fields, as a named tuple."""
        return self.numbers()


KERNELS = ("probabilities", "draw", "best", "value", "take")


def _wrong(found: object) -> str | None:
    """What keeps something from being a choice model."""
    fault = subclass_of(ChoiceModel, "driftline.sim.choice.ChoiceModel")(found)
    if fault is not None:
        return fault
    if getattr(found, "probabilities", None) is None:
        return "must state `probabilities`, a @staticmethod of a @kernel"
    plain = [name for name in KERNELS if getattr(found, name) is not None and not is_kernel(getattr(found, name))]
    return f"`{plain[0]}` must be a @staticmethod of a @kernel" if plain else None


CHOICE_MODELS: PlugIns[type[ChoiceModel]] = PlugIns("choice model", "driftline.sim.choice", _wrong)


@kernel
def attraction(utility: float, outside: float) -> float:
    """P(taken | looked at) = 1 / (1 + e^(outside - u)): the logit between the item and nothing."""
    return 1.0 / (1.0 + exp(outside - utility))


def position_log_weights(length: int, decay: float) -> Floats:
    """log w_k = -decay log(k + 1), k = 0 .. length - 1."""
    weights: Floats = -decay * np.log(np.arange(1.0, length + 1.0))
    return weights


@kernel
def nothing_taken(n: int, length: int) -> Taken:
    """`n` visits to slates of `length` that took nothing."""
    return Taken(np.full(n, length, np.int8), np.zeros(n), np.zeros((n, 2), np.uint64))


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
