"""Run a submission's cells and answer for it: the process inside the sandbox.

It is started as a script. It gives up what rights and resources it can, then reads requests from
its standard input, one line of JSON each, and writes one line for each to its standard output,
which nothing else in the process writes to: what cells print goes nowhere. It trusts nobody and
need not be trusted: whatever comes out of it is plain data, and is judged elsewhere.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib.util
import json
import os
import resource
import signal
import sys
import types
from collections.abc import Iterator
from typing import Any
from unittest import mock

_ME = "__main__"


def main() -> None:
    """Answer requests until there are no more."""
    limits = json.loads(sys.argv[1])
    _restrict(limits)
    channel_in, channel_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = os.fdopen(os.dup(nowhere), "w")

    _load_packages(json.loads(sys.argv[2]))
    answers = importlib.import_module("xavier_grading.check.answers")
    values = importlib.import_module("xavier_grading.check.values")
    names = _namespace()
    made: dict[str, Any] = {}
    for line in channel_in:
        request = values.loads(line)
        try:
            with _within(request["limit"]):
                reply = {"value": _answer(request, names, made, answers)}
                text = values.dumps(reply)
        except BaseException as error:  # of any kind: it is the submission's, and is reported
            text = values.dumps({"error": _describe_error(error)})
        channel_out.write(text.encode() + b"\n")
        channel_out.flush()


def _load_packages(folders: dict[str, str]) -> None:
    """Import packages from their folders, however they are installed, if they are."""
    for name, folder in folders.items():
        spec = importlib.util.spec_from_file_location(
            name, f"{folder}/__init__.py", submodule_search_locations=[folder]
        )
        assert spec is not None and spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _restrict(limits: dict[str, int]) -> None:
    """Bound memory, processes, file sizes; become another user where this one is root."""
    for name, most in (
        ("RLIMIT_DATA", limits["memory"]),
        ("RLIMIT_FSIZE", limits["file"]),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NPROC", limits["processes"]),
    ):
        with contextlib.suppress(AttributeError, ValueError, OSError):  # not on every system
            resource.setrlimit(getattr(resource, name), (most, most))
    if limits["user"] and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(limits["user"], limits["user"], limits["user"])
        os.setresuid(limits["user"], limits["user"], limits["user"])


def _namespace() -> dict[str, Any]:
    """What the cells run in: a module of its own, with the few names that notebooks have."""
    module = types.ModuleType(_ME)
    sys.modules[_ME] = module
    names = module.__dict__
    names["__builtins__"] = builtins
    names["display"] = lambda *_: None
    names["get_ipython"] = mock.MagicMock
    return names


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, as far as it lets itself be interrupted."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"it ran for more than {seconds:g} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(
    request: dict[str, Any], names: dict[str, Any], made: dict[str, Any], answers: Any
) -> Any:
    kind = request["kind"]
    if kind == "run":
        exec(_compiled(request["source"], request["name"]), names)
        return None
    if kind == "get":
        return answers.find(names, request["name"])
    if kind == "parameters":
        return answers.parameters(made, request["name"])
    return answers.apply(names, made, request["name"], request["arguments"], request["named"])


def _compiled(source: str, name: str) -> types.CodeType:
    """A cell's code, in which IPython's commands are calls of what does nothing."""
    with contextlib.suppress(SyntaxError):  # most cells have none, and IPython is slow to import
        return compile(source, name, "exec")
    from IPython.core.inputtransformer2 import TransformerManager

    transformer: Any = TransformerManager()  # type: ignore[no-untyped-call]
    transformer.line_transforms = []  # one that takes a whole cell: what stands below it is run
    return compile(transformer.transform_cell(source), name, "exec")


def _describe_error(error: BaseException) -> str:
    """An error in one line, with the line of the cell that it comes from."""
    try:
        text = " ".join(str(error).split())[:300]
    except BaseException:
        text = ""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("cell "):
            place = f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})"
        trace = trace.tb_next
    kind = type(error).__name__
    if kind == "Unanswered":  # it is ours, and says all there is to say
        return text
    return f"{kind}: {text}{place}" if text else f"{kind}{place}"


if __name__ == "__main__":
    main()
