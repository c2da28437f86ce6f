"""Guardrails: the new thing need not be better, but must not be worse by more than we bear."""

from dataclasses import dataclass

from driftline.evaluation.experiment.effect import Effect, t_tail
from driftline.evaluation.intervals import t_quantile
from driftline.sim.errors import InputError


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
