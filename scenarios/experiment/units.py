"""Users as the units of an experiment: what each did in it, and what was known of it before."""

import numpy as np
import polars as pl

from driftline.evaluation.procedures import Units
from driftline.sim.warmup import Start

BEFORE: dict[str, pl.DataType | type[pl.DataType]] = {"covariate": pl.Float64, "stratum": pl.Int64}
"""Known of a visit's user before the experiment; null for one who did not come. `covariate`: clicks a visit in the
warm-up. `stratum`: 0 to 3, quarters of the users by how often they came then."""
QUARTERS = 4


def known_before(start: Start, users: int) -> pl.DataFrame:
    """`user` and the columns of `BEFORE`, a row for each of a world's users [0, users) who came in the warm-up."""
    feedback, names = start.setting.feedback, start.world.pseudonyms(np.arange(users))
    number = pl.DataFrame({"name": names, "user": np.arange(users)})
    seen = pl.DataFrame(
        {"name": feedback.user, "click": (feedback.choice < feedback.items.shape[1]).astype(np.float64)}
    )
    quarter = pl.col("visits").rank("ordinal") * QUARTERS // (pl.len() + 1)
    return (
        seen.group_by("name", maintain_order=True)
        .agg(pl.col("click").mean().alias("covariate"), pl.len().alias("visits"))
        .join(number, on="name")
        .sort("user")
        .select("user", "covariate", quarter.cast(pl.Int64).alias("stratum"))
    )


def units_of(visits: pl.DataFrame, metric: str, cluster: str | None = None) -> Units:
    """Users in the order of their first visit, with what procedures may ask for.

    visits: those that count, of one mixed run (`play.SCHEMA`). value: a user's mean; numerator and denominator: its
    sum and its visits; covariate (the mean where there is none) and stratum: see `BEFORE`. cluster: the column of what
    was randomised or trained as one, `unit` or `cell`; none where it is not given.

    Raises:
        InputError: an arm with fewer than two users.
    """
    value, keys = pl.col(metric).cast(pl.Float64), ["user", "meant", *([cluster] if cluster else [])]
    users = (
        visits.group_by(keys, maintain_order=True)
        .agg(
            value.mean().alias("mean"),
            value.sum().alias("total"),
            pl.len().cast(pl.Float64).alias("visits"),
            pl.col("day").min().alias("first"),
            pl.col("covariate", "stratum").first(),
        )
        .sort("first", *keys)
    )
    known = users["covariate"].null_count() < len(users)
    return Units(
        users["mean"].to_numpy(),
        users["meant"].to_numpy(),
        numerator=users["total"].to_numpy(),
        denominator=users["visits"].to_numpy(),
        covariate=users["covariate"].fill_null(strategy="mean").to_numpy() if known else None,
        stratum=users["stratum"].fill_null(0).to_numpy() if known else None,
        cluster=users[cluster].to_numpy() if cluster else None,
    )
