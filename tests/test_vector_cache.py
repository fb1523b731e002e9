"""Shipped vectors: they match what the models compute, so nothing is embedded again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, hash_calculator, save_photo

from zcalc.calculator import Calculator
from zcalc.index.samples import shipped_embeddings
from zcalc.storage import pack, read_packed, unpack
from zcalc.vector_cache import FOLDER, cached_vectors
from zcalc.wordlists import word_list
from zcalc.words import StoredTexts

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def mini() -> Calculator:
    return Calculator.create("mini")


def test_shipped_vectors_belong_to_the_shipped_weights(mini: Calculator) -> None:
    encoder = mini.models.encoder
    for kind in ("texts", "tokens"):
        packed = read_packed((FOLDER / f"{kind}.safetensors").read_bytes())
        assert packed is not None
        rows, metadata = packed
        assert metadata["model"] == encoder.identity and rows.shape[1] == encoder.dim
    assert len(shipped_embeddings(encoder.identity)) == len(mini.gallery)
    assert shipped_embeddings("another") == {}


def test_shipped_words_match_recomputed_ones(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    encoder, ranking = mini.models.encoder, mini.models.preset.ranking
    entries = word_list("en")
    shipped = StoredTexts(entries, encoder, ranking).vectors
    assert not (tmp_path / "texts").exists(), "embedded again"
    sample = np.random.default_rng(0).choice(len(entries), 50, replace=False)
    recomputed = StoredTexts([entries[i] for i in sample], encoder, ranking).vectors  # (50, d)
    assert (tmp_path / "texts").exists()
    assert ((recomputed * shipped[sample]).sum(axis=1) > 0.9999).all()


def test_a_caption_embeds_no_words_of_the_language_model(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    assert mini('"tea"').caption("search", max_tokens=2).text
    assert not (tmp_path / "tokens").exists()


def test_shipped_pictures_match_recomputed_ones(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    encoder, batches = mini.models.encoder, []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda x: batches.append(len(x)) or encode(x))
    assert len(mini.image_index.paths) == len(mini.gallery) and batches == []
    sample = ["coffee", "us_flag", "king"]
    hits = {name: mini.img(name).nearest(1, keep_operands=True)[0] for name in sample}
    assert all(hit.name == name and hit.score > 0.9999 for name, hit in hits.items())


def test_half_precision_is_read_as_float32() -> None:
    rows = unpack(pack(np.eye(3, dtype=np.float16), model="m"), model="m")
    assert rows is not None and rows.dtype == np.float32


def test_vectors_are_computed_once_for_each_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    runs: list[int] = []

    def compute() -> np.ndarray:
        runs.append(1)
        return np.eye(2, dtype=np.float32)

    for _ in range(2):
        rows = cached_vectors("texts", 2, compute, model="m", texts="a")
        assert np.array_equal(rows, np.eye(2)) and len(runs) == 1
    cached_vectors("texts", 2, compute, model="m", texts="b")
    assert len(runs) == 2


def test_another_model_embeds_texts_and_pictures_itself(tmp_path: Path) -> None:
    encoder = HashEncoder()
    assert StoredTexts(word_list("en"), encoder).vectors.shape[1] == encoder.dim
    save_photo(tmp_path / "red.png", "red")
    calculator = hash_calculator([tmp_path])
    preset = Calculator.create("mini").models.preset
    models = replace(calculator.models, preset=preset)  # with the means and ranking of mini
    vars(models)["encoder"] = encoder
    calculator = replace(calculator, models=models)
    assert [hit.name for hit in calculator('"a"').nearest(1)] == ["red"] and encoder.batches
