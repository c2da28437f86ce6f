"""Recall: how much of what was relevant is in the list?"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.average_precision import Divisor
from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, one_of, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched


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
    """
    one_of("divisor", divisor, ("relevant", "min_k"))
    known = matched(ranked, relevant, k, grades, users)
    below = known.relevant if divisor == "relevant" else np.minimum(known.relevant, known.k)
    values = np.divide(known.hit.sum(axis=1), below, out=np.zeros(len(below)), where=below > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"recall@{known.k}, divided by {divisor}", (*known.warnings, *warnings))
