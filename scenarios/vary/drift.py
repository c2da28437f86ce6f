"""Faster and slower drift: every law's own rates, scaled."""

from pydantic import ValidationError

from driftline.scenarios.schema import Scenario
from driftline.scenarios.vary.variation import Change, Edit, Skip
from driftline.sim.config.validation import complaints
from driftline.sim.laws._base import Law


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
