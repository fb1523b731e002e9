"""The contact sheet: an answer's pictures as one self-contained HTML page.

Everything that comes from a person or a file is escaped; pictures are small JPEGs inside.
"""

from pathlib import Path

from zcalc.answer import Answer
from zcalc.index.hits import Hit, shown
from zcalc.pictures import printable
from zcalc.show.html import escaped, jpeg_uri, style_sheet
from zcalc.show.notes import caption_note

_SIDE = 360  # pixels of a thumbnail, displayed at half that


def sheet(answer: Answer) -> str:
    """The pictures of an answer as an HTML page, headed by the expression and the settings."""
    hits = answer.images or ()
    facts = [f"{len(hits)} of {answer.searched:,} pictures", answer.model]
    facts += [f"{name} {value}" for name, value in answer.query.items()]
    items = "".join(f"<li>{_text(fact)}</li>" for fact in facts)
    remarks = "".join(f'<p class="remark">{_text(remark)}</p>' for remark in answer.remarks)
    figures = "\n".join(_figure(rank, hit) for rank, hit in enumerate(hits, 1))
    body = f'<main class="sheet">{figures}</main>' if hits else '<p class="empty">No pictures.</p>'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{_text(answer.expr)} · zcalc</title>
<style>{style_sheet("sheet.css")}</style>
</head>
<body>
<header><h1>{_text(answer.expr)}</h1><ul>{items}</ul>{remarks}</header>
{body}
</body>
</html>
"""


def _figure(rank: int, hit: Hit) -> str:
    """A picture with its rank, name, cosine, metadata and near-duplicates."""
    rows = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(shown(value))}</dd></div>"
        for name, value in hit.details.items()
    )
    metadata = f"<dl>{rows}</dl>" if rows else ""
    note = f'<div class="with">{_text(caption_note(hit.caption, 200))}</div>' if hit.caption else ""
    missing = '<span class="missing">missing</span>' if hit.missing else ""
    return (
        f'<figure title="{_text(hit.path)}"><div class="frame">{_image(hit)}'
        f'<span class="rank">{rank}</span>{missing}</div>'
        f'<figcaption><div class="line"><b>{_text(hit.name)}</b>'
        f'<span class="score">{hit.score:.3f}</span></div>'
        f'<div class="path">{_text(_short_path(hit.path))}</div>{note}{metadata}{_alike(hit)}'
        "</figcaption></figure>"
    )


def _alike(hit: Hit) -> str:
    """The near-duplicates folded into a picture."""
    if not hit.alike:
        return ""
    items = "".join(
        f"<li>{_text(other.name)} <span>{other.score:.2f}</span></li>" for other in hit.alike
    )
    count = len(hit.alike)
    summary = f"{count} near-duplicate{'s' * (count > 1)}"
    return f"<details><summary>{summary}</summary><ul>{items}</ul></details>"


def _image(hit: Hit) -> str:
    picture = hit.thumbnail(_SIDE)
    if picture is None:
        reason = "The file has been moved or deleted" if hit.missing else "The file can't be read"
        return f'<div class="unreadable">{reason}</div>'
    uri = jpeg_uri(picture, (_SIDE, _SIDE), 82)
    return f'<img src="{uri}" alt="{_text(hit.name)}">'


def _short_path(path: str) -> str:
    """The last two parts of a path: its folder and name."""
    return str(Path(*Path(path).parts[-2:]))


def _text(text: str) -> str:
    return escaped(printable(text))
