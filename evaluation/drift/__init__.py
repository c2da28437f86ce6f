"""Measures of drift: how much an agent loses when interests move, and how soon it is back."""

from driftline.evaluation.drift.adaptation import Delay, adaptation_delay, recovery_time
from driftline.evaluation.drift.change_curve import Rule
from driftline.evaluation.drift.cumulative import dynamic_regret

__all__ = ["Delay", "Rule", "adaptation_delay", "dynamic_regret", "recovery_time"]
