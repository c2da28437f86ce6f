"""Runs so small that some figures have nothing to show: their reports say so and warn of nothing."""

from pathlib import Path

import pytest

from driftline.scenarios.api import run

TINY = {"population.users": 25, "horizon": 16, "warmup": 7, "catalogue.topics": 4, "run.encoder": "hashing"}


@pytest.mark.parametrize("agents", [("oracle",), ("random", "oracle")])
def test_a_report_leaves_out_what_it_cannot_draw(agents: tuple[str, ...], tmp_path: Path) -> None:
    result = run("abrupt_shift", agents, range(1), TINY, tmp_path / "run")
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    drawn = {path.stem for path in (result.folder / "figures").glob("*.svg")}
    assert "reward_over_time" in drawn
    assert ("regret_over_time" in drawn) == (len(agents) > 1)
    for name in {"regret_over_time", "regret_by_group"} - drawn:
        assert f"{name}” has no data" in page
