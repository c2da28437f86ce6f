"""Users' topic profiles: weighted counts of what they took, smoothed towards everybody's."""

from dataclasses import dataclass

import numpy as np
from pydantic import PositiveFloat

from driftline.sim.frozen import Params, Share
from driftline.sim.real.data import RealData
from driftline.sim.types import Bools, Floats, Int64s


class Weighting(Params):
    """How much an interaction counts in its user's profile."""

    half_life: PositiveFloat | None = 90.0
    """Days before the user's own last interaction after which one counts half; null: age does not matter."""
    below_mean: Share = 0.5
    """What a rating below the user's own mean counts; others, and interactions without a rating, count 1."""


WEIGHTING = Weighting()


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
