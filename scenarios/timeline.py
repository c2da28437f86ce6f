"""One user's life in a run: what was shown, taken, written and rated, and what the user truly wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from driftline.scenarios.api import Run, readable
from driftline.sim.errors import InputError
from driftline.sim.types import BehaviorKind, Floats

TOP = 3
Known = dict[str, Any]
"""A row of truth."""
Shares = tuple[tuple[str, float], ...]
"""Topics and their shares of the interest, largest first."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit."""

    visit: int
    time: float
    """Days."""
    shown: tuple[str, ...]
    taken: int | None
    """Position of the item that was taken."""
    dwell: float
    rating: float | None
    satisfaction: float | None
    """The truth; None where it was not logged."""
    written: tuple[str, ...]
    """Queries and comments from this visit until the next one."""
    bought: tuple[str, ...]
    before: Shares
    """True interest at this visit; empty where it was not logged."""
    after: Shares
    """True interest at the next visit; empty for the last one."""
    jumped: bool
    """Whether the interest jumped since the visit before."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One user under one agent on one seed."""

    user: int
    group: str | None
    past: tuple[tuple[str, float | None], ...]
    """Titles this user rated before the run, and the ratings (real data only)."""
    moments: tuple[Moment, ...]


def timeline(run: Run, agent: str, seed: int, user: int = 1, first: float = 0.0, most: int = 10) -> Timeline:
    """At most `most` visits of a user from day `first` on.

    user: a pseudonym of the log, or a place among its users, in the order of their first visits: 1 came first.

    Raises:
        InputError: this user has no visit in this run; names some that have.
    """
    with readable():
        files = run.files
        user = _pseudonym(files.log(agent, seed), user)
        visits = files.log(agent, seed).filter(pl.col("user") == user).sort("time", "visit").collect()
        if visits.is_empty():
            raise InputError(_unknown(run, agent, seed, user))
        truth = _truth(run, agent, seed, user)
        behaviors = files.behaviors(agent, seed).filter(pl.col("user") == user).sort("time").collect()
        titles = dict(files.items(seed).select("item", "text").collect().iter_rows())
        rows = visits.with_row_index("row").filter(pl.col("time") >= first).head(most)["row"].to_list()
        words = _texts(run, seed, [*titles.values(), *behaviors["about"], *behaviors["expressed"]])
        names = {item: words.get(code, "") for item, code in titles.items()}
        past = _past(files.path / "log" / f"past-{seed}.parquet", user, names)
    moments = [_moment(run, visits, truth, behaviors, names, words, row) for row in rows]
    groups = {row["group"] for row in truth.values()}
    group = run.files.groups[groups.pop()] if len(groups) == 1 else None
    return Timeline(user, group, past, tuple(moments))


def _pseudonym(log: pl.LazyFrame, user: int) -> int:
    """The user at that place of the log; any other number is a pseudonym already."""
    users = log.group_by("user").agg(pl.col("time").min()).sort("time", "user").collect()["user"]
    return int(users[user - 1]) if 1 <= user <= len(users) and user not in users else user


def _moment(
    run: Run,
    visits: pl.DataFrame,
    truth: dict[int, Known],
    behaviors: pl.DataFrame,
    names: dict[int, str],
    words: dict[int, str],
    row: int,
) -> Moment:
    now = visits.row(row, named=True)
    later = visits.row(row + 1, named=True) if row + 1 < len(visits) else None
    end = later["time"] if later else np.inf
    since = behaviors.filter((pl.col("time") >= now["time"]) & (pl.col("time") < end)).rows(named=True)
    known, known_later = truth.get(now["visit"]), truth.get(later["visit"]) if later else None
    return Moment(
        visit=now["visit"],
        time=now["time"],
        shown=tuple(names.get(item, f"item {item}") for item in now["items"]),
        taken=now["choice"] if now["choice"] < len(now["items"]) else None,
        dwell=now["dwell"],
        rating=now["rating"],
        satisfaction=_number(known, "satisfaction"),
        written=tuple(_written(each, words) for each in since if _written(each, words)),
        bought=tuple(names.get(e["item"], "") for e in since if e["kind"] == BehaviorKind.PURCHASE),
        before=_shares(known, run.files.topics),
        after=_shares(known_later, run.files.topics),
        jumped=bool(known and known["change_point"]),
    )


def _truth(run: Run, agent: str, seed: int, user: int) -> dict[int, Known]:
    """Truth rows by visit; empty where the truth was not logged."""
    how = cast("Known", run.files.scenario.get("run", {}))
    if how.get("truth") == "off":
        return {}
    columns = ("visit", "group", "interest_before", "satisfaction", "change_point")
    frame = run.files.truth(agent, seed).filter(pl.col("user") == user).select(columns).collect()
    return {row["visit"]: row for row in frame.iter_rows(named=True)}


def _texts(run: Run, seed: int, codes: Iterable[int]) -> dict[int, str]:
    wanted = pl.Series(sorted({int(code) for code in codes}), dtype=pl.Int32)
    frame = run.files.segments(seed).filter(pl.col("code").is_in(wanted.implode())).select("code", "text").collect()
    return dict(frame.iter_rows())


def _written(behavior: dict[str, int], words: dict[int, str]) -> str:
    if behavior["kind"] == BehaviorKind.SEARCH:
        return f"searched: {words.get(behavior['about'], '')}"
    return words.get(behavior["expressed"], "") if behavior["kind"] == BehaviorKind.CONSUME else ""


def _past(path: Path, user: int, names: dict[int, str]) -> tuple[tuple[str, float | None], ...]:
    if not path.is_file():
        return ()
    frame = pl.read_parquet(path).filter(pl.col("user") == user).sort("time")
    return tuple(
        (names.get(item, f"item {item}"), rating) for item, rating in frame.select("item", "rating").iter_rows()
    )


def _shares(known: Known | None, topics: tuple[str, ...]) -> Shares:
    if known is None:
        return ()
    logits: Floats = np.asarray(known["interest_before"], dtype=np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return tuple((topics[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")[:TOP])


def _number(known: Known | None, key: str) -> float | None:
    return float(known[key]) if known else None


def _unknown(run: Run, agent: str, seed: int, user: int) -> str:
    users = run.files.log(agent, seed).group_by("user").len().sort("len", "user", descending=[True, False]).collect()
    names = ", ".join(str(each) for each in users["user"].head(3))
    return (
        f"user {user} has no visits under agent {agent!r}, seed {seed}: say 1 to {len(users)}, by first visit, "
        f"or a pseudonym, for instance {names}"
    )
