"""Which module of ``xavier`` may import which, and what no module may do: read from the sources.

``ALLOWED`` is the authority on the direction of imports. The other rules keep randomness an
argument, keep imports free of side effects, and keep pickles out. Each rule is a function
``rule(module, tree) -> list of problems`` over a module's syntax tree, applied to every module and
seen to report planted faults.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "xavier"

# module: the modules of ours that it may import, anywhere in it: at the top, inside a function or
# for type checking only.
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "checks": set(),
    "files": set(),
    "streams": {"checks"},
    "rules": {"checks"},
    "activations": {"checks"},
    "derivation": {"checks"},
    "montecarlo": {"derivation", "checks"},
    "init": {"rules", "checks"},
    "shapeset": {"streams", "checks"},
    "datasets": {"streams", "checks"},
    "network": {"activations", "rules", "init", "checks"},
    "paper": {"checks"},
    "theory": {"activations", "checks"},
    "monitor": {"activations", "checks", "network"},
    "curvature": {"checks", "network"},
    "graphs": {"network"},
    "checkpoints": {"files"},
    "training": {
        *("activations", "checkpoints", "checks", "curvature", "graphs", "init", "network"),
        "streams",
    },
    "baselines": {"checks", "streams"},
    "pretraining": {"checkpoints", "checks", "network", "streams", "training"},
    "points": {
        *("activations", "baselines", "checks", "curvature", "datasets", "init", "monitor"),
        *("network", "pretraining", "shapeset", "streams", "training"),
    },
    "catalogue": {"checks", "init", "network", "points"},
    "experiments": {"catalogue", "checks", "files", "points", "results"},
    "results": {"__init__", "checks", "files"},  # whose version a record names
    "intervals": {"checks"},
    "figures": {"checks", "intervals"},
    "judging": {"catalogue", "checks", "experiments", "intervals", "results"},
    "judges": {
        *("activations", "datasets", "derivation", "init", "intervals", "judging", "monitor"),
        *("montecarlo", "network", "paper", "rules", "shapeset", "surfaces", "theory", "training"),
    },
    "collapse": {"checks", "shapeset"},
    "surfaces": {"checks", "init", "network", "rules"},
    "scoreboard": {"checks", "claims", "figures", "files", "results"},
    "trials": {"catalogue", "intervals", "judging", "paper", "points"},
    "claims": {"checks", "judges", "judging", "results", "trials"},
    "pictures": {"checks", "figures", "intervals"},
    "films": set(),
    "grading": {"grading.parts", "grading.sets"},
    "grading.values": set(),
    "grading.answers": {"grading.values"},
    "grading.runner": {"grading.answers", "grading.values"},
    "grading.symbolic": set(),
    "grading.parts": {"checks", "grading.answers"},
    "grading.samples": {"grading.answers", "grading.parts"},
    "grading.networks": {"datasets", "grading.answers", "grading.samples"},
    "grading.ps1": {
        *("datasets", "network", "training"),
        *("grading.answers", "grading.networks", "grading.parts", "grading.samples"),
        *("grading.symbolic", "grading.values"),
    },
    "grading.ps2": {
        *("grading.answers", "grading.parts", "grading.symbolic", "grading.values"),
    },
    "grading.ps3": {
        *("grading.answers", "grading.networks", "grading.parts", "grading.samples"),
    },
    "grading.ps4": {
        *("grading.answers", "grading.networks", "grading.parts", "grading.samples"),
    },
    "grading.sets": {
        *("checks", "grading.parts", "grading.ps1", "grading.ps2", "grading.ps3", "grading.ps4"),
    },
    "grading.sandbox": {"grading.answers", "grading.values"},
    "grading.notebooks": {"grading.parts"},
    "grading.marking": {
        *("files", "grading.answers", "grading.notebooks", "grading.parts", "grading.sandbox"),
        "grading.sets",
    },
    "grading.gradebook": {"grading.marking"},
    "grading.__main__": {
        *("files", "grading.gradebook", "grading.marking", "grading.notebooks", "grading.parts"),
        *("grading.sandbox", "grading.sets"),
    },
    "cli": {
        *("__init__", "catalogue", "checkpoints", "checks", "claims", "datasets", "experiments"),
        *("files", "pictures", "points", "results", "scoreboard"),
    },
}

# module: other projects' packages that it must not import, anywhere in it.
FOREIGN: dict[str, set[str]] = {
    "figures": {"torch"},
    "results": {"torch"},
    "trials": {"torch"},
}

# What can be imported without loading torch (modules that do not exist are skipped).
WITHOUT_TORCH = (
    "xavier",
    *("xavier.cli", "xavier.figures", "xavier.intervals", "xavier.pictures", "xavier.results"),
)


# --------------------------------------------------------------------------------------------------
# Reading a module
# --------------------------------------------------------------------------------------------------


def files() -> dict[str, Path]:
    """Return the modules of the package by dotted name within it (``__init__`` is the package)."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def imports(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of all that a module imports, wherever it does so.

    ``from a import b`` is ``a.b``: whether b is a module or a name is for the caller to tell. What
    lies above the package begins with a dot. ``importlib.import_module`` and ``__import__`` count
    where the name is literal.
    """
    package = [PACKAGE, *module.split(".")[:-1]]

    def absolute(name: str, level: int) -> str:
        base = package[: max(len(package) - level + 1, 0)] if level else []
        return ".".join([*base, name]) if base or not level else f".{name}"

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            for alias in node.names:
                yield node.lineno, absolute(prefix + alias.name, node.level)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            if called in {"import_module", "__import__"} and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    plain = name.value.lstrip(".")
                    yield node.lineno, absolute(plain, len(name.value) - len(plain))


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


def imports_are_allowed(module: str, tree: ast.Module) -> list[str]:
    """A module imports of ours only what its row of ALLOWED names."""
    own = module if module in ALLOWED else module.split(".")[0]
    if own not in ALLOWED:
        return [f"{module}: not in the table ALLOWED of tests/test_imports.py; add a row"]
    modules = set(ALLOWED) | set(files())
    problems = []
    for line, name in imports(module, tree):
        parts = name.split(".")
        if name.startswith("."):
            problems.append(f"{module}:{line}: an import from above the package")
        if parts[0] != PACKAGE:
            continue
        longest = (".".join(parts[1:k]) for k in range(len(parts), 1, -1))
        target = next((name for name in longest if name in modules), "__init__")
        if target != own and target not in ALLOWED[own]:
            may = ", ".join(sorted(ALLOWED[own])) or "nothing of ours"
            problems.append(f"{module}:{line}: imports {target}; may import {may}")
    return problems


def foreign_imports_are_allowed(module: str, tree: ast.Module) -> list[str]:
    """A module keeps away from the packages that FOREIGN forbids it."""
    forbidden = FOREIGN.get(module.split(".")[0], set())
    return [
        f"{module}:{line}: imports {name.split('.')[0]}, which it must not"
        for line, name in imports(module, tree)
        if name.split(".")[0] in forbidden
    ]


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
        for line, name in imports(module, tree)
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
    "imports_are_allowed": imports_are_allowed,
    "foreign_imports_are_allowed": foreign_imports_are_allowed,
    "randomness_is_an_argument": randomness_is_an_argument,
    "importing_sets_nothing": importing_sets_nothing,
    "nothing_is_unpickled": nothing_is_unpickled,
}


# --------------------------------------------------------------------------------------------------
# The rules on the package
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("module", files())
def test_module(module: str, rule: str) -> None:
    tree = ast.parse(files()[module].read_text(encoding="utf-8"))
    problems = RULES[rule](module, tree)
    assert not problems, "\n" + "\n".join(problems)


def stale(table: dict[str, set[str]], modules: set[str]) -> list[str]:
    """Return the modules that a table names and that do not exist."""
    return sorted((set(table) | set().union(*table.values())) - modules)


def cycle(table: dict[str, set[str]]) -> list[str]:
    """Return the modules that the table lets import each other in a circle."""
    left = dict(table)
    while free := [module for module, may in left.items() if not may & set(left)]:
        for module in free:
            del left[module]
    return sorted(left)


def test_the_table_names_only_modules_that_exist() -> None:
    modules = set(files())
    assert stale(ALLOWED, modules) == [], "remove these from ALLOWED, or write them"
    assert set(FOREIGN) <= modules


def test_the_table_has_no_circle() -> None:
    assert cycle(ALLOWED) == []


def loads(module: str, other: str, path: Path) -> bool:
    """Whether importing a module in a fresh process loads another one."""
    command = f"import sys; sys.path.insert(0, {str(path)!r}); import {module}; "
    command += f"print({other!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_importing_does_not_load_torch(module: str) -> None:
    if (module.partition(".")[2] or "__init__") not in files():
        pytest.skip(f"{module} does not exist")
    assert not loads(module, "torch", ROOT)


# --------------------------------------------------------------------------------------------------
# The rules on planted faults
# --------------------------------------------------------------------------------------------------

# (rule, module, what the message must contain, source)
FAULTS: list[tuple[str, str, str, str]] = [
    ("imports_are_allowed", "unheard_of", "not in the table", ""),
    ("imports_are_allowed", "unheard_of.part", "not in the table", ""),
    ("imports_are_allowed", "rules", "rules:1: imports init; may", "from xavier.init import x"),
    ("imports_are_allowed", "rules", "imports init", "import xavier.init"),
    ("imports_are_allowed", "rules", "imports init", "import xavier.init as i"),
    ("imports_are_allowed", "rules", "imports init", "from xavier import init"),
    ("imports_are_allowed", "rules", "imports init", "from . import init"),
    ("imports_are_allowed", "rules", "imports init", "from .init import sample"),
    ("imports_are_allowed", "rules", "imports init", "from xavier import checks, init as i"),
    ("imports_are_allowed", "rules", "rules:2: imports init", "def f():\n    from . import init"),
    ("imports_are_allowed", "rules", "imports init",
     "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from xavier.init import sample"),
    ("imports_are_allowed", "rules", "imports init",
     "import importlib\nimportlib.import_module('xavier.init')"),
    ("imports_are_allowed", "rules", "imports init",
     "import importlib\nimportlib.import_module('.init', 'xavier')"),
    ("imports_are_allowed", "rules", "imports init", "__import__('xavier.init')"),
    ("imports_are_allowed", "rules", "imports __init__", "from xavier import __version__"),
    ("imports_are_allowed", "rules", "imports __init__", "import xavier"),
    ("imports_are_allowed", "rules", "from above the package", "from ..other import x"),
    ("imports_are_allowed", "rules", "from above the package", "from .... import x"),
    ("imports_are_allowed", "rules", "imports __init__", "from . import *"),
    ("imports_are_allowed", "checks", "may import nothing of ours", "from . import rules"),
    ("imports_are_allowed", "__init__", "imports rules", "from .rules import glorot"),
    ("imports_are_allowed", "derivation", "imports rules", "from .rules import glorot"),
    ("imports_are_allowed", "init.part", "imports network", "from ..network import Network"),
    ("foreign_imports_are_allowed", "figures", "imports torch", "import torch"),
    ("foreign_imports_are_allowed", "figures", "figures:2", "def f():\n    from torch.nn import X"),
    ("randomness_is_an_argument", "rules", "rules:2: numpy.random.seed is global",
     "import numpy as np\nnp.random.seed(0)"),
    ("randomness_is_an_argument", "rules", "numpy.random.rand ",
     "import numpy\ndef f():\n    return numpy.random.rand(3)"),
    ("randomness_is_an_argument", "rules", "numpy.random.RandomState",
     "from numpy import random as r\nr.RandomState(0)"),
    ("randomness_is_an_argument", "rules", "numpy.random.normal",
     "from numpy.random import normal\nnormal()"),
    ("randomness_is_an_argument", "rules", "numpy.random is", "import numpy as np\nr = np.random"),
    ("randomness_is_an_argument", "rules", "torch.manual_seed",
     "import torch\ntorch.manual_seed(0)"),
    ("randomness_is_an_argument", "rules", "torch.manual_seed",
     "from torch import manual_seed as m\nm(0)"),
    ("randomness_is_an_argument", "rules", "torch.cuda.manual_seed_all",
     "import torch\ntorch.cuda.manual_seed_all(0)"),
    ("randomness_is_an_argument", "rules", "random.seed", "import random\nrandom.seed(0)"),
    ("randomness_is_an_argument", "rules", "random.shuffle",
     "from random import shuffle\nshuffle(x)"),
    ("randomness_is_an_argument", "rules", "torch.randn without generator",
     "import torch\nx = torch.randn(3)"),
    ("randomness_is_an_argument", "rules", "uniform_ without generator",
     "def f(tensor):\n    return tensor.uniform_(-1, 1)"),
    ("importing_sets_nothing", "rules", "rules:2: torch.set_num_threads",
     "import torch\ntorch.set_num_threads(1)"),
    ("importing_sets_nothing", "rules", "rules:3",
     "import torch\nif True:\n    torch.set_num_threads(1)"),
    ("importing_sets_nothing", "rules", "style.use",
     "import matplotlib.pyplot as plt\nplt.style.use('ggplot')"),
    ("importing_sets_nothing", "rules", "rcParams.update",
     "import matplotlib.pyplot as plt\nplt.rcParams.update({'a': 1})"),
    ("importing_sets_nothing", "rules", "rcParams.update",
     "from matplotlib import rcParams\nrcParams.update({'a': 1})"),
    ("importing_sets_nothing", "rules", "rcParams",
     "import matplotlib as mpl\nmpl.rcParams['a'] = 1"),
    ("importing_sets_nothing", "rules", "rcParams",
     "import matplotlib as mpl\nclass A:\n    mpl.rcParams['a'] = 1"),
    ("importing_sets_nothing", "rules", "matplotlib.use",
     "import matplotlib\nmatplotlib.use('agg')"),
    ("importing_sets_nothing", "rules", "os.environ", "import os\nos.environ['A'] = '1'"),
    ("importing_sets_nothing", "rules", "torch.backends",
     "import torch\ntorch.backends.cuda.matmul.allow_tf32 = True"),
    ("nothing_is_unpickled", "rules", "rules:1: imports pickle", "import pickle"),
    ("nothing_is_unpickled", "rules", "imports pickle", "def f():\n    from pickle import load"),
    ("nothing_is_unpickled", "rules", "imports joblib", "import joblib"),
    ("nothing_is_unpickled", "rules", "rules:2: torch.load", "import torch\ntorch.load('x')"),
    ("nothing_is_unpickled", "rules", "torch.load",
     "import torch\ntorch.load('x', weights_only=False)"),
    ("nothing_is_unpickled", "rules", "torch.load", "from torch import load as l\nl('x')"),
    ("nothing_is_unpickled", "rules", "torch.load", "import torch\nread = torch.load"),
    ("nothing_is_unpickled", "rules", "allow_pickle",
     "import numpy as np\nnp.load('x', allow_pickle=True)"),
    ("nothing_is_unpickled", "rules", "read_pickle", "import pandas as pd\npd.read_pickle('x')"),
]  # fmt: skip

# (module, source) in which all rules find nothing.
SOUND: list[tuple[str, str]] = [
    ("init", "from xavier.rules import glorot\nfrom . import checks, rules\nimport xavier.checks"),
    ("init", "from xavier.init import sample"),
    ("init.part", "from .other import x\nfrom ..rules import glorot"),
    ("network", "import xaviera.training\nfrom os import path"),
    ("figures", "import torchless\nfrom xavier import checks"),
    ("rules", "import numpy as np\ndef f(rng: np.random.Generator):\n    return rng.normal(3)"),
    ("rules", "import numpy as np\nrng = np.random.default_rng(np.random.SeedSequence(1))"),
    ("rules", "import torch\ng = torch.Generator().manual_seed(0)\ng.seed()"),
    ("rules", "import torch\ndef f(g):\n    return torch.randn(3, generator=g)"),
    ("rules", "import torch\ndef f(**kw):\n    return torch.rand(3, **kw)"),
    ("rules", "def f(tensor, g):\n    return tensor.normal_(0, 1, generator=g)"),
    ("rules", "import random\nr = random.Random(0)\nr.seed(1)"),
    ("rules", "def f(random):\n    return random.seed"),
    ("rules", "import torch\ndef f():\n    torch.set_num_threads(1)"),
    ("rules", "import matplotlib.pyplot as plt\ndef f():\n    plt.rcParams.update({})"),
    ("rules", "import matplotlib as m\nsize = m.rcParams['a']\nf = lambda: m.use('agg')"),
    ("rules", "import os\nhome = os.environ.get('XAVIER_DATA')"),
    ("rules", "import torch\nx = torch.load('x', weights_only=True)"),
    ("rules", "import numpy as np\nx = np.load('x', allow_pickle=False)"),
]


@pytest.mark.parametrize(("rule", "module", "says", "source"), FAULTS)
def test_rule_reports_a_planted_fault(rule: str, module: str, says: str, source: str) -> None:
    problems = RULES[rule](module, ast.parse(source))
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize(("module", "source"), SOUND)
def test_rules_pass_what_is_allowed(module: str, source: str) -> None:
    tree = ast.parse(source)
    assert [problem for rule in RULES.values() for problem in rule(module, tree)] == []


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, *_ in FAULTS} == set(RULES)


def test_a_stale_row_and_a_circle_are_found() -> None:
    table = {"a": set(), "b": {"a"}, "c": {"d"}, "d": {"c", "a"}}
    assert stale(table, {"a", "b", "c"}) == ["d"]
    assert cycle(table) == ["c", "d"]


def test_a_package_that_loads_torch_is_found(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("", encoding="utf-8")
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "part.py").write_text("import torch\n", encoding="utf-8")
    package = tmp_path / "planted" / "__init__.py"
    package.write_text("", encoding="utf-8")
    assert not loads("planted", "torch", tmp_path)
    package.write_text("from . import part\n", encoding="utf-8")
    assert loads("planted", "torch", tmp_path)
