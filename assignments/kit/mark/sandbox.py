"""Run a submission where it can do no harm, and ask it for its answers.

On Linux the process lives in namespaces of its own, made by bubblewrap (``bwrap``): it sees the
Python installation read-only and an empty folder in memory, no network, no other process, none of
the repository but the packages, and of these neither the judges nor what the problem set asks to be
written. It is another user if this one is root. Elsewhere, or without bubblewrap, only time,
memory, file sizes and the number of processes are limited; `protection` says what holds here.

A process that dies or hangs is started again, its cells are run once more without the one that it
died in, and the judge goes on.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

import xavier

from ..check import answers, values
from ..check.answers import Unanswered
from .notebooks import printable

Protection: TypeAlias = Literal["namespaces", "limits"]

_PACKAGES = {
    "xavier": Path(xavier.__file__).resolve().parent,
    "xavier_grading": Path(__file__).resolve().parents[1],
}
_RUNNER = _PACKAGES["xavier_grading"] / "mark" / "runner.py"
_FIRST_USER = 61_000  # of the users that submissions run as where this process is root
_GRACE = 5.0  # seconds after which a process that does not stop is killed
_START = 60.0  # seconds of processor time that a process may take to start
_RESTARTS = 8
_slots = itertools.count()

# Modules that know the answers: all of this package but what the runner needs.
_NEEDED = {
    *("__init__.py", "check/__init__.py", "check/answers.py", "check/values.py"),
    *("mark/__init__.py", "mark/runner.py"),
}
_ANSWERS = sorted(
    path
    for path in _PACKAGES["xavier_grading"].rglob("*.py")
    if path.relative_to(_PACKAGES["xavier_grading"]).as_posix() not in _NEEDED
)

_WITHHELD = (
    "raise ImportError('this module is not there while this problem set is marked: '\n"
    "                  'it is what you are asked to write')\n"
)
# Of torch.nn.init: what torch's own layers call in order to be made, and gets them made.
_GUARDED = """
import sys as _sys
if not _sys._getframe(1).f_globals.get("__name__", "").startswith("torch."):
    raise NotImplementedError("torch.nn.init is not there while this problem set is marked")
n = max(tensor[0].numel(), 1)
"""
_SMALL = "return uniform_(tensor, -(n**-0.5), n**-0.5)"
_INSTEAD = {"_calculate_fan_in_and_fan_out": "return n, n"} | dict.fromkeys(
    (
        *("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"),
        *("trunc_normal_", "_no_grad_trunc_normal_", "orthogonal_", "sparse_"),
    ),
    _SMALL,
)


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell: seconds of processor time for one cell.
        call: the same for one question of the judge.
        total: the same for all of it.
        clock: seconds by the clock for a cell or a question, far more than it needs on a machine
            that others use too; all of it may take ten times that.
        memory: bytes of data of one process.
        file: bytes of one file, and of all files together.
        processes: of the submission, threads counted.
    """

    cell: float = 120.0
    call: float = 20.0
    total: float = 600.0
    clock: float = 300.0
    memory: int = 4 * 2**30
    file: int = 256 * 2**20
    processes: int = 128


@cache
def protection() -> Protection:
    """What a submission is held by on this machine."""
    if sys.platform == "linux" and (bwrap := shutil.which("bwrap")):
        done = subprocess.run(
            [bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return "namespaces"
    return "limits"


@dataclass
class Submission:
    """A submission in a process of its own: `xavier_grading.check.answers.Answers`, and `run`.

    Attributes:
        files: put into the folder that it starts in, by name.
        withheld: modules that it cannot import or read, such as "xavier.rules".
        limits: what it may use.
        by: what holds it.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    withheld: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    by: Protection = field(default_factory=protection)

    def __post_init__(self) -> None:
        self._cells: list[tuple[str, str]] = []
        self._restarts = 0
        self._deadline = time.monotonic() + 10 * self.limits.clock
        self._slot = next(_slots)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="submission-"))

    def __enter__(self) -> Submission:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, name: str, source: str) -> str | None:
        """Run a cell.

        Args:
            name: what it is called in messages, beginning with "cell ".
            source: its code.

        Returns:
            What went wrong, in a line; None if nothing did.
        """
        try:
            self._ask({"kind": "run", "name": name, "source": source}, self.limits.cell)
        except Unanswered as error:
            return str(error)
        finally:
            if self._process is not None:  # what kills it is not run again
                self._cells.append((name, source))
        return None

    def get(self, name: str) -> Any:
        """As in `xavier_grading.check.answers.Answers`."""
        return self._ask({"kind": "get", "name": name}, self.limits.call)

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """As in `xavier_grading.check.answers.Answers`."""
        packed = {"arguments": answers.pack(list(arguments)), "named": answers.pack(named)}
        return self._ask({"kind": "call", "name": name, **packed}, self.limits.call)

    def parameters(self, label: str) -> dict[str, np.ndarray[Any, Any]]:
        """As in `xavier_grading.check.answers.Answers`."""
        found = self._ask({"kind": "parameters", "name": label}, self.limits.call)
        if not isinstance(found, dict):
            raise Unanswered("a module's parameters must be arrays")
        return {str(name): np.asarray(value) for name, value in found.items()}

    def _ask(self, request: dict[str, Any], seconds: float) -> Any:
        if self._process is None:
            self._start()
        return self._exchange(request, seconds)

    def _exchange(self, request: dict[str, Any], seconds: float) -> Any:
        """Send a request and read the reply; a process that gives none is no more."""
        assert self._process is not None and self._process.stdin is not None
        clock = round(min(self.limits.clock, self._deadline - time.monotonic()), 1)
        if clock <= 0:
            raise Unanswered(f"the submission took more than {10 * self.limits.clock:g} s in all")
        text = values.dumps(request | {"limit": seconds, "clock": clock})
        try:
            self._process.stdin.write(text.encode() + b"\n")
            self._process.stdin.flush()
            line = _read_line(self._process, clock + _GRACE)
        except TimeoutError:
            self._kill()
            raise Unanswered(
                f"it ran for more than {clock:g} s by the clock and had to be stopped"
            ) from None
        except (OSError, EOFError):
            code = self._kill()
            raise Unanswered(f"the process ended{_describe_end(code)}") from None
        try:
            reply = values.loads(line)
            if set(reply) == {"error"}:
                raise Unanswered(printable(str(reply["error"])[:500]))
            return reply["value"]
        except (values.NotPlain, TypeError, KeyError):
            self._kill()
            raise Unanswered("what came back is no plain data") from None

    def _start(self) -> None:
        """Start a process, and run the cells again that have been run."""
        if self._restarts > _RESTARTS:
            raise Unanswered("the submission ended its process again and again")
        self._restarts += 1
        user = _FIRST_USER + self._slot % 1000 if self.by == "namespaces" else 0
        limits = asdict(self.limits) | {"user": user}
        self._process = subprocess.Popen(
            [*self._command(), json.dumps(limits), json.dumps(_PACKAGES, default=os.fspath)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=_environment(),
            start_new_session=True,
        )
        try:
            # The first reply waits for the start.
            self._exchange({"kind": "run", "name": "", "source": ""}, _START)
        except Unanswered as error:
            raise Unanswered(f"the process could not be started: {error}") from None
        for name, source in list(self._cells):
            with contextlib.suppress(Unanswered):  # it was reported when it ran first
                self._exchange({"kind": "run", "name": name, "source": source}, self.limits.cell)
            if not self._alive():
                self._cells.remove((name, source))
                raise Unanswered(f"{name} does not end the same way twice")

    def _alive(self) -> bool:
        return self._process is not None

    def _command(self) -> list[str]:
        python = [sys.executable, "-I", os.fspath(_RUNNER)]
        files: list[str] = []
        for name, content in self.files.items():
            path = self._folder / Path(name).name
            path.write_bytes(content)
            files += ["--ro-bind", os.fspath(path), f"/submission/{path.name}"]
        if self.by == "limits":
            return python
        hidden: list[str] = []
        for source in (*map(_source, self.withheld), *_ANSWERS):
            stub = self._folder / f".{len(hidden)}.py"
            stub.write_text(
                _without_answers(source) if source == _source("torch.nn.init") else _WITHHELD,
                encoding="utf-8",
            )
            stub.chmod(0o644)
            compiled = source.parent.glob(f"__pycache__/{source.stem}.*.pyc")
            for path in (source, *compiled):
                hidden += ["--ro-bind", os.fspath(stub), os.fspath(path)]
        return [
            # By its whole name: the process gets no PATH of ours.
            *(
                shutil.which("bwrap") or "bwrap",
                "--unshare-ipc",
                "--unshare-pid",
                "--unshare-net",
                "--unshare-uts",
            ),
            *("--unshare-cgroup-try", "--die-with-parent", "--new-session"),
            *([] if os.getuid() == 0 else ["--unshare-user"]),
            # First of all: the repository itself may lie in /tmp.
            *("--size", str(self.limits.file), "--perms", "1777", "--tmpfs", "/tmp"),
            *_mounts(),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--size", str(self.limits.file), "--perms", "1777", "--tmpfs", "/submission"),
            *files,
            *hidden,
            *("--chdir", "/submission", "--"),
            *python,
        ]

    def _kill(self) -> int | None:
        """End the process and all that it has started; its exit status if it had ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        code = process.poll()
        if code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(0.2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        process.wait()
        return code


def _read_line(process: subprocess.Popen[bytes], wait: float) -> bytes:
    """A line from a process; EOFError if it has ended, or sends too much."""
    assert process.stdout is not None
    end = time.monotonic() + wait
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError
            part = os.read(process.stdout.fileno(), 1 << 20)
            found += part
            if not part or len(found) > values.LARGEST + 1000:
                raise EOFError
    return bytes(found)


def _describe_end(code: int | None) -> str:
    if code is None:
        return ""
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return ": it was killed, for want of memory perhaps"
    if code in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
        return ": it had computed for as long as a submission may"
    return f" with status {code}"


def _mounts() -> Iterator[str]:
    """What of this machine's files is seen: the system's programs, Python, and the package."""
    for path in map(Path, ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin")):
        if path.is_symlink():
            yield from ("--symlink", os.fspath(path.readlink()), os.fspath(path))
        elif path.is_dir():
            yield from ("--ro-bind", os.fspath(path), os.fspath(path))
    for path in map(Path, ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")):
        if path.exists():
            yield from ("--ro-bind", os.fspath(path), os.fspath(path))
    own = [
        path
        for path in dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), *_PACKAGES.values()))
        if not path.is_relative_to("/usr")
    ]
    # Folders above them, which any user may pass; left to itself, bwrap makes them root's own.
    for folder in dict.fromkeys(up for path in own for up in reversed(path.parents[:-1])):
        yield from ("--perms", "0755", "--dir", os.fspath(folder))
    for path in own:
        yield from ("--ro-bind", os.fspath(path), os.fspath(path))


def _source(module: str) -> Path:
    """The file of a module, found without importing it."""
    package, *rest = module.split(".")
    root = _PACKAGES.get(package) or Path(sysconfig.get_path("purelib"), package)
    return root.joinpath(*rest).with_suffix(".py")


def _without_answers(source: Path) -> str:
    """torch.nn.init with which layers can be made, and from which nothing can be learned."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in _INSTEAD:
            node.body = ast.parse(_GUARDED + _INSTEAD[node.name]).body
    return ast.unparse(tree)


def _environment() -> dict[str, str]:
    """Nothing of the teacher's own environment, and one thread for each library."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        **one,
        **{"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "MPLBACKEND": "Agg"},
        **{"XAVIER_GRADING": "off", "PYTHONDONTWRITEBYTECODE": "1"},
    }
