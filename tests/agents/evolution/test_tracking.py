"""How well the trackers follow drifting interests, on small streams of the model class they assume."""

from functools import cache

import numpy as np
import pytest
from evolution_stream import KINDS, OUTSIDE, Stream, choice_probabilities, log_loss, planted_change, stream

from driftline.agents.evolution import FilterBank, MovingAverage, OnlineGradient, Tracker
from driftline.sim.types import Floats

SETTLED = 20
"""Events of every user that are not scored."""


def rival_loss(tracker: Tracker, s: Stream) -> Floats:
    """Next-choice log-loss of a tracker's mean [events, users]."""
    users = np.arange(s.choice.shape[1])
    losses = []
    for slates, choice, elapsed in zip(s.slates, s.choice, s.elapsed, strict=True):
        losses.append(log_loss(choice_probabilities(tracker.mean(users).astype(float), slates), choice))
        tracker.update(users, slates, choice, elapsed)
    return np.array(losses[SETTLED:])


def bank_loss(bank: FilterBank, s: Stream) -> Floats:
    """Next-choice log-loss of the mixture's own forecasts [events, users]."""
    users = np.arange(s.choice.shape[1])
    losses = []
    for slates, choice, elapsed in zip(s.slates, s.choice, s.elapsed, strict=True):
        losses.append(log_loss(bank.predict(users, slates, elapsed).astype(float), choice))
        bank.update(users, slates, choice, elapsed)
    return np.array(losses[SETTLED:])


@cache
def mixed(seed: int) -> Stream:
    return stream(seed)


def averages() -> list[tuple[float, float, float]]:
    return [(d, s, k) for d in (0.955, 0.97, 0.98) for s in (18.0, 24.0, 30.0) for k in (0.5, 1.0, 1.5)]


def gradients() -> list[tuple[float, float]]:
    return [(d, s) for d in (0.985, 0.99, 0.995, 1.0) for s in (0.6, 0.8, 1.0, 1.4)]


@cache
def tuned_average() -> tuple[float, float, float]:
    def loss(numbers: tuple[float, float, float]) -> float:
        decay, scale, skip = numbers
        tracker = MovingAverage(300, 16, decay=decay, scale=scale, skip=skip)
        return float(rival_loss(tracker, mixed(100)).mean())

    return min(averages(), key=loss)


@cache
def tuned_gradient() -> tuple[float, float]:
    def loss(numbers: tuple[float, float]) -> float:
        tracker = OnlineGradient(300, 16, decay=numbers[0], step=numbers[1], outside=OUTSIDE)
        return float(rival_loss(tracker, mixed(100)).mean())

    return min(gradients(), key=loss)


def test_the_tuned_rivals_are_not_on_the_edge_of_their_grid() -> None:
    assert tuned_average()[0] == 0.97
    assert tuned_average()[1] == 24.0
    assert tuned_gradient()[0] in (0.99, 0.995)
    assert tuned_gradient()[1] in (0.8, 1.0)


@pytest.mark.parametrize("rival", ["moving_average", "online_gradient"])
def test_the_bank_beats_the_tuned_rivals_where_users_drift_in_many_ways(rival: str) -> None:
    gains = []
    for seed in (0, 1):
        if rival == "moving_average":
            decay, scale, skip = tuned_average()
            tracker: Tracker = MovingAverage(300, 16, decay=decay, scale=scale, skip=skip)
        else:
            decay, step = tuned_gradient()
            tracker = OnlineGradient(300, 16, decay=decay, step=step, outside=OUTSIDE)
        ours = bank_loss(FilterBank(300, 16, outside=OUTSIDE), mixed(seed))
        gains.append((rival_loss(tracker, mixed(seed)) - ours).mean(axis=0))
    gain = np.concatenate(gains)
    error = gain.std(ddof=1) / np.sqrt(gain.size)
    assert gain.mean() > 4 * error
    assert gain.mean() > 0.03


def test_mixing_speeds_beats_every_one_of_them_alone() -> None:
    whole = bank_loss(FilterBank(300, 16, outside=OUTSIDE), mixed(0)).mean(axis=0)
    for r in (1.0, 0.985, 0.93):
        alone = FilterBank(300, 16, retention=(r,), particles=0, outside=OUTSIDE)
        gain = bank_loss(alone, mixed(0)).mean(axis=0) - whole
        assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(gain.size)


def test_on_users_who_stay_mixing_costs_little_against_never_forgetting() -> None:
    still = stream(3, kinds=(KINDS.index("stationary"),))
    ideal = FilterBank(300, 16, retention=(1.0,), particles=0, outside=OUTSIDE)
    cost = bank_loss(FilterBank(300, 16, outside=OUTSIDE), still).mean() - bank_loss(ideal, still).mean()
    assert cost < 0.03


def test_nine_in_ten_utilities_lie_in_the_ninety_percent_interval() -> None:
    s, users = mixed(0), np.arange(300)
    bank = FilterBank(300, 16, outside=OUTSIDE)
    inside = []
    for t in range(len(s.choice)):
        bank.update(users, s.slates[t], s.choice[t], s.elapsed[t])
        other = s.slates[t - 1] if t else s.slates[-1]
        truth = np.einsum("nd,nmd->nm", s.interest[t], other)
        believed = np.einsum("nd,nmd->nm", bank.mean(users), other)
        inside.append(np.abs(truth - believed) < 1.645 * np.sqrt(bank.variance(users, other)))
    coverage = np.mean(inside[SETTLED:])
    assert 0.85 < coverage < 0.94


@cache
def drift_probabilities() -> Floats:
    """[2 seeds, events, users] on users of whom every other one changes before event 100."""
    out = []
    for seed in (0, 1):
        s, users = planted_change(seed), np.arange(300)
        bank = FilterBank(300, 16, outside=OUTSIDE)
        rows = []
        for slates, choice, elapsed in zip(s.slates, s.choice, s.elapsed, strict=True):
            bank.update(users, slates, choice, elapsed)
            rows.append(bank.drift_probability(users))
        out.append(rows)
    return np.array(out)


def test_a_full_change_shows_within_six_events_and_quiet_users_seldom_raise_an_alarm() -> None:
    alarm = drift_probabilities() > 0.4
    assert alarm[:, 30:100].any(axis=1).mean() <= 0.10
    changed = alarm[:, 100:, 1::2]
    delay = np.where(changed.any(axis=1), changed.argmax(axis=1) + 1, np.inf)
    assert np.median(delay) <= 6


def test_drift_probability_starts_at_zero_and_rises_only_for_those_who_changed() -> None:
    p = drift_probabilities()
    assert p[:, 0].max() <= 0.0101
    assert p[:, 105, 1::2].mean() > 4 * p[:, 105, 0::2].mean()
    assert np.all((p >= 0) & (p <= 1))
