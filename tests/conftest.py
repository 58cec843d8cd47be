"""What all tests share: seeded generators, and Hypothesis without clock and without chance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zlib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import Phase, settings
from nbval import kernel as nbval_kernel
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from glorot2010.records import Record

settings.register_profile("xavier", deadline=None, derandomize=True, database=None)
settings.register_profile(  # for who asks only whether a test fails, as `make mutants` does
    "brief", settings.get_profile("xavier"), phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("xavier")


def pytest_configure(config: pytest.Config) -> None:
    """A driver that is too old for torch is no CUDA, and no error."""
    config.addinivalue_line("filterwarnings", "ignore:CUDA initialization:UserWarning")
    nbval_kernel.start_new_kernel = _start_kernel


def _start_kernel(start: Callable[..., Any] = nbval_kernel.start_new_kernel, **options: Any) -> Any:
    """A kernel is given free ports, and dies if another process takes one first: then once more."""
    try:
        return start(**options)
    except RuntimeError:
        return start(**options)


# The cells of a chapter; and tests that share what is dear, a page that is open or a whole book.
WHOLE = (".ipynb", "browser/test_board.py", "browser/test_lab.py", "browser/test_portable.py")


class SomeFilesWhole(LoadScopeScheduling):
    """Tests go in their order, one by one or by whole files, to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(WHOLE) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SomeFilesWhole:
    return SomeFilesWhole(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say each reason for which tests were skipped once, in a line."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"skipped {number}: {reason}")


def seed_of(request: pytest.FixtureRequest) -> int:
    """Return a seed that follows from the test's name, parameters included, and nothing else."""
    return zlib.crc32(request.node.name.encode())


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest) -> None:
    """Whatever draws from torch's own generator, a layer's first weights too, draws the same."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed_of(request))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A NumPy generator, seeded by the test's name."""
    return np.random.default_rng(seed_of(request))


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> torch.Generator:
    """A torch generator on the CPU, seeded by the test's name; torch is imported only here."""
    import torch

    return torch.Generator().manual_seed(seed_of(request))


@pytest.fixture(scope="session")
def book() -> Path:
    """The folder of the built pages, which `make test` has built here, once for all processes."""
    root = Path(__file__).parents[1]
    built = root / "_build" / "html"
    if "MAKELEVEL" in os.environ:  # make started these tests, and knows whether anything is to do
        built.parent.mkdir(exist_ok=True)
        with FileLock(built.parent / "book.lock"):
            done = subprocess.run(["make", "book"], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    elif not (built / "index.html").exists():
        pytest.skip("the book is not built: run `make book`")
    return built


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Record]:
    """An experiment's record at the smoke scale, made once for all processes of a test run.

    Each lies in a folder of its own and is not to be changed.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # in which each process has its own
    folder = folder / "smoke"
    folder.mkdir(exist_ok=True)

    @cache
    def record(name: str) -> Record:
        from glorot2010 import experiments

        with FileLock(folder / f"{name}.lock"):
            return experiments.run(name, "smoke", folder=folder / name, progress=False)

    return record


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """What a script starts in the background ignores Ctrl-C, and so do all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
