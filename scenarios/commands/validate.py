"""`driftline validate`: check a scenario file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario file.")], json: AsJson = False
) -> None:
    """Check a scenario file; print everything that is wrong with it, one line each."""
    from driftline.scenarios.content_hash import world_hash
    from driftline.scenarios.discovery import check, findings
    from driftline.scenarios.table import print_table
    from driftline.sim.config.files import read_scenario

    stated = read_scenario(file)
    wrong = findings(stated)
    if wrong:
        for line in wrong:
            print(f"{file}: {line}", file=sys.stderr)
        raise typer.Exit(2)
    scenario = check(stated)
    row = {
        "name": scenario.name,
        "version": scenario.version,
        "expects": scenario.expects,
        "world": world_hash(scenario),
    }
    print_table([row], as_json=json)
