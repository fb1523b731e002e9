"""A notebook in a browser, run the way a person runs it."""

import os
from pathlib import Path
from typing import Any

# Milliseconds a cell may take; the first one embeds the vocabulary.
TIMEOUT = int(os.environ.get("ZCALC_BROWSER_SECONDS", "240")) * 1000
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


class Notebook:
    """A JupyterLab page with one notebook open; `dialogs` has the messages of scripts' dialogs."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.dialogs: list[str] = []
        page.on("dialog", self._accept)
        page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until the notebook is open and its kernel idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        idle = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
        self.page.wait_for_selector(idle, timeout=60_000, state="attached")

    def run(self, cell: int = 0) -> None:
        """Run a cell and wait for it to finish."""
        target = self.page.locator(".jp-Notebook .jp-Cell").nth(cell)
        for _ in range(10):  # a kernel that has just started may miss the first
            accept = self.page.locator(".jp-Dialog button.jp-mod-accept")
            if accept.count():  # JupyterLab's own dialog, about a kernel or a file
                accept.first.click()
            target.locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(1000)
            if target.locator(".jp-InputPrompt").inner_text().strip() not in ("[ ]:", ""):
                break
        self.page.wait_for_function(
            "i => /\\[\\d+\\]/.test(document.querySelectorAll('.jp-Notebook .jp-Cell')[i]"
            ".querySelector('.jp-InputPrompt').textContent)",
            arg=cell,
            timeout=TIMEOUT,
        )

    def restart_kernel(self) -> None:
        """Restart the server's kernels without the page knowing."""
        self.page.evaluate(
            """async () => {
              const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
              const headers = {Authorization: `token ${config.token}`};
              const kernels = await (await fetch('/api/kernels', {headers})).json();
              for (const {id} of kernels) {
                await fetch(`/api/kernels/${id}/restart`, {method: 'POST', headers});
              }
            }"""
        )

    def output(self, cell: int = 0) -> Any:
        """The output area of a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea")

    def widget(self, cell: int = 0) -> Any:
        """The widget in a cell's output; waits for it."""
        widget = self.output(cell).locator(".zcalc-widget")
        widget.wait_for(timeout=60_000)
        return widget

    def screenshot(self, element: Any, name: str) -> None:
        """Save a screenshot of an element to screenshots/."""
        SCREENSHOTS.mkdir(exist_ok=True)
        element.screenshot(path=SCREENSHOTS / f"{name}.png")

    def close(self) -> None:
        """Close the page."""
        self.page.close()

    def _accept(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.message)
        dialog.accept()
