"""Plain torch modules that learn Shapeset, for the chapters on what came after 2010.

A family makes a module from a generator, which all that is random in it comes from, and options.
The module may have two methods more than others: ``groups(lr)`` gives the optimizer's groups, where
rates differ from layer to layer, and ``look()`` numbers by name, where more than cost and error are
to be kept on the way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from glorot2010 import points
from xavier import init, rules
from xavier.shapeset import Shapeset
from xavier.training import measured_updates

Family: TypeAlias = Callable[..., nn.Module]  # of a torch.Generator, and options
Option: TypeAlias = tuple[str, float | int | str]

FAMILIES: dict[str, Family] = {}
"""What makes a module, by name.

:meta hide-value:"""

_BATCH = 10
_CHUNK = 100  # updates whose images are made together


def family(make: Family) -> Family:
    """Enter what makes a module into `FAMILIES`, under its own name."""
    FAMILIES[make.__name__] = make
    return make


@dataclass(frozen=True, kw_only=True)
class ModulePoint:
    """One module that learns Shapeset with a cross-entropy cost, in batches of ten.

    Attributes:
        arm: the curve that it belongs to.
        seed: of its initial weights and of its examples.
        family: in `FAMILIES`.
        options: its keyword arguments.
        lr: learning rate.
        updates: how many.
        every: measurements are made every so many updates, and at birth.
        optimizer: plain gradient descent, or Adam with torch's defaults.
        test_images: on which cost and error are measured.
    """

    arm: str
    seed: int
    family: str
    options: tuple[Option, ...]
    lr: float
    updates: int
    every: int
    optimizer: Literal["sgd", "adam"] = "sgd"
    test_images: int = 10_000

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed."""
        return (self.seed,)

    @property
    def work(self) -> int:
        """Updates."""
        return self.updates

    def module(self) -> nn.Module:
        """The module at birth."""
        import glorot2010.families_mend  # noqa: F401  # whose families enter themselves

        generator = torch.Generator().manual_seed(self.seed)
        return FAMILIES[self.family](generator, **dict(self.options))

    def compute(
        self, device: str = "cpu", *, report: points.Report | None = None, **unused: Any
    ) -> pd.DataFrame:
        """Rows "test_cost" and "test_error" on the way, "final_cost" and "final_error" at the end.

        The first cost that is no number ends the training, as it ends it for a replica of
        `xavier.training.train`: there is a row "diverged", and all answers count as wrong from
        then on.
        """
        with points.one_thread():
            model = self.module().to(device)
            rows = list(self._train(model, device, report))
        ends = [
            (update, name.replace("test_", "final_"), value) for update, name, value in rows[-2:]
        ]
        table = pd.DataFrame(rows + ends, columns=["update", "quantity", "value"])
        return points.typed(table.assign(arm=self.arm, lr=self.lr, seed=self.seed))

    def _train(
        self, model: nn.Module, device: str, report: points.Report | None
    ) -> Iterator[tuple[int, str, float]]:
        test = points.examples("shapeset", "test", self.test_images, device)
        stream, optimizer = Shapeset(self.seed, device=device), self._optimizer(model)
        due = measured_updates(self.updates, self.every)
        yield from _measured(model, test, 0)
        gone = False
        for start in range(0, self.updates, _CHUNK):
            some = min(_CHUNK, self.updates - start)
            x, y = (part.split(_BATCH) for part in stream.batch(_BATCH * some))
            for made, (images, labels) in enumerate(zip(x, y, strict=True), start + 1):
                if not gone:
                    optimizer.zero_grad()
                    cost = cross_entropy(model(images), labels)
                    if gone := not bool(cost.isfinite()):
                        yield made, "diverged", float(made)
                    else:
                        cost.backward()
                        optimizer.step()
                if made in due:
                    yield from _measured(None if gone else model, test, made)
            if report:
                report(start + some)

    def _optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        groups = getattr(model, "groups", lambda lr: [{"params": model.parameters(), "lr": lr}])
        if self.optimizer == "sgd":
            return torch.optim.SGD(groups(self.lr), lr=self.lr)
        return torch.optim.Adam(groups(self.lr), lr=self.lr, fused=True)  # in half the time


def _measured(
    model: nn.Module | None, test: tuple[Tensor, Tensor], update: int
) -> Iterator[tuple[int, str, float]]:
    """What the module says of itself, then cost and error; all wrong without one."""
    cost, error = float("nan"), 1.0
    if model is not None:
        look: Callable[[], dict[str, float]] = getattr(model, "look", dict)
        yield from ((update, name, value) for name, value in look().items())
        model.eval()
        with torch.no_grad():
            logits = model(test[0])
        model.train()
        known = bool(logits.isfinite().all())
        cost = float(cross_entropy(logits, test[1])) if known else cost
        error = float((logits.argmax(1) != test[1]).double().mean()) if known else error
    yield update, "test_cost", cost
    yield update, "test_error", error


@family
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


@family
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
