"""An experiment's outcome: what the A/B said beside what is true, over the whole time, the first days and the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from driftline.evaluation.estimate import Estimate, normal_reach, t_interval
from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.scopes import Part, parts
from driftline.scenarios.experiment.training import Training
from driftline.scenarios.experiment.truths import Twins, true_effects
from driftline.scenarios.experiment.verdict import cautioned, off_policy, verdict

READINGS = {
    "ab_test": "what the A/B says",
    "off_policy": "what A's log alone says",
    "individual": "truth: one user moved to B",
    "exposure": "truth: at this exposure",
    "global": "truth: all B against all A",
    "interference": "interference bias (exposure - global)",
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """B - A by every reading: `effects[window][reading]`."""

    pair: tuple[str, str]
    design: Design
    training: Training
    metric: str
    effects: dict[str, dict[str, Estimate]]
    """Windows `all`, `short`, `long`; readings `ab_test`, `off_policy`, `individual`, `exposure`, `global`,
    `interference`."""

    @property
    def state(self) -> tuple[Part, ...]:
        """Every stateful part, and whether each arm has its own."""
        return parts(self.design, self.training)

    def rows(self) -> list[dict[str, object]]:
        """One row per window and reading, for tables and JSON."""
        return [
            {
                "window": window,
                "reading": READINGS.get(reading, reading),
                "effect": _finite(found.value),
                "effect_low": _finite(found.low),
                "effect_high": _finite(found.high),
                "n": found.n,
                "method": found.method,
                "warnings": "; ".join(found.warnings),
            }
            for window, readings in self.effects.items()
            for reading, found in readings.items()
        ]


def outcome(
    pair: tuple[str, str],
    design: Design,
    training: Training,
    metric: str,
    short: float,
    days: float,
    seeds: Sequence[Twins],
) -> Experiment:
    """Judge the runs of all seeds.

    With several seeds a truth is a mean over seeds with Student's interval over them; what the A/B and the log say is
    their mean too, with the standard errors that they stated themselves.
    """
    windows = {"all": (0.0, days), "short": (0.0, short), "long": (days - short, days)}
    effects: dict[str, dict[str, Estimate]] = {}
    for name, (since, until) in windows.items():
        said = [cautioned(verdict(twins.mixed[0], design, metric, since, until), design, training) for twins in seeds]
        true = [true_effects(twins, metric, since, until, design.kind == "interleave") for twins in seeds]
        off = [off_policy(twins.all_a, metric, since, until) for twins in seeds]
        effects[name] = {"ab_test": _averaged(said), "off_policy": _averaged(off)}
        effects[name] |= {key: _over_seeds([each[key] for each in true]) for key in true[0]}
    return Experiment(pair, design, training, metric, effects)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _over_seeds(found: Sequence[Estimate]) -> Estimate:
    if len(found) == 1:
        return found[0]
    whole = t_interval(np.array([each.value for each in found]))
    return Estimate(whole.value, whole.std_error, whole.low, whole.high, whole.n, found[0].method)


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
