"""The teacher of the text tower: all-MiniLM-L6-v2, mean-pooled and normalised."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from tools.mini.progress import progress

DIM, BATCH = 384, 256


class Teacher:
    """all-MiniLM-L6-v2, loaded from a local folder."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()

    @torch.inference_mode()
    def __call__(self, texts: list[str]) -> np.ndarray:
        """Unit embeddings (n, 384) of texts."""
        vectors = np.empty((len(texts), DIM), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(texts), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = self._encode([texts[i] for i in rows])
        return vectors

    def _encode(self, texts: list[str]) -> np.ndarray:
        batch = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model(**batch).last_hidden_state.float()  # (n, tokens, 384)
        mask = batch.attention_mask.unsqueeze(-1)  # (n, tokens, 1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1).numpy()


def embed(teacher: Teacher, texts: list[str], out: Path, chunk: int = 8192) -> np.ndarray:
    """Embed `texts` into the memory-mapped file `out`, (n, 384) float16; resumable."""
    done_file = out.with_suffix(".done")
    done = int(done_file.read_text()) if done_file.exists() and out.exists() else 0
    mode = "r+" if done else "w+"
    table = np.lib.format.open_memmap(out, mode, np.float16, (len(texts), DIM))
    if done < len(texts):
        starts = range(done, len(texts), chunk)
        for start in progress(starts, "teacher", done // chunk, -(-len(texts) // chunk)):
            table[start : start + chunk] = teacher(texts[start : start + chunk])
            table.flush()
            done_file.write_text(str(min(start + chunk, len(texts))))
    return table
