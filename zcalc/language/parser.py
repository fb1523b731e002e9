"""From text to syntax tree: `parse`.

The grammar is grammar/zcalc.lark. Nothing here looks up a name or computes anything.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from zcalc.language.advice import about_character, about_end, about_token
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.literals import ENDS, SIGNS, refuse_literal, span_of, unquote
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
    Program,
    Span,
    Text,
    product,
    statements,
    total,
    uses,
)

MAX_CHARACTERS = 4096
MAX_DEPTH = 64
MAX_OPERANDS = 256


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Read a program into its syntax tree; the same text gives the same tree at once.

    One statement gives its own node, several a `Program`. Raises `LanguageError`, and nothing
    else, for a text that is no program.

    >>> parse('img(coffee) - "coffee"')
    Sum(terms=(Image(name='coffee', quoted=False), Neg(operand=Text(text='coffee'))))
    """
    if len(text) > MAX_CHARACTERS:
        raise error_at(
            text[: MAX_CHARACTERS + 1],
            Span(MAX_CHARACTERS, MAX_CHARACTERS + 1),
            f"The text has {len(text):,} characters; {MAX_CHARACTERS:,} is the most",
            "Split it into several expressions.",
        )
    tree = _read(text)
    for statement in statements(tree):
        used = list(uses(statement))
        if len(used) > MAX_OPERANDS:
            raise error_at(
                text,
                used[MAX_OPERANDS].span,
                f"The expression has {len(used)} pictures and texts; {MAX_OPERANDS} is the most",
                "Split it into several expressions.",
            )
    return tree


def image(name: str) -> Image:
    """Make the node of a picture as a person would write it: quoted only where it has to be.

    >>> image("coffee"), image("trips/rome.jpg")
    (Image(name='coffee', quoted=False), Image(name='trips/rome.jpg', quoted=True))
    """
    try:
        plain = parse(f"img({name})") == Image(name)
    except LanguageError:
        plain = False
    return Image(name, quoted=not plain)


def _read(source: str) -> Node:
    """Feed the parser token by token; what is wrong is explained from the tokens before it."""
    run = _lark().parse_interactive(source)
    tokens: list[Token] = []
    nesting = _Nesting()
    try:
        for token in run.lexer_thread.lex(run.parser_state):
            for one in (*_line_end(tokens, token, nesting), token):
                refuse_literal(source, tokens, one)
                run.feed_token(one)
                tokens.append(one)
                nesting.read(source, tokens)
        return run.feed_eof()
    except UnexpectedCharacters as error:
        raise about_character(source, tokens, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise about_end(source, tokens) from None
        raise about_token(source, tokens, error.token) from None


def _line_end(before: list[Token], token: Token, nesting: "_Nesting") -> Iterator[Token]:
    """Give the SEMI that a line's end stands for where it ends a statement."""
    if not before or nesting.outer or before[-1].type not in ENDS or token.type == "PIPE":
        return
    last = before[-1]
    if last.line != token.line:
        yield Token("SEMI", "\n", last.end_pos, last.line, last.end_column, end_pos=last.end_pos)


class _Nesting:
    """How deep parentheses and signs stand in one another; those of `img( )` do not count."""

    def __init__(self) -> None:
        self.outer: list[int] = []  # what each open parenthesis adds, with the signs before it
        self.signs = 0  # signs directly before the operand that comes next

    def read(self, source: str, tokens: list[Token]) -> None:
        """Take in the last token."""
        token, before = tokens[-1], tokens[-2].type if len(tokens) > 1 else ""
        if token.type in SIGNS and before not in ENDS:
            self.signs += 1
        elif token.type == "LPAR":
            self.outer.append(self.signs + (before not in ("IMG", "TXT")))
            self.signs = 0
        else:
            if token.type == "RPAR":
                self.outer.pop()
            self.signs = 0
        if sum(self.outer) + self.signs > MAX_DEPTH:
            message = f"Parentheses and signs are more than {MAX_DEPTH} deep here"
            hint = "Take out the ones that change nothing, or split the expression."
            raise error_at(source, span_of(token), message, hint)


class _Builder(Transformer[Token, Node]):
    """Makes the nodes; LALR calls it while it parses, so depth never becomes recursion."""

    def start(self, parts: list) -> Node:
        found = [part for part in parts if not isinstance(part, Token)]
        return found[0] if len(found) == 1 else Program(tuple(found), span=_cover(found))

    def binding(self, parts: list) -> Node:
        return Binding(_name(parts[0]), parts[2], span=_cover(parts))

    def pipe(self, parts: list) -> Node:
        return Pipe(parts[0], parts[2], span=_cover(parts))

    def call(self, parts: list) -> Node:
        arguments = tuple(part for part in parts if not isinstance(part, Token))
        return Call(_name(parts[0]), arguments, span=_cover(parts))

    def keyword(self, parts: list) -> Node:
        return Keyword(_name(parts[0]), parts[2], span=_cover(parts))

    def named(self, parts: list) -> Node:
        return Name(_name(parts[0]), span=_cover(parts))

    def sum(self, parts: list) -> Node:
        return total(*_with_signs(parts, Neg, "MINUS"), span=_cover(parts))

    def product(self, parts: list) -> Node:
        return product(*_with_signs(parts, Inverse, "DIVIDE"), span=_cover(parts))

    def sign(self, parts: list) -> Node:
        sign, operand = parts
        wide = _cover(parts)
        return Neg(operand, span=wide) if sign.type == "MINUS" else replace(operand, span=wide)

    def group(self, parts: list) -> Node:
        return replace(parts[1], span=_cover(parts))

    def image(self, parts: list) -> Node:
        name = parts[2]
        quoted = name.type == "STRING"
        return Image(unquote(name) if quoted else str(name), quoted, span=_cover(parts))

    def quoted(self, parts: list) -> Node:
        return Text(unquote(parts[2]), span=_cover(parts))

    def text(self, parts: list) -> Node:
        return Text(unquote(parts[0]), span=_cover(parts))

    def number(self, parts: list) -> Node:
        return Number(float(parts[0]), span=_cover(parts))


def _name(token: Token) -> str:
    """Give a name as it is compared: `é` is one name, in however many characters it was typed."""
    return unicodedata.normalize("NFC", str(token))


def _with_signs(parts: list, kind: type[Neg | Inverse], sign: str) -> Iterator[Node]:
    """Give operands that alternate with operators; those after `sign` become a `kind`."""
    yield parts[0]
    for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
        if operator.type == sign:
            yield kind(operand, span=Span(operator.start_pos, operand.span.end))
        else:
            yield operand


def _cover(parts: list[Token | Node]) -> Span:
    """Give the span from the first to the last of a rule's tokens and nodes."""
    first, last = (span_of(p) if isinstance(p, Token) else p.span for p in (parts[0], parts[-1]))
    return Span(first.start, last.end)


@cache
def _lark() -> Lark:
    """Build the parser, once, at the first expression."""
    packaged = files("zcalc.language") / "zcalc.lark"
    checkout = Path(__file__).parents[2] / "grammar" / "zcalc.lark"
    grammar = packaged if packaged.is_file() else checkout
    text = grammar.read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", transformer=_Builder())
