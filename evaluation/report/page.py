"""The report of a run: one self-contained page, and every figure's data beside it."""

import warnings
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from driftline.evaluation.metrics._table import measures_of, own_metrics
from driftline.evaluation.report.belief import belief
from driftline.evaluation.report.curves import Visits, adaptation_curves, group_regret, over_time
from driftline.evaluation.report.stories import Witness, story, witnesses
from driftline.evaluation.report.style import ORACLE, Figure, FigureWarning, series_faults, svg
from driftline.evaluation.report.tables import by_regret, cost_rows, headline, more, paired_rows
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import metrics, temperature
from driftline.evaluation.run.tracking import beliefs
from driftline.evaluation.run.visits import impossible, judged_visits

if TYPE_CHECKING:
    from jinja2 import Template

NO_CHANGES = (
    "No user's interest jumped in the judged period of this run (no visit is marked as a change point), so "
    "there is nothing to align: adaptation delay, recovery time and the adaptation curves do not apply."
)


def write_report(folder: Path | str) -> Path:
    """Write `report.html` and `figures/*.{csv,svg}` of a run folder; the path of the page."""
    return report(RunFolder(folder))


def report(run: RunFolder) -> Path:
    """The same for an open folder.

    Uses `metrics.parquet` where the run has one, else computes it. A figure series that is empty or constant
    is named in a `FigureWarning` and in the report itself; so is a regret that cannot be right.
    """
    table = _metrics(run)
    visits: Visits = {(agent, seed): judged_visits(run, agent, seed) for agent in run.agents for seed in run.seeds}
    changes = sum(int(frame["change_point"].sum()) for frame in visits.values())
    people = witnesses(run, run.agents[0], run.seeds[0])
    figures = _figures(run, table, visits, people, changes > 0)
    drawn, faults = _save(run.path / "figures", figures)
    faults += _impossible(visits)
    for fault in faults:
        warnings.warn(fault, FigureWarning, stacklevel=2)
    known = measures_of(own_metrics(run.own_metrics))
    measures, rows = headline(table, known)
    more_measures, more_rows = more(table, known)
    page = _template().render(
        facts=_facts(run, visits),
        versions=run.versions,
        measures=measures,
        rows=rows,
        more_measures=more_measures,
        more_rows=more_rows,
        figures=drawn,
        faults=faults,
        missing_changes="" if changes else NO_CHANGES,
        stories=[(who, story(run, run.agents[0], run.seeds[0], who)) for who in people],
        first=run.agents[0],
        paired=paired_rows(run, run.agents[0]),
        costs=cost_rows(run, by_regret(table)),
        seeds=len(run.seeds),
        title=str(run.scenario.get("title", run.scenario.get("name", run.path.name))),
        purpose=str(run.scenario.get("purpose") or ""),
    )
    out = run.path / "report.html"
    draft = out.with_name(".report.draft")
    draft.write_text(page, encoding="utf-8")
    draft.replace(out)
    return out


def _metrics(run: RunFolder) -> pl.DataFrame:
    file = run.path / "metrics.parquet"
    return pl.read_parquet(file) if file.is_file() else metrics(run)


def _figures(
    run: RunFolder, table: pl.DataFrame, visits: Visits, people: Sequence[Witness], changes: bool
) -> list[Figure]:
    found = [over_time(run, visits, "reward")]
    if any(agent != ORACLE for agent in run.agents):  # the oracle's regret is 0 and is not drawn
        found += [over_time(run, visits, "regret"), group_regret(table)]
    if changes and len((curves := adaptation_curves(run, visits)).data):  # a few changes make no curve
        found.append(curves)
    if people:
        first, seed = run.agents[0], run.seeds[0]
        rivals = [agent for agent in by_regret(table) if agent not in (first, ORACLE)]
        known = {}
        for agent in [first, *rivals[:1]]:
            heat = temperature([beliefs(run, agent, each) for each in run.seeds])
            known[agent] = (beliefs(run, agent, seed), heat)
        found.append(belief(run, tuple(people), known, first))
    return found


def _save(folder: Path, figures: Sequence[Figure]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Write each figure's data and drawing; their SVG text by name, and what is wrong with the data."""
    folder.mkdir(exist_ok=True)
    for stale in [*folder.glob("*.csv"), *folder.glob("*.svg")]:
        stale.unlink()
    drawn, faults = {}, []
    for figure in figures:
        faults += series_faults(figure.name, figure.data, figure.series, figure.value)
        figure.data.write_csv(folder / f"{figure.name}.csv")
        if figure.data.is_empty():
            continue
        text = svg(figure.draw(figure.data), figure.name)
        (folder / f"{figure.name}.svg").write_text(_standalone(text), encoding="utf-8")
        drawn[figure.name] = {"svg": _inline(text), "caption": figure.caption}
    return drawn, faults


def _impossible(visits: Visits) -> list[str]:
    """Visits whose regret cannot be right: the shown slate is worth more than the best one."""
    counts = {key: impossible(frame) for key, frame in visits.items()}
    return [
        f"{agent}, seed {seed}: {n} visits have a negative regret, so the best slates are wrong"
        for (agent, seed), n in counts.items()
        if n
    ]


def _standalone(text: str) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n' + text


def _inline(text: str) -> str:
    """Inside HTML the namespaces are known; without them the page names no address at all."""
    head, rest = text.split(">", 1)
    kept = [part for part in head.split() if not part.startswith(("xmlns", "width=", "height="))]
    return " ".join(kept) + ">" + rest


def _facts(run: RunFolder, visits: Visits) -> list[tuple[str, str]]:
    start, end = run.judged
    frames = list(visits.values())
    per_user = [len(frame) / max(frame["user"].n_unique(), 1) for frame in frames]
    bound = float(np.mean([float(np.mean(frame["bound"].to_numpy())) for frame in frames]))
    names = ("name", "version", "expects", "reward", "slate")
    stated = [(name, str(run.scenario[name])) for name in names if name in run.scenario]
    users = run.users(run.seeds[0]).collect()
    sizes = [(run.groups[code], n) for code, n in users.group_by("group").len().sort("group").iter_rows()]
    return [
        *stated,
        ("users", f"{len(users):,} ({', '.join(f'{n:,} {name}' for name, n in sizes)})"),
        ("judged days", f"{start:g} to {end:g}; the days before are the warm-up, the same for every agent"),
        ("visits per user", f"{np.mean(per_user):.1f} in the judged period"),
        ("items", f"{run.items(run.seeds[0]).select(pl.len()).collect().item():,}, {len(run.topics)} topics"),
        ("seeds", ", ".join(str(seed) for seed in run.seeds)),
        (
            "regret",
            "exact at every visit" if bound == 0 else f"an upper bound at {100 * bound:.1f} % of the visits",
        ),
        *_hashes(run.resolved),
    ]


def _hashes(resolved: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (key.replace("_", " "), cast("str", resolved[key])[:12])
        for key in ("scenario_hash", "world_hash")
        if isinstance(resolved.get(key), str)
    ]


def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    text = (files("driftline.evaluation.report") / "templates" / "report.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)
