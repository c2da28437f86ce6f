"""Detection delay and false alarms, against loops over visits and a detector whose numbers are known."""

from typing import Any

import numpy as np
import pytest

from driftline.evaluation.drift import detection, detection_curve
from driftline.sim.errors import InputError


def visits(seed: int = 0, users: int = 30) -> tuple[Any, Any, Any]:
    """Users of 5 to 80 visits, random scores, changes at random visits (some of them close together)."""
    rng = np.random.default_rng(seed)
    user = np.repeat(rng.permutation(1000)[:users], rng.integers(5, 80, users))
    return user, rng.random(len(user)), rng.random(len(user)) < 0.04


def by_hand(user: Any, score: Any, changed: Any, threshold: float, horizon: int) -> dict[str, float]:
    delays, waits, false, quiet = [], [], 0, 0
    for one in dict.fromkeys(user.tolist()):
        rows = np.flatnonzero(user == one)
        own, jumps = score[rows], np.flatnonzero(changed[rows]).tolist()
        raised = [own[v] >= threshold and (v == 0 or own[v - 1] < threshold) for v in range(len(own))]
        for jump in jumps:
            end = min([j for j in jumps if j > jump] + [len(own)])
            if end - jump < horizon:
                continue
            first = next((v - jump for v in range(jump, jump + horizon) if raised[v]), None)
            waits.append(horizon if first is None else first)
            if first is not None:
                delays.append(first)
        for v in range(len(own)):
            if not any(v - horizon < jump <= v for jump in jumps):
                quiet += 1
                false += raised[v]
    return {
        "delay": float(np.mean(delays)),
        "restricted": float(np.mean(waits)),
        "detected": len(delays) / len(waits),
        "rate": false / quiet,
        "changes": len(waits),
    }


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("horizon", [1, 8, 20])
def test_detection_is_its_definition(threshold: float, horizon: int) -> None:
    user, score, changed = visits()
    found = detection(user, score, changed, threshold=threshold, horizon=horizon)
    expected = by_hand(user, score, changed, threshold, horizon)
    assert found.delay.value == pytest.approx(expected["delay"], abs=1e-12)
    assert found.restricted_delay.value == pytest.approx(expected["restricted"], abs=1e-12)
    assert found.detected.value == pytest.approx(expected["detected"], abs=1e-12)
    assert found.false_alarm_rate.value == pytest.approx(expected["rate"], abs=1e-12)
    assert found.changes == expected["changes"]
    assert found.left_out == changed.sum() - found.changes
    assert bool(found.delay.warnings) == bool(found.left_out)


def test_a_memoryless_detector_has_the_delay_and_rate_of_its_coin() -> None:
    """Alarms at one visit in q: raised with probability q (1 - q), waits as a renewal with that onset."""
    rng = np.random.default_rng(1)
    users, length, q = 400, 120, 0.02
    user = np.repeat(np.arange(users), length)
    changed = np.tile(np.arange(length) == 60, users)
    found = detection(user, (rng.random(len(user)) < q).astype(float), changed, threshold=0.5, horizon=30)
    rate = found.false_alarm_rate
    assert abs(rate.value - q * (1 - q)) < 4 * rate.std_error
    # no onset in 30 visits: from quiet the next is quiet, from a standing alarm it is either
    quiet, standing = 1 - q, q
    for _ in range(30):
        quiet, standing = (quiet + standing) * (1 - q), standing * q
    assert abs(found.detected.value - (1 - quiet - standing)) < 4 * found.detected.std_error


def test_an_alarm_that_stands_detects_nothing_and_is_one_alarm() -> None:
    user, changed = np.zeros(40, int), np.arange(40) == 10
    standing = np.where(np.arange(40) >= 5, 1.0, 0.0)
    found = detection(user, standing, changed, threshold=1.0, horizon=20)
    assert found.detected.value == 0.0
    assert found.restricted_delay.value == 20.0
    assert np.isnan(found.delay.value)
    assert found.false_alarm_rate.value == pytest.approx(1 / 20)
    late = detection(user, np.roll(standing, 8), changed, threshold=1.0, horizon=20)
    assert (late.delay.value, late.detected.value) == (3.0, 1.0)


def test_higher_thresholds_trade_false_alarms_for_delay() -> None:
    rng = np.random.default_rng(2)
    user = np.repeat(np.arange(200), 100)
    changed = np.tile(np.arange(100) == 50, 200)
    since = np.tile(np.arange(100) - 50, 200)
    score = rng.normal(np.where((since >= 0) & (since < 30), 1.5, 0.0))
    low, high = detection_curve(user, score, changed, thresholds=[1.5, 3.0])
    assert low.false_alarm_rate.value > 5 * high.false_alarm_rate.value
    assert low.delay.value < high.delay.value
    assert low.detected.value > high.detected.value
    assert low.delay.low < low.delay.value < low.delay.high


def test_bad_series_are_named() -> None:
    user, score, changed = visits()
    with pytest.raises(InputError, match="must stand together"):
        detection(user[::-1][np.argsort(score)], score, changed, threshold=0.5)
    with pytest.raises(InputError, match="change_point has type int64"):
        detection(user, score, changed.astype(int), threshold=0.5)
    with pytest.raises(InputError, match="alarm of row 3 is NaN"):
        detection(user, np.where(np.arange(len(user)) == 3, np.nan, score), changed, threshold=0.5)
    with pytest.raises(InputError, match="horizon is 0"):
        detection(user, score, changed, threshold=0.5, horizon=0)
    with pytest.raises(InputError, match="alarm has shape"):
        detection(user, score[:-1], changed, threshold=0.5)
