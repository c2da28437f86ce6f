"""The filters of many users: gathering them into lanes, mixing their forecasts, restarting the lightest.

`State` is what is kept per user, `Numbers` what is the same for all, `Lanes` the scratch room of one block of
users. P = filters + particles.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.agents.evolution._bank_lanes import (
    HALF,
    LANES,
    ONE,
    ZERO,
    exponential,
    forget,
    learn_choice,
    learn_judgement,
    project,
    shrink,
    softmax,
)
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Int64s

OLDEST = 65535
"""Ages stop here; the particles that a user starts with are this old (their run is no change)."""
FAINTEST = np.float32(1e-30)
"""No weight falls below this before normalising, so that no sum of weights is ever 0."""


class State(NamedTuple):
    """What is kept of every user."""

    mean: Float32s
    """[users, P, d]."""
    variance: Float32s
    """[users, P, d], the diagonal."""
    weight: Float32s
    """[users, P], sums to 1."""
    age: NDArray[np.uint16]
    """Events since each restart particle began [users, particles]."""


class Numbers(NamedTuple):
    """Parameters, the same for all users."""

    log_retention: Float32s
    """[P], per unit of elapsed time."""
    filters: int
    hazard: np.float32
    share: np.float32
    prior: np.float32
    outside: np.float32


class Lanes(NamedTuple):
    """Scratch of one block of LANES users; the last axis is the user."""

    mean: Float32s
    variance: Float32s
    weight: Float32s
    keep: Float32s
    items: Float32s
    margin: Float32s
    utility: Float32s
    spread: Float32s
    p: Float32s
    total: Float32s
    mixed: Float32s
    chosen: Float32s
    expected: Float32s
    fisher: Float32s
    judged: Float32s
    target: Float32s
    judgement: Float32s
    known: Float32s


def allocate(width: int, dim: int, m: int) -> Lanes:
    """Room for one block of users with `width` = P filters each."""

    def room(*shape: int) -> Float32s:
        return np.zeros((*shape, LANES), np.float32)

    return Lanes(
        room(width, dim), room(width, dim), room(width), room(), room(m, dim), room(m), room(m), room(m),
        room(m + 1), room(), room(m + 1), room(dim), room(dim), room(dim), room(dim), room(), room(),
        room(),
    )  # fmt: skip


@kernel
def _gather(
    state: State,
    numbers: Numbers,
    lanes: Lanes,
    users: Int64s,
    items: Float32s,
    offset: Float32s,
    first: int,
    count: int,
) -> None:
    """Bring one block in; idle lanes repeat the first row, and their results are dropped."""
    for lane in range(LANES):
        row = first + lane if lane < count else first
        user = users[row]
        for k in range(state.mean.shape[1]):
            lanes.weight[k, lane] = state.weight[user, k]
            for j in range(state.mean.shape[2]):
                lanes.mean[k, j, lane] = state.mean[user, k, j]
                lanes.variance[k, j, lane] = state.variance[user, k, j]
        for i in range(items.shape[1]):
            lanes.margin[i, lane] = offset[row, i] - numbers.outside
            for j in range(items.shape[2]):
                lanes.items[i, j, lane] = items[row, i, j]


@kernel
def _advance(numbers: Numbers, lanes: Lanes, elapsed: Float32s, first: int, count: int, k: int) -> None:
    """Bring filter k up to the present and project it on the slate."""
    for lane in range(LANES):
        gap = elapsed[first + lane if lane < count else first]
        lanes.keep[lane] = exponential(gap * numbers.log_retention[k])
    forget(lanes.mean[k], lanes.variance[k], lanes.keep, numbers.prior)
    project(lanes.mean[k], lanes.variance[k], lanes.items, lanes.margin, lanes.utility, lanes.spread)


@kernel
def predict_rows(
    state: State,
    numbers: Numbers,
    lanes: Lanes,
    users: Int64s,
    items: Float32s,
    offset: Float32s,
    elapsed: Float32s,
    out: Float32s,
) -> None:
    """The mixture's choice probabilities [n, m + 1]; state stays as it is."""
    n, m = items.shape[0], items.shape[1]
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        _gather(state, numbers, lanes, users, items, offset, first, count)
        lanes.mixed[:] = ZERO
        for k in range(lanes.mean.shape[0]):
            _advance(numbers, lanes, elapsed, first, count, k)
            shrink(lanes.utility, lanes.spread)
            softmax(lanes.spread, lanes.total, lanes.p)
            for i in range(m + 1):
                for lane in range(LANES):
                    lanes.mixed[i, lane] += lanes.weight[k, lane] * lanes.p[i, lane]
        for lane in range(count):
            for i in range(m + 1):
                out[first + lane, i] = lanes.mixed[i, lane]


@kernel
def _reweigh(numbers: Numbers, weight: Float32s, age: NDArray[np.uint16]) -> int:
    """Normalise `weight` [P], restart the lightest particle, age the rest; returns its place, -1 for none."""
    lightest = -1
    for k in range(numbers.filters, weight.size):
        if lightest < 0 or weight[k] < weight[lightest]:
            lightest = k
    total = ZERO
    for k in range(weight.size):
        if k != lightest:
            total += weight[k]
    left = ONE if lightest < 0 else ONE - numbers.hazard
    for k in range(weight.size):
        weight[k] *= left / total
    for r in range(age.size):
        age[r] = min(age[r] + 1, OLDEST)
    if lightest >= 0:
        weight[lightest] = numbers.hazard
        age[lightest - numbers.filters] = 0
    return lightest


@kernel
def _scatter(state: State, numbers: Numbers, lanes: Lanes, users: Int64s, first: int, count: int) -> None:
    """Bring one block back and restart each user's lightest particle."""
    for lane in range(count):
        user = users[first + lane]
        for k in range(state.mean.shape[1]):
            state.weight[user, k] = lanes.weight[k, lane]
            for j in range(state.mean.shape[2]):
                state.mean[user, k, j] = lanes.mean[k, j, lane]
                state.variance[user, k, j] = lanes.variance[k, j, lane]
        fresh = _reweigh(numbers, state.weight[user], state.age[user])
        if fresh >= 0:
            state.mean[user, fresh, :] = ZERO
            state.variance[user, fresh, :] = numbers.prior


@kernel
def _gather_response(
    lanes: Lanes,
    items: Float32s,
    choice: Int64s,
    judged: Float32s,
    target: Float32s,
    weight: Float32s,
    known: Float32s,
    first: int,
    count: int,
) -> None:
    """The chosen vectors, 0 for nothing, and the judgements where the batch has any."""
    m, dim = items.shape[1], items.shape[2]
    for lane in range(LANES):
        row = first + lane if lane < count else first
        for j in range(dim):
            lanes.chosen[j, lane] = items[row, choice[row], j] if choice[row] < m else ZERO
        if weight.size:
            lanes.target[lane] = target[row]
            lanes.judgement[lane] = weight[row]
            lanes.known[lane] = known[row]
            for j in range(dim):
                lanes.judged[j, lane] = judged[row, j]


@kernel
def update_rows(
    state: State,
    numbers: Numbers,
    lanes: Lanes,
    users: Int64s,
    items: Float32s,
    offset: Float32s,
    elapsed: Float32s,
    choice: Int64s,
    judged: Float32s,
    target: Float32s,
    weight: Float32s,
    known: Float32s,
) -> None:
    """Time, fixed share, likelihood, choice, judgement, restart: one event of each of these users."""
    n = items.shape[0]
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        _gather(state, numbers, lanes, users, items, offset, first, count)
        _gather_response(lanes, items, choice, judged, target, weight, known, first, count)
        for k in range(lanes.mean.shape[0]):
            _advance(numbers, lanes, elapsed, first, count, k)
            shrink(lanes.utility, lanes.spread)
            softmax(lanes.spread, lanes.total, lanes.p)
            given = numbers.share / np.float32(numbers.filters) if k < numbers.filters else ZERO
            for lane in range(count):
                prior = (ONE - numbers.share) * lanes.weight[k, lane] + given
                lanes.weight[k, lane] = max(prior * lanes.p[choice[first + lane], lane], FAINTEST)
            softmax(lanes.utility, lanes.total, lanes.p)
            learn_choice(
                lanes.mean[k], lanes.variance[k], lanes.items, lanes.p, lanes.chosen,
                lanes.expected, lanes.fisher,
            )  # fmt: skip
            if weight.size:
                learn_judgement(
                    lanes.mean[k], lanes.variance[k], lanes.judged, lanes.target, lanes.judgement,
                    lanes.known, lanes.total,
                )  # fmt: skip
        _scatter(state, numbers, lanes, users, first, count)


@kernel
def mean_rows(state: State, users: Int64s, out: Float32s) -> None:
    """sum_k w_k m_k [n, d]."""
    for row in range(users.size):
        user = users[row]
        out[row, :] = ZERO
        for k in range(state.weight.shape[1]):
            for j in range(out.shape[1]):
                out[row, j] += state.weight[user, k] * state.mean[user, k, j]


@kernel
def point_rows(state: State, users: Int64s, normal: Float32s, out: Float32s) -> None:
    """m_k + sqrt(P_k) normal_s of the filter k that systematic resampling gives to point s [n, S, d]."""
    points, dim = normal.shape
    for row in range(users.size):
        user = users[row]
        k, reached = 0, state.weight[user, 0]
        for s in range(points):
            while reached * points < s + HALF and k < state.weight.shape[1] - 1:
                k += 1
                reached += state.weight[user, k]
            for j in range(dim):
                out[row, s, j] = state.mean[user, k, j] + np.float32(sqrt(state.variance[user, k, j])) * normal[s, j]


@kernel
def variance_rows(state: State, users: Int64s, items: Float32s, mean: Float32s, out: Float32s) -> None:
    """Mixture variance of theta.v: sum_k w_k (v' P_k v + ((m_k - mean).v)^2) [n, m]."""
    for row in range(users.size):
        user = users[row]
        for i in range(items.shape[1]):
            total = ZERO
            for k in range(state.weight.shape[1]):
                spread, gap = ZERO, ZERO
                for j in range(items.shape[2]):
                    v = items[row, i, j]
                    spread += state.variance[user, k, j] * v * v
                    gap += (state.mean[user, k, j] - mean[row, j]) * v
                total += state.weight[user, k] * (spread + gap * gap)
            out[row, i] = total
