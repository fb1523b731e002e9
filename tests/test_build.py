"""The build of the bundled models: filters, resumable training, drawing and downloads."""

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from tools.mini import drawings, photos, scenes, sources, training
from tools.mini.flags import FLAGS, draw
from tools.mini.language_model import fix_articles
from tools.mini.sample import article, usable
from tools.mini.text_tower import BATCH, Batches, loss
from tools.mini.wordnet import noun_share
from zcalc.bench.mini import classes


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("dog", "a"), ("apple", "an"), ("uniform", "a"), ("umbrella", "an"), ("hourglass", "an")],
)
def test_article(noun: str, expected: str) -> None:
    assert article(noun) == expected


def test_articles_are_corrected_inside_a_caption() -> None:
    assert (
        fix_articles("Image of an car next to a old house.")
        == "Image of a car next to an old house."
    )


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Image of a dog running on a beach.", True),
        ("Image of a dog", False),  # cut off
        ("Image of a dog that symbolizes peace and joy.", False),  # commentary
        ("Image of a dog and a dog dog.", False),  # repeats itself
        ("Image of a dog with 3 legs on the beach.", False),  # figures
    ],
)
def test_only_short_plain_captions_are_kept(caption: str, expected: bool) -> None:
    assert usable(caption) is expected


def test_noun_share() -> None:
    assert noun_share({"1": 3, "2": 1}) == 0.75
    assert noun_share({"1": 0, "2": 0}) == 1.0


def test_batches_cover_every_text_once_per_epoch_and_are_reproducible() -> None:
    lengths = np.random.default_rng(0).integers(3, 20, BATCH * 7)
    batches, again = Batches(lengths, seed=1), Batches(lengths, seed=1)
    rows = np.concatenate([batches[i] for i in range(7)])
    assert sorted(rows) == list(range(BATCH * 7))
    assert (batches[9] == again[9]).all()


def test_the_loss_is_lowest_at_the_teacher() -> None:
    teacher = torch.nn.functional.normalize(torch.randn(32, 8, generator=_seed()), dim=-1)
    mean = teacher.mean(0)
    off = teacher + 0.3 * torch.randn(32, 8, generator=_seed(1))
    assert loss(teacher * 3, teacher, mean) < loss(off, teacher, mean)


def test_resumed_training_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_EVERY", 4)
    whole = _train(tmp_path / "whole.pt", stop=None)
    _train(tmp_path / "parts.pt", stop=9)  # stopped in step 9, saved after step 8
    assert torch.load(tmp_path / "parts.pt", weights_only=True)["step"] == 8
    parts = _train(tmp_path / "parts.pt", stop=None)
    assert torch.equal(whole, parts)


def _train(checkpoint: Path, stop: int | None) -> torch.Tensor:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 4)
    fit = training.Training(model, 20, checkpoint, peak=1e-2, warmup=2, decay=0.1)
    for step in fit("test"):
        if step == stop:
            break
        inputs = torch.randn(8, 4, generator=_seed(step))
        fit.update((model(inputs) - inputs.flip(1)).square().mean())
    return model.weight.detach()


def _seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_flags_have_the_right_colours_and_proportions() -> None:
    flags = {flag.code: flag for flag in FLAGS}
    assert len(flags) == len(FLAGS) >= 60
    france, poland = draw(flags["fr"], 90), draw(flags["pl"], 80)
    assert france.size == (135, 90) and france.mode == "RGB"
    left, middle, right = (france.getpixel((x, 45)) for x in (20, 67, 115))
    assert left[2] > 100 > left[0] and min(middle) > 230 and right[0] > 180 > right[2]
    assert min(poland.getpixel((60, 15))) > 200 and poland.getpixel((60, 65))[0] > 180
    small = {code: np.asarray(draw(flag, 24, (2, 3)), float) for code, flag in flags.items()}
    codes = list(small)
    distances = [
        np.abs(small[a] - small[b]).mean() for i, a in enumerate(codes) for b in codes[i + 1 :]
    ]
    assert min(distances) > 1.5  # no two look the same


def test_the_package_lists_the_flags_that_the_build_draws() -> None:
    with (files("zcalc.bench") / "flags.tsv").open(encoding="utf8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines][1:]
    assert rows == [[flag.code, flag.country, flag.people] for flag in FLAGS]


def test_scenes_are_reproducible_and_fill_the_frame() -> None:
    flag, drawing = draw(FLAGS[0], 120), Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    ImageDraw.Draw(drawing).ellipse((20, 20, 60, 60), fill=(200, 30, 30, 255))
    for paint, picture in ((scenes.flag_scene, flag), (scenes.drawing_scene, drawing)):
        for seed in range(12):
            one, again = (paint(picture, np.random.default_rng(seed), None) for _ in range(2))
            assert one.size == (224, 224) and one.mode == "RGB"
            assert one.tobytes() == again.tobytes()


def test_every_emoji_belongs_to_one_concept() -> None:
    lines = drawings.CONCEPTS.read_text(encoding="utf8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    codes = [code for row in rows for code in row[2].split()]
    assert len(codes) == len(set(codes)) and len({row[0] for row in rows}) == len(rows) > 700
    assert drawings.HELD_OUT not in drawings.TRAINING


def test_accepted_names_include_hypernyms() -> None:
    accepted = {c.name: c.accepted for c in classes()}
    assert {"terrier", "dog"} <= set(accepted["yorkshire terrier"])
    assert "bird" in accepted["quail"] and "animal" not in accepted["quail"]


def test_a_changed_package_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "bin" / "npm"  # a fake npm that packs another file
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho other > cuss-2.2.0.tgz\necho cuss-2.2.0.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SystemExit, match=r"cuss@2\.2\.0 has changed upstream: sha256"):
        sources.fetch_npm(tmp_path, "cuss")
    assert not sources.npm_folder(tmp_path, "cuss").exists()


def test_a_failed_download_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho 'npm error 404 no such package' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SystemExit, match=r"could not download cuss@2\.2\.0:\nnpm error 404"):
        sources.fetch_npm(tmp_path, "cuss")


def test_missing_tools_and_disk_space_are_reported_up_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "check", lambda: None)
    with monkeypatch.context() as context:
        context.setenv("PATH", str(tmp_path))
        with pytest.raises(SystemExit, match="needs npm"):
            sources.check(tmp_path, 1)
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/bin/{tool}")
    with pytest.raises(
        SystemExit, match=r"has .* GB of free disk space, but the build needs 1000000"
    ):
        sources.check(tmp_path, 1e6)
    sources.check(tmp_path, 0)
