"""Mean average precision, in both conventions."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, one_of, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched

Divisor = Literal["relevant", "min_k"]


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
    """
    one_of("divisor", divisor, ("relevant", "min_k"))
    known = matched(ranked, relevant, k, grades, users)
    precision = np.cumsum(known.hit, axis=1) / np.arange(1.0, known.hit.shape[1] + 1)
    total = np.where(known.hit, precision, 0.0).sum(axis=1)
    below = known.relevant if divisor == "relevant" else np.minimum(known.relevant, known.k)
    values = np.divide(total, below, out=np.zeros(len(total)), where=below > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"map@{known.k}, divided by {divisor}", (*known.warnings, *warnings))
