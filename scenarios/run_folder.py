"""The folder of a run, as it is written: made or resumed, locked against a second process, and described."""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from driftline.evaluation.run.folder import slug
from driftline.scenarios.executors import Task
from driftline.scenarios.hashes import PACKAGES, agent_hash, scenario_hash, versions, world_hash
from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.config.files import read_mapping
from driftline.sim.errors import InputError

ERRORS = "error.log"
LOCK = ".lock"
VERSIONS = "versions.json"
DESCRIPTION = ("resolved.yaml", VERSIONS)
"""Files that say what a folder holds."""
UNOPENED = ".unopened"
"""Where the truth lies while any agent of the run is still at work; it becomes `truth/` when all are done."""
IRRELEVANT = ("agents.", "title", "purpose", "grade.", "run.batch", "run.cache", "judge.metrics")
"""Keys in which two runs of one folder may differ."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A run folder that this process may write."""

    path: Path
    scenario: Scenario
    """`scenario.agents` holds exactly the agents of the folder."""
    agents: tuple[str, ...]
    """All that the folder is to hold: what was asked for, and what earlier calls finished."""
    seeds: tuple[int, ...]

    def missing(self) -> list[Task]:
        """The tasks that are not finished yet, seed by seed."""
        return [
            Task(self.scenario, agent, seed, self.path)
            for seed in self.seeds
            for agent in self.agents
            if not finished(self.path, agent, seed)
        ]

    def judged(self) -> bool:
        """Whether metrics and report are newer than all that they are made of."""
        runs = [_last_file(self.path, agent, seed) for agent in self.agents for seed in self.seeds]
        made = [self.path / name for name in ("metrics.parquet", "report.html")]
        if not all(path.is_file() for path in (*runs, *made)):
            return False
        sources = [*runs, *(self.path / name for name in DESCRIPTION)]
        return max(_written(path) for path in sources) <= min(_written(path) for path in made)

    @contextmanager
    def truth_apart(self) -> Iterator[None]:
        """Keep the truth, that of earlier calls too, out of `truth/` while agents run; one rename puts it there.

        A killed run leaves it apart; the next call goes on from there.
        """
        apart, truth = self.path / UNOPENED, self.path / "truth"
        if truth.is_dir() and not apart.exists():
            truth.rename(apart)
        apart.mkdir(mode=0o700, exist_ok=True)
        try:
            yield
        finally:
            for path in sorted(truth.rglob("*")) if truth.is_dir() else []:  # put there by a runner of one's own
                if path.is_file():
                    (apart / path.relative_to(truth)).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(apart / path.relative_to(truth))
            shutil.rmtree(truth, ignore_errors=True)
            if any(apart.iterdir()):
                apart.chmod(0o755)
                apart.rename(truth)
            else:
                apart.rmdir()

    def note_error(self, line: str, trace: str) -> None:
        """Add a failure to `error.log`."""
        with (self.path / ERRORS).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n{trace}\n")


@contextmanager
def open_folder(path: Path, scenario: Scenario, seeds: Sequence[int], topics: Sequence[str]) -> Iterator[OpenFolder]:
    """Make a run folder, or resume one of the same scenario; locked meanwhile.

    `scenario.agents` holds the agents that are asked for, each composed in full.

    Raises:
        InputError: the folder is in use, holds another scenario's run or something else, or cannot be made.
    """
    made = not path.exists()
    make_folder(path)
    try:
        with locked(path):
            folder = _described(path, scenario, tuple(seeds), topics)
            (path / ERRORS).unlink(missing_ok=True)
            yield folder
    except PermissionError as problem:
        raise InputError(f"--out '{path}': {problem.strerror}") from problem
    finally:
        if made and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def make_folder(out: Path, inside: str = "") -> Path:
    """The folder `out`, or the one named `inside` in it, made where it is not there.

    Raises:
        InputError: a file stands there, or the folder cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out '{out}': is a file, not a folder")
    folder = out / inside
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"--out '{out}': cannot be made: {problem.strerror}") from problem
    return folder


def _described(path: Path, scenario: Scenario, seeds: tuple[int, ...], topics: Sequence[str]) -> OpenFolder:
    before = _earlier(path, scenario)
    specs = dict(scenario.agents)
    for name, spec in before.specs.items():
        if name in specs and agent_hash(spec) != agent_hash(specs[name]):
            raise InputError(
                f"folder '{path}' holds agent {name!r} with other parts or parameters; choose another --out"
            )
        if name not in specs and all(finished(path, name, seed) for seed in seeds):
            specs[name] = spec
    kept = [s for s in before.seeds if s not in seeds and all(finished(path, name, s) for name in specs)]
    whole = scenario.model_copy(update={"agents": specs})
    folder = OpenFolder(path, whole, tuple(specs), tuple(sorted({*seeds, *kept})))
    missing = folder.missing()
    held = any(path.glob("log/*/*/timing.json"))
    now = versions(scenario.run.device)
    if held and missing:
        _refuse_other_versions(path, now)
    _write(folder, topics)
    if not held or missing:
        put_text(path / VERSIONS, json.dumps(now, indent=2) + "\n")
    return folder


def _refuse_other_versions(path: Path, now: Mapping[str, object]) -> None:
    """What is finished in a folder, and what is to join it, must come of the same packages.

    Raises:
        InputError: naming the first package that differs.
    """
    file = path / VERSIONS
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
        differ = [name for name in ("python", *PACKAGES) if name in there and there[name] != now[name]]
    except (OSError, ValueError, TypeError) as problem:
        raise InputError(f"'{file}' is missing or damaged; choose another --out") from problem
    if differ:
        name = differ[0]
        raise InputError(
            f"folder '{path}' was made with {name} {there[name] or 'absent'}, and this is {name} "
            f"{now[name] or 'absent'}; choose another --out"
        )


@dataclass(frozen=True, slots=True)
class _Earlier:
    specs: dict[str, AgentSpec]
    seeds: tuple[int, ...]


def _earlier(path: Path, scenario: Scenario) -> _Earlier:
    """What an earlier call left in the folder, checked to be of the same scenario."""
    resolved = path / "resolved.yaml"
    if not resolved.is_file():
        odd = sorted(each.name for each in path.iterdir() if not each.name.startswith(LOCK))
        if odd:
            raise InputError(f"folder '{path}' is not empty ('{odd[0]}') and holds no run; choose another --out")
        return _Earlier({}, ())
    stated = read_mapping(resolved)
    if stated.get("scenario_hash") != scenario_hash(scenario):
        raise InputError(f"folder '{path}' holds a run of {_difference(stated, scenario)}; choose another --out")
    try:
        specs = {name: AgentSpec.model_validate(spec) for name, spec in stated["scenario"]["agents"].items()}
        return _Earlier(specs, tuple(stated["seeds"]))
    except (KeyError, TypeError, AttributeError, ValidationError) as problem:
        raise InputError(f"'{resolved}' is damaged; choose another --out") from problem


def _difference(stated: Mapping[str, Any], scenario: Scenario) -> str:
    """What the folder holds, and the first thing in which that differs from what is asked for."""
    there, asked = _flat(stated.get("scenario")), _flat(scenario.model_dump(mode="json"))
    if there.get("name") != scenario.name:
        return f"{stated.get('name')!r}, not of {scenario.name!r}"
    for key in sorted(asked | there, key=lambda key: not key.startswith("version")):
        if not key.startswith(IRRELEVANT) and there.get(key) != asked.get(key):
            return f"{scenario.name!r} with {key} = {there.get(key)}, not {asked.get(key)}"
    return f"another {scenario.name!r}"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, by dotted key."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {k: v for key, each in value.items() for k, v in _flat(each, f"{prefix}.{key}" if prefix else key).items()}


def _write(folder: OpenFolder, topics: Sequence[str]) -> None:
    scenario = folder.scenario
    resolved: dict[str, Any] = {
        "name": scenario.name,
        "version": scenario.version,
        "world_hash": world_hash(scenario),
        "scenario_hash": scenario_hash(scenario),
        "agents": list(folder.agents),
        "seeds": list(folder.seeds),
        "topics": list(topics),
        "groups": list(scenario.groups),
        "scenario": scenario.model_dump(mode="json"),
    }
    put_text(folder.path / "resolved.yaml", yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))


def put_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; one that says the same already stays as it is."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def truth_of(out: Path) -> Path:
    """Where a task writes the truth: apart while a run is on, else `truth/`."""
    apart = out / UNOPENED
    return apart if apart.is_dir() else out / "truth"


def finished(folder: Path, agent: str, seed: int) -> bool:
    """Whether a task has written its last file."""
    return _last_file(folder, agent, seed).is_file()


def _last_file(folder: Path, agent: str, seed: int) -> Path:
    return folder / "log" / slug(agent) / str(seed) / "timing.json"


def _written(path: Path) -> int:
    """When a file was written, in nanoseconds."""
    return path.stat().st_mtime_ns


def default_folder(scenario: Scenario, seeds: Sequence[int]) -> Path:
    """`runs/<name>-<hash>`: the same for the same scenario, agents and seeds: a repeated call resumes."""
    agents = [[name, agent_hash(spec)] for name, spec in scenario.agents.items()]
    key = hashlib.sha256(json.dumps([scenario_hash(scenario), agents, list(seeds)]).encode()).hexdigest()
    return Path("runs") / f"{scenario.name}-{key[:8]}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the lock of a process that is gone is taken over.

    Raises:
        InputError: another process holds it, or may hold it on another machine.
    """
    path = folder / LOCK
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())}
    while not _claimed(path, json.dumps(mine)):
        holder = _holder(path)
        if holder is not None and _alive(holder):
            where = "" if holder.get("host") == socket.gethostname() else f" on {holder.get('host')}"
            raise InputError(
                f"folder '{folder}' is in use by process {holder.get('pid')}{where}; "
                f"choose another --out, or remove '{path}' if that process is gone"
            )
        _take_away(path, holder)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take_away(path: Path, dead: dict[str, object] | None) -> None:
    """Remove the lock of a process that is gone, unless somebody else has put a lock of its own there meanwhile."""
    aside = path.with_name(f"{LOCK}-{os.getpid()}-old")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _holder(aside) != dead and not path.exists():
        os.link(aside, path)
    aside.unlink()


def _claimed(path: Path, content: str) -> bool:
    """Create the lock with its content in one step; False where there is one already."""
    draft = path.with_name(f"{LOCK}-{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _holder(path: Path) -> dict[str, object] | None:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def _alive(holder: dict[str, object]) -> bool:
    """Whether the process still runs; a number that was given to a newer process does not count."""
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname():
        return True
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return holder.get("started") == _started(pid)


def _started(pid: int) -> str:
    """When a process started, as far as the system tells; empty where it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
