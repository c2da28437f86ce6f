"""Importance sampling of slates under three click models: standard, independent and cascade.

reward [n, L] per position (the value is the expected *sum* over positions) or, for the standard model, [n] per
slate. Which model holds decides which propensities are needed:

standard     whatever is shown may matter for every reward     pscore [n]: the whole slate
independent  a position's reward depends on its item only      pscore_item_position [n, L]: the item's marginal there
cascade      it depends on the items down to that position     pscore_cascade [n, L]: items 0..k together (cumulative)

Conventions of all: `cluster` [n] groups slates that are not independent (users); `n` of the result counts slates, or
clusters. Intervals: `sum_of_ratios.estimate`. Bad input raises `InputError` naming slate (row), position and value.
"""

from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.propensities import falling, logged, reward_table, slate_reward, target
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate
from driftline.evaluation.importance.weight_warnings import weight_warnings
from driftline.sim.types import Floats


def sips(
    *,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Standard IPS: mean of w_i sum_k r_ik, w the ratio of the whole slates' propensities.

    Unbiased whatever users do (Precup, Sutton & Singh 2000; McInerney et al. 2020, eq. 1); weights grow
    exponentially with L.
    """
    table, weight = _standard(reward, pscore, target_pscore)
    return _judge("sips", table, weight, False, Asked(interval, level, seed, cluster))


def snsips(
    *,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised standard IPS: sum_i w_i r_i / sum_i w_i (Swaminathan & Joachims 2015); consistent only."""
    table, weight = _standard(reward, pscore, target_pscore)
    return _judge("snsips", table, weight, True, Asked(interval, level, seed, cluster))


def iips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Independent IPS: mean of sum_k w_ik r_ik, w the ratio of the marginals of the item at that position.

    Unbiased under the item-position click model (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen 2018).
    """
    table, weight = _per_position(
        reward, "pscore_item_position", pscore_item_position, "target_pscore_item_position", target_pscore_item_position
    )
    return _judge("iips", table, weight, False, Asked(interval, level, seed, cluster))


def sniips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised independent IPS: sum over positions of sum_i w_ik r_ik / sum_i w_ik."""
    table, weight = _per_position(
        reward, "pscore_item_position", pscore_item_position, "target_pscore_item_position", target_pscore_item_position
    )
    return _judge("sniips", table, weight, True, Asked(interval, level, seed, cluster))


def rips(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Reward-interaction IPS: mean of sum_k w_i,0:k r_ik, w the ratio for the items at positions 0 to k together.

    Unbiased under the cascade model (McInerney, Brost, Chandar, Mehrotra & Carterette 2020), without their
    normalisation, which is `snrips`. Cascade propensities are cumulative: `cascade_pscore` makes them from
    conditional log-probabilities.
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _judge("rips", table, weight, False, Asked(interval, level, seed, cluster))


def snrips(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised reward-interaction IPS: sum over positions of sum_i w_i,0:k r_ik / sum_i w_i,0:k."""
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _judge("snrips", table, weight, True, Asked(interval, level, seed, cluster))


def cascade_weights(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    """Rewards and cumulative ratios [n, L], checked."""
    table, weight = _per_position(
        reward, "pscore_cascade", pscore, "target_pscore_cascade", target_pscore, cascade=True
    )
    return table, weight


def _standard(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    summed = slate_reward(reward)
    below = logged("pscore", pscore, summed.shape)
    weight = target("target_pscore", target_pscore, summed.shape) / below
    return summed[:, None], weight[:, None]


def _per_position(
    reward: ArrayLike, name: str, pscore: ArrayLike, target_name: str, target_pscore: ArrayLike, cascade: bool = False
) -> tuple[Floats, Floats]:
    table = reward_table(reward)
    below, above = logged(name, pscore, table.shape), target(target_name, target_pscore, table.shape)
    if cascade:
        falling(name, below)
        falling(target_name, above)
    return table, above / below


def _judge(method: str, reward: Floats, weight: Floats, normalised: bool, asked: Asked) -> Estimate:
    sums = SumOfRatios(weight * reward, weight if normalised else None)
    return estimate(method, sums, asked, weight_warnings(weight, cluster=asked.cluster))
