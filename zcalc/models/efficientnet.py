"""EfficientNet-Lite2 for inference, its batch norms folded into the convolutions before them.

Parameters have the names that timm gives them in `tf_efficientnet_lite2`.
Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
2019 (arXiv 1905.11946); "Lite" replaces swish by ReLU6 and has no squeeze-and-excitation.
"""

import torch.nn.functional as F
from torch import Tensor, nn

STEM, HEAD = 32, 1280  # channels
# Blocks, kernel, stride, expansion, and channels of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
)


class EfficientNetLite2(nn.Module):
    """Computes logits (n, classes) of pixels (n, 3, h, w); its parts are called one by one."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv_stem = _Conv(3, STEM, 3, 2)
        channels, stages = STEM, []
        for blocks, kernel, stride, expansion, out in STAGES:
            stage = []
            for i in range(blocks):
                step = stride if i == 0 else 1
                stage.append(_Block(channels, out, kernel, step, expansion))
                channels = out
            stages.append(nn.Sequential(*stage))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _Conv(channels, HEAD, 1)
        self.classifier = nn.Linear(HEAD, classes)

    def stem(self, pixels: Tensor) -> Tensor:
        """The first feature maps (n, 32, h/2, w/2)."""
        return F.relu6(self.conv_stem(pixels))

    def pool(self, maps: Tensor) -> Tensor:
        """Pooled features (n, 1280) of the last stage's maps (n, 352, h/32, w/32)."""
        return F.adaptive_avg_pool2d(F.relu6(self.conv_head(maps)), 1).flatten(1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.classifier(self.pool(self.blocks(self.stem(pixels))))


class _Conv(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": with stride 2, one side may get more."""

    def __init__(self, in_: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(in_, out, kernel, stride, padding, groups=groups)

    def forward(self, input: Tensor) -> Tensor:
        stride, kernel = self.stride[0], self.kernel_size[0]
        if stride > 1:
            (left, right), (top, bottom) = (
                _same(size, kernel, stride) for size in (input.shape[-1], input.shape[-2])
            )
            input = F.pad(input, (left, right, top, bottom))
        return super().forward(input)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """What is added before and after `size` pixels."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class _Block(nn.Module):
    """An inverted residual; without expansion, a depthwise separable convolution."""

    def __init__(self, in_: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = in_ * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and in_ == out
        if self.expands:
            self.conv_pw, self.conv_pwl = _Conv(in_, width, 1), _Conv(width, out, 1)
        else:
            self.conv_pw = _Conv(width, out, 1)
        self.conv_dw = _Conv(width, width, kernel, stride, groups=width)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, out, h/stride, w/stride) of maps (n, in, h, w)."""
        wide = F.relu6(self.conv_pw(maps)) if self.expands else maps
        wide = F.relu6(self.conv_dw(wide))
        narrow = self.conv_pwl(wide) if self.expands else self.conv_pw(wide)
        return narrow + maps if self.adds else narrow
