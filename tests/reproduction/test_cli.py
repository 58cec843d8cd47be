"""The command line: what it prints, what it leaves behind, and how it fails.

Most commands run in this process, on experiments of the smoke scale or smaller ones. What cannot be
tried so (Ctrl-C, a closed pipe, how fast help is) runs in one of its own.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from scipy import stats

from glorot2010 import catalogue, cli, experiments, points, results
from glorot2010.catalogue import EXPERIMENTS, Experiment
from xavier import __version__, datasets

SMOKE = ("--scale", "smoke")
COMMANDS = ("list", "run", "show", "ledger")


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the repository, reads its records, or looks for data of the user's."""
    for name in ("XAVIER_TRACEBACK", "XAVIER_DATA", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XAVIER_CACHE", str(tmp_path / "no cache"))
    monkeypatch.setenv("XAVIER_RESULTS", str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the record of table 1 at the smoke scale, made by the command line."""
    folder = tmp_path_factory.mktemp("made")
    done = CliRunner().invoke(cli.cli, ["run", "fig11", *SMOKE, "--results", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def small(name: str = "small", **changes: Any) -> Experiment:
    """An experiment with all that a large one has, in a second: two arms, two rates, five parts."""
    race = EXPERIMENTS["table1"].scales["smoke"]
    assert isinstance(race, catalogue.Race)
    arms = tuple(replace(arm, hidden=(5,)) for arm in race.arms[1:3])
    race = replace(race, arms=arms, pack=2, updates=100, rate_updates=100, seeds=(0, 1, 2))
    race = replace(race, quantities=(), densities=(), jacobian=False, **changes)
    return Experiment(name, f"A title of {name}", dict.fromkeys(catalogue.SCALES, race), ("fig3",))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, Experiment]:
    """Three small experiments in place of all; one needs data."""
    needy = tuple(replace(arm, hidden=(5,), data="mnist") for arm in catalogue.CURVES[1:2])
    found = {
        "small": small(),
        "other": replace(small("other", seeds=(5,)), shows=()),
        "needy": replace(small("needy", arms=needy), shows=("fig12",)),
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
    assert "Traceback" not in done.output
    assert done.stderr.count("Error: ") == 1
    return done.stderr.partition("Error: ")[2].strip()


def rows(folder: Path, name: str, label: str = "smoke") -> pd.DataFrame:
    return results.load(name, label, folder=folder).rows


def damage(path: Path) -> None:
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Press Ctrl-C when so many points are computed."""
    compute, calls = points.TrainingPoint.compute, itertools.count()

    def interrupted(self: points.TrainingPoint, *args: Any, **kwargs: Any) -> pd.DataFrame:
        if next(calls) == after:
            raise KeyboardInterrupt
        return compute(self, *args, **kwargs)

    monkeypatch.setattr(points.TrainingPoint, "compute", interrupted)


# ------------------------------------------------------------------------------------------ help


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help_with_examples(command: str, option: str) -> None:
    said = ok(*([command] if command else []), option).stdout
    assert "Examples:" in said
    for shared in ("--results DIR", "--traceback"):
        assert shared in said


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_examples_are_commands_that_exist(command: str) -> None:
    """Every example is understood: its command, its options, their values."""
    said = ok(*([command] if command else []), "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    assert lines
    for line in lines:
        words = shlex.split(re.split(r"\s{3,}| [|>] ", line)[0])
        assert words.pop(0) == "xavier"
        known = cli.cli.commands[words[0]]
        with known.make_context(words[0], words[1:], parent=click.Context(cli.cli)) as ctx:
            for name in (*ctx.params.get("names", ()), ctx.params.get("name")):
                assert name in (None, "all") or catalogue.resolve(name)
            cli._address(ctx.params.get("executor"))
            cli._parsed(ctx.params.get("seeds"))


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


def test_the_scales_are_the_catalogues() -> None:
    assert cli._SCALES == catalogue.SCALES


# ------------------------------------------------------------------------------------------- run


def test_a_run_leaves_the_record_of_the_experiment(made: Path, tmp_path: Path) -> None:
    record = experiments.load("table1", "smoke", folder=made)
    expected = experiments.run("table1", "smoke", folder=tmp_path, progress=False)
    pd.testing.assert_frame_equal(record.rows, expected.rows)
    assert [path.name for path in made.iterdir()] == ["table1.smoke.csv.gz"]


def test_what_is_done_is_not_run_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(monkeypatch, after=0)
    before = (made / "table1.smoke.csv.gz").stat()
    for jobs in ("1", "2"):
        done = ok("run", "table1", *SMOKE, "--results", made, "--jobs", jobs)
        path = made / "table1.smoke.csv.gz"
        assert done.stdout == f"table1 at scale smoke: done already, {path}\n"
    assert (made / "table1.smoke.csv.gz").stat() == before


def test_an_experiment_that_is_named_twice_is_run_once(few: Any, tmp_path: Path) -> None:
    done = ok("run", "fig3", "small", "other")
    assert done.stdout.count("small at scale book: done in") == 1
    assert "2 experiments: 2 done.\n" in done.stderr
    assert {path.name for path in (tmp_path / "results").iterdir()} == {
        "small.book.csv.gz",
        "other.book.csv.gz",
    }


@pytest.mark.parametrize("after", [True, False])
def test_the_folder_can_be_named_before_and_after_the_command(
    after: bool, few: Any, tmp_path: Path
) -> None:
    words = ["run", "small", *SMOKE]
    named = ["--results", str(tmp_path / "named")]
    ok(*(words + named if after else named + words))
    assert [path.name for path in tmp_path.iterdir()] == ["named"]
    assert "  done  " in ok("list", "--no-times", *named).stdout
    assert "  done  " not in ok("list", "--no-times").stdout


def test_the_folder_after_the_command_counts(few: Any, tmp_path: Path) -> None:
    ok("--results", tmp_path / "first", "run", "small", "--results", tmp_path / "second")
    assert [path.name for path in tmp_path.iterdir()] == ["second"]


def test_without_a_name_the_environment_says_where(few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    assert (tmp_path / "results" / "small.book.csv.gz").is_file()


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0", (0,)),
        ("0,1,2", (0, 1, 2)),
        ("0-4", (0, 1, 2, 3, 4)),
        ("7, 3-5", (7, 3, 4, 5)),
        ("9223372036854775807", (2**63 - 1,)),
    ],
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert cli._parsed(text) == seeds


def test_what_is_missing_is_made_by_the_command_that_is_named(few: Any) -> None:
    said = refused("show", "small", "--seeds", "7-9")
    command = said.partition("to make it anew: xavier ")[2].split()
    assert command[:6] == ["run", "small", "--scale", "book", "--seeds", "7,8,9"]
    ok(*command)
    ok("show", "small", "--seeds", "7-9")


def test_other_seeds_are_another_record(few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    done = ok("run", "small", "--seeds", "7-9", "--device", "cpu")
    assert "small at scale book, seeds 7-9: done in" in done.stdout
    first = min((tmp_path / "results").iterdir())
    assert "7-8-9" in first.name
    record = results.load("small", first.name.split(".")[1], folder=tmp_path / "results")
    assert record.seeds == (7, 8, 9)
    listed = ok("list", "--no-times", "--scale", "book").stdout
    assert re.search(r"small +book +done", listed)
    assert re.search(r"small +book-seeds-7-8-9 +done", listed)
    shown = ok("show", "small", "--seeds", "7-9")
    assert shown.stdout.splitlines()[1].split()[-1] == "seeds"
    assert (tmp_path / "small.book-seeds-7-8-9.png").is_file()


@pytest.mark.parametrize(
    "seeds", ["", ",", "a", "1.5", "-1", "3-1", "0,0", "0-5,5", "0-1000", "1" * 20, "１"]
)
def test_bad_seeds_are_a_wrong_usage(seeds: str) -> None:
    assert "--seeds" in refused("run", "table1", f"--seeds={seeds}", code=2)


@pytest.mark.parametrize("seeds", ["1000", str(2**63)])
def test_seeds_that_an_experiment_refuses_are_a_wrong_usage(seeds: str) -> None:
    """The first chooses rates, the second is too large."""
    for command in ("run", "show"):
        assert "--seeds" in refused(command, "table1", "--seeds", seeds, code=2)


def test_all_runs_what_has_its_data(few: Any, tmp_path: Path) -> None:
    ok("run", "other")
    done = ok("run", "all")
    assert "small at scale book: done in" in done.stdout
    assert "other at scale book: done already" in done.stdout
    assert "needy at scale book: skipped, mnist is not here" in done.stderr
    assert "3 experiments: 1 done, 1 done before, 1 skipped." in done.stderr
    assert len(list((tmp_path / "results").iterdir())) == 2


def test_all_reads_a_record_whose_data_have_gone(few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    results.save(
        rows(tmp_path / "results", "small", "book"), experiment="needy", scale="book",
        config=experiments.plain(few["needy"].scales["book"]), seeds=(0,), device="cpu",
        wall_time=1.0, command="by hand", folder=tmp_path / "results",
    )  # fmt: skip
    assert "needy at scale book: done already" in ok("run", "all").stdout


def test_all_on_seeds_skips_what_has_none(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"small": few["small"], "birth": EXPERIMENTS["birth"]}
    monkeypatch.setattr(catalogue, "EXPERIMENTS", found)
    done = ok("run", "all", *SMOKE, "--seeds", "3")
    assert "birth at scale smoke, seeds 3: skipped, seeds must be" in done.stderr
    assert "small at scale smoke, seeds 3: done in" in done.stdout


def test_processes_of_their_own_give_the_same_record(made: Path, tmp_path: Path) -> None:
    ok("run", "table1", *SMOKE, "--results", tmp_path, "--jobs", "2")
    pd.testing.assert_frame_equal(rows(tmp_path, "table1"), rows(made, "table1"))


@pytest.mark.parametrize(("jobs", "processes"), [("1", None), ("3", 3), ("0", cli._cores())])
def test_jobs_are_processes_and_none_are_all_cores(
    jobs: str, processes: int | None, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pool(number: int) -> Any:
        asked.append(number)
        return contextlib.nullcontext(None)

    monkeypatch.setattr(experiments, "pool", pool)
    ok("run", "small", "--jobs", jobs)
    assert asked == ([] if processes is None else [processes])


def test_what_is_asked_for_is_what_is_run(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    run = experiments.run

    def noted(name: str, scale: Any, **kwargs: Any) -> Any:
        asked.update(kwargs, name=name, scale=scale)
        return run(name, scale, **kwargs)

    monkeypatch.setattr(experiments, "run", noted)
    ok("run", "small", *SMOKE, "--save-every", "2.5", "--seeds", "4", "--device", "cpu:0")
    assert asked["save_every"] == 2.5
    assert asked["seeds"] == (4,)
    assert asked["device"] == "cpu:0"
    assert (asked["name"], asked["scale"]) == ("small", "smoke")


# ---------------------------------------------------------------------------------- interruptions


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_run_says_how_to_go_on_and_ends_the_same(
    after: int, few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first point, in the first stage, and in the second."""
    folder = tmp_path / "a folder"
    with monkeypatch.context() as patched:
        interrupt(patched, after)
        done = xavier("run", "other", "small", *SMOKE, "--save-every", "7", "--results", folder)
    assert done.exit_code == 130
    assert "Traceback" not in done.output
    said, command = done.stderr.splitlines()[-2:]
    assert said == "Interrupted. What was done is saved; to go on from there:"
    assert command == (
        f"  xavier run other small --scale smoke --save-every 7 --results '{folder}'"
    )
    listed = ok("list", "--no-times", *SMOKE, "--results", folder).stdout
    of = len(few["other"].scales["smoke"].first()) + 1
    if after:
        assert f"in progress ({after} of {of} parts, " in listed
    again = ok(*shlex.split(command)[1:])
    if after:
        assert f"other at scale smoke: goes on ({after} of {of} parts, " in again.stderr
    ok("run", "other", "small", *SMOKE, "--results", tmp_path / "whole")
    for name in ("other", "small"):
        pd.testing.assert_frame_equal(rows(folder, name), rows(tmp_path / "whole", name))


def press(words: list[str | Path], ready: Callable[[], bool]) -> tuple[int, str]:
    """Send a real Ctrl-C to a command when something is ready; its exit code, and what it said."""
    # Where tests run in the background, what they start ignores Ctrl-C unless it is told not to.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from glorot2010.cli import main\n"
        "main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + 600
        while not ready():
            assert process.poll() is None, "it was done before it was interrupted"
            assert time.monotonic() < end, "it did not begin"
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=600)[1]
    finally:
        process.kill()
        process.wait()
    return process.returncode, said


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_is_heard_and_nothing_is_lost(made: Path, tmp_path: Path) -> None:
    folder, parts = tmp_path / "results", tmp_path / "results" / "parts"
    words: list[str | Path] = ["run", "table1", *SMOKE, "--save-every", "0", "--results", folder]
    finished: list[Path] = []

    def two_parts() -> bool:
        finished[:] = parts.glob("*.csv.gz")
        return len(finished) >= 2

    code, said = press(words, two_parts)
    assert code == 130
    assert "Traceback" not in said
    assert f"  {shlex.join(['xavier', *map(str, words)])}\n" in said
    assert not list(folder.glob(".*")), "a lock is left"
    kept = {path: path.stat().st_mtime_ns for path in finished}
    computed: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        compute = points.TrainingPoint.compute

        def counted(self: points.TrainingPoint, *args: Any, **kwargs: Any) -> pd.DataFrame:
            computed.append(self)
            assert {path: path.stat().st_mtime_ns for path in kept} == kept
            return compute(self, *args, **kwargs)

        patched.setattr(points.TrainingPoint, "compute", counted)
        ok(*words)
    assert 1 <= len(computed) <= 6  # of eight
    pd.testing.assert_frame_equal(rows(folder, "table1"), rows(made, "table1"))


def test_ctrl_c_elsewhere_is_quiet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "records", pressed)
    done = xavier("list", "--no-times")
    assert done.exit_code == 130
    assert done.stderr == "Interrupted.\n"


# ------------------------------------------------------------------------------------ wrong usage


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rnu table1", "command must be one of list, run, show, ledger, got 'rnu'; did you mean"),
        ("run", "Missing argument 'NAME...'"),
        ("show", "Missing argument 'NAME'"),
        ("run tabel1", "got 'tabel1'; did you mean 'table1'?"),
        ("run table1 fig33", "got 'fig33'; did you mean 'fig3'?"),
        ("show fig111", "got 'fig111'; did you mean 'fig11'?"),
        ("run table1 --scale bok", "must be one of smoke, book, paper, got 'bok'; did you mean"),
        ("list --scale papers", "got 'papers'; did you mean 'paper'?"),
        ("show fig3 --scale Smoke", "got 'Smoke'; did you mean 'smoke'?"),
        ("run all table1", "all cannot be named together with others"),
        ("run table1 --jobs -1", "--jobs"),
        ("run table1 --jobs two", "--jobs"),
        ("run table1 --save-every -1", "--save-every"),
        ("run table1 --save-every soon", "--save-every"),
        ("run table1 --sedes 1", "No such option"),
        ("run table1 --executor tcp://host:1", "must be of the form dask://HOST:PORT"),
        ("run table1 --executor dask://host", "must be of the form dask://HOST:PORT"),
        ("run table1 --executor dask://host:99999", "must be of the form dask://HOST:PORT"),
        ("run table1 --executor dask://h:1 --jobs 2", "cannot be used together"),
        ("show fig3 --output fig3.jpg", "must be one of png, svg, pdf, got 'jpg'"),
        ("show fig3 --output fig3", "must be one of png, svg, pdf, got ''"),
        ("ledger --id P250", "got 'P250'; did you mean 'P25'?"),
        ("list --results ''", "must name a folder"),
    ],
)
def test_a_wrong_usage_is_explained(words: str, said: str) -> None:
    assert said in refused(*shlex.split(words), code=2)


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("command", ["run", "show"])
def test_a_damaged_record_is_refused_and_left(command: str, few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    path = tmp_path / "results" / "small.book.csv.gz"
    damage(path)
    damaged = path.read_bytes()
    said = refused(command, "small")
    assert str(path) in said
    assert "it was damaged or cut short" in said
    assert path.read_bytes() == damaged
    assert [p.name for p in tmp_path.iterdir()] == ["results"]  # no picture


def test_a_record_of_another_configuration_is_refused(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok("run", "small")
    monkeypatch.setattr(catalogue, "EXPERIMENTS", {"small": small(updates=200)})
    for command in ("run", "show"):
        said = refused(command, "small")
        assert str(tmp_path / "results" / "small.book.csv.gz") in said
        assert "updates is 100 in the record, expected 200" in said


def test_a_damaged_part_is_refused_and_named(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupt(patched, after=1)
        xavier("run", "small")
    (part,) = (tmp_path / "results" / "parts").glob("*.csv.gz")
    damage(part)
    assert str(part) in refused("run", "small")
    assert ok("list", "--no-times").exit_code == 0


def test_a_damaged_checkpoint_is_refused_and_named(few: Any, tmp_path: Path) -> None:
    configuration = few["small"].scales["book"]
    name = f"small-{results.config_hash(experiments.plain(configuration.first()[0]))[:16]}"
    checkpoint = tmp_path / "results" / "parts" / f"{name}.book.checkpoint"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"no checkpoint")
    assert str(checkpoint) in refused("run", "small")


def test_what_is_wrong_with_one_experiment_does_not_stop_the_next(few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    damage(tmp_path / "results" / "small.book.csv.gz")
    done = xavier("run", "small", "other")
    assert done.exit_code == 1
    assert "other at scale book: done in" in done.stdout
    assert "2 experiments: 1 failed, 1 done.\n" in done.stderr


def test_two_runs_at_once_are_refused(few: Any, tmp_path: Path) -> None:
    with results.lock("small", "book", tmp_path / "results"):
        said = refused("run", "small")
    assert f"small at scale book is being run by process {os.getpid()}" in said
    ok("run", "small")


def test_a_record_that_is_not_there_names_the_command_that_makes_it(few: Any) -> None:
    assert "xavier run small --scale smoke" in refused("show", "fig3", *SMOKE)


def test_a_folder_that_cannot_be_written_is_named(few: Any, tmp_path: Path) -> None:
    """A file stands in its place, which not even root can write into."""
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in refused("run", "small", "--results", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("full", ["open", "fsync"])
def test_a_full_disk_is_said_and_what_was_saved_is_kept(
    full: str, few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full from the second part on: the first is kept, and the run goes on from there."""
    original, folder = getattr(os, full), tmp_path / "results"
    with monkeypatch.context() as patched:

        def no_space(*args: Any, **kwargs: Any) -> Any:
            writes = full == "fsync" or str(args[0]).endswith(".part")
            if writes and list(folder.glob("parts/*.csv.gz")):
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(*args, **kwargs)

        patched.setattr(os, full, no_space)
        said = refused("run", "small")
    assert "No space left on device" in said
    assert str(folder) in said
    assert len(list(folder.glob("parts/*.csv.gz"))) == 1
    assert not list(folder.rglob("*.part"))
    assert "goes on (1 of 5 parts" in ok("run", "small").stderr


def test_a_picture_that_cannot_be_written_is_said(made: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    words = ("show", "fig3", *SMOKE, "--results", made, "--output", tmp_path / "folder.png")
    assert str(tmp_path / "folder.png") in refused(*words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
def test_a_device_that_is_not_there_is_said(few: Any) -> None:
    assert "device must be one that is there, got 'cuda'" in refused(
        "run", "small", "--device", "cuda"
    )


def test_a_device_that_is_none_is_said(few: Any) -> None:
    assert "got 'gpu0'" in refused("run", "small", "--device", "gpu0")


def offline(*args: Any, **kwargs: Any) -> Any:
    raise OSError("no network in tests")


def test_data_that_are_not_there_are_said(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "_fetch", offline)
    monkeypatch.setenv("XAVIER_DATA", str(tmp_path))
    said = refused("run", "needy")
    assert said.startswith("mnist: ")
    assert "no network in tests" in said
    assert "XAVIER_DATA" in said


def test_data_in_a_folder_that_is_none_are_said(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAVIER_DATA", str(tmp_path / "nowhere"))
    assert "XAVIER_DATA must name a folder" in refused("run", "needy")


def test_a_folder_that_nothing_names_is_said(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XAVIER_RESULTS")
    monkeypatch.setattr(results, "__file__", "/elsewhere/glorot2010/results.py")
    assert "no folder for the records" in refused("run", "small")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no memory"),
        torch.OutOfMemoryError("no memory of the GPU"),
        ValueError("not a value"),
        PermissionError(errno.EACCES, "Permission denied", "/there"),
    ],
)
def test_expected_errors_are_messages(
    error: Exception, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(experiments, "run", fails)
    said = refused("run", "small")
    assert said in (str(error), "/there: Permission denied")
    for words, variables in (
        (["--traceback", "run", "small"], {}),
        (["run", "small", "--traceback"], {}),
        (["run", "small"], {"XAVIER_TRACEBACK": "1"}),
    ):
        done = CliRunner().invoke(cli.cli, words, env=variables)
        assert done.exception is error


def test_a_traceback_is_shown_of_a_refused_record_too(few: Any, tmp_path: Path) -> None:
    ok("run", "small")
    damage(tmp_path / "results" / "small.book.csv.gz")
    for env, words in (({}, ["--traceback"]), ({"XAVIER_TRACEBACK": "1"}, [])):
        done = CliRunner().invoke(cli.cli, ["run", "small", *words], env=env)
        assert isinstance(done.exception, results.RecordError)


def test_a_process_that_was_killed_is_said(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a process has ended") from BrokenProcessPool()

    monkeypatch.setattr(experiments, "run", fails)
    assert refused("run", "small", "--jobs", "2") == "a process has ended"


@pytest.mark.parametrize("error", [KeyError("ours"), RuntimeError("ours"), TypeError("ours")])
def test_faults_of_ours_are_not_hidden(
    error: Exception, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(experiments, "run", fails)
    assert xavier("run", "small").exception is error


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX's")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "glorot2010.cli", "list", "--no-times"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


# ---------------------------------------------------------------------------------------- cluster


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_cluster_that_does_not_answer_is_said(
    nobody: int, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="no Dask: pip install 'xavier[cluster]'")
    monkeypatch.setattr(cli, "_CONNECT", 0.5)
    said = refused("run", "small", "--executor", f"dask://127.0.0.1:{nobody}")
    assert f"no Dask scheduler answers at tcp://127.0.0.1:{nobody}" in said


def test_without_the_package_for_clusters_it_says_how_to_install_it(
    few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = refused("run", "small", "--executor", "dask://127.0.0.1:1")
    assert "pip install 'xavier-book[cluster]'" in said


class Client:
    """A cluster's client as far as it is used, which computes in this process."""

    threads: dict[str, int] = {"worker": 1}  # noqa: RUF012
    version: Any = __version__
    closed = 0

    def __init__(self, address: str, **kwargs: Any) -> None:
        assert address == "tcp://host:1"

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def run(self, function: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return dict.fromkeys(self.threads, self.version)

    def get_executor(self) -> None:
        return None

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    own = type("Own", (Client,), {})
    module = type("Module", (), {"Client": own})
    monkeypatch.setitem(sys.modules, "distributed", module)
    return own


def test_a_cluster_is_left_when_the_run_is_done(cluster: type[Client], few: Any) -> None:
    ok("run", "small", "other", "--executor", "dask://host:1")
    assert cluster.closed == 2
    ok("run", "small", "--executor", "dask://host:1")  # done: nobody is asked
    assert cluster.closed == 2


def test_workers_with_several_threads_are_refused(cluster: type[Client], few: Any) -> None:
    cluster.threads = {"a": 1, "b": 4}
    assert "--nthreads 1" in refused("run", "small", "--executor", "dask://host:1")
    assert cluster.closed == 1


@pytest.mark.parametrize("version", ["0.0.1", ModuleNotFoundError("No package")])
def test_workers_with_another_package_are_refused(
    version: Any, cluster: type[Client], few: Any
) -> None:
    cluster.version = version
    said = refused("run", "small", "--executor", "dask://host:1")
    assert f"must have xavier {__version__} installed, on worker: {version}" in said


def test_a_cluster_without_workers_is_waited_for(cluster: type[Client], few: Any) -> None:
    cluster.threads = {}
    assert "no workers yet" in ok("run", "small", "--executor", "dask://host:1").stderr


def test_a_cluster_that_is_lost_is_said(
    cluster: type[Client], few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import CancelledError

    def lost(*args: Any, **kwargs: Any) -> Any:
        raise CancelledError

    monkeypatch.setattr(experiments, "run", lost)
    said = refused("run", "small", "--executor", "dask://host:1")
    assert "the cluster at tcp://host:1 failed: its scheduler is gone" in said
    assert cluster.closed == 1


def test_an_interruption_on_a_cluster_promises_no_more_than_it_keeps(
    cluster: type[Client], few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, after=1)
    done = xavier("run", "small", "--executor", "dask://host:1")
    assert done.exit_code == 130
    assert "What the workers saved is kept" in done.stderr
    assert "xavier run small --executor dask://host:1\n" in done.stderr
    assert cluster.closed == 1


CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(
    n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
) as cluster:
    print(cluster.scheduler_address.replace("tcp://", "dask://"), flush=True)
    sys.stdin.read()
"""


def test_a_real_cluster_gives_the_same_record(made: Path) -> None:
    """Its one worker is another process."""
    pytest.importorskip("distributed", reason="no Dask: pip install 'xavier[cluster]'")
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("dask://")
        ok("run", "table1", *SMOKE, "--results", "far", "--executor", address)
    finally:
        process.communicate("")
    pd.testing.assert_frame_equal(rows(Path("far"), "table1"), rows(made, "table1"))


# ------------------------------------------------------------------------------------------- list


def test_the_list_says_what_is_done_and_what_is_not(made: Path) -> None:
    listed = ok("list", "--no-times", "--results", made).stdout
    for name, experiment in EXPERIMENTS.items():
        assert experiment.title in listed
        assert all(figure in listed for figure in experiment.shows)
        for scale in catalogue.SCALES:
            state = "done +took" if (name, scale) == ("table1", "smoke") else "not run$"
            assert re.search(rf"^  {name} +{scale} +{state}", listed, re.MULTILINE)
    n = 3 * len(EXPERIMENTS)
    assert f"{n} in all: 1 done, {n - 1} not run. Done in " in listed


def test_the_list_of_one_scale(few: Any) -> None:
    found = json.loads(ok("list", "--no-times", "--json", "--scale", "paper").stdout)
    assert [(row["name"], row["scale"]) for row in found] == [(n, "paper") for n in few]


def test_the_list_says_how_long_a_run_takes(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One done, one half done, one not begun, one whose data are missing."""
    monkeypatch.setitem(few, "untrained", replace(EXPERIMENTS["birth"], name="untrained"))
    monkeypatch.setitem(few, "new", small("new"))
    ok("run", "other")
    with monkeypatch.context() as patched:
        interrupt(patched, after=3)
        xavier("run", "small")
    asked = []

    def seconds(name: str, scale: str = "book") -> float:
        asked.append(name)
        return {"untrained": 0.0, "new": 7200.0, "small": 1000.0}[name]

    monkeypatch.setattr(experiments, "seconds", seconds)
    monkeypatch.setattr(datasets, "_fetch", offline)
    words = ("list", "--scale", "book")
    listed = ok(*words).stdout
    configuration = few["small"].scales["book"]
    work = [p.work for p in (*configuration.first(), *experiments._second(configuration))]
    share = sum(work[:3]) / sum(work)
    for line in (
        r"other +book +done +took less than 1 s",
        rf"small +book +in progress \(3 of 5 parts, {100 * share:.0f} %\) +about "
        + results.duration(1000 * (1 - share)),
        r"new +book +not run +about 2 h",
        r"untrained +book +not run +not measured",
        r"needy +book +not run +needs data: mnist",
    ):
        assert re.search(rf"^  {line}", listed, re.MULTILINE), (line, listed)
    left = results.duration(7200 + 1000 * (1 - share))
    assert f"About {left} left on one core, without 2 that are not known." in listed
    assert sorted(asked) == ["new", "small", "untrained"]
    found = {row["name"]: row for row in json.loads(ok(*words, "--json").stdout)}
    assert found["new"]["about_seconds"] == 7200
    assert found["needy"]["no_time"] == "needs data: mnist"
    assert found["other"]["took_seconds"] > 0
    assert found["small"]["parts_done"] == 3
    assert found["small"]["share_done"] == pytest.approx(share)


def test_half_a_part_counts_in_what_is_left(few: Any, tmp_path: Path) -> None:
    configuration = few["small"].scales["book"]
    first = configuration.first()[0]
    name = f"small-{results.config_hash(experiments.plain(first))[:16]}"
    parts = tmp_path / "results" / "parts"
    parts.mkdir(parents=True)
    (parts / f"{name}.book.note").write_text(json.dumps([first.work // 2, 1.0]))
    (row,) = [r for r in json.loads(ok("list", "--no-times", "--json").stdout) if r["share_done"]]
    work = [p.work for p in (*configuration.first(), *experiments._second(configuration))]
    assert row["share_done"] == pytest.approx(first.work / 2 / sum(work))
    assert (row["state"], row["scale"], row["parts_done"]) == ("in progress", "book", 0)


def test_parts_of_an_earlier_configuration_do_not_count(few: Any, tmp_path: Path) -> None:
    parts = tmp_path / "results" / "parts"
    parts.mkdir(parents=True)
    (parts / f"small-{'0' * 16}.book.csv.gz").write_bytes(b"")
    assert "in progress (0 of 5 parts, 0 %)" in ok("list", "--no-times").stdout


def test_the_list_names_records_that_are_refused(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok("run", "small", "other")
    path = tmp_path / "results" / "small.book.csv.gz"
    path.write_bytes(b"no record")
    monkeypatch.setattr(
        catalogue, "EXPERIMENTS", few | {"other": replace(small("other", updates=200), shows=())}
    )
    listed = ok("list", "--no-times", "--scale", "book").stdout
    assert listed.count("  refused") == 2
    assert f"the record {path} is refused: " in listed
    assert "other.book.csv.gz was made with another configuration" in listed


def test_files_that_are_named_like_records_do_no_harm(few: Any, tmp_path: Path) -> None:
    """Of other seeds: one that is no record, and one of seeds that choose rates."""
    folder = tmp_path / "results"
    ok("run", "small")
    (folder / "small.book-old.csv.gz").write_bytes(b"no record")
    results.save(
        rows(folder, "small", "book"), experiment="other", scale="book-mine", config={},
        seeds=(1000,), device="cpu", wall_time=1.0, command="by hand", folder=folder,
    )  # fmt: skip
    listed = ok("list", "--no-times", "--scale", "book").stdout
    assert re.search(r"^  small +book-old +refused$", listed, re.MULTILINE)
    assert "mine" not in listed


def test_real_times_are_measured(few: Any) -> None:
    found = json.loads(ok("list", "--scale", "smoke", "--json").stdout)
    times = {row["name"]: row["about_seconds"] for row in found}
    assert times["needy"] is None
    assert times["small"] > 0


@pytest.mark.parametrize("command", [("list", "--no-times"), ("ledger", "--id", "S3")])
def test_there_is_colour_on_a_terminal_only(
    command: tuple[str, ...], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*command, "--results", str(made)]
    assert "\x1b" not in CliRunner().invoke(cli.cli, words).stdout
    assert "\x1b" in CliRunner().invoke(cli.cli, words, color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(cli.cli, words, color=True).stdout


# ------------------------------------------------------------------------------------------- show


@pytest.mark.parametrize("name", ["fig3", "fig4", "fig9", "fig10", "fig11", "table1"])
def test_a_figure_is_drawn_into_the_current_folder(name: str, made: Path, tmp_path: Path) -> None:
    done = ok("show", name, *SMOKE, "--results", made)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.smoke.png"]
    assert (tmp_path / f"{name}.smoke.png").read_bytes().startswith(b"\x89PNG")
    assert done.stderr == f"drawn in {name}.smoke.png\n"


def test_figures_of_one_record_are_different_pictures(made: Path, tmp_path: Path) -> None:
    for name in ("fig3", "fig9", "fig11", "table1"):
        ok("show", name, *SMOKE, "--results", made)
    fig3, fig9, fig11, table1 = (
        path.read_bytes() for path in sorted(tmp_path.iterdir(), key=_order)
    )
    assert len({fig3, fig9, fig11}) == 3
    assert fig11 == table1


def _order(path: Path) -> tuple[int, str]:
    return len(path.name), path.name if path.name != "fig11.smoke.png" else "a"


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF-")]
)
def test_the_ending_says_what_kind_of_file_it_is(
    ending: str, start: bytes, made: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new folder" / f"a.figure.{ending}"
    ok("show", "fig3", *SMOKE, "--results", made, "-o", path)
    assert path.read_bytes().startswith(start)


def test_the_numbers_are_those_of_the_record(made: Path) -> None:
    said = ok("show", "fig3", *SMOKE, "--results", made).stdout.splitlines()
    assert said[0] == f"table1 at scale smoke, {made / 'table1.smoke.csv.gz'}"
    assert said[1].split() == ["arm", "rate", "test", "error,", "%", "95", "%", "seeds"]
    ends = rows(made, "table1").query("stage == 'main' and quantity == 'final_error'")
    assert len(said) == 2 + 5
    for line in said[2:]:
        arm, rate, mean, low, _, high, seeds = re.split(r"\s{2,}| (?=to )|(?<=to) ", line)
        values = 100 * ends[ends["arm"] == arm]["value"].astype(float)
        half = stats.t.ppf(0.975, 1) * values.std() / np.sqrt(2)
        assert float(mean) == pytest.approx(values.mean(), abs=0.006)
        assert float(low) == pytest.approx(values.mean() - half, abs=0.006)
        assert float(high) == pytest.approx(values.mean() + half, abs=0.006)
        assert {float(rate)} == set(ends[ends["arm"] == arm]["lr"])
        assert seeds == "2"


def test_one_seed_has_no_interval(few: Any) -> None:
    ok("run", "other")
    lines = ok("show", "other").stdout.splitlines()[2:]
    assert all(line.split()[-2:] == ["-", "1"] for line in lines)


# ----------------------------------------------------------------------------------------- ledger


def test_the_ledger_judges_claims(tmp_path: Path) -> None:
    from glorot2010 import claims

    said = ok("ledger", "--id", "S3", "--id", "P9", "--id", "S3").stdout
    first, second = re.split(r"^(?=P9)", said, flags=re.MULTILINE)
    assert first.splitlines()[0].split(maxsplit=1) == ["S3", "holds"]
    assert claims.CLAIMS["S3"].text in first
    assert second.splitlines()[0].split(maxsplit=1) == ["P9", "not run"]
    assert "xavier run hessian --scale book" in second
    assert said.endswith("\n2 claims: 1 holds, 1 not run.\n")


def test_the_ledger_as_json_is_that_of_the_claims() -> None:
    from glorot2010 import claims

    found = json.loads(ok("ledger", "--id", "P9", "--id", "S3", "--json").stdout)
    assert found == claims.as_json(claims.ledger(ids=["P9", "S3"], progress=False))


def test_the_ledger_reads_the_folder_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glorot2010 import claims

    asked: list[Any] = []
    judged = claims.ledger(ids=["S3"], progress=False)

    def ledger(folder: Any, ids: Any, progress: Any = None) -> pd.DataFrame:
        asked.append((folder, ids))
        return judged

    monkeypatch.setattr(claims, "ledger", ledger)
    ok("ledger", "--results", tmp_path)
    assert asked == [(str(tmp_path), None)]
