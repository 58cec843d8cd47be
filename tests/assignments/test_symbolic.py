"""Formulas are read without being run, and compared by what they give."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from xavier_grading.check import symbolic
from xavier_grading.check.symbolic import Unreadable

RANGES = {"n": (5.0, 90.0), "p": (0.1, 0.6), "a": (0.05, 0.9)}
TRUTH = "sqrt(6*(1-p)/(n*(1+a**2)))"


@pytest.mark.parametrize(
    "form",
    [
        "sqrt(6)*sqrt(1-p)/sqrt(n*(a**2+1))",
        "(6*(1 - p)/n/(1 + a*a))^(1/2)",
        "exp(log(6*(1-p)/(n+n*a**2))/2)",
        "(Rational(1, 6)*n*(1+a**2)/(1-p))**(-1/2)",
        "2*sqrt(3/2*(1-p)/(n*(1+a**2)))",
        str(sympy.expand("sqrt(6*(1-p)/(n*(1+a**2)))")),
        sympy.sstr(sympy.sqrt(sympy.sympify("6*(1-p)/(n*(1+a**2))")).simplify()),
        "+" * 50 + TRUTH,
        f"({TRUTH})*(1+a)/(a+1)",
    ],
)
def test_equivalent_forms_are_the_same(form: str) -> None:
    assert symbolic.same(form, TRUTH, RANGES)


@pytest.mark.parametrize(
    "other",
    ["6*(1-p)/(n*(1+a**2))", "sqrt(6*(1-p)/(n*(1+a**2)))+1e-15", "sqrt(6*p/(n*(1+a**2)))",
     "-sqrt(6*(1-p)/(n*(1+a**2)))", "2.449489742783*sqrt((1-p)/(n*(1+a**2)))", "1/(p-p)", "0",
     "sqrt(p-2)"],
)  # fmt: skip
def test_other_formulas_are_not(other: str) -> None:
    assert not symbolic.same(other, TRUTH, RANGES)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_a_factor_is_found(one: float, other: float) -> None:
    found = symbolic.ratio(f"{one}*n/p", f"{other}*n/p", RANGES)
    assert found == pytest.approx(one / other, rel=1e-12)


def test_what_is_more_than_a_factor_has_none() -> None:
    assert symbolic.ratio("n", "n*p", RANGES) is None
    assert symbolic.ratio("n", "0", RANGES) is None
    assert symbolic.ratio("sqrt(-n)", "n", RANGES) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no formula"),
        ("n +", "no formula"),
        ("__import__('os').system('true')", "functions"),
        ("n.real", "Attribute"),
        ("[n for n in (1,)]", "ListComp"),
        ("lambda: n", "Lambda"),
        ("n if p else a", "IfExp"),
        ("x*n", "'x' is none of the symbols"),
        ("sqrt(x=n)", "functions"),
        ("n % p", "may join"),
        ("~n", "before a term"),
        ("'n'", "no number"),
        ("True", "no number"),
        ("1" * 200, "too long"),
        ("n" * 30_000, "too long"),
        ("n+" * 3_000 + "n", "too long|no formula"),
        ("(" * 5_000 + "n" + ")" * 5_000, "no formula"),
        ("open", "none of the symbols"),
    ],
)
def test_what_is_no_formula_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        symbolic.read(text, list(RANGES))


@pytest.mark.parametrize("text", ["9**9**9**9", "exp(exp(exp(n)))", "2**(10**9)", "0**-1", "1/0"])
def test_what_would_take_for_ever_is_not_computed(text: str) -> None:
    with pytest.raises(Unreadable):
        symbolic.value(symbolic.read(text, list(RANGES)), {"n": 50.0})


def test_a_number_has_fifty_digits() -> None:
    found = symbolic.value(symbolic.read("sqrt(2)", []), {})
    assert mpmath.nstr(found, 47) == "1.4142135623730950488016887242096980785696718754"
