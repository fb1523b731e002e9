"""Search structures: the same as comparing all, or a measured share of it; sizes and memory."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Entry, Index, Named, save, update
from zcalc.index import structure as structures
from zcalc.index.memory import amount, bytes_of, choose, plans
from zcalc.index.structure import Structure

SETS = 2_000 if os.environ.get("ZCALC_SOAK") else 200


def brute(rows: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = queries @ rows.T  # (q, n)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def vectors(random: np.random.Generator, n: int, dim: int) -> np.ndarray:
    return unit(random.normal(size=(n, dim))).astype(np.float32)


def clustered(n: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    middles = vectors(random, max(2, n // 100), dim)
    own = middles[random.integers(0, len(middles), n)]
    return unit(own + 0.5 * vectors(random, n, dim)).astype(np.float32)


def same(index: Index, rows: dict[str, np.ndarray], random: np.random.Generator) -> None:
    """Compare an index with NumPy over the vectors that it should have, by name."""
    names = list(rows)
    stack = np.stack([rows[name] for name in names])
    queries = vectors(random, 3, stack.shape[1])
    k = int(random.integers(1, 12))
    wanted, order = brute(stack, queries, k)
    scores, found = index.search(queries, k)
    filled = min(k, len(names))
    assert (found[:, filled:] == -1).all() and np.isneginf(scores[:, filled:]).all()
    np.testing.assert_allclose(scores[:, :filled], wanted, atol=1e-5)
    for got, best in zip(found[:, :filled], order, strict=True):
        assert [index.entry(int(row)).name for row in got] == [names[i] for i in best]


def test_random_sets_with_adds_and_removes(tmp_path: Path) -> None:
    """Row 6: in memory, and saved and opened again, after every change."""
    random = np.random.default_rng(6)
    for number in range(SETS):
        dim, rows, folder = int(random.integers(2, 48)), {}, tmp_path / f"{number}.zidx"
        for step in range(3):
            for name in random.permutation(list(rows))[: int(random.integers(0, len(rows) + 1))]:
                del rows[name]
            for i in range(int(random.integers(1, 30))):
                rows[f"{step}-{i}"] = vectors(random, 1, dim)[0]
            entries = [Entry(name, f"/{name}", 1, 1, f"{hash(name) & 0xFF:064x}") for name in rows]
            index = Index.of("hash-1", np.stack(list(rows.values())), entries)
            same(index, rows, random)
            if number % 20 == 0:
                save(index, folder)
                same(Index.open(folder), rows, random)


def test_updates_of_real_folders_search_like_numpy(tmp_path: Path) -> None:
    """Row 6 again, through update: pictures are added and taken away, and parts compacted."""
    random = np.random.default_rng(7)
    encoder, out, photos = HashEncoder(), tmp_path / "p.zidx", tmp_path / "photos"
    for step in range(4):
        for i in range(6):
            colour = tuple(int(c) for c in random.integers(0, 256, 3))
            save_photo(photos / f"{step}-{i}.png", colour)
        for file in sorted(photos.iterdir())[:: int(random.integers(3, 6))]:
            file.unlink()
        index, _ = update(Named(Gallery([photos])), encoder, out)
        rows = unit(np.asarray(index.vectors))
        named = {index.entry(i).name: row for i, row in enumerate(rows)}
        assert set(named) == {file.stem for file in photos.iterdir()}
        queries = vectors(random, 2, encoder.dim)
        scores, _ = Index.open(out).search(queries, 5)
        wanted = brute(rows, queries, 5)[0]
        np.testing.assert_allclose(scores[:, : wanted.shape[1]], wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_exact_among_some_rows(dtype: str) -> None:
    random = np.random.default_rng(1)
    rows = vectors(random, 300, 16).astype(dtype)
    made = Structure.build(rows)
    assert (made.kind, made.recall, made.memory) == ("exact", None, 300 * 16 * 4)
    queries, full = vectors(random, 4, 16), rows.astype(np.float32)
    for within in (np.arange(0, 300, 7), np.array([5]), np.array([9, 3, 3])):
        scores, found = made.search(queries, 6, within)
        some = np.unique(within)
        wanted, order = brute(full[some], queries, 6)
        np.testing.assert_allclose(scores[:, : len(some)], wanted, atol=1e-5)
        assert (found[:, : len(some)] == some[order]).all()
        assert (found[:, len(some) :] == -1).all()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return clustered(20_000)


KINDS = [plan.kind for plan in plans(20_000, 32)]


@pytest.mark.parametrize("kind", KINDS[1:])
def test_each_structure_finds_what_it_says(rows: np.ndarray, kind: str) -> None:
    plan = next(plan for plan in plans(20_000, 32) if plan.kind == kind)
    made = Structure.build(rows, plan.memory)
    assert made.kind == kind and made.memory <= plan.memory
    assert made.recall is not None and made.recall >= 0.9
    queries = clustered(100, seed=3)
    order = brute(rows, queries, 10)[1]
    scores, found = made.search(queries, 10)
    recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, order, strict=True)]) / 10
    assert recall >= 0.75
    here = np.take_along_axis(queries @ rows.T, found, axis=1)
    np.testing.assert_allclose(scores, here, atol=1e-5)  # scores are those of the full vectors
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    one = made.search(queries[:1], 10)
    np.testing.assert_array_equal(one[1][0], found[0])
    again = Structure.from_bytes(made.to_bytes(), rows, plan.memory)
    np.testing.assert_array_equal(again.search(queries, 10)[1], found)
    assert (again.kind, again.recall) == (kind, pytest.approx(made.recall, abs=1e-3))
    size = len(made.to_bytes())
    assert 0.5 * size < made.memory < 2 * size, "the memory it says is about what it takes"


def test_structures_among_some_rows(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Structure.build(rows, plans(20_000, 32)[1].memory)
    queries = clustered(20, seed=4)
    for within in (np.arange(0, 20_000, 5), np.arange(100), np.array([7])):
        monkeypatch.setattr(structures, "FEW", 50)
        found = made.search(queries, 10, within)[1]
        known = found[found >= 0]
        assert np.isin(known, within).all()
        k = min(10, len(within))
        order = within[brute(rows[within], queries, k)[1]]
        hits = [len(np.intersect1d(a, b)) for a, b in zip(found, order, strict=True)]
        assert np.mean(hits) / k >= 0.9


def test_bytes_of_something_else_are_refused(rows: np.ndarray) -> None:
    small = Structure.build(rows[:50])
    with pytest.raises(ValueError, match="other vectors"):
        Structure.from_bytes(small.to_bytes(), rows)
    made = Structure.build(rows, plans(20_000, 32)[1].memory)
    with pytest.raises(ValueError, match="more memory"):
        Structure.from_bytes(made.to_bytes(), rows, 1000)


@pytest.mark.parametrize(
    ("n", "memory", "kind"),
    [
        (1, None, "exact"),
        (100_000, None, "exact"),
        (100_001, None, "IVF1024,SQ8 re-ranked"),
        (1_000_000, None, "IVF4096,SQ8 re-ranked"),
        (1_000_000, 200_000_000, "IVF4096,PQ256x4 re-ranked"),
        (10_000_000, 4_000_000_000, "IVF16384,PQ256x4 re-ranked"),
        (10_000_000, 1_000_000_000, "IVF16384,PQ128x4 re-ranked"),
        (10_000_000, 500_000_000, "IVF16384,PQ64x4 re-ranked"),
    ],
)
def test_which_structure_for_which_size(n: int, memory: int | None, kind: str) -> None:
    plan = choose(n, 512, memory)
    assert plan.kind == kind
    assert memory is None or plan.memory <= memory


def test_too_little_memory_says_how_much_it_takes() -> None:
    with pytest.raises(ZcalcError, match=r"cannot be searched in 100 MB") as error:
        choose(10_000_000, 512, 100_000_000)
    assert "at least 4" in error.value.hint and "MB" in error.value.hint


@pytest.mark.parametrize("text", ["", "4", "4 GB", "0.5TiB", "12kb"])
def test_amounts_of_memory(text: str) -> None:
    if text:
        assert bytes_of(text) > 0
    for bad in ("GB", "-1GB", "4XB", "1e3GB", "0", "٤GB", "4GB;", "nan"):
        with pytest.raises(ZcalcError, match="no amount of memory"):
            bytes_of(bad)
    assert amount(bytes_of("4GB")) == "4 GB"
