"""The stack: how much each expert counts for a click and for satisfaction, learned from the agent's own log.

Experts are columns of features of a (user, item): tracked interest, short and long counts, the learned head, matrix
factors, and the item's appeal. Their read-outs share evidence and err for long, so none is fed to another as an
observation; they are weighed by next-choice likelihood and shrunk towards the tracker.
"""

from dataclasses import dataclass

import numpy as np

from driftline.agents.choice_log import ChoiceLog
from driftline.agents.click_model import ChoiceWeights, fit_choice_weights
from driftline.agents.satisfaction_model import SatisfactionModel, fit_satisfaction
from driftline.sim.types import Floats

INTEREST, RECENT, STEADY, FORESEEN, FACTORS, APPEAL = range(6)
EXPERTS = ("interest", "recent", "steady", "foreseen", "factors", "appeal")
TASTES = APPEAL
"""Columns before this one say what the user likes; appeal says only what draws the click."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Fitted weights of both models."""

    click: ChoiceWeights
    satisfaction: SatisfactionModel
    slope: float
    """Latent satisfaction z per unit of click utility that comes from taste."""


def starting_stack(position_log_weight: Floats, outside: float) -> Stack:
    """Before anything was learned: trust the tracker alone."""
    weights = np.zeros(len(EXPERTS))
    weights[INTEREST] = weights[APPEAL] = 1.0
    return Stack(
        ChoiceWeights(weights, outside, np.asarray(position_log_weight, dtype=np.float64)),
        SatisfactionModel(np.append(0.5 * weights[:TASTES], 1.0), -0.5, "probit"),
        0.5,
    )


def refitted(stack: Stack, shown: ChoiceLog, felt: ChoiceLog, ridge: float, quality: Floats) -> Stack:
    """Weights from what was shown and chosen, and from what was felt about what was taken.

    shown: columns `features` [n, L, F], `choice`. felt: `features` [n, F], `value`, `weight`; quality [n]: effect of
    each felt item in units of satisfaction, that very consumption left out.
    """
    click, satisfaction, slope = stack.click, stack.satisfaction, stack.slope
    goal = np.zeros(len(EXPERTS))
    goal[INTEREST] = goal[APPEAL] = 1.0
    if shown.rows:
        click = fit_choice_weights(
            shown.rows["features"].astype(np.float64),
            click.position,
            shown.rows["choice"].astype(np.int64),
            ridge,
            goal,
        )
    if felt.rows and len(felt) >= 50:
        x = felt.rows["features"].astype(np.float64)[:, :TASTES]
        columns = np.column_stack([x, quality])
        fitted = fit_satisfaction(
            columns,
            felt.rows["value"].astype(np.float64),
            felt.rows["weight"].astype(np.float64),
            ridge,
            np.append(0.5 * goal[:TASTES], 1.0),
        )
        satisfaction = SatisfactionModel(fitted.weights, fitted.intercept, fitted.link)
        slope = _slope(x @ click.weights[:TASTES], x @ fitted.weights[:TASTES])
    return Stack(click, satisfaction, slope)


def _slope(x: Floats, y: Floats) -> float:
    """Least-squares slope of y on x, both [n]; 0 where x does not vary."""
    away = x - x.mean()
    spread = float((away * away).sum())
    return float((away * y).sum()) / spread if spread > 1e-9 else 0.0
