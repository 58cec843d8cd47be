"""Solutions of problem set 1, right and wrong, in the styles in which they come."""

# What several wrong solutions of "step" have in common; each puts its mistake in.
_STEP = """
def step(w, v, x, y, lr):
    m = variant["power"]
    s = [sum(a * b for a, b in zip(unit, x)) for unit in w]
    o = sum(v[k] * s[k] ** m for k in range(2))
    e = o - y
    new_w = [[w[k][l] - lr * HIDDEN for l in range(len(x))] for k in range(2)]
    new_v = [v[k] - lr * READ_OUT for k in range(2)]
    return new_w, new_v
"""
_HIDDEN = "e * v[k] * m * s[k] ** (m - 1) * x[l]"
_READ_OUT = "e * s[k] ** m"


def _step(hidden: str = _HIDDEN, read_out: str = _READ_OUT, e: str = "o - y") -> str:
    code = _STEP.replace("HIDDEN", hidden).replace("READ_OUT", read_out)
    return code.replace("e = o - y", f"e = {e}")


# A run that is trained by hand.
_TRAIN_TIED = """
def slope_and_value(s):
    if variant["activation"] == "tanh":
        return 1 - np.tanh(s) ** 2, np.tanh(s)
    return 1 / (1 + np.abs(s)) ** 2, s / (1 + np.abs(s))


def go(w, b, x, y, lr):
    y = np.eye(10)[y]
    slope, h = slope_and_value(x @ w[0] + b[0])
    error = (softmax(h @ w[1] + b[1]) - y) / len(y)
    back = (error @ w[1].T) * slope
    w[1] -= lr * h.T @ error
    b[1] -= lr * error.sum(0)
    w[0] -= lr * x.T @ back
    b[0] -= lr * back.sum(0)


def copied(arrays):
    return [a.copy() for a in arrays]


w = [np.full(shape, variant["constant"]) for shape in ((64, variant["hidden"]),
                                                       (variant["hidden"], 10))]
b = [np.zeros(variant["hidden"]), np.zeros(10)]
tied_run = {"seed": 7, "start": copied(w), "log": []}
stream = datasets.stream("digits", "train", 7)
for t in range(1, 301):
    x, y = stream.batch(10)
    go(w, b, x.numpy().astype(float), y.numpy(), 0.1)
    if t % 30 == 0:
        tied_run["log"].append([t, np.abs(w[0].T - w[0].T[0]).max()])
tied_run.update(end=copied(w), biases=copied(b))
"""


def _symmetries(number: str) -> str:
    """A function that returns this, which knows the hidden layers and the factorial."""
    start = "hidden, f, signs = sizes[1:-1], math.factorial, 2 if odd else 1"
    return f"def symmetries(sizes, odd):\n    {start}\n    return {number}"


def _cost(number: str, rows: str = "[(g, run(g) if 0.9 < g < 1.4 else c) for g, c in rows]") -> str:
    """A sweep whose rows near gain 1, which alone are looked at, hold this."""
    return f"""
def run(gain, updates=300):
    sizes = [64, *[variant["sweep"]["width"]] * variant["sweep"]["depth"], 10]
    seed = variant["sweep"]["seed"]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
    if updates:
        train(network, {{seed: datasets.stream("digits", "train", seed)}}, lr=0.1, updates=updates)
    test, seen = datasets.load("digits", "test"), datasets.load("digits", "train")
    trace = network.forward(test.images)
    return float({number})

sweep["rows"] = {rows}
"""


def _repaired(layer: str) -> str:
    """A function that draws this for every layer of a by b."""
    return f"def repaired(sizes, rng):\n    return [{layer} for a, b in zip(sizes, sizes[1:])]"


def _copies(alike: str, then: str = "found.append((i + 1, j + 1))", j: str = "i + 1, n") -> str:
    """A function that does something with pairs of layers that are alike."""
    return f"""
def copies(weights):
    found, n = [], len(weights)
    for i in range(n):
        for j in range({j}):
            few = min(weights[i].size, weights[j].size)
            a, b = weights[i].ravel()[:few], weights[j].ravel()[:few]
            if {alike}:
                {then}
    return found
"""


_ALIKE = "np.corrcoef(a, b)[0, 1] > 0.9"

RIGHT: dict[str, list[str]] = {
    "step": [
        # arrays of objects
        """
def step(w, v, x, y, lr):
    m = variant["power"]
    w, v, x = np.array(w, dtype=object), np.array(v, dtype=object), np.array(x, dtype=object)
    s = w @ x
    e = v @ s**m - y
    return (
        (w - lr * np.outer(e * v * m * s ** (m - 1), x)).tolist(),
        (v - lr * e * s**m).tolist(),
    )
""",
        # pandas
        """
import pandas as pd


def step(w, v, x, y, lr):
    m = variant["power"]
    table = pd.DataFrame(w, dtype=object)
    s = (table * x).sum(axis=1)
    v = pd.Series(v, dtype=object)
    e = (v * s**m).sum() - y
    slopes = v * s ** (m - 1) * m * e * lr
    moved = [[a - slope * b for a, b in zip(unit, x)] for unit, slope in zip(w, slopes)]
    return moved, v - s**m * e * lr
""",
    ],
    "symmetries": [
        """
def symmetries(sizes, odd):
    logarithm = sum(math.lgamma(n + 1) + (n * math.log(2) if odd else 0) for n in sizes[1:-1])
    return math.exp(logarithm)
""",
        """
def symmetries(sizes, odd):
    orders = np.prod([math.factorial(n) for n in sizes[1:-1]], dtype=object)
    return orders * 2 ** sum(sizes[1:-1]) if odd else orders
""",
    ],
    "tied": [
        """
for k in ("start", "end", "biases", "log"):
    tied_run[k] = [np.asarray(a).tolist() for a in tied_run[k]]
""",
        _TRAIN_TIED,
    ],
    "untied": [
        """
for k in ("start", "end", "biases", "log"):
    untied_run[k] = [np.asarray(a).tolist() for a in untied_run[k]]
""",
        """
import pandas as pd
for name in ("start", "end", "biases"):
    untied_run[name] = tuple(torch.tensor(a, dtype=torch.float32) for a in untied_run[name])
untied_run["log"] = pd.DataFrame(untied_run["log"], columns=["update", "effective rank"])
""",
    ],
    "stays": [
        """
stays = {name: np.bool_(value) for name, value in stays.items()}
for run in runs.values():
    run["start"] = tuple(a.tolist() for a in run["start"])
    run["rows"] = run["rows"].tolist()
""",
        """
stays = {name: int(value) for name, value in reversed(stays.items())}
for run in runs.values():
    run["end"] = [torch.tensor(a) for a in run["end"]]
    if run["kept"] is None:
        del run["kept"]
""",
    ],
    "sparse": [
        "sparse_std = lambda n: (variant['density'] * n) ** -0.5",
        """
def sparse_std(n):
    return torch.rsqrt(torch.tensor(float(n)) * variant["density"])
""",
    ],
    "sweep": [
        'sweep = {"rows": np.array(rows, dtype=np.float32)[::-1], "band": np.array(band)}',
        """
sweep = {"rows": {g: torch.tensor(c) for g, c in rows}, "band": torch.tensor(band)}
""",
    ],
    "repaired": [
        # All numbers at once, then cut into layers.
        """
def repaired(sizes, rng):
    counts = [a * b for a, b in zip(sizes[:-1], sizes[1:])]
    parts = np.split(rng.normal(size=sum(counts)), np.cumsum(counts)[:-1])
    return tuple(p.reshape(a, -1) / np.sqrt(a) for p, a in zip(parts, sizes))
""",
        # A child of the generator for every layer.
        """
def repaired(sizes, rng):
    children = rng.spawn(len(sizes) - 1)
    return [c.normal(0, a**-0.5, (a, b)) for c, a, b in zip(children, sizes, sizes[1:])]
""",
    ],
    "copies": [
        """
from itertools import combinations

def copies(weights):
    found = set()
    for (i, a), (j, b) in combinations(enumerate(weights, 1), 2):
        n = min(a.size, b.size)
        ratio = a.ravel()[:n] / b.ravel()[:n]
        if np.allclose(ratio, ratio[0]):
            found.add((i, j))
    return found
""",
        """
import pandas as pd

def copies(weights):
    table = pd.DataFrame({i: pd.Series(w.ravel()) for i, w in enumerate(weights, start=1)})
    r = table.corr()
    return [(i, j) for i in r for j in r if i < j and r.loc[i, j] > 0.95]
""",
    ],
}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "step": [
        ("uphill", 0.3, _step("-" + _HIDDEN, "-" + _READ_OUT)),
        ("two", 0.3, _step(e="2 * (o - y)")),
        ("half", 0.3, _step(e="(o - y) / 2")),
        ("no factor", 0.4, _step("e * v[k] * s[k] ** (m - 1) * x[l]")),
        ("no slope", 0.4, _step("e * v[k] * x[l]")),
        ("power", 0.4, _step("e * v[k] * m * s[k] ** m * x[l]")),
        ("no v", 0.4, _step("e * m * s[k] ** (m - 1) * x[l]")),
        ("hidden", 0.4, _step("e * v[k] * m * s[k] ** (m - 1) * x[0]")),
        ("no activation", 0.4, _step(read_out="e * s[k]")),
        ("read-out", 0.4, _step(read_out="e * s[k] ** m * v[k]")),
        ("no target", 0.3, _step(e="o")),
        ("no rate", 0.3, _STEP.replace("lr * HIDDEN", _HIDDEN).replace("lr * READ_OUT", _READ_OUT)),
        ("rounded", 0.5, _step().replace("lr *", "float(lr) *")),
        # the hidden weights first, and the sums anew
        ("in turn", 0.3, """
def step(w, v, x, y, lr):
    m = variant["power"]
    def s(k):
        return sum(a * b for a, b in zip(w[k], x))
    e = v[0] * s(0) ** m + v[1] * s(1) ** m - y
    w = [[a - lr * e * v[k] * m * s(k) ** (m - 1) * b for a, b in zip(w[k], x)] for k in range(2)]
    return w, [v[k] - lr * e * s(k) ** m for k in range(2)]
"""),
        ("gradient", 0.3, _STEP.replace("w[k][l] - lr * HIDDEN", _HIDDEN).replace(
             "v[k] - lr * READ_OUT", _READ_OUT
         )),
        ("order", 0.3, _step().replace("return new_w, new_v", "return new_v, new_w")),
        ("shape", 0.0, _step().replace("range(len(x))", "range(2)")),
        ("form", 0.0, _step().replace("return new_w, new_v", "w[:], v[:] = new_w, new_v")),
        ("unanswered", 0.0, "def step(w, v, x, y): return w, v"),
        ("step", 0.0, "def step(w, v, x, y, lr): return [[math.nan] * len(x)] * 2, [math.inf] * 2"),
    ],
    "symmetries": [
        ("no signs", 0.0, _symmetries("math.prod(map(f, hidden))")),
        ("signs", 0.0, _symmetries("math.prod(2**n * f(n) for n in hidden)")),
        ("one sign", 0.0, _symmetries("math.prod(map(f, hidden)) * signs")),
        ("no exchanges", 0.0, _symmetries("signs ** sum(hidden)")),
        ("no factorial", 0.0, _symmetries("math.prod(n * signs**n for n in hidden)")),
        ("sum", 0.0, _symmetries("sum(f(n) * signs**n for n in hidden)")),
        ("all layers", 0.0, _symmetries("math.prod(f(n) * signs**n for n in sizes)")),
        ("outputs", 0.0, _symmetries("math.prod(f(n) * signs**n for n in sizes[1:])")),
        ("inputs", 0.0, _symmetries("math.prod(f(n) * signs**n for n in sizes[:-1])")),
        ("together", 0.0, _symmetries("f(sum(hidden)) * signs ** sum(hidden)")),
        ("overflow", 0.7, _symmetries(
             "np.prod([f(n) * signs**n % 2**64 for n in hidden], dtype=np.uint64)"
             ".astype(np.int64)"
         )),
        ("number", 0.0, "symmetries = lambda sizes, odd: 14_929_920"),
        ("form", 0.0, "symmetries = lambda sizes, odd: 10**400"),
        ("unanswered", 0.0, "symmetries = lambda sizes, odd: '24'"),
    ],
    "tied": [
        ("not trained", 0.2, 'tied_run["end"] = tied_run["start"]'),
        ("not copied", 0.2, 'tied_run["start"] = tied_run["end"]'),
        ("start", 0.2, 'tied_run["start"] = weights(fresh())'),
        ("other constant", 0.2, 'tied_run["start"][1] *= 0'),
        ("untied", 0.4, 'tied_run["end"][0][20, 3] += 1e-3'),
        ("single", 0.8, 'tied_run["end"][0][20:30, 3:5] += 4e-8'),
        ("biases", 0.4, 'tied_run["biases"] = [np.zeros(variant["hidden"]), np.zeros(10)]'),
        ("all equal", 0.2, 'tied_run["end"][0][:] = tied_run["end"][0].mean()'),
        ("another run", 0.0, 'tied_run["seed"] = 5'),
        ("no log", 0.6, 'tied_run["log"] = [gap for _, gap in tied_run["log"]]'),
        ("few rows", 0.6, 'tied_run["log"] = tied_run["log"][-1:]'),
        ("not rising", 0.6, 'tied_run["log"] = tied_run["log"][::-1]'),
        ("pixels", 0.6, """
w = tied_run["end"][0]
tied_run["log"] = [(50 * k, k / 6 * np.abs(w - w[:1]).max()) for k in range(7)]
"""),
        ("log", 0.6, 'tied_run["log"][-1] = (300, tied_run["end"][0][20, 0])'),
        ("updates", 0.8, 'tied_run["log"] = [(10 * t, g) for t, g in tied_run["log"]]'),
        ("unanswered", 0.0, 'del tied_run["biases"]'),
        ("another run", 0.0, 'tied_run["end"][0][3] = 1e300; tied_run["end"][1] *= -1e200'),
    ],
    "untied": [
        ("no noise", 0.2, 'untied_run["start"] = tied_run["start"]'),
        ("std", 0.2, """
rng = np.random.default_rng(0)
c = variant["constant"]
untied_run["start"] = [rng.normal(c, 0.01 * c, w.shape) for w in untied_run["start"]]
"""),
        ("absolute", 0.2, """
rng = np.random.default_rng(0)
for w in untied_run["start"]:
    w += rng.uniform(-0.009, 0.009, w.shape)
"""),
        ("same noise", 0.2, """
c = variant["constant"]
noise = np.random.default_rng(0).uniform(-0.01, 0.01, (64, 1))
untied_run["start"][0] = np.broadcast_to(c * (1 + noise), (64, variant["hidden"]))
untied_run["start"][1] = np.full((variant["hidden"], 10), c)
"""),
        ("start", 0.2, 'untied_run["start"] = weights(fresh())'),
        ("not trained", 0.2, 'untied_run["end"] = untied_run["start"]'),
        ("not learned", 0.0, 'untied_run["end"][1] = untied_run["end"][1][:, ::-1]'),
        # a run that was too short
        ("not learned", 0.4, """
network = fresh()
for w, start in zip(network.w, untied_run["start"]):
    w.copy_(torch.tensor(start))
stream, untied_run["log"] = datasets.stream("digits", "train", 0), []
for t in range(5, 101, 5):
    train(network, {0: stream}, lr=0.1, updates=5)
    untied_run["log"].append((t, effective_rank(network.w[0][0])))
untied_run["end"] = weights(network)
untied_run["biases"] = [b[0].numpy() for b in network.b]
"""),
        # a network that began at random and learned at once
        ("another run", 0.0, """
network = fresh()
train(network, {0: datasets.stream("digits", "train", 0)}, lr=0.5, updates=300)
untied_run["end"] = weights(network)
untied_run["biases"] = [b[0].numpy() for b in network.b]
untied_run["log"][-1] = (6000, effective_rank(network.w[0][0]))
"""),
        ("not squared", 0.6, """
sigma = np.linalg.svd(untied_run["end"][0], compute_uv=False)
untied_run["log"][-1] = (6000, sigma.sum() / (sigma**2).sum())
"""),
        ("squared", 0.6, """
lam = np.linalg.eigvalsh(untied_run["end"][0].T @ untied_run["end"][0])
untied_run["log"][-1] = (6000, lam.sum() ** 2 / (lam**2).sum())
"""),
        ("stable rank", 0.6, """
w = untied_run["end"][0]
untied_run["log"][-1] = (6000, np.linalg.norm(w) ** 2 / np.linalg.norm(w, 2) ** 2)
"""),
        ("rank", 0.6,
         'untied_run["log"][-1] = (6000, np.linalg.matrix_rank(untied_run["end"][0]))'),
        ("read-out", 0.6,
         'untied_run["log"][-1] = (6000, effective_rank(torch.tensor(untied_run["end"][1])))'),
        ("gap", 0.6, 'untied_run["log"][-1] = (6000, gap(torch.tensor(untied_run["end"][0])))'),
        ("log", 0.6, 'untied_run["log"] = [(t, math.sqrt(r)) for t, r in untied_run["log"]]'),
        # Only the end is measured, the rest is a line.
        ("log", 0.6, """
t, r = zip(*untied_run["log"])
untied_run["log"] = [*zip(t, np.linspace(3 * r[-1], r[-1], len(r)))]
"""),
        ("another run", 0.0, 'untied_run["lr"] = 0.05'),
        ("updates", 0.2, 'untied_run["log"][-1] = (10**6, untied_run["log"][-1][1])'),
        ("unanswered", 0.0, 'untied_run["lr"] = 5'),
    ],
    "stays": [
        ("inverted", 0.0, "stays = {name: not value for name, value in stays.items()}"),
        ("all alike", 0.6, "stays = dict.fromkeys(stays, True)"),
        ("order", 0.8, 'stays["order"], runs["order"] = False, runs["biases"]'),
        ("rate", 0.8, 'stays["rate"], runs["rate"] = False, runs["biases"]'),
        ("biases", 0.8, 'stays["biases"], runs["biases"] = True, runs["order"]'),
        ("output biases", 0.8,
         'stays["output biases"], runs["output biases"] = False, runs["biases"]'),
        ("one weight", 0.8, 'stays["one weight"], runs["one weight"] = True, runs["order"]'),
        ("against the gap", 0.8, 'stays["order"] = False'),
        # Weights so small that nothing happens in twenty updates.
        ("gap", 0.8, """
small = np.full((64, 8), 1e-9), 1e-9 * np.arange(8), np.full((8, 10), 1e-9), np.zeros(10)
runs["biases"] = short_run(*small, np.arange(200).reshape(20, 10))
"""),
        ("not copied", 0.8, 'runs["order"]["end"] = runs["order"]["start"]'),
        ("another start", 0.8, 'runs["order"] = runs["rate"]'),
        ("another run", 0.8, 'runs["biases"]["end"][0] *= 1.001'),
        ("unanswered", 0.0, 'del runs["order"]'),
    ],
    "sparse": [
        ("dense", 0.0, "sparse_std = lambda n: 1 / math.sqrt(n)"),
        ("upside down", 0.0, "def sparse_std(n): return math.sqrt(variant['density'] / n)"),
        ("variance", 0.0, "def sparse_std(n): return 1 / (variant['density'] * n)"),
        ("not rooted", 0.0, "def sparse_std(n): return 1 / math.sqrt(n) / variant['density']"),
        ("bound", 0.0, "def sparse_std(n): return math.sqrt(3 / (variant['density'] * n))"),
        ("missing", 0.0, "def sparse_std(n): return 1 / math.sqrt((1 - variant['density']) * n)"),
        ("two", 0.0, "def sparse_std(n): return math.sqrt(2 / (variant['density'] * n))"),
        ("not inverted", 0.0, "def sparse_std(n): return math.sqrt(variant['density'] * n)"),
        ("whole", 0.5, "def sparse_std(n): return int(variant['density'] * n) ** -0.5"),
        ("constant", 0.0, "def sparse_std(n): return 0.05"),
        ("std", 0.0, "def sparse_std(n): return 1 / math.sqrt(variant['density'] + n)"),
        ("unanswered", 0.0, "def sparse_std(n): print(1 / math.sqrt(variant['density'] * n))"),
        ("form", 0.0, "def sparse_std(n): return 10**999"),
    ],
    "sweep": [
        ("few", 0.0, 'sweep["rows"] = sweep["rows"][::3]'),
        ("range", 0.2, 'sweep["rows"] = sweep["rows"][3:]'),
        ("columns", 0.2,
         'sweep["rows"] = [(c, g) for g, c in rows[:-3] + [(g, 2.5) for g, _ in rows[-3:]]]'),
        ("gains", 0.2, 'sweep["rows"] = [(math.log10(g), c) for g, c in rows]'),
        ("pairs", 0.0, 'sweep["rows"] = [c for _, c in rows]'),
        ("other costs", 0.2, 'sweep["rows"] = [(g, min(c, 1.0)) for g, c in rows]'),
        ("summed", 0.2, 'sweep["rows"] = [(g, 400 * c) for g, c in rows]'),
        ("error", 0.2, _cost("network.error(trace, test.labels)[0]")),
        ("accuracy", 0.2, _cost("100 * (1 - network.error(trace, test.labels)[0])")),
        ("training cost", 0.2, _cost("network.cost(network.forward(seen.images), seen.labels)[0]")),
        ("untrained", 0.2,
         _cost("network.cost(trace, test.labels)[0]", "[(g, run(g, 0)) for g, c in rows]")),
        ("linear", 0.5,
         'sweep["rows"] = [rows[0], *((g, 2.32) for g in np.linspace(0.02, 50, 11)[1:])]'),
        ("few", 0.2, 'sweep["rows"] = [(g, c) for g, c in rows if c > 1.15]'),
        ("no band", 0.5,
         _cost("network.cost(trace, test.labels)[0]",
               "[(0.34, run(0.34)), *((g, c) for g, c in rows if c > 1.15)]")),
        ("reversed", 0.7, 'sweep["band"] = band[::-1]'),
        ("logarithm", 0.7, 'sweep["band"] = tuple(math.log10(end) for end in band)'),
        ("costs", 0.5, """
learned = [c for _, c in rows if c < 1.15]
sweep["band"] = (min(learned), max(learned))
"""),
        ("upper end", 0.7, 'sweep["band"] = (band[0], 50)'),
        ("lower end", 0.7, 'sweep["band"] = (0.02, band[1])'),
        ("band", 0.5, 'sweep["band"] = (0.02, 50)'),
        ("form", 0.0, 'sweep["band"] = band[0]'),
        ("unanswered", 0.0, 'sweep["band"] = ("low", "high")'),
    ],
    "repaired": [
        ("seeded inside", 0.2, "def repaired(sizes, rng): return broken(sizes, 0)"),
        ("another source", 0.3, _repaired("np.random.normal(0, a**-0.5, (a, b))")),
        ("layers alike", 0.3,
         "def repaired(sizes, rng): return broken(sizes, rng.integers(2**32))"),
        ("a third", 0.5, _repaired("rng.uniform(-1, 1, (a, b)) / math.sqrt(a)")),
        ("uniform", 0.5, _repaired("rng.uniform(-1, 1, (a, b)) * math.sqrt(3 / a)")),
        ("fan-out", 0.5, _repaired("rng.normal(0, math.sqrt(1 / b), (a, b))")),
        ("both fans", 0.5, _repaired("rng.normal(0, math.sqrt(2 / (a + b)), (a, b))")),
        ("two", 0.5, _repaired("rng.normal(0, math.sqrt(2 / a), (a, b))")),
        ("not scaled", 0.5, _repaired("rng.standard_normal((a, b))")),
        ("unanswered", 0.0, "def repaired(sizes, rng): return broken(sizes, rng)[0] * math.nan"),
        ("units tied", 0.2, _repaired("np.full((a, b), rng.random()) * 1e300")),
    ],
    "copies": [
        ("from zero", 0.5, _copies(_ALIKE, "found.append((i, j))")),
        ("missed", 0.0, "def copies(weights): return []"),
        ("neighbours", 0.3, _copies("j == i + 1 and " + _ALIKE)),
        ("shapes", 0.3, _copies("weights[i].shape == weights[j].shape and " + _ALIKE)),
        ("scaled", 0.3, _copies("np.allclose(a, b)")),
        ("one only", 0.3, _copies(_ALIKE, "return [(i + 1, j + 1)]")),
        # Every layer has one partner.
        ("three alike", 0.3, _copies(f"all(j + 1 not in pair for pair in found) and {_ALIKE}")),
        ("other order", 0.3, _copies("np.ptp(np.sort(a) / np.sort(b)) < 1e-9")),
        ("first few", 0.3, _copies("np.ptp(a[:5] / b[:5]) < 1e-9")),
        ("itself", 0.3, _copies(_ALIKE, j="n")),
        ("twice", 0.5, _copies("i != j and " + _ALIKE, j="n")),
        ("too many", 0.0, _copies("True")),
        ("form", 0.0, "def copies(weights): return None"),
        ("unanswered", 0.0, "def copies(weights): return ['1-2']"),
    ],
}  # fmt: skip
