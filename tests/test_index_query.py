"""Queries: conditions, thresholds, near-duplicates, diversity, feedback, and their output."""

import io
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers import hash_calculator, save_photo
from rich.console import Console
from test_cli import models, zcalc  # noqa: F401  (fixtures)

from zcalc.algebra import unit
from zcalc.answer import Answer, View
from zcalc.errors import ZcalcError
from zcalc.index import Entry, Index
from zcalc.index import where as conditions
from zcalc.index.feedback import apply_feedback
from zcalc.index.hits import Hit
from zcalc.index.query import Local, Query, nearest
from zcalc.index.table import table_of
from zcalc.index.where import rows_where
from zcalc.language import LanguageError, parse, unparse
from zcalc.show.data import answer_data
from zcalc.show.hits import print_hits
from zcalc.show.sheet import sheet

TABLE = pa.table({"name": ["a", "b", "c"], "year": [2009, 2011, None], "place": ["x", "y", None]})


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("year > 2010", [1]),
        ("year is null or name like 'a%'", [0, 2]),
        ("name in ('c', 'b') and (place = 'y' or place is null)", [1, 2]),
        ("YEAR between 2000 and 2020 -- a comment", [0, 1]),
        ("true", [0, 1, 2]),
        ("false", []),
    ],
)
def test_conditions(where: str, rows: list[int]) -> None:
    assert rows_where(TABLE, where).tolist() == rows


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("yeer > 2010", "there is no column 'yeer'"),
        ("year >", "syntax error"),
        ("year > 2010; drop table x", "more than one statement"),
        ("year > 2010) union select 1 --", "syntax error"),
        ("year > 2010 order by 1", "modifier"),
        ("true, false", "single expression"),
        ("count(*) > 1", "aggregates"),
        ("*", "STAR"),
        ("exists(select * from read_text('{file}'))", "it can't access files"),
        ("(select content from read_text('{file}')) <> ''", "it can't access files"),
        ("exists(from read_csv('{file}'))", "it can't access files"),
        ("exists(from read_parquet('http://127.0.0.1:9/x'))", "is invalid"),
        ("exists(from '{file}')", "is invalid"),
        ("exists(from glob('{folder}/*'))", "it can't access files"),
        ("exists(from sqlite_scan('{file}', 't'))", "is invalid"),
        ("getenv('HOME') <> ''", "is invalid"),
        ("exists(from TABLE)", "is invalid"),
        ("exists(from names)", "is invalid"),
        ("year = 'x'", "is invalid"),
        ("year = ?", "is invalid"),
        ("x'00'", "is invalid"),
        ("(" * 1000, "syntax error"),
        ("(" * 5000, "5,000 characters"),
        ("\ud800 = 1", "not valid Unicode"),
        ("install httpfs", "is invalid"),
        ("attach '{file}'", "is invalid"),
        ("copy x to '{file}'", "is invalid"),
        ("set enable_external_access = true", "is invalid"),
    ],
)
def test_hostile_and_invalid_conditions(tmp_path: Path, where: str, message: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("secret\n1\n")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ZcalcError, match="The condition") as error:
        rows_where(TABLE, where.replace("{file}", str(secret)).replace("{folder}", str(tmp_path)))
    assert message in error.value.message and "The columns are name, year, place" in str(
        error.value
    )
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_slow_conditions_are_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "TIMEOUT", 0.3)
    endless = "exists(from range(1000000000000) r where r.range % 7 = 8)"
    with pytest.raises(ZcalcError, match="takes longer than"):
        rows_where(TABLE, endless)


def index_of(rows: np.ndarray, **columns: list) -> Index:
    entries = [Entry(f"p{i}", f"/nowhere/p{i}.png", 1, 1, f"{i:064x}") for i in range(len(rows))]
    metadata = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values())]  # noqa: B905
    return Index.of("hash-1", rows.astype(np.float32), table_of(entries, metadata or None))


def at_angles(degrees: list[float]) -> np.ndarray:
    """Unit vectors (n, 2) at angles to `TARGET`."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


TARGET = np.array([1.0, 0.0], np.float32)


def names(hits: list[Hit]) -> list[str]:
    return [hit.name for hit in hits]


def test_threshold_where_and_exclude() -> None:
    pictures = Local(index_of(at_angles([0, 10, 30, 60, 90]), year=[1, 2, 3, 4, 5]))
    hits = nearest(pictures, TARGET, Query(10, threshold=0.8))
    assert names(hits) == ["p0", "p1", "p2"]
    assert [h.score for h in hits] == pytest.approx(np.cos(np.radians([0, 10, 30])), abs=1e-6)
    assert hits[0].metadata == {"year": 1} and hits[0].missing and hits[0].thumbnail() is None
    assert names(nearest(pictures, TARGET, Query(2, where="year > 2"))) == ["p2", "p3"]
    assert nearest(pictures, TARGET, Query(2, where="year > 9")) == []
    without_p0 = nearest(pictures, TARGET, Query(2), {"/nowhere/p0.png"})
    assert names(without_p0) == ["p1", "p2"]


def test_near_duplicates_are_folded_into_the_nearest() -> None:
    pictures = Local(index_of(at_angles([0, 2, 4, 40, 41, 80])))
    hits = nearest(pictures, TARGET, Query(3, fold=0.94))
    assert names(hits) == ["p0", "p3", "p5"]
    assert [names(list(hit.alike)) for hit in hits] == [["p1", "p2"], ["p4"], []]
    many = Local(index_of(at_angles([0.02 * i for i in range(900)] + [80.0])))
    assert names(nearest(many, TARGET, Query(2, fold=0.94))) == ["p0", "p900"]


def test_diversity_is_maximal_marginal_relevance() -> None:
    pictures = Local(index_of(at_angles([0, 1, 2, 50, -60])))
    assert names(nearest(pictures, TARGET, Query(3))) == ["p0", "p1", "p2"]
    varied = nearest(pictures, TARGET, Query(3, diversity=0.6))
    assert names(varied) == ["p0", "p4", "p3"], "by hand: 0.4 cosine - 0.6 similarity"
    assert len(nearest(pictures, TARGET, Query(9, diversity=1))) == 5


def test_centered_cosines() -> None:
    rng = np.random.default_rng(0)
    rows = unit(rng.normal(size=(40, 8)) + 3 * np.eye(8)[0]).astype(np.float32)
    mean, target = rows.mean(axis=0), unit(rng.normal(size=8)).astype(np.float32)
    hits = nearest(Local(index_of(rows)), target, Query(40), mean=mean)
    scores = unit(rows - mean) @ target
    assert names(hits) == [f"p{i}" for i in np.argsort(-scores)]
    assert [h.score for h in hits] == pytest.approx(np.sort(scores)[::-1], abs=1e-5)


@pytest.mark.parametrize(
    "bad", [{"k": 0}, {"threshold": 2}, {"fold": -0.1}, {"diversity": 1.5}, {"fold": float("nan")}]
)
def test_invalid_settings(bad: dict) -> None:
    with pytest.raises(ZcalcError, match=f"^{next(iter(bad))} must be"):
        Query(**bad)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("red", "darkred", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{name}.png", name)
    return tmp_path / "photos"


def test_as_a_method_and_as_a_verb(photos: Path) -> None:
    calc = hash_calculator([photos])
    result = calc('img(red) + "tea"')
    assert names(result.nearest(9, where="name like '%red'")) == ["darkred"]
    program = calc("img(red) |> nearest(2, where=\"name <> 'blue'\", threshold=0, fold=0.5)")
    assert program.view.pictures == 2 and program.view.query["fold"] == 0.5
    assert "blue" not in program._repr_mimebundle_()["text/plain"]
    centered = calc('img(red) + "tea"').nearest(9, center=True)
    assert set(names(centered)) == {"darkred", "green", "blue"}
    with pytest.raises(LanguageError, match="fold must be a number from 0 to 1") as error:
        calc('"tea" |> nearest(fold=1.2)')
    assert "fold=0.94" in error.value.hint
    assert parse(unparse(parse('"a" |> nearest(5, where="x", fold=0.94)')))


def test_missing_files_are_marked(photos: Path, tmp_path: Path) -> None:
    hash_calculator().index(photos, tmp_path / "p.zidx")
    (photos / "blue.png").unlink()
    (photos / "green.png").rename(photos / "grass.png")
    hits = hash_calculator(index=tmp_path / "p.zidx")('img(red) + "tea"').nearest(9)
    assert {hit.name: hit.missing for hit in hits} == {
        "darkred": False,
        "green": True,
        "blue": True,
    }


@pytest.mark.parametrize(
    ("expr", "more", "less", "expected"),
    [
        ('"a dog"', ["a"], [], '"a dog" + 0.5 * img(a)'),
        ('"a dog"', ["a", "a"], ["b"], '"a dog" + img(a) - 0.25 * img(b)'),
        ("img(a) + img(b)", [], ["a", "a", "a", "a"], "img(b)"),
        ("img(a)", [], ["a"], "0.75 * img(a)"),
        ("img(a)", [], ["a"] * 4, "0.25 * img(a)"),
        ("img(a) - img(b)", ["b"], ["c"], "img(a) - 0.5 * img(b) - 0.25 * img(c)"),
        ('2 * ("x" + "y")', ["a b"], [], '2 * ("x" + "y") + 0.5 * img("a b")'),
        ('mean(img(a), "x")', ["a"], [], 'mean(img(a), "x") + 0.5 * img(a)'),
    ],
)
def test_feedback_edits_the_expression(
    expr: str, more: list[str], less: list[str], expected: str
) -> None:
    tree = apply_feedback(parse(expr), more, less)
    assert unparse(tree) == expected and parse(expected) == tree


def test_feedback_from_python(photos: Path) -> None:
    result = hash_calculator([photos])('"tea"')
    last = next(hit for hit in result.nearest(9) if hit.name == "blue")
    edited = result.more("red").less(last, "green")
    assert edited.expr.startswith('"tea" + 0.5 * img(red) - 0.25 * img(')
    assert edited.nearest(1)[0].name == "darkred"


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[tuple] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen |= {(tag, name) for name, _ in attrs} | {(tag,)}


HOSTILE = (
    '"><script>alert(1)</script>', "' onerror='x", "<img src=x>", "a\nb\x1b[31m", "&lt;b&gt;",
    "]]>--><svg onload=x>", "\u202egnp.exe", "{{7*7}}", "</title><h1>x", "\ud800bad",
)  # fmt: skip


def sheet_of(name: str, hits: list[Hit], **query: str) -> str:
    """The contact sheet of an answer; `name` is its expression and its model."""
    return sheet(Answer(name, name, parse("img(x)"), images=tuple(hits), query=query))


def test_hostile_names_add_nothing_to_the_sheet(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", "red")
    plain = Hit("a", str(photo), 0.5, {"key": "value"}, alike=(Hit("b", "/b", 0.4),))
    page = sheet_of("x", [plain], fold="y")
    expected = Tags(page).seen
    assert "http:" not in page and 'src="data:' in page
    for name in HOSTILE:
        hit = Hit(name, str(photo), 0.5, {name: name}, alike=(Hit(name, name, 0.4),))
        page = sheet_of(name, [hit], fold=name)
        assert Tags(page).seen == expected and "\x1b" not in page
        page.encode()
    assert "No pictures" in sheet_of("x", [])


@pytest.mark.parametrize("thumbnails", [True, False])
def test_in_a_terminal(tmp_path: Path, thumbnails: bool) -> None:
    photo = save_photo(tmp_path / "a.png", "red")
    hits = [
        Hit("a" * 90, str(photo), 0.5, {"year": 2010, "place": "Rome"}),
        Hit("b\x1b[31m[bold]", "/gone", 0.4, {"year": 2011}, True, (Hit("c", "/c", 0.39),)),
    ]
    console = Console(width=100, record=True, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    print_hits(console, hits, thumbnails)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 100
    for part in ("cosine", "0.500", "2011", "Rome", "missing  + c", "[bold]", "…"):
        assert part in text, part
    assert "\x1b[31m" not in text


@pytest.mark.parametrize("terminal", [{"width": 0, "height": 0}, {"width": 12}, {"width": 80}])
def test_a_terminal_without_room_or_cursor_gets_the_table(
    tmp_path: Path, terminal: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if terminal["width"] == 80:
        monkeypatch.setenv("TERM", "dumb")
    hits = [Hit("a", str(save_photo(tmp_path / "a.png", "red")), 0.5)]
    console = Console(**terminal, record=True, file=io.StringIO(), force_terminal=True)
    print_hits(console, hits, thumbnails=True)
    text = console.export_text().lstrip("\n")
    assert text.startswith("pic") or not terminal["width"]  # no strip above the table


def test_the_command_line(zcalc, models: list[str], photos: Path, tmp_path: Path) -> None:  # noqa: F811
    clip = [*models[:2], "--images", str(photos)]
    page = tmp_path / "out.html"
    options = [
        "--where",
        "name <> 'blue'",
        "--fold",
        "1",
        "--diversity",
        "0.2",
        "--threshold",
        "-1",
    ]
    done = zcalc("nearest", "img(red)", "-k", "9", *options, "--html", str(page), *clip)
    assert done.code == 0 and "green" in done.out and "blue" not in done.out
    assert "Contact sheet:" in done.out and page.read_text("utf8").count("<figure") == 2
    output = zcalc("nearest", '"tea"', "--more", "red", "--less", "blue", "--json", *clip).json
    assert output["expr"] == '"tea" + 0.5 * img(red) - 0.25 * img(blue)'
    assert {image["name"] for image in output["images"]} == {"darkred", "green"}
    program = "img(red) |> nearest(1, where=\"name = 'green'\")"
    assert [i["name"] for i in zcalc("eval", program, "--json", *clip).json["images"]] == ["green"]
    for bad in (["--where", "yeer > 1"], ["--memory", "much"], ["--more", "nothing"]):
        out = zcalc("index", "build", str(photos), "-o", str(tmp_path / "i"), *models[:2])
        assert out.code == 0
        done = zcalc("nearest", '"tea"', *bad, *models[:2], "--index", str(tmp_path / "i"))
        assert done.code == 1 and "Traceback" not in done.err and done.err
    assert zcalc("nearest", '"tea"', "--fold", "2", *clip).code == 2


def test_json_has_metadata(photos: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(
        "path,year\n" + "".join(f"{p},{2000 + i}\n" for i, p in enumerate(sorted(photos.iterdir())))
    )
    hash_calculator().index(listed, tmp_path / "p.zidx")
    result = hash_calculator(index=tmp_path / "p.zidx")('img(red) + "tea"')
    hits = result.nearest(9, where="year > 2001")
    assert [hit.metadata["year"] for hit in hits] == [2002] and hits[0].name == "green"
    data = answer_data(View(pictures=2, query={"fold": 0.0}).answer(result))
    assert data["images"][0]["alike"] and "metadata" in data["images"][0]
    json.dumps(data)
