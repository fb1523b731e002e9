"""The demo: four expressions over the sample pictures, on the screen and as a page of cards."""

from collections.abc import Sequence
from pathlib import Path

from zcalc import terminal
from zcalc.calculator import Calculator
from zcalc.notebook.card import card_html
from zcalc.result import Result
from zcalc.storage import write_atomically

EXPRESSIONS = (
    'img(coffee) - "coffee" + "tea"',
    "img(sushi) - img(jp_flag) + img(it_flag)",
    "img(king) - img(man) + img(woman)",
    'img(rocket) - "sky" + "sea"',
)


def run(html: Path | None, model: str) -> None:
    """Print each expression with its sentence, words and pictures; write the cards to `html`."""
    calculator = Calculator(model)
    with terminal.waiting(f"Loading {model} …"):
        _ = calculator.encoder
    results = []
    for expression in EXPRESSIONS:
        result = calculator(expression)
        terminal.show_equation(result)
        terminal.show_caption(result, {})
        terminal.show_tables(result, words=5, pictures=5)
        terminal.out.print()
        results.append(result)
    if html:
        write_atomically(html, page(results).encode())
        terminal.out.print(f"The cards are in {html}.", markup=False)


def page(results: Sequence[Result]) -> str:
    """The cards of results as one page that needs nothing else."""
    cards = "\n".join(card_html(result) for result in results)
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
<p>Arithmetic on pictures and words: each sentence below was decoded from the point that its
equation adds up to.</p></header>
{cards}
</body>
</html>
"""
