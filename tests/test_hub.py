"""Downloads, against a server that behaves like the model hub in good and in bad ways."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import helpers
from tests.hub_server import COMMIT, Hub, running
from zcalc.errors import ZcalcError
from zcalc.models import hub
from zcalc.models.language_model import LanguageModel
from zcalc.models.lm_files import find_files

LM = "zcalc/tiny-lm"
WEIGHTS = "model.safetensors"

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("repository")
    helpers.save_tiny_gpt2(folder)
    with running() as hub_server:
        hub_server.add(LM, folder)
        yield hub_server


@pytest.fixture
def online(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The server, with an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    server.fault, server.seconds = "", 0.0
    server.served.clear()
    server.tokens.clear()
    return server


def environment(server: Hub, root: Path) -> dict[str, str]:
    """What a process needs to use the server, with a cache of its own."""
    own = {"HF_ENDPOINT": server.url, "HF_HOME": str(root / "hf"), "ZCALC_CACHE": str(root / "z")}
    return {**os.environ, "HF_HUB_OFFLINE": "0", **own}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "zcalc", *arguments]


def error_of(model: str = LM) -> str:
    with pytest.raises(ZcalcError) as caught:
        find_files(model)
    assert caught.value.hint
    return str(caught.value)


def size_of(server: Hub) -> int:
    return len(server.repositories[LM][WEIGHTS])


def test_a_model_is_downloaded_once_checked_and_found_by_the_hubs_own_library(online: Hub) -> None:
    from huggingface_hub import hf_hub_download

    first = LanguageModel.load(LM, "cpu")
    asked = len(online.served)
    assert asked == len({name for name, _ in online.served}) >= 3  # every file once
    again = LanguageModel.load(LM, "cpu")
    assert again.identity == first.identity and len(online.served) == asked
    found = Path(hf_hub_download(LM, WEIGHTS, local_files_only=True))
    assert found.read_bytes() == online.repositories[LM][WEIGHTS]
    assert COMMIT in str(found)


def test_a_pinned_revision_is_downloaded(online: Hub) -> None:
    assert LanguageModel.load(f"{LM}@{COMMIT}", "cpu").identity.startswith("tiny-lm-")


@pytest.mark.parametrize(
    ("fault", "message", "cure"),
    [
        ("gated", "is gated", "Ask at"),
        ("missing", "does not exist on the model hub", "Check the name"),
        ("revision", "has no revision", "commits/main"),
        ("limit", "too many requests", "in 17 seconds"),
        ("broken", "a fault (HTTP 500)", "later"),
        ("token", "refuses your token", "HF_TOKEN"),
    ],
)
def test_every_failure_has_its_own_cure(
    online: Hub, fault: str, message: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    online.fault = fault
    shown = error_of()
    assert message in shown and cure in shown
    assert "Bearer hf_secret" in online.tokens and "hf_secret" not in shown


def test_a_silent_hub_a_closed_port_and_a_wrong_proxy(
    online: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    monkeypatch.setattr(hub, "PATIENCE", 0.3)
    online.fault = "stall"
    assert "stopped answering" in error_of()
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "hf download" in error_of()
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    close_session()
    try:
        assert "The proxy http://127.0.0.1:9" in error_of()
    finally:
        close_session()


def test_offline_says_so(online: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in error_of()
    assert not online.served and not online.tokens


def test_a_corrupt_download_is_refused_and_removed(online: Hub, tmp_path: Path) -> None:
    online.fault = "corrupt"
    assert f"{WEIGHTS} is damaged" in error_of()
    assert not [*tmp_path.rglob(f"*{hub._PART}"), *tmp_path.rglob(WEIGHTS)]
    online.fault = ""
    assert find_files(LM)


def test_a_file_that_went_bad_in_the_cache_is_noticed_before_it_is_used(
    online: Hub, tmp_path: Path
) -> None:
    weights = find_files(LM)[0]
    data = weights.read_bytes()
    blob = weights.resolve()
    blob.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert "is damaged" in error_of()
    assert find_files(LM)[0].read_bytes() == data  # downloaded anew


def test_a_broken_download_goes_on_where_it_ended(online: Hub, tmp_path: Path) -> None:
    online.fault, online.seconds = "cut", 0.2
    assert "connection broke" in error_of()
    part = next((tmp_path / "hub").rglob(f"*{hub._PART}"))
    kept = part.stat().st_size
    assert 0 < kept < size_of(online)
    online.fault, online.seconds = "", 0.0
    assert find_files(LM)
    assert (WEIGHTS, f"bytes={kept}-") in online.served
    assert not part.exists()


def test_a_full_disk_is_noticed_before_the_download(
    online: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    message = error_of()
    assert "100 bytes free" in message and "HF_HOME" in message
    assert not online.served


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_ends_a_download_at_once_and_keeps_what_is_there(
    online: Hub, tmp_path: Path
) -> None:
    online.seconds = 30.0
    env = environment(online, tmp_path)
    child = subprocess.Popen(
        [*helpers.INTERRUPTIBLE, "models", "fetch", LM],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob(f"*{hub._PART}")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, shown = child.communicate(timeout=30)
    assert time.monotonic() - start < 1 and child.returncode == 130
    assert "are kept" in shown and "Traceback" not in shown
    online.seconds = 0.0
    done = subprocess.run(
        command("models", "fetch", LM), env=env, capture_output=True, text=True, check=True
    )
    assert any(asked for name, asked in online.served if name == WEIGHTS)
    assert LM in done.stdout


def test_looking_downloads_nothing_and_models_can_be_fetched_and_removed(
    online: Hub, tmp_path: Path
) -> None:
    env = environment(online, tmp_path)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            command(*arguments), env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    run("models")
    run("models", "--json")
    assert not online.tokens  # not even asked
    assert "MB" in run("models", "fetch", LM) or "kB" in run("models", "fetch", LM)
    assert list(tmp_path.rglob(WEIGHTS))
    assert "Removed" in run("models", "remove", LM)
    assert not list(tmp_path.rglob(WEIGHTS))
    failed = subprocess.run(
        command("models", "remove", LM), env=env, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1 and "not on this machine" in failed.stderr
