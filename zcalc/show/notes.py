"""Remarks below pictures."""

from zcalc.pictures import printable


def caption_note(caption: str, width: int = 48) -> str:
    """That a picture's caption is part of its point, with its first `width` characters.

    >>> caption_note("Barack Obama")
    'with its caption: Barack Obama'
    """
    short = caption if len(caption) <= width else caption[: width - 1].rstrip() + "…"
    return f"with its caption: {printable(short)}"
