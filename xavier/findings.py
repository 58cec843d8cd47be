"""A finding of `xavier.diagnose`, and where the book explains its kind."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

BOOK = ""
"""Where the chapters are on the net. Nowhere yet, so that links are to pages of a built book."""

EXPLAINED: Mapping[str, str] = {
    "tied": "01_symmetry#equal-units-get-equal-gradients",
    "copied": "01_symmetry#break-it-one-initializer-used-twice",
    "stuck": "01_symmetry#zero-is-a-different-failure",
    "signal": "03_scale#what-too-large-and-too-small-look-like",
    "not finite": "03_scale#what-too-large-and-too-small-look-like",
    "mean": "04_forward#the-assumptions-one-at-a-time",
    "gradient": "05_backward#gradients-shrink-weight-gradients-do-not",
    "law": "06_compromise#two-rules-called-xavier-and-a-baseline",
    "inputs": "07_birth#break-it-standardize-the-inputs",
    "alike": "09_beyond#two-inputs-need-a-second-number",
    "bias": "09_beyond#two-inputs-need-a-second-number",
    "saturated": "11_saturation#where-units-end-up",
    "loss": "21_diagnose#a-head-that-is-its-own-embedding",
    "branches": "21_diagnose#fifty-blocks-that-add-up",
    "hidden scale": "21_diagnose#a-scale-that-a-normalization-hides",
    "dead": "21_diagnose#exercises",
    **dict.fromkeys(("never ran", "cut off", "unseen", "nothing seen", "no memory", "foreign"),
                    "21_diagnose#what-one-pass-shows"),
    **dict.fromkeys(("frozen", "averages", "one example"),
                    "21_diagnose#it-starts-well-and-does-not-learn"),
}  # fmt: skip
"""Which chapter and section explain a kind of finding.

:meta hide-value:"""


@dataclass(frozen=True)
class Finding:
    """Something about a start that the theory warns of.

    Attributes:
        kind: the name of the check, such as "signal" or "tied".
        where: modules or parameters, by their qualified names.
        what: what was found, with its number and what it should be.
        evidence: the numbers behind it.
        why: why it matters.
        fix: a line of code, with ``model``, ``batch``, ``targets``, ``torch`` and `xavier.init`
            at hand.
        serious: whether learning is in danger; else it is a remark.
    """

    kind: str
    where: tuple[str, ...]
    what: str
    evidence: Mapping[str, float]
    why: str
    fix: str
    serious: bool = True

    @property
    def chapter(self) -> int:
        """That of the book which explains it."""
        return int(EXPLAINED[self.kind][:2])

    @property
    def link(self) -> str:
        """Page and section that explain it, from the folder of the book's chapters if not `BOOK`.

        >>> Finding("stuck", (), "", {}, "", "").link
        '01_symmetry.html#zero-is-a-different-failure'
        """
        return BOOK + EXPLAINED[self.kind].replace("#", ".html#")

    def __str__(self) -> str:
        places = ", ".join(name or "the model itself" for name in self.where[:3])
        more = f" and {len(self.where) - 3} more" if len(self.where) > 3 else ""
        mark = "" if self.serious else " (remark)"
        texts = [f"{self.kind}{mark}: {self.what}", self.why]
        texts += [f"in: {places}{more}"] if self.where else []
        lines = [line for text in texts for line in textwrap.wrap(text, 69)]
        see = f"see: chapter {self.chapter}, {self.link}"
        return "\n   ".join([*lines, f"do: {self.fix}", see])
