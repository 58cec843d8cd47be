"""What a problem set is made of: parts with points, a judge for each, and what it finds.

A judge is a function ``judge(answers, variant) -> Finding``. It asks for what it needs and decides
by what the answer *does*: a sampler by the statistics of its draws, a formula by its values, a
trained network by the weights that are handed in. A fault that is known gets its name. The same
judge answers a student at once, in the student's own notebook, and marks a submission, with other
numbers and in another process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from xavier import checks

from .answers import Answers, Local, Unanswered

PUBLIC = "public"
"""The student, and the key, of what the repository shows."""

AGAIN = "again"
"""The key of a checker's other questions."""

RULES = ("xavier.rules", "xavier.init", "xavier.moments", "xavier.derivation", "torch.nn.init")
"""Modules that know what the sets on derivation and samplers ask for."""

_MOST = 6  # things that are told of one answer


@dataclass(frozen=True)
class Variant:
    """The numbers of one student's problem set.

    Attributes:
        problem_set: such as "ps1".
        student: whose it is.
        shown: what the student is told, in the notebook's cell of that name.
        hidden: what only the key tells.
        files: put beside the notebook, by name.
    """

    problem_set: str
    student: str
    shown: Mapping[str, Any]
    hidden: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    key: str = field(default=PUBLIC, repr=False)

    def rng(self, purpose: str) -> np.random.Generator:
        """Random numbers for a purpose, such as a judge's questions: the same at every call."""
        return _rng(self.key, self.student, self.problem_set, purpose)

    def __getitem__(self, name: str) -> Any:
        return {**self.shown, **self.hidden}[name]


@dataclass(frozen=True)
class Finding:
    """What a judge says of an answer.

    Attributes:
        share: of the part's points, from 0 to 1.
        fault: name of what is wrong, "" if nothing is; of several the first.
        message: one or two sentences for the student.
    """

    share: float
    fault: str
    message: str


def right(message: str = "Right.") -> Finding:
    """Full points."""
    return Finding(1.0, "", message)


def wrong(fault: str, message: str, share: float = 0.0) -> Finding:
    """A fault by its name, and what the answer is worth nevertheless."""
    return Finding(share, fault, message)


class Mistake(NamedTuple):
    """A mistake that students make.

    Args:
        name: of the fault.
        gives: what comes of it, in the form in which a judge compares answers.
        says: what to tell the student.
        share: of the points; None for what is usual in the part.
    """

    name: str
    gives: Any
    says: str
    share: float | None = None


def first_match(
    mistakes: Iterable[Mistake],
    fits: Callable[[Any], bool],
    say: str = "Not yet: {}.",
    share: float = 0.0,
) -> Finding | None:
    """What the first mistake is worth that explains an answer; None if none of them does.

    Args:
        mistakes: in the order in which they are tried.
        fits: whether what comes of a mistake is what was found.
        say: the sentence around a mistake's own words.
        share: of the points, where the mistake has none of its own.
    """
    for name, gives, says, own in mistakes:
        if fits(gives):
            return wrong(name, say.format(says), share if own is None else own)
    return None


def failing(*checks: tuple[Any, str, str, float]) -> list[Finding]:
    """What is found by checks, each whether it fails, the fault, what to say, and the share."""
    return [wrong(fault, says, share) for fails, fault, says, share in checks if fails]


def together(found: Sequence[Finding]) -> Finding:
    """All that a judge finds in one finding: the first fault decides the points, all are told."""
    faults = [finding for finding in found if finding.fault] or found[-1:] or [right()]
    told = list(dict.fromkeys(finding.message for finding in faults))
    more = f" And {len(told) - _MOST} things more." if len(told) > _MOST else ""
    return Finding(faults[0].share, faults[0].fault, " ".join(told[:_MOST]) + more)


Judge: TypeAlias = Callable[[Answers, Variant], Finding | Iterable[Finding]]
"""Says what it finds, or yields each thing that it finds, the most telling first."""


@dataclass(frozen=True)
class Part:
    """A question that is marked by itself.

    Attributes:
        name: such as "uniform"; the cell of the notebook that marks it has the same.
        points: whole points.
        minutes: that it takes who has read the chapters.
        level: how hard it is.
        asks: names that the notebook has to define.
        judge: decides.
        hint: said once, when the first try fails.
        read: where the book has it: a chapter's file and the heading of a section in it.
        own: whether it is about a run of the student's, of which the judge makes some again.
    """

    name: str
    points: int
    minutes: int
    level: Literal["easy", "medium", "hard"]
    asks: tuple[str, ...]
    judge: Judge
    hint: str
    read: str = ""
    own: bool = False

    @property
    def section(self) -> str:
        """Chapter and section by their names; "" if the part has none."""
        file, _, heading = self.read.partition(": ")
        return f"chapter {int(file[:2])}, “{heading}”" if file else ""

    @property
    def address(self) -> str:
        """The section's place in the built book."""
        file, _, heading = self.read.partition(": ")
        anchor = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        return f"chapters/{file}.html#{anchor}"


@dataclass(frozen=True)
class ProblemSet:
    """Questions, and how their numbers are drawn.

    Attributes:
        name: such as "ps1".
        title: what it is called.
        parts: in the order of the notebook.
        draw: gives what is shown, what is hidden, and files, from random numbers.
        withheld: modules that are not there while a submission is marked.
        minutes: that it takes.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    draw: Callable[[np.random.Generator], tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]]
    withheld: tuple[str, ...]
    minutes: int

    def variant(self, student: str = PUBLIC, key: str = PUBLIC) -> Variant:
        """One student's numbers, from a key that only the teacher has."""
        shown, hidden, files = self.draw(_rng(key, student, self.name, "numbers"))
        return Variant(self.name, student, shown, hidden, files, key)

    def part(self, name: str) -> Part:
        """One part.

        Raises:
            ValueError: there is none of that name.
        """
        names = {part.name: part for part in self.parts}
        return names[checks.one_of("part", name, names)]


def _rng(key: str, student: str, problem_set: str, purpose: str) -> np.random.Generator:
    said = "\n".join((student, problem_set, purpose)).encode()
    digest = hmac.new(_stretched(key), said, hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


@cache
def _stretched(key: str) -> bytes:
    """A key made slow to guess, since the numbers that a student is shown tell a right guess."""
    if key in (PUBLIC, AGAIN):
        return key.encode()
    return hashlib.scrypt(key.encode(), salt=b"xavier", n=2**15, r=8, p=1, maxmem=2**26)


def judge(part: Part, answers: Answers, variant: Variant) -> Finding:
    """What a part's judge finds; an answer that is not there is worth nothing, and says why.

    A judge goes on after what is wrong as long as the rest can be looked at by itself, so that all
    of it is told at once.
    """
    found: list[Finding] = []
    try:
        with np.errstate(all="ignore"):
            said = part.judge(answers, variant)
            for finding in [said] if isinstance(said, Finding) else said:
                found.append(finding)
    except Unanswered as error:
        found.append(wrong("unanswered", f"No answer: {error}."))
    except Exception as error:
        # The answer is plain data of a form that the judge did not expect, whatever that raises; or
        # what was wrong before has made it so.
        if not any(finding.fault for finding in found):
            found.append(wrong("form", f"The answer has not the form that is asked for ({error})."))
    whole = together(found)
    return replace(whole, share=min(max(whole.share, 0.0), 1.0))


class NotYet(AssertionError):
    """An answer is not right yet."""


class Checker:
    """Checks a student's answers in the student's own notebook.

    Args:
        problem_set: whose parts are checked.
        shown: the notebook's variant.
    """

    def __init__(self, problem_set: ProblemSet, shown: Mapping[str, Any]) -> None:
        self._set = problem_set
        names = problem_set.variant().files
        files = {name: Path(name).read_bytes() for name in names if Path(name).is_file()}
        # What only the key tells is not known here, and is left open.
        self._variant = Variant(problem_set.name, PUBLIC, dict(shown), {}, files)
        self._tried: set[str] = set()

    def __call__(self, part: str, **named: Any) -> None:
        """Say whether a part is right.

        Args:
            part: its name.
            named: the answers, by the names that the part asks for.

        Raises:
            NotYet: it is not; the message names what is wrong, and the first time gives a hint.
            ValueError: there is no such part.
        """
        chosen = self._set.part(part)
        found = judge(chosen, Local(named), self._variant)
        if found.share >= 1.0:
            print(f"{part}: {found.message}")
            return
        first = part not in self._tried
        self._tried.add(part)
        hint = f" Hint: {chosen.hint}" if first and chosen.hint else ""
        read = f" Read again: {chosen.section}." if chosen.section else ""
        raise NotYet(f"{part}: {found.message}{hint}{read}")

    def again(self, part: str, **named: Any) -> None:
        """The same with other questions, as they are asked when it is marked."""
        found = judge(self._set.part(part), Local(named), replace(self._variant, key=AGAIN))
        if found.share < 1.0:
            raise NotYet(f"{part}, with other numbers: {found.message}")
