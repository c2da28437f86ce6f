"""What a scenario file may say: a world, the agents in it, how it is run and how it is judged."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from driftline.sim.config.params import WorldParams
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


class GradeParams(Params):
    """The cheap agents and the small world in which `driftline grade` judges methods here; runs do not use it.

    Off-policy estimators are graded on frozen policies (`scenarios.grade.frozen_policy`), each told by its temperature
    in units of reward.
    """

    logging: Positive = 0.5
    """Temperature of the policy that wrote the log."""
    targets: dict[str, Positive] = Field(default={"bold": 0.1, "cautious": 0.25, "even": 5.0})
    """Policies whose values are estimated from that log: name and temperature."""
    control: str = "popularity"
    treatment: str = "recency_popularity"
    """The arms of the experiments."""
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
