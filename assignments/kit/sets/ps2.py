"""Problem set 2, *Derive it*: the rule for a layer that the book does not treat.

The layer of a variant has noise on its inputs, an activation with two slopes, and weights that may
have a mean. What is true of it follows from four numbers: the first and second moment of the noise,
the mean square of the two slopes, and which compromise is asked for. Answers and known mistakes are
formulas in which these stand in braces: most mistakes are the truth with another moment or another
mean square in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..check import evidence, parts, symbolic
from ..check.answers import Answers, Unanswered, entries
from ..check.parts import Finding, Judge, Mistake, Part, Variant, first_match, right, wrong
from ..check.values import Expression

# First and second moment of the noise that an input is multiplied by.
_NOISE = {
    "inverted dropout": ("1", "1/(1-p)"),
    "dropout": ("(1-p)", "(1-p)"),
    "gaussian": ("1", "(1+p**2)"),
}
_COMPROMISE = {
    "mean": "2/((n_in+n_out)*{mm}*{k})",
    "product": "1/(sqrt(n_in*n_out)*{mm}*{k})",
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
_LINE = {"a mean": "B", "copies": "none", "unequal": "C", "bias": "A"}
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


_TERM = "((v+mu**2)*{mm}*q-(mu*{m}*e)**2)"
_FORWARD = "n_in*v*{mm}*q"
_DIES = ("n_in", "v", "q", "p", "mu", "e", "b")
# Of each answer the formula, and the symbols that may stand in it.
_TRUTH: dict[str, tuple[str, tuple[str, ...]]] = {
    "term": (_TERM, ("v", "mu", "q", "e", "p")),
    "forward": (_FORWARD, ("n_in", "v", "q", "p")),
    "slope": ("{k}*S", ("S", "a")),
    "forward_factor": ("n_in*v*{mm}*{k}", ("n_in", "v", "p", "a")),
    "backward_factor": ("n_out*v*{mm}*{k}", ("n_out", "v", "p", "a")),
    "compromise": ("{compromise}", ("n_in", "n_out", "p", "a")),
    "bound": ("sqrt(3*{compromise})", ("n_in", "n_out", "p", "a")),
    "residual": ("sqrt({each}/(n*v*{mm}))", ("n", "v", "p", "L")),
    "a mean": (f"n_in*{_TERM}", _DIES),
    "copies": (_FORWARD, _DIES),
    "unequal": (f"{_FORWARD}*3/2", _DIES),
    "bias": (f"{_FORWARD}+b", _DIES),
}


def _fill(formula: str, variant: Variant, **others: str) -> str:
    """A formula in which a variant's own stands in the place of what is in braces.

    Args:
        formula: with ``{m}`` and ``{mm}``, the moments of the noise; ``{c}``, the steeper slope,
            and ``{k}``, the mean square of both; ``{g}``, the growth, and ``{each}``, by how much
            one layer adds to it; ``{compromise}``.
        variant: whose layer it is.
        others: what is to stand in their places instead.
    """
    m, mm = _NOISE[variant["noise"]]
    held = {"m": m, "mm": f"({mm})", "c": variant["slope"], "g": variant["growth"]}
    held |= {"k": f"(({variant['slope']}**2+a**2)/2)"}
    held |= {key: f"({other})" for key, other in others.items()}
    held["each"] = f"({variant['growth']}**(1/L)-1)"
    held["compromise"] = f"({_COMPROMISE[variant['compromise']].format(**held)})"
    return formula.format(**held)


def truth(name: str, variant: Variant, **others: str) -> str:
    """The formula that is asked for; the arguments are those of `_fill`, and an answer's name."""
    return _fill(_TRUTH[name][0], variant, **others)


# --------------------------------------------------------------------------------------------------
# Mistakes
# --------------------------------------------------------------------------------------------------

# What the mean square of the noise is taken for.
_OTHER_NOISE = {
    "dropout": (
        Mistake("no noise", "1", "the noise is left out"),
        Mistake("noise squared", "(1-p)**2",
                "the mean of the noise is squared, or counted twice"),
        Mistake("variance of the noise", "p*(1-p)",
                "the variance of the noise is used for its mean square"),
        Mistake("meaning of p", "p", "p is the probability of a 0, and not of its opposite"),
    ),
    "inverted dropout": (
        Mistake("no noise", "1", "the noise is left out, or its mean is taken for its mean square"),
        Mistake("noise squared", "(1-p)**-2", "a factor 1/(1-p) is there only where m is not 0"),
        Mistake("variance of the noise", "p/(1-p)",
                "the variance of the noise is used for its mean square"),
        Mistake("meaning of p", "1/p", "p is the probability of a 0, and not of its opposite"),
    ),
    "gaussian": (
        Mistake("no noise", "1", "the noise is left out, or its mean is taken for its mean square"),
        Mistake("noise squared", "(1+p**2)**2", "the mean square of the noise is counted twice"),
        Mistake("variance of the noise", "p**2",
                "the variance of the noise is used for its mean square"),
        Mistake("meaning of p", "1+p", "p is the noise's standard deviation, not its variance"),
    ),
}  # fmt: skip
# What the mean square of the slopes is taken for.
_OTHER_SLOPES = (
    Mistake("linear", "1", "the slopes of the activation are left out"),
    Mistake("rectifier", "{c}**2/2", "the slope on the negative side is taken to be 0"),
    Mistake("mean slope", "(({c}+a)/2)**2", "the slopes are averaged before they are squared"),
    Mistake("sum of slopes", "{c}**2+a**2", "each slope acts on one half of the values only"),
    Mistake("not squared", "({c}+a)/2", "the slopes are not squared"),
    Mistake("not squared", "({c}**2+a)/2", "one of the slopes is not squared"),
)
_TERMS_ADD = "the variances of the n_in terms are added up"
_MULTIPLIES = "growth by layers multiplies, it does not add up"
_OF_TERM = (
    Mistake("no noise", "(v+mu**2)*q-(mu*e)**2", "the noise is left out"),
    Mistake("product of variances", "v*({mm}*q-({m}*e)**2)",
            "the variance of a product is not the product of the variances"),
    Mistake("no mean", "v*{mm}*q", "the mean of the weights is left out"),
    Mistake("mean not subtracted", "(v+mu**2)*{mm}*q",
            "this is the mean square; the square of the mean is to be subtracted"),
    Mistake("mean added", "(v+mu**2)*{mm}*q+(mu*{m}*e)**2",
            "the square of the mean is to be subtracted, and not added"),
    Mistake("mean not squared", "(v+mu**2)*{mm}*q-mu*{m}*e",
            "the mean is to be squared before it is subtracted"),
    Mistake("mean square of a weight", "v*{mm}*q-(mu*{m}*e)**2",
            "the mean square of a weight is more than its variance"),
    Mistake("q as a variance", "(v+mu**2)*{mm}*(q+e**2)-(mu*{m}*e)**2",
            "q is the mean square of an input already, and not its variance"),
)  # fmt: skip
_OF_COMPROMISE = (
    Mistake("forward only", "1/(n_in*{mm}*{k})", "this keeps the forward pass only"),
    Mistake("backward only", "1/(n_out*{mm}*{k})", "this keeps the backward pass only"),
    Mistake("other compromise", _COMPROMISE["mean"], "this is the other compromise"),
    Mistake("other compromise", _COMPROMISE["product"], "this is the other compromise"),
    Mistake("missing two", "1/((n_in+n_out)*{mm}*{k})", "of n_in + n_out, half is the mean"),
    Mistake("mean of variances", "(1/n_in+1/n_out)/(2*{mm}*{k})",
            "the condition is for the two factors, and not for the variances that each wants"),
    Mistake("upper side", "{compromise}*{k}**2",
            "what the slopes add has to be divided by, and not multiplied with"),
)  # fmt: skip
# Of each answer its own mistakes.
_MISTAKES: dict[str, tuple[Mistake, ...]] = {
    "term": _OF_TERM,
    "forward": (
        Mistake("one term", "v*{mm}*q", "there are n_in terms in the sum"),
        Mistake("fan squared", "n_in**2*v*{mm}*q", _TERMS_ADD),
        Mistake("q squared", "n_in*v*{mm}*q**2", "q is a mean square already, and is not squared"),
        Mistake("no input", "n_in*v*{mm}", "the mean square of the inputs is left out"),
        Mistake("mu is 0", f"n_in*{_TERM}", "from here on mu is 0"),
        Mistake("variance of inputs", "n_in*v*{mm}*(q-e**2)",
                "an input counts with its mean square"),
    ),
    "slope": (
        Mistake("S squared", "{k}*S**2", "S is the variance already, and is not squared"),
        Mistake("no S", "{k}", "the variance of the sum is left out"),
        Mistake("variance", "{k}*S-({c}-a)**2*S/(2*pi)",
                "that is the variance for normal sums, the mean square is asked for"),
        Mistake("mean", "({c}-a)*sqrt(S/(2*pi))", "that is the mean for normal sums"),
    ),
    "forward_factor": (
        Mistake("fans swapped", "n_out*v*{mm}*{k}", "n_in terms are summed"),
        Mistake("both fans", "(n_in+n_out)/2*v*{mm}*{k}", "n_in terms are summed"),
        Mistake("one term", "v*{mm}*{k}", "n_in terms are summed"),
        Mistake("not a factor", "q*n_in*v*{mm}*{k}",
                "the factor is asked for, without what it multiplies"),
    ),
    "backward_factor": (
        Mistake("fans swapped", "n_in*v*{mm}*{k}", "a gradient is a sum over the n_out outputs"),
        Mistake("both fans", "(n_in+n_out)/2*v*{mm}*{k}",
                "a gradient is a sum over the n_out outputs"),
        Mistake("one term", "v*{mm}*{k}", "a gradient is a sum over the n_out outputs"),
    ),
    "compromise": (
        *_OF_COMPROMISE,
        Mistake("bound", "sqrt(3*{compromise})",
                "that is the bound already, and not the variance"),
    ),
    "bound": (
        Mistake("std as bound", "sqrt({compromise})",
                "that is the std; U(-std, std) has a third"),
        Mistake("missing root", "3*{compromise}", "the root is missing"),
        Mistake("variance as bound", "{compromise}", "that is the variance"),
        Mistake("whole width", "sqrt(12*{compromise})",
                "that is the whole width, from end to end"),
        Mistake("six", "sqrt(6*{compromise})",
                "the 6 of the book's bound is 3 times the 2 of its rule"),
        Mistake("divided", "sqrt({compromise}/3)",
                "the bound is larger than the std, and not smaller"),
        *(mistake._replace(gives=f"sqrt(3*{mistake.gives})") for mistake in _OF_COMPROMISE),
    ),
    "residual": (
        Mistake("missing root", "{each}/(n*v*{mm})", "r is squared in the variance"),
        Mistake("linear growth", "sqrt(({g}-1)/(L*n*v*{mm}))", _MULTIPLIES),
        Mistake("linear growth", "sqrt(({g}/L-1)/(n*v*{mm}))", _MULTIPLIES),
        Mistake("last layer", "sqrt(({g}-1)/(n*v*{mm}))", "that growth is per layer, not in all"),
        Mistake("no skip", "sqrt({g}**(1/L)/(n*v*{mm}))", "what skips the layer is left out"),
        Mistake("power of L", "sqrt(({g}**L-1)/(n*v*{mm}))",
                "the L-th root of the growth is wanted"),
        Mistake("growth of the std", "sqrt(({g}**(2/L)-1)/(n*v*{mm}))",
                "the mean square grows by that factor, not its root"),
        Mistake("many layers", "sqrt(log({g})/(L*n*v*{mm}))",
                "that is the limit of many layers, and not exact for L of them"),
        Mistake("one term", "sqrt({each}/(v*{mm}))", "there are n terms in the sum"),
    ),
    "a mean": (
        Mistake("one term", _TERM, "there are n_in terms in the sum"),
        Mistake("count", f"n_in*{_TERM}+(n_in*mu*{{m}}*e)**2",
                "that is the mean square of the sum"),
        *(mistake._replace(gives=f"n_in*({mistake.gives})") for mistake in _OF_TERM),
    ),
    "copies": (
        Mistake("count", "n_in**2*v*{mm}*q",
                "the weights of the terms are independent, so that their covariances are 0"),
        Mistake("one term", "v*{mm}*q", "there are n_in terms in the sum"),
        Mistake("variance of inputs", "n_in*v*{mm}*(q-e**2)", "z counts with its mean square"),
    ),
    "unequal": (
        Mistake("count", f"{_FORWARD}*3", "each kind of input has one half of the terms only"),
        Mistake("count", f"{_FORWARD}*2", "half of the inputs have the mean square q still"),
        Mistake("squared again", f"{_FORWARD}*5/2",
                "twice is said of the mean square, as it is"),
        Mistake("one term", "v*{mm}*q*3/2", "there are n_in terms in the sum"),
    ),
    "bias": (
        Mistake("count", f"{_FORWARD}+n_in*b",
                "there is one bias in a sum, and not one in each term"),
        Mistake("squared again", f"{_FORWARD}+b**2",
                "b is the variance already, and is not squared"),
        Mistake("one term", "v*{mm}*q+b", "there are n_in terms in the sum"),
    ),
}  # fmt: skip


def _mistakes(name: str, variant: Variant) -> Iterator[Mistake]:
    """Known mistakes of an answer with their formulas."""
    asked, symbols = truth(name, variant), _TRUTH[name][1]
    if name in _DROPPED and name != "copies":
        yield Mistake("nothing dropped", truth("forward", variant),
                      "that is the variance before the assumption is dropped")  # fmt: skip
    for mistake in _MISTAKES[name]:
        yield mistake._replace(gives=_fill(mistake.gives, variant))
    if name != "slope":
        for mistake in _OTHER_NOISE[variant["noise"]]:
            yield mistake._replace(gives=truth(name, variant, mm=mistake.gives))
    if "a" in symbols:
        for mistake in _OTHER_SLOPES:
            slopes = _fill(mistake.gives, variant)
            yield mistake._replace(gives=truth(name, variant, k=slopes))
        plain = truth(name, variant, mm="1", k="1")
        yield Mistake("plain layer", plain, "that is so without noise, and with one slope of 1")
    message = "that is for standard deviations, and not for variances"
    if name in ("term", "forward", "slope", *_DROPPED):
        message = "that is the root of what is asked for"
    if name not in ("bound", "residual"):
        yield Mistake("root", f"sqrt({asked})", message)
    if "v" in symbols and name not in ("term", "a mean"):
        yield Mistake("v squared", asked.replace("*v*", "*v**2*"),
                      "v is the variance already, and is not squared")  # fmt: skip


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
    return lambda answers, variant: _compare(_text(answers.get(name)), name, variant)


def _compare(answer: str, name: str, variant: Variant) -> Finding:
    asked, symbols = truth(name, variant), _TRUTH[name][1]
    try:
        held = symbolic.names(answer)
        if not held <= _RANGES.keys():
            return _foreign(held, symbols)
        if symbolic.same(answer, asked, _RANGES, _EXACT):
            return right("That is it, in one of its forms.")
        if named := first_match(
            _mistakes(name, variant),
            lambda formula: symbolic.same(answer, formula, _RANGES, _LIKE),
        ):
            return named
        if not held <= set(symbols):
            return _foreign(held, symbols)
        symbolic.defined(answer, _RANGES)
        if symbolic.same(answer, asked, _RANGES, _ROUNDED):
            return wrong(
                "rounded",
                "Right but for a number that is rounded: write it as a fraction or a root.",
                0.5,
            )
        if _numbers_put_in(answer, held, asked, variant):
            message = f"Numbers are put in: a formula in {', '.join(symbols)} is wanted."
            return wrong("numbers", message)
        quotient = symbolic.ratio(answer, asked, _RANGES, _LIKE)
    except symbolic.Unreadable as error:
        raise Unanswered(str(error)) from None
    if quotient is not None:
        return wrong("factor", f"Off by a factor of {quotient:.4g}, whatever the sizes.")
    return wrong("formula", "This is another formula, and not only by a factor.")


def _foreign(held: frozenset[str], symbols: Sequence[str]) -> Finding:
    others = ", ".join(sorted(held - set(symbols)))
    return wrong(
        "symbols", f"Only {', '.join(symbols)} may stand in this answer, and not {others}."
    )


def _numbers_put_in(answer: str, held: frozenset[str], asked: str, variant: Variant) -> bool:
    """Whether a formula is a number, or the right one at numbers of the variant."""
    missing, at = symbolic.names(asked) - held, _at(variant)
    if not held or not missing or not missing <= at.keys():
        return not held
    pinned = {**_RANGES, **{symbol: (at[symbol], at[symbol]) for symbol in missing}}
    return symbolic.same(answer, asked, pinned, _ROUNDED)


def _dies(answers: Answers, variant: Variant) -> Iterator[Finding]:
    answer = entries(answers, "dies", "line", "formula")
    dropped = variant["dropped"]
    if not isinstance(answer["line"], str) or answer["line"] not in _LINES:
        raise Unanswered(f"dies['line'] must be one of {', '.join(_LINES)}, as a text")
    try:
        formula = _compare(_text(answer["formula"]), dropped, variant)
    except Unanswered as error:
        formula = wrong("no formula", f"But dies['formula'] is no answer: {error}.")
    said, before = f"where {_DROPPED[dropped]}, or none", ""
    if answer["line"] != _LINE[dropped]:
        share = 0.0 if formula.fault else 0.5
        yield wrong("line", f"Another line is the first that no longer holds {said}.", share)
    else:
        before = "The line is right. "
    if formula.fault:
        yield wrong(formula.fault, before + formula.message, 0.5)
    yield right("That line, and what takes its place.")


# --------------------------------------------------------------------------------------------------
# Evidence
# --------------------------------------------------------------------------------------------------

# Of each piece of evidence the formula of its number, that with another noise ({second}) or other
# slopes in it, and the formulas of mistakes. Inputs are absolute values of standard normals.
_DRAWN = {
    "forward": (_FORWARD, "n_in*v*{second}*q", (
        Mistake("v as std", f"{_FORWARD}*v",
                "v is the variance of a weight, and not its standard deviation"),
        Mistake("std as bound", f"{_FORWARD}/3",
                "uniform weights with the std as their bound have a third"),
        Mistake("std", f"sqrt({_FORWARD})", "that is a standard deviation, a variance is wanted"),
        Mistake("same weights", f"{_FORWARD}-n_in*v*({{m}}*e)**2",
                "all sums of an estimate have the same weights; they vary from sum to sum"),
        Mistake("variance of inputs", f"{_FORWARD}*(1-2/pi)", "the inputs have lost their mean"),
        Mistake("one term", "v*{mm}*q", "that is one term of the sum"),
        Mistake("after the activation", f"{_FORWARD}*{{k}}",
                "the sum is taken before the activation"),
    )),
    "slope": ("{k}*S", "{k}*S", (
        Mistake("variance", "{k}-({c}-a)**2/(2*pi)",
                "that is the variance, the mean square is wanted"),
        Mistake("mean", "({c}-a)/sqrt(2*pi)", "that is the mean, the mean square is wanted"),
        Mistake("mean", "({c}+a)/sqrt(2*pi)", "that is the mean size, the mean square is wanted"),
        Mistake("square of the mean", "({c}-a)**2/(2*pi)",
                "each value is squared first, and averaged then"),
        Mistake("root", "sqrt({k})", "that is the root of the mean square"),
    )),
    "backward": ("n_out*v*{mm}*{k}", "n_out*v*{second}*{k}", (
        Mistake("fans swapped", "n_in*v*{mm}*{k}", "that is the factor of the forward pass"),
        Mistake("v as std", "n_out*v**2*{mm}*{k}",
                "v is the variance of a weight, and not its standard deviation"),
        Mistake("std as bound", "n_out*v*{mm}*{k}/3",
                "uniform weights with the std as their bound have a third"),
        Mistake("std", "sqrt(n_out*v*{mm}*{k})",
                "that is a standard deviation, a variance is wanted"),
        Mistake("one term", "v*{mm}*{k}", "that is one weight's part of the sum"),
        Mistake("plain layer", "n_out*v", "noise and slopes are left out of the simulation"),
    )),
    "residual": ("{g}", "(1+{each}*{second}/{mm})**L", (
        Mistake("one layer", "1+{each}", "that is the growth by one layer"),
        Mistake("another L", "{g}*(1+{each})", "that is the growth by L + 1 layers"),
        Mistake("another L", "{g}/(1+{each})", "that is the growth by L - 1 layers"),
        Mistake("root", "sqrt({g})", "that is the growth of the standard deviation"),
        Mistake("no scale", "(1+n*v*{mm})**L", "r is left out"),
        Mistake("no skip", "{each}**L", "what skips each layer is left out"),
        Mistake("r not squared", "(1+{each}**2/(n*v*{mm}))**L", "the root in r is missing"),
        Mistake("linear growth", "(1+({g}-1)/L)**L", "the r of linear growth is used"),
        Mistake("last layer", "{g}**L", "the r that grows so much in each layer is used"),
        Mistake("v as std", "(1+{each}*v)**L",
                "v is the variance of a weight, and not its standard deviation"),
    )),
}  # fmt: skip


def _at(variant: Variant) -> dict[str, float]:
    """The variant's numbers."""
    at = {**variant["numbers"], "q": 1.0, "e": math.sqrt(2 / math.pi), "S": 1.0}
    return {**at, "n": at["n_in"]}


def _expected(name: str, variant: Variant) -> tuple[float, list[Mistake]]:
    """The number that evidence is of, and those of mistakes in a simulation."""
    at = _at(variant)

    def number(formula: str, **others: str) -> float:
        filled = _fill(formula, variant, **{"second": "{mm}", **others})
        return float(symbolic.value(symbolic.read(filled, list(at)), at))

    asked, changed, own = _DRAWN[name]
    found = []
    if "{second}" in changed:
        noises = [m for m in _OTHER_NOISE[variant["noise"]] if m.name != "noise squared"]
        if variant["noise"] != "gaussian":  # the noise is 0 with probability 1 - p
            kept = {"dropout": "p", "inverted dropout": "p/(1-p)**2"}[variant["noise"]]
            noises.append(Mistake("meaning of p", kept, "p is the probability of a 0 in the noise"))
        twice = f"({_NOISE[variant['noise']][1]})**2"
        noises.append(Mistake("noise twice", twice, "the noise is drawn twice"))
        found += [(m, number(changed, second=m.gives)) for m in noises]
    if "{k}" in changed:
        slopes = [m for m in _OTHER_SLOPES if m.name in ("linear", "rectifier", "mean slope")]
        found += [(m, number(asked, k=_fill(m.gives, variant))) for m in slopes]
    return number(asked), [
        *(m._replace(gives=value, says=f"in your draws {m.says}") for m, value in found),
        *(m._replace(gives=number(m.gives)) for m in own),
    ]


def _evidence(name: str) -> Judge:
    return evidence.of(name, lambda variant: _expected(name, variant))


PROBLEM_SET = parts.ProblemSet(
    name="ps2",
    title="Derive it",
    parts=(
        Part("term", 3, 8, "medium", ("term",), _formula("term"),
             "E[(w m z)^2] less the square of E[w m z]; each is a product.",
             "04_forward: Step 1: one weight, one input"),
        Part("forward", 3, 3, "easy", ("forward",), _formula("forward"),
             "With mu = 0 the part that has its square is gone.",
             "04_forward: Step 3: a sum of n"),
        Part("slope", 3, 6, "medium", ("slope",), _formula("slope"),
             "Half of the sums are above 0, half below.",
             "06_compromise: One assumption changed: He's rule"),
        Part("forward_factor", 3, 5, "easy", ("forward_factor",), _formula("forward_factor"),
             "From the mean square that enters a layer to that which leaves it.",
             "04_forward: Step 4: layer upon layer"),
        Part("backward_factor", 3, 9, "hard", ("backward_factor",), _formula("backward_factor"),
             "An input meets its noise and its slope once, and n_out weights.",
             "05_backward: Step 5: a sum over the outputs"),
        Part("compromise", 3, 7, "medium", ("compromise",), _formula("compromise"),
             "Write the condition of your variant as an equation in v, and solve it.",
             "06_compromise: Step 8: an average, which is a choice"),
        Part("bound", 2, 2, "easy", ("bound",), _formula("bound"),
             "What is the variance of U(-a, a)?",
             "06_compromise: Steps 9 and 10: the line"),
        Part("residual", 3, 10, "hard", ("residual",), _formula("residual"),
             "What is E[z^2] after one layer, over that before?",
             "04_forward: Step 4: layer upon layer"),
        Part("dies", 3, 10, "hard", ("dies",), _dies,
             "Go through the lines in their order.",
             "04_forward: The assumptions, one at a time"),
        Part("sample_forward", 5, 9, "medium", ("sample",), _evidence("forward"),
             "Draw new weights, noise and inputs for each sum.",
             "04_forward: Step 3: a sum of n", own=True),
        Part("sample_slope", 5, 5, "easy", ("sample",), _evidence("slope"),
             "np.where has both slopes.",
             "06_compromise: One assumption changed: He's rule", own=True),
        Part("sample_backward", 5, 10, "hard", ("sample",), _evidence("backward"),
             "Draw gradients of variance 1 at the outputs, and take them back.",
             "05_backward: Step 5: a sum over the outputs", own=True),
        Part("sample_residual", 5, 10, "medium", ("sample",), _evidence("residual"),
             "Put your r into a loop over L layers.",
             "04_forward: Step 4: layer upon layer", own=True),
    ),
    draw=_draw,
    withheld=parts.RULES,
    minutes=110,
)  # fmt: skip
