"""How much memory a target takes while it is decoded."""

from zcalc.decode.protocols import CausalLM
from zcalc.decode.settings import DecoderSettings

_ROWS = 16  # live rows of vocabulary size a beam: logits, distributions, gradients, scores
_CACHES = 10  # live copies of the cache a beam: unshifted, delta, gradient, sums kept for backward


def bytes_a_target(lm: CausalLM, settings: DecoderSettings) -> int:
    """An upper estimate of what one target takes over the loaded models, in bytes."""
    config = lm.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    positions = settings.max_tokens + len(lm.tokenizer.encode(settings.prompt)) + 1
    cache = 2 * config.num_hidden_layers * heads * width * positions
    return 4 * settings.beams * (_ROWS * config.vocab_size + _CACHES * cache)
