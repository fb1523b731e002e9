"""Prefix decoders: a language model that reads a point as prefix vectors (CapDec, DeCap).

A decoder is a folder: `decoder.json`, `prefix.safetensors` (projector and memory) and `lm/`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from zcalc.errors import ZcalcError

MANIFEST, WEIGHTS, LM = "decoder.json", "prefix.safetensors", "lm"
FORMAT = 1


class Projector(nn.Module):
    """Maps unit points (n, d) to prefix vectors (n, length, width) of a language model.

    A perceptron with one hidden layer, as in ClipCap (Mokady et al. 2021, arXiv 2111.09734) and
    CapDec (Nukrai et al. 2022, arXiv 2211.00575).
    """

    def __init__(self, dim: int, width: int, length: int = 4, hidden: int = 512) -> None:
        super().__init__()
        self.length, self.width = length, width
        self.input, self.output = nn.Linear(dim, hidden), nn.Linear(hidden, length * width)

    def forward(self, points: Tensor) -> Tensor:
        """Prefix vectors (n, length, width) of unit points (n, d)."""
        hidden = torch.tanh(self.input(points))  # (n, hidden)
        return self.output(hidden).unflatten(-1, (self.length, self.width))


class Memory:
    """Unit points (m, d) of captions, onto which other points are projected.

    A picture's point lies apart from those of texts. Its projection is their mean weighted by
    softmax(cosine / temperature) (DeCap, Li et al. 2023, arXiv 2303.03032, equation 4).
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def project(self, points: Tensor, temperature: float, share: float = 1.0) -> Tensor:
        """Unit points (n, d): `share` of the projection, the rest the points (n, d) themselves."""
        own = normalize(points, dim=-1)
        if not share or not len(self.points):
            return own
        weights = (own @ self.points.T / temperature).softmax(-1)  # (n, m)
        projected = normalize(weights @ self.points, dim=-1)  # (n, d)
        return normalize(share * projected + (1 - share) * own, dim=-1)


@dataclass(frozen=True, eq=False)
class PrefixModel:
    """The projector and memory of a prefix decoder.

    `encoder` is the identity of the encoder whose points it reads, `about` what is known of its
    training.
    """

    projector: Projector
    memory: Memory
    encoder: str
    about: dict[str, Any]

    @classmethod
    def load(cls, folder: Path, encoder: str, device: torch.device) -> "PrefixModel":
        """Load the decoder in a folder.

        Raises ZcalcError if it is damaged or was trained for another encoder than `encoder`.
        """
        about = manifest(folder)
        if about["encoder"] != encoder:
            raise ZcalcError(
                f"The decoder {folder} reads points of {about['encoder']}, not of {encoder}.",
                "Use it with the encoder that it was trained for, or train one for this encoder: "
                "zcalc decoder train --help",
            )
        try:
            state = load_file(folder / WEIGHTS, str(device))
            memory = state.pop("memory").float()  # (m, d)
            hidden, dim = state["input.weight"].shape
            length = int(about["length"])
            width = len(state["output.weight"]) // length
            projector = Projector(dim, width, length, hidden)
            projector.load_state_dict({name: value.float() for name, value in state.items()})
        except Exception as error:
            raise _damaged(folder, error) from error
        projector = projector.to(device).eval().requires_grad_(False)
        return cls(projector, Memory(memory), encoder, about)

    def save(self, folder: Path) -> None:
        """Write projector, memory and manifest into a folder, in float16."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {**self.projector.state_dict(), "memory": self.memory.points}
        halves = {name: value.half().contiguous().cpu() for name, value in state.items()}
        save_file(halves, folder / WEIGHTS, {"format": "pt"})
        about = {
            **self.about,
            "format": FORMAT,
            "encoder": self.encoder,
            "length": self.projector.length,
        }
        (folder / MANIFEST).write_text(json.dumps(about, indent=2) + "\n", encoding="utf8")

    @property
    def length(self) -> int:
        """The number of prefix vectors."""
        return self.projector.length

    @torch.no_grad()
    def vectors(self, points: Tensor, temperature: float, share: float) -> Tensor:
        """Prefix vectors (n, length, width) of points (n, d); see `Memory.project`.

        Raises ZcalcError for points of another number of dimensions.
        """
        dim = self.memory.points.shape[1]
        if points.shape[1] != dim:
            raise ZcalcError(
                f"The point to decode has {points.shape[1]} dimensions, but the decoder reads "
                f"{dim}.",
                "Decode a point with the model that embedded it.",
            )
        points = points.to(self.memory.points.device)
        return self.projector(self.memory.project(points, temperature, share))


def manifest(folder: Path) -> dict[str, Any]:
    """What `decoder.json` says; raises ZcalcError if the folder has no readable one."""
    try:
        about = json.loads((folder / MANIFEST).read_bytes())
        if about["format"] != FORMAT or not isinstance(about["encoder"], str):
            raise ValueError(f"it has the format {about['format']}")
    except FileNotFoundError as error:
        raise ZcalcError(
            f"{folder} has no {MANIFEST}.", "Give the folder that `zcalc decoder train` wrote."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from error
    return about


def _damaged(folder: Path, error: Exception) -> ZcalcError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ZcalcError(
        f"Can't read the decoder in {folder}: {reason}.",
        f"It needs {MANIFEST}, {WEIGHTS} and the folder {LM}, all of one training. Train it again.",
    )
