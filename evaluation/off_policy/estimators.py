"""Ips ... dros: one thin function each.

Estimators that weight rewards by how much more often the target policy would have earned them.

Arrays are [n], one number a round: `reward`, `pscore` (probability of the logged action under the logging policy, in
(0, 1]), `target_pscore` (under the target policy, in [0, 1]; w = target_pscore / pscore). `cluster` says whose
round it is: errors are then cluster-robust and the bootstrap resamples whole clusters. `interval`, `level`, `seed`,
`replicates` and `bounds` are those of `Precision`. Every function raises `InputError` for unusable arrays and puts
into `Estimate.warnings` what speaks against its number.

Estimators with a reward model: the direct method and what corrects it by weighted residuals.

Arrays are [n], one number a round: `reward`, `pscore` (probability of the logged action under the logging policy, in
(0, 1]), `target_pscore` (under the target policy, in [0, 1]; w = target_pscore / pscore), `q_action` (the reward
model's prediction for the logged action) and `q_expected` (its mean under the target policy). `cluster` says whose
round it is: errors are then cluster-robust and the bootstrap resamples whole clusters. `interval`, `level`, `seed`,
`replicates` and `bounds` are those of `Precision`. Every function raises `InputError` for unusable arrays and puts
into `Estimate.warnings` what speaks against its number.
"""

from math import inf

import numpy as np

from driftline.evaluation.estimate import LEVEL, Estimate
from driftline.evaluation.interval import REPLICATES, Bounds, IntervalName, Precision
from driftline.evaluation.off_policy.estimation import estimate
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.types import Floats, Int64s


def replay(
    *,
    reward: Floats,
    target_pscore: Floats,
    pscore: Floats | None = None,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """Mean reward of the rounds in which a deterministic target policy takes the logged action.

    For logs drawn uniformly at random (Li, Chu, Langford & Wang 2011). n is the number of rounds that match.
    `InputError` for a random target policy, or where no round matches. pscore: only to tell a log that was not
    drawn uniformly.
    """
    rounds = Rounds(reward=reward, target_pscore=target_pscore, pscore=pscore, cluster=cluster)
    return estimate(rounds, "replay", Precision(interval, level, seed, replicates, bounds))


def ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(w r): inverse propensity scoring (Horvitz & Thompson 1952; Strehl, Langford, Li & Kakade 2010)."""
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    return estimate(rounds, "ips", Precision(interval, level, seed, replicates, bounds))


def clipped_ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    lambda_: float = inf,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(min(w, lambda_) r): clipped weights (Ionides 2008; Strehl, Langford, Li & Kakade 2010). Biased.

    lambda_: the largest weight, infinite for none.
    """
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    return estimate(rounds, "clipped_ips", Precision(interval, level, seed, replicates, bounds), lambda_)


def snips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """sum(w r) / sum(w): self-normalised (Swaminathan & Joachims 2015).

    The standard error is that of a ratio, sqrt(n / (n - 1) sum w^2 (r - value)^2) / sum w.
    """
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    return estimate(rounds, "snips", Precision(interval, level, seed, replicates, bounds))


def sub_gaussian_ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    lambda_: float = 0.0,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(w r / (1 - lambda_ + lambda_ w)): weights by a power mean (Metelli, Russo & Restelli 2021). Biased.

    lambda_: in [0, 1]; 0 leaves the weights as they are, 1 makes all of them 1.
    """
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=cluster)
    return estimate(rounds, "sub_gaussian_ips", Precision(interval, level, seed, replicates, bounds), lambda_)


def mips(
    *,
    reward: Floats,
    embedding_weight: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(w(x, e) r): weights of the action's embedding (Saito & Joachims 2022).

    embedding_weight: w(x_i, e_i) [n], given, or by `embedding_weight` from tables p(e | a), or by
    `estimated_embedding_weight`. Unbiased where the reward depends on the action through the embedding only.
    """
    rounds = Rounds(reward=reward, embedding_weight=embedding_weight, cluster=cluster)
    return estimate(rounds, "mips", Precision(interval, level, seed, replicates, bounds))


def dm(
    *,
    q_expected: Floats,
    reward: Floats | None = None,
    pscore: Floats | None = None,
    target_pscore: Floats | None = None,
    q_action: Floats | None = None,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected): the direct method, a reward model's promise (Dudik, Langford & Li 2011).

    The interval covers the draw of contexts, not the model's error. With the other arrays the model is checked by
    its weighted residuals; they do not change the value.
    """
    rounds = Rounds(
        reward=np.zeros(np.shape(q_expected)) if reward is None else reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action if reward is not None else None,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "dm", Precision(interval, level, seed, replicates, bounds))


def dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected + w (r - q_action)): doubly robust (Dudik, Langford & Li 2011)."""
    rounds = Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "dr", Precision(interval, level, seed, replicates, bounds))


def sndr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected) + sum(w (r - q_action)) / sum(w): self-normalised doubly robust.

    The form of Thomas & Brunskill 2016 for one step; the standard error treats the sum of weights as random.
    """
    rounds = Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "sndr", Precision(interval, level, seed, replicates, bounds))


def switch_dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = inf,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected + w 1{w <= lambda_} (r - q_action)): the model alone where weights are large. Biased.

    Wang, Agarwal & Dudik 2017, in the form that keeps the model everywhere. lambda_: infinite for plain dr.
    """
    rounds = Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "switch_dr", Precision(interval, level, seed, replicates, bounds), lambda_)


def dros(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = inf,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected + lambda_ w / (w^2 + lambda_) (r - q_action)): optimistic shrinkage (Su et al. 2020). Biased.

    lambda_: 0 is the direct method, infinite is plain dr.
    """
    rounds = Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "dros", Precision(interval, level, seed, replicates, bounds), lambda_)


def sub_gaussian_dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = 0.0,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected + w / (1 - lambda_ + lambda_ w) (r - q_action)) (Metelli, Russo & Restelli 2021). Biased.

    lambda_: in [0, 1]; 0 is plain dr.
    """
    rounds = Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
    )
    return estimate(rounds, "sub_gaussian_dr", Precision(interval, level, seed, replicates, bounds), lambda_)
