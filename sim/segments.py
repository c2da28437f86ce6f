"""The table of text segments: every text of a world once, found by its code."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.sim.types import NONE


@dataclass(frozen=True, slots=True)
class Segments:
    """Distinct texts, `by_code[code]`; implements `SegmentTable`. Holds texts and nothing else.

    Two readers: `text` and `texts` for single visits, `text_of` for log frames. Both read the empty text for
    `NONE` and refuse any other code outside the table. Raises ValueError if a text stands there twice.
    """

    by_code: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.by_code)) < len(self.by_code):
            twice = Counter(self.by_code).most_common(1)[0][0]
            raise ValueError(f"segments must be distinct; {twice!r} stands there more than once")

    def __len__(self) -> int:
        return len(self.by_code)

    def text(self, code: int) -> str:
        """The text of one segment; the empty string for `NONE`. Raises IndexError for an unknown code."""
        if code == NONE:
            return ""
        if not 0 <= code < len(self.by_code):
            raise IndexError(f"segment code {code}: must be {NONE} or in 0..{len(self.by_code) - 1}")
        return self.by_code[code]

    def texts(self, codes: ArrayLike) -> list[str]:
        """The texts of many segments [n], in order."""
        wanted = np.asarray(codes, np.int64)
        if wanted.size:
            self.text(int(wanted.min()))  # refuses what is outside the table
            self.text(int(wanted.max()))
        return [self.by_code[code] if code != NONE else "" for code in wanted.tolist()]

    def frame(self) -> pl.DataFrame:
        """The whole table: `code` (Int32), `text` (String), by code."""
        codes = np.arange(len(self.by_code), dtype=np.int32)
        return pl.DataFrame({"code": codes, "text": pl.Series(self.by_code, dtype=pl.String)})

    def text_of(self, column: str) -> pl.Expr:
        """The texts of a column of codes, as an expression for eager and lazy frames; null stays null.

        Raises polars' InvalidOperationError or OutOfBoundsError for an unknown code.
        """
        shifted = pl.Series(("", *self.by_code), dtype=pl.String)  # NONE = -1 lands on the empty text
        return pl.lit(shifted).gather(pl.col(column).cast(pl.Int64).add(1).cast(pl.UInt32)).alias(column)


def interned(texts: Iterable[str]) -> dict[str, int]:
    """Each distinct text with its place, in order of first appearance."""
    return {text: place for place, text in enumerate(dict.fromkeys(texts))}
