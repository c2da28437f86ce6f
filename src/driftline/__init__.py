"""driftline: recommender systems whose users' interests drift, simulated and judged against the truth."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium

from driftline._version import __version__

if TYPE_CHECKING:
    from driftline.agents.agent import Agent
    from driftline.scenarios.api import run
    from driftline.scenarios.experiment.api import experiment
    from driftline.scenarios.grade.api import grade
    from driftline.scenarios.kinds import check
    from driftline.scenarios.own_log.ab import ab
    from driftline.scenarios.own_log.ope import ope
    from driftline.scenarios.vary.api import vary

__all__ = ["Agent", "__version__", "ab", "check", "experiment", "grade", "ope", "run", "vary"]

gymnasium.register(id="driftline/Feed-v0", entry_point="driftline.sim.gym.env:Feed")

LATE = {
    "Agent": "driftline.agents.agent",
    "run": "driftline.scenarios.api",
    "experiment": "driftline.scenarios.experiment.api",
    "grade": "driftline.scenarios.grade.api",
    "vary": "driftline.scenarios.vary.api",
    "ope": "driftline.scenarios.own_log.ope",
    "ab": "driftline.scenarios.own_log.ab",
    "check": "driftline.scenarios.kinds",
}


def __getattr__(name: str) -> Any:
    """`driftline.run` and its like, imported when first asked for: `import driftline` stays cheap."""
    if name in LATE:
        return getattr(import_module(LATE[name]), name)
    raise AttributeError(f"module 'driftline' has no attribute {name!r}")
