"""MovieLens is read alike from both official layouts."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from driftline.sim.data.events import RealData
from driftline.sim.data.movielens import GENRES, load_movielens
from driftline.sim.errors import DataError

MOVIES: list[tuple[int, str, list[str]]] = [
    (1, "Toy Story (1995)", ["Animation", "Children's", "Comedy"]),
    (2, "American President, The (1995)", ["Comedy", "Drama"]),
    (5, "Misérables, Les (1995)", ["Drama"]),
    (9, 'Nénette "et" Boni (1996)', ["Drama"]),
    (12, "unknown", []),
]
RATINGS = [
    (10, 1, 4, 881_250_949),
    (2, 5, 3, 881_250_949 - 86_400),
    (10, 9, 1, 881_250_949 - 43_200),
    (2, 12, 5, 881_250_949 - 864_000),
]


def write_bars(folder: Path, encoding: str = "latin-1") -> Path:
    folder.mkdir(exist_ok=True)
    rows = []
    for movie, title, genres in MOVIES:
        flags = ["1" if name in (genres or ["unknown"]) else "0" for name in GENRES]
        released = f"01-Jan-{title[-5:-1]}" if genres else ""
        rows.append("|".join([str(movie), title, released, "", "http://x", *flags]))
    (folder / "u.item").write_text("\n".join(rows) + "\n", encoding=encoding)
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in RATINGS))
    return folder


def write_commas(folder: Path, encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    lines = ["movieId,title,genres"]
    for movie, title, genres in MOVIES:
        quoted = '"' + title.replace('"', '""') + '"' if "," in title or '"' in title else title
        lines.append(f"{movie},{quoted},{'|'.join(genres) or '(no genres listed)'}")
    (folder / "movies.csv").write_text("\r\n".join(lines) + "\r\n", encoding=encoding)
    rows = "".join(f"{u},{i},{r:.1f},{t}\n" for u, i, r, t in RATINGS)
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + rows, encoding=encoding)
    return folder


def same(one: RealData, other: RealData) -> bool:
    return all(
        np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
        for a, b in ((getattr(one, f.name), getattr(other, f.name)) for f in fields(RealData))
    )


def test_the_bar_layout_gives_titles_genres_and_times(tmp_path: Path) -> None:
    data = load_movielens(write_bars(tmp_path))
    assert data.item_ids == ("1", "2", "5", "9", "12")
    assert data.titles == tuple(title for _, title, _ in MOVIES)
    assert data.topics == ("Animation", "Children's", "Comedy", "Drama")
    np.testing.assert_allclose(data.mixture[0], [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(data.mixture.sum(axis=1), 1.0, rtol=1e-6)
    assert data.user_ids == ("2", "10"), "sorted as numbers"
    np.testing.assert_allclose(data.time, [-10.0, -1.0, -0.5, 0.0])
    assert data.user.tolist() == [0, 0, 1, 1]
    assert data.item.tolist() == [4, 2, 3, 0]
    assert data.rating.tolist() == [5.0, 3.0, 1.0, 4.0]
    assert [str(x.dtype) for x in (data.mixture, data.item, data.user)] == ["float32", "int32", "int64"]


def test_a_movie_without_genres_is_uniform_and_not_labelled(tmp_path: Path) -> None:
    for data in (load_movielens(write_bars(tmp_path / "a")), load_movielens(write_commas(tmp_path / "b"))):
        np.testing.assert_allclose(data.mixture[4], 0.25)
        assert data.labelled.tolist() == [True, True, True, True, False]


def test_both_layouts_of_the_same_movies_are_the_same_data(tmp_path: Path) -> None:
    assert same(load_movielens(write_bars(tmp_path / "a")), load_movielens(write_commas(tmp_path / "b")))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_accents_survive_in_every_encoding_and_a_byte_order_mark_does_not(tmp_path: Path, encoding: str) -> None:
    for folder in (write_bars(tmp_path / "a", encoding), write_commas(tmp_path / "b", encoding)):
        data = load_movielens(folder)
        assert data.titles[2] == "Misérables, Les (1995)"
        assert data.item_ids[0] == "1"


def test_the_order_of_the_ratings_file_does_not_matter(tmp_path: Path) -> None:
    folder = write_bars(tmp_path)
    lines = (folder / "u.data").read_text().splitlines()
    lines += ["10\t2\t3\t881250949", "2\t9\t3\t881250949", "2\t1\t3\t881250949"]
    (folder / "u.data").write_text("\n".join(lines))
    before = load_movielens(folder)
    (folder / "u.data").write_text("\n".join(reversed(lines)))
    assert same(before, load_movielens(folder))


def test_a_movie_is_released_in_its_year_but_never_after_its_first_rating(tmp_path: Path) -> None:
    folder = write_commas(tmp_path)
    data = load_movielens(folder)
    new_year_1995 = 788_918_400
    assert data.born[0] == pytest.approx((new_year_1995 - 881_250_949) / 86_400)
    assert data.born[4] == -10.0, "no year: the first rating"
    text = (folder / "movies.csv").read_text().replace("Toy Story (1995)", "Toy Story (2015)")
    (folder / "movies.csv").write_text(text)
    assert load_movielens(folder).born[0] == 0.0


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("u.item", "1|Toy", "2|Toy", "u.item, line 2: movieId '2' was given before, on line 1"),
        (
            "u.item",
            "|0|0|0|1|1|1",
            "|0|0|0|x|1|1",
            "u.item, line 1: column 'Animation' is 'x'; expected a genre flag",
        ),
        (
            "u.item",
            "01-Jan-1996",
            "1996-01-01",
            "u.item, line 4: column 'released' is '1996-01-01'; expected a date",
        ),
        ("u.item", "http://x|", "", "u.item, line 1: has 23 field(s)"),
        (
            "u.data",
            "\t4\t",
            "\t9\t",
            "u.data, line 1: column 'rating' is '9'; expected a number from 0.5 to 5",
        ),
        (
            "u.data",
            "\t",
            ",",
            "u.data, line 1: '10,1,4,881250949' looks like it is separated by ','; expected tabs",
        ),
        ("u.data", "2\t5\t", "2\t77\t", "u.data, line 2: movieId '77' is not in u.item"),
        ("u.data", "10\t9", "10", "u.data, line 3: column 'timestamp' is empty; expected unix seconds"),
    ],
)
def test_a_bad_line_of_the_bar_layout_is_named(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    path = write_bars(tmp_path) / file
    path.write_text(path.read_text(encoding="latin-1").replace(old, new), encoding="latin-1")
    with pytest.raises(DataError) as error:
        load_movielens(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_movielens_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no u\.item and u\.data, nor movies\.csv and ratings\.csv"):
        load_movielens(tmp_path)
    write_bars(tmp_path / "ml-100k")
    with pytest.raises(DataError, match=r"did you mean the folder '.*ml-100k'"):
        load_movielens(tmp_path)
    with pytest.raises(DataError, match=r"no such folder.*did you mean 'ml-100k'"):
        load_movielens(tmp_path / "ml-10k")
    (tmp_path / "ml-100k" / "u.data").unlink()
    with pytest.raises(DataError, match=r"no u\.data beside u\.item"):
        load_movielens(tmp_path / "ml-100k")
    with pytest.raises(DataError, match="is a file; expected the folder that holds it"):
        load_movielens(tmp_path / "ml-100k" / "u.item")
