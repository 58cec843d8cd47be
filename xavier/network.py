r"""The paper's multilayer perceptron, many replicas at once, its backward pass written out.

:math:`s^i = z^i W^i + b^i` and :math:`z^{i+1} = f(s^i)` from :math:`z^0 = x`; the last
:math:`s` are the logits. The backward pass is eqs. 2 and 3, not autograd (which the tests hold
it against).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from xavier import checks, init
from xavier.activations import ACTIVATIONS, Activation
from xavier.rules import Rule

Cost: TypeAlias = Literal["cross_entropy", "quadratic"]


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """-log P(y): what the paper trains on (sec. 2.3). Per example, shape (R, B)."""
    return -logits.log_softmax(-1).gather(-1, y[..., None])[..., 0]


def _quadratic(logits: Tensor, y: Tensor) -> Tensor:
    """|p - y|^2 / 2 with p the softmax of the logits and y the label as a unit vector."""
    return 0.5 * (logits.softmax(-1) - _one_hot(logits, y)).square().sum(-1)


def _cross_entropy_gradient(logits: Tensor, y: Tensor) -> Tensor:
    """p - y."""
    return logits.softmax(-1) - _one_hot(logits, y)


def _quadratic_gradient(logits: Tensor, y: Tensor) -> Tensor:
    """p (e - p . e) with e = p - y: the softmax's own slope is still in the way."""
    p = logits.softmax(-1)
    e = p - _one_hot(logits, y)
    return p * (e - (p * e).sum(-1, keepdim=True))


COSTS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "cross_entropy": (_cross_entropy, _cross_entropy_gradient),
    "quadratic": (_quadratic, _quadratic_gradient),
}
"""The value of each cost for each example, and its gradient with respect to the logits."""


@dataclass(frozen=True)
class Trace:
    """What one forward pass computed, for L layers of weights and R replicas.

    Attributes:
        s: weighted sums, L tensors (R, B, n_{i+1}); the last are the logits.
        z: what enters each layer, L tensors (R, B, n_i); the first is the input.
    """

    s: list[Tensor]
    z: list[Tensor]

    @property
    def logits(self) -> Tensor:
        """The output layer's weighted sums, (R, B, classes)."""
        return self.s[-1]


@dataclass(frozen=True)
class Gradients:
    """Gradients of the cost averaged over the batch, lists by layer as in `Trace`.

    Attributes:
        s: with respect to the weighted sums (eq. 2), (R, B, n_{i+1}).
        z: with respect to what enters each layer, (R, B, n_i).
        b: with respect to the biases, (R, n_{i+1}).
    """

    s: list[Tensor]
    z: list[Tensor]
    b: list[Tensor]
    _inputs: list[Tensor]

    @property
    def w(self) -> list[Tensor]:
        """With respect to the weights (eq. 3), (R, n_i, n_{i+1}); computed on access."""
        return [z.mT @ s for z, s in zip(self._inputs, self.s, strict=True)]


class Network:
    """R networks of one shape, differing in seed, rule or gain; R = 1 is not special.

    Attributes:
        sizes: n_0, ..., n_L.
        activation: f of the hidden layers.
        seeds: one per replica; replicas of one seed share their stream of examples.
        w: weights by layer, (R, n_i, n_{i+1}).
        b: biases by layer, (R, n_{i+1}).
    """

    def __init__(
        self,
        w: Sequence[Tensor],
        b: Sequence[Tensor],
        activation: str | Activation,
        seeds: Sequence[int],
    ) -> None:
        self.w, self.b = list(w), list(b)
        self.activation = _activation(activation)
        self.seeds = tuple(seeds)
        self.sizes = (*(w_i.shape[1] for w_i in self.w), self.w[-1].shape[2])

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: str | Activation,
        rule: str | Rule | Sequence[str | Rule],
        *,
        seeds: Sequence[int],
        gain: float | Sequence[float] = 1.0,
        distribution: init.Distribution = "uniform",
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Network:
        """Draw a network per seed; biases are zero (sec. 2.3).

        Each layer is drawn on the CPU as (n_out, n_in) by `xavier.init` and transposed, so that
        a replica equals `torch.nn.Linear` layers drawn from a generator of the same seed, and
        is the same on every device.

        Args:
            sizes: n_0, ..., n_L, at least two.
            activation: name in `xavier.activations.ACTIVATIONS`, or an ``Activation``.
            rule: name or callable as in `xavier.init.uniform_`, one or one per replica.
            seeds: one per replica; a seed may occur more than once, with other rules or gains.
            gain: factor on the weights' standard deviation, one or one per replica.
            distribution: "uniform" (as in the paper) or "normal".
            dtype: a floating dtype.
            device: where the network lives.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: a size, seed, rule, gain or name is not allowed, or their numbers differ.
        """
        if not isinstance(sizes, Sequence):
            raise TypeError(f"sizes must be a sequence of sizes, got {sizes!r}")
        ns = [checks.positive_int(f"sizes[{i}]", n) for i, n in enumerate(sizes)]
        if len(ns) < 2:
            raise ValueError(f"sizes must hold at least two sizes, got {tuple(sizes)}")
        if not isinstance(seeds, Sequence):
            raise TypeError(f"seeds must be a sequence of seeds, one per replica, got {seeds!r}")
        if not len(seeds):
            raise ValueError(f"seeds must hold at least one seed, got {seeds!r}")
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating dtype, got {dtype}")
        seeds = [checks.seed(f"seeds[{r}]", seed) for r, seed in enumerate(seeds)]
        rules_ = _per_replica("rule", rule, len(seeds))
        gains = _per_replica("gain", gain, len(seeds))
        names = init.DISTRIBUTIONS
        normal = checks.one_of("distribution", distribution, names) == "normal"
        fill = init.normal_ if normal else init.uniform_
        replicas = []
        for seed, rule_r, gain_r in zip(seeds, rules_, gains, strict=True):
            generator = torch.Generator().manual_seed(seed)
            replicas.append(
                [
                    fill(torch.empty(m, n, dtype=dtype), rule_r, gain_r, generator=generator)
                    for n, m in pairwise(ns)
                ]
            )
        w = [torch.stack([layer.T for layer in layers]) for layers in zip(*replicas, strict=True)]
        b = [torch.zeros(len(seeds), m, dtype=dtype) for m in ns[1:]]
        return cls([x.to(device) for x in w], [x.to(device) for x in b], activation, seeds)

    @property
    def replicas(self) -> int:
        """Number of networks trained at once, R."""
        return self.w[0].shape[0]

    def forward(self, x: Tensor) -> Trace:
        """Run all replicas.

        Args:
            x: inputs (B, n_0) for all replicas or (R, B, n_0), one batch each, in the
                network's dtype and on its device.

        Raises:
            TypeError: ``x`` has another dtype.
            ValueError: it has another shape or device.
        """
        z = [self._batch(x)]
        s: list[Tensor] = []
        for i, (w, b) in enumerate(zip(self.w, self.b, strict=True)):
            s.append(torch.baddbmm(b[:, None, :], z[i], w))
            if i + 1 < len(self.w):
                z.append(self.activation.value(s[i]))
        return Trace(s, z)

    def backward(self, trace: Trace, y: Tensor, cost: Cost = "cross_entropy") -> Gradients:
        """Gradients of the cost, averaged over the batch, by eqs. 2 and 3.

        Args:
            trace: from `forward`.
            y: labels (B,) or (R, B), int64.
            cost: "cross_entropy" or "quadratic".

        Raises:
            TypeError: the labels are not int64.
            ValueError: their shape or device does not fit, a label is out of range, or the cost
                is unknown.
        """
        s = self._deltas(trace, self._labels(trace, y), cost)
        z = [s_i @ w.mT for s_i, w in zip(s, self.w, strict=True)]
        return Gradients(s, z, [s_i.sum(1) for s_i in s], trace.z)

    def cost(self, trace: Trace, y: Tensor, cost: Cost = "cross_entropy") -> Tensor:
        """Cost per replica averaged over the batch, (R,); arguments as in `backward`."""
        value, _ = COSTS[checks.one_of("cost", cost, COSTS)]
        return value(trace.logits, self._labels(trace, y)).mean(-1)

    def error(self, trace: Trace, y: Tensor) -> Tensor:
        """Share of wrong answers per replica, (R,); a logit that is no number is wrong."""
        labels = self._labels(trace, y)
        top = trace.logits.max(-1)
        wrong = (top.indices != labels) | ~top.values.isfinite()
        return wrong.to(trace.logits.dtype).mean(-1)

    def step(
        self, x: Tensor, y: Tensor, *, lr: float | Tensor, cost: Cost = "cross_entropy"
    ) -> Tensor:
        """One update of plain gradient descent, in place.

        No weight gradient is ever built: it is subtracted as the product that it is.

        Args:
            x: as in `forward`.
            y: as in `backward`.
            lr: learning rate, or one per replica (R,).
            cost: as in `backward`.

        Returns:
            Cost per replica before the update, (R,).
        """
        rates = self._rates(lr)
        trace = self.forward(x)
        labels = self._labels(trace, y)
        value, _ = COSTS[checks.one_of("cost", cost, COSTS)]
        for i, s in enumerate(self._deltas(trace, labels, cost)):
            scaled = rates[:, None, None] * s
            self.w[i].baddbmm_(trace.z[i].mT, scaled, alpha=-1)
            self.b[i].sub_(scaled.sum(1))
        return value(trace.logits, labels).mean(-1)

    def _deltas(self, trace: Trace, labels: Tensor, cost: Cost) -> list[Tensor]:
        """Eq. 2 from the output down: the gradient by every weighted sum."""
        _, gradient = COSTS[checks.one_of("cost", cost, COSTS)]
        deltas = [gradient(trace.logits, labels) / labels.shape[-1]]
        for i in range(len(self.w) - 1, 0, -1):
            slope = self.activation.derivative(trace.s[i - 1], trace.z[i])
            deltas.append(slope * (deltas[-1] @ self.w[i].mT))
        return deltas[::-1]

    def _batch(self, x: Tensor) -> Tensor:
        w = self.w[0]
        if x.dtype != w.dtype:
            raise TypeError(f"x must have the network's dtype {w.dtype}, got {x.dtype}")
        if x.device != w.device:
            raise ValueError(f"x must be on the network's device {w.device}, got {x.device}")
        shapes_fit = x.dim() == 2 or (x.dim() == 3 and x.shape[0] == self.replicas)
        if not shapes_fit or x.shape[-1] != self.sizes[0] or not x.shape[-2]:
            raise ValueError(
                f"x must have shape (B, {self.sizes[0]}) or ({self.replicas}, B, {self.sizes[0]})"
                f" with B at least 1, got {tuple(x.shape)}"
            )
        return x.expand(self.replicas, *x.shape[-2:])

    def _labels(self, trace: Trace, y: Tensor) -> Tensor:
        replicas, batch, classes = trace.logits.shape
        if y.dtype != torch.int64:
            raise TypeError(f"y must be int64 labels, got {y.dtype}")
        if y.shape not in ((batch,), (replicas, batch)):
            raise ValueError(
                f"y must have shape ({batch},) or ({replicas}, {batch}), got {tuple(y.shape)}"
            )
        if y.device != trace.logits.device:
            raise ValueError(
                f"y must be on the network's device {trace.logits.device}, got {y.device}"
            )
        outside = (y < 0) | (y >= classes)
        if bool(outside.any()):
            raise ValueError(
                f"y must hold labels from 0 to {classes - 1}, got {y[outside][0].item()}"
            )
        return y.expand(replicas, batch)

    def _rates(self, lr: float | Tensor) -> Tensor:
        try:
            rates = torch.as_tensor(lr, dtype=self.w[0].dtype, device=self.w[0].device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"lr must be a number or one per replica, got {lr!r}") from error
        if rates.dim() > 1 or rates.numel() not in (1, self.replicas):
            raise ValueError(
                f"lr must be a number or hold one per replica ({self.replicas},), "
                f"got shape {tuple(rates.shape)}"
            )
        if not bool((torch.isfinite(rates) & (rates >= 0)).all()):
            raise ValueError(f"lr must be finite and not negative, got {lr!r}")
        return rates.expand(self.replicas)


def _one_hot(logits: Tensor, y: Tensor) -> Tensor:
    return torch.zeros_like(logits).scatter_(-1, y[..., None], 1.0)


def _activation(activation: str | Activation) -> Activation:
    if isinstance(activation, Activation):
        return activation
    return ACTIVATIONS[checks.one_of("activation", activation, ACTIVATIONS)]


def _per_replica(name: str, value: Any, replicas: int) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != replicas:
            raise ValueError(
                f"{name} must be one or one per replica ({replicas}), got {len(value)}"
            )
        return list(value)
    return [value] * replicas
