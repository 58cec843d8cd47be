"""Pre-training: that it is the layer-wise loop that it says it is, and what may interrupt it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from glorot2010 import pretraining, runs
from glorot2010.pretraining import pretrain
from glorot2010.runs import CheckpointError
from xavier import training
from xavier.activations import ACTIVATIONS, VARIANTS
from xavier.network import Network

SIZES = (6, 5, 4, 3)  # two hidden layers, no two layers alike
COLUMNS = ["layer", "update", "replica", "seed", "quantity", "value"]
BOUNDED = ["tanh", "sigmoid", "softsign", *VARIANTS]


class Pool:
    """A stream that passes over examples drawn once, in [-1, 1], and counts those it gave.

    Args:
        fails_at: number of the call, from 1, that raises.
    """

    def __init__(self, seed: int, *, fails_at: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.rand(997, SIZES[0], generator=generator, dtype=torch.float64) * 2 - 1
        self.y = self.x[:, : SIZES[-1]].argmax(1)
        self.given, self.calls = 0, 0
        self.fails_at = fails_at

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls == self.fails_at:
            raise RuntimeError("the power is gone")
        index = torch.arange(self.given, self.given + n) % len(self.y)
        self.given += n
        return self.x[index], self.y[index]

    def state(self) -> dict[str, Any]:
        return {"given": self.given}

    def restore(self, state: dict[str, Any]) -> None:
        self.given = state["given"]


def make(seeds: tuple[int, ...] = (0, 1), activation: str = "tanh", **kwargs: Any) -> Network:
    arguments = {"dtype": torch.float64, "gain": 1.5, **kwargs}
    network = Network.create(SIZES, activation, "glorot", seeds=seeds, **arguments)
    for i, b in enumerate(network.b):  # so that no bias is at the special value 0
        b += torch.linspace(-0.2, 0.3, b.shape[1]) * (i + 1)
    return network


def pools(*seeds: int, **kwargs: Any) -> dict[int, Pool]:
    return {seed: Pool(seed, **kwargs) for seed in seeds}


def values(rows: pd.DataFrame, layer: int, replica: int = 0) -> pd.Series:
    """Costs of one replica's layer, by update."""
    part = rows[
        (rows.quantity == "reconstruction") & (rows.layer == layer) & (rows.replica == replica)
    ]
    return part.set_index("update").value


def parameters(network: Network) -> list[Tensor]:
    return [*network.w, *network.b]


def same(first: Network, second: Network) -> bool:
    pairs = zip(parameters(first), parameters(second), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# --------------------------------------------------------------------------------------- the loop


def restored(activation: str, layer: int, a: Tensor) -> tuple[Tensor, float]:
    """What the decoder makes of its sums, written out for each range, and the range's lower end."""
    if layer == 0 or activation in ("tanh", "softsign"):
        return a.tanh(), -1.0
    if activation in ("sigmoid", "steep_sigmoid"):
        return a.sigmoid(), 0.0
    return a.sigmoid() - 0.5, -0.5


def by_hand(
    network: Network, replica: int, *, lr: float, updates: int
) -> tuple[list[Tensor], list[Tensor], list[list[float]]]:
    """Weights, biases and costs by the textbook's formulas and autograd."""
    f, activation = network.activation.value, network.activation.name
    stream, seed = Pool(network.seeds[replica]), network.seeds[replica]
    ws = [w[replica].clone() for w in network.w]
    bs = [b[replica].clone() for b in network.b]
    costs: list[list[float]] = []
    for layer in range(len(ws) - 1):
        w, b = (x[layer].clone().requires_grad_() for x in (ws, bs))
        c = torch.zeros(len(w), dtype=w.dtype, requires_grad=True)
        optimizer = torch.optim.SGD([w, b, c], lr=lr)
        generator = pretraining._generator(seed, layer)
        costs.append([])
        for _ in range(updates):
            z, _ = stream.batch(10)
            for below in range(layer):
                z = f(z @ ws[below] + bs[below])
            kept = torch.rand(z.shape, generator=generator) >= 0.25
            hidden = f(torch.where(kept, z, 0.0) @ w + b)
            again, low = restored(activation, layer, hidden @ w.T + c)
            width = -2 * low if low else 1.0
            cost = nn.functional.binary_cross_entropy(
                (again - low) / width, (z - low) / width, reduction="sum"
            )
            cost = cost / 10
            costs[-1].append(cost.item())
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
        ws[layer], bs[layer] = w.detach(), b.detach()
    return ws, bs, costs


@pytest.mark.parametrize("activation", BOUNDED)
def test_pretraining_equals_a_hand_written_loop_with_autograd(activation: str) -> None:
    seeds, rates = (3, 3, 8), [0.1, 0.02, 0.05]
    network, before = make(seeds, activation), make(seeds, activation)
    rows = pretrain(
        network, pools(3, 8), lr=torch.tensor(rates, dtype=torch.float64), updates=25, every=1,
    )  # fmt: skip
    for r, lr in enumerate(rates):
        ws, bs, costs = by_hand(before, r, lr=lr, updates=25)
        # 25 steps of rounding errors near 1e-16, hardly amplified at these rates.
        for ours, theirs in zip(parameters(network), [*ws, *bs], strict=True):
            torch.testing.assert_close(ours[r], theirs, rtol=1e-10, atol=1e-10)
        for layer in (1, 2):
            found = values(rows, layer, r).loc[1:].tolist()
            assert found == pytest.approx(costs[layer - 1], rel=1e-10)
    assert not torch.allclose(network.w[0], before.w[0], rtol=1e-3)
    assert not torch.allclose(network.w[1], before.w[1], rtol=1e-3)


def test_pixels_from_0_to_1_are_restored_by_a_sigmoid() -> None:
    """Hidden units that say nothing leave the decoder at its start, in the middle of the range."""
    network, stream = make((0,)), Pool(0)
    stream.x = stream.x.abs()
    network.w[0].zero_()
    network.b[0].fill_(0.7)
    rows = pretrain(network, {0: stream}, lr=0.0, updates=3, pixels=(0.0, 1.0))
    # All logits are 0, so that each of 6 pixels costs log 2 whatever it is.
    assert values(rows, 1)[0] == pytest.approx(6 * math.log(2), rel=1e-12)


@pytest.mark.parametrize("examples", [1, 33, 10**6])
def test_how_many_examples_are_fetched_together_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    usual, other = make(), make()
    first = pretrain(usual, pools(0, 1), lr=0.1, updates=137, every=20)
    monkeypatch.setattr(training, "FETCHED", examples)
    second = pretrain(other, pools(0, 1), lr=0.1, updates=137, every=20)
    # Layers below are run on all examples of a fetch: products of other shapes, added up otherwise.
    for a, b in zip(parameters(usual), parameters(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    first, second = (rows[rows["update"] > 0] for rows in (first, second))
    pd.testing.assert_frame_equal(first, second, rtol=1e-10)


def test_single_precision_sees_the_same_images_and_masks_as_double() -> None:
    single, double = make(dtype=torch.float32), make()
    for a, b in zip(parameters(double), parameters(single), strict=True):
        a.copy_(b)
    pretrain(single, pools(0, 1), lr=0.1, updates=50)
    pretrain(double, pools(0, 1), lr=0.1, updates=50)
    for a, b in zip(parameters(single), parameters(double), strict=True):
        # 50 steps, each of an error of some units of 6e-8; other masks move weights by 0.01.
        torch.testing.assert_close(a.double(), b, rtol=0, atol=2e-5)


def test_every_stream_gives_one_batch_for_each_update_and_no_more() -> None:
    streams = pools(0, 1, 2)
    pretrain(make((0, 1, 0)), streams, lr=0.01, updates=23)
    assert [stream.given for stream in streams.values()] == [2 * 23 * 10] * 2 + [0]


# ------------------------------------------------------------------------------------------- rows


def test_rows_are_tidy_one_for_each_measurement() -> None:
    rows = pretrain(make((4, 7, 4)), pools(4, 7), lr=0.1, updates=25, every=10)
    assert list(rows.columns) == COLUMNS
    assert not rows.duplicated(["layer", "update", "replica", "quantity"]).any()
    assert set(rows.quantity) == {"reconstruction"}
    for layer in (1, 2):
        for replica, seed in enumerate((4, 7, 4)):
            part = rows[(rows.layer == layer) & (rows.replica == replica)]
            assert part["update"].tolist() == [0, 10, 20, 25]
            assert set(part.seed) == {seed}
    assert len(rows) == 2 * 3 * 4
    assert rows.value.map(math.isfinite).all()


def test_the_cost_is_the_mean_since_the_last_measurement() -> None:
    each = pretrain(make(), pools(0, 1), lr=0.1, updates=25, every=1)
    some = pretrain(make(), pools(0, 1), lr=0.1, updates=25, every=10)
    for layer in (1, 2):
        for replica in (0, 1):
            single, means = values(each, layer, replica), values(some, layer, replica)
            assert means[0] == single[0]
            for update, first in ((10, 1), (20, 11), (25, 21)):
                assert means[update] == pytest.approx(single.loc[first:update].mean(), rel=1e-12)


def test_the_start_is_measured_on_the_examples_of_the_first_updates() -> None:
    """At a rate of 0 nothing changes: what is measured ahead is what is measured then."""
    network, before = make(), make()
    rows = pretrain(network, pools(0, 1), lr=0.0, updates=60)
    for layer in (1, 2):
        for replica in (0, 1):
            costs = values(rows, layer, replica)
            assert costs[0] == pytest.approx(costs[60], rel=1e-12)
    assert same(network, before)


# --------------------------------------------------------------------------------------- replicas


def test_masks_of_seeds_and_layers_are_independent() -> None:
    """Agreement of two independent masks of a quarter: 10/16, within 4 standard errors."""
    shape = (20_000,)
    masks = [
        pretraining._mask(pretraining._generator(seed, layer), shape)
        for seed in (0, 1)
        for layer in (0, 1)
    ]
    error = math.sqrt(10 / 16 * 6 / 16 / shape[0])
    for i, first in enumerate(masks):
        for second in masks[:i]:
            agreement = (first == second).double().mean().item()
            assert abs(agreement - 10 / 16) < 4 * error


def test_a_replica_that_diverges_is_recorded_and_costs_the_others_nothing() -> None:
    network, streams = make((0, 1, 2)), pools(0, 1, 2)
    rates = torch.tensor([0.1, 1e308, 0.1], dtype=torch.float64)
    rows = pretrain(network, streams, lr=rates, updates=30, every=10)
    found = rows[rows.quantity == "diverged"].reset_index(drop=True)
    expected = pd.DataFrame([(1, 2, 1, 1, "diverged", 2.0)], columns=COLUMNS)
    pd.testing.assert_frame_equal(found, expected)
    assert network.diverged.tolist() == [-1, 2, -1]
    assert math.isfinite(values(rows, 1, 1)[0])
    assert values(rows, 1, 1).loc[10:].isna().all()
    assert values(rows, 2, 1).isna().all()
    for r in (0, 2):
        alone = make((r,))
        pretrain(alone, pools(r), lr=0.1, updates=30)
        for a, b in zip(parameters(network), parameters(alone), strict=True):
            torch.testing.assert_close(a[r], b[0], rtol=1e-10, atol=1e-10)
    # The layer above it is as it was, and so is all of it in any training after.
    assert torch.equal(network.w[1][1], make((0, 1, 2)).w[1][1])
    rest = [x[1].clone() for x in parameters(network)]
    rows = training.train(network, streams, lr=0.1, updates=20)
    assert "diverged" not in set(rows.quantity)  # it was not now
    for a, b in zip(parameters(network), rest, strict=True):
        torch.testing.assert_close(a[1], b, rtol=0, atol=0, equal_nan=True)


def test_a_replica_that_is_no_number_does_not_reach_the_others() -> None:
    """Its first layer is at fault, so that the second's input is no number."""
    network = make((0, 1))
    network.w[0][1] = math.nan
    rows = pretrain(network, pools(0, 1), lr=0.1, updates=30, every=1)
    assert rows[rows.quantity == "diverged"]["update"].tolist() == [1]
    assert network.w[1].isfinite().all()
    assert network.w[0][0].isfinite().all()
    assert torch.equal(network.w[1][1], make((0, 1)).w[1][1])
    assert torch.equal(network.b[0][1], make((0, 1)).b[0][1])


def test_a_replica_that_had_stopped_before_is_left_alone() -> None:
    network, before = make((0, 1)), make((0, 1))
    network.updates, network.diverged[0] = 9, 5
    rows = pretrain(network, pools(0, 1), lr=0.1, updates=20)
    assert "diverged" not in set(rows.quantity)
    assert values(rows, 1, 0).isna().all()
    for x, y in zip(parameters(network)[:2], parameters(before)[:2], strict=True):
        assert torch.equal(x[0], y[0])
        assert not torch.equal(x[1], y[1])


# ------------------------------------------------------------------------- stopped and taken up


LR = torch.tensor([0.1, 1e308, 0.05], dtype=torch.float64)  # the second diverges
CALLS = 6  # fetches of a run: 10 updates of 2 layers, 4 at a time


def interrupted(path: Path, monkeypatch: pytest.MonkeyPatch, **faults: int) -> tuple[Any, ...]:
    """A run on small fetches, saved after each; its network, streams and rows."""
    monkeypatch.setattr(training, "FETCHED", 40)
    network, streams = make((0, 1, 0)), pools(0, 1)
    streams[1] = Pool(1, **faults)
    rows = pretrain(network, streams, lr=LR, updates=10, every=3, checkpoint=path, save_every=0)
    return network, streams, rows


def assert_equal_runs(first: tuple[Any, ...], second: tuple[Any, ...]) -> None:
    (network, streams, rows), (other, others, expected) = first, second
    for a, b in zip(parameters(network), parameters(other), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    assert network.updates == other.updates
    assert network.diverged.tolist() == other.diverged.tolist()
    assert [s.state() for s in streams.values()] == [s.state() for s in others.values()]


@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_a_run_that_an_error_stopped_goes_on_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    whole = interrupted(tmp_path / "whole", monkeypatch)
    with pytest.raises(RuntimeError, match="the power is gone"):
        interrupted(tmp_path / "run", monkeypatch, fails_at=call)
    assert_equal_runs(interrupted(tmp_path / "run", monkeypatch), whole)


def test_a_finished_run_is_read_back_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = interrupted(tmp_path / "run", monkeypatch)
    again = interrupted(tmp_path / "run", monkeypatch, fails_at=1)  # it fetches nothing
    assert_equal_runs(again, whole)


def test_what_is_reported_are_the_updates_of_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "FETCHED", 20)
    told: list[int] = []
    pretrain(make((0,)), pools(0), lr=0.1, updates=3, report=told.append)
    assert told == [2, 3, 5, 6]


def stopped() -> Network:
    network = make()
    network.diverged[1] = 0
    return network


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"lr": 0.2}, "rates"),
        ({"updates": 6}, "due, updates"),
        ({"pixels": (-1.5, 1.0)}, "pixels"),
        ({"every": 2}, "due"),
        ({"network": make(gain=1.2)}, "weights"),
        ({"network": stopped()}, "diverged"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, changes: dict[str, Any], names: str
) -> None:
    run(checkpoint=tmp_path / "run", updates=5)
    with pytest.raises(CheckpointError, match=f"of another run, which differs in {names}; delete"):
        run(**{"updates": 5, **changes}, checkpoint=tmp_path / "run")


def test_a_checkpoint_of_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    runs.Run(make(), pools(0, 1), lr=0.1).run(5, checkpoint=path)
    with pytest.raises(CheckpointError, match=r"of another run, which differs in .*kind"):
        run(checkpoint=path, updates=5)


# -------------------------------------------------------------------------------------- bad inputs


def run(**changes: Any) -> pd.DataFrame:
    network = changes.pop("network", None) or make()
    streams = changes.pop("streams", pools(0, 1))
    return pretrain(network, streams, **{"lr": 0.1, "updates": 3, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": pools(0)}, r"streams must have one stream per seed, none.*\[1\]"),
        ({"lr": -1.0}, "lr must be finite and not negative"),
    ],
)
def test_what_does_not_fit_is_refused_and_no_weight_is_changed(
    changes: dict[str, Any], message: str
) -> None:
    network = make()
    with pytest.raises(ValueError, match=message):
        run(network=network, **changes)
    assert same(network, make())
    assert network.updates == 0


def test_units_of_unbounded_range_are_refused() -> None:
    for name, activation in ACTIVATIONS.items():
        if name not in BOUNDED:
            message = f"network.activation must have a bounded range.*'{name}'"
            with pytest.raises(ValueError, match=message):
                run(network=make(activation=activation.name))
