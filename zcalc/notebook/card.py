"""The card: a result as static HTML that needs nothing else, and as text.

Everything that comes from a person or a file name is escaped; pictures are small JPEGs inside.
"""

import base64
import io
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc.equation import pieces
from zcalc.errors import ZcalcError
from zcalc.gallery import open_picture
from zcalc.language import Image, Text

if TYPE_CHECKING:
    from zcalc.result import Hit, Result
    from zcalc.words import Word

_SIDE = 144  # pixels of a thumbnail, shown at half that
_BUDGET = 120_000  # characters of all thumbnails together; past it only names are shown
_WORDS, _PICTURES, _BAR = 10, 6, 24


def card_html(result: "Result") -> str:
    """The card as HTML: equation, sentence, words, pictures, norm and timing; below 150 kB."""
    thumbnails = _Thumbnails()
    caption = result.caption()
    words, hits = result.words(_WORDS), result.nearest(_PICTURES)
    return (
        f'<div class="zcalc"><style>{style()}</style>'
        f'<div class="equation">{_equation(result, thumbnails)}</div>'
        f'<p class="sentence">{_text(caption.text)}</p>'
        f'<p class="about">{_text(about_caption(result))}</p>'
        f'<div class="columns"><div><h4>Nearest words</h4>{_words(words)}</div>'
        f'<div><h4>Nearest pictures</h4><div class="pictures">{_pictures(hits, thumbnails)}</div>'
        f'</div></div><p class="foot">{_text(foot(result))}</p></div>'
    )


def card_text(result: "Result") -> str:
    """The card as text, in a fixed width."""
    words, hits = result.words(_WORDS), result.nearest(_PICTURES)
    names = [*(w.text for w in words), *(h.name for h in hits)]
    width = max((len(name) for name in names), default=0)
    most = max((w.score for w in words), default=1.0)
    lines = [equation_text(result), "", f"  {result.caption().text}", f"  {about_caption(result)}"]
    lines += ["", "Nearest words"]
    lines += [f"  {w.text:{width}}  {w.score:5.2f}  {_bar(w.score, most)}" for w in words]
    lines += ["", "Nearest pictures"]
    lines += [f"  {h.name:{width}}  {h.score:5.2f}" for h in hits]
    return "\n".join([*lines, "", foot(result)])


def equation_text(result: "Result") -> str:
    """The equation on one line: pictures by name, texts in quotes."""
    shown = (p if isinstance(p, str) else _operand(p, result) for p in pieces(result.tree))
    return " ".join(shown).replace("( ", "(").replace(" )", ")")


def about_caption(result: "Result") -> str:
    """How good the sentence is, and what made it."""
    caption = result.caption()
    parts = [f"cosine {caption.clip:.2f}"]
    if caption.logprob is not None:
        parts.append(f"log-probability {caption.logprob:.1f} a token")
    return " · ".join([*parts, caption.method])


def foot(result: "Result") -> str:
    """The norm, the model, the time it took, and what had to be left out."""
    seconds = sum(result.seconds.values())
    parts = [f"norm {result.norm:.2f}", result.calculator.model, f"{seconds:.1f} s"]
    skipped = result.calculator.skipped
    if skipped:
        first = f"{Path(skipped[0].path).name}: {skipped[0].reason}"
        more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
        parts.append(f"skipped {first}{more}")
    return " · ".join(parts)


@cache
def style() -> str:
    """The card's style sheet."""
    return (files("zcalc.notebook") / "card.css").read_text(encoding="utf-8")


class _Thumbnails:
    """Pictures as data URIs, as long as the card stays small."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def html(self, path: Path, name: str) -> str:
        """An <img>, or nothing where the file can't be read or the card is full."""
        try:
            picture = open_picture(path)
        except ZcalcError:
            return ""
        picture.thumbnail(
            (2 * _SIDE, _SIDE) if picture.width > picture.height else (_SIDE, 2 * _SIDE)
        )
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode()
        if len(data) > self._left:
            return ""
        self._left -= len(data)
        return f'<img src="data:image/jpeg;base64,{data}" alt="{_text(name)}">'


def _equation(result: "Result", thumbnails: _Thumbnails) -> str:
    """The operands, each in one term with the signs before it, so that lines break between them."""
    terms, signs = [], ""
    for piece in pieces(result.tree):
        if isinstance(piece, str):
            signs += f'<span class="sign">{_text(piece)}</span>'
            continue
        if isinstance(piece, Image):
            picture = result.operand_pictures[piece]
            shown = _figure(thumbnails.html(picture.path, picture.name), picture.name)
        else:
            shown = f'<span class="text">“{_text(piece.text)}”</span>'
        terms.append(f'<span class="term">{signs}{shown}</span>')
        signs = ""
    return "".join(terms) + (f'<span class="term">{signs}</span>' if signs else "")


def _figure(image: str, name: str, more: str = "") -> str:
    caption = f'<figcaption title="{_text(name)}">{_text(name)}</figcaption>'
    return f"<figure>{image}{caption}{more}</figure>"


def _words(words: "list[Word]") -> str:
    most = max((w.score for w in words), default=1.0)
    return "".join(
        f'<div class="word"><span title="{_text(w.text)}">{_text(w.text)}</span>'
        f'<div class="bar" style="width:{100 * _share(w.score, most):.0f}%"></div>'
        f'<span class="score">{w.score:.2f}</span></div>'
        for w in words
    )


def _pictures(hits: "list[Hit]", thumbnails: _Thumbnails) -> str:
    return "".join(
        _figure(
            thumbnails.html(Path(hit.path), hit.name),
            hit.name,
            f'<div class="score">{hit.score:.2f}</div>',
        )
        for hit in hits
    )


def _operand(node: Image | Text, result: "Result") -> str:
    if isinstance(node, Image):
        return f"img({result.operand_pictures[node].name})"
    return f'"{node.text}"'


def _bar(score: float, most: float) -> str:
    return "█" * round(_BAR * _share(score, most))


def _share(score: float, most: float) -> float:
    return max(0.0, score / most) if most > 0 else 0.0


def _text(text: str) -> str:
    """Text inside HTML or one of its quoted attributes."""
    return escape(text.encode("utf-8", "replace").decode(), quote=True)
