"""The build of the text tower and the class table: training texts, reduced targets, kinds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import HashEncoder

from tools.mini import corpus, drawings, teacher
from tools.mini.drawn_classes import DrawnClass
from tools.mini.image_tower import ClassTable, people_rows
from zcalc.algebra import unit
from zcalc.gallery import Gallery


def embed(texts: list[str]) -> torch.Tensor:
    """Unit embeddings (n, 64) of texts by their letters."""
    return torch.from_numpy(unit(HashEncoder().texts(texts)))


def table(kinds: dict[str, tuple[tuple[str, float], ...]], share: float) -> torch.Tensor:
    drawn = [DrawnClass("violin", ("violin", "fiddle"))]
    return ClassTable(embed, kinds, share, share)(["beagle", "umbrella"], drawn)


def test_a_class_moves_toward_its_kinds_with_their_share() -> None:
    kinds = {"beagle": (("dog", 1.0),), "violin": (("musical instrument", 1.0),)}
    plain, mixed = table(kinds, 0.0), table(kinds, 0.5)
    dog, instrument = embed(["a photo of a dog", "a photo of a musical instrument"])
    assert float(mixed[0] @ dog) > float(plain[0] @ dog) + 0.1
    assert float(mixed[2] @ instrument) > float(plain[2] @ instrument) + 0.1
    torch.testing.assert_close(mixed[1], plain[1])  # an umbrella has no kind here
    torch.testing.assert_close(mixed.norm(dim=1), torch.ones(3))


def test_a_lone_kind_of_little_weight_moves_a_class_less() -> None:
    plain = table({}, 0.5)
    weak, strong = (table({"umbrella": (("rain", w),)}, 0.5) for w in (0.3, 1.0))
    moved = [float((row[1] - plain[1]).norm()) for row in (weak, strong)]
    assert 0 < moved[0] < 0.5 * moved[1]


def test_the_kind_person_also_means_people() -> None:
    people = embed(["a photo of a people"])[0]
    person, man = (table({"umbrella": ((kind, 1.0),)}, 1.0)[1] for kind in ("person", "man"))
    assert float(person @ people) > float(man @ people) + 0.1


def test_each_row_of_people_is_the_direction_of_its_texts() -> None:
    rows = people_rows(embed)
    assert rows.shape == (4, 64)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(4))
    crowd = embed(["a crowd"])[0]
    assert (rows @ crowd).argmax() == 3


def test_the_teachers_embeddings_are_reduced_by_one_basis_that_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = unit(rng.normal(size=(500, 300)) @ rng.normal(size=(300, teacher.FULL)))  # rank 300
    reducing = object.__new__(teacher.Teacher)  # without its model
    reduced = teacher.reduce(reducing, rows.astype(np.float16), tmp_path / "basis.npz")
    assert reduced.shape == (500, teacher.DIM)
    wide = reduced.astype(np.float32)
    np.testing.assert_allclose(wide @ wide.T, rows @ rows.T, atol=5e-3)  # nothing is lost
    basis = reducing.basis
    teacher.reduce(reducing, rows[::-1].astype(np.float16), tmp_path / "basis.npz")
    np.testing.assert_array_equal(reducing.basis, basis)


def test_human_captions_are_the_last_column_once_each(tmp_path: Path) -> None:
    file = tmp_path / "captions.tsv"
    file.write_text("image\tcaption\n1\tA dog runs.\n2\tA cat sits.\n3\tA dog runs.\n")
    assert corpus.human(file) == ["A dog runs.", "A cat sits."]
    assert corpus.human(None) == []


def test_long_texts_join_two_to_five_captions() -> None:
    captions = [f"caption {letter}." for letter in "abcdefgh"]
    texts = list(corpus.joined(captions, seed=0, count=50))
    assert {text.count("caption") for text in texts} == {2, 3, 4, 5}
    assert all(text.endswith(".") and ".." not in text for text in texts)
    assert not list(corpus.joined([], seed=0))


def test_texts_that_name_a_thing_are_repeated() -> None:
    texts = ["a dog", "dog", "a photo of a dog", "a dog on a beach", "cat"]
    rows = corpus.emphasised(texts, ["dog"], times=3)
    assert [rows.count(row) for row in range(5)] == [3, 3, 3, 1, 1]


def test_the_gallery_has_each_drawing_of_the_table() -> None:
    shown = drawings.gallery()
    names = {p.name for p in Gallery.samples() if p.path.parent.name == "drawings"}
    assert names == {drawing.name for drawing in shown}
    assert all(drawing.design in drawings.LICENCES for drawing in shown)
    assert not [d.name for d in shown if "SA" in drawings.LICENCES[d.design]]


@pytest.mark.parametrize("name", ["king", "baby"])
def test_a_drawing_has_its_margin(name: str) -> None:
    (margin,) = (drawing.margin for drawing in drawings.gallery() if drawing.name == name)
    picture = Gallery.samples().find(name).open()
    edge = np.asarray(picture)[: max(margin, 1), : max(margin, 1)]
    assert picture.size == (128, 128) and (edge == 255).all()
