"""Rows are given out once, and comments find the consumption that they are about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.agents.users import UserRows, comments_on, places, rounds
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Feedback


def test_new_users_get_rows_in_ascending_order_within_a_call() -> None:
    users = UserRows()
    np.testing.assert_array_equal(users.rows(np.array([30, 10, 30, 20])), [2, 0, 2, 1])
    np.testing.assert_array_equal(users.rows(np.array([5, 20, 40])), [3, 1, 4])
    np.testing.assert_array_equal(users.pseudonyms, [10, 20, 30, 5, 40])
    assert len(users) == 5


def test_finding_changes_nothing() -> None:
    users = UserRows()
    np.testing.assert_array_equal(users.find(np.array([1, 2])), [-1, -1])
    users.rows(np.array([7]))
    np.testing.assert_array_equal(users.find(np.array([[7, 8], [9, 7]])), [[0, -1], [-1, 0]])
    assert len(users) == 1


@given(st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=8), max_size=6))
def test_rows_are_those_of_a_plain_dictionary(calls: list[list[int]]) -> None:
    users, plain = UserRows(), dict[int, int]()
    for call in calls:
        for user in sorted(set(call) - set(plain)):
            plain[user] = len(plain)
        found = users.rows(np.array(call, np.int64))
        assert found.tolist() == [plain[user] for user in call]
    assert users.pseudonyms.tolist() == list(plain)


def test_places_are_found_whatever_the_order_and_a_stranger_is_named() -> None:
    held = np.array([5, 2, 9, 4])
    np.testing.assert_array_equal(places(held, held), [0, 1, 2, 3])
    np.testing.assert_array_equal(places(np.array([9, 5]), held), [2, 0])
    np.testing.assert_array_equal(places(np.array([], np.int64), held), [])
    for wrong in ([9, 3], [10], [1]):
        with pytest.raises(ValueError, match="1 users were not in the latest observation"):
            places(np.array(wrong), held)


def test_rounds_are_first_visits_then_second_ones() -> None:
    found = [part.tolist() for part in rounds(np.array([5, 3, 5, 5, 3, 9]))]
    assert [sorted(part) for part in found] == [[0, 1, 5], [2, 4], [3]]
    assert rounds(np.empty(0, np.int64)) == []


@given(st.lists(st.integers(0, 4), max_size=30))
def test_rounds_hold_every_row_once_no_user_twice_and_keep_each_users_order(users: list[int]) -> None:
    parts = rounds(np.array(users, np.int64))
    assert sorted(row for part in parts for row in part) == list(range(len(users)))
    turn = {int(row): number for number, part in enumerate(parts) for row in part}
    seen: dict[int, int] = {}
    for row, user in enumerate(users):
        assert turn[row] == seen.get(user, 0)
        seen[user] = turn[row] + 1


def log(user: list[int], choice: list[int]) -> Feedback:
    n = len(user)
    slates = np.arange(2 * n, dtype=np.int32).reshape(n, 2)
    zeros = np.zeros(n, np.float32)
    time = np.arange(float(n))
    return Feedback(np.array(user), np.zeros(n, np.int32), time, slates, np.array(choice, np.int8), zeros, zeros)


def said(rows: list[tuple[int, BehaviorKind, int]]) -> Behaviors:
    user, kind, expressed = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    none = np.full(n, NONE, np.int32)
    return Behaviors(user, np.arange(float(n)), kind.astype(np.int8), none, none, expressed.astype(np.int32))


def test_each_consumption_gets_its_own_comment() -> None:
    """User 7 takes, refuses, takes and takes again, the last not reported yet; user 8 takes without a word."""
    feedback = log([7, 8, 7, 7, 7], [0, 1, 2, 1, 0])
    behaviors = said(
        [
            (7, BehaviorKind.SEARCH, NONE),
            (7, BehaviorKind.CONSUME, 31),
            (8, BehaviorKind.CONSUME, NONE),
            (7, BehaviorKind.PURCHASE, NONE),
            (9, BehaviorKind.CONSUME, 77),
            (7, BehaviorKind.CONSUME, 32),
        ]
    )
    behaviors = Behaviors(*(getattr(behaviors, name)[[0, 1, 2, 3, 5]] for name in Behaviors.__dataclass_fields__))
    np.testing.assert_array_equal(comments_on(feedback, behaviors), [31, NONE, NONE, 32, NONE])


def test_a_silent_consumption_does_not_shift_the_comments_after_it() -> None:
    feedback = log([7, 7, 7], [0, 0, 0])
    rows = [(7, BehaviorKind.CONSUME, 1), (7, BehaviorKind.CONSUME, NONE), (7, BehaviorKind.CONSUME, 3)]
    np.testing.assert_array_equal(comments_on(feedback, said(rows)), [1, NONE, 3])


def test_without_behaviours_there_are_no_comments() -> None:
    behaviors = said([(7, BehaviorKind.SEARCH, NONE)])
    np.testing.assert_array_equal(comments_on(log([7, 7], [0, 2]), behaviors), [NONE, NONE])
