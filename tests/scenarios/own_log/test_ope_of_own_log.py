"""`driftline.ope` on a shop's log: the truth, independent sums, and what a policy may answer."""

from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shop_log
from scipy import stats
from shop_log import COLUMNS, CONTEXT, ITEMS

import driftline
from driftline.evaluation.off_policy import Bounds
from driftline.scenarios.own_log.single import GAIN, LOGGED, OVER_LOG, periods_of
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


def _at_item(log: pl.DataFrame) -> np.ndarray:
    places = [ITEMS.index(item) for item in log["item"]]
    return shop_log.wanted(log)[np.arange(log.height), places]


def _frame(log: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(shop_log.wanted(log), list(ITEMS))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_estimates_lie_within_four_standard_errors_of_the_truth(seed: int) -> None:
    log = shop_log.decisions(3000, seed=seed)
    found = driftline.ope(log, _frame, columns=COLUMNS, context=CONTEXT)
    for name in ("ips", "snips", "dr", "sndr"):
        assert abs(found[name].value - shop_log.truth(log)) < 4 * found[name].std_error
    # the world's interaction of item and device is beyond a linear model, and the verdict says so
    assert any(line.startswith("bias: the reward model") for line in found["dm"].warnings)
    flexible = driftline.ope(log, _frame, columns=COLUMNS, context=CONTEXT, reward_model="hist_gradient_boosting")
    assert flexible["dr"].std_error < found["ips"].std_error


def test_values_and_errors_are_the_plain_sums_over_rows_and_users() -> None:
    log = shop_log.decisions()
    found = driftline.ope(log, _at_item, columns=COLUMNS)
    weight, reward = _at_item(log) / log["prob"].to_numpy(), log["clicked"].to_numpy()
    ips, snips = (weight * reward).mean(), (weight * reward).sum() / weight.sum()
    assert found["ips"].value == pytest.approx(ips, rel=1e-12)
    assert found["snips"].value == pytest.approx(snips, rel=1e-12)
    users = log.height and log["uid"].n_unique()
    by_user = log.with_columns(off=pl.Series(weight * reward - ips)).group_by("uid").agg(pl.col("off").sum())["off"]
    error = sqrt(users / (users - 1) * float((by_user**2).sum())) / log.height
    assert found["ips"].std_error == pytest.approx(error, rel=1e-9)
    reach = stats.t.ppf(0.975, users - 1) * error
    assert found["ips"].high == pytest.approx(ips + reach, rel=1e-9)
    assert found[OVER_LOG, LOGGED].value == pytest.approx(reward.mean(), rel=1e-12)
    assert found[GAIN, "snips"].value == pytest.approx(snips - reward.mean(), rel=1e-9)
    # the two share their rounds, so their difference is surer than two numbers side by side
    apart = sqrt(found["snips"].std_error ** 2 + found[OVER_LOG, LOGGED].std_error ** 2)
    assert found[GAIN, "snips"].std_error < 0.9 * apart
    gain = weight * reward - reward
    by_user = log.with_columns(off=pl.Series(gain - gain.mean())).group_by("uid").agg(pl.col("off").sum())["off"]
    error = sqrt(users / (users - 1) * float((by_user**2).sum())) / log.height
    assert found[GAIN, "ips"].std_error == pytest.approx(error, rel=1e-9)


def test_a_frame_a_matrix_a_vector_and_a_column_say_the_same() -> None:
    log = shop_log.decisions()
    expected = driftline.ope(log, _at_item, columns=COLUMNS)["snips"]
    shuffled = driftline.ope(log, lambda seen: _frame(seen).select("shoe", "pen", "mug", "hat"), columns=COLUMNS)
    matrix = driftline.ope(log, shop_log.wanted, columns=COLUMNS)  # in sorted order of the items
    series = driftline.ope(log, lambda seen: pl.Series(_at_item(seen)), columns=COLUMNS)
    with_column = log.with_columns(new=pl.Series(_at_item(log)))
    column = driftline.ope(with_column, columns={**COLUMNS, "target_pscore": "new"})
    for found in (shuffled, matrix, series, column):
        assert found["snips"].value == pytest.approx(expected.value, rel=1e-12)
        assert found["snips"].std_error == pytest.approx(expected.std_error, rel=1e-9)
    assert {each.name for each in column.findings} == {LOGGED, "ips", "snips"}
    assert {each.name for each in matrix.findings} == {LOGGED, "dm", "ips", "snips", "dr", "sndr"}


def test_whole_numbers_below_the_number_of_columns_are_the_columns() -> None:
    log = shop_log.decisions().with_columns(
        item=pl.col("item").replace_strict({"hat": 0, "mug": 1, "pen": 2, "shoe": 3})
    )
    with_more = np.hstack([shop_log.wanted(log) * 0.9, np.full((log.height, 1), 0.1)])
    found = driftline.ope(log, lambda seen: with_more, columns=COLUMNS)
    support = next(check for check in found.checks if check.name == "support")
    assert support.warnings[0].startswith("support: 10.00% of the target policy's choices are never made")
    assert support.warnings[0] in found["ips"].warnings
    from_one = log.with_columns(item=pl.col("item") + 1)
    sorted_order = driftline.ope(from_one, shop_log.wanted, columns=COLUMNS)
    plain = driftline.ope(log, shop_log.wanted, columns=COLUMNS)
    assert sorted_order["ips"].value == plain["ips"].value


def test_a_policy_never_sees_the_reward_and_is_called_once() -> None:
    seen: list[list[str]] = []

    def policy(log: pl.DataFrame) -> pl.DataFrame:
        seen.append(log.columns)
        return _frame(log)

    driftline.ope(shop_log.decisions(), policy, columns=COLUMNS)
    assert seen == [["uid", "age", "device", "day", "item", "prob"]]


def test_the_order_of_rows_plays_no_part_without_time() -> None:
    log = shop_log.decisions()
    turned = log.reverse()
    found = driftline.ope(log, _frame, columns=COLUMNS, context=CONTEXT)
    again = driftline.ope(turned, _frame, columns=COLUMNS, context=CONTEXT)
    for one, other in zip(found.findings, again.findings, strict=True):
        assert other.estimate.value == pytest.approx(one.estimate.value, rel=1e-5)


def test_time_orders_the_rounds_and_brings_the_newest_and_the_next_period() -> None:
    log = shop_log.decisions(3000).with_columns(
        clicked=pl.when(pl.col("day") > 20).then(1).otherwise(pl.col("clicked"))
    )
    columns = {**COLUMNS, "time": "day"}
    found = driftline.ope(log, _at_item, columns=columns, period=3.0)
    assert found["newest period", "windowed snips"].value == pytest.approx(1.0)
    assert found["next period", "prognosticator"].value > found["snips"].value + 0.2
    drift = next(check for check in found.checks if check.name == "drift")
    assert drift.warnings[0].startswith("drift: the value moved by +")
    assert drift.warnings[0] in found["snips"].warnings
    still = driftline.ope(shop_log.decisions(3000), _at_item, columns=columns)
    assert next(check for check in still.checks if check.name == "drift").warnings == ()
    shuffled = driftline.ope(log.sample(fraction=1.0, shuffle=True, seed=1), _at_item, columns=columns, period=3.0)
    for one, other in zip(found.findings, shuffled.findings, strict=True):
        assert other.estimate.value == pytest.approx(one.estimate.value, rel=1e-12)


def test_dates_are_days_and_the_first_period_may_be_left_over() -> None:
    log = shop_log.decisions()
    start = pl.datetime(2024, 5, 1)
    dated = log.with_columns(at=start + pl.duration(microseconds=(pl.col("day") * 86_400e6).cast(pl.Int64)))
    by_number = driftline.ope(log, _at_item, columns={**COLUMNS, "time": "day"}, period=4.0)
    by_date = driftline.ope(dated, _at_item, columns={**COLUMNS, "time": "at"}, period=4.0)
    for one, other in zip(by_number.findings, by_date.findings, strict=True):
        assert other.estimate.value == pytest.approx(one.estimate.value, rel=1e-9)
    assert by_date["next period", "prognosticator"].n == 7  # of 30 days, 2 are left over


def test_bounds_and_other_intervals_reach_the_estimators() -> None:
    log = shop_log.decisions()
    alone = {role: column for role, column in COLUMNS.items() if role != "user"}
    bounds = Bounds((0.0, 1.0), 1000.0)
    found = driftline.ope(log, _at_item, columns=alone, interval="anytime", bounds=bounds)
    assert [each.name for each in found.findings if each.about == OVER_LOG] == [LOGGED, "ips"]
    assert "anytime" in found["ips"].method
    drawn = driftline.ope(log, _at_item, columns=COLUMNS, interval="bootstrap", estimators=["snips"], seed=3, level=0.9)
    plain = driftline.ope(log, _at_item, columns=COLUMNS, estimators=["snips"], level=0.9)
    assert "bootstrap" in drawn["snips"].method
    assert drawn["snips"].std_error == pytest.approx(plain["snips"].std_error, rel=0.15)
    assert drawn["snips"].low == pytest.approx(plain["snips"].low, abs=0.3 * plain["snips"].std_error)


def test_tamed_weights_and_replay_come_when_asked_for() -> None:
    log = shop_log.decisions()
    found = driftline.ope(log, _at_item, columns=COLUMNS, lambdas={"clipped_ips": 2.0})
    weight = np.minimum(_at_item(log) / log["prob"].to_numpy(), 2.0)
    assert found["clipped_ips"].value == pytest.approx((weight * log["clicked"].to_numpy()).mean(), rel=1e-12)
    always = driftline.ope(
        log, lambda seen: (seen["item"] == "mug").cast(pl.Float64), columns=COLUMNS, estimators=["replay"]
    )
    assert always["replay"].value == pytest.approx(log.filter(pl.col("item") == "mug")["clicked"].mean(), rel=1e-12)


def test_a_model_of_ones_own_comes_in_columns() -> None:
    log = shop_log.decisions()
    places = [ITEMS.index(item) for item in log["item"]]
    q = shop_log.worth(log)
    modelled = log.with_columns(
        q=pl.Series(q[np.arange(log.height), places]), v=pl.Series((q * shop_log.wanted(log)).sum(axis=1))
    )
    found = driftline.ope(modelled, _at_item, columns={**COLUMNS, "q_action": "q", "q_expected": "v"})
    assert found["dm"].value == pytest.approx(shop_log.truth(log), rel=1e-12)
    assert abs(found["dr"].value - shop_log.truth(log)) < 4 * found["dr"].std_error


def test_files_and_frames_are_read_alike(tmp_path: Path) -> None:
    log = shop_log.decisions()
    log.write_csv(tmp_path / "log.csv")
    log.write_csv(tmp_path / "log.tsv", separator="\t")
    log.write_parquet(tmp_path / "log.parquet")
    expected = driftline.ope(log, _frame, columns=COLUMNS, context=CONTEXT)
    for name in ("log.csv", "log.tsv", "log.parquet"):
        found = driftline.ope(tmp_path / name, _frame, columns=COLUMNS, context=CONTEXT)
        assert [each.estimate for each in found.findings] == [each.estimate for each in expected.findings]


def test_slates_are_judged_by_every_propensity_that_was_logged() -> None:
    log = shop_log.slates(4000)
    base = {"reward": "clicked", "slate": "request", "position": "pos"}
    logged = {"pscore": "p_slate", "pscore_item_position": "p_item", "pscore_cascade": "p_down"}
    target = {"target_pscore": "t_slate", "target_pscore_item_position": "t_item", "target_pscore_cascade": "t_down"}
    found = driftline.ope(log, columns={**base, **logged, **target})
    truth = 3 * (0.2 + 0.4 * 0.8)
    names = [each.name for each in found.findings]
    assert names == [LOGGED, "sips", "snsips", "iips", "sniips", "rips", "snrips"]
    for name in names[1:]:
        assert abs(found[name].value - truth) < 4 * found[name].std_error, name
    wide = log.sort("request", "pos")
    weight = (wide["t_item"] / wide["p_item"]).to_numpy().reshape(-1, 3)
    reward = wide["clicked"].to_numpy().reshape(-1, 3)
    assert found["iips"].value == pytest.approx((weight * reward).sum(axis=1).mean(), rel=1e-12)
    assert found["sips"].value == pytest.approx((weight.prod(axis=1) * reward.sum(axis=1)).mean(), rel=1e-12)
    assert found[LOGGED].value == pytest.approx(reward.sum(axis=1).mean(), rel=1e-12)

    def renamed(seen: pl.DataFrame) -> pl.DataFrame:
        return seen.select(**{kind: pl.col(target[f"target_{kind}"]) for kind in logged})

    by_policy = driftline.ope(log, renamed, columns={**base, **logged})
    assert [each.estimate for each in by_policy.findings] == [each.estimate for each in found.findings]

    def by_item(seen: pl.DataFrame) -> np.ndarray:
        return np.tile([0.2, 0.8], (seen.height, 1))

    one = driftline.ope(
        log, by_item, columns={**base, "pscore_item_position": "p_item", "action": "item"}, estimators=["iips"]
    )
    assert replace(one["iips"], warnings=()) == replace(found["iips"], warnings=())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda log: np.full((log.height, 3), 1 / 3), "returned 3 columns, the log holds 4 actions; return a frame"),
        (lambda log: np.full(log.height - 1, 0.5), r"returned shape \(1999,\) for 2,000 rows; must be one probability"),
        (lambda log: None, "returned NoneType; must be one probability a row"),
        (lambda log: "mug", "returned str; must be one probability"),
        (lambda log: np.full(log.height, np.nan), "frame, row 1: probability is nan; must be between 0 and 1"),
        (lambda log: np.full(log.height, 1.5), "probability is 1.5; must be between 0 and 1 \\(2,000 such rows\\)"),
        (lambda log: np.full((log.height, 4), 0.3), "row 1: probabilities sum to 1.2; must sum to 1"),
        (lambda log: _frame(log).drop("pen"), "a frame without a column for the logged action 'pen'"),
        (lambda log: _frame(log).head(5), "returned 5 rows for 2,000"),
        (lambda log: log["clicked"], r"failed: ColumnNotFoundError: .*\(the reward, 'clicked', is kept from it\)"),
        (lambda log: 1 / 0, "policy '<lambda>' failed: ZeroDivisionError: division by zero"),
        (
            lambda log: np.zeros(log.height),
            "has no support in this log: it gives all 2,000 logged actions",
        ),
    ],
)
def test_a_wrong_answer_names_the_policy(answer: object, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        driftline.ope(shop_log.decisions(), answer, columns=COLUMNS)  # type: ignore[arg-type]
    assert "policy '<lambda>'" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"estimators": ["snpis"]}, "estimator 'snpis' is unknown; did you mean 'snips'"),
        ({"estimators": ["clipped_ips"]}, "needs its lambda: state --lambdas clipped_ips=NUMBER"),
        ({"lambdas": {"ips": 3.0}}, "lambdas: 'ips' has no lambda_; known: clipped_dr, clipped_ips, dros"),
        ({"estimators": ["dr"], "reward_model": "none"}, "estimator 'dr' needs a reward model, which was none"),
        ({"reward_model": "rigde"}, "reward_model is 'rigde'; did you mean 'ridge'"),
        ({"interval": "norml"}, "interval is 'norml'; did you mean 'normal'"),
        ({"interval": "hoeffding"}, "interval 'hoeffding' needs what is known beforehand: state --reward-range"),
        ({"interval": "hoeffding", "bounds": Bounds(weight=50.0)}, "needs independent rounds"),
        ({"level": 95.0}, "level is 95; must be above 0 and below 1"),
        ({"context": ["agee"]}, "has no column 'agee' \\(context\\); did you mean 'age'"),
        ({"context": ["clicked"]}, "column 'clicked' is the reward"),
        ({"context": ["uid"]}, "column 'uid' \\(context\\) holds [0-9]+ different texts; at most 50"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        driftline.ope(shop_log.decisions(), _frame, columns=COLUMNS, **options)  # type: ignore[arg-type]


def test_what_speaks_of_drift_stands_on_every_estimate_and_only_where_times_are_known() -> None:
    log = shop_log.decisions()
    timeless = driftline.ope(log, _at_item, columns=COLUMNS)
    model = next(check for check in timeless.checks if check.name == "reward model").warnings
    assert not any(line in each.estimate.warnings for each in timeless.findings for line in model)
    moved = log.with_columns(
        day=pl.int_range(len(log)), clicked=(pl.int_range(len(log)) < len(log) // 2).cast(pl.Int64)
    )
    found = driftline.ope(moved, _at_item, columns={**COLUMNS, "time": "day"})
    drift = found.checks[-1].warnings
    assert drift
    assert all(line in found["ips"].warnings for line in drift)


def test_a_vector_gives_no_model_and_says_why() -> None:
    log = shop_log.decisions()
    found = driftline.ope(log, _at_item, columns=COLUMNS)
    told = next(check for check in found.checks if check.name == "reward model").found
    assert told.startswith("not fitted: the policy gave the logged action's probability alone")
    with pytest.raises(InputError, match="reward_model 'ridge' cannot be fitted: the policy gave"):
        driftline.ope(log, _at_item, columns=COLUMNS, reward_model="ridge")


def test_too_small_propensities_are_warned_of() -> None:
    log = shop_log.decisions()
    right = driftline.ope(log, _at_item, columns=COLUMNS)
    assert right.warnings == ()
    halved = driftline.ope(log.with_columns(prob=pl.col("prob") / 2), _at_item, columns=COLUMNS)
    assert any(line.startswith("propensities: the mean of 1 / pscore is 7.9") for line in halved.warnings)
    assert any(line.startswith("mean weight: 2") for line in halved["ips"].warnings)
    sure = driftline.ope(log.with_columns(prob=1.0), _at_item, columns=COLUMNS)
    assert any(line.startswith("propensities: all are 1") for line in sure.warnings)


@pytest.mark.parametrize("times", [np.arange(31.0), np.linspace(0.0, 0.7, 1000), np.arange(11.0) * 0.1])
def test_ten_periods_hold_every_round_of_a_log(times: Floats) -> None:
    cut = periods_of(times, None, "days")
    assert cut is not None
    assert sorted(set(cut.number.tolist())) == list(range(10))
    assert (np.diff(cut.number) >= 0).all()


def test_lengths_of_periods_that_cannot_be_are_named() -> None:
    times = np.arange(31.0)
    with pytest.raises(InputError, match="period = 0: must be > 0 days"):
        periods_of(times, 0.0, "days")
    with pytest.raises(InputError, match="period = 20: at least two must fit into the log's 30 days"):
        periods_of(times, 20.0, "days")
    assert periods_of(np.ones(5), None, "days") is None


def test_probabilities_of_32_bits_are_made_to_sum_to_one() -> None:
    log = shop_log.decisions()
    rough = (shop_log.wanted(log) * (1 + 8e-6)).astype(np.float32)
    found = driftline.ope(log, lambda seen: rough, columns=COLUMNS)
    exact = driftline.ope(log, shop_log.wanted, columns=COLUMNS)
    assert found["ips"].value == pytest.approx(exact["ips"].value, rel=1e-6)


def test_a_fraction_may_come_late_in_a_file(tmp_path: Path) -> None:
    log = shop_log.decisions().with_columns(clicked=pl.int_range(2000).cast(pl.Float64))
    text = log.with_columns(clicked=pl.col("clicked").cast(pl.Int64)).write_csv().splitlines()
    text[-1] = text[-1].rsplit(",", 1)[0] + ",0.5"
    (tmp_path / "log.csv").write_text("\n".join(text), encoding="utf-8")
    found = driftline.ope(tmp_path / "log.csv", _at_item, columns=COLUMNS)
    assert found[OVER_LOG, LOGGED].value == pytest.approx((sum(range(1999)) + 0.5) / 2000, rel=1e-12)


def test_an_estimator_of_the_users_own_stands_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "estimated_here.py").write_text(
        "from driftline.evaluation.off_policy import Estimator, Terms\n"
        "class Twice(Estimator):\n"
        "    def terms(self, rounds):\n"
        "        return Terms(top=2.0 * rounds.weighted_reward)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    log = shop_log.decisions(400)
    found = driftline.ope(log, _at_item, columns=COLUMNS, estimators=["ips", "estimated_here:Twice"])
    value = {each.name: each.estimate.value for each in found.findings if each.unit != "gain"}
    assert value["estimated_here:Twice"] == pytest.approx(2.0 * value["ips"], rel=1e-12)
    with pytest.raises(InputError, match="module 'estimated_here' has no 'Twic'; did you mean 'Twice'"):
        driftline.ope(log, _at_item, columns=COLUMNS, estimators=["estimated_here:Twic"])
