"""Texts as token rows: the quick way and the library's own give the same."""

import helpers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcalc.models.encoder import Encoder
from zcalc.models.text import TokenRows, quick_clean

import open_clip  # isort: skip  (after zcalc.models: see compat.py)

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CLEANING = ("whitespace", "lower", "canonicalize")
TEXTS = ["a cat", "", "  Two  dogs ", "caf\u00e9 &amp; bar", "#hashtag 'quoted' (1990)!", "x" * 900]


@pytest.mark.parametrize("name", CLEANING)
def test_quick_cleaning_is_the_librarys_own(name):
    clean = open_clip.tokenizer.get_clean_fn(name)
    quick = quick_clean(clean)
    assert quick is not clean  # it is known, so nothing takes the slow way for no reason

    @settings(max_examples=300, deadline=None)
    @given(PRINTABLE | ANY)
    def same(text):
        assert quick(text) == clean(text)

    same()


@pytest.mark.model
@pytest.mark.parametrize("kind", ["plain", "hf", "xlm"])
def test_rows_are_the_tokenizers_own(kind, tmp_path):
    helpers.save_tiny_clip(tmp_path / kind, kind)
    encoder = Encoder.load(str(tmp_path / kind), "cpu")
    own = encoder.tokenizer
    encoder.tokenize(["cutting and padding are switched on in the tokenizer by this"])
    rows = TokenRows(own)(TEXTS)
    padded = encoder.tokenize(TEXTS).tolist()
    for row, ids in zip(rows, padded, strict=True):
        fits = len(row) <= encoder.context_length
        assert ids[: len(row)] == row if fits else ids[:-1] == row[: encoder.context_length - 1]
    if not isinstance(own, open_clip.SimpleTokenizer):
        assert rows == own.tokenizer([own.clean_fn(text) for text in TEXTS]).input_ids
