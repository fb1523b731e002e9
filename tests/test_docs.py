"""Links, the page of command-line options, and the version number agree with the repository."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.docs import cli, doctests

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "notebooks/*.ipynb", "benchmarks/*/*.md", "zcalc/**/*.md")
    for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")


def text_of(path: Path) -> str:
    """A page's Markdown; of a notebook, that of its Markdown cells."""
    text = path.read_text("utf8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return text


def anchors_of(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them.

    JupyterLab keeps case and writes spaces as hyphens; both forms are accepted for a notebook.
    """
    headings = re.findall(r"^#+\s+(.*?)\s*$", _FENCE.sub("", text_of(path)), flags=re.MULTILINE)
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in headings} | set(slugs(headings))
    return set(slugs(headings))


def slugs(headings: list[str]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for heading in headings:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        yield f"{slug}-{counts[slug]}" if counts[slug] else slug
        counts[slug] += 1


def broken_links(path: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text_of(path)))
    links = [link for link in _LINK.findall(text) if not re.match(r"\w+:", link)]
    return [link for link in links if is_broken(path, *link.partition("#")[::2])]


def is_broken(page: Path, target: str, anchor: str) -> bool:
    file = page.parent / target if target else page
    if not file.exists():
        return True
    return bool(anchor) and file.suffix in (".md", ".ipynb") and anchor not in anchors_of(file)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_and_anchors_exist(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A b\n\n[x](b.md) [y](#a-b) [z](#c) [w](https://x.org)\n")
    assert broken_links(tmp_path / "a.md") == ["b.md", "#c"]


def test_the_page_of_options_is_current() -> None:
    assert cli.PAGE.read_text("utf8") == cli.page(), "run: python -m tools.docs.cli"


def test_doctests_become_code_blocks() -> None:
    text = "Add.\n\n>>> 1 + 1\n2\n\nEnd."
    assert doctests.fenced(text) == "Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nEnd."


def test_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
