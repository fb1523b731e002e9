"""The language: trees, round trips, spans, limits, types and error messages."""

import math
import os
import pickle
import random
import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zcalc.errors import ZcalcError
from zcalc.language import (
    Binding,
    Call,
    Image,
    Inverse,
    Keyword,
    LanguageError,
    Name,
    Neg,
    Node,
    Number,
    Pipe,
    Product,
    Program,
    Span,
    Sum,
    Text,
    Type,
    check,
    error_at,
    image,
    number,
    operands,
    parse,
    plan,
    product,
    total,
    unparse,
)
from zcalc.language.tree import walk

A, B, C = Image("a"), Image("b"), Image("c")
HERE = Path(__file__).parent
SOAK = bool(os.environ.get("ZCALC_SOAK"))  # `make soak`: more examples
# Each block is one printed error; its second line is the input that causes it.
WRONG_INPUTS = (HERE / "language_errors.txt").read_text(encoding="utf-8").strip().split("\n\n")


def error_of(source: str) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        check(parse(source), source)
    return caught.value


# --- parsing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("img(a)", A),
        ("img(img)", Image("img")),
        ("img ( txt )", Image("txt")),
        ("imgs", Name("imgs")),
        ("e\u0301te\u0301", Name("été")),
        ("cos(img(a), 'b',)", None),
        ("unit(img(a))", Call("unit", (A,))),
        ("mean()", Call("mean", ())),
        ("lerp(img(a), t = 2)", Call("lerp", (A, Keyword("t", Number(2.0))))),
        ('img("trips/rome #2.jpg")', Image("trips/rome #2.jpg", quoted=True)),
        ("img('a')", Image("a", quoted=True)),
        ("img(größe_2)", Image("größe_2")),
        ("img(e\u0301te\u0301)", Image("e\u0301te\u0301")),
        ("img(東京) - img(हिन्दी)", Sum((Image("東京"), Neg(Image("हिन्दी"))))),
        ('"a photo"', Text("a photo")),
        ("'a photo'", Text("a photo")),
        ('txt("a photo")', Text("a photo")),
        ('"# no comment" # comment', Text("# no comment")),
        (r'"\"\'\\\n\t\u00e9"', Text("\"'\\\n\té")),
        (r"'it\'s'", Text("it's")),
        ('"it\'s"', Text("it's")),
        ('""', Text("")),
        ("2", Number(2.0)),
        ("2.", Number(2.0)),
        (".5", Number(0.5)),
        ("1e-3", Number(0.001)),
        ("1.5E+2", Number(150.0)),
        ("+img(a)", A),
        ("-2", Neg(Number(2.0))),
        ("--img(a)", Neg(Neg(A))),
    ],
)
def test_operands_and_signs(source: str, tree: Node | None) -> None:
    if tree is None:
        with pytest.raises(LanguageError):
            parse(source)
    else:
        assert parse(source) == tree


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a + b + c", Sum((A, B, C))),
        ("a - b - c", Sum((A, Neg(B), Neg(C)))),
        ("(a - b) - c", Sum((A, Neg(B), Neg(C)))),
        ("a - (b - c)", Sum((A, Neg(Sum((B, Neg(C))))))),
        ("a + (b - c)", Sum((A, B, Neg(C)))),
        ("a + -b", Sum((A, Neg(B)))),
        ("a - -b", Sum((A, Neg(Neg(B))))),
        ("a * b / c", Product((A, B, Inverse(C)))),
        ("a / b / c", Product((A, Inverse(B), Inverse(C)))),
        ("a / (b / c)", Product((A, Inverse(Product((B, Inverse(C))))))),
        ("a * (b / c)", Product((A, B, Inverse(C)))),
        ("a + b * c", Sum((A, Product((B, C))))),
        ("a * b + c", Sum((Product((A, B)), C))),
        ("a - b * c", Sum((A, Neg(Product((B, C)))))),
        ("(a + b) * c", Product((Sum((A, B)), C))),
        ("-a * b", Product((Neg(A), B))),
        ("-(a * b)", Neg(Product((A, B)))),
        ("-a + b", Sum((Neg(A), B))),
        ("-(a + b)", Neg(Sum((A, B)))),
        ("a * -b", Product((A, Neg(B)))),
        ("a / -b", Product((A, Inverse(Neg(B))))),
        ("a − b – c", Sum((A, Neg(B), Neg(C)))),
        ("a × b · c", Product((A, B, C))),
        ("((a))", A),
        ("(a\n  + b # first two\n  - c)\n", Sum((A, B, Neg(C)))),
        ("a +\n\n b # and\r\n", Sum((A, B))),
        ("a # one\n + b\n\n - c", Sum((A, B, Neg(C)))),
        ("2\n* a", Product((Number(2.0), A))),
        ("a\n; -b", Program((A, Neg(B)))),
    ],
)
def test_precedence_and_associativity(source: str, tree: Node) -> None:
    assert parse(re.sub(r"\b[abc]\b", r"img(\g<0>)", source)) == tree


def value(node: Node) -> float:
    """Evaluate a tree of numbers."""
    match node:
        case Number(number):
            return number
        case Neg(operand):
            return -value(operand)
        case Inverse(operand):
            return 1 / value(operand)
        case Sum(terms):
            return sum(value(t) for t in terms)
        case Product(factors):
            return math.prod(value(f) for f in factors)
    raise AssertionError(node)


def test_arithmetic_agrees_with_python() -> None:
    rng = random.Random(0)
    for _ in range(500):
        parts = [rng.choice(["", "-", "(", "-("]) + str(rng.randint(1, 9)) for _ in range(8)]
        source = "".join(p + rng.choice(["+", "-", "*", "/"]) for p in parts)[:-1]
        source += ")" * source.count("(")
        try:
            expected = eval(source)
        except ZeroDivisionError:
            continue
        assert value(parse(source)) == pytest.approx(expected, rel=1e-9, abs=1e-9), source


def test_parse_is_pure_and_cached() -> None:
    assert parse("img(a) + 'b'") is parse("img(a) + 'b'")


# --- round trips ----------------------------------------------------------------------------------

names = st.text("aZ_é東\u0301\u0939", max_size=4).map(lambda rest: "n" + rest)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(Number)
shares = st.tuples(*[st.floats(0, 1)] * 4)
conditions = st.one_of(
    texts.map(lambda text: (Text(text),)),
    texts.map(lambda text: (Keyword("where", Text(text)),)),
    st.tuples(texts.map(Text), texts.map(lambda text: Keyword("where", Text(text)))),
)
leaves = st.one_of(
    names.map(Image),
    st.builds(Image, names, st.just(False), shares),
    conditions.map(lambda arguments: Call("imgs", arguments)),
    names.filter(lambda name: name == unicodedata.normalize("NFC", name)).map(Name),
    texts.filter(bool).map(lambda name: Image(name, quoted=True)),
    texts.map(Text),
    numbers,
)


def compound(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    divided = st.one_of(nodes, nodes.map(Inverse))
    return st.one_of(
        nodes.map(Neg),
        st.builds(Call, st.sampled_from(["unit", "mean", "both", "über"]), calls(nodes)),
        st.tuples(nodes, nodes, nodes).map(
            lambda abc: Call("analogy", (*abc, Keyword("how", Text("mul"))))
        ),
        st.lists(nodes, min_size=2, max_size=4).map(lambda terms: total(*terms)),
        st.tuples(nodes, st.lists(divided, min_size=1, max_size=3)).map(
            lambda factors: product(factors[0], *factors[1])
        ),
    )


def calls(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[tuple[Node, ...]]:
    argument = st.one_of(nodes, st.builds(Keyword, st.sampled_from(["t", "k"]), nodes))
    return st.lists(argument, max_size=3).map(tuple)


trees: st.SearchStrategy[Node] = st.recursive(leaves, compound, max_leaves=8)
expressions = st.one_of(
    trees, st.builds(Pipe, trees, st.builds(Call, st.sampled_from(["words", "x"]), calls(leaves)))
)
lines = st.one_of(expressions, st.builds(Binding, st.sampled_from(["a", "été"]), expressions))
programs: st.SearchStrategy[Node] = st.one_of(
    lines,
    st.lists(lines, min_size=2, max_size=3).map(lambda statements: Program(tuple(statements))),
)


@settings(
    max_examples=50_000 if SOAK else 2000,
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=list(HealthCheck),
)
@given(programs)
def test_unparse_round_trips(tree: Node) -> None:
    printed = unparse(tree)
    reparsed = parse(printed)
    assert reparsed == tree
    assert hash(reparsed) == hash(tree)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(trees.filter(lambda tree: not any(isinstance(n, Keyword) for n in walk(tree))))
def test_every_span_covers_its_node(tree: Node) -> None:
    printed = unparse(tree)
    for node in walk(parse(printed)):
        assert_span_is_right(printed, node)


def assert_span_is_right(source: str, node: Node) -> None:
    """Check that the characters in a node's span parse to that node; spans include the sign."""
    piece = source[slice(*node.span)]
    match node:
        case Neg(operand):
            assert piece[0] == "-"
            assert piece.endswith(source[slice(*operand.span)])
        case Inverse(operand):
            assert piece[0] == "/"
            assert piece.endswith(source[slice(*operand.span)])
        case _:
            assert parse(piece) == node


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("  img( a )−( 'b' )", 'img(a) - "b"'),
        ("(img(a)+img(b))+(img(c)*2.50)", "img(a) + img(b) + img(c) * 2.5"),
        ("img(a)-(img(b)-img(c))", "img(a) - (img(b) - img(c))"),
        ("2×(3·img(a))/(4*5)", "2 * 3 * img(a) / (4 * 5)"),
        ("+(((-img(a))))", "-img(a)"),
        ("1e+20 * 'a' + 1E-07 * 'b' + 0.30 * 'c'", '1e20 * "a" + 1e-7 * "b" + 0.3 * "c"'),
        ("txt('the \"Mona Lisa\"')", "'the \"Mona Lisa\"'"),
        ("img('a')", 'img("a")'),
        ("'\\u001b[31m' # red", '"\\u001b[31m"'),
    ],
)
def test_unparse_is_short_and_readable(source: str, printed: str) -> None:
    assert unparse(parse(source)) == printed
    assert parse(printed) == parse(source)


def test_spans() -> None:
    source = 'img(a) - (2 * "b") / 3'
    pieces = [source[slice(*node.span)] for node in walk(parse(source))]
    assert pieces == [source, "img(a)", '- (2 * "b") / 3', '(2 * "b") / 3', "2", '"b"', "/ 3", "3"]
    assert parse(" ( img(a) ) ").span == Span(1, 11)


# --- trees built in Python ------------------------------------------------------------------------


def test_constructors_build_the_same_tree() -> None:
    left = total(total(image("coffee"), Neg(Text("coffee"))), product(number(-2), Text("tea")))
    assert left == parse('img(coffee) - "coffee" + -2 * "tea"')
    halved = product(left, Inverse(number(2)))
    assert halved == parse('(img(coffee) - "coffee" + -2 * "tea") / 2')


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("cat", False), ("größe", False), ("img", False), ("txt", False)]
    + [
        (n, True)
        for n in ("us-flag", "cat.jpg", "a b", " a", "a ", "2cats", "", "a) + img(b", "a#")
    ],
)
def test_image_is_quoted_only_if_necessary(name: str, quoted: bool) -> None:
    assert image(name) == Image(name, quoted)
    if name:
        assert parse(unparse(image(name))) == image(name)


def test_number_must_be_finite() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        with pytest.raises(ZcalcError, match="finite"):
            number(bad)


def test_operands_are_distinct_and_in_source_order() -> None:
    tree = parse('img(b) - "x" * 2 + (img(a) - img(b)) / 3 + img("a") + "x"')
    assert operands(tree) == (B, Text("x"), A, Image("a", quoted=True))


# --- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ["img(a)", '"b"', "2 * 3 * img(a)", "-img(a) / 2 + 'b' * (1 + 1)", "'a' / (3 - 2 * 1)"],
)
def test_embeddings(source: str) -> None:
    assert check(parse(source), source) is Type.EMBEDDING
    assert check(parse(source)) is Type.EMBEDDING


def test_errors_without_source_show_the_unparsed_tree() -> None:
    with pytest.raises(LanguageError) as caught:
        check(total(A, product(B, Text("x"))))
    assert caught.value.source_line == 'img(a) + img(b) * "x"'
    assert caught.value.column == 17


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", WRONG_INPUTS, ids=lambda block: block.split("\n")[1].strip())
def test_wrong_inputs(block: str) -> None:
    error = error_of(block.split("\n")[1][4:])
    assert str(error) == block
    assert error.hint


def test_wrong_inputs_are_many_and_distinct() -> None:
    assert len(set(WRONG_INPUTS)) == len(WRONG_INPUTS) >= 60


@pytest.mark.parametrize("source", ["", "   ", "\n\n", "\t"])
def test_an_empty_expression(source: str) -> None:
    message = (
        'Line 1, column 1: The expression is empty\nFor example: img(coffee) - "coffee" + "tea"'
    )
    assert str(error_of(source)) == message


@pytest.mark.parametrize(
    ("source", "line", "column", "excerpt"),
    [
        ("img(a)\nimgz(b)", 2, 1, "    imgz(b)\n    ^^^^\n"),
        ("img(a)\r\n\r\n* img(b)\r\n", 3, 1, "    * img(b)\n    ^\n"),
        ("(img(a)\n * # by\n img(b))", 2, 2, "     * # by\n     ^\n"),
        ('"one\ntwo"', 1, 1, '    "one\n    ^\n'),
        ("\timg(a)\t+\t2", 1, 11, "        img(a)    +    2\n                       ^\n"),
        ("'\x1b[31m' + 2", 1, 11, "    '�[31m' + 2\n              ^\n"),
        ("img(a)\u200b + 'b'", 1, 7, "    img(a)� + 'b'\n          ^\n"),
        ("\ufeffimg(a)", 1, 1, "    �img(a)\n    ^\n"),
        ("'\ud800'", 1, 1, "    '�'\n    ^^^\n"),
        ("()" + " " * 300, 1, 1, "    ()" + " " * 94 + "…\n    ^^\n"),
    ],
)
def test_caret_position(source: str, line: int, column: int, excerpt: str) -> None:
    error = error_of(source)
    assert (error.line, error.column) == (line, column)
    assert excerpt in str(error)


def test_a_long_line_is_truncated_around_the_caret() -> None:
    message = str(error_of("+".join(["img(a)"] * 100) + "+2+" + "+".join(["img(a)"] * 100)))
    _, line, caret, _ = message.split("\n")
    assert len(line) < 110
    assert line[caret.index("^")] == "2"
    assert line.strip()[0] == line.strip()[-1] == "…"


def test_error_attributes() -> None:
    error = error_at("'a'\n + img(b)", Span(7, 13), "No picture b", "Did you mean a?")
    assert isinstance(error, ZcalcError)
    assert (error.line, error.column, error.source_line) == (2, 4, " + img(b)")
    assert (error.message, error.hint) == ("No picture b", "Did you mean a?")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_random_and_mutated_inputs_raise_only_language_errors() -> None:
    rng = random.Random(time.time_ns() if SOAK else 0)
    alphabet = "img(txt)ab 2.5e-+*/\"'\\#\n\t−–×·“”,=;|>^é東🐱\u0301\u200b\x00\ud800[]{}"
    seeds = [block.split("\n")[1][4:] for block in WRONG_INPUTS]
    seeds += ['img(coffee) - "coffee" + "tea"', "2 * (img(a) - 'b') / 3 # c", "-(-txt('é'))"]
    seeds += ["w = 2; c = lerp(img(a), 'b', t=0.5 / w)\nw * c + 'd' |> caption(prompt='An')\n"]
    refused, count, slowest = 0, 200_000 if SOAK else 10_000, 0.0
    parse("'warm-up: builds the parser'")
    for i in range(count):
        if i % 4 == 0:
            source = "".join(rng.choices(alphabet, k=rng.randint(0, 30)))
        else:
            characters = list(rng.choice(seeds))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(characters) + 1)
                characters[at : at + rng.randint(0, 2)] = rng.choices(alphabet, k=rng.randint(0, 2))
            source = "".join(characters)
        begin = time.thread_time()
        try:
            plan(source)
        except LanguageError as error:
            refused += 1
            assert error.line >= 1 and error.column >= 1 and error.hint
            assert str(error).startswith(f"Line {error.line}, column {error.column}: ")
            str(error).encode()
        slowest = max(slowest, time.thread_time() - begin)
    assert count / 2 < refused < count
    assert slowest < 0.05


# --- limits ---------------------------------------------------------------------------------------


def test_limits() -> None:
    for depth in (63, 64):
        assert parse("(" * depth + "img(a)" + ")" * depth) == A
        assert unparse(parse("-" * depth + "img(a)")) == "-" * depth + "img(a)"
    assert "64 deep" in error_of("(" * 65 + "img(a)" + ")" * 65).message
    assert "64 deep" in error_of("-" * 65 + "img(a)").message
    assert "64 deep" in error_of("-(" * 32 + "+img(a)" + ")" * 32).message
    assert parse("(-img(a)) - " * 80 + "-(img(b))")  # many signs, but not nested
    for count in (255, 256):
        assert parse("+".join(["img(a)"] * count)) == Sum((A,) * count)
    assert "257 pictures and texts" in error_of("+".join(["img(a)"] * 257)).message
    for length in (4095, 4096):
        assert parse("img(a)".ljust(length)) == A
    assert error_of("img(a)".ljust(4097)).column == 4097


@pytest.mark.parametrize("source", ["(", "-", "+img(a)", "img(", '"', "#", "a", "1", " ", "'a'*"])
def test_endless_input_is_refused_quickly(source: str) -> None:
    for times in (100_000, 4096 // len(source)):
        seconds = []
        for _ in range(3):
            begin = time.process_time()
            str(error_of(source * times))
            seconds.append(time.process_time() - begin)
        assert min(seconds) < 0.1


def test_the_deepest_expression_does_not_overflow_the_stack() -> None:
    source = "img(a) - 2 * img(b) / unit(" * 64 + "img(c)" + ")" * 64
    tree = parse(source)
    assert parse(unparse(tree)) == tree
    assert eval(repr(parse("-f('a', k=2) + (img(b)) / n |> words(3)"))) == parse(
        "-f('a', k=2) + (img(b)) / n |> words(3)"
    )
    assert repr(tree).count("Image") == 129
    assert hash(tree)
    error_of(source)  # a type error, found only after checking the whole depth


def test_trees_built_in_python_are_limited_in_depth() -> None:
    tree: Node = A
    for _ in range(5000):
        tree = Neg(tree)
    with pytest.raises(LanguageError, match="too deep"):
        check(tree)


# --- the grammar ----------------------------------------------------------------------------------


def test_rules_and_terminals_never_conflict() -> None:
    from lark import Lark
    from lark.exceptions import GrammarError, LexError

    grammar = (HERE.parent / "grammar" / "zcalc.lark").read_text(encoding="utf-8")
    Lark(grammar, parser="lalr", lexer="basic", strict=True)
    clash = grammar.replace("?statement: shown", "?statement: shown | OTHER") + "\nOTHER: /[a-z]+/"
    with pytest.raises((GrammarError, LexError)):
        Lark(clash, parser="lalr", lexer="basic", strict=True)


def test_the_grammar_is_short() -> None:
    grammar = HERE.parent / "grammar" / "zcalc.lark"
    assert len(grammar.read_text(encoding="utf-8").splitlines()) < 60
