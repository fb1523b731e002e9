"""The metrics of benchmarks, each against a computation by hand."""

import math
import shutil

import numpy as np
import pytest

from zcalc.bench import Metric, Report, Skip, compare, scores
from zcalc.bench.recall import ranks
from zcalc.bench.report import median, recall_at
from zcalc.errors import ZcalcError


def report(values: np.ndarray, model: str = "a", title: str = "t") -> Report:
    names = tuple(f"n{i}" for i in range(len(values)))
    return Report(title, model, names, ("s",) * len(names), (Metric("x", values),))


def test_bleu_by_hand() -> None:
    """One word of six differs: 5/6, 4/5, 3/4 and 2/3 of the n-grams match."""
    counts = scores.bleu_counts(["the cat sat on the rug"], [["The cat sat on the mat."]])
    assert counts.tolist() == [[5, 4, 3, 2, 6, 5, 4, 3, 6, 6]]
    by_hand = (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** (1 / 4)
    assert scores.bleu(counts) == pytest.approx(by_hand)


def test_corpus_bleu_sums_counts_and_penalises_brevity() -> None:
    captions = ["a small dog on the old street", "a cat on a red mat"]
    references = [["a small dog on the old street at night"], ["a cat on a red mat", "a tabby"]]
    sums = scores.bleu_counts(captions, references).sum(0)
    assert sums[8] == 13 and sums[9] == 15  # the reference closest in length counts
    precisions = sums[:4] / sums[4:8]
    assert precisions.tolist() == [1, 1, 1, 1]
    expected = pytest.approx(math.exp(1 - 15 / 13))
    assert scores.bleu(scores.bleu_counts(captions, references)) == expected
    assert scores.bleu(scores.bleu_counts(["a dog"], [["nothing alike"]])) == 0


def test_cider_of_the_reference_itself_is_ten() -> None:
    """The pictures share no word: every n-gram's cosine is 1, times 10."""
    captions = ["one two three four five", "six seven eight nine ten"]
    assert scores.cider(captions, [[text] for text in captions]) == pytest.approx([10, 10])
    assert scores.cider(captions, [[text] for text in reversed(captions)]) == pytest.approx([0, 0])


def test_cider_by_hand() -> None:
    """One of two words matches: cosine 1/2 for unigrams, 0 for longer n-grams.

    Each word occurs in one of two pictures, so that its weight is log 2. The lengths are equal, so
    that there is no penalty.
    """
    values = scores.cider(["red dog", "x y"], [["red cat"], ["x y"]])
    assert values[0] == pytest.approx(10 * (1 / 2) / 4)
    assert values[1] == pytest.approx(10 * (1 + 1) / 4)


def test_clip_score_by_hand() -> None:
    pictures = np.array([[1.0, 0.0], [1.0, 0.0], [0.6, 0.8]])
    captions = np.array([[0.6, 0.8], [-1.0, 0.0], [0.6, 0.8]])
    assert scores.clip_score(pictures, captions) == pytest.approx([2.5 * 0.6, 0, 2.5])


def test_ref_clip_score_is_the_harmonic_mean() -> None:
    pictures, captions = np.array([[1.0, 0.0]] * 2), np.array([[0.6, 0.8]] * 2)
    near = np.array([[0.8, 0.6], [1.0, 0.0]])  # cosines 0.96 and 0.6: the higher counts
    opposite = np.array([[-0.6, -0.8]])
    values = scores.ref_clip_score(pictures, captions, [near, opposite])
    assert values[0] == pytest.approx(2 / (1 / 1.5 + 1 / 0.96))
    assert values[1] == 0


def test_diversity_by_hand() -> None:
    sentences = ["A red dog.", "a red dog", "a blue cat"]
    assert scores.vocabulary(sentences) == {"a", "red", "dog", "blue", "cat"}
    assert scores.novel(sentences, ["a RED dog!"]).tolist() == [0, 0, 1]
    values = scores.self_bleu(sentences)
    assert values[0] == values[1] == pytest.approx(1)
    assert 0 < values[2] < 0.7
    with pytest.raises(ZcalcError, match="two sentences"):
        scores.self_bleu(["one"])


def test_ranks_by_brute_force() -> None:
    random = np.random.default_rng(0)
    queries, entries = random.normal(size=(40, 8)), random.normal(size=(60, 8))
    correct = random.random((40, 60)) < 0.05
    correct[:, 0] = True
    result = ranks(queries, entries, correct)
    for i, mask in enumerate(correct):
        order = sorted(range(60), key=lambda j: -float(queries[i] @ entries[j]))
        assert result[i] == 1 + next(position for position, j in enumerate(order) if mask[j])
    for k in (1, 5, 10):
        assert recall_at(k)(result) == sum(rank <= k for rank in result) / 40
    assert median(result) == (sorted(result)[19] + sorted(result)[20]) / 2


def test_ties_count_against_the_correct_entry() -> None:
    same = np.ones((2, 3))
    assert ranks(same, np.ones((4, 3)), np.eye(2, 4, dtype=bool)).tolist() == [4, 4]


def test_the_interval_of_a_known_distribution() -> None:
    """The mean of 400 draws from a normal distribution: its standard error is 1 / 20."""
    values = np.random.default_rng(1).normal(3, 1, 400)
    low, high = report(values).interval("x")
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.015)
    assert high == pytest.approx(values.mean() + half, abs=0.015)
    assert report(values).interval("x") == (low, high), "the same seed, the same interval"
    assert report(values).interval("x", seed=1) != (low, high)


def test_pairs_are_resampled_together() -> None:
    """A difference of 0.1 on every item is certain, however much the items differ."""
    values = np.random.default_rng(2).normal(0, 10, 100)
    row = compare(report(values), report(values + 0.1, "b")).row("x")
    assert row.interval == pytest.approx((0.1, 0.1)) and row.significant
    assert row.difference == pytest.approx(0.1)
    other = np.random.default_rng(3).normal(0, 10, 100)
    row = compare(report(values), report(other, "b")).row("x")
    error = 1.96 * (other - values).std() / 10
    middle = other.mean() - values.mean()
    assert row.interval == pytest.approx((middle - error, middle + error), abs=0.35)


def test_one_item_has_no_interval() -> None:
    row = compare(report(np.array([1.0])), report(np.array([2.0]), "b")).row("x")
    assert row.difference == 1 and row.interval is None and not row.significant


def test_only_common_items_are_compared() -> None:
    comparison = compare(report(np.arange(5.0)), report(np.arange(7.0), "b"))
    assert comparison.row("x").items == 5 and comparison.row("x").difference == 0
    assert "2 items" in comparison.notes[0] and "2 items" in repr(comparison)
    with pytest.raises(ZcalcError, match="different things"):
        compare(report(np.ones(2)), report(np.ones(2), title="u"))
    with pytest.raises(ZcalcError, match=r"x of total"):
        comparison.row("y")


def test_items_are_paired_by_name_not_by_position() -> None:
    names, values = ("n0", "n1", "n2"), np.array([1.0, 2.0, 4.0])
    reversed_items = Report("t", "b", names[::-1], ("s",) * 3, (Metric("x", values[::-1]),))
    row = compare(report(values), reversed_items).row("x")
    assert row.interval == (0, 0)


def test_values_that_are_not_finite_and_empty_reports_are_refused() -> None:
    with pytest.raises(ZcalcError, match="x is not finite for 1 items"):
        report(np.array([1.0, math.nan]))
    with pytest.raises(ZcalcError, match="Nothing to measure") as error:
        Report("t", "m", (), (), (), skipped=(Skip("a.jpg", "no such file"),))
    assert "a.jpg: no such file" in error.value.hint


def test_rouge_l_is_the_f_measure_of_the_longest_common_sequence() -> None:
    values = scores.rouge_l(["a cat on a mat", "x"], [["the cat sat on the mat"], ["y z"]])
    precision, recall = 3 / 5, 3 / 6  # "cat on mat"
    expected = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    assert values.tolist() == pytest.approx([expected, 0])


def test_bleu_1_is_unigram_precision_with_the_brevity_penalty() -> None:
    counts = scores.bleu_counts(["a cat on a mat"], [["the cat sat on the mat"]])
    assert scores.bleu_1(counts) == pytest.approx(3 / 5 * np.exp(1 - 6 / 5))


@pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")
def test_meteor_prefers_the_caption_itself() -> None:
    values = scores.meteor(["a cat on a mat", "two dogs"], [["a cat on a mat"]] * 2)
    assert values[0] > 0.95
    assert values[1] < 0.2


def test_without_java_there_is_no_meteor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert scores.meteor(["a"], [["a"]]) is None
