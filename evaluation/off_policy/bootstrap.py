"""One bootstrap for all estimators together: random counts instead of redrawn rows.

Each unit (round or cluster) counts as often as a Poisson(1) number says, independent of the others (Chamandy,
Muralidharan, Najmi & Naidu 2012). Replicates need only sums of terms, so one pass over the log serves every
estimator and every replicate. Counts are keyed by (seed, unit, replicate): independent of the order of work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from driftline.evaluation.off_policy.rounds import Codes
from driftline.evaluation.off_policy.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, philox
from driftline.sim.types import Floats

BLOCK = 4096
"""Units worked on at once: what fits into a processor's cache. A multiple of 8."""
LANES = 8
"""Columns of sums that one pass makes."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """One estimator's replicates, drawn out by sqrt(units / (units - 1)) around the value."""

    value: float
    std_error: float
    low: float
    high: float
    undefined: int
    """Replicates in which the normaliser was 0; they are left out."""


def poisson_table() -> NDArray[np.uint8]:
    """Counts by 16-bit number [65536]: Poisson(1) to 2^-16, with mean and variance exactly 1.

    Cumulative probabilities are rounded to 2^-16. What rounding leaves of the first two moments is taken from the
    cells of 0, 1 and 2, of which a few change their number: x0 + x1 + x2 = 0 keeps the total.
    """
    edges = np.rint(65536 * pdtr(np.arange(9), 1.0)).astype(np.int64)
    cells = np.diff(edges, prepend=0)
    cells[-1] += 65536 - cells.sum()
    k = np.arange(9)
    mean, square = 65536 - (k * cells).sum(), 2 * 65536 - (k * k * cells).sum()
    # solve x1 + 2 x2 = mean, x1 + 4 x2 = square
    if (square - mean) % 2:
        raise ArithmeticError("counts cannot be balanced")
    two = (square - mean) // 2
    one = mean - 2 * two
    cells[:3] += np.array([-one - two, one, two])
    return np.repeat(k.astype(np.uint8), cells)


@kernel
def fill_counts(
    counts: Floats, first: int, m: int, replicate: int, table: NDArray[np.uint8], seed: int, stream: int
) -> None:
    """How often units first .. first + m - 1 count in one replicate, into `counts` [m + 7 or more].

    first: a multiple of 8, since one keyed block holds the numbers of eight units.
    """
    for group in range((m + 7) // 8):
        place = first // 8 + group
        words = philox(place, place >> 32, replicate, 0, seed, stream)
        for j in range(4):
            word = words[j]
            counts[8 * group + 2 * j] = table[word & np.uint64(0xFFFF)]
            counts[8 * group + 2 * j + 1] = table[word >> np.uint64(16)]


@kernel
def _count_block(
    columns: NDArray[np.float64],
    first: int,
    table: NDArray[np.uint8],
    seed: int,
    stream: int,
    sums: NDArray[np.float64],
) -> None:
    """Add a block of units' columns [m, 8] to every replicate's sums [replicates, 8]."""
    m = columns.shape[0]
    counts = np.empty(m + 8)
    for replicate in range(sums.shape[0]):
        fill_counts(counts, first, m, replicate, table, seed, stream)
        total = np.zeros(8)
        for i in range(m):
            count = counts[i]
            for j in range(8):
                total[j] += count * columns[i, j]
        for j in range(8):
            sums[replicate, j] += total[j]


def resample(
    several: Sequence[Terms], cluster: tuple[Codes, int] | None, seed: int, replicates: int, level: float
) -> list[Resampled]:
    """Bootstrap all estimators of one log with the same counts; percentile limits.

    Deviations from the value are widened by sqrt(units / (units - 1)), which is what the bootstrap of few units
    falls short of. Sums are made in blocks of fixed size, so results do not depend on anything but the arguments.
    """
    columns: list[Floats] = []
    places = [tuple(_place(columns, each) for each in (one.base, one.top, one.bottom)) for one in several]
    n = several[0].n
    units = n if cluster is None else cluster[1]
    if units < 2:
        return [Resampled(nan, nan, nan, nan, 0) for _ in several]
    plain, sums = resampled_sums([np.ones(n), *columns], cluster, seed, replicates)
    return [summary(_values(plain, at)[0], _values(sums, at), units, level) for at in places]


def resampled_sums(
    columns: Sequence[Floats], cluster: tuple[Codes, int] | None, seed: int, replicates: int
) -> tuple[Floats, Floats]:
    """Sums of columns [n] over the log [1, columns] and under every replicate's counts [replicates, columns]."""
    if cluster is not None:
        columns = [np.asarray(np.bincount(cluster[0], each, cluster[1]), dtype=np.float64) for each in columns]
    sums = np.hstack([_sums(columns[at : at + LANES], seed, replicates) for at in range(0, len(columns), LANES)])
    return np.array([[each.sum() for each in columns]]), sums


def _place(columns: list[Floats], array: Floats | None) -> int | None:
    """Where a column is among those to be summed (after the sizes); it is added unless it is there already."""
    if array is None:
        return None
    for at, each in enumerate(columns):
        if each is array:
            return at + 1
    columns.append(array)
    return len(columns)


def _sums(columns: Sequence[Floats], seed: int, replicates: int) -> Floats:
    """Sums of the columns under every replicate's counts [replicates, columns]."""
    table = poisson_table()
    sums = np.zeros((replicates, LANES))
    block = np.zeros((BLOCK, LANES))
    n = len(columns[0])
    for first in range(0, n, BLOCK):
        m = min(BLOCK, n - first)
        for j, column in enumerate(columns):
            block[:m, j] = column[first : first + m]
        _count_block(block[:m], first, table, seed, int(Stream.ROUND_BOOTSTRAP), sums)
    return sums[:, : len(columns)]


def _values(sums: Floats, places: tuple[int | None, ...]) -> Floats:
    """The estimator on each row of sums [rows]; NaN where the normaliser is 0."""
    base, top, bottom = places
    value = np.zeros(len(sums))
    if base is not None:
        value += _divide(sums[:, base], sums[:, 0])
    if top is not None:
        value += _divide(sums[:, top], sums[:, 0 if bottom is None else bottom])
    return value


def _divide(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(above), nan), where=below > 0))


def summary(value: float, replicates: Floats, units: int, level: float) -> Resampled:
    """Percentile limits of replicates [r], drawn out around the value; those that are not finite are left out."""
    wider = sqrt(units / (units - 1))
    defined = value + (replicates[np.isfinite(replicates)] - value) * wider
    if len(defined) < 2:
        raise InputError("bootstrap: the normaliser is 0 in all replicates")
    low, high = np.quantile(defined, [0.5 - level / 2, 0.5 + level / 2])
    return Resampled(value, float(np.std(defined)), float(low), float(high), len(replicates) - len(defined))
