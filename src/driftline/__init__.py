"""driftline: recommender systems whose users' interests drift, simulated and judged against the truth."""

from driftline._version import __version__

__all__ = ["__version__"]
