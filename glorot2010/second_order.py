r"""How the cost bends: a diagonal estimate for every parameter, and the exact spectrum.

The paper trains with a rate for every parameter, taken from the diagonal of the Hessian
(LeCun, Bottou, Orr and Mueller, 1998) or from an estimate of the gradient's variance
(its sec. 5). `diagonal_hessian` and `gradient_variance` are these two, for all replicas at once
and without autograd; `rates` makes rates of either. `hessian` and `hessian_spectrum` are exact,
for small networks: they tell what a sigmoid's non-zero mean does to the Hessian (sec. 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from xavier.network import COSTS, Cost, Network
from xavier.threads import few_threads

MAX_PARAMETERS = 3000
"""Parameters of a replica up to which `hessian` is computed."""

_ENTRIES = 2**21  # numbers in the widest intermediate result of a part of the Hessian: 16 MB


@dataclass(frozen=True)
class Diagonal:
    """One number for every parameter, in lists by layer as in `xavier.network.Network`.

    Attributes:
        w: for the weights, (R, n_i, n_{i+1}).
        b: for the biases, (R, n_{i+1}).
    """

    w: list[Tensor]
    b: list[Tensor]


@torch.no_grad()
def diagonal_hessian(
    network: Network, x: Tensor, y: Tensor, cost: Cost = "cross_entropy"
) -> Diagonal:
    r"""Estimate the diagonal of the Hessian by a pass like that of eq. 2; never negative.

    The recursion of "Efficient BackProp" (LeCun et al., 1998) for one example is

    .. math::

        h^i_k = f'(s^i_k)^2 \sum_l (W^{i+1}_{kl})^2 h^{i+1}_l, \qquad
        h_{W^i_{jk}} = (z^i_j)^2 h^i_k, \qquad h_{b^i_k} = h^i_k,

    and what is returned is the mean over the examples. Two things are dropped of the exact second
    derivative: the term with :math:`f''`, which can be negative (this is Gauss and Newton's
    approximation), and in every layer all that is off the diagonal. At the output, :math:`h_k` is
    :math:`p_k (1 - p_k)` for the cross-entropy, with p the softmax of the logits, which is exact.
    For the quadratic costs it is :math:`\sum_c (\partial p_c / \partial s_k)^2` of the outputs p,
    again without the term that can be negative.

    Args:
        network: R replicas.
        x: inputs (B, n_0) or (R, B, n_0), as in `xavier.network.Network.forward`. Some hundred
            examples are enough for rates.
        y: labels, on which neither output's estimate depends; they are an argument so that
            `gradient_variance` can take this one's place.
        cost: one of `xavier.network.COSTS`.

    Returns:
        The estimate in the network's dtype. A replica that has diverged has values that are not
        numbers, and costs the others nothing.
    """
    trace = network.forward(x)
    batch = trace.logits.shape[1]
    h = _output_curvature(trace.logits, cost) / batch
    w, b = list[Tensor](), list[Tensor]()
    with few_threads(network.largest):
        for i in reversed(range(len(network.w))):
            w.append(trace.z[i].square().mT @ h)
            b.append(h.sum(1))
            if i:
                slope = network.activation.derivative(trace.s[i - 1], trace.z[i])
                h = slope.square() * (h @ network.w[i].square().mT)
    return Diagonal(w[::-1], b[::-1])


@torch.no_grad()
def gradient_variance(
    network: Network, x: Tensor, y: Tensor, cost: Cost = "cross_entropy"
) -> Diagonal:
    r"""Variance over the examples of every parameter's gradient, exact.

    With :math:`\delta` the gradient of one example's cost with respect to :math:`s^i`, the
    gradient of a weight is :math:`z_j \delta_k` (eq. 3). Its second moment is a product of
    matrices like its mean, and no example's gradient is ever built:

    .. math::

        \mathrm{E}[g_{jk}^2] = \frac{1}{B} \sum_{t=1}^{B} z_{tj}^2\, \delta_{tk}^2, \qquad
        \mathrm{Var}[g_{jk}] = \mathrm{E}[g_{jk}^2] - \mathrm{E}[g_{jk}]^2.

    The sum of squares is divided by B, not B - 1: a single example has no variance but for
    rounding. Where rounding makes a difference of near-equal numbers negative, it is set to 0.

    Args:
        network, x, cost: as in `diagonal_hessian`.
        y: labels (B,) or (R, B).

    Returns:
        The variances in the network's dtype, diverged replicas as in `diagonal_hessian`.
    """
    trace = network.forward(x)
    gradients = network.backward(trace, y, cost)
    batch = trace.logits.shape[1]
    w, b = [], []
    with few_threads(network.largest):
        for z, s, mean_w, mean_b in zip(
            trace.z, gradients.s, gradients.w, gradients.b, strict=True
        ):
            squares = (s * batch).square_()  # backward divides by the batch
            w.append(_variance(z.square().mT @ squares / batch, mean_w))
            b.append(_variance(squares.mean(1), mean_b))
    return Diagonal(w, b)


@torch.no_grad()
def rates(diagonal: Diagonal, lr: float | Tensor, damping: float | Tensor) -> Diagonal:
    r"""A learning rate for every parameter, from the curvature or the variance of each.

    Rates are inverse to the damped curvature h, and scaled so that their mean over all weights and
    biases of a replica is ``lr``, which can thus be compared to the one rate of plain gradient
    descent:

    .. math::

        \epsilon_p = \epsilon\, \frac{1 / (h_p + \mu \bar h)}
            {\frac{1}{P} \sum_q 1 / (h_q + \mu \bar h)},
        \qquad \bar h = \frac{1}{P} \sum_q h_q .

    The damping :math:`\mu` is in units of the replica's mean curvature. So multiplying all h by one
    number changes no rate, and one damping serves both estimates, both costs and every
    initialization. As :math:`\mu` grows all rates become ``lr``, and none is ever above
    :math:`\epsilon\, (1 + \mu) / \mu`: with 0.1, eleven times ``lr``.

    Args:
        diagonal: from `diagonal_hessian` or `gradient_variance`, for R replicas.
        lr: mean rate, or one per replica (R,).
        damping: :math:`\mu`, or one per replica (R,).

    Returns:
        The rates. Where h is 0 for all parameters of a replica, all are ``lr``. A replica with an h
        that is not finite has rates that are not numbers.

    Raises:
        ValueError: ``damping`` is not above 0.
    """
    parts = [*diagonal.w, *diagonal.b]
    lr, damping = (
        torch.as_tensor(number, dtype=torch.float64, device=parts[0].device)
        for number in (lr, damping)
    )
    if not bool((damping > 0).all()):
        raise ValueError(f"damping must be above 0, got {damping.tolist()}")
    parameters = sum(h[0].numel() for h in parts)
    mean = _total(parts, lambda h: h) / parameters
    # Curvature that is 0 everywhere is equal everywhere; any damping then gives equal rates.
    floor = torch.where(mean > 0, damping * mean, 1.0).to(mean)

    def inverse(h: Tensor) -> Tensor:
        return (h.double() + floor.view(-1, *[1] * (h.dim() - 1))).reciprocal_()

    scale = lr * parameters / _total(parts, inverse)

    def rate(h: Tensor) -> Tensor:
        return inverse(h).mul_(scale.view(-1, *[1] * (h.dim() - 1))).to(h.dtype)

    return Diagonal([rate(h) for h in diagonal.w], [rate(h) for h in diagonal.b])


def hessian(
    network: Network, x: Tensor, y: Tensor, replica: int = 0, cost: Cost = "cross_entropy"
) -> Tensor:
    """Exact second derivatives of one replica's mean cost, by autograd in double precision.

    The parameters are in the order of the layers, for each the weights row by row (all that leave
    the first unit first), then the biases. Any activation will do that torch can differentiate
    twice, whether it is in `xavier.activations.ACTIVATIONS` or not; its ``derivative`` is not used.

    Args:
        network: a replica may have up to `MAX_PARAMETERS` weights and biases.
        x, y, cost: as in `gradient_variance`.
        replica: which one.

    Returns:
        A symmetric matrix (P, P), float64, for P parameters.

    Raises:
        ValueError: the network is too large, or the Hessian is not finite.
    """
    parameters = sum(n * m + m for n, m in pairwise(network.sizes))
    if parameters > MAX_PARAMETERS:
        raise ValueError(
            f"network must have at most {MAX_PARAMETERS} parameters for an exact Hessian, got "
            f"{parameters} in sizes {network.sizes}: take fewer units, or inputs of fewer pixels"
        )
    x, y = _of_replica(x, replica, 3).double(), _of_replica(y, replica, 2)
    layers = zip(network.w, network.b, strict=True)
    parts = [part[replica].flatten() for layer in layers for part in layer]
    theta = torch.cat(parts).detach().double()
    gradient = torch.func.grad(_cost_of(network, x, y, cost))
    # A gradient of each entry of the gradient, some of them at a time.
    together = max(1, _ENTRIES // max(parameters, len(y) * max(network.sizes)))
    with few_threads(network.largest):
        matrix: Tensor = torch.func.jacrev(gradient, chunk_size=together)(theta).detach()
    if not matrix.isfinite().all():
        raise ValueError(f"replica must have a finite cost and Hessian, {replica} has not")
    return (matrix + matrix.mT) / 2  # symmetric but for rounding


def hessian_spectrum(
    network: Network, x: Tensor, y: Tensor, replica: int = 0, cost: Cost = "cross_entropy"
) -> Tensor:
    """Eigenvalues of the exact `hessian` of one replica's mean cost, from the largest down.

    Args:
        network, x, y, replica, cost: as in `hessian`.

    Returns:
        Shape (P,), float64. Their sum is the trace; those below 0 are directions of negative
        curvature.
    """
    rising: Tensor = torch.linalg.eigvalsh(hessian(network, x, y, replica, cost))
    return rising.flip(0)


def _output_curvature(logits: Tensor, cost: Cost) -> Tensor:
    """Gauss-Newton second derivative of one example's cost with respect to each logit."""
    if cost == "quadratic_tanh":
        return (1 - logits.tanh().square()).square()
    p = logits.softmax(-1)
    # What the other classes have, summed and not 1 - p: that would be 0 for a sure answer.
    others = 1 - torch.eye(p.shape[-1], dtype=p.dtype, device=p.device)
    rest = p @ others
    if cost == "cross_entropy":
        return p * rest
    # The softmax's slopes are p_k (1 - p_k) and -p_c p_k.
    return p.square() * (rest.square() + p.square() @ others)


def _variance(second: Tensor, mean: Tensor) -> Tensor:
    return (second - mean.square()).clamp_(min=0)


def _total(parts: list[Tensor], function: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum of a function over all entries of every replica, (R,), float64."""
    return torch.stack([function(h).flatten(1).sum(1, dtype=torch.float64) for h in parts]).sum(0)


def _cost_of(network: Network, x: Tensor, y: Tensor, cost: Cost) -> Callable[[Tensor], Tensor]:
    """The mean cost as a function of all parameters of a replica in one vector."""
    shapes = [shape for n, m in pairwise(network.sizes) for shape in ((n, m), (m,))]
    value, _ = COSTS[cost]

    def mean_cost(theta: Tensor) -> Tensor:
        flat = theta.split([math.prod(shape) for shape in shapes])
        parts = [part.view(shape) for part, shape in zip(flat, shapes, strict=True)]
        s = x @ parts[0] + parts[1]
        for w, b in zip(parts[2::2], parts[3::2], strict=True):
            s = network.activation.value(s) @ w + b
        return value(s, y).mean()

    return mean_cost


def _of_replica(batch: Tensor, replica: int, own: int) -> Tensor:
    """One replica's examples, of a tensor that has its replicas' own if it has ``own`` axes."""
    return batch[replica] if batch.dim() == own else batch
