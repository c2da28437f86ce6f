"""A whole experiment beside its truths: alike, better, interleaved, with copies."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_experiment import SMALL, A, B, scenario, started

import driftline
from driftline.evaluation.experiment import cluster, welch
from driftline.evaluation.procedures._base import built
from driftline.scenarios.cli import main
from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.play import Plan, play
from driftline.scenarios.experiment.readings import Experiment, cautioned, of_procedure, off_policy, verdict
from driftline.scenarios.experiment.units import units_of
from driftline.sim.errors import InputError


def run(pair: tuple[str, str], **changes: object) -> Experiment:
    return driftline.experiment("abrupt_shift", *pair, overrides=SMALL, short=3.0, **changes)  # type: ignore[arg-type]


def test_two_agents_alike_have_no_effect_by_any_truth() -> None:
    found = run((A, A)).effects["all"]
    for name in ("individual", "exposure", "global", "interference"):
        assert found[name].value == pytest.approx(0.0, abs=1e-12)
    assert found["off_policy"].value == pytest.approx(0.0, abs=1e-9)
    assert found["ab_test"].low < 0 < found["ab_test"].high


def test_a_better_agent_is_better_by_every_truth() -> None:
    found = run(("random", "oracle")).effects["all"]
    for name in ("ab_test", "individual", "exposure", "global"):
        assert found[name].low > 0.1, name
    # Neither learns from others, so nobody's exposure matters to anybody else.
    assert found["interference"].value == pytest.approx(0.0, abs=1e-12)
    assert found["exposure"].value == pytest.approx(found["global"].value, abs=1e-12)


def test_interleaving_prefers_the_better_agent_and_claims_no_effect_at_its_exposure() -> None:
    found = run(("random", "oracle"), design=Design(kind="interleave")).effects["all"]
    assert found["ab_test"].low > 0
    assert set(found) == {"ab_test", "off_policy", "individual", "global"}


def test_an_experiment_says_what_its_standard_analysis_says() -> None:
    visits = play(scenario(A, B), started(), (A, B), Plan("mixed", Design(washout=2.0), "pooled"), lambda share: None)
    users = visits.filter(visits["day"] >= 2.0).group_by("user", "meant").agg(pl.col("reward").mean())
    plain = welch(users["reward"].cast(float).to_numpy(), users["meant"].to_numpy().astype(np.int64))
    found = verdict(visits, Design(washout=2.0), "reward", 0.0, 99.0)
    assert [found.value, found.std_error] == pytest.approx([plain.value, plain.std_error], rel=1e-5)


def test_copies_are_compared_with_each_other() -> None:
    design = Design(copies=4)
    visits = play(scenario(A, B), started(), (A, B), Plan("mixed", design, "diverted"), lambda share: None)
    users = visits.group_by("user", "meant", "cell").agg(pl.col("reward").cast(float).mean())
    value, arm, cell = (users[name].to_numpy() for name in ("reward", "meant", "cell"))
    wanted = cluster(value=value, arm=arm.astype(np.int64), cluster=cell)
    found = verdict(visits, design, "reward", 0.0, 99.0)
    assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high), rel=1e-6)
    assert found.n == 8
    assert not any("learnt from its own users alone" in line for line in cautioned(found, design, "diverted").warnings)
    ours = of_procedure(built("cluster"), visits, design, "reward", 0.0, 99.0)
    assert (ours.value, ours.low, ours.high, ours.n) == pytest.approx((found.value, found.low, found.high, found.n))
    apart = verdict(visits, Design(), "reward", 0.0, 99.0)
    assert "learnt from its own users alone" in cautioned(apart, Design(), "diverted").warnings[-1]
    assert cautioned(apart, Design(), "pooled") == apart


def test_without_propensities_the_log_says_nothing_and_why() -> None:
    pair = (A, "small_experiment:Mute")
    log = play(scenario(*pair), started(), pair, Plan("all_a", Design(), "pooled"), lambda share: None)
    found = off_policy(log, "reward", 0.0, 99.0)
    assert np.isnan(found.value)
    assert found.warnings == ("off-policy: both agents must state propensities (log_propensity)",)


def test_the_log_of_an_agent_that_never_chooses_by_chance_says_nothing_about_another() -> None:
    pair = ("popularity", A)
    log = play(scenario(*pair), started(), pair, Plan("all_a", Design(), "pooled"), lambda share: None)
    found = off_policy(log, "reward", 0.0, 99.0)
    assert np.isnan(found.value)
    assert found.warnings == ("off-policy: A never chooses by chance, so its log says nothing about B",)


def test_the_log_speaks_of_a_composed_agent_too() -> None:
    pair = (A, "moving_average[predictor=none,policy=plackett_luce,temperature=1.0]")
    log = play(scenario(*pair), started(), pair, Plan("all_a", Design(), "pooled"), lambda share: None)
    found = off_policy(log, "reward", 0.0, 99.0)
    assert log["target_log_p_cascade"].null_count() == 0
    assert found.std_error > 0
    assert not any("must state propensities" in line for line in found.warnings)


def test_what_is_in_the_folder_is_not_run_again_and_another_experiment_does_not_mix_in(tmp_path: Path) -> None:
    first = run((A, B), out=tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert len(files) == 5
    assert run((A, B), out=tmp_path).effects == first.effects
    assert {path: path.stat().st_mtime_ns for path in files} == files
    run((A, B), out=tmp_path, training="diverted")
    assert len(list(tmp_path.rglob("*.parquet"))) == 10


def test_several_seeds_and_jobs_give_intervals_over_seeds() -> None:
    one, two = (run((A, B), seeds=range(2), jobs=jobs) for jobs in (1, 2))
    assert one.effects == two.effects
    over_seeds, over_users = one.effects["all"]["global"], one.over_users["all"]["global"]
    assert (over_seeds.n, one.seeds, one.users) == (2, (0, 1), over_users.n)
    assert over_users.value == pytest.approx(over_seeds.value, abs=1e-12)
    assert one.here("global") == over_users
    assert one.here("ab_test") == one.effects["all"]["ab_test"]
    assert "over users_low" in one.rows()[0]


def test_the_command_prints_every_reading_of_every_window(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = [f"--set={key}={value}" for key, value in SMALL.items()]
    command = ["experiment", "abrupt_shift", "--a", A, "--b", B, "--design", "switchback", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as left:
        main.main([*command, "--json", "--html", str(tmp_path / "page.html"), *settings])
    assert left.value.code == 0
    document = json.loads(capsys.readouterr().out)
    rows, page = document["readings"], (tmp_path / "page.html").read_text("utf-8")
    assert (document["seeds"], document["users"]) == ([0], 120)
    assert document["conclusion"][0].startswith("The test says: ")
    for word in (*(line.replace("'", "&#39;") for line in document["conclusion"]), "<svg", "120 users", "Every number"):
        assert word in page
    with pytest.raises(SystemExit):
        main.main([*command, *settings])
    printed = capsys.readouterr().out.splitlines()
    assert printed[: len(document["conclusion"])] == document["conclusion"]
    table = printed[len(document["conclusion"]) + 2 : printed.index("warnings:")]
    assert max(len(line.rstrip()) for line in table) <= 120
    said = next(line for line in table if line.startswith("long"))
    number = said.split()[-1]  # of its warning
    assert any(line.startswith(f"  {number}  ") and "at least 2 are needed" in line for line in printed)
    assert {row["window"] for row in rows} == {"all", "short", "long"}
    # The last week holds one block of arm A: that reading is refused, the truths are told all the same.
    late = [row for row in rows if row["window"] == "long"]
    assert late[0]["effect"] is None
    assert "at least 2 are needed" in late[0]["warnings"]
    assert late[4]["effect"] is not None
    assert [row["reading"] for row in rows[:6]] == [
        "what the A/B says", "what A's log alone says", "truth: one user moved to B", "truth: at this exposure",
        "truth: all B against all A", "interference and carry-over (exposure - global)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training": "poled"}, "training 'poled' is unknown; did you mean 'pooled'"),
        ({"metric": "clicks"}, "metric 'clicks' is unknown; did you mean 'click'"),
        ({"jobs": 0}, "jobs = 0: must be >= 1"),
        ({"design": Design(copies=3)}, "copies = 3: only training 'diverted' trains agents apart, not 'pooled'"),
        (
            {"design": Design(kind="interleave"), "training": "diverted"},
            "interleave needs training 'pooled' or 'snapshot'",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        run((A, B), **changes)


def test_what_is_known_from_before_reaches_procedures() -> None:
    visits = play(scenario(A, B), started(), (A, B), Plan("mixed", Design(), "pooled"), lambda share: None)
    units, setting = units_of(visits, "click", cluster="unit"), started().setting
    first = visits.group_by("user").agg(pl.col("day").min()).sort("day", "user")["user"].to_numpy()
    np.testing.assert_array_equal(units.needed("cluster"), first)
    names = started().world.pseudonyms(first)
    seen = [setting.feedback.choice[setting.feedback.user == name] < setting.slate for name in names]
    rate = np.array([each.mean() if each.size else np.nan for each in seen])
    np.testing.assert_allclose(units.needed("covariate"), np.where(np.isnan(rate), np.nanmean(rate), rate), rtol=1e-12)
    came = np.array([len(each) for each in seen])
    stratum = np.asarray(units.needed("stratum"))
    assert set(stratum) == {0, 1, 2, 3}
    assert all(came[stratum == k].max() <= came[stratum == k + 1].min() for k in range(3))
    found = run(("random", "popularity"), procedures=("cuped", "post_stratified", "cuped_ratio", "cluster")).effects[
        "all"
    ]
    for name in ("cuped", "post-stratified", "ratio (cuped)", "cluster (CR2)"):
        assert found[f"ab_test by {name}"].std_error > 0.0, found[f"ab_test by {name}"].warnings


def test_users_nobody_met_before_have_no_covariate() -> None:
    visits = play(scenario(A, B), started(), (A, B), Plan("mixed", Design(), "pooled"), lambda share: None)
    strangers = visits.with_columns(
        pl.lit(None, pl.Float64).alias("covariate"), pl.lit(None, pl.Int64).alias("stratum")
    )
    units = units_of(strangers, "reward")
    assert units.covariate is None
    assert units.stratum is None
    assert units.cluster is None
    found = of_procedure(built("cuped"), strangers, Design(), "reward", 0.0, 99.0)
    assert found.warnings == ("there is no covariate in these units",)


def test_a_procedure_of_the_users_own_reads_the_same_experiment() -> None:
    own = ("own_procedure:PlainNormal",)
    found = run(("random", "popularity"), procedures=own)
    for readings in found.effects.values():
        ours, theirs = readings["ab_test"], readings["ab_test by plain normal"]
        assert (theirs.value, theirs.std_error) == pytest.approx((ours.value, ours.std_error))
        assert ours.low < theirs.low < theirs.high < ours.high
    assert any("plain normal" in str(row["reading"]) for row in found.rows())
    with pytest.raises(InputError, match="a switchback design has no users of one arm only"):
        run(("random", "popularity"), procedures=own, design=Design(kind="switchback"))
    with pytest.raises(InputError, match="procedure 'welsh' is unknown; did you mean 'welch'"):
        run(("random", "popularity"), procedures=("welsh",))
