"""Solutions of problem set 2, right and wrong, in the styles in which they come.

All are written in terms of the variant, so that a fault is the same one for every variant.
"""

# The noise's moments as texts and as expressions, for the kind of a variant.
FIRST = 'first = {"dropout": "(1-p)"}.get(variant["noise"], "1")\n'
SECOND = (
    'second = {"dropout": "(1-p)", "inverted dropout": "1/(1-p)", "gaussian": "(1+p**2)"}'
    '[variant["noise"]]\n'
)
SPREAD = (
    'spread = {"dropout": p * (1 - p), "inverted dropout": p / (1 - p), "gaussian": p**2}'
    '[variant["noise"]]\n'
)
MISREAD = (
    'misread = {"dropout": p, "inverted dropout": 1 / p, "gaussian": 1 + p}[variant["noise"]]\n'
)
# An expectation over the noise, from its distribution.
OVER_NOISE = """
x = sp.Symbol("x", real=True)
def over_noise(f):
    if variant["noise"] == "gaussian":
        density = sp.exp(-((x - 1) ** 2) / (2 * p**2)) / (sp.sqrt(2 * sp.pi) * p)
        return sp.integrate(f(x) * density, (x, -sp.oo, sp.oo))
    kept = {"dropout": 1, "inverted dropout": 1 / (1 - p)}[variant["noise"]]
    return (1 - p) * f(kept) + p * f(0)
"""
# A rule with another mean square of the noise or of the slopes.
RULE = """
def rule(noise=m2, slopes=k):
    if variant["compromise"] == "mean":
        return 2 / ((n_in + n_out) * noise * slopes)
    return 1 / (sp.sqrt(n_in * n_out) * noise * slopes)
"""
# For evidence: a generator, the noise, and the numbers.
DRAW = """
g = np.random.default_rng(20100513)
n_i, n_o, v_, p_, a_, L_ = (variant["numbers"][x] for x in ("n_in", "n_out", "v", "p", "a", "L"))
c_ = variant["slope"]
def m(*shape):
    if variant["noise"] == "gaussian":
        return 1 + p_ * g.standard_normal(shape)
    kept = (g.random(shape) >= p_).astype(float)
    return kept / (1 - p_) if variant["noise"].startswith("inv") else kept
def w(*shape):
    return g.standard_normal(shape) * v_**0.5
"""
# The scale of a way around, as a number; `by` is the growth, `noise` the noise's mean square.
SCALE = """
mm_ = {"dropout": 1 - p_, "inverted dropout": 1 / (1 - p_), "gaussian": 1 + p_**2}[variant["noise"]]
def r_(by=variant["growth"] ** (1 / L_), noise=mm_):
    return ((by - 1) / (n_i * v_ * noise)) ** 0.5
def run(r, layers=L_, noise=m, weights=w, skip=1.0, batch=150):
    z = z0 = g.standard_normal((batch, n_i))
    for _ in range(layers):
        z = skip * z + r * ((noise(batch, n_i) * z) @ weights(n_i, n_i))
    return z0, z
def growth(*args, **kwargs):
    z0, z = run(*args, **kwargs)
    return (z**2).mean() / (z0**2).mean()
"""

RIGHT: dict[str, list[str]] = {
    "term": [
        "term = sp.expand((v + mu**2) * m2 * q - mu**2 * m1**2 * e**2)",
        "term = v * m2 * q + mu**2 * (m2 * q - m1**2 * e**2)  # by the law of total variance",
        FIRST + SECOND + 'term = f"v*{second}*q + mu^2*({second}*q - ({first}*e)^2)"',
        OVER_NOISE + "term = (v + mu**2) * over_noise(lambda m: m**2) * q\n"
        "term -= (mu * over_noise(lambda m: m) * e) ** 2",
        "var_z = q - e**2\nvar_m = m2 - m1**2\n"
        "term = (v + mu**2) * (var_m + m1**2) * (var_z + e**2) - (mu * m1 * e) ** 2",
        "term = 1.0 * (v + mu**2.0) * m2 * q - (mu * m1 * e) ** 2.0",
        "term = sp.factor(sp.together(v * m2 * q + m2 * q * mu**2 - mu**2 * e**2 * m1**2))",
        "sd = sp.sqrt((v + mu**2) * m2 * q - (mu * m1 * e) ** 2)\nterm = sd**2",
    ],
    "forward": [
        "forward = q * v * n_in * m2",
        "forward = n_in * term.subs(mu, 0).subs(e, 0)",
        SECOND + 'forward = f"n_in*v*{second}*q"',
        SECOND + 'forward = f"""\n    n_in * v\n    * {second} * q\n"""',
        "l = sp.Symbol('l', integer=True)\nforward = sp.Sum(v * m2 * q, (l, 1, n_in)).doit()",
        "forward = sp.exp(sp.log(n_in) + sp.log(v) + sp.log(sp.S(m2)) + sp.log(q))",
        OVER_NOISE + "forward = sp.expand(n_in * v * q * over_noise(lambda m: m * m))",
        SECOND + 'forward = f"np.sqrt((n_in*v)**2) * q**(1/2) * sp.sqrt(q) * {second}"',
    ],
    "slope": [
        "slope = S * (c**2 + a**2) / 2",
        "slope = sp.Rational(1, 2) * c**2 * S + sp.Rational(1, 2) * a**2 * S",
        "slope = 0.5 * (c**2 + a**2) * S",
        'slope = f"({c}^2 + a^2)/2*S"',
        """
s = sp.Symbol("s", real=True)
density = sp.exp(-(s**2) / (2 * S)) / sp.sqrt(2 * sp.pi * S)
slope = sp.integrate((c * s) ** 2 * density, (s, 0, sp.oo))
slope += sp.integrate((a * s) ** 2 * density, (s, -sp.oo, 0))
""",
        """
s = sp.Symbol("s", real=True)
end = sp.sqrt(3 * S)
both = sp.integrate((c * s) ** 2, (s, 0, end)) + sp.integrate((a * s) ** 2, (s, -end, 0))
slope = sp.expand(both / (2 * end))
""",
        "slope = sp.expand((((c + a) / 2) ** 2 + ((c - a) / 2) ** 2) * S)",
        "slope = sp.nsimplify(0.5) * S * sp.sqrt((c**2 + a**2) ** 2)",
    ],
    "forward_factor": [
        "forward_factor = sp.simplify(slope.subs(S, forward) / q)",
        SECOND + 'forward_factor = f"n_in*v*{second}*({c}**2+a**2)/2"',
        "forward_factor = n_in * v * m2 * c**2 / 2 + n_in * v * m2 * a**2 / 2",
        "forward_factor = sp.expand(0.5 * n_in * v * m2 * (c * c + a * a))",
        "forward_factor = sp.diff(k * n_in * v * m2 * q, q)",
        "forward_factor = sp.Mul(n_in, v, m2, sp.Add(c**2, a**2), sp.Rational(1, 2),"
        " evaluate=False)",
        "forward_factor = sp.exp(sp.log(n_in * v / 2)) * m2 * (a**2 + c**2)",
    ],
    "backward_factor": [
        "backward_factor = forward_factor.subs(n_in, n_out)",
        SECOND + 'backward_factor = f"{second}*v*n_out*(a^2/2 + {c}^2/2)"',
        "backward_factor = sp.expand(n_out * v * m2 * (c**2 + a**2) / 2)",
        "backward_factor = 1 / (2 / (n_out * v * m2 * (a**2 + c**2)))",
        OVER_NOISE + "backward_factor = n_out * v * over_noise(lambda m: m**2) * (c**2 + a**2) / 2",
        "d = sp.Symbol('d', positive=True)\n"
        "backward_factor = sp.cancel((n_out * v * d) * m2 * (c**2 * d + a**2 * d) / 2 / d**2)",
        "backward_factor = 0.5 * n_out * v * m2 * c**2 + 0.5 * n_out * v * m2 * a**2",
    ],
    "compromise": [
        RULE + "compromise = sp.simplify(rule())",
        """
x = sp.Symbol("x", positive=True)
f, b_ = forward_factor.subs(v, x), backward_factor.subs(v, x)
if variant["compromise"] == "mean":
    (compromise,) = sp.solve((f + b_) / 2 - 1, x)
else:
    (square,) = sp.solve((f * b_ - 1).subs(x, sp.sqrt(x)), x)
    compromise = sp.sqrt(square)
""",
        SECOND
        + """
compromise = {
    "mean": f"4/((n_in+n_out)*{second}*({c}^2+a^2))",
    "product": f"2*(n_in*n_out)^(-1/2)/({second}*({c}^2+a^2))",
}[variant["compromise"]]
""",
        """
compromise = {
    "mean": (n_in * m2 * k / 2 + n_out * m2 * k / 2) ** -1,
    "product": n_in**-0.5 * n_out**-0.5 / m2 / k,
}[variant["compromise"]]
""",
        """
compromise = {
    "mean": sp.Rational(4) / sp.expand((n_in + n_out) * m2 * (c**2 + a**2)),
    "product": sp.exp(-(sp.log(n_in) + sp.log(n_out)) / 2) / (m2 * k),
}[variant["compromise"]]
""",
        """
per_v_in, per_v_out = forward_factor / v, backward_factor / v
compromise = {
    "mean": 2 / (per_v_in + per_v_out),
    "product": sp.sqrt(1 / (per_v_in * per_v_out)),
}[variant["compromise"]]
""",
        "compromise = sp.sqrt(sp.together(compromise**2))",
    ],
    "bound": [
        "bound = sp.sqrt(3) * sp.sqrt(compromise)",
        "bound = (12 * compromise) ** sp.Rational(1, 2) / 2",
        "bound = 3**0.5 * compromise**0.5",
        "x = sp.Symbol('x', positive=True)\n(square,) = sp.solve(x / 3 - compromise, x)\n"
        "bound = sp.sqrt(square)",
        SECOND
        + """
bound = {
    "mean": f"sqrt(6/((n_in+n_out)*{second}*({c}**2+a**2)/2))",
    "product": f"sqrt(3*2/({second}*({c}**2+a**2)))/(n_in*n_out)**(1/4)",
}[variant["compromise"]]
""",
        "bound = sp.exp((sp.log(3) + sp.log(compromise)) / 2)",
        "x, B = sp.symbols('x B', positive=True)\n"
        "var = sp.integrate(x**2 / (2 * B), (x, -B, B))\n"
        "bound = sp.sqrt(compromise / var.subs(B, 1))",
        "import math\nbound = math.sqrt(3) * sp.sqrt(sp.simplify(compromise))",
    ],
    "residual": [
        "residual = sp.sqrt(variant['growth'] ** (1 / L) - 1) / sp.sqrt(n * v * m2)",
        SECOND + "residual = f\"(({variant['growth']}^(1/L) - 1)/(n*v*{second}))^(1/2)\"",
        "residual = ((sp.exp(sp.log(variant['growth']) / L) - 1) / (n * v * m2)) ** 0.5",
        "rise = sp.root(variant['growth'], L) - 1\n"
        "residual = sp.sqrt(rise / n) * (v * m2) ** sp.Rational(-1, 2)",
        "residual = sp.sqrt((np.exp(1) ** 0 * sp.exp(float(np.log(variant['growth'])) / L) - 1)"
        " / (n * v * m2))",
        "x, G = sp.symbols('x G', positive=True)\n"
        "(square,) = sp.solve(1 + x * n * v * m2 - G, x)\n"
        "residual = sp.sqrt(square.subs(G, variant['growth'] ** (1 / L)))",
        SECOND + "residual = f\"sqrt(exp(log({variant['growth']})/L)-1)/sqrt(n*v*{second})\"",
        "residual = sp.expand(sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v * m2)))",
    ],
    "dies": [
        """
dies = {
    "a mean": dict(line="B", formula=n_in * (v * m2 * q + mu**2 * (m2 * q - m1**2 * e**2))),
    "copies": dict(line="none", formula=n_in * v * m2 * q),
    "unequal": dict(line="C", formula=(n_in / 2) * v * m2 * q + (n_in / 2) * v * m2 * 2 * q),
    "bias": dict(formula=b + n_in * v * m2 * q, line="A"),
}[variant["dropped"]]
""",
        FIRST
        + SECOND
        + """
dies = {}
dies["line"], dies["formula"] = {
    "a mean": ("B", f"n_in*((v+mu^2)*{second}*q-mu^2*{first}^2*e^2)"),
    "copies": ("none", f"n_in*v*{second}*q"),
    "unequal": ("C", f"3/2*n_in*v*{second}*q"),
    "bias": ("A", f"n_in*v*{second}*q+b"),
}[variant["dropped"]]
""",
        """
if variant["dropped"] == "a mean":
    dies = {"line": "B", "formula": sp.expand(n_in * term)}
elif variant["dropped"] == "copies":
    dies = {"line": "none", "formula": sp.expand(forward)}
elif variant["dropped"] == "unequal":
    dies = {"line": "C", "formula": 1.5 * forward}
else:
    dies = {"line": "A", "formula": sp.Add(forward, b, evaluate=False)}
""",
        "dies['formula'] = sp.factor(dies['formula'])",
        "dies['formula'] = sp.sstr(dies['formula']).replace('**', '^')",
        "dies = {**dies, 'why': 'see my notes'}",
    ],
    "sample_forward": [
        """
r = np.random.default_rng(1)
evidence["forward"] = []
for _ in range(50):
    z = abs(r.standard_normal((700, given["n_in"])))
    u = r.random(z.shape)
    mask = {"dropout": u > rate, "inverted dropout": (u > rate) / (1 - rate),
            "gaussian": 1 + rate * r.standard_normal(z.shape)}[variant["noise"]]
    s = (r.standard_normal(z.shape) * np.sqrt(given["v"]) * mask * z).sum(axis=1)
    evidence["forward"].append(np.var(s, ddof=1))
""",
        DRAW
        + """
def one():  # uniform weights
    end = (3 * v_) ** 0.5
    z = np.abs(g.normal(size=(700, n_i)))
    s = np.sum(g.uniform(-end, end, (700, n_i)) * m(700, n_i) * z, axis=1)
    return float(np.mean(s**2))
evidence["forward"] = tuple(one() for _ in range(60))
""",
        """
import torch
t = torch.Generator().manual_seed(3)
values = torch.empty(60, dtype=torch.float64)
for i in range(60):
    z = torch.randn(700, given["n_in"], generator=t).abs()
    if variant["noise"] == "gaussian":
        mask = 1 + rate * torch.randn(z.shape, generator=t)
    else:
        mask = torch.bernoulli(torch.full_like(z, 1 - rate), generator=t)
        if variant["noise"] == "inverted dropout":
            mask = mask / (1 - rate)
    weight = torch.randn(z.shape, generator=t) * given["v"] ** 0.5
    values[i] = (weight * mask * z).sum(1).var()
evidence["forward"] = values
""",
        """
import pandas as pd
from scipy import stats
r = np.random.default_rng(4)
N = given["n_in"]
sums = np.zeros((60, 1000))
for _ in range(N):  # input by input
    z = stats.halfnorm.rvs(size=sums.shape, random_state=r)
    if variant["noise"] == "gaussian":
        mask = stats.norm.rvs(1, rate, size=sums.shape, random_state=r)
    else:
        mask = stats.bernoulli.rvs(1 - rate, size=sums.shape, random_state=r).astype(float)
        mask *= {"dropout": 1, "inverted dropout": 1 / (1 - rate)}[variant["noise"]]
    sums += r.choice([-1, 1], sums.shape) * given["v"] ** 0.5 * mask * z
evidence["forward"] = pd.DataFrame(sums.T).var()
""",
        DRAW
        + """
import pandas as pd
def layer():  # whole layers: every unit has its weights, every example its inputs
    s = (m(300, n_i) * np.abs(g.standard_normal((300, n_i)))) @ w(n_i, 300)
    return s.var()
evidence = pd.DataFrame({"forward": [layer() for _ in range(60)]})
""",
        DRAW
        + """
def small():  # few draws each, and therefore many estimates
    z = np.abs(g.standard_normal((8, n_i)))
    return np.einsum("bl,bl->b", w(8, n_i), m(8, n_i) * z).var(ddof=1)
evidence["forward"] = np.array([small() for _ in range(8000)])[:, None]
""",
        DRAW
        + """
out = []
for _ in range(700):  # np.var, as it comes
    z = np.abs(g.standard_normal((150, n_i)))
    out.append(np.var(np.sum(w(150, n_i) * m(150, n_i) * z, axis=1)))
evidence["forward"] = sorted(out)
""",
    ],
    "sample_slope": [
        """
r = np.random.default_rng(1)
evidence["slope"] = []
for _ in range(60):
    s = r.normal(size=30_000)
    f = np.where(s > 0, variant["slope"] * s, variant["numbers"]["a"] * s)
    evidence["slope"].append((f * f).mean())
""",
        """
import torch
torch.manual_seed(1)
evidence["slope"] = torch.stack([
    (torch.where((s := torch.randn(30_000)) > 0, c * s, given["a"] * s) ** 2).mean()
    for _ in range(80)
])
""",
        """
from scipy import stats
s = stats.norm.rvs(size=(40, 60_000), random_state=5)
f = np.maximum(c * s, 0) + np.minimum(given["a"] * s, 0)
evidence["slope"] = list(np.mean(np.square(f), axis=1))
""",
        """
import random
r = random.Random(2)
def f(s):
    return c * s if s > 0 else given["a"] * s
evidence["slope"] = [
    sum(f(r.gauss(0, 1)) ** 2 for _ in range(400)) / 400 for _ in range(400)
]
""",
        """
import pandas as pd
r = np.random.default_rng(8)
table = pd.DataFrame({"run": np.repeat(np.arange(100), 20_000), "s": r.normal(size=2_000_000)})
table["f2"] = (table.s * np.where(table.s > 0, c, given["a"])) ** 2
evidence["slope"] = table.groupby("run").f2.mean()
""",
        """
from scipy.stats import norm, qmc
evidence["slope"] = []
for seed in range(40):  # points that fill the interval evenly, shifted by chance
    s = norm.ppf(qmc.Sobol(1, seed=seed).random_base2(12)[:, 0])
    evidence["slope"].append(float(np.mean((np.where(s > 0, c, given["a"]) * s) ** 2)))
""",
    ],
    "sample_backward": [
        """
r = np.random.default_rng(1)
evidence["backward"] = []
for _ in range(60):
    above = r.normal(size=(3000, given["n_out"]))
    back = (r.normal(0, np.sqrt(given["v"]), above.shape) * above).sum(1)
    if variant["noise"] == "gaussian":
        mask = r.normal(1, rate, 3000)
    else:
        mask = r.binomial(1, 1 - rate, 3000) / (1 - rate * (variant["noise"] != "dropout"))
    coin = np.where(r.random(3000) < 0.5, c, given["a"])
    evidence["backward"].append((coin * mask * back).var())
""",
        """
import torch
t = torch.Generator().manual_seed(6)
def once():
    delta = torch.randn(5000, given["n_out"], generator=t)
    weight = (2 * torch.rand(delta.shape, generator=t) - 1) * (3 * given["v"]) ** 0.5
    if variant["noise"] == "gaussian":
        mask = 1 + rate * torch.randn(5000, generator=t)
    else:
        mask = (torch.rand(5000, generator=t) > rate).float()
        mask = mask / (1 - rate) if variant["noise"] == "inverted dropout" else mask
    sign = torch.randint(0, 2, (5000,), generator=t).bool()
    f1 = torch.where(sign, torch.tensor(float(c)), torch.tensor(given["a"]))
    return (f1 * mask * (weight * delta).sum(1)).var().item()
evidence["backward"] = [once() for _ in range(60)]
""",
        DRAW
        + """
def layer():  # a whole layer's gradients, example by example
    s = g.choice([-1.0, 1.0], (200, n_i))
    delta = g.standard_normal((200, n_o))
    return np.var(np.where(s > 0, c_, a_) * m(200, n_i) * (delta @ w(n_i, n_o).T))
evidence["backward"] = tuple(layer() for _ in range(60))
""",
        DRAW
        + """
import pandas as pd
totals = np.zeros((100, 4000))
for _ in range(n_o):
    totals += g.choice([-1, 1], totals.shape) * v_**0.5 * g.standard_normal(totals.shape)
totals *= m(*totals.shape) * np.where(g.random(totals.shape) < 0.5, c_, a_)
evidence["backward"] = pd.Series((totals**2).mean(axis=1))
""",
        DRAW
        + """
evidence["backward"] = []
while len(evidence["backward"]) < 2000:
    above = g.laplace(0, 1, (150, n_o)) / 2**0.5
    back = np.einsum("bk,bk->b", w(150, n_o), above) * m(150)
    back[g.random(150) < 0.5] *= a_ / c_
    evidence["backward"].append(c_**2 * back.var(ddof=1))
""",
    ],
    "sample_residual": [
        DRAW
        + SCALE
        + """
evidence["residual"] = [growth(r_()) for _ in range(100)]
""",
        DRAW
        + """
r = float(residual.subs({n: n_i, v: v_, p: p_, L: L_}))
values = []
for _ in range(100):
    z = g.choice([-1.0, 1.0], (150, n_i))
    for layer in range(L_):
        end = (3 * v_) ** 0.5
        z = z + r * np.einsum("ij,bj->bi", g.uniform(-end, end, (n_i, n_i)), m(150, n_i) * z)
    values.append(np.mean(z**2))
evidence["residual"] = values
""",
        """
import torch
t = torch.Generator().manual_seed(9)
N, depth = given["n_in"], given["L"]
found = []
for _ in range(100):
    start = z = torch.randn(150, N, generator=t)
    for _ in range(depth):
        if variant["noise"] == "gaussian":
            mask = 1 + rate * torch.randn(150, N, generator=t)
        else:
            mask = torch.bernoulli(torch.full((150, N), 1 - rate), generator=t)
            mask = mask / (1 - rate) if variant["noise"].startswith("inverted") else mask
        W = torch.randn(N, N, generator=t) * given["v"] ** 0.5
        z = z + scale * torch.nn.functional.linear(mask * z, W)
    found.append((z.pow(2).mean() / start.pow(2).mean()).item())
evidence["residual"] = torch.tensor(found)
""",
        DRAW
        + SCALE
        + """
import pandas as pd
two = lambda *shape: g.choice([-1.0, 1.0], shape) * v_**0.5
evidence["residual"] = pd.Series([growth(r_(), weights=two) for _ in range(100)], name="growth")
""",
        DRAW
        + SCALE
        + """
def norms():
    z0, z = run(r_(), batch=100)
    return np.linalg.norm(z) ** 2 / np.linalg.norm(z0) ** 2
evidence = {"residual": np.array([norms() for _ in range(200)])}
""",
    ],
}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "term": [
        ("product of variances", 0.0, "term = v * (m2 * q - (m1 * e) ** 2)"),
        ("product of variances", 0.0, "term = v * (m2 - m1**2) * (q - e**2)"),
        ("no mean", 0.0, "term = v * m2 * q"),
        ("mean not subtracted", 0.0, "term = (v + mu**2) * m2 * q"),
        ("mean added", 0.0, "term = (v + mu**2) * m2 * q + (mu * m1 * e) ** 2"),
        ("mean not squared", 0.0, "term = (v + mu**2) * m2 * q - mu * m1 * e"),
        ("mean square of a weight", 0.0, "term = v * m2 * q - (mu * m1 * e) ** 2"),
        ("mean square of a weight", 0.0, "term = (v + mu) * m2 * q - (mu * m1 * e) ** 2"),
        ("v squared", 0.0, "term = (v**2 + mu**2) * m2 * q - (mu * m1 * e) ** 2"),
        ("mean of an input", 0.0, "term = (v + mu**2) * m2 * q - mu**2 * m1**2 * q"),
        ("q as a variance", 0.0, "term = (v + mu**2) * m2 * (q + e**2) - (mu * m1 * e) ** 2"),
        ("no noise", 0.0, "term = (v + mu**2) * q - (mu * e) ** 2"),
        ("noise squared", 0.0, "term = (v + mu**2) * m2**2 * q - (mu * m1 * e) ** 2"),
        (
            "variance of the noise",
            0.0,
            SPREAD + "term = (v + mu**2) * spread * q - (mu * m1 * e) ** 2",
        ),
        (
            "meaning of p",
            0.0,
            MISREAD + "term = (v + mu**2) * misread * q - (mu * m1 * e) ** 2",
        ),
        ("root", 0.0, "term = sp.sqrt((v + mu**2) * m2 * q - (mu * m1 * e) ** 2)"),
        ("sign", 0.0, "term = (mu * m1 * e) ** 2 - (v + mu**2) * m2 * q"),
        ("factor", 0.0, "term = 2 * ((v + mu**2) * m2 * q - (mu * m1 * e) ** 2)"),
        ("formula", 0.0, "term = v + mu**2 * m2 * q - (mu * m1 * e) ** 2  # a bracket is missing"),
        ("symbols", 0.0, "term = n_in * ((v + mu**2) * m2 * q - (mu * m1 * e) ** 2)"),
        ("symbols", 0.0, "term = sp.Symbol('sigma') ** 2 * m2 * q"),
        ("rounded", 0.5, "term = 0.99999 * (v + mu**2) * m2 * q - (mu * m1 * e) ** 2"),
        ("unanswered", 0.0, "term = None"),
        ("unanswered", 0.0, "def term(v, mu, q, e, p):\n    return v * q"),
        ("unanswered", 0.0, "term = 'Var(w m z)'"),
        ("unanswered", 0.0, "term = 'log(0) - log(0)'"),
        ("unanswered", 0.0, "term = 'x = (v + mu^2) q'"),
    ],
    "forward": [
        ("one term", 0.0, "forward = term.subs(mu, 0)"),
        ("no noise", 0.0, "forward = n_in * v * q"),
        ("noise squared", 0.0, "forward = n_in * v * m2**2 * q"),
        ("variance of the noise", 0.0, SPREAD + "forward = n_in * v * spread * q"),
        ("meaning of p", 0.0, MISREAD + "forward = n_in * v * misread * q"),
        ("noise upside down", 0.0, "forward = n_in * v * q / m2"),
        ("fan squared", 0.0, "forward = n_in**2 * v * m2 * q"),
        ("mean of terms", 0.0, "forward = v * m2 * q / n_in"),
        ("v squared", 0.0, "forward = n_in * v**2 * m2 * q"),
        ("q squared", 0.0, "forward = n_in * v * m2 * q**2"),
        ("root", 0.0, "forward = sp.sqrt(n_in * v * m2 * q)"),
        ("half", 0.0, "forward = n_in * v * m2 * q / 2  # He et al."),
        ("no input", 0.0, "forward = n_in * v * m2"),
        ("mu is 0", 0.0, "forward = n_in * term"),
        ("variance of inputs", 0.0, "forward = n_in * v * m2 * (q - e**2)"),
        ("symbols", 0.0, "forward = n * v * m2 * q"),
        ("numbers", 0.0, "forward = variant['numbers']['n_in'] * v * m2 * q"),
        (
            "numbers",
            0.0,
            "forward = float(sp.S(n_in * v * m2).subs("
            "{n_in: given['n_in'], v: given['v'], p: given['p']}))",
        ),
        ("factor", 0.0, "forward = 3 * n_in * v * m2 * q"),
        ("formula", 0.0, "forward = n_in * (v + m2 * q)"),
        ("unanswered", 0.0, "forward = [n_in * v * m2 * q]"),
        ("unanswered", 0.0, "forward = lambda q: n_in * v * m2 * q"),
        ("unanswered", 0.0, "forward = sp.Eq(S, n_in * v * m2 * q)"),
        ("unanswered", 0.0, "forward = float('nan')"),
        ("unanswered", 0.0, "forward = '1e999 - 1e999'"),
    ],
    "slope": [
        ("mean slope", 0.0, "slope = ((c + a) / 2) ** 2 * S"),
        ("sum of slopes", 0.0, "slope = (c**2 + a**2) * S"),
        ("rectifier", 0.0, "slope = sp.Rational(c**2, 2) * S"),
        ("not squared", 0.0, "slope = (c + a) / 2 * S"),
        ("not squared", 0.0, "slope = (c**2 + a) / 2 * S"),
        ("square of the sum", 0.0, "slope = (c + a) ** 2 / 2 * S"),
        ("difference", 0.0, "slope = (c**2 - a**2) * S / 2"),
        ("linear", 0.0, "slope = S"),
        ("one side", 0.0, "slope = a**2 * S / 2"),
        ("S squared", 0.0, "slope = k * S**2"),
        ("no S", 0.0, "slope = k"),
        ("root", 0.0, "slope = sp.sqrt(k * S)"),
        ("root of slopes", 0.0, "slope = sp.sqrt((c**2 + a**2) / 2) * S"),
        ("variance", 0.0, "slope = k * S - (c - a) ** 2 * S / (2 * sp.pi)"),
        ("mean", 0.0, "slope = (c - a) * sp.sqrt(S / (2 * sp.pi))"),
        ("rounded", 0.5, "slope = 0.3333333 * sp.Rational(3, 2) * (c**2 + a**2) * S"),
        ("factor", 0.0, "slope = k * S / 2"),
        ("numbers", 0.0, "slope = (c**2 + variant['numbers']['a'] ** 2) / 2 * S"),
        ("symbols", 0.0, "slope = k * n_in * v * m2 * q"),
        ("formula", 0.0, "slope = c**2 + a**2 / 2 * S"),
        ("unanswered", 0.0, "slope = sp.Piecewise((c**2 * S, S > 1), (a**2 * S, True))"),
        ("unanswered", 0.0, "slope = None"),
        ("unanswered", 0.0, "slope = True"),
    ],
    "forward_factor": [
        ("no noise", 0.0, "forward_factor = n_in * v * k"),
        ("noise squared", 0.0, "forward_factor = n_in * v * m2**2 * k"),
        ("variance of the noise", 0.0, SPREAD + "forward_factor = n_in * v * spread * k"),
        ("meaning of p", 0.0, MISREAD + "forward_factor = n_in * v * misread * k"),
        ("linear", 0.0, "forward_factor = n_in * v * m2"),
        ("rectifier", 0.0, "forward_factor = n_in * v * m2 * c**2 / sp.Integer(2)"),
        ("mean slope", 0.0, "forward_factor = n_in * v * m2 * ((c + a) / 2) ** 2"),
        ("sum of slopes", 0.0, "forward_factor = n_in * v * m2 * (c**2 + a**2)"),
        ("not squared", 0.0, "forward_factor = n_in * v * m2 * (c + a) / 2"),
        ("plain layer", 0.0, "forward_factor = n_in * v"),
        ("fans swapped", 0.0, "forward_factor = n_out * v * m2 * k"),
        ("both fans", 0.0, "forward_factor = (n_in + n_out) / 2 * v * m2 * k"),
        ("one term", 0.0, "forward_factor = v * m2 * k"),
        ("fan squared", 0.0, "forward_factor = n_in**2 * v * m2 * k"),
        ("not a factor", 0.0, "forward_factor = n_in * v * m2 * k * q"),
        ("root", 0.0, "forward_factor = sp.sqrt(n_in * v * m2 * k)"),
        ("inverse", 0.0, "forward_factor = 1 / (n_in * v * m2 * k)"),
        ("v squared", 0.0, "forward_factor = n_in * v**2 * m2 * k"),
        ("factor", 0.0, "forward_factor = n_in * v * m2 * k * 3"),
        ("formula", 0.0, "forward_factor = n_in * v * (m2 + k)"),
        ("numbers", 0.0, "forward_factor = (n_in * v * m2 * k).subs(a, given['a'])"),
        ("symbols", 0.0, "forward_factor = n * v * m2 * k"),
        ("unanswered", 0.0, "forward_factor = [n_in, v, m2, k]"),
        ("unanswered", 0.0, "forward_factor = 'n_in v m2 k'"),
    ],
    "backward_factor": [
        ("fans swapped", 0.0, "backward_factor = forward_factor"),
        ("both fans", 0.0, "backward_factor = (n_in + n_out) / 2 * v * m2 * k"),
        (
            "no noise",
            0.0,
            "backward_factor = n_out * v * k  # it is the forward pass that has noise",
        ),
        ("noise squared", 0.0, "backward_factor = n_out * v * m2 * k * m2"),
        ("noise upside down", 0.0, "backward_factor = n_out * v * k / m2"),
        ("variance of the noise", 0.0, SPREAD + "backward_factor = n_out * v * spread * k"),
        ("meaning of p", 0.0, MISREAD + "backward_factor = n_out * v * misread * k"),
        ("linear", 0.0, "backward_factor = n_out * v * m2"),
        ("mean slope", 0.0, "backward_factor = n_out * v * m2 * ((c + a) / 2) ** 2"),
        ("not squared", 0.0, "backward_factor = n_out * v * m2 * (c + a) / 2"),
        ("rectifier", 0.0, "backward_factor = n_out * v * m2 * c**2 / sp.Integer(2)"),
        ("plain layer", 0.0, "backward_factor = n_out * v"),
        ("one term", 0.0, "backward_factor = v * m2 * k"),
        ("fan squared", 0.0, "backward_factor = n_out**2 * v * m2 * k"),
        ("root", 0.0, "backward_factor = sp.sqrt(n_out * v * m2 * k)"),
        ("v squared", 0.0, "backward_factor = n_out * v**2 * m2 * k"),
        ("factor", 0.0, "backward_factor = n_out * v * m2 * k / 4"),
        ("formula", 0.0, "backward_factor = n_out * v * m2 + k"),
        ("symbols", 0.0, "backward_factor = forward_factor * q / S"),
        ("numbers", 0.0, "backward_factor = given['n_out'] * v * m2 * k"),
        ("rounded", 0.5, "backward_factor = sp.Float('0.49999') * n_out * v * m2 * (c**2 + a**2)"),
        ("unanswered", 0.0, "backward_factor = {'factor': n_out * v * m2 * k}"),
        ("unanswered", 0.0, "del backward_factor"),
    ],
    "compromise": [
        (
            "other compromise",
            0.0,
            "compromise = {'product': 2 / ((n_in + n_out) * m2 * k),"
            " 'mean': 1 / (sp.sqrt(n_in * n_out) * m2 * k)}[variant['compromise']]",
        ),
        ("forward only", 0.0, "compromise = 1 / (n_in * m2 * k)"),
        ("backward only", 0.0, "compromise = 1 / (n_out * m2 * k)"),
        ("missing two", 0.0, "compromise = 1 / ((n_in + n_out) * m2 * k)"),
        ("mean of variances", 0.0, "compromise = (1 / (n_in * m2 * k) + 1 / (n_out * m2 * k)) / 2"),
        ("no noise", 0.0, RULE + "compromise = rule(noise=1)"),
        ("noise squared", 0.0, RULE + "compromise = rule(noise=m2**2)"),
        ("noise upside down", 0.0, RULE + "compromise = rule() * m2**2"),
        ("variance of the noise", 0.0, SPREAD + RULE + "compromise = rule(noise=spread)"),
        ("meaning of p", 0.0, MISREAD + RULE + "compromise = rule(noise=misread)"),
        ("linear", 0.0, RULE + "compromise = rule(slopes=1)"),
        ("rectifier", 0.0, RULE + "compromise = rule(slopes=sp.Rational(c**2, 2))"),
        ("mean slope", 0.0, RULE + "compromise = rule(slopes=((c + a) / 2) ** 2)"),
        ("not squared", 0.0, RULE + "compromise = rule(slopes=(c + a) / 2)"),
        ("upper side", 0.0, RULE + "compromise = rule() * k**2"),
        ("plain layer", 0.0, RULE + "compromise = rule(noise=1, slopes=1)"),
        ("inverse", 0.0, RULE + "compromise = 1 / rule()"),
        ("root", 0.0, RULE + "compromise = sp.sqrt(rule())"),
        ("bound", 0.0, RULE + "compromise = sp.sqrt(3 * rule())"),
        ("bound", 0.0, RULE + "compromise = 3 * rule()"),
        ("sign", 0.0, RULE + "compromise = -rule()  # the first solution of sp.solve"),
        ("factor", 0.0, RULE + "compromise = rule() * 5"),
        ("numbers", 0.0, RULE + "compromise = rule().subs({p: given['p'], a: given['a']})"),
        ("symbols", 0.0, RULE + "compromise = rule() * v"),
        ("formula", 0.0, "compromise = 2 / (n_in * n_out) / (m2 * k)"),
        ("formula", 0.0, RULE + "compromise = rule() + 1 / n_in"),
        ("unanswered", 0.0, "compromise = [-compromise, compromise]"),
        ("unanswered", 0.0, "compromise = sp.Eq(v, compromise)"),
    ],
    "bound": [
        ("std as bound", 0.0, "bound = sp.sqrt(compromise)"),
        ("missing root", 0.0, "bound = 3 * compromise"),
        ("variance as bound", 0.0, "bound = compromise"),
        ("whole width", 0.0, "bound = sp.sqrt(12 * compromise)"),
        ("six", 0.0, "bound = sp.sqrt(6 * compromise)"),
        ("three outside", 0.0, "bound = 3 * sp.sqrt(compromise)"),
        ("half a root", 0.0, "bound = sp.sqrt(3) * compromise"),
        ("divided", 0.0, "bound = sp.sqrt(compromise / 3)"),
        ("sign", 0.0, "x = sp.Symbol('x')\nbound = -sp.sqrt(3 * compromise)"),
        ("forward only", 0.0, "bound = sp.sqrt(3 / (n_in * m2 * k))"),
        ("backward only", 0.0, "bound = sp.sqrt(3 / (n_out * m2 * k))"),
        ("missing two", 0.0, "bound = sp.sqrt(3 / ((n_in + n_out) * m2 * k))"),
        (
            "other compromise",
            0.0,
            "bound = {'product': sp.sqrt(6 / ((n_in + n_out) * m2 * k)),"
            " 'mean': sp.sqrt(3 / (sp.sqrt(n_in * n_out) * m2 * k))}[variant['compromise']]",
        ),
        ("no noise", 0.0, RULE + "bound = sp.sqrt(3 * rule(noise=1))"),
        ("noise squared", 0.0, RULE + "bound = sp.sqrt(3 * rule(noise=m2**2))"),
        ("meaning of p", 0.0, MISREAD + RULE + "bound = sp.sqrt(3 * rule(noise=misread))"),
        ("linear", 0.0, RULE + "bound = sp.sqrt(3 * rule(slopes=1))"),
        ("mean slope", 0.0, RULE + "bound = sp.sqrt(3 * rule(slopes=((c + a) / 2) ** 2))"),
        ("rectifier", 0.0, RULE + "bound = sp.sqrt(3 * rule(slopes=sp.Rational(c**2, 2)))"),
        ("plain layer", 0.0, RULE + "bound = sp.sqrt(3 * rule(noise=1, slopes=1))"),
        ("rounded", 0.5, "bound = 1.732 * sp.sqrt(compromise)"),
        ("factor", 0.0, "bound = 5 * sp.sqrt(3 * compromise)"),
        ("symbols", 0.0, "bound = sp.sqrt(3 * v)"),
        ("numbers", 0.0, "bound = sp.sqrt(3 * compromise).subs({n_in: given['n_in']})"),
        ("numbers", 0.0, "bound = 0.2071"),
        ("formula", 0.0, "bound = sp.sqrt(3) + sp.sqrt(compromise)"),
        ("unanswered", 0.0, "bound = (-sp.sqrt(3 * compromise), sp.sqrt(3 * compromise))"),
        ("unanswered", 0.0, "bound = sp.Interval(-1, 1)"),
        ("unanswered", 0.0, "bound = 'sqrt(3*(n_in+n_out)'"),
    ],
    "residual": [
        ("missing root", 0.0, "residual = (variant['growth'] ** (1 / L) - 1) / (n * v * m2)"),
        ("linear growth", 0.0, "residual = sp.sqrt((variant['growth'] - 1) / (L * n * v * m2))"),
        (
            "linear growth",
            0.0,
            "residual = sp.sqrt((sp.Integer(variant['growth']) / L - 1) / (n * v * m2))",
        ),
        ("last layer", 0.0, "residual = sp.sqrt((variant['growth'] - 1) / (n * v * m2))"),
        ("no skip", 0.0, "residual = sp.sqrt(variant['growth'] ** (1 / L) / (n * v * m2))"),
        ("power of L", 0.0, "residual = sp.sqrt((variant['growth'] ** L - 1) / (n * v * m2))"),
        (
            "growth of the std",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (2 / L) - 1) / (n * v * m2))",
        ),
        (
            "growth of the std",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (1 / (2 * L)) - 1) / (n * v * m2))",
        ),
        ("many layers", 0.0, "residual = sp.sqrt(sp.log(variant['growth']) / (L * n * v * m2))"),
        ("half a root", 0.0, "residual = (variant['growth'] ** (1 / L) - 1) / sp.sqrt(n * v * m2)"),
        ("half a root", 0.0, "residual = sp.sqrt(variant['growth'] ** (1 / L) - 1) / (n * v * m2)"),
        ("one term", 0.0, "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) / (v * m2))"),
        ("no noise", 0.0, "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v))"),
        (
            "noise squared",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v)) / m2",
        ),
        (
            "meaning of p",
            0.0,
            MISREAD + "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v * misread))",
        ),
        (
            "v squared",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v**2 * m2))",
        ),
        (
            "upside down",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (1 / L) - 1) * n * v * m2)",
        ),
        ("sign", 0.0, "residual = -sp.sqrt((variant['growth'] ** (1 / L) - 1) / (n * v * m2))"),
        ("numbers", 0.0, "residual = residual.subs(L, given['L'])"),
        ("numbers", 0.0, "residual = scale"),
        ("symbols", 0.0, "residual = residual.subs(n, n_in)"),
        ("factor", 0.0, "residual = residual / sp.sqrt(k.subs(a, 0) * 4 / c**2)"),
        (
            "formula",
            0.0,
            "residual = sp.sqrt((variant['growth'] ** (1 / (L - 1)) - 1) / (n * v * m2))",
        ),
        ("unanswered", 0.0, "residual = [residual]"),
        ("unanswered", 0.0, "def residual(n, v, p, L):\n    return 1.0"),
        ("unanswered", 0.0, "residual = 'sqrt(g**(1/L)-1'"),
    ],
    "dies": [
        ("line", 0.5, "dies['line'] = 'D'"),
        ("line", 0.0, "dies = {'line': 'D', 'formula': forward / 7}"),
        ("line", 0.5, "dies['line'] = {'none': 'A'}.get(dies['line'], 'none')"),
        ("nothing dropped", 0.5, "dies['formula'] = forward"),
        ("one term", 0.5, "dies['formula'] = dies['formula'].subs(n_in, 1)"),
        (
            "count",
            0.5,
            "dies['formula'] = {'a mean': forward + (n_in * mu * m1 * e) ** 2,"
            " 'copies': n_in * forward, 'unequal': 3 * forward, 'bias': forward + n_in * b}"
            "[variant['dropped']]",
        ),
        (
            "squared again",
            0.5,
            "dies['formula'] = {'unequal': forward * 5 / 2, 'bias': forward + b**2}"
            "[variant['dropped']]",
        ),
        (
            "no noise",
            0.5,
            "bare = n_in * v * q\n"
            "dies['formula'] = {'unequal': bare * 3 / 2, 'bias': bare + b}[variant['dropped']]",
        ),
        (
            "noise squared",
            0.5,
            "twice = n_in * v * q * m2**2\n"
            "dies['formula'] = {'unequal': twice * 3 / 2, 'bias': twice + b}[variant['dropped']]",
        ),
        ("root", 0.5, "dies['formula'] = sp.sqrt(dies['formula'])"),
        ("factor", 0.5, "dies['formula'] = dies['formula'] / 7"),
        ("formula", 0.5, "dies['formula'] = forward * mu**2"),
        ("symbols", 0.5, "dies['formula'] = n_out * v * m2 * q"),
        ("numbers", 0.5, "dies['formula'] = dies['formula'].subs(v, given['v'])"),
        ("no formula", 0.5, "dies['formula'] = None"),
        ("no formula", 0.5, "dies['formula'] = [forward]"),
        ("unanswered", 0.0, "dies['line'] = None"),
        ("unanswered", 0.0, "dies['line'] = np.array([1.0, 2.0])"),
        ("unanswered", 0.0, "dies['line'] = 'line ' + dies['line']"),
        ("unanswered", 0.0, "dies = (dies['line'], dies['formula'])"),
        ("unanswered", 0.0, "dies = {'line': dies['line']}"),
        ("unanswered", 0.0, "dies = 'C'"),
    ],
    "sample_forward": [
        ("few", 0.0, "evidence['forward'] = evidence['forward'][:30]"),
        ("few", 0.0, "evidence['forward'] = []"),
        ("copies", 0.0, "evidence['forward'] = evidence['forward'][:20] * 3"),
        ("copies", 0.0, "evidence['forward'] = [evidence['forward'][0]] * 60"),
        ("copies", 0.0, "evidence['forward'] = np.round(evidence['forward'], 1)"),
        (
            "too good",
            0.0,
            DRAW + "evidence['forward'] = n_i * v_ * float(sp.S(m2).subs(p, p_))"
            " * (1 + 1e-11 * g.normal(size=40))",
        ),
        (
            "running",
            0.2,
            DRAW + "x = g.normal(np.mean(evidence['forward']), 0.01, 400)\n"
            "evidence['forward'] = (np.cumsum(x) / np.arange(1, 401))[100:]",
        ),
        (
            "no noise",
            0.0,
            DRAW
            + """
evidence["forward"] = [
    np.sum(w(700, n_i) * np.abs(g.standard_normal((700, n_i))), axis=1).var() for _ in range(60)
]
""",
        ),
        (
            "noise twice",
            0.0,
            DRAW
            + """
evidence["forward"] = [
    np.sum(
        w(700, n_i) * m(700, n_i) * m(700, n_i) * np.abs(g.standard_normal((700, n_i))), axis=1
    ).var()
    for _ in range(60)
]
""",
        ),
        (
            "meaning of p",
            0.0,
            DRAW
            + """
def other(*shape):
    if variant["noise"] == "gaussian":
        return g.normal(1, p_**0.5, shape)
    kept = g.random(shape) < p_
    return kept / p_ if variant["noise"] == "inverted dropout" else kept * 1.0
evidence["forward"] = [
    np.sum(w(700, n_i) * other(700, n_i) * np.abs(g.standard_normal((700, n_i))), axis=1).var()
    for _ in range(60)
]
""",
        ),
        (
            "same weights",
            0.0,
            DRAW
            + """
evidence["forward"] = []
for _ in range(200):  # one unit, many inputs
    z = m(1000, n_i) * np.abs(g.standard_normal((1000, n_i)))
    evidence["forward"].append((z @ w(n_i)).var())
""",
        ),
        (
            "std",
            0.0,
            DRAW
            + """
evidence["forward"] = []
for _ in range(60):
    z = m(700, n_i) * np.abs(g.standard_normal((700, n_i)))
    evidence["forward"].append((z * w(700, n_i)).sum(1).std())
""",
        ),
        (
            "v as std",
            0.0,
            DRAW
            + """
evidence["forward"] = []
for _ in range(60):
    z = m(800, n_i) * np.abs(g.standard_normal((800, n_i)))
    evidence["forward"].append((z * g.normal(0, v_, (800, n_i))).sum(1).var())
""",
        ),
        (
            "std as bound",
            0.0,
            DRAW
            + """
end = v_**0.5
evidence["forward"] = []
for _ in range(60):
    z = m(800, n_i) * np.abs(g.standard_normal((800, n_i)))
    evidence["forward"].append((z * g.uniform(-end, end, (800, n_i))).sum(1).var())
""",
        ),
        (
            "one term",
            0.0,
            DRAW
            + """
evidence["forward"] = [
    (w(4000) * m(4000) * np.abs(g.standard_normal(4000))).var() for _ in range(200)
]
""",
        ),
        (
            "variance of inputs",
            0.0,
            DRAW
            + """
evidence["forward"] = []
for _ in range(60):
    z = np.abs(g.standard_normal((800, n_i)))
    z -= z.mean()
    evidence["forward"].append((z * m(800, n_i) * w(800, n_i)).sum(1).var())
""",
        ),
        (
            "after the activation",
            0.0,
            DRAW
            + """
evidence["forward"] = []
for _ in range(60):
    s = (w(800, n_i) * m(800, n_i) * np.abs(g.standard_normal((800, n_i)))).sum(1)
    evidence["forward"].append(np.mean(np.where(s > 0, c_ * s, a_ * s) ** 2))
""",
        ),
        (
            "draws",
            0.0,
            DRAW
            + """
z = np.abs(g.standard_normal((1000, n_i)))
evidence["forward"] = (w(1000, n_i) * m(1000, n_i) * z).sum(1)
""",
        ),
        (
            "low",
            0.0,
            DRAW
            + """
evidence["forward"] = [
    (w(16, n_i) * m(16, n_i) * np.abs(g.standard_normal((16, n_i)))).sum(1).var()
    for _ in range(3000)
]
""",
        ),
        (
            "coarse",
            0.4,
            DRAW
            + """
evidence["forward"] = [
    (w(60, n_i) * m(60, n_i) * np.abs(g.standard_normal((60, n_i)))).sum(1).var(ddof=1)
    for _ in range(40)
]
""",
        ),
        (
            "coarse",
            0.0,
            DRAW
            + """
evidence["forward"] = [
    (w(5, n_i) * m(5, n_i) * np.abs(g.standard_normal((5, n_i)))).sum(1).var(ddof=1)
    for _ in range(40)
]
""",
        ),
        ("another number", 0.0, "evidence['forward'] = list(7 * np.array(evidence['forward']))"),
        ("unanswered", 0.0, "evidence['forward'][3] = float('nan')"),
        ("unanswered", 0.0, "evidence['forward'] = [[x, x] for x in evidence['forward']]"),
        ("unanswered", 0.0, "evidence['forward'] = [[1.0], [1.0, 2.0]]"),
        ("unanswered", 0.0, "evidence['forward'] = 'see the plot'"),
        ("unanswered", 0.0, "evidence['forward'] = np.full(50, 1e308)"),
        ("unanswered", 0.0, "evidence['forward'] = {'mean': 1.0}"),
        ("unanswered", 0.0, "evidence = evidence['forward']"),
        ("unanswered", 0.0, "evidence['forward'] = None"),
    ],
    "sample_slope": [
        ("few", 0.0, "evidence['slope'] = [np.mean(evidence['slope'])]"),
        ("few", 0.0, "evidence['slope'] = evidence['slope'][:39]"),
        ("copies", 0.0, "evidence['slope'] = [float(k.subs(a, given['a']))] * 40"),
        ("copies", 0.0, "evidence['slope'] = np.repeat(evidence['slope'], 2)"),
        (
            "copies",
            0.0,
            "evidence['slope'] = []\nfor _ in range(50):\n"
            "    s = np.random.default_rng(0).normal(size=20_000)\n"
            "    evidence['slope'].append(np.mean((slopes(s) * s) ** 2))",
        ),
        (
            "running",
            0.2,
            DRAW + "s = g.normal(size=100_000)\n"
            "f2 = (np.where(s > 0, c_, a_) * s) ** 2\n"
            "means = np.cumsum(f2) / np.arange(1, len(s) + 1)\n"
            "evidence['slope'] = means[20_000::1000]",
        ),
        (
            "variance",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = np.where(s > 0, c_ * s, a_ * s).var(axis=1)",
        ),
        (
            "mean",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = np.where(s > 0, c_ * s, a_ * s).mean(axis=1)",
        ),
        (
            "mean",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = abs(np.where(s > 0, c_ * s, a_ * s)).mean(axis=1)",
        ),
        (
            "square of the mean",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = np.where(s > 0, c_ * s, a_ * s).mean(axis=1) ** 2",
        ),
        (
            "root",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = np.sqrt((np.where(s > 0, c_ * s, a_ * s) ** 2).mean(axis=1))",
        ),
        (
            "rectifier",
            0.0,
            DRAW + "evidence['slope'] = [\n"
            "    np.mean(np.maximum(c_ * g.normal(size=150_000), 0) ** 2) for _ in range(60)\n]",
        ),
        (
            "linear",
            0.0,
            DRAW + "evidence['slope'] = [np.mean(g.normal(size=40_000) ** 2) for _ in range(60)]",
        ),
        (
            "mean slope",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = (((c_ + a_) / 2 * s) ** 2).mean(axis=1)",
        ),
        (
            "one side",
            0.0,
            DRAW + "s = g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = ((s < 0) * (a_ * s) ** 2).mean(axis=1)",
        ),
        (
            "coarse",
            0.4,
            DRAW + "s = g.normal(size=(40, 150))\n"
            "evidence['slope'] = (np.where(s > 0, c_ * s, a_ * s) ** 2).mean(axis=1)",
        ),
        (
            "coarse",
            0.0,
            DRAW + "s = g.normal(size=40)\n"
            "evidence['slope'] = np.where(s > 0, c_ * s, a_ * s) ** 2",
        ),
        (
            "another number",
            0.0,
            DRAW + "s = 3 * g.normal(size=(60, 40_000))\n"
            "evidence['slope'] = (np.where(s > 0, c_ * s, a_ * s) ** 2).mean(axis=1)",
        ),
        ("unanswered", 0.0, "evidence['slope'] = [None, *evidence['slope']]"),
        ("unanswered", 0.0, "evidence['slope'] = [sp.Float(x) for x in evidence['slope']]"),
        ("unanswered", 0.0, "evidence['slope'] = [float('inf'), *evidence['slope']]"),
        ("unanswered", 0.0, "evidence['slope'] = [1j] * 40"),
        ("unanswered", 0.0, "evidence['slope'] = (x for x in evidence['slope'])"),
        ("unanswered", 0.0, "del evidence['slope']"),
    ],
    "sample_backward": [
        (
            "few",
            0.0,
            "evidence['backward'] = evidence['backward'][0]\nevidence['backward'] = [1.0]",
        ),
        ("few", 0.0, "evidence['backward'] = tuple(evidence['backward'][:10])"),
        ("copies", 0.0, "evidence['backward'] = np.resize(evidence['backward'][:30], 60)"),
        ("copies", 0.0, "evidence['backward'] = [0] * 100"),
        (
            "fans swapped",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_i) * g.standard_normal((3000, n_i))).sum(1)
    evidence["backward"].append(np.var(back * m(3000) * g.choice([c_, a_], 3000)))
""",
        ),
        (
            "no noise",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * g.choice([c_, a_], 3000)))
""",
        ),
        (
            "noise twice",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(4000, n_o) * g.standard_normal((4000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(4000) * m(4000) * g.choice([c_, a_], 4000)))
""",
        ),
        (
            "linear",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(3000)))
""",
        ),
        (
            "mean slope",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(3000) * (c_ + a_) / 2))
""",
        ),
        (
            "plain layer",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back))
""",
        ),
        (
            "std",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.std(back * m(3000) * g.choice([c_, a_], 3000)))
""",
        ),
        (
            "v as std",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = (g.normal(0, v_, (3000, n_o)) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(3000) * g.choice([c_, a_], 3000)))
""",
        ),
        (
            "std as bound",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    weight = g.uniform(-(v_**0.5), v_**0.5, (3000, n_o))
    back = (weight * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(3000) * g.choice([c_, a_], 3000)))
""",
        ),
        (
            "one term",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):
    back = w(20_000) * g.standard_normal(20_000)
    evidence["backward"].append(np.var(back * m(20_000) * g.choice([c_, a_], 20_000)))
""",
        ),
        (
            "draws",
            0.0,
            DRAW
            + """
back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
evidence["backward"] = back * m(3000) * g.choice([c_, a_], 3000)
""",
        ),
        (
            "low",
            0.0,
            DRAW
            + """
back = np.einsum("esk,esk->es", w(8000, 14, n_o), g.standard_normal((8000, 14, n_o)))
evidence["backward"] = np.var(back * m(8000, 14) * g.choice([c_, a_], (8000, 14)), axis=1)
""",
        ),
        (
            "coarse",
            0.4,
            DRAW
            + """
evidence["backward"] = []
for _ in range(40):
    back = (w(200, n_o) * g.standard_normal((200, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(200) * g.choice([c_, a_], 200)))
""",
        ),
        (
            "coarse",
            0.0,
            DRAW
            + """
evidence["backward"] = []
for _ in range(60):  # one coin for all
    back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
    evidence["backward"].append(np.var(back * m(3000) * g.choice([c_, a_])))
""",
        ),
        ("another number", 0.0, "evidence['backward'] = 10 * np.array(evidence['backward'])"),
        ("unanswered", 0.0, "evidence['backward'] = [str(x) + ' !' for x in evidence['backward']]"),
        ("unanswered", 0.0, "evidence['backward'] = np.array(evidence['backward'])[None, None]"),
        ("unanswered", 0.0, "evidence['backward'] = lambda: 1.0"),
        ("unanswered", 0.0, "evidence = None"),
    ],
    "sample_residual": [
        ("few", 0.0, DRAW + SCALE + "evidence['residual'] = [growth(r_()) for _ in range(5)]"),
        ("few", 0.0, "evidence['residual'] = np.float64(variant['growth']).reshape(1)"),
        ("copies", 0.0, "evidence['residual'] = [float(variant['growth'])] * 50"),
        ("copies", 0.0, "evidence['residual'] = evidence['residual'][:25] * 2"),
        (
            "too good",
            0.0,
            DRAW + "evidence['residual'] = variant['growth'] + 1e-12 * g.normal(size=60)",
        ),
        (
            "no noise",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [\n"
            "    growth(r_(), noise=lambda *s: np.ones(s)) for _ in range(100)\n]",
        ),
        (
            "noise twice",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [\n"
            "    growth(r_(), noise=lambda *s: m(*s) * m(*s)) for _ in range(100)\n]",
        ),
        (
            "one layer",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [growth(r_(), layers=1) for _ in range(100)]",
        ),
        (
            "another L",
            0.0,
            DRAW
            + SCALE
            + "evidence['residual'] = [growth(r_(), layers=L_ - 1) for _ in range(100)]",
        ),
        (
            "another L",
            0.0,
            DRAW
            + SCALE
            + "evidence['residual'] = [growth(r_(), layers=L_ + 1) for _ in range(100)]",
        ),
        (
            "root",
            0.0,
            DRAW
            + SCALE
            + """
evidence["residual"] = []
for _ in range(100):
    z0, z = run(r_())
    evidence["residual"].append(z.std() / z0.std())
""",
        ),
        (
            "difference",
            0.0,
            DRAW
            + SCALE
            + """
evidence["residual"] = []
for _ in range(100):
    z0, z = run(r_())
    evidence["residual"].append(np.mean((z - z0) ** 2))
""",
        ),
        (
            "upside down",
            0.0,
            DRAW
            + SCALE
            + "evidence['residual'] = [1 / growth(r_(), batch=250) for _ in range(60)]",
        ),
        (
            "no scale",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [growth(1.0) for _ in range(100)]",
        ),
        (
            "no skip",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [growth(r_(), skip=0.0) for _ in range(100)]",
        ),
        (
            "r not squared",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [growth(r_() ** 2) for _ in range(100)]",
        ),
        (
            "linear growth",
            0.0,
            DRAW + SCALE + "linear = r_(by=1 + (variant['growth'] - 1) / L_)\n"
            "evidence['residual'] = [growth(linear) for _ in range(100)]",
        ),
        (
            "last layer",
            0.0,
            DRAW
            + SCALE
            + "evidence['residual'] = [growth(r_(by=variant['growth'])) for _ in range(100)]",
        ),
        (
            "v as std",
            0.0,
            DRAW + SCALE + "evidence['residual'] = [\n"
            "    growth(r_(), weights=lambda *s: g.normal(0, v_, s)) for _ in range(100)\n]",
        ),
        (
            "coarse",
            0.4,
            DRAW + SCALE + "evidence['residual'] = [growth(r_(), batch=3) for _ in range(40)]",
        ),
        (
            "coarse",
            0.0,
            DRAW
            + SCALE
            + "evidence['residual'] = [run(r_(), batch=1)[1][0, 0] ** 2 for _ in range(40)]",
        ),
        ("another number", 0.0, "evidence['residual'] = 100 * np.array(evidence['residual'])"),
        ("unanswered", 0.0, "evidence['residual'][0] = None"),
        ("unanswered", 0.0, "evidence['residual'] = {0: evidence['residual']}"),
        ("unanswered", 0.0, "evidence['growth'] = evidence.pop('residual')"),
    ],
}
