"""Encoding with Ray Data on a local Ray matches the local engine, row for row."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc.index import Settings, source_of, update
from zcalc.index.ray_engine import RayEngine

pytest.importorskip("ray", reason="needs zcalc[ray]")
pytestmark = pytest.mark.heavy


def test_same_index_as_the_local_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # workers import helpers
    for i in range(14):
        save_photo(tmp_path / f"p/{i:02}.png", (i * 15, 9, 255 - i))  # type: ignore[arg-type]
    (tmp_path / "p/05 copy.png").write_bytes((tmp_path / "p/05.png").read_bytes())
    (tmp_path / "p/bad.png").write_bytes(b"not a picture")
    source, ray_folder = source_of([tmp_path / "p"]), tmp_path / "ray.zidx"
    local, local_report = update(source, HashEncoder(), tmp_path / "local.zidx")
    ray, ray_report = update(source, HashEncoder(), ray_folder, _ray_settings())
    assert ray.entries == local.entries and ray.skipped == local.skipped
    assert ray_report == local_report and ray.manifest == local.manifest
    np.testing.assert_array_equal(np.asarray(ray.vectors), np.asarray(local.vectors))
    (tmp_path / "p/00.png").rename(tmp_path / "p/moved.png")
    save_photo(tmp_path / "p/new.png", "pink")
    _, report = update(source, HashEncoder(), ray_folder, _ray_settings())
    assert (report.moved, report.added, report.encoded) == (1, 1, 1)


def test_same_captions_as_the_local_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    for i in range(9):
        save_photo(tmp_path / f"p/{i}.png", (i // 2 * 40, 9, 9))  # type: ignore[arg-type]
        if i % 3:  # also on one of two equal pictures
            (tmp_path / f"p/{i}.txt").write_text(f"number {i}")
    (tmp_path / "p/0.txt").write_bytes(b"\xff not UTF-8")
    source, captions = source_of([tmp_path / "p"]), {"caption_share": 0.5}
    local, local_report = update(source, HashEncoder(), None, Settings(**captions))
    ray, ray_report = update(source, HashEncoder(), None, _ray_settings(**captions))
    assert ray_report == local_report and local_report.captioned == 6
    assert ray.entries == local.entries and ray.captions == local.captions
    np.testing.assert_array_equal(np.asarray(ray.vectors), np.asarray(local.vectors))


def _ray_settings(**settings: Any) -> Settings:
    return Settings(RayEngine(HashEncoder), **settings)
