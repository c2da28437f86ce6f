"""The laws of drift, one per file; `driftline.sim.laws.Gradual` and so on."""

from driftline.sim.laws._base import Law, Today
from driftline.sim.laws.abrupt import Abrupt
from driftline.sim.laws.flow import Flow
from driftline.sim.laws.gradual import Gradual
from driftline.sim.laws.reinforcement import Reinforcement
from driftline.sim.laws.static import Static

__all__ = ["Abrupt", "Flow", "Gradual", "Law", "Reinforcement", "Static", "Today"]
