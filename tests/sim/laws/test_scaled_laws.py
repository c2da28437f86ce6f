"""Drift that is k times as fast: every law against what its own definition says of time."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from law_days import SEED, homes, live
from pydantic import ValidationError

from driftline.sim.errors import InputError
from driftline.sim.laws import Abrupt, Flow, Gradual, Law, Reinforcement, Static
from driftline.sim.laws._base import ENDLESS, LAWS
from driftline.sim.laws._loops import consume_loop

SLOW: tuple[Law, ...] = (
    Gradual(tau=25, sigma=2.0, anchor=0.3),
    Abrupt(hazard=0.03, sigma=2.0, first="middle"),
    Flow(rate=0.07, branch=0.4),
    Reinforcement(rate=0.5, tau=20),
    Static(),
)


class Silent(Law):
    speed: float = 0.1


class Weekly(Law):
    rates: ClassVar[tuple[str, ...] | None] = ()
    times: ClassVar[tuple[str, ...]] = ("days",)
    days: int = 7


@pytest.mark.parametrize("law", SLOW, ids=lambda law: type(law).__name__)
def test_none_of_the_drift_leaves_a_law_where_it_started(law: Law) -> None:
    still = law.scaled(0.0)
    assert all(getattr(still, name) == 0.0 for name in law.rates or ())
    assert all(getattr(still, name) == ENDLESS for name in law.times)
    assert still.scaled(0.0) == still
    if isinstance(still, Abrupt):
        assert still.first == "hazard"  # no jump in the middle either


@pytest.mark.parametrize("name", LAWS.names())
def test_every_built_in_law_says_its_rates_and_only_numbers_of_its_own(name: str) -> None:
    kind = LAWS.find(name)
    assert kind.rates is not None
    assert {*kind.rates, *kind.times} <= set(kind.model_fields)


@given(st.sampled_from(SLOW), st.floats(0.1, 10.0))
def test_faster_and_slower_again_is_the_same_law(law: Law, factor: float) -> None:
    back = law.scaled(factor).scaled(1.0 / factor)
    assert type(back) is type(law)
    for name, value in law.model_dump().items():
        assert getattr(back, name) == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_gradual_drift_forgets_in_one_day_what_took_it_that_many(factor: float) -> None:
    home = homes(50, 6)
    law = Gradual(tau=12, sigma=0.0, anchor=1.0)
    start = (home + 3.0).astype(np.float32)
    path, _ = live(law.scaled(factor), home, 8, start)
    np.testing.assert_allclose(path[8] - home, 3.0 * np.exp(-8 * factor / 12), rtol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_gradual_drift_wanders_as_far_as_before(factor: float) -> None:
    path, _ = live(Gradual(tau=8, sigma=1.5).scaled(factor), homes(4_000, 16), 3)
    before, after = path[0].astype(np.float64).ravel(), path[3].astype(np.float64).ravel()
    assert abs(after.std() - 1.5) < 4 * 1.5 / np.sqrt(2 * after.size)
    wanted = np.exp(-3 * factor / 8)
    assert abs(np.corrcoef(before, after)[0, 1] - wanted) < 4 * (1 - wanted**2) / np.sqrt(after.size)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_jumps_come_that_many_times_as_often(factor: float) -> None:
    n, days, hazard = 20_000, 20, 0.1
    _, changes = live(Abrupt(hazard=hazard, sigma=1.0).scaled(factor), homes(n, 2), days)
    wanted = factor * hazard
    assert abs(changes[1:].mean() - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / (n * days))


def test_that_many_times_the_mass_flows_in_a_day() -> None:
    home = homes(30, 5)
    law = Flow(rate=0.07, hold=False)
    graph = law.shared(5, SEED)
    path, _ = live(law.scaled(2.0), home, 1)
    p = np.exp(home) / np.exp(home).sum(axis=1, keepdims=True)
    wanted = (1 - 0.14) * p + 0.14 * p @ graph
    logits = home + path[1]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, wanted, rtol=1e-5)


def test_reinforcement_rises_and_fades_faster_and_ends_near_where_it_did() -> None:
    law = Reinforcement(rate=0.1, tau=50)
    fast = law.scaled(2.0)
    faded, _ = live(fast, homes(1, 4), 10, np.full((1, 4), 0.8, np.float32))
    np.testing.assert_allclose(faded[10], 0.8 * np.exp(-2 * 10 / 50), rtol=1e-5)
    state, one = np.zeros((1, 1, 4), np.float32), np.ones(1, np.int8)
    topics = np.array([[1.0, 0.0, 0.0, 0.0]], np.float32)
    consume_loop(Reinforcement.consume)(
        state, 0, np.zeros(1, np.int64), np.zeros(1, np.int32), one, topics, np.zeros(1, np.float32), fast.numbers()
    )
    np.testing.assert_allclose(state[0, 0], 0.2 * (topics[0] - 0.25), rtol=1e-6)

    def bound(rate: float, tau: float) -> float:
        return rate / (1 - float(np.exp(-1 / tau)))

    assert isinstance(fast, Reinforcement)
    assert bound(fast.rate, fast.tau) == pytest.approx(bound(law.rate, law.tau), rel=0.02)


def test_what_cannot_be_scaled_says_so() -> None:
    with pytest.raises(InputError, match="law Silent: does not say which of its numbers are `rates` and `times`"):
        Silent().scaled(2.0)
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Abrupt(hazard=0.6, sigma=1.0).scaled(2.0)
    with pytest.raises(ValidationError, match="valid integer"):
        Weekly().scaled(2.0)
    assert Weekly().scaled(7.0) == Weekly(days=1)
    assert Static().scaled(3.0) == Static()
