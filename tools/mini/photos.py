"""Labelled photographs and drawings from Debian packages, fetched with apt.

Licences: tuxpaint-stamps-default GPL-2; pysiogame CC-BY-SA (pictures by Art4Apps);
lomiri-wallpapers-16.04 CC-BY-4.0, CC-BY-SA-4.0, CC0; mate-backgrounds GPL-2+.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

PICTURES = Path(__file__).with_name("pictures.tsv")
# Debian packages: version and SHA-256 of the .deb; 240 MB in total.
DEBIAN = {
    "tuxpaint-stamps-default": (
        "2022.06.04-1",
        "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    ),
    "pysiogame": (
        "4.20.01-1",
        "6b22766dfd8ef3a046c2665fe2598ac8a1ecee3d331bda38accf53de65bc59bf",
    ),
    "lomiri-wallpapers-16.04": (
        "20.04.0-2",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    ),
    "mate-backgrounds": (
        "1.26.0-1",
        "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
    ),
}


class CannotFetchError(Exception):
    """A Debian package can't be downloaded, or its hash differs."""


def check() -> None:
    """Check that apt offers every package in its pinned version; downloads nothing.

    Raises CannotFetchError if it does not.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotFetchError("The labelled pictures need a Debian machine (apt-get, dpkg-deb).")
    for package, (version, _) in DEBIAN.items():
        command = ["apt-cache", "show", f"{package}={version}"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise CannotFetchError(
                f"apt has no {package} {version} (it is in Debian 12). Try `apt-get update`."
            )


def fetch(work: Path) -> None:
    """Download, verify and unpack the packages missing from `work`."""
    missing = [package for package in DEBIAN if not folder(work, package).exists()]
    if missing:
        check()
    for package in missing:
        _fetch(work, package)


def _fetch(work: Path, package: str) -> None:
    version, expected = DEBIAN[package]
    target = folder(work, package)
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "-qq", f"{package}={version}"]
    result = subprocess.run(command, cwd=target.parent, capture_output=True, text=True, check=False)
    deb = next(target.parent.glob(f"{package}_*.deb"), None)
    if result.returncode or deb is None:
        raise CannotFetchError(
            f"apt could not download {package} {version}: {result.stderr.strip()}"
        )
    actual = hashlib.sha256(deb.read_bytes()).hexdigest()
    if actual != expected:
        raise CannotFetchError(f"{deb.name} has changed: sha256 {actual}, expected {expected}.")
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(deb), str(part)], check=True)
    part.rename(target)


def folder(work: Path, package: str) -> Path:
    """The folder a Debian package is unpacked into."""
    return work / "debian" / f"{package}-{DEBIAN[package][0]}"


def backgrounds(work: Path) -> list[Path]:
    """Unlabelled photographs of scenes (large JPEGs)."""
    return [path for path, _ in _pictures(work, "background")]


def labelled(work: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Cut-out photographs (RGBA PNG on a transparent background) with their names."""
    return _pictures(work, "photograph")


def illustrations(work: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Drawings (RGBA PNG, or JPEG on white) with their names."""
    return _pictures(work, "drawing")


def _pictures(work: Path, kind: str) -> list[tuple[Path, tuple[str, ...]]]:
    """The pictures of one kind in pictures.tsv that have been downloaded."""
    pictures = []
    for line in PICTURES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        row_kind, package, location, *names = line.split("\t")
        path = folder(work, package) / "usr/share" / location
        if row_kind == kind and path.exists():
            pictures.append((path, tuple(name for name in names if name)))
    return pictures
