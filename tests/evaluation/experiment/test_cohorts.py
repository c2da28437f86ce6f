"""Effects by cohort and by exposure age."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from driftline.evaluation.experiment import by_cohort, by_exposure_age, cluster, welch
from driftline.sim.errors import InputError


def test_each_cohort_has_its_welch_and_cochrans_q_tells_them_apart() -> None:
    rng = np.random.default_rng(0)
    cohort = np.array(["new", "old"])[rng.integers(0, 2, 800)]
    arm = rng.integers(0, 2, 800)
    value = rng.normal(0, 1, 800) + arm * np.where(cohort == "new", 1.0, 0.0)
    found = by_cohort(value=value, arm=arm, cohort=cohort)
    assert found.cohort == ("new", "old")
    for name, effect in zip(found.cohort, found.effects, strict=True):
        plain = welch(value[cohort == name], arm[cohort == name])
        assert [effect.low, effect.high] == pytest.approx([plain.low, plain.high], rel=1e-12)
    a, b = found.effects
    z = (a.value - b.value) / np.hypot(a.std_error, b.std_error)
    assert found.heterogeneity == pytest.approx(z**2, rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert found.p_value < 1e-6


def test_cohorts_without_an_arm_are_refused() -> None:
    with pytest.raises(InputError, match="cohort 1 has 4 units of A and 0 of B"):
        by_cohort(value=np.arange(8.0), arm=[0, 0, 1, 1, 0, 0, 0, 0], cohort=[0, 0, 0, 0, 1, 1, 1, 1])


def _log(rng: np.random.Generator, users: int, ages: int, slope: float) -> dict[str, Any]:
    user, age = np.repeat(np.arange(users), ages), np.tile(np.arange(ages), users)
    arm = user % 2
    value = rng.normal(0, 1, users)[user] + arm * (1.0 + slope * age) + rng.normal(0, 0.5, len(user))
    return {"value": value, "arm": arm, "user": user, "age": age.astype(float)}


def test_the_curve_is_welch_at_each_age_where_users_have_one_row() -> None:
    log = _log(np.random.default_rng(1), 60, 4, 0.0)
    found = by_exposure_age(**log)
    for age, effect in zip(found.age, found.effects, strict=True):
        here = log["age"] == age
        plain = welch(log["value"][here], log["arm"][here])
        assert [effect.low, effect.high] == pytest.approx([plain.low, plain.high], rel=1e-9)
    slopes = np.polyfit(found.age, [each.value for each in found.effects], 1)
    assert found.trend.value == pytest.approx(slopes[0], rel=1e-9)
    own = np.array([np.polyfit(np.arange(4), log["value"].reshape(60, 4)[k], 1)[0] for k in range(60)])
    plain = welch(own, np.arange(60) % 2)
    assert [found.trend.value, found.trend.std_error] == pytest.approx([plain.value, plain.std_error], rel=1e-9)


def test_many_rows_of_a_user_are_one_cluster() -> None:
    rng = np.random.default_rng(2)
    log = _log(rng, 80, 6, 0.0)
    halves = {**log, "age": np.floor(log["age"] / 3)}
    found = by_exposure_age(**halves)
    first = halves["age"] == 0
    robust = cluster(value=log["value"][first], arm=log["arm"][first], cluster=log["user"][first], correction="CR0")
    assert found.effects[0].value == pytest.approx(robust.value, rel=1e-9)
    assert found.effects[0].std_error == pytest.approx(robust.std_error * np.sqrt(40 / 39), rel=1e-9)


def test_a_wearing_novelty_is_seen_and_a_steady_effect_is_not_called_one() -> None:
    rng, repeats, alarms = np.random.default_rng(3), 600, 0
    for _ in range(repeats):
        alarms += by_exposure_age(**_log(rng, 60, 5, 0.0)).trend.p_value < 0.05
    assert abs(alarms / repeats - 0.05) < 4 * np.sqrt(0.05 * 0.95 / repeats)
    fading = by_exposure_age(**_log(rng, 200, 5, -0.2)).trend
    assert fading.high < 0.0
    assert fading.low < -0.2 < fading.high


def test_arms_that_lose_users_at_different_rates_warn() -> None:
    log = _log(np.random.default_rng(4), 400, 3, 0.0)
    lost = (log["age"] == 2) & (log["arm"] == 1) & (log["user"] % 3 == 0)
    assert by_exposure_age(**log).warnings == ()
    kept = by_exposure_age(**{name: each[~lost] for name, each in log.items()})
    assert "selection" in kept.warnings[0]


def test_one_age_is_no_curve() -> None:
    log = _log(np.random.default_rng(5), 10, 1, 0.0)
    with pytest.raises(InputError, match="at least 2"):
        by_exposure_age(**log)
