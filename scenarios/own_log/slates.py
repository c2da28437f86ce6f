"""A log of slates: whole slates from rows, the target policy's propensities of them, and the estimators they allow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from driftline.evaluation.arrays import TOLERANCE
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.slate_off_policy import SlateLog, iips, rips, sips, slates_from_rows, sniips, snrips, snsips
from driftline.scenarios.own_log.log_file import codes
from driftline.scenarios.own_log.roles import Decisions, target
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.types import Floats

ESTIMATORS: dict[str, tuple[str, Callable[..., Estimate]]] = {
    "sips": ("pscore", sips),
    "snsips": ("pscore", snsips),
    "iips": ("pscore_item_position", iips),
    "sniips": ("pscore_item_position", sniips),
    "rips": ("pscore_cascade", rips),
    "snrips": ("pscore_cascade", snrips),
}
"""By name: the propensity it needs, and the estimator."""


def checked_slates(decisions: Decisions) -> None:
    """Every slate has every position once, and one propensity of its whole.

    Raises:
        InputError: a position twice in a slate, a slate without one, `pscore` that differs within a slate.
    """
    assert decisions.slate is not None
    assert decisions.position is not None
    column = decisions.columns["position"]
    slate = codes(decisions.slate)[0]
    width = int(decisions.position.max()) + 1
    cell = slate * width + decisions.position
    order = np.argsort(cell, kind="stable")
    again = np.flatnonzero(np.diff(cell[order]) == 0)
    if len(again):
        first, second = int(order[again[0]]), int(order[again[0] + 1])
        raise InputError(
            f"{decisions.log.place(second)}: column {column!r} (position) is "
            f"{shown(decisions.log.frame[column][second])} in slate {shown(decisions.slate[second])}, as in "
            f"{decisions.log.line(first)}; a slate has one row a position ({len(again):,} rows are repeated)"
        )
    size = np.bincount(slate)
    if (size < width).any():
        short = int(np.argmax(size < width))
        row = int(np.argmax(slate == short))
        raise InputError(
            f"{decisions.log.place(row)}: slate {shown(decisions.slate[row])} has {size[short]} of {width} positions; "
            f"all slates must be alike ({int((size < width).sum()):,} are shorter)"
        )
    if "pscore" in decisions.pscore:
        _one_a_slate(decisions, slate, decisions.pscore["pscore"])


def slate_targets(decisions: Decisions, name: str, answer: Any) -> dict[str, Floats]:
    """The target policy's propensity of every kind that was logged [n].

    answer: the policy's; one kind may come as one number a row, several as a frame with a column for each kind. For
    `pscore_item_position` a matrix of actions will do.
    """
    kinds = list(decisions.pscore)
    if isinstance(answer, pl.DataFrame) and set(answer.columns) & set(kinds):
        missing = [kind for kind in kinds if kind not in answer.columns]
        if missing:
            raise InputError(f"policy {name!r} returned no column {missing[0]!r}; the log holds {', '.join(kinds)}")
        return {kind: target(f"{name}, {kind}", answer[kind], decisions.log, None).at_action for kind in kinds}
    if len(kinds) > 1:
        raise InputError(
            f"policy {name!r} returned {type(answer).__name__}; the log holds {', '.join(kinds)}, so it must return a "
            "frame with a column of each name"
        )
    found = target(name, answer, decisions.log, decisions.action)
    if found.matrix is not None and kinds != ["pscore_item_position"]:
        raise InputError(
            f"policy {name!r} returned probabilities of single actions; the log holds {kinds[0]}, so it must return "
            "the target policy's value of just that, one a row"
        )
    return {kinds[0]: found.at_action}


def whole_slates(decisions: Decisions, targets: Mapping[str, Floats]) -> SlateLog:
    """Slates as arrays, checked by the estimators' own door.

    Raises:
        InputError: a cascade's probability that rises from one position to the next.
    """
    assert decisions.slate is not None
    if "pscore_cascade" in targets:
        _falls(decisions, "pscore_cascade", decisions.pscore["pscore_cascade"])
        _falls(decisions, "target_pscore_cascade", targets["pscore_cascade"])
    given: dict[str, Any] = {**decisions.pscore, **{f"target_{kind}": values for kind, values in targets.items()}}
    return slates_from_rows(
        slate_id=codes(decisions.slate)[0],
        position=decisions.position,  # type: ignore[arg-type]  # a slate has positions
        reward=decisions.reward,
        cluster=decisions.user,
        **given,
    )


def slate_estimates(
    slates: SlateLog,
    kinds: Sequence[str],
    chosen: Sequence[str] | None,
    asked: Asked,
) -> dict[str, Estimate]:
    """Value a slate by every estimator whose propensity was logged, or by those chosen."""
    possible = [name for name, (kind, _) in ESTIMATORS.items() if kind in kinds]
    found = {}
    for name in chosen if chosen is not None else possible:
        if name not in ESTIMATORS:
            raise InputError(f"estimator {name!r} is none of slates; {hint(name, ESTIMATORS)}")
        kind, function = ESTIMATORS[name]
        if name not in possible:
            raise InputError(
                f"estimator {name!r} needs {kind}, which the log does not hold; {', '.join(possible)} can do"
            )
        arrays = slates.arguments("reward", kind, f"target_{kind}")
        found[name] = function(**arrays, **asked)
    return found


def mean_slate(slates: SlateLog, asked: Asked) -> Estimate:
    """What the logging policy's slates earned on average."""
    sure = np.ones(len(slates))
    return sips(reward=slates.reward, pscore=sure, target_pscore=sure, **asked)


def _one_a_slate(decisions: Decisions, slate: np.ndarray[tuple[int, ...], np.dtype[np.int64]], pscore: Floats) -> None:
    """In slates, pscore is the whole slate's; a user who logged the item's is told the other names."""
    first = np.zeros(int(slate.max()) + 1)
    first[slate[::-1]] = pscore[::-1]
    differs = pscore != first[slate]
    if differs.any():
        at = int(np.argmax(differs))
        column = decisions.columns["pscore"]
        raise InputError(
            f"{decisions.log.place(at)}: column {column!r} (pscore) differs within slate {shown(decisions.slate[at])}; "  # type: ignore[index]
            f"in slates it is the whole slate's: state pscore_item_position={column} if it is the item's at its "
            f"position, pscore_cascade={column} if it is that of all items down to it"
        )


def _falls(decisions: Decisions, role: str, values: Floats) -> None:
    """The probability of the items down to a position cannot be above that of those down to the one before."""
    assert decisions.slate is not None
    order = np.lexsort((decisions.position, codes(decisions.slate)[0]))  # type: ignore[arg-type]  # it has positions
    width = int(decisions.position.max()) + 1  # type: ignore[union-attr]
    table = values[order].reshape(-1, width)
    rises = table[:, 1:] > table[:, :-1] * (1.0 + TOLERANCE)
    if rises.any():
        row, k = (int(x) for x in np.argwhere(rises)[0])
        at = int(order[row * width + k + 1])
        raise InputError(
            f"{decisions.log.place(at)}: {role} rises from {table[row, k]:g} to {table[row, k + 1]:g} within slate "
            f"{shown(decisions.slate[at])}; it is the probability of all items down to a position: multiply up "
            "those of single positions"
        )
