"""What items are worth to users: a stack of experts, appeal and quality, learned from the agent's own log.

Experts are columns of features of a (user, item): tracked interest, short and long counts, the learned head, matrix
factors, and the item's appeal. Their errors last and share evidence, so none is fed to another as an observation; they
are weighed by next-choice likelihood and shrunk towards the tracker.
"""

from dataclasses import dataclass

import numpy as np

from driftline.agents.composed.item_effects import ItemAppeal, ItemQuality, probability_without_own
from driftline.agents.composed.memory import ChoiceLog
from driftline.agents.composed.sentiment import Sentiment
from driftline.agents.evolution._base import Graded
from driftline.agents.models.response import ChoiceWeights, SatisfactionModel, fit_choice_weights, fit_satisfaction
from driftline.agents.ranking import Doubt, best_slate, doubtful_slate, top_slate
from driftline.sim.types import Feedback, Float32s, Floats, Int32s, Int64s, RewardKind

INTEREST, RECENT, STEADY, FORESEEN, FACTORS, APPEAL = range(6)
EXPERTS = ("interest", "recent", "steady", "foreseen", "factors", "appeal")
TASTES = APPEAL
"""Columns before this one say what the user likes; appeal says only what draws the click."""
LOGIT = 1.702
"""Logits per probit: sigmoid(1.702 z) is within .01 of Phi(z) (Camilli 1994)."""


@dataclass(frozen=True, slots=True)
class FullNumbers:
    """What can be tuned about the composed agent, its tracker apart."""

    judgement: float = 2.0
    """Weight of a rating, or of a trusted read comment, as evidence of interest."""
    quality_shrink: float = 2.0
    appeal_shrink: float = 2.5
    doubt: float = 1.0
    """How far the tracker's posterior is believed to spread, in its own standard deviations; 0: not at all."""
    ridge: float = 20.0
    """Of the stack, in events."""
    window: int = 6_000
    """Latest visits that the stack is fitted on."""
    refit_days: float = 3.0
    retrain_days: float = 12.0
    retrain_takes: float = 0.5
    """Simulated days until a retraining lands."""


NUMBERS = FullNumbers()
"""The defaults."""


class Valuation:
    """Clicks and satisfaction of any user with any item, from what the experts say of the pair.

    `features` [n, m, experts] are the experts' columns as in `stack`; the last one, appeal, comes from here. All
    shared sums and weights change in `settle` and `refit` only, which are for tick boundaries.
    """

    def __init__(self, numbers: FullNumbers, reward: RewardKind, position_log_weight: Floats, outside: float) -> None:
        self._numbers = numbers
        # A consumed item earns a + b E[satisfaction].
        self._earns = {"satisfaction": (0.0, 1.0), "click": (1.0, 0.0)}.get(reward, (0.5, 0.5))
        self._appeal = ItemAppeal(numbers.appeal_shrink)
        self._quality = ItemQuality(numbers.quality_shrink)
        self._shown, self._felt = ChoiceLog(numbers.window), ChoiceLog(numbers.window)
        self.stack = starting_stack(position_log_weight, outside)

    def appeal(self, items: Int32s) -> Floats:
        """Appeal of each item, before its weight."""
        return self._appeal.effect(items)

    def pull(self, items: Int32s) -> Floats:
        """What appeal adds to click utility, shaped like `items`."""
        pull: Floats = self._appeal.effect(items) * self.stack.click.weights[APPEAL]
        return pull

    def interest(self, features: Floats) -> Floats:
        """Click utility without appeal [n, m]."""
        tastes = features.copy()
        tastes[..., APPEAL] = 0.0
        return self.stack.click.utility(tastes)

    def slates(
        self, features: Floats, items: Int32s, item_vectors: Float32s, spread: Float32s | None
    ) -> tuple[Int64s, Floats]:
        """Columns of the slates with the highest expected reward [n, L], and every item's score [n, m].

        items: [m] or [n, m], rows of item_vectors. spread: points of the interest's posterior minus its mean
        [n, K, d]; None where the tracker knows only its best guess.
        """
        click, satisfaction = self.stack.click, self.stack.satisfaction
        utility = click.utility(features)
        quality = np.broadcast_to(self._quality.effect(items), utility.shape)
        latent = satisfaction.latent(_with_quality(features, quality))
        value = self._earns[0] + self._earns[1] * satisfaction.squash(latent)
        if spread is not None and self._numbers.doubt > 0.0:
            away = np.float32(self._numbers.doubt * click.weights[INTEREST]) * spread
            doubt = Doubt(away, self.stack.slope)
            best = doubtful_slate(
                utility, latent, items, item_vectors, doubt, click.position, click.outside, self._earns
            )
        elif self._earns[1] == 0.0:
            best = top_slate(utility, click.position)
        else:
            best = best_slate(utility, value, click.position, click.outside)
        return best, utility + np.log1p(np.maximum(value, -0.9))

    def take_in(self, feedback: Feedback, features: Floats) -> Floats:
        """Learn from clicks and refusals; returns click utility without the head's own part [n, L]."""
        click = self.stack.click
        utility = click.utility(features)
        own = click.weights[APPEAL] * features[..., APPEAL]
        predicted = probability_without_own(utility, own, click.position, click.outside)
        self._appeal.observe(feedback.items, feedback.choice, predicted)
        self._shown.add(
            user=feedback.user, time=feedback.time, features=features.astype(np.float32), choice=feedback.choice
        )
        known: Floats = utility - click.weights[FORESEEN] * features[..., FORESEEN]
        return known

    def evidence(self, item: Int32s, vectors: Float32s, felt: Sentiment) -> Graded:
        """What was felt about items [n] with these vectors [n, d], as evidence of interest.

        P(pleased) is the satisfaction model's, in logits: its slope and intercept, the item's quality known.
        """
        model = self.stack.satisfaction
        known = model.intercept + model.weights[TASTES] * self._quality.effect(item)
        slope = np.float32(LOGIT * self.stack.slope)
        return slope * vectors, felt.value, self._numbers.judgement * felt.weight, LOGIT * known

    def feel(self, user: Int64s, time: Floats, item: Int32s, features: Floats, felt: Sentiment) -> None:
        """Learn from what was felt about consumed items [n], whose features were [n, experts]; NaN rows are left."""
        expected = self.stack.satisfaction.predict(_with_quality(features, np.zeros(len(item))))
        told = np.isfinite(felt.value)
        self._felt.add(
            user=user[told],
            time=time[told],
            item=item[told],
            features=features[told].astype(np.float32),
            value=felt.value[told],
            weight=felt.weight[told],
            predicted=expected[told],
        )
        self._quality.observe(item[told], felt.value[told], expected[told], felt.weight[told])

    def settle(self) -> None:
        """A tick boundary: what was taken in since the last one counts from now on."""
        self._appeal.tick()
        self._quality.tick()
        self._shown.settle()
        self._felt.settle()

    def refit(self) -> None:
        """A tick boundary: weigh the experts anew."""
        felt, quality = self._felt.rows, np.zeros(0)
        if felt:
            quality = self._quality.effect_without(
                felt["item"].astype(np.int32),
                felt["value"].astype(np.float64),
                felt["predicted"].astype(np.float64),
                felt["weight"].astype(np.float64),
            )
        self.stack = refitted(self.stack, self._shown, self._felt, self._numbers.ridge, quality)


@dataclass(frozen=True, slots=True)
class Stack:
    """Fitted weights of both models."""

    click: ChoiceWeights
    satisfaction: SatisfactionModel
    slope: float
    """Latent satisfaction z per unit of click utility that comes from taste."""


def starting_stack(position_log_weight: Floats, outside: float) -> Stack:
    """Before anything was learned: trust the tracker alone."""
    weights = _tracker_alone()
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
    goal = _tracker_alone()
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


def _tracker_alone() -> Floats:
    """Weights of the experts that trust the tracker, and appeal, and nobody else."""
    weights = np.zeros(len(EXPERTS))
    weights[INTEREST] = weights[APPEAL] = 1.0
    return weights


def _slope(x: Floats, y: Floats) -> float:
    """Least-squares slope of y on x, both [n]; 0 where x does not vary."""
    away = x - x.mean()
    spread = float((away * away).sum())
    return float((away * y).sum()) / spread if spread > 1e-9 else 0.0


def _with_quality(features: Floats, quality: Floats) -> Floats:
    return np.concatenate([features[..., :TASTES], quality[..., None]], axis=-1)
