"""Every setting of every decoder: in Python, the verb, the command line and the magics."""

import json

import pytest
from typer.testing import CliRunner

import zcalc
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.cli.options import setting_completions
from zcalc.decode.captions import check_verb, parse_settings
from zcalc.decode.decoders import DECODERS
from zcalc.decode.fields import Setting, SettingError, settings_of
from zcalc.decode.settings import SearchSettings, ZeroCapSettings
from zcalc.language import LanguageError, plan
from zcalc.models.pair import Models
from zcalc.models.presets import PRESETS
from zcalc.notebook.options import settings_of as magic_settings
from zcalc.notebook.options import split

MINI = PRESETS["mini"]
OWN = [decoder.name for decoder in DECODERS.values()]


@pytest.mark.parametrize("name", OWN)
def test_every_setting_is_documented_and_takes_its_default(name: str) -> None:
    for known in settings_of(DECODERS[name].settings).values():
        assert len(known.doc.split()) >= 3, known
        assert known.checked(known.default) == known.default


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fusion", 2, "a number, above 0 and at most 1: the weight of the shifted"),
        ("steps", 1.5, "a whole number, at least 0: gradient steps"),
        ("beams", True, "a whole number, at least 1"),
        ("beams", "3", "a whole number, at least 1"),
        ("end_factor", float("nan"), "a number, above 0"),
        ("precision", "fp16", '"fp32" or "bf16"'),
        ("prompt", 3, "text: how every caption starts"),
    ],
)
def test_a_wrong_value_is_an_error_that_explains_the_setting(
    name: str, value: object, words: str
) -> None:
    with pytest.raises(SettingError) as caught:
        ZeroCapSettings(**{name: value})
    assert f"Invalid decoder setting {name}={value!r}." in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.setting == name


def test_numbers_become_the_settings_type() -> None:
    settings = SearchSettings(diversity=1, english=0)
    assert type(settings.diversity) is float
    assert settings.english is False


@pytest.mark.parametrize(
    ("known", "text", "value"),
    [
        (Setting("n", 1), " 7 ", 7),
        (Setting("x", 1.0), "1e-2", 0.01),
        (Setting("b", True), "no", False),
        (Setting("b", False), "TRUE", True),
        (Setting("s", ""), " a b", " a b"),
    ],
)
def test_texts_are_parsed_by_type(known: Setting, text: str, value: object) -> None:
    assert known.parsed(text) == value


def test_set_options_are_those_of_the_decoder() -> None:
    parsed = parse_settings(MINI, "zerocap", ["end_factor=1.06", "steps=3", "prompt=A = b"])
    assert parsed == {"end_factor": 1.06, "steps": 3, "prompt": "A = b"}
    with pytest.raises(SettingError, match="The decoder search has no setting end_factor"):
        parse_settings(MINI, "search", ["end_factor=1.06"])
    with pytest.raises(zcalc.ZcalcError, match="not of the form NAME=VALUE"):
        parse_settings(MINI, None, ["beams"])


def verb_error(program: str) -> str:
    (step,), _ = plan(program)
    with pytest.raises(LanguageError) as caught:
        check_verb(step.verb, Models.named("mini"), program)
    return str(caught.value)


def test_the_verb_takes_every_setting() -> None:
    program = (
        'img(cat) |> caption(method="zerocap", end_factor=1.06, fusion=0.95, '
        'grad_norm_factor=0.95, steps=5, prompt="A", mode="scores")'
    )
    (step,), _ = plan(program)
    assert step.verb.settings["fusion"] == 0.95
    assert step.verb.settings["steps"] == 5
    check_verb(step.verb, Models.named("mini"), program)


def test_errors_of_the_verb_have_a_caret_at_the_setting() -> None:
    error = verb_error('img(cat) |> caption(method="zerocap", fusion=2)')
    line, carets = next(
        (a, b) for a, b in zip(error.splitlines(), error.splitlines()[1:], strict=False) if "^" in b
    )
    assert line[carets.index("^") : carets.rindex("^") + 1] == "fusion=2"
    assert "at most 1" in error
    assert "Did you mean beams?" in verb_error("img(cat) |> caption(bems=2)")
    assert "Unknown decoder 'serch'" in verb_error('img(cat) |> caption(method="serch")')


def test_a_settings_name_is_checked_before_any_model_is_loaded() -> None:
    calc = Calculator.create("mini")
    with pytest.raises(LanguageError, match="no setting colour"):
        calc("img(cat) |> caption(colour=3)")
    assert "encoder" not in vars(calc.models)


def test_tab_completes_the_settings_of_the_decoder() -> None:
    calc = zcalc.load("mini")
    assert "fusion=" in calc.complete('img(cat) |> caption(method="zerocap", fu').options
    assert "fusion=" not in calc.complete("img(cat) |> caption(fu").options
    assert "proposals=" in calc.complete("img(cat) |> caption(beams=3, pro").options

    class Context:
        params = {"model": "mini", "method": "zerocap"}  # noqa: RUF012

    assert setting_completions(Context(), "grad") == ["grad_norm_factor="]  # type: ignore[arg-type]


def test_magics_take_method_and_settings() -> None:
    options, start = split("--method zerocap --set steps=2 --set prompt='A' img(cat)")
    settings = magic_settings(options)
    assert (settings.method, settings.sets) == ("zerocap", ("steps=2", "prompt='A'"))
    assert start > 0
    assert settings.calculator == {}


def test_decoders_are_listed_with_the_presets_defaults() -> None:
    result = CliRunner().invoke(app, ["decoder", "list", "--json"])
    listed = {decoder["name"]: decoder for decoder in json.loads(result.stdout)["decoders"]}
    assert list(listed) == list(DECODERS)
    step_size = next(s for s in listed["zerocap"]["settings"] if s["name"] == "step_size")
    assert step_size["default"] == MINI.decoder["zerocap"]["step_size"]
    table = CliRunner().invoke(app, ["decoder", "list"], env={"COLUMNS": "160"}).stdout
    for decoder in DECODERS.values():
        assert f"{decoder.name}: {decoder.description}" in table
        assert all(name in table for name in settings_of(decoder.settings))


@pytest.mark.model
def test_the_command_line_sets_what_python_does() -> None:
    calc = zcalc.load("mini")
    expected = calc("img(cat)").caption("search", max_tokens=3, beams=2)
    command = ["caption", "img(cat)", "--method", "search", "--json"]
    result = CliRunner().invoke(app, [*command, "--set", "max_tokens=3", "--set", "beams=2"])
    captions = json.loads(result.stdout)["captions"]
    assert [caption["raw"] for caption in captions] == [beam.raw for beam in expected.ranked]
    by_verb = calc('img(cat) |> caption(method="search", max_tokens=3, beams=2)').answer()
    assert [beam.raw for beam in by_verb.captions] == [beam.raw for beam in expected.ranked]
    wrong = CliRunner().invoke(app, [*command, "--set", "fusion=0.9"])
    assert wrong.exit_code == 1
    assert "has no setting fusion" in wrong.stdout
