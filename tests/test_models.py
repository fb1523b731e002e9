"""The models' loaders, on small checkpoints in the very formats of the big ones."""

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
from zcalc.models import checkpoint, loading, presets
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel
from zcalc.models.pictures import to_rgb

import open_clip  # isort: skip  (after zcalc.models: see compat.py)
import torch  # isort: skip

pytestmark = pytest.mark.model
KINDS = ("plain", "hf", "mixture", "xlm")
HUB_PRESETS = {"paper": "gpt2", "base": "gpt2", "large": "llama", "multilingual": "qwen3"}
TEXTS = ["a cat", "two small dogs in the snow", "a cat"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder and the module saved in it, for each kind of CLIP."""
    root = tmp_path_factory.mktemp("clip")
    return {kind: (root / kind, helpers.save_tiny_clip(root / kind, kind)) for kind in KINDS}


@pytest.fixture
def tiny(tmp_path):
    """A fresh folder with a small CLIP that a test may damage."""
    helpers.save_tiny_clip(tmp_path / "tiny", "hf")
    return tmp_path / "tiny"


@pytest.fixture
def tiny_lm(tmp_path):
    helpers.save_tiny_gpt2(tmp_path / "lm")
    return tmp_path / "lm"


def noise(seed=0, size=(40, 30), mode="RGB"):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(values, "RGBA").convert(mode)


def problem(load, *arguments, **named):
    """What a person reads when loading fails: message and hint."""
    with pytest.raises(ZcalcError) as caught:
        load(*arguments, **named)
    assert caught.value.hint
    return str(caught.value)


# --- encoders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_loaded_encoder_gives_the_saved_models_features(saved, kind):
    folder, module = saved[kind]
    encoder = Encoder.load(str(folder), device="cpu")
    pictures = [noise(0), noise(1), noise(0)]
    pixels = torch.stack([encoder.transform(picture) for picture in pictures])
    with torch.no_grad():
        expected = module.encode_image(pixels), module.encode_text(encoder.tokenize(TEXTS))
    found = encoder.images(pictures), encoder.texts(TEXTS)
    for got, wanted in zip(found, expected, strict=True):
        assert got.shape == (3, encoder.dim) and got.dtype == np.float32
        np.testing.assert_allclose(got, wanted.numpy(), atol=1e-5)
    assert {p.dtype for p in encoder.model.parameters()} == {torch.float32}  # fp16 on disk
    assert not any(p.requires_grad for p in encoder.model.parameters())
    assert encoder.transform.transforms[-1].mean == [0.5] * 3


@pytest.mark.parametrize("kind", ["plain", "hf", "mixture"])
def test_text_is_read_at_its_end_token_whatever_the_padding(saved, kind):
    encoder = Encoder.load(str(saved[kind][0]), device="cpu")
    for text in ("cat", "two people walk a dog"):
        ids = encoder.tokenize([text])
        length = encoder.token_count(text)
        assert ids.shape == (1, 16) and (ids[0, length:] == 0).all()
        other = ids.clone()
        other[0, length:] = 5  # what follows the end is not seen
        torch.testing.assert_close(encoder.text_features(ids), encoder.text_features(other))
        other[0, length - 2] = 6  # the last word is
        assert (encoder.text_features(ids) - encoder.text_features(other)).abs().max() > 0.01


def test_tower_mixes_the_rows_of_the_likeliest_classes(saved):
    trunk = saved["mixture"][1].visual.trunk
    pixels = torch.randn(2, 3, 260, 260)
    with torch.no_grad():
        logits, pooled = trunk.classify(pixels)
        chances = (logits / trunk.temperature).softmax(-1)
        kept = torch.where(chances >= chances.topk(trunk.top).values[:, -1:], chances, 0)
        guess = torch.nn.functional.normalize(trunk.guess(pooled - trunk.pooled_mean), dim=-1)
        photographed = chances[:, :1000].sum(1, keepdim=True)
        mixed = torch.nn.functional.normalize(kept @ trunk.table, dim=-1)
        expected = mixed + trunk.guessed * photographed * guess - trunk.offset
        torch.testing.assert_close(trunk(pixels), expected)


def test_each_distinct_input_is_encoded_once(saved):
    encoder = Encoder.load(str(saved["plain"][0]), device="cpu", batch_size=2)
    rows = []
    encoder.model.visual.register_forward_hook(lambda _m, inputs, _o: rows.append(len(inputs[0])))
    pictures = [noise(seed) for seed in (0, 1, 0, 2, 1)]
    first = encoder.images(iter(pictures))
    assert rows == [2, 1]
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(encoder.images(pictures), first)
    assert rows == [2, 1]
    encoder.memory = 2
    encoder.images([noise(3), noise(4)])
    encoder.images([noise(4), noise(0)])  # 0 was forgotten, 4 was not
    assert rows == [2, 1, 2, 1]
    assert encoder.images([]).shape == encoder.texts([]).shape == (0, encoder.dim)


def test_a_text_past_the_context_is_an_error_that_names_both_lengths(saved):
    for kind in ("plain", "hf"):
        encoder = Encoder.load(str(saved[kind][0]), device="cpu")
        encoder.texts(["a " * 14])
        assert encoder.token_count("a " * 14) <= 16
        message = problem(encoder.texts, ["a cat", "cat " * 30])
        assert "16 at most" in message and str(encoder.token_count("cat " * 30)) in message


def test_identity_tells_models_apart(saved, tmp_path):
    folder = saved["hf"][0]
    first = Encoder.load(str(folder), device="cpu").identity
    assert first == Encoder.load(str(folder), device="cpu").identity
    assert first.startswith("hf-")
    helpers.save_tiny_clip(tmp_path / "hf", "hf", seed=1)
    assert Encoder.load(str(tmp_path / "hf"), device="cpu").identity != first


def test_fingerprint_of_a_large_file_reads_all_over_it(tmp_path):
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


def test_transparency_lies_over_white():
    clear = Image.new("RGBA", (2, 2), (200, 0, 0, 0))
    assert to_rgb(clear).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert to_rgb(palette).getpixel((0, 0)) == (10, 20, 30)
    palette.info["transparency"] = 1
    assert to_rgb(palette).getpixel((0, 0)) == (255, 255, 255)
    assert to_rgb(Image.new("LA", (2, 2), (9, 255))).getpixel((0, 0)) == (9, 9, 9)


def test_deep_pictures_are_scaled_not_clipped():
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
    wanted = {"1": 0, "L": grey}.get(mode, 255)
    got = to_rgb(red)
    assert got.mode == "RGB" and (mode == "1" or abs(got.getpixel((0, 0))[0] - wanted) <= 2)


def test_a_turned_photograph_is_turned_back(tmp_path):
    picture = noise(size=(40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    picture.save(tmp_path / "turned.png", exif=exif)
    assert to_rgb(Image.open(tmp_path / "turned.png")).size == (20, 40)


def test_a_torn_picture_is_a_clear_error(tmp_path):
    noise().save(tmp_path / "torn.png")
    data = (tmp_path / "torn.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(data[: len(data) // 2])
    assert "torn.png" in problem(to_rgb, Image.open(tmp_path / "torn.png"))


# --- language models ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3"])
def test_loaded_language_model_gives_the_saved_models_logits(tmp_path, family):
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
    (tmp_path / "torn.gguf").write_bytes((tmp_path / "tiny.gguf").read_bytes()[:2000])
    assert "torn.gguf" in problem(LanguageModel.load, str(tmp_path / "torn.gguf"))
    assert "no file" in problem(LanguageModel.load, str(tmp_path / "none.gguf"))
    monkeypatch.setitem(sys.modules, "gguf", None)  # as where it is not installed
    assert "pip install 'zcalc[gguf]'" in problem(LanguageModel.load, str(tmp_path / "tiny.gguf"))


# --- presets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_a_preset_brought_by_hand(tmp_path, monkeypatch, name):
    kind = "xlm" if name == "multilingual" else "plain"
    module = helpers.save_tiny_clip(tmp_path / name / "clip", kind)
    helpers.save_tiny_lm(tmp_path / name / "lm", HUB_PRESETS[name])
    monkeypatch.setenv("ZCALC_MODELS", str(tmp_path))
    encoder, lm = Encoder.load(name, device="cpu"), LanguageModel.load(name, device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)
    assert encoder.identity.startswith(f"{name}-") and lm.identity.startswith(f"{name}-")


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_an_unreachable_preset_says_what_it_tried_and_what_to_do(name, monkeypatch):
    monkeypatch.delenv("ZCALC_MODELS", raising=False)
    began = time.perf_counter()
    messages = problem(Encoder.load, name), problem(LanguageModel.load, name)
    assert time.perf_counter() - began < 3
    for message, part in zip(messages, ("clip", "lm"), strict=True):
        assert f"models/{name}/{part}" in message and "ZCALC_MODELS" in message
        assert "hf download" in message and "HF_HUB_OFFLINE" in message
    assert presets.PRESETS[name].lm.partition("@")[0] in messages[1]
    assert ("convert" in messages[0]) == (name == "multilingual")


def test_a_hub_that_refuses_or_hangs_fails_in_seconds(monkeypatch):
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(loading, "PATIENCE", 0.5)
        for endpoint in (address, "http://127.0.0.1:9"):
            monkeypatch.setattr(constants, "ENDPOINT", endpoint)
            began = time.perf_counter()
            assert "openai-community/gpt2" in problem(LanguageModel.load, "base")
            assert "vit_base_patch32_clip_224.openai" in problem(Encoder.load, "paper")
            assert time.perf_counter() - began < 5


@pytest.mark.parametrize("name", HUB_PRESETS)
def test_a_presets_weights_on_the_hub_are_named_in_open_clip(name):
    pair = presets.PRESETS[name].clip.removeprefix("open_clip:").partition("@")[0]
    known = open_clip.get_pretrained_cfg(*pair.rsplit("/", 1))
    assert known["hf_hub"].endswith("/")  # any of the names in checkpoint.WEIGHTS
    assert all("@" in part for part in (presets.PRESETS[name].clip, presets.PRESETS[name].lm))


def hub_cache(monkeypatch, root, repo, revision):
    """The folder of a repository's snapshot in the hub library's own cache layout."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    return root / f"models--{repo.replace('/', '--')}" / "snapshots" / revision


def known_to_open_clip(monkeypatch, folder, arch, **tag):
    """Let open_clip know the architecture of a saved model, and a tag of it."""
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    if "hf_model_name" in config["text_cfg"]:
        config["text_cfg"]["hf_model_name"] = "xlm-roberta-base"
    (folder / f"{arch}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / f"{arch}.json")
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, arch, {"tag": tag})


def test_a_cached_hub_model_needs_no_network(tmp_path, monkeypatch):
    """The tag's QuickGELU (open_clip warns only) and mean hold."""
    folder = hub_cache(monkeypatch, tmp_path, "zcalc/tiny", "abc")
    module = helpers.save_tiny_clip(folder, "plain")
    tag = {"hf_hub": "zcalc/tiny/", "mean": (0.1, 0.2, 0.3), "quick_gelu": True}
    known_to_open_clip(monkeypatch, folder, "zcalc-tiny", **tag)
    (folder / "open_clip_model.safetensors").rename(
        folder / "open_clip_pytorch_model.safetensors"  # as ViT-L-14's are called
    )
    encoder = Encoder.load("open_clip:zcalc-tiny/tag@abc", device="cpu")
    assert encoder.identity.startswith("zcalc-tiny/tag-")
    assert encoder.transform.transforms[-1].mean == (0.1, 0.2, 0.3)
    same = encoder.texts(TEXTS) - module.encode_text(encoder.tokenize(TEXTS)).detach().numpy()
    assert 1e-6 < abs(same).max() < 0.1  # QuickGELU, not GELU
    helpers.save_tiny_gpt2(hub_cache(monkeypatch, tmp_path, "zcalc/lm", "def"))
    assert LanguageModel.load("zcalc/lm@def", device="cpu").identity.startswith("lm-")


def test_a_cached_hub_model_with_a_text_tower_of_its_own(tmp_path, monkeypatch):
    folder = hub_cache(monkeypatch, tmp_path, "zcalc/tinyx", "abc")
    module = helpers.save_tiny_clip(folder, "xlm")
    known_to_open_clip(monkeypatch, folder, "zcalc-tinyx", hf_hub="zcalc/tinyx/")
    assert "xlm-roberta-base" in problem(Encoder.load, "open_clip:zcalc-tinyx/tag@abc")
    pinned = checkpoint._PINNED["xlm-roberta-base"].split("@")
    hub_cache(monkeypatch, tmp_path, *pinned).parent.mkdir(parents=True)
    (folder / "text").rename(hub_cache(monkeypatch, tmp_path, *pinned))
    encoder = Encoder.load("open_clip:zcalc-tinyx/tag@abc", device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)


def test_unknown_names_say_what_there_is(tmp_path):
    assert "mini, paper" in problem(Encoder.load, str(tmp_path / "nowhere"))
    assert "laion2b_s34b_b79k" in problem(Encoder.load, "open_clip:ViT-B-32/nosuch")
    assert "no folder" in problem(LanguageModel.load, str(tmp_path / "nowhere"))
    assert "'abacus'" in problem(Encoder.load, str(tmp_path), device="abacus")


# --- wrong weights --------------------------------------------------------------------------------


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
def test_an_encoders_wrong_weights(tiny, damage):
    rewrite(tiny / "open_clip_model.safetensors", DAMAGES[damage])
    message = problem(Encoder.load, str(tiny))
    assert str(tiny) in message and ("conv1" in message or "other" in message)


def test_an_encoders_damaged_files(tiny):
    weights, config = tiny / "open_clip_model.safetensors", tiny / "open_clip_config.json"
    whole = weights.read_bytes()
    for data in (whole[: len(whole) // 2], whole[:20], b"", b"not safetensors at all, but a text"):
        weights.write_bytes(data)
        assert str(tiny) in problem(Encoder.load, str(tiny))
    weights.rename(tiny / "open_clip_pytorch_model.bin")
    assert "no pickles" in problem(Encoder.load, str(tiny))
    (tiny / "open_clip_pytorch_model.bin").unlink()
    assert "has no open_clip_model.safetensors" in problem(Encoder.load, str(tiny))
    for text in ("{", "[]", '{"model_cfg": {"embed_dim": 4}}', '{"model_cfg": 3}'):
        config.write_text(text)
        assert "open_clip_config.json is damaged" in problem(Encoder.load, str(tiny))
    config.unlink()
    assert "has no open_clip_config.json" in problem(Encoder.load, str(tiny))


def test_a_tokenizer_of_another_model(tiny, tiny_lm, tmp_path):
    config = json.loads((tiny / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["vocab_size"] = 100
    (tiny / "open_clip_config.json").write_text(json.dumps(config))
    rewrite(
        tiny / "open_clip_model.safetensors",
        lambda s: s.update({"text.token_embedding.weight": s["text.token_embedding.weight"][:100]}),
    )
    assert "tokenizer" in problem(Encoder.load, str(tiny))
    (tiny / "tokenizer.json").unlink()
    assert str(tiny) in problem(Encoder.load, str(tiny))
    (tiny_lm / "tokenizer.json").unlink()
    assert str(tiny_lm) in problem(LanguageModel.load, str(tiny_lm))


def test_weights_that_are_no_numbers(tiny):
    rewrite(
        tiny / "open_clip_model.safetensors",
        lambda state: state["text.text_projection"].fill_(float("nan")),
    )
    encoder = Encoder.load(str(tiny))
    assert "no numbers" in problem(encoder.texts, ["a cat"])


def test_a_language_models_wrong_weights(tiny_lm):
    weights = tiny_lm / "model.safetensors"
    whole = weights.read_bytes()
    rewrite(weights, lambda state: state.pop("transformer.h.0.ln_1.weight"))
    assert "h.0.ln_1.weight" in problem(LanguageModel.load, str(tiny_lm))
    weights.write_bytes(whole)
    rewrite(weights, lambda state: state.update({"transformer.wpe.weight": torch.zeros(9, 32)}))
    assert "wpe" in problem(LanguageModel.load, str(tiny_lm))
    for data in (whole[: len(whole) // 2], b"", b"not safetensors at all, but a text"):
        weights.write_bytes(data)
        assert str(tiny_lm) in problem(LanguageModel.load, str(tiny_lm))
    weights.rename(tiny_lm / "pytorch_model.bin")
    assert "no pickles" in problem(LanguageModel.load, str(tiny_lm))
    (tiny_lm / "pytorch_model.bin").rename(weights)
    weights.write_bytes(whole)
    (tiny_lm / "config.json").unlink()
    assert "config.json" in problem(LanguageModel.load, str(tiny_lm))


# --- pickles, noise, imports ----------------------------------------------------------------------


def test_convert_a_pickled_checkpoint(tmp_path, capsys):
    from zcalc.models import convert

    module = helpers.save_tiny_clip(tmp_path / "source", "plain")
    config = json.loads((tmp_path / "source" / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "zcalc-tiny2.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "zcalc-tiny2.json")
    torch.save({"state_dict": module.state_dict()}, tmp_path / "model.bin")
    arguments = [str(tmp_path / "model.bin"), "zcalc-tiny2", str(tmp_path / "made")]
    assert convert.main(arguments) == 0
    encoder = Encoder.load(str(tmp_path / "made"), device="cpu")
    expected = module.encode_text(encoder.tokenize(TEXTS)).detach()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)
    torch.save(Path("a pickle that holds more than tensors"), tmp_path / "model.bin")
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
assert seen  # the hook does hear a pickle
"""


def test_no_load_path_reads_a_pickle_or_says_anything(saved, tmp_path, tiny_lm):
    helpers.save_tiny_gguf(tmp_path / "tiny.gguf")
    folders = [str(saved[kind][0]) for kind in KINDS]
    command = [sys.executable, "-c", AUDIT, *folders, str(tiny_lm), str(tmp_path / "tiny.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    noisy = [line for line in done.stderr.splitlines() if line and "GGUF" not in line]
    assert (done.stdout, noisy) == ("", [])


def test_quiet_leaves_a_persons_own_logging_as_it_was(tiny):
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.root.manager.disable
    Encoder.load(str(tiny))
    problem(Encoder.load, str(tiny / "nowhere"))
    assert (list(root.handlers), root.level, logging.root.manager.disable) == before


def test_presets_are_cheap_to_import():
    code = "import sys, zcalc.models.presets; print({'torch', 'numpy'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.model
@pytest.mark.skipif(
    not (Path(presets.PRESETS["mini"].clip) / "open_clip_model.safetensors").exists(),
    reason="the embedded models are not built (make models)",
)
def test_mini_loads_through_the_same_door():
    encoder, lm = Encoder.load("mini"), LanguageModel.load("mini")
    assert (encoder.dim, encoder.context_length) == (384, 32)
    assert encoder.images([noise()]).shape == encoder.texts(["a photo"]).shape == (1, 384)
    assert lm.tokenizer.decode(lm.tokenizer.encode("Image of a cat")) == "Image of a cat"
