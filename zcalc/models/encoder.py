"""The encoder: pictures and texts as points of one space."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.models import loading, presets
from zcalc.models.causal import CausalTower
from zcalc.models.checkpoint import Checkpoint, find_checkpoint
from zcalc.models.clip import Clip
from zcalc.models.continuations import SharedPrefixes, WholeTexts
from zcalc.models.identity import cache_identity
from zcalc.models.mini_clip import MiniClip, reads
from zcalc.models.precision import Precision, fitting_batch
from zcalc.models.recent import Recent
from zcalc.models.torch_state import clean_state, out_of_memory
from zcalc.pictures import to_rgb

import torch  # isort: skip

_Job = tuple[bytes, Callable[[], torch.Tensor]]  # an input's cache key, and what prepares it


class Encoder:
    """A CLIP model with a cache of embeddings.

    `dim` is the length of an embedding, `context_length` the maximum length of a text in tokens,
    `identity` the model's name and a fingerprint of its files. The `memory` most recently used
    embeddings are cached by content.

    >>> encoder = Encoder.load("mini")  # doctest: +SKIP
    >>> encoder.texts(["a photo"]).shape  # doctest: +SKIP
    (1, 384)
    """

    memory = 16_384
    text_batch_size = 256

    def __init__(self, clip: Clip, identity: str, batch_size: int | None = None) -> None:
        self.clip, self.identity = clip, identity
        self.batch_size = batch_size or fitting_batch(clip.device)
        self._precision = Precision(clip.device)
        self.dim, self.device = clip.dim, clip.device
        self.context_length = clip.tokenizer.context_length
        self._cache = Recent()

    @classmethod
    def load(
        cls, clip: str = "mini", device: str = "auto", batch_size: int | None = None
    ) -> "Encoder":
        """Load the encoder of a preset, `open_clip:ARCH/TAG[@REVISION]`, or a model folder.

        Pictures are encoded `batch_size` at a time, by default as many as suit the device.
        Raises ZcalcError if the model is not found, can't be downloaded, or is damaged.
        """
        picked = loading.pick_device(device)
        with clean_state(picked.type), loading.quiet():
            checkpoint = find_checkpoint(clip)
            try:
                model = _clip(checkpoint, picked)
                identity = f"{_name(clip)}-{checkpoint.fingerprint()}"
                encoder = cls(model, identity, batch_size)
            except ZcalcError:
                raise
            except Exception as error:
                raise ZcalcError(
                    f"Can't load the model in {checkpoint.weights.parent}: {loading.why(error)}",
                    "Its weights, configuration and tokenizer must be complete and come from the "
                    "same model. Download or save all of them again.",
                ) from error
        cache_identity(clip, encoder.identity, encoder.dim)
        return encoder

    def images(
        self, pictures: Iterable[Image.Image], names: Sequence[str] | None = None
    ) -> np.ndarray:
        """Embed pictures of any size and mode as (n, d) float32, not normalised.

        Each distinct picture is encoded once; an iterator is read a batch at a time. `names` are
        the pictures' for errors. Raises ZcalcError for an embedding that is not finite.
        """
        jobs = self._picture_jobs(pictures)
        rows = self._embed(jobs, self._encode_image, self.batch_size)
        return self._checked(rows, names or [f"picture {i}" for i in range(1, len(rows) + 1)])

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """Resize a picture of any size and mode to the model's pixels, (3, h, w) uint8.

        Thread-safe, and free of torch operators: every thread that calls it would otherwise start
        torch threads that compete with the encoder. `encode` does the rest.
        """
        pixels = np.asarray(self.clip.resize(to_rgb(picture)))  # (h, w, 3)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's input (n, 3, h, w), on the device, of prepared pictures (n, 3, h, w)."""
        return self.clip.normalize(pixels.to(self.device).float().div(255))

    def transform(self, picture: Image.Image) -> torch.Tensor:
        """The model's input (3, h, w), on the device, of a picture of any size and mode."""
        return self.normalize(torch.from_numpy(self.prepare(picture)))

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Embed prepared pictures as (n, d) float32, not normalised, in one batch, uncached."""
        pixels = torch.from_numpy(np.stack(inputs))  # (n, 3, h, w)
        return self._features(self.normalize(pixels), self._encode_image)

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by to give logits."""
        return float(self.clip.logit_scale.exp())

    @property
    def logit_bias(self) -> float | None:
        """What is added to logits, by models trained with a sigmoid (SigLIP); None for others."""
        return None if self.clip.logit_bias is None else float(self.clip.logit_bias)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as (n, d) float32, not normalised; each distinct text is encoded once.

        A text longer than the model's context is cut at the end (see `remark`). Raises ZcalcError
        for an embedding that is not finite.
        """
        jobs = ((b"t" + t.encode("utf-8", "surrogatepass"), partial(self._ids, t)) for t in texts)
        rows = self._embed(jobs, self.clip.encode_text, self.text_batch_size)
        return self._checked(rows, [f"“{loading.shorten(text, 40)}”" for text in texts])

    def token_count(self, text: str) -> int:
        """The length of a text in tokens, including the start and end tokens."""
        return len(self.clip.tokenizer.rows([text])[0])

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
        unknown, special = self.clip.tokenizer.unknown, self.clip.tokenizer.special
        if not words or unknown is None:
            return []
        rows = self.clip.tokenizer.rows(words)
        return [
            word
            for word, row in zip(words, rows, strict=True)
            if set(row) - (special - {unknown}) == {unknown}
        ]

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Token ids (n, context) of texts, padded or truncated to the context."""
        return self.clip.tokenizer(texts)

    def text_features(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids (n, context) as (n, d) on the device, without gradients or cache."""
        with clean_state(self.device.type), torch.no_grad():
            return self.clip.encode_text(token_ids.to(self.device))

    def continuations(self, prefixes: Sequence[str]) -> SharedPrefixes | WholeTexts:
        """An embedder of texts that begin with these prefixes; a causal tower reads them once."""
        if self._tower is not None:
            return SharedPrefixes(
                self._tower, self.clip.tokenizer.rows, self.context_length, prefixes
            )

        def fits(text: str) -> bool:
            return self.token_count(text) <= self.context_length

        return WholeTexts(lambda part: self.text_features(self.tokenize(part)), fits)

    @cached_property
    def _tower(self) -> CausalTower | None:
        return self.clip.causal_tower

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
            if (known := self._cache.get(key)) is not None:
                rows[key] = known
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
        for key, row in rows.items():
            self._cache.put(key, row.copy(), self.memory)
        return rows

    def _encode_image(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._precision(self.clip.encode_image, pixels)

    def _features(self, inputs: torch.Tensor, encode: Callable[..., torch.Tensor]) -> np.ndarray:
        """Embeddings (n, d) of a batch; of its halves, where memory isn't enough for the whole."""
        try:
            with clean_state(self.device.type), torch.no_grad():
                return encode(inputs.to(self.device)).float().cpu().numpy()  # (n, d)
        except RuntimeError as error:
            if len(inputs) == 1 or not out_of_memory(error):
                raise
            self.batch_size = max(1, min(self.batch_size, len(inputs) // 2))
        halves = inputs.split(-(-len(inputs) // 2))
        return np.concatenate([self._features(half, encode) for half in halves])

    def _checked(self, rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The rows (n, d). Raises ZcalcError, naming the first that is not finite."""
        broken = ~np.isfinite(rows).all(axis=1)  # (n,)
        if broken.any():
            name = names[int(broken.argmax())]
            message = f"The embedding of {name} by {self.identity} contains NaN or infinity."
            hint = "The model's weights are damaged, or it overflows. Download or build it again."
            raise ZcalcError(message, hint)
        return rows


def _clip(checkpoint: Checkpoint, device: torch.device) -> Clip:
    if reads(checkpoint):
        return MiniClip(checkpoint, device)
    from zcalc.models.open_clip_model import OpenClip

    return OpenClip(checkpoint, device)


def _name(clip: str) -> str:
    """The short name of a model: the preset, ARCH/TAG, or the folder's name."""
    if clip.startswith("open_clip:"):
        return clip.removeprefix("open_clip:").partition("@")[0]
    return clip if clip in presets.PRESETS else Path(clip).resolve().name
