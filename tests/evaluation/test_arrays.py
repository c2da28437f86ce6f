"""Arrays of a caller's: what is refused, and that an error names the cell, its value and the bound in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftline.evaluation.arrays import (
    Cells,
    between_0_and_1,
    coded,
    columns,
    distributions,
    matrix,
    numbers,
    one_a_row,
    one_of,
    probabilities,
    propensities,
    vector,
    whole_numbers,
)
from driftline.sim.errors import InputError

HALVES = [[0.5, 0.5], [0.25, 0.75]]


def test_what_is_whole_comes_back_as_numbers() -> None:
    assert vector("x", [1, 2, 3], 3).dtype == np.float64
    assert vector("x", np.arange(6)[::2]).flags.c_contiguous
    assert columns("x", [1, 2], 2).shape == (2, 1)
    assert columns("x", [[1, 2], [3, 4]], 2).shape == (2, 2)
    assert matrix("x", [[1, 2]]).shape == (1, 2)
    assert distributions("x", HALVES, 2, 2).tolist() == HALVES
    assert distributions("x", np.full((1, 10), 0.1, dtype=np.float32)).shape == (1, 10)
    assert propensities("x", [1.0, 1e-300]).tolist() == [1.0, 1e-300]
    assert coded("x", ["b", "a", "b"])[0].tolist() == [1, 0, 1]
    assert coded("x", [7, 7])[1] == 1
    assert whole_numbers("x", [True, False], below=2).tolist() == [1, 0]


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda: numbers("x", "ten"), "x: must be numbers, got <U3"),
        (lambda: numbers("x", [[1.0], [1.0, 2.0]]), "x: rows are of different lengths; all must be alike"),
        (lambda: numbers("x", [1.0, 2.0], (3,)), "x has 2 rows; must have 3"),
        (lambda: numbers("x", [[1.0, 2.0]], (1, 3)), r"x has shape \(1, 2\); must have \(1, 3\)"),
        (lambda: numbers("x", [[1.0, np.inf]]), r"x\[0, 1\] is inf; must be finite"),
        (lambda: numbers("x", [1.0, 3.0], low=0.0, high=2.0), r"x\[1\] is 3; must be between 0 and 2"),
        (lambda: numbers("x", [1.0, -3.0], low=0.0), r"x\[1\] is -3; must be at least 0"),
        (lambda: vector("x", [[1.0]]), r"x has shape \(1, 1\); must have one value a row"),
        (lambda: vector("x", []), "x is empty; at least one row is needed"),
        (lambda: vector("x", [1.0], 2), "x has 1 rows; must have 2"),
        (lambda: matrix("x", [1.0]), r"x has shape \(1,\); must be \[n, d\]"),
        (lambda: matrix("x", [[1.0]], 2), r"x has shape \(1, 1\); must be \[2, d\]"),
        (lambda: matrix("x", [[1.0]], None, 2), r"x has shape \(1, 1\); must be \[n, 2\]"),
        (lambda: columns("x", np.ones((2, 0)), 2), r"x has shape \(2, 0\); must have one row a unit and at least one"),
        (lambda: columns("x", [1.0], 2), "x has 1 rows; must have 2"),
        (lambda: probabilities("x", [0.5, 1.1]), r"x\[1\] is 1.1; must be between 0 and 1"),
        (lambda: probabilities("x", [-0.1]), r"x\[0\] is -0.1; must be between 0 and 1"),
        (lambda: propensities("x", [0.5, 0.0]), r"x\[1\] is 0; must be above 0 and at most 1, since it was logged"),
        (
            lambda: distributions("x", [[0.5, 0.5], [0.5, 0.6]]),
            r"x\[1\] sums to 1.1; must be at least 0 each and sum to",
        ),
        (lambda: distributions("x", [[-0.5, 1.5]], first=7), r"x\[7\] sums to 1; must be at least 0 each"),
        (lambda: distributions("x", [[0.5, 0.5]], 1, 3), r"x has shape \(1, 2\); must be \[1, 3\]"),
        (lambda: distributions("x", [[np.nan, 1.0]]), r"x\[0, 0\] is nan; must be finite"),
        (lambda: whole_numbers("x", [1.0]), "x: must be whole numbers, got float64"),
        (lambda: whole_numbers("x", [0, 2], below=2), r"x\[1\] is 2; must be at least 0 and below 2"),
        (lambda: coded("x", np.array([1, "a", None], dtype=object)), "x mixes kinds of labels"),
        (lambda: coded("x", [1.0, np.nan]), r"x\[1\] is nan; must be finite"),
        (lambda: one_a_row("x", [[1], [1, 2]]), "x: rows are of different lengths"),
        (lambda: one_of("x", "ipz", ("ips", "dr")), "x is 'ipz'; did you mean 'ips'"),
        (lambda: between_0_and_1("x", 1.0), "x is 1; must be above 0 and below 1"),
        (lambda: between_0_and_1("x", np.nan), "x is nan; must be above 0 and below 1"),
    ],
)
def test_errors_name_the_cell_the_value_and_the_bound_in_one_line(ask: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_rows_may_have_names() -> None:
    cells = Cells("slate", "position", np.array([30, 40]))
    with pytest.raises(InputError, match="reward of slate 40, position 1 is nan; must be finite"):
        numbers("reward", [[1.0, 2.0], [3.0, np.nan]], cells=cells)
    with pytest.raises(InputError, match="pscore of slate 30 is 2; must be above 0 and at most 1"):
        propensities("pscore", [2.0, 0.5], cells=cells)
    with pytest.raises(InputError, match="reward of slate 1, position 0 is inf"):
        numbers("reward", [[1.0], [np.inf]], cells=Cells("slate", "position"))
