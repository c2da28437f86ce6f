"""The built-in evolution models by name, and which numbers each takes."""

import inspect
from collections.abc import Mapping
from typing import Any

from driftline.scenarios.imported import imported

TRACKERS = {
    "filter_bank": "driftline.agents.evolution.filter_bank:FilterBank",
    "moving_average": "driftline.agents.evolution.moving_average:MovingAverage",
    "online_gradient": "driftline.agents.evolution.online_gradient:OnlineGradient",
}


def tracker_class(name: str) -> Any:
    """The class of an evolution model, by built-in name or `package.module:Class`."""
    return imported("evolution", TRACKERS.get(name, name))


def of_tracker(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some parameters that this evolution model's constructor takes."""
    own = set(inspect.signature(tracker_class(name)).parameters) - {"n_users", "dim"}
    return {key: value for key, value in params.items() if key in own}
