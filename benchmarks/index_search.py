"""Searching an index: overhead, recall, memory and latency, on clustered synthetic vectors.

python benchmarks/index_search.py overhead          100,000 × 512: a query compared to raw faiss
python benchmarks/index_search.py recall [N]        1,000,000 × 512: recall@10 and median latency
python benchmarks/index_search.py large FOLDER [N]  10,000,000 × 512 in an index, searched in 4 GB
"""

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zcalc.index import Entry, Index, save
from zcalc.index.query import Local, Query, nearest
from zcalc.index.structure import Structure

DIM = 512
BLOCK = 65_536
QUERIES = 200


class Clustered:
    """Synthetic embeddings: themes of about 10,000 vectors, in about 100 groups of about 100.

    A vector is unit(theme + 0.7 group + 0.5 noise), all three random directions; the sizes of
    themes and groups are lognormal. Cosines are about 0.86 within a group, 0.57 within a theme,
    else 0. Block `i` of the rows depends only on the seed and `i`.
    """

    def __init__(self, n: int, dim: int = DIM, seed: int = 0) -> None:
        self.n, self.dim, self.seed = n, dim, seed
        rng = np.random.default_rng(seed)
        themes = max(1, n // 10_000)
        self.themes = directions(rng, themes, dim)  # (t, d)
        self.groups = directions(rng, 100 * themes, dim)  # (g, d)
        theme_sizes = np.repeat(rng.lognormal(0, 0.7, themes), 100)
        sizes = theme_sizes * rng.lognormal(0, 0.7, len(self.groups))
        self.cumulative = sizes.cumsum() / sizes.sum()  # (g,)

    def draw(self, count: int, block: int) -> np.ndarray:
        """Unit vectors (count, d) float32."""
        rng = np.random.default_rng((self.seed, block + 1))
        group = np.searchsorted(self.cumulative, rng.random(count, dtype=np.float32))
        group = np.minimum(group, len(self.groups) - 1)
        rows = directions(rng, count, self.dim)
        rows *= 0.5
        rows += 0.7 * self.groups[group]
        rows += self.themes[group // 100]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def blocks(self) -> Iterator[np.ndarray]:
        """All rows, block by block."""
        for start in range(0, self.n, BLOCK):
            yield self.draw(min(BLOCK, self.n - start), start // BLOCK)

    def queries(self, count: int) -> np.ndarray:
        """Held-out vectors (count, d) of the same distribution."""
        return self.draw(count, 1 << 30)


def directions(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Random unit vectors (n, d)."""
    rows = rng.standard_normal((n, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def milliseconds(function: Callable[[], Any]) -> float:
    """Wall time of one call, in milliseconds."""
    start = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - start)


def exact_top_10(data: Clustered, queries: np.ndarray) -> np.ndarray:
    """The exact nearest rows (q, 10) of queries (q, d)."""
    best, rows, first = np.full((len(queries), 10), -2.0), np.full((len(queries), 10), -1), 0
    for block in data.blocks():
        scores = np.hstack([best, queries @ block.T])  # (q, 10 + m)
        numbers = np.hstack(
            [rows, np.broadcast_to(np.arange(len(block)) + first, scores[:, 10:].shape)]
        )
        top = np.argpartition(-scores, 9, axis=1)[:, :10]
        best, rows = (np.take_along_axis(a, top, axis=1) for a in (scores, numbers))
        first += len(block)
    return rows


def recall(rows: np.ndarray, exact: np.ndarray) -> float:
    """Recall@10 of rows (q, 10)."""
    hits = [len(np.intersect1d(a, b)) for a, b in zip(rows, exact, strict=True)]
    return float(np.mean(hits) / 10)


def overhead() -> None:
    """Compare a whole query on an index opened from its folder with the bare faiss call."""
    import faiss

    data = Clustered(100_000)
    rows = np.concatenate(list(data.blocks()))
    entries = [Entry(f"p{i}", f"/p/{i}.jpg", 1, 1, f"{i:064x}") for i in range(len(rows))]
    with tempfile.TemporaryDirectory() as folder:
        save(Index.of("synthetic", rows, entries), Path(folder, "i.zidx"))
        index = Index.open(Path(folder, "i.zidx"))
        flat = faiss.IndexFlatIP(DIM)
        flat.add(rows)
        pictures, query = Local(index), Query(10)
        latencies: dict[str, list[float]] = {"faiss": [], "index.search": [], "nearest": []}
        for target in data.queries(QUERIES + 5):
            latencies["faiss"].append(milliseconds(lambda q=target: flat.search(q[None], 10)))
            latencies["index.search"].append(milliseconds(lambda q=target: index.search(q, 10)))
            latencies["nearest"].append(milliseconds(lambda q=target: nearest(pictures, q, query)))
    print("100,000 × 512, single queries: median, and 10 % quantile (less affected by other load)")
    for name, times in latencies.items():
        cells = []
        for quantile in (0.5, 0.1):
            base, time_ = (float(np.quantile(t[5:], quantile)) for t in (latencies["faiss"], times))
            cells.append(f"{time_:8.3f} ms  {time_ - base:+7.3f} ms  {time_ / base - 1:+6.1%}")
        print(f"{name:14}" + "  |".join(cells))


def in_memory(n: int) -> None:
    """Measure the build time, recall@10 and latency of a structure in memory."""
    data = Clustered(n)
    rows = np.empty((n, DIM), np.float16)
    for i, block in enumerate(data.blocks()):
        rows[i * BLOCK : i * BLOCK + len(block)] = block
    start = time.process_time()
    structure = Structure.build(rows)
    print(f"{structure.kind}: built in {time.process_time() - start:.0f} s of CPU time,", end=" ")
    print(f"{structure.memory / 1e6:.0f} MB, self-measured recall@10 {structure.recall:.3f}")
    report(structure.search, data)


def report(search: Callable[[np.ndarray, int], Any], data: Clustered) -> None:
    """Print recall@10 and latency on held-out queries."""
    queries = data.queries(QUERIES)
    exact = exact_top_10(data, queries)
    cold, rows = [], []
    for query in queries:
        start = time.perf_counter()
        rows.append(search(query[None], 10)[1][0])
        cold.append(1e3 * (time.perf_counter() - start))
    warm = [milliseconds(lambda q=q: search(q[None], 10)) for q in queries]
    print(f"recall@10 {recall(np.array(rows), exact):.4f} on {QUERIES} held-out queries")
    print(f"median latency {statistics.median(cold):.2f} ms cold,", end=" ")
    print(f"{statistics.median(warm):.2f} ms warm (p95 {np.quantile(warm, 0.95):.2f})")
    batch = milliseconds(lambda: search(queries, 10)) / len(queries)
    print(f"in a batch of {QUERIES}: {batch:.2f} ms per query")


def large(folder: Path, n: int) -> None:
    """Open and search an index of `n` float16 vectors, writing it first if it does not exist."""
    data, budget = Clustered(n), 4_000_000_000
    if not folder.exists():
        _write(data, folder, budget)
    opened = milliseconds(lambda: Index.open(folder))
    index = Index.open(folder)
    print(f"{len(index):,} vectors, opened in {opened / 1e3:.2f} s")
    first = milliseconds(lambda: index.structure)
    structure = index.structure
    print(
        f"{structure.kind}, ready in {first / 1e3:.2f} s, {structure.memory / 1e9:.2f} GB,", end=" "
    )
    print(f"self-measured recall@10 {structure.recall}")
    report(index.search, data)
    pictures = Local(index)
    targets = data.queries(QUERIES)
    times = [milliseconds(lambda q=q: nearest(pictures, q, Query(10))) for q in targets]
    print(f"whole query, including names and files: {statistics.median(times):.2f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    anonymous = _anonymous_memory()
    print(f"memory: {anonymous:.2f} GB anonymous; peak {peak:.2f} GB including mapped files")


def _anonymous_memory() -> float:
    """Gigabytes of this process that are not backed by files."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e6


def _write(data: Clustered, folder: Path, budget: int) -> None:
    """Write an index in parts of 131,072 rows, as a build does."""
    from zcalc.index.manifest import Manifest
    from zcalc.index.writer import Writer

    parts, blocks, first = [], [], 0
    start = time.perf_counter()
    with Writer(folder) as writer:
        for block in data.blocks():
            blocks.append(block.astype(np.float16))
            if len(blocks) == 2 or first + sum(map(len, blocks)) == data.n:
                rows = np.concatenate(blocks)
                parts.append(writer.put(rows, _table(first, len(rows))))
                first, blocks = first + len(rows), []
        writer.commit(Manifest("synthetic", DIM, "float16", (), tuple(parts), memory=budget))
    print(f"written in {time.perf_counter() - start:.0f} s")


def _table(first: int, count: int) -> pa.Table:
    """The table of rows from `first` on."""
    numbers = np.arange(first, first + count)
    texts = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 8, "0")
    hashes = np.zeros((count, 32), np.uint8)
    hashes[:, :8] = numbers.view(np.uint8).reshape(count, 8)
    binary = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(32), count, [None, pa.py_buffer(hashes)]
    )
    return pa.table(
        {
            "name": texts,
            "path": pc.binary_join_element_wise("/pictures/", texts, ".jpg", ""),
            "size": numbers,
            "mtime_ns": numbers,
            "sha256": binary,
        }
    )


if __name__ == "__main__":
    benchmark, *rest = sys.argv[1:] or ["overhead"]
    if benchmark == "overhead":
        overhead()
    elif benchmark == "recall":
        in_memory(int(rest[0]) if rest else 1_000_000)
    else:
        large(Path(rest[0]), int(rest[1]) if rest[1:] else 10_000_000)
