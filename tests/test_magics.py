"""`%zcalc` and `%%zcalc` in IPython: options, interpolation, errors, completion."""

import atexit
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import hash_calculator, save_photo
from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
from test_card import ALLOWED, HOSTILE, Tags

from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.language import LanguageError
from zcalc.notebook.interpolation import end_of, interpolations
from zcalc.notebook.options import settings_of, split
from zcalc.result import Result, Results, Scalar


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "zcalc")
    for name in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{name}.png", name)
    shell.user_ns["calc"] = hash_calculator([tmp_path / "photos"])
    yield shell
    shell.run_line_magic("unload_ext", "zcalc")
    atexit.unregister(shell.atexit_operations)  # a garbage collection for every shell
    shell.history_manager.close()


def run(shell: InteractiveShell, cell: str) -> Any:
    """Run a cell and return its value, or raise its error."""
    execution = shell.run_cell(cell, store_history=True)
    execution.raise_error()
    return execution.result


def failed(shell: InteractiveShell, cell: str) -> ZcalcError:
    """Run a cell and return its ZcalcError."""
    error = shell.run_cell(cell).error_in_exec
    assert isinstance(error, ZcalcError), repr(error)
    return error


def completed(shell: InteractiveShell, cell: str) -> dict[str, str]:
    """The completions at the last `|`, each with the cell that it would result in."""
    before, _, after = cell.rpartition("|")
    text = before + after
    with provisionalcompleter():
        completions = shell.Completer.completions(text, len(before))
        completions = list(rectify_completions(text, completions))
    return {c.text: text[: c.start] + c.text + text[c.end :] for c in completions}


def test_loading_adds_the_magics_and_unloading_removes_them(shell: InteractiveShell) -> None:
    assert "zcalc" in shell.magics_manager.magics["cell"]
    shell.run_line_magic("reload_ext", "zcalc")
    assert len(shell.Completer.custom_matchers) == 1
    shell.run_line_magic("unload_ext", "zcalc")
    assert "zcalc" not in shell.magics_manager.magics["line"]
    assert shell.Completer.custom_matchers == []
    shell.run_line_magic("load_ext", "zcalc")


def test_an_expression(shell: InteractiveShell) -> None:
    result = run(shell, '%zcalc img(red) - "tea"')
    assert isinstance(result, Result) and result.expr == 'img(red) - "tea"'
    assert run(shell, "_").expr == result.expr
    assert run(shell, 'r = %zcalc -img(red) + "b"') is None
    assert shell.user_ns["r"].expr == '-img(red) + "b"'
    assert shell.user_ns["r"].calculator is shell.user_ns["calc"]


@pytest.mark.parametrize(
    "body",
    [
        '-img(red) + "b"', '- img(red) + "b"', '--img(red) + "b"', '-2 * "b"', '-"b"',
        '-- --img(red) - "b"', '-k 3 -img(red)', '--no-caption -img(red) + "b"',
        '-k=3 --no-caption -"b"', "-(img(red))",
    ],
)  # fmt: skip
def test_a_minus_sign_is_not_an_option(shell: InteractiveShell, body: str) -> None:
    expected = body.rpartition("caption ")[2].removeprefix("-k 3 ").removeprefix("-- ").strip()
    result = run(shell, f"%zcalc {body}")
    assert result.tree == shell.user_ns["calc"](expected).tree


def test_a_program_binds_variables_and_displays_the_rest(shell: InteractiveShell) -> None:
    assert run(shell, "%%zcalc\nwarm = img(red) - img(blue)\nhalf = 1 / 2") is None
    assert isinstance(shell.user_ns["warm"], Result)
    assert isinstance(shell.user_ns["half"], Scalar) and float(shell.user_ns["half"]) == 0.5
    cell = '%%zcalc\nwarm + "tea" |> words(3)\n# a comment\ncos(warm, img(red))\nx = -warm'
    displayed = run(shell, cell)
    assert isinstance(displayed, Results) and len(displayed) == 2
    result = run(shell, "%%zcalc -k 4 --no-caption\nhalf * warm")
    assert isinstance(result, Result)
    assert (result.view.words, result.view.pictures, result.view.caption) == (4, 4, None)
    assert len(run(shell, '%%zcalc "tea"\n"cup"')) == 2


def test_the_calculator_is_the_variable(shell: InteractiveShell, tmp_path: Path) -> None:
    save_photo(tmp_path / "my photos" / "pink.png", "pink")
    shell.user_ns["folder"] = tmp_path / "my photos"
    first = shell.user_ns["calc"]
    second = run(shell, f'%zcalc --images "{tmp_path / "my photos"}" --seed 3')
    assert second is shell.user_ns["calc"] is not first
    assert [p.name for p in second.gallery] == ["pink"] and second.seed == 3
    assert run(shell, "%zcalc --images {folder}").gallery.roots == second.gallery.roots
    assert run(shell, "%zcalc --seed=3 --images {folder}") is second, "cached by its options"
    shell.user_ns["calc"] = 3
    assert "calc must be a calculator, but its type is int" in failed(shell, '%zcalc "tea"').message
    shell.user_ns["calc"] = first
    run(shell, '%%zcalc\ncalc = "tea"')
    assert shell.user_ns["calc"] is first


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("--modle mini", "Unknown option --modle.", "Did you mean --model?"),
        ("--model", "--model needs a value", "--model NAME"),
        ('-k many "a"', "-k must be a whole number, at least 1, not 'many'.", "-k 5"),
        ("-k 0 img(a)", "-k must be a whole number, at least 1, not '0'.", "-k 5"),
        ("--seed x", "--seed must be a whole number, at least 0, not 'x'.", "--seed 5"),
        ("--model large-ish", "Unknown preset 'large-ish'", "Did you mean"),
        ("--images /nowhere", "There is no folder /nowhere", ""),
        ("", "Nothing to evaluate", "img(coffee)"),
    ],
)
def test_invalid_options(shell: InteractiveShell, line: str, message: str, hint: str) -> None:
    error = failed(shell, f"%zcalc {line}")
    assert message in error.message and hint in error.hint


@pytest.mark.parametrize(
    "cell",
    [
        '%zcalc img(red) - "tea";',
        '%%zcalc\nimg(red) - "tea"\n"tea";  # nothing to see',
        "%zcalc img(red) |> words(3);",
    ],
)
def test_a_semicolon_at_the_end_hides_the_display(shell: InteractiveShell, cell: str) -> None:
    assert run(shell, cell) is None


def test_a_semicolon_elsewhere_hides_nothing(shell: InteractiveShell) -> None:
    assert len(run(shell, '%zcalc img(red); "tea"')) == 2
    assert run(shell, '%zcalc "tea;"').expr == '"tea;"'


@pytest.mark.parametrize(
    ("cell", "right"),
    [
        ("%zcalc img(red) --model mini", "%zcalc --model mini img(red)"),
        ('%zcalc img(red) - "tea" -k 3', '%zcalc -k 3 img(red) - "tea"'),
        ("%zcalc img(red) --no-caption", "%zcalc --no-caption img(red)"),
        ("%%zcalc\na = img(red)\na --model mini\n", "%%zcalc --model mini"),
        ("%%zcalc\na = img(red)\n--names\na", "%%zcalc --names"),
    ],
)
def test_options_after_the_expression_show_the_right_order(
    shell: InteractiveShell, cell: str, right: str
) -> None:
    error = failed(shell, cell)
    assert "comes after the expression" in error.message
    assert right in error.hint


def test_dashes_inside_texts_and_arithmetic_are_no_options(shell: InteractiveShell) -> None:
    assert run(shell, '%zcalc img(red) + "a --model of -k 5"').norm > 0
    assert run(shell, "%zcalc img(red) --img(green)").norm > 0


def test_names_are_a_table(shell: InteractiveShell) -> None:
    names = run(
        shell, '%%zcalc --names\ndrink = img(red) - "tea"\nhalf = 1 / 2\nq = both("a", "b")'
    )
    rows = {name: (expression, value) for name, expression, value in names.rows}
    assert rows["drink"][0] == 'img(red) - "tea"'
    assert rows["drink"][1].startswith("embedding, norm ")
    assert rows["half"] == ("0.5", "0.5")
    assert rows["q"][1] == "query"
    assert "<table" in names._repr_mimebundle_()["text/html"]
    assert "drink" in run(shell, "%zcalc --names")._repr_mimebundle_()["text/plain"]


def test_a_query_and_a_set_from_python_keep_their_type(shell: InteractiveShell) -> None:
    run(shell, 'q = calc.img("red").both(calc.txt("tea")); s = calc.imgs("*e*")')
    assert run(shell, '%zcalc either({q}, "b")').nearest(1)
    assert run(shell, "%zcalc mean({s})").norm > 0
    assert "Cannot add or subtract a query" in failed(shell, '%zcalc {q} + "b"').message


def test_help(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "%zcalc --help")
    assert "--images FOLDER" in capsys.readouterr().out


def test_options_are_split_off() -> None:
    options, rest = split("--images a --images 'b c' --raw  -img(a)")
    assert settings_of(options).calculator == {"images": ["a", "b c"], "normalize": False}
    assert rest == len("--images a --images 'b c' --raw  ")


def test_values_from_python(shell: InteractiveShell, tmp_path: Path) -> None:
    calc, ns = shell.user_ns["calc"], shell.user_ns
    tea = calc('"tea"')
    near, word = tea.nearest(1)[0], tea.words(1)[0]
    ns |= {
        "r": calc('img(red) - "tea"'), "s": calc('cos("tea", "cup")'), "two": 2, "minus": -0.5,
        "text": 'a "text" with {braces} # and \\', "v": tea.vector, "d": {"}": "tea"},
        "pic": Image.new("RGB", (40, 40), "red"), "np2": np.float32(2), "name": "red",
        "near": near, "word": word,
        "path": save_photo(tmp_path / "else" / "lime.png", "lime"),
    }  # fmt: skip
    for text, equivalent in (
        ("{r} + 'x'", '(img(red) - "tea") + "x"'),
        ("2 * {r}", '2 * (img(red) - "tea")'),
        ("{text}", r'"a \"text\" with {braces} # and \\"'),
        ("{two} * 'x' - {minus} * 'y'", "2 * 'x' + 0.5 * 'y'"),
        ("{np2}*'x'", "2 * 'x'"),
        ("{v} + 'x'", '"tea" + "x"'),
        ("{list(v)}", '"tea"'),
        ("{d['}']} - 'x'", '"tea" - "x"'),
        ("{ {1: 'tea'}[1] } - '{x}'", '"tea" - "{x}"'),
        ("img({name}) - txt( {text[2:6]} )", 'img(red) - "\\"tex"'),
        ("{pic} - 'x' # {comment}", "img(red) - 'x'"),
        ("{pic}", "img(red)"),
        ("{near}", f"img({near.name})"),
        ("{word}", f'"{word.text}"'),
        ("{s} * 'x'", 'cos("tea", "cup") * "x"'),
        ("{two} * 'x' |> words({two})", "2 * 'x' |> words(2)"),
        ("{\n'tea'\n} + 'x'", '"tea" + "x"'),
    ):  # fmt: skip
        result = run(shell, f"%%zcalc\n{text}")
        np.testing.assert_allclose(result.vector, calc(equivalent).vector, atol=1e-6, err_msg=text)
        assert calc(result.expr).norm == pytest.approx(result.norm), result.expr
    assert run(shell, "%zcalc {pic} + {path}").operand_pictures.keys() == {
        *calc("img(pic) + img(lime)").operand_pictures
    }
    assert run(shell, "%zcalc {np2} * {two} * 'x'").norm == pytest.approx(4)


def test_a_card_shows_a_picture_from_python(shell: InteractiveShell) -> None:
    shell.user_ns["pics"] = [Image.new("RGB", (40, 40), "lime")]
    html = run(shell, "%zcalc {pics[0]} - 'x'")._repr_mimebundle_()["text/html"]
    card = Tags(html)
    assert "pics[0]" in card.texts and len(card.sources) == 4


def test_a_local_variable_of_a_function(shell: InteractiveShell) -> None:
    cell = (
        "def f(inner):\n    return get_ipython().run_line_magic('zcalc', '{inner}')\nr = f('tea')"
    )
    run(shell, cell)
    assert shell.user_ns["r"].expr == '"tea"'


@pytest.mark.parametrize(
    ("body", "message", "marked"),
    [
        ("'x' + {nothing}", "NameError in the Python expression: name 'nothing'", "{nothing}"),
        ("'x' + {1/0} - 'y'", "ZeroDivisionError", "{1/0}"),
        ("'x' + {x +} - 'y'", "This is not a Python expression", "{x +}"),
        ("'x' + {} - 'y'", "These braces are empty", "{}"),
        ("'x' + {calc", "never closed", "{"),
        ("'x' + {calc}", "A Calculator can't be an operand", "{calc}"),
        ("'x' + {True}", "A bool can't be an operand", "{True}"),
        ("'x' + {None}", "A NoneType can't be an operand", "{None}"),
        ("'x' + {[1, 2]}", "shape (64,), not (2,)", "{[1, 2]}"),
        ("'x' + {[float('nan')] * 64}", "NaN or infinity", "{[float('nan')] * 64}"),
        ("'x' + {[0] * 64}", "zero", "{[0] * 64}"),
        ("'x' + {['a', [1]]}", "This list is not an embedding", "{['a', [1]]}"),
        ("'x' + {2}", "Cannot add or subtract a number", "{2}"),
        ("{float('inf')} * 'x'", "Expected a finite number, got inf", "{float('inf')}"),
        ("'y' * {'x'}", "Cannot multiply two embeddings", "*"),
        ("img({'missing'})", "There is no picture called 'missing'", "img({'missing'})"),
        ("{'a' * 5000}", "5,000 characters", "{'a' * 5000}"),
        ("{chr(0xd800)}", "unpaired surrogate", "{chr(0xd800)}"),
        ("{'tea'} + img(rde)", "There is no picture called 'rde'", "img(rde)"),
        ("{'tea'} + rde", "rde is not defined", "rde"),
        ("{other}", "another calculator", "{other}"),
        ("{'tea'} - {'tea'}", "cancels out", "{'tea'} - {'tea'}"),
        ("a = {'tea'} |> words(3)", "bound to the output of a verb", "{'tea'} |> words(3)"),
    ],
)
def test_an_error_points_at_its_place(
    shell: InteractiveShell, body: str, message: str, marked: str
) -> None:
    shell.user_ns["other"] = hash_calculator().txt("tea")
    error = failed(shell, f"%zcalc {body}")
    assert isinstance(error, LanguageError) and message in error.message
    assert error.source_line == body
    lines = str(error).split("\n")
    assert lines[1] == f"    {body}" and lines[2].strip() == "^" * len(marked)
    assert body[lines[2].index("^") - 4 :].startswith(marked)
    assert not any("\u4e00" <= c <= "\u9fff" for c in str(error))


@pytest.mark.parametrize("cell", ["%zcalc img(rde)", "%%zcalc\nimg(rde)", "calc('img(rde)')"])
def test_an_error_has_no_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    shell.run_cell(cell)
    output = "".join(capsys.readouterr())
    assert "^^^^^^^^" in output and "Did you mean img(red)?" in output
    assert "Traceback" not in output and ".py" not in output
    assert output.count("There is no picture called") == 1


def test_a_failed_program_binds_nothing(shell: InteractiveShell) -> None:
    failed(shell, "%%zcalc\nfirst = img(red)\nsecond = img(rde)")
    assert "first" not in shell.user_ns and "first" not in shell.user_ns["calc"].names


def test_hostile_texts_and_names_in_the_magics(shell: InteractiveShell, tmp_path: Path) -> None:
    for i, text in enumerate(HOSTILE):
        save_photo(tmp_path / "odd" / f"{text}.png".replace("/", "∕"), f"hsl({i * 8}, 90%, 50%)")
    shell.user_ns["calc"] = calc = hash_calculator([tmp_path / "odd"])
    for text, picture in zip(HOSTILE, list(calc.gallery) * 2, strict=False):
        shell.user_ns |= {"text": text, "name": picture.name, "pic": Image.new("RGB", (9, 9))}
        calc.add_picture(Image.new("RGB", (9, 9), "red"), text)
        result = run(shell, "%zcalc --no-caption -k 2 img({name}) - {text} + {pic}")
        card = Tags(result._repr_mimebundle_()["text/html"])
        assert set(card.tags) <= ALLOWED, text
        assert sum(f"“{text}”" in part for part in card.texts) == 1
        assert picture.name in card.texts and "pic" in card.texts


def test_the_end_of_braces() -> None:
    for code in ("x", " x ", "{1: 2}[1]", "'}'", "f'{x}'", "d['}']", "(\n1\n)", '"""}"""', "{}"):
        assert end_of(f"a + {{{code}}} - b", 4) == 6 + len(code)
    assert [part.code for part in interpolations("{a}{b} '{c}' \"{d}\" # {e}\n + {f}")] == [
        "a",
        "b",
        "f",
    ]


@pytest.mark.parametrize(
    ("cell", "result"),
    [
        ("%zcalc img(re|", "%zcalc img(red)"),
        ("%zcalc img(re|)", "%zcalc img(red)"),
        ("%%zcalc\nimg(re|", "%%zcalc\nimg(red)"),
        ('%%zcalc\nimg("re|")', '%%zcalc\nimg("red")'),
        ("%%zcalc -k 5\nx = img(red)\nx + le|", "%%zcalc -k 5\nx = img(red)\nx + lerp("),
        ("%%zcalc\nwarm = img(red)\nwa|", "%%zcalc\nwarm = img(red)\nwarm"),
        ("%%zcalc\nimg(red) |> wo|", "%%zcalc\nimg(red) |> words("),
        ("%%zcalc\nimg(re|\n'x'", "%%zcalc\nimg(red)\n'x'"),
        ("%zcalc bou|", "%zcalc bound"),
        ("x = %zcalc bou|", "x = %zcalc bound"),
        ("%zcalc -k 3 -bou|", "%zcalc -k 3 -bound"),
        ("%zcalc {'a}'} + bou|", "%zcalc {'a}'} + bound"),
        ("%zcalc {'x'} |", "%zcalc {'x'} |> "),
        ("%zcalc --mo|", "%zcalc --model "),
        ("%%zcalc --mo|\nimg(red)", "%%zcalc --model \nimg(red)"),
        ("%zcalc --model mul|", "%zcalc --model multilingual"),
        ("%zcalc --model mini --im|", "%zcalc --model mini --images "),
        ("%zcalc {py_va|", "%zcalc {py_value"),
        ("x = 1\n%zcalc img(re|", "x = 1\n%zcalc img(red)"),
        ("%%zcalc\n'é😀' + img(re|", "%%zcalc\n'é😀' + img(red)"),
    ],
)
def test_tab(shell: InteractiveShell, cell: str, result: str) -> None:
    run(shell, "%zcalc bound = img(red)")
    shell.user_ns["py_value"] = 3
    assert result in completed(shell, cell).values()


@pytest.mark.parametrize(
    "cell",
    ["%%zcalc\n'a te|", "%zcalc 'pri|", "%%zcalc\n# img(r|", "%zcalc --zz|", "%%zcalc\nzzzz|"],
)
def test_tab_without_completions(
    shell: InteractiveShell, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tea.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert completed(shell, cell) == {}


def test_tab_in_the_magics_completes_only_the_language(shell: InteractiveShell) -> None:
    completions = completed(shell, "%%zcalc\nimg(red) + |")
    assert "print" not in str(completions) and "lerp(" in completions
    assert set(completed(shell, "%zcalc img(|")) == {"red)", "green)", "blue)"}


def test_tab_elsewhere_completes_python(shell: InteractiveShell) -> None:
    shell.user_ns["img_list"] = []
    assert "img_list" in completed(shell, "img_l|")
    assert "img_list" in completed(shell, "# %zcalc\nimg_l|")
    assert not any(o.startswith("lerp") for o in completed(shell, "le|"))
    assert any("zcalc" in option for option in completed(shell, "%zca|"))


@pytest.mark.model
def test_the_first_cell_of_a_new_notebook(shell: InteractiveShell) -> None:
    del shell.user_ns["calc"]
    assert "coffee)" in completed(shell, "%zcalc img(coff|")
    assert "calc" not in shell.user_ns, "completion assigns no variable"
    result = run(shell, '%zcalc --no-caption img(coffee) - "coffee" + "tea"')
    assert isinstance(shell.user_ns["calc"], Calculator)
    assert result.norm == pytest.approx(1.4, abs=0.4)
    assert os.environ["ZCALC_CACHE"]
