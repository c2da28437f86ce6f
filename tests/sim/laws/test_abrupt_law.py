"""Abrupt drift: geometric waiting times, fresh redraws, and change points that say when."""

import numpy as np
import pytest
from law_days import HORIZON, homes, live
from scipy import stats

from driftline.sim.laws import Abrupt


def test_waiting_times_are_geometric_with_the_stated_hazard() -> None:
    n, hazard, days = 30_000, 0.1, 60
    _, changes = live(Abrupt(hazard=hazard, sigma=1.0), homes(n, 2), days)
    assert not changes[0].any()
    waited = np.where(changes.any(axis=0), changes.argmax(axis=0), days + 1)
    expected = n * np.append(hazard * (1 - hazard) ** np.arange(days), (1 - hazard) ** days)
    assert stats.chisquare(np.bincount(waited, minlength=days + 2)[1:], expected).pvalue > 1e-4
    # Every day is alike, whatever happened before.
    share = changes[1:].mean()
    error = np.sqrt(hazard * (1 - hazard) / (n * days))
    assert error < 0.01 * hazard
    assert abs(share - hazard) < 4 * error


def test_a_jump_redraws_the_whole_component_and_nothing_else_moves_it() -> None:
    path, changes = live(Abrupt(hazard=0.05, sigma=1.5), homes(5_000, 8), 20)
    moved = (path[1:] != path[:-1]).any(axis=2)
    np.testing.assert_array_equal(moved, changes[1:])
    before, after = path[:-1][moved].astype(np.float64), path[1:][moved].astype(np.float64)
    assert (before != after).all()
    n = before.size
    for logits in (before, after):
        assert abs(logits.mean()) < 4 * 1.5 / np.sqrt(n)
        assert abs(logits.std() - 1.5) < 4 * 1.5 / np.sqrt(2 * n)
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 4 / np.sqrt(n)


def test_the_first_jump_falls_evenly_into_the_middle_third_and_the_hazard_starts_there() -> None:
    n, hazard, days = 30_000, 0.2, 59
    _, changes = live(Abrupt(hazard=hazard, sigma=1.0, first="middle"), homes(n, 2), days)
    first = changes.argmax(axis=0)
    assert changes.any(axis=0).all()
    third = int(HORIZON / 3)
    assert first.min() == third
    assert first.max() == 2 * third - 1
    assert stats.chisquare(np.bincount(first - third)).pvalue > 1e-4
    later = np.arange(days + 1)[:, None] > first
    error = np.sqrt(hazard * (1 - hazard) / later.sum())
    assert abs(changes[later].mean() - hazard) < 4 * error


@pytest.mark.parametrize(("hazard", "jumps"), [(0.0, False), (1.0, True)])
def test_no_hazard_never_jumps_and_a_certain_one_every_day(hazard: float, jumps: bool) -> None:
    _, changes = live(Abrupt(hazard=hazard, sigma=1.0), homes(200, 3), 5)
    assert (changes[1:] == jumps).all()
