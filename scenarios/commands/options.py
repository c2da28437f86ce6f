"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ScenarioName = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name of a scenario, or the path of its file.")]
Agents = Annotated[str, typer.Option("--agents", help="Agent ids, separated by commas.")]
Seeds = Annotated[str, typer.Option("--seeds", help="How many (3), or a half-open range (5:10).")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, such as population.users=500."),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Processes; the results are the same for any number.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; default runs/<scenario>-<hash>.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
LogPath = Annotated[Path, typer.Argument(metavar="LOG", help="Your log: a .csv, .tsv or .parquet file.")]
Columns = Annotated[
    str, typer.Option("--columns", metavar="ROLE=COLUMN,...", help="Which column is what: reward=clicked,user=uid.")
]
Level = Annotated[float, typer.Option("--level", help="Confidence level of the intervals.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a figure as well.")]
