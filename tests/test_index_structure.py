"""Search structures: exact, or with a measured recall; sizes and memory."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Entry, GallerySource, Index, save, update
from zcalc.index import structure as structures
from zcalc.index.memory import choose, format_bytes, parse_bytes, plans
from zcalc.index.structure import Structure

SETS = 2_000 if os.environ.get("ZCALC_SOAK") else 200


def brute_force(rows: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = queries @ rows.T  # (q, n)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def vectors(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    return unit(rng.normal(size=(n, dim))).astype(np.float32)


def clustered(n: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = vectors(rng, max(2, n // 100), dim)
    labels = rng.integers(0, len(centers), n)
    return unit(centers[labels] + 0.5 * vectors(rng, n, dim)).astype(np.float32)


def assert_like_numpy(index: Index, rows: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Compare the search of an index with NumPy on the vectors it should contain, by name."""
    names = list(rows)
    stack = np.stack([rows[name] for name in names])
    queries = vectors(rng, 3, stack.shape[1])
    k = int(rng.integers(1, 12))
    expected, order = brute_force(stack, queries, k)
    scores, hits = index.search(queries, k)
    filled = min(k, len(names))
    assert (hits[:, filled:] == -1).all() and np.isneginf(scores[:, filled:]).all()
    np.testing.assert_allclose(scores[:, :filled], expected, atol=1e-5)
    for actual, best in zip(hits[:, :filled], order, strict=True):
        assert [index.entry(int(row)).name for row in actual] == [names[i] for i in best]


def test_random_additions_and_removals(tmp_path: Path) -> None:
    """Compare the index after every change, in memory and reopened."""
    rng = np.random.default_rng(6)
    for number in range(SETS):
        dim, rows, folder = int(rng.integers(2, 48)), {}, tmp_path / f"{number}.zidx"
        for step in range(3):
            for name in rng.permutation(list(rows))[: int(rng.integers(0, len(rows) + 1))]:
                del rows[name]
            for i in range(int(rng.integers(1, 30))):
                rows[f"{step}-{i}"] = vectors(rng, 1, dim)[0]
            entries = [Entry(name, f"/{name}", 1, 1, f"{hash(name) & 0xFF:064x}") for name in rows]
            index = Index.of("hash-1", np.stack(list(rows.values())), entries)
            assert_like_numpy(index, rows, rng)
            if number % 20 == 0:
                save(index, folder)
                assert_like_numpy(Index.open(folder), rows, rng)


def test_search_after_updates(tmp_path: Path) -> None:
    """The same through `update`: pictures are added and removed, parts are compacted."""
    rng = np.random.default_rng(7)
    encoder, out, photos = HashEncoder(), tmp_path / "p.zidx", tmp_path / "photos"
    for step in range(4):
        for i in range(6):
            colour = tuple(int(c) for c in rng.integers(0, 256, 3))
            save_photo(photos / f"{step}-{i}.png", colour)
        for file in sorted(photos.iterdir())[:: int(rng.integers(3, 6))]:
            file.unlink()
        index, _ = update(GallerySource(Gallery([photos])), encoder, out)
        rows = unit(np.asarray(index.vectors))
        names = {entry.name for entry in index.entries}
        assert names == {file.stem for file in photos.iterdir()}
        queries = vectors(rng, 2, encoder.dim)
        scores, _ = Index.open(out).search(queries, 5)
        expected = brute_force(rows, queries, 5)[0]
        np.testing.assert_allclose(scores[:, : expected.shape[1]], expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_exact_search_within_rows(dtype: str) -> None:
    rng = np.random.default_rng(1)
    rows = vectors(rng, 300, 16).astype(dtype)
    structure = Structure.build(rows)
    assert (structure.kind, structure.recall, structure.memory) == ("exact", None, 300 * 16 * 4)
    queries, full = vectors(rng, 4, 16), rows.astype(np.float32)
    for within in (np.arange(0, 300, 7), np.array([5]), np.array([9, 3, 3])):
        scores, hits = structure.search(queries, 6, within)
        allowed = np.unique(within)
        n = len(allowed)
        expected, order = brute_force(full[allowed], queries, 6)
        np.testing.assert_allclose(scores[:, :n], expected, atol=1e-5)
        assert (hits[:, :n] == allowed[order]).all() and (hits[:, n:] == -1).all()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return clustered(20_000)


KINDS = [plan.kind for plan in plans(20_000, 32)]


@pytest.mark.parametrize("kind", KINDS[1:])
def test_each_structure_reaches_its_recall(rows: np.ndarray, kind: str) -> None:
    plan = next(plan for plan in plans(20_000, 32) if plan.kind == kind)
    structure = Structure.build(rows, plan.memory)
    assert structure.kind == kind and structure.memory <= plan.memory
    assert structure.recall is not None and structure.recall >= 0.9
    queries = clustered(100, seed=3)
    order = brute_force(rows, queries, 10)[1]
    scores, hits = structure.search(queries, 10)
    recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(hits, order, strict=True)]) / 10
    assert recall >= 0.75
    exact = np.take_along_axis(queries @ rows.T, hits, axis=1)
    np.testing.assert_allclose(scores, exact, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    np.testing.assert_array_equal(structure.search(queries[:1], 10)[1][0], hits[0])
    restored = Structure.from_bytes(structure.to_bytes(), rows, plan.memory)
    np.testing.assert_array_equal(restored.search(queries, 10)[1], hits)
    assert (restored.kind, restored.recall) == (kind, pytest.approx(structure.recall, abs=1e-3))
    size = len(structure.to_bytes())
    assert 0.5 * size < structure.memory < 2 * size, "an estimate"


def test_inverted_lists_within_rows(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    structure = Structure.build(rows, plans(20_000, 32)[1].memory)
    queries = clustered(20, seed=4)
    for within in (np.arange(0, 20_000, 5), np.arange(100), np.array([7])):
        monkeypatch.setattr(structures, "BRUTE_FORCE_ROWS", 50)
        hits = structure.search(queries, 10, within)[1]
        assert np.isin(hits[hits >= 0], within).all()
        k = min(10, len(within))
        order = within[brute_force(rows[within], queries, k)[1]]
        common = [len(np.intersect1d(a, b)) for a, b in zip(hits, order, strict=True)]
        assert np.mean(common) / k >= 0.9


def test_restoring_checks_vectors_and_memory(rows: np.ndarray) -> None:
    small = Structure.build(rows[:50])
    with pytest.raises(ValueError, match="other vectors"):
        Structure.from_bytes(small.to_bytes(), rows)
    structure = Structure.build(rows, plans(20_000, 32)[1].memory)
    with pytest.raises(ValueError, match="more memory"):
        Structure.from_bytes(structure.to_bytes(), rows, 1000)


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
def test_structure_by_size_and_memory(n: int, memory: int | None, kind: str) -> None:
    plan = choose(n, 512, memory)
    assert plan.kind == kind
    assert memory is None or plan.memory <= memory


def test_too_little_memory_is_an_error_with_the_minimum() -> None:
    with pytest.raises(
        ZcalcError, match=r"10,000,000 vectors of 512 dimensions doesn't fit into 100 MB"
    ) as error:
        choose(10_000_000, 512, 100_000_000)
    assert "at least 4" in error.value.hint and "MB" in error.value.hint


@pytest.mark.parametrize("text", ["", "4", "4 GB", "0.5TiB", "12kb"])
def test_amounts_of_memory(text: str) -> None:
    if text:
        assert parse_bytes(text) > 0
    for bad in ("GB", "-1GB", "4XB", "1e3GB", "0", "٤GB", "4GB;", "nan"):
        with pytest.raises(ZcalcError, match="not an amount of memory"):
            parse_bytes(bad)
    assert format_bytes(parse_bytes("4GB")) == "4 GB"
