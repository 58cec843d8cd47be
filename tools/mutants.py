"""Change the library in small ways, and see whether its tests notice: `make mutants`.

mutmut makes the mutants and runs the tests; here is what it leaves open: a fixed sample for each
module, tried against that module's own tests, and a list of those that nothing can tell apart.
Each module has a folder of its own, named by what it holds. A run that was killed goes on there.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
SETTINGS = tomllib.loads(PYPROJECT)["tool"]["mutants"]
EQUIVALENT = tomllib.loads((ROOT / "tools" / "equivalent.toml").read_text(encoding="utf-8"))

# What mutmut notes. The tests may also end with 2 or 255, which is that a mutant cannot even be
# imported by them, or by a signal, which is that it crashed or used up its time.
CAUGHT = {1, 2, 3, 255, -6, -8, -11, -24}
VERDICTS = {0: "survived", 33: "no test runs it", **dict.fromkeys(CAUGHT, "caught")}


def prepare(module: str, build: Path) -> Path:
    """Return a folder that holds the library, the module's tests, and what was found out before."""
    own = f"tests/library/test_{module}.py"
    tests = [own] * (ROOT / own).exists() + SETTINGS["also"].get(module, [])
    shared = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/**/conftest.py"))]
    digest = hashlib.sha256(repr(SETTINGS).encode())
    for path in (f"xavier/{module}.py", *tests, *shared):
        digest.update((ROOT / path).read_bytes())
    folder = build / f"{module}-{digest.hexdigest()[:12]}"
    if folder.exists():
        return folder
    for old in build.glob(f"{module}-*"):
        shutil.rmtree(old)
    made = folder.with_suffix(".part")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(ROOT / "xavier", made / "xavier", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*tests, *shared):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, made / path)
    options = SETTINGS["mutmut"] | {
        "source_paths": ["xavier"],
        "only_mutate": [f"xavier/{module}.py"],
        "pytest_add_cli_args_test_selection": [path for path in tests if path.endswith(".py")],
        "preload_modules_file": "preload.txt",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    (made / "pyproject.toml").write_text("\n".join([PYPROJECT, "[tool.mutmut]", *lines, ""]))
    (made / "preload.txt").write_text("\n".join(SETTINGS["preload"]))
    made.rename(folder)
    return folder


def sample(module: str, size: int) -> list[str]:
    """Return some of the module's mutants, chosen by their names and nothing else."""
    path = f"xavier/{module}.py"
    names = mutate_file_contents(path, (ROOT / path).read_text(encoding="utf-8")).mutant_names
    return sorted(
        (f"xavier.{module}.{name}" for name in names),
        key=lambda name: hashlib.sha256(f"{SETTINGS['seed']} {name}".encode()).digest(),
    )[:size]


def verdicts(folder: Path, module: str) -> dict[str, str]:
    """Return what became of each mutant that was tried."""
    meta = folder / "mutants" / "xavier" / f"{module}.py.meta"
    codes = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
    if not {0, 1} & set(codes.values()):  # then 255 says that the tests do not run at all
        return {}
    return {name: VERDICTS[code] for name, code in codes.items() if code in VERDICTS}


def changed(difference: list[str]) -> str:
    """Return the lines that a mutant takes out and puts in, without their indentation."""
    lines = (line for line in difference if line.startswith(("-", "+")))
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines)


def measure(module: str, build: Path, size: int) -> bool:
    """Try a module's sample, print its score and its survivors; return whether it is enough."""
    folder = prepare(module, build)
    os.chdir(folder)
    names = sample(module, size)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    if missing := [name for name in names if name not in verdicts(folder, module)]:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *missing]
        subprocess.run(command, env=environment, stdout=sys.stderr)
    found = verdicts(folder, module)
    if missing := set(names) - set(found):
        print(f"{module:12} no verdict on {len(missing)} of {len(names)} mutants.", end="")
        print(f" Do its tests pass without any, in {folder}/mutants?", flush=True)
        return False
    same = {changed(entry["diff"].splitlines()) for entry in EQUIVALENT.get(module, [])}
    alive = {
        name: changed(get_diff_for_mutant(name, path=f"xavier/{module}.py").splitlines()[2:])
        for name in names
        if found[name] != "caught"
    }
    gaps = {name: text for name, text in alive.items() if text not in same}
    tried = len(names) - len(alive) + len(gaps)
    score = 100 * (tried - len(gaps)) / tried
    print(f"{module:12} {tried - len(gaps):3} of {tried:3} caught, {score:5.1f} %", end="")
    print(f" ({len(alive) - len(gaps)} more are equivalent)", flush=True)
    for name, text in gaps.items():
        print(f"\n    {name}: {found[name]}\n{text}\n".replace("\n", "\n    "), flush=True)
    return score >= SETTINGS["least"]


if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if not name.isdigit()] or SETTINGS["modules"]
    sizes = [int(name) for name in sys.argv[1:] if name.isdigit()] or [SETTINGS["sample"]]
    passed = [measure(module, ROOT / "_build" / "mutants", sizes[0]) for module in chosen]
    sys.exit(not all(passed))
