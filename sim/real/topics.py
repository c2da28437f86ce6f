"""From the topic names of items to their topic mixtures."""

from collections.abc import Sequence

import numpy as np

from driftline.sim.real.errors import DataError
from driftline.sim.types import Bools, Float32s

MOST = 256
"""More distinct topics than this are tags, not topics: a user's interest has one number for each."""


def mixtures(names: Sequence[Sequence[str]], where: object) -> tuple[tuple[str, ...], Float32s, Bools]:
    """Topics [K] sorted by name, equal shares over an item's own [I, K], and whether it has any [I].

    names: the topics of each item; an item without one gets the uniform mixture. where: for errors.
    """
    topics = tuple(sorted({name for own in names for name in own}))
    if not 2 <= len(topics) <= MOST:
        raise DataError(where, f"names {len(topics)} distinct topics; expected 2 to {MOST}")
    row = {name: k for k, name in enumerate(topics)}
    mixture = np.zeros((len(names), len(topics)), np.float32)
    for i, own in enumerate(names):
        mixture[i, [row[name] for name in own]] = 1.0
    labelled = np.asarray(mixture.any(axis=1))
    mixture[~labelled] = 1.0
    return topics, np.asarray(mixture / mixture.sum(axis=1, keepdims=True)), labelled
