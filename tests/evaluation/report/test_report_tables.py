"""How the report's tables write a ratio."""

from math import inf, nan

import pytest

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.report.tables import _ratio


@pytest.mark.parametrize(
    "value, low, high, written",
    [
        (0.8, 0.7, 0.9, "0.800 (0.700 to 0.900)"),
        (2.0, 0.1, 999.9, "2.000 (0.100 to 999.900)"),
        (2.0, 0.1, 1000.4, "2.000 (0.100 to over 1000)"),
        (2.0, 0.1, inf, "2.000 (0.100 to over 1000)"),
        (0.8, nan, nan, "0.800"),
        (nan, nan, nan, "—"),
    ],
)
def test_a_ratio_stands_beside_its_interval_where_it_has_one(
    value: float, low: float, high: float, written: str
) -> None:
    assert _ratio(Estimate(value, 0.1, low, high, 10, "")) == written
