"""Problem set 4, *Diagnose it*: instruments, one panel of the paper, and five patients."""

from __future__ import annotations

import copy
import io
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..check import networks, parts, samples
from ..check.answers import Answers, Unanswered, entries
from ..check.networks import Array
from ..check.parts import Finding, Mistake, Part, Variant, failing, first_match, right, wrong
from ..check.samples import Ratio, variance

PATIENTS = 5
FILE = "patients.npz"

FAULTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "none": ("nothing is wrong", ("std ratio",)),
    "std as bound": (
        "the std was used as the bound of a uniform distribution", ("std ratio",)
    ),
    "fans swapped": ("fan-in and fan-out were swapped", ("std ratio",)),
    "kernel forgotten": ("the size of the kernel was left out of the fans", ("std ratio",)),
    "gain twice": ("the gain was applied twice", ("std ratio",)),
    "gain missing": ("the gain was not applied", ("std ratio",)),
    "default": (
        "the weights are those that nn.Linear and nn.Conv2d draw by default", ("std ratio",)
    ),
    "biases": ("the biases are not zero", ("largest bias",)),
    "units tied": ("the units of one layer have the same weights", ("distinct units",)),
    "stream reused": ("two layers were drawn from the same seed", ("equal to",)),
    "mean": ("the weights have a mean that is not zero", ("mean ratio",)),
    "zero layer": ("the weights of one layer are zero", ("std ratio", "distinct units")),
}  # fmt: skip
"""What may be wrong with a patient, and the statistics that show it."""

STATISTICS: dict[str, str] = {
    "std ratio": "std of a layer's weights over what its rule asks for",
    "mean ratio": "mean of a layer's weights over what its rule asks for as their std",
    "largest bias": "largest absolute bias of a layer",
    "distinct units": "how many different units a layer has",
    "equal to": "number of the layer that has the same weights",
}
"""What a diagnosis may rest on."""

# Two convolutions and three dense layers, in torch's order; two of them of one shape.
SHAPES: tuple[tuple[int, ...], ...] = (
    (24, 8, 3, 3), (24, 24, 3, 3), (60, 60), (60, 60), (30, 60),
)  # fmt: skip
_TOLERANCE = 0.005
_SUSPECT = 1.08  # a ratio of stds that is not chance any more
_ERRORS = 6.0  # standard errors that are not chance any more
_NEAR = 0.003  # by which the farthest layer may be missed: stds are taken in several ways


class Rule(NamedTuple):
    """By which rule a patient's weights should have been drawn."""

    rule: str
    gain: float

    def std(self, shape: tuple[int, ...]) -> float:
        """The std of a weight."""
        return math.sqrt(variance(self.rule, self.gain, fans(shape)))


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
    held = {name: array.astype(np.float32) for name, array in arrays.items()}
    np.savez_compressed(buffer, allow_pickle=False, **held)
    return shown, {"faults": faults}, {FILE: buffer.getvalue()}


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


class _Patient(NamedTuple):
    """Weights and biases, and the rule by which they should have been drawn."""

    rule: Rule
    weights: list[Array]
    biases: list[Array]

    def measured(self, name: str, layer: int) -> float:
        """One of `STATISTICS` of one layer, from 1; not a number if there is none."""
        w, b = self.weights[layer - 1], self.biases[layer - 1]
        if name == "std ratio":
            return float(w.std()) / self.rule.std(w.shape)
        if name == "mean ratio":
            return float(w.mean()) / self.rule.std(w.shape)
        if name == "largest bias":
            return float(np.abs(b).max())
        if name == "distinct units":
            return float(len(np.unique(w.reshape(len(w), -1), axis=0)))
        others = ((i, self.weights[i - 1]) for i in self.layers if i != layer)
        return next((float(i) for i, other in others if np.array_equal(other, w)), math.nan)

    @property
    def layers(self) -> range:
        """Their numbers."""
        return range(1, len(self.weights) + 1)


def _load(variant: Variant, k: int) -> _Patient:
    """One patient."""
    if FILE not in variant.files:
        raise Unanswered(f"{FILE} is not beside the notebook")
    numbers = range(1, len(SHAPES) + 1)
    try:
        with np.load(io.BytesIO(variant.files[FILE]), allow_pickle=False) as held:
            weights = [held[f"patient_{k}_weights_{i}"].astype(np.float64) for i in numbers]
            biases = [held[f"patient_{k}_biases_{i}"].astype(np.float64) for i in numbers]
    except (EOFError, LookupError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise Unanswered(f"{FILE} is not the file of this problem set ({error})") from None
    return _Patient(Rule(**variant["patients"][k - 1]), weights, biases)


def _diagnosis(k: int) -> Callable[[Answers, Variant], Iterator[Finding]]:
    """A judge of the diagnosis of one patient."""

    def judge(answers: Answers, variant: Variant) -> Iterator[Finding]:
        given = answers.get("diagnoses")
        if not isinstance(given, dict):
            raise Unanswered("diagnoses must be a dict by the number of the patient")
        told = given.get(k, given.get(str(k)))
        if not isinstance(told, dict):
            raise Unanswered(f"diagnoses has no dict for patient {k}")
        fault, name = told.get("fault"), told.get("statistic")
        patient = _load(variant, k)
        value = _value(told, patient)
        if not isinstance(fault, str) or fault not in FAULTS:
            said = f"{_short(fault)} is none of the faults: {', '.join(FAULTS)}."
            yield from (wrong("no such fault", said), value)
            return
        evidence = value
        if not value.fault:
            evidence = _shows(fault, str(name), int(samples.number(told["layer"])), patient)
        if "faults" not in variant.hidden:
            yield evidence
            yield right("The evidence stands. Whether the fault is right is said with the marks.")
            return
        true = variant["faults"][k - 1]
        if fault == true:
            if evidence.fault:
                yield wrong(evidence.fault, f"The fault is right. {evidence.message}", 0.5)
            yield right("The fault, and evidence for it.")
            return
        shows = not value.fault and name in FAULTS[true][1]
        also, share = (" The value is right.", 0.25) if shows else ("", 0.0)
        yield failing(
            (fault == "none", "missed", f"Something is wrong with this patient.{also}", share),
            (true == "none", "false alarm", f"Nothing is wrong with this patient.{also}", share),
            (True, "another fault", f"It is not that {FAULTS[fault][0]}.{also}", share),
        )[0]  # fmt: skip
        yield value

    return judge


def _short(given: Any) -> str:
    """An answer in a few characters."""
    said = repr(given)
    return said if len(said) <= 40 else f"{said[:37]}..."


def _value(told: Mapping[str, Any], patient: _Patient) -> Finding:
    """Whether the value of a diagnosis is that of its statistic in its layer."""
    name, layer, value = told.get("statistic"), samples.number(told.get("layer")), told.get("value")
    if not isinstance(name, str) or name not in STATISTICS:
        said = f"{_short(name)} is none of the statistics: {', '.join(STATISTICS)}."
        return wrong("no such statistic", said)
    if layer not in patient.layers:
        said = f"There is no layer {_short(told.get('layer'))}: they are counted from 1 to 5."
        return wrong("no such layer", said)
    at, found = int(layer), samples.number(value)
    measured = patient.measured(name, at)
    if math.isclose(found, measured, rel_tol=_TOLERANCE, abs_tol=_DIGITS[name]):
        return right()
    said = f"The {name} of layer {at} is not {found:.4g}"
    if math.isfinite(found) and (
        named := first_match(
            _mistaken(name, at, patient),
            lambda number: math.isclose(found, number, rel_tol=_TOLERANCE),
            f"{said}: {{}}.",
        )
    ):
        return named
    same = [i for i in patient.layers
            if math.isclose(found, patient.measured(name, i), rel_tol=1e-4)]  # fmt: skip
    return failing(
        (math.isnan(measured), "no evidence", f"No other layer has the weights of layer {at}.",
         0.0),
        (not math.isfinite(found), "no number",
         f"The value must be a number, and is {_short(value)}.", 0.0),
        (same, "another layer", f"The {name} is {found:.4g} in layer {[*same, 0][0]}, counted from "
         f"1, not in layer {at}.", 0.0),
        (True, "value", f"{said} in these weights.", 0.0),
    )[0]  # fmt: skip


# Values may be rounded to so many digits.
_DIGITS = {
    "std ratio": 0.005, "mean ratio": 0.005, "largest bias": 0.0005,
    "distinct units": 0.0, "equal to": 0.0,
}  # fmt: skip


def _mistaken(name: str, layer: int, patient: _Patient) -> list[Mistake]:
    """What some mistakes give for a statistic."""
    w, rule = patient.weights[layer - 1], patient.rule
    intended, measured = rule.std(w.shape), patient.measured(name, layer)
    if name == "distinct units":
        return [
            Mistake("all units", float(len(w)), "this is how many units there are"),
            Mistake("weights", float(len(np.unique(w))),
                    "this is how many different weights there are"),
            Mistake("copies", len(w) - measured, "this is how many units are copies of others"),
        ]  # fmt: skip
    if name not in ("std ratio", "mean ratio"):
        return []
    other = Rule("harmonic" if rule.rule == "fan-in" else "fan-in", rule.gain).std(w.shape)
    own = [
        Mistake("variance", measured**2, "this is a ratio of variances"),
        Mistake("upside down", 1 / max(measured, 1e-9), "the ratio is upside down"),
    ]
    if name == "mean ratio":
        absolute = float(np.abs(w).mean()) / intended
        own = [Mistake("absolute", absolute, "this is the mean of absolute values")]
    return [
        *own,
        Mistake("alone", measured * intended,
                "it is to be taken over the std that the rule asks for"),
        Mistake("gain left out", measured * rule.gain, "the rule has a gain"),
        Mistake("other rule", measured * intended / other,
                f"the rule is {rule.rule} for this patient"),
        Mistake("kernel left out", measured * intended / rule.std(w.shape[:2]),
                "the kernel belongs to the fans of the rule"),
        Mistake("other fan", measured * intended / Rule("fan-out", rule.gain).std(w.shape),
                "fan-in comes second in the shape"),
    ]  # fmt: skip


def _shows(fault: str, name: str, layer: int, patient: _Patient) -> Finding:
    """Whether a statistic that was measured right is evidence for a fault."""
    if name not in FAULTS[fault][1]:
        return wrong("no evidence", f"The {name} does not show whether {FAULTS[fault][0]}.")
    ratios = [max(patient.measured("std ratio", i), 1e-9) for i in patient.layers]
    if fault == "none":
        # How far a ratio is from 1 can be told by its difference or by its logarithm.
        for distances in ([abs(r - 1) for r in ratios], [abs(math.log(r)) for r in ratios]):
            if distances[layer - 1] >= max(distances) - _NEAR:
                return right()
        return wrong("not the farthest", "Show the layer whose std ratio is farthest from 1.")
    found, w = patient.measured(name, layer), patient.weights[layer - 1]
    # Errors by chance, of a mean over the std and of the logarithm of a uniform's std; of weights
    # that are equal only one counts.
    error = 1 / math.sqrt(len(np.unique(w)))
    suspect = max(math.log(_SUSPECT), _ERRORS * math.sqrt(0.2) * error)
    healthy = {
        "std ratio": abs(math.log(ratios[layer - 1])) < suspect,
        "mean ratio": abs(float(w.mean())) <= _ERRORS * error * float(w.std()),
        "largest bias": found == 0,
        "distinct units": found == len(w),
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

    def copied(self) -> _Net:
        """A copy for a function that may change what it gets."""
        return copy.deepcopy(self)


def _without_biases(net: _Net) -> _Net:
    return net._replace(biases=[np.zeros_like(b) for b in net.biases])


# More than ten layers: in the order of their names, the tenth comes before the second.
_SIZES = (12, 17, 11, 14, 18, 16, 13, 15, 12, 17, 11, 14, 5)
_HIDDEN = len(_SIZES) - 2
_BY_NAME = [*sorted(range(_HIDDEN), key=lambda i: str(i + 1))]


def _net(variant: Variant, purpose: str) -> _Net:
    """A small network with biases, and inputs and labels for it."""
    rng = variant.rng(purpose)
    weights = [rng.normal(0, 1.3 / math.sqrt(a), (a, b)) for a, b in pairwise(_SIZES)]
    biases = [rng.normal(0, 0.4, b) for b in _SIZES[1:]]
    # The first class is likely and rare, and in the same sense for all units: what reaches them has
    # a mean, and the output is too far from zero to be bent unnoticed.
    weights[-1] = 3 * weights[-1] + np.array([0.7, 0, 0, 0, 0])
    biases[-1][0] += 3
    labels = np.where(rng.random(200) < 0.1, 0, rng.integers(1, 5, 200))
    labels[:5] = range(5)
    return _Net(rng.normal(0, 1, (200, 12)), labels, weights, biases)


_Instrument: TypeAlias = Callable[[Answers, Variant, str], Finding]


def _with_all(judge: _Instrument) -> Callable[[Answers, Variant], Iterator[Finding]]:
    """Judge an instrument with the student's own activation, and then with the other ones."""

    def judged(answers: Answers, variant: Variant) -> Iterator[Finding]:
        own = variant["activation"]
        found = judge(answers, variant, own)
        yield found
        known = {found.fault}
        for other in networks.ACTIVATIONS:
            if other == own:
                continue
            try:
                again = judge(answers, variant, other)
            except Unanswered as error:
                again = wrong("one activation", f"No answer: {error}.")
            if again.fault not in known:
                known.add(again.fault)
                said = "" if found.fault else f"It is right with {own}. "
                share = max(again.share, 0.5)
                yield wrong(again.fault, f"{said}With {other}: {again.message}", share)

    return judged


def _same(found: Sequence[Array], arrays: Sequence[Array]) -> bool:
    """Whether two lists hold the same arrays."""
    return len(found) == len(arrays) and all(map(_alike, found, arrays))


def _alike(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, atol=1e-4)


def _run(net: _Net, value: Callable[[Array], Array], *, late: bool = False) -> list[Array]:
    """All layers with any function as the activation, biases added before it or after it."""
    z: list[Array] = []
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        s = (z[-1] if z else net.x) @ w
        z.append(s + b if i == _HIDDEN else value(s) + b if late else value(s + b))
    return z


def _forward(answers: Answers, variant: Variant, activation: str) -> Finding:
    net = _net(variant, "forward")
    x, _, weights, biases = net
    lent = net.copied()
    value = networks.ACTIVATIONS[activation][0]
    s, z = networks.forward(x, weights, biases, activation)
    given = answers.call("forward", lent.x, lent.weights, lent.biases, activation)
    if isinstance(given, np.ndarray) and _alike(given, z[-1]):
        return wrong("only the output", "Not yet: the hidden layers are to be in the list.", 0.3)
    asked = f"forward must return a list of {len(z)} arrays: {_HIDDEN} layers and the output"
    if not isinstance(given, list):
        raise Unanswered(asked)
    found = [np.asarray(layer, dtype=np.float64) for layer in given]
    if _same(found, z):
        return right("Every layer is right.")
    others = {other: pair[0] for other, pair in networks.ACTIVATIONS.items()}
    known = (
        Mistake("no biases", _run(_without_biases(net), value), "the biases are left out"),
        Mistake("biases late", _run(net, value, late=True),
                "biases are added before the activation, not after it"),
        Mistake("output bent", [*z[:-1], value(s[-1])], "the output has no activation"),
        Mistake("softmax", [*z[:-1], networks.softmax(s[-1])],
                "the output is not to pass a softmax"),
        Mistake("sums", s, "these are the weighted sums, before the activation"),
        Mistake("no activation", _run(net, lambda s: s), "no layer has an activation"),
        Mistake("with the input", [x, *z], "the input does not belong to the list"),
        Mistake("no output", z[:-1], "the output is to be the last of the list"),
        Mistake("reversed", z[::-1], "the layers come in the wrong order"),
        Mistake("by name", [*(z[i] for i in _BY_NAME), z[-1]],
                "layer 10 comes before layer 2: sort by number"),
        *(Mistake("another activation", _run(net, function),
                  f"this is {other}, and {activation} is asked for")
          for other, function in {**others, "relu": lambda s: np.maximum(s, 0)}.items()),
    )  # fmt: skip
    if named := first_match(known, lambda arrays: _same(found, arrays), share=0.3):
        return named
    if len(found) != len(z):
        raise Unanswered(asked)
    first = [_alike(a, b) for a, b in zip(found, z, strict=True)].index(False)
    return wrong("layer", f"Number {first + 1} of the list is the first that is not right.")


class _Layer(NamedTuple):
    """What a hidden layer does with some inputs."""

    activation: str
    s: Array
    z: Array

    def slope(self, z: Array) -> Array:
        """The slope where the activation is z, over the steepest one."""
        return networks.ACTIVATIONS[self.activation][1](z, z) / self.steepest

    @property
    def steepest(self) -> float:
        """The steepest slope."""
        return 0.25 if self.activation == "sigmoid" else 1.0

    @property
    def saturated(self) -> Any:
        """Which activations are."""
        return self.slope(self.z) < 0.05

    @property
    def upper(self) -> Any:
        """Which activations are above the middle."""
        return self.z > (0.5 if self.activation == "sigmoid" else 0.0)


# What each statistic is of a layer, and what some mistakes make of it.
_MEASURES: dict[str, tuple[Callable[[_Layer], float], tuple[Mistake, ...]]] = {
    "mean": (lambda a: float(a.z.mean()), (
        Mistake("mean of sums", lambda a: a.s.mean(), "mean is that of the weighted sums"),
        Mistake("mean absolute", lambda a: np.abs(a.z).mean(), "mean is that of absolute values"),
    )),
    "std": (lambda a: float(a.z.std()), (
        Mistake("variance", lambda a: a.z.var(), "std is the variance"),
        Mistake("std of sums", lambda a: a.s.std(), "std is that of the weighted sums"),
        Mistake("std per unit", lambda a: a.z.std(axis=0).mean(),
                "std is to be over units and inputs together"),
    )),
    "std_inputs": (lambda a: float(a.z.std(axis=0).mean()), (
        Mistake("pooled", lambda a: a.z.std(), "std_inputs is the pooled one"),
        Mistake("over units", lambda a: a.z.std(axis=1).mean(),
                "std_inputs goes over the units of one input"),
        Mistake("variance per unit", lambda a: a.z.var(axis=0).mean(), "std_inputs is a variance"),
        Mistake("of means", lambda a: a.z.mean(axis=0).std(),
                "std_inputs is how the units' means differ"),
    )),
    "p98": (lambda a: float(np.percentile(a.z, 98)), (
        Mistake("absolute", lambda a: np.percentile(np.abs(a.z), 98),
                "p98 is that of absolute values"),
        Mistake("largest", lambda a: a.z.max(), "p98 is the largest value"),
        Mistake("p02", lambda a: np.percentile(a.z, 2), "p98 is the lower percentile"),
        Mistake("percent", lambda a: np.percentile(a.z, 0.98),
                "p98 is the percentile 0.98, of 100"),
    )),
    "saturated": (lambda a: float(a.saturated.mean()), (
        Mistake("in percent", lambda a: 100 * a.saturated.mean(), "saturated is in percent"),
        Mistake("counted", lambda a: a.saturated.sum(), "saturated is a count, not a share"),
        Mistake("not saturated", lambda a: 1 - a.saturated.mean(),
                "saturated is the share of the other ones"),
        Mistake("one side", lambda a: (a.saturated & a.upper).mean(),
                "saturated has the upper side only: the slope is small at both ends"),
        Mistake("not of the steepest", lambda a: (a.slope(a.z) * a.steepest < 0.05).mean(),
                "saturated has slopes below 0.05, not below 5 % of the steepest"),
        Mistake("units", lambda a: a.saturated.all(axis=0).mean(),
                "saturated is a share of units, not of activations"),
        Mistake("units", lambda a: (a.saturated.mean(axis=0) > 0.5).mean(),
                "saturated is a share of units, not of activations"),
    )),
}  # fmt: skip


def _slack(name: str) -> float:
    # In single precision an activation more or less is saturated; percentiles are taken in several
    # ways.
    return {"saturated": 2.5e-3, "p98": 0.02}.get(name, 1e-3)


def _fields(rows: Sequence[Mapping[str, Any]], layers: Sequence[_Layer]) -> list[Finding]:
    """What is wrong with the statistics, each by itself."""
    bad = []
    for name, (measure, mistakes) in _MEASURES.items():
        given = [row.get(name) for row in rows]
        found = np.array([samples.number(value) for value in given])

        def off(measure: Callable[[_Layer], float], found: Array = found) -> float:
            return float(np.abs(found - [float(measure(a)) for a in layers]).max())

        def fits(
            measure: Callable[[_Layer], float], found: Array = found, slack: float = _slack(name)
        ) -> bool:
            return np.allclose(found, [float(measure(a)) for a in layers], rtol=0.01, atol=slack)

        if fits(measure):
            continue
        if any(name not in row for row in rows):
            bad.append(wrong("missing", f"{name} is missing"))
        elif any(isinstance(value, list | np.ndarray) and np.size(value) > 1 for value in given):
            bad.append(wrong("many", f"{name} is to be one number of a layer"))
        else:
            likely = sorted((m for m in mistakes if fits(m.gives)), key=lambda m: off(m.gives))
            fault = likely[0].name if likely else name
            if fault in ("saturated", "units") and _threshold(found, layers):
                said = "saturated has a limit of its own for |z|: use the slope"
                bad.append(wrong("threshold", said))
            else:
                bad.append(wrong(fault, likely[0].says if likely else f"{name} is not right"))
    return bad


def _threshold(found: Array, layers: Sequence[_Layer]) -> bool:
    """Whether shares are those of activations beyond a limit near that of tanh."""
    far, near = (np.array([(np.abs(a.z) > limit).mean() for a in layers]) for limit in (0.99, 0.95))
    return bool((found >= far - 1e-9).all() and (found <= near + 1e-9).all())


def _rows(given: Any) -> list[dict[str, Any]]:
    """Dicts, one of a layer; a table has come as a dict of columns."""
    if isinstance(given, dict) and given and all(isinstance(v, list) for v in given.values()):
        length = min(map(len, given.values()))
        given = [{name: column[i] for name, column in given.items()} for i in range(length)]
    if (
        isinstance(given, list)
        and len(given) in (_HIDDEN, _HIDDEN + 1)
        and all(isinstance(row, dict) for row in given)
    ):
        return given
    raise Unanswered(f"statistics must return a list of {_HIDDEN} dicts, one of a hidden layer")


def _statistics(answers: Answers, variant: Variant, activation: str) -> Finding:
    net = _net(variant, "statistics")
    # Some layers are saturated, and some are nearly linear.
    scales = [4.0, 1.0, 0.5, 3.0, 5.0, 1.0, 2.5, 4.0, 0.7, 3.0, 2.0, 1.0]
    weights = [scale * w for scale, w in zip(scales, net.weights, strict=True)]
    biases = [b + 0.5 * (-1) ** i for i, b in enumerate(net.biases)]
    lent = _Net(net.x, net.y, weights, biases).copied()
    s, z = networks.forward(net.x, weights, biases, activation)
    layers = [_Layer(activation, a, b) for a, b in zip(s[:-1], z[:-1], strict=True)]
    rows = _rows(answers.call("statistics", lent.x, lent.weights, lent.biases, activation))
    output, rows = rows[_HIDDEN:], rows[:_HIDDEN]
    bad = _fields(rows, layers)
    if not bad:
        if output:
            return wrong("with the output", "The output is not to be in the list.", 0.6)
        return right("All five statistics are right.")
    if not _fields(rows[::-1], layers):
        return wrong("reversed", "The layers come in the wrong order.", 0.4)
    if not _fields(rows, [layers[i] for i in _BY_NAME]):
        return wrong("by name", "Layer 10 comes before layer 2: sort by number.", 0.4)
    rights = len(_MEASURES) - len(bad)
    said = f"{rights} of 5 statistics are right. {'; '.join(found.message for found in bad)}."
    return wrong(bad[0].fault, said, rights / 5)


class _Pass(NamedTuple):
    """What goes up through a network, and the gradients that come down, of every layer."""

    net: _Net
    own: str
    s: list[Array]
    z: list[Array]
    deltas: list[Array]

    def down(self, top: Array | None = None, bent: Callable[..., Any] | None = None) -> Array:
        """Stds of gradients from another one of the output, or with another slope of (s, z)."""
        bent = bent or networks.ACTIVATIONS[self.own][1]
        found = [self.deltas[-1] if top is None else top]
        for i in range(_HIDDEN - 1, -1, -1):
            found.insert(0, (found[0] @ self.net.weights[i + 1].T) * bent(self.s[i], self.z[i]))
        return networks.stds(found[:-1])

    def output_bent(self) -> Array:
        """The same of an output that has an activation, and its slope."""
        value, slope = networks.ACTIVATIONS[self.own]
        bent = value(self.s[-1])
        error = networks.softmax(bent) - np.eye(bent.shape[1])[self.net.y]
        return self.down(error * slope(self.s[-1], bent))


def _pass(net: _Net, own: str) -> _Pass:
    up = networks.forward(net.x, net.weights, net.biases, own)
    return _Pass(net, own, *up, networks.backward(*net, own))


# What comes of them, from what goes through a network.
_OF_GRADIENTS = (
    Mistake("reversed", lambda p: p.down()[::-1], "the layers come in the wrong order"),
    Mistake("by name", lambda p: p.down()[_BY_NAME],
            "layer 10 comes before layer 2: sort by number"),
    Mistake("of the mean", lambda p: p.down() / len(p.net.x),
            "each example's own gradient, not a share of the mean"),
    Mistake("averaged first", lambda p: networks.stds(d.mean(axis=0) for d in p.deltas[:-1]),
            "the std is to be over examples, too: do not average over them first"),
    Mistake("per unit", lambda p: np.array([d.std(axis=0).mean() for d in p.deltas[:-1]]),
            "the std is to be over units and examples together"),
    Mistake("by z", lambda p: networks.stds(d @ w.T for d, w in
                                    zip(p.deltas[1:], p.net.weights[1:], strict=True)),
            "these are by z, before the slope"),
    Mistake("no slope", lambda p: p.down(bent=lambda s, z: 1.0),
            "the slope of the units is left out", 0.0),
    *(Mistake("another slope", lambda p, pair=pair: p.down(bent=lambda s, z: pair[1](z, z)),
              f"the slope is that of {other}, and {{own}} is asked for")
      for other, pair in networks.ACTIVATIONS.items()),
    Mistake("layers above", lambda p: networks.stds(p.deltas[1:]), "these are one layer too high"),
    *(Mistake("of weights", lambda p, mean=mean: networks.stds(
          a.T @ d / (len(a) if mean else 1)
          for a, d in zip([p.net.x, *p.z], p.deltas[:-1], strict=False)),
              "these are by the weights, not by the weighted sums") for mean in (False, True)),
    Mistake("output bent", lambda p: p.output_bent(),
            "the output has no activation, and no slope of one"),
    Mistake("no labels", lambda p: p.down(networks.softmax(p.s[-1])),
            "the labels are left out: softmax less one-hot"),
    Mistake("no biases", lambda p: _pass(_without_biases(p.net), p.own).down(),
            "the biases are left out on the way up"),
    Mistake("variance", lambda p: p.down() ** 2, "these are variances"),
)  # fmt: skip


def _gradients(answers: Answers, variant: Variant, activation: str) -> Finding:
    net = _net(variant, "gradients")
    given = answers.call("gradients", *net.copied(), activation)
    found = np.array(
        [samples.number(v) for v in given] if isinstance(given, list | np.ndarray) else []
    )
    if len(found) not in (_HIDDEN, _HIDDEN + 1) or not np.isfinite(found).all():
        raise Unanswered(f"gradients must return {_HIDDEN} numbers, one of a hidden layer")
    found, output = found[:_HIDDEN], found[_HIDDEN:]
    passed = _pass(net, activation)

    def fits(gives: Callable[[_Pass], Array]) -> bool:
        return np.allclose(found, gives(passed), rtol=_GRADIENTS, atol=0)

    if fits(_Pass.down):
        if len(output):
            return wrong("with the output", "The output is not to be in the list.", 0.6)
        return right("The spread of the gradients is right in every layer.")
    if named := first_match(_OF_GRADIENTS, fits, share=0.3):
        return replace(named, message=named.message.format(own=activation))
    ratio = found / passed.down()
    if np.allclose(ratio, ratio[0], rtol=0.01):
        return wrong("factor", f"All layers are off by the factor {ratio[0]:.4g}.", 0.3)
    return wrong("gradients", f"Over the right ones yours are {_row(ratio)}.")


_GRADIENTS = 0.006  # relative; three digits are enough


# --------------------------------------------------------------------------------------------------
# A panel of the paper
# --------------------------------------------------------------------------------------------------


def _panel(answers: Answers, variant: Variant) -> Iterator[Finding]:
    answer = entries(answers, "panel", "weights", "std", "edges", "density")
    chosen = variant["panel"]
    sizes = [64, *[chosen["width"]] * 5, 10]
    shapes = [np.shape(w) for w in answer["weights"]]
    if shapes == [(b, a) for a, b in pairwise(sizes)]:
        yield wrong("transposed", "The weights are to have the shape (n_in, n_out).", 0.2)
        return
    weights = networks.layers(answer["weights"], sizes, "panel['weights']")
    stds = samples.numbers(answer["std"], (5,), "panel['std']")
    yield from _drawn(weights, chosen["rule"])
    layers = _quantity(chosen["quantity"], weights, variant["activation"], "test", 300)
    yield _spreads(stds, layers, weights, variant)
    for key in ("edges", "density"):
        if len(answer[key]) != 5 or not all(np.ndim(row) == 1 for row in answer[key]):
            said = f"panel['{key}'] must be a list of five arrays, one of a hidden layer."
            yield wrong("bins", said, 0.6)
            return
    known = {""}
    for i in range(5):
        found = _histogram(i, answer["edges"][i], answer["density"][i], layers)
        if found.fault not in known:
            known.add(found.fault)
            yield found
    yield right("Weights, spreads and densities agree with one another.")


def _drawn(weights: list[Array], rule: str) -> list[Finding]:
    """What is wrong with weights that should be independent draws by a rule."""
    fans = [(len(w), w.shape[1]) for w in weights]
    standard, normalized = [1 / (3 * a) for a, _ in fans], [2 / (a + b) for a, b in fans]
    asked, other = (standard, normalized) if rule == "standard" else (normalized, standard)

    def known(i: int) -> list[Ratio]:
        found = [Ratio("other rule", other[i] / asked[i], "these are of the other rule")]
        if rule == "standard":
            a, b = fans[i]
            found.append(Ratio("fan-out", a / b, "the rule has fan-in, not fan-out"))
        return found

    say = "Layer {} of your weights: {}"
    reused = [f"Layers {k} and {i} of your weights are the same draws."
              for k, i in networks.copied(weights)]  # fmt: skip
    return [
        *(wrong("stream reused", said, 0.2) for said in reused[:1]),
        *(replace(found, share=0.2)
          for found in samples.judge_layers(weights, asked, samples.UNIFORM, known, say)),
    ]  # fmt: skip


def _quantity(
    quantity: str, weights: list[Array], activation: str, split: str, images: int
) -> list[Array]:
    """What a panel shows, for the first images of a split."""
    x, y = networks.digits(split)
    x, y = x[:images], y[:images]
    none = [np.zeros(w.shape[1]) for w in weights]
    if quantity == "sums":
        return networks.forward(x, weights, none, activation)[0][:-1]
    if quantity == "activations":
        return networks.forward(x, weights, none, activation)[1][:-1]
    return networks.backward(x, y, weights, none, activation)[:-1]


def _spreads(stds: Array, layers: list[Array], weights: list[Array], variant: Variant) -> Finding:
    """Whether stds are those of the layers."""
    measured = networks.stds(layers)
    if np.allclose(stds, measured, rtol=1e-4, atol=0):
        return right()
    quantity, activation = variant["panel"]["quantity"], variant["activation"]

    def of(quantity: str, split: str = "test", images: int = 300) -> Array:
        return networks.stds(_quantity(quantity, weights, activation, split, images))

    other = "gradients" if quantity == "activations" else "activations"
    known = (
        Mistake("reversed", measured[::-1], "in the wrong order"),
        Mistake("other quantity", of(other), f"of the {other}, not of the {quantity}"),
        Mistake("sums", of("sums"), f"of the weighted sums, not of the {quantity}"),
        Mistake("variance", measured**2, "variances"),
        Mistake("per unit", np.array([layer.std(axis=0).mean() for layer in layers]),
                "std over the inputs, averaged over units, and not over both together"),
        Mistake("other images", of(quantity, images=400),
                "of all test images, not of the first 300"),
        Mistake("other images", of(quantity, "train"),
                "of the training images, not of the test images"),
    )  # fmt: skip

    def fits(values: Array) -> bool:
        # What is near the right ones must be met more closely, or rounded numbers would meet it.
        near = 3e-5 if np.allclose(values, measured, rtol=0.02, atol=0) else 5e-3
        return np.allclose(stds, values, rtol=near, atol=0)

    if named := first_match(known, fits, "panel['std']: these are {}.", 0.4):
        return named
    if np.allclose(stds, measured, rtol=0.01, atol=0):
        return right()
    return wrong(
        "not these weights",
        f"With your weights the std of each layer is {_row(measured)}, yours over that "
        f"{_row(stds / measured)}.",
        0.4,
    )


def _histogram(i: int, edges: Any, density: Any, layers: list[Array]) -> Finding:
    """Whether a density is that of a layer, between its edges."""
    edges, density = (
        samples.numbers(row, (None,), name)
        for row, name in ((edges, "edges"), (density, "density"))
    )
    n, said = len(density), f"Layer {i + 1}"
    unusable = failing(
        (len(edges) == n, "bins", f"{said} needs an edge more than it has bins, not their middles.",
         0.6),
        (len(edges) != n + 1 or n < 15, "bins",
         f"{said} needs at least 15 bins, and an edge more.", 0.6),
        (not (np.diff(edges) > 0).all(), "bins", f"{said}: its edges do not rise.", 0.6),
    )  # fmt: skip
    if unusable:
        return unusable[0]
    layer, true, shares = layers[i], _held(layers[i], edges), density * np.diff(edges)
    scaled, area = true / true.sum(), f"its density has the area {shares.sum():.3g}"
    near = [_near(row, true, layer.size) or _near(row, scaled, layer.size)
            for row in (shares, density)]  # fmt: skip
    others = [k + 1 for k, other in enumerate(layers)
              if k != i and _near(shares, _held(other, edges), layer.size)]  # fmt: skip
    formed = shares.sum() > 0 and _near(shares / shares.sum(), scaled, layer.size)
    return failing(
        (true.sum() < 0.5, "range",
         f"{said}: its bins hold {true.sum():.1%} of the values, less than half.", 0.6),
        (near[0], "", "Right.", 1.0),
        (_near(density / layer.size, true, layer.size), "counts",
         f"{said}: these are counts, {area}.", 0.6),
        (near[1], "shares", f"{said}: shares are not divided by the bins' widths, {area}.", 0.6),
        (others, "another layer",
         f"{said}: this is the density of layer {[*others, 0][0]}.", 0.6),
        (formed, "area", f"{said}: the form is right, and {area}.", 0.6),
        (True, "density", f"{said}: it is not the density of these values; {area}.", 0.6),
    )[0]  # fmt: skip


def _held(layer: Array, edges: Array) -> Array:
    """The share of the values in each bin."""
    return np.asarray(np.histogram(layer, edges)[0] / layer.size)


def _near(shares: Array, true: Array, size: int) -> bool:
    """Whether shares in bins are right; in single precision some values lie across an edge."""
    slack = max(0.02 * float(true.max()), 3 / size)
    each = np.allclose(shares, true, rtol=0.02, atol=slack)
    return each and np.allclose(np.cumsum(shares), np.cumsum(true), rtol=0, atol=0.005)


def _row(values: Array) -> str:
    return "[" + ", ".join(f"{value:.3g}" for value in values) + "]"


PROBLEM_SET = parts.ProblemSet(
    name="ps4",
    title="Diagnose it",
    parts=(
        Part("forward", 3, 5, "easy", ("forward",), _with_all(_forward),
             "The output has no activation.",
             "07_birth: Activations: figure 6"),
        Part("statistics", 5, 10, "medium", ("statistics",), _with_all(_statistics),
             "Compare with np.std(z) and np.std(z, axis=0).",
             "07_birth: Sigmoid and softsign"),
        Part("gradients", 4, 12, "hard", ("gradients",), _with_all(_gradients),
             "Begin with softmax less one-hot, example by example.",
             "07_birth: Gradients: figure 7"),
        Part("panel", 8, 18, "medium", ("panel",), _panel,
             "np.histogram(..., density=True).",
             "07_birth: Activations: figure 6", own=True),
        *(Part(f"patient_{k}", 4, 7, "medium", ("diagnoses",), _diagnosis(k),
               "Begin with a table: every statistic of every layer.",
               "07_birth: What a layer gives you by default", own=True)
          for k in range(1, PATIENTS + 1)),
    ),
    draw=_draw,
    withheld=("xavier.monitor", "xavier.network"),
    minutes=90,
)  # fmt: skip
