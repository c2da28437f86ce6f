"""What a ranking metric returns: one value per user, and their mean with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import t_interval
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats

Empty = Literal["skip", "zero"]
"""Users without relevant items: left out of the mean (`skip`, NaN per user), or counted as 0 (`zero`)."""


@dataclass(frozen=True, slots=True)
class PerUser:
    """A metric of every user and its mean over users."""

    values: Floats
    """[n], in the order of the lists; NaN where the metric is undefined for that user."""
    mean: Estimate
    """Mean over the users with a value, every user alike; Student's t interval over users, `n` of them."""


def over_users(values: Floats, method: str, warnings: Sequence[str] = ()) -> PerUser:
    """Per-user values with their mean; NaN users are left out of it. Students' t, variance divisor n - 1."""
    values = np.asarray(values, dtype=np.float64)
    found = t_interval(values[~np.isnan(values)])
    return PerUser(values, replace(found, method=f"{method} (t over users)", warnings=tuple(warnings)))


def emptied(values: Floats, has_relevant: Bools, empty: Empty) -> tuple[Floats, list[str]]:
    """Apply the convention for users without relevant items, and say how many there were."""
    one_of("empty", empty, ("skip", "zero"))
    count = int((~has_relevant).sum())
    if not count:
        return values, []
    done = "count as 0" if empty == "zero" else "are left out of the mean"
    return (
        np.where(has_relevant, values, 0.0 if empty == "zero" else np.nan),
        [f"{count} of {len(values)} users have no relevant item and {done}"],
    )


def one_of(name: str, value: str, legal: tuple[str, ...]) -> None:
    """InputError unless the value is one of the legal words."""
    if value not in legal:
        raise InputError(f"{name} is {value!r}; {hint(str(value), legal)}")
