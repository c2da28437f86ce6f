"""Text files of a real folder: which are there, how they are laid out, and where one goes wrong.

A file is read again, line by line, once there is an error to place.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from driftline.sim.errors import DataError, shown, suggestion


def folder_of(folder: Path | str) -> Path:
    """The folder, if it is one."""
    path = Path(folder)
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
        raise DataError(path, f"no such folder; expected a folder of data{suggestion(path.name, siblings)}")
    if not path.is_dir():
        raise DataError(path, "is a file; expected the folder that holds it")
    return path


def bytes_of(path: Path) -> bytes:
    """The file's content; what ends in .gz is unpacked."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be opened ({error.strerror}); expected a readable file") from None
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, f"cannot be unpacked ({error}); expected a complete gzip file") from None


def held(folder: Path) -> list[str]:
    """Names in the folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def missing(folder: Path, expected: str, names: tuple[str, ...]) -> DataError:
    """The error of a folder that lacks a file. expected: in words. names: the file names that would do."""
    inner = [path.name for path in folder.iterdir() if path.is_dir() and set(held(path)) & set(names)]
    if inner:
        return DataError(folder, f"no {expected}; did you mean the folder {str(folder / inner[0])!r}?")
    found = held(folder)
    close = next((near for near in (suggestion(name, found, 0.75) for name in names) if near), "")
    listing = ", ".join(map(shown, found[:8])) + (", ..." if len(found) > 8 else "")
    return DataError(folder, f"no {expected}; the folder holds {listing or 'nothing'}{close}")


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


def line_of(text: str, layout: Format, row: int) -> int:
    """The line, from 1, on which a row starts (rows from 0, the header not counted, blank lines counted)."""
    line = 1
    try:
        for number, (start, _) in enumerate(records(text, layout), start=0 if layout.names else -1):
            line = start
            if number == row:
                break
    except csv.Error:
        pass  # the row parsed once; only its line is in doubt
    return line


def malformed(path: Path, text: str, layout: Format, error: Exception) -> DataError:
    """What is wrong with a file that does not parse as CSV."""
    lines, width, following = text.splitlines(), len(layout.names or ()), 1
    try:
        for line, fields in records(text, layout):
            width = width or len(fields)
            following = line + 1 + sum(field.count("\n") for field in fields)
            where = f"{path}, line {line}"
            if len(fields) > width:
                extra = f"{len(fields)} fields, {shown(fields[width])} the first too many"
                return DataError(where, f"has {extra}; expected {width} (a text with a comma needs quotes)")
            loose = layout.quote is not None and any(layout.quote in field for field in fields)
            if loose and str(layout.quote) * 2 not in lines[line - 1]:
                raw = shown(lines[line - 1])
                return DataError(where, f"a quote mark within {raw}; expected the field quoted, the mark doubled")
    except csv.Error as reason:
        return DataError(f"{path}, line {following}", f"cannot be read ({reason}); expected quotes in pairs")
    return DataError(path, f"cannot be read ({str(error).splitlines()[0]}); expected CSV")
