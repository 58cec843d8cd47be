"""`xavier.activations`: torch values and slopes against SymPy, autograd and their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from xavier import activations
from xavier.activations import ACTIVATIONS, MODERN, SATURATED_SLOPE, VARIANTS, Activation

EPS = torch.finfo(torch.float64).eps
# Both signs, from the linear regime deep into saturation; zero is looked at by itself.
POINTS = [sign * s for s in (1e-9, 0.01, 0.3, 1.0, 1.7, 4.0, 9.0, 30.0, 1e3) for sign in (-1, 1)]

x = sympy.Symbol("x", real=True)
t = sympy.Symbol("t", positive=True)

KNOWN = ACTIVATIONS | VARIANTS
every = pytest.mark.parametrize("f", KNOWN.values(), ids=KNOWN)
saturating = pytest.mark.parametrize(
    "f", [f for f in KNOWN.values() if f.saturation and math.isfinite(f.saturation[1])],
    ids=lambda f: f.name,
)  # fmt: skip


def exactly(expression: sympy.Expr, points: list[float]) -> Tensor:
    """The expression in x at these floats, worked out to 40 digits and rounded once."""
    return torch.tensor(
        [float(expression.subs(x, sympy.Float(s, 40)).evalf(40)) for s in points],
        dtype=torch.float64,
    )


def steepest_slope(f: Activation) -> float:
    s = torch.cat([torch.linspace(-3, 3, 601, dtype=torch.float64), torch.zeros(1)])
    return f.derivative(s, f.value(s)).max().item()


@every
def test_the_chain_rule_in_place_multiplies_by_the_slope(f: Activation) -> None:
    s = torch.tensor([0.0, *POINTS], dtype=torch.float64)
    z, gradient = f.value(s), torch.linspace(-2, 3, len(s), dtype=torch.float64)
    expected = gradient * f.derivative(s, z)
    assert f.chain_(gradient, s, z) is gradient  # overwritten
    # A fused kernel may round 1 - z^2 before or after multiplying: absolute where 1 - z^2 cancels.
    torch.testing.assert_close(gradient, expected, rtol=4 * EPS, atol=4 * EPS)


# --------------------------------------------------------------------------------------------------
# Values and slopes
# --------------------------------------------------------------------------------------------------


def test_the_activations_are_known_by_their_own_names() -> None:
    assert list(ACTIVATIONS) == ["sigmoid", "tanh", "softsign", "relu", "identity"]
    assert all(name == f.name for name, f in KNOWN.items()) and not set(ACTIVATIONS) & set(VARIANTS)
    assert all(activations.get(name) is f and activations.get(f) is f for name, f in KNOWN.items())
    with pytest.raises(
        ValueError, match=r"^activation must be one of .*; did you mean 'softsign'\?$"
    ):
        activations.get("softsing")


@every
def test_the_value_is_that_of_the_expression(f: Activation) -> None:
    points = [0.0, *POINTS]
    value = f.value(torch.tensor(points, dtype=torch.float64))
    exact = exactly(f.expression(x), points)
    # Relative: up to 1.5 units for exp or tanh of a vector library, and one for each of at most
    # two more operations.
    assert torch.all((value - exact).abs() <= 4 * EPS * exact.abs())


@every
@given(s=st.floats(-50, 50))
def test_the_derivative_is_that_of_autograd(f: Activation, s: float) -> None:
    point = torch.tensor(s, dtype=torch.float64, requires_grad=True)
    z = f.value(point)
    (slope,) = torch.autograd.grad(z, point)
    # Both round a handful of operations on numbers of at most 1. At the kink of the rectifier
    # both say 0.
    assert abs(f.derivative(point.detach(), z.detach()) - slope) <= 5 * EPS


@given(exponent=st.floats(-6, 6), sign=st.sampled_from([-1, 1]))
def test_softsigns_slope_keeps_its_digits_in_float32_up_to_a_million(
    exponent: float, sign: int
) -> None:
    s = sign * torch.tensor(10.0**exponent, dtype=torch.float32)
    slope = ACTIVATIONS["softsign"].derivative(s, torch.nn.functional.softsign(s))
    exact = 1 / (1 + abs(s.item())) ** 2
    # Three roundings, the first of them squared, of half a unit each: two units.
    assert abs(slope.item() - exact) <= 2 * torch.finfo(torch.float32).eps * exact


# --------------------------------------------------------------------------------------------------
# What is stated of each: slope at 0, parity, range
# --------------------------------------------------------------------------------------------------


@every
def test_the_slope_at_zero_is_the_limit_of_the_quotient_from_both_sides(f: Activation) -> None:
    at_zero = f.expression(sympy.Integer(0))
    right = sympy.limit((f.expression(t) - at_zero) / t, t, 0, "+")
    left = sympy.limit((at_zero - f.expression(-t)) / t, t, 0, "+")
    if f.slope is None:
        assert left != right
    else:
        assert left == right == sympy.nsimplify(f.slope)
        zero = torch.zeros((), dtype=torch.float64)
        assert f.derivative(zero, f.value(zero)).item() == f.slope


@every
def test_the_parity_is_that_of_the_expression_and_of_the_value(f: Activation) -> None:
    s = torch.linspace(-6, 6, 101, dtype=torch.float64)
    mirrored = sympy.simplify((f.expression(t) + f.expression(-t)).rewrite(sympy.exp))
    if f.parity == "odd":
        assert mirrored == 0 and f.expression(sympy.Integer(0)) == 0
        assert torch.equal(f.value(-s), -f.value(s))
    else:
        assert mirrored != 0
        assert (f.value(-s) + f.value(s)).abs().max() > 0.5


@every
def test_the_range_is_that_of_the_limits(f: Activation) -> None:
    low, high = f.range
    assert sympy.limit(f.expression(-t), t, sympy.oo) == sympy.nsimplify(low)
    assert sympy.limit(f.expression(t), t, sympy.oo) == sympy.nsimplify(high)


@every
@given(s=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_no_value_leaves_the_range_and_no_slope_is_negative(f: Activation, s: float) -> None:
    point = torch.tensor(s, dtype=torch.float32)
    z = f.value(point)
    assert f.range[0] <= z.item() <= f.range[1]
    assert 0 <= f.derivative(point, z).item() <= steepest_slope(f)


# --------------------------------------------------------------------------------------------------
# Saturation
# --------------------------------------------------------------------------------------------------


@saturating
def test_at_the_threshold_the_slope_is_the_stated_share_of_the_steepest(f: Activation) -> None:
    assert f.saturation is not None
    for threshold in f.saturation:
        low, high = -50.0, 50.0  # the s with f(s) = threshold, by bisection to the last bit
        while low < (middle := (low + high) / 2) < high:
            below = f.value(torch.tensor(middle, dtype=torch.float64)).item() < threshold
            low, high = (middle, high) if below else (low, middle)
        s = torch.tensor(high, dtype=torch.float64)
        share = f.derivative(s, f.value(s)).item() / steepest_slope(f)
        # z is known to two units, and a share moves by at most 4 times that (sigmoid: 4 (1-2z)).
        assert abs(share - SATURATED_SLOPE) <= 8 * EPS


@pytest.mark.parametrize(
    ("name", "printed"),
    [("tanh", (-0.975, 0.975)), ("softsign", (-0.776, 0.776)), ("sigmoid", (0.0127, 0.9873))],
)
def test_the_thresholds_in_the_documentation_are_these(
    name: str, printed: tuple[float, float]
) -> None:
    saturation = ACTIVATIONS[name].saturation
    assert saturation is not None
    digits = 4 if name == "sigmoid" else 3
    assert tuple(round(threshold, digits) for threshold in saturation) == printed


@saturating
@given(s=st.floats(-100, 100))
def test_saturated_means_a_slope_below_the_share(f: Activation, s: float) -> None:
    point = torch.tensor(s, dtype=torch.float64)
    z = f.value(point)
    share = f.derivative(point, z).item() / steepest_slope(f)
    if abs(share - SATURATED_SLOPE) > 8 * EPS:  # at the threshold itself rounding decides
        assert f.saturated(z).item() == (share < SATURATED_SLOPE)


@saturating
def test_the_thresholds_themselves_are_saturated(f: Activation) -> None:
    assert f.saturated(torch.tensor(f.saturation, dtype=torch.float64)).all()


@given(s=st.floats(-1e30, 1e30))
def test_a_rectifier_is_saturated_where_it_is_off_and_the_identity_never(s: float) -> None:
    relu, point = ACTIVATIONS["relu"], torch.tensor(s, dtype=torch.float64)
    z = relu.value(point)
    assert relu.saturated(z).item() == (relu.derivative(point, z).item() == 0)
    assert not ACTIVATIONS["identity"].saturated(point)


@every
def test_values_slopes_and_masks_have_the_shape_and_the_dtype_of_the_sums(f: Activation) -> None:
    for dtype in (torch.float32, torch.float64):
        s = torch.linspace(-9, 9, 24, dtype=dtype).reshape(4, 3, 2)
        z = f.value(s)
        for result, kind in ((z, dtype), (f.derivative(s, z), dtype), (f.saturated(z), torch.bool)):
            assert result.shape == s.shape and result.dtype == kind


# --------------------------------------------------------------------------------------------------
# What came later
# --------------------------------------------------------------------------------------------------

LATER = [*MODERN.values(), activations.leaky_relu(), activations.leaky_relu(0.2)]


@pytest.mark.parametrize("f", LATER, ids=lambda f: f.name)
def test_later_units_agree_with_their_expression_and_its_slope(f: Activation) -> None:
    points = [sign * s for s in (0.1, 0.7, 1.5, 4.0, 9.0) for sign in (-1, 1)]
    s = torch.tensor(points, dtype=torch.float64)
    z = f.value(s)
    torch.testing.assert_close(z, exactly(f.expression(x), points), rtol=1e-13, atol=1e-15)
    step = 1e-30  # what a difference of 40 digits sees
    sides = [f.expression(sympy.Float(p, 60) + step) - f.expression(sympy.Float(p, 60) - step)
             for p in points]  # fmt: skip
    slopes = torch.tensor([float(side / (2 * step)) for side in sides], dtype=torch.float64)
    torch.testing.assert_close(f.derivative(s, z), slopes, rtol=1e-12, atol=1e-15)
    around = [float(f.expression(sympy.Float(e, 40))) / e for e in (1e-9, -1e-9)]
    if f.slope is None:
        assert abs(around[0] - around[1]) > 0.1
    else:
        assert around == pytest.approx([f.slope] * 2, abs=1e-8)


@pytest.mark.parametrize("f", LATER, ids=lambda f: f.name)
def test_later_units_stay_in_their_range_and_fill_it(f: Activation) -> None:
    z = f.value(torch.linspace(-60, 60, 120_001, dtype=torch.float64))
    low, high = f.range
    assert z.max() > 59 and high == math.inf
    assert z.min() >= low and (z.min() < low + 1e-6 if math.isfinite(low) else z.min() < -0.5)


@pytest.mark.parametrize("name", ["elu", "selu"])
def test_later_units_are_saturated_where_their_slope_is_below_the_share(name: str) -> None:
    s = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    z = MODERN[name].value(s)
    share = MODERN[name].derivative(s, z) / MODERN[name].derivative(s, z).max()
    assert torch.equal(MODERN[name].saturated(z), share < SATURATED_SLOPE)


def test_a_leaky_rectifier_has_its_slope() -> None:
    assert activations.get("leaky_relu") is activations.leaky_relu()
    f = activations.get(("leaky_relu", 0.2))
    assert f is activations.leaky_relu(0.2) and f.value(torch.tensor(-5.0)) == -1
    assert activations.leaky_relu(0).saturated(torch.zeros(1))
    assert activations.leaky_relu(1.0).parity == "odd"
    ends = {a: activations.leaky_relu(a).saturation for a in (0.0, 0.05, 0.051, -0.01)}
    assert ends == {0.0: (0.0, math.inf), 0.05: (0.0, math.inf), 0.051: None, -0.01: None}
    with pytest.raises(TypeError, match=r"^negative_slope must be a real number, got 'x'$"):
        activations.get(("leaky_relu", "x"))  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------
# Functions
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "kinks", "slope"),
    [
        (F.hardswish, (-3.0, 3.0), 0.5),
        (F.relu6, (6.0,), None),
        (nn.Softshrink(0.25), (-0.25, 0.25), 0.0),
        (nn.Threshold(2.0, 1.0), (2.0,), 0.0),
        (lambda s: (s - 1 / 3).relu() - (s - 0.35).relu(), (0.333333333, 0.35), 0.0),
        (torch.tanh, (), 1.0),
        (F.mish, (), 0.6),
        (lambda s: 1e-9 * s.abs(), (), None),
        (lambda s: 0.5 * torch.sigmoid(1e4 * s), (), 1250.0),  # steep, and smooth
        (torch.square, (), 0.0),
    ],
)
def test_the_kinks_of_a_function_are_found(
    function: Callable[[Tensor], Tensor], kinks: tuple[float, ...], slope: float | None
) -> None:
    f = activations.get(function)
    assert f.kinks == kinks
    assert f.slope == (slope if slope is None else pytest.approx(slope, rel=1e-12))


def test_a_function_is_an_activation() -> None:
    f = activations.get(nn.Softsign())
    assert (f.name, f.parity, f.saturation) == ("Softsign", "odd", None)
    assert all(math.isnan(end) for end in f.range)
    nearly = activations.get(lambda s: s + 1e-9)
    evens = activations.get(F.gelu), activations.get(torch.square), nearly
    assert {f.parity for f in evens} == {"neither"}
    s = torch.tensor([[0.0, *POINTS]], dtype=torch.float64)
    known = ACTIVATIONS["softsign"]
    assert torch.equal(f.value(s), known.value(s))
    torch.testing.assert_close(f.derivative(s, s), known.derivative(s, s), rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match=r"^activation must be known by name .*, got Softsign$"):
        f.expression(x)
    in_place = activations.get(torch.relu_)
    before = s.clone()
    assert torch.equal(in_place.value(s), s.relu()) and torch.equal(s, before)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (nn.GELU, TypeError, "return a tensor of the shape and the dtype .*, got GELU$"),
        (lambda s: s.float(), TypeError, "return a tensor of the shape and the dtype"),
        (torch.argmax, TypeError, "return a tensor of the shape .*, got argmax$"),
        (nn.PReLU(), TypeError, r"take a tensor in double precision \(.+\), got PReLU$"),
        (math.tanh, TypeError, r"take a tensor in double precision \(.+\), got tanh$"),
        (nn.Softmax(0), ValueError, "give each element a result of its own.*, got Softmax$"),
        (nn.Dropout(), ValueError, "give each .* the same every time, got Dropout$"),
        (nn.RReLU(), ValueError, "give each .* the same every time, got RReLU$"),
        (torch.log, ValueError, "be finite from -50 to 50, and is nan at -50, got log$"),
        (lambda s: s.detach(), ValueError, r"have a gradient by autograd \(.+\), got <lambda>$"),
        (None, ValueError, "be one of sigmoid, .*, got None$"),
    ],
)
def test_what_is_no_function_of_each_element_is_refused(
    function: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match="^which must " + message):
        activations.get(function, "which")
