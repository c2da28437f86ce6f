"""The stated variations of a world: the keys that each changes in a scenario, or why it cannot."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from driftline.scenarios.schema import Scenario, check
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, hint
from driftline.sim.laws._base import Law
from driftline.sim.text.lexicon import lexicon

OTHER_TEXTS = 1_000_000
"""The seed of the other texts, unless the scenario states one: then the next."""


@dataclass(frozen=True, slots=True)
class Change:
    """One key, as it was and as it becomes."""

    path: tuple[str, ...]
    """The key's names from the top; a group's or a law's own name may hold dots."""
    before: object
    after: object

    @property
    def key(self) -> str:
        """The dotted key, as `--set` takes it."""
        return ".".join(self.path)

    def __str__(self) -> str:
        return f"{self.key} {_shown(self.before)} -> {_shown(self.after)}"


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Edit:
    """What a variation changes in one scenario."""

    changes: tuple[Change, ...]
    note: str = ""
    """What it leaves as it was although its name promises more; empty if nothing."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a scenario cannot have a variation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Variation:
    """One stated way in which a world is made another."""

    name: str
    kind: str
    """choice, topics, drift, text or reward: variations of one kind can be asked for together."""
    says: str
    """What it does, in a few words."""
    edit: Callable[[Scenario], Edit | Skip]


def chosen(names: Iterable[str] | None) -> tuple[Variation, ...]:
    """The variations of these names or kinds, in their own order; None: all.

    Raises:
        InputError: an unknown name, with the nearest legal one; or none at all.
    """
    if names is None:
        return VARIATIONS
    wanted = {names} if isinstance(names, str) else set(names)
    legal = {name for each in VARIATIONS for name in (each.name, each.kind)}
    for name in sorted(wanted - legal):
        raise InputError(f"variation {name!r} is unknown; {hint(name, legal)}")
    if not wanted:
        raise InputError("variations: at least one is needed")
    return tuple(each for each in VARIATIONS if each.name in wanted or each.kind in wanted)


def varied(scenario: Scenario, name: str, changes: Sequence[Change]) -> Scenario:
    """The scenario with the changes put in, checked whole; its title says which variation it is.

    Raises:
        InputError: a changed number is not legal.
    """
    stated = scenario.model_dump(mode="json")
    for change in changes:
        node: dict[str, Any] = stated
        for name_below in change.path[:-1]:
            node = node[name_below]
        node[change.path[-1]] = change.after
    stated["title"] = f"{scenario.title} ({name})"
    return check(stated)


def drift_times(scenario: Scenario, factor: float) -> Edit | Skip:
    """Every law of every group runs `factor` times as fast, as `Law.scaled` says.

    A law that does not say its rates stays as it is, and is named.
    """
    changes: list[Change] = []
    silent: dict[str, None] = {}
    for group, stated in scenario.groups.items():
        for name, law in stated.laws.items():
            place = ("groups", group, "laws", name)
            if law.rates is None:
                silent[name] = None
                continue
            try:
                faster = law.scaled(factor)
            except ValidationError as problem:
                return Skip(_illegal(place, law, factor, problem))
            changes += _changes(place, law, faster)
    untouched = f"{', '.join(silent)}: not touched, as {'they do' if len(silent) > 1 else 'it does'} not say `rates`"
    if not changes:
        return Skip(untouched if silent else "no law of this world has a rate of drift")
    return Edit(tuple(changes), untouched if silent else "")


def _changes(place: tuple[str, ...], law: Law, faster: Law) -> list[Change]:
    """The fields in which two laws of one class differ."""
    pairs = ((field, getattr(law, field), getattr(faster, field)) for field in type(law).model_fields)
    return [Change((*place, field), before, after) for field, before, after in pairs if before != after]


def _illegal(place: tuple[str, ...], law: Law, factor: float, problem: ValidationError) -> str:
    """A rate that is legal may have a multiple that is not."""
    return f"{'.'.join(place)} x {factor:g}: {complaints(problem, {}, type(law))[0]}"


def _choice(scenario: Scenario, model: str) -> Edit | Skip:
    own = scenario.choice.model
    if own == model:
        return Skip(f"choice.model is {own} already")
    numbers = scenario.choice.params
    gone = (Change(("choice", "params"), numbers, {}),) if numbers else ()
    return Edit((Change(("choice", "model"), own, model), *gone))


def _topics(scenario: Scenario, wanted: float) -> Edit | Skip:
    """Half or twice as many topics, but at least 2 and at most as many as the lexicon has words for."""
    own, most = scenario.catalogue.topics, len(lexicon().topics)
    if scenario.catalogue.source != "synthetic":
        return Skip(f"the topics of a catalogue from {scenario.catalogue.source} are those of its data")
    after = min(max(round(own * wanted), 2), most)
    if (after - own) * (wanted - 1.0) <= 0.0:
        bound = "the fewest that a world can have" if wanted < 1.0 else "all that the lexicon has words for"
        return Skip(f"catalogue.topics is {own}, {bound}")
    return Edit((Change(("catalogue", "topics"), own, after),))


def _text(scenario: Scenario) -> Edit | Skip:
    own = scenario.text.seed
    titles = "" if scenario.catalogue.source == "synthetic" else "titles are real and stay; comments are others"
    return Edit((Change(("text", "seed"), own, OTHER_TEXTS if own is None else own + 1),), titles)


def _reward(scenario: Scenario) -> Edit | Skip:
    own = scenario.reward
    return Edit((Change(("reward",), own, "satisfaction" if own == "click" else "click"),))


VARIATIONS: tuple[Variation, ...] = (
    Variation("logit_choice", "choice", "choice by multinomial logit", lambda own: _choice(own, "multinomial_logit")),
    Variation("cascade_choice", "choice", "choice by cascade", lambda own: _choice(own, "cascade")),
    Variation("position_choice", "choice", "position-based choice", lambda own: _choice(own, "position_based")),
    Variation("half_topics", "topics", "half as many topics", lambda own: _topics(own, 0.5)),
    Variation("more_topics", "topics", "twice as many topics, or all there are words for", lambda own: _topics(own, 2)),
    Variation("half_drift", "drift", "drift rates x 0.5", lambda own: drift_times(own, 0.5)),
    Variation("double_drift", "drift", "drift rates x 2", lambda own: drift_times(own, 2.0)),
    Variation("other_text", "text", "other words in the same world", _text),
    Variation("other_reward", "reward", "clicks for reward, or satisfaction where clicks were", _reward),
)
