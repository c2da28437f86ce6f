"""Docstrings are plain text: brackets state the shapes of arrays, and never make a link or a tag.

What a package's docstring says of its files is for those who read the code; the reference leaves it out. A paragraph
that says what arguments or fields are becomes a list.
"""

import re
from pathlib import Path
from typing import Any

import griffe

VERBATIM = re.compile(r"(```.*?```|`[^`]*`|^ *>>>.*?(?:\n\s*\n|\Z))", re.DOTALL | re.MULTILINE)
"""Code, and examples up to the next blank line."""
EXAMPLE = re.compile(r"^Example:(?=\n+ +>>>)", re.MULTILINE)
SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z`])")
"""Where a sentence begins."""
SHAPE_AFTER_SHAPE = re.compile(r"\](?=\s\[)")


class PlainText(griffe.Extension):
    """Escapes what Markdown would take for links and tags."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of anything that has one."""
        if obj.docstring:
            # The one example of a docstring is a section whose name the reader of docstrings knows in the plural only.
            text = EXAMPLE.sub("Examples:", obj.docstring.value)
            if isinstance(obj, griffe.Module) and obj.is_init_module:
                text = without_files(text, {path.stem for path in Path(str(obj.filepath)).parent.iterdir()})
            text = with_lists(text, explained(obj))
            parts = VERBATIM.split(text)
            obj.docstring.value = "".join(part if k % 2 else escaped(part) for k, part in enumerate(parts))


def escaped(text: str) -> str:
    """Prose in which no bracket makes a link or a tag; indented code stays as it is."""
    lines = text.split("\n")
    prose = (line if line.startswith("    ") else line.replace("<", "&lt;").replace("](", "\\](") for line in lines)
    return SHAPE_AFTER_SHAPE.sub(r"\\]", "\n".join(prose))


def without_files(text: str, names: set[str]) -> str:
    """A package's docstring without the paragraphs that name two or more of its own modules."""
    own = "|".join(sorted(names))
    mentions = re.compile(rf"^(?:{own})(?:\.py|/)?(?= |$)|`(?:{own})(?:\.py|/)?`", re.MULTILINE)
    first, *rest = text.split("\n\n")
    return "\n\n".join([first, *(each for each in rest if len(mentions.findall(each)) < 2)])


def explained(obj: griffe.Object) -> set[str]:
    """Names that a docstring may explain: a function's arguments, a class's fields."""
    if isinstance(obj, griffe.Function):
        return {each.name for each in obj.parameters}
    return {*obj.attributes} if isinstance(obj, griffe.Class) else set()


def with_lists(text: str, names: set[str]) -> str:
    """`name [shape]: meaning. name: meaning.` as a list, where a paragraph begins so."""
    if not names:
        return text
    name = rf"`?(?:{'|'.join(map(re.escape, sorted(names)))})`?(?: \[[^\]]*\])?"
    entry = re.compile(rf"(?:^|(?<=[.;])\s+)({name}(?:(?:,|\sand)\s{name})*): ")

    def listed(paragraph: str) -> str:
        if not entry.match(paragraph):
            return paragraph
        _, *parts = entry.split(paragraph)
        *meanings, last = parts[1::2]
        last, *rest = SENTENCE.split(last, maxsplit=1)
        heads = (" ".join(head.replace("`", "").split()) for head in parts[::2])
        pairs = zip(heads, (*meanings, last), strict=True)
        items = "\n".join(f"* **{head}**: {' '.join(meaning.split())}" for head, meaning in pairs)
        return "\n\n".join([items, *rest])

    return "\n\n".join(map(listed, text.split("\n\n")))
