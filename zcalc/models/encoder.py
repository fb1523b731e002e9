"""The encoder: pictures and texts as points of one space, by any open_clip model."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.models import identity, loading, presets
from zcalc.models.causal import CausalTower
from zcalc.models.checkpoint import Checkpoint, find_checkpoint
from zcalc.models.continuations import SharedPrefixes, WholeTexts
from zcalc.models.text import TokenRows, encode_text, quick_clean
from zcalc.models.torch_state import clean_state
from zcalc.pictures import to_rgb

import open_clip  # isort: skip
import torch  # isort: skip
from torchvision.transforms import Compose, ToTensor  # isort: skip

_Job = tuple[bytes, Callable[[], torch.Tensor]]  # an input's cache key, and what prepares it


class Encoder:
    """An open_clip model with its tokenizer, image transform, and a cache of embeddings.

    `dim` is the length of an embedding, `context_length` the maximum length of a text in tokens,
    `identity` the model's name and a fingerprint of its files, `model` the open_clip module
    (float32, its weights frozen). The `memory` most recently used embeddings are cached by content.

    >>> encoder = Encoder.load("mini")  # doctest: +SKIP
    >>> encoder.texts(["a photo"]).shape  # doctest: +SKIP
    (1, 384)
    """

    memory = 16_384
    text_batch_size = 256

    def __init__(
        self, checkpoint: Checkpoint, name: str, device: torch.device, batch_size: int = 32
    ) -> None:
        model, _, self.transform = open_clip.create_model_and_transforms(
            checkpoint.name, device=device, **checkpoint.arguments
        )
        self._resize, self._normalize = _halves(self.transform)
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = _tokenizer(checkpoint, model.vocab_size)
        self.token_rows = TokenRows(self.tokenizer)
        self.dim = int(checkpoint.config["embed_dim"])
        self.context_length = int(self.tokenizer.context_length)
        self.identity = f"{name}-{checkpoint.fingerprint()}"
        self.device = device
        self.batch_size = batch_size
        self._cache: OrderedDict[bytes, np.ndarray] = OrderedDict()

    @classmethod
    def load(cls, clip: str = "mini", device: str = "auto", batch_size: int = 32) -> "Encoder":
        """Load the encoder of a preset, `open_clip:ARCH/TAG[@REVISION]`, or a model folder.

        Raises ZcalcError if the model is not found, can't be downloaded, or is damaged.
        """
        picked = loading.pick_device(device)
        with clean_state(picked.type), loading.quiet():
            checkpoint = find_checkpoint(clip)
            try:
                encoder = cls(checkpoint, _name(clip), picked, batch_size)
            except Exception as error:
                raise ZcalcError(
                    f"Can't load the model in {checkpoint.weights.parent}: {loading.why(error)}",
                    "Its weights, configuration and tokenizer must be complete and come from the "
                    "same model. Download or save all of them again.",
                ) from error
        identity.cache_identity(clip, encoder.identity, encoder.dim)
        return encoder

    def images(self, pictures: Iterable[Image.Image]) -> np.ndarray:
        """Embed pictures of any size and mode as (n, d) float32, not normalised.

        Each distinct picture is encoded once; an iterator is read a batch at a time.
        """
        return self._embed(self._picture_jobs(pictures), self.model.encode_image, self.batch_size)

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """Resize a picture of any size and mode to the model's pixels, (3, h, w) uint8.

        Thread-safe, and free of torch operators: every thread that calls it would otherwise start
        torch threads that compete with the encoder. `encode` does the rest.
        """
        pixels = np.asarray(self._resize(to_rgb(picture)))  # (h, w, 3)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Embed prepared pictures as (n, d) float32, not normalised, in one batch, uncached."""
        pixels = torch.from_numpy(np.stack(inputs)).to(self.device)  # (n, 3, h, w)
        return self._features(self._normalize(pixels.float().div(255)), self.model.encode_image)

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by to give logits."""
        return float(self.model.logit_scale.detach().exp())

    @property
    def logit_bias(self) -> float | None:
        """What is added to logits, by models trained with a sigmoid (SigLIP); None for others."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach())

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as (n, d) float32, not normalised; each distinct text is encoded once.

        A text longer than the model's context is cut at the end (see `remark`).
        """
        jobs = ((b"t" + t.encode("utf-8", "surrogatepass"), partial(self._ids, t)) for t in texts)
        return self._embed(jobs, partial(encode_text, self.model), self.text_batch_size)

    def token_count(self, text: str) -> int:
        """The length of a text in tokens, including the start and end tokens."""
        return len(self.token_rows([text])[0])

    def remark(self, text: str) -> str | None:
        """What the model misses of a text, for people: its end, or words it has no tokens for."""
        name, shown = self.identity.rpartition("-")[0], loading.shorten(text, 40)
        words = text.split()
        unknown = self._unknown(words)
        if unknown and len(unknown) == len(words):
            hint = " The preset multilingual reads other languages."
            same = f"{name} knows none of “{shown}”: to it, all such texts are the same."
            return same if name == "multilingual" else same + hint
        remarks, count = [], self.token_count(text)
        if count > self.context_length:
            read = f"{name} reads the first {self.context_length}"
            remarks.append(f"“{shown}” is {count} tokens long; {read}.")
        if unknown:
            listed = ", ".join(f"“{loading.shorten(word, 20)}”" for word in unknown[:3])
            remarks.append(f"{name} doesn't know {listed} in “{shown}”.")
        return " ".join(remarks) or None

    def _unknown(self, words: Sequence[str]) -> list[str]:
        """The words all of whose tokens are the tokenizer's unknown token, if it has one."""
        inner: Any = getattr(self.tokenizer, "tokenizer", None)
        unknown = getattr(inner, "unk_token_id", None)
        others = {getattr(inner, f"{kind}_token_id", None) for kind in ("bos", "eos", "pad")}
        if not words or unknown is None or unknown in others:
            return []
        special = set(inner.all_special_ids) - {unknown}
        rows = self.token_rows(words)
        return [w for w, row in zip(words, rows, strict=True) if set(row) - special == {unknown}]

    def tokenize(self, texts: list[str]) -> torch.Tensor:
        """Token ids (n, context) of texts, padded or truncated to the context."""
        return self.tokenizer(texts)

    def text_features(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids (n, context) as (n, d) on the device, without gradients or cache."""
        with clean_state(self.device.type), torch.no_grad():
            return encode_text(self.model, token_ids.to(self.device))

    def continuations(self, prefixes: Sequence[str]) -> SharedPrefixes | WholeTexts:
        """An embedder of texts that begin with these prefixes; a causal tower reads them once."""
        if self._tower is not None:
            return SharedPrefixes(self._tower, self.token_rows, self.context_length, prefixes)

        def fits(text: str) -> bool:
            return self.token_count(text) <= self.context_length

        return WholeTexts(lambda part: self.text_features(self.tokenize(part)), fits)

    @cached_property
    def _tower(self) -> CausalTower | None:
        """The text tower, if it is causal and reads the tokenizer's ids unchanged."""
        mode = getattr(self.tokenizer, "tokenizer_mode", "")
        unchanged = not mode and not getattr(self.tokenizer, "strip_sep_token", False)
        return CausalTower.from_model(self.model) if unchanged else None

    def _ids(self, text: str) -> torch.Tensor:
        return self.tokenize([text])[0]

    def _picture_jobs(self, pictures: Iterable[Image.Image]) -> Iterator[_Job]:
        for picture in pictures:
            rgb = to_rgb(picture)
            key = hashlib.sha256(repr((rgb.mode, rgb.size)).encode())
            key.update(rgb.tobytes())
            yield b"i" + key.digest(), partial(self.transform, rgb)

    def _embed(
        self, jobs: Iterable[_Job], encode: Callable[..., torch.Tensor], size: int
    ) -> np.ndarray:
        keys: list[bytes] = []
        rows: dict[bytes, np.ndarray] = {}
        batch: dict[bytes, torch.Tensor] = {}
        for key, prepare in jobs:
            keys.append(key)
            if key in self._cache:
                self._cache.move_to_end(key)
                rows[key] = self._cache[key]
            elif key not in rows and key not in batch:
                batch[key] = prepare()
                if len(batch) == size:
                    rows |= self._run(batch, encode)
                    batch = {}
        rows |= self._run(batch, encode)
        return np.stack([rows[key] for key in keys]) if keys else np.empty((0, self.dim), "f4")

    def _run(
        self, batch: dict[bytes, torch.Tensor], encode: Callable[..., torch.Tensor]
    ) -> dict[bytes, np.ndarray]:
        if not batch:
            return {}
        features = self._features(torch.stack(list(batch.values())), encode)  # (n, d)
        rows = dict(zip(batch, features, strict=True))
        self._cache |= {key: row.copy() for key, row in rows.items()}
        while len(self._cache) > self.memory:
            self._cache.popitem(last=False)
        return rows

    def _features(self, inputs: torch.Tensor, encode: Callable[..., torch.Tensor]) -> np.ndarray:
        with clean_state(self.device.type), torch.no_grad():
            features = encode(inputs.to(self.device)).float().cpu().numpy()  # (n, d)
        if not np.isfinite(features).all():
            hint = "Its weights are damaged. Download or build the model again."
            raise ZcalcError(f"The embeddings of {self.identity} contain NaN or infinity.", hint)
        return features


def _halves(transform: Compose) -> tuple[Compose, Compose]:
    """The steps of an image transform before and after `ToTensor`."""
    steps = transform.transforms
    middle = next(i for i, step in enumerate(steps) if isinstance(step, ToTensor))
    return Compose(steps[:middle]), Compose(steps[middle + 1 :])


def _tokenizer(checkpoint: Checkpoint, vocabulary: int) -> Any:
    """The tokenizer of a checkpoint; raises ValueError if its ids exceed the model's vocabulary."""
    if checkpoint.tokenizer is None:
        tokenizer = open_clip.get_tokenizer(checkpoint.name)
        tokenizer.clean_fn = quick_clean(tokenizer.clean_fn)
        return tokenizer
    text = checkpoint.config["text_cfg"]
    tokenizer = open_clip.tokenizer.HFTokenizer(
        str(checkpoint.tokenizer),
        context_length=text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
        tokenizer_mode=text.get("tokenizer_mode"),
        **{**(text.get("tokenizer_kwargs") or {}), "trust_remote_code": False},
    )
    if not loading.is_sound(tokenizer.tokenizer, vocabulary):
        raise ValueError("its tokenizer is damaged or belongs to another model")
    tokenizer.clean_fn = quick_clean(tokenizer.clean_fn)
    return tokenizer


def _name(clip: str) -> str:
    """The short name of a model: the preset, ARCH/TAG, or the folder's name."""
    if clip.startswith("open_clip:"):
        return clip.removeprefix("open_clip:").partition("@")[0]
    return clip if clip in presets.PRESETS else Path(clip).resolve().name
