import numpy as np

from driftline.agents.composed.memory import History
from driftline.sim.types import NONE, BehaviorKind


def add(history: History, rows: list[int], value: float, time: float) -> None:
    n = len(rows)
    vectors = np.full((n, 2), value, np.float32) + np.arange(n, dtype=np.float32)[:, None]
    history.add(np.array(rows), vectors, np.full(n, time), np.full(n, value / 100, np.float32))


def told(history: History, row: int) -> list[tuple[float, float, float]]:
    """First vector entry, time and sentiment of a user's events."""
    events = history.of(np.array([row]))
    found = events.index[0] >= 0
    index = events.index[0][found]
    return list(
        zip(
            history.vectors[index, 0].tolist(),
            events.time[0][found].tolist(),
            np.round(events.sentiment[0][found].astype(np.float64), 6).tolist(),
            strict=True,
        )
    )


def test_events_stand_in_their_order() -> None:
    history = History(2, longest=5)
    history.grow(3)
    add(history, [2, 0], 10.0, 1.0)
    add(history, [2], 20.0, 3.0)
    assert told(history, 2) == [(10.0, 1.0, 0.1), (20.0, 3.0, 0.2)]
    assert told(history, 0) == [(11.0, 1.0, 0.1)]
    assert told(history, 1) == []


def test_padding_is_without_vector_and_never_over() -> None:
    history = History(2, longest=3)
    history.grow(1)
    add(history, [0], 1.0, 1.0)
    events = history.sequences
    np.testing.assert_array_equal(events.index, [[0, NONE, NONE]])
    np.testing.assert_array_equal(events.time, [[1.0, np.inf, np.inf]])
    assert (events.kind == BehaviorKind.CONSUME).all()


def test_the_oldest_event_gives_way() -> None:
    history = History(2, longest=3)
    history.grow(2)
    for k in range(6):
        add(history, [0], float(k), float(k))
    add(history, [1], 9.0, 9.0)
    assert [vector for vector, _, _ in told(history, 0)] == [3.0, 4.0, 5.0]
    assert [vector for vector, _, _ in told(history, 1)] == [9.0]


def test_growing_history_changes_nobody() -> None:
    history = History(2, longest=3)
    history.grow(1)
    add(history, [0], 1.0, 1.0)
    before = told(history, 0)
    history.grow(4)
    history.grow(2)
    assert len(history.sequences) == 4
    assert told(history, 0) == before
    assert told(history, 3) == []


def test_there_is_room_for_thousands_of_events() -> None:
    history = History(2, longest=64)
    history.grow(700)
    for k in range(5):
        add(history, list(range(700)), 1000.0 * k, float(k))
    assert len(history.vectors) == 3500
    assert [vector for vector, _, _ in told(history, 699)] == [699.0 + 1000.0 * k for k in range(5)]


def test_users_come_in_the_order_asked_for() -> None:
    history = History(2, longest=2)
    history.grow(3)
    for row in range(3):
        add(history, [row], float(row), 1.0)
    events = history.of(np.array([2, 0]))
    np.testing.assert_array_equal(history.vectors[events.index[:, 0], 0], [2.0, 0.0])


def test_without_events_there_is_one_empty_vector_to_point_at() -> None:
    np.testing.assert_array_equal(History(2).vectors, [[0.0, 0.0]])
