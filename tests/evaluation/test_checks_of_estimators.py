"""Every estimator keeps its promises, and a broken twin of each kind is refused by name with the reason."""

from typing import Any

import numpy as np
import pytest

from driftline.evaluation.checks import check_estimator
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Precision
from driftline.evaluation.off_policy import Estimator, Rounds, Terms, estimate_all, ips
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS
from driftline.sim.errors import InputError

LOG: dict[str, Any] = {
    "reward": np.array([1.0, 0.0, 1.0, 1.0]),
    "pscore": np.array([0.5, 0.5, 0.25, 1.0]),
    "target_pscore": np.array([0.5, 0.25, 0.5, 0.5]),
}


class Halfway(Estimator):
    """The mean of IPS and SNIPS."""

    def terms(self, rounds: Rounds) -> Terms:
        return Terms(base=0.5 * rounds.weighted_reward, top=0.5 * rounds.weighted_reward, bottom=rounds.weight)


class Whole(Estimator):
    """SNIPS with an interval of its own."""

    equivariant = True

    def estimate(self, rounds: Rounds, precision: Precision) -> Estimate:
        value = float(np.average(rounds.reward, weights=rounds.weight))
        reach = 1.0 / (1.0 - precision.level)
        return Estimate(value, 1.0, value - reach, value + reach, len(rounds), "whole")


class Halved(Estimator):
    unbiased = True

    def terms(self, rounds: Rounds) -> Terms:
        return Terms(top=0.5 * rounds.weighted_reward)


class Clipped(Estimator):
    unbiased = True

    def terms(self, rounds: Rounds) -> Terms:
        return Terms(top=np.minimum(rounds.weight, 1.2) * rounds.reward)


class Capped(Estimator):
    def terms(self, rounds: Rounds) -> Terms:
        return Terms(top=rounds.weight * np.minimum(rounds.reward, 1.0))


class Newest(Estimator):
    def terms(self, rounds: Rounds) -> Terms:
        place = np.arange(1.0, len(rounds) + 1.0)
        return Terms(top=place * rounds.weighted_reward, bottom=place * rounds.weight)


class Backwards(Estimator):
    def estimate(self, rounds: Rounds, precision: Precision) -> Estimate:
        value = float(np.average(rounds.reward, weights=rounds.weight))
        return Estimate(value, 1.0, value - 1.0 / precision.level, value + 1.0 / precision.level, len(rounds))


class Guessing(Estimator):
    def weight(self, rounds: Rounds) -> None:
        return None

    def terms(self, rounds: Rounds) -> Terms:
        pscore = np.ones(len(rounds)) if rounds.pscore is None else rounds.pscore
        target = np.ones(len(rounds)) if rounds.target_pscore is None else rounds.target_pscore
        return Terms(top=target / pscore * rounds.reward)


class Writing(Estimator):
    def terms(self, rounds: Rounds) -> Terms:
        weight = rounds.weight
        weight *= 1.0 / weight.mean()
        return Terms(top=weight * rounds.reward, bottom=weight)


class Short(Estimator):
    def terms(self, rounds: Rounds) -> Terms:
        return Terms(top=rounds.weighted_reward[1:])


@pytest.mark.parametrize("name", [*ESTIMATORS.names(), Halfway, Whole])
def test_every_estimator_keeps_its_promises(name: str | type[Estimator]) -> None:
    assert [str(each) for each in check_estimator(name) if each.fault] == []


def test_what_is_not_claimed_is_not_asked() -> None:
    told = {
        name: str(check) for name in ("snips", "ips") for check in check_estimator(name) if check.name == "unbiased"
    }
    assert told["snips"].startswith("unasked unbiased")
    assert told["ips"].startswith("held    unbiased")


@pytest.mark.parametrize(
    "twin, promise, told",
    [
        (Halved, "own policy", "0.5 times the mean reward"),
        (Halved, "unbiased", "its mean over all logs of a small world is"),
        (Clipped, "unbiased", "the target policy's value"),
        (Capped, "units of reward", "with rewards of 0"),
        (Newest, "row order", "in another order"),
        (Backwards, "interval", "does not hold the one at a lower level"),
        (Guessing, "refuses", "a log whose pscore is not there"),
        (Writing, "leaves the log", "it changed the log's weight"),
        (Short, "number", "must be Terms of 60 rows"),
        (Estimator, "number", "neither terms nor estimate"),
    ],
)
def test_a_broken_twin_is_refused_with_the_reason(twin: type[Estimator], promise: str, told: str) -> None:
    faults = {each.name: each.fault for each in check_estimator(twin)}
    assert told in (faults[promise] or "")


def test_an_own_estimator_stands_beside_ours() -> None:
    path = f"{__name__}:Halfway"
    found = estimate_all(Rounds(**LOG), methods=["ips", "snips", path, Whole])
    assert found[path].value == pytest.approx((found["ips"].value + found["snips"].value) / 2, abs=1e-12)
    assert found[path].method == "halfway (delta)"
    assert found["whole"].method == "whole"
    drawn = estimate_all(Rounds(**LOG), methods=[Halfway()], interval="bootstrap", replicates=50)["halfway"]
    assert drawn.method == "halfway (bootstrap)"
    with pytest.raises(InputError, match="interval 'hoeffding' does not exist for halfway"):
        estimate_all(Rounds(**LOG), methods=[path], interval="hoeffding")


def test_a_name_or_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="estimator 'ipps' is unknown; did you mean 'ips'"):
        estimate_all(Rounds(**LOG), methods=["ipps"])
    with pytest.raises(InputError, match="must be a subclass of driftline"):
        estimate_all(Rounds(**LOG), methods=["driftline.evaluation.off_policy:Rounds"])
    with pytest.raises(InputError, match="'levl' is no option of an estimator; did you mean 'level'"):
        ips(**LOG, levl=0.9)  # type: ignore[call-arg]


class Failing(Estimator):
    def terms(self, rounds: Rounds) -> Terms:
        raise KeyError("x")


def test_an_own_estimator_that_raises_is_named() -> None:
    with pytest.raises(InputError, match="estimator 'failing' failed: KeyError: 'x'"):
        estimate_all(Rounds(**LOG), methods=[Failing])
