"""What a wheel must hold, and what it must not."""

import sys
from pathlib import Path
from zipfile import ZipFile

LAYERS = ("sim", "agents", "evaluation", "scenarios")
PYTEST = "pytest_driftline.py"
DATA = ("*.yaml", "*.yml", "*.csv", "*.j2", "*.typed")


def main(wheel: str) -> None:
    """Exit with a line for everything that is wrong."""
    names = set(ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    wrong = [
        f"ships top-level {top!r}" for top in sorted(tops - {"driftline", PYTEST}) if not top.endswith(".dist-info")
    ]
    for layer in LAYERS:
        wanted = [
            path
            for pattern in ("*.py", *DATA)
            for path in Path(layer).rglob(pattern)
            if "__pycache__" not in path.parts
        ]
        wrong += [f"lacks {path}" for path in sorted(wanted) if f"driftline/{path.as_posix()}" not in names]
    wrong += [f"lacks {name}" for name in ("driftline/__init__.py", "driftline/py.typed", PYTEST) if name not in names]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        wrong.append("lacks the LICENSE")
    if wrong:
        sys.exit("\n".join(f"{Path(wheel).name} {line}" for line in wrong))
    print(f"{Path(wheel).name}: {len(names)} files, all there")


if __name__ == "__main__":
    main(sys.argv[1])
