"""An expression with its value, and how long every part of the work took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from zcalc.evaluator import Evaluation
from zcalc.expression import Expression
from zcalc.language import Node, Step, Verb

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

PARTS = ("load", "embed", "caption", "words", "nearest")


class Evaluated(Expression):
    """An expression with its value, which is computed when it is asked for, once.

    `name` is what a binding called it. A statement of a program shares the evaluation of all.
    """

    def __init__(self, calculator: "Calculator", tree: Node, source: str | None = None) -> None:
        super().__init__(calculator, tree, source)
        self.name: str | None = None
        self.verb: Verb | None = None
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._source = self.expr

    @classmethod
    def of(cls, calculator: "Calculator", step: Step, evaluation: Evaluation, source: str) -> Any:
        """The result of a program's statement; its errors point into the program's text."""
        made = cls(calculator, step.tree, step.source)
        made.name, made.verb, made._source = step.name, step.verb, source
        made.__dict__["_evaluation"] = evaluation
        return made

    @cached_property
    def _evaluation(self) -> Evaluation:
        with self._timed("embed"):
            return self.calculator.evaluation([self.tree], self._source)

    @cached_property
    def _value(self) -> Any:
        evaluation = self._evaluation
        with self._timed("embed"):
            return evaluation(self.tree)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        """Count the time spent on a part; loading models meanwhile is counted apart."""
        begin, loaded = time.perf_counter(), self.calculator.seconds
        try:
            yield
        finally:
            loading = self.calculator.seconds - loaded
            self.seconds["load"] += loading
            self.seconds[part] += time.perf_counter() - begin - loading

    def _about(self) -> dict[str, Any]:
        """What the JSON object of every result begins with."""
        about: dict[str, Any] = {"expr": self.expr, "model": self.calculator.model}
        return about | ({"name": self.name} if self.name else {})

    def _timing(self) -> dict[str, Any]:
        return {"seconds": {part: round(s, 3) for part, s in self.seconds.items()}}


class Scalar(Evaluated):
    """A number that an expression comes to, such as a cosine; `value` is it."""

    def __float__(self) -> float:
        return self.value

    @property
    def value(self) -> float:
        """The number."""
        return float(self._value)

    def data(self, **_: Any) -> dict[str, Any]:
        """The number as the command line's JSON object."""
        return self._about() | {"value": round(self.value, 6)} | self._timing()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from zcalc.notebook.card import number_html, number_text

        return {"text/plain": number_text(self), "text/html": number_html(self)}
