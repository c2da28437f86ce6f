"""What a scenario file may say: a world, its agents, how it is run and judged; from a name to a checked scenario."""

from collections.abc import Iterable, Mapping
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from driftline.sim.config.files import find_scenario, read_scenario, scenario_files
from driftline.sim.config.params import WorldParams
from driftline.sim.config.resolve import apply
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, shown
from driftline.sim.types import Count, Params, Positive

Expects = Literal["drifting", "stationary", "flow", "jumping", "cold", "loop", "real"]


class AgentSpec(Params):
    """How an agent is composed: each part a built-in name or `package.module:Class`; null: its own."""

    predictor: str | None = None
    evolution: str | None = None
    ranker: str | None = None
    policy: str | None = None
    params: dict[str, Any] = Field(default={})
    """Keyword arguments of the agent's constructor."""

    @field_validator("params")
    @classmethod
    def _storable(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Only what JSON knows: an agent is told by the hash of its parameters."""
        for name, value in params.items():
            try:
                dumps(value, allow_nan=False)
            except (TypeError, ValueError, RecursionError):
                raise ValueError(f"{name} = {shown(value)}: must be finite numbers, texts, lists or mappings") from None
        return params


class RunParams(Params):
    """How a scenario is run. Nothing here changes what a world means."""

    batch: Count = 1_000
    """Most visits in one call of an agent; results do not depend on it."""
    truth: Literal["all", "sample", "off"] = "all"
    """Of how many users the latent truth is logged."""
    encoder: str = "minilm"
    """Name of the text encoder."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: str | None = None
    """Folder of the encoder's cache; null for the user's own cache folder."""


class JudgeParams(Params):
    """How a run is judged."""

    tracked_users: Count = 200
    """Users, keyed, whose probe scores are logged."""
    metrics: tuple[str, ...] = ()
    """Metrics of your own, each as `package.module:Class`, computed beside the built-in ones."""


class GradeParams(Params):
    """The cheap agents and the small world in which `driftline grade` judges methods here; runs do not use it.

    Off-policy estimators are graded on frozen policies (`scenarios.grade.frozen_policy`), each told by its temperature
    in units of reward.
    """

    logging: Positive = 0.5
    """Temperature of the policy that wrote the log."""
    targets: dict[str, Positive] = Field(default={"bold": 0.1, "cautious": 0.25, "even": 5.0})
    """Policies whose values are estimated from that log: name and temperature."""
    estimators: tuple[str, ...] = ()
    """Off-policy estimators of your own, `package.module:Class`, graded beside the package's."""
    control: str = "popularity"
    treatment: str = "recency_popularity"
    """The arms of the experiments."""
    procedures: tuple[str, ...] = ()
    """Procedures of your own, each as `package.module:Class`, graded beside the built-in ones."""
    world: dict[str, Any] = Field(
        default={
            "population.users": 1_000,
            "catalogue.items": 300,
            "slate": 1,
            "candidates.private": 10,
            "candidates.shared": None,
            "choice.outside": 0.0,
            "tick": 1.0,
        }
    )
    """Overrides of the scenario's own world. Slates of 1: one action a visit, as the estimators suppose."""
    twins: Count = 8
    """Twins with other luck over whom the true effect of an experiment is averaged."""
    period: Positive = 7.0
    """Days of the present (the log's last) and of the next period (those after it)."""

    @field_validator("targets")
    @classmethod
    def _some(cls, targets: dict[str, float]) -> dict[str, float]:
        if not targets:
            raise ValueError("targets: at least one policy is needed")
        return targets


class Scenario(WorldParams):
    """One scenario file, whole."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    version: Count
    """Goes up whenever the world's meaning changes."""
    title: str
    purpose: str = ""
    """One sentence: the question that this scenario answers."""
    expects: Expects
    """What it is expected to show, stated beforehand."""
    agents: dict[str, AgentSpec] = Field(default={})
    """By agent id: built-in agents set up anew, or new compositions."""
    run: RunParams = RunParams()
    judge: JudgeParams = JudgeParams()
    grade: GradeParams = GradeParams()


def check(stated: Mapping[str, Any]) -> Scenario:
    """A scenario from what its file states.

    Raises:
        InputError: naming the first finding, and how many more there are.
    """
    try:
        return Scenario.model_validate(stated)
    except ValidationError as problem:
        first, *more = complaints(problem, stated, Scenario)
        tail = f" (and {len(more)} more; `driftline check` names them all)" if more else ""
        raise InputError(first + tail) from problem


def findings(stated: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with what a file states, one line each; empty when nothing is."""
    try:
        Scenario.model_validate(stated)
    except ValidationError as problem:
        return complaints(problem, stated, Scenario)
    return []


def load(scenario: str | Path | Scenario, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of this name or file, with overrides by dotted path such as `{"population.users": 500}`.

    Raises:
        InputError: unknown name or key, wrong type or bound; a file's own fault names the file.
    """
    if isinstance(scenario, Scenario):
        return check(apply(scenario.model_dump(mode="json"), overrides, Scenario)) if overrides else scenario
    stated = apply(read_scenario(scenario), overrides or {}, Scenario)
    try:
        return check(stated)
    except InputError as problem:
        raise (problem if overrides else InputError(f"{find_scenario(scenario)}: {problem}")) from problem.__cause__


def all_scenarios() -> list[Scenario]:
    """Every scenario that a directory listing finds, by name."""
    return [load(path) for _, path in sorted(scenario_files().items())]


LIMIT = 2**31


def seed_range(text: str) -> range:
    """`3` is range(3), `5:10` is range(5, 10).

    Raises:
        InputError: not numbers, negative, or empty.
    """
    first, colon, last = text.strip().partition(":")
    try:
        start, end = (int(first or 0), int(last)) if colon else (0, int(first))
    except ValueError:
        raise InputError(f"--seeds {text}: must be a number of seeds (3) or a half-open range (5:10)") from None
    if start < 0 or end > LIMIT:
        raise InputError(f"--seeds {text}: seeds must be >= 0 and < {LIMIT}")
    if end <= start:
        wanted = (
            f"the end must be above the start; {start}:{start + 1} is seed {start} alone" if colon else "must be >= 1"
        )
        raise InputError(f"--seeds {text}: {wanted}")
    return range(start, end)


def checked_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    """Seeds as given to `run`, in their order.

    Raises:
        InputError: no list, none, one twice, negative, or not a whole number.
    """
    if not isinstance(seeds, Iterable):
        raise InputError(f"seeds: {seeds!r} is no list of seeds; range(3) stands for 0, 1 and 2")
    found: list[int] = []
    for seed in seeds:
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise InputError(f"seeds: {seed!r} is not a whole number")
        number = seed.__index__()
        if not 0 <= number < LIMIT:
            raise InputError(f"seeds: {number} must be >= 0 and < {LIMIT}")
        if number in found:
            raise InputError(f"seeds: {number} is given twice")
        found.append(number)
    if not found:
        raise InputError("seeds: at least one is needed")
    return tuple(found)
