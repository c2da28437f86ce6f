"""Every bad log, end to end: one line that says what is wrong and where, or a named warning beside the number."""

import json
import sys
from pathlib import Path

import polars as pl
import pytest
import shop_log

from driftline.scenarios.cli import main

OPE = "ope log.csv --policy shop:policy --columns reward=clicked,action=item,pscore=prob,user=uid"
AB = "ab log.csv --columns user=uid,arm=variant,value=revenue"
SLATES = "ope log.csv --columns reward=clicked,slate=request,position=pos"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy in it, as its owner would stand in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    (tmp_path / "shop.py").write_text(shop_log.POLICY, encoding="utf-8")
    return tmp_path


def _driftline(line: str) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(line.split())
    sys.modules.pop("shop", None)
    assert isinstance(left.value.code, int)
    return left.value.code


def _refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert _driftline(line) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("driftline: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("driftline: ").rstrip("\n")


def _warned(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert _driftline(f"{line} --json") == 0
    warnings: list[str] = json.loads(capsys.readouterr().out)["warnings"]
    return warnings


def _set(frame: pl.DataFrame, column: str, row: int, value: object) -> pl.DataFrame:
    """With one other cell; as text, since that is what a CSV file holds."""
    cells = [str(cell) for cell in frame[column]]
    cells[row] = str(value)
    return frame.with_columns(pl.Series(column, cells))


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("prob", 0, "log.csv, line 8: column 'prob' (pscore) is 0; must be above 0 and at most 1, since it was logged"),
        ("prob", 1.2, "log.csv, line 8: column 'prob' (pscore) is 1.2; must be above 0 and at most 1"),
        ("prob", -0.1, "log.csv, line 8: column 'prob' (pscore) is -0.1; must be above 0"),
        ("prob", "NaN", "log.csv, line 8: column 'prob' (pscore) is NaN; must be a finite number"),
        ("prob", "", "log.csv, line 8: column 'prob' (pscore) is empty; must be a finite number"),
        ("clicked", "NaN", "log.csv, line 8: column 'clicked' (reward) is NaN; must be a finite number"),
        ("clicked", "inf", "log.csv, line 8: column 'clicked' (reward) is inf; must be a finite number"),
        ("clicked", "yes", "log.csv, line 8: column 'clicked' (reward) is 'yes'; must be a finite number"),
        ("uid", "", "log.csv, line 8: column 'uid' (user) is empty; must have a value in every row"),
        ("item", "", "log.csv, line 8: column 'item' (action) is empty; must have a value in every row"),
        ("item", "bag", "policy 'shop:policy' returned a frame without a column for the logged action 'bag'"),
    ],
)
def test_a_bad_cell_is_named_by_line_column_and_role(
    here: Path, capsys: pytest.CaptureFixture[str], column: str, value: object, told: str
) -> None:
    _set(shop_log.decisions(300), column, 6, value).write_csv(here / "log.csv")
    assert _refused(OPE, capsys).startswith(told)


def test_percentages_and_their_number_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.decisions(300).with_columns(prob=pl.col("prob") * 100).write_csv(here / "log.csv")
    line = _refused(OPE, capsys)
    assert "(percentages must be divided by 100)" in line
    assert "such rows)" in line


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            "reward=clicked,action=item",
            "log.csv: pscore is missing, the probability with which the logging policy",
        ),
        ("action=item,pscore=prob", "log.csv: reward is missing, what the row's action earned; state --columns"),
        ("reward=cliked,pscore=prob", "log.csv has no column 'cliked' (reward); did you mean 'clicked'?"),
        ("rewrad=clicked,pscore=prob", "columns: 'rewrad' is no role of a log; did you mean 'reward'?"),
        ("reward=clicked,reward=prob", "--columns: 'reward' is stated twice, as 'clicked' and as 'prob'"),
        ("reward", "--columns 'reward': must be role=column, for instance reward=clicked"),
        ("reward=clicked,pscore=prob", "policy 'shop:policy' returned a frame of actions; to know each row's, state"),
        ("reward=clicked,pscore=prob,slate=uid", "log.csv: position is missing, the row's position in its slate"),
        ("reward=clicked,pscore_cascade=prob", "log.csv: pscore_cascade belongs to slates; state slate=COLUMN"),
        ("reward=clicked,pscore=prob,target_pscore=prob", "a policy and target_pscore are stated; only one of them"),
        (
            "reward=clicked,action=item,pscore=prob,q_action=age",
            "log.csv: q_expected is missing, as q_action is",
        ),
        ("reward=clicked,action=item,pscore=prob,time=device", "log.csv, line 2: column 'device' is"),
    ],
)
def test_a_wrong_mapping_of_decisions_is_named(
    here: Path, capsys: pytest.CaptureFixture[str], columns: str, told: str
) -> None:
    shop_log.decisions(300).write_csv(here / "log.csv")
    assert _refused(f"ope log.csv --policy shop:policy --columns {columns}", capsys).startswith(told)


def test_roles_are_found_by_their_own_names(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"clicked": "reward", "item": "action", "prob": "pscore"}
    shop_log.decisions(300).rename(names).write_csv(here / "log.csv")
    assert _driftline("ope log.csv --policy shop:policy --json") == 0
    assert json.loads(capsys.readouterr().out)["facts"]["columns"] == "reward=reward, action=action, pscore=pscore"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("shop", "policy 'shop': must be package.module:function, for instance shop:policy"),
        ("shop:polcy", "policy 'shop:polcy': module 'shop' has no 'polcy'; did you mean 'policy'?"),
        ("shpo:policy", "policy 'shpo:policy' cannot be imported: ModuleNotFoundError: No module named 'shpo'"),
        ("shop:pl", "policy 'shop:pl': must be a function of the log, not module"),
        ("worse:policy", "policy 'worse:policy' failed: KeyError: 'nothing'"),
    ],
)
def test_a_wrong_policy_is_named(here: Path, capsys: pytest.CaptureFixture[str], policy: str, told: str) -> None:
    shop_log.decisions(300).write_csv(here / "log.csv")
    (here / "worse.py").write_text("def policy(log):\n    return {}['nothing']\n", encoding="utf-8")
    assert _refused(OPE.replace("shop:policy", policy), capsys).startswith(told)
    sys.modules.pop("worse", None)


def test_without_any_target_policy_the_two_ways_to_state_one_are_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop_log.decisions(300).write_csv(here / "log.csv")
    line = _refused("ope log.csv --columns reward=clicked,pscore=prob", capsys)
    assert line == "no target policy: state --policy module:function, or the column --columns target_pscore=COLUMN"


def test_a_target_policy_without_any_support_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.decisions(300).with_columns(new=0.0).write_csv(here / "log.csv")
    line = _refused("ope log.csv --columns reward=clicked,pscore=prob,target_pscore=new", capsys)
    assert line.startswith("policy 'new' has no support in this log: it gives all 300 logged actions probability 0")


def test_a_target_policy_with_part_of_its_support_is_warned_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = shop_log.decisions(2000)
    log.filter(pl.col("item") != "hat").write_csv(here / "log.csv")
    found = _warned(OPE, capsys)
    assert any(line.startswith("support: ") and "never made by the logging policy" in line for line in found)
    assert any(line.startswith("mean weight: ") and "propensities are wrong" in line for line in found)
    log.filter(pl.col("item") == "hat").write_csv(here / "log.csv")
    assert "support: the log holds a single action; it cannot tell policies apart" in _warned(OPE, capsys)


def test_three_users_are_warned_of_and_two_rows_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.decisions(300, users=3).write_csv(here / "log.csv")
    assert "units: only 3 clusters; the interval is rough" in _warned(OPE, capsys)
    shop_log.decisions(300, users=1).write_csv(here / "log.csv")
    assert "units: 1 of clusters; no interval can be told" in _warned(OPE, capsys)
    shop_log.decisions(300).head(2).write_csv(here / "log.csv")
    assert any(line.startswith("units: only 2") for line in _warned(OPE, capsys))


def test_every_reward_alike_is_warned_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.decisions(300).with_columns(clicked=0).write_csv(here / "log.csv")
    assert any(line.startswith("spread: the values do not vary") for line in _warned(OPE, capsys))


def test_a_position_twice_in_a_slate_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = shop_log.slates(50).sort("request", "pos")
    line = f"{SLATES},pscore_item_position=p_item,target_pscore_item_position=t_item"
    pl.concat([log, log[7:8]]).write_csv(here / "log.csv")
    assert _refused(line, capsys) == (
        "log.csv, line 152: column 'pos' (position) is 2 in slate 2, as in line 9; "
        "a slate has one row a position (1 rows are repeated)"
    )
    log.filter((pl.col("request") != 2) | (pl.col("pos") != 3)).write_csv(here / "log.csv")
    assert _refused(line, capsys).startswith("log.csv, line 8: slate 2 has 2 of 3 positions; all slates must be alike")
    log.write_csv(here / "log.csv")
    assert _driftline(line) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("pscore=p_down,target_pscore=t_down", "log.csv, line 3: column 'p_down' (pscore) differs within slate 0; in"),
        ("pscore=p_slate,target_pscore_cascade=t_down", "log.csv: target_pscore is missing, as pscore is stated"),
        (
            "pscore_cascade=p_item,target_pscore_cascade=t_down",
            "log.csv, line 3: pscore_cascade rises from 0.5 to 0.9",
        ),
    ],
)
def test_a_wrong_mapping_of_slates_is_named(
    here: Path, capsys: pytest.CaptureFixture[str], columns: str, told: str
) -> None:
    log = shop_log.slates(50).sort("request", "pos")
    log = log.with_columns(p_item=pl.when(pl.col("pos") == 2).then(0.9).otherwise("p_item"))
    log.write_csv(here / "log.csv")
    assert _refused(f"{SLATES},{columns}", capsys).startswith(told)


def test_wrong_options_of_slates_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.slates(50).write_csv(here / "log.csv")
    line = f"{SLATES},pscore=p_slate,target_pscore=t_slate"
    assert _refused(f"{line} --estimators ips", capsys).startswith("estimator is 'ips'; did you mean '")
    assert _refused(f"{line} --estimators rips", capsys).startswith("estimator 'rips' needs pscore_cascade, which the")
    assert _refused(f"{line} --interval anytime", capsys).startswith("interval is 'anytime'; known: bootstrap, normal")
    assert _refused(f"{line} --lambdas dros=3", capsys) == "lambdas: 'dros' is no estimator of slates"
    assert _refused(f"{line} --period 3", capsys) == "period = 3: is a length of drift over time; slates have none"


def test_a_period_needs_times(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.decisions(50).write_csv(here / "log.csv")
    line = "ope log.csv --policy shop:policy --columns reward=clicked,action=item,pscore=prob --period -1"
    assert _refused(line, capsys).startswith("period = -1: is a length of drift over time; the log has no times; state")


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("revenue", "NaN", "log.csv, line 8: column 'revenue' (value) is NaN; must be a finite number"),
        ("revenue", "", "log.csv, line 8: column 'revenue' (value) is empty; must be a finite number"),
        ("variant", "", "log.csv, line 8: column 'variant' (arm) is empty; must have a value in every row"),
        ("uid", "", "log.csv, line 8: column 'uid' (user) is empty; must have a value in every row"),
    ],
)
def test_a_bad_cell_of_an_experiment_is_named(
    here: Path, capsys: pytest.CaptureFixture[str], column: str, value: object, told: str
) -> None:
    _set(shop_log.trial(100), column, 6, value).write_csv(here / "log.csv")
    assert _refused(AB, capsys) == told


def test_one_arm_three_users_and_a_wrong_column_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = shop_log.trial(100)
    log.filter(pl.col("variant") == "B").write_csv(here / "log.csv")
    assert _refused(AB, capsys) == (
        "log.csv: column 'variant' (arm) holds a single arm, 'B'; an experiment needs at least two"
    )
    users = [*log.filter(pl.col("variant") == "A")["uid"].unique(maintain_order=True)[:2]]
    users += [*log.filter(pl.col("variant") == "B")["uid"].unique(maintain_order=True)[:1]]
    log.filter(pl.col("uid").is_in(users)).write_csv(here / "log.csv")
    assert _refused(AB, capsys) == "log.csv: arm 'B' has 1 of 3 users; every arm needs at least 2"
    log.write_csv(here / "log.csv")
    line = _refused("ab log.csv --columns user=uid,arm=uid,value=revenue", capsys)
    assert line.startswith("log.csv: column 'uid' (arm) holds 100 different arms; at most 20 are taken")


def test_a_user_in_two_arms_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = shop_log.trial(100)
    log.with_columns(uid=pl.lit("u0")).write_csv(here / "log.csv")
    assert "a user must stay in one arm (1 of 1 users do not): find out why" in _refused(AB, capsys)


def test_a_sample_ratio_mismatch_is_loud(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop_log.trial(1000).write_csv(here / "log.csv")
    assert _driftline(f"{AB} --share .6") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("sample ratio  p = ")
    alarm = next(k for k, line in enumerate(lines) if line.startswith("!!! SAMPLE RATIO MISMATCH: users A "))
    assert alarm < next(k for k, line in enumerate(lines) if line.startswith("revenue: sum per user"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ab gone.csv", "log 'gone.csv' does not exist"),
        ("ab lag.csv", "log 'lag.csv' does not exist; did you mean 'log.csv'?"),
        ("ab notes.txt", "log 'notes.txt': must end in .csv, .tsv (either with .gz) or .parquet, not .txt"),
        ("ab empty.csv", "empty.csv: the file is empty; expected a header line and rows"),
        ("ab header.csv", "log 'header.csv' has a header and no rows; at least one is needed"),
        ("ab semicolons.csv", "semicolons.csv, line 1: 'user;arm;value' looks like it is separated by ';'"),
        ("ab twice.csv", "twice.csv, line 1: column 'user' occurs twice; expected distinct names"),
        ("ab ragged.csv", "ragged.csv, line 3: has 4 fields, 'x' the first too many; expected 3"),
        ("ab broken.parquet", "broken.parquet: cannot be read"),
        ("ab log.csv --html gone/x.html", "--html 'gone/x.html': the folder 'gone' does not exist"),
        ("ab log.csv --html .", "--html '.': is a folder, not a file"),
        ("ab log.csv --share half", "--share 'half': must be a number"),
        ("ope log.csv --lambdas dros", "--lambdas 'dros': must be name=number"),
        ("ope log.csv --reward-range 1", "--reward-range 1: must be two numbers, such as 0,1"),
        ("ope log.csv --reward-range 1,0", "bounds.reward is (1.0, 0.0); the first must be below the second"),
    ],
)
def test_a_file_or_an_option_that_cannot_be_used_is_named(
    here: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    files = {
        "log.csv": "user,arm,value\nu1,A,1\n",
        "notes.txt": "hello",
        "empty.csv": "",
        "header.csv": "user,arm,value\n",
        "semicolons.csv": "user;arm;value\nu1;A;1\n",
        "twice.csv": "user,user,value\nu1,A,1\n",
        "ragged.csv": "user,arm,value\nu1,A,1\nu2,B,1,x\n",
        "broken.parquet": "PAR1",
    }
    for name, text in files.items():
        (here / name).write_text(text, encoding="utf-8")
    assert _refused(line, capsys).startswith(told)


def test_lines_are_counted_past_blank_ones_and_breaks_in_quotes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'user,arm,value,note\nu1,A,1,"two\nlines"\n\nu2,B,oops,x\n'
    (here / "log.csv").write_text(text, encoding="utf-8")
    assert (
        _refused("ab log.csv", capsys) == "log.csv, line 5: column 'value' (value) is 'oops'; must be a finite number"
    )
