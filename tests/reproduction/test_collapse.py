"""The fall of the top sigmoid layer: the formula against networks, and in its limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from glorot2010 import collapse
from xavier.intervals import mean_interval
from xavier.network import Network
from xavier.shapeset import FREQUENCIES, Shapeset
from xavier.training import Training

SETTING: dict[str, Any] = {"lr": 0.1, "batch_size": 10, "width": 100}


@pytest.mark.parametrize(
    ("lr", "batch_size"),
    [
        (0.1, 10),
        pytest.param(0.1, 40, marks=pytest.mark.thorough),
        pytest.param(0.05, 10, marks=pytest.mark.thorough),
    ],
)
def test_networks_fall_as_the_formula_says(lr: float, batch_size: int) -> None:
    """Four layers of 100 sigmoids, three seeds, before the layers below have much moved.

    The formula leaves out the start, in which the output is on its way to the frequencies, and
    fluctuations of h: a tenth of the fall is allowed beside the interval over seeds.
    """
    network = Network.create((1024, 100, 100, 100, 100, 9), "sigmoid", "standard", seeds=[0, 1, 2])
    streams = {seed: Shapeset(seed=seed) for seed in range(3)}
    images, _ = Shapeset(seed=9).batch(100)
    updates, made = (100, 400, 800), 0
    said = collapse.top_layer(updates, lr=lr, batch_size=batch_size, width=100)
    for number, expected in zip(updates, said, strict=True):
        training = Training(network, streams, lr=lr, batch_size=batch_size)
        training.run(number - made, progress=False)
        made = number
        means = network.forward(images).z[4].double().mean((1, 2)).numpy()
        found = mean_interval(means)
        allowed = 0.1 * (0.5 - expected) + 0.005  # the draw of the layer itself: 0.08 / sqrt(300)
        assert found.low - allowed < expected < found.high + allowed, (number, found, expected)


def test_the_time_of_the_fall_goes_with_the_batch_and_with_the_square_of_the_rate() -> None:
    """Nearly so for small rates, at which the output is damped by rate |h|^2 lambda / 2 < 2 %."""
    small = {**SETTING, "lr": 0.01}
    (one,) = collapse.top_layer([20_000], **small)
    (four,) = collapse.top_layer([80_000], **{**small, "batch_size": 40})
    (half,) = collapse.top_layer([80_000], **{**small, "lr": 0.005})
    assert one < 0.45
    assert four == pytest.approx(one, abs=1e-5)  # steps of another length
    assert half == pytest.approx(one, abs=0.02 * (0.5 - one))


def test_small_rates_follow_the_integral() -> None:
    """dh / dt = -k h^3 (1 - h)^2 has an integral: the time as a function of h."""

    def time(h: float) -> float:
        inverse = -1 / (2 * h**2) - 2 / h + 3 * math.log(h / (1 - h)) + 1 / (1 - h)
        return -inverse

    lr, n = 1e-3, 100
    spread = 1 - sum(p**2 for p in FREQUENCIES)
    k = lr**2 * (n / 4 + 1) * spread / (2 * 10)
    for updates in (100_000, 400_000):
        (h,) = collapse.top_layer([updates], **{**SETTING, "lr": lr})
        # rel: the damping, lr (|h|^2 + 1) lambda / 2, is below 0.3 %
        assert (time(h) - time(0.5)) / k == pytest.approx(updates, rel=0.003)


def test_it_begins_at_one_half_and_falls() -> None:
    found = collapse.top_layer([0, 1, 10, 100, 1000], **SETTING)
    assert found[0] == 0.5 and (np.diff(found) < 0).all() and found[-1] > 0
    wider = collapse.top_layer([100], **{**SETTING, "below": 400})
    assert wider[0] < found[3]


def test_a_rate_at_which_the_output_does_not_settle_is_refused() -> None:
    with pytest.raises(ValueError, match="lr must be such that the output settles, got 100"):
        collapse.top_layer([10], **{**SETTING, "lr": 100.0})
