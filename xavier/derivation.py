r"""The paper's equations 5 to 16 by computer algebra, with every assumption a switch.

A network of sizes :math:`n_0, \dots, n_L` computes :math:`s^i = z^i W^i + b^i` and
:math:`z^{i+1} = f(s^i)` from :math:`z^0 = x`; :math:`W^i` has :math:`n_i` rows and
:math:`n_{i+1}` columns, and :math:`s^{L-1}` is its output. Variances are over the draws of the
weights *and* the inputs (and, where units differ, over the units of a layer).

No result is typed in from the paper, apart from the two functions that say what it prints. A
`xavier.moments.Law` takes expectations of polynomials in independent random variables; one step
through a layer is worked out with it once, for symbols, and repeated. Dropping an assumption
changes what is drawn, and the extra terms come out. Put in by hand is how terms are counted: a sum
of n like terms has n variances and n (n - 1) covariances, and going down (eq. 2) the sum runs over
the outputs of the weights.

The symbols of the results, beside the sizes:

============================  =====================================================================
``v_i``                       variance of one weight of :math:`W^i`
``v_x``, ``v_delta``          variance of one input; of :math:`\partial C/\partial s^{L-1}`
``mu_i``                      mean of one weight of :math:`W^i` (without zero_mean_weights)
``m_x``, ``h``                mean of one input; f(0) (without zero_mean_inputs)
``kappa``                     covariance of an input and a first-layer weight that it meets,
                              jointly normal (without independent_weights)
``C_x``, ``C_delta``          covariance, over the units of a layer, between the variance of the
                              signal and that of the weights it meets (without
                              identical_distribution)
``beta``                      f'(0) (without unit_slope)
``u_i``                       variance of a random bias (without zero_biases)
``r_x``, ``r_delta``          correlation of two inputs, of two components of the top gradient
                              (without uncorrelated_inputs, uncorrelated_gradient)
``m_delta``                   mean of a component of the top gradient (without zero_mean_gradient)
============================  =====================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import sympy
from sympy import Eq, Expr, Integer, Symbol

from xavier import checks
from xavier.moments import Law, Signal

Size: TypeAlias = Any
"""Number of units of a layer: a positive int or a positive integer SymPy symbol."""

ASSUMPTIONS: dict[str, str] = {
    "zero_mean_weights": "the weights have mean zero",
    "zero_mean_inputs": "what enters a layer has mean zero: the data, and f(0) = 0",
    "independent_weights": "weights and inputs are independent",
    "identical_distribution": "in a layer all weights have one variance, and so have all inputs",
    "unit_slope": "f'(0) = 1 (eq. 4)",
    "linear_units": "f is a straight line as far as the sums reach (eq. 4)",
    "zero_biases": "the biases are zero",
    "uncorrelated_inputs": "the inputs are uncorrelated with each other",
    "zero_mean_gradient": "the gradient at the output has mean zero",
    "uncorrelated_gradient": "its components are uncorrelated with each other",
    "independent_gradient": "the back-propagated gradient is independent of the weights it crosses",
    "independent_signal": "what a layer gets from below is independent of what comes from above",
}
"""The assumptions behind equations 5 to 14 by name, each a sentence that may be false.

That the weights are independent of each other is assumed as well, and always. All but linear_units
are switches: a bent unit has no closed form here, and `xavier.montecarlo.sample_variances` samples
it. Two do nothing alone, as their terms have a mean weight for a factor: uncorrelated_inputs and
uncorrelated_gradient."""

n_in, n_out = sympy.symbols("n_in n_out", positive=True, integer=True)
"""The two sizes of one layer, as positive integer symbols."""

v_x, v_delta, u_, v = sympy.symbols("v_x v_delta u v", positive=True)
m_x, h, beta, m_delta = sympy.symbols("m_x h beta m_delta", real=True)
kappa, C_x, C_delta = sympy.symbols("kappa C_x C_delta", real=True)
r_x, r_delta = sympy.symbols("r_x r_delta", real=True)


def weight_variance(layer: int) -> Symbol:
    """The symbol ``v_i`` for the variance of one weight of layer ``layer``."""
    return Symbol(f"v_{layer}", positive=True)


def weight_mean(layer: int) -> Symbol:
    """The symbol ``mu_i`` for the mean of one weight of layer ``layer``."""
    return Symbol(f"mu_{layer}", real=True)


def bias_variance(layer: int) -> Symbol:
    """The symbol ``u_i`` for the variance of one bias of layer ``layer``."""
    return Symbol(f"u_{layer}", positive=True)


# ---------------------------------------------------------------------------------------------
# One layer


@dataclass(frozen=True)
class _Layer:
    """What one layer multiplies by: means and variances of its weights and biases."""

    terms: Size
    mu: Any
    v: Any
    bias: Any
    kappa: Any = Integer(0)
    # Covariance, over the units, of the variance of a unit and that of the weights it meets.
    profile: Any = Integer(0)


def _through(layer: _Layer, signal: Signal) -> Signal:
    """Weighted sums of ``signal``: eq. 5's single step, with whatever was not assumed."""
    formulas = _weighted_sum(knowing=layer.kappa != 0, uneven=layer.profile != 0)
    values = {
        _N: layer.terms, _MU: layer.mu, _V: layer.v, _U: layer.bias, _KAPPA: layer.kappa,
        _M: signal.mean, _Q: signal.variance, _C: signal.covariance, _PROFILE: layer.profile,
    }  # fmt: skip
    values = {symbol: sympy.sympify(value) for symbol, value in values.items()}
    return Signal(*(sympy.expand(formula.xreplace(values)) for formula in formulas))


_N = sympy.Dummy("n", positive=True, integer=True)
_MU, _M, _KAPPA, _PROFILE = (sympy.Dummy(name, real=True) for name in ("mu", "m", "kappa", "C"))
_V, _U, _Q, _C = (sympy.Dummy(name, positive=True) for name in ("v", "u", "q", "c"))


@lru_cache(maxsize=3)
def _weighted_sum(*, knowing: bool, uneven: bool) -> tuple[Expr, Expr, Expr]:
    """Mean, variance and covariance of units ``sum_j w_jk z_j + b_k``, for symbols.

    Two inputs j, l and two units k, h stand for all: a square of a sum of n like terms is n
    squares and n (n - 1) products of two different terms. Either the inputs are correlated in
    pairs, or the weights are ``knowing``: correlated with the input that they meet. Where they
    are ``uneven``, the variances of an input and of its weights differ from input to input.
    """
    law = Law()
    c, kappa = (Integer(0), _KAPPA) if knowing else (_C, Integer(0))
    shared = law.draw("G", variance=c)
    y_j, y_l = (law.draw(name, variance=_Q - c, normal=True) for name in ("Y_j", "Y_l"))
    z_j, z_l = _M + shared + y_j, _M + shared + y_l
    # kappa is the covariance of weight and input; v stays the variance of the weight.
    lean, rest = kappa / _Q, _V - kappa**2 / _Q
    w_jk, w_jh = (_MU + lean * y_j + law.draw(name, variance=rest) for name in ("A_jk", "A_jh"))
    w_lk, w_lh = (_MU + lean * y_l + law.draw(name, variance=rest) for name in ("A_lk", "A_lh"))
    mean = _N * law.E(w_jk * z_j)
    one = law.E((w_jk * z_j) ** 2)
    if uneven:  # of an input picked at random both variances are random; given them, as before
        pick = law.draw("pick")
        of_weight, of_input = _V + pick, _Q + _PROFILE * pick  # of covariance _PROFILE
        one = law.E((_MU**2 + of_weight) * (_M**2 + of_input))
    square = _N * one + _N * (_N - 1) * law.E(w_jk * z_j * w_lk * z_l)
    cross = _N * law.E(w_jk * w_jh * z_j**2) + _N * (_N - 1) * law.E(w_jk * z_j * w_lh * z_l)
    variance = sympy.expand(square - mean**2) + _U
    return sympy.expand(mean), variance, sympy.expand(cross - mean**2)


def _activate(signal: Signal, slope: Any, offset: Any) -> Signal:
    """f in its linear regime, f(s) = f(0) + f'(0) s (eq. 4)."""
    return Signal(
        offset + slope * signal.mean, slope**2 * signal.variance, slope**2 * signal.covariance
    )


# ---------------------------------------------------------------------------------------------
# Equations 5, 6 and 7


def forward_variance(sizes: Sequence[Size], *, without: Collection[str] = ()) -> Expr:
    """Variance of one unit of the last layer, z^L (eq. 5).

    >>> forward_variance((n_in, n_out))
    n_in*v_0*v_x
    >>> forward_variance((n_in, n_out), without={"zero_mean_inputs"})
    m_x**2*n_in*v_0 + n_in*v_0*v_x

    Args:
        sizes: n_0, ..., n_L, at least one, positive ints or positive integer symbols.
        without: names of `ASSUMPTIONS` that are dropped.

    Returns:
        The variance in the symbols of this module, expanded, the paper's product and one term
        or more for each dropped assumption that matters.

    Raises:
        ValueError: an assumption is unknown, or two of them cannot be dropped together.
    """
    return _forward(tuple(sizes), _dropped(without)).variance


def backward_variance(
    sizes: Sequence[Size], *, layer: int = 0, without: Collection[str] = ()
) -> Expr:
    r"""Variance of one back-propagated gradient, :math:`\partial C/\partial s^i` (eq. 6, mended).

    Args:
        sizes: n_0, ..., n_L, at least two.
        layer: the i of s^i, from 0 to L - 1.
        without: names of `ASSUMPTIONS` that are dropped. Without "independent_gradient" the cost
            is :math:`|s^{L-1}|^2/2`, so that the gradient starts as the output itself; the
            weights are then normal and the result is in ``v_x`` instead of ``v_delta``. That
            switch combines with "unit_slope" only.

    Raises:
        ValueError: there is no such layer or assumption, or switches that do not combine.
    """
    ns, drop = _layers(sizes, layer), _dropped(without)
    if "independent_gradient" in drop:
        if not drop <= {"independent_gradient", "unit_slope"}:
            raise ValueError(
                f"without: independent_gradient combines with unit_slope only, got {sorted(drop)}"
            )
        slope = _slope(drop)
        signal = _forward(ns[: layer + 1], drop - {"independent_gradient"})
        s_i = ns[layer] * weight_variance(layer) * signal.second_moment()
        return sympy.expand(s_i * _squared_trace(ns, layer, slope) / ns[layer + 1])
    return _backward(ns, layer, drop).variance


def weight_gradient_variance(
    sizes: Sequence[Size], *, layer: int = 0, without: Collection[str] = ()
) -> Expr:
    r"""Variance of one weight gradient, :math:`\partial C/\partial w^i` (eq. 7, mended).

    Arguments, errors and the meaning of ``without`` as in `backward_variance`. Without
    "independent_gradient" the inputs are normal as well, and only units of slope 1 (no other
    switch) are worked out. Without "independent_signal" the inputs are normal, and the gradient
    at the output is as much longer than usual as the input is: it is drawn as before and then
    multiplied by the length of x over its root mean square.
    """
    ns, drop = _layers(sizes, layer), _dropped(without)
    if "independent_signal" in drop:
        # Given x both squares are in proportion to |x|^2, and their product to |x|^4.
        longer = _fourth_power_of_length(ns[:1]) / (ns[0] * v_x) ** 2
        alone = weight_gradient_variance(ns, layer=layer, without=drop - {"independent_signal"})
        return sympy.expand(longer * alone)
    if "independent_gradient" in drop:
        if drop != {"independent_gradient"}:
            raise ValueError(
                "without: independent_gradient stands alone for weight gradients, got "
                f"{sorted(drop)}"
            )
        # E of z_l^2 s_k s_h, given the weights above, is v_i E|z^i|^4 / n_i where k = h.
        fourth = weight_variance(layer) * _fourth_power_of_length(ns[: layer + 1]) / ns[layer]
        return sympy.expand(fourth * _squared_trace(ns, layer, Integer(1)) / ns[layer + 1])
    law = Law()
    signal, gradient = _forward(ns[: layer + 1], drop), _backward(ns, layer, drop)
    z = law.draw("z", mean=signal.mean, variance=signal.variance)
    delta = law.draw("delta", mean=gradient.mean, variance=gradient.variance)
    return law.Var(z * delta)


@lru_cache
def _forward(sizes: tuple[Size, ...], drop: frozenset[str]) -> Signal:
    signal = Signal(
        m_x if "zero_mean_inputs" in drop else Integer(0),
        v_x,
        r_x * v_x if "uncorrelated_inputs" in drop else Integer(0),
    )
    offset = h if "zero_mean_inputs" in drop else Integer(0)
    for i, n in enumerate(sizes[:-1]):
        layer = _layer(i, n, drop)
        if i == 0 and "independent_weights" in drop:  # weights that have seen the data
            layer = replace(layer, kappa=kappa)
        if i == 0 and "identical_distribution" in drop:  # above, all units are alike again
            layer = replace(layer, profile=C_x)
        signal = _activate(_through(layer, signal), _slope(drop), offset)
    return signal


@lru_cache
def _backward(sizes: tuple[Size, ...], layer: int, drop: frozenset[str]) -> Signal:
    """Eq. 2 from the output down to ``layer``: the same step with fan-out for fan-in."""
    signal = Signal(
        m_delta if "zero_mean_gradient" in drop else Integer(0),
        v_delta,
        r_delta * v_delta if "uncorrelated_gradient" in drop else Integer(0),
    )
    last = len(sizes) - 2
    for i in range(last, layer, -1):
        crossed = replace(_layer(i, sizes[i + 1], drop), bias=Integer(0))
        if i == last and "identical_distribution" in drop:
            crossed = replace(crossed, profile=C_delta)
        signal = _activate(_through(crossed, signal), _slope(drop), Integer(0))
    return signal


def _layer(i: int, terms: Size, drop: frozenset[str]) -> _Layer:
    return _Layer(
        terms=terms,
        mu=weight_mean(i) if "zero_mean_weights" in drop else Integer(0),
        v=weight_variance(i),
        bias=bias_variance(i) if "zero_biases" in drop else Integer(0),
    )


def _slope(drop: frozenset[str]) -> Any:
    return beta if "unit_slope" in drop else Integer(1)


def _squared_trace(sizes: Sequence[Size], layer: int, slope: Any) -> Expr:
    """E tr((P P^T)^2) for P the product of the normal weights above s^layer."""
    width = sizes[layer + 1]
    of_square, squared = sympy.sympify(width), sympy.sympify(width**2)
    for i in range(layer + 1, len(sizes) - 1):
        values = {_Q: of_square, _C: squared, _N: sizes[i + 1]}
        values |= {_V: slope**2 * weight_variance(i)}
        of_square, squared = (
            sympy.expand(formula.xreplace({s: sympy.sympify(x) for s, x in values.items()}))
            for formula in _crossed_traces()
        )
    return of_square


@lru_cache(maxsize=1)
def _crossed_traces() -> tuple[Expr, Expr]:
    """E tr(B^2) and E (tr B)^2 of B = W^T M W, from tr(M^2) as _Q and (tr M)^2 as _C.

    W is normal and has _N columns. It looks alike from all sides, so M may be taken as diagonal:
    an entry of B is sum_i m_i w_ia w_ib. Two rows i, j and two columns a, b stand for all.
    """
    law = Law()
    w_ia, w_ib, w_ja, w_jb = (
        law.draw(name, variance=_V, normal=True) for name in ("w_ia", "w_ib", "w_ja", "w_jb")
    )

    def mean_product(first_i: Expr, second_i: Expr, second_j: Expr) -> Expr:
        """E of (sum_i m_i first_i)(sum_j m_j second_j): tr(M^2) like and the rest unlike pairs."""
        return _Q * law.E(first_i * second_i) + (_C - _Q) * law.E(first_i * second_j)

    diagonal = mean_product(w_ia**2, w_ia**2, w_ja**2)
    two_diagonal = mean_product(w_ia**2, w_ib**2, w_jb**2)
    beside = mean_product(w_ia * w_ib, w_ia * w_ib, w_ja * w_jb)
    pairs = _N * (_N - 1)
    return _N * diagonal + pairs * beside, _N * diagonal + pairs * two_diagonal


def _fourth_power_of_length(sizes: Sequence[Size]) -> Expr:
    """E|z|^4 of the last layer: normal inputs, normal weights, linear units.

    Given z the next layer's units are independent and normal, of variance v |z|^2.
    """
    law = Law()
    one, other = law.draw("one", normal=True), law.draw("other", normal=True)

    def normal_units(n: Size) -> Expr:
        return n * law.E(one**4) + n * (n - 1) * law.E(one**2 * other**2)

    fourth = v_x**2 * normal_units(sizes[0])
    for i, n in enumerate(sizes[1:]):
        fourth *= weight_variance(i) ** 2 * normal_units(n)
    return sympy.expand(fourth)


# ---------------------------------------------------------------------------------------------
# As printed


def printed_backward_variance(sizes: Sequence[Size], *, layer: int = 0) -> Expr:
    """Eq. 6 as the paper prints it: one factor too many. For comparison only."""
    ns = _layers(sizes, layer)
    return v_delta * _product(ns[k + 1] * weight_variance(k) for k in range(layer, len(ns) - 1))


def printed_weight_gradient_variance(sizes: Sequence[Size], *, layer: int = 0) -> Expr:
    """Eq. 7 as printed: the backward factors are one index too low. For comparison only."""
    ns = _layers(sizes, layer)
    forward = _product(ns[k] * weight_variance(k) for k in range(layer))
    backward = _product(ns[k + 1] * weight_variance(k) for k in range(layer, len(ns) - 2))
    return forward * backward * v_x * v_delta


# ---------------------------------------------------------------------------------------------
# Equations 8 to 12 and 16


def conditions(n_in: Size = n_in, n_out: Size = n_out) -> tuple[Eq, Eq]:
    """Eqs. 10 and 11 for one layer: what eqs. 8 and 9 ask of its weights' variance ``v``.

    They are read off the derivation: one layer must hand on the variance it was given.
    """
    forward = forward_variance((n_in, n_out)).subs(weight_variance(0), v)
    backward = backward_variance((1, n_in, n_out)).subs(weight_variance(1), v)
    return Eq(sympy.cancel(forward / v_x), 1), Eq(sympy.cancel(backward / v_delta), 1)


def common_solutions(n_in: Size = n_in, n_out: Size = n_out) -> list[dict[Symbol, Expr]]:
    """All ways to fulfil both `conditions`, for ``v`` and one size that is a symbol.

    That size is ``n_out`` if it can be: for two symbols the one solution has n_out = n_in. For
    two given sizes the list is empty unless they are equal.
    """
    unknowns = [v, *[n for n in (n_out, n_in) if isinstance(n, Symbol)][:1]]
    found: list[dict[Symbol, Expr]] = sympy.solve(conditions(n_in, n_out), unknowns, dict=True)
    return found


def glorot_variance() -> Expr:
    """Eq. 12, 2/(n_in + n_out): what solves the average of eqs. 10 and 11."""
    forward, backward = conditions()
    return _solve_for_variance(Eq((forward.lhs + backward.lhs) / 2, 1))


def uniform_variance(limit: Any) -> Expr:
    """Variance of U(-limit, limit), by integration; ``limit`` is above 0."""
    w = sympy.Dummy("w", real=True)
    return sympy.integrate(w**2 / (2 * limit), (w, -limit, limit))


def glorot_bound() -> Expr:
    """Eq. 16, sqrt(6)/sqrt(n_in + n_out): the bound whose uniform has `glorot_variance`."""
    limit = sympy.Dummy("a", positive=True)
    (solution,) = sympy.solve(Eq(uniform_variance(limit), glorot_variance()), limit)
    return solution


def rectified_second_moment(variance: Any) -> Expr:
    """E[max(0, s)^2] for a normal s of mean 0, by integration: half of its variance."""
    s = sympy.Dummy("s", real=True)
    density = sympy.exp(-(s**2) / (2 * variance)) / sympy.sqrt(2 * sympy.pi * variance)
    return sympy.simplify(sympy.integrate(s**2 * density, (s, 0, sympy.oo)))


def he_variance() -> Expr:
    """2/n_in: eq. 10 with one assumption changed, rectifiers for the linear regime.

    A layer multiplies the second moment of what enters it by n_in v, and a rectifier halves
    that; asking for 1 gives He et al. 2015, eq. 10.
    """
    q = sympy.Dummy("q", positive=True)
    weighted = conditions()[0].lhs * q
    return _solve_for_variance(Eq(rectified_second_moment(weighted) / q, 1))


def factors_over_network(
    sizes: Sequence[Size], variance: Callable[[Any, Any], Any]
) -> tuple[Expr, Expr]:
    """By what a rule multiplies the forward and the backward variance over a whole network.

    Args:
        sizes: n_0, ..., n_L, at least two.
        variance: a rule ``variance(n_in, n_out)``, such as those of `xavier.rules`.

    Returns:
        Product of n_in Var[W] over all layers, for z^L over x; and of n_out Var[W] over all
        but the first, which no back-propagated gradient crosses, for that of s^0 over that of
        the output.
    """
    pairs = list(itertools.pairwise(sizes))
    forward = _product(n * variance(n, m) for n, m in pairs)
    backward = _product(m * variance(n, m) for n, m in pairs[1:])
    return sympy.simplify(forward), sympy.simplify(backward)


def _solve_for_variance(equation: Eq) -> Expr:
    (solution,) = sympy.solve(equation, v)
    return solution


def _product(factors: Iterable[Any]) -> Expr:
    return sympy.prod([sympy.sympify(factor) for factor in factors])


def _layers(sizes: Sequence[Size], layer: int) -> tuple[Size, ...]:
    if not 0 <= layer <= len(sizes) - 2:  # a negative index would count from the output
        raise ValueError(f"layer must be from 0 to {len(sizes) - 2}, got {layer}")
    return tuple(sizes)


def _dropped(without: Collection[str]) -> frozenset[str]:
    drop = frozenset(checks.one_of("without", name, ASSUMPTIONS) for name in without)
    if "linear_units" in drop:
        raise ValueError("without: linear_units has no closed form, only samples of it")
    if "independent_signal" in drop and len(drop) > 1:
        raise ValueError(f"without: independent_signal stands alone, got {sorted(drop)}")
    for names, why in _APART.items():
        if drop >= names:
            first, second = sorted(names)
            raise ValueError(f"without: {first} and {second} cannot be dropped together ({why})")
    return drop


_APART = {
    frozenset({"identical_distribution", "independent_weights"}):
        "how a weight leans on its input would have to differ from unit to unit",
    frozenset({"identical_distribution", "uncorrelated_inputs"}):
        "the inputs would have to be correlated and of uneven variance",
    frozenset({"identical_distribution", "uncorrelated_gradient"}):
        "the gradient would have to be correlated and of uneven variance",
    frozenset({"independent_weights", "uncorrelated_inputs"}):
        "a weight would know the inputs that it does not meet",
}  # fmt: skip
