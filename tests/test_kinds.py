"""The kinds of the image tower's classes: a line for each of ImageNet's, and no other names."""

from pathlib import Path

import pytest

from tools.mini.image_tower import plain
from tools.mini.kinds import kinds
from zcalc.bench.categories import categories
from zcalc.bench.photographs import classes

MINI = Path(__file__).parents[1] / "tools/mini"
PHOTOGRAPHED = {c.name for c in classes()}


def drawn_names() -> set[str]:
    """Names of drawn concepts and of labelled pictures, whether or not the tower has them all."""
    columns = {"concepts.tsv": 0, "pictures.tsv": 3}
    return {
        line.split("\t")[column]
        for file, column in columns.items()
        for line in (MINI / file).read_text("utf8").splitlines()
        if not line.startswith("#")
    }


def test_every_photographed_class_has_a_kind_and_every_line_a_class() -> None:
    named = {plain(name) for name in kinds()}
    assert named >= PHOTOGRAPHED
    assert named - PHOTOGRAPHED <= {plain(name) for name in drawn_names()}


def test_most_basic_kind_first_and_broader_ones_weigh_half() -> None:
    table = kinds()
    assert table["Beagle"] == (("dog", 1.0), ("animal", 0.5))
    assert dict(table["suit"]).keys() == {"man", "clothing", "person"}
    assert dict(table["ant"])["animal"] == 0.3


def test_kinds_say_something_else_than_the_name_and_are_few() -> None:
    for name, pairs in kinds().items():
        words = [kind for kind, _ in pairs]
        assert plain(name) not in words, name
        assert len(set(words)) == len(words) <= 4, name


def test_kinds_are_words_for_many_classes() -> None:
    lines = [kind for pairs in kinds().values() for kind, _ in pairs]
    assert len(set(lines)) < 400
    assert lines.count("dog") >= 118
    once = {kind for kind in lines if lines.count(kind) == 1}
    assert len(once) < 40, once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog\tanimal\ncar\tvehicle\n", "kinds.tsv, line 2: no class is called 'car'"),
        ("dog\tanimal\n# again\ndog\tpet\n", "kinds.tsv, line 3: 'dog' has a line already"),
        ("dog\tAnimal\n", "kinds.tsv, line 1: 'Animal' is not a kind"),
        ("dog\tanimal:2\n", "kinds.tsv, line 1: 'animal:2' is not a kind"),
        ("dog\tanimal:0.0\n", "kinds.tsv, line 1: 'animal:0.0' is not a kind"),
        ("dog\n", "kinds.tsv, line 1: '' is not a kind"),
        ("cat\tanimal\n", "kinds.tsv has no line for dog"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "kinds.tsv"
    file.write_text(text, encoding="utf8")
    with pytest.raises(ValueError, match=message):
        kinds(["dog"], ["cat"], file)


def test_categories_to_measure_by_name_known_classes() -> None:
    table = categories()
    names = [category.name for category in table]
    assert len(set(names)) == len(names) >= 40
    assert {category.split for category in table} == {"dev", "test"}
    for category in table:
        assert len(category.classes) >= 3 and category.classes <= PHOTOGRAPHED, category.name
