"""The numbers of a choice model as compiled code reads them."""

from typing import NamedTuple, get_args

import numpy as np

from driftline.sim.types import ChoiceModel, Floats

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
