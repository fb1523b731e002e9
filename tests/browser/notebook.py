"""A notebook in a browser, run as a person does."""

import os
from pathlib import Path
from typing import Any

RUN = (
    int(os.environ.get("ZCALC_BROWSER_SECONDS", "240")) * 1000
)  # that a cell may take, words embedded first
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


class Notebook:
    """A page of JupyterLab with one notebook open; `dialogs` are those that scripts opened."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.dialogs: list[str] = []
        page.on("dialog", self._heard)
        page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait for the notebook and its kernel."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        idle = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
        self.page.wait_for_selector(idle, timeout=60_000, state="attached")

    def run(self, cell: int = 0) -> None:
        """Run a cell and wait until it is done; words may have to be embedded first."""
        one = self.page.locator(".jp-Notebook .jp-Cell").nth(cell)
        for _ in range(10):  # a kernel that only just started may let the first go by
            asking = self.page.locator(".jp-Dialog button.jp-mod-accept")
            if asking.count():  # JupyterLab's own, about a kernel or a file
                asking.first.click()
            one.locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(1000)
            if one.locator(".jp-InputPrompt").inner_text().strip() not in ("[ ]:", ""):
                break
        self.page.wait_for_function(
            "i => /\\[\\d+\\]/.test(document.querySelectorAll('.jp-Notebook .jp-Cell')[i]"
            ".querySelector('.jp-InputPrompt').textContent)",
            arg=cell,
            timeout=RUN,
        )

    def restart_kernel(self) -> None:
        """Restart the kernels of the server behind the page's back."""
        self.page.evaluate(
            """async () => {
              const known = JSON.parse(document.getElementById('jupyter-config-data').textContent);
              const headers = {Authorization: `token ${known.token}`};
              const all = await (await fetch('/api/kernels', {headers})).json();
              for (const {id} of all) {
                await fetch(`/api/kernels/${id}/restart`, {method: 'POST', headers});
              }
            }"""
        )

    def output(self, cell: int = 0) -> Any:
        """What a cell has shown."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea")

    def widget(self, cell: int = 0) -> Any:
        """The widget that a cell has shown, once it is there."""
        found = self.output(cell).locator(".zcalc-widget")
        found.wait_for(timeout=60_000)
        return found

    def picture(self, shown: Any, name: str) -> None:
        """Keep a picture of part of the page."""
        SCREENSHOTS.mkdir(exist_ok=True)
        shown.screenshot(path=SCREENSHOTS / f"{name}.png")

    def close(self) -> None:
        """Leave the page; its kernel goes with it."""
        self.page.close()

    def _heard(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.message)
        dialog.accept()
