"""Real catalogues and interactions from a local folder: MovieLens in either layout, or a shop's own."""

from driftline.sim.real.data import RealData
from driftline.sim.real.errors import DataError
from driftline.sim.real.held_out import HeldOutGain, held_out_gain
from driftline.sim.real.interests import sample_users, starting_interests
from driftline.sim.real.movielens import load_movielens
from driftline.sim.real.own_data import load_own_data
from driftline.sim.real.popularity import popularity
from driftline.sim.real.profiles import Weighting

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
