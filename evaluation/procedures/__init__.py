"""Procedures of experiments: every file of this folder without an underscore is one; so is anybody's `module:Class`.

`_base.py` says what a procedure is (`Procedure`, `AnytimeProcedure`) and what it is given (`Units`).
"""

from driftline.evaluation.experiment import Effect
from driftline.evaluation.experiment._levels import t_effect
from driftline.evaluation.procedures._base import AnytimeProcedure, Estimand, Procedure, Units

__all__ = ["AnytimeProcedure", "Effect", "Estimand", "Procedure", "Units", "t_effect"]
