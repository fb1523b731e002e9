"""Columns that zcalc computes for the pictures of an index."""

from pathlib import Path

import pytest
from helpers import save_photo
from typer.testing import CliRunner

from zcalc import columns
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Index
from zcalc.index.where import rows_where

pytestmark = pytest.mark.model


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["index", *map(str, arguments)])
    return done.exit_code, done.output


def values(folder: Path, name: str) -> dict[str, object]:
    index = Index.open(folder)
    return {index.entry(row).name: index.metadata(row).get(name) for row in range(len(index))}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some of the sample photographs."""
    folder = tmp_path_factory.mktemp("samples")
    gallery = Gallery.samples()
    for name in ("cat", "rocket", "coffee", "flower"):
        gallery.find(name).open().save(folder / f"{name}.png")
    return folder


def test_columns_stay_and_are_filled_in(samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    assert run("build", samples, "-o", folder)[0] == 0
    assert (
        run("column", folder, "label=a cat|a rocket|a cup of coffee|a flower", "--as", "kind")[0]
        == 0
    )
    kinds = {
        "cat": "a cat",
        "rocket": "a rocket",
        "coffee": "a cup of coffee",
        "flower": "a flower",
    }
    assert values(folder, "kind") == kinds
    assert run("column", folder, 'score=img(cat) - "cat" + "dog"')[0] == 0
    assert run("column", folder, "cluster=2")[0] == 0
    assert run("column", folder, "caption=retrieve", "--as", "said")[0] == 0
    assert all(values(folder, "said").values()) and set(values(folder, "cluster").values()) == {
        1,
        2,
    }
    index = Index.open(folder)
    where = "kind = 'a cat' and score > 0 and cluster in (1, 2) and said like '%.'"
    assert [index.entry(int(row)).name for row in rows_where(index.table, where)] == ["cat"]
    save_photo(samples / "red.png", "red")
    try:
        assert "1 added" in run("build", samples, "-o", folder)[1]
        assert values(folder, "kind") == kinds | {"red": None}
        before = values(folder, "score")
        assert run("column", folder)[0] == 0
        after = values(folder, "score")
        assert {name: after[name] for name in kinds} == {name: before[name] for name in kinds}
        assert all(values(folder, name)["red"] for name in ("kind", "score", "cluster", "said"))
    finally:
        (samples / "red.png").unlink()
    assert "kind, cluster, said" in run("column", folder, "--drop", "score")[1]
    assert set(values(folder, "score").values()) == {None}
    assert run("remove", "rocket", "-o", folder)[0] == 0 and run("compact", folder)[0] == 0
    assert values(folder, "kind")["cat"] == "a cat"


def test_what_cannot_be_a_column(samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    table = samples / "t.csv"
    table.write_text("path,label\ncat.png,mine\nrocket.png,yours\n")
    try:
        assert run("build", table, "-o", folder)[0] == 0
    finally:
        table.unlink()
    calculator = Calculator.create("mini", index=str(folder))
    for text, why in (
        ("label=a|b", "has a column 'label' already"),
        ("colour=x", "is no column"),
        ("label", "is no column"),
        ("cluster=many", "not a number"),
        ("cluster=99", "can't make 99"),
        ("score=cos(img(cat), img(rocket))", "is no embedding"),
    ):
        with pytest.raises(ZcalcError, match=why):
            columns.compute(calculator, folder, [columns.parse(text)])
    with pytest.raises(ZcalcError, match="not a computed column"):
        columns.drop(folder, ["label"])
    assert values(folder, "label")["cat"] == "mine"
