"""How a text file is laid out, and whether a file is laid out that way."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from driftline.sim.real.errors import DataError, shown
from driftline.sim.real.files import bytes_of

BOM = "\ufeff"
SEPARATORS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}


@dataclass(frozen=True, slots=True)
class Format:
    """Separator, quotes, encodings and, for a file without a header line, its columns."""

    separator: str = ","
    quote: str | None = '"'
    encodings: tuple[str, ...] = ("utf-8",)
    """Tried in this order."""
    names: tuple[str, ...] | None = None


COMMAS = Format()


def text_of(path: Path, layout: Format) -> str:
    """The file's text without a byte order mark, in the first encoding that fits."""
    data = bytes_of(path)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(path, "the file is UTF-16; expected UTF-8 (save it as 'CSV UTF-8')")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise DataError(f"{path}, line {line}", "holds the byte 0x00; expected text")
    at = 0
    for encoding in layout.encodings:
        try:
            text = data.decode(encoding).removeprefix(BOM)
        except UnicodeDecodeError as error:
            at = error.start
        else:
            if text.strip():
                return text
            expected = "rows" if layout.names else "a header line and rows"
            raise DataError(path, f"the file is empty; expected {expected}")
    line = data[:at].count(b"\n") + 1
    expected = " or ".join(encoding.upper() for encoding in layout.encodings)
    raise DataError(f"{path}, line {line}", f"byte 0x{data[at]:02x} is not {expected}; expected {expected}")


def records(text: str, layout: Format) -> Iterator[tuple[int, list[str]]]:
    """(First line, fields) of each record, header and blank lines included; fields may hold line breaks."""
    reader = csv.reader(
        StringIO(text, newline=""),
        delimiter=layout.separator,
        quotechar=layout.quote,
        quoting=csv.QUOTE_NONE if layout.quote is None else csv.QUOTE_MINIMAL,
        strict=True,
    )
    line = 1
    for record in reader:
        yield line, record
        line = reader.line_num + 1


def check_first_line(path: Path, text: str, layout: Format) -> None:
    """The header has distinct names, or the first row all columns, with the expected separator."""
    where = f"{path}, line 1"
    try:
        first = [name.strip() for name in next(fields for _, fields in records(text, layout) if fields)]
    except csv.Error as error:
        raise DataError(where, f"cannot be read ({error}); expected quotes in pairs around a field") from None
    if len(first) == 1:
        _check_separator(where, first[0], layout)
    if layout.names is None:
        _check_names(where, first)
    elif len(first) != len(layout.names):
        raise DataError(
            where,
            f"has {len(first)} field(s), {shown(layout.separator.join(first))}; "
            f"expected {len(layout.names)} separated by {SEPARATORS[layout.separator]}",
        )


def _check_separator(where: str, line: str, layout: Format) -> None:
    counts = {other: line.count(other) for other in SEPARATORS if other != layout.separator}
    likely = max(counts, key=lambda other: counts[other])
    if counts[likely]:
        raise DataError(
            where,
            f"{shown(line)} looks like it is separated by {SEPARATORS[likely]}; "
            f"expected {SEPARATORS[layout.separator]}",
        )


def _check_names(where: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if not name:
            raise DataError(where, f"column {number + 1} has no name; expected a header line of names")
        if name in names[:number]:
            raise DataError(where, f"column {name!r} occurs twice; expected distinct names")
