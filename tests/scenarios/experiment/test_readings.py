"""The three truths from twin runs, their windows and their intervals."""

import numpy as np
import polars as pl
import pytest

from driftline.scenarios.experiment.readings import Twins, true_effects


def visits(reward: dict[int, list[float]], in_b: set[int] | bool, day: float = 1.0) -> pl.DataFrame:
    """Rewards of every user's visits, one a quarter of a day."""
    rows = [
        (user, day + 0.25 * k, user in in_b if isinstance(in_b, set) else in_b, True, value)
        for user, values in reward.items()
        for k, value in enumerate(values)
    ]
    return pl.DataFrame(rows, ["user", "day", "shown", "analysed", "reward"], orient="row")


ALONE_A = {user: [0.1 * user, 0.1 * user + 0.2] for user in range(4)}
ALONE_B = {user: [value + 0.5 for value in values] for user, values in ALONE_A.items()}
"""B is worth .5 to everybody, where everybody is in B."""


def mixed(in_b: set[int]) -> pl.DataFrame:
    """At half exposure B is worth .3 to its users, and does A's users good by .1."""
    return visits({u: [v + (0.4 if u in in_b else 0.1) for v in values] for u, values in ALONE_A.items()}, in_b)


TWINS = Twins(
    mixed=[mixed({0, 2}), mixed({1, 3})],
    few=visits({u: [v + 0.2 * (u == 3) for v in values] for u, values in ALONE_A.items()}, {3}),
    all_a=visits(ALONE_A, False),
    all_b=visits(ALONE_B, True),
)


def test_the_three_truths_and_the_interference_are_told_apart() -> None:
    found = true_effects(TWINS, "reward", 0.0, 10.0)
    assert found["global"].value == pytest.approx(0.5)
    assert found["exposure"].value == pytest.approx(0.3)
    assert found["individual"].value == pytest.approx(0.2)
    assert found["interference"].value == pytest.approx(-0.2)
    assert [found[name].n for name in ("global", "exposure", "individual", "interference")] == [4, 4, 1, 4]
    assert np.isnan(found["individual"].low)  # one user tells no interval


def test_effects_that_differ_between_users_give_students_interval() -> None:
    gain = np.array([0.1, 0.4, 0.3, 0.6])
    twins = Twins(
        TWINS.mixed, TWINS.few, TWINS.all_a, visits({u: [v + gain[u] for v in ALONE_A[u]] for u in ALONE_A}, True)
    )
    found = true_effects(twins, "reward", 0.0, 10.0)["global"]
    assert found.value == pytest.approx(gain.mean())
    assert found.std_error == pytest.approx(gain.std(ddof=1) / 2)


def test_only_the_window_and_what_is_analysed_counts() -> None:
    late = visits({u: [v + 9.0 for v in values] for u, values in ALONE_B.items()}, True, day=8.0)
    washed = visits({u: [v - 9.0 for v in values] for u, values in ALONE_B.items()}, True, day=0.5)
    washed = washed.with_columns(analysed=pl.lit(False))
    twins = Twins(TWINS.mixed, TWINS.few, TWINS.all_a, pl.concat([TWINS.all_b, late, washed]))
    assert true_effects(twins, "reward", 0.0, 7.0)["global"].value == pytest.approx(0.5)
    assert true_effects(twins, "reward", 0.0, 20.0)["global"].value > 4.0


def test_users_weigh_the_same_whatever_their_visits() -> None:
    often = {**ALONE_B, 0: ALONE_B[0] * 10}
    twins = Twins(TWINS.mixed, TWINS.few, TWINS.all_a, visits(often, True))
    assert true_effects(twins, "reward", 0.0, 10.0)["global"].value == pytest.approx(0.5)
