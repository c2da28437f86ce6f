"""Write the tables of all built-in plug-ins into the manual's page, between its two marks (`make tables`)."""

from pathlib import Path

from driftline.scenarios.kinds import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plug-ins.md"
START, END = "<!-- PLUG-INS, written by `make tables` -->\n", "<!-- end -->\n"


def tables() -> str:
    """One table a kind: name and first line."""
    parts = []
    for kind in KINDS.values():
        rows = [f"| `{name}` | {kind.summary(name)} |" for name in kind.names()]
        parts.append("\n".join([f"### {kind.plural}", "", "| name | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def written(page: str) -> str:
    """The page with its tables as they should be."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{PAGE.name} has no place for the tables of plug-ins")
    return f"{before}{START}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
