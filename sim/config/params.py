"""The numbers of a world: what a scenario file says of its users, items, texts, choices and responses."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from driftline.sim.choice import CHOICE_MODELS, ChoiceModel
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, hint
from driftline.sim.laws._base import Law, laws_from_file
from driftline.sim.types import Count, Params, Positive, RewardKind, Share, Spread, Utility


class TextParams(Params):
    """How titles, comments and queries are written, and how much reading them is worth."""

    scramble: bool = False
    """Replace every word by a fixed random string: then texts keep value as ids only."""
    held_back: Share = 0.3
    """Share of each topic's words that stand only in items born after mid-run, more of them as time goes."""
    ambiguous: Share = 0.08
    """Share of title words that two topics share."""
    typo: Share = 0.05
    """Share of written segments that are misspelt, for good."""
    sentiment: bool = True
    """Whether comments say how the item was liked; if not, all comments are small talk."""
    sentiment_words: Annotated[int, Field(ge=2, le=320)] = 320
    """Words of praise, and as many of complaint."""
    sentiment_held_back: Share = 0.5
    """Share of those words that enter one by one, evenly over the run."""
    comment_frames: Annotated[int, Field(ge=1, le=14)] = 4
    """Comments per word of praise or complaint."""
    negated: Share = 0.05
    """Share of those comments that negate a word of the opposite class (at most five per word)."""
    mixed_pairs: Annotated[int, Field(ge=1, le=320**2)] = 800
    """Comments that praise and complain."""
    queries_per_day: Annotated[float, Field(ge=0.0, le=1_000.0)] = 0.0
    """Searches per user and day; 0 writes no queries."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the texts; null: the world's."""

    @model_validator(mode="after")
    def _enough_pairs(self) -> "TextParams":
        most = self.sentiment_words**2
        if self.mixed_pairs > most:
            raise ValueError(f"mixed_pairs = {self.mixed_pairs}: must be <= sentiment_words squared = {most}")
        return self


class PopulationParams(Params):
    """Who the users are and how often they come.

    Sessions of one user are a Poisson process with its own rate, log-normal over users around `sessions_per_day`;
    a session goes on after each visit with probability `more`, after an exponential gap of `gap_minutes`
    (at most an hour).
    """

    users: Annotated[int, Field(ge=1, le=100_000_000)] = 2_000
    sessions_per_day: Annotated[float, Field(gt=0.0, le=1_000.0)] = 0.6
    sessions_spread: Annotated[float, Field(ge=0.0, le=2.0)] = 0.3
    """Standard deviation of the logarithm of a user's rate."""
    more: Annotated[float, Field(ge=0.0, le=0.99)] = 0.35
    gap_minutes: Annotated[float, Field(ge=0.01, le=60.0)] = 4.0
    late_users: Share = 0.0
    """Share of users who arrive at a keyed time after the warm-up (cold starts)."""


class Group(Params):
    """Users who share their laws of drift."""

    share: Positive = 1.0
    """Relative size."""
    spread: Spread | None = None
    """Standard deviation of the home interest's logits; null: 2 for invented users, for real ones what their past
    says."""
    laws: dict[str, SerializeAsAny[Law]]
    """By name: a built-in law or `package.module:Class`, with its numbers."""

    @field_validator("laws", mode="before")
    @classmethod
    def _build(cls, stated: Any) -> Any:
        return laws_from_file(stated) if isinstance(stated, dict) else stated

    @field_validator("laws")
    @classmethod
    def _some(cls, laws: dict[str, Law]) -> dict[str, Law]:
        if not laws:
            raise ValueError("a group needs at least one law; use `static: {}` for no drift")
        return laws


Lifetime = Annotated[float, Field(ge=0.1, le=1e6)]
"""Days: shorter ones would fill the run with items that nobody is shown."""


class DomainParams(Params):
    """A kind of item."""

    share: Positive = 1.0
    lifetime: tuple[Lifetime, Lifetime] | None = None
    """Days between release and retirement, uniform in this range; null: items stay for ever."""

    @model_validator(mode="after")
    def _ordered(self) -> "DomainParams":
        if self.lifetime and self.lifetime[0] > self.lifetime[1]:
            raise ValueError(f"lifetime {list(self.lifetime)}: the first number must not exceed the second")
        return self


class CatalogueParams(Params):
    """What there is to recommend."""

    source: Literal["synthetic", "movielens", "own_data"] = "synthetic"
    path: Path | None = None
    """Folder of a real catalogue; needed unless the source is synthetic."""
    seeded_by: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of each real user's interactions, the earliest, that the world is seeded with."""
    items: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    """Items alive at any time (synthetic)."""
    topics: Annotated[int, Field(ge=2, le=1_000)] = 16
    domains: dict[str, DomainParams] = Field(default_factory=lambda: {"news": DomainParams(), "video": DomainParams()})
    quality: Spread = 0.6
    """Standard deviation of what satisfies beyond interest."""
    appeal: Spread = 0.6
    """Standard deviation of what attracts a click beyond interest; independent of quality."""
    probes: Count = 64
    """Items that are alive from start to end, on which tracking is judged."""
    category_noise: Share = 0.1
    """Share of editorial categories that are wrong."""
    categories: Literal["warm", "all"] = "warm"
    """Which items have an editorial category: those alive at the start, or all."""

    @model_validator(mode="after")
    def _consistent(self) -> "CatalogueParams":
        if self.probes > self.items:
            raise ValueError(f"probes = {self.probes}: must be <= items = {self.items}")
        if not self.domains:
            raise ValueError("domains: at least one is needed")
        return self


class CandidateParams(Params):
    """Which items an agent may choose from at a visit: one shared set a tick, or a private set a visit."""

    shared: Count | None = None
    private: Annotated[int, Field(ge=1, le=100)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _either(cls, stated: Any) -> Any:
        if isinstance(stated, dict) and sum(stated.get(key) is not None for key in ("shared", "private")) != 1:
            raise ValueError("state either `shared: N` or `private: N` (at most 100), the other one null")
        return stated


class ChoiceParams(Params):
    """How a user chooses from a slate, with click utility u_i = theta . m_i + appeal_i: at most one item a visit.

    A model takes those of `position_decay`, `outside` and `persistence` that it has fields for.
    """

    model: str = "multinomial_logit"
    """A built-in model or `package.module:Class`."""
    position_decay: Spread = 0.5
    """Of the multinomial logit and the position-based model."""
    outside: Utility = 2.5
    """Utility of taking nothing."""
    persistence: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """Of the cascade: chance to go on to the next position after an item that was not taken."""
    params: Annotated[dict[str, Any], Field(validate_default=True)] = {}  # noqa: RUF012  frozen
    """Further numbers of a model of one's own, by the names of its fields."""

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        CHOICE_MODELS.find(model)
        return model

    @field_validator("params")
    @classmethod
    def _whole(cls, params: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Checked by the model, and with its defaults, so that a hash sees them."""
        if len(info.data) < len(cls.model_fields) - 1:
            return params  # something before it is wrong already
        model = _choice_model(info.data, params)
        return model.model_dump(mode="json", exclude=set(info.data))

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A built-in model has no numbers of its own, and says nothing of them."""
        stated: dict[str, Any] = dump(self)
        return stated if self.params else {key: value for key, value in stated.items() if key != "params"}

    def built(self) -> ChoiceModel:
        """The model itself."""
        return _choice_model(self.__dict__, self.params)


def _choice_model(shared: dict[str, Any], own: dict[str, Any]) -> ChoiceModel:
    """The model that `shared` names, from those of the shared numbers that it has fields for, and its own."""
    kind = CHOICE_MODELS.find(shared["model"])
    taken = {name: value for name, value in shared.items() if name in kind.model_fields and name != "params"}
    twice = [name for name in own if name in shared]
    if twice:
        raise InputError(f"{twice[0]} = {own[twice[0]]!r}: state it as choice.{twice[0]}")
    legal = [name for name in kind.model_fields if name not in taken]
    unknown = [name for name in own if name not in legal]
    if unknown:
        near = hint(unknown[0], legal) if legal else f"{shared['model']} has no numbers of its own"
        raise InputError(f"key {unknown[0]!r} is unknown; {near}")
    try:
        return kind.model_validate(taken | own)
    except ValidationError as problem:
        raise InputError(complaints(problem, taken | own, kind)[0]) from problem


class ResponseParams(Params):
    """What follows a choice.

    Satisfaction s = 2 Phi(x + noise e) - 1 with x = (theta . m_i + quality_i - level) / scale and e standard
    normal, in (-1, 1); its mean over e is 2 Phi(x / sqrt(1 + noise^2)) - 1. Dwell is log-normal and hardly depends
    on s. A rating from 1 to 5, about 3 + 2 s, is given rarely; a comment is written often, its words by s.
    """

    level: Utility = 2.0
    scale: Annotated[float, Field(ge=0.001, le=1_000.0)] = 1.04
    noise: Spread = 0.63
    rating: Share = 0.04
    """Chance that a consumption is rated."""
    rating_noise: Spread = 0.5
    comment: Share = 0.8
    """Chance that a consumption is commented."""
    comment_noise: Share = 0.08
    """Share of comments whose words have nothing to do with satisfaction."""
    comment_threshold: Share = 0.3
    """|s| above which words are clearly positive or negative."""
    dwell_median: Annotated[float, Field(gt=0.0, le=86_400.0)] = 60.0
    """Seconds."""
    dwell_spread: Annotated[float, Field(ge=0.0, le=5.0)] = 0.8
    dwell_effect: Annotated[float, Field(ge=0.0, le=5.0)] = 0.15
    """Added to log dwell per unit of satisfaction."""
    purchase: Share = 0.3
    """Chance that a fully satisfying consumption ends in a purchase, (1 + s) / 2 of it otherwise."""


class WorldParams(Params):
    """A world, whole."""

    population: PopulationParams = PopulationParams()
    groups: dict[str, Group]
    catalogue: CatalogueParams = CatalogueParams()
    candidates: CandidateParams = CandidateParams(private=100)
    text: TextParams = TextParams()
    choice: ChoiceParams = ChoiceParams()
    response: ResponseParams = ResponseParams()
    reward: RewardKind = "satisfaction"
    horizon: Annotated[float, Field(gt=0.0, le=36_525.0)] = 60.0
    """Days, at most a century."""
    warmup: Annotated[float, Field(ge=0.0, le=36_525.0)] = 14.0
    """Days under the keyed random policy; outside all metrics."""
    tick: Annotated[float, Field(ge=0.001, le=1.0)] = 0.25
    """Days between the moments at which shared state may change."""
    slate: Annotated[int, Field(ge=1, le=100)] = 10

    @model_validator(mode="after")
    def _consistent(self) -> "WorldParams":
        available = self.candidates.shared or self.candidates.private or 0
        if self.catalogue.source == "synthetic":
            available = min(available, self.catalogue.items)
        if self.slate > available:
            raise ValueError(f"slate = {self.slate}: must be <= the number of candidates, {available}")
        if self.warmup >= self.horizon:
            raise ValueError(f"warmup = {self.warmup:g}: must be < horizon = {self.horizon:g}")
        if abs(1.0 / self.tick - round(1.0 / self.tick)) > 1e-9:
            raise ValueError(f"tick = {self.tick:g}: a day must be a whole number of ticks")
        if abs(self.warmup / self.tick - round(self.warmup / self.tick)) > 1e-9:
            raise ValueError(f"warmup = {self.warmup:g}: must be a whole number of ticks of {self.tick:g} days")
        if not self.groups:
            raise ValueError("groups: at least one group of users is needed")
        if self.catalogue.source != "synthetic" and self.catalogue.path is None:
            raise ValueError(f"catalogue.path: a folder is needed for source {self.catalogue.source!r}")
        return self
