"""The language of zcalc: text to syntax tree and back, types, and errors with a caret."""

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import unparse
from zcalc.language.parser import image, parse
from zcalc.language.tree import (
    Image,
    Inverse,
    Neg,
    Node,
    Number,
    Product,
    Span,
    Sum,
    Text,
    number,
    operands,
    product,
    total,
)
from zcalc.language.types import Type, check

__all__ = [
    "Image",
    "Inverse",
    "LanguageError",
    "Neg",
    "Node",
    "Number",
    "Product",
    "Span",
    "Sum",
    "Text",
    "Type",
    "check",
    "error_at",
    "image",
    "number",
    "operands",
    "parse",
    "product",
    "total",
    "unparse",
]
