"""The command line: ``xavier list``, ``run``, ``show`` and ``ledger``.

What is expected to go wrong (a wrong name, no space, a damaged record, no cluster) ends with one
message and exit code 1, a command that cannot be understood with exit code 2, and Ctrl-C with 130.
Tables and JSON go to standard output; progress, remarks and errors to standard error. Whatever
needs torch is imported by the command that needs it: ``xavier --help`` is quick.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import click
except ModuleNotFoundError as error:  # who typed the command wants no traceback
    raise SystemExit(
        f"xavier: {error}; the command comes with xavier-book[experiments]: "
        "pip install '.[experiments]' in a clone of its repository"
    ) from None

from xavier import __version__, checks

if TYPE_CHECKING:
    from glorot2010.catalogue import Scale

_SCALES = ("smoke", "book", "paper")  # as in glorot2010.catalogue, which takes seconds to import
_SEEDS = 1000  # of one run, at most
_GOES_ON = "what was saved is kept, and the same command goes on from there"
_INTERRUPTED = 130  # exit code, as a shell has it for what Ctrl-C ended


class _Group(click.Group):
    """Commands whose expected errors are messages, not tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(f"Interrupted; {_GOES_ON}.", err=True)
            ctx.exit(_INTERRUPTED)
        except (BrokenExecutor, CancelledError) as error:
            ended = "a process that computed has ended, killed perhaps or for want of memory"
            raise click.ClickException(f"{ended} ({error!r}); {_GOES_ON}") from None
        except BrokenPipeError:  # what reads the output has gone; click ends quietly
            raise
        except OSError as error:
            named = error.strerror and error.filename is not None
            message = f"{error.filename}: {error.strerror}" if named else str(error)
            raise click.ClickException(message) from None
        except (ValueError, MemoryError) as error:
            raise click.ClickException(str(error) or type(error).__name__) from None


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@contextmanager
def _usage(hint: str) -> Iterator[None]:
    """Where a ValueError is the fault of the command's words."""
    try:
        yield
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=hint) from None


def _seeds(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Seeds from a list of numbers and ranges, such as "0-4,7"."""
    if text is None:
        return None
    found: list[int] = []
    for piece in text.split(","):
        ends = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", piece, re.ASCII)
        if not ends:
            raise click.BadParameter(f"must be numbers and ranges, as in 0-4,7, got {text!r}")
        low, high = int(ends[1]), int(ends[2] or ends[1])
        if not 0 <= high - low < _SEEDS - len(found):
            raise click.BadParameter(
                f"must have ranges that ascend, and at most {_SEEDS} seeds, got {text!r}"
            )
        found.extend(range(low, high + 1))
    return tuple(found)


def _address(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """The address of a scheduler as Dask has it."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"dask://([^/]+:\d{1,5})/?", text, re.ASCII)):
        raise click.BadParameter(f"must be of the form dask://HOST:PORT, got {text!r}")
    return f"tcp://{found[1]}"


_results_option = click.option(
    "--results",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Folder of the records (also: XAVIER_RESULTS; else results/ of the repository).",
)
_scale_option = click.option(
    "--scale", type=click.Choice(_SCALES), default="book", help="How large and how long."
)
_seeds_option = click.option(
    "--seeds",
    metavar="LIST",
    callback=_seeds,
    help="In place of the experiment's own, such as 0,1,2 or 0-4; a record of its own.",
)


@click.group(
    cls=_Group,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    epilog=_examples(
        "xavier list                          what there is, and what is done",
        "xavier run fig11 --scale smoke       an experiment, in seconds",
        "xavier run table1 --jobs 8           at the book's scale, on eight cores",
        "xavier show fig3                     its picture as fig3.book.png, and its numbers",
        "xavier ledger --id P25               whether a claim of the paper holds here",
    ),
)
@click.version_option(__version__, "-V", "--version", prog_name="xavier")
def cli() -> None:
    """Run the experiments of Glorot & Bengio (2010), and say which of its claims hold.

    An experiment has three scales: smoke takes seconds, book is what the chapters show and two
    cores can do, paper is the paper's width and length. Every finished run is a record, one file
    in the results folder; nothing that is done is computed again.
    """


def main() -> None:
    """Run the command line."""
    cli(prog_name="xavier")


@cli.command("list")
@click.option("--scale", type=click.Choice(_SCALES), help="This scale alone; by default all.")
@_results_option
def list_(scale: str | None, results: str | None) -> None:
    """List the experiments, which are done, and what they took."""
    from glorot2010 import records
    from glorot2010.catalogue import EXPERIMENTS

    folder = records.results_folder(results)
    for name, experiment in EXPERIMENTS.items():
        figures = f" ({', '.join(experiment.shows)})" if experiment.shows else ""
        click.echo(click.style(name, bold=True) + f"{figures}: {experiment.title}")
        files = sorted(path.name.split(".")[1] for path in folder.glob(f"{name}.*.csv.gz"))
        for own in (s for s in _SCALES if scale in (None, s)):
            for label in (own, *(f for f in files if f.startswith(f"{own}-"))):
                click.echo(f"  {name}  {label}  {_state(name, label, folder)}")


def _state(name: str, label: str, folder: Path) -> str:
    """How far an experiment is at a scale, or with seeds of one's own."""
    from glorot2010 import experiments, records

    try:
        record = records.load(name, label, folder=folder)
        scale, seeds = label.partition("-")[0], None if label in _SCALES else record.seeds
        experiments.load(name, scale, seeds=seeds, folder=folder)  # type: ignore[arg-type]
    except records.RecordMissing:
        begun = any((folder / "parts").glob(f"{name}-*.{label}.*"))
        return "in progress" if begun else "not run"
    except (ValueError, OSError) as error:
        return f"refused: {error}"
    return f"done, took {records.duration(record.wall_time)}"


@cli.command(
    epilog=_examples(
        "xavier run fig11 --scale smoke              table 1's experiment, in seconds",
        "xavier run table1 fig2 --jobs 0             two, on all cores",
        "xavier run all --scale smoke                all that need no data from elsewhere",
        "xavier run table1 --seeds 5-9               on other seeds, as another record",
        "xavier run table1 --scale paper --device cuda --save-every 600",
        "xavier run table1 --executor dask://10.0.0.1:8786 --results /shared/results",
    )
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_scale_option
@click.option("--device", default="cpu", help="Where networks live, such as cpu, cuda or cuda:1.")
@_seeds_option
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
    callback=_address,
    help="A Dask cluster to compute on, by its scheduler's address.",
)
@click.option(
    "--save-every",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=60.0,
    help="Seconds between two savings of what is half done.",
)
@click.option(
    "--note",
    metavar="TEXT",
    default="",
    help="In what the data are not those that the experiment names; kept in the record.",
)
@_results_option
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    scale: Scale,
    device: str,
    seeds: tuple[int, ...] | None,
    jobs: int,
    executor: str | None,
    save_every: float,
    note: str,
    results: str | None,
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
    from glorot2010 import catalogue, experiments, records
    from glorot2010.runs import CheckpointError

    if executor and jobs != 1:
        raise click.UsageError("--jobs and --executor cannot be used together")
    if "all" in names:
        names = tuple(name for name in catalogue.EXPERIMENTS if name not in catalogue.DOWNLOADED)
    with _usage("NAME"):
        names = tuple(dict.fromkeys(catalogue.resolve(name) for name in names))
    with _usage("--seeds"):
        for name in names:
            catalogue.config(name, scale, seeds)
    failed = False
    with _workers(jobs, executor) as workers:
        for name in names:
            try:
                record = experiments.run(
                    name,
                    scale,
                    seeds=seeds,
                    device=device,
                    executor=workers,
                    folder=results,
                    save_every=save_every,
                    note=note,
                )
                click.echo(f"{record.made}, {record.path}")
            except (records.RecordBusy, records.RecordError, CheckpointError) as error:
                click.echo(f"Error: {error}", err=True)  # of this experiment alone
                failed = True
    ctx.exit(failed)


@contextmanager
def _workers(jobs: int, address: str | None) -> Iterator[Executor | None]:
    """What computes the parts of a run; None for this process."""
    from glorot2010 import experiments

    if address:
        with _cluster(address) as client:
            yield client.get_executor()
    elif jobs == 1:
        yield None
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        with experiments.pool(jobs or cores or 1) as pool:
            yield pool


def _cluster(address: str) -> Any:
    """A client of a Dask cluster whose workers can compute."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise click.ClickException(
            f"--executor needs distributed ({error}): pip install 'xavier-book[cluster]'"
        ) from None
    client = distributed.Client(address, timeout=5, set_as_default=False)
    if several := [worker for worker, threads in client.nthreads().items() if threads > 1]:
        client.close()
        # torch counts its threads in a process, not in a thread of it.
        raise click.ClickException(
            f"workers must have one thread each, {several[0]} has more: start them with "
            "`dask worker --nthreads 1` and as many --nworkers as there are cores"
        )
    return client


@cli.command(
    epilog=_examples(
        "xavier show fig3                      fig3.book.png here, and table 1's numbers",
        "xavier show fig11 --scale smoke --output curves.svg",
        "xavier show table1 --seeds 5-9        of a run on these seeds",
    )
)
@click.argument("name")
@_scale_option
@_seeds_option
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="Image file, .png, .svg or .pdf; by default NAME.SCALE.png in the current folder.",
)
@_results_option
def show(
    name: str, scale: Scale, seeds: tuple[int, ...] | None, output: str | None, results: str | None
) -> None:
    """Draw a figure from its record, and print its numbers.

    NAME is one of the paper's figures or an experiment, as for xavier run, which makes the
    record. The numbers are means over seeds with 95 % t intervals.
    """
    from glorot2010 import catalogue, drawings, experiments
    from xavier import files

    path = Path(output or f"{name}.{experiments.label(scale, seeds)}.png")
    with _usage("--output"):
        kind = checks.one_of("a file's ending", path.suffix[1:].lower(), drawings.KINDS)
    with _usage("NAME"):
        catalogue.resolve(name)
    with _usage("--seeds"):
        catalogue.config(name, scale, seeds)
    record = experiments.load(name, scale, seeds=seeds, folder=results)
    files.replace(path, drawings.rendered(drawings.draw(name, record.rows), kind))
    click.echo(f"{record.made}, {record.path}")
    click.echo(drawings.numbers(record.rows).to_string(index=False, float_format="{:.4g}".format))
    click.echo(f"drawn in {path}", err=True)


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
@_results_option
def ledger(ids: tuple[str, ...], as_json: bool, results: str | None) -> None:
    """Judge the claims of the paper and of this book.

    A verdict comes from a computation made now or from records of runs at the book's scale. Where
    a record is missing, the verdict is "not run", and its note says which command makes it.
    """
    from glorot2010.verdicts import CLAIMS, ledger

    with _usage("--id"):
        chosen = [checks.one_of("it", name, CLAIMS) for name in dict.fromkeys(ids)]
    found = ledger.judge(results, chosen or None)
    if as_json:
        click.echo(json.dumps(ledger.as_json(found), indent=2, allow_nan=False))
        return
    for row in found.to_dict("records"):
        claim = CLAIMS[row["id"]]
        verdict = click.style(row["verdict"], fg=_VERDICTS.get(row["verdict"]))
        apart = f", on a stand-in: {claim.stand_in}" if claim.stand_in else ""
        click.echo(click.style(f"{row['id']:<5}", bold=True) + verdict + apart)
        for line in (f"{claim.text} ({claim.where})", ledger.numbers(row), row["note"]):
            if line:
                click.echo(click.wrap_text(line, 100, "     ", "     "))
    where = [" on a stand-in" if CLAIMS[name].stand_in else "" for name in found["id"]]
    verdicts = [verdict + on for verdict, on in zip(found["verdict"], where, strict=True)]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(sorted(verdicts)))
    click.echo(f"\n{len(verdicts)} claims: {counts}.")


if __name__ == "__main__":
    main()
