"""One row per judged visit: what users got and missed; and the stretches of single lives that are few.

Stretches: interests that return, and the first visits of new users.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.evaluation.drift.adaptation import ChangeCurve, change_curve, last_change
from driftline.evaluation.drift.forgetting import Forgetting, forgetting, interest_phases
from driftline.evaluation.drift.learning_curve import LENGTH, LearningCurve, cold_start_curve
from driftline.evaluation.run.folder import RunFolder
from driftline.sim.errors import RunFolderError
from driftline.sim.types import Floats, Int64s

TOLERANCE = 1e-4
"""Float32 sums over a slate of ten err by less."""


def regret(values: pl.LazyFrame) -> pl.LazyFrame:
    """Two regrets of each visit: user, visit, regret, regret_in_item_space, bound.

    `regret` = value_best - value_shown, against the best slate in that user's present true state from the
    same candidates. It is never negative, up to float error, where the search was exact; where `bound`
    is true the search was not, and the best slate may be a little better still.

    `regret_in_item_space` = value_best_in_space - value_shown, against the best slate that the agent's own
    item vectors allow for the best user vector in them. It tells following from item quality: an agent with
    poor vectors that follows its users perfectly has 0 here. It may be negative (an agent may use more than
    its vectors) and is null where the agent has none.
    """
    shown = pl.col("value_shown").cast(pl.Float64)
    return values.select(
        "user",
        "visit",
        (pl.col("value_best").cast(pl.Float64) - shown).alias("regret"),
        (pl.col("value_best_in_space").cast(pl.Float64) - shown).alias("regret_in_item_space"),
        "bound",
    )


def impossible(visits: pl.DataFrame) -> int:
    """How many visits have a negative regret, although no slate is worth more than `value_best`: 0, or a fault."""
    return visits.filter(pl.col("regret") < -TOLERANCE).height


def reward(truth: pl.LazyFrame) -> pl.LazyFrame:
    """The realised reward of each visit: user, visit, reward.

    Its unit is the scenario's. With `satisfaction` it lies in [-1, 1] and is 0 where nothing was taken.
    """
    return truth.select("user", "visit", pl.col("reward").cast(pl.Float64))


def click(log: pl.LazyFrame) -> pl.LazyFrame:
    """Whether anything was taken at each visit: user, visit, click (0 or 1).

    Its mean is `ctr`, the share of visits with a click (per visit, not per item shown).
    """
    items = log.collect_schema()["items"]
    if not isinstance(items, pl.Array):
        raise TypeError(f"the log's items must be an Array column, got {items}")
    return log.select("user", "visit", (pl.col("choice") < items.size).cast(pl.Float64).alias("click"))


def judged_visits(run: RunFolder, agent: str, seed: int) -> pl.DataFrame:
    """Rewards and regrets of every judged visit, sorted by (user, visit).

    Columns: user, visit, time, group, change_point, since_change (visits since that user's last change of
    interest, 0 for the first visit after it, null before any), choice, reward, click, regret,
    regret_in_item_space, bound; dwell and rating where they were logged.
    """
    start, end = run.judged
    truth = run.truth(agent, seed)
    facts = truth.select("user", "visit", pl.col("time").cast(pl.Float64), "group", "change_point")
    key, log = ["user", "visit"], run.log(agent, seed)
    answers = [name for name in ("choice", "dwell", "rating") if name in log.collect_schema()]
    frame = (
        facts.filter((pl.col("time") >= start) & (pl.col("time") <= end))
        .join(reward(truth), on=key, how="left")
        .join(click(log), on=key, how="left")
        .join(log.select(*key, *answers), on=key, how="left")
        .join(regret(run.values(agent, seed)), on=key, how="left")
        .sort(key)
        .collect()
    )
    for column in ("reward", "click", "regret"):
        gaps = frame[column].null_count()
        if gaps:
            raise RunFolderError(
                f"{run.path}: {agent}, seed {seed} has {gaps} judged visits without a {column}: "
                "the logs do not hold the same visits"
            )
    last = last_change(frame["user"].to_numpy(), frame["change_point"].to_numpy())
    since = pl.Series("since_change", np.where(last >= 0, np.arange(len(last)) - last, -1), dtype=pl.Int32)
    return frame.with_columns(pl.when(since >= 0).then(since).alias("since_change"))


def curve_of(visits: pl.DataFrame, by_day: bool = False) -> ChangeCurve:
    """The judged visits' regret, aligned at changes of interest."""
    return change_curve(
        visits["user"].to_numpy(),
        visits["time"].to_numpy(),
        visits["regret"].to_numpy(),
        visits["change_point"].to_numpy(),
        by_day=by_day,
    )


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
