"""Normalised discounted cumulative gain."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, one_of, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

Gain = Literal["linear", "exponential"]


def ndcg(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    gain: Gain = "linear",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """How near each list comes to the best order of all that was relevant, in [0, 1].

    DCG@k = sum_{r <= k} g(grade_r) / log2(r + 1), nDCG = DCG / DCG of the user's min(k, relevant) best grades.
    `linear`: g(x) = x (Jarvelin & Kekalainen 2002, with log2(r + 1) in place of their undiscounted head);
    `exponential`: g(x) = 2^x - 1 (Burges et al. 2005). With grades of 0 and 1 they agree. The base of the
    logarithm cancels. Unfilled places gain nothing, the ideal still has k. Order is the list's: there are no
    ties to break. Inputs as in `matched`; users without relevant items as `empty` says.
    """
    one_of("gain", gain, ("linear", "exponential"))
    known = matched(ranked, relevant, k, grades, users)
    reached = _dcg(known.grade, known.k, gain)
    best = _dcg(known.ideal, known.k, gain)
    if not np.isfinite(best).all():
        raise InputError(f"a grade of {known.ideal.max():g} is too large for the exponential gain")
    values = np.divide(reached, best, out=np.zeros_like(best), where=best > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"ndcg@{known.k}, {gain} gain", (*known.warnings, *warnings))


def _dcg(grade: Floats, k: int, gain: Gain) -> Floats:
    top = grade[:, :k]
    with np.errstate(over="ignore"):
        gains = np.expm1(top * np.log(2.0)) if gain == "exponential" else top
    return np.asarray((gains / np.log2(np.arange(2.0, top.shape[1] + 2))).sum(axis=1))
