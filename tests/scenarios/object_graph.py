"""Everything that can be reached from an object, and whether any of it gives a latent number away."""

import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import polars as pl

from driftline.agents.users import UserRows
from driftline.sim.items import Catalogue
from driftline.sim.model import WorldModel
from driftline.sim.state import Population
from driftline.sim.text.corpus import Corpus
from driftline.sim.types import Floats, Int64s
from driftline.sim.world import World

FORBIDDEN = (World, WorldModel, Catalogue, Population, Corpus)
"""What holds latent numbers."""
WIDEST = 2_000
"""Columns of one array that are looked at together."""


def reachable(root: object) -> list[Any]:
    """Every object that can be reached, through attributes, slots, closures, views' bases, frames' columns."""
    found: dict[int, Any] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in found or isinstance(one, type | ModuleType | str | bytes | int | float | None):
            continue
        found[id(one)] = one
        waiting += _next(one)
    return list(found.values())


def _next(one: object) -> list[Any]:
    if isinstance(one, np.ndarray):
        inside = one.ravel().tolist() if one.dtype == object else []
        return [one.base, *inside]
    if isinstance(one, pl.DataFrame):
        return list(one.get_columns())
    if isinstance(one, pl.Series):
        return [one.to_numpy()] if one.dtype.is_numeric() or one.dtype.is_nested() else []
    if isinstance(one, FunctionType):  # what it closes over; its module's globals are not its own
        return [
            *(cell.cell_contents for cell in one.__closure__ or () if _filled(cell)),
            one.__defaults__,
            one.__dict__,
        ]
    if isinstance(one, BuiltinFunctionType | MethodType):
        return [one.__self__, getattr(one, "__func__", None)]
    if type(one).__module__.split(".")[0] == "torch" and hasattr(one, "detach"):
        tensor: Any = one
        return [tensor.detach().cpu().numpy()] if tensor.is_floating_point() else []
    return gc.get_referents(one)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def forbidden(root: object) -> list[str]:
    """Names of the types that must not be reachable and are."""
    return sorted({type(one).__name__ for one in reachable(root) if isinstance(one, FORBIDDEN)})


def tables(root: object, orders: dict[str, Int64s]) -> Iterator[tuple[str, Floats]]:
    """Numbers that could be about the rows of a latent table [n, ...], with one row for each: [n, columns].

    orders: where row i of the latent table would stand in an array, for each order that is conceivable.
    """
    for one in reachable(root):
        if not (isinstance(one, np.ndarray) and one.ndim >= 1 and one.dtype.kind in "biuf"):
            continue
        for name, order in orders.items():
            for axis in range(min(one.ndim, 2)):
                turned = np.moveaxis(one, axis, 0)
                if len(turned) > order.max():
                    rows = turned[order].reshape(len(order), -1)[:, :WIDEST].astype(np.float64)
                    yield f"{one.dtype}{list(one.shape)} along axis {axis} in the order of {name}", rows


def leak(root: object, orders: dict[str, Int64s], latent: dict[str, Floats], bound: float = 0.9) -> list[str]:
    """Arrays in reach that predict a latent column linearly with R^2 >= bound on rows held out."""
    columns = np.column_stack([np.asarray(part, np.float64).reshape(len(part), -1) for part in latent.values()])
    names = [name for name, part in latent.items() for _ in range(np.asarray(part).reshape(len(part), -1).shape[1])]
    return [
        f"{what} predicts {names[int(fit.argmax())]} with R^2 = {fit.max():.2f}"
        for what, rows in tables(root, orders)
        if (fit := held_out_fit(rows, columns)).max(initial=0.0) >= bound
    ]


def held_out_fit(rows: Floats, targets: Floats) -> Floats:
    """R^2 of each target [n, t] on the odd rows, by ridge regression on the even ones; the better of two ridges."""
    rows = np.where(np.isfinite(rows), rows, 0.0)
    learn, judge = slice(0, None, 2), slice(1, None, 2)
    centre, size = rows[learn].mean(axis=0), rows[learn].std(axis=0)
    kept = size > 1e-12
    if not kept.any():
        return np.zeros(targets.shape[1])
    x = (rows[:, kept] - centre[kept]) / size[kept]
    goal = targets[learn] - targets[learn].mean(axis=0)
    best = np.full(targets.shape[1], -np.inf)
    for ridge in (1e-6, 1.0):
        square = x[learn] @ x[learn].T + ridge * np.eye(len(goal))  # dual form: as many unknowns as rows
        guess = x[judge] @ (x[learn].T @ np.linalg.solve(square, goal)) + targets[learn].mean(axis=0)
        off = ((targets[judge] - guess) ** 2).sum(axis=0)
        spread = ((targets[judge] - targets[judge].mean(axis=0)) ** 2).sum(axis=0)
        best = np.maximum(best, 1.0 - off / spread)
    return best


def user_orders(root: object, names: Int64s, met: Int64s) -> dict[str, Int64s]:
    """Orders in which the users `met` (world's numbers) may stand: where each would be found in an array.

    names: all pseudonyms in the world's order [N]. The orders: the world's and by pseudonym, of all or of those met,
    and that of every table of rows in reach.
    """
    found = {
        "the world": met,
        "the world, met": np.arange(len(met)),
        "pseudonyms": np.argsort(np.argsort(names))[met],
        "pseudonyms, met": np.argsort(np.argsort(names[met])),
    }
    for one in reachable(root):
        if isinstance(one, UserRows) and len(one):
            rows = one.find(names[met])
            if (rows >= 0).all():
                found["rows"] = rows
    return found
