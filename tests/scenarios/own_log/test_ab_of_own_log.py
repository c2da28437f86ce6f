"""`driftline.ab` on an experiment's log: scipy's and statsmodels' numbers, arms, and what is refused."""

from math import sqrt

import numpy as np
import polars as pl
import pytest
import shop_log
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

import driftline
from driftline.evaluation.experiment import Effect, confidence_sequence
from driftline.scenarios.own_log.verdict import Verdict
from driftline.sim.errors import InputError

COLUMNS = {"user": "uid", "arm": "variant", "value": "revenue"}
TIGHT = 1e-9


def _users(log: pl.DataFrame) -> pl.DataFrame:
    return log.group_by("uid", maintain_order=True).agg(
        pl.col("variant").first(), pl.col("pre").first(), pl.col("revenue").sum(), pl.col("visits").sum(), rows=pl.len()
    )


def _effect(found: Verdict, about: str, name: str = "B - A") -> Effect:
    effect = found[about, name]
    assert isinstance(effect, Effect)
    return effect


def _arms(users: pl.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = (users.filter(pl.col("variant") == name)[column].to_numpy() for name in "AB")
    return a, b


def test_the_mean_per_user_is_scipys_welch_test() -> None:
    log = shop_log.trial()
    found = _effect(driftline.ab(log, columns=COLUMNS), "mean per user")
    a, b = _arms(_users(log), "revenue")
    other = stats.ttest_ind(b, a, equal_var=False)
    limits = other.confidence_interval()
    assert found.value == pytest.approx(b.mean() - a.mean(), rel=TIGHT)
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), rel=TIGHT)
    assert found.p_value == pytest.approx(other.pvalue, rel=TIGHT)
    assert found.n == 800


def test_the_lift_is_the_delta_methods() -> None:
    log = shop_log.trial()
    found = _effect(driftline.ab(log, columns=COLUMNS), "relative lift of the mean")
    a, b = _arms(_users(log), "revenue")
    error = sqrt(b.var(ddof=1) / len(b) + (b.mean() / a.mean()) ** 2 * a.var(ddof=1) / len(a)) / a.mean()
    assert found.value == pytest.approx(b.mean() / a.mean() - 1, rel=TIGHT)
    assert found.std_error == pytest.approx(error, rel=TIGHT)


@pytest.mark.parametrize("denominator", [None, "visits"])
def test_the_ratio_is_the_delta_methods_over_users(denominator: str | None) -> None:
    log = shop_log.trial()
    columns = COLUMNS if denominator is None else {**COLUMNS, "denominator": denominator}
    about = "value per row" if denominator is None else "value per denominator"
    found = _effect(driftline.ab(log, columns=columns), about)
    levels, variance = [], 0.0
    users = _users(log)
    for value, below in zip(_arms(users, "revenue"), _arms(users, denominator or "rows"), strict=True):
        level = value.sum() / below.sum()
        levels.append(level)
        variance += ((value - level * below) / below.mean()).var(ddof=1) / len(value)
    assert found.value == pytest.approx(levels[1] - levels[0], rel=TIGHT)
    assert found.std_error == pytest.approx(sqrt(variance), rel=TIGHT)


def test_cuped_is_the_arms_coefficient_in_least_squares() -> None:
    log = shop_log.trial()
    verdict = driftline.ab(log, columns={**COLUMNS, "before": "pre"})
    found = _effect(verdict, "mean per user, CUPED")
    users = _users(log)
    design = np.column_stack([np.ones(users.height), (users["variant"] == "B").to_numpy(), users["pre"].to_numpy()])
    fitted = sm.OLS(users["revenue"].to_numpy(), design.astype(float)).fit()
    assert found.value == pytest.approx(fitted.params[1], rel=TIGHT)
    assert found.std_error < _effect(verdict, "mean per user").std_error
    assert next(check for check in verdict.checks if check.name == "before").found.startswith("explains ")


def test_ones_and_zeros_are_compared_as_shares_of_users() -> None:
    log = shop_log.trial().with_columns(revenue=(pl.col("revenue") > 8).cast(pl.Int64))
    found = _effect(driftline.ab(log, columns=COLUMNS), "share of users with a 1")
    a, b = ((side > 0).astype(int) for side in _arms(_users(log), "revenue"))
    statistic, p = proportions_ztest([b.sum(), a.sum()], [len(b), len(a)])
    assert found.value == pytest.approx(b.mean() - a.mean(), rel=TIGHT)
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p), rel=TIGHT)
    assert not any(each.about.startswith("share") for each in driftline.ab(shop_log.trial(), columns=COLUMNS).findings)


def test_the_sequence_takes_users_in_the_order_of_arrival() -> None:
    log = shop_log.trial().with_row_index("row").with_columns(day=(pl.col("row") * 7919 % 2003).cast(pl.Float64))
    for columns, ordered in ((COLUMNS, log), ({**COLUMNS, "time": "day"}, log.sort("day"))):
        users = _users(ordered)
        expected = confidence_sequence(users["revenue"].to_numpy(), (users["variant"] == "B").to_numpy(), planned=700)
        found = _effect(driftline.ab(log, columns=columns, planned=700), "mean per user, always valid")
        assert (found.low, found.high) == pytest.approx((expected.last().low, expected.last().high), rel=TIGHT)
        assert found.p_value == pytest.approx(expected.last().p_value, rel=TIGHT)


def test_three_arms_are_each_held_against_the_control_and_adjusted_by_holm() -> None:
    log = shop_log.trial(1500, ("A", "B", "C"))
    found = driftline.ab(log, columns=COLUMNS, control="B")
    rows = [each for each in found.findings if each.about == "mean per user"]
    assert [each.name for each in rows] == ["A - B", "C - B"]
    users = _users(log)
    b, c = (users.filter(pl.col("variant") == name)["revenue"].to_numpy() for name in "BC")
    assert rows[1].estimate.value == pytest.approx(c.mean() - b.mean(), rel=TIGHT)
    plain = [each.estimate.p_value for each in rows if isinstance(each.estimate, Effect)]
    assert [each.p_adjusted for each in rows] == pytest.approx(multipletests(plain, method="holm")[1], rel=TIGHT)
    assert all(row["p_holm"] is not None for row in found.rows())
    assert all("p_holm" not in row for row in driftline.ab(shop_log.trial(), columns=COLUMNS).rows())


def test_a_sample_ratio_mismatch_comes_first_and_stands_on_every_number() -> None:
    log = shop_log.trial()
    found = driftline.ab(log, columns=COLUMNS, share=0.6)
    a, b = (len(side) for side in _arms(_users(log), "revenue"))
    p = stats.chisquare([a, b], [320, 480]).pvalue
    assert found.checks[0].name == "sample ratio"
    assert found.checks[0].found.startswith(f"p = {p:.3g} (chi-square); users A {a}, B {b}; due A 320, B 480")
    assert found.alarm.startswith("SAMPLE RATIO MISMATCH")
    assert found.warnings[0] == found.alarm
    assert all(found.alarm in each.estimate.warnings for each in found.findings)
    by_name = driftline.ab(log, columns=COLUMNS, share={"B": 0.6, "A": 0.4})
    assert by_name.alarm == found.alarm
    even = driftline.ab(log, columns=COLUMNS)
    assert even.alarm == ""
    assert even.checks[0].warnings == ()


@pytest.mark.parametrize(
    ("arms", "control"),
    [
        (("B", "A"), "A"),
        (("treatment", "control"), "control"),
        (("new", "off"), "off"),
        (("x", "w"), "w"),
        ((1, 0), "0"),
        ((True, False), "false"),
    ],
)
def test_the_control_is_found_by_its_name(arms: tuple[object, object], control: str) -> None:
    log = shop_log.trial().with_columns(
        variant=pl.when(pl.col("variant") == "A").then(pl.lit(arms[0])).otherwise(pl.lit(arms[1]))
    )
    assert driftline.ab(log, columns=COLUMNS).facts["control"] == control


def test_arms_show_what_they_hold() -> None:
    log = shop_log.trial()
    arms = driftline.ab(log, columns=COLUMNS).arms
    a, b = _arms(_users(log), "revenue")
    assert [arm["arm"] for arm in arms] == ["A (control)", "B"]
    assert [arm["users"] for arm in arms] == [len(a), len(b)]
    assert [arm["per user"] for arm in arms] == pytest.approx([a.mean(), b.mean()], rel=TIGHT)
    assert sum(int(str(arm["rows"])) for arm in arms) == log.height


def test_the_order_of_rows_changes_nothing_but_the_sequence() -> None:
    log = shop_log.trial()
    one = driftline.ab(log, columns={**COLUMNS, "before": "pre"})
    other = driftline.ab(log.reverse(), columns={**COLUMNS, "before": "pre"})
    for each, again in zip(one.findings, other.findings, strict=True):
        assert again.estimate.value == pytest.approx(each.estimate.value, rel=TIGHT)
        assert again.estimate.std_error == pytest.approx(each.estimate.std_error, rel=TIGHT)


def test_small_arms_and_flat_values_are_warned_of() -> None:
    few = shop_log.trial(40)
    found = driftline.ab(few, columns=COLUMNS)
    assert any("fewer than 30" in line for line in found["mean per user", "B - A"].warnings)
    assert not any("always valid" in each.about for each in found.findings)  # 50 users are needed
    flat = driftline.ab(shop_log.trial(40).with_columns(revenue=0.0), columns=COLUMNS)
    assert any(line.startswith("the values do not vary") for line in flat["mean per user", "B - A"].warnings)
    assert not any("lift" in each.about for each in flat.findings)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"control": "a"}, "control 'a' is no arm of column 'variant'; did you mean 'A'"),
        ({"share": 1.5}, "share = 1.5: must be above 0 and below 1"),
        ({"share": {"A": 0.5, "C": 0.5}}, "share of 'C': there is no such arm"),
        ({"share": {"A": 0.5}}, "share of 'B' is missing"),
        ({"share": {"A": 0.5, "B": 0.6}}, "share: must be above 0 and sum to 1, got a sum of 1.1"),
        ({"metrics": ["mena"]}, "metric is 'mena'; did you mean 'mean'"),
        ({"metrics": ["cuped"]}, "metric 'cuped' needs before; state --columns before=COLUMN"),
        ({"metrics": ["proportion"]}, "metric 'proportion' needs values of 0 and 1"),
        ({"level": 0.0}, "level is 0; must be above 0"),
        ({"planned": 0}, "planned = 0: must be >= 1"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        driftline.ab(shop_log.trial(), columns=COLUMNS, **options)  # type: ignore[arg-type]


def test_a_user_has_one_arm_and_one_past() -> None:
    log = shop_log.trial()
    user = log.group_by("uid").len().filter(pl.col("len") > 2)["uid"].sort()[0]
    rows = log.with_row_index("row").filter(pl.col("uid") == user)["row"].to_list()
    other = {"A": "B", "B": "A"}[log["variant"][rows[0]]]
    crossed = log.with_row_index("row").with_columns(
        variant=pl.when(pl.col("row") == rows[-1]).then(pl.lit(other)).otherwise("variant"),
        pre=pl.when(pl.col("row") == rows[1]).then(-1.0).otherwise("pre"),
    )
    with pytest.raises(
        InputError, match=rf"row {rows[-1] + 1}: user '{user}' is in arm '{other}', and in .*\(1 of 800"
    ):
        driftline.ab(crossed, columns=COLUMNS)
    with pytest.raises(InputError, match=rf"row {rows[1] + 1}: column 'pre' \(before\) is -1, and"):
        driftline.ab(crossed.with_columns(variant=log["variant"]), columns={**COLUMNS, "before": "pre"})
    negative = log.with_columns(visits=pl.lit(-1))
    with pytest.raises(InputError, match="column 'visits' \\(denominator\\) is -1; must be at least 0"):
        driftline.ab(negative, columns={**COLUMNS, "denominator": "visits"})


def test_a_procedure_of_the_users_own_stands_beside_ours() -> None:
    log, own = shop_log.trial(), "own_procedure:PlainNormal"
    found = driftline.ab(log, columns=COLUMNS, metrics=["mean", own])
    ours, theirs = _effect(found, "mean per user"), _effect(found, "plain normal")
    assert (theirs.value, theirs.std_error) == pytest.approx((ours.value, ours.std_error), rel=TIGHT)
    assert ours.low < theirs.low < theirs.high < ours.high  # t is wider than the normal
    with pytest.raises(InputError, match="has no 'PlainNorma'; did you mean 'PlainNormal'"):
        driftline.ab(log, columns=COLUMNS, metrics=["own_procedure:PlainNorma"])
