"""Solutions of problem set 5, right and wrong, in the styles in which they come.

All are written in terms of the variant, so that a fault is the same one for every variant.
"""

# The mean of a function of a normal number, which a mistake may take otherwise.
MEAN = """
def normal(function, q):
    return float(weights @ function(math.sqrt(q) * z))
"""
LAYER = """
def variance(q, gain, bias):
    return {}
"""
FACTOR = """
def chi(q, gain):
    return {}
"""
PAIR = """
def both(function, c, q, rest=None):
    u, v = np.meshgrid(z, z, indexing="ij")
    rest = math.sqrt(1 - c**2) if rest is None else rest
    one, two = math.sqrt(q) * u, math.sqrt(q) * (c * u + rest * v)
    return weights @ (function(one) * function(two)) @ weights
def correlation(c, q, gain, bias):
    return {}
"""
BLOCKS = """
r = scales
def growth(count, gain):
    return {}
"""
HERMITE = "x, w = np.polynomial.hermite.hermgauss(60)\n"
PROBABILISTS = "x, w = np.polynomial.hermite_e.hermegauss(80)\n"


def _layer(value: str) -> str:
    return LAYER.format(value)


def _factor(value: str) -> str:
    return FACTOR.format(value)


def _pair(value: str) -> str:
    return PAIR.format(value)


def _blocks(value: str) -> str:
    return BLOCKS.format(value)


def _train(**changes: str) -> str:
    """Gradient descent with lines that are changed."""
    lines = {
        "std": "s.std(axis=0)",
        "error": "(f(u) @ v - y) / len(y)",
        "back": "slope(u) * np.outer(error, v)",
        "through": "(back - back.mean(axis=0) - u * (back * u).mean(axis=0)) / std",
        "step": "w - rates[0] * x.T @ back, v - rates[1] * f(u).T @ error",
        "updates": "updates",
    } | changes
    return f"""
def train(w, v, x, y, rates, updates):
    for _ in range({lines["updates"]}):
        s = x @ w
        std = {lines["std"]}
        u = (s - s.mean(axis=0)) / std
        error = {lines["error"]}
        back = {lines["back"]}
        back = {lines["through"]}
        w, v = {lines["step"]}
    return [w, v]
"""


def _torch(more: str = "", kind: str = "float64") -> str:
    """The same by torch."""
    return f"""
import torch

def train(w, v, x, y, rates, updates):
    w, v, x, y = (torch.tensor(a, dtype=torch.{kind}) for a in (w, v, x, y))
    for _ in range(updates):
        w.requires_grad_()
        v.requires_grad_()
        s = x @ w
        u = (s - s.mean(0)) / torch.sqrt(s.var(0, correction=0){more})
        if variant["activation"] == "erf":
            h = torch.erf(math.sqrt(math.pi) / 2 * u)
        else:
            h = {{"tanh": torch.tanh, "arctan": torch.atan}}[variant["activation"]](u)
        cost = ((h @ v - y) ** 2).mean() / 2
        gw, gv = torch.autograd.grad(cost, [w, v])
        w, v = (w - rates[0] * gw).detach(), (v - rates[1] * gv).detach()
    return w, v
"""


# Draws for evidence, with what a mistake may change.
COVARIANCE = """
def sample(what, rng):
    found, a, b, n, c = [], math.sqrt(q), math.sqrt(bias), 20, variant["cosine"]
    for _ in range(60):
        size = (4000, n)
        s = a * rng.normal(size=size)
        t = c * s + math.sqrt(1 - c**2) * a * rng.normal(size=size)
        w = gain / math.sqrt(n) * rng.normal(size=size)
        e = b * rng.normal(size=4000)
        {more}
        one, two = (f(s) * w).sum(1) + e, (f(t) * w).sum(1) + e
        {two}
        found.append({what})
    return found
"""
GROWTH = """
def sample(what, rng):
    found, n, (g, count) = [], 64, (variant["blocks"]["gain"], variant["blocks"]["count"])
    rs = scales(count)
    for _ in range({times}):
        before, after = [], []
        for _ in range({inner}):
            x = first = rng.normal(size=(6, n))
            for r in {rs}:
                w, v = rng.normal(size=(2, n, n)) / math.sqrt(n)
                x = {skip} + {scale} * np.maximum(0, x @ w * math.sqrt(2)) @ v * {gain}
            before.append((first**2).mean())
            after.append((x**2).mean())
        found.append({what})
    return found
"""


def _covariance(what: str = "np.mean(one * two)", more: str = "", two: str = "") -> str:
    return COVARIANCE.format(what=what, more=more, two=two)


def _growth(**changes: str) -> str:
    lines = {
        **{"times": "50", "inner": "10", "rs": "rs", "skip": "x", "scale": "r", "gain": "g"},
        "what": "np.mean(after) / np.mean(before)",
    }
    return GROWTH.format(**(lines | changes))


RIGHT: dict[str, list[str]] = {
    "variance": [
        HERMITE + _layer(
            "gain**2 * (w @ f(math.sqrt(2 * q) * x) ** 2) / math.sqrt(math.pi) + bias"
        ),
        """
from scipy import integrate, stats

def variance(q, gain, bias):
    inside = lambda x: f(q**0.5 * x) ** 2 * stats.norm.pdf(x)
    return np.float32(gain**2 * integrate.quad(inside, -12, 12)[0] + bias)
""",
    ],
    "chi": [
        PROBABILISTS + _factor(
            "round(gain**2 * (w @ slope(math.sqrt(q) * x) ** 2) / math.sqrt(2 * math.pi), 4)"
        ),
        _factor("np.array([gain**2 * normal(lambda s: slope(s) ** 2, q)])"),
    ],
    "settled": [
        "settled = {name: value for name, value in reversed(settled.items())} | {'more': None}",
        "settled['q'], settled['chi'] = float(f'{q:.3g}'), np.float64(f'{chi(q, gain):.3g}')",
    ],
    "correlation": [
        _pair("(gain**2 * both(f, c, q) + bias) / (gain**2 * both(f, 1.0, q) + bias)"),
        """
def correlation(c, q, gain, bias):  # by the sum and the difference, which are independent
    x, w = np.polynomial.hermite.hermgauss(60)
    plus, minus = np.meshgrid(x * math.sqrt(1 + c), x * math.sqrt(1 - c), indexing="ij")
    joint = w @ (f(q**0.5 * (plus + minus)) * f(q**0.5 * (plus - minus))) @ w / math.pi
    return (gain**2 * joint + bias) / variance(q, gain, bias)
""",
    ],
    "depth": [
        "depth = {'settles': round(end, 3), 'scale': f\"{depth['scale']:.4f}\", "
        "'layers': np.int64(depth['layers'])}",
        """
u, v = np.meshgrid(z, z, indexing="ij")
t = math.sqrt(q) * (end * u + math.sqrt(max(0, 1 - end**2)) * v)
depth["scale"] = 1 / -math.log(gain**2 * weights @ (slope(math.sqrt(q) * u) * slope(t)) @ weights)
""",
    ],
    "sample_covariance": [
        """
def sample(what, rng):  # whole layers
    found = []
    for _ in range(150):
        n, c = 100, variant["cosine"]
        s = rng.multivariate_normal([0, 0], [[q, q * c], [q * c, q]], size=(60, n))
        w, b = rng.normal(size=(n, 100)) * gain / n**0.5, rng.normal(size=100) * bias**0.5
        one, two = f(s[..., 0]) @ w + b, f(s[..., 1]) @ w + b
        found.append((one * two).mean())
    return np.array(found)
""",
        _covariance("np.cov(one, two)[0, 1]"),
    ],
    "growth": [
        """
def growth(count, gain):
    size = 1.0
    for k in range(1, count + 1):
        r = {"plain": 1, "1/sqrt(L)": count**-0.5, "1/sqrt(k)": k**-0.5}
        size += (r[variant["blocks"]["branch"]] * gain) ** 2 * size
    return size
""",
        "growth = lambda n, g: np.exp(np.log1p((scales(n) * g) ** 2).sum())",
    ],
    "sample_growth": [
        _growth(),
        _growth(what="np.sum(after) / np.sum(before)", times="80", inner="6").replace(
            "rng.normal(size=(2, n, n))", "rng.choice([-1.0, 1.0], size=(2, n, n))"
        ),
    ],
    "train": [
        *(_torch(), _torch(kind="float32")),
        _train(std="np.sqrt(((s - s.mean(axis=0)) ** 2).mean(axis=0))"),
    ],
    "same_run": [
        "same_run = {name: str(value) for name, value in same_run.items()}",
        "same_run['decay'] = round(same_run['decay'], 5)",
    ],
    "widths": [
        "widths = {name: np.array(factors) for name, factors in widths.items()}",
        "widths = {name: tuple(round(x, 6) for x in factors) for name, factors in widths.items()}",
    ],
}  # fmt: skip

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "variance": [
        ("q as std", 0.0, _layer("gain**2 * normal(lambda s: f(s) ** 2, q**2) + bias")),
        ("weight of Hermite", 0.0, HERMITE
         + _layer("gain**2 * (w @ f(math.sqrt(q) * x) ** 2) / math.sqrt(math.pi) + bias")),
        ("not a mean", 0.0,
         HERMITE + _layer("gain**2 * (w @ f(math.sqrt(2 * q) * x) ** 2) + bias")),
        ("not a mean", 0.0, PROBABILISTS
         + _layer("gain**2 * (w @ f(math.sqrt(q) * x) ** 2) + bias")),
        ("gain not squared", 0.0, _layer("gain * normal(lambda s: f(s) ** 2, q) + bias")),
        ("bias squared", 0.0, _layer("gain**2 * normal(lambda s: f(s) ** 2, q) + bias**2")),
        ("no bias", 0.0, _layer("gain**2 * normal(lambda s: f(s) ** 2, q)")),
        ("bias inside", 0.0, _layer("gain**2 * (normal(lambda s: f(s) ** 2, q) + bias)")),
        ("root", 0.0, _layer("math.sqrt(gain**2 * normal(lambda s: f(s) ** 2, q) + bias)")),
        ("not squared", 0.0, _layer("gain**2 * normal(f, q) + bias")),
        ("slope for f", 0.0, _layer("gain**2 * normal(lambda s: slope(s) ** 2, q) + bias")),
        ("own numbers only", 0.3,
         'a = variant["gain"], variant["bias"]\nb = variance(1.0, *a)\n' + _layer("b")),
        ("another number", 0.0, _layer("gain**2 * normal(lambda s: f(s) ** 4, q) + 3 * bias")),
        ("unanswered", 0.0, _layer("math.nan")),
        ("unanswered", 0.0, _layer("None")),
    ],
    "chi": [
        ("f for slope", 0.0, _factor("gain**2 * normal(lambda s: f(s) ** 2, q)")),
        ("not squared", 0.0, _factor("gain**2 * normal(slope, q)")),
        ("mean squared", 0.0, _factor("(gain * normal(slope, q)) ** 2")),
        ("gain not squared", 0.0, _factor("gain * normal(lambda s: slope(s) ** 2, q)")),
        ("no gain", 0.0, _factor("normal(lambda s: slope(s) ** 2, q)")),
        ("q as std", 0.0, _factor("gain**2 * weights @ slope(q * z) ** 2")),
        ("not a mean", 0.0, PROBABILISTS + _factor("gain**2 * (w @ slope(math.sqrt(q) * x) ** 2)")),
        ("at zero", 0.0, _factor("gain**2 * slope(0.0) ** 2")),
        ("root", 0.0, _factor("gain * math.sqrt(normal(lambda s: slope(s) ** 2, q))")),
    ],
    "settled": [
        ("root", 0.667, "settled['q'] = math.sqrt(q)"),
        ("no bias", 0.667, """
at = 1.0
for _ in range(4000):
    at = variance(at, gain, 0.0)
settled["q"] = at
"""),
        ("no bias", 0.667, """
at = 1.0
for _ in range(1000):
    at = variance(at, gain, bias**2)
settled["q"] = at
"""),
        ("gain not squared", 0.667, """
at = 1.0
for _ in range(1000):
    at = variance(at, gain**0.5, bias)
settled["q"] = at
"""),
        ("one layer", 0.667, "settled['q'] = variance(1.0, gain, bias)"),
        ("q", 0.667, "settled['q'] = 7.0"),
        ("f for slope", 0.667, "settled['chi'] = gain**2 * normal(lambda s: f(s) ** 2, q)"),
        ("not squared", 0.667, "settled['chi'] = gain**2 * normal(slope, q)"),
        ("at zero", 0.667, "settled['chi'] = gain**2"),
        ("chi", 0.667, "settled['chi'] = -1"),
        ("side", 0.667,
         "settled['side'] = {'ordered': 'chaotic', 'chaotic': 'ordered'}[settled['side']]"),
        ("no number", 0.333, "settled['q'] = settled['chi'] = None"),
    ],
    "correlation": [
        ("not divided", 0.0, _pair("gain**2 * both(f, c, q) + bias")),
        ("divided by q", 0.0, _pair("(gain**2 * both(f, c, q) + bias) / q")),
        ("no bias", 0.0, _pair("both(f, c, q) / normal(lambda s: f(s) ** 2, q)")),
        ("one bias", 0.0, _pair("gain**2 * both(f, c, q) / variance(q, gain, bias)")),
        ("bias squared", 0.0,
         _pair("(gain**2 * both(f, c, q) + bias**2) / variance(q, gain, bias**2)")),
        ("gain not squared", 0.0,
         _pair("(gain * both(f, c, q) + bias) / variance(q, gain**0.5, bias)")),
        ("no root", 0.0,
         _pair("(gain**2 * both(f, c, q, 1 - c**2) + bias) / variance(q, gain, bias)")),
        ("not one variance", 0.0,
         _pair("(gain**2 * both(f, c, q, 1.0) + bias) / variance(q, gain, bias)")),
        ("slope for f", 0.0, _pair("gain**2 * both(slope, c, q)")),
        ("q as std", 0.0,
         _pair("(gain**2 * both(f, c, q**2) + bias) / variance(q**2, gain, bias)")),
        ("unchanged", 0.0, _pair("c")),
    ],
    "depth": [
        ("one layer", 0.667, "depth['settles'] = cosines[1]"),
        ("settles", 0.667, "depth['settles'] = 0.0"),
        ("sign", 0.667, "depth['scale'] *= -1"),
        ("slope", 0.667, "depth['scale'] = ahead"),
        ("no logarithm", 0.667, "depth['scale'] = 1 / (1 - ahead)"),
        ("upside down", 0.667, "depth['scale'] = 1 / depth['scale']"),
        ("another base", 0.667, "depth['scale'] = -1 / math.log10(ahead)"),
        ("another base", 0.667, "depth['scale'] = -1 / math.log2(ahead)"),
        ("scale", 0.667, "depth['scale'] *= 1.3"),
        ("one layer off", 0.667, "depth['layers'] += 1"),
        ("one layer off", 0.667, "depth['layers'] -= 1"),
        ("layers", 0.667, "depth['layers'] = 1000"),
        ("no number", 0.0, "depth = dict.fromkeys(depth)"),
    ],
    "sample_covariance": [
        ("variance", 0.0, _covariance("np.mean(one**2)")),
        ("correlation", 0.0, _covariance("np.corrcoef(one, two)[0, 1]")),
        ("no bias", 0.0, _covariance(more="e = 0 * e")),
        ("other weights", 0.0, _covariance(
            two="two = (f(t) * gain / math.sqrt(n) * rng.normal(size=size)).sum(1) + e")),
        ("no bias", 0.0, _covariance(more="e = bias * rng.normal(size=4000)")),
        ("q as std", 0.0, _covariance(more="s, t = a * s, a * t")),
        ("linear", 0.0, _covariance(two="one, two = (s * w).sum(1) + e, (t * w).sum(1) + e")),
        ("before the layer", 0.0, _covariance("np.mean(s * t)")),
        ("few", 0.0, _covariance().replace("range(60)", "range(20)")),
        ("unanswered", 0.0, "def sample(what, rng):\n    return None"),
    ],
    "growth": [
        ("gain not squared", 0.0, _blocks("np.prod(1 + r(count) ** 2 * gain)")),
        ("amplitudes", 0.0, _blocks("np.prod((1 + r(count) * gain) ** 2)")),
        ("half", 0.0, _blocks("np.prod(1 + (r(count) * gain) ** 2 / 2)")),
        ("doubled", 0.0, _blocks("2**count")),
        ("no skip", 0.0, _blocks("np.prod((r(count) * gain) ** 2)")),
        ("root", 0.0, _blocks("np.sqrt(np.prod(1 + (r(count) * gain) ** 2))")),
        ("added", 0.0, _blocks("1 + np.sum((r(count) * gain) ** 2)")),
        ("many blocks", 0.0, _blocks("np.exp(np.sum((r(count) * gain) ** 2))")),
        ("one block", 0.0, _blocks("1 + (r(count)[0] * gain) ** 2")),
        ("another count", 0.0,
         _blocks("np.prod(1 + (r(count) * gain) ** 2) * (1 + (r(count)[-1] * gain) ** 2)")),
        ("another count", 0.0, _blocks("np.prod(1 + (r(count)[:-1] * gain) ** 2)")),
        ("own numbers only", 0.3,
         "n, g = (variant['blocks'][name] for name in ('count', 'gain'))\n"
         "own = growth(n, g)\ngrowth = lambda count, gain: own"),
        ("another number", 0.0, _blocks("1.2345 + gain")),
        ("unanswered", 0.0, _blocks("math.inf")),
    ],
    "sample_growth": [
        ("half", 0.0, _growth().replace("math.sqrt(2)", "1.0")),
        ("no skip", 0.0, _growth(skip="0")),
        ("few", 0.0, _growth(times="12", inner="2")),
        ("stored", 0.0, "x = 0\n" + _growth(inner="2", times="200").replace(
            "    rs = scales(count)", "    rs, rng = scales(count), np.random.default_rng(3)")),
        ("copies", 0.0, "def sample(what, rng):\n    return [1.5] * 60"),
        ("unanswered", 0.0, "def sample(what, rng):\n    return ['many'] * 60"),
    ],
    "train": [
        ("numbers", 0.0, _train(through="back / std")),
        ("n - 1", 0.0, _torch().replace("correction=0", "correction=1")),
        ("not scaled", 0.0, _train(std="1.0", through="back - back.mean(axis=0)")),
        ("sum", 0.0, _train(error="f(u) @ v - y")),
        ("no half", 0.0, _train(error="2 * (f(u) @ v - y) / len(y)")),
        ("in turns", 0.0, _train(back="slope(u) * np.outer(error, v - rates[1] * f(u).T @ error)")),
        ("rates swapped", 0.0,
         _train(step="w - rates[1] * x.T @ back, v - rates[0] * f(u).T @ error")),
        ("one rate", 0.0, _train(step="w - rates[0] * x.T @ back, v - rates[0] * f(u).T @ error")),
        ("one rate", 0.0, _train(step="w - rates[1] * x.T @ back, v - rates[1] * f(u).T @ error")),
        ("another count", 0.0, _train(updates="updates - 1")),
        ("another count", 0.0, _train(updates="updates + 1")),
        ("uphill", 0.0, _train(step="w + rates[0] * x.T @ back, v + rates[1] * f(u).T @ error")),
        ("not trained", 0.0, "train = lambda w, v, *rest: [w, v]"),
        ("epsilon", 0.5, _torch(" + 1e-5")),
        ("weights", 0.0, _train(back="np.outer(error, v)")),
        ("unanswered", 0.0, "train = lambda w, v, *rest: w"),
    ],
    "same_run": [
        ("no factor", 0.75, "same_run['rate'] = 1"),
        ("other optimizer", 0.75,
         "same_run['rate'] = k if variant['optimizer'] == 'gradient descent' else k**2"),
        ("other optimizer", 0.75,
         "same_run['decay'] = 1 / (k if variant['optimizer'] == 'gradient descent' else k**2)"),
        ("upside down", 0.75, "same_run['gradient'] = k"),
        ("upside down", 0.75, "same_run['rate'] = 1 / same_run['rate']"),
        ("squared", 0.75, "same_run['gradient'] = k**-2"),
        ("of the first layer", 0.75, "same_run['output'] = same_run['rate']"),
        ("gradient", 0.75, "same_run['gradient'] = 11"),
        ("no factor", 0.25, "same_run = dict.fromkeys(same_run, 1)"),
        ("no number", 0.0, "same_run = dict.fromkeys(same_run)"),
        ("unanswered", 0.0, "same_run = {'rate': 1}"),
    ],
    "widths": [
        ("upside down", 0.75, "widths['ntk variance'] = [1 / x for x in widths['ntk variance']]"),
        ("root", 0.75, "widths['mup variance'] = [x**0.5 for x in widths['mup variance']]"),
        ("other optimizer", 0.75,
         "widths['mup rate'] = [m, 1, 1 / m] if variant['optimizer'] == 'adam'"
         " else [1, 1 / m, 1 / m]"),
        ("another parametrization", 0.75, "widths['mup variance'] = widths['ntk variance']"),
        ("another parametrization", 0.5, "widths['mup rate'] = widths['ntk rate'] = [1, 1, 1]"),
        ("order", 0.75, "widths['mup variance'] = widths['mup variance'][::-1]"),
        ("ntk rate", 0.75, "widths['ntk rate'] = [3, 3, 3]"),
        ("no number", 0.75, "widths['ntk rate'] = [3, 3]"),
        ("no number", 0.0, "widths = dict.fromkeys(widths, 1)"),
    ],
}  # fmt: skip

# What has another name, or none, with other variants' numbers.
OF_PUBLIC: dict[str, list[tuple[str, float, str]]] = {
    "chi": [  # with erf it is what comes of slopes that are not squared
        ("weight of Hermite", 0.0, HERMITE
         + _factor("gain**2 * (w @ slope(math.sqrt(q) * x) ** 2) / math.sqrt(math.pi)")),
    ],
    "depth": [
        ("the other end", 0.667, "depth['settles'] = 1.0"),
        ("of gradients", 0.667, "depth['scale'] = 1 / math.log(chi(q, gain))"),
        ("by the scale", 0.667, """
first = abs(variant["cosine"] - end)
depth["layers"] = math.ceil(depth["scale"] * math.log(first / variant["distance"]))
"""),
    ],
    "sample_covariance": [
        ("gain as variance", 0.0, _covariance(more="w /= gain**0.5")),
    ],
    "growth": [
        ("scale not squared", 0.0, _blocks("np.prod(1 + r(count) * gain**2)")),
        ("another branch", 0.0, _blocks("(1 + gain**2) ** count")),
    ],
    "sample_growth": [
        ("scale not squared", 0.0, _growth(scale="np.sqrt(r)")),
        ("another branch", 0.0, _growth(scale="1.0")),
    ],
}  # fmt: skip
