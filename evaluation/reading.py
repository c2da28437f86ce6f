"""What a user read and wrote around one visit, as a table of texts."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from driftline.evaluation.run_folder import RunFolder
from driftline.evaluation.witnesses import Witness
from driftline.sim.types import NONE, BehaviorKind

BEFORE, AFTER = 4, 6


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit as a line of the table."""

    day: float
    since: int
    """Visits since the witness's own turning point."""
    read: str
    """Title of what was taken, or empty."""
    wrote: str
    """Comment and queries until the next visit, or empty."""
    rating: str


def reading(run: RunFolder, agent: str, seed: int, witness: Witness) -> tuple[Moment, ...]:
    """Four visits before the witness's turning point and seven from it on."""
    visits = run.log(agent, seed).filter(pl.col("user") == witness.user).sort("visit").collect()
    around = visits.with_row_index("row").filter(
        pl.col("visit").is_between(witness.visit - BEFORE, witness.visit + AFTER)
    )
    behaviors = run.behaviors(agent, seed).filter(pl.col("user") == witness.user).sort("time").collect()
    titles = dict(run.items(seed).select("item", "text").collect().iter_rows())
    texts = _texts(run, seed, [*titles.values(), *behaviors["about"], *behaviors["expressed"]])
    times = visits["time"].to_list()
    moments = []
    for row in around.iter_rows(named=True):
        end = times[row["row"] + 1] if row["row"] + 1 < len(times) else float("inf")
        later = behaviors.filter((pl.col("time") >= row["time"]) & (pl.col("time") < end))
        moments.append(_moment(row, later, titles, texts, witness))
    return tuple(moments)


def _moment(
    row: dict[str, Any],
    later: pl.DataFrame,
    titles: dict[int, int],
    texts: dict[int, str],
    witness: Witness,
) -> Moment:
    taken = row["items"][row["choice"]] if row["choice"] < len(row["items"]) else NONE
    wrote = [_written(behavior, texts) for behavior in later.iter_rows(named=True)]
    rating = row.get("rating")
    return Moment(
        day=row["time"],
        since=row["visit"] - witness.visit,
        read=texts.get(titles.get(taken, NONE), f"item {taken}") if taken != NONE else "",
        wrote="; ".join(part for part in wrote if part),
        rating=f"{rating:.0f} of 5" if rating is not None and rating == rating else "",
    )


def _written(behavior: dict[str, Any], texts: dict[int, str]) -> str:
    if behavior["kind"] == BehaviorKind.SEARCH:
        return f"searched for “{texts.get(behavior['about'], '')}”"
    if behavior["kind"] == BehaviorKind.PURCHASE:
        return f"bought “{texts.get(behavior['about'], '')}”"
    comment = texts.get(behavior["expressed"], "")
    return f"“{comment}”" if comment else ""


def _texts(run: RunFolder, seed: int, codes: list[int]) -> dict[int, str]:
    wanted = pl.Series("code", sorted(set(codes)), dtype=pl.Int32).to_frame().lazy()
    found = run.segments(seed).select(pl.col("code").cast(pl.Int32), "text").join(wanted, on="code", how="semi")
    return dict(found.collect().iter_rows())
