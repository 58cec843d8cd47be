"""Draw weights: torch tensors in place, NumPy arrays by return value.

Randomness is an argument. With the same generator state the torch samplers give the same
weights as `torch.nn.init` where that has the rule; nothing here seeds anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xavier import checks, rules
from xavier.rules import RULES, Rule

Distribution: TypeAlias = Literal["uniform", "normal"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "normal")

# Layers whose weights are drawn. Everything else with parameters (normalization layers,
# embeddings, recurrent cells, layers of the user's own) is left as it is, and said so.
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def uniform_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: float = 1.0,
    *,
    fans: tuple[int, int] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` from U(-a, a) with a = gain sqrt(3 rule(n_in, n_out)) (eq. 16).

    Args:
        tensor: weights in torch's order (out, in, *kernel), of a floating dtype.
        rule: name in `RULES`, or a callable ``rule(n_in, n_out) -> variance``.
        gain: factor on the standard deviation, finite and not negative.
        fans: ``(n_in, n_out)`` where the shape does not tell (see `xavier.rules.fans`).
        generator: source of randomness; torch's global one if None.

    Returns:
        The same tensor.

    Raises:
        TypeError: an argument is of the wrong type, such as an integer tensor.
        ValueError: the tensor has fewer than two dimensions, the rule is unknown or gives no
            usable variance, or the gain is negative or not finite.
    """
    limit = _scaled(rules.bound, _shape_of(tensor), rule, gain, fans)
    with torch.no_grad():
        return tensor.uniform_(-limit, limit, generator=generator)


def normal_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: float = 1.0,
    *,
    fans: tuple[int, int] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` from N(0, gain^2 rule(n_in, n_out)); arguments as in `uniform_`."""
    scale = _scaled(rules.std, _shape_of(tensor), rule, gain, fans)
    with torch.no_grad():
        return tensor.normal_(0.0, scale, generator=generator)


def sample(
    shape: tuple[int, ...],
    rule: str | Rule,
    rng: np.random.Generator,
    *,
    gain: float = 1.0,
    distribution: Distribution = "uniform",
) -> NDArray[np.float64]:
    """Draw weights of ``shape`` (out, in, *kernel) in float64 from a NumPy generator.

    Raises:
        TypeError: ``rng`` is not a `numpy.random.Generator`, or another wrong type.
        ValueError: as in `uniform_`, or an unknown ``distribution``.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
    if checks.one_of("distribution", distribution, DISTRIBUTIONS) == "uniform":
        limit = _scaled(rules.bound, tuple(shape), rule, gain, None)
        return rng.uniform(-limit, limit, size=shape)
    return rng.normal(0.0, _scaled(rules.std, tuple(shape), rule, gain, None), size=shape)


@dataclass(frozen=True)
class Initialized:
    """What `initialize_` did, by the names of `torch.nn.Module.named_modules`.

    Attributes:
        drawn: layers whose weights were drawn (and whose biases are now zero).
        skipped: layers with parameters of their own that were left as they were.
    """

    drawn: tuple[str, ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        left = f"; left alone: {', '.join(self.skipped)}" if self.skipped else ""
        return f"drawn: {', '.join(self.drawn) or 'nothing'}{left}"


def initialize_(
    module: nn.Module,
    rule: str | Rule = "glorot",
    gain: float = 1.0,
    *,
    distribution: Distribution = "uniform",
    generator: torch.Generator | None = None,
) -> Initialized:
    """Draw the weights of a whole module by ``rule`` and set its biases to zero.

    Touches linear layers, convolutions (groups counted), transposed convolutions, bilinear
    layers and the projections of `torch.nn.MultiheadAttention` (a packed matrix counted as the
    three that it is). Every other layer keeps its parameters. A weight shared by two layers is
    drawn once. The order is that of ``module.named_modules()``.

    Args:
        module: changed in place.
        rule, gain, generator: as in `uniform_`.
        distribution: "uniform" or "normal".

    Returns:
        Which layers were drawn and which were left alone.

    Raises:
        TypeError: ``module`` is not a module, or an argument is of the wrong type.
        ValueError: as in `uniform_`; the module is then unchanged.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {module!r}")
    fill = normal_ if checks.one_of("distribution", distribution, DISTRIBUTIONS) == "normal" else (
        uniform_
    )
    plan: list[tuple[str, Tensor, tuple[int, int]]] = []
    biases: list[Tensor] = []
    skipped: list[str] = []
    seen: set[int] = set()
    for name, layer in module.named_modules():
        weights, layer_biases = _weights_and_biases(layer)
        own = [p for p in layer.parameters(recurse=False) if id(p) not in seen]
        fresh = [(name, w, fan) for w, fan in weights if id(w) not in seen]
        if fresh:
            plan += fresh
            biases += layer_biases
        elif own:
            skipped.append(name)
        seen.update(id(p) for p in [w for w, _ in weights] + layer_biases)
    for _, weight, fan in plan:  # refuse before anything has been changed
        _scaled(rules.std, _shape_of(weight), rule, gain, fan)
    for _, weight, fan in plan:
        fill(weight, rule, gain, fans=fan, generator=generator)
    with torch.no_grad():
        for bias in biases:
            bias.zero_()
    return Initialized(tuple(dict.fromkeys(name for name, _, _ in plan)), tuple(skipped))


def _weights_and_biases(
    layer: nn.Module,
) -> tuple[list[tuple[Tensor, tuple[int, int]]], list[Tensor]]:
    """The weights of one layer with their fans, and its biases; nothing where we do not know."""
    if isinstance(layer, nn.MultiheadAttention):
        # Its output projection is a linear layer of its own and is met by itself.
        if layer.in_proj_weight is not None:
            weights = [(layer.in_proj_weight, rules.fans(layer.in_proj_weight.shape, packed=3))]
        else:
            parts = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
            weights = [(part, rules.fans(part.shape)) for part in parts]
        biases = [layer.in_proj_bias, layer.bias_k, layer.bias_v]
        return weights, [bias for bias in biases if bias is not None]
    if isinstance(layer, nn.Linear):
        fans = rules.fans(layer.weight.shape)
    elif isinstance(layer, _CONVOLUTIONS):
        fans = rules.fans(layer.weight.shape, groups=layer.groups)
    elif isinstance(layer, _TRANSPOSED):
        fans = rules.fans(layer.weight.shape, groups=layer.groups, transposed=True)
    elif isinstance(layer, nn.Bilinear):
        # One output sums over all pairs of inputs; one pair goes to every output.
        out, first, second = layer.weight.shape
        fans = (first * second, out)
    else:
        return [], []
    return [(layer.weight, fans)], [] if layer.bias is None else [layer.bias]


def _shape_of(tensor: Tensor) -> tuple[int, ...]:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor must be a torch.Tensor, got {type(tensor).__name__}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"tensor must have a floating dtype, got {tensor.dtype}")
    return tuple(tensor.shape)


def _scaled(
    edge: Callable[[float], float],
    shape: tuple[int, ...],
    rule: str | Rule,
    gain: float,
    fans: tuple[int, int] | None,
) -> float:
    """``gain`` times the bound or std (``edge``) of the rule's variance for this shape."""
    n_in, n_out = rules.fans(shape) if fans is None else rules.fans((fans[1], fans[0]))
    if checks.finite("gain", gain) < 0:
        raise ValueError(f"gain must not be negative, got {gain!r}")
    scaled: float = gain * edge(variance_of(rule, n_in, n_out))
    return scaled


def variance_of(rule: str | Rule, n_in: int, n_out: int) -> float:
    """The checked variance that ``rule`` gives to a layer of these sizes.

    Raises:
        TypeError: ``rule`` is neither a name nor a callable, or returns no real number.
        ValueError: the name is unknown, or the variance is negative or not finite.
    """
    if isinstance(rule, str):
        function = RULES[checks.one_of("rule", rule, RULES)]
    elif callable(rule):
        function = rule
    else:
        raise TypeError(f"rule must be a name or a callable (n_in, n_out), got {rule!r}")
    variance = function(n_in, n_out)
    try:
        number = float(variance)
    except TypeError as error:
        raise TypeError(
            f"rule({n_in}, {n_out}) must return a real number, got {variance!r}"
        ) from error
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"rule({n_in}, {n_out}) must return a finite variance of at least 0, got {variance!r}"
        )
    return number
