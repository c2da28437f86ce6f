"""Keyed randomness: every random number is a pure function of (seed, stream, a, b, c); all streams in one enum.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), checked against
the published known answers. The key is (seed, stream); the counter is (a, b, c, block), usually (user, visit or
day, slot, 0). Nothing depends on the order of calls, so twin worlds share every number whose key they share.
"""

from enum import IntEnum
from math import cos, log, pi, prod, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s


class Stream(IntEnum):
    """What a random number is for. Values are part of every world's meaning: append, never renumber."""

    PSEUDONYM = 1
    GROUP = 2
    ACTIVITY = 3
    HOME = 4
    VISIT_GAP = 5
    CHOICE = 6
    RESPONSE = 7
    COMMENT = 8
    QUERY = 9
    ITEM = 10
    ITEM_TOPICS = 11
    ITEM_LIFE = 12
    TITLE = 13
    CATEGORY = 14
    CANDIDATES = 15
    WARMUP_POLICY = 16
    SEGMENT_CODES = 17
    WORD_ENTRY = 18
    SCRAMBLE = 19
    FLOW_GRAPH = 20
    PROBE = 21
    AGENT = 22
    SAMPLE = 23
    ASSIGNMENT = 24
    TWIN = 25
    """The luck of a twin that is not to share this world's."""
    REAL_CLUSTERS = 901
    REAL_USERS = 902
    PERMUTATION = 903
    LAW = 1000
    """Laws use LAW + the law's place in the scenario."""
    USER_BOOTSTRAP = 2001
    FOLDS = 2031
    SPLITS = 2032
    ROUND_BOOTSTRAP = 2101
    DRAWN_ACTIONS = 2102
    INTERLEAVING = 2201
    """Interleaving uses INTERLEAVING + 2^16 times a position."""


MASK = np.uint64(0xFFFFFFFF)
M0 = np.uint64(0xD2511F53)
M1 = np.uint64(0xCD9E8D57)
W0 = np.uint64(0x9E3779B9)
W1 = np.uint64(0xBB67AE85)
SHIFT = np.uint64(32)


@kernel
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Ten rounds of Philox4x32; four words of 32 bits, held in uint64."""
    x0, x1 = np.uint64(c0) & MASK, np.uint64(c1) & MASK
    x2, x3 = np.uint64(c2) & MASK, np.uint64(c3) & MASK
    a, b = np.uint64(k0) & MASK, np.uint64(k1) & MASK
    for _ in range(10):
        p0 = M0 * x0
        p1 = M1 * x2
        x0, x1, x2, x3 = (p1 >> SHIFT) ^ x1 ^ a, p1 & MASK, (p0 >> SHIFT) ^ x3 ^ b, p0 & MASK
        a = (a + W0) & MASK
        b = (b + W1) & MASK
    return x0, x1, x2, x3


@kernel
def open_unit(word: np.uint64) -> float:
    """A 32-bit word as a uniform in (0, 1): 23 bits, never 0 and never 1, even in float32."""
    return (float(word >> np.uint64(9)) + 0.5) * 1.1920928955078125e-07


@kernel
def gumbel(word: np.uint64) -> float:
    """A standard Gumbel from one word."""
    return -log(-log(open_unit(word)))


@kernel
def normal_pair(word_a: np.uint64, word_b: np.uint64) -> tuple[float, float]:
    """Two independent standard normals from two words (Box & Muller 1958)."""
    radius = sqrt(-2.0 * log(open_unit(word_a)))
    angle = 2.0 * pi * open_unit(word_b)
    return radius * cos(angle), radius * sin(angle)


@kernel
def fill_normals(out: NDArray[np.float64], a: int, b: int, c: int, seed: int, stream: int) -> None:
    """Fill `out` [m] with standard normals keyed by (seed, stream, a, b, c)."""
    size = out.size
    for block in range((size + 3) // 4):
        w0, w1, w2, w3 = philox(a, b, c, block, seed, stream)
        n0, n1 = normal_pair(w0, w1)
        n2, n3 = normal_pair(w2, w3)
        at = 4 * block
        out[at] = n0
        if at + 1 < size:
            out[at + 1] = n1
        if at + 2 < size:
            out[at + 2] = n2
        if at + 3 < size:
            out[at + 3] = n3


@kernel
def _uniforms(n: int, a: Int64s, b: Int64s, c: Int64s, seed: int, stream: int) -> Floats:
    out = np.empty(n)
    sa, sb, sc = min(1, a.size - 1), min(1, b.size - 1), min(1, c.size - 1)
    for i in range(n):
        out[i] = open_unit(philox(a[i * sa], b[i * sb], c[i * sc], 0, seed, stream)[0])
    return out


@kernel
def _normals(n: int, a: Int64s, b: Int64s, c: Int64s, seed: int, stream: int) -> Floats:
    out = np.empty(n)
    sa, sb, sc = min(1, a.size - 1), min(1, b.size - 1), min(1, c.size - 1)
    for i in range(n):
        w0, w1, _, _ = philox(a[i * sa], b[i * sb], c[i * sc], 0, seed, stream)
        out[i] = normal_pair(w0, w1)[0]
    return out


def _keys(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[tuple[int, ...], list[Int64s]]:
    """The broadcast shape, and each key flat: whole, or alone where it is the same everywhere."""
    arrays = [np.asarray(k, dtype=np.int64) for k in (a, b, c)]
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    whole = [x if x.size == 1 or x.shape == shape else np.broadcast_to(x, shape) for x in arrays]
    return shape, [np.ascontiguousarray(x).ravel() for x in whole]


def uniforms(seed: int, stream: int, a: ArrayLike, b: ArrayLike = 0, c: ArrayLike = 0) -> Floats:
    """Uniforms in (0, 1) for broadcast keys; each depends on its own key only."""
    shape, (x, y, z) = _keys(a, b, c)
    # A plain int: numba looks through all members of an enum at every call.
    return _uniforms(prod(shape), x, y, z, seed, int(stream)).reshape(shape)


def normals(seed: int, stream: int, a: ArrayLike, b: ArrayLike = 0, c: ArrayLike = 0) -> Floats:
    """Standard normals for broadcast keys; each depends on its own key only."""
    shape, (x, y, z) = _keys(a, b, c)
    return _normals(prod(shape), x, y, z, seed, int(stream)).reshape(shape)


def order(seed: int, stream: int, n: int, a: int = 0) -> NDArray[np.int64]:
    """A keyed permutation of `range(n)`."""
    return np.argsort(uniforms(seed, stream, a, np.arange(n)), kind="stable")


def derived_seed(seed: int, stream: int, a: int = 0) -> int:
    """A 32-bit seed for somebody else's generator, keyed like everything here."""
    return int(philox(a, 0, 0, 0, seed, int(stream))[0])
