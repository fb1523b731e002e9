"""Print a syntax tree in its shortest readable form, from which `parse` makes the same tree."""

import re

from zcalc.language.tree import Image, Inverse, Neg, Node, Number, Product, Sum, Text

# What has to be written with a backslash inside quotes, besides the quote itself: the backslash,
# control characters, line separators, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\t": r"\t"}


def unparse(node: Node) -> str:
    """Print a tree as text.

    >>> unparse(Sum((Image("tea"), Neg(Text("a cup")))))
    'img(tea) - "a cup"'
    >>> unparse(Product((Number(2.0), Sum((Image("tea"), Text("hot"))))))
    '2 * (img(tea) + "hot")'
    """
    if not isinstance(node, Sum):
        return _product(node)
    first, *rest = node.terms
    signed = (
        f" - {_product(t.operand)}" if isinstance(t, Neg) else f" + {_product(t)}" for t in rest
    )
    return _product(first) + "".join(signed)


def _product(node: Node) -> str:
    """Print what may stand between `+` and `-`."""
    if not isinstance(node, Product):
        return _signed(node)
    first, *rest = node.factors
    factors = (
        f" / {_signed(f.operand)}" if isinstance(f, Inverse) else f" * {_signed(f)}" for f in rest
    )
    return _signed(first) + "".join(factors)


def _signed(node: Node) -> str:
    """Print what may stand between `*` and `/`, in parentheses where it needs them."""
    match node:
        case Image(name, quoted):
            return f"img({quote(name) if quoted else name})"
        case Text(text):
            return quote(text)
        case Number(value):
            return re.sub(r"\.0$", "", repr(value)).replace("e+", "e").replace("e-0", "e-")
        case Neg(operand):
            return f"-{_signed(operand)}"
        case Inverse(operand):
            return f"(1 / {_signed(operand)})"
        case _:
            return f"({unparse(node)})"


def quote(text: str) -> str:
    """Put a text in quotes: double ones, unless single ones save a backslash.

    >>> print(quote("a photo"), quote('the "Mona Lisa"'))
    "a photo" 'the "Mona Lisa"'
    """
    mark = "'" if '"' in text and "'" not in text else '"'
    inside = _UNPRINTABLE.sub(lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04x}"), text)
    return mark + inside.replace(mark, "\\" + mark) + mark
