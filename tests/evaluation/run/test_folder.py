"""A run folder is opened, and what is missing or wrong in it is named."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from fabricated_run import fabricate

from driftline.evaluation.run.folder import RunFolder, slug
from driftline.evaluation.run.visits import judged_visits
from driftline.sim.errors import RunFolderError

PARTS = "full[evolution=slow]"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(fabricate(tmp_path, agents=("full", PARTS), seeds=(5,), users=6, visits=10))


def test_a_run_folder_knows_what_was_run(run: RunFolder) -> None:
    assert run.agents == ("full", PARTS)
    assert run.seeds == (5,)
    assert run.groups == ("jumping", "calm")
    assert run.judged == (14.0, 60.0)
    assert run.scenario["expects"] == "drifting"
    assert run.versions["driftline"] == "0.1"


def test_frames_are_lazy_and_found_under_slugs(run: RunFolder) -> None:
    assert slug(PARTS) == "full-evolution-slow-"
    frames = [
        run.log(PARTS, 5),
        run.behaviors(PARTS, 5),
        run.scores(PARTS, 5),
        run.truth(PARTS, 5),
        run.values(PARTS, 5),
        run.items(5),
        run.true_items(5),
        run.probes(5),
        run.users(5),
        run.segments(5),
    ]
    assert all(isinstance(frame, pl.LazyFrame) and frame.collect().height > 0 for frame in frames)
    assert run.timing(PARTS, 5).visits == 60


def test_a_folder_without_its_scenario_beside_it_may_be_flat(run: RunFolder) -> None:
    inner = dict(run.scenario)
    flat = {key: value for key, value in run.resolved.items() if key != "scenario"} | inner
    (run.path / "resolved.yaml").write_text(yaml.safe_dump(flat))
    assert RunFolder(run.path).judged == (14.0, 60.0)


@pytest.mark.parametrize(
    "name",
    [
        "log/full/5/visits.parquet",
        "log/full/5/behaviors.parquet",
        "log/full/5/scores.parquet",
        "log/full/5/timing.json",
        "truth/full/5/visits.parquet",
        "truth/full/5/values.parquet",
        "truth/items-5.parquet",
        "truth/probes-5.parquet",
        "truth/users-5.parquet",
        "log/items-5.parquet",
        "log/segments-5.parquet",
        "resolved.yaml",
    ],
)
@pytest.mark.parametrize("harm", ["missing", "cut short", "empty"])
def test_a_missing_or_broken_file_is_named(run: RunFolder, name: str, harm: str) -> None:
    file = run.path / name
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: 40 if harm == "cut short" else 0])
    with pytest.raises(RunFolderError) as caught:
        _read_everything(RunFolder(run.path))
    assert name in str(caught.value)


def _read_everything(run: RunFolder) -> None:
    for read in (run.log, run.behaviors, run.scores, run.truth, run.values, run.timing):
        read("full", 5)
    for table in (run.segments, run.items, run.true_items, run.probes, run.users):
        table(5)


def test_a_missing_column_is_named_with_the_nearest_one(run: RunFolder) -> None:
    file = run.path / "truth/full/5/values.parquet"
    pl.read_parquet(file).rename({"value_best": "value_bst"}).write_parquet(file)
    with pytest.raises(RunFolderError, match=r"values\.parquet lacks the column 'value_best'; did you mean"):
        run.values("full", 5)


def test_wrong_names_get_the_nearest_legal_one(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no agent 'ful' .* did you mean 'full'"):
        run.log("ful", 5)
    with pytest.raises(RunFolderError, match=r"no seed 9 .* it has 5"):
        run.log("full", 9)
    with pytest.raises(RunFolderError, match=r"no run folder at .*nowhere"):
        RunFolder(tmp_path / "nowhere")


@pytest.mark.parametrize("key", ["agents", "seeds", "topics", "groups"])
def test_a_list_that_is_missing_from_the_scenario_is_named(run: RunFolder, key: str) -> None:
    resolved = {name: value for name, value in run.resolved.items() if name != key}
    (run.path / "resolved.yaml").write_text(yaml.safe_dump(resolved))
    with pytest.raises(RunFolderError, match=f"resolved.yaml lacks a list under '{key}'"):
        RunFolder(run.path)


def test_logs_that_do_not_hold_the_same_visits_are_refused(run: RunFolder) -> None:
    file = run.path / "truth/full/5/values.parquet"
    pl.read_parquet(file).head(57).write_parquet(file)
    with pytest.raises(RunFolderError, match="full, seed 5 has 3 judged visits without a regret"):
        judged_visits(run, "full", 5)
