"""A log of decisions: the roles of its columns, the target policy on it, and what is looked at before any estimate."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import polars as pl

from driftline.evaluation.off_policy import Diagnostics, diagnose
from driftline.evaluation.off_policy.estimation import clusters_of
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.scenarios.own_log.log_file import codes, labels, needed, numbers, times, within
from driftline.scenarios.own_log.verdict import Check
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError
from driftline.sim.plug_ins import imported
from driftline.sim.types import Bools, Floats, Int64s

KINDS = ("pscore", "pscore_item_position", "pscore_cascade")
"""Propensities that a log may hold; only `pscore` where rows are single decisions."""
ROLES = {
    "reward": "what the row's action earned",
    "action": "which action was taken (item, arm, treatment)",
    "pscore": "the probability with which the logging policy took what was logged",
    "pscore_item_position": "in slates, the probability of this item at this position",
    "pscore_cascade": "in slates, the probability of the items from the first position down to this one together",
    "target_pscore": "the target policy's probability of what was logged, in place of a policy",
    "target_pscore_item_position": "in slates, the target policy's probability of this item at this position",
    "target_pscore_cascade": "in slates, the target policy's probability of the items down to this one together",
    "q_action": "a reward model's prediction for the logged action",
    "q_expected": "a reward model's mean prediction under the target policy",
    "user": "whose row it is; rows of one user are not independent",
    "slate": "which slate (request) the row belongs to",
    "position": "the row's position in its slate",
    "time": "when it happened",
}
BY_NAME = ("reward", "action", *KINDS, *(f"target_{kind}" for kind in KINDS))
"""Roles taken from a column of their own name."""
PROBABILITY = "must be above 0 and at most 1, since it was logged"
CONTRACT = "one probability a row [n], a matrix [n, actions], or a frame with a column for each action"
ROUNDING = 1e-9
SUM_TOLERANCE = 1e-5
"""How far a row's probabilities may sum to something else than 1; 32-bit softmaxes are about 1e-6 off."""
SEEN_OFTEN = 10
"""Rows of the rarest action from which on the number of actions is taken as known."""
CLEAR = 3.0
"""Standard errors from which on propensities are called too small."""
PolicyFunction = Callable[[pl.DataFrame], Any]
"""The log, without its rewards, to probabilities; see docs/own-logs.md."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """A log of decisions, checked; arrays are [n], in the order of the file. Null: not in the log."""

    log: Table
    columns: Mapping[str, str]
    reward: Floats
    pscore: Mapping[str, Floats]
    """By kind."""
    action: pl.Series | None
    user: Int64s | None
    slate: pl.Series | None
    position: Int64s | None
    """From 0, in the order of the logged positions."""
    time: Floats | None
    unit: str
    """Of time."""

    def __len__(self) -> int:
        return len(self.log)

    def order(self) -> Int64s:
        """Rows in the order of time, or of the file where there is no time."""
        return np.arange(len(self)) if self.time is None else np.argsort(self.time, kind="stable")


@dataclass(frozen=True, slots=True)
class Policy:
    """A function with the name by which errors call it."""

    name: str
    function: PolicyFunction

    def answer(self, log: pl.DataFrame, hidden: str) -> Any:
        """What it says of the log. hidden: the reward's column, which a policy cannot know when it acts.

        Raises:
            InputError: the function raised.
        """
        try:
            return self.function(log.drop(hidden))
        except Exception as problem:  # the function is its owner's and may raise anything
            lines = str(problem).strip().splitlines() or ["no message"]
            secret = f" (the reward, {hidden!r}, is kept from it)" if hidden in str(problem) else ""
            raise InputError(f"policy {self.name!r} failed: {type(problem).__name__}: {lines[0]}{secret}") from problem


@dataclass(frozen=True, slots=True)
class Target:
    """The target policy on the log; arrays are [n] or [n, A], rows as in the file."""

    at_action: Floats
    """Probability of the logged action."""
    matrix: Floats | None = None
    """Probability of every action, rows sum to 1; null where only the logged action's was given."""
    action: Int64s | None = None
    """The logged action's column of the matrix."""
    unsupported: Floats | None = None
    """Probability of actions that the log never holds."""


def decisions(log: Table, columns: Mapping[str, str]) -> Decisions:
    """The log with its columns in their roles.

    Raises:
        InputError: no propensities, an unusable value, a propensity outside (0, 1], a slate without positions.
    """
    needed(log, columns, ROLES, ("reward",))
    kinds = [kind for kind in KINDS if kind in columns]
    if not kinds:
        raise InputError(
            f"{log.path}: pscore is missing, {ROLES['pscore']}; without it the log cannot say what another policy "
            f"would have earned. State --columns pscore=COLUMN (there are: {', '.join(log.frame.columns[:20])})"
        )
    slates = "slate" in columns
    if slates:
        needed(log, columns, ROLES, ("position",))
    if not slates and kinds != ["pscore"]:
        raise InputError(
            f"{log.path}: {kinds[-1]} belongs to slates; state slate=COLUMN and position=COLUMN, or pscore"
        )
    time, unit = times(log, "time", columns["time"]) if "time" in columns else (None, "")
    return Decisions(
        log=log,
        columns=columns,
        reward=numbers(log, "reward", columns["reward"]),
        pscore={kind: propensities(log, kind, columns[kind]) for kind in kinds},
        action=labels(log, "action", columns["action"]) if "action" in columns else None,
        user=codes(labels(log, "user", columns["user"]))[0] if "user" in columns else None,
        slate=labels(log, "slate", columns["slate"]) if slates else None,
        position=_positions(log, columns["position"]) if slates else None,
        time=time,
        unit=unit,
    )


def propensities(log: Table, role: str, column: str) -> Floats:
    """Probabilities of what was logged, in (0, 1]."""
    values = numbers(log, role, column)
    percent = values.max() > 1.0 and values.max() <= 100.0 and bool((values > 0.0).all())
    bound = f"{PROBABILITY} (percentages must be divided by 100)" if percent else PROBABILITY
    return within(log, role, column, 0.0, 1.0, bound, open_low=True)


def _positions(log: Table, column: str) -> Int64s:
    """Positions counted from 0 in the order of those that the log holds: 1, 2, 3 are 0, 1, 2."""
    return codes(pl.Series(numbers(log, "position", column)))[0]


def named_policy(policy: str | PolicyFunction) -> Policy:
    """The policy behind `package.module:function`, or a function itself.

    Raises:
        InputError: another form of name, a module that cannot be imported, no such function, not a function.
    """
    if not isinstance(policy, str):
        if not callable(policy):
            raise InputError(f"policy is {type(policy).__name__}; must be package.module:function, or a function")
        return Policy(getattr(policy, "__name__", type(policy).__name__), policy)
    module, colon, name = policy.partition(":")
    if not (module and colon and name):
        raise InputError(f"policy {policy!r}: must be package.module:function, for instance shop:policy")
    return Policy(policy, imported("policy", policy, _no_function))


def _no_function(found: object) -> str | None:
    return None if callable(found) else f"must be a function of the log, not {type(found).__name__}"


def target(name: str, answer: Any, log: Table, action: pl.Series | None) -> Target:
    """The policy's answer, checked. name: of the policy. action: the logged action's label [n], where there is one.

    Raises:
        InputError: another shape, NaN, a probability outside [0, 1], a row that does not sum to 1, a logged action
            without a column; the first row is named.
    """
    if isinstance(answer, pl.DataFrame):
        return _of_columns(name, answer, log, action)
    array = _numbers(name, answer)
    n = len(log)
    if array.ndim == 2 and array.shape[1] == 1 and array.shape[0] == n:
        array = array[:, 0]
    if array.shape == (n,):
        _check_range(name, array[:, None], log, None)
        return Target(np.minimum(array, 1.0))
    if array.ndim != 2 or len(array) != n:
        raise InputError(f"policy {name!r} returned shape {array.shape} for {n:,} rows; must be {CONTRACT}")
    if action is None:
        raise InputError(
            f"policy {name!r} returned a matrix {array.shape}; to know each row's action, state --columns action=COLUMN"
        )
    places, labels = _places(name, action, array.shape[1])
    return _of_matrix(name, array, log, places, labels)


def _numbers(name: str, answer: Any) -> Floats:
    try:
        values = answer.to_numpy() if isinstance(answer, pl.Series) else answer
        if values is None:
            raise TypeError
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"policy {name!r} returned {type(answer).__name__}; must be {CONTRACT}") from None


def _of_columns(name: str, answer: pl.DataFrame, log: Table, action: pl.Series | None) -> Target:
    """A frame: each column is named after its action, so actions that were never logged may be among them."""
    if answer.height != len(log):
        raise InputError(f"policy {name!r} returned {answer.height:,} rows for {len(log):,}; must be {CONTRACT}")
    if action is None:
        raise InputError(
            f"policy {name!r} returned a frame of actions; to know each row's, state --columns action=COLUMN"
        )
    labels = answer.columns
    place = {label: k for k, label in enumerate(labels)}
    text = action.cast(pl.String)
    unknown = sorted(set(text.unique()) - place.keys())
    if unknown:
        raise InputError(f"policy {name!r} returned a frame without a column for the logged action {unknown[0]!r}")
    if not all(dtype.is_numeric() for dtype in answer.dtypes):
        raise InputError(f"policy {name!r} returned a frame whose columns are not all numbers")
    places = text.replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return _of_matrix(name, answer.to_numpy().astype(np.float64), log, places, labels)


def _places(name: str, action: pl.Series, count: int) -> tuple[Int64s, list[str]]:
    """Whole numbers below the number of columns are the columns; other labels are numbered in sorted order."""
    least, most = (action.min(), action.max()) if action.dtype.is_integer() else (-1, -1)
    if isinstance(least, int) and isinstance(most, int) and least >= 0 and most < count:
        return action.to_numpy().astype(np.int64), [str(k) for k in range(count)]
    places, labels = codes(action)
    if len(labels) != count:
        raise InputError(
            f"policy {name!r} returned {count} columns, the log holds {len(labels)} actions; return a frame with a "
            "column named after each action"
        )
    return places, [str(label) for label in labels]


def _of_matrix(name: str, matrix: Floats, log: Table, action: Int64s, labels: list[str]) -> Target:
    _check_range(name, matrix, log, labels)
    total = matrix.sum(axis=1)
    off = np.abs(total - 1.0) > SUM_TOLERANCE
    if off.any():
        at = int(np.argmax(off))
        raise InputError(f"{_row(name, log, at)}: probabilities sum to {total[at]:g}; must sum to 1{_more(off)}")
    matrix = matrix / total[:, None]
    never = np.bincount(action, minlength=matrix.shape[1]) == 0
    return Target(
        at_action=np.minimum(matrix[np.arange(len(action)), action], 1.0),
        matrix=matrix,
        action=action,
        unsupported=np.clip(matrix[:, never].sum(axis=1), 0.0, 1.0),
    )


def _check_range(name: str, matrix: Floats, log: Table, labels: list[str] | None) -> None:
    bad = ~((matrix >= 0.0) & (matrix <= 1.0 + ROUNDING))
    if bad.any():
        at, k = (int(x) for x in np.argwhere(bad)[0])
        of = "probability" if labels is None else f"probability of action {labels[k]!r}"
        more = _more(np.asarray(bad.any(axis=1)))
        raise InputError(f"{_row(name, log, at)}: {of} is {matrix[at, k]:g}; must be between 0 and 1{more}")


def _row(name: str, log: Table, at: int) -> str:
    return f"policy {name!r}, {log.place(at)}"


def _more(bad: Bools) -> str:
    count = int(bad.sum())
    return f" ({count:,} such rows)" if count > 1 else ""


def no_overlap(policy: str, at_action: Floats) -> None:
    """A policy that takes none of the logged actions: the log says nothing about it."""
    if not at_action.any():
        raise InputError(
            f"policy {policy!r} has no support in this log: it gives all {len(at_action):,} logged actions "
            "probability 0, so the log says nothing about it"
        )


def log_checks(decisions: Decisions) -> Iterator[Check]:
    """Rows and propensities, which no policy changes."""
    unit = "rows" if decisions.slate is None else f"rows in {decisions.slate.n_unique():,} slates"
    if decisions.user is None:
        whose = "; taken as independent, since no user column is stated"
    else:
        whose = f" of {int(decisions.user.max()) + 1:,} users; intervals are over users"
    yield Check("rows", f"{len(decisions):,} {unit}{whose}")
    for kind, values in decisions.pscore.items():
        yield _propensities(decisions, kind, values)


def _propensities(decisions: Decisions, kind: str, values: Floats) -> Check:
    found = f"{kind} from {values.min():.4g} to {values.max():.4g}"
    if values.min() == 1.0:
        alone = "propensities: all are 1; the logging policy never chose by chance, so no other policy can be judged"
        return Check("propensities", found, (alone,))
    if kind != "pscore" or decisions.slate is not None or decisions.action is None:
        return Check("propensities", found)
    counts = decisions.action.value_counts()["count"]
    inverse = 1.0 / values
    mean, error = float(inverse.mean()), float(inverse.std(ddof=1)) / sqrt(len(inverse)) if len(inverse) > 1 else 0.0
    found += f"; mean of 1 / pscore {mean:.4g} for {len(counts)} actions"
    # E[1 / p(a)] over logged actions is the number of actions that could be taken
    if counts.to_numpy().min() >= SEEN_OFTEN and mean - len(counts) > CLEAR * error + 1e-9:
        small = f"propensities: the mean of 1 / pscore is {mean:.4g} for {len(counts)} logged actions"
        return Check("propensities", found, (f"{small}; it cannot be above their number, so they are too small",))
    return Check("propensities", found)


def weight_checks(rounds: Rounds) -> Iterator[Check]:
    """Support and importance weights of a target policy."""
    found = diagnose(rounds, cluster=clusters_of(rounds))
    said = found.warnings()
    support = tuple(line for line in said if line.startswith("support"))
    yield Check("support", _support(rounds, found), support)
    yield Check("weights", _weights(found), tuple(line for line in said if line not in support))


def _support(rounds: Rounds, found: Diagnostics) -> str:
    matched = float(np.mean(rounds.need("target_pscore", "support") > 0))
    rows = f"the target policy could have taken {matched:.1%} of the logged actions"
    if rounds.unsupported is None:
        return f"{rows}; what it does beside them only the mean weight can tell"
    return f"{rows}; {found.unsupported_mass:.2%} of its choices are actions that the log never holds"


def _weights(found: Diagnostics) -> str:
    z = f" ({abs(found.mean_weight_z):.1f} standard errors from 1)" if found.mean_weight_z else ""
    share = found.effective_sample_size / found.n
    return (
        f"mean {found.mean_weight:.4g}{z}; effective sample size {found.effective_sample_size:,.0f} of {found.n:,} "
        f"({share:.1%}); largest {found.largest_weight:.4g}, {found.largest_share:.2%} of all weight"
    )
