"""Writes the tree of ARCHITECTURE.md anew: every file with the first line of its docstring (`make architecture`)."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "ARCHITECTURE.md"
LAYERS = ("sim", "agents", "evaluation", "scenarios")
START, END = "<!-- tree: written by `make architecture` -->\n", "<!-- end of tree -->\n"


def first_line(path: Path) -> str:
    """What a module is, in one line."""
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return said.splitlines()[0] if said else ""


def folders(layer: str) -> list[Path]:
    """The layer's folders that hold modules, itself first."""
    found = {path.parent for path in (ROOT / layer).rglob("*.py")}
    return sorted(found, key=lambda folder: folder.relative_to(ROOT).parts)


def tree() -> str:
    """One table a folder: file and first line; the folder's own line above it."""
    parts = []
    for layer in LAYERS:
        for folder in folders(layer):
            name = folder.relative_to(ROOT).as_posix()
            level = "##" if folder == ROOT / layer else "###"
            lines = [f"{level} {name}/", "", first_line(folder / "__init__.py"), "", "| file | |", "|---|---|"]
            modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
            lines += [f"| [{path.name}]({name}/{path.name}) | {first_line(path)} |" for path in modules]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def page(stated: str) -> str:
    """The page with its tree written anew; all else stays."""
    before, _, rest = stated.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{tree()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
