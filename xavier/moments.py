"""Expectations of polynomials in independent random variables, by computer algebra.

All that the paper's derivation (eqs. 5 to 12) needs of probability: expectations are linear, and
they split products of independent variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol


class Law:
    """Independent random variables of which some moments are known.

    ``draw`` gives a variable as a SymPy expression; sums and products of such expressions are
    random variables too, and `E`, `Var` and `Cov` work out their moments. A moment that was
    never given (a fourth moment, say) is an error, not a guess.

    >>> law = Law()
    >>> m, q, mu, v = sympy.symbols("m q mu v", positive=True)
    >>> w, z = law.draw("w", mean=mu, variance=v), law.draw("z", mean=m, variance=q)
    >>> law.Var(w * z)
    m**2*v + mu**2*q + q*v
    """

    def __init__(self) -> None:
        self._moments: dict[Symbol, Sequence[int]] = {}

    def draw(self, name: str, *, mean: Any = 0, variance: Any = 1, normal: bool = False) -> Expr:
        """A new variable, independent of all others so far.

        Args:
            name: for printing only; equal names are still different variables.
            mean: number or expression.
            variance: number or expression, not random itself and not negative.
            normal: whether it is normal, so that its moments up to the 8th are known.

        Raises:
            ValueError: the variance is negative.
        """
        mean, variance = sympy.sympify(mean), sympy.sympify(variance)
        if variance.is_negative:
            raise ValueError(f"variance must not be negative, got {variance}")
        # Standardised: mean 0, variance 1. Then only numbers are ever looked up below.
        noise = sympy.Dummy(name, real=True)
        self._moments[noise] = (1, 0, 1, 0, 3, 0, 15, 0, 105) if normal else (1, 0, 1)
        return mean + sympy.sqrt(variance) * noise

    def E(self, expression: Any) -> Expr:
        """Expectation of a polynomial in drawn variables: linear, and it splits products.

        Raises:
            ValueError: a moment is needed that is not known, or the expression is no
                polynomial in the variables.
        """
        expression = sympy.sympify(expression)
        noises = [noise for noise in self._moments if expression.has(noise)]
        if not noises:
            return sympy.expand(expression)
        try:
            terms = sympy.Poly(expression, *noises).terms()
        except sympy.PolynomialError as error:
            raise ValueError(f"expression must be a polynomial, got {expression}") from error
        total = Integer(0)
        for powers, coefficient in terms:
            total += coefficient * sympy.prod(map(self._moment, noises, powers))
        return sympy.expand(total)

    def Cov(self, first: Any, second: Any) -> Expr:
        """Covariance of two polynomials in drawn variables; errors as in `E`."""
        return sympy.expand(self.E(first * second) - self.E(first) * self.E(second))

    def Var(self, expression: Any) -> Expr:
        """Variance of a polynomial in drawn variables; errors as in `E`."""
        return self.Cov(expression, expression)

    def _moment(self, noise: Symbol, power: int) -> int:
        known = self._moments[noise]
        if power >= len(known):
            raise ValueError(
                f"moment {power} of {noise.name} is not known; normal=True gives them up to the 8th"
            )
        return known[power]


@dataclass(frozen=True)
class Signal:
    """The units of one layer as the derivation knows them: all alike, correlated in pairs.

    Attributes:
        mean: E of a unit.
        variance: Var of a unit.
        covariance: Cov of two different units.
    """

    mean: Any
    variance: Any
    covariance: Any = Integer(0)

    def second_moment(self) -> Expr:
        """E of a unit's square."""
        return sympy.expand(self.variance + self.mean**2)
