"""More like this, less like that: what a person says about results, as an edit of the expression.

A picture that is wanted is added, one that is not is taken off (Rocchio 1971); said again, its
weight grows. The expression stays one that can be read, changed and kept.
"""

from collections.abc import Iterable

from zcalc.language import Image, Neg, Node, Number, Product, image, number, product, total

MORE, LESS = 0.5, 0.25  # what a picture counts once, beside the expression's own operands


def edited(tree: Node, more: Iterable[str] = (), less: Iterable[str] = ()) -> Node:
    """The expression with pictures added and taken off, by their names.

    >>> from zcalc.language import parse, unparse
    >>> unparse(edited(parse('"a dog"'), more=["papillon"], less=["cat"]))
    '"a dog" + 0.5 * img(papillon) - 0.25 * img(cat)'
    >>> unparse(edited(parse('"a dog" + 0.5 * img(papillon)'), more=["papillon"]))
    '"a dog" + img(papillon)'
    """
    for name in more:
        tree = _changed(tree, image(name), MORE)
    for name in less:
        tree = _changed(tree, image(name), -LESS)
    return tree


def _changed(tree: Node, picture: Image, by: float) -> Node:
    """A sum in which a picture's weight is another; one that comes to nothing is left out."""
    terms = _terms(tree)
    weights = [_weight(term, picture) for term in terms]
    place = next((i for i, weight in enumerate(weights) if weight is not None), None)
    if place is None:
        return total(*terms, *_term(picture, by))
    weight = weights[place] or 0.0
    changed = [*terms[:place], *_term(picture, weight + by), *terms[place + 1 :]]
    if not changed:  # it was all there is
        return tree
    return changed[0] if len(changed) == 1 else total(*changed)


def _terms(tree: Node) -> list[Node]:
    return list(total(tree).terms)


def _weight(term: Node, picture: Image) -> float | None:
    """How much of a picture a term is; None where it is something else."""
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


def _term(picture: Image, weight: float) -> list[Node]:
    """A picture times a weight, as a person would write it."""
    if abs(weight) < 1e-9:
        return []
    size = abs(weight)
    node: Node = picture if size == 1 else product(number(size), picture)
    return [node if weight > 0 else Neg(node)]
