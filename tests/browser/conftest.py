"""A real JupyterLab on this machine, and Chromium in front of it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.notebook import Notebook
from tests.server import free_port, wait_for

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("ZCALC_CHROMIUM") or shutil.which("chromium") or ""
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # this machine only
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.heavy)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    with running_browser() as running:
        yield running


@contextmanager
def running_browser() -> Iterator[Any]:
    """Start Chromium; skip the test where Chromium or playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed; install it, or set ZCALC_CHROMIUM to its path")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def jupyter(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab, token included, and the folder of its notebooks."""
    with running_jupyter(tmp_path_factory) as running:
        yield running


@contextmanager
def running_jupyter(folders: Any) -> Iterator[tuple[str, Path]]:
    """Start a JupyterLab that keeps all its files in one temporary folder."""
    home = folders.mktemp("jupyter")
    folder = home / "notebooks"
    folder.mkdir()
    environment = os.environ | {f"JUPYTER_{n}_DIR": str(home / n) for n in ("CONFIG", "RUNTIME")}
    environment |= {"JUPYTER_DATA_DIR": str(home / "data"), "IPYTHONDIR": str(home / "ipython")}
    environment |= {"PYTHONPATH": str(ROOT), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"), "OMP_NUM_THREADS": "1"}
    port = free_port()
    token = secrets.token_hex(8)
    options = [
        f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", "--allow-root",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with (home / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", *options]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/%s?token={token}&reset", folder
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def make(browser: Any, jupyter: tuple[str, Path]) -> Callable[..., Notebook]:
    """A function that opens a notebook with the given cells in a new page."""
    return opener(browser, jupyter)


def opener(browser: Any, jupyter: tuple[str, Path]) -> Callable[..., Notebook]:
    """A function that opens notebooks of `jupyter` in `browser`."""
    address, folder = jupyter

    def open_notebook(
        *cells: str, width: int = 1280, theme: str = "Light", height: int = 1400
    ) -> Notebook:
        _write_settings(folder.parent / "settings", theme)
        name = f"{secrets.token_hex(4)}.ipynb"
        (folder / name).write_text(json.dumps(_document(cells)))
        page = browser.new_page(viewport={"width": width, "height": height})
        return Notebook(page, address % name)

    return open_notebook


@pytest.fixture
def notebook(make: Callable[..., Notebook]) -> Iterator[Callable[..., Notebook]]:
    """`make`, with the pages closed after the test."""
    opened: list[Notebook] = []

    def open_notebook(*cells: str, **options: Any) -> Notebook:
        opened.append(make(*cells, **options))
        return opened[-1]

    yield open_notebook
    for page in opened:
        page.close()


def _document(sources: tuple[str, ...]) -> dict:
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [blank | {"id": f"cell{i}", "source": source} for i, source in enumerate(sources)]
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _write_settings(folder: Path, theme: str) -> None:
    extension = folder / "@jupyterlab/apputils-extension"
    extension.mkdir(parents=True, exist_ok=True)
    settings = {"themes": {"adaptive-theme": True}, "notification": {"fetchNews": "false"}}
    for name, values in settings.items():
        (extension / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
