"""Problem set 3, *Build it*: fans, samplers, and an initializer for a whole module."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from xavier.grading import networks, samples
from xavier.grading.answers import Answers, Make, Unanswered
from xavier.grading.parts import Finding, Part, ProblemSet, Variant, right, wrong

Fans = tuple[float, float]


class Question(NamedTuple):
    """A question to ``fans``, and its answer."""

    shape: tuple[int, ...]
    options: dict[str, int]
    truth: Fans
    kernel: tuple[int, ...] = ()


Mistake = Callable[[Question], Fans]

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
    name: str,
    questions: Callable[[Variant], Sequence[Question]],
    mistakes: Mapping[str, tuple[Mistake, str]],
) -> Callable[[Answers, Variant], Finding]:
    """A judge of ``fans`` on questions of one kind, that knows some mistakes."""

    def judge(answers: Answers, variant: Variant) -> Finding:
        asked = list(questions(variant))
        said: list[Fans] = []
        for question in asked:
            found = answers.call("fans", list(question.shape), **question.options)
            n_in, n_out = np.asarray(found, dtype=np.float64).tolist()
            said.append((n_in, n_out))
        if said == [question.truth for question in asked]:
            return right(f"Fans of {name} are right.")
        for fault, (mistake, message) in {**_SWAPPED, **mistakes}.items():
            if said == [mistake(question) for question in asked]:
                return wrong(fault, f"Fans of {name}: {message}.")
        question, got = next(
            pair for pair in zip(asked, said, strict=True) if pair[1] != pair[0].truth
        )
        given = "".join(f", {key}={value}" for key, value in question.options.items())
        numbers = ", ".join(f"{number:g}" for number in got)
        return wrong(
            "fans", f"fans({question.shape}{given}) gives ({numbers}), which is not right."
        )

    return judge


_SWAPPED: dict[str, tuple[Mistake, str]] = {
    "swapped": (lambda q: (q.truth[1], q.truth[0]), "fan-in and fan-out are swapped"),
}
_NO_KERNEL: dict[str, tuple[Mistake, str]] = {
    "kernel": (
        lambda q: (q.truth[0] / math.prod(q.kernel), q.truth[1] / math.prod(q.kernel)),
        "the size of the kernel is forgotten",
    ),
}


def _dense(variant: Variant) -> list[Question]:
    rng = variant.rng("dense")
    sizes = zip(rng.integers(5, 300, 4).tolist(), rng.integers(1, 50, 4).tolist(), strict=True)
    return [Question(_stored(variant, a, a + b), {}, (a, a + b)) for a, b in sizes]


def _kernels(variant: Variant, purpose: str) -> list[tuple[int, int, tuple[int, ...]]]:
    rng = variant.rng(purpose)
    kernels: list[tuple[int, ...]] = [(3,), (3, 5), (2, 3, 4)]
    return [(12 * int(rng.integers(1, 5)), 60 * int(rng.integers(1, 4)), k) for k in kernels]


def _convolution(variant: Variant) -> list[Question]:
    return [
        Question(_stored(variant, a, b, k), {}, (a * math.prod(k), b * math.prod(k)), k)
        for a, b, k in _kernels(variant, "convolution")
    ]


def _grouped(variant: Variant) -> list[Question]:
    return [
        Question(
            _stored(variant, a // g, b, k),
            {"groups": g},
            (a // g * math.prod(k), b // g * math.prod(k)),
            k,
        )
        for (a, b, k), g in zip(_kernels(variant, "grouped"), (2, 3, 12), strict=True)
    ]


def _transposed(variant: Variant) -> list[Question]:
    # Weights of a transposed convolution lie the other way round.
    return [
        Question(
            _stored(variant, b // g, a, k),
            {"transposed": True, "groups": g},
            (a // g * math.prod(k), b // g * math.prod(k)),
            k,
        )
        for (a, b, k), g in zip(_kernels(variant, "transposed"), (1, 2, 3), strict=True)
    ]


def _packed(variant: Variant) -> list[Question]:
    rng = variant.rng("packed")
    sizes = zip(rng.integers(20, 60, 3).tolist(), rng.integers(61, 99, 3).tolist(), strict=True)
    return [
        Question(_stored(variant, a, k * b), {"packed": k}, (a, b))
        for (a, b), k in zip(sizes, (2, 3, 4), strict=True)
    ]


# --------------------------------------------------------------------------------------------------
# Samplers
# --------------------------------------------------------------------------------------------------


def _variance(variant: Variant, purpose: str) -> float:
    """A variance that nothing else could be mistaken for."""
    return float(np.exp(variant.rng(purpose).uniform(np.log(0.003), np.log(0.02))))


def _uniform(answers: Answers, variant: Variant) -> Finding:
    return samples.sampler(
        answers,
        "uniform",
        samples.UNIFORM,
        variance=_variance(variant, "uniform"),
        seed=int(variant.rng("uniform seed").integers(2**31)),
        faults={
            "missing root": (
                3 * _variance(variant, "uniform"),
                "the bound lacks its root: 3 variance, and not sqrt(3 variance)",
            ),
            "six": (2.0, "this is the bound sqrt(6 variance), a factor of two too much"),
        },
    )


def _normal(answers: Answers, variant: Variant) -> Finding:
    return samples.sampler(
        answers,
        "normal",
        samples.NORMAL,
        variance=_variance(variant, "normal"),
        seed=int(variant.rng("normal seed").integers(2**31)),
    )


def _truncated(answers: Answers, variant: Variant) -> Finding:
    cut = variant["cut"]
    left = float(stats.truncnorm(-cut, cut).var())
    return samples.sampler(
        answers,
        "truncated",
        samples.truncated(cut),
        variance=_variance(variant, "truncated"),
        seed=int(variant.rng("truncated seed").integers(2**31)),
        faults={
            "not corrected": (
                left,
                f"cutting off at {cut:g} standard deviations leaves {left:.3f} of the variance, "
                "which has to be made up for",
            ),
            "corrected twice": (
                1 / left,
                "the loss by cutting off is made up for twice: once as a variance, and again",
            ),
            "corrected by the variance": (
                1 / left,
                "the std is divided by what is left of the variance, and not by its root",
            ),
            "clipped": (
                _clipped(cut),
                "weights beyond the cut were set to it, and not drawn again",
            ),
        },
    )


def _clipped(cut: float) -> float:
    """Variance of a normal number that is clipped."""
    inside = stats.norm.cdf(cut) - stats.norm.cdf(-cut)
    return float(inside - 2 * cut * stats.norm.pdf(cut) + cut * cut * (1 - inside))


# --------------------------------------------------------------------------------------------------
# A whole module
# --------------------------------------------------------------------------------------------------

_MODULE = (
    ("linear", 150, 90),
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
    "0.weight": ((90, 150), (150, 90)),
    "2.weight": ((64, 16, 3, 3), (144, 576)),
    "3.weight": ((64, 8, 5, 5), (200, 400)),
    "4.weight": ((48, 16, 3, 3), (432, 144)),
    "5.in_proj_weight": ((144, 48), (48, 48)),
    "5.out_proj.weight": ((48, 48), (48, 48)),
}
_UNTOUCHED = ("6.weight", "7.weight", "7.bias")


def variance(rule: str, gain: float, fans: Fans) -> float:
    """The variance of a weight by one of the three rules of this problem set."""
    n_in, n_out = fans
    per = {"fan-in": n_in, "fan-out": n_out, "harmonic": (n_in + n_out) / 2}[rule]
    return gain * gain / per


def _initialize(answers: Answers, variant: Variant) -> Finding:
    rule, gain = variant["rule"], variant["gain"]
    seed = int(variant.rng("initialize").integers(2**31))
    draws = []
    for label, chosen in (("one", seed), ("two", seed), ("three", seed + 1)):
        module = Make("module", label, 0, _MODULE)
        answers.call("initialize", module, Make("generator", f"of {label}", chosen))
        draws.append(answers.parameters(label))
    one, two, three = draws
    for name in _UNTOUCHED:
        if not np.array_equal(one[name], np.full(one[name].shape, 7.0, one[name].dtype)):
            return wrong("touched", f"{name} belongs to a layer that is not to be drawn.", 0.5)
    for name in _WEIGHTS:
        if np.all(one[name] == 7.0):
            return wrong("left out", f"{name} was not drawn.", 0.2)
        if not np.array_equal(one[name], two[name]) or np.array_equal(one[name], three[name]):
            return wrong("another source", f"{name} does not come from the generator.", 0.2)
    for name, bias in one.items():
        if name.endswith("bias") and name not in _UNTOUCHED and np.any(bias != 0):
            return wrong("biases", f"{name} is not zero.", 0.5)
    for name, (shape, fans) in _WEIGHTS.items():
        w = np.concatenate([samples.numbers(p[name], shape, name).ravel() for p in (one, three)])
        expected = variance(rule, gain, fans)
        found = samples.judge_draws(
            w, samples.UNIFORM, expected, _wrong_fans(rule, name, fans, gain)
        )
        if found.fault:
            return wrong(found.fault, f"{name}: {found.message}", 0.4)
    return right("Every layer has what its fans ask for.")


def _wrong_fans(rule: str, name: str, fans: Fans, gain: float) -> dict[str, tuple[float, str]]:
    """Ratios of variances that tell a wrong pair of fans, of one weight."""
    n_in, n_out = fans

    def ratio(other: Fans) -> float:
        return variance(rule, 1.0, other) / variance(rule, 1.0, fans)

    found = {
        "swapped": (ratio((n_out, n_in)), "fan-in and fan-out are swapped"),
        "gain twice": (gain * gain, "the gain is applied twice"),
        "no gain": (1 / (gain * gain), "the gain is not applied"),
    }
    if name == "3.weight":
        found["groups"] = (ratio((200, 1600)), "an input feeds the outputs of its own group only")
    if name == "5.in_proj_weight":
        found["packed"] = (ratio((48, 144)), "it holds three matrices, each with fans of its own")
    kernel = {"2.weight": 9, "3.weight": 25, "4.weight": 9}.get(name)
    if kernel:
        found["kernel"] = (float(kernel), "the size of the kernel is forgotten")
    return {key: value for key, value in found.items() if abs(math.log(value[0])) > 0.05}


# --------------------------------------------------------------------------------------------------
# What the student made
# --------------------------------------------------------------------------------------------------


def _histogram(answers: Answers, variant: Variant) -> Finding:
    picture = answers.get("histogram")
    edges = np.asarray(picture["edges"], dtype=np.float64)
    counts = np.asarray(picture["counts"])
    if edges.ndim != 1 or counts.shape != (len(edges) - 1,) or not np.all(np.diff(edges) > 0):
        raise Unanswered("histogram must have rising edges, and a count between each two")
    if counts.dtype.kind not in "iu" and not np.all(counts == np.round(counts)):
        return wrong("density", "Counts are wanted, whole numbers, and not a density.")
    n = counts.sum()
    if n < 100_000 or len(counts) < 20:
        return wrong("few", "At least 100,000 draws in at least 20 bins are wanted.")
    law = samples.truncated(variant["cut"]).frozen
    expected = n * np.diff(law.cdf(edges))
    if abs(expected.sum() - n) > 1e-6 * n:
        return wrong(
            "edges", "The edges do not reach from one end of the distribution to the other."
        )
    if np.any(counts[expected == 0] > 0):
        return wrong("reach", "There are draws where the distribution has none.")
    enough = expected > 5
    chi2 = float(((counts - expected)[enough] ** 2 / expected[enough]).sum())
    if stats.chi2.sf(chi2, int(enough.sum()) - 1) < samples.FALSE_ALARM:
        return wrong("distribution", "These are not the counts of the distribution of your cut.")
    if chi2 < stats.chi2.ppf(samples.FALSE_ALARM, int(enough.sum()) - 1):
        return wrong("too good", "These counts are nearer to the law than chance brings draws.")
    return right("The picture's data are those of the distribution.")


def _signal(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("signal")
    width, depth = variant["width"], variant["depth"]
    sizes = [64, *[width] * depth]
    weights = networks.layers(answer["weights"], sizes, "signal['weights']")
    stds = samples.numbers(answer["std"], (depth,), "signal['std']")
    for i, w in enumerate(weights):
        expected = variance(variant["rule"], variant["gain"], (sizes[i], sizes[i + 1]))
        fans = (float(sizes[i]), float(sizes[i + 1]))
        known = _wrong_fans(variant["rule"], "", fans, variant["gain"])
        found = samples.judge_draws(w.ravel(), samples.UNIFORM, expected, known)
        if found.fault:
            return wrong(found.fault, f"Layer {i + 1} of your weights: {found.message}", 0.3)
    x = networks.digits("test")[0][:300]
    z = x
    measured = []
    for w in weights:
        z = np.tanh(z @ w)
        measured.append(float(z.std()))
    if np.allclose(stds, measured, rtol=1e-3):
        return right("The spread of every layer is what your weights give.")
    if np.allclose(stds, np.square(measured), rtol=1e-3):
        return wrong("variance", "These are variances; standard deviations are wanted.", 0.5)
    return wrong(
        "not these weights",
        f"With your weights the layers have the standard deviations {np.round(measured, 3)}.",
        0.5,
    )


def _trained(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("trained")
    sizes = variant["sizes"]
    start = networks.layers(answer["start"], sizes, "trained['start']")
    end = networks.layers(answer["end"], sizes, "trained['end']")
    biases = networks.biases(answer["biases"], sizes, "trained['biases']")
    costs = np.asarray(answer["costs"], dtype=np.float64)
    for i, w in enumerate(start):
        fans = (float(sizes[i]), float(sizes[i + 1]))
        expected = variance(variant["rule"], variant["gain"], fans)
        known = _wrong_fans(variant["rule"], "", fans, variant["gain"])
        found = samples.judge_draws(w.ravel(), samples.UNIFORM, expected, known)
        if found.fault:
            return wrong(found.fault, f"Layer {i + 1} at the start: {found.message}", 0.2)
    if all(np.array_equal(a, b) for a, b in zip(start, end, strict=True)):
        return wrong("not trained", "The weights at the end are those of the start.", 0.2)
    if any(np.corrcoef(a.ravel(), b.ravel())[0, 1] < 0.1 for a, b in zip(start, end, strict=True)):
        return wrong("another start", "These weights did not come from that start.", 0.2)
    _, error = networks.cost_and_error(*networks.digits("test"), end, biases, "tanh")
    if error > _ERROR:
        return wrong(
            "not learned",
            f"The network is wrong on {100 * error:.0f} % of the test digits, "
            f"{100 * _ERROR:.0f} % are allowed.",
            0.3,
        )
    if costs.ndim != 1 or len(costs) < 10 or not np.isfinite(costs).all():
        return wrong("no log", "trained['costs'] must hold at least ten costs, in order.", 0.6)
    if not (1.2 < costs[0] < 8 and costs[-1] < costs[0] / 2):
        return wrong("no log", "The costs do not tell of a network that starts and learns.", 0.6)
    return right(f"It starts by the rule and is wrong on {100 * error:.0f} % of the test digits.")


PROBLEM_SET = ProblemSet(
    name="ps3",
    title="Build it",
    parts=(
        Part("dense", 1, ("fans",), _fans("a dense layer", _dense, {}),
             "Which of the two sizes is the number of terms in one sum?"),
        Part("convolution", 2, ("fans",), _fans("a convolution", _convolution, _NO_KERNEL),
             "One output sums over all inputs at all places of the kernel."),
        Part("grouped", 2, ("fans",), _fans("a grouped convolution", _grouped, {
             "groups": (lambda q: (q.truth[0], q.truth[1] * q.options["groups"]),
                        "an input feeds the outputs of its own group only"),
             "fan-in divided": (lambda q: (q.truth[0] / q.options["groups"], q.truth[1]),
                                "the shape has the inputs of one group already"),
             **_NO_KERNEL}),
             "Draw two groups of two inputs and two outputs, and count the lines at one input."),
        Part("transposed", 2, ("fans",), _fans("a transposed convolution", _transposed, {
             "groups": (lambda q: (q.truth[0] * q.options["groups"], q.truth[1]),
                        "an output sums over the inputs of its own group only"),
             **_NO_KERNEL}),
             "Its weights lie the other way round: the backward pass of a convolution."),
        Part("packed", 2, ("fans",), _fans("packed projections", _packed, {
             "packed": (lambda q: (q.truth[0], q.truth[1] * q.options["packed"]),
                        "each of the stacked matrices has a fan-out of its own"),
             "fan-in divided": (lambda q: (q.truth[0] / q.options["packed"],
                                           q.truth[1] * q.options["packed"]),
                                "they share their inputs; it is the outputs that are stacked")}),
             "Would the answer change if the three were stored apart?"),
        Part("uniform", 3, ("uniform",), _uniform, "What is the variance of U(-a, a)?"),
        Part("normal", 2, ("normal",), _normal, "The generator's method takes a std."),
        Part("truncated", 4, ("truncated",), _truncated,
             "Draw many, cut, and look at the variance of what is left."),
        Part("initialize", 5, ("initialize",), _initialize,
             "Print each parameter's name, shape and std before and after."),
        Part("histogram", 4, ("histogram",), _histogram,
             "np.histogram gives counts and edges.", own=True),
        Part("signal", 5, ("signal",), _signal,
             "The weights that you hand in must be those that you measured.", own=True),
        Part("trained", 7, ("trained",), _trained,
             "Copy the weights before you train: an array that is changed in place has no past.",
             own=True),
    ),
    draw=_draw,
    withheld=("xavier.rules", "xavier.init", "xavier.derivation", "torch.nn.init"),
    minutes=100,
)  # fmt: skip
