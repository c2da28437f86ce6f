import numpy as np
import pytest

from driftline.agents.composed.memory import ChoiceLog


def rows(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"time": rng.integers(0, 4, n).astype(float), "user": rng.permutation(n), "x": rng.normal(size=(n, 2))}


def test_rows_wait_for_settle_and_then_stand_by_time_and_user() -> None:
    log = ChoiceLog(100)
    log.add(time=np.array([2.0, 1.0, 1.0]), user=np.array([1, 9, 3]), x=np.array([10, 20, 30]))
    assert len(log) == 0
    log.settle()
    assert log.rows is not None
    assert log.rows["x"].tolist() == [30, 20, 10]
    log.add(time=np.array([0.5]), user=np.array([4]), x=np.array([40]))
    assert log.rows["x"].tolist() == [30, 20, 10]
    log.settle()
    assert log.rows["x"].tolist() == [30, 20, 10, 40]  # settled rows stay where they are


def test_the_oldest_rows_give_way() -> None:
    log = ChoiceLog(3)
    for k in range(5):
        log.add(time=np.array([float(k)]), user=np.array([k]), x=np.array([k]))
        log.settle()
    assert log.rows is not None
    assert log.rows["x"].tolist() == [2, 3, 4]
    assert len(log) == 3


@pytest.mark.parametrize("chunk", [1, 7])
def test_batches_leave_no_trace(chunk: int) -> None:
    data = rows(40)
    whole, cut = ChoiceLog(25), ChoiceLog(25)
    whole.add(**data)
    order = np.random.default_rng(1).permutation(40)
    for at in range(0, 40, chunk):
        cut.add(**{name: column[order[at : at + chunk]] for name, column in data.items()})
    whole.settle()
    cut.settle()
    assert whole.rows is not None
    assert cut.rows is not None
    for name in data:
        np.testing.assert_array_equal(whole.rows[name], cut.rows[name])


def test_settling_nothing_changes_nothing() -> None:
    log = ChoiceLog(3)
    log.settle()
    assert log.rows is None
    log.add(**rows(2))
    log.settle()
    before = log.rows
    log.settle()
    assert log.rows is before


def test_a_log_of_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="keep = 0 rows: must be >= 1"):
        ChoiceLog(0)
