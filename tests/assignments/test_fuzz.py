"""Five hundred notebooks and two hundred answers that nobody foresaw: none stops the marking.

Nothing of them is run: in place of the sandbox stands a submission that answers nothing, or what
the test sends down the pipe.
"""

from __future__ import annotations

import copy
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from xavier_grading import sets
from xavier_grading.check import parts, values
from xavier_grading.check.answers import Unanswered
from xavier_grading.mark import copies, gradebook, marking, notebooks, pages, tables
from xavier_grading.mark.marking import Task

ASSIGNMENTS = Path(__file__).resolve().parents[2] / "assignments"
ODD: list[Any] = [
    *(None, True, 0, -1, 5, 10**30, 1.5, float("nan"), "", "x", "\ud800", "\x00", "\u202e<b>"),
    *([], [[]], {}, {"a": {}}, ["x", 3], [None], "x" * 100_000, list(range(2000)), {"": ""}),
    {"nbgrader": {"grade_id": 3}}, {"nbgrader": {"grade": True, "solution": True}}, "<script>",
]  # fmt: skip
SECONDS, KILOBYTES = 20.0, 600_000


@cache
def solved() -> str:
    source = nbformat.read(ASSIGNMENTS / "source" / "ps2" / "ps2.ipynb", as_version=4)
    variant = sets.problem_set("ps2").variant("good", "a key for tests")
    return nbformat.writes(notebooks.personal(source, variant))


def good() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(solved())
    return found


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value: what holds it, and its key there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(pairs):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def mutate(notebook: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Some places of it hold something else, are gone, or hold what stands elsewhere."""
    for _ in range(int(rng.integers(1, 6))):
        held = list(places(notebook))
        if not held:
            break
        holder, key = held[rng.integers(len(held))]
        kind = rng.integers(4)
        if kind == 0:
            holder[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
        elif kind == 1:
            del holder[key]
        elif kind == 2:
            other, at = held[rng.integers(len(held))]
            holder[key] = copy.deepcopy(other[at])
        elif isinstance(holder, list):
            holder.insert(int(key), copy.deepcopy(holder[key]))
    return notebook


def broken_bytes(text: str, rng: np.random.Generator) -> bytes:
    """A file that is cut, has bytes changed, or another encoding."""
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    kind = rng.integers(6)
    if kind == 0:
        return bytes(content[: rng.integers(len(content))])
    if kind == 1:
        for at in rng.integers(len(content), size=20):
            content[at] = rng.integers(256)
        return bytes(content)
    if kind == 2:
        return rng.bytes(int(rng.integers(2000)))
    if kind == 3:
        return b"[" * int(rng.integers(200_000)) + bytes(content)
    encoding = ("utf-16", "utf-32", "utf-8-sig", "latin-1")[rng.integers(4)]
    return text.encode(encoding, "replace")


def write_odd(path: Path, number: int, rng: np.random.Generator) -> None:
    """One of the five hundred files."""
    path.parent.mkdir(parents=True)
    if number % 25 == 0:
        special: list[Callable[[], object]] = [
            lambda: os.mkfifo(path),
            lambda: path.mkdir(),
            lambda: path.symlink_to("/dev/zero"),
            lambda: path.symlink_to("../../good/ps2/ps2.ipynb"),
            lambda: path.symlink_to(path),
            lambda: path.with_name("ps2 (copy).ipynb").write_text(json.dumps(good())),
            lambda: [path.with_name(f"{k}.ipynb").touch() for k in "ab"],
            lambda: path.write_bytes(b"\0" * (notebooks.LARGEST + 1)),
            lambda: None,
        ]
        special[number // 25 % len(special)]()
        return
    notebook = mutate(good(), rng)
    if number % 5 == 1:
        old = {"nbformat": 3, "metadata": {}, "worksheets": [notebook]}
        notebook = mutate(old, rng)
    text = json.dumps(notebook, ensure_ascii=bool(number % 2))
    if number % 4 == 3:
        path.write_bytes(broken_bytes(text, rng))
    else:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))


class Silent:
    """A submission of which nothing is run."""

    def __init__(self, **_: Any) -> None:
        pass

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, name: str, source: str) -> str | None:
        compiled = f"{name}{source}".encode()  # as it would go down the pipe
        return None if compiled else ""

    def get(self, name: str) -> Any:
        raise Unanswered(f"there is no {name}")

    def call(self, name: str, *_: Any, **__: Any) -> Any:
        raise Unanswered(f"there is no {name}")

    parameters = get


def everything(task: Task) -> tuple[marking.Report, str]:
    """All that is done with a submission, but to run it."""
    report = marking.mark(task)
    marking.save(report, task.notebook.parent.parent / "report.json")
    restored, _ = task.restored()
    page = pages.page(report, restored, {})
    page.encode("utf-8", "replace")
    nbformat.writes(gradebook.harmless(restored.notebook)).encode("utf-8", "replace")
    tables.by_part([report])
    tables.grade(report, notebooks.written(restored.notebook), {}, task.notebook.parent)
    return report, page


@pytest.mark.thorough
def test_no_notebook_stops_the_marking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "Submission", Silent)
    rng = np.random.default_rng(2010)
    release = ASSIGNMENTS / "release" / "ps2" / "ps2.ipynb"

    def task(student: str) -> Task:
        folder = tmp_path / student / "ps2"
        path, note = notebooks.find(folder, "ps2")
        return Task(student, "ps2", path, release, "a key for tests", by="limits", note=note)

    (tmp_path / "good" / "ps2").mkdir(parents=True)
    (tmp_path / "good" / "ps2" / "ps2.ipynb").write_text(json.dumps(good()))
    first, _ = everything(task("good"))
    tasks, read = [task("good")], 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(500):
        student = f"s{number}"
        write_odd(tmp_path / student / "ps2" / "ps2.ipynb", number, rng)
        start = time.process_time()
        tasks.append(task(student))
        report, page = everything(tasks[-1])
        assert time.process_time() - start < SECONDS, number
        faults = {mark.fault for mark in report.marks.values()}
        assert faults in ({"unreadable"}, {"unanswered"}), (number, faults, report.marks["term"])
        assert "<script" not in page and len(report.marks) == 13
        read += faults == {"unanswered"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES
    assert 200 < read < 450  # many are read, and many are not
    assert len(copies.flags(tasks, ASSIGNMENTS / "source")) > 10
    last, _ = everything(task("good"))
    assert asdict(replace(last, seconds=0)) == asdict(replace(first, seconds=0))


def odd_value(rng: np.random.Generator, depth: int = 0) -> Any:
    """Something that may come for an answer."""
    keys = (
        *("start", "end", "biases", "log", "seed", "rows", "band", "lr", "batch", "weights"),
        *("std", "edges", "counts", "density", "line", "formula", "forward", "slope", "fault"),
        *("layer", "statistic", "value", "order", "rate", 1, 2),
    )
    kind = rng.integers(9 if depth < 4 else 6)
    if kind == 0:
        shape = tuple(int(n) for n in rng.integers(0, 70, rng.integers(0, 4)))
        dtype = ("float64", "float16", "int8", "bool", "uint64")[rng.integers(5)]
        return (rng.normal(size=shape) * 10.0 ** rng.integers(-300, 300)).astype(dtype)
    if kind < 4:
        return [0, -1, 1e308, float("nan"), float("inf"), True, None, 10**4000, 0.5][
            rng.integers(9)
        ]
    if kind == 4:
        return ["", "x", "1/0", "9**9**9**9", "(" * 5000, "q*v*n", "none", "A", "z" * 10**5,
                "exec('1')", "sqrt(-1)", "oo - oo"][rng.integers(12)]  # fmt: skip
    if kind == 5:
        return values.Expression(str(odd_value(rng, 9)))
    if kind == 6:
        return [odd_value(rng, depth + 1)] * int(rng.integers(0, 12))
    count = int(rng.integers(1, len(keys)))
    return {keys[k]: odd_value(rng, depth + 1) for k in rng.permutation(len(keys))[:count]}


class Noise:
    """A process that answers with what has gone wrong on the way."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def get(self, *_: Any, **__: Any) -> Any:
        line = bytearray(values.dumps(odd_value(self.rng)).encode())
        if self.rng.random() < 0.3:
            for at in self.rng.integers(len(line), size=3):
                line[at] = self.rng.integers(256)
        if self.rng.random() < 0.05:
            line = bytearray(b'{"array": ["<f8", [1000000000, 1000000000], ""]}')
        try:
            return values.loads(bytes(line))
        except values.NotPlain as error:
            raise Unanswered("what came back is no plain data") from error

    call = get

    def parameters(self, label: str) -> dict[str, Any]:
        found = self.get()
        if not isinstance(found, dict):
            raise Unanswered("a module's parameters must be arrays")
        return {str(name): np.asarray(value) for name, value in found.items()}


@pytest.mark.thorough
def test_no_answer_stops_a_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2010)
    judged = [(s, p) for s in sets.PROBLEM_SETS.values() for p in s.parts]
    variants = {s.name: s.variant("ada", "a key for tests") for s in sets.PROBLEM_SETS.values()}
    messages = set()
    for number in range(200):
        chosen, part = judged[number % len(judged)]
        start = time.process_time()
        found = parts.judge(part, Noise(rng), variants[chosen.name])
        assert time.process_time() - start < SECONDS, (number, part.name)
        assert found.share < 1.0 and found.fault and found.message, (number, part.name)
        notebooks.printable(found.message).encode()
        messages.add(found.message)
    assert len(messages) > 30
