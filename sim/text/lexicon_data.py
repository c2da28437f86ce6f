"""The lexicon: the words and frames of which texts are made, read from `lexicon/*.yaml` when first needed."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Data only; what each part may contain is said in its file and held by tests."""

    topics: dict[str, tuple[str, ...]]
    """Words by topic; the names are truth."""
    ambiguous: dict[str, tuple[str, ...]]
    """Word -> the two topics that share it."""
    titles: dict[str, tuple[str, ...]]
    """Title frames by domain, slots written `{}`."""
    praise: tuple[str, ...]
    complaint: tuple[str, ...]
    plain: tuple[str, ...]
    """Comment frames with `{own}`, a word of the comment's class."""
    negated: tuple[str, ...]
    """Comment frames with `{other}`, a word of the opposite class."""
    mixed: tuple[str, ...]
    """Comment frames with `{positive}` and `{negative}`."""
    small_talk: tuple[str, ...]
    """Comment frames with `{setting}`."""
    settings: tuple[str, ...]
    queries: tuple[str, ...]
    """Query frames, slots written `{}`."""


def _read(name: str) -> Any:
    return yaml.load((files(__package__) / "lexicon" / f"{name}.yaml").read_text("utf-8"), Loader)


def _tuples(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(words) for key, words in lists.items()}


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once per process."""
    feelings, comments = _tuples(_read("sentiment")), _read("comments")
    return Lexicon(
        topics=_tuples(_read("topics")),
        ambiguous=_tuples(_read("ambiguous")),
        titles=_tuples(_read("titles")),
        praise=feelings["positive"],
        complaint=feelings["negative"],
        plain=tuple(comments["plain"]),
        negated=tuple(comments["negated"]),
        mixed=tuple(comments["mixed"]),
        small_talk=tuple(comments["noise"]["frames"]),
        settings=tuple(comments["noise"]["settings"]),
        queries=tuple(_read("queries")),
    )
