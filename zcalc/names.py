"""The names of a program as a small table: what they stand for, and their values."""

from dataclasses import dataclass
from typing import Any

from zcalc import hooks
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
    def of(cls, values: "dict[str, Expression[Any, Any]]") -> "Names":
        """The table of named values."""
        rows = ((name, unparse(value.tree), _value(value)) for name, value in values.items())
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
