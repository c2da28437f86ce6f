"""What every encoder of texts must keep to."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.agents.models.item_space import TextEncoder
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.types import Float32s

TEXTS = (
    "amber brook cedar",
    "engine gear piston valve",
    "",
    "amber",
    "What a wonderful, truly lovely little thing!",
    "Curry (no. 7): salt & pepper - 3,50",
    "brook amber cedar",
    "zwölf größere Übungen",
    "a " * 200,
)


@dataclass(frozen=True, slots=True)
class _Exam:
    make: Callable[[], TextEncoder]
    one: TextEncoder | None
    """The encoder itself, where one was given and no class."""

    def fresh(self) -> TextEncoder:
        return self.one if self.one is not None else self.make()


def check_predictor(encoder: Any) -> tuple[Check, ...]:
    """Ask an encoder (`encode(texts) -> float32 [n, p]`) for what agents rely on: a text's vector is its own.

    encoder: the class, whatever makes one, or one that is made already.
    """
    made = callable(getattr(encoder, "encode", None)) and not isinstance(encoder, type)
    return tuple(examined(SUITE, _Exam(encoder, encoder if made else None)))


def _encoded(encoder: TextEncoder, texts: list[str]) -> Float32s:
    found = np.asarray(encoder.encode(list(texts)))
    if found.ndim != 2 or len(found) != len(texts):
        raise Broken(f"encode of {len(texts)} texts returned shape {list(found.shape)}; must be [{len(texts)}, p]")
    return found.copy()


def _alike(one: Float32s, two: Float32s, texts: list[str], what: str) -> None:
    if one.shape != two.shape:
        raise Broken(f"vectors have {one.shape[1]} and {two.shape[1]} columns {what}")
    if not np.array_equal(one, two, equal_nan=True):
        row = int(np.flatnonzero((one != two).any(axis=1))[0])
        raise Broken(f"the vector of {texts[row][:40]!r} differs {what}, by {np.abs(one[row] - two[row]).max():.3g}")


def _rows(exam: _Exam) -> None:
    found = _encoded(exam.fresh(), [*TEXTS])
    if found.dtype != np.float32 or not found.shape[1]:
        raise Broken(f"encode returned {found.dtype} {list(found.shape)}; must be float32 with at least one column")


def _finite(exam: _Exam) -> None:
    found = _encoded(exam.fresh(), [*TEXTS])
    if not np.isfinite(found).all():
        raise Broken(f"the vector of {TEXTS[int(np.argmin(np.isfinite(found).all(axis=1)))][:40]!r} is not finite")


def _empty(exam: _Exam) -> None:
    encoder = exam.fresh()
    for turn in range(2):
        found = np.asarray(encoder.encode([]))
        if found.ndim != 2 or len(found):
            raise Broken(f"encode([]) returned shape {list(found.shape)}; must be [0, p]")
        if turn and found.shape[1] != _encoded(encoder, ["amber"]).shape[1]:
            raise Broken(f"encode([]) has {found.shape[1]} columns; a text's vector has another number")
        _encoded(encoder, ["amber"])


def _same_twice(exam: _Exam) -> None:
    encoder, texts = exam.fresh(), [*TEXTS]
    _alike(_encoded(encoder, texts), _encoded(encoder, texts), texts, "when it is asked for twice")


def _batches(exam: _Exam) -> None:
    encoder, texts = exam.fresh(), [*TEXTS]
    whole = _encoded(encoder, texts)
    single = np.concatenate([_encoded(encoder, [text]) for text in texts])
    _alike(whole, single, texts, "between alone and among others")
    turned = texts[::-1]
    _alike(_encoded(encoder, turned), whole[::-1], turned, "in another order")
    alone_first = np.concatenate([_encoded(exam.fresh(), [text]) for text in texts])
    _alike(whole, alone_first, texts, "between being the first text and coming among others")


def _duplicates(exam: _Exam) -> None:
    texts = [text for text in TEXTS for _ in range(3)]
    found = _encoded(exam.fresh(), texts)
    _alike(found, np.repeat(found[::3], 3, axis=0), texts, "from that of the same text beside it")


def _tells_apart(exam: _Exam) -> None:
    found = _encoded(exam.fresh(), [*TEXTS])
    if len(np.unique(found, axis=0)) == 1:
        raise Broken("all texts have the same vector")


def _second(exam: _Exam) -> None:
    texts, first = [*TEXTS], exam.fresh()
    expected = _encoded(first, texts)
    if exam.one is None:
        _alike(expected, _encoded(exam.fresh(), texts), texts, "in a second instance")
        return
    try:
        other = pickle.loads(pickle.dumps(first))
    except Exception as problem:  # an encoder may hold anything
        raise Unasked("it was given ready-made and cannot be pickled; give its class") from problem
    _alike(expected, _encoded(other, texts), texts, "after pickling")


SUITE: tuple[Promise[_Exam], ...] = (
    Promise(
        "rows",
        "encode gives one float32 row for each text",
        "Return np.float32 [len(texts), p], p >= 1.",
        _rows,
        last=True,
    ),
    Promise("finite", "every vector is finite, the empty text's too", "Do not divide by a length of 0.", _finite),
    Promise("empty", "encode([]) gives [0, p]", "Let shapes of 0 rows pass.", _empty),
    Promise("same_twice", "asked twice, a text has the same bits", "Draw nothing, or key it by the text.", _same_twice),
    Promise(
        "batches",
        "a text's vector depends on that text alone, not on what comes with it or before it",
        "Learn nothing from the texts in encode; compute each row in a fixed order of its own.",
        _batches,
    ),
    Promise("duplicates", "equal texts have equal vectors", "Go by a text's content, not by its place.", _duplicates),
    Promise("tells_apart", "texts do not all have the same vector", "Let the vector depend on the text.", _tells_apart),
    Promise(
        "second_instance",
        "another instance of it, or one that was pickled, gives the same bits",
        "Seed what is drawn when it is made, and use no hash() of a text: it differs between processes.",
        _second,
    ),
)
