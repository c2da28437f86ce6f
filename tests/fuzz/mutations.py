"""Changes that people make by accident, and some that nobody would: of nested mappings, of text, of bytes.

How many cases a fuzzer tries stands in the environment: `FUZZ=2000 pytest tests/fuzz`, or `make fuzz`.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from driftline.sim.errors import InputError

CASES = int(os.environ.get("FUZZ", "0"))
"""0: a handful, for every run of the suite."""
PATIENCE = 30
"""Seconds that one case may take in the long form; no limit in the short one, for no test depends on time."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2.5, 1e-300, 1e308, 10**30, float("inf"), float("-inf"), float("nan"), "", " ", "$x$",
    "{}", "<b>", "null", "1", "a:b", "time:sleep", "sys:exit", ".a:B", "..", "ä" * 300, "\x00", [], [None], [1, 2],
    {}, {"": 1}, {None: 1}, {3: {}},
)  # fmt: skip
CELLS = (
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "1e308",
    "-1",
    "0",
    "9" * 40,
    "$",
    '"',
    "\x00",
    "é",
    "true",
    "2024-13-45",
)


def drawn(rng: np.random.Generator, many: Any) -> Any:
    """One of many."""
    return many[int(rng.integers(len(many)))]


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in below:
        yield (*path, key)
        yield from _places(value, (*path, key))


def mutated(stated: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A copy with one to three places changed: a value, a key, or both gone."""
    result = deepcopy(stated)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(result))
        if not places:
            break
        *above, key = drawn(rng, places)
        node: Any = result
        for each in above:
            node = node[each]
        how = int(rng.integers(8))
        number = node[key] if isinstance(node[key], int | float) and not isinstance(node[key], bool) else None
        if how < 3 and number is not None:
            node[key] = drawn(rng, (number * 2, number / 3, -number, number * 1e6, number + 1, int(number)))
        elif how == 3:
            del node[key]
        elif how == 4 and isinstance(node, dict):
            node[str(drawn(rng, ("$k", f"{key}s", "", "..", str(key)[:-1])))] = node.pop(key)
        else:
            node[key] = deepcopy(drawn(rng, ODD))
    return result


def scratched(text: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, put in, taken out; or the end cut off."""
    result = bytearray(text)
    for _ in range(int(rng.integers(1, 6))):
        if not result:
            break
        at, how = int(rng.integers(len(result))), int(rng.integers(5))
        if how == 0:
            result[at] = int(rng.integers(256))
        elif how == 1:
            del result[at : at + int(rng.integers(1, 9))]
        elif how == 2:
            result[at:at] = bytes(rng.integers(256, size=3).tolist())
        elif how == 3:
            result[at:at] = drawn(rng, (b"\n", b",", b'"', b"\t", b":", b"- ", b"\x00", b"&a", b"*a", b"{", b"["))
        else:
            del result[at:]
    return bytes(result)


def miswritten(table: bytes, rng: np.random.Generator) -> bytes:
    """A CSV table of which some cells, lines or columns are wrong; or its bytes are."""
    if rng.random() < 0.3:
        return scratched(table, rng)
    rows = [line.split(",") for line in table.decode().splitlines()]
    for _ in range(int(rng.integers(1, 5))):
        at, how = int(rng.integers(len(rows))), int(rng.integers(6))
        column = int(rng.integers(len(rows[0])))
        if how < 3 and column < len(rows[at]):
            rows[at][column] = drawn(rng, CELLS)
        elif how == 3:
            rows.insert(at, list(drawn(rng, rows)))
        elif how == 4:
            for row in rows[1:]:
                row[column : column + 1] = [drawn(rng, CELLS)]
        else:
            del rows[at][column : column + 1]
    text = "\n".join(",".join(row) for row in rows)
    return text.encode(drawn(rng, ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")))


@contextmanager
def one_line_at_most(outcomes: dict[str, int]) -> Iterator[None]:
    """Success, or an `InputError` of one line; whatever else is raised goes on, and fails the test."""

    def hangs(*_: object) -> None:
        raise TimeoutError(f"longer than {PATIENCE} s")

    if CASES:
        before = signal.signal(signal.SIGALRM, hangs)
        signal.alarm(PATIENCE)
    try:
        yield
        outcomes["done"] = outcomes.get("done", 0) + 1
    except InputError as problem:
        told = str(problem)
        assert told
        assert "\n" not in told, told
        outcomes["refused"] = outcomes.get("refused", 0) + 1
    finally:
        if CASES:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
