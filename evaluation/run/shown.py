"""What users were shown and what they took: its popularity, variety, use of the catalogue, and narrowing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking._catalogue import gini_index, jackknifed
from driftline.evaluation.ranking._filter_bubble import topic_entropy_over_time
from driftline.evaluation.run.folder import RunFolder
from driftline.sim.errors import RunFolderError
from driftline.sim.types import Bools, Floats, Int32s, Int64s

WEEK = 7
"""Days of clicks that make an item's popularity."""
BLOCK = 4096
"""Rows worked on at once: what fits into a processor's cache."""
GROUPS = 20
"""Parts of the users of which the jackknife leaves out one at a time."""


@dataclass(frozen=True, slots=True)
class TrueItems:
    """The items of one seed, row = item id; the same for all agents."""

    mixture: Floats
    """True topic shares [items, K], summing to 1."""
    born: Floats
    """First day on the shelf [items]."""
    retired: Floats
    """First day off it [items]."""

    def __len__(self) -> int:
        return len(self.mixture)

    def live(self, start: float, end: float) -> Bools:
        """Which items are on the shelf at some time from day `start` to day `end` [items]."""
        return np.asarray((self.born <= end) & (self.retired > start))


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown and taken; arrays are [n], one row per judged visit, sorted by (user, visit)."""

    items: Int32s
    """Item ids [n, slots]."""
    taken: Int64s
    """The item that was taken, -1 for none."""


def true_items(run: RunFolder, seed: int) -> TrueItems:
    """The true items of a seed. RunFolderError unless they are numbered from 0."""
    items = run.true_items(seed).select("item", "mixture", "born", "retired").sort("item").collect()
    if not np.array_equal(items["item"].to_numpy(), np.arange(len(items))):
        raise RunFolderError(f"{run.path}: the items of seed {seed} are not numbered 0 to {len(items) - 1}")
    mixture = np.asarray(items["mixture"].to_numpy(), dtype=np.float64)
    mixture /= mixture.sum(axis=1, keepdims=True)
    times = items.select(pl.col("born", "retired").cast(pl.Float64))
    return TrueItems(mixture, times["born"].to_numpy(), times["retired"].to_numpy())


def shown(run: RunFolder, agent: str, seed: int, visits: pl.DataFrame) -> Shown:
    """The slates of the judged visits, in their order."""
    log = run.log(agent, seed).select("user", "visit", "items", "choice")
    seen = visits.lazy().select("user", "visit").join(log, on=["user", "visit"], how="left", maintain_order="left")
    found = seen.collect()
    items = np.asarray(found["items"].to_numpy())
    place = found["choice"].to_numpy().astype(np.int64)
    clicked = place < items.shape[1]
    taken = items[np.arange(len(items)), np.minimum(place, items.shape[1] - 1)]
    return Shown(items, np.where(clicked, taken, -1).astype(np.int64))


def by_past_week(time: ArrayLike, start: float, seen: Shown, items: int) -> Iterator[tuple[Int64s, Int64s]]:
    """For each day with clicks in the seven before it: the rows of its visits, and each item's clicks in that week.

    time [n]: days. start: the first judged day; days before a whole week has passed are left out. Clicks are all
    users'. items: how many there are; the counts are [items].
    """
    day = np.floor(np.asarray(time) - start).astype(np.int64)
    clicked = np.where(seen.taken >= 0, day, -1)
    for today in range(WEEK, int(day.max(initial=-1)) + 1):
        recent = seen.taken[(clicked >= today - WEEK) & (clicked >= 0) & (clicked < today)]
        if len(recent):
            yield np.flatnonzero(day == today), np.bincount(recent, minlength=items)


def diversity(items: Int32s, mixture: Floats) -> Floats:
    """Mean cosine distance over the pairs of each slate [n], as in `ranking.intra_list_diversity`; NaN for one item.

    By the length of the sum of a slate's unit vectors, place by place, so that no pair is formed.
    """
    slots = items.shape[1]
    out = np.full(len(items), np.nan)
    if slots < 2:
        return out
    unit = mixture / np.sqrt((mixture**2).sum(axis=1, keepdims=True))
    for at in range(0, len(items), BLOCK):
        rows = slice(at, at + BLOCK)
        total = np.zeros((len(items[rows]), unit.shape[1]))
        for place in range(slots):
            total += unit[items[rows, place]]
        alike = ((total**2).sum(axis=1) - slots) / (slots * (slots - 1))
        out[rows] = 1.0 - alike
    return out


def catalogue_use(items: Int32s, user: Int64s, live: Bools) -> dict[str, Estimate]:
    """`coverage` and `gini` of what was shown, as in `driftline.evaluation.ranking`; empty where nothing was.

    items [n, slots]; user [n], numbered from 0; live [items], which items were on the shelf. An item that was shown
    counts as live. Interval: delete-a-group jackknife over 20 groups of users (Kott 2001), Student's t with 19
    degrees of freedom; all agents have the same groups.
    """
    size = len(live)
    cell = (user % GROUPS)[:, None] * size + items
    count = np.bincount(cell.ravel(), minlength=GROUPS * size).reshape(GROUPS, size).astype(np.float64)
    catalogue = live | (count.sum(axis=0) > 0)
    count = count[count.sum(axis=1) > 0][:, catalogue]
    if not len(count):
        return {}
    whole = count.sum(axis=0)
    rest = whole - count
    return {
        "coverage": jackknifed(_share(whole), np.array([_share(each) for each in rest]), "coverage"),
        "gini": jackknifed(gini_index(whole), np.array([gini_index(each) for each in rest]), "gini"),
    }


def _share(count: Floats) -> float:
    return float((count > 0).mean())


def topic_entropy(
    user: Int64s, seen: Shown, mixture: Floats, thirds: dict[str, Bools]
) -> dict[tuple[str, str], Estimate]:
    """`topic_entropy` of each third and `topic_entropy_change` from the first to the last, by (metric, window).

    Rows are judged visits, sorted by (user, visit); thirds: which of them each window holds. The first five clicks
    of each user in each third, their items' true topics averaged, in bits (see `topic_entropy_over_time`).
    """
    place = np.full(len(user), -1)
    for number, holds in enumerate(thirds.values()):
        place[holds] = number
    rows = np.flatnonzero((seen.taken >= 0) & (place >= 0))
    curve = topic_entropy_over_time(
        user[rows],
        place[rows],
        mixture[seen.taken[rows]],
        window=1.0,
        end=float(len(thirds)),
    )
    found = {("topic_entropy", name): mean for name, mean in zip(thirds, curve.mean, strict=True)}
    if len(thirds) > 1:
        found["topic_entropy_change", "all"] = curve.change
    return found
