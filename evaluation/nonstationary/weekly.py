"""Off-policy evaluation for the future: rounds from times that are alike stand in for the time to come."""

from typing import Unpack

import numpy as np

from driftline.evaluation.arrays import whole_numbers
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.interval import Asked, Precision, estimated
from driftline.evaluation.nonstationary.time_weighted import (
    USED,
    Target,
    for_target,
)
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@claims("times", unbiased_in="still", equivariant=True)
def opfv(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    time_feature: Int64s,
    target_feature: int,
    feature_probability: float | None = None,
    context_feature: Int64s | None = None,
    target_context_feature: int | None = None,
    target: Target = "next_period",
    **asked: Unpack[Asked],
) -> Estimate:
    """The value at a time whose feature is `target_feature`, such as the coming Monday (Shimizu et al., KDD 2025).

    value = mean of 1{phi_i = phi'} / p(phi') * w_i (r_i - q_action_i) + q_expected_i over all n rounds, with w =
    target_pscore / pscore. Unbiased if p is given, contexts do not drift and what q misses depends on time through the
    feature alone; q itself may change from season to season. q_action = q_expected = 0 gives the ips of rounds with
    that feature. With a context feature contexts may drift too: the second term then averages over rounds with that
    context feature, the first over rounds with both (the authors' robust form).

    Interval: estimated shares are part of it, which the authors' code freezes.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy as it will act then [n], in [0, 1].
        q_action: A reward model's predictions for the logged actions, q(x_i, t_i, a_i) [n].
        q_expected: The target policy's means of q(x_i, t', .) at the target time t' [n].
        time_feature: phi_i, what kind of time each round was at [n]: whole numbers, such as weekday or season.
        target_feature: phi', that of the time to come.
        feature_probability: p(phi') where the rounds' times are a known design; their share where not given.
        context_feature: What kind of context each round had [n], whole numbers; with `target_context_feature`.
        target_context_feature: That of the contexts to come.
        target: Which time is meant: `past`, `present` or `next_period`.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: No round with the feature; feature_probability outside (0, 1], or beside a context feature; unequal
            lengths, an unusable value.

    Examples:
        >>> log = {"reward": [0.0, 1.0, 1.0, 2.0], "pscore": [0.5] * 4, "target_pscore": [0.5] * 4}
        >>> model = {"q_action": [0.0] * 4, "q_expected": [0.0] * 4}
        >>> opfv(**log, **model, time_feature=np.array([0, 1, 0, 1]), target_feature=1).value
        1.5
    """
    rounds = rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected)
    if feature_probability is not None and not 0.0 < feature_probability <= 1.0:
        raise InputError(f"feature_probability is {feature_probability:g}; must be above 0 and at most 1")
    if (context_feature is None) != (target_context_feature is None):
        raise InputError("context_feature and target_context_feature are needed together; one is missing")
    alike = _matches("time_feature", time_feature, target_feature, len(rounds))
    around, method = np.ones(len(rounds), dtype=np.bool_), f"opfv at feature {target_feature}"
    if context_feature is not None and target_context_feature is not None:
        if feature_probability is not None:
            raise InputError("feature_probability has no place where context_feature is given; shares are estimated")
        around = _matches("context_feature", context_feature, target_context_feature, len(rounds))
        alike &= around
        if not alike.any():
            raise InputError(f"no round has time_feature {target_feature} and context_feature {target_context_feature}")
        method += f", context feature {target_context_feature}"
    cluster, share = clusters_of(rounds), alike.astype(np.float64)
    warnings = weight_warnings(rounds.weight, USED, cluster=cluster, share=share)
    terms = _terms(rounds, alike, around, feature_probability)
    return estimated(for_target(method, target), terms, Precision.of(asked), cluster=cluster, warnings=warnings)


def _terms(rounds: Rounds, alike: Bools, around: Bools, probability: float | None) -> Terms:
    """The correction over rounds that are alike, and the model over those around; estimated shares are normalisers."""
    share = alike.astype(np.float64) if probability is None else np.full(len(rounds), probability)
    model = np.where(around, rounds.need("q_expected", "opfv"), 0.0)
    top = np.stack([np.where(alike, rounds.weighted_residual, 0.0), model], axis=1)
    return Terms(top=top, bottom=np.stack([share, around.astype(np.float64)], axis=1), used=alike)


def _matches(name: str, feature: Int64s, wanted: int, n: int) -> Bools:
    found = whole_numbers(name, feature, n)
    same = np.asarray(found == wanted, dtype=np.bool_)
    if not same.any():
        seen = ", ".join(str(x) for x in np.unique(found)[:8])
        raise InputError(f"no round has {name} {wanted}, so nothing like that time was logged; seen: {seen}")
    return same
