"""Draw weights: torch tensors in place, NumPy arrays by return value.

Randomness is an argument. With the same generator state the torch samplers give the weights
that `torch.nn.init` gives a contiguous tensor, where that has the rule, in whatever order this one
lies in memory; nothing here
seeds anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xavier import activations, checks, rules
from xavier.activations import Activation, Named
from xavier.hooks import unchanged
from xavier.rules import RULES, Rule
from xavier.scaling import unit_variance_

Distribution: TypeAlias = Literal["uniform", "normal", "truncated", "orthogonal"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "normal", "truncated", "orthogonal")

GainLike: TypeAlias = float | Named
"""A number, or an activation as `xavier.activations.get` takes it, for its gain at variance 1."""

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # that torch can draw
_BEYOND = math.erfc(math.sqrt(2)) / 2  # of a normal distribution, beyond two deviations on one side
_CUT_STD = math.sqrt(1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / (1 - 2 * _BEYOND))  # 0.8796
_SCALES = {
    "uniform": rules.bound,
    "normal": rules.std,
    "truncated": lambda variance: rules.std(variance) / _CUT_STD,
    "orthogonal": rules.std,
}

# Layers whose weights are drawn. All else that has parameters is left as it is, and said so.
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *_TRANSPOSED)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_LINEAR = (nn.Linear, nn.Bilinear, *_CONVOLUTIONS)
DRAWN = (*_LINEAR, nn.MultiheadAttention, *_RECURRENT)
_WEIGHT = re.compile(
    r"weight|in_proj_weight|[qkv]_proj_weight|weight_(ih|hh|hr)(_l\d+(_reverse)?)?"
)
_BIAS = re.compile(r"bias|in_proj_bias|bias_[kv]|bias_(ih|hh)(_l\d+(_reverse)?)?")


def draw_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: GainLike = 1.0,
    *,
    distribution: Distribution = "uniform",
    fans: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` with weights of the variance gain^2 rule(n_in, n_out).

    The distributions are "uniform"; "normal"; "truncated", a normal one cut off at two of its
    deviations, which is wider by as much as the cut takes away; and "orthogonal", where the tensor
    as a matrix (first dimension, all others) has singular values that are all alike and just as
    large as the variance asks: of a square one with "lecun" they are the gain.

    >>> weight = draw_(torch.empty(64, 64), "lecun", distribution="orthogonal")
    >>> torch.allclose(weight @ weight.T, torch.eye(64), atol=1e-5)
    True

    Args:
        tensor: weights in torch's order (out, in, ...), of the dtype float16, bfloat16, float32
            or float64.
        rule: name in `xavier.rules.RULES`, or a callable ``rule(n_in, n_out) -> variance``.
        gain: factor on the standard deviation, finite and not negative; or an activation or its
            name, for its `xavier.theory.gain`.
        distribution: one of the four.
        fans: ``(n_in, n_out)`` where the shape does not tell (see `xavier.rules.fans`).
        generator: source of randomness; torch's global one if None.

    Returns:
        The same tensor.

    Raises:
        TypeError: the tensor is none or of another dtype, or another argument of a wrong type.
        ValueError: the tensor would forget the draw (it is computed from others, and no view of a
            parameter) or cannot take it (on the device meta, expanded, made in inference mode,
            lazy); it has fewer than two dimensions, the fans are no pair of numbers above 0, a
            name is unknown, the rule gives no usable variance or has a gain in it beside one by
            name, or the gain is negative or too large for the dtype.
    """
    _check_tensor("tensor", tensor)
    checks.one_of("distribution", distribution, DISTRIBUTIONS)
    scale = _scale(distribution, tensor.shape, tensor.dtype, rule, gain, fans)
    return _fill(tensor, distribution, scale, generator)


def uniform_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: GainLike = 1.0,
    *,
    fans: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` from U(-a, a) with a = gain sqrt(3 rule(n_in, n_out)) (eq. 16), as `draw_`.

    >>> weight = uniform_(torch.empty(300, 784), generator=torch.Generator().manual_seed(0))
    >>> round(float(weight.abs().max()), 4), round(math.sqrt(6 / (300 + 784)), 4)
    (0.0744, 0.0744)
    """
    return draw_(tensor, rule, gain, fans=fans, generator=generator)


def normal_(
    tensor: Tensor,
    rule: str | Rule = "glorot",
    gain: GainLike = 1.0,
    *,
    fans: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` from N(0, gain^2 rule(n_in, n_out)), as `draw_`."""
    return draw_(tensor, rule, gain, distribution="normal", fans=fans, generator=generator)


def sample(
    shape: tuple[int, ...],
    rule: str | Rule,
    rng: np.random.Generator,
    *,
    gain: GainLike = 1.0,
    distribution: Distribution = "uniform",
) -> NDArray[np.float64]:
    """Draw weights of ``shape`` (out, in, ...) in float64 from a NumPy generator.

    >>> w = sample((300, 784), "he", np.random.default_rng(0))
    >>> round(float(w.std()), 3), round(rules.std(2 / 784), 3)
    (0.05, 0.051)

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: as in `draw_`.
    """
    checks.instance("shape", shape, Iterable, "a sequence of integers")
    checks.instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    checks.one_of("distribution", distribution, DISTRIBUTIONS)
    scale = _scale(distribution, shape, torch.float64, rule, gain, None)
    match distribution:
        case "uniform":
            return rng.uniform(-scale, scale, size=shape)
        case "normal":
            return rng.normal(0.0, scale, size=shape)
        case "truncated":
            raw = rng.uniform(_BEYOND, 1 - _BEYOND, size=shape)
        case "orthogonal":
            raw = rng.normal(size=shape)
    made: NDArray[np.float64] = _made(torch.from_numpy(raw), distribution, scale).numpy()
    return made


@dataclass(frozen=True)
class Initialized:
    """What `initialize_` did, by the names of `torch.nn.Module.named_modules`.

    Attributes:
        drawn: layers whose weights were drawn and biases set, also where they are another's.
        skipped: layers with parameters of their own that were left as they were, each with the
            reason; and single parameters of drawn layers, by their full names.
    """

    drawn: tuple[str, ...]
    skipped: Mapping[str, str]

    def __str__(self) -> str:
        left = ", ".join(f"{n or 'the module itself'} ({why})" for n, why in self.skipped.items())
        drawn = ", ".join(name or "the module itself" for name in self.drawn) or "nothing"
        return f"drawn: {drawn}" + (f"; left alone: {left}" if left else "")


def initialize_(
    module: nn.Module,
    rule: str | Rule = "glorot",
    gain: GainLike = 1.0,
    *,
    distribution: Distribution = "uniform",
    forget_bias: float = 0.0,
    overrides: Mapping[str, Mapping[str, Any] | None] | None = None,
    residual_scale: Mapping[str, float | None] | None = None,
    generator: torch.Generator | None = None,
) -> Initialized:
    """Draw the weights of a whole module by ``rule`` and set its biases to zero.

    Touches linear and bilinear layers, convolutions, transposed or not (groups and strides
    counted), `torch.nn.MultiheadAttention` (a packed matrix counted as the three that it is), and
    recurrent layers and cells (each gate counted on its own). Every other layer keeps its
    parameters, and so does one whose weights are computed from others (weight normalization,
    pruning); frozen parameters and what shares their memory stay as they are. Weights that are
    one, by object or by memory, are drawn once, by the layer that comes first; an embedding's
    padding row among them keeps its values. The order is that of ``module.named_modules()``.

    >>> print(initialize_(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.LayerNorm(3)), "he"))
    drawn: 0; left alone: 2 (LayerNorm)
    >>> orthogonal = {"weight_hh_*": {"rule": "lecun", "distribution": "orthogonal"}}
    >>> print(initialize_(nn.LSTM(3, 4), forget_bias=1.0, overrides=orthogonal))
    drawn: the module itself

    Args:
        module: changed in place.
        rule, gain, distribution: as in `draw_`.
        forget_bias: for the forget gates of `torch.nn.LSTM` and its cell, in the first of their
            two biases.
        overrides: patterns as of ``fnmatch``, such as ``"head"`` or ``"blocks.*.out_proj.weight"``,
            for layers and for parameters. Each has another ``rule``, ``gain`` or ``distribution``,
            or None to leave them alone. Later ones win.
        residual_scale: patterns for the last layers of residual branches, such as
            ``{"*.out_proj": None, "*.linear2": None}``, each with a factor on their weights from 0
            (branches say nothing) to 1. None is 1/sqrt(N) for all N weights that have None: what N
            branches add to a stream then has the variance of one (Radford et al. 2019).
        generator: source of randomness; torch's global one if None.

    Returns:
        Which layers were drawn and which were left alone, and why.

    Raises:
        TypeError: as in `draw_`, or the module is none.
        ValueError: as in `draw_` for a parameter that is named, a layer is quantized, a pattern
            matches nothing, or there is no bias for ``forget_bias``; nothing is changed then.
    """
    checks.instance("module", module, nn.Module, "a torch.nn.Module")
    base = {"rule": rule, "gain": _known(gain), "distribution": distribution}
    if overrides is not None:
        checks.instance("overrides", overrides, Mapping, "a mapping from patterns to options")
    changes = _checked_overrides({"*": base, **(overrides or {})})
    branches = {} if residual_scale is None else _checked_branches(residual_scale)
    forget = checks.finite("forget_bias", forget_bias)
    unused, last = set(overrides or ()), set(branches)
    plan: list[tuple[Tensor, Distribution, float, int]] = []  # all of it, before any change
    factors: list[float | None] = []  # on the scales of the plan
    biases: list[Tensor] = []
    gates: list[Tensor] = []  # biases of forget gates
    padding: list[tuple[Tensor, int]] = []
    drawn: list[str] = []
    left: list[tuple[str, str, list[nn.Parameter]]] = []
    touched: set[Any] = set()
    frozen = {_memory(p) for p in module.parameters() if not p.requires_grad}
    for name, layer in module.named_modules():
        # Only parameters: a weight that is computed from others would take the draw and forget it.
        own = dict(layer.named_parameters(recurse=False, remove_duplicate=False))
        known, kind = isinstance(layer, DRAWN), type(layer).__name__
        if type(layer).__module__.startswith("torch.ao.nn.quantized"):
            raise ValueError(f"module must have no quantized layer, got {kind} at {name!r}")
        if isinstance(layer, nn.Embedding | nn.EmbeddingBag) and layer.padding_idx is not None:
            padding += [(weight, layer.padding_idx) for weight in own.values()]
        full = {key: f"{name}.{key}" if name else key for key in own}
        asked: dict[str, dict[str, Any]] = {}
        kept: dict[str, str] = {}
        for key, parameter in own.items() if known else ():
            options: dict[str, Any] | None = None
            for pattern, change in changes.items():
                if _matches(pattern, name, full[key]):
                    options = None if change is None else {**base, **(options or {}), **change}
                    unused.discard(pattern)
            if not _WEIGHT.fullmatch(key) and not _BIAS.fullmatch(key):
                kept[key] = "a parameter of its own"
            elif options is None:
                kept[key] = "as asked"
            elif _memory(parameter) in frozen:
                kept[key] = "frozen"
            else:
                asked[key] = options
                _check_tensor(f"module: parameter {full[key]!r}", parameter, key)
        weights = [key for key in asked if _WEIGHT.fullmatch(key)]
        if not weights:
            computed = "its weight is computed" if known else kind
            why = next((kept[key] for key in kept if _WEIGHT.fullmatch(key)), computed)
            left += [(name, why, list(own.values()))] if own else []
            continue
        drawn.append(name)
        left += [(full[key], why, [own[key]]) for key, why in kept.items()]
        for key in weights:
            if own[key].numel() and _memory(own[key]) not in touched:
                weight, how = own[key], asked[key]
                try:
                    fans, blocks = _fans(layer, key, weight.shape)
                except ValueError as error:
                    raise ValueError(f"module: parameter {full[key]!r}: {error}") from None
                scale = _scale(
                    how["distribution"], weight.shape, weight.dtype, how["rule"], how["gain"], fans
                )
                plan.append((weight, how["distribution"], scale, blocks))
                which = [p for p in branches if _matches(p, name, full[key])]
                factors.append(branches[which[-1]] if which else 1.0)
                last -= set(which)
                touched.add(_memory(weight))
        for key in asked.keys() - set(weights):
            biases.append(own[key])
            touched.add(_memory(own[key]))
            if isinstance(layer, nn.LSTM | nn.LSTMCell) and key.startswith("bias_ih"):
                gates.append(own[key].detach()[layer.hidden_size : 2 * layer.hidden_size])
    if unused:
        raise ValueError(
            f"overrides must match a layer that is drawn, got {min(unused, key=str)!r}"
        )
    if last:
        raise ValueError(
            f"residual_scale must match a layer that is drawn, got {min(last, key=str)!r}"
        )
    if forget and not gates:
        raise ValueError(f"forget_bias must be 0 without an LSTM's biases, got {forget_bias!r}")
    with torch.no_grad():
        rows = [(w, i, w[i].clone()) for w, i in padding if _memory(w) in touched]
        shared = max(1, factors.count(None)) ** -0.5
        for (weight, what, scale, blocks), factor in zip(plan, factors, strict=True):
            scale *= shared if factor is None else factor
            _fill(weight, what, scale, generator, blocks)
        for bias in biases:
            bias.zero_()
        for gate in gates:
            gate.fill_(forget)
        for weight, index, row in rows:
            weight[index] = row
    skipped = {n: why for n, why, ps in left if any(_memory(p) not in touched for p in ps)}
    return Initialized(tuple(drawn), skipped)


def lsuv_(
    module: nn.Module,
    batch: Any,
    *,
    overrides: Mapping[str, Mapping[str, Any] | None] | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, float]:
    """Draw orthogonal weights, and scale each layer's so that it gives a batch the variance 1.

    Layer-sequential unit variance (Mishkin & Matas 2016): no rule is asked, since the batch shows
    what each layer's input is. One forward pass in the module's mode is enough, as biases are set
    to zero. Buffers are as before afterwards, and so is torch's global generator but for the draws
    where none is given.

    >>> net, batch = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 5)), torch.eye(9)
    >>> list(lsuv_(net, batch)), round(net(batch).std(correction=0).item(), 4)
    (['0', '2'], 1.0)

    Args:
        module: changed in place.
        batch: what the module is called with: a tensor, a tuple of arguments, or a mapping of them.
        overrides: as in `initialize_`. None leaves a layer alone and unscaled.
        generator: as in `initialize_`.

    Returns:
        By what the orthogonal weights of each layer were divided, in the order of execution.

    Raises:
        TypeError, ValueError: as in `initialize_`; the module is compiled; or a layer that is
            drawn is recurrent or attention, shares its weights, runs twice or never, keeps a bias,
            or has outputs that do not vary. Nothing is changed then.
    """
    checks.instance("module", module, nn.Module, "a torch.nn.Module")
    with unchanged(module, parameters=False):
        options: dict[str, Any] = {"overrides": overrides, "generator": generator}
        drawn = initialize_(module, "lecun", distribution="orthogonal", **options).drawn
        owners: dict[Any, list[str]] = {}
        for full, parameter in module.named_parameters(remove_duplicate=False):
            owners.setdefault(_memory(parameter), []).append(full)
        if not drawn:
            raise ValueError(f"module must have a layer that is drawn, got {type(module).__name__}")
        layers = {name: module.get_submodule(name) for name in drawn}
        for name, layer in layers.items():
            if not isinstance(layer, _LINEAR):
                raise ValueError(
                    f"module: layer {name!r} must be linear in its weights to be scaled, got "
                    f"{type(layer).__name__}: leave it alone, overrides={{{f'{name}*'!r}: None}}"
                )
            if len(names := owners[_memory(layer.weight)]) > 1:
                raise ValueError(f"module: parameters must not be one to be scaled, got {names}")
        return unit_variance_(module, layers, batch)


def _known(gain: GainLike) -> GainLike:
    return activations.get(gain, "gain") if callable(gain) else gain  # looks for its kinks once


def _matches(pattern: Any, layer: str, parameter: str) -> bool:
    return fnmatchcase(layer, str(pattern)) or fnmatchcase(parameter, str(pattern))


def _checked_branches(branches: Mapping[str, float | None]) -> Mapping[str, float | None]:
    checks.instance("residual_scale", branches, Mapping, "a mapping from patterns to factors")
    for name, factor in ((f"residual_scale[{key!r}]", branches[key]) for key in branches):
        if factor is not None and checks.not_negative(name, factor) > 1:
            raise ValueError(f"{name} must be at most 1, got {factor!r}")
    return branches


def _checked_overrides(
    overrides: Mapping[str, Mapping[str, Any] | None],
) -> Mapping[str, Mapping[str, Any] | None]:
    for pattern, change in overrides.items():
        name = f"overrides[{pattern!r}]"
        checks.instance(name, change, (Mapping, type(None)), "a mapping of options, or None")
        for key, value in (change or {}).items():
            checks.one_of(name, key, ("rule", "gain", "distribution"))
            if key == "distribution":
                checks.one_of(key, value, DISTRIBUTIONS)
    return overrides


def _fans(layer: nn.Module, key: str, shape: Sequence[int]) -> tuple[tuple[float, float], int]:
    """The fans of a weight, and how many matrices of their own it holds."""
    if isinstance(layer, nn.Bilinear):
        # One output sums over all pairs of inputs; one pair goes to every output.
        return rules.fans((shape[0], math.prod(shape[1:]))), 1
    if isinstance(layer, _CONVOLUTIONS):
        transposed = isinstance(layer, _TRANSPOSED)
        fans = rules.fans(shape, groups=layer.groups, transposed=transposed, stride=layer.stride)
        return fans, layer.groups
    packed = 3 if key == "in_proj_weight" else 1
    if isinstance(layer, _RECURRENT):  # a projection of the state has fewer rows than it has units
        packed = max(1, shape[0] // layer.hidden_size)
    return rules.fans(shape, packed=packed), packed


def _memory(tensor: Tensor) -> tuple[Any, ...]:
    """What two parameters have in common that are one, by object or by storage, or transposed."""
    lazy = nn.parameter.is_lazy(tensor)
    if lazy or tensor.is_meta or tensor.layout != torch.strided or not tensor.numel():
        return (id(tensor),)
    return tensor.device, tensor.data_ptr() or id(tensor), tensor.numel()


def _check_tensor(name: str, tensor: Any, key: str = "weight") -> None:
    """Refuse, before anything is changed, what torch would refuse while it draws."""
    checks.instance(name, tensor, Tensor, "a torch.Tensor")
    if nn.parameter.is_lazy(tensor):
        raise ValueError(f"{name} is of a lazy layer: pass a batch through it first")
    if _WEIGHT.fullmatch(key) and tensor.dtype not in _DTYPES:
        allowed = ", ".join(map(str, _DTYPES))
        raise TypeError(f"{name} must have a dtype among {allowed}, got {tensor.dtype}")
    if tensor.is_meta:
        raise ValueError(f"{name} must have memory, got a tensor on meta: call to_empty first")
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise ValueError(f"{name} must not be made in inference mode, which lets nobody change it")
    if not tensor.is_leaf and not (tensor._is_view() and tensor._base.is_leaf):
        raise ValueError(
            f"{name} must be a parameter or a view of one, got the result of {tensor.grad_fn}: "
            "what it is computed from would not see the draw"
        )
    if any(step == 0 and n > 1 for step, n in zip(tensor.stride(), tensor.shape, strict=True)):
        raise ValueError(
            f"{name} must not be expanded (its numbers share memory), got strides "
            f"{tensor.stride()} for the shape {tuple(tensor.shape)}"
        )


def _fill(
    tensor: Tensor,
    distribution: Distribution,
    scale: float,
    generator: torch.Generator | None,
    blocks: int = 1,
) -> Tensor:
    with torch.no_grad():
        # In the order of the indices, and with the digits that the last two need.
        plain = distribution in ("uniform", "normal")
        wide = tensor.dtype if plain or tensor.dtype == torch.float64 else torch.float32
        raw = tensor
        if not tensor.is_contiguous() or wide != tensor.dtype:
            raw = torch.empty_like(tensor, dtype=wide, memory_format=torch.contiguous_format)
        if distribution == "uniform":
            raw.uniform_(-scale, scale, generator=generator)
        elif distribution == "truncated":
            raw.uniform_(_BEYOND, 1 - _BEYOND, generator=generator)
        else:
            raw.normal_(0.0, scale if plain else 1.0, generator=generator)
        made = raw if plain else _made(raw, distribution, scale, blocks)
        if made is not tensor:
            tensor.copy_(made)
    return tensor


def _made(raw: Tensor, distribution: Distribution, scale: float, blocks: int = 1) -> Tensor:
    """What becomes of draws: even ones a cut normal, normal ones an orthogonal matrix a block."""
    if distribution == "truncated":
        cut: Tensor = torch.special.ndtri(raw) * scale
        return cut
    made = []
    for block in raw.chunk(blocks):
        matrix = block.reshape(len(block), -1)
        tall = matrix if len(matrix) >= matrix.shape[1] else matrix.T
        q, r = torch.linalg.qr(tall)
        # With these signs all orthogonal matrices are equally likely (Mezzadri 2007).
        q = q * torch.ones_like(r.diagonal()).copysign(r.diagonal()) * (scale * len(tall) ** 0.5)
        made.append((q if tall is matrix else q.T).reshape(block.shape))
    return torch.cat(made)


def _scale(
    distribution: Distribution,
    shape: Sequence[int],
    dtype: torch.dtype,
    rule: str | Rule,
    gain: GainLike,
    fans: tuple[float, float] | None,
) -> float:
    """``gain`` times what the distribution is described by at the rule's variance."""
    pair: Any = rules.fans(shape) if fans is None else fans
    if not isinstance(pair, Iterable) or len(pair := tuple(pair)) != 2:
        raise ValueError(f"fans must be the pair (n_in, n_out), got {fans!r}")
    variance = variance_of(rule, *pair)
    if isinstance(gain := _known(gain), str | tuple | Activation):
        if rule in ("standard", "he"):
            raise ValueError(
                f"gain must be a number with the rule {rule!r}, which has a factor of its own: "
                f"give 'lecun' or 'glorot', got {gain!r}"
            )
        from xavier import theory  # its integrals take a second to import

        number = float(theory.gain(gain))
    else:
        number = checks.finite("gain", gain)
    scale = number * _SCALES[distribution](variance)
    # A sixteenth of the largest number: beyond, some draws would be infinite.
    if not 0 <= scale <= torch.finfo(dtype).max / 16:
        raise ValueError(
            f"gain must be at least 0 and keep weights of variance {variance!r} finite in "
            f"{dtype}, got {gain!r}"
        )
    return float(abs(scale))  # NumPy refuses -0.0


def variance_of(rule: str | Rule, n_in: float, n_out: float) -> float:
    """The checked variance that ``rule`` gives to a layer of these sizes.

    >>> variance_of("glorot", 300, 100)
    0.005

    Raises:
        TypeError: a size is no number, or the rule neither a name nor a callable.
        ValueError: a size is not above 0, the name is unknown, or what the rule returns is no
            finite number of at least 0.
    """
    sizes = (checks.positive("fans[0]", n_in), checks.positive("fans[1]", n_out))
    n_in, n_out = (int(size) if size.is_integer() else size for size in sizes)
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
