"""The command line: what it prints, what it leaves behind, and how it fails."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result

from glorot2010 import catalogue, cli, experiments, records
from glorot2010.catalogue import EXPERIMENTS, Experiment
from glorot2010.points import TrainingPoint
from glorot2010.records import Record
from xavier import __version__

SMOKE = ("--scale", "smoke")


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the repository, reads its records, or looks for data of the user's."""
    monkeypatch.setenv("XAVIER_CACHE", str(tmp_path / "no cache"))
    monkeypatch.setenv("XAVIER_RESULTS", str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, Experiment]:
    """Two small experiments in place of all: two arms, two rates, five parts."""
    race = EXPERIMENTS["table1"].scales["smoke"]
    assert isinstance(race, catalogue.Race)
    arms = tuple(replace(arm, hidden=(5,)) for arm in race.arms[1:3])
    race = replace(race, arms=arms, pack=2, updates=100, rate_updates=100, seeds=(0, 1, 2))
    race = replace(race, quantities=(), densities=(), jacobian=False)
    found = {
        "small": Experiment("small", "A title", dict.fromkeys(catalogue.SCALES, race), ("fig3",)),
        "other": Experiment(
            "other", "", dict.fromkeys(catalogue.SCALES, replace(race, seeds=(5,)))
        ),
    }
    monkeypatch.setattr(catalogue, "EXPERIMENTS", found)
    return found


def xavier(*words: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.cli, [str(word) for word in words])


def ok(*words: str | Path) -> Result:
    done = xavier(*words)
    assert done.exit_code == 0, done.output
    return done


def refused(*words: str | Path, code: int = 1) -> str:
    """What a command that fails says: one message on standard error, and no traceback."""
    done = xavier(*words)
    assert done.exit_code == code, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.count("Error: ") == 1
    return done.stderr.partition("Error: ")[2].strip()


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


# ------------------------------------------------------------------------------------------ help


@pytest.mark.parametrize("command", ["", "list", "run", "show", "ledger"])
def test_every_command_has_help_whose_examples_are_understood(command: str) -> None:
    said = ok(*([command] if command else []), "--help").stdout
    lines = [line.strip() for line in said.partition("Examples:")[2].splitlines() if line.strip()]
    assert lines or command == "list"
    for line in lines:
        words = shlex.split(re.split(r"\s{3,}| [|>] ", line)[0])
        assert words.pop(0) == "xavier"
        known = cli.cli.commands[words[0]]
        with known.make_context(words[0], words[1:], parent=click.Context(cli.cli)) as ctx:
            for name in (*ctx.params.get("names", ()), ctx.params.get("name")):
                assert name in (None, "all") or catalogue.resolve(name)


def test_help_is_quick_as_it_imports_no_library() -> None:
    code = (
        "import sys, glorot2010.cli\n"
        "try: glorot2010.cli.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0].startswith("Usage: xavier run")
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_the_packages() -> None:
    assert ok("--version").stdout.strip() == f"xavier, version {__version__}"


# ------------------------------------------------------------------------------------------- run


def test_a_run_leaves_a_record_that_is_listed_and_shown(few: Any, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    listed = ok("list", *SMOKE).stdout.splitlines()
    assert listed == ["small (fig3): A title", "  small  smoke  not run", "other: ",
                      "  other  smoke  not run"]  # fmt: skip
    done = ok("run", "fig3", "small", *SMOKE)  # both are one
    path = folder / "small.smoke.csv.gz"
    record = records.load("small", "smoke", folder=folder)
    assert done.stdout == f"{record.made}, {path}\n" and record.seeds == (0, 1, 2)
    assert list(folder.iterdir()) == [path]
    before = path.stat()
    assert ok("run", "small", *SMOKE, "--jobs", "2").stdout == done.stdout
    assert path.stat() == before
    ok("run", "small", *SMOKE, "--seeds", "7,3-4", "--save-every", "0.5", "--device", "cpu:0",
       "--note", "as small")  # fmt: skip
    own = "smoke-seeds-7-3-4"
    assert records.load("small", own, folder=folder).seeds == (7, 3, 4)
    assert records.load("small", own, folder=folder).note == "as small"
    (folder / f".other.{own}.csv.gz").touch()  # half of a file that is being written
    (folder / "other.smoke.csv.gz").write_text("no record")
    took = records.duration(record.wall_time)
    assert ok("list").stdout.splitlines()[1:4] == [
        f"  small  smoke  done, took {took}", f"  small  {own}  done, took {took}",
        "  small  book  not run",
    ]  # fmt: skip
    (folder / "small.paper.csv.gz").mkdir()
    now = ok("list").stdout
    assert "  other  smoke  refused: the record" in now
    assert "  small  paper  refused: the record" in now and "  other  paper  not run" in now
    shown = ok("show", "small", *SMOKE, "--seeds", "7,3,4")
    assert shown.stderr == f"drawn in small.{own}.png\n"
    assert (tmp_path / f"small.{own}.png").read_bytes().startswith(b"\x89PNG")


def test_all_are_run_but_those_whose_data_come_from_elsewhere(
    few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(few, "mnist", EXPERIMENTS["mnist"])
    asked: list[str] = []

    def noted(name: str, scale: Any, **said: Any) -> Record:
        asked.append(name)
        return run(name, scale, **said)

    run = experiments.run
    monkeypatch.setattr(experiments, "run", noted)
    ok("run", "all", *SMOKE, "--results", "here")
    assert asked == ["small", "other"]
    assert len(list(Path("here").iterdir())) == 2


@pytest.mark.parametrize("jobs", [1, 2, 0])
def test_jobs_are_processes_and_none_are_all_cores(
    jobs: int, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pool(number: int) -> Any:
        asked.append(number)
        return ThreadPoolExecutor(1)

    monkeypatch.setattr(experiments, "pool", pool)
    ok("run", "other", *SMOKE, "--jobs", str(jobs))
    assert asked == [] if jobs == 1 else asked == [jobs] if jobs else asked[0] >= 1


def test_an_interrupted_run_goes_on_when_the_same_command_is_given(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, calls = TrainingPoint.compute, iter((False, False, True))

    def interrupted(self: TrainingPoint, *args: Any, **said: Any) -> pd.DataFrame:
        if next(calls):
            raise KeyboardInterrupt
        return compute(self, *args, **said)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingPoint, "compute", interrupted)
        done = xavier("run", "small", *SMOKE)
    assert done.exit_code == 130
    assert done.stderr.endswith(
        "what was saved is kept, and the same command goes on from there.\n"
    )
    assert "  small  smoke  in progress" in ok("list").stdout
    assert len(list((tmp_path / "results" / "parts").glob("*.csv.gz"))) == 2
    ok("run", "small", *SMOKE)
    ok("run", "small", *SMOKE, "--results", "whole")
    first, second = (records.load("small", "smoke", folder=f).rows for f in ("results", "whole"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.thorough
def test_ctrl_c_ends_a_process_and_its_processes_with_one_line_and_130(tmp_path: Path) -> None:
    """As a terminal sends it: to all of them."""
    words = ["run", "table1", "--jobs", "2", "--save-every", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "glorot2010.cli", *words], stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        parts = tmp_path / "results" / "parts"
        while len(list(parts.glob("*.checkpoint"))) < 2 and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=600)
    finally:
        with suppress(ProcessLookupError):  # it has ended, if all is well
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Interrupted; what was saved is kept" in said
    assert "Traceback" not in said and "leaked" not in said
    assert len(list(parts.glob("*.checkpoint"))) >= 2


def test_what_is_wrong_with_one_experiment_does_not_stop_the_next(few: Any, tmp_path: Path) -> None:
    path = tmp_path / "results" / "small.smoke.csv.gz"
    path.parent.mkdir()
    path.write_bytes(b"no record")
    done = xavier("run", "small", "other", *SMOKE)
    assert done.exit_code == 1
    assert f"Error: the record {path} is damaged" in done.stderr
    assert "xavier run other" in done.stdout
    path.unlink()
    with records.lock("small", "smoke", tmp_path / "results"):
        assert "another process is running small" in refused("run", "small", *SMOKE)


# --------------------------------------------------------------------------------- wrong and errors


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rnu table1", "No such command 'rnu'"),
        ("run", "Missing argument 'NAME...'"),
        ("run tabel1", "got 'tabel1'"),
        ("run table1 fig33", "got 'fig33'"),
        ("run table1 --scale bok", "'bok' is not one of 'smoke', 'book', 'paper'"),
        ("run table1 --jobs -1", "--jobs"),
        ("run table1 --save-every soon", "--save-every"),
        ("run table1 --executor tcp://host:1", "must be of the form dask://HOST:PORT"),
        ("run table1 --executor dask://h:1 --jobs 2", "cannot be used together"),
        ("run table1 --seeds 3-1", "ranges that ascend, and at most 1000 seeds, got '3-1'"),
        ("run table1 --seeds 0-1000", "at most 1000 seeds"),
        ("run table1 --seeds a", "must be numbers and ranges, as in 0-4,7, got 'a'"),
        ("run table1 --seeds 0,0", "seeds must be different ones"),
        ("run table1 --seeds 1000", "--seeds: seeds must be other than"),
        ("run birth --seeds 1", "of an experiment that trains"),
        ("show fig3 --output fig3.jpg", "must be one of png, svg, pdf, got 'jpg'"),
        ("show tabel1", "got 'tabel1'"),
        ("show table1 --seeds 0,0", "--seeds: seeds must be different ones"),
        ("show birth --seeds 1", "--seeds: seeds must be some, of an experiment that trains"),
        ("ledger --id P250", "got 'P250'"),
    ],
)  # fmt: skip
def test_a_wrong_usage_is_explained(words: str, said: str) -> None:
    assert said in refused(*shlex.split(words), code=2)


def test_errors_that_are_expected_are_messages(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "to make it: xavier run small --scale book --seeds 7,8" in refused(
        "show", "small", "--seeds", "7-8"
    )
    assert "device must be one that is there, got 'gpu'" in refused(
        "run", "small", "--device", "gpu"
    )
    assert "must be the path of a folder, got ''" in refused("list", "--results", "")
    path = tmp_path / "file"
    path.write_text("mine")
    for words in (("run", "small"), ("list",), ("show", "small"), ("ledger",)):
        assert f"'{path}' is a file" in refused(*words, "--results", path, code=2)
    for device in ("meta", "mps"):  # the second is there on a Mac
        if device == "meta" or not torch.backends.mps.is_available():
            said = refused("run", "small", "--device", device)
            assert "one that is there" in said and len(said) < 200 and "\n" not in said
    assert list(tmp_path.iterdir()) == [path]
    for error, said in (
        (OSError(28, "No space left on device", "there"), "there: No space left on device"),
        (MemoryError(), "MemoryError"),
        (BrokenProcessPool("gone"), "killed perhaps or for want of memory"),
        (CancelledError(), "the same command goes on from there"),
    ):
        monkeypatch.setattr(experiments, "run", failing(error))
        assert said in refused("run", "small")
    monkeypatch.setattr(experiments, "run", failing(RuntimeError("a fault of ours")))
    assert isinstance(xavier("run", "small").exception, RuntimeError)


def test_a_cluster_that_does_not_answer_or_has_threads_is_said(
    few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        """A client as far as it is used before a run."""

        def __init__(self, address: str, **said: Any) -> None:
            assert address == "tcp://host:1"

        def nthreads(self) -> dict[str, int]:
            return {"first": 1, "second": 4}

        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []
    words = ("run", "small", "--executor", "dask://host:1")
    monkeypatch.setitem(sys.modules, "distributed", type("Module", (), {"Client": Client}))
    assert "workers must have one thread each, second has more" in refused(*words)
    assert closed
    monkeypatch.setattr(Client, "__init__", failing(OSError("Timed out")))
    assert refused(*words) == "Timed out"
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "[cluster]" in refused(*words)


# ------------------------------------------------------------------------------- show and ledger


def test_the_numbers_and_the_kind_of_file_are_as_asked(
    smoke: Callable[[str], Record], tmp_path: Path
) -> None:
    record = smoke("table1")
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF-")):
        path = tmp_path / "new folder" / f"a.figure.{ending}"
        said = ok("show", "fig3", *SMOKE, "--results", record.path.parent, "-o", path).stdout
        assert path.read_bytes().startswith(start)
    lines = said.splitlines()
    assert lines[0] == f"{record.made}, {record.path}"
    ends = record.rows.query("stage == 'main' and quantity == 'final_error'")
    means = (100 * ends.groupby("arm")["value"].mean()).to_dict()
    assert len(lines) == 2 + len(means)
    for line, (arm, mean) in zip(lines[2:], means.items(), strict=True):  # both by name
        assert line.strip().startswith(arm) and line.endswith(" 2")  # seeds
        found = line.replace("test error, %", "").split()[-4]  # before its interval
        assert float(found) == pytest.approx(mean, rel=1e-3)


def test_the_ledger_judges_claims() -> None:
    from glorot2010.verdicts import CLAIMS, ledger

    said = ok("ledger", "--id", "S3", "--id", "P9", "--id", "S3").stdout
    first, second = re.split(r"^(?=P9)", said, flags=re.MULTILINE)
    assert first.splitlines()[0].split(maxsplit=1) == ["S3", "holds"]
    assert CLAIMS["S3"].text.split()[:5] == first.splitlines()[1].split()[:5]
    assert second.splitlines()[0].split(maxsplit=1) == ["P9", "not run"]
    assert "xavier run hessian --scale book" in " ".join(second.split())
    assert said.endswith("\n2 claims: 1 holds, 1 not run.\n")
    apart = ok("ledger", "--id", "P33").stdout
    assert ", on a stand-in: " in apart.splitlines()[0]
    assert apart.endswith("\n1 claims: 1 not run on a stand-in.\n")
    found = json.loads(ok("ledger", "--id", "P9", "--id", "S3", "--json").stdout)
    assert found == ledger.as_json(ledger.judge(ids=["P9", "S3"], progress=False))
