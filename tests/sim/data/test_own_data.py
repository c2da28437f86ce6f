"""A shop's own two files are read with the meaning that the shop gave them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.sim.data.own_data import load_own_data
from driftline.sim.types import BehaviorKind

ITEMS = """item_id,title,text,topics,domain,born
b-2,"Boots, brown",Sturdy leather,shoes|winter,fashion,2024-01-01
a-1,Sandals,,shoes; summer,fashion,
c-3,"Novel
in two lines",A story,,books,
"""
LOG = """user_id,item_id,time,rating,kind,text
ann,b-2,2024-03-01T12:00:00Z,4.5,buy,"Nice, warm"
bob,a-1,2024-03-02 13:30:00+01:30,,View,
ann,c-3,2024-02-01,2,,
"""


def write(folder: Path, items: str = ITEMS, log: str = LOG, encoding: str = "utf-8") -> Path:
    (folder / "items.csv").write_text(items, encoding=encoding)
    (folder / "interactions.csv").write_text(log, encoding=encoding)
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_files_are_read_whole(tmp_path: Path, encoding: str) -> None:
    data = load_own_data(write(tmp_path, encoding=encoding))
    assert data.item_ids == ("b-2", "a-1", "c-3")
    assert data.titles == ("Boots, brown", "Sandals", "Novel\nin two lines")
    assert data.texts == ("Boots, brown Sturdy leather", "Sandals", "Novel\nin two lines A story")
    assert data.topics == ("shoes", "summer", "winter")
    np.testing.assert_allclose(data.mixture, [[0.5, 0, 0.5], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)
    assert data.labelled.tolist() == [True, True, False]
    assert data.domains == ("books", "fashion")
    assert data.domain.tolist() == [1, 1, 0]
    assert data.user_ids == ("ann", "bob")
    assert data.user.tolist() == [0, 0, 1]
    assert data.item.tolist() == [2, 0, 1]
    np.testing.assert_allclose(data.time, [-30.5, -1.0, 0.0])
    np.testing.assert_array_equal(data.rating, np.array([2.0, 4.5, np.nan], np.float32))
    assert data.kind.tolist() == [BehaviorKind.CONSUME, BehaviorKind.PURCHASE, BehaviorKind.CONSUME]
    assert data.comments == ("", "Nice, warm", "")
    np.testing.assert_allclose(data.born, [-61.5, 0.0, -30.5])


def test_the_required_columns_alone_are_enough(tmp_path: Path) -> None:
    items = "title,item_id,topics\nOne,1,a\nTwo,2,b\n"
    data = load_own_data(write(tmp_path, items, "time,user_id,item_id\n86400,9,2\n0,10,1\n"))
    assert data.texts == data.titles == ("One", "Two")
    assert data.user_ids == ("9", "10"), "by number, not by text"
    assert np.isnan(data.rating).all()
    assert data.comments is None
    np.testing.assert_allclose(data.born, [-1.0, 0.0])


def test_parquet_files_with_typed_columns_mean_the_same_as_csv(tmp_path: Path) -> None:
    items = pl.DataFrame(
        {
            "item_id": ["b-2", "a-1", "c-3"],
            "title": ["Boots, brown", "Sandals", "Novel\nin two lines"],
            "text": ["Sturdy leather", None, "A story"],
            "topics": [["shoes", "winter"], ["shoes", "summer"], None],
            "domain": pl.Series(["fashion", "fashion", "books"], dtype=pl.Categorical),
            "born": [datetime(2024, 1, 1, tzinfo=UTC), None, None],
        }
    )
    log = pl.DataFrame(
        {
            "user_id": ["ann", "bob", "ann"],
            "item_id": ["b-2", "a-1", "c-3"],
            "time": [datetime(2024, 3, 1, 12), datetime(2024, 3, 2, 12), datetime(2024, 2, 1)],
            "rating": [4.5, None, 2.0],
            "kind": ["buy", "view", None],
            "text": ["Nice, warm", None, None],
        }
    )
    typed, plain = tmp_path / "parquet", tmp_path / "csv"
    typed.mkdir()
    plain.mkdir()
    items.write_parquet(typed / "items.parquet")
    log.write_parquet(typed / "interactions.parquet")
    one, other = load_own_data(typed), load_own_data(write(plain))
    for name in ("item_ids", "titles", "texts", "topics", "domains", "user_ids", "comments"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("mixture", "labelled", "domain", "born", "user", "item", "time", "rating", "kind"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_whole_number_ids_of_a_parquet_file_match_those_of_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title,topics\n7,One,a\n8,Two,b\n")
    pl.DataFrame({"user_id": [1, 2], "item_id": [8, 7], "time": [0, 10]}).write_parquet(
        tmp_path / "interactions.parquet"
    )
    assert load_own_data(tmp_path).item.tolist() == [1, 0]


def test_blank_lines_and_spaces_around_cells_do_not_count(tmp_path: Path) -> None:
    items = "item_id , title,topics\n\n 1 , One , a | b \n\n2,Two,b\n   \n"
    data = load_own_data(write(tmp_path, items, "user_id,item_id,time\nu, 1 ,5\n"))
    assert (data.item_ids, data.titles, data.topics) == (("1", "2"), ("One", "Two"), ("a", "b"))


def test_without_topics_the_texts_are_clustered(tmp_path: Path) -> None:
    kinds = ("running shoe trail grip", "espresso bean dark roast", "novel crime detective story")
    rows = [f"{i},Item {i},{kinds[i % 3]}" for i in range(30)]
    folder = write(tmp_path, "item_id,title,text\n" + "\n".join(rows), "user_id,item_id,time\nu,1,5\n")
    data = load_own_data(folder, topics=3)
    label = data.mixture.argmax(axis=1)
    assert all(len(set(label[kind::3].tolist())) == 1 for kind in range(3))
    assert len(set(label[:3].tolist())) == 3
    assert set(data.topics[label[1]].split()) < set(kinds[1].split())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1970-01-11", 10.0),
        ("1970-01-11T06:00", 10.25),
        ("1970-01-11 06:00:00.5", 10.25 + 0.5 / 86_400),
        ("1970-01-11T06:00:00Z", 10.25),
        ("1970-01-11T06:00:00-06:00", 10.5),
        ("1970-01-11T06:00:00+0130", 10.25 - 1.5 / 24),
        ("864000", 10.0),
        ("8.64e5", 10.0),
    ],
)
def test_a_time_may_be_unix_seconds_or_iso(tmp_path: Path, text: str, day: float) -> None:
    epoch = "0" if "-" not in text else "1970-01-01"
    log = f"user_id,item_id,time\nu,1,{epoch}\nu,2,{text}\n"
    data = load_own_data(write(tmp_path, "item_id,title,topics\n1,One,a\n2,Two,b\n", log))
    np.testing.assert_allclose(data.time, [-day, 0.0], rtol=1e-12)
