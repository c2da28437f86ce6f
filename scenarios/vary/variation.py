"""What a variation is: a name, and the keys that it changes in a scenario, or why it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.scenarios.discovery import check
from driftline.scenarios.schema import Scenario


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


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
