"""What a submission can do to others: nothing. Needs bubblewrap (``apt install bubblewrap``)."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from xavier_grading import sets
from xavier_grading.check.answers import Make, Unanswered
from xavier_grading.mark import sandbox
from xavier_grading.mark.sandbox import Limits, Submission

pytestmark = pytest.mark.skipif(
    sandbox.protection() != "namespaces",
    reason="no sandbox here: Linux and bubblewrap are needed (apt install bubblewrap)",
)

LIMITS = Limits()
WITHHELD = ("xavier.rules", "xavier.init", "xavier.moments", "xavier.derivation", "torch.nn.init")


@pytest.fixture
def held() -> Iterator[Submission]:
    with Submission(withheld=WITHHELD, limits=LIMITS) as submission:
        yield submission


def test_it_runs_and_answers(held: Submission) -> None:
    assert held.run("cell 1", "import numpy as np\nx = np.arange(3)") is None
    assert held.run("cell 2", "%matplotlib inline\n!ls\ndisplay(x)\ny = x.sum()") is None
    assert held.get("x").tolist() == [0, 1, 2] and held.get("y") == 3
    assert (
        held.run("cell 2", "%%time\nfiles = !ls\nz = (y\n  % 2)\ns = '''\n% no command'''") is None
    )
    assert held.get("z") == 1 and held.get("s") == "\n% no command"
    held.run("cell 3", "def f(shape, rng, scale=1): return scale * rng.random(shape)")
    drawn = held.call("f", [2, 3], Make("rng", "a", 5), scale=2.0)
    np.testing.assert_array_equal(drawn, 2 * np.random.default_rng(5).random((2, 3)))
    held.run("cell 4", "def g(module): pass")
    held.call("g", Make("module", "net", 0, (("linear", 2, 3), ("attention", 4, 2))))
    assert held.parameters("net")["1.in_proj_weight"].shape == (12, 4)


def test_cells_run_as_in_a_notebook(held: Submission) -> None:
    """What times or draws does its work or nothing, the shell does nothing, await needs no def."""
    code = """
%time a = 5
b = %time a + 1
%timeit a = 7
files = !ls /
!touch harmed
import asyncio
c = await asyncio.sleep(0, 3)
d = a % 3
a?
"""
    assert held.run("cell 1", code) is None
    assert [held.get(name) for name in "abcd"] == [5, 6, 3, 2] and held.get("files") == []
    assert held.run("cell 2", "%%time\ne = 1\n%matplotlib inline\nf = e") is None
    assert held.run("cell 3", "%%bash\nrm -rf /\n") is None
    assert held.run("cell 4", "%%capture out\ng = 1\nh = nothing") == (
        "NameError: name 'nothing' is not defined (cell 4, line 3)"
    )
    assert held.get("f") == held.get("g") == 1


def test_bubblewrap_is_called_by_its_whole_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lie anywhere on PATH, and the process that calls it has another one."""
    (tmp_path / "bwrap").symlink_to(str(shutil.which("bwrap")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with Submission(limits=LIMITS, by="namespaces") as held:
        assert held._command()[0] == str(tmp_path / "bwrap")
        assert held.run("cell 1", "x = 1") is None and held.get("x") == 1


@pytest.mark.thorough
def test_an_error_is_told_in_a_line(held: Submission) -> None:
    assert held.run("cell 1", "x = 1\nraise KeyError('a')") == "KeyError: 'a' (cell 1, line 2)"
    assert held.run("cell 2", "def f(:") is not None
    assert held.get("x") == 1
    with pytest.raises(Unanswered, match="there is no y"):
        held.get("y")
    with pytest.raises(Unanswered, match="must be a function"):
        held.call("x")
    said = held.run("cell 3", "class E(Exception):\n  def __str__(self): raise E\nraise E")
    assert said is not None and said.startswith("E (cell 3")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os._exit(7)", "ended with status 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended"),
        ("import ctypes; ctypes.string_at(0)", "ended"),
        ("x = bytearray(50 * 2**30)", "MemoryError"),
        ("import numpy as np\nx = np.ones((100_000, 100_000))", "MemoryError"),
        ("raise SystemExit", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.setrecursionlimit(10**6)\ndef f(): f()\nf()", ""),
    ],
)
def test_what_breaks_harms_no_other_cell(held: Submission, code: str, said: str) -> None:
    held.run("cell 1", "before = [1, 2]")
    trouble = held.run("cell 2", code)
    assert trouble is not None and said in trouble
    assert held.run("cell 3", "after = before + [3]") is None
    assert held.get("after") == [1, 2, 3]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("code", "limits", "said"),
    [
        ("while True: pass", Limits(cell=2.0), "more than 2 seconds (cell 2"),
        (
            "import time\ntime.sleep(900)",
            *(Limits(clock=5.0), "more than 5 s by the clock (cell 2"),
        ),
        (
            "import time\nwhile True:\n try: time.sleep(9)\n except BaseException: pass",
            *(Limits(clock=5.0), "stopped"),
        ),
    ],
)
def test_what_does_not_end_is_ended_and_the_rest_goes_on(
    held: Submission, code: str, limits: Limits, said: str
) -> None:
    held.run("cell 1", "before = [1, 2]")
    held.limits = limits
    trouble = held.run("cell 2", code)
    held.limits = LIMITS
    assert trouble is not None and said in trouble
    assert held.run("cell 3", "after = before + [3]") is None
    assert held.get("after") == [1, 2, 3]


@pytest.mark.thorough
def test_a_call_that_kills_the_process_harms_no_other(held: Submission) -> None:
    held.run("cell 1", "import os\nx = 5\ndef die(): os._exit(0)\ndef live(): return x")
    with pytest.raises(Unanswered, match="ended"):
        held.call("die")
    assert held.call("live") == 5


@pytest.mark.thorough
def test_whoever_dies_again_and_again_is_left(held: Submission) -> None:
    held.run("cell 1", "import os\ndef die(): os._exit(0)")
    for _ in range(20):
        with pytest.raises(Unanswered):
            held.call("die")
    with pytest.raises(Unanswered, match="again and again"):
        held.call("die")


@pytest.mark.thorough
def test_time_in_all_is_limited() -> None:
    with Submission(limits=Limits(total=4.0)) as held:
        assert held.run("cell 1", "x = 1") is None
        assert "as long as a submission may" in str(held.run("cell 2", "while True: pass"))
        assert held.get("x") == 1
        held._deadline = time.monotonic()
        with pytest.raises(Unanswered, match="more than 3000 s in all"):
            held.get("x")


@pytest.mark.thorough
def test_processes_are_few_and_end_with_it(held: Submission) -> None:
    code = """
import os, time
made = 0
try:
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
except OSError:
    pass
"""
    assert held.run("cell 1", code) is None
    assert held.get("made") < LIMITS.processes
    user = sandbox._FIRST_USER + held._slot % 1000
    held.__exit__()
    end = time.monotonic() + 60
    while left := [p for p in Path("/proc").glob("[0-9]*") if _owner(p) == user]:
        assert time.monotonic() < end, left
        time.sleep(0.1)


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1


@pytest.mark.thorough
def test_it_is_nobody_and_sees_nothing(held: Submission) -> None:
    root = Path(__file__).resolve().parents[2]
    code = f"""
import os
user, here = os.getuid(), os.listdir(".")
sees = [p for p in ({str(root / "assignments" / "source")!r}, {str(root / "tests")!r},
        "/etc/passwd", "/home", {str(Path.home() / ".bashrc")!r}, {str(root / "results")!r})
        if os.path.exists(p)]
processes = [p for p in os.listdir("/proc") if p.isdigit()]
secrets = [k for k in os.environ if "KEY" in k or "TOKEN" in k]
"""
    os.environ["KEY"] = "secret"
    try:
        assert held.run("cell 1", code) is None
    finally:
        del os.environ["KEY"]
    if os.getuid() == 0:
        assert held.get("user") >= sandbox._FIRST_USER
    assert held.get("here") == [] and held.get("sees") == [] and held.get("secrets") == []
    assert len(held.get("processes")) <= 3


@pytest.mark.thorough
def test_it_writes_nowhere_but_into_its_own_folder(held: Submission) -> None:
    root = Path(__file__).resolve().parents[2]
    for place in (root / "xavier" / "bad", Path("/usr/bad"), root / ".venv" / "bad", Path("/bad")):
        said = held.run("cell 1", f"open({str(place)!r}, 'w')")
        assert said is not None and not place.exists()
    assert held.run("cell 2", "open('own.txt', 'w').write('x' * 100)") is None
    said = held.run("cell 3", "open('big', 'wb').write(bytes(400 * 2**20))")
    assert said is not None and ("OSError" in said or "ended" in said)


@pytest.mark.thorough
def test_it_has_no_network(held: Submission) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        said = held.run("cell 1", code)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody waits to be heard
            server.accept()
    assert said is not None and "Error" in said


@pytest.mark.parametrize("module", WITHHELD[:4])
def test_what_is_to_be_written_cannot_be_read(held: Submission, module: str) -> None:
    said = held.run("cell 1", f"import {module}")
    assert said is not None and "asked to write" in said
    name = module.rpartition(".")[2]
    code = f"""
import pathlib, xavier
folder = pathlib.Path(xavier.__file__).parent
texts = [p.read_bytes() for p in [folder / "{name}.py", *folder.glob("__pycache__/{name}.*")]]
known = any(b"n_in + n_out" in text or b"packed" in text or b"Assumption" in text for text in texts)
"""
    assert held.run("cell 2", code) is None
    assert held.get("known") is False


@pytest.mark.thorough
def test_torch_makes_layers_and_keeps_its_initializers(held: Submission) -> None:
    code = """
import torch
from torch import nn
layers = [nn.Linear(3, 4), nn.Conv2d(2, 3, 3), nn.MultiheadAttention(8, 2), nn.LSTM(3, 4),
          nn.Embedding(3, 4), nn.TransformerEncoderLayer(8, 2)]
torch.manual_seed(0)
spread = float(nn.Linear(400, 300).weight.detach().std())
"""
    assert held.run("cell 1", code) is None
    assert held.get("spread") == pytest.approx((3 * 400) ** -0.5, rel=0.05)
    for call in ("xavier_uniform_(w)", "xavier_normal_(w)", "kaiming_uniform_(w)",
                 "trunc_normal_(w)", "_calculate_fan_in_and_fan_out(w)"):  # fmt: skip
        said = held.run("cell 2", f"w = torch.empty(3, 4)\nnn.init.{call}")
        assert said is not None and "NotImplementedError" in said


def test_judges_cannot_be_read(held: Submission) -> None:
    code = """
import pathlib, xavier_grading
folder = pathlib.Path(xavier_grading.__file__).parent
known = [p.name for p in folder.rglob("*") if p.is_file() and b"std as bound" in p.read_bytes()]
"""
    assert held.run("cell 1", code) is None
    assert held.get("known") == []
    for name in ("sets.ps1", "sets", "check.samples", "check.symbolic", "check.networks",
                 "check.parts", "mark.marking"):  # fmt: skip
        said = held.run("cell 2", f"import xavier_grading.{name}")
        assert said is not None and "asked to write" in said


@pytest.mark.thorough
@pytest.mark.parametrize(
    "code",
    [
        "import json; json.dumps = lambda *a, **k: '{}'",
        "import xavier_grading.check.values as v; v.dumps = lambda x: 'nonsense'",
        "import builtins; builtins.isinstance = lambda *a: True",
        "import builtins; builtins.len = lambda *a: 0",
        "import numpy as np; np.array_equal = np.allclose = lambda *a, **k: True",
        "import os\nfor fd in range(3, 30):\n  try: os.write(fd, b'{\"value\": 1}\\n' * 99)\n"
        "  except OSError: pass",
        "import os\nfor fd in range(3, 30):\n  try: os.close(fd)\n  except OSError: pass",
        "import sys; sys.modules.clear()",
        "import os\nfor fd in range(3, 30):\n  try: os.write(fd, b'x' * 10**8)\n"
        "  except OSError: pass",
    ],
)
def test_tampering_gains_nothing(code: str) -> None:
    part = sets.problem_set("ps1").part("copies")
    variant = sets.problem_set("ps1").variant("ada", "key")
    from xavier_grading.check import parts

    with Submission(limits=LIMITS) as held:
        held.run("cell 1", "def copies(weights): return []")
        held.run("cell 2", code)
        assert parts.judge(part, held, variant).share < 1.0


@pytest.mark.thorough
def test_objects_that_are_equal_to_everything_are_no_answers(held: Submission) -> None:
    code = """
import numpy as np
class Yes:
    def __eq__(self, other): return True
    def __array__(self, *a, **k): return np.zeros(3)
    def __iter__(self): return iter([1, 2])
    def __float__(self): return 1.0
    def __reduce__(self): return (print, ("unpickled",))
x = Yes()
"""
    assert held.run("cell 1", code) is None
    with pytest.raises(Unanswered, match="no plain data"):
        held.get("x")


@pytest.mark.thorough
def test_files_lie_beside_the_notebook_and_cannot_be_changed() -> None:
    with Submission(files={"data.npz": b"abc"}, limits=LIMITS) as held:
        assert held.run("cell 1", "x = list(open('data.npz', 'rb').read())") is None
        assert held.get("x") == [97, 98, 99]
        assert held.run("cell 2", "open('data.npz', 'wb')") is not None
