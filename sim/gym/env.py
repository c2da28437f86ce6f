"""The world as a Gymnasium environment, `driftline/Feed-v0`, and its spaces."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from driftline.sim.config.params import WorldParams
from driftline.sim.config.resolve import world_params
from driftline.sim.errors import InputError
from driftline.sim.gym.round import FeedRound, FeedTexts, RecentBehaviors, Writing
from driftline.sim.types import NONE, BehaviorKind
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

MOST = 2**31 - 1


LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class FeedShape:
    """The numbers from which the spaces follow; all of them fixed by the scenario."""

    batch: int
    recent: int
    candidates: int
    slate: int
    categories: int
    domains: int
    horizon: float
    writing: Writing | None
    """None: no texts are shown."""

    def observation_space(self) -> spaces.Dict:
        """See `Feed` for the meaning of each key. With `batch` > 1 every shape begins with `batch`."""
        recent, candidates = (self.recent,), (self.candidates,)
        columns: dict[str, spaces.Space[Any]] = {
            "user": self._box(0, 2**62, (), np.int64),
            "visit": self._box(0, MOST, (), np.int32),
            "time": self._box(0.0, self.horizon, (), np.float64),
            "recent_kind": self._box(NONE, max(BehaviorKind), recent, np.int8),
            "recent_item": self._box(NONE, MOST, recent, np.int32),
            "recent_category": self._box(NONE, self.categories - 1, recent, np.int32),
            "recent_age": self._box(0.0, LARGEST, recent, np.float32),
            "candidate_item": self._box(0, MOST, candidates, np.int32),
            "candidate_category": self._box(NONE, self.categories - 1, candidates, np.int32),
            "candidate_domain": self._box(0, max(self.domains - 1, 1), candidates, np.int8),
            "candidate_price": self._box(0.0, LARGEST, candidates, np.float32),
            "candidate_age": self._box(0.0, LARGEST, candidates, np.float32),
        }
        if self.writing is not None:
            columns["recent_about"] = self._texts(self.recent, self.writing)
            columns["recent_expressed"] = self._texts(self.recent, self.writing)
            columns["candidate_text"] = self._texts(self.candidates, self.writing)
        if self.batch > 1:
            columns["present"] = spaces.MultiBinary(self.batch)
        return spaces.Dict(columns)

    def action_space(self) -> spaces.MultiDiscrete:
        """Positions among the candidates, `[slate]`, or `[batch, slate]` with `batch` > 1."""
        shape = (self.slate,) if self.batch == 1 else (self.batch, self.slate)
        return spaces.MultiDiscrete(np.full(shape, self.candidates))

    def _box(self, low: float, high: float, shape: tuple[int, ...], dtype: type[Any]) -> spaces.Box:
        return spaces.Box(low, high, shape if self.batch == 1 else (self.batch, *shape), dtype)

    def _texts(self, count: int, writing: Writing) -> spaces.Tuple[Any]:
        def one() -> spaces.Text:
            return spaces.Text(writing.longest, min_length=0, charset=writing.charset)

        def visit() -> spaces.Tuple[Any]:
            return spaces.Tuple([one() for _ in range(count)])

        return visit() if self.batch == 1 else spaces.Tuple([visit() for _ in range(self.batch)])


MOST_CANDIDATES = 100


Seen = dict[str, Any]


Action = NDArray[np.integer[Any]]


class Feed(gymnasium.Env[Seen, Action]):
    """The next `batch` visits of the population, one slate each; an episode runs from the warm-up to the horizon.

    scenario, overrides: as for `World`. More than 100 shared candidates become 100 private ones.
    batch: visits a step. recent: how many of the visitor's last behaviours are shown. text: False leaves the texts out
    (`recent_about`, `recent_expressed`, `candidate_text`). render_mode: None, the only one there is.

    Order: ticks follow one another; in a tick, rounds do (a user has one visit a round; who comes again within the
    tick is in the next round); in a round, visits go by time. Each user's own visits are in order.

    Observation (a dict; with `batch` > 1 every array and tuple begins with `batch`):

    * `user` (pseudonym), `visit` (number in the user's own count), `time` (days);
    * `recent_kind` (a `BehaviorKind`, -1 where there is none), `recent_item`, `recent_category` (-1: unknown),
      `recent_age` (days), `recent_about` and `recent_expressed` (texts), newest first;
    * `candidate_item`, `candidate_category` (-1: unknown), `candidate_domain`, `candidate_price`,
      `candidate_age` (days since release), `candidate_text` (titles);
    * `present`, with `batch` > 1 only: 0 for rows that merely fill the last batch of a round. They are not answered.

    Action: positions among the candidates, `[L]` or `[batch, L]`. A repeated position is replaced by the first that
    the slate does not use. Reward: what the scenario rewards, summed over the batch. `info`: `slate` (items shown),
    `choice` (position taken, L for nothing), `dwell` (seconds), `rating` (1 to 5, 0 for none), `reward` (each
    visit's), for the visits just answered. The episode is truncated at the horizon, where the last observation is
    repeated; it never terminates.

    `reset(seed=s)` is the world of seed s; without a seed each episode is another world, drawn from the last seed.

    Nothing latent can be reached from an observation or from `info`. The environment itself has to hold the world:
    it stands under a private name, and who opens that has left the game.

    Raises:
        InputError: unusable arguments, or an action outside the action space.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | WorldParams = "abrupt_shift",
        overrides: Mapping[str, Any] | None = None,
        batch: int = 1,
        recent: int = 5,
        text: bool = True,
        render_mode: None = None,
    ) -> None:
        if render_mode is not None:
            raise InputError(
                f"render_mode = {render_mode!r}: must be None; a feed draws nothing, `driftline report` does"
            )
        for name, value in (("batch", batch), ("recent", recent)):
            if value < 1:
                raise InputError(f"{name} = {value}: must be >= 1")
        self._params = _few_candidates(world_params(scenario, overrides or {}))
        self._batch, self._recent, self._text = batch, recent, text
        world = World(self._params)
        model = world.model
        self._writing = Writing.of(model.corpus)
        limits = self._params.candidates
        shape = FeedShape(
            batch=batch,
            recent=recent,
            candidates=min(limits.private or limits.shared or 0, world.live_items().size),
            slate=self._params.slate,
            categories=model.catalogue.topics,
            domains=len(model.catalogue.domains),
            horizon=self._params.horizon,
            writing=self._writing if text else None,
        )
        self.observation_space = shape.observation_space()
        self.action_space = shape.action_space()
        self._shape = (batch, self._params.slate)
        self._wanted = self._shape if batch > 1 else self._shape[1:]
        self._opening: _Opening | None = None
        self._world = world
        self._round: FeedRound | None = None
        self._last: Seen = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """The first visits after the warm-up of the world of this seed.

        options: None or empty; a feed has none.

        Raises:
            InputError: options are given; nobody visits between the warm-up and the horizon.
        """
        if options:
            raise InputError(f"reset: option {next(iter(options))!r} is unknown; a feed has no options")
        super().reset(seed=seed)
        number = int(self.np_random.integers(2**32)) if seed is None else seed
        if self._opening is None or self._opening.world.seed != number:
            self._opening = _open(self._params, number, self._recent, self._writing)
        self._world = self._opening.world.fork()
        self._memory = self._opening.recent.copy()
        self._texts = self._opening.texts if self._text else None
        if not self._next_round() or self._round is None:
            raise InputError(f"nobody visits between day {self._params.warmup:g} and day {self._params.horizon:g}")
        self._last = self._round.observation()
        return self._last, {}

    def step(self, action: Action) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Show the slates, and see the next visits; see the class."""
        if self._round is None:
            raise InputError("step: the episode is over or has not begun; call `reset`")
        reward, info = self._round.answer(self._checked(action))
        over = False
        if self._round.over:
            self._round.close()
            over = not self._next_round()
        if self._round is not None:
            self._last = self._round.observation()
        return self._last, reward, False, over, info

    def _next_round(self) -> bool:
        """Meet the users who come next; False at the horizon."""
        seen = self._world.observe()
        if seen is None:
            self._round = None
            return False
        self._memory.take_in(seen.behaviors)
        self._round = FeedRound(self._world, seen, self._memory, self._texts, self._batch)
        return True

    def _checked(self, action: Action) -> NDArray[np.int64]:
        positions = np.asarray(action)
        if positions.dtype.kind not in "iu" or positions.shape != self._wanted:
            stated = f"{positions.dtype}{list(positions.shape)}"
            raise InputError(f"action is {stated}; must be whole numbers{list(self._wanted)}")
        return np.ascontiguousarray(positions, np.int64).reshape(self._shape)


@dataclass(frozen=True, slots=True)
class _Opening:
    """A world at the end of its warm-up, what its users did lately, and its texts; forked, never moved."""

    world: World
    recent: RecentBehaviors
    texts: FeedTexts


def _open(params: WorldParams, seed: int, recent: int, writing: Writing) -> _Opening:
    start = warm_up(World(params, seed))
    memory = RecentBehaviors.none(start.world.pseudonyms(np.arange(params.population.users)), recent)
    memory.take_in(start.setting.behaviors)
    return _Opening(start.world, memory, FeedTexts.of(start.world.model.corpus, writing))


def _few_candidates(params: WorldParams) -> WorldParams:
    if (params.candidates.shared or 0) <= MOST_CANDIDATES:
        return params
    return world_params(params, {"candidates": {"private": MOST_CANDIDATES}})
