"""Do the starting interests tell users apart? Each user's later interactions judge."""

from dataclasses import dataclass

import numpy as np

from driftline.sim import keyed
from driftline.sim.real.data import RealData
from driftline.sim.real.earliest import earliest
from driftline.sim.real.errors import DataError
from driftline.sim.real.interests import shares, starting_interests
from driftline.sim.real.prior import best_prior
from driftline.sim.real.profiles import WEIGHTING, Weighting, profiles
from driftline.sim.real.streams import RealStream
from driftline.sim.types import Bools, Floats, Int64s


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


def _moved(n: int, seed: int) -> Int64s:
    """A keyed permutation of `range(n)` in one cycle: nobody keeps the own place."""
    order = keyed.order(seed, RealStream.PERMUTATION, n)
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
