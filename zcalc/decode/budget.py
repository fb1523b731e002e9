"""How much memory decoding takes."""

from zcalc.decode.protocols import CausalLM
from zcalc.decode.settings import DecoderSettings

_ROWS = 16  # vectors of vocabulary size per beam: logits, distributions, gradients, scores
_CACHES = 10  # copies of the KV cache per beam: unshifted, delta, gradient, sums for backward


def bytes_per_target(lm: CausalLM, settings: DecoderSettings) -> int:
    """An upper estimate of the memory that decoding one target takes, without the models."""
    config = lm.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    positions = settings.max_tokens + len(lm.tokenizer.encode(settings.prompt)) + 1
    cache = 2 * config.num_hidden_layers * heads * width * positions
    return 4 * settings.beams * (_ROWS * config.vocab_size + _CACHES * cache)
