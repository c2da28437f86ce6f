"""Many metrics in one experiment: adjusted p-values, and guardrails that must not be broken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, vector
from driftline.evaluation.estimate import t_quantile
from driftline.evaluation.experiment._levels import Effect, t_tail
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
    """min(k p, 1): the chance of any false finding is at most alpha, whatever the dependence.

    Example:
        >>> from driftline.evaluation.experiment import bonferroni
        >>> bonferroni([0.01, 0.04, 0.2]).p_value.round(3).tolist()
        [0.03, 0.12, 0.6]
    """
    p = _checked(p_value, alpha)
    return _judged(np.minimum(p * len(p), 1.0), alpha, "bonferroni")


def holm(p_value: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Step-down Bonferroni: as safe and never weaker (Holm 1979).

    The i-th smallest of k is multiplied by k - i + 1; adjusted values never fall along the order.

    Example:
        >>> from driftline.evaluation.experiment import holm
        >>> holm([0.01, 0.04, 0.2]).p_value.round(3).tolist()
        [0.03, 0.08, 0.2]
    """
    p = _checked(p_value, alpha)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _judged(_in_place(np.minimum(stepped, 1.0), order), alpha, "holm")


def benjamini_hochberg(p_value: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Step-up: the expected share of false findings among the findings is at most alpha.

    For independent or positively dependent p-values (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001).
    The i-th smallest of k is multiplied by k / i; adjusted values never rise against the order.

    Example:
        >>> from driftline.evaluation.experiment import benjamini_hochberg
        >>> benjamini_hochberg([0.01, 0.04, 0.2]).p_value.round(3).tolist()
        [0.03, 0.06, 0.2]
    """
    p = _checked(p_value, alpha)
    order = np.argsort(p, kind="stable")
    raised = p[order] * (len(p) / np.arange(1, len(p) + 1))
    stepped = np.minimum.accumulate(raised[::-1])[::-1]
    return _judged(_in_place(np.minimum(stepped, 1.0), order), alpha, "benjamini-hochberg")


def _checked(p_value: ArrayLike, alpha: float) -> Floats:
    p = vector("p_value", p_value, low=0.0, high=1.0)
    between_0_and_1("alpha", alpha)
    return p


def _in_place(stepped: Floats, order: Int64s) -> Floats:
    out = np.empty_like(stepped)
    out[order] = stepped
    return out


def _judged(p_value: Floats, alpha: float, method: str) -> Adjusted:
    return Adjusted(p_value, p_value <= alpha, method)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A one-sided test that B is not worse than A by `margin` or more."""

    effect: Effect
    margin: float
    p_value: float
    """Of the hypothesis that B is worse by the margin or more."""
    limit: float
    """One-sided confidence limit of the effect, on the side of harm, at the level 1 - alpha."""
    holds: bool
    """Whether non-inferiority is shown: p_value at most alpha. False does not mean harm is shown."""


def guardrail(effect: Effect, *, margin: float, higher_is_better: bool = True, alpha: float = 0.05) -> Guardrail:
    """Non-inferiority of B from any effect with a standard error (`welch`, `ratio`, `lift`, `cluster`, ...).

    margin: the harm that is still borne, above 0, in the effect's own unit (.01 of a `lift` is one per cent).
    Statistic (value + margin) / std_error against Student's t with the effect's degrees of freedom; for metrics that
    should fall, (margin - value) / std_error (Rothmann, Wiens & Chan 2012, ch. 3). One-sided at alpha. Several
    guardrails that must all hold need no correction (intersection-union test; Berger 1982).

    Example:
        >>> from driftline.evaluation.experiment import guardrail
        >>> from driftline.evaluation.experiment import welch
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = guardrail(welch(value, arm), margin=0.5)
        >>> found.holds, round(found.p_value, 3)
        (True, 0.018)
    """
    if not margin > 0.0:
        raise InputError(f"margin must be above 0, got {margin}")
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha must lie between 0 and .5, got {alpha}")
    if not effect.std_error > 0.0:
        raise InputError("the effect has no standard error: non-inferiority cannot be tested")
    sign = 1.0 if higher_is_better else -1.0
    p_value = t_tail((sign * effect.value + margin) / effect.std_error, effect.df)
    reach = -t_quantile(alpha, effect.df) * effect.std_error
    return Guardrail(effect, margin, p_value, effect.value - sign * reach, p_value <= alpha)
