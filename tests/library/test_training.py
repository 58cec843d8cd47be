"""Training: its rows, its streams, and that it is the plain loop that it says it is."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn

from xavier import curvature, training
from xavier.network import Network
from xavier.shapeset import Shapeset
from xavier.training import SecondOrder, Training, log_prior, outcomes, tie, train, train_grid

N_IN, CLASSES = 6, 3
COLUMNS = ["update", "replica", "seed", "quantity", "value"]


class Pool:
    """A stream that passes over examples drawn once, and counts those it gave."""

    def __init__(self, seed: int, dtype: torch.dtype = torch.float64, size: int = 997) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(size, N_IN, generator=generator, dtype=torch.float64).to(dtype)
        self.y = self.x[:, :CLASSES].argmax(1)
        self.given = 0

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        index = torch.arange(self.given, self.given + n) % len(self.y)
        self.given += n
        return self.x[index], self.y[index]

    def state(self) -> dict[str, Any]:
        return {"given": self.given}

    def restore(self, state: dict[str, Any]) -> None:
        self.given = state["given"]


def make(
    seeds: tuple[int, ...] = (0, 1), rule: Any = "glorot", activation: str = "tanh", **kwargs: Any
) -> Network:
    sizes = (N_IN, 5, CLASSES)
    return Network.create(
        sizes, activation, rule, seeds=seeds, **{"dtype": torch.float64, **kwargs}
    )


def pools(*seeds: int) -> dict[int, Pool]:
    return {seed: Pool(seed) for seed in seeds}


def values(rows: pd.DataFrame, quantity: str, replica: int) -> pd.Series:
    """Values of one replica's quantity, by update."""
    part = rows[(rows.quantity == quantity) & (rows.replica == replica)]
    return part.set_index("update").value


def same(first: Network, second: Network) -> bool:
    pairs = zip([*first.w, *first.b], [*second.w, *second.b], strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# ------------------------------------------------------------------------------------------- rows


def test_rows_are_tidy_one_for_each_measurement() -> None:
    test = Pool(9).batch(50)
    rows = train(make((4, 7, 4)), pools(4, 7), lr=0.1, updates=25, every=10, test=test)
    assert list(rows.columns) == COLUMNS
    assert not rows.duplicated(["update", "replica", "quantity"]).any()
    for quantity, updates in (
        ("train_cost", [10, 20, 25]),
        ("test_cost", [0, 10, 20, 25]),
        ("test_error", [0, 10, 20, 25]),
    ):
        for replica, seed in enumerate((4, 7, 4)):
            part = rows[(rows.quantity == quantity) & (rows.replica == replica)]
            assert part["update"].tolist() == updates
            assert set(part.seed) == {seed}
    assert len(rows) == 3 * (3 + 4 + 4)
    assert rows.value.map(math.isfinite).all()


@hypothesis_settings(max_examples=30)
@given(updates=st.integers(1, 60), every=st.one_of(st.none(), st.integers(1, 70)))
def test_measurements_are_at_multiples_of_every_and_at_the_end(
    updates: int, every: int | None
) -> None:
    rows = train(make((0,)), pools(0), lr=0.1, updates=updates, every=every, batch_size=2)
    expected = [u for u in range(1, updates + 1) if u == updates or (every and u % every == 0)]
    assert rows["update"].tolist() == expected
    assert set(rows.quantity) == {"train_cost"}


def test_without_every_only_start_and_end_are_measured() -> None:
    rows = train(make(), pools(0, 1), lr=0.1, updates=7, test=Pool(9).batch(20))
    assert sorted(rows[rows.quantity == "test_error"]["update"].unique()) == [0, 7]


def test_the_training_cost_is_the_mean_since_the_last_measurement() -> None:
    each = train(make(), pools(0, 1), lr=0.5, updates=25, every=1)
    some = train(make(), pools(0, 1), lr=0.5, updates=25, every=10)
    for replica in (0, 1):
        single = values(each, "train_cost", replica)
        means = values(some, "train_cost", replica)
        for update, first in ((10, 1), (20, 11), (25, 21)):
            assert means[update] == pytest.approx(single.loc[first:update].mean(), rel=1e-12)


def test_test_cost_and_error_are_those_of_the_whole_test_set() -> None:
    """2,500 examples are measured in parts, of which the last is smaller."""
    network, test = make(), Pool(9, size=3000).batch(2500)
    rows = train(network, pools(0, 1), lr=0.1, updates=3, test=test, cost="quadratic")
    trace = network.forward(test[0])
    expected = {
        "test_cost": network.cost(trace, test[1], "quadratic"),
        "test_error": network.error(trace, test[1]),
    }
    for quantity, exact in expected.items():
        for replica in (0, 1):
            # Sums of three parts weighted by shares: rounding of float64 only.
            assert values(rows, quantity, replica)[3] == pytest.approx(
                float(exact[replica]), rel=1e-12
            )


# --------------------------------------------------------------------------------------- the loop


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
def test_training_equals_a_hand_written_loop_with_autograd(cost: Any) -> None:
    seeds, rules, rates = (3, 3, 8), ["standard", "glorot", "he"], [0.1, 0.5, 0.3]
    network = make(seeds, rules)
    start = [x.clone() for x in [*network.w, *network.b]]
    rows = train(
        network, pools(3, 8), lr=torch.tensor(rates, dtype=torch.float64), updates=130,
        batch_size=8, cost=cost, every=1,
    )  # fmt: skip
    for r, (seed, lr) in enumerate(zip(seeds, rates, strict=True)):
        stream = Pool(seed)
        w0, w1, b0, b1 = (x[r].clone().requires_grad_() for x in start)
        optimizer = torch.optim.SGD([w0, w1, b0, b1], lr=lr)
        costs = []
        for _ in range(130):
            x, y = stream.batch(8)
            logits = torch.tanh(x @ w0 + b0) @ w1 + b1
            if cost == "cross_entropy":
                value = nn.functional.cross_entropy(logits, y)
            else:
                target = nn.functional.one_hot(y, CLASSES)
                value = ((logits.softmax(1) - target) ** 2).sum(1).mean() / 2
            costs.append(value.item())
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        # 130 steps of rounding errors near 1e-16, hardly amplified at these rates.
        for ours, theirs in zip([*network.w, *network.b], (w0, w1, b0, b1), strict=True):
            torch.testing.assert_close(ours[r], theirs.detach(), rtol=1e-10, atol=1e-10)
        assert values(rows, "train_cost", r).tolist() == pytest.approx(costs, rel=1e-10)


def test_training_on_shapeset_in_single_precision_equals_a_hand_written_loop() -> None:
    network = Network.create((1024, 20, 9), "tanh", "glorot", seeds=[2])
    layers = nn.Sequential(nn.Linear(1024, 20), nn.Tanh(), nn.Linear(20, 9))
    parameters = [layers[0].weight, layers[0].bias, layers[2].weight, layers[2].bias]
    with torch.no_grad():
        for p, q in zip(
            parameters, (network.w[0], network.b[0], network.w[1], network.b[1]), strict=True
        ):
            p.copy_(q[0].T if p.dim() == 2 else q[0])
    train(network, {2: Shapeset(2)}, lr=0.01, updates=40)
    stream, optimizer = Shapeset(2), torch.optim.SGD(parameters, lr=0.01)
    for _ in range(40):
        x, y = stream.batch(10)
        optimizer.zero_grad()
        nn.functional.cross_entropy(layers(x), y).backward()
        optimizer.step()
    # Single precision: 40 steps times sums of a thousand terms, units of 6e-8.
    torch.testing.assert_close(network.w[0][0].T, parameters[0].detach(), rtol=0, atol=2e-5)
    torch.testing.assert_close(network.w[1][0].T, parameters[2].detach(), rtol=0, atol=2e-5)


def test_training_learns() -> None:
    """The label is the largest of three inputs, chance is 2/3; linear models do it well."""
    test = Pool(99, size=2000).batch(2000)
    network = make((0, 1, 2))
    rows = train(network, pools(0, 1, 2), lr=0.3, updates=600, test=test)
    for replica in range(3):
        error = values(rows, "test_error", replica)
        assert error[600] < 0.15 < error[0]
    assert outcomes(network, test) == ["learning"] * 3


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("parts", [(50, 50), (1, 99), (33, 33, 34)])
def test_training_in_parts_equals_training_at_once_to_the_bit(
    seeds: tuple[int, ...], parts: tuple[int, ...]
) -> None:
    whole, pieces = make(seeds), make(seeds)
    train(whole, pools(*seeds), lr=0.5, updates=100)
    streams = pools(*seeds)
    for updates in parts:
        train(pieces, streams, lr=0.5, updates=updates)
    assert same(whole, pieces)


@pytest.mark.parametrize("examples", [1, 17, 1000, 10**6])
def test_how_many_examples_are_fetched_together_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    usual, other = make(), make()
    first = train(usual, pools(0, 1), lr=0.5, updates=137, every=20)
    monkeypatch.setattr(training, "_CHUNK", examples)
    second = train(other, pools(0, 1), lr=0.5, updates=137, every=20)
    assert same(usual, other)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_networks_of_half_precision_are_trained() -> None:
    network = Network.create((N_IN, 5, CLASSES), "tanh", "glorot", seeds=[0], dtype=torch.bfloat16)
    before = [w.clone() for w in network.w]
    training.train(network, pools(0), lr=0.1, updates=3)
    assert network.updates == 3 and not any(map(torch.equal, network.w, before))


def test_examples_are_taken_to_the_networks_dtype() -> None:
    """A stream gives float32; a network in float64 trains on just these numbers."""
    streams, test = {0: Pool(0, torch.float32)}, Pool(9, torch.float32).batch(30)
    doubled = {0: Pool(0, torch.float32)}
    doubled[0].x = doubled[0].x.double()
    first, second = make((0,)), make((0,))
    rows = train(first, streams, lr=0.5, updates=20, test=test)
    expected = train(second, doubled, lr=0.5, updates=20, test=(test[0].double(), test[1]))
    assert same(first, second)
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    assert outcomes(first, test) == outcomes(second, (test[0].double(), test[1]))


def test_a_monitor_is_called_at_every_measurement_with_the_network_of_then() -> None:
    network, seen = make(), []

    def look(update: int, looked_at: Network) -> None:
        assert looked_at is network
        seen.append((update, network.updates, network.w[0].clone()))

    rows = train(network, pools(0, 1), lr=0.5, updates=25, every=10, monitor=look)
    assert [(update, updates) for update, updates, _ in seen] == [
        (0, 0), (10, 10), (20, 20), (25, 25)
    ]  # fmt: skip
    unseen = make()
    assert torch.equal(seen[0][2], unseen.w[0])
    pd.testing.assert_frame_equal(
        rows, train(unseen, pools(0, 1), lr=0.5, updates=25, every=10), check_exact=True
    )
    assert same(network, unseen)
    assert torch.equal(seen[-1][2], unseen.w[0])
    train(network, pools(0, 1), lr=0.5, updates=5, monitor=look)
    assert [update for update, *_ in seen[4:]] == [0, 5]


def test_measuring_more_often_changes_no_weight() -> None:
    often, never = make(), make()
    train(often, pools(0, 1), lr=0.5, updates=40, every=1, test=Pool(9).batch(30))
    train(never, pools(0, 1), lr=0.5, updates=40)
    assert same(often, never)


@pytest.mark.parametrize("batch_size", [1, 10, 300])
def test_every_stream_gives_one_batch_for_each_update_and_no_more(batch_size: int) -> None:
    streams = pools(0, 1)
    train(make((0, 1, 0)), streams, lr=0.1, updates=123, batch_size=batch_size)
    assert [stream.given for stream in streams.values()] == [123 * batch_size] * 2


# --------------------------------------------------------------------------------------- replicas


def test_replicas_of_one_seed_see_the_same_examples_and_seeds_do_not() -> None:
    """Networks that start alike stay alike as long as they see the same."""
    network = make((0, 1, 0))
    for parameters in [*network.w, *network.b]:
        parameters[:] = parameters[:1].clone()
    train(network, pools(0, 1), lr=0.5, updates=30)
    for parameters in network.w:
        torch.testing.assert_close(parameters[0], parameters[2], rtol=1e-12, atol=1e-12)
        assert not torch.allclose(parameters[0], parameters[1], rtol=1e-3)


def test_the_order_of_the_streams_and_other_streams_do_not_matter() -> None:
    first, second = make((1, 0)), make((1, 0))
    train(first, pools(0, 1), lr=0.5, updates=30)
    streams = pools(5, 1, 0)
    train(second, streams, lr=0.5, updates=30)
    assert same(first, second)
    assert streams[5].given == 0


def test_a_seed_trains_the_same_beside_others_as_alone() -> None:
    together = make((0, 1, 2))
    train(together, pools(0, 1, 2), lr=0.5, updates=40)
    for r in range(3):
        alone = make((r,))
        train(alone, pools(r), lr=0.5, updates=40)
        for a, b in zip(together.w, alone.w, strict=True):
            torch.testing.assert_close(a[r], b[0], rtol=1e-10, atol=1e-10)


def test_a_replica_that_diverges_costs_the_others_nothing() -> None:
    network = make((0, 1), activation="relu", rule="he")
    rows = train(
        network, pools(0, 1), lr=torch.tensor([0.1, 1e200], dtype=torch.float64),
        updates=30, every=10, test=Pool(9).batch(50),
    )  # fmt: skip
    alone = make((0,), activation="relu", rule="he")
    expected = train(alone, pools(0), lr=0.1, updates=30, every=10, test=Pool(9).batch(50))
    for quantity in ("train_cost", "test_cost", "test_error"):
        assert values(rows, quantity, 0).tolist() == pytest.approx(
            values(expected, quantity, 0).tolist(), rel=1e-10
        )
    for update in (10, 20, 30):
        assert not math.isfinite(values(rows, "train_cost", 1)[update])
        assert math.isnan(values(rows, "test_cost", 1)[update])
        assert values(rows, "test_error", 1)[update] == 1.0
    assert math.isfinite(values(rows, "test_cost", 1)[0])
    for ours, theirs in zip([*network.w, *network.b], [*alone.w, *alone.b], strict=True):
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-10, atol=1e-10)


def test_divergence_is_recorded_once_with_its_update() -> None:
    """The first update leads to weights near 1e200, the second finds a cost that is infinite."""
    network = make((0, 1, 2), activation="relu", rule="he")
    rates = torch.tensor([0.1, 1e200, 0.0], dtype=torch.float64)
    rows = train(network, streams := pools(0, 1, 2), lr=rates, updates=30, every=10)
    expected = pd.DataFrame([(2, 1, 1, "diverged", 2.0)], columns=COLUMNS)
    found = rows[rows.quantity == "diverged"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    frozen = [x[1].clone() for x in [*network.w, *network.b]]
    # Later the third diverges: time is counted from this training's start, by the network from
    # its first update.
    network.w[0][2] = math.nan
    rows = train(network, streams, lr=rates, updates=7)
    expected = pd.DataFrame([(1, 2, 2, "diverged", 1.0)], columns=COLUMNS)
    pd.testing.assert_frame_equal(
        rows[rows.quantity == "diverged"].reset_index(drop=True), expected
    )
    assert network.diverged.tolist() == [-1, 2, 31]
    assert network.updates == 37
    for ours, before in zip([*network.w, *network.b], frozen, strict=True):
        assert torch.equal(ours[1], before)


def test_no_row_says_diverged_where_nothing_has() -> None:
    rows = train(make(), pools(0, 1), lr=0.1, updates=20, every=1)
    assert "diverged" not in set(rows.quantity)


def test_a_stopped_replica_is_diverged_whatever_it_answers_now() -> None:
    network = constructed()
    network.diverged[0] = 5
    assert outcomes(network, one_hot(30)) == ["diverged", *EXPECTED[1:]]


# --------------------------------------------------------------------------------------- progress


def test_no_progress_bar_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    train(make(), pools(0, 1), lr=0.1, updates=20)
    train(make(), pools(0, 1), lr=0.1, updates=20, progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_progress_bar_counts_the_updates_when_asked_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    train(make(), pools(0, 1), lr=0.1, updates=220, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "220/220" in err
    assert "update" in err


# --------------------------------------------------------------------------------------- outcomes


def constructed() -> Network:
    """Four replicas: one answers its input's largest part, the others go wrong in three ways."""
    w0 = torch.zeros(4, CLASSES, CLASSES)
    w1, b0, b1 = w0.clone(), torch.zeros(4, CLASSES), torch.zeros(4, CLASSES)
    w0[0], w1[0] = torch.eye(CLASSES), 10 * torch.eye(CLASSES)  # learning
    b0[2] = 10.0  # saturated: tanh(10) whatever the input
    b1[3] = math.nan  # diverged
    return Network([w0, w1], [b0, b1], "tanh", [0, 1, 2, 3])


def one_hot(n: int) -> tuple[Tensor, Tensor]:
    y = torch.arange(n) % CLASSES
    return nn.functional.one_hot(y, CLASSES).float(), y


EXPECTED = ["learning", "stalled", "saturated", "diverged"]


@pytest.mark.parametrize("n", [30, 300, 2500])
def test_outcomes_are_told_apart(n: int) -> None:
    assert outcomes(constructed(), one_hot(n)) == EXPECTED


def test_a_saturated_network_that_answers_well_is_learning() -> None:
    network = constructed()
    network.w[0][0] *= 100
    network.b[0][0] = -20.0  # every unit at -1 or 1
    assert outcomes(network, one_hot(300))[0] == "learning"


def test_half_of_the_units_is_not_most_of_them() -> None:
    network = Network(
        [torch.zeros(2, 3, 4), torch.zeros(2, 4, 3)], [torch.zeros(2, 4), torch.zeros(2, 3)],
        "tanh", [0, 1],
    )  # fmt: skip
    network.b[0][0, :2] = 10.0
    network.b[0][1, :3] = 10.0
    assert outcomes(network, one_hot(300)) == ["stalled", "saturated"]


def test_learning_means_three_standard_errors_better_than_the_best_constant() -> None:
    """400 examples, of which 3/4 are of class 0: chance is an error of 1/4.

    The standard error is sqrt(1/4 * 3/4 / 400) = 0.0217, so at most 73 wrong answers are learning.
    """
    y = torch.tensor([0] * 300 + [1] * 100)
    for wrong, expected in ((100, "stalled"), (75, "stalled"), (73, "learning"), (0, "learning")):
        answers = y.clone()
        answers[300 : 300 + wrong] = 0
        x = nn.functional.one_hot(answers, 2).float()
        network = Network([torch.eye(2)[None]], [torch.zeros(1, 2)], "tanh", [0])
        assert outcomes(network, (x, y)) == [expected]


def test_a_cost_that_is_infinite_is_divergence() -> None:
    network = constructed()
    network.b[1][1, 0] = math.inf
    assert outcomes(network, one_hot(30))[1] == "diverged"


def test_training_reaches_the_outcomes_that_rates_and_gains_lead_to() -> None:
    test = Pool(99, size=2000).batch(2000)
    network = make((0, 1, 2), gain=[1.0, 1e-9, 1e4])
    train(network, pools(0, 1, 2), lr=torch.tensor([0.3, 1e-9, 0.0]), updates=300, test=test)
    network.w[1][2] = 0.0  # what saturated units say does not matter
    assert outcomes(network, test) == ["learning", "stalled", "saturated"]


# -------------------------------------------------------------------------------------- bad inputs


def run(network: Network | None = None, **changes: Any) -> pd.DataFrame:
    streams: Mapping[int, Any] = changes.pop("streams", pools(0, 1))
    arguments: dict[str, Any] = {"lr": 0.1, "updates": 3, **changes}
    return train(network or make(), streams, **arguments)


@pytest.mark.parametrize("name", ["updates", "batch_size", "every"])
@given(st.integers(max_value=0))
def test_a_number_below_one_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        run(**{name: value})


@pytest.mark.parametrize("name", ["updates", "batch_size", "every"])
@pytest.mark.parametrize("value", [2.5, True, "3"])
def test_a_number_that_is_no_integer_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"{name} must be an integer"):
        run(**{name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": pools(0)}, r"streams must have one stream per seed, none given for \[1\]"),
        ({"streams": {}}, r"none given for \[0, 1\]"),
        ({"lr": math.nan}, "lr must be finite"),
        ({"lr": -1.0}, "lr must be finite and not negative"),
        ({"lr": torch.ones(3)}, r"lr must be a number or hold one per replica \(2,\)"),
        ({"cost": "crossentropy"}, "cost must be one of .*did you mean 'cross_entropy'"),
        ({"test": (torch.zeros(3, N_IN).double(), torch.zeros(2).long())}, "one label per image"),
        ({"test": (torch.zeros(0, N_IN).double(), torch.zeros(0).long())}, "at least one image"),
        ({"test": (torch.zeros(3, 4).double(), torch.zeros(3).long())}, "x must have shape"),
    ],
)
def test_what_does_not_fit_is_refused_and_no_weight_is_changed(
    changes: dict[str, Any], message: str
) -> None:
    network, before = make(), make()
    with pytest.raises(ValueError, match=message):
        run(network, **changes)
    assert same(network, before)


class Spoilt(Pool):
    """Replaces one example by what does not fit."""

    def __init__(self, seed: int, at: int, x: float = 0.0, y: int = 0) -> None:
        super().__init__(seed)
        self.x[at, 2], self.y[at] = x, y


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        (Spoilt(1, 25, x=math.nan), ValueError, "x must hold finite numbers, got nan"),
        (Spoilt(1, 25, x=-math.inf), ValueError, "x must hold finite numbers, got -inf"),
        (Spoilt(1, 25, y=CLASSES), ValueError, "y must hold labels from 0 to 2, got 3"),
        (Spoilt(1, 25, y=-1), ValueError, "y must hold labels from 0 to 2, got -1"),
    ],
)
def test_examples_that_do_not_fit_are_refused_before_the_first_update(
    stream: Pool, error: type[Exception], message: str
) -> None:
    """The fault is in the third update."""
    network, before = make(), make()
    with pytest.raises(error, match=rf"streams\[1\] gave examples that do not fit: {message}"):
        run(network, streams={0: Pool(0), 1: stream}, batch_size=10)
    assert same(network, before)


@pytest.mark.parametrize(
    ("attribute", "spoil", "error", "message"),
    [
        ("x", lambda x: x[:, 1:], ValueError, r"x must have shape \(B, 6\)"),
        ("x", lambda x: x[:, None, :], ValueError, r"x must have shape \(B, 6\)"),
        ("y", lambda y: y.float(), TypeError, "y must be int64 labels, got torch.float32"),
        ("y", lambda y: y[:, None], ValueError, "y must have shape"),
    ],
)
def test_streams_of_another_shape_or_type_are_refused(
    attribute: str, spoil: Any, error: type[Exception], message: str
) -> None:
    network, before, streams = make(), make(), pools(0, 1)
    setattr(streams[0], attribute, spoil(getattr(streams[0], attribute)))
    with pytest.raises(error, match=rf"streams\[0\] gave examples that do not fit: {message}"):
        run(network, streams=streams)
    assert same(network, before)


# --------------------------------------------------------------------------------------- train_grid


def single(seed: int) -> Pool:
    return Pool(seed, dtype=torch.float32)


def test_a_grid_trains_what_a_network_of_its_settings_would() -> None:
    grid = pd.DataFrame(
        {"rule": ["standard", "he"], "gain": [2.0, 0.5], "lr": [0.1, 0.3], "seed": [4, 5]}
    )
    network, _ = train_grid((N_IN, 5, CLASSES), "tanh", grid, single, updates=20)
    by_hand = make((4, 5), ["standard", "he"], gain=[2.0, 0.5], dtype=torch.float32)
    train(by_hand, {4: single(4), 5: single(5)}, lr=torch.tensor([0.1, 0.3]), updates=20)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(network.w, by_hand.w, strict=True))


def test_rows_of_a_grid_carry_its_settings() -> None:
    grid = pd.DataFrame({"lr": [0.1, 0.3], "seed": [4, 4], "note": ["a", "b"]}, index=[7, 3])
    network, rows = train_grid((N_IN, CLASSES), "identity", grid, single, updates=3, every=1)
    assert network.seeds == (4, 4)
    assert list(rows.columns) == [*COLUMNS, "lr", "note"]
    assert (rows.note == rows.replica.map({0: "a", 1: "b"})).all()
    assert (rows.lr == rows.replica.map({0: 0.1, 1: 0.3})).all()


@pytest.mark.parametrize(
    "grid", [pd.DataFrame({"seed": [1]}), pd.DataFrame(columns=["seed", "lr"])]
)
def test_a_grid_without_rates_or_rows_is_refused(grid: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="grid must have rows, with columns seed and lr"):
        train_grid((N_IN, CLASSES), "tanh", grid, single, updates=1)


# -------------------------------------------------------------------------------- when it measures


@hypothesis_settings(max_examples=40)
@given(
    updates=st.integers(1, 60),
    every=st.one_of(st.none(), st.integers(1, 70)),
    at=st.lists(st.integers(1, 60), max_size=4),
)
def test_measurements_are_also_exactly_where_at_says(
    updates: int, every: int | None, at: list[int]
) -> None:
    at = [update for update in at if update <= updates]
    seen: list[int] = []
    rows = train(
        make((0,)), pools(0), lr=0.1, updates=updates, every=every, at=at, batch_size=2,
        monitor=lambda update, network: seen.append(update),
    )  # fmt: skip
    wanted = {*at, updates, *(range(every, updates + 1, every) if every else ())}
    assert rows["update"].tolist() == sorted(wanted)
    assert seen == [0, *sorted(wanted)]


def test_the_training_cost_at_a_further_update_is_the_mean_since_the_last() -> None:
    each = train(make(), pools(0, 1), lr=0.5, updates=25, every=1)
    some = train(make(), pools(0, 1), lr=0.5, updates=25, every=10, at=iter([12, 3]))
    for replica in (0, 1):
        single, means = values(each, "train_cost", replica), values(some, "train_cost", replica)
        assert means.index.tolist() == [3, 10, 12, 20, 25]
        for first, last in ((1, 3), (4, 10), (11, 12), (13, 20), (21, 25)):
            assert means[last] == pytest.approx(single.loc[first:last].mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("at", "error", "message"),
    [
        ([2, 0], ValueError, r"at\[1\] must be at least 1, got 0"),
        ([-1], ValueError, r"at\[0\] must be at least 1, got -1"),
        ([1, 4], ValueError, "at must be up to the last of 3 updates, got 4"),
        ([2.0], TypeError, r"at\[0\] must be an integer, got 2.0"),
        ([True], TypeError, r"at\[0\] must be an integer, got True"),
        ("3", TypeError, r"at\[0\] must be an integer, got '3'"),
        (3, TypeError, "at must hold numbers of updates, got 3"),
        (None, TypeError, "at must hold numbers of updates, got None"),
    ],
)
def test_updates_at_which_one_cannot_measure_are_refused(
    at: Any, error: type[Exception], message: str
) -> None:
    network, before, streams = make(), make(), pools(0, 1)
    with pytest.raises(error, match=message):
        run(network, streams=streams, at=at)
    assert same(network, before)
    assert [stream.given for stream in streams.values()] == [0, 0]


# --------------------------------------------------------------------------------- in several parts


def test_what_the_monitor_returned_is_kept_in_one_table() -> None:
    def look(update: int, network: Network) -> pd.DataFrame | None:
        if update == 10:
            return None
        if update == 20:
            return pd.DataFrame({"update": []})
        return pd.DataFrame({"update": update, "bias": network.b[0][:, 0].tolist()})

    made = Training(make(), pools(0, 1), lr=0.5, monitor=look)
    assert made.monitored.empty and made.measured.empty
    assert list(made.measured.columns) == COLUMNS
    rows = made.run(25, every=5)
    pd.testing.assert_frame_equal(rows, made.measured)
    found = made.monitored
    assert found["update"].tolist() == [0, 0, 5, 5, 15, 15, 25, 25]
    assert found["bias"].tolist()[-2:] == made.network.b[0][:, 0].tolist()
    assert found.index.tolist() == list(range(8))


@pytest.mark.parametrize("kind", [None, "hessian", "variance"])
@pytest.mark.parametrize("parts", [(50, 300), (1, 2, 300), (100, 133, 300), (300, 300)])
def test_a_training_in_parts_equals_one_at_once_to_the_bit(
    parts: tuple[int, ...], kind: Any
) -> None:
    """An estimate is made on 10 examples, which even the first of the parts has."""
    how = None if kind is None else SecondOrder(kind, every=70, examples=10)
    whole, pieces = (Training(make(), pools(0, 1), lr=0.5, second_order=how) for _ in range(2))
    whole.run(300)
    for updates in parts:
        pieces.run(updates)
        assert pieces.made == pieces.network.updates == updates
    assert same(whole.network, pieces.network)
    ends = pieces.measured["update"].unique().tolist()
    assert ends == list(dict.fromkeys(parts))


# ---------------------------------------------------------------------------------- frozen output


def test_a_frozen_output_bias_stays_and_all_else_is_as_in_a_loop_without_it() -> None:
    network, stream = make((3,)), Pool(3)
    network.b[-1].copy_(torch.tensor([0.3, -0.2, 0.1]))
    w0, w1, b0, b1 = (x[0].clone() for x in (*network.w, *network.b))
    train(network, pools(3), lr=0.3, updates=130, freeze_output_bias=True)
    optimizer = torch.optim.SGD([p.requires_grad_() for p in (w0, w1, b0)], lr=0.3)
    for _ in range(130):
        x, y = stream.batch(10)
        optimizer.zero_grad()
        nn.functional.cross_entropy(torch.tanh(x @ w0 + b0) @ w1 + b1, y).backward()
        optimizer.step()
    assert torch.equal(network.b[-1][0], b1)
    # As in the loop with autograd above.
    for ours, theirs in zip((*network.w, network.b[0]), (w0, w1, b0), strict=True):
        torch.testing.assert_close(ours[0], theirs.detach(), rtol=1e-10, atol=1e-10)


def test_one_update_with_a_frozen_output_bias_is_a_plain_one_but_for_it() -> None:
    frozen, plain = make(), make()
    train(frozen, pools(0, 1), lr=0.5, updates=1, freeze_output_bias=True)
    train(plain, pools(0, 1), lr=0.5, updates=1)
    for ours, theirs in zip((*frozen.w, frozen.b[0]), (*plain.w, plain.b[0]), strict=True):
        assert torch.equal(ours, theirs)
    assert not frozen.b[-1].any() and plain.b[-1].all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_prior_is_the_logarithm_of_the_frequencies(dtype: torch.dtype) -> None:
    network, before = make(dtype=dtype), make(dtype=dtype)
    labels = torch.tensor([0, 2, 1, 1, 2, 2, 2, 2])
    log_prior(network, labels)
    expected = torch.tensor([1 / 8, 2 / 8, 5 / 8], dtype=torch.float64).log().to(dtype)
    # To the last digits of the dtype, with which the logarithm is rounded.
    torch.testing.assert_close(network.b[-1], expected.expand(2, -1), rtol=2e-7, atol=0)
    if dtype == torch.float64:
        torch.testing.assert_close(network.b[-1], expected.expand(2, -1), rtol=1e-15, atol=0)
    for ours, theirs in zip((*network.w, network.b[0]), (*before.w, before.b[0]), strict=True):
        assert torch.equal(ours, theirs)


def test_a_network_that_says_nothing_but_the_prior_costs_the_labels_entropy() -> None:
    network, (x, y) = make(), Pool(5).batch(900)
    network.w[-1].zero_()
    log_prior(network, y)
    share = y.bincount().double() / len(y)
    entropy = float(-(share * share.log()).sum())
    assert network.cost(network.forward(x), y).tolist() == pytest.approx([entropy] * 2, rel=1e-12)
    # And the mean gradient of its biases, over these labels, is 0.
    gradient = network.backward(network.forward(x), y).b[-1]
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 1], ValueError, r"labels must hold each of 3 classes, got counts \[1, 2, 0\]"),
        ([0, 1, 2, 3], ValueError, r"each of 3 classes, got counts \[1, 1, 1, 1\]"),
        ([], ValueError, r"got counts \[0, 0, 0\]"),
        ([0, 1, 2, -1], ValueError, "labels must not be negative, got -1"),
        ([[0, 1, 2]], ValueError, r"labels must have shape \(n,\), got \(1, 3\)"),
        ([0.0, 1.0, 2.0], TypeError, "labels must be int64, got torch.float32"),
    ],
)
def test_labels_without_frequencies_are_refused_and_no_bias_is_changed(
    labels: list[Any], error: type[Exception], message: str
) -> None:
    network = make()
    given_ = torch.tensor(labels, dtype=None if labels else torch.int64)
    with pytest.raises(error, match=message):
        log_prior(network, given_)
    assert same(network, make())


# ---------------------------------------------------------------------------- rates of second order

KINDS = {"hessian": curvature.diagonal_hessian, "variance": curvature.gradient_variance}


def tanh_gradients(network: Network, r: int, x: Tensor, y: Tensor, cost: str) -> list[Tensor]:
    """Of one replica, by autograd: weights by layer, then biases."""
    parts = [p[r].clone().requires_grad_() for p in (*network.w, *network.b)]
    w0, w1, b0, b1 = parts
    logits = torch.tanh(x @ w0 + b0) @ w1 + b1
    if cost == "cross_entropy":
        value = nn.functional.cross_entropy(logits, y)
    else:
        value = ((logits.softmax(1) - nn.functional.one_hot(y, CLASSES)) ** 2).sum(1).mean() / 2
    return list(torch.autograd.grad(value, parts))


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
@pytest.mark.parametrize("kind", KINDS)
def test_second_order_rates_equal_a_hand_written_loop_with_autograd(kind: Any, cost: Any) -> None:
    """Estimates before updates 0, 30, 60 and 90, on the next 80 examples of each replica's seed."""
    seeds, lr = (3, 8, 3), torch.tensor([0.1, 0.5, 0.3], dtype=torch.float64)
    network, by_hand = (make(seeds, ["standard", "glorot", "he"]) for _ in range(2))
    how = SecondOrder(kind, damping=0.3, every=30, examples=80)
    train(
        network, pools(3, 8), lr=lr, updates=100, batch_size=8, cost=cost, second_order=how
    )  # fmt: skip
    streams = pools(3, 8)
    for update in range(100):
        if update % 30 == 0:
            ahead = {seed: Pool(seed) for seed in streams}
            for seed, stream in ahead.items():
                stream.restore(streams[seed].state())
            drawn = {seed: stream.batch(80) for seed, stream in ahead.items()}
            x, y = (torch.stack([drawn[seed][k] for seed in seeds]) for k in (0, 1))
            found = curvature.rates(KINDS[kind](by_hand, x, y, cost), lr, 0.3)
        batches = {seed: stream.batch(8) for seed, stream in streams.items()}
        slopes = [tanh_gradients(by_hand, r, *batches[s], cost) for r, s in enumerate(seeds)]
        parameters, rates = [*by_hand.w, *by_hand.b], [*found.w, *found.b]
        for i, (parameter, rate) in enumerate(zip(parameters, rates, strict=True)):
            parameter.sub_(rate * torch.stack([slope[i] for slope in slopes]))
        if update == 0:
            spread = torch.cat([rate[0].flatten() for rate in rates]) / lr[0]
            assert spread.min() < 0.8 and spread.max() > 1.2  # rates do differ
    # 100 steps of rounding errors near 1e-16, hardly amplified at these rates.
    pairs = zip((*network.w, *network.b), (*by_hand.w, *by_hand.b), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_second_order_rates_of_great_damping_are_plain(kind: Any) -> None:
    """Factors differ from 1 by the curvature's share of the damping, 1e-14 times 50 or so."""
    damped, plain = make(), make()
    how = SecondOrder(kind, damping=1e14, every=20)
    first = train(damped, pools(0, 1), lr=0.5, updates=100, every=50, second_order=how)
    second = train(plain, pools(0, 1), lr=0.5, updates=100, every=50)
    for ours, theirs in zip((*damped.w, *damped.b), (*plain.w, *plain.b), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    pd.testing.assert_frame_equal(first, second, rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("every", "batch_size", "examples", "expected"),
    [
        (1000, 10, 500, {0: 500}),
        (100, 10, 1000, {0: 1000, 100: 1000, 200: 1000, 300: 200}),  # 20 updates are left
        (150, 10, 500, {0: 500, 150: 500, 300: 200}),
        (130, 300, 500, {0: 500, 130: 500, 260: 500}),  # three updates are fetched together
        (40, 10, 500, {u: 400 if u < 320 else 0 for u in range(0, 320, 40)}),
        (1, 3, 2, dict.fromkeys(range(320), 2)),
    ],
)
def test_curvature_is_estimated_every_so_many_updates_on_the_next_examples(
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
    every: int,
    batch_size: int,
    examples: int,
    expected: dict[int, int],
) -> None:
    network, seen, streams = make(), dict[int, int](), pools(0, 1)
    estimate = KINDS[kind]

    def look(at: Network, x: Tensor, y: Tensor, *rest: Any) -> curvature.Diagonal:
        assert at is network and x.shape[:2] == y.shape
        seen[network.updates] = x.shape[1]
        start = network.updates * batch_size
        index = torch.arange(start, start + x.shape[1]) % 997
        assert torch.equal(x[1], streams[1].x[index])  # the next of its seed
        return estimate(at, x, y, *rest)

    monkeypatch.setattr(curvature, KINDS[kind].__name__, look)
    how = SecondOrder(kind, every=every, examples=examples)
    train(network, streams, lr=0.01, updates=320, batch_size=batch_size, second_order=how)
    assert seen == expected


def test_a_replica_that_diverges_by_second_order_rates_costs_the_others_nothing() -> None:
    how = SecondOrder("hessian", every=7, examples=50)
    network = make((0, 1), activation="relu", rule="he")
    rates = torch.tensor([0.1, 1e200], dtype=torch.float64)
    rows = train(network, pools(0, 1), lr=rates, updates=30, every=10, second_order=how)
    alone = make((0,), activation="relu", rule="he")
    train(alone, pools(0), lr=0.1, updates=30, second_order=how)
    assert network.diverged.tolist() == [-1, 2]
    assert rows[rows.quantity == "diverged"]["update"].tolist() == [2]
    for ours, theirs in zip((*network.w, *network.b), (*alone.w, *alone.b), strict=True):
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-10, atol=1e-10)
        assert ours[1].isfinite().all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kind": "hesian"}, ValueError, "kind must be one of hessian, .*did you mean 'hessian'"),
        ({"kind": None}, ValueError, "kind must be one of hessian, variance, got None"),
        ({"damping": 0.0}, ValueError, "damping must be above 0, got 0.0"),
        ({"damping": math.nan}, ValueError, "damping must be finite"),
        ({"damping": "1"}, TypeError, "damping must be a real number"),
        ({"every": 0}, ValueError, "every must be at least 1, got 0"),
        ({"every": 1.5}, TypeError, "every must be an integer"),
        ({"examples": 0}, ValueError, "examples must be at least 1, got 0"),
        ({"examples": 1001}, ValueError, "examples must be at most 1000, got 1001"),
        ({"examples": True}, TypeError, "examples must be an integer"),
        (
            {"kind": "variance", "examples": 1},
            ValueError,
            "examples must be at least 2 for the var",
        ),
    ],
)
def test_second_order_rates_that_cannot_be_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SecondOrder(**{"kind": "hessian", **changes})


# ---------------------------------------------------------------------------------------- the bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("progress", "shown"), [(None, True), (True, True), (False, False)])
def test_on_a_terminal_there_is_a_progress_bar_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, progress: bool | None, shown: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    train(make(), pools(0, 1), lr=0.1, updates=20, progress=progress)
    assert ("20/20" in terminal.getvalue()) is shown
    assert bool(terminal.getvalue()) is shown


def test_the_progress_bar_of_a_run_that_goes_on_begins_where_it_is(
    capfd: pytest.CaptureFixture[str],
) -> None:
    made = Training(make(), pools(0, 1), lr=0.1)
    made.run(150, progress=False)
    assert capfd.readouterr().err == ""
    made.run(200, progress=True)
    shown = capfd.readouterr().err
    assert "150/200" in shown and "200/200" in shown and "0/200" not in shown.split("150/200")[0]


# ----------------------------------------------------------------------------------- tied layers


def tied_network(hidden: int = 4, dtype: torch.dtype = torch.float64) -> Network:
    sizes = (N_IN, *[5] * hidden, CLASSES)
    network = Network.create(sizes, "tanh", "glorot", seeds=(0, 1), dtype=dtype)
    tie(network)
    return network


def test_tied_layers_move_together_by_the_mean_of_their_updates() -> None:
    tied, free = tied_network(), tied_network()
    start = free.w[1].clone()
    Training(tied, pools(0, 1), lr=0.1, tied=True).run(1)
    Training(free, pools(0, 1), lr=0.1).run(1)
    # Rounding of a mean of three.
    for ours, theirs in ((tied.w, free.w), (tied.b, free.b)):
        mean = (theirs[1] + theirs[2] + theirs[3]) / 3
        for layer in ours[1:4]:
            assert torch.equal(layer, ours[1])
            torch.testing.assert_close(layer, mean, rtol=1e-14, atol=1e-15)
        assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[4], theirs[4])
    assert not torch.equal(tied.w[1], start) and not torch.equal(free.w[1], free.w[2])


def test_a_tied_replica_that_diverges_is_at_rest_from_then_on() -> None:
    """The mean of seven equal numbers in single precision need not be that number."""
    network = tied_network(8, torch.float32)
    made = Training(network, pools(0, 1), lr=0.1, tied=True)
    made.run(5)
    before = [x[1].clone() for x in (*network.w, *network.b)]
    network.diverged[1] = 5
    made.run(20)
    for ours, theirs in zip((*network.w, *network.b), before, strict=True):
        assert torch.equal(ours[1], theirs) and not torch.equal(ours[0], theirs)
    assert torch.equal(network.w[1], network.w[7])


def test_layers_of_several_widths_are_not_tied() -> None:
    network = Network.create((N_IN, 5, 4, 5, CLASSES), "tanh", "glorot", seeds=(0,))
    with pytest.raises(ValueError, match=r"hidden layers of one width, got \(5, 4, 5\)"):
        tie(network)


# -------------------------------------------------------------------------------------------- CUDA


@pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="no CUDA device: install torch with CUDA (pip install torch) where an NVIDIA GPU is",
)
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_training_on_another_device_is_the_same_to_rounding(kind: Any, tmp_path: Path) -> None:
    """And a run there that is stopped and taken up again is the same to the bit.

    In double precision: 120 steps of rounding errors near 1e-16, hardly amplified at these rates.
    """
    how = None if kind is None else SecondOrder(kind, every=50)

    def begin(device: str, monitor: training.Monitor | None = None) -> Training:
        rules = ["standard", "glorot", "he"]
        return Training(
            make((0, 1, 0), rules, activation="relu", device=device), pools(0, 1),
            lr=torch.tensor([0.1, 0.3, 1e200], dtype=torch.float64), second_order=how,
            freeze_output_bias=True, test=Pool(9).batch(50), monitor=monitor,
        )  # fmt: skip

    def stop(update: int, network: Network) -> None:
        if update == 110:
            raise RuntimeError("stopped")

    here, there, again = begin("cpu"), begin("cuda"), begin("cuda")
    here.run(120, every=10)
    there.run(120, every=10)
    with pytest.raises(RuntimeError, match="stopped"):
        begin("cuda", stop).run(120, every=10, checkpoint=tmp_path / "run", save_every=0.0)
    again.run(120, every=10, checkpoint=tmp_path / "run")
    assert again.network.w[0].device.type == "cuda" and same(again.network, there.network)
    pd.testing.assert_frame_equal(again.measured, there.measured, check_exact=True)
    pd.testing.assert_frame_equal(here.measured, there.measured, rtol=1e-9, atol=1e-12)
    assert here.network.diverged.tolist() == there.network.diverged.tolist() == [-1, -1, 2]
    for a, b in zip(
        (*here.network.w, *here.network.b), (*there.network.w, *there.network.b), strict=True
    ):
        torch.testing.assert_close(a[:2], b[:2].cpu(), rtol=1e-9, atol=1e-10)
