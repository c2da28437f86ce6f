"""The world: users with drifting interests who are shown slates and respond. A structural causal model.

    world = World("abrupt_shift", seed=0)
    while (observation := world.observe()) is not None:
        feedback = world.respond(agent.act(observation))

Every random number is keyed, so two worlds that are shown the same things are the same world.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from driftline.sim import interest
from driftline.sim.clock import Clock, Entry, schedule_next
from driftline.sim.config.params import WorldParams
from driftline.sim.config.resolve import world_params
from driftline.sim.errors import InputError, SlateError
from driftline.sim.items import Catalogue, first_fault, private_candidates, shared_candidates
from driftline.sim.keyed import Stream, derived_seed
from driftline.sim.model import WorldModel, world_model
from driftline.sim.response import REWARDS, Responses, Round, Truth, realised_rewards, respond_by
from driftline.sim.state import Mailbox
from driftline.sim.types import (
    Bools,
    Feedback,
    Float32s,
    Floats,
    Int8s,
    Int32s,
    Int64s,
    Items,
    Observation,
    Slates,
    read_only,
)

RELEASE = "release"
NO_PROBABILITIES = np.empty((0, 0), np.float32)


class World:
    """A population, a catalogue and a clock. Only `observe` and `respond` move it; `fork` copies it.

    What it hands out cannot be written to: the world goes on by arrays of its own. A world can be pickled.

    scenario: a scenario's name, the path of a scenario file, a mapping of its keys, or `WorldParams`.
    overrides: `{"population.users": 500}`, any key of the schema.
    Raises `InputError` (one line, with the nearest legal name) before any work starts.
    """

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | WorldParams,
        seed: int = 0,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        params = world_params(scenario, overrides or {})
        if not 0 <= seed < 2**32:
            raise InputError(f"seed = {seed}: must be >= 0 and < 2**32")
        self._model: WorldModel = world_model(params, seed)
        self._users = self._model.population()
        interest.start(self._model, self._users)
        self._clock = Clock(self._happen)
        self._shelf = self._model.catalogue.shelf(0.0)
        self._enter_releases()
        self._mail = Mailbox.empty(params.population.users)
        self._arrived: list[Int32s] = []
        self._tick = -1
        self._due: Int64s = np.empty(0, np.int64)
        self._served = 0
        self._shared: Int32s = np.empty(0, np.int32)
        self._round: Round | None = None
        self._responses: Responses | None = None

    # -- what an operator may call -------------------------------------------------------------------------

    @property
    def params(self) -> WorldParams:
        """The numbers of this world."""
        return self._model.params

    @property
    def seed(self) -> int:
        """The seed of this world."""
        return self._model.seed

    @property
    def tick(self) -> int:
        """Number of the present tick, -1 before the first."""
        return self._tick

    @property
    def now(self) -> float:
        """Day at which the present tick began."""
        return self._clock.now

    def observe(self, limit: int | None = None, until: float | None = None) -> Observation | None:
        """The next users who are due, at most one visit each; None when the run (or day `until`) is over.

        Rounds go on until nobody is due in the tick; then the clock moves to the next tick with a due user.
        limit: at most this many users at once; results do not depend on it.
        """
        if self._round is not None:
            raise InputError("observe: the last observation still waits for `respond`")
        end = self.params.horizon if until is None else min(until, self.params.horizon)
        while self._served == self._due.size:
            if not self._next_round(end):
                return None
        users = self._due[self._served : self._served + (limit or self._due.size)]
        self._served += users.size
        return self._meet(users)

    def respond(self, slates: Slates) -> Feedback:
        """The users' response to the slates of the last observation; interests move by what was taken."""
        feedback, _ = self.respond_in_full(slates, probabilities=False)
        return feedback

    def fork(self, luck: int = 0) -> "World":
        """A twin at this moment: it shares what cannot change and owns what can.

        luck: 0 shares every later random number with this world too; any other number draws all that is yet to come
        anew, keyed by it: the same users, items and interests so far, another future.
        """
        twin = object.__new__(World)
        model = self._model
        twin._model = replace(model, seed=derived_seed(model.seed, Stream.TWIN, luck)) if luck else model
        twin._users = self._users.copy()
        twin._clock = self._clock.fork(twin._happen)
        twin._shelf = self._shelf.copy()
        twin._mail = self._mail.copy()
        twin._arrived = list(self._arrived)
        twin._tick = self._tick
        twin._due = self._due
        twin._served = self._served
        twin._shared = self._shared
        twin._round = self._round
        twin._responses = self._responses
        return twin

    def announced(self) -> None:
        """The operator already knows every item released so far: do not announce them again."""
        self._arrived = []

    def items(self, ids: Int32s) -> Items:
        """What an operator knows of these items."""
        return self._model.items(ids)

    def live_items(self) -> Int32s:
        """Ids of the items that can be shown now, ascending."""
        return np.sort(self._shelf)

    # -- truth, for the runner, the oracle and tests; agents hold no world ---------------------------------

    @property
    def model(self) -> WorldModel:
        """What never changes in this world, latent numbers included."""
        return self._model

    @property
    def catalogue(self) -> Catalogue:
        """The items, latent numbers included."""
        return self._model.catalogue

    @property
    def round(self) -> Round:
        """The users behind the last observation."""
        if self._round is None:
            raise InputError("respond: call `observe` first")
        return self._round

    @property
    def theta(self) -> Float32s:
        """The true interests [N, K] as of each user's last meeting; do not write."""
        return self._users.theta

    @property
    def components(self) -> Float32s:
        """Each law's contribution [N, laws, K] as of each user's last meeting; do not write."""
        return self._users.components

    @property
    def changed(self) -> Bools:
        """Whether a law reported a change point between the last two meetings [N]; do not write."""
        return self._users.changed

    def pseudonyms(self, users: Int64s) -> Int64s:
        """The names under which agents know these users."""
        return self._users.pseudonym[users]

    def groups(self, users: Int64s) -> Int8s:
        """Rows of these users' groups in the scenario."""
        return self._users.group[users]

    def true_worth(self, user: int, items: Int32s) -> tuple[Floats, Floats]:
        """True click utilities and true expected rewards of these items for one user, now: [m] each."""
        return self._model.values.worth(self._users.theta[user], items)

    def respond_in_full(self, slates: Slates, probabilities: bool = True) -> tuple[Feedback, Truth]:
        """`respond`, with the truth behind it: for logs and judges."""
        now = self.round
        model = self._model
        self._check(slates.items, now)
        shape = (now.users.size, self.params.slate + 1) if probabilities else (0, 0)
        chances = np.empty(shape, np.float32)
        responses = respond_by(model.choice.take)(
            now.users,
            now.visits,
            slates.items,
            self._users.theta,
            model.item_numbers,
            model.choice.params,
            model.response,
            model.comments,
            now.day,
            model.seed,
            model.streams,
            chances,
        )
        self._mail.post(now.users, now.times, responses, model.catalogue_text)
        interest.consume(model, self._users, now.users, responses)
        self._users.changed[now.users] = False
        population = self.params.population
        schedule_next(
            now.users,
            self._users.visit,
            self._users.next_visit,
            self._users.gap_days,
            population.more,
            population.gap_minutes,
            model.seed,
            int(Stream.VISIT_GAP),
        )
        self._round = None
        feedback = Feedback(
            read_only(self._users.pseudonym[now.users]),
            read_only(now.visits),
            read_only(now.times),
            read_only(slates.items),
            read_only(responses.choice),
            read_only(responses.dwell),
            read_only(responses.rating),
        )
        return feedback, Truth(responses, realised_rewards(responses, REWARDS.index(self.params.reward)), chances)

    # -- inside --------------------------------------------------------------------------------------------

    def _check(self, slates: Int32s, now: Round) -> None:
        wanted = (now.users.size, self.params.slate)
        if slates.shape != wanted or slates.dtype != np.int32:
            raise InputError(f"slates.items is {slates.dtype}{list(slates.shape)}; must be int32{list(wanted)}")
        pool = np.atleast_2d(now.candidates)
        row, place, fault = first_fault(slates, pool, now.candidates.ndim == 1, self._model.marks)
        if fault:
            problem = "is not among the candidates" if fault == 1 else "is shown twice"
            raise SlateError(
                int(self._users.pseudonym[now.users[row]]),
                int(now.visits[row]),
                int(slates[row, place]),
                place,
                problem,
            )

    def _next_round(self, end: float) -> bool:
        """Find who is due: in this tick, or in the next one that has anybody. False at the end."""
        width = self.params.tick
        times = self._users.next_visit
        if self._due.size:
            # Within a tick only those just served can be due again.
            self._due = self._due[times[self._due] < min((self._tick + 1) * width, end)]
            self._served = 0
            if self._due.size:
                return True
        upcoming = float(times.min()) if times.size else end
        if upcoming >= end:
            self._clock.run_until(max(self._clock.now, end))
            return False
        self._tick = max(self._tick + 1, int(upcoming / width + 1e-9))
        self._clock.run_until(self._tick * width)
        self._due = np.flatnonzero(times < min((self._tick + 1) * width, end))
        self._served = 0
        count = self.params.candidates.shared
        if count is not None:
            self._shared = shared_candidates(self._shelf, count, self._tick, self._model.seed)
        return True

    def _meet(self, users: Int64s) -> Observation:
        """Bring these users to the present and let them be seen."""
        model, state = self._model, self._users
        times, visits = state.next_visit[users], state.visit[users]
        day = int(self._tick * self.params.tick + 1e-9)
        interest.catch_up(model, state, users, day)
        candidates = self._shared
        if self.params.candidates.private is not None:
            candidates = private_candidates(
                users, visits, self._shelf, self.params.candidates.private, model.seed, int(Stream.CANDIDATES)
            )
        self._round = Round(users, visits, times, candidates, day)
        arrived = np.concatenate(self._arrived) if self._arrived else np.empty(0, np.int32)
        self._arrived = []
        queries = model.queries(users, visits, state.theta, state.gap_days)
        return Observation(
            user=read_only(state.pseudonym[users]),
            visit=read_only(visits),
            time=read_only(times),
            behaviors=self._mail.deliver(users, times, state.pseudonym, queries),
            candidates=read_only(candidates),
            arrived=model.items(arrived),
            tick=self._tick,
        )

    def _enter_releases(self) -> None:
        """Put every later release on the agenda, one entry a tick boundary."""
        born = self._model.catalogue.born
        later = np.flatnonzero(born > 0.0)
        for time in np.unique(born[later]):
            self._clock.enter(Entry(float(time), RELEASE, later[born[later] == time].astype(np.int32)))

    def _happen(self, entry: Entry) -> None:
        self._shelf[self._model.catalogue.slot[entry.items]] = entry.items
        self._arrived.append(entry.items)
