"""Interleaving: two rankings in one slate, and what the clicks say about them.

`_slates.py`: slates, clicks, preference. `_methods.py`: balanced, team draft, probabilistic. `_optimised.py`: the most
sensitive distribution over slates.
"""

from driftline.evaluation.interleaving._methods import (
    assignment,
    balanced,
    balanced_outcome,
    probabilistic,
    probabilistic_outcome,
    team_draft,
    team_draft_outcome,
)
from driftline.evaluation.interleaving._optimised import (
    SlateDistribution,
    optimised,
    optimised_distribution,
    optimised_outcome,
)
from driftline.evaluation.interleaving._slates import Interleaved, Outcome, from_choice, preference

__all__ = [
    "Interleaved",
    "Outcome",
    "SlateDistribution",
    "assignment",
    "balanced",
    "balanced_outcome",
    "from_choice",
    "optimised",
    "optimised_distribution",
    "optimised_outcome",
    "preference",
    "probabilistic",
    "probabilistic_outcome",
    "team_draft",
    "team_draft_outcome",
]
