"""Draws follow the Plackett-Luce distribution, and every slate's propensity is exact."""

from itertools import permutations

import numpy as np
import pytest
from policy_visits import place, seen_by
from scipy.stats import chisquare

from driftline.agents.policy import PlackettLuce, Policy, plackett_luce_log_propensity
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Floats, Observation


def closed_form(scores: Floats, order: tuple[int, ...]) -> float:
    left, total = list(range(len(scores))), 0.0
    for i in order:
        total += scores[i] - np.log(np.exp(scores[left]).sum())
        left.remove(i)
    return total


def test_drawn_slates_follow_the_plackett_luce_distribution() -> None:
    n, scores = 30_000, np.array([0.7, -0.3, 0.1, 0.9])
    temperature = 0.8
    drawn = PlackettLuce(temperature=temperature).slates(
        seen_by(n, np.arange(4)), np.tile(scores, (n, 1)), place(2, n), seed=5
    )
    every = list(permutations(range(4), 2))
    p = np.exp([closed_form(scores / temperature, order) for order in every])
    seen = np.array([(drawn.items == order).all(axis=1).sum() for order in every])
    assert p.sum() == pytest.approx(1.0)
    assert chisquare(seen, n * p).pvalue > 1e-4


def test_log_probabilities_are_exact_and_the_cascade_adds_up() -> None:
    rng = np.random.default_rng(1)
    scores = 3.0 * rng.normal(size=(40, 12))
    drawn = PlackettLuce(temperature=1.5).slates(seen_by(40, np.arange(12)), scores, place(5, 40), seed=2)
    np.testing.assert_allclose(drawn.log_p_cascade.sum(axis=1), drawn.log_p, atol=1e-12)
    for row in range(40):
        order = tuple(int(i) for i in drawn.items[row])
        assert len(set(order)) == 5
        assert drawn.log_p[row] == pytest.approx(closed_form(scores[row] / 1.5, order), abs=1e-10)


def test_only_the_shortlist_is_drawn_and_its_propensities_know_it() -> None:
    scores = np.tile(np.array([0.0, 5.0, 1.0, 4.0, 3.0]), (500, 1))
    drawn = PlackettLuce(temperature=50.0, shortlist=3).slates(
        seen_by(500, np.arange(5)), scores, place(3, 500), seed=3
    )
    assert set(np.unique(drawn.items)) == {1, 3, 4}
    short = np.array([5.0, 4.0, 3.0]) / 50.0
    name = {1: 0, 3: 1, 4: 2}
    for row in range(5):
        order = tuple(name[int(i)] for i in drawn.items[row])
        assert drawn.log_p[row] == pytest.approx(closed_form(short, order), abs=1e-12)


def test_noise_is_keyed_by_seed_user_visit_and_item() -> None:
    seen = seen_by(30, np.array([3, 9, 27, 81]))
    scores = np.random.default_rng(4).normal(size=(30, 4))
    drawn = PlackettLuce(temperature=1.0).slates(seen, scores, place(4, 30), seed=6)
    u = uniforms(6, Stream.AGENT, seen.user[:, None], seen.visit[:, None], seen.candidates)
    np.testing.assert_array_equal(drawn.items, seen.candidates[np.argsort(-(scores - np.log(-np.log(u))), axis=1)])


@pytest.mark.parametrize("chunk", [1, 7])
def test_draws_do_not_depend_on_the_batch(chunk: int) -> None:
    rng = np.random.default_rng(5)
    private = np.argsort(rng.random((50, 300)), axis=1)[:, :150]
    scores = rng.normal(size=(50, 150))
    policy: Policy = PlackettLuce(temperature=0.5)
    seen = seen_by(50, private)
    whole = policy.slates(seen, scores, place(10, 50), seed=1)
    for at in range(0, 50, chunk):
        rows = slice(at, at + chunk)
        part = Observation(
            seen.user[rows],
            seen.visit[rows],
            seen.time[rows],
            seen.behaviors,
            seen.candidates[rows],
            seen.arrived,
            0,
        )
        own = policy.slates(part, scores[rows], place(10, len(part)), seed=1)
        np.testing.assert_array_equal(own.items, whole.items[rows])
        np.testing.assert_array_equal(own.log_p, whole.log_p[rows])
        np.testing.assert_array_equal(own.log_p_cascade, whole.log_p_cascade[rows])


def test_extreme_scores_keep_exact_propensities() -> None:
    scores = np.array([[4000.0, 2000.0, 1999.0, 0.0]])
    drawn = PlackettLuce(temperature=1.0).slates(seen_by(1, np.arange(4)), scores, place(4, 1), seed=1)
    second = -np.log1p(np.exp(-1.0)) if drawn.items[0, 1] == 1 else -1.0 - np.log1p(np.exp(-1.0))
    np.testing.assert_allclose(drawn.log_p_cascade[0], [0.0, second, 0.0, 0.0], atol=1e-12)


def test_a_shortlist_below_the_slate_and_broken_scores_are_named() -> None:
    with pytest.raises(ValueError, match="shortlist of 2"):
        PlackettLuce(temperature=1.0, shortlist=2).slates(
            seen_by(1, np.arange(4)), np.zeros((1, 4)), place(3, 1), seed=1
        )
    with pytest.raises(ValueError, match="finite"):
        PlackettLuce(temperature=1.0).slates(seen_by(1, np.arange(4)), np.full((1, 4), np.nan), place(3, 1), seed=1)


def test_all_ordered_slates_together_are_certain() -> None:
    rng = np.random.default_rng(0)
    weight, pool = rng.normal(size=(3, 5)), np.argsort(rng.random((3, 5)), axis=1).astype(np.int32)
    total = np.zeros(3)
    for order in permutations(range(5), 3):
        items = pool[:, list(order)]
        total += np.exp(plackett_luce_log_propensity(weight, pool, items).sum(axis=1))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_the_first_place_is_the_softmax_and_the_second_that_of_the_rest() -> None:
    weight, pool = np.array([[0.0, 1.0, 2.0]]), np.array([7, 3, 5], np.int32)
    found = np.exp(plackett_luce_log_propensity(weight, pool, np.array([[5, 7]], np.int32)))[0]
    e = np.exp(weight[0])
    np.testing.assert_allclose(found, [e[2] / e.sum(), e[0] / (e[0] + e[1])], rtol=1e-12)


def test_what_is_not_on_offer_or_shown_twice_is_impossible() -> None:
    weight, pool = np.zeros((1, 3)), np.array([7, 3, 5], np.int32)
    assert plackett_luce_log_propensity(weight, pool, np.array([[9, 7]], np.int32))[0, 0] == -np.inf
    assert plackett_luce_log_propensity(weight, pool, np.array([[7, 7]], np.int32))[0, 1] == -np.inf


def test_far_apart_weights_keep_exact_probabilities() -> None:
    weight, pool = np.array([[0.0, -900.0, -901.0]]), np.arange(3, dtype=np.int32)
    found = plackett_luce_log_propensity(weight, pool, np.array([[0, 1]], np.int32))[0]
    np.testing.assert_allclose(found, [0.0, -np.log1p(np.exp(-1.0))], atol=1e-12)


def test_a_shortlist_shares_out_all_probability_among_its_items() -> None:
    scores = np.random.default_rng(6).normal(size=(1, 5))
    policy, seen = PlackettLuce(temperature=0.7, shortlist=3), seen_by(1, np.arange(5))
    every = np.array(list(permutations(range(5), 2)), np.int32)
    p = np.array([np.exp(policy.log_propensity(seen, scores, place(2, 1), row[None]).sum()) for row in every])
    listed = np.isin(every, np.argsort(-scores[0])[:3]).all(axis=1)
    assert p.sum() == pytest.approx(1.0)
    assert (p > 0).tolist() == listed.tolist()


def test_a_policy_states_of_its_own_draws_what_it_drew_with() -> None:
    scores = np.random.default_rng(7).normal(size=(50, 12))
    policy, seen = PlackettLuce(temperature=0.7, shortlist=9), seen_by(50, np.arange(12))
    drawn = policy.slates(seen, scores, place(4, 50), seed=3)
    found = policy.log_propensity(seen, scores, place(4, 50), drawn.items)
    np.testing.assert_array_equal(found, drawn.log_p_cascade)
