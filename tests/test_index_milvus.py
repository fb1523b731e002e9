"""An index served from Milvus, tested with the embedded milvus-lite, which has the same client."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from helpers import hash_calculator, save_photo

from zcalc.errors import ZcalcError
from zcalc.index import Index
from zcalc.index.milvus import Served, is_address, push
from zcalc.index.query import Local, Query, nearest

pytestmark = pytest.mark.heavy
needs_milvus = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pymilvus", "milvus_lite")),
    reason="needs pip install 'zcalc[milvus]'",
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    lines = ["path,year,place"]
    for i, name in enumerate(("red", "darkred", "green", "blue", "navy", "o'hara")):
        file = save_photo(tmp_path / "photos" / f"{name}.png", "pink" if "'" in name else name)
        lines.append(f"{file},{2000 + i},{'Rome' if i % 2 else 'Paris'}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    hash_calculator().index(tmp_path / "list.csv", tmp_path / "p.zidx")
    return tmp_path / "p.zidx"


@needs_milvus
def test_same_hits_as_the_folder(index: Path, tmp_path: Path) -> None:
    address = f"milvus:{tmp_path}/served.db/photos"
    local = Index.open(index)
    assert push(local, address) == 6
    assert push(local, address) == 6, "replaces the first push"
    served = Served.open(address, "hash-1")
    assert (len(served), served.dim, served.roots) == (6, local.dim, local.roots)
    np.testing.assert_allclose(served.mean, local.mean, atol=1e-6)
    rng = np.random.default_rng(0)
    for query in (
        Query(3),
        Query(9, where="year > 2002"),
        Query(9, where="year > 2001 and place == 'Rome'"),
        Query(4, fold=0.9),
        Query(4, diversity=0.4),
        Query(9, threshold=0.2),
    ):
        target = np.abs(rng.normal(size=local.dim)).astype(np.float32)
        target /= np.linalg.norm(target)
        in_sql = query if not query.where else Query(9, where=query.where.replace("==", "="))
        expected, actual = nearest(Local(local), target, in_sql), nearest(served, target, query)
        assert [hit.name for hit in actual] == [hit.name for hit in expected]
        assert [h.score for h in actual] == pytest.approx([h.score for h in expected], abs=1e-5)
        for a, b in zip(actual, expected, strict=True):
            assert (a.path, a.missing) == (b.path, False)
            assert {**a.metadata} == {**b.metadata}


@needs_milvus
def test_with_a_calculator(index: Path, tmp_path: Path) -> None:
    address = f"milvus:{tmp_path}/served.db/photos"
    push(Index.open(index), address)
    served, local = hash_calculator(index=address), hash_calculator(index=index)
    expr = 'img(red) + "tea" - img("o\'hara")'
    names = {hit.name for hit in served(expr).nearest(9)}
    assert names == {hit.name for hit in local(expr).nearest(9)}
    assert names == {"darkred", "green", "blue", "navy"}
    assert served.complete("img(nav").options == ("navy)",)
    with pytest.raises(ZcalcError, match="There is no picture called 'rad'"):
        served.gallery.find("rad")
    assert served(expr)._repr_mimebundle_()["text/html"].count("<img") >= 3


@needs_milvus
def test_captions_are_served(index: Path, tmp_path: Path) -> None:
    (tmp_path / "photos/red.txt").write_text("a door")
    hash_calculator(caption_share=0.25).index(tmp_path / "photos", index)
    address = f"milvus:{tmp_path}/served.db/photos"
    push(Index.open(index), address)
    served, local = hash_calculator(index=address), hash_calculator(index=index)
    assert served.share == local.share == 0.25
    assert served.gallery.find("red").caption == "a door"
    assert served.gallery.find("blue").caption is None
    np.testing.assert_array_equal(served("img(red)").vector, local("img(red)").vector)
    (hit,) = served('"tea"').nearest(9, where='caption like "a d%"')
    assert (hit.name, hit.caption, dict(hit.metadata)) == ("red", "a door", {"caption": "a door"})


@needs_milvus
def test_errors(index: Path, tmp_path: Path) -> None:
    address = f"milvus:{tmp_path}/served.db/photos"
    with pytest.raises(ZcalcError, match="There is no collection photos") as error:
        Served.open(address)
    assert "zcalc index push" in error.value.hint
    push(Index.open(index), address)
    with pytest.raises(ZcalcError, match="built with hash-1, not with other"):
        Served.open(address, "other")
    served = Served.open(address)
    with pytest.raises(ZcalcError, match="built with hash-1, not with other"):
        served.require_model("other")
    target = np.eye(served.dim, dtype=np.float32)[0]
    assert (served.find(target, 9, "year > 1) or (row >= -1")[1] >= 0).all()
    for bad in ("year >", "yeer > > 1", ""):
        with pytest.raises(ZcalcError, match=r"The condition .* is invalid"):
            served.find(target, 3, bad)
    served._client.create_collection("mine", dimension=4)
    with pytest.raises(ZcalcError, match="exists and is not an index"):
        push(Index.open(index), f"milvus:{tmp_path}/served.db/mine")
    assert served._client.has_collection("mine")
    with pytest.raises(ZcalcError, match="Can't reach Milvus"):
        Served.open("milvus://127.0.0.1:9/photos")


@pytest.mark.parametrize("bad", ["milvus:", "milvus:photos", "milvus://host:1", "milvus:a.db/b-c"])
def test_addresses(bad: str) -> None:
    assert is_address(bad) and not is_address("milvus") and not is_address("photos.zidx")
    with pytest.raises(ZcalcError, match="is not a Milvus address"):
        Served.open(bad)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymilvus", None)
    with pytest.raises(ZcalcError, match="needs pymilvus, which is not installed") as error:
        Served.open("milvus://127.0.0.1:19530/photos")
    assert "zcalc[milvus]" in error.value.hint
