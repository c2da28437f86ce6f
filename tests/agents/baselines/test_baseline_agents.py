"""Baselines rank by what they say they count, whatever the batches."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chisquare

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.baselines.recency_popularity import RecencyPopularity
from driftline.agents.protocol import AgentProtocol
from driftline.sim.types import (
    Feedback,
    Int32s,
    Interactions,
    Items,
    Observation,
    Setting,
    Slates,
    empty_behaviors,
    empty_interactions,
)

EVERY: list[Callable[[], AgentProtocol]] = [Random, Popularity, RecencyPopularity]
NO_ITEMS = Items(
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    np.empty(0, np.int8),
    np.empty(0, np.float32),
    np.empty(0),
    np.empty(0, np.int32),
)


class NoTexts:
    def __len__(self) -> int:
        return 0

    def text(self, code: int) -> str:
        return ""

    def texts(self, codes: Int32s) -> list[str]:
        return [""] * len(codes)


def taken(items: list[int], time: list[float] | float = 13.0) -> Feedback:
    """Slates of two, [item, 90]; a negative item means nothing was taken from [-item, 90]."""
    n = len(items)
    slates = np.column_stack([np.abs(items), np.full(n, 90)]).astype(np.int32)
    choice = np.where(np.asarray(items) < 0, 2, 0).astype(np.int8)
    return Feedback(
        np.arange(n),
        np.zeros(n, np.int32),
        np.broadcast_to(np.asarray(time, dtype=np.float64), n).copy(),
        slates,
        choice,
        np.zeros(n, np.float32),
        np.full(n, np.nan, np.float32),
    )


def rows_of(log: Feedback, part: slice) -> Feedback:
    return Feedback(
        log.user[part],
        log.visit[part],
        log.time[part],
        log.items[part],
        log.choice[part],
        log.dwell[part],
        log.rating[part],
    )


def setting(feedback: Feedback, seed: int = 1, past: Interactions | None = None) -> Setting:
    return Setting(
        seed=seed,
        slate=2,
        reward="satisfaction",
        domains=("news",),
        categories=3,
        start=14.0,
        horizon=60.0,
        tick=0.25,
        segments=NoTexts(),
        items=NO_ITEMS,
        feedback=feedback,
        behaviors=empty_behaviors(),
        past=empty_interactions() if past is None else past,
    )


def seen(n: int, candidates: Int32s, first: int = 0) -> Observation:
    user = np.arange(first, first + n)
    return Observation(user, np.zeros(n, np.int32), np.full(n, 14.0), empty_behaviors(), candidates, NO_ITEMS, 56)


def ready(make: Callable[[], AgentProtocol], feedback: Feedback, seed: int = 1) -> AgentProtocol:
    agent = make()
    agent.reset(setting(feedback, seed))
    return agent


def same(a: Slates, b: Slates) -> bool:
    return np.array_equal(a.items, b.items) and np.array_equal(a.log_p, b.log_p)


SHARED = np.array([5, 3, 8, 2, 9], np.int32)


@pytest.mark.parametrize("make", EVERY)
def test_a_baseline_follows_the_protocol_and_shows_distinct_candidates(make: Callable[[], AgentProtocol]) -> None:
    agent = ready(make, taken([5, 5, 3]))
    assert isinstance(agent, AgentProtocol)
    private = np.argsort(np.random.default_rng(1).random((6, 40)), axis=1)[:, :9].astype(np.int32)
    for candidates in (SHARED, private):
        slates = agent.act(seen(6, candidates))
        assert slates.items.shape == (6, 2)
        assert slates.items.dtype == np.int32
        assert (slates.items[:, 0] != slates.items[:, 1]).all()
        rows = np.broadcast_to(candidates, (6, candidates.shape[-1]))
        assert (slates.items[:, :, None] == rows[:, None, :]).any(axis=2).all()
    assert list(agent.tick(14.25)) == []
    agent.finish("none")
    scores = agent.score(np.arange(4), np.array([5, 3, 400], np.int32))
    assert scores.shape == (4, 3)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("chunk", [1, 7])
def test_batches_leave_no_trace(make: Callable[[], AgentProtocol], chunk: int) -> None:
    rng = np.random.default_rng(2)
    log = taken((rng.integers(1, 9, 60) * rng.choice([-1, 1], 60)).tolist(), 14.1)
    whole, cut = ready(make, taken([1, 2])), ready(make, taken([1, 2]))
    whole.learn(log)
    for at in range(0, 60, chunk):
        cut.learn(rows_of(log, slice(at, at + chunk)))
    whole.tick(14.25)
    cut.tick(14.25)
    private = np.argsort(rng.random((30, 12)), axis=1)[:, :6].astype(np.int32)
    shown = whole.act(seen(30, private))
    for at in range(0, 30, chunk):
        n = min(chunk, 30 - at)
        own = cut.act(seen(n, private[at : at + n], first=at))
        np.testing.assert_array_equal(own.items, shown.items[at : at + n])
        np.testing.assert_array_equal(own.log_p, shown.log_p[at : at + n])


@pytest.mark.parametrize("make", EVERY)
def test_a_snapshot_is_not_changed_by_what_follows(make: Callable[[], AgentProtocol]) -> None:
    agent = ready(make, taken([5, 5, 3, 8]))
    before, scores = agent.act(seen(4, SHARED)), agent.score(np.arange(2), SHARED)
    state = agent.snapshot()
    for day in (14.25, 14.5):
        agent.learn(taken([2] * 50 + [300], day))
        agent.tick(day)
    twin = make()
    twin.restore(state)
    assert same(twin.act(seen(4, SHARED)), before)
    np.testing.assert_array_equal(twin.score(np.arange(2), SHARED), scores)
    agent.restore(state)
    assert same(agent.act(seen(4, SHARED)), before)


def test_random_slates_are_uniform_with_exact_propensities() -> None:
    n = 20_000
    slates = ready(Random, taken([1])).act(seen(n, np.array([4, 7, 1], np.int32)))
    np.testing.assert_allclose(slates.log_p, -np.log(6.0), atol=1e-12)
    np.testing.assert_allclose(slates.log_p_cascade, np.tile(-np.log([3.0, 2.0]), (n, 1)), atol=1e-12)
    codes = np.unique(slates.items[:, 0] * 10 + slates.items[:, 1], return_counts=True)[1]
    assert len(codes) == 6
    assert chisquare(codes).pvalue > 1e-4


def test_random_slates_reach_beyond_a_hundred_candidates() -> None:
    slates = ready(Random, taken([1])).act(seen(2000, np.arange(400, dtype=np.int32)))
    assert slates.items.max() > 350
    np.testing.assert_allclose(slates.log_p, -np.log(400.0 * 399.0), atol=1e-10)


def test_popularity_ranks_by_clicks_and_learns_at_ticks_only() -> None:
    agent = ready(Popularity, taken([5, 5, 5, 3, 3, -8, -8, -8, -8]))
    assert agent.act(seen(1, SHARED)).items.tolist() == [[5, 3]]
    agent.learn(taken([8] * 9))
    assert agent.act(seen(1, SHARED)).items.tolist() == [[5, 3]]
    agent.tick(14.25)
    assert agent.act(seen(2, SHARED)).items.tolist() == [[8, 5], [8, 5]]
    np.testing.assert_allclose(agent.score(np.arange(1), SHARED[:3])[0], np.log([4.0, 3.0, 10.0]))


def test_popularity_counts_what_happened_before_the_run() -> None:
    past = Interactions(
        np.zeros(2, np.int64), np.array([9, 9], np.int32), np.array([-3.0, -2.0]), np.full(2, 5, np.float32)
    )
    agent = Popularity()
    agent.reset(setting(taken([5]), past=past))
    assert agent.act(seen(1, SHARED)).items.tolist() == [[9, 5]]


@pytest.mark.parametrize("make", [Popularity, RecencyPopularity])
def test_ties_are_broken_by_the_seed_and_alike_for_all_users(make: Callable[[], AgentProtocol]) -> None:
    firsts = set()
    for seed in range(30):
        shown = ready(make, taken([-1]), seed).act(seen(5, SHARED)).items
        assert (shown == shown[0]).all()
        reordered = ready(make, taken([-1]), seed).act(seen(5, SHARED[::-1].copy())).items
        np.testing.assert_array_equal(shown, reordered)
        firsts.add(int(shown[0, 0]))
    assert firsts == set(SHARED.tolist())


def test_recency_popularity_halves_every_half_life() -> None:
    agent = RecencyPopularity(half_life=2.0)
    agent.reset(setting(taken([5] * 4 + [3] * 3, [10.0] * 4 + [13.9] * 3)))
    scores = agent.score(np.arange(1), np.array([5, 3], np.int32))[0]
    np.testing.assert_allclose(np.expm1(scores), [4 * 0.25, 3.0], rtol=1e-12)
    assert agent.act(seen(1, SHARED)).items.tolist() == [[3, 5]]
    agent.learn(taken([8]))
    assert agent.score(np.arange(1), np.array([8], np.int32))[0, 0] == 0.0
    agent.tick(18.0)
    scores = agent.score(np.arange(1), np.array([5, 3, 8], np.int32))[0]
    np.testing.assert_allclose(np.expm1(scores), [0.25, 0.75, 1.0], rtol=1e-12)


def test_a_half_life_must_be_positive() -> None:
    with pytest.raises(ValueError, match="half_life is 0"):
        RecencyPopularity(half_life=0.0)
