"""Signs are counted by hand: which hold, which are reversed, which say nothing."""

from math import inf, nan

import pytest

from driftline.evaluation.estimate import Estimate
from driftline.scenarios.vary.signs import Sign, SignCount, Verdict


def _sign(value: float, reach: float) -> Sign:
    return Sign.of(Estimate(value, reach / 2.0, value - reach, value + reach, 5))


UP, UP_SURE, DOWN, DOWN_SURE, ZERO = _sign(1, 2), _sign(1, 0.5), _sign(-1, 2), _sign(-1, 0.5), _sign(0, 1)


@pytest.mark.parametrize(
    ("value", "low", "high", "direction", "excludes"),
    [
        (1.0, 0.1, 2.0, 1, True),
        (1.0, 0.0, 2.0, 1, False),
        (-1.0, -2.0, -0.1, -1, True),
        (-1.0, -2.0, 0.0, -1, False),
        (0.0, 0.0, 0.0, 0, False),
        (2.0, nan, nan, 1, False),
        (2.0, 1.0, inf, 1, False),
        (nan, nan, nan, 0, False),
    ],
)
def test_a_sign_is_that_of_the_value_and_sure_only_without_0(
    value: float, low: float, high: float, direction: int, excludes: bool
) -> None:
    assert Sign.of(Estimate(value, 0.5, low, high, 5)) == Sign(direction, excludes)


@pytest.mark.parametrize(
    ("base", "other", "verdict"),
    [
        (UP, UP_SURE, "holds"),
        (DOWN_SURE, DOWN, "holds"),
        (UP, DOWN, "reversed"),
        (DOWN, UP_SURE, "reversed"),
        (UP, ZERO, "zero"),
        (ZERO, UP, "zero"),
    ],
)
def test_verdicts(base: Sign, other: Sign, verdict: Verdict) -> None:
    assert other.verdict(base) == verdict


SIGNS = {"one": UP, "two": UP_SURE, "three": DOWN_SURE, "four": DOWN, "five": ZERO, "six": UP_SURE, "seven": UP_SURE}


def test_the_count_is_told_in_one_sentence() -> None:
    count = SignCount("reward", "a", "b", UP_SURE, SIGNS, frozenset({"seven"}))
    assert count.counted == 6
    assert count.those("holds") == ("one", "two", "six")
    assert count.those("holds", excludes_zero=True) == ("two", "six")
    assert count.sentence() == (
        "reward: b is better than a in the base world, significantly so; the sign holds in 3 of 6 varied worlds; "
        "significantly so in 2; reversed with an interval that excludes 0 in 1 (three); "
        "reversed with 0 in the interval in 1 (four); exactly 0 in 1 (five); "
        "not counted: seven (the base world's very numbers for these agents)"
    )


def test_more_regret_is_worse() -> None:
    assert SignCount("regret", "a", "b", UP, {"one": UP}).sentence() == (
        "regret: b is worse than a in the base world, but its interval has 0 in it; "
        "the sign holds in 1 of 1 varied world; significantly so in 0"
    )


def test_without_a_sign_or_without_another_world_nothing_is_claimed() -> None:
    nothing = SignCount("regret", "a", "b", ZERO, SIGNS).sentence()
    assert nothing == "regret: a and b do not differ in the base world; there is no sign to hold"
    alike = SignCount("reward", "a", "b", UP, {"one": UP}, frozenset({"one"})).sentence()
    assert alike == (
        "reward: b is better than a in the base world, but its interval has 0 in it; "
        "not counted: one (the base world's very numbers for these agents)"
    )
