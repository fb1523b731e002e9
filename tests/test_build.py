"""The build of the embedded models: what it filters, and that a stopped training goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.mini import training
from tools.mini.language_model import mend
from tools.mini.sample import article, usable
from tools.mini.text_tower import BATCH, Batches, loss
from tools.mini.wordnet import noun_share


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("dog", "a"), ("apple", "an"), ("uniform", "a"), ("umbrella", "an"), ("hourglass", "an")],
)
def test_article(noun: str, expected: str) -> None:
    assert article(noun) == expected


def test_articles_are_mended_inside_a_caption() -> None:
    assert mend("Image of an car next to a old house.") == "Image of a car next to an old house."


@pytest.mark.parametrize(
    ("caption", "good"),
    [
        ("Image of a dog running on a beach.", True),
        ("Image of a dog", False),  # cut off
        ("Image of a dog that symbolizes peace and joy.", False),  # talk about pictures
        ("Image of a dog and a dog dog.", False),  # repeats itself
        ("Image of a dog with 3 legs on the beach.", False),  # figures
    ],
)
def test_only_short_plain_captions_are_kept(caption: str, good: bool) -> None:
    assert usable(caption) is good


def test_noun_share() -> None:
    assert noun_share({"1": 3, "2": 1}) == 0.75
    assert noun_share({"1": 0, "2": 0}) == 1.0


def test_batches_hold_every_text_once_an_epoch_and_come_back() -> None:
    lengths = np.random.default_rng(0).integers(3, 20, BATCH * 7)
    batches, again = Batches(lengths, seed=1), Batches(lengths, seed=1)
    rows = np.concatenate([batches[i] for i in range(7)])
    assert sorted(rows) == list(range(BATCH * 7))
    assert (batches[9] == again[9]).all()


def test_the_loss_is_least_at_the_teacher() -> None:
    teacher = torch.nn.functional.normalize(torch.randn(32, 8, generator=_seed()), dim=-1)
    mean = teacher.mean(0)
    off = teacher + 0.3 * torch.randn(32, 8, generator=_seed(1))
    assert loss(teacher * 3, teacher, mean) < loss(off, teacher, mean)


def test_a_stopped_training_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "KEEP_EVERY", 4)
    whole = _train(tmp_path / "whole.pt", stop=None)
    _train(tmp_path / "parts.pt", stop=9)  # stopped in step 9, kept until step 8
    assert torch.load(tmp_path / "parts.pt", weights_only=True)["step"] == 8
    parts = _train(tmp_path / "parts.pt", stop=None)
    assert torch.equal(whole, parts)


def _train(keep: Path, stop: int | None) -> torch.Tensor:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 4)
    fit = training.Training(model, 20, keep, peak=1e-2, warmup=2, decay=0.1)
    for step in fit("test"):
        if step == stop:
            break
        inputs = torch.randn(8, 4, generator=_seed(step))
        fit.update((model(inputs) - inputs.flip(1)).square().mean())
    return model.weight.detach()


def _seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)
