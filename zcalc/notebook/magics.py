"""`%zcalc` and `%%zcalc`: the language in the cells of a notebook."""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.notebook.completer import matcher
from zcalc.notebook.interpolation import evaluate
from zcalc.notebook.options import Settings, help_text, settings_of, split
from zcalc.notebook.readiness import import_when_idle
from zcalc.result import Result, Results, View

_NAME = "calc"  # the variable that holds the calculator
_loaded: weakref.WeakKeyDictionary[InteractiveShell, Any] = weakref.WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics and their completion to a shell: `%load_ext zcalc`.

    A kernel also imports what they need as soon as it is idle.
    """
    unload_ipython_extension(shell)
    magics = ZcalcMagics(shell)
    shell.register_magics(magics)
    _loaded[shell] = matcher(magics.calculator_for)
    shell.Completer.custom_matchers.append(_loaded[shell])
    import_when_idle()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics out again: `%unload_ext zcalc`."""
    if shell in _loaded:
        shell.Completer.custom_matchers.remove(_loaded.pop(shell))
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("zcalc", None)


@magics_class
class ZcalcMagics(Magics):
    """The magics. Their calculator is the notebook's variable `calc`; options put another there."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._made: dict[str, Calculator] = {}  # by the options that they were made with

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def zcalc(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Any:
        """Calculate with pictures and words: an expression, or in a cell a program.

        The results are cards; what a program binds becomes variables too. {…} takes in the value
        of a Python expression: a result, a text, a number, an embedding, a picture or its path.
        `%zcalc --help` lists the options, which come first.
        """
        value_of = self._evaluator(local_ns or {})
        options, start = split(line, value_of)
        settings, rest = settings_of(options), line[start:]
        if settings.help:
            print(help_text())
            return None
        calculator = self._calculator(settings)
        program = rest if cell is None else f"{rest}\n{cell}" if rest.strip() else cell
        if not program.strip():
            return calculator if options and cell is None else self._nothing(cell)
        return self._run(calculator, program, settings, value_of)

    def calculator_for(self, line: str) -> Calculator:
        """The calculator of a line of options, for completion; nothing is loaded or named."""
        settings = settings_of(split(line, str)[0])
        calculator = self._shell.user_ns.get(_NAME)
        if not settings.calculator and isinstance(calculator, Calculator):
            return calculator
        return self._kept(settings)

    def _run(
        self,
        calculator: Calculator,
        program: str,
        settings: Settings,
        value_of: Callable[[str], Any],
    ) -> Any:
        found = evaluate(calculator, program, value_of)
        results = Results(found if isinstance(found, list) else [found])
        for result in results:
            if result.name and result.name != _NAME:
                self._shell.user_ns[result.name] = result
            elif isinstance(result, Result):
                result.card = _shown(result.card, settings)
        shown = Results(result for result in results if not result.name)
        return shown[0] if len(shown) == 1 else shown or None

    def _calculator(self, settings: Settings) -> Calculator:
        """The calculator that the options ask for, which is `calc` from then on."""
        found = self._shell.user_ns.get(_NAME)
        if found is not None and not isinstance(found, Calculator):
            message = f"The variable {_NAME} is a {type(found).__name__}, not a calculator."
            raise ZcalcError(message, f"The magics keep their calculator there: del {_NAME}.")
        if found is None or settings.calculator:
            found = self._shell.user_ns[_NAME] = self._kept(settings)
        return found

    def _kept(self, settings: Settings) -> Calculator:
        key = repr(sorted(settings.calculator.items()))
        if key not in self._made:
            self._made[key] = Calculator(**settings.calculator)
        return self._made[key]

    def _evaluator(self, local_ns: Mapping[str, Any]) -> Callable[[str], Any]:
        names = {**self._shell.user_ns, **local_ns}
        return lambda code: eval(compile(f"({code}\n)", "<zcalc>", "eval"), names)

    def _nothing(self, cell: str | None) -> None:
        what = "a program below this line" if cell is not None else "an expression"
        raise ZcalcError("There is nothing to calculate.", f'Write {what}: img(coffee) - "coffee".')


def _shown(card: View, settings: Settings) -> View:
    """A card with as much of everything as the options say."""
    card = card if settings.caption else replace(card, caption=None)
    return replace(card, words=settings.k, pictures=settings.k) if settings.k else card
