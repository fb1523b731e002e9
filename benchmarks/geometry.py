"""How long maps take: 10,000 points of 512 dimensions, from the vectors to a PNG.

python benchmarks/geometry.py
"""

import time

import numpy as np

from zcalc.geometry.canvas import png
from zcalc.geometry.maps import map_of


def main() -> None:
    random = np.random.default_rng(0)
    names = [str(i) for i in range(10_000)]
    png(map_of(names[:50], random.normal(size=(50, 512))).plot())  # fonts and libraries are loaded
    for count in (100, 1_000, 10_000):
        points = random.normal(size=(count, 512))
        begin = time.perf_counter()
        found = map_of(names[:count], points)
        axes = time.perf_counter()
        size = len(png(found.plot()))
        drawn = time.perf_counter()
        print(
            f"{count:6} points: {axes - begin:.2f} s principal axes, "
            f"{drawn - axes:.2f} s drawing, {drawn - begin:.2f} s together, {size // 1000} kB"
        )


if __name__ == "__main__":
    main()
