"""The state of torch that computing needs, whatever state the caller is in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def clean_state(device: str) -> Iterator[None]:
    """Gradients can be computed, in full precision, inside any no_grad, inference_mode, autocast.

    `device` is the type of the device that computes. The caller's state is restored.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in {"cpu", device}:
            if torch.amp.is_autocast_available(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def in_clean_state(decode: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
    """A generator function whose steps run in `clean_state`; between them is the caller's state."""

    @wraps(decode)
    def steps(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        running = decode(*args, **kwargs)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        while True:
            with clean_state(device):
                try:
                    step = next(running)
                except StopIteration:
                    return
            yield step

    return steps
