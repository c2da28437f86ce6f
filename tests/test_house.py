"""The house stays in order: cheap start-up, short modules, no odds-and-ends drawers, a valid catalogue."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from driftline.scenarios.schema import findings
from driftline.sim.config.files import read_scenario

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("sim", "agents", "evaluation", "scenarios")
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
HEAVY = ("torch", "transformers", "sklearn", "implicit", "matplotlib.pyplot", "stable_baselines3", "scipy.stats")
EVERY_JUDGE = """
import importlib, pkgutil, driftline.evaluation as judges
found = [each.name for each in pkgutil.walk_packages(judges.__path__, judges.__name__ + ".")]
assert len(found) > 80 and judges.__name__ + ".experiment._power" in found
for name in found:
    importlib.import_module(name)
"""
LONGEST = 400
"""Lines; a module that needs more holds two ideas."""


@pytest.mark.parametrize(
    "code",
    [
        "import driftline",
        "import driftline.sim, driftline.sim.world, driftline.sim.laws",
        pytest.param(EVERY_JUDGE, id="every module of driftline.evaluation"),
        "from driftline.scenarios.cli.main import main; main(['--help'])",
        "from driftline.scenarios.cli.main import main; main(['list'])",
    ],
)
def test_starting_up_imports_nothing_heavy(code: str) -> None:
    watch = f"import atexit, sys; atexit.register(lambda: print('HEAVY', [m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", f"{watch}\n{code}"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_driftline_run_is_there_and_nothing_else_is_made_up() -> None:
    import driftline
    from driftline.scenarios.api import run

    assert driftline.run is run
    with pytest.raises(AttributeError, match="has no attribute 'walk'"):
        _ = driftline.walk


VOCABULARY = {"types", "numbers", "errors", "keyed", "kernel", "conformance", "plug_ins"}
"""Modules of `sim` that agents and judges may use."""


def test_agents_and_judges_are_kept_from_all_of_sim_but_its_vocabulary() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (forbidden,) = (set(each["forbidden_modules"]) for each in contracts if each["type"] == "forbidden")
    rooms = {path.stem for path in (ROOT / "sim").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert forbidden == {f"driftline.sim.{room}" for room in rooms - VOCABULARY - {"__init__"}}


def test_no_module_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert [path for path in MODULES if path.stem.strip("_") in {"utils", "util", "helpers", "misc", "common"}] == []


def test_the_package_is_the_four_folders() -> None:
    for layer in LAYERS:
        link = ROOT / "src" / "driftline" / layer
        assert link.is_symlink()
        assert not link.readlink().is_absolute()
        assert link.resolve() == ROOT / layer


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios" / "catalog").glob("*.y*ml")), ids=lambda path: path.stem)
def test_every_packaged_scenario_is_valid_and_bears_the_name_of_its_file(path: Path) -> None:
    stated = read_scenario(path)
    assert findings(stated) == []
    assert stated["name"] == path.stem
    assert stated["purpose"]
