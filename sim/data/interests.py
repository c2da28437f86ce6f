"""Users' starting interests from what they really took, and whether these tell users apart.

A profile is weighted counts smoothed towards everybody's, by the strength that the data itself asks for; each user's
later interactions judge it.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import PositiveFloat

from driftline.sim import keyed
from driftline.sim.data.events import RealData
from driftline.sim.errors import DataError
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Float32s, Floats, Int64s, Params, Share


class Weighting(Params):
    """How much an interaction counts in its user's profile."""

    half_life: PositiveFloat | None = 90.0
    """Days before the user's own last interaction after which one counts half; null: age does not matter."""
    below_mean: Share = 0.5
    """What a rating below the user's own mean counts; others, and interactions without a rating, count 1."""


WEIGHTING = Weighting()


WEAKEST, STRONGEST = 1e-2, 1e5
"""Range of the strength, in interactions."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """Topic counts of U users over K topics, and the profile of the population."""

    count: Floats
    """Weighted [U, K]."""
    population: Floats
    """Shares of the topics over everybody's interactions, all counted alike [K]; positive, sums to 1."""

    def smoothed(self, prior: float) -> Floats:
        """Each user's shares [U, K]: the mean of a Dirichlet posterior with `prior` pseudo-interactions."""
        total = self.count.sum(axis=1, keepdims=True)
        return np.asarray((self.count + prior * self.population) / (total + prior))


def starting_interests(
    data: RealData,
    spread: float | None = None,
    *,
    prior: float | None = None,
    weighting: Weighting = WEIGHTING,
    used: Bools | None = None,
) -> Float32s:
    """Logits [U, K], centred over topics, whose softmax is the user's smoothed topic profile.

    spread: root mean square of the logits over users and topics; they are scaled to it, which sharpens or
    flattens the profiles without reordering them; None leaves them as they predict best.
    prior: pseudo-interactions of the population in each profile; None lets the data choose. used: the
    interactions to learn from [m], None for all.
    """
    used = everything(data) if used is None else used
    if prior is None:
        prior = best_prior(data, used, weighting)
    logits = np.log(profiles(data, used, weighting).smoothed(prior))
    logits -= logits.mean(axis=1, keepdims=True)
    if spread is not None:
        logits *= spread / max(float(np.sqrt((logits**2).mean())), 1e-12)
    return logits.astype(np.float32)


def profiles(data: RealData, used: Bools, weighting: Weighting) -> Profiles:
    """Profiles of the interactions in `used` [m]; items without a topic do not count."""
    used = used & data.labelled[data.item]
    weight = weights(data, used, weighting)
    count = np.zeros((data.users, len(data.topics)))
    for k in range(len(data.topics)):
        count[:, k] = np.bincount(data.user, weight * data.mixture[data.item, k], minlength=data.users)
    per_item = np.bincount(data.item[used], minlength=data.items)
    taken = per_item + 1.0 / data.items  # one interaction more in all, so that no topic has share 0
    shares = taken @ data.mixture.astype(float)
    return Profiles(count, shares / shares.sum())


def weights(data: RealData, used: Bools, weighting: Weighting) -> Floats:
    """What each interaction counts [m]; 0 where not used."""
    user = data.user
    weight = used.astype(float)
    rated = used & ~np.isnan(data.rating)
    # Sums of float32 ratings in float64 are exact, so equal ratings are never below their mean.
    total = np.bincount(user[rated], data.rating[rated], minlength=data.users)
    mean = total / np.maximum(np.bincount(user[rated], minlength=data.users), 1)
    weight[rated & (data.rating < mean[user])] *= weighting.below_mean
    if weighting.half_life is not None:
        last = np.full(data.users, -np.inf)
        np.maximum.at(last, user[used], data.time[used])
        weight[used] *= 0.5 ** ((last[user[used]] - data.time[used]) / weighting.half_life)
    return weight


def everything(data: RealData) -> Bools:
    """All interactions."""
    return np.ones(len(data.user), np.bool_)


def in_user_order(data: RealData) -> tuple[Int64s, Int64s]:
    """Each interaction's place in its user's own time, from 0 [m], and each user's number of them [U]."""
    count = np.bincount(data.user, minlength=data.users)
    by_user = np.argsort(data.user, kind="stable")
    place = np.empty(len(by_user), np.int64)
    place[by_user] = np.arange(len(by_user)) - np.repeat(np.cumsum(count) - count, count)
    return place, count


def best_prior(data: RealData, used: Bools, weighting: Weighting) -> float:
    """Prior strength that best predicts an interaction's topics from the user's others (empirical Bayes).

    Least mean over users of the leave-one-out log-loss, -sum_k m_k log p_k, of the smoothed profile.
    """
    own = profiles(data, used, weighting)
    events = np.flatnonzero(used & data.labelled[data.item])
    row, topic = np.nonzero(data.mixture[data.item[events]])
    event = events[row]
    user, share = data.user[event], data.mixture[data.item[event], topic].astype(float)
    weight = weights(data, used & data.labelled[data.item], weighting)[event]
    left = np.maximum(own.count[user, topic] - weight * share, 0.0)
    total = np.maximum(own.count.sum(axis=1)[user] - weight, 0.0)
    per_user = np.bincount(data.user[events], minlength=data.users)
    importance = share / (per_user[user] * max((per_user > 0).sum(), 1))

    from scipy.optimize import minimize_scalar  # slow to import, and of use with real data only

    def loss(log_prior: float) -> float:
        prior = np.exp(log_prior)
        return float(-(importance * np.log((left + prior * own.population[topic]) / (total + prior))).sum())

    found = minimize_scalar(loss, bounds=(np.log(WEAKEST), np.log(STRONGEST)), method="bounded")
    return float(np.exp(found.x))


def sample_users(data: RealData, users: int, seed: int) -> Int64s:
    """Row in `data.user_ids` of each user of a world [users].

    The first U are a keyed permutation, later ones keyed draws with replacement; a user's row does not
    depend on how many users the world has.
    """
    order = keyed.order(seed, Stream.REAL_USERS, data.users)
    extra = np.arange(data.users, users)
    draws = (keyed.uniforms(seed, Stream.REAL_USERS, 1, extra) * data.users).astype(np.int64)
    return np.concatenate([order, draws])[:users]


def shares(interests: Float32s) -> Floats:
    """Softmax over topics [U, K]."""
    logits = interests.astype(float)
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Gain:
    """Log-loss of the population's mean less that of the interests, in nats; 95 % interval over users."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HeldOutGain:
    """Means over users of each one's mean log-loss, -sum_k m_k log p_k, over the held-out interactions."""

    population: float
    """Log-loss of the population's mean profile for everybody."""
    interests: float
    """Log-loss of each user's own interests."""
    gain: Gain
    permuted: Gain
    """The gain where every user is predicted by another user's interests (ids permuted)."""
    prior: float
    """Prior strength that the earlier interactions chose."""
    users: int
    """Users with anything to judge by."""


def held_out_gain(
    data: RealData,
    share: float = 0.8,
    *,
    spread: float | None = None,
    weighting: Weighting = WEIGHTING,
    seed: int = 0,
) -> HeldOutGain:
    """Interests from the first `share` of each user's interactions in time, judged on the topics of the rest.

    The population's mean is over all the same earlier interactions, every one counted alike. spread: as in
    `starting_interests`. seed: keys the permutation of user ids.
    """
    earlier = earliest(data, share)
    judged = ~earlier & data.labelled[data.item]
    users = np.flatnonzero(np.bincount(data.user[judged], minlength=data.users))
    if len(users) < 2:
        raise DataError("held_out_gain", f"{len(users)} user(s) with later interactions; expected at least 2")
    prior = best_prior(data, earlier, weighting)
    own = shares(starting_interests(data, spread, prior=prior, weighting=weighting, used=earlier))
    everybody = np.broadcast_to(profiles(data, earlier, weighting).population, own.shape)
    somebody = np.arange(data.users)
    somebody[users] = users[_moved(len(users), seed)]
    base = _loss(data, judged, everybody)[users]
    loss = _loss(data, judged, own)[users]
    return HeldOutGain(
        population=float(base.mean()),
        interests=float(loss.mean()),
        gain=_gain(base - loss),
        permuted=_gain(base - _loss(data, judged, own[somebody])[users]),
        prior=prior,
        users=len(users),
    )


def earliest(data: RealData, share: float) -> Bools:
    """The first `share` of each user's interactions in time, at least one of each user [m]."""
    place, count = in_user_order(data)
    first: Bools = place < np.maximum(np.floor(share * count + 1e-9), 1)[data.user]
    return first


def _moved(n: int, seed: int) -> Int64s:
    """A keyed permutation of `range(n)` in one cycle: nobody keeps the own place."""
    order = keyed.order(seed, Stream.PERMUTATION, n)
    moved = np.empty(n, np.int64)
    moved[order] = np.roll(order, 1)
    return moved


def _loss(data: RealData, judged: Bools, predicted: Floats) -> Floats:
    """Each user's mean log-loss over the judged interactions [U]; 0 without any."""
    user, mixture = data.user[judged], data.mixture[data.item[judged]]
    loss = -np.einsum("mk,mk->m", mixture, np.log(predicted)[user])
    return np.asarray(
        np.bincount(user, loss, minlength=data.users) / np.maximum(np.bincount(user, minlength=data.users), 1)
    )


def _gain(per_user: Floats) -> Gain:
    half = 1.96 * float(per_user.std(ddof=1) / np.sqrt(len(per_user)))
    value = float(per_user.mean())
    return Gain(value, value - half, value + half)
