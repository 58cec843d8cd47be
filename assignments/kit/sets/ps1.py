"""Problem set 1, *Symmetry and scale*: tied units, the band of scales, a repair."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..check import networks, parts, samples, symbolic
from ..check.answers import Answers, Make, Unanswered, entries
from ..check.networks import Array
from ..check.parts import Finding, Mistake, Part, Variant, failing, first_match, right, wrong
from ..check.samples import Ratio
from ..check.values import Expression

STARTS: dict[str, tuple[str, bool]] = {
    "biases": ("hidden weights and read-out constant, hidden biases random", False),
    "read-out": ("hidden weights and biases constant, read-out random", False),
    "order": ("all constant; the examples come in random order", True),
    "dropout": ("all constant; in each update every unit is left out by a coin of its own", False),
    "output biases": ("all constant, but the biases of the output are random", True),
    "one pixel": ("all constant, but the weights from one pixel are all twice that", True),
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
        "density": float(rng.choice([0.1, 0.2, 0.3, 0.4])),
        "starts": {name: STARTS[name][0] for name in starts},
        "sweep": {
            "depth": int(rng.choice([3, 4, 5])),
            "width": int(rng.choice([30, 40, 50])),
            "seed": int(rng.integers(1000)),
        },
    }
    return shown, {}, {}


# --------------------------------------------------------------------------------------------------
# What came back
# --------------------------------------------------------------------------------------------------

Number: TypeAlias = int | float | Fraction


def _only_item(answer: Any) -> Any:
    """What an array of one number holds, such as a tensor that was not made a float."""
    one = isinstance(answer, np.ndarray | np.generic) and answer.size == 1
    return answer.item() if one else answer


def _number(answer: Any, what: str) -> Number:
    """An answer as one real number; of SymPy's the value."""
    answer = _only_item(answer)
    if isinstance(answer, Expression):
        if re.fullmatch(r"-?\d+(/\d+)?", answer.text):
            return Fraction(answer.text)
        return float(symbolic.value(symbolic.read(answer.text, ()), {}))
    if isinstance(answer, bool) or not isinstance(answer, int | float | Fraction):
        raise Unanswered(f"{what} must be a number")
    return answer


def _pairs(answer: Any) -> Array:
    """Rows of two numbers, of a table or a dict too; what is none of these comes back empty."""
    if isinstance(answer, dict):
        held = [_only_item(column) for column in answer.values()]
        table = bool(held) and all(isinstance(column, list | np.ndarray) for column in held)
        answer = [list(row) for row in (zip(*held, strict=False) if table else answer.items())]
    if isinstance(answer, list):
        answer = [[_only_item(n) for n in row] if isinstance(row, list) else row for row in answer]
    try:
        return np.asarray(answer, dtype=np.float64)
    except (ArithmeticError, TypeError, ValueError):
        return np.empty(0)


# --------------------------------------------------------------------------------------------------
# Tied units
# --------------------------------------------------------------------------------------------------

Exact: TypeAlias = NDArray[np.object_]
"""Fractions."""


class Example(NamedTuple):
    """A question to ``step``, in fractions."""

    w: Exact
    v: Exact
    x: Exact
    y: Fraction
    lr: Fraction
    power: int

    @property
    def s(self) -> Exact:
        """The weighted sums of the units."""
        return np.asarray(self.w @ self.x)

    @property
    def error(self) -> Any:
        """The output less y."""
        return self.v @ self.s**self.power - self.y


def update(
    q: Example,
    e: Fraction | None = None,
    hidden: Callable[..., Any] = lambda e, v, s, m: e * v * m * s ** (m - 1),
    read_out: Callable[..., Any] = lambda e, s, m: e * s**m,
) -> tuple[Exact, Exact]:
    """One step of gradient descent on (sum_k v_k s_k^power - y)^2 / 2, exactly, or a mistaken one.

    The last two are the gradients by a sum s, from e, v, s and the power, and by a v.
    """
    e, s, m = q.error if e is None else e, q.s, q.power
    w = q.w - q.lr * np.outer(hidden(e, q.v, s, m), q.x)
    return w, q.v - q.lr * read_out(e, s, m)


def _gradient(q: Example) -> tuple[Exact, Exact]:
    w, v = update(q)
    return (q.w - w) / q.lr, (q.v - v) / q.lr


def _in_turn(q: Example, first: str, e: Fraction | None) -> tuple[Exact, Exact]:
    """What comes of changing hidden weights and v one after the other."""
    w, v = update(q)
    if first == "v":
        return update(q._replace(v=v), e)[0], v
    return w, update(q._replace(w=w), e)[1]


_LATE_W = "The hidden weights were changed with the new v, not the old."
_LATE_V = "v was changed with the new hidden weights, not the old."
_STEPS = (
    Mistake("uphill", lambda q: update(q, -q.error), "The step goes up the gradient, not down.",
            0.3),
    Mistake("two", lambda q: update(q, 2 * q.error),
            "The cost is one half of the square: a factor of 2 too much.", 0.3),
    Mistake("half", lambda q: update(q, q.error / 2),
            "The 2 of the square cancels the one half of the cost: a factor of 2 is missing.", 0.3),
    Mistake("no target", lambda q: update(q, q.error + q.y),
            "The error is o - y, and y is missing.", 0.3),
    Mistake("no rate", lambda q: update(q._replace(lr=Fraction(1))),
            "The learning rate is missing.", 0.3),
    Mistake("gradient", _gradient, "These are the gradients, not the weights after the step.", 0.3),
    Mistake("in turn", lambda q: _in_turn(q, "v", q.error), _LATE_W, 0.3),
    Mistake("in turn", lambda q: _in_turn(q, "v", None), _LATE_W, 0.3),
    Mistake("in turn", lambda q: _in_turn(q, "w", q.error), _LATE_V, 0.3),
    Mistake("in turn", lambda q: _in_turn(q, "w", None), _LATE_V, 0.3),
    Mistake("no slope", lambda q: update(q, hidden=lambda e, v, s, m: e * v),
            "The slope of the activation is missing in the hidden weights."),
    Mistake("no factor", lambda q: update(q, hidden=lambda e, v, s, m: e * v * s ** (m - 1)),
            "The derivative of s^{m} has a factor of {m}."),
    Mistake("power", lambda q: update(q, hidden=lambda e, v, s, m: e * v * m * s**m),
            "The derivative of s^{m} is of the power {less}."),
    Mistake("no v", lambda q: update(q, hidden=lambda e, v, s, m: e * m * s ** (m - 1)),
            "By the chain rule, v_k is a factor of what its unit's weights get."),
    Mistake("no activation", lambda q: update(q, read_out=lambda e, s, m: e * s),
            "v sees f(s), not s."),
    Mistake("no activation", lambda q: update(q, read_out=lambda e, s, m: e),
            "The gradient by v has the factor f(s)."),
)  # fmt: skip


def _example(rng: np.random.Generator, inputs: int, power: int, sign: int) -> Example:
    """A question in which nothing is zero, and no mistake gives what is right."""

    def some(n: int) -> list[Fraction]:
        signs, tops, bottoms = rng.choice([-1, 1], n), rng.integers(1, 9, n), rng.integers(2, 7, n)
        return [Fraction(int(a * b), int(c)) for a, b, c in
                zip(signs, tops, bottoms, strict=True)]  # fmt: skip

    while True:
        w, v, x, (y, lr) = [some(inputs), some(inputs)], some(2), some(inputs), some(2)
        arrays = np.array(w), np.array(v), np.array(x)
        q = Example(*arrays, y, abs(lr) / 10 + Fraction(1, 50), power)
        s, e = q.s, q.error
        tame = all(Fraction(2, 5) < abs(s_k) < 4 and abs(s_k) != 1 for s_k in s)
        apart = min(sign * e, abs(e - sign), abs(e + y), abs(e + 2 * y)) > Fraction(1, 3)
        told = abs(s[0]) != abs(s[1]) and abs(v[0]) != abs(v[1]) and all(abs(a) != 1 for a in x)
        if tame and apart and told:
            return q


def _shaped(answer: Any, shape: tuple[int, ...]) -> Exact | None:
    """The numbers of a nested list of some shape; None if it has another shape."""
    array = np.asarray(answer, dtype=object)
    if array.shape != shape:
        return None
    return np.array([_number(n, "every weight") for n in array.ravel()], dtype=object)


def _close(found: Exact, expected: Exact) -> bool:
    """Whether numbers are the same but for rounding."""
    a, b = (array.ravel().astype(np.float64) for array in (found, expected))
    return bool(np.abs(a - b).max() <= 1e-5 * (np.abs(b).max() + 0.1))


def _one_step(given: Any, q: Example) -> Iterator[Finding]:
    if not isinstance(given, list | np.ndarray) or len(given) != 2:
        yield wrong("form", "Two things must come back: w and v after the step.")
        return
    n = len(q.x)
    w, v = _shaped(given[0], (2, n)), _shaped(given[1], (2,))
    if w is None or v is None:
        if _shaped(given[1], (2, n)) is not None and _shaped(given[0], (2,)) is not None:
            yield wrong("order", "First w has to come back, then v.", 0.3)
        else:
            said = f"For {n} inputs, w must be two lists of {n}, and v a list of two."
            yield wrong("shape", said)
        return

    def fits(gives: Callable[[Example], tuple[Exact, Exact]]) -> tuple[bool, bool]:
        return _close(w, gives(q)[0]), _close(v, gives(q)[1])

    def known(fits: Callable[..., bool], say: str = "{}") -> Iterator[Finding]:
        if found := first_match(_STEPS, fits, say, 0.4):
            yield replace(found, message=found.message.format(m=q.power, less=q.power - 1))

    w_right, v_right = fits(update)
    exact = update(q)
    if w.tolist() == exact[0].ravel().tolist() and v.tolist() == exact[1].tolist():
        return
    if w_right and v_right:
        yield wrong("rounded", "Right, but not exact: some number became a float.", 0.5)
    elif named := list(known(lambda gives: all(fits(gives)))):
        yield from named
    elif v_right:
        yield wrong("hidden", "v is right, the hidden weights are not.", 0.4)
    elif w_right:
        yield wrong("read-out", "The hidden weights are right, v is not.", 0.4)
    else:
        yield wrong("step", "Neither the hidden weights nor v are right.")
        yield from known(lambda gives: fits(gives)[0], "Of the hidden weights: {}")
        yield from known(lambda gives: fits(gives)[1], "Of v: {}")


def _step(answers: Answers, variant: Variant) -> Iterator[Finding]:
    rng = variant.rng("step")
    for inputs, sign in ((3, -1), (4, 1)):
        q = _example(rng, inputs, variant["power"], sign)
        asked = (q.w.tolist(), q.v.tolist(), q.x.tolist(), q.y, q.lr)
        yield from _one_step(answers.call("step", *asked), q)
    yield right("Exact, to the last digit of every fraction.")


def _product(values: Sequence[int], odd: bool) -> int:
    """Orders of the units of some layers, times their signs if they are odd."""
    return math.prod(math.factorial(n) * (2**n if odd else 1) for n in values)


_PLACE = "cannot be exchanged: each means something"
# What comes of them, from the sizes of all layers and whether units are odd.
_MISCOUNTS = (
    Mistake("no signs", lambda n, odd: {_product(n[1:-1], False)},
            "an odd unit can also change its sign, with its weights"),
    Mistake("signs", lambda n, odd: {_product(n[1:-1], True)}, "only odd units can change signs"),
    Mistake("one sign", lambda n, odd: {_product(n[1:-1], False) * k for k in
                                        ((2 ** (len(n) - 2), 2) if odd else (1,))},
            "every unit can change its sign by itself"),
    Mistake("no exchanges", lambda n, odd: {2 ** sum(n[1:-1]) if odd else 1},
            "the units of a layer can also change places"),
    Mistake("no factorial",
            lambda n, odd: {math.prod(n[1:-1]) * (2 ** sum(n[1:-1]) if odd else 1)},
            "n units can stand in n! orders"),
    Mistake("sum", lambda n, odd: {sum(_product([k], odd) for k in n[1:-1])},
            "choices that are made independently multiply"),
    Mistake("inputs", lambda n, odd: {_product(n[:-1], odd)}, f"inputs {_PLACE}"),
    Mistake("outputs", lambda n, odd: {_product(n[1:], odd)}, f"outputs {_PLACE}"),
    Mistake("all layers", lambda n, odd: {_product(n, odd)}, f"inputs and outputs {_PLACE}"),
    Mistake("together", lambda n, odd: {_product([sum(n[1:-1])], odd)},
            "units stay in their own layer"),
    Mistake("overflow", lambda n, odd: {(_product(n[1:-1], odd) + 2**63) % 2**64 - 2**63},
            "the number has no room in 64 bits, Python's own integers have", 0.7),
)  # fmt: skip


def _counts(found: Number, number: int) -> bool:
    """Whether it is that number, in floating point to its accuracy."""
    if isinstance(found, int | Fraction):
        return found == number
    return abs(found - number) < 0.4 or math.isclose(found, number, rel_tol=1e-11)


def _symmetries(answers: Answers, variant: Variant) -> Iterator[Finding]:
    rng = variant.rng("symmetries")
    a, b, c = (int(n) for n in rng.permutation(np.arange(3, 9))[:3])
    questions = [
        ([7, a, b, c, 4], False),
        ([7, a, b, c, 4], True),
        ([9, b, 3], True),
        ([5, c, 1, 2], True),
        ([64, 20 + a, 16, 10], False),
    ]
    found = [_number(answers.call("symmetries", *q), "what symmetries returns") for q in questions]
    off = [
        i for i, (sizes, odd) in enumerate(questions)
        if not _counts(found[i], _product(sizes[1:-1], odd))
    ]  # fmt: skip

    def known(few: Sequence[int]) -> Finding | None:
        def fits(gives: Callable[..., set[int]]) -> bool:
            return all(any(_counts(found[i], n) for n in gives(*questions[i])) for i in few)

        return first_match(_MISCOUNTS, fits, "{}")

    # The same mistake in all answers; if there is none, that of each answer that is wrong.
    whole = known(range(len(questions))) if off else None
    for i in off:
        sizes, odd = questions[i]
        asked = f"For {sizes}, {'odd' if odd else 'not odd'}"
        if own := whole or known([i]):
            yield replace(own, message=f"{asked}: {own.message}.")
        else:
            yield wrong("number", f"{asked}, it is not {float(found[i]):.6g}.")
        if whole:
            return
    yield right("Exchanges, and signs where the units are odd.")


_LONGEST = 20_000  # updates of a run that is made again
_NEAR = 0.01  # of the largest weight, by which a run that is made again may differ
_TRAINED = 1e-3  # the least change of a weight, or of those of one unit
_TIED = 1e-5  # the largest gap of a network that is one unit


class Run(NamedTuple):
    """A run that was handed in."""

    start: list[Array]
    end: list[Array]
    biases: list[Array]
    log: Array
    seed: int
    lr: float
    batch: int

    @property
    def readable(self) -> bool:
        """Whether the log is rows of an update and a number, and the updates rise."""
        whole = self.log.ndim == 2 and self.log.shape[1] == 2 and len(self.log) > 0
        return whole and bool(np.isfinite(self.log).all() and np.all(np.diff(self.log[:, 0]) > 0))


def _run(answers: Answers, variant: Variant, name: str, *settings: str) -> Run:
    """Weights at the start and at the end, biases, a log, and how it was trained."""
    answer = entries(answers, name, "start", "end", "biases", "log", "seed", *settings)
    sizes = [64, variant["hidden"], 10]

    def setting(key: str, most: float, usual: float) -> float:
        found = float(_number(answer.get(key, usual), f"{name}[{key!r}]"))
        if not 0 <= found <= most:
            raise Unanswered(f"{name}[{key!r}] must be from 0 to {most:g}, not {found:g}")
        return found

    return Run(
        networks.layers(answer["start"], sizes, f"{name}['start']"),
        networks.layers(answer["end"], sizes, f"{name}['end']"),
        networks.biases(answer["biases"], sizes, f"{name}['biases']"),
        _pairs(answer["log"]),
        int(setting("seed", 2**31, 0)),
        setting("lr", 0.5, 0.1),
        max(1, int(setting("batch", 100, 10))),
    )


def _again(run: Run, variant: Variant, measure: Callable[[Array], float]) -> Iterator[Finding]:
    """Make a run again, and say what is wrong if something else comes of it, or is in its log."""
    if not run.readable:
        return
    updates = int(run.log[-1, 0])
    if not 1 <= updates <= _LONGEST:
        said = f"The log ends at update {updates}; from 1 to {_LONGEST:,} are allowed."
        yield wrong("updates", said, 0.2)
        return
    rows = variant.rng("rows").choice(len(run.log), min(3, len(run.log)), replace=False)
    told = {int(t): float(number) for t, number in run.log[np.sort(rows)]}
    none = [np.zeros(w.shape[1]) for w in run.start]
    batches = networks.streamed(run.seed, updates, run.batch)
    rates = [run.lr, run.lr]
    arrays, found = networks.again(
        *(run.start, none, batches, variant["activation"], rates),
        told, lambda w, b: measure(w[0]),
    )  # fmt: skip
    handed = [*run.end, *run.biases]
    off = [t for t in found if not math.isclose(told[t], found[t], rel_tol=0.02, abs_tol=_TIED)]
    apart, largest = networks.apart(handed, arrays), max(np.abs(w).max() for w in arrays[:2])
    if not apart <= _NEAR * largest < math.inf:
        yield wrong(
            "another run",
            f"Trained again from your start, with your seed, for {updates} updates, the network "
            f"ends elsewhere: a weight differs by {apart:.2g}. Was something else trained, at "
            "another rate, or on other examples?",
        )
    elif off:
        said = f"Your log says {told[off[0]]:.4g} at update {off[0]}, a run again"
        yield wrong(
            "log", f"The weights are those of a run again. {said} {found[off[0]]:.4g}.", 0.6
        )


def gap(w: Array) -> float:
    """The largest difference between the weights of any unit and of the first."""
    return float(np.abs(w - w[:, :1]).max())


def _not_one_run(run: Run, variant: Variant) -> Iterator[Finding]:
    """What is wrong if start, end and biases are not those of one run."""
    change = networks.apart(run.start, run.end)
    still = all(np.allclose(w, variant["constant"], rtol=0.02) for w in run.start)
    yield from failing(
        (change == 0 and not still, "not copied",
         "The weights of the start are those of the end: training changes arrays in place, "
         "and the start has to be copied before.", 0.2),
        (change < _TRAINED and still, "not trained",
         "The weights at the end are those of the start.", 0.2),
    )  # fmt: skip


def _no_biases(run: Run) -> list[Finding]:
    zero = all(not b.any() for b in run.biases)
    return failing((zero, "biases", "The biases are still zero: those of the end are wanted.", 0.4))


def _log(run: Run, final: float, rows: int, others: Sequence[Mistake]) -> Iterator[Finding]:
    """What is wrong with a log of ``(update, number)``, whose last number is known."""
    log = run.log
    if log.ndim != 2 or log.shape[1] != 2 or not np.isfinite(log).all():
        said = "The log must be rows of two finite numbers, (update, number)."
        yield wrong("no log", said, 0.6)
        return
    yield from failing(
        (len(log) < rows, "few rows", f"At least {rows} rows are wanted, the log has {len(log)}.",
         0.6),
        (np.any(np.diff(log[:, 0]) <= 0), "not rising", "The updates of the log must rise.", 0.6),
    )  # fmt: skip
    last = float(log[-1, 1]) if run.readable else final
    if not math.isclose(last, final, rel_tol=0.02, abs_tol=1e-6):
        said = f"The log ends at {last:.4g}, the weights at the end have {final:.4g}"
        yield first_match(
            others, lambda gives: math.isclose(last, gives, rel_tol=0.02), said + ": {}.", 0.6
        ) or wrong("log", f"{said}.", 0.6)


def _tied(answers: Answers, variant: Variant) -> Iterator[Finding]:
    run, constant = _run(answers, variant, "tied_run"), variant["constant"]
    if found := list(_not_one_run(run, variant)):
        yield from found
        return
    for i, w in enumerate(run.start, start=1):
        if not np.allclose(w, constant, rtol=1e-6):
            said = f"Layer {i} does not start at {constant:g}"
            if np.ptp(w) == 0:
                yield wrong("other constant", f"{said}, but at {w[0, 0]:.4g}.", 0.2)
            else:
                yield wrong("start", f"{said}: its weights differ.", 0.2)
    apart = [gap(run.end[0]), gap(run.end[1].T), gap(run.biases[0][None, :])]
    where = ("the weights", "the read-out", "the biases")[int(np.argmax(apart))]
    digit = float(np.spacing(np.float32(np.abs(run.end[0]).max())))  # the last of single precision
    untied = max(apart) > _TIED
    yield from failing(
        (untied, "untied",
         f"The units differ by {max(apart):.2g} in {where}: was every weight at the constant, "
         "and every bias at 0? Rounding, too, unties them after many updates.", 0.4),
        (not untied and apart[0] > max(1e-9, 1.01 * digit), "single",
         f"The units differ by {apart[0]:.2g}, which is the rounding of single precision: "
         "use dtype=torch.float64.", 0.8),
    )  # fmt: skip
    yield from _no_biases(run)
    if float(np.ptp(run.end[0][:, 0])) < _TRAINED:
        yield wrong("all equal", "Not only the units, all weights of a unit are still equal.", 0.2)
    pixels = float(np.abs(run.end[0] - run.end[0][:1]).max())
    others = [Mistake("pixels", pixels, "that is a difference between pixels, not between units")]
    yield from _log(run, apart[0], 5, others)
    if run.readable:
        worst, last = max(run.log[:, 1], key=abs), float(run.log[-1, 0])
        yield from failing(
            (run.log[:, 1].min() < 0 or run.log[:, 1].max() > 10 * _TIED, "log",
             f"A gap of {worst:.4g} in the log is none of a tied network.", 0.6),
            (not 299 <= last <= 301, "updates",
             f"The log ends at update {last:g}, after 300 is asked for.", 0.8),
        )  # fmt: skip
    yield from _again(run, variant, gap)
    yield right("The units learned, and stayed one unit.")


def effective_rank(w: Array) -> float:
    """(sum of singular values)^2 over the sum of their squares."""
    sigma = np.linalg.svd(w, compute_uv=False)
    return float(sigma.sum() ** 2 / (sigma**2).sum())


def _other_ranks(run: Run) -> list[Mistake]:
    """What is logged in place of the effective rank."""
    sigma = np.linalg.svd(run.end[0], compute_uv=False)
    squares = sigma**2
    return [
        Mistake("not squared", float(sigma.sum() / squares.sum()),
                "the sum of the singular values has to be squared"),
        Mistake("squared", float(squares.sum() ** 2 / (squares**2).sum()),
                "the singular values are squared already in what you sum: no sigma^4"),
        Mistake("stable rank", float(squares.sum() / squares[0]),
                "that is the stable rank: the squares over the largest of them"),
        Mistake("rank", float(np.linalg.matrix_rank(run.end[0])),
                "that is the rank, which noise makes full"),
        Mistake("read-out", effective_rank(run.end[1]), "that is the rank of the read-out"),
        Mistake("gap", gap(run.end[0]), "that is the gap"),
    ]  # fmt: skip


def _other_noise(run: Run, constant: float) -> list[Finding]:
    """What is wrong with a start that should be a constant and at most 1 % of noise."""
    if all(np.ptp(w) == 0 for w in run.start):
        said = "All weights of a layer start alike: the noise is missing."
        return [wrong("no noise", said, 0.2)]
    noise = np.concatenate([w.ravel() for w in run.start]) - constant
    largest, rms = float(np.abs(noise).max()), math.sqrt(float(np.mean(noise**2)))
    alike = max(float(np.ptp(run.start[0], axis=1).max()), gap(run.start[1].T)) == 0
    said = f"The noise at the start reaches {largest:.2g}, {1e-2 * constant:.2g} is allowed"
    small = largest <= 1.001e-2 * constant
    return failing(
        (small and alike, "same noise", "The noise is the same for every unit: they stay tied.",
         0.2),
        (not small and 0.008 < rms / constant < 0.0125, "std",
         f"{said}: 1 % is not its standard deviation, but its end.", 0.2),
        (not small and largest <= 1.001e-2, "absolute",
         f"{said}: it is 1 % of the constant, not of 1.", 0.2),
        (not small, "start", f"{said}.", 0.2),
    )[:1]  # fmt: skip


def _untied(answers: Answers, variant: Variant) -> Iterator[Finding]:
    run = _run(answers, variant, "untied_run", "lr", "batch")
    if found := list(_not_one_run(run, variant)):
        yield from found
        return
    yield from _other_noise(run, variant["constant"])
    yield from _no_biases(run)
    activation = variant["activation"]
    _, error = networks.cost_and_error(*networks.digits("test"), run.end, run.biases, activation)
    rank = effective_rank(run.end[0])
    found = [*_log(run, rank, 10, _other_ranks(run)), *_again(run, variant, effective_rank)]
    said = f"{100 * error:.0f} % of the test digits"
    if error > _ERROR:
        yield wrong(
            "not learned",
            f"The network is wrong on {said}, {100 * _ERROR:.0f} % are allowed. A saddle takes its "
            "time.",
            0.0 if found else 0.4,
        )
    yield from found
    yield right(f"Wrong on {said}, with an effective rank of {rank:.1f}.")


class Evidence(NamedTuple):
    """A short run from one of the starts."""

    start: list[Array]
    end: list[Array]
    rows: NDArray[np.int64]
    kept: Array | None


_ARRAYS = ("w1", "b1", "w2", "b2")


def _evidence(answer: Any, name: str) -> Evidence:
    """What was handed in for one start."""
    what = f"runs[{name!r}]"
    if not isinstance(answer, dict) or not all(k in answer for k in ("start", "end", "rows")):
        raise Unanswered(f"{what} must be what short_run returns")
    pair = answer["start"], answer["end"]
    if not all(isinstance(a, list) and len(a) == 4 for a in pair):
        raise Unanswered(f"{what} must have four arrays for start and end: {', '.join(_ARRAYS)}")
    units = np.shape(pair[0][1])[0] if np.ndim(pair[0][1]) == 1 else 0
    if not 2 <= units <= 100:
        raise Unanswered(f"{what} must have from 2 to 100 hidden units")
    shapes = ((64, units), (units,), (units, 10), (10,))
    start, end = (
        [samples.numbers(a, shape, f"{array} of {what}")
         for a, shape, array in zip(arrays, shapes, _ARRAYS, strict=True)]
        for arrays in pair
    )  # fmt: skip
    rows = networks.rows(answer["rows"], what, updates=(20, 200), most=100)
    kept = answer.get("kept")
    if kept is not None:
        kept = samples.numbers(kept, (len(rows), units), f"kept of {what}")
    return Evidence(start, end, rows, kept)


def _starts_so(run: Evidence, name: str) -> bool:
    """Whether a run has the start of that name."""
    w1, _, w2, _ = run.start
    varies = {key for key, a in zip(_ARRAYS, run.start, strict=True) if float(np.ptp(a)) > 0}
    coins = run.kept is not None and float(np.ptp(run.kept, axis=1).max()) > 0
    if coins != (name == "dropout") or w1.min() == 0 or not np.abs(w2).max() > 0:
        return False
    if coins:  # a unit is left out, or it is not
        values = np.unique(np.asarray(run.kept))
        if len(values) != 2 or not values[0] == 0 < values[1] <= 10:
            return False
    if name in ("one pixel", "one weight"):
        usual = float(np.median(w1))
        odd = w1[w1 != usual] / usual
        one = (w1 != usual).any(axis=1).sum() == 1
        units, size = (w1.shape[1], 2.0) if name == "one pixel" else (1, 1.01)
        if not (one and len(odd) == units and np.allclose(odd, size, rtol=1e-6)):
            return False
    only = {"biases": "b1", "read-out": "w2", "output biases": "b2", "one pixel": "w1",
            "one weight": "w1"}.get(name)  # fmt: skip
    in_order = np.array_equal(run.rows.ravel(), np.sort(run.rows.ravel()))
    return varies == {only} - {None} and not (name == "order" and in_order)


def _made_again(run: Evidence, name: str) -> bool:
    """Whether training from the start brings the end."""
    w1, b1, w2, b2 = run.start
    rates = [0.1, 1.0 if name == "rate" else 0.1]
    batches = networks.batches(run.rows)
    (v1, v2, c1, c2), _ = networks.again([w1, w2], [b1, b2], batches, "tanh", rates, kept=run.kept)
    # Each by its own size, or one large number would bring all others near.
    pairs = zip(run.end, (v1, c1, v2, c2), strict=True)
    return all(networks.apart([a], [b]) <= 1e-6 * (np.abs(b).max() + 0.01) for a, b in pairs)


def _shown(run: Evidence, name: str) -> Iterator[Finding]:
    """What is wrong with the evidence for a start whose answer is right."""
    tied = gap(run.end[0]) <= 1e-6
    if all(np.array_equal(a, b) for a, b in zip(run.start, run.end, strict=True)):
        yield wrong("not copied", f"{name!r}: start and end are the same arrays, not copied.")
    elif not _starts_so(run, name):
        yield wrong("another start", f"{name!r}: your run does not start as it is said there.")
    elif not _made_again(run, name):
        yield wrong("another run", f"{name!r}: trained again, your start ends elsewhere.")
    elif tied != STARTS[name][1]:
        yield wrong("gap", f"{name!r}: its gap, {gap(run.end[0]):.2g}, does not show it.")


def _yes(answer: Any, what: str) -> bool:
    """An answer as True or False."""
    answer = _only_item(answer)
    if isinstance(answer, bool) or (isinstance(answer, int | float) and answer in (0, 1)):
        return bool(answer)
    raise Unanswered(f"{what} must be True or False")


def _stays(answers: Answers, variant: Variant) -> Iterator[Finding]:
    asked = list(variant["starts"])
    held = {name: entries(answers, name, *asked) for name in ("stays", "runs")}
    stays = {name: _yes(held["stays"][name], f"stays[{name!r}]") for name in asked}
    runs = {name: _evidence(held["runs"][name], name) for name in asked}
    judged = [name for name in asked if stays[name] == STARTS[name][1]]
    if not judged:
        yield wrong("inverted", "All are the other way round: True is for units that stay tied.")
        return
    unshown = [found for name in judged for found in _shown(runs[name], name)]
    share = (len(judged) - len(unshown)) / len(asked)
    missed = [
        wrong(
            "all alike" if len(set(stays.values())) == 1 else
            "against the gap" if (gap(runs[name].end[0]) <= 1e-6) == STARTS[name][1] else name,
            f"Look again at {name!r}.",
        )
        for name in asked if name not in judged
    ]  # fmt: skip
    for found in (*missed, *unshown)[:1]:
        yield wrong(found.fault, f"{len(judged)} of {len(asked)} answers are right.", share)
    yield from (*missed, *unshown)
    yield right("All five, each shown by a run that was made again.")


# --------------------------------------------------------------------------------------------------
# Scales
# --------------------------------------------------------------------------------------------------

# What comes of them, from the number of inputs and the density.
_SPARSE = (
    Mistake("dense", lambda n, d: 1 / np.sqrt(n),
            "that keeps the signal if no weight is missing"),
    Mistake("upside down", lambda n, d: np.sqrt(d / n),
            "fewer weights must be larger, not smaller"),
    Mistake("variance", lambda n, d: 1 / (d * n), "that is the variance"),
    Mistake("not rooted", lambda n, d: 1 / (d * np.sqrt(n)),
            "the density is under the root, too"),
    Mistake("bound", lambda n, d: np.sqrt(3 / (d * n)),
            "that is the bound of a uniform distribution"),
    Mistake("missing", lambda n, d: 1 / np.sqrt((1 - d) * n),
            "density is the share of weights that are kept, not of those that are zero"),
    Mistake("two", lambda n, d: np.sqrt(2 / (d * n)),
            "there is no rectifier here that halves the mean square"),
    Mistake("not inverted", lambda n, d: np.sqrt(d * n),
            "the more terms a sum has, the smaller they are"),
    *(Mistake("whole", lambda n, d, whole=whole: 1 / np.sqrt(whole(d * n)),
              "the number of weights that are kept is a mean, and need not be whole", 0.5)
      for whole in (np.floor, np.rint, np.ceil)),
)  # fmt: skip


def _sparse(answers: Answers, variant: Variant) -> Finding:
    density = variant["density"]
    # The first is so small that whole numbers of weights would show.
    n = np.array([13, *variant.rng("sparse").integers(50, 900, 4)], dtype=np.float64)
    given = (answers.call("sparse_std", int(size)) for size in n)
    found = np.array([float(_number(std, "what sparse_std returns")) for std in given])
    close = np.isclose(found, 1 / np.sqrt(density * n), rtol=1e-3)
    if close.all():
        return right("The weights that are left carry what the others would have.")
    if named := first_match(_SPARSE, lambda gives: np.allclose(found, gives(n, density), 1e-3)):
        return named
    if np.ptp(found) == 0:
        return wrong("constant", "It is the same number for every n.")
    off = int(np.argmin(close))
    return wrong("std", f"For n = {n[off]:.0f} it is not {found[off]:.4g}.")


@cache
def quantities_after(
    gains: tuple[float, ...], depth: int, width: int, seed: int, updates: int = 300
) -> dict[str, list[float]]:
    """What the sweep is about: digits, tanh, a rate of 0.1; costs and errors, one for each gain."""
    import torch

    from xavier import datasets
    from xavier.network import Network
    from xavier.training import train

    sizes = [64, *[width] * depth, 10]
    network = Network.create(sizes, "tanh", "lecun", seeds=[seed] * len(gains), gain=gains)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them wait for one another, with layers that are so small
    try:
        if updates:
            stream = datasets.stream("digits", "train", seed)
            train(network, {seed: stream}, lr=0.1, updates=updates)
    finally:
        torch.set_num_threads(threads)
    found = {}
    for split in ("test", "train"):
        data = datasets.load("digits", split)
        trace = network.forward(data.images)
        found[f"{split} cost"] = network.cost(trace, data.labels).tolist()
        found[f"{split} error"] = network.error(trace, data.labels).tolist()
    return found


_CALM = 1.3
"""Up to this gain a run can be made again elsewhere: its cost is the same to five digits.

Beyond, training amplifies the rounding of another processor or number of threads: at gains from 2
on, costs differ by 0.1, and by far more where units are saturated.
"""

_SATURATED = 30  # a gain from which on no network learned
_HALF = 1.15  # half of what guessing costs


def _other_costs(
    gain: float, said: float, again: dict[str, float], sweep: dict[str, Any]
) -> Finding:
    """Name what a row holds instead of the cost, from what a run again has."""
    cost, error, training = (again[k] for k in ("test cost", "test error", "train cost"))
    message = f"At gain {gain:.3g} your row says {said:.3f}, a run again {cost:.3f}"
    others = (
        Mistake("error", (error, 100 * error), "that is the error, not the cost"),
        Mistake("accuracy", (1 - error, 100 * (1 - error)), "that is the share of right answers"),
        Mistake("training cost", (training,), "that is the cost on the training digits"),
        Mistake("summed", (400 * cost,), "that is a sum over the test digits, not their mean"),
        Mistake("untrained", quantities_after((gain,), **sweep, updates=0)["test cost"],
                "that is the cost before training"),
    )  # fmt: skip

    def fits(gives: Sequence[float]) -> bool:
        return any(math.isclose(said, number, rel_tol=0.01) for number in gives)

    named = first_match(others, fits, message + ": {}.", 0.2)
    return named or wrong("other costs", f"{message}.", 0.2)


Ends: TypeAlias = list[tuple[float, float]]


def _crossings(gains: Array, costs: Array, level: float) -> tuple[Ends, Ends]:
    """Between which rows a band can begin, and between which it can end."""
    inside = [False, *(bool(cost < level) for cost in costs), False]
    edges = [0.0, *(float(gain) for gain in gains), math.inf]
    steps = range(len(inside) - 1)
    return (
        [(edges[i], edges[i + 1]) for i in steps if not inside[i] and inside[i + 1]],
        [(edges[i], edges[i + 1]) for i in steps if inside[i] and not inside[i + 1]],
    )


def _within(end: float, ends: Ends) -> bool:
    return any(a * 0.999 <= end <= b * 1.001 for a, b in ends)


def _band(low: float, high: float, gains: Array, costs: Array) -> Finding:
    begins, stops = _crossings(gains, costs, _HALF)
    if not begins:
        return wrong("no band", "In none of your rows the cost is below half of ln 10.", 0.5)
    starts, ends = _within(low, begins), _within(high, stops)
    if starts and ends and low < high:
        return right(f"A band from about {low:.2g} to {high:.2g}.")
    tame = max(abs(low), abs(high)) < 10
    logarithm = tame and any(
        _within(b**low, begins) and _within(b**high, stops) for b in (10.0, math.e, 2.0)
    )
    are_costs = all(any(math.isclose(end, c, rel_tol=1e-3) for c in costs) for end in (low, high))
    fault = "upper end" if starts else "lower end"
    said = (
        f"By your rows the band begins between {begins[0][0]:.3g} and {begins[0][1]:.3g}, and ends "
        f"between {stops[-1][0]:.3g} and {stops[-1][1]:.3g}."
    )
    return failing(
        (_within(high, begins) and _within(low, stops), "reversed",
         "The lower end of the band comes first.", 0.7),
        (logarithm, "logarithm", "The ends are gains, not their logarithms.", 0.7),
        (are_costs, "costs", f"The band is made of gains, not of costs. {said}", 0.5),
        (starts or ends, fault, f"The {fault} is not there. {said}", 0.7),
        (True, "band", said, 0.5),
    )[0]  # fmt: skip


def _sweep(answers: Answers, variant: Variant) -> Iterator[Finding]:
    answer = entries(answers, "sweep", "rows", "band")
    rows = _pairs(answer["rows"])
    low, high = (float(_number(end, "an end of the band")) for end in answer["band"])
    if rows.ndim != 2 or rows.shape[1] != 2:
        yield wrong("pairs", "Every row must be a pair (gain, cost).")
        return
    if len(rows) < 9:
        yield wrong("few", f"At least nine rows are wanted, not {len(rows)}.")
    gains, costs = rows[np.argsort(rows[:, 0])].T
    if not (np.isfinite(gains).all() and gains.min() > 0):
        yield wrong("gains", "Every gain must be a positive number; its logarithm is none.", 0.2)
        return
    if gains.min() > 0.02 * 1.001 or gains.max() < 50 * 0.999:
        if costs.min() <= 0.02 * 1.001 and costs.max() >= 50 * 0.999:
            yield wrong("columns", "A row has the gain first, then the cost.", 0.2)
            return
        yield wrong("range", "The gains must reach from 0.02 to 50 at least.", 0.2)
    calm = np.flatnonzero(gains <= _CALM)
    chosen, untried = [], []
    if len(calm):
        near = (int(calm[np.argmin(np.abs(np.log(gains[calm] / g)))]) for g in (1.0, 0.45))
        chosen = [*near, int(variant.rng("sweep").choice(calm)), int(calm[0])]
    if not chosen or gains[chosen[0]] < 1 / 3:
        said = f"No gain between a third and {_CALM:g} was tried; networks learn near 1."
        untried = [wrong("few", said, 0.2)]
    chosen = list(dict.fromkeys(chosen))
    asked = tuple(float(gains[i]) for i in chosen)
    told = quantities_after(asked, **variant["sweep"]) if asked else {}
    for k, (i, gain) in enumerate(zip(chosen, asked, strict=True)):
        cost, again = float(costs[i]), {name: values[k] for name, values in told.items()}
        if not math.isclose(cost, again["test cost"], rel_tol=0.05, abs_tol=0.02):
            yield _other_costs(gain, cost, again, variant["sweep"])
    saturated = np.flatnonzero((gains >= _SATURATED) & (costs < _HALF))
    for i in saturated[:1]:
        said = f"At gain {gains[i]:.3g} your row says {costs[i]:.3f}"
        yield wrong("other costs", f"{said}; nearly all units are saturated there.", 0.2)
    if not np.any(costs < _HALF) and np.ptp(np.diff(gains)) <= 1e-6 * gains.max():
        said = "Equal steps of the gain miss the band: its logarithm counts."
        yield wrong("linear", said, 0.5)
    yield from untried
    yield _band(low, high, gains, costs)


# --------------------------------------------------------------------------------------------------
# One generator for all
# --------------------------------------------------------------------------------------------------


def _other_scales(a: int, b: int) -> list[Ratio]:
    """Mistakes in the variance of a layer, from its fan-in and fan-out."""
    return [
        Ratio("fan-out", a / b, "the fan-out stands where the fan-in belongs"),
        Ratio("both fans", 2 * a / (a + b), "that is 2 / (n_in + n_out)"),
        Ratio("two", 2.0, "that is 2 / n_in, which is for rectifiers"),
        Ratio("a third", 1 / 3, "that is a third of what is asked for"),
        Ratio("not scaled", float(a), "the weights have a variance of 1 in every layer"),
    ]


def _repaired(answers: Answers, variant: Variant) -> Iterator[Finding]:
    sizes = [240, 60, 60, 240, 120]
    seed = int(variant.rng("repaired").integers(2**31))

    def draw(label: str, seed: int) -> list[Array]:
        given = answers.call("repaired", sizes, Make("rng", f"{label} of repaired", seed))
        return networks.layers(given, sizes, "what repaired returns")

    one, again, other = draw("a", seed), draw("b", seed), draw("c", seed + 1)
    pairs = networks.copied(one) or _in_common(one)
    i, j = pairs[0] if pairs else (0, 0)
    found = failing(
        (not all(np.array_equal(a, b) for a, b in zip(one, again, strict=True)),
         "another source", "The same generator gives other weights.", 0.3),
        (any(np.array_equal(a, b) for a, b in zip(one, other, strict=True)),
         "seeded inside", "Another generator gives the same weights.", 0.2),
        (any(len(np.unique(w, axis=0)) < len(w) for layer in one for w in (layer, layer.T)),
         "units tied", "Units of a layer have the same weights.", 0.2),
        (pairs, "layers alike", f"Layers {i} and {j} are made of the same numbers.", 0.3),
    )  # fmt: skip
    yield from found
    both = [np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(one, other, strict=True)]
    if not {"seeded inside", "units tied"} & {finding.fault for finding in found}:
        shapes = list(pairwise(sizes))
        for finding in samples.judge_layers(
            both, [1 / a for a, _ in shapes], samples.NORMAL, lambda i: _other_scales(*shapes[i])
        ):
            yield replace(finding, share=0.5)
    yield right("Every layer has numbers of its own, and the same seed gives them again.")


def _in_common(weights: Sequence[Array]) -> list[tuple[int, int]]:
    """Pairs of layers that have most of their numbers in common, times the root of the fan-in.

    In whatever order, and with whatever signs. Of independent numbers one in some hundred lies as
    near to another.
    """
    sizes = [np.sort(np.abs(w).ravel() * math.sqrt(len(w))) for w in weights]
    found = []
    for (i, a), (j, b) in combinations(enumerate(sizes, start=1), 2):
        few, many = sorted((a, b), key=len)
        at = np.clip(np.searchsorted(many, few), 1, len(many) - 1)
        apart = np.minimum(np.abs(many[at] - few), np.abs(many[at - 1] - few))
        if float(np.mean(apart <= 1e-6 * few)) > 0.5:
            found.append((i, j))
    return found


class Case(NamedTuple):
    """Layers from 0, of which some are planted as copies on a scale, or have a trap in common."""

    fault: str
    message: str
    planted: tuple[tuple[int, int, float], ...] = ()
    trap: tuple[int, int] | None = None


_CASES = (
    Case("too many", "a pair is named that is none"),
    Case("missed", "two neighbours of one shape are copies", ((0, 1, 1.0),)),
    Case("neighbours", "layers far from one another can be copies, too", ((1, 4, 1.0),)),
    Case("shapes", "layers of different shapes can be copies, too", ((2, 5, 1.0),)),
    Case("scaled", "the same numbers on another scale are the same numbers", ((0, 4, 0.3),)),
    Case("scaled", "the same numbers on another scale are the same numbers", ((1, 2, 2.0),)),
    Case("one only", "there can be more pairs than one", ((0, 1, 1.0), (2, 5, 1.0))),
    Case("three alike", "three that are alike are three pairs", ((0, 1, 1.0), (0, 4, 1.0))),
    Case("other order", "the same numbers in another order are no copies", trap=(0, 4)),
    Case("first few", "only the first numbers are the same", trap=(1, 2)),
)
_SHAPES = ((20, 30), (20, 30), (30, 40), (30, 10), (20, 30), (12, 50))


def _layers(case: Case, rng: np.random.Generator) -> list[Array]:
    weights = [rng.normal(0, 1 / math.sqrt(shape[0]), shape) for shape in _SHAPES]
    for i, j, scale in case.planted:
        n = min(weights[i].size, weights[j].size)
        weights[j].ravel()[:n] = scale * weights[i].ravel()[:n]
    if case.fault == "other order" and case.trap:
        i, j = case.trap
        weights[j] = rng.permutation(weights[i].ravel()).reshape(weights[i].shape)
    elif case.trap:
        i, j = case.trap
        weights[j].ravel()[:60] = weights[i].ravel()[:60]
    return weights


def _copies(answers: Answers, variant: Variant) -> Iterator[Finding]:
    rng = variant.rng("copies")
    named: set[str] = set()
    for case in _CASES:
        weights = _layers(case, rng)
        true = set(networks.copied(weights))
        given = answers.call("copies", [w.copy() for w in weights])
        said = {tuple(int(_number(k, "every layer of a pair")) for k in pair) for pair in given}
        if said == true:
            continue
        if any(len(pair) != 2 for pair in said):
            yield wrong("form", "Every entry must be a pair of two numbers.")
            return
        ordered = {(min(pair), max(pair)) for pair in said}
        share = 0.0 if case.fault in {"missed", "too many"} else 0.3
        few = ", ".join(map(str, sorted(said)[:3]))
        found = failing(
            (any(i == j for i, j in said), "itself", "A layer is no copy of itself: i < j.", 0.3),
            (true and said == {(i - 1, j - 1) for i, j in true}, "from zero",
             "Layers are counted from 1.", 0.5),
            (ordered == true, "twice", "Every pair is wanted once, the smaller number first.", 0.5),
            (said < true or case.trap, case.fault, f"Not yet: {case.message}.", share),
            (True, "too many",
             f"With {len(true)} to be found, pairs are named like {few}.", 0.0),
        )[0]  # fmt: skip
        if found.fault not in named:
            yield found
        named.add(found.fault)
    yield right("It finds what was copied, on any scale, and nothing else.")


PROBLEM_SET = parts.ProblemSet(
    name="ps1",
    title="Symmetry and scale",
    parts=(
        Part("step", 3, 10, "easy", ("step",), _step,
             "Write down the derivative by one hidden weight.",
             "01_symmetry: Equal units get equal gradients"),
        Part("symmetries", 2, 6, "easy", ("symmetries",), _symmetries,
             "In how many orders can the units of one layer stand?",
             "01_symmetry: Break the symmetry"),
        Part("tied", 5, 14, "medium", ("tied_run",), _tied,
             "Copy the weights before you train.",
             "01_symmetry: No data can untie them", own=True),
        Part("untied", 5, 14, "medium", ("untied_run",), _untied,
             "Train for longer: the wait grows with the logarithm of one over the noise.",
             "01_symmetry: A little noise is enough", own=True),
        Part("stays", 5, 14, "hard", ("stays", "runs"), _stays,
             "What exchanges two units, and leaves the training as it was?",
             "01_symmetry: Equal units get equal gradients", own=True),
        Part("sparse", 2, 5, "easy", ("sparse_std",), _sparse, "How many terms does a sum have?",
             "04_forward: Step 3: a sum of n"),
        Part("sweep", 6, 12, "medium", ("sweep",), _sweep,
             "Take the gains at equal steps of their logarithm.",
             "03_scale: What too large and too small look like", own=True),
        Part("repaired", 4, 6, "easy", ("repaired",), _repaired,
             "Who makes a generator, and how often?",
             "01_symmetry: Break it: one initializer, used twice"),
        Part("copies", 3, 9, "medium", ("copies",), _copies,
             "Compare as many numbers as the smaller one has.",
             "01_symmetry: Break it: one initializer, used twice"),
    ),
    draw=_draw,
    withheld=(),
    minutes=100,
)  # fmt: skip
