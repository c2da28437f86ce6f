"""Head and factors are retrained on the agent's own log and score what they learned."""

from dataclasses import replace

import numpy as np
import pytest
from small_shop import ITEMS, KINDS, SHOP, USERS, VISITS, liked

from driftline.agents.composed.memory import ChoiceLog, History
from driftline.agents.composed.retraining import Foresight
from driftline.agents.models.item_space import Shelf
from driftline.agents.users import UserRows
from driftline.sim.types import Int64s, Interactions, Setting

SHELF = Shelf(SHOP, None, np.zeros(4))


def lived(order: Int64s) -> tuple[History, ChoiceLog, UserRows]:
    """The warm-up as an agent would have kept it, whose users were met in this order."""
    log, users, history, choices = SHOP.feedback, UserRows(), History(KINDS), ChoiceLog(10**6)
    for user in order:
        users.rows(np.array([user]))
    history.grow(len(users))
    length = log.items.shape[1]
    for start in range(0, USERS * VISITS, USERS):
        part = np.arange(start, start + USERS)
        rows, taken = users.find(log.user[part]), log.choice[part] < length
        vectors = SHELF.vectors[log.items[part]]
        chosen = vectors[np.arange(USERS), np.minimum(log.choice[part], length - 1)] - vectors.mean(axis=1)
        felt = np.zeros(int(taken.sum()), np.float32)
        history.add(rows[taken], chosen[taken], log.time[part][taken], felt)
        offset = np.zeros((USERS, length), np.float32)
        choices.add(
            user=log.user[part], time=log.time[part], row=rows, items=log.items[part], choice=log.choice[part],
            offset=offset,
        )  # fmt: skip
    choices.settle()
    return history, choices, users


BLANK = Foresight(seed=3, dim=KINDS, foresees=True, factorises=True)
NAMES = np.unique(SHOP.feedback.user)
HISTORY, CHOICES, PEOPLE = lived(NAMES)
LATER = np.full(USERS, 14.0)
ALL = np.arange(ITEMS, dtype=np.int32)


@pytest.fixture(scope="module")
def trained() -> Foresight:
    return BLANK.retrained(HISTORY, SHELF, CHOICES, SHOP, PEOPLE)


def test_before_the_first_training_it_says_nothing() -> None:
    rows = np.arange(5)
    np.testing.assert_array_equal(BLANK.vectors(HISTORY, rows, LATER[:5]), np.zeros((5, KINDS)))
    np.testing.assert_array_equal(BLANK.factor_scores(rows, ALL), np.zeros((5, ITEMS)))
    np.testing.assert_array_equal(BLANK.factor_scores(rows, np.zeros((5, 7), np.int32)), np.zeros((5, 7)))


def test_nobody_has_no_vectors(trained: Foresight) -> None:
    nobody = np.zeros(0, np.int64)
    assert trained.vectors(HISTORY, nobody, np.zeros(0)).shape == (0, KINDS)
    assert trained.factor_scores(nobody, ALL).shape == (0, ITEMS)


def test_a_trained_head_foresees_what_is_liked(trained: Foresight) -> None:
    rows = PEOPLE.find(NAMES)
    scores = trained.vectors(HISTORY, rows, LATER) @ SHELF.vectors.T
    by_kind = np.stack([scores[:, kind::KINDS].mean(axis=1) for kind in range(KINDS)], axis=1)
    assert (by_kind.argmax(axis=1) == liked(NAMES)).mean() > 0.9


def test_trained_factors_tell_what_was_taken(trained: Foresight) -> None:
    scores = trained.factor_scores(PEOPLE.find(NAMES), ALL)
    by_kind = np.stack([scores[:, kind::KINDS].mean(axis=1) for kind in range(KINDS)], axis=1)
    assert (by_kind.argmax(axis=1) == liked(NAMES)).mean() > 0.9


def test_factors_say_nothing_of_users_and_items_they_did_not_know(trained: Foresight) -> None:
    rows = np.array([USERS + 4, 0])
    scores = trained.factor_scores(rows, np.array([0, 1, 2, ITEMS + 50], np.int32))
    np.testing.assert_array_equal(scores[0], 0.0)
    assert scores[1, 3] == 0.0
    assert scores[1, :3].any()


def test_training_leaves_the_old_one_as_it_is(trained: Foresight) -> None:
    assert BLANK.head is None
    assert BLANK.factors is None
    again = trained.retrained(HISTORY, SHELF, CHOICES, SHOP, PEOPLE)
    assert again is not trained
    np.testing.assert_array_equal(again.head.carry, trained.head.carry)  # type: ignore[union-attr]


def test_the_order_in_which_users_were_met_leaves_no_trace(trained: Foresight) -> None:
    order = np.random.default_rng(1).permutation(NAMES)
    history, choices, people = lived(order)
    other = BLANK.retrained(history, SHELF, choices, SHOP, people)
    one, two = PEOPLE.find(NAMES), people.find(NAMES)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(other.vectors(history, two, LATER), trained.vectors(HISTORY, one, LATER))
    np.testing.assert_array_equal(other.factor_scores(two, ALL), trained.factor_scores(one, ALL))


def test_parts_can_be_left_out() -> None:
    headless = replace(BLANK, foresees=False).retrained(HISTORY, SHELF, CHOICES, SHOP, PEOPLE)
    assert headless.head is None
    assert headless.factors is not None
    plain = replace(BLANK, factorises=False).retrained(HISTORY, SHELF, CHOICES, SHOP, PEOPLE)
    assert plain.head is not None
    assert plain.factors is None


def test_without_a_log_there_is_nothing_to_train() -> None:
    assert BLANK.retrained(HISTORY, SHELF, ChoiceLog(1), SHOP, PEOPLE) is BLANK


def test_the_past_of_known_users_counts_for_the_factors() -> None:
    """User 0 took one item that nobody else did, long ago; so did somebody who never came."""
    odd = np.array([ITEMS + 1, ITEMS + 2], np.int32)
    past = Interactions(np.array([NAMES[0], 5]), odd, np.array([-3.0, -2.0]), np.full(2, 5.0, np.float32))
    shop: Setting = replace(SHOP, past=past)
    scores = BLANK.retrained(HISTORY, SHELF, CHOICES, shop, PEOPLE).factor_scores(PEOPLE.find(NAMES[:2]), odd)
    assert scores[0, 0] > 0.3
    assert scores[0, 0] > scores[1, 0]
    np.testing.assert_array_equal(scores[:, 1], 0.0)
