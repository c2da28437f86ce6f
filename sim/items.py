"""The items of a run, those to be released included, and which of them may be shown.

A catalogue never changes. Candidates are one shared keyed sample a tick, or a private keyed sample a visit.
"""

from dataclasses import dataclass

import numpy as np

from driftline.sim import keyed
from driftline.sim.config.params import CatalogueParams, DomainParams
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, open_unit, philox
from driftline.sim.types import NONE, Bools, Float32s, Floats, Int8s, Int32s, Int64s

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


def shared_candidates(shelf: Int32s, count: int, tick: int, seed: int) -> Int32s:
    """`count` of the live items, keyed by the tick, in ascending order; all of them if there are fewer."""
    if count >= shelf.size:
        return np.sort(shelf)
    picked = keyed.order(seed, Stream.CANDIDATES, shelf.size, tick)[:count]
    return np.sort(shelf[picked])


@kernel
def private_candidates(users: Int64s, visits: Int32s, shelf: Int32s, count: int, seed: int, stream: int) -> Int32s:
    """`count` of the live items for each (user, visit) [n, count].

    Stratified: the shelf is cut into `count` even strips and one keyed item is taken from each, so items are distinct
    without any bookkeeping; slots are exchangeable, so every live item is equally likely up to rounding.
    """
    n, live = users.size, shelf.size
    out = np.empty((n, min(count, live)), np.int32)
    edges = np.arange(out.shape[1] + 1) * live // out.shape[1]
    for i in range(n):
        for block in range((out.shape[1] + 3) // 4):
            words = philox(users[i], visits[i], block, 1, seed, stream)
            for j in range(4):
                k = 4 * block + j
                if k < out.shape[1]:
                    out[i, k] = shelf[edges[k] + int(open_unit(words[j]) * (edges[k + 1] - edges[k]))]
    return out


@kernel
def random_slates(
    users: Int64s, visits: Int32s, candidates: Int32s, shared: bool, length: int, seed: int, stream: int
) -> Int32s:
    """A uniformly random ordered slate for each (user, visit): the warm-up's policy. Candidates [n or 1, C]."""
    n, m = users.size, candidates.shape[1]
    out = np.empty((n, length), np.int32)
    pool = np.empty(m, np.int32)
    for i in range(n):
        pool[:] = candidates[0 if shared else i]
        for k in range(length):
            word = philox(users[i], visits[i], k, 0, seed, stream)[0]
            at = k + int(open_unit(word) * (m - k))
            pool[k], pool[at] = pool[at], pool[k]
            out[i, k] = pool[k]
    return out


@kernel
def first_fault(  # noqa: C901  one pass, written for the compiler
    slates: Int32s, candidates: Int32s, shared: bool, marks: Bools
) -> tuple[int, int, int]:
    """(row, position, fault) of the first bad item: 1 not a candidate, 2 repeated; (-1, -1, 0) if all is well.

    marks: scratch of one flag per item, all False, left all False.
    """
    n, length = slates.shape
    found = (-1, -1, 0)
    if shared:
        for item in candidates[0]:
            marks[item] = True
    for i in range(n):
        for k in range(length):
            item = slates[i, k]
            known = 0 <= item < marks.size
            if known and shared:
                known = marks[item]
            elif known:
                # Looking at all of them vectorises; stopping at the first would not.
                equal = 0
                for j in range(candidates.shape[1]):
                    equal += candidates[i, j] == item
                known = equal > 0
            if not known:
                found = (i, k, 1)
                break
            for j in range(k):
                if slates[i, j] == item:
                    found = (i, k, 2)
                    break
            if found[2] > 0:
                break
        if found[2] > 0:
            break
    if shared:
        for item in candidates[0]:
            marks[item] = False
    return found
