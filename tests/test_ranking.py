"""How words are ranked: by cosine, and by how they stand to the operands."""

import numpy as np
import pytest
from helpers import HashEncoder

from zcalc.algebra import unit
from zcalc.ranking import Parts, Ranking
from zcalc.words import StoredTexts

RNG = np.random.default_rng(0)
WORDS = unit(RNG.normal(size=(40, 8)))  # (40, 8)


def parts(*weights: float) -> Parts:
    return Parts(unit(RNG.normal(size=(len(weights), 8))), np.array(weights))


def test_without_a_preference_a_score_is_the_cosine() -> None:
    target = WORDS[3]
    assert Ranking().scores(WORDS, target, parts(1, -1)) == pytest.approx(WORDS @ target)


def test_one_operand_is_neither_repeated_nor_together() -> None:
    ranking = Ranking(together=0.4, repeated=0.3)
    assert ranking.scores(WORDS, WORDS[3], parts(1)) == pytest.approx(WORDS @ WORDS[3])


def test_what_repeats_an_operand_loses_to_what_is_near_the_result() -> None:
    king, man, woman = np.eye(3)
    target = unit(king - man + woman)
    repeated, fresh = king, unit(king + woman - 0.2 * man)
    vectors = np.stack([unit(0.99 * repeated + 0.1 * woman), fresh])
    of = Parts(np.stack([king, man, woman]), np.array([1.0, -1.0, 1.0]))
    plain = Ranking().scores(vectors, target, of)
    ranked = Ranking(together=0.4, repeated=0.3).scores(vectors, target, of)
    assert ranked[1] - ranked[0] > plain[1] - plain[0] > 0


def test_together_counts_only_what_was_added() -> None:
    ranking, of = Ranking(together=1.0), parts(1, 1, -1)
    extra = ranking.scores(WORDS, WORDS[0], of) - WORDS @ WORDS[0]
    assert extra == pytest.approx((WORDS @ of.vectors[:2].T).min(axis=1))


def test_the_prior_falls_from_the_common_to_the_rare_and_keeps_the_mean() -> None:
    extra = Ranking(common=0.01).scores(WORDS, WORDS[0]) - WORDS @ WORDS[0]
    assert (np.diff(extra) < 0).all() and extra.mean() == pytest.approx(0, abs=1e-9)


def test_a_definition_moves_a_word_toward_its_meaning() -> None:
    lines = ("jaguar\t5\ta large spotted cat", "piano")
    plain = StoredTexts("test", HashEncoder(), lines)
    glossed = StoredTexts("test", HashEncoder(), lines, Ranking(glossed=0.8))
    cat = unit(HashEncoder().texts(["spotted cat"])[0])
    assert plain.texts == glossed.texts == ("jaguar", "piano")
    assert glossed.vectors[0] @ cat > plain.vectors[0] @ cat + 0.1
    assert np.array_equal(glossed.vectors[1], plain.vectors[1])


def test_a_long_definition_is_cut_where_the_model_ends() -> None:
    long = StoredTexts("test", HashEncoder(), ("word\t1\t" + "very " * 99,), Ranking(glossed=0.5))
    assert long.texts == ("word",)


def test_what_is_of_the_subjects_kind_comes_first() -> None:
    vectors = unit(np.eye(12, 8) + 0.01)
    kinds = np.array([1] * 8 + [2] * 4)
    of = Parts(np.stack([vectors[0], vectors[7]]), np.array([1.0, -1.0]), subject=0)
    extra = [Ranking(kind=k).scores(vectors, vectors[3], of, kinds) for k in (0.0, 0.1)]
    gained = extra[1] - extra[0]
    assert gained[:8] == pytest.approx(0.1, abs=0.06) and gained[8:].max() < gained[:8].min()
    nobody = Parts(of.vectors, of.weights)
    assert np.array_equal(
        Ranking(kind=0.1).scores(vectors, vectors[3], nobody, kinds),
        Ranking().scores(vectors, vectors[3], nobody, kinds),
    )
