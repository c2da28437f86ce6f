"""driftline: recommender systems whose users' interests drift, simulated and judged against the truth."""

from typing import TYPE_CHECKING, Any

import gymnasium

from driftline._version import __version__

if TYPE_CHECKING:
    from driftline.scenarios.api import run

__all__ = ["__version__", "run"]

gymnasium.register(id="driftline/Feed-v0", entry_point="driftline.sim.env:Feed")


def __getattr__(name: str) -> Any:
    """`driftline.run`, imported when it is first asked for: `import driftline` stays cheap."""
    if name == "run":
        from driftline.scenarios.api import run

        return run
    raise AttributeError(f"module 'driftline' has no attribute {name!r}")
