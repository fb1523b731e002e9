"""Keywords: the nearest words get a bonus until one of them is written."""

import pytest
import torch

import zcalc
from zcalc.decode.keywords import Keywords
from zcalc.words import stems


class Letters:
    """A tokenizer whose tokens are letters; " ab c" is the word starts Ab, then a lone c."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [ord(letter) - ord("a") for letter in text.replace(" ", "")]


def raised(words: list[str], written: list[int]) -> dict[int, float]:
    """The tokens that a bonus of 2 raises, of ten that all have the score -5."""
    inside = torch.zeros(10, dtype=torch.bool)
    inside[5:] = True  # f, g, … continue a word
    keywords = Keywords(Letters(), [words], 2.0, inside)
    scores, plain = torch.full((1, 10), -5.0), torch.full((1, 10), -6.0)
    scores[0, 3] = -torch.inf  # not a candidate
    keywords.add(scores, plain, torch.tensor([written], dtype=torch.long), [0])
    return {i: value for i, value in enumerate(scores[0].tolist()) if value != -5.0}


def test_the_first_token_is_raised_until_the_word_is_written() -> None:
    assert raised(["ab"], []) == {0: -3.0, 3: -torch.inf}
    assert raised(["ab"], [4, 0]) == {1: -3.0, 3: -torch.inf}  # it goes on
    assert raised(["ab"], [0, 4]) == {0: -3.0, 3: -torch.inf}  # it went elsewhere
    assert raised(["ab"], [4, 0, 1, 2]) == {3: -torch.inf}  # it is there
    assert raised(["ab", "c"], []) == {0: -3.0, 2: -3.0, 3: -torch.inf}
    assert raised(["ab", "c"], [2]) == {3: -torch.inf}  # one of them is enough


def test_a_word_that_is_no_candidate_becomes_one() -> None:
    assert raised(["d"], []) == {3: -4.0}


def test_half_a_word_is_no_place_to_stop() -> None:
    after = raised(["af"], [0])
    assert after[5] == -3.0
    assert all(after[token] == -torch.inf for token in range(5))


@pytest.mark.model
def test_sentences_name_the_nearest_word_and_leave_no_half_of_it() -> None:
    calc = zcalc.load("mini")
    names = ["rocket", "motorcycle", "king", "sushi", "castle", "horse", "volcano", "doctor"]
    results = [calc.img(name) for name in names]
    nearest = [result.words(1)[0].text for result in results]
    named = {}
    for bonus in (0.0, 4.0):
        captions = calc.captions(results, "search", keyword_bonus=bonus)
        named[bonus] = [
            stems(word) <= stems(caption.text)
            for word, caption in zip(nearest, captions, strict=True)
        ]
    assert sum(named[4.0]) >= 7
    assert sum(named[4.0]) >= sum(named[0.0])


@pytest.mark.model
def test_an_expression_names_its_first_word_and_that_is_no_operand() -> None:
    calc = zcalc.load("mini")
    result = calc('img(king) - "a man" + "a woman"')
    assert result.words(1)[0].text == "queen"
    assert "queen" in result.caption(keyword_bonus=10).text.lower()


@pytest.mark.model
def test_words_of_other_languages_are_not_put_into_english_sentences() -> None:
    english, german = (zcalc.load("mini", vocabulary=name).img("rocket") for name in ("en", "de"))
    assert english._keywords(1)
    assert german._keywords(1) == []
    assert german.caption(keyword_bonus=10).text == german.caption(keyword_bonus=0).text


@pytest.mark.model
def test_a_sum_without_differences_may_name_its_operands() -> None:
    calc = zcalc.load("mini")
    assert calc('img(dog) + "on a beach"')._keywords(1)[0] in ("dog", "beach")
    assert calc('"a dog"')._keywords(1) == ["dog"]
    assert calc('both(img(cat), "a cat")')._keywords(1) == ["cat"]
    assert "coffee" not in calc('img(coffee) - "coffee" + "tea"')._keywords(5)
