"""Relevance feedback as an edit of the expression: more like this, less like that (Rocchio 1971).

A wanted picture is added, an unwanted one subtracted; repeating it increases the weight. The
expression stays readable, editable and reproducible.
"""

from collections.abc import Iterable

from zcalc.language import Image, Neg, Node, Number, Product, image, number, product, total

MORE, LESS = 0.5, 0.25  # Rocchio's weights, relative to the expression's own operands


def apply_feedback(tree: Node, more: Iterable[str] = (), less: Iterable[str] = ()) -> Node:
    """Add and subtract pictures by name.

    >>> from zcalc.language import parse, unparse
    >>> unparse(apply_feedback(parse('"a dog"'), more=["papillon"], less=["cat"]))
    '"a dog" + 0.5 * img(papillon) - 0.25 * img(cat)'
    >>> unparse(apply_feedback(parse('"a dog" + 0.5 * img(papillon)'), more=["papillon"]))
    '"a dog" + img(papillon)'
    """
    for name in more:
        tree = _add_weight(tree, image(name), MORE)
    for name in less:
        tree = _add_weight(tree, image(name), -LESS)
    return tree


def _add_weight(tree: Node, picture: Image, delta: float) -> Node:
    """Change a picture's weight in a sum; a term whose weight becomes zero is dropped."""
    terms = list(total(tree).terms)
    weights = [_weight(term, picture) for term in terms]
    at = next((i for i, weight in enumerate(weights) if weight is not None), None)
    if at is None:
        return total(*terms, *_weighted(picture, delta))
    weight = weights[at] or 0.0
    terms[at : at + 1] = _weighted(picture, weight + delta)
    if not terms:  # an expression can't be empty
        return tree
    return terms[0] if len(terms) == 1 else total(*terms)


def _weight(term: Node, picture: Image) -> float | None:
    """The weight of a picture in a term; None if the term is something else."""
    match term:
        case Image(name):
            return 1.0 if name == picture.name else None
        case Neg(operand):
            weight = _weight(operand, picture)
            return None if weight is None else -weight
        case Product((Number(value), Image(name))):
            return value if name == picture.name else None
        case _:
            return None


def _weighted(picture: Image, weight: float) -> list[Node]:
    """The term of a weighted picture, in its simplest form; none if the weight is zero."""
    if abs(weight) < 1e-9:
        return []
    size = abs(weight)
    node: Node = picture if size == 1 else product(number(size), picture)
    return [node if weight > 0 else Neg(node)]
