"""Plain modules that learn: the same rows again, what a diverging one leaves, and what they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from glorot2010 import families, modules
from glorot2010.modules import ModulePoint
from xavier.init import initialize_
from xavier.shapeset import Shapeset


class Told(nn.Sequential):
    """A small network with a rate for each of two layers, that counts how often it is asked."""

    def __init__(self, share: float) -> None:
        super().__init__(nn.Linear(1024, 8), nn.Tanh(), nn.Linear(8, 9))
        self.share, self.asked = share, 0

    def groups(self, lr: float) -> list[dict[str, Any]]:
        return [
            {"params": self[0].parameters(), "lr": self.share * lr},
            {"params": self[2].parameters(), "lr": lr},
        ]

    def look(self) -> dict[str, float]:
        self.asked += 1
        return {"asked": self.asked}


def told(generator: torch.Generator, share: float = 1.0) -> nn.Module:
    model = Told(share)
    initialize_(model, "glorot", generator=generator)
    return model


@pytest.fixture(autouse=True)
def entered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(modules.FAMILIES, "told", told)


def point(**changes: Any) -> ModulePoint:
    said: dict[str, Any] = {
        "arm": "told", "seed": 3, "family": "told", "options": (), "lr": 0.1,
        "updates": 130, "every": 50, "test_images": 200,
    }  # fmt: skip
    return ModulePoint(**said | changes)


def values(rows: pd.DataFrame, quantity: str) -> dict[int, float]:
    found = rows[rows["quantity"] == quantity]
    return dict(zip(found["update"], found["value"].astype(float), strict=True))


def test_training_is_that_of_a_loop_by_hand() -> None:
    rows = point(optimizer="adam", lr=0.001).compute()
    model, stream = told(torch.Generator().manual_seed(3)), Shapeset(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    test = Shapeset(2**40 + 2).batch(200)
    for _ in range(130):
        x, y = stream.batch(10)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        cost = float(nn.functional.cross_entropy(model(test[0]), test[1]))
    assert values(rows, "test_cost")[130] == pytest.approx(cost, rel=1e-3)
    assert values(rows, "final_cost") == {130: values(rows, "test_cost")[130]}
    assert list(values(rows, "test_error")) == [0, 50, 100, 130]
    assert values(rows, "asked") == {0: 1, 50: 2, 100: 3, 130: 4}
    assert set(rows["arm"]) == {"told"} and set(rows["seed"]) == {3}


def test_layers_have_the_rates_they_ask_for() -> None:
    still = point(options=(("share", 0.0),))
    costs = [values(p.compute(), "final_cost")[130] for p in (still, point())]
    assert abs(costs[0] - costs[1]) > 0.001


def test_a_module_that_diverges_is_wrong_from_then_on() -> None:
    rows = point(lr=1e38).compute()
    [(update, value)] = values(rows, "diverged").items()
    assert update == value <= 50
    errors = values(rows, "test_error")
    assert errors[0] < 1 and errors[50] == errors[100] == errors[130] == 1
    assert values(rows, "final_error") == {130: 1.0}
    assert math.isnan(values(rows, "final_cost")[130])
    assert max(values(rows, "asked")) == 0


def test_progress_is_told(recwarn: pytest.WarningsRecorder) -> None:
    said: list[int] = []
    p: Callable[..., pd.DataFrame] = point().compute
    p(report=said.append)
    assert said == [100, 130] and point().work == 130 and point().seeds == (3,)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_wide_networks_have_the_rates_and_weights_of_their_parametrization(optimizer: str) -> None:
    model = families.Wide(torch.Generator().manual_seed(0), "mup", optimizer, 64, 16, layers=3)
    rates = {p: group["lr"] for group in model.groups(0.1) for p in group["params"]}
    assert len(rates) == len(list(model.parameters())) == 8
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    by_role = {"sgd": (4.0, 1.0, 1.0, 0.25), "adam": (1.0, 0.25, 0.25, 0.25)}[optimizer]
    assert [rates[layer.weight] / 0.1 for layer in linear] == pytest.approx(by_role)
    bias = 4.0 if optimizer == "sgd" else 1.0
    assert [rates[layer.bias] / 0.1 for layer in linear] == pytest.approx([bias] * 3 + [1.0])
    variances = [float(layer.weight.detach().square().mean()) for layer in linear]
    assert variances == pytest.approx([1 / 1024, 1 / 64, 1 / 64, 16 / 64**2], rel=0.15)
    assert not any(layer.bias.any() for layer in linear)


def test_all_parametrizations_are_one_network_at_the_base_width() -> None:
    x, _ = Shapeset(0).batch(5)
    found = [
        families.Wide(torch.Generator().manual_seed(1), how, "sgd", 16, 16) for how in ("sp", "mup")
    ]
    assert torch.equal(found[0](x), found[1](x))
    assert all(len(model.groups(0.1)) == 1 for model in found)
