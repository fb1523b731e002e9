"""The face detector's weights, from the package facenet-pytorch (MIT)."""

from pathlib import Path

import torch

from zcalc.models.faces import FaceDetector

UNUSED = "dense6_3."  # the places of eyes, nose and mouth


def build(folder: Path) -> FaceDetector:
    """Build the detector with the weights of `folder`: pnet.pt, rnet.pt and onet.pt.

    Their tensors are copied by position: both sides have them in the same order.
    """
    detector = FaceDetector()
    for name, network in detector.named_children():
        state = torch.load(folder / f"{name}.pt", weights_only=True)
        tensors = [tensor for key, tensor in state.items() if not key.startswith(UNUSED)]
        names = list(network.state_dict())
        network.load_state_dict(dict(zip(names, tensors, strict=True)))
    return detector.eval()
