"""Off-policy evaluation for the future: rounds from times that are alike stand in for the time to come."""

from math import nan

import numpy as np

from driftline.evaluation.estimate import Estimate, normal_reach
from driftline.evaluation.nonstationary import time_weighted
from driftline.evaluation.nonstationary.time_weighted import RoundTerms, Target, labelled, round_terms
from driftline.evaluation.off_policy.rounds import share as check_share
from driftline.evaluation.off_policy.rounds import vector, whole_numbers
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


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
    cluster: Int64s | None = None,
    level: float = 0.95,
) -> Estimate:
    """The value at a time whose feature is `target_feature`, such as the coming Monday (Shimizu et al., KDD 2025).

    value = mean of 1{phi_i = phi'} / p(phi') * w_i (r_i - q_action_i) + q_expected_i over all n rounds, with phi_i =
    `time_feature` [n] (whole numbers: weekday, hour, season), phi' = `target_feature`, w = target_pscore / pscore with
    the target policy as it will act then, q_action [n] = q(x_i, t_i, a_i) and q_expected [n] = the target policy's
    mean of q(x_i, t', .) at the target time t'. Unbiased if p is given, contexts do not drift and what q misses depends
    on time through the feature alone; q itself may change from season to season. q_action = q_expected = 0 gives the
    ips of rounds with that feature.

    With `context_feature` and `target_context_feature` contexts may drift too: the second term then averages over
    rounds with that context feature, the first over rounds with both (the authors' robust form).

    feature_probability: p(phi') where the rounds' times are a known design; the share of such rounds where null (and
    in the robust form). Interval: normal, by the sandwich over clusters; estimated shares are part of it, which the
    authors' code freezes. InputError: no round with the feature, feature_probability outside (0, 1].
    """
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
        estimator="dr",
    )
    check_share("level", level)
    model = vector("q_expected", q_expected, len(terms.above))
    alike = _matches("time_feature", time_feature, target_feature, len(model))
    method = f"opfv at feature {target_feature}"
    if (context_feature is None) != (target_context_feature is None):
        raise InputError("context_feature and target_context_feature are needed together; one is missing")
    around = np.ones(len(model), dtype=np.bool_)
    if context_feature is not None and target_context_feature is not None:
        if feature_probability is not None:
            raise InputError("feature_probability has no place where context_feature is given; shares are estimated")
        around = _matches("context_feature", context_feature, target_context_feature, len(model))
        alike &= around
        method += f", context feature {target_context_feature}"
        if not alike.any():
            raise InputError(f"no round has time_feature {target_feature} and context_feature {target_context_feature}")
    label = labelled(method, target, "sandwich")
    influence, value = _influence(terms, model, alike, around, feature_probability)
    return _judged(terms, influence, value, alike, around, label, level)


def _influence(
    terms: RoundTerms, model: Floats, alike: Bools, around: Bools, probability: float | None
) -> tuple[Floats, float]:
    """What each round [n] moves the value by, and the value."""
    if probability is not None and not 0.0 < probability <= 1.0:
        raise InputError(f"feature_probability is {probability}; (0, 1] is needed")
    n = len(model)
    correction = np.where(alike, terms.above - model, 0.0)
    share = alike.mean() if probability is None else probability
    first, second = float(correction.mean() / share), float(model[around].mean())
    # an estimated share moves with the rounds: it centres the first term on its own mean
    centred = np.where(alike, correction - first, 0.0) / share if probability is None else correction / share - first
    return (centred + np.where(around, model - second, 0.0) / around.mean()) / n, first + second


def _judged(
    terms: RoundTerms, influence: Floats, value: float, alike: Bools, around: Bools, label: str, level: float
) -> Estimate:
    error = time_weighted.clustered_error(influence, around.astype(np.float64), terms)
    share = alike.astype(np.float64)
    units = time_weighted.units_used(share, terms)
    warnings = time_weighted.few_effective_rounds(terms, share)
    if units < 2 or np.isnan(error):
        warnings.append(f"{units} independent unit has the feature: no interval can be told")
        return Estimate(value, nan, nan, nan, units, label, tuple(warnings))
    warnings += time_weighted.mean_weight_off(terms, share)
    reach = normal_reach(error, level)
    return Estimate(value, error, value - reach, value + reach, units, label, tuple(warnings))


def _matches(name: str, feature: Int64s, wanted: int, n: int) -> Bools:
    found = whole_numbers(name, feature, n)
    same = np.asarray(found == wanted, dtype=np.bool_)
    if not same.any():
        seen = ", ".join(str(x) for x in np.unique(found)[:8])
        raise InputError(f"no round has {name} {wanted}, so nothing like that time was logged; seen: {seen}")
    return same
