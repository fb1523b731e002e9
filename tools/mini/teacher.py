"""The teacher of the text tower: all-mpnet-base-v2, mean-pooled, reduced to 384 dimensions."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from tools.mini.progress import progress
from zcalc.algebra import unit

DIM, FULL = 384, 768  # dimensions of the space, and of the teacher
BATCH, LONGEST = 128, 128  # texts per forward pass, tokens per text
FITTED = 60_000  # texts that the reduction is fitted on
CHUNK = 8192


class Teacher:
    """all-mpnet-base-v2 in bfloat16, loaded from a local folder.

    `basis` (768, 384), once set, reduces its embeddings.
    """

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder, dtype=torch.bfloat16).eval()
        self.basis: np.ndarray | None = None

    def __call__(self, texts: list[str]) -> np.ndarray:
        """Unit embeddings (n, 384) of texts; (n, 768) as long as there is no basis."""
        rows = self.full(texts)
        return rows if self.basis is None else unit(rows @ self.basis)

    @torch.inference_mode()
    def full(self, texts: list[str]) -> np.ndarray:
        """Unit embeddings (n, 768) of texts, as the teacher has them."""
        ids = self.tokenizer(texts, truncation=True, max_length=LONGEST).input_ids
        vectors = np.empty((len(texts), FULL), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
        for start in range(0, len(texts), BATCH):
            rows = order[start : start + BATCH]
            batch = self.tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            hidden = self.model(**batch).last_hidden_state.float()  # (b, tokens, 768)
            mask = batch.attention_mask.unsqueeze(-1)  # (b, tokens, 1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors[rows] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        return vectors


def embed(teacher: Teacher, texts: list[str], out: Path, chunk: int = CHUNK) -> np.ndarray:
    """Embed `texts` into the memory-mapped file `out`, (n, 768) float16; resumable."""
    done_file = out.with_suffix(".done")
    done = int(done_file.read_text()) if done_file.exists() and out.exists() else 0
    mode = "r+" if done else "w+"
    table = np.lib.format.open_memmap(out, mode, np.float16, (len(texts), FULL))
    if done < len(texts):
        starts = range(done, len(texts), chunk)
        for start in progress(starts, "teacher", done // chunk, -(-len(texts) // chunk)):
            table[start : start + chunk] = teacher.full(texts[start : start + chunk])
            table.flush()
            done_file.write_text(str(min(start + chunk, len(texts))))
    return table


def reduce(teacher: Teacher, rows: np.ndarray, file: Path) -> np.ndarray:
    """Reduce embeddings (n, 768) to (n, 384) float16 of unit length, and so the teacher's later.

    The basis is what keeps most of the rows: their first right singular vectors. It is kept in
    `file`.
    """
    if not file.exists():
        sample = rows[:: max(1, len(rows) // FITTED)].astype(np.float32)
        np.savez(file, basis=np.linalg.svd(sample.T @ sample)[0][:, :DIM])
    teacher.basis = np.load(file)["basis"]
    chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
    return np.concatenate(
        [unit(chunk.astype(np.float32) @ teacher.basis).astype(np.float16) for chunk in chunks]
    )
