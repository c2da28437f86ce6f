"""Packing events and fading sums, against the plainest possible code."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.agents.models.rowwise import product
from driftline.agents.predictor import Sequences
from driftline.agents.predictor.sequences import CHANNELS, pool
from driftline.sim.types import NONE

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(-1, 5), st.sampled_from([-1.0, 0.0, 0.5])),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.one_of(st.none(), st.integers(1, 4)))
def test_packing_keeps_each_users_latest_events_in_order(
    events: list[tuple[int, int, int, float]], longest: int | None
) -> None:
    row, time, index, felt = (list(column) for column in zip(*events, strict=True)) if events else ([], [], [], [])
    packed = Sequences.of(row, time, index, felt, users=5, longest=longest)
    assert len(packed) == 5
    for user in range(5):
        mine = sorted((e for e in events if e[0] == user), key=lambda e: e[1])[-(longest or 99) :]
        kept = np.isfinite(packed.time[user])
        assert packed.time[user][kept].tolist() == [e[1] for e in mine]
        assert packed.index[user][kept].tolist() == [e[2] for e in mine]
        assert packed.sentiment[user][kept].tolist() == [e[3] for e in mine]
        assert (packed.index[user][~kept] == NONE).all()
        assert not kept[len(mine) :].any()


def test_packing_refuses_what_it_cannot_place() -> None:
    with pytest.raises(ValueError, match="legal is 0 to 1"):
        Sequences.of([2], [0.0], [0], users=2)
    with pytest.raises(ValueError, match="not finite"):
        Sequences.of([0], [np.nan], [0], users=2)
    with pytest.raises(ValueError, match=r"reaches 1\.5"):
        Sequences.of([0], [0.0], [0], [1.5], users=2)


def random_sequences(seed: int) -> tuple[Sequences, np.ndarray]:
    rng = np.random.default_rng(seed)
    events = 200
    packed = Sequences.of(
        rng.integers(0, 12, events),
        rng.uniform(0.0, 20.0, events),
        rng.integers(-1, 9, events),
        rng.uniform(-1.0, 1.0, events),
        rng.integers(0, 3, events),
        users=12,
    )
    return packed, rng.normal(size=(9, 5)).astype(np.float32)


def test_pooling_is_the_sum_it_promises() -> None:
    packed, vectors = random_sequences(0)
    rows, at = np.array([3, 0, 3, 11]), np.array([10.0, 25.0, 20.0, -1.0])
    scales = np.array([1.0, 8.0])
    found = pool(packed, vectors, rows, at, scales)
    expected = np.zeros((4, CHANNELS, 2, 5))
    for q, (u, now) in enumerate(zip(rows, at, strict=True)):
        for t in range(packed.index.shape[1]):
            if packed.time[u, t] < now and packed.index[u, t] != NONE:
                fade = np.exp(-(now - packed.time[u, t]) / scales)[:, None]
                expected[q, packed.kind[u, t]] += fade * vectors[packed.index[u, t]]
                expected[q, -1] += packed.sentiment[u, t] * fade * vectors[packed.index[u, t]]
    assert np.allclose(found, expected, atol=1e-5)
    assert not found[3].any()


def test_an_event_at_the_time_of_the_query_is_still_to_come() -> None:
    packed = Sequences.of([0], [5.0], [0], users=1)
    ones = np.ones((1, 1), np.float32)
    at = np.array([5.0, np.nextafter(5.0, 6.0)])
    assert pool(packed, ones, np.array([0, 0]), at, np.array([1.0]))[:, 0, 0, 0].tolist() == [0.0, 1.0]


def test_pooled_bits_do_not_depend_on_other_queries() -> None:
    packed, vectors = random_sequences(1)
    rows, at, scales = np.arange(12), np.full(12, 15.0), np.array([1.0, 8.0])
    together = pool(packed, vectors, rows, at, scales)
    for q in range(12):
        assert pool(packed, vectors, rows[q : q + 1], at[q : q + 1], scales).tobytes() == together[q].tobytes()


@pytest.mark.parametrize("width", [16, 80, 400])
def test_rows_of_a_product_do_not_depend_on_their_number(width: int) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(600, width)), rng.normal(size=(width, 16))
    whole = product(left, right)
    assert np.allclose(whole, left @ right, atol=1e-12)
    for rows in (slice(0, 1), slice(3, 10), slice(250, 600)):
        assert product(left[rows], right).tobytes() == whole[rows].tobytes()
