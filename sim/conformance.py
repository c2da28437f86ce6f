"""What a conformance suite is made of: promises, and what was found when they were asked for.

A suite is a tuple of promises about one kind of plug-in (`sim/checks.py`, `agents/checks.py`, `evaluation/checks.py`,
`scenarios/checks.py`). `examined` asks for each in turn and reports one `Check` a promise, in one line each.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Exam = TypeVar("Exam")


class Broken(Exception):  # noqa: N818  a promise is broken; nothing is wrong with the program
    """A promise is not kept; the text says what was seen instead, with the value and the bound."""


class Unasked(Exception):  # noqa: N818  not a fault either
    """A promise cannot be asked of this plug-in; the text says why."""


@dataclass(frozen=True, slots=True)
class Promise(Generic[Exam]):
    """One thing that every plug-in of a kind must do.

    name: short, unique in its suite. asked: what is asked of the plug-in, in one line. mend: what to change where it
    does not hold. ask: raises `Broken` when it does not hold and `Unasked` when it cannot be asked; whatever else it
    raises is the plug-in's own fault. last: without it, nothing after it can be asked.
    """

    name: str
    asked: str
    mend: str
    ask: Callable[[Exam], None]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and what was found."""

    name: str
    asked: str
    fault: str | None
    """What was seen instead; None when the promise is kept."""
    mend: str
    unasked: str | None = None
    """Why it could not be asked; None when it was."""

    def __str__(self) -> str:
        if self.unasked is not None:
            return f"unasked {self.name}: {self.asked}; {self.unasked}"
        if self.fault is None:
            return f"held    {self.name}: {self.asked}"
        return f"BROKEN  {self.name}: {self.asked}; but {self.fault}. {self.mend}"


def examined(suite: Sequence[Promise[Exam]], exam: Exam) -> Iterator[Check]:
    """Ask for every promise of a suite, in its order; stops after a broken one that is marked `last`."""
    for promise in suite:
        fault, unasked = _found(promise, exam)
        yield Check(promise.name, promise.asked, fault, promise.mend, unasked)
        if fault and promise.last:
            return


def _found(promise: Promise[Exam], exam: Exam) -> tuple[str | None, str | None]:
    """What was seen instead, and why it could not be asked."""
    try:
        promise.ask(exam)
    except Broken as problem:
        return str(problem), None
    except Unasked as problem:
        return None, str(problem)
    except (Exception, SystemExit) as problem:  # a plug-in may raise anything, and may try to end the process
        return f"it raised {type(problem).__name__}: {_telling_line(problem)}", None
    return None, None


def _telling_line(problem: BaseException) -> str:
    """The first line of a message; of numba's the first that is not about its own stages."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("Failed in nopython")), "no message")
