"""Detection of change: how soon an alarm is raised after a change of interest, and how often without one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.drift.adaptation import last_change
from driftline.evaluation.drift.learning_curve import ratios, visits_in_order
from driftline.evaluation.estimate import Estimate
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

HORIZON = 30
"""Visits within which an alarm must come, by default."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How a detector does at one threshold. Units of the intervals are users."""

    threshold: float
    delay: Estimate
    """Mean visits from a change to its alarm, over the changes detected; 0: at the first visit after it."""
    restricted_delay: Estimate
    """The same over all changes, an undetected one counting as `horizon` visits."""
    detected: Estimate
    """Share of changes with an alarm within `horizon` visits."""
    false_alarm_rate: Estimate
    """Alarms raised per quiet visit; its inverse is the mean number of visits between false alarms."""
    changes: int
    """Changes judged."""
    left_out: int
    """Changes not judged: fewer than `horizon` visits before that user's next change or last visit."""


def detection(
    user: ArrayLike,
    alarm: ArrayLike,
    change_point: ArrayLike,
    *,
    threshold: float,
    horizon: int = HORIZON,
    seed: int = 0,
) -> Detection:
    """Judge a series of alarm scores against the true change points.

    Arrays hold one row per visit, sorted by (user, visit): alarm [n], larger means more alarmed (an agent's
    probability of drift, say); change_point [n] bool, true at the first visit after a change. An alarm is
    *raised* at a visit whose score is at least `threshold` while the same user's visit before was below it, so
    one that stands is not raised again and cannot detect. A change is detected by the first alarm raised in its
    `horizon` visits. A visit is quiet if no change of that user lies in the `horizon` visits up to it; an
    alarm raised there is false. Delay and false-alarm rate are the two sides of one trade-off (Page 1954; Lorden 1971):
    compare detectors at equal false-alarm rates (`detection_curve`). Changes with a shortened window are left out,
    detected or not, since keeping the detected ones would favour early alarms.

    Example:
        >>> from driftline.evaluation.drift import detection
        >>> import numpy as np
        >>> user, visit = np.repeat(np.arange(40), 80), np.tile(np.arange(80), 40)
        >>> alarm = np.where(visit == 43, 0.9, 0.1)
        >>> found = detection(user, alarm, visit == 40, threshold=0.5)
        >>> found.delay.value, found.detected.value
        (3.0, 1.0)
    """
    return detection_curve(user, alarm, change_point, thresholds=[threshold], horizon=horizon, seed=seed)[0]


def detection_curve(
    user: ArrayLike,
    alarm: ArrayLike,
    change_point: ArrayLike,
    *,
    thresholds: Sequence[float],
    horizon: int = HORIZON,
    seed: int = 0,
) -> list[Detection]:
    """`detection` at several thresholds, in their order.

    Example:
        >>> from driftline.evaluation.drift import detection_curve
        >>> import numpy as np
        >>> user, visit = np.repeat(np.arange(40), 80), np.tile(np.arange(80), 40)
        >>> alarm = np.where(visit == 43, 0.9, 0.1)
        >>> found = detection_curve(user, alarm, visit == 40, thresholds=[0.5, 0.95])
        >>> [each.detected.value for each in found]
        [1.0, 0.0]
    """
    who = visits_in_order(user, {"alarm": alarm, "change_point": change_point})
    score, changed = np.asarray(alarm, dtype=np.float64), np.asarray(change_point)
    if changed.dtype != np.bool_:
        raise InputError(f"change_point has type {changed.dtype}; it must be true or false")
    if np.isnan(score).any():
        raise InputError(f"alarm of row {int(np.flatnonzero(np.isnan(score))[0])} is NaN; every visit needs a score")
    if horizon < 1:
        raise InputError(f"horizon is {horizon}; it must be at least 1 visit")
    if not len(who):
        raise InputError("there are no visits")
    return [_detection(who, score, changed, float(level), horizon, seed) for level in thresholds]


def _detection(user: Int64s, score: Floats, changed: Bools, threshold: float, horizon: int, seed: int) -> Detection:
    row, last = np.arange(len(user)), last_change(user, changed)
    raised = score >= threshold
    raised[1:] &= (score[:-1] < threshold) | (user[1:] != user[:-1])
    quiet = (last < 0) | (row - last >= horizon)

    change = np.flatnonzero(changed)
    whole = change[change + horizon <= _end(user, changed)[change]]
    # the first alarm at or after each row; beyond the data where there is none
    upcoming = np.minimum.accumulate(np.where(raised, row, len(row) + horizon)[::-1])[::-1]
    wait = np.minimum(upcoming[whole] - whole, horizon).astype(np.float64)
    found = wait < horizon

    users, code = np.unique(user, return_inverse=True)

    def per_user(rows: Int64s, values: Floats | None = None) -> Floats:
        return np.bincount(code[rows], values, minlength=len(users)).astype(np.float64)

    changes, alarmed = per_user(whole), per_user(whole[found])
    totals = [per_user(whole[found], wait[found]), per_user(whole, wait), alarmed, per_user(row[raised & quiet])]
    counts = [alarmed, changes, changes, per_user(row[quiet])]
    names = ["detection delay", "restricted detection delay", "detected", "false-alarm rate"]
    made = ratios(users, totals, counts, seed, names)
    left_out = len(change) - len(whole)
    if left_out:
        told = (f"{left_out} of {len(change)} changes have fewer than {horizon} visits after them and are left out",)
        made[:3] = [replace(estimate, warnings=told) for estimate in made[:3]]
    return Detection(threshold, made[0], made[1], made[2], made[3], len(whole), left_out)


def _end(user: Int64s, changed: Bools) -> Int64s:
    """Row at which each row's stretch ends: that user's next change, or the row after its last visit."""
    n = len(user)
    starts = changed.copy()
    starts[1:] |= user[1:] != user[:-1]
    later = np.concatenate([np.where(starts, np.arange(n), n)[1:], [n]])
    return np.asarray(np.minimum.accumulate(later[::-1])[::-1])
