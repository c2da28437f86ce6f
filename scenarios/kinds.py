"""Every kind of plug-in: which ones there are, what one must be, and the conformance suite that it meets."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from driftline.agents.predictor.encoders import ENCODERS, open_encoder
from driftline.agents.protocol import AgentProtocol
from driftline.evaluation.claims import claims_of
from driftline.evaluation.metrics._base import VISIT_METRICS
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS
from driftline.evaluation.procedures._base import PROCEDURES
from driftline.scenarios.agent_names import checked_agents, parse_id, with_agents
from driftline.scenarios.built_in import BASELINES, POLICIES, TRACKERS, agent_ids
from driftline.scenarios.hashes import world_hash
from driftline.scenarios.schema import load
from driftline.sim.choice import CHOICE_MODELS
from driftline.sim.config.files import find_scenario, read_mapping, scenario_files
from driftline.sim.conformance import Check
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.laws._base import LAWS
from driftline.sim.plug_ins import PlugIns, Wrong, imported, summary_of
from driftline.sim.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plug-in, as `driftline list` and `driftline check` know it."""

    plural: str
    names: Callable[[], Iterable[str]]
    """The built-in ones."""
    summary: Callable[[str], str]
    """What a built-in one is, in one line."""
    find: Callable[[str], Any]
    """By name or `package.module:Name`; InputError where there is none, or it is of another kind."""
    wrong: Wrong
    """What keeps a thing from being of this kind."""
    suite: str
    """`package.module:function`: the conformance suite; it takes what `find` returns."""


def _in_folder(plural: str, plug_ins: PlugIns[Any], suite: str) -> Kind:
    return Kind(plural, plug_ins.names, plug_ins.summary, plug_ins.find, plug_ins.wrong, suite)


# -- kinds that are more than a folder -------------------------------------------------------------------------


def _no_scenario(found: object) -> str | None:
    return f"must be a scenario's name or file, not {shown(found)}"


def _scenario_title(name: str) -> str:
    return str(read_mapping(find_scenario(name)).get("title", ""))


def _agent_summary(name: str) -> str:
    if name == "full":
        return summary_of("driftline.agents.composed.full")
    if name == "oracle":
        return summary_of("driftline.scenarios.oracle_agent")
    if name in BASELINES.names():
        return BASELINES.summary(name)
    return f"The simple system a team would run, on this model of interests: {TRACKERS.summary(name)}"


def _agent(name: str) -> Callable[[], AgentProtocol]:
    """What makes the agent of this id, composed as in the scenario `abrupt_shift`."""
    from driftline.scenarios.compose import build_agent

    if parse_id(name).base == "oracle":
        raise InputError("agent 'oracle' sees the very world that it plays in; it has no conformance suite")
    overrides = {"population.users": 40, "catalogue.items": 120, "run.encoder": "hashing"}
    scenario = load("abrupt_shift", overrides)
    whole = with_agents(scenario, checked_agents(scenario, [name]))
    (agent,), world = whole.agents, World(whole)

    def make() -> AgentProtocol:
        return build_agent(whole, agent, world)

    make()  # what is wrong with its name is said before any work
    return make


def _predictor(name: str) -> Any:
    if ":" in name and "/" not in name:
        return ENCODERS.find(name)
    try:
        return open_encoder(name)
    except (ValueError, OSError, ImportError, RuntimeError) as problem:
        raise InputError(f"predictor {name!r}: {' '.join(str(problem).split())}") from problem


def _no_estimator(found: object) -> str | None:
    """A function that states what it claims is one too: of slates, trajectories or times."""
    return None if claims_of(found) else ESTIMATORS.wrong(found)


def _estimator(name: str) -> Any:
    return imported("estimator", name, _no_estimator) if ":" in name else ESTIMATORS.find(name)


AGENT_CHECKS = "driftline.agents.checks"

KINDS: Mapping[str, Kind] = {
    "scenario": Kind(
        "scenarios",
        scenario_files,
        _scenario_title,
        find_scenario,
        _no_scenario,
        "driftline.scenarios.checks:check_scenario",
    ),
    "agent": Kind("agents", agent_ids, _agent_summary, _agent, BASELINES.wrong, f"{AGENT_CHECKS}:check_agent"),
    "tracker": _in_folder("trackers", TRACKERS, f"{AGENT_CHECKS}:check_tracker"),
    "policy": _in_folder("policies", POLICIES, f"{AGENT_CHECKS}:check_policy"),
    "predictor": Kind(
        "predictors",
        ENCODERS.names,
        ENCODERS.summary,
        _predictor,
        ENCODERS.wrong,
        f"{AGENT_CHECKS}:check_predictor",
    ),
    "law": _in_folder("laws", LAWS, "driftline.sim.checks:check_law"),
    "choice_model": _in_folder("choice_models", CHOICE_MODELS, "driftline.sim.checks:check_choice_model"),
    "estimator": Kind(
        "estimators",
        ESTIMATORS.names,
        ESTIMATORS.summary,
        _estimator,
        _no_estimator,
        "driftline.evaluation.checks:check_estimator",
    ),
    "procedure": _in_folder("procedures", PROCEDURES, "driftline.evaluation.checks:check_experiment"),
    "metric": _in_folder("metrics", VISIT_METRICS, "driftline.evaluation.checks:check_metric"),
}


# -- the conformance suite of anything ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What a conformance suite found."""

    name: str
    """As it was asked for."""
    kind: str
    checks: tuple[Check, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    """Of a scenario that can be read: its version, what it expects, and its world's content hash."""

    @property
    def broken(self) -> tuple[Check, ...]:
        """The promises that are not kept."""
        return tuple(each for each in self.checks if each.fault is not None)


def check(
    what: str | Path | type,
    kind: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    run_code: bool = False,
) -> tuple[Checked, ...]:
    """Ask a plug-in for everything that its kind promises; one result for each kind that it is of.

        assert not any(each.broken for each in driftline.check("mine:Agent"))

    what: the name of a built-in plug-in or scenario, a scenario file, `package.module:Name`, or a class. kind: one of
    `KINDS`, where only that is meant. overrides: of a scenario, by dotted path. run_code: imports what
    a scenario file names; without it only what can be asked without is asked.

    Raises:
        InputError: there is no such thing (with the nearest name), it cannot be imported, or it is of another kind.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind {kind!r} is unknown; {hint(kind, KINDS)}")
    name = str(what) if isinstance(what, str | Path) else f"{what.__module__}:{what.__qualname__}"
    with _in_one_line(name):
        found = _found(what, kind)
    if overrides and set(found) != {"scenario"}:
        raise InputError(f"{name!r} is no scenario; only a scenario takes overrides")
    with _in_one_line(name):
        return tuple(
            _scenario_checked(name, thing, overrides or {}, run_code)
            if each == "scenario"
            else _checked(name, each, thing)
            for each, thing in found.items()
        )


@contextmanager
def _in_one_line(name: str) -> Iterator[None]:
    """Code of the user's own may raise anything, where no promise is being asked for too.

    What numpy warns of on the way is left out: a promise that breaks says it better.
    """
    try:
        with catch_warnings():
            simplefilter("ignore", RuntimeWarning)
            yield
    except InputError:
        raise
    except (Exception, SystemExit) as problem:
        lines = str(problem).strip().splitlines() or ["no message"]
        raise InputError(f"{name!r} raised {type(problem).__name__}: {lines[0]}") from problem


def _checked(name: str, kind: str, thing: Any) -> Checked:
    module, _, function = KINDS[kind].suite.partition(":")
    return Checked(name, kind, tuple(getattr(import_module(module), function)(thing)))


def _scenario_checked(name: str, path: Path, overrides: Mapping[str, Any], run_code: bool) -> Checked:
    from driftline.scenarios.checks import check_scenario

    checks = check_scenario(path, overrides, run_code=run_code)
    if not any(each.name == "hash" and each.fault is None and each.unasked is None for each in checks):
        return Checked(name, "scenario", checks)  # it cannot be read as a whole
    whole = load(path, overrides)
    facts = {"name": whole.name, "version": whole.version, "expects": whole.expects, "world": world_hash(whole)}
    return Checked(name, "scenario", checks, facts)


def _found(what: str | Path | type, kind: str | None) -> dict[str, Any]:
    """The plug-in, by the kinds that it is of."""
    kinds = (kind,) if kind else tuple(KINDS)
    if isinstance(what, type):
        fault = KINDS[kind].wrong(what) if kind else _of_no_kind(what)
        if fault:
            raise InputError(f"{what.__name__} {fault}")
        return {each: what for each in kinds if KINDS[each].wrong(what) is None}
    if isinstance(what, Path) or _is_file(what):
        return {"scenario": find_scenario(what)}
    base, bracket, _ = what.partition("[")
    if ":" in base and kind is None and not bracket:
        thing = imported("plug-in", what, _of_no_kind)
        return {each: thing for each in kinds if KINDS[each].wrong(thing) is None}
    if kind:
        return {kind: KINDS[kind].find(what)}
    if bracket:
        return {"agent": KINDS["agent"].find(what)}
    named = [each for each in kinds if what in KINDS[each].names()]
    if not named:
        known = {name for each in kinds for name in KINDS[each].names()}
        raise InputError(f"nothing is named {what!r}; {_hint(what, known)}")
    return {each: KINDS[each].find(what) for each in named}


def _hint(name: str, known: set[str]) -> str:
    near = hint(name, known)
    return near if near.startswith("did you mean") else "`driftline list all` says what there is"


def _is_file(text: str) -> bool:
    path = Path(text)
    if path.suffix == ".py":
        raise InputError(f"{text!r}: a plug-in is named module:Class, for instance {path.stem}:{path.stem.title()}")
    return path.suffix in (".yaml", ".yml") or os.sep in text or (path / "resolved.yaml").is_file()


def _of_no_kind(found: object) -> str | None:
    if any(kind.wrong(found) is None for kind in KINDS.values()):
        return None
    return f"is none of {', '.join(KINDS)}; --kind says what it lacks"
