"""Sample ratio first: did the arms get the users that they were meant to get?"""

from collections.abc import Mapping

import numpy as np

from driftline.evaluation.experiment import SampleRatio, srm
from driftline.evaluation.experiment._srm import ALPHA
from driftline.scenarios.own_log.assignment import Users
from driftline.scenarios.own_log.verdict import Check
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats


def planned_shares(users: Users, share: float | Mapping[str, float] | None) -> Floats:
    """The planned share of every arm, in the order of `arms`.

    share: of the treatment, where there are two arms; or of every arm by name; equal ones where not given.
    """
    arms = users.arms
    if share is None:
        return np.full(len(arms), 1.0 / len(arms))
    if isinstance(share, Mapping):
        for name in share:
            if name not in arms:
                raise InputError(f"share of {name!r}: there is no such arm; {hint(name, arms)}")
        missing = [name for name in arms if name not in share]
        if missing:
            raise InputError(f"share of {missing[0]!r} is missing; state that of every arm")
        shares = np.array([float(share[name]) for name in arms])
        if not (shares > 0.0).all() or abs(shares.sum() - 1.0) > 1e-6:
            raise InputError(f"share: must be above 0 and sum to 1, got a sum of {shares.sum():g}")
        return np.asarray(shares / shares.sum())
    if len(arms) > 2:
        raise InputError(f"share = {share:g}: with {len(arms)} arms state each, such as {arms[0]}=.5,{arms[1]}=.25,...")
    if not 0.0 < share < 1.0:
        raise InputError(f"share = {share:g}: must be above 0 and below 1")
    return np.array([1.0 - share, share])


def sample_ratio(users: Users, share: Floats) -> tuple[Check, str]:
    """The check, and the alarm: empty where chance explains the counts."""
    found = srm(users.arm, share=share)
    counts = ", ".join(f"{name} {count:,}" for name, count in zip(users.arms, found.count, strict=True))
    due = ", ".join(
        f"{name} {count:,.1f}".removesuffix(".0") for name, count in zip(users.arms, found.expected, strict=True)
    )
    said = f"p = {found.p_value:.3g} ({found.method}); users {counts}; due {due}"
    alarm = _alarm(found, counts, due) if found.mismatch else ""
    thin = tuple(f"sample ratio: {line}" for line in found.warnings)
    return Check("sample ratio", said, (*((alarm,) if alarm else ()), *thin)), alarm


def _alarm(found: SampleRatio, counts: str, due: str) -> str:
    return (
        f"SAMPLE RATIO MISMATCH: users {counts}, due {due} (p = {found.p_value:.2g}, below {ALPHA}); the arms did not "
        "get the users they were meant to get. Trust no number below before the cause is known"
    )


def arm_rows(users: Users, share: Floats) -> tuple[dict[str, object], ...]:
    """What each arm holds, the control first."""
    rows: list[dict[str, object]] = []
    for place, name in enumerate(users.arms):
        own = users.arm == place
        total, below = float(users.value[own].sum()), float(users.denominator[own].sum())
        rows.append(
            {
                "arm": f"{name} (control)" if place == 0 else name,
                "users": int(own.sum()),
                "planned": float(share[place]),
                "rows": int(users.rows[own].sum()),
                "per user": total / int(own.sum()),
                f"per {'row' if users.per_row else 'denominator'}": total / below if below > 0.0 else None,
            }
        )
    return tuple(rows)
