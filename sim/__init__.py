"""The world: users, items, drift laws, choice, text, clock and the Gymnasium environments."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline.sim.gym.env import Feed
    from driftline.sim.gym.numeric import NumericObservation
    from driftline.sim.world import World

__all__ = ["Feed", "NumericObservation", "World"]


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is first asked for: `import driftline.sim` stays cheap."""
    if name == "Feed":
        from driftline.sim.gym.env import Feed

        return Feed
    if name == "NumericObservation":
        from driftline.sim.gym.numeric import NumericObservation

        return NumericObservation
    if name == "World":
        from driftline.sim.world import World

        return World
    raise AttributeError(f"module 'driftline.sim' has no attribute {name!r}")
