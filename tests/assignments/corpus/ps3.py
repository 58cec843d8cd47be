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
# By connecting: an output sees the inputs of its group at every place of the kernel.
_MASKS = """
from collections import namedtuple
Fans = namedtuple("Fans", "n_in n_out")

class Counter:
    def __call__(self, shape, groups=1, transposed=False, packed=1):
        kernel = shape[:-2] if variant["order"] == "in-out" else shape[2:]
        a, b = shape[-2:] if variant["order"] == "in-out" else shape[1::-1]
        ins, outs = (b, a * groups) if transposed else (a * groups, b)
        mask = np.kron(np.eye(groups), np.ones((ins // groups, outs // groups)))
        mask = mask[:, :outs // packed]
        f = np.ones(tuple(kernel)).sum()
        return Fans(mask.sum(axis=0)[0] * f, mask.sum(axis=1)[0] * f)

fans = Counter()
"""
_MATCH = """
from fractions import Fraction

def fans(shape, groups=1, transposed=False, packed=1):
    match (variant["order"], transposed):
        case ("in-out", False):
            *kernel, n_in, n_out = shape
        case ("in-out", True):
            *kernel, n_out, n_in = shape
        case ("out-in", False):
            n_out, n_in, *kernel = shape
        case ("out-in", True):
            n_in, n_out, *kernel = shape
    share = Fraction(1, groups)
    n_in, n_out = (n_in * share, n_out) if transposed else (n_in, n_out * share)
    return n_in * math.prod(kernel), Fraction(n_out, packed) * math.prod(kernel)
"""
_LAMBDA = """
_at = {"in-out": (-2, -1, slice(0, -2)), "out-in": (1, 0, slice(2, None))}[variant["order"]]
fans = lambda shape, groups=1, transposed=False, packed=1: tuple(
    torch.tensor([shape[i] / g for i, g in (
        ((_at[1], groups), (_at[0], 1)) if transposed else ((_at[0], 1), (_at[1], groups * packed))
    )], dtype=torch.float64) * math.prod(shape[_at[2]])
)
"""
_ALL = [_LOOPS, _ARRAYS, _MASKS, _MATCH, _LAMBDA]

_DENSE = [
    # Keras has (in, out), torch has (out, in).
    ("swapped", 0.0, _fans("return o * f, i * f")),
    ("sorted", 0.0, _fans("return min(i, o), max(i, o)")),
    ("sorted down", 0.0, "def fans(shape, **options):\n    return tuple(sorted(shape)[::-1])"),
    ("fan-in twice", 0.0, _fans("return i, i")),
    ("fan-out twice", 0.0, _fans("return o, o")),
    ("mean of both", 0.0, _fans("n = (i + o) / 2", "return n, n")),
    ("sum of both", 0.0, _fans("return [i + o] * 2")),
    ("bias", 0.0, _fans("return i + 1, o")),
    ("parameters", 0.0, _fans("return i * o, i * o")),
    ("fans", 0.0, _fans("return i - 1, o - 1")),
    ("fans", 0.0, _fans("return 1 / i, 1 / o")),
    ("fans", 0.0, "def fans(shape, **options):\n    return 64, 10"),
    ("unanswered", 0.0, _fans("print(i, o)")),
    ("unanswered", 0.0, _fans("return i")),
    ("unanswered", 0.0, _fans("return {'n_in': i, 'n_out': o}")),
    ("unanswered", 0.0, _fans("return str(i), str(o)")),
    ("unanswered", 0.0, _fans("return None, o")),
    ("unanswered", 0.0, _fans("return float('nan'), o")),
    ("unanswered", 0.0, _fans("return [i] * 100_000")),
    ("unanswered", 0.0, _fans("return [[i], [o, 1]]")),
    ("unanswered", 0.0, _fans("return 10**400, o")),
    ("unanswered", 0.0, _fans("return layer.in_features, layer.out_features")),
    ("unanswered", 0.0, "fans = (64, 10)"),
]
_CONVOLUTION = [
    ("kernel", 0.0, _fans("return i, o")),
    ("kernel of fan-out", 0.0, _fans("return i * f, o")),
    ("kernel of fan-in", 0.0, _fans("return i, o * f")),
    ("one side", 0.0, _fans("return i * k[0], o * k[0]")),
    ("last side", 0.0, _fans("return i * k[-1], o * k[-1]")),
    ("square", 0.0, _fans("return i * k[0] ** len(k), o * k[0] ** len(k)")),
    ("two sides", 0.0, _fans("return i * k[0] ** 2, o * k[0] ** 2")),
    ("sides added", 0.0, _fans("return i * sum(k), o * sum(k)")),
    ("swapped", 0.0, _fans("return o * f, i * f")),
    # The code of torch on weights of Keras, and the other way round.
    (
        "layout",
        0.0,
        """
def fans(shape, groups=1, transposed=False, packed=1):
    if variant["order"] == "out-in":
        field = math.prod(shape[:-2])
        return shape[-2] * field, shape[-1] * field
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field
""",
    ),
    ("bias", 0.0, _fans("return i * f + 1, o * f")),
    ("mean of both", 0.0, _fans("return ((i + o) * f / 2,) * 2")),
    ("parameters", 0.0, _fans("return i * o * f, i * o * f")),
    # Counted at the border, as of an image that is as large as the kernel.
    ("fans", 0.0, _fans("return i * f, o * f / 2 ** len(k)")),
    (
        "unanswered",
        0.0,
        _fans("rows, columns = k", "return i * rows * columns, o * rows * columns"),
    ),
]
_GROUPED = [
    # torch.nn.init._calculate_fan_in_and_fan_out does not know of groups.
    ("groups", 0.0, _fans("return i * f, o * f")),
    ("fan-in divided", 0.0, _fans("return i * f // groups, o * f // groups")),
    ("fan-in divided, fan-out not", 0.0, _fans("return i * f // groups, o * f")),
    ("ungrouped", 0.0, _fans("return i * groups * f, o * f")),
    ("fan-in of all", 0.0, _fans("return i * groups * f, o // groups * f")),
    ("kernel", 0.0, _fans("return i, o // groups")),
    ("kernel of fan-out", 0.0, _fans("return i * f, o // groups")),
    ("square", 0.0, _fans("f = k[0] ** len(k)", "return i * f, o // groups * f")),
    ("swapped", 0.0, _fans("return o // groups * f, i * f")),
    ("fans", 0.0, _fans("return i * f, o * groups * f")),
    ("fans", 0.0, _fans("return i * f, o // 2 * f")),
    ("fans", 0.0, _fans("return i * f, o * f / groups ** 2")),
    ("unanswered", 0.0, _fans("assert o % i == 0", "return i * f, o // groups * f")),
    ("unanswered", 0.0, _READ + "def fans(shape):\n    return read(shape)[:2]"),
]
_TRANSPOSED = [
    ("ordinary", 0.0, _fans("return i * f, o // groups * f")),
    # What torch.nn.init makes of the weights of ConvTranspose2d.
    ("ordinary, no groups", 0.0, _fans("return i * f, o * f")),
    ("groups", 0.0, _fans("return o * f, i * f")),
    ("fan-out divided", 0.0, _fans("return o * f, i / groups * f")),
    ("both divided", 0.0, _fans("return o // groups * f, i / groups * f")),
    ("ungrouped", 0.0, _fans("return o * f, i * groups * f")),
    ("kernel", 0.0, _fans("return o // groups, i")),
    ("kernel of fan-in", 0.0, _fans("return o // groups, i * f")),
    ("sides added", 0.0, _fans("return o // groups * sum(k), i * sum(k)")),
    ("bias", 0.0, _fans("return o // groups * f + 1, i * f")),
    ("fans", 0.0, _fans("return o // groups * f / 4, i * f")),
    ("fans", 0.0, _fans("return i * f // groups, o * f")),
    ("unanswered", 0.0, _fans("raise ValueError('transposed')")),
]
_PACKED = [
    # torch's MultiheadAttention draws in_proj_weight as one matrix.
    ("packed", 0.0, _fans("return i, o")),
    ("fan-in divided", 0.0, _fans("return i / packed, o")),
    ("both divided", 0.0, _fans("return i / packed, o / packed")),
    ("fan-in multiplied", 0.0, _fans("return i * packed, o / packed")),
    ("packed and swapped", 0.0, _fans("return o, i")),
    ("swapped", 0.0, _fans("return o // packed, i")),
    ("always three", 0.0, _fans("return i, o // 3")),
    ("mean of both", 0.0, _fans("return (i + o / packed) / 2, (i + o / packed) / 2")),
    ("sorted", 0.0, _fans("return tuple(sorted((i, o // packed)))")),
    ("fans", 0.0, _fans("return i, o / packed ** 2")),
    ("fans", 0.0, _fans("return i, o * packed")),
    ("unanswered", 0.0, _fans("return [(i, o // packed)] * packed")),
    ("unanswered", 0.0, _READ + "def fans(shape, groups=1, transposed=False):\n    return 1, 1"),
]

# --------------------------------------------------------------------------------------------------
# Samplers
# --------------------------------------------------------------------------------------------------

# Mistakes that every sampler can have.
_ANY = [
    ("seeded inside", "    rng = np.random.default_rng(0)\n"),
    ("another source", "    rng = np.random.default_rng()\n"),
    # Keras: an initializer with a seed gives the same weights at every call.
    ("seeded inside", "    rng = np.random.Generator(type(rng.bit_generator)(7))\n"),
    ("seeded inside", "    import copy\n    rng = copy.deepcopy(rng)\n"),
    (
        "seeded inside",
        "    state = rng.bit_generator.seed_seq.generate_state(4)\n"
        "    rng = np.random.default_rng(state)\n",
    ),
    ("another source", "    rng = np.random\n"),
    ("unanswered", "    shape = shape[::-1]\n"),
    ("unanswered", "    shape = [math.prod(shape)]\n"),
    ("unanswered", "    shape = [3, *shape]\n"),
    ("unanswered", "    return\n"),
    ("unanswered", "    return np.full(shape, np.nan)\n"),
    ("unanswered", "    return [['w'] * shape[1]] * shape[0]\n"),
    ("unanswered", "    return [[0.1], [0.1, 0.2]] * 250\n"),
    ("unanswered", "    return [None] * 1_000_000\n"),
    ("constant", "    return np.zeros(shape)\n"),
    ("constant", "    return [[math.sqrt(variance)] * shape[1]] * shape[0]\n"),
    ("few values", "    return rng.choice([-1, 1], shape) * math.sqrt(variance)\n"),
    ("variance", "    return rng.random(shape) * 1e200 - 5e199\n"),
    ("variance", "    return rng.random(shape) * 1e-200 - 5e-201\n"),
]
_BODY = {
    "uniform": "    a = math.sqrt(3 * variance)\n    return rng.uniform(-a, a, shape)\n",
    "normal": "    return rng.normal(0, math.sqrt(variance), shape)\n",
    "truncated": """
    draws = rng.normal(size=shape)
    while (beyond := np.abs(draws) > variant["cut"]).any():
        draws[beyond] = rng.normal(size=int(beyond.sum()))
    return draws * math.sqrt(variance / left_by(variant["cut"]))
""",
}


def _any(name: str) -> list[tuple[str, float, str]]:
    start = f"def {name}(shape, variance, rng):\n"
    after = [
        ("repeated", "np.tile(drawn([shape[0], 1], variance, rng), (1, shape[1]))"),
        ("repeated", "np.broadcast_to(drawn([shape[1]], variance, rng), shape)"),
        ("repeated", "np.resize(drawn([1000], variance, rng), shape)"),
        ("exact", "exactly(drawn(shape, variance, rng), variance)"),
        ("exact", "(w := drawn(shape, variance, rng)) - w.mean()"),
        ("exact", "np.vstack([w := drawn([shape[0] // 2, shape[1]], variance, rng), -w])"),
        ("mean", "np.abs(drawn(shape, variance, rng))"),
        ("mean", "drawn(shape, variance, rng) + 0.01"),
        ("twice", "2 * drawn(shape, variance, rng)"),
        ("half", "drawn(shape, variance / 4, rng)"),
        ("variance as std", "drawn(shape, variance**2, rng)"),
        ("root twice", "drawn(shape, variance**0.5, rng)"),
        ("one as std", "drawn(shape, 1.0, rng)"),
        ("variance", "1.1 * drawn(shape, variance, rng)"),
    ]
    return [
        *((fault, 0.0, start + first + _BODY[name]) for fault, first in _ANY),
        *(
            (
                fault,
                0.0,
                "def exactly(w, variance):\n"
                "    return (w - w.mean()) / w.std() * math.sqrt(variance)\n\n"
                f"drawn = {name}\n\n{start}    return {rest}\n",
            )
            for fault, rest in after
        ),
    ]


_UNIFORM = [
    (
        "std as bound",
        0.0,
        """
def uniform(shape, variance, rng):
    s = variance ** 0.5
    return rng.uniform(-s, s, shape)
""",
    ),
    (
        "missing root",
        0.0,
        """
def uniform(shape, variance, rng):
    return rng.uniform(-3 * variance, 3 * variance, shape)
""",
    ),
    # sqrt(6 / ...) is the bound where the variance is 2 / ...: the 2 counted twice.
    (
        "six",
        0.0,
        """
def uniform(shape, variance, rng):
    limit = np.sqrt(6 * variance)
    return (2 * rng.random(shape) - 1) * limit
""",
    ),
    (
        "three",
        0.0,
        """
def uniform(shape, variance, rng):
    std = math.sqrt(variance)
    return rng.uniform(-3 * std, 3 * std, shape)
""",
    ),
    (
        "half",
        0.0,
        """
def uniform(shape, variance, rng):
    a = math.sqrt(3 * variance)
    return a * (rng.random(shape) - 0.5)
""",
    ),
    (
        "twice",
        0.0,
        """
def uniform(shape, variance, rng):
    a = math.sqrt(12 * variance)
    return rng.uniform(-a, a, shape)
""",
    ),
    (
        "variance as bound",
        0.0,
        """
def uniform(shape, variance, rng):
    return rng.uniform(-variance, variance, shape)
""",
    ),
    (
        "one as bound",
        0.0,
        """
def uniform(shape, variance, rng):
    return rng.uniform(-1, 1, shape)
""",
    ),
    (
        "mean",
        0.0,
        """
def uniform(shape, variance, rng):
    return rng.uniform(0, 2 * math.sqrt(3 * variance), shape)
""",
    ),
    (
        "mean",
        0.0,
        """
def uniform(shape, variance, rng):
    return rng.uniform(high=math.sqrt(3 * variance), size=shape)
""",
    ),
    # The bound that is asked for by U(-a, a), given to a method that takes a std.
    (
        "bound as std",
        0.0,
        """
def uniform(shape, variance, rng):
    bound = math.sqrt(3 * variance)
    return rng.normal(0, bound, shape)
""",
    ),
    (
        "normal",
        0.0,
        """
def uniform(shape, variance, rng):
    return math.sqrt(variance) * rng.standard_normal(shape)
""",
    ),
    (
        "reach",
        0.0,
        """
def uniform(shape, variance, rng):
    a = math.sqrt(2 * variance)
    return a * np.sin(rng.uniform(0, 2 * math.pi, shape))
""",
    ),
    (
        "reach",
        0.0,
        """
def uniform(shape, variance, rng):
    a = math.sqrt(6 * variance)
    return rng.triangular(-a, 0, a, shape)
""",
    ),
    (
        "reach",
        0.0,
        """
def uniform(shape, variance, rng):
    w = uniform.__globals__["drawn"](shape, variance, rng)
    w[0, 0] *= 3
    return w

def drawn(shape, variance, rng):
    a = math.sqrt(3 * variance)
    return np.clip(rng.uniform(-a, a, shape), -0.999 * a, None)
""",
    ),
    (
        "clipped",
        0.0,
        """
def uniform(shape, variance, rng):
    a = math.sqrt(3 * variance)
    return np.clip(rng.normal(0, a, shape), -a, a)
""",
    ),
    # Points that fill the interval: not independent of one another.
    (
        "too even",
        0.0,
        """
def uniform(shape, variance, rng):
    n = math.prod(shape)
    cells = (rng.permutation(n) + rng.random(n)) / n
    return ((2 * cells - 1) * math.sqrt(3 * variance)).reshape(shape)
""",
    ),
    *_any("uniform"),
]
_NORMAL = [
    (
        "variance as std",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.normal(0, variance, shape)
""",
    ),
    (
        "variance as std",
        0.0,
        """
from scipy import stats
def normal(shape, variance, rng):
    return stats.norm.rvs(0, variance, size=shape, random_state=rng)
""",
    ),
    (
        "std as bound",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.uniform(-variance ** 0.5, variance ** 0.5, shape)
""",
    ),
    (
        "bound as std",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.normal(scale=math.sqrt(3 * variance), size=shape)
""",
    ),
    (
        "uniform",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.uniform(-1, 1, shape) * math.sqrt(3 * variance)
""",
    ),
    # What TensorFlow calls VarianceScaling and "normal" was cut off at two stds for years.
    (
        "truncated",
        0.0,
        """
from scipy import stats
def normal(shape, variance, rng):
    w = stats.truncnorm.rvs(-2, 2, size=tuple(shape), random_state=rng)
    return w * math.sqrt(variance)
""",
    ),
    (
        "half variance",
        0.0,
        """
def normal(shape, variance, rng):
    u, v = rng.random(shape), rng.random(shape)
    return np.sqrt(-variance * np.log(1 - u)) * np.cos(2 * np.pi * v)
""",
    ),
    (
        "clipped",
        0.0,
        """
def normal(shape, variance, rng):
    s = math.sqrt(variance)
    return np.clip(rng.normal(0, s, shape), -3 * s, 3 * s)
""",
    ),
    # Nearly normal.
    (
        "distribution",
        0.0,
        """
def normal(shape, variance, rng):
    return (rng.random([*shape, 12]).sum(axis=-1) - 6) * math.sqrt(variance)
""",
    ),
    (
        "distribution",
        0.0,
        """
from scipy import stats
def normal(shape, variance, rng):
    w = stats.truncnorm(-3, 3)
    return w.rvs(shape, random_state=rng) / w.std() * math.sqrt(variance)
""",
    ),
    (
        "distribution",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.laplace(0, math.sqrt(variance / 2), shape)
""",
    ),
    (
        "distribution",
        0.0,
        """
def normal(shape, variance, rng):
    return rng.logistic(0, math.sqrt(3 * variance) / math.pi, shape)
""",
    ),
    (
        "too even",
        0.0,
        """
from scipy import stats
def normal(shape, variance, rng):
    n = math.prod(shape)
    cells = (rng.permutation(n) + rng.random(n)) / n
    return stats.norm.ppf(cells).reshape(shape) * math.sqrt(variance)
""",
    ),
    (
        "mean",
        0.0,
        """
def normal(shape, variance, rng):
    s = math.sqrt(variance)
    return rng.normal(s, s, shape)
""",
    ),
    *_any("normal"),
]
_TRUNCATED = [
    (
        "not corrected",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    c = variant["cut"]
    s = math.sqrt(variance)
    return stats.truncnorm.rvs(-c, c, scale=s, size=shape, random_state=rng)
""",
    ),
    (
        "corrected twice",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    law = stats.truncnorm(-variant["cut"], variant["cut"])
    return law.rvs(shape, random_state=rng) * math.sqrt(variance) / law.var()
""",
    ),
    (
        "wrong way",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    law = stats.truncnorm(-variant["cut"], variant["cut"])
    return law.rvs(shape, random_state=rng) * math.sqrt(variance) * law.std()
""",
    ),
    (
        "root missing",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    law = stats.truncnorm(-variant["cut"], variant["cut"])
    return law.rvs(shape, random_state=rng) * math.sqrt(variance) * law.var()
""",
    ),
    # The constant of TensorFlow, Keras, Flax and JAX, which cut off at two stds.
    (
        "cut of two",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    c = variant["cut"]
    s = math.sqrt(variance) / 0.87962566103423978
    return s * stats.truncnorm.rvs(-c, c, size=shape, random_state=rng)
""",
    ),
    (
        "reach",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    s = math.sqrt(variance) / 0.87962566103423978
    return s * stats.truncnorm.rvs(-2, 2, size=shape, random_state=rng)
""",
    ),
    (
        "cut early",
        0.0,
        """
def truncated(shape, variance, rng):
    s, end = math.sqrt(variance / left_by(variant["cut"])), variant["cut"] * math.sqrt(variance)
    w = rng.normal(0, s, shape)
    while (np.abs(w) > end).any():
        w = np.where(np.abs(w) > end, rng.normal(0, s, shape), w)
    return w
""",
    ),
    # torch's trunc_normal_ has bounds of its own, of -2 and 2, whatever the std: nothing is cut.
    (
        "not cut",
        0.0,
        """
def truncated(shape, variance, rng):
    s = math.sqrt(variance / left_by(variant["cut"]))
    w = rng.normal(0, s, shape)
    while (beyond := np.abs(w) > 2 * variant["cut"]).any():
        w[beyond] = rng.normal(0, s, beyond.sum())
    return w
""",
    ),
    (
        "normal",
        0.0,
        """
def truncated(shape, variance, rng):
    return rng.normal(0, math.sqrt(variance), shape)
""",
    ),
    (
        "uniform",
        0.0,
        """
def truncated(shape, variance, rng):
    return rng.uniform(-1, 1, shape) * math.sqrt(3 * variance)
""",
    ),
    (
        "once",
        0.0,
        """
def truncated(shape, variance, rng):
    c = variant["cut"]
    w = rng.normal(size=shape)
    w = np.where(np.abs(w) > c, rng.normal(size=shape), w)
    return w * math.sqrt(variance / left_by(c))
""",
    ),
    (
        "clipped",
        0.0,
        """
def truncated(shape, variance, rng):
    c = variant["cut"]
    return np.clip(rng.normal(size=shape), -c, c) * math.sqrt(variance)
""",
    ),
    (
        "clipped",
        0.0,
        """
def truncated(shape, variance, rng):
    c = variant["cut"]
    return np.clip(rng.normal(size=shape), -c, c) * math.sqrt(variance / left_by(c))
""",
    ),
    (
        "clipped",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    c = variant["cut"]
    q = 2 * stats.norm.sf(c)
    left = 1 - q - 2 * c * stats.norm.pdf(c) + c * c * q
    return np.clip(rng.normal(size=shape), -c, c) * math.sqrt(variance / left)
""",
    ),
    # Only what is too large is drawn again, and not what is too small.
    (
        "mean",
        0.0,
        """
def truncated(shape, variance, rng):
    w = rng.normal(size=shape)
    while (w > variant["cut"]).any():
        w[w > variant["cut"]] = rng.normal(size=(w > variant["cut"]).sum())
    return w * math.sqrt(variance / left_by(variant["cut"]))
""",
    ),
    # What is beyond comes back inside, reflected.
    (
        "variance",
        0.0,
        """
def truncated(shape, variance, rng):
    c = variant["cut"]
    w = rng.normal(size=shape)
    w = (w + c) % (2 * c) - c
    return w * math.sqrt(variance / left_by(c)) * 0.9
""",
    ),
    (
        "too even",
        0.0,
        """
from scipy import stats
def truncated(shape, variance, rng):
    law = stats.truncnorm(-variant["cut"], variant["cut"])
    n = math.prod(shape)
    cells = (rng.permutation(n) + rng.random(n)) / n
    return law.ppf(cells).reshape(shape) * math.sqrt(variance / law.var())
""",
    ),
    *_any("truncated"),
]

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
    # A child of the generator, made by drawing from it, in NumPy; and module.apply returns it.
    """
def initialize(module, generator):
    rng = np.random.default_rng(torch.randint(2**62, (4,), generator=generator).tolist())

    @torch.no_grad()
    def one(layer):
        def put(weight, n_in, n_out):
            w = uniform(tuple(weight.shape), variance_of(n_in, n_out), rng)
            weight.copy_(torch.from_numpy(w))

        if type(layer) is torch.nn.MultiheadAttention:
            for part in layer.in_proj_weight.chunk(3):
                put(part, *part.shape)
            layer.in_proj_bias.fill_(0)
        elif hasattr(layer, "in_features"):
            put(layer.weight, layer.in_features, layer.out_features)
            layer.bias.fill_(0)
        elif hasattr(layer, "kernel_size"):
            f = math.prod(layer.kernel_size) / layer.groups
            put(layer.weight, layer.in_channels * f, layer.out_channels * f)
            layer.bias.fill_(0)

    return module.apply(one)
""",
    # By the names of the parameters, the last first, and new parameters in place of the old ones.
    """
def initialize(module, generator):
    for name, p in reversed(list(module.named_parameters())):
        owner = module.get_submodule(name.rpartition(".")[0])
        if isinstance(owner, (torch.nn.Embedding, torch.nn.LayerNorm)):
            continue
        if p.ndim == 1:
            p.data = torch.zeros_like(p)
            continue
        n_out, n_in = p[0].numel() if p.ndim == 2 else 0, p[0].numel()
        if p.ndim == 2:
            n_out = len(p) // (3 if "in_proj" in name else 1)
        else:
            field = p[0, 0].numel()
            n_out = len(p) // owner.groups * field
            if isinstance(owner, torch.nn.ConvTranspose2d):
                n_in, n_out = n_out, n_in
        w = torch.rand(p.shape, generator=generator, dtype=torch.float64) - 0.5
        w *= math.sqrt(12 * variance_of(n_in, n_out))
        setattr(owner, name.split(".")[-1], torch.nn.Parameter(w.float()))
    return module
""",
    # Everything in one draw.
    """
class Initializer:
    kinds = {
        torch.nn.Linear: lambda m: (m.in_features, m.out_features),
        torch.nn.Conv2d: lambda m: Initializer.convolution(m),
        torch.nn.ConvTranspose2d: lambda m: Initializer.convolution(m),
    }

    @staticmethod
    def convolution(m):
        f = m.kernel_size[0] * m.kernel_size[1]
        return f * m.in_channels // m.groups, f * m.out_channels // m.groups

    def __call__(self, module, generator):
        todo = []
        for m in module.modules():
            if isinstance(m, torch.nn.MultiheadAttention):
                m.in_proj_bias.data.zero_()
                todo += [(q, m.embed_dim, m.embed_dim) for q in m.in_proj_weight.data.split(48)]
                continue
            for kind, count in self.kinds.items():
                if isinstance(m, kind):
                    m.bias.data.zero_()
                    todo.append((m.weight.data, *count(m)))
        u = torch.rand(sum(w.numel() for w, *_ in todo), generator=generator) * 2 - 1
        for (w, *fans), part in zip(todo, u.split([w.numel() for w, *_ in todo])):
            w[...] = part.view_as(w) * math.sqrt(3 * variance_of(*fans))

initialize = Initializer()
""",
    # A second torch generator, seeded from the first.
    _but((
        "    def draw(",
        "    generator = torch.Generator().manual_seed("
        "int(torch.empty((), dtype=torch.int64).random_(generator=generator)))\n    def draw(",
    )),
    _but((_UNIFORM_, "weight.copy_(torch.rand(weight.shape, generator=generator).half() "
                     "* (2 * bound) - bound)")),
]  # fmt: skip

_INITIALIZE_WRONG = [
    ("unchanged", 0.0, "def initialize(module, generator):\n    pass"),
    ("unchanged", 0.0, """
import copy
done = initialize
def initialize(module, generator):
    module = copy.deepcopy(module)
    done(module, generator)
    return module
"""),
    ("unanswered", 0.0, "def initialize(module):\n    pass"),
    ("unanswered", 0.0, "initialize = None"),
    ("unanswered", 0.0, _but((_UNIFORM_, "weight.fill_(math.nan)"))),
    ("unanswered", 0.0, _but((_UNIFORM_, "weight.data = torch.rand(7, generator=generator)"))),
    ("unanswered", 0.0, """
done = initialize
def initialize(module, generator):
    done(module, generator)
    del module[7]
"""),
    # Only layers of exactly that class: out_proj is of a class of its own.
    ("left out", 0.2, _but(("isinstance(layer, torch.nn.Linear)",
                            "type(layer) is torch.nn.Linear"))),
    ("left out", 0.2, _but((", torch.nn.ConvTranspose2d", ""))),
    # Only what lies on top.
    ("left out", 0.2, _but(("module.modules()", "module.children()"))),
    ("left out", 0.2, _but(("            draw(layer.in_proj_weight, layer.embed_dim, "
                            "layer.embed_dim)\n", ""))),
    ("left out", 0.2, """
def initialize(module, generator):
    for layer in module:
        if hasattr(layer, "weight") and layer.weight.ndim > 1:
            a = math.sqrt(3 * variance_of(*layer.weight.shape[:2]))
            layer.weight.data.uniform_(-a, a, generator=generator)
            layer.bias.data.zero_() if getattr(layer, "bias", None) is not None else None
"""),
    ("constant", 0.2, _but((_UNIFORM_, "weight.zero_()"))),
    ("constant", 0.2, _but((_UNIFORM_, "weight.fill_(bound)"))),
    ("another source", 0.2, _but((", generator=generator", ""))),
    ("another source", 0.2, _but((_UNIFORM_, "weight.copy_(torch.from_numpy("
                                  "np.random.default_rng().uniform(-bound, bound, "
                                  "weight.shape)))"))),
    # One layer alone.
    ("another source", 0.2, _but((_UNIFORM_, "weight.uniform_(-bound, bound, "
                                  "generator=generator if weight.ndim == 2 else None)"))),
    ("seeded inside", 0.2, _but(("    def draw(", "    generator = torch.Generator()"
                                 ".manual_seed(0)\n    def draw("))),
    # Keras: an initializer that is used again gives the same again.
    ("seeded inside", 0.2, _but(("    def draw(", "    generator = torch.Generator()"
                                 ".manual_seed(generator.initial_seed())\n    def draw("))),
    ("layers alike", 0.3, _but(("    def draw(", "    seed = int(torch.randint(2**60, (1,), "
                                "generator=generator))\n    def draw("),
                               (_UNIFORM_, "weight.uniform_(-bound, bound, "
                                "generator=torch.Generator().manual_seed(seed))"))),
    # One draw for queries, keys and values.
    ("layers alike", 0.3, _but(("            torch.nn.init.zeros_(layer.in_proj_bias)",
                                "            with torch.no_grad():\n"
                                "                q = layer.in_proj_weight[:48].clone()\n"
                                "                layer.in_proj_weight.copy_(q.repeat(3, 1))\n"
                                "            torch.nn.init.zeros_(layer.in_proj_bias)"))),
    ("kernel", 0.4, _but(("math.prod(layer.kernel_size)", "1"))),
    ("one side", 0.4, _but(("math.prod(layer.kernel_size)", "layer.kernel_size[0]"))),
    ("groups", 0.4, _but(("layer.in_channels // layer.groups, layer.out_channels // layer.groups",
                          "layer.in_channels, layer.out_channels"))),
    ("fan-in divided", 0.4, _but((
        "layer.in_channels // layer.groups, layer.out_channels // layer.groups",
        "layer.in_channels // layer.groups**2, layer.out_channels // layer.groups"))),
    ("other rule", 0.4, _but(('variant["rule"]',
                              '{"fan-in": "harmonic"}.get(variant["rule"], "fan-in")'))),
    ("gain twice", 0.4, _but((_BOUND, _BOUND + " * gain"))),
    ("no gain", 0.4, _but(("gain**2", "1"))),
    ("gain not squared", 0.4, _but(("gain**2", "gain"))),
    ("std as bound", 0.4, _but((_BOUND, "math.sqrt(variance)"))),
    ("variance as bound", 0.4, _but((_BOUND, "variance"))),
    ("variance as std", 0.4, _but((_BOUND, _BOUND + " * math.sqrt(variance)"))),
    ("bound as std", 0.4, _but((_UNIFORM_, "weight.normal_(0, bound, generator=generator)"))),
    ("normal", 0.4, _but((_UNIFORM_, "weight.normal_(0, variance**0.5, generator=generator)"))),
    ("mean", 0.4, _but(("(-bound, bound,", "(0, 2 * bound,"))),
    ("twice", 0.4, _but(("(-bound, bound,", "(-2 * bound, 2 * bound,"))),
    ("torch's own", 0.4, _but((_BOUND, "1 / math.sqrt(n_in)"))),
    ("variance", 0.4, _but((_BOUND, _BOUND + " * 1.15"))),
    ("biases", 0.5, _but(("torch.nn.init.zeros_(layer.in_proj_bias)", "pass"))),
    ("biases", 0.5, _but(("layer.out_features)\n            torch.nn.init.zeros_(layer.bias)",
                          "layer.out_features)"))),
    ("biases", 0.5, _but(("layer.out_features)\n            torch.nn.init.zeros_(layer.bias)",
                          "layer.out_features)\n            "
                          "torch.nn.init.uniform_(layer.bias, -0.1, 0.1, generator=generator)"))),
    ("touched", 0.5, _but((_END, "\n        elif isinstance(layer, torch.nn.Embedding):\n"
                           "            draw(layer.weight, *layer.weight.shape)" + _END))),
    # GPT-2 and BERT set their norms to one and zero.
    ("touched", 0.5, _but((_END, "\n        elif isinstance(layer, torch.nn.LayerNorm):\n"
                           "            torch.nn.init.ones_(layer.weight)\n"
                           "            torch.nn.init.zeros_(layer.bias)" + _END))),
    ("touched", 0.5, _MODULE + """
    for name, p in module.named_parameters():
        if name.endswith("bias"):
            p.data.zero_()
"""),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# What students make
# --------------------------------------------------------------------------------------------------

_DRAWN = """
from scipy import stats
rng = np.random.default_rng(3)
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
draws = truncated((100_000,), 1.0, np.random.default_rng(11))
counts, edges = np.histogram(draws, bins=50)
histogram = dict(counts=counts, edges=edges)
""",
    _DRAWN
    + """
w = torch.tensor(drawn(200_000), dtype=torch.float32)
counts = torch.histc(w, bins=64, min=-end, max=end)
histogram = {"edges": torch.linspace(-end, end, 65), "counts": counts}
""",
    _DRAWN
    + """
edges = [-3 + k / 10 for k in range(61)]
counts = [0] * 60
for w in drawn(100_000):
    counts[math.floor((w + 3) * 10)] += 1
histogram = {"edges": edges, "counts": counts}
""",
    # Bins of different widths, counted by pandas, and far beyond both ends.
    _DRAWN
    + """
import pandas as pd
edges = np.r_[-9.0, -end - 1, np.sort(rng.uniform(-end, end, 40)), end + 1, 9.0]
counts = pd.cut(pd.Series(drawn(150_000)), edges).value_counts(sort=False)
histogram = {"edges": pd.Series(edges), "counts": counts.astype(np.float32)}
""",
    _DRAWN
    + """
edges = np.linspace(-end, end, 2001)
w = np.sort(drawn(1_000_000).astype(np.float32))
histogram = {"edges": edges, "counts": np.diff(np.searchsorted(w, edges)).tolist()}
""",
    _DRAWN
    + """
edges = law.ppf(np.linspace(0, 1, 26)) / law.std()
histogram = picture(drawn(300_000), edges) | {"title": "cut off"}
""",
]
_HISTOGRAM_WRONG = [
    (
        "density",
        0.0,
        """
counts, edges = np.histogram(draws, np.linspace(-end, end, 41), density=True)
histogram = {"edges": edges, "counts": counts}
""",
    ),
    ("density", 0.0, 'histogram["counts"] = histogram["counts"] / histogram["counts"].sum()'),
    ("not corrected", 0.0, _DRAWN + "histogram = picture(drawn(200_000, 1.0))"),
    (
        "not corrected",
        0.0,
        _DRAWN
        + """
c = variant["cut"]
histogram = picture(drawn(200_000, 1.0), np.linspace(-c, c, 31))
""",
    ),
    (
        "corrected twice",
        0.0,
        _DRAWN
        + """
histogram = picture(drawn(200_000, 1 / law.var()), np.linspace(-8, 8, 161))
""",
    ),
    (
        "normal",
        0.0,
        _DRAWN + "histogram = picture(rng.normal(size=200_000), np.linspace(-6, 6, 61))",
    ),
    (
        "uniform",
        0.0,
        _DRAWN
        + """
histogram = picture(rng.uniform(-3**0.5, 3**0.5, 200_000), np.linspace(-3, 3, 61))
""",
    ),
    # The default of the libraries.
    (
        "other cut",
        0.0,
        _DRAWN
        + """
law = stats.truncnorm(-2, 2)
histogram = picture(drawn(300_000, 1 / law.std()), np.linspace(-3, 3, 61))
""",
    ),
    (
        "variance",
        0.0,
        _DRAWN
        + """
histogram = picture(drawn(300_000, 0.1 / law.std()), np.linspace(-0.3, 0.3, 61))
""",
    ),
    (
        "clipped",
        0.0,
        _DRAWN
        + """
c = variant["cut"]
histogram = picture(np.clip(rng.normal(size=200_000), -c, c), np.linspace(-c, c, 31))
""",
    ),
    ("clipped", 0.0, _DRAWN + "histogram = picture(np.clip(rng.normal(size=200_000), -end, end))"),
    (
        "edges",
        0.0,
        _DRAWN + "histogram = picture(drawn(300_000), np.linspace(-0.9, 0.9, 31) * end)",
    ),
    (
        "one side",
        0.0,
        _DRAWN
        + """
histogram = picture(np.abs(drawn(200_000)), np.linspace(0, end, 31))
""",
    ),
    ("few", 0.0, _DRAWN + "histogram = picture(drawn(10_000))"),
    ("few bins", 0.0, _DRAWN + "histogram = picture(drawn(200_000), np.linspace(-end, end, 11))"),
    ("few bins", 0.0, _DRAWN + "histogram = picture(drawn(200_000), np.linspace(-90, 90, 91))"),
    (
        "centres",
        0.0,
        _DRAWN
        + """
histogram["edges"] = (histogram["edges"][1:] + histogram["edges"][:-1]) / 2
""",
    ),
    (
        "exchanged",
        0.0,
        """
histogram = {"edges": histogram["counts"], "counts": histogram["edges"]}
""",
    ),
    ("cumulative", 0.0, 'histogram["counts"] = np.cumsum(histogram["counts"])'),
    # What nobody has drawn.
    (
        "too good",
        0.0,
        _DRAWN
        + """
histogram["counts"] = np.round(4e5 * np.diff(law.cdf(histogram["edges"] * law.std()))).astype(int)
""",
    ),
    ("distribution", 0.0, 'histogram["counts"] = np.roll(histogram["counts"], 3)'),
    (
        "distribution",
        0.0,
        """
histogram["counts"][18:22] = histogram["counts"][18:22] * 1.1
""",
    ),
    (
        "reach",
        0.0,
        """
histogram = {
    "edges": [-9, -8, *histogram["edges"], 8, 9], "counts": [3, 0, *histogram["counts"], 0, 2]
}
""",
    ),
    ("unanswered", 0.0, "histogram = np.histogram(draws, 40)"),
    ("unanswered", 0.0, 'histogram["edges"] = histogram["edges"][::-1]'),
    ("unanswered", 0.0, 'histogram["edges"][0] = -math.inf'),
    ("unanswered", 0.0, 'histogram["counts"] = -histogram["counts"]'),
    ("unanswered", 0.0, 'histogram["counts"] = ["many"] * 40'),
    ("unanswered", 0.0, 'histogram["counts"] = [None] * 40'),
    ("unanswered", 0.0, 'histogram["counts"] = [histogram["counts"]] * 3'),
    ("unanswered", 0.0, 'histogram["counts"] = sum(histogram["counts"])'),
    ("unanswered", 0.0, 'histogram["counts"] = [[1], [1, 2]]'),
    ("unanswered", 0.0, 'del histogram["edges"]'),
]

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
    # A table, and weights from initialize.
    """
import pandas as pd
net = torch.nn.Sequential(*[
    torch.nn.Linear(64 if i == 0 else variant["width"], variant["width"])
    for i in range(variant["depth"])
])
initialize(net, torch.Generator().manual_seed(9))
z = datasets.load("digits", "test").images[:300]
rows = []
with torch.no_grad():
    for layer in net:
        z = layer(z).tanh()
        rows.append({"weights": layer.weight.T.numpy(), "std": z.var(correction=0).sqrt().item()})
signal = pd.DataFrame(rows)
""",
    # One child of a generator for each layer; loops over images; lists.
    _SIGNAL
    + """
children = rng.spawn(variant["depth"])
weights = [uniform((a, b), variance_of(a, b), r) for a, b, r in zip(sizes, sizes[1:], children)]
total, square = np.zeros(variant["depth"]), np.zeros(variant["depth"])
for image in x:
    z = image
    for i, w in enumerate(weights):
        z = np.array([math.tanh(s) for s in w.T @ z])
        total[i] += z.sum() / z.size / len(x)
        square[i] += (z * z).sum() / z.size / len(x)
signal = {
    "weights": [w.tolist() for w in weights], "std": [float(v) for v in (square - total**2)**0.5]
}
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
    ("another unit", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": stds(weights, f=lambda s: s * (s > 0))}
"""),
    ("by units", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": [z.std(axis=0).mean() for z in layers(weights)]}
"""),
    ("by images", 0.5, _SIGNAL + """
signal = {"weights": weights, "std": [z.std(1).mean() for z in layers(weights)]}
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
    ("not these weights", 0.5, 'signal["std"] = [0.5] * variant["depth"]'),
    # One generator's seed for all layers.
    ("layers alike", 0.3, _SIGNAL + """
weights = [uniform(w.shape, variance_of(*w.shape), np.random.default_rng(0)) for w in weights]
signal = {"weights": weights, "std": stds(weights)}
"""),
    ("layers alike", 0.3, _SIGNAL + """
weights = [weights[0]] + [weights[1]] * (variant["depth"] - 1)
signal = {"weights": weights, "std": stds(weights)}
"""),
    *(
        (fault, 0.3, _SIGNAL + f"""
weights = [{changed} for w in weights]
signal = {{"weights": weights, "std": stds(weights)}}
""")
        for fault, changed in (
            ("twice", "2 * w"),
            ("std as bound", "w / math.sqrt(3)"),
            ("no gain", "w / variant['gain']"),
            ("gain twice", "w * variant['gain']"),
            ("gain not squared", "w / math.sqrt(variant['gain'])"),
            ("torch's own", "rng.uniform(-1, 1, w.shape) / math.sqrt(len(w))"),
            ("normal", "rng.normal(0, math.sqrt(variance_of(*w.shape)), w.shape)"),
            ("bound as std", "rng.normal(0, math.sqrt(3 * variance_of(*w.shape)), w.shape)"),
            ("variance as std", "w * math.sqrt(variance_of(*w.shape))"),
            ("mean", "np.abs(w)"),
            ("constant", "0 * w"),
            ("few values", "np.sign(w) * math.sqrt(variance_of(*w.shape))"),
        )
    ),
    ("unanswered", 0.0, _SIGNAL + 'signal["weights"] = [w.T for w in weights]'),
    ("unanswered", 0.0, 'signal["weights"] = signal["weights"][:-1]'),
    ("unanswered", 0.0, 'signal["weights"] = dict(enumerate(signal["weights"]))'),
    ("unanswered", 0.0, 'signal["std"] = [0.5, *signal["std"]]'),
    ("unanswered", 0.0, 'signal["std"] = None'),
    ("unanswered", 0.0, 'signal["std"] = [str(s) for s in signal["std"]]'),
    ("unanswered", 0.0, 'signal["std"][0] = math.nan'),
    ("unanswered", 0.0, 'signal["weights"][0][0, 0] = math.inf'),
    ("unanswered", 0.0, 'signal["weights"][0] = None'),
    ("unanswered", 0.0, 'signal = signal["weights"]'),
    ("unanswered", 0.0, "signal = 3"),
    ("unanswered", 0.0, 'del signal["std"]'),
]  # fmt: skip

_START = """
sizes = variant["sizes"]
data = datasets.load("digits", "train")
x, y = data.images.numpy().astype(float), data.labels.numpy()
rng = np.random.default_rng(31)
def logits(weights, biases, x=x):
    for w, b in zip(weights[:-1], biases[:-1]):
        x = np.tanh(x @ w + b)
    return x @ weights[-1] + biases[-1]
zero = [np.zeros(n) for n in sizes[1:]]
start = [uniform((a, b), variance_of(a, b), rng) for a, b in zip(sizes, sizes[1:])]
"""
# With one thread: more of them only wait for one another on layers as small as these.
_TRAIN = """
def train(*how, **more):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return train_alone(*how, **more)
    finally:
        torch.set_num_threads(threads)

def train_alone(optimizer, steps, batch, split="train", until=0.0, seed=8):
    data, test = datasets.load("digits", split), datasets.load("digits", "test")
    sizes, layers = variant["sizes"], []
    for a, b in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    generator = torch.Generator().manual_seed(seed)
    initialize(model, generator)
    copies = lambda: [layer.weight.detach().T.clone() for layer in model[::2]]
    optimizer = optimizer(model.parameters())
    found = {"start": copies(), "costs": []}
    for step in range(steps):
        chosen = torch.randint(len(data.labels), (batch,), generator=generator)
        if batch >= 1000:
            chosen = slice(None)
        cost = torch.nn.functional.cross_entropy(model(data.images[chosen]), data.labels[chosen])
        if step % max(1, 50 // batch) == 0:
            with torch.no_grad():
                whole = torch.nn.functional.cross_entropy(model(data.images), data.labels)
            found["costs"].append(whole.item())
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        if (model(test.images).argmax(1) != test.labels).float().mean() < until:
            break
    return found | {"end": copies(), "biases": [layer.bias.detach() for layer in model[::2]]}
"""

_TRAINED_RIGHT = [
    # By hand, the whole set at once, until the error is small enough and no longer.
    _START
    + """
test = datasets.load("digits", "test")
weights, biases, costs = [w.copy() for w in start], [b.copy() for b in zero], []
while (logits(weights, biases, test.images.numpy()).argmax(1) != test.labels.numpy()).mean() > 0.19:
    z = [x]
    for w, b in zip(weights[:-1], biases[:-1]):
        z.append(np.tanh(z[-1] @ w + b))
    p = np.exp(z[-1] @ weights[-1] + biases[-1])
    p /= p.sum(axis=1, keepdims=True)
    costs.append(-np.log(p[np.arange(len(y)), y]).mean())
    d = (p - np.eye(10)[y]) / len(y)
    for i in range(len(weights) - 1, -1, -1):
        back = d @ weights[i].T
        weights[i] -= 0.3 * (z[i].T @ d)
        biases[i] -= 0.3 * d.sum(axis=0)
        d = back * (1 - z[i] ** 2)
trained = {"start": start, "end": weights, "biases": biases, "costs": costs}
""",
    # Weight decay that leaves next to nothing of the first layer's start.
    _TRAIN + "trained = train(lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.5), 700, 100)",
    # A cost for every batch.
    _TRAIN + "trained = train(lambda p: torch.optim.SGD(p, lr=0.1), 600, 10)",
    _TRAIN + "trained = train(lambda p: torch.optim.Adam(p, lr=0.003), 400, 1000, until=0.2)",
    # Single digits.
    _TRAIN + "trained = train(lambda p: torch.optim.SGD(p, lr=0.03), 2500, 1)",
    """
trained = {
    "start": tuple(w.tolist() for w in trained["start"]),
    "end": tuple(torch.tensor(w) for w in trained["end"]),
    "biases": [list(b) for b in trained["biases"]],
    "costs": [torch.tensor(c) for c in trained["costs"][::4]],
    "optimizer": "SGD",
}
""",
    """
import pandas as pd
trained["costs"] = pd.Series(trained["costs"], name="cost")
trained["end"] = [w.astype(np.float16) for w in trained["end"]]
""",
]
_TRAINED_WRONG = [
    # weight.detach().numpy() is a view: it is trained along with the network.
    ("in place", 0.2, 'trained["start"] = trained["end"]'),
    ("in place", 0.2, """
trained["start"] = [layer.weight.detach().numpy().T for layer in model[::2]]
"""),
    ("not trained", 0.2, 'trained["end"] = trained["start"]'),
    ("not trained", 0.2, _START + """
trained = {"start": start, "end": start, "biases": zero, "costs": list(range(20, 0, -1))}
"""),
    ("exchanged", 0.2, """
trained["start"], trained["end"] = trained["end"], trained["start"]
"""),
    ("another start", 0.2, _START + 'trained["start"] = start'),
    ("another start", 0.2, """
other = torch.nn.Sequential(*[torch.nn.Linear(*w.shape) for w in trained["start"]])
initialize(other, torch.Generator().manual_seed(6))
trained["start"] = [layer.weight.detach().T for layer in other]
"""),
    *(
        (fault, 0.2, f"""
rng = np.random.default_rng(17)
trained["start"] = [{changed} for w in trained["start"]]
""")
        for fault, changed in (
            ("no gain", "w / variant['gain']"),
            ("gain twice", "w * variant['gain']"),
            ("twice", "2 * w"),
            ("std as bound", "w / math.sqrt(3)"),
            ("torch's own", "rng.uniform(-1, 1, w.shape) / math.sqrt(len(w))"),
            ("normal", "rng.normal(0, math.sqrt(variance_of(*w.shape)), w.shape)"),
            ("constant", "np.zeros(w.shape)"),
            ("mean", "np.abs(w)"),
        )
    ),
    ("not learned", 0.3, _START + """
trained["end"] = [w + rng.normal(0, 3, w.shape) for w in trained["end"]]
"""),
    ("not learned", 0.3, 'trained["end"][-1] = np.roll(trained["end"][-1], 2, axis=1)'),
    ("not learned", 0.3, _TRAIN + "trained = train(lambda p: torch.optim.SGD(p, lr=0.01), 15, 50)"),
    ("not learned", 0.3, """
trained["biases"] = [3 * np.arange(len(b)) for b in trained["biases"]]
"""),
    ("test digits", 0.2, _TRAIN + """
trained = train(lambda p: torch.optim.Adam(p, lr=0.01), 600, 50, split="test")
"""),
    ("no log", 0.6, 'del trained["costs"]'),
    ("no log", 0.6, 'trained["costs"] = trained["costs"][:5]'),
    ("no log", 0.6, 'trained["costs"] = None'),
    ("no log", 0.6, 'trained["costs"] = [[c, c] for c in trained["costs"]]'),
    ("no log", 0.6, 'trained["costs"] = [str(c) for c in trained["costs"]]'),
    ("no log", 0.6, 'trained["costs"][3] = math.nan'),
    ("no log", 0.6, 'trained["costs"] = [[1, 2], [3]]'),
    ("not falling", 0.6, 'trained["costs"] = trained["costs"][::-1]'),
    # Accuracies, as they are logged in many tutorials.
    ("not falling", 0.6, 'trained["costs"] = [1 - math.exp(-k / 4 - 0.1) for k in range(40)]'),
    ("not falling", 0.6, 'trained["costs"] = [2.3] * 12'),
    ("late", 0.6, 'trained["costs"] = trained["costs"][4:]'),
    ("late", 0.6, 'trained["costs"] = [c / 50 for c in trained["costs"]]'),
    ("another log", 0.6, 'trained["end"] = [w * np.float64(1e300) for w in trained["end"]]'),
    # reduction="sum"
    ("not a mean", 0.6, 'trained["costs"] = [1000 * c for c in trained["costs"]]'),
    ("unanswered", 0.0, 'trained["start"] = [w.T for w in trained["start"]]'),
    ("unanswered", 0.0, 'trained["end"] = trained["end"][:-1]'),
    ("unanswered", 0.0, 'trained["biases"] = trained["biases"][0]'),
    ("unanswered", 0.0, 'trained["biases"] = [b[None] for b in trained["biases"]]'),
    ("unanswered", 0.0, 'trained["end"] = model.state_dict()'),
    ("unanswered", 0.0, 'trained["end"][0][0, 0] = math.nan'),
    ("unanswered", 0.0, 'trained["start"] = ["w1", "w2", "w3"]'),
    ("unanswered", 0.0, "trained = model"),
    ("unanswered", 0.0, 'del trained["biases"]'),
    ("unanswered", 0.0, "trained = [trained]"),
    ("unanswered", 0.0, "trained = None"),
]  # fmt: skip

RIGHT: dict[str, list[str]] = {
    "dense": [*_ALL, "def fans(shape):\n    return shape if variant['order'] == 'in-out' else "
                     "shape[::-1]"],
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
    b = np.sqrt(12 * variance) / 2
    return rng.uniform(-b, b, size=tuple(shape)).astype(np.float32)
""",
        """
def uniform(shape, variance, rng):
    a = math.sqrt(3 * variance)
    return [[rng.uniform(-a, a) for _ in range(shape[1])] for _ in range(shape[0])]
""",
        """
from scipy import stats
uniform = lambda shape, variance, rng: stats.uniform(
    -math.sqrt(3 * variance), 2 * math.sqrt(3 * variance)
).rvs(size=shape, random_state=rng)
""",
        # A torch generator with a seed from the one that is given.
        """
def uniform(shape, variance, rng):
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    a = math.sqrt(3 * variance)
    return torch.empty(*shape).uniform_(-a, a, generator=generator)
""",
        # The bits themselves.
        """
def uniform(shape, variance, rng):
    bits = rng.bit_generator.random_raw(math.prod(shape)) >> np.uint64(11)
    u = bits.astype(float) * 2.0**-53
    return ((u - 0.5) * math.sqrt(12 * variance)).reshape(shape)
""",
        # A child of the generator.
        """
class Uniform:
    def __call__(self, shape, variance, rng):
        child, = rng.spawn(1)
        return child.permuted(child.uniform(-1, 1, shape), axis=1) * math.sqrt(3 * variance)

uniform = Uniform()
""",
        # Half precision, and a grid of 4,001 numbers.
        """
def uniform(shape, variance, rng):
    a = math.sqrt(3 * variance)
    return rng.uniform(-a, a, shape).astype(np.float16)
""",
        """
def uniform(shape, variance, rng):
    return rng.integers(-2000, 2001, shape) / 2000 * math.sqrt(3 * variance)
""",
        """
import random
def uniform(shape, variance, rng):
    r = random.Random(rng.bytes(32))
    a = math.sqrt(3 * variance)
    return np.reshape([r.uniform(-a, a) for _ in range(math.prod(shape))], shape)
""",
    ],
    "normal": [
        """
def normal(shape, variance, rng):
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(variance ** 0.5)
""",
        """
from scipy import stats
def normal(shape, variance, rng):
    return stats.norm.rvs(scale=np.sqrt(variance), size=shape, random_state=rng)
""",
        # Box and Muller.
        """
def normal(shape, variance, rng):
    n = math.prod(shape)
    u, v = 1 - rng.random((n + 1) // 2), rng.random((n + 1) // 2)
    r = np.sqrt(-2 * variance * np.log(u))
    return np.r_[r * np.cos(2 * np.pi * v), r * np.sin(2 * np.pi * v)][:n].reshape(shape)
""",
        """
from scipy.special import ndtri
normal = lambda shape, variance, rng: ndtri(rng.random(shape)) * variance ** 0.5
""",
        """
def normal(shape, variance, rng):
    seed = int.from_bytes(rng.bytes(7), "little")
    w = torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))
    return w.mul(math.sqrt(variance))
""",
        """
def normal(shape, variance, rng):
    w = rng.multivariate_normal(np.zeros(2), variance * np.eye(2), math.prod(shape) // 2)
    return w.reshape(shape)
""",
        # Marsaglia's polar method, rejecting as it goes.
        """
def normal(shape, variance, rng):
    found = np.empty(0)
    while found.size < math.prod(shape):
        u, v = rng.uniform(-1, 1, (2, 100_000))
        s = u * u + v * v
        inside = (s < 1) & (s > 0)
        found = np.r_[found, u[inside] * np.sqrt(-2 * np.log(s[inside]) / s[inside])]
    return found[:math.prod(shape)].reshape(shape) * math.sqrt(variance)
""",
        """
def normal(shape, variance, rng):
    return np.round(rng.normal(0, math.sqrt(variance), shape), 4)
""",
        """
def normal(shape, variance, rng):
    return torch.stack([
        torch.tensor(rng.normal(0, math.sqrt(variance), shape[1])) for row in range(shape[0])
    ])
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
        # More than enough at once.
        """
def truncated(shape, variance, rng):
    n, c = math.prod(shape), variant["cut"]
    w = rng.standard_normal(2 * n + 1000)
    w = w[np.abs(w) <= c][:n]
    return (w * math.sqrt(variance / left_by(c))).reshape(shape).astype("float32")
""",
        # torch's erfinv in single precision, and an integral by the trapezoidal rule.
        """
def truncated(shape, variance, rng):
    c = variant["cut"]
    t = np.linspace(-c, c, 20001)
    p = np.exp(-t * t / 2)
    left = np.trapezoid(t * t * p, t) / np.trapezoid(p, t)
    u = torch.from_numpy(rng.uniform(-1, 1, shape)).float() * math.erf(c / math.sqrt(2))
    return torch.erfinv(u) * math.sqrt(2 * variance / left)
""",
        # Accepting from a uniform proposal.
        """
def truncated(shape, variance, rng):
    c, n, found = variant["cut"], math.prod(shape), []
    while sum(map(len, found)) < n:
        t = rng.uniform(-c, c, n)
        found.append(t[rng.random(n) < np.exp(-t * t / 2)])
    w = np.concatenate(found)[:n].reshape(shape)
    return w * math.sqrt(variance / left_by(c))
""",
        # The factor by a simulation, from numbers of its own: they are no weights.
        """
_w = np.random.default_rng(5).standard_normal(4_000_000)
_left = _w[np.abs(_w) < variant["cut"]].var()
def truncated(shape, variance, rng):
    s = math.sqrt(variance / _left)
    w = rng.normal(0, s, shape)
    while True:
        beyond = abs(w) > variant["cut"] * s
        if not beyond.any():
            return w
        w = np.where(beyond, rng.normal(0, s, shape), w)
""",
        """
def truncated(shape, variance, rng):
    s = math.sqrt(variance / left_by(variant["cut"]))
    def one():
        while True:
            w = rng.normal()
            if -variant["cut"] < w < variant["cut"]:
                return s * w
    return [[one() for _ in range(shape[1])] for _ in range(shape[0])]
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
