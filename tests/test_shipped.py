"""The vectors inside the package are those that its models give, and nothing is embedded again."""

from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc.calculator import Calculator
from zcalc.index.samples import picture_vectors
from zcalc.shipped import FOLDER
from zcalc.storage import pack, read_packed, unpack
from zcalc.words import StoredTexts, read_texts

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def mini() -> Calculator:
    return Calculator("mini")


def test_they_are_of_these_weights(mini: Calculator) -> None:
    for kind in ("texts", "tokens"):
        rows, about = read_packed((FOLDER / f"{kind}.safetensors").read_bytes())
        assert about["model"] == mini.encoder.identity and rows.shape[1] == mini.encoder.dim
    assert len(picture_vectors(mini.encoder.identity)) == len(mini.gallery)
    assert picture_vectors("another") == {}


def test_words_are_taken_from_the_package_as_they_would_be_embedded(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    words = StoredTexts("vocabulary.tsv", mini.encoder, ranking=mini.preset.ranking)
    shipped = words.vectors
    assert not (tmp_path / "texts").exists(), "embedded again"
    entries = read_texts("vocabulary.tsv")
    some = np.random.default_rng(0).choice(len(entries), 50, replace=False)
    lines = [entries[i] for i in some]
    fresh = StoredTexts("some", mini.encoder, lines, mini.preset.ranking).vectors  # (50, d)
    assert (tmp_path / "texts").exists()
    assert ((fresh * shipped[some]).sum(axis=1) > 0.9999).all()


def test_a_caption_embeds_no_words_of_the_language_model(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    assert mini('"tea"').caption("search", max_tokens=2).text
    assert not (tmp_path / "tokens").exists()


def test_pictures_are_taken_from_the_package_as_they_would_be_encoded(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    encoded: list[int] = []
    encode = mini.encoder.encode
    monkeypatch.setattr(mini.encoder, "encode", lambda x: encoded.append(len(x)) or encode(x))
    names = [picture.name for picture in mini.gallery]
    assert len(mini.pictures.paths) == len(names) and encoded == []
    some = ["coffee", "us_flag", "king"]
    hits = {name: mini.img(name).nearest(1, keep_operands=True)[0] for name in some}
    assert all(hit.name == name and hit.score > 0.9999 for name, hit in hits.items())


def test_half_precision_is_read_as_float32() -> None:
    rows = unpack(pack(np.eye(3, dtype=np.float16), model="m"), model="m")
    assert rows is not None and rows.dtype == np.float32


def test_another_model_and_other_texts_embed_their_own(tmp_path: Path) -> None:
    encoder = HashEncoder()
    assert StoredTexts("vocabulary.tsv", encoder).vectors.shape[1] == encoder.dim
    save_photo(tmp_path / "red.png", "red")
    calculator = Calculator("mini", [tmp_path])
    calculator.encoder = encoder
    assert [hit.name for hit in calculator('"a"').nearest(1)] == ["red"] and encoder.batches
