"""How long commands take from start to end, as multiples of importing torch.

    python benchmarks/start.py [--rounds 5]

Every round runs all commands in turn, each in a process of its own; a ratio is that of the medians.
The first, uncounted round fills the caches of files and of zcalc. The last line is the next query
in a shell: from Enter to the last character printed.
"""

import argparse
import statistics
import subprocess
import sys
import time

CARD = "import zcalc; zcalc.load('mini')('img(coffee)')._repr_mimebundle_()"
NEXT = """
import io, time
from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.shell import Shell
from zcalc.show import terminal
terminal.out.file = io.StringIO()
shell = Shell(Calculator.create(), View(words=5, pictures=5))
lines = [f'img(coffee) - "coffee" + "{word}"' for word in "tea milk juice water wine".split()]
taken = []
for line in lines:
    start = time.perf_counter()
    shell.answer(line)
    taken.append(time.perf_counter() - start)
print(sorted(taken[1:])[2])
"""
CLI = ["-m", "zcalc"]
COMMANDS = {
    "import torch": ["-c", "import torch"],
    "zcalc words": [*CLI, "words", 'img(coffee) - "coffee" + "tea"'],
    "zcalc nearest": [*CLI, "nearest", '"a dog"'],
    "zcalc caption": [*CLI, "caption", "img(coffee)"],
    "a first card": ["-c", CARD],
    "zcalc --help": [*CLI, "--help"],
    "zcalc parse": [*CLI, "parse", "img(coffee)"],
    "an error": [*CLI, "words", "img(coffee) -"],
    "a wrong name": [*CLI, "words", "img(cofee)"],
}


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            duration = seconds(arguments)
            if number:
                taken[name].append(duration)
    base = statistics.median(taken["import torch"])
    print(f"{'command':16} {'seconds':>8} {'× torch':>8}")
    for name, durations in taken.items():
        middle = statistics.median(durations)
        print(f"{name:16} {middle:8.2f} {middle / base:8.2f}")
    command = [sys.executable, "-c", NEXT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"{'next in a shell':16} {1000 * float(done.stdout):5.0f} ms")


if __name__ == "__main__":
    main()
