"""One row per judged visit: what every measure of a run is computed from."""

import numpy as np
import polars as pl

from driftline.evaluation.drift.change_curve import ChangeCurve, change_curve, last_change
from driftline.evaluation.regret import regret
from driftline.evaluation.rewards import click, reward
from driftline.evaluation.run_folder import RunFolder, RunFolderError


def judged_visits(run: RunFolder, agent: str, seed: int) -> pl.DataFrame:
    """Rewards and regrets of every judged visit, sorted by (user, visit).

    Columns: user, visit, time, group, change_point, since_change (visits since that user's last change of
    interest, 0 for the first visit after it, null before any), reward, click, regret, regret_in_item_space,
    bound.
    """
    start, end = run.judged
    truth = run.truth(agent, seed)
    facts = truth.select("user", "visit", pl.col("time").cast(pl.Float64), "group", "change_point")
    key = ["user", "visit"]
    frame = (
        facts.filter((pl.col("time") >= start) & (pl.col("time") <= end))
        .join(reward(truth), on=key, how="left")
        .join(click(run.log(agent, seed)), on=key, how="left")
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
