"""How much of what users liked is listed, and how high up: nDCG, MRR, MAP, precision, recall, hit rate."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import one_of
from driftline.evaluation.ranking._lists import Empty, PerUser, emptied, over_users
from driftline.evaluation.ranking._relevance import Matched, Relevant, matched
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Gain = Literal["linear", "exponential"]
Divisor = Literal["relevant", "min_k"]


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

    Example:
        >>> from driftline.evaluation.ranking import ndcg
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = ndcg(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.387, 0.0], 0.193)
    """
    one_of("gain", gain, get_args(Gain))
    known = matched(ranked, relevant, k, grades, users)
    reached = _dcg(known.grade, known.k, gain)
    best = _dcg(known.ideal, known.k, gain)
    if not np.isfinite(best).all():
        raise InputError(f"a grade of {known.ideal.max():g} is too large for the exponential gain")
    values = np.divide(reached, best, out=np.zeros_like(best), where=best > 0)
    return _of_users(known, values, f"ndcg@{known.k}, {gain} gain", empty)


def mrr(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """1 / rank of the first relevant item (grade above 0) within the first k places, 0 if there is none.

    Voorhees 1999 (TREC-8 question answering). Inputs as in `matched`; users without relevant items as `empty`
    says.

    Example:
        >>> from driftline.evaluation.ranking import mrr
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = mrr(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    known = matched(ranked, relevant, k, grades, users)
    ranks = np.arange(1.0, known.hit.shape[1] + 1)
    values = np.where(known.hit, 1.0 / ranks, 0.0).max(axis=1, initial=0.0)
    return _of_users(known, values, f"mrr@{known.k}", empty)


def hit_rate(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """1 for a user with a relevant item (grade above 0) in the first k places, else 0; the mean is a share.

    HR@k = 1[any hit in the first k] (Deshpande & Karypis 2004, who have one relevant item per user). Inputs as
    in `matched`; users without relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import hit_rate
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = hit_rate(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([1.0, 0.0], 0.5)
    """
    known = matched(ranked, relevant, k, grades, users)
    return _of_users(known, np.asarray(known.hit.any(axis=1), dtype=np.float64), f"hit_rate@{known.k}", empty)


def precision(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Literal["k", "list"] = "k",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Relevant items (grade above 0) among the first k, as a share.

    P@k = hits / k, also where the list is shorter (`divisor="k"`, Manning, Raghavan & Schutze 2008, 8.4), or
    hits / filled places (`"list"`; an empty list has 0). Inputs as in `matched`; users without relevant items
    as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import precision
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = precision(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    one_of("divisor", divisor, ("k", "list"))
    known = matched(ranked, relevant, k, grades, users)
    filled = (known.ranked >= 0).sum(axis=1)
    below = np.maximum(filled, 1) if divisor == "list" else np.full(len(filled), known.k)
    return _of_users(known, known.hit.sum(axis=1) / below, f"precision@{known.k}, divided by {divisor}", empty)


def recall(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Divisor = "relevant",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Relevant items (grade above 0) among the first k, as a share of all relevant ones.

    R@k = hits / relevant (Manning, Raghavan & Schutze 2008, 8.3), or hits / min(k, relevant) with
    `divisor="min_k"`, which can reach 1 however many are relevant. Inputs as in `matched`; users without
    relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import recall
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = recall(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    known = matched(ranked, relevant, k, grades, users)
    below = _divisors(known, divisor)
    values = np.divide(known.hit.sum(axis=1), below, out=np.zeros(len(below)), where=below > 0)
    return _of_users(known, values, f"recall@{known.k}, divided by {divisor}", empty)


def mean_average_precision(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Divisor = "relevant",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Precision at the places of the hits, averaged per user.

    AP@k = sum_{r <= k} precision@r 1[hit at r] / divisor. `relevant`: the number of relevant items (TREC;
    Buckley & Voorhees 2000); with more relevant items than k it cannot reach 1. `min_k`: min(k, relevant)
    (Kaggle's MAP@k), which can. Relevant means a grade above 0. Inputs as in `matched`; users without
    relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import mean_average_precision
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = mean_average_precision(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.25, 0.0], 0.125)
    """
    known = matched(ranked, relevant, k, grades, users)
    below = _divisors(known, divisor)
    precision = np.cumsum(known.hit, axis=1) / np.arange(1.0, known.hit.shape[1] + 1)
    total = np.where(known.hit, precision, 0.0).sum(axis=1)
    values = np.divide(total, below, out=np.zeros(len(total)), where=below > 0)
    return _of_users(known, values, f"map@{known.k}, divided by {divisor}", empty)


def _dcg(grade: Floats, k: int, gain: Gain) -> Floats:
    top = grade[:, :k]
    with np.errstate(over="ignore"):
        gains = np.expm1(top * np.log(2.0)) if gain == "exponential" else top
    return np.asarray((gains / np.log2(np.arange(2.0, top.shape[1] + 2))).sum(axis=1))


def _divisors(known: Matched, divisor: Divisor) -> Int64s:
    """What hits are a share of, by user [n]."""
    one_of("divisor", divisor, get_args(Divisor))
    return known.relevant if divisor == "relevant" else np.minimum(known.relevant, known.k)


def _of_users(known: Matched, values: Floats, method: str, empty: Empty) -> PerUser:
    """A metric's values, with the convention for users to whom nothing is relevant."""
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, method, (*known.warnings, *warnings))
