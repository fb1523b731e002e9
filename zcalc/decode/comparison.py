"""Captions of one expression side by side: by decoder, and by what the decoder writes toward."""

from dataclasses import dataclass
from typing import Any

from zcalc import hooks
from zcalc.decode.caption import Caption


@dataclass(frozen=True, slots=True)
class ComparedCaption:
    """One caption of a comparison.

    `mode` is "vectors" or "scores"; `cosine` is the caption's with the result's vector in either
    mode; `seconds` is how long decoding took.
    """

    method: str
    mode: str
    caption: Caption
    cosine: float
    seconds: float


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """The captions of several decoders for one expression; a notebook shows them as a table."""

    expr: str
    rows: tuple[ComparedCaption, ...]

    def __repr__(self) -> str:
        return hooks.mimebundle(self)["text/plain"]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)
