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
    f = {
        "tanh": np.tanh,
        "softsign": lambda s: s / (1 + np.abs(s)),
        "sigmoid": lambda s: 1 / (1 + np.exp(-s)),
    }[activation]
    layers = [x]
    for i in range(len(weights)):
        s = np.dot(layers[-1], weights[i]) + biases[i][None, :]
        layers.append(f(s) if i < len(weights) - 1 else s)
    return layers[1:]
""",
    """
import torch

def forward(x, weights, biases, activation):
    f = {"tanh": torch.tanh, "softsign": torch.nn.functional.softsign, "sigmoid": torch.sigmoid}
    z, out = torch.as_tensor(np.asarray(x), dtype=torch.float32), []
    for k, (w, b) in enumerate(zip(weights, biases)):
        w = torch.as_tensor(np.asarray(w), dtype=torch.float32)
        z = torch.addmm(torch.as_tensor(np.asarray(b), dtype=torch.float32), z, w)
        if k + 1 < len(weights):
            z = f[activation](z)
        out.append(z)
    return out
""",
    """
def forward(x, weights, biases, activation):
    s = x @ weights[0] + biases[0]
    if len(weights) == 1:
        return (s,)
    z = value(activation, s)
    return (z, *forward(z, weights[1:], biases[1:], activation))
""",
    """
from scipy.special import expit

def forward(x, weights, biases, activation):
    # biases as one more row of the weights, for an input that is always 1
    out, last = [], len(weights) - 1
    for i, (w, b) in enumerate(zip(weights, biases)):
        ones = np.ones((len(x), 1))
        x = np.hstack([x, ones]) @ np.vstack([w, b])
        if i != last:
            if activation == "sigmoid":
                x = expit(x)
            elif activation == "tanh":
                x = 2 * expit(2 * x) - 1
            else:
                x = np.sign(x) * (1 - 1 / (1 + np.abs(x)))
        out.append(x.astype(np.float32))
    return out
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
    """
class Net:
    def __init__(self, weights, biases, activation):
        self.layers = [(w.tolist(), b.tolist()) for w, b in zip(weights, biases)]
        self.activation = activation

    def __call__(self, x):
        rows, found = [list(map(float, row)) for row in x], []
        for number, (w, b) in enumerate(self.layers, start=1):
            columns = list(zip(*w))
            rows = [
                [sum(p * q for p, q in zip(row, column)) + c for column, c in zip(columns, b)]
                for row in rows
            ]
            if number < len(self.layers):
                rows = [[float(value(self.activation, s)) for s in row] for row in rows]
            found.append(rows)
        return found

def forward(x, weights, biases, activation):
    return Net(weights, biases, activation)(x)
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
    (
        "output bent",
        0.3,
        """
def forward(x, weights, biases, activation):
    found = []
    for w, b in zip(weights, biases):
        x = value(activation, x @ w + b)
        found.append(x)
    return found
""",
    ),
    (
        "softmax",
        0.3,
        _forward(end="e = np.exp(s)\n    return [*found[:-1], e / e.sum(axis=1, keepdims=True)]"),
    ),
    ("no biases", 0.3, _forward().replace("z @ w + b", "z @ w")),
    (
        "no bias of the output",
        0.3,
        _forward().replace("found.append(s)", "found.append(z @ w)"),
    ),
    ("biases late", 0.3, _forward("z = value(activation, z @ w) + b")),
    # Kept for the way back, and returned.
    ("sums", 0.3, _forward("z = value(activation, s)\nfound.append(s)\ncontinue")),
    ("no activation", 0.3, _forward("z = s")),
    (
        "inputs",
        0.3,
        """
def forward(x, weights, biases, activation):
    found = []
    for w, b in zip(weights, biases):
        found.append(x)
        x = value(activation, x @ w + b)
    return found
""",
    ),
    ("with the input", 0.3, _forward(end="return [x, *found]")),
    ("no output", 0.3, _forward(end="return found[:-1]")),
    ("only the output", 0.3, _forward(end="return found[-1]")),
    ("reversed", 0.3, _forward(end="return found[::-1]")),
    (
        "reversed",
        0.3,
        """
def forward(x, weights, biases, activation):
    found = []
    for w, b in zip(weights[:-1], biases[:-1]):
        x = value(activation, x @ w + b)
        found.insert(0, x)
    return [x @ weights[-1] + biases[-1]] + found
""",
    ),
    (
        "by name",
        0.3,
        """
def forward(x, weights, biases, activation):
    named, z = {}, x
    for i in range(len(weights) - 1):
        z = value(activation, z @ weights[i] + biases[i])
        named[f"layer {i + 1}"] = z
    return [named[name] for name in sorted(named)] + [z @ weights[-1] + biases[-1]]
""",
    ),
    ("transposed", 0.3, _forward(end="return [layer.T for layer in found]")),
    # What the book uses most.
    ("another activation", 0.3, _forward("z = np.tanh(s)")),
    ("another activation", 0.3, _forward("z = np.maximum(s, 0)")),
    # Right for the student's own activation only.
    ("another activation", 0.5, _forward('z = value(variant["activation"], s)')),
    (
        "one activation",
        0.5,
        _forward('assert activation == variant["activation"]\nz = value(activation, s)'),
    ),
    ("layer", 0.0, _forward("z = value(activation, s + b)")),
    ("layer", 0.0, _forward("z = value(activation, value(activation, s))")),
    ("layer", 0.0, _forward("z = value(activation, s)\nz = z - z.mean(axis=0)")),
    ("layer", 0.0, _forward().replace("z, found", "x = x - x.mean(axis=0)\n    z, found")),
    ("layer", 0.0, _forward().replace("z, found", "x -= x.mean(axis=0)\n    z, found")),
    # Weights as torch has them.
    ("unanswered", 0.0, _forward().replace("z @ w", "z @ w.T")),
    ("unanswered", 0.0, _forward(end="return dict(enumerate(found))")),
    ("unanswered", 0.0, _forward(end="print(found)")),
    ("form", 0.0, _forward(end="return [str(layer) for layer in found]")),
    ("layer", 0.0, _forward(end="return [np.full_like(layer, np.nan) for layer in found]")),
]

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
    # Slopes by autograd; stds of torch, which divide by n - 1.
    """
import torch

def statistics(x, weights, biases, activation):
    f = {"tanh": torch.tanh, "softsign": torch.nn.functional.softsign, "sigmoid": torch.sigmoid}
    f = f[activation]
    zero = torch.zeros((), requires_grad=True)
    steepest = torch.autograd.grad(f(zero), zero)[0]
    found, z = [], torch.tensor(np.array(x))
    for w, b in zip(weights[:-1], biases[:-1]):
        s = (z @ torch.tensor(np.array(w)) + torch.tensor(np.array(b))).requires_grad_()
        z = f(s)
        steep = torch.autograd.grad(z.sum(), s)[0]
        z = z.detach()
        found.append({
            "mean": z.mean(),
            "std": z.std(),
            "std_inputs": z.std(dim=0).mean(),
            "p98": torch.quantile(z, 0.98),
            "saturated": (steep < 0.05 * steepest).double().mean(),
        })
    return found
""",
    # Loops, and limits of z by hand.
    """
LIMITS = {
    "tanh": (-math.sqrt(0.95), math.sqrt(0.95)),
    "softsign": (-(1 - math.sqrt(0.05)), 1 - math.sqrt(0.05)),
    "sigmoid": ((1 - math.sqrt(0.95)) / 2, (1 + math.sqrt(0.95)) / 2),
}

def spread(numbers):
    m = sum(numbers) / len(numbers)
    return math.sqrt(sum((n - m) ** 2 for n in numbers) / len(numbers))

def statistics(x, weights, biases, activation):
    low, high = LIMITS[activation]
    result = []
    for layer in forward(x, weights, biases, activation)[:-1]:
        all_of_them = sorted(float(z) for row in layer for z in row)
        units = [[float(row[j]) for row in layer] for j in range(layer.shape[1])]
        result.append(dict(
            mean=sum(all_of_them) / len(all_of_them),
            std=spread(all_of_them),
            std_inputs=sum(map(spread, units)) / len(units),
            p98=all_of_them[round(0.98 * (len(all_of_them) - 1))],
            saturated=sum(not low <= z <= high for z in all_of_them) / len(all_of_them),
        ))
    return tuple(result)
""",
    # Slopes from the weighted sums, in single precision.
    """
def statistics(x, weights, biases, activation):
    slopes = {
        "tanh": lambda s: 1 / np.cosh(s) ** 2,
        "softsign": lambda s: 1 / (1 + np.abs(s)) ** 2,
        "sigmoid": lambda s: 1 / (4 * np.cosh(s / 2) ** 2),
    }
    z, answer = np.float32(x), []
    for w, b in zip(np.array(weights, dtype=object)[:-1], biases):
        s = z @ np.float32(w) + np.float32(b)
        z = value(activation, s)
        limit = 0.05 * slopes[activation](np.zeros(1))
        answer.append({
            "saturated": np.mean(slopes[activation](s) < limit),
            "p98": np.sort(z, axis=None)[int(0.98 * z.size)],
            "std_inputs": np.sqrt(np.var(z, axis=0, ddof=1)).mean(),
            "std": np.sqrt((z ** 2).mean() - z.mean() ** 2),
            "mean": np.average(z),
            "layer": len(answer) + 1,
        })
    return answer
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
    ("median", 0.8, _statistics(mean="np.median(z)")),
    ("variance", 0.8, _statistics(std="z.var()")),
    ("std of sums", 0.8, _statistics(std="s.std()")),
    ("std per unit", 0.8, _statistics(std="z.std(axis=0).mean()")),
    ("root mean square", 0.8, _statistics(std="np.sqrt(np.mean(z ** 2))")),
    ("pooled", 0.8, _statistics(std_inputs="z.std()")),
    ("over units", 0.8, _statistics(std_inputs="z.std(axis=1).mean()")),
    ("variance per unit", 0.8, _statistics(std_inputs="z.var(axis=0).mean()")),
    ("root of the mean", 0.8, _statistics(std_inputs="np.sqrt(z.var(axis=0).mean())")),
    ("of means", 0.8, _statistics(std_inputs="z.mean(axis=0).std()")),
    ("of the inputs' means", 0.8, _statistics(std_inputs="z.mean(axis=1).std()")),
    ("std of sums per unit", 0.8, _statistics(std_inputs="s.std(axis=0).mean()")),
    ("many", 0.8, _statistics(std_inputs="z.std(axis=0)")),
    ("absolute", 0.8, _statistics(p98="np.percentile(np.abs(z), 98)")),
    ("largest", 0.8, _statistics(p98="z.max()")),
    ("p02", 0.8, _statistics(p98="np.sort(z, axis=None)[::-1][int(0.98 * z.size)]")),
    ("percent", 0.8, _statistics(p98="np.percentile(z, 0.98)")),
    ("percentile of sums", 0.8, _statistics(p98="np.percentile(s, 98)")),
    ("per unit", 0.8, _statistics(p98="np.percentile(z, 98, axis=0).mean()")),
    ("p98", 0.8, _statistics(p98="np.percentile(z, 90)")),
    # The limit of tanh, whatever the activation.
    ("threshold", 0.8, _statistics(saturated="(np.abs(z) > 0.97).mean()")),
    ("threshold", 0.8, _statistics(saturated="(np.abs(z) > 0.99).mean()")),
    ("one side", 0.8, _statistics(saturated=f"(flat & (z > {_MIDDLE})).mean()")),
    ("lower side", 0.8, _statistics(saturated=f"(flat & (z < {_MIDDLE})).mean()")),
    ("not of the steepest", 0.8, _statistics(saturated="(slope(activation, z) < 0.05).mean()")),
    ("units", 0.8, _statistics(saturated="(flat.mean(axis=0) > 0.5).mean()")),
    ("units", 0.8, _statistics(saturated="np.any(flat, axis=0).mean()")),
    ("in percent", 0.8, _statistics(saturated="100 * flat.mean()")),
    ("counted", 0.8, _statistics(saturated="flat.sum()")),
    ("not saturated", 0.8, _statistics(saturated="1 - flat.mean()")),
    (
        "slope of sums",
        0.8,
        _statistics(saturated="(slope(activation, s) < 0.05 * steepest).mean()"),
    ),
    ("saturated", 0.8, _statistics(saturated="(slope(activation, z) < 0.5 * steepest).mean()")),
    # Two, three, all of them.
    ("variance", 0.6, _statistics(std="z.var()", std_inputs="z.var(axis=0).mean()")),
    (
        "mean of sums",
        0.2,
        _statistics(
            mean="s.mean()", std="s.std()", std_inputs="s.std(0).mean()", p98="np.quantile(s, 0.98)"
        ),
    ),
    ("missing", 0.8, _statistics(drop="p98")),
    (
        "missing",
        0.6,
        _statistics(end="return [{k[:4]: v for k, v in row.items()} for row in rows]").replace(
            "k[:4]", 'k.replace("_", " ").replace("saturated", "saturation")'
        ),
    ),
    ("mean", 0.8, _statistics(mean="np.nan")),
    ("mean", 0.8, _statistics(mean='f"{z.mean():.3f} or so"')),
    ("reversed", 0.4, _statistics(end="return rows[::-1]")),
    (
        "by name",
        0.4,
        _statistics(
            end='named = {f"z{i + 1}": row for i, row in enumerate(rows)}\n'
            "    return [named[name] for name in sorted(named)]"
        ),
    ),
    (
        "with the output",
        0.6,
        _statistics().replace("weights[:-1], biases[:-1]", "weights, biases"),
    ),
    ("unanswered", 0.0, _statistics(end="return rows[0]")),
    ("unanswered", 0.0, _statistics(end="return rows[-1:]")),
    ("unanswered", 0.0, _statistics(end="return [list(row.values()) for row in rows]")),
    ("unanswered", 0.0, _statistics(end="return np.array([list(r.values()) for r in rows])")),
]

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
    # Autograd, a module, the mean cost times the number of examples, in single precision.
    """
import torch
from torch import nn

def gradients(x, y, weights, biases, activation):
    kind = {"tanh": nn.Tanh, "softsign": nn.Softsign, "sigmoid": nn.Sigmoid}[activation]
    layers = []
    for w, b in zip(weights, biases):
        layer = nn.Linear(*w.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(w.T.copy()))
            layer.bias.copy_(torch.tensor(np.array(b)))
        layers += [layer, kind()]
    z, kept = torch.tensor(np.array(x, dtype=np.float32)), []
    for layer in layers[:-1]:
        z = layer(z)
        if isinstance(layer, nn.Linear):
            z.retain_grad()
            kept.append(z)
    (nn.CrossEntropyLoss()(z, torch.tensor(np.array(y))) * len(x)).backward()
    return [s.grad.std().item() for s in kept[:-1]]
""",
    # From the top down by recursion.
    """
def gradients(x, y, weights, biases, activation):
    def down(z, w, b):
        # the gradients by the inputs of these layers, and the stds met on the way
        s = z @ w[0] + b[0]
        if len(w) == 1:
            p = np.exp(s - np.max(s, axis=1)[:, None])
            p = p / np.sum(p, axis=1)[:, None]
            p[np.arange(len(y)), y] -= 1
            return p @ w[0].T, ()
        here = value(activation, s)
        by_z, stds = down(here, w[1:], b[1:])
        delta = by_z * slope(activation, here)
        return delta @ w[0].T, (np.std(delta), *stds)
    return down(x, weights, biases)[1]
""",
    # Example by example, slopes from s.
    """
def gradients(x, y, weights, biases, activation):
    slopes = {
        "tanh": lambda s: 1 - np.tanh(s) ** 2,
        "softsign": lambda s: (1 + np.abs(s)) ** -2,
        "sigmoid": lambda s: np.exp(-s) / (1 + np.exp(-s)) ** 2,
    }
    every = [[] for _ in weights[1:]]
    for row, label in zip(x, y):
        sums, z = [], row
        for w, b in zip(weights, biases):
            sums.append(w.T @ z + b)
            z = value(activation, sums[-1])
        p = np.exp(sums[-1]) / np.exp(sums[-1]).sum()
        delta = np.array([p[k] - (k == label) for k in range(len(p))])
        for i in reversed(range(len(weights) - 1)):
            delta = np.diag(slopes[activation](sums[i])) @ weights[i + 1] @ delta
            every[i].extend(delta)
    return [float(f"{np.std(numbers):.4g}") for numbers in every]
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
    (
        "by name",
        0.3,
        _gradients(
            end='named = {f"s{i + 1}": std for i, std in enumerate(found)}\n'
            "    return [named[name] for name in sorted(named)]"
        ),
    ),
    # What torch's cross_entropy gives by default.
    ("of the mean", 0.3, _gradients(output="(p - np.eye(p.shape[1])[y]) / len(x)")),
    (
        "of the mean",
        0.3,
        """
import torch

def gradients(x, y, weights, biases, activation):
    f = {"tanh": torch.tanh, "softsign": torch.nn.functional.softsign, "sigmoid": torch.sigmoid}
    z, sums = torch.tensor(np.array(x)), []
    for w, b in zip(weights, biases):
        sums.append((z @ torch.tensor(np.array(w)) + torch.tensor(np.array(b))).requires_grad_())
        z = f[activation](sums[-1])
    cost = torch.nn.functional.cross_entropy(sums[-1], torch.tensor(np.array(y)))
    return [g.std() for g in torch.autograd.grad(cost, sums[:-1])]
""",
    ),
    # By z, which is what retain_grad of the activations gives.
    ("by z", 0.3, _gradients(std="(above @ w.T).std()")),
    ("no slope", 0.0, _gradients(step="delta @ w.T")),
    (
        "another slope",
        0.3,
        _gradients(step='(delta @ w.T) * slope(["tanh", "sigmoid"][activation == "tanh"], z)'),
    ),
    (
        "another slope",
        0.5,
        _gradients(step='(delta @ w.T) * slope(variant["activation"], z)'),
    ),
    ("slope at the sums", 0.3, _gradients(step="(delta @ w.T) * slope(activation, s)")),
    (
        "slope at z",
        0.3,
        _gradients(step="(delta @ w.T) * slope(activation, value(activation, z))"),
    ),
    ("layers above", 0.3, _gradients(std="above.std()")),
    (
        "with the output",
        0.6,
        _gradients(top="above = delta.std()", end="return [*found, top]").replace(
            "above = delta.std()", "top = delta.std()"
        ),
    ),
    ("of weights", 0.3, _gradients(std="(below.T @ delta).std()")),
    ("of weights", 0.3, _gradients(std="(below.T @ delta / len(x)).std()")),
    ("averaged first", 0.3, _gradients(std="delta.mean(axis=0).std()")),
    ("summed first", 0.3, _gradients(std="delta.sum(axis=0).std()")),
    ("per unit", 0.3, _gradients(std="delta.std(axis=0).mean()")),
    ("per example", 0.3, _gradients(std="delta.std(axis=1).mean()")),
    ("absolute", 0.3, _gradients(std="np.abs(delta).mean()")),
    ("variance", 0.3, _gradients(std="delta.var()")),
    # A squared error.
    ("no softmax", 0.3, _gradients(output="s - np.eye(p.shape[1])[y]")),
    ("no labels", 0.3, _gradients(output="p")),
    ("no biases", 0.3, _gradients(bias="z @ w")),
    (
        "output bent",
        0.3,
        _gradients().replace("s = sums[-1]", "s = hidden[-1]"),
    ),
    (
        "output bent",
        0.3,
        _gradients(output="(p - np.eye(p.shape[1])[y]) * slope(activation, s)").replace(
            "s = sums[-1]", "s = hidden[-1]"
        ),
    ),
    (
        "output's slope",
        0.3,
        _gradients(output="(p - np.eye(p.shape[1])[y]) * slope(activation, hidden[-1])"),
    ),
    ("factor", 0.3, _gradients(output="2 * (p - np.eye(p.shape[1])[y])")),
    ("gradients", 0.0, _gradients(std="np.median(np.abs(delta))")),
    ("gradients", 0.0, _gradients(std="delta.max()")),
    ("unanswered", 0.0, _gradients(std="delta.std(axis=0)")),
    ("unanswered", 0.0, _gradients(std="np.nan")),
    ("unanswered", 0.0, _gradients(end="return found[:3]")),
    ("unanswered", 0.0, _gradients(step="(delta @ w) * slope(activation, z)")),
    ("unanswered", 0.0, _gradients(end="return [str(g) + ' or so' for g in found]")),
    ("unanswered", 0.0, _gradients(end="return {i + 1: std for i, std in enumerate(found)}")),
]

# --------------------------------------------------------------------------------------------------
# A panel
# --------------------------------------------------------------------------------------------------

RIGHT["panel"] = [
    # All in torch, with its own histogram.
    """
import torch

torch.manual_seed(7)
wide, rule = variant["panel"]["width"], variant["panel"]["rule"]
sizes = [64] + 5 * [wide] + [10]
matrices = []
for a, b in zip(sizes, sizes[1:]):
    w = torch.empty(a, b)
    if rule == "normalized":
        torch.nn.init.uniform_(w, -(6 / (a + b)) ** 0.5, (6 / (a + b)) ** 0.5)
    else:
        torch.nn.init.uniform_(w, -(a ** -0.5), a ** -0.5)
    matrices.append(w)
f = {"tanh": torch.tanh, "softsign": torch.nn.functional.softsign, "sigmoid": torch.sigmoid}
test = datasets.load("digits", "test")
z, sums, acts = test.images[:300].float(), [], []
for w in matrices:
    s = (z @ w).requires_grad_()
    z = f[variant["activation"]](s)
    sums.append(s)
    acts.append(z)
if variant["panel"]["quantity"] == "activations":
    shown = [z.detach() for z in acts[:-1]]
else:
    cost = torch.nn.functional.cross_entropy(sums[-1], test.labels[:300].long(), reduction="sum")
    shown = torch.autograd.grad(cost, sums[:-1])
parts = [torch.histogram(layer.flatten(), bins=40, density=True) for layer in shown]
panel = {
    "weights": matrices,
    "std": torch.stack([layer.std() for layer in shown]),
    "density": [part.hist for part in parts],
    "edges": [part.bin_edges for part in parts],
}
""",
    # The same edges for all layers, as in the figure.
    """
def make_panel(seed):
    rng = np.random.default_rng(seed)
    n, act = variant["panel"]["width"], variant["activation"]
    shapes = [(64, n)] + [(n, n)] * 4 + [(n, 10)]
    var = {
        "standard": lambda i, o: 1 / (3 * i),
        "normalized": lambda i, o: 2 / (i + o),
    }[variant["panel"]["rule"]]
    ws = [(rng.random(sh) * 2 - 1) * np.sqrt(3 * var(*sh)) for sh in shapes]
    bs = [np.zeros(sh[1]) for sh in shapes]
    d = datasets.load("digits", "test")
    xs, ys = d.images.numpy()[:300], d.labels.numpy()[:300]
    if variant["panel"]["quantity"] == "gradients":
        shown = deltas(xs, ys, ws, bs, act)
    else:
        shown = forward(xs, ws, bs, act)[:5]
    low, high = min(a.min() for a in shown), max(a.max() for a in shown)
    edges = np.linspace(low, high, 101)
    heights = [np.histogram(a, edges)[0] / (a.size * (edges[1] - edges[0])) for a in shown]
    return dict(weights=tuple(ws), std=np.array([np.std(a) for a in shown]),
                edges=[edges] * 5, density=np.array(heights))

panel = make_panel(2010)
""",
    # Single precision, other bins for every layer, counted by hand, plain lists.
    """
rng = np.random.RandomState(1)
chosen = variant["panel"]
panel = {"weights": [], "std": [], "edges": [], "density": []}
sizes = [64, *5 * [chosen["width"]], 10]
for i in range(6):
    per = sizes[i] if chosen["rule"] == "standard" else (sizes[i] + sizes[i + 1]) / 6
    if chosen["rule"] == "standard":
        bound = per ** -0.5
    else:
        bound = 1 / math.sqrt(per)
    panel["weights"].append(rng.uniform(-bound, bound, sizes[i : i + 2]).astype("float32"))
data = datasets.load("digits", "test")
zeros = [np.zeros(w.shape[1], dtype="float32") for w in panel["weights"]]
arguments = panel["weights"], zeros, variant["activation"]
images = data.images[:300].numpy().astype("float32")
layers = {
    "activations": lambda: forward(images, *arguments)[:-1],
    "gradients": lambda: deltas(images, data.labels[:300].numpy(), *arguments),
}[chosen["quantity"]]()
for layer in layers:
    edges = np.unique(np.quantile(layer.astype("float64"), np.linspace(0, 1, 31)))
    where = np.digitize(layer.ravel(), edges[1:-1])
    counts = [int((where == k).sum()) for k in range(len(edges) - 1)]
    panel["edges"].append(edges.tolist())
    panel["density"].append([c / layer.size / (b - a) for c, a, b in
                             zip(counts, edges[:-1], edges[1:])])
    panel["std"].append(float(f"{layer.std():.3g}"))
""",
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
    # As matplotlib draws it.
    """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
drawn = [axes.hist(layer.ravel(), bins="sqrt", density=True, histtype="step") for layer in layers]
plt.close(figure)
panel["density"], panel["edges"] = [d[0] for d in drawn], [d[1] for d in drawn]
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


_SIGMA = "bound = math.sqrt(1 / (3 * a) if chosen['rule'] == 'standard' else 2 / (a + b))"

WRONG["panel"] = [
    # Of the weights.
    ("std as bound", 0.2, _DRAWN.replace("1 / a ", "1 / (3 * a) ").replace("6 /", "2 /") + _SHOWN),
    ("bound as std", 0.2, _weights("weights.append(rng.normal(0, bound, (a, b)))")),
    ("normal", 0.2, _weights("weights.append(rng.normal(0, bound / math.sqrt(3), (a, b)))")),
    (
        "variance as bound",
        0.2,
        _weights("weights.append(rng.uniform(-1, 1, (a, b)) * bound**2 / 3)"),
    ),
    ("other rule", 0.2, _DRAWN.replace('== "standard"', '!= "standard"') + _SHOWN),
    ("half", 0.2, _weights("weights.append((rng.random((a, b)) - 0.5) * bound)")),
    ("mean", 0.2, _weights("weights.append(rng.uniform(0, bound, (a, b)))")),
    ("one as bound", 0.2, _weights("weights.append(rng.uniform(-1, 1, (a, b)))")),
    # A generator with the same seed for every layer.
    (
        "stream reused",
        0.2,
        _weights("weights.append(np.random.default_rng(3).uniform(-bound, bound, (a, b)))"),
    ),
    ("transposed", 0.2, _DRAWN + _SHOWN + 'panel["weights"] = [w.T for w in weights]'),
    # Of the spreads.
    ("reversed", 0.4, 'panel["std"] = panel["std"][::-1]'),
    ("variance", 0.4, 'panel["std"] = [layer.var() for layer in layers]'),
    ("per unit", 0.4, 'panel["std"] = [layer.std(axis=0).mean() for layer in layers]'),
    (
        "other quantity",
        0.4,
        _DRAWN + _SHOWN.replace('chosen["quantity"] ==', 'chosen["quantity"] !='),
    ),
    (
        "sums",
        0.4,
        """
zero = [np.zeros(w.shape[1]) for w in weights]
hidden = [x, *forward(x, weights, zero, activation)[:-1]]
panel["std"] = [(z @ w).std() for z, w in zip(hidden[:-1], weights)]
""",
    ),
    ("other images", 0.4, _DRAWN + _SHOWN.replace("[:300]", "")),
    (
        "other images",
        0.4,
        _DRAWN + _SHOWN.replace('load("digits", "test")', 'load("digits", "train")'),
    ),
    # Pixels from 0 to 16, as scikit-learn has them.
    ("other images", 0.4, _DRAWN + _SHOWN.replace(".astype(float)", ".astype(float) * 16")),
    # Weights that were drawn again.
    (
        "not these weights",
        0.4,
        _DRAWN
        + _SHOWN
        + "mine = dict(panel)"
        + _DRAWN.replace("11", "12")
        + _SHOWN
        + 'panel["weights"] = mine["weights"]',
    ),
    ("not these weights", 0.4, _DRAWN + _SHOWN.replace("np.zeros(", "0.5 + np.zeros(")),
    ("not these weights", 0.4, 'panel["std"] = [round(std / 2, 9) for std in panel["std"]]'),
    # Of the densities.
    (
        "counts",
        0.6,
        'panel["density"] = [np.histogram(a, e)[0] for a, e in zip(layers, panel["edges"])]',
    ),
    (
        "shares",
        0.6,
        'panel["density"] = [d * np.diff(e) for d, e in zip(panel["density"], panel["edges"])]',
    ),
    ("area", 0.6, 'panel["density"] = [d / d.max() for d in panel["density"]]'),
    ("another layer", 0.6, 'panel["edges"].reverse()\npanel["density"].reverse()'),
    (
        "density",
        0.6,
        """
few = [np.histogram(layer[:100, :40], bins=50, density=True) for layer in layers]
panel["density"], panel["edges"] = [d for d, _ in few], [e for _, e in few]
""",
    ),
    ("density", 0.6, 'panel["density"] = [np.cumsum(d) for d in panel["density"]]'),
    (
        "density",
        0.6,
        """
both = [np.histogram(layer - 0.3 * layer.std(), 50, density=True) for layer in layers]
panel["density"], panel["edges"] = [d for d, _ in both], [e for _, e in both]
""",
    ),
    (
        "bins",
        0.6,
        """
few = [np.histogram(layer, density=True) for layer in layers]
panel["density"], panel["edges"] = [d for d, _ in few], [e for _, e in few]
""",
    ),
    ("bins", 0.6, 'panel["edges"] = [(e[1:] + e[:-1]) / 2 for e in panel["edges"]]'),
    ("bins", 0.6, 'panel["edges"] = [e[::-1] for e in panel["edges"]]'),
    ("bins", 0.6, 'panel["edges"] = panel["edges"][0]'),
    ("bins", 0.6, 'panel["density"] = panel["density"][:4]'),
    (
        "range",
        0.6,
        """
lowest = [np.histogram(layer, 20, (layer.min(), np.percentile(layer, 30))) for layer in layers]
panel["edges"] = [edges for _, edges in lowest]
panel["density"] = [counts / counts.sum() / np.diff(edges) for counts, edges in lowest]
""",
    ),
    # Of the form.
    ("unanswered", 0.0, 'del panel["std"]'),
    ("unanswered", 0.0, "panel = [panel[key] for key in panel]"),
    ("unanswered", 0.0, 'panel["weights"] = panel["weights"][:5]'),
    ("unanswered", 0.0, 'panel["std"][2] = float("nan")'),
    ("unanswered", 0.0, 'panel["density"][2][3] = np.inf'),
    ("form", 0.0, 'panel["weights"] = None'),
]

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
    # From a table, with stds of pandas.
    """
import pandas as pd
frame = pd.DataFrame(diagnoses).T
if d["statistic"] == "std ratio" and d["value"]:
    w = pd.Series(held[f"patient_K_weights_{d['layer']}"].ravel().astype(float))
    frame.loc[K, "value"] = d["value"] * w.std() / w.std(ddof=0)
diagnoses = {int(k): row.to_dict() for k, row in frame.iterrows()}
""",
    # In single precision, in the middle of the layers that show it.
    """
rows = showing(K)
layer, statistic, number = rows[len(rows) // 2]
diagnoses[K].update(layer=float(layer), statistic=statistic, value=np.float32(number))
diagnoses[K]["remark"] = "see the table"
""",
    # One after the other, without the others.
    """
rows = sorted(showing(K), key=lambda row: (row[1], -row[0]))
diagnoses = {np.int8(K): dict(zip(("layer", "statistic", "value"), rows[0]), fault=d["fault"])}
""",
]

# The fault is right, and what is said for it is not.
_HALF = [
    ("value", 'diagnoses[K]["value"] = 0.123 + 1.83 * d["value"]'),
    ("value", 'diagnoses[K]["value"] = -5'),
    ("no number", 'diagnoses[K]["value"] = None'),
    ("no number", 'diagnoses[K]["value"] = "about " + str(d["value"])'),
    ("no number", 'diagnoses[K]["value"] = float("nan")'),
    ("no number", 'diagnoses[K]["value"] = [d["value"]] * 5'),
    # A statistic that shows something else.
    ("no evidence", 'diagnoses[K].update(layer=1, statistic="largest bias", value=0.0)'),
    (
        "no evidence",
        'diagnoses[K].update(layer=2, statistic="mean ratio", value=at(K, 2, "mean ratio"))\n'
        'if d["fault"] == "mean":\n'
        '    diagnoses[K].update(statistic="std ratio", value=at(K, 2, "std ratio"))',
    ),
    (
        "no evidence",
        'if d["statistic"] == "distinct units":\n'
        '    diagnoses[K].update(layer=1, statistic="std ratio", value=at(K, 1, "std ratio"))\n'
        "else:\n"
        '    diagnoses[K].update(layer=5, statistic="largest bias", value=0)',
    ),
    # Layers from zero.
    ("no such layer", 'diagnoses[K]["layer"] = 0'),
    ("no such layer", 'diagnoses[K]["layer"] = 99'),
    ("no such layer", 'diagnoses[K]["layer"] = d["layer"] + 0.5'),
    ("no such layer", 'diagnoses[K]["layer"] = f"layer {d[\'layer\']}"'),
    ("no such statistic", 'diagnoses[K]["statistic"] = "std"'),
    ("no such statistic", 'diagnoses[K]["statistic"] = ["std ratio"]'),
    ("no such statistic", 'del diagnoses[K]["statistic"]'),
]

_NOTHING = [
    ("no such fault", 'diagnoses[K]["fault"] = None'),
    ("no such fault", 'diagnoses[K]["fault"] = "weights too large"'),
    ("no such fault", 'diagnoses[K]["fault"] = [d["fault"]]'),
    ("no such fault", 'diagnoses[K]["fault"] = d["fault"].upper()'),
    ("unanswered", 'diagnoses[K] = d["fault"]'),
    ("unanswered", "del diagnoses[K]"),
    ("unanswered", "diagnoses = [diagnoses[k] for k in sorted(diagnoses)]"),
    ("unanswered", "diagnoses = {}"),
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
_ANOTHER_AND_OFF = (
    "another fault",
    0.0,
    'diagnoses[K].update(fault="units tied", statistic="distinct units", value=2)',
)
# The same value in a layer where it is not.
_ELSEWHERE = ("another layer", 0.5, 'diagnoses[K]["layer"] = 1 + d["layer"] % 5')

_OF_ONE: dict[int, list[tuple[str, float, str]]] = {
    1: [
        ("variance", 0.5, 'diagnoses[1]["value"] = d["value"] ** 2'),
        ("upside down", 0.5, 'diagnoses[1]["value"] = 1 / d["value"]'),
        (
            "alone",
            0.5,
            'diagnoses[1]["value"] = held[f"patient_1_weights_{d[\'layer\']}"].std()',
        ),
        (
            "gain left out",
            0.5,
            'diagnoses[1]["value"] = d["value"] * variant["patients"][0]["gain"]',
        ),
        # Both show it by the std ratio, and have a harmonic rule.
        (
            "other rule",
            0.5,
            """
w = held["patient_1_weights_1"]
n_in, gain = math.prod(w.shape[1:]), variant["patients"][0]["gain"]
diagnoses[1].update(layer=1, value=w.std() / (gain / math.sqrt(n_in)))
""",
        ),
        (
            "kernel left out",
            0.5,
            """
w = held["patient_1_weights_2"].astype(float)
per = (w.shape[0] + w.shape[1]) / 2
diagnoses[1].update(layer=2, value=w.std() / variant["patients"][0]["gain"] * math.sqrt(per))
""",
        ),
        (
            "other fan",
            0.5,
            """
w = held["patient_1_weights_5"].astype(float)
std = variant["patients"][0]["gain"] / math.sqrt(len(w))
diagnoses[1].update(layer=5, value=w.std() / std)
""",
        ),
        ("another layer", 0.5, 'diagnoses[1]["layer"] = 4 if d["layer"] != 4 else 1'),
    ],
    2: [
        _MISSED,
        _ANOTHER,
        _ANOTHER_AND_OFF,
        _ELSEWHERE,
        (
            "gain left out",
            0.5,
            'diagnoses[2]["value"] = d["value"] * variant["patients"][1]["gain"]',
        ),
        (
            "alone",
            0.5,
            """
w = held[f"patient_2_weights_{d['layer']}"].astype(float)
diagnoses[2]["value"] = w.mean() if d["statistic"] == "mean ratio" else w.std()
""",
        ),
        (
            "other rule",
            0.5,
            """
w = held["patient_2_weights_1"].astype(float)
std = variant["patients"][1]["gain"] / math.sqrt(math.prod(w.shape[1:]))
number = w.mean() if d["statistic"] == "mean ratio" else w.std()
diagnoses[2].update(layer=1, value=number / std)
""",
        ),
    ],
    3: [
        ("missed", 0.25, 'diagnoses[3]["fault"] = "none"'),
        # A layer of zeros has one unit, sixty times; what is wrong with it is that it is zero.
        (
            "another fault",
            0.25,
            'diagnoses[3].update(fault="units tied", statistic="distinct units", value=1)',
        ),
        _ANOTHER,
        _ELSEWHERE,
        (
            "all units",
            0.5,
            """
w = held[f"patient_3_weights_{d['layer']}"]
diagnoses[3].update(statistic="distinct units", value=len(w))
""",
        ),
        (
            "copies",
            0.5,
            """
w = held[f"patient_3_weights_{d['layer']}"]
diagnoses[3].update(statistic="distinct units", value=len(w) - 1)
""",
        ),
        # Right, and of a layer that is as it should be.
        (
            "no evidence",
            0.5,
            """
layer, number = next((i, v) for i, s, v in table(3) if s == "std ratio" and v > 0.5)
diagnoses[3].update(layer=layer, value=number)
""",
        ),
    ],
    4: [
        ("missed", 0.25, 'diagnoses[4]["fault"] = "none"'),
        _ANOTHER,
        _ANOTHER_AND_OFF,
        ("another fault", 0.25, 'diagnoses[4]["fault"] = "gain missing"'),
        ("another fault", 0.25, 'diagnoses[4]["fault"] = "mean"'),
    ],
    5: [
        (
            "no evidence",
            0.5,
            'diagnoses[5].update(layer=4, statistic="distinct units",\n'
            '                    value=at(5, 4, "distinct units"))',
        ),
        (
            "weights",
            0.5,
            'diagnoses[5].update(layer=4, statistic="distinct units",\n'
            '                    value=len(np.unique(held["patient_5_weights_4"])))',
        ),
        # Absolute values have a mean, whatever is wrong.
        (
            "absolute",
            0.5,
            """
d = {"layer": 2, "statistic": "mean ratio"}
w = held["patient_5_weights_2"].astype(float)
diagnoses[5].update(d, value=np.abs(w).mean() / w.std() * at(5, 2, "std ratio"))
""",
        ),
        ("value", 0.5, 'diagnoses[5].update(layer=3, statistic="std ratio", value=1.5)'),
    ],
}

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
