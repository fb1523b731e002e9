"""The encoders of the hub presets, from open_clip's own configurations at random weights.

Their weights can't be fetched here. Shapes, tokenizer, context, size and preparation of pictures
are those of the real models, saved as the hub has them and loaded through the preset's path.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from zcalc.models import compat, presets  # noqa: F401  (compat: before open_clip)
from zcalc.models.encoder import Encoder

import open_clip  # isort: skip

heavy = pytest.mark.heavy
SIGLIP = "ViT-B-16-SigLIP-i18n-256/webli"
# Of each: the context in tokens, the picture's size, the dimensions, how a picture is resized.
EXPECTED = {
    "paper": (77, 224, 512, "shortest"),
    "small": (32, 384, 512, "squash"),
    "base": (77, 256, 512, "shortest"),
    "large": (32, 336, 1024, "squash"),
    SIGLIP: (64, 256, 768, "squash"),
}
TEXTS = ["a cat", "two small dogs in the snow", "word " * 100]

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    yield
    gc.collect()


def source_of(name: str) -> tuple[str, str, str]:
    """The architecture, tag and revision of a preset's encoder."""
    source = presets.PRESETS[name].clip if name in presets.PRESETS else f"open_clip:{name}@abc"
    pair, _, revision = source.removeprefix("open_clip:").partition("@")
    arch, _, tag = pair.rpartition("/")
    return arch, tag, revision


def save(name: str, cache: Path) -> Any:
    """Save a model at random weights as the hub's cache has it, in float16; returns the model."""
    arch, tag, revision = source_of(name)
    repository = open_clip.get_pretrained_cfg(arch, tag)["hf_hub"].strip("/")
    folder = cache / f"models--{repository.replace('/', '--')}" / "snapshots" / revision
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    quick = bool(open_clip.get_pretrained_cfg(arch, tag).get("quick_gelu"))
    model = open_clip.create_model(arch, pretrained=None, force_quick_gelu=quick).eval()
    state = {key: value.half().clone() for key, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    model.load_state_dict(state)
    return model


def save_t5_tokenizer(cache: Path) -> None:
    """Save a tokenizer like SigLIP's, which needs the hub: end and padding have the id 1."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [(letter, -3.0) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("</s>", 0.0), *letters], unk_id=0))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    from tokenizers import decoders

    unigram.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=unigram, eos_token="</s>", pad_token="</s>", unk_token="<unk>"
    )
    folder = cache / "models--timm--ViT-B-16-SigLIP-i18n-256" / "snapshots" / "abc"
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text("{}")
    refs = folder.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")


@pytest.mark.parametrize(
    "name",
    [
        "paper",
        "small",
        "base",
        pytest.param("large", marks=heavy),
        pytest.param(SIGLIP, marks=heavy),
    ],
)
def test_an_encoder_at_random_weights_goes_the_presets_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("ZCALC_MODELS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    module = save(name, tmp_path)
    if name == SIGLIP:
        save_t5_tokenizer(tmp_path)
    encoder = Encoder.load(name if name in presets.PRESETS else f"open_clip:{name}@abc", "cpu")
    context, size, dim, resize = EXPECTED[name]
    assert (encoder.context_length, encoder.dim) == (context, dim)
    wide = Image.effect_noise((size * 2, size), 80).convert("RGB")
    prepared = encoder.prepare(wide)
    assert prepared.shape == (3, size, size)
    middle = np.asarray(wide.crop((size // 2, 0, size // 2 + size, size))).transpose(2, 0, 1)
    assert np.array_equal(prepared, middle) == (resize == "shortest")
    arch, tag, _ = source_of(name)
    mean = torch.tensor(open_clip.get_pretrained_cfg(arch, tag)["mean"]).view(3, 1, 1)
    std = torch.tensor(open_clip.get_pretrained_cfg(arch, tag)["std"]).view(3, 1, 1)
    expected = (torch.full((3, 1, 1), 0.5) - mean) / std
    torch.testing.assert_close(encoder.normalize(torch.full((3, 1, 1), 127.5)), expected)
    ids = encoder.tokenize(TEXTS)
    assert ids.shape == (3, context)
    with torch.no_grad():
        texts = module.encode_text(ids).numpy()
        pictures = module.encode_image(encoder.transform(wide)[None]).numpy()
    np.testing.assert_allclose(encoder.texts(TEXTS), texts, atol=1e-4)
    np.testing.assert_allclose(encoder.images([wide]), pictures, atol=1e-4)
    assert (encoder.logit_bias is not None) == (name == SIGLIP)
