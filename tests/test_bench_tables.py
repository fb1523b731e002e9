"""The input tables of benchmarks: what is read from them, and what is skipped with a reason."""

from pathlib import Path

import pytest
from helpers import hash_calculator, save_photo, save_table

from zcalc.bench import analogies, captions, relations, retrieval
from zcalc.bench.data import read_labelled
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in ("red", "green", "blue", "white"):
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def test_references_in_one_cell_in_several_rows_and_as_json(tmp_path: Path, photos: Path) -> None:
    file = save_table(
        tmp_path,
        "image,references",
        "photos/red.png,red|a red picture",
        '"photos/green.png","[""green"", ""a | b""]"',
        "photos/red.png,scarlet",
        "coffee,a cup",
    )
    rows, skipped = read_labelled(file, Gallery.samples())
    assert {row.name: row.references for row in rows} == {
        "photos/red.png": ("red", "a red picture", "scarlet"),
        "photos/green.png": ("green", "a | b"),
        "coffee": ("a cup",),
    }
    assert not skipped


def test_unusable_rows_are_reported(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.png").write_text("not a picture")
    file = save_table(
        tmp_path,
        "image,references",
        "photos/red.png,red",
        "photos/green.png,",
        "photos/blue.png,NaN",
        "photos/broken.png,broken",
        "gone.jpg,gone",
        ",nothing",
        "photos/white.png,white, and more",
    )
    report = retrieval(hash_calculator(), file)
    reasons = {skip.name: skip.reason for skip in report.skipped}
    assert reasons.keys() == {
        "photos/green.png", "photos/blue.png", "photos/broken.png", "gone.jpg", "row 7", "row 8",
    }  # fmt: skip
    assert reasons["photos/blue.png"] == "no reference" and reasons["gone.jpg"] == "no such file"
    assert "quotes" in reasons["row 8"] and "damaged" in reasons["photos/broken.png"]
    assert "2 left out, no reference: photos/green.png, photos/blue.png" in repr(report)


def test_long_references_are_cut_with_a_note(tmp_path: Path, photos: Path) -> None:
    file = save_table(tmp_path, "image,references", f"photos/red.png,{'red ' * 40}|red")
    for benchmark, count in ((retrieval, 2), (captions, 3)):
        report = benchmark(hash_calculator(), file)
        assert report.names[0] == "photos/red.png" and not report.skipped
        assert f"1 of {count} texts cut to the model's 32 tokens" in report.notes


@pytest.mark.parametrize("benchmark", [retrieval, captions, relations, analogies])
def test_unreadable_tables(benchmark, tmp_path: Path) -> None:
    calculator = hash_calculator()
    with pytest.raises(ZcalcError, match="no column"):
        benchmark(calculator, save_table(tmp_path, "picture,text", "a.png,a"))
    with pytest.raises(ZcalcError, match="Can't read"):
        benchmark(calculator, tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(b"image,references,section\n\xff\xfe,a\n")
    with pytest.raises(ZcalcError, match="Can't read"):
        benchmark(calculator, tmp_path / "latin.csv")
    header = "image,references,section,expression,answers,a,b,c"
    with pytest.raises(ZcalcError, match="Nothing to measure"):
        benchmark(calculator, save_table(tmp_path, header, name="empty.csv"))


def test_questions_that_cannot_be_asked(tmp_path: Path) -> None:
    file = save_table(
        tmp_path,
        "section\texpression\tanswers",
        'drinks\timg(coffee) - "coffee" + "tea"\ttea|teapot',
        'silent\timg(coffee) + "milk"\t',
        "drinks\timg(cofee)\tlatte",
        'drinks\t"tea" * "milk"\tlatte',
        'drinks\tcos("tea", "milk")\tlatte',
        'drinks\t"tea" - "tea"\tnothing',
        name="questions.tsv",
    )
    report = relations(hash_calculator(), file)
    assert report.names == ('img(coffee) - "coffee" + "tea"',)
    reasons = {skip.name: skip.reason for skip in report.skipped}
    assert reasons['img(coffee) + "milk"'] == "no answers"
    assert "cofee" in reasons["img(cofee)"] and "cancels" in reasons['"tea" - "tea"']
    assert len(reasons) == 5
    with pytest.raises(ZcalcError, match="Nothing to measure") as error:
        relations(hash_calculator(), save_table(tmp_path, "section,expression,answers", "a,x,"))
    assert "no answers" in error.value.hint


def test_a_table_of_analogies(tmp_path: Path) -> None:
    file = save_table(
        tmp_path,
        "section\ta\tb\tc\tanswers",
        "plural\tcar\tcars\tdogs\tdog",
        "plural\tcar\tnan\tdogs\tdog",
        name="analogies.tsv",
    )
    report = analogies(hash_calculator(), file)
    assert report.names == ("car - cars + dogs",)
    assert [skip.reason for skip in report.skipped] == ["nothing in b"]
