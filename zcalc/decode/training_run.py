"""`zcalc decoder train`: embeds captions once, trains a prefix decoder on them, and saves it."""

import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from zcalc.algebra import unit
from zcalc.decode.training import Trainer, TrainingSettings, noisy, perplexity, sentence, token_rows
from zcalc.decode.vocabulary import begin_tokens, positions
from zcalc.errors import ZcalcError
from zcalc.models.loading import quiet
from zcalc.models.prefix import LM, MANIFEST, Memory, PrefixModel, Projector
from zcalc.progress import notice, track
from zcalc.storage import digest
from zcalc.vector_cache import cached_vectors

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder
    from zcalc.models.language_model import LanguageModel

CHUNK = 2048  # captions embedded between two writes to the cache
HELD_OUT, MOST_HELD_OUT = 0.05, 512  # share and number of captions that are not trained on
LONGEST = 40  # tokens of a caption
SMALL = 30_000_000  # parameters: a smaller language model takes a higher learning rate
_UNFINISHED = "unfinished"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a decoder is trained with.

    `noise` is the longest noise on a caption's unit point, `memory` the number of points that
    stand for all captions (clusters, if there are more captions), `length` the number of prefix
    vectors and `hidden` the width of the projector. `rate` is the language model's peak learning
    rate, by default 6e-4 below 30 million parameters and 2e-5 (CapDec's) above.
    """

    steps: int = 2000
    batch: int = 64
    noise: float = 0.8
    rate: float | None = None
    memory: int = 4096
    length: int = 4
    hidden: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "memory", "length", "hidden"):
            if getattr(self, name) < 1:
                raise ZcalcError(f"{name} is {getattr(self, name)}.", "It must be at least 1.")
        if self.noise < 0 or (self.rate is not None and self.rate <= 0):
            raise ZcalcError("Noise or learning rate is negative.", "Give a positive number.")


@dataclass
class TrainingRun:
    """Trains a decoder for `encoder` on `captions` into `folder`; an interrupted run goes on."""

    captions: list[str]
    encoder: "Encoder"
    lm: "LanguageModel"
    folder: Path
    recipe: Recipe

    def __post_init__(self) -> None:
        sentences = list(dict.fromkeys(map(sentence, self.captions)))
        if len(sentences) < 2:
            raise ZcalcError("One caption is too few to train on.", "Give a few hundred or more.")
        random.Random(self.recipe.seed).shuffle(sentences)
        held = min(MOST_HELD_OUT, max(1, int(HELD_OUT * len(sentences))))
        self.held_out, self.sentences = sentences[:held], sentences[held:]
        if (self.folder / MANIFEST).exists():
            raise ZcalcError(
                f"{self.folder} has a finished decoder.", "Choose another folder, or delete it."
            )
        self.unfinished = self.folder / _UNFINISHED
        self._claim()

    def _claim(self) -> None:
        """Begin in the folder, or go on with the same recipe, models and captions."""
        plan = {
            **asdict(self.recipe),
            "encoder": self.encoder.identity,
            "lm": self.lm.identity,
            "captions": digest("\n".join(self.sentences)),
        }
        file = self.unfinished / "plan.json"
        if file.exists() and json.loads(file.read_bytes()) != plan:
            raise ZcalcError(
                f"{self.folder} has an unfinished training with other captions, models or options.",
                f"Repeat that command to finish it, or delete {self.unfinished} to start anew.",
            )
        self.unfinished.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(plan), encoding="utf8")

    def __call__(self) -> PrefixModel:
        """Train and save. Raises KeyboardInterrupt, with the work so far saved, on Ctrl-C."""
        points = torch.from_numpy(self.embedded(self.sentences))  # (n, d)
        held = torch.from_numpy(self.embedded(self.held_out))  # (h, d)
        memory = Memory(clustered(points, self.recipe.memory, self.recipe.seed))
        trainer = self._trainer(points)
        self._train(trainer, held)
        about = {
            "captions": len(self.captions),
            "steps": self.recipe.steps,
            "noise": self.recipe.noise,
            "lm": self.lm.identity,
            "perplexity": round(self._perplexity(trainer, held), 2),
        }
        decoder = PrefixModel(trainer.projector.eval(), memory, self.encoder.identity, about)
        for weights in self.lm.model.parameters():
            weights.data = weights.data.contiguous()
        with quiet():
            self.lm.model.save_pretrained(self.folder / LM)
        self.lm.tokenizer.save_pretrained(self.folder / LM)
        decoder.save(self.folder)
        shutil.rmtree(self.unfinished)
        return decoder

    def embedded(self, texts: list[str]) -> np.ndarray:
        """Unit points (n, d) of texts, in chunks that are cached as they are done."""
        chunks = [texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)]
        rows = [self._chunk(chunk) for chunk in track(chunks, "Embedding the captions (once)")]
        return unit(np.concatenate(rows).astype(np.float32))

    def _chunk(self, texts: list[str]) -> np.ndarray:
        def embed() -> np.ndarray:
            return unit(self.encoder.texts(texts)).astype(np.float16)

        metadata = {"model": self.encoder.identity, "texts": digest("\n".join(texts))}
        return cached_vectors("captions", len(texts), embed, **metadata)

    def _trainer(self, points: Tensor) -> Trainer:
        recipe, model = self.recipe, self.lm.model
        torch.manual_seed(recipe.seed)
        width = model.get_input_embeddings().embedding_dim
        projector = Projector(points.shape[1], width, recipe.length, recipe.hidden)
        small = sum(weights.numel() for weights in model.parameters()) < SMALL
        settings = TrainingSettings(
            steps=recipe.steps,
            batch=recipe.batch,
            rate=recipe.rate or (6e-4 if small else 2e-5),
            seed=recipe.seed,
        )

        def sample(rows: list[int], generator: torch.Generator) -> Tensor:
            return noisy(points[rows], recipe.noise, generator).to(self.lm.device)

        return Trainer(
            model,
            projector.to(self.lm.device),
            self._ids(self.sentences),
            sample,
            settings,
            self.unfinished / "checkpoint.pt",
        )

    def _ids(self, texts: list[str]) -> Tensor:
        """Token ids (n, t), as long as the language model has positions for."""
        room = positions(self.lm)
        longest = min(LONGEST, (room or LONGEST + self.recipe.length) - self.recipe.length)
        return token_rows(texts, self.lm.tokenizer, longest, begin_tokens(self.lm)).to(
            self.lm.device
        )

    def _train(self, trainer: Trainer, held: Tensor) -> None:
        if trainer.step:
            notice(f"Going on after step {trainer.step} of {self.recipe.steps}.")
        losses = track(trainer(), "Training", self.recipe.steps - trainer.step, saying=_said)
        try:
            for loss in losses:
                if trainer.step % trainer.settings.save_every == 0:
                    heard = self._perplexity(trainer, held)
                    notice(
                        f"Step {trainer.step} of {self.recipe.steps}: loss {loss:.2f}, "
                        f"held-out perplexity {heard:.1f}."
                    )
        except KeyboardInterrupt:
            trainer.save()
            notice(f"Stopped after step {trainer.step}. Run the same command again to go on.")
            raise

    def _perplexity(self, trainer: Trainer, held: Tensor) -> float:
        """The perplexity of the captions that are not trained on."""
        ids = self._ids(self.held_out)
        trainer.model.eval()
        value = perplexity(trainer.model, trainer.projector, ids, held.to(ids.device))
        trainer.model.train()
        return value


def clustered(points: Tensor, count: int, seed: int = 0) -> Tensor:
    """At most `count` unit points (m, d) that stand for unit points (n, d): k-means centroids."""
    if len(points) <= count:
        return points
    import faiss

    kmeans = faiss.Kmeans(
        points.shape[1],
        count,
        niter=10,
        seed=seed + 1,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=max(1, len(points) // count + 1),
    )
    kmeans.train(points.numpy())
    return torch.from_numpy(unit(np.asarray(kmeans.centroids)))


def _said(loss: float) -> str:
    return f"loss {loss:.2f}"
