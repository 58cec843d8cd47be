"""Draw weights: torch tensors in place, NumPy arrays by return value.

Randomness is an argument. With the same generator state the torch samplers give the same
weights as `torch.nn.init` where that has the rule; nothing here seeds anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xavier import checks, rules
from xavier.rules import RULES, Rule

Distribution: TypeAlias = Literal["uniform", "normal"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "normal")
_SCALES = {"uniform": rules.bound, "normal": rules.std}
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # that torch can draw

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

    >>> weight = uniform_(torch.empty(300, 784), generator=torch.Generator().manual_seed(0))
    >>> round(float(weight.abs().max()), 4), round(math.sqrt(6 / (300 + 784)), 4)
    (0.0744, 0.0744)

    Args:
        tensor: weights in torch's order (out, in, ...), not expanded, of the dtype float16,
            bfloat16, float32 or float64.
        rule: name in `xavier.rules.RULES`, or a callable ``rule(n_in, n_out) -> variance``.
        gain: factor on the standard deviation, finite and not negative.
        fans: ``(n_in, n_out)`` where the shape does not tell (see `xavier.rules.fans`).
        generator: source of randomness; torch's global one if None.

    Returns:
        The same tensor.

    Raises:
        TypeError: the tensor is none or of another dtype, or another argument of a wrong type.
        ValueError: the tensor is expanded or has fewer than two dimensions, the fans are no pair,
            the rule is unknown or gives no usable variance, or the gain is negative or too large
            for the dtype.
    """
    _check_tensor("tensor", tensor)
    scale = _scale("uniform", tensor.shape, tensor.dtype, rule, gain, fans)
    return _fill(tensor, "uniform", scale, generator)


def normal_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: float = 1.0,
    *,
    fans: tuple[int, int] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` from N(0, gain^2 rule(n_in, n_out)); arguments as in `uniform_`."""
    _check_tensor("tensor", tensor)
    scale = _scale("normal", tensor.shape, tensor.dtype, rule, gain, fans)
    return _fill(tensor, "normal", scale, generator)


def sample(
    shape: tuple[int, ...],
    rule: str | Rule,
    rng: np.random.Generator,
    *,
    gain: float = 1.0,
    distribution: Distribution = "uniform",
) -> NDArray[np.float64]:
    """Draw weights of ``shape`` (out, in, ...) in float64 from a NumPy generator.

    >>> w = sample((300, 784), "he", np.random.default_rng(0))
    >>> round(float(w.std()), 3), round(rules.std(2 / 784), 3)
    (0.05, 0.051)

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: as in `uniform_`, or an unknown ``distribution``.
    """
    checks.instance("shape", shape, Iterable, "a sequence of integers")
    checks.instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    checks.one_of("distribution", distribution, DISTRIBUTIONS)
    scale = _scale(distribution, shape, torch.float64, rule, gain, None)
    if distribution == "uniform":
        return rng.uniform(-scale, scale, size=shape)
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

    >>> print(initialize_(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.LayerNorm(3)), "he"))
    drawn: 0; left alone: 2

    Args:
        module: changed in place.
        rule: name in `xavier.rules.RULES`, or a callable ``rule(n_in, n_out) -> variance``.
        gain: factor on the standard deviations, finite and not negative.
        distribution: "uniform" or "normal".
        generator: source of randomness; torch's global one if None.

    Returns:
        Which layers were drawn and which were left alone.

    Raises:
        TypeError: as in `uniform_`, or the module is none; nothing is changed then.
        ValueError: as in `uniform_`, or a lazy layer has no shape yet; nothing is changed then.
    """
    checks.instance("module", module, nn.Module, "a torch.nn.Module")
    checks.one_of("distribution", distribution, DISTRIBUTIONS)
    plan: list[tuple[Tensor, float]] = []  # all of it, before anything is changed
    biases: list[Tensor] = []
    drawn: list[str] = []
    others: list[tuple[str, nn.Module]] = []
    touched: set[int] = set()
    for name, layer in module.named_modules():
        weights, layer_biases = _weights_and_biases(name, layer)
        for weight, fan in weights:
            if id(weight) not in touched:
                _check_tensor(f"module: weights of layer {name!r}", weight)
                scale = _scale(distribution, weight.shape, weight.dtype, rule, gain, fan)
                plan.append((weight, scale))
                touched.add(id(weight))
        biases += layer_biases
        touched.update(id(bias) for bias in layer_biases)
        if weights:
            drawn.append(name)
        else:
            others.append((name, layer))
    for weight, scale in plan:
        _fill(weight, distribution, scale, generator)
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


def _check_tensor(name: str, tensor: Any) -> None:
    """Refuse, before anything is changed, what torch would refuse while it draws."""
    checks.instance(name, tensor, Tensor, "a torch.Tensor")
    if tensor.dtype not in _DTYPES:
        allowed = ", ".join(map(str, _DTYPES))
        raise TypeError(f"{name} must have a dtype among {allowed}, got {tensor.dtype}")
    if any(step == 0 and n > 1 for step, n in zip(tensor.stride(), tensor.shape, strict=True)):
        raise ValueError(
            f"{name} must not be expanded (its numbers share memory), got strides "
            f"{tensor.stride()} for the shape {tuple(tensor.shape)}"
        )


def _fill(
    tensor: Tensor, distribution: Distribution, scale: float, generator: torch.Generator | None
) -> Tensor:
    with torch.no_grad():
        if distribution == "uniform":
            return tensor.uniform_(-scale, scale, generator=generator)
        return tensor.normal_(0.0, scale, generator=generator)


def _scale(
    distribution: Distribution,
    shape: Sequence[int],
    dtype: torch.dtype,
    rule: str | Rule,
    gain: float,
    fans: tuple[int, int] | None,
) -> float:
    """``gain`` times the bound or the standard deviation of the rule's variance."""
    pair: Any = rules.fans(shape) if fans is None else fans
    if not isinstance(pair, Iterable) or len(pair := tuple(pair)) != 2:
        raise ValueError(f"fans must be the pair (n_in, n_out), got {fans!r}")
    variance = variance_of(rule, *pair)
    scale = checks.finite("gain", gain) * _SCALES[distribution](variance)
    # A sixteenth of the largest number: beyond, some draws would be infinite.
    if not 0 <= scale <= torch.finfo(dtype).max / 16:
        raise ValueError(
            f"gain must be at least 0 and keep weights of variance {variance!r} finite in "
            f"{dtype}, got {gain!r}"
        )
    return float(abs(scale))  # NumPy refuses -0.0


def variance_of(rule: str | Rule, n_in: int, n_out: int) -> float:
    """The checked variance that ``rule`` gives to a layer of these sizes.

    >>> variance_of("glorot", 300, 100)
    0.005

    Raises:
        TypeError: a size is no integer, or the rule neither a name nor a callable.
        ValueError: a size is below 1, the name is unknown, or what the rule returns is no finite
            number of at least 0.
    """
    n_in, n_out = checks.positive_int("fans[0]", n_in), checks.positive_int("fans[1]", n_out)
    if not (isinstance(rule, str) or callable(rule)):
        raise TypeError(f"rule must be a name or a callable (n_in, n_out), got {rule!r}")
    function = RULES[checks.one_of("rule", rule, RULES)] if isinstance(rule, str) else rule
    variance = function(n_in, n_out)
    try:
        number = float(variance)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(
            f"rule({n_in}, {n_out}) must return a finite number of at least 0, got {variance!r}"
        )
    return number
