"""What every tracker of interests can do (`Tracker`), and one batch of its events, checked before any kernel runs."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from driftline.sim.types import Bools, Float32s, Int64s

Reals: TypeAlias = NDArray[np.floating[Any]]
Rows: TypeAlias = NDArray[np.integer[Any]]
Arrays: TypeAlias = dict[str, NDArray[Any]]
Graded: TypeAlias = tuple[Reals, Reals, Reals] | tuple[Reals, Reals, Reals, Reals]
"""Item vectors [n, dim], values in [-1, 1] with NaN for none [n], weights [n]; and, where known, the logit that an
item has without any interest in it [n], minus `outside` where left out."""


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


@dataclass(frozen=True, slots=True)
class Judgements:
    """Explicit feedback as a Bernoulli observation; the arrays are empty where a batch has none."""

    vector: Float32s
    """[n, dim], 0 where there is none."""
    target: Float32s
    """(1 + value) / 2, in [0, 1] [n]."""
    weight: Float32s
    """0 where there is none [n]."""
    known: Float32s
    """Logit of y = 1 before any interest [n]."""


@dataclass(frozen=True, slots=True)
class Events:
    """Slates and responses of distinct users, float32 and contiguous."""

    users: Int64s
    items: Float32s
    """[n, m, dim]."""
    choice: Int64s
    """Position, m for nothing [n]."""
    elapsed: Float32s
    offset: Float32s
    """[n, m]."""
    graded: Judgements


def checked_users(users: Rows, n_users: int) -> Int64s:
    """Rows of known users [n]; IndexError names the first unknown one."""
    rows = np.ascontiguousarray(users, np.int64)
    if rows.ndim != 1:
        raise ValueError(f"users must have shape [n], got {list(rows.shape)}")
    if rows.size and (rows.min() < 0 or rows.max() >= n_users):
        stranger = rows[(rows < 0) | (rows >= n_users)][0]
        raise IndexError(f"user {stranger} is not among the users 0..{n_users - 1}; call grow first")
    return rows


def distinct_users(users: Rows, n_users: int) -> Int64s:
    """`checked_users`, and ValueError where a user comes twice."""
    rows = checked_users(users, n_users)
    if not np.all(rows[1:] > rows[:-1]):
        names, counts = np.unique(rows, return_counts=True)
        if counts.size < rows.size:
            twice = names[counts > 1][0]
            raise ValueError(f"user {twice} comes {counts.max()} times; a call may hold each user once")
    return rows


def reals(name: str, values: Reals, shape: tuple[int, ...]) -> Float32s:
    """Finite float32 of exactly this shape."""
    array = np.ascontiguousarray(values, np.float32)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {list(shape)}, got {list(array.shape)}")
    _require(name, array, np.isfinite(array), "finite")
    return array


def checked_slates(n: int, item_vectors: Reals, dim: int) -> Float32s:
    """Item vectors [n, m, dim] with m >= 1."""
    shape = np.shape(item_vectors)
    if len(shape) != 3 or shape[0] != n or shape[1] < 1 or shape[2] != dim:
        raise ValueError(f"item_vectors must have shape [{n}, m >= 1, {dim}], got {list(shape)}")
    return reals("item_vectors", item_vectors, shape)


def checked_elapsed(n: int, elapsed: Reals) -> Float32s:
    """Times since the latest update [n], 0 or more."""
    array = reals("elapsed", elapsed, (n,))
    _require("elapsed", array, array >= 0, ">= 0")
    return array


def checked_offset(n: int, m: int, offset: Reals | None) -> Float32s:
    """Additive utilities [n, m]; zeros for None."""
    return np.zeros((n, m), np.float32) if offset is None else reals("offset", offset, (n, m))


def checked_graded(n: int, dim: int, graded: Graded | None, outside: float) -> Judgements:
    """Judgements of n users, or empty ones for None; rows without a value weigh nothing."""
    if graded is None:
        empty = np.empty(0, np.float32)
        return Judgements(np.empty((0, dim), np.float32), empty, empty, empty)
    vector, value, weight = (np.asarray(part, np.float32) for part in graded[:3])
    known = np.asarray(graded[3], np.float32) if len(graded) > 3 else np.full(n, -outside, np.float32)
    stated = (("vector", vector, (n, dim)), ("value", value, (n,)), ("weight", weight, (n,)), ("known", known, (n,)))
    for name, part, shape in stated:
        if part.shape != shape:
            raise ValueError(f"graded {name} must have shape {list(shape)}, got {list(part.shape)}")
    given = ~np.isnan(value)
    _require("graded value", value, ~given | (np.abs(value) <= 1), "in [-1, 1], or NaN for none")
    _require("graded weight", weight, ~given | ((weight >= 0) & np.isfinite(weight)), "finite and >= 0")
    return Judgements(
        reals("graded vector", np.where(given[:, None], vector, 0), (n, dim)),
        np.where(given, (1 + value) / 2, np.float32(0.5)).astype(np.float32),
        np.where(given, weight, 0).astype(np.float32),
        reals("graded known", np.where(given, known, np.float32(0.0)), (n,)),
    )


def checked_events(
    n_users: int,
    dim: int,
    users: Rows,
    item_vectors: Reals,
    choice: Rows,
    elapsed: Reals,
    offset: Reals | None,
    graded: Graded | None,
    outside: float = 0.0,
) -> Events:
    """What kernels may trust. ValueError or IndexError names what is wrong, its value and the bound."""
    rows = distinct_users(users, n_users)
    n = rows.size
    items = checked_slates(n, item_vectors, dim)
    m = items.shape[1]
    taken = np.ascontiguousarray(choice, np.int64)
    if taken.shape != (n,):
        raise ValueError(f"choice must have shape [{n}], got {list(taken.shape)}")
    _require("choice", taken, (taken >= 0) & (taken <= m), f"in 0..{m} ({m} for nothing)")
    return Events(
        rows,
        items,
        taken,
        checked_elapsed(n, elapsed),
        checked_offset(n, m, offset),
        checked_graded(n, dim, graded, outside),
    )


def _require(name: str, values: NDArray[Any], fine: Bools, bound: str) -> None:
    if not fine.all():
        at = tuple(int(axis[0]) for axis in np.nonzero(~fine))
        raise ValueError(f"{name} must be {bound}; {name}[{', '.join(map(str, at))}] is {values[at]}")


def require_number(name: str, value: float, fine: bool, bound: str) -> None:
    """ValueError for a parameter outside its bound."""
    if not fine:
        raise ValueError(f"{name} must be {bound}, got {value!r}")


def grown(array: NDArray[Any], n_users: int, fill: float) -> NDArray[Any]:
    """The same rows, then rows full of `fill`. ValueError if rows would be lost."""
    if n_users < len(array):
        raise ValueError(f"n_users must be >= {len(array)} (users are never forgotten), got {n_users}")
    return np.concatenate([array, np.full((n_users - len(array), *array.shape[1:]), fill, array.dtype)])


def restored(name: str, state: Arrays, like: NDArray[Any]) -> NDArray[Any]:
    """A copy of one array of a snapshot; KeyError or ValueError where it is not this tracker's."""
    if name not in state:
        raise KeyError(f"the snapshot has no {name!r}; it has {sorted(state)}")
    array = state[name]
    if array.shape[1:] != like.shape[1:] or array.dtype != like.dtype:
        raise ValueError(
            f"{name} of the snapshot is {array.dtype}{list(array.shape)}, "
            f"this tracker's is {like.dtype}[users, {', '.join(map(str, like.shape[1:]))}]"
        )
    return array.copy()
