"""The step: what a round of users does with its slates, in one compiled pass; what it is worth as reward."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import erf, exp, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from driftline.sim.affinity import ItemNumbers
from driftline.sim.choice._base import Take, Taken
from driftline.sim.config.params import ResponseParams
from driftline.sim.kernel import kernel
from driftline.sim.keyed import normal_pair, open_unit, philox
from driftline.sim.text.comments import comment_code
from driftline.sim.types import Bools, Float32s, Floats, Int8s, Int32s, Int64s, RewardKind

NEGATIVE, MIXED, POSITIVE, NOISE = 0, 1, 2, 3


SQRT2 = sqrt(2.0)


class CommentNumbers(NamedTuple):
    """The comment table as compiled code reads it; see `driftline.sim.text.comments`."""

    codes: Int32s
    first: Int64s
    frames: Int64s
    available: Int32s
    spoken: bool
    """Whether comments carry sentiment at all."""


class Responses(NamedTuple):
    """What happened, one row per visit; `taken`, `satisfaction` and `purchased` are truth."""

    choice: Int8s
    taken: Int32s
    """Item id, or -1."""
    dwell: Float32s
    rating: Float32s
    satisfaction: Float32s
    purchased: Bools
    comment: Int32s
    """Segment code, or -1."""


Respond = Callable[
    [
        Int64s,
        Int32s,
        Int32s,
        Float32s,
        ItemNumbers,
        Any,
        ResponseParams,
        CommentNumbers,
        int,
        int,
        tuple[int, int, int],
        Float32s,
    ],
    Responses,
]


@lru_cache
def respond_by(take: Take) -> Respond:
    """The step of worlds whose users take things in this way, compiled.

    `respond(users, visits, slates, theta, items, params, numbers, comments, day, seed, streams, chances)`: every user's
    response to its slate. `params` is the choice model's; `chances` [n, L + 1] is filled unless it has no rows.
    streams: (choice, response, comment). Noise is keyed by (user, visit, item), so the same item shown in two worlds
    meets the same noise.
    """

    def respond(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: Any,
        numbers: ResponseParams,
        comments: CommentNumbers,
        day: int,
        seed: int,
        streams: tuple[int, int, int],
        chances: Float32s,
    ) -> Responses:
        first = take(users, visits, slates, theta, items, params, seed, streams[0], chances)
        return what_follows(first, users, visits, slates, items, numbers, comments, day, seed, streams)

    return kernel(respond)


@kernel
def what_follows(
    first: Taken,
    users: Int64s,
    visits: Int32s,
    slates: Int32s,
    items: ItemNumbers,
    numbers: ResponseParams,
    comments: CommentNumbers,
    day: int,
    seed: int,
    streams: tuple[int, int, int],
) -> Responses:
    """Satisfaction, dwell, rating, purchase and comment of what was taken first."""
    n, length = slates.shape
    taken = np.full(n, -1, np.int32)
    dwell = np.zeros(n, np.float32)
    rating = np.full(n, np.nan, np.float32)
    satisfaction = np.zeros(n, np.float32)
    purchased = np.zeros(n, np.bool_)
    comment = np.full(n, -1, np.int32)
    dwell_log = log(numbers.dwell_median)
    for i in range(n):
        if first.position[i] == length:
            continue
        user, visit = users[i], visits[i]
        item = slates[i, first.position[i]]
        taken[i] = item
        noise, spare = normal_pair(first.words[i, 0], first.words[i, 1])
        x = (first.match[i] + float(items.quality[item]) - numbers.level) / numbers.scale
        s = erf((x + numbers.noise * noise) / SQRT2)
        satisfaction[i] = s
        r0, r1, r2, r3 = philox(user, visit, 0, 0, seed, streams[1])
        dwell[i] = exp(dwell_log + numbers.dwell_effect * s + numbers.dwell_spread * spare)
        if open_unit(r0) < numbers.rating:
            grade, _ = normal_pair(r1, r2)
            rating[i] = min(5.0, max(1.0, np.round(3.0 + 2.0 * s + numbers.rating_noise * grade)))
        purchased[i] = open_unit(r3) < numbers.purchase * 0.5 * (1.0 + s)
        comment[i] = remark(user, visit, s, numbers, comments, day, seed, streams[2])
    return Responses(first.position, taken, dwell, rating, satisfaction, purchased, comment)


@kernel
def remark(
    user: int,
    visit: int,
    satisfaction: float,
    numbers: ResponseParams,
    comments: CommentNumbers,
    day: int,
    seed: int,
    stream: int,
) -> int:
    """Segment code of what a user writes about an item it took, -1 for nothing."""
    c0, c1, c2, c3 = philox(user, visit, 0, 0, seed, stream)
    if open_unit(c0) >= numbers.comment:
        return -1
    kind = MIXED
    if satisfaction > numbers.comment_threshold:
        kind = POSITIVE
    elif satisfaction < -numbers.comment_threshold:
        kind = NEGATIVE
    if not comments.spoken or open_unit(c3) < numbers.comment_noise:
        kind = NOISE
    return comment_code(
        comments.codes, comments.first, comments.frames, comments.available, kind, day, open_unit(c1), open_unit(c2)
    )


@kernel
def expected_satisfaction(match: float, quality: float, numbers: ResponseParams) -> float:
    """E[s] of a consumed item: 2 Phi(x / sqrt(1 + noise^2)) - 1 = erf(x / sqrt(2 (1 + noise^2)))."""
    x = (match + quality - numbers.level) / numbers.scale
    return erf(x / (SQRT2 * sqrt(1.0 + numbers.noise * numbers.noise)))


REWARDS: tuple[RewardKind, ...] = ("click", "dwell", "purchase", "satisfaction")


CLICK, DWELL, PURCHASE, SATISFACTION = range(4)
"""Codes of the kinds in `REWARDS`, for compiled code."""


SECONDS = np.float32(60.0)


@kernel
def realised_rewards(responses: Responses, reward: int) -> Float32s:
    """The reward of each visit [n]: 1 for a click or a purchase, dwell in minutes, or satisfaction in [-1, 1]."""
    n = responses.choice.size
    rewards = np.zeros(n, np.float32)
    for i in range(n):
        if reward == SATISFACTION:
            rewards[i] = responses.satisfaction[i]
        elif reward == DWELL:
            rewards[i] = responses.dwell[i] / SECONDS
        elif reward == CLICK:
            rewards[i] = 1.0 if responses.taken[i] >= 0 else 0.0
        else:
            rewards[i] = 1.0 if responses.purchased[i] else 0.0
    return rewards


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

    responses: Responses
    reward: Float32s
    p_choice: Float32s
    """[n, L + 1], empty unless asked for."""
