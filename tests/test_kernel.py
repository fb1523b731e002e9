"""The magics in a real kernel: completion, errors, the stop button, variables, what is left."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

pytestmark = pytest.mark.model
_PATIENCE = 120  # seconds


class Kernel:
    """A kernel with the extension loaded, and a client of it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, stop_when: str = "") -> tuple[dict[str, Any], list[Any]]:
        """Run a cell: the reply, and what came out; interrupted once an output has `stop_when`."""
        outputs: list[dict[str, Any]] = []
        stopped = threading.Event()

        def hook(message: dict[str, Any]) -> None:
            outputs.append(message)
            if stop_when and not stopped.is_set() and stop_when in str(message["content"]):
                stopped.set()
                self.manager.interrupt_kernel()

        reply = self.client.execute_interactive(code, output_hook=hook, timeout=_PATIENCE)
        assert stopped.is_set() or not stop_when, "it was done before it could be stopped"
        return reply["content"], outputs

    def text(self, code: str, stop_when: str = "") -> str:
        """What a cell that goes well prints."""
        reply, outputs = self.run(code, stop_when)
        assert reply["status"] == "ok", outputs
        return "".join(o["content"]["text"] for o in outputs if o["msg_type"] == "stream")

    def complete(self, cell: str) -> tuple[list[str], str]:
        """What Tab offers at `|`, and what it would replace."""
        at, code = cell.index("|"), cell.replace("|", "", 1)
        reply = self.client.complete(code, at, reply=True, timeout=_PATIENCE)["content"]
        assert reply["status"] == "ok"
        return reply["matches"], code[reply["cursor_start"] : reply["cursor_end"]]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel()
    found = Kernel(manager, client)
    try:
        found.text("%load_ext zcalc\nimport zcalc\ncalc = zcalc.load('mini')")
        yield found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("start", ["%zcalc ", "%%zcalc\n", "%%zcalc -k 3\na = 2\n", "r = %zcalc "])
def test_tab_offers_functions_and_pictures(kernel: Kernel, start: str) -> None:
    functions, replaced = kernel.complete(f"{start}no|")
    assert any(one.startswith("norm") for one in functions) and replaced == "no"
    assert not {"not ", "nonlocal", "not"} & set(functions), functions
    pictures, replaced = kernel.complete(f"{start}img(coff|) + 2")
    assert [one for one in pictures if "coffee" in one] and replaced == "coff"
    assert all(one.startswith("coff") for one in pictures)


def test_tab_still_completes_python(kernel: Kernel) -> None:
    matches, _ = kernel.complete("calc.vocab|")
    assert any(one.endswith("vocabulary") for one in matches)
    kernel.text("coffers = 1")
    assert kernel.complete("coff|")[0] == ["coffers"]


@pytest.mark.parametrize("cell", ["%zcalc img(cofee)", "%%zcalc\nimg(cofee)", "calc('img(cofee)')"])
def test_an_error_is_the_caret_and_a_hint(kernel: Kernel, cell: str) -> None:
    reply, outputs = kernel.run(cell)
    assert reply["status"] == "error"
    shown = "\n".join(
        "\n".join(o["content"]["traceback"]) for o in outputs if o["msg_type"] == "error"
    )
    assert "^" in shown and "Did you mean img(coffee)?" in shown
    assert "Traceback" not in shown and "site-packages" not in shown and "File " not in shown


def test_bindings_are_variables(kernel: Kernel) -> None:
    kernel.text('%%zcalc\ntea = img(coffee) - "coffee" + "tea"\nhalf = 1 / 2')
    assert kernel.text("print(type(tea).__name__, float(half))").split() == ["Result", "0.5"]
    assert "tea" in kernel.complete("%zcalc te|")[0]


def test_a_card(kernel: Kernel) -> None:
    _, outputs = kernel.run("%zcalc --no-caption -k 2 img(coffee)")
    (shown,) = [o["content"]["data"] for o in outputs if o["msg_type"] == "execute_result"]
    assert (
        shown["text/html"].startswith('<div class="zcalc">')
        and "img(coffee)" in shown["text/plain"]
    )


def test_a_stopped_caption_is_what_there_is(kernel: Kernel) -> None:
    code = (
        "calc.seed += 1\n"
        "c = calc('img(coffee)').caption('zerocap', beams=5, max_tokens=15)\n"
        "print(repr(c.text))"
    )
    began = time.monotonic()
    text = kernel.text(code, stop_when="of 15")
    assert len(text.strip().strip("'")) > 0 and time.monotonic() - began < _PATIENCE


def test_stopped_captions_are_those_that_are_there(kernel: Kernel) -> None:
    kernel.text("names = [p.name for p in calc.gallery]")
    code = (
        "c = calc.captions([calc.img(n) for n in names], budget=1)\n"
        "assert all(one.text for one in c)\nprint(len(c), len(names))"
    )
    done, asked = map(int, kernel.text(code, stop_when=" of ").split())
    assert 0 < done < asked


def test_the_bar_leaves_nothing(kernel: Kernel) -> None:
    code = (
        "import time\nfrom zcalc.progress import track\n"
        "for i in track(range(8), 'Counting'):\n    time.sleep(0.2)"
    )
    _, outputs = kernel.run(code)
    shown: dict[str, dict[str, str]] = {}
    for one in outputs:
        if one["msg_type"] in ("display_data", "update_display_data"):
            shown[one["content"]["transient"]["display_id"]] = one["content"]["data"]
    assert len([o for o in outputs if o["msg_type"] == "update_display_data"]) > 1
    assert list(shown.values()) == [{"text/html": "", "text/plain": ""}]


def test_the_libraries_are_there_before_they_are_asked_for() -> None:
    manager, client = start_new_kernel()
    found = Kernel(manager, client)
    try:
        found.text("%load_ext zcalc")
        assert found.text("import sys; print('faiss' in sys.modules)") == "False\n"
        deadline = time.monotonic() + _PATIENCE
        while found.text("print('faiss' in sys.modules)") == "False\n":
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert found.text("print('zcalc.models.language_model' in sys.modules)") == "True\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
