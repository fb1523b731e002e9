"""Run the paper's released code once; `release.py` starts this in an environment of its own.

It writes one line of JSON: the tokens of every beam, seconds and peak memory. The released code
itself is not changed: only what it would download is replaced by the models in a folder.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch


def declare_torchvision_operators() -> None:
    """As `zcalc.models.compat` does, which this environment doesn't have."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_library"] = library  # deleting it would undo the definitions


def language_model(folder: Path) -> tuple[Any, Any]:
    """GPT-2 and its tokenizer, with the one attribute that only slow tokenizers have."""
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(
        str(folder), clean_up_tokenization_spaces=False
    )
    tokenizer.encoder = tokenizer.get_vocab()
    return GPT2LMHeadModel.from_pretrained(str(folder), output_hidden_states=True), tokenizer


def clip_model(folder: Path) -> Any:
    """OpenAI's CLIP in fp32, as it loads itself on a processor, with weights of open_clip."""
    import clip
    from safetensors.torch import load_file

    state = load_file(str(folder / "open_clip_model.safetensors"))
    return clip.model.build_model(state).float()


def main() -> None:
    """Decode one point with the released code."""
    checkout, folder, beams, tokens = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
    declare_torchvision_operators()
    sys.path.insert(0, checkout)
    from model import ZeroCLIP

    lm, tokenizer = language_model(folder / "lm")
    clip = clip_model(folder / "clip")
    ZeroCLIP.GPT2LMHeadModel.from_pretrained = lambda *_, **__: lm
    ZeroCLIP.GPT2Tokenizer.from_pretrained = lambda *_, **__: tokenizer
    ZeroCLIP.clip.load = lambda *_, **__: (clip, None)
    ZeroCLIP.log_info = lambda *_, **__: None
    generator = ZeroCLIP.CLIPTextGenerator(
        target_seq_length=tokens, forbidden_tokens_file_path=str(folder / "forbidden.npy")
    )
    target = torch.from_numpy(np.load(folder / "target.npy"))[None]
    context = tokenizer.encode(tokenizer.bos_token + "Image of a")
    start = time.perf_counter()
    generator.image_features = target
    written, texts = generator.generate_text(context, beams)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    beams_written = sorted(map(tuple, written[:, len(context) :].tolist()))
    print(json.dumps({"tokens": beams_written, "texts": texts, "seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
