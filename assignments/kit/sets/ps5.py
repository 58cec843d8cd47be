"""Problem set 5, *After 2010*: what theory says of deep random networks, in numbers of one's own.

A student hands in functions, which are asked at the variant's numbers and at others, and numbers.
Each is compared with what is computed here, and with what known mistakes make of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import erf

from xavier import rules

from ..check import evidence, parts, samples
from ..check.answers import Answers, Unanswered, entries
from ..check.parts import Finding, Judge, Mistake, Part, Variant, first_match, right, wrong
from ..check.samples import Array

Function: TypeAlias = Callable[[Any], Any]

ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "tanh": (np.tanh, lambda s: 1 - np.tanh(s) ** 2),
    "arctan": (np.arctan, lambda s: 1 / (1 + s * s)),
    "erf": (lambda s: erf(math.sqrt(math.pi) / 2 * s), lambda s: np.exp(-math.pi / 4 * s * s)),
}
"""A function and its slope, which is 1 at 0, by name."""

BRANCHES: dict[str, Callable[[Any, int], Any]] = {
    "plain": lambda k, blocks: k / k,
    "1/sqrt(L)": lambda k, blocks: k / k / math.sqrt(blocks),
    "1/sqrt(k)": lambda k, blocks: 1 / np.sqrt(k),
}
"""The scale of block k = 1, 2, ... of so many."""

_CLOSE = 5e-3  # three digits may be rounded
_NEARLY = 0.02  # of the distance at which layers are counted


def _draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    points = [(0.95, 0.1), (1.1, 0.2), (1.8, 0.05), (1.8, 0.1), (2.0, 0.05), (2.0, 0.1)]
    gain, bias = points[int(rng.integers(len(points)))]
    shown = {
        "activation": str(rng.choice(list(ACTIVATIONS))),
        "gain": gain,
        "bias": bias,
        "cosine": float(rng.choice([0.6, 0.7, 0.8])),
        "distance": float(rng.choice([0.005, 0.01, 0.02])),
        "blocks": {
            "count": int(rng.choice([6, 8, 10])),
            "branch": str(rng.choice(list(BRANCHES))),
            "gain": float(rng.choice([0.5, 0.6, 0.7])),
        },
        "optimizer": str(rng.choice(["gradient descent", "adam"])),
        "larger": int(rng.choice([3, 5, 7])),
        "wider": int(rng.choice([9, 16, 25])),
    }
    return shown, {}, {}


# --------------------------------------------------------------------------------------------------
# Wide layers
# --------------------------------------------------------------------------------------------------

# An equidistant sum over normal numbers has all digits of a function that is as smooth as these.
_Z = np.linspace(-9, 9, 121)
_WEIGHTS = np.exp(-_Z * _Z / 2) / np.exp(-_Z * _Z / 2).sum()
_U, _V = np.meshgrid(_Z, _Z, indexing="ij")


def mean(f: Function, q: float) -> float:
    """E f(s), s normal with variance q."""
    return float(_WEIGHTS @ (f(math.sqrt(q) * _Z) * np.ones_like(_Z)))


def product(f: Function, c: float, q: float, rest: float | None = None) -> float:
    """E f(s) f(t), both normal with variance q, correlated by c."""
    rest = math.sqrt(max(1 - c * c, 0)) if rest is None else rest
    values = f(math.sqrt(q) * _U) * f(math.sqrt(q) * (c * _U + rest * _V))
    return float(_WEIGHTS @ values @ _WEIGHTS)


def _variance(a: str, q: float, gain: float, bias: float) -> float:
    return gain**2 * mean(lambda s: ACTIVATIONS[a][0](s) ** 2, q) + bias


def _chi(a: str, q: float, gain: float) -> float:
    return gain**2 * mean(lambda s: ACTIVATIONS[a][1](s) ** 2, q)


def _correlation(a: str, c: float, q: float, gain: float, bias: float) -> float:
    return (gain**2 * product(ACTIVATIONS[a][0], c, q) + bias) / _variance(a, q, gain, bias)


class Settled(NamedTuple):
    """Where a deep network ends, and the way of a cosine to there."""

    q: float
    chi: float
    cosines: list[float]
    slope: float


@cache
def settled(a: str, gain: float, bias: float, cosine: float = 0.5) -> Settled:
    """What is found by going through layers until nothing changes."""
    q, cosines = 1.0, [cosine]
    for _ in range(2000):
        before, q = q, _variance(a, q, gain, bias)
        if abs(q - before) < 1e-12:
            break
    for _ in range(2000):
        cosines.append(_correlation(a, cosines[-1], q, gain, bias))
        if abs(cosines[-1] - cosines[-2]) < 1e-12:
            break
    slope = gain**2 * product(ACTIVATIONS[a][1], min(cosines[-1], 1.0), q)
    return Settled(q, _chi(a, q, gain), cosines, slope)


def _own(variant: Variant) -> Settled:
    return settled(variant["activation"], variant["gain"], variant["bias"], variant["cosine"])


_HERMITE = "np.polynomial.hermite is for exp(-x^2): take sqrt(2) x for a standard normal z"
_WEIGHED = "the weights of the sum have to add up to 1"
_STD = "q is a variance: s is sqrt(q) z, and not q z"
_ROOT2PI = math.sqrt(2 * math.pi)


def _f2(a: str, q: float) -> float:
    return mean(lambda s: ACTIVATIONS[a][0](s) ** 2, q)


def _d2(a: str, q: float) -> float:
    return mean(lambda s: ACTIVATIONS[a][1](s) ** 2, q)


# What is given is a function of the activation and of what the student's function is given.
_OF_VARIANCE = (
    Mistake("q as std", lambda a, q, g, b: g**2 * _f2(a, q * q) + b, _STD),
    Mistake("weight of Hermite", lambda a, q, g, b: g**2 * _f2(a, q / 2) + b, _HERMITE),
    Mistake("not a mean", lambda a, q, g, b: g**2 * _ROOT2PI * _f2(a, q) + b, _WEIGHED),
    Mistake("not a mean", lambda a, q, g, b: g**2 * math.sqrt(math.pi) * _f2(a, q) + b, _WEIGHED),
    Mistake("gain not squared", lambda a, q, g, b: g * _f2(a, q) + b, "the gain is squared"),
    Mistake("bias squared", lambda a, q, g, b: g**2 * _f2(a, q) + b * b,
            "bias is a variance already, and is not squared"),
    Mistake("no bias", lambda a, q, g, b: g**2 * _f2(a, q), "the bias is left out"),
    Mistake("bias inside", lambda a, q, g, b: g**2 * (_f2(a, q) + b),
            "the bias is added to the sum, and the gain does not act on it"),
    Mistake("root", lambda a, q, g, b: math.sqrt(g**2 * _f2(a, q) + b),
            "that is a standard deviation, and the variance is wanted"),
    Mistake("not squared", lambda a, q, g, b: g**2 * mean(ACTIVATIONS[a][0], q) + b,
            "f is squared before the mean is taken, which is 0 without that"),
    Mistake("slope for f", lambda a, q, g, b: g**2 * _d2(a, q) + b,
            "the variance has f in it, and not its slope"),
)  # fmt: skip
_OF_CHI = (
    Mistake("f for slope", lambda a, q, g: g**2 * _f2(a, q),
            "a gradient meets the slope of f, and not f"),
    Mistake("not squared", lambda a, q, g: g**2 * mean(ACTIVATIONS[a][1], q),
            "the slope is squared before the mean is taken"),
    Mistake("mean squared", lambda a, q, g: g**2 * mean(ACTIVATIONS[a][1], q) ** 2,
            "the slope is squared before the mean is taken, and not after it"),
    Mistake("gain not squared", lambda a, q, g: g * _d2(a, q), "the gain is squared"),
    Mistake("no gain", lambda a, q, g: _d2(a, q), "the gain is left out"),
    Mistake("q as std", lambda a, q, g: g**2 * _d2(a, q * q), _STD),
    Mistake("weight of Hermite", lambda a, q, g: g**2 * _d2(a, q / 2), _HERMITE),
    Mistake("not a mean", lambda a, q, g: g**2 * _ROOT2PI * _d2(a, q), _WEIGHED),
    Mistake("not a mean", lambda a, q, g: g**2 * math.sqrt(math.pi) * _d2(a, q), _WEIGHED),
    Mistake("at zero", lambda a, q, g: g**2, "that is so where all sums are small"),
    Mistake("root", lambda a, q, g: g * math.sqrt(_d2(a, q)),
            "that is for standard deviations, and the factor on the variance is wanted"),
)  # fmt: skip
_OF_CORRELATION = (
    Mistake("not divided", lambda a, c, q, g, b: g**2 * product(ACTIVATIONS[a][0], c, q) + b,
            "that is the covariance, which is divided by the variance of the next layer"),
    Mistake("divided by q", lambda a, c, q, g, b: (g**2 * product(ACTIVATIONS[a][0], c, q) + b) / q,
            "it is divided by the variance of the next layer, which is q only once it has settled"),
    Mistake("no bias", lambda a, c, q, g, b: _correlation(a, c, q, g, 0.0),
            "the bias is left out: both inputs meet the same one"),
    Mistake("one bias", lambda a, c, q, g, b: _correlation(a, c, q, g, b)
            - b / _variance(a, q, g, b), "the bias is in the covariance, too"),
    Mistake("bias squared", lambda a, c, q, g, b: _correlation(a, c, q, g, b * b),
            "bias is a variance already, and is not squared"),
    Mistake("gain not squared", lambda a, c, q, g, b: _correlation(a, c, q, math.sqrt(g), b),
            "the gain is squared"),
    Mistake("no root", lambda a, c, q, g, b:
            (g**2 * product(ACTIVATIONS[a][0], c, q, 1 - c * c) + b) / _variance(a, q, g, b),
            "t is c z + sqrt(1 - c^2) z', with a root, or it has another variance"),
    Mistake("not one variance", lambda a, c, q, g, b:
            (g**2 * product(ACTIVATIONS[a][0], c, q, 1.0) + b) / _variance(a, q, g, b),
            "t is c z + sqrt(1 - c^2) z', or it has another variance"),
    Mistake("slope for f", lambda a, c, q, g, b: g**2 * product(ACTIVATIONS[a][1], c, q),
            "that is the slope of the map, and not the map"),
    Mistake("q as std", lambda a, c, q, g, b: _correlation(a, c, q * q, g, b), _STD),
    Mistake("unchanged", lambda a, c, q, g, b: c, "a layer that bends changes a correlation"),
)  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Blocks
# --------------------------------------------------------------------------------------------------


def _scales(branch: str, blocks: int) -> Array:
    return np.asarray(BRANCHES[branch](np.arange(1.0, blocks + 1), blocks))


def _growth(branch: str, blocks: int, gain: float) -> float:
    return float(np.prod(1 + (_scales(branch, blocks) * gain) ** 2))


# What is given is a function of the branch, the number of blocks and the gain.
_OF_GROWTH = (
    Mistake("scale not squared", lambda r, n, g: np.prod(1 + _scales(r, n) * g**2),
            "the scale of a branch is squared in the variance"),
    Mistake("gain not squared", lambda r, n, g: np.prod(1 + _scales(r, n) ** 2 * g),
            "the gain is squared in the variance"),
    Mistake("amplitudes", lambda r, n, g: np.prod((1 + _scales(r, n) * g) ** 2),
            "branch and skip are uncorrelated: their variances add up, not they"),
    Mistake("half", lambda r, n, g: np.prod(1 + (_scales(r, n) * g) ** 2 / 2),
            "the rectifier's half is made up for by the 2 in 2/n"),
    Mistake("doubled", lambda r, n, g: 2.0**n,
            "a block doubles the variance only if its branch brings as much as there is"),
    Mistake("no skip", lambda r, n, g: np.prod((_scales(r, n) * g) ** 2),
            "what goes around the branch is left out"),
    Mistake("root", lambda r, n, g: math.sqrt(_growth(r, n, g)),
            "that is the growth of the standard deviation"),
    Mistake("added", lambda r, n, g: 1 + np.sum((_scales(r, n) * g) ** 2),
            "growth by blocks multiplies, it does not add up"),
    Mistake("many blocks", lambda r, n, g: math.exp(np.sum((_scales(r, n) * g) ** 2)),
            "that is the limit of many small branches, and not exact"),
    Mistake("one block", lambda r, n, g: 1 + (_scales(r, n)[0] * g) ** 2,
            "that is the growth by the first block"),
    Mistake("another count", lambda r, n, g: _growth(r, n, g) * (1 + (_scales(r, n)[-1] * g) ** 2),
            "that is one block too many"),
    Mistake("another count", lambda r, n, g: _growth(r, n, g) / (1 + (_scales(r, n)[-1] * g) ** 2),
            "that is one block too few"),
    *(Mistake("another branch", lambda r, n, g, other=other: _growth(other, n, g),
              f"that is for the branch {other}") for other in BRANCHES),
)  # fmt: skip


def _expected_growth(variant: Variant) -> tuple[float, list[Mistake]]:
    own = variant["blocks"]
    numbers = own["branch"], own["count"], own["gain"]
    return _growth(*numbers), [m._replace(gives=float(m.gives(*numbers))) for m in _OF_GROWTH]


def _expected_covariance(variant: Variant) -> tuple[float, list[Mistake]]:
    a, g, b, c = (variant[name] for name in ("activation", "gain", "bias", "cosine"))
    q = _own(variant).q
    both = product(ACTIVATIONS[a][0], c, q)
    asked = g**2 * both + b
    return asked, [
        Mistake("variance", q, "that is the variance of one sum"),
        Mistake("correlation", asked / q, "that is the correlation, before it is multiplied by q"),
        Mistake("no bias", g**2 * both,
                "the biases are left out, subtracted with a mean, or drawn with the std `bias`"),
        Mistake("other weights", b, "both inputs have to meet the same weights"),
        Mistake("gain as variance", g * both + b, "n Var[W] is the gain squared"),
        Mistake("q as std", g**2 * product(ACTIVATIONS[a][0], c, q * q) + b,
                "the sums have the std sqrt(q)"),
        Mistake("linear", g**2 * q * c + b, "the activation is left out"),
        Mistake("before the layer", q * c, "that is the covariance of the sums before the layer"),
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Functions and numbers
# --------------------------------------------------------------------------------------------------


def _function(
    name: str,
    questions: Callable[[Variant, np.random.Generator], Sequence[tuple[Any, ...]]],
    truth: Callable[..., float],
    mistakes: Sequence[Mistake],
    first: Callable[[Variant], str] = lambda variant: str(variant["activation"]),
) -> Judge:
    """A judge of a function of numbers, asked at the variant's own and at others."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        asked = questions(variant, variant.rng(name))
        given = [samples.number(answers.call(name, *question)) for question in asked]
        if not np.isfinite(given).all():
            raise Unanswered(f"{name} must return a finite number")
        own = first(variant)

        def fits(function: Callable[..., float], count: int | None = None) -> bool:
            made = [float(function(own, *question)) for question in asked[:count]]
            return np.allclose(given[:count], made, rtol=_CLOSE, atol=0)

        if fits(truth):
            return right("Right, at your numbers and at others.")
        if found := first_match(mistakes, fits):
            return found
        if fits(truth, 1):
            return wrong("own numbers only", "Right at your own numbers, and not at others.", 0.3)
        where = ", ".join(f"{number:.3g}" for number in asked[0])
        return wrong("another number", f"{name}({where}) is not {given[0]:.4g}.")

    return judge


class _Asked(NamedTuple):
    """An entry of a dict: what it should be (any of them, if it is a set), and known mistakes."""

    truth: Any
    mistakes: Sequence[Mistake] = ()


def _dict(name: str, asked: Callable[[Variant], Mapping[str, _Asked]]) -> Judge:
    """A judge of a dict, of which each entry has its share of the points."""

    def judge(answers: Answers, variant: Variant) -> Iterator[Finding]:
        wanted = asked(variant)
        answer = entries(answers, name, *wanted)
        found = [_entry(key, answer[key], *entry) for key, entry in wanted.items()]
        share = sum(not finding.fault for finding in found) / len(found)
        yield from (replace(finding, share=share) for finding in found if finding.fault)
        yield right("All of it.")

    return judge


def _entry(key: str, given: Any, truth: Any, mistakes: Sequence[Mistake]) -> Finding:
    if isinstance(truth, str):
        return right() if given == truth else wrong(key, f"{key} is not that.")
    many = isinstance(truth, tuple)
    numbers = np.array([samples.number(v) for v in given] if many and isinstance(given, list)
                       else np.ravel(given).tolist() if many and isinstance(given, np.ndarray)
                       else samples.number(given), dtype=np.float64)  # fmt: skip
    shape = (len(truth),) if many else ()
    if numbers.shape != shape or not np.isfinite(numbers).all():
        what = f"a list of {len(truth)} numbers" if many else "a number"
        return wrong("no number", f"{key} must be {what}.")

    def fits(number: Any) -> bool:
        return np.allclose(numbers, number, rtol=_CLOSE, atol=0)

    if numbers.item() in truth if isinstance(truth, set) else fits(truth):
        return right()
    named = first_match(mistakes, fits, f"{key}: {{}}.")
    return named or wrong(key, f"{key} is not {np.array2string(numbers, precision=4)}.")


def _settles(variant: Variant) -> dict[str, _Asked]:
    a, g, b = (variant[name] for name in ("activation", "gain", "bias"))
    own = _own(variant)
    return {
        "q": _Asked(own.q, (
            Mistake("root", math.sqrt(own.q), "that is the standard deviation"),
            Mistake("no bias", settled(a, g, 0.0).q, "the bias is left out"),
            Mistake("no bias", settled(a, g, b * b).q, "bias is a variance, and not squared"),
            Mistake("gain not squared", settled(a, math.sqrt(g), b).q, "the gain is squared"),
            Mistake("one layer", _variance(a, 1.0, g, b),
                    "that is after one layer: go on until it changes no more"),
        )),
        "chi": _Asked(own.chi, (
            Mistake("f for slope", g**2 * _f2(a, own.q), "it has the slope in it, and not f"),
            Mistake("at zero", g**2, "that is so where all sums are small"),
            Mistake("not squared", g**2 * mean(ACTIVATIONS[a][1], own.q),
                    "the slope is squared before the mean is taken"),
        )),
        "side": _Asked("ordered" if own.chi < 1 else "chaotic"),
    }  # fmt: skip


def _depth(variant: Variant) -> dict[str, _Asked]:
    own, distance = _own(variant), variant["distance"]
    settles, scale = own.cosines[-1], -1 / math.log(own.slope)

    def layers(within: float) -> int:
        return next(k for k, c in enumerate(own.cosines) if abs(c - settles) <= within)

    near = {layers(distance * (1 + by)) for by in (-_NEARLY, 0.0, _NEARLY)}
    first = abs(own.cosines[0] - settles)
    by_scale = math.ceil(scale * math.log(first / distance))
    return {
        "settles": _Asked(settles, (
            Mistake("the other end", 1.0,
                    "at 1 two inputs stay alike, and leave it as soon as they differ"),
            Mistake("one layer", own.cosines[1], "that is after one layer: go on"),
        )),
        "scale": _Asked(scale, (
            Mistake("of gradients", 1 / abs(math.log(own.chi)),
                    "that is from chi, the slope at 1, which is not where your cosine settles"),
            Mistake("sign", -scale, "it is a number of layers, and above 0"),
            Mistake("slope", own.slope, "that is the slope itself, whose logarithm is wanted"),
            Mistake("no logarithm", 1 / (1 - own.slope), "the logarithm is not 1 less the slope"),
            Mistake("upside down", 1 / scale, "that is the rate, and not the number of layers"),
            Mistake("another base", scale * math.log(10), "the logarithm is the natural one"),
            Mistake("another base", scale * math.log(2), "the logarithm is the natural one"),
        )),
        "layers": _Asked(near, (
            Mistake("one layer off", min(near) - 1, "the first layer has the number 1, "
                    "and the cosine before it is number 0"),
            Mistake("one layer off", max(near) + 1, "the first layer has the number 1, "
                    "and the cosine before it is number 0"),
            Mistake("by the scale", by_scale,
                    "the scale holds only close to the end: count layer by layer"),
        )),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------
# A network that normalizes
# --------------------------------------------------------------------------------------------------

_UPDATES = 3


def trained(
    w: Array, v: Array, x: Array, y: Array, rates: Sequence[float], activation: str, **how: Any
) -> list[Array]:
    """Weights after some updates of the network of question 5.

    Args:
        w: of the first layer, whose sums are normalized.
        v: of the second, which has one output.
        x: inputs.
        y: what the output should be.
        rates: one a layer.
        activation: of the hidden units.
        how: ``updates``; ``ddof`` of the standard deviation; ``held``, whether means and
            deviations count as numbers; ``turns``, whether the second layer goes first; a
            ``factor`` on the gradient; ``scaled``, whether there is a standard deviation at all.
    """
    f, slope = ACTIVATIONS[activation]
    for _ in range(how.get("updates", _UPDATES)):
        s = x @ w
        std = s.std(axis=0, ddof=how.get("ddof", 0)) if how.get("scaled", True) else 1.0
        u = (s - s.mean(axis=0)) / std
        error = (f(u) @ v - y) * how.get("factor", 1.0) / len(y)
        step = f(u).T @ error
        back = slope(u) * np.outer(error, v - rates[1] * step if how.get("turns") else v)
        if not how.get("held"):
            n = len(y) - how.get("ddof", 0)
            back = back - back.mean(axis=0) - u * (back * u).sum(axis=0) / n * how.get("scaled", 1)
        w, v = w - rates[0] * x.T @ (back / std), v - rates[1] * step
    return [w, v]


def _train(answers: Answers, variant: Variant) -> Finding:
    rng, a = variant.rng("train"), variant["activation"]
    asked = []
    for scale in (1.0, 1e-3):
        w, v, x = (rng.normal(size=size) for size in ((5, 4), (4,), (12, 5)))
        asked.append((scale * w, v, x, rng.normal(size=12), [0.3 * scale * scale, 0.2]))
    given = []
    for question in asked:
        answer = answers.call("train", *(np.copy(q) for q in question[:4]), question[4], _UPDATES)
        if not isinstance(answer, list) or len(answer) != 2:
            raise Unanswered("train must return two arrays, the weights of both layers")
        given += [samples.numbers(answer[0], (5, 4), "the weights of the first layer"),
                  samples.numbers(answer[1], (4,), "those of the second")]  # fmt: skip

    starts = [array for question in asked for array in question[:2]]

    def fits(how: Mapping[str, Any], only: slice = slice(None)) -> bool:
        made = [array for w, v, x, y, rates in asked
                for array in trained(w, v, x, y, [rates[i] for i in how.get("order", (0, 1))], a,
                                     **{key: value for key, value in how.items() if key != "order"}
                                     )]  # fmt: skip
        pairs = list(zip(given, made, starts, strict=True))[only]
        return all(np.abs(g - m).max() <= _CLOSE * np.abs(m - s).max() for g, m, s in pairs)

    if fits({}):
        return right("Both layers are where they should be.")
    known = (
        Mistake("numbers", {"held": True},
                "means and deviations depend on the weights, too: the gradient goes through them"),
        Mistake("n - 1", {"ddof": 1}, "the variance of a batch is divided by its size"),
        Mistake("not scaled", {"scaled": False}, "sums are divided by their deviation, too"),
        Mistake("sum", {"factor": 12.0}, "the cost is the mean over the batch, not the sum"),
        Mistake("no half", {"factor": 2.0}, "the cost has a half in it"),
        Mistake("in turns", {"turns": True},
                "both gradients are taken before either layer is moved"),
        Mistake("rates swapped", {"order": (1, 0)}, "the first rate is the first layer's"),
        Mistake("one rate", {"order": (0, 0)}, "each layer has a rate of its own"),
        Mistake("one rate", {"order": (1, 1)}, "each layer has a rate of its own"),
        Mistake("another count", {"updates": _UPDATES - 1}, "that is one update too few"),
        Mistake("another count", {"updates": _UPDATES + 1}, "that is one update too many"),
        Mistake("uphill", {"factor": -1.0}, "the step goes down, and not up"),
        Mistake("not trained", {"updates": 0}, "these are the weights of the start"),
    )  # fmt: skip
    if found := first_match(known, fits):
        return found
    if fits({}, slice(2)):
        return wrong("epsilon", "Small weights come out otherwise: nothing is to be added to the "
                     "deviation.", 0.5)  # fmt: skip
    return wrong("weights", "The weights end somewhere else.")


def _same_run(variant: Variant) -> dict[str, _Asked]:
    k = float(variant["larger"])
    power = 2 if variant["optimizer"] == "gradient descent" else 1
    none = Mistake("no factor", 1.0, "that is the same as before, and the run another")
    other = "so it is for the other optimizer"
    return {
        "gradient": _Asked(1 / k, (
            none, Mistake("upside down", k, "the larger the weights, the less a step changes"),
            Mistake("squared", k**-2, "that is of the step over the weight, not of the gradient"),
        )),
        "rate": _Asked(k**power, (
            none, Mistake("other optimizer", k ** (3 - power), other),
            Mistake("upside down", k**-power, "the larger the weights, the larger a step"),
        )),
        "decay": _Asked(k**-power, (
            none, Mistake("other optimizer", k ** (power - 3), other),
            Mistake("upside down", k**power, "rate times decay has to stay as it is"),
        )),
        "output": _Asked(1.0, (
            Mistake("of the first layer", k**power,
                    "to the second layer nothing has changed at all"),
        )),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Wider networks
# --------------------------------------------------------------------------------------------------

_ROLES: tuple[tuple[Literal["input", "hidden", "output"], bool, bool], ...] = (
    ("input", False, True), ("hidden", True, True), ("output", True, False),
)  # fmt: skip


def factors(parametrization: str, wider: int, adam: bool) -> tuple[tuple[float, ...], ...]:
    """What variance and rate are multiplied by in three layers, if the width is."""
    of = rules.PARAMETRIZATIONS[parametrization]
    rows = [of(role, wider if ins else 1, wider if outs else 1) for role, ins, outs in _ROLES]
    return (
        tuple(float(row.variance) for row in rows),
        tuple(float(row.adam if adam else row.sgd) for row in rows),
    )


def _widths(variant: Variant) -> dict[str, _Asked]:
    wider, adam = variant["wider"], variant["optimizer"] == "adam"
    asked = {}
    for name in ("ntk", "mup"):
        for i, what in enumerate(("variance", "rate")):
            true = factors(name, wider, adam)[i]
            asked[f"{name} {what}"] = _Asked(true, (
                Mistake("upside down", tuple(1 / t for t in true), "the factors are upside down"),
                Mistake("root", tuple(math.sqrt(t) for t in true),
                        "these are the roots of what is wanted"),
                *(Mistake("other optimizer", factors(name, wider, not adam)[i],
                          "that is for the other optimizer") for _ in [0] if what == "rate"),
                *(Mistake("another parametrization", factors(other, wider, adam)[i],
                          f"that is what {other} has") for other in rules.PARAMETRIZATIONS),
                Mistake("order", true[::-1], "the order is input, hidden, output"),
            ))  # fmt: skip
    return asked


# --------------------------------------------------------------------------------------------------
# The set
# --------------------------------------------------------------------------------------------------


def _at_variances(variant: Variant, rng: np.random.Generator) -> list[tuple[float, ...]]:
    low, high = (0.3, 0.7, 0.05), (3.0, 2.5, 0.5)
    drawn = [tuple(row) for row in rng.uniform(low, high, (3, 3)).tolist()]
    return [(1.0, variant["gain"], variant["bias"]), *drawn]


def _at_pairs(variant: Variant, rng: np.random.Generator) -> list[tuple[float, ...]]:
    others = _at_variances(variant, rng)
    return [(variant["cosine"], *others[0]), (-0.4, *others[1]), (0.3, *others[2])]


def _at_blocks(variant: Variant, rng: np.random.Generator) -> list[tuple[Any, ...]]:
    own = variant["blocks"]
    return [(own["count"], own["gain"]), (3, float(rng.uniform(1.2, 2))), (30, 0.9)]


PROBLEM_SET = parts.ProblemSet(
    name="ps5",
    title="After 2010",
    parts=(
        Part("variance", 2, 6, "easy", ("variance",),
             _function("variance", _at_variances, _variance, _OF_VARIANCE),
             "s is sqrt(q) z for a standard normal z.",
             "09_beyond: One input, one number per layer"),
        Part("chi", 2, 3, "easy", ("chi",),
             _function("chi", lambda v, rng: [q[:2] for q in _at_variances(v, rng)], _chi, _OF_CHI),
             "On its way back a gradient meets the weights and the slope.",
             "09_beyond: A line that settles it"),
        Part("settled", 3, 5, "medium", ("settled",), _dict("settled", _settles),
             "Begin with any q, and go from layer to layer.",
             "09_beyond: Where 5/3 leads"),
        Part("correlation", 3, 9, "hard", ("correlation",),
             _function("correlation", _at_pairs, _correlation, _OF_CORRELATION),
             "t is sqrt(q) (c z + sqrt(1 - c^2) z') for a second z'.",
             "16_edge: Biases are what two inputs share"),
        Part("depth", 3, 8, "medium", ("depth",), _dict("depth", _depth),
             "The slope of the map where it settles can be taken as a difference.",
             "16_edge: One slope, two meanings"),
        Part("sample_covariance", 5, 9, "medium", ("sample",),
             evidence.of("covariance", _expected_covariance),
             "Draw weights and biases anew for each pair of sums.",
             "09_beyond: Two inputs need a second number", own=True),
        Part("growth", 2, 6, "easy", ("growth",),
             _function("growth", _at_blocks, _growth, _OF_GROWTH,
                       lambda variant: str(variant["blocks"]["branch"])),
             "What does one block add to a mean square of 1?",
             "21_diagnose: Fifty blocks that add up"),
        Part("sample_growth", 5, 8, "medium", ("sample",),
             evidence.of("growth", _expected_growth),
             "Draw the weights of every block anew for each estimate.",
             "21_diagnose: Fifty blocks that add up", own=True),
        Part("train", 6, 14, "hard", ("train",), _train,
             "Compare your gradient with a difference of two costs.",
             "21_diagnose: A scale that a normalization hides", own=True),
        Part("same_run", 4, 6, "medium", ("same_run",), _dict("same_run", _same_run),
             "The outputs are the same. So what is the gradient?",
             "21_diagnose: A scale that a normalization hides"),
        Part("widths", 4, 8, "hard", ("widths",), _dict("widths", _widths),
             "How large is the update of a weight, and how many of them does a sum add up?",
             "19_wide: Count the powers, and solve"),
    ),
    draw=_draw,
    withheld=("xavier.theory", "xavier.rules", "xavier.init", "xavier.moments"),
    minutes=90,
)  # fmt: skip
