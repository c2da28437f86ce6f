"""Whatever stands in a log or a catalogue: it is read, or refused in one line."""

import traceback
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mutations import CASES, miswritten, one_line_at_most, scratched

import driftline
from driftline.sim.data.movielens import load_movielens
from driftline.sim.data.own_data import load_own_data

ROWS = 60


def _ab() -> bytes:
    rng = np.random.default_rng(1)
    return _csv(user=np.arange(ROWS) // 2, arm=np.arange(ROWS) // 2 % 2, value=rng.integers(0, 2, ROWS))


def _ope() -> bytes:
    rng = np.random.default_rng(2)
    p = rng.uniform(0.2, 0.8, ROWS).round(3)
    return _csv(user=np.arange(ROWS) // 3, action=rng.integers(0, 3, ROWS), reward=rng.random(ROWS).round(3), pscore=p,
                target_pscore=p[::-1], time=np.arange(ROWS))  # fmt: skip


def _items() -> bytes:
    return _csv(item_id=np.arange(12), title=[f"Title {k}" for k in range(12)], topics=["a|b", "b", "c"] * 4)


def _interactions() -> bytes:
    rng = np.random.default_rng(3)
    return _csv(user_id=np.arange(ROWS) // 6, item_id=rng.integers(0, 12, ROWS), time=np.arange(ROWS) * 3600)


def _movies() -> bytes:
    return _csv(movieId=np.arange(12), title=[f"Film {k} (1999)" for k in range(12)], genres=["Drama", "War|Drama"] * 6)


def _ratings() -> bytes:
    rng = np.random.default_rng(4)
    return _csv(userId=np.arange(ROWS) // 6, movieId=rng.integers(0, 12, ROWS), rating=rng.integers(1, 6, ROWS),
                timestamp=np.arange(ROWS) * 3600)  # fmt: skip


def _csv(**columns: object) -> bytes:
    return pl.DataFrame(columns).write_csv().encode()


KINDS: dict[str, tuple[dict[str, Callable[[], bytes]], Callable[[Path], object]]] = {
    "ab": ({"log": _ab}, lambda folder: driftline.ab(_only(folder))),
    "ope": ({"log": _ope}, lambda folder: driftline.ope(_only(folder))),
    "own_data": ({"items": _items, "interactions": _interactions}, load_own_data),
    "movielens": ({"movies": _movies, "ratings": _ratings}, load_movielens),
}


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def _write(folder: Path, tables: dict[str, Callable[[], bytes]], number: int, packed: bool) -> None:
    """Every table as a file, one of them with some of it wrong; none of them in case 0."""
    rng = np.random.default_rng(number)
    wrong = sorted(tables)[int(rng.integers(len(tables)))]
    for name, made in tables.items():
        content = made()
        if packed:
            buffer = BytesIO()
            pl.read_csv(content).write_parquet(buffer)
            content = buffer.getvalue()
        if name == wrong and number:
            content = scratched(content, rng) if packed else miswritten(content, rng)
        (folder / f"{name}.{'parquet' if packed else 'csv'}").write_bytes(content)


@pytest.mark.parametrize("kind", KINDS)
def test_every_corrupted_table_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    tables, reads = KINDS[kind]
    outcomes: dict[str, int] = {}
    faults = []
    cases = CASES // 4 if CASES else 16
    for number in range(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        _write(folder, tables, number, packed=kind != "movielens" and number % 5 == 4)
        try:
            with one_line_at_most(outcomes), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what little such a table says
                reads(folder)
            assert number or outcomes == {"done": 1}
        except Exception:
            files = {path.name: path.read_bytes()[:400] for path in folder.iterdir()}
            faults.append(f"case {number}: {traceback.format_exc(limit=-4)}\n{files}")
    print(f"{cases} cases of {kind}: {outcomes}")
    assert not faults, f"{len(faults)} cases:\n" + "\n".join(faults[:10])
