"""The state of torch that computing needs, whatever state the caller is in."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch.overrides import TorchFunctionMode

if hasattr(os, "register_at_fork"):  # in a forked child, torch waits for threads it lacks
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))
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


class Uninitialized(TorchFunctionMode):
    """Inside it, modules are built without random numbers, which their weights will replace."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch, unless it fills a tensor with random numbers."""
        if func in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))


def lay_out(model: torch.nn.Module) -> None:
    """Store weights contiguously along their longer side.

    That suits products with few rows on a CPU, forward and backward; the results are the same.
    """
    for weights in model.parameters():
        if weights.dim() == 2:
            tall = len(weights) > weights.shape[1]
            weights.data = weights.data.T.contiguous().T if tall else weights.data.contiguous()


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an operation failed for want of memory, on any device."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in text for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
