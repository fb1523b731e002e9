"""The encoder: pictures and texts as points of one space, by any model of open_clip."""

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
from zcalc.models.pictures import to_rgb
from zcalc.models.text import TokenRows, encode_text, quick_clean

import open_clip  # isort: skip
import torch  # isort: skip
from torchvision.transforms import Compose, ToTensor  # isort: skip

_Job = tuple[bytes, Callable[[], torch.Tensor]]  # an input's key, and how to prepare it


class Encoder:
    """A model of open_clip with its tokenizer, its picture transform, and a memory.

    `dim` is the length of an embedding, `context_length` the longest text in tokens, `identity` the
    model's name with a fingerprint of its weights, `model` the open_clip module (float32, no
    gradients for its weights). The last `memory` embeddings are kept, by content.

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
        """Load a preset's encoder, `open_clip:ARCH/TAG[@REVISION]`, or a folder in that format.

        Raises ZcalcError where the model can't be reached or its folder holds something else.
        """
        picked = loading.pick_device(device)
        with loading.quiet():
            checkpoint = find_checkpoint(clip)
            try:
                encoder = cls(checkpoint, _name(clip), picked, batch_size)
            except Exception as error:
                raise ZcalcError(
                    f"The model in {checkpoint.weights.parent} can't be loaded: "
                    f"{loading.why(error)}",
                    "Its weights, configuration and tokenizer must belong together and be whole: "
                    "fetch or save all of them again from one place.",
                ) from error
        identity.remember(clip, encoder.identity, encoder.dim)
        return encoder

    def images(self, pictures: Iterable[Image.Image]) -> np.ndarray:
        """Embed pictures of any size and mode as (n, d) float32, not normalised.

        Each distinct picture is encoded once; an iterator is read a batch at a time.
        """
        return self._embed(self._picture_jobs(pictures), self.model.encode_image, self.batch_size)

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """A picture of any size and mode as the model's pixels, (3, h, w) uint8; from any thread.

        The rest is left to `encode`: torch's own threads, begun by every thread that decodes, would
        stand in the encoder's way.
        """
        pixels = np.asarray(self._resize(to_rgb(picture)))  # (h, w, 3)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Embed prepared pictures as (n, d) float32, not normalised, in one batch and as given."""
        pixels = torch.from_numpy(np.stack(inputs)).to(self.device)  # (n, 3, h, w)
        return self._features(self._normalize(pixels.float().div(255)), self.model.encode_image)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as (n, d) float32, not normalised; each distinct text is encoded once.

        Raises ZcalcError for a text that is longer than the model's context.
        """
        for text in dict.fromkeys(texts):
            count = self.token_count(text)
            if count > self.context_length:
                raise ZcalcError(
                    f"The text {_short(text)!r} is {count} tokens long; {self.identity} reads "
                    f"{self.context_length} at most.",
                    "Shorten it, or add the embeddings of its parts.",
                )
        jobs = ((b"t" + t.encode("utf-8", "surrogatepass"), partial(self._ids, t)) for t in texts)
        return self._embed(jobs, partial(encode_text, self.model), self.text_batch_size)

    def token_count(self, text: str) -> int:
        """The length of a text in tokens, with those for its start and end."""
        return len(self.token_rows([text])[0])

    def tokenize(self, texts: list[str]) -> torch.Tensor:
        """Token ids (n, context) of texts, padded; what is too long is cut at the context."""
        return self.tokenizer(texts)

    def text_features(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids (n, context) as (n, d) on the device, without gradients or memory."""
        with torch.no_grad():
            return encode_text(self.model, token_ids.to(self.device))

    def continuations(self, prefixes: Sequence[str]) -> SharedPrefixes | WholeTexts:
        """What embeds texts that begin with these prefixes; a causal tower reads them once."""
        if self._tower is not None:
            return SharedPrefixes(self._tower, self.token_rows, self.context_length, prefixes)

        def fits(text: str) -> bool:
            return self.token_count(text) <= self.context_length

        return WholeTexts(lambda part: self.text_features(self.tokenize(part)), fits)

    @cached_property
    def _tower(self) -> CausalTower | None:
        """The text tower, if it is causal and its token rows are what it is given."""
        mode = getattr(self.tokenizer, "tokenizer_mode", "")
        plain = not mode and not getattr(self.tokenizer, "strip_sep_token", False)
        return CausalTower.of(self.model) if plain else None

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
        found: dict[bytes, np.ndarray] = {}
        waiting: dict[bytes, torch.Tensor] = {}
        for key, prepare in jobs:
            keys.append(key)
            if key in self._cache:
                self._cache.move_to_end(key)
                found[key] = self._cache[key]
            elif key not in found and key not in waiting:
                waiting[key] = prepare()
                if len(waiting) == size:
                    found |= self._run(waiting, encode)
                    waiting = {}
        found |= self._run(waiting, encode)
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self.dim), "f4")

    def _run(
        self, waiting: dict[bytes, torch.Tensor], encode: Callable[..., torch.Tensor]
    ) -> dict[bytes, np.ndarray]:
        if not waiting:
            return {}
        features = self._features(torch.stack(list(waiting.values())), encode)  # (n, d)
        done = dict(zip(waiting, features, strict=True))
        self._cache |= {key: row.copy() for key, row in done.items()}
        while len(self._cache) > self.memory:
            self._cache.popitem(last=False)
        return done

    def _features(self, inputs: torch.Tensor, encode: Callable[..., torch.Tensor]) -> np.ndarray:
        with torch.no_grad():
            features = encode(inputs.to(self.device)).float().cpu().numpy()  # (n, d)
        if not np.isfinite(features).all():
            hint = "Its weights are damaged: fetch or build the model again."
            raise ZcalcError(f"{self.identity} gives values that are no numbers.", hint)
        return features


def _halves(transform: Compose) -> tuple[Compose, Compose]:
    """A picture transform before and after pixels become fractions."""
    steps = transform.transforms
    middle = next(i for i, step in enumerate(steps) if isinstance(step, ToTensor))
    return Compose(steps[:middle]), Compose(steps[middle + 1 :])


def _tokenizer(checkpoint: Checkpoint, vocabulary: int) -> Any:
    """The tokenizer that belongs to a checkpoint; it must not know more tokens than the model."""
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
        raise ValueError("its tokenizer is broken or belongs to another model")
    tokenizer.clean_fn = quick_clean(tokenizer.clean_fn)
    return tokenizer


def _name(clip: str) -> str:
    """A short name for what was asked for: the preset, ARCH/TAG, or the folder's name."""
    if clip.startswith("open_clip:"):
        return clip.removeprefix("open_clip:").partition("@")[0]
    return clip if clip in presets.PRESETS else Path(clip).resolve().name


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
