"""What every scenario must keep to: it states its expectation, and makes a world that runs.

faults = [check for check in check_scenario("mine.yaml") if check.fault]
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml

from driftline.agents.baselines.random import Random
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.compose import build_agent
from driftline.scenarios.hashes import world_hash
from driftline.scenarios.schema import Expects, Scenario, check, findings, load
from driftline.sim.config.files import find_scenario, parse, read_scenario
from driftline.sim.config.resolve import apply
from driftline.sim.conformance import Broken, Check, Promise, examined
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

MOST_USERS, MOST_ITEMS, WARMUP = 40, 120, 1.0
"""Size of the world in which a scenario is tried; the warm-up in days."""
FOREIGN = re.compile(r"\b[A-Za-z_][\w.]*:[A-Za-z_]\w*")
"""`package.module:Name`: code that reading the file would run."""
PLAIN_TEXT = ("title", "purpose")
"""Keys under which that is just a word with a colon."""


def check_scenario(
    scenario: str | Path, overrides: Mapping[str, Any] | None = None, *, run_code: bool = False
) -> tuple[Check, ...]:
    """Whether a scenario file states what it must, and makes a world that runs.

    The world is tried at small size: at most 40 users, 120 items and a day of warm-up.

    scenario: a name or a file. overrides: by dotted path, for instance where a real catalogue lies. run_code: imports
    the modules that the file names, which is to run them. What cannot be asked for that reason, or because a real
    catalogue is not there, is reported as unasked.

    Raises:
        InputError: no such scenario, not a YAML mapping, an override for a key that does not exist.
    """
    path = find_scenario(scenario)
    exam = Exam(path, apply(read_scenario(path), overrides or {}, Scenario))
    foreign = sorted(set(_foreign(exam.stated)))
    if foreign and not run_code:
        why = f"it would run {', '.join(foreign)}; look into them, then say --import"
        return (*examined(STATED, exam), *_unasked((*READ, *PLAYED), why))
    stated = (*examined((*STATED, *READ), exam),)
    if any(each.fault and each.name == "keys" for each in stated):
        return stated
    if exam.absent is not None:
        why = f"its catalogue is not in {str(exam.absent)!r}; state --set catalogue.path=FOLDER"
        return (*stated, *_unasked(PLAYED, why))
    return (*stated, *examined(PLAYED, exam))


def _unasked(suite: tuple[Promise["Exam"], ...], why: str) -> Iterator[Check]:
    for promise in suite:
        yield Check(promise.name, promise.asked, None, promise.mend, unasked=why)


def _foreign(value: Any) -> Iterator[str]:
    """Every `package.module:Name` in what a file states."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from FOREIGN.findall(str(key))
            if key not in PLAIN_TEXT:
                yield from _foreign(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _foreign(inner)
    elif isinstance(value, str):
        yield from FOREIGN.findall(value)


@dataclass(frozen=True)
class Exam:
    """A scenario file under examination."""

    path: Path
    stated: Mapping[str, Any]

    @cached_property
    def scenario(self) -> Scenario:
        """The whole scenario; only asked for when nothing is wrong with its keys."""
        return check(self.stated)

    @cached_property
    def absent(self) -> Path | None:
        """The folder of a real catalogue, where it does not exist."""
        catalogue = self.scenario.catalogue
        return catalogue.path if catalogue.path is not None and not catalogue.path.is_dir() else None

    @cached_property
    def small(self) -> Scenario:
        """The same scenario at small size; nothing else of it differs."""
        whole = self.scenario
        shown_at_once = max(whole.slate, whole.candidates.shared or whole.candidates.private or 0)
        sizes: dict[str, Any] = {
            "population.users": min(whole.population.users, MOST_USERS),
            "warmup": min(whole.warmup, WARMUP),
        }
        if whole.catalogue.source == "synthetic":
            sizes["catalogue.items"] = min(whole.catalogue.items, max(MOST_ITEMS, shown_at_once))
        return load(whole, sizes)

    def start(self, seed: int) -> Start:
        """The small world at the end of its warm-up."""
        return warm_up(World(self.small, seed))


# -- what it states, word by word ------------------------------------------------------------------------------


def _expects(exam: Exam) -> None:
    legal = get_args(Expects)
    stated = exam.stated.get("expects")
    if stated is None:
        raise Broken("it states none")
    if stated not in legal:
        raise Broken(f"expects = {shown(stated)}; {hint(str(stated), legal)}")


def _purpose(exam: Exam) -> None:
    stated = exam.stated.get("purpose")
    if not (isinstance(stated, str) and stated.strip()):
        raise Broken("it states none" if stated is None else f"purpose = {shown(stated)}")


def _name(exam: Exam) -> None:
    name = exam.stated.get("name")
    if exam.path.name != "resolved.yaml" and name != exam.path.stem:
        raise Broken(f"name = {shown(name)} in '{exam.path.name}'")


def _version(exam: Exam) -> None:
    version = exam.stated.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise Broken("it states none" if version is None else f"version = {shown(version)}")


STATED = (
    Promise(
        "expects",
        "it states beforehand what it will show",
        f"State `expects:` {', '.join(get_args(Expects))}: a result that was not expected beforehand proves little.",
        _expects,
    ),
    Promise("purpose", "it asks a question", "State in `purpose:` what a reader learns from it.", _purpose),
    Promise("name", "it bears the name of its file", "Rename one of the two.", _name),
    Promise(
        "version", "it has a version", "State `version: 1`, and raise it when the world's meaning changes.", _version
    ),
)


# -- what it says as a whole -----------------------------------------------------------------------------------


def _keys(exam: Exam) -> None:
    wrong = findings(exam.stated)
    if wrong:
        raise Broken("; ".join(wrong))


def _hash(exam: Exam) -> None:
    written = yaml.safe_dump(exam.scenario.model_dump(mode="json"), sort_keys=False)
    if world_hash(check(parse(written))) != world_hash(exam.scenario):
        raise Broken("written out and read again it is another world")


def _grade(exam: Exam) -> None:
    try:
        load(exam.scenario, exam.scenario.grade.world)
    except InputError as problem:
        raise Broken(str(problem)) from problem


READ = (
    Promise(
        "keys",
        "every key is known, every value within its bounds",
        "docs/scenarios.md lists all keys.",
        _keys,
        last=True,
    ),
    Promise(
        "hash",
        "its world has one content hash, however it is written",
        "A number of a law of your own does not survive writing and reading.",
        _hash,
    ),
    Promise("grade", "what `grade.world` overrides makes a world", "Change `grade: {world: ...}`.", _grade),
)


# -- what it does ----------------------------------------------------------------------------------------------


def _world(exam: Exam) -> None:
    """The world is built and answers: a warm-up under random slates, and a first round after it."""
    try:
        start = exam.start(0)
    except InputError as problem:
        raise Broken(str(problem)) from problem
    agent = Random()
    agent.reset(start.setting)
    observation = start.world.observe()
    if observation is not None:
        start.world.respond(agent.act(observation))
    interest = start.world.theta
    if not np.isfinite(interest).all():
        user = int(np.flatnonzero(~np.isfinite(interest).all(axis=1))[0])
        raise Broken(f"the interest of user {user} of {len(interest)} is not finite")


def _seeds(exam: Exam) -> None:
    first, again, other = (exam.start(seed) for seed in (0, 0, 1))
    if not _alike(first, again):
        raise Broken("seed 0 gave two different worlds")
    if _alike(first, other):
        raise Broken("seeds 0 and 1 gave the same world")


def _alike(one: Start, two: Start) -> bool:
    a, b = one.setting.feedback, two.setting.feedback
    same = [np.array_equal(getattr(a, name), getattr(b, name)) for name in ("user", "time", "items", "choice")]
    return all(same) and np.array_equal(one.world.theta, two.world.theta)


def _agents(exam: Exam) -> None:
    """Without text encoders, which a machine may lack."""
    grade = exam.small.grade
    named = tuple(dict.fromkeys((*exam.small.agents, grade.control, grade.treatment)))
    world = World(exam.small, 0)
    try:
        whole = with_agents(exam.small, checked_agents(exam.small, named))
        for agent, spec in whole.agents.items():
            deaf = spec if ":" in agent else spec.model_copy(update={"predictor": "none"})
            build_agent(whole.model_copy(update={"agents": {agent: deaf}}), agent, world)
    except InputError as problem:
        raise Broken(str(problem)) from problem


PLAYED = (
    Promise(
        "world",
        "its world is built and answers, at small size",
        "Change what the message names; `driftline check` tries laws and choice models of your own by themselves.",
        _world,
        last=True,
    ),
    Promise("seeds", "a seed says which world it is", "A law of your own draws from a global generator.", _seeds),
    Promise("agents", "every agent that it names can be composed", "Change `agents:` or `grade:`.", _agents),
)
