"""Problem set 4, *Diagnose it*: instruments, one panel of the paper, and five patients."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from xavier.grading import networks, samples
from xavier.grading.answers import Answers, Unanswered
from xavier.grading.networks import Array
from xavier.grading.parts import Finding, Part, ProblemSet, Variant, right, wrong

PATIENTS = 5
FILE = "patients.npz"

FAULTS: dict[str, str] = {
    "none": "nothing is wrong",
    "std as bound": "the std was used as the bound of a uniform distribution",
    "fans swapped": "fan-in and fan-out were swapped",
    "kernel forgotten": "the size of the kernel was left out of the fans",
    "gain twice": "the gain was applied twice",
    "gain missing": "the gain was not applied",
    "default": "the weights are those that nn.Linear and nn.Conv2d draw by default",
    "biases": "the biases are not zero",
    "units tied": "the units of one layer have the same weights",
    "stream reused": "two layers were drawn from the same seed",
    "mean": "the weights have a mean that is not zero",
    "zero layer": "the weights of one layer are zero",
}
"""What may be wrong with a patient."""

STATISTICS: dict[str, str] = {
    "std ratio": "std of a layer's weights over what its rule asks for",
    "mean ratio": "mean of a layer's weights over what its rule asks for as their std",
    "largest bias": "largest absolute bias of a layer",
    "distinct units": "how many different units a layer has",
    "equal to": "number of the layer that has the same weights",
}
"""What a diagnosis may rest on."""

_SHOWS = {
    "none": ("std ratio",),
    "std as bound": ("std ratio",),
    "fans swapped": ("std ratio",),
    "kernel forgotten": ("std ratio",),
    "gain twice": ("std ratio",),
    "gain missing": ("std ratio",),
    "default": ("std ratio",),
    "biases": ("largest bias",),
    "units tied": ("distinct units",),
    "stream reused": ("equal to",),
    "mean": ("mean ratio",),
    "zero layer": ("std ratio", "distinct units"),
}
# Two convolutions and three dense layers, in torch's order; two of them of one shape.
SHAPES: tuple[tuple[int, ...], ...] = (
    (24, 8, 3, 3), (24, 24, 3, 3), (60, 60), (60, 60), (30, 60),
)  # fmt: skip
_TOLERANCE = 0.005
_SUSPECT = 1.08  # a ratio of stds that is not chance any more


class Rule(NamedTuple):
    """By which rule a patient's weights should have been drawn."""

    rule: str
    gain: float

    def std(self, shape: tuple[int, ...]) -> float:
        """The std of a weight."""
        n_in, n_out = fans(shape)
        per = {"fan-in": n_in, "fan-out": n_out, "harmonic": (n_in + n_out) / 2}[self.rule]
        return self.gain / math.sqrt(per)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Fan-in and fan-out of weights in torch's order."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    faults = [str(fault) for fault in rng.choice(list(FAULTS), PATIENTS)]
    rules = []
    for fault in faults:
        name = str(rng.choice(["fan-in", "harmonic"]))
        # In a rule that treats both alike there is nothing to swap.
        name = "fan-in" if fault == "fans swapped" else name
        rules.append(Rule(name, float(rng.choice([1.25, 1.4, 2.0]))))
    arrays: dict[str, Array] = {}
    for k, (rule, fault) in enumerate(zip(rules, faults, strict=True), start=1):
        weights, biases = _patient(rng, rule, fault)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True), start=1):
            arrays |= {f"patient_{k}_weights_{i}": w, f"patient_{k}_biases_{i}": b}
    shown = {
        "activation": str(rng.choice(["tanh", "softsign", "sigmoid"])),
        "panel": {
            "quantity": str(rng.choice(["activations", "gradients"])),
            "rule": str(rng.choice(["standard", "normalized"])),
            "width": int(rng.choice([150, 200, 250])),
        },
        "patients": [{"rule": rule.rule, "gain": rule.gain} for rule in rules],
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{k: v.astype(np.float32) for k, v in arrays.items()})
    return shown, {"faults": faults}, {FILE: _undated(buffer.getvalue())}


def _undated(archive: bytes) -> bytes:
    """The same archive for the same numbers, whenever it is made."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            new.writestr(entry, old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _patient(rng: np.random.Generator, rule: Rule, fault: str) -> tuple[list[Array], list[Array]]:
    """Weights and biases that were drawn with a fault."""
    weights = []
    for shape in SHAPES:
        n_in, n_out = fans(shape)
        kernel = math.prod(shape[2:])
        std = rule.std(shape)
        std *= {
            "std as bound": 1 / math.sqrt(3),
            "kernel forgotten": math.sqrt(kernel),
            "gain twice": rule.gain,
            "gain missing": 1 / rule.gain,
            "default": 1 / math.sqrt(3 * n_in) / std,
            "fans swapped": math.sqrt(n_in / n_out),
        }.get(fault, 1.0)
        weights.append(rng.uniform(-1, 1, shape) * math.sqrt(3) * std)
    biases = [np.zeros(shape[0]) for shape in SHAPES]
    one = int(rng.integers(len(SHAPES)))
    if fault == "biases":
        biases = [rng.uniform(-1, 1, shape[0]) / math.sqrt(fans(shape)[0]) for shape in SHAPES]
    elif fault == "units tied":
        weights[one][:] = weights[one][:1]
    elif fault == "zero layer":
        weights[one][:] = 0
    elif fault == "stream reused":
        weights[3] = weights[2].copy()
    elif fault == "mean":
        weights = [w + 0.4 * rule.std(w.shape) for w in weights]
    return weights, biases


def _load(variant: Variant, k: int) -> tuple[list[Array], list[Array]]:
    """One patient's weights and biases."""
    if FILE not in variant.files:
        raise Unanswered(f"{FILE} is not beside the notebook")
    with np.load(io.BytesIO(variant.files[FILE]), allow_pickle=False) as held:
        weights = [held[f"patient_{k}_weights_{i}"] for i in range(1, len(SHAPES) + 1)]
        biases = [held[f"patient_{k}_biases_{i}"] for i in range(1, len(SHAPES) + 1)]
    return [w.astype(np.float64) for w in weights], [b.astype(np.float64) for b in biases]


def statistic(
    name: str, layer: int, weights: list[Array], biases: list[Array], rule: Rule
) -> float:
    """A statistic of one layer, from 1; not a number if there is none.

    Raises:
        ValueError: there is no such statistic or layer.
    """
    if name not in STATISTICS or layer not in range(1, len(weights) + 1):
        raise ValueError(f"no statistic {name!r} of layer {layer!r}")
    w, b = weights[layer - 1], biases[layer - 1]
    if name == "std ratio":
        return float(w.std()) / rule.std(w.shape)
    if name == "mean ratio":
        return float(w.mean()) / rule.std(w.shape)
    if name == "largest bias":
        return float(np.abs(b).max())
    if name == "distinct units":
        return float(len(np.unique(w.reshape(len(w), -1), axis=0)))
    same = [
        i
        for i, other in enumerate(weights, start=1)
        if i != layer and other.shape == w.shape and np.array_equal(other, w)
    ]
    return float(same[0]) if same else math.nan


def _diagnosis(k: int) -> Callable[[Answers, Variant], Finding]:
    """A judge of the diagnosis of one patient."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        given = answers.get("diagnoses")
        if not isinstance(given, dict) or k not in given:
            raise Unanswered(f"diagnoses has no patient {k}")
        told = given[k]
        fault, name = told["fault"], told["statistic"]
        layer, value = int(told["layer"]), float(told["value"])
        if fault not in FAULTS:
            raise Unanswered(f"{fault!r} is none of the faults: {', '.join(FAULTS)}")
        rule = Rule(**variant["patients"][k - 1])
        weights, biases = _load(variant, k)
        measured = statistic(name, layer, weights, biases, rule)
        off = not math.isclose(value, measured, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        if off:
            evidence = wrong(
                "value", f"The {name} of layer {layer} is not {value:.4g} in these weights."
            )
        else:
            evidence = _shows(fault, name, layer, weights, biases, rule)
        if "faults" not in variant.hidden:
            if evidence.fault:
                return evidence
            return right("The evidence stands. Whether the fault is right is said with the marks.")
        true = variant["faults"][k - 1]
        if fault == true:
            if evidence.fault:
                return wrong(evidence.fault, f"The fault is right. {evidence.message}", 0.5)
            return right("The fault, and evidence for it.")
        said = f"It is not that {FAULTS[fault]}."
        if off or name not in _SHOWS[true]:
            return wrong("another fault", said)
        return wrong("another fault", f"{said} The value is right.", 0.25)

    return judge


def _shows(
    fault: str, name: str, layer: int, weights: list[Array], biases: list[Array], rule: Rule
) -> Finding:
    """Whether a statistic that was measured right is evidence for a fault."""
    if name not in _SHOWS[fault]:
        return wrong("no evidence", f"The {name} does not show whether {FAULTS[fault]}.")
    found = statistic(name, layer, weights, biases, rule)
    ratios = [statistic("std ratio", i, weights, biases, rule) for i in range(1, len(weights) + 1)]
    distances = [abs(math.log(max(ratio, 1e-9))) for ratio in ratios]
    if fault == "none":
        if max(distances) > distances[layer - 1] + 1e-9:
            return wrong("no evidence", "Show the layer whose std ratio is farthest from 1.")
        return right()
    healthy = {
        "std ratio": distances[layer - 1] < math.log(_SUSPECT),
        "mean ratio": abs(found) < 0.1,
        "largest bias": found == 0,
        "distinct units": found == len(weights[layer - 1]),
        "equal to": math.isnan(found),
    }[name]
    if healthy:
        return wrong("no evidence", f"Layer {layer} is as it should be by this statistic.")
    return right()


# --------------------------------------------------------------------------------------------------
# Instruments
# --------------------------------------------------------------------------------------------------


class _Net(NamedTuple):
    x: Array
    y: Any
    weights: list[Array]
    biases: list[Array]


def _net(variant: Variant, purpose: str) -> _Net:
    """A small network with biases, and inputs and labels for it."""
    rng = variant.rng(purpose)
    sizes = [12, 17, 11, 14, 5]
    weights = [rng.normal(0, 1.3 / math.sqrt(a), (a, b)) for a, b in pairwise(sizes)]
    biases = [rng.normal(0, 0.2, b) for b in sizes[1:]]
    return _Net(rng.normal(0, 1, (60, 12)), rng.integers(0, 5, 60), weights, biases)


def _forward(answers: Answers, variant: Variant) -> Finding:
    activation = variant["activation"]
    x, _, weights, biases = _net(variant, "forward")
    given = answers.call("forward", x, weights, biases, activation)
    if not isinstance(given, list) or len(given) != 4:
        raise Unanswered("forward must return a list of four arrays: three layers and the output")
    found = [np.asarray(z, dtype=np.float64) for z in given]
    s, z = networks.forward(x, weights, biases, activation)
    if all(a.shape == b.shape and np.allclose(a, b, atol=1e-4) for a, b in zip(found, z,
           strict=True)):  # fmt: skip
        return right("Every layer is right.")
    none = [np.zeros_like(b) for b in biases]
    bent = networks.ACTIVATIONS[activation][0](s[-1])
    known: dict[str, tuple[list[Array], str]] = {
        "no biases": (networks.forward(x, weights, none, activation)[1], "the biases are left out"),
        "output bent": ([*z[:-1], bent], "the output has no activation"),
        "sums": (s, "these are the weighted sums, before the activation"),
        "inputs": ([x, *z[:-1]], "the first of the list is to be the first layer, not the input"),
    }
    for fault, (arrays, message) in known.items():
        pairs = list(zip(found, arrays, strict=True))
        if all(a.shape == b.shape and np.allclose(a, b, atol=1e-4) for a, b in pairs):
            return wrong(fault, f"Not yet: {message}.", 0.3)
    first = next(
        i for i, (a, b) in enumerate(zip(found, z, strict=True), start=1)
        if a.shape != b.shape or not np.allclose(a, b, atol=1e-4)
    )  # fmt: skip
    return wrong("layer", f"Number {first} of the list is the first that is not right.")


_FIELDS = ("mean", "std", "std_inputs", "p98", "saturated")


def _saturated(activation: str, s: Array, z: Array) -> Any:
    steepest = {"tanh": 1.0, "softsign": 1.0, "sigmoid": 0.25}[activation]
    return networks.ACTIVATIONS[activation][1](s, z) < 0.05 * steepest


def _statistics(answers: Answers, variant: Variant) -> Finding:
    activation = variant["activation"]
    x, _, weights, biases = _net(variant, "statistics")
    weights = [4 * w for w in weights]  # so that some are saturated
    given = answers.call("statistics", x, weights, biases, activation)
    s, z = networks.forward(x, weights, biases, activation)
    if not isinstance(given, list) or len(given) != 3:
        raise Unanswered("statistics must return a list of three dicts, one a hidden layer")
    bad: list[tuple[str, str]] = []
    for name in _FIELDS:
        found = np.array([float(row[name]) for row in given])
        values = {
            key: np.array([function(a, b) for a, b in zip(s[:3], z[:3], strict=True)])
            for key, (function, _) in _MEASURES[name].items()
        }
        if name == "saturated":
            values = {
                "": np.array([_saturated(activation, a, b).mean() for a, b in
                              zip(s[:3], z[:3], strict=True)]),
            }  # fmt: skip
        if np.allclose(found, values[""], rtol=0.01, atol=1e-3):
            continue
        fault = next((k for k, v in values.items() if k and np.allclose(found, v, rtol=0.01)), name)
        message = _MEASURES[name].get(fault, (None, f"{name} is not right"))[1]
        bad.append((fault, message))
    if not bad:
        return right("All five statistics are right.")
    return wrong(
        bad[0][0],
        f"{5 - len(bad)} of 5 statistics are right. " + "; ".join(m for _, m in bad) + ".",
        (5 - len(bad)) / 5,
    )


_Measure = Callable[[Array, Array], float]
_MEASURES: dict[str, dict[str, tuple[_Measure, str]]] = {
    "mean": {
        "": (lambda s, z: float(z.mean()), ""),
        "mean of sums": (lambda s, z: float(s.mean()), "mean is that of the weighted sums"),
        "mean absolute": (lambda s, z: float(np.abs(z).mean()), "mean is that of absolute values"),
    },
    "std": {
        "": (lambda s, z: float(z.std()), ""),
        "variance": (lambda s, z: float(z.var()), "std is the variance"),
        "std of sums": (lambda s, z: float(s.std()), "std is that of the weighted sums"),
        "std per unit": (
            lambda s, z: float(z.std(axis=0).mean()), "std is to be over units and inputs together"
        ),
    },
    "std_inputs": {
        "": (lambda s, z: float(z.std(axis=0).mean()), ""),
        "pooled": (lambda s, z: float(z.std()), "std_inputs is the pooled one"),
        "over units": (
            lambda s, z: float(z.std(axis=1).mean()), "std_inputs goes over the units of one input"
        ),
        "variance per unit": (
            lambda s, z: float(z.var(axis=0).mean()), "std_inputs is a variance"
        ),
    },
    "p98": {
        "": (lambda s, z: float(np.percentile(z, 98)), ""),
        "absolute": (
            lambda s, z: float(np.percentile(np.abs(z), 98)), "p98 is that of absolute values"
        ),
        "largest": (lambda s, z: float(z.max()), "p98 is the largest value"),
        "p02": (lambda s, z: float(np.percentile(z, 2)), "p98 is the lower percentile"),
    },
    "saturated": {},
}  # fmt: skip


def _gradients(answers: Answers, variant: Variant) -> Finding:
    activation = variant["activation"]
    x, y, weights, biases = _net(variant, "gradients")
    given = answers.call("gradients", x, y, weights, biases, activation)
    found = samples.numbers(given, (3,), "what gradients returns")
    s, z = networks.forward(x, weights, biases, activation)
    deltas = networks.backward(x, y, weights, biases, activation)
    slope = networks.ACTIVATIONS[activation][1]
    expected = np.array([d.std() for d in deltas[:3]])
    if np.allclose(found, expected, rtol=0.01):
        return right("The spread of the gradients is right in every layer.")
    by_z = [deltas[i + 1] @ weights[i + 1].T for i in range(3)]
    flat = [deltas[3]]
    for i in (2, 1, 0):
        flat.insert(0, flat[0] @ weights[i + 1].T)
    at_s = [deltas[3]]  # the slope taken at the weighted sums as if they were activations
    for i in (2, 1, 0):
        at_s.insert(0, (at_s[0] @ weights[i + 1].T) * slope(z[i], s[i]))
    known: dict[str, tuple[Array, str]] = {
        "reversed": (expected[::-1], "the layers come in the wrong order"),
        "of the mean": (expected / len(x), "each example's own gradient, not a share of the mean"),
        "by z": (np.array([d.std() for d in by_z]), "these are by z, before the slope"),
        "no slope": (np.array([d.std() for d in flat[:3]]), "the slope of the units is left out"),
        "layers above": (np.array([d.std() for d in deltas[1:]]), "these are one layer too high"),
        "variance": (expected**2, "these are variances"),
    }
    for fault, (values, message) in known.items():
        if np.allclose(found, values, rtol=0.01):
            return wrong(fault, f"Not yet: {message}.", 0.3 if fault != "no slope" else 0.0)
    ratio = found / expected
    if np.allclose(ratio, ratio[0], rtol=0.01):
        return wrong("factor", f"All layers are off by the factor {ratio[0]:.4g}.", 0.3)
    return wrong("gradients", f"Over the right ones yours are {np.round(ratio, 3)}.")


# --------------------------------------------------------------------------------------------------
# A panel of the paper
# --------------------------------------------------------------------------------------------------


def _panel(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("panel")
    chosen = variant["panel"]
    width, activation = chosen["width"], variant["activation"]
    sizes = [64, *[width] * 5, 10]
    weights = networks.layers(answer["weights"], sizes, "panel['weights']")
    stds = samples.numbers(answer["std"], (5,), "panel['std']")
    for i, w in enumerate(weights):
        n_in, n_out = w.shape
        expected = 1 / (3 * n_in) if chosen["rule"] == "standard" else 2 / (n_in + n_out)
        other = 2 / (n_in + n_out) if chosen["rule"] == "standard" else 1 / (3 * n_in)
        known = {"other rule": (other / expected, "these are of the other rule")}
        found = samples.judge_draws(w.ravel(), samples.UNIFORM, expected, known)
        if found.fault:
            return wrong(found.fault, f"Layer {i + 1} of your weights: {found.message}", 0.2)
    images, labels = networks.digits("test")
    x, y = images[:300], labels[:300]
    none = [np.zeros(n) for n in sizes[1:]]
    layers = (
        networks.forward(x, weights, none, activation)[1][:5]
        if chosen["quantity"] == "activations"
        else networks.backward(x, y, weights, none, activation)[:5]
    )
    measured = np.array([layer.std() for layer in layers])
    if not np.allclose(stds, measured, rtol=0.01):
        ratio = stds / measured
        return wrong(
            "not these weights",
            f"With your weights the std of each layer is {_said(measured)}, yours over that "
            f"{_said(ratio)}.",
            0.4,
        )
    for i, layer in enumerate(layers):
        edges = np.asarray(answer["edges"][i], dtype=np.float64)
        density = np.asarray(answer["density"][i], dtype=np.float64)
        if edges.ndim != 1 or density.shape != (len(edges) - 1,) or len(density) < 15:
            return wrong("bins", f"Layer {i + 1} needs at least 15 bins, and an edge more.", 0.6)
        true = np.histogram(layer, edges)[0] / layer.size / np.diff(edges)
        if not np.allclose(density, true, rtol=0.02, atol=0.02 * true.max()):
            share = float((density * np.diff(edges)).sum())
            fault = "counts" if share > 2 else "density"
            return wrong(fault, f"Layer {i + 1}: its density has the area {share:.3g}.", 0.6)
    return right("Weights, spreads and densities agree with one another.")


def _said(values: Array) -> str:
    return "[" + ", ".join(f"{value:.3g}" for value in values) + "]"


PROBLEM_SET = ProblemSet(
    name="ps4",
    title="Diagnose it",
    parts=(
        Part("forward", 3, ("forward",), _forward, "The output has no activation."),
        Part("statistics", 5, ("statistics",), _statistics,
             "Compare with np.std(z) and np.std(z, axis=0)."),
        Part("gradients", 4, ("gradients",), _gradients,
             "Begin with softmax less one-hot, example by example."),
        Part("panel", 8, ("panel",), _panel, "np.histogram(..., density=True).", own=True),
        *(Part(f"patient_{k}", 4, ("diagnoses",), _diagnosis(k),
               "Begin with a table: every statistic of every layer.", own=True)
          for k in range(1, PATIENTS + 1)),
    ),
    draw=_draw,
    withheld=("xavier.monitor", "xavier.network"),
    minutes=90,
)  # fmt: skip
