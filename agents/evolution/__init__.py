"""Who likes what now: models of each user's interest that learn from every event."""

from driftline.agents.evolution._base import Tracker
from driftline.agents.evolution._decayed_counts import DecayedCounts
from driftline.agents.evolution.filter_bank import FilterBank
from driftline.agents.evolution.moving_average import MovingAverage
from driftline.agents.evolution.online_gradient import OnlineGradient

__all__ = ["DecayedCounts", "FilterBank", "MovingAverage", "OnlineGradient", "Tracker"]
