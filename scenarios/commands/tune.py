"""`driftline tune`: the same search for every agent, on validation seeds."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Jobs, Overrides, ScenarioName


def tune(
    scenario: ScenarioName,
    agents: Annotated[str, typer.Option("--agents", help="Agent ids, separated by commas.")] = "full",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Parameter sets per agent.")] = 40,
    seeds: Annotated[str, typer.Option("--seeds", help="Validation seeds.")] = "0:5",
    set_: Overrides = None,
    jobs: Jobs = 1,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where tuned values go; default: where runs find them.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Search each agent's parameters for the lowest mean regret; write the best ones and all trials."""
    from driftline.scenarios import api
    from driftline.scenarios.agent_names import split_ids
    from driftline.scenarios.content_hash import world_hash
    from driftline.scenarios.live_progress import live_progress
    from driftline.scenarios.search_space import search_space
    from driftline.scenarios.seed_range import seed_range
    from driftline.scenarios.table import print_table
    from driftline.scenarios.tune import tune as search
    from driftline.scenarios.tune import write_trials
    from driftline.scenarios.tuned import tuned_folder, write_tuned
    from driftline.sim.config.resolve import from_texts

    whole, numbers = api.prepared(scenario, split_ids(agents), seed_range(seeds), from_texts(set_ or []))
    spaces = {agent: search_space(whole, agent) for agent in whole.agents}
    with live_progress(whole.agents, trials * len(numbers)) as progress:
        found = search(whole, spaces, trials, numbers, jobs, progress or (lambda agent, seed, share: None))
    facts = {
        "world_hash": world_hash(whole),
        "seeds": list(numbers),
        "trials": trials,
        "regret": {each.agent: round(each.best.mean, 6) for each in found},
    }
    place = folder or tuned_folder()
    path = write_tuned(whole, {each.agent: each.best.params for each in found}, facts, place)
    write_trials(found, numbers, place / f"{whole.name}-trials.csv")
    for each in found:
        for warning in each.warnings:
            print(f"driftline: {warning}", file=sys.stderr)
    rows = [{"agent": e.agent, "regret": e.best.mean, "trials": len(e.trials), **e.best.params} for e in found]
    print_table(rows, as_json=json, title=f"written to {path}")
