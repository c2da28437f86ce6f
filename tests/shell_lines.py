"""How a shell line of the manual is executed: ours in this process and at small size, all others by bash.

What makes a line small is added behind it, since an option that is said twice counts as it was said last; keys of the
world's size give way. `smaller` is the whole rule. A line that fails is an AssertionError which names it.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
import venv
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer
from packaging.requirements import Requirement

from driftline.scenarios.agent_names import split_ids
from driftline.scenarios.api import prepared
from driftline.scenarios.cli.main import app, main
from driftline.scenarios.schema import seed_range
from driftline.sim.config.resolve import from_texts

ROOT = Path(__file__).resolve().parent.parent
SMALL_WORLD = {
    "run.encoder": "hashing",
    "population.users": 30,
    "catalogue.items": 100,
    "catalogue.topics": 4,
    "horizon": 18,
    "warmup": 7,
    "grade.period": 3,
}
SEEDS = {"grade": 2}
"""Fewest seeds of a command; 1 where nothing is said."""
NOT_LASTING = {"alias", "cd", "export", "set", "unset"}
ACTIVATION = re.compile(r"(?:\.|source) (\S+)/bin/activate")


def shell_lines(block: str) -> list[str]:
    """The commands of a block, continued lines joined, comments left out."""
    lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def execute(line: str) -> None:
    """Do what a line says, in the working directory.

    Raises:
        AssertionError: it fails, or it is of a kind that cannot be executed here.
    """
    first, *words = shlex.split(line, comments=True)
    if first == "driftline":
        _driftline(words, line)
    elif first == "make":
        _make(words, line)
    elif first == "pip":
        _pip(words, line)
    elif first in {".", "source"}:
        _activate(line)
    else:
        assert first not in NOT_LASTING, f"{line!r}: lines are executed one by one, so nothing of this one would last"
        assert "driftline" not in words, f"{line!r}: begin the line with driftline, or it cannot be made small"
        _bash(line, path=f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}")


def parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Name and options of a command of ours, as its parser reads them."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with typer.Context(group) as context:
        name, command, rest = group.resolve_command(context, arguments)
        assert name
        assert command
        return name, command.make_context(name, rest).params


def check_at_full_size(arguments: list[str]) -> None:
    """Scenario, agents, seeds and overrides as they stand, by the checks that come before any work.

    Raises:
        InputError: one of them is wrong.
    """
    _, stated = parsed(arguments)
    scenario = stated.get("scenario") or stated.get("what")
    if scenario and "seeds" in stated and not Path(scenario).is_dir():
        # An experiment names two agents, a grading takes those of the scenario.
        named = stated.get("agents") or ",".join(filter(None, (stated.get("a"), stated.get("b")))) or "popularity"
        prepared(scenario, split_ids(named), seed_range(stated["seeds"] or "1"), from_texts(stated["set_"] or []))


def smaller(arguments: list[str]) -> list[str]:
    """A command made small: a little world, few seeds, one process, two trials, one variation.

    Tuned values would go to the package; here they go to the working directory.
    """
    name, stated = parsed(arguments)
    words = list(arguments)
    if "set_" in stated and name != "check":  # what is checked may have no world; a key may be set once only
        places = [
            k for k, word in enumerate(words) if word.partition("=")[0] in SMALL_WORLD and words[k - 1] == "--set"
        ]
        words = [word for k, word in enumerate(words) if k not in places and k + 1 not in places]
        words += [f"--set={key}={value}" for key, value in SMALL_WORLD.items()]
    of_a_run = stated.get("seeds") is None and Path(str(stated.get("what"))).is_dir()
    if "seeds" in stated and not of_a_run:
        first = seed_range(stated["seeds"] or "1").start
        words.append(f"--seeds={first}:{first + SEEDS.get(name, 1)}")
    if "jobs" in stated:
        words.append("--jobs=1")
    if "trials" in stated:
        words.append("--trials=2")
    if stated.get("vary") and stated["variations"] is None:
        words.append("--variations=other_reward")
    if name == "tune" and stated["folder"] is None:
        words.append("--out=tuned")
    return words


def _driftline(arguments: list[str], line: str) -> None:
    printed, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(complained):
        try:
            small = arguments
            if not arguments[0].startswith("-"):
                check_at_full_size(arguments)
                small = smaller(arguments)
        except Exception as problem:
            raise AssertionError(f"{line!r}: {problem}") from problem
        code = _exit_code(small)
    assert not code, f"{line!r}, made small: {small}: exit code {code}, {complained.getvalue()}"
    assert printed.getvalue(), f"{line!r} printed nothing"


def _exit_code(arguments: list[str]) -> object:
    try:
        main(arguments)
    except SystemExit as left:
        return left.code
    return 0


def _make(targets: list[str], line: str) -> None:
    """make says what it would do; of that, our own commands are executed, and the environment is put in place."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "--no-print-directory", "--directory", str(ROOT), *targets]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{line!r}: {done.stderr}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    made = re.search(r"^VENV := (\S+)$", makefile, re.MULTILINE)
    assert made
    _environment(Path(made[1]))
    for each in re.findall(r"^\S*/bin/driftline (.*)$", done.stdout, re.MULTILINE):
        _driftline(shlex.split(each), line)


def _environment(folder: Path) -> None:
    """The environment these tests run in, by the name that a reader knows; else one with a stand-in for the command."""
    if folder.exists():
        return
    if all((Path(sys.prefix) / "bin" / name).is_file() for name in ("activate", "driftline")):
        folder.symlink_to(sys.prefix)
        return
    venv.create(folder, symlinks=True)
    command = folder / "bin" / "driftline"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)


def _activate(line: str) -> None:
    """Executed by a shell whose path knows nothing of the environment; `driftline` must then be the environment's."""
    found = ACTIVATION.fullmatch(line)
    assert found, f"{line!r}: only an environment's activate is executed here"
    own = Path(sys.prefix) / "bin"
    path = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != own)
    command = Path(_bash(f"{line}\ncommand -v driftline", path).strip())
    assert command.parent.samefile(Path(found[1]) / "bin"), f"{line!r}: driftline is then {command}"


def _pip(words: list[str], line: str) -> None:
    """Without a network: options and extras exist, other packages are asked for exactly as pyproject.toml has them."""
    assert words[:1] == ["install"], f"{line!r}: only `pip install` is checked"
    options = [word for word in words[1:] if word.startswith("-")]
    known = subprocess.run([sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True).stdout
    assert all(re.search(rf"(^|\s){re.escape(option)}\b", known) for option in options), f"{line!r}: {options}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    wanted = [word for word in words[1:] if not word.startswith("-")]
    assert wanted, f"{line!r} installs nothing"
    for each in wanted:
        own = re.fullmatch(r"\.(?:\[(\S+)\])?", each)
        if own:
            names = own[1].split(",") if own[1] else []
            assert set(names) <= set(extras), f"{line!r}: the extras are {', '.join(extras)}"
            stated = [requirement for name in names for requirement in extras[name]]
        else:
            stated = [each]
            assert each in {requirement for extra in extras.values() for requirement in extra}, f"{line!r}: {each}"
        for requirement in map(Requirement, stated):
            _agrees_with_what_is_installed(requirement)


def _agrees_with_what_is_installed(requirement: Requirement) -> None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:  # an extra that these tests do not need
        return
    assert requirement.specifier.contains(found), f"{requirement}: {found} is installed"


def _bash(script: str, path: str) -> str:
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{script!r}: exit code {done.returncode}, {done.stderr}"
    return done.stdout
