"""Interleaving: two rankings in one slate, and what the clicks say about them."""

from driftline.evaluation.interleaving.balanced import balanced, balanced_outcome
from driftline.evaluation.interleaving.optimised import Design, optimised, optimised_design, optimised_outcome
from driftline.evaluation.interleaving.outcome import Outcome, from_choice
from driftline.evaluation.interleaving.preference import preference
from driftline.evaluation.interleaving.probabilistic import assignment, probabilistic, probabilistic_outcome
from driftline.evaluation.interleaving.slates import Interleaved
from driftline.evaluation.interleaving.team_draft import team_draft, team_draft_outcome

__all__ = [
    "Design",
    "Interleaved",
    "Outcome",
    "assignment",
    "balanced",
    "balanced_outcome",
    "from_choice",
    "optimised",
    "optimised_design",
    "optimised_outcome",
    "preference",
    "probabilistic",
    "probabilistic_outcome",
    "team_draft",
    "team_draft_outcome",
]
