"""Which weights a function of torch uses, and how: read off the call, whatever module it is in.

`xavier.probe` follows all calls of a pass; here a single one is read, with the numbers that say
what a signal is like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from xavier import rules
from xavier.activations import ACTIVATIONS, MODERN, Activation, Named, get
from xavier.hooks import UNITS, tensors
from xavier.init import DRAWN
from xavier.summaries import detached

_PRODUCTS = {"matmul": 2, "mm": 2, "bmm": 2, "addmm": 3, "baddbmm": 3}
_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


@dataclass
class Use:
    """What one use of a weight did in the pass; not a number where that was not to be seen.

    Attributes:
        name: of the module that holds the weight, or of the parameter.
        kind: name of torch's function.
        weight, bias: as they were used.
        fans: fan-in and fan-out, groups and strides counted; None where the shape does not tell.
        plain: the same as `torch.nn.init` counts them.
        kernel, packed: how many places a kernel has, and how many matrices the weight holds.
        source: which tensor came in, as a number that only its equal has.
        inputs, outputs: mean square of what came in and of what came out.
        alike: mean similarity of the outputs for two examples (`similarity`).
        below: the place of the use that the input came from, through one activation at most.
        past: bits of the places of all uses that the input depends on.
        read: whether a later use depends on the output.
        activation: the name of what follows.
        curve: the same as `xavier.activations.get` takes it, None where it has no formula.
        normed: whether a normalization takes the scale of the output away.
        dead, saturated: shares, as in `xavier.monitor`, of a rectifier and of a bounded unit.
        entering: by how much the inputs are one (`shared`).
        units, before: how many units a rectifier has, and the similarity of their sums for two
            examples, biases aside.
        gradient: norm of the gradient with respect to the output, over the whole batch.
        weight_gradient: with respect to the weight.
        reads, makes: whether what comes in and what comes out was to be seen.
        parameter: the ``id`` of what the weight is, or is a view of; ``turned`` where transposed.
        full: that parameter's whole name; "" of what is computed.
        drawn: whether `xavier.init.initialize_` draws it.
    """

    name: str
    kind: str
    weight: Tensor
    bias: Tensor | None = None
    fans: tuple[float, float] | None = None
    plain: tuple[float, float] | None = None
    kernel: int = 1
    packed: int = 1
    source: int = 0
    inputs: float = math.nan
    outputs: float = math.nan
    entering: float = math.nan
    alike: float = math.nan
    below: int | None = None
    past: int = 0
    read: bool = False
    activation: str | None = None
    curve: Named | None = None
    normed: bool = False
    dead: float = math.nan
    saturated: float = math.nan
    units: int = 0
    before: float = math.nan
    gradient: float = math.nan
    weight_gradient: Tensor | None = None
    reads: bool = True
    makes: bool = False
    parameter: int = 0
    turned: bool = False
    full: str = ""
    drawn: bool = False

    @property
    def matrices(self) -> tuple[Tensor, Tensor | None]:
        """Weight and gradient with a row for each unit, (units, what comes in)."""

        def rows(x: Tensor) -> Tensor:
            if self.kind.startswith("conv_transpose"):
                x = x.transpose(0, 1)
            elif x.dim() == 3 and self.kind in {*_PRODUCTS, "einsum"}:
                x = x.flatten(0, 1)
            return x.flatten(1)

        gradient = self.weight_gradient
        return rows(self.weight), None if gradient is None else rows(gradient)


def mean_square(x: Tensor) -> float:
    """In double precision, also where the squares are too large for the tensor's own."""
    if not x.numel():
        return math.nan
    wide = torch.complex128 if x.dtype.is_complex else torch.float64
    numbers = detached(x)
    numbers = numbers if x.is_floating_point() or x.dtype.is_complex else numbers.double()
    norm = torch.linalg.vector_norm(numbers, dtype=wide)
    return float(norm) ** 2 / x.numel()


def similarity(x: Tensor) -> float:
    """Mean of the product of two examples' values, by the mean square: 1 where all are alike.

    It is the mean over pairs of the cosine where all examples have one length.

    >>> round(similarity(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])), 6)  # 2/3 by 4/3
    0.5
    """
    examples = x.shape[0] if x.dim() else 0
    square = mean_square(x)
    if examples < 2 or not 0 < square < math.inf:
        return math.nan
    common = mean_square(x.detach().reshape(examples, -1).mean(0))
    return (examples * common / square - 1) / (examples - 1)


def shared(x: Tensor) -> float:
    """By how much the examples are one: the cosine that all pairs would have in a one-factor model.

    It is that of equal cosines with the largest eigenvalue that theirs have, of 64 examples at
    most. For signs of random sums it counts more than a mean does, where examples differ in length.

    >>> round(shared(torch.tensor([[2.0, 0.0], [1.0, 3**0.5]])), 6)  # 60 degrees
    0.5
    """
    if not x.dim() or not x.is_floating_point():
        return math.nan
    rows = x.detach().reshape(len(x), -1)[:64].to("cpu", torch.float64)
    rows = nn.functional.normalize(rows)
    if len(rows) < 2 or not bool(rows.isfinite().all()):
        return math.nan
    return (float(torch.linalg.eigvalsh(rows @ rows.T)[-1]) - 1) / (len(rows) - 1)


_CURVES: dict[str, Activation] = {}


def curve(name: str, unit: nn.Module, slopes: Tensor | None = None) -> Named | None:
    """What `xavier.activations.get` takes for a unit, equal for equal options; None for nothing.

    >>> curve("elu", nn.ELU()), curve("leaky_relu", nn.LeakyReLU(0.2))
    ('elu', ('leaky_relu', 0.2))
    >>> curve("elu", nn.ELU(0.5)) is curve("elu", nn.ELU(0.5))
    True

    Args:
        name, unit: a name of torch's function, and the module that does the same.
        slopes: those below 0 of a unit that learns them, which count as the root of their mean
            square: signals and gradients have squares.
    """
    if slopes is not None:
        return "leaky_relu", float(slopes.detach().square().mean().sqrt())
    if isinstance(unit, nn.LeakyReLU):
        return "leaky_relu", float(unit.negative_slope)
    options = repr(unit)
    if name in ACTIVATIONS | MODERN and options == repr(UNITS[name]()):
        return name
    try:
        if options not in _CURVES:
            _CURVES[options] = replace(get(unit), name=name)
    except (TypeError, ValueError):
        return None
    return _CURVES[options]


class Weights:
    """A model's parameters, and how functions use them.

    Attributes:
        names: of each, by its ``id``; of one with several names the last.
        drawn: the ``id`` of those that `xavier.init.initialize_` draws.
    """

    def __init__(self, model: nn.Module) -> None:
        self.names = {id(p): n for n, p in model.named_parameters(remove_duplicate=False)}
        layers = [part for part in model.modules() if isinstance(part, DRAWN)]
        own = [p for layer in layers for p in layer.parameters(recurse=False) if p.requires_grad]
        self.drawn = {id(p) for p in own}

    def used_by(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Iterator[tuple[Use, Tensor, bool]]:
        """The weights that a function uses, each with its input and whether it makes the output."""
        if any(tensor.layout != torch.strided for tensor in tensors(args)):
            return  # sparse ones have no mean square that one could compare
        if name == "linear" or (name.startswith("conv") and name[-1] == "d"):
            named = (kwargs.get(key) for key in ("input", "weight", "bias")[len(args) :])
            given: list[Any] = [*args, *named]
            x, weight, bias, *rest = given
            options: dict[str, Any] = {}
            if name != "linear":  # stride, padding, one more, groups
                known = {"stride": (*rest, 1)[0], "groups": (*rest, *[1] * 4)[3], **kwargs}
                options = {key: known[key] for key in ("stride", "groups")}
                options["transposed"] = "transpose" in name
            yield self._use(name, weight, bias, x, options), x, True
        elif name in _PRODUCTS:
            *_, a, b = args[: _PRODUCTS[name]]
            bias = args[0] if name == "addmm" else None
            if id(root(b)) in self.names:
                yield self._use(name, b.mT, bias, a, {"stacked": b.dim() - 2}), a, True
            elif id(root(a)) in self.names:
                yield self._use(name, a, bias, b, {"stacked": a.dim() - 2}), b, True
        elif name == "einsum":
            for weight in tensors(args):
                x = next((t for t in tensors(args) if t is not weight), weight)
                if id(root(weight)) in self.names:
                    use = self._use(name, weight, None, x, None)
                    _as_matrix(use, args, weight)
                    yield use, x, True
        elif name == "bilinear":
            x, _, weight, bias = args[:4]
            yield self._use(name, weight, bias, x, None), x, True
        elif name in _GATES or name.removesuffix("_cell") in _GATES:
            gates = _GATES[name.removesuffix("_cell")]
            weights = [t for t in tensors(args[2:]) if t.dim() == 2 and id(t) in self.names]
            for k, weight in enumerate(weights):
                use = self._use(name, weight, None, args[0], {"packed": gates})
                if k:
                    use.inputs, use.reads = math.nan, False
                use.activation = "gates"
                yield use, args[0], k == len(weights) - 1
        elif name == "multi_head_attention_forward":
            weight, out = args[5], args[11]
            if weight is not None:
                yield self._use(name, weight, args[6], args[0], {"packed": 3}), args[0], False
            for key in ("q", "k", "v") if weight is None else ():
                separate = kwargs[f"{key}_proj_weight"]
                yield self._use(name, separate, None, args["qkv".index(key)], {}), args[0], False
            use = self._use(name, out, args[12], args[0], {})
            use.inputs, use.reads = math.nan, False
            yield use, args[0], True

    def _use(
        self, kind: str, weight: Tensor, bias: Any, x: Tensor, options: dict[str, Any] | None
    ) -> Use:
        full = self.names.get(id(root(weight)), "")
        name = full.removesuffix(".weight").removesuffix("_weight")
        name = "" if name == "weight" else name
        fans = plain = None
        if options is not None and weight.dim() > 1 and weight.numel():
            fans = rules.fans(weight.shape, **options)
            plain = rules.fans(weight.shape, stacked=options.get("stacked", 0))
            plain = fans if options.get("packed", 1) > 1 else plain
        return Use(
            name, kind, weight.detach(), bias.detach() if isinstance(bias, Tensor) else None,
            fans, plain, math.prod(weight.shape[2:]) if kind.startswith("conv") else 1,
            (options or {}).get("packed", 1), id(x), mean_square(x),
            entering=shared(x), reads=x.numel() > 0, parameter=id(root(weight)),
            turned=weight._base is not None and weight.stride() != weight._base.stride(),
            full=full, drawn=id(root(weight)) in self.drawn,
        )  # fmt: skip


def _as_matrix(use: Use, args: Sequence[Any], weight: Tensor) -> None:
    """Give a weight of ``einsum``, where it is one matrix or a stack of them, their fans."""
    operands = list(tensors(args[1:]))
    match = re.fullmatch(r"(\w+),(\w+)->(\w+)", str(args[0]).replace(" ", ""))
    if match is None or len(operands) != 2:
        return
    *both, out = match.groups()
    k = next(k for k, operand in enumerate(operands) if operand is weight)
    mine, other = both[k], both[1 - k]
    if len(set(mine)) < len(mine):
        return
    kinds = [
        [letter for letter in mine if (letter in other, letter in out) == kind]
        for kind in ((True, True), (False, True), (True, False))
    ]
    if not kinds[1] or not kinds[2] or sum(map(len, kinds)) < len(mine):
        return
    sizes = [math.prod(weight.shape[mine.index(letter)] for letter in kind) for kind in kinds]
    order = [mine.index(letter) for kind in kinds for letter in kind]
    matrix = weight.detach().permute(order).reshape(sizes)
    use.weight = matrix if kinds[0] else matrix[0]
    use.fans = use.plain = rules.fans(use.weight.shape, stacked=len(use.weight.shape) - 2)


def root(x: Tensor) -> Tensor:
    """The parameter that a tensor is, or is a view of."""
    base: Tensor | None = x._base
    return x if base is None else base
