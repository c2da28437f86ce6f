"""The tables of a world that all agents of a seed share: items, texts, users, probes."""

import os
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.world import World


def write_world_tables(world: World, out: Path, seed: int) -> None:
    """Write them once per seed; they are the same for every agent, so a second write changes nothing."""
    base, shelf = world.base, world.catalogue
    ids = np.arange(shelf.items, dtype=np.int32)
    known = base.items(ids)
    users = np.arange(world.params.population.users)
    log, truth = out / "log", out / "truth"
    _write(base.corpus.segments.frame(), log / f"segments-{seed}.parquet")
    _write(
        pl.DataFrame(
            {
                "item": ids,
                "text": known.text,
                "domain": known.domain,
                "price": known.price,
                "born": known.born,
                "category": known.category,
            }
        ),
        log / f"items-{seed}.parquet",
    )
    _write(
        pl.DataFrame(
            {
                "item": ids,
                "mixture": shelf.mixture,
                "quality": shelf.quality,
                "appeal": shelf.appeal,
                "born": shelf.born,
                "retired": shelf.retired,
            }
        ),
        truth / f"items-{seed}.parquet",
    )
    _write(pl.DataFrame({"item": shelf.probes}), truth / f"probes-{seed}.parquet")
    _write(
        pl.DataFrame({"user": world.pseudonyms(users), "group": world.groups(users)}),
        truth / f"users-{seed}.parquet",
    )
    past = base.past
    if len(past):
        _write(
            pl.DataFrame({"user": past.user, "item": past.item, "time": past.time, "rating": past.rating}),
            log / f"past-{seed}.parquet",
        )


def _write(frame: pl.DataFrame, path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    frame.write_parquet(partial, compression="zstd", compression_level=1)
    partial.replace(path)
