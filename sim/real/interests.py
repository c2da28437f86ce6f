"""Starting interests of a world's users from what real users took."""

import numpy as np

from driftline.sim import keyed
from driftline.sim.real.data import RealData
from driftline.sim.real.prior import best_prior
from driftline.sim.real.profiles import WEIGHTING, Weighting, everything, profiles
from driftline.sim.real.streams import RealStream
from driftline.sim.types import Bools, Float32s, Floats, Int64s


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


def sample_users(data: RealData, users: int, seed: int) -> Int64s:
    """Row in `data.user_ids` of each user of a world [users].

    The first U are a keyed permutation, later ones keyed draws with replacement; a user's row does not
    depend on how many users the world has.
    """
    order = keyed.order(seed, RealStream.USERS, data.users)
    extra = np.arange(data.users, users)
    draws = (keyed.uniforms(seed, RealStream.USERS, 1, extra) * data.users).astype(np.int64)
    return np.concatenate([order, draws])[:users]


def shares(interests: Float32s) -> Floats:
    """Softmax over topics [U, K]."""
    logits = interests.astype(float)
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))
