"""Second derivatives and gradient variances against autograd, plain loops and differences.

Comparisons are in float64 and between two orders of the same few thousand operations; `CLOSE`
allows 1e-12 relative to numbers that are at most some units, as in tests/library/test_network.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from glorot2010 import second_order
from glorot2010.second_order import (
    MAX_PARAMETERS,
    Diagonal,
    diagonal_hessian,
    gradient_variance,
    hessian,
    hessian_spectrum,
    rates,
)
from xavier.activations import ACTIVATIONS, Activation
from xavier.network import COSTS, Cost, Network

CLOSE: dict[str, Any] = {"rtol": 1e-11, "atol": 1e-12}
ESTIMATES: dict[str, Callable[..., Diagonal]] = {
    "diagonal_hessian": diagonal_hessian,
    "gradient_variance": gradient_variance,
}
costs = pytest.mark.parametrize("cost", COSTS)


def equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, **CLOSE)


def doubles(
    sizes: Sequence[int], activation: str | Activation = "tanh", seeds: Sequence[int] = (0, 1)
) -> Network:
    """A float64 network with biases that are not zero."""
    network = Network.create(
        sizes, activation, "glorot", seeds=seeds, gain=1.5, dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(sum(seeds))
    for b in network.b:
        b.normal_(0, 0.3, generator=generator)
    return network


def examples(network: Network, batch: int, *, own: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(batch)
    shape = (network.replicas, batch) if own else (batch,)
    x = torch.randn(*shape, network.sizes[0], dtype=network.w[0].dtype, generator=generator)
    return x, torch.randint(network.sizes[-1], shape, generator=generator)


def flat(diagonal: Diagonal, r: int) -> Tensor:
    """One replica's numbers in the order of `hessian`."""
    layers = zip(diagonal.w, diagonal.b, strict=True)
    return torch.cat([part[r].flatten() for layer in layers for part in layer])


def parameters(network: Network, r: int) -> Tensor:
    return flat(Diagonal(network.w, network.b), r).clone()


def logits_of(network: Network, theta: Tensor, x: Tensor) -> Tensor:
    """The network as a function of its parameters in one vector, written once more."""
    z, at = x, 0
    for i, (n, m) in enumerate(pairwise(network.sizes)):
        w, b = theta[at : at + n * m].reshape(n, m), theta[at + n * m : at + n * m + m]
        z, at = (z if i == 0 else network.activation.value(z)) @ w + b, at + n * m + m
    return z


def one_cost(logits: Tensor, y: Tensor, cost: str) -> Tensor:
    """One example's cost from its definition."""
    p = logits.exp() / logits.exp().sum()
    if cost == "cross_entropy":
        return -p[y].log()
    target = torch.zeros_like(p)
    target[y] = 1
    if cost == "quadratic_tanh":
        p, target = logits.tanh(), 2 * target - 1
    return ((p - target) ** 2).sum() / 2


# ------------------------------------------------------------------------------------ the estimate


@pytest.mark.parametrize("own", [False, True])
def test_without_hidden_layers_the_estimate_is_the_exact_diagonal(own: bool) -> None:
    """The cross-entropy is then a sum of convex functions: nothing is dropped."""
    network = doubles((4, 5), seeds=(0, 1, 2))
    x, y = examples(network, 7, own=own)
    estimate = diagonal_hessian(network, x, y)
    for r in range(3):
        equal(flat(estimate, r), hessian(network, x, y, r).diag())


def slope_of(name: str, s: float) -> float:
    """f'(s) in plain arithmetic."""
    match name:
        case "sigmoid":
            return math.exp(-s) / (1 + math.exp(-s)) ** 2
        case "tanh":
            return 1 / math.cosh(s) ** 2
        case "softsign":
            return 1 / (1 + abs(s)) ** 2
        case "relu":
            return float(s > 0)
        case _:
            return 1.0


def by_loops(network: Network, r: int, x: Tensor, cost: str) -> tuple[list[Any], list[Any]]:
    """The recursion of LeCun et al. (1998), number by number."""
    name, sizes = network.activation.name, network.sizes
    w = [w_i[r].tolist() for w_i in network.w]
    b = [b_i[r].tolist() for b_i in network.b]
    hw = [[[0.0] * m for _ in range(n)] for n, m in pairwise(sizes)]
    hb = [[0.0] * m for m in sizes[1:]]
    for row in x.tolist():
        z, s = [row], []
        for i, (n, m) in enumerate(pairwise(sizes)):
            s.append([sum(z[i][j] * w[i][j][k] for j in range(n)) + b[i][k] for k in range(m)])
            z.append(network.activation.value(torch.tensor(s[i], dtype=torch.float64)).tolist())
        e = [math.exp(v) for v in s[-1]]
        p = [v / sum(e) for v in e]
        classes = range(len(p))
        if cost == "cross_entropy":
            h = [p[k] * (1 - p[k]) for k in classes]
        elif cost == "quadratic_tanh":
            h = [slope_of("tanh", v) ** 2 for v in s[-1]]
        else:
            h = [sum((p[c] * ((c == k) - p[k])) ** 2 for c in classes) for k in classes]
        for i in reversed(range(len(w))):
            n, m = sizes[i], sizes[i + 1]
            for k in range(m):
                hb[i][k] += h[k] / len(x)
                for j in range(n):
                    hw[i][j][k] += z[i][j] ** 2 * h[k] / len(x)
            if i:
                h = [
                    slope_of(name, s[i - 1][j]) ** 2 * sum(w[i][j][k] ** 2 * h[k] for k in range(m))
                    for j in range(n)
                ]
    return hw, hb


@costs
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_estimate_equals_the_recursion_in_plain_loops(activation: str, cost: Cost) -> None:
    network = doubles((5, 4, 6, 3, 4), activation)
    x, y = examples(network, 6, own=True)
    estimate = diagonal_hessian(network, x, y, cost)
    for r in range(2):
        hw, hb = by_loops(network, r, x[r], cost)
        for i in range(4):
            equal(estimate.w[i][r], torch.tensor(hw[i], dtype=torch.float64))
            equal(estimate.b[i][r], torch.tensor(hb[i], dtype=torch.float64))


@costs
def test_the_estimate_is_never_negative_even_for_answers_that_are_sure(cost: Cost) -> None:
    """In single precision p is 1 to the last bit, and 1 - p is nothing but rounding."""
    network = Network.create((4, 6, 5), "tanh", "he", seeds=range(4), gain=12.0)
    x, y = examples(network, 200)
    estimate = diagonal_hessian(network, 3 * x, y, cost)
    assert all((part >= 0).all() for part in [*estimate.w, *estimate.b])
    exact = diagonal_hessian(
        Network(
            [w.double() for w in network.w], [b.double() for b in network.b], "tanh", range(4)
        ),
        3 * x.double(), y, cost,
    )  # fmt: skip
    for single, double in zip(estimate.b, exact.b, strict=True):
        # Logits of some hundreds have errors of 1e-5, and so has what their exponential gives.
        torch.testing.assert_close(single, double.float(), rtol=2e-3, atol=1e-30)


def test_a_sure_answer_has_a_small_curvature_and_not_none() -> None:
    network = Network([torch.zeros(1, 1, 2)], [torch.tensor([[0.0, 30.0]])], "tanh", [0])
    estimate = diagonal_hessian(network, torch.zeros(1, 1), torch.tensor([1]))
    expected = torch.full((1, 2), math.exp(-30))
    torch.testing.assert_close(estimate.b[0], expected, rtol=1e-5, atol=0)


# -------------------------------------------------------------------------------- gradients' spread


@costs
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("own", [False, True])
def test_the_variance_equals_that_of_each_examples_gradient_by_autograd(
    activation: str, cost: Cost, own: bool
) -> None:
    network = doubles((5, 4, 6, 3), activation)
    x, y = examples(network, 9, own=own)
    variance = gradient_variance(network, x, y, cost)
    for r in range(2):
        gradients = []
        for x_t, y_t in zip(*((x[r], y[r]) if own else (x, y)), strict=True):
            theta = parameters(network, r).requires_grad_()
            value = one_cost(logits_of(network, theta, x_t), y_t, cost)
            gradients.append(torch.autograd.grad(value, theta)[0])
        equal(flat(variance, r), torch.stack(gradients).var(0, correction=0))


@pytest.mark.parametrize("copies", [1, 50])
def test_equal_examples_have_gradients_of_no_variance(copies: int) -> None:
    network = Network.create((5, 4, 3), "tanh", "glorot", seeds=[0, 1])
    x, y = examples(network, 1)
    variance = gradient_variance(network, x.expand(copies, -1), y.expand(copies))
    for part in [*variance.w, *variance.b]:
        # What is left is rounding of squares below 10, never less than 0.
        assert (part >= 0).all()
        assert (part < 1e-5).all()


# ------------------------------------------------------------------------------------ both of them


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_a_replica_that_is_no_number_costs_the_others_nothing(estimate: str) -> None:
    network = doubles((5, 4, 3))
    x, y = examples(network, 8)
    before = flat(ESTIMATES[estimate](network, x, y), 1)
    network.w[0][0] = math.nan
    found = ESTIMATES[estimate](network, x, y)
    equal(flat(found, 1), before)
    assert found.w[0][0].isnan().all()
    step = rates(found, 0.1, 0.1)
    assert step.w[0][0].isnan().all()
    alone = Diagonal([w[1:] for w in found.w], [b[1:] for b in found.b])
    equal(flat(step, 1), flat(rates(alone, 0.1, 0.1), 0))


# ------------------------------------------------------------------------------------------- rates


def some_diagonal(replicas: int = 3, dtype: torch.dtype = torch.float64) -> Diagonal:
    """Curvatures over six decades, and some that are 0."""
    generator = torch.Generator().manual_seed(replicas)

    def draw(*shape: int) -> Tensor:
        h = 10 ** torch.empty(shape, dtype=dtype).uniform_(-6, 0, generator=generator)
        return h.masked_fill(h < 1e-5, 0)

    return Diagonal([draw(replicas, 6, 4), draw(replicas, 4, 3)], [draw(replicas, 4),
                                                                  draw(replicas, 3)])  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rates_have_the_mean_that_was_asked_for_and_are_inverse_to_the_damped_curvature(
    dtype: torch.dtype,
) -> None:
    diagonal = some_diagonal(dtype=dtype)
    lr, damping = torch.tensor([0.1, 3.0, 0.0]), torch.tensor([0.1, 0.01, 2.0])
    step = rates(diagonal, lr, damping)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12  # rounding
    for ours, theirs in zip([*step.w, *step.b], [*diagonal.w, *diagonal.b], strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, dtype)
    for r in range(3):
        h, rate = flat(diagonal, r).double(), flat(step, r).double()
        assert float(rate.mean()) == pytest.approx(float(lr[r]), rel=1e-6)
        products = rate * (h + damping[r].double() * h.mean())
        spread = float(products.max() - products.min())
        assert spread <= tolerance * float(products.max())


def test_rates_by_hand() -> None:
    """h of 1, 3, 0 and 0 has the mean 1; damped by 1, the inverses are 1/2, 1/4, 1, 1."""
    h = Diagonal([torch.tensor([[[1.0, 3.0]]])], [torch.zeros(1, 2)])
    step = rates(h, 2.75, 1.0)  # mean of the inverses: 2.75 / 4
    torch.testing.assert_close(step.w[0], torch.tensor([[[2.0, 1.0]]]))
    torch.testing.assert_close(step.b[0], torch.tensor([[4.0, 4.0]]))


@hypothesis_settings(max_examples=40)
@given(damping=st.floats(1e-4, 1e4), scale=st.floats(1e-25, 1e25))
def test_rates_do_not_depend_on_the_scale_of_the_curvature_and_are_bounded(
    damping: float, scale: float
) -> None:
    diagonal = some_diagonal()
    scaled = Diagonal([scale * h for h in diagonal.w], [scale * h for h in diagonal.b])
    step, other = rates(diagonal, 0.1, damping), rates(scaled, 0.1, damping)
    for r in range(3):
        torch.testing.assert_close(flat(other, r), flat(step, r), rtol=1e-11, atol=0)
        assert float(flat(step, r).max()) <= 0.1 * (1 + damping) / damping * (1 + 1e-12)


def test_curvature_that_is_0_everywhere_gives_the_plain_rate() -> None:
    diagonal = some_diagonal(2)
    for part in [*diagonal.w, *diagonal.b]:
        part[0] = 0
    step = rates(diagonal, 0.3, 0.1)
    equal(flat(step, 0), torch.full((43,), 0.3, dtype=torch.float64))
    assert flat(step, 1).std() > 0.1


@pytest.mark.parametrize("damping", [0.0, -1.0, math.nan, torch.tensor([0.1, 0.0, 0.1])])
def test_damping_that_is_none_is_refused(damping: Any) -> None:
    with pytest.raises(ValueError, match="damping must be above 0, got"):
        rates(some_diagonal(), 0.1, damping)


# ------------------------------------------------------------------------------- the exact Hessian


def torch_hessian(network: Network, r: int, x: Tensor, y: Tensor, cost: str) -> Tensor:
    """By `torch.autograd.functional`, reverse over reverse, one example's cost at a time."""

    def mean_cost(theta: Tensor) -> Tensor:
        values = [
            one_cost(logits_of(network, theta, x_t), y_t, cost)
            for x_t, y_t in zip(x, y, strict=True)
        ]
        return torch.stack(values).mean()

    found: Any = torch.autograd.functional.hessian(mean_cost, parameters(network, r))
    matrix: Tensor = found
    return matrix


@costs
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_hessian_equals_torchs(activation: str, cost: Cost) -> None:
    network = doubles((3, 4, 3, 3), activation)
    x, y = examples(network, 5, own=True)
    for r in range(2):
        expected = torch_hessian(network, r, x[r], y[r], cost)
        matrix = hessian(network, x, y, r, cost)
        equal(matrix, expected)
        assert torch.equal(matrix, matrix.mT)
        spectrum = hessian_spectrum(network, x, y, r, cost)
        assert spectrum.dtype == torch.float64
        equal(spectrum, torch.linalg.eigvalsh(expected).flip(0))
        assert (spectrum.diff() <= 0).all()


def test_the_hessian_does_not_depend_on_how_many_rows_are_made_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = doubles((3, 4, 3))
    x, y = examples(network, 6)
    whole = hessian(network, x, y)
    monkeypatch.setattr(second_order, "_ENTRIES", 100)
    equal(hessian(network, x, y), whole)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_hessian_can_be_taken_where_gradients_are_off(mode: Callable[[], Any]) -> None:
    network = doubles((3, 4, 3))
    x, y = examples(network, 6)
    expected = hessian(network, x, y)
    with mode():
        inside = doubles((3, 4, 3))
        found = hessian(inside, *examples(inside, 6))
    equal(found, expected)
    assert not found.requires_grad


def test_a_network_that_is_too_large_and_no_numbers_are_refused() -> None:
    large = Network.create((100, 29, 9), "tanh", "glorot", seeds=[0])  # 3,199 parameters
    x, y = examples(large, 2)
    message = rf"at most {MAX_PARAMETERS} parameters .*got 3199 in sizes \(100, 29, 9\): take fewer"
    with pytest.raises(ValueError, match=message):
        hessian_spectrum(large, x, y)
    network = doubles((3, 4, 3))
    x, y = examples(network, 6)
    network.w[1][1] = math.inf
    with pytest.raises(ValueError, match="replica must have a finite cost and Hessian, 1 has not"):
        hessian_spectrum(network, x, y, 1)
    assert hessian_spectrum(network, x, y, 0).isfinite().all()
