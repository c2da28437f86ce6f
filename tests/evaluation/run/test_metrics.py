"""Measures of belief on a run folder's own probe scores and truth."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fabricated_run import array, fabricate, write
from polars.testing import assert_frame_equal
from scipy import stats

from driftline.evaluation.drift import (
    belief_entropy,
    forgetting,
    interest_phases,
    topic_recall,
    topic_scores,
    visit_mean,
)
from driftline.evaluation.metrics import METRICS
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import metrics, temperature, windows
from driftline.evaluation.run.tracking import beliefs, fit_temperature, rank_correlation, tracking_error
from driftline.evaluation.run.visits import judged_visits

REWARDS = {5: [0.2, 0.4, 0.0, 1.0, -0.5, 0.5], 6: [0.5] * 6}
SHOWN = {5: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6: [0.3] * 6}
CHOICE = [0, 1, 4, 0, 2, 3]
TIMES = [15.0, 31.0, 46.0, 20.0, 40.0, 50.0]


@pytest.fixture
def tiny(tmp_path: Path) -> RunFolder:
    """Two users of three visits each, in two seeds, with numbers set by hand; all users in the first group."""
    folder = fabricate(tmp_path, agents=("full",), seeds=(5, 6), users=2, visits=3, jumps=False)
    for seed in (5, 6):
        truth, values, log = (
            folder / f"truth/full/{seed}/visits.parquet",
            folder / f"truth/full/{seed}/values.parquet",
            folder / f"log/full/{seed}/visits.parquet",
        )
        time = pl.Series(TIMES)
        jump = pl.Series([False, True, False, False, False, False])
        write(pl.read_parquet(truth).with_columns(reward=pl.Series(REWARDS[seed]), time=time, change_point=jump), truth)
        best, space = pl.Series([1.0] * 6), pl.Series([0.8, None, 0.8, None, 0.8, None])
        shown = pl.Series(SHOWN[seed])
        write(
            pl.read_parquet(values).with_columns(value_shown=shown, value_best=best, value_best_in_space=space),
            values,
        )
        write(pl.read_parquet(log).with_columns(choice=pl.Series(CHOICE, dtype=pl.Int8)), log)
    return RunFolder(folder)


def value(frame: pl.DataFrame, metric: str, window: str = "all", seed: int | None = 5) -> float:
    rows = frame.filter(
        (pl.col("metric") == metric) & (pl.col("window") == window) & pl.col("seed").eq_missing(pl.lit(seed))
    )
    assert rows.height == 1, rows
    return float(rows["value"][0])


def test_metrics_are_the_hand_computed_means(tiny: RunFolder) -> None:
    frame = metrics(tiny)
    assert frame.columns == ["agent", "seed", "metric", "window", "value", "low", "high"]
    assert value(frame, "reward") == pytest.approx(1.6 / 6)
    assert value(frame, "ctr") == pytest.approx(5 / 6)
    assert value(frame, "regret") == pytest.approx(0.65)
    assert value(frame, "regret_in_item_space") == pytest.approx((0.7 + 0.5 + 0.3) / 3)


def test_dynamic_regret_is_each_users_sum(tiny: RunFolder) -> None:
    frame = metrics(tiny)
    assert value(frame, "dynamic_regret") == pytest.approx((0.9 + 0.8 + 0.7 + 0.6 + 0.5 + 0.4) / 2)
    assert value(frame, "dynamic_regret", "day:14-29") == pytest.approx((0.9 + 0.6) / 2)
    assert value(frame, "dynamic_regret", "after_change:10") == pytest.approx(0.8 + 0.7)  # one user only


def test_windows_cut_at_whole_days_after_changes_and_by_group(tiny: RunFolder) -> None:
    frame = metrics(tiny)
    assert value(frame, "reward", "day:14-29") == pytest.approx((0.2 + 1.0) / 2)
    assert value(frame, "reward", "day:29-45") == pytest.approx((0.4 - 0.5) / 2)
    assert value(frame, "reward", "day:45-60") == pytest.approx((0.0 + 0.5) / 2)
    assert value(frame, "reward", "after_change:10") == pytest.approx((0.4 + 0.0) / 2)
    assert value(frame, "regret", "group:jumping") == pytest.approx(0.65)
    assert "group:calm" not in frame["window"].to_list()


def test_pooled_rows_are_t_intervals_over_seeds(tiny: RunFolder) -> None:
    frame = metrics(tiny)
    row = frame.filter(pl.col("seed").is_null() & (pl.col("metric") == "reward") & (pl.col("window") == "all"))
    a, b = 1.6 / 6, 0.5
    reach = stats.t.ppf(0.975, 1) * abs(a - b) / 2
    assert row["value"][0] == pytest.approx((a + b) / 2)
    assert row["low"][0] == pytest.approx((a + b) / 2 - reach)
    assert row["high"][0] == pytest.approx((a + b) / 2 + reach)


def test_costs_are_read_from_the_timing_file(tiny: RunFolder) -> None:
    frame = metrics(tiny)
    assert value(frame, "act_p50") == 0.002
    assert value(frame, "act_p99", seed=None) == pytest.approx(0.009)
    assert value(frame, "peak_memory") == 3e8


def test_nothing_to_measure_means_no_row(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("popularity",), seeds=(5,), users=12, visits=12, jumps=False))
    frame = metrics(run)
    found = set(frame["metric"])
    assert not found & {"regret_in_item_space", "adaptation_delay", "recovery_time", "forgetting", "cold_start_plateau"}
    assert "after_change:10" not in frame["window"].to_list()
    assert {"reward", "ctr", "regret", "tracking_error", "rank_correlation", "act_p50"} <= found


def test_one_seed_pools_to_itself(tmp_path: Path) -> None:
    frame = metrics(RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=12, visits=12)))
    means = frame.filter(pl.col("metric").is_in(["reward", "regret", "tracking_error"]))
    own, pooled = means.filter(pl.col("seed") == 5), means.filter(pl.col("seed").is_null())
    assert own.height > 10
    assert_frame_equal(own.drop("seed"), pooled.drop("seed"), check_row_order=False)


def test_tracking_uses_one_temperature_for_all_seeds_of_an_agent(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5, 6), users=8, visits=20))
    known = [beliefs(run, "full", seed) for seed in run.seeds]
    scores = np.concatenate([held.scores for held in known])
    heat = fit_temperature(scores, np.concatenate([held.utility for held in known]))
    frame = metrics(run)
    for seed, held in zip(run.seeds, known, strict=True):
        error = tracking_error(held.scores, held.utility, heat).mean()
        assert value(frame, "tracking_error", seed=seed) == pytest.approx(float(error), rel=1e-9)
        order = rank_correlation(held.scores, held.utility).mean()
        assert value(frame, "rank_correlation", seed=seed) == pytest.approx(float(order), rel=1e-9)


def test_what_else_is_known_of_beliefs_is_what_the_functions_of_arrays_say(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5, 6), users=8, visits=20))
    known = {seed: beliefs(run, "full", seed) for seed in run.seeds}
    heat = temperature(list(known.values()))
    frame = metrics(run)
    for seed, held in known.items():
        excess = belief_entropy(held.scores, held.utility, heat).excess.mean()
        assert value(frame, "belief_entropy_excess", seed=seed) == pytest.approx(float(excess), rel=1e-9)
        scores = [topic_scores(each, held.dominant) for each in (held.scores, held.utility)]
        recall = topic_recall(scores[0], scores[1]).mean()
        assert value(frame, "topic_recall", seed=seed) == pytest.approx(float(recall), rel=1e-9)
        assert 3 / 8 < recall < 1


def test_a_run_in_which_all_can_be_measured_has_every_metric(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full", "popularity"), users=60))
    frame = metrics(run).filter(pl.col("agent") == "full")
    assert set(frame["metric"]) == set(METRICS) - {"forgetting", "savings"}  # nobody's interest returns
    days = {part.name for part in windows(run) if part.days}
    by_window = {metric: set(rows["window"]) for (metric,), rows in frame.group_by("metric")}
    assert by_window["coverage"] == by_window["gini"] == days
    assert by_window["topic_entropy"] == days - {"all"}
    assert by_window["self_information"] == {"all", "after_change:10", "group:jumping", "group:calm"} | days
    assert by_window["topic_entropy_change"] == by_window["cold_start_plateau"] == {"all"}


def test_a_world_of_three_topics_has_no_recall_of_the_top_three(tmp_path: Path) -> None:
    folder = fabricate(tmp_path, agents=("full",), seeds=(5,), users=6, visits=12)
    few = pl.read_parquet(folder / "truth/probes-5.parquet")
    dominant = pl.read_parquet(folder / "truth/items-5.parquet")["mixture"].to_numpy().argmax(axis=1)
    kept = np.flatnonzero(np.isin(dominant[few["item"].to_numpy()], [0, 1, 2]))
    write(few[kept], folder / "truth/probes-5.parquet")
    file = folder / "log/full/5/scores.parquet"
    scores = pl.read_parquet(file)
    write(scores.with_columns(array(scores["scores"].to_numpy()[:, kept], pl.Float32).alias("scores")), file)
    found = set(metrics(RunFolder(folder))["metric"])
    assert "topic_recall" not in found
    assert "belief_entropy_excess" in found


def test_agents_are_told_apart_as_they_were_made(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full", "moving_average", "popularity", "oracle")))
    frame = metrics(run)
    pooled = frame.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))
    by = {(agent, metric): x for agent, metric, x in pooled.select("agent", "metric", "value").iter_rows()}
    assert abs(by["oracle", "regret"]) < 1e-6
    assert by["oracle", "tracking_error"] < 1e-6
    assert by["oracle", "rank_correlation"] > 0.999
    for metric in ("regret", "tracking_error"):
        assert by["full", metric] < by["moving_average", metric] < by["popularity", metric]
    assert by["full", "adaptation_delay"] < by["moving_average", "adaptation_delay"]
    assert ("oracle", "adaptation_delay") not in by


def test_row_order_of_the_logs_changes_no_bit(tmp_path: Path) -> None:
    folder = fabricate(tmp_path, agents=("full",), seeds=(5,), users=12, visits=20)
    before = metrics(RunFolder(folder))
    for file in [*folder.glob("*/full/5/*.parquet"), *folder.glob("truth/users-5.parquet")]:
        pl.read_parquet(file).sample(fraction=1.0, shuffle=True, seed=3).write_parquet(file)
    assert_frame_equal(metrics(RunFolder(folder)), before, check_exact=True)


def test_a_delay_that_is_censored_says_more_than(tmp_path: Path) -> None:
    folder = fabricate(tmp_path, agents=("full",), seeds=(5,), users=30, visits=40)
    truth = pl.read_parquet(folder / "truth/full/5/visits.parquet").sort("user", "visit")
    lost = truth.select(pl.col("change_point").cast(pl.Int32).cum_sum().over("user"))["change_point"]
    file = folder / "truth/full/5/values.parquet"
    values = pl.read_parquet(file).sort("user", "visit")
    write(values.with_columns(value_best=pl.lit(1.0) + lost, value_shown=pl.lit(0.5)), file)
    row = metrics(RunFolder(folder)).filter((pl.col("metric") == "adaptation_delay") & pl.col("seed").is_null())
    assert row["value"].to_list() == [None]
    assert row["high"].to_list() == [None]
    assert 15 < row["low"][0] <= 30


def test_judging_imports_nothing_heavy() -> None:
    code = (
        "import sys, driftline.evaluation.run.metrics, driftline.evaluation.run.paired;"
        "import driftline.evaluation.report.page;"
        "heavy = {'torch', 'transformers', 'sklearn', 'implicit', 'matplotlib', 'jinja2'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_oracle_of_a_run_recalls_every_topic_and_believes_as_broadly_as_is_true(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("oracle", "full"), seeds=(5,), users=12))
    known, rival = beliefs(run, "oracle", 5), beliefs(run, "full", 5)
    truth = topic_scores(known.utility, known.dominant)
    assert topic_recall(topic_scores(known.scores, known.dominant), truth).min() > 0.99
    heat = fit_temperature(known.scores, known.utility)
    assert np.abs(belief_entropy(known.scores, known.utility, heat).excess).max() < 0.01
    of_rival = visit_mean(rival.user, topic_recall(topic_scores(rival.scores, rival.dominant), truth))
    assert 0.4 < of_rival.low < of_rival.value < of_rival.high < 0.99
    assert of_rival.n == len(np.unique(rival.user))


def test_phases_of_a_run_follow_its_change_points(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=12))
    visits = judged_visits(run, "full", 5)
    theta = run.truth("full", 5).select("user", "visit", "interest_before").collect()
    theta = visits.select("user", "visit").join(theta, on=["user", "visit"], maintain_order="left")
    user, changed = visits["user"].to_numpy(), visits["change_point"].to_numpy()
    phases = interest_phases(user, changed, theta["interest_before"].to_numpy())
    moved = (phases[1:] != phases[:-1]) & (user[1:] == user[:-1])
    assert moved.any()
    assert changed[1:][moved].all()
    assert forgetting(user, phases, -visits["regret"].to_numpy()).returns == 0
