"""What each command imports, and that `mini` without the libraries is `mini` with them."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import zcalc
from zcalc.gallery import Gallery
from zcalc.models.checkpoint import find_checkpoint
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel
from zcalc.models.mini_clip import MiniClip
from zcalc.models.mini_lm import MiniLanguageModel
from zcalc.models.open_clip_model import OpenClip

LIBRARIES = ("open_clip", "torchvision", "timm", "transformers", "torch._dynamo", "sympy")
UNUSED = (*LIBRARIES, "scipy", "sklearn", "skimage", "matplotlib", "ipywidgets", "pandas")
LANGUAGE_MODEL = ("zcalc.models.mini_lm", "zcalc.models.prefix")
PICTURES = ("zcalc.index.store", "pyarrow", "faiss", "duckdb")
ALL = (*UNUSED, *LANGUAGE_MODEL, *PICTURES, "torch", "numpy")
PROBE = (
    "import sys; from zcalc.cli import main\n"
    "try:\n    main()\n"
    "finally:\n    print([m for m in sys.argv.pop().split() if m in sys.modules])"
)
TEXTS = ["a cat", "two dogs in the snow", "caf\u00e9 &amp; bar", "a </s> b", "word " * 100, ""]

pytestmark = pytest.mark.model


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], ALL),
        (["parse", "img(coffee)"], ALL),
        (["words", "img(coffee) -"], ALL),
        (["words", 'img(cofee) + "tea"'], ALL),
        (["words", 'img(coffee) - "coffee" + "tea"'], (*UNUSED, *LANGUAGE_MODEL, *PICTURES)),
        (["nearest", '"a dog"'], (*UNUSED, *LANGUAGE_MODEL, "duckdb")),
        (["caption", "img(coffee)"], (*UNUSED, *PICTURES)),
        (["eval", "cos(img(cat), img(rocket))"], (*UNUSED, *LANGUAGE_MODEL, *PICTURES)),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments, absent) -> None:
    code = PROBE.replace("sys.argv.pop()", repr(" ".join(absent)))
    command = [sys.executable, "-c", code, *arguments]
    if arguments[0] == "nearest":  # the first time, the index is built
        subprocess.run(command, capture_output=True, check=False)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_the_picture_tower_waits_for_a_picture_without_a_stored_embedding() -> None:
    calc = zcalc.load("mini")
    clip = calc.models.encoder.clip
    assert calc('img(coffee) - "coffee" + "tea"').words(1)[0].text == "tea cup"
    assert "visual" not in vars(clip)
    _ = calc("crop(img(coffee), 0, 0, 0.5, 0.5)").vector
    assert "visual" in vars(clip)


@pytest.fixture(scope="module")
def both() -> tuple[Encoder, Encoder]:
    """`mini` by zcalc's code, and the same files by open_clip."""
    checkpoint = find_checkpoint("mini")
    with_open_clip = Encoder(OpenClip(checkpoint, torch.device("cpu")), "mini by open_clip")
    own = Encoder.load("mini", "cpu")
    assert isinstance(own.clip, MiniClip)
    return own, with_open_clip


def test_mini_has_the_vectors_that_open_clip_computes(both: tuple[Encoder, Encoder]) -> None:
    own, theirs = both
    assert torch.equal(own.tokenize(TEXTS), theirs.tokenize(TEXTS))
    np.testing.assert_allclose(own.texts(TEXTS), theirs.texts(TEXTS), atol=1e-6)
    assert own.logit_scale == theirs.logit_scale and own.logit_bias is theirs.logit_bias is None
    pictures = [picture.open() for picture in Gallery.samples()][::5]
    sizes = [(260, 260), (1, 300), (300, 7), (521, 261)]
    pictures += [pictures[0].resize(size) for size in sizes]
    for picture in pictures:
        np.testing.assert_array_equal(own.prepare(picture), theirs.prepare(picture))
    np.testing.assert_allclose(own.images(pictures), theirs.images(pictures), atol=1e-6)


def test_shipped_embeddings_of_pictures_are_what_the_encoder_computes() -> None:
    calc = zcalc.load("mini", caption_share=0)
    pictures = list(Gallery.samples())[::7]
    stored = np.stack([calc(f"img({picture.name})").vector for picture in pictures])
    copies = [calc.add_picture(picture.open(), f"copy_{picture.name}") for picture in pictures]
    computed = np.stack([calc(f"img({name})").vector for name in copies])
    np.testing.assert_allclose(stored, computed, atol=1e-5)


def test_mini_has_the_logits_that_transformers_computes() -> None:
    own, theirs = MiniLanguageModel("cpu"), LanguageModel.load("mini", "cpu")
    text = "A cat </s> on a mat"
    assert own.tokenizer.encode(text) == theirs.tokenizer.encode(text)
    ids = torch.tensor([[own.eos_token_id, *own.tokenizer.encode(text)]])
    with torch.no_grad():
        ours, expected = own.model(ids), theirs.model(ids, use_cache=True)
        torch.testing.assert_close(ours.logits, expected.logits, atol=1e-4, rtol=0)
        layers = expected.past_key_values.layers
        past = [(layer.keys[:, :, :-1], layer.values[:, :, :-1]) for layer in layers]
        last = [lm.model(ids[:, -1:], past_key_values=lm.cache(past)) for lm in (own, theirs)]
        torch.testing.assert_close(last[0].logits, last[1].logits, atol=1e-4, rtol=0)
        embedded = theirs.model.get_input_embeddings()(ids)
        prefixed = [lm.model(inputs_embeds=embedded).logits for lm in (own, theirs)]
        torch.testing.assert_close(*prefixed, atol=1e-4, rtol=0)
    every = list(range(len(own.tokenizer)))
    assert own.tokenizer.decode(every) == theirs.tokenizer.decode(every)
    assert own.tokenizer.get_vocab() == theirs.tokenizer.get_vocab()
