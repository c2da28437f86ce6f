"""Mean reciprocal rank: how far down is the first relevant item?"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched


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
    """
    known = matched(ranked, relevant, k, grades, users)
    ranks = np.arange(1.0, known.hit.shape[1] + 1)
    values = np.where(known.hit, 1.0 / ranks, 0.0).max(axis=1, initial=0.0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"mrr@{known.k}", (*known.warnings, *warnings))
