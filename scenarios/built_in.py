"""What the package offers by name: agents, evolution models, policies; nobody keeps a list."""

import re
from typing import Any

from driftline.agents.evolution._base import Tracker
from driftline.agents.models.item_space import TextEncoder
from driftline.agents.policy import Policy
from driftline.agents.protocol import AgentProtocol
from driftline.sim.plug_ins import PlugIns, class_like
from driftline.sim.types import Params

BASELINES: PlugIns[type[AgentProtocol]] = PlugIns(
    "agent", "driftline.agents.baselines", class_like(AgentProtocol, "driftline.agents.protocol.AgentProtocol")
)
TRACKERS: PlugIns[Any] = PlugIns(
    "evolution", "driftline.agents.evolution", class_like(Tracker, "driftline.agents.evolution.Tracker")
)
"""Each is also the id of a whole-agent rival."""


NO_POLICY = class_like(Policy, "driftline.agents.policy.Policy")
NO_PREDICTOR = class_like(TextEncoder, "driftline.agents.models.item_space.TextEncoder")
"""What keeps a thing from being a policy, or a text encoder, of the user's own."""


def agent_ids() -> tuple[str, ...]:
    """Every agent that the package offers."""
    return ("full", "oracle", *BASELINES.names(), *TRACKERS.names())


def policies() -> dict[str, type[Any]]:
    """The policies of `agents.policy`, by name."""
    from driftline.agents import policy

    found = (each for each in vars(policy).values() if isinstance(each, type) and issubclass(each, Params))
    return {_snake(each.__name__): each for each in found if hasattr(each, "slates")}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
