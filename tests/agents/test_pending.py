import numpy as np

from driftline.agents.composed.memory import LastVisits, Pending
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
