"""How far a user's profile leans on everybody's: the strength that the data itself asks for."""

import numpy as np
from scipy.optimize import minimize_scalar

from driftline.sim.real.data import RealData
from driftline.sim.real.profiles import Weighting, profiles, weights
from driftline.sim.types import Bools

WEAKEST, STRONGEST = 1e-2, 1e5
"""Range of the strength, in interactions."""


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

    def loss(log_prior: float) -> float:
        prior = np.exp(log_prior)
        return float(-(importance * np.log((left + prior * own.population[topic]) / (total + prior))).sum())

    found = minimize_scalar(loss, bounds=(np.log(WEAKEST), np.log(STRONGEST)), method="bounded")
    return float(np.exp(found.x))
