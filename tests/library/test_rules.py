"""`xavier.rules`: the formulas, that the derivation arrives at them, and fans that are counted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from xavier import derivation, rules
from xavier.derivation import n_in, n_out
from xavier.rules import PARAMETRIZATIONS, RULES, Role

# What the papers say, each as a fraction of the two sizes.
FORMULAS = {
    "standard": lambda n, m: Fraction(1, 3 * n),
    "lecun": lambda n, m: Fraction(1, n),
    "glorot": lambda n, m: Fraction(2, n + m),
    "he": lambda n, m: Fraction(2, n),
}

sizes = st.integers(1, 10**6)
named_rules = pytest.mark.parametrize("name", RULES)


# --------------------------------------------------------------------------------------------------
# Values
# --------------------------------------------------------------------------------------------------


def test_the_rules_are_these_four() -> None:
    assert set(RULES) == set(FORMULAS)


@named_rules
@given(n=sizes, m=sizes)
def test_for_integers_a_rule_is_its_formula_rounded_once(name: str, n: int, m: int) -> None:
    # Each rule is one division of two integers, and Python rounds that correctly.
    assert RULES[name](n, m) == float(FORMULAS[name](n, m))


@named_rules
@given(n=sizes, m=sizes)
def test_a_rule_is_the_same_for_floats_and_exact_for_fractions(name: str, n: int, m: int) -> None:
    assert RULES[name](float(n), float(m)) == RULES[name](n, m)
    assert RULES[name](Fraction(n), Fraction(m)) == FORMULAS[name](n, m)


@named_rules
@given(n=sizes, m=sizes)
def test_a_rule_on_symbols_is_its_formula(name: str, n: int, m: int) -> None:
    exact = FORMULAS[name](n, m)
    variance = RULES[name](n_in, n_out).subs({n_in: n, n_out: m})
    assert variance == sympy.Rational(exact.numerator, exact.denominator)


@given(n=sizes, m=sizes)
def test_glorot_is_symmetric_and_lies_between_the_two_wishes(n: int, m: int) -> None:
    glorot = rules.glorot(Fraction(n), Fraction(m))
    assert glorot == rules.glorot(Fraction(m), Fraction(n))
    assert min(Fraction(1, n), Fraction(1, m)) <= glorot <= max(Fraction(1, n), Fraction(1, m))
    assert (glorot == Fraction(1, n)) == (n == m)


# --------------------------------------------------------------------------------------------------
# Parametrizations by width
# --------------------------------------------------------------------------------------------------

# By parametrization and role, as (variance, factor of gradient descent, square of Adam's): for a
# hidden width n, 7 inputs, 3 outputs and the base b (Yang et al. 2022, table 3, for mup).
TABLE: dict[tuple[str, Role], Callable[[Any, Any], tuple[Any, Any, Any]]] = {
    ("sp", "input"): lambda n, b: (Fraction(1, 7), 1, 1),
    ("sp", "hidden"): lambda n, b: (1 / n, 1, 1),
    ("sp", "output"): lambda n, b: (1 / n, 1, 1),
    ("ntk", "input"): lambda n, b: (Fraction(1, 7), 1, 1),
    ("ntk", "hidden"): lambda n, b: (1 / n, b / n, b / n),
    ("ntk", "output"): lambda n, b: (1 / n, b / n, b / n),
    ("mup", "input"): lambda n, b: (Fraction(1, 7), n / b, 1),
    ("mup", "hidden"): lambda n, b: (1 / n, 1, (b / n) ** 2),
    ("mup", "output"): lambda n, b: (b / n**2, b / n, (b / n) ** 2),
}
ROLES: tuple[Role, ...] = ("input", "hidden", "output")


def sizes_of(role: Role, n: Any) -> tuple[Any, Any]:
    return {"input": (7, n), "hidden": (n, n), "output": (n, 3)}[role]


@pytest.mark.parametrize(("name", "role"), TABLE)
@given(n=sizes, base=sizes)
def test_a_parametrization_is_its_row_of_the_table(
    name: str, role: Role, n: int, base: int
) -> None:
    expected = TABLE[name, role](Fraction(n), Fraction(base))
    found = PARAMETRIZATIONS[name](role, *sizes_of(role, n), base)
    squared = (found.variance, found.sgd, found.adam**2)
    assert squared == pytest.approx(tuple(map(float, expected)), rel=1e-12)
    pair = map(sympy.Integer, sizes_of(role, n))
    exact = PARAMETRIZATIONS[name](role, *pair, sympy.Integer(base))
    squared = (exact.variance, exact.sgd, exact.adam**2)
    assert squared == tuple(sympy.Rational(Fraction(x)) for x in expected)


def test_there_are_three_parametrizations() -> None:
    assert set(PARAMETRIZATIONS) == {name for name, _ in TABLE}


@pytest.mark.parametrize("name", ["ntk", "mup"])
@pytest.mark.parametrize("role", ROLES)
@given(n=sizes)
def test_at_the_base_width_all_are_the_standard_one(name: str, role: Role, n: int) -> None:
    pair = sizes_of(role, n)
    assert PARAMETRIZATIONS[name](role, *pair, n) == pytest.approx(rules.sp(role, *pair))


def test_maximal_update_alone_moves_hidden_layers_and_logits_at_every_width() -> None:
    # One step on one example, in powers of the width n: sums of n terms that share a sign.
    n, sd, rate = sympy.symbols("n sigma eta", positive=True)
    features = sympy.Eq(rate * n * sd, 1)  # a gradient of size sd comes back from the output
    logits = sympy.Eq(n * sd * rate * n * sd, 1)  # what the output makes of what has moved
    [found] = sympy.solve([features, logits], [sd, rate], dict=True)
    hidden, output = (rules.mup(role, *sizes_of(role, n)) for role in ("hidden", "output"))
    assert found == {sd: rules.std(output.variance), rate: hidden.sgd}
    assert output.sgd * n == 1 and hidden.adam * n == 1  # n activations of size one
    assert rules.mup("input", 7, n).sgd * found[sd] == 1  # and a fixed number of inputs


def test_layers_that_divide_by_the_root_learn_as_the_ntk_says() -> None:
    class Divided(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.linear(x, self.weight) / self.in_features**0.5

    def net(kind: type[nn.Linear]) -> nn.Sequential:
        generator = torch.Generator().manual_seed(0)
        made = nn.Sequential(*(kind(n, m, bias=False) for n, m in ((5, 8), (8, 8), (8, 3))))
        for layer in made:
            torch.nn.init.normal_(layer.weight, generator=generator)  # type: ignore[arg-type]
        return made.double()

    x, base = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), 2
    theirs, ours = net(Divided), net(nn.Linear)
    said = [
        rules.ntk(role, *pair, base)
        for role, pair in zip(ROLES, ((5, 8), (8, 8), (8, 3)), strict=True)
    ]
    lr, factors = 0.3, []
    with torch.no_grad():
        for layer, scaling in zip(ours, said, strict=True):
            layer.weight *= scaling.variance**0.5  # type: ignore[operator]
    for layer, scaling in zip(ours, said, strict=True):
        # Of the input layer the NTK's constant, one over the number of inputs, is left out.
        fixed = base / 5 if layer is ours[0] else 1
        factors.append({"params": layer.parameters(), "lr": lr * scaling.sgd * fixed})
    for model, groups in ((theirs, theirs.parameters()), (ours, factors)):
        learn = torch.optim.SGD(groups, lr=lr * base)  # type: ignore[arg-type]
        for _ in range(3):
            learn.zero_grad()
            model(x).square().sum().backward()
            learn.step()
    first, second = theirs(x).detach(), ours(x).detach()
    assert float((first - second).abs().max()) < 1e-9 * float(first.abs().max())


# --------------------------------------------------------------------------------------------------
# The derivation arrives at the same
# --------------------------------------------------------------------------------------------------


def test_the_derivation_arrives_at_the_rules_of_glorot_and_he_and_at_equation_16() -> None:
    assert derivation.glorot_variance() == rules.glorot(n_in, n_out)
    assert derivation.glorot_bound() == rules.bound(rules.glorot(n_in, n_out))
    assert derivation.glorot_bound() == sympy.sqrt(6) / sympy.sqrt(n_in + n_out)
    assert derivation.he_variance() == rules.he(n_in, n_out)


def test_the_lecun_rule_fulfils_the_forward_condition_and_only_that_one() -> None:
    forward, backward = derivation.conditions()
    lecun = {derivation.v: rules.lecun(n_in, n_out)}
    assert forward.subs(lecun) == sympy.true
    assert sympy.simplify(backward.subs(lecun).lhs) == n_out / n_in


def test_the_standard_rule_is_the_variance_of_equation_1_and_gives_a_third() -> None:
    uniform = derivation.uniform_variance(1 / sympy.sqrt(n_in))
    assert sympy.simplify(uniform - rules.standard(n_in, n_out)) == 0
    assert n_in * rules.standard(n_in, n_out) == sympy.Rational(1, 3)
    assert rules.bound(rules.standard(n_in, n_out)) == 1 / sympy.sqrt(n_in)


# --------------------------------------------------------------------------------------------------
# Square roots
# --------------------------------------------------------------------------------------------------


@given(n=sizes, m=sizes)
def test_std_and_bound_stay_exact_for_sympy(n: int, m: int) -> None:
    variance = sympy.Rational(n, m)
    assert rules.std(variance) ** 2 == variance
    assert rules.bound(variance) ** 2 == 3 * variance
    assert derivation.uniform_variance(rules.bound(variance)) == variance


@given(variance=st.floats(1e-300, 1e300))
def test_std_is_rounded_once_and_bound_three_times(variance: float) -> None:
    exact = sympy.Rational(*variance.as_integer_ratio())
    std, bound = (sympy.N(root, 40) for root in (sympy.sqrt(exact), sympy.sqrt(3 * exact)))
    # A rounding is at most half a unit in the last place of a result, which is at most one unit
    # of the product: sqrt(3), the standard deviation and their product make three.
    assert abs(rules.std(variance) - std) <= math.ulp(float(std)) / 2
    assert abs(rules.bound(variance) - bound) <= 3 * math.ulp(float(bound))


def test_floats_need_no_computer_algebra() -> None:
    assert type(rules.std(4)) is float and rules.std(4) == 2.0
    assert type(rules.bound(Fraction(1, 4))) is float
    assert rules.bound(Fraction(1, 4)) == math.sqrt(3) / 2


# --------------------------------------------------------------------------------------------------
# Fans
# --------------------------------------------------------------------------------------------------


@given(shape=st.lists(st.integers(1, 40), min_size=2, max_size=5))
def test_without_groups_the_fans_are_those_of_torch(shape: list[int]) -> None:
    theirs = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape, device="meta"))
    assert rules.fans(shape) == theirs


@st.composite
def linear_maps(draw: st.DrawFn) -> tuple[tuple[int, ...], int, bool]:
    """Shape of the weights, groups, and whether the convolution is a transposed one."""
    kernel = draw(st.lists(st.integers(1, 3), max_size=2))
    groups = draw(st.integers(1, 3)) if kernel else 1
    transposed = draw(st.booleans()) if kernel else False
    first, second = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (groups * first, second, *kernel), groups, transposed


def connections(
    shape: tuple[int, ...], groups: int, transposed: bool, stride: int = 1
) -> tuple[int, int]:
    """Inputs per output and outputs per input, counted in the interior of the dense matrix."""
    kernel = shape[2:]
    channels = shape[0] if transposed else shape[1] * groups
    # Wide enough for an input and an output that no border touches; those have the most partners.
    field = [2 * size + 1 for size in kernel]
    inputs = channels * math.prod(field)
    # One unit vector after the other: the rows of the dense matrix.
    x, weight = torch.eye(inputs).reshape(inputs, channels, *field), torch.ones(shape)
    if kernel:
        name = f"conv{'_transpose' if transposed else ''}{len(kernel)}d"
        outputs = getattr(functional, name)(x, weight, groups=groups, stride=stride)
    else:
        outputs = functional.linear(x, weight)
    dense = outputs.reshape(inputs, -1) != 0
    return int(dense.sum(0).max()), int(dense.sum(1).max())


@settings(max_examples=60)
@given(linear_maps())
def test_fans_are_the_connections_of_an_inner_unit(
    linear_map: tuple[tuple[int, ...], int, bool],
) -> None:
    shape, groups, transposed = linear_map
    counted = connections(shape, groups, transposed)
    assert rules.fans(shape, groups=groups, transposed=transposed) == counted


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 2), (2, 3, 2, 2)])
@pytest.mark.parametrize("transposed", [False, True])
def test_strides_that_divide_the_kernel_are_counted(
    shape: tuple[int, ...], transposed: bool
) -> None:
    counted = connections(shape, 1, transposed, 2)
    assert rules.fans(shape, transposed=transposed, stride=2) == counted
    assert {type(n) for n in rules.fans(shape, transposed=transposed, stride=2)} == {int}


@given(kernel=st.integers(1, 5), stride=st.integers(1, 5), transposed=st.booleans())
def test_other_strides_are_counted_on_average(kernel: int, stride: int, transposed: bool) -> None:
    # On a ring: 5 inputs channels and 7 output channels, of 60 places or a stride-th of them.
    ring, places = 60, 60 // stride
    pairs = 5 * 7 * kernel * places  # a place of the shorter side meets the kernel once
    longer, shorter = ring, places
    shape = (5, 7, kernel) if transposed else (7, 5, kernel)
    inputs, outputs = (shorter, longer) if transposed else (longer, shorter)
    found = rules.fans(shape, transposed=transposed, stride=stride)
    assert found == pytest.approx((pairs / (7 * outputs), pairs / (5 * inputs)))


def test_strides_of_their_own_for_each_dimension() -> None:
    assert rules.fans((8, 4, 3, 6), stride=(1, 2)) == (72, 72)
    assert rules.fans((8, 4, 3, 6), stride=(1, 2), transposed=True) == (72, 72)
    assert rules.fans((8, 6, 3, 6), stride=[3, 2], groups=2) == (108, 12)
    assert rules.fans((8, 4), stride=3) == (4, 8)  # there is nothing to step over


@given(shape=st.lists(st.integers(1, 40), min_size=2, max_size=4), experts=st.integers(1, 9))
def test_stacked_matrices_are_counted_each(shape: list[int], experts: int) -> None:
    assert rules.fans((experts, *shape), stacked=1) == rules.fans(shape)
    assert rules.fans((experts, 2, *shape), stacked=2) == rules.fans(shape)


@given(out=st.integers(1, 50), into=st.integers(1, 50), packed=st.integers(1, 4))
def test_a_packed_matrix_has_the_fans_of_its_parts(out: int, into: int, packed: int) -> None:
    parts = torch.empty(packed * out, into).chunk(packed)
    assert len(parts) == packed
    assert {rules.fans(part.shape) for part in parts} == {
        rules.fans((packed * out, into), packed=packed)
    }


def test_fans_are_python_ints_whatever_came_in() -> None:
    numpy = pytest.importorskip("numpy")
    counted = rules.fans(numpy.array([6, 4, 3]), groups=numpy.int64(2), packed=numpy.int64(3))
    assert counted == (12, 3) and {type(n) for n in counted} == {int}


# --------------------------------------------------------------------------------------------------
# Bad input
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shape": (3,)}, ValueError, "shape must have at least two dimensions (out, in, *kernel)"),
        ({"shape": (3, 2.0)}, TypeError, "shape[1] must be an integer, got 2.0"),
        ({"shape": (3, 2, 0)}, ValueError, "shape[2] must be at least 1, got 0"),
        ({"shape": (3, 2), "groups": 1.5}, TypeError, "groups must be an integer, got 1.5"),
        ({"shape": (3, 2), "packed": -1}, ValueError, "packed must be at least 1, got -1"),
        (
            {"shape": (5, 2, 3), "groups": 2},
            ValueError,
            "shape[0] must be a multiple of groups * packed = 2, got 5",
        ),
        (
            {"shape": (5, 2, 3), "groups": 2, "transposed": True},
            ValueError,
            "shape[0] must be a multiple of groups = 2, got 5",
        ),
        (
            {"shape": (3, 2), "stacked": 1},
            ValueError,
            "shape must have at least two dimensions (out, in, *kernel) after the 1 stacked",
        ),
        ({"shape": (3, 2), "stacked": -1}, ValueError, "stacked must be at least 0, got -1"),
        ({"shape": (3, 2, 3), "stride": 0}, ValueError, "stride must be at least 1, got 0"),
        (
            {"shape": (3, 2, 3, 3), "stride": (2,)},
            ValueError,
            "stride must have a number for each of (3, 3), got (2,)",
        ),
        (
            {"shape": (2, 5, 2, 3), "groups": 2, "stacked": 1},
            ValueError,
            "shape[1] must be a multiple of groups * packed = 2, got 5",
        ),
        (
            {"shape": (6, 2), "packed": 3, "transposed": True},
            ValueError,
            "packed must be 1 for transposed weights, got 3",
        ),
    ],
)
def test_a_shape_without_fans_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        rules.fans(**arguments)


@given(shape=st.lists(st.integers(-3, 3), max_size=4), groups=st.integers(-2, 4))
def test_fans_are_positive_or_an_error_that_shows_the_culprit(
    shape: list[int], groups: int
) -> None:
    usable = len(shape) >= 2 and min(shape) >= 1 and groups >= 1 and shape[0] % groups == 0
    if usable:
        assert min(rules.fans(shape, groups=groups)) >= 1
    else:
        with pytest.raises(ValueError, match=r"^(shape(\[\d\])?|groups) must .*, got "):
            rules.fans(shape, groups=groups)
