"""The command line: ``xavier list``, ``run``, ``show`` and ``ledger``.

What is expected to go wrong (a wrong name, no space, a damaged record, no cluster) ends with one
message and exit code 1, a command that cannot be understood with exit code 2, and Ctrl-C with 130.
Tables and JSON go to standard output; progress, remarks and errors to standard error. Whatever
needs torch is imported by the command that needs it: ``xavier --help`` is quick.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

import click
from click.core import ParameterSource

from xavier import __version__, checks

if TYPE_CHECKING:
    import pandas as pd

    from glorot2010.catalogue import Config, Scale
    from glorot2010.points import Point
    from glorot2010.results import Header, Record, RecordError

_SCALES = ("smoke", "book", "paper")  # as in glorot2010.catalogue, which takes seconds to import
_CONNECT = 5.0  # seconds to wait for a cluster
_SEEDS = 1000  # of one run, at most
_INTERRUPTED = 130  # exit code, as a shell has it for what Ctrl-C ended

_Command = TypeVar("_Command", bound=Callable[..., Any])


# --------------------------------------------------------------------------------------------------
# What all commands share
# --------------------------------------------------------------------------------------------------


class _Group(click.Group):
    """Commands whose expected errors are messages, not tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if "NO_COLOR" in os.environ:
            ctx.color = False
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(_INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if _tracing(ctx) or not _expected(error):
                raise
            raise click.ClickException(_message(error)) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its name, and if there is none, name the nearest."""
        if args and not args[0].startswith("-"):
            with _usage():
                checks.one_of("command", args[0], self.commands)
        return super().resolve_command(ctx, args)


class _Near(click.Choice[str]):
    """A choice whose error names the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value if it is one of the choices."""
        try:
            return checks.one_of("it", value, self.choices)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _tracing(ctx: click.Context) -> bool:
    return bool(ctx.meta.get("traceback") or os.environ.get("XAVIER_TRACEBACK"))


def _expected(error: Exception) -> bool:
    """Whether an error is one that a user can do something about, rather than a fault of ours."""
    if isinstance(error, BrokenPipeError):  # what reads the output has gone; click ends quietly
        return False
    if isinstance(error, RuntimeError):
        memory = type(error).__name__ == "OutOfMemoryError"  # torch's, of a GPU
        return memory or isinstance(error.__cause__, BrokenExecutor)
    return isinstance(error, ValueError | OSError | MemoryError)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@contextmanager
def _usage(hint: str | None = None) -> Iterator[None]:
    """Where a ValueError is the fault of the command's words."""
    try:
        yield
    except ValueError as error:
        ctx = click.get_current_context(silent=True)
        if hint is None:
            raise click.UsageError(str(error), ctx) from None
        raise click.BadParameter(str(error), ctx, param_hint=hint) from None


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep an option that every command has; after the command it outdoes that before it."""
    if param.name == "results" and value == "":
        raise click.BadParameter("must name a folder, got none", ctx, param)
    if value:
        ctx.meta[str(param.name)] = value


def _common(command: _Command) -> _Command:
    """Options that stand before or after the command."""
    command = click.option(
        "--traceback",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Show where an error comes from (also: XAVIER_TRACEBACK=1).",
    )(command)
    return click.option(
        "--results",
        metavar="DIR",
        expose_value=False,
        callback=_keep,
        help="Folder of the records (also: XAVIER_RESULTS; else results/ of the repository).",
    )(command)


def _folder() -> str | None:
    """The folder of the records that was asked for; None leaves it to the environment."""
    return cast("str | None", click.get_current_context().meta.get("results"))


@click.group(
    cls=_Group,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    epilog=_examples(
        "xavier list --scale book             what there is, what is done, what it takes",
        "xavier run fig11 --scale smoke       an experiment, in seconds",
        "xavier run table1 --jobs 8           at the book's scale, on eight cores",
        "xavier show fig3                     its picture as fig3.book.png, and its numbers",
        "xavier ledger --id P25               whether a claim of the paper holds here",
    ),
)
@click.version_option(__version__, "-V", "--version", prog_name="xavier")
@_common
def cli() -> None:
    """Run the experiments of Glorot & Bengio (2010), and say which of its claims hold.

    An experiment has three scales: smoke takes seconds, book is what the chapters show and two
    cores can do, paper is the paper's width and length. Every finished run is a record, one file
    in the results folder; nothing that is done is computed again.
    """


def main() -> None:
    """Run the command line."""
    cli(prog_name="xavier")


_scale = click.option(
    "--scale", type=_Near(_SCALES), default="book", help="How large and how long."
)
_seeds = click.option(
    "--seeds",
    metavar="LIST",
    help="In place of the experiment's own, such as 0,1,2 or 0-4; a record of its own.",
)


# --------------------------------------------------------------------------------------------------
# list
# --------------------------------------------------------------------------------------------------

_Kind: TypeAlias = Literal["done", "in progress", "not run", "refused"]


@dataclass(frozen=True)
class _State:
    """How far an experiment is at a scale.

    Attributes:
        name: of the experiment.
        scale: of it, and of its record the label, which for seeds of one's own says more.
        label: see ``scale``.
        kind: what can be said in a word.
        parts: grid points that are finished, and of how many.
        share: of the work that is done.
        path: of the record, if there is one that can be read.
        took: seconds, of a finished run.
        reason: why a record is refused.
    """

    name: str
    scale: Scale
    label: str
    kind: _Kind
    parts: tuple[int, int]
    share: float = 0.0
    path: Path | None = None
    took: float | None = None
    reason: str | None = None


@cli.command(
    "list",
    epilog=_examples(
        "xavier list",
        "xavier list --scale book --no-times",
        "xavier list --json | jq '.[] | select(.state == \"done\") | .name'",
    ),
)
@click.option("--scale", type=_Near(_SCALES), help="This scale alone; by default all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@click.option("--times/--no-times", default=True, help="Whether to measure how long runs take.")
@_common
def list_(scale: str | None, as_json: bool, times: bool) -> None:
    """List the experiments, which are done, and how long the rest takes.

    Times are for one core of this machine, from a hundred updates of every kind of network that is
    trained; they are right within a factor of two. Finished runs say what they took. Data that are
    not on this machine are not downloaded for that.
    """
    from glorot2010.catalogue import EXPERIMENTS, SCALES

    scales = [s for s in SCALES if scale in (None, s)]
    states = _states(scales)
    took = _measure(states) if times else {}
    if as_json:
        found = [_plain(state, took) for state in states]
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    widths = (max(map(len, EXPERIMENTS)) + 2, max(len(s.label) for s in states), 38, 0)
    for name, experiment in EXPERIMENTS.items():
        of_it = [state for state in states if state.name == name]
        figures = f" ({', '.join(experiment.shows)})" if experiment.shows else ""
        click.echo(click.style(name, bold=True) + f"{figures}: {experiment.title}")
        lines = [[f"  {name}", s.label, _said(s), _time(s, took)] for s in of_it]
        for state, cells in zip(of_it, lines, strict=True):
            line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            colour = _COLOURS[state.kind]
            click.echo(click.style(line.rstrip(), fg=colour) if colour else line.rstrip())
            if state.reason:
                click.echo(f"    {state.reason}")
    _totals(states, took)


_COLOURS: dict[_Kind, str | None] = {
    "done": "green",
    "in progress": "yellow",
    "not run": None,
    "refused": "red",
}


def _said(state: _State) -> str:
    if state.kind != "in progress":
        return state.kind
    done, parts = state.parts
    return f"in progress ({done} of {parts} parts, {100 * state.share:.0f} %)"


def _time(state: _State, times: dict[tuple[str, str], float | str]) -> str:
    """What a run took, will take, or why that is not known."""
    from glorot2010.results import duration

    if state.kind == "done":
        return f"took {duration(state.took or 0.0)}"
    found = times.get((state.name, state.label), "")
    if isinstance(found, str):
        return found
    if state.kind == "in progress":
        return f"about {duration(found * (1 - state.share))} left"
    return f"about {duration(found)}"


def _totals(states: Sequence[_State], times: dict[tuple[str, str], float | str]) -> None:
    from glorot2010.results import duration

    kinds = [state.kind for state in states]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in _COLOURS if kind in kinds)
    line = f"\n{len(states)} in all: {counts}."
    if took := sum(state.took or 0.0 for state in states if state.kind == "done"):
        line += f" Done in {duration(took)}."
    left, unknown = 0.0, 0
    for state in states:
        found = times.get((state.name, state.label))
        if isinstance(found, float) and state.kind != "done":
            left += found * (1 - state.share)
        unknown += isinstance(found, str)
    if times:
        line += f" About {duration(left)} left on one core"
        line += f", without {unknown} that are not known." if unknown else "."
    click.echo(line)


def _plain(state: _State, times: dict[tuple[str, str], float | str]) -> dict[str, Any]:
    """A state in a form that JSON has."""
    from glorot2010.catalogue import EXPERIMENTS

    experiment = EXPERIMENTS[state.name]
    found = times.get((state.name, state.label))
    return {
        "name": state.name,
        "scale": state.label,
        "title": experiment.title,
        "shows": list(experiment.shows),
        "state": state.kind,
        "reason": state.reason,
        "parts_done": state.parts[0],
        "parts": state.parts[1],
        "share_done": state.share,
        "record": None if state.path is None else str(state.path),
        "took_seconds": state.took,
        "about_seconds": found if isinstance(found, float) else None,
        "no_time": found if isinstance(found, str) else None,
    }


def _measure(states: Sequence[_State]) -> dict[tuple[str, str], float | str]:
    """About how many seconds every run takes that is not done, or why that is not known."""
    from tqdm import tqdm

    from glorot2010 import experiments

    found: dict[tuple[str, str], float | str] = {}
    wanted = [s for s in states if s.kind != "done" and s.scale == s.label]
    bar = tqdm(wanted, desc="measuring", unit="run", leave=False, disable=None, file=sys.stderr)
    for state in bar:
        bar.set_postfix_str(f"{state.name} {state.scale}")
        if missing := _missing(state.name, state.scale):
            found[state.name, state.label] = f"needs data: {', '.join(missing)}"
            continue
        seconds = experiments.seconds(state.name, state.scale)
        # None of its networks are trained, or only by what has no updates to measure.
        found[state.name, state.label] = seconds if seconds > 0 else "not measured"
    return found


def _states(scales: Sequence[Scale]) -> list[_State]:
    """How far all experiments are; of runs with seeds of their own those that are done."""
    from glorot2010 import results
    from glorot2010.catalogue import EXPERIMENTS

    folder = _folder()
    held = results.records(folder)
    parts = _parts(results.results_folder(folder))
    found = []
    for name in EXPERIMENTS:
        for scale in scales:
            found.append(_state(name, scale, None, held, parts))
            for (other, label), header in held.items():
                if other != name or not label.startswith(f"{scale}-"):
                    continue
                if isinstance(header, results.RecordError):
                    refused = _State(name, scale, label, "refused", (0, 0), reason=str(header))
                    found.append(refused)
                    continue
                with suppress(ValueError):  # a file of the user's, of seeds that cannot be
                    found.append(_state(name, scale, header.seeds, held, parts, label))
    return found


def _parts(folder: Path) -> set[str]:
    """Names of the files of runs that are not finished."""
    where = folder / "parts"
    return {path.name for path in where.iterdir()} if where.is_dir() else set()


def _state(
    name: str,
    scale: Scale,
    seeds: tuple[int, ...] | None,
    held: dict[tuple[str, str], Header | RecordError],
    parts: set[str],
    label: str | None = None,
) -> _State:
    """How far an experiment is at a scale.

    Args:
        name: of the experiment.
        scale: of it.
        seeds: in place of its own.
        held: the records of the folder.
        parts: names of the files in its folder of parts.
        label: what the record is named after, if that is known.
    """
    from glorot2010 import catalogue, experiments, results

    configuration = catalogue.config(name, scale, seeds)
    label = label or _label(scale, seeds)
    number = len(configuration.first()) + len(experiments._second(configuration))
    record = held.get((name, label))
    if isinstance(record, results.RecordError):
        return _State(name, scale, label, "refused", (0, number), reason=str(record))
    if record is not None:
        if record.config_hash == results.config_hash(experiments.plain(configuration)):
            return _State(
                *(name, scale, label, "done", (number, number), 1.0, record.path),
                took=record.wall_time,
            )
        reason = f"{record.path} was made with another configuration"
        return _State(name, scale, label, "refused", (0, number), 0.0, record.path, reason=reason)
    if not any(f.startswith(f"{name}-") and f".{label}." in f for f in parts):
        return _State(name, scale, label, "not run", (0, number))
    finished, share = _progress(name, label, configuration, parts)
    return _State(name, scale, label, "in progress", (finished, number), share)


def _progress(name: str, label: str, configuration: Config, parts: set[str]) -> tuple[int, float]:
    """Finished grid points, and the share of the work that is done."""
    import pandas as pd

    from glorot2010 import experiments, results

    where = results.results_folder(_folder()) / "parts"

    def named(point: Point) -> str:
        return experiments.part_name(name, point)

    def rows(point: Point) -> pd.DataFrame:
        return results.load(named(point), label, folder=where).rows

    first, second = configuration.first(), experiments._second(configuration)
    if all(f"{named(point)}.{label}.csv.gz" in parts for point in first):
        # The rates of the second stage, and with them the names of its points, are known.
        try:
            rates = experiments.choose(pd.concat([rows(p) for p in first])) if first else {}
            second = configuration.second(rates)
        except (results.RecordError, results.RecordMissing):
            pass
    finished, done = 0, 0
    for point in (*first, *second):
        if f"{named(point)}.{label}.csv.gz" in parts:
            finished, done = finished + 1, done + point.work
        elif f"{named(point)}.{label}.note" in parts:
            done += experiments._note(where / f"{named(point)}.{label}.note")[0]
    return finished, done / sum(point.work for point in (*first, *second))


def _missing(name: str, scale: Scale) -> list[str]:
    """Data sets that an experiment needs and that are not on this machine."""
    from glorot2010 import catalogue, experiments
    from xavier import datasets

    configuration = catalogue.config(name, scale)
    points = (*configuration.first(), *experiments._second(configuration))
    needed = {str(getattr(point, "data", "shapeset")) for point in points}
    read = needed & datasets.SOURCES.keys()  # the others are made
    return sorted(data for data in read if not datasets.here(data))


# --------------------------------------------------------------------------------------------------
# run
# --------------------------------------------------------------------------------------------------


@cli.command(
    epilog=_examples(
        "xavier run fig11 --scale smoke              table 1's experiment, in seconds",
        "xavier run table1 fig2 --jobs 0             two, on all cores",
        "xavier run all --scale smoke                all whose data are here",
        "xavier run table1 --seeds 5-9               on other seeds, as another record",
        "xavier run table1 --scale paper --device cuda --save-every 600",
        "xavier run table1 --executor dask://10.0.0.1:8786 --results /shared/results",
    )
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_scale
@click.option("--device", default="cpu", help="Where networks live, such as cpu, cuda or cuda:1.")
@_seeds
@click.option(
    "--jobs",
    type=click.IntRange(0),
    metavar="N",
    default=1,
    help="Processes, each with a part of the run at a time; 0 for one on every core.",
)
@click.option(
    "--executor",
    metavar="dask://HOST:PORT",
    help="A Dask cluster to compute on, by its scheduler's address.",
)
@click.option(
    "--save-every",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=60.0,
    help="Seconds between two savings of what is half done.",
)
@_common
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    scale: Scale,
    device: str,
    seeds: str | None,
    jobs: int,
    executor: str | None,
    save_every: float,
) -> None:
    """Run experiments, or what is left to do of them.

    NAME is an experiment or a figure that it shows, of those that xavier list names, or all. A run
    whose record is there is not repeated. A run that was interrupted, by Ctrl-C or by a power cut,
    goes on where it was saved last when the same command is given again, and ends with the numbers
    of one that was not interrupted.

    With --executor, the cluster's workers need this package, one thread each (dask worker
    --nthreads 1), and the folder of the records under the same path; workers that do not see it
    compute as well, but what they have not finished begins anew after an interruption.
    """
    own = _parsed(seeds)
    address = _address(executor)
    if address and jobs != 1:
        raise click.UsageError("--jobs and --executor cannot be used together", ctx)
    try:
        chosen, every = _chosen(names)
        outcomes = [
            _run_one(name, scale, own, device, jobs, address, save_every, every) for name in chosen
        ]
    except KeyboardInterrupt:
        saved = "What was done is saved" if not address else "What the workers saved is kept"
        click.echo(f"Interrupted. {saved}; to go on from there:\n  {_again(ctx)}", err=True)
        ctx.exit(_INTERRUPTED)
    if len(outcomes) > 1:
        counts = ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(outcomes))
        click.echo(f"{len(outcomes)} experiments: {counts}.", err=True)
    if "failed" in outcomes:
        ctx.exit(1)


_Outcome: TypeAlias = Literal["done", "done before", "skipped", "failed"]


def _run_one(
    name: str,
    scale: Scale,
    seeds: tuple[int, ...] | None,
    device: str,
    jobs: int,
    address: str | None,
    save_every: float,
    every: bool,
) -> _Outcome:
    """Run one experiment; ``every``: among all, not because it was named."""
    from glorot2010 import catalogue, experiments, results
    from glorot2010.runs import CheckpointError
    from xavier.datasets import DatasetDamaged, DatasetMissing

    what = f"{name} at scale {scale}" + (f", seeds {_shown(seeds)}" if seeds else "")
    try:
        with _usage("--seeds"):
            catalogue.config(name, scale, seeds)
    except click.BadParameter as error:
        if not every:
            raise
        click.echo(f"{what}: skipped, {error.message}", err=True)
        return "skipped"
    folder = _folder()
    held, parts = results.records(folder), _parts(results.results_folder(folder))
    state = _state(name, scale, seeds, held, parts)
    if every and state.kind != "done" and (missing := _missing(name, scale)):
        data = ", ".join(missing)
        click.echo(f"{what}: skipped, {data} is not here; `xavier run {name}` gets it", err=True)
        return "skipped"
    waiting = state.kind in ("not run", "in progress")
    if not waiting:  # read here, in full, and refused if it is not what it should be
        jobs, address = 1, None
    try:
        with _workers(jobs, address) as workers:
            if waiting:
                told = _said(state).replace("in progress", "goes on").replace("not run", "begins")
                click.echo(f"{what}: {told}", err=True)
            record = experiments.run(
                name,
                scale,
                seeds=seeds,
                device=device,
                executor=workers,
                folder=folder,
                save_every=save_every,
            )
    except (
        *(results.RecordBusy, results.RecordError),
        *(CheckpointError, DatasetMissing, DatasetDamaged),
    ) as error:  # of this experiment alone
        if _tracing(click.get_current_context()):
            raise
        click.echo(f"Error: {error}", err=True)
        return "failed"
    if state.kind == "done":
        click.echo(f"{what}: done already, {record.path}")
        return "done before"
    click.echo(f"{what}: done in {results.duration(record.wall_time)}, {record.path}")
    return "done"


def _chosen(names: Sequence[str]) -> tuple[list[str], bool]:
    """Experiments by name, each once, and whether all were asked for."""
    from glorot2010.catalogue import EXPERIMENTS, resolve

    if "all" in names:
        if len(names) > 1:
            raise click.UsageError("all cannot be named together with others")
        return list(EXPERIMENTS), True
    with _usage("NAME"):
        return list(dict.fromkeys(resolve(name) for name in names)), False


def _again(ctx: click.Context) -> str:
    """The command as it was given."""
    words = ["xavier", "run", *ctx.params["names"]]
    for option in ("scale", "device", "seeds", "jobs", "executor", "save_every"):
        if ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            words += [f"--{option.replace('_', '-')}", _word(ctx.params[option])]
    if folder := _folder():
        words += ["--results", folder]
    return shlex.join(words)


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parsed(text: str | None) -> tuple[int, ...] | None:
    """Seeds from a list of numbers and ranges, such as "0-4,7"."""
    if text is None:
        return None
    found: list[int] = []
    for piece in text.split(","):
        ends = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", piece, re.ASCII)
        if not ends:
            hint = f"must be numbers and ranges, as in 0,1,2 or 0-4, got {text!r}"
            raise click.BadParameter(hint, param_hint="--seeds")
        low, high = int(ends[1]), int(ends[2] or ends[1])
        if high < low:
            hint = f"must have ranges that ascend, got {piece.strip()!r}"
            raise click.BadParameter(hint, param_hint="--seeds")
        if len(found) + high - low >= _SEEDS:
            hint = f"must be at most {_SEEDS} seeds, got more"
            raise click.BadParameter(hint, param_hint="--seeds")
        found.extend(range(low, high + 1))
    if len(set(found)) < len(found):
        raise click.BadParameter(f"must name no seed twice, got {text!r}", param_hint="--seeds")
    return tuple(found)


def _shown(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ",".join(map(str, seeds))


def _label(scale: Scale, seeds: tuple[int, ...] | None) -> str:
    """What a record is named after."""
    from glorot2010 import experiments

    return scale if seeds is None else experiments._label(scale, seeds)


def _address(executor: str | None) -> str | None:
    """The address of a scheduler as Dask has it."""
    if executor is None:
        return None
    found = re.fullmatch(r"dask://([^\s/:@]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})/?", executor, re.ASCII)
    if not found or int(found[2]) > 65535:
        raise click.BadParameter(
            f"must be of the form dask://HOST:PORT, got {executor!r}", param_hint="--executor"
        )
    return f"tcp://{found[1]}:{found[2]}"


@contextmanager
def _workers(jobs: int, address: str | None) -> Iterator[Executor | None]:
    """What computes the parts of a run; None for this process."""
    from glorot2010 import experiments

    if address:
        with _cluster(address) as executor:
            yield executor
    elif jobs == 1:
        yield None
    else:
        with experiments.pool(jobs or _cores()) as pool:
            yield pool


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    """The workers of a Dask cluster."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise click.ClickException(
            f"--executor needs distributed ({error}): pip install 'xavier-book[cluster]'"
        ) from None
    try:
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except OSError as error:
        raise click.ClickException(f"no Dask scheduler answers at {address}: {error}") from None
    try:
        _check_workers(client)
        yield client.get_executor()
    except Exception as error:
        lost = isinstance(error, CancelledError)
        if lost or type(error).__module__.partition(".")[0] == "distributed":
            said = "its scheduler is gone" if lost else str(error) or type(error).__name__
            raise click.ClickException(
                f"the cluster at {address} failed: {said}; what is finished is saved, and the same "
                "command goes on from there"
            ) from error
        raise
    finally:
        client.close()


def _check_workers(client: Any) -> None:
    """Refuse workers that would compute something else; say so if there are none yet."""
    threads = client.nthreads()
    if not threads:
        click.echo("The cluster has no workers yet; the run begins when there are some.", err=True)
    if several := [worker for worker, number in threads.items() if number > 1]:
        # Threads of torch are counted in a process, not in a thread of it.
        raise click.ClickException(
            f"workers must have one thread each, {several[0]} has {threads[several[0]]}: start "
            "them with `dask worker --nthreads 1` and as many --nworkers as there are cores"
        )
    for worker, version in client.run(metadata.version, "xavier-book", on_error="return").items():
        if version != __version__:
            raise click.ClickException(
                f"workers must have xavier {__version__} installed, on {worker}: {version}"
            )


# --------------------------------------------------------------------------------------------------
# show
# --------------------------------------------------------------------------------------------------


@cli.command(
    epilog=_examples(
        "xavier show fig3                      fig3.book.png here, and table 1's numbers",
        "xavier show fig11 --scale smoke --output curves.svg",
        "xavier show table1 --seeds 5-9        of a run on these seeds",
    )
)
@click.argument("name")
@_scale
@_seeds
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="Image file, .png, .svg or .pdf; by default NAME.SCALE.png in the current folder.",
)
@_common
def show(name: str, scale: Scale, seeds: str | None, output: str | None) -> None:
    """Draw a figure from its record, and print its numbers.

    NAME is one of the paper's figures or an experiment, as for xavier run, which makes the
    record. The numbers are means over seeds with 95 % t intervals.
    """
    from glorot2010 import catalogue, drawings, experiments, results
    from xavier import files

    own = _parsed(seeds)
    with _usage("NAME"):
        experiment = catalogue.resolve(name)
    with _usage("--seeds"):
        configuration = catalogue.config(experiment, scale, own)
    label = _label(scale, own)
    path = Path(f"{name}.{label}.png" if output is None else output)
    with _usage("--output"):
        kind = checks.one_of("a file's ending", path.suffix[1:].lower(), drawings.KINDS)
    record = results.load(
        experiment,
        label,
        config=experiments.plain(configuration),
        folder=_folder(),
        command=experiments.command(experiment, scale, own),
    )
    drawn = drawings.rendered(drawings.draw(name, record.rows), kind)
    files.replace(path, drawn, "save the picture")
    _print_numbers(record, drawings.numbers(record.rows))
    click.echo(f"drawn in {path}", err=True)


def _print_numbers(record: Record, found: pd.DataFrame) -> None:
    """A row an arm and rate, with what was measured, its interval and the number of seeds."""
    by_update = found.groupby(["arm", "lr"], dropna=False)["update"].nunique().max() > 1
    quantity = found["quantity"].iloc[0]
    number = ".2f" if "%" in quantity else ".3g"
    table = [["arm", "rate", *(["examples"] if by_update else []), quantity, "95 %", "seeds"]]
    for row in found.to_dict("records"):
        low, high = row["low"], row["high"]
        table.append(
            [
                str(row["arm"]),
                f"{row['lr']:g}" if row["lr"] > 0 else "-",  # of what is not trained
                *([str(row["update"])] if by_update else []),
                format(row["mean"], number),
                "-" if math.isnan(low) else f"{low:{number}} to {high:{number}}",
                str(row["seeds"]),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    click.echo(f"{record.experiment} at scale {record.scale}, {record.path}")
    for cells in table:
        first, *rest = zip(cells, widths, strict=True)
        right = "  ".join(cell.rjust(width) for cell, width in rest)
        click.echo(f"{first[0].ljust(first[1])}  {right}")


# --------------------------------------------------------------------------------------------------
# ledger
# --------------------------------------------------------------------------------------------------

_VERDICTS = {"holds": "green", "fails": "red", "holds in part": "yellow", "undecided": "yellow"}


@cli.command(
    epilog=_examples(
        "xavier ledger",
        "xavier ledger --id P25 --id S3       two claims",
        "xavier ledger --json > ledger.json",
    )
)
@click.option("--id", "ids", metavar="ID", multiple=True, help="A claim, such as P25; all if none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@_common
def ledger(ids: tuple[str, ...], as_json: bool) -> None:
    """Judge the claims of the paper and of this book.

    A verdict comes from a computation made now or from records of runs at the book's scale. Where
    a record is missing, the verdict is "not run", and its note says which command makes it.
    """
    from glorot2010 import claims, scoreboard

    with _usage("--id"):
        chosen = [checks.one_of("it", name, claims.CLAIMS) for name in dict.fromkeys(ids)]
    found = claims.ledger(_folder(), chosen or None)
    if as_json:
        click.echo(json.dumps(claims.as_json(found), indent=2, allow_nan=False))
        return
    for row in found.to_dict("records"):
        claim = claims.CLAIMS[row["id"]]
        verdict = click.style(row["verdict"], fg=_VERDICTS.get(row["verdict"]))
        click.echo(click.style(f"{row['id']:<5}", bold=True) + verdict)
        for line in (f"{claim.text} ({claim.where})", scoreboard.numbers(row), row["note"]):
            if line:
                click.echo(_wrapped(line))
    verdicts = list(found["verdict"])
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(sorted(verdicts)))
    click.echo(f"\n{len(verdicts)} claims: {counts}.")


def _wrapped(text: str) -> str:
    """A paragraph below its heading, as wide as the terminal; one line where there is none."""
    indent = "     "
    if not sys.stdout.isatty():
        return indent + " ".join(text.split())
    width = max(40, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


if __name__ == "__main__":
    main()
