"""A verdict in a terminal: checks, alarm, numbers, warnings; or JSON."""

import json
from pathlib import Path

from driftline.scenarios.own_log.verdict import Verdict
from driftline.scenarios.table import print_table
from driftline.sim.errors import InputError


def checked_page(path: Path | None) -> None:
    """Whether a page can be written there, before any work is done."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"--html {str(path)!r}: is a folder, not a file")
    if not path.parent.is_dir():
        raise InputError(f"--html {str(path)!r}: the folder {str(path.parent)!r} does not exist")


def show(verdict: Verdict, as_json: bool, html: Path | None) -> None:
    """Print it, and write the page where one is asked for."""
    if html is not None:
        verdict.write_page(html)
    if as_json:
        print(json.dumps(verdict.document(), indent=2, allow_nan=False))
        return
    print_table(verdict.check_rows(), as_json=False, title=verdict.title)
    if verdict.alarm:
        print(f"\n!!! {verdict.alarm} !!!")
    if verdict.arms:
        print()
        print_table(verdict.arms, as_json=False)
    print()
    print_table(verdict.rows(), as_json=False, title=f"in brackets: {100 * verdict.level:g} % intervals")
    if verdict.warnings:
        print("\nwarnings:")
    for number, line in enumerate(verdict.warnings, start=1):
        print(f"{number:>3}  {line}")
    if html is not None:
        print(f"\npage: {html}")
