"""A shop's own catalogue and interactions: two files, CSV or Parquet.

items: `item_id, title[, text, topics, domain, born]`;
interactions: `user_id, item_id, time[, rating, kind, text]`.
"""

from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.data.csv import folder_of, held, missing
from driftline.sim.data.events import EventColumns, RealData, births, events
from driftline.sim.data.tables import Table, distinct_ids, read_csv, read_parquet, seconds, texts
from driftline.sim.data.topics import clustered_topics, mixtures
from driftline.sim.errors import DataError
from driftline.sim.types import Bools, Float32s, Int8s

ITEM_OPTIONS = ("text", "topics", "domain", "born")
EVENT_OPTIONS = ("rating", "kind", "text")
ANY_NUMBER = (-np.inf, np.inf)
NO_DOMAIN = "ecommerce"
"""The domain of items whose domain is not told."""


def load_own_data(folder: Path | str, *, topics: int = 16, seed: int = 0) -> RealData:
    """Items and interactions from `items.csv` or `.parquet` and `interactions.csv` or `.parquet`.

    The topics column holds `a|b|c`, `a;b` or lists; without it the texts are clustered into `topics`
    clusters, keyed by `seed`. Times (and `born`) are unix seconds, ISO dates or date-times, or typed Parquet
    columns. CSV is UTF-8 with commas. kind: consume, purchase or one of their synonyms.
    """
    path = folder_of(folder)
    shop, log = _read(path, "items"), _read(path, "interactions")
    shop.check_columns(("item_id", "title"), ITEM_OPTIONS)
    log.check_columns(("user_id", "item_id", "time"), EVENT_OPTIONS)
    item_ids, titles = distinct_ids(shop, "item_id"), texts(shop, "title")
    bodies = texts(shop, "text", required=False) if "text" in shop else pl.Series([""] * len(shop))
    reading = tuple(f"{title} {body}".strip() for title, body in zip(titles, bodies, strict=True))
    born = seconds(shop, "born", required=False) if "born" in shop else np.full(len(shop), np.nan)
    found = events(log, EventColumns(), item_ids, shop.path.name, ratings=ANY_NUMBER)
    domains, domain = _domains(shop)
    names, mixture, labelled = _topics(shop, reading, topics, seed)
    return RealData(
        item_ids=tuple(item_ids.to_list()),
        titles=tuple(titles.to_list()),
        texts=reading,
        topics=names,
        mixture=mixture,
        labelled=labelled,
        domains=domains,
        domain=domain,
        born=births(born, found),
        user_ids=found.user_ids,
        user=found.user,
        item=found.item,
        time=found.time,
        rating=found.rating,
        kind=found.kind,
        comments=found.comments,
    )


def _read(folder: Path, name: str) -> Table:
    """The one file of that name, CSV or Parquet."""
    files = (f"{name}.csv", f"{name}.parquet")
    there = [file for file in files if file in held(folder)]
    if len(there) == 2:
        raise DataError(folder, f"holds both {files[0]} and {files[1]}; expected one of them")
    if not there:
        raise missing(folder, f"{files[0]} or {files[1]}", files)
    return read_csv(folder / there[0]) if there[0] == files[0] else read_parquet(folder / there[0])


def _topics(shop: Table, reading: tuple[str, ...], topics: int, seed: int) -> tuple[tuple[str, ...], Float32s, Bools]:
    if "topics" not in shop:
        return clustered_topics(reading, topics, seed, shop.path)
    column = shop.frame["topics"]
    if isinstance(column.dtype, pl.List) and column.dtype.inner in (pl.String, pl.Categorical, pl.Enum):
        lists = column.cast(pl.List(pl.String)).to_list()
    elif isinstance(column.dtype, pl.List):
        raise DataError(shop.path, f"column 'topics' is {column.dtype}; expected text as 'a|b' or lists of text")
    else:
        told = texts(shop, "topics", required=False)
        lists = told.str.replace_all(";", "|", literal=True).str.split("|").to_list()
    names = [[name.strip() for name in own or () if name and name.strip()] for own in lists]
    return mixtures(names, f"{shop.path}, column 'topics'")


def _domains(shop: Table) -> tuple[tuple[str, ...], Int8s]:
    """Names, sorted, and each item's row in them."""
    if "domain" not in shop:
        return (NO_DOMAIN,), np.zeros(len(shop), np.int8)
    told = texts(shop, "domain", required=False).replace("", NO_DOMAIN)
    names = tuple(str(name) for name in told.unique().sort())
    if len(names) > 100:
        raise DataError(shop.path, f"column 'domain' names {len(names)} domains; expected at most 100")
    return names, np.searchsorted(np.array(names), told.to_numpy().astype(str)).astype(np.int8)
