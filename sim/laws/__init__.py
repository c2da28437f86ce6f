"""The laws of drift, one per file; `driftline.sim.laws.Gradual` and so on.

`static`, `gradual`, `abrupt`, `flow`, `reinforcement`: the laws. `_base`: what a law is, and how it is found by name.
`_loops`: the loops that are compiled around any law's kernels. `_checks`: what every law promises.
"""

from driftline.sim.laws._base import Law, Today
from driftline.sim.laws.abrupt import Abrupt
from driftline.sim.laws.flow import Flow
from driftline.sim.laws.gradual import Gradual
from driftline.sim.laws.reinforcement import Reinforcement
from driftline.sim.laws.static import Static

__all__ = ["Abrupt", "Flow", "Gradual", "Law", "Reinforcement", "Static", "Today"]
