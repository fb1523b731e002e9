"""mini's face detector: that somebody is in a picture, how many, how large."""

import pytest
import torch

from zcalc.gallery import Gallery
from zcalc.models.encoder import Encoder
from zcalc.models.faces import FaceDetector, best, squares
from zcalc.pictures import open_picture


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load("mini")


@pytest.fixture(scope="module")
def faces(encoder: Encoder) -> FaceDetector:
    return encoder.clip.visual.faces


def pixels(encoder: Encoder, *names: str) -> torch.Tensor:
    gallery = Gallery.samples()
    return torch.stack([encoder.transform(open_picture(gallery.find(n).path)) for n in names])


def test_a_face_is_found_and_measured(encoder: Encoder, faces: FaceDetector) -> None:
    with torch.inference_mode():
        count, height, confidence = faces(pixels(encoder, "astronaut"))[0].tolist()
    assert round(count) == 1 and confidence > 0.9
    assert 0.15 < height < 0.3  # shares of the picture's height


def test_what_has_no_face_has_none(encoder: Encoder, faces: FaceDetector) -> None:
    with torch.inference_mode():
        found = faces(pixels(encoder, "cat", "coffee", "rocket", "motorcycle", "flower"))
    assert found.max() < 0.1


def test_two_faces_are_two(encoder: Encoder, faces: FaceDetector) -> None:
    astronaut = pixels(encoder, "astronaut")[0]
    half = torch.nn.functional.interpolate(astronaut[None], scale_factor=0.5, mode="area")[0]
    twice = torch.full_like(astronaut, -1.0)
    twice[:, 65:195, :130], twice[:, 65:195, 130:] = half, half.flip(2)
    with torch.inference_mode():
        count, height, _ = faces(twice[None])[0].tolist()
    assert round(count) == 2 and height < 0.15


def test_a_picture_is_judged_alike_in_any_batch(encoder: Encoder, faces: FaceDetector) -> None:
    together = pixels(encoder, "astronaut", "cat", "photographer", "coffee")
    with torch.inference_mode():
        alone = torch.cat([faces(picture[None]) for picture in together])
        assert torch.allclose(faces(together), alone, atol=1e-3)


def test_pictures_without_candidates_are_zero() -> None:
    detector = FaceDetector().eval()
    torch.nn.init.constant_(detector.pnet.face.bias, 0)
    torch.nn.init.constant_(detector.pnet.face.weight, 0)
    with torch.inference_mode():
        assert detector(torch.rand(2, 3, 260, 260)).tolist() == [[0, 0, 0]] * 2


def test_of_overlapping_boxes_the_likeliest_stays() -> None:
    first, shifted, inner, apart = [0, 0, 10, 10], [1, 0, 11, 10], [4, 0, 14, 10], [50, 50, 60, 60]
    boxes = torch.tensor([[shifted, first, inner, apart]], dtype=torch.float32)
    logits = torch.tensor([[2.0, 3.0, 1.0, 0.5]])
    kept, scores = best(boxes, logits, 4, 0.5)
    assert scores[0, :3].tolist() == [3.0, 1.0, 0.5] and scores[0, 3] == -torch.inf
    assert kept[0, :3].tolist() == [first, inner, apart]  # hidden by `shifted` only, which went


def test_squares_keep_the_middle() -> None:
    assert squares(torch.tensor([[0.0, 2.0, 4.0, 10.0]])).tolist() == [[-2.0, 2.0, 6.0, 10.0]]
