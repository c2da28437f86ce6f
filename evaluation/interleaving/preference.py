"""Which ranking do users prefer? From outcomes of interleaved impressions to a number with its interval."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.calibration.forecasts import row_mean
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interleaving.outcome import Outcome
from driftline.sim.errors import InputError, hint

FEW = 30
KINDS = ("wins", "credit")


def preference(
    outcome: Outcome, *, user: ArrayLike | None = None, measure: Literal["wins", "credit"] = "wins"
) -> Estimate:
    """How much B is preferred to A; above 0: B, below 0: A.

    `wins`: mean win / 2 = (wins of B + ties / 2) / impressions - 1/2, in [-.5, .5] (Chapelle, Joachims, Radlinski
    & Yue 2012, with B for their A). `credit`: mean credit_b - credit_a per impression, in clicks (or
    in worth). Impressions without clicks are ties. Interval: Student's t over impressions, or over users' sums if
    `user` [n] is given (a user's impressions are not independent; Liang & Zeger 1986).
    """
    if measure not in KINDS:
        raise InputError(f"measure is {measure!r}; {hint(str(measure), KINDS)}")
    values = outcome.win / 2.0 if measure == "wins" else outcome.credit_b - outcome.credit_a
    if not len(values):
        raise InputError("there are no impressions")
    found = row_mean(np.asarray(values, dtype=np.float64), user, f"interleaving, {measure}")
    decided, warnings = int((values != 0).sum()), []
    if decided < FEW:
        warnings.append(f"{decided} of {len(values)} impressions have a winner: too few for the interval to be trusted")
    if user is not None and found.n < FEW:
        warnings.append(f"{found.n} users: too few for an interval over users to be trusted")
    return replace(found, warnings=tuple(warnings))
