"""The formatter: print a syntax tree in its shortest readable form, such that it round-trips."""

import re

from zcalc.language.tree import (
    Binding,
    Call,
    Image,
    Inverse,
    Keyword,
    Name,
    Neg,
    Node,
    Number,
    Pipe,
    Product,
    Program,
    Sum,
    Text,
)

# What must be escaped inside quotes, besides the quote itself: backslashes, control characters,
# line separators and unpaired surrogates.
_UNPRINTABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\t": r"\t"}


def unparse(node: Node) -> str:
    """Print a tree as source text, one statement per line; `parse(unparse(tree)) == tree`.

    >>> unparse(Sum((Image("tea"), Neg(Text("a cup")))))
    'img(tea) - "a cup"'
    >>> unparse(Product((Number(2.0), Sum((Image("tea"), Text("hot"))))))
    '2 * (img(tea) + "hot")'
    """
    match node:
        case Program(statements):
            return "\n".join(map(_statement, statements))
        case Binding(name, value):
            return f"{name} = {unparse(value)}"
        case Pipe(operand, verb):
            return f"{unparse(operand)} |> {unparse(verb)}"
        case Keyword(name, value):
            return f"{name}={unparse(value)}"
        case Sum(terms):
            return "".join(_term(term, i == 0) for i, term in enumerate(terms))
        case _:
            return _product(node)


def _statement(statement: Node) -> str:
    """Print a statement of a program, after a `;` if its sign would continue the line before."""
    text = unparse(statement)
    return f"; {text}" if text.startswith("-") else text


def _term(term: Node, first: bool) -> str:
    """Print a term of a sum, preceded by its sign unless it is the first."""
    if first:
        return _product(term)
    return f" - {_product(term.operand)}" if isinstance(term, Neg) else f" + {_product(term)}"


def _product(node: Node) -> str:
    """Print an operand of `+` and `-`."""
    if not isinstance(node, Product):
        return _signed(node)
    first, *rest = node.factors
    factors = (
        f" / {_signed(f.operand)}" if isinstance(f, Inverse) else f" * {_signed(f)}" for f in rest
    )
    return _signed(first) + "".join(factors)


def _signed(node: Node) -> str:  # noqa: PLR0911  (one case per node)
    """Print an operand of `*` and `/`, parenthesized if necessary."""
    match node:
        case Image(name, quoted, box):
            picture = f"img({quote(name) if quoted else name})"
            shares = "".join(f", {_number(share)}" for share in box or ())
            return f"crop({picture}{shares})" if box else picture
        case Text(text):
            return quote(text)
        case Name(name):
            return name
        case Call(function, arguments):
            return f"{function}({', '.join(map(unparse, arguments))})"
        case Number(value):
            return _number(value)
        case Neg(operand):
            return f"-{_signed(operand)}"
        case Inverse(operand):
            return f"(1 / {_signed(operand)})"
        case _:
            return f"({unparse(node)})"


def _number(value: float) -> str:
    return re.sub(r"\.0$", "", repr(value)).replace("e+", "e").replace("e-0", "e-")


def quote(text: str) -> str:
    """Quote a text, with double quotes unless single ones avoid escaping.

    >>> print(quote("a photo"), quote('the "Mona Lisa"'))
    "a photo" 'the "Mona Lisa"'
    """
    mark = "'" if '"' in text and "'" not in text else '"'
    inside = _UNPRINTABLE.sub(lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04x}"), text)
    return mark + inside.replace(mark, "\\" + mark) + mark
