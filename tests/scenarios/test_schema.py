"""Seeds on the command line and in Python."""

import numpy as np
import pytest

from driftline.scenarios.schema import checked_seeds, seed_range
from driftline.sim.errors import InputError


def test_a_number_counts_and_a_range_is_half_open() -> None:
    assert seed_range("3") == range(3)
    assert seed_range("5:10") == range(5, 10)
    assert seed_range(":2") == range(2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("5:3", "--seeds 5:3: the end must be above the start; 5:6 is seed 5 alone"),
        ("5:5", "--seeds 5:5: the end must be above the start; 5:6 is seed 5 alone"),
        ("0", "--seeds 0: must be >= 1"),
        ("-1", "--seeds -1: must be >= 1"),
        ("-2:3", "--seeds -2:3: seeds must be >= 0 and < 2147483648"),
        ("a", "--seeds a: must be a number of seeds (3) or a half-open range (5:10)"),
        ("1:2:3", "--seeds 1:2:3: must be a number of seeds (3) or a half-open range (5:10)"),
        ("5:", "--seeds 5:: must be a number of seeds (3) or a half-open range (5:10)"),
        ("2.5", "--seeds 2.5: must be a number of seeds (3) or a half-open range (5:10)"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, line: str) -> None:
    with pytest.raises(InputError) as problem:
        seed_range(text)
    assert str(problem.value) == line


def test_python_seeds_keep_their_order_and_may_be_numpy_integers() -> None:
    assert checked_seeds(np.array([3, 1])) == (3, 1)


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [2**31], [1.5], [True], ["1"]])
def test_python_seeds_that_mean_nothing_are_refused(seeds: list[int]) -> None:
    with pytest.raises(InputError, match=r"^seeds: "):
        checked_seeds(seeds)
