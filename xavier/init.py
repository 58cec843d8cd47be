"""Draw weights: torch tensors in place, NumPy arrays by return value.

Randomness is an argument. With the same generator state the torch samplers give the same
weights as `torch.nn.init` where that has the rule; nothing here seeds anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
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
_DRAWN = (nn.Linear, nn.Bilinear, *_CONVOLUTIONS, *_TRANSPOSED)
_PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")  # where they are not packed


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
        tensor: weights in torch's order (out, in, ...), of a floating dtype.
        rule: name in `xavier.rules.RULES`, or a callable ``rule(n_in, n_out) -> variance``.
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
    limit = _scaled(rules.bound, _shape_of(tensor, generator), rule, gain, fans, tensor.dtype)
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
    scale = _scaled(rules.std, _shape_of(tensor, generator), rule, gain, fans, tensor.dtype)
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
    """Draw weights of ``shape`` (out, in, ...) in float64 from a NumPy generator.

    Raises:
        TypeError: ``rng`` is not a `numpy.random.Generator`, or another wrong type.
        ValueError: as in `uniform_`, or an unknown ``distribution``.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
    if checks.one_of("distribution", distribution, DISTRIBUTIONS) == "uniform":
        limit = _scaled(rules.bound, shape, rule, gain, None, torch.float64)
        return rng.uniform(-limit, limit, size=shape)
    scale = _scaled(rules.std, shape, rule, gain, None, torch.float64)
    return rng.normal(0.0, scale, size=shape)


@dataclass(frozen=True)
class Initialized:
    """What `initialize_` did, by the names of `torch.nn.Module.named_modules`.

    Attributes:
        drawn: layers whose weights were drawn (and whose biases are now zero), also where the
            weights are those of another layer.
        skipped: layers with parameters of their own that were left as they were.
    """

    drawn: tuple[str, ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        left = f"; left alone: {_listed(self.skipped)}" if self.skipped else ""
        return f"drawn: {_listed(self.drawn)}{left}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(name or "the module itself" for name in names) or "nothing"


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
    three that it is). Every other layer keeps its parameters, and so does one whose weights are
    computed from others (weight normalization, pruning). A weight shared by two layers is drawn
    once. The order is that of ``module.named_modules()``.

    Args:
        module: changed in place.
        rule, gain, generator: as in `uniform_`.
        distribution: "uniform" or "normal".

    Returns:
        Which layers were drawn and which were left alone.

    Raises:
        TypeError: ``module`` is not a module, or an argument is of the wrong type.
        ValueError: as in `uniform_`, or a lazy layer has no shape yet; the module is then
            unchanged.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {module!r}")
    normal = checks.one_of("distribution", distribution, DISTRIBUTIONS) == "normal"
    plan: list[tuple[Tensor, tuple[int, int]]] = []
    biases: list[Tensor] = []
    drawn: list[str] = []
    others: list[tuple[str, nn.Module]] = []
    touched: set[int] = set()
    for name, layer in module.named_modules():
        weights, layer_biases = _weights_and_biases(name, layer)
        for weight, fan in weights:
            if id(weight) not in touched:
                plan.append((weight, fan))
                touched.add(id(weight))
        biases += layer_biases
        touched.update(id(bias) for bias in layer_biases)
        if weights:
            drawn.append(name)
        else:
            others.append((name, layer))
    size = rules.std if normal else rules.bound
    for weight, fan in plan:  # refuse before anything has been changed
        _scaled(size, _shape_of(weight, generator), rule, gain, fan, weight.dtype)
    for weight, fan in plan:
        (normal_ if normal else uniform_)(weight, rule, gain, fans=fan, generator=generator)
    with torch.no_grad():
        for bias in biases:
            bias.zero_()
    skipped = [
        name
        for name, layer in others
        if any(id(parameter) not in touched for parameter in layer.parameters(recurse=False))
    ]
    return Initialized(tuple(drawn), tuple(skipped))


def _weights_and_biases(
    name: str, layer: nn.Module
) -> tuple[list[tuple[Tensor, tuple[int, int]]], list[Tensor]]:
    """The weights of one layer with their fans, and its biases; nothing where we do not know."""
    # Only parameters: a weight that is computed from others would take the draw and forget it.
    own = dict(layer.named_parameters(recurse=False, remove_duplicate=False))
    if isinstance(layer, nn.MultiheadAttention):
        # Its output projection is a linear layer of its own and is met by itself.
        found = [key for key in ("in_proj_weight", *_PROJECTIONS) if key in own]
        packed = {"in_proj_weight": 3}
        weights: list[tuple[Tensor, tuple[int, int]]] = [
            (own[key], rules.fans(own[key].shape, packed=packed.get(key, 1))) for key in found
        ]
        return weights, [own[key] for key in ("in_proj_bias", "bias_k", "bias_v") if key in own]
    if not isinstance(layer, _DRAWN) or "weight" not in own:
        return [], []
    if nn.parameter.is_lazy(own["weight"]):
        raise ValueError(
            f"module: the lazy layer {name!r} has no shape yet; pass a batch through it first"
        )
    shape = own["weight"].shape
    if isinstance(layer, nn.Bilinear):
        # One output sums over all pairs of inputs; one pair goes to every output.
        out, first, second = shape
        fans = (first * second, out)
    elif isinstance(layer, nn.Linear):
        fans = rules.fans(shape)
    else:
        fans = rules.fans(shape, groups=layer.groups, transposed=isinstance(layer, _TRANSPOSED))
    return [(own["weight"], fans)], [own["bias"]] if "bias" in own else []


def _shape_of(tensor: Tensor, generator: torch.Generator | None) -> tuple[int, ...]:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor must be a torch.Tensor, got {type(tensor).__name__}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"tensor must have a floating dtype, got {tensor.dtype}")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator or None, got {generator!r}")
    return tuple(tensor.shape)


def _scaled(
    edge: Callable[[float], float],
    shape: tuple[int, ...],
    rule: str | Rule,
    gain: float,
    fans: tuple[int, int] | None,
    dtype: torch.dtype,
) -> float:
    """``gain`` times the bound or std (``edge``) of the rule's variance for this shape."""
    # Drawing a small layer takes no longer than all these checks: a named rule, which cannot
    # change its mind, is worked out once for each shape.
    plain = isinstance(rule, str) and type(gain) in (int, float)
    hashable = isinstance(shape, tuple) and (fans is None or isinstance(fans, tuple))
    work_out = _scaled_once if plain and hashable else _scaled_now
    return work_out(edge, shape, rule, gain, fans, dtype)


def _scaled_now(
    edge: Callable[[float], float],
    shape: tuple[int, ...],
    rule: str | Rule,
    gain: float,
    fans: tuple[int, int] | None,
    dtype: torch.dtype,
) -> float:
    if fans is None:
        n_in, n_out = rules.fans(shape)
    elif len(fans) == 2:
        n_in, n_out = (checks.positive_int(f"fans[{i}]", fan) for i, fan in enumerate(fans))
    else:
        raise ValueError(f"fans must be the pair (n_in, n_out), got {fans!r}")
    factor = checks.finite("gain", gain)
    if factor < 0:
        raise ValueError(f"gain must not be negative, got {gain!r}")
    variance = variance_of(rule, n_in, n_out)
    scaled = abs(factor * edge(variance))  # NumPy refuses an interval from 0.0 to -0.0
    if scaled > torch.finfo(dtype).max / 16:  # beyond, some draws would be infinite
        raise ValueError(f"gain = {gain!r} with variance {variance!r} is too large for {dtype}")
    return scaled


_scaled_once = lru_cache(maxsize=4096, typed=True)(_scaled_now)


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
        if isinstance(variance, str | bytes | bool):
            raise TypeError("float() would take it")
        number = float(variance)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"rule({n_in}, {n_out}) must return a real number, got {variance!r}"
        ) from error
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"rule({n_in}, {n_out}) must return a finite variance of at least 0, got {variance!r}"
        )
    return number
