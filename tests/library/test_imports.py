"""What no module of the three packages may do: read from the sources.

The direction of imports is import-linter's, with its contracts in ``pyproject.toml``. The rules
here keep randomness an argument, keep imports free of side effects, and keep pickles out. Each is a
function ``rule(module, tree) -> list of problems`` over a module's syntax tree, applied to every
module and seen to report planted faults.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# And the folders of their modules.
PACKAGES = {"xavier": "xavier", "glorot2010": "glorot2010", "xavier_grading": "assignments/kit"}

HEAVY = {"torch", "sympy", "pandas", "matplotlib", "scipy", "numpy"}

# In each line modules that are imported one after the other in a fresh process, and what has been
# loaded of these after each. `xavier.monitor` imports the library's other modules with torch.
PLOTTING = {"pandas", "matplotlib", "scipy", "numpy"}
LOADS: list[dict[str, set[str]]] = [
    {
        "xavier": set(),
        "xavier.rules": set(),
        "xavier.intervals": {"numpy", "scipy"},
        "xavier.figures": PLOTTING,
        "glorot2010.records": PLOTTING | {"sympy"},
        "glorot2010.drawings": PLOTTING | {"sympy"},
        "glorot2010.cli": PLOTTING | {"sympy"},
    },
    {"xavier.moments": {"sympy"}},
    {"xavier.monitor": {"torch", "numpy"}},
]


# --------------------------------------------------------------------------------------------------
# Reading a module
# --------------------------------------------------------------------------------------------------


def files() -> dict[str, Path]:
    """Return the modules of our packages by dotted name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = (package, *path.relative_to(ROOT / folder).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of all that is imported, wherever in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""


def names(tree: ast.AST) -> dict[str, str]:
    """Return what each imported name stands for: ``np`` for numpy, ``manual_seed`` for torch's."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def uses(node: ast.AST, known: dict[str, str]) -> Iterator[tuple[ast.expr, str]]:
    """Yield every imported name that is used below a node, in full: ``numpy.random.seed``."""
    parts: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if isinstance(node, ast.Attribute | ast.Name) and isinstance(inner, ast.Name):
        if inner.id in known:
            yield node, ".".join([known[inner.id], *reversed(parts)])
        return
    for child in ast.iter_child_nodes(node):
        yield from uses(child, known)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the module is imported: none inside a function's body."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*child.args.defaults, *child.args.kw_defaults]
            for part in [*child.decorator_list, *(d for d in defaults if d is not None)]:
                yield part
                yield from at_import(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from at_import(child)


# --------------------------------------------------------------------------------------------------
# The rules
# --------------------------------------------------------------------------------------------------


NUMPY_RANDOM = {
    *("Generator", "default_rng", "SeedSequence", "BitGenerator"),
    *("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"),
}
STANDARD_RANDOM = {"Random", "SystemRandom"}
TORCH_GLOBAL = {
    *("torch.manual_seed", "torch.seed", "torch.initial_seed", "torch.random.manual_seed"),
    *("torch.random.seed", "torch.random.fork_rng", "torch.cuda.manual_seed"),
    *("torch.cuda.manual_seed_all", "torch.cuda.seed", "torch.cuda.seed_all"),
    *("torch.set_rng_state", "torch.random.set_rng_state", "torch.default_generator"),
}
TORCH_DRAWS = {
    f"torch.{name}"
    for name in ("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial")
}
TORCH_FILLS = {"uniform_", "normal_", "bernoulli_", "random_", "exponential_"}


def randomness_is_an_argument(module: str, tree: ast.Module) -> list[str]:
    """Nothing seeds or draws from a global generator: NumPy's, torch's or the standard library's.

    Of numpy.random only the classes and default_rng are used; torch's drawing functions, and
    methods that fill a tensor at random, are given their ``generator``.
    """
    known = names(tree)
    problems = []
    for node, name in uses(tree, known):
        parts = name.split(".")
        drawn = parts[:2] == ["numpy", "random"] and (
            len(parts) < 3 or parts[2] not in NUMPY_RANDOM
        )
        if drawn:
            allowed = "numpy.random.default_rng or a Generator given as rng"
        elif parts[0] == "random" and (len(parts) < 2 or parts[1] not in STANDARD_RANDOM):
            allowed = "random.Random, or better a generator given as rng"
        elif name in TORCH_GLOBAL:
            allowed = "a torch.Generator given as generator"
        else:
            continue
        problems.append(f"{module}:{node.lineno}: {name} is global; allowed is {allowed}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = [name for used, name in uses(node.func, known) if used is node.func]
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            draws = TORCH_DRAWS.intersection(called) | TORCH_FILLS.intersection([method])
            keywords = {keyword.arg for keyword in node.keywords}
            if draws and not keywords & {"generator", None}:
                problems.append(f"{module}:{node.lineno}: {min(draws)} without generator=")
    return problems


SETTINGS_CALLED = {
    *("torch.set_num_threads", "torch.set_num_interop_threads", "torch.set_default_dtype"),
    *("torch.set_default_device", "torch.set_printoptions", "torch.set_grad_enabled"),
    *("torch.set_float32_matmul_precision", "torch.use_deterministic_algorithms"),
    *("torch.set_flush_denormal", "numpy.seterr", "numpy.set_printoptions"),
    *("matplotlib.pyplot.style.use", "matplotlib.style.use", "matplotlib.use"),
    *("matplotlib.pyplot.rc", "matplotlib.rc", "matplotlib.rcdefaults"),
    *("matplotlib.pyplot.switch_backend", "warnings.filterwarnings", "warnings.simplefilter"),
    *("sympy.init_printing", "os.putenv"),
}
SETTINGS_HELD = (
    "matplotlib.rcParams",
    "matplotlib.pyplot.rcParams",
    "os.environ",
    "torch.backends",
)


def importing_sets_nothing(module: str, tree: ast.Module) -> list[str]:
    """An import changes no setting of the process: no threads, no style, no default, no variable.

    Inside a function all this is allowed; there it is asked for.
    """
    known = names(tree)
    problems = []
    for node in at_import(tree):
        found: set[str] = set()
        if isinstance(node, ast.Call):
            for used, name in uses(node.func, known):
                changes = name.rpartition(".")[2] in {"update", "setdefault", "pop", "clear"}
                held = name.startswith(tuple(f"{text}." for text in SETTINGS_HELD))
                if used is node.func and (name in SETTINGS_CALLED or (held and changes)):
                    found.add(name)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
            single = isinstance(node, ast.AugAssign | ast.AnnAssign)
            for target in [node.target] if single else node.targets:
                if isinstance(target, ast.Subscript | ast.Attribute):
                    for _, name in uses(target, known):
                        if name.startswith(SETTINGS_HELD):
                            found.add(name)
        problems += [
            f"{module}:{node.lineno}: {name} is set on import; allowed only inside a function"
            for name in sorted(found)
        ]
    return problems


PICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def is_true(call: ast.Call, keyword: str) -> bool:
    """Whether a call has a keyword that is literally True."""
    values = [k.value for k in call.keywords if k.arg == keyword]
    return bool(values) and isinstance(values[0], ast.Constant) and values[0].value is True


def nothing_is_unpickled(module: str, tree: ast.Module) -> list[str]:
    """No pickle and no package made of it; torch.load only as a call with weights_only=True.

    Nor numpy's allow_pickle (unless it is literally False), nor pandas' read_pickle.
    """
    problems = [
        f"{module}:{line}: imports {name.split('.')[0]}; nothing is pickled or unpickled"
        for line, name in imports(tree)
        if name.split(".")[0] in PICKLERS
    ]
    safe = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if is_true(node, "weights_only"):
                safe.add(id(node.func))
            for keyword in node.keywords:
                value = keyword.value
                off = isinstance(value, ast.Constant) and value.value is False
                if keyword.arg == "allow_pickle" and not off:
                    problems.append(f"{module}:{node.lineno}: allow_pickle; allowed is False only")
        if isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "to_pickle"}:
            problems.append(f"{module}:{node.lineno}: {node.attr}; nothing is pickled or unpickled")
    for node, name in uses(tree, names(tree)):
        if name in {"torch.load", "torch.serialization.load"} and id(node) not in safe:
            problems.append(
                f"{module}:{node.lineno}: torch.load; allowed is a call with weights_only=True"
            )
    return problems


Rule = Callable[[str, ast.Module], list[str]]
RULES: dict[str, Rule] = {
    "randomness_is_an_argument": randomness_is_an_argument,
    "importing_sets_nothing": importing_sets_nothing,
    "nothing_is_unpickled": nothing_is_unpickled,
}


# --------------------------------------------------------------------------------------------------
# The rules on the package
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str) -> None:
    problems = []
    for module, path in files().items():
        problems += RULES[rule](module, ast.parse(path.read_text(encoding="utf-8")))
    assert not problems, "\n" + "\n".join(problems)


def loaded(modules: Iterable[str], path: Path = ROOT) -> list[set[str]]:
    """What of `HEAVY` is there after each import in a fresh process."""
    command = f"import sys; sys.path.insert(0, {str(path)!r})\n"
    command += "".join(f"import {module}; print(*sys.modules)\n" for module in modules)
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [HEAVY & set(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("allowed", LOADS, ids=" ".join)
def test_importing_loads_no_more_than_it_needs(allowed: dict[str, set[str]]) -> None:
    for found, (module, few) in zip(loaded(allowed), allowed.items(), strict=True):
        assert found <= few, module


def test_the_modules_of_the_library_are_imported_when_they_are_asked_for() -> None:
    import xavier

    names = {path.stem for path in (ROOT / "xavier").glob("*.py")} - {"__init__"}
    assert {*names, "__version__"} == set(dir(xavier))
    assert all(f"`{name}`" in (xavier.__doc__ or "") for name in names)
    for name in names:
        assert getattr(xavier, name) is importlib.import_module(f"xavier.{name}")
    with pytest.raises(AttributeError, match="module 'xavier' has no attribute 'inti'"):
        _ = xavier.inti


# --------------------------------------------------------------------------------------------------
# The rules on planted faults
# --------------------------------------------------------------------------------------------------

# (rule, module, what the message must contain, source)
FAULTS: list[tuple[str, str, str]] = [
    ("randomness_is_an_argument", "rules:2: numpy.random.seed is global",
     "import numpy as np\nnp.random.seed(0)"),
    ("randomness_is_an_argument", "torch.manual_seed", "from torch import manual_seed as m\nm(0)"),
    ("randomness_is_an_argument", "random.shuffle", "from random import shuffle\nshuffle(x)"),
    ("randomness_is_an_argument", "torch.randn without generator", "import torch\ntorch.randn(3)"),
    ("randomness_is_an_argument", "uniform_ without generator",
     "def f(tensor):\n    return tensor.uniform_(-1, 1)"),
    ("importing_sets_nothing", "rules:3: torch.set_num_threads",
     "import torch\nif True:\n    torch.set_num_threads(1)"),
    ("importing_sets_nothing", "rcParams.update",
     "import matplotlib.pyplot as plt\nplt.rcParams.update({'a': 1})"),
    ("importing_sets_nothing", "os.environ", "import os\nos.environ['A'] = '1'"),
    ("nothing_is_unpickled", "imports pickle", "def f():\n    from pickle import load"),
    ("nothing_is_unpickled", "torch.load", "import torch\ntorch.load('x', weights_only=False)"),
    ("nothing_is_unpickled", "torch.load", "import torch\nread = torch.load"),
    ("nothing_is_unpickled", "allow_pickle",
     "import numpy as np\nnp.load('x', allow_pickle=True)"),
    ("nothing_is_unpickled", "read_pickle", "import pandas as pd\npd.read_pickle('x')"),
]  # fmt: skip

# In which all rules find nothing.
SOUND = [
    "import numpy as np\ndef f(rng: np.random.Generator):\n    return rng.normal(3)",
    "import numpy as np\nrng = np.random.default_rng(np.random.SeedSequence(1))",
    "import torch\ng = torch.Generator().manual_seed(0)\ntorch.randn(3, generator=g)",
    "def f(tensor, **kw):\n    return tensor.normal_(0, 1, **kw)",
    "import random\nr = random.Random(0)\nr.seed(1)",
    "import torch\ndef f():\n    torch.set_num_threads(1)",
    "import os\nhome = os.environ.get('XAVIER_DATA')",
    "import torch\nx = torch.load('x', weights_only=True)",
    "import numpy as np\nx = np.load('x', allow_pickle=False)",
]


@pytest.mark.parametrize(("rule", "says", "source"), FAULTS)
def test_rule_reports_a_planted_fault(rule: str, says: str, source: str) -> None:
    problems = RULES[rule]("rules", ast.parse(source))
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize("source", SOUND)
def test_rules_pass_what_is_allowed(source: str) -> None:
    tree = ast.parse(source)
    assert [problem for rule in RULES.values() for problem in rule("rules", tree)] == []


def test_a_package_that_loads_torch_is_found(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("", encoding="utf-8")
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "__init__.py").write_text("from . import part\n", encoding="utf-8")
    (tmp_path / "planted" / "part.py").write_text("import torch\n", encoding="utf-8")
    assert loaded(["planted"], tmp_path) == [{"torch"}]
