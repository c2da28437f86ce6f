"""Use the installed wheel from a folder that is not the repository."""

import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import driftline

home = Path(driftline.__file__).parent
assert Path(sys.prefix) in home.parents, f"driftline comes from {home}, not from the wheel"
shipped = {Path(str(path)).parts[0] for path in files("driftline") or []}
assert not shipped & {"sim", "agents", "evaluation", "scenarios"}, f"the wheel ships top-level folders: {shipped}"
for needed in ("py.typed", "scenarios/catalog/abrupt_shift.yaml", "evaluation/templates/report.html.j2"):
    assert (home / needed).is_file(), f"the wheel lacks {needed}"
assert list((home / "sim" / "text" / "lexicon").glob("*.yaml")), "the wheel lacks the lexicon"

command = [str(Path(sys.executable).parent / "driftline")]
listed = subprocess.run([*command, "list"], capture_output=True, text=True, check=True).stdout
assert "abrupt_shift" in listed, listed
tiny = ["population.users=40", "horizon=24", "catalogue.items=200", "run.encoder=hashing"]
run = [*command, "run", "abrupt_shift", "--agents", "full,random", "--seeds", "1", "--out", "run"]
subprocess.run(run + [word for each in tiny for word in ("--set", each)], check=True)
assert Path("run/report.html").stat().st_size > 10_000
print("the wheel works")
