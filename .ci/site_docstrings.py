"""Docstrings are plain text: brackets state the shapes of arrays, and never make a link or a tag."""

import re
from typing import Any

import griffe

VERBATIM = re.compile(r"(```.*?```|`[^`]*`|^ *>>>.*?(?:\n\s*\n|\Z))", re.DOTALL | re.MULTILINE)
"""Code, and examples up to the next blank line."""
EXAMPLE = re.compile(r"^Example:(?=\n+ +>>>)", re.MULTILINE)
SHAPE_AFTER_SHAPE = re.compile(r"\](?=\s\[)")


class PlainText(griffe.Extension):
    """Escapes what Markdown would take for links and tags."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of anything that has one."""
        if obj.docstring:
            # The one example of a docstring is a section whose name the reader of docstrings knows in the plural only.
            parts = VERBATIM.split(EXAMPLE.sub("Examples:", obj.docstring.value))
            obj.docstring.value = "".join(part if k % 2 else escaped(part) for k, part in enumerate(parts))


def escaped(text: str) -> str:
    """Prose in which no bracket makes a link or a tag; indented code stays as it is."""
    lines = text.split("\n")
    prose = (line if line.startswith("    ") else line.replace("<", "&lt;").replace("](", "\\](") for line in lines)
    return SHAPE_AFTER_SHAPE.sub(r"\\]", "\n".join(prose))
