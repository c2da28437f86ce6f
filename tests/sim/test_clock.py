"""The clock: callbacks in order, boundaries included, and forks that keep the agenda."""

import numpy as np

from driftline.sim.clock import Clock, Entry


def entry(time: float, kind: str) -> Entry:
    return Entry(time, kind, np.zeros(0, np.int32))


def test_entries_happen_in_order_of_time_then_of_entry_up_to_and_including_the_moment() -> None:
    told: list[str] = []
    clock = Clock(lambda happened: told.append(happened.kind))
    for time, kind in ((2.0, "later"), (1.0, "first"), (1.0, "second"), (1.5, "between"), (2.5, "never")):
        clock.enter(entry(time, kind))
    clock.run_until(1.0)
    assert told == ["first", "second"]
    assert clock.now == 1.0
    clock.run_until(2.0)
    assert told == ["first", "second", "between", "later"]
    clock.run_until(2.0)
    assert clock.now == 2.0


def test_time_passes_without_entries() -> None:
    clock = Clock(lambda happened: None, now=3.0)
    clock.run_until(7.25)
    assert clock.now == 7.25


def test_a_fork_keeps_time_and_agenda_and_tells_its_own_listener() -> None:
    ours: list[tuple[float, str]] = []
    theirs: list[tuple[float, str]] = []
    clock = Clock(lambda happened: ours.append((clock.now, happened.kind)))
    for time, kind in ((1.0, "past"), (2.0, "a"), (2.0, "b"), (3.0, "c")):
        clock.enter(entry(time, kind))
    clock.run_until(1.5)
    twin = clock.fork(lambda happened: theirs.append((twin.now, happened.kind)))
    twin.enter(entry(2.5, "only theirs"))
    twin.run_until(3.0)
    assert theirs == [(2.0, "a"), (2.0, "b"), (2.5, "only theirs"), (3.0, "c")]
    assert (clock.now, twin.now) == (1.5, 3.0)
    assert ours == [(1.0, "past")]
    clock.run_until(3.0)
    assert ours == [(1.0, "past"), (2.0, "a"), (2.0, "b"), (3.0, "c")]
    grandchild = twin.fork(lambda happened: theirs.append((0.0, happened.kind)))
    grandchild.run_until(9.0)
    assert len(theirs) == 4


def test_an_entry_may_be_made_while_another_happens() -> None:
    told: list[str] = []

    def listen(happened: Entry) -> None:
        told.append(happened.kind)
        if happened.kind == "start":
            clock.enter(entry(clock.now + 1.0, "follows"))

    clock = Clock(listen)
    clock.enter(entry(1.0, "start"))
    clock.run_until(2.0)
    assert told == ["start", "follows"]
