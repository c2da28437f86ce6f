"""How much more the target policy earns than the logging policy did: told from the same rounds, so paired."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.sum_of_ratios import Asked as AskedOfSums
from driftline.evaluation.importance.sum_of_ratios import Interval, SumOfRatios, estimate
from driftline.evaluation.off_policy import Method, Rounds
from driftline.evaluation.off_policy.terms import terms
from driftline.sim.types import Floats


def gain(
    rounds: Rounds, method: Method, lambda_: float, found: Estimate, interval: Interval, level: float, seed: int
) -> Estimate:
    """The estimator's value less the mean logged reward, with the interval of that difference.

    Every estimator is mean(base) + mean(top) / mean(bottom) over rounds; the reward of each round is taken off its
    base. found: the estimate of the value, whose warnings hold here too.
    """
    one = terms(rounds, method, lambda_)
    base = -rounds.reward if one.base is None else one.base - rounds.reward
    columns: list[tuple[Floats, Floats]] = [(base, np.ones(len(rounds)))]
    if one.top is not None:
        columns.append((one.top, np.ones(len(rounds)) if one.bottom is None else one.bottom))
    sums = SumOfRatios(*(np.column_stack(side) for side in zip(*columns, strict=True)))
    asked = AskedOfSums(interval, level, seed, rounds.cluster)
    said = estimate(method, sums, asked, unit="rounds")
    method_name = said.method.replace(method, f"{method} less the mean logged reward", 1)
    return replace(said, method=method_name, warnings=found.warnings)


def gains(
    rounds: Rounds,
    lambdas: Mapping[Method, float],
    found: Mapping[str, Estimate],
    interval: Interval,
    level: float,
    seed: int,
) -> dict[str, Estimate]:
    """`gain` of every estimator."""
    return {
        method: gain(rounds, method, lambda_, found[method], interval, level, seed)
        for method, lambda_ in lambdas.items()
    }
