"""What never changes in a world: its numbers, items, texts, laws and starting users. Twins share it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.sim import keyed
from driftline.sim.affinity import ItemNumbers, item_numbers
from driftline.sim.choice import Choice
from driftline.sim.config.params import ResponseParams, WorldParams
from driftline.sim.data.shop import Shop, open_shop
from driftline.sim.errors import InputError
from driftline.sim.items import Catalogue, synthetic_catalogue
from driftline.sim.keyed import Stream
from driftline.sim.laws._base import Law
from driftline.sim.oracle import SlateValues
from driftline.sim.response import CommentNumbers
from driftline.sim.state import Population, Queries, no_queries, populate
from driftline.sim.text.corpus import Corpus, build_corpus
from driftline.sim.types import (
    Bools,
    Float32s,
    Floats,
    Int32s,
    Int64s,
    Interactions,
    Items,
    empty_interactions,
    read_only,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One law of one group: whose components it moves, and with what numbers."""

    name: str
    law: Law
    group: int
    slot: int
    stream: int
    shared: Floats
    numbers: Any


@dataclass(frozen=True, slots=True)
class WorldModel:
    """The immutable part of a world. Latent in large part: agents never get hold of it."""

    params: WorldParams
    seed: int
    catalogue: Catalogue
    corpus: Corpus
    shop: Shop | None
    """The real data behind the world, if any."""
    parts: tuple[Part, ...]
    law_names: tuple[str, ...]
    """By slot of `Population.components`."""
    group_names: tuple[str, ...]
    topic_names: tuple[str, ...]
    response: ResponseParams
    """Its numbers as compiled code reads them."""
    comments: CommentNumbers
    item_numbers: ItemNumbers
    choice: Choice
    streams: tuple[int, int, int]
    marks: Bools
    """Scratch of the slate check, all False between calls."""

    @property
    def reacts(self) -> bool:
        """Whether any law reacts to consumption."""
        return any(type(part.law).consume is not None for part in self.parts)

    @property
    def values(self) -> SlateValues:
        """Expected rewards of slates, by the truth."""
        return SlateValues(self.item_numbers, self.choice, self.response, self.params.reward)

    @property
    def catalogue_text(self) -> Int32s:
        """Segment code of each item's text [I]."""
        return self.corpus.item_text

    @property
    def past(self) -> Interactions:
        """Real interactions from before the run, under the users' pseudonyms."""
        return self.shop.past(self.population().pseudonym) if self.shop else empty_interactions()

    def population(self) -> Population:
        """Fresh users, before day 0 of any law."""
        params = self.params
        return populate(
            params.population,
            params.groups,
            laws=len(self.law_names),
            topics=self.catalogue.topics,
            seed=self.seed,
            warmup=params.warmup,
            horizon=params.horizon,
            homes=self.shop.homes if self.shop else None,
        )

    def items(self, ids: Int32s) -> Items:
        """What an operator knows of these items."""
        shelf = self.catalogue
        return Items(
            read_only(ids),
            read_only(self.corpus.item_text[ids]),
            read_only(shelf.domain[ids]),
            read_only(shelf.price[ids]),
            read_only(shelf.born[ids]),
            read_only(shelf.category[ids]),
        )

    def queries(self, users: Int64s, visits: Int32s, theta: Float32s, gap_days: Floats) -> Queries:
        """The searches with which these visits begin: a topic drawn from the interest, one of its queries.

        A visit begins with one if any fell into the mean time between two visits (`gap_days` [N] a session).
        """
        rate = self.params.text.queries_per_day
        if rate == 0.0 or not users.size:
            return no_queries()
        chance = -np.expm1(-rate * gap_days[users] * (1.0 - self.params.population.more))
        draw = [keyed.uniforms(self.seed, Stream.QUERY, users, visits, slot) for slot in range(3)]
        searching = draw[0] < chance
        who = users[searching]
        interest = np.exp(theta[who] - theta[who].max(axis=1, keepdims=True)).astype(np.float64)
        edges = np.cumsum(interest, axis=1)
        topic = (draw[1][searching, None] * edges[:, -1:] > edges).sum(axis=1)
        codes = self.corpus.queries
        return Queries(who, codes[topic, (draw[2][searching] * codes.shape[1]).astype(np.int64)])


def world_model(params: WorldParams, seed: int) -> WorldModel:
    """Build what a world stands on; all bad input is found here, before any work starts."""
    shop = open_shop(params, seed) if params.catalogue.source != "synthetic" else None
    catalogue = shop.catalogue if shop else synthetic_catalogue(params.catalogue, seed, params.horizon, params.tick)
    corpus = build_corpus(
        params.text,
        seed=seed,
        mixture=catalogue.mixture,
        domain=catalogue.domain,
        domains=catalogue.domains,
        born=catalogue.born,
        horizon=params.horizon,
        titles=shop.titles if shop else None,
    )
    names = tuple(dict.fromkeys(name for group in params.groups.values() for name in group.laws))
    return WorldModel(
        params=params,
        seed=seed,
        catalogue=catalogue,
        corpus=corpus,
        shop=shop,
        parts=_parts(params, names, catalogue.topics, seed),
        law_names=names,
        group_names=tuple(params.groups),
        topic_names=shop.topics if shop else corpus.topic_names,
        response=params.response.numbers(),
        comments=CommentNumbers(
            corpus.comments.codes,
            corpus.comments.first,
            corpus.comments.frames,
            corpus.comments.available,
            params.text.sentiment,
        ),
        item_numbers=item_numbers(catalogue.mixture, catalogue.quality, catalogue.appeal),
        choice=_choice(params),
        streams=(int(Stream.CHOICE), int(Stream.RESPONSE), int(Stream.COMMENT)),
        marks=np.zeros(catalogue.items, np.bool_),
    )


def _choice(params: WorldParams) -> Choice:
    choice = Choice.of(params.choice.built(), params.slate)
    fault = choice.fault()
    if fault is not None:
        raise InputError(f"choice model {params.choice.model!r}: {fault}")
    return choice


def _parts(params: WorldParams, names: tuple[str, ...], topics: int, seed: int) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=name,
            law=law,
            group=number,
            slot=names.index(name),
            stream=int(Stream.LAW) + names.index(name),
            shared=law.shared(topics, seed),
            numbers=law.numbers(),
        )
        for number, group in enumerate(params.groups.values())
        for name, law in group.laws.items()
    )
