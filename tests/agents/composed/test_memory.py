"""What is kept of users comes back as it was, in one order."""

import numpy as np
import pytest

from driftline.agents.composed.memory import ChoiceLog, History, LastVisits, Pending
from driftline.agents.users import UserRows
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Feedback


def visit(user: list[int], time: float, first: int) -> Feedback:
    n = len(user)
    slates = first + np.arange(2 * n, dtype=np.int32).reshape(n, 2)
    rating = np.full(n, 4.0, np.float32)
    choice = np.ones(n, np.int8)
    return Feedback(np.array(user), np.zeros(n, np.int32), np.full(n, time), slates, choice, rating, rating)


def keep(pending: Pending, rows: list[int], feedback: Feedback) -> None:
    n = len(rows)
    features = np.arange(6.0 * n).reshape(n, 2, 3)
    pending.keep(np.array(rows), feedback, features, np.arange(2.0 * n).reshape(n, 2))


def take(pending: Pending, rows: list[int]) -> LastVisits:
    return pending.take(np.array(rows), pending.said(np.array(rows)))


def ready(users: int = 4) -> Pending:
    pending = Pending(2, 3)
    pending.grow(users)
    return pending


def test_a_kept_visit_is_taken_once() -> None:
    pending = ready()
    keep(pending, [2, 0], visit([30, 10], 5.0, 100))
    last = take(pending, [0, 1, 2])
    assert last.rows.tolist() == [0, 2]
    assert last.items.tolist() == [[102, 103], [100, 101]]
    assert last.features[1].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert last.appeal.tolist() == [[2.0, 3.0], [0.0, 1.0]]
    assert (last.time.tolist(), last.choice.tolist(), last.rating.tolist()) == ([5.0, 5.0], [1, 1], [4.0, 4.0])
    assert take(pending, [0, 1, 2]).rows.size == 0


def test_elapsed_is_the_time_since_the_visit_before() -> None:
    pending = ready()
    found = []
    for time in (5.0, 5.5, 9.0):
        keep(pending, [1], visit([20], time, 0))
        found.append(float(take(pending, [1]).elapsed[0]))
    assert found == [0.0, 0.5, 3.5]


def test_a_comment_belongs_to_the_visit_before_it() -> None:
    pending, users = ready(), UserRows()
    rows = users.rows(np.array([10, 20]))
    keep(pending, [0, 1], visit([10, 20], 5.0, 0))
    kinds = np.array([BehaviorKind.SEARCH, BehaviorKind.CONSUME, BehaviorKind.CONSUME, BehaviorKind.PURCHASE], np.int8)
    user, said = np.array([10, 10, 20, 10]), np.array([NONE, 70, NONE, NONE], np.int32)
    behaviors = Behaviors(user, np.full(4, 5.1), kinds, np.zeros(4, np.int32), np.zeros(4, np.int32), said)
    comments = pending.comments(users, behaviors, rows)
    assert comments.tolist() == [70, NONE]
    assert pending.take(rows, comments).comment.tolist() == [70, NONE]
    keep(pending, [0, 1], visit([10, 20], 6.0, 0))
    assert pending.said(rows).tolist() == [NONE, NONE]


def test_a_note_is_kept_until_the_next_visit() -> None:
    pending = ready()
    keep(pending, [3], visit([40], 5.0, 0))
    pending.note(np.array([3]), np.array([9], np.int32))
    assert take(pending, [3]).comment.tolist() == [9]


def test_growing_changes_nobody() -> None:
    pending = ready(1)
    keep(pending, [0], visit([10], 5.0, 50))
    pending.grow(3)
    last = take(pending, [0, 1, 2])
    assert last.rows.tolist() == [0]
    assert last.items.tolist() == [[50, 51]]


def add(history: History, rows: list[int], value: float, time: float) -> None:
    n = len(rows)
    vectors = np.full((n, 2), value, np.float32) + np.arange(n, dtype=np.float32)[:, None]
    history.add(np.array(rows), vectors, np.full(n, time), np.full(n, value / 100, np.float32))


def told(history: History, row: int) -> list[tuple[float, float, float]]:
    """First vector entry, time and sentiment of a user's events."""
    events = history.of(np.array([row]))
    found = events.index[0] >= 0
    index = events.index[0][found]
    return list(
        zip(
            history.vectors[index, 0].tolist(),
            events.time[0][found].tolist(),
            np.round(events.sentiment[0][found].astype(np.float64), 6).tolist(),
            strict=True,
        )
    )


def test_events_stand_in_their_order() -> None:
    history = History(2, longest=5)
    history.grow(3)
    add(history, [2, 0], 10.0, 1.0)
    add(history, [2], 20.0, 3.0)
    assert told(history, 2) == [(10.0, 1.0, 0.1), (20.0, 3.0, 0.2)]
    assert told(history, 0) == [(11.0, 1.0, 0.1)]
    assert told(history, 1) == []


def test_padding_is_without_vector_and_never_over() -> None:
    history = History(2, longest=3)
    history.grow(1)
    add(history, [0], 1.0, 1.0)
    events = history.sequences
    np.testing.assert_array_equal(events.index, [[0, NONE, NONE]])
    np.testing.assert_array_equal(events.time, [[1.0, np.inf, np.inf]])
    assert (events.kind == BehaviorKind.CONSUME).all()


def test_the_oldest_event_gives_way() -> None:
    history = History(2, longest=3)
    history.grow(2)
    for k in range(6):
        add(history, [0], float(k), float(k))
    add(history, [1], 9.0, 9.0)
    assert [vector for vector, _, _ in told(history, 0)] == [3.0, 4.0, 5.0]
    assert [vector for vector, _, _ in told(history, 1)] == [9.0]


def test_growing_history_changes_nobody() -> None:
    history = History(2, longest=3)
    history.grow(1)
    add(history, [0], 1.0, 1.0)
    before = told(history, 0)
    history.grow(4)
    history.grow(2)
    assert len(history.sequences) == 4
    assert told(history, 0) == before
    assert told(history, 3) == []


def test_there_is_room_for_thousands_of_events() -> None:
    history = History(2, longest=64)
    history.grow(700)
    for k in range(5):
        add(history, list(range(700)), 1000.0 * k, float(k))
    assert len(history.vectors) == 3500
    assert [vector for vector, _, _ in told(history, 699)] == [699.0 + 1000.0 * k for k in range(5)]


def test_users_come_in_the_order_asked_for() -> None:
    history = History(2, longest=2)
    history.grow(3)
    for row in range(3):
        add(history, [row], float(row), 1.0)
    events = history.of(np.array([2, 0]))
    np.testing.assert_array_equal(history.vectors[events.index[:, 0], 0], [2.0, 0.0])


def test_without_events_there_is_one_empty_vector_to_point_at() -> None:
    np.testing.assert_array_equal(History(2).vectors, [[0.0, 0.0]])


def rows(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"time": rng.integers(0, 4, n).astype(float), "user": rng.permutation(n), "x": rng.normal(size=(n, 2))}


def test_rows_wait_for_settle_and_then_stand_by_time_and_user() -> None:
    log = ChoiceLog(100)
    log.add(time=np.array([2.0, 1.0, 1.0]), user=np.array([1, 9, 3]), x=np.array([10, 20, 30]))
    assert len(log) == 0
    log.settle()
    assert log.rows is not None
    assert log.rows["x"].tolist() == [30, 20, 10]
    log.add(time=np.array([0.5]), user=np.array([4]), x=np.array([40]))
    assert log.rows["x"].tolist() == [30, 20, 10]
    log.settle()
    assert log.rows["x"].tolist() == [30, 20, 10, 40]  # settled rows stay where they are


def test_the_oldest_rows_give_way() -> None:
    log = ChoiceLog(3)
    for k in range(5):
        log.add(time=np.array([float(k)]), user=np.array([k]), x=np.array([k]))
        log.settle()
    assert log.rows is not None
    assert log.rows["x"].tolist() == [2, 3, 4]
    assert len(log) == 3


@pytest.mark.parametrize("chunk", [1, 7])
def test_batches_leave_no_trace(chunk: int) -> None:
    data = rows(40)
    whole, cut = ChoiceLog(25), ChoiceLog(25)
    whole.add(**data)
    order = np.random.default_rng(1).permutation(40)
    for at in range(0, 40, chunk):
        cut.add(**{name: column[order[at : at + chunk]] for name, column in data.items()})
    whole.settle()
    cut.settle()
    assert whole.rows is not None
    assert cut.rows is not None
    for name in data:
        np.testing.assert_array_equal(whole.rows[name], cut.rows[name])


def test_settling_nothing_changes_nothing() -> None:
    log = ChoiceLog(3)
    log.settle()
    assert log.rows is None
    log.add(**rows(2))
    log.settle()
    before = log.rows
    log.settle()
    assert log.rows is before


def test_a_log_of_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="keep = 0 rows: must be >= 1"):
        ChoiceLog(0)
