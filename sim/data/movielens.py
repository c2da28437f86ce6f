"""MovieLens (Harper & Konstan 2015) from a folder in either of its official layouts.

`u.item, u.data`: bars, Latin-1, 19 genre flags (100K). `movies.csv, ratings.csv`: commas, UTF-8 (others).
"""

import re
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.data.csv import Format, folder_of, held, missing
from driftline.sim.data.events import EventColumns, RealData, births, events
from driftline.sim.data.tables import Table, distinct_ids, read_csv, refuse, texts
from driftline.sim.data.topics import mixtures
from driftline.sim.types import Floats

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller"),
    *("War", "Western"),
)
NO_GENRE = ("unknown", "(no genres listed)")
EITHER = ("utf-8", "latin-1")
BARS = Format("|", None, EITHER, ("movieId", "title", "released", "video", "url", *GENRES))
TABS = Format("\t", None, EITHER, ("userId", "movieId", "rating", "timestamp"))
COMMAS = Format(",", '"', EITHER)
COLUMNS = EventColumns("userId", "movieId", "timestamp", "rating", kind="", text="")
LAYOUTS = (("u.item", "u.data"), ("movies.csv", "ratings.csv"))
YEAR = re.compile(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")


def load_movielens(folder: Path | str) -> RealData:
    """Movies, genres and ratings; the layout is found by the file names.

    Genres share a movie equally; a movie without any (`(no genres listed)`, `unknown`) is uniform and not
    `labelled`. Titles stay as they are. Release: the date of `u.item`, else 1 January of the title's year.
    """
    path = folder_of(folder)
    names = set(held(path))
    layout = next((files for files in LAYOUTS if files[0] in names or files[1] in names), None)
    if layout is None:
        raise missing(path, "u.item and u.data, nor movies.csv and ratings.csv", (*LAYOUTS[0], *LAYOUTS[1]))
    for name in layout:
        if name not in names:
            raise missing(path, f"{name} beside {layout[1 - layout.index(name)]}", (name,))
    if layout[0] == "u.item":
        movies = read_csv(path / "u.item", BARS)
        return _joined(movies, _flagged(movies), read_csv(path / "u.data", TABS))
    movies = read_csv(path / "movies.csv", COMMAS)
    movies.check_columns(("movieId", "title", "genres"))
    genres = [_genres(cell.split("|")) for cell in texts(movies, "genres")]
    ratings = read_csv(path / "ratings.csv", COMMAS)
    ratings.check_columns(("userId", "movieId", "rating", "timestamp"))
    return _joined(movies, genres, ratings)


def _joined(movies: Table, genres: list[list[str]], ratings: Table) -> RealData:
    item_ids, titles = distinct_ids(movies, "movieId"), texts(movies, "title")
    found = events(ratings, COLUMNS, item_ids, movies.path.name, ratings=(0.5, 5.0))
    topics, mixture, labelled = mixtures(genres, movies.path)
    all_titles = tuple(titles.to_list())
    return RealData(
        item_ids=tuple(item_ids.to_list()),
        titles=all_titles,
        texts=all_titles,
        topics=topics,
        mixture=mixture,
        labelled=labelled,
        domains=("video",),
        domain=np.zeros(len(movies), np.int8),
        born=births(_released(movies, all_titles), found),
        user_ids=found.user_ids,
        user=found.user,
        item=found.item,
        time=found.time,
        rating=found.rating,
        kind=found.kind,
        comments=found.comments,
    )


def _genres(cell: list[str]) -> list[str]:
    return [name.strip() for name in cell if name.strip() and name.strip() not in NO_GENRE]


def _flagged(movies: Table) -> list[list[str]]:
    """The genres of each row of `u.item`, whose flags must be 0 or 1."""
    for name in GENRES:
        column = movies.frame[name]
        refuse(movies, name, column, ~column.fill_null("").is_in(["0", "1"]), "a genre flag, 0 or 1")
    flags = movies.frame.select(pl.col(GENRES) == "1").to_numpy()
    return [_genres([GENRES[k] for k in np.flatnonzero(row)]) for row in flags]


def _released(movies: Table, titles: tuple[str, ...]) -> Floats:
    """Unix seconds of the release, NaN where neither a date nor the title's year tells it."""
    years = [int(match[1]) if (match := YEAR.search(title)) else None for title in titles]
    by_year = pl.DataFrame({"year": pl.Series(years, dtype=pl.Int32)})
    day = by_year.select(pl.date("year", 1, 1).alias("day"))["day"]
    if "released" in movies:
        stated = movies.frame["released"]
        dates = stated.str.to_date("%d-%b-%Y", strict=False)
        refuse(movies, "released", stated, dates.is_null() & stated.is_not_null(), "a date as 01-Jan-1995")
        day = dates.fill_null(day)
    return day.dt.epoch("s").cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
