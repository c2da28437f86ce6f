"""A hint for a name that does not exist: the nearest one that does."""

import difflib
from collections.abc import Iterable


def hint(name: str, legal: Iterable[str]) -> str:
    """`did you mean 'cold_start'?`, or the legal names where none is near."""
    names = sorted(legal)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"
