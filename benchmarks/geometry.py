"""Time to draw a map of up to 10,000 points of 512 dimensions, from the vectors to a PNG.

python benchmarks/geometry.py
"""

import time

import numpy as np

from zcalc.geometry.base import NamedVectors
from zcalc.geometry.maps import map_of
from zcalc.geometry.plots.canvas import png


def main() -> None:
    random = np.random.default_rng(0)
    names = [str(i) for i in range(10_000)]
    warm_up = NamedVectors(names[:50], random.normal(size=(50, 512)))
    png(map_of(warm_up).plot())  # loads fonts and libraries
    for count in (100, 1_000, 10_000):
        points = NamedVectors(names[:count], random.normal(size=(count, 512)))
        start = time.perf_counter()
        atlas = map_of(points)
        mapped = time.perf_counter()
        size = len(png(atlas.plot()))
        end = time.perf_counter()
        print(
            f"{count:6} points: {mapped - start:.2f} s PCA, {end - mapped:.2f} s drawing, "
            f"{end - start:.2f} s total, {size // 1000} kB"
        )


if __name__ == "__main__":
    main()
