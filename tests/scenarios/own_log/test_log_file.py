"""What a log's file becomes: numbers, dates and texts, each as its owner would expect."""

import gzip
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


@pytest.mark.parametrize("odd", ["1.5", "x", "007", "99999999999999999999"])
def test_long_ids_are_told_apart_whatever_stands_beside_them(tmp_path: Path, odd: str) -> None:
    """As floats 400 ids beyond 2^53 would be about 50."""
    ids = [str(9_007_199_254_740_993 + k) for k in range(400)]
    log = _log(tmp_path, "id,v\n" + "".join(f"{each},1\n" for each in [*ids, odd]))
    found, distinct = codes(labels(log, "user", "id"))
    assert len(set(found.tolist())) == 401
    assert {str(each) for each in distinct} == {*ids, odd}


def test_a_zero_in_front_belongs_to_an_id_and_not_to_a_number(tmp_path: Path) -> None:
    log = _log(tmp_path, "id,v\n7,007\n07,1.5\n")
    assert len(set(codes(labels(log, "user", "id"))[0].tolist())) == 2
    assert numbers(log, "value", "v").tolist() == [7.0, 1.5]


def test_floats_that_merge_ids_are_refused() -> None:
    log = read_log(pl.DataFrame({"id": [1.5, 9_007_199_254_740_994.0]}))
    with pytest.raises(InputError, match=r"row 2: column 'id' \(user\) is 9\.0072e\+15; labels beyond 2\^53"):
        labels(log, "user", "id")


def test_a_packed_file_is_read_as_the_file_itself(tmp_path: Path) -> None:
    plain = _log(tmp_path, TEXT)
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(TEXT.encode()))
    assert read_log(packed).frame.equals(plain.frame)
    with pytest.raises(InputError, match=r"log\.csv\.gz, line 2: column 'note' \(value\) is ' one'; must be a finite"):
        numbers(read_log(packed), "value", "note")
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"log\.csv\.gz: cannot be unpacked"):
        read_log(packed)
    (tmp_path / "log.txt.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"must end in .csv, .tsv \(either with .gz\) or .parquet, not .txt.gz"):
        read_log(tmp_path / "log.txt.gz")
