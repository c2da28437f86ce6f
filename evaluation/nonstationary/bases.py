"""What a value may look like over time: functions of the period's number, to be fitted and carried forward."""

from collections.abc import Callable

import numpy as np

from driftline.sim.errors import InputError
from driftline.sim.types import Floats

Basis = Callable[[Floats, float], Floats]
"""(period numbers [m], span) -> columns [m, p]. Periods count from 0; span is what time is scaled by."""


def polynomial(degree: int = 1) -> Basis:
    """1, t, ..., t^degree of scaled time; degree 1 is the straight line of Chandak et al. 2020, degree 0 a mean."""
    _at_least("degree", degree, 0)

    def columns(period: Floats, span: float) -> Floats:
        return np.asarray((period / span)[:, None] ** np.arange(degree + 1))

    return columns


def cosine(terms: int = 3) -> Basis:
    """cos(pi j t), j = 0..terms - 1, of scaled time: the Fourier basis of Chandak et al. 2020, by their code."""
    _at_least("terms", terms, 1)

    def columns(period: Floats, span: float) -> Floats:
        return np.cos(np.pi * np.outer(period / span, np.arange(terms)))

    return columns


def seasonal(length: float, harmonics: int = 1, degree: int = 0) -> Basis:
    """A polynomial in time with sines and cosines of a season of `length` periods (7 for a week of days)."""
    _at_least("harmonics", harmonics, 1)
    if not length > 2 * harmonics:
        raise InputError(f"length is {length} periods; {harmonics} harmonics need more than {2 * harmonics}")
    trend = polynomial(degree)

    def columns(period: Floats, span: float) -> Floats:
        angle = 2 * np.pi * np.outer(period, np.arange(1, harmonics + 1)) / length
        return np.hstack([trend(period, span), np.sin(angle), np.cos(angle)])

    return columns


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name} is {value}; at least {least} is needed")
