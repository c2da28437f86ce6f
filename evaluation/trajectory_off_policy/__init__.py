"""What another policy would have earned over whole trajectories.

trajectories.py  logged trajectories side by side, from one row a step
estimators.py    importance sampling by trajectory and by step, doubly robust, the direct method
marginal.py      weights of states instead of whole histories
"""

from driftline.evaluation.trajectory_off_policy.estimators import dm, dr, pdis, sndr, snpdis, sntis, tis
from driftline.evaluation.trajectory_off_policy.marginal import marginal_is, snmarginal_is
from driftline.evaluation.trajectory_off_policy.trajectories import Trajectories, trajectories_from_rows

__all__ = [
    "Trajectories",
    "dm",
    "dr",
    "marginal_is",
    "pdis",
    "sndr",
    "snmarginal_is",
    "snpdis",
    "sntis",
    "tis",
    "trajectories_from_rows",
]
