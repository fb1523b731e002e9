"""Half precision for encoders, where it is equal and faster."""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

Encode = Callable[[Tensor], Tensor]  # inputs (n, …) to raw embeddings (n, d)
TOLERANCE = 1e-2  # of unit embeddings, in every component
LEAST = 8  # inputs of a batch that says something about speed
_PICTURES = 32  # encoded at once on a CPU: more are no faster
_MOST, _BYTES = 256, 64 << 20  # on a GPU: pictures at once, and memory that each may take


class Precision:
    """Runs an encoder's tower in half precision once a batch has shown that it may.

    The first batch of at least `LEAST` inputs runs three times: to warm up, in full and in half
    precision. If the unit embeddings agree within `TOLERANCE` and half is faster, later batches
    run in half precision. On a CPU everything runs in full precision, unless `on_cpu` is set.
    """

    def __init__(self, device: torch.device, on_cpu: bool = False) -> None:
        self._kind = device.type
        self._dtype = torch.bfloat16 if device.type == "cpu" else torch.float16
        self.half: bool | None = None if on_cpu or device.type in ("cuda", "mps") else False

    def __call__(self, encode: Encode, inputs: Tensor) -> Tensor:
        """Raw embeddings (n, d) of inputs, in float32."""
        if self.half is None and len(inputs) >= LEAST:
            return self._try(encode, inputs)
        return self._in_half(encode, inputs) if self.half else encode(inputs).float()

    def _try(self, encode: Encode, inputs: Tensor) -> Tensor:
        self._in_half(encode, inputs)
        full, full_seconds = self._timed(lambda: encode(inputs).float())
        half, half_seconds = self._timed(lambda: self._in_half(encode, inputs))
        difference = (normalize(half, dim=-1) - normalize(full, dim=-1)).abs().max()
        self.half = bool(difference <= TOLERANCE) and half_seconds < full_seconds
        return full

    def _in_half(self, encode: Encode, inputs: Tensor) -> Tensor:
        with torch.autocast(self._kind, self._dtype):
            return encode(inputs).float()

    def _timed(self, run: Callable[[], Tensor]) -> tuple[Tensor, float]:
        start = time.perf_counter()
        rows = run()
        rows.cpu()  # waits for the device
        return rows, time.perf_counter() - start


def fitting_batch(device: torch.device) -> int:
    """How many pictures to encode at once, by the free memory of a GPU."""
    if device.type != "cuda":
        return _PICTURES
    free, _ = torch.cuda.mem_get_info(device)
    return max(_PICTURES, min(_MOST, free // _BYTES))
