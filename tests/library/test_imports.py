"""What no module of the three packages may do: read from the sources.

The direction of imports is import-linter's, and which names are not used at all, such as global
seeds and unpicklers, is ruff's, both in ``pyproject.toml``. The rules here are of what a call is
given, and of what an import does. Each is a function ``rule(module, tree) -> list of problems``
over a module's syntax tree, applied to every module and seen to report planted faults.
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


TORCH_DRAWS = {
    f"torch.{name}"
    for name in ("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial")
}
TORCH_FILLS = {"uniform_", "normal_", "bernoulli_", "random_", "exponential_"}


def draws_are_given_a_generator(module: str, tree: ast.Module) -> list[str]:
    """Torch's drawing functions, and methods that fill a tensor at random, have a generator."""
    known = names(tree)
    problems = []
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


def nothing_is_unpickled(module: str, tree: ast.Module) -> list[str]:
    """NumPy's allow_pickle is literally False where it is said."""
    return [
        f"{module}:{node.lineno}: allow_pickle; allowed is False only"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords)
    ]


Rule = Callable[[str, ast.Module], list[str]]
RULES: dict[str, Rule] = {
    "draws_are_given_a_generator": draws_are_given_a_generator,
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
    ("draws_are_given_a_generator", "torch.randn without", "import torch\ntorch.randn(3)"),
    ("draws_are_given_a_generator", "uniform_ without generator",
     "def f(tensor):\n    return tensor.uniform_(-1, 1)"),
    ("importing_sets_nothing", "rules:3: torch.set_num_threads",
     "import torch\nif True:\n    torch.set_num_threads(1)"),
    ("importing_sets_nothing", "rcParams.update",
     "import matplotlib.pyplot as plt\nplt.rcParams.update({'a': 1})"),
    ("importing_sets_nothing", "os.environ", "import os\nos.environ['A'] = '1'"),
    ("nothing_is_unpickled", "allow_pickle",
     "import numpy as np\nnp.load('x', allow_pickle=True)"),
]  # fmt: skip

# In which all rules find nothing.
SOUND = [
    "import torch\ng = torch.Generator().manual_seed(0)\ntorch.randn(3, generator=g)",
    "def f(tensor, **kw):\n    return tensor.normal_(0, 1, **kw)",
    "import torch\ndef f():\n    torch.set_num_threads(1)",
    "import os\nhome = os.environ.get('XAVIER_DATA')",
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
