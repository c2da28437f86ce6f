"""Ragged lists and the loops that say what a measure of one user is."""

from math import log2
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.evaluation import ranking
from driftline.evaluation.estimate import t_interval

Ints = NDArray[np.int64]
USERS, ITEMS, WIDTH, RELEVANT = 60, 40, 9, 14
UNDEFINED = -9.0


def lists(seed: int = 1) -> tuple[Ints, Ints, Ints]:
    """Ragged lists, relevant items (padding anywhere, some users none) and grades 0 to 4."""
    rng = np.random.default_rng(seed)
    ranked = np.stack([rng.permutation(ITEMS)[:WIDTH] for _ in range(USERS)])
    for row, length in zip(ranked, rng.integers(0, WIDTH + 1, USERS), strict=True):
        row[length:] = -1
    relevant = np.stack([rng.permutation(ITEMS)[:RELEVANT] for _ in range(USERS)])
    relevant[rng.random(relevant.shape) < rng.random((USERS, 1))] = -1
    relevant[:3] = -1
    return ranked, relevant, rng.integers(0, 5, relevant.shape)


def judged(ranked: Ints, relevant: Ints, grades: Ints) -> list[tuple[list[int], dict[int, int]]]:
    """Per user: its list without padding, and the grades of its relevant items."""
    known = [
        {int(i): int(g) for i, g in zip(*row, strict=True) if i >= 0} for row in zip(relevant, grades, strict=True)
    ]
    return [([int(i) for i in row if i >= 0], own) for row, own in zip(ranked, known, strict=True)]


def close(found: ranking.PerUser, expected: list[float]) -> None:
    want = np.array([np.nan if x == UNDEFINED else x for x in expected])
    assert np.allclose(found.values, want, rtol=0, atol=1e-9, equal_nan=True)
    defined = want[~np.isnan(want)]
    again = t_interval(defined)
    assert found.mean.n == len(defined)
    assert [found.mean.value, found.mean.std_error, found.mean.low, found.mean.high] == pytest.approx(
        [again.value, again.std_error, again.low, again.high], abs=1e-9
    )


def per_user(measure: Any, k: int) -> list[float]:
    found = []
    for own, known in judged(*lists()):
        relevant = {item for item, grade in known.items() if grade > 0}
        found.append(measure(own[:k], relevant, known, k) if relevant else UNDEFINED)
    return found


def dcg(grades: list[int], exponential: bool) -> float:
    return sum((2**g - 1 if exponential else g) / log2(rank + 2) for rank, g in enumerate(grades))


def average_precision(own: list[int], relevant: set[int]) -> float:
    hits = [own[rank] in relevant for rank in range(len(own))]
    return sum(sum(hits[: rank + 1]) / (rank + 1) for rank in range(len(own)) if hits[rank])
