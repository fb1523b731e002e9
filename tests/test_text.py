"""Fast cleaning and tokenizing, against open_clip's own."""

from concurrent.futures import ThreadPoolExecutor

import helpers
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zcalc.models.encoder import Encoder
from zcalc.models.open_clip_model import quick_clean

import open_clip  # isort: skip  (after zcalc.models: see compat.py)

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CLEANING = ("whitespace", "lower", "canonicalize")
TEXTS = ["a cat", "", "  Two  dogs ", "caf\u00e9 &amp; bar", "#hashtag 'quoted' (1990)!", "x" * 900]


@pytest.mark.parametrize("name", CLEANING)
def test_quick_clean_equals_open_clips_cleaning(name):
    clean = open_clip.tokenizer.get_clean_fn(name)
    quick = quick_clean(clean)
    assert quick is not clean  # a known function: the fast path is used

    @settings(max_examples=300, deadline=None)
    @given(PRINTABLE | ANY)
    def same(text):
        assert quick(text) == clean(text)

    same()


@pytest.mark.model
@pytest.mark.parametrize("kind", ["plain", "hf", "xlm"])
def test_token_rows_equal_the_tokenizers_ids(kind, tmp_path):
    helpers.save_tiny_clip(tmp_path / kind, kind)
    encoder = Encoder.load(str(tmp_path / kind), "cpu")
    tokenizer = encoder.clip.tokenizer.inner
    encoder.tokenize(["switches truncation and padding on in the tokenizer"])
    rows = encoder.clip.tokenizer.rows(TEXTS)
    padded = encoder.tokenize(TEXTS).tolist()
    for row, ids in zip(rows, padded, strict=True):
        fits = len(row) <= encoder.context_length
        assert ids[: len(row)] == row if fits else ids[:-1] == row[: encoder.context_length - 1]
    if not isinstance(tokenizer, open_clip.SimpleTokenizer):
        assert rows == tokenizer.tokenizer([tokenizer.clean_fn(t) for t in TEXTS]).input_ids


@pytest.mark.model
@pytest.mark.parametrize("kind", ["plain", "hf", "xlm"])
def test_texts_are_encoded_at_the_length_of_the_longest(kind, tmp_path):
    model = helpers.save_tiny_clip(tmp_path / kind, kind)
    encoder = Encoder.load(str(tmp_path / kind), "cpu")
    ids = encoder.tokenize(["a cat", "two small dogs"])
    lengths = []
    tower = getattr(encoder.clip.model, "text", encoder.clip.model).transformer
    tower.register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append((args or tuple(kwargs.values()))[0].shape[1]),
        with_kwargs=True,
    )
    with torch.no_grad():
        torch.testing.assert_close(encoder.text_features(ids), model.encode_text(ids))
    assert lengths == [max(encoder.token_count(t) for t in ("a cat", "two small dogs"))]
    assert lengths[0] < ids.shape[1]


@pytest.mark.model
def test_texts_of_several_lengths_from_many_threads_equal_one(tmp_path):
    helpers.save_tiny_clip(tmp_path / "hf", "hf")
    encoder = Encoder.load(str(tmp_path / "hf"), "cpu")
    mask = encoder.clip.model.text.attn_mask
    rows = [encoder.tokenize(["word " * length]) for length in range(1, 9)]
    expected = [encoder.text_features(ids) for ids in rows]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for features, one in zip(pool.map(encoder.text_features, rows), expected, strict=True):
                assert torch.equal(features, one)
    assert encoder.clip.model.text.attn_mask is mask
