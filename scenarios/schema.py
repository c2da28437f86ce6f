"""What a scenario file may say: a world, the agents in it, how it is run and how it is judged."""

from typing import Annotated, Any, Literal

from pydantic import Field

from driftline.sim.frozen import Count, Params
from driftline.sim.params import WorldParams

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
