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

from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.decodable import Decodable
from zcalc.decode.captions import parse_settings
from zcalc.errors import ZcalcError
from zcalc.models.presets import Preset
from zcalc.names import Names
from zcalc.notebook.completer import matcher
from zcalc.notebook.interpolation import evaluate
from zcalc.notebook.options import Settings, help_text, hides, refuse_late, settings_of, split
from zcalc.notebook.preload import import_when_idle
from zcalc.result import Results

_NAME = "calc"  # the variable that holds the calculator
_matchers: weakref.WeakKeyDictionary[InteractiveShell, Any] = weakref.WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics and their completion to a shell: `%load_ext zcalc`.

    In a kernel, it also starts importing the heavy libraries as soon as the kernel is idle.
    """
    unload_ipython_extension(shell)
    magics = ZcalcMagics(shell)
    shell.register_magics(magics)
    _matchers[shell] = matcher(magics.calculator_for)
    shell.Completer.custom_matchers.append(_matchers[shell])
    import_when_idle()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove the magics and their completion: `%unload_ext zcalc`."""
    if shell in _matchers:
        shell.Completer.custom_matchers.remove(_matchers.pop(shell))
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("zcalc", None)


@magics_class
class ZcalcMagics(Magics):
    """The magics; their calculator is the variable `calc`, which options replace."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._calculators: dict[str, Calculator] = {}  # by their options

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def zcalc(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Any:
        """Evaluate an expression, or a cell with a program, of pictures and words.

        Results display as cards, and bindings become variables. {…} inserts the value of a Python
        expression: a result, a text, a number, an embedding, a picture or its path. Options come
        first; `%zcalc --help` lists them.
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
            if settings.names:
                return Names.of(calculator, calculator.names)
            if options and cell is None:
                return calculator
            place = "an expression" if cell is None else "a program below this line"
            raise ZcalcError("Nothing to evaluate.", f'Write {place}: img(coffee) - "coffee".')
        refuse_late(program, "%zcalc" if cell is None else "%%zcalc")
        value = self._run(calculator, program, settings, value_of)
        return None if hides(program) else value

    def calculator_for(self, line: str) -> Calculator:
        """The calculator of a line of options, for completion; it is not loaded or assigned."""
        settings = settings_of(split(line, str)[0])
        calculator = self._shell.user_ns.get(_NAME)
        if not settings.calculator and isinstance(calculator, Calculator):
            return calculator
        return self._calculator_with(settings)

    def _run(
        self,
        calculator: Calculator,
        program: str,
        settings: Settings,
        value_of: Callable[[str], Any],
    ) -> Any:
        value = evaluate(calculator, program, value_of)
        results = Results(value if isinstance(value, list) else [value])
        for result in results:
            if result.name and result.name != _NAME:
                self._shell.user_ns[result.name] = result
            elif isinstance(result, Decodable):
                result.card = _card(result.card, settings, calculator.models.preset)
        unnamed = Results(result for result in results if not result.name)
        if settings.names:
            bound = {result.name for result in results if result.name}
            unnamed.append(Names.of(calculator, bound))
        return unnamed[0] if len(unnamed) == 1 else unnamed or None

    def _calculator(self, settings: Settings) -> Calculator:
        """The calculator that the options select; it is assigned to `calc`."""
        calculator = self._shell.user_ns.get(_NAME)
        if calculator is not None and not isinstance(calculator, Calculator):
            kind = type(calculator).__name__
            message = f"The variable {_NAME} must be a calculator, but its type is {kind}."
            raise ZcalcError(message, f"Rename it, then run: del {_NAME}")
        if calculator is None or settings.calculator:
            calculator = self._shell.user_ns[_NAME] = self._calculator_with(settings)
        return calculator

    def _calculator_with(self, settings: Settings) -> Calculator:
        key = repr(sorted(settings.calculator.items()))
        if key not in self._calculators:
            self._calculators[key] = Calculator.create(**settings.calculator)
        return self._calculators[key]

    def _evaluator(self, local_ns: Mapping[str, Any]) -> Callable[[str], Any]:
        names = {**self._shell.user_ns, **local_ns}
        return lambda code: eval(compile(f"({code}\n)", "<zcalc>", "eval"), names)


def _card(card: View, settings: Settings, preset: Preset) -> View:
    """The card's view, adjusted by the options; raises SettingError for an invalid --set."""
    decoder = parse_settings(preset, settings.method, settings.sets)
    if settings.method:
        decoder["method"] = settings.method
    card = replace(card, caption=decoder if settings.caption else None)
    return replace(card, words=settings.k, pictures=settings.k) if settings.k else card
