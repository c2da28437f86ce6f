"""Forecasts gathered in bins: what was said against what happened."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

Binning = Literal["equal_width", "equal_mass"]


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins with at least one forecast, ascending; arrays are [bins]."""

    count: Floats
    probability: Floats
    """Mean forecast."""
    frequency: Floats
    """Share of forecasts whose event came."""
    code: Int64s
    """Each forecast's bin [n]."""


def reliability_bins(p: Floats, y: Floats, bins: int, binning: Binning) -> Bins:
    """Gather forecasts p [n] and outcomes y [n].

    `equal_width`: (a, b] with edges j / bins, 0 belonging to the first (Guo et al. 2017). `equal_mass`: the
    same with the forecasts' j / bins quantiles (linear interpolation) as edges, so equal forecasts share a bin
    and some bins may be larger, or gone. Both as `sklearn.calibration.calibration_curve`.
    """
    if bins < 1:
        raise InputError(f"bins is {bins}; it must be at least 1")
    if binning not in ("equal_width", "equal_mass"):
        raise InputError(f"binning is {binning!r}; {hint(binning, ('equal_width', 'equal_mass'))}")
    shares = np.linspace(0.0, 1.0, bins + 1)
    edges = shares if binning == "equal_width" else np.quantile(p, shares)
    return _gathered(p, y, np.searchsorted(edges[1:-1], p, side="left"))


def distinct_forecasts(p: Floats, y: Floats) -> Bins:
    """One bin per distinct forecast."""
    return _gathered(p, y, np.unique(p, return_inverse=True)[1])


def _gathered(p: Floats, y: Floats, place: Int64s) -> Bins:
    _, code = np.unique(place, return_inverse=True)
    count = np.bincount(code).astype(np.float64)
    return Bins(count, np.bincount(code, p) / count, np.bincount(code, y) / count, code)
