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
        kinks: where f or its slope jumps, 0 aside.
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
    kinks: tuple[float, ...] = ()
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

    def saturated(self, z: Any) -> Any:
        """Which of the outputs ``z`` are saturated: a tensor or array of bool in its shape."""
        low, high = self.saturation or (math.nan, math.nan)  # which nothing is above or below
        return (z <= low) | (z >= high)


Named: TypeAlias = str | tuple[str, float] | Activation | Callable[[Tensor], Tensor]
"""An activation, or its name, or the pair of "leaky_relu" and its slope below 0, or any function
of a tensor (see `get`)."""

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

Two of the properties in which it differs from tanh can so be changed one at a time.

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
        saturation=(0.0, math.inf) if 0 <= a <= SATURATED_SLOPE else None,
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

    Of a function of a tensor, such as ``torch.nn.functional.mish`` or a module, the slope is
    autograd's, and its kinks are searched for from -50 to 50; two that are nearer than 0.005 can
    be missed. That takes some hundredths of a second: keep what is returned for many calls.

    >>> get("steep_sigmoid").slope, get(("leaky_relu", 0.2)).range
    (1.0, (-inf, inf))
    >>> get(torch.nn.Hardtanh(-2.0, 1.0)).kinks
    (-2.0, 1.0)

    Args:
        activation: its name, a pair of "leaky_relu" and its slope below 0, a function that gives
            for every element of a tensor in double precision an element, or an activation, which
            is returned as it is.
        argument: what an error calls it.

    Returns:
        The activation. Of a function its ``range`` is not known (two nan), ``saturation`` is None,
        and ``expression`` raises a ValueError, as ``derivative`` does where the function jumps.

    Raises:
        TypeError: a slope is no number, or the function cannot take a tensor in double precision
            or returns none of its shape and dtype.
        ValueError: there is none of this name, or the function has no finite value somewhere, no
            gradient, or does not give each element its own result, the same every time.
    """
    if isinstance(activation, Activation):
        return activation
    known = ACTIVATIONS | VARIANTS | MODERN
    match activation:
        case "leaky_relu":
            return leaky_relu()
        case ("leaky_relu", slope):
            return leaky_relu(slope)
    if callable(activation):
        return _of_function(activation, argument)
    return known[checks.one_of(argument, activation, [*known, "leaky_relu"])]


_SEEN = torch.arange(-10_000, 10_001, dtype=torch.float64) / 200


def jumps(function: Callable[[Tensor], Tensor]) -> list[float]:
    """Where a function of each element jumps between -50 and 50.

    Every interval of a grid is halved until its ends are neighbours, each time towards the half
    in which the function changes more. A difference that is still there is a jump.

    >>> jumps(lambda s: torch.floor(s / 20))
    [-40.0, -20.0, 0.0, 20.0, 40.0]
    """
    low, high = _SEEN[:-1], _SEEN[1:]
    below, above = function(low), function(high)
    size = function(_SEEN[_SEEN.abs() <= 5]).abs().max()
    for _ in range(60):
        larger = torch.maximum(below.abs(), above.abs()).clamp(min=size)
        jump = (above - below).abs() > 1e-6 * larger
        low, high, below, above = low[jump], high[jump], below[jump], above[jump]
        middle = (low + high) / 2
        value = function(middle)
        left = (value - below).abs() > (above - value).abs()
        low, high = torch.where(left, low, middle), torch.where(left, middle, high)
        below, above = torch.where(left, below, value), torch.where(left, value, above)
    return sorted({round(s, 9) + 0.0 for s in high.tolist()})


def _of_function(f: Callable[[Tensor], Tensor], argument: str) -> Activation:
    name = getattr(f, "__name__", type(f).__name__)

    def value(s: Tensor) -> Tensor:
        return f(s.clone())  # which may be changed in place

    def refuse(must: str, kind: type[Exception] = ValueError) -> Exception:
        return kind(f"{argument} must {must}, got {name}")

    try:
        with torch.no_grad():
            z, some = value(_SEEN), value(_SEEN[3::7].flip(0))
    except Exception as error:
        raise refuse(f"take a tensor in double precision ({error})", TypeError) from error
    if not isinstance(z, Tensor) or (z.shape, z.dtype) != (_SEEN.shape, _SEEN.dtype):
        raise refuse("return a tensor of the shape and the dtype that it is given", TypeError)
    if not bool(z.isfinite().all()):
        where = float(_SEEN[~z.isfinite()][0])
        raise refuse(f"be finite from -50 to 50, and is {float(z[~z.isfinite()][0])} at {where:g}")
    if not torch.allclose(z[3::7], some.flip(0), rtol=1e-9, atol=1e-12):
        raise refuse("give each element a result of its own, the same every time")
    derivative = _slope(value)
    try:
        slopes = derivative(_SEEN, z)
    except RuntimeError as error:
        raise refuse(f"have a gradient by autograd ({error})") from error
    broken = jumps(value)
    kinks = sorted({*broken, *jumps(lambda s: derivative(s, s))})

    def no_derivative(s: Tensor, z: Tensor) -> Tensor:
        raise ValueError(f"{argument} must have a slope, got {name}, which jumps at {broken[0]:g}")

    def no_expression(x: Any) -> Any:
        raise ValueError(f"{argument} must be known by name to have an expression, got {name}")

    return Activation(
        name=name,
        value=value,
        derivative=no_derivative if broken else derivative,
        expression=no_expression,
        slope=None if 0.0 in kinks else float(slopes[len(slopes) // 2]),
        parity="odd" if torch.allclose(z, -z.flip(0), rtol=1e-12, atol=1e-12) else "neither",
        range=(math.nan, math.nan),
        saturation=None,
        kinks=tuple(kink for kink in kinks if kink),
    )
