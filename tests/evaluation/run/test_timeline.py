"""One user's life as the logs tell it: the same moments serve `driftline show` and the report's stories."""

from pathlib import Path

import polars as pl
import pytest
from fabricated_run import fabricate, write

from driftline.evaluation.report.stories import story, witnesses
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.timeline import Deed, timeline
from driftline.sim.errors import InputError
from driftline.sim.types import BehaviorKind


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A user's second visit is followed by a comment, a query and a purchase; its third by nothing."""
    folder = fabricate(tmp_path, agents=("full",), seeds=(5,), users=6, visits=12)
    file = folder / "log/full/5/behaviors.parquet"
    log = pl.read_parquet(folder / "log/full/5/visits.parquet").sort("user", "visit")
    first, after = log["user"][0], log["time"][1]
    kept = pl.read_parquet(file).filter(pl.col("user") != first)
    own = {
        "user": [first] * 3,
        "time": [after, after + 1e-6, after + 2e-6],
        "kind": [BehaviorKind.CONSUME, BehaviorKind.SEARCH, BehaviorKind.PURCHASE],
        "item": [4, -1, 7],
        "about": [4, 9, 7],
        "expressed": [60, -1, -1],
    }
    write(pl.concat([kept, pl.DataFrame(own, schema=kept.schema)]), file)
    return RunFolder(folder)


def test_deeds_stand_at_the_visit_they_follow_in_order_of_time(run: RunFolder) -> None:
    user = int(run.log("full", 5).select(pl.col("user").min()).collect().item())
    life = timeline(run, "full", 5, user)
    titles = run.segments(5).collect()["text"]
    assert life.moments[1].deeds == (
        Deed("wrote", "loved it, read it twice"),
        Deed("searched", titles[9]),
        Deed("bought", titles[7]),
    )
    assert [len(moment.deeds) for moment in life.moments] == [0, 3] + [0] * 8
    assert life.group == "jumping"
    assert life.past == ()
    assert life.moments[0].dwell is None  # this log has none


def test_a_title_is_that_of_what_was_taken(run: RunFolder) -> None:
    log = run.log("full", 5).sort("user", "visit").collect()
    titles = run.segments(5).collect()["text"]
    for moment, row in zip(timeline(run, "full", 5, log["user"][0]).moments, log.iter_rows(named=True), strict=False):
        taken = row["choice"] < 4
        assert moment.title == (titles[row["items"][row["choice"]]] if taken else "")
        assert moment.rating == row["rating"]


def test_a_story_is_a_stretch_of_the_same_moments(run: RunFolder) -> None:
    (who, *_) = witnesses(run, "full", 5)
    told = story(run, "full", 5, who)
    assert [moment.visit - who.visit for moment in told] == [k for k in range(-4, 7) if 0 <= who.visit + k < 12]
    life = timeline(run, "full", 5, who.user, most=12)
    assert all(moment == life.moments[moment.visit] for moment in told)
    assert [moment.time for moment in told if moment.visit == who.visit] == [who.time]


def test_a_run_without_truth_says_nothing_of_it(run: RunFolder) -> None:
    run.resolved["scenario"]["run"] = {"truth": "off"}  # type: ignore[index]
    life = timeline(run, "full", 5, first=30.0, most=2)
    assert life.group is None
    assert len(life.moments) == 2
    for moment in life.moments:
        assert moment.time >= 30.0
        assert (moment.before, moment.after, moment.satisfaction, moment.jumped) == ((), (), None, False)


def test_a_day_after_the_last_visit_is_refused_with_that_visit(run: RunFolder) -> None:
    with pytest.raises(InputError, match=r"from = 999: user 1 has no visit from then on; the last is on day \d+\.\d\d"):
        timeline(run, "full", 5, first=999.0)


def test_a_user_who_never_came_is_refused_with_some_who_did(run: RunFolder) -> None:
    with pytest.raises(InputError, match="user 99 has no visits under agent 'full', seed 5: say 1 to 6"):
        timeline(run, "full", 5, 99)
