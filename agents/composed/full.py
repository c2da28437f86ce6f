"""The composed agent: reads what users did, tracks their interests, and ranks by expected reward."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.composed.memory import ChoiceLog, History, Pending
from driftline.agents.composed.retraining import Foresight
from driftline.agents.composed.sentiment import CommentReader
from driftline.agents.composed.valuation import APPEAL, EXPERTS, FACTORS, NUMBERS, FullNumbers, Valuation
from driftline.agents.evolution._base import Posterior, Tracker
from driftline.agents.evolution._decayed_counts import DecayedCounts
from driftline.agents.models.item_space import Shelf, TextEncoder
from driftline.agents.models.response import fit_position_weights
from driftline.agents.models.rowwise import candidate_scores
from driftline.agents.policy import Policy, StatesPropensity
from driftline.agents.protocol import Job
from driftline.agents.ranking import spherical_points
from driftline.agents.tuning_range import Range
from driftline.agents.users import UserRows, comments_on, places, rounds, take_rows
from driftline.sim.types import Feedback, Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates

TrackerFactory = Callable[[int, int, float], Tracker]
"""(users, dimension of an item vector, utility of taking nothing) -> tracker."""
RETRAIN = "retrain"
POINTS = 32
"""Points of the posterior that a slate is judged at."""


class Full(Agent):
    """A BERT-family reader, an online evolution model, matrix factors and a learned head, stacked.

    encoder: texts to vectors, None for an agent without text. tracker: makes the evolution model. reads: whether
    comments are read. foresees: whether the temporal head is trained. Everything is learned from the warm-up's
    log at `reset` and from the agent's own log after it.
    """

    space: ClassVar[dict[str, Range]] = {
        "doubt": Range(0.4, 1.6),
        "judgement": Range(0.1, 8.0, log=True),
        "quality_shrink": Range(0.3, 12.0, log=True),
        "ridge": Range(2.0, 500.0, log=True),
    }

    def __init__(
        self,
        encoder: TextEncoder | None,
        tracker: TrackerFactory,
        policy: Policy,
        numbers: FullNumbers = NUMBERS,
        *,
        reads: bool = True,
        foresees: bool = True,
        factorises: bool = True,
    ) -> None:
        self._encoder = encoder
        self._make_tracker = tracker
        self._policy = policy
        self._numbers = numbers
        self._reads = reads and encoder is not None
        self._foresees = foresees
        self._factorises = factorises

    # -- the protocol ------------------------------------------------------------------------------------------

    def reset(self, setting: Setting) -> None:
        """Learn from the warm-up: item vectors, position weights, reader, interests, stack, head, factors."""
        self.setting = setting
        log = setting.feedback
        blank = np.zeros((len(log), setting.slate, 0))
        position = fit_position_weights(blank, log.choice, 1.0, np.zeros(0))
        self._shelf = Shelf(setting, self._encoder, position.position)
        self._users = UserRows()
        self._tracker = self._make_tracker(0, self._shelf.dim, position.outside)
        self._normal = spherical_points(POINTS, self._shelf.dim, setting.seed)
        self._counts = DecayedCounts(0, self._shelf.dim, half_lives=(4.0, 20.0))
        self._history = History(self._shelf.dim)
        self._foresight = Foresight(setting.seed, self._shelf.dim, self._foresees, self._factorises)
        self._coming: Foresight | None = None
        self._reader = CommentReader(setting.segments, self._encoder if self._reads else None)
        self._valuation = Valuation(self._numbers, setting.reward, position.position, position.outside)
        self._pending = Pending(setting.slate, len(EXPERTS))
        self._choices = ChoiceLog(200_000)
        self._acted: tuple[Int64s, Float32s] | None = None
        self._now = setting.start
        self._relive(setting)
        self._foresight = self._trained()
        self._last_refit = self._last_retrain = setting.start

    def act(self, observation: Observation) -> Slates:
        """The slate with the highest expected reward by the agent's own models, or a draw around it."""
        self._shelf.arrive(observation.arrived)
        rows = self._rows(observation.user)
        comments = self._pending.comments(self._users, observation.behaviors, rows)
        self._settle(rows, comments)
        vectors = self._vectors(rows, observation.time)
        best, scores = self._ranked(rows, vectors, observation.candidates)
        slates = self._policy.slates(observation, scores, best, self.setting.seed)
        self._acted = rows, vectors
        return slates

    @property
    def states_propensities(self) -> bool:
        """Whether the policy can say how likely any slate was; ours can."""
        return isinstance(self._policy, StatesPropensity)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L], exact; see `HasPropensity`.

        The posterior is judged at points that are fixed beforehand, so scores and best slate are no draws: all chance
        is the policy's.
        """
        assert isinstance(self._policy, StatesPropensity)
        rows = self._users.met(observation.user)
        best, scores = self._ranked(rows, self._vectors(rows, observation.time), observation.candidates)
        return self._policy.log_propensity(observation, scores, best, items)

    def learn(self, feedback: Feedback) -> None:
        """Keep the event until the user is met again, when its comment is known; count clicks."""
        if self._acted is None:
            raise ValueError("learn: there was no act before it")
        met, vectors = self._acted
        self._acted = None
        rows = self._users.find(feedback.user)
        vectors = vectors[places(rows, met)]
        self._take_in(rows, feedback, self._features(vectors, rows, feedback.items))

    def tick(self, now: float) -> Sequence[Job]:
        """The only place where shared state moves: counts settle, the stack is refitted, a retraining starts."""
        self._now = now
        self._settle_shared()
        if now - self._last_refit >= self._numbers.refit_days - 1e-9:
            self._last_refit = now
            self._reader.refit()
            self._valuation.refit()
        if self._coming is None and now - self._last_retrain >= self._numbers.retrain_days - 1e-9:
            self._last_retrain = now
            self._coming = self._trained()
            return (Job(RETRAIN, self._numbers.retrain_takes),)
        return ()

    def finish(self, job: str) -> None:
        """Put the retrained head and factors to use."""
        if job == RETRAIN and self._coming is not None:
            self._foresight, self._coming = self._coming, None

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """Interest in each item by the stack's click weights, appeal left out [n, m]."""
        rows = self._users.find(users)
        known = rows >= 0
        out = np.zeros((users.size, items.size))
        if known.any():
            mine = rows[known]
            soon = np.full(mine.size, self._now + self.setting.tick)
            features = self._features(self._vectors(mine, soon), mine, items)
            out[known] = self._valuation.interest(features)
        return out

    def item_space(self, items: Int32s) -> Float32s:
        """The vectors that interests live in [m, d]."""
        return self._shelf.vectors[items]

    def shared_parts(self) -> Iterable[object]:
        """What never changes: encoder, policy, and how trackers are made."""
        return self._encoder, self._policy, self._make_tracker

    # -- what users did ---------------------------------------------------------------------------------------

    def _relive(self, setting: Setting) -> None:
        """Go through the warm-up as if it had been the agent's own time, one visit a user at a time."""
        log = setting.feedback
        comments = comments_on(log, setting.behaviors)
        self._reader.learn(comments, log.rating)
        self._reader.refit()
        for members in rounds(log.user):
            part = take_rows(log, members)
            rows = self._rows(part.user)
            self._settle(rows, self._pending.said(rows), teach=False)
            self._take_in(rows, part, self._features(self._vectors(rows, part.time), rows, part.items))
            self._pending.note(rows, comments[members])
        self._settle_shared()
        self._valuation.refit()

    def _take_in(self, rows: Int64s, feedback: Feedback, features: Floats) -> None:
        known = self._valuation.take_in(feedback, features)
        self._choices.add(
            user=feedback.user,
            time=feedback.time,
            row=rows,
            items=feedback.items,
            choice=feedback.choice,
            offset=known.astype(np.float32),
        )
        self._pending.keep(rows, feedback, features, self._valuation.pull(feedback.items))

    def _settle(self, rows: Int64s, comments: Int32s, teach: bool = True) -> None:
        """Let the last visit of these users count, now that what they said about it is known.

        teach: whether rated comments teach the reader; those of the warm-up have done so already.
        """
        last = self._pending.take(rows, comments)
        if not last.rows.size:
            return
        taken = last.choice < last.items.shape[1]
        at = np.arange(last.rows.size), np.minimum(last.choice, last.items.shape[1] - 1)
        vectors, item = self._shelf.vectors[last.items], last.items[at]
        felt = self._reader.felt(np.where(taken, last.comment, -1), np.where(taken, last.rating, np.nan))
        self._tracker.update(
            last.rows,
            vectors,
            last.choice,
            last.elapsed,
            offset=(last.appeal + self._valuation.stack.click.position).astype(np.float32),
            graded=self._valuation.evidence(item, vectors[at], felt),
        )
        step = vectors[at] - vectors.mean(axis=1)
        heard = np.nan_to_num(felt.value)
        self._counts.update(last.rows, step, np.where(taken, 1.0 + heard, 0.0), last.elapsed)
        who = np.flatnonzero(taken)
        self._history.add(last.rows[who], step[who], last.time[who], heard[who].astype(np.float32))
        names = self._users.pseudonyms[last.rows]
        if teach:
            self._reader.learn(np.where(taken, last.comment, -1), last.rating, names, last.time)
        self._valuation.feel(names, last.time, item, last.features[at], felt)

    # -- what is believed ----------------------------------------------------------------------------------------

    def _vectors(self, rows: Int64s, time: Floats) -> Float32s:
        """What each expert in item space believes of each user [n, experts, d]."""
        return np.concatenate(
            [
                self._tracker.mean(rows)[:, None, :],
                self._counts.features(rows),
                self._foresight.vectors(self._history, rows, time)[:, None, :],
            ],
            axis=1,
        )

    def _features(self, vectors: Float32s, rows: Int64s, items: Int32s) -> Floats:
        """What each expert says of each item: `[n, m, experts]`; items `[m]` or `[n, m]`."""
        tastes = candidate_scores(vectors, self._shelf.vectors, items)
        out = np.empty((*tastes.shape[:2], len(EXPERTS)))
        out[..., :FACTORS] = tastes
        out[..., FACTORS] = self._foresight.factor_scores(rows, items)
        out[..., APPEAL] = self._valuation.appeal(items)
        return out

    def _ranked(self, rows: Int64s, vectors: Float32s, candidates: Int32s) -> tuple[Int64s, Floats]:
        """Columns of the best slates [n, L], and every candidate's score [n, C]."""
        features = self._features(vectors, rows, candidates)
        return self._valuation.slates(features, candidates, self._shelf.vectors, self._spread(rows))

    def _spread(self, rows: Int64s) -> Float32s | None:
        """Points of each user's posterior minus its mean [n, K, d], if the tracker knows more than a best guess."""
        if not isinstance(self._tracker, Posterior):
            return None
        points = self._tracker.points(rows, self._normal)
        points -= self._tracker.mean(rows)[:, None, :]
        return points

    def _settle_shared(self) -> None:
        self._valuation.settle()
        self._choices.settle()
        self._reader.settle()

    def _trained(self) -> Foresight:
        return self._foresight.retrained(self._history, self._shelf, self._choices, self.setting, self._users)

    # -- bookkeeping -------------------------------------------------------------------------------------------

    def _rows(self, users: Int64s) -> Int64s:
        rows = self._users.rows(users)
        size = len(self._users)
        if size > self._tracker.n_users:
            # Room to spare: growing copies every user's state.
            room = max(size, 2 * self._tracker.n_users)
            self._tracker.grow(room)
            self._counts.grow(room)
            self._history.grow(room)
            self._pending.grow(room)
        return rows
