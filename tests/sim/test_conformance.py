"""A suite asks each promise in turn, and says in one line what was seen."""

from dataclasses import replace

import pytest

from driftline.sim.conformance import Broken, Promise, Unasked, examined


def _raising(problem: BaseException | None) -> Promise[str]:
    def ask(exam: str) -> None:
        if problem is not None:
            raise problem

    return Promise("name", "asks", "Mend it.", ask)


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (None, "held    name: asks"),
        (Broken("it is 3"), "BROKEN  name: asks; but it is 3. Mend it."),
        (Unasked("it has none"), "unasked name: asks; it has none"),
        (KeyError("x"), "BROKEN  name: asks; but it raised KeyError: 'x'. Mend it."),
        (SystemExit(), "BROKEN  name: asks; but it raised SystemExit: no message. Mend it."),
        (ValueError("one\ntwo"), "BROKEN  name: asks; but it raised ValueError: one. Mend it."),
        (
            TypeError("Failed in nopython mode pipeline (step: x)\n\nUnknown attribute 'nose'\nFile y"),
            "BROKEN  name: asks; but it raised TypeError: Unknown attribute 'nose'. Mend it.",
        ),
    ],
)
def test_a_promise_is_told_in_one_line(problem: BaseException | None, line: str) -> None:
    (check,) = examined([_raising(problem)], "exam")
    assert str(check) == line


def test_nothing_is_asked_after_a_broken_promise_that_is_the_last() -> None:
    broken = replace(_raising(Broken("gone")), name="last", last=True)
    held = replace(_raising(None), last=True)
    assert [each.name for each in examined([_raising(None), broken, _raising(None)], "exam")] == ["name", "last"]
    assert len(list(examined([held, _raising(None)], "exam"))) == 2


def test_an_interrupt_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(examined([_raising(KeyboardInterrupt())], "exam"))
