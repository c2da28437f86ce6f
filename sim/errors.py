"""The one error tree (InputError > SlateError, DataError) and the one "did you mean".

The one error that means: what you gave us cannot be used, and here is why.

A hint for a name that does not exist: the nearest one that does.

The error that means: this file cannot be used, and here is where and why.
"""

import difflib
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Unusable input. The message is one line naming the thing, the value, the bound and the nearest legal name."""


def hint(name: str, legal: Iterable[str]) -> str:
    """`did you mean 'cold_start'?`, or the legal names where none is near."""
    names = sorted(legal)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"


class DataError(InputError):
    """Unusable data. One line: file and line, the value, what was expected, the nearest legal name."""

    def __init__(self, where: object, problem: str) -> None:
        super().__init__(" ".join(f"{where}: {problem}".split()))


def shown(value: object) -> str:
    """A value as an error quotes it: short, on one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def nearest(name: str, legal: list[str], cutoff: float = 0.6) -> str:
    """`; did you mean 'x'?` when a legal name is as close as difflib's ratio says, else nothing."""
    lowered = {choice.lower(): choice for choice in legal}
    close = get_close_matches(name.lower(), list(lowered), n=1, cutoff=cutoff)
    return f"; did you mean {lowered[close[0]]!r}?" if close else ""
