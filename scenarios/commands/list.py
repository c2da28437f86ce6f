"""`driftline list`: which scenarios there are."""

from driftline.scenarios.commands.options import AsJson


def list_scenarios(json: AsJson = False) -> None:
    """List the scenarios: the packaged ones, and those in the folders of DRIFTLINE_SCENARIOS."""
    from driftline.scenarios.discovery import all_scenarios
    from driftline.scenarios.table import print_table

    rows = [
        {
            "name": each.name,
            "version": each.version,
            "expects": each.expects,
            "title": each.title,
            "purpose": each.purpose,
        }
        for each in all_scenarios()
    ]
    if not json:
        rows = [{key: value for key, value in row.items() if key != "purpose"} for row in rows]
    print_table(rows, as_json=json)
