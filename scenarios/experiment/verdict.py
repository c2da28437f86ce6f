"""What could have been said without the truth: by the experiment itself, and off-policy from A's log alone."""

from dataclasses import replace
from math import nan, sqrt

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate, normal_reach
from driftline.evaluation.experiment import cluster, switchback, welch
from driftline.evaluation.interleaving import Outcome, preference
from driftline.evaluation.slate_off_policy import cascade_pscore, snrips
from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.training import Training
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

APART = (
    "each arm's agent learnt from its own users alone: the interval leaves out what two trainings of one agent differ "
    "by, and an A/A test rejects more often than it should; several copies of each agent would tell"
)


def verdict(visits: pl.DataFrame, design: Design, metric: str, since: float, until: float) -> Estimate:
    """B - A as the analyst of this design would report it, by intention to treat.

    visits: one mixed run (`play.SCHEMA`); visits in a wash-out are left out, those of the ramp count by what they were
    meant for. `user`: Welch's t over users' means. `cluster`: the same, errors clustered (CR2); so too where an arm has
    several copies of its agent, by copy. `switchback`: Welch's t
    over block means. `interleave`: clicks credited to B less those credited to A, per visit; its size is no reward.
    NaN with a warning where the window holds too little.
    """
    try:
        return _analysed(in_window(visits, since, until), design, metric)
    except InputError as problem:
        return _refused(design.kind, str(problem))


def cautioned(found: Estimate, design: Design, training: Training) -> Estimate:
    """With a warning where agents learn apart: no interval over users knows how much two trainings differ."""
    if training != "diverted" or design.copies > 1:
        return found
    return replace(found, warnings=(*found.warnings, APART))


def _analysed(part: pl.DataFrame, design: Design, metric: str) -> Estimate:
    if design.kind == "interleave":
        a, b = (part[name].to_numpy().astype(np.float64) for name in ("credit_a", "credit_b"))
        return preference(Outcome(a, b, np.sign(b - a)), user=part["user"].to_numpy(), measure="credit")
    if design.copies > 1:
        return _between_copies(part, design, metric)
    keys = ["unit", "meant"] if design.kind == "switchback" else ["user", "unit", "meant"]
    mean = pl.col(metric).cast(pl.Float64).mean().alias("value")
    rows = part.group_by(keys, maintain_order=True).agg(mean).sort(keys)
    value, arm, unit = rows["value"].to_numpy(), rows["meant"].to_numpy().astype(np.int64), rows["unit"].to_numpy()
    if design.kind == "switchback":
        return switchback(value=value, arm=arm, block=unit)
    if design.kind == "cluster":
        return cluster(value=value, arm=arm, cluster=unit)
    return welch(value, arm)


def _between_copies(part: pl.DataFrame, design: Design, metric: str) -> Estimate:
    """Users' means, with the users of one copy of an agent as one cluster: copies are what was trained apart."""
    users = (
        part.group_by("user", "meant", "cell", maintain_order=True)
        .agg(pl.col(metric).cast(pl.Float64).mean().alias("value"))
        .sort("user", "meant", "cell")
    )
    arm = users["meant"].to_numpy().astype(np.int64)
    return cluster(value=users["value"].to_numpy(), arm=arm, cluster=users["cell"].to_numpy())


def off_policy(log: pl.DataFrame, metric: str, since: float, until: float) -> Estimate:
    """B - A from A's log alone: self-normalised reward-interaction IPS for B, less what A earned.

    log: the run in which A served everybody. The errors of the two parts are added as if they were independent.
    Where B's slates have no support in the log, or an agent states no propensities, the value is NaN and a warning
    says why.
    """
    part = in_window(log, since, until)
    if part["target_log_p"].null_count() or not len(part):
        return _refused("snrips", "off-policy: both agents must state propensities (log_propensity)")
    ours, theirs = (cascades(part, name) for name in ("log_p", "target_log_p"))
    place, earned = part["place"].to_numpy(), part[metric].to_numpy().astype(np.float64)
    length = ours.shape[1]
    reward = np.where(place[:, None] == np.arange(length), earned[:, None], 0.0)
    try:
        found = snrips(
            reward=reward,
            pscore_cascade=cascade_pscore(ours),
            target_pscore_cascade=cascade_pscore(theirs),
            cluster=part["user"].to_numpy(),
        )
    except InputError as problem:
        return _refused("snrips", f"off-policy: {problem}")
    own = part.group_by("user", maintain_order=True).agg(pl.col(metric).cast(pl.Float64).mean())[metric].to_numpy()
    value = found.value - float(earned.mean())
    error = sqrt(found.std_error**2 + float(own.var(ddof=1)) / max(len(own), 1))
    reach = normal_reach(error)
    return replace(found, value=value, std_error=error, low=value - reach, high=value + reach)


def in_window(visits: pl.DataFrame, since: float, until: float) -> pl.DataFrame:
    """The visits that count."""
    return visits.filter(pl.col("analysed") & (pl.col("day") >= since) & (pl.col("day") < until))


def cascades(part: pl.DataFrame, name: str) -> Floats:
    """Conditional log-probabilities [n, L]."""
    wide: Floats = part[name].to_numpy()
    return wide


def _refused(method: str, why: str) -> Estimate:
    return Estimate(nan, nan, nan, nan, 0, method, (why,))
