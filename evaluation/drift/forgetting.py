"""Forgetting: what was known of an interest when it went, and what is left when it returns."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.drift.learning_curve import ratios, visits_in_order
from driftline.evaluation.estimate import Estimate
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

WINDOW = 5
"""Visits at either end of a phase that are compared, by default."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What a returning interest meets. Units of the intervals are users; values are in units of `value`."""

    forgetting: Estimate
    """Value in the last visits of the interest's previous phase less that in the first of its return; above 0:
    something was lost. Its negative is the backward transfer."""
    savings: Estimate
    """Value in the first visits of the return less that in the first visits of the very first phase; above 0: the
    second time is easier than the first."""
    returns: int
    """Returns judged."""
    left_out: int
    """Returns not judged, because a phase has fewer than `window` visits."""


def forgetting(
    user: ArrayLike, interest: ArrayLike, value: ArrayLike, *, window: int = WINDOW, seed: int = 0
) -> Forgetting:
    """What agents lose of an interest while it is away.

    Arrays hold one row per visit, sorted by (user, visit): interest [n] int, what the user is after (such as
    `interest_phases`); value [n], larger is better (reward, minus regret, minus tracking error). A phase is a
    stretch of one user's visits with one interest; a return is a phase whose interest the same user had before.
    `forgetting` compares the last `window` visits of the latest earlier phase with the first of the return, as
    BWT does for tasks (Lopez-Paz & Ranzato 2017, with the sign of Chaudhry et al. 2018). `savings` compares first
    visits with first visits (Ebbinghaus 1885). Both mix in whatever else changed meanwhile: an agent that learns
    all the time forgets less in this measure. Compare agents on the same users.

    Example:
        >>> from driftline.evaluation.drift import forgetting
        >>> import numpy as np
        >>> phase = np.repeat([1, 2, 1], 10)
        >>> known = np.concatenate([np.linspace(0.0, 1.0, 10), np.linspace(0.0, 1.0, 10), np.linspace(0.5, 1.0, 10)])
        >>> round(forgetting(np.zeros(30, int), phase, known).forgetting.value, 3)
        0.167
    """
    who = visits_in_order(user, {"interest": interest, "value": value})
    wanted, worth = np.asarray(interest), np.asarray(value, dtype=np.float64)
    if window < 1:
        raise InputError(f"window is {window}; it must be at least 1 visit")
    if wanted.dtype.kind not in "iu" or not np.isfinite(worth).all():
        raise InputError("interest must be whole numbers and value finite")
    if not len(who):
        raise InputError("there are no visits")
    new = np.concatenate([[True], (who[1:] != who[:-1]) | (wanted[1:] != wanted[:-1])])
    start = np.flatnonzero(new)
    stop = np.concatenate([start[1:], [len(who)]])
    previous, first = _earlier(who[start], wanted[start])
    returns = np.flatnonzero(previous >= 0)
    long = stop - start >= window
    judged = returns[long[returns] & long[previous[returns]] & long[first[returns]]]

    running = np.concatenate([[0.0], np.cumsum(worth)])
    early = (running[np.minimum(start + window, len(who))] - running[start]) / window
    late = (running[stop] - running[np.maximum(stop - window, 0)]) / window
    users, code = np.unique(who[start], return_inverse=True)
    own = code[judged]
    lost, saved = late[previous[judged]] - early[judged], early[judged] - early[first[judged]]
    count = np.bincount(own, minlength=len(users)).astype(np.float64)
    totals = [np.bincount(own, x, minlength=len(users)).astype(np.float64) for x in (lost, saved)]
    made = ratios(users, totals, [count, count], seed, ["forgetting", "savings"])
    left_out = len(returns) - len(judged)
    if left_out:
        told = (f"{left_out} of {len(returns)} returns have a phase of fewer than {window} visits and are left out",)
        made = [replace(estimate, warnings=told) for estimate in made]
    return Forgetting(made[0], made[1], len(judged), left_out)


def interest_phases(user: ArrayLike, change_point: ArrayLike, interest: ArrayLike) -> Int64s:
    """The strongest topic of each stretch between a user's change points [n], one number for all its visits.

    interest [n, K]: the true interest at each visit (logits or shares). The topic is that of the stretch's mean,
    ties going to the smaller number, so slow wandering within a stretch starts no new phase.

    Example:
        >>> from driftline.evaluation.drift import interest_phases
        >>> import numpy as np
        >>> interest_phases([1, 1, 1], np.array([False, False, True]), [[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]]).tolist()
        [0, 0, 1]
    """
    who = visits_in_order(user, {"change_point": change_point, "interest": interest})
    changed, theta = np.asarray(change_point), np.asarray(interest, dtype=np.float64)
    if changed.dtype != np.bool_ or theta.ndim != 2:
        raise InputError(f"change_point must be true or false, and interest {theta.shape} must be [visits, topics]")
    begins = changed.copy()
    if len(who):
        begins[0] = True
        begins[1:] |= who[1:] != who[:-1]
    stretch = np.cumsum(begins) - 1
    total = np.stack([np.bincount(stretch, theta[:, k]) for k in range(theta.shape[1])], axis=1)
    return np.asarray(total.argmax(axis=1)[stretch])


def backward_transfer(matrix: Floats) -> float:
    """Mean effect of later tasks on earlier ones: mean over i < T of R[T, i] - R[i, i] (Lopez-Paz & Ranzato 2017).

    matrix [T, T]: how well task j (column) is done after task i (row) was learned; below 0 is forgetting.

    Example:
        >>> from driftline.evaluation.drift import backward_transfer
        >>> import numpy as np
        >>> backward_transfer(np.array([[0.9, 0.1], [0.6, 0.8]])).__round__(3)
        -0.3
    """
    done = _square(matrix)
    return float((done[-1, :-1] - np.diagonal(done)[:-1]).mean())


def largest_loss(matrix: Floats) -> float:
    """Mean over j < T of max over l < T of R[l, j] - R[T, j]: forgetting after Chaudhry et al. 2018.

    It starts from the best that was ever reached, before or after the task itself, so it is at least minus
    `backward_transfer`.

    Example:
        >>> from driftline.evaluation.drift import largest_loss
        >>> import numpy as np
        >>> round(largest_loss(np.array([[0.9, 0.1], [0.6, 0.8]])), 3)
        0.3
    """
    done = _square(matrix)
    return float((done[:-1, :-1].max(axis=0) - done[-1, :-1]).mean())


def _square(matrix: Floats) -> Floats:
    done = np.asarray(matrix, dtype=np.float64)
    if done.ndim != 2 or done.shape[0] != done.shape[1] or len(done) < 2 or not np.isfinite(done).all():
        raise InputError(f"matrix has shape {done.shape}; it must be finite and [T, T] with T of at least 2")
    return done


def _earlier(user: Int64s, interest: Int64s) -> tuple[Int64s, Int64s]:
    """Each phase's latest and first earlier phase of the same user and interest, -1 for none."""
    n = len(user)
    order = np.lexsort((np.arange(n), interest, user))
    again = np.concatenate(
        [[False], (user[order][1:] == user[order][:-1]) & (interest[order][1:] == interest[order][:-1])]
    )
    previous, first = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    previous[order[1:][again[1:]]] = order[:-1][again[1:]]
    heads = np.maximum.accumulate(np.where(again, 0, np.arange(n)))
    first[order[again]] = order[heads[again]]
    return previous, first
