"""Interleaving against every slate there is: probabilities, credit, and what random clicks say."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from enumerated_slates import balanced_slates, probabilistic_slates, team_slates
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from driftline.evaluation import interleaving as il
from driftline.evaluation.interleaving import Interleaved

PAIRS = [
    ((1, 2, 3, 4), (2, 3, 4, 1)),
    ((1, 2, 3, 4), (1, 2, 4, 3)),
    ((1, 2, 3), (4, 5, 6)),
    ((5, 1, 9, 7, 3), (9, 5, 2, 3, 8)),
    ((1, 2, 3), (1, 2, 3)),
]
DRAWS = 4000


def repeated(ranking: tuple[int, ...], n: int = DRAWS) -> Any:
    return np.tile(ranking, (n, 1))


def matches(drawn: list[Any], chances: dict[Any, float]) -> None:
    """The draws are the possible ones, each about as often as it should be.

    Exact binomial tails, as rare as four standard errors (3e-5) over all slates together.
    """
    assert set(drawn) <= set(chances)
    seen = np.array([drawn.count(key) for key in chances])
    p = np.minimum(np.array(list(chances.values())), 1.0)
    tail = np.minimum(binom.cdf(seen, len(drawn), p), binom.sf(seen - 1, len(drawn), p))
    assert tail.min() > 3e-5 / len(chances)


def keys(rows: Any) -> list[tuple[int, ...]]:
    return [tuple(int(x) for x in row) for row in rows]


def enumerated(a: tuple[int, ...], b: tuple[int, ...], slates: list[Any], share: Any) -> Interleaved:
    items = np.array(slates)
    n = len(items)
    return Interleaved(items, repeated(a, n), repeated(b, n), np.array(share, dtype=np.float64), np.zeros(n))


def click_patterns(length: int) -> list[tuple[int, ...]]:
    return list(product((0, 1), repeat=length))


def all_alike(pattern: Any, n: int) -> Any:
    return np.tile(np.array(pattern, dtype=bool), (n, 1))


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_balanced_slates_are_the_enumerated_ones(a: tuple[int, ...], b: tuple[int, ...], length: int) -> None:
    made = il.balanced(repeated(a), repeated(b), length=length, seed=3)
    chances = balanced_slates(a, b, length)
    matches(keys(made.items), chances)
    assert np.exp(made.log_p) == pytest.approx(np.array([chances[key] for key in keys(made.items)]))


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_team_draft_slates_are_the_enumerated_ones(a: tuple[int, ...], b: tuple[int, ...], length: int) -> None:
    made = il.team_draft(repeated(a), repeated(b), length=length, seed=4)
    chances = team_slates(a, b, length)
    matches(list(zip(keys(made.items), keys(made.share_b), strict=True)), chances)
    of_slate: dict[Any, float] = {}
    for (slate, _), p in chances.items():
        of_slate[slate] = of_slate.get(slate, 0.0) + p
    assert np.exp(made.log_p) == pytest.approx(np.array([of_slate[key] for key in keys(made.items)]))


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_probabilistic_slates_have_their_exact_probability_and_assignment(
    a: tuple[int, ...], b: tuple[int, ...], tau: float
) -> None:
    made = il.probabilistic(repeated(a), repeated(b), length=3, tau=tau, seed=5)
    joint = probabilistic_slates(a, b, 3, tau)
    of_slate: dict[Any, float] = {}
    by_b: dict[Any, Any] = {}
    for (slate, teams), p in joint.items():
        of_slate[slate] = of_slate.get(slate, 0.0) + p
        by_b[slate] = by_b.get(slate, 0.0) + p * np.array(teams)
    matches(keys(made.items), of_slate)
    assert made.log_p == pytest.approx(np.log([of_slate[key] for key in keys(made.items)]), abs=1e-9)
    expected = np.array([by_b[key] / of_slate[key] for key in keys(made.items)])
    assert np.allclose(made.share_b, expected, rtol=0, atol=1e-9)
    again = il.assignment(made.items, made.a, made.b, tau=tau)
    assert np.allclose(again.share_b, made.share_b, rtol=0, atol=1e-12)
    assert np.allclose(again.log_p, made.log_p, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_probabilistic_credit_is_the_mean_over_all_assignments(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    joint = probabilistic_slates(a, b, 3, 3.0)
    slates = sorted({slate for slate, _ in joint})
    made = il.assignment(np.array(slates), repeated(a, len(slates)), repeated(b, len(slates)))
    for pattern in click_patterns(3):
        found = il.probabilistic_outcome(made, all_alike(pattern, len(slates)))
        for row, slate in enumerate(slates):
            own = {teams: p for (other, teams), p in joint.items() if other == slate}
            for_b = {teams: sum(t for t, c in zip(teams, pattern, strict=True) if c) for teams in own}
            mass, clicks = sum(own.values()), sum(pattern)
            credit = sum(p * for_b[teams] for teams, p in own.items()) / mass
            win = sum(p * np.sign(2 * for_b[teams] - clicks) for teams, p in own.items()) / mass
            assert found.credit_b[row] == pytest.approx(credit, abs=1e-9)
            assert found.credit_a[row] == pytest.approx(clicks - credit, abs=1e-9)
            assert found.win[row] == pytest.approx(win, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(6)), st.permutations(range(6)), st.integers(1, 4))
def test_clicks_that_depend_on_the_place_only_favour_nobody_under_team_draft(
    a: list[int], b: list[int], length: int
) -> None:
    one, other = tuple(a[:5]), tuple(b[:5])
    chances = team_slates(one, other, length)
    p = np.array(list(chances.values()))
    made = enumerated(one, other, [slate for slate, _ in chances], [teams for _, teams in chances])
    for pattern in click_patterns(length):
        found = il.team_draft_outcome(made, all_alike(pattern, len(p)))
        assert p @ (found.credit_b - found.credit_a) == pytest.approx(0.0, abs=1e-12)
        assert p @ found.win == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(5)), st.floats(0.5, 4.0))
def test_clicks_that_depend_on_the_place_only_favour_nobody_under_probabilistic_interleaving(
    a: list[int], b: list[int], tau: float
) -> None:
    one, other = tuple(a[:4]), tuple(b[:4])
    joint = probabilistic_slates(one, other, 3, tau)
    slates = sorted({slate for slate, _ in joint})
    made = il.assignment(np.array(slates), repeated(one, len(slates)), repeated(other, len(slates)), tau=tau)
    p = np.exp(made.log_p)
    assert p.sum() == pytest.approx(1.0, abs=1e-9)
    for pattern in click_patterns(3):
        found = il.probabilistic_outcome(made, all_alike(pattern, len(slates)))
        assert p @ (found.credit_b - found.credit_a) == pytest.approx(0.0, abs=1e-9)
        assert p @ found.win == pytest.approx(0.0, abs=1e-9)


def test_balanced_interleaving_prefers_one_of_two_rankings_under_random_clicks() -> None:
    """The known counter-example (Radlinski, Kurup & Joachims 2008): B = A with its top moved to the end."""
    a, b = (1, 2, 3), (2, 3, 1)
    chances = balanced_slates(a, b, 3)
    p = np.array(list(chances.values()))
    made = enumerated(a, b, list(chances), np.full((len(p), 3), np.nan))
    mean = [p @ il.balanced_outcome(made, all_alike(pattern, len(p))).win for pattern in np.eye(3, dtype=int)]
    # one click on a random place: B wins two of three times
    assert np.mean(mean) == pytest.approx(2 / 3 - 1 / 3)
    drafted = team_slates(a, b, 3)
    weight = np.array(list(drafted.values()))
    fair = enumerated(a, b, [slate for slate, _ in drafted], [teams for _, teams in drafted])
    for pattern in np.eye(3, dtype=int):
        assert weight @ il.team_draft_outcome(fair, all_alike(pattern, len(weight))).win == 0.0


def test_balanced_credit_is_the_papers() -> None:
    """Clicks on 2 and 3 of (1, 2, 3, 4) and (2, 3, 4, 1): down to 3, B's second, A has one of them and B both."""
    made = enumerated((1, 2, 3, 4), (2, 3, 4, 1), [(2, 1, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)], np.zeros((3, 4)))
    clicks = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
    found = il.balanced_outcome(made, clicks)
    assert found.credit_a.tolist() == [1.0, 1.0, 0.0]
    assert found.credit_b.tolist() == [2.0, 1.0, 0.0]
    assert found.win.tolist() == [1.0, 0.0, 0.0]


def test_ranks_are_not_closed_up_when_an_item_is_taken() -> None:
    """mpkato/interleaving ranks the rest anew after each draw (and gives both rankings one draw of each two).

    The paper's softmax keeps every item's own rank: after the first item is gone the second has 2^-3, not 1.
    """
    same = (1, 2, 3)
    p = np.exp(il.assignment(np.array([same]), np.array([same]), np.array([same])).log_p[0])
    kept = 1 / (1 + 2**-3 + 3**-3) * 2**-3 / (2**-3 + 3**-3)
    closed_up = 1 / (1 + 2**-3 + 3**-3) * 1 / (1 + 2**-3)
    assert p == pytest.approx(kept, abs=1e-12)
    assert abs(p - closed_up) > 0.09


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(7)), st.permutations(range(7)), st.integers(1, 5), st.sampled_from(["inverse", "linear"]))
def test_an_optimised_distribution_is_unbiased_and_no_allowed_one_is_more_sensitive(
    a: list[int], b: list[int], length: int, credit: Any
) -> None:
    one, other = a[:6], b[:6]
    found = il.optimised_distribution(one, other, length=length, credit=credit)
    assert found.probability.sum() == pytest.approx(1.0)
    assert found.probability @ found.credit == pytest.approx(np.zeros(length), abs=1e-9)
    for slate, worth in zip(found.items, found.credit, strict=True):
        for place, item in enumerate(slate):
            shown = slate[:place]
            assert item in [next(x for x in ranking if x not in shown) for ranking in (one, other)]
            rank = [ranking.index(item) + 1 if item in ranking else 7 for ranking in (one, other)]
            expected = 1 / rank[1] - 1 / rank[0] if credit == "inverse" else rank[0] - rank[1]
            assert worth[place] == pytest.approx(expected)
    # the least-squares change of any other distribution to a feasible one is not better either
    rng = np.random.default_rng(length)
    rows = np.vstack([np.ones(len(found.items)), found.credit.T])
    free = np.eye(len(found.items)) - np.linalg.pinv(rows) @ rows
    for _ in range(20):
        direction = free @ rng.standard_normal(len(found.items))
        moved = found.probability + 1e-3 * direction
        if (moved >= -1e-12).all():
            assert moved @ found.sensitivity <= found.probability @ found.sensitivity + 1e-9


def test_sensitivity_is_the_entropy_of_one_clicks_verdict() -> None:
    found = il.optimised_distribution([1, 2, 3], [2, 1, 3], length=2)
    assert {tuple(row) for row in found.items.tolist()} == {(1, 2), (2, 1)}
    # weights 2/3 and 1/3, one place for each ranking, nothing tied
    assert found.sensitivity == pytest.approx(-(2 / 3) * np.log2(2 / 3) - (1 / 3) * np.log2(1 / 3))
    assert found.probability == pytest.approx([0.5, 0.5])


def test_optimised_slates_are_drawn_as_designed() -> None:
    a, b = np.array([1, 2, 3, 4]), np.array([2, 3, 4, 1])
    made, worth = il.optimised(repeated(tuple(a)), repeated(tuple(b)), length=3, seed=2)
    distribution = il.optimised_distribution(a, b, length=3)
    matches(keys(made.items), dict(zip(keys(distribution.items), distribution.probability.tolist(), strict=True)))
    known = dict(zip(keys(distribution.items), distribution.credit.tolist(), strict=True))
    assert worth.tolist() == [known[key] for key in keys(made.items)]
    clicks = np.zeros((DRAWS, 3), dtype=bool)
    clicks[:, 0] = True
    outcome = il.optimised_outcome(made, worth, clicks)
    assert np.allclose(outcome.credit_b - outcome.credit_a, worth[:, 0])
