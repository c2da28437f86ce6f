"""What every tracker of interests can do, so that an agent swaps one for another by name."""

from typing import Protocol, runtime_checkable

from driftline.agents.evolution.events import Arrays, Graded, Reals, Rows
from driftline.sim.types import Float32s


@runtime_checkable
class Tracker(Protocol):
    """Keeps one interest vector per user, in the space of the item vectors, up to date event by event.

    A user's result depends on that user's own events only, never on who else is in the call.
    """

    n_users: int
    """Users are the rows 0 .. n_users - 1."""
    dim: int
    """Length of an item vector."""

    def grow(self, n_users: int) -> None:
        """Make room for more users; new ones start at the prior, nobody else changes."""

    def update(
        self,
        users: Rows,
        item_vectors: Reals,
        choice: Rows,
        elapsed: Reals,
        offset: Reals | None = None,
        graded: Graded | None = None,
    ) -> None:
        """Take in one event of each of these users.

        users: [n], no user twice. item_vectors: the slates [n, m, dim]. choice: position taken, m for
        nothing [n]. elapsed: time since that user's latest update [n]. offset: known additive utility of each
        item, for instance log position weight plus appeal [n, m]. graded: item vectors [n, dim], values in
        [-1, 1] [n] (NaN for none) and weights [n] of an explicit judgement.
        """

    def mean(self, users: Rows) -> Float32s:
        """The present interest vectors [n, dim]."""

    def snapshot(self) -> Arrays:
        """Copies of all state, by name; later updates do not change them."""

    def restore(self, state: Arrays) -> None:
        """Go back to a snapshot, its number of users included."""


@runtime_checkable
class Posterior(Protocol):
    """A tracker that knows how sure it is."""

    def points(self, users: Rows, normal: Float32s) -> Float32s:
        """Interests that each user may have [n, K, dim], from K standard normal points [K, dim]."""
