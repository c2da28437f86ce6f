"""Commands about plug-ins: list, check."""

from typing import TYPE_CHECKING, Annotated

import typer

from driftline.scenarios.cli.options import AsJson, Overrides

if TYPE_CHECKING:
    from driftline.scenarios.kinds import Checked

BROKEN = 1
"""Exit code where a promise is broken."""


def list_plug_ins(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="agents, trackers, policies, laws, ..., or all; else: scenarios.")
    ] = "scenarios",
    json: AsJson = False,
) -> None:
    """List the scenarios, or the plug-ins of another kind, each with one line on what it is."""
    from driftline.scenarios.cli.tables import print_table
    from driftline.scenarios.kinds import KINDS
    from driftline.scenarios.schema import all_scenarios
    from driftline.sim.errors import InputError, hint

    plurals = {each.plural: name for name, each in KINDS.items()}
    if kind == "scenarios":
        facts = ("name", "version", "expects", "title", *(("purpose",) if json else ()))
        print_table([{fact: getattr(each, fact) for fact in facts} for each in all_scenarios()], as_json=json)
        if not json:
            typer.echo(f"further kinds: driftline list {'|'.join([*list(plurals)[1:], 'all'])}")
        return
    if kind != "all" and kind not in plurals:
        raise InputError(f"kind {kind!r} is unknown; {hint(kind, [*plurals, 'all'])}")
    chosen = KINDS.values() if kind == "all" else [KINDS[plurals[kind]]]
    rows = [
        {**({"kind": each.plural} if kind == "all" else {}), "name": name, "what": each.summary(name)}
        for each in chosen
        for name in each.names()
    ]
    print_table(rows, as_json=json)


def check(
    what: Annotated[str, typer.Argument(metavar="NAME|FILE|MODULE:CLASS", help="Anything that can be plugged in.")],
    kind: Annotated[str | None, typer.Option("--kind", help="Where a name is of several: scenario, agent, ...")] = None,
    set_: Overrides = None,
    import_: Annotated[
        bool, typer.Option("--import", help="Run the code that a scenario file names; else it is named only.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Ask a scenario, agent, law or any other plug-in for everything that its kind promises.

    Exit code 1: a promise is broken. `module:Class` is imported; what a scenario file names is not, without --import.
    """
    from driftline.scenarios.cli.tables import print_json
    from driftline.scenarios.kinds import check as examine
    from driftline.sim.config.resolve import from_texts

    found = examine(what, kind, from_texts(set_ or []), run_code=import_)
    if json:
        print_json([_document(each) for each in found])
    else:
        for each in found:
            _print(each)
    if any(each.broken for each in found):
        raise typer.Exit(BROKEN)


def _document(found: "Checked") -> dict[str, object]:
    promises = [
        {"promise": each.name, "asked": each.asked, "fault": each.fault, "mend": each.mend, "unasked": each.unasked}
        for each in found.checks
    ]
    whole = {"asked": found.name, "kind": found.kind, "kept": not found.broken, **found.facts}
    return {**whole, "promises": promises}


def _print(found: "Checked") -> None:
    facts = "".join(f", {name} {value}" for name, value in found.facts.items() if name != "name")
    typer.echo(f"{found.kind} {found.name}{facts}")
    for each in found.checks:
        typer.echo(f"  {each}")
