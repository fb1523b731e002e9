"""The settings of the decoders. A preset overrides the defaults that don't suit its models."""

from dataclasses import dataclass

from zcalc.errors import ZcalcError

# Matches the text of the 917 GPT-2 tokens in the released code's `forbidden_tokens.npy`: integers
# without a leading space ("1990" but not " 1990"), and ( ) , ! : and the newline.
FORBIDDEN = r"0|[1-9][0-9]{0,4}|[(),!:\n]"


class _Validated:
    """Checks of a settings class's fields."""

    def _require(self, name: str, holds: bool, condition: str) -> None:
        if not holds:
            message = f"Invalid decoder setting {name}={getattr(self, name)!r}."
            raise ZcalcError(message, f"{name} must be {condition}.")


@dataclass(frozen=True, kw_only=True)
class RetrieveSettings(_Validated):
    """The settings of `retrieve`: `beams` is the number of sentences to return.

    Raises ZcalcError for an invalid value.

    >>> RetrieveSettings(beams=0)
    Traceback (most recent call last):
        ...
    zcalc.errors.ZcalcError: Invalid decoder setting beams=0.
    beams must be at least 1.
    """

    beams: int = 5

    def __post_init__(self) -> None:
        self._require("beams", self.beams > 0, "at least 1")


@dataclass(frozen=True, kw_only=True)
class DecoderSettings(_Validated):
    """The settings that `zerocap` and `search` share.

    Every caption starts with `prompt`, followed by at most `max_tokens` tokens; `end_token` ends it
    early. CLIP scores the language model's `candidates` likeliest tokens; the cosines are divided
    by `clip_temperature` before the softmax. `clip_weight=0` turns the guidance off. `forbidden` is
    a regular expression; a token is forbidden if it matches the token's whole text. `precision` is
    "fp32" (exact) or "bf16" (matrix products under autocast). `trace` is the number of candidates
    to record for each token (see `caption.Choice`).
    Raises ZcalcError for an invalid value.
    """

    prompt: str = "Image of a"
    beams: int = 5
    max_tokens: int = 15
    candidates: int = 512
    clip_temperature: float = 0.01
    clip_weight: float = 1.0
    end_token: str = "."
    forbidden: str = FORBIDDEN
    precision: str = "fp32"
    trace: int = 0

    def __post_init__(self) -> None:
        for name in ("beams", "max_tokens", "candidates"):
            self._require(name, getattr(self, name) > 0, "at least 1")
        self._require("clip_temperature", self.clip_temperature > 0, "greater than 0")
        self._require("clip_weight", self.clip_weight >= 0, "0 or greater")
        self._require("precision", self.precision in ("fp32", "bf16"), '"fp32" or "bf16"')
        self._require("trace", self.trace >= 0, "0 or greater")


@dataclass(frozen=True, kw_only=True)
class ZeroCapSettings(DecoderSettings):
    """The settings of `zerocap`, with the defaults of the released code (arXiv 2111.14447).

    The cached keys and values take `steps` gradient steps of size `step_size`; each gradient is
    divided by its norm to the power `grad_norm_factor`. `ce_weight` keeps the next-token
    distribution close to the unshifted one; `fusion` is the weight of the shifted distribution in
    the geometric mean of the two. The other factors scale the logits of single tokens (see
    `zerocap.edit_special_tokens`).

    The README of the released code uses `end_factor=1.06, fusion=0.95, grad_norm_factor=0.95` for
    arithmetic, and `end_factor=1.04` with the prompts "Image of" (world knowledge) and "Image of
    text that says".

    >>> ZeroCapSettings(prompt="Image of text that says", end_factor=1.04).steps
    5
    """

    steps: int = 5
    step_size: float = 0.3
    grad_norm_factor: float = 0.9
    ce_weight: float = 0.2
    fusion: float = 0.99
    end_factor: float = 1.01
    first_end_factor: float = 1.6
    forbidden_factor: float = 20.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("steps", self.steps >= 0, "0 or greater")
        self._require("fusion", 0 < self.fusion <= 1, "greater than 0 and at most 1")
        for name in ("end_factor", "first_end_factor", "forbidden_factor", "repetition_penalty"):
            self._require(name, getattr(self, name) > 0, "greater than 0")

    @property
    def guided(self) -> bool:
        """Whether the cache is shifted at all: there are steps, and CLIP has a weight."""
        return self.steps > 0 and self.clip_weight > 0


@dataclass(frozen=True, kw_only=True)
class SearchSettings(DecoderSettings):
    """The settings of `search`; the `proposals` words nearest to the target join the candidates."""

    max_tokens: int = 12
    candidates: int = 64
    clip_temperature: float = 0.05
    forbidden: str = r"\s*[^\w\s.'-]+|\s*\w*[0-9_]\w*|\s*\n\s*"
    proposals: int = 64
