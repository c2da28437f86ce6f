"""Judged visits made up in memory: a few stated by hand, and two agents of which one is better by construction."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from driftline.evaluation.metrics import Judged, Probed
from driftline.evaluation.run.shown import Shown, TrueItems
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

COLUMNS: Mapping[str, tuple[type[pl.DataType], Any]] = {
    "group": (pl.Int8, 0),
    "change_point": (pl.Boolean, False),
    "since_change": (pl.Int32, None),
    "dwell": (pl.Float64, 0.0),
    "rating": (pl.Float64, None),
    "reward": (pl.Float64, 0.0),
    "regret": (pl.Float64, 0.0),
    "regret_in_item_space": (pl.Float64, None),
    "bound": (pl.Boolean, False),
}
"""Columns of the judged visits, and what they hold where nothing else is said."""
BESIDE = ("user", "visit", "time", "choice", "click", "items", "taken", "mixture", "scores", "utility", "dominant")
"""What else a case may state; columns that are not stated follow from those that are."""
USERS, VISITS, SLATE, TOPICS, PROBES = 40, 30, 4, 6, 18
ITEMS = 2 * 10 * TOPICS
"""Ten good and ten bad ones of each topic."""


def stated(columns: Mapping[str, Any]) -> Judged:
    """The visits of a case computed by hand: what it states, and something harmless elsewhere.

    One user comes once a day from day 0 on, is shown the items 0 and 1, and takes nothing. Each item has a topic of
    its own, and all of them are live.
    """
    for name in columns:
        if name not in (*COLUMNS, *BESIDE):
            raise InputError(f"case: column {name!r} is unknown; {hint(name, (*COLUMNS, *BESIDE))}")
    n = len(next(column for name, column in columns.items() if name not in ("mixture", "dominant")))
    items = np.asarray(columns.get("items", [[0, 1]] * n), dtype=np.int32)
    taken = np.asarray(columns.get("taken", [-1] * n), dtype=np.int64)
    place = np.where(taken >= 0, (items == taken[:, None]).argmax(axis=1), items.shape[1])
    visit = np.asarray(columns.get("visit", range(n)), dtype=np.int32)
    own = {
        "user": pl.Series(columns.get("user", [1] * n), dtype=pl.Int64),
        "visit": pl.Series(visit),
        "time": pl.Series(columns.get("time", visit), dtype=pl.Float64),
        "choice": pl.Series(columns.get("choice", place), dtype=pl.Int8),
        "click": pl.Series(columns.get("click", taken >= 0), dtype=pl.Float64),
    }
    rest = {name: pl.Series(columns.get(name, [fill] * n), dtype=kind) for name, (kind, fill) in COLUMNS.items()}
    mixture = np.asarray(columns.get("mixture", np.eye(int(items.max()) + 1)), dtype=np.float64)
    utility = np.asarray(columns.get("utility", np.zeros((n, 1))), dtype=np.float64)
    scores = np.asarray(columns.get("scores", utility), dtype=np.float64)
    dominant = np.asarray(columns.get("dominant", range(utility.shape[1])), dtype=np.int64)
    probed = Probed(np.arange(len(utility)), scores, utility, dominant, 1.0)
    life = np.zeros(len(mixture)), np.full(len(mixture), np.inf)
    return _judged(pl.DataFrame({**own, **rest}), Shown(items, taken), TrueItems(mixture, *life), probed)


def served(good: bool) -> Judged:
    """Forty users served by an agent that shows the best slates there are, or by one that shows the worst.

    Both draw from the same number of items of each topic, with one stream of chance: the good agent's items are taken
    more often, higher up, longer, with better ratings and more reward; its regret is lower and its scores are nearer
    to the truth. In variety and in popularity the two are alike.
    """
    rng = np.random.default_rng(2024)
    n = USERS * VISITS
    home = rng.normal(0.0, 1.5, (USERS, TOPICS))
    fresh = rng.normal(0.0, 1.5, (USERS, TOPICS))
    user, visit = np.repeat(np.arange(USERS), VISITS), np.tile(np.arange(VISITS), USERS)
    jumps = (user % 2 == 0) & (visit == VISITS // 2)
    later = (user % 2 == 0) & (visit >= VISITS // 2)
    theta = np.where(later[:, None], fresh[user], home[user])
    mixture = np.tile(np.eye(TOPICS), (ITEMS // TOPICS, 1)) * 0.9 + 0.1 / TOPICS
    pool = np.argsort(rng.random((n, ITEMS // 2)), axis=1)[:, :SLATE]
    items = (pool + (0 if good else ITEMS // 2)).astype(np.int32)
    luck, mood = rng.random(n), rng.random(n)
    takes = luck < (0.8 if good else 0.35)
    place = np.where(takes, (mood * (2 if good else SLATE)).astype(np.int64), SLATE)
    pleased = (0.5 if good else -0.1) + 0.4 * (mood - 0.5)
    missed = (0.02 if good else 0.3) + 0.1 * mood
    rated = takes & (rng.random(n) < 0.2)
    columns = {
        "user": user + 1000,
        "visit": visit,
        "time": visit + 0.5 * rng.random(n),
        "group": user % 3 == 0,
        "change_point": jumps,
        "since_change": [int(v - VISITS // 2) if late else None for v, late in zip(visit, later, strict=True)],
        "choice": place,
        "dwell": np.where(takes, (60.0 if good else 20.0) * (0.5 + mood), 0.0),
        "rating": [float(r) if known else None for r, known in zip(np.round(3 + 2 * pleased), rated, strict=True)],
        "reward": np.where(takes, pleased, 0.0),
        "regret": missed,
        "regret_in_item_space": 0.5 * missed,
        "items": items,
        "taken": np.where(takes, items[np.arange(n), np.minimum(place, SLATE - 1)], -1),
        "mixture": mixture,
        "utility": theta @ mixture[:PROBES].T,
        "dominant": mixture[:PROBES].argmax(axis=1),
    }
    noise = rng.normal(0.0, 1.0, (n, PROBES))
    truth = columns["utility"]
    return stated({**columns, "scores": truth + 0.2 * noise if good else 0.2 * truth + 2.0 * noise})


def relabelled(judged: Judged) -> tuple[Judged, Int64s]:
    """The same visits under other names of users and items, and the row that each of them had before [n].

    Users keep the order of their own visits, but come in another order.
    """
    rng = np.random.default_rng(7)
    known, code = np.unique(judged.visits["user"].to_numpy(), return_inverse=True)
    user = (10**6 + 17 * rng.permutation(len(known)))[code]
    order = np.lexsort((judged.visits["visit"].to_numpy(), user))
    new_id = rng.permutation(len(judged.catalogue))
    old_id = np.argsort(new_id)
    visits = judged.visits.with_columns(user=pl.Series(user, dtype=pl.Int64))[order]
    taken = np.where(judged.taken >= 0, new_id[np.maximum(judged.taken, 0)], -1)[order]
    items = new_id[judged.items][order].astype(np.int32)
    old = judged.catalogue
    catalogue = TrueItems(old.mixture[old_id], old.born[old_id], old.retired[old_id])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    row = place[judged.probed.row]
    by_row = np.argsort(row)
    probed = replace(
        judged.probed,
        row=row[by_row],
        scores=judged.probed.scores[by_row],
        utility=judged.probed.utility[by_row],
    )
    return _judged(visits, Shown(items, taken), catalogue, probed), order


def _judged(visits: pl.DataFrame, shown: Shown, catalogue: TrueItems, probed: Probed) -> Judged:
    """With arrays that nobody can write to."""
    arrays: tuple[Floats | Any, ...] = (
        shown.items,
        shown.taken,
        catalogue.mixture,
        catalogue.born,
        catalogue.retired,
        probed.row,
        probed.scores,
        probed.utility,
        probed.dominant,
    )
    for array in arrays:
        array.flags.writeable = False
    return Judged(visits, 0.0, lambda: shown, lambda: catalogue, lambda: probed)
