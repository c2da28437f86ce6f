"""Search ranges map shares to values and know their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.agents.tuning_range import Range


@given(st.floats(0.0, 1.0), st.booleans())
def test_share_undoes_at(share: float, log: bool) -> None:
    span = Range(0.01, 100.0, log=log)
    assert span.share(span.at(share)) == pytest.approx(share, abs=1e-9)
    assert span.low <= span.at(share) <= span.high


def test_a_logarithmic_range_has_its_geometric_mean_in_the_middle() -> None:
    assert Range(0.01, 100.0, log=True).at(0.5) == pytest.approx(1.0)


def test_whole_numbers_are_whole() -> None:
    assert Range(1, 8, whole=True).at(0.5) in (4, 5)
    assert isinstance(Range(1, 8, whole=True).at(0.3), int)


def test_only_edges_that_are_not_natural_count() -> None:
    span = Range(0.0, 1.0, natural_low=True)
    assert span.edge(0.01) is None
    assert span.edge(0.5) is None
    assert span.edge(0.99) == "high"
    assert span.edge(0.979) is None
    assert Range(0.0, 1.0).edge(0.01) == "low"


def test_widening_adds_half_the_width_at_one_edge() -> None:
    assert Range(1.0, 3.0).widened("high") == Range(1.0, 4.0)
    assert Range(2.0, 3.0).widened("low") == Range(1.5, 3.0)
    assert Range(0.5, 3.0).widened("low").low == 0.0
    wide = Range(1.0, 100.0, log=True).widened("low")
    assert wide.low == pytest.approx(0.1)


@pytest.mark.parametrize(("low", "high", "log"), [(1.0, 1.0, False), (0.0, 1.0, True), (float("nan"), 1.0, False)])
def test_a_range_that_holds_nothing_is_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match="must be"):
        Range(low, high, log=log)
