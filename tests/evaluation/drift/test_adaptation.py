"""How soon a loss after a change of interest is made up; regret summed up; curves at change points."""

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftline.evaluation.drift import Rule, adaptation_delay, dynamic_regret, recovery_time
from driftline.evaluation.drift.adaptation import change_curve, last_change, stacked

Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


def planted(tau: float, users: int = 60, noise: float = 0.0, height: float = 1.0, gap: float = 1.0) -> Columns:
    """Users with one jump each; regret rises by `height` and falls as exp(-visits / tau), to a level of its own."""
    rng = np.random.default_rng(7)
    visits = 55
    jump = rng.integers(12, 20, users)
    since = np.arange(visits)[None, :] - jump[:, None]
    level = rng.uniform(0.1, 0.6, users)[:, None]
    regret = level + np.where(since >= 0, height * np.exp(-since / tau), 0.0)
    regret = regret + noise * rng.standard_normal(regret.shape)
    time = np.tile(gap * np.arange(visits), (users, 1)).astype(np.float64)
    user = np.repeat(100 + np.arange(users), visits)
    return user, time.ravel(), regret.ravel(), (since == 0).ravel()


def first_back(tau: float) -> int:
    """First visit at which exp(-k / tau) is a tenth of the peak: the mean of the first two visits after it."""
    return int(np.ceil(tau * log(10.0 / ((1.0 + exp(-1.0 / tau)) / 2.0))))


@pytest.mark.parametrize("tau", [1.0, 3.0, 6.0, 10.0])
def test_delay_of_an_exponential_recovery_is_its_closed_form(tau: float) -> None:
    found = adaptation_delay(*planted(tau))
    assert found.value == first_back(tau)
    assert found.low == found.high == found.value
    assert found.points == 60


def test_delay_is_recovered_through_noise_and_its_interval_holds_it() -> None:
    found = adaptation_delay(*planted(4.0, users=400, noise=0.3))
    assert abs(found.value - first_back(4.0)) <= 2
    assert found.low <= first_back(4.0) <= found.high
    assert found.low < found.high


def test_recovery_counts_days_not_visits() -> None:
    assert recovery_time(*planted(3.0, gap=0.5)).value == pytest.approx(first_back(3.0) / 2, abs=1.0)
    assert recovery_time(*planted(3.0)).value == first_back(3.0)


def test_a_loss_that_stays_is_censored() -> None:
    found = adaptation_delay(*planted(1e9))
    assert found.censored
    assert found.value == inf
    assert found.horizon == 30.0


def test_who_loses_nothing_has_no_delay() -> None:
    flat = adaptation_delay(*planted(3.0, height=0.0, noise=0.3))
    assert np.isnan(flat.value)
    assert not flat.censored
    no_change = planted(3.0)
    assert np.isnan(adaptation_delay(*no_change[:3], np.zeros_like(no_change[3])).value)


def test_the_order_of_users_does_not_matter_to_the_delay() -> None:
    user, time, regret, changed = planted(4.0, users=20, noise=0.2)
    order = np.argsort(-user, kind="stable")
    backwards = adaptation_delay(user[order], time[order], regret[order], changed[order])
    assert backwards.value == adaptation_delay(user, time, regret, changed).value


def test_the_curve_is_each_change_against_its_own_earlier_level() -> None:
    regret = np.array([1.0, 2.0, 3.0, 9.0, 5.0, 4.0, 0.0, 0.0, 7.0])
    user = np.array([1, 1, 1, 1, 1, 1, 2, 2, 2])
    changed = np.array([False, False, False, True, False, False, False, False, True])
    curve = change_curve(user, np.arange(9.0), regret, changed, Rule(before=3, after=4, least_before=3))
    excess, count = curve.excess()
    assert curve.offsets.tolist() == [-3, -2, -1, 0, 1, 2, 3, 4]
    assert excess[:6].tolist() == [-1.0, 0.0, 1.0, 7.0, 3.0, 2.0]
    assert count.tolist() == [1, 1, 1, 1, 1, 1, 0, 0]
    assert curve.level() == 2.0
    assert curve.points.tolist() == [1.0, 0.0]


def test_a_curve_ends_where_the_next_change_begins() -> None:
    changed = np.zeros(12, np.bool_)
    changed[[3, 7]] = True
    curve = change_curve(np.zeros(12, np.int64), np.arange(12.0), np.arange(12.0), changed, Rule())
    _, count = curve.excess()
    assert dict(zip(curve.offsets.tolist(), count.tolist(), strict=True)) | {3: 2, 4: 1, 5: 0} == dict(
        zip(curve.offsets.tolist(), count.tolist(), strict=True)
    )
    assert curve.points.tolist() == [2.0]


def test_smoothing_never_reaches_across_the_change() -> None:
    user, time, _, changed = planted(3.0, users=3)
    since = np.arange(len(user)) - last_change(user, changed)
    regret = np.where((last_change(user, changed) >= 0) & (since < 1000), 5.0, 1.0)
    smooth, _ = change_curve(user, time, regret, changed).smoothed(3).excess()
    assert set(np.unique(smooth[:10])) == {0.0}
    assert set(np.unique(smooth[10:])) == {4.0}


def test_stacked_curves_pool_and_keep_users_of_other_seeds_apart() -> None:
    curve = change_curve(*planted(3.0, users=5))
    both = stacked([curve, curve])
    assert len(np.unique(both.user)) == 10
    assert np.allclose(both.excess()[0], curve.excess()[0], equal_nan=True)
    assert both.points.sum() == 2 * curve.points.sum()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_last_change_is_the_same_users_last_one(rows: list[tuple[int, bool]]) -> None:
    rows.sort(key=lambda row: row[0])
    user, changed = np.array([u for u, _ in rows]), np.array([c for _, c in rows])
    found = last_change(user, changed)
    for k in range(len(rows)):
        before = [j for j in range(k + 1) if user[j] == user[k] and changed[j]]
        assert found[k] == (before[-1] if before else -1)


def test_dynamic_regret_adds_up() -> None:
    best, shown = np.array([1.0, 0.5, 2.0]), np.array([0.5, 0.5, 0.0])
    assert dynamic_regret(best, shown).tolist() == [0.5, 0.5, 2.5]
    with pytest.raises(ValueError, match="got 3 and 2"):
        dynamic_regret(best, shown[:2])
