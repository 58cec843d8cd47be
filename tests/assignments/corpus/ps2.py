"""Solutions of problem set 2, right and wrong, in the styles in which they come.

All are written in terms of the variant, so that a fault is the same one for every variant.
"""

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
# A rule with another mean square of the noise or of the slopes.
RULE = """
def rule(noise=m2, slopes=k):
    if variant["compromise"] == "mean":
        return 2 / ((n_in + n_out) * noise * slopes)
    return 1 / (sp.sqrt(n_in * n_out) * noise * slopes)
"""
# For evidence: a generator, the noise, and the numbers.
DRAW = """
g = rng
n_i, n_o, v_, p_, a_, L_ = (variant["numbers"][x] for x in ("n_in", "n_out", "v", "p", "a", "L"))
c_ = variant["slope"]
def m(*shape):
    if variant["noise"] == "gaussian":
        return 1 + p_ * g.standard_normal(shape)
    kept = (g.random(shape) >= p_).astype(float)
    return kept / (1 - p_) if variant["noise"].startswith("inv") else kept
def w(*shape):
    return g.standard_normal(shape) * v_**0.5
def inputs(n):
    return np.abs(g.standard_normal((n, n_i)))
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


def _estimates(name: str, estimate: str, *before: str, times: int = 60) -> str:
    """Estimates from draws that are made anew for each."""
    lines = "".join(f"    {line}\n" for line in (*before, f"evidence['{name}'].append({estimate})"))
    return f"{DRAW}evidence['{name}'] = []\nfor _ in range({times}):\n{lines}"


def _slope(estimates: str, size: str = "(60, 40_000)") -> str:
    """Estimates from sums s and what the activation f makes of them, all drawn at once."""
    start = f"s = g.normal(size={size})\nf = np.where(s > 0, c_, a_) * s\n"
    return f"{DRAW}{start}evidence['slope'] = {estimates}"


_SCALED = "back * m(3000) * g.choice([c_, a_], 3000)"


def _backward(
    drawn: str = _SCALED, of: str = "np.var", weights: str = "w(3000, n_o)", n: str = "n_o"
) -> str:
    """Estimates of what comes back to an input from n outputs."""
    back = f"back = ({weights} * g.standard_normal((3000, {n}))).sum(1)"
    return _estimates("backward", f"{of}({drawn})", back)


def _growth(how: str) -> str:
    """Estimates of the growth through all layers."""
    return f"{DRAW}{SCALE}evidence['residual'] = [growth({how}) for _ in range(100)]"


RIGHT: dict[str, list[str]] = {
    "term": [
        "term = sp.expand((v + mu**2) * m2 * q - mu**2 * m1**2 * e**2)",
        "term = v * m2 * q + mu**2 * (m2 * q - m1**2 * e**2)  # by the law of total variance",
    ],
    "forward": [
        "forward = q * v * n_in * m2",
        "forward = n_in * term.subs(mu, 0).subs(e, 0)",
    ],
    "slope": [
        "slope = S * (c**2 + a**2) / 2",
        "slope = sp.Rational(1, 2) * c**2 * S + sp.Rational(1, 2) * a**2 * S",
    ],
    "forward_factor": [
        "forward_factor = sp.simplify(slope.subs(S, forward) / q)",
        SECOND + 'forward_factor = f"n_in*v*{second}*({c}**2+a**2)/2"',
    ],
    "backward_factor": [
        "backward_factor = forward_factor.subs(n_in, n_out)",
        SECOND + 'backward_factor = f"{second}*v*n_out*(a^2/2 + {c}^2/2)"',
    ],
    "compromise": [
        RULE + "compromise = sp.simplify(rule())",
        "compromise = sp.sqrt(sp.together(compromise**2))",
    ],
    "bound": [
        "bound = sp.sqrt(3) * sp.sqrt(compromise)",
        "bound = (12 * compromise) ** sp.Rational(1, 2) / 2",
    ],
    "residual": [
        "residual = sp.sqrt(variant['growth'] ** (1 / L) - 1) / sp.sqrt(n * v * m2)",
        SECOND + "residual = f\"(({variant['growth']}^(1/L) - 1)/(n*v*{second}))^(1/2)\"",
    ],
    "dies": [
        "dies['formula'] = sp.factor(dies['formula'])",
        "dies['formula'] = sp.sstr(dies['formula']).replace('**', '^')",
    ],
    "sample_forward": [
        DRAW + """
import pandas as pd
def layer():  # whole layers: every unit has its weights, every example its inputs
    s = (m(300, n_i) * inputs(300)) @ w(n_i, 300)
    return s.var()
evidence = pd.DataFrame({"forward": [layer() for _ in range(60)]})
""",
        DRAW + """
def small():  # few draws each, and therefore many estimates
    z = inputs(8)
    return np.einsum("bl,bl->b", w(8, n_i), m(8, n_i) * z).var(ddof=1)
evidence["forward"] = np.array([small() for _ in range(8000)])[:, None]
""",
    ],
    "sample_slope": [
        """
from scipy import stats
s = stats.norm.rvs(size=(40, 60_000), random_state=rng)
f = np.maximum(c * s, 0) + np.minimum(given["a"] * s, 0)
evidence["slope"] = list(np.mean(np.square(f), axis=1))
""",
        """
import pandas as pd
r = rng
table = pd.DataFrame({"run": np.repeat(np.arange(100), 20_000), "s": r.normal(size=2_000_000)})
table["f2"] = (table.s * np.where(table.s > 0, c, given["a"])) ** 2
evidence["slope"] = table.groupby("run").f2.mean()
""",
    ],
    "sample_backward": [
        DRAW + """
def layer():  # a whole layer's gradients, example by example
    s = g.choice([-1.0, 1.0], (200, n_i))
    delta = g.standard_normal((200, n_o))
    return np.var(np.where(s > 0, c_, a_) * m(200, n_i) * (delta @ w(n_i, n_o).T))
evidence["backward"] = tuple(layer() for _ in range(60))
""",
        DRAW + """
import pandas as pd
totals = np.zeros((100, 4000))
for _ in range(n_o):
    totals += g.choice([-1, 1], totals.shape) * v_**0.5 * g.standard_normal(totals.shape)
totals *= m(*totals.shape) * np.where(g.random(totals.shape) < 0.5, c_, a_)
evidence["backward"] = pd.Series((totals**2).mean(axis=1))
""",
    ],
    "sample_residual": [
        _growth("r_()"),
        DRAW + SCALE + """
import pandas as pd
two = lambda *shape: g.choice([-1.0, 1.0], shape) * v_**0.5
evidence["residual"] = pd.Series([growth(r_(), weights=two) for _ in range(100)], name="growth")
""",
    ],
}  # fmt: skip

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "term": [
        ("product of variances", 0.0, "term = v * (m2 * q - (m1 * e) ** 2)"),
        ("no mean", 0.0, "term = v * m2 * q"),
        ("mean not subtracted", 0.0, "term = (v + mu**2) * m2 * q"),
        ("mean added", 0.0, "term = (v + mu**2) * m2 * q + (mu * m1 * e) ** 2"),
        ("mean not squared", 0.0, "term = (v + mu**2) * m2 * q - mu * m1 * e"),
        ("mean square of a weight", 0.0, "term = v * m2 * q - (mu * m1 * e) ** 2"),
        ("q as a variance", 0.0, "term = (v + mu**2) * m2 * (q + e**2) - (mu * m1 * e) ** 2"),
        ("variance of the noise", 0.0,
         SPREAD + "term = (v + mu**2) * spread * q - (mu * m1 * e) ** 2"),
        ("meaning of p", 0.0, MISREAD + "term = (v + mu**2) * misread * q - (mu * m1 * e) ** 2"),
    ],
    "forward": [
        ("fan squared", 0.0, "forward = n_in**2 * v * m2 * q"),
        ("v squared", 0.0, "forward = n_in * v**2 * m2 * q"),
        ("q squared", 0.0, "forward = n_in * v * m2 * q**2"),
        ("no input", 0.0, "forward = n_in * v * m2"),
        ("mu is 0", 0.0, "forward = n_in * term"),
        ("variance of inputs", 0.0, "forward = n_in * v * m2 * (q - e**2)"),
    ],
    "slope": [
        ("sum of slopes", 0.0, "slope = (c**2 + a**2) * S"),
        ("not squared", 0.0, "slope = (c + a) / 2 * S"),
        ("S squared", 0.0, "slope = k * S**2"),
        ("no S", 0.0, "slope = k"),
        ("variance", 0.0, "slope = k * S - (c - a) ** 2 * S / (2 * sp.pi)"),
        ("rounded", 0.5, "slope = 0.3333333 * sp.Rational(3, 2) * (c**2 + a**2) * S"),
    ],
    "forward_factor": [
        ("sum of slopes", 0.0, "forward_factor = n_in * v * m2 * (c**2 + a**2)"),
        ("not squared", 0.0, "forward_factor = n_in * v * m2 * (c + a) / 2"),
        ("fans swapped", 0.0, "forward_factor = n_out * v * m2 * k"),
        ("both fans", 0.0, "forward_factor = (n_in + n_out) / 2 * v * m2 * k"),
        ("not a factor", 0.0, "forward_factor = n_in * v * m2 * k * q"),
        ("v squared", 0.0, "forward_factor = n_in * v**2 * m2 * k"),
    ],
    "backward_factor": [
        ("fans swapped", 0.0, "backward_factor = forward_factor"),
        ("both fans", 0.0, "backward_factor = (n_in + n_out) / 2 * v * m2 * k"),
        ("variance of the noise", 0.0, SPREAD + "backward_factor = n_out * v * spread * k"),
        ("not squared", 0.0, "backward_factor = n_out * v * m2 * (c + a) / 2"),
        ("v squared", 0.0, "backward_factor = n_out * v**2 * m2 * k"),
        ("rounded", 0.5, "backward_factor = sp.Float('0.49999') * n_out * v * m2 * (c**2 + a**2)"),
    ],
    "compromise": [
        ("other compromise", 0.0, "compromise = {'product': 2 / ((n_in + n_out) * m2 * k),"
         " 'mean': 1 / (sp.sqrt(n_in * n_out) * m2 * k)}[variant['compromise']]"),
        ("forward only", 0.0, "compromise = 1 / (n_in * m2 * k)"),
        ("backward only", 0.0, "compromise = 1 / (n_out * m2 * k)"),
        ("missing two", 0.0, "compromise = 1 / ((n_in + n_out) * m2 * k)"),
        ("mean of variances", 0.0, "compromise = (1 / (n_in * m2 * k) + 1 / (n_out * m2 * k)) / 2"),
        ("upper side", 0.0, RULE + "compromise = rule() * k**2"),
        ("bound", 0.0, RULE + "compromise = sp.sqrt(3 * rule())"),
    ],
    "bound": [
        ("missing root", 0.0, "bound = 3 * compromise"),
        ("variance as bound", 0.0, "bound = compromise"),
        ("whole width", 0.0, "bound = sp.sqrt(12 * compromise)"),
        ("six", 0.0, "bound = sp.sqrt(6 * compromise)"),
        ("divided", 0.0, "bound = sp.sqrt(compromise / 3)"),
        ("forward only", 0.0, "bound = sp.sqrt(3 / (n_in * m2 * k))"),
    ],
    "residual": [
        ("missing root", 0.0, "residual = (variant['growth'] ** (1 / L) - 1) / (n * v * m2)"),
        ("linear growth", 0.0, "residual = sp.sqrt((variant['growth'] - 1) / (L * n * v * m2))"),
        ("last layer", 0.0, "residual = sp.sqrt((variant['growth'] - 1) / (n * v * m2))"),
        ("no skip", 0.0, "residual = sp.sqrt(variant['growth'] ** (1 / L) / (n * v * m2))"),
        ("power of L", 0.0, "residual = sp.sqrt((variant['growth'] ** L - 1) / (n * v * m2))"),
        ("growth of the std", 0.0,
         "residual = sp.sqrt((variant['growth'] ** (2 / L) - 1) / (n * v * m2))"),
        ("many layers", 0.0, "residual = sp.sqrt(sp.log(variant['growth']) / (L * n * v * m2))"),
    ],
    "dies": [
        ("line", 0.5, "dies['line'] = 'D'"),
        ("nothing dropped", 0.5, "dies['formula'] = forward"),
        ("one term", 0.5, "dies['formula'] = dies['formula'].subs(n_in, 1)"),
        ("count", 0.5, "dies['formula'] = {'a mean': forward + (n_in * mu * m1 * e) ** 2,"
         " 'copies': n_in * forward, 'unequal': 3 * forward, 'bias': forward + n_in * b}"
         "[variant['dropped']]"),
        ("squared again", 0.5,
         "dies['formula'] = {'unequal': forward * 5 / 2, 'bias': forward + b**2}"
         "[variant['dropped']]"),
        ("no noise", 0.5, "bare = n_in * v * q\n"
         "dies['formula'] = {'unequal': bare * 3 / 2, 'bias': bare + b}[variant['dropped']]"),
        ("noise squared", 0.5, "twice = n_in * v * q * m2**2\n"
         "dies['formula'] = {'unequal': twice * 3 / 2, 'bias': twice + b}[variant['dropped']]"),
        ("factor", 0.5, "dies['formula'] = dies['formula'] / 7"),
        ("formula", 0.5, "dies['formula'] = forward * mu**2"),
        ("symbols", 0.5, "dies['formula'] = n_out * v * m2 * q"),
        ("numbers", 0.5, "dies['formula'] = dies['formula'].subs(v, given['v'])"),
        ("no formula", 0.5, "dies['formula'] = None"),
    ],
    "sample_forward": [
        ("too good", 0.0, DRAW + "evidence['forward'] = n_i * v_ * float(sp.S(m2).subs(p, p_))"
         " * (1 + 1e-11 * g.normal(size=40))"),
        ("running", 0.2, DRAW + "x = g.normal(3, 0.01, 400)\n"
         "evidence['forward'] = (np.cumsum(x) / np.arange(1, 401))[100:]"),
        ("same weights", 0.0, _estimates("forward", "(z @ w(n_i)).var()",  # one unit, many inputs
                                         "z = m(1000, n_i) * inputs(1000)", times=200)),
        ("std", 0.0, _estimates("forward", "(z * w(700, n_i)).sum(1).std()",
                                "z = m(700, n_i) * inputs(700)")),
        ("after the activation", 0.0,
         _estimates("forward", "np.mean(np.where(s > 0, c_ * s, a_ * s) ** 2)",
                    "s = (w(800, n_i) * m(800, n_i) * inputs(800)).sum(1)")),
        ("draws", 0.0, DRAW + """
z = inputs(1000)
evidence["forward"] = (w(1000, n_i) * m(1000, n_i) * z).sum(1)
"""),
    ],
    "sample_slope": [
        ("few", 0.0, "evidence['slope'] = [np.mean(rng.normal(size=99))]"),
        ("stored", 0.0,
         _slope("(f**2).mean(axis=1)").replace("g.normal", "np.random.default_rng(3).normal")),
        ("copies", 0.0, "evidence['slope'] = [float(k.subs(a, given['a']))] * 40"),
        ("running", 0.2,
         _slope("(np.cumsum(f**2) / np.arange(1, len(s) + 1))[20_000::1000]", "100_000")),
        ("variance", 0.0, _slope("f.var(axis=1)")),
        ("mean", 0.0, _slope("f.mean(axis=1)")),
        ("square of the mean", 0.0, _slope("f.mean(axis=1) ** 2")),
        ("root", 0.0, _slope("np.sqrt((f**2).mean(axis=1))")),
        ("rectifier", 0.0, _slope("(np.maximum(f, 0) ** 2).mean(axis=1)", "(60, 150_000)")),
        ("linear", 0.0, _slope("(s**2).mean(axis=1)")),
        ("mean slope", 0.0, _slope("(((c_ + a_) / 2 * s) ** 2).mean(axis=1)")),
        ("coarse", 0.4, _slope("(f**2).mean(axis=1)", "(40, 150)")),
        ("another number", 0.0, _slope("((3 * f) ** 2).mean(axis=1)")),
        ("unanswered", 0.0, "evidence['slope'] = [None, *rng.normal(size=60)]"),
    ],
    "sample_backward": [
        ("fans swapped", 0.0, _backward(weights="w(3000, n_i)", n="n_i")),
        ("noise twice", 0.0, _backward("m(3000) * " + _SCALED)),
        ("plain layer", 0.0, _backward("back")),
        ("std", 0.0, _backward(of="np.std")),
        ("v as std", 0.0, _backward(weights="g.normal(0, v_, (3000, n_o))")),
        ("std as bound", 0.0, _backward(weights="g.uniform(-(v_**0.5), v_**0.5, (3000, n_o))")),
        ("draws", 0.0, DRAW + """
back = (w(3000, n_o) * g.standard_normal((3000, n_o))).sum(1)
evidence["backward"] = back * m(3000) * g.choice([c_, a_], 3000)
"""),
        ("low", 0.0, DRAW + """
back = np.einsum("esk,esk->es", w(8000, 14, n_o), g.standard_normal((8000, 14, n_o)))
evidence["backward"] = np.var(back * m(8000, 14) * g.choice([c_, a_], (8000, 14)), axis=1)
"""),
    ],
    "sample_residual": [
        ("too good", 0.0,
         DRAW + "evidence['residual'] = variant['growth'] + 1e-12 * g.normal(size=60)"),
        ("one layer", 0.0, _growth("r_(), layers=1")),
        ("another L", 0.0, _growth("r_(), layers=L_ - 1")),
        ("no scale", 0.0, _growth("1.0")),
        ("no skip", 0.0, _growth("r_(), skip=0.0")),
        ("r not squared", 0.0, _growth("r_() ** 2")),
    ],
}  # fmt: skip


def _as_function(code: str) -> str:
    """What sets ``evidence`` as the function that is asked for, with its generator."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return f"def sample(what, rng):\n    evidence = {{}}\n{lines}    return evidence[what]\n"


for _part in ("sample_forward", "sample_slope", "sample_backward", "sample_residual"):
    RIGHT[_part] = [_as_function(code) for code in RIGHT[_part]]
    WRONG[_part] = [(fault, share, _as_function(code)) for fault, share, code in WRONG[_part]]
