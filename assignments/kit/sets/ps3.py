"""Problem set 3, *Build it*: fans, samplers, and an initializer for a whole module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy import stats

from ..check import networks, parts, samples
from ..check.answers import Answers, Make, Unanswered, entries
from ..check.networks import Array
from ..check.parts import Finding, Mistake, Part, Variant, failing, first_match, right, wrong
from ..check.samples import Ratio, variance

Fans: TypeAlias = tuple[float, float]


class Question(NamedTuple):
    """A question to ``fans``, and its answer.

    Attributes:
        shape: of the weights.
        options: what else is asked with.
        truth: fan-in and fan-out.
        kernel: its sides.
    """

    shape: tuple[int, ...]
    options: dict[str, int]
    truth: Fans
    kernel: tuple[int, ...] = ()

    def times(self, ins: float, outs: float) -> Fans:
        """What comes of a factor too much in each fan."""
        return self.truth[0] * ins, self.truth[1] * outs

    def with_field(self, size: float) -> Fans:
        """What comes of another size of the kernel."""
        return self.times(size / math.prod(self.kernel), size / math.prod(self.kernel))


_ERROR = 0.2  # share of wrong digits that a trained network may have


def _draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    shown = {
        "order": str(rng.choice(["in-out", "out-in"])),
        "cut": float(rng.choice([1.25, 1.5, 1.75, 2.25])),
        "rule": str(rng.choice(["fan-in", "fan-out", "harmonic"])),
        "gain": float(rng.choice([0.8, 1.25, 1.4, 1.6])),
        "width": int(rng.choice([80, 96, 112, 128])),
        "depth": int(rng.choice([8, 10, 12])),
        "sizes": [64, int(rng.choice([40, 48, 56])), int(rng.choice([24, 28, 32])), 10],
    }
    return shown, {}, {}


# --------------------------------------------------------------------------------------------------
# Fans
# --------------------------------------------------------------------------------------------------


def _stored(variant: Variant, ins: int, outs: int, kernel: Sequence[int] = ()) -> tuple[int, ...]:
    """The shape in which weights from ``ins`` to ``outs`` are stored."""
    if variant["order"] == "in-out":
        return (*kernel, ins, outs)
    return (outs, ins, *kernel)


def _fans(
    name: str, questions: Callable[[Variant], Sequence[Question]], mistakes: Sequence[Mistake]
) -> Callable[[Answers, Variant], Iterator[Finding]]:
    """A judge of ``fans`` on questions of one kind, that knows some mistakes."""

    def judge(answers: Answers, variant: Variant) -> Iterator[Finding]:
        asked = list(questions(variant))
        said: list[Fans] = []
        for question in asked:
            found = answers.call("fans", question.shape, **question.options)
            if isinstance(found, list):
                found = [float(n) if isinstance(n, Fraction) else n for n in found]
            n_in, n_out = samples.numbers(found, (2,), "what fans returns").tolist()
            said.append((n_in, n_out))

        def fits(gives: Callable[[Question], Fans]) -> bool:
            return np.allclose(said, [gives(question) for question in asked], rtol=1e-9, atol=0)

        if fits(lambda q: q.truth):
            yield right(f"Fans of {name} are right.")
        elif named := first_match((*mistakes, *_MISTAKES), fits, f"Fans of {name}: {{}}."):
            yield named
        else:
            for q, (n_in, n_out) in zip(asked, said, strict=True):
                given = "".join(f", {key}={value}" for key, value in q.options.items())
                gives = f"fans({q.shape}{given}) gives ({n_in:g}, {n_out:g})"
                if not np.allclose((n_in, n_out), q.truth, 1e-9, 0):
                    yield wrong("fans", f"{gives}, which is not right.")

    return judge


def _other_layout(question: Question) -> Fans:
    """Fans of a shape that is read in the other order."""
    k = len(question.kernel)
    if question.kernel == question.shape[:k]:
        outs, ins, *kernel = question.shape
    else:
        *kernel, ins, outs = question.shape
    return (ins * math.prod(kernel), outs * math.prod(kernel))


# From a question what somebody who makes the mistake answers.
_MISTAKES = (
    Mistake("swapped", lambda q: q.truth[::-1], "fan-in and fan-out are swapped"),
    Mistake("sorted", lambda q: (min(q.truth), max(q.truth)),
            "fan-in may be the larger of the two; it is its place in the shape that tells"),
    Mistake("sorted down", lambda q: (max(q.truth), min(q.truth)),
            "fan-in may be the smaller of the two; it is its place in the shape that tells"),
    Mistake("fan-in twice", lambda q: (q.truth[0], q.truth[0]), "fan-in is given for both"),
    Mistake("fan-out twice", lambda q: (q.truth[1], q.truth[1]), "fan-out is given for both"),
    Mistake("mean of both", lambda q: (sum(q.truth) / 2, sum(q.truth) / 2),
            "this is the mean of both, which a rule may take later"),
    Mistake("parameters", lambda q: (math.prod(q.shape), math.prod(q.shape)),
            "this is the number of all weights"),
)  # fmt: skip
_KERNEL = (
    Mistake("kernel", lambda q: q.with_field(1), "the size of the kernel is forgotten"),
    Mistake("kernel of fan-out", lambda q: q.times(1, 1 / math.prod(q.kernel)),
            "the size of the kernel is forgotten in fan-out: an input goes to all places around "
            "it"),
    Mistake("kernel of fan-in", lambda q: q.times(1 / math.prod(q.kernel), 1),
            "the size of the kernel is forgotten in fan-in: an output sums over all places of it"),
    Mistake("one side", lambda q: q.with_field(q.kernel[0]),
            "of the kernel only the first side is counted"),
    Mistake("two sides", lambda q: q.with_field(q.kernel[0] ** 2),
            "not every kernel is a square"),
    Mistake("layout", _other_layout, "the shape is read in the order that is not yours"),
)  # fmt: skip
_GROUPED = (
    Mistake("groups", lambda q: q.times(1, q.options["groups"]),
            "an input feeds the outputs of its own group only"),
    Mistake("fan-in divided", lambda q: q.times(1 / q.options["groups"], 1),
            "the shape has the inputs of one group already"),
    Mistake("ungrouped", lambda q: q.times(q.options["groups"], q.options["groups"]),
            "these are those of the same layer without groups"),
    Mistake("fan-in of all", lambda q: q.times(q.options["groups"], 1),
            "an output sums over the inputs of its own group only, and the shape has no others"),
    *_KERNEL,
)  # fmt: skip
_TRANSPOSED = (
    Mistake("ordinary", lambda q: q.truth[::-1],
            "it is counted as an ordinary one, whose weights lie the other way round"),
    Mistake("ordinary, no groups", lambda q: (q.truth[1], q.truth[0] * q.options["groups"]),
            "it is counted as an ordinary one, whose weights lie the other way round, and its "
            "groups are forgotten"),
    Mistake("groups", lambda q: q.times(q.options["groups"], 1),
            "an output sums over the inputs of its own group only"),
    Mistake("both divided", lambda q: q.times(1, 1 / q.options["groups"]),
            "the shape has the outputs of one group already"),
    *_KERNEL,
)  # fmt: skip
_PACKED = (
    Mistake("packed", lambda q: q.times(1, q.options["packed"]),
            "each of the stacked matrices has a fan-out of its own"),
    Mistake("fan-in divided", lambda q: q.times(1 / q.options["packed"], q.options["packed"]),
            "they share their inputs; it is the outputs that are stacked"),
    Mistake("both divided", lambda q: q.times(1 / q.options["packed"], 1),
            "each of them has all the inputs; it is the outputs alone that are stacked"),
    Mistake("packed and swapped", lambda q: (q.truth[1] * q.options["packed"], q.truth[0]),
            "fan-in and fan-out are swapped, and each of the stacked matrices has a fan-out of "
            "its own"),
    Mistake("always three", lambda q: (q.truth[0], q.truth[1] * q.options["packed"] // 3),
            "there may be more than three, or fewer: their number is the argument packed"),
)  # fmt: skip


def _dense(variant: Variant) -> list[Question]:
    rng = variant.rng("dense")
    sizes = zip(rng.integers(5, 300, 4).tolist(), rng.integers(1, 50, 4).tolist(), strict=True)
    pairs = [(a, a + b) for a, b in sizes]
    pairs[1::2] = [(b, a) for a, b in pairs[1::2]]  # neither is always the larger
    return [Question(_stored(variant, a, b), {}, (a, b)) for a, b in pairs]


def _convolutions(purpose: str, groups: Sequence[int]) -> Callable[[Variant], list[Question]]:
    """Questions on kernels of one, two and three sides."""

    def questions(variant: Variant) -> list[Question]:
        rng = variant.rng(purpose)
        found = []
        kernels: tuple[tuple[int, ...], ...] = ((3,), (3, 5), (4, 3, 2))
        for i, (kernel, g) in enumerate(zip(kernels, groups, strict=True)):
            a, b = 12 * int(rng.integers(1, 5)), 60 * int(rng.integers(1, 4))
            a, b = (b, a) if i == 1 else (a, b)
            truth = (a // g * math.prod(kernel), b // g * math.prod(kernel))
            # Weights of a transposed convolution lie the other way round.
            sizes, options = {
                "convolution": ((a, b), {}),
                "grouped": ((a // g, b), {"groups": g}),
                "transposed": ((b // g, a), {"transposed": True, "groups": g}),
            }[purpose]
            found.append(Question(_stored(variant, *sizes, kernel), options, truth, kernel))
        return found

    return questions


def _packed(variant: Variant) -> list[Question]:
    rng = variant.rng("packed")
    few = rng.integers(20, 60, 3).tolist()
    many = (3 * rng.integers(21, 33, 3)).tolist()
    pairs = list(zip(few, many, strict=True))
    pairs[1] = (pairs[1][1], 3 * (pairs[1][0] // 3))
    return [
        Question(_stored(variant, a, k * b), {"packed": k}, (a, b))
        for (a, b), k in zip(pairs, (2, 3, 4), strict=True)
    ]


# --------------------------------------------------------------------------------------------------
# Samplers
# --------------------------------------------------------------------------------------------------


def _sampled(
    answers: Answers, variant: Variant, name: str, law: samples.Law, *known: Ratio
) -> Iterator[Finding]:
    """Judge a sampler with a variance that nothing else could be mistaken for."""
    return samples.sampler(
        answers,
        name,
        law,
        variance=_variance(variant, name),
        seed=int(variant.rng(f"{name} seed").integers(2**31)),
        known=known,
    )


def _variance(variant: Variant, purpose: str) -> float:
    return float(np.exp(variant.rng(purpose).uniform(np.log(0.003), np.log(0.02))))


def _uniform(answers: Answers, variant: Variant) -> Iterator[Finding]:
    return _sampled(
        *(answers, variant, "uniform", samples.UNIFORM),
        Ratio("missing root", 3 * _variance(variant, "uniform"),
              "the bound lacks its root: 3 variance, and not sqrt(3 variance)", samples.UNIFORM),
        Ratio("six", 2.0, "this is the bound sqrt(6 variance), a factor of two too much",
              samples.UNIFORM),
        Ratio("three", 3.0, "the bound is three times the std, and not sqrt(3) times",
              samples.UNIFORM),
    )  # fmt: skip


def _normal(answers: Answers, variant: Variant) -> Iterator[Finding]:
    return _sampled(
        *(answers, variant, "normal", samples.NORMAL),
        Ratio("truncated", _left(2),
              "nothing is to be cut off, and this is cut off at two stds", samples.truncated(2)),
        Ratio("half variance", 1 / 2,
              "it is half of that, as without the 2 under the root of Box and Muller",
              samples.NORMAL),
    )  # fmt: skip


def _truncated(answers: Answers, variant: Variant) -> Iterator[Finding]:
    cut, expected = variant["cut"], _variance(variant, "truncated")
    left, law = _left(cut), samples.truncated(cut)
    early = cut * math.sqrt(left)
    found = list(_sampled(
        *(answers, variant, "truncated", law),
        Ratio("not corrected", left, f"cutting off at {cut:g} standard deviations leaves "
              f"{left:.3f} of the variance, which has to be made up for", law),
        Ratio("corrected twice", 1 / left, "the loss by cutting off is made up for twice, as if "
              "what is left of the variance were left of the std", law),
        Ratio("wrong way", left**2, "what is left is multiplied by, and should be divided by", law),
        Ratio("cut of two", left / _left(2), "0.8796 of the std is left by a cut at two standard "
              f"deviations, and yours is at {cut:g}", law),
        Ratio("cut early", _left(early) / left, "it is cut off at that many of the standard "
              "deviations that are asked for, and not of those that it has before",
              samples.truncated(early)),
        Ratio("not cut", 1 / left, "it is larger to make up for the cut, and nothing is cut off",
              samples.NORMAL),
    ))  # fmt: skip
    if found[0].fault in ("variance", "reach", "distribution"):
        seed = int(variant.rng("truncated seed").integers(2**31))
        generator = Make("rng", samples.fresh("truncated"), seed)
        given = answers.call("truncated", [500, 400], expected, generator)
        w = samples.numbers(given, (500, 400), "a draw").ravel()
        if stats.kstest(w * math.sqrt(left / expected), _drawn_once(cut)).pvalue > 1e-4:
            said = (
                "What is drawn again may be beyond the cut again, and then has to be drawn again."
            )
            yield wrong("once", said)
            return
    yield from found


def _drawn_once(cut: float) -> Callable[[Array], Array]:
    """The distribution of normal numbers of which those beyond a cut were drawn again once."""
    beyond = 2 * float(stats.norm.sf(cut))

    def below(x: Array) -> Array:
        inside = np.clip((stats.norm.cdf(x) - beyond / 2) / (1 - beyond), 0, 1)
        return np.asarray((1 - beyond) * inside + beyond * stats.norm.cdf(x))

    return below


@cache
def _left(cut: float) -> float:
    """What cutting off leaves of the variance of a normal number."""
    return float(stats.truncnorm(-cut, cut).var())


# --------------------------------------------------------------------------------------------------
# A whole module
# --------------------------------------------------------------------------------------------------

_MODULE = (
    ("linear", 240, 90),
    ("tanh",),
    ("conv", 16, 64, 3),
    ("conv", 32, 64, 5, 4),
    ("transposed", 48, 16, 3),
    ("attention", 48, 4),
    ("embedding", 50, 20),
    ("norm", 30),
)
# Of each weight: its name, shape, and fans.
_WEIGHTS: dict[str, tuple[tuple[int, ...], Fans]] = {
    "0.weight": ((90, 240), (240, 90)),
    "2.weight": ((64, 16, 3, 3), (144, 576)),
    "3.weight": ((64, 8, 5, 5), (200, 400)),
    "4.weight": ((48, 16, 3, 3), (432, 144)),
    "5.in_proj_weight": ((144, 48), (48, 48)),
    "5.out_proj.weight": ((48, 48), (48, 48)),
}
_BIASES = {"0.bias": 90, "2.bias": 64, "3.bias": 64, "4.bias": 16, "5.in_proj_bias": 144,
           "5.out_proj.bias": 48}  # fmt: skip
_UNTOUCHED = {"6.weight": (50, 20), "7.weight": (30,), "7.bias": (30,)}
_SHAPES: dict[str, tuple[int, ...]] = {
    **{name: shape for name, (shape, _) in _WEIGHTS.items()},
    **{name: (n,) for name, n in _BIASES.items()},
    **_UNTOUCHED,
}


def _initialize(answers: Answers, variant: Variant) -> Iterator[Finding]:
    rule, gain = variant["rule"], variant["gain"]
    seed = int(variant.rng("initialize").integers(2**31))
    first, second, third = (
        Make("generator", samples.fresh("initialize"), s) for s in (seed, seed, seed + 1)
    )
    draws = []
    for generator in (first, second, third, first):
        module = Make("module", samples.fresh("initialize"), 0, _MODULE)
        try:
            answers.call("initialize", module, generator)
        except Unanswered as error:  # it may return anything, such as the module
            if not str(error).startswith("NotPlain"):
                raise
        draws.append(_parameters(answers.parameters(module.label)))
    one, two, three, four = draws
    if all(np.all(w == 7) for w in one.values()):
        yield wrong("unchanged", "The module is as it was: change its parameters in place.")
        return
    drawn: list[str] = []
    for name in _WEIGHTS:
        w = one[name]
        found = failing(
            (np.all(w == 7), "left out", f"{name} was not drawn.", 0.2),
            (np.ptp(w) == 0, "constant", f"{name}: all weights are the same number.", 0.2),
            (np.array_equal(w, three[name]), "seeded inside",
             f"{name} is the same, whatever the generator's seed is.", 0.2),
            (not np.array_equal(w, two[name]), "another source",
             f"{name} does not come from the generator.", 0.2),
            (np.array_equal(w, four[name]), "seeded inside",
             f"{name} is the same in two modules that are drawn with one generator, one after "
             "the other.", 0.2),
        )[:1]  # fmt: skip
        yield from found
        drawn += [] if found else [name]
    pieces = {name: one[name] for name in drawn}
    if (packed := pieces.pop("5.in_proj_weight", None)) is not None:
        pieces |= {f"5.in_proj_weight[{k}:{k + 48}]": packed[k : k + 48] for k in (0, 48, 96)}
    if pairs := networks.copied(list(pieces.values())):
        a, b = (list(pieces)[i - 1] for i in pairs[0])
        yield wrong("layers alike", f"{a} and {b} are made of the same numbers.", 0.3)
    for name in drawn:
        fans = _WEIGHTS[name][1]
        w = np.concatenate([p[name].ravel() for p in (one, three)])
        known = _wrong_fans(rule, name, fans, gain)
        as_drawn = samples.judge_draws(w, samples.UNIFORM, variance(rule, gain, fans), known)
        if as_drawn.fault:
            yield wrong(as_drawn.fault, f"{name}: {as_drawn.message}", 0.4)
    left = [name for name in _BIASES if np.any(one[name] != 0)]
    touched = [name for name in _UNTOUCHED if np.any(one[name] != 7)]
    yield from failing(
        (left, "biases", f"{', '.join(left)}: biases have to be zero.", 0.5),
        (touched, "touched",
         f"{', '.join(touched)}: of a layer that is to be left as it is.", 0.5),
    )  # fmt: skip
    yield right("Every layer has what its fans ask for.")


def _parameters(found: Mapping[str, Any]) -> dict[str, Array]:
    """The parameters of the module, as they should be in number and shape."""
    for name in _SHAPES:
        if name not in found:
            raise Unanswered(f"after initialize the module has no {name}")
    return {name: samples.numbers(found[name], shape, name) for name, shape in _SHAPES.items()}


def _wrong_fans(rule: str, name: str, fans: Fans, gain: float) -> list[Ratio]:
    """Ratios of variances that tell wrong fans, another rule or another gain, of one weight."""
    n_in, n_out = fans
    asked = variance(rule, gain, fans)

    def ratio(*others: Fans) -> tuple[float, ...]:
        return tuple(variance(rule, gain, other) / asked for other in others)

    rules = tuple(variance(r, gain, fans) / asked for r in ("fan-in", "fan-out", "harmonic"))
    found = [
        Ratio("swapped", ratio((n_out, n_in)), "fan-in and fan-out are swapped"),
        Ratio("other rule", rules, f"this is another rule's, and yours is {rule}"),
        Ratio("gain twice", gain * gain, "the gain is applied twice"),
        Ratio("no gain", 1 / (gain * gain), "the gain is not applied"),
        Ratio("torch's own", 1 / (3 * n_in) / asked, "as torch's Linear and Conv2d draw"),
    ]
    if name == "3.weight":
        found += [
            Ratio("groups", ratio((200, 1600), (800, 400), (800, 1600)), "an input feeds the "
                  "outputs of its own group only, and an output sums over its inputs"),
            Ratio("fan-in divided", ratio((50, 400), (50, 1600)),
                  "the shape has the inputs of one group already"),
        ]  # fmt: skip
    if name == "5.in_proj_weight":
        message = "it holds three matrices, each with fans of its own"
        found.append(Ratio("packed", ratio((48, 144), (144, 48)), message))
    if kernel := {"2.weight": 9, "3.weight": 25, "4.weight": 9}.get(name):
        found.append(Ratio("kernel", float(kernel), "the size of the kernel is forgotten"))
    return found


# --------------------------------------------------------------------------------------------------
# What the student made
# --------------------------------------------------------------------------------------------------


def _histogram(answers: Answers, variant: Variant) -> Iterator[Finding]:
    seed = int(variant.rng("histogram").integers(2**31))
    edges, counts = _picture(answers, seed)
    yield _pictured(edges, counts, variant)
    if np.array_equal(counts, _picture(answers, seed + 1)[1]):
        yield wrong("stored", "Another generator gives the same counts: draw from rng.")


def _picture(answers: Answers, seed: int) -> tuple[Array, Array]:
    """Edges and counts of new draws."""
    given = answers.call("histogram", Make("rng", seed=seed))
    if not isinstance(given, dict) or not {"edges", "counts"} <= set(given):
        raise Unanswered("histogram must return a dict with edges and counts")
    edges, counts = (
        samples.numbers(given[name], (None,), f"histogram(rng)[{name!r}]")
        for name in ("edges", "counts")
    )
    return edges, counts


def _pictured(edges: Array, counts: Array, variant: Variant) -> Finding:
    if len(edges) == len(counts):
        return wrong("centres", "There is one edge more than counts: edges, and not centres.")
    if len(counts) == len(edges) + 1:
        return wrong("exchanged", "np.histogram returns the counts first, and then the edges.")
    if len(edges) != len(counts) + 1 or not np.all(np.diff(edges) > 0):
        raise Unanswered("histogram must have rising edges, and a count between each two")
    if np.any(counts != np.round(counts)):
        return wrong("density", "Counts are wanted, whole numbers, and not a density or shares.")
    if not (counts.min() >= 0 and counts.max() < 1e12):
        raise Unanswered("counts cannot be negative, or of more draws than there is time for")
    n = float(counts.sum())
    if n < 100_000:
        return wrong("few", f"At least 100,000 draws are wanted, these are {n:,.0f}.")
    if len(counts) < 20:
        return wrong("few bins", f"At least 20 bins are wanted, these are {len(counts)}.")
    law = samples.truncated(variant["cut"]).frozen
    expected = n * np.diff(law.cdf(edges))
    if n - expected.sum() > 25:  # edges at the smallest and the largest draw lack about two
        return _another_picture(edges, counts, variant) or wrong(
            "edges", "The edges do not reach from one end of the distribution to the other."
        )
    if np.any(counts[expected == 0] > 0):
        return _another_picture(edges, counts, variant) or wrong(
            "reach", "There are draws where the distribution has none."
        )
    enough = expected > 20
    found = np.append(counts[enough], counts[~enough].sum())
    wanted = np.append(expected[enough], expected[~enough].sum())
    found, wanted = found[wanted > 0], wanted[wanted > 0]
    if wanted[-1] < 20:
        found = np.append(found[:-2], found[-2:].sum())
        wanted = np.append(wanted[:-2], wanted[-2:].sum())
    if len(wanted) < 10:
        return wrong("few bins", "Nearly all draws are in fewer than ten bins.")
    chi2, df = float(((found - wanted) ** 2 / wanted).sum()), len(wanted) - 1
    if stats.chi2.sf(chi2, df) < samples.FALSE_ALARM:
        return _another_picture(edges, counts, variant) or wrong(
            "distribution", "These are not the counts of the distribution of your cut."
        )
    if chi2 < stats.chi2.ppf(samples.FALSE_ALARM, df):
        return wrong("too good", "These counts are nearer to the law than chance brings draws.")
    return right("The picture's data are those of the distribution.")


def _another_picture(edges: Array, counts: Array, variant: Variant) -> Finding | None:
    """Name what is in a histogram that is not right; None if it is none of those known."""
    cut = variant["cut"]
    if np.all(np.diff(counts) >= 0) and len(set(counts.tolist())) > 5:
        return wrong("cumulative", "These counts are added up from bin to bin.")
    if edges[0] >= 0:
        return wrong("one side", "Half of the draws are negative; these seem to be their sizes.")
    filled = np.flatnonzero(counts)
    low, high = counts[filled[:2]], counts[filled[:-3:-1]]
    if len(filled) > 4 and min(low[0] / low[1], high[0] / high[1]) > 1.5:
        return wrong("clipped", "Draws are heaped up at both ends: clipped, and not drawn again.")
    left = _left(cut)
    centres = (edges[1:] + edges[:-1]) / 2
    spread = math.sqrt(float((counts * centres**2).sum() / counts.sum()))
    laws = [
        Mistake("", samples.truncated(cut).frozen, ""),
        Mistake("not corrected", stats.truncnorm(-cut, cut),
                "This is cut off, and its variance is no longer 1: it has to be made up for"),
        Mistake("corrected twice", stats.truncnorm(-cut, cut, scale=1 / left), "The variance is "
                "more than 1: what is lost by cutting off is made up for twice"),
        Mistake("normal", stats.norm(), "This is the normal distribution, not cut off"),
        Mistake("uniform", samples.UNIFORM.frozen, "This is the uniform distribution"),
        *(Mistake("other cut", samples.truncated(c).frozen, f"This is cut off at {c:g}")
          for c in (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0) if c != cut),
    ]  # fmt: skip
    if abs(spread - 1) > 0.02:
        scaled = stats.truncnorm(-cut, cut, scale=spread / math.sqrt(left))
        message = f"The form is right, with a standard deviation of {spread:.3g}, and not of 1"
        laws.append(Mistake("variance", scaled, message))
    heaped = np.cumsum(counts) / counts.sum()

    def fits(law: Any) -> bool:
        below = law.cdf(edges)
        if below[-1] - below[0] <= 0.5:
            return False
        apart = heaped - (below[1:] - below[0]) / (below[-1] - below[0])
        return bool(np.abs(apart).max() < 2 / math.sqrt(counts.sum()) + 0.0005)

    found = first_match(laws, fits, f"{{}}; yours is cut off at {cut:g}, with variance 1.")
    return found if found and found.fault else None


def _signal(answers: Answers, variant: Variant) -> Iterator[Finding]:
    answer = entries(answers, "signal", "weights", "std")
    width, depth = variant["width"], variant["depth"]
    sizes = [64, *[width] * depth]
    weights = networks.layers(answer["weights"], sizes, "signal['weights']")
    stds = samples.numbers(answer["std"], (depth,), "signal['std']")
    for i, j in networks.copied(weights)[:1]:
        yield wrong("layers alike", f"Layers {i} and {j} are made of the same numbers.", 0.3)
    for found in _by_the_rule(weights, sizes, variant, "of your weights"):
        yield replace(found, share=0.3)
    layers = _propagate(networks.digits("test")[0][:300], weights)
    measured = networks.stds(layers[1:])
    # Numbers may be rounded, but not so that they are exactly others.
    others = [Mistake("", measured, "", 1.0), *_other_spreads(layers, weights)]
    for rtol, atol in ((1e-4, 1e-8), (2e-3, 5.1e-4)):

        def fits(gives: Array, rtol: float = rtol, atol: float = atol) -> bool:
            return np.allclose(stds, gives, rtol=rtol, atol=atol)

        if named := first_match(others, fits, "{}.", 0.5):
            break
    else:
        given = "With your weights the layers have the standard deviations"
        named = wrong("not these weights", f"{given} {np.round(measured, 3)}.", 0.5)
    yield named if named.fault else right("The spread of every layer is what your weights give.")


def _propagate(x: Array, weights: Sequence[Array], bent: bool = True) -> list[Array]:
    """A signal's layers, the first of which is the signal."""
    layers = [x]
    for w in weights:
        s = layers[-1] @ w
        layers.append(np.tanh(s) if bent else s)
    return layers


def _other_spreads(layers: Sequence[Array], weights: Sequence[Array]) -> list[Mistake]:
    """What is measured for the standard deviations of layers by mistake."""
    images, z, measured = networks.digits("test")[0], layers[1:], networks.stds(layers[1:])
    seen = networks.digits("train")[0][:300]
    together = "all numbers of a layer are to be taken together"
    given = "This is what {} give; the first 300 test digits are wanted"
    sums = [below @ w for below, w in zip(layers, weights, strict=False)]
    return [
        Mistake("variance", measured**2, "These are variances; standard deviations are wanted"),
        Mistake("before tanh", networks.stds(sums), "This is the spread of the sums; that of the "
                "activations is wanted, behind the tanh"),
        Mistake("shifted", networks.stds(layers[:-1]),
                "This begins with the spread of the images; layer 1 is the first of tanh units"),
        Mistake("backwards", measured[::-1],
                "The layers are in the wrong order: the last comes first"),
        Mistake("by units", np.array([float(a.std(axis=0).mean()) for a in z]),
                f"This is the mean of the spreads of single units; {together}"),
        Mistake("one image", np.array([float(a[0].std()) for a in z]),
                f"This is the spread of a single image; {together}"),
        Mistake("no tanh", networks.stds(_propagate(layers[0], weights, bent=False)[1:]),
                "These are spreads without a tanh"),
        Mistake("all images", networks.stds(_propagate(images, weights)[1:]),
                given.format("all test digits")),
        Mistake("train", networks.stds(_propagate(seen, weights)[1:]),
                given.format("digits of the split train")),
    ]  # fmt: skip


def _by_the_rule(
    weights: Sequence[Array], sizes: Sequence[int], variant: Variant, where: str
) -> list[Finding]:
    """What is wrong with weights that should be drawn by the rule of the variant."""
    rule, gain = variant["rule"], variant["gain"]
    fans = [(float(a), float(b)) for a, b in pairwise(sizes)]
    return samples.judge_layers(
        weights,
        [variance(rule, gain, both) for both in fans],
        samples.UNIFORM,
        lambda i: _wrong_fans(rule, "", fans[i], gain),
        f"Layer {{}} {where}: {{}}",
    )


_LONGEST = 10_000  # updates of a run that is made again
_WIDEST = 200  # digits in one of them
_NEAR = 0.02  # of the largest weight, by which it may differ


def _trained(answers: Answers, variant: Variant) -> Iterator[Finding]:
    answer = entries(answers, "trained", "start", "end", "biases", "rows", "lr")
    sizes = variant["sizes"]
    start = networks.layers(answer["start"], sizes, "trained['start']")
    end = networks.layers(answer["end"], sizes, "trained['end']")
    biases = networks.biases(answer["biases"], sizes, "trained['biases']")
    _, error = networks.cost_and_error(*networks.digits("test"), end, biases, "tanh")
    if all(np.array_equal(a, b) for a, b in zip(start, end, strict=True)):
        yield failing(
            (error > _ERROR, "not trained", "The weights at the end are those of the start.", 0.2),
            (True, "in place", "Start and end are the same weights, trained ones: the start was "
             "changed in place, and has to be copied before.", 0.2),
        )[0]  # fmt: skip
        return
    if drawn := _by_the_rule(start, sizes, variant, "at the start"):
        if not _by_the_rule(end, sizes, variant, ""):
            yield wrong("exchanged", "Start and end are exchanged.", 0.2)
            return
        yield from (replace(found, share=0.2) for found in drawn)
    rows = networks.rows(answer["rows"], "trained['rows']", updates=(1, _LONGEST), most=_WIDEST)
    lr = float(samples.numbers(answer["lr"], (), "trained['lr']"))
    if not 0 < lr <= 1:
        yield wrong("rate", f"The rate must be above 0 and at most 1, not {lr:g}.", 0.2)
        return
    unsaid, told = [], {}
    try:
        costs = samples.numbers(answer.get("costs"), (None, 2), "trained['costs']")
        unsaid = failing(
            (len(costs) < 10, "no log", "trained['costs'] must hold at least ten pairs.", 0.6),
            (costs[0, 0] != 0 or np.any(np.diff(costs[:, 0]) <= 0) or costs[-1, 0] > len(rows),
             "order", f"The updates of the costs must rise, from 0 to {len(rows)} at most.", 0.6),
        )  # fmt: skip
        if not unsaid:
            asked = variant.rng("costs").choice(len(costs), 4, replace=False)
            told = {int(t): float(cost) for t, cost in costs[np.sort(asked)]}
    except (IndexError, Unanswered):
        said = "trained['costs'] must hold at least ten pairs (update, cost)."
        unsaid = [wrong("no log", said, 0.6)]
    train = networks.digits("train")
    none, rates = [np.zeros(w.shape[1]) for w in start], [lr] * len(start)
    again, found = networks.again(
        *(start, none, networks.batches(rows), "tanh", rates, told),
        lambda w, b: networks.cost_and_error(*train, w, b, "tanh")[0],
    )
    apart = networks.apart([*end, *biases], again)
    elsewhere = not apart <= _NEAR * max(np.abs(w).max() for w in again[: len(start)]) < math.inf
    yield from failing(
        (elsewhere, "another run",
         f"Trained again from your start, on your rows, the network ends elsewhere: a weight "
         f"differs by {apart:.2g}. Were it these rows, this rate, biases of zero, and plain "
         "gradient descent on the mean cross-entropy?", 0.0),
        (error > _ERROR, "not learned", f"The network is wrong on {100 * error:.0f} % of the test "
         f"digits, {100 * _ERROR:.0f} % are allowed.", 0.3),
    )  # fmt: skip
    yield from unsaid
    off = [t for t in told if not math.isclose(told[t], found[t], rel_tol=0.05, abs_tol=0.01)]
    for t in off[:1] if not elsewhere else ():
        said = f"At update {t} your cost is {told[t]:.3g}, a run again has {found[t]:.3g}"
        yield failing(
            (costs[0, 1] > 10 * math.log(10), "not a mean",
             f"{said}: the mean over the digits is wanted.", 0.6),
            (True, "other costs", f"{said}.", 0.6),
        )[0]  # fmt: skip
    yield right(f"It starts by the rule and is wrong on {100 * error:.0f} % of the test digits.")


PROBLEM_SET = parts.ProblemSet(
    name="ps3",
    title="Build it",
    parts=(
        Part("dense", 1, 3, "easy", ("fans",), _fans("a dense layer", _dense, ()),
             "Which of the two sizes is the number of terms in one sum?",
             "06_compromise: Step 6: two wishes"),
        Part("convolution", 2, 5, "easy", ("fans",),
             _fans("a convolution", _convolutions("convolution", (1, 1, 1)), _KERNEL),
             "One output sums over all inputs at all places of the kernel.",
             "06_compromise: Step 6: two wishes"),
        Part("grouped", 2, 6, "medium", ("fans",),
             _fans("a grouped convolution", _convolutions("grouped", (2, 3, 12)), _GROUPED),
             "Draw two groups of two inputs and two outputs, and count the lines at one input.",
             "06_compromise: Step 6: two wishes"),
        Part("transposed", 2, 7, "hard", ("fans",),
             _fans("a transposed convolution", _convolutions("transposed", (1, 2, 3)), _TRANSPOSED),
             "Its weights lie the other way round: the backward pass of a convolution.",
             "05_backward: Step 5: a sum over the outputs"),
        Part("packed", 2, 5, "medium", ("fans",), _fans("packed projections", _packed, _PACKED),
             "Would the answer change if the three were stored apart?",
             "06_compromise: Exercises"),
        Part("uniform", 3, 4, "easy", ("uniform",), _uniform,
             "What is the variance of U(-a, a)?",
             "06_compromise: Steps 9 and 10: the line"),
        Part("normal", 2, 2, "easy", ("normal",), _normal,
             "The generator's method takes a std.",
             "06_compromise: Uniform or normal?"),
        Part("truncated", 4, 12, "hard", ("truncated",), _truncated,
             "Draw many, cut, and look at the variance of what is left.",
             "06_compromise: Uniform or normal?"),
        Part("initialize", 5, 15, "hard", ("initialize",), _initialize,
             "Print each parameter's name, shape and std before and after.",
             "06_compromise: Two rules called Xavier, and a baseline"),
        Part("histogram", 4, 6, "easy", ("histogram",), _histogram,
             "np.histogram gives counts and edges.",
             "06_compromise: Uniform or normal?", own=True),
        Part("signal", 5, 8, "medium", ("signal",), _signal,
             "The weights that you hand in must be those that you measured.",
             "07_birth: Activations: figure 6", own=True),
        Part("trained", 7, 15, "medium", ("trained",), _trained,
             "Copy the weights before you train: an array changed in place has no past.",
             "06_compromise: Does it help?", own=True),
    ),
    draw=_draw,
    withheld=parts.RULES,
    minutes=100,
)  # fmt: skip
