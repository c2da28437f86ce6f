import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.exceptions import InvalidOperationError, OutOfBoundsError

from driftline.sim.text.corpus import Segments, interned
from driftline.sim.types import NONE, SegmentTable

TABLE = Segments(("a rocket", "It was fine.", "Ünïcode, quotes “and” all", "what is orbit"))


def test_both_readers_and_the_frame_say_the_same() -> None:
    table: SegmentTable = TABLE
    codes = np.array([2, NONE, 0, 0, 3, 1, NONE], np.int32)
    frame = pl.DataFrame({"expressed": codes})
    eager = frame.select(TABLE.text_of("expressed"))["expressed"].to_list()
    lazy = frame.lazy().with_columns(TABLE.text_of("expressed").alias("said")).collect()["said"].to_list()
    single = [table.text(int(code)) for code in codes]
    assert single == table.texts(codes) == eager == lazy
    assert single[:3] == ["Ünïcode, quotes “and” all", "", "a rocket"]
    assert TABLE.frame().to_dict(as_series=False) == {"code": [0, 1, 2, 3], "text": list(TABLE.by_code)}
    assert TABLE.frame().schema == {"code": pl.Int32, "text": pl.String}


@given(st.lists(st.text(min_size=1), unique=True, max_size=20), st.data())
def test_readers_agree_on_any_table(texts: list[str], data: st.DataObject) -> None:
    table = Segments(tuple(texts))
    codes = data.draw(st.lists(st.integers(NONE, len(texts) - 1), max_size=30))
    frame = pl.DataFrame({"about": pl.Series(codes, dtype=pl.Int32)})
    assert frame.select(table.text_of("about"))["about"].to_list() == table.texts(np.array(codes, np.int32))


@pytest.mark.parametrize("code", [-2, 4, 1_000_000])
def test_an_unknown_code_is_refused_by_every_reader(code: int) -> None:
    with pytest.raises(IndexError, match=f"segment code {code}: must be -1 or in 0..3"):
        TABLE.text(code)
    with pytest.raises(IndexError, match=f"segment code {code}"):
        TABLE.texts(np.array([0, code], np.int32))
    with pytest.raises((InvalidOperationError, OutOfBoundsError)):
        pl.DataFrame({"about": [0, code]}).select(TABLE.text_of("about"))


def test_a_missing_code_has_no_text() -> None:
    frame = pl.DataFrame({"about": pl.Series([1, None], dtype=pl.Int32)})
    assert frame.select(TABLE.text_of("about"))["about"].to_list() == ["It was fine.", None]


def test_a_text_may_stand_in_the_table_once_only() -> None:
    with pytest.raises(ValueError, match="'b' stands there more than once"):
        Segments(("a", "b", "c", "b"))
    assert interned(["b", "a", "b", "c"]) == {"b": 0, "a": 1, "c": 2}


def test_the_table_is_frozen_and_holds_nothing_but_texts() -> None:
    assert Segments.__slots__ == ("by_code",)
    assert all(type(text) is str for text in TABLE.by_code)
    with pytest.raises(AttributeError):
        TABLE.by_code = ()  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE
    assert len(TABLE) == 4
