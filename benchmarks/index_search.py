"""Searching an index: overhead, recall, memory and time, on clustered synthetic vectors.

python benchmarks/index_search.py overhead          100,000 × 512, a query beside the call of faiss
python benchmarks/index_search.py recall [N]        1,000,000 × 512: recall@10 and median a query
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
ASKED = 200


class Clustered:
    """Synthetic pictures: themes of about 10,000, each of about 100 groups of about 100 vectors.

    A vector is unit(theme + 0.7 group + 0.5 own), all three of them random directions; themes and
    groups are of uneven size (lognormal). Two of a group have a cosine of about 0.86, two of a
    theme 0.57, others 0. Block `i` of the rows depends on the seed and `i` only.
    """

    def __init__(self, n: int, dim: int = DIM, seed: int = 0) -> None:
        self.n, self.dim, self.seed = n, dim, seed
        random = np.random.default_rng(seed)
        themes = max(1, n // 10_000)
        self.themes = directions(random, themes, dim)  # (t, d)
        self.own = directions(random, 100 * themes, dim)  # (g, d)
        uneven = np.repeat(random.lognormal(0, 0.7, themes), 100)
        sizes = uneven * random.lognormal(0, 0.7, len(self.own))
        self.shares = sizes.cumsum() / sizes.sum()  # (g,)

    def draw(self, count: int, block: int) -> np.ndarray:
        """Unit vectors (count, d) float32."""
        random = np.random.default_rng((self.seed, block + 1))
        group = np.searchsorted(self.shares, random.random(count, dtype=np.float32))
        group = np.minimum(group, len(self.own) - 1)
        rows = directions(random, count, self.dim)
        rows *= 0.5
        rows += 0.7 * self.own[group]
        rows += self.themes[group // 100]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def blocks(self) -> Iterator[np.ndarray]:
        """All rows, a block at a time."""
        for start in range(0, self.n, BLOCK):
            yield self.draw(min(BLOCK, self.n - start), start // BLOCK)

    def queries(self, count: int) -> np.ndarray:
        """Vectors (count, d) of the same kind that are not among the rows."""
        return self.draw(count, 1 << 30)


def directions(random: np.random.Generator, n: int, dim: int) -> np.ndarray:
    rows = random.standard_normal((n, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def milliseconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def nearest_ten(made: Clustered, queries: np.ndarray) -> np.ndarray:
    """The true nearest (q, 10) of queries among all rows."""
    best, rows, first = np.full((len(queries), 10), -2.0), np.full((len(queries), 10), -1), 0
    for block in made.blocks():
        scores = np.hstack([best, queries @ block.T])  # (q, 10 + m)
        numbers = np.hstack(
            [rows, np.broadcast_to(np.arange(len(block)) + first, scores[:, 10:].shape)]
        )
        some = np.argpartition(-scores, 9, axis=1)[:, :10]
        best, rows = (np.take_along_axis(a, some, axis=1) for a in (scores, numbers))
        first += len(block)
    return rows


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    return float(
        np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True)]) / 10
    )


def overhead() -> None:
    """The whole query (an index that was opened from its folder) beside the same call of faiss."""
    import faiss

    made = Clustered(100_000)
    rows = np.concatenate(list(made.blocks()))
    entries = [Entry(f"p{i}", f"/p/{i}.jpg", 1, 1, f"{i:064x}") for i in range(len(rows))]
    with tempfile.TemporaryDirectory() as folder:
        save(Index.of("made", rows, entries), Path(folder, "i.zidx"))
        index = Index.open(Path(folder, "i.zidx"))
        flat = faiss.IndexFlatIP(DIM)
        flat.add(rows)
        pictures, query = Local(index), Query(10)
        taken: dict[str, list[float]] = {"faiss": [], "index.search": [], "nearest": []}
        for asked in made.queries(ASKED + 5):
            taken["faiss"].append(milliseconds(lambda q=asked: flat.search(q[None], 10)))
            taken["index.search"].append(milliseconds(lambda q=asked: index.search(q, 10)))
            taken["nearest"].append(milliseconds(lambda q=asked: nearest(pictures, q, query)))
    print(
        "100,000 × 512, single queries: the median, and the 10 % quantile (a busy machine's floor)"
    )
    for name, times in taken.items():
        cells = []
        for quantile in (0.5, 0.1):
            base, own = (float(np.quantile(t[5:], quantile)) for t in (taken["faiss"], times))
            cells.append(f"{own:8.3f} ms  {own - base:+7.3f} ms  {own / base - 1:+6.1%}")
        print(f"{name:14}" + "  |".join(cells))


def in_memory(n: int) -> None:
    """Build, recall@10 against all, and the median of single queries."""
    made = Clustered(n)
    rows = np.empty((n, DIM), np.float16)
    for i, block in enumerate(made.blocks()):
        rows[i * BLOCK : i * BLOCK + len(block)] = block
    begin = time.process_time()
    structure = Structure.build(rows)
    print(f"{structure.kind}: {time.process_time() - begin:.0f} s of processor to build,", end=" ")
    print(f"{structure.memory / 1e6:.0f} MB, recall@10 of its own {structure.recall:.3f}")
    report(structure.search, made)


def report(search: Callable[[np.ndarray, int], Any], made: Clustered) -> None:
    queries = made.queries(ASKED)
    truth = nearest_ten(made, queries)
    taken, found = [], []
    for query in queries:
        begin = time.perf_counter()
        found.append(search(query[None], 10)[1][0])
        taken.append(1e3 * (time.perf_counter() - begin))
    again = [milliseconds(lambda q=q: search(q[None], 10)) for q in queries]
    print(f"recall@10 {recall(np.array(found), truth):.4f} of {ASKED} queries that are not in it")
    print(f"median a query {statistics.median(taken):.2f} ms at first,", end=" ")
    print(f"{statistics.median(again):.2f} ms again (95 % below {np.quantile(again, 0.95):.2f})")
    batch = milliseconds(lambda: search(queries, 10)) / len(queries)
    print(f"in a batch of {ASKED}: {batch:.2f} ms a query")


def large(folder: Path, n: int) -> None:
    """Write an index of `n` float16 vectors where there is none yet, open it, and search it."""
    made, budget = Clustered(n), 4_000_000_000
    if not folder.exists():
        _write(made, folder, budget)
    opened = milliseconds(lambda: Index.open(folder))
    index = Index.open(folder)
    print(f"{len(index):,} vectors, opened in {opened / 1e3:.2f} s")
    first = milliseconds(lambda: index.structure)
    structure = index.structure
    print(
        f"{structure.kind}, ready in {first / 1e3:.2f} s, {structure.memory / 1e9:.2f} GB,", end=" "
    )
    print(f"recall@10 of its own {structure.recall}")
    report(index.search, made)
    pictures = Local(index)
    asked = [milliseconds(lambda q=q: nearest(pictures, q, Query(10))) for q in made.queries(ASKED)]
    print(f"whole query, with names and files looked up: {statistics.median(asked):.2f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    own = _own_memory()
    print(f"memory: {own:.2f} GB of its own, {peak:.2f} GB with the mapped files at most")


def _own_memory() -> float:
    """Gigabytes of this process that are not pages of files."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e6


def _write(made: Clustered, folder: Path, budget: int) -> None:
    """An index with parts of 131,072 rows, as a build writes them."""
    from zcalc.index.manifest import Manifest
    from zcalc.index.writer import Writer

    parts, waiting, first = [], [], 0
    begin = time.perf_counter()
    with Writer(folder) as writer:
        for block in made.blocks():
            waiting.append(block.astype(np.float16))
            if len(waiting) == 2 or first + sum(map(len, waiting)) == made.n:
                rows = np.concatenate(waiting)
                parts.append(writer.put(rows, _table(first, len(rows))))
                first, waiting = first + len(rows), []
        writer.commit(Manifest("made", DIM, "float16", (), tuple(parts), memory=budget))
    print(f"written in {time.perf_counter() - begin:.0f} s")


def _table(first: int, count: int) -> pa.Table:
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
    what, *rest = sys.argv[1:] or ["overhead"]
    if what == "overhead":
        overhead()
    elif what == "recall":
        in_memory(int(rest[0]) if rest else 1_000_000)
    else:
        large(Path(rest[0]), int(rest[1]) if rest[1:] else 10_000_000)
