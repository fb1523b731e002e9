"""The command line: what it prints, where, and its exit codes."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import helpers
import pytest
from helpers import save_photo

import zcalc as zcalc_package
from zcalc import cli

STAGES = ("load", "embed", "caption", "words", "nearest")


class Done:
    """What a run of the command line left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict:
        assert self.out.endswith("\n") and self.out.count("\n") == 1, "one object and nothing else"
        return json.loads(self.out)


@pytest.fixture
def zcalc(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    def run(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["zcalc", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return Done(stop.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    helpers.save_tiny_clip(folder / "clip")
    helpers.save_tiny_gpt2(folder / "lm")
    return ["--clip", str(folder / "clip"), "--lm", str(folder / "lm"), "--device", "cpu"]


@pytest.fixture
def photos(tmp_path: Path) -> str:
    for name in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{name}.png", name)
    return str(tmp_path / "photos")


FAST = ("--method", "search", "--beams", "2")


def test_eval_as_json(zcalc, models: list[str], photos: str) -> None:
    expr = 'img(red) - "coffee" + "tea"'
    done = zcalc("eval", expr, "--json", "--images", photos, "-k", "2", *FAST, *models)
    answer = done.json
    assert done.code == 0
    assert list(answer) == [
        "expr",
        "model",
        "norm",
        "captions",
        "words",
        "images",
        "terms",
        "seconds",
    ]
    assert answer["expr"] == expr and answer["model"] == f"{models[1]}+{models[3]}"
    assert answer["norm"] > 0 and 1 <= len(answer["captions"]) <= 2
    assert set(answer["captions"][0]) == {"text", "raw", "clip", "logprob"}
    assert [set(word) for word in answer["words"]] == [{"text", "score"}] * 2
    assert [set(image) for image in answer["images"]] == [{"name", "path", "score"}] * 2
    assert {image["name"] for image in answer["images"]} == {"green", "blue"}
    assert all(Path(image["path"]).is_file() for image in answer["images"])
    assert tuple(answer["seconds"]) == STAGES and all(s >= 0 for s in answer["seconds"].values())
    for part in ("captions", "words", "images"):
        scores = [entry.get("clip", entry.get("score")) for entry in answer[part]]
        assert scores == sorted(scores, reverse=True)


def test_each_command_prints_its_own_part(zcalc, models: list[str], photos: str) -> None:
    always = {"expr", "model", "norm", "terms", "seconds"}
    clip = [*models[:2], "--images", photos, "--json"]
    assert zcalc("words", '"tea"', *clip).json.keys() == always | {"words"}
    assert zcalc("nearest", '"tea"', *clip).json.keys() == always | {"images"}
    assert zcalc("caption", '"tea"', *clip, *FAST, *models[2:]).json.keys() == always | {"captions"}
    kept = zcalc("nearest", "img(red)", "--keep-operands", *clip).json["images"]
    assert kept[0]["name"] == "red" and len(kept) == 3
    raw = zcalc("words", '"tea"', "--raw", *clip).json
    assert raw["norm"] != pytest.approx(1) and len(raw["words"]) == 10


PROGRAM = """drink = img(red) - "coffee"
cos(drink, "tea")  # a number
drink |> words(k=2)
drink + "tea" |> plot()
drink |> caption(method="search", beams=1, max_tokens=2)
drink |> nearest(1)
"""


def test_a_program_as_json(zcalc, models: list[str], photos: str) -> None:
    done = zcalc("eval", "-", "--json", "--images", photos, *models, stdin=PROGRAM.encode())
    drink, cosine, words, plot, caption, near = map(json.loads, done.out.splitlines())
    assert (drink["name"], [term["weight"] for term in drink["terms"]]) == ("drink", [1, -1])
    assert cosine["expr"] == 'cos(drink, "tea")' and -1 <= cosine["value"] <= 1
    assert len(words["words"]) == 2 and "images" not in words and "captions" not in words
    assert [point["name"] for point in plot["plot"]["points"]][2:] == [
        '"tea"',
        '★ img(red) - "coffee" + "tea"',
    ]
    assert len(caption["captions"]) == 1 and len(near["images"]) == 1


def test_a_program_in_a_terminal(zcalc, models: list[str], photos: str) -> None:
    done = zcalc("eval", "-", "--images", photos, *models, stdin=PROGRAM.encode())
    assert done.code == 0, done.err
    assert (
        "(red, “a (b”)"
        in zcalc(
            "words", "unit(img(red)) - mean(img(red), 'a (b')", "--images", photos, *models[:2]
        ).out
    )
    for part in ("drink = red − “coffee”", 'cos(drink, "tea") = ', "cosine", "★", "green"):
        assert part in done.out
    shown = zcalc("words", "a = 'x'; a", *models[:2]).out
    assert shown.count("cosine") == 1, "bound names are not spelled out"


def test_a_vocabulary_of_ones_own(zcalc, models: list[str], tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("# language: de\nKatze\nTasse\ta small bowl\n", "utf8")
    own = ("--vocabulary", str(tmp_path / "own.txt"))
    answer = zcalc("words", '"tea" + "cup"', *models[:2], *own, "--json").json
    assert {word["text"] for word in answer["words"]} == {"Katze", "Tasse"}
    assert all(set(word) == {"text", "score"} for word in answer["words"])
    german = zcalc("words", '"Katzen"', *models[:2], *own, "--vocabulary", "de", "-k", "3000").out
    assert "Hund" in german and "Katze\n" not in german
    failed = zcalc("eval", '"tea"', "--vocabulary", str(tmp_path), "--json")
    assert failed.code == 1 and "It is a folder" in failed.json["error"]["message"]


@pytest.mark.model
def test_words_of_mini_have_a_rank(zcalc) -> None:
    answer = zcalc("words", 'img(coffee) - "coffee" + "tea"', "-k", "5", "--json").json
    assert all(set(word) == {"text", "score", "rank"} for word in answer["words"])
    ranks = [word["rank"] for word in answer["words"]]
    assert ranks == sorted(ranks, reverse=True)
    shown = zcalc("words", 'img(coffee) - "coffee" + "tea"', "-k", "5").out
    assert ["word", "cosine", "rank"] in [line.split() for line in shown.splitlines()]


def test_fmt(zcalc) -> None:
    done = zcalc("fmt", "-", stdin=b"a=img( red )*2 # comment\n\n  a|>words( 3 );cos(a,'b')")
    assert done.out == 'a = img(red) * 2\na |> words(3)\ncos(a, "b")\n'
    assert zcalc("fmt", "a = ").code == 1


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("img(gre", ["img(green)"]),
        ("no", ["norm("]),
        ("b=img(red);b|>wo", ["b=img(red);b|>words("]),
        ("img(nothing", []),
    ],
)
def test_the_shell_completes_expressions(photos: str, typed: str, options: list[str]) -> None:
    completing = {"COMP_WORDS": f"zcalc words --images {photos} '{typed}", "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-c", "from zcalc.cli import app; app(prog_name='zcalc')"],
        env=os.environ | completing | {"_ZCALC_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == options, done.stderr


def test_in_a_terminal(zcalc, models: list[str], photos: str) -> None:
    (Path(photos) / "bad [red].png").write_bytes(b"x")
    done = zcalc("eval", 'img(red) - "[bold]tea"', "--images", photos, *FAST, *models)
    assert done.code == 0
    assert "red − “[bold]tea”" in done.out and "norm" in done.out
    assert "Image of a" in done.out and "green" in done.out and "━" in done.out
    assert "1 picture skipped:" in done.err and "bad [red].png" in done.err


@pytest.mark.parametrize(
    "expr",
    ['-"tea" + "cup"', '-2 * "tea"', '- "tea"', "-'tea'", '-("tea")', '--"tea"', '-.5*"tea"'],
)
def test_expressions_may_begin_with_a_minus_sign(zcalc, expr: str) -> None:
    for arguments in ((expr,), ("--json", expr), ("--", expr)):
        done = zcalc("parse", *arguments)
        assert done.code == 0, done.err
        assert done.out.startswith(("-", "2", "{"))
    assert zcalc("parse", expr, "--json").json["expr"] == expr
    done = zcalc("parse", expr + " img(")
    assert done.code == 1 and f"    {expr} img(" in done.err


def test_expressions_from_standard_input(zcalc) -> None:
    text = '# a comment\nimg(red) −\n  "été" × 2\n'
    done = zcalc("parse", "-", "--json", stdin=text.encode())
    assert done.json["expr"] == text and done.json["parsed"] == 'img(red) - "été" * 2'
    assert zcalc("parse", "-", stdin=b"").code == 1
    done = zcalc("parse", "-", stdin=b'"\xff\xfe"')
    assert done.code == 1 and "column 2" in done.err and "not UTF-8" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", ""], "empty"),
        (["eval", "img(coffee) * img(cat)"], "Cannot multiply"),
        (["eval", "img(cofee)"], "Did you mean img(coffee)?"),
        (["eval", '"tea"', "--model", "minni"], "Did you mean 'mini'?"),
        (["eval", '"tea"', "--images", "missing"], "There is no folder missing"),
        (["eval", '"tea"', "--images", "empty"], "There are no pictures in"),
        (["eval", '"tea"', "--index", "missing"], "There is no index at missing"),
        (["eval", '"tea"', "--clip", "missing"], "Unknown model 'missing'"),
        (["words", '"tea"', "--clip", "wrong"], "is damaged"),
        (["index", "build", "empty", "-o", "x"], "There are no pictures in"),
        (["index", "info", "empty"], "There is no index at empty"),
    ],
)
def test_errors_are_clear_and_exit_with_1(
    zcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("wrong").mkdir()
    Path("wrong", "open_clip_config.json").write_text("{}")
    if arguments[0] == "index":
        helpers.save_tiny_clip(tmp_path / "clip")
        arguments = [*arguments, *(["--clip", "clip"] if arguments[1] == "build" else [])]
    done = zcalc(*arguments)
    assert (done.code, done.out) == (1, "")
    assert message in done.err and "Traceback" not in done.err
    answer = zcalc(*arguments, "--json")
    assert answer.code == 1 and message in "\n".join(map(str, answer.json["error"].values()))
    assert {"message", "hint"} <= answer.json["error"].keys()


def test_errors_of_the_expression_have_a_place(zcalc) -> None:
    error = zcalc("parse", '"tea" +\n 3', "--json").json["error"]
    assert (error["line"], error["column"], error["source_line"]) == (2, 2, " 3")
    assert zcalc("parse", "img(a) * img(b)").err.splitlines()[2].rstrip().endswith("       ^")


def test_errors_of_the_data_come_with_real_models(zcalc, models: list[str], photos: str) -> None:
    (Path(photos) / "bad.png").write_bytes(b"x")
    clip = [*models[:2], "--images", photos]
    for expr, message in (
        ('"tea" - "tea"', "cancels out"),
        ("img(bad)", "Can't read bad.png"),
    ):
        done = zcalc("words", expr, *clip)
        assert done.code == 1 and message in done.err and done.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval"], ["eval", '"a"', "--wrong"], ["eval", '"a"', "-k", "0"],
        ["eval", '"a"', "-k", "x"], ["eval", '"a"', '"b"'],
        ["caption", '"a"', "--method", "magic"], ["wrong"], ["index"],
        ["index", "build", "x"], ["words", '"a"', "--beams", "2"],
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(zcalc, arguments: list[str]) -> None:
    done = zcalc(*arguments, *(["--json"] if len(arguments) > 1 else []))
    assert done.code == 2 and (done.out == "" or arguments == ["index"])


def test_index_build_info_and_use(zcalc, models: list[str], photos: str, tmp_path: Path) -> None:
    out, clip = str(tmp_path / "p.zidx"), models[:2]
    (Path(photos) / "bad.png").write_bytes(b"x")
    built = zcalc("index", "build", photos, "-o", out, "--json", *clip).json
    assert (built["added"], built["updated"], built["removed"]) == (3, 0, 0)
    assert Path(built["skipped"][0]["path"]).name == "bad.png" and built["skipped"][0]["reason"]
    again = zcalc("index", "build", photos, "-o", out, *clip)
    assert "0 added, 0 updated, 0 moved, 0 removed, 3 unchanged" in again.out
    assert "bad.png" in again.err
    info = zcalc("index", "info", out, "--json").json
    assert (info["pictures"], info["dimensions"], info["folders"]) == (3, 24, [photos])
    assert (info["search"], info["stored_as"]) == ("exact", "float32, 0.0 MB")
    assert "pictures" in zcalc("index", "info", out).out
    helpers.save_photo(Path(photos) / "pink.png", "pink")
    options = ["--dtype", "float16", "--memory", "1GB"]
    assert "1 added" in zcalc("index", "build", photos, "-o", out, *options, *clip).out
    assert zcalc("index", "info", out, "--previous", "--json").json["pictures"] == 3
    assert zcalc("index", "restore", out, "--json").json["pictures"] == 3
    hits = zcalc("nearest", "img(red)", "--index", out, "--json", *clip).json["images"]
    assert {hit["name"] for hit in hits} == {"green", "blue"}
    helpers.save_tiny_clip(tmp_path / "other", seed=5)
    other = zcalc("nearest", '"tea"', "--index", out, "--clip", str(tmp_path / "other"))
    assert (
        other.code == 1 and "was built with clip-" in other.err and "not with other-" in other.err
    )


def test_models_lists_the_presets(zcalc) -> None:
    presets = {m["name"]: m for m in zcalc("models", "--json").json["models"]}
    assert list(presets) == ["mini", "paper", "small", "base", "large", "multilingual"]
    assert presets["paper"]["available"] == {"clip": False, "lm": False}
    assert "ViT-B-32" in zcalc("models").out


def test_version(zcalc) -> None:
    assert zcalc("--version").out == f"zcalc {zcalc_package.__version__}\n"


def test_help_and_parse_need_no_heavy_package() -> None:
    code = (
        "import sys; from zcalc.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print([m for m in ('torch', 'faiss', 'transformers', 'open_clip', 'numpy')"
        " if m in sys.modules], file=sys.stderr)"
    )
    for arguments in (["--help"], ["eval", "--help"], ["parse", 'img(a) - "b"']):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]" and done.stdout


@pytest.mark.model
def test_coffee_without_coffee_with_tea_is_tea(zcalc) -> None:
    answer = zcalc("eval", 'img(coffee) - "coffee" + "tea"', "--json").json
    assert answer["model"] == "mini" and len(answer["captions"]) == 5
    assert any("tea" in word["text"] for word in answer["words"][:5])
    assert "tea" in answer["captions"][0]["text"]
    assert {"coffee", "tea"}.isdisjoint(word["text"] for word in answer["words"])
    assert sum(answer["seconds"].values()) < 120


@pytest.mark.model
def test_the_demo_writes_its_cards(zcalc, tmp_path: Path) -> None:
    done = zcalc("demo", "--html", str(tmp_path / "demo.html"))
    assert done.code == 0 and done.out.count("norm") == 4
    assert (tmp_path / "demo.html").read_text("utf8").count('class="zcalc"') == 4
