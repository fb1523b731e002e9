"""Imports point one way: no circle of files, and no layer imports a higher one.

Imports inside functions and under TYPE_CHECKING count. Lower layers reach higher ones through
`zcalc.hooks` only.
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = """
errors storage hooks
registry archives formats videos pictures progress ignore algebra sidecars ranking language
compound combination
vector_cache
wordlists words
models gallery
analysis
decode index adhoc
evaluator
space
answer named expression decodable result query_result set_result calculator
geometry types labelling names columns
show
shell
bench notebook
cli
zcalc __main__
"""  # each line is a layer: files and folders of zcalc/, lowest first
LAYER = {name: i for i, line in enumerate(LAYERS.split("\n")) for name in line.split()}


def imports(package: str) -> dict[str, set[str]]:
    """Every module of a package, and the modules of it that it imports anywhere."""
    modules = {module(path): path for path in (ROOT / package).rglob("*.py")}
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                full = [f"{node.module}.{alias.name}" for alias in node.names]
                graph[name] |= {one if one in modules else str(node.module) for one in full}
        graph[name] = graph[name] & modules.keys() - {name}
    return graph


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("package", ["zcalc", "tools"])
def test_there_is_no_circle_of_files(package: str) -> None:
    graph = imports(package)
    assert len(graph) > 20
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def test_no_layer_imports_a_higher_one() -> None:
    graph = imports("zcalc")
    part = {name: name.removeprefix("zcalc.").split(".")[0] for name in graph}
    assert set(part.values()) == LAYER.keys()
    upward = {
        f"{name} imports {other}"
        for name in graph
        for other in graph[name]
        if LAYER[part[other]] > LAYER[part[name]]
    }
    assert not upward
