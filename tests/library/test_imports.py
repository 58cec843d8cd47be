"""What no module of the three packages may do: read from the sources.

The direction of imports is import-linter's, with its contracts in ``pyproject.toml``. The rules
here keep randomness an argument, keep imports free of side effects, and keep pickles out. Each is a
function ``rule(module, tree) -> list of problems`` over a module's syntax tree, applied to every
module and seen to report planted faults.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# And the folders of their modules.
PACKAGES = {"xavier": "xavier", "glorot2010": "glorot2010", "xavier_grading": "assignments/kit"}

# What can be imported without loading torch.
WITHOUT_TORCH = (
    "xavier",
    *("xavier.figures", "xavier.intervals"),
    *("glorot2010.cli", "glorot2010.drawings", "glorot2010.results"),
)


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
@pytest.mark.parametrize("module", files())
def test_module(module: str, rule: str) -> None:
    tree = ast.parse(files()[module].read_text(encoding="utf-8"))
    problems = RULES[rule](module, tree)
    assert not problems, "\n" + "\n".join(problems)


def loads(module: str, other: str, path: Path) -> bool:
    """Whether importing a module in a fresh process loads another one."""
    command = f"import sys; sys.path.insert(0, {str(path)!r}); import {module}; "
    command += f"print({other!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_importing_does_not_load_torch(module: str) -> None:
    assert not loads(module, "torch", ROOT)


# --------------------------------------------------------------------------------------------------
# The rules on planted faults
# --------------------------------------------------------------------------------------------------

# (rule, module, what the message must contain, source)
FAULTS: list[tuple[str, str, str, str]] = [
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


def test_a_package_that_loads_torch_is_found(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("", encoding="utf-8")
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "part.py").write_text("import torch\n", encoding="utf-8")
    package = tmp_path / "planted" / "__init__.py"
    package.write_text("", encoding="utf-8")
    assert not loads("planted", "torch", tmp_path)
    package.write_text("from . import part\n", encoding="utf-8")
    assert loads("planted", "torch", tmp_path)
