"""Hooks of the documentation site (mkdocs.yml).

Files outside docs/ that are pages too are added to the site, and links between files of the
repository become links between pages. A link to a file that is no page, such as a module, becomes
plain text; a link to nothing is left, so that the strict build fails on it.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
ADDED = {
    "mini.md": "zcalc/models/mini/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for page, source in ADDED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Make links between files of the repository links between pages."""
    source = ROOT / ADDED.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return relink(markdown, source.parent)


def relink(markdown: str, folder: Path) -> str:
    """Rewrite the links of a page in `folder` for the site, where every page is in docs/.

    >>> relink("[How](docs/bench.md#tables), [model](zcalc/models/mini/README.md)", ROOT)
    '[How](bench.md#tables), [model](mini.md)'
    >>> relink("[the parser](../zcalc/language/parser.py), [nothing](gone.md)", ROOT / "docs")
    'the parser, [nothing](gone.md)'
    """

    def rewrite(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = os.path.normpath(folder / target)
        name = os.path.relpath(path, ROOT).replace(os.sep, "/")
        pages = {source: page for page, source in ADDED.items()}
        if name in pages:
            return f"[{text}]({pages[name]}{anchor})"
        if not os.path.exists(path):
            return link[0]
        inside = name.startswith("docs/")
        return f"[{text}]({name.removeprefix('docs/')}{anchor})" if inside else text

    parts, end = [], 0
    for code in _CODE.finditer(markdown):  # code is left as it is
        parts += [_LINK.sub(rewrite, markdown[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, _LINK.sub(rewrite, markdown[end:])])
