"""Solutions of problem set 4, right and wrong, in the styles in which they come.

All is written in terms of ``variant`` and of what the solution found, and has the same fault for
every student.
"""

RIGHT: dict[str, list[str]] = {}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {}


# --------------------------------------------------------------------------------------------------
# Forward
# --------------------------------------------------------------------------------------------------

RIGHT["forward"] = [
    """
def forward(x, weights, biases, activation):
    s = x @ weights[0] + biases[0]
    if len(weights) == 1:
        return (s,)
    z = value(activation, s)
    return (z, *forward(z, weights[1:], biases[1:], activation))
""",
    """
import functools

def forward(x, weights, biases, activation):
    def step(done, layer):
        w, b = layer
        last = value(activation, done[-1]) if len(done) > 1 else done[-1]
        return [*done, np.einsum("ni,ij->nj", last, w) + b]
    _, *sums = functools.reduce(step, zip(weights, biases), [np.asarray(x)])
    return [value(activation, s) for s in sums[:-1]] + [sums[-1]]
""",
]


def _forward(step: str = "z = value(activation, s)", end: str = "return found") -> str:
    """A function with another step from s to z, or another end."""
    body = "\n".join(f"        {line}" for line in step.splitlines())
    return f"""
def forward(x, weights, biases, activation):
    z, found, last = x, [], len(weights) - 1
    for i, (w, b) in enumerate(zip(weights, biases)):
        s = z @ w + b
        if i == last:
            found.append(s)
            break
{body}
        found.append(z)
    {end}
"""


WRONG["forward"] = [
    # An activation after every layer.
    ("output bent", 0.3, """
def forward(x, weights, biases, activation):
    found = []
    for w, b in zip(weights, biases):
        x = value(activation, x @ w + b)
        found.append(x)
    return found
"""),
    ("softmax", 0.3,
     _forward(end="e = np.exp(s)\n    return [*found[:-1], e / e.sum(axis=1, keepdims=True)]")),
    ("no biases", 0.3, _forward().replace("z @ w + b", "z @ w")),
    ("biases late", 0.3, _forward("z = value(activation, z @ w) + b")),
    # Kept for the way back, and returned.
    ("sums", 0.3, _forward("z = value(activation, s)\nfound.append(s)\ncontinue")),
    ("no activation", 0.3, _forward("z = s")),
    ("with the input", 0.3, _forward(end="return [x, *found]")),
    ("no output", 0.3, _forward(end="return found[:-1]")),
    ("only the output", 0.3, _forward(end="return found[-1]")),
    ("reversed", 0.3, _forward(end="return found[::-1]")),
    ("by name", 0.3, """
def forward(x, weights, biases, activation):
    named, z = {}, x
    for i in range(len(weights) - 1):
        z = value(activation, z @ weights[i] + biases[i])
        named[f"layer {i + 1}"] = z
    return [named[name] for name in sorted(named)] + [z @ weights[-1] + biases[-1]]
"""),
    # What the book uses most.
    ("another activation", 0.3, _forward("z = np.tanh(s)")),
    ("one activation", 0.5,
     _forward('assert activation == variant["activation"]\nz = value(activation, s)')),
    ("layer", 0.0, _forward("z = value(activation, s + b)")),
    # Weights as torch has them.
    ("unanswered", 0.0, _forward().replace("z @ w", "z @ w.T")),
    ("form", 0.0, _forward(end="return [str(layer) for layer in found]")),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# Statistics
# --------------------------------------------------------------------------------------------------

RIGHT["statistics"] = [
    # A table.
    """
import pandas as pd

def statistics(x, weights, biases, activation):
    rows = []
    for z in forward(x, weights, biases, activation)[:-1]:
        table = pd.DataFrame(z)
        stacked = table.stack()
        steep = slope(activation, stacked) / (0.25 if activation == "sigmoid" else 1)
        rows.append([stacked.mean(), stacked.std(), table.std().mean(),
                     stacked.quantile(0.98), (steep < 0.05).mean()])
    return pd.DataFrame(rows, columns=["mean", "std", "std_inputs", "p98", "saturated"])
""",
    # Slopes by differences, and rounded to three digits.
    """
def statistics(x, weights, biases, activation):
    h, found = 1e-4, []
    hidden = forward(x, weights, biases, activation)[:-1]
    for below, z, w, b in zip([x, *hidden], hidden, weights, biases):
        s = below @ w + b
        steep = (value(activation, s + h) - value(activation, s - h)) / (2 * h)
        most = (value(activation, h) - value(activation, -h)) / (2 * h)
        names = ("mean", "std", "std_inputs", "p98", "saturated")
        numbers = (
            z.mean(), z.std(), z.std(0).sum() / z.shape[1],
            np.quantile(z, 0.98, method="nearest"), np.count_nonzero(steep / most < 0.05) / z.size,
        )
        found.append({name: round(float(n), 3) for name, n in zip(names, numbers)})
    return found
""",
]


def _statistics(end: str = "return rows", drop: str = "", **fields: str) -> str:
    """A function with other fields, that know s, z and which activations are flat."""
    right = {
        "mean": "z.mean()",
        "std": "z.std()",
        "std_inputs": "z.std(axis=0).mean()",
        "p98": "np.percentile(z, 98)",
        "saturated": "flat.mean()",
    }
    rows = "".join(
        f'            "{name}": {text},\n'
        for name, text in (right | fields).items()
        if name != drop
    )
    return f"""
def statistics(x, weights, biases, activation):
    rows, z = [], x
    steepest = 0.25 if activation == "sigmoid" else 1.0
    for w, b in zip(weights[:-1], biases[:-1]):
        s = z @ w + b
        z = value(activation, s)
        flat = slope(activation, z) < 0.05 * steepest
        rows.append({{
{rows}        }})
    {end}
"""


_MIDDLE = '(0.5 if activation == "sigmoid" else 0)'

WRONG["statistics"] = [
    ("mean of sums", 0.8, _statistics(mean="s.mean()")),
    ("mean absolute", 0.8, _statistics(mean="np.abs(z).mean()")),
    ("variance", 0.8, _statistics(std="z.var()")),
    ("std of sums", 0.8, _statistics(std="s.std()")),
    ("std per unit", 0.8, _statistics(std="z.std(axis=0).mean()")),
    ("pooled", 0.8, _statistics(std_inputs="z.std()")),
    ("over units", 0.8, _statistics(std_inputs="z.std(axis=1).mean()")),
    ("variance per unit", 0.8, _statistics(std_inputs="z.var(axis=0).mean()")),
    ("of means", 0.8, _statistics(std_inputs="z.mean(axis=0).std()")),
    ("many", 0.8, _statistics(std_inputs="z.std(axis=0)")),
    ("absolute", 0.8, _statistics(p98="np.percentile(np.abs(z), 98)")),
    ("largest", 0.8, _statistics(p98="z.max()")),
    ("p02", 0.8, _statistics(p98="np.sort(z, axis=None)[::-1][int(0.98 * z.size)]")),
    ("percent", 0.8, _statistics(p98="np.percentile(z, 0.98)")),
    ("p98", 0.8, _statistics(p98="np.percentile(z, 90)")),
    # The limit of tanh, whatever the activation.
    ("threshold", 0.8, _statistics(saturated="(np.abs(z) > 0.97).mean()")),
    ("one side", 0.8, _statistics(saturated=f"(flat & (z > {_MIDDLE})).mean()")),
    ("not of the steepest", 0.8, _statistics(saturated="(slope(activation, z) < 0.05).mean()")),
    ("units", 0.8, _statistics(saturated="(flat.mean(axis=0) > 0.5).mean()")),
    ("in percent", 0.8, _statistics(saturated="100 * flat.mean()")),
    ("counted", 0.8, _statistics(saturated="flat.sum()")),
    ("not saturated", 0.8, _statistics(saturated="1 - flat.mean()")),
    ("saturated", 0.8, _statistics(saturated="(slope(activation, z) < 0.5 * steepest).mean()")),
    ("missing", 0.8, _statistics(drop="p98")),
    ("mean", 0.8, _statistics(mean="np.nan")),
    ("reversed", 0.4, _statistics(end="return rows[::-1]")),
    ("by name", 0.4, _statistics(
         end='named = {f"z{i + 1}": row for i, row in enumerate(rows)}\n'
         "    return [named[name] for name in sorted(named)]"
     )),
    ("with the output", 0.6, _statistics().replace("weights[:-1], biases[:-1]", "weights, biases")),
    ("unanswered", 0.0, _statistics(end="return rows[0]")),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# Gradients
# --------------------------------------------------------------------------------------------------

RIGHT["gradients"] = [
    # Autograd, of the sum of all costs.
    """
import torch

def gradients(x, y, weights, biases, activation):
    f = {"tanh": torch.tanh, "softsign": torch.nn.functional.softsign, "sigmoid": torch.sigmoid}
    z, sums = torch.tensor(np.array(x)), []
    for i, (w, b) in enumerate(zip(weights, biases)):
        s = z @ torch.tensor(np.array(w)) + torch.tensor(np.array(b))
        s.requires_grad_(True)
        sums.append(s)
        z = f[activation](s)
    target = torch.tensor(np.array(y))
    cost = torch.nn.functional.cross_entropy(sums[-1], target, reduction="sum")
    return torch.stack([g.std() for g in torch.autograd.grad(cost, sums[:-1])])
""",
    # The other sign, and a series of pandas.
    """
import pandas as pd
from scipy.special import softmax

def gradients(x, y, weights, biases, activation):
    z = forward(x, weights, biases, activation)
    onehot = pd.get_dummies(pd.Series(y)).reindex(columns=range(z[-1].shape[1]), fill_value=0)
    delta, found = onehot.to_numpy(float) - softmax(z[-1], axis=1), {}
    for i in range(len(weights) - 1, 0, -1):
        delta = slope(activation, z[i - 1]) * np.einsum("nk,jk->nj", delta, weights[i])
        found[i] = np.float32(delta.std(ddof=1))
    return pd.Series(found).sort_index()
""",
]


def _gradients(**changes: str) -> str:
    """A function with some of its lines changed."""
    parts = {
        "up": "hidden, output, sums = [], None, []",
        "bias": "z @ w + b",
        "output": "p - np.eye(p.shape[1])[y]",
        "top": "",
        "step": "(delta @ w.T) * slope(activation, z)",
        "std": "delta.std()",
        "end": "return found",
    } | changes
    return f"""
def gradients(x, y, weights, biases, activation):
    sums, hidden, z = [], [], x
    for w, b in zip(weights, biases):
        s = {parts["bias"]}
        z = value(activation, s)
        sums.append(s)
        hidden.append(z)
    s = sums[-1]
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    delta, found = {parts["output"]}, []
    {parts["top"]}
    for w, s, z, below in zip(
        weights[:0:-1], sums[-2::-1], hidden[-2::-1], [*hidden[:-2][::-1], x]
    ):
        above = delta
        delta = {parts["step"]}
        found.insert(0, {parts["std"]})
    {parts["end"]}
"""


WRONG["gradients"] = [
    # Appended from the top down, and not turned round.
    ("reversed", 0.3, _gradients(end="return found[::-1]")),
    ("by name", 0.3, _gradients(
         end='named = {f"s{i + 1}": std for i, std in enumerate(found)}\n'
         "    return [named[name] for name in sorted(named)]"
     )),
    # What torch's cross_entropy gives by default.
    ("of the mean", 0.3, _gradients(output="(p - np.eye(p.shape[1])[y]) / len(x)")),
    # By z, which is what retain_grad of the activations gives.
    ("by z", 0.3, _gradients(std="(above @ w.T).std()")),
    ("no slope", 0.0, _gradients(step="delta @ w.T")),
    ("another slope", 0.3,
     _gradients(step='(delta @ w.T) * slope(["tanh", "sigmoid"][activation == "tanh"], z)')),
    ("layers above", 0.3, _gradients(std="above.std()")),
    ("with the output", 0.6,
     _gradients(top="above = delta.std()", end="return [*found, top]").replace(
         "above = delta.std()", "top = delta.std()"
     )),
    ("of weights", 0.3, _gradients(std="(below.T @ delta).std()")),
    ("averaged first", 0.3, _gradients(std="delta.mean(axis=0).std()")),
    ("per unit", 0.3, _gradients(std="delta.std(axis=0).mean()")),
    ("variance", 0.3, _gradients(std="delta.var()")),
    ("no labels", 0.3, _gradients(output="p")),
    ("no biases", 0.3, _gradients(bias="z @ w")),
    ("output bent", 0.3,
     _gradients(output="(p - np.eye(p.shape[1])[y]) * slope(activation, s)").replace(
         "s = sums[-1]", "s = hidden[-1]"
     )),
    ("factor", 0.3, _gradients(output="2 * (p - np.eye(p.shape[1])[y])")),
    ("gradients", 0.0, _gradients(std="np.median(np.abs(delta))")),
    ("unanswered", 0.0, _gradients(std="delta.std(axis=0)")),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# A panel
# --------------------------------------------------------------------------------------------------

RIGHT["panel"] = [
    # Bins that leave the tails out; a density over what they hold, and one over all.
    """
ends = [np.percentile(layer, [1, 99]) for layer in layers]
pairs = [np.histogram(layer, 30, range=tuple(end), density=True) for layer, end in
         zip(layers, ends)]
panel["density"], panel["edges"] = zip(*pairs)
""",
    """
panel["edges"] = [np.linspace(*np.percentile(layer, [2, 100]), 26) for layer in layers]
panel["density"] = [np.histogram(layer, edges)[0] / (layer.size * np.diff(edges))
                    for layer, edges in zip(layers, panel["edges"])]
""",
]

# Weights, then what follows from them.
_DRAWN = """
rng = np.random.default_rng(11)
chosen, activation = variant["panel"], variant["activation"]
sizes = [64, *[chosen["width"]] * 5, 10]
weights = []
for a, b in zip(sizes[:-1], sizes[1:]):
    bound = math.sqrt(1 / a if chosen["rule"] == "standard" else 6 / (a + b))
    weights.append(rng.uniform(-bound, bound, (a, b)))
"""
_SHOWN = """
zero = [np.zeros(w.shape[1]) for w in weights]
data = datasets.load("digits", "test")
x, y = data.images[:300].numpy().astype(float), data.labels[:300].numpy()
if chosen["quantity"] == "activations":
    layers = forward(x, weights, zero, activation)[:-1]
else:
    layers = deltas(x, y, weights, zero, activation)
pairs = [np.histogram(layer, bins=50, density=True) for layer in layers]
panel = {
    "weights": weights,
    "std": [float(layer.std()) for layer in layers],
    "density": [density for density, _ in pairs],
    "edges": [edges for _, edges in pairs],
}
"""


def _weights(line: str) -> str:
    """A panel with other weights: a line of the loop that makes them."""
    return _DRAWN.replace("weights.append(rng.uniform(-bound, bound, (a, b)))", line) + _SHOWN


WRONG["panel"] = [
    # Of the weights.
    ("std as bound", 0.2, _DRAWN.replace("1 / a ", "1 / (3 * a) ").replace("6 /", "2 /") + _SHOWN),
    ("other rule", 0.2, _DRAWN.replace('== "standard"', '!= "standard"') + _SHOWN),
    # A generator with the same seed for every layer.
    ("stream reused", 0.2,
     _weights("weights.append(np.random.default_rng(3).uniform(-bound, bound, (a, b)))")),
    ("transposed", 0.2, _DRAWN + _SHOWN + 'panel["weights"] = [w.T for w in weights]'),
    # Of the spreads.
    ("reversed", 0.4, 'panel["std"] = panel["std"][::-1]'),
    ("variance", 0.4, 'panel["std"] = [layer.var() for layer in layers]'),
    ("per unit", 0.4, 'panel["std"] = [layer.std(axis=0).mean() for layer in layers]'),
    ("other quantity", 0.4,
     _DRAWN + _SHOWN.replace('chosen["quantity"] ==', 'chosen["quantity"] !=')),
    ("sums", 0.4, """
zero = [np.zeros(w.shape[1]) for w in weights]
hidden = [x, *forward(x, weights, zero, activation)[:-1]]
panel["std"] = [(z @ w).std() for z, w in zip(hidden[:-1], weights)]
"""),
    ("other images", 0.4, _DRAWN + _SHOWN.replace("[:300]", "")),
    ("not these weights", 0.4, _DRAWN + _SHOWN.replace("np.zeros(", "0.5 + np.zeros(")),
    # Of the densities.
    ("counts", 0.6,
     'panel["density"] = [np.histogram(a, e)[0] for a, e in zip(layers, panel["edges"])]'),
    ("shares", 0.6,
     'panel["density"] = [d * np.diff(e) for d, e in zip(panel["density"], panel["edges"])]'),
    ("area", 0.6, 'panel["density"] = [d / d.max() for d in panel["density"]]'),
    ("another layer", 0.6, 'panel["edges"].reverse()\npanel["density"].reverse()'),
    ("density", 0.6, 'panel["density"] = [np.cumsum(d) for d in panel["density"]]'),
    ("bins", 0.6, 'panel["edges"] = [(e[1:] + e[:-1]) / 2 for e in panel["edges"]]'),
    ("range", 0.6, """
lowest = [np.histogram(layer, 20, (layer.min(), np.percentile(layer, 30))) for layer in layers]
panel["edges"] = [edges for _, edges in lowest]
panel["density"] = [counts / counts.sum() / np.diff(edges) for counts, edges in lowest]
"""),
    # Of the form.
    ("unanswered", 0.0, 'del panel["std"]'),
    ("form", 0.0, 'panel["weights"] = None'),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------
# Patients
# --------------------------------------------------------------------------------------------------

# What all of these use; K is the number of the patient.
_TABLE = """
def table(k):
    "Every statistic of every layer: rows of (layer, statistic, value)."
    told, rows = variant["patients"][k - 1], []
    w = [held[f"patient_{k}_weights_{i}"].astype(float) for i in range(1, 6)]
    b = [held[f"patient_{k}_biases_{i}"].astype(float) for i in range(1, 6)]
    for i in range(5):
        kernel = math.prod(w[i].shape[2:])
        n_in, n_out = w[i].shape[1] * kernel, w[i].shape[0] * kernel
        per = n_in if told["rule"] == "fan-in" else (n_in + n_out) / 2
        std = told["gain"] / math.sqrt(per)
        rows.append((i + 1, "std ratio", w[i].std() / std))
        rows.append((i + 1, "mean ratio", w[i].mean() / std))
        rows.append((i + 1, "largest bias", np.abs(b[i]).max()))
        rows.append((i + 1, "distinct units", len({tuple(u.ravel()) for u in w[i]})))
        for j in range(5):
            if j != i and w[i].shape == w[j].shape and (w[i] == w[j]).all():
                rows.append((i + 1, "equal to", j + 1))
    return rows

def at(k, layer, statistic):
    return next(v for i, s, v in table(k) if (i, s) == (layer, statistic))

def showing(k):
    "The layers that show what is wrong, with a statistic that shows it."
    fault, kind = diagnoses[k]["fault"], diagnoses[k]["statistic"]
    rows = [(i, s, v) for i, s, v in table(k)]
    if fault == "none":
        ratios = [(abs(v - 1), i, s, v) for i, s, v in rows if s == "std ratio"]
        return [max(ratios)[1:]]
    ill = {
        "std ratio": lambda v: abs(v - 1) > 0.1,
        "mean ratio": lambda v: abs(v) > 0.3,
        "largest bias": lambda v: v > 0,
        "distinct units": lambda v: v == 1,
        "equal to": lambda v: True,
    }
    kinds = {kind, "distinct units"} if fault == "zero layer" else {kind}
    return [(i, s, v) for i, s, v in rows if s in kinds and ill[s](v)]

d = diagnoses[K]
"""

_RIGHT = [
    # The last layer that shows it, by the other statistic if there are two.
    """
layer, statistic, number = showing(K)[-1]
diagnoses[K] = {"fault": d["fault"], "layer": layer, "statistic": statistic, "value": number}
""",
    # Rounded, of NumPy's and torch's kinds, the keys as text.
    """
import torch
layer, statistic, number = showing(K)[0]
diagnoses = {
    str(k): {
        "fault": np.str_(v["fault"]),
        "layer": np.int64(v["layer"]),
        "statistic": v["statistic"],
        "value": torch.tensor(float(f"{v['value']:.3g}")),
    }
    for k, v in diagnoses.items()
}
""",
]  # fmt: skip

# The fault is right, and what is said for it is not.
_HALF = [
    ("value", 'diagnoses[K]["value"] = 0.123 + 1.83 * d["value"]'),
    ("no number", 'diagnoses[K]["value"] = "about " + str(d["value"])'),
    # A statistic that shows something else.
    ("no evidence", 'diagnoses[K].update(layer=1, statistic="largest bias", value=0.0)'),
    # Layers from zero.
    ("no such layer", 'diagnoses[K]["layer"] = 0'),
    ("no such statistic", 'diagnoses[K]["statistic"] = "std"'),
]

_NOTHING = [
    ("no such fault", 'diagnoses[K]["fault"] = "weights too large"'),
    ("unanswered", "del diagnoses[K]"),
]

# Where both students' patients have something, or the same, or show it by the std ratio.
_MISSED = (
    "missed",
    0.0,
    'diagnoses[K] = {"fault": "none", "layer": 3, "statistic": "largest bias", "value": 0.0}',
)
_ANOTHER = (
    "another fault",
    0.25,
    'diagnoses[K]["fault"] = "gain twice" if d["fault"] != "gain twice" else "default"',
)
# The same value in a layer where it is not.
_ELSEWHERE = ("another layer", 0.5, 'diagnoses[K]["layer"] = 1 + d["layer"] % 5')

_OF_ONE: dict[int, list[tuple[str, float, str]]] = {
    1: [
        ("variance", 0.5, 'diagnoses[1]["value"] = d["value"] ** 2'),
        ("upside down", 0.5, 'diagnoses[1]["value"] = 1 / d["value"]'),
        ("alone", 0.5, 'diagnoses[1]["value"] = held[f"patient_1_weights_{d[\'layer\']}"].std()'),
        ("gain left out", 0.5,
         'diagnoses[1]["value"] = d["value"] * variant["patients"][0]["gain"]'),
        # Both show it by the std ratio, and have a harmonic rule.
        ("other rule", 0.5, """
w = held["patient_1_weights_1"]
n_in, gain = math.prod(w.shape[1:]), variant["patients"][0]["gain"]
diagnoses[1].update(layer=1, value=w.std() / (gain / math.sqrt(n_in)))
"""),
        ("kernel left out", 0.5, """
w = held["patient_1_weights_2"].astype(float)
per = (w.shape[0] + w.shape[1]) / 2
diagnoses[1].update(layer=2, value=w.std() / variant["patients"][0]["gain"] * math.sqrt(per))
"""),
        ("other fan", 0.5, """
w = held["patient_1_weights_5"].astype(float)
std = variant["patients"][0]["gain"] / math.sqrt(len(w))
diagnoses[1].update(layer=5, value=w.std() / std)
"""),
        ("another layer", 0.5, 'diagnoses[1]["layer"] = 4 if d["layer"] != 4 else 1'),
    ],
    2: [
        _MISSED,
        _ANOTHER,
        _ELSEWHERE,
    ],
    3: [
        ("missed", 0.25, 'diagnoses[3]["fault"] = "none"'),
        # A layer of zeros has one unit, sixty times; what is wrong with it is that it is zero.
        ("another fault", 0.25,
         'diagnoses[3].update(fault="units tied", statistic="distinct units", value=1)'),
        _ANOTHER,
        _ELSEWHERE,
        ("all units", 0.5, """
w = held[f"patient_3_weights_{d['layer']}"]
diagnoses[3].update(statistic="distinct units", value=len(w))
"""),
        ("copies", 0.5, """
w = held[f"patient_3_weights_{d['layer']}"]
diagnoses[3].update(statistic="distinct units", value=len(w) - 1)
"""),
    ],
    4: [("missed", 0.25, 'diagnoses[4]["fault"] = "none"'), _ANOTHER],
    5: [
        ("no evidence", 0.5, 'diagnoses[5].update(layer=4, statistic="distinct units",\n'
         '                    value=at(5, 4, "distinct units"))'),
        ("weights", 0.5, 'diagnoses[5].update(layer=4, statistic="distinct units",\n'
         '                    value=len(np.unique(held["patient_5_weights_4"])))'),
        # Absolute values have a mean, whatever is wrong.
        ("absolute", 0.5, """
d = {"layer": 2, "statistic": "mean ratio"}
w = held["patient_5_weights_2"].astype(float)
diagnoses[5].update(d, value=np.abs(w).mean() / w.std() * at(5, 2, "std ratio"))
"""),
        ("value", 0.5, 'diagnoses[5].update(layer=3, statistic="std ratio", value=1.5)'),
    ],
}  # fmt: skip

for _k in range(1, 6):
    RIGHT[f"patient_{_k}"] = [(_TABLE + code).replace("K", str(_k)) for code in _RIGHT]
    _all = [
        *((fault, 0.5, code) for fault, code in _HALF),
        *((fault, 0.0, code) for fault, code in _NOTHING),
        *_OF_ONE[_k],
    ]
    WRONG[f"patient_{_k}"] = [
        (fault, share, (_TABLE + code).replace("K", str(_k))) for fault, share, code in _all
    ]

# What shows only where nothing is wrong with a patient, as with the fifth of the public ones, or by
# a rule that is not the same for both fans.
OF_PUBLIC = {
    "panel": [("fan-out", 0.2, _DRAWN.replace("1 / a ", "1 / b ") + _SHOWN)],
    "patient_5": [
        ("false alarm", 0.25, 'diagnoses[5]["fault"] = "gain twice"'),
        ("not the farthest", 0.5, _TABLE.replace("K", "5") + """
rows = [(abs(v - 1), i, v) for i, s, v in table(5) if s == "std ratio"]
diagnoses[5].update(layer=min(rows)[1], value=min(rows)[2])
"""),
    ],
}  # fmt: skip
