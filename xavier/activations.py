"""Activation functions, each with all that the book needs to know of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from xavier import checks

SATURATED_SLOPE = 0.05
"""A unit counts as saturated where its slope is below this share of the steepest slope.

For tanh that is beyond 0.975, for softsign beyond 0.776, for the sigmoid outside 0.0127 to
0.9873. One definition for all, so that different activations can be compared."""


@dataclass(frozen=True)
class Activation:
    """One activation function f, applied to each unit's weighted sum: z = f(s).

    Attributes:
        name: its name in `ACTIVATIONS`.
        value: f as a function of a torch tensor of any shape.
        derivative: f'(s) as a function of ``(s, z)``, of which each activation uses the one
            that is exact and cheap.
        expression: f as a function of a SymPy expression.
        slope: f'(0), or None where it does not exist.
        parity: "odd" where f(-s) = -f(s), else "neither".
        range: infimum and supremum of f.
        saturation: outputs up to the first and from the second number on are saturated, by the
            definition of `SATURATED_SLOPE`; None where that never happens, or where the output
            does not tell (that of gelu and silu comes back to 0).
        fused: multiplies a tensor by f'(s) in place, given ``(tensor, z)``, in one pass over
            memory where torch has one; the same numbers as with ``derivative``, to rounding.
    """

    name: str
    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor, Tensor], Tensor]
    expression: Callable[[Any], Any]
    slope: float | None
    parity: Literal["odd", "neither"]
    range: tuple[float, float]
    saturation: tuple[float, float] | None
    fused: Callable[[Tensor, Tensor], Tensor] | None = None

    def chain_(self, gradient: Tensor, s: Tensor, z: Tensor) -> Tensor:
        """Take a gradient back through the activation: ``gradient`` times f'(s), in place (eq. 2).

        Args:
            gradient: with respect to ``z``; overwritten by the one with respect to ``s``.
            s: weighted sums.
            z: f(s).
        """
        if self.fused is not None:
            return self.fused(gradient, z)
        return gradient.mul_(self.derivative(s, z))

    def saturated(self, z: Tensor) -> Tensor:
        """Which of the outputs ``z`` are saturated, as a bool tensor of the same shape."""
        if self.saturation is None:
            return torch.zeros_like(z, dtype=torch.bool)
        low, high = self.saturation
        return (z <= low) | (z >= high)


Named: TypeAlias = str | tuple[str, float] | Activation
"""An activation, or its name, or the pair of "leaky_relu" and its slope below 0 (see `get`)."""

# Where the slope has fallen to SATURATED_SLOPE of its largest: 1 - z^2 for tanh, (1 - |z|)^2
# for softsign, 4 z (1 - z) for the sigmoid.
_TANH_KNEE = math.sqrt(1 - SATURATED_SLOPE)
_SOFTSIGN_KNEE = 1 - math.sqrt(SATURATED_SLOPE)
_SIGMOID_KNEE = (1 + _TANH_KNEE) / 2


def _sympy() -> Any:
    import sympy  # takes a second, which few who need an activation should wait for

    return sympy


def _logistic(x: Any) -> Any:
    return 1 / (1 + _sympy().exp(-x))


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(
            name="sigmoid",
            value=torch.sigmoid,
            derivative=lambda s, z: z * (1 - z),
            expression=_logistic,
            slope=0.25,
            parity="neither",
            range=(0.0, 1.0),
            saturation=(1 - _SIGMOID_KNEE, _SIGMOID_KNEE),
            fused=lambda g, z: torch.ops.aten.sigmoid_backward.grad_input(g, z, grad_input=g),
        ),
        Activation(
            name="tanh",
            value=torch.tanh,
            derivative=lambda s, z: 1 - z * z,
            expression=lambda x: _sympy().tanh(x),
            slope=1.0,
            parity="odd",
            range=(-1.0, 1.0),
            saturation=(-_TANH_KNEE, _TANH_KNEE),
            fused=lambda g, z: torch.ops.aten.tanh_backward.grad_input(g, z, grad_input=g),
        ),
        Activation(
            name="softsign",
            value=torch.nn.functional.softsign,
            # From s, not z: 1 - |z| loses its digits where the unit saturates.
            derivative=lambda s, z: (1 + s.abs()).square().reciprocal(),
            expression=lambda x: x / (1 + _sympy().Abs(x)),
            slope=1.0,
            parity="odd",
            range=(-1.0, 1.0),
            saturation=(-_SOFTSIGN_KNEE, _SOFTSIGN_KNEE),
        ),
        Activation(
            name="relu",
            value=torch.relu,
            derivative=lambda s, z: (s > 0).to(s.dtype),
            expression=lambda x: _sympy().Max(0, x),
            slope=None,
            parity="neither",
            range=(0.0, math.inf),
            saturation=(0.0, math.inf),
        ),
        Activation(
            name="identity",
            value=lambda s: s,
            derivative=lambda s, z: torch.ones_like(s),
            expression=lambda x: x,
            slope=1.0,
            parity="odd",
            range=(-math.inf, math.inf),
            saturation=None,
        ),
    )
}
"""The activations by name; sigmoid, tanh and softsign are the paper's three.

:meta hide-value:"""

VARIANTS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(
            name="centred_sigmoid",
            value=lambda s: 0.5 * torch.tanh(0.5 * s),  # which keeps the digits near 0
            derivative=lambda s, z: 0.25 - z * z,
            expression=lambda x: _logistic(x) - _sympy().Rational(1, 2),
            slope=0.25,
            parity="odd",
            range=(-0.5, 0.5),
            saturation=(0.5 - _SIGMOID_KNEE, _SIGMOID_KNEE - 0.5),
        ),
        Activation(
            name="steep_sigmoid",
            value=lambda s: torch.sigmoid(4 * s),
            derivative=lambda s, z: 4 * z * (1 - z),
            expression=lambda x: _logistic(4 * x),
            slope=1.0,
            parity="neither",
            range=(0.0, 1.0),
            saturation=(1 - _SIGMOID_KNEE, _SIGMOID_KNEE),
        ),
        Activation(
            name="steep_centred_sigmoid",
            value=lambda s: 0.5 * torch.tanh(2 * s),
            derivative=lambda s, z: 1 - 4 * z * z,
            expression=lambda x: _logistic(4 * x) - _sympy().Rational(1, 2),
            slope=1.0,
            parity="odd",
            range=(-0.5, 0.5),
            saturation=(0.5 - _SIGMOID_KNEE, _SIGMOID_KNEE - 0.5),
        ),
    )
}
"""The sigmoid shifted to zero mean, made as steep as tanh, and both.

The two properties in which it differs from tanh can so be changed one at a time.

:meta hide-value:"""


def _slope(value: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """f'(s) by automatic differentiation."""

    def derivative(s: Tensor, z: Tensor) -> Tensor:
        with torch.enable_grad():
            s = s.detach().requires_grad_()
            return torch.autograd.grad(value(s).sum(), s)[0]

    return derivative


@cache
def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """max(0, s) + negative_slope min(0, s)."""
    a = checks.finite("negative_slope", negative_slope)
    f = partial(torch.nn.functional.leaky_relu, negative_slope=a)
    return Activation(
        name="leaky_relu",
        value=f,
        derivative=_slope(f),
        expression=lambda x: _sympy().Max(0, x) + _sympy().Float(a, 40) * _sympy().Min(0, x),
        slope=1.0 if a == 1 else None,
        parity="odd" if a == 1 else "neither",
        range=(-math.inf if a > 0 else 0.0, math.inf),
        saturation=(0.0, math.inf) if a == 0 else None,
    )


_SELU = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772

MODERN: dict[str, Activation] = {
    name: Activation(
        name=name,
        value=(value := getattr(torch.nn.functional, name)),
        derivative=_slope(value),
        expression=expression,
        slope=slope,
        parity="neither",
        range=(least, math.inf),
        saturation=saturation,
    )
    for name, slope, least, saturation, expression in (
        (
            "gelu", 0.5, -0.16997120747990369, None,
            lambda x: x * (1 + _sympy().erf(x / _sympy().sqrt(2))) / 2,
        ),
        ("silu", 0.5, -0.27846454276107380, None, lambda x: x * _logistic(x)),
        (
            "elu", 1.0, -1.0, (SATURATED_SLOPE - 1, math.inf),
            lambda x: _sympy().Max(0, x) + _sympy().exp(_sympy().Min(0, x)) - 1,
        ),
        (
            "selu", None, -_SELU[1], (_SELU[1] * (SATURATED_SLOPE - 1), math.inf),
            lambda x: _SELU[0] * _sympy().Max(0, x)
            + _SELU[1] * (_sympy().exp(_sympy().Min(0, x)) - 1),
        ),
    )
}  # fmt: skip
"""What came after the paper, beside `leaky_relu`.

:meta hide-value:"""


def get(activation: Named, argument: str = "activation") -> Activation:
    """The activation of this name: in `ACTIVATIONS`, `VARIANTS`, `MODERN`, or "leaky_relu".

    >>> get("steep_sigmoid").slope, get(("leaky_relu", 0.2)).range
    (1.0, (-inf, inf))

    Args:
        activation: its name, a pair of "leaky_relu" and its slope below 0, or an activation, which
            is returned as it is.
        argument: what an error calls it.

    Raises:
        TypeError: a slope is no number.
        ValueError: there is none of this name.
    """
    if isinstance(activation, Activation):
        return activation
    known = ACTIVATIONS | VARIANTS | MODERN
    match activation:
        case "leaky_relu":
            return leaky_relu()
        case ("leaky_relu", slope):
            return leaky_relu(slope)
    return known[checks.one_of(argument, activation, [*known, "leaky_relu"])]
