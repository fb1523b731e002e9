"""Prefix decoders: projection, training on captions alone, and use by their folder."""

import copy
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import save_tiny_clip
from typer.testing import CliRunner

import zcalc
from zcalc.cli import app
from zcalc.decode.caption_files import read_captions
from zcalc.decode.search import search, search_each
from zcalc.decode.settings import PrefixSettings, SearchSettings
from zcalc.decode.training import divergence, noisy, sentence, token_rows
from zcalc.decode.training_run import Recipe, TrainingRun, clustered
from zcalc.errors import ZcalcError
from zcalc.models.language_model import LanguageModel
from zcalc.models.pair import Models
from zcalc.models.prefix import Memory, PrefixModel, Projector

pytestmark = pytest.mark.model
CAPTIONS = (
    "a dog on a beach",
    "two cats under a table",
    "a red car in front of a house",
    "an old woman with a blue umbrella",
    "a plate of rice and vegetables",
    "a ship on the sea at night",
)


def unit_rows(count: int, dim: int, seed: int = 0) -> torch.Tensor:
    rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=-1)


def test_a_cold_projection_is_the_nearest_caption_and_a_warm_one_their_mean() -> None:
    memory = Memory(unit_rows(50, 16))
    points = unit_rows(4, 16, seed=1)
    nearest = memory.points[(points @ memory.points.T).argmax(1)]
    assert torch.allclose(memory.project(points, 1e-4), nearest, atol=1e-5)
    mean = torch.nn.functional.normalize(memory.points.mean(0), dim=-1)
    assert torch.allclose(memory.project(points, 1e4), mean.expand(4, -1), atol=1e-3)


def test_a_share_of_the_projection_lies_between_point_and_projection() -> None:
    memory = Memory(unit_rows(50, 16))
    points = unit_rows(4, 16, seed=1)
    assert torch.allclose(memory.project(points, 0.06, share=0), points)
    half, full = (memory.project(points, 0.06, share) for share in (0.5, 1.0))
    assert torch.allclose(half.norm(dim=1), torch.ones(4), atol=1e-6)
    assert torch.allclose((half * full).sum(1), (half * points).sum(1), atol=1e-5)


def test_noise_is_no_longer_than_asked_and_differs_by_seed() -> None:
    points = unit_rows(200, 64, seed=2)
    rows = noisy(points, 0.5, torch.Generator().manual_seed(0))
    assert torch.allclose(rows.norm(dim=1), torch.ones(200), atol=1e-5)
    cosines = (rows * points).sum(1)
    assert float(cosines.min()) >= np.cos(np.arcsin(0.5)) - 1e-4
    assert float(cosines.min()) < 0.95
    assert not torch.equal(rows, noisy(points, 0.5, torch.Generator().manual_seed(1)))


def test_clusters_of_captions_are_unit_points_near_them() -> None:
    centres = unit_rows(8, 32)
    generator = torch.Generator().manual_seed(0)
    points = noisy(centres.repeat(40, 1), 0.1, generator)
    found = clustered(points, 32)
    assert torch.allclose(found.norm(dim=1), torch.ones(32), atol=1e-5)
    assert float((points @ found.T).max(1).values.min()) > 0.9
    assert torch.equal(clustered(points, 1000), points)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.txt", "a dog\n\n  a cat \n"),
        ("c.tsv", "a.jpg\ta dog\nb.jpg\ta cat\n"),
        ("c.csv", 'file,caption,n\nx,"a dog",1\ny,a cat,2\n'),
        (
            "c.json",
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": "x.jpg"}],
                    "annotations": [
                        {"image_id": 1, "caption": "a dog"},
                        {"image_id": 1, "caption": "a cat"},
                    ],
                }
            ),
        ),
        ("list.json", '["a dog", "a cat"]'),
    ],
)
def test_captions_are_read_from_every_kind_of_file(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf8")
    assert read_captions(file) == ["a dog", "a cat"]


def test_a_column_is_named_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("caption,german\na dog,ein Hund\n", encoding="utf8")
    assert read_captions(file, "german") == ["ein Hund"]
    with pytest.raises(ZcalcError, match="no column french, only caption, german"):
        read_captions(file, "french")


@pytest.mark.parametrize("name", ["empty.txt", "broken.json", "missing.txt", "latin.txt"])
def test_files_without_captions_are_errors_that_name_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "latin.txt").write_bytes("ein Bär".encode("latin-1"))
    with pytest.raises(ZcalcError, match=name):
        read_captions(tmp_path / name)


def test_captions_become_sentences_between_begin_and_end() -> None:
    assert sentence(" a  dog , ") == "A dog."
    tokenizer = LanguageModel.load("mini").tokenizer
    begin = [tokenizer.bos_token_id]
    rows = token_rows(["A dog.", "A dog on a beach."], tokenizer, 6, begin)
    assert rows.shape[1] == 6  # cut
    first = rows[0][rows[0] >= 0].tolist()
    assert first[0] == tokenizer.bos_token_id
    assert first[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(first[1:-1]) == "A dog."


def test_a_language_model_diverges_from_another_but_not_from_itself() -> None:
    lm = LanguageModel.load("mini")
    other = copy.deepcopy(lm.model)
    ids = token_rows(["A dog.", "A dog on a beach."], lm.tokenizer, 12, [lm.eos_token_id])
    assert float(divergence(lm.model, other, ids)) == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        other.transformer.wte.weight.mul_(1.5)
    assert float(divergence(lm.model, other, ids)) > 0.1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A decoder for a small CLIP with random weights, and that CLIP's folder."""
    root = tmp_path_factory.mktemp("decoder")
    clip, folder = root / "clip", root / "decoder"
    save_tiny_clip(clip, dim=32)
    captions = root / "captions.txt"
    captions.write_text("\n".join(CAPTIONS * 2), encoding="utf8")
    arguments = ["decoder", "train", str(captions), "--clip", str(clip), "--lm", "mini"]
    options = ["-o", str(folder), "--steps", "60", "--batch", "16", "--noise", "0.1"]
    result = CliRunner().invoke(app, [*arguments, *options])
    assert result.exit_code == 0, result.output
    return folder, clip


def test_a_decoder_writes_captions_from_their_own_points(trained: tuple[Path, Path]) -> None:
    folder, clip = trained
    calc = zcalc.load(clip=str(clip), lm="mini")
    held_out = json.loads((folder / "decoder.json").read_text())["captions"]
    assert held_out == 2 * len(CAPTIONS)
    written = {
        text: calc.txt(text).caption(method=str(folder), prompt="A", projection=0.0).text
        for text in map(sentence, CAPTIONS)
        if text.startswith("A ")
    }
    right = [text for text, caption in written.items() if caption == text]
    assert len(right) >= len(written) - 1, written  # one caption was held out


def test_a_decoder_is_refused_by_name_for_another_encoder(trained: tuple[Path, Path]) -> None:
    folder, _ = trained
    with pytest.raises(ZcalcError, match=r"reads points of clip-\w+, not of mini-\w+"):
        zcalc.load("mini").txt("a dog").caption(method=str(folder))


def test_a_finished_folder_is_never_trained_over(trained: tuple[Path, Path]) -> None:
    folder, clip = trained
    models = Models.named("mini", clip=str(clip))

    with pytest.raises(ZcalcError, match="has a finished decoder"):
        run = TrainingRun(
            list(CAPTIONS), models.encoder, LanguageModel.load("mini"), folder, Recipe()
        )
        run()


def test_training_goes_on_after_a_kill(tmp_path: Path) -> None:
    clip, folder, captions = tmp_path / "clip", tmp_path / "out", tmp_path / "c.txt"
    save_tiny_clip(clip, dim=32)
    captions.write_text("\n".join(CAPTIONS), encoding="utf8")
    command = [
        sys.executable,
        "-m",
        "zcalc",
        "decoder",
        "train",
        str(captions),
        "--clip",
        str(clip),
    ]
    command += ["--lm", "mini", "-o", str(folder), "--steps", "120", "--batch", "4"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    checkpoint = folder / "unfinished/checkpoint.pt"
    limit = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < limit and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert checkpoint.exists()
    assert not (folder / "decoder.json").exists()
    other = subprocess.run(
        [*command, "--noise", "0.3"], capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert "other captions, models or options" in other.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Going on after step 100 of 120." in again.stderr
    assert not (folder / "unfinished").exists()
    about = json.loads((folder / "decoder.json").read_text())
    assert about["steps"] == 120


def test_a_damaged_decoder_is_an_error_that_names_it(trained: tuple[Path, Path], tmp_path) -> None:
    folder, clip = trained
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "prefix.safetensors").write_bytes(b"nothing")
    calc = zcalc.load(clip=str(clip), lm="mini")
    with pytest.raises(ZcalcError, match=f"Can't read the decoder in {broken}"):
        calc.txt("a dog").caption(method=str(broken))
    with pytest.raises(ZcalcError, match=r"has no decoder\.json"):
        calc.txt("a dog").caption(method=str(tmp_path))


def test_what_only_scores_texts_has_no_prefix(trained: tuple[Path, Path]) -> None:
    models = Models.named("mini")
    projector = Projector(384, 256)
    prefix = PrefixModel(projector, Memory(unit_rows(3, 384)), models.encoder.identity, {})

    def scores(vectors: torch.Tensor, texts: object) -> torch.Tensor:
        return vectors[:, 0]

    settings = PrefixSettings(max_tokens=2)
    with pytest.raises(ZcalcError, match="only scores texts"):
        next(search_each([scores], models.encoder, models.language_model, settings, prefix))
    assert next(search(scores, models.encoder, models.language_model, SearchSettings())).text
