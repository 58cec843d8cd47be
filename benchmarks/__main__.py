"""Print ratios of speed and memory: ``python -m benchmarks``.

Everything runs in one process, the two sides of a ratio in turn, so that whatever else the machine
does strikes both: data and initialization on one core, updates of networks on two threads. A ratio
is the median over repetitions, with the smallest and the largest beside it. Nothing is asserted: a
goal stands beside its row, and the reader compares.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks import modules, runs, starts, updates
from benchmarks.measure import Row, paired
from xavier import init
from xavier.shapeset import ANGLES, MARGIN, MAX_OVERLAP, STRETCH, Shapeset

SIDE = 32
CORNERS = (3, 4, 20)
BATCH = 10_000


# ------------------------------------------------------------------- Shapeset, one image at a time


class OneAtATime:
    """Shapeset as one would first write it: NumPy for the numbers, Pillow for the pixels.

    The scenes have the package's distribution, the overlap measured in pixels as well. Written
    with care: few calls, no work twice, Python's own mathematics where the numbers are single.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def batch(self, n: int) -> np.ndarray:
        images = np.empty((n, SIDE, SIDE), np.float32)
        for k in range(n):
            images[k] = self.image()
        return images

    def image(self) -> np.ndarray:
        rng = self.rng
        dark, bright = rng.integers(0, 115, 3), rng.integers(140, 256, 3)
        ground, objects = (bright[0], dark) if rng.integers(2) else (dark[0], bright)
        image = np.full((SIDE, SIDE), ground, np.uint8)
        first = self.fill(*self.turns())
        image[first] = objects[1]
        if rng.integers(2):
            turns = self.turns()
            second = self.fill(*turns)
            while (first & second).sum() > MAX_OVERLAP * first.sum():
                second = self.fill(*turns)
            image[second] = objects[2]
        return image / np.float32(127.5) - 1

    def turns(self) -> tuple[np.ndarray, np.ndarray]:
        """The regular polygon, turned, and the rotation that follows the stretch."""
        corners = CORNERS[self.rng.integers(3)]
        turn = 2 * math.pi * (np.arange(corners) + self.rng.random()) / corners
        angle = self.rng.integers(ANGLES) * 2 * math.pi / ANGLES
        cos, sin = math.cos(angle), math.sin(angle)
        return np.stack([np.cos(turn), np.sin(turn)], 1) / 2, np.array([[cos, sin], [-sin, cos]])

    def fill(self, regular: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        corners = (regular * self.rng.uniform(*STRETCH, 2)) @ rotation
        low, high = MARGIN - corners.min(0), 1 - MARGIN - corners.max(0)
        corners += low + self.rng.random(2) * (high - low)
        canvas = Image.new("1", (SIDE, SIDE))
        ImageDraw.Draw(canvas).polygon((SIDE * corners - 0.5).ravel().tolist(), fill=1)
        return np.asarray(canvas)


def shapeset_against_a_loop(images: int, repeat: int) -> Row:
    ours, theirs = Shapeset(0), OneAtATime(0)
    few = max(1, images // 20)
    times = [
        (a / images, b / few)
        for a, b in paired(lambda: ours.batch(images), lambda: theirs.batch(few), repeat)
    ]
    return Row.of(
        "Shapeset against one image at a time", times, "/s", "at least 10; 50,000/s", gain=True
    )


def shapeset_against_writing(images: int, repeat: int) -> Row:
    ours, level = Shapeset(0), torch.rand(images, 1)

    def write() -> torch.Tensor:
        return torch.empty(images, SIDE * SIDE).copy_(level.expand(-1, SIDE * SIDE))

    times = paired(lambda: ours.batch(images), write, repeat)
    return Row.of(
        "Shapeset against writing its output", times, "/s", "the floor is 1", per=images, gain=True
    )


def small_batches(images: int, repeat: int) -> Row:
    small, large = Shapeset(0), Shapeset(0)

    def tens() -> None:
        for _ in range(images // 10):
            small.batch(10)

    times = paired(tens, lambda: large.batch(images), repeat)
    return Row.of("Shapeset in batches of 10 against one batch", times, "/s", per=images, gain=True)


_MEMORY = """
import sys
import torch
from benchmarks.measure import peak_memory
from xavier.shapeset import Shapeset
torch.set_num_threads(1)
stream = Shapeset(0, size=15)
stream.batch(1)
del stream
before = peak_memory()
images, labels = Shapeset(0).batch(int(sys.argv[1]))
print(peak_memory() - before)
"""


def memory(images: int, repeat: int) -> Row:
    """Growth of a fresh process's peak, the imports and a first call's code counted before.

    What the small call before leaves free is used again, so the growth is a little too small: by
    the memory of one block of scenes at most.
    """
    payload = images * SIDE * SIDE * 4
    command = [sys.executable, "-c", _MEMORY, str(images)]
    grown = [
        int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(repeat)
    ]
    return Row(
        f"Shapeset: peak memory of {images:,} images",
        f"{statistics.median(grown) / 1e6:.1f} MB",
        f"{payload / 1e6:.1f} MB",
        [peak / payload for peak in grown],
        "the images are 1",
    )


def uniform_against_torch(shape: tuple[int, int], number: int, repeat: int) -> Row:
    ours, theirs = torch.empty(shape), torch.empty(shape)
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    times = paired(
        lambda: init.uniform_(ours, generator=generators[0]),
        lambda: torch.nn.init.xavier_uniform_(theirs, generator=generators[1]),
        repeat,
        number,
    )
    assert torch.equal(ours, theirs)  # the same work was done
    return Row.of(
        f"init.uniform_ against torch, {shape[0]} x {shape[1]}",
        times,
        " us",
        "at least 0.9",
        gain=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)

    images, repeat = (500, 2) if quick else (BATCH, 7)
    many = 3 if quick else 31
    start = time.perf_counter()
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}", end="; ")
    print(
        f"medians of {repeat} pairs ({many} for init, updates), smallest to largest beside them\n"
    )
    print(f"{'':<43}{'ours':>13}{'theirs':>13}{'ratio':>8}  {'spread':<16}goal")
    for row in (
        lambda: shapeset_against_a_loop(images, repeat),
        lambda: shapeset_against_writing(images, repeat),
        lambda: small_batches(images, repeat),
        lambda: memory(images, 1 if quick else 3),
        lambda: uniform_against_torch((16, 16), 20 if quick else 2000, many),
        lambda: uniform_against_torch((100, 100), 20 if quick else 500, many),
        lambda: uniform_against_torch((1000, 1000), 1 if quick else 3, many),
    ):
        print(row(), flush=True)
    torch.set_num_threads(2)
    for row in (*updates.rows(quick), *modules.rows(quick), *starts.rows(quick)):
        print(row(), flush=True)
    for several in runs.rows(quick):
        for line in several():
            print(line, flush=True)
    print(f"\n{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main()
