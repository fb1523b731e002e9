"""`zcalc demo`: four expressions over the sample pictures, on the screen and as a page of cards."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zcalc.cli import outputs
from zcalc.cli.options import Model, Vocabulary, reporting

if TYPE_CHECKING:
    from zcalc.answer import Answer

EXPRESSIONS = (
    'img(obama) - img(us_flag) + img(de_flag) + "a photo"',
    'img(coffee) - "coffee" + "tea"',
    "img(sushi) - img(jp_flag) + img(it_flag)",
    "img(king) - img(man) + img(woman)",
)
app = typer.Typer()


@app.command("demo")
def demo(
    html: Annotated[Path | None, typer.Option(help="Write the cards to this file.")] = None,
    model: Model = "mini",
    vocabulary: Vocabulary = None,
) -> None:
    """Evaluate four expressions over the sample pictures."""
    with reporting(False):
        from zcalc.answer import View
        from zcalc.calculator import Calculator
        from zcalc.show import terminal
        from zcalc.show.page import page
        from zcalc.show.run import answer

        outputs.check(html)
        calculator = Calculator.create(model, vocabulary=vocabulary)
        with terminal.waiting(f"Loading {model} …"):
            _ = calculator.models.encoder
        answers = []
        for expression in EXPRESSIONS:
            answers.append(answer(calculator(expression), View({}, 10, 6), as_json=False))
            terminal.print_answer(_shortened(answers[-1]))
            terminal.out.print()
        if html:
            outputs.write(html, page(answers).encode())
            terminal.out.print(f"Cards: {html}", markup=False)


def _shortened(answer: "Answer") -> "Answer":
    """The answer with five words and pictures, and without its terms."""
    return replace(
        answer, words=(answer.words or ())[:5], images=(answer.images or ())[:5], terms=()
    )
