"""By which law weights seem to have been drawn, mistakes included.

A variance is recognized by the weights' mean square, within the error of a sample of so many, and
where that tells two laws apart by their distribution. Many laws agree on a square layer; over all
layers of a model they do not, so that `recognize` names for each layer the law that fits most
weights of the whole model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from xavier import rules, theory
from xavier.activations import Named, get
from xavier.rules import Rule
from xavier.uses import Use

_ERRORS = 4.0  # standard errors of a mean square: chance exceeds them once in 16,000
_LEAST = 100  # weights of a layer whose law is named: the error of their variance is 10 % or so
_SAMPLE = 100_000  # weights that are looked at: they tell the variance to half a percent


Variance: TypeAlias = Callable[[float, float, Use], float]
"""Of one weight, from fan-in and fan-out, and from the rest of what is known of a use."""


class Law(NamedTuple):
    """A variance that weights may have been drawn with.

    Attributes:
        name: as it is said.
        variance: of a use; 0 where the law does not apply.
        shape: "uniform", "normal", or None for any.
        mistake: what is wrong with it, or nothing.
    """

    name: str
    variance: Variance
    shape: str | None = None
    mistake: str = ""


def needed(activation: Named | None) -> float:
    """What n_in Var[W] should be in front of this activation: the gain squared.

    An odd activation with slope 1 at 0 that shrinks what is large keeps small signals with 1. Of
    the others it is the gain that keeps a variance of 1; 1 where no formula is known, and for the
    sigmoid, whose signals settle with any.

    >>> needed("tanh"), needed("relu"), round(needed(("leaky_relu", 0.2)), 4)
    (1.0, 2.0, 1.9231)
    """
    return 1.0 if activation in (None, "sigmoid") else _gain_squared(activation)


@cache
def _gain_squared(activation: Named) -> float:
    f = get(activation)
    try:
        return 1.0 if f.parity == "odd" and f.slope == 1 else round(float(theory.gain(f)) ** 2, 12)
    except ValueError:
        return 1.0


def _times(rule: Rule, factor: float = 1.0, power: int = 1) -> Variance:
    return lambda n_in, n_out, use: factor * rule(n_in, n_out) ** power


def _plain(rule: Rule) -> Variance:
    """By the fans that torch.nn.init takes, which knows neither groups nor strides."""
    return lambda n_in, n_out, use: rule(*(use.plain or (n_in, n_out)))


def _backward(n_in: float, n_out: float) -> float:
    return float(rules.he(n_out, n_in))


def _mistakes(name: str, rule: Rule) -> tuple[Law, ...]:
    return (
        Law(f"{name}, std as bound", _times(rule, 1 / 3), "uniform",
            "the std is used as the bound, which leaves a third of the variance"),
        Law(f"{name}, bound as std", _times(rule, 3.0), "normal",
            "the bound of a uniform distribution is used as the std: three times the variance"),
        Law(f"{name}, kernel forgotten", lambda n, m, use: use.kernel * rule(n, m), None,
            "of the receptive field only the channels are counted"),
        Law(f"{name}, variance as std", _times(rule, power=2), "normal",
            "the variance is used where the std belongs"),
        Law(f"{name}, variance as bound", _times(rule, 1 / 3, 2), "uniform",
            "the variance is used as the bound"),
    )  # fmt: skip


LAWS: tuple[Law, ...] = (
    *(Law(name, _times(rules.RULES[name])) for name in ("lecun", "glorot", "he")),
    Law("standard", _times(rules.standard), "uniform"),
    Law("standard, torch's fans", _plain(rules.standard), "uniform"),
    Law("he, backward", _times(_backward)),
    Law("glorot, torch's fans", _plain(rules.glorot)),
    Law("he, torch's fans", _plain(rules.he)),
    Law("he, backward, torch's fans", _plain(_backward)),
    Law("the unit's gain", lambda n, m, use: needed(use.curve) / n),
    Law("glorot, gain 2^1/2", _times(rules.glorot, 2.0)),
    Law("glorot, gain 5/3", _times(rules.glorot, 25 / 9)),
    Law("torch's recurrent", lambda n, m, use: (use.activation == "gates") / (3 * m), "uniform"),
    Law("std 0.02", lambda n, m, use: 4e-4, "normal"),
    Law("std 0.01", lambda n, m, use: 1e-4, "normal"),
    *(law for name in ("he", "glorot", "lecun") for law in _mistakes(name, rules.RULES[name])),
    Law("he, gain twice", _times(rules.he, 2.0), None, "the gain is applied twice"),
    Law("the unit's gain, twice", lambda n, m, use: needed(use.curve) ** 2 / n, None,
        "the gain is applied twice"),
    Law("lecun, fans swapped", lambda n, m, use: rules.lecun(m, n), None,
        "fan-in and fan-out are swapped"),
    Law("glorot, packed as one",
        lambda n, m, use: rules.glorot(n, use.packed * m) if use.packed > 1 else 0.0, None,
        "matrices that lie in one tensor are counted as one"),
)  # fmt: skip
"""Laws, of which the first is named where several fit as many weights; mistakes come last.

:meta hide-value:"""


_ORTHOGONAL = Law("orthogonal", lambda n, m, use: 0.0)


class Draw(NamedTuple):
    """Weights as a sample: mean, mean square, kurtosis, and how many of them were looked at."""

    mean: float
    square: float
    kurtosis: float
    number: int

    def fits(self, law: Law, use: Use) -> bool:
        """Whether the mean square is the law's, within its error, and the shape too."""
        n_in, n_out = use.fans or (math.nan, math.nan)
        variance = float(law.variance(n_in, n_out, use))
        known = 0 < variance < math.inf and self.square > 0 and not use.weight.is_complex()
        if self.number < _LEAST or not known:
            return False
        error = _ERRORS * math.sqrt(max(0.0, self.kurtosis - 1) / self.number) + 1e-3
        uniform = self.kurtosis < 2.1  # 1.8, and 3 of a normal distribution
        shape = law.shape is None or (law.shape == "uniform") == uniform
        return shape and abs(math.log(self.square / variance)) < error


def draw_of(weight: Tensor) -> Draw:
    """The weights as a sample; of a large tensor every so many, of complex ones both parts."""
    flat = weight.reshape(-1)
    some = flat[:: max(1, flat.numel() // _SAMPLE) | 1]
    parts = torch.view_as_real(some).flatten() if some.is_complex() else some
    values = parts.cpu().double()
    square = float(values.square().mean())
    kurtosis = float(values.square().square().mean()) / square**2 if square else math.nan
    total = square * (len(parts) // len(some))
    return Draw(float(values.mean()), total, kurtosis, len(some))


def _is_orthogonal(weight: Tensor) -> bool:
    """Whether the shorter of rows and columns are orthogonal and of one length, 64 at most."""
    matrix = weight.flatten(1) if weight.dim() > 1 else weight[None]
    if min(matrix.shape) < 8 or weight.is_complex():
        return False
    some = (matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT)[:64].cpu().double()
    gram = some @ some.mT
    size = float(gram.diagonal().mean())
    off = gram - size * torch.eye(len(gram), dtype=gram.dtype)
    return size > 0 and float(off.abs().max()) < 1e-3 * size


def recognize(uses: Sequence[Use], draws: Sequence[Draw]) -> list[Law | None]:
    """For each use of a weight the law that fits it, of several the one that fits most weights.

    Orthogonal weights are called so, and no mistake is named where weights are computed from others
    that were drawn.
    """
    fitting = [
        [k for k, law in enumerate(LAWS) if draw.fits(law, use) and (use.full or not law.mistake)]
        for use, draw in zip(uses, draws, strict=True)
    ]
    weights = [0] * len(LAWS)
    for ks, draw in zip(fitting, draws, strict=True):
        for k in ks:
            weights[k] += draw.number
    return [
        _ORTHOGONAL if _is_orthogonal(use.weight)
        else LAWS[min(ks, key=lambda k: (-weights[k], k))] if ks else None
        for use, ks in zip(uses, fitting, strict=True)
    ]  # fmt: skip
