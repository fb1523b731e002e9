"""How words are ranked: by their cosines with the result and with each operand."""

import numpy as np
import pytest
from helpers import HashEncoder

from zcalc.algebra import unit
from zcalc.ranking import NAMED, Parts, Ranking
from zcalc.wordlists import parse_entries
from zcalc.words import StoredTexts

RNG = np.random.default_rng(0)
WORDS = unit(RNG.normal(size=(40, 8)))  # (40, 8)


def parts(*weights: float) -> Parts:
    return Parts(unit(RNG.normal(size=(len(weights), 8))), np.array(weights))


def test_without_weights_the_score_is_the_cosine() -> None:
    target = WORDS[3]
    assert Ranking().scores(WORDS, target, parts(1, -1)) == pytest.approx(WORDS @ target)


def test_with_one_operand_together_and_repeated_do_not_apply() -> None:
    ranking = Ranking(together=0.4, repeated=0.3)
    assert ranking.scores(WORDS, WORDS[3], parts(1)) == pytest.approx(WORDS @ WORDS[3])


def test_repeated_penalises_words_that_repeat_an_operand() -> None:
    king, man, woman = np.eye(3)
    target = unit(king - man + woman)
    repeat, answer = unit(0.99 * king + 0.1 * woman), unit(king + woman - 0.2 * man)
    vectors = np.stack([repeat, answer])
    operands = Parts(np.stack([king, man, woman]), np.array([1.0, -1.0, 1.0]))
    cosines = Ranking().scores(vectors, target, operands)
    scores = Ranking(together=0.4, repeated=0.3).scores(vectors, target, operands)
    assert scores[1] - scores[0] > cosines[1] - cosines[0] > 0


def test_together_counts_added_operands_only() -> None:
    ranking, operands = Ranking(together=1.0), parts(1, 1, -1)
    bonus = ranking.scores(WORDS, WORDS[0], operands) - WORDS @ WORDS[0]
    assert bonus == pytest.approx((WORDS @ operands.vectors[:2].T).min(axis=1))


def test_the_prior_decreases_with_frequency_rank_and_has_mean_zero() -> None:
    prior = Ranking(common=0.01).scores(WORDS, WORDS[0]) - WORDS @ WORDS[0]
    assert (np.diff(prior) < 0).all() and prior.mean() == pytest.approx(0, abs=1e-9)


def test_people_by_name_are_ranked_lower() -> None:
    vectors, kinds = WORDS[:3], np.array([18, NAMED, 0])
    lowered = Ranking(named=0.05).scores(vectors, WORDS[3], kinds=kinds)
    assert lowered - vectors @ WORDS[3] == pytest.approx([0, -0.05, 0])


def test_compounds_that_borrow_a_word_are_ranked_lower() -> None:
    entries = parse_entries("tiger shark\nshark\ntigers\nice cream")
    encoder = HashEncoder()
    target = unit(encoder.texts(["tiger sea"]))[0]
    operands = Parts(unit(encoder.texts(["a", "b"])), np.array([1.0, 1.0]), lenders=("tiger",))
    plain, borrowed = (
        {
            word.text: word.score if word.rank is None else word.rank
            for word in StoredTexts(entries, encoder, ranking).nearest(target, 4, (), operands)
        }
        for ranking in (Ranking(), Ranking(borrowed=0.1))
    )
    lowered = {text: plain[text] - borrowed[text] for text in plain}
    assert lowered == pytest.approx(
        {"tiger shark": 0.1, "shark": 0, "tigers": 0, "ice cream": 0}, abs=1e-6
    )


def test_a_definition_moves_a_word_toward_its_meaning() -> None:
    lines = parse_entries("jaguar\t5\ta large spotted cat\npiano")
    plain = StoredTexts(lines, HashEncoder())
    glossed = StoredTexts(lines, HashEncoder(), Ranking(glossed=0.8))
    cat = unit(HashEncoder().texts(["spotted cat"])[0])
    assert plain.texts == glossed.texts == ("jaguar", "piano")
    assert glossed.vectors[0] @ cat > plain.vectors[0] @ cat + 0.1
    assert np.array_equal(glossed.vectors[1], plain.vectors[1])


def test_a_long_definition_is_truncated_to_the_context() -> None:
    entries = parse_entries("word\t1\t" + "very " * 99)
    long = StoredTexts(entries, HashEncoder(), Ranking(glossed=0.5))
    assert long.texts == ("word",)


def test_kind_rewards_words_of_the_subjects_kind() -> None:
    vectors = unit(np.eye(12, 8) + 0.01)
    kinds = np.array([1] * 8 + [2] * 4)
    operands = Parts(np.stack([vectors[0], vectors[7]]), np.array([1.0, -1.0]), subject=0)
    without, with_kind = (
        Ranking(kind=weight).scores(vectors, vectors[3], operands, kinds) for weight in (0.0, 0.1)
    )
    bonus = with_kind - without
    assert bonus[:8] == pytest.approx(0.1, abs=0.06) and bonus[8:].max() < bonus[:8].min()
    no_subject = Parts(operands.vectors, operands.weights)
    assert np.array_equal(
        Ranking(kind=0.1).scores(vectors, vectors[3], no_subject, kinds),
        Ranking().scores(vectors, vectors[3], no_subject, kinds),
    )
