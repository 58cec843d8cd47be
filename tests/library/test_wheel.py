"""The library installed from its wheel, beside nothing but what it says that it needs.

The wheel is built from the sources and installed by pip into an empty folder. A second folder holds
links to the needed distributions, to what those need in turn, and to nothing else. An interpreter
that sees these two folders and no others draws weights, watches a network, trains one, derives a
law and plots; what it lacks for the rest, it names. No network is used.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("click", "joblib", "nbgrader", "pooch", "sklearn", "tqdm")  # modules of no needed one

LIBRARY = """
import importlib, io, pkgutil
import torch, xavier
from xavier import datasets, derivation, figures, init, monitor, rules, theory, training
from xavier.network import Network
from xavier.shapeset import Shapeset

for name in {extras}:
    assert importlib.util.find_spec(name) is None, name
for module in pkgutil.iter_modules(xavier.__path__):
    importlib.import_module("xavier." + module.name)

generator = torch.Generator().manual_seed(0)
layers = torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10)
model = torch.nn.Sequential(*layers)
init.initialize_(model, "glorot", generator=generator)
assert 0 < float(layers[0].weight.detach().abs().max()) <= rules.bound(rules.glorot(64, 32))
with monitor.watch(model) as record:
    model(torch.randn(100, 64, generator=generator)).sum().backward()
assert len(record.rows()) > 10

network = Network.create([1024, 20, 20, 9], "tanh", "glorot", seeds=[0, 1])
rows = training.train(network, {{0: Shapeset(0), 1: Shapeset(1)}}, lr=0.01, updates=20, every=10)
assert set(rows.replica) == {{0, 1}}

assert len(derivation.common_solutions()) == 1 and theory.variance_map("tanh", 1.0) < 1
statistics = monitor.statistics(network, network.forward(Shapeset(1).batch(50)[0]))
chosen = statistics[(statistics.quantity == "activation") & (statistics.statistic == "std")]
picture = io.BytesIO()
figures.layer_trace(chosen, by="replica", value="value", ylabel="std").savefig(picture)
assert picture.tell() > 1000

try:
    datasets.load("digits", "train")
except ModuleNotFoundError as error:
    assert "[experiments]" in str(error), error
else:
    raise AssertionError("scikit-learn was found")
"""


def needed_by(requirements: Iterable[str]) -> set[str]:
    """The names of the distributions that are needed here, with those that they need."""
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        lines = metadata.requires(requirement.name) or []
        if requirement.name not in found:
            waiting += [(Requirement(line), "") for line in lines]
        waiting += [
            (Requirement(line), wanted)
            for wanted in requirement.extras
            for line in lines
            if "extra" in line
        ]
        found.add(requirement.name)
    return found


def link(folder: Path, requirements: Iterable[str]) -> Path:
    """Make a folder of links to what these distributions installed, and to no other's files."""
    folder.mkdir(exist_ok=True)
    for name in needed_by(requirements):
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if ".." not in file.parts}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


def run(code: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that finds the standard library and these folders only."""
    lines = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]}\n{code}"
    command = [sys.executable, "-I", "-S", "-c", lines]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folders[0])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources and installed without what it needs."""
    pytest.importorskip("setuptools", reason="no setuptools: pip install setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for part in ("xavier", "glorot2010", "assignments/kit"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, source / part, ignore=leave)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *alone, "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("xavier_book-*.whl")
    subprocess.run([*pip, "install", *alone, "--target", str(folder / "site"), wheel], check=True)
    return folder / "site"


@pytest.mark.thorough  # it builds
def test_what_the_wheel_says_of_itself_is_what_an_index_takes(installed: Path) -> None:
    (info,) = installed.glob("xavier_book-*.dist-info")
    said = Metadata.from_email((info / "METADATA").read_bytes(), validate=True)
    assert said.name == "xavier-book" and said.license_expression == "MIT"
    assert said.description == (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"experiments", "assignments"} <= set(said.provides_extra or [])
    assert (info / "licenses" / "LICENSE").exists()


@pytest.fixture(scope="module")
def requirements(installed: Path) -> list[str]:
    """What the installed wheel says that it needs, extras with their markers."""
    (distribution,) = metadata.distributions(name="xavier-book", path=[str(installed)])
    return distribution.requires or []


@pytest.mark.thorough  # it builds and installs
def test_the_library_needs_no_more_than_it_says(
    installed: Path, requirements: list[str], tmp_path: Path
) -> None:
    needed = link(tmp_path / "needed", requirements)
    done = run(LIBRARY.format(extras=EXTRAS), installed, needed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr
    # The judges that students' notebooks ask import so, too; one set's data is scikit-learn's.
    students = "from xavier_grading import sets; assert len(sets.PROBLEM_SETS) == 5"
    done = run(students, installed, needed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr
    # The command of the experiments is installed, and says what it is without.
    script = str(installed / "bin" / "xavier")
    done = run(f"import runpy; runpy.run_path({script!r}, run_name='__main__')", installed, needed)
    assert done.returncode == 1 and "[experiments]" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
