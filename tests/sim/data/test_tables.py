"""Every unusable file is refused in one line that names file, line, value and what was expected."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline.sim.data.own_data import load_own_data
from driftline.sim.errors import DataError, InputError

ITEMS = 'item_id,title,topics\na,Alien,sf|horror\nb,"Good, Bad",western\n'
LOG = "user_id,item_id,time,rating\nu,a,100,3\nv,b,2000,4\n"


def refusal(folder: Path, items: str | bytes = ITEMS, log: str | bytes = LOG) -> str:
    for name, content in (("items.csv", items), ("interactions.csv", log)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as error:
        load_own_data(folder)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("", "items.csv: the file is empty; expected a header line and rows"),
        ("\n \n", "items.csv: the file is empty"),
        ("item_id,title,topics\n", "items.csv: the file has no rows; expected at least one"),
        (
            ITEMS.replace(",", ";"),
            "items.csv, line 1: 'item_id;title;topics' looks like it is separated by ';'",
        ),
        (
            ITEMS.replace(",", "\t"),
            "items.csv, line 1: 'item_id\\ttitle\\ttopics' looks like it is separated by tabs",
        ),
        (ITEMS.replace("title", "Titel"), "items.csv: no column 'title' among 'item_id', 'Titel', 'topics'"),
        (ITEMS.replace("title", "Titel"), "did you mean 'Titel'?"),
        (ITEMS.replace("topics", "topic"), "column 'topic' would not be read; did you mean 'topics'?"),
        (
            ITEMS.replace("topics", "title"),
            "items.csv, line 1: column 'title' occurs twice; expected distinct names",
        ),
        (ITEMS.replace("topics", ""), "items.csv, line 1: column 3 has no name"),
        (
            ITEMS + "a,Again,sf\n",
            "items.csv, line 4: item_id 'a' was given before, on line 2; expected every",
        ),
        (ITEMS + "\n\nc,,sf\n", "items.csv, line 6: column 'title' is empty; expected a value in every row"),
        (ITEMS + "c\n", "items.csv, line 4: column 'title' is empty"),
        (ITEMS + 'c,"two\nlines",sf\n,x,sf\n', "items.csv, line 6: column 'item_id' is empty"),
        (ITEMS + "c,Good, Bad,sf\n", "items.csv, line 4: has 4 fields, 'sf' the first too many; expected 3"),
        (ITEMS + 'c,"Alien,sf\n', "items.csv, line 4: cannot be read (unexpected end of data)"),
        (
            ITEMS + 'c,6" pipe,sf\n',
            "items.csv, line 4: a quote mark within 'c,6\" pipe,sf'; expected the field quoted",
        ),
        ('"item_id,title\n', "items.csv, line 1: cannot be read"),
        (ITEMS.encode() + b"c,Caf\xe9,sf\n", "items.csv, line 4: byte 0xe9 is not UTF-8; expected UTF-8"),
        (ITEMS.encode("utf-16"), "items.csv: the file is UTF-16; expected UTF-8"),
        (ITEMS.encode() + b"c,\0,sf\n", "items.csv, line 4: holds the byte 0x00; expected text"),
        (
            "item_id,title,topics\na,One,sf\nb,Two,\n",
            "column 'topics': names 1 distinct topics; expected 2 to 256",
        ),
        ("item_id,title\na,One\nb,Two\n", "are too few for 16 clusters; expected topics"),
        (
            ITEMS.replace("topics", "born").replace("western", "1979-05-25"),
            "column 'born' is 'sf|horror'; expected",
        ),
    ],
)
def test_a_bad_items_file_is_named(tmp_path: Path, items: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, items=items)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "u,zz,5,3",
            "interactions.csv, line 4: item_id 'zz' is not in items.csv; expected an id from that file",
        ),
        (
            "u,a,5,good",
            "interactions.csv, line 4: column 'rating' is 'good'; expected a finite number such as 4",
        ),
        ("u,a,5,inf", "interactions.csv, line 4: column 'rating' is 'inf'; expected a finite number"),
        ("u,a,,3", "interactions.csv, line 4: column 'time' is empty; expected unix seconds"),
        (
            "u,a,soon,3",
            "interactions.csv, line 4: column 'time' is 'soon'; expected unix seconds such as 881250949",
        ),
        ("u,a,881250949000,3", "line 4: column 'time' is '881250949000', which looks like milliseconds"),
        (",a,5,3", "interactions.csv, line 4: column 'user_id' is empty"),
        ("u;a;5;3", "interactions.csv, line 4: column 'item_id' is empty"),
    ],
)
def test_a_bad_interaction_is_named(tmp_path: Path, row: str, said: str) -> None:
    assert said in refusal(tmp_path, log=LOG + row + "\n")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "user_id,item_id,time\nu,a,2024-01-31\nu,a,2024-02-31\n",
            "line 3: column 'time' is '2024-02-31'; expected",
        ),
        (
            "user_id,item_id,time\nu,a,20240131\n",
            "column 'time' is '20240131', which looks like a date without dashes",
        ),
        ("user_id,item_id,time,kind\nu,a,1,Purchas\n", "line 2: kind 'purchas'; expected consume, view"),
        ("user_id,item_id,time,kind\nu,a,1,Purchas\n", "did you mean 'purchase'?"),
        (
            "user_id,item_id,timestamp\nu,a,1\n",
            "no column 'time' among 'user_id', 'item_id', 'timestamp'; expected",
        ),
        (
            "user_id,item_id,time,ratings\nu,a,1,3\n",
            "column 'ratings' would not be read; did you mean 'rating'?",
        ),
    ],
)
def test_a_bad_interactions_file_is_named(tmp_path: Path, log: str, said: str) -> None:
    assert said in refusal(tmp_path, log=log)


def test_a_missing_file_is_named_with_what_lies_there_instead(tmp_path: Path) -> None:
    (tmp_path / "item.csv").write_text(ITEMS)
    with pytest.raises(DataError, match=r"no items\.csv or items\.parquet; the folder holds 'item\.csv'; did you mean"):
        load_own_data(tmp_path)
    with pytest.raises(InputError, match="nowhere: no such folder; expected a folder of data"):
        load_own_data(tmp_path / "nowhere")


def test_two_files_of_the_same_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "items.parquet").write_bytes(b"")
    assert "holds both items.csv and items.parquet; expected one of them" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", LOG.encode()])
def test_a_file_that_is_not_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "interactions.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"interactions\.parquet: cannot be read .*expected a complete Parquet file"):
        load_own_data(tmp_path)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        (
            "item_id",
            [1.0, 2.0],
            r"interactions\.parquet: column 'item_id' is Float64; expected text or whole numbers",
        ),
        ("user_id", ["u", None], r"interactions\.parquet, row 2: column 'user_id' is empty"),
        ("time", [True, False], r"interactions\.parquet: column 'time' is Boolean; expected unix seconds"),
        ("time", [1, None], r"interactions\.parquet, row 2: column 'time' is empty"),
        (
            "rating",
            [[1], [2]],
            r"interactions\.parquet: column 'rating' is List\(Int64\); expected a finite number",
        ),
        ("text", [1, 2], r"interactions\.parquet: column 'text' is Int64; expected text"),
    ],
)
def test_a_parquet_column_of_the_wrong_type_is_named(
    tmp_path: Path, column: str, values: list[object], said: str
) -> None:
    (tmp_path / "items.csv").write_text(ITEMS)
    columns: dict[str, list[object]] = {"user_id": ["u", "v"], "item_id": ["a", "b"], "time": [1, 2]}
    pl.DataFrame({**columns, column: values}).write_parquet(tmp_path / "interactions.parquet")
    with pytest.raises(DataError, match=said):
        load_own_data(tmp_path)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), junk=st.binary(max_size=6), parquet=st.booleans())
def test_a_damaged_file_is_either_read_or_refused_never_a_crash(
    tmp_path: Path, cut: int, junk: bytes, parquet: bool
) -> None:
    name = "interactions.parquet" if parquet else "interactions.csv"
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "items.csv").write_text(ITEMS)
    if parquet:
        pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "time": [1]}).write_parquet(folder / name)
    else:
        (folder / name).write_text(LOG)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:cut] + junk + whole[cut + len(junk) :])
    message = f"{name}: nothing refused"
    try:
        users = load_own_data(folder).users
    except DataError as error:
        message, users = str(error), 1
    assert name in message
    assert users >= 1
