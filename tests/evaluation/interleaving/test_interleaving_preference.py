"""From clicks to a preference: its value, its interval, its keys, and bad input."""

from typing import Any

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from driftline.evaluation import interleaving as il
from driftline.sim.errors import InputError


def rankings(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return (np.stack([rng.permutation(12)[:6] for _ in range(n)]) for _ in range(2))  # type: ignore[return-value]


def test_preference_is_wins_and_half_the_ties_less_a_half() -> None:
    win = np.array([1.0] * 5 + [-1.0] * 2 + [0.0] * 3)
    found = il.preference(il.Outcome(np.zeros(10), win * 2, win))
    assert found.value == pytest.approx((5 + 3 / 2) / 10 - 0.5)
    assert il.preference(il.Outcome(np.zeros(10), win * 2, win), measure="credit").value == pytest.approx(0.6)
    assert found.warnings == ("7 of 10 impressions have a winner: too few for the interval to be trusted",)


def test_users_impressions_are_not_taken_for_independent() -> None:
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(60), rng.integers(1, 12, 60))
    win = np.sign(rng.normal(0.3, 1.0, 60)[user] + rng.normal(0, 0.3, len(user)))
    outcome = il.Outcome(np.zeros(len(win)), win, win)
    found = il.preference(outcome, user=user)
    fit = OLS(win / 2, np.ones(len(win))).fit(cov_type="cluster", cov_kwds={"groups": user}, use_t=True)
    assert found.std_error == pytest.approx(float(fit.bse[0]), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-9)
    assert found.n == 60
    assert found.std_error > 1.5 * il.preference(outcome).std_error


@pytest.mark.parametrize("method", ["team_draft", "probabilistic"])
def test_random_clicks_are_called_a_preference_no_more_often_than_stated(method: str) -> None:
    rng = np.random.default_rng(2)
    repeats, n, wrong = 400, 200, 0
    make, judge = getattr(il, method), getattr(il, f"{method}_outcome")
    a, b = rankings(n)
    chance = 1.0 / np.arange(2, 8)
    for seed in range(repeats):
        made = make(a, b, seed=seed)
        found = il.preference(judge(made, rng.random((n, 6)) < chance))
        wrong += not found.low <= 0.0 <= found.high
    assert abs(wrong / repeats - 0.05) < 4 * np.sqrt(0.05 * 0.95 / repeats)


def test_averaging_over_assignments_varies_less_than_drawing_one() -> None:
    a, b = rankings(4000, seed=3)
    rng = np.random.default_rng(3)
    made = il.probabilistic(a, b, seed=1)
    clicks = rng.random(made.items.shape) < 0.3
    exact = il.probabilistic_outcome(made, clicks)
    teams = (rng.random(made.items.shape) < made.share_b).astype(np.float64)
    drawn = il.team_draft_outcome(il.Interleaved(made.items, made.a, made.b, teams, made.log_p), clicks)
    assert np.var(exact.win) < 0.9 * np.var(drawn.win)
    assert abs(exact.win.mean() - drawn.win.mean()) < 4 * np.std(drawn.win) / np.sqrt(4000)


def test_the_better_ranking_is_preferred() -> None:
    n = 2000
    a, b = np.tile([7, 8, 9, 1, 2, 3], (n, 1)), np.tile([1, 2, 3, 7, 8, 9], (n, 1))
    rng = np.random.default_rng(4)
    for make, judge in (
        (il.balanced, il.balanced_outcome),
        (il.team_draft, il.team_draft_outcome),
        (il.probabilistic, il.probabilistic_outcome),
    ):
        made = make(a, b)
        clicks = (made.items <= 3) & (rng.random(made.items.shape) < 0.3)
        assert il.preference(judge(made, clicks)).low > 0.1
        swapped = make(b, a)
        clicks = (swapped.items <= 3) & (rng.random(swapped.items.shape) < 0.3)
        assert il.preference(judge(swapped, clicks)).high < -0.1


@pytest.mark.parametrize("method", ["balanced", "team_draft", "probabilistic"])
def test_a_slate_depends_on_its_own_key_only(method: str) -> None:
    a, b = rankings(50, seed=5)
    make: Any = getattr(il, method)
    user, visit = np.random.default_rng(0).integers(0, 2**62, 50), np.arange(50)
    whole = make(a, b, user=user, visit=visit, seed=1)
    some = np.array([40, 3, 17])
    part = make(a[some], b[some], user=user[some], visit=visit[some], seed=1)
    assert np.array_equal(part.items, whole.items[some])
    assert not np.array_equal(make(a, b, user=user, visit=visit, seed=2).items, whole.items)
    assert not np.array_equal(make(a, b, user=user, visit=visit + 1, seed=1).items, whole.items)
    assert not np.array_equal(make(a, b, user=user + 2**40, visit=visit, seed=1).items, whole.items)


def test_clicks_come_from_a_logs_choice() -> None:
    assert il.from_choice(np.array([0, 2, 3]), 3).astype(int).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    with pytest.raises(InputError, match="choice holds 0 to 4; it must lie in 0 to 3"):
        il.from_choice(np.array([0, 4]), 3)


def test_bad_rankings_and_clicks_are_named() -> None:
    a, b = np.array([[1, 2, 3]]), np.array([[3, 1, -1]])
    with pytest.raises(InputError, match="b row 0 has 2 items; slates of 3 need as many in each ranking"):
        il.team_draft(a, b)
    with pytest.raises(InputError, match="a row 0 holds item 1 more than once"):
        il.balanced([[1, 1]], b)
    with pytest.raises(InputError, match="a has 2 rankings and b has 1"):
        il.probabilistic(np.tile(a, (2, 1)), b, length=2)
    with pytest.raises(InputError, match=r"tau is 0\.0"):
        il.probabilistic(a, b, length=2, tau=0.0)
    with pytest.raises(InputError, match="item 9 is shown, but neither ranking has it"):
        il.assignment([[1, 9]], a, b)
    with pytest.raises(InputError, match="user must be 1 whole numbers"):
        il.team_draft(a, b, length=2, user=[1, 2])
    with pytest.raises(InputError, match="takes at most 10"):
        il.optimised_distribution(range(12), range(12))
    with pytest.raises(InputError, match="did you mean 'inverse'"):
        il.optimised_distribution([1], [2], credit="invers")  # type: ignore[arg-type]
    made = il.team_draft(a, b, length=2)
    with pytest.raises(InputError, match="clicks have type int64"):
        il.team_draft_outcome(made, np.zeros((1, 2), np.int64))
    with pytest.raises(InputError, match=r"clicks have shape \(1, 3\)"):
        il.team_draft_outcome(made, np.zeros((1, 3), bool))
    with pytest.raises(InputError, match="there are no impressions"):
        il.preference(il.Outcome(np.empty(0), np.empty(0), np.empty(0)))
    with pytest.raises(InputError, match="did you mean 'wins'"):
        il.preference(il.Outcome(np.zeros(1), np.zeros(1), np.zeros(1)), measure="win")  # type: ignore[arg-type]
