"""The names of a program as a small table: what they stand for, and their values."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from zcalc import hooks
from zcalc.calculator import Calculator
from zcalc.expression import Expression
from zcalc.language import unparse
from zcalc.query_result import QueryResult
from zcalc.result import Result, Scalar
from zcalc.set_result import PictureSet


@dataclass(frozen=True)
class Names:
    """A row for each name: the name, its expression, and its value in a few words."""

    rows: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, calculator: Calculator, names: Collection[str]) -> "Names":
        """The table of some of a calculator's names, in the order they were bound."""
        rows = []
        for name, bound in calculator.names.items():
            if name in names:
                is_constant = isinstance(bound.kind, float)
                value = f"{bound.kind:.4g}" if is_constant else _value(calculator(name))
                rows.append((name, unparse(bound.tree), value))
        return cls(tuple(rows))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)


def _value(value: "Expression[Any, Any]") -> str:
    match value:
        case Scalar():
            return f"{value.value:.4g}"
        case Result():
            return f"embedding, norm {value.norm:.2f}"
        case PictureSet():
            return f"{len(value):,} pictures"
        case QueryResult():
            return "query"
        case _:
            return "difference"
