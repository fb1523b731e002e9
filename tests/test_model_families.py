"""Models as people have them: every architecture at random weights loads, or is refused by name.

Widths are shrunk, and tokenizers that need the hub are replaced by a local one.
"""

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import zcalc
from tests import helpers
from zcalc.algebra import unit
from zcalc.decode.kv_cache import next_logits, prefill
from zcalc.errors import ZcalcError
from zcalc.models import open_clip_model  # noqa: F401  (before open_clip)
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel
from zcalc.models.lm_files import find_files
from zcalc.models.precision import Precision

import open_clip  # isort: skip

TEXTS = ["a cat", "two small dogs in the snow", "cat </s> dog", "cat <end_of_text> dog"]
END = "<|endoftext|>"

pytestmark = pytest.mark.model


# --- encoders -------------------------------------------------------------------------------------


def shrunk(name: str) -> dict[str, Any]:
    """open_clip's configuration of an architecture with small widths and few layers."""
    config = copy.deepcopy(open_clip.get_model_config(name))
    vision, text = config["vision_cfg"], config["text_cfg"]
    config["embed_dim"] = 32
    if "timm_model_name" in vision:
        is_vit = vision["timm_model_name"].startswith("vit")
        vision["timm_model_name"] = "vit_tiny_patch16_224" if is_vit else "resnet18"
        vision |= {"timm_model_pretrained": False, "image_size": 224}
        if not is_vit and vision.get("timm_pool") in ("map", "token"):
            vision["timm_pool"] = "avg"
        if vision.get("timm_proj") in ("none", None, ""):
            config["embed_dim"] = 192 if is_vit else 512
    elif isinstance(vision.get("layers"), list):
        vision |= {"layers": [1, 1, 1, 1], "width": 16, "image_size": 64}
    else:
        vision |= {"layers": 1, "width": 64, "head_width": 32}
        vision["image_size"] = vision["patch_size"] * 2
    if "hf_model_name" not in text:
        text |= {"width": 32, "heads": 2, "layers": 2}
    if "multimodal_cfg" in config:
        config["multimodal_cfg"] |= {"width": 32, "heads": 2, "layers": 1}
    return config


def architectures() -> list[str]:
    """The architectures of open_clip, one of each kind that is the same when shrunk.

    Those with a text tower of transformers follow in a test of their own.
    """
    kinds: dict[str, str] = {}
    for name in open_clip.list_models():
        config = shrunk(name)
        if "hf_model_name" not in config["text_cfg"] and not name.startswith("zcalc"):
            kinds.setdefault(json.dumps(config, sort_keys=True), name)
    return list(kinds.values())


def save(folder: Path, config: dict[str, Any]) -> Any:
    document = {"model_cfg": config, "preprocess_cfg": helpers.PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(document))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", pretrained_text=False).eval()
    state = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return model


def save_with_local_tokenizer(folder: Path, name: str) -> Any:
    config = shrunk(name)
    text = config["text_cfg"]
    if text.get("hf_tokenizer_name"):
        tokenizer = helpers.save_tiny_tokenizer(folder)
        tokenizer.sep_token = "</s>"
        tokenizer.save_pretrained(folder)
        text["vocab_size"] = len(tokenizer)
        text |= {key: value for key, value in (("eos_id", 2), ("pad_id", 0)) if key in text}
    return save(folder, config)


@pytest.mark.parametrize("name", architectures())
def test_an_encoder_of_any_architecture_computes_what_open_clip_does(
    name: str, tmp_path: Path
) -> None:
    module = save_with_local_tokenizer(tmp_path, name)
    encoder = Encoder.load(str(tmp_path), "cpu")
    picture = Image.effect_noise((50, 40), 60).convert("RGB")
    with torch.no_grad():
        texts = module.encode_text(encoder.tokenize(TEXTS)).numpy()
        pictures = module.encode_image(encoder.transform(picture)[None]).numpy()
    np.testing.assert_allclose(encoder.texts(TEXTS), texts, atol=1e-5)
    np.testing.assert_allclose(encoder.images([picture]), pictures, atol=1e-5)
    continued = encoder.continuations(["a"]).vectors([0], TEXTS[:1])
    np.testing.assert_allclose(continued, unit(texts[:1]), atol=1e-5)


@pytest.mark.parametrize("pool", ["last", "first", "argmax"])
@pytest.mark.parametrize("custom", [True, False])
def test_every_pooling_of_padded_texts_is_open_clips(
    pool: str, custom: bool, tmp_path: Path
) -> None:
    config = {
        "embed_dim": 24,
        "custom_text": custom,
        "vision_cfg": helpers.TINY_VISION,
        "text_cfg": {
            "context_length": 16,
            "width": 32,
            "heads": 2,
            "layers": 2,
            "vocab_size": 49408,
            "pool_type": pool,
        },
    }
    module = save(tmp_path, config)
    encoder = Encoder.load(str(tmp_path), "cpu")
    with torch.no_grad():
        expected = module.encode_text(encoder.tokenize(TEXTS)).numpy()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)


ENCODERS = {
    "roberta": {},
    "bert": {},
    "mt5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
    "m2m_100": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
    },
}  # fmt: skip


def hf_config(folder: Path, family: str, **options: Any) -> dict[str, Any]:
    """Save a text tower's configuration and tokenizer; returns the configuration of the model."""
    from transformers import AutoConfig

    tokenizer = helpers.save_tiny_tokenizer(folder / "text")
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if family in ("roberta", "bert"):
        options |= {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        options |= {"intermediate_size": 64}
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **ids, **options)
    config.save_pretrained(folder / "text")
    text = {"hf_model_name": str(folder / "text"), "hf_tokenizer_name": "local"}
    text |= {"hf_pooler_type": "mean_pooler", "context_length": 16, "hf_model_pretrained": False}
    vision = helpers.TINY_VISION
    return {"embed_dim": 24, "custom_text": True, "vision_cfg": vision, "text_cfg": text}


@pytest.mark.parametrize("family", ENCODERS)
def test_text_towers_of_transformers(family: str, tmp_path: Path) -> None:
    module = save(tmp_path, hf_config(tmp_path, family, **ENCODERS[family]))
    encoder = Encoder.load(str(tmp_path), "cpu")
    with torch.no_grad():
        expected = module.encode_text(encoder.tokenize(TEXTS)).numpy()
    np.testing.assert_allclose(encoder.texts(TEXTS), expected, atol=1e-5)


def test_a_text_tower_that_open_clip_lacks_is_refused_by_name(tmp_path: Path) -> None:
    config = hf_config(tmp_path, "t5", d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2)
    document = {"model_cfg": config, "preprocess_cfg": helpers.PREPROCESS}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(document))
    save_file({"x": torch.zeros(1)}, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(ZcalcError, match=r"of the kind t5, which open_clip can't build(.|\n)*mt5"):
        Encoder.load(str(tmp_path), "cpu")


@pytest.mark.parametrize("kind", ["plain", "hf", "xlm", "mixture"])
def test_special_tokens_in_a_text_are_text(kind: str, tmp_path: Path) -> None:
    helpers.save_tiny_clip(tmp_path, kind)
    encoder = Encoder.load(str(tmp_path), "cpu")
    rows = encoder.texts(["cat", "cat </s> dog", "cat <end_of_text> dog", "cat dog"])
    distances = np.linalg.norm(rows[:, None] - rows, axis=-1) + np.eye(4)
    assert distances.min() > 1e-4


@pytest.mark.parametrize("kind", ["plain", "hf", "xlm", "mixture"])
def test_eight_threads_encode_search_and_decode_as_one(kind: str, tmp_path: Path) -> None:
    helpers.save_tiny_clip(tmp_path / "clip", kind, dim=32)
    helpers.save_tiny_gpt2(tmp_path / "lm")
    folder = str(tmp_path / "clip")
    calc = zcalc.load(clip=folder, lm=str(tmp_path / "lm"), vocabulary=_words(tmp_path))
    settings = {"beams": 2, "max_tokens": 2, "steps": 1, "candidates": 8}

    def work(calculator: zcalc.Calculator, number: int) -> tuple[Any, ...]:
        text = "word " * (number % 5 + 1)
        result = calculator(f'img(cat) + "{text}" - "{number}"')
        caption = result.caption("zerocap", **settings)
        words = [word.text for word in result.words(3)]
        hits = [hit.name for hit in result.nearest(3)]
        return words, hits, caption.text, round(float(result.norm), 4)

    expected = [work(calc, number) for number in range(16)]
    fresh = zcalc.load(clip=folder, lm=str(tmp_path / "lm"), vocabulary=_words(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: work(fresh, number), range(16))) == expected


def _words(folder: Path) -> str:
    (folder / "words.txt").write_text("cat\ndog\ntea\ncoffee\nrocket\n")
    return str(folder / "words.txt")


def test_an_embedding_that_is_not_finite_is_refused_by_name(tmp_path: Path) -> None:
    module = helpers.save_tiny_clip(tmp_path / "clip", "plain", dim=32)
    state = {name: value.half() for name, value in module.state_dict().items()}
    state["token_embedding.weight"][:] = float("nan")
    state["visual.proj"][:] = float("inf")
    state = {name: value.contiguous().clone() for name, value in state.items()}
    save_file(state, tmp_path / "clip" / "open_clip_model.safetensors")
    calc = zcalc.load(clip=str(tmp_path / "clip"), lm="mini")
    with pytest.raises(ZcalcError, match=r"of “a cat” by .* contains NaN or infinity"):
        calc('"a cat"')
    with pytest.raises(ZcalcError, match=r"img\(cat\) by .* contains NaN or infinity"):
        calc("img(cat)")
    with pytest.raises(ZcalcError, match="contains NaN or infinity"):
        calc.index(_photo(tmp_path), tmp_path / "i")


def _photo(folder: Path) -> Path:
    (folder / "photos").mkdir()
    Image.effect_noise((40, 40), 60).save(folder / "photos" / "noise.png")
    return folder / "photos"


def test_a_batch_that_does_not_fit_is_halved(tmp_path: Path) -> None:
    helpers.save_tiny_clip(tmp_path, "plain")
    encoder = Encoder.load(str(tmp_path), "cpu", batch_size=8)
    pictures = [Image.effect_noise((40, 40), 20 + i).convert("RGB") for i in range(8)]
    expected = Encoder.load(str(tmp_path), "cpu", batch_size=8).images(pictures)
    real, sizes = encoder.clip.encode_image, []

    def small(pixels: torch.Tensor) -> torch.Tensor:
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(pixels)

    encoder.clip.encode_image = small  # type: ignore[method-assign]
    np.testing.assert_allclose(encoder.images(pictures), expected, atol=1e-6)
    assert encoder.batch_size == 2 and max(sizes) == 8
    encoder.images([picture.rotate(90) for picture in pictures])
    assert max(sizes[-4:]) == 2


def test_half_precision_is_used_where_it_is_equal_and_faster() -> None:
    torch.manual_seed(0)
    weights, inputs = torch.randn(64, 32), torch.randn(16, 64)

    def encode(x: torch.Tensor, slow: bool = False, wrong: bool = False) -> torch.Tensor:
        is_half = torch.is_autocast_enabled("cpu")
        time.sleep(0.05 if slow != is_half else 0)
        return (x @ weights).roll(1 if wrong and is_half else 0)

    for slow, wrong, used in ((True, False, True), (False, False, False), (True, True, False)):
        precision = Precision(torch.device("cpu"), on_cpu=True)
        run = partial(encode, slow=slow, wrong=wrong)
        assert torch.equal(precision(run, inputs[:2]), inputs[:2] @ weights)
        assert precision.half is None  # too few to say
        assert torch.equal(precision(run, inputs), inputs @ weights)
        assert precision.half is used
        difference = unit(precision(run, inputs).numpy()) - unit((inputs @ weights).numpy())
        assert np.abs(difference).max() <= 1e-2
    assert Precision(torch.device("cpu")).half is False  # a CPU computes in full


# --- language models ------------------------------------------------------------------------------

SHAPE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
GROUPED = {"num_key_value_heads": 1, "head_dim": 16}
OLD = {"num_attention_heads": 4, "rotary_dim": 8}
FAMILIES: dict[str, dict[str, Any]] = {
    "gpt2": {}, "llama": GROUPED, "qwen2": GROUPED, "qwen3": GROUPED, "gemma": GROUPED,
    "gemma2": {**GROUPED, "sliding_window": 40}, "gemma3_text": {**GROUPED, "sliding_window": 40},
    "mistral": {**GROUPED, "sliding_window": 40}, "phi": {}, "phi3": {**GROUPED, "pad_token_id": 0},
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 64},
    "gpt_neo": {"num_layers": 2, "num_heads": 2, "attention_types": [[["global", "local"], 1]]},
    "gpt_neox": {}, "gptj": OLD, "codegen": OLD,
    "bloom": {"n_layer": 2, "n_head": 2}, "falcon": {}, "stablelm": GROUPED, "olmo2": GROUPED,
    "mpt": {"d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 64}, "biogpt": {},
    "starcoder2": GROUPED, "cohere": GROUPED, "granite": GROUPED,
    "glm": {**GROUPED, "pad_token_id": 0},
    "xglm": {"d_model": 32, "num_layers": 2, "attention_heads": 2, "ffn_dim": 64},
}  # fmt: skip
WITHOUT = {
    "mamba": {"state_size": 4},
    "rwkv": {"attention_hidden_size": 32},
    "recurrent_gemma": {"lru_width": 32, "num_key_value_heads": 1},
    "jamba": {**GROUPED, "num_experts": 2, "mamba_d_state": 4, "mamba_dt_rank": 4},
    "bert": {},
}


def save_lm(folder: Path, family: str, **options: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=helpers._tiny_bpe(END), bos_token=END, eos_token=END
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **{**SHAPE, **options})
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_a_causal_family_decodes_with_past_key_values(family: str, tmp_path: Path) -> None:
    module = save_lm(tmp_path, family, **FAMILIES[family])
    lm = LanguageModel.load(str(tmp_path), "cpu")
    ids = torch.tensor(
        [lm.tokenizer.encode("Image of a dog in the snow and a cat", add_special_tokens=False)]
    )
    with torch.no_grad():
        expected = module(ids).logits[:, -1]
        logits, _ = next_logits(lm, ids[:, -1], prefill(lm, ids[0]))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-3)
    calc = zcalc.load("mini", lm=str(tmp_path))
    for method in ("search", "zerocap"):
        settings = {"steps": 1} if method == "zerocap" else {}
        caption = calc("img(cat)").caption(method, beams=2, max_tokens=2, **settings)
        assert caption.method == method and caption.beams


@pytest.mark.parametrize("family", WITHOUT)
def test_a_family_without_past_key_values_is_refused_by_name(family: str, tmp_path: Path) -> None:
    save_lm(tmp_path, family, **WITHOUT[family])
    with pytest.raises(ZcalcError, match=f"architecture is {family}(.|\n)*retrieve"):
        LanguageModel.load(str(tmp_path), "cpu")


def test_a_caption_never_outgrows_a_sliding_window(tmp_path: Path) -> None:
    save_lm(tmp_path, "mistral", **GROUPED, sliding_window=12)
    calc = zcalc.load("mini", lm=str(tmp_path))
    with pytest.raises(ZcalcError, match="12 positions"):
        calc("img(cat)").caption("search", max_tokens=12)
    assert calc("img(cat)").caption("search", beams=2, max_tokens=3).text


def test_another_language_model_gets_the_methods_own_settings(tmp_path: Path) -> None:
    from zcalc.decode.captions import complete_settings
    from zcalc.decode.settings import SearchSettings, ZeroCapSettings
    from zcalc.models.pair import Models

    helpers.save_tiny_gpt2(tmp_path)
    models = Models.named("mini", lm=str(tmp_path))
    assert complete_settings(models, "search", {}) == SearchSettings()
    assert complete_settings(models, "zerocap", {}) == ZeroCapSettings()
    assert complete_settings(Models.named("mini"), "search", {}) != SearchSettings()


def test_special_tokens_in_a_prompt_are_text(tmp_path: Path) -> None:
    helpers.save_tiny_gpt2(tmp_path)
    for name in (str(tmp_path), "mini"):
        lm = LanguageModel.load(name, "cpu")
        ids = lm.tokenizer.encode(f"a {END} b", add_special_tokens=False)
        assert lm.eos_token_id not in ids and lm.tokenizer.decode(ids) == f"a {END} b"
        assert find_files(name)
