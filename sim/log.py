"""The two logs of a run: what an operator would have, and the truth, each as columns and then as Parquet."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from driftline.sim.response import Round, Truth
from driftline.sim.types import Behaviors, Feedback, Floats, Slates
from driftline.sim.world import World

COMPRESSION_LEVEL = 1


@dataclass
class OperatorLog:
    """Visits and behaviours as an operator would keep them."""

    visits: list[dict[str, NDArray[np.generic]]] = field(default_factory=list)
    behaviors: list[Behaviors] = field(default_factory=list)

    def add(self, behaviors: Behaviors, slates: Slates, feedback: Feedback) -> None:
        """Take in one round."""
        self.behaviors.append(behaviors)
        self.visits.append(
            {
                "user": feedback.user,
                "visit": feedback.visit,
                "time": feedback.time,
                "items": feedback.items,
                "choice": feedback.choice,
                "dwell": feedback.dwell,
                "rating": feedback.rating,
                "log_p": slates.log_p.astype(np.float32),
                "log_p_cascade": slates.log_p_cascade.astype(np.float32),
            }
        )

    def write(self, folder: Path) -> None:
        """`visits.parquet` and `behaviors.parquet`, in (time, user, visit) order."""
        visits = _stack(self.visits)
        if visits is not None:
            # A deterministic policy's zeros carry nothing; nulls say so and cost nothing. Types stay as they are.
            if not (visits["log_p"] != 0).any():
                nothing = [pl.lit(None, visits.schema[name]).alias(name) for name in ("log_p", "log_p_cascade")]
                visits = visits.with_columns(nothing)
            visits = visits.with_columns(pl.col("rating").fill_nan(None))
            _write(visits, folder / "visits.parquet", ["time", "user", "visit"])
        columns = ("user", "time", "kind", "item", "about", "expressed")
        rows = _stack([{name: getattr(part, name) for name in columns} for part in self.behaviors])
        if rows is not None:
            _write(rows, folder / "behaviors.parquet", ["time", "user", "kind"])


@dataclass
class TruthLog:
    """What only the simulator knows of each visit; agents are never handed it (see docs/limits.md)."""

    visits: list[dict[str, NDArray[np.generic]]] = field(default_factory=list)
    values: list[dict[str, NDArray[np.generic]]] = field(default_factory=list)

    def before(self, world: World, keep: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
        """The interests with which the observed users come; call before `respond`. keep: which rows [n]."""
        now = world.round
        users = now.users[keep]
        model = world.model
        columns: dict[str, NDArray[np.generic]] = {
            "user": world.pseudonyms(users),
            "visit": now.visits[keep],
            "time": now.times[keep],
            "group": world.groups(users),
            "interest_before": world.theta[users],
            "change_point": world.changed[users],
        }
        for slot, name in enumerate(model.law_names):
            columns[f"from_{name.rpartition(':')[2]}"] = world.components[users, slot].astype(np.float16)
        return columns

    def add(self, before: dict[str, NDArray[np.generic]], truth: Truth, keep: NDArray[np.bool_]) -> None:
        """Take in one round, after `respond`."""
        self.visits.append(
            before
            | {
                "p_choice": truth.p_choice[keep],
                "satisfaction": truth.responses.satisfaction[keep],
                "reward": truth.reward[keep].astype(np.float32),
            }
        )

    def add_values(self, world: World, now: Round, shown: Floats, best: Floats, in_space: Floats) -> None:
        """Expected rewards of the shown and the best slates; `in_space` is NaN where it was not asked for.

        Where the choice model does not say which slate is best, `best` may be a bound from above: see `SlateValues`.
        """
        self.values.append(
            {
                "user": world.pseudonyms(now.users),
                "visit": now.visits,
                "value_shown": shown.astype(np.float32),
                "value_best": best.astype(np.float32),
                "value_best_in_space": in_space.astype(np.float32),
                "bound": np.full(len(best), not world.model.choice.exact(now.candidates.shape[-1])),
            }
        )

    def write(self, folder: Path) -> None:
        """`visits.parquet` and `values.parquet`, in canonical order."""
        visits = _stack(self.visits)
        if visits is not None:
            _write(visits, folder / "visits.parquet", ["time", "user", "visit"])
        values = _stack(self.values)
        if values is not None:
            values = values.with_columns(pl.col("value_best_in_space").fill_nan(None))
            _write(values, folder / "values.parquet", ["user", "visit"])


def _stack(parts: list[dict[str, NDArray[np.generic]]]) -> pl.DataFrame | None:
    if not parts:
        return None
    return pl.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _write(frame: pl.DataFrame, path: Path, order: list[str]) -> None:
    put_parquet(frame.sort(order, maintain_order=True), path)


def put_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a table whole or not at all, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        frame.write_parquet(draft, compression="zstd", compression_level=COMPRESSION_LEVEL)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
