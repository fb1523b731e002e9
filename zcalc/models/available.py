"""Which models are on this machine, and how to bring or remove them. Looking asks no hub."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models.checkpoint import find_checkpoint
from zcalc.models.lm_files import find_files
from zcalc.models.presets import PRESETS

_PACKAGE = Path(__file__).parent


def availability() -> list[dict[str, Any]]:
    """For each preset: name, description, models, which are on this machine, and their size.

    `bytes` is the disk space of those that lie outside the package. A preset of a package that
    can't be loaded has the error as its description.
    """
    return [_row(name) for name in PRESETS]


def fetch(name: str) -> list[Path]:
    """Download what is missing of a preset, `open_clip:ARCH/TAG`, or language model; its files.

    Raises ZcalcError if something can't be had.
    """
    return [file for part in _parts(name) for file in _files(name, part, True)]


def remove(name: str) -> int:
    """Remove a model's files from the hub's cache; returns how many bytes that freed.

    Files that other presets on this machine use stay. Raises ZcalcError if nothing is there to
    remove.
    """
    mine = set(_commits(name))
    kept = {c for other in PRESETS if other != name for c in _commits(other)}
    if not mine:
        hint = "zcalc models shows what is on this machine."
        raise ZcalcError(f"{name} is not on this machine, or it is not from the model hub.", hint)
    if not mine - kept:
        others = [other for other in PRESETS if other != name and mine & set(_commits(other))]
        hint = f"Remove them too: zcalc models remove {others[0]}"
        raise ZcalcError(f"{', '.join(others)} uses the same files as {name}.", hint)
    from huggingface_hub import scan_cache_dir

    plan = scan_cache_dir().delete_revisions(*(mine - kept))
    freed = int(plan.expected_freed_size)
    plan.execute()
    return freed


def _row(name: str) -> dict[str, Any]:
    try:
        preset = PRESETS[name]
        description, clip, lm = preset.description, preset.clip, preset.lm
    except ZcalcError as error:
        description, clip, lm = error.message, "", ""
    found = {part: _found(name, part) for part in ("clip", "lm")}
    outside = [file for files in found.values() for file in files if not _is_shipped(file)]
    return {
        "name": name,
        "description": description,
        "clip": clip,
        "lm": lm,
        "available": {part: bool(files) for part, files in found.items()},
        "bytes": sum(file.stat().st_size for file in outside),
    }


def _parts(name: str) -> tuple[str, ...]:
    if name in PRESETS:
        return ("clip", "lm")
    return ("clip",) if name.startswith("open_clip:") else ("lm",)


def _files(name: str, part: str, fetch: bool) -> list[Path]:
    """The files of a model's part, the weights first. Raises ZcalcError if one is missing."""
    if part == "lm":
        return find_files(name, fetch)
    checkpoint = find_checkpoint(name, fetch)
    texts = sorted(checkpoint.tokenizer.iterdir()) if checkpoint.tokenizer else []
    beside = [file for file in texts if file.is_file() and file.suffix == ".json"]
    return [checkpoint.weights, *beside]


def _found(name: str, part: str) -> list[Path]:
    try:
        return _files(name, part, False)
    except ZcalcError:
        return []


def _commits(name: str) -> Iterator[str]:
    """The commits of the hub's cache that a model's files are of."""
    for part in _parts(name):
        for file in _found(name, part):
            if file.parent.parent.name == "snapshots":
                yield file.parent.name


def _is_shipped(file: Path) -> bool:
    return file.resolve().is_relative_to(_PACKAGE)
