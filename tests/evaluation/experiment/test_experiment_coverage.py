"""How often intervals of 95 % hold the truth, by design and size; and where they do not, whether they say so."""

from collections.abc import Callable
from math import exp
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from driftline.evaluation.experiment import (
    Effect,
    bootstrap,
    cluster,
    cuped,
    lift,
    post_stratified,
    proportions,
    quantile,
    ratio,
    switchback,
    welch,
)

REPEATS = 1000
SIZES = (200, 1000, 5000)
Rng = np.random.Generator
Draw = Callable[[Rng, int], dict[str, Any]]


def normal(rng: Rng, n: int) -> dict[str, Any]:
    arm = rng.permutation(n) % 2
    before = rng.normal(0, 1, n)
    value = 2.0 + before + 0.3 * arm + rng.normal(0, 1 + arm, n)
    return {"value": value, "arm": arm, "before": before, "stratum": (before > 0).astype(int)}


def rare(rng: Rng, n: int) -> dict[str, Any]:
    arm = rng.permutation(n) % 2
    return {"value": (rng.random(n) < 0.005 + 0.005 * arm).astype(float), "arm": arm}


def clustered(rng: Rng, n: int) -> dict[str, Any]:
    """About ten rounds a user; a third of the variance lies between users."""
    users = n // 10
    user = rng.integers(0, users, n)
    arm = rng.permutation(users) % 2
    return {
        "value": (rng.normal(0, 0.7, users) + 0.3 * arm)[user] + rng.normal(0, 1, n),
        "arm": arm[user],
        "user": user,
    }


def autocorrelated(rng: Rng, n: int) -> dict[str, Any]:
    """AR(1) with .9 from row to row; blocks of 20 rows, each block's arm drawn independently."""
    noise = lfilter([1.0], [1.0, -0.9], rng.normal(0, 1, n + 200))[200:]
    block = np.arange(n) // 20
    side = rng.permutation(block[-1] + 1) % 2
    return {"value": noise + 0.3 * side[block], "arm": side[block], "block": block}


def slowly_switched(rng: Rng, n: int) -> dict[str, Any]:
    """The same noise, in blocks of 5 rows of which 5 in a row share an arm: no block's arm was drawn by itself."""
    noise = lfilter([1.0], [1.0, -0.9], rng.normal(0, 1, n + 200))[200:]
    block = np.arange(n) // 5
    side = (block // 5) % 2
    return {"value": noise + 0.3 * side[block], "arm": side[block], "block": block}


def lognormal(sigma: float, share: float) -> Draw:
    def draw(rng: Rng, n: int) -> dict[str, Any]:
        arm = (rng.permutation(n) < n * share).astype(int)
        below = rng.lognormal(0, sigma, n)
        above = below * rng.lognormal(0, sigma, n) * (1.0 + 0.2 * arm)
        return {"value": above, "denominator": below, "arm": arm}

    return draw


def welch_of(log: dict[str, Any]) -> Effect:
    return welch(log["value"], log["arm"])


def ratio_of(log: dict[str, Any]) -> Effect:
    return ratio(numerator=log["value"], denominator=log["denominator"], arm=log["arm"])


def lift_of(kind: Any) -> Callable[[dict[str, Any]], Effect]:
    return lambda log: lift(value=log["value"], arm=log["arm"], denominator=log.get("denominator"), interval=kind)


def switched(kind: Any, lags: int | None = None) -> Callable[[dict[str, Any]], Effect]:
    return lambda log: switchback(value=log["value"], arm=log["arm"], block=log["block"], interval=kind, lags=lags)


def clusters_of(kind: Any) -> Callable[[dict[str, Any]], Effect]:
    return lambda log: cluster(value=log["value"], arm=log["arm"], cluster=log["user"], correction=kind)


NORMAL_METHODS: dict[str, Callable[[dict[str, Any]], Effect]] = {
    "welch": welch_of,
    "cuped": lambda log: cuped(value=log["value"], arm=log["arm"], covariate=log["before"]),
    "post_stratified": lambda log: post_stratified(value=log["value"], arm=log["arm"], stratum=log["stratum"]),
    "bootstrap bca": lambda log: bootstrap(value=log["value"], arm=log["arm"], replicates=400),
}
CASES: list[tuple[str, Draw, float, str, Callable[[dict[str, Any]], Effect], bool]] = [
    # design, draw, truth, method, call, whether the method's assumptions hold
    *(("normal", normal, 0.3, name, call, True) for name, call in NORMAL_METHODS.items()),
    ("normal", normal, 0.15, "lift delta", lift_of("delta"), True),
    ("normal", normal, 0.15, "lift fieller", lift_of("fieller"), True),
    ("reward .5 %", rare, 0.005, "welch", welch_of, False),
    ("reward .5 %", rare, 0.005, "newcombe", lambda log: proportions(log["value"], log["arm"]), True),
    ("reward .5 %", rare, 0.005, "wald", lambda log: proportions(log["value"], log["arm"], interval="wald"), False),
    ("clustered", clustered, 0.3, "cluster CR0", clusters_of("CR0"), False),
    ("clustered", clustered, 0.3, "cluster CR2", clusters_of("CR2"), True),
    (
        "clustered",
        clustered,
        0.3,
        "median",
        lambda log: quantile(value=log["value"], arm=log["arm"], cluster=log["user"]),
        True,
    ),
    ("AR(1), drawn", autocorrelated, 0.3, "block t", switched("block_t"), True),
    ("AR(1), drawn", autocorrelated, 0.3, "newey-west", switched("newey_west"), False),
    ("AR(1), slow", slowly_switched, 0.3, "block t", switched("block_t"), False),
    ("AR(1), slow", slowly_switched, 0.3, "newey-west", switched("newey_west", 8), False),
    *(
        (f"log-normal {sigma}, {share}", lognormal(sigma, share), 0.2 * exp(sigma**2 / 2), "ratio", ratio_of, sigma < 1)
        for sigma in (0.5, 1.0, 1.5)
        for share in (0.5, 0.1)
    ),
    ("log-normal 1.5, 0.1", lognormal(1.5, 0.1), 0.2, "lift fieller", lift_of("fieller"), False),
    ("log-normal 1.5, 0.1", lognormal(1.5, 0.1), 0.2, "lift log", lift_of("log"), False),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}: {case[3]}" for case in CASES])
def test_intervals_hold_the_truth_or_warn(case: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """1,000 repeats a size, so a standard error of .7 %. From 1,000 units on 93 to 97 % where the assumptions hold;
    wherever it is below 90 %, at least nine in ten of the estimates carry a warning.
    """
    design, draw, truth, method, call, holds = case
    for n in SIZES:
        rng, held, warned = np.random.default_rng([n, 7]), 0, 0
        for _ in range(REPEATS):
            found = call(draw(rng, n))
            held += found.low <= truth <= found.high
            warned += bool(found.warnings)
        coverage = held / REPEATS
        with capsys.disabled():
            print(f"\n{design:22} {method:16} n {n:5}  coverage {coverage:.3f}  warned {warned / REPEATS:.2f}", end="")
        if holds and n >= 1000:
            assert 0.93 <= coverage <= 0.97
        if coverage < 0.9:
            assert warned >= 0.9 * REPEATS
