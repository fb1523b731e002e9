"""Registries: zcalc's own objects, and those of installed packages, from real dist-info folders."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from zcalc.errors import ZcalcError
from zcalc.models.available import availability
from zcalc.models.presets import PRESETS, Preset
from zcalc.registry import Registry


@dataclass(frozen=True)
class Animal:
    name: str
    legs: int


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path to install packages in."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(file.stem, None)


def install(site: Path, package: str, group: str, code: str, **entry_points: str) -> None:
    """Install a package with one module and entry points, as pip leaves it."""
    module = package.replace("-", "_")
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {module}:{value}" for name, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


def animals(*own: Animal) -> Registry[Animal]:
    return Registry("test.animals", own or [Animal("cat", 4)])


CODE = "from test_registry import Animal\nbee = Animal('bee', 6)\ncat = Animal('cat', 3)\n"


def test_own_objects_need_no_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_group: str) -> None:
        raise AssertionError("entry points were read")

    monkeypatch.setattr("importlib.metadata.entry_points", refuse)
    registry = animals()
    assert registry["cat"].legs == 4 and "cat" in registry and registry.get("cat")


def test_installed_packages_add_objects_and_cannot_replace_own_ones(site: Path) -> None:
    install(site, "zcalc-bees", "test.animals", CODE, bee="bee", cat="cat")
    registry = animals()
    assert list(registry) == ["cat", "bee"] and len(registry) == 2
    assert registry["bee"].legs == 6 and registry["bee"] is registry["bee"]
    assert registry["cat"].legs == 4
    assert {animal.name for animal in registry.values()} == {"cat", "bee"}
    assert "dog" not in registry and registry.get("dog") is None
    with pytest.raises(KeyError):
        registry["dog"]


def test_an_entry_point_is_loaded_when_it_is_looked_up(site: Path) -> None:
    install(site, "zcalc-bees", "test.animals", CODE, bee="bee")
    registry = animals()
    assert "bee" in registry and list(registry) == ["cat", "bee"] and len(registry) == 2
    assert "zcalc_bees" not in sys.modules
    assert registry["bee"].legs == 6 and "zcalc_bees" in sys.modules


def test_entry_points_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: reads.append(group) or ())
    registry = animals()
    assert reads == []
    assert "dog" not in registry and list(registry) == ["cat"] and registry.get("ant") is None
    assert reads == ["test.animals"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("", "AttributeError: "),
        ("bee = 'buzz'", "TypeError: zcalc_broken:bee is a str, not a Animal"),
        ("from test_registry import Animal\nbee = Animal('wasp', 6)", "has the name 'wasp'"),
    ],
)
def test_a_broken_entry_point_fails_when_it_is_looked_up(site: Path, code: str, error: str) -> None:
    install(site, "zcalc-broken", "test.animals", code, bee="bee")
    registry = animals()
    assert list(registry) == ["cat", "bee"] and "bee" in registry and registry["cat"]
    for look_up in (lambda: registry["bee"], lambda: registry.get("bee")):
        with pytest.raises(ZcalcError) as caught:
            look_up()
        assert "zcalc-broken" in caught.value.message and error in caught.value.message
        assert "pip uninstall zcalc-broken" in caught.value.hint
    with pytest.raises(ZcalcError, match="zcalc-broken"):
        list(registry.values())  # nothing is skipped silently


PRESET = """
from zcalc.models.presets import Preset
nano = Preset("nano", "open_clip:ViT-B-32/openai", "openai-community/gpt2", "a preset to test")
"""


def test_presets_of_installed_packages(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "zcalc-nano", "zcalc.presets", PRESET, nano="nano", torn="torn")
    presets: Registry[Preset] = Registry("zcalc.presets", [PRESETS["mini"]])
    assert presets["nano"].lm == "openai-community/gpt2"
    monkeypatch.setattr("zcalc.models.presets.PRESETS", presets)
    monkeypatch.setattr("zcalc.models.available.PRESETS", presets)
    rows = {row["name"]: row for row in availability()}
    assert [*rows] == ["mini", "nano", "torn"]
    assert rows["nano"]["description"] == "a preset to test"
    assert "zcalc-nano" in rows["torn"]["description"]
    assert rows["torn"]["available"] == {"clip": False, "lm": False}


def test_it_is_cheap_to_import() -> None:
    heavy = {"torch", "numpy", "importlib.metadata"}
    code = f"import sys, zcalc.registry; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
