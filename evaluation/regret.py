"""What users missed: the best slate's expected reward minus that of the slate shown."""

import polars as pl

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
    """How many visits have a negative regret although the best slate was searched exactly: 0, or a fault."""
    return visits.filter(~pl.col("bound") & (pl.col("regret") < -TOLERANCE)).height
