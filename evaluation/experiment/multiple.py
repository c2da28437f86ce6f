"""Many metrics, one experiment: p-values adjusted for how many were looked at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_values
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Adjusted p-values in the order given [k]."""

    p_value: Floats
    rejected: Bools
    """Adjusted p-value at most alpha."""
    method: str


def bonferroni(p_value: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """min(k p, 1): the chance of any false finding is at most alpha, whatever the dependence."""
    p = _checked(p_value, alpha)
    return _judged(np.minimum(p * len(p), 1.0), alpha, "bonferroni")


def holm(p_value: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Step-down Bonferroni: as safe and never weaker (Holm 1979).

    The i-th smallest of k is multiplied by k - i + 1; adjusted values never fall along the order.
    """
    p = _checked(p_value, alpha)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _judged(_in_place(np.minimum(stepped, 1.0), order), alpha, "holm")


def benjamini_hochberg(p_value: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Step-up: the expected share of false findings among the findings is at most alpha.

    For independent or positively dependent p-values (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001).
    The i-th smallest of k is multiplied by k / i; adjusted values never rise against the order.
    """
    p = _checked(p_value, alpha)
    order = np.argsort(p, kind="stable")
    raised = p[order] * (len(p) / np.arange(1, len(p) + 1))
    stepped = np.minimum.accumulate(raised[::-1])[::-1]
    return _judged(_in_place(np.minimum(stepped, 1.0), order), alpha, "benjamini-hochberg")


def _checked(p_value: ArrayLike, alpha: float) -> Floats:
    p = checked_values("p_value", p_value)
    if not len(p):
        raise InputError("p_value is empty: there is nothing to adjust")
    if p.min() < 0.0 or p.max() > 1.0:
        raise InputError(f"p_value must lie in [0, 1], got {p.min() if p.min() < 0.0 else p.max()}")
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}")
    return p


def _in_place(stepped: Floats, order: Int64s) -> Floats:
    out = np.empty_like(stepped)
    out[order] = stepped
    return out


def _judged(p_value: Floats, alpha: float, method: str) -> Adjusted:
    return Adjusted(p_value, p_value <= alpha, method)
