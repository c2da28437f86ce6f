"""`driftline compare`: two agents on the same users and seeds."""

from pathlib import Path
from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Jobs, Out, Overrides, Seeds


def compare(
    what: Annotated[str, typer.Argument(metavar="RUN|SCENARIO", help="A run folder, or a scenario to run first.")],
    agents: Annotated[str, typer.Option("--agents", help="Two agent ids: a,b; the difference is b - a.")],
    vary: Annotated[bool, typer.Option("--vary", help="Repeat it in varied worlds: does the sign hold?")] = False,
    variations: Annotated[
        str | None,
        typer.Option("--variations", help="Only these: choice,topics,drift,text,reward, or single names. Says --vary."),
    ] = None,
    seeds: Seeds = "3",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Compare two agents, paired by user and seed; print the differences b - a with their intervals."""
    from driftline.scenarios.agent_names import split_ids
    from driftline.scenarios.comparison_rows import comparison_rows
    from driftline.scenarios.live_run import live_run
    from driftline.scenarios.run_result import open_run
    from driftline.scenarios.table import print_table
    from driftline.sim.errors import InputError

    pair = split_ids(agents)
    if len(pair) != 2:
        raise InputError(f"--agents {agents}: must be two agents, a,b")
    if vary or variations is not None:
        from driftline.scenarios.vary.live import live_vary, print_varied

        found, folder = live_vary(what, (pair[0], pair[1]), variations, seeds, set_ or [], out, jobs)
        print_varied(found, folder, as_json=json)
        return
    is_run = (Path(what) / "resolved.yaml").is_file()
    run = open_run(what) if is_run else live_run(what, agents, seeds, set_ or [], out, jobs)
    print_table(comparison_rows(run, *pair), as_json=json, title=f"{pair[1]} - {pair[0]}")
