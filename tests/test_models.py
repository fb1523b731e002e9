"""The loaders of the models, on tiny checkpoints in the real formats."""

import json
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

import helpers
import numpy as np
import pytest
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.models import checkpoint, hub, loading, presets
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel
from zcalc.pictures import open_picture, to_rgb

import open_clip  # isort: skip  (after zcalc.models: see compat.py)
import torch  # isort: skip

pytestmark = pytest.mark.model
KINDS = ("plain", "hf", "mixture", "xlm")
HUB_PRESETS = {
    "paper": "gpt2", "small": "llama", "base": "llama", "large": "llama", "multilingual": "qwen3"
}  # fmt: skip
TEXTS = ["a cat", "two small dogs in the snow", "a cat"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """For each kind of CLIP, a folder and the module saved in it."""
    root = tmp_path_factory.mktemp("clip")
    return {kind: (root / kind, helpers.save_tiny_clip(root / kind, kind)) for kind in KINDS}


@pytest.fixture
def tiny(tmp_path):
    """A fresh folder with a tiny CLIP that a test may damage."""
    helpers.save_tiny_clip(tmp_path / "tiny", "hf")
    return tmp_path / "tiny"


@pytest.fixture
def tiny_lm(tmp_path):
    helpers.save_tiny_gpt2(tmp_path / "lm")
    return tmp_path / "lm"


def noise(seed=0, size=(40, 30), mode="RGB"):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(values, "RGBA").convert(mode)


def error_of(load, *arguments, **named):
    """The message and hint of a loading error."""
    with pytest.raises(ZcalcError) as caught:
        load(*arguments, **named)
    assert caught.value.hint
    return str(caught.value)


def autocast_to_bfloat16():
    return torch.autocast("cpu", torch.bfloat16)


# --- encoders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_encoder_computes_the_saved_models_features(saved, kind):
    folder, module = saved[kind]
    encoder = Encoder.load(str(folder), device="cpu")
    pictures = [noise(0), noise(1), noise(0)]
    pixels = torch.stack([encoder.transform(picture) for picture in pictures])
    with torch.no_grad():
        expected = module.encode_image(pixels), module.encode_text(encoder.tokenize(TEXTS))
    embedded = encoder.images(pictures), encoder.texts(TEXTS)
    for rows, expected_rows in zip(embedded, expected, strict=True):
        assert rows.shape == (3, encoder.dim) and rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected_rows.numpy(), atol=1e-5)
    model = encoder.clip if kind == "mixture" else encoder.clip.model
    assert {p.dtype for p in model.parameters()} == {torch.float32}  # fp16 on disk
    assert not any(p.requires_grad for p in model.parameters())
    assert float(encoder.normalize(torch.full((3, 1, 1), 255.0)).max()) == 1.0  # mean and std .5


@pytest.mark.parametrize("kind", ["plain", "mixture"])
@pytest.mark.parametrize("size", [(1500, 1000), (2000, 3000), (6000, 4000)])
def test_a_large_file_is_prepared_as_open_clip_does(saved, kind, size, tmp_path):
    folder, module = saved[kind]
    encoder = Encoder.load(str(folder), device="cpu")
    file = tmp_path / "large.jpg"
    noise(0).resize(size, Image.Resampling.BICUBIC).save(file, quality=92)
    with Image.open(file) as picture, torch.no_grad():
        pixels = encoder.transform(picture.convert("RGB"))
        expected = module.encode_image(pixels[None])[0].numpy()  # (d,)
    prepared = encoder.encode([encoder.prepare(open_picture(file))])[0]  # (d,)
    embedded = encoder.images([open_picture(file)])[0]  # (d,)
    for row in (prepared, embedded):
        cosine = row @ expected / np.linalg.norm(row) / np.linalg.norm(expected)
        assert cosine >= 0.9999


@pytest.mark.parametrize("state", [torch.no_grad, torch.inference_mode, autocast_to_bfloat16])
def test_embeddings_are_the_same_in_any_state_of_torch(saved, state):
    folder, _ = saved["hf"]
    expected = Encoder.load(str(folder), device="cpu")
    with state():
        encoder = Encoder.load(str(folder), device="cpu")
        rows = encoder.texts(TEXTS), encoder.images([noise(0)])
    np.testing.assert_allclose(rows[0], expected.texts(TEXTS), atol=1e-6)
    np.testing.assert_allclose(rows[1], expected.images([noise(0)]), atol=1e-6)


@pytest.mark.parametrize("kind", ["plain", "hf", "mixture"])
def test_the_embedding_of_a_text_is_read_at_its_end_token(saved, kind):
    encoder = Encoder.load(str(saved[kind][0]), device="cpu")
    for text in ("cat", "two people walk a dog"):
        ids = encoder.tokenize([text])
        length = encoder.token_count(text)
        assert ids.shape == (1, 16) and (ids[0, length:] == 0).all()
        other = ids.clone()
        other[0, length:] = 5  # padding has no influence
        torch.testing.assert_close(encoder.text_features(ids), encoder.text_features(other))
        other[0, length - 2] = 6  # the last word has
        assert (encoder.text_features(ids) - encoder.text_features(other)).abs().max() > 0.01


def test_the_tower_mixes_the_likeliest_class_names(saved):
    trunk = saved["mixture"][1].visual.trunk
    pixels = torch.randn(2, 3, 260, 260)
    with torch.no_grad():
        logits, pooled, faces = trunk.classify(pixels)
        probs = (logits / trunk.temperature).softmax(-1)
        people = trunk.company(probs, faces) @ trunk.people
        probs = probs * (1 - trunk.company(probs, faces).sum(1, keepdim=True))
        top = torch.where(probs >= probs.topk(trunk.top).values[:, -1:], probs, 0)
        guess = torch.nn.functional.normalize(trunk.guess(pooled - trunk.pooled_mean), dim=-1)
        photographed = probs[:, :1000].sum(1, keepdim=True)
        mixed = torch.nn.functional.normalize(top @ trunk.table + people, dim=-1)
        expected = trunk.place(mixed + trunk.guessed * photographed * guess)
        torch.testing.assert_close(trunk(pixels), expected)


def test_each_distinct_input_is_encoded_once(saved):
    encoder = Encoder.load(str(saved["plain"][0]), device="cpu", batch_size=2)
    rows = []
    encoder.clip.model.visual.register_forward_hook(
        lambda _m, inputs, _o: rows.append(len(inputs[0]))
    )
    pictures = [noise(seed) for seed in (0, 1, 0, 2, 1)]
    first = encoder.images(iter(pictures))
    assert rows == [2, 1]
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(encoder.images(pictures), first)
    assert rows == [2, 1]
    encoder.memory = 2
    encoder.images([noise(3), noise(4)])
    encoder.images([noise(4), noise(0)])  # 0 was evicted from the cache, 4 was not
    assert rows == [2, 1, 2, 1]
    assert encoder.images([]).shape == encoder.texts([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_cut_and_the_remark_has_both_lengths(saved, kind):
    encoder = Encoder.load(str(saved[kind][0]), device="cpu")
    limit = encoder.context_length
    long = "cat " * 10 * limit
    remark = encoder.remark(long)
    assert f"reads the first {limit}." in remark and str(encoder.token_count(long)) in remark
    assert encoder.remark("cat") is None
    short, cut, longer = encoder.texts(["cat", long, f"{long} and a dog"])
    np.testing.assert_array_equal(cut, longer)
    assert np.abs(short - cut).max() > 1e-3
    ids = encoder.tokenize([long])[0].tolist()
    assert (
        len(ids) == limit and ids[-1] == encoder.clip.tokenizer.rows(["cat"])[0][-1]
    )  # the end token
    assert encoder.continuations(["cat"]).vectors([0], [long]).isnan().all()  # decoders stop before


def test_the_identity_depends_on_the_weights(saved, tmp_path):
    folder = saved["hf"][0]
    first = Encoder.load(str(folder), device="cpu").identity
    assert first == Encoder.load(str(folder), device="cpu").identity
    assert first.startswith("hf-")
    helpers.save_tiny_clip(tmp_path / "hf", "hf", seed=1)
    assert Encoder.load(str(tmp_path / "hf"), device="cpu").identity != first


def test_the_fingerprint_of_a_large_file_samples_all_of_it(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(bytes(80 << 20))
    before = loading.fingerprint(file)
    for place in (0, 40 << 20, (80 << 20) - (1 << 15)):
        with file.open("r+b") as opened:
            opened.seek(place - place % (80 << 10))
            opened.write(b"x")
        before, after = loading.fingerprint(file), before
        assert before != after


# --- pictures -------------------------------------------------------------------------------------


def test_transparency_becomes_white():
    clear = Image.new("RGBA", (2, 2), (200, 0, 0, 0))
    assert to_rgb(clear).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert to_rgb(palette).getpixel((0, 0)) == (10, 20, 30)
    palette.info["transparency"] = 1
    assert to_rgb(palette).getpixel((0, 0)) == (255, 255, 255)
    assert to_rgb(Image.new("LA", (2, 2), (9, 255))).getpixel((0, 0)) == (9, 9, 9)


def test_pictures_of_more_than_8_bits_are_scaled_not_clipped():
    deep = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.uint16))
    assert [to_rgb(deep).getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]
    whole = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.int32))
    assert [to_rgb(whole).getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]
    fractions = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    assert [to_rgb(fractions).getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV"])
def test_other_modes_keep_their_colours(mode):
    red = Image.new("RGB", (4, 4), (255, 0, 0)).convert(mode)
    grey = Image.new("RGB", (4, 4), (255, 0, 0)).convert("L").getpixel((0, 0))
    expected = {"1": 0, "L": grey}.get(mode, 255)
    rgb = to_rgb(red)
    assert rgb.mode == "RGB" and (mode == "1" or abs(rgb.getpixel((0, 0))[0] - expected) <= 2)


def test_the_exif_orientation_is_applied(tmp_path):
    picture = noise(size=(40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    picture.save(tmp_path / "rotated.png", exif=exif)
    assert to_rgb(Image.open(tmp_path / "rotated.png")).size == (20, 40)


def test_a_truncated_picture_is_an_error_with_its_name(tmp_path):
    noise().save(tmp_path / "truncated.png")
    data = (tmp_path / "truncated.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(data[: len(data) // 2])
    assert "truncated.png" in error_of(to_rgb, Image.open(tmp_path / "truncated.png"))


# --- language models ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3"])
def test_a_loaded_language_model_computes_the_saved_models_logits(tmp_path, family):
    module = helpers.save_tiny_lm(tmp_path, family, shard="20KB" if family == "gpt2" else "1GB")
    assert (tmp_path / "model.safetensors.index.json").exists() == (family == "gpt2")
    lm = LanguageModel.load(str(tmp_path), device="cpu")
    ids = lm.tokenizer("Image of a cat", return_tensors="pt").input_ids
    with torch.no_grad():
        torch.testing.assert_close(lm.model(ids).logits, module.float()(ids).logits)
    assert lm.tokenizer.decode(ids[0]) == "Image of a cat"
    assert lm.eos_token_id == 0
    assert {p.dtype for p in lm.model.parameters()} == {torch.float32}
    assert not any(p.requires_grad for p in lm.model.parameters())


def test_gguf_file(tmp_path, monkeypatch):
    helpers.save_tiny_gguf(tmp_path / "tiny.gguf")
    lm = LanguageModel.load(str(tmp_path / "tiny.gguf"), device="cpu")
    ids = lm.tokenizer("Image of a cat", return_tensors="pt").input_ids
    assert lm.tokenizer.decode(ids[0]) == "Image of a cat"
    assert torch.isfinite(lm.model(ids).logits).all()
    (tmp_path / "truncated.gguf").write_bytes((tmp_path / "tiny.gguf").read_bytes()[:2000])
    assert "truncated.gguf" in error_of(LanguageModel.load, str(tmp_path / "truncated.gguf"))
    assert "none.gguf does not exist" in error_of(LanguageModel.load, str(tmp_path / "none.gguf"))
    monkeypatch.setitem(sys.modules, "gguf", None)  # as if not installed
    assert "pip install 'zcalc[gguf]'" in error_of(LanguageModel.load, str(tmp_path / "tiny.gguf"))


def test_a_gguf_file_is_dequantised_once(tmp_path, monkeypatch):
    from zcalc.models import language_model

    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "cache"))
    file, read, real = tmp_path / "tiny.gguf", [], language_model._load
    helpers.save_tiny_gguf(file)

    def load(source):
        read.append(source)
        return real(source)

    monkeypatch.setattr(language_model, "_load", load)
    first = LanguageModel.load(str(file), device="cpu")
    again = LanguageModel.load(str(file), device="cpu")
    assert read[0] == file and read[1].parent == tmp_path / "cache" / "gguf"
    ids = first.tokenizer("Image of a cat", return_tensors="pt").input_ids
    with torch.no_grad():
        torch.testing.assert_close(again.model(ids).logits, first.model(ids).logits)
    assert again.identity == first.identity
    assert again.tokenizer("Image of a cat").input_ids == ids[0].tolist()
    (read[1] / "model.safetensors").write_bytes(b"damaged")
    LanguageModel.load(str(file), device="cpu")  # read anew, and kept anew
    assert read[-1] == file and (read[1] / "model.safetensors").stat().st_size > 1000
    data = bytearray(file.read_bytes())
    data[-8:] = b"\0" * 8  # another file of the same name
    file.write_bytes(data)
    LanguageModel.load(str(file), device="cpu")
    assert read[-1] == file


# --- presets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_a_local_copy_of_a_preset(tmp_path, monkeypatch, name):
    kind = "xlm" if name == "multilingual" else "plain"
    module = helpers.save_tiny_clip(tmp_path / name / "clip", kind)
    helpers.save_tiny_lm(tmp_path / name / "lm", HUB_PRESETS[name])
    monkeypatch.setenv("ZCALC_MODELS", str(tmp_path))
    encoder, lm = Encoder.load(name, device="cpu"), LanguageModel.load(name, device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)
    assert encoder.identity.startswith(f"{name}-") and lm.identity.startswith(f"{name}-")


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_the_error_for_an_unreachable_preset_has_download_instructions(name, monkeypatch):
    monkeypatch.delenv("ZCALC_MODELS", raising=False)
    start = time.perf_counter()
    messages = error_of(Encoder.load, name), error_of(LanguageModel.load, name)
    assert time.perf_counter() - start < 3
    for message, part in zip(messages, ("clip", "lm"), strict=True):
        assert f"models/{name}/{part}" in message and "ZCALC_MODELS" in message
        assert "hf download" in message and "HF_HUB_OFFLINE" in message
    assert presets.PRESETS[name].lm.partition("@")[0] in messages[1]
    assert ("convert" in messages[0]) == (name == "multilingual")


def test_an_unreachable_or_silent_hub_fails_in_seconds(monkeypatch):
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub, "PATIENCE", 0.5)
        for endpoint in (address, "http://127.0.0.1:9"):
            monkeypatch.setattr(constants, "ENDPOINT", endpoint)
            start = time.perf_counter()
            assert "openai-community/gpt2" in error_of(LanguageModel.load, "paper")
            assert "vit_base_patch32_clip_224.openai" in error_of(Encoder.load, "paper")
            assert time.perf_counter() - start < 5


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_open_clip_has_the_hub_repository_of_a_preset(name):
    pair = presets.PRESETS[name].clip.removeprefix("open_clip:").partition("@")[0]
    pretrained = open_clip.get_pretrained_cfg(*pair.rsplit("/", 1))
    assert pretrained["hf_hub"].endswith("/")  # a repository, not a file of it
    assert all("@" in part for part in (presets.PRESETS[name].clip, presets.PRESETS[name].lm))


def hub_cache(monkeypatch, root, repo, revision):
    """The folder of a repository's snapshot in the layout of huggingface_hub's cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    return root / f"models--{repo.replace('/', '--')}" / "snapshots" / revision


def register_with_open_clip(monkeypatch, folder, arch, **tag):
    """Register the architecture of a saved model, and a tag of it, with open_clip."""
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    if "hf_model_name" in config["text_cfg"]:
        config["text_cfg"]["hf_model_name"] = "xlm-roberta-base"
    (folder / f"{arch}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / f"{arch}.json")
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, arch, {"tag": tag})


def test_a_cached_hub_model_needs_no_network(tmp_path, monkeypatch):
    """The QuickGELU (about which open_clip only warns) and mean of the tag are used."""
    folder = hub_cache(monkeypatch, tmp_path, "zcalc/tiny", "abc")
    module = helpers.save_tiny_clip(folder, "plain")
    tag = {"hf_hub": "zcalc/tiny/", "mean": (0.1, 0.2, 0.3), "quick_gelu": True}
    register_with_open_clip(monkeypatch, folder, "zcalc-tiny", **tag)
    (folder / "open_clip_model.safetensors").rename(
        folder / "open_clip_pytorch_model.safetensors"  # the name that ViT-L-14 uses
    )
    encoder = Encoder.load("open_clip:zcalc-tiny/tag@abc", device="cpu")
    assert encoder.identity.startswith("zcalc-tiny/tag-")
    assert encoder.clip.normalize.transforms[-1].mean == (0.1, 0.2, 0.3)
    gelu = module.encode_text(encoder.tokenize(TEXTS)).detach().numpy()
    assert 1e-6 < abs(encoder.texts(TEXTS) - gelu).max() < 0.1  # QuickGELU, not GELU
    helpers.save_tiny_gpt2(hub_cache(monkeypatch, tmp_path, "zcalc/lm", "def"))
    assert LanguageModel.load("zcalc/lm@def", device="cpu").identity.startswith("lm-")


def test_a_cached_hub_model_with_a_hugging_face_text_tower(tmp_path, monkeypatch):
    folder = hub_cache(monkeypatch, tmp_path, "zcalc/tinyx", "abc")
    module = helpers.save_tiny_clip(folder, "xlm")
    register_with_open_clip(monkeypatch, folder, "zcalc-tinyx", hf_hub="zcalc/tinyx/")
    assert "xlm-roberta-base" in error_of(Encoder.load, "open_clip:zcalc-tinyx/tag@abc")
    pinned = checkpoint._PINNED["xlm-roberta-base"].split("@")
    hub_cache(monkeypatch, tmp_path, *pinned).parent.mkdir(parents=True)
    (folder / "text").rename(hub_cache(monkeypatch, tmp_path, *pinned))
    encoder = Encoder.load("open_clip:zcalc-tinyx/tag@abc", device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)


def test_errors_for_unknown_names_list_what_exists(tmp_path):
    assert "mini, paper" in error_of(Encoder.load, str(tmp_path / "nowhere"))
    assert "laion2b_s34b_b79k" in error_of(Encoder.load, "open_clip:ViT-B-32/nosuch")
    assert "nowhere does not exist" in error_of(LanguageModel.load, str(tmp_path / "nowhere"))
    assert "'abacus'" in error_of(Encoder.load, str(tmp_path), device="abacus")


# --- damaged files --------------------------------------------------------------------------------


def rewrite(file, change):
    from safetensors.torch import load_file, save_file

    state = load_file(file)
    change(state)
    save_file(state, file)


DAMAGES = {
    "another shape": lambda state: state.update({"visual.conv1.weight": torch.zeros(9)}),
    "missing": lambda state: state.pop("visual.conv1.weight"),
    "more than": lambda state: state.update(other=torch.zeros(1)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_encoder_with_wrong_weights(tiny, damage):
    rewrite(tiny / "open_clip_model.safetensors", DAMAGES[damage])
    message = error_of(Encoder.load, str(tiny))
    assert str(tiny) in message and ("conv1" in message or "other" in message)


def test_an_encoder_with_damaged_files(tiny):
    weights, config = tiny / "open_clip_model.safetensors", tiny / "open_clip_config.json"
    intact = weights.read_bytes()
    for data in (intact[: len(intact) // 2], intact[:20], b"", b"not safetensors, but text"):
        weights.write_bytes(data)
        assert str(tiny) in error_of(Encoder.load, str(tiny))
    weights.rename(tiny / "open_clip_pytorch_model.bin")
    assert "no pickles" in error_of(Encoder.load, str(tiny))
    (tiny / "open_clip_pytorch_model.bin").unlink()
    assert "has no open_clip_model.safetensors" in error_of(Encoder.load, str(tiny))
    for text in ("{", "[]", '{"model_cfg": {"embed_dim": 4}}', '{"model_cfg": 3}'):
        config.write_text(text)
        assert "open_clip_config.json is damaged" in error_of(Encoder.load, str(tiny))
    config.unlink()
    assert "has no open_clip_config.json" in error_of(Encoder.load, str(tiny))


def test_the_tokenizer_of_another_model(tiny, tiny_lm, tmp_path):
    config = json.loads((tiny / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["vocab_size"] = 100
    (tiny / "open_clip_config.json").write_text(json.dumps(config))
    rewrite(
        tiny / "open_clip_model.safetensors",
        lambda s: s.update({"text.token_embedding.weight": s["text.token_embedding.weight"][:100]}),
    )
    assert "tokenizer" in error_of(Encoder.load, str(tiny))
    (tiny / "tokenizer.json").unlink()
    assert str(tiny) in error_of(Encoder.load, str(tiny))
    (tiny_lm / "tokenizer.json").unlink()
    assert str(tiny_lm) in error_of(LanguageModel.load, str(tiny_lm))


def test_weights_with_nan(tiny):
    rewrite(
        tiny / "open_clip_model.safetensors",
        lambda state: state["text.text_projection"].fill_(float("nan")),
    )
    encoder = Encoder.load(str(tiny))
    assert "contains NaN or infinity" in error_of(encoder.texts, ["a cat"])


def test_a_language_model_with_wrong_weights(tiny_lm):
    weights = tiny_lm / "model.safetensors"
    intact = weights.read_bytes()
    rewrite(weights, lambda state: state.pop("transformer.h.0.ln_1.weight"))
    assert "h.0.ln_1.weight" in error_of(LanguageModel.load, str(tiny_lm))
    weights.write_bytes(intact)
    rewrite(weights, lambda state: state.update({"transformer.wpe.weight": torch.zeros(9, 32)}))
    assert "wpe" in error_of(LanguageModel.load, str(tiny_lm))
    for data in (intact[: len(intact) // 2], b"", b"not safetensors, but text"):
        weights.write_bytes(data)
        assert str(tiny_lm) in error_of(LanguageModel.load, str(tiny_lm))
    weights.rename(tiny_lm / "pytorch_model.bin")
    assert "no pickles" in error_of(LanguageModel.load, str(tiny_lm))
    (tiny_lm / "pytorch_model.bin").rename(weights)
    weights.write_bytes(intact)
    (tiny_lm / "config.json").unlink()
    assert "config.json" in error_of(LanguageModel.load, str(tiny_lm))


# --- pickles, output, imports ---------------------------------------------------------------------


def test_convert_a_pickled_checkpoint(tmp_path, capsys):
    from zcalc.models import convert

    module = helpers.save_tiny_clip(tmp_path / "source", "plain")
    config = json.loads((tmp_path / "source" / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "zcalc-tiny2.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "zcalc-tiny2.json")
    torch.save({"state_dict": module.state_dict()}, tmp_path / "model.bin")
    arguments = [str(tmp_path / "model.bin"), "zcalc-tiny2", str(tmp_path / "converted")]
    assert convert.main(arguments) == 0
    encoder = Encoder.load(str(tmp_path / "converted"), device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)
    torch.save(Path("a pickle that contains more than tensors"), tmp_path / "model.bin")
    assert convert.main(arguments) == 1 and "Can't read" in capsys.readouterr().err
    assert convert.main(["--help"]) == 0 and "multilingual" in capsys.readouterr().out
    assert convert.main([]) == 2


AUDIT = """
import sys
seen = []
sys.addaudithook(lambda event, args: event == "pickle.find_class" and seen.append(args))
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel
from PIL import Image
for folder in sys.argv[1:5]:
    encoder = Encoder.load(folder, device="cpu")
    encoder.texts(["a cat"]), encoder.images([Image.new("RGB", (30, 40))])
for model in sys.argv[5:]:
    LanguageModel.load(model, device="cpu")
import pickle
assert not seen, seen
pickle.loads(pickle.dumps(Encoder))
assert seen  # the hook does notice a pickle
"""


def test_loading_reads_no_pickle_and_prints_nothing(saved, tmp_path, tiny_lm):
    helpers.save_tiny_gguf(tmp_path / "tiny.gguf")
    folders = [str(saved[kind][0]) for kind in KINDS]
    command = [sys.executable, "-c", AUDIT, *folders, str(tiny_lm), str(tmp_path / "tiny.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    noisy = [line for line in done.stderr.splitlines() if line and "GGUF" not in line]
    assert (done.stdout, noisy) == ("", [])


def test_loading_restores_the_logging_configuration(tiny):
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.root.manager.disable
    Encoder.load(str(tiny))
    error_of(Encoder.load, str(tiny / "nowhere"))
    assert (list(root.handlers), root.level, logging.root.manager.disable) == before


def test_presets_are_cheap_to_import():
    code = "import sys, zcalc.models.presets; print({'torch', 'numpy'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.model
@pytest.mark.skipif(
    not (Path(presets.PRESETS["mini"].clip) / "open_clip_model.safetensors").exists(),
    reason="mini's models are not built (make models)",
)
def test_mini_loads_like_any_other_model():
    encoder, lm = Encoder.load("mini"), LanguageModel.load("mini")
    assert (encoder.dim, encoder.context_length) == (384, 77)
    assert encoder.images([noise()]).shape == encoder.texts(["a photo"]).shape == (1, 384)
    assert lm.tokenizer.decode(lm.tokenizer.encode("Image of a cat")) == "Image of a cat"
