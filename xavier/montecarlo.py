"""Sample the networks that `xavier.derivation` speaks of, and compare.

Every draw is a new network with a new input, so draws are independent and the standard error of
an estimate is the spread over the draws divided by the root of their number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xavier import checks, derivation

Array = NDArray[np.float64]

_NUMBERS_AT_ONCE = 4_000_000  # weights of the largest layer held at a time: 32 MB


def compare(
    sizes: Sequence[int],
    *,
    rng: np.random.Generator,
    without: Collection[str] = (),
    values: Mapping[str, float] | None = None,
    draws: int = 20_000,
) -> pd.DataFrame:
    """Formula beside sample for every quantity of one network.

    >>> compare((8, 50, 20), rng=np.random.default_rng(0)).quantity.tolist()
    ['z', 'delta', 'delta', 'w_gradient', 'w_gradient']

    Args:
        sizes: n_0, ..., n_L, at least two.
        rng: source of randomness.
        without: names of `xavier.derivation.ASSUMPTIONS` that are dropped.
        values: numbers for the symbols of the formulas by name, such as ``{"v_0": 0.1}``; the
            others get those of `typical_values`.
        draws: networks drawn.

    Returns:
        Rows ``quantity`` ("z", "delta" or "w_gradient"), ``layer``, ``formula`` (the value of
        the closed form; not a number without linear_units, for which there is none),
        ``sampled``, ``standard_error`` and ``z_score``, their distance in standard errors.

    Raises:
        ValueError: an unknown assumption or symbol, or values that no random variables can have.
    """
    numbers = _numbers(sizes, values or {})
    rows = sample_variances(sizes, rng=rng, without=without, values=numbers, draws=draws)
    formulas = [
        math.nan
        if "linear_units" in without
        else _formula(quantity, layer, sizes, without, numbers)
        for quantity, layer in zip(rows.quantity, rows.layer, strict=True)
    ]
    rows.insert(2, "formula", formulas)
    return rows.assign(z_score=(rows.sampled - rows.formula) / rows.standard_error)


def sample_variances(
    sizes: Sequence[int],
    *,
    rng: np.random.Generator,
    values: Mapping[str, float],
    without: Collection[str] = (),
    draws: int = 20_000,
) -> pd.DataFrame:
    """The sampled half of `compare`: rows quantity, layer, sampled, standard_error.

    The weights are uniform unless an assumption is dropped whose formula asks for normal ones.
    Without linear_units f is a tanh of the slope that it otherwise has.
    Symbols that ``values`` does not name get the numbers of `typical_values`. Raises as `compare`.
    """
    derivation.forward_variance(sizes, without=set(without) - {"linear_units"})  # the door
    model = _Model(tuple(sizes), frozenset(without), _numbers(sizes, values))
    largest = max(n * m for n, m in itertools.pairwise(sizes))
    at_once = max(1, min(draws, _NUMBERS_AT_ONCE // largest))
    parts = [model.measure(min(at_once, draws - start), rng) for start in range(0, draws, at_once)]
    rows = []
    for key in parts[0]:
        square, mean = (np.concatenate([part[key][k] for part in parts]) for k in (0, 1))
        # Var = E[square] - E[mean]^2, linearised in the two averages.
        center = mean.mean()
        error = (square - 2 * center * mean).std(ddof=1) / math.sqrt(draws)
        rows.append((*key, square.mean() - center**2, error))
    return pd.DataFrame(rows, columns=["quantity", "layer", "sampled", "standard_error"])


def typical_values(sizes: Sequence[int]) -> dict[str, float]:
    """A number for every symbol: of the size that real networks have, and safely possible.

    The weights' variances are Glorot's. A dropped assumption fails by a good part of a standard
    deviation, so that a wrong formula is seen.
    """
    layers = range(len(sizes) - 1)
    v = {f"v_{i}": 2.0 / (sizes[i] + sizes[i + 1]) for i in layers}
    first, last = v["v_0"], v[f"v_{len(sizes) - 2}"]
    numbers = v | {"v_x": 0.8, "v_delta": 0.6, "m_x": 0.5, "h": 0.4}
    numbers |= {"beta": 0.7, "r_x": 0.5, "r_delta": 0.5, "m_delta": 0.4}
    numbers |= {f"mu_{i}": 0.3 * math.sqrt(v[f"v_{i}"]) for i in layers}
    numbers |= {f"u_{i}": 0.2 for i in layers}
    return numbers | {
        "kappa": 0.4 * math.sqrt(first * 0.8),
        "C_x": 0.5 * first * 0.8,
        "C_delta": 0.5 * last * 0.6,
    }


def mean_squares(layers: Sequence[ArrayLike], *, root: bool = False) -> pd.DataFrame:
    """How large every layer is in networks that were drawn, and how well that is known.

    >>> sums = [[[1.0, 1.0]], [[2.0, 2.0]]], [[[0.0, 0.0]], [[0.0, 2.0]]]
    >>> mean_squares(sums).round(3)  # two networks of two layers, one example each
       layer  sampled  standard_error
    0      1      2.5             1.5
    1      2      1.0             1.0

    Args:
        layers: for every layer, from the first up, what R networks have in it: tensors (R, ...)
            such as `xavier.network.Trace` and `xavier.network.Gradients` list.
        root: whether to take the root of each network's mean square, to compare with a deviation.

    Returns:
        Rows ``layer`` (from 1), ``sampled`` (each network's mean square, or its root, averaged over
        the networks) and ``standard_error`` (of that average; not a number for a single network).
    """
    arrays = (np.asarray(layer, dtype=float) for layer in layers)
    squares = pd.DataFrame([np.square(x).mean(tuple(range(1, x.ndim))) for x in arrays])
    squares = squares**0.5 if root else squares
    squares.index = pd.RangeIndex(1, len(squares) + 1, name="layer")
    found = {"sampled": squares.mean(axis=1), "standard_error": squares.sem(axis=1)}
    return pd.DataFrame(found).reset_index()


@dataclass(frozen=True)
class _Model:
    """The random network that a set of dropped assumptions describes."""

    sizes: tuple[int, ...]
    without: frozenset[str]
    values: Mapping[str, float]

    def measure(
        self, draws: int, rng: np.random.Generator
    ) -> dict[tuple[str, int], tuple[Array, Array]]:
        """For every quantity its mean square and mean over the units, draw by draw."""
        x = self._input(draws, rng)
        weights = [self._weights(i, x, draws, rng) for i in range(len(self.sizes) - 1)]
        z, slopes, s = [x], [], x
        for i, w in enumerate(weights):
            bias = self._given("zero_biases", f"u_{i}", 0.0)
            s = _times(z[i], w) + math.sqrt(bias) * rng.standard_normal((draws, w.shape[2]))
            value, slope = self._activate(s)
            z.append(value)
            slopes.append(slope)
        delta = [self._top_gradient(x, s, draws, rng)]
        for w, slope in zip(reversed(weights[1:]), reversed(slopes[:-1]), strict=True):
            delta.insert(0, slope * _times(delta[0], w.swapaxes(1, 2)))
        rows = {("z", len(z) - 1): (_mean_square(z[-1]), z[-1].mean(1))}
        for i, gradient in enumerate(delta):
            rows["delta", i] = (_mean_square(gradient), gradient.mean(1))
        for i, gradient in enumerate(delta):  # an outer product: its means are products of means
            if "independent_gradient" in self.without and len(self.without) > 1:
                break  # no formula: see derivation.weight_gradient_variance
            square = _mean_square(z[i]) * _mean_square(gradient)
            rows["w_gradient", i] = (square, z[i].mean(1) * gradient.mean(1))
        return rows

    def _input(self, draws: int, rng: np.random.Generator) -> Array:
        noise = self._correlated("uncorrelated_inputs", "r_x", (draws, self.sizes[0]), rng)
        spread = self._profile("C_x", self.values["v_0"] * self.values["v_x"], self.sizes[0])
        scale = np.sqrt(self.values["v_x"] * spread)
        return self._given("zero_mean_inputs", "m_x", 0.0) + scale * noise

    def _weights(self, i: int, x: Array, draws: int, rng: np.random.Generator) -> Array:
        shape = (draws, self.sizes[i], self.sizes[i + 1])
        mean = self._given("zero_mean_weights", f"mu_{i}", 0.0)
        variance = self.values[f"v_{i}"]
        kappa = self._given("independent_weights", "kappa", 0.0) if i == 0 else 0.0
        if kappa:
            v_x = self.values["v_x"]
            rest = variance - kappa**2 / v_x
            if rest < 0:
                raise ValueError(f"values: kappa^2 must be at most v_0 v_x, got kappa = {kappa}")
            lean = kappa / v_x * (x - self._given("zero_mean_inputs", "m_x", 0.0))
            return mean + lean[:, :, None] + math.sqrt(rest) * rng.standard_normal(shape)
        if "independent_gradient" in self.without:
            noise = rng.standard_normal(shape)
        else:
            noise = rng.uniform(-math.sqrt(3), math.sqrt(3), shape)
        noise *= np.sqrt(variance * self._uneven(i))
        return mean + noise

    def _uneven(self, i: int) -> Array:
        """Relative variance of the weights of layer i, to broadcast over (draws, n, m)."""
        uneven = np.ones((1, 1, 1))
        if i == 0:
            product = self.values["v_0"] * self.values["v_x"]
            uneven = uneven * self._profile("C_x", product, self.sizes[0])[None, :, None]
        if i == len(self.sizes) - 2 and i > 0:
            product = self.values[f"v_{i}"] * self.values["v_delta"]
            uneven = uneven * self._profile("C_delta", product, self.sizes[-1])[None, None, :]
        return uneven

    def _top_gradient(self, x: Array, output: Array, draws: int, rng: np.random.Generator) -> Array:
        if "independent_gradient" in self.without:
            return output  # the gradient of |s|^2 / 2
        last = len(self.sizes) - 2
        product = self.values[f"v_{last}"] * self.values["v_delta"]
        spread = self._profile("C_delta", product, self.sizes[-1]) if last else np.ones(1)
        scale = np.sqrt(self.values["v_delta"] * spread)
        if "independent_signal" in self.without:  # as long as the input
            scale = scale * np.sqrt(_mean_square(x) / self.values["v_x"])[:, None]
        noise = self._correlated("uncorrelated_gradient", "r_delta", (draws, self.sizes[-1]), rng)
        return self._given("zero_mean_gradient", "m_delta", 0.0) + scale * noise

    def _correlated(
        self, assumption: str, name: str, shape: tuple[int, int], rng: np.random.Generator
    ) -> Array:
        """Normal numbers of mean 0 and variance 1, in a row correlated unless that is assumed."""
        noise = rng.standard_normal(shape)
        r, n = self._given(assumption, name, 0.0), shape[1]
        if not r:
            return noise
        if not -1 / max(1, n - 1) <= r <= 1:
            raise ValueError(f"values: {name} must be from -1/{max(1, n - 1)} to 1, got {r}")
        # Of the mean of a row more or less is taken, of what is beside it the rest.
        mean = noise.mean(1, keepdims=True)
        row: Array = math.sqrt(1 - r) * (noise - mean) + math.sqrt(1 + (n - 1) * r) * mean
        return row

    def _activate(self, s: Array) -> tuple[Array, Any]:
        """f(s) and f'(s)."""
        slope = self._given("unit_slope", "beta", 1.0)
        offset = self._given("zero_mean_inputs", "h", 0.0)
        if "linear_units" in self.without:
            bent = np.tanh(slope * s)
            return offset + bent, slope * (1 - np.square(bent))
        return offset + slope * s, slope

    def _profile(self, name: str, product: float, units: int) -> Array:
        """Relative variances of the units, larger and smaller in turn, of the covariance asked."""
        covariance = self._given("identical_distribution", name, 0.0)
        if not covariance:
            return np.ones(units)
        if units % 2:
            raise ValueError(f"sizes: {name} needs an even number of units, got {units}")
        if not 0 <= covariance < product:
            raise ValueError(
                f"values: {name} must be from 0 to v v = {product:.3g}, got {covariance}"
            )
        return 1 + math.sqrt(covariance / product) * np.resize([1.0, -1.0], units)

    def _given(self, assumption: str, name: str, otherwise: float) -> float:
        return self.values[name] if assumption in self.without else otherwise


def _times(z: Array, w: Array) -> Any:
    """Row vectors (draws, n) times matrices (draws, n, m)."""
    return np.matmul(z[:, None, :], w)[:, 0, :]


def _mean_square(values: Array) -> Any:
    return np.square(values).mean(1)


def _formula(
    quantity: str,
    layer: int,
    sizes: Sequence[int],
    without: Collection[str],
    values: Mapping[str, float],
) -> float:
    if quantity == "z":
        formula = derivation.forward_variance(sizes, without=without)
    elif quantity == "delta":
        formula = derivation.backward_variance(sizes, layer=layer, without=without)
    else:
        formula = derivation.weight_gradient_variance(sizes, layer=layer, without=without)
    return float(formula.subs({symbol: values[str(symbol)] for symbol in formula.free_symbols}))


def _numbers(sizes: Sequence[int], values: Mapping[str, float]) -> dict[str, float]:
    usual = typical_values(sizes)
    return usual | {checks.one_of("values", name, usual): values[name] for name in values}
