"""What a random number is for, where data is real: streams beside those of `driftline.sim.keyed`."""

from enum import IntEnum


class RealStream(IntEnum):
    """Values are part of every world's meaning: append, never renumber."""

    CLUSTERS = 901
    USERS = 902
    PERMUTATION = 903
