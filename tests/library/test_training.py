"""Training: its rows, its streams, and that it is the plain loop that it says it is."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn

from xavier import training
from xavier.network import Network
from xavier.training import Training, outcomes, train, train_grid

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


@pytest.mark.parametrize("examples", [1, 17, 1000, 10**6])
def test_how_many_examples_are_fetched_together_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    usual, other = make(), make()
    first = train(usual, pools(0, 1), lr=0.5, updates=137, every=20)
    monkeypatch.setattr(training, "FETCHED", examples)
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


def test_small_networks_train_on_one_thread_and_the_setting_is_given_back() -> None:
    seen: list[int] = []

    def look(update: int, network: Network) -> None:
        seen.append(torch.get_num_threads())
        if update == 20:
            raise RuntimeError("stop")

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="stop"):
            train(make(), pools(0, 1), lr=0.1, updates=30, every=10, monitor=look)
        assert seen == [1, 1, 1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("batch_size", [1, 10, 300])
def test_every_stream_gives_one_batch_for_each_update_and_no_more(batch_size: int) -> None:
    streams = pools(0, 1)
    train(make((0, 1, 0)), streams, lr=0.1, updates=123, batch_size=batch_size)
    assert [stream.given for stream in streams.values()] == [123 * batch_size] * 2


# --------------------------------------------------------------------------------------- replicas


def test_the_order_of_the_streams_and_other_streams_do_not_matter() -> None:
    first, second = make((1, 0)), make((1, 0))
    train(first, pools(0, 1), lr=0.5, updates=30)
    streams = pools(5, 1, 0)
    train(second, streams, lr=0.5, updates=30)
    assert same(first, second)
    assert streams[5].given == 0


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


# ------------------------------------------------------------------------------------- at the end


@pytest.mark.parametrize("sizes", [(N_IN, CLASSES), (N_IN, 5, CLASSES)])
@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
def test_a_network_is_evaluated_on_the_whole_test_set(sizes: tuple[int, ...], cost: Any) -> None:
    """2,500 examples are measured in parts; the last replica has stopped."""
    network = Network.create(sizes, "tanh", "glorot", seeds=[0, 1, 2], dtype=torch.float64)
    network.b[-1][0, 2] = 1.5
    network.diverged[2] = 7
    x, y = Pool(9, size=3000).batch(2500)
    found = training.evaluate(network, (x, y), cost)
    assert list(found.columns) == ["replica", "quantity", "value"] and len(found) == 9
    table = found.pivot(index="replica", columns="quantity", values="value")
    trace = network.forward(x)
    exact = {"final_cost": network.cost(trace, y, cost), "final_error": network.error(trace, y)}
    for quantity, value in exact.items():
        assert table[quantity][:2].tolist() == pytest.approx(value[:2].tolist(), rel=1e-12)
    assert math.isnan(table.final_cost[2]) and table.final_error[2] == 1.0
    answers = trace.logits.argmax(-1)
    for r in range(3):
        assert table.top_guess[r] == answers[r].bincount().max() / 2500
    if cost == "cross_entropy":
        pd.testing.assert_frame_equal(found, training.evaluate(network, (x, y)), check_exact=True)


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


def test_infinite_costs_and_stopped_replicas_are_diverged_whatever_they_answer_now() -> None:
    network = constructed()
    network.diverged[0] = 5
    network.b[1][1, 0] = math.inf
    assert outcomes(network, one_hot(30)) == ["diverged", "diverged", *EXPECTED[2:]]


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": pools(0)}, r"streams must have one stream per seed, none given for \[1\]"),
        ({"streams": {}}, r"none given for \[0, 1\]"),
        *(({name: 0}, f"{name} must be at least 1") for name in ("updates", "batch_size", "every")),
        ({"lr": -1.0}, "lr must be finite and not negative"),
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
    ("stream", "message"),
    [
        (Spoilt(1, 25, x=math.nan), "x must hold finite numbers, got nan"),
        (Spoilt(1, 25, y=CLASSES), "y must hold labels from 0 to 2, got 3"),
    ],
)
def test_examples_that_do_not_fit_are_refused_before_the_first_update(
    stream: Pool, message: str
) -> None:
    """The fault is in the third update."""
    network, before = make(), make()
    with pytest.raises(ValueError, match=rf"streams\[1\] gave examples that do not fit: {message}"):
        run(network, streams={0: Pool(0), 1: stream}, batch_size=10)
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


def test_a_grid_that_says_nothing_else_is_glorots_with_gain_one() -> None:
    grid = pd.DataFrame({"lr": [0.0], "seed": [4]})
    network, _ = train_grid((N_IN, 5, CLASSES), "tanh", grid, single, updates=1)
    assert same(network, make((4,), "glorot", gain=1.0, dtype=torch.float32))


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
    ("at", "message"),
    [
        ([2, 0], r"at\[1\] must be at least 1, got 0"),
        ([1, 4], "at must be up to the last of 3 updates, got 4"),
    ],
)
def test_updates_at_which_one_cannot_measure_are_refused(at: list[int], message: str) -> None:
    streams = pools(0, 1)
    with pytest.raises(ValueError, match=message):
        run(streams=streams, at=at)
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


@pytest.mark.parametrize("parts", [(1, 2, 300), (100, 133, 300), (300, 300)])
def test_a_training_in_parts_equals_one_at_once_to_the_bit(parts: tuple[int, ...]) -> None:
    whole, pieces = (Training(make(), pools(0, 1), lr=0.5) for _ in range(2))
    whole.run(300)
    for updates in parts:
        pieces.run(updates)
        assert pieces.made == pieces.network.updates == updates
    assert same(whole.network, pieces.network)
    ends = pieces.measured["update"].unique().tolist()
    assert ends == list(dict.fromkeys(parts))


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
