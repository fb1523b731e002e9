"""The text tower of `mini`: a small causal transformer in CLIP's shape, distilled from mpnet.

It is initialised as a bag of words: each token embedding is the teacher's embedding of that token,
the first attention layer averages them, and the other layers add almost nothing.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tools.mini.teacher import DIM, Teacher
from tools.mini.training import Training
from zcalc.models.open_clip_model import encode_text

CONTEXT, WIDTH, HEADS, LAYERS = 77, 384, 6, 5
BATCH, PEAK, WARMUP, EVAL_EVERY = 256, 1e-3, 200, 400
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
CONFIG = {
    "embed_dim": DIM,
    "custom_text": True,
    "vision_cfg": {
        "timm_model_name": "zcalc_class_mixture",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "",
        "image_size": 260,
    },
    "text_cfg": {
        "context_length": CONTEXT,
        "hf_tokenizer_name": "local",
        "width": WIDTH,
        "heads": HEADS,
        "layers": LAYERS,
        "pool_type": "eos",
        "pad_id": 0,
        "eos_id": 2,
    },
}
PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}


def make_tokenizer(teacher: Path, folder: Path) -> PreTrainedTokenizerFast:
    """The ASCII part of the teacher's WordPiece vocabulary, saved where open_clip finds it."""
    source = json.loads((teacher / "tokenizer.json").read_text())
    number = source["model"]["vocab"]
    added = {*SPECIAL, *(token["content"] for token in source["added_tokens"])}
    pieces = [t for t in number if t.isascii() and t not in added and not t.startswith("[")]
    tokens = [*SPECIAL, *sorted(pieces, key=number.get)]
    wordpiece = Tokenizer(
        models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="<unk>")
    )
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=True)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    wordpiece.decoder = decoders.WordPiece()
    wordpiece.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=wordpiece,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=CONTEXT,
    )
    tokenizer.save_pretrained(folder)
    ids = tokenizer("Image of a dog.").input_ids
    if tokenizer.decode(ids[1:-1]) != "image of a dog.":
        raise RuntimeError(f"the tokenizer fails its round trip: {ids}")
    return tokenizer


def token_ids(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    """Padded token ids (n, context) of texts."""
    batch = tokenizer(texts, padding="max_length", truncation=True, max_length=CONTEXT)
    return torch.tensor(batch.input_ids)


def build(folder: Path, tokens: int) -> torch.nn.Module:
    """Write mini's open_clip config and have open_clip build the untrained towers."""
    from zcalc.models import open_clip_model  # noqa: F401

    import open_clip  # isort: skip

    text = {**CONFIG["text_cfg"], "vocab_size": tokens}
    document = {"model_cfg": {**CONFIG, "text_cfg": text}, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(document, indent=1) + "\n")
    return open_clip.create_model(f"local-dir:{folder}", load_weights=False)


@torch.no_grad()
def start_as_bag_of_words(text: torch.nn.Module, tokens: list[str], teacher: Teacher) -> None:
    """Initialise each token with the teacher's embedding of it, and layer 0 to average them."""
    rows = torch.from_numpy(teacher(tokens))  # (vocabulary, 384)
    basis = torch.linalg.svd(rows, full_matrices=False).Vh[:WIDTH]  # (width, 384)
    text.token_embedding.weight.copy_(rows @ basis.T * 0.5)
    text.token_embedding.weight[:4] = 0
    text.positional_embedding.mul_(0.3)
    text.text_projection.copy_(basis)
    for block in text.transformer.resblocks:
        block.mlp.c_proj.weight.mul_(0.2)
        block.attn.out_proj.weight.mul_(0.2)
    attention = text.transformer.resblocks[0].attn
    attention.in_proj_weight[: 2 * WIDTH].mul_(0.1)
    attention.in_proj_weight[2 * WIDTH :] = torch.eye(WIDTH)
    attention.out_proj.weight.copy_(torch.eye(WIDTH))


def loss(student: Tensor, teacher: Tensor, mean: Tensor) -> Tensor:
    """(1 - cosine) + half of it after centring + a small in-batch contrastive term.

    Student and teacher are (n, 384), the mean (384,).
    """
    student = F.normalize(student, dim=-1)
    plain = 1 - (student * teacher).sum(-1).mean()
    centred = 1 - F.cosine_similarity(student - mean, teacher - mean).mean()
    logits = student @ teacher.T / 0.05  # (n, n)
    contrast = F.cross_entropy(logits, (teacher @ teacher.T / 0.05).softmax(-1))
    return plain + 0.5 * centred + 0.1 * contrast


class Batches:
    """Batches of texts of similar length, by number; deterministic for a seed."""

    def __init__(self, lengths: np.ndarray, seed: int) -> None:
        self.lengths, self.seed = lengths, seed
        self.per_epoch = len(lengths) // BATCH

    def __getitem__(self, number: int) -> np.ndarray:
        epoch, step = divmod(number, self.per_epoch)
        if getattr(self, "epoch", None) != epoch:
            rng = np.random.default_rng((self.seed, epoch))
            order = rng.permutation(len(self.lengths))
            chunks = np.array_split(order, max(1, len(order) // (BATCH * 64)))
            ordered = np.concatenate(
                [c[np.argsort(self.lengths[c], kind="stable")] for c in chunks]
            )
            batches = ordered[: self.per_epoch * BATCH].reshape(-1, BATCH)
            self.epoch, self.batches = epoch, batches[rng.permutation(len(batches))]
        return self.batches[step]


def train(  # noqa: PLR0913, PLR0917
    model: torch.nn.Module,
    ids: Tensor,
    targets: np.ndarray,
    steps: int,
    checkpoint: Path,
    held_out: dict[str, tuple[Tensor, np.ndarray]],
) -> None:
    """Train on token ids (n, context) and teacher embeddings (n, 384); resumes from `checkpoint`.

    The learning curve, cosines with the teacher on `held_out` texts, goes to a `.tsv` beside it.
    """
    batches = Batches(ids.ne(0).sum(1).numpy(), seed=0)
    mean = torch.from_numpy(targets[::7].astype(np.float32).mean(0))
    training = Training(
        model.text, steps, checkpoint, peak=PEAK, warmup=WARMUP, decay=0.02, no_decay="embedding"
    )
    curve, start = checkpoint.with_suffix(".tsv"), time.monotonic()
    for step in training("text tower"):
        rows = batches[step]
        with torch.autocast("cpu", torch.bfloat16):
            student = encode_text(model, ids[rows])  # (256, 384)
        target = torch.from_numpy(targets[rows].astype(np.float32))
        training.update(loss(student.float(), target, mean))
        if (step + 1) % EVAL_EVERY == 0 or step + 1 in (1, 60) or step + 1 == steps:
            cosines = [cosine(model, *pair) for pair in held_out.values()]
            with curve.open("a", encoding="utf8") as file:
                line = [str(step + 1), f"{time.monotonic() - start:.0f}"]
                file.write("\t".join([*line, *(f"{c:.4f}" for c in cosines)]) + "\n")


def cosine(model: torch.nn.Module, ids: Tensor, teacher: np.ndarray) -> float:
    """Mean cosine of the embedded token ids (n, context) with the teacher's rows (n, 384)."""
    return float((features(model, ids) * torch.from_numpy(teacher)).sum(-1).mean())


@torch.inference_mode()
def features(model: torch.nn.Module, ids: Tensor, batch: int = 256) -> Tensor:
    """Unit embeddings (n, 384) of token ids (n, context)."""
    parts = [F.normalize(encode_text(model, part), dim=-1) for part in ids.split(batch)]
    return torch.cat(parts)
