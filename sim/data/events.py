"""Interactions of a real folder in canonical order, and everything that the folder holds once it is read."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.sim.data.tables import Table, codes, ids, numbers, rows_of, seconds, texts
from driftline.sim.types import BehaviorKind, Bools, Float32s, Floats, Int8s, Int32s, Int64s

DAY = 86_400.0


CONSUMING = ("consume", "view", "click", "watch", "play", "listen", "read", "rate", "review")


BUYING = ("purchase", "buy", "order")


KINDS = {
    **dict.fromkeys(CONSUMING, int(BehaviorKind.CONSUME)),
    **dict.fromkeys(BUYING, int(BehaviorKind.PURCHASE)),
}


@dataclass(frozen=True, slots=True)
class EventColumns:
    """What the file calls its columns; the optional ones may be missing from the file."""

    user: str = "user_id"
    item: str = "item_id"
    time: str = "time"
    rating: str = "rating"
    kind: str = "kind"
    text: str = "text"


@dataclass(frozen=True, slots=True)
class Events:
    """The interaction part of `RealData`, and the instant that its day 0 is."""

    user_ids: tuple[str, ...]
    user: Int64s
    item: Int32s
    time: Floats
    rating: Float32s
    kind: Int8s
    comments: tuple[str, ...] | None
    last: float
    """Unix seconds of the last interaction."""


def events(
    table: Table, columns: EventColumns, item_ids: pl.Series, source: str, ratings: tuple[float, float]
) -> Events:
    """The table's interactions, sorted by (time, user, item), whatever the order of its rows.

    item_ids: the known items; source: the file that names them. ratings: the least and the greatest.
    """
    users = ids(table, columns.user)
    user_ids = _sorted_ids(users.unique())
    user = rows_of(table, columns.user, pl.Series(user_ids), "the users")
    item = rows_of(table, columns.item, item_ids, source)
    when = seconds(table, columns.time)
    rating, kind = np.full(len(table), np.nan), np.full(len(table), int(BehaviorKind.CONSUME))
    if columns.rating in table:
        rating = numbers(table, columns.rating, *ratings, expected=_rating_words(ratings))
    if columns.kind in table:
        kind = codes(table, columns.kind, KINDS, int(BehaviorKind.CONSUME))
    order = np.lexsort((rating, kind, item, user, when))
    comments = None
    if columns.text in table:
        comments = tuple(texts(table, columns.text, required=False)[order].to_list())
    last = float(when.max())
    return Events(
        user_ids=tuple(user_ids),
        user=user[order],
        item=item[order].astype(np.int32),
        time=(when[order] - last) / DAY,
        rating=rating[order].astype(np.float32),
        kind=kind[order].astype(np.int8),
        comments=comments,
        last=last,
    )


def births(seconds_born: Floats, found: Events) -> Floats:
    """Days of release [I]: as stated (or NaN), never after the first interaction; 0 if nothing is known."""
    first = np.full(len(seconds_born), np.inf)
    np.minimum.at(first, found.item, found.time)
    born = np.fmin((seconds_born - found.last) / DAY, first)
    return np.where(np.isfinite(born), born, 0.0)


def _sorted_ids(users: pl.Series) -> list[str]:
    """By number where all are numbers, else by text."""
    as_numbers = users.cast(pl.Int64, strict=False)
    if as_numbers.null_count():
        return [str(user) for user in users.sort()]
    return [str(user) for user in users[np.lexsort((users.to_numpy(), as_numbers.to_numpy()))]]


def _rating_words(ratings: tuple[float, float]) -> str:
    if np.isfinite(ratings).all():
        return f"a number from {ratings[0]:g} to {ratings[1]:g}"
    return "a finite number such as 4 or 3.5"


@dataclass(frozen=True, slots=True)
class RealData:
    """I items of K topics and m interactions of U users; items in the file's order, users sorted by id.

    Interactions are sorted by (time, user, item). Days count from the last interaction, which is day 0.
    """

    item_ids: tuple[str, ...]
    """The file's own ids [I]."""
    titles: tuple[str, ...]
    """As given, the year included [I]."""
    texts: tuple[str, ...]
    """What an operator reads of an item: its title, then the text column where there is one [I]."""
    topics: tuple[str, ...]
    """Names [K], sorted when they were given, by cluster otherwise."""
    mixture: Float32s
    """Shares of the topics [I, K]; rows sum to 1; uniform where an item has no topic."""
    labelled: Bools
    """Whether the item has a topic at all [I]."""
    domains: tuple[str, ...]
    domain: Int8s
    """Row in `domains` [I]."""
    born: Floats
    """Day of release, never after the item's first interaction; that one, or else 0, where unknown [I]."""
    user_ids: tuple[str, ...]
    """The file's own ids [U]."""
    user: Int64s
    """Row in `user_ids` [m]."""
    item: Int32s
    """Row in `item_ids` [m]."""
    time: Floats
    """Days, at most 0 [m]."""
    rating: Float32s
    """On the file's own scale, NaN where none was given [m]."""
    kind: Int8s
    """A `BehaviorKind`: `CONSUME` or `PURCHASE` [m]."""
    comments: tuple[str, ...] | None
    """What users wrote, empty where nothing [m]; none at all without a text column."""

    @property
    def users(self) -> int:
        """Number of users U."""
        return len(self.user_ids)

    @property
    def items(self) -> int:
        """Number of items I."""
        return len(self.item_ids)


def popularity(data: RealData, exponent: float = 1.0, unseen: float = 0.5) -> Floats:
    """Weights that sum to 1 [I]: (interactions + unseen)^exponent.

    exponent: 0 makes all items equal, 1 is what was observed. unseen: added, so that no item has weight 0.
    """
    weight = (np.bincount(data.item, minlength=data.items) + unseen) ** exponent
    return np.asarray(weight / weight.sum())
