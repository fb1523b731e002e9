"""Blocks: an expression as weighted terms that can be edited one by one, and back to its tree.

A block is a picture, a text, a group of blocks, or any other expression as a whole. Its path is its
index in the outermost row, then its index in the group there, and so on. All functions are pure.
"""

import math
from collections.abc import Callable, Iterable, Sequence
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
    fold_constants,
    number,
    product,
    unparse,
)

Path = tuple[int, ...]
Blocks = tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A weight times a node or, without a node, times the group `inner`."""

    weight: float
    node: Node | None = None
    inner: Blocks = ()


def blocks_of(tree: Node) -> Blocks:
    """Split an expression into the blocks of its sum.

    >>> from zcalc.language import parse
    >>> [block.weight for block in blocks_of(parse('img(tea) - 3 * "cup" / 2'))]
    [1.0, -1.5]
    """
    terms = tree.terms if isinstance(tree, Sum) else (tree,)
    return tuple(_block(term) for term in terms)


def tree_of(blocks: Blocks) -> Node:
    """Build the expression of one or more blocks.

    >>> unparse(tree_of((Block(1, Image("tea")), Block(-1.5, Text("cup")))))
    'img(tea) - 1.5 * "cup"'
    """
    terms = [_term(block, first=i == 0) for i, block in enumerate(blocks)]
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def python_of(blocks: Blocks) -> str:
    """Write the expression as Python code on a calculator called `calc`.

    >>> python_of((Block(1, Image("tea")), Block(-0.5, Text("cup"))))
    "calc.img('tea') - 0.5 * calc.txt('cup')"
    """
    code = ""
    for i, block in enumerate(blocks):
        size = abs(block.weight)
        sign = ("-" if block.weight < 0 else "") if not i else " - " if block.weight < 0 else " + "
        times = "" if size == 1 else f"{size:g} * "
        code += f"{sign}{times}{_python(block)}"
    return code


def block_at(blocks: Blocks, path: Path) -> Block:
    """Look up the block at a path; raises ZcalcError if there is none."""
    block: Block | None = None
    for index in path:
        if not 0 <= index < len(blocks):
            raise _no_such_term()
        block = blocks[index]
        blocks = block.inner
    if block is None:
        raise _no_such_term()
    return block


def insert(blocks: Blocks, path: Path, block: Block) -> Blocks:
    """Insert a block before the one at `path`; past the end of a row it is appended."""
    return _edit_row(blocks, path, lambda row, i: (*row[:i], block, *row[i:]))


def remove(blocks: Blocks, path: Path) -> Blocks:
    """Remove a block, and the groups that it leaves empty."""
    block_at(blocks, path)
    return _simplify(_edit_row(blocks, path, lambda row, i: (*row[:i], *row[i + 1 :])))


def reweight(blocks: Blocks, path: Path, weight: float) -> Blocks:
    """Change the weight of a block; raises ZcalcError unless it is finite."""
    if not math.isfinite(weight):
        raise ZcalcError(f"A weight can't be {weight}.", "Enter a finite number.")
    block = replace(block_at(blocks, path), weight=float(weight))
    return _edit_row(blocks, path, lambda row, i: (*row[:i], block, *row[i + 1 :]))


def crop(blocks: Blocks, path: Path, box: Sequence[float] | None) -> Blocks:
    """Take a part of the picture at a path, or all of it again.

    `box` is left, top, right and bottom in shares of its sides. Raises ZcalcError for a block that
    is no picture, and for an empty part.
    """
    block = block_at(blocks, path)
    if not isinstance(block.node, Image):
        raise ZcalcError("Only a picture can be cropped.", "Choose a picture.")
    part = None
    if box is not None:
        left, top, right, bottom = box
        if not (left < right and top < bottom):
            raise ZcalcError("This part of the picture is empty.", "Draw a larger rectangle.")
        part = (left, top, right, bottom)
    cropped = replace(block, node=Image(block.node.name, block.node.quoted, part))
    return _edit_row(blocks, path, lambda row, i: (*row[:i], cropped, *row[i + 1 :]))


def move(blocks: Blocks, path: Path, to: Path) -> Blocks:
    """Move a block before the one that is now at `to`, or to the end of that row."""
    block = block_at(blocks, path)
    if to[: len(path)] == path:  # onto or into itself
        return blocks
    placeholder = Block(0.0, Text("\0moved"))  # keeps `to` valid until the block is inserted
    blocks = _edit_row(blocks, path, lambda row, i: (*row[:i], placeholder, *row[i + 1 :]))
    blocks = insert(blocks, to, block)
    return _simplify(_without(blocks, placeholder))


def group(blocks: Blocks, paths: Iterable[Path]) -> Blocks:
    """Group blocks of one row, at the place of the first.

    Raises ZcalcError for fewer than two blocks, or blocks of different rows.
    """
    selected = sorted(set(paths))
    if len(selected) < 2 or len({path[:-1] for path in selected}) > 1:
        raise ZcalcError("A group needs at least two terms of one row.", "Select them first.")
    new = Block(1.0, inner=tuple(block_at(blocks, path) for path in selected))
    indices = {path[-1] for path in selected}

    def change(row: Blocks, first: int) -> Blocks:
        return tuple(
            new if i == first else block
            for i, block in enumerate(row)
            if i == first or i not in indices
        )

    return _simplify(_edit_row(blocks, selected[0], change))


def ungroup(blocks: Blocks, path: Path) -> Blocks:
    """Replace a group by its blocks, multiplying their weights by its own."""
    outer = block_at(blocks, path)
    parts = tuple(replace(part, weight=part.weight * outer.weight) for part in outer.inner)
    return _edit_row(blocks, path, lambda row, i: (*row[:i], *(parts or (outer,)), *row[i + 1 :]))


def _edit_row(blocks: Blocks, path: Path, change: Callable[[Blocks, int], Blocks]) -> Blocks:
    """Apply `change` to the row that holds a path's last index, and to that index."""
    if not path:
        raise _no_such_term()
    if len(path) == 1:
        return change(blocks, max(0, min(path[0], len(blocks))))
    outer = block_at(blocks, path[:1])
    if outer.node is not None:
        raise ZcalcError("Only a group can hold terms.", "Group two terms first.")
    edited = replace(outer, inner=_edit_row(outer.inner, path[1:], change))
    return (*blocks[: path[0]], edited, *blocks[path[0] + 1 :])


def _no_such_term() -> ZcalcError:
    return ZcalcError("This term no longer exists.", "Try again.")


def _without(blocks: Blocks, placeholder: Block) -> Blocks:
    others = (block for block in blocks if block is not placeholder)
    return tuple(replace(block, inner=_without(block.inner, placeholder)) for block in others)


def _simplify(blocks: Blocks) -> Blocks:
    """Drop empty groups, and replace groups of one by their block."""
    simple = []
    for block in blocks:
        inner = _simplify(block.inner)
        if block.node is not None or len(inner) > 1:
            simple.append(replace(block, inner=inner))
        elif inner:
            simple.append(replace(inner[0], weight=inner[0].weight * block.weight))
    return tuple(simple)


def _block(term: Node) -> Block:
    weight, rest = _weight(term)
    if isinstance(rest, Sum):
        return Block(weight, inner=blocks_of(rest))
    return Block(weight, rest)


def _weight(term: Node) -> tuple[float, Node]:
    """Split a term into a number and the rest; (1, term) if it is no such product."""
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
    """The value of a constant factor, None if it isn't constant."""
    if isinstance(node, Inverse):
        divisor = _value(node.operand)
        return 1 / divisor if divisor else None
    match fold_constants(node) if isinstance(node, Number | Neg | Sum | Product) else node:
        case Number(value):
            return value
        case Neg(Number(value)):
            return -value
        case _:
            return None


def _term(block: Block, first: bool) -> Node:
    node = block.node if block.node is not None else tree_of(block.inner)
    is_group = isinstance(node, Sum)
    negative = math.copysign(1, block.weight) < 0
    if abs(block.weight) == 1 and (negative or not is_group):  # `1 * (a + b)` stays a group
        return Neg(node) if negative else node
    scale = number(block.weight if first else abs(block.weight))
    scaled = Product((scale, node)) if is_group else product(scale, node)
    return Neg(scaled) if negative and not first else scaled


def _python(block: Block) -> str:
    match block.node:
        case None:
            return f"({python_of(block.inner)})"
        case Image(name, box=box):
            part = "" if box is None else f".crop({', '.join(f'{share:g}' for share in box)})"
            return f"calc.img({name!r}){part}"
        case Text(text):
            return f"calc.txt({text!r})"
        case node:
            return f"calc({unparse(node)!r})"
