"""The stated variations, in the order in which they are run and shown."""

from collections.abc import Iterable

from driftline.scenarios.schema import Scenario
from driftline.scenarios.vary.drift import drift_times
from driftline.scenarios.vary.variation import Change, Edit, Skip, Variation
from driftline.sim.errors import InputError, hint
from driftline.sim.text.lexicon import lexicon

OTHER_TEXTS = 1_000_000
"""The seed of the other texts, unless the scenario states one: then the next."""


def _choice(scenario: Scenario, model: str) -> Edit | Skip:
    own = scenario.choice.model
    if own == model:
        return Skip(f"choice.model is {own} already")
    return Edit((Change(("choice", "model"), own, model),))


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
