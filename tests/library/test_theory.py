"""The mean-field maps against exact values, other quadrature, and networks that were drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erf, erfc
from torch import nn
from torch.nn import functional as F

from xavier import activations, theory
from xavier.activations import ACTIVATIONS, MODERN, VARIANTS
from xavier.network import Network

NAMES = sorted(ACTIVATIONS)


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", value))


BOUNDED = ("sigmoid", "tanh", "softsign")
variances = st.floats(1e-6, 1e4)


def expectation(f, q: float) -> float:
    """E f(s) over N(0, q) by adaptive quadrature, told where the kink and the bend are."""
    root = math.sqrt(q)

    def integrand(z: float) -> float:
        return float(f(root * z)) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    bends = sorted({0.0, min(1 / root, 5.0), -min(1 / root, 5.0)})
    return float(quad(integrand, -13, 13, points=bends, limit=500, epsabs=0, epsrel=1e-11)[0])


@pytest.mark.parametrize("q", [1e-4, 0.3, 2.0, 46.0])
@pytest.mark.parametrize("name", NAMES)
def test_maps_agree_with_adaptive_quadrature(name: str, q: float) -> None:
    f = ACTIVATIONS[name]

    def value(s: float) -> float:
        return float(f.value(torch.tensor(s, dtype=torch.float64))) ** 2

    def slope(s: float) -> float:
        s_ = torch.tensor(s, dtype=torch.float64)
        return float(f.derivative(s_, f.value(s_))) ** 2

    assert theory.variance_map(name, q) == pytest.approx(expectation(value, q), rel=1e-9)
    assert theory.gradient_map(name, q) == pytest.approx(expectation(slope, q), rel=1e-9)


@given(q=variances, gain=st.floats(0.1, 10), bias=st.floats(0, 2))
def test_linear_units_follow_equation_5_and_rectifiers_half_of_it(
    q: float, gain: float, bias: float
) -> None:
    assert theory.variance_map("identity", q, gain=gain, bias=bias) == pytest.approx(
        gain**2 * q + bias, rel=1e-10
    )
    assert theory.variance_map("relu", q, gain=gain) == pytest.approx(gain**2 * q / 2, rel=1e-10)
    assert theory.gradient_map("relu", q, gain=gain) == pytest.approx(gain**2 / 2, rel=1e-10)
    assert theory.gradient_map("identity", q, gain=gain) == pytest.approx(gain**2, rel=1e-10)


@given(q=variances)
def test_no_bounded_unit_says_more_than_it_hears(q: float) -> None:
    for name in ("tanh", "softsign"):
        assert 0 < theory.variance_map(name, q) < min(q, 1)
        assert 0 < theory.gradient_map(name, q) < 1


def test_the_variance_of_nothing_is_what_units_say_at_zero() -> None:
    assert theory.variance_map("sigmoid", 0.0) == 0.25
    assert theory.gradient_map("sigmoid", 0.0) == 0.0625
    assert theory.variance_map("tanh", 0.0, bias=0.3) == 0.3


@pytest.mark.parametrize("name", NAMES)
def test_a_wide_network_follows_the_theory(name: str) -> None:
    """Five layers of width 500, 40 seeds: within 5 standard errors plus 2/width per layer.

    The second part is the finite-width error, of order 1/width per layer (Poole et al. 2016).
    Five standard errors of 40 draws are passed by chance in about 1e-5 of all comparisons.
    """
    width, layers, seeds = 500, 5, 40
    x = torch.randn(seeds, 4, width, generator=torch.Generator().manual_seed(0))
    network = Network.create([width] * (layers + 1), name, "lecun", seeds=range(seeds), gain=1.2)
    s = network.forward(x).s
    first = 1.44 * float(x.double().square().mean())
    expected = theory.propagate(name, first, layers, gain=1.2)
    for layer, s_i in enumerate(s):
        squares = s_i.double().square().mean((1, 2))
        error = float(squares.std()) / math.sqrt(seeds)
        allowed = 5 * error + 2 * (layer + 1) / width * float(squares.mean())
        assert abs(float(squares.mean()) - expected.variance[layer]) < allowed


def test_gradients_come_back_through_a_wide_network_as_chi_says() -> None:
    width, layers, seeds = 500, 6, 40
    x = torch.randn(seeds, 2, width, generator=torch.Generator().manual_seed(1))
    sizes = [width] * layers + [10]
    network = Network.create(sizes, "tanh", "lecun", seeds=range(seeds), gain=1.3)
    gradients = network.backward(network.forward(x), torch.zeros(2, dtype=torch.int64))
    first = 1.69 * float(x.double().square().mean())
    expected = theory.propagate("tanh", first, layers - 1, gain=1.3).gradient
    squares = torch.stack([s.double().square().mean((1, 2)) for s in gradients.s[:-1]])
    ratio = squares / squares[-1]
    for layer in range(layers - 2):
        mean = float(ratio[layer].mean())
        error = float(ratio[layer].std()) / math.sqrt(seeds)
        allowed = 5 * error + 2 * layers / width * mean
        assert abs(mean - expected[layer]) < allowed


correlations = st.floats(-1, 1)


@given(c=correlations, q=variances, gain=st.floats(0.1, 10))
def test_the_correlation_of_linear_units_stays_and_that_of_rectifiers_is_known(
    c: float, q: float, gain: float
) -> None:
    """The arc-cosine kernel of Cho and Saul (2009), whose kink tries the quadrature."""
    relu = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi
    assert theory.correlation_map("identity", c, q, gain=gain) == pytest.approx(c, abs=1e-11)
    assert theory.correlation_map("relu", c, q, gain=gain) == pytest.approx(relu, abs=1e-11)


CORRELATED = [(-0.9, 0.5), (0.0, 3.0), (0.6, 30.0), (0.99, 1.2)]


@pytest.mark.parametrize(("orthogonal", "weights"), [(False, 1.0), (True, 0.0)])
def test_axes_are_spread_by_slopes_and_by_weights(orthogonal: bool, weights: float) -> None:
    """Near 0 tanh has the slope 1 - s^2 + 2 s^4 / 3, and what its slopes add is 8 q^2."""
    q = 1e-4
    one = theory.axis_spread("tanh", q, orthogonal=orthogonal)
    assert one == pytest.approx(8 * q * q + weights, rel=1e-3)
    assert theory.axis_spread("tanh", q, layers=7, orthogonal=orthogonal) == pytest.approx(7 * one)
    assert theory.axis_spread("identity", 2.0, layers=5, orthogonal=orthogonal) == pytest.approx(
        5 * weights, abs=1e-9
    )
    with pytest.raises(ValueError, match=r"^layers must be"):
        theory.axis_spread("tanh", q, layers=0)


@pytest.mark.parametrize(
    ("name", "c", "q"),
    [
        pytest.param(name, *pair, marks=[pytest.mark.thorough] * (i != k))
        for i, name in enumerate([*BOUNDED, F.hardtanh])
        for k, pair in enumerate(CORRELATED)
    ],
    ids=_name,
)
def test_the_correlation_map_agrees_with_adaptive_quadrature(
    name: activations.Named, c: float, q: float
) -> None:
    """v given u is normal, with mean c u: one integral inside another, in other coordinates."""
    f = activations.get(name)
    kinks = np.array([0.0, *f.kinks])

    def value(s: float) -> float:
        return float(f.value(torch.tensor(s, dtype=torch.float64)))

    def inner(u: float) -> float:
        root, middle = math.sqrt(q * (1 - c * c)), c * u
        bends = (kinks - middle) / root
        bend = bends[abs(bends) < 9]

        def integrand(z: float) -> float:
            return value(middle + root * z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        return float(quad(integrand, -9, 9, points=bend, epsabs=1e-9, epsrel=1e-8)[0])

    def outer(z: float) -> float:
        u = math.sqrt(q) * z
        return value(u) * inner(u) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    ends = np.unique(np.clip([-9, *kinks / math.sqrt(q), 9], -9, 9))
    product = sum(quad(outer, *part, epsabs=1e-8, epsrel=1e-7)[0] for part in pairwise(ends))
    expected = (1.44 * product + 0.1) / theory.variance_map(name, q, gain=1.2, bias=0.1)
    found = theory.correlation_map(name, c, q, gain=1.2, bias=0.1)
    assert found == pytest.approx(expected, abs=1e-6)


@given(c=correlations, q=st.floats(1e-6, 100))
def test_odd_units_never_bring_two_inputs_nearer_and_know_no_sign(c: float, q: float) -> None:
    """An odd f has odd powers of c only, with weights that sum to 1, so that |c'| <= |c|."""
    for name in ("tanh", "softsign"):
        after = theory.correlation_map(name, c, q)
        assert abs(after) <= abs(c) + 1e-12
        assert theory.correlation_map(name, -c, q) == pytest.approx(-after, abs=1e-11)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("q", [1e-3, 1.0, 1e3])
def test_equal_inputs_stay_equal_and_near_ones_part_as_chi_says(name: str, q: float) -> None:
    """At c = 1 the slope is q chi / q', here from a step of 1e-6, off by its root with a kink."""
    assert theory.correlation_map(name, 1.0, q, bias=0.2) == pytest.approx(1, abs=1e-11)
    step = 1e-6
    slope = (1 - theory.correlation_map(name, 1 - step, q)) / step
    expected = q * theory.gradient_map(name, q) / theory.variance_map(name, q)
    assert slope == pytest.approx(expected, rel=0.05)


def test_two_inputs_of_a_drawn_network_part_as_the_map_says() -> None:
    """Ten layers of width 500 at gain 5/3 from a correlation of 0.99, forty seeds: five standard
    errors and 2/width a layer."""
    width, layers, seeds, gain = 500, 10, 40, 5 / 3
    x = torch.randn(seeds, 2, width, generator=torch.Generator().manual_seed(0))
    x = x / x.square().mean(2, keepdim=True).sqrt()
    x[:, 1] -= (x[:, :1] * x[:, 1:]).mean(2) * x[:, 0]
    x[:, 1] /= x[:, 1:].square().mean(2).sqrt()
    x[:, 1] = 0.99 * x[:, 0] + math.sqrt(1 - 0.99**2) * x[:, 1]
    network = Network.create([width] * (layers + 1), "tanh", "lecun", seeds=range(seeds), gain=gain)
    q, c = gain**2, 0.99
    for layer, s in enumerate(network.forward(x).s):
        drawn = torch.cosine_similarity(s[:, 0].double(), s[:, 1].double(), dim=1)
        allowed = 5 * float(drawn.std()) / math.sqrt(seeds) + 2 * (layer + 1) / width
        assert abs(float(drawn.mean()) - c) < allowed
        c = theory.correlation_map("tanh", c, q, gain=gain)
        q = theory.variance_map("tanh", q, gain=gain)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"correlation": 1.01}, "correlation must be from -1 to 1, got 1.01"),
        ({"correlation": math.nan}, "correlation must be finite, got nan"),
        ({"q": 0.0}, "q must be above 0, got 0.0"),
        ({"gain": 0}, "gain must be above 0, got 0"),
        ({"bias": -1}, "bias must be at least 0, got -1"),
    ],
)
def test_numbers_that_are_no_correlation_are_refused(
    arguments: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        theory.correlation_map("tanh", **{"correlation": 0.5, "q": 1.0, **arguments})


def test_propagate_is_the_map_repeated_and_the_gradients_product() -> None:
    table = theory.propagate("tanh", 0.7, 4, gain=1.5, bias=0.1)
    assert list(table.layer) == [1, 2, 3, 4]
    q, chi = [0.7], []
    for _ in range(4):
        chi.append(theory.gradient_map("tanh", q[-1], gain=1.5))
        q.append(theory.variance_map("tanh", q[-1], gain=1.5, bias=0.1))
    assert table.variance.tolist() == q[:4]
    assert table.gradient.tolist() == pytest.approx(
        [chi[0] * chi[1] * chi[2], chi[1] * chi[2], chi[2], 1]
    )
    assert table.weight_gradient.iloc[-1] == 1 and math.isnan(table.weight_gradient[0])
    assert table.weight_gradient[1] == pytest.approx(
        table.gradient[1] * table.activation[0] / table.activation[2]
    )


@pytest.mark.parametrize("name", BOUNDED)
def test_a_fixed_point_is_one_and_attracts(name: str) -> None:
    for gain in (1.5, 3.0, 10.0):
        q = theory.fixed_point(name, gain=gain, bias=0.05)
        assert theory.variance_map(name, q, gain=gain, bias=0.05) == pytest.approx(q, rel=1e-9)
        for start in (q / 2, 2 * q):
            after = theory.variance_map(name, start, gain=gain, bias=0.05)
            assert abs(after - q) < abs(start - q)


def test_fixed_points_known_otherwise() -> None:
    """torch's tanh gain 5/3 settles, gain 1 dies out, rectifiers do one or the other."""
    q = theory.fixed_point("tanh", gain=5 / 3)
    assert math.sqrt(q) / (5 / 3) == pytest.approx(0.6513, abs=5e-5)
    assert theory.gradient_map("tanh", q, gain=5 / 3) == pytest.approx(1.2098, abs=5e-5)
    assert theory.fixed_point("tanh") == theory.fixed_point("softsign") == 0
    assert theory.fixed_point("relu", gain=1.3) == 0
    assert theory.fixed_point("relu", gain=1.5) == math.inf
    with pytest.raises(ValueError, match="keeps every variance"):
        theory.fixed_point("relu", gain=math.sqrt(2))


GELU_GAIN = 0.425221**-0.5  # E gelu^2 = 0.425221 at unit variance


@pytest.mark.parametrize(
    ("activation", "square", "chi"),
    [("gelu", 0.425221, 1.072), ("silu", 0.355776, 1.067), ("selu", 1.0, 1.0716), ("relu", 0.5, 1)],
)
def test_the_gain_keeps_unit_variance_at_a_known_price(
    activation: str, square: float, chi: float
) -> None:
    assert theory.variance_map(activation, 1.0) == pytest.approx(square, abs=5e-7)
    found = theory.gain(activation)
    assert found == pytest.approx(square**-0.5, abs=3e-6)
    assert theory.variance_map(activation, 1.0, gain=found) == pytest.approx(1.0, rel=1e-12)
    assert found.chi == pytest.approx(chi, abs=5e-4)
    assert found.chi == theory.gradient_map(activation, 1.0, gain=found)
    assert (found.activation, found.q) == (activation, 1.0)


def test_the_gain_of_another_variance_and_of_leaky_rectifiers() -> None:
    assert theory.gain(("leaky_relu", 0.2)) == pytest.approx((2 / 1.04) ** 0.5)
    assert theory.gain("leaky_relu", 7.0) == pytest.approx((2 / 1.0001) ** 0.5)
    found = theory.gain("tanh", 0.25)
    assert theory.variance_map("tanh", 0.25, gain=found) == pytest.approx(0.25, rel=1e-12)
    assert str(found) == (
        f"{float(found):.6g} keeps a variance of 0.25 through tanh and multiplies that of "
        f"gradients by {found.chi:.4g} a layer"
    )
    with pytest.raises(ValueError, match=r"^gain must be one of .*; did you mean 'gelu'\?$"):
        theory.gain("gulu")
    with pytest.raises(ValueError, match=r"^q must be above 0, got 0$"):
        theory.gain("tanh", 0)
    for f, says in ((lambda s: 0 * s, "got 0.0 of <lambda>"), (torch.exp, "got inf of exp")):
        with pytest.raises(ValueError, match=f"^gain must be of an activation with .*, {says}$"):
            theory.gain(f, 1e6)
    assert theory.variance_map("tanh", 1.0, gain=1e200) == math.inf


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_where_a_network_settles_can_depend_on_where_it_starts(name: str) -> None:
    gain = theory.gain(name)
    points = theory.fixed_points(name, gain=gain)
    assert points.attracts.to_list() == [True, False, True]
    np.testing.assert_allclose(points.variance, [0, 1, math.inf], rtol=1e-9)
    for start, end in ((0.5, 0.0), (2.0, math.inf)):
        for _ in range(400):
            start = theory.variance_map(name, min(start, 1e9), gain=gain)
        assert start < 1e-8 if end == 0 else start > 1e8
    message = (
        rf"^gain = {float(gain)!r} with {name} leads to 0 or inf, depending on where it starts"
    )
    with pytest.raises(ValueError, match=message):
        theory.fixed_point(name, gain=gain)


# Gain, variance of the biases, settled variance, chi, settled correlation and depth scales of tanh.
SCALES = [
    (1.1, 0.0, 0.1128, 1.0102, 0.0, 199.8, 98.64),
    (5 / 3, 0.0, 1.1785, 1.2098, 0.0, 12.12, 5.250),
    (3.0, 0.0, 6.3054, 1.8599, 0.0, 4.657, 1.612),
    (1.0, 0.05, 0.1936, 0.7590, 1.0, 3.627, 3.627),
    (1.2, 0.05, 0.3858, 0.9224, 1.0, 12.38, 12.38),
    (1.75, 0.05, 1.4746, 1.2179, 0.2864, 8.845, 5.074),
    (2.5, 0.05, 4.0268, 1.5948, 0.0719, 5.309, 2.143),
]


@pytest.mark.parametrize("row", SCALES)
def test_depth_scales_of_tanh_are_those_of_a_table(row: tuple[float, ...]) -> None:
    """The table is of other quadrature: fixed points by iteration, on a grid of normal pairs."""
    gain, bias, *expected = row
    x = np.linspace(-8, 8, 401)
    density = np.exp(-(x**2) / 2)
    density /= density.sum()
    q = 1.0
    for _ in range(2000):
        q = gain**2 * density @ np.tanh(math.sqrt(q) * x) ** 2 + bias

    def pairs(f: Callable[..., Any], c: float) -> float:
        u = math.sqrt(q) * x[:, None]
        v = c * u + math.sqrt(q * (1 - c * c)) * x
        return gain**2 * float(density @ (f(u) * f(v)) @ density)

    def slope(s: Any) -> Any:
        return 1 - np.tanh(s) ** 2

    chi = pairs(slope, 1.0)
    c = 1.0 if chi < 1 else brentq(lambda c: (pairs(np.tanh, c) + bias) / q - c, -0.5, 0.9)
    by_hand = q, chi, c, -1 / math.log(pairs(slope, c)), 1 / abs(math.log(chi))
    assert by_hand == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert theory.depth_scales("tanh", gain=gain, bias=bias) == pytest.approx(
        by_hand, rel=1e-4, abs=1e-4
    )


@pytest.mark.parametrize(
    ("name", "gain", "bias"),
    [("tanh", 0.8, 0.1), ("tanh", 2.0, 0.0), ("tanh", 2.0, 0.3), ("softsign", 3.0, 0.01),
     ("sigmoid", 8.0, 0.0), ("relu", 1.2, 0.3), ("gelu", 1.2, 0.2)],
)  # fmt: skip
def test_any_two_inputs_come_to_the_settled_correlation_at_the_pace_of_the_depth_scale(
    name: str, gain: float, bias: float
) -> None:
    found = theory.depth_scales(name, gain=gain, bias=bias)
    q = theory.fixed_point(name, gain=gain, bias=bias)
    assert (found.variance, found.chi) == (q, theory.gradient_map(name, q, gain=gain))
    assert found.of_gradient == pytest.approx(1 / abs(math.log(found.chi)))
    for c in (-0.6, 0.97):
        away = []
        while len(away) < 400 and (not away or away[-1] > 1e-4):
            c = theory.correlation_map(name, c, q, gain=gain, bias=bias)
            away.append(abs(c - found.correlation))
        assert away[-1] < 1e-4
        pace = -1 / math.log(away[-1] / away[-2])
        assert pace == pytest.approx(found.of_correlation, rel=0.03)


def test_depth_scales_at_their_limits() -> None:
    """What dies out is linear in the end, or not; on the critical line there is no scale."""
    below = theory.depth_scales("tanh", gain=0.5)
    assert below[:2] == (0.0, 0.25) and math.isnan(below.correlation)
    assert below[3:] == (math.inf, pytest.approx(1 / math.log(4)))
    assert theory.depth_scales("softsign").of_gradient == math.inf
    kinked = theory.depth_scales("relu", gain=1.0)  # 1 - c falls as a power of the depth
    assert kinked == pytest.approx((0.0, 0.5, 1.0, math.inf, 1 / math.log(2)))
    square = theory.depth_scales(lambda s: torch.tanh(s * s) - 0.3, gain=0.0, bias=0.5)
    assert square == pytest.approx((0.5, 0.0, 1.0, 0.0, 0.0))
    near, previous = 0.0, 0.0
    for gain in (1.3, 1.32, 1.326):  # on the way to the critical 1.3270
        near = theory.depth_scales("tanh", gain=gain, bias=0.05).of_correlation
        assert near > 2 * previous
        previous = near
    critical = brentq(lambda g: theory.depth_scales("tanh", gain=g, bias=0.05).chi - 1, 1.3, 1.35)
    assert critical == pytest.approx(1.3270, abs=1e-4)
    for gain in (critical - 1e-8, critical + 1e-8):
        found = theory.depth_scales("tanh", gain=gain, bias=0.05)
        assert found.correlation == pytest.approx(1, abs=1e-5)
        assert min(found[3:]) > 1e6


@pytest.mark.parametrize(
    ("gain", "bias", "message"),
    [
        (2.0, 0.0, "gain must be one at which relu settles, got 2.0: q grows"),
        (math.sqrt(2), 0.0, "gain = .* keeps every variance with relu: no fixed point"),
        (-1.0, 0.0, "gain must be at least 0, got -1.0"),
        (1.0, -0.1, "bias must be at least 0, got -0.1"),
    ],
)
def test_where_nothing_settles_there_are_no_depth_scales(
    gain: float, bias: float, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        theory.depth_scales("relu", gain=gain, bias=bias)


def test_what_dies_out_where_a_unit_is_flat_has_no_depth_scales() -> None:
    with pytest.raises(ValueError, match=r"^activation must have a slope at 0 .*, got tanhshrink$"):
        theory.depth_scales(torch.nn.functional.tanhshrink)


def test_fixed_points_of_the_others() -> None:
    def found(*arguments: Any, **options: Any) -> list[tuple[float, bool]]:
        return list(theory.fixed_points(*arguments, **options).itertuples(index=False, name=None))

    assert found("tanh") == found("relu", gain=1.3) == [(0.0, True)]
    assert found("relu", gain=1.5) == [(0.0, False), (math.inf, True)]
    (zero, (q, attracts)) = found("tanh", gain=2.0)
    assert zero == (0.0, False) and attracts and q == theory.fixed_point("tanh", gain=2.0)
    ((q, attracts),) = found("sigmoid")  # silent units say a half
    assert attracts and theory.variance_map("sigmoid", q) == pytest.approx(q)
    ((q, attracts), _) = found("selu", gain=1.0)[::-1]
    assert q == pytest.approx(1.0, rel=1e-6) and attracts
    with pytest.raises(ValueError, match=r"^gain = .* keeps every variance with leaky_relu"):
        theory.fixed_points(("leaky_relu", 0.2), gain=theory.gain(("leaky_relu", 0.2)))
    # Linear up to a kink: most small variances stay to the last digit, and none for ever.
    assert found(F.relu6, gain=math.sqrt(2)) == found(nn.Hardtanh()) == [(0.0, True)]
    ((q, attracts),) = found(F.softplus)
    assert attracts and q == pytest.approx(expectation(lambda s: math.log1p(math.exp(s)) ** 2, q))
    assert found(torch.exp) == [(math.inf, True)]


def test_functions_have_the_maps_that_their_formulas_have() -> None:
    """A hard tanh, whose moments are those of a normal distribution cut off at its kinks."""
    inside = erf(1 / math.sqrt(2 * 3.0))
    square = 3 * inside - 2 * math.sqrt(3 / (2 * math.pi)) * math.exp(-1 / 6) + 1 - inside
    for f in (F.hardtanh, nn.Hardtanh(), lambda s: s.clamp_(-1, 1)):
        assert theory.variance_map(f, 3.0) == pytest.approx(square, rel=1e-12)
        assert theory.gradient_map(f, 3.0, gain=2.0) == pytest.approx(4 * inside, rel=1e-12)
    assert theory.gain(F.hardtanh, 3.0).chi == pytest.approx(3 * inside / square, rel=1e-12)
    assert theory.gain(nn.Hardtanh()).activation == "Hardtanh"
    table = theory.propagate(F.hardtanh, 3.0, 2)
    assert table.variance.to_list() == [3.0, pytest.approx(square, rel=1e-12)]
    assert table.activation[0] == table.variance[1]


@pytest.mark.parametrize("name", [*NAMES, *MODERN])
def test_a_function_is_as_the_activation_of_its_name(name: str) -> None:
    known = activations.get(name)
    f = activations.get(lambda s: known.value(s))
    for q in (0.1, 2.0):
        for function in (theory.variance_map, theory.gradient_map):
            assert function(f, q) == pytest.approx(function(name, q), rel=1e-10)
        assert theory.correlation_map(f, 0.3, q) == pytest.approx(
            theory.correlation_map(name, 0.3, q), rel=1e-10
        )


def test_a_jump_has_a_variance_and_no_slope() -> None:
    """Hard shrinkage: E s^2 beyond a half, by parts."""
    tail = math.sqrt(2 / math.pi) * 0.5 * math.exp(-1 / 8) + 1 - erf(0.5 / math.sqrt(2))
    assert theory.variance_map(F.hardshrink, 1.0) == pytest.approx(tail, rel=1e-12)
    message = r"^(activation|gain) must have a slope, got hardshrink, which jumps at -0.5$"
    for function in (theory.gradient_map, theory.gain, theory.saturated_share):
        with pytest.raises(ValueError, match=message):
            function(F.hardshrink, 1.0)


@pytest.mark.parametrize("name", [*NAMES, *MODERN, "leaky_relu", F.hardswish, torch.sin], ids=_name)
def test_the_saturated_share_is_that_of_normal_sums(name: activations.Named) -> None:
    """A million draws: within 5 standard errors, at most 0.0025."""
    f, q, n = activations.get(name), 3.0, 10**6
    s = torch.randn(n, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * q**0.5
    s[:1001] = torch.linspace(-5, 5, 1001)  # where the slope is steepest, too
    slopes = f.derivative(s, f.value(s)).abs()
    share = theory.saturated_share(name, q)
    error = math.sqrt(share * (1 - share) / n)
    flat = slopes <= activations.SATURATED_SLOPE * slopes.max()
    assert abs(float(flat.double().mean()) - share) <= 5 * error + 0.001
    if f.saturation:
        assert torch.equal(f.saturated(f.value(s)), flat)


def test_the_saturated_share_of_silence_and_of_slopes_without_end() -> None:
    assert theory.saturated_share("tanh", 0.0) == 0
    assert theory.saturated_share("relu", 0.0) == 1  # at 0 its slope is 0
    knee = math.atanh(0.95**0.5)
    for q in (4.0, 0.01):  # far out, too
        beyond = erfc(knee / math.sqrt(2 * q))
        assert theory.saturated_share("tanh", q) == pytest.approx(beyond, rel=1e-6)
    assert theory.saturated_share(torch.abs, 2.0) == 0.0
    for f in (torch.exp, torch.square):
        with pytest.raises(
            ValueError, match=r"^activation must have a steepest slope, got (exp|square)$"
        ):
            theory.saturated_share(f, 1.0)


@pytest.mark.parametrize(("name", "power"), [("tanh", 1), ("softsign", 2)])
def test_the_laws_of_dying_out_are_what_the_map_tends_to(name: str, power: int) -> None:
    """Relative error at layer l is of order log(l)/l (tanh) or less: it must shrink like it."""
    variance, gradient = theory.vanishing_variance(name)
    layer, last = sympy.symbols("l L", positive=True)
    assert gradient == (layer / last) ** power
    table = theory.propagate(name, 1.0, 2000)
    errors = [table.variance[k - 1] / float(variance.subs(layer, k)) - 1 for k in (200, 2000)]
    assert abs(errors[1]) < abs(errors[0]) / 4 and abs(errors[1]) < 0.01
    measured = table.gradient[999]
    assert measured == pytest.approx(float(gradient.subs({layer: 1000, last: 2000})), rel=0.01)


@pytest.mark.parametrize(
    "activation",
    ["sigmoid", "relu", "identity", "steep_sigmoid"],
)
def test_only_odd_units_of_slope_one_with_a_bend_die_out_by_a_power(activation: str) -> None:
    with pytest.raises(ValueError, match="activation must be odd"):
        theory.vanishing_variance(activation)


def test_the_mean_singular_value_is_that_of_drawn_matrices() -> None:
    """Twenty matrices of width 400; the finite-size error of the mean is of order 1/n."""
    generator, n = torch.Generator().manual_seed(0), 400
    w = torch.randn(20, n, n, generator=generator, dtype=torch.float64) / math.sqrt(n)
    means = torch.linalg.svdvals(w).mean(1)
    error = float(means.std()) / math.sqrt(20)
    assert abs(float(means.mean()) - float(theory.quarter_circle_mean())) < 5 * error + 1 / n
    assert theory.quarter_circle_mean() == 8 / (3 * sympy.pi)


def test_variants_are_known_by_name_as_to_a_network() -> None:
    """A sigmoid four times as steep hears a variance 16 times as large."""
    steep = theory.variance_map("steep_sigmoid", 0.5)
    assert steep == theory.variance_map(VARIANTS["steep_sigmoid"], 0.5)
    assert steep == pytest.approx(theory.variance_map("sigmoid", 8.0), rel=1e-9)
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        theory.variance_map("tanhh", 1.0)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (theory.variance_map, ("q", "gain", "bias")),
        (theory.gradient_map, ("q", "gain")),
        (theory.propagate, ("q", "gain", "bias")),
        (theory.fixed_point, ("gain", "bias")),
        (theory.saturated_share, ("q",)),
    ],
)
def test_numbers_that_are_no_variance_and_no_gain_are_refused(
    function: Callable[..., Any], names: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"^layers must be at least 1, got 0$"):
        theory.propagate("tanh", 1.0, 0)
    good = {"q": 1.0, "layers": 2}
    takes = {key: good[key] for key in good if key in function.__annotations__}
    for name in names:
        for value, allowed in ((-1, "at least 0"), (math.nan, "finite"), (math.inf, "finite")):
            with pytest.raises(ValueError, match=f"^{name} must be {allowed}, got {value}$"):
                function("tanh", **{**takes, name: value})
        with pytest.raises(TypeError, match=f"^{name} must be a real number, got '1'$"):
            function("tanh", **{**takes, name: "1"})
