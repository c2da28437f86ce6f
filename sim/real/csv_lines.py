"""Where in a CSV file something stands or goes wrong: the file is read again, once there is an error."""

import csv
from pathlib import Path

from driftline.sim.real.csv_format import Format, records
from driftline.sim.real.errors import DataError, shown


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
