"""The simple trackers, and what all trackers share: shapes, errors, batches, snapshots."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftline.agents.evolution import DecayedCounts, FilterBank, MovingAverage, OnlineGradient, Tracker
from driftline.sim.types import Float32s, Int64s

N, DIM, M = 11, 3, 4
MAKERS: list[Callable[[], Tracker]] = [
    lambda: FilterBank(N, DIM),
    lambda: MovingAverage(N, DIM),
    lambda: OnlineGradient(N, DIM),
]
Event = tuple[Float32s, Int64s, Float32s, Float32s, tuple[Float32s, Float32s, Float32s]]


def event(seed: int) -> Event:
    """One event of every user; every fourth judgement is missing."""
    rng = np.random.default_rng(seed)
    value = rng.uniform(-1, 1, N).astype(np.float32)
    value[::4] = np.nan
    judged = (
        rng.normal(size=(N, DIM)).astype(np.float32),
        value,
        rng.uniform(0.5, 2, N).astype(np.float32),
    )
    return (
        rng.normal(size=(N, M, DIM)).astype(np.float32),
        rng.integers(0, M + 1, N),
        rng.uniform(0, 3, N).astype(np.float32),
        rng.normal(size=(N, M)).astype(np.float32),
        judged,
    )


def test_the_moving_average_is_centred_on_the_slate_and_counts_refusals() -> None:
    tracker = MovingAverage(N, DIM, decay=0.9, scale=7.0, skip=0.6)
    average = np.zeros((N, DIM))
    for seed in range(20):
        items, choice, gap, offset, (vector, value, weight) = event(seed)
        tracker.update(np.arange(N), items, choice, gap, offset, (vector, value, weight))
        for u in range(N):
            shown = items[u].astype(float).mean(axis=0)
            step = -0.6 * shown if choice[u] == M else items[u, choice[u]] - shown
            if not np.isnan(value[u]):
                step = step + float(weight[u]) * float(value[u]) * vector[u]
            average[u] = 0.9 * average[u] + 0.1 * step
    np.testing.assert_allclose(tracker.mean(np.arange(N)), 7.0 * average, atol=1e-5)


def test_the_online_gradient_climbs_the_log_likelihood() -> None:
    tracker = OnlineGradient(N, DIM, step=0.3, decay=0.95, outside=0.4)

    def log_likelihood(theta: Any, u: int, e: Event) -> float:
        items, choice, _, offset, (vector, value, weight) = e
        utility = np.append(items[u].astype(float) @ theta + offset[u], 0.4)
        total = utility[choice[u]] - np.log(np.exp(utility).sum())
        if not np.isnan(value[u]):
            logit, y = vector[u].astype(float) @ theta - 0.4, (1 + float(value[u])) / 2
            total += weight[u] * (y * logit - np.log1p(np.exp(logit)))
        return float(total)

    for seed in range(5):
        e = event(seed)
        before = 0.95 * tracker.mean(np.arange(N)).astype(float)
        items, choice, gap, offset, judged = e
        tracker.update(np.arange(N), items, choice, gap, offset, judged)
        after = tracker.mean(np.arange(N))
        for u in range(N):
            nudge = 1e-5 * np.eye(DIM)
            slope = [(log_likelihood(before[u] + d, u, e) - log_likelihood(before[u] - d, u, e)) / 2e-5 for d in nudge]
            np.testing.assert_allclose(after[u], before[u] + 0.3 * np.array(slope), atol=1e-5)


def test_decayed_counts_halve_every_half_life() -> None:
    counts = DecayedCounts(N, DIM, half_lives=(1.0, 4.0))
    rng = np.random.default_rng(0)
    vectors, weights = rng.normal(size=(3, N, DIM)), rng.normal(size=(3, N))
    for vector, weight, gap in zip(vectors, weights, (9.0, 2.0, 4.0), strict=True):
        counts.update(np.arange(N), vector, weight, np.full(N, gap))
    v = weights[:, :, None] * vectors
    features = counts.features(np.arange(N))
    assert features.shape == (N, 2, DIM)
    np.testing.assert_allclose(features[:, 0], v[0] / 64 + v[1] / 16 + v[2], atol=1e-5)
    np.testing.assert_allclose(features[:, 1], v[0] / 2**1.5 + v[1] / 2 + v[2], atol=1e-5)


def test_decayed_counts_grow_and_go_back_to_a_snapshot() -> None:
    counts = DecayedCounts(N, DIM)
    vector, one = np.ones((N, DIM)), np.ones(N)
    counts.update(np.arange(N), vector, one, one)
    kept, features = counts.snapshot(), counts.features(np.arange(N))
    counts.grow(N + 2)
    assert np.all(counts.features(np.array([N, N + 1])) == 0)
    counts.update(np.arange(N), vector, one, one)
    assert not np.array_equal(counts.features(np.arange(N)), features)
    counts.restore(kept)
    assert counts.n_users == N
    np.testing.assert_array_equal(counts.features(np.arange(N)), features)
    with pytest.raises(ValueError, match="user 3 comes 2 times"):
        counts.update(np.array([3, 3]), vector[:2], one[:2], one[:2])
    with pytest.raises(ValueError, match="half_lives must be finite and > 0, got 0"):
        DecayedCounts(N, DIM, half_lives=(0,))
    with pytest.raises(ValueError, match=r"len\(half_lives\) must be >= 1, got 0"):
        DecayedCounts(N, DIM, half_lives=())


@pytest.mark.parametrize("make", MAKERS)
def test_every_tracker_follows_the_protocol(make: Callable[[], Tracker]) -> None:
    tracker = make()
    assert isinstance(tracker, Tracker)
    items, choice, gap, offset, judged = event(0)
    np.testing.assert_array_equal(tracker.mean(np.arange(N)), np.zeros((N, DIM)))
    tracker.update(np.arange(N), items, choice, gap, offset, judged)
    assert tracker.mean(np.array([4, 4, 0])).shape == (3, DIM)
    assert tracker.mean(np.arange(N)).dtype == np.float32


@pytest.mark.parametrize("make", MAKERS)
def test_interest_turns_towards_what_is_chosen(make: Callable[[], Tracker]) -> None:
    tracker = make()
    items = np.tile(np.eye(M, DIM, dtype=np.float32), (N, 1, 1))
    for _ in range(10):
        tracker.update(np.arange(N), items, np.full(N, 1), np.ones(N))
    mean = tracker.mean(np.arange(N))
    assert np.all(mean[:, 1] > 0.5)
    assert np.all(mean[:, [0, 2]] < 0)


@pytest.mark.parametrize("make", MAKERS)
def test_bits_do_not_depend_on_the_batch_of_any_tracker(make: Callable[[], Tracker]) -> None:
    whole, single = make(), make()
    for seed in range(5):
        items, choice, gap, offset, (vector, value, weight) = event(seed)
        whole.update(np.arange(N), items, choice, gap, offset, (vector, value, weight))
        for u in range(N)[::-1]:
            own = slice(u, u + 1)
            judged = (vector[own], value[own], weight[own])
            single.update(np.array([u]), items[own], choice[own], gap[own], offset[own], judged)
    kept, other = whole.snapshot(), single.snapshot()
    assert all(np.array_equal(kept[name], other[name]) for name in kept)


@pytest.mark.parametrize("make", MAKERS)
def test_every_tracker_grows_and_goes_back_to_a_snapshot(make: Callable[[], Tracker]) -> None:
    tracker = make()
    items, choice, gap, offset, judged = event(0)
    tracker.update(np.arange(N), items, choice, gap)
    kept, mean = tracker.snapshot(), tracker.mean(np.arange(N))
    tracker.grow(N + 2)
    np.testing.assert_array_equal(tracker.mean(np.arange(N)), mean)
    np.testing.assert_array_equal(tracker.mean(np.array([N, N + 1])), np.zeros((2, DIM)))
    tracker.update(np.arange(N), items, choice, gap, offset, judged)
    tracker.restore(kept)
    assert tracker.n_users == N
    np.testing.assert_array_equal(tracker.mean(np.arange(N)), mean)
    with pytest.raises(KeyError, match="the snapshot has no"):
        tracker.restore({})
    with pytest.raises(ValueError, match=f"n_users must be >= {N}"):
        tracker.grow(N - 1)


def wrong(**changes: Any) -> dict[str, Any]:
    """A sound call with something changed."""
    items, choice, gap, offset, judged = event(0)
    sound = {"users": np.arange(N), "item_vectors": items, "choice": choice, "elapsed": gap, "offset": offset}
    return {**sound, "graded": judged, **changes}


def spoilt(array: Any, at: Any, value: float) -> Any:
    out = array.copy()
    out[at] = value
    return out


SOUND = wrong()
ITEMS, (VECTOR, VALUE, WEIGHT) = SOUND["item_vectors"], SOUND["graded"]
MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    (wrong(users=spoilt(np.arange(N), 5, 2)), ValueError, "user 2 comes 2 times"),
    (wrong(users=spoilt(np.arange(N), 5, N)), IndexError, f"user {N} is not among the users 0..{N - 1}"),
    (wrong(users=spoilt(np.arange(N), 0, -1)), IndexError, "user -1 is not among"),
    (wrong(users=np.zeros((2, 2), int)), ValueError, r"users must have shape \[n\]"),
    (wrong(item_vectors=SOUND["item_vectors"][:, :, :2]), ValueError, "item_vectors must have shape"),
    (wrong(item_vectors=SOUND["item_vectors"][:, :0]), ValueError, "m >= 1"),
    (wrong(item_vectors=spoilt(ITEMS, (3, 1, 2), np.nan)), ValueError, r"\[3, 1, 2\] is nan"),
    (wrong(choice=spoilt(SOUND["choice"], 2, M + 1)), ValueError, rf"in 0..{M} .*choice\[2\] is {M + 1}"),
    (wrong(choice=SOUND["choice"][:3]), ValueError, rf"choice must have shape \[{N}\], got \[3\]"),
    (wrong(elapsed=spoilt(SOUND["elapsed"], 4, -0.5)), ValueError, r"must be >= 0; elapsed\[4\] is -0.5"),
    (wrong(offset=spoilt(SOUND["offset"], (0, 1), -np.inf)), ValueError, r"finite; offset\[0, 1\] is -inf"),
    (wrong(offset=SOUND["offset"][:, :2]), ValueError, "offset must have shape"),
    (wrong(graded=(VECTOR, spoilt(VALUE, 1, 1.5), WEIGHT)), ValueError, r"graded value must be in \[-1, 1\]"),
    (wrong(graded=(VECTOR, VALUE, spoilt(WEIGHT, 1, -1))), ValueError, "graded weight must be finite"),
    (wrong(graded=(VECTOR[:, :1], VALUE, WEIGHT)), ValueError, "graded vector must have shape"),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("call", "error", "message"), MISTAKES)
def test_a_mistaken_call_is_named_and_changes_nothing(
    make: Callable[[], Tracker], call: dict[str, Any], error: type[Exception], message: str
) -> None:
    tracker = make()
    before = tracker.snapshot()
    with pytest.raises(error, match=message):
        tracker.update(**call)
    after = tracker.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(N, DIM, decay=1.0), r"decay must be in \[0, 1\), got 1.0"),
        (lambda: MovingAverage(N, DIM, scale=0.0), "scale must be"),
        (lambda: MovingAverage(N, DIM, skip=-1.0), "skip must be"),
        (lambda: OnlineGradient(N, DIM, step=0.0), "step must be finite and > 0, got 0.0"),
        (lambda: OnlineGradient(N, DIM, decay=0.0), r"decay must be in \(0, 1\]"),
        (lambda: OnlineGradient(N, 0), "dim must be >= 1, got 0"),
        (lambda: FilterBank(-1, DIM), "n_users must be >= 0, got -1"),
    ],
)
def test_a_parameter_out_of_bounds_of_a_tracker_is_named(make: Callable[[], Tracker], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
