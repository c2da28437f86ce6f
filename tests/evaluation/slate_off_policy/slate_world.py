"""A tiny world of slates in which every ordered slate is enumerated: logging and target policy, all propensities."""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from driftline.sim.types import Floats, Int64s

ITEMS, LENGTH = 4, 3


@dataclass(frozen=True)
class Policy:
    """Probability of every slate of `SlateWorld.slates`, and what follows from it for each of them."""

    slate: Floats
    cascade: Floats
    item_position: Floats
    conditional: Floats
    """p(item | items above) of every item at every position of every slate [S, L, A]."""


@dataclass(frozen=True)
class SlateWorld:
    slates: Int64s
    logging: Policy
    target: Policy
    counts: Int64s
    """The logging policy is counts / sum(counts): a log with exactly these counts is its expectation."""

    def log(self) -> Int64s:
        """Row of `slates` for each slate of a log that is exactly in proportion."""
        return np.repeat(np.arange(len(self.slates)), self.counts)


def world(seed: int, repeats: bool = False) -> SlateWorld:
    """Random policies without structure (no Plackett-Luce, no product): only the enumeration tells anything."""
    rng = np.random.default_rng(seed)
    every = product(range(ITEMS), repeat=LENGTH) if repeats else permutations(range(ITEMS), LENGTH)
    slates = np.array(list(every))
    counts = rng.integers(1, 6, len(slates))
    return SlateWorld(
        slates, policy(slates, counts / counts.sum()), policy(slates, rng.dirichlet(np.ones(len(slates)))), counts
    )


def policy(slates: Int64s, chance: Floats) -> Policy:
    cascade, marginal = np.zeros(slates.shape), np.zeros(slates.shape)
    conditional = np.zeros((*slates.shape, ITEMS))
    for s, slate in enumerate(slates):
        for k in range(slates.shape[1]):
            cascade[s, k] = chance[(slates[:, : k + 1] == slate[: k + 1]).all(axis=1)].sum()
            marginal[s, k] = chance[slates[:, k] == slate[k]].sum()
            above = (slates[:, :k] == slate[:k]).all(axis=1)
            for a in range(ITEMS):
                conditional[s, k, a] = chance[above & (slates[:, k] == a)].sum() / chance[above].sum()
    return Policy(chance, cascade, marginal, conditional)


def rewards(slates: Int64s, model: str, seed: int) -> Floats:
    """Expected reward of every position of every slate [S, L] under a click model."""
    rng = np.random.default_rng(seed)
    if model == "independent":
        table = rng.normal(size=(slates.shape[1], ITEMS))
        return np.stack([table[k, slates[:, k]] for k in range(slates.shape[1])], axis=1)
    seen = {"standard": slates.shape[1], "cascade": 0}[model]
    known: dict[tuple[int, ...], float] = {}
    out = np.zeros(slates.shape)
    for s, slate in enumerate(slates):
        for k in range(slates.shape[1]):
            key = (k, *slate[: max(seen, k + 1)])
            out[s, k] = known.setdefault(key, rng.normal())
    return out
