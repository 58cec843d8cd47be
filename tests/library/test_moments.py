"""`xavier.moments`: expectations that are exact, beside samples, and no guesses.

Where a moment is held against samples, ``LIMIT`` standard errors are allowed: a false alarm in
6e-7 of all comparisons of a normal estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Symbol

from xavier.moments import Law, Signal

LIMIT = 5.0
v = Symbol("v", positive=True)


def test_the_law_of_a_product_is_the_documented_one() -> None:
    law = Law()
    m, q, mu, variance = sympy.symbols("m q mu v", positive=True)
    w, z = law.draw("w", mean=mu, variance=variance), law.draw("z", mean=m, variance=q)
    assert law.E(w * z) == mu * m
    assert law.Var(w * z) == m**2 * variance + mu**2 * q + q * variance


POLYNOMIALS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda a, b, c: a + 2 * b - 3, lambda a, b, c: b - c),
    "product": (lambda a, b, c: a * b, lambda a, b, c: a * b * c),
    "affine": (lambda a, b, c: (a + 1) * (b - 2) + c, lambda a, b, c: a + c),
    "square": (lambda a, b, c: b**2 + a, lambda a, b, c: b * a - b),
    "cube": (lambda a, b, c: b**3 - 2 * a * b, lambda a, b, c: b),
}


@pytest.mark.parametrize("first, second", POLYNOMIALS.values(), ids=POLYNOMIALS)
def test_moments_agree_with_brute_force_samples(
    first: Callable[..., Any], second: Callable[..., Any], rng: np.random.Generator
) -> None:
    law, n = Law(), 400_000
    symbolic = (
        law.draw("a", mean=1, variance=2),
        law.draw("b", mean=sympy.Rational(1, 2), variance=sympy.Rational(3, 4), normal=True),
        law.draw("c", variance=4),
    )
    sampled = (
        1 + math.sqrt(2) * rng.choice([-1.0, 1.0], n),  # only two moments are asked of a and c
        0.5 + math.sqrt(0.75) * rng.standard_normal(n),
        rng.uniform(-math.sqrt(12), math.sqrt(12), n),
    )
    f, g = first(*sampled), second(*sampled)
    f_centred, g_centred = f - f.mean(), g - g.mean()
    for exact, samples in (
        (law.E(first(*symbolic)), f),
        (law.E(second(*symbolic)), g),
        (law.Var(first(*symbolic)), f_centred**2),
        (law.Var(second(*symbolic)), g_centred**2),
        (law.Cov(first(*symbolic), second(*symbolic)), f_centred * g_centred),
    ):
        assert abs(samples.mean() - float(exact)) <= LIMIT * samples.std() / math.sqrt(n)


@settings(max_examples=20)
@given(
    coefficients=st.lists(st.integers(-5, 5), min_size=4, max_size=4),
    variances=st.lists(st.fractions(0, 9), min_size=2, max_size=2),
)
def test_expectation_is_linear_and_variance_is_a_quadratic_form(
    coefficients: list[int], variances: list[Any]
) -> None:
    law = Law()
    p, q, shift, mean = coefficients
    x = law.draw("x", mean=mean, variance=sympy.Rational(variances[0]))
    y = law.draw("y", variance=sympy.Rational(variances[1]))
    assert law.E(p * x + q * y + shift) == p * mean + shift
    assert law.Cov(x, y) == 0 and law.E(x * y) == law.E(x) * law.E(y)
    assert law.Cov(x + y, x) == law.Cov(x, x + y) == law.Var(x)
    assert law.Var(p * x + q * y + shift) == p**2 * law.Var(x) + q**2 * law.Var(y)
    first, second = p * x + y, x - q * y
    both = law.Var(first) + law.Var(second) + 2 * law.Cov(first, second)
    assert law.Var(first + second) == both


def test_the_moments_of_a_normal_variable_are_the_double_factorials() -> None:
    law = Law()
    x = law.draw("x", variance=v, normal=True)
    for power in range(9):
        expected = 0 if power % 2 else sympy.factorial2(power - 1) * v ** Integer(power / 2)
        assert law.E(x**power) == expected


def test_equal_names_are_different_variables() -> None:
    law = Law()
    assert law.Cov(law.draw("x"), law.draw("x")) == 0


def test_variables_are_real_numbers() -> None:
    x = Law().draw("x", mean=1)
    assert sympy.conjugate(x) == x


def test_a_moment_that_was_not_given_is_an_error_not_a_guess() -> None:
    law = Law()
    x, normal = law.draw("x"), law.draw("y", normal=True)
    with pytest.raises(ValueError, match=r"^moment 3 of x is not known; normal=True gives them"):
        law.E(x**3)
    with pytest.raises(ValueError, match=r"^moment 4 of x is not known"):
        law.Var(x**2)
    with pytest.raises(ValueError, match=r"^moment 9 of y is not known"):
        law.E(normal**9)
    for expression in (sympy.exp(x), 1 / (1 + x), abs(x)):
        with pytest.raises(ValueError, match=r"^expression must be a polynomial, got "):
            law.E(expression)
    with pytest.raises(ValueError, match=r"^variance must not be negative, got -1"):
        law.draw("z", variance=-1)


def test_the_second_moment_of_a_signal_is_that_of_its_units() -> None:
    law = Law()
    unit = law.draw("z", mean=3, variance=v)
    assert Signal(3, v).second_moment() == law.E(unit**2) == v + 9
