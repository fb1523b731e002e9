"""A progress bar in a notebook: static HTML that is updated in place and leaves an empty output."""

import time
from html import escape

from IPython.display import DisplayHandle

_PAUSE = 0.1  # seconds between updates
_FRAME = (
    "max-width:760px;margin:4px 0;font:13px/1.5 system-ui,sans-serif;"
    "color:var(--jp-content-font-color1,var(--vscode-foreground,inherit))"
)
_GROOVE = "height:4px;border-radius:2px;background:rgba(127,127,127,.25);margin:3px 0"
_FILL = "height:4px;border-radius:2px;background:#4a8fe0;width:"


class NotebookBar:
    """Shows a label, how much is done, how long it will take, and what was said last."""

    def __init__(self, label: str, total: int | None, unit: str, begin: float) -> None:
        self._label, self._total, self._unit, self._begin = label, total, unit, begin
        self._handle = DisplayHandle()
        self._next = 0.0
        self._handle.display(_bundle("", label), raw=True)

    def update(self, done: int, said: str) -> None:
        """Show that `done` items are done; at most ten times a second."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE
        about = self._about(done)
        share = f"{100 * min(1.0, done / self._total):.0f}" if self._total else "0"
        html = (
            f'<div style="{_FRAME}"><div role="progressbar" aria-valuenow="{share}">{escape(about)}'
            f'<div style="{_GROOVE}"><div style="{_FILL}{share}%"></div></div></div>'
            f"<div><b>{escape(said)}</b></div></div>"
        )
        self._handle.update(_bundle(html, f"{about} {said}".strip()), raw=True)

    def close(self) -> None:
        """Empty the output; what is saved of it has no text."""
        self._handle.update(_bundle("", ""), raw=True)

    def _about(self, done: int) -> str:
        """Such as "Writing a caption · 3 of 12 · 4 s left"."""
        took = time.monotonic() - self._begin
        parts = [self._label, f"{done:,} of {self._total:,}" if self._total else f"{done:,}"]
        if self._unit and took:
            parts.append(f"{done / took:.0f} {self._unit}/s")
        if self._total and done:
            parts.append(_left(took / done * max(0, self._total - done)))
        return " · ".join(parts)


def _left(seconds: float) -> str:
    """A time as a person would say it.

    >>> _left(3.4), _left(200), _left(9000)
    ('4 s left', '4 min left', '2.5 h left')
    """
    if seconds < 90:
        return f"{-(-seconds // 1):.0f} s left"
    return f"{-(-seconds // 60):.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def _bundle(html: str, text: str) -> dict[str, str]:
    return {"text/html": html, "text/plain": text}
