"""Adjusted p-values beside peers; guardrails."""

import numpy as np
import pytest
from experiment_sample import ARM, VALUE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from driftline.evaluation.experiment import benjamini_hochberg, bonferroni, guardrail, holm, welch
from driftline.sim.errors import InputError

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(P_VALUES)
def test_adjusted_p_values_agree_with_statsmodels(p: list[float]) -> None:
    for ours, theirs in ((bonferroni, "bonferroni"), (holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        _, adjusted, _, _ = multipletests(p, 0.1, theirs)
        found = ours(p, alpha=0.1)
        assert np.allclose(found.p_value, adjusted, rtol=1e-12, atol=1e-300)
        assert np.array_equal(found.rejected, found.p_value <= 0.1)
        assert (found.p_value >= p).all()


def test_benjamini_hochberg_agrees_with_scipy() -> None:
    p = [0.01, 0.04, 0.03, 0.5, 0.005]
    assert np.allclose(benjamini_hochberg(p).p_value, stats.false_discovery_control(p), rtol=1e-12)


def test_illegal_p_values_are_refused() -> None:
    with pytest.raises(InputError, match=r"p_value\[1\] is 1.2; must be between 0 and 1"):
        holm([0.1, 1.2])
    with pytest.raises(InputError, match="empty"):
        bonferroni([])
    with pytest.raises(InputError, match=r"p_value\[1\] is nan; must be"):
        benjamini_hochberg([0.1, np.nan])


def test_a_guardrail_is_one_half_of_the_two_one_sided_tests() -> None:
    a, b = VALUE[ARM == 0], VALUE[ARM == 1]
    _, (_, above, _), (_, below, _) = ttost_ind(b, a, -2.0, 2.0, usevar="unequal")
    effect = welch(VALUE, ARM)
    assert guardrail(effect, margin=2.0).p_value == pytest.approx(above, rel=1e-9)
    assert guardrail(effect, margin=2.0, higher_is_better=False).p_value == pytest.approx(below, rel=1e-9)


def test_a_guardrail_holds_exactly_where_its_limit_clears_the_margin() -> None:
    effect = welch(VALUE, ARM)
    for up in (True, False):
        limit = guardrail(effect, margin=1.0, higher_is_better=up).limit
        worst = -limit if up else limit
        assert guardrail(effect, margin=worst * 1.001, higher_is_better=up).holds
        assert not guardrail(effect, margin=worst * 0.999, higher_is_better=up).holds


def test_guardrails_refuse_what_they_cannot_test() -> None:
    with pytest.raises(InputError, match="margin"):
        guardrail(welch(VALUE, ARM), margin=0.0)
    with pytest.raises(InputError, match="no standard error"):
        guardrail(welch(np.ones(60), ARM), margin=1.0)
