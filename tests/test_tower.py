"""mini's image tower: the folded backbone, the mixture of class names, the linear guess."""

import copy

import pytest
import torch
import torch.nn.functional as F

from tools.mini import image_tower
from zcalc.models import compat, tower  # noqa: F401  (compat: before timm)

import timm  # isort: skip


NOBODY = torch.zeros(1, 3)


@pytest.fixture(scope="module")
def untrained() -> tower.ClassMixture:
    torch.manual_seed(0)
    model = tower.ClassMixture(16, drawn=5).eval()
    model.table.data = F.normalize(torch.randn(tower.CLASSES + 5, 16), dim=-1)
    model.people.data = F.normalize(torch.randn(tower.COMPANIES, 16), dim=-1)
    model.fit_guess()
    return model


def test_folding_batch_norms_keeps_the_output() -> None:
    torch.manual_seed(0)
    plain = timm.create_model("tf_efficientnet_lite0", num_classes=10).eval()
    for module in plain.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    folded = image_tower.folded(copy.deepcopy(plain))
    pixels = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        expected, output = plain(pixels), folded(pixels)
    assert torch.allclose(expected, output, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())


def test_a_certain_class_is_embedded_as_its_name(untrained: tower.ClassMixture) -> None:
    for number in (7, tower.CLASSES + 2):
        logits = torch.full((1, tower.CLASSES + 5), -30.0)
        logits[0, number] = 30.0
        with torch.inference_mode():
            vector = untrained.embed(logits, untrained.pooled_mean[None] + 1e-3, NOBODY)
            guess = F.normalize(untrained.guess(torch.full((1, tower.POOLED), 1e-3)), dim=-1)
            share = untrained.guessed if number < tower.CLASSES else 0
            expected = untrained.place(untrained.table[number] + share * guess)
        torch.testing.assert_close(vector, expected, atol=1e-4, rtol=0)


def test_all_pictures_have_the_same_component_along_the_mean_class(
    untrained: tower.ClassMixture,
) -> None:
    logits = torch.randn(6, tower.CLASSES + 5, generator=torch.Generator().manual_seed(1)) * 5
    with torch.inference_mode():
        rows = untrained.embed(logits, torch.rand(6, tower.POOLED), torch.zeros(6, 3))
        along = rows @ untrained.mean
    torch.testing.assert_close(along, torch.full((6,), untrained.common))


def test_a_face_draws_a_picture_towards_people_but_not_an_animal(
    untrained: tower.ClassMixture,
) -> None:
    logits = torch.full((2, tower.CLASSES + 5), -30.0)
    logits[0, 700], logits[1, 100] = 30.0, 30.0  # a thing, an animal
    face = torch.tensor([[1.0, 0.5, 1.0]]).expand(2, 3)  # one, half as high as the picture
    pooled = untrained.pooled_mean.expand(2, -1) + 1e-3
    with torch.inference_mode():
        before = F.normalize(untrained.embed(logits, pooled, NOBODY.expand(2, 3)), dim=-1)
        after = F.normalize(untrained.embed(logits, pooled, face), dim=-1)
        thing, animal = ((after - before) @ untrained.people[0]).tolist()
    assert thing > 0.2 and abs(animal) < 1e-5


def test_the_guess_maps_classifier_rows_to_class_names(untrained: tower.ClassMixture) -> None:
    rows = F.normalize(untrained.backbone.classifier.weight, dim=-1)  # (1000, 1280)
    names = untrained.table[: tower.CLASSES]
    with torch.inference_mode():
        guesses = F.normalize(untrained.guess(rows), dim=-1)
        cosines = (guesses * F.normalize(names - names.mean(0), dim=-1)).sum(-1)
    assert cosines.min() > 0.5 and cosines.mean() > 0.8


def test_an_embedding_does_not_depend_on_the_batch(untrained: tower.ClassMixture) -> None:
    pixels = torch.rand(tower.CHUNK + 3, 3, 260, 260, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = untrained(pixels)
        alone = torch.cat([untrained(pixels[i : i + 1]) for i in range(len(pixels))])
    assert torch.allclose(together, alone, atol=1e-5)
