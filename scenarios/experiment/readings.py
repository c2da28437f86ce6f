"""What an experiment said, beside the three truths that only twin runs of the same seed can give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan, sqrt

import numpy as np
import polars as pl

from driftline.evaluation.estimate import ENOUGH_SEEDS, Estimate, normal_reach, paired_t, stratified_t, t_interval
from driftline.evaluation.experiment import cluster, switchback, welch
from driftline.evaluation.interleaving import Outcome, preference
from driftline.evaluation.interval import FEW_UNITS
from driftline.evaluation.procedures import Procedure
from driftline.evaluation.slate_off_policy import cascade_pscore, snrips
from driftline.scenarios.experiment.design import Design, Part, Training, parts
from driftline.scenarios.experiment.units import units_of
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

APART = (
    "each arm's agent learnt from its own users alone: the interval leaves out what two trainings of one agent differ "
    "by, and an A/A test rejects more often than it should; several copies of each agent would tell"
)
READINGS = {
    "ab_test": "what the A/B says",
    "off_policy": "what A's log alone says",
    "individual": "truth: one user moved to B",
    "exposure": "truth: at this exposure",
    "global": "truth: all B against all A",
    "interference": "interference bias (exposure - global)",
}
TURNS = {"interference": "interference and carry-over (exposure - global)"}
"""Where arms take turns: users remember the other arm's blocks, which is no interference between users."""
TRUTHS = ("individual", "exposure", "global")
"""individual: what arm B does to a user when nearly everybody else stays in A. exposure: at this experiment's own
share, which is what an A/B test estimates. global: everybody in B against everybody in A, which is what one wants."""


LEAST_SUPPORT = 0.5
"""Share of B's slates that A's log must be able to show, where anything is to be estimated from it."""
LEAST_EFFECTIVE = 30.0
"""Slates (Kish) that the log must be worth for B."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Visits of runs of one seed, which share every random number; see `play.SCHEMA`."""

    mixed: Sequence[pl.DataFrame]
    """One for each turn of the assignment, so that every unit is met in both arms."""
    few: pl.DataFrame
    """A few users in B, the rest in A."""
    all_a: pl.DataFrame
    all_b: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Experiment:
    """B - A by every reading: `effects[window][reading]`."""

    pair: tuple[str, str]
    design: Design
    training: Training
    metric: str
    effects: dict[str, dict[str, Estimate]]
    """Windows `all`, `short`, `long`; readings `ab_test`, `off_policy`, `individual`, `exposure`, `global`,
    `interference`. With several seeds the intervals of the truths and of interference are over seeds: would another
    world of this scenario say the same?"""
    over_users: dict[str, dict[str, Estimate]]
    """With 2 to 4 seeds: the same truths with intervals over the users of these very worlds: would other users of them
    say the same? Empty otherwise; a single seed's intervals are over its users anyway."""
    seeds: tuple[int, ...]
    users: int
    """Users met in the experiment itself, each counted once a seed."""

    @property
    def state(self) -> tuple[Part, ...]:
        """Every stateful part, and whether each arm has its own."""
        return parts(self.design, self.training)

    def here(self, reading: str, window: str = "all") -> Estimate:
        """A reading with what can be said of these very worlds: over their users where there are few seeds."""
        return self.over_users.get(window, {}).get(reading) or self.effects[window][reading]

    def label(self, reading: str) -> str:
        """A reading in words."""
        words = READINGS | TURNS if self.design.kind == "switchback" else READINGS
        return words.get(reading, reading)

    def rows(self) -> list[dict[str, object]]:
        """One row per window and reading, for tables and JSON."""
        return [
            {
                "window": window,
                "reading": self.label(reading),
                **_cells("effect", found),
                **(_cells("over users", self.here(reading, window)) if self.over_users else {}),
                "n": found.n,
                "method": found.method,
                "warnings": "; ".join(found.warnings),
            }
            for window, readings in self.effects.items()
            for reading, found in readings.items()
        ]


def judged(
    pair: tuple[str, str],
    design: Design,
    training: Training,
    metric: str,
    short: float,
    days: float,
    twins_of: Mapping[int, Twins],
    procedures: Sequence[Procedure] = (),
) -> Experiment:
    """Judge the runs of all seeds.

    twins_of: by seed. With several seeds a truth is a mean over seeds with Student's interval over them; what the A/B
    and the log say is their mean too, with the standard errors that they stated themselves.
    """
    seeds = tuple(twins_of.values())
    windows = {"all": (0.0, days), "short": (0.0, short), "long": (days - short, days)}
    effects: dict[str, dict[str, Estimate]] = {}
    over_users: dict[str, dict[str, Estimate]] = {}
    for name, (since, until) in windows.items():
        said = [cautioned(verdict(twins.mixed[0], design, metric, since, until), design, training) for twins in seeds]
        true = [true_effects(twins, metric, since, until, design.kind == "interleave") for twins in seeds]
        off = [off_policy(twins.all_a, metric, since, until) for twins in seeds]
        effects[name] = {"ab_test": _averaged(said)}
        for procedure in procedures:
            found = [of_procedure(procedure, twins.mixed[0], design, metric, since, until) for twins in seeds]
            effects[name][f"ab_test by {procedure.name}"] = _averaged([cautioned(e, design, training) for e in found])
        effects[name]["off_policy"] = _averaged(off)
        effects[name] |= {key: _over_seeds([each[key] for each in true]) for key in true[0]}
        if 1 < len(seeds) < ENOUGH_SEEDS:
            over_users[name] = {key: stratified_t([each[key] for each in true]) for key in true[0]}
    users = sum(twins.mixed[0]["user"].n_unique() for twins in seeds)
    return Experiment(pair, design, training, metric, effects, over_users, tuple(twins_of), users)


def _cells(name: str, found: Estimate) -> dict[str, object]:
    """A number and its limits as a table and JSON hold them."""
    cells = {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return {name: value if isfinite(value) else None for name, value in cells.items()}


def _over_seeds(found: Sequence[Estimate]) -> Estimate:
    if len(found) == 1:
        return found[0]
    whole = t_interval(np.array([each.value for each in found]))
    warnings = tuple(dict.fromkeys(line for each in found for line in each.warnings))
    return Estimate(whole.value, whole.std_error, whole.low, whole.high, whole.n, found[0].method, warnings)


def _averaged(said: Sequence[Estimate]) -> Estimate:
    """Mean of independent estimates by their own standard errors."""
    if len(said) == 1:
        return said[0]
    value = float(np.mean([each.value for each in said]))
    error = sqrt(sum(each.std_error**2 for each in said)) / len(said)
    reach = normal_reach(error)
    warnings = tuple(dict.fromkeys(line for each in said for line in each.warnings))
    n = sum(each.n for each in said)
    return Estimate(value, error, value - reach, value + reach, n, said[0].method, warnings)


def true_effects(
    twins: Twins, metric: str, since: float, until: float, interleaved: bool = False
) -> dict[str, Estimate]:
    """B - A by each truth, and `interference` = exposure - global: mean over users of paired differences.

    Where no visit was shown one arm only (interleaving), there is no effect at this exposure, nor interference.
    since, until: days from the end of the warm-up that count. A user counts once, whatever its number of visits; one
    without a visit in both arms is left out. Intervals are Student's over users: what both arms' agents share differs
    between seeds, so only several seeds tell how much that moves.
    """
    part = [in_window(frame, since, until) for frame in (*twins.mixed, twins.few, twins.all_a, twins.all_b)]
    mixed, few, all_a, all_b = pl.concat(part[:-3]), *part[-3:]
    whole = _paired(_means(all_a, metric, "a"), _means(all_b, metric, "b"))
    alone = _paired(_means(all_a, metric, "a"), _means(few.filter(pl.col("shown")), metric, "b"))
    here = _paired(
        _means(mixed.filter(~pl.col("shown")), metric, "a"), _means(mixed.filter(pl.col("shown")), metric, "b")
    )
    truths = {
        "individual": _estimate(alone, "twins of the few"),
        "exposure": _estimate(here, "twins at this exposure"),
        "global": _estimate(whole, "all B against all A"),
    }
    if interleaved:
        return {name: truths[name] for name in ("individual", "global")}
    both = here.join(whole, on="user", suffix="_whole").sort("user")
    gap = both["b"] - both["a"] - both["b_whole"] + both["a_whole"]
    return {**truths, "interference": t_interval(gap.to_numpy())}


def _means(visits: pl.DataFrame, metric: str, name: str) -> pl.DataFrame:
    return visits.group_by("user", maintain_order=True).agg(pl.col(metric).cast(pl.Float64).mean().alias(name))


def _paired(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    return a.join(b, on="user").sort("user")


def _estimate(pairs: pl.DataFrame, method: str) -> Estimate:
    found = paired_t(pairs["a"].to_numpy(), pairs["b"].to_numpy())
    few = (f"units: only {found.n} users in {method}; the interval is rough",) if found.n < FEW_UNITS else ()
    return Estimate(found.value, found.std_error, found.low, found.high, found.n, method, few)


def verdict(visits: pl.DataFrame, design: Design, metric: str, since: float, until: float) -> Estimate:
    """B - A as the analyst of this design would report it, by intention to treat.

    visits: one mixed run (`play.SCHEMA`); visits in a wash-out are left out, those of the ramp count by what they were
    meant for. `user`: Welch's t over users' means. `cluster`: the same, errors clustered (CR2); so too where an arm has
    several copies of its agent, by copy. `switchback`: Student's t over the pairs of blocks, which is how they were
    drawn, with a warning where blocks remember. `interleave`: clicks credited to B less those credited to A, per visit;
    its size is no reward.
    NaN with a warning where the window holds too little.
    """
    try:
        return _analysed(in_window(visits, since, until), design, metric)
    except InputError as problem:
        return _refused(design.kind, str(problem))


def of_procedure(
    procedure: Procedure, visits: pl.DataFrame, design: Design, metric: str, since: float, until: float
) -> Estimate:
    """B - A by a procedure of the user's own, users being the units (`units.units_of`); NaN with a warning where it
    refuses. Its clusters are what was randomised, or, where an arm has several copies of its agent, trained as one.
    """
    try:
        part = in_window(visits, since, until)
        return procedure.effect(units_of(part, metric, cluster="cell" if design.copies > 1 else "unit"))
    except InputError as problem:
        return _refused(procedure.id, str(problem))


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
        return _between_copies(part, metric)
    if design.kind == "switchback":
        value, arm = part[metric].to_numpy().astype(np.float64), part["meant"].to_numpy()
        block, time = part["unit"].to_numpy(), part["day"].to_numpy()
        return switchback(value=value, arm=arm, block=block, time=time, interval="paired_t")
    keys = ["user", "unit", "meant"]
    mean = pl.col(metric).cast(pl.Float64).mean().alias("value")
    rows = part.group_by(keys, maintain_order=True).agg(mean).sort(keys)
    value, arm, unit = rows["value"].to_numpy(), rows["meant"].to_numpy().astype(np.int64), rows["unit"].to_numpy()
    if design.kind == "cluster":
        return cluster(value=value, arm=arm, cluster=unit)
    return welch(value, arm)


def _between_copies(part: pl.DataFrame, metric: str) -> Estimate:
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
    Where the log holds less than `LEAST_SUPPORT` of B's slates or is worth fewer than `LEAST_EFFECTIVE` of them, A
    never chooses by chance, or an agent states no propensities, the value is NaN and a warning says why.
    """
    part = in_window(log, since, until)
    if part["target_log_p_cascade"].null_count() or not len(part):
        return _refused("snrips", "off-policy: both agents must state propensities (log_propensity)")
    ours, theirs = (cascades(part, name) for name in ("log_p_cascade", "target_log_p_cascade"))
    if not ours.any() and theirs.any():  # every weight would be the same, and B's value A's own
        return _refused("snrips", "off-policy: A never chooses by chance, so its log says nothing about B")
    if why := unsupported(ours, theirs):
        return _refused("snrips", f"off-policy: {why}")
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


def unsupported(ours: Floats, theirs: Floats) -> str:
    """Why a log cannot speak of another policy; empty where it can. Conditional log-probabilities [n, L] of both.

    The weights of slates down to a position are 1 on average where all that the other policy shows could be logged
    (their mean is the share that could), and worth (sum w)^2 / sum w^2 slates (Kish 1965).
    """
    weight = np.exp(np.cumsum(theirs - ours, axis=1))
    total, square = weight.sum(axis=0), (weight**2).sum(axis=0)
    size = np.divide(total**2, square, out=np.zeros_like(total), where=square > 0)
    worst, covered = int(size.argmin()), float(weight.mean(axis=0).min())
    if size[worst] < LEAST_EFFECTIVE:
        told = (
            f"A's log of {len(weight):,} slates is worth {size[worst]:.1f} of B's down to position {worst + 1} (Kish)"
        )
        return f"{told}; at least {LEAST_EFFECTIVE:.0f} are needed"
    if covered < LEAST_SUPPORT:
        return (
            f"A's log shows {100 * covered:.2g} % of what B would show; at least {100 * LEAST_SUPPORT:.0f} % are needed"
        )
    return ""


def in_window(visits: pl.DataFrame, since: float, until: float) -> pl.DataFrame:
    """The visits that count."""
    return visits.filter(pl.col("analysed") & (pl.col("day") >= since) & (pl.col("day") < until))


def cascades(part: pl.DataFrame, name: str) -> Floats:
    """Conditional log-probabilities [n, L]."""
    wide: Floats = part[name].to_numpy()
    return wide


def _refused(method: str, why: str) -> Estimate:
    return Estimate(nan, nan, nan, nan, 0, method, (why,))
