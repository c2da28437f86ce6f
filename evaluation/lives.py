"""Stretches of single users' lives that are few in one seed: returning interests, and first visits of new users."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.evaluation.drift.forgetting import Forgetting, forgetting, interest_phases
from driftline.evaluation.drift.learning_curve import LENGTH, LearningCurve, cold_start_curve
from driftline.evaluation.run_folder import RunFolder
from driftline.sim.types import Floats, Int64s

LEAST = 20
"""Fewer returns, or new users, than this say nothing and give no number."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Judged visits of some users of one seed, sorted by (user, visit); arrays are [n]."""

    user: Int64s
    regret: Floats
    phase: Int64s
    """Strongest true topic of the stretch between change points (all 0 where nobody asks)."""


def changing(run: RunFolder, agent: str, seed: int, visits: pl.DataFrame) -> Lives:
    """The users with at least two changes of interest: others have nothing to return to."""
    changes = pl.col("change_point").sum().over("user")
    own = visits.select("user", "visit", "regret", "change_point").filter(changes >= 2)
    if own.is_empty():
        return Lives(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
    interest = run.truth(agent, seed).select("user", "visit", "interest_before")
    theta = own.lazy().join(interest, on=["user", "visit"], how="left", maintain_order="left").collect()
    user = own["user"].to_numpy()
    phase = interest_phases(user, own["change_point"].to_numpy(), theta["interest_before"].to_numpy())
    return Lives(user, own["regret"].to_numpy(), phase)


def new(visits: pl.DataFrame) -> Lives:
    """The users whose very first visit is judged."""
    own = visits.select("user", "visit", "regret").filter(pl.col("visit").min().over("user") == 0)
    return Lives(own["user"].to_numpy(), own["regret"].to_numpy(), np.zeros(len(own), np.int64))


def together(seeds: Sequence[Lives]) -> Lives:
    """Several seeds as one; users are renumbered, since a user of another seed is another user."""
    codes, at = [], 0
    for lives in seeds:
        known, code = np.unique(lives.user, return_inverse=True)
        codes.append(code + at)
        at += len(known)
    return Lives(
        np.concatenate(codes).astype(np.int64),
        np.concatenate([lives.regret for lives in seeds]),
        np.concatenate([lives.phase for lives in seeds]),
    )


def lost_on_return(lives: Lives, seed: int) -> Forgetting | None:
    """Forgetting and savings in units of regret; None with fewer than 20 returns."""
    if not len(lives.user):
        return None
    found = forgetting(lives.user, lives.phase, -lives.regret, seed=seed)
    return found if found.returns >= LEAST else None


def learning_curve(lives: Lives, seed: int) -> LearningCurve | None:
    """Regret at a new user's first twenty visits; None with fewer than 20 users who have so many."""
    if (np.unique(lives.user, return_counts=True)[1] >= LENGTH).sum() < LEAST:
        return None
    return cold_start_curve(lives.user, lives.regret, better="lower", seed=seed)
