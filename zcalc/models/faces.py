"""A small face detector: that somebody is in a picture, how many, how large; nothing about who.

Three networks in a cascade, each more careful than the one before: one slides over the picture at
several scales and proposes boxes, two look at what is inside them.
Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", 2016.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW, STRIDE = 12, 2  # pixels: what a cell of the proposing network sees, and their distance
SHRINK = 0.709  # from one scale to the next; halves the area
Boxes = tuple[Tensor, Tensor]  # (n, k, 4): left, top, right, bottom; and their logits (n, k)
Layers = Sequence[tuple[int, int, int]]  # each convolution's width, kernel, and pool (0: none)


class FaceDetector(nn.Module):
    """Counts and measures the faces of pictures.

    `smallest` is the height in pixels of the smallest face looked for. A stage passes on at most
    the given number of boxes per picture, of those whose logit exceeds its threshold. A face's
    confidence is the sigmoid of (logit - `doubt`) / `softness`, by the last network's logit.
    """

    smallest = 14
    proposed, refined = 32, 16  # boxes per picture
    thresholds = (0.4, 0.8, 0.8)  # logits
    doubt, softness = 3.0, 0.8

    def __init__(self) -> None:
        super().__init__()
        self.pnet = Proposer()
        self.rnet = Judge(24, ((28, 3, 3), (48, 3, 3), (64, 2, 0)), 576, 128)
        layers = (32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0)
        self.onet = Judge(48, layers, 1152, 256, mirrored=True)
        network: Any = self
        network.to(memory_format=torch.channels_last)  # four times as fast on a CPU

    def forward(self, pixels: Tensor) -> Tensor:
        """Rows (n, 3) for pixels (n, 3, height, width) in [-1, 1].

        A row is the number of faces, each counted by its confidence; the height of the largest
        one as a share of the picture's height, times its confidence; the highest confidence.
        """
        boxes, logits = self.find(pixels.contiguous(memory_format=torch.channels_last))
        confidence = ((logits - self.doubt) / self.softness).sigmoid()  # (n, k)
        heights = (boxes[..., 3] - boxes[..., 1]).clamp(0, pixels.shape[2]) / pixels.shape[2]
        largest = (confidence * heights).amax(1)
        return torch.stack([confidence.sum(1), largest, confidence.amax(1)], 1)

    def find(self, pixels: Tensor) -> Boxes:
        """Boxes (n, k, 4) in pixels, and their logits (n, k): -inf where there is no face."""
        boxes, logits = self._propose(pixels)
        boxes, logits = best(boxes, logits, self.proposed, 0.7)
        boxes, logits = self.rnet.look(pixels, boxes, logits, self.thresholds[1])
        boxes, logits = best(boxes, logits, self.refined, 0.6)
        boxes, logits = self.onet.look(pixels, boxes, logits, self.thresholds[2])
        return best(boxes, logits, self.refined, 0.4)

    def _propose(self, pixels: Tensor) -> Boxes:
        """Boxes (n, k, 4) and logits (n, k) of each scale's peaks."""
        scale = WINDOW / self.smallest
        level, found = pixels, []
        while min(pixels.shape[2:]) * scale >= WINDOW:
            size = [round(side * scale) for side in pixels.shape[2:]]
            level = F.interpolate(level, size, mode="bilinear")
            logits, shifts = self.pnet(level)  # (n, h, w), (n, 4, h, w)
            peak = (logits == _largest_around(logits)) & (logits > self.thresholds[0])
            logits = torch.where(peak, logits, -torch.inf).flatten(1)
            logits, cells = logits.topk(min(self.proposed, logits.shape[1]))
            corner = torch.stack([cells % shifts.shape[3], cells // shifts.shape[3]], 2)
            boxes = torch.cat([corner * STRIDE, corner * STRIDE + WINDOW], 2)  # (n, k, 4)
            shifts = shifts.flatten(2).gather(2, cells.unsqueeze(1).expand(-1, 4, -1))
            found.append(((boxes + shifts.transpose(1, 2) * WINDOW) / scale, logits))
            scale *= SHRINK
        boxes, logits = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        logits, order = logits.topk(min(3 * self.proposed, logits.shape[1]))
        return pick(boxes, order), logits


def _largest_around(values: Tensor) -> Tensor:
    """The largest value (n, h, w) of each cell and its eight neighbours."""
    x = F.pad(values, (1, 1, 1, 1), value=-torch.inf)
    x = torch.maximum(torch.maximum(x[:, :-2], x[:, 1:-1]), x[:, 2:])
    return torch.maximum(torch.maximum(x[..., :-2], x[..., 1:-1]), x[..., 2:])


def squares(boxes: Tensor) -> Tensor:
    """Boxes (m, 4) made square around their middles, by the longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half], 1)


def cut(pixels: Tensor, pictures: list[int], boxes: Tensor, side: int) -> Tensor:
    """What is inside m boxes, scaled to (m, 3, side, side); beyond the picture's edge is grey."""
    height, width = pixels.shape[2:]
    views = pixels.new_zeros(len(boxes), 3, side, side)
    for view, picture, box in zip(views, pictures, boxes.round().int().tolist(), strict=True):
        left, top, right, bottom = box
        inside = pixels[picture, :, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if inside.numel():
            edge = (max(-left, 0), max(right - width, 0), max(-top, 0), max(bottom - height, 0))
            view.copy_(F.adaptive_avg_pool2d(F.pad(inside, edge), side))
    return views.contiguous(memory_format=torch.channels_last)


def pick(boxes: Tensor, places: Tensor) -> Tensor:
    """The boxes (n, k, 4) at places (n, k) of boxes (n, m, 4)."""
    return boxes.gather(1, places.unsqueeze(2).expand(-1, -1, 4))


def best(boxes: Tensor, logits: Tensor, count: int, overlap: float) -> Boxes:
    """The `count` likeliest boxes (n, count, 4) and their logits, without those hidden by others.

    A box is dropped (logit -inf) if a likelier one that stays covers more than `overlap` of their
    union.
    """
    logits, order = logits.sort(dim=1, descending=True, stable=True)
    boxes = pick(boxes, order)
    areas = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0).prod(-1)  # (n, k)
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = (high - low).clamp_min(0).prod(-1)  # (n, k, k)
    union = areas[:, :, None] + areas[:, None] - shared
    hides = (shared > overlap * union).triu(1)  # [picture, likelier box, box]
    there = logits > -torch.inf
    stays, previous = there, None
    while previous is None or not torch.equal(stays, previous):  # settles from the likeliest on
        previous = stays
        stays = there & ~(hides & previous.unsqueeze(2)).any(1)
    logits, order = torch.where(stays, logits, -torch.inf).sort(dim=1, descending=True, stable=True)
    order = order[:, :count]
    return pick(boxes, order), logits[:, :count]


class Proposer(nn.Module):
    """Slides a window of 12 pixels over pictures, in steps of 2."""

    def __init__(self) -> None:
        super().__init__()
        self.features = _convolutions(((10, 3, 2), (16, 3, 0), (32, 3, 0)))
        self.face, self.shifts = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, h, w) of faces, and the shifts (n, 4, h, w) of their boxes' edges."""
        x = self.features(pixels)
        no, yes = self.face(x).unbind(1)
        return yes - no, self.shifts(x)


class Judge(nn.Module):
    """Looks at views of `side` x `side` pixels, through `hidden` units.

    If `mirrored`, a logit is the mean of a view's and its mirror image's, which is steadier.
    """

    def __init__(
        self, side: int, layers: Layers, inputs: int, hidden: int, mirrored: bool = False
    ) -> None:
        super().__init__()
        self.side, self.mirrored = side, mirrored
        self.features = _convolutions(layers)
        self.hidden = nn.Sequential(nn.Linear(inputs, hidden), nn.PReLU(hidden))
        self.face, self.shifts = nn.Linear(hidden, 2), nn.Linear(hidden, 4)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n,) of faces, and the shifts (n, 4) of their boxes' edges."""
        both = torch.cat([views, views.flip(3)]) if self.mirrored else views
        x = self.hidden(self.features(both).permute(0, 3, 2, 1).flatten(1))
        no, yes = self.face(x).unbind(1)
        return (yes - no).view(-1, len(views)).mean(0), self.shifts(x[: len(views)])

    def look(self, pixels: Tensor, boxes: Tensor, logits: Tensor, least: float) -> Boxes:
        """Correct boxes (n, k, 4) and their logits (n, k); logits below `least` become -inf."""
        there = logits > -torch.inf
        if there.any():
            seen = squares(boxes[there])  # (m, 4)
            judged, shifts = self(cut(pixels, there.nonzero()[:, 0].tolist(), seen, self.side))
            boxes, logits = boxes.clone(), logits.clone()
            boxes[there] = seen + shifts * (seen[:, 2:] - seen[:, :2]).repeat(1, 2)
            logits[there] = torch.where(judged > least, judged, -torch.inf)
        return boxes, logits


def _convolutions(layers: Layers) -> nn.Sequential:
    modules: list[nn.Module] = []
    channels = 3
    for width, kernel, pool in layers:
        modules += [nn.Conv2d(channels, width, kernel), nn.PReLU(width)]
        modules += [nn.MaxPool2d(pool, 2, ceil_mode=True)] if pool else []
        channels = width
    return nn.Sequential(*modules)
