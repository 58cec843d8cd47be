"""Networks that `glorot2010.modules` trains: plain, residual, or with rates by a parametrization.

A family makes a module from a generator, which all that is random in it comes from, and options.
The module may have two methods more than others: ``groups(lr)`` gives the optimizer's groups, where
rates differ from layer to layer, and ``look()`` numbers by name, where more than cost and error are
to be kept on the way.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from glorot2010 import points
from xavier import init, rules
from xavier.init import initialize_

Norm: TypeAlias = Literal["none", "batch", "layer"]
Place: TypeAlias = Literal["none", "pre", "post"]

UNITS: dict[str, Callable[[], nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}
"""Modules of units, by name.

:meta hide-value:"""


def norm_of(kind: Norm, width: int, eps: float = 1e-5) -> nn.Module:
    """A normalization over the batch, or over a layer's units, or none.

    That over the batch takes the statistics of what it is given also when it does not learn, so
    that thousands of test images are normalized by their own.
    """
    if kind == "batch":
        return nn.BatchNorm1d(width, eps=eps, track_running_stats=False)
    return nn.LayerNorm(width, eps=eps) if kind == "layer" else nn.Identity()


class Plain(nn.Module):
    """Layers one after the other: weights, a normalization if there is one, units.

    Attributes:
        layers: the hidden ones.
        head: weights to the nine classes.
        share: of the learning rate, for the weights of hidden layers.
    """

    def __init__(
        self, width: int, depth: int, units: str, norm: Norm, eps: float, share: float, n_in: int
    ) -> None:
        super().__init__()
        sizes = [n_in, *[width] * depth]
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(a, b, bias=norm == "none"), norm_of(norm, b, eps), UNITS[units]()
                )
                for a, b in itertools.pairwise(sizes)
            )
        )
        self.head = nn.Linear(width, 9)
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.layers(x))
        return logits

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """Hidden weights at their share of the rate, all else at the rate."""
        layers = (part for part in self.layers.modules() if isinstance(part, nn.Linear))
        hidden = [p for layer in layers for p in layer.parameters()]
        others = [p for p in self.parameters() if all(p is not h for h in hidden)]
        return [{"params": hidden, "lr": lr * self.share}, {"params": others, "lr": lr}]


def plain(
    generator: torch.Generator,
    width: int = 100,
    depth: int = 5,
    units: str = "tanh",
    norm: Norm = "none",
    gain: float = 1.0,
    eps: float = 1e-5,
    share: float = 1.0,
    n_in: int = 1024,
) -> Plain:
    """A plain network; n Var[W] is the gain's square in hidden layers, and 1 in the head."""
    model = Plain(width, depth, units, norm, eps, share, n_in)
    head = {"head": {"gain": 1.0}}
    initialize_(model, "lecun", gain, overrides=head, generator=generator)
    return model


class Block(nn.Module):
    """Stream plus branch: ``inner`` weights and units ``m`` times, the last without units.

    With one layer the units come after the weights.

    Attributes:
        branch: what is added.
        scale: what the branch is multiplied by; a parameter if it learns.
    """

    scale: Tensor | float

    def __init__(
        self, width: int, m: int, units: str, place: Place, scale: float, learns: bool = False
    ) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for k in range(m):
            parts.append(nn.Linear(width, width))
            if k < m - 1 or m == 1:
                parts.append(UNITS[units]())
        self.branch = nn.Sequential(*parts)
        self.before = nn.LayerNorm(width) if place == "pre" else nn.Identity()
        self.after = nn.LayerNorm(width) if place == "post" else nn.Identity()
        self.scale = nn.Parameter(torch.tensor(scale)) if learns else scale

    def forward(self, x: Tensor) -> Tensor:
        """The stream one block on."""
        branch: Tensor = self.branch(self.before(x))
        if isinstance(self.scale, Tensor) or self.scale != 1:
            branch = self.scale * branch
        y: Tensor = self.after(x + branch)
        return y


class Residual(nn.Module):
    """A first layer, blocks, and weights to the nine classes.

    Attributes:
        first: weights from the images to the stream.
        blocks: what adds to the stream.
        last: a normalization in front of the head, where blocks have theirs in the branch.
        head: weights to the classes.
    """

    def __init__(
        self, width: int, blocks: int, m: int, units: str, place: Place, scale: float,
        learns: bool, n_in: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.first = nn.Linear(n_in, width)
        made = (Block(width, m, units, place, scale, learns) for _ in range(blocks))
        self.blocks = nn.Sequential(*made)
        self.last = nn.LayerNorm(width) if place == "pre" else nn.Identity()
        self.head = nn.Linear(width, 9)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.last(self.blocks(self.first(x))))
        return logits


def residual(
    generator: torch.Generator,
    width: int = 100,
    blocks: int = 10,
    m: int = 2,
    units: str = "tanh",
    place: Place = "none",
    scale: float = 1.0,
    gain: float = 1.0,
    learns: bool = False,
    power: float | None = None,
    n_in: int = 1024,
) -> Residual:
    """A residual network; n Var[W] is the gain's square in branches, 1 in the first layer and head.

    With a ``power`` the last layer of every branch is zero, and the others are multiplied by the
    number of blocks to this power: Fixup's is -1/(2m - 2) (Zhang et al. 2019).
    """
    model = Residual(width, blocks, m, units, place, scale, learns, n_in)
    ends = {name: {"gain": 1.0} for name in ("first", "head")}
    scales: dict[str, float | None] | None = None
    inner = gain
    if power is not None:
        inner *= math.pow(blocks, power)
        scales = {f"blocks.*.branch.{2 * m - 2}": 0.0}
    initialize_(model, "lecun", inner, overrides=ends, residual_scale=scales, generator=generator)
    return model


class Wide(nn.Sequential):
    """Tanh layers of one width, with uniform weights and with rates by a parametrization.

    Args:
        generator: of the weights; biases are 0.
        how: in `xavier.rules.PARAMETRIZATIONS`.
        optimizer: whose rates.
        width: of the hidden layers.
        base: the width at which all parametrizations agree.
        layers: hidden ones.
    """

    def __init__(
        self, generator: torch.Generator, how: str, optimizer: str, width: int, base: int,
        layers: int = 5,
    ) -> None:  # fmt: skip
        """Draw the weights."""
        sizes = [1024, *[width] * layers, 9]
        linear = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
        super().__init__(*(part for a in linear for part in (a, nn.Tanh())))
        del self[-1]  # logits are as they are
        of, self.rates = rules.PARAMETRIZATIONS[how], dict[Tensor, float]()
        hidden: list[rules.Role] = ["hidden"] * (layers - 1)
        for layer, role in zip(linear, ("input", *hidden, "output"), strict=True):
            said = of(role, layer.in_features, layer.out_features, base)
            init.uniform_(layer.weight, lambda *_, v=said.variance: v, generator=generator)
            nn.init.zeros_(layer.bias)
            self.rates[layer.weight] = getattr(said, optimizer)
            bias = of("input", 1, width, base)  # of the output's, nothing grows
            self.rates[layer.bias] = 1 if role == "output" else getattr(bias, optimizer)

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """Parameters by their rates."""
        return [
            {"params": [p for p, own in self.rates.items() if own == rate], "lr": rate * lr}
            for rate in set(self.rates.values())
        ]


def spread(jacobian: Tensor) -> float:
    """Variance of a square matrix's squared singular values, over their squared mean.

    It is `xavier.theory.axis_spread`, measured: of a multiple of an orthogonal matrix 0.

    >>> round(spread(torch.diag(torch.tensor([1.0, 3.0]))), 6)  # 1 and 9: mean 5, variance 16
    0.64
    """
    squares = (jacobian @ jacobian.mT).double()
    mean = squares.trace() / len(squares)
    return float(squares.square().sum() / len(squares) / mean**2 - 1)


class Straight(nn.Sequential):
    """Tanh layers of one width, which look at what they do to axes.

    Args:
        generator: of the weights; biases are 0.
        layers: hidden ones.
        width: theirs.
        gain: on LeCun's rule, in all layers.
        distribution: of the weights.
    """

    def __init__(
        self, generator: torch.Generator, layers: int, width: int, gain: float,
        distribution: init.Distribution,
    ) -> None:  # fmt: skip
        """Draw the weights."""
        sizes = [1024, *[width] * layers, 9]
        linear = [nn.utils.skip_init(nn.Linear, *pair) for pair in itertools.pairwise(sizes)]
        super().__init__(*(part for a in linear for part in (a, nn.Tanh())))
        del self[-1]  # logits are as they are
        init.initialize_(self, "lecun", gain, distribution=distribution, generator=generator)

    def jacobian(self, image: Tensor) -> Tensor:
        """The derivative of the last hidden layer by the first, at one image (1, 1024)."""
        whole, z = None, image
        with torch.no_grad():
            for layer in list(self)[:-1:2]:
                z = layer(z).tanh()
                slopes, weight = 1 - z.mT**2, layer.get_parameter("weight")
                whole = torch.eye(len(slopes)) if whole is None else slopes * (weight @ whole)
        assert whole is not None
        return whole

    def look(self) -> dict[str, float]:
        """The `spread` of that, as a mean over three images."""
        images, _ = points.examples("shapeset", "monitor", 3, "cpu")
        found = [spread(self.jacobian(image[None])) for image in images]
        return {"spread": sum(found) / len(found)}


FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "plain": plain, "residual": residual, "Wide": Wide, "Straight": Straight,
}  # fmt: skip
"""What makes a module, by name.

:meta hide-value:"""
