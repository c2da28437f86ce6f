"""Scores become slates, greedily or by draws, and every slate's propensity is exact."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare
from small_shop import SHOP, SLATE, observation, respond, users

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.baselines.recency_popularity import RecencyPopularity
from driftline.agents.baselines.static_mf import StaticMf
from driftline.agents.policy import (
    Greedy,
    HasPropensity,
    PlackettLuce,
    Policy,
    certain_log_propensity,
    highest,
    plackett_luce_log_propensity,
)
from driftline.agents.protocol import AgentProtocol
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Floats, Int64s, Items, Observation, empty_behaviors


def seen_by(n: int, candidates: Int64s, first_user: int = 1000) -> Observation:
    ints, floats = np.empty(0, np.int32), np.empty(0)
    none = Items(ints, ints, np.empty(0, np.int8), np.empty(0, np.float32), floats, ints)
    return Observation(
        user=np.arange(first_user, first_user + n),
        visit=(np.arange(n) % 7).astype(np.int32),
        time=np.zeros(n),
        behaviors=empty_behaviors(),
        candidates=candidates.astype(np.int32),
        arrived=none,
        tick=0,
    )


def closed_form(scores: Floats, order: tuple[int, ...]) -> float:
    left, total = list(range(len(scores))), 0.0
    for i in order:
        total += scores[i] - np.log(np.exp(scores[left]).sum())
        left.remove(i)
    return total


def place(length: int, n: int) -> Int64s:
    return np.zeros((n, length), np.int64)


def test_greedy_shows_the_best_slate_for_certain() -> None:
    best = np.array([[2, 0], [1, 3]])
    shared = Greedy().slates(seen_by(2, np.array([10, 11, 12, 13])), np.zeros((2, 4)), best, 1)
    np.testing.assert_array_equal(shared.items, [[12, 10], [11, 13]])
    private = np.array([[10, 11, 12, 13], [20, 21, 22, 23]])
    own = Greedy().slates(seen_by(2, private), np.zeros((2, 4)), best, 1)
    np.testing.assert_array_equal(own.items, [[12, 10], [21, 23]])
    assert not own.log_p.any()
    assert not own.log_p_cascade.any()


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


STOCHASTIC = [Random(), Popularity(temperature=0.7), RecencyPopularity(temperature=0.7), StaticMf(temperature=0.2)]
CERTAIN = [Popularity(), RecencyPopularity(), StaticMf()]


def met(agent: AgentProtocol) -> AgentProtocol:
    agent.reset(SHOP)
    agent.learn(
        respond(
            users(),
            9,
            observation(users(), 9, 14.0).time,
            agent.act(observation(users(), 9, 14.0)).items,
            np.random.default_rng(1),
        )
    )
    agent.tick(14.25)
    return agent


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


def test_greedy_is_certain_of_the_best_slate_and_of_no_other() -> None:
    seen, best = seen_by(1, np.array([7, 8, 9])), np.array([[2, 0]])
    items = np.array([[9, 7]], np.int32)
    assert Greedy().log_propensity(seen, np.zeros((1, 3)), best, items).tolist() == [[0.0, 0.0]]
    assert Greedy().log_propensity(seen, np.zeros((1, 3)), best, items[:, ::-1]).tolist() == [[-np.inf, -np.inf]]


def test_the_highest_scores_come_first_and_ties_by_a_draw_per_item() -> None:
    seen = seen_by(3, np.array([7, 8, 9, 4]))
    own = highest(seen, np.array([[1.0, 3.0, 2.0, 0.0]] * 3), 3, seed=1)
    assert own.items.tolist() == [[8, 9, 7]] * 3
    assert highest(seen, np.array([1.0, 3.0, 2.0, 0.0]), 3, seed=1).items.tolist() == own.items.tolist()
    assert not own.log_p.any()
    tied = {tuple(highest(seen, np.zeros((3, 4)), 3, seed=seed).items[0].tolist()) for seed in range(20)}
    assert len(tied) > 5
    turned = replace(seen, candidates=seen.candidates[::-1].copy())
    np.testing.assert_array_equal(highest(seen, np.zeros(4), 3, 2).items, highest(turned, np.zeros(4), 3, 2).items)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros((2, 4)), r"scores have shape \[2, 4\]; must be \[3, 4\], or \[4\]"),
        (np.zeros((3, 3)), r"scores have shape \[3, 3\]; must be \[3, 4\]"),
        (np.array([0.0, 1.0, np.nan, 0.0]), "the score of item 9 for user 1000 is NaN"),
    ],
)
def test_scores_that_rank_nothing_are_named(scores: Floats, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        highest(seen_by(3, np.array([7, 8, 9, 4])), scores, 2, 1)


def test_far_apart_weights_keep_exact_probabilities() -> None:
    weight, pool = np.array([[0.0, -900.0, -901.0]]), np.arange(3, dtype=np.int32)
    found = plackett_luce_log_propensity(weight, pool, np.array([[0, 1]], np.int32))[0]
    np.testing.assert_allclose(found, [0.0, -np.log1p(np.exp(-1.0))], atol=1e-12)


@pytest.mark.parametrize("agent", STOCHASTIC, ids=lambda agent: type(agent).__name__)
def test_a_drawn_slate_has_the_propensity_that_its_agent_states(agent: AgentProtocol) -> None:
    assert isinstance(agent, HasPropensity)
    seen = observation(users(), 10, 14.3)
    slates = met(agent).act(seen)
    np.testing.assert_allclose(agent.log_propensity(seen, slates.items), slates.log_p_cascade, atol=1e-9)
    assert len(np.unique(slates.items)) > SLATE


@pytest.mark.parametrize("agent", CERTAIN, ids=lambda agent: type(agent).__name__)
def test_a_deterministic_agent_shows_its_own_slate_for_certain_and_no_other(agent: AgentProtocol) -> None:
    assert isinstance(agent, HasPropensity)
    seen = observation(users(), 10, 14.3)
    shown = met(agent).act(seen).items
    np.testing.assert_array_equal(agent.log_propensity(seen, shown), 0.0)
    turned = np.roll(shown, 1, axis=1)
    assert (agent.log_propensity(seen, turned) == -np.inf).all()
    np.testing.assert_array_equal(certain_log_propensity(shown, turned), -np.inf)


@pytest.mark.parametrize("kind", [Popularity, RecencyPopularity, StaticMf])
def test_a_temperature_below_zero_is_refused(kind: type[Popularity]) -> None:
    with pytest.raises(ValueError, match="temperature is -1"):
        kind(temperature=-1.0)
