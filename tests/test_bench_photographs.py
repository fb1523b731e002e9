"""Photographs by category and scenes by caption: the tables, and each measure by hand."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers import SHARED_PHOTOS, hash_calculator, save_photo, save_table

from zcalc.algebra import unit
from zcalc.bench import Labelled, mini
from zcalc.bench.categories import asked_for, categories, category_queries, kinds, neighbours
from zcalc.bench.photographs import Photo, classes
from zcalc.bench.scenes import has_people, people, read_scenes
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError

SCENES = SHARED_PHOTOS.parent / "scenes"
DOGS = ("beagle", "pug", "dalmatian", "papillon", "komondor", "chow chow")
SNAKES = ("sea snake", "worm snake", "vine snake", "night snake", "water snake", "garter snake")


def photos_of(*names: str) -> list[Photo]:
    return [Photo(Path(f"{name}.jpg"), name, i) for i, name in enumerate(names)]


def test_the_categories_are_of_imagenets_classes() -> None:
    known = {c.name for c in classes()}
    for category in categories():
        assert category.split in ("dev", "test") and category.classes <= known, category.name
    assert max(Counter(category.name for category in categories()).values()) == 1


def test_a_category_query_by_hand() -> None:
    """The three snakes lie at "a snake"; of six dogs, one lies at "a snake" as well."""
    calculator = hash_calculator()
    photos = photos_of(*SNAKES[:3], *DOGS)
    snake, dog = unit(calculator.models.encoder.texts(["a snake", "a dog"]))
    report = category_queries(calculator, photos, np.stack([snake] * 4 + [dog] * 5))
    scores = dict(zip(report.names, report.metrics[0].values.tolist(), strict=True))
    assert scores["a snake"] == 1, "of four at the same place, the first three"
    assert scores["a dog"] == pytest.approx(5 / 6)
    assert report.outputs[report.names.index("a dog")] == {
        "wrong": [SNAKES[0]], "missing": [DOGS[0]],
    }  # fmt: skip


def test_the_neighbours_by_hand() -> None:
    """Dogs lie together but for one, which lies among the snakes."""
    photos = photos_of(*DOGS, *SNAKES)
    assert [category.name for category, _ in kinds(photos)] == ["dog", "snake"], "not animals"
    assert "animal" in [category.name for category, _ in asked_for(photos)]
    random = np.random.default_rng(0)
    places = np.eye(8)[[0] * 5 + [1] * 7]
    pictures = unit(places + 0.01 * random.normal(size=places.shape))
    report = neighbours(hash_calculator(), photos, pictures)
    shares = dict(zip(report.names, report.metrics[0].values.tolist(), strict=True))
    assert shares[DOGS[0]] == pytest.approx(4 / 5), "four dogs, and the fifth is a snake or far dog"
    assert shares[DOGS[5]] == 0, "its nearest are five snakes"
    assert all(shares[snake] >= 4 / 5 for snake in SNAKES)


def test_too_few_photographs_have_no_categories() -> None:
    assert not asked_for(photos_of("beagle", "sea snake")) and not kinds(photos_of(*DOGS[:3]))


def test_scenes_with_people_by_hand(tmp_path: Path) -> None:
    lines = ["file\tcaption"]
    for colour, texts in {"red": ("two men", "a wave"), "blue": ("a surfer", "a girl")}.items():
        save_photo(tmp_path / f"{colour}.png", colour)
        lines += [f"{colour}.png\t{text}" for text in texts]
    save_table(tmp_path, *lines, "gone.png\ta man", name="captions.tsv")
    scenes = read_scenes(tmp_path)
    assert [has_people(scene) for scene in scenes] == [False, True, True], "half is not most"
    report = people(hash_calculator(), scenes)
    assert report.title == "people, 1 of 2 scenes"
    (found,) = report.names
    assert report.value("precision at their number") == float(found == "blue.png")
    assert report.skipped[0].name == "gone.png"
    with pytest.raises(ZcalcError, match="No scene has people"):
        people(hash_calculator(), scenes[:1])
    with pytest.raises(ZcalcError, match=r"captions\.tsv"):
        read_scenes(tmp_path / "none")


def test_babies_of_animals_and_pairs_of_things_are_no_people() -> None:
    texts = ("a baby elephant", "a couple of pizzas", "an office chair")
    assert not has_people(Labelled("a", Path("a.jpg"), texts))


@pytest.mark.model
@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photographs are missing")
@pytest.mark.skipif(not SCENES.is_dir(), reason="the shared scenes are missing")
def test_the_figures_of_mini() -> None:
    result = mini.measure_mini(Calculator.create("mini"), SHARED_PHOTOS, SCENES)
    assert result.scores["category queries, precision at their number"] > 0.5
    assert result.scores["neighbours, five nearest of the same kind"] > 0.5
    assert result.scores["79 scenes, text to image, R@1"] > 0.3
    assert result.scores["people, 30 of 79 scenes, precision at their number"] > 0.3
    titles = [report["report"] for report in result.data(items=True)["reports"]]
    assert titles == ["category queries", "neighbours", "79 scenes", "people, 30 of 79 scenes"]
    assert "reports" not in result.data()
