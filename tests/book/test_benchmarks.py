"""That the benchmark runs, says what it should, and races against a fair opponent."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.__main__ import OneAtATime
from xavier.shapeset import Shapeset

ROOT = Path(__file__).resolve().parents[2]

ROWS = (
    "Shapeset against one image at a time",
    "Shapeset against writing its output",
    "Shapeset in batches of 10 against one batch",
    "Shapeset: peak memory of",
    "init.uniform_ against torch, 16 x 16",
    "init.uniform_ against torch, 1000 x 1000",
    "Update, 1000 wide, by autograd",
    "Update, 100 wide, one of 20, by autograd",
    "Update, 200 wide, one of 20, by autograd",
    "Update, 1000 wide, its products  ",
    "Training, 1000 wide, with statistics",
    "Training, 200 wide, beside a busy loop",
    "Update of 5, 1000 wide: peak memory",
    "diagnose, a ResNet-18  ",
    "diagnose, a ResNet-18: memory",
    "diagnose, an encoder of 12 layers  ",
    "diagnose, an encoder of 12 layers: memory",
)


@pytest.mark.thorough
def test_the_benchmark_prints_a_ratio_for_every_row() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_WAIT_POLICY": "passive"},  # the other core has tests of its own
    )  # fmt: skip
    assert done.stderr == ""
    for row in ROWS:
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(row))
        ratio, low, high = re.search(r"([\d.]+) +([\d.]+) to ([\d.]+)", line).groups()  # type: ignore[union-attr]
        assert float(low) <= float(ratio) <= float(high)
        assert float(high) > 0


@pytest.fixture(scope="module")
def sides() -> tuple[np.ndarray, np.ndarray]:
    """3,000 images of each, as arrays (n, 32, 32)."""
    n = 3000
    return Shapeset(0).batch(n)[0].view(n, 32, 32).numpy(), OneAtATime(0).batch(n)


def test_the_loop_makes_images_of_the_same_kind(sides: tuple[np.ndarray, np.ndarray]) -> None:
    """Equal means over images within 5 standard errors: a false alarm in two million.

    The share of the frame covered may differ by 0.03 more: Pillow also fills pixels whose centre is
    just outside.
    """
    quantities = {
        "mean": lambda images: images.mean((1, 2)),
        "mean square": lambda images: (images**2).mean((1, 2)),
        "greys": lambda images: np.array([len(np.unique(image)) for image in images]),
    }
    for name, quantity in quantities.items():
        ours, theirs = (quantity(side) for side in sides)
        error = math.hypot(stats.sem(ours), stats.sem(theirs))
        assert abs(ours.mean() - theirs.mean()) < 5 * error, name
    ours, theirs = ((side != side[:, :1, :1]).mean((1, 2)) for side in sides)
    error = math.hypot(stats.sem(ours), stats.sem(theirs))
    assert abs(ours.mean() - theirs.mean()) < 5 * error + 0.03


def test_both_sides_make_single_precision_pixels_in_the_same_range(
    sides: tuple[np.ndarray, np.ndarray],
) -> None:
    for images in sides:
        assert images.dtype == np.float32
        assert images.shape == (3000, 32, 32)
        assert images.min() == -1
        assert images.max() == 1
