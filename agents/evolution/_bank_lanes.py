"""One filter of the bank, for a block of users at once.

The last axis of every array here holds LANES users ("lanes"), one each, so that the compiler turns every
inner loop into vector instructions; lanes never mix, so a user's result does not depend on its neighbours.
Only additions, multiplications, divisions and square roots are used, in one fixed order (the exponential
included): the bits do not depend on a mathematics library either. m items, d dimensions; all is float32.
"""

from math import pi, sqrt

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s

LANES = 32
"""Users in a block. (Below about 24 the compiler gives up on vector instructions: half the speed.)"""

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
PROBIT = np.float32(pi / 8.0)
LOWEST = np.float32(-87.0)
LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
ROUNDER = np.float32(12582912.0)
C0, C1, C2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
C3, C4, C5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
EXPONENT_AT, EXPONENT_BIAS = np.int32(23), np.int32(0x3F800000)


@kernel
def exponential(x: np.float32) -> np.float32:
    """exp(x) for x in (-inf, 88], relative error < 1e-7, exactly 1 at 0; below -87 it stays at exp(-87).

    Reduction by powers of two and the polynomial of Cephes' expf (Moshier 1989). Adding 1.5 * 2^23 rounds to
    an integer, whose bits then become the exponent.
    """
    x = max(x, LOWEST)
    shifted = x * LOG2_E + ROUNDER
    whole = shifted - ROUNDER
    r = x - whole * LN2_HIGH - whole * LN2_LOW
    series = (((((C0 * r + C1) * r + C2) * r + C3) * r + C4) * r + C5) * r * r + r + ONE
    power = np.int32((np.float32(shifted).view(np.int32) << EXPONENT_AT) + EXPONENT_BIAS)
    return series * power.view(np.float32)


@kernel
def forget(mean: Float32s, variance: Float32s, keep: Float32s, prior: np.float32) -> None:
    """Ornstein-Uhlenbeck towards the prior N(0, prior): m <- keep m, P <- keep^2 P + (1 - keep^2) prior."""
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            mean[j, lane] *= keep[lane]
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            kept = keep[lane] * keep[lane]
            variance[j, lane] = kept * variance[j, lane] + (ONE - kept) * prior


@kernel
def project(
    mean: Float32s, variance: Float32s, items: Float32s, margin: Float32s, utility: Float32s, spread: Float32s
) -> None:
    """utility_i = m.v_i + margin_i and spread_i = v_i' P v_i [m]; margin is offset minus outside utility."""
    for i in range(items.shape[0]):
        for lane in range(LANES):
            utility[i, lane] = margin[i, lane]
            spread[i, lane] = ZERO
    for j in range(mean.shape[0]):
        for i in range(items.shape[0]):
            for lane in range(LANES):
                v = items[i, j, lane]
                utility[i, lane] += mean[j, lane] * v
                spread[i, lane] += variance[j, lane] * v * v


@kernel
def shrink(utility: Float32s, spread: Float32s) -> None:
    """Turn `spread` into the score utility / sqrt(1 + pi/8 spread): what is uncertain speaks softly.

    MacKay 1992, "The evidence framework applied to classification networks". In place: two names for one
    array would cost the vector instructions.
    """
    for i in range(utility.shape[0]):
        for lane in range(LANES):
            spread[i, lane] = utility[i, lane] / np.float32(sqrt(ONE + PROBIT * spread[i, lane]))


@kernel
def softmax(score: Float32s, total: Float32s, p: Float32s) -> None:
    """Choice probabilities p [m + 1] of scores [m], "nothing" having score 0; `total` [LANES] is scratch."""
    m = score.shape[0]
    top = p[m]
    top[:] = ZERO
    for i in range(m):
        for lane in range(LANES):
            top[lane] = max(top[lane], score[i, lane])
    for lane in range(LANES):
        total[lane] = exponential(-top[lane])
    for i in range(m):
        for lane in range(LANES):
            p[i, lane] = exponential(score[i, lane] - top[lane])
            total[lane] += p[i, lane]
    for lane in range(LANES):
        p[m, lane] = exponential(-top[lane])
        total[lane] = ONE / total[lane]
    for i in range(m + 1):
        for lane in range(LANES):
            p[i, lane] *= total[lane]


@kernel
def learn_choice(
    mean: Float32s,
    variance: Float32s,
    items: Float32s,
    p: Float32s,
    chosen: Float32s,
    expected: Float32s,
    fisher: Float32s,
) -> None:
    """Diagonal Laplace step of a multinomial logit: P <- 1/(1/P + h), m <- m + P (v_chosen - sum_i p_i v_i).

    h = sum_i p_i v_i^2 - (sum_i p_i v_i)^2 is the diagonal of the Fisher matrix. p is taken at m, unshrunk;
    `chosen` is 0 where nothing was taken. `expected` and `fisher` [d] are scratch.
    """
    expected[:] = ZERO
    fisher[:] = ZERO
    for i in range(items.shape[0]):
        for j in range(mean.shape[0]):
            for lane in range(LANES):
                v = items[i, j, lane]
                share = p[i, lane] * v
                expected[j, lane] += share
                fisher[j, lane] += share * v
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            h = max(fisher[j, lane] - expected[j, lane] * expected[j, lane], ZERO)
            variance[j, lane] = variance[j, lane] / (ONE + variance[j, lane] * h)
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            mean[j, lane] += variance[j, lane] * (chosen[j, lane] - expected[j, lane])


@kernel
def learn_judgement(
    mean: Float32s,
    variance: Float32s,
    judged: Float32s,
    target: Float32s,
    weight: Float32s,
    known: Float32s,
    q: Float32s,
) -> None:
    """The same step for y ~ Bernoulli(q), q = sigmoid(m.v + known): g = w (y - q) v, h = w q (1 - q) v^2.

    A weight of 0 changes nothing. `q` [LANES] is scratch.
    """
    q[:] = known
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            q[lane] += mean[j, lane] * judged[j, lane]
    for lane in range(LANES):
        small = exponential(-abs(q[lane]))
        q[lane] = (ONE if q[lane] >= ZERO else small) / (ONE + small)
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            v = judged[j, lane]
            h = weight[lane] * q[lane] * (ONE - q[lane]) * v * v
            variance[j, lane] = variance[j, lane] / (ONE + variance[j, lane] * h)
    for j in range(mean.shape[0]):
        for lane in range(LANES):
            mean[j, lane] += variance[j, lane] * weight[lane] * (target[lane] - q[lane]) * judged[j, lane]
