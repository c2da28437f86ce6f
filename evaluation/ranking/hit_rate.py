"""Hit rate: was there anything relevant in the list?"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched


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
    """
    known = matched(ranked, relevant, k, grades, users)
    values, warnings = emptied(np.asarray(known.hit.any(axis=1), dtype=np.float64), known.relevant > 0, empty)
    return over_users(values, f"hit_rate@{known.k}", (*known.warnings, *warnings))
