r"""The paper's multilayer perceptron, many replicas at once, its backward pass written out.

:math:`s^i = z^i W^i + b^i` and :math:`z^{i+1} = f(s^i)` from :math:`z^0 = x`; the last
:math:`s` are the logits. The backward pass is eqs. 2 and 3, not autograd (which the tests hold
it against).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from xavier import activations, checks, init
from xavier.activations import ACTIVATIONS, Named
from xavier.rules import Rule
from xavier.threads import few_threads

Cost: TypeAlias = Literal["cross_entropy", "quadratic", "quadratic_tanh"]


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


def _quadratic_tanh(logits: Tensor, y: Tensor) -> Tensor:
    """|tanh(s) - t|^2 / 2 with t = 1 for the label and -1 for all others: no softmax."""
    return 0.5 * (logits.tanh() + 1 - 2 * _one_hot(logits, y)).square().sum(-1)


def _quadratic_tanh_gradient(logits: Tensor, y: Tensor) -> Tensor:
    """(tanh(s) - t) (1 - tanh^2(s))."""
    outputs = logits.tanh()
    return (outputs + 1 - 2 * _one_hot(logits, y)) * (1 - outputs.square())


COSTS: dict[Cost, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "cross_entropy": (_cross_entropy, _cross_entropy_gradient),
    "quadratic": (_quadratic, _quadratic_gradient),
    "quadratic_tanh": (_quadratic_tanh, _quadratic_tanh_gradient),
}
"""The value of each cost for each example, and its gradient with respect to the logits.

The first two read the logits through a softmax, the last through tanh units, as was common before.
"""

_MODULES: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
    "relu": nn.ReLU,
    "identity": nn.Identity,
}


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

    Made by `create` or `from_module`, or from weights and biases that one has: contiguous
    tensors are kept, not copied.

    Attributes:
        sizes: n_0, ..., n_L.
        activation: f of the hidden layers.
        seeds: one per replica; replicas of one seed share their stream of examples.
        w: weights by layer, (R, n_i, n_{i+1}).
        b: biases by layer, (R, n_{i+1}).
        updates: made so far, by `step`, by training and by pre-training.
        diverged: for every replica the update, counted from 1, that found its cost to be no
            finite number and was not made, or -1; int64 (R,), on the CPU. Such a replica is
            updated no more, whatever is done to its weights, until its entry is -1 again.
    """

    def __init__(
        self,
        w: Sequence[Tensor],
        b: Sequence[Tensor],
        activation: Named,
        seeds: Sequence[int],
    ) -> None:
        _check_parameters(w, b)
        self.w, self.b = [x.contiguous() for x in w], [x.contiguous() for x in b]
        self.activation = activations.get(activation)
        self.seeds = _seeds(seeds)
        self.sizes = (*(w_i.shape[1] for w_i in self.w), self.w[-1].shape[2])
        if len(self.seeds) != self.replicas:
            raise ValueError(f"seeds must hold one per replica ({self.replicas}), got {self.seeds}")
        self.updates = 0
        self.diverged = torch.full((self.replicas,), -1)
        self._room: tuple[object, list[Tensor], list[Tensor]] | None = None

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: Named,
        rule: str | Rule | Sequence[str | Rule],
        *,
        seeds: Sequence[int],
        gain: float | Sequence[float] = 1.0,
        distribution: init.Distribution = "uniform",
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Network:
        """Draw a network per seed; biases are zero (sec. 2.3).

        >>> Network.create((1024, 300, 9), "tanh", ["standard", "glorot"], seeds=[0, 0]).w[0].shape
        torch.Size([2, 1024, 300])

        Each layer is drawn on the CPU as (n_out, n_in) by `xavier.init` and transposed, so that
        a replica equals `torch.nn.Linear` layers drawn from a generator of the same seed, and
        is the same on every device.

        Args:
            sizes: n_0, ..., n_L, at least two.
            activation: name in `xavier.activations.ACTIVATIONS` or `xavier.activations.VARIANTS`,
                or whatever else `xavier.activations.get` takes.
            rule: name or callable as in `xavier.init.uniform_`, one or one per replica.
            seeds: one per replica; a seed may occur more than once, with other rules or gains.
            gain: factor on the weights' standard deviation, one or one per replica.
            distribution: "uniform" (as in the paper), or another of `xavier.init.draw_`.
            dtype: a floating dtype.
            device: where the network lives.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: a size, seed, rule, gain or name is not allowed, or their numbers differ.
        """
        checks.instance("sizes", sizes, Iterable, "a sequence of sizes")
        ns = [checks.positive_int(f"sizes[{i}]", n) for i, n in enumerate(sizes)]
        if len(ns) < 2:
            raise ValueError(f"sizes must hold at least two sizes, got {tuple(sizes)}")
        seeds = _seeds(seeds)
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating dtype, got {dtype}")
        rules_ = _per_replica("rule", rule, len(seeds))
        gains = _per_replica("gain", gain, len(seeds))
        w = [torch.empty(len(seeds), n, m, dtype=dtype) for n, m in pairwise(ns)]
        for r, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for w_i in w:
                layer = torch.empty(w_i.shape[:0:-1], dtype=dtype)
                init.draw_(
                    layer, rules_[r], gains[r], distribution=distribution, generator=generator
                )
                w_i[r] = layer.T
        b = [torch.zeros(len(seeds), m, dtype=dtype) for m in ns[1:]]
        return cls([x.to(device) for x in w], [x.to(device) for x in b], activation, seeds)

    @classmethod
    def from_module(cls, module: nn.Sequential, *, seeds: Sequence[int] | None = None) -> Network:
        """Read a network of one replica from plain torch layers; the weights are copied.

        Args:
            module: linear layers in turn with activations of one kind (sigmoid, tanh, softsign,
                ReLU, or nothing and `torch.nn.Identity`), a linear layer first and last. A
                missing bias is read as zeros.
            seeds: one seed, whose stream `xavier.training.train` is to use; 0 if None.

        Raises:
            TypeError: ``module`` is not a `torch.nn.Sequential`, or ``seeds`` no sequence.
            ValueError: it holds another kind of layer, or in another order, its activations
                differ, or its layers do not fit together.
        """
        checks.instance("module", module, nn.Sequential, "a torch.nn.Sequential")
        names = {layer: name for name, layer in _MODULES.items()}
        w, b = list[Tensor](), list[Tensor]()
        between: list[str] = []  # activations after every layer of weights but the last
        for key, layer in module.named_children():
            kind = type(layer)  # a subclass may compute something else
            if isinstance(layer, nn.Linear) and kind is nn.Linear:
                between += ["identity"] * (len(w) - len(between))
                weight, bias = layer.weight.detach(), layer.bias
                w.append(weight.T.clone(memory_format=torch.contiguous_format)[None])
                none = weight.new_zeros(len(weight))
                b.append((none if bias is None else bias.detach().clone())[None])
            elif kind in names and len(between) < len(w):
                between.append(names[kind])
            else:
                allowed = "hold only Linear, " + ", ".join(layer.__name__ for layer in names)
                wanted = "have a linear layer before each activation" if kind in names else allowed
                raise ValueError(f"module must {wanted}, got {kind.__name__} at {key!r}")
        if not w or len(between) == len(w):
            raise ValueError("module must end with a linear layer")
        if len(set(between)) > 1:
            raise ValueError(f"module must have one kind of activation, got {', '.join(between)}")
        return cls(w, b, between[0] if between else "identity", (0,) if seeds is None else seeds)

    def to_module(self, replica: int = 0) -> nn.Sequential:
        """Export a replica as plain torch layers, on the same device and with copied weights.

        Raises:
            IndexError: there is no such replica.
            ValueError: the activation is none of `xavier.activations.ACTIVATIONS`.
        """
        if self.activation is not ACTIVATIONS.get(self.activation.name):
            raise ValueError(
                f"activation must be one of {', '.join(_MODULES)}, got {self.activation.name!r}"
            )
        layers: list[nn.Module] = []
        for w, b in zip(self.w, self.b, strict=True):
            if layers:
                layers.append(_MODULES[self.activation.name]())
            # Not nn.Linear(...), which would draw weights from torch's global generator.
            linear = nn.utils.skip_init(nn.Linear, *w.shape[1:], device=w.device, dtype=w.dtype)
            with torch.no_grad():
                linear.weight.copy_(w[replica].T)
                linear.bias.copy_(b[replica])
            layers.append(linear)
        return nn.Sequential(*layers)

    @property
    def replicas(self) -> int:
        """Number of networks trained at once, R."""
        return self.w[0].shape[0]

    @property
    def largest(self) -> int:
        """Numbers of the largest matrix of a replica, by which ``few_threads`` decides."""
        return max(w[0].numel() for w in self.w)

    def forward(self, x: Tensor) -> Trace:
        """Run all replicas.

        Args:
            x: inputs (B, n_0) for all replicas or (R, B, n_0), one batch each, in the
                network's dtype and on its device.

        Raises:
            TypeError: ``x`` has another dtype.
            ValueError: it has another shape, or holds a number that is not finite.
        """
        z = [self._batch(x)]
        s: list[Tensor] = []
        with few_threads(self.largest):
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
            cost: one of `COSTS`.

        Raises:
            TypeError: the labels are not int64.
            ValueError: their shape does not fit, a label is out of range, or the cost is unknown.
        """
        _, gradient = COSTS[checks.one_of("cost", cost, COSTS)]
        labels = self._labels(y, trace.logits.shape[1])
        s = [gradient(trace.logits, labels) / labels.shape[-1]]
        with few_threads(self.largest):
            z = [s[0] @ self.w[-1].mT]
            for i in range(len(self.w) - 2, -1, -1):  # eq. 2 from the output down
                s.append(self.activation.derivative(trace.s[i], trace.z[i + 1]) * z[-1])
                z.append(s[-1] @ self.w[i].mT)
        s.reverse()
        z.reverse()
        return Gradients(s, z, [s_i.sum(1) for s_i in s], trace.z)

    def cost(self, trace: Trace, y: Tensor, cost: Cost = "cross_entropy") -> Tensor:
        """Cost per replica averaged over the batch, (R,); arguments as in `backward`."""
        value, _ = COSTS[checks.one_of("cost", cost, COSTS)]
        return value(trace.logits, self._labels(y, trace.logits.shape[1])).mean(-1)

    def error(self, trace: Trace, y: Tensor) -> Tensor:
        """Share of wrong answers per replica, (R,); a logit that is no number is wrong."""
        labels = self._labels(y, trace.logits.shape[1])
        top = trace.logits.max(-1)
        wrong = (top.indices != labels) | ~top.values.isfinite()
        return wrong.to(trace.logits.dtype).mean(-1)

    def step(
        self, x: Tensor, y: Tensor, *, lr: float | Tensor, cost: Cost = "cross_entropy"
    ) -> Tensor:
        """One update of plain gradient descent, in place.

        No weight gradient is ever built: it is subtracted as the product that it is. A replica
        whose cost is not finite is not updated, now or later (see `diverged`); the weights stay
        as they were when that cost was seen, and its neighbours notice nothing.

        Args:
            x: as in `forward`.
            y: as in `backward`.
            lr: learning rate, or one per replica (R,).
            cost: as in `backward`.

        Returns:
            Cost per replica before the update, (R,); NaN where a replica has stopped before.

        Raises:
            TypeError: as in `forward` and `backward`, or ``lr`` is not a number.
            ValueError: likewise, or ``lr`` is negative or not finite. No weight has then changed.
        """
        x = self._batch(x)
        labels = self._labels(y, x.shape[1])
        with few_threads(self.largest):
            return self.update(x, labels, self.rates(lr), checks.one_of("cost", cost, COSTS))

    def check(self, x: Tensor, y: Tensor) -> None:
        """Raise what `step` would raise for these examples; arguments as there."""
        self._labels(y, self._batch(x).shape[1])

    @torch.no_grad()
    def update(
        self,
        x: Tensor,
        y: Tensor,
        rates: Tensor,
        cost: Cost,
        *,
        stop: Callable[[Tensor], Tensor | None] | None = None,
        descend: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """`step` without its checks, for who makes them for many updates at once.

        Args:
            x: (R, B, n_0).
            y: (R, B).
            rates: (R,), as `rates` gives them.
            cost: one of `COSTS`.
            stop: another way to find who rests, with the arguments of the method `stop`.
            descend: another way down, with those of the method `descend`.
        """
        self.updates += 1
        batch = x.shape[1]
        _, sums, deltas = self._room = self._room_for(batch)
        value, gradient = COSTS[cost]

        z, s = [x], list[Tensor]()
        for w, b, out in zip(self.w, self.b, sums, strict=True):
            if s:
                z.append(self.activation.value(s[-1]))
            s.append(torch.bmm(z[-1], w, out=out).add_(b[:, None]))
        costs = value(s[-1], y).mean(-1)
        stopped = (stop or self.stop)(costs)

        # Eq. 2 is linear: a gradient scaled by the rate at the output is scaled everywhere.
        delta = gradient(s[-1], y).mul_((rates / batch)[:, None, None])
        for i, w in reversed(list(enumerate(self.w))):
            if stopped is not None:  # what is no number must not reach weights that are at rest
                delta.masked_fill_(stopped, 0)
                z[i] = z[i].masked_fill(stopped, 0)
            above = delta
            if i:
                delta = torch.bmm(above, w.mT, out=deltas[i - 1])
                self.activation.chain_(delta, s[i - 1], z[i])
            # Only now, when the old weights have had their last use, and are still in the cache.
            (descend or self.descend)(i, z[i], above)
        return costs

    def descend(self, i: int, z: Tensor, delta: Tensor) -> None:
        """Change the parameters of layer i by eq. 3, never building the gradient of a weight.

        Args:
            i: the layer, counted from 0.
            z: what enters it, (R, B, n_i).
            delta: the cost's gradient by its sums, times rate and 1/B, (R, B, n_{i+1}).
        """
        self.b[i].sub_(delta.sum(1))
        self.w[i].baddbmm_(z.mT, delta, alpha=-1)

    def stop(self, costs: Tensor) -> Tensor | None:
        """Which replicas are not to be updated, (R, 1, 1), or None; notes the latest of them.

        Args:
            costs: of this update (R,); those of replicas that stopped before become NaN.
        """
        if math.isfinite(costs.sum().item()) and int(self.diverged.max()) < 0:
            return None  # nearly always, and found out with one number
        earlier = self.diverged >= 0
        self.diverged[~costs.isfinite().cpu() & ~earlier] = self.updates
        costs.masked_fill_(earlier.to(costs.device), math.nan)
        return (self.diverged >= 0).to(costs.device)[:, None, None]

    def rates(self, lr: float | Tensor) -> Tensor:
        """Learning rates of all replicas (R,), from one number or one per replica.

        Raises:
            TypeError: ``lr`` is not a number.
            ValueError: it is negative or not finite, or of another shape.
        """
        w = self.w[0]
        try:
            rates = torch.as_tensor(lr, dtype=w.dtype, device=w.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"lr must be a number or one per replica, got {lr!r}") from error
        if rates.dim() > 1 or rates.numel() not in (1, self.replicas):
            raise ValueError(
                f"lr must be a number or hold one per replica ({self.replicas},), "
                f"got shape {tuple(rates.shape)}"
            )
        low, high = (float(end) for end in torch.aminmax(rates))
        if not (low >= 0 and high < math.inf):  # NaN is neither
            raise ValueError(f"lr must be finite and not negative, got {lr!r}")
        return rates.expand(self.replicas)

    def _room_for(self, batch: int) -> tuple[object, list[Tensor], list[Tensor]]:
        """Where z w and the gradients by z go, as in the update before if that was alike."""
        w = self.w[0]
        key = (batch, w.dtype, w.device)
        if self._room is not None and self._room[0] == key:
            return self._room
        with torch.inference_mode(False):  # or they could not be written to outside of it
            sums = [w.new_empty(self.replicas, batch, n) for n in self.sizes[1:]]
            return key, sums, [torch.empty_like(s) for s in sums[:-1]]

    def _batch(self, x: Tensor) -> Tensor:
        w = self.w[0]
        if not isinstance(x, Tensor) or x.dtype != w.dtype:
            raise TypeError(f"x must have the network's dtype {w.dtype}, got {_kind(x)}")
        shapes_fit = x.dim() == 2 or (x.dim() == 3 and x.shape[0] == self.replicas)
        if not shapes_fit or x.shape[-1] != self.sizes[0] or not x.shape[-2]:
            raise ValueError(
                f"x must have shape (B, {self.sizes[0]}) or ({self.replicas}, B, {self.sizes[0]})"
                f" with B at least 1, got {tuple(x.shape)}"
            )
        # A sum is finite if all its terms are, but for overflow: ten times faster than isfinite.
        if not (x.is_meta or math.isfinite(x.sum().item())):
            bad = x[~x.isfinite()]
            if len(bad):
                raise ValueError(f"x must hold finite numbers, got {bad[0].item()}")
        return x.expand(self.replicas, *x.shape[-2:])

    def _labels(self, y: Tensor, batch: int) -> Tensor:
        classes = self.sizes[-1]
        if not isinstance(y, Tensor) or y.dtype != torch.int64:
            raise TypeError(f"y must be int64 labels, got {_kind(y)}")
        if y.shape not in ((batch,), (self.replicas, batch)):
            raise ValueError(
                f"y must have shape ({batch},) or ({self.replicas}, {batch}), got {tuple(y.shape)}"
            )
        low, high = (int(end) for end in torch.aminmax(y))
        if low < 0 or high >= classes:
            raise ValueError(
                f"y must hold labels from 0 to {classes - 1}, got {low if low < 0 else high}"
            )
        return y.expand(self.replicas, batch)


def centred(network: Network) -> Network:
    r"""Write a sigmoid network with the sigmoid less 1/2: the same function, other parameters.

    .. math:: \sigma(s) W + b = (\sigma(s) - \tfrac12) W + (b + \tfrac12 \sum_j W_{j\bullet})

    The biases take up what the units lose. What differs is how the cost depends on them.

    Args:
        network: with the activation "sigmoid" or "steep_sigmoid".

    Returns:
        A new network, with the activation "centred_sigmoid" or "steep_centred_sigmoid".

    Raises:
        ValueError: it has another activation.
    """
    to = {"sigmoid": "centred_sigmoid", "steep_sigmoid": "steep_centred_sigmoid"}
    name = checks.one_of("network.activation", network.activation.name, to)
    w, b = [w.clone() for w in network.w], [b.clone() for b in network.b]
    for i in range(1, len(w)):
        b[i] += 0.5 * w[i].sum(1)
    return Network(w, b, to[name], network.seeds)


def _kind(x: object) -> str:
    """What something is, for a message that says that it is no tensor of some dtype."""
    return str(x.dtype) if isinstance(x, Tensor) else type(x).__name__


def _one_hot(logits: Tensor, y: Tensor) -> Tensor:
    return torch.zeros_like(logits).scatter_(-1, y[..., None], 1.0)


def _check_parameters(w: Sequence[Tensor], b: Sequence[Tensor]) -> None:
    if not len(w) or len(w) != len(b):
        raise ValueError(
            f"w and b must hold one tensor per layer, at least one, got {len(w)} and {len(b)}"
        )
    first = w[0]
    if first.dim() != 3 or not first.dtype.is_floating_point:
        raise ValueError(f"w[0] must be floating (R, n_0, n_1), got {first.dtype} {first.shape}")
    replicas, n_in = first.shape[:2]
    for i, (w_i, b_i) in enumerate(zip(w, b, strict=True)):
        n_out = w_i.shape[-1]
        for name, x, shape in (("w", w_i, (replicas, n_in, n_out)), ("b", b_i, (replicas, n_out))):
            if x.shape != shape or 0 in shape or x.dtype != first.dtype:
                raise ValueError(
                    f"{name}[{i}] must have shape {shape} with no 0 and w[0]'s dtype "
                    f"{first.dtype}, got {tuple(x.shape)} and {x.dtype}"
                )
        n_in = n_out


def _seeds(seeds: Any) -> tuple[int, ...]:
    checks.instance("seeds", seeds, Sequence, "a sequence of seeds, one per replica")
    if not len(seeds):
        raise ValueError(f"seeds must hold at least one seed, got {seeds!r}")
    return tuple(checks.seed(f"seeds[{r}]", seed) for r, seed in enumerate(seeds))


def _per_replica(name: str, value: Any, replicas: int) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != replicas:
            raise ValueError(
                f"{name} must be one or one per replica ({replicas}), got {len(value)}"
            )
        return list(value)
    return [value] * replicas
