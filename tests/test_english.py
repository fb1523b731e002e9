"""The English of decoded sentences: rules by example, and what holds for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zcalc
from zcalc.algebra import unit
from zcalc.decode.caption import Beam
from zcalc.decode.english import FUNCTION_WORDS, article, correct, plural
from zcalc.decode.run import distinct


@pytest.mark.parametrize(
    ("article_", "words"),
    [
        ("a", "unicorn university unit European euro ewe one once user ukulele UFO utensil house"),
        ("an", "hour heir honest umbrella uncle unhappy uninteresting FBI NBA x-ray 8 11 18 egg"),
        ("a", "NASA 10 year woman Uruguayan"),
    ],
)
def test_an_article_goes_by_sound(article_: str, words: str) -> None:
    for word in words.split():
        assert article(word) == article_, word


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("Image of a elephant", "Image of an elephant."),
        ("Image of an dog.", "Image of a dog."),
        ("Image of a Italy in the kitchen.", "Image of Italy in the kitchen."),
        ("an Italian restaurant in a Italy", "An Italian restaurant in Italy."),
        ("a German shepherd on grass", "A German shepherd on grass."),
        ("a picture of germany", "A picture of Germany."),
        ("a man eating a turkey", "A man eating a turkey."),
        ("a very nice dog in nice", "A very nice dog in nice."),
        ("two small dog on a beach", "Two small dogs on a beach."),
        ("three sheep and two woman", "Three sheep and two women."),
        ("a dogs is sitting on a couch", "Dogs are sitting on a couch."),
        ("a group of people is standing", "A group of people is standing."),
        ("a man wearing a jeans", "A man wearing jeans."),
        ("a dog dog in the sea in the sea", "A dog in the sea."),
        ("a boat in front of a", "A boat."),
        ("two men riding a bike on the", "Two men riding a bike."),
        ("a cat next to each other", "A cat next to each other."),
        ("a cat , a dog .", "A cat, a dog."),
        ("what a day!", "What a day!"),
        ("茶を飲む人", "茶を飲む人"),
        ("ein Bär im Wald", "Ein Bär im Wald."),
    ],
)
def test_sentences_are_corrected(raw: str, right: str) -> None:
    assert correct(raw) == right


def test_half_a_word_goes_only_if_the_decoder_was_cut_off() -> None:
    assert correct("Image of a dog at home stat", ended=False) == "Image of a dog at home."
    assert correct("Image of a dog at home stat", ended=True) == "Image of a dog at home stat."
    assert correct("Image of a dog on the beach", ended=False) == "Image of a dog on the beach."


def test_a_growing_sentence_keeps_its_end() -> None:
    growing = ["Image of a", "Image of a elephant", "Image of a elephant in a"]
    shown = [correct(text, ended=False, finished=False) for text in growing]
    assert shown == ["Image of a", "Image of an elephant", "Image of an elephant in a"]


WORDS = st.sampled_from(
    [*sorted(FUNCTION_WORDS), "dog", "dogs", "Italy", "elephant", "hour", "two", "woman", "riding",
     "red", "small", "glasses", "Paris", "stat", "sheep", "bus", "U", "11", "it's,", "end."]
)  # fmt: skip


@given(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), st.booleans())
def test_what_is_correct_stays_as_it_is(text: str, ended: bool) -> None:
    once = correct(text, ended=ended)
    assert correct(once) == once
    assert once.strip(" .")


def test_two_articles_are_one() -> None:
    assert correct("a an elephant") == correct("an a elephant") == "An elephant."


@given(st.text(max_size=80), st.booleans(), st.booleans())
def test_any_text_keeps_something_and_is_never_an_error(
    text: str, ended: bool, finished: bool
) -> None:
    once = correct(text, ended=ended, finished=finished)
    assert bool(once.strip()) == bool(text.strip())


def test_plurals() -> None:
    singular = "dog box berry day woman human sheep knife church potato"
    right = "dogs boxes berries days women humans sheep knives churches potatoes"
    assert [plural(noun) for noun in singular.split()] == right.split()


def test_of_two_beams_with_the_same_text_the_better_stays() -> None:
    beams = [Beam("A dog.", 0.2, -1.0, raw="A dog"), Beam("A dog.", 0.3, -2.0), Beam("B.", 0.1, 0)]
    assert [(beam.text, beam.clip) for beam in distinct(beams)] == [("A dog.", 0.3), ("B.", 0.1)]


@pytest.mark.model
def test_text_is_corrected_and_raw_is_the_decoders() -> None:
    calc = zcalc.load("mini")
    result = calc.img("cat") + calc.txt("elephant")
    for beam in result.caption("search").beams:
        assert beam.text == correct(beam.raw, ended=beam.raw.endswith("."))
        written = unit(calc.models.encoder.texts([beam.raw]))[0]  # (d,)
        assert beam.clip == pytest.approx(float(written @ unit(result.vector[None])[0]), abs=1e-4)
    plain = result.caption("search", english=False)
    assert [beam.text for beam in plain.beams] == [beam.raw for beam in plain.beams]
    paper = result.caption("zerocap", beams=1, max_tokens=4)
    assert paper.text == paper.raw
