"""Programs: names, calls, evaluation, completion, and the examples of docs/language.md."""

import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import hash_calculator, save_photo

import zcalc
from zcalc import algebra
from zcalc.algebra import unit
from zcalc.answer import View
from zcalc.combination import Combination
from zcalc.decode.decoders import DECODERS
from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.geometry.maps import plane
from zcalc.language import LanguageError, Text, Type, fold_constants, parse, plan, unparse
from zcalc.language.completion import complete
from zcalc.show.data import answer_data

SOAK = bool(os.environ.get("ZCALC_SOAK"))
PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text("utf8")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("red", "green", "blue", "red rose"):
        save_photo(tmp_path / "photos" / f"{name}.png", name.split()[0])
    return tmp_path / "photos"


# --- plans ----------------------------------------------------------------------------------------


def test_names_are_expanded() -> None:
    steps, bound = plan("a = 'x' - 'y'\nn = 1 / 4; b = n * a\nb + -a |> words(k=2 * 3)")
    assert [step.name for step in steps] == ["a", "n", "b", None]
    assert steps[2].tree == parse("0.25 * ('x' - 'y')")
    assert steps[3].tree == parse("0.25 * ('x' - 'y') + -('x' - 'y')")
    assert (steps[3].type, steps[3].verb.name, steps[3].verb.settings) == (
        Type.EMBEDDING,
        "words",
        {"k": 6},
    )
    assert steps[3].source == "b + -a |> words(k=2 * 3)"
    later, _ = plan("a - 'z'", bound)
    assert later[0].tree == parse("'x' - 'y' - 'z'")


def test_errors_point_into_the_statement_that_uses_a_name() -> None:
    _, bound = plan("n = 0 * norm('x') # known only after embedding")
    steps, _ = plan("   'y' / n", bound)
    with pytest.raises(LanguageError, match="Division by zero") as caught:
        Evaluation({Text("x"): np.ones(3), Text("y"): np.ones(3)}, "   'y' / n")(steps[0].tree)
    assert caught.value.column == 8


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("2 * 3 * 'a' / 4", "1.5 * 'a'"),
        ("'a' * 0.5 * 2", "'a'"),
        ("(1 + 1 - 3) * 'a'", "-1 * 'a'"),
        ("lerp(t=1 / 2, b='b', a='a')", "lerp('a', 'b', 0.5)"),
        ("'a' / cos('a', 'b')", "'a' / cos('a', 'b')"),
        ("2 * cos('a', 'b') * 3", "6 * cos('a', 'b')"),
        ("1 / cos('a', 'b') * 'c'", "1 / cos('a', 'b') * 'c'"),
    ],
)
def test_constants_are_folded(source: str, expected: str) -> None:
    assert fold_constants(parse(source)) == parse(expected)


def test_limits_hold_with_names_expanded() -> None:
    doubled = "\n".join(f"a{i + 1} = a{i} + a{i}" for i in range(8))
    steps, _ = plan("a0 = img(x)\n" + doubled)
    assert len(steps[-1].tree.terms) == 256
    for more in ("a8 + a0", "\n".join(["a8"] * 20)):
        with pytest.raises(LanguageError, match="names expanded"):
            plan(f"a0 = img(x)\n{doubled}\n{more}")
    deep = "\n".join(f"a{i + 1} = {'unit(' * 40}a{i}{')' * 40}" for i in range(10))
    with pytest.raises(LanguageError, match="too deep"):
        plan("a0 = img(x)\n" + deep)


# --- the algebra ----------------------------------------------------------------------------------

LAWS = (
    ('proj("a", "b") + rej("a", "b")', '"a"'),
    ('proj(proj("a", "b"), "b")', 'proj("a", "b")'),
    ('proj("a", 3 * "b")', 'proj("a", -"b")'),
    ('lerp("a", "b", 0)', '"a"'),
    ('lerp("a", "b", 1)', '"b"'),
    ('2 * lerp("a", "b", 0.5)', '"a" + "b"'),
    ('slerp("a", "b", 0)', 'unit("a")'),
    ('slerp("a", 2 * "b", 1)', 'unit("b")'),
    ('slerp("a", "b", 0.5)', 'mean("a", "b")'),
    ('slerp("a", "b", 0.3)', 'slerp("b", "a", 0.7)'),
    ('mean("a", "b", "c")', 'unit(unit("a") + unit("b") + unit("c"))'),
    ('analogy("a", "b", "c")', '"b" - "a" + "c"'),
    ('unit(unit("a"))', 'unit("a") * 1'),
    ('norm("a") * unit("a")', '"a"'),
    ('cos("a", "b") * unit("b")', 'proj(unit("a"), "b")'),
    ("center(center('a' - 2 * 'b'))", "center('a' - 2 * 'b')"),
    ("center('a' + 'b')", "center('a') + center('b')"),
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law[0])
def test_laws_of_the_functions(law: tuple[str, str]) -> None:
    left, right = (parse(text) for text in law)
    random = np.random.default_rng(0)
    for _ in range(20_000 if SOAK else 1000):
        rows = random.normal(size=(5, random.integers(2, 40))) * 10 ** random.uniform(-3, 3)
        vectors = {Text(name): row for name, row in zip("abc", rows, strict=False)}
        evaluation = Evaluation(vectors, None, lambda rows=rows: (rows[3], rows[4]))
        sides = evaluation(left), evaluation(right)
        size = max(algebra.norm(sides[0]), algebra.norm(sides[1]), 1e-9)
        assert np.abs(sides[0].vector - sides[1].vector).max() < 1e-6 * size
        for value in sides:  # every value is the sum of its terms
            summed = value.weights @ rows
            assert np.abs(summed - value.vector).max() < 1e-6 * max(value.size, 1e-9)


def test_rejection_is_orthogonal_and_cos_is_the_cosine() -> None:
    for seed in range(200):
        a, b = np.random.default_rng(seed).normal(size=(2, 16))
        assert abs(algebra.rej(a, b) @ b) < 1e-12
        assert algebra.cos(a, b) == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert algebra.cos(a, a) == 1 and algebra.cos(a, -3 * a) == -1
        for t in (-0.5, 0.2, 1.5):
            assert algebra.norm(algebra.slerp(a, b, t)) == pytest.approx(1)


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf, -math.inf])
def test_vectors_without_a_direction_are_refused(bad: float) -> None:
    broken = np.array([bad, 0.0, 0.0])
    good = np.array([1.0, 2.0, 3.0])
    for call in (
        lambda: algebra.direction(broken),
        lambda: algebra.cos(good, broken),
        lambda: algebra.proj(good, broken),
        lambda: algebra.mean(good, broken),
        lambda: algebra.slerp(broken, good, 0.5),
    ):
        with pytest.raises(ZcalcError, match=r"cancels out|not finite"):
            call()
    if bad:
        with pytest.raises(ZcalcError, match="too large"):
            Evaluation({Text("a"): broken, Text("b"): good})(parse("'a' + 'b'"))


def test_opposite_directions_have_no_arc_and_no_mean() -> None:
    a = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ZcalcError, match="opposite"):
        algebra.slerp(a, -2 * a, 0.5)
    with pytest.raises(ZcalcError, match="cancels out"):
        algebra.mean(a, -2 * a)
    np.testing.assert_allclose(algebra.slerp(a, 2 * a, 0.3), unit(a))


def test_rounding_noise_has_no_direction() -> None:
    vectors = {Text("a"): np.array([0.1, 0.7, 0.3])}
    with pytest.raises(LanguageError, match="cancels out") as caught:
        Evaluation(vectors, "2 * unit('a' / 3 - 'a' * (1 / 3))")(
            parse("2 * unit('a' / 3 - 'a' * (1 / 3))")
        )
    assert caught.value.column == 5


# --- programs on a calculator ---------------------------------------------------------------------


def test_a_program_is_the_list_of_its_results(photos: Path) -> None:
    calc = hash_calculator([photos])
    program = calc('a = img(red) - "tea"\nhalf = 1 / 2\na * half\ncos(a, "tea") # a cosine')
    assert [repr(result) for result in program] == [
        '(a = img(red) - "tea")',
        "(half = 1 / 2)",
        "(a * half)",
        '(cos(a, "tea"))',
    ]
    assert calc.models.encoder.batches == [("texts", 1), ("images", 1)]
    assert program[2].norm == pytest.approx(program[0].norm / 2)
    assert float(program[3]) == pytest.approx(algebra.cos(program[0].vector, calc('"tea"').vector))
    again = calc("a + img(green)")
    assert again.tree == parse('img(red) - "tea" + img(green)') and again.expr == "a + img(green)"


def test_a_program_that_fails_changes_no_name(photos: Path) -> None:
    calc = hash_calculator([photos])
    calc("a = img(red)")
    for bad in (
        "a = img(green); a * a",
        "a = img(green); b = img(nobody)",
        "a = img(green)\nb = a - img(green)",
        "a = img(green) +",
        "a = 'x' / norm('x' - 'x')",
    ):
        with pytest.raises(LanguageError):
            calc(bad)
    assert list(calc.names) == ["a"] and calc("a").tree == parse("img(red)")


def test_a_hundred_statements_are_embedded_in_one_batch(tmp_path: Path) -> None:
    for i in range(30):
        save_photo(tmp_path / f"p{i}.png", f"hsl({12 * i}, 80%, 50%)", (8, 8))
    calc = hash_calculator([tmp_path])
    calc("\n".join(f"img(p{i % 30}) - img(p{i * 7 % 30}) / 2" for i in range(100)))
    assert calc.models.encoder.batches == [("texts", 0), ("images", 30)]


def test_python_methods_build_the_tree_of_the_text(photos: Path) -> None:
    calc = hash_calculator([photos])
    red, tea, cup = calc.img("red"), calc.txt("tea"), calc.txt("cup")
    for result, text in (
        (red.mean(tea, cup), 'mean(img(red), "tea", "cup")'),
        (red.unit() - tea, 'unit(img(red)) - "tea"'),
        ((red - tea).proj(cup), 'proj(img(red) - "tea", "cup")'),
        (red.rej(off=tea), 'rej(img(red), "tea")'),
        (red.rej(tea, cup), 'rej(img(red), "tea", "cup")'),
        (red.edit(tea, cup), 'edit(img(red), "tea", "cup", 1)'),
        (red.lerp(tea, 0.25), 'lerp(img(red), "tea", 0.25)'),
        (red.slerp(tea, -1), 'slerp(img(red), "tea", -1)'),
        (red.analogy(tea, cup), 'analogy(img(red), "tea", "cup")'),
        (2 * red.center(), "2 * center(img(red))"),
        (red * cup.cos(tea) / tea.cos(cup), 'img(red) * cos("cup", "tea") / cos("tea", "cup")'),
    ):
        parsed = calc(text)
        assert (result.tree, result.expr) == (parsed.tree, text)
        np.testing.assert_allclose(result.vector, parsed.vector, atol=1e-6)
    with pytest.raises(ZcalcError, match="'tea' is not an operand"):
        red.proj("tea")


def test_terms_add_up(photos: Path) -> None:
    calc = hash_calculator([photos])
    result = calc('a = img(red) - 2 * "tea"; a + "cup" / 4 + a')[1]
    assert [(term.name, term.weight) for term in result.terms] == [
        ("img(red)", 2.0),
        ('"tea"', -4.0),
        ('"cup"', 0.25),
    ]
    assert sum(t.norm * t.cosine for t in result.terms) == pytest.approx(result.norm)
    assert answer_data(result.answer(View()))["terms"][2]["name"] == '"cup"'
    bundle = result._repr_mimebundle_()
    assert "Terms" in bundle["text/plain"] and "img(red)" in bundle["text/html"]


def test_verbs_show_only_their_part(photos: Path) -> None:
    calc = hash_calculator([photos])
    bundles = {
        verb: calc(f"img(red) + 'tea' |> {verb}")._repr_mimebundle_()
        for verb in ("words(2)", "nearest(k=1)", "plot()", "caption(beams=2)")
    }
    for verb, bundle in bundles.items():
        assert ("Nearest words" in bundle["text/plain"]) is (verb == "words(2)")
        assert ("Nearest pictures" in bundle["text/html"]) is (verb == "nearest(k=1)")
        assert ("image/png" in bundle["text/html"]) is (verb == "plot()")
        assert ("sentence" in re.sub("<style>.*</style>", "", bundle["text/html"], flags=re.S)) is (
            verb == "caption(beams=2)"
        )
    bound = calc("a = img(red)")._repr_mimebundle_()["text/plain"]
    assert bound.startswith("a = img(red)") and "Nearest" not in bound
    assert calc("cos(a, 'tea') * 0")._repr_mimebundle_()["text/plain"] == "cos(a, 'tea') * 0 = 0"


def test_center_needs_unit_vectors(photos: Path) -> None:
    calc = hash_calculator([photos], normalize=False)
    with pytest.raises(LanguageError, match="length 1") as caught:
        calc("'tea' + center('cup')")
    assert caught.value.column == 9


@pytest.mark.model
def test_a_text_that_sets_the_scene_is_not_what_words_are_about() -> None:
    calc = zcalc.load("mini")
    scenes = {"photo", "photograph", "picture", "image", "snapshot", "photography"}
    with_scene, without = (
        [word.text for word in calc(e).words(10)]
        for e in (
            'img(sushi) - img(jp_flag) + img(it_flag) + "a photo"',
            "img(sushi) - img(jp_flag) + img(it_flag)",
        )
    )
    assert with_scene == without and not scenes & set(with_scene)
    assert scenes & {word.text for word in calc('"a photo" + "an image"').words(10)}


def test_a_picture_alone_has_its_name_among_its_words() -> None:
    calc = zcalc.load("mini")
    assert "pizza" in [word.text for word in calc("img(pizza)").words(5)]
    assert "pizza" not in [word.text for word in calc('img(pizza) + "italy"').words(50)]


def test_mini_ships_its_means() -> None:
    calc = zcalc.load("mini")
    pictures, texts = calc.means
    trunk = calc.models.encoder.clip.visual
    classes = trunk.place(trunk.table[:1000]).numpy()  # (1000, d)
    assert np.allclose(pictures, unit(classes).mean(0), atol=1e-3)
    words = unit(calc.models.encoder.texts(list(calc.models.vocabulary.texts)))
    assert np.allclose(texts, words.mean(0), atol=1e-3)
    centred = calc("center(img(cat))")
    assert {term.name for term in centred.terms} == {"img(cat)", "mean picture"}
    assert "image_index" not in vars(calc), "the means do not need the gallery"


def test_the_map_preserves_distances_in_a_plane() -> None:
    points = np.array([[0, 0, 5], [3, 0, 5], [0, 4, 5]], dtype=float)
    flat, share = plane(points)
    assert share == pytest.approx(1)
    assert np.linalg.norm(flat[1] - flat[2]) == pytest.approx(5)


def test_the_plot_has_a_title_and_labels(photos: Path) -> None:
    figure = hash_calculator([photos])('img(red) - "tea" + "$cup"').plot()
    axes = figure.axes[0]
    assert axes.get_title(loc="left") and axes.get_xlabel() and axes.get_ylabel()
    labels = [text.get_text() for text in axes.texts]
    assert labels == ["img(red)", '"tea"', '"$cup"', '★ img(red) - "tea" + "$cup"']


# --- completion -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "start", "options"),
    [
        ("im", 0, ("img(", "imgs(")),
        ("mean(imgs(wh", 10, ("where=",)),
        ("leader |> words(3, am", 19, ("among=",)),
        ("leader |> label(", 16, ()),
        ("leader |> rel", 10, ("relevance(",)),
        ("bot", 0, ("both(",)),
        ("img(re", 4, ("red)", '"red rose")')),
        ('img("re', 4, ('"red")', '"red rose")')),
        ("1 + no", 4, ("norm(",)),
        ("cos(lea", 4, ("leader",)),
        ("mine = img(red); mi", 17, ("mine",)),
        ("leader ", 7, ("|> ",)),
        ("leader |> w", 10, ("words(",)),
        ("leader |> caption(b", 18, ("beams=",)),
        ("leader |> caption(method=", 25, ('"zerocap"', '"search"', '"prefix"', '"retrieve"')),
        ("lerp(img(red), leader, t", 23, ("txt(", "t=")),
        ('"leader', 0, ()),
        ('txt("re', 4, ()),
        ("# im", 4, ()),
        ("xyz", 0, ()),
    ],
)
def test_completion(text: str, start: int, options: tuple[str, ...]) -> None:
    pictures = ["red", "red rose", "green"]
    completion = complete(text, len(text), ["leader"], pictures, DECODERS)
    assert (completion.start, completion.options) == (start, options)


def test_completion_at_every_position(photos: Path) -> None:
    calc = hash_calculator([photos])
    text = 'é = lerp(img("red rose"), \'a\\\'b\', t=0.5)\n é - img(red) |> caption(prompt="An") # x'
    for cursor in range(-1, len(text) + 2):
        completion = calc.complete(text, cursor)
        assert 0 <= completion.start <= len(text)
    completion = calc.complete("img(gr")
    assert calc("img(gr"[: completion.start] + completion.options[0]).tree == parse("img(green)")
    assert calc.complete("img(", 99).options


# --- docs/language.md -----------------------------------------------------------------------------

BLOCKS = re.findall(r"^```zcalc\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_examples_in_the_docs(block: str) -> None:
    results = hash_calculator()(block)
    for result in results if isinstance(results, list) else [results]:
        assert result._repr_mimebundle_()["text/html"]
        assert json.dumps(answer_data(result.answer()))
    assert parse(unparse(parse(block))) == parse(block)


@pytest.mark.model
def test_python_in_the_docs() -> None:
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "language.md", "exec"), {})


def test_the_error_in_the_docs() -> None:
    source = re.search(r"zcalc eval '(.*)'", PAGE)
    output = re.search(r"```text\n(.*?)\n```", PAGE, flags=re.DOTALL)
    with pytest.raises(LanguageError) as caught:
        plan(source[1])
    assert str(caught.value) == output[1]


def test_numbers_are_not_embeddings() -> None:
    assert Evaluation({})(parse("2 * 3 - 1 / 4")) == 5.75
    assert not isinstance(Evaluation({})(parse("2")), Combination)
