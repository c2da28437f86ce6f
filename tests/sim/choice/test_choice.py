"""The built-in choice models against their closed forms: chi-square, and 4 standard errors of at most 1 %."""

import numpy as np
import pytest
from one_user import answers, choice_for, items_at
from scipy import stats

from driftline.sim.types import Floats

MATCHES = [0.9, -0.5, 1.4, 0.2, -1.5, 0.6]
APPEAL = [0.3, 0.8, -0.4, 0.0, 1.1, -0.2]
WRITTEN_OUT = ("cascade", "multinomial_logit", "position_based")


def shares(slate: list[int], decay: float, outside: float, model: str = "multinomial_logit") -> Floats:
    """Each model written out, with nothing last."""
    worth = np.exp([MATCHES[i] + APPEAL[i] for i in slate])
    look = (np.arange(len(slate)) + 1.0) ** -decay
    if model == "multinomial_logit":
        return np.asarray(np.append(look * worth, np.exp(outside)) / ((look * worth).sum() + np.exp(outside)))
    alone = worth / (worth + np.exp(outside))
    taken = {
        "position_based": look / look.sum() * alone,
        "cascade": 0.9 ** np.arange(len(slate)) * alone * np.append(1.0, np.cumprod(1.0 - alone)[:-1]),
    }[model]
    return np.asarray(np.append(taken, 1.0 - taken.sum()))


@pytest.mark.parametrize("slate", [[0, 1, 2, 3], [3, 2, 1, 0], [5], [4, 0, 5, 3, 2, 1]])
@pytest.mark.parametrize(("decay", "outside"), [(0.5, 1.0), (0.0, -1.0), (1.5, 2.5)])
@pytest.mark.parametrize("model", WRITTEN_OUT)
def test_choices_are_as_frequent_as_the_model_says(slate: list[int], decay: float, outside: float, model: str) -> None:
    n, items = 40_000, items_at(MATCHES, APPEAL)
    wanted = shares(slate, decay, outside, model)
    choice = choice_for(len(slate), model, outside=outside, decay=decay)
    utilities = np.array([MATCHES[item] + APPEAL[item] for item in slate])
    np.testing.assert_allclose(choice.probabilities(utilities), wanted, rtol=1e-6)
    responses = answers(MATCHES, slate, items, outside=outside, times=n, decay=decay, model=model)
    counts = np.bincount(responses.choice, minlength=len(slate) + 1)
    assert stats.chisquare(counts, n * wanted).pvalue > 1e-4
    error = np.sqrt(wanted * (1 - wanted) / n)
    assert error.max() < 0.01
    assert (np.abs(counts / n - wanted) < 4 * error).all()


def test_equal_items_are_taken_in_the_ratio_of_the_position_weights() -> None:
    n = 160_000
    responses = answers([0.0] * 4, [0, 1, 2, 3], items_at([0.0] * 4), outside=-30.0, times=n)
    counts = np.bincount(responses.choice, minlength=5)
    assert counts[4] == 0
    for k in range(1, 4):
        error = (k + 1) ** 0.5 * np.sqrt(1 / counts[0] + 1 / counts[k])
        assert error < 0.01 * counts[0] / counts[k]
        assert abs(counts[0] / counts[k] - (k + 1) ** 0.5) < 4 * error


def test_the_taken_item_is_the_one_at_the_chosen_position() -> None:
    slate = [4, 0, 5]
    responses = answers(MATCHES, slate, items_at(MATCHES, APPEAL), times=2_000)
    np.testing.assert_array_equal(responses.taken, np.array([*slate, -1])[responses.choice])
    nothing = responses.taken < 0
    assert 0 < nothing.sum() < 2_000
    assert not responses.satisfaction[nothing].any()
    assert not responses.dwell[nothing].any()
    assert not responses.purchased[nothing].any()
    assert np.isnan(responses.rating[nothing]).all()
    assert (responses.comment[nothing] == -1).all()


@pytest.mark.parametrize("model", WRITTEN_OUT)
def test_asking_for_probabilities_changes_no_choice(model: str) -> None:
    items = items_at(MATCHES, APPEAL)
    filled = np.empty((3_000, 5), np.float32)
    plain = answers(MATCHES, [0, 1, 2, 3], items, times=3_000, model=model)
    asked = answers(MATCHES, [0, 1, 2, 3], items, times=3_000, probabilities=filled, model=model)
    for one, other in zip(plain, asked, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(filled, np.tile(shares([0, 1, 2, 3], 0.5, 1.0, model), (3_000, 1)), rtol=1e-5)


def test_removing_an_item_that_was_not_taken_changes_nothing() -> None:
    """A Gumbel-max world: noise belongs to (user, visit, item)."""
    items = items_at(MATCHES, APPEAL)
    four = answers(MATCHES, [0, 1, 2, 3], items, times=5_000, decay=0.0)
    three = answers(MATCHES, [3, 0, 2], items, times=5_000, decay=0.0)
    same = four.taken != 1
    assert 0.3 < same.mean() < 0.95
    for name in ("taken", "satisfaction", "dwell", "purchased", "comment"):
        np.testing.assert_array_equal(getattr(four, name)[same], getattr(three, name)[same], err_msg=name)


def test_a_cascade_takes_an_item_or_not_whatever_stands_below_it() -> None:
    items = items_at(MATCHES, APPEAL)
    long = answers(MATCHES, [2, 0, 3, 1], items, times=5_000, model="cascade")
    short = answers(MATCHES, [2, 0], items, times=5_000, model="cascade")
    same = long.choice < 2
    assert 0.2 < same.mean() < 0.95
    np.testing.assert_array_equal(long.choice[same], short.choice[same])
    assert (short.choice[~same] == 2).all()


def test_where_a_user_looks_does_not_depend_on_what_stands_there() -> None:
    items = items_at(MATCHES, APPEAL)
    better = answers(MATCHES, [0, 2, 5], items, times=5_000, model="position_based")
    worse = answers(MATCHES, [0, 4, 5], items, times=5_000, model="position_based")
    first = (better.choice == 0) | (worse.choice == 0)
    assert 0.1 < first.mean() < 0.9
    np.testing.assert_array_equal(better.taken[first], worse.taken[first])
