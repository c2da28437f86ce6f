"""Which of an agent's parameters are its evolution model's."""

import inspect
from collections.abc import Mapping
from typing import Any

from driftline.scenarios.built_in import tracker_class


def of_tracker(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some parameters that this evolution model's constructor takes."""
    own = set(inspect.signature(tracker_class(name)).parameters) - {"n_users", "dim"}
    return {key: value for key, value in params.items() if key in own}
