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


# What runs are trained with where a solution trains again.
_LOOP = """
def slope_and_value(s):
    if variant["activation"] == "tanh":
        return 1 - np.tanh(s) ** 2, np.tanh(s)
    return 1 / (1 + np.abs(s)) ** 2, s / (1 + np.abs(s))


def go(w, b, rows, lr):
    x, y = images[rows], np.eye(10)[labels[rows]]
    slope, h = slope_and_value(x @ w[0] + b[0])
    error = (softmax(h @ w[1] + b[1]) - y) / len(rows)
    back = (error @ w[1].T) * slope
    w[1] -= lr * h.T @ error
    b[1] -= lr * error.sum(0)
    w[0] -= lr * x.T @ back
    b[0] -= lr * back.sum(0)


def copied(arrays):
    return [a.copy() for a in arrays]
"""
_TRAIN_TIED = (
    _LOOP
    + """
w = [np.full((64, variant["hidden"]), CONSTANT), np.full((variant["hidden"], 10), CONSTANT)]
b = [np.zeros(variant["hidden"]), np.zeros(10)]
tied_run = {"start": copied(w), "log": []}
rng = np.random.default_rng(7)
for t in range(1, 301):
    go(w, b, rng.integers(0, 1000, 10), RATE)
    if t % 30 == 0:
        tied_run["log"].append([t, np.abs(w[0].T - w[0].T[0]).max()])
tied_run.update(end=copied(w), biases=copied(b))
"""
)

RIGHT: dict[str, list[str]] = {
    "step": [
        # loops, in place of copies
        """
def step(w, v, x, y, lr):
    m = variant["power"]
    w, v = [list(unit) for unit in w], list(v)
    sums = []
    output = 0
    for k in range(2):
        s = 0
        for l in range(len(x)):
            s += w[k][l] * x[l]
        sums.append(s)
        output += v[k] * s**m
    for k in range(2):
        for l in range(len(x)):
            w[k][l] -= lr * (output - y) * v[k] * m * sums[k] ** (m - 1) * x[l]
    for k in range(2):
        v[k] -= lr * (output - y) * sums[k] ** m
    return w, v
""",
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
        # dual numbers: the derivative comes by itself
        """
class Dual:
    def __init__(self, value, slope=0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)


def step(w, v, x, y, lr):
    def cost(w, v):
        o = Dual(-y)
        for unit, v_k in zip(w, v):
            s = Dual(0)
            for a, b in zip(unit, x):
                s = s + a * Dual(b)
            for _ in range(variant["power"]):
                v_k = v_k * s
            o = o + v_k
        return o * o

    def by(k, l):
        duals = [[Dual(a, int((i, j) == (k, l))) for j, a in enumerate(unit)]
                 for i, unit in enumerate(w)]
        return cost(duals, [Dual(a, int((i, None) == (k, l))) for i, a in enumerate(v)]).slope / 2

    return (
        [[w[k][l] - lr * by(k, l) for l in range(len(x))] for k in range(2)],
        tuple(v[k] - lr * by(k, None) for k in range(2)),
    )
""",
        # an object that is called
        """
class Step:
    def __init__(self, power):
        self.f = lambda s: s**power
        self.slope = lambda s: power * s ** (power - 1)

    def __call__(self, w, v, x, y, lr):
        s = [sum(map(lambda pair: pair[0] * pair[1], zip(unit, x))) for unit in w]
        e = v[0] * self.f(s[0]) + v[1] * self.f(s[1]) - y
        new_w = ()
        for unit, v_k, s_k in zip(w, v, s):
            delta = e * v_k * self.slope(s_k)
            new_w += (tuple(a - lr * delta * b for a, b in zip(unit, x)),)
        return [new_w, (v[0] - lr * e * self.f(s[0]), v[1] - lr * e * self.f(s[1]))]


step = Step(variant["power"])
""",
        # SymPy differentiates, and its own fractions come out
        """
import sympy


def step(w, v, x, y, lr):
    number = lambda a: sympy.Rational(a.numerator, a.denominator)
    W = [[sympy.Symbol(f"w{k}{l}") for l in range(len(x))] for k in range(2)]
    V = sympy.symbols("v0 v1")
    o = sum(V[k] * sum(a * number(b) for a, b in zip(W[k], x)) ** variant["power"] for k in (0, 1))
    cost = (o - number(y)) ** 2 / 2
    at = {W[k][l]: number(w[k][l]) for k in (0, 1) for l in range(len(x))}
    at.update({V[k]: number(v[k]) for k in (0, 1)})
    new = {z: at[z] - number(lr) * sympy.diff(cost, z).subs(at) for z in at}
    return [[new[z] for z in unit] for unit in W], [new[z] for z in V]
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
    number = 1
    for n in sizes[1:-1]:
        for k in range(1, n + 1):
            number *= 2 * k if odd else k
    return number
""",
        """
def symmetries(sizes, odd):
    if len(sizes) == 2:
        return 1
    n = sizes[1]
    if n == 0:
        return symmetries([sizes[0], *sizes[2:]], odd)
    return n * (1 + bool(odd)) * symmetries([sizes[0], n - 1, *sizes[2:]], odd)
""",
        """
from scipy.special import factorial

def symmetries(sizes, odd):
    hidden = np.array(sizes[1:-1])
    return np.prod(factorial(hidden)) * (2.0 ** hidden.sum() if odd else 1.0)
""",
        """
import sympy

symmetries = lambda sizes, odd: sympy.prod(
    sympy.factorial(n) * sympy.Integer(2) ** (n * odd) for n in sizes[1:-1]
)
""",
        """
import functools, operator

class Symmetries:
    def __call__(self, sizes, odd):
        orders = [math.perm(n) << (n if odd else 0) for n in sizes[1:-1]]
        return functools.reduce(operator.mul, orders, 1)

symmetries = Symmetries()
""",
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
        "tied_run = {k: [np.asarray(a).tolist() for a in v] for k, v in tied_run.items()}",
        """
tied_run = {k: tuple(torch.tensor(a) for a in v) for k, v in tied_run.items()}
""",
        """
import pandas as pd
tied_run["log"] = pd.DataFrame(tied_run["log"], columns=["update", "gap"])
""",
        """
for name in ("start", "end", "biases"):
    tied_run[name] = [a.astype(np.float32) for a in tied_run[name]]
tied_run["log"] = np.array(tied_run["log"])
tied_run["units"] = 1
""",
        # Gaps that were not made floats, nor numbers of updates integers.
        """
tied_run["log"] = [(torch.tensor(t), torch.tensor(g)) for t, g in tied_run["log"]]
""",
        _TRAIN_TIED.replace("CONSTANT", 'variant["constant"]').replace("RATE", "0.1"),
        # torch's own layers, and its gradients
        """
activation = {"tanh": torch.nn.Tanh, "softsign": torch.nn.Softsign}[variant["activation"]]
sizes = [64, variant["hidden"], 10]
first, last = torch.nn.Linear(64, sizes[1]).double(), torch.nn.Linear(sizes[1], 10).double()
model = torch.nn.Sequential(first, activation(), last)
with torch.no_grad():
    for layer in (first, last):
        layer.weight.fill_(variant["constant"])
        layer.bias.zero_()


def arrays():
    return [layer.weight.detach().numpy().T.copy() for layer in (first, last)]


optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = datasets.load("digits", "train")
tied_run = {"start": arrays(), "log": {}}
for i in range(300):
    if i % 75 == 0:
        tied_run["log"][i] = np.ptp(arrays()[0], axis=1).max()
    rows = torch.arange(10 * i, 10 * i + 10) % 1000
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(data.images[rows].double()), data.labels[rows])
    loss.backward()
    optimizer.step()
tied_run["log"][300] = np.ptp(arrays()[0], axis=1).max()
tied_run["end"] = arrays()
tied_run["biases"] = [layer.bias.detach() for layer in (first, last)]
""",
    ],
    "untied": [
        "untied_run = {k: [np.asarray(a).tolist() for a in v] for k, v in untied_run.items()}",
        """
import pandas as pd
for name in ("start", "end", "biases"):
    untied_run[name] = tuple(torch.tensor(a, dtype=torch.float32) for a in untied_run[name])
untied_run["log"] = pd.DataFrame(untied_run["log"], columns=["update", "effective rank"])
""",
        # The rank from the eigenvalues of the Gram matrix, and a few more rows.
        """
def rank(w):
    sigma = np.sqrt(np.clip(np.linalg.eigvalsh(w.T @ w), 0, None))
    return sigma.sum() ** 2 / np.trace(w.T @ w)


untied_run["log"] = np.array([*untied_run["log"][:-1], (6000, rank(untied_run["end"][0]))])
""",
        # One percent to the very end, and a loop of its own with larger steps.
        _LOOP
        + """
rng = np.random.default_rng(3)
c = variant["constant"]
shapes = [(64, variant["hidden"]), (variant["hidden"], 10)]
w = [c + 0.01 * c * rng.choice([-1.0, 1.0], shape) for shape in shapes]
b = [np.zeros(shape[1]) for shape in shapes]
untied_run = {"start": copied(w), "log": []}
for t in range(1, 1501):
    go(w, b, rng.integers(0, 1000, 100), 1.0)
    if t % 100 == 0:
        sigma = np.linalg.svd(w[0])[1]
        untied_run["log"].append((t, np.linalg.norm(sigma, 1) ** 2 / np.linalg.norm(sigma) ** 2))
untied_run.update(end=copied(w), biases=copied(b))
""",
    ],
    "stays": [
        """
stays = {name: np.bool_(value) for name, value in stays.items()}
gaps = {name: np.float32(value) for name, value in gaps.items()}
""",
        """
stays = {name: int(value) for name, value in reversed(stays.items())}
gaps = {name: torch.tensor(value) for name, value in gaps.items()}
""",
        # By thought, with another measurement and all the starts there are.
        """
stays = dict.fromkeys(["biases", "read-out", "dropout", "one weight"], False)
stays |= dict.fromkeys(["order", "output biases", "one pixel", "rate"], True)
gaps = {name: measured(name, units=5, updates=100) for name in stays}
""",
        """
import pandas as pd
table = pd.DataFrame({"gap": pd.Series(gaps)})
table["stays"] = table["gap"] < 1e-9
gaps, stays = table["gap"].to_dict(), table["stays"].to_dict()
""",
    ],
    "sparse": [
        "sparse_std = lambda n: (variant['density'] * n) ** -0.5",
        """
def sparse_std(n):
    return torch.rsqrt(torch.tensor(float(n)) * variant["density"])
""",
        """
import sympy

def sparse_std(n):
    return 1 / sympy.sqrt(sympy.Rational(str(variant["density"])) * n)
""",
        """
from scipy.optimize import brentq

def sparse_std(n):
    return brentq(lambda std: n * variant["density"] * std**2 - 1, 0, 100)
""",
        """
class Sparse:
    def __init__(self, density):
        self.kept = density

    def __call__(self, n):
        expected_square = sum(self.kept for _ in range(n))
        return np.array([1.0]) / np.sqrt(expected_square)

sparse_std = Sparse(variant["density"])
""",
        """
from decimal import Decimal

def sparse_std(n):
    return float(1 / (Decimal(str(variant["density"])) * n).sqrt())
""",
    ],
    "sweep": [
        'sweep = {"rows": np.array(rows, dtype=np.float32)[::-1], "band": np.array(band)}',
        """
import pandas as pd
sweep = {"rows": pd.DataFrame(rows, columns=["gain", "cost"]), "band": list(band)}
""",
        # As few rows as are asked for, gains and ends of the band rounded.
        """
few = [(round(gain, 2), cost) for gain, cost in rows[:-1:2] + rows[-1:]]
inside = [gain for gain, cost in few if cost < math.log(10) / 2]
low = max(gain for gain, _ in few if gain < min(inside))
sweep = {"rows": few, "band": (low, max(inside))}
""",
        """
sweep = {"rows": {g: torch.tensor(c) for g, c in rows}, "band": torch.tensor(band)}
""",
        # Equal steps of the decimal logarithm: the ends are not exactly 0.02 and 50.
        """
gains = 10 ** np.linspace(np.log10(0.02), np.log10(50), 18)
sweep = {"rows": [[g, c] for g, (_, c) in zip(gains, rows)], "band": band}
""",
        # Of costs that are not numbers the band knows that they are outside.
        """
sweep = {"rows": [*rows, (1e4, math.nan), (1e5, math.inf)], "band": band}
""",
        # A row inside again above the band: either end is one.
        """
above = max(gain for gain, cost in rows if cost < 1.15) * 1.2
sweep = {"rows": [*rows, (above, 1.3), (above * 1.05, 1.1)], "band": (band[0], above * 0.95)}
""",
    ],
    "repaired": [
        """
def repaired(sizes, rng):
    weights = []
    for i in range(len(sizes) - 1):
        w = np.empty((sizes[i], sizes[i + 1]))
        for k in range(sizes[i]):
            for l in range(sizes[i + 1]):
                w[k, l] = rng.normal() / sizes[i] ** 0.5
        weights.append(w)
    return weights
""",
        """
def repaired(sizes, rng):
    return [
        rng.standard_normal((b, a), dtype=np.float32).T * np.float32(a**-0.5)
        for a, b in zip(sizes, sizes[1:])
    ]
""",
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
        # A seed for every layer, and torch.
        """
def repaired(sizes, rng):
    weights = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        weights.append(torch.randn(n_in, n_out, generator=generator) / math.sqrt(n_in))
    return weights
""",
        """
from scipy import stats

def repaired(sizes, rng):
    if len(sizes) < 2:
        return []
    n_in, n_out = sizes[:2]
    w = stats.norm(scale=n_in**-0.5).rvs((n_in, n_out), random_state=rng)
    return [w.tolist()] + repaired(sizes[1:], rng)
""",
        # Box and Muller
        """
def repaired(sizes, rng):
    def normal(shape):
        radius = np.sqrt(-2 * np.log(1 - rng.random(shape)))
        return radius * np.cos(2 * np.pi * rng.random(shape))

    return [normal(shape) / shape[0] ** 0.5 for shape in zip(sizes[:-1], sizes[1:])]
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
        # The cosine between them, without an array for a loop.
        """
def copies(weights):
    flat = [w.reshape(-1).tolist() for w in weights]
    pairs = []
    for i in range(len(flat)):
        for j in range(i + 1, len(flat)):
            ab = aa = bb = 0.0
            for a, b in zip(flat[i], flat[j]):
                ab += a * b
                aa += a * a
                bb += b * b
            if ab * ab > 0.98 * aa * bb:
                pairs.append([i + 1, j + 1])
    return pairs
""",
        """
import pandas as pd

def copies(weights):
    table = pd.DataFrame({i: pd.Series(w.ravel()) for i, w in enumerate(weights, start=1)})
    r = table.corr()
    return [(i, j) for i in r for j in r if i < j and r.loc[i, j] > 0.95]
""",
        """
def copies(weights):
    flat = [torch.from_numpy(w).flatten() for w in weights]
    n = len(flat)
    same = torch.zeros(n, n)
    for i in range(n):
        for j in range(i + 1, n):
            k = min(len(flat[i]), len(flat[j]))
            a, b = flat[i][:k], flat[j][:k]
            same[i, j] = torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.99
    return same.nonzero() + 1
""",
        # In place, by rank correlation.
        """
from scipy import stats

def copies(weights):
    for w in weights:
        w /= w.std()
    for i, a in enumerate(weights):
        a -= a.mean()
    def alike(i, j):
        k = min(weights[i].size, weights[j].size)
        return stats.spearmanr(weights[i].flat[:k], weights[j].flat[:k]).statistic > 0.9
    n = len(weights)
    return tuple((i + 1, j + 1) for i in range(n) for j in range(i + 1, n) if alike(i, j))
""",
    ],
}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "step": [
        ("uphill", 0.3, _step("-" + _HIDDEN, "-" + _READ_OUT)),
        ("uphill", 0.3, _step(e="y - o")),
        ("uphill", 0.4, _step("-" + _HIDDEN)),
        ("uphill", 0.4, _step(read_out="-" + _READ_OUT)),
        ("two", 0.3, _step(e="2 * (o - y)")),
        ("half", 0.3, _step(e="(o - y) / 2")),
        ("no factor", 0.4, _step("e * v[k] * s[k] ** (m - 1) * x[l]")),
        ("no slope", 0.4, _step("e * v[k] * x[l]")),
        ("power", 0.4, _step("e * v[k] * m * s[k] ** m * x[l]")),
        ("power", 0.4, _step("e * v[k] * s[k] ** m * x[l]")),
        ("no v", 0.4, _step("e * m * s[k] ** (m - 1) * x[l]")),
        ("no x", 0.4, _step("e * v[k] * m * s[k] ** (m - 1)")),
        ("other unit", 0.4, _step("e * v[1 - k] * m * s[k] ** (m - 1) * x[l]")),
        ("hidden", 0.4, _step("e * v[k] * m * s[k] ** (m - 1) * x[0]")),
        ("unchanged", 0.4, _step("0")),
        ("unchanged", 0.4, _step(read_out="0")),
        ("no activation", 0.4, _step(read_out="e * s[k]")),
        ("no activation", 0.4, _step(read_out="e")),
        ("no activation", 0.4, _step(read_out="e * m * s[k] ** (m - 1)")),
        ("read-out", 0.4, _step(read_out="e * s[k] ** m * v[k]")),
        ("no target", 0.3, _step(e="o")),
        ("no error", 0.2, _step(e="1")),
        ("sum", 0.3, _step(e="o + y")),
        ("sign of error", 0.2, _step(e="1 if o > y else -1")),
        ("no rate", 0.3, _STEP.replace("lr * HIDDEN", _HIDDEN).replace("lr * READ_OUT", _READ_OUT)),
        ("other power", 0.2, _step().replace('variant["power"]', '5 - variant["power"]')),
        ("other power", 0.2, _step().replace('variant["power"]', "1")),
        ("rounded", 0.5, _step().replace("lr *", "float(lr) *")),
        (
            "rounded",
            0.5,
            """
def step(w, v, x, y, lr):
    m = variant["power"]
    w, v, x = (np.array(a, dtype=float) for a in (w, v, x))
    s = w @ x
    e = v @ s**m - float(y)
    new_w = w - float(lr) * e * m * np.outer(v * s ** (m - 1), x)
    return new_w, v - float(lr) * e * s**m
""",
        ),
        (
            "rounded",
            0.5,
            """
def step(w, v, x, y, lr):
    tensor = lambda a: torch.tensor(np.array(a, dtype=float), requires_grad=True)
    W, V, X = tensor(w), tensor(v), tensor(x)
    cost = (V @ (W @ X) ** variant["power"] - float(y)) ** 2 / 2
    cost.backward()
    return W.detach() - float(lr) * W.grad, V.detach() - float(lr) * V.grad
""",
        ),
        (  # v is changed in place before the hidden weights are
            "in turn",
            0.3,
            """
def step(w, v, x, y, lr):
    m = variant["power"]
    s = [sum(a * b for a, b in zip(unit, x)) for unit in w]
    e = v[0] * s[0] ** m + v[1] * s[1] ** m - y
    for k in range(2):
        v[k] -= lr * e * s[k] ** m
    for k in range(2):
        for l in range(len(x)):
            w[k][l] -= lr * e * v[k] * m * s[k] ** (m - 1) * x[l]
    return w, v
""",
        ),
        (  # the hidden weights first, and the sums anew
            "in turn",
            0.3,
            """
def step(w, v, x, y, lr):
    m = variant["power"]
    def s(k):
        return sum(a * b for a, b in zip(w[k], x))
    e = v[0] * s(0) ** m + v[1] * s(1) ** m - y
    w = [[a - lr * e * v[k] * m * s(k) ** (m - 1) * b for a, b in zip(w[k], x)] for k in range(2)]
    return w, [v[k] - lr * e * s(k) ** m for k in range(2)]
""",
        ),
        (
            "one by one",
            0.2,
            """
def step(w, v, x, y, lr):
    m = variant["power"]
    new_w, new_v = [], []
    for unit, v_k in zip(w, v):
        s = sum(a * b for a, b in zip(unit, x))
        e = v_k * s**m - y
        new_w.append([a - lr * e * v_k * m * s ** (m - 1) * b for a, b in zip(unit, x)])
        new_v.append(v_k - lr * e * s**m)
    return new_w, new_v
""",
        ),
        (
            "gradient",
            0.3,
            _STEP.replace("w[k][l] - lr * HIDDEN", _HIDDEN).replace(
                "v[k] - lr * READ_OUT", _READ_OUT
            ),
        ),
        (
            "change",
            0.4,
            _STEP.replace("w[k][l] - lr * HIDDEN", "-lr * " + _HIDDEN).replace(
                "v[k] - lr * READ_OUT", "-lr * " + _READ_OUT
            ),
        ),
        (
            "unchanged",
            0.0,
            """
import copy

def step(w, v, x, y, lr):
    m, new_w, new_v = variant["power"], copy.deepcopy(w), copy.deepcopy(v)
    s = [sum(a * b for a, b in zip(unit, x)) for unit in w]
    e = sum(a * b**m for a, b in zip(v, s)) - y
    for k in range(2):
        new_v[k] -= lr * e * s[k] ** m
        new_w[k] = [a - lr * e * v[k] * m * s[k] ** (m - 1) * b for a, b in zip(w[k], x)]
    return w, v
""",
        ),
        ("order", 0.3, _step().replace("return new_w, new_v", "return new_v, new_w")),
        ("shape", 0.0, _step().replace("range(len(x))", "range(2)")),
        ("shape", 0.0, _step().replace("return new_w,", "return list(zip(*new_w)),")),
        ("shape", 0.0, _step().replace("return new_w, new_v", "return new_w")),
        ("form", 0.0, _step().replace("return new_w, new_v", "w[:], v[:] = new_w, new_v")),
        ("form", 0.0, "step = lambda w, v, x, y, lr: {'w': w, 'v': v, 'x': x}"),
        ("unanswered", 0.0, "def step(w, v, x, y): return w, v"),
        ("unanswered", 0.0, "def step(w, v, x, y, lr): return [['a'] * len(x)] * 2, ['b'] * 2"),
        ("unanswered", 0.0, "def step(w, v, x, y, lr): return [[1j] * len(x)] * 2, v"),
        ("unanswered", 0.0, "step = 3"),
        ("step", 0.0, "def step(w, v, x, y, lr): return [[math.nan] * len(x)] * 2, [math.inf] * 2"),
        ("step", 0.0, "def step(w, v, x, y, lr): return [[0] * len(x)] * 2, [0, 0]"),
        ("form", 0.0, "def step(w, v, x, y, lr): return [[10**999] * len(x)] * 2, [0, 0]"),
    ],
    "symmetries": [
        (
            "no signs",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.factorial(n) for n in sizes[1:-1])
""",
        ),
        (
            "signs",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(2**n * math.factorial(n) for n in sizes[1:-1])
""",
        ),
        (
            "signs",
            0.0,
            """
def symmetries(sizes, odd):  # odd the wrong way round
    orders = math.prod(math.factorial(n) for n in sizes[1:-1])
    return orders if odd else orders * 2 ** sum(sizes[1:-1])
""",
        ),
        (
            "one sign",
            0.0,
            """
def symmetries(sizes, odd):
    hidden = sizes[1:-1]
    return math.prod(map(math.factorial, hidden)) * (2 ** len(hidden) if odd else 1)
""",
        ),
        (
            "one sign",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(map(math.factorial, sizes[1:-1])) * (1 + odd)
""",
        ),
        (
            "two times",
            0.0,
            """
def symmetries(sizes, odd):
    number = 1
    for n in sizes[1:-1]:
        number *= math.factorial(n)
        if odd:
            number *= 2 * n
    return number
""",
        ),
        (
            "no exchanges",
            0.0,
            """
def symmetries(sizes, odd):
    return 2 ** sum(sizes[1:-1]) if odd else 1
""",
        ),
        (
            "no factorial",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(n * (2**n if odd else 1) for n in sizes[1:-1])
""",
        ),
        (
            "no factorial",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod((2 * n if odd else n) ** n for n in sizes[1:-1])
""",
        ),
        (
            "sum",
            0.0,
            """
def symmetries(sizes, odd):
    return sum(math.factorial(n) * (2**n if odd else 1) for n in sizes[1:-1])
""",
        ),
        (
            "sum",
            0.0,
            """
def symmetries(sizes, odd):
    number = math.prod(math.factorial(n) for n in sizes[1:-1])
    if odd:
        number += 2 ** sum(sizes[1:-1])
    return number
""",
        ),
        (
            "all layers",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.factorial(n) * (2**n if odd else 1) for n in sizes)
""",
        ),
        (
            "outputs",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.factorial(n) * (2**n if odd else 1) for n in sizes[1:])
""",
        ),
        (
            "inputs",
            0.0,
            """
def symmetries(sizes, odd):
    orders = math.prod(math.factorial(n) for n in sizes[:-1])
    return orders * 2 ** sum(sizes[1:-1]) if odd else orders
""",
        ),
        (
            "together",
            0.0,
            """
def symmetries(sizes, odd):
    n = sum(sizes[1:-1])
    return math.factorial(n) * (2**n if odd else 1)
""",
        ),
        (
            "pairs",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.comb(n, 2) * (2**n if odd else 1) for n in sizes[1:-1])
""",
        ),
        (
            "itself",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.factorial(n) * (2**n if odd else 1) for n in sizes[1:-1]) - 1
""",
        ),
        (
            "one layer",
            0.0,
            """
def symmetries(sizes, odd):
    n = sizes[1]
    return math.factorial(n) * (2**n if odd else 1)
""",
        ),
        (
            "overflow",
            0.7,
            """
def symmetries(sizes, odd):
    number = np.int64(1)
    with np.errstate(over="ignore"):
        for n in sizes[1:-1]:
            number *= np.prod(np.arange(1, n + 1)) * 2 ** (n if odd else 0)
    return number
""",
        ),
        (
            "number",
            0.0,
            """
def symmetries(sizes, odd):
    return math.prod(math.factorial(n - 1) * (2**n if odd else 1) for n in sizes[1:-1])
""",
        ),
        (
            "number",
            0.0,
            """
def symmetries(sizes, odd):
    return sum(math.lgamma(n + 1) + odd * n * math.log(2) for n in sizes[1:-1])
""",
        ),
        ("number", 0.0, "symmetries = lambda sizes, odd: 14_929_920"),
        ("number", 0.0, "symmetries = lambda sizes, odd: math.nan"),
        ("number", 0.0, "symmetries = lambda sizes, odd: -math.inf"),
        ("number", 0.0, "symmetries = lambda sizes, odd: -24"),
        ("form", 0.0, "symmetries = lambda sizes, odd: 10**400"),
        ("unanswered", 0.0, "symmetries = lambda sizes, odd: '24'"),
        ("unanswered", 0.0, "symmetries = lambda sizes, odd: [24] * 1_000_000"),
        ("unanswered", 0.0, "symmetries = lambda sizes, odd: True"),
        (
            "unanswered",
            0.0,
            """
def symmetries(sizes, odd):
    orders = math.prod(math.factorial(n) for n in sizes[1:-1])
    if odd:
        return orders * 2 ** sum(sizes[1:-1])
""",
        ),
        (
            "unanswered",
            0.0,
            """
def symmetries(sizes, odd):  # forgets where to stop
    return sizes[1] * symmetries([sizes[0], sizes[1] - 1, *sizes[2:]], odd)
""",
        ),
    ],
    "tied": [
        ("not trained", 0.2, 'tied_run["end"] = tied_run["start"]'),
        ("not copied", 0.2, 'tied_run["start"] = tied_run["end"]'),
        (
            "not copied",
            0.2,
            """
network = fresh()
for w in network.w:
    w.fill_(variant["constant"])
tied_run["start"] = [w[0].numpy() for w in network.w]
train(network, {0: datasets.stream("digits", "train", 0)}, lr=0.1, updates=300)
tied_run["end"] = [w[0].numpy() for w in network.w]
""",
        ),
        ("start", 0.2, 'tied_run["start"] = weights(fresh())'),
        ("start", 0.2, 'tied_run["start"][1] = weights(fresh())[1]'),
        (
            "other constant",
            0.2,
            'tied_run["start"] = [np.full_like(w, 0.5) for w in tied_run["start"]]',
        ),
        ("other constant", 0.2, 'tied_run["start"][1] *= 0'),
        ("untied", 0.4, 'tied_run["end"][0][20, 3] += 1e-3'),
        ("untied", 0.4, 'tied_run["end"][1][2] += 1e-4'),
        ("untied", 0.4, 'tied_run["biases"][0] += np.linspace(0, 0.1, variant["hidden"])'),
        (
            "untied",
            0.4,
            'tied_run["end"] = untied_run["end"]; tied_run["biases"] = untied_run["biases"]',
        ),
        ("single", 0.8, 'tied_run["end"][0][20:30, 3:5] += 4e-8'),
        ("biases", 0.4, 'tied_run["biases"] = [np.zeros(variant["hidden"]), np.zeros(10)]'),
        ("all equal", 0.2, 'tied_run["end"][0][:] = tied_run["end"][0].mean()'),
        ("other start", 0.2, 'tied_run["end"][0] += variant["constant"]'),
        (
            "uphill",
            0.3,
            _TRAIN_TIED.replace("CONSTANT", 'variant["constant"]').replace("RATE", "-0.1"),
        ),
        ("no log", 0.6, 'tied_run["log"] = [gap for _, gap in tied_run["log"]]'),
        ("no log", 0.6, 'tied_run["log"] = [(0, math.nan)] * 7'),
        ("no log", 0.6, 'tied_run["log"] = []'),
        ("few rows", 0.6, 'tied_run["log"] = tied_run["log"][-1:]'),
        ("not rising", 0.6, 'tied_run["log"] = tied_run["log"][::-1]'),
        ("not rising", 0.6, 'tied_run["log"] = [(g, t) for t, g in tied_run["log"]]'),
        (
            "pixels",
            0.6,
            """
w = tied_run["end"][0]
tied_run["log"] = [(50 * k, k / 6 * np.abs(w - w[:1]).max()) for k in range(7)]
""",
        ),
        ("log", 0.6, 'tied_run["log"][-1] = (300, tied_run["end"][0][20, 0])'),
        ("log", 0.6, 'tied_run["log"][2] = (100, 0.3)'),
        ("log", 0.6, 'tied_run["log"][2] = (100, -1e-3)'),
        ("updates", 0.8, 'tied_run["log"] = [(10 * t, g) for t, g in tied_run["log"]]'),
        ("unanswered", 0.0, 'del tied_run["biases"]'),
        ("unanswered", 0.0, "tied_run = tied_run['end']"),
        ("unanswered", 0.0, "tied_run = None"),
        ("unanswered", 0.0, 'tied_run["end"] = [w[None] for w in tied_run["end"]]'),
        ("unanswered", 0.0, 'tied_run["end"] = [w.T for w in tied_run["end"]]'),
        ("unanswered", 0.0, 'tied_run["end"][0][:] = np.nan'),
        ("unanswered", 0.0, 'tied_run["end"] = network'),
        ("unanswered", 0.0, 'tied_run["biases"] = "zero"'),
        ("no log", 0.6, 'tied_run["log"] = "0 at every update"'),
        ("no log", 0.6, 'tied_run["log"] = [(0, 0), (1, 2, 3)] * 4'),
        ("no log", 0.6, 'tied_run["log"] = None'),
        ("untied", 0.4, 'tied_run["end"][0][3] = -1e300; tied_run["end"][0][3, 2] = 1e300'),
        ("uphill", 0.3, 'tied_run["end"][0][3] = 1e300; tied_run["end"][1] *= -1e200'),
    ],
    "untied": [
        ("no noise", 0.2, 'untied_run["start"] = tied_run["start"]'),
        (
            "std",
            0.2,
            """
rng = np.random.default_rng(0)
c = variant["constant"]
untied_run["start"] = [rng.normal(c, 0.01 * c, w.shape) for w in untied_run["start"]]
""",
        ),
        (
            "absolute",
            0.2,
            """
rng = np.random.default_rng(0)
for w in untied_run["start"]:
    w += rng.uniform(-0.009, 0.009, w.shape)
""",
        ),
        (
            "same noise",
            0.2,
            """
c = variant["constant"]
noise = np.random.default_rng(0).uniform(-0.01, 0.01, (64, 1))
untied_run["start"][0] = np.broadcast_to(c * (1 + noise), (64, variant["hidden"]))
untied_run["start"][1] = np.full((variant["hidden"], 10), c)
""",
        ),
        ("start", 0.2, 'untied_run["start"] = weights(fresh())'),
        ("start", 0.2, 'untied_run["start"] = [2 * w for w in untied_run["start"]]'),
        (
            "start",
            0.2,
            'untied_run["start"][1] = np.linspace(-1, 1, 10 * variant["hidden"]).reshape(-1, 10)',
        ),
        ("not copied", 0.2, 'untied_run["start"] = untied_run["end"]'),
        ("not trained", 0.2, 'untied_run["end"] = untied_run["start"]'),
        ("biases", 0.4, 'untied_run["biases"] = [np.zeros(variant["hidden"]), np.zeros(10)]'),
        (
            "not learned",
            0.4,
            'untied_run["end"] = tied_run["end"]; untied_run["biases"] = tied_run["biases"]',
        ),
        ("not learned", 0.4, 'untied_run["end"][1] = untied_run["end"][1][:, ::-1]'),
        ("not learned", 0.4, 'untied_run["end"][1] *= -1e300'),
        (  # a network that began at random and learned at once
            "other start",
            0.2,
            """
network = fresh()
train(network, {0: datasets.stream("digits", "train", 0)}, lr=0.5, updates=300)
untied_run["end"] = weights(network)
untied_run["biases"] = [b[0].numpy() for b in network.b]
untied_run["log"][-1] = (6000, effective_rank(network.w[0][0]))
""",
        ),
        (
            "not squared",
            0.6,
            """
sigma = np.linalg.svd(untied_run["end"][0], compute_uv=False)
untied_run["log"][-1] = (6000, sigma.sum() / (sigma**2).sum())
""",
        ),
        (
            "squared",
            0.6,
            """
lam = np.linalg.eigvalsh(untied_run["end"][0].T @ untied_run["end"][0])
untied_run["log"][-1] = (6000, lam.sum() ** 2 / (lam**2).sum())
""",
        ),
        (
            "stable rank",
            0.6,
            """
w = untied_run["end"][0]
untied_run["log"][-1] = (6000, np.linalg.norm(w) ** 2 / np.linalg.norm(w, 2) ** 2)
""",
        ),
        (
            "entropy",
            0.6,
            """
from scipy import stats
sigma = np.linalg.svd(untied_run["end"][0], compute_uv=False)
untied_run["log"][-1] = (6000, np.exp(stats.entropy(sigma)))
""",
        ),
        (
            "rank",
            0.6,
            'untied_run["log"][-1] = (6000, np.linalg.matrix_rank(untied_run["end"][0]))',
        ),
        ("upside down", 0.6, 'untied_run["log"][-1] = (6000, 1 / untied_run["log"][-1][1])'),
        (
            "start",
            0.6,
            'untied_run["log"] = [(t, untied_run["log"][0][1]) for t, _ in untied_run["log"]]',
        ),
        (
            "read-out",
            0.6,
            'untied_run["log"][-1] = (6000, effective_rank(torch.tensor(untied_run["end"][1])))',
        ),
        ("gap", 0.6, 'untied_run["log"][-1] = (6000, gap(torch.tensor(untied_run["end"][0])))'),
        ("log", 0.6, 'untied_run["log"] = [(t, math.sqrt(r)) for t, r in untied_run["log"]]'),
        ("few rows", 0.6, 'untied_run["log"] = untied_run["log"][-4:]'),
        ("not rising", 0.6, 'untied_run["log"] = [(500, r) for _, r in untied_run["log"]]'),
        ("no log", 0.6, 'untied_run["log"] = [r for _, r in untied_run["log"]]'),
        ("no log", 0.6, 'untied_run["log"] = [(t, r, 0.0) for t, r in untied_run["log"]]'),
        ("no log", 0.6, 'untied_run["log"] = [(t, f"rank {r}") for t, r in untied_run["log"]]'),
        ("unanswered", 0.0, 'untied_run.pop("end")'),
        ("unanswered", 0.0, 'untied_run["start"] = untied_run["start"][0]'),
        ("unanswered", 0.0, "del untied_run"),
        ("unanswered", 0.0, "untied_run = [untied_run]"),
    ],
    "stays": [
        ("inverted", 0.0, "stays = {name: not value for name, value in stays.items()}"),
        ("inverted", 0.0, "stays = {name: value > 1e-6 for name, value in gaps.items()}"),
        ("all alike", 0.6, "stays = dict.fromkeys(stays, True)"),
        ("all alike", 0.4, "stays = dict.fromkeys(stays, False)"),
        ("order", 0.8, 'stays["order"], gaps["order"] = False, 0.02'),
        ("rate", 0.8, 'stays["rate"], gaps["rate"] = False, 0.2'),
        ("biases", 0.8, 'stays["biases"], gaps["biases"] = True, 0.0'),
        ("output biases", 0.8, 'stays["output biases"], gaps["output biases"] = False, 1.0'),
        (  # the weight that is larger is that of a pixel which is always black
            "one weight",
            0.8,
            'stays["one weight"], gaps["one weight"] = True, 1e-17',
        ),
        (
            "one weight",
            0.6,
            'for n in ("one weight", "rate"): stays[n], gaps[n] = not stays[n], float(stays[n])',
        ),
        ("against the gap", 0.8, 'stays["order"] = False'),
        ("against the gap", 0.8, 'stays["one weight"] = True'),
        ("gap", 0.9, 'gaps["order"] = 3e-5  # single precision'),
        ("gap", 0.9, 'gaps["biases"] = 1e-9'),
        (
            "gap",
            0.8,
            'gaps = {n: 2e-6 if stays[n] and n != "order" else gaps[n] for n in gaps}',
        ),
        ("no gaps", 0.8, "gaps = dict.fromkeys(gaps, 0.0)"),
        ("negative", 0.9, 'gaps["biases"] = -gaps["biases"]'),
        ("negative", 0.5, "gaps = {n: math.log10(max(g, 1e-17)) for n, g in gaps.items()}"),
        ("not finite", 0.9, 'gaps["biases"] = math.inf'),
        ("not finite", 0.9, 'gaps["rate"] = math.nan'),
        ("unanswered", 0.0, 'del gaps["order"]'),
        ("unanswered", 0.0, "stays = [name for name in stays if stays[name]]"),
        ("unanswered", 0.0, "stays = list(stays.values())"),
        ("unanswered", 0.0, "stays = {name: str(value) for name, value in stays.items()}"),
        ("unanswered", 0.0, "stays = dict.fromkeys(stays)"),
        ("unanswered", 0.0, "gaps = {name: value < 1e-6 for name, value in gaps.items()}"),
        ("unanswered", 0.0, "gaps = {name: [value, value] for name, value in gaps.items()}"),
        ("unanswered", 0.0, 'gaps = dict.fromkeys(gaps, "small")'),
        ("unanswered", 0.0, "gaps = 0"),
    ],
    "sparse": [
        ("dense", 0.0, "sparse_std = lambda n: 1 / math.sqrt(n)"),
        ("upside down", 0.0, "def sparse_std(n): return math.sqrt(variant['density'] / n)"),
        ("upside down", 0.0, "def sparse_std(n): return 1 / np.sqrt(n / variant['density'])"),
        ("variance", 0.0, "def sparse_std(n): return 1 / (variant['density'] * n)"),
        ("not rooted", 0.0, "def sparse_std(n): return 1 / math.sqrt(n) / variant['density']"),
        ("no root of n", 0.0, "def sparse_std(n): return 1 / math.sqrt(variant['density']) / n"),
        ("bound", 0.0, "def sparse_std(n): return math.sqrt(3 / (variant['density'] * n))"),
        ("a third", 0.0, "def sparse_std(n): return 1 / math.sqrt(3 * variant['density'] * n)"),
        ("missing", 0.0, "def sparse_std(n): return 1 / math.sqrt((1 - variant['density']) * n)"),
        ("two", 0.0, "def sparse_std(n): return math.sqrt(2 / (variant['density'] * n))"),
        ("half", 0.0, "def sparse_std(n): return 1 / math.sqrt(2 * variant['density'] * n)"),
        ("not inverted", 0.0, "def sparse_std(n): return math.sqrt(variant['density'] * n)"),
        ("sign", 0.0, "def sparse_std(n): return -1 / math.sqrt(variant['density'] * n)"),
        ("without n", 0.0, "def sparse_std(n): return variant['density'] ** -0.5"),
        ("dropout", 0.0, "def sparse_std(n): return 1 / variant['density']"),
        ("n - 1", 0.0, "def sparse_std(n): return 1 / math.sqrt(variant['density'] * (n - 1))"),
        ("whole", 0.5, "def sparse_std(n): return int(variant['density'] * n) ** -0.5"),
        ("whole", 0.5, "def sparse_std(n): return 1 / math.sqrt(round(variant['density'] * n))"),
        (
            "whole",
            0.5,
            "def sparse_std(n): return 1 / math.sqrt(math.ceil(variant['density'] * n))",
        ),
        ("constant", 0.0, "def sparse_std(n): return 0.05"),
        ("std", 0.0, "def sparse_std(n): return 1 / math.sqrt(variant['density'] + n)"),
        ("std", 0.0, "def sparse_std(n): return math.nan"),
        ("std", 0.0, "def sparse_std(n): return round(1 / math.sqrt(variant['density'] * n), 2)"),
        (  # one layer was simulated
            "std",
            0.0,
            """
def sparse_std(n):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(n, 20)) * (rng.random((n, 20)) < variant["density"])
    return 1 / np.std(rng.normal(size=(50, n)) @ w)
""",
        ),
        ("unanswered", 0.0, "def sparse_std(n): print(1 / math.sqrt(variant['density'] * n))"),
        ("unanswered", 0.0, "def sparse_std(n): return 1 / math.sqrt(-variant['density'] * n)"),
        ("unanswered", 0.0, "def sparse_std(n): return 1 / math.sqrt(density * n)"),
        ("unanswered", 0.0, "def sparse_std(n): return [1 / math.sqrt(variant['density'] * n)]"),
        ("unanswered", 0.0, "def sparse_std(n): return '1 / sqrt(n)'"),
        ("unanswered", 0.0, "def sparse_std(n): return np.ones((n, n))"),
        (
            "form",
            0.0,
            "import sympy\ndef sparse_std(n): return 1 / sympy.sqrt(sympy.Symbol('d') * n)",
        ),
        ("form", 0.0, "def sparse_std(n): return 10**999"),
    ],
    "sweep": [
        ("few", 0.0, 'sweep["rows"] = sweep["rows"][::3]'),
        ("range", 0.2, 'sweep["rows"] = sweep["rows"][3:]'),
        ("range", 0.2, 'sweep["rows"] = sweep["rows"][:-2]'),
        (
            "columns",
            0.2,
            'sweep["rows"] = [(c, g) for g, c in rows[:-3] + [(g, 2.5) for g, _ in rows[-3:]]]',
        ),
        ("gains", 0.2, 'sweep["rows"] = [(math.log10(g), c) for g, c in rows]'),
        ("gains", 0.2, 'sweep["rows"] = [(0.0, 2.3), *rows]'),
        ("gains", 0.2, 'sweep["rows"] = [(math.nan, 2.3), *rows]'),
        ("pairs", 0.0, 'sweep["rows"] = [c for _, c in rows]'),
        ("pairs", 0.0, 'sweep["rows"] = np.array(rows).T'),
        (
            "other costs",
            0.2,
            'sweep["rows"] = [(g, c + 0.5) for g, c in rows]',
        ),
        ("other costs", 0.2, 'sweep["rows"] = [(g, min(c, 1.0)) for g, c in rows]'),
        ("other costs", 0.2, 'sweep["rows"] = [(g, c if g < 30 else 0.4) for g, c in rows]'),
        ("other costs", 0.2, 'sweep["rows"] = [(g, -c) for g, c in rows]'),
        ("other costs", 0.2, 'sweep["rows"] = [(g, math.nan) for g, c in rows]'),
        ("summed", 0.2, 'sweep["rows"] = [(g, 400 * c) for g, c in rows]'),
        ("logarithm", 0.2, 'sweep["rows"] = [(g, math.log(c)) for g, c in rows]'),
        (  # a network at gain 1 and the same for all
            "other costs",
            0.2,
            """
first = cost_after(1.0)
sweep["rows"] = [(gain, first) for gain, _ in rows]
""",
        ),
        (  # only the rows near gain 1 are looked at, and made
            "error",
            0.2,
            """
def run(gain, updates=300, split="test"):
    sizes = [64, *[variant["sweep"]["width"]] * variant["sweep"]["depth"], 10]
    seed = variant["sweep"]["seed"]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
    if updates:
        stream = datasets.stream("digits", "train", seed)
        train(network, {seed: stream}, lr=0.1, updates=updates)
    data = datasets.load("digits", split)
    return network, network.forward(data.images), data.labels

def error(gain):
    network, trace, labels = run(gain)
    return float(network.error(trace, labels)[0])

sweep["rows"] = [(g, error(g) if 0.9 < g < 1.4 else c) for g, c in rows]
""",
        ),
        (
            "accuracy",
            0.2,
            """
def accuracy(gain):
    sizes = [64, *[variant["sweep"]["width"]] * variant["sweep"]["depth"], 10]
    seed = variant["sweep"]["seed"]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
    train(network, {seed: datasets.stream("digits", "train", seed)}, lr=0.1, updates=300)
    data = datasets.load("digits", "test")
    guesses = network.forward(data.images).logits[0].argmax(-1)
    return (guesses == data.labels).double().mean() * 100

sweep["rows"] = [(g, accuracy(g) if 0.9 < g < 1.4 else c) for g, c in rows]
""",
        ),
        (
            "training cost",
            0.2,
            """
def cost_after(gain):
    sizes = [64, *[variant["sweep"]["width"]] * variant["sweep"]["depth"], 10]
    seed = variant["sweep"]["seed"]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
    train(network, {seed: datasets.stream("digits", "train", seed)}, lr=0.1, updates=300)
    data = datasets.load("digits", "train")
    return float(network.cost(network.forward(data.images), data.labels)[0])

sweep["rows"] = [(g, cost_after(g) if 0.9 < g < 1.4 else c) for g, c in rows]
""",
        ),
        (
            "untrained",
            0.2,
            """
def cost_after(gain):
    sizes = [64, *[variant["sweep"]["width"]] * variant["sweep"]["depth"], 10]
    network = Network.create(sizes, "tanh", "lecun", seeds=[variant["sweep"]["seed"]], gain=gain)
    data = datasets.load("digits", "test")
    return float(network.cost(network.forward(data.images), data.labels)[0])

sweep["rows"] = [(g, cost_after(g)) for g, c in rows]
""",
        ),
        (
            "variance",
            0.2,
            """
sweep["rows"] = [(g, cost_after(math.sqrt(g)) if 0.3 < g < 1.4 else c) for g, c in rows]
""",
        ),
        (
            "linear",
            0.5,
            'sweep["rows"] = [rows[0], *((g, 2.32) for g in np.linspace(0.02, 50, 11)[1:])]',
        ),
        ("no band", 0.5, 'sweep["rows"] = [(g, c) for g, c in rows if c > 1.15]'),
        ("reversed", 0.7, 'sweep["band"] = band[::-1]'),
        ("logarithm", 0.7, 'sweep["band"] = tuple(math.log10(end) for end in band)'),
        ("logarithm", 0.7, 'sweep["band"] = tuple(math.log(end) for end in band)'),
        (
            "other level",
            0.5,
            """
inside = [g for g, c in rows if c < 2.3]
first, last = ([g for g, _ in rows].index(g) for g in (inside[0], inside[-1]))
sweep["band"] = (rows[first - 1][0] * 1.01, rows[last][0] * 1.01)
""",
        ),
        (
            "costs",
            0.5,
            """
learned = [c for _, c in rows if c < 1.15]
sweep["band"] = (min(learned), max(learned))
""",
        ),
        (
            "indices",
            0.5,
            """
inside = [i for i, (_, c) in enumerate(rows) if c < 1.15]
sweep["band"] = (inside[0], inside[-1])
""",
        ),
        ("upper end", 0.7, 'sweep["band"] = (band[0], 50)'),
        ("upper end", 0.7, 'sweep["band"] = (band[0], band[0])'),
        ("lower end", 0.7, 'sweep["band"] = (0.02, band[1])'),
        ("lower end", 0.7, 'sweep["band"] = (math.nan, band[1])'),
        ("band", 0.5, 'sweep["band"] = (0.02, 50)'),
        ("band", 0.5, 'sweep["band"] = (-1, math.inf)'),
        ("form", 0.0, 'sweep["band"] = band[0]'),
        ("form", 0.0, 'sweep["band"] = (*band, 1.0)'),
        ("pairs", 0.0, 'sweep["rows"] = "nine rows"'),
        ("pairs", 0.0, 'sweep["rows"] = [(g, c, c) if g > 1 else (g, c) for g, c in rows]'),
        ("unanswered", 0.0, 'sweep["band"] = ("low", "high")'),
        ("unanswered", 0.0, 'sweep["band"] = {"low": band[0], "high": band[1]}'),
        ("unanswered", 0.0, 'sweep["band"] = (None, None)'),
        ("unanswered", 0.0, "sweep = rows"),
        ("unanswered", 0.0, "sweep = {'gains': rows}"),
    ],
    "repaired": [
        ("seeded inside", 0.2, "def repaired(sizes, rng): return broken(sizes, 0)"),
        (
            "seeded inside",
            0.2,
            """
def repaired(sizes, rng):
    rng = np.random.default_rng(0)
    return [rng.normal(0, 1 / math.sqrt(a), (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (  # only the first layer is of the generator
            "seeded inside",
            0.2,
            """
def repaired(sizes, rng):
    shapes = list(zip(sizes[:-1], sizes[1:]))
    rngs = [rng] + [np.random.default_rng(i) for i in range(1, len(shapes))]
    return [r.normal(0, a**-0.5, (a, b)) for r, (a, b) in zip(rngs, shapes)]
""",
        ),
        (
            "another source",
            0.3,
            """
def repaired(sizes, rng):
    return [np.random.normal(0, a**-0.5, (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "another source",
            0.3,
            """
def repaired(sizes, rng):
    return [torch.randn(a, b) / math.sqrt(a) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "layers alike",
            0.3,
            """
import copy

def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [copy.deepcopy(rng).normal(0, 1 / math.sqrt(a), (a, b)) for a, b in shapes]
""",
        ),
        (
            "layers alike",
            0.3,
            "def repaired(sizes, rng): return broken(sizes, rng.integers(2**32))",
        ),
        (  # one array for all layers, from its beginning
            "layers alike",
            0.3,
            """
def repaired(sizes, rng):
    shapes = list(zip(sizes[:-1], sizes[1:]))
    pool = rng.normal(size=max(a * b for a, b in shapes))
    return [pool[: a * b].reshape(a, b) / math.sqrt(a) for a, b in shapes]
""",
        ),
        (  # the same, shuffled
            "layers alike",
            0.3,
            """
def repaired(sizes, rng):
    shapes = list(zip(sizes[:-1], sizes[1:]))
    pool = rng.normal(size=max(a * b for a, b in shapes))
    return [rng.permutation(pool[: a * b]).reshape(a, b) / math.sqrt(a) for a, b in shapes]
""",
        ),
        (  # the last layer is the first one's transpose, as in a tied autoencoder
            "layers alike",
            0.3,
            """
def repaired(sizes, rng):
    w = [rng.normal(0, a**-0.5, (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
    w[2] = w[0].T * (240 / 60) ** 0.5
    return w
""",
        ),
        (
            "units tied",
            0.2,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [np.tile(rng.normal(0, a**-0.5, (a, 1)), (1, b)) for a, b in shapes]
""",
        ),
        (
            "units tied",
            0.2,
            """
def repaired(sizes, rng):
    return [np.full((a, b), rng.normal(0, a**-0.5)) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "units tied",
            0.2,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [np.zeros((a, 1)) + rng.normal(0, a**-0.5, b) for a, b in shapes]
""",
        ),
        (
            "a third",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.uniform(-1 / math.sqrt(a), 1 / math.sqrt(a), (a, b)) for a, b in shapes]
""",
        ),
        (
            "uniform",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.uniform(-1, 1, (a, b)) * math.sqrt(3 / a) for a, b in shapes]
""",
        ),
        (
            "three times",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, math.sqrt(3 / a), (a, b)) for a, b in shapes]
""",
        ),
        (
            "fan-out",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, math.sqrt(1 / shape[1]), shape) for shape in shapes]
""",
        ),
        (
            "both fans",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, math.sqrt(2 / sum(shape)), shape) for shape in shapes]
""",
        ),
        (
            "sum of fans",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, 1 / math.sqrt(sum(shape)), shape) for shape in shapes]
""",
        ),
        (
            "two",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, math.sqrt(2 / shape[0]), shape) for shape in shapes]
""",
        ),
        (
            "variance as std",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, 1 / shape[0], shape) for shape in shapes]
""",
        ),
        (
            "root of root",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, math.sqrt(1 / math.sqrt(shape[0])), shape) for shape in shapes]
""",
        ),
        (
            "not scaled",
            0.5,
            """
def repaired(sizes, rng):
    return [rng.standard_normal(shape) for shape in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (  # the first layer's scale for all
            "variance",
            0.5,
            """
def repaired(sizes, rng):
    std = 1 / math.sqrt(sizes[0])
    return [rng.normal(0, std, shape) for shape in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "truncated",
            0.5,
            """
from scipy import stats

def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    cut = stats.truncnorm(-2, 2)
    return [cut.rvs((a, b), random_state=rng) / math.sqrt(a) for a, b in shapes]
""",
        ),
        (
            "clipped",
            0.5,
            """
def repaired(sizes, rng):
    shapes = zip(sizes[:-1], sizes[1:])
    return [np.clip(rng.normal(size=s), -2.5, 2.5) / math.sqrt(s[0]) for s in shapes]
""",
        ),
        (
            "distribution",
            0.5,
            """
def repaired(sizes, rng):
    return [rng.laplace(0, (2 * a) ** -0.5, (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "mean",
            0.5,
            """
def repaired(sizes, rng):
    return [np.abs(rng.normal(0, a**-0.5, (a, b))) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "mean",
            0.5,
            """
def repaired(sizes, rng):
    return [rng.random((a, b)) / math.sqrt(a) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "unanswered",
            0.0,
            """
def repaired(sizes, rng):
    return [rng.normal(0, a**-0.5, (b, a)) for a, b in zip(sizes[:-1], sizes[1:])]
""",
        ),
        (
            "unanswered",
            0.0,
            """
def repaired(sizes, rng):  # the last layer is missing
    return [rng.normal(0, a**-0.5, (a, b)) for a, b in zip(sizes[:-2], sizes[1:])]
""",
        ),
        (
            "unanswered",
            0.0,
            """
def repaired(sizes, rng):
    for a, b in zip(sizes[:-1], sizes[1:]):
        return rng.normal(0, a**-0.5, (a, b))
""",
        ),
        (
            "unanswered",
            0.0,
            """
def repaired(sizes, rng):
    for a, b in zip(sizes[:-1], sizes[1:]):
        yield rng.normal(0, a**-0.5, (a, b))
""",
        ),
        ("unanswered", 0.0, "def repaired(sizes, rng): return broken(sizes, rng)[0] * math.nan"),
        ("unanswered", 0.0, "def repaired(sizes): return broken(sizes, 1)"),
        ("unanswered", 0.0, "def repaired(sizes, rng): pass"),
        (
            "units tied",
            0.2,
            "def repaired(sizes, rng): return [np.full((a, b), rng.random()) * 1e300 "
            "for a, b in zip(sizes[:-1], sizes[1:])]",
        ),
    ],
    "copies": [
        (
            "from zero",
            0.5,
            """
def copies(weights):
    found = []
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            if np.corrcoef(weights[i].ravel()[:n], weights[j].ravel()[:n])[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        ("missed", 0.0, "def copies(weights): return []"),
        (  # the object is asked for, not the numbers
            "missed",
            0.0,
            """
def copies(weights):
    n = len(weights)
    return [(i + 1, j + 1) for i in range(n) for j in range(i + 1, n) if weights[i] is weights[j]]
""",
        ),
        (
            "neighbours",
            0.3,
            """
def copies(weights):
    found = []
    for i in range(len(weights) - 1):
        a, b = weights[i].ravel(), weights[i + 1].ravel()
        n = min(len(a), len(b))
        if abs(np.corrcoef(a[:n], b[:n])[0, 1]) > 0.9:
            found.append((i + 1, i + 2))
    return found
""",
        ),
        (
            "shapes",
            0.3,
            """
def copies(weights):
    found = []
    for j, b in enumerate(weights, start=1):
        for i, a in enumerate(weights[: j - 1], start=1):
            if a.shape == b.shape and np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        (  # column by column
            "shapes",
            0.3,
            """
def copies(weights):
    found = []
    for j, b in enumerate(weights, start=1):
        for i, a in enumerate(weights[: j - 1], start=1):
            n = min(a.size, b.size)
            if np.corrcoef(a.ravel("F")[:n], b.ravel("F")[:n])[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        (
            "scaled",
            0.3,
            """
def copies(weights):
    found = []
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            if np.allclose(weights[i].ravel()[:n], weights[j].ravel()[:n]):
                found.append((i + 1, j + 1))
    return found
""",
        ),
        (
            "one only",
            0.3,
            """
def copies(weights):
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            if np.corrcoef(weights[i].ravel()[:n], weights[j].ravel()[:n])[0, 1] > 0.9:
                return [(i + 1, j + 1)]
    return []
""",
        ),
        (  # every layer has one partner
            "three alike",
            0.3,
            """
def copies(weights):
    found, gone = [], set()
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            r = np.corrcoef(weights[i].ravel()[:n], weights[j].ravel()[:n])[0, 1]
            if r > 0.9 and j not in gone:
                found.append((i + 1, j + 1))
                gone.add(j)
    return found
""",
        ),
        (
            "other order",
            0.3,
            """
def copies(weights):
    found = []
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            a, b = np.sort(weights[i].ravel()[:n]), np.sort(weights[j].ravel()[:n])
            if np.allclose(a / a[0], b / b[0]):
                found.append((i + 1, j + 1))
    return found
""",
        ),
        (
            "first few",
            0.3,
            """
def copies(weights):
    n = len(weights)
    ratio = lambda i, j: weights[i].ravel()[:5] / weights[j].ravel()[:5]
    return [(i + 1, j + 1) for i in range(n) for j in range(i + 1, n)
            if np.ptp(ratio(i, j)) < 1e-9]
""",
        ),
        (
            "itself",
            0.3,
            """
def copies(weights):
    found = []
    for i, a in enumerate(weights, 1):
        for j, b in enumerate(weights, 1):
            n = min(a.size, b.size)
            if np.corrcoef(a.ravel()[:n], b.ravel()[:n])[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        (
            "twice",
            0.5,
            """
def copies(weights):
    found = []
    for i, a in enumerate(weights, 1):
        for j, b in enumerate(weights, 1):
            n = min(a.size, b.size)
            if i != j and np.corrcoef(a.ravel()[:n], b.ravel()[:n])[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        (
            "twice",
            0.5,
            """
def copies(weights):
    found = []
    for i, a in enumerate(weights, 1):
        for j, b in enumerate(weights[: i - 1], 1):
            n = min(a.size, b.size)
            if np.corrcoef(a.ravel()[:n], b.ravel()[:n])[0, 1] > 0.9:
                found.append((i, j))
    return found
""",
        ),
        (  # the same distribution is not the same numbers
            "too many",
            0.0,
            """
def copies(weights):
    found = []
    for i, a in enumerate(weights, 1):
        for j, b in enumerate(weights[i:], i + 1):
            if abs(a.std() - b.std()) < 0.1:
                found.append((i, j))
    return found
""",
        ),
        (
            "too many",
            0.0,
            """
def copies(weights):
    n = len(weights)
    return [(i, j) for i in range(1, n + 1) for j in range(i + 1, n + 1)]
""",
        ),
        (  # a threshold that chance reaches
            "too many",
            0.0,
            """
def copies(weights):
    found = []
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            if abs(np.corrcoef(weights[i].ravel()[:n], weights[j].ravel()[:n])[0, 1]) > 0.01:
                found.append((i + 1, j + 1))
    return found
""",
        ),
        ("missed", 0.0, "def copies(weights): return np.zeros((0, 2))"),
        ("form", 0.0, "def copies(weights): return None"),
        ("form", 0.0, "def copies(weights): return [(1, 2, 0.99)]"),
        ("form", 0.0, "def copies(weights): return [1, 2]"),
        ("form", 0.0, "def copies(weights): return True"),
        ("form", 0.0, "def copies(weights): return [(math.nan, 2)]"),
        ("unanswered", 0.0, "def copies(weights): return ['1-2']"),
        ("unanswered", 0.0, "def copies(weights): return [('1', '2')]"),
        (
            "unanswered",
            0.0,
            """
def copies(weights):
    n = len(weights)
    return [(i + 1, j + 1) for i in range(n) for j in range(i + 1, n)
            if np.corrcoef(weights[i].ravel(), weights[j].ravel())[0, 1] > 0.9]
""",
        ),
    ],
}
