"""Settings of the decoders; a preset fills in what its pair of models needs."""

from dataclasses import dataclass

from zcalc.errors import ZcalcError

# The 917 GPT-2 tokens of the release's `forbidden_tokens.npy`, told by their text: whole numbers
# glued to the word before them (so "1990" but not " 1990"), and ( ) , ! : and the line break.
FORBIDDEN = r"0|[1-9][0-9]{0,4}|[(),!:\n]"


@dataclass(frozen=True, kw_only=True)
class DecoderSettings:
    """What `zerocap` and `search` have in common.

    `prompt` starts every caption; at most `max_tokens` follow it, or fewer when `end_token` comes.
    `candidates` of the language model's likeliest tokens are scored by CLIP, whose cosines are
    divided by `clip_temperature` before the softmax; `clip_weight` 0 turns the guidance off.
    `precision` "bf16" runs matrix products in bfloat16 (autocast; "fp32" is exact).
    `trace` is how many candidates of each token the beams remember (see `caption.Choice`).
    `forbidden` is a regular expression that the whole text of a token must match to be forbidden.
    Raises ZcalcError when a number makes no sense.
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
        for name in ("beams", "max_tokens", "candidates", "clip_temperature"):
            self._require(name, getattr(self, name) > 0, "more than 0")
        self._require("precision", self.precision in ("fp32", "bf16"), '"fp32" or "bf16"')
        self._require("trace", self.trace >= 0, "0 or more")
        self._require("clip_weight", self.clip_weight >= 0, "0 or more")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ZcalcError(
                f"The decoder's setting {name} is {getattr(self, name)}.",
                f"Give {name} a value of {what}.",
            )


@dataclass(frozen=True, kw_only=True)
class ZeroCapSettings(DecoderSettings):
    """ZeroCap with the defaults of the released code (arXiv 2111.14447).

    `steps` gradient steps of `step_size` move the cached keys and values; each gradient is divided
    by its norm to the power `grad_norm_factor`. `ce_weight` holds the next token near
    the plain distribution; `fusion` is the shifted one's share in the geometric mean of the two.
    The other factors scale raw logits: see `zerocap.edit_special_tokens`.

    The release's README uses `end_factor=1.06, fusion=0.95, grad_norm_factor=0.95` for arithmetic,
    `end_factor=1.04` with the prompts "Image of" (world knowledge) and "Image of text that says".

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
        self._require("steps", self.steps >= 0, "0 or more")
        self._require("fusion", 0 < self.fusion <= 1, "more than 0, up to 1")
        for name in ("end_factor", "first_end_factor", "forbidden_factor", "repetition_penalty"):
            self._require(name, getattr(self, name) > 0, "more than 0")

    @property
    def guided(self) -> bool:
        """Whether anything pulls the language model: no steps or no CLIP weight, no shift."""
        return self.steps > 0 and self.clip_weight > 0


@dataclass(frozen=True, kw_only=True)
class SearchSettings(DecoderSettings):
    """Gradient-free CLIP beam search; `proposals` tokens nearest to the target join the candidates.

    >>> SearchSettings(beams=0)
    Traceback (most recent call last):
        ...
    zcalc.errors.ZcalcError: The decoder's setting beams is 0.
    Give beams a value of more than 0.
    """

    max_tokens: int = 12
    candidates: int = 64
    clip_temperature: float = 0.05
    forbidden: str = r"\s*[^\w\s.'-]+|\s*\w*[0-9_]\w*|\s*\n\s*"
    proposals: int = 64
