"""An equation as it is drawn: operands, and the signs, numbers and brackets between them."""

from collections.abc import Iterator

from zcalc.language import (
    Call,
    Image,
    Inverse,
    Keyword,
    Neg,
    Node,
    Number,
    Product,
    Sum,
    Text,
    children,
    unparse,
)

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"


def pieces(node: Node) -> Iterator[Image | Text | str]:
    """Yield the operands of an expression in order, and the symbols between them.

    >>> list(pieces(Sum((Image("tea"), Neg(Product((Number(2.0), Text("a cup"))))))))
    [Image(name='tea', quoted=False), '−', '2', '×', Text(text='a cup')]
    """
    terms = node.terms if isinstance(node, Sum) else (node,)
    for i, term in enumerate(terms):
        negative = isinstance(term, Neg)
        if i or negative:
            yield MINUS if negative else "+"
        yield from _product(term.operand if isinstance(term, Neg) else term)


def _product(node: Node) -> Iterator[Image | Text | str]:
    factors = node.factors if isinstance(node, Product) else (node,)
    for i, factor in enumerate(factors):
        divides = isinstance(factor, Inverse)
        if i:
            yield "/" if divides else TIMES
        yield from _factor(factor.operand if isinstance(factor, Inverse) else factor)


def _factor(node: Node) -> Iterator[Image | Text | str]:
    match node:
        case Image() | Text():
            yield node
        case Number():
            yield unparse(node)
        case Neg(operand):
            yield MINUS
            yield from _factor(operand)
        case Call("imgs", _):
            yield unparse(node)
        case Call(function, arguments):
            yield f"{function}("
            for i, argument in enumerate(arguments):
                if i:
                    yield ","
                if isinstance(argument, Keyword) and not children(argument):
                    yield unparse(argument)
                else:
                    value = argument.value if isinstance(argument, Keyword) else argument
                    yield from pieces(value)
            yield ")"
        case _:
            yield "("
            yield from pieces(node)
            yield ")"
