"""Run a submission's cells and answer for it: the process inside the sandbox.

It is started as a script. It gives up what rights and resources it can, then reads requests from
its standard input, one line of JSON each, and writes one line for each to its standard output,
which nothing else in the process writes to: what cells print goes nowhere. It trusts nobody and
need not be trusted: whatever comes out of it is plain data, and is judged elsewhere.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import gc
import importlib.util
import inspect
import json
import os
import resource
import signal
import sys
import types
from collections.abc import Iterator
from typing import Any

_ME = "__main__"


def main() -> None:
    """Answer requests until there are no more."""
    limits = json.loads(sys.argv[1])
    _restrict(limits)
    gc.set_threshold(100_000, 20, 100)  # imports make a million objects, and no garbage
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
            with within(request["limit"], request["clock"]):
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


def _restrict(limits: dict[str, Any]) -> None:
    """Bound time, memory, processes, file sizes; become another user where this one is root."""
    for name, most in (
        ("RLIMIT_CPU", int(limits["total"]) + 1),
        ("RLIMIT_DATA", limits["memory"]),
        ("RLIMIT_FSIZE", limits["file"]),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NPROC", limits["processes"]),
    ):
        with contextlib.suppress(AttributeError, ValueError, OSError):  # not on every system
            hard = most + 5 if name == "RLIMIT_CPU" else most  # there is no telling what is killed
            resource.setrlimit(getattr(resource, name), (most, hard))
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
    names["display"] = lambda *_, **__: None
    shell = _Shell(names)
    names["get_ipython"] = lambda: shell
    return names


_TIMERS = {"time", "timeit", "prun", "memit", "mprun", "lprun", "capture", "python", "python3"}


class _Shell:
    """What IPython's commands call: those that time run what they time, the others do nothing."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.user_ns = names

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> Any:
        """Run what stands behind ``%time``; its value if it has one."""
        if name == "time" and line.strip():
            with contextlib.suppress(SyntaxError):
                return eval(line, self.user_ns)
            _execute(line, "<%time>", self.user_ns)
        return None

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run what stands below ``%%time`` and the like."""
        if name in _TIMERS:
            place = sys._getframe(1).f_code.co_filename
            _execute("\n" + cell, place, self.user_ns)  # a line down, as it stands in the cell

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        """Nothing: no command of the system is run."""
        return []

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@contextlib.contextmanager
def within(seconds: float, clock: float = 0.0) -> Iterator[None]:
    """Interrupt what takes longer, as far as it lets itself be interrupted.

    Args:
        seconds: of this process's processor time, which others on the machine do not lengthen.
        clock: seconds by the clock, for what waits and does not compute; 0 for no limit.
    """

    def late(number: int, _: Any) -> None:
        most = f"{seconds:g} seconds" if number == signal.SIGPROF else f"{clock:g} s by the clock"
        raise TimeoutError(f"it ran for more than {most}")

    for number, timer, most in (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, clock),
    ):
        signal.signal(number, late)
        signal.setitimer(timer, most, 1.0)  # and again, should somebody's `except` take the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(
    request: dict[str, Any], names: dict[str, Any], made: dict[str, Any], answers: Any
) -> Any:
    kind = request["kind"]
    if kind == "run":
        _execute(request["source"], request["name"], names)
        return None
    if kind == "get":
        return answers.find(names, request["name"])
    if kind == "parameters":
        return answers.parameters(made, request["name"])
    return answers.apply(names, made, request["name"], request["arguments"], request["named"])


def _execute(source: str, name: str, names: dict[str, Any]) -> None:
    """Run a cell as IPython would: with its commands, and with ``await`` where no function is."""
    waits = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:  # most cells are plain Python, and IPython is slow to import
        code = compile(source, name, "exec", waits)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        transformer: Any = TransformerManager()  # type: ignore[no-untyped-call]
        code = compile(transformer.transform_cell(source), name, "exec", waits)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, names))
    else:
        exec(code, names)


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
