"""The language model of `mini` without transformers, which takes seconds to import.

transformers loads the same files to the same logits.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from tokenizers import Tokenizer

from zcalc.errors import ZcalcError
from zcalc.models import loading
from zcalc.models.gpt2 import GPT2, KeyValues, Past
from zcalc.models.half import with_half_matrices
from zcalc.models.tokenizer import plain
from zcalc.models.torch_state import Uninitialized, clean_state, lay_out

FOLDER = Path(__file__).parent / "mini" / "lm"
_PREFIX = "transformer."


class MiniLanguageModel:
    """`mini`'s GPT-2 with its tokenizer, as decoders use a `LanguageModel`."""

    def __init__(self, device: str = "auto") -> None:
        self.device = loading.pick_device(device)
        config = json.loads((FOLDER / "config.json").read_bytes())
        with clean_state(self.device.type):
            try:
                with Uninitialized():
                    self.model = GPT2(config)
                state = load_file(FOLDER / "model.safetensors")
                own = {n.removeprefix(_PREFIX): v for n, v in state.items() if _PREFIX in n}
                self.model.load_state_dict(own)
                self.tokenizer = LmTokenizer(FOLDER)
            except (OSError, RuntimeError, ValueError, KeyError) as error:
                raise ZcalcError(
                    f"Can't load the language model in {FOLDER}: {loading.why(error)}",
                    "Install zcalc again.",
                ) from error
            if self.device.type == "cpu":
                lay_out(self.model)
            self.model = self.model.to(self.device).eval().requires_grad_(False)
        self.eos_token_id = self.tokenizer.eos_token_id

    @cached_property
    def half(self) -> Any:
        """The model with matrices in bfloat16, for use under autocast."""
        return with_half_matrices(self.model)

    def cache(self, past: Sequence[KeyValues]) -> Past:
        """Past key values, as the model takes them."""
        return Past(past)


class LmTokenizer:
    """A tokenizer.json with the methods of transformers' tokenizers that decoders call."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = plain(Tokenizer.from_file(str(folder / "tokenizer.json")))
        config = json.loads((folder / "tokenizer_config.json").read_bytes())
        self.bos_token, self.eos_token = config["bos_token"], config["eos_token"]
        vocabulary = self._tokenizer.get_vocab()
        self.bos_token_id: int = vocabulary[self.bos_token]
        self.eos_token_id: int = vocabulary[self.eos_token]

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    def get_vocab(self) -> dict[str, int]:
        """The ids of all tokens."""
        return self._tokenizer.get_vocab()

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Token ids of a text."""
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False, **_: Any) -> str:
        """The text of token ids."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)

    def batch_decode(
        self, rows: Sequence[Sequence[int]], skip_special_tokens: bool = False, **_: Any
    ) -> list[str]:
        """The texts of rows of token ids."""
        return self._tokenizer.decode_batch(
            [list(row) for row in rows], skip_special_tokens=skip_special_tokens
        )
