"""Encoding through Ray Data on a local Ray gives what the local engine gives, row for row."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc.index import Settings, source_of, update
from zcalc.index.ray_engine import RayEngine

pytest.importorskip("ray", reason="needs zcalc[ray]")


def test_the_same_index_as_the_local_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # workers import helpers
    for i in range(14):
        save_photo(tmp_path / f"p/{i:02}.png", (i * 15, 9, 255 - i))  # type: ignore[arg-type]
    (tmp_path / "p/05 copy.png").write_bytes((tmp_path / "p/05.png").read_bytes())
    (tmp_path / "p/bad.png").write_bytes(b"no picture")
    here, report = update(source_of([tmp_path / "p"]), HashEncoder(), tmp_path / "here")
    there, other = update(source_of([tmp_path / "p"]), HashEncoder(), tmp_path / "there", _on_ray())
    assert there.entries == here.entries and there.skipped == here.skipped and other == report
    np.testing.assert_array_equal(np.asarray(there.vectors), np.asarray(here.vectors))
    assert there.manifest == here.manifest
    (tmp_path / "p/00.png").rename(tmp_path / "p/moved.png")
    save_photo(tmp_path / "p/new.png", "pink")
    _, report = update(source_of([tmp_path / "p"]), HashEncoder(), tmp_path / "there", _on_ray())
    assert (report.moved, report.added, report.encoded) == (1, 1, 1)


def _on_ray() -> Settings:
    return Settings(RayEngine(HashEncoder))
