"""What users got: the scenario's reward, and how often they took anything."""

import polars as pl


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
