"""Shared fixtures: everything here is real (files, pictures, the embedded models)."""

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what zcalc caches out of the user's own folder, and share it among the tests."""
    os.environ["ZCALC_CACHE"] = str(tmp_path_factory.mktemp("cache"))
