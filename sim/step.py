"""The step kernel: what a round of users does with its slates, one compiled pass."""

from math import erf, exp, sqrt
from typing import NamedTuple

import numpy as np

from driftline.sim.choice import OUTSIDE_KEY, affinity, choice_probabilities
from driftline.sim.item_numbers import ItemNumbers
from driftline.sim.kernel import kernel
from driftline.sim.keyed import gumbel, normal_pair, open_unit, philox
from driftline.sim.nearby import NEAR, bring_near
from driftline.sim.text.comments import comment_code
from driftline.sim.types import Bools, Float32s, Floats, Int8s, Int32s, Int64s

NEGATIVE, MIXED, POSITIVE, NOISE = 0, 1, 2, 3
SQRT2 = sqrt(2.0)
with np.errstate(divide="ignore"):
    HIGHEST_GUMBEL: Floats = 1e-9 - np.log(-np.log(np.arange(1, 257) / 256.0))
"""An upper bound of the Gumbel that a word gives, by the word's first eight bits."""


class ResponseNumbers(NamedTuple):
    """`ResponseParams` and `ChoiceParams` as compiled code reads them."""

    outside: float
    level: float
    scale: float
    noise: float
    rating: float
    rating_noise: float
    comment: float
    comment_noise: float
    comment_threshold: float
    dwell_log: float
    dwell_spread: float
    dwell_effect: float
    purchase: float


class CommentNumbers(NamedTuple):
    """The comment table as compiled code reads it; see `driftline.sim.text.comments`."""

    codes: Int32s
    first: Int64s
    frames: Int64s
    available: Int32s
    spoken: bool
    """Whether comments carry sentiment at all."""


class Outcome(NamedTuple):
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


@kernel
def expected_satisfaction(match: float, quality: float, numbers: ResponseNumbers) -> float:
    """E[s] of a consumed item: 2 Phi(x / sqrt(1 + noise^2)) - 1 = erf(x / sqrt(2 (1 + noise^2)))."""
    x = (match + quality - numbers.level) / numbers.scale
    return erf(x / (SQRT2 * sqrt(1.0 + numbers.noise * numbers.noise)))


@kernel
def remark(
    user: int,
    visit: int,
    satisfaction: float,
    numbers: ResponseNumbers,
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
def respond(
    users: Int64s,
    visits: Int32s,
    slates: Int32s,
    theta: Float32s,
    items: ItemNumbers,
    log_weights: Floats,
    numbers: ResponseNumbers,
    comments: CommentNumbers,
    day: int,
    seed: int,
    streams: tuple[int, int, int],
    probabilities: Float32s,
) -> Outcome:
    """Every user's response to its slate. `probabilities` [n, L + 1] is filled unless it has no rows.

    streams: (choice, response, comment). Noise is keyed by (user, visit, item), so the same item shown in
    two worlds meets the same noise.
    """
    n, length = slates.shape
    choice = np.empty(n, np.int8)
    taken = np.empty(n, np.int32)
    dwell = np.zeros(n, np.float32)
    rating = np.full(n, np.nan, np.float32)
    satisfaction = np.zeros(n, np.float32)
    purchased = np.zeros(n, np.bool_)
    comment = np.full(n, -1, np.int32)
    wanted = probabilities.shape[0] > 0
    utilities = np.empty(length)
    shares = np.empty(length + 1)
    near = np.empty((NEAR, theta.shape[1]), np.float32)
    for i in range(n):
        user, visit = users[i], visits[i]
        if i % NEAR == 0:
            bring_near(theta, users, i, near)
        interest = near[i % NEAR]
        best = numbers.outside + gumbel(philox(user, visit, OUTSIDE_KEY, 0, seed, streams[0])[0])
        chosen = length
        match = 0.0
        word_a = np.uint64(0)
        word_b = np.uint64(0)
        for k in range(length):
            item = slates[i, k]
            liking = affinity(interest, items, item)
            utilities[k] = liking + float(items.appeal[item])
            w0, w1, w2, _ = philox(user, visit, item, 0, seed, streams[0])
            worth = utilities[k] + log_weights[k]
            # Two logarithms are worth avoiding for an item that cannot win.
            if worth + HIGHEST_GUMBEL[w0 >> np.uint64(24)] <= best:
                continue
            worth += gumbel(w0)
            if worth > best:
                best, chosen, match, word_a, word_b = worth, k, liking, w1, w2
        if wanted:
            choice_probabilities(utilities, log_weights, numbers.outside, shares)
            for k in range(length + 1):
                probabilities[i, k] = shares[k]
        choice[i] = chosen
        if chosen == length:
            taken[i] = -1
            continue
        item = slates[i, chosen]
        taken[i] = item
        noise, spare = normal_pair(word_a, word_b)
        x = (match + float(items.quality[item]) - numbers.level) / numbers.scale
        s = erf((x + numbers.noise * noise) / SQRT2)
        satisfaction[i] = s
        r0, r1, r2, r3 = philox(user, visit, 0, 0, seed, streams[1])
        dwell[i] = exp(numbers.dwell_log + numbers.dwell_effect * s + numbers.dwell_spread * spare)
        if open_unit(r0) < numbers.rating:
            grade, _ = normal_pair(r1, r2)
            rating[i] = min(5.0, max(1.0, np.round(3.0 + 2.0 * s + numbers.rating_noise * grade)))
        purchased[i] = open_unit(r3) < numbers.purchase * 0.5 * (1.0 + s)
        comment[i] = remark(user, visit, s, numbers, comments, day, seed, streams[2])
    return Outcome(choice, taken, dwell, rating, satisfaction, purchased, comment)
