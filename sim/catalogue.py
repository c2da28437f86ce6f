"""The items of a run, all of them, those to be released included: a struct of arrays that never changes."""

from dataclasses import dataclass

import numpy as np

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.params import CatalogueParams, DomainParams
from driftline.sim.types import NONE, Float32s, Floats, Int8s, Int32s, Int64s

FOREVER = np.inf


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items by id (row). Latent: `mixture`, `quality`, `appeal`. Ids of later items are higher."""

    mixture: Float32s
    """Topic mixture [I, K]; rows sum to 1."""
    quality: Float32s
    appeal: Float32s
    price: Float32s
    domain: Int8s
    """Row in `domains`."""
    domains: tuple[str, ...]
    born: Floats
    """Day of release; at most 0 for items that are there at the start."""
    retired: Floats
    """Day of retirement, infinite for items that stay."""
    slot: Int32s
    """Place on the shelf; an item's successor takes its slot when it retires."""
    category: Int32s
    probes: Int32s
    """Ids of the items on which tracking is judged: alive from start to end."""

    @property
    def items(self) -> int:
        """How many items the whole run knows."""
        return len(self.born)

    @property
    def topics(self) -> int:
        """Number of topics K."""
        return int(self.mixture.shape[1])

    def shelf(self, now: float) -> Int32s:
        """Ids of the items alive at day `now`, by slot."""
        alive = np.flatnonzero((self.born <= now) & (now < self.retired))
        shelf = np.empty(int(self.slot.max()) + 1, np.int32)
        shelf[self.slot[alive]] = alive
        return shelf


def synthetic_catalogue(params: CatalogueParams, seed: int, horizon: float, tick: float) -> Catalogue:
    """A keyed catalogue: `params.items` alive at any time, each slot a chain of items that follow one another.

    Releases fall on tick boundaries, because the set of live items is shared by all users. The first
    `probes` slots hold items that never retire.
    """
    slots = np.arange(params.items)
    domains = tuple(params.domains)
    slot_domain = _shares(keyed.uniforms(seed, Stream.ITEM, slots, 0, 1), [d.share for d in params.domains.values()])
    life = [_lifetime(d) for d in params.domains.values()]
    low = np.array([span[0] for span in life])[slot_domain]
    high = np.array([span[1] for span in life])[slot_domain]
    low[: params.probes] = high[: params.probes] = FOREVER

    born_parts, retired_parts, slot_parts, generation_parts = [], [], [], []
    alive, start, generation = slots, np.zeros(params.items), 0
    while alive.size:
        draw = keyed.uniforms(seed, Stream.ITEM_LIFE, alive, generation)
        with np.errstate(invalid="ignore"):
            span = np.where(np.isinf(low[alive]), FOREVER, low[alive] + draw * (high[alive] - low[alive]))
        if generation == 0:
            age = keyed.uniforms(seed, Stream.ITEM_LIFE, alive, 0, 1)
            start = np.where(np.isinf(span), -30.0 * age, -age * span)
        end = np.where(np.isinf(span), FOREVER, np.ceil((start + span) / tick - 1e-9) * tick)
        born_parts.append(start)
        retired_parts.append(end)
        slot_parts.append(alive)
        generation_parts.append(np.full(alive.size, generation))
        again = end < horizon
        alive, start, generation = alive[again], end[again], generation + 1
    slot = np.concatenate(slot_parts)
    generations = np.concatenate(generation_parts)
    born = np.concatenate(born_parts)
    by_release = np.lexsort((slot, np.maximum(born, 0.0)))
    slot, generations, born = slot[by_release], generations[by_release], born[by_release]
    mixture = _mixtures(seed, slot, generations, params.topics)
    return Catalogue(
        mixture=mixture,
        quality=(params.quality * keyed.normals(seed, Stream.ITEM, slot, generations, 2)).astype(np.float32),
        appeal=(params.appeal * keyed.normals(seed, Stream.ITEM, slot, generations, 3)).astype(np.float32),
        price=np.exp(2.0 + 0.5 * keyed.normals(seed, Stream.ITEM, slot, generations, 4)).astype(np.float32),
        domain=slot_domain[slot].astype(np.int8),
        domains=domains,
        born=born,
        retired=np.concatenate(retired_parts)[by_release],
        slot=slot.astype(np.int32),
        category=editorial_categories(params, seed, mixture, born),
        probes=np.arange(params.probes, dtype=np.int32),
    )


def editorial_categories(params: CatalogueParams, seed: int, mixture: Float32s, born: Floats) -> Int32s:
    """The main topic of each item, `category_noise` of them replaced; `NONE` for items that are not warm."""
    items, topics = mixture.shape
    rows = np.arange(items)
    wrong = keyed.uniforms(seed, Stream.CATEGORY, rows, 0) < params.category_noise
    shift = 1 + (keyed.uniforms(seed, Stream.CATEGORY, rows, 1) * (topics - 1)).astype(np.int64)
    main = mixture.argmax(axis=1)
    category: Int32s = np.where(wrong, (main + shift) % topics, main).astype(np.int32)
    if params.categories == "warm":
        category[born > 0.0] = NONE
    return category


def _lifetime(domain: DomainParams) -> tuple[float, float]:
    return domain.lifetime or (FOREVER, FOREVER)


def _shares(draws: Floats, shares: list[float]) -> Int64s:
    """Index of the share that each uniform falls into."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, draws, side="right"), len(shares) - 1)


def _mixtures(seed: int, slot: Int64s, generation: Int64s, topics: int) -> Float32s:
    """One to three topics an item, the first the strongest."""

    def draw(place: int) -> Floats:
        return keyed.uniforms(seed, Stream.ITEM_TOPICS, slot, generation, place)

    count = 1 + (draw(0) > 0.3).astype(int) + (draw(0) > 0.7).astype(int)
    weight = np.zeros((slot.size, topics))
    for place, strength in enumerate((1.0, 0.6, 0.35)):
        topic = np.minimum((draw(1 + 2 * place) * topics).astype(int), topics - 1)
        amount = strength * (0.7 + 0.6 * draw(2 + 2 * place)) * (count > place)
        np.add.at(weight, (np.arange(slot.size), topic), amount)
    mixture: Float32s = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return mixture
