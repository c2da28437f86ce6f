"""The one error tree, and the one "did you mean".

    InputError (a ValueError)      what you gave us cannot be used, and here is why
    |-- DataError                  a file of data: where, and what stands there
    |-- SlateError                 a slate that cannot be shown
    |-- RunFolderError             a folder that does not hold what a run leaves behind
    |-- AgentError                 an agent that raised, or answered with something unusable
    `-- WeightsError               pretrained weights
        |-- MissingWeightsError    not installed
        `-- WrongHashError         not the published files

Every message is one line that names the thing, the value, the bound and the nearest legal name. The command line
prints it and ends with exit code 2.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Unusable input. The message is one line naming the thing, the value, the bound and the nearest legal name."""


class DataError(InputError):
    """Unusable data. One line: file and line, the value, what was expected, the nearest legal name."""

    def __init__(self, where: object, problem: str) -> None:
        super().__init__(" ".join(f"{where}: {problem}".split()))


class SlateError(InputError):
    """A slate that cannot be shown."""

    def __init__(self, user: int, visit: int, item: int, place: int, problem: str) -> None:
        super().__init__(f"slate of user {user}, visit {visit}: item {item} at position {place} {problem}")
        self.user = user
        self.visit = visit


class RunFolderError(InputError):
    """A run folder lacks something, or holds something that cannot be read; names the file."""


class AgentError(InputError):
    """An agent raised, or answered with something unusable."""


class WeightsError(InputError):
    """Pretrained weights that cannot be used."""


class MissingWeightsError(WeightsError):
    """The optional weights are not installed."""


class WrongHashError(WeightsError):
    """A weights file is not the published one."""


def nearest(name: str, legal: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The legal name closest to `name`, upper and lower case alike; None where difflib's ratio is below `cutoff`."""
    lowered = {choice.lower(): choice for choice in sorted(legal)}
    close = get_close_matches(name.lower(), list(lowered), 1, cutoff)
    return lowered[close[0]] if close else None


def hint(name: str, legal: Iterable[str]) -> str:
    """How an error about an unknown name ends: `did you mean 'cold_start'?`, or all legal names where none is near."""
    names = sorted(legal)
    near = nearest(name, names)
    if near:
        return f"did you mean {near!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"


def suggestion(name: str, legal: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean 'x'?` where a legal name is near, else nothing: for errors that list the legal ones."""
    near = nearest(name, legal, cutoff)
    return f"; did you mean {near!r}?" if near else ""


def shown(value: object) -> str:
    """A value as an error quotes it: short, on one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"
