"""A page of cards: answers as one self-contained HTML file."""

from collections.abc import Sequence

from zcalc.answer import Answer
from zcalc.show.card import card_html


def page(answers: Sequence[Answer]) -> str:
    """The cards of answers as an HTML page."""
    cards = "\n".join(map(card_html, answers))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>zcalc: arithmetic on pictures and words</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 28px 16px; max-width: 760px; background: #f6f8fa;
  color: #1f2328; font: 16px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }}
h1 {{ margin: 0; font-size: 26px; }}
header p {{ margin: 4px 0 20px; }}
.zcalc {{ margin: 16px 0; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #0d1117; color: #e6edf3; }} }}
</style>
</head>
<body>
<header><h1>zcalc</h1>
<p>Arithmetic on pictures and words. Each caption was decoded from the point its equation adds up
to.</p></header>
{cards}
</body>
</html>
"""
