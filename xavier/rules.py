"""The variance of one weight, as a formula in the two sizes of its layer.

A rule is a function ``rule(n_in, n_out) -> variance`` in plain arithmetic: integers give a
float for the samplers, SymPy symbols give the expression that `xavier.derivation` arrives at.
The theorem and the code are the same line. Rules do not check their arguments; `fans`,
`xavier.init` and `xavier.network.Network.create` do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from xavier import checks

Number: TypeAlias = Any
"""An int, a float or a SymPy expression."""

Rule: TypeAlias = Callable[[Number, Number], Number]
"""The variance of one weight from the layer's two sizes, ``rule(n_in, n_out)``."""


def standard(n_in: Number, n_out: Number) -> Number:
    """The paper's baseline, U(-1/sqrt(n_in), 1/sqrt(n_in)) (eq. 1; its variance is eq. 15)."""
    return 1 / (3 * n_in)


def lecun(n_in: Number, n_out: Number) -> Number:
    """Keep the forward variance (eq. 10; LeCun et al. 1998, sec. 4.6)."""
    return 1 / n_in


def glorot(n_in: Number, n_out: Number) -> Number:
    """The compromise of both directions, the paper's normalized initialization (eq. 12).

    >>> glorot(300, 100)
    0.005
    """
    return 2 / (n_in + n_out)


def he(n_in: Number, n_out: Number) -> Number:
    """Keep the forward second moment through rectifiers (He et al. 2015, eq. 10)."""
    return 2 / n_in


RULES: dict[str, Rule] = {"standard": standard, "lecun": lecun, "glorot": glorot, "he": he}
"""The named rules."""


Role: TypeAlias = Literal["input", "hidden", "output"]
"""A layer by which of its sides grow with the width, the outputs, both, or the inputs.

A bias has the role "input" wherever its layer's outputs grow with the width.
"""


class Scaling(NamedTuple):
    """What a parametrization says of one layer.

    Attributes:
        variance: of one weight at birth.
        sgd: factor on the learning rate of gradient descent.
        adam: factor on that of Adam, and of others that step by the gradient's sign.
    """

    variance: Number
    sgd: Number
    adam: Number


Parametrization: TypeAlias = Callable[..., Scaling]
"""A layer's numbers, ``parametrization(role, n_in, n_out, base)``.

All of them agree where the width is ``base``, with LeCun's variance and one rate for all layers: at
1 they are those of the papers up to constants, and at the width where a rate was chosen the rate
stands for all widths. Like rules they are plain arithmetic and check nothing.
"""


def sp(role: Role, n_in: Number, n_out: Number, base: Number = 1) -> Scaling:
    """The standard parametrization: LeCun's rule, and one rate for all layers and widths."""
    return Scaling(lecun(n_in, n_out), 1, 1)


def ntk(role: Role, n_in: Number, n_out: Number, base: Number = 1) -> Scaling:
    """Weights of variance 1 in layers that divide by sqrt(n_in) (Jacot et al. 2018), rewritten.

    The same networks learn alike if weights are drawn by LeCun's rule and their layers' rates
    divided by n_in, or by its root for Adam.

    >>> ntk("hidden", 400, 400, base=100)
    Scaling(variance=0.0025, sgd=0.25, adam=0.5)
    """
    if role == "input":
        return sp(role, n_in, n_out)
    return Scaling(lecun(n_in, n_out), base / n_in, std(base / n_in))


def mup(role: Role, n_in: Number, n_out: Number, base: Number = 1) -> Scaling:
    """The maximal-update parametrization (Yang & Hu 2021; Yang et al. 2022, table 3).

    >>> mup("output", 400, 9, base=100)
    Scaling(variance=0.000625, sgd=0.25, adam=0.25)
    """
    if role == "input":
        return Scaling(lecun(n_in, n_out), n_out / base, 1)
    if role == "hidden":
        return Scaling(lecun(n_in, n_out), 1, base / n_in)
    return Scaling(lecun(n_in, n_out) * base / n_in, base / n_in, base / n_in)


PARAMETRIZATIONS: dict[str, Parametrization] = {"sp": sp, "ntk": ntk, "mup": mup}
"""The named parametrizations."""


def std(variance: Number) -> Number:
    """The standard deviation with this variance; exact for SymPy expressions."""
    return _sqrt(variance)


def bound(variance: Number) -> Number:
    """The a for which U(-a, a) has this variance, sqrt(3 variance); exact for SymPy.

    >>> round(bound(glorot(300, 100)), 4)  # the root of 6/400
    0.1225
    """
    if _is_symbolic(variance):
        return _sqrt(3 * variance)
    # In this order of rounding the samplers agree with torch.nn.init to the bit.
    return math.sqrt(3) * std(variance)


def fans(
    shape: Sequence[int],
    *,
    groups: int = 1,
    transposed: bool = False,
    packed: int = 1,
    stride: int | Sequence[int] = 1,
    stacked: int = 0,
) -> tuple[float, float]:
    """How many terms one output sums up, and to how many outputs one input goes.

    The weights are in torch's order: ``(out, in)`` for a linear layer, ``(out, in / groups,
    *kernel)`` for a convolution and ``(in, out / groups, *kernel)`` for a transposed one. With
    strides of product S an input of a convolution goes, on average, to S times fewer outputs, and
    an output of a transposed one sums S times fewer terms. Borders are not counted.

    >>> fans((64, 32, 3, 3)), fans((64, 32, 3, 3), stride=2)
    ((288, 576), (288, 144))
    >>> fans((96, 32), packed=3), fans((10, 64, 32), stacked=1)  # a matrix for each of ten experts
    ((32, 32), (32, 64))

    Args:
        shape: shape of the weights, two dimensions or more, all at least 1.
        groups: groups of a convolution. Each input feeds ``out / groups`` outputs only, which
            `torch.nn.init` does not take into account.
        transposed: whether the weights are those of a transposed convolution.
        packed: how many matrices are stacked along the output dimension, such as 3 for the
            queries, keys and values of attention. Each is counted on its own.
        stride: of a convolution, one number or one for each dimension of its kernel.
        stacked: how many dimensions before those above count matrices of their own, such as 1
            for experts or replicas in ``(experts, out, in)``.

    Returns:
        The pair ``(n_in, n_out)``, integers wherever the strides divide.

    Raises:
        TypeError: a size is not an integer.
        ValueError: ``shape`` has fewer than two dimensions or a size below 1, the outputs cannot
            be shared out among ``groups`` or ``packed``, or the strides do not fit the kernel.
    """
    sizes = [checks.positive_int(f"shape[{i}]", size) for i, size in enumerate(shape)]
    first = checks.count("stacked", stacked)
    if len(sizes) < first + 2:
        before = f" after the {first} stacked" if first else ""
        raise ValueError(
            f"shape must have at least two dimensions (out, in, *kernel){before}, "
            f"got {tuple(sizes)}"
        )
    ins, outs, kernel = sizes[first + 1], sizes[first], sizes[first + 2 :]
    groups = checks.positive_int("groups", groups)
    packed = checks.positive_int("packed", packed)
    strides = tuple(stride) if isinstance(stride, Sequence) else (stride,) * len(kernel)
    steps = math.prod(checks.positive_int("stride", step) for step in strides)
    if len(strides) != len(kernel):
        raise ValueError(f"stride must have a number for each of {tuple(kernel)}, got {stride!r}")
    if transposed:
        if packed != 1:
            raise ValueError(f"packed must be 1 for transposed weights, got {packed}")
        ins, outs = _divided(f"shape[{first}]", outs, "groups", groups), ins
        return _shared(ins * math.prod(kernel), steps), outs * math.prod(kernel)
    outs = _divided(f"shape[{first}]", outs, "groups * packed", groups * packed)
    return ins * math.prod(kernel), _shared(outs * math.prod(kernel), steps)


def _shared(number: int, among: int) -> float:
    return number / among if number % among else number // among


def _divided(name: str, size: int, divisor_name: str, divisor: int) -> int:
    if size % divisor:
        raise ValueError(f"{name} must be a multiple of {divisor_name} = {divisor}, got {size}")
    return size // divisor


def _is_symbolic(value: Number) -> bool:
    return hasattr(value, "free_symbols")


def _sqrt(value: Number) -> Number:
    if not _is_symbolic(value):
        return math.sqrt(value)
    import sympy  # only for whoever brings symbols: numbers need no computer algebra

    return sympy.sqrt(value)
