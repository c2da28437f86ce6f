"""`driftline.ab` on an experiment's log: scipy's and statsmodels' numbers, arms, and what is refused."""

from math import sqrt

import numpy as np
import polars as pl
import pytest
import shop_log
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import proportions_ztest

import driftline
from driftline.evaluation.experiment import Effect, confidence_sequence
from driftline.scenarios.own_log.verdict import Verdict
from driftline.sim.errors import InputError

SUM = "revenue: sum per user"
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
    found = _effect(driftline.ab(log, columns=COLUMNS), SUM)
    a, b = _arms(_users(log), "revenue")
    other = stats.ttest_ind(b, a, equal_var=False)
    limits = other.confidence_interval()
    assert found.value == pytest.approx(b.mean() - a.mean(), rel=TIGHT)
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), rel=TIGHT)
    assert found.p_value == pytest.approx(other.pvalue, rel=TIGHT)
    assert found.n == 800


def test_the_lift_has_the_p_value_of_the_difference() -> None:
    log = shop_log.trial()
    verdict = driftline.ab(log, columns=COLUMNS)
    found = _effect(verdict, f"{SUM}, lift")
    a, b = _arms(_users(log), "revenue")
    assert found.value == pytest.approx(b.mean() / a.mean() - 1, rel=TIGHT)
    assert found.p_value == pytest.approx(_effect(verdict, SUM).p_value, rel=TIGHT)


@pytest.mark.parametrize("denominator", [None, "visits"])
def test_the_ratio_is_the_delta_methods_over_users(denominator: str | None) -> None:
    log = shop_log.trial()
    columns = COLUMNS if denominator is None else {**COLUMNS, "denominator": denominator}
    about = "revenue: value per row" if denominator is None else "revenue: ratio to visits"
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
    found = _effect(verdict, f"{SUM}, CUPED")
    users = _users(log)
    design = np.column_stack([np.ones(users.height), (users["variant"] == "B").to_numpy(), users["pre"].to_numpy()])
    fitted = sm.OLS(users["revenue"].to_numpy(), design.astype(float)).fit()
    assert found.value == pytest.approx(fitted.params[1], rel=TIGHT)
    assert found.std_error < _effect(verdict, SUM).std_error
    assert next(check for check in verdict.checks if check.name == "before").found.startswith("explains ")


def test_ones_and_zeros_are_compared_as_shares_of_users() -> None:
    log = shop_log.trial().with_columns(revenue=(pl.col("revenue") > 8).cast(pl.Int64))
    found = _effect(driftline.ab(log, columns=COLUMNS), "revenue: share of users with a 1")
    a, b = ((side > 0).astype(int) for side in _arms(_users(log), "revenue"))
    statistic, p = proportions_ztest([b.sum(), a.sum()], [len(b), len(a)])
    assert found.value == pytest.approx(b.mean() - a.mean(), rel=TIGHT)
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p), rel=TIGHT)
    assert not any("share of users" in each.about for each in driftline.ab(shop_log.trial(), columns=COLUMNS).findings)


def test_the_sequence_takes_users_in_the_order_of_arrival() -> None:
    log = shop_log.trial().with_row_index("row").with_columns(day=(pl.col("row") * 7919 % 2003).cast(pl.Float64))
    for columns, ordered in ((COLUMNS, log), ({**COLUMNS, "time": "day"}, log.sort("day"))):
        users = _users(ordered)
        expected = confidence_sequence(users["revenue"].to_numpy(), (users["variant"] == "B").to_numpy(), planned=700)
        found = _effect(driftline.ab(log, columns=columns, planned=700), f"{SUM}, always valid")
        assert (found.low, found.high) == pytest.approx((expected.last().low, expected.last().high), rel=TIGHT)
        assert found.p_value == pytest.approx(expected.last().p_value, rel=TIGHT)


def test_three_arms_are_each_held_against_the_control_and_adjusted_by_holm() -> None:
    log = shop_log.trial(1500, ("A", "B", "C"))
    found = driftline.ab(log, columns=COLUMNS, control="B")
    rows = [each for each in found.findings if each.about == SUM]
    assert [each.name for each in rows] == ["A - B", "C - B"]
    users = _users(log)
    b, c = (users.filter(pl.col("variant") == name)["revenue"].to_numpy() for name in "BC")
    assert rows[1].estimate.value == pytest.approx(c.mean() - b.mean(), rel=TIGHT)
    plain = [each.estimate.p_value for each in rows if isinstance(each.estimate, Effect)]
    assert [each.p_adjusted for each in rows] == pytest.approx(multipletests(plain, method="holm")[1], rel=TIGHT)
    assert all(row["p_holm"] is not None for row in found.rows())
    alone = driftline.ab(shop_log.trial(), columns=COLUMNS, metrics=["sum"])
    assert all("p_holm" not in row for row in alone.rows())


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
    assert [arm[SUM] for arm in arms] == pytest.approx([a.mean(), b.mean()], rel=TIGHT)
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
    assert any("fewer than 30" in line for line in found[SUM, "B - A"].warnings)
    anytime = _effect(found, f"{SUM}, always valid")
    assert (anytime.low, anytime.high, anytime.p_value) == (-np.inf, np.inf, 1.0)
    flat = driftline.ab(shop_log.trial(40).with_columns(revenue=0.0), columns=COLUMNS, metrics=["sum"])
    assert any(line.startswith("the values do not vary") for line in flat[SUM, "B - A"].warnings)
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
        ({"metrics": []}, "metrics: there are none"),
        ({"metrics": ["revenu=sum"]}, "there is no column 'revenu'; did you mean 'revenue'"),
        ({"metrics": ["sum", "revenue=sum"]}, "metric 'revenue=sum' is stated twice"),
        ({"metrics": ["conversion"]}, r"column 'revenue' \(conversion\) is .*; must be 0 or 1"),
        ({"metrics": ["sum/visits"]}, "only ratio has a denominator"),
        ({"metrics": ["sum@p20"]}, "winsorised at a quantile above p50"),
        ({"metrics": ["ratio@p99"]}, "winsorised at a quantile above p50"),
        ({"bounds": {"revenue": (1.0, 0.0)}}, "bounds of 'revenue' are 1 and 0"),
        ({"bounds": {"revenue": (0.0, 1.0)}}, "a user of metric 'revenue: sum per user' brings"),
        ({"bounds": {"visits": (0.0, 1.0)}}, "bounds of 'visits': there is no metric of it"),
        ({"guardrails": {"visits": 1.0}}, "guardrail of 'visits': there is no metric of it"),
        ({"guardrails": {"revenue": 0.0}}, "guardrail of 'revenue' is 0"),
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
    with pytest.raises(InputError, match=rf"row {rows[1] + 1}: column 'pre' \(before\) is -1.0, and"):
        driftline.ab(crossed.with_columns(variant=log["variant"]), columns={**COLUMNS, "before": "pre"})
    negative = log.with_columns(visits=pl.lit(-1))
    with pytest.raises(InputError, match="column 'visits' \\(denominator\\) is -1; must be at least 0"):
        driftline.ab(negative, columns={**COLUMNS, "denominator": "visits"})


def test_a_procedure_of_the_users_own_stands_beside_ours() -> None:
    log, own = shop_log.trial(), "own_procedure:PlainNormal"
    found = driftline.ab(log, columns=COLUMNS, metrics=["sum", own])
    ours, theirs = _effect(found, SUM), _effect(found, "revenue: plain normal")
    assert (theirs.value, theirs.std_error) == pytest.approx((ours.value, ours.std_error), rel=TIGHT)
    assert ours.low < theirs.low < theirs.high < ours.high  # t is wider than the normal
    with pytest.raises(InputError, match="has no 'PlainNorma'; did you mean 'PlainNormal'"):
        driftline.ab(log, columns=COLUMNS, metrics=["own_procedure:PlainNorma"])


def _wide(users: int = 1200) -> pl.DataFrame:
    """Several values a row; every user has a shop and a country."""
    rng = np.random.default_rng(5)
    return shop_log.trial(users).with_columns(
        stars=pl.Series(rng.integers(1, 6, shop_log.trial(users).height)),
        latency=pl.Series(rng.gamma(2.0, 100.0, shop_log.trial(users).height)),
        bought=(pl.col("revenue") > 8).cast(pl.Int64),
        shop=pl.col("uid").str.slice(1).cast(pl.Int64) % 60,
        country=pl.when(pl.col("uid").str.slice(1).cast(pl.Int64) % 3 == 0).then(pl.lit("no")).otherwise(pl.lit("se")),
        visits_before=pl.col("pre") * 2 + 1,
    )


ROLES = {"user": "uid", "arm": "variant", "before": "pre+visits_before"}
SEVERAL = ["revenue=sum@p99", "stars=mean", "bought=conversion", "latency=p90", "revenue=ratio/visits"]


def test_several_metrics_are_each_told_by_what_they_are() -> None:
    log = _wide()
    found = driftline.ab(log, columns=ROLES, metrics=SEVERAL)
    users = log.group_by("uid", maintain_order=True).agg(
        pl.col("variant").first(), pl.col("stars").mean(), pl.col("revenue").sum()
    )
    a, b = _arms(users, "stars")
    stars = _effect(found, "stars: mean of user means")
    assert stars.p_value == pytest.approx(stats.ttest_ind(b, a, equal_var=False).pvalue, rel=TIGHT)
    low, high = np.quantile(users["revenue"], [0.01, 0.99])
    a, b = (np.clip(side, low, high) for side in _arms(users, "revenue"))
    held = _effect(found, "revenue: sum per user, held at p99")
    assert held.p_value == pytest.approx(stats.ttest_ind(b, a, equal_var=False).pvalue, rel=TIGHT)
    rows_a, rows_b = (log.filter(pl.col("variant") == name)["latency"].to_numpy() for name in "AB")
    p90 = _effect(found, "latency: p90 of rows")
    assert p90.value == pytest.approx(np.quantile(rows_b, 0.9) - np.quantile(rows_a, 0.9), rel=TIGHT)
    for name in ("revenue: sum per user, held at p99", "stars: mean of user means", "revenue: ratio to visits"):
        assert _effect(found, f"{name}, CUPED").std_error <= _effect(found, name).std_error * 1.01


def test_metrics_after_the_first_are_adjusted_together_and_the_first_is_not() -> None:
    found = driftline.ab(_wide(), columns=ROLES, metrics=SEVERAL)
    first, *others = [each for each in found.findings if ", " not in each.about.replace(", held", "")]
    assert first.p_adjusted is None
    plain = [each.estimate.p_value for each in others if isinstance(each.estimate, Effect)]
    expected = multipletests(plain, method="holm")[1]
    assert [each.p_adjusted for each in others] == pytest.approx(expected, rel=TIGHT)


def test_the_answer_names_its_row_and_the_row_for_those_who_looked() -> None:
    found = driftline.ab(_wide(), columns=ROLES, metrics=SEVERAL)
    name = "revenue: sum per user, held at p99"
    assert f"The row “{name}, CUPED” answers for one look" in found.answer
    assert f"take “{name}, always valid” instead" in found.answer
    assert f"{_effect(found, f'{name}, CUPED').value:+.4g}" in found.answer
    assert "secondary" in found.answer
    assert driftline.ab(_wide(), columns=ROLES, metrics=SEVERAL, share=0.7).answer.startswith("No verdict")
    alone = driftline.ab(_wide(), columns={"user": "uid", "arm": "variant"}, metrics=["stars=mean"])
    assert alone.answer.startswith("B - A: no difference shown in stars: mean of user means")
    assert "of one and the same test" in alone.answer


def test_guardrails_are_one_sided_tests_of_what_may_be_lost() -> None:
    found = driftline.ab(_wide(), columns=ROLES, metrics=SEVERAL, guardrails={"latency": 50.0, "stars": -0.001})
    latency, stars = found.tables["guardrails"]
    effect = _effect(found, "latency: p90 of rows")
    assert latency["p"] == pytest.approx(stats.norm.sf((50.0 - effect.value) / effect.std_error), rel=TIGHT)
    assert latency["holds"] == ("yes" if float(str(latency["p"])) <= 0.05 else "not shown")
    assert (stars["may"], stars["holds"]) == ("fall by 0.001", "not shown")


def test_segments_are_adjusted_by_benjamini_hochberg() -> None:
    log = _wide()
    found = driftline.ab(log, columns={**ROLES, "segment": "country"}, metrics=["stars=mean"])
    rows = found.tables["segments: stars: mean of user means"]
    users = log.group_by("uid").agg(pl.col("variant", "country").first(), pl.col("stars").mean())
    plain = []
    for country in ("no", "se"):
        a, b = _arms(users.filter(pl.col("country") == country), "stars")
        plain.append(stats.ttest_ind(b, a, equal_var=False).pvalue)
    assert [row["segment"] for row in rows] == ["no", "se"]
    assert [row["p"] for row in rows] == pytest.approx(plain, rel=TIGHT)
    assert [row["p_bh"] for row in rows] == pytest.approx(multipletests(plain, method="fdr_bh")[1], rel=TIGHT)


def test_clusters_are_the_units_where_they_are_stated() -> None:
    log = _wide().with_columns(variant=pl.when(pl.col("shop") % 2 == 0).then(pl.lit("A")).otherwise(pl.lit("B")))
    found = driftline.ab(log, columns={**ROLES, "cluster": "shop"}, metrics=["revenue=sum", "revenue=ratio/visits"])
    users = _users(log.with_columns(uid="uid")).with_columns(shop=pl.col("uid").str.slice(1).cast(pl.Int64) % 60)
    design = sm.add_constant((users["variant"] == "B").to_numpy().astype(float))
    sandwich = {"groups": users["shop"].to_numpy()}
    fitted = sm.OLS(users["revenue"].to_numpy(), design).fit(cov_type="cluster", cov_kwds=sandwich)
    sums = _effect(found, SUM)
    assert (sums.n, sums.method) == (60, "difference of means (cluster-robust CR2, t)")
    assert sums.value == pytest.approx(fitted.params[1], rel=TIGHT)
    assert _effect(found, "revenue: ratio to visits").n == 60
    assert "clusters A 30, B 30" in found.checks[0].found
    assert not any("always valid" in each.about for each in found.findings)


def test_what_could_be_seen_comes_from_the_controls_spread() -> None:
    log = shop_log.trial()
    row = driftline.ab(log, columns=COLUMNS, metrics=["sum"]).tables["what this test could see (power 80 %)"][0]
    a, b = _arms(_users(log), "revenue")
    size = float(str(row["smallest effect"])) / a.std(ddof=1)
    power = TTestIndPower().power(size, nobs1=len(a), ratio=len(b) / len(a), alpha=0.05)
    assert power == pytest.approx(0.8, rel=1e-7)


def test_bounds_bring_a_betting_row_and_are_never_taken_from_the_sample() -> None:
    log = _wide()
    stars = "stars: mean of user means, always valid"
    asymptotic = _effect(driftline.ab(log, columns=ROLES, metrics=["stars=mean"]), stars)
    betting = _effect(driftline.ab(log, columns=ROLES, metrics=["stars=mean"], bounds={"stars": (1.0, 5.0)}), stars)
    assert "asymptotic" in asymptotic.method
    assert "betting" in betting.method
    shares = driftline.ab(log, columns=ROLES, metrics=["bought=conversion"])
    assert "betting" in _effect(shares, "bought: share of users with a 1, always valid").method


def test_equal_arms_of_unequal_size_are_seldom_told_apart_and_never_by_half() -> None:
    """A tenth of 4,000 users, 2 % of whom buy: about 8 events in the arm; 60 tests, at most 9 (p < .002) may err."""
    found = {"": 0, ", lift": 0, ", always valid": 0}
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        log = pl.DataFrame(
            {
                "user": np.arange(4000),
                "arm": np.where(rng.random(4000) < 0.1, "B", "A"),
                "value": (rng.random(4000) < 0.02).astype(int),
            }
        )
        for each in driftline.ab(log, share=0.1).findings:
            effect = each.estimate
            assert isinstance(effect, Effect)
            assert (effect.low > 0.0 or effect.high < 0.0) == (effect.p_value < 0.05)
            found[each.about.removeprefix("value: share of users with a 1")] += effect.p_value < 0.05
    assert max(found.values()) <= 9
    assert found[", always valid"] <= 3


def test_cuped_of_a_rare_share_is_refused_and_does_not_answer() -> None:
    rng = np.random.default_rng(4)
    log = pl.DataFrame(
        {
            "user": np.arange(3000),
            "arm": np.where(rng.random(3000) < 0.1, "B", "A"),
            "value": (rng.random(3000) < 0.02).astype(int),
            "pre": rng.random(3000),
        }
    )
    found, name = driftline.ab(log, share=0.1, columns={"before": "pre"}), "value: share of users with a 1"
    refused = _effect(found, f"{name}, CUPED")
    assert np.isnan([refused.low, refused.high, refused.p_value]).all()
    assert "fewer than 20" in refused.warnings[0]
    assert f"The row “{name}” answers" in found.answer
