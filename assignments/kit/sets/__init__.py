"""All problem sets."""

from __future__ import annotations

from xavier import checks

from ..check.parts import ProblemSet
from . import ps1, ps2, ps3, ps4, ps5

PROBLEM_SETS: dict[str, ProblemSet] = {
    found.name: found for found in (module.PROBLEM_SET for module in (ps1, ps2, ps3, ps4, ps5))
}
"""By name."""


def problem_set(name: str) -> ProblemSet:
    """One of them.

    Raises:
        ValueError: there is none of that name; the message lists those that there are.
    """
    return PROBLEM_SETS[checks.one_of("problem set", name, PROBLEM_SETS)]
