"""What every policy must keep to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from driftline.agents.checks._hands import arrays, copied
from driftline.agents.checks._slates import SLACK, slate_fault
from driftline.agents.policy import Policy, StatesPropensity
from driftline.agents.ranking import top_slate
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.keyed import Stream, normals, order
from driftline.sim.types import Floats, Int32s, Int64s, Items, Observation, Slates, empty_behaviors

USERS, OFFERED, SLATE = 12, 9, 3
FEW, PAIR = 4, 2
"""Candidates and slate length of the small world in which slates are counted."""
VISITS, CROWD = 40, 250
"""Visits of each user of the crowd whose slates are counted: 10,000 slates."""
TOO_UNLIKELY = 1e-6
"""A right policy is refused once in a million examinations."""
SEED = 40


@dataclass(frozen=True, slots=True)
class _Case:
    """What a policy is asked."""

    observation: Observation
    scores: Floats
    best: Int64s

    def rows(self, rows: Int64s) -> "_Case":
        seen, pool = self.observation, self.observation.candidates
        some = replace(
            seen,
            user=seen.user[rows],
            visit=seen.visit[rows],
            time=seen.time[rows],
            candidates=pool if pool.ndim == 1 else pool[rows],
        )
        return _Case(some, self.scores[rows], self.best[rows])


def check_policy(policy: Any) -> tuple[Check, ...]:
    """Ask a policy for everything that `driftline.agents.policy.Policy` promises.

    policy: one that is made already, the class, or whatever makes one without arguments.
    """
    made = callable(getattr(policy, "slates", None)) and not isinstance(policy, type)
    make: Callable[[], Policy] = (lambda: policy) if made else policy
    return tuple(examined(SUITE, make))


# -- cases -------------------------------------------------------------------------------------------------------


def _case(users: int, offered: int, length: int, *, shared: bool = False, alike: bool = False, visit: int = 0) -> _Case:
    """alike: everybody has the same scores and the same candidates."""
    user = np.array([(7919 * (k + 1)) % 1_000_003 for k in range(users)], np.int64)
    rows = np.zeros(users, np.int64) if alike else np.arange(users)
    one = order(SEED, Stream.SAMPLE, 2 * offered)[:offered].astype(np.int32)
    pools = np.empty((users, offered), np.int32)
    for place, row in enumerate(rows):
        pools[place] = order(SEED, Stream.SAMPLE, 2 * offered, int(row))[:offered]
    scores = normals(SEED, Stream.SAMPLE, rows[:, None], np.arange(offered))
    none = np.empty(0, np.int32)
    nothing = Items(none, none, np.empty(0, np.int8), np.empty(0, np.float32), np.empty(0), none)
    observation = Observation(
        user, np.full(users, visit, np.int32), np.full(users, 1.0), empty_behaviors(),
        one if shared or alike else pools, nothing, 4,
    )  # fmt: skip
    return _Case(observation, scores, top_slate(scores, np.zeros(length)))


def _asked(policy: Policy, case: _Case, seed: int = 1) -> Slates:
    slates = policy.slates(copied(case.observation), case.scores.copy(), case.best.copy(), seed)
    if fault := slate_fault(case.observation, slates, case.best.shape[1]):
        raise Broken(fault.replace("act returned", "slates returned"))
    return slates


def _stated(policy: StatesPropensity, case: _Case, items: Int32s) -> Floats:
    found = np.asarray(policy.log_propensity(copied(case.observation), case.scores.copy(), case.best.copy(), items))
    if found.shape != items.shape or not (found <= SLACK).all():
        raise Broken(f"log_propensity returned shape {list(found.shape)}; must be {list(items.shape)} and <= 0")
    return found


# -- the promises ------------------------------------------------------------------------------------------------


def _methods(make: Callable[[], Policy]) -> None:
    if not callable(getattr(make(), "slates", None)):
        raise Broken("it lacks slates")


def _slates(make: Callable[[], Policy]) -> None:
    for shared in (False, True):
        _asked(make(), _case(USERS, OFFERED, SLATE, shared=shared))
        _asked(make(), _case(0, OFFERED, SLATE, shared=shared))
    _asked(make(), _case(USERS, SLATE, SLATE))


def _inputs(make: Callable[[], Policy]) -> None:
    case = _case(USERS, OFFERED, SLATE)
    handed = (copied(case.observation), case.scores.copy(), case.best.copy())
    before = [(where, array.copy()) for where, array in arrays(handed)]
    make().slates(*handed, 1)
    for (where, old), (_, new) in zip(before, arrays(handed), strict=True):
        if not np.array_equal(old, new):
            raise Broken(f"slates wrote into {where if '.' in where else 'scores or best'}")


def _repeatable(make: Callable[[], Policy]) -> None:
    policy, case = make(), _case(USERS, OFFERED, SLATE)
    first = _asked(policy, case)
    _same(first, _asked(policy, case), case, "when it is asked twice")
    _same(first, _asked(make(), case), case, "between two policies alike")


def _batches(make: Callable[[], Policy]) -> None:
    case = _case(USERS, OFFERED, SLATE)
    whole = _asked(make(), case)
    for rows in (np.arange(USERS)[::-1], *np.arange(USERS)[:, None]):
        part = _asked(make(), case.rows(rows))
        _same(_at(whole, rows), part, case.rows(rows), "alone and among others")


def _at(slates: Slates, rows: Int64s) -> Slates:
    return Slates(slates.items[rows], slates.log_p[rows], slates.log_p_cascade[rows])


def _same(one: Slates, two: Slates, case: _Case, what: str) -> None:
    differs = (one.items != two.items).any(axis=1) | (one.log_p != two.log_p)
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise Broken(
            f"user {case.observation.user[row]} is shown {one.items[row].tolist()} and {two.items[row].tolist()} {what}"
        )


def _own(make: Callable[[], Policy]) -> None:
    policy, case = make(), _case(USERS, OFFERED, SLATE)
    if not isinstance(policy, StatesPropensity):
        raise Unasked("it has no log_propensity, which off-policy evaluation needs")
    slates = _asked(policy, case)
    found = _stated(policy, case, slates.items)
    if not np.allclose(found, slates.log_p_cascade, rtol=0.0, atol=1e-9):
        row = int(np.argmax(np.abs(found - slates.log_p_cascade).max(axis=1)))
        raise Broken(f"log_propensity of a slate that it drew is {found[row].sum():g}, its log_p {slates.log_p[row]:g}")


def _adds_up(make: Callable[[], Policy]) -> None:
    policy, case = make(), _case(USERS, FEW, PAIR)
    if not isinstance(policy, StatesPropensity):
        raise Unasked("it has no log_propensity")
    total = np.zeros(USERS)
    for places in permutations(range(FEW), PAIR):
        total += np.exp(_stated(policy, case, case.observation.candidates[:, list(places)]).sum(axis=1))
    row = int(np.argmax(np.abs(total - 1.0)))
    if abs(total[row] - 1.0) > 1e-9:
        raise Broken(f"the probabilities of all slates of {PAIR} from {FEW} items add up to {total[row]:.6g}")


def _frequencies(make: Callable[[], Policy]) -> None:
    counts: dict[tuple[int, ...], int] = {}
    stated: dict[tuple[int, ...], float] = {}
    for visit in range(VISITS):
        slates = _asked(make(), _case(CROWD, FEW, PAIR, alike=True, visit=visit))
        for items, log_p in zip(slates.items.tolist(), slates.log_p.tolist(), strict=True):
            shown = tuple(items)
            if abs(stated.setdefault(shown, log_p) - log_p) > SLACK:
                raise Broken(
                    f"slate {items} has log_p {log_p:g} at one visit and {stated[shown]:g} at another, scores alike"
                )
            counts[shown] = counts.get(shown, 0) + 1
    _compare(counts, {shown: float(np.exp(log_p)) for shown, log_p in stated.items()}, VISITS * CROWD)


def _compare(counts: dict[tuple[int, ...], int], p: dict[tuple[int, ...], float], total: int) -> None:
    """Pearson's chi-square test; slates that were expected less than 5 times count as one, with those never shown."""
    from scipy.special import chdtrc

    often = [shown for shown in counts if total * p[shown] >= 5.0]
    rest = 1.0 - sum(p[shown] for shown in often)
    if rest < -1e-6:
        raise Broken(f"the probabilities of the slates that it showed add up to {1.0 - rest:.6g}")
    seen = np.array([counts[shown] for shown in often] + [total - sum(counts[shown] for shown in often)], np.float64)
    expected = total * np.array([p[shown] for shown in often] + [max(rest, 0.0)])
    if expected[-1] < 5.0:  # too few for a class of its own; a right policy has hardly any of these
        if seen[-1] > expected[-1] + 20.0:
            raise Broken(f"{seen[-1]:.0f} of {total} slates are ones that its log_p gives {expected[-1]:.1f} to")
        seen, expected = seen[:-1], expected[:-1]
    distance = float(((seen - expected) ** 2 / expected).sum())
    if len(seen) > 1 and chdtrc(len(seen) - 1, distance) < TOO_UNLIKELY:
        worst = int(np.argmax((seen - expected) ** 2 / expected))
        what = f"slate {list(often[worst])}" if worst < len(often) else "rare slates"
        raise Broken(
            f"{what} came {seen[worst]:.0f} times in {total}, and log_p promised {expected[worst]:.0f} "
            f"(chi-square {distance:.0f} with {len(seen) - 1} degrees of freedom)"
        )


SUITE: tuple[Promise[Callable[[], Policy]], ...] = (
    Promise("methods", "it has slates", "Follow driftline.agents.policy.Policy.", _methods, last=True),
    Promise(
        "slates",
        "slates are as long as the best one, of distinct candidates, shared or private; log_p is the cascade's sum",
        "Take items from observation.candidates, and Slates.certain where nothing is drawn.",
        _slates,
        last=True,
    ),
    Promise("inputs", "it writes into nothing that it is handed", "Copy an array before changing it.", _inputs),
    Promise(
        "repeatable",
        "asked twice with one seed, it shows the same",
        "Key all chance by seed, user, visit and item (driftline.sim.keyed).",
        _repeatable,
    ),
    Promise(
        "batches",
        "a slate depends on its own row only, not on who else is there",
        "Key chance by user and visit, not by row.",
        _batches,
    ),
    Promise(
        "frequencies",
        "slates come as often as their log_p says, over users and visits alike in everything else",
        "State the probability of the very draw, and key chance by user and visit.",
        _frequencies,
    ),
    Promise(
        "own_propensity",
        "log_propensity of a slate that it drew is that slate's log_p_cascade",
        "Compute both by one formula.",
        _own,
    ),
    Promise(
        "propensity",
        "log_propensity adds up to 1 over all slates of a small world",
        "State each item's probability given those above it; -inf for what cannot come.",
        _adds_up,
    ),
)
