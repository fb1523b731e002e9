"""What open_clip does to a text before it is tokenized, faster and with equal results."""

import html


def clean_whitespace(text: str) -> str:
    """A text with mojibake and HTML entities undone, and single spaces between words.

    ftfy and HTML unescaping leave printable ASCII without "&" unchanged, and take ten times as long
    as the rest, so such texts skip them.
    """
    return " ".join((text if is_plain(text) else basic_clean(text)).split())


def basic_clean(text: str) -> str:
    """A text with mojibake (by ftfy) and HTML entities undone."""
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def is_plain(text: str) -> bool:
    """Whether `basic_clean` only strips a text."""
    return text.isascii() and text.isprintable() and "&" not in text
