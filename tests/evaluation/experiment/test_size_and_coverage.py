"""What is no procedure of the conformance suite holds size and coverage in that suite's three cases all the same."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest

from driftline.evaluation.checks._experiment import CASES, Case, drawn
from driftline.evaluation.experiment import Effect, group_sequential, switchback
from driftline.evaluation.procedures import Units

DRAWS = 300
ALLOWED = 0.05 + 4.0 * sqrt(0.05 * 0.95 / DRAWS)
"""10 %: the promise of 5 % and four standard errors of 300 draws."""
FIVE, TWO = (0.2, 0.4, 0.6, 0.8, 1.0), (0.5, 1.0)
BLOCK = 10
"""Rows a block."""


def misses(effect: Callable[[int, float], Effect], case: Case) -> tuple[float, float]:
    """Shares of experiments that find an effect where there is none, and that miss the planted one."""
    planted = 0.1 if case.rate is None else 0.01
    none = [effect(draw, 0.0) for draw in range(DRAWS)]
    some = [effect(DRAWS + draw, planted) for draw in range(DRAWS)]
    found = np.mean([each.low > 0.0 or each.high < 0.0 for each in none])
    return float(found), float(np.mean([not each.low <= planted <= each.high for each in some]))


@pytest.mark.parametrize(
    ("case", "looks", "spending"),
    [
        (CASES[0], FIVE, "obrien_fleming"),
        (CASES[0], FIVE, "pocock"),
        (CASES[1], FIVE, "obrien_fleming"),
        (CASES[1], FIVE, "pocock"),
        (CASES[2], TWO, "obrien_fleming"),
        (CASES[2], FIVE, "obrien_fleming"),
        (CASES[2], FIVE, "pocock"),
    ],
    ids=lambda each: each.name if isinstance(each, Case) else str(each),
)
def test_group_sequential_looks(case: Case, looks: tuple[float, ...], spending: Any) -> None:
    at = np.round(np.array(looks) * case.n)

    def stopped(draw: int, effect: float) -> Effect:
        units: Units = drawn(case, draw, effect)
        return group_sequential(units.value, units.arm, looks=at, planned=case.n, spending=spending).effect

    found, missed = misses(stopped, case)
    assert found <= ALLOWED
    assert missed <= ALLOWED


@pytest.mark.parametrize("interval", ["block_t", "newey_west"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_switchback_blocks(case: Case, interval: Any) -> None:
    """Blocks of ten rows, their arms drawn at random; normal values also differ from block to block."""
    block = np.arange(case.n) // BLOCK
    blocks = int(block[-1]) + 1

    def switched(draw: int, effect: float) -> Effect:
        rng = np.random.default_rng([21, draw])
        in_b = np.zeros(blocks, dtype=bool)
        in_b[rng.permutation(blocks)[: round(case.share * blocks)]] = True
        arm = in_b[block]
        if case.rate is None:
            value = rng.normal(2.0, 1.0, case.n) + rng.normal(0.0, 0.3, blocks)[block] + effect * arm
        else:
            value = (rng.random(case.n) < case.rate + effect * arm).astype(np.float64)
        return switchback(value=value, arm=arm, block=block, interval=interval)

    found, missed = misses(switched, case)
    assert found <= ALLOWED
    assert missed <= ALLOWED
