"""Grid points: what is in their rows, and that these depend on nothing but the point."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import torch

from glorot2010 import points, pretraining, second_order, svm
from glorot2010.points import (
    COLUMNS,
    MONITOR_SEED,
    TEST_SEED,
    VALIDATION_SEED,
    BirthPoint,
    HessianPoint,
    Point,
    Replica,
    SvmPoint,
    TrainingPoint,
)
from glorot2010.runs import Run, SecondOrder
from xavier import datasets, monitor, training
from xavier.datasets import Stream
from xavier.network import Network
from xavier.shapeset import CLASSES, Shapeset

DTYPES = {
    **{"lr": "float64", "seed": "int64", "update": "int64", "layer": "int64"},
    **{"at": "float64", "value": "float32"},
}
PAIR = (Replica("plain", 3, "standard", 1.0, 0.05), Replica("wide", 3, "glorot", 1.5, 0.1))
# Single precision is what is recorded: what is computed in double is rounded to it.
ROUNDED = 2e-7


def tiny(**changes: Any) -> TrainingPoint:
    """A point that takes some hundredths of a second."""
    said: dict[str, Any] = {
        **{"replicas": PAIR, "data": "shapeset", "hidden": (9, 9, 9), "activation": "tanh"},
        **{"updates": 30, "every": 15, "extra": (4,), "test_images": 90, "curve_images": 60},
    }
    return TrainingPoint(**{**said, **changes})


BIRTH = BirthPoint(PAIR, (9, 8), "tanh")
HESSIAN = HessianPoint(2, (4,))
SVM = SvmPoint((60, 120), held_out=150)
FULL = tiny(
    quantities=(*monitor.QUANTITIES, "output"), densities=(0, 30), jacobian=True, pretraining=20
)
ALL: dict[str, Point] = {"training": FULL, "birth": BIRTH, "hessian": HESSIAN, "svm": SVM}


def computed(point: Point) -> pd.DataFrame:
    """Rows, none of which is of the clock."""
    rows = point.compute()
    assert "seconds" not in set(rows["quantity"])
    return rows


def digest(rows: pd.DataFrame) -> str:
    """A hash of all that is in rows, to the bit."""
    found = hashlib.sha256()
    for name in rows:
        column = rows[name].to_numpy()
        found.update(column.tobytes() if column.dtype.kind in "if" else "|".join(column).encode())
    return found.hexdigest()


def pick(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def values(rows: pd.DataFrame, **where: Any) -> list[float]:
    found: list[float] = pick(rows, **where)["value"].tolist()
    return found


def value(rows: pd.DataFrame, **where: Any) -> float:
    (found,) = values(rows, **where)
    return found


def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many as a point takes, so that what is computed beside it rounds like it."""
    yield from threads(1)


@pytest.fixture
def three_threads() -> Iterator[None]:
    yield from threads(3)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {name: computed(point) for name, point in ALL.items()}


# ----------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("name", ALL)
def test_rows_have_the_columns_and_dtypes_that_all_points_have(
    tables: dict[str, pd.DataFrame], name: str
) -> None:
    rows = tables[name]
    assert tuple(rows.columns) == COLUMNS
    assert isinstance(rows.index, pd.RangeIndex) and len(rows)
    for column in COLUMNS:
        if column in DTYPES:
            assert str(rows[column].dtype) == DTYPES[column]
        else:
            assert rows[column].map(lambda text: isinstance(text, str)).all()
    assert rows["value"].notna().all()
    assert set(rows["seed"]) == set(ALL[name].seeds)
    # Nothing is there twice.
    assert not rows.duplicated([column for column in COLUMNS if column != "value"]).any()


def test_every_replica_has_rows_of_every_measurement(tables: dict[str, pd.DataFrame]) -> None:
    rows, hidden = tables["training"], [1, 2, 3]
    assert set(zip(rows["arm"], rows["lr"], strict=True)) == {("plain", 0.05), ("wide", 0.1)}
    kinds = pick(rows, statistic="")
    assert set(kinds["quantity"]) == {
        *("train_cost", "test_cost", "test_error"),
        *("final_cost", "final_error", "top_guess", "reconstruction"),
    }
    for arm in ("plain", "wide"):
        mine = pick(rows, arm=arm)
        for quantity in ("test_cost", "test_error"):
            assert pick(mine, quantity=quantity)["update"].tolist() == [0, 4, 15, 30]
        assert pick(mine, quantity="train_cost")["update"].tolist() == [4, 15, 30]
        for quantity in ("final_cost", "final_error", "top_guess"):
            assert pick(mine, quantity=quantity)["update"].tolist() == [30]
        assert set(pick(mine, quantity="jacobian")["update"]) == {0}
        assert set(pick(mine, quantity="jacobian")["layer"]) == {2, 3}
        for update in (0, 4, 15, 30):
            found = pick(mine, update=update, statistic="std").groupby("quantity")["layer"]
            layers = {quantity: sorted(of) for quantity, of in found}
            assert layers.pop("jacobian", [2, 3]) == [2, 3]
            assert layers == {
                **{"activation": hidden, "pre_activation": [*hidden, 4], "weight": [*hidden, 4]},
                **{"back_gradient": [*hidden, 4], "weight_gradient": [*hidden, 4]},
            }


def test_without_further_quantities_only_errors_and_costs_are_measured() -> None:
    rows = tiny(updates=5, every=5, extra=()).compute()
    assert set(rows["statistic"]) == {""} and set(rows["layer"]) == {0}
    assert len(rows) == 2 * (2 + 3 + 3)


def test_densities_are_taken_at_the_chosen_updates_only_and_sum_to_one(
    tables: dict[str, pd.DataFrame],
) -> None:
    rows = pick(tables["training"], statistic="density")
    assert set(rows["update"]) == {0, 30} and set(rows["quantity"]) == {"activation"}
    for _, part in rows.groupby(["arm", "update", "layer"]):
        assert len(part) == 50
        assert np.allclose(np.diff(part["at"]), 2 / 50)  # of tanh, from -1 to 1
        # 50 values, rounded to single precision.
        assert part["value"].sum() * 2 / 50 == pytest.approx(1, rel=1e-6)
    assert tables["training"].query("statistic != 'density'")["quantity"].ne("density").all()


def test_a_sigmoid_has_the_densities_of_its_own_range() -> None:
    rows = tiny(
        activation="sigmoid", quantities=("activation",), densities=(0,), updates=1, every=1,
        extra=(),
    ).compute()  # fmt: skip
    part = pick(rows, statistic="density", arm="plain", layer=2)
    assert part["at"].iloc[[0, -1]].tolist() == pytest.approx([0.01, 0.99])
    assert part["value"].sum() / 50 == pytest.approx(1, rel=1e-6)


def test_a_network_that_diverges_says_so_and_costs_the_other_nothing() -> None:
    fine, gone = PAIR[0], replace(PAIR[1], lr=1e30)
    rows = tiny(replicas=(fine, gone), quantities=("activation",)).compute()
    assert value(rows, arm="wide", quantity="diverged") > 1
    assert value(rows, arm="wide", quantity="final_error") == 1
    assert math.isnan(value(rows, arm="wide", quantity="final_cost"))
    both = tiny(quantities=("activation",)).compute()
    pd.testing.assert_frame_equal(
        pick(rows, arm="plain").reset_index(drop=True),
        pick(both, arm="plain").reset_index(drop=True),
    )


# ---------------------------------------------------------------- against computations by hand


def create(point: TrainingPoint, inputs: int = 1024, classes: int = len(CLASSES)) -> Network:
    return Network.create(
        (inputs, *point.hidden, classes),
        point.activation,
        [replica.rule for replica in point.replicas],
        seeds=[replica.seed for replica in point.replicas],
        gain=[replica.gain for replica in point.replicas],
        distribution=point.distribution,
    )


BY_HAND: dict[str, dict[str, Any]] = {
    "plain": {},
    "two seeds": {"replicas": (*PAIR, replace(PAIR[0], seed=5))},
    "singles": {"data": "singles"},
    "digits": {"data": "digits"},
    "on the validation set": {"test": "valid"},
    "quadratic cost": {"cost": "quadratic"},
    "normal weights": {"distribution": "normal"},
    "pyramid": {"hidden": (7, 5)},
    "Hessian": {"second_order": "hessian"},
    "gradient variance": {"second_order": "variance"},
    "frozen": {"output_bias": "frozen"},
    "pretraining": {"pretraining": 20},
    "pretraining on digits": {"pretraining": 20, "data": "digits"},
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_point_is_what_the_functions_that_it_is_made_of_give(one_thread: None, name: str) -> None:
    point = tiny(**BY_HAND[name])
    digits = point.data == "digits"
    network = create(point, 64, 10) if digits else create(point)
    objects = (1,) if point.data == "singles" else (1, 2)

    def stream(seed: int) -> Stream:
        if digits:
            return datasets.stream("digits", "train", seed)
        return Shapeset(seed, objects=objects)

    def held_out(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        if digits:
            found = datasets.load("digits", point.test)
            return found.images[:n], found.labels[:n]
        return Shapeset(
            TEST_SEED if point.test == "test" else VALIDATION_SEED, objects=objects
        ).batch(n)

    seeds = dict.fromkeys(network.seeds)
    reconstruction = pd.DataFrame({"value": []})
    if point.pretraining:
        reconstruction = pretraining.pretrain(
            network, {s: stream(s + 2**41) for s in seeds}, lr=0.03, updates=20, every=2,
            pixels=(0.0, 1.0) if digits else (-1.0, 1.0),
        )  # fmt: skip
    run = Run(
        network,
        {seed: stream(seed) for seed in seeds},
        lr=torch.tensor([replica.lr for replica in point.replicas]),
        test=held_out(60),
        cost=point.cost,
        second_order=point.second_order and SecondOrder(point.second_order),
        freeze_output_bias=point.output_bias == "frozen",
    )
    measured = run.run(30, every=15, at=(4,))
    last = training.evaluate(network, held_out(90), point.cost)
    rows = point.compute()
    for r, replica in enumerate(point.replicas):
        mine = pick(rows, arm=replica.arm, seed=replica.seed)
        for quantity in ("train_cost", "test_cost", "test_error"):
            expected = pick(measured, replica=r, quantity=quantity)
            assert values(mine, quantity=quantity) == expected["value"].astype("float32").tolist()
        for quantity in ("final_cost", "final_error", "top_guess"):
            (expected_end,) = pick(last, replica=r, quantity=quantity)["value"].astype("float32")
            assert value(mine, quantity=quantity) == expected_end
        if point.pretraining:
            expected = pick(reconstruction, replica=r)
            found = pick(mine, quantity="reconstruction")
            assert found["value"].tolist() == expected["value"].astype("float32").tolist()
            assert found["layer"].tolist() == expected["layer"].tolist()
            assert set(found["layer"]) == {1, 2, 3}


def test_replicas_that_begin_alike_are_pretrained_once_and_end_as_each_would_alone() -> None:
    rates = (0.01, 0.1)
    one = Replica("plain", 3, "standard", 1.0, 0.0)
    others = (replace(one, seed=4, lr=0.1), replace(one, arm="wide", rule="glorot", lr=0.1))
    alike = tuple(replace(one, lr=lr) for lr in rates)
    said: dict[str, Any] = {"pretraining": 20, "updates": 10, "every": 5, "extra": ()}
    point = tiny(replicas=(alike[0], *others, alike[1]), **said)
    seen: list[int] = []
    pretrain = pretraining.pretrain

    def counting(network: Network, *args: Any, **named: Any) -> pd.DataFrame:
        seen.append(network.replicas)
        return pretrain(network, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "pretrain", counting)
        rows = point.compute()
    assert seen == [3]
    assert point.work == 3 * 3 * 20 + 4 * 10
    key = ["arm", "seed", "lr", "layer", "update", "quantity", "statistic", "at"]
    alone = pd.concat([tiny(replicas=(replica,), **said).compute() for replica in point.replicas])
    together, apart = (table.sort_values(key).reset_index(drop=True) for table in (rows, alone))
    # Products of several replicas at once may round in another order than those of one.
    pd.testing.assert_frame_equal(together, apart, rtol=1e-4)
    of_rates = [pick(rows, arm="plain", seed=3, lr=lr) for lr in rates]
    before, after = (
        [values(pick(table, quantity=quantity), quantity=quantity) for table in of_rates]
        for quantity in ("reconstruction", "train_cost")
    )
    assert before[0] == before[1] and after[0] != after[1]


def test_singular_values_at_birth_are_those_of_the_monitor(
    one_thread: None, tables: dict[str, pd.DataFrame]
) -> None:
    plain = tiny(jacobian=True)
    network = create(plain)
    trace = network.forward(Shapeset(MONITOR_SEED).batch(300)[0])
    rows = pick(plain.compute(), quantity="jacobian")
    assert set(rows["update"]) == {0} and set(rows["layer"]) == {2, 3}
    for i in (1, 2):
        found = monitor.jacobian(network, trace, i, examples=3)
        for r, arm in enumerate(("plain", "wide")):
            mine, theirs = pick(rows, arm=arm, layer=i + 1), pick(found, replica=r)
            mean, square = theirs["value"].mean(), theirs["square"].mean()
            for statistic, expected in (
                ("mean", mean),
                ("rms", math.sqrt(square)),
                ("std", math.sqrt(square - mean**2)),
            ):
                assert value(mine, statistic=statistic) == pytest.approx(expected, rel=ROUNDED)
    # Those of networks that were pre-trained are of the weights that this left.
    after = pick(tables["training"], quantity="jacobian")
    assert (np.array(values(after)) != np.array(values(rows))).all()


def test_what_biases_and_what_the_last_layer_say_is_told_apart() -> None:
    """The logits of a constant input, by NumPy in double precision."""
    point = tiny(quantities=("output",), replicas=PAIR[:1], updates=40, every=40, extra=())
    rows = point.compute()
    assert set(pick(rows, statistic="rms")["quantity"]) == {"output_bias", "output_signal"}
    network = create(point)
    x, _ = Shapeset(MONITOR_SEED).batch(300)
    for update in (0, 40):
        if update:
            training.train(network, {3: Shapeset(3)}, lr=0.05, updates=40)
        z = x.numpy().astype(float)
        for w, b in zip(network.w[:-1], network.b[:-1], strict=True):
            z = np.tanh(z @ w[0].numpy().astype(float) + b[0].numpy())
        bias = network.b[-1][0].numpy().astype(float)
        signal = z @ network.w[-1][0].numpy()
        bias, signal = bias - bias.mean(), signal - signal.mean(1, keepdims=True)
        for quantity, x_ in (("output_bias", bias), ("output_signal", signal)):
            found = value(rows, update=update, quantity=quantity)
            # Logits are in single precision: units of 6e-8 of numbers near 1.
            assert found == pytest.approx(math.sqrt((x_**2).mean()), rel=1e-5)


# ------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("kind", ["sigmoid", "steep_sigmoid"])
def test_a_centred_network_begins_as_the_same_function_and_learns_another_way(kind: str) -> None:
    said = {"quantities": ("activation",), "updates": 200, "every": 200}
    plain = tiny(activation=kind, **said).compute()
    shifted = {"sigmoid": "centred_sigmoid", "steep_sigmoid": "steep_centred_sigmoid"}[kind]
    centred = tiny(activation=shifted, **said).compute()
    for arm in ("plain", "wide"):
        first, second = (pick(rows, arm=arm, update=0) for rows in (plain, centred))
        # The same in exact numbers: sums of nine terms near 1 in units of 6e-8.
        for quantity in ("test_cost", "test_error"):
            expected = pytest.approx(value(second, quantity=quantity), rel=2e-6)
            assert value(first, quantity=quantity) == expected
        for statistic, shift in (("mean", 0.5), ("p02", 0.5), ("p98", 0.5), ("std", 0.0)):
            a = values(first, quantity="activation", statistic=statistic)
            b = values(second, quantity="activation", statistic=statistic)
            assert a == pytest.approx([x + shift for x in b], abs=2e-6)
        ends = [value(rows, arm=arm, quantity="final_cost") for rows in (plain, centred)]
        assert abs(ends[0] - ends[1]) > 1e-4


def test_a_plain_sigmoid_with_four_times_the_weights_begins_as_the_steep_one() -> None:
    """And learns another way: its weights move as much, and count a quarter."""
    said: dict[str, Any] = {"quantities": ("activation", "output")}
    plain = tiny(activation="sigmoid", hidden_gain=4.0, **said).compute()
    steep = tiny(activation="steep_sigmoid", **said).compute()
    usual = tiny(activation="sigmoid", **said).compute()
    begun = [pick(rows, update=0)["value"].tolist() for rows in (plain, steep, usual)]
    assert begun[0] == pytest.approx(begun[1], rel=1e-5) != pytest.approx(begun[2], rel=1e-2)
    ends = [values(rows, quantity="final_cost") for rows in (plain, steep)]
    assert ends[0] != pytest.approx(ends[1], rel=1e-5)


def test_a_first_layer_that_is_held_says_what_it_said_and_those_above_move() -> None:
    rows = tiny(first_layer="frozen", quantities=("activation",)).compute()
    for layer, stays in ((1, True), (2, False), (3, False)):
        for arm in ("plain", "wide"):
            first, *rest = values(rows, layer=layer, arm=arm, statistic="std_over_inputs")
            assert rest and all((number == first) is stays for number in rest)


@pytest.mark.parametrize("activation", ["sigmoid", "centred_sigmoid"])
def test_log_prior_biases_begin_as_the_logarithms_of_frequencies(activation: str) -> None:
    """A network whose last layer says nothing has the cost of the best constant guess."""
    silent = tuple(replace(replica, gain=1e-6) for replica in PAIR)
    point = tiny(
        output_bias="log_prior", activation=activation, replicas=silent, curve_images=5000,
        quantities=("output",), updates=1, every=1, extra=(),
    )  # fmt: skip
    rows = pick(point.compute(), update=0)
    labels = Shapeset(VALIDATION_SEED).batch(10_000)[1].bincount(minlength=9).double()
    prior = (labels / labels.sum()).log()
    test = Shapeset(TEST_SEED).batch(5000)[1]
    for arm in ("plain", "wide"):
        rms = float((prior - prior.mean()).square().mean().sqrt())
        # What is left of the weights is a millionth.
        assert value(rows, arm=arm, quantity="output_bias") == pytest.approx(rms, rel=1e-4)
        cost = value(rows, arm=arm, quantity="test_cost")
        assert cost == pytest.approx(-float(prior[test].mean()), rel=1e-5)
        assert cost < math.log(9)


def test_tied_layers_stay_equal_and_the_first_is_another() -> None:
    rows = pick(tiny(tied=True, quantities=("weight",)).compute(), quantity="weight")
    free = pick(tiny(quantities=("weight",)).compute(), quantity="weight")
    for (_, update), part in rows.groupby(["arm", "update"]):
        first, second, third = (values(part, layer=layer) for layer in (1, 2, 3))
        assert second == third and first != second, update
    moved = pick(rows, arm="plain", layer=2, statistic="std")["value"]
    assert moved.nunique() == 4
    assert values(free, layer=2) != values(free, layer=3)


def test_pretraining_has_other_examples_than_training_and_neither_those_of_the_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def noted(seed: int, **said: Any) -> Shapeset:
        made.append(seed)
        return Shapeset(seed, **said)

    monkeypatch.setattr(points, "Shapeset", noted)
    tiny(pretraining=10, updates=5, every=5, extra=(), quantities=("output",)).compute()
    assert sorted(made) == sorted([3, 3 + 2**41, MONITOR_SEED, TEST_SEED, TEST_SEED])
    made.clear()
    tiny(test="valid", updates=5, every=5, extra=()).compute()
    assert set(made) == {3, VALIDATION_SEED}


def test_seeds_of_the_examples_that_tests_are_made_of_are_refused() -> None:
    for seed in (MONITOR_SEED, VALIDATION_SEED, TEST_SEED):
        with pytest.raises(ValueError, match=f"seeds must be below {2**40}.*got {seed}"):
            tiny(replicas=(replace(PAIR[0], seed=seed),))
    tiny(replicas=(replace(PAIR[0], seed=2**40 - 1),))


def test_what_cannot_be_together_is_refused() -> None:
    with pytest.raises(ValueError, match="tied must be False with pretraining"):
        tiny(tied=True, pretraining=5)
    with pytest.raises(ValueError, match="layers of one width"):
        tiny(tied=True, hidden=(5, 6)).compute()


# ----------------------------------------------------------------------------- the other kinds


def test_births_are_described_as_the_monitor_describes_them(one_thread: None) -> None:
    rows = computed(BIRTH)
    x, y = Shapeset(MONITOR_SEED).batch(300)
    for replica in PAIR:
        network = Network.create(
            (1024, 9, 8, 9), "tanh", replica.rule, seeds=[3], gain=replica.gain
        )
        trace = network.forward(x)
        expected = monitor.statistics(network, trace, network.backward(trace, y))
        mine = pick(rows, arm=replica.arm)
        sums = mine[(mine["statistic"] != "density") & (mine["quantity"] != "jacobian")]
        assert sums["statistic"].tolist() == expected["statistic"].tolist()
        assert sums["value"].tolist() == expected["value"].astype("float32").tolist()
        found = monitor.jacobian(network, trace, 1, examples=3)
        assert value(mine, quantity="jacobian", statistic="mean") == pytest.approx(
            found["value"].mean(), rel=ROUNDED
        )
    dense = pick(rows, statistic="density")
    assert set(dense["quantity"]) == {"activation", "back_gradient", "weight_gradient"}
    for (quantity, *_), part in dense.groupby(["quantity", "layer", "arm"]):
        width = part["at"].diff().iloc[-1]
        total = part["value"].sum() * width
        # Gradients beyond the bins are counted, and in none.
        assert total == pytest.approx(1, rel=1e-6) if quantity == "activation" else total <= 1.00001


def test_eigenvalues_are_the_largest_of_two_hessians_of_one_function() -> None:
    rows = computed(HESSIAN)
    digits = datasets.load("digits", "train")
    network = Network.create((64, 4, 10), "sigmoid", "standard", seeds=[2], dtype=torch.float64)
    images, labels = digits.images[:300].double(), digits.labels[:300]
    spectrum = second_order.hessian_spectrum(network, images, labels)
    mine = pick(rows, arm="sigmoid")
    assert mine["at"].tolist() == list(range(1, 21))
    assert mine["value"].tolist() == pytest.approx(sorted(spectrum.tolist())[:-21:-1], rel=1e-5)
    other = pick(rows, arm="centred sigmoid")["value"].tolist()
    assert other == sorted(other, reverse=True) and other != mine["value"].tolist()


def test_the_support_vector_machine_is_measured_once_for_every_number_of_examples() -> None:
    rows = computed(SVM)
    expected = svm.trend(
        Shapeset, (60, 120), seeds=(0, VALIDATION_SEED, TEST_SEED), held_out=150, memory_gb=1.0
    )
    errors = pick(rows, quantity="final_error")
    assert errors["update"].tolist() == [60, 120] and set(errors["arm"]) == {"svm"}
    assert errors["value"].tolist() == expected["error"].astype("float32").tolist()


# --------------------------------------------------------------------------------- as promised


@pytest.mark.parametrize(
    "name",
    ["training", *(pytest.param(n, marks=pytest.mark.thorough) for n in ALL if n != "training")],
)
def test_the_same_point_gives_the_same_rows_under_any_number_of_threads(
    three_threads: None, tables: dict[str, pd.DataFrame], name: str
) -> None:
    assert digest(computed(ALL[name])) == digest(tables[name])
    assert torch.get_num_threads() == 3


def test_a_point_computes_on_one_thread(three_threads: None) -> None:
    seen: set[int] = set()

    def stop(done: int) -> None:
        seen.add(torch.get_num_threads())
        raise RuntimeError("stop")

    for point in (replace(SVM, sizes=(60,)), tiny(updates=2, every=2, extra=())):
        with pytest.raises(RuntimeError, match="stop"):
            point.compute(report=stop)
        assert seen == {1} and torch.get_num_threads() == 3


def test_a_point_is_a_plain_value() -> None:
    for point in ALL.values():
        assert eval(repr(point)) == point and hash(eval(repr(point))) == hash(point)
        with pytest.raises(FrozenInstanceError):
            setattr(point, fields(point)[0].name, 2)  # type: ignore[arg-type]


def test_what_is_reported_grows_up_to_all_the_work() -> None:
    for point in (FULL, SVM):
        told: list[int] = []
        point.compute(report=told.append)
        assert told == sorted(told) and told[-1] == point.work


@pytest.mark.parametrize("where", ["pretraining", "training"])
def test_a_point_that_was_stopped_goes_on_to_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """In the third layer's pre-training, or after a hundred updates of training."""
    point = replace(FULL, updates=250, every=90, extra=(4,), densities=(90,))
    expected = digest(point.compute())
    path = tmp_path / "point.smoke.checkpoint"

    def stop(done: int) -> None:
        if done > 400:
            raise RuntimeError("stop")

    advance, calls = pretraining._Pretraining._advance, iter(range(100))

    def failing(run: Any) -> None:
        if where == "pretraining" and next(calls) == 2:
            raise RuntimeError("stop")
        advance(run)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining._Pretraining, "_advance", failing)
        with pytest.raises(RuntimeError, match="stop"):
            point.compute(checkpoint=path, report=stop, save_every=0)
    saved = {file.name for file in tmp_path.iterdir()}
    assert saved == {"point.smoke.pretraining"} | (
        {"point.smoke.checkpoint"} if where == "training" else set()
    )
    told: list[int] = []
    assert digest(point.compute(checkpoint=path, report=told.append)) == expected
    assert len(told) == (2 if where == "training" else 4)  # some of it was there
    assert digest(point.compute(checkpoint=path)) == expected  # all of it is


def test_the_kinds_of_data_are_those_that_are_said() -> None:
    made = {"shapeset", "singles", *points.FINITE, "mnist_jpeg"}
    assert made | set(datasets.SOURCES) == set(get_args(points.Data))


def test_a_finite_shapeset_holds_the_images_on_which_the_svm_trains_in_an_order_of_each_seed() -> (
    None
):
    there, labels = Shapeset(*SvmPoint((1000,)).seeds).batch(1000)
    passes = [
        stream.batch(1000) for stream in points._streams("shapeset_1k", (0, 1), "cpu").values()
    ]
    assert not torch.equal(passes[0][0], passes[1][0])
    for data in ("shapeset_1k", "digits"):
        first, second = points._streams(data, (0, 1), "cpu").values()  # type: ignore[arg-type]
        assert isinstance(first, datasets.DatasetStream)
        assert isinstance(second, datasets.DatasetStream)
        assert first.dataset.images.data_ptr() == second.dataset.images.data_ptr(), data
    for images, own in passes:
        assert torch.equal(own.bincount(), labels.bincount())
        assert {x.numpy().tobytes() for x in images} == {x.numpy().tobytes() for x in there}
