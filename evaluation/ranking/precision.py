"""Precision: how much of the list was relevant?"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import Empty, PerUser, emptied, one_of, over_users
from driftline.evaluation.ranking.relevance import Relevant, matched


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
    """
    one_of("divisor", divisor, ("k", "list"))
    known = matched(ranked, relevant, k, grades, users)
    filled = (known.ranked >= 0).sum(axis=1)
    below = np.maximum(filled, 1) if divisor == "list" else np.full(len(filled), known.k)
    values, warnings = emptied(known.hit.sum(axis=1) / below, known.relevant > 0, empty)
    return over_users(values, f"precision@{known.k}, divided by {divisor}", (*known.warnings, *warnings))
