"""All problem sets."""

from __future__ import annotations

from xavier import checks

from ..check.parts import ProblemSet
from . import ps1, ps2, ps3, ps4

PROBLEM_SETS: dict[str, ProblemSet] = {
    found.name: found
    for found in (ps1.PROBLEM_SET, ps2.PROBLEM_SET, ps3.PROBLEM_SET, ps4.PROBLEM_SET)
}
"""By name."""


def problem_set(name: str) -> ProblemSet:
    """One of them.

    Raises:
        ValueError: there is none of that name; the message lists those that there are.
    """
    return PROBLEM_SETS[checks.one_of("problem set", name, PROBLEM_SETS)]


READ: dict[str, dict[str, str]] = {
    "ps1": {
        "step": "01_symmetry#equal-units-get-equal-gradients",
        "symmetries": "01_symmetry#break-the-symmetry",
        "tied": "01_symmetry#no-data-can-untie-them",
        "untied": "01_symmetry#a-little-noise-is-enough",
        "stays": "01_symmetry#zero-is-a-different-failure",
        "sparse": "04_forward#step-3-a-sum-of-n",
        "sweep": "03_scale#what-too-large-and-too-small-look-like",
        "repaired": "01_symmetry#break-it-one-initializer-used-twice",
        "copies": "01_symmetry#break-it-one-initializer-used-twice",
    },
    "ps2": {
        "term": "04_forward#step-1-one-weight-one-input",
        "forward": "04_forward#step-3-a-sum-of-n",
        "slope": "06_compromise#who-is-asked-for-both",
        "forward_factor": "04_forward#step-4-layer-upon-layer",
        "backward_factor": "05_backward#step-5-a-sum-over-the-outputs",
        "compromise": "06_compromise#step-8-an-average-which-is-a-choice",
        "bound": "06_compromise#steps-9-and-10-the-line",
        "residual": "04_forward#step-4-layer-upon-layer",
        "dies": "04_forward#the-assumptions-one-at-a-time",
        "sample_forward": "04_forward#step-3-a-sum-of-n",
        "sample_slope": "06_compromise#who-is-asked-for-both",
        "sample_backward": "05_backward#step-5-a-sum-over-the-outputs",
        "sample_residual": "04_forward#step-4-layer-upon-layer",
    },
    "ps3": {
        "dense": "06_compromise#step-6-two-wishes",
        "convolution": "06_compromise#two-rules-called-xavier-and-a-baseline",
        "grouped": "06_compromise#two-rules-called-xavier-and-a-baseline",
        "transposed": "05_backward#step-5-a-sum-over-the-outputs",
        "packed": "06_compromise#who-is-asked-for-both",
        "uniform": "06_compromise#steps-9-and-10-the-line",
        "normal": "06_compromise#uniform-or-normal",
        "truncated": "06_compromise#uniform-or-normal",
        "initialize": "06_compromise#two-rules-called-xavier-and-a-baseline",
        "histogram": "06_compromise#uniform-or-normal",
        "signal": "07_birth#activations-figure-6",
        "trained": "06_compromise#does-it-help",
    },
    "ps4": {
        "forward": "07_birth#activations-figure-6",
        "statistics": "07_birth#sigmoid-and-softsign",
        "gradients": "07_birth#gradients-figure-7",
        "panel": "07_birth#activations-figure-6",
        **{f"patient_{k}": "07_birth#what-a-layer-gives-you-by-default" for k in range(1, 6)},
    },
}
"""Where the book has what a part asks for: a chapter and the anchor of a section."""
