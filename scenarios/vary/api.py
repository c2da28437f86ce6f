"""`driftline.vary`: a comparison of two agents, repeated in worlds that differ in stated ways."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driftline.scenarios import api
from driftline.scenarios.api import Run
from driftline.scenarios.executors import Progress
from driftline.scenarios.run_folder import default_folder
from driftline.scenarios.schema import Scenario, load
from driftline.scenarios.vary.signs import BASE, Varied, VariedWorld
from driftline.scenarios.vary.variations import Change, Skip, chosen, varied
from driftline.sim.errors import InputError


@dataclass(frozen=True, slots=True)
class PlannedWorld:
    """A world to be run."""

    name: str
    scenario: Scenario
    changes: tuple[Change, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a varied comparison will do, checked."""

    pair: tuple[str, str]
    seeds: tuple[int, ...]
    worlds: tuple[PlannedWorld, ...]
    """The base world first."""
    skipped: Mapping[str, str]
    folder: Path


def vary(
    scenario: str | Path | Scenario,
    a: str,
    b: str,
    variations: Iterable[str] | None = None,
    seeds: Iterable[int] = range(3),
    overrides: Mapping[str, Any] = {},
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Varied:
    """Compare agent `b` with agent `a` in a scenario's world and in variations of it: does the sign hold?

    variations: names or kinds (choice, topics, drift, text, reward), see `scenarios.vary.variations`; None: all.
    overrides: of the base world; variations go from there. Agents keep the parameters they have in the base world.
    out: a folder with one run folder a world, by default `runs/vary-<scenario>-<hash>`; what is finished there is not
    run again. progress: takes a world's name, a seed and the share of that seed's runs that is done.

    Raises:
        InputError: unusable input, before any work starts; or a run failed; the other worlds have finished.
        KeyboardInterrupt: what had finished is kept, and the same call goes on from there.
    """
    plan = planned(scenario, (a, b), variations, seeds, overrides, out)
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: must be >= 1")
    for world in plan.worlds:
        whole, _ = api.prepared(world.scenario, plan.pair, plan.seeds, {})
        api.checked_topics(whole, plan.seeds[0])
    runs: dict[str, Run] = {}
    failed: dict[str, InputError] = {}
    for world in plan.worlds:
        tell = _mean_of_both(progress, world.name, plan.pair) if progress else None
        try:
            folder = plan.folder / world.name
            runs[world.name] = api.run(world.scenario, plan.pair, plan.seeds, {}, folder, jobs, tell)
        except InputError as problem:
            if world.name == BASE:  # a folder of something else, or agents that do not run at all
                raise
            failed[world.name] = problem
    if failed:
        name, first = next(iter(failed.items()))
        kept = f"{len(failed)} of {len(plan.worlds)} worlds failed, the others are kept in '{plan.folder}'"
        raise InputError(f"{name}: {first} ({kept})") from first
    worlds = {
        each.name: VariedWorld.of(each.name, each.changes, each.note, runs[each.name], plan.pair, plan.seeds)
        for each in plan.worlds
    }
    return Varied(a, b, worlds, plan.skipped)


def planned(
    scenario: str | Path | Scenario,
    pair: tuple[str, str],
    variations: Iterable[str] | None,
    seeds: Iterable[int],
    overrides: Mapping[str, Any],
    out: str | Path | None,
) -> Plan:
    """The worlds of a varied comparison, all checked, and what has to be skipped."""
    wanted = chosen(variations)
    loaded = load(scenario, overrides)
    base, numbers = api.prepared(loaded, pair, seeds, {})
    if base.run.truth == "off":
        raise InputError("run.truth = off: a comparison needs the truth log, all or sample")
    worlds, skipped = [PlannedWorld(BASE, loaded)], {}
    for each in wanted:
        edit = each.edit(loaded)
        if isinstance(edit, Skip):
            skipped[each.name] = edit.reason
            continue
        try:
            changed = varied(loaded, each.name, edit.changes)
        except InputError as problem:
            skipped[each.name] = str(problem)
        else:
            worlds.append(PlannedWorld(each.name, changed, edit.changes, edit.note))
    if len(worlds) == 1:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise InputError(f"no variation applies to {base.name!r}: {reasons}")
    ordinary = default_folder(base, numbers)
    folder = Path(out) if out is not None else ordinary.with_name(f"vary-{ordinary.name}")
    return Plan(pair, numbers, tuple(worlds), skipped, folder)


def _mean_of_both(progress: Progress, world: str, pair: tuple[str, str]) -> Progress:
    """Progress of a world: the mean over its two agents; a folder may hold others, which are finished."""
    done: dict[tuple[str, int], float] = {}

    def tell(agent: str, seed: int, share: float) -> None:
        done[agent, seed] = share
        progress(world, seed, sum(done.get((each, seed), 0.0) for each in pair) / 2.0)

    return tell
