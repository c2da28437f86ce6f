"""What is looked at before any off-policy estimate: rows, propensities, support, weights."""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from driftline.evaluation.off_policy import Diagnostics, diagnose
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.rounds import codes as cluster_codes
from driftline.scenarios.own_log.ope_roles import Decisions
from driftline.scenarios.own_log.verdict import Check
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

SEEN_OFTEN = 10
"""Rows of the rarest action from which on the number of actions is taken as known."""
CLEAR = 3.0
"""Standard errors from which on propensities are called too small."""


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
    found = diagnose(rounds, cluster=None if rounds.cluster is None else cluster_codes(rounds.cluster))
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
