"""Measures of drift: how much an agent loses when interests move, and how soon it is back.

`adaptation.py`: after a change. `forgetting.py`: when an interest returns. `learning_curve.py`: new users.
`detection.py`: alarms. `beliefs.py`: belief against truth.
"""

from driftline.evaluation.drift.adaptation import Delay, Rule, adaptation_delay, recovery_time
from driftline.evaluation.drift.beliefs import BeliefEntropy, belief_entropy, topic_recall, topic_scores
from driftline.evaluation.drift.detection import Detection, detection, detection_curve
from driftline.evaluation.drift.forgetting import (
    Forgetting,
    backward_transfer,
    forgetting,
    interest_phases,
    largest_loss,
)
from driftline.evaluation.drift.learning_curve import LearningCurve, cold_start_curve, dynamic_regret, visit_mean

__all__ = [
    "BeliefEntropy",
    "Delay",
    "Detection",
    "Forgetting",
    "LearningCurve",
    "Rule",
    "adaptation_delay",
    "backward_transfer",
    "belief_entropy",
    "cold_start_curve",
    "detection",
    "detection_curve",
    "dynamic_regret",
    "forgetting",
    "interest_phases",
    "largest_loss",
    "recovery_time",
    "topic_recall",
    "topic_scores",
    "visit_mean",
]
