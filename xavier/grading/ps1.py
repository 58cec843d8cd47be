"""Problem set 1, *Symmetry and scale*: tied units, the band of scales, a repair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from xavier.grading import networks, samples
from xavier.grading.answers import Answers, Make, Unanswered
from xavier.grading.networks import Array
from xavier.grading.parts import Finding, Part, ProblemSet, Variant, right, wrong

STARTS: dict[str, tuple[str, bool]] = {
    "biases": ("hidden weights and read-out constant, hidden biases random", False),
    "read-out": ("hidden weights and biases constant, read-out random", False),
    "order": ("all constant; the examples come in random order", True),
    "dropout": ("all constant; in each update every unit is left out by a coin of its own", False),
    "output biases": ("all constant, but the biases of the output are random", True),
    "one pixel": ("all constant, but the weights from the first pixel are all twice that", True),
    "one weight": ("all constant, but one weight of one unit is 1 % larger", False),
    "rate": ("all constant; the read-out has ten times the learning rate", True),
}
"""Starts of a network and its training: what is done, and whether its hidden units stay tied."""

_ASKED = 5
_ERROR = 0.3  # share of wrong digits that an untied network may have


def _draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    starts = [str(name) for name in rng.permutation(list(STARTS))[:_ASKED]]
    shown = {
        "power": int(rng.choice([2, 3])),
        "constant": float(rng.choice([0.02, 0.05, 0.1])),
        "hidden": int(rng.choice([12, 16, 20, 24])),
        "activation": str(rng.choice(["tanh", "softsign"])),
        "density": float(rng.choice([0.1, 0.2, 0.25, 0.5])),
        "starts": {name: STARTS[name][0] for name in starts},
        "sweep": {
            "depth": int(rng.choice([3, 4, 5])),
            "width": int(rng.choice([30, 40, 50])),
            "seed": int(rng.integers(1000)),
        },
    }
    return shown, {}, {}


# --------------------------------------------------------------------------------------------------
# Tied units
# --------------------------------------------------------------------------------------------------


def update(
    w: Sequence[Sequence[Fraction]],
    v: Sequence[Fraction],
    x: Sequence[Fraction],
    y: Fraction,
    lr: Fraction,
    power: int,
) -> tuple[list[list[Fraction]], list[Fraction]]:
    """One step of gradient descent on (sum_k v_k s_k^power - y)^2 / 2, exactly."""
    s = [sum((a * b for a, b in zip(unit, x, strict=True)), Fraction(0)) for unit in w]
    e = sum((a * b**power for a, b in zip(v, s, strict=True)), Fraction(0)) - y
    new_w = [
        [a - lr * e * v_k * power * s_k ** (power - 1) * b for a, b in zip(unit, x, strict=True)]
        for unit, v_k, s_k in zip(w, v, s, strict=True)
    ]
    return new_w, [v_k - lr * e * s_k**power for v_k, s_k in zip(v, s, strict=True)]


def _step(answers: Answers, variant: Variant) -> Finding:
    rng, power = variant.rng("step"), variant["power"]

    def some(n: int) -> list[Fraction]:
        return [Fraction(int(a), int(b)) for a, b in
                zip(rng.integers(-9, 10, n), rng.integers(2, 7, n), strict=True)]  # fmt: skip

    w, v, x, (y, lr) = [some(3), some(3)], some(2), some(3), some(2)
    lr = abs(lr) / 10 + Fraction(1, 50)
    given = answers.call("step", w, v, x, y, lr)
    new_w, new_v = given
    true_w, true_v = update(w, v, x, y, lr, power)

    def equal(a: Any, b: Sequence[Any]) -> bool:
        found, expected = np.asarray(a, dtype=object), np.asarray(b, dtype=object)
        return bool(found.shape == expected.shape and np.all(found == expected))

    if equal(new_w, true_w) and equal(new_v, true_v):
        return right("Exact, to the last digit of every fraction.")
    close = [np.asarray(a, dtype=np.float64) for a in (new_w, new_v)]
    truth = [np.asarray(a, dtype=np.float64) for a in (true_w, true_v)]
    if all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(close, truth, strict=True)):
        return wrong("rounded", "Right, but not exact: some number became a float.", 0.5)
    up_w, up_v = update(w, v, x, y, -lr, power)
    if equal(new_w, up_w) and equal(new_v, up_v):
        return wrong("uphill", "The step goes up the gradient, not down.", 0.3)
    late_w, _ = update(w, true_v, x, y, lr, power)
    if equal(new_w, late_w) and equal(new_v, true_v):
        return wrong("in turn", "The hidden weights were changed with the new v, not the old.", 0.3)
    double_w, double_v = update(w, v, x, y, 2 * lr, power)
    if equal(new_w, double_w) and equal(new_v, double_v):
        return wrong("two", "The cost is one half of the square: a factor of 2 too much.", 0.3)
    if equal(new_v, true_v):
        return wrong("hidden", "v is right, the hidden weights are not.", 0.4)
    if equal(new_w, true_w):
        return wrong("read-out", "The hidden weights are right, v is not.", 0.4)
    return wrong("step", "Neither the hidden weights nor v are right.")


def _symmetries(answers: Answers, variant: Variant) -> Finding:
    rng = variant.rng("symmetries")
    for odd in (False, True):
        hidden = [int(n) for n in rng.integers(3, 9, 3)]
        sizes = [7, *hidden, 4]
        found = answers.call("symmetries", sizes, odd)
        exchanged = math.prod(math.factorial(n) for n in hidden)
        flipped = math.prod(2**n for n in hidden) if odd else 1
        if found == exchanged * flipped:
            continue
        known = {
            "no signs": (exchanged, "an odd unit can also change its sign, with its weights"),
            "one sign": (exchanged * 2 ** len(hidden), "every unit can change its sign by itself"),
            "sum": (sum(math.factorial(n) for n in hidden), "the layers' choices multiply"),
            "all layers": (
                exchanged * flipped * math.factorial(7) * math.factorial(4),
                "inputs and outputs cannot be exchanged: they mean something",
            ),
            "together": (math.factorial(sum(hidden)) * flipped, "units stay in their own layer"),
            "signs": (
                exchanged * math.prod(2**n for n in hidden),
                "only odd units can change signs",
            ),
        }
        for fault, (number, message) in known.items():
            if found == number:
                return wrong(fault, f"For {sizes}, {'odd' if odd else 'not odd'}: {message}.")
        return wrong("number", f"For {sizes}, {'odd' if odd else 'not odd'}, it is not {found}.")
    return right("Exchanges, and signs where the units are odd.")


def _run(answers: Answers, variant: Variant, name: str) -> tuple[dict[str, Any], list[int]]:
    """A run that was handed in: weights and biases at the start and at the end."""
    answer = answers.get(name)
    sizes = [64, variant["hidden"], 10]
    return {
        "start": networks.layers(answer["start"], sizes, f"{name}['start']"),
        "end": networks.layers(answer["end"], sizes, f"{name}['end']"),
        "biases": networks.biases(answer["biases"], sizes, f"{name}['biases']"),
        "log": np.asarray(answer["log"], dtype=np.float64),
    }, sizes


def gap(w: Array) -> float:
    """The largest difference between the weights of any unit and of the first."""
    return float(np.abs(w - w[:, :1]).max())


def _log(run: dict[str, Any], final: float, rows: int) -> Finding | None:
    """What is wrong with a log of ``(update, number)``, whose last number is known."""
    log = run["log"]
    if log.ndim != 2 or log.shape[1] != 2 or len(log) < rows or not np.isfinite(log).all():
        return wrong("no log", f"The log must hold at least {rows} rows (update, number).", 0.6)
    if np.any(np.diff(log[:, 0]) <= 0):
        return wrong("no log", "The updates of the log must rise.", 0.6)
    if not math.isclose(log[-1, 1], final, rel_tol=0.02, abs_tol=1e-6):
        return wrong(
            "no log", f"The log ends at {log[-1, 1]:.4g}, the weights have {final:.4g}.", 0.6
        )
    return None


def _tied(answers: Answers, variant: Variant) -> Finding:
    run, _ = _run(answers, variant, "tied_run")
    start, end = run["start"], run["end"]
    for i, w in enumerate(start, start=1):
        if not np.allclose(w, variant["constant"], rtol=1e-6):
            return wrong("start", f"Layer {i} does not start at {variant['constant']:g}.", 0.2)
    if max(float(np.abs(a - b).max()) for a, b in zip(start, end, strict=True)) < 1e-2:
        return wrong("not trained", "The weights at the end are those of the start.", 0.2)
    if gap(end[0]) > 1e-5:
        return wrong(
            "untied",
            f"The units differ by {gap(end[0]):.2g}: rounding has untied them. "
            "Use double precision, and no more updates than are asked for.",
            0.4,
        )
    if float(np.ptp(end[0][:, 0])) < 1e-3:
        return wrong("all equal", "Not only the units, all weights of a unit are still equal.", 0.2)
    return _log(run, gap(end[0]), 5) or right("The units learned, and stayed one unit.")


def effective_rank(w: Array) -> float:
    """(sum of singular values)^2 over the sum of their squares."""
    sigma = np.linalg.svd(w, compute_uv=False)
    return float(sigma.sum() ** 2 / (sigma**2).sum())


def _untied(answers: Answers, variant: Variant) -> Finding:
    run, _ = _run(answers, variant, "untied_run")
    start, end, activation = run["start"], run["end"], variant["activation"]
    noise = np.abs(np.concatenate([w.ravel() for w in start]) - variant["constant"]).max()
    if not 0 < noise <= 1e-2 * variant["constant"]:
        return wrong(
            "start", f"The noise at the start reaches {noise:.2g}, 1 % of the constant is allowed.",
            0.2,
        )  # fmt: skip
    _, error = networks.cost_and_error(*networks.digits("test"), end, run["biases"], activation)
    if error > _ERROR:
        return wrong(
            "not learned",
            f"The network is wrong on {100 * error:.0f} % of the test digits, "
            f"{100 * _ERROR:.0f} % are allowed. A saddle takes its time.",
            0.4,
        )
    rank = effective_rank(end[0])
    return _log(run, rank, 10) or right(
        f"Wrong on {100 * error:.0f} % of the test digits, with an effective rank of {rank:.1f}."
    )


def _stays(answers: Answers, variant: Variant) -> Finding:
    stays, gaps = answers.get("stays"), answers.get("gaps")
    asked = list(variant["starts"])
    for name, held in (("stays", stays), ("gaps", gaps)):
        if not isinstance(held, dict) or set(held) != set(asked):
            raise Unanswered(f"{name} must have an entry for each of {', '.join(asked)}")
    judged = [name for name in asked if bool(stays[name]) == STARTS[name][1]]
    # A gap that was measured has to say the same: rounding alone, or far more than that.
    backed = [
        name
        for name in judged
        if (float(gaps[name]) <= 1e-6) == STARTS[name][1] and float(gaps[name]) >= 0
    ]
    share = (0.5 * len(judged) + 0.5 * len(backed)) / len(asked)
    if len(backed) == len(asked):
        return right("All five, each with a gap that was measured.")
    if len(judged) < len(asked):
        missed = next(name for name in asked if name not in judged)
        return wrong(missed, f"{len(judged)} of {len(asked)} are right; look again at {missed!r}.",
                     share)  # fmt: skip
    missed = next(name for name in asked if name not in backed)
    return wrong(
        "gap", f"All are right; the gap of {missed!r}, {gaps[missed]:.2g}, does not show it.", share
    )


# --------------------------------------------------------------------------------------------------
# Scales
# --------------------------------------------------------------------------------------------------


def _sparse(answers: Answers, variant: Variant) -> Finding:
    density = variant["density"]
    sizes = [int(n) for n in variant.rng("sparse").integers(50, 900, 4)]
    found = np.array([float(answers.call("sparse_std", n)) for n in sizes])
    n = np.array(sizes, dtype=np.float64)
    if np.allclose(found, 1 / np.sqrt(density * n), rtol=1e-3):
        return right("The weights that are left carry what the others would have.")
    known = {
        "dense": (1 / np.sqrt(n), "that keeps the signal if no weight is missing"),
        "upside down": (np.sqrt(density / n), "fewer weights must be larger, not smaller"),
        "variance": (1 / (density * n), "that is the variance"),
        "not rooted": (1 / (density * np.sqrt(n)), "the density is under the root, too"),
        "bound": (np.sqrt(3 / (density * n)), "that is the bound of a uniform distribution"),
        "a third": (1 / np.sqrt(3 * density * n), "by that a layer keeps a third of the variance"),
    }
    for fault, (values, message) in known.items():
        if np.allclose(found, values, rtol=1e-3):
            return wrong(fault, f"Not yet: {message}.")
    return wrong("std", f"For n = {sizes[0]} it is not {found[0]:.4g}.")


def cost_after(gain: float, depth: int, width: int, seed: int) -> float:
    """The cost that the sweep is about: digits, tanh, 300 updates at a rate of 0.1."""
    from xavier import datasets
    from xavier.network import Network
    from xavier.training import train

    sizes = [64, *[width] * depth, 10]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
    train(network, {seed: datasets.stream("digits", "train", seed)}, lr=0.1, updates=300)
    data = datasets.load("digits", "test")
    trace = network.forward(data.images)
    return float(network.cost(trace, data.labels)[0])


def _sweep(answers: Answers, variant: Variant) -> Finding:
    answer = answers.get("sweep")
    rows = np.asarray(answer["rows"], dtype=np.float64)
    low, high = (float(end) for end in answer["band"])
    if rows.ndim != 2 or rows.shape[1] != 2 or len(rows) < 9:
        return wrong("few", "At least nine rows (gain, cost) are wanted.")
    gains, costs = rows.T
    order = np.argsort(gains)
    gains, costs = gains[order], costs[order]
    if gains.min() > 0.02 or gains.max() < 50:
        return wrong("range", "The gains must reach from 0.02 to 50 at least.", 0.2)
    chosen = variant.rng("sweep").permutation(len(gains))
    tame = [int(i) for i in chosen if costs[i] < 2.5][:3]
    if len(tame) < 2:
        return wrong("range", "Hardly a gain of your rows learns anything.", 0.2)
    for i in tame:
        again = cost_after(float(gains[i]), **variant["sweep"])
        if not math.isclose(again, costs[i], rel_tol=0.05, abs_tol=0.03):
            return wrong(
                "other costs",
                f"At gain {gains[i]:.3g} your row says {costs[i]:.3f}, a run again {again:.3f}.",
                0.2,
            )
    good = gains[costs < 1.15]  # half of what guessing costs
    if not len(good):
        return wrong("band", "In none of your rows the cost is below half of ln 10.", 0.5)
    below, above = (gains[gains < good.min()], gains[gains > good.max()])
    ends = (
        (below.max() if len(below) else 0.0, good.min()),
        (good.max(), above.min() if len(above) else math.inf),
    )
    if not (ends[0][0] <= low <= ends[0][1] and ends[1][0] <= high <= ends[1][1]):
        return wrong(
            "band",
            f"By your rows the band begins between {ends[0][0]:.3g} and {ends[0][1]:.3g}, and ends "
            f"between {ends[1][0]:.3g} and {ends[1][1]:.3g}.",
            0.5,
        )
    return right(f"A band from about {low:.2g} to {high:.2g}.")


# --------------------------------------------------------------------------------------------------
# One generator for all
# --------------------------------------------------------------------------------------------------


def _repaired(answers: Answers, variant: Variant) -> Finding:
    sizes = [60, 40, 40, 60, 40]
    seed = int(variant.rng("repaired").integers(2**31))

    def draw(label: str, seed: int) -> list[Array]:
        given = answers.call("repaired", sizes, Make("rng", f"{label} of repaired", seed))
        return networks.layers(given, sizes, "what repaired returns")

    one, again, other = draw("a", seed), draw("b", seed), draw("c", seed + 1)
    if not all(np.array_equal(a, b) for a, b in zip(one, again, strict=True)):
        return wrong("another source", "The same generator gives other weights.", 0.3)
    if all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)):
        return wrong("seeded inside", "Another generator gives the same weights.", 0.2)
    for w in one:
        if np.unique(w, axis=1).shape[1] < w.shape[1]:
            return wrong("units tied", "Units of a layer have the same weights.", 0.2)
    found = copied(one)
    if found:
        i, j = found[0]
        return wrong("layers alike", f"Layers {i} and {j} are made of the same numbers.", 0.3)
    w = np.concatenate([(w * math.sqrt(len(w))).ravel() for w in (*one, *other)])
    judged = samples.judge_draws(
        w, samples.NORMAL, 1.0, {"a third": (1 / 3, "by that a layer keeps a third")}
    )
    if judged.fault:
        return wrong(judged.fault, f"Times the root of the fan-in: {judged.message}", 0.5)
    return right("Every layer has numbers of its own, and the same seed gives them again.")


def copied(weights: Sequence[Array]) -> list[tuple[int, int]]:
    """Pairs of layers, from 1, that are made of the same random numbers, whatever their scale."""
    found = []
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            n = min(weights[i].size, weights[j].size)
            a, b = (weights[k].ravel()[:n] for k in (i, j))
            if abs(float(np.corrcoef(a, b)[0, 1])) > 0.9:
                found.append((i + 1, j + 1))
    return found


def _copies(answers: Answers, variant: Variant) -> Finding:
    rng = variant.rng("copies")
    shapes = [(20, 30), (30, 30), (20, 30), (30, 10), (12, 50)]
    names = {"missed": "a pair is missed", "too many": "a pair is named that is none"}
    planted: list[list[tuple[int, int, float]]] = [
        [], [(0, 2, 1.0)], [(1, 3, 0.5)], [(0, 1, 2.0), (2, 4, 0.3)],
    ]  # fmt: skip
    for case in planted:
        weights = [rng.normal(0, 1 / math.sqrt(shape[0]), shape) for shape in shapes]
        for i, j, scale in case:
            n = min(weights[i].size, weights[j].size)
            weights[j].ravel()[:n] = scale * weights[i].ravel()[:n]
        given = answers.call("copies", weights)
        said = {tuple(sorted(int(k) for k in pair)) for pair in given}
        true = set(copied(weights))
        if said == true:
            continue
        if said == {(i - 1, j - 1) for i, j in true}:
            return wrong("from zero", "Layers are counted from 1.", 0.5)
        if said < true and any(scale != 1 for *_, scale in case):
            return wrong("scaled", "The same numbers on another scale are the same numbers.", 0.3)
        fault = "missed" if said < true else "too many"
        return wrong(fault, f"With {len(true)} planted, {names[fault]}: {sorted(said)}.")
    return right("It finds what was copied, on any scale, and nothing else.")


PROBLEM_SET = ProblemSet(
    name="ps1",
    title="Symmetry and scale",
    parts=(
        Part("step", 3, ("step",), _step, "Write down the derivative by one hidden weight."),
        Part("symmetries", 2, ("symmetries",), _symmetries,
             "In how many orders can the units of one layer stand?"),
        Part("tied", 5, ("tied_run",), _tied, "Copy the weights before you train.", own=True),
        Part("untied", 5, ("untied_run",), _untied,
             "Train for longer: the time to leave a saddle grows with its logarithm.", own=True),
        Part("stays", 5, ("stays", "gaps"), _stays,
             "What exchanges two units, and leaves the training as it was?", own=True),
        Part("sparse", 2, ("sparse_std",), _sparse, "How many terms does a sum have?"),
        Part("sweep", 6, ("sweep",), _sweep, "Take the gains at equal steps of their logarithm.",
             own=True),
        Part("repaired", 4, ("repaired",), _repaired, "Who makes a generator, and how often?"),
        Part("copies", 3, ("copies",), _copies, "Compare as many numbers as the smaller one has."),
    ),
    draw=_draw,
    withheld=(),
    minutes=100,
)  # fmt: skip
