"""The settings of the decoders. A preset overrides the defaults that don't suit its models."""

from dataclasses import dataclass

from zcalc.decode.fields import Checked, setting

# Matches the text of the 917 GPT-2 tokens in the released code's `forbidden_tokens.npy`: integers
# without a leading space ("1990" but not " 1990"), and ( ) , ! : and the newline.
FORBIDDEN = r"0|[1-9][0-9]{0,4}|[(),!:\n]"
ENGLISH = "corrects the sentence's English: articles, number, repetitions and how it ends"


@dataclass(frozen=True, kw_only=True)
class RetrieveSettings(Checked):
    """The settings of `retrieve`.

    Raises ZcalcError for an invalid value.

    >>> RetrieveSettings(beams=0)
    Traceback (most recent call last):
        ...
    zcalc.decode.fields.SettingError: Invalid decoder setting beams=0.
    beams must be a whole number, at least 1: the number of sentences.
    """

    beams: int = setting(5, "the number of sentences", least=1)
    english: bool = setting(True, ENGLISH)
    diversity: float = setting(
        0.0,
        "how much of its cosine with a sentence before it a sentence loses (maximal marginal "
        "relevance)",
        least=0,
        most=1,
    )


@dataclass(frozen=True, kw_only=True)
class DecoderSettings(Checked):
    """The settings that `zerocap`, `search` and `prefix` share.

    Raises ZcalcError for an invalid value.
    """

    prompt: str = setting("Image of a", "how every caption starts")
    beams: int = setting(5, "the number of sentences that are written side by side", least=1)
    max_tokens: int = setting(15, "the most tokens after the prompt", least=1)
    candidates: int = setting(
        512, "how many of the language model's likeliest tokens CLIP scores", least=1
    )
    clip_temperature: float = setting(
        0.01, "what cosines are divided by before their softmax", above=0
    )
    clip_weight: float = setting(1.0, "the weight of CLIP's guidance; 0 turns it off", least=0)
    end_token: str = setting(".", "the token that ends a caption early")
    forbidden: str = setting(
        FORBIDDEN, "a regular expression of tokens that are never written, matched as a whole"
    )
    precision: str = setting(
        "fp32", "exact, or matrix products in bfloat16", choices=("fp32", "bf16")
    )
    trace: int = setting(0, "how many candidates per token to record in `trace`", least=0)
    diversity: float = setting(
        0.0, "what a word costs, in nats, that another group of beams has (diverse beams)", least=0
    )


@dataclass(frozen=True, kw_only=True)
class ZeroCapSettings(DecoderSettings):
    """The settings of `zerocap`, with the defaults of the released code (arXiv 2111.14447).

    The README of the released code uses `end_factor=1.06, fusion=0.95, grad_norm_factor=0.95` for
    arithmetic, and `end_factor=1.04` with the prompts "Image of" (world knowledge) and "Image of
    text that says".

    >>> ZeroCapSettings(prompt="Image of text that says", end_factor=1.04).steps
    5
    """

    steps: int = setting(5, "gradient steps on the cached keys and values per token", least=0)
    step_size: float = setting(0.3, "the size of a gradient step")
    grad_norm_factor: float = setting(0.9, "the power of its norm that a gradient is divided by")
    ce_weight: float = setting(
        0.2, "the weight of the cross-entropy that keeps the next token's distribution"
    )
    fusion: float = setting(
        0.99,
        "the weight of the shifted distribution in the geometric mean with the unshifted one",
        above=0,
        most=1,
    )
    end_factor: float = setting(1.01, "what scales the end token's logit", above=0)
    first_end_factor: float = setting(1.6, "what divides it at the first token", above=0)
    forbidden_factor: float = setting(20.0, "what divides a forbidden token's logit", above=0)
    repetition_penalty: float = setting(1.0, "what divides a repeated token's logit", above=0)

    @property
    def guided(self) -> bool:
        """Whether the cache is shifted at all: there are steps, and CLIP has a weight."""
        return self.steps > 0 and self.clip_weight > 0


@dataclass(frozen=True, kw_only=True)
class SearchSettings(DecoderSettings):
    """The settings of `search`."""

    max_tokens: int = setting(12, "the most tokens after the prompt", least=1)
    candidates: int = setting(
        64, "how many of the language model's likeliest tokens CLIP scores", least=1
    )
    clip_temperature: float = setting(
        0.05, "what cosines are divided by before their softmax", above=0
    )
    forbidden: str = setting(
        r"\s*[^\w\s.'-]+|\s*\w*[0-9_]\w*|\s*\n\s*",
        "a regular expression of tokens that are never written, matched as a whole",
    )
    proposals: int = setting(64, "how many words nearest to the point join the candidates", least=0)
    keywords: int = setting(1, "how many of the nearest words a sentence may name", least=0)
    keyword_bonus: float = setting(
        0.0, "what each token of one of those words adds, in nats, until one is named", least=0
    )
    english: bool = setting(True, ENGLISH)
    prefix: bool = setting(
        False, "whether the language model reads the point, by the encoder's prefix decoder"
    )
    projection: float = setting(
        1.0,
        "the share, in what the prefix decoder reads, of the point's projection onto captions",
        least=0,
        most=1,
    )
    memory_temperature: float = setting(
        0.06, "what the projection's cosines with captions are divided by", above=0
    )


@dataclass(frozen=True, kw_only=True)
class PrefixSettings(SearchSettings):
    """The settings of `prefix`: those of `search`, by default without CLIP's guidance."""

    prompt: str = setting("A", "how every caption starts")
    max_tokens: int = setting(20, "the most tokens after the prompt", least=1)
    clip_weight: float = setting(0.0, "the weight of CLIP's guidance; 0 turns it off", least=0)
    prefix: bool = setting(True, "always true here")
