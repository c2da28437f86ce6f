"""A real catalogue and its users' past as a world needs them: items, titles, starting interests, interactions."""

from dataclasses import dataclass

import numpy as np

from driftline.sim import keyed
from driftline.sim.config.params import WorldParams
from driftline.sim.data.events import RealData
from driftline.sim.data.interests import earliest, sample_users, starting_interests
from driftline.sim.data.movielens import load_movielens
from driftline.sim.data.own_data import load_own_data
from driftline.sim.items import FOREVER, Catalogue, editorial_categories
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Float32s, Floats, Int64s, Interactions


@dataclass(frozen=True, slots=True)
class Shop:
    """Real data, taken into a world."""

    data: RealData
    used: Bools
    """Which interactions the world is seeded with [m]; the others are kept from it."""
    catalogue: Catalogue
    homes: Floats
    """Starting interests of the world's users [N, K]."""
    data_user: Int64s
    """The data's user behind each of the world's users [N]."""

    @property
    def titles(self) -> tuple[str, ...]:
        """The items' texts, as given."""
        return self.data.texts

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics."""
        return self.data.topics

    def past(self, pseudonyms: Int64s) -> Interactions:
        """What the world's users did before the run, sorted by (time, user, item)."""
        data = self.data
        order = np.flatnonzero(self.used)
        order = order[np.argsort(data.user[order], kind="stable")]
        starts = np.searchsorted(data.user[order], np.arange(data.users + 1))
        counts = starts[self.data_user + 1] - starts[self.data_user]
        world_user = np.repeat(np.arange(self.data_user.size), counts)
        within = np.arange(world_user.size) - np.repeat(np.cumsum(counts) - counts, counts)
        row = order[starts[self.data_user[world_user]] + within]
        by_time = np.lexsort((data.item[row], pseudonyms[world_user], data.time[row]))
        row, world_user = row[by_time], world_user[by_time]
        return Interactions(pseudonyms[world_user], data.item[row], data.time[row], data.rating[row])


def open_shop(params: WorldParams, seed: int) -> Shop:
    """Read the folder that the scenario names.

    Raises:
        DataError: one line naming file, row and value, for anything that cannot be read.
    """
    stated = params.catalogue
    assert stated.path is not None, "the schema asks for a path"
    if stated.source == "movielens":
        data = load_movielens(stated.path)
    else:
        data = load_own_data(stated.path, topics=stated.topics, seed=seed)
    used = earliest(data, stated.seeded_by)
    spread = next(iter(params.groups.values())).spread
    homes = starting_interests(data, spread, used=used)
    chosen = sample_users(data, params.population.users, seed)
    return Shop(data, used, _catalogue(params, data, used, seed), homes[chosen].astype(np.float64), chosen)


def _catalogue(params: WorldParams, data: RealData, used: Bools, seed: int) -> Catalogue:
    """All items live from start to end. Appeal follows popularity, quality the shrunken mean rating."""
    stated = params.catalogue
    rows = np.arange(data.items)
    count = np.bincount(data.item[used], minlength=data.items).astype(np.float64)
    rated = used & ~np.isnan(data.rating)
    ratings = np.bincount(data.item[rated], minlength=data.items)
    total = np.bincount(data.item[rated], weights=data.rating[rated], minlength=data.items)
    mean = float(data.rating[rated].mean()) if rated.any() else 0.0
    shrunken = (total + 10.0 * mean) / (ratings + 10.0)
    quality = shrunken if rated.any() else keyed.normals(seed, Stream.ITEM, rows, 0, 2)
    by_popularity = np.lexsort((rows, -count))
    return Catalogue(
        mixture=data.mixture,
        quality=_standard(quality, stated.quality),
        appeal=_standard(np.log1p(count), stated.appeal),
        price=np.exp(2.0 + 0.5 * keyed.normals(seed, Stream.ITEM, rows, 0, 4)).astype(np.float32),
        domain=data.domain,
        domains=data.domains,
        born=np.minimum(data.born, 0.0),
        retired=np.full(data.items, FOREVER),
        slot=rows.astype(np.int32),
        category=editorial_categories(stated, seed, data.mixture, np.minimum(data.born, 0.0)),
        probes=np.sort(by_popularity[: min(stated.probes, data.items)]).astype(np.int32),
    )


def _standard(values: Floats, spread: float) -> Float32s:
    deviation = float(values.std())
    standard: Float32s = (spread * (values - values.mean()) / (deviation or 1.0)).astype(np.float32)
    return standard
