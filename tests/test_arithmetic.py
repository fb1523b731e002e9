"""The arithmetic questions: that the set is sound, and that they are scored rightly."""

from pathlib import Path

import numpy as np
import pytest
from helpers import SHARED_PHOTOS as PHOTOS
from helpers import hash_calculator

from benchmarks.arithmetic import render, split
from zcalc.errors import ZcalcError
from zcalc.bench import analogy, arithmetic, questions
from zcalc.bench.questions import Answer, Question
from zcalc.gallery import Gallery
from zcalc.language import Image, Text, Type, operands, plan
from zcalc.words import stems

QUESTIONS = questions.questions()
FOLDER = Path(questions.__file__).parents[2] / "benchmarks" / "arithmetic"
DRAWINGS = {file.stem for file in (FOLDER / "pictures").glob("*.png")}
# The photographs that questions name; they may not be committed.
NAMED_PHOTOS = set((FOLDER / "photos.txt").read_text("utf8").split("\n")) - {""}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.expression)
def test_a_question_is_sound(question: Question) -> None:
    steps, _ = plan(question.expression)
    assert [step.type for step in steps] == [Type.EMBEDDING]
    assert 1 <= len(question.answers) <= 8
    assert len({stems(answer) for answer in question.answers}) == len(question.answers)
    assert all(answer and answer == answer.lower().strip() for answer in question.answers)
    nodes = operands(steps[0].tree)
    said = [stems(node.text if isinstance(node, Text) else node.name) for node in nodes]
    assert not [a for a in question.answers if any(stems(a) <= words for words in said)]


def test_a_question_is_asked_once() -> None:
    assert len({question.expression for question in QUESTIONS}) == len(QUESTIONS)


def test_the_pictures_are_known() -> None:
    samples = {picture.name for picture in Gallery.samples()}
    named = {name for question in QUESTIONS for name in question.pictures}
    flags = {name for name in named if name.endswith("_flag") and len(name) == len("us_flag")}
    assert not named - flags - DRAWINGS - NAMED_PHOTOS - samples
    assert not DRAWINGS - named, "drawings that nothing asks about"
    assert not DRAWINGS & NAMED_PHOTOS
    assert {*render.OWN, *render.ICONS} == DRAWINGS


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs aren't here")
def test_the_photographs_are_there() -> None:
    there = {file.stem for file in PHOTOS.glob("*.jpg")}
    assert not NAMED_PHOTOS - there
    assert not DRAWINGS & there


def test_there_are_enough_of_each_kind() -> None:
    def count(kind: object) -> int:
        return sum(any(map(kind, question.pictures)) for question in QUESTIONS)

    assert len(QUESTIONS) >= 170
    assert count(lambda name: name.endswith("_flag")) >= 40
    assert count(NAMED_PHOTOS.__contains__) >= 60
    assert count(DRAWINGS.__contains__) >= 60
    sections = [question.section for question in QUESTIONS]
    assert min(sections.count(section) for section in sections) >= 15


def test_the_split_follows_the_rule() -> None:
    expected = split.splits([(q.section, q.expression) for q in QUESTIONS])
    assert [question.split for question in QUESTIONS] == expected
    assert 0.38 <= expected.count("dev") / len(expected) <= 0.42


def test_a_word_is_right_when_its_stems_are() -> None:
    question = Question("dev", "food", 'img(coffee) + "sea"', ("hot dog", "noodle"))
    assert question.accepts("Noodles") and question.accepts("hot dogs")
    assert not question.accepts("dog") and not question.accepts("noodle soup")


def test_figures_from_known_answers() -> None:
    question = Question("dev", "food", 'img(coffee) + "sea"', ("tea", "hot dog"))
    swap = Question("dev", "dress", "img(a) - img(us_flag) + img(jp_flag)", ("kimono",))
    given = [
        Answer(question, ("teas", "b", "c", "d", "e"), 0.5, "A dog that is hot."),
        Answer(question, ("b", "c", "d", "e", "hot dogs"), 0.3, "A dog."),
        Answer(swap, ("b", "c", "d", "e", "f"), 0.1, "A kimono."),
    ]
    found = questions.summary(given)
    assert found["sections"]["food"] == pytest.approx(
        {"questions": 2, "B@1": 0.5, "R@5": 1.0, "CLIP": 0.4, "caption": 0.5}
    )
    assert found["flags"] == found["sections"]["dress"]
    assert found["flags"]["R@5"] == 0
    assert found["total"]["B@1"] == pytest.approx(1 / 3)


def test_answers_leave_operands_out_and_know_the_cosine() -> None:
    """With an encoder by trigrams: the nearest word to "teapot" is an inflection of it."""
    calculator, asked, left_out = questions.prepare(split="all", calculator=hash_calculator())
    assert asked and all(set(q.pictures) & NAMED_PHOTOS for q in left_out if not _flagged(q))
    question = Question("dev", "x", '2 * "teapot"', ("teapots", "pot"))
    (answer,) = questions.answers(calculator, [question])
    assert not any(stems(word) <= stems("teapot") for word in answer.words)
    assert 0.8 < answer.clip < 1


def _flagged(question: Question) -> bool:
    return any(name.endswith("_flag") for name in question.pictures)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ZcalcError, match="no split 'train'"):
        questions.prepare(split="train")


def test_the_gallery_holds_no_links_out_of_a_folder(tmp_path: Path) -> None:
    source = FOLDER / "pictures" / "king.png"
    inside = tmp_path / "photos"
    inside.mkdir()
    (inside / "own.png").write_bytes(source.read_bytes())
    (inside / "stray.png").symlink_to(source)
    names = {picture.name for picture in questions.gallery(inside)}
    assert {"own", "king", "coffee"} <= names and "stray" not in names


def test_analogies_of_an_encoder_that_adds_up() -> None:
    """An encoder where every answer is a - b + c finds all; one of noise next to none."""
    rows, _ = analogy.read_analogies(questions.table_of_set("analogies.tsv"))
    assert len(rows) >= 100
    vocabulary = sorted({answer for row in rows for answer in row["answers"].split("|")})
    random = np.random.default_rng(0)
    noise = {word: random.normal(size=64) for row in rows for word in row.values()}

    def embed(texts: list[str]) -> np.ndarray:
        return np.stack([noise.setdefault(text, random.normal(size=64)) for text in texts])

    assert analogy.recall(embed, vocabulary)["total, R@5"] < 0.2
    pair = {"king": [1, 0, 0], "man": [0, 1, 0], "woman": [0, 0, 1], "queen": [1, -1, 1]}
    row = {"a": "king", "b": "man", "c": "woman", "answers": "queen"}
    points = {word: np.array(at) for word, at in pair.items()}
    target = points["king"] - points["man"] + points["woman"]
    ordered = sorted(pair, key=lambda word: -float(points[word] @ target))
    assert analogy.rank(row, [*ordered, "kings"]) == 1
    assert analogy.rank(row | {"answers": "duke"}, ordered) == len(ordered) + 1


@pytest.mark.model
def test_mini_answers_the_drawings(capsys: pytest.CaptureFixture[str]) -> None:
    calculator, asked, _ = questions.prepare(split="dev")
    few = [question for question in asked if not _flagged(question)][:4]
    given = questions.answers(calculator, few)
    assert [len(answer.words) for answer in given] == [5] * 4
    assert all(-1 <= answer.clip <= 1 for answer in given)
    assert questions.summary(given)["total"]["questions"] == 4


@pytest.mark.model
def test_the_table_and_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    arithmetic.run(split="dev", as_json=True, show=True)
    found = json.loads(capsys.readouterr().out)
    assert len(found["answers"]) == found["total"]["questions"]
    arithmetic.run(split="dev", show=True)
    printed = capsys.readouterr()
    assert "B@1" in printed.out and "total" in printed.out
    assert "left out" in printed.err, "the photographs weren't given"


def test_pictures_are_images_by_name() -> None:
    question = Question("dev", "x", 'img("Granny_Smith") - "green" + img(king)', ("apple",))
    assert question.pictures == ("Granny_Smith", "king")
    assert isinstance(operands(plan(question.expression)[0][0].tree)[0], Image)
