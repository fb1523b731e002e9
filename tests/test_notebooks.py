"""Every notebook runs from top to bottom, offline, defines no functions, and passes its checks.

A check is a code cell tagged `check`: it shows what it compares, and an `assert` states the claim.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CHECK = "check"


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.model
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in outputs), "no card displayed"
    failing_cells = [
        cell for cell in notebook.cells if "raises-exception" in cell.metadata.get("tags", [])
    ]
    errors = [out for out in outputs if out.output_type == "error"]
    assert len(errors) == len(failing_cells)
    assert all("^" in out.evalue for out in errors), "an error without a caret"
    for cell in _checks(notebook):
        assert _shown(cell), f"shows nothing:\n{cell.source}"


to_python = TransformerManager().transform_cell  # turns magics into calls


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_defines_no_functions(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            kinds = {type(node) for node in ast.walk(ast.parse(to_python(cell.source)))}
            assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda}, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_checks(path: Path) -> None:
    checks = _checks(nbformat.read(path, as_version=4))
    assert len(checks) >= 3
    for cell in checks:
        claims = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Assert)]
        assert claims, f"no claim:\n{cell.source}"
        assert not any(isinstance(claim.test, ast.Constant) for claim in claims), cell.source
        assert all(output.output_type != "error" for output in cell.outputs), cell.source
        assert _shown(cell) not in ("", "True", "False"), f"shows nothing:\n{cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_says_nothing_of_the_machine_it_was_saved_on(path: Path) -> None:
    assert "widgets" not in nbformat.read(path, as_version=4).metadata  # their state has paths
    text = path.read_text(encoding="utf-8")
    assert "site-packages" not in text and str(Path.home()) not in text
    assert not re.search(r'"(/|[A-Z]:\\\\)[^"\s]*\.(png|jpg|jpeg|py)"', text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_ends_with_exercises_and_hidden_answers(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert cells[-1].cell_type == "markdown"
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "## Exercises" in text
    exercises = text.partition("## Exercises")[2]
    assert exercises.count("<details>") == exercises.count("<summary>Answer</summary>") == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_explains_how_to_run_the_real_clip(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert any('zcalc.load("base"' in cell.source for cell in cells)
    assert any("real CLIP" in cell.source for cell in cells if cell.cell_type == "markdown")


def _checks(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if CHECK in cell.metadata.get("tags", [])]


def _shown(cell: nbformat.NotebookNode) -> str:
    """What a code cell printed and evaluated to, as plain text."""
    texts = (out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs)
    return "".join(texts).strip()
