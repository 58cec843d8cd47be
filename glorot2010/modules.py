"""Plain torch modules that learn Shapeset, for the chapters on what came after 2010."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from glorot2010 import points
from glorot2010.families import FAMILIES
from xavier.shapeset import Shapeset
from xavier.training import measured_updates

Option: TypeAlias = tuple[str, float | int | str]

_BATCH = 10
_CHUNK = 100  # updates whose images are made together


@dataclass(frozen=True, kw_only=True)
class ModulePoint:
    """One module that learns Shapeset with a cross-entropy cost, in batches of ten.

    Attributes:
        arm: the curve that it belongs to.
        seed: of its initial weights and of its examples.
        family: in `glorot2010.families.FAMILIES`.
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
