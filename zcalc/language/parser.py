"""The parser: source text to syntax tree, by the grammar in grammar/zcalc.lark.

It resolves no names and computes nothing.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, lexer

from zcalc.language.advice import explain_character, explain_end, explain_token
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.literals import ENDS, OPERATORS, SIGNS, refuse_literal, span_of, unquote
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
    """Parse a program; results are cached.

    Returns the node of a single statement, or a `Program` of several. Raises `LanguageError`, and
    nothing else, for invalid input.

    >>> parse('img(coffee) - "coffee"')
    Sum(terms=(Image(name='coffee', quoted=False), Neg(operand=Text(text='coffee'))))
    """
    if len(text) > MAX_CHARACTERS:
        raise error_at(
            text[: MAX_CHARACTERS + 1],
            Span(MAX_CHARACTERS, MAX_CHARACTERS + 1),
            f"The input is {len(text):,} characters long; the limit is {MAX_CHARACTERS:,}",
            "Split it into several expressions.",
        )
    tree = _parse(text)
    for statement in statements(tree):
        operands = list(uses(statement))
        if len(operands) > MAX_OPERANDS:
            raise error_at(
                text,
                operands[MAX_OPERANDS].span,
                f"The expression has {len(operands)} pictures and texts; "
                f"the limit is {MAX_OPERANDS}",
                "Split it into several expressions.",
            )
    return tree


def image(name: str) -> Image:
    """Build the node of a picture, quoted only if the name cannot be written without quotes.

    >>> image("coffee"), image("trips/rome.jpg")
    (Image(name='coffee', quoted=False), Image(name='trips/rome.jpg', quoted=True))
    """
    try:
        is_plain = parse(f"img({name})") == Image(name)
    except LanguageError:
        is_plain = False
    return Image(name, quoted=not is_plain)


def crop(call: Call) -> Node:
    """A call of `crop` on a picture with four constants as that part of the picture.

    Any other call stays as it is.
    """
    match call:
        case Call("crop", (Image(name, quoted, None), *shares)) if len(shares) == 4:
            if all(isinstance(share, Number) for share in shares):
                left, top, right, bottom = (s.value for s in shares if isinstance(s, Number))
                return Image(name, quoted, (left, top, right, bottom), span=call.span)
    return call


def _parse(source: str) -> Node:
    """Feed the parser token by token, so that errors can be explained from the tokens so far."""
    parser = _lark().parse_interactive(source)
    tokens: list[Token] = []
    nesting = _Nesting()
    try:
        for lexed in parser.lexer_thread.lex(parser.parser_state):
            for token in (*_line_end(tokens, lexed, nesting), lexed):
                refuse_literal(source, tokens, token)
                parser.feed_token(token)
                tokens.append(token)
                nesting.update(source, tokens)
        return parser.feed_eof()
    except UnexpectedCharacters as error:
        raise explain_character(source, tokens, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            explained = explain_end(source, tokens)
            explained.unfinished = any(token.type != "SEMI" for token in tokens)
            raise explained from None
        raise explain_token(source, tokens, error.token) from None


def _line_end(before: list[Token], token: Token, nesting: "_Nesting") -> Iterator[Token]:
    """Yield a SEMI if the line break before `token` ends a statement."""
    continues = token.type == "PIPE" or token.type in OPERATORS
    if not before or nesting.levels or before[-1].type not in ENDS or continues:
        return
    last = before[-1]
    if last.line != token.line:
        yield Token("SEMI", "\n", last.end_pos, last.line, last.end_column, end_pos=last.end_pos)


class _Nesting:
    """Nesting depth of parentheses and signs, not counting the parentheses of `img( )`."""

    def __init__(self) -> None:
        self.levels: list[int] = []  # per open parenthesis: 1 (0 for `img`) plus its leading signs
        self.signs = 0  # signs directly before the next operand

    def update(self, source: str, tokens: list[Token]) -> None:
        """Account for the last token; raises `LanguageError` past the maximum depth."""
        token, before = tokens[-1], tokens[-2].type if len(tokens) > 1 else ""
        if token.type in SIGNS and before not in ENDS:
            self.signs += 1
        elif token.type == "LPAR":
            self.levels.append(self.signs + (before not in ("IMG", "TXT")))
            self.signs = 0
        else:
            if token.type == "RPAR":
                self.levels.pop()
            self.signs = 0
        if sum(self.levels) + self.signs > MAX_DEPTH:
            message = f"Parentheses and signs are nested more than {MAX_DEPTH} deep"
            hint = "Remove redundant ones, or split the expression."
            raise error_at(source, span_of(token), message, hint)


class _Builder(Transformer[Token, Node]):
    """Builds the nodes, one method per rule; called during LALR parsing, so without recursion."""

    def start(self, parts: list) -> Node:
        nodes = [part for part in parts if not isinstance(part, Token)]
        return nodes[0] if len(nodes) == 1 else Program(tuple(nodes), span=_cover(nodes))

    def binding(self, parts: list) -> Node:
        return Binding(_name(parts[0]), parts[2], span=_cover(parts))

    def pipe(self, parts: list) -> Node:
        return Pipe(parts[0], parts[2], span=_cover(parts))

    def call(self, parts: list) -> Node:
        arguments = tuple(part for part in parts if not isinstance(part, Token))
        return crop(Call(_name(parts[0]), arguments, span=_cover(parts)))

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
        span = _cover(parts)
        return Neg(operand, span=span) if sign.type == "MINUS" else replace(operand, span=span)

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
    """Normalize a name to NFC, so that composed and decomposed accents are the same name."""
    return unicodedata.normalize("NFC", str(token))


def _with_signs(parts: list, wrapper: type[Neg | Inverse], sign: str) -> Iterator[Node]:
    """Yield the operands of an operator chain, wrapping those that follow a `sign` token."""
    yield parts[0]
    for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
        if operator.type == sign:
            yield wrapper(operand, span=Span(operator.start_pos, operand.span.end))
        else:
            yield operand


def _cover(parts: list[Token | Node]) -> Span:
    """Return the span from the first to the last of a rule's tokens and nodes."""
    first, last = (span_of(p) if isinstance(p, Token) else p.span for p in (parts[0], parts[-1]))
    return Span(first.start, last.end)


@cache
def _lark() -> Lark:
    """Build the parser, once."""
    packaged = files("zcalc.language") / "zcalc.lark"
    checkout = Path(__file__).parents[2] / "grammar" / "zcalc.lark"
    path = packaged if packaged.is_file() else checkout
    grammar = path.read_text(encoding="utf-8")
    with _unchecked():
        return Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


@contextmanager
def _unchecked() -> Iterator[None]:
    """Keep lark from comparing all terminals with each other; the tests do that.

    It does where interegular is installed, and takes longer than everything else.
    """
    checks = lexer.has_interegular
    lexer.has_interegular = False
    try:
        yield
    finally:
        lexer.has_interegular = checks
