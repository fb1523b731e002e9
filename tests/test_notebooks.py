"""Every notebook runs from top to bottom, offline, defines no functions, and keeps its claims.

A claim is a code cell tagged `claim`: what it comes to, its last expression, is `True`.
"""

import ast
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CLAIM = "claim"


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.model
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in shown), "no card was shown"
    wanted = [
        cell for cell in notebook.cells if "raises-exception" in cell.metadata.get("tags", [])
    ]
    errors = [out for out in shown if out.output_type == "error"]
    assert len(errors) == len(wanted)
    assert all("^" in out.evalue for out in errors), "an error that shows no place"
    for cell in _claims(notebook):
        assert _result(cell) == "True", f"no longer true:\n{cell.source}"


python = TransformerManager().transform_cell  # a cell with its magics as calls


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_defines_no_functions(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            kinds = {type(node) for node in ast.walk(ast.parse(python(cell.source)))}
            assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda}, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_makes_claims(path: Path) -> None:
    claims = _claims(nbformat.read(path, as_version=4))
    assert len(claims) >= 3
    for cell in claims:
        last = ast.parse(cell.source).body[-1]
        assert isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant), cell.source
        assert _result(cell) == "True", f"the output in the file is another:\n{cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ends_with_exercises_and_hidden_answers(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert cells[-1].cell_type == "markdown"
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "## Exercises" in text
    exercises = text.partition("## Exercises")[2]
    assert exercises.count("<details>") == exercises.count("<summary>Answer</summary>") == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_how_to_try_it_with_the_real_clip(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert any('zcalc.load("base"' in cell.source for cell in cells)
    assert any("real CLIP" in cell.source for cell in cells if cell.cell_type == "markdown")


def _claims(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if CLAIM in cell.metadata.get("tags", [])]


def _result(cell: nbformat.NotebookNode) -> str | None:
    """What a code cell came to, as text."""
    found = (o.data for o in cell.outputs if o.output_type == "execute_result")
    return next(found, {}).get("text/plain")
