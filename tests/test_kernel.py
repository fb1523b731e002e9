"""The magics in a real kernel: completion, errors, interrupts, variables, the progress bar."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

pytestmark = pytest.mark.model
TIMEOUT = 120  # seconds


class Kernel:
    """A kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, stop_when: str = "") -> tuple[dict[str, Any], list[Any]]:
        """Run a cell; return reply and outputs. Interrupts once an output contains `stop_when`."""
        outputs: list[dict[str, Any]] = []
        stopped = threading.Event()

        def hook(message: dict[str, Any]) -> None:
            outputs.append(message)
            if stop_when and not stopped.is_set() and stop_when in str(message["content"]):
                stopped.set()
                self.manager.interrupt_kernel()

        reply = self.client.execute_interactive(code, output_hook=hook, timeout=TIMEOUT)
        assert stopped.is_set() or not stop_when, "the cell finished before the interrupt"
        return reply["content"], outputs

    def text(self, code: str, stop_when: str = "") -> str:
        """What a cell prints; the cell must succeed."""
        reply, outputs = self.run(code, stop_when)
        assert reply["status"] == "ok", outputs
        return "".join(o["content"]["text"] for o in outputs if o["msg_type"] == "stream")

    def complete(self, cell: str) -> tuple[list[str], str]:
        """The completions at `|`, and the text they replace."""
        cursor, code = cell.index("|"), cell.replace("|", "", 1)
        reply = self.client.complete(code, cursor, reply=True, timeout=TIMEOUT)["content"]
        assert reply["status"] == "ok"
        return reply["matches"], code[reply["cursor_start"] : reply["cursor_end"]]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel()
    running = Kernel(manager, client)
    try:
        running.text("%load_ext zcalc\nimport zcalc\ncalc = zcalc.load('mini')")
        yield running
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("start", ["%zcalc ", "%%zcalc\n", "%%zcalc -k 3\na = 2\n", "r = %zcalc "])
def test_tab_offers_functions_and_pictures(kernel: Kernel, start: str) -> None:
    functions, replaced = kernel.complete(f"{start}no|")
    assert any(name.startswith("norm") for name in functions) and replaced == "no"
    assert not {"not ", "nonlocal", "not"} & set(functions), functions
    pictures, replaced = kernel.complete(f"{start}img(coff|) + 2")
    assert [name for name in pictures if "coffee" in name] and replaced == "coff"
    assert all(name.startswith("coff") for name in pictures)


def test_tab_still_completes_python(kernel: Kernel) -> None:
    matches, _ = kernel.complete("calc.models.vocab|")
    assert any(name.endswith("vocabulary") for name in matches)
    kernel.text("coffers = 1")
    assert kernel.complete("coff|")[0] == ["coffers"]


@pytest.mark.parametrize("cell", ["%zcalc img(cofee)", "%%zcalc\nimg(cofee)", "calc('img(cofee)')"])
def test_an_error_is_a_caret_and_a_hint(kernel: Kernel, cell: str) -> None:
    reply, outputs = kernel.run(cell)
    assert reply["status"] == "error"
    text = "\n".join(
        "\n".join(o["content"]["traceback"]) for o in outputs if o["msg_type"] == "error"
    )
    assert "^" in text and "Did you mean img(coffee)?" in text
    assert "Traceback" not in text and "site-packages" not in text and "File " not in text


def test_bindings_are_variables(kernel: Kernel) -> None:
    kernel.text('%%zcalc\ntea = img(coffee) - "coffee" + "tea"\nhalf = 1 / 2')
    assert kernel.text("print(type(tea).__name__, float(half))").split() == ["Result", "0.5"]
    assert "tea" in kernel.complete("%zcalc te|")[0]


def test_a_card(kernel: Kernel) -> None:
    _, outputs = kernel.run("%zcalc --no-caption -k 2 img(coffee)")
    (data,) = [o["content"]["data"] for o in outputs if o["msg_type"] == "execute_result"]
    assert (
        data["text/html"].startswith('<div class="zcalc">') and "img(coffee)" in data["text/plain"]
    )


def test_an_interrupted_caption_is_kept(kernel: Kernel) -> None:
    code = (
        "from dataclasses import replace\n"
        "calc = replace(calc, seed=calc.seed + 1)\n"
        "c = calc('img(coffee)').caption('zerocap', beams=5, max_tokens=15)\n"
        "print(repr(c.text))"
    )
    began = time.monotonic()
    text = kernel.text(code, stop_when="of 15")
    assert len(text.strip().strip("'")) > 0 and time.monotonic() - began < TIMEOUT


def test_interrupted_captions_are_the_finished_ones(kernel: Kernel) -> None:
    kernel.text("names = [p.name for p in calc.gallery][:40]")
    code = (
        "c = calc.captions([calc.img(n) for n in names], budget=1)\n"
        "assert all(caption.text for caption in c)\nprint(len(c), len(names))"
    )
    finished, total = map(int, kernel.text(code, stop_when=" of ").split())
    assert 0 < finished < total


def test_the_progress_bar_is_cleared(kernel: Kernel) -> None:
    code = (
        "import time\nfrom zcalc.progress import track\n"
        "for i in track(range(8), 'Counting'):\n    time.sleep(0.2)"
    )
    _, outputs = kernel.run(code)
    displays: dict[str, dict[str, str]] = {}
    for output in outputs:
        if output["msg_type"] in ("display_data", "update_display_data"):
            displays[output["content"]["transient"]["display_id"]] = output["content"]["data"]
    assert len([o for o in outputs if o["msg_type"] == "update_display_data"]) > 1
    assert list(displays.values()) == [{"text/html": "", "text/plain": ""}]


def test_libraries_are_imported_in_the_background() -> None:
    manager, client = start_new_kernel()
    fresh = Kernel(manager, client)
    try:
        fresh.text("%load_ext zcalc")
        assert fresh.text("import sys; print('faiss' in sys.modules)") == "False\n"
        deadline = time.monotonic() + TIMEOUT
        while fresh.text("print('faiss' in sys.modules)") == "False\n":
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert fresh.text("print('zcalc.models.mini_lm' in sys.modules)") == "True\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
