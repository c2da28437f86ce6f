"""One user's life in a run: what was shown, taken, written and rated, and what the user truly wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import polars as pl

from driftline.evaluation.run.folder import RunFolder
from driftline.sim.errors import InputError
from driftline.sim.types import NONE, BehaviorKind, Floats

TOP = 3
"""Topics of an interest that are named."""
Row = dict[str, Any]
Shares = tuple[tuple[str, float], ...]
"""Topics and their shares of the interest, largest first."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a user did of its own accord: a comment, a query, or a purchase by its title."""

    kind: Literal["wrote", "searched", "bought"]
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit."""

    visit: int
    time: float
    """Days."""
    shown: tuple[str, ...]
    """Titles."""
    taken: int | None
    """Position of the item that was taken."""
    dwell: float | None
    """Seconds; None where it was not logged."""
    rating: float | None
    satisfaction: float | None
    """The truth; None where it was not logged."""
    deeds: tuple[Deed, ...]
    """From this visit until the next one, in order of time."""
    before: Shares
    """True interest at this visit; empty where it was not logged."""
    after: Shares
    """True interest at the next visit; empty for the last one."""
    jumped: bool
    """Whether the interest jumped since the visit before."""

    @property
    def title(self) -> str:
        """Of what was taken, or empty."""
        return "" if self.taken is None else self.shown[self.taken]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One user under one agent on one seed."""

    user: int
    group: str | None
    past: tuple[tuple[str, float | None], ...]
    """Titles this user rated before the run, and the ratings (real data only)."""
    moments: tuple[Moment, ...]


def timeline(run: RunFolder, agent: str, seed: int, user: int = 1, first: float = 0.0, most: int = 10) -> Timeline:
    """At most `most` visits of a user from day `first` on.

    user: a pseudonym of the log, or a place among its users, in the order of their first visits: 1 came first.

    Raises:
        InputError: this user has no visit in this run (names some that have), or none from day `first` on.
        RunFolderError: the run lacks an agent, a seed or a file.
    """
    log = run.log(agent, seed)
    life = _Life(run, agent, seed, _pseudonym(log, user))
    if life.visits.is_empty():
        raise InputError(_unknown(log, agent, seed, user))
    moments = life.moments(pl.col("time") >= first)[:most]
    if not moments:
        last = float(life.visits["time"][-1])
        raise InputError(f"from = {first:g}: user {user} has no visit from then on; the last is on day {last:.2f}")
    groups = {row["group"] for row in life.truth.values()}
    group = run.groups[groups.pop()] if len(groups) == 1 else None
    return Timeline(life.user, group, life.past(), moments)


def moments_around(
    run: RunFolder, agent: str, seed: int, user: int, visit: int, before: int, after: int
) -> tuple[Moment, ...]:
    """A user's visits from `before` visits before one of them to `after` visits after it."""
    return _Life(run, agent, seed, user).moments(pl.col("visit").is_between(visit - before, visit + after))


class _Life:
    """What the logs hold of one user, and the texts of it."""

    def __init__(self, run: RunFolder, agent: str, seed: int, user: int) -> None:
        self.run, self.seed, self.user = run, seed, user
        own = pl.col("user") == user
        self.visits = run.log(agent, seed).filter(own).sort("time", "visit").collect()
        self.behaviors = run.behaviors(agent, seed).filter(own).sort("time", maintain_order=True).collect()
        self.truth = _truth(run, agent, seed, user)
        titles = dict(run.items(seed).select("item", "text").collect().iter_rows())
        self.texts = _texts(run, seed, [*titles.values(), *self.behaviors["about"], *self.behaviors["expressed"]])
        self.titles = {item: self.texts.get(code, "") for item, code in titles.items()}

    def moments(self, chosen: pl.Expr) -> tuple[Moment, ...]:
        """The chosen visits; "until the next one" looks at all of them."""
        rows = self.visits.with_row_index("row").filter(chosen)["row"]
        return tuple(self._moment(row) for row in rows)

    def _moment(self, row: int) -> Moment:
        now = self.visits.row(row, named=True)
        later = self.visits.row(row + 1, named=True) if row + 1 < len(self.visits) else None
        end = later["time"] if later else np.inf
        since = self.behaviors.filter((pl.col("time") >= now["time"]) & (pl.col("time") < end)).rows(named=True)
        known, known_later = self.truth.get(now["visit"]), self.truth.get(later["visit"]) if later else None
        return Moment(
            visit=now["visit"],
            time=now["time"],
            shown=tuple(self.titles.get(item, f"item {item}") for item in now["items"]),
            taken=now["choice"] if now["choice"] < len(now["items"]) else None,
            dwell=now.get("dwell"),
            rating=now.get("rating"),
            satisfaction=float(known["satisfaction"]) if known else None,
            deeds=tuple(deed for each in since if (deed := self._deed(each)) is not None),
            before=_shares(known, self.run.topics),
            after=_shares(known_later, self.run.topics),
            jumped=bool(known and known["change_point"]),
        )

    def _deed(self, behavior: Row) -> Deed | None:
        """None for what was taken without a word: the visit tells that."""
        if behavior["kind"] == BehaviorKind.SEARCH:
            return Deed("searched", self.texts.get(behavior["about"], ""))
        if behavior["kind"] == BehaviorKind.PURCHASE:
            return Deed("bought", self.texts.get(behavior["about"], ""))
        comment = self.texts.get(behavior["expressed"], "")
        return Deed("wrote", comment) if comment else None

    def past(self) -> tuple[tuple[str, float | None], ...]:
        """What this user rated before the run."""
        file: Path = self.run.path / "log" / f"past-{self.seed}.parquet"
        if not file.is_file():
            return ()
        frame = pl.read_parquet(file).filter(pl.col("user") == self.user).sort("time").select("item", "rating")
        return tuple((self.titles.get(item, f"item {item}"), rating) for item, rating in frame.iter_rows())


def _truth(run: RunFolder, agent: str, seed: int, user: int) -> dict[int, Row]:
    """Truth rows by visit; empty where the truth was not logged."""
    how = cast("Row", run.scenario.get("run", {}))
    if how.get("truth") == "off":
        return {}
    columns = ("visit", "group", "interest_before", "satisfaction", "change_point")
    frame = run.truth(agent, seed).filter(pl.col("user") == user).select(columns).collect()
    return {row["visit"]: row for row in frame.iter_rows(named=True)}


def _texts(run: RunFolder, seed: int, codes: Iterable[int]) -> dict[int, str]:
    wanted = pl.Series("code", sorted({int(code) for code in codes} - {NONE}), dtype=pl.Int32).to_frame().lazy()
    found = run.segments(seed).select(pl.col("code").cast(pl.Int32), "text").join(wanted, on="code", how="semi")
    return dict(found.collect().iter_rows())


def _shares(known: Row | None, topics: tuple[str, ...]) -> Shares:
    if known is None:
        return ()
    logits: Floats = np.asarray(known["interest_before"], dtype=np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return tuple((topics[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")[:TOP])


def _pseudonym(log: pl.LazyFrame, user: int) -> int:
    """The user at that place of the log; any other number is a pseudonym already."""
    users = log.group_by("user").agg(pl.col("time").min()).sort("time", "user").collect()["user"]
    return int(users[user - 1]) if 1 <= user <= len(users) and user not in users else user


def _unknown(log: pl.LazyFrame, agent: str, seed: int, user: int) -> str:
    users = log.group_by("user").len().sort("len", "user", descending=[True, False]).collect()
    names = ", ".join(str(each) for each in users["user"].head(3))
    return (
        f"user {user} has no visits under agent {agent!r}, seed {seed}: say 1 to {len(users)}, by first visit, "
        f"or a pseudonym, for instance {names}"
    )
