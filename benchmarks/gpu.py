"""A GPU beside the CPU: equal embeddings and captions, pictures and captions a second, memory.

    python benchmarks/gpu.py [--device cuda] [--model mini]

Ends with status 1 if something differs.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.models.precision import TOLERANCE

import torch  # isort: skip

CAPTIONED = ("cat", "coffee", "rocket", "obama", "horse", "astronaut")
METHODS = ("search", "zerocap")


def seconds(run: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--device", default="auto", help="the GPU: cuda or mps")
    parser.add_argument("--model", default="mini", help="a preset that is on this machine")
    arguments = parser.parse_args()
    gpu = Calculator.create(arguments.model, device=arguments.device)
    cpu = Calculator.create(arguments.model, device="cpu")
    device = gpu.models.encoder.device
    if device.type == "cpu":
        sys.exit("There is no GPU: torch finds only the CPU.")
    print(f"{device.type}, {arguments.model}, batches of {gpu.models.encoder.batch_size}")
    equal = all([compare_embeddings(cpu, gpu), compare_captions(cpu, gpu)])
    measure_pictures(cpu, gpu)
    measure_captions(cpu, gpu)
    if device.type == "cuda":
        print(f"peak memory {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB")
    sys.exit(0 if equal else 1)


def compare_embeddings(cpu: Calculator, gpu: Calculator) -> bool:
    pictures = [picture.open() for picture in cpu.gallery]
    texts = list(cpu.models.vocabulary.texts[:512])
    within = True
    for kind, inputs in (("images", pictures), ("texts", texts)):
        rows = [unit(getattr(calc.models.encoder, kind)(inputs)) for calc in (cpu, gpu)]
        difference = float(np.abs(rows[0] - rows[1]).max())
        limit = TOLERANCE if kind == "images" else 1e-4
        within &= difference <= limit
        print(f"{len(inputs)} {kind}: embeddings differ by at most {difference:.1e} ({limit:.0e})")
    print(f"half precision for pictures: {bool(gpu.models.encoder._precision.half)}")
    return within


def compare_captions(cpu: Calculator, gpu: Calculator) -> bool:
    same = 0
    for method in METHODS:
        for name in CAPTIONED:
            texts = [calc(f"img({name})").caption(method).raw for calc in (cpu, gpu)]
            same += texts[0] == texts[1]
            if texts[0] != texts[1]:
                print(f"{method} of {name} differs: {texts[0]!r} and {texts[1]!r}")
    total = len(METHODS) * len(CAPTIONED)
    print(f"{same} of {total} captions are the same")
    return same == total


def measure_pictures(cpu: Calculator, gpu: Calculator, count: int = 512) -> None:
    opened = [picture.open() for picture in cpu.gallery][:64]
    for calc in (cpu, gpu):
        encoder = calc.models.encoder
        prepared = [encoder.prepare(picture) for picture in opened] * (count // len(opened))
        size = encoder.batch_size
        batches = [prepared[i : i + size] for i in range(0, len(prepared), size)]
        encoder.encode(batches[0])  # warm up
        taken = seconds(lambda encode, parts: [*map(encode, parts)], encoder.encode, batches)
        print(f"{encoder.device.type}: {len(prepared) / taken:,.0f} pictures a second")


def measure_captions(cpu: Calculator, gpu: Calculator) -> None:
    names = [picture.name for picture in cpu.gallery][:32]
    for calc in (cpu, gpu):
        for method in METHODS:
            asked = names if method == "search" else names[:8]
            expressions = [calc.img(name) for name in asked]
            taken = seconds(calc.captions, expressions, method)
            kind = calc.models.encoder.device.type
            print(f"{kind}: {len(asked) / taken:.1f} captions a second by {method}")


if __name__ == "__main__":
    main()
