"""Blocks: an expression as the terms of a sum, each with a weight, and back to its tree.

A block is a picture, a text, a group of blocks, or an expression of another kind, kept whole. It is
found by its path: its place in the outermost row, then in the group there, and so on.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from zcalc.errors import ZcalcError
from zcalc.language import (
    Image,
    Inverse,
    Neg,
    Node,
    Number,
    Product,
    Sum,
    Text,
    folded,
    number,
    product,
    unparse,
)

Path = tuple[int, ...]
Blocks = tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A weight, and what is weighed: a node, or where there is none the blocks `inner`."""

    weight: float
    node: Node | None = None
    inner: Blocks = ()


def blocks_of(tree: Node) -> Blocks:
    """The terms of an expression as blocks.

    >>> from zcalc.language import parse
    >>> [block.weight for block in blocks_of(parse('img(tea) - 3 * "cup" / 2'))]
    [1.0, -1.5]
    """
    terms = tree.terms if isinstance(tree, Sum) else (tree,)
    return tuple(_block(term) for term in terms)


def tree_of(blocks: Blocks) -> Node:
    """The expression that blocks stand for; there is at least one.

    >>> unparse(tree_of((Block(1, Image("tea")), Block(-1.5, Text("cup")))))
    'img(tea) - 1.5 * "cup"'
    """
    terms = [_term(block, first=i == 0) for i, block in enumerate(blocks)]
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def python_of(blocks: Blocks) -> str:
    """The expression in Python, on a calculator called `calc`.

    >>> python_of((Block(1, Image("tea")), Block(-0.5, Text("cup"))))
    "calc.img('tea') - 0.5 * calc.txt('cup')"
    """
    shown = ""
    for i, block in enumerate(blocks):
        size = abs(block.weight)
        sign = ("-" if block.weight < 0 else "") if not i else " - " if block.weight < 0 else " + "
        times = "" if size == 1 else f"{size:g} * "
        shown += f"{sign}{times}{_python(block)}"
    return shown


def at(blocks: Blocks, path: Path) -> Block:
    """The block at a path; raises ZcalcError where there is none."""
    found: Block | None = None
    for place in path:
        if not 0 <= place < len(blocks):
            found = None
            break
        found = blocks[place]
        blocks = found.inner
    if found is None:
        raise ZcalcError("There is no such term any more.", "Try it again.")
    return found


def inserted(blocks: Blocks, path: Path, block: Block) -> Blocks:
    """A block put before the one at a path, or at the end of its row."""
    return _row(blocks, path, lambda row, i: (*row[:i], block, *row[i:]))


def removed(blocks: Blocks, path: Path) -> Blocks:
    """The blocks without one of them, and without a group that nothing is left in."""
    at(blocks, path)
    return _settled(_row(blocks, path, lambda row, i: (*row[:i], *row[i + 1 :])))


def weighed(blocks: Blocks, path: Path, weight: float) -> Blocks:
    """One block's weight changed; raises ZcalcError for one that is no finite number."""
    if not math.isfinite(weight):
        raise ZcalcError(f"{weight} is no weight.", "It has to be a finite number.")
    changed = replace(at(blocks, path), weight=float(weight))
    return _row(blocks, path, lambda row, i: (*row[:i], changed, *row[i + 1 :]))


def moved(blocks: Blocks, path: Path, to: Path) -> Blocks:
    """A block put elsewhere: before the one that is at `to` now, or at the end of that row."""
    block = at(blocks, path)
    if to[: len(path)] == path:  # onto or into itself
        return blocks
    marked = Block(0.0, Text("\0moved"))  # stands in its place until it has been put elsewhere
    blocks = _row(blocks, path, lambda row, i: (*row[:i], marked, *row[i + 1 :]))
    blocks = inserted(blocks, to, block)
    return _settled(_without(blocks, marked))


def grouped(blocks: Blocks, paths: Iterable[Path]) -> Blocks:
    """Blocks of one row put into a group where the first of them was.

    Raises ZcalcError for fewer than two, and for those of different rows.
    """
    chosen = sorted(set(paths))
    if len(chosen) < 2 or len({path[:-1] for path in chosen}) > 1:
        raise ZcalcError("A group needs two terms or more of one row.", "Select them first.")
    group = Block(1.0, inner=tuple(at(blocks, path) for path in chosen))
    places = {path[-1] for path in chosen}

    def change(row: Blocks, first: int) -> Blocks:
        return tuple(
            group if i == first else block
            for i, block in enumerate(row)
            if i == first or i not in places
        )

    return _settled(_row(blocks, chosen[0], change))


def ungrouped(blocks: Blocks, path: Path) -> Blocks:
    """A group's blocks in its place, its weight in each of theirs."""
    group = at(blocks, path)
    parts = tuple(replace(part, weight=part.weight * group.weight) for part in group.inner)
    return _row(blocks, path, lambda row, i: (*row[:i], *(parts or (group,)), *row[i + 1 :]))


def _row(blocks: Blocks, path: Path, change: Callable[[Blocks, int], Blocks]) -> Blocks:
    """Change the row that the last step of a path is in."""
    if not path:
        raise ZcalcError("There is no such term any more.", "Try it again.")
    if len(path) == 1:
        return change(blocks, max(0, min(path[0], len(blocks))))
    group = at(blocks, path[:1])
    if group.node is not None:
        raise ZcalcError("Only a group takes terms in.", "Make a group of two terms first.")
    inside = replace(group, inner=_row(group.inner, path[1:], change))
    return (*blocks[: path[0]], inside, *blocks[path[0] + 1 :])


def _without(blocks: Blocks, gone: Block) -> Blocks:
    kept = (block for block in blocks if block is not gone)
    return tuple(replace(b, inner=_without(b.inner, gone)) for b in kept)


def _settled(blocks: Blocks) -> Blocks:
    """Blocks without empty groups; a group of one is that one."""
    found = []
    for block in blocks:
        inner = _settled(block.inner)
        if block.node is not None or len(inner) > 1:
            found.append(replace(block, inner=inner))
        elif inner:
            found.append(replace(inner[0], weight=inner[0].weight * block.weight))
    return tuple(found)


def _block(term: Node) -> Block:
    weight, rest = _weight(term)
    if isinstance(rest, Sum):
        return Block(weight, inner=blocks_of(rest))
    return Block(weight, rest)


def _weight(term: Node) -> tuple[float, Node]:
    """A term as a number and what is multiplied by it; 1 and the whole where that can't be."""
    if isinstance(term, Neg):
        weight, rest = _weight(term.operand)
        return -weight, rest
    if not isinstance(term, Product):
        return 1.0, term
    numbers, others = list[float](), list[Node]()
    for factor in term.factors:
        value = _value(factor)
        if value is None:
            others.append(factor)
        else:
            numbers.append(value)
    if len(others) != 1 or isinstance(others[0], Inverse):
        return 1.0, term
    inside, rest = _weight(others[0])
    weight = math.prod(numbers) * inside
    return (weight, rest) if math.isfinite(weight) else (1.0, term)


def _value(node: Node) -> float | None:
    """The number that a factor comes to without looking anything up."""
    if isinstance(node, Inverse):
        below = _value(node.operand)
        return 1 / below if below else None
    match folded(node) if isinstance(node, Number | Neg | Sum | Product) else node:
        case Number(value):
            return value
        case Neg(Number(value)):
            return -value
        case _:
            return None


def _term(block: Block, first: bool) -> Node:
    node = block.node if block.node is not None else tree_of(block.inner)
    group = isinstance(node, Sum)
    below = math.copysign(1, block.weight) < 0
    if abs(block.weight) == 1 and (below or not group):  # `1 * (a + b)` stays a group
        return Neg(node) if below else node
    scale = number(block.weight if first else abs(block.weight))
    scaled = Product((scale, node)) if group else product(scale, node)
    return Neg(scaled) if below and not first else scaled


def _python(block: Block) -> str:
    match block.node:
        case None:
            return f"({python_of(block.inner)})"
        case Image(name):
            return f"calc.img({name!r})"
        case Text(text):
            return f"calc.txt({text!r})"
        case node:
            return f"calc({unparse(node)!r})"
