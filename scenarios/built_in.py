"""What the package offers by name: agents, evolution models, policies; nobody keeps a list."""

from typing import Any

from driftline.agents.evolution._base import Tracker
from driftline.agents.policy import Policy
from driftline.agents.protocol import AgentProtocol
from driftline.sim.plug_ins import PlugIns, class_like

BASELINES: PlugIns[type[AgentProtocol]] = PlugIns(
    "agent", "driftline.agents.baselines", class_like(AgentProtocol, "driftline.agents.protocol.AgentProtocol")
)
TRACKERS: PlugIns[Any] = PlugIns(
    "evolution", "driftline.agents.evolution", class_like(Tracker, "driftline.agents.evolution.Tracker")
)
"""Each is also the id of a whole-agent rival."""
POLICIES: PlugIns[type[Policy]] = PlugIns(
    "policy", "driftline.agents.policy", class_like(Policy, "driftline.agents.policy.Policy")
)


def agent_ids() -> tuple[str, ...]:
    """Every agent that the package offers."""
    return ("full", "oracle", *BASELINES.names(), *TRACKERS.names())
