"""One user who meets the same slate many times: the step kernel without a world around it."""

import numpy as np

from driftline.sim.affinity import ItemNumbers, item_numbers
from driftline.sim.choice import Choice
from driftline.sim.config.params import ChoiceParams, ResponseParams
from driftline.sim.keyed import Stream
from driftline.sim.response import CommentNumbers, Responses, respond_by
from driftline.sim.types import Float32s, Int32s

STREAMS = (int(Stream.CHOICE), int(Stream.RESPONSE), int(Stream.COMMENT))
# One comment a class, so that its code is its class.
COMMENTS = CommentNumbers(
    np.arange(4, dtype=np.int32), np.arange(4), np.ones(4, np.int64), np.ones((4, 61), np.int32), True
)
RESPONSE = ResponseParams(
    level=0.5, scale=1.04, noise=0.63, rating=0.04, rating_noise=0.5, comment=0.8, comment_noise=0.08,
    comment_threshold=0.3, dwell_median=60.0, dwell_spread=0.8, dwell_effect=0.15, purchase=0.3,
)  # fmt: skip
NUMBERS = RESPONSE.numbers()


def items_at(matches: list[float], appeal: float | list[float] = 0.0, quality: float = 0.0) -> ItemNumbers:
    """Items whose theta . m is `matches` for the interest of `answers`: item i is about topic i alone."""
    size = len(matches)
    ones = np.ones(size, np.float32)
    return item_numbers(np.eye(size, dtype=np.float32), quality * ones, np.asarray(appeal, np.float32) * ones)


def choice_for(
    length: int,
    model: str = "multinomial_logit",
    *,
    outside: float = 1.0,
    decay: float = 0.5,
    persistence: float = 0.9,
    params: dict[str, float] | None = None,
) -> Choice:
    """A model for slates of one length, by the name that a scenario gives it."""
    stated = ChoiceParams(
        model=model, outside=outside, position_decay=decay, persistence=persistence, params=params or {}
    )
    return Choice.of(stated.built(), length)


def answers(
    matches: list[float],
    slate: list[int],
    items: ItemNumbers,
    numbers: ResponseParams = NUMBERS,
    *,
    times: int = 40_000,
    outside: float = 1.0,
    decay: float = 0.5,
    model: str = "multinomial_logit",
    params: dict[str, float] | None = None,
    user: int = 0,
    seed: int = 1,
    probabilities: Float32s | None = None,
) -> Responses:
    """What the user does at `times` visits, each with the same slate of ids."""
    theta = np.tile(np.array(matches, np.float32), (user + 1, 1))
    slates: Int32s = np.tile(np.array(slate, np.int32), (times, 1))
    none = np.empty((0, 0), np.float32)
    choice = choice_for(len(slate), model, outside=outside, decay=decay, params=params)
    return respond_by(choice.take)(
        np.full(times, user), np.arange(times, dtype=np.int32), slates, theta, items,
        choice.params, numbers, COMMENTS, 0, seed, STREAMS,
        none if probabilities is None else probabilities,
    )  # fmt: skip
