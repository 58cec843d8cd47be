"""Problem set 2, *Derive it*: the rule for a layer that the book does not treat.

The layer of a variant has noise on its inputs, an activation with two slopes, and weights that may
have a mean. What is true of it follows from four numbers: the first and second moment of the noise,
the mean square of the two slopes, and which compromise is asked for. Known mistakes are written as
formulas, too: most of them are the truth with another moment or another mean square in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

from ..check import symbolic
from ..check.answers import Answers, Unanswered
from ..check.parts import Finding, Part, ProblemSet, Variant, right, wrong
from ..check.values import Expression

Mistakes: TypeAlias = Sequence[tuple[str, str, str]]
"""Of each mistake its name, what it makes of a formula, and what to say."""

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
            "p": float(rng.choice([0.35, 0.3, 0.4])),
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


def truth(name: str, variant: Variant, second: str | None = None, slopes: str | None = None) -> str:
    """The formula that is asked for, as text.

    Args:
        name: of the answer, or of the assumption that is dropped.
        variant: whose layer it is.
        second: the mean square of the noise, where it is to be another.
        slopes: the mean square of the two slopes, where it is to be another.
    """
    m, mm = _first(variant), second or _second(variant)
    k = slopes or _slopes(variant)
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


_DIES = ("n_in", "v", "q", "p", "mu", "e", "b")
_SYMBOLS: dict[str, tuple[str, ...]] = {
    "term": ("v", "mu", "q", "e", "p"),
    "forward": ("n_in", "v", "q", "p"),
    "slope": ("S", "a"),
    "forward_factor": ("n_in", "v", "p", "a"),
    "backward_factor": ("n_out", "v", "p", "a"),
    "compromise": ("n_in", "n_out", "p", "a"),
    "bound": ("n_in", "n_out", "p", "a"),
    "residual": ("n", "v", "p", "L"),
    **dict.fromkeys(_DROPPED, _DIES),
}


def _with(formula: str, **others: str) -> str:
    """A formula with something else in the place of a symbol."""
    for symbol, other in others.items():
        formula = re.sub(rf"\b{symbol}\b", f"({other})", formula)
    return formula


# --------------------------------------------------------------------------------------------------
# Mistakes
# --------------------------------------------------------------------------------------------------


def _wrong_noise(variant: Variant) -> Mistakes:
    """What the mean square of the noise is taken for."""
    out, kept = "the noise is left out", "p is the probability of a 0, and not of its opposite"
    var = "the variance of the noise is used for its mean square"
    turned = "the mean square of the noise is upside down"
    return {
        "dropout": (
            ("no noise", "1", out),
            ("noise squared", "(1-p)**2", "the mean of the noise is squared, or counted twice"),
            ("variance of the noise", "(p*(1-p))", var),
            ("meaning of p", "p", kept),
            ("noise upside down", "(1/(1-p))", f"{turned}, or scaled up"),
        ),
        "inverted dropout": (
            ("no noise", "1", f"{out}, or its mean is taken for its mean square"),
            ("noise squared", "(1-p)**-2", "a factor 1/(1-p) is there only where m is not 0"),
            ("variance of the noise", "(p/(1-p))", var),
            ("meaning of p", "(1/p)", kept),
            ("noise upside down", "(1-p)", f"{turned}, or not scaled up"),
        ),
        "gaussian": (
            ("no noise", "1", f"{out}, or its mean is taken for its mean square"),
            ("noise squared", "(1+p**2)**2", "the mean square of the noise is counted twice"),
            ("variance of the noise", "(p**2)", var),
            ("meaning of p", "(1+p)", "p is the noise's standard deviation, not its variance"),
            ("meaning of p", "(1+p)**2", "variances are added, standard deviations are not"),
            ("meaning of p", "(1+p**4)", "p is the noise's standard deviation, p^2 its variance"),
            ("noise upside down", "(1/(1+p**2))", turned),
        ),
    }[variant["noise"]]


def _wrong_slopes(variant: Variant) -> Mistakes:
    """What the mean square of the slopes is taken for."""
    c = variant["slope"]
    found = [
        ("linear", "1", "the slopes of the activation are left out"),
        ("rectifier", f"({c}**2/2)", "the slope on the negative side is taken to be 0"),
        ("mean slope", f"(({c}+a)/2)**2", "the slopes are averaged before they are squared"),
        ("sum of slopes", f"({c}**2+a**2)", "each slope acts on one half of the values only"),
        ("square of the sum", f"(({c}+a)**2/2)", "the slopes are added before they are squared"),
        ("not squared", f"(({c}+a)/2)", "the slopes are not squared"),
        ("not squared", f"(({c}**2+a)/2)", "one of the slopes is not squared"),
        ("difference", f"(({c}**2-a**2)/2)", "the squares of both slopes count as positive"),
        ("difference", f"(({c}-a)/2)**2", "the squares of both slopes count as positive"),
        ("root of slopes", f"sqrt(({c}**2+a**2)/2)", "that is the root of the slopes' mean square"),
        ("one side", "(a**2/2)", "the slope on the positive side is left out"),
    ]
    if c != 1:
        found += [
            ("not squared", f"(({c}+a**2)/2)", "one of the slopes is not squared"),
            ("not your slope", "((1+a**2)/2)", "the slope on the positive side is not 1"),
            ("not your slope", "(1/2)", "the slope on the positive side is not 1"),
        ]
    return found


def _mistakes(name: str, variant: Variant) -> Mistakes:
    """Formulas of known mistakes, and what to say; none is the truth."""
    own = {
        "term": _of_term,
        "forward": _of_forward,
        "slope": _of_slope,
        "forward_factor": _of_factor,
        "backward_factor": _of_factor,
        "compromise": _of_compromise,
        "bound": _of_bound,
        "residual": _of_residual,
        **dict.fromkeys(_DROPPED, _of_dropped),
    }[name]
    asked = truth(name, variant)
    found = list(own(name, variant))
    if name != "slope":
        found += [
            (fault, truth(name, variant, second=second), message)
            for fault, second, message in _wrong_noise(variant)
        ]
    sloped = name in ("slope", "forward_factor", "backward_factor", "compromise", "bound")
    if sloped:
        found += [
            (fault, truth(name, variant, slopes=slopes), message)
            for fault, slopes, message in _wrong_slopes(variant)
        ]
    if sloped and name != "slope":
        plain = truth(name, variant, second="1", slopes="1")
        found.append(("plain layer", plain, "that is so without noise, and with one slope of 1"))
    found.append(("sign", f"-({asked})", "its sign is wrong"))
    if name in ("term", "forward", "slope", *_DROPPED):
        found.append(("root", f"sqrt({asked})", "that is the root of what is asked for"))
    if name in ("forward_factor", "backward_factor", "compromise"):
        found += [
            ("root", f"sqrt({asked})", "that is for standard deviations, and not for variances"),
            ("inverse", f"1/({asked})", "that is one over what is asked for"),
        ]
    if "v" in _SYMBOLS[name] and name not in ("term", "a mean"):
        squared = _with(asked, v="v**2")
        found.append(("v squared", squared, "v is the variance already, and is not squared"))
    return found


def _of_term(name: str, variant: Variant) -> Mistakes:
    m, mm = _first(variant), _second(variant)
    found = [
        ("no noise", "(v+mu**2)*q-(mu*e)**2", "the noise is left out"),
        (
            "product of variances",
            f"v*({mm}*q-({m}*e)**2)",
            "the variance of a product is not the product of the variances",
        ),
        (
            "product of variances",
            f"v*({mm}-{m}**2)*(q-e**2)",
            "the variance of a product is not the product of the variances",
        ),
        ("no mean", f"v*{mm}*q", "the mean of the weights is left out"),
        (
            "mean not subtracted",
            f"(v+mu**2)*{mm}*q",
            "this is the mean square; the square of the mean is to be subtracted",
        ),
        (
            "mean added",
            f"(v+mu**2)*{mm}*q+(mu*{m}*e)**2",
            "the square of the mean is to be subtracted, and not added",
        ),
        (
            "mean not squared",
            f"(v+mu**2)*{mm}*q-mu*{m}*e",
            "the mean is to be squared before it is subtracted",
        ),
        (
            "mean square of a weight",
            f"v*{mm}*q-(mu*{m}*e)**2",
            "the mean square of a weight is more than its variance",
        ),
        (
            "mean square of a weight",
            f"(v+mu)*{mm}*q-(mu*{m}*e)**2",
            "the mean of a weight is not squared in its mean square",
        ),
        (
            "mean square of a weight",
            f"mu**2*{mm}*q-(mu*{m}*e)**2",
            "the mean square of a weight is more than the square of its mean",
        ),
        (
            "v squared",
            f"(v**2+mu**2)*{mm}*q-(mu*{m}*e)**2",
            "v is the variance already, and is not squared",
        ),
        (
            "mean of an input",
            f"(v+mu**2)*{mm}*q-mu**2*{m}**2*q",
            "the square of an input's mean is not its mean square",
        ),
        (
            "q as a variance",
            f"(v+mu**2)*{mm}*(q+e**2)-(mu*{m}*e)**2",
            "q is the mean square of an input already, and not its variance",
        ),
        (
            "q squared",
            f"(v+mu**2)*{mm}*q**2-(mu*{m}*e)**2",
            "q is a mean square already, and is not squared",
        ),
    ]
    if m != "1":
        found += [
            (
                "mean of the noise",
                f"(v+mu**2)*{mm}*q-(mu*e)**2",
                "the mean of the noise is left out where the mean is subtracted",
            ),
            (
                "mean of the noise",
                f"(v+mu**2)*{mm}*q-mu**2*{m}*e**2",
                "the mean of the noise is not squared where the mean is subtracted",
            ),
        ]
    return found


def _of_forward(name: str, variant: Variant) -> Mistakes:
    m, mm = _first(variant), _second(variant)
    asked = truth("forward", variant)
    return [
        ("one term", f"v*{mm}*q", "there are n_in terms in the sum"),
        ("mean of terms", f"v*{mm}*q/n_in", "the terms are added up, and not averaged"),
        ("fan squared", f"n_in**2*v*{mm}*q", "the variances of the n_in terms are added up"),
        ("fan squared", f"sqrt(n_in)*v*{mm}*q", "the variances of the n_in terms are added up"),
        ("q squared", f"n_in*v*{mm}*q**2", "q is a mean square already, and is not squared"),
        ("no input", f"n_in*v*{mm}", "the mean square of the inputs is left out"),
        ("half", f"({asked})/2", "an activation's one half comes after the sum, and not here"),
        ("mu is 0", f"n_in*{truth('term', variant)}", "from here on mu is 0"),
        ("mu is 0", f"n_in*v*({mm}*q-({m}*e)**2)", "inputs have their mean square, mean and all"),
        ("variance of inputs", f"n_in*v*{mm}*(q-e**2)", "an input counts with its mean square"),
    ]


def _of_slope(name: str, variant: Variant) -> Mistakes:
    c, k = variant["slope"], _slopes(variant)
    return [
        ("S squared", f"{k}*S**2", "S is the variance already, and is not squared"),
        ("S squared", f"{k}*sqrt(S)", "S is the variance, and not the standard deviation"),
        ("no S", k, "the variance of the sum is left out"),
        (
            "variance",
            f"{k}*S-({c}-a)**2*S/(2*pi)",
            "that is the variance for normal sums, the mean square is asked for",
        ),
        ("mean", f"({c}-a)*sqrt(S/(2*pi))", "that is the mean for normal sums"),
    ]


def _of_factor(name: str, variant: Variant) -> Mistakes:
    asked = truth(name, variant)
    fan, other = ("n_in", "n_out") if name == "forward_factor" else ("n_out", "n_in")
    terms = {
        "forward_factor": "n_in terms are summed",
        "backward_factor": "a gradient is a sum over the n_out outputs",
    }[name]
    return [
        ("fans swapped", _with(asked, **{fan: other}), terms),
        ("both fans", _with(asked, **{fan: "(n_in+n_out)/2"}), terms),
        ("one term", _with(asked, **{fan: "1"}), terms),
        ("fan squared", _with(asked, **{fan: f"{fan}**2"}), "the variances of terms are added up"),
        ("not a factor", f"q*{asked}", "the factor is asked for, without what it multiplies"),
        ("not a factor", f"S*{asked}", "the factor is asked for, without what it multiplies"),
    ]


def _of_compromise(name: str, variant: Variant) -> Mistakes:
    others = {"mean": "product", "product": "mean"}
    swapped = Variant("ps2", "", {**variant.shown, "compromise": others[variant["compromise"]]})
    asked, per_sum = truth("compromise", variant), f"({_second(variant)}*{_slopes(variant)})"
    found = [
        ("other compromise", truth("compromise", swapped), "this is the other compromise"),
        ("forward only", f"1/(n_in*{per_sum})", "this keeps the forward pass only"),
        ("backward only", f"1/(n_out*{per_sum})", "this keeps the backward pass only"),
        ("missing two", f"1/((n_in+n_out)*{per_sum})", "of n_in + n_out, half is the mean"),
        (
            "mean of variances",
            f"(1/n_in+1/n_out)/(2*{per_sum})",
            "the condition is for the two factors, and not for the variances that each wants",
        ),
        (
            "upper side",
            f"({asked})*{_slopes(variant)}**2",
            "what the slopes add has to be divided by, and not multiplied with",
        ),
    ]
    if variant["compromise"] == "product":
        message = "v stands in both factors, and squared in their product"
        found += [
            ("missing root", f"1/(n_in*n_out*{per_sum}**2)", message),
            ("missing root", f"1/(n_in*n_out*{per_sum})", message),
            (
                "root too far",
                f"1/sqrt(n_in*n_out*{per_sum})",
                "noise and slopes stand in both factors, and squared in their product",
            ),
        ]
    if name == "compromise":
        found += [
            ("bound", f"sqrt(3*({asked}))", "that is the bound already, and not the variance"),
            ("bound", f"3*({asked})", "that is the square of the bound, and not the variance"),
        ]
    return found


def _of_bound(name: str, variant: Variant) -> Mistakes:
    variance = truth("compromise", variant)
    return [
        ("std as bound", f"sqrt({variance})", "that is the std; U(-std, std) has a third"),
        ("missing root", f"3*({variance})", "the root is missing"),
        ("variance as bound", variance, "that is the variance"),
        ("whole width", f"sqrt(12*({variance}))", "that is the whole width, from end to end"),
        ("six", f"sqrt(6*({variance}))", "the 6 of the book's bound is 3 times the 2 of its rule"),
        ("three outside", f"3*sqrt({variance})", "the 3 belongs under the root, too"),
        ("half a root", f"sqrt(3)*({variance})", "the variance belongs under the root, too"),
        ("divided", f"sqrt(({variance})/3)", "the bound is larger than the std, and not smaller"),
        ("sign", f"-sqrt(3*({variance}))", "that is the lower end of the distribution"),
        *(
            (fault, f"sqrt(3*({formula}))", message)
            for fault, formula, message in _of_compromise(name, variant)
        ),
    ]


def _of_residual(name: str, variant: Variant) -> Mistakes:
    g, mm = variant["growth"], _second(variant)
    each = f"n*v*{mm}"
    multiplies = "growth by layers multiplies, it does not add up"
    return [
        ("missing root", f"({g}**(1/L)-1)/({each})", "r is squared in the variance"),
        ("linear growth", f"sqrt(({g}-1)/(L*{each}))", multiplies),
        ("linear growth", f"sqrt(({g}/L-1)/({each}))", multiplies),
        ("linear growth", f"sqrt({g}/(L*{each}))", multiplies),
        ("last layer", f"sqrt(({g}-1)/({each}))", "that growth is per layer, not in all"),
        ("no skip", f"sqrt({g}**(1/L)/({each}))", "what skips the layer is left out"),
        ("no skip", f"sqrt(1/({each}))", "what skips the layer is left out"),
        ("power of L", f"sqrt(({g}**L-1)/({each}))", "the L-th root of the growth is wanted"),
        (
            "growth of the std",
            f"sqrt(({g}**(2/L)-1)/({each}))",
            "the mean square grows by that factor, not its root",
        ),
        (
            "growth of the std",
            f"sqrt(({g}**(1/(2*L))-1)/({each}))",
            "the mean square grows by that factor, not its square",
        ),
        (
            "many layers",
            f"sqrt(log({g})/(L*{each}))",
            "that is the limit of many layers, and not exact for L of them",
        ),
        (
            "r added to 1",
            f"{g}**(1/(2*L))-1",
            "the mean square of z + r s is not that of (1 + r) z",
        ),
        ("half a root", f"({g}**(1/L)-1)/sqrt({each})", "the growth belongs under the root, too"),
        ("half a root", f"sqrt({g}**(1/L)-1)/({each})", "the weights belong under the root, too"),
        ("one term", f"sqrt(({g}**(1/L)-1)/(v*{mm}))", "there are n terms in the sum"),
        ("upside down", f"sqrt(({g}**(1/L)-1)*{each})", "what the sum adds has to be divided by"),
    ]


def _of_dropped(name: str, variant: Variant) -> Mistakes:
    m, mm = _first(variant), _second(variant)
    before = truth("forward", variant)
    n_times = f"(n_in*mu*{m}*e)**2"
    nothing = ("nothing dropped", before, "that is the variance before the assumption is dropped")
    if name == "a mean":
        return [
            nothing,
            ("one term", truth("term", variant), "there are n_in terms in the sum"),
            ("count", f"{truth(name, variant)}+{n_times}", "that is the mean square of the sum"),
            ("count", f"{before}+{n_times}", "the square of a sum's mean is no part of a variance"),
            *(
                (fault, f"n_in*({formula})", message)
                for fault, formula, message in _of_term("term", variant)
            ),
        ]
    if name == "copies":
        apart = "the weights of the terms are independent, so that their covariances are 0"
        return [
            ("count", f"n_in**2*v*{mm}*q", apart),
            ("count", f"{before}+n_in*(n_in-1)*v*{m}**2*q", apart),
            ("one term", f"v*{mm}*q", "there are n_in terms in the sum"),
            ("variance of inputs", f"n_in*v*{mm}*(q-e**2)", "z counts with its mean square"),
        ]
    if name == "unequal":
        return [
            nothing,
            ("count", f"{before}*3", "each kind of input has one half of the terms only"),
            ("count", f"{before}*2", "half of the inputs have the mean square q still"),
            ("squared again", f"{before}*5/2", "twice is said of the mean square, as it is"),
            ("one term", f"v*{mm}*q*3/2", "there are n_in terms in the sum"),
        ]
    return [
        nothing,
        ("count", f"{before}+n_in*b", "there is one bias in a sum, and not one in each term"),
        ("squared again", f"{before}+b**2", "b is the variance already, and is not squared"),
        ("squared again", f"{before}+sqrt(b)", "b is the variance, and is what is added"),
        ("one term", f"v*{mm}*q+b", "there are n_in terms in the sum"),
        ("noise on the bias", f"{before}+{mm}*b", "the bias meets no noise"),
        ("bias as an input", f"n_in*v*{mm}*(q+b)", "the bias meets no weight"),
        ("minus", f"{before}-b", "what is independent adds to a variance"),
    ]


# --------------------------------------------------------------------------------------------------
# Formulas
# --------------------------------------------------------------------------------------------------

_EXACT = 1e-13  # relative difference that the floats of a formula may make
_ROUNDED = 1e-3  # the same of a formula whose numbers were cut short
_LIKE = 1e-6  # the same of a mistake


def _text(answer: Any) -> str:
    """A formula that was given as an expression, a text or a number."""
    if isinstance(answer, Expression):
        return answer.text
    if isinstance(answer, str):
        return answer
    if isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer):
        return repr(answer)
    if isinstance(answer, list):
        raise Unanswered("a formula is wanted, and not a list: sympy.solve gives a list")
    raise Unanswered("a formula must be a SymPy expression or a text")


def _formula(name: str) -> Callable[[Answers, Variant], Finding]:
    """A judge of one formula."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        return _compare(_text(answers.get(name)), name, variant)

    return judge


def _compare(answer: str, name: str, variant: Variant) -> Finding:
    asked = truth(name, variant)
    try:
        held = symbolic.names(answer)
        if not held <= _RANGES.keys():
            return _foreign(held, name)
        if symbolic.same(answer, asked, _RANGES, _EXACT):
            return right("That is it, in one of its forms.")
        for fault, formula, message in _mistakes(name, variant):
            if symbolic.same(answer, formula, _RANGES, _LIKE):
                return wrong(fault, f"Not yet: {message}.")
        if not held <= set(_SYMBOLS[name]):
            return _foreign(held, name)
        symbolic.defined(answer, _RANGES)
        if symbolic.same(answer, asked, _RANGES, _ROUNDED):
            return wrong(
                "rounded",
                "Right but for a number that is rounded: write it as a fraction or a root.",
                0.5,
            )
        if _numbers_put_in(answer, held, name, variant):
            return wrong(
                "numbers",
                f"Numbers are put in: a formula in {', '.join(_SYMBOLS[name])} is wanted.",
            )
        quotient = symbolic.ratio(answer, asked, _RANGES, _LIKE)
    except symbolic.Unreadable as error:
        raise Unanswered(str(error)) from None
    if quotient is not None:
        return wrong("factor", f"Off by a factor of {quotient:.4g}, whatever the sizes.")
    return wrong("formula", "This is another formula, and not only by a factor.")


def _foreign(held: frozenset[str], name: str) -> Finding:
    others = ", ".join(sorted(held - set(_SYMBOLS[name])))
    return wrong(
        "symbols", f"Only {', '.join(_SYMBOLS[name])} may stand in this answer, and not {others}."
    )


def _numbers_put_in(answer: str, held: frozenset[str], name: str, variant: Variant) -> bool:
    """Whether a formula is a number, or the right one at numbers of the variant."""
    missing = symbolic.names(truth(name, variant)) - held
    at = {**_at(variant), "S": 1.0}
    if not held or not missing or not missing <= at.keys():
        return not held
    pinned = {**_RANGES, **{symbol: (at[symbol], at[symbol]) for symbol in missing}}
    return symbolic.same(answer, truth(name, variant), pinned, _ROUNDED)


def _dies(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("dies")
    if not isinstance(answer, dict) or not {"line", "formula"} <= answer.keys():
        raise Unanswered("dies must be a dict with 'line' and 'formula'")
    dropped = variant["dropped"]
    line = {"a mean": "B", "copies": "none", "unequal": "C", "bias": "A"}[dropped]
    if not isinstance(answer["line"], str) or answer["line"] not in _LINES:
        raise Unanswered(f"dies['line'] must be one of {', '.join(_LINES)}, as a text")
    try:
        formula = _compare(_text(answer["formula"]), dropped, variant)
    except Unanswered as error:
        formula = wrong("no formula", f"But dies['formula'] is no answer: {error}.")
    if answer["line"] != line:
        return wrong(
            "line",
            f"Another line is the first that no longer holds where {_DROPPED[dropped]}, or none.",
            0.5 if not formula.fault else 0.0,
        )
    if formula.fault:
        return wrong(formula.fault, f"The line is right. {formula.message}", 0.5)
    return right("That line, and what takes its place.")


# --------------------------------------------------------------------------------------------------
# Evidence
# --------------------------------------------------------------------------------------------------

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

Expected: TypeAlias = tuple[float, Sequence[tuple[str, float, str]]]
"""A number, and of each mistake its name, what it makes of the number, and what to say."""

FEWEST = 40
"""Estimates that a piece of evidence has."""
FALSE_ALARM = 1e-7
"""Chance that estimates of the right number are said to be of another."""

_CLOSEST = 0.02  # standard error over the value
_HOPELESS = 0.05  # the same, where the evidence is for nothing
_APART = 0.05  # relative distance from which on evidence has to tell a mistake from the truth
_LIKELY = 4.0  # standard errors by which a mistake may miss its own number
_NEAR = 2.5  # standard errors within which no mistake is nearer than another
_BIAS = 0.01  # of estimates such as np.var
_FEW_DRAWS = 0.85  # of the value that such estimates have, if their draws are too few
_SERIAL = 5.2  # standard errors by which one estimate may follow the one before it
_LARGEST = 1e100


def _evidence(
    name: str, expected: Callable[[Variant], Expected]
) -> Callable[[Answers, Variant], Finding]:
    """A judge of ``evidence[name]``, a list of independent estimates of one number."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        estimates = _estimates(answers, name)
        return _not_drawn(estimates) or _weigh(estimates, *expected(variant))

    return judge


def _estimates(answers: Answers, name: str) -> Numbers:
    given = answers.get("evidence")
    if not isinstance(given, dict) or name not in given:
        raise Unanswered(f"evidence must be a dict with {name!r}")
    must = Unanswered(f"evidence[{name!r}] must be a list of finite numbers")
    try:
        estimates = np.asarray(given[name], dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise must from None
    if estimates.ndim == 2 and 1 in estimates.shape:
        estimates = estimates.ravel()  # a row or a column
    if estimates.ndim != 1 or not np.all(np.abs(estimates) < _LARGEST):
        raise must
    return estimates


def _not_drawn(estimates: Numbers) -> Finding | None:
    """What shows that numbers are not as many independent estimates as are wanted."""
    if len(estimates) < FEWEST:
        return wrong("few", f"{len(estimates)} estimates; at least {FEWEST} are wanted.")
    some = estimates[estimates != 0.0]
    different = len(np.unique(some))
    if different < FEWEST or len(some) - different > len(estimates) / 4:
        return wrong(
            "copies", "Many of the estimates are the same: draw anew for each, and do not round."
        )
    if float(estimates.std()) <= 1e-9 * abs(float(estimates.mean())):
        return wrong("too good", "The estimates are nearer to one another than draws come.")
    if _follow(estimates):
        return wrong(
            "running",
            "Each estimate is close to the one before it: draw everything anew for each.",
            0.2,
        )
    return None


def _follow(estimates: Numbers) -> bool:
    """Whether each estimate is close to the one before it, as in a running mean."""
    steps = np.diff(estimates)
    if min(np.count_nonzero(steps < 0), np.count_nonzero(steps > 0)) <= 1:
        return False  # they were put in order
    ranks = estimates.argsort().argsort().astype(np.float64)
    # Von Neumann's ratio, 2 where the order is of chance, with a deviation of 2/sqrt(n).
    ratio = float((np.diff(ranks) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum())
    return ratio < 2 - _SERIAL * 2 / math.sqrt(len(ranks))


def _weigh(
    estimates: Numbers,
    value: float,
    mistakes: Sequence[tuple[str, float, str]],
) -> Finding:
    """Whether estimates are of a number, and if not, of which."""
    mean = float(estimates.mean())
    error = float(estimates.std(ddof=1)) / math.sqrt(len(estimates))
    limit = float(stats.t.isf(FALSE_ALARM / 2, len(estimates) - 1))
    said = f"{mean:.4g}, give or take {error:.2g}"
    if abs(mean) < limit * error and np.any(estimates < 0):
        return wrong(
            "draws",
            f"{said}, is 0: these are the draws themselves, and an estimate is made of many.",
        )
    far = abs(mean - value) > limit * error
    # The nearest first; of those that are near, the one that is named first.
    nearest = sorted(mistakes, key=lambda mistake: max(abs(mean - mistake[1]), _NEAR * error))
    if far:
        for fault, other, message in nearest:
            if abs(mean - other) < limit * error:
                return wrong(fault, f"{said}: {message}.")
    if far and abs(mean - value) > _BIAS * value:
        for fault, other, message in nearest:
            if abs(mean - other) < _BIAS * abs(other):
                return wrong(fault, f"{said}: {message}.")
        if _FEW_DRAWS * value < mean < value:
            return wrong(
                "low",
                f"{said}, is {1 - mean / value:.1%} below what the layer of your variant gives. "
                "A variance of few draws is too small unless it is taken with ddof=1.",
            )
        return wrong(
            "another number",
            f"{said}, is {(mean - value) / error:+.0f} standard errors from what the layer of your "
            "variant gives.",
        )
    if error > _CLOSEST * value:
        return wrong(
            "coarse",
            f"{mean:.4g} with a standard error of {error:.2g}: below {_CLOSEST:.0%} of the value "
            "is wanted. Draw more for each estimate.",
            0.4 if error < _HOPELESS * value else 0.0,
        )
    for _, other, _ in nearest:
        if abs(other - value) > _APART * value and abs(mean - other) < _LIKELY * error:
            return wrong(
                "coarse",
                f"{said}, may as well be {other:.4g}, which is what a mistake would give. "
                "Draw more for each estimate.",
                0.4,
            )
    return right(f"{said}: so it is.")


def _at(variant: Variant) -> dict[str, float]:
    """The variant's numbers; inputs are absolute values of standard normals."""
    at = {**variant["numbers"], "q": 1.0, "e": math.sqrt(2 / math.pi)}
    return {**at, "n": at["n_in"]}


def _number(variant: Variant, formula: str, **more: float) -> float:
    """A formula at the variant's numbers."""
    at = {**_at(variant), **more}
    return float(symbolic.value(symbolic.read(formula, list(at)), at))


def _noises(variant: Variant, name: str) -> list[tuple[str, float, str]]:
    """What a wrong noise makes of a number in a simulation."""
    found = [
        (fault, second, message)
        for fault, second, message in _wrong_noise(variant)
        if fault != "noise squared"
    ]
    if variant["noise"] != "gaussian":  # the noise is 0 with probability 1 - p
        kept = {"dropout": "p", "inverted dropout": "(p/(1-p)**2)"}[variant["noise"]]
        found.append(("meaning of p", kept, "p is the probability of a 0 in the noise"))
    found.append(("noise twice", f"({_second(variant)})**2", "the noise is drawn twice"))
    return [
        (fault, _number(variant, truth(name, variant, second=second)), f"in your draws {message}")
        for fault, second, message in found
    ]


def _weights(value: float, variant: Variant) -> list[tuple[str, float, str]]:
    """What wrong weights make of a variance in a simulation."""
    v = variant["numbers"]["v"]
    return [
        ("v as std", value * v, "v is the variance of a weight, and not its standard deviation"),
        ("v as bound", value * v / 3, "v is the variance of a weight, and not its bound"),
        ("std as bound", value / 3, "uniform weights with the std as their bound have a third"),
        ("std", math.sqrt(value), "that is a standard deviation, a variance is wanted"),
    ]


def _expected_forward(variant: Variant) -> Expected:
    value = _number(variant, truth("forward", variant))
    fixed = _number(variant, f"n_in*v*({_first(variant)}*e)**2")
    return value, [
        *_noises(variant, "forward"),
        *_weights(value, variant),
        (
            "same weights",
            value - fixed,
            "all sums of an estimate have the same weights; they vary from sum to sum",
        ),
        ("variance of inputs", value * (1 - 2 / math.pi), "the inputs have lost their mean"),
        ("one term", value / variant["numbers"]["n_in"], "that is one term of the sum"),
        (
            "fans swapped",
            value * variant["numbers"]["n_out"] / variant["numbers"]["n_in"],
            "n_in terms are summed, and not n_out",
        ),
        (
            "after the activation",
            value * _number(variant, _slopes(variant)),
            "the sum is taken before the activation",
        ),
    ]


def _expected_slope(variant: Variant) -> Expected:
    c = variant["slope"]
    value = _number(variant, truth("slope", variant), S=1.0)
    mean = _number(variant, f"({c}-a)/sqrt(2*pi)")
    return value, [
        ("variance", value - mean**2, "that is the variance, the mean square is wanted"),
        ("mean", mean, "that is the mean, the mean square is wanted"),
        (
            "mean",
            _number(variant, f"({c}+a)/sqrt(2*pi)"),
            "that is the mean size, the mean square is wanted",
        ),
        ("square of the mean", mean**2, "each value is squared first, and averaged then"),
        ("root", math.sqrt(value), "that is the root of the mean square"),
        (
            "root",
            math.sqrt(value - mean**2),
            "that is the standard deviation, the mean square is wanted",
        ),
        *_sloped(variant, "slope", S=1.0),
    ]


def _sloped(variant: Variant, name: str, **more: float) -> list[tuple[str, float, str]]:
    return [
        (
            fault,
            _number(variant, truth(name, variant, slopes=slopes), **more),
            f"in your draws {message}",
        )
        for fault, slopes, message in _wrong_slopes(variant)
        if fault in ("linear", "rectifier", "mean slope", "not your slope", "one side")
    ]


def _expected_backward(variant: Variant) -> Expected:
    value = _number(variant, truth("backward_factor", variant))
    return value, [
        (
            "fans swapped",
            _number(variant, truth("forward_factor", variant)),
            "that is the factor of the forward pass",
        ),
        *_noises(variant, "backward_factor"),
        *_sloped(variant, "backward_factor"),
        *_weights(value, variant),
        ("one term", value / variant["numbers"]["n_out"], "that is one weight's part of the sum"),
        (
            "plain layer",
            _number(variant, "n_out*v"),
            "noise and slopes are left out of the simulation",
        ),
    ]


def _expected_residual(variant: Variant) -> Expected:
    growth, layers = float(variant["growth"]), variant["numbers"]["L"]
    each = growth ** (1 / layers) - 1
    # By the weights in one layer, at r = 1 and at the r that is asked for.
    whole, scale = _number(variant, f"n*v*{_second(variant)}"), each
    found = [
        ("one layer", 1 + each, "that is the growth by one layer"),
        ("another L", growth * (1 + each), "that is the growth by L + 1 layers"),
        ("another L", growth / (1 + each), "that is the growth by L - 1 layers"),
        ("root", math.sqrt(growth), "that is the growth of the standard deviation"),
        ("difference", growth - 1, "that is what the layers add, over what was there before"),
        ("upside down", 1 / growth, "that is before over after"),
        ("logarithm", math.log(growth), "that is the logarithm of the growth"),
        ("no scale", (1 + whole) ** layers, "r is left out"),
        ("no skip", scale**layers, "what skips each layer is left out"),
        ("r not squared", (1 + scale**2 / whole) ** layers, "the root in r is missing"),
        ("linear growth", (1 + (growth - 1) / layers) ** layers, "the r of linear growth is used"),
        ("last layer", growth**layers, "the r that grows so much in each layer is used"),
        (
            "v as std",
            (1 + scale * variant["numbers"]["v"]) ** layers,
            "v is the variance of a weight, and not its standard deviation",
        ),
        ("std as bound", (1 + scale / 3) ** layers, "uniform weights with that bound have a third"),
    ]
    for fault, second, message in _noise_ratios(variant):
        found.append((fault, (1 + scale * second) ** layers, f"in your draws {message}"))
    return growth, found


def _noise_ratios(variant: Variant) -> list[tuple[str, float, str]]:
    """The mean square of a wrong noise over that of the right one."""
    asked = _number(variant, truth("forward", variant))
    return [
        (fault, found / asked, message) for fault, found, message in _noises(variant, "forward")
    ]


PROBLEM_SET = ProblemSet(
    name="ps2",
    title="Derive it",
    parts=(
        Part(
            "term",
            points=3,
            minutes=8,
            level="medium",
            asks=("term",),
            judge=_formula("term"),
            hint="E[(w m z)^2] less the square of E[w m z]; each is a product.",
        ),
        Part(
            "forward",
            points=3,
            minutes=3,
            level="easy",
            asks=("forward",),
            judge=_formula("forward"),
            hint="With mu = 0 one half is gone.",
        ),
        Part(
            "slope",
            points=3,
            minutes=6,
            level="medium",
            asks=("slope",),
            judge=_formula("slope"),
            hint="Half of the sums are above 0, half below.",
        ),
        Part(
            "forward_factor",
            points=3,
            minutes=5,
            level="easy",
            asks=("forward_factor",),
            judge=_formula("forward_factor"),
            hint="From the mean square that enters a layer to that which leaves it.",
        ),
        Part(
            "backward_factor",
            points=3,
            minutes=9,
            level="hard",
            asks=("backward_factor",),
            judge=_formula("backward_factor"),
            hint="An input meets its noise and its slope once, and n_out weights.",
        ),
        Part(
            "compromise",
            points=3,
            minutes=7,
            level="medium",
            asks=("compromise",),
            judge=_formula("compromise"),
            hint="Write the condition of your variant as an equation in v, and solve it.",
        ),
        Part(
            "bound",
            points=2,
            minutes=2,
            level="easy",
            asks=("bound",),
            judge=_formula("bound"),
            hint="What is the variance of U(-a, a)?",
        ),
        Part(
            "residual",
            points=3,
            minutes=10,
            level="hard",
            asks=("residual",),
            judge=_formula("residual"),
            hint="What is E[z^2] after one layer, over that before?",
        ),
        Part(
            "dies",
            points=3,
            minutes=10,
            level="hard",
            asks=("dies",),
            judge=_dies,
            hint="Go through the lines in their order.",
        ),
        Part(
            "sample_forward",
            points=5,
            minutes=9,
            level="medium",
            asks=("evidence",),
            judge=_evidence("forward", _expected_forward),
            hint="Draw new weights, noise and inputs for each estimate.",
            own=True,
        ),
        Part(
            "sample_slope",
            points=5,
            minutes=5,
            level="easy",
            asks=("evidence",),
            judge=_evidence("slope", _expected_slope),
            hint="np.where has both slopes.",
            own=True,
        ),
        Part(
            "sample_backward",
            points=5,
            minutes=10,
            level="hard",
            asks=("evidence",),
            judge=_evidence("backward", _expected_backward),
            hint="Draw gradients of variance 1 at the outputs, and take them back.",
            own=True,
        ),
        Part(
            "sample_residual",
            points=5,
            minutes=10,
            level="medium",
            asks=("evidence",),
            judge=_evidence("residual", _expected_residual),
            hint="Put your r into a loop over L layers.",
            own=True,
        ),
    ),
    draw=_draw,
    withheld=(
        *("xavier.rules", "xavier.init", "xavier.moments", "xavier.derivation"),
        "torch.nn.init",
    ),
    minutes=110,
)
