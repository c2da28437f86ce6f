"""Gradual drift against the Ornstein-Uhlenbeck process: moments within 4 standard errors."""

import numpy as np
import pytest
from law_days import homes, live

from driftline.sim.laws import Gradual


@pytest.mark.parametrize("day", [0, 1, 40])
def test_the_stationary_spread_is_sigma_from_the_first_day_on(day: int) -> None:
    path, changes = live(Gradual(tau=12, sigma=1.5), homes(4_000, 16), day)
    logits = path[day].astype(np.float64).ravel()
    error = 1.5 / np.sqrt(2 * logits.size)
    assert error < 0.01 * 1.5
    assert abs(logits.std() - 1.5) < 4 * error
    assert abs(logits.mean()) < 4 * 1.5 / np.sqrt(logits.size)
    assert not changes.any()


@pytest.mark.parametrize("lag", [1, 3, 10])
def test_the_autocorrelation_falls_as_exp_of_minus_lag_over_tau(lag: int) -> None:
    path, _ = live(Gradual(tau=8, sigma=0.7), homes(4_000, 16), lag)
    before, after = path[0].astype(np.float64).ravel(), path[lag].astype(np.float64).ravel()
    wanted = np.exp(-lag / 8)
    error = (1 - wanted**2) / np.sqrt(before.size)
    assert error < 0.01
    assert abs(np.corrcoef(before, after)[0, 1] - wanted) < 4 * error


def test_a_displacement_halves_in_tau_log_2_days() -> None:
    home = homes(20, 4)
    displaced = home + 3.0
    path, _ = live(Gradual(tau=7 / np.log(2), sigma=0.0, anchor=1.0), home, 14, displaced.astype(np.float32))
    np.testing.assert_allclose(path[7] - home, 1.5, rtol=1e-5)
    np.testing.assert_allclose(path[14] - home, 0.75, rtol=1e-5)


@pytest.mark.parametrize("anchor", [0.0, 0.4, 1.0])
def test_interest_wanders_around_its_anchor(anchor: float) -> None:
    home = np.tile([2.0, -1.0, 0.5, -1.5], (10_000, 1))
    path, _ = live(Gradual(tau=5, sigma=0.5, anchor=anchor), home, 9)
    for day in (0, 9):
        error = 0.5 / np.sqrt(len(home))
        assert np.abs(path[day].astype(np.float64).mean(axis=0) - anchor * home[0]).max() < 4 * error


def test_topics_and_users_drift_independently() -> None:
    path, _ = live(Gradual(tau=3, sigma=1.0), homes(20_000, 4), 6)
    correlation = np.corrcoef(path[6].T) - np.eye(4)
    assert np.abs(correlation).max() < 4 / np.sqrt(20_000)
    assert abs(np.corrcoef(path[6, :-1, 0], path[6, 1:, 0])[0, 1]) < 4 / np.sqrt(20_000)
