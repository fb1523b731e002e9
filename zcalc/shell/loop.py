"""What becomes of a line: it is evaluated, or answered with help."""

import sys
import traceback
from collections.abc import Callable
from threading import Thread

from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.language import plan
from zcalc.shell.help import help_on
from zcalc.show import terminal
from zcalc.show.run import answer, evaluate

LEAVE = ("exit", "quit")
GREETING = "zcalc: an expression, ? for help, Ctrl-D to leave."


class Shell:
    """Evaluates lines with one calculator; results without a verb are shown by `view`."""

    def __init__(self, calculator: Calculator, view: View) -> None:
        self._calculator, self._view = calculator, view

    def run(self, ask: Callable[[], str]) -> None:
        """Answer the lines that `ask` returns, until it raises EOFError.

        The models load while the first line is typed. KeyboardInterrupt ends the line or its
        evaluation, never the shell; bindings stay.
        """
        loading = Thread(target=self._preload, daemon=True)
        loading.start()
        terminal.out.print(GREETING, style="dim")
        while True:
            try:
                line = ask().strip()
                if line in LEAVE:
                    return
                if line:
                    loading.join()
                    self.answer(line)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return

    def answer(self, line: str) -> None:
        """Print the answer to a line, or the error in it."""
        try:
            if line.startswith("?") or line.endswith("?"):
                terminal.out.print(help_on(line.strip("? "), self._calculator), markup=False)
                return
            steps, bound = plan(line, self._calculator.names)
            for result in evaluate(line, steps, bound, self._calculator):
                terminal.print_answer(answer(result, self._view, False), None)
        except ZcalcError as error:
            terminal.print_error(error)
        except KeyboardInterrupt:
            terminal.err.print("Interrupted.", style="dim")
        except Exception:  # a fault of zcalc must not take the bindings along
            traceback.print_exc(file=sys.stderr)

    def _preload(self) -> None:
        """Load the encoder; an error comes again, and is shown, when the first line needs it."""
        try:
            _ = self._calculator.models.encoder
        except Exception:
            return
