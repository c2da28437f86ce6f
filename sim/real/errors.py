"""The error that means: this file cannot be used, and here is where and why."""

from difflib import get_close_matches

from driftline.sim.errors import InputError


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
