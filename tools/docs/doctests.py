"""A griffe extension: examples in docstrings are shown as code."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts fences around the doctests of a docstring, which Markdown takes for quotations."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    r"""Put each doctest of a text into a code block.

    >>> fenced("Add.\n\n>>> 1 + 1\n2\n\nEnd.")
    'Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nEnd.'
    """
    return _EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", text)
