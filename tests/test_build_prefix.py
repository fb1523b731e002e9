"""The prefix decoder's training captions and points, on a few captions."""

import numpy as np
import pytest
import torch
from helpers import HashEncoder

from tools.mini.decoder_corpus import (
    Captioned,
    Finder,
    alone,
    group_of,
    people_wrote,
    plurals,
    replaced,
    swaps,
    without_prompt,
)
from tools.mini.decoder_points import Points
from zcalc.algebra import unit

GROUPS = {
    "dog": "animal", "cat": "animal", "koala": "animal", "otter": "animal", "table": "artifact",
    "sofa": "artifact", "dog park": "place",
}  # fmt: skip
CAPTIONS = ["A dog on a table.", "Two dogs sit under a table", "A dog park with a cat."] * 4


def embed(texts: list[str]) -> np.ndarray:
    return unit(HashEncoder().texts(texts))


def test_nouns_are_found_in_both_numbers_and_the_longest_wins() -> None:
    found = Finder(GROUPS)("Two dogs at the dog park.")
    assert [(noun, many) for *_, noun, many in found] == [("dog", True), ("dog park", False)]
    assert plurals("dog park") == "dog parks"
    next_to_another = Finder({"pizza": "food", "box": "artifact"})("A pizza box.")
    assert alone(next_to_another) == []


def test_a_noun_is_replaced_with_article_number_and_full_stop() -> None:
    assert replaced("a dog on a table", 1, 2, "otter") == "An otter on a table."
    assert replaced("A cat, an owl and a dog.", 1, 2, "dog") == "A dog, an owl and a dog."
    assert replaced("Two dogs sit.", 1, 2, "koalas") == "Two koalas sit."


def test_every_noun_takes_the_place_of_others_of_its_group() -> None:
    made = swaps(CAPTIONS, GROUPS, embed, lambda noun: 3)
    koalas = [c for c in made if c.nouns[0] == "koala"]
    assert len(koalas) == 3
    for caption in koalas:
        assert "koala" in caption.text
        assert caption.text.endswith(".")
        assert "dog park" not in caption.text
    assert not any("dog park" in c.text and c.nouns[0] == "otter" for c in made)


def test_captions_keep_their_nouns_and_lose_prompt_and_habits() -> None:
    (caption,) = people_wrote(["a cat on a sofa and a cat"], GROUPS)
    assert caption == Captioned("A cat on a sofa and a cat.", ("cat", "sofa"))
    ours = ["Image of a red car.", "Image of a car left open.", "Image of a dog being washed."]
    assert without_prompt(ours) == ["A red car."]
    assert group_of(["dog", "animal"]) == "animal"
    assert group_of(["tool"]) == "artifact"


@pytest.fixture(scope="module")
def points() -> Points:
    torch.manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(60, 8), dim=-1)
    captions = [Captioned("a", (str(i),)) for i in range(50)] + [Captioned("b", ())] * 10
    vectors = torch.nn.functional.normalize(torch.randn(60, 8), dim=-1)
    mean = torch.nn.functional.normalize(torch.ones(8), dim=0)
    return Points(captions, vectors, [str(i) for i in range(60)], rows, mean)


def test_sums_and_differences_land_near_their_noun(points: Points) -> None:
    assert sum(map(len, points.triples)) > 50
    for noun, triples in enumerate(points.triples):
        for a, b, c in triples.tolist():
            assert noun not in (a, b, c)
            point = points.rows[a] - points.rows[b] + points.rows[c]
            cosines = torch.nn.functional.normalize(point, dim=-1) @ points.rows.T
            assert float(cosines[noun]) > 0.4


def test_points_are_unit_repeatable_and_without_nouns_the_captions_own(points: Points) -> None:
    rows = list(range(60))
    first = points(rows, torch.Generator().manual_seed(1))
    assert first.shape == (60, 8)
    assert torch.allclose(first.norm(dim=1), torch.ones(60), atol=1e-5)
    assert torch.equal(first, points(rows, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, points(rows, torch.Generator().manual_seed(2)))
    nearest = (points(list(range(50, 60)), torch.Generator()) @ points.vectors.T).argmax(1)
    assert (nearest == torch.arange(50, 60)).float().mean() > 0.6
