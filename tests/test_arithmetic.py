"""The question set: every question is well-formed, and answers are scored correctly."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import SHARED_PHOTOS as PHOTOS
from helpers import hash_calculator
from typer.testing import CliRunner

from benchmarks.arithmetic import render, split
from zcalc.bench import analogy, arithmetic, questions
from zcalc.bench.questions import Question
from zcalc.bench.relation import Answer, ask
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.language import Image, Text, Type, operands, plan
from zcalc.words import stems

QUESTIONS = questions.all_questions()
FOLDER = Path(questions.__file__).parents[2] / "benchmarks" / "arithmetic"
DRAWINGS = {file.stem for file in (FOLDER / "pictures").glob("*.png")}
# Photographs that questions refer to; their licence doesn't allow committing them.
NAMED_PHOTOS = set((FOLDER / "photos.txt").read_text("utf8").split("\n")) - {""}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.expression)
def test_a_question_is_well_formed(question: Question) -> None:
    steps, _ = plan(question.expression)
    assert [step.type for step in steps] == [Type.EMBEDDING]
    assert 1 <= len(question.answers) <= 10
    assert len({stems(answer) for answer in question.answers}) == len(question.answers)
    assert all(answer and answer == answer.lower().strip() for answer in question.answers)
    nodes = operands(steps[0].tree)
    names = [stems(node.text if isinstance(node, Text) else node.name) for node in nodes]
    assert not [a for a in question.answers if any(stems(a) <= name for name in names)]


def test_no_question_is_repeated() -> None:
    assert len({question.expression for question in QUESTIONS}) == len(QUESTIONS)


def test_every_picture_exists() -> None:
    samples = {picture.name for picture in Gallery.samples()}
    named = {name for question in QUESTIONS for name in question.pictures}
    flags = {name for name in named if name.endswith("_flag") and len(name) == len("us_flag")}
    assert not named - flags - DRAWINGS - NAMED_PHOTOS - samples
    assert not DRAWINGS - named, "drawings that no question uses"
    assert not DRAWINGS & NAMED_PHOTOS
    assert {*render.NAMED_ALIKE, *render.ICONS} == DRAWINGS


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs are missing")
def test_every_photograph_exists() -> None:
    photos = {file.stem for file in PHOTOS.glob("*.jpg")}
    assert not NAMED_PHOTOS - photos
    assert not DRAWINGS & photos


def test_there_are_enough_questions_of_each_kind() -> None:
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


def test_words_are_compared_by_stems() -> None:
    question = Question("dev", "food", 'img(coffee) + "sea"', ("hot dog", "noodle"))
    assert question.accepts("Noodles") and question.accepts("hot dogs")
    assert not question.accepts("dog") and not question.accepts("noodle soup")


def test_scores_of_known_answers() -> None:
    question = Question("dev", "food", 'img(coffee) + "sea"', ("tea", "hot dog"))
    swap = Question("dev", "dress", "img(a) - img(us_flag) + img(jp_flag)", ("kimono",))
    answers = [
        Answer(question, ("teas", "b", "c", "d", "e"), 0.5, "A dog that is hot."),
        Answer(question, ("b", "c", "d", "e", "hot dogs"), 0.3, "A dog."),
        Answer(swap, ("b", "c", "d", "e", "f"), 0.1, "A kimono."),
    ]
    scores = arithmetic.summary(answers)
    assert scores["sections"]["food"] == pytest.approx(
        {"questions": 2, "B@1": 0.5, "R@5": 1.0, "R@10": 1.0, "CLIP": 0.4, "caption": 0.5}
    )
    assert scores["flags"] == scores["sections"]["dress"]
    assert scores["flags"]["R@5"] == 0
    assert scores["total"]["B@1"] == pytest.approx(1 / 3)


def test_answers_leave_operands_out_and_have_the_cosine() -> None:
    """For an encoder of trigrams the word nearest to "teapot" is its plural."""
    calculator = hash_calculator().with_gallery(questions.set_gallery())
    askable, left_out = questions.select_questions("all", calculator.gallery)
    assert askable and all(set(q.pictures) & NAMED_PHOTOS for q in left_out if not _has_flag(q))
    question = Question("dev", "x", '2 * "teapot"', ("teapots", "pot"))
    (answer,) = ask(calculator, [question])
    assert not any(stems(word) <= stems("teapot") for word in answer.words)
    assert 0.8 < answer.clip < 1


def _has_flag(question: Question) -> bool:
    return any(name.endswith("_flag") for name in question.pictures)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ZcalcError, match="Unknown split 'train'"):
        questions.select_questions("train", Gallery.samples())


def test_the_gallery_ignores_links_that_leave_the_folder(tmp_path: Path) -> None:
    source = FOLDER / "pictures" / "king.png"
    inside = tmp_path / "photos"
    inside.mkdir()
    (inside / "own.png").write_bytes(source.read_bytes())
    (inside / "stray.png").symlink_to(source)
    names = {picture.name for picture in questions.set_gallery(inside)}
    assert {"own", "king", "coffee"} <= names and "stray" not in names


def test_analogies_are_ranked_without_the_operands() -> None:
    """Random embeddings find next to no analogy; exact ones rank the expected word first."""
    rows, _ = analogy.read_analogies(questions.set_table("analogies.tsv"))
    assert len(rows) >= 100
    vocabulary = sorted({answer for row in rows for answer in row["answers"].split("|")})
    random = np.random.default_rng(0)
    noise = {word: random.normal(size=64) for row in rows for word in row.values()}

    def embed(texts: list[str]) -> np.ndarray:
        return np.stack([noise.setdefault(text, random.normal(size=64)) for text in texts])

    assert analogy.recall(embed, vocabulary)["total, R@5"] < 0.2
    exact = {"king": [1, 0, 0], "man": [0, 1, 0], "woman": [0, 0, 1], "queen": [1, -1, 1]}
    row = {"a": "king", "b": "man", "c": "woman", "answers": "queen"}
    vectors = {word: np.array(values) for word, values in exact.items()}
    target = vectors["king"] - vectors["man"] + vectors["woman"]
    ordered = sorted(exact, key=lambda word: -float(vectors[word] @ target))
    assert analogy.rank(row, [*ordered, "kings"]) == 1
    assert analogy.rank(row | {"answers": "duke"}, ordered) == len(ordered) + 1


@pytest.mark.model
def test_mini_answers_questions_about_drawings() -> None:
    calculator = Calculator.create("mini").with_gallery(questions.set_gallery())
    askable, _ = questions.select_questions("dev", calculator.gallery)
    answers = ask(calculator, [question for question in askable if not _has_flag(question)][:4])
    assert [len(answer.words) for answer in answers] == [10] * 4
    assert all(-1 <= answer.clip <= 1 for answer in answers)
    assert arithmetic.summary(answers)["total"]["questions"] == 4


@pytest.mark.model
@pytest.mark.heavy
def test_the_command_prints_a_table_and_json() -> None:
    arguments = ["bench", "arithmetic", "--split", "dev", "--show"]
    data = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert len(data["answers"]) == data["total"]["questions"]
    run = CliRunner().invoke(app, arguments)
    assert "B@1" in run.stdout and "total" in run.stdout
    assert "left out" in run.stderr, "no photographs were passed"


def test_the_pictures_of_a_question() -> None:
    question = Question("dev", "x", 'img("Granny_Smith") - "green" + img(king)', ("apple",))
    assert question.pictures == ("Granny_Smith", "king")
    assert isinstance(operands(plan(question.expression)[0][0].tree)[0], Image)
