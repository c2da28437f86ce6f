"""What a log's file becomes: numbers, dates and texts, each as its owner would expect."""

from pathlib import Path

import polars as pl
import pytest

from driftline.scenarios.own_log.log_file import codes, labels, numbers, read_log, times
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError

TEXT = """ id , price,day,at,zoned,seen,note
u1,9,2024-05-31,2024-05-31T18:00:00,2024-05-31T18:00:00Z,true, one
u2,9.5,2024-06-01,2024-06-01 06:00:00.5,2024-06-01T00:00:00+02:00,false,2024-05-31
"""


def _log(tmp_path: Path, text: str) -> Table:
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    return read_log(tmp_path / "log.csv")


def test_columns_have_the_types_of_their_cells(tmp_path: Path) -> None:
    frame = _log(tmp_path, TEXT).frame
    assert frame.columns == ["id", "price", "day", "at", "zoned", "seen", "note"]
    kinds = [pl.String, pl.Float64, pl.Date, pl.Datetime("us"), pl.Datetime("us", "UTC"), pl.Boolean, pl.String]
    assert frame.dtypes == kinds


@pytest.mark.parametrize(("column", "days"), [("day", 1.0), ("at", 0.5 + 0.5 / 86_400), ("zoned", 4 / 24)])
def test_dates_are_days_since_the_first(tmp_path: Path, column: str, days: float) -> None:
    found, unit = times(_log(tmp_path, TEXT), "time", column)
    assert found == pytest.approx([0.0, days], abs=1e-9)
    assert unit == "days"


def test_numbers_are_times_as_they_are(tmp_path: Path) -> None:
    found, unit = times(_log(tmp_path, TEXT), "time", "price")
    assert found.tolist() == [9.0, 9.5]
    assert unit == "units of time"
    with pytest.raises(InputError, match="column 'seen' \\(time\\) must hold numbers or dates, got Boolean"):
        times(_log(tmp_path, TEXT), "time", "seen")
    with pytest.raises(InputError, match="line 2: column 'id' is 'u1'; expected unix seconds"):
        times(_log(tmp_path, TEXT), "time", "id")


def test_true_and_false_are_one_and_zero(tmp_path: Path) -> None:
    assert numbers(_log(tmp_path, TEXT), "reward", "seen").tolist() == [1.0, 0.0]
    with pytest.raises(InputError, match="column 'day' \\(reward\\) must hold numbers, got Date"):
        numbers(_log(tmp_path, TEXT), "reward", "day")


def test_labels_are_told_apart_by_kind_and_sorted() -> None:
    frame = pl.DataFrame({"a": [3, 1, 3], "b": ["x ", "y", "x"], "c": [True, False, True], "d": [0.5, 0.25, 0.5]})
    log = read_log(frame)
    for column, expected in (("a", [1, 0, 1]), ("b", [0, 1, 0]), ("c", [1, 0, 1]), ("d", [1, 0, 1])):
        found, distinct = codes(labels(log, "user", column))
        assert found.tolist() == expected
        assert len(distinct) == 2
    with pytest.raises(InputError, match="frame, row 2: column 'd' \\(user\\) is NaN"):
        labels(read_log(pl.DataFrame({"d": [0.5, float("nan")]})), "user", "d")


def test_what_is_no_log_is_named() -> None:
    with pytest.raises(InputError, match="the log's frame has no rows"):
        read_log(pl.DataFrame({"a": []}))
    with pytest.raises(InputError, match="log is list; must be the path of a file, or a Polars DataFrame"):
        read_log([1, 2])  # type: ignore[arg-type]
