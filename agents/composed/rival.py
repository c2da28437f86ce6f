"""The whole-agent rival: the simple system a team would run instead. Same item vectors, numbers only, no reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.composed.full import TrackerFactory
from driftline.agents.composed.item_effects import ItemAppeal, ItemQuality
from driftline.agents.composed.sentiment import value_of_rating
from driftline.agents.evolution._base import Tracker
from driftline.agents.models.item_space import Shelf, TextEncoder
from driftline.agents.models.response import fit_position_weights
from driftline.agents.models.rowwise import candidate_scores
from driftline.agents.policy import Policy, StatesPropensity
from driftline.agents.protocol import Job
from driftline.agents.ranking import top_slate
from driftline.agents.tuning_range import Range
from driftline.agents.users import UserRows, rounds, take_rows
from driftline.sim.types import Feedback, Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates


@dataclass(frozen=True, slots=True)
class RivalNumbers:
    """What can be tuned about a rival, its tracker apart."""

    judgement: float = 1.0
    """Weight of a rating as evidence of interest."""
    rating_weight: float = 1.0
    """Weight of an item's mean rating in its score."""
    rating_shrink: float = 2.0
    popularity_weight: float = 0.0
    """Weight of an item's click appeal in its score."""


class Rival(Agent):
    """Tracks interests from clicks, refusals and ratings, and ranks by interest + mean rating + popularity.

    Each user's vector is updated at once; what is shared between users (mean ratings, popularity) counts from the
    next tick boundary on.
    """

    space: ClassVar[dict[str, Range]] = {
        "judgement": Range(0.05, 10.0, log=True),
        "rating_weight": Range(0.0, 8.0, natural_low=True),
        "rating_shrink": Range(0.1, 20.0, log=True),
        "popularity_weight": Range(-1.0, 2.0),
    }

    def __init__(
        self,
        encoder: TextEncoder | None,
        tracker: TrackerFactory,
        policy: Policy,
        numbers: RivalNumbers = RivalNumbers(),
    ) -> None:
        self._encoder = encoder
        self._make_tracker = tracker
        self._policy = policy
        self._numbers = numbers

    def reset(self, setting: Setting) -> None:
        """Item vectors and position weights from the warm-up, then its visits one by one."""
        self.setting = setting
        log = setting.feedback
        fitted = fit_position_weights(np.zeros((len(log), setting.slate, 0)), log.choice, 1.0, np.zeros(0))
        self._position, self._outside = fitted.position, fitted.outside
        self._shelf = Shelf(setting, self._encoder, self._position)
        self._users = UserRows()
        self._tracker: Tracker = self._make_tracker(0, self._shelf.dim, self._outside)
        self._latest: Floats = np.zeros(0)
        self._ratings = ItemQuality(self._numbers.rating_shrink)
        self._appeal = ItemAppeal()
        for members in rounds(log.user):
            self._take_in(take_rows(log, members))
        self.tick(setting.start)

    def act(self, observation: Observation) -> Slates:
        """The highest scores first, or a draw around them."""
        self._shelf.arrive(observation.arrived)
        best, scores = self._ranked(self._rows(observation.user), observation.candidates)
        return self._policy.slates(observation, scores, best, self.setting.seed)

    @property
    def states_propensities(self) -> bool:
        """Whether the policy can say how likely any slate was; ours can."""
        return isinstance(self._policy, StatesPropensity)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L], exact; see `HasPropensity`."""
        assert isinstance(self._policy, StatesPropensity)
        best, scores = self._ranked(self._users.met(observation.user), observation.candidates)
        return self._policy.log_propensity(observation, scores, best, items)

    def learn(self, feedback: Feedback) -> None:
        """Update every user's vector now; keep what is shared for the next tick boundary."""
        self._take_in(feedback)

    def tick(self, now: float) -> Sequence[Job]:
        """Mean ratings and popularity count from now on."""
        self._ratings.tick()
        self._appeal.tick()
        return ()

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """Interest in each item [n, m]; 0 for users not met."""
        rows = self._users.find(users)
        out = np.zeros((users.size, items.size))
        out[rows >= 0] = self._interest(rows[rows >= 0], items)
        return out

    def item_space(self, items: Int32s) -> Float32s:
        """The vectors that interests live in [m, d]."""
        return self._shelf.vectors[items]

    def shared_parts(self) -> Iterable[object]:
        """What never changes: encoder, policy, and how trackers are made."""
        return self._encoder, self._policy, self._make_tracker

    def _ranked(self, rows: Int64s, candidates: Int32s) -> tuple[Int64s, Floats]:
        """Columns of the best slates [n, L], and every candidate's score [n, C]."""
        scores = self._interest(rows, candidates) + (
            self._numbers.rating_weight * self._ratings.effect(candidates)
            + self._numbers.popularity_weight * self._appeal.effect(candidates)
        )
        return top_slate(scores, self._position), scores

    def _interest(self, rows: Int64s, items: Int32s) -> Floats:
        return candidate_scores(self._tracker.mean(rows)[:, None, :], self._shelf.vectors, items)[..., 0]

    def _take_in(self, feedback: Feedback) -> None:
        rows = self._rows(feedback.user)
        vectors = self._shelf.vectors[feedback.items]
        length = feedback.items.shape[1]
        taken = feedback.choice < length
        place = (np.arange(len(feedback)), np.minimum(feedback.choice, length - 1))
        value = np.where(taken, value_of_rating(feedback.rating), np.nan)
        elapsed = np.where(self._latest[rows] > 0.0, feedback.time - self._latest[rows], 0.0).astype(np.float32)
        self._latest[rows] = feedback.time
        self._tracker.update(
            rows,
            vectors,
            feedback.choice,
            elapsed,
            offset=np.broadcast_to(self._position, feedback.items.shape).astype(np.float32),
            graded=(vectors[place], value, np.full(len(feedback), self._numbers.judgement)),
        )
        self._ratings.observe(feedback.items[place], value, np.zeros(len(feedback)), np.ones(len(feedback)))
        share = np.exp(self._position)
        predicted = np.broadcast_to(share / (share.sum() + np.exp(self._outside)), feedback.items.shape)
        self._appeal.observe(feedback.items, feedback.choice, predicted)

    def _rows(self, users: Int64s) -> Int64s:
        rows = self._users.rows(users)
        if len(self._users) > self._tracker.n_users:
            room = max(len(self._users), 2 * self._tracker.n_users)
            self._tracker.grow(room)
            self._latest = np.concatenate([self._latest, np.zeros(room - len(self._latest))])
        return rows
