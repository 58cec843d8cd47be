"""Solutions of problem set 3, right and wrong, in the styles in which they come.

All is written in terms of ``variant``, and has the same fault for every student. Where it says who
published a mistake, that is the one meant, in the words of this problem set.
"""

# --------------------------------------------------------------------------------------------------
# Fans
# --------------------------------------------------------------------------------------------------

# Both sizes and the kernel, as they lie in the shape of an ordinary layer.
_READ = """
def read(shape):
    if variant["order"] == "in-out":
        return shape[-2], shape[-1], list(shape[:-2])
    return shape[1], shape[0], list(shape[2:])
"""


def _fans(*lines: str) -> str:
    """A function with these lines, which know i (ins), o (outs), k (kernel) and f (its size)."""
    start = ("i, o, k = read(shape)", "f = math.prod(k)")
    body = "".join(f"    {line}\n" for line in (*start, *lines))
    return f"{_READ}\ndef fans(shape, groups=1, transposed=False, packed=1):\n{body}"


_LOOPS = """
def fans(shape, groups=1, transposed=False, packed=1):
    shape = [int(n) for n in shape]
    if variant["order"] == "in-out":
        shape = [shape.pop(), shape.pop()] + shape
    outs, ins = shape.pop(0), shape.pop(0)
    if transposed:
        ins, outs = outs, ins * groups
    else:
        ins = ins * groups
    n_in, n_out = ins // groups, outs // groups // packed
    for side in shape:
        n_in *= side
        n_out *= side
    return n_in, n_out
"""
_ARRAYS = """
def fans(shape, groups=1, transposed=False, packed=1):
    s = np.array(shape)
    if variant["order"] == "in-out":
        s = s[::-1]
    field, two = s[2:].prod(), s[:2] / [groups * packed, 1]
    return field * (two if transposed else two[::-1])
"""
_ALL = [_LOOPS, _ARRAYS]

_DENSE = [
    # Keras has (in, out), torch has (out, in).
    ("swapped", 0.0, _fans("return o * f, i * f")),
    ("sorted", 0.0, _fans("return min(i, o), max(i, o)")),
    ("sorted down", 0.0, "def fans(shape, **options):\n    return tuple(sorted(shape)[::-1])"),
    ("fan-in twice", 0.0, _fans("return i, i")),
    ("fan-out twice", 0.0, _fans("return o, o")),
    ("mean of both", 0.0, _fans("n = (i + o) / 2", "return n, n")),
    ("parameters", 0.0, _fans("return i * o, i * o")),
]
_CONVOLUTION = [
    ("kernel of fan-out", 0.0, _fans("return i * f, o")),
    ("kernel of fan-in", 0.0, _fans("return i, o * f")),
    ("one side", 0.0, _fans("return i * k[0], o * k[0]")),
    ("two sides", 0.0, _fans("return i * k[0] ** 2, o * k[0] ** 2")),
    # The code of torch on weights of Keras, and the other way round.
    ("layout", 0.0, """
def fans(shape, groups=1, transposed=False, packed=1):
    if variant["order"] == "out-in":
        field = math.prod(shape[:-2])
        return shape[-2] * field, shape[-1] * field
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field
"""),
    ("parameters", 0.0, _fans("return i * o * f, i * o * f")),
]  # fmt: skip
_GROUPED = [
    # torch.nn.init._calculate_fan_in_and_fan_out does not know of groups.
    ("groups", 0.0, _fans("return i * f, o * f")),
    ("fan-in divided", 0.0, _fans("return i * f // groups, o * f // groups")),
    ("ungrouped", 0.0, _fans("return i * groups * f, o * f")),
    ("fan-in of all", 0.0, _fans("return i * groups * f, o // groups * f")),
    ("kernel", 0.0, _fans("return i, o // groups")),
    ("kernel of fan-out", 0.0, _fans("return i * f, o // groups")),
]
_TRANSPOSED = [
    ("ordinary", 0.0, _fans("return i * f, o // groups * f")),
    # What torch.nn.init makes of the weights of ConvTranspose2d.
    ("ordinary, no groups", 0.0, _fans("return i * f, o * f")),
    ("groups", 0.0, _fans("return o * f, i * f")),
    ("both divided", 0.0, _fans("return o // groups * f, i / groups * f")),
    ("kernel", 0.0, _fans("return o // groups, i")),
    ("kernel of fan-in", 0.0, _fans("return o // groups, i * f")),
    ("fans", 0.0, _fans("return o // groups * f / 4, i * f")),
    ("unanswered", 0.0, _fans("raise ValueError('transposed')")),
]
_PACKED = [
    # torch's MultiheadAttention draws in_proj_weight as one matrix.
    ("packed", 0.0, _fans("return i, o")),
    ("fan-in divided", 0.0, _fans("return i / packed, o")),
    ("both divided", 0.0, _fans("return i / packed, o / packed")),
    ("packed and swapped", 0.0, _fans("return o, i")),
    ("always three", 0.0, _fans("return i, o // 3")),
    ("sorted", 0.0, _fans("return tuple(sorted((i, o // packed)))")),
]

# --------------------------------------------------------------------------------------------------
# Samplers
# --------------------------------------------------------------------------------------------------


def _sampler(name: str, *lines: str) -> str:
    """A function with these lines, of which the last is what it returns."""
    body = "".join(f"    {line}\n" for line in (*lines[:-1], f"return {lines[-1]}"))
    return f"from scipy import stats\ndef {name}(shape, variance, rng):\n{body}"


# Mistakes that every sampler can have: what is done first, and what comes of what is drawn then.
_ANY = [
    # Keras: an initializer with a seed gives the same weights at every call.
    ("seeded inside", "rng = np.random.default_rng(0)", "drawn(shape, variance, rng)"),
    ("another source", "rng = np.random.default_rng()", "drawn(shape, variance, rng)"),
    ("unanswered", "shape = shape[::-1]", "drawn(shape, variance, rng)"),
    ("unanswered", "", "np.full(shape, np.nan)"),
    ("unanswered", "", "[[0.1], [0.1, 0.2]] * 250"),
    ("constant", "", "np.zeros(shape)"),
    ("few values", "", "rng.choice([-1, 1], shape) * math.sqrt(variance)"),
    ("variance", "", "rng.random(shape) * 1e200 - 5e199"),
    ("variance", "", "1.1 * drawn(shape, variance, rng)"),
    ("repeated", "", "np.tile(drawn([shape[0], 1], variance, rng), (1, shape[1]))"),
    ("exact", "w = drawn(shape, variance, rng)", "w - w.mean()"),
    ("mean", "", "np.abs(drawn(shape, variance, rng))"),
    ("mean", "", "drawn(shape, variance, rng) + 0.01"),
    ("twice", "", "2 * drawn(shape, variance, rng)"),
    ("half", "", "drawn(shape, variance / 4, rng)"),
    ("variance as std", "", "drawn(shape, variance**2, rng)"),
]  # fmt: skip
_UNIFORM = [
    ("missing root", 0.0, _sampler("uniform", "rng.uniform(-3 * variance, 3 * variance, shape)")),
    # sqrt(6 / ...) is the bound where the variance is 2 / ...: the 2 counted twice.
    ("six", 0.0, _sampler("uniform", "(2 * rng.random(shape) - 1) * np.sqrt(6 * variance)")),
    ("three", 0.0, _sampler("uniform", "rng.uniform(-3, 3, shape) * math.sqrt(variance)")),
    ("variance as bound", 0.0, _sampler("uniform", "rng.uniform(-variance, variance, shape)")),
    ("std as bound", 0.0, _sampler("uniform", "rng.uniform(-1, 1, shape) * variance**0.5")),
    ("normal", 0.0, _sampler("uniform", "math.sqrt(variance) * rng.standard_normal(shape)")),
    ("reach", 0.0, _sampler("uniform", "a = math.sqrt(2 * variance)",
                            "a * np.sin(rng.uniform(0, 2 * math.pi, shape))")),
    *((fault, 0.0, "drawn = uniform\n" + _sampler("uniform", first or "pass", then))
      for fault, first, then in _ANY),
]  # fmt: skip
_NORMAL = [
    ("variance as std", 0.0, _sampler("normal", "rng.normal(0, variance, shape)")),
    ("std as bound", 0.0, _sampler("normal", "rng.uniform(-1, 1, shape) * variance ** 0.5")),
    ("bound as std", 0.0, _sampler("normal", "rng.normal(0, math.sqrt(3 * variance), shape)")),
    ("uniform", 0.0, _sampler("normal", "rng.uniform(-1, 1, shape) * math.sqrt(3 * variance)")),
    # What TensorFlow calls VarianceScaling and "normal" was cut off at two stds for years.
    ("truncated", 0.0, _sampler("normal", "s = math.sqrt(variance)",
                                "s * stats.truncnorm.rvs(-2, 2, size=shape, random_state=rng)")),
    ("half variance", 0.0, _sampler("normal", "u, v = rng.random(shape), rng.random(shape)",
                                    "np.sqrt(-variance * np.log(1 - u)) * np.cos(2 * np.pi * v)")),
    ("clipped", 0.0, _sampler("normal", "s = math.sqrt(variance)",
                              "np.clip(rng.normal(0, s, shape), -3 * s, 3 * s)")),
    # Nearly normal.
    ("distribution", 0.0, _sampler("normal", "w = rng.random([*shape, 12]).sum(axis=-1)",
                                   "(w - 6) * math.sqrt(variance)")),
    ("too even", 0.0, _sampler("normal", "n = math.prod(shape)",
                               "w = stats.norm.ppf((rng.permutation(n) + rng.random(n)) / n)",
                               "w.reshape(shape) * math.sqrt(variance)")),
]  # fmt: skip
_TRUNCATED = [
    (fault, 0.0, _sampler("truncated", "c, s = variant['cut'], math.sqrt(variance)", then))
    for fault, then in (
        ("not corrected", "s * stats.truncnorm.rvs(-c, c, size=shape, random_state=rng)"),
        ("corrected twice", "s * stats.truncnorm.rvs(-c, c, size=shape, random_state=rng)"
                            " / left_by(c)"),
        ("wrong way", "s * stats.truncnorm.rvs(-c, c, size=shape, random_state=rng)"
                      " * math.sqrt(left_by(c))"),
        # The constant of TensorFlow, Keras, Flax and JAX, which cut off at two stds.
        ("cut of two", "s * stats.truncnorm.rvs(-c, c, size=shape, random_state=rng)"
                       " / 0.87962566103423978"),
        ("cut early", "s / math.sqrt(left_by(c)) * stats.truncnorm.rvs(-c * math.sqrt(left_by(c)),"
                      " c * math.sqrt(left_by(c)), size=shape, random_state=rng)"),
        ("not cut", "s / math.sqrt(left_by(c)) * rng.normal(size=shape)"),
        ("once", "s / math.sqrt(left_by(c)) * np.where(np.abs(w := rng.normal(size=shape)) > c,"
                 " rng.normal(size=shape), w)"),
    )
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# A whole module
# --------------------------------------------------------------------------------------------------

_MODULE = """
def initialize(module, generator):
    def draw(weight, n_in, n_out):
        gain = variant["gain"]
        per = {"fan-in": n_in, "fan-out": n_out, "harmonic": (n_in + n_out) / 2}
        variance = gain**2 / per[variant["rule"]]
        bound = math.sqrt(3 * variance)
        with torch.no_grad():
            weight.uniform_(-bound, bound, generator=generator)

    for layer in module.modules():
        if isinstance(layer, torch.nn.MultiheadAttention):
            draw(layer.in_proj_weight, layer.embed_dim, layer.embed_dim)
            torch.nn.init.zeros_(layer.in_proj_bias)
        elif isinstance(layer, torch.nn.Linear):
            draw(layer.weight, layer.in_features, layer.out_features)
            torch.nn.init.zeros_(layer.bias)
        elif isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            field = math.prod(layer.kernel_size)
            ins, outs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
            draw(layer.weight, ins * field, outs * field)
            torch.nn.init.zeros_(layer.bias)
"""


def _but(*changes: tuple[str, str]) -> str:
    """The solution above with changes."""
    code = _MODULE
    for old, new in changes:
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    return code


_UNIFORM_ = "weight.uniform_(-bound, bound, generator=generator)"
_BOUND = "math.sqrt(3 * variance)"
_END = "\n        elif isinstance(layer, torch.nn.Linear):"

_INITIALIZE_RIGHT = [
    _MODULE,
    _but((_UNIFORM_, "weight.copy_(torch.rand(weight.shape, generator=generator).half() "
                     "* (2 * bound) - bound)")),
]  # fmt: skip

_INITIALIZE_WRONG = [
    ("unchanged", 0.0, "def initialize(module, generator):\n    pass"),
    ("unanswered", 0.0, "def initialize(module):\n    pass"),
    ("left out", 0.2, _but((", torch.nn.ConvTranspose2d", ""))),
    ("constant", 0.2, _but((_UNIFORM_, "weight.zero_()"))),
    ("another source", 0.2, _but((", generator=generator", ""))),
    ("seeded inside", 0.2, _but(("    def draw(", "    generator = torch.Generator()"
                                 ".manual_seed(0)\n    def draw("))),
    ("layers alike", 0.3, _but(("    def draw(", "    seed = int(torch.randint(2**60, (1,), "
                                "generator=generator))\n    def draw("),
                               (_UNIFORM_, "weight.uniform_(-bound, bound, "
                                "generator=torch.Generator().manual_seed(seed))"))),
    ("kernel", 0.4, _but(("math.prod(layer.kernel_size)", "1"))),
    ("groups", 0.4, _but(("layer.in_channels // layer.groups, layer.out_channels // layer.groups",
                          "layer.in_channels, layer.out_channels"))),
    ("fan-in divided", 0.4, _but((
        "layer.in_channels // layer.groups, layer.out_channels // layer.groups",
        "layer.in_channels // layer.groups**2, layer.out_channels // layer.groups"))),
    ("other rule", 0.4, _but(('variant["rule"]',
                              '{"fan-in": "harmonic"}.get(variant["rule"], "fan-in")'))),
    ("gain twice", 0.4, _but((_BOUND, _BOUND + " * gain"))),
    ("no gain", 0.4, _but(("gain**2", "1"))),
    ("std as bound", 0.4, _but((_BOUND, "math.sqrt(variance)"))),
    ("torch's own", 0.4, _but((_BOUND, "1 / math.sqrt(n_in)"))),
    ("biases", 0.5, _but(("torch.nn.init.zeros_(layer.in_proj_bias)", "pass"))),
    ("touched", 0.5, _but((_END, "\n        elif isinstance(layer, torch.nn.Embedding):\n"
                           "            draw(layer.weight, *layer.weight.shape)" + _END))),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# What students make
# --------------------------------------------------------------------------------------------------

_DRAWN = """
from scipy import stats
law = stats.truncnorm(-variant["cut"], variant["cut"])
def drawn(n, scale=1 / law.std()):
    return law.rvs(n, random_state=rng) * scale
end = variant["cut"] / law.std()
def picture(w, edges=np.linspace(-end, end, 31)):
    counts, edges = np.histogram(w, edges)
    return {"edges": edges, "counts": counts}
"""

_HISTOGRAM_RIGHT = [
    # Edges from the smallest to the largest draw.
    """
draws = truncated((100_000,), 1.0, rng)
counts, edges = np.histogram(draws, bins=50)
histogram = dict(counts=counts, edges=edges)
""",
    _DRAWN + """
edges = law.ppf(np.linspace(0, 1, 26)) / law.std()
histogram = picture(drawn(300_000), edges) | {"title": "cut off"}
""",
]  # fmt: skip
_HISTOGRAM_WRONG = [
    ("density", 0.0, 'histogram["counts"] = histogram["counts"] / histogram["counts"].sum()'),
    # The default of the libraries.
    ("other cut", 0.0, _DRAWN + """
law = stats.truncnorm(-2, 2)
histogram = picture(drawn(300_000, 1 / law.std()), np.linspace(-3, 3, 61))
"""),
    ("edges", 0.0,
     _DRAWN + "histogram = picture(drawn(300_000), np.linspace(-0.9, 0.9, 31) * end)"),
    ("few", 0.0, _DRAWN + "histogram = picture(drawn(10_000))"),
    ("few bins", 0.0, _DRAWN + "histogram = picture(drawn(200_000), np.linspace(-end, end, 11))"),
    ("centres", 0.0, _DRAWN + """
histogram["edges"] = (histogram["edges"][1:] + histogram["edges"][:-1]) / 2
"""),
    ("cumulative", 0.0, 'histogram["counts"] = np.cumsum(histogram["counts"])'),
    ("stored", 0.0, "histogram = given(np.random.default_rng(5))"),
    # What nobody has drawn.
    ("too good", 0.0, _DRAWN + """
histogram["counts"] = np.round(4e5 * np.diff(law.cdf(histogram["edges"] * law.std()))).astype(int)
"""),
]  # fmt: skip


def _as_function(code: str) -> str:
    """What sets ``histogram`` as the function that is asked for, with its generator."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    start = "given = histogram\ndef histogram(rng):\n    histogram = given(rng)\n"
    return f"{start}{lines}    return histogram\n"


_HISTOGRAM_RIGHT = [_as_function(code) for code in _HISTOGRAM_RIGHT]
_HISTOGRAM_WRONG = [(fault, share, _as_function(code)) for fault, share, code in _HISTOGRAM_WRONG]

_SIGNAL = """
x = datasets.load("digits", "test").images[:300].numpy().astype(float)
sizes = [64] + [variant["width"]] * variant["depth"]
rng = np.random.default_rng(21)
def layers(weights, x=x, f=np.tanh):
    found = []
    for w in weights:
        x = f(x @ w)
        found.append(x)
    return found
def stds(weights, **how):
    return [z.std() for z in layers(weights, **how)]
weights = [uniform((a, b), variance_of(a, b), rng) for a, b in zip(sizes, sizes[1:])]
"""

_SIGNAL_RIGHT = [
    _SIGNAL + "signal = dict(weights=weights, std=np.round(stds(weights), 3))",
    # torch, in single precision, with its std (which divides by n - 1), as tuples.
    """
generator = torch.Generator().manual_seed(4)
z = datasets.load("digits", "test").images[:300]
ws, found = [], []
for i in range(variant["depth"]):
    n = z.shape[1]
    a = math.sqrt(3 * variance_of(n, variant["width"]))
    ws.append(torch.empty(n, variant["width"]).uniform_(-a, a, generator=generator))
    z = torch.tanh(z @ ws[-1])
    found.append(z.std())
signal = {"weights": tuple(ws), "std": tuple(found), "rule": variant["rule"]}
""",
]
_SIGNAL_WRONG = [
    ("variance", 0.5, 'signal["std"] = np.square(signal["std"])'),
    ("before tanh", 0.5, _SIGNAL + """
z = [x] + layers(weights)
signal = {"weights": weights, "std": [(a @ w).std() for a, w in zip(z, weights)]}
"""),
    ("shifted", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": [x.std()] + stds(weights)[:-1]}
"""),
    ("no tanh", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": stds(weights, f=lambda s: s)}
"""),
    ("by units", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": [z.std(axis=0).mean() for z in layers(weights)]}
"""),
    ("one image", 0.5, _SIGNAL + 'signal = {"weights": weights, "std": stds(weights, x=x[0])}'),
    ("train", 0.5, _SIGNAL + """
x = datasets.load("digits", "train").images[:300].numpy()
signal = {"weights": weights, "std": stds(weights, x=x)}
"""),
    ("all images", 0.5, _SIGNAL + """
x = datasets.load("digits", "test").images.numpy()
signal = {"weights": weights, "std": np.round(stds(weights, x=x), 6)}
"""),
    ("backwards", 0.5, 'signal["std"] = signal["std"][::-1]'),
    # Drawn again after they had been measured.
    ("not these weights", 0.5, _SIGNAL + 'signal["weights"] = weights'),
    # One generator's seed for all layers.
    ("layers alike", 0.3, _SIGNAL + """
weights = [uniform(w.shape, variance_of(*w.shape), np.random.default_rng(0)) for w in weights]
signal = {"weights": weights, "std": stds(weights)}
"""),
    ("std as bound", 0.3, _SIGNAL + """
weights = [w / math.sqrt(3) for w in weights]
signal = {"weights": weights, "std": stds(weights)}
"""),
]  # fmt: skip

_TRAIN = """
def train(optimizer, steps, batch, split="train"):
    data = datasets.load("digits", split)
    sizes, layers = variant["sizes"], []
    for a, b in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    generator = torch.Generator().manual_seed(8)
    initialize(model, generator)
    copies = lambda: [layer.weight.detach().T.clone() for layer in model[::2]]
    optimizer = optimizer(model.parameters())
    found = {"start": copies(), "costs": [], "rows": [], "lr": 0.1}
    for step in range(steps):
        chosen = torch.randint(len(data.labels), (batch,), generator=generator)
        found["rows"].append(chosen)
        cost = torch.nn.functional.cross_entropy(model(data.images[chosen]), data.labels[chosen])
        if step % max(1, 50 // batch) == 0:
            with torch.no_grad():
                whole = torch.nn.functional.cross_entropy(model(data.images), data.labels)
            found["costs"].append([step, whole.item()])
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    return found | {"end": copies(), "biases": [layer.bias.detach() for layer in model[::2]]}
"""

_SGD = "lambda p: torch.optim.SGD(p, lr=0.1)"
_TRAINED_RIGHT = [
    f"{_TRAIN}trained = train({_SGD}, 700, 10)",
    """
trained["rows"] = [[int(k) for k in row] for row in trained["rows"]]
trained["start"] = [torch.tensor(w) for w in trained["start"]]
trained["costs"] = np.array(trained["costs"])[::2]
trained["lr"] = torch.tensor(0.1)
""",
]
_TRAINED_WRONG = [
    # weight.detach().numpy() is a view: it is trained along with the network.
    ("in place", 0.2, 'trained["start"] = trained["end"]'),
    ("not trained", 0.2, 'trained["end"] = trained["start"]'),
    ("exchanged", 0.2,
     'trained["start"], trained["end"] = trained["end"], trained["start"]'),
    ("another run", 0.0, """
rng = np.random.default_rng(31)
trained["start"] = [uniform(w.shape, variance_of(*w.shape), rng) for w in trained["start"]]
"""),
    ("std as bound", 0.2, 'trained["start"] = [w / math.sqrt(3) for w in trained["start"]]'),
    ("another run", 0.0, 'trained["end"][-1] = np.roll(trained["end"][-1], 2, axis=1)'),
    ("not learned", 0.3, f"{_TRAIN}trained = train({_SGD}, 5, 10)"),
    ("another run", 0.0, f'{_TRAIN}trained = train({_SGD}, 600, 10, split="test")'),
    ("another run", 0.0,
     f"{_TRAIN}trained = train(lambda p: torch.optim.Adam(p, lr=0.01), 600, 50)"),
    ("another run", 0.0, 'trained["lr"] = 0.01'),
    ("rate", 0.2, 'trained["lr"] = -0.1'),
    ("unanswered", 0.0, 'trained["rows"] = trained["rows"] + 1000'),
    ("unanswered", 0.0, 'del trained["rows"]'),
    ("no log", 0.6, 'del trained["costs"]'),
    ("no log", 0.6, 'trained["costs"] = [c for _, c in trained["costs"]]'),
    ("order", 0.6, 'trained["costs"] = trained["costs"][::-1]'),
    ("order", 0.6, 'trained["costs"] = trained["costs"][4:]'),
    ("other costs", 0.6, 'trained["costs"] = [(t, c / 2) for t, c in trained["costs"]]'),
    # reduction="sum"
    ("not a mean", 0.6, 'trained["costs"] = [(t, 1000 * c) for t, c in trained["costs"]]'),
]  # fmt: skip

RIGHT: dict[str, list[str]] = {
    "dense": _ALL,
    "convolution": _ALL,
    "grouped": _ALL,
    "transposed": _ALL,
    "packed": _ALL,
    "uniform": [
        """
def uniform(shape, variance, rng):
    a = (3 * variance) ** 0.5
    return 2 * a * rng.random(shape) - a
""",
        """
def uniform(shape, variance, rng):
    return rng.integers(-2000, 2001, shape) / 2000 * math.sqrt(3 * variance)
""",
    ],
    "normal": [
        """
def normal(shape, variance, rng):
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(variance ** 0.5)
""",
        """
from scipy.special import ndtri
normal = lambda shape, variance, rng: ndtri(rng.random(shape)) * variance ** 0.5
""",
    ],
    "truncated": [
        """
from scipy import stats
def truncated(shape, variance, rng):
    c = variant["cut"]
    s = math.sqrt(variance / stats.truncnorm.var(-c, c))
    return stats.truncnorm.rvs(-c, c, scale=s, size=shape, random_state=rng)
""",
        # The inverse of the cumulative distribution.
        """
from scipy.special import ndtr, ndtri
def truncated(shape, variance, rng):
    c = variant["cut"]
    u = rng.uniform(ndtr(-c), ndtr(c), shape)
    return ndtri(u) * np.sqrt(variance / left_by(c))
""",
    ],
    "initialize": _INITIALIZE_RIGHT,
    "histogram": _HISTOGRAM_RIGHT,
    "signal": _SIGNAL_RIGHT,
    "trained": _TRAINED_RIGHT,
}  # fmt: skip

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "dense": _DENSE,
    "convolution": _CONVOLUTION,
    "grouped": _GROUPED,
    "transposed": _TRANSPOSED,
    "packed": _PACKED,
    "uniform": _UNIFORM,
    "normal": _NORMAL,
    "truncated": _TRUNCATED,
    "initialize": _INITIALIZE_WRONG,
    "histogram": _HISTOGRAM_WRONG,
    "signal": _SIGNAL_WRONG,
    "trained": _TRAINED_WRONG,
}
