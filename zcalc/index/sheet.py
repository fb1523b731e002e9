"""The contact sheet: results as one page that needs nothing else.

Everything that comes from a person or a file is escaped; pictures are small JPEGs inside.
"""

import base64
import io
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from zcalc.gallery import printable
from zcalc.index.query import Hit

_SIDE = 360  # pixels of a thumbnail, shown at half that


def sheet(title: str, about: Sequence[str], hits: Sequence[Hit]) -> str:
    """Results as an HTML page; `title` is what was asked, `about` says how, a fact each."""
    facts = "".join(f"<li>{_text(fact)}</li>" for fact in about)
    shown = "\n".join(_figure(i, hit) for i, hit in enumerate(hits, 1))
    body = f'<main class="sheet">{shown}</main>' if hits else '<p class="none">No pictures.</p>'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{_text(title)} · zcalc</title>
<style>{_style()}</style>
</head>
<body>
<header><h1>{_text(title)}</h1><ul>{facts}</ul></header>
{body}
</body>
</html>
"""


def _figure(rank: int, hit: Hit) -> str:
    """A picture with its rank, name, cosine, metadata and near-duplicates."""
    rows = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(str(value))}</dd></div>"
        for name, value in hit.metadata.items()
    )
    facts = f"<dl>{rows}</dl>" if rows else ""
    alike = ""
    if hit.alike:
        listed = "".join(
            f"<li>{_text(other.name)} <span>{other.score:.2f}</span></li>" for other in hit.alike
        )
        alike = f"<details><summary>{_count(hit)}</summary><ul>{listed}</ul></details>"
    gone = '<span class="gone">missing</span>' if hit.missing else ""
    return (
        f'<figure title="{_text(hit.path)}"><div class="frame">{_picture(hit)}'
        f'<span class="rank">{rank}</span>{gone}</div>'
        f'<figcaption><div class="line"><b>{_text(hit.name)}</b>'
        f'<span class="score">{hit.score:.3f}</span></div>'
        f'<div class="path">{_text(_place(hit.path))}</div>{facts}{alike}</figcaption></figure>'
    )


def _count(hit: Hit) -> str:
    count = len(hit.alike)
    return f"{count} near-duplicate{'s' * (count > 1)}"


def _picture(hit: Hit) -> str:
    picture = hit.thumbnail(_SIDE)
    if picture is None:
        why = "The file is gone or has moved" if hit.missing else "The file can't be read"
        return f'<div class="lost">{why}</div>'
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{_text(hit.name)}">'


def _place(path: str) -> str:
    """The end of a path: its folder and name."""
    return str(Path(*Path(path).parts[-2:]))


@cache
def _style() -> str:
    return (files("zcalc.index") / "sheet.css").read_text(encoding="utf-8")


def _text(text: str) -> str:
    """Text inside HTML or one of its quoted attributes."""
    return escape(printable(text.encode("utf-8", "replace").decode()), quote=True)
