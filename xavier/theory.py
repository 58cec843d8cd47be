r"""Beyond the linear regime: what wide random networks do to variances, layer by layer.

In a wide layer with random weights the weighted sums are normal, with one variance q for all
units. Two numbers then say everything about the next layer: the variance of its own sums, and
the factor that it puts on a gradient coming back (Poole et al. 2016; Schoenholz et al. 2017).
With n Var[W] = gain squared,

.. math::

   q' = g^2\, E[f(\sqrt q\, z)^2] + \sigma_b^2, \qquad
   \chi = g^2\, E[f'(\sqrt q\, z)^2], \qquad z \sim N(0, 1).

For f(s) = s these are eqs. 5 and 6 of the paper; everything else is what its linear regime
leaves out. What becomes of two inputs, beside each other, takes one number more, their
correlation (`correlation_map`). Widths are taken as infinite and biases as zero unless they are
given.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from torch import Tensor

from xavier import activations, checks
from xavier.activations import Activation, Named

if TYPE_CHECKING:
    from sympy import Expr, Symbol  # takes a second, which only the last of all needs

_NODES = 40  # of the Gauss-Legendre rule on each panel
_REACH = 13.0  # standard deviations integrated over; beyond lies less than 1e-37
_SUMS = torch.arange(-(10**5), 10**5 + 1, dtype=torch.float64) / 2000  # for the steepest slope


def variance_map(
    activation: Named,
    q: float,
    *,
    gain: float = 1.0,
    bias: float = 0.0,
) -> float:
    """Variance of the next layer's weighted sums, q'.

    >>> round(variance_map("identity", 3.0, gain=2.0, bias=0.5), 6)
    12.5

    Args:
        activation: name that `xavier.activations.get` knows, an activation, or any function of a
            tensor, such as ``torch.nn.functional.mish``.
        q: variance of this layer's weighted sums, at least 0.
        gain: root of n Var[W].
        bias: variance of a bias, at least 0.

    Raises:
        TypeError: a number is none.
        ValueError: the activation is unknown, or a number is negative or not finite; see
            `xavier.activations.get` for what is refused of a function.
    """
    f = activations.get(activation)
    gain, bias = checks.not_negative("gain", gain), checks.not_negative("bias", bias)
    return gain * gain * _square(f, q) + bias


def gradient_map(activation: Named, q: float, *, gain: float = 1.0) -> float:
    """Factor of one layer on the variance of a gradient on its way back, chi.

    Arguments and errors as in `variance_map`.

    >>> round(gradient_map("relu", 1.0), 6)  # half of the units let nothing through
    0.5
    """
    f = activations.get(activation)
    gain = checks.not_negative("gain", gain)
    return gain * gain * _expectation(lambda s: f.derivative(s, f.value(s)).square(), q, f.kinks)


def axis_spread(activation: Named, q: float, *, layers: int = 1, orthogonal: bool = False) -> float:
    r"""Variance of the squared singular values of a product of Jacobians, over their squared mean.

    0 if all axes are equally long, as dynamical isometry asks (and that they are near 1). At
    infinite width what independent factors have of it adds up, whatever the scale of the weights,
    so that ``layers`` of one variance have

    .. math:: L \left(\frac{E[f'(s)^4]}{E[f'(s)^2]^2} - 1 + w\right)

    with w = 1 for weights that are drawn independently and w = 0 for orthogonal ones (Pennington
    et al. 2017).

    >>> [round(axis_spread("relu", 1.0, layers=10, orthogonal=how), 6) for how in (False, True)]
    [20.0, 10.0]

    Args:
        activation: as in `variance_map`.
        q: variance of the weighted sums, the same in all layers.
        layers: factors of the product, at least 1.
        orthogonal: whether weights are.

    Raises:
        TypeError, ValueError: as in `variance_map`, or there is no layer.
    """
    f = activations.get(activation)
    square = _expectation(lambda s: f.derivative(s, f.value(s)).square(), q, f.kinks)
    fourth = _expectation(lambda s: f.derivative(s, f.value(s)) ** 4, q, f.kinks)
    slopes = fourth / square**2 - 1
    return checks.positive_int("layers", layers) * (slopes + (not orthogonal))


def correlation_map(
    activation: Named,
    correlation: float,
    q: float,
    *,
    gain: float = 1.0,
    bias: float = 0.0,
) -> float:
    r"""Correlation of two inputs' weighted sums in the next layer, c'.

    For two inputs the sums of one unit, over draws of the weights, are a pair of normal variables
    u and v. Taken with one variance q for both, they have one number more, their correlation c,
    and the next layer has

    .. math:: c' = \frac{g^2\, E[f(u) f(v)] + \sigma_b^2}{q'}

    (Poole et al. 2016). Weights have mean 0, so that c is also the cosine of the angle between
    what the two inputs are to the layer. Without biases c' depends on the gain only through q.

    >>> round(correlation_map("relu", 0.0, 1.0), 6)  # 1 / pi: rectifiers make inputs alike
    0.31831

    Args:
        activation, bias: as in `variance_map`.
        correlation: c, from -1 to 1.
        q: variance of this layer's weighted sums, above 0 and the same for both inputs.
        gain: root of n Var[W], above 0.

    Raises:
        TypeError: a number is none.
        ValueError: the activation is unknown, or a number is outside of its range.
    """
    f = activations.get(activation)
    q, gain = checks.positive("q", q), checks.positive("gain", gain)
    bias = checks.not_negative("bias", bias)
    c = checks.finite("correlation", correlation)
    if abs(c) > 1:
        raise ValueError(f"correlation must be from -1 to 1, got {correlation!r}")
    product = gain * gain * _expected_product(f.value, f.kinks, q, c) + bias
    variance = variance_map(f, q, gain=gain, bias=bias)
    return max(-1.0, min(1.0, product / variance))  # at the ends rounding could lead outside


def propagate(
    activation: Named,
    q: float,
    layers: int,
    *,
    gain: float = 1.0,
    bias: float = 0.0,
) -> pd.DataFrame:
    """Follow the variance through a deep network of equal widths, and the gradient back.

    Args:
        activation, gain, bias: as in `variance_map`.
        q: variance of the first layer's weighted sums.
        layers: how many layers are followed, at least 1.

    Returns:
        Rows ``layer`` (from 1), ``variance`` (of the weighted sums), ``activation`` (mean square
        of what the units say), ``gradient`` (mean square of the back-propagated gradient by the
        weighted sums, as a multiple of that at the last layer) and ``weight_gradient`` (the
        product of the gradient and of the mean square that enters the layer, scaled to 1 at the
        last layer; from layer 2 on).
    """
    f = activations.get(activation)
    layers = checks.positive_int("layers", layers)
    rows = []
    for layer in range(1, layers + 1):
        rows.append((layer, q, _square(f, q), gradient_map(f, q, gain=gain)))
        q = variance_map(f, q, gain=gain, bias=bias)
    table = pd.DataFrame(rows, columns=["layer", "variance", "activation", "chi"])
    # The gradient at layer l has crossed the slopes of layers l to L - 1.
    chi = table.pop("chi").to_numpy()
    table["gradient"] = np.append(np.cumprod(chi[:-1][::-1])[::-1], 1.0)
    product = table.gradient * table.activation.shift(1)
    return table.assign(weight_gradient=product / product.iloc[-1])


def fixed_points(activation: Named, *, gain: float = 1.0, bias: float = 0.0) -> pd.DataFrame:
    """All variances that a layer leaves as they are, from 0 to infinity.

    A deep network settles at one that attracts: which, is decided by where it starts. Looked for
    between 1e-8 and 1e8, a quarter of a power of ten at a time.

    >>> fixed_points("gelu", gain=gain("gelu")).round(6)  # keeps 1, and no other near it
       variance  attracts
    0       0.0      True
    1       1.0     False
    2       inf      True

    Args:
        activation, gain, bias: as in `variance_map`.

    Returns:
        Rows ``variance`` (0 where silence stays silence, infinity where everything large grows)
        and ``attracts``.

    Raises:
        ValueError: every variance stays as it is (identity at gain 1, relu at gain sqrt 2), so
            that there is none to settle at; or the activation is unknown.
    """
    f = activations.get(activation)

    def change(log_q: float) -> float:
        q = math.exp(log_q)
        after = variance_map(f, q, gain=gain, bias=bias)
        return after / q - 1 if math.isfinite(after) else 1e300

    grid = [k / 4 * math.log(10) for k in range(-32, 33)]
    # Where nothing changes to rounding, as in the linear part of many, the next that does decides.
    changes = [(log_q, x) for log_q in grid if not abs(x := change(log_q)) <= 1e-11]
    if not changes:
        raise ValueError(f"gain = {gain!r} keeps every variance with {f.name}: no fixed point")
    silent = variance_map(f, 0.0, gain=gain, bias=bias) == 0
    found = [(0.0, changes[0][1] < 0)] if silent else []
    for (low, before), (high, after) in itertools.pairwise(changes):
        if (before < 0) != (after < 0):
            root = brentq(change, low, high, xtol=1e-13, rtol=1e-13)
            found.append((math.exp(root), before > 0))
    if changes[-1][1] > 0:
        found.append((math.inf, True))
    return pd.DataFrame(found, columns=["variance", "attracts"])


def fixed_point(activation: Named, *, gain: float = 1.0, bias: float = 0.0) -> float:
    """The variance at which a deep network settles: 0 if it dies out, infinity if it grows.

    Arguments as in `variance_map`.

    >>> fixed_point("tanh"), round(fixed_point("tanh", gain=2.0), 4)
    (0.0, 2.1215)

    Raises:
        ValueError: as in `fixed_points`, or more than one of them attracts, so that it depends on
            the variance of the first layer's sums.
    """
    points = fixed_points(activation, gain=gain, bias=bias)
    where = points.variance[points.attracts].to_list()
    if len(where) != 1:
        ends = " or ".join(f"{q:.4g}" for q in where)
        raise ValueError(
            f"gain = {gain!r} with {activations.get(activation).name} leads to {ends}, depending "
            "on where it starts: see fixed_points"
        )
    return float(where[0])


class DepthScales(NamedTuple):
    """Where a deep network settles, and over how many layers; made by `depth_scales`.

    Attributes:
        variance: of the weighted sums, once it has settled.
        chi: what a layer does to the variance of gradients then (`gradient_map`); where that dies
            out, the limit.
        correlation: of the sums of any two inputs, once it has settled; not a number where every
            one is kept.
        of_correlation: layers in which the distance from that correlation falls by a factor e.
        of_gradient: layers in which the variance of a gradient changes by a factor e.
    """

    variance: float
    chi: float
    correlation: float
    of_correlation: float
    of_gradient: float


def depth_scales(activation: Named, *, gain: float = 1.0, bias: float = 0.0) -> DepthScales:
    r"""How deep a signal reaches into a wide network, in layers (Schoenholz et al. 2017).

    Close to the correlation :math:`c^*` at which two inputs settle, their distance from it is
    multiplied in each layer by the slope of `correlation_map`,
    :math:`g^2 E[f'(u) f'(v)] = e^{-1/\xi_c}`, and gradients are multiplied by
    :math:`\chi = e^{\pm 1/\xi_\nabla}`. Both scales are infinite on the critical line, where
    chi is 1, on which distances fall as a power of the depth. Where the variance dies out, a smooth
    unit is linear in the end and keeps every correlation; units with a kink at 0 make all alike,
    by a power of the depth.

    >>> found = depth_scales("tanh", gain=1.75, bias=0.05)
    >>> round(found.correlation, 3), round(found.of_correlation, 2), round(found.of_gradient, 2)
    (0.286, 8.85, 5.07)

    Args:
        activation, gain, bias: as in `variance_map`.

    Raises:
        ValueError: as in `fixed_point`; or the variance grows without end, or dies out where the
            activation is flat, so that no slope tells what becomes of correlations.
    """
    f = activations.get(activation)
    q = fixed_point(f, gain=gain, bias=bias)
    if not math.isfinite(q):
        raise ValueError(f"gain must be one at which {f.name} settles, got {gain!r}: q grows")
    chi = gradient_map(f, q, gain=gain)
    if q == 0:
        around = torch.tensor([-1e-9, 1e-9], dtype=torch.float64)
        left, right = f.derivative(around, f.value(around)).tolist()
        if max(abs(left), abs(right)) < 1e-6:
            raise ValueError(
                f"activation must have a slope at 0 where the variance dies out, got {f.name}"
            )
        smooth = math.isclose(left, right, rel_tol=1e-6)
        chi = chi if smooth else gradient_map(f, 1e-18, gain=gain)
        return DepthScales(q, chi, math.nan if smooth else 1.0, math.inf, _layers(chi))

    def change(c: float) -> float:
        return correlation_map(f, c, q, gain=gain, bias=bias) - c

    # The map has a power series with weights that are not negative: it is convex above 0.
    nearly = 1 - 1e-6
    if chi <= 1 or change(nearly) >= 0:
        return DepthScales(q, chi, 1.0, _layers(chi), _layers(chi))
    settled = 0.0 if change(0.0) < 1e-12 else brentq(change, 0.0, nearly, xtol=1e-13)
    slopes = _expected_product(lambda s: f.derivative(s, f.value(s)), f.kinks, q, settled)
    return DepthScales(q, chi, settled, _layers(gain * gain * slopes), _layers(chi))


def _layers(factor: float) -> float:
    """In how many layers a factor a layer adds up to e or to 1/e."""
    if factor <= 0:
        return 0.0
    return math.inf if factor == 1 else 1 / abs(math.log(factor))


class Gain(float):
    """A gain that says what it keeps and what gradients pay for it; else a float.

    Attributes:
        activation: name of the activation.
        q: variance of the weighted sums that the gain keeps.
        chi: what a layer does to the variance of gradients then (`gradient_map`).
    """

    activation: str
    q: float
    chi: float

    def __str__(self) -> str:
        return (
            f"{float(self):.6g} keeps a variance of {self.q:g} through {self.activation} and "
            f"multiplies that of gradients by {self.chi:.4g} a layer"
        )


def gain(activation: Named, q: float = 1.0) -> Gain:
    """The root of n Var[W] with which sums of variance ``q`` keep it from layer to layer.

    It says nothing of what becomes of another variance, for which see `fixed_points`.

    >>> print(gain("gelu"))
    1.53353 keeps a variance of 1 through gelu and multiplies that of gradients by 1.072 a layer
    >>> round(gain(("leaky_relu", 0.2)), 6), round(gain("relu") ** 2, 6)
    (1.38675, 2.0)

    Args:
        activation: as in `variance_map`.
        q: variance of the weighted sums, above 0.

    Raises:
        TypeError, ValueError: as in `variance_map`, or ``q`` is 0, or nothing or no finite number
            comes of it.
    """
    f = activations.get(activation, "gain")
    after = variance_map(f, checks.positive("q", q))
    if not 0 < after < math.inf:
        raise ValueError(f"gain must be of an activation with a variance, got {after} of {f.name}")
    number = Gain(math.sqrt(q / after))
    number.activation, number.q = f.name, float(q)
    number.chi = gradient_map(f, q, gain=float(number))
    return number


def saturated_share(activation: Named, q: float) -> float:
    """Share of the units that are saturated when the weighted sums have variance ``q``.

    Saturated as `xavier.activations.SATURATED_SLOPE` has it, where the slope is nearly flat: on
    both sides for tanh, below 0 for rectifiers, and for gelu and silu far below and near their
    least.

    >>> round(saturated_share("tanh", 4.0), 4), saturated_share("relu", 1.0)
    (0.2761, 0.5)

    Raises:
        TypeError, ValueError: as in `variance_map`, or the slope grows without end.
    """
    f = activations.get(activation)
    q = checks.not_negative("q", q)
    if q == 0:  # one sum, that of 0
        return float(any(low < 0 < high or high == 0 for low, high in _flat_parts(f)))
    root = math.sqrt(q)
    return sum(_normal_share(low / root, high / root) for low, high in _flat_parts(f))


@lru_cache(maxsize=64)
def _flat_parts(f: Activation) -> list[tuple[float, float]]:
    """The intervals of sums in which units are saturated."""
    slopes = f.derivative(_SUMS, f.value(_SUMS)).abs()
    if slopes[[0, -1]].max() > 1.01 * slopes[_SUMS.abs() <= 25].max():
        raise ValueError(f"activation must have a steepest slope, got {f.name}")
    least = activations.SATURATED_SLOPE * slopes.max()

    def flat(s: Tensor) -> Tensor:
        return (f.derivative(s, f.value(s)).abs() <= least).double()

    found = []
    for low, high in itertools.pairwise([-math.inf, *activations.jumps(flat), math.inf]):
        inside = 0.4 * max(low, -51.0) + 0.6 * min(high, 51.0)
        if bool(flat(torch.tensor([inside], dtype=torch.float64))):
            found.append((low, high))
    return found


# ---------------------------------------------------------------------------------------------
# What becomes of the last bit of non-linearity


def vanishing_variance(activation: Named) -> tuple[Expr, Expr]:
    r"""How the variance dies out at gain 1 in layer l, for large l, and the gradient with it.

    Near 0, :math:`f(s)^2 = s^2 - c |s|^k + \dots` with k the first power that does not vanish, so
    that :math:`q' - q = -c\, E|z|^k q^{k/2}`. As a differential equation in l this has a power of l
    for its solution, and the gradient's factor is a power of l / L.

    Returns:
        The variance as an expression in the symbol ``l``, and the factor on the gradient's
        variance from layer L down to layer l in ``l`` and ``L``.

    Raises:
        ValueError: f is not odd, or f'(0) is not 1, or f is linear: nothing dies out in this way.
    """
    import sympy

    f = activations.get(activation)
    if f.slope != 1 or f.name == "identity" or f.parity != "odd":
        raise ValueError(
            f"activation must be odd, have f'(0) = 1 and bend (tanh or softsign), got {f.name}"
        )
    s = sympy.Symbol("s", positive=True)  # f is odd: the other half line adds the same
    layer, last = sympy.symbols("l L", positive=True)
    q, t = sympy.symbols("q t", positive=True)
    k, c = _first_correction(f.expression(s) ** 2, s, 2)
    loss = c * _absolute_moment(k) * q ** sympy.Rational(k, 2)  # q' = q - loss
    # Separated: l is the integral of dq / loss from q to infinity, to leading order.
    steps = sympy.integrate(1 / loss, (q, t, sympy.oo))
    (variance,) = sympy.solve(sympy.Eq(steps, layer), t)

    slope = sympy.diff(f.expression(s), s)
    j, d = _first_correction(slope**2, s, 0)
    shrink = d * _absolute_moment(j) * variance ** sympy.Rational(j, 2)  # chi = 1 - shrink
    power = sympy.simplify(shrink * layer)  # shrink is power / l
    return sympy.simplify(variance), (layer / last) ** power


def _first_correction(expression: Expr, s: Symbol, order: int) -> tuple[int, Expr]:
    """The k and c of ``s**order - c s**k + ...`` for small positive s."""
    import sympy

    series = sympy.series(expression, s, 0, order + 3).removeO()
    rest = sympy.Poly(sympy.expand(s**order - series), s)
    ((k,), c) = rest.terms()[-1]
    return k, c


def _absolute_moment(k: int) -> Expr:
    """E|z|^k of a standard normal z."""
    import sympy

    z = sympy.Symbol("z", positive=True)
    density = sympy.sqrt(2 / sympy.pi) * sympy.exp(-(z**2) / 2)
    return sympy.simplify(sympy.integrate(z**k * density, (z, 0, sympy.oo)))


@lru_cache(maxsize=1)
def quarter_circle_mean() -> Expr:
    """Mean singular value of a large square matrix with n Var[W] = 1, that is 8/(3 pi).

    The singular values lie by the quarter circle law, with density sqrt(4 - x^2) / pi from 0 to
    2; their mean square is 1. For another variance multiply by the root of n Var[W].

    >>> quarter_circle_mean()
    8/(3*pi)
    """
    import sympy

    x = sympy.Symbol("x", positive=True)
    return sympy.integrate(x * sympy.sqrt(4 - x**2) / sympy.pi, (x, 0, 2))


# ---------------------------------------------------------------------------------------------
# Expectations


def _square(f: Activation, q: float) -> float:
    """E f(s)^2."""
    return _expectation(lambda s: f.value(s).square(), q, f.kinks)


def _expectation(
    function: Callable[[Tensor], Tensor], q: float, kinks: tuple[float, ...] = ()
) -> float:
    """E of function(s) for s normal with variance q, to about 12 digits.

    Gauss-Hermite quadrature would lose most of them to the kinks of softsign and relu at 0, and
    to the steep middle of a saturated unit. So each half line is cut into panels that grow
    outwards from 0, and at the other kinks, with a Gauss-Legendre rule in each. Where only the
    curvature jumps, some digits are lost.
    """
    q = checks.not_negative("q", q)
    if q == 0:
        return float(function(torch.zeros(1, dtype=torch.float64)))
    s, weight = _half_line(math.sqrt(q), kinks)
    both = function(s) + function(-s)
    return float(both @ weight)


def _expected_product(
    f: Callable[[Tensor], Tensor], kinks: tuple[float, ...], q: float, c: float
) -> float:
    """E of f(u) f(v), u and v normal with variance q each and correlation c.

    In polar coordinates of two independent normal variables u is sqrt(q) r cos(t) and v is
    sqrt(q) r cos(t - a), with cos(a) = c. The kinks, where u or v is 0, are then rays, and between
    them all is smooth: two sectors, which with their opposites fill the plane. Other kinks are
    straight lines, which every ray between crosses at a radius of its own.
    """
    std, a = math.sqrt(q), math.acos(c)
    finest = min([1.0, *map(abs, kinks)])
    rays = [a - math.pi / 2, math.pi / 2, a + math.pi / 2]
    total = 0.0
    for low, high in itertools.pairwise(rays):
        t, angle = _sector(low, high, math.ceil(math.log2(1 + std / finest)) + 1)
        cosines = torch.cos(t)[:, None], torch.cos(t - a)[:, None]
        slants = np.abs(torch.cat(cosines, 1).numpy())
        with np.errstate(divide="ignore"):
            crossed = [abs(kink) / slants for kink in kinks]
        r, weight = _panels(std, *crossed)
        weight = weight * r / std * math.sqrt(2 / math.pi) / 2
        u, v = (r * cosine for cosine in cosines)
        both = f(u) * f(v) + f(-u) * f(-v)
        total += float((weight * both).sum(1) @ angle)
    return total


def _sector(low: float, high: float, halvings: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights between two rays, in panels that shrink towards both by halves."""
    shrinking = [2.0**-k for k in range(halvings, 0, -1)]
    shares = np.array([0.0, *shrinking, *(1 - share for share in shrinking[-2::-1]), 1.0])
    edges = low + (high - low) * shares
    x, w = _panel()
    half = np.diff(edges)[:, None] / 2
    t = edges[:-1, None] + half * (x + 1)
    return torch.from_numpy(t.ravel()), torch.from_numpy((half * w).ravel())


@lru_cache(maxsize=4096)
def _half_line(std: float, kinks: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Nodes s > 0 and weights such that sum(weight * g(s)) is E of g(s) on s > 0."""
    s, weight = _panels(std, np.abs([kinks]))
    return s[0], weight[0]


def _panels(std: float, *more: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """The same in each row, cut at ``more`` (rows, cuts) too."""
    inner = min(std, 1.0)  # the scale on which something happens: the density's or the unit's
    edges = [0.0, inner / 2]
    while edges[-1] < _REACH * std:
        edges.append(min(2 * edges[-1], _REACH * std))
    rows = max([1, *(len(cuts) for cuts in more)])
    cuts = np.concatenate([np.tile(edges, (rows, 1)), *more], axis=1)
    cuts = np.sort(np.minimum(cuts, _REACH * std), axis=1)
    x, w = _panel()
    low, width = cuts[:, :-1, None], np.diff(cuts)[..., None]
    s = (low + width * (x + 1) / 2).reshape(rows, -1)
    weight = (width / 2 * w).reshape(rows, -1)
    density = np.exp(-((s / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    return torch.from_numpy(s), torch.from_numpy(weight * density)


def _normal_share(low: float, high: float) -> float:
    """P(low < z < high), to as many digits in either tail."""
    return float(ndtr(high) - ndtr(low) if low < 0 else ndtr(-low) - ndtr(-high))


@cache
def _panel() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights on [-1, 1], which take longer to find than all else here."""
    return np.polynomial.legendre.leggauss(_NODES)
