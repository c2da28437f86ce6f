"""Filter bank: each user's interest, followed at several speeds at once, with restarts when it jumps."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from driftline.agents.evolution._bank_rows import (
    OLDEST,
    Numbers,
    State,
    allocate,
    mean_rows,
    point_rows,
    predict_rows,
    update_rows,
    variance_rows,
)
from driftline.agents.evolution._base import (
    Arrays,
    Graded,
    Reals,
    Rows,
    checked_elapsed,
    checked_events,
    checked_offset,
    checked_slates,
    checked_users,
    reals,
    require_number,
    restored,
)
from driftline.agents.tuning_range import Range
from driftline.sim.types import Float32s, Floats


class FilterBank:
    """A fixed-share mixture of diagonal extended Kalman filters and restart particles, one mixture per user.

    The model: interest theta [dim] is an Ornstein-Uhlenbeck process around 0 with stationary variance S; an
    item of a slate is chosen with probability proportional to exp(theta.v_i + offset_i), nothing with
    exp(outside). Filter k holds a mean m and a diagonal variance P and believes in its own retention r_k.
    At every event:

    1. time: m <- r^elapsed m, P <- r^(2 elapsed) P + (1 - r^(2 elapsed)) S;
    2. share: w_k <- (1 - share) w_k, plus share / K for the K filters (Herbster & Warmuth 1998);
    3. likelihood: w_k <- w_k p_k(choice), normalised; p_k is the multinomial logit of the shrunk scores
       (theta.v_i + offset_i - outside) / sqrt(1 + pi/8 v_i'Pv_i), theta = m;
    4. choice: a diagonal Laplace step (`filter_lanes.learn_choice`);
    5. judgement, if any: the same for a Bernoulli observation (`filter_lanes.learn_judgement`); w stays;
    6. restart: the lightest particle begins anew at the prior with w = hazard, the others give way in
       proportion (a pruned form of Bayesian change-point detection, Adams & MacKay 2007).

    The filter with r = 1 never forgets and regains its weight within a few events when old interests return.
    State is float32, 932 bytes a user with the defaults and dim = 16. Bits are the same in any batch.

    n_users, dim: users are rows 0 .. n_users - 1. retention: one filter each, in (0, 1], per unit of elapsed
    time. particles: restart particles, 0 for none; particle_retention likewise. hazard, share: per event, in
    [0, 1). prior_variance: S > 0. outside: utility of taking nothing. young: up to this many events old, a
    particle counts as a recent change.
    """

    space: ClassVar[dict[str, Range]] = {
        "hazard": Range(0.003, 0.15, log=True),
        "prior_variance": Range(0.4, 12.0, log=True),
    }

    def __init__(
        self,
        n_users: int,
        dim: int,
        *,
        retention: Sequence[float] = (1.0, 0.985, 0.93),
        particles: int = 4,
        particle_retention: float = 0.998,
        hazard: float = 0.01,
        share: float = 0.01,
        prior_variance: float = 4.0,
        outside: float = 1.0,
        young: float = 20.0,
    ) -> None:
        require_number("n_users", n_users, n_users >= 0, ">= 0")
        require_number("dim", dim, dim >= 1, ">= 1")
        require_number("len(retention)", len(retention), len(retention) >= 1, ">= 1")
        for r in retention:
            require_number("retention", r, 0 < r <= 1, "in (0, 1]")
        require_number("particles", particles, particles >= 0, ">= 0")
        require_number("particle_retention", particle_retention, 0 < particle_retention <= 1, "in (0, 1]")
        require_number("hazard", hazard, 0 <= hazard < 1, "in [0, 1)")
        require_number("share", share, 0 <= share < 1, "in [0, 1)")
        require_number("prior_variance", prior_variance, 0 < prior_variance < np.inf, "finite and > 0")
        require_number("outside", outside, bool(np.isfinite(outside)), "finite")
        require_number("young", young, 0 <= young < OLDEST, f"in [0, {OLDEST})")
        self.n_users = n_users
        self.dim = dim
        self.young = young
        rates = np.log([*retention, *[particle_retention] * particles]).astype(np.float32)
        single = (np.float32(number) for number in (hazard, share, prior_variance, outside))
        self._numbers = Numbers(rates, len(retention), *single)
        self._state = self._fresh(n_users)

    def _fresh(self, n_users: int) -> State:
        """Users at the prior: all filters and one particle weigh the same; further particles nothing yet."""
        width, filters = self._numbers.log_retention.size, self._numbers.filters
        started = min(width, filters + 1)
        weight = np.where(np.arange(width) < started, 1.0 / started, 0.0).astype(np.float32)
        return State(
            np.zeros((n_users, width, self.dim), np.float32),
            np.full((n_users, width, self.dim), self._numbers.prior, np.float32),
            np.tile(weight, (n_users, 1)),
            np.full((n_users, width - filters), OLDEST, np.uint16),
        )

    def grow(self, n_users: int) -> None:
        """Make room for more users; new ones start at the prior, nobody else changes."""
        bound = f">= {self.n_users}, as nobody is forgotten"
        require_number("n_users", n_users, n_users >= self.n_users, bound)
        old: Arrays = self._state._asdict()
        new: Arrays = self._fresh(n_users - self.n_users)._asdict()
        self._state = State(**{name: np.concatenate([old[name], new[name]]) for name in old})
        self.n_users = n_users

    def predict(self, users: Rows, item_vectors: Reals, elapsed: Reals, offset: Reals | None = None) -> Float32s:
        """What each user will choose: probabilities [n, m + 1], the last for nothing. Changes nothing.

        Shapes as in `update`; a user may come more than once.
        """
        rows = checked_users(users, self.n_users)
        items = checked_slates(rows.size, item_vectors, self.dim)
        gaps = checked_elapsed(rows.size, elapsed)
        n, m = items.shape[:2]
        known = checked_offset(n, m, offset)
        out = np.empty((n, m + 1), np.float32)
        lanes = allocate(self._numbers.log_retention.size, self.dim, m)
        predict_rows(self._state, self._numbers, lanes, rows, items, known, gaps, out)
        return out

    def update(
        self,
        users: Rows,
        item_vectors: Reals,
        choice: Rows,
        elapsed: Reals,
        offset: Reals | None = None,
        graded: Graded | None = None,
    ) -> None:
        """Take in one event of each of these users; shapes as in `Tracker.update`."""
        e = checked_events(
            self.n_users, self.dim, users, item_vectors, choice, elapsed, offset, graded, float(self._numbers.outside)
        )
        lanes = allocate(self._numbers.log_retention.size, self.dim, e.items.shape[1])
        judged, target, weight = e.graded.vector, e.graded.target, e.graded.weight
        update_rows(
            self._state, self._numbers, lanes, e.users, e.items, e.offset, e.elapsed, e.choice,
            judged, target, weight, e.graded.known,
        )  # fmt: skip

    def mean(self, users: Rows) -> Float32s:
        """Mean interest of the mixture at each user's latest update [n, dim]."""
        rows = checked_users(users, self.n_users)
        out = np.empty((rows.size, self.dim), np.float32)
        mean_rows(self._state, rows, out)
        return out

    def points(self, users: Rows, normal: Reals) -> Float32s:
        """Interests that each user may have, K equally likely points of the mixture [n, K, dim].

        Point k belongs to the filter in which the running sum of weights passes (k + 1/2) / K (systematic
        resampling), and lies at its mean + sqrt(P) normal_k. normal: K standard normal points [K, dim].
        """
        rows = checked_users(users, self.n_users)
        standard = reals("normal", normal, (len(normal), self.dim))
        out = np.empty((rows.size, *standard.shape), np.float32)
        point_rows(self._state, rows, standard, out)
        return out

    def variance(self, users: Rows, item_vectors: Reals) -> Float32s:
        """Variance of theta.v under the mixture at each user's latest update, items [n, m, dim]: [n, m]."""
        rows = checked_users(users, self.n_users)
        items = checked_slates(rows.size, item_vectors, self.dim)
        out = np.empty(items.shape[:2], np.float32)
        variance_rows(self._state, rows, items, self.mean(rows), out)
        return out

    def drift_probability(self, users: Rows) -> Floats:
        """Mass on particles at most `young` events old [n]: has the interest just changed?

        With the defaults, on users with one choice from ten an event: above .4 within a median of 5 events of
        a full change, and for 7 % of quiet users at some time in 70 events (23 % of users who wander slowly).
        """
        rows = checked_users(users, self.n_users)
        recent = self._state.age[rows] <= self.young
        mass = self._state.weight[rows, self._numbers.filters :].astype(np.float64)
        return np.asarray(np.sum(mass * recent, axis=1))

    def snapshot(self) -> Arrays:
        """Copies of all state, by name."""
        return {name: array.copy() for name, array in self._state._asdict().items()}

    def restore(self, state: Arrays) -> None:
        """Go back to a snapshot, its number of users included."""
        kept = {name: restored(name, state, array) for name, array in self._state._asdict().items()}
        self._state = State(**kept)
        self.n_users = len(self._state.mean)
