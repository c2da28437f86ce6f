import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.agents.users import UserRows, places


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
