"""Problem set 2, *Derive it*: the rule for a layer that the book does not treat.

The layer of a variant has noise on its inputs, an activation with two slopes, and weights that may
have a mean. What is true of it follows from four numbers: the first and second moment of the noise,
the mean square of the two slopes, and which compromise is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xavier.grading import symbolic
from xavier.grading.answers import Answers, Unanswered
from xavier.grading.parts import Finding, Part, ProblemSet, Variant, right, wrong
from xavier.grading.values import Expression

Formulas = Mapping[str, tuple[str, str]]

# First and second moment of the noise that an input is multiplied by.
_NOISE = {
    "inverted dropout": ("1", "1/(1-p)"),
    "dropout": ("(1-p)", "(1-p)"),
    "gaussian": ("1", "(1+p**2)"),
}
_RANGES = {
    **{"n": (50.0, 900.0), "n_in": (50.0, 900.0), "n_out": (50.0, 900.0), "L": (3.0, 40.0)},
    **{"v": (0.001, 0.02), "q": (0.5, 3.0), "e": (0.1, 0.6), "mu": (0.01, 0.2), "S": (0.2, 5.0)},
    **{"p": (0.1, 0.6), "a": (0.05, 0.9), "b": (0.1, 2.0)},
}
_DROPPED = {
    "a mean": "weights have the mean mu, and not 0",
    "copies": "all inputs of a layer are one and the same number z",
    "unequal": "half of the inputs have the mean square q, the other half twice that",
    "bias": "a bias with mean 0 and variance b is added to every sum",
}
_LINES = ("A", "B", "C", "D", "none")


def _draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    shown = {
        "noise": str(rng.choice(list(_NOISE))),
        "slope": int(rng.choice([1, 2, 3])),
        "compromise": str(rng.choice(["mean", "product"])),
        "growth": int(rng.choice([2, 3, 5])),
        "dropped": str(rng.choice(list(_DROPPED))),
        "numbers": {
            "n_in": int(rng.choice([60, 80, 120])),
            "n_out": int(rng.choice([40, 150, 200])),
            "p": float(rng.choice([0.2, 0.3, 0.4])),
            "a": float(rng.choice([0.1, 0.25, 0.5])),
            "v": float(rng.choice([0.01, 0.02])),
            "L": int(rng.choice([6, 8, 10])),
        },
    }
    return shown, {}, {}


def _first(variant: Variant) -> str:
    return _NOISE[variant["noise"]][0]


def _second(variant: Variant) -> str:
    return _NOISE[variant["noise"]][1]


def _slopes(variant: Variant) -> str:
    return f"(({variant['slope']}**2+a**2)/2)"


def truth(name: str, variant: Variant) -> str:
    """The formula that is asked for, as text."""
    m, mm, k = _first(variant), _second(variant), _slopes(variant)
    term = f"((v+mu**2)*{mm}*q-(mu*{m}*e)**2)"
    per_sum = f"({mm}*{k})"
    compromise = {
        "mean": f"2/((n_in+n_out)*{per_sum})",
        "product": f"1/(sqrt(n_in*n_out)*{per_sum})",
    }[variant["compromise"]]
    return {
        "term": term,
        "forward": f"n_in*v*{mm}*q",
        "slope": f"{k}*S",
        "forward_factor": f"n_in*v*{per_sum}",
        "backward_factor": f"n_out*v*{per_sum}",
        "compromise": compromise,
        "bound": f"sqrt(3*({compromise}))",
        "residual": f"sqrt(({variant['growth']}**(1/L)-1)/(n*v*{mm}))",
        "a mean": f"n_in*{term}",
        "copies": f"n_in*v*{mm}*q",
        "unequal": f"n_in*v*{mm}*q*3/2",
        "bias": f"n_in*v*{mm}*q+b",
    }[name]


_SYMBOLS: dict[str, tuple[str, ...]] = {
    "term": ("v", "mu", "q", "e", "p"),
    "forward": ("n_in", "v", "q", "p"),
    "slope": ("S", "a"),
    "forward_factor": ("n_in", "v", "p", "a"),
    "backward_factor": ("n_out", "v", "p", "a"),
    "compromise": ("n_in", "n_out", "p", "a"),
    "bound": ("n_in", "n_out", "p", "a"),
    "residual": ("n", "v", "p", "L"),
}


def _mistakes(name: str, variant: Variant) -> Formulas:
    """Formulas of known mistakes, and what to say."""
    m, mm, k, c = _first(variant), _second(variant), _slopes(variant), variant["slope"]
    right_one = truth(name, variant)
    found: dict[str, tuple[str, str]] = {}
    if name in ("forward", "forward_factor", "backward_factor", "compromise", "bound", "residual"):
        power = {"compromise": "*", "bound": "*sqrt", "residual": "*sqrt"}.get(name, "/")
        found["no noise"] = (f"({right_one}){power}({mm})", "the noise is left out")
        found["noise twice"] = (f"({right_one}){power}(1/({mm}))", "the noise is counted twice")
    if name in ("forward_factor", "backward_factor", "compromise", "bound"):
        power = {"compromise": "*", "bound": "*sqrt"}.get(name, "/")
        found["slope one"] = (
            f"({right_one}){power}{k}",
            "the slopes of the activation are left out",
        )
        found["rectifier"] = (
            f"({right_one}){power}({k}/({c}**2/2))",
            "the slope on the negative side is taken to be 0",
        )
    if name == "term":
        found |= {
            "product of variances": (
                f"v*({mm}*q-({m}*e)**2)",
                "the variance of a product is not the product of the variances",
            ),
            "no mean": (f"v*{mm}*q", "the mean of the weights is left out"),
            "mean not subtracted": (
                f"(v+mu**2)*{mm}*q",
                "this is the mean square; the square of the mean is to be subtracted",
            ),
            "no noise": ("(v+mu**2)*q-(mu*e)**2", "the noise is left out"),
            "mean of the noise": (
                f"(v+mu**2)*({m})**2*q-(mu*{m}*e)**2",
                "the square of the noise's mean is used for its mean square",
            ),
        }
    if name == "slope":
        found |= {
            "mean slope": (f"(({c}+a)/2)**2*S", "the slopes are averaged before they are squared"),
            "sum of slopes": (f"({c}**2+a**2)*S", "each slope acts on one half of the values only"),
            "rectifier": (f"{c}**2/2*S", "the slope on the negative side is taken to be 0"),
            "not squared": (f"({c}+a)/2*S", "the slopes are not squared"),
            "linear": ("S", "the activation is left out"),
        }
    if name == "forward":
        found |= {
            "one term": (f"v*{mm}*q", "there are n_in terms in the sum"),
            "mean of the noise": (
                f"n_in*v*({m})**2*q",
                "the square of the noise's mean is used for its mean square",
            ),
        }
    if name == "forward_factor":
        found["fans swapped"] = (right_one.replace("n_in", "n_out"), "n_in terms are summed")
    if name == "backward_factor":
        found["fans swapped"] = (
            right_one.replace("n_out", "n_in"),
            "a gradient is a sum over the n_out outputs",
        )
        found["no slope squared"] = (
            f"n_out*v*{mm}*(({c}+a)/2)**2",
            "the slopes are averaged before they are squared",
        )
    if name in ("compromise", "bound"):
        others = {"mean": "product", "product": "mean"}
        swapped = Variant("ps2", "", {**variant.shown, "compromise": others[variant["compromise"]]})
        root = "sqrt(3*({}))" if name == "bound" else "{}"
        per_sum = f"({mm}*{k})"
        found |= {
            "other compromise": (truth(name, swapped), "this is the other compromise"),
            "forward only": (
                root.format(f"1/(n_in*{per_sum})"),
                "this keeps the forward pass only",
            ),
            "backward only": (
                root.format(f"1/(n_out*{per_sum})"),
                "this keeps the backward pass only",
            ),
            "missing two": (
                root.format(f"1/((n_in+n_out)*{per_sum})"),
                "of n_in + n_out, half is the mean",
            ),
        }
    if name == "bound":
        compromise = truth("compromise", variant)
        found |= {
            "std as bound": (f"sqrt({compromise})", "that is the std; U(-std, std) has a third"),
            "missing root": (f"3*({compromise})", "the root is missing"),
            "variance as bound": (compromise, "that is the variance"),
        }
    if name == "residual":
        g = variant["growth"]
        found |= {
            "missing root": (f"({g}**(1/L)-1)/(n*v*{mm})", "r is squared in the variance"),
            "linear growth": (
                f"sqrt(({g}-1)/(L*n*v*{mm}))",
                "growth by layers multiplies, it does not add up",
            ),
            "last layer": (f"sqrt(({g}-1)/(n*v*{mm}))", "that growth is per layer, not in all"),
            "no skip": (f"sqrt({g}**(1/L)/(n*v*{mm}))", "what skips the layer is left out"),
        }
    return found


def _text(answer: Any) -> str:
    """A formula that was given as an expression, a text or a number."""
    if isinstance(answer, Expression):
        return answer.text
    if isinstance(answer, str):
        return answer
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return repr(answer)
    raise Unanswered("a formula must be a SymPy expression or a text")


def _same(answer: str, formula: str, symbols: tuple[str, ...]) -> bool:
    return symbolic.same(answer, formula, {name: _RANGES[name] for name in symbols})


def _formula(name: str) -> Callable[[Answers, Variant], Finding]:
    """A judge of one formula."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        return _compare(_text(answers.get(name)), name, variant, _SYMBOLS[name])

    return judge


def _compare(answer: str, name: str, variant: Variant, symbols: tuple[str, ...]) -> Finding:
    ranges = {symbol: _RANGES[symbol] for symbol in symbols}
    try:
        if symbolic.same(answer, truth(name, variant), ranges):
            return right("That is it, in one of its forms.")
        for fault, (formula, message) in _mistakes(name, variant).items():
            if symbolic.same(answer, formula, ranges):
                return wrong(fault, f"Not yet: {message}.")
        quotient = symbolic.ratio(answer, truth(name, variant), ranges)
    except symbolic.Unreadable as error:
        raise Unanswered(str(error)) from None
    if quotient is not None:
        return wrong("factor", f"Off by a factor of {quotient:.4g}, whatever the sizes.")
    return wrong("formula", "This is another formula, and not only by a factor.")


def _dies(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("dies")
    dropped = variant["dropped"]
    line = {"a mean": "B", "copies": "none", "unequal": "C", "bias": "A"}[dropped]
    if answer["line"] not in _LINES:
        raise Unanswered(f"dies['line'] must be one of {', '.join(_LINES)}")
    symbols = ("n_in", "v", "q", "p", "mu", "e", "b")
    formula = _compare(_text(answer["formula"]), dropped, variant, symbols)
    if answer["line"] != line:
        return wrong(
            "line",
            f"Another line is the first that no longer holds where {_DROPPED[dropped]}.",
            0.5 if not formula.fault else 0.0,
        )
    if formula.fault:
        return wrong(formula.fault, f"The line is right. {formula.message}", 0.5)
    return right("That line, and what takes its place.")


# --------------------------------------------------------------------------------------------------
# Evidence
# --------------------------------------------------------------------------------------------------

FEWEST = 40
"""Estimates that a piece of evidence has."""

_CLOSEST = 0.02  # standard error over the value


def _evidence(
    name: str, expected: Callable[[Variant], Mapping[str, tuple[float, str]]]
) -> Callable[[Answers, Variant], Finding]:
    """A judge of ``evidence[name]``, a list of independent estimates of one number.

    ``expected`` gives the right number under "", and those that known mistakes give.
    """

    def judge(answers: Answers, variant: Variant) -> Finding:
        given = answers.get("evidence")
        if not isinstance(given, dict) or name not in given:
            raise Unanswered(f"evidence has no {name!r}")
        estimates = np.asarray(given[name], dtype=np.float64)
        if estimates.ndim != 1 or not np.isfinite(estimates).all():
            raise Unanswered(f"evidence[{name!r}] must be a list of finite numbers")
        if len(estimates) < FEWEST:
            return wrong("few", f"{len(estimates)} estimates; at least {FEWEST} are wanted.")
        if len(np.unique(estimates)) < len(estimates) / 2:
            return wrong("copies", "Many of the estimates are the same: draw anew for each.")
        numbers = dict(expected(variant))
        value, _ = numbers.pop("")
        mean = float(estimates.mean())
        error = float(estimates.std(ddof=1)) / math.sqrt(len(estimates))
        if error > _CLOSEST * value:
            return wrong(
                "coarse",
                f"{mean:.4g} with a standard error of {error:.2g}: below "
                f"{_CLOSEST:.0%} of the value is wanted. Draw more for each estimate.",
                0.4,
            )
        if abs(mean - value) < 5.5 * error:
            return right(f"{mean:.4g}, give or take {error:.2g}: so it is.")
        for fault, (other, message) in numbers.items():
            if abs(mean - other) < max(5.5 * error, 0.01 * other):
                return wrong(fault, f"{mean:.4g}, give or take {error:.2g}: {message}.")
        return wrong(
            "another number",
            f"{mean:.4g}, give or take {error:.2g}, is {(mean - value) / error:+.0f} standard "
            "errors from what the layer of your variant gives.",
        )

    return judge


def _numbers(variant: Variant, formula: str, **more: float) -> float:
    """A formula at the variant's numbers; inputs are absolute values of standard normals."""
    at = {**variant["numbers"], "q": 1.0, "e": math.sqrt(2 / math.pi), **more}
    at["n"] = at["n_in"]
    return float(symbolic.value(symbolic.read(formula, list(at)), at))


def _expected_forward(variant: Variant) -> dict[str, tuple[float, str]]:
    value = _numbers(variant, truth("forward", variant))
    mm = _numbers(variant, _second(variant))
    return {
        "": (value, ""),
        "no noise": (value / mm, "the noise is left out of the simulation"),
        "std": (math.sqrt(value), "that is a standard deviation, a variance is wanted"),
    }


def _expected_slope(variant: Variant) -> dict[str, tuple[float, str]]:
    value = _numbers(variant, truth("slope", variant), S=1.0)
    mean = _numbers(variant, f"({variant['slope']}-a)/sqrt(2*pi)")
    return {
        "": (value, ""),
        "variance": (value - mean**2, "that is the variance, the mean square is wanted"),
    }


def _expected_backward(variant: Variant) -> dict[str, tuple[float, str]]:
    value = _numbers(variant, truth("backward_factor", variant))
    forward = _numbers(variant, truth("forward_factor", variant))
    mm, k = (_numbers(variant, formula) for formula in (_second(variant), _slopes(variant)))
    return {
        "": (value, ""),
        "fans swapped": (forward, "that is the factor of the forward pass"),
        "no noise": (value / mm, "the noise is left out of the simulation"),
        "slope one": (value / k, "the slopes are left out of the simulation"),
    }


def _expected_residual(variant: Variant) -> dict[str, tuple[float, str]]:
    growth = float(variant["growth"])
    per_layer = growth ** (1 / variant["numbers"]["L"])
    return {
        "": (growth, ""),
        "one layer": (per_layer, "that is the growth by one layer"),
        "root": (math.sqrt(growth), "that is the growth of the standard deviation"),
    }


PROBLEM_SET = ProblemSet(
    name="ps2",
    title="Derive it",
    parts=(
        Part("term", 3, ("term",), _formula("term"),
             "E[(w m z)^2] less the square of E[w m z]; each is a product."),
        Part("forward", 3, ("forward",), _formula("forward"), "With mu = 0 one half is gone."),
        Part("slope", 3, ("slope",), _formula("slope"),
             "Half of the sums are above 0, half below."),
        Part("forward_factor", 3, ("forward_factor",), _formula("forward_factor"),
             "From the mean square that enters a layer to that which leaves it."),
        Part("backward_factor", 3, ("backward_factor",), _formula("backward_factor"),
             "An input meets its noise and its slope once, and n_out weights."),
        Part("compromise", 3, ("compromise",), _formula("compromise"),
             "Write the condition of your variant as an equation in v, and solve it."),
        Part("bound", 2, ("bound",), _formula("bound"), "What is the variance of U(-a, a)?"),
        Part("residual", 3, ("residual",), _formula("residual"),
             "What is E[z^2] after one layer, over that before?"),
        Part("dies", 3, ("dies",), _dies, "Go through the lines in their order."),
        Part("sample_forward", 5, ("evidence",), _evidence("forward", _expected_forward),
             "Draw new weights, noise and inputs for each estimate.", own=True),
        Part("sample_slope", 5, ("evidence",), _evidence("slope", _expected_slope),
             "np.where has both slopes.", own=True),
        Part("sample_backward", 5, ("evidence",), _evidence("backward", _expected_backward),
             "Draw gradients of variance 1 at the outputs, and take them back.", own=True),
        Part("sample_residual", 5, ("evidence",), _evidence("residual", _expected_residual),
             "Put your r into a loop over L layers.", own=True),
    ),
    draw=_draw,
    withheld=("xavier.rules", "xavier.init", "xavier.derivation", "torch.nn.init"),
    minutes=110,
)  # fmt: skip
