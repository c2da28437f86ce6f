"""Real catalogues and interactions from a local folder: MovieLens in either layout, or a shop's own."""

from driftline.sim.data.events import RealData, popularity
from driftline.sim.data.interests import HeldOutGain, Weighting, held_out_gain, sample_users, starting_interests
from driftline.sim.data.movielens import load_movielens
from driftline.sim.data.own_data import load_own_data
from driftline.sim.errors import DataError

__all__ = [
    "DataError",
    "HeldOutGain",
    "RealData",
    "Weighting",
    "held_out_gain",
    "load_movielens",
    "load_own_data",
    "popularity",
    "sample_users",
    "starting_interests",
]
