"""Long runs: rates of second order, tied and frozen parameters, and stops that leave no trace."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from glorot2010 import runs, second_order
from glorot2010.cuda import DeviceWatch
from glorot2010.runs import (
    CheckpointError,
    Run,
    SecondOrder,
    load,
    log_prior,
    pack,
    random_biases,
    save,
    tie,
)
from xavier import files, training
from xavier.network import Network
from xavier.training import train

N_IN, CLASSES = 6, 3


class Pool:
    """A stream that passes over examples drawn once, and knows where it is."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.seed, self.given = seed, 0
        self.x = torch.randn(997, N_IN, generator=generator, dtype=torch.float64)
        self.y = self.x[:, :CLASSES].argmax(1)

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        index = torch.arange(self.given, self.given + n) % len(self.y)
        self.given += n
        return self.x[index], self.y[index]

    def state(self) -> dict[str, Any]:
        return {"seed": self.seed, "given": self.given}

    def restore(self, state: dict[str, Any]) -> None:
        assert state["seed"] == self.seed
        self.given = state["given"]


TEST = Pool(9).batch(50)


def make(seeds: tuple[int, ...] = (0, 1), activation: str = "tanh", **kwargs: Any) -> Network:
    arguments = {"sizes": (N_IN, 5, 4, CLASSES), "rule": "he", "dtype": torch.float64, **kwargs}
    return Network.create(activation=activation, seeds=seeds, **arguments)


def pools(*seeds: int) -> dict[int, Pool]:
    return {seed: Pool(seed) for seed in seeds}


def parameters(network: Network) -> list[Tensor]:
    return [*network.w, *network.b]


def close(ours: Iterable[Tensor], theirs: Iterable[Tensor]) -> None:
    """A hundred steps of rounding errors near 1e-16, hardly amplified at the rates used here."""
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


# --------------------------------------------------------------------------------------------------
# Second order
# --------------------------------------------------------------------------------------------------

KINDS = {"hessian": second_order.diagonal_hessian, "variance": second_order.gradient_variance}


def gradients(network: Network, r: int, x: Tensor, y: Tensor) -> list[Tensor]:
    """Of one tanh replica, by autograd: weights by layer, then biases."""
    parts = [p[r].clone().requires_grad_() for p in parameters(network)]
    w, b = parts[: len(network.w)], parts[len(network.w) :]
    for i, (w_i, b_i) in enumerate(zip(w, b, strict=True)):
        x = (torch.tanh(x) if i else x) @ w_i + b_i
    return list(torch.autograd.grad(nn.functional.cross_entropy(x, y), parts))


@pytest.mark.parametrize("kind", KINDS)
def test_second_order_rates_equal_a_hand_written_loop_with_autograd(kind: Any) -> None:
    """Estimates before updates 0, 30, 60 and 90, on the next 80 examples of each replica's seed."""
    seeds, lr = (3, 8, 3), torch.tensor([0.1, 0.5, 0.3], dtype=torch.float64)
    network, by_hand = (make(seeds, rule=["standard", "glorot", "he"]) for _ in range(2))
    how = SecondOrder(kind, damping=0.3, every=30, examples=80)
    Run(network, pools(3, 8), lr=lr, batch_size=8, second_order=how).run(100)
    streams = pools(3, 8)
    for update in range(100):
        if update % 30 == 0:
            ahead = pools(3, 8)
            for seed, stream in ahead.items():
                stream.restore(streams[seed].state())
            drawn = {seed: stream.batch(80) for seed, stream in ahead.items()}
            x, y = (torch.stack([drawn[seed][k] for seed in seeds]) for k in (0, 1))
            found = second_order.rates(KINDS[kind](by_hand, x, y), lr, 0.3)
        batches = {seed: stream.batch(8) for seed, stream in streams.items()}
        slopes = [gradients(by_hand, r, *batches[s]) for r, s in enumerate(seeds)]
        rates = [*found.w, *found.b]
        for i, (parameter, rate) in enumerate(zip(parameters(by_hand), rates, strict=True)):
            parameter.sub_(rate * torch.stack([slope[i] for slope in slopes]))
        if update == 0:
            spread = torch.cat([rate[0].flatten() for rate in rates]) / lr[0]
            assert spread.min() < 0.8 and spread.max() > 1.2  # rates do differ
    close(parameters(network), parameters(by_hand))


@pytest.mark.parametrize(
    ("every", "batch_size", "examples", "expected"),
    [
        (100, 10, 1000, {0: 1000, 100: 1000, 200: 1000, 300: 200}),  # 20 updates are left
        (130, 300, 500, {0: 500, 130: 500, 260: 500}),  # three updates are fetched together
        (40, 10, 500, {u: 400 if u < 320 else 0 for u in range(0, 320, 40)}),
    ],
)
def test_curvature_is_estimated_every_so_many_updates_on_the_next_examples(
    every: int, batch_size: int, examples: int, expected: dict[int, int]
) -> None:
    network, seen, streams = make(), dict[int, int](), pools(0, 1)

    def look(at: Network, x: Tensor, y: Tensor, *rest: Any) -> second_order.Diagonal:
        seen[network.updates] = x.shape[1]
        start = network.updates * batch_size
        index = torch.arange(start, start + x.shape[1]) % 997
        assert torch.equal(x[1], streams[1].x[index])  # the next of its seed
        return KINDS["hessian"](at, x, y, *rest)

    how = SecondOrder("hessian", every=every, examples=examples)
    with mock.patch.object(second_order, "diagonal_hessian", look):
        Run(network, streams, lr=0.01, batch_size=batch_size, second_order=how).run(320)
    assert seen == expected


@pytest.mark.parametrize(
    ("parts", "plain_ones"),
    [("all", []), ("no_output_bias", ["b2"]), ("output", ["w0", "b0", "w1", "b1"])],
)
def test_own_rates_of_some_parameters_leave_the_others_at_the_plain_rate(
    parts: runs.OwnRates, plain_ones: list[str]
) -> None:
    some, every, none = make(), make(), make()
    how = SecondOrder("hessian", every=20, examples=50)
    Run(some, pools(0, 1), lr=0.3, second_order=dataclasses.replace(how, parts=parts)).run(1)
    Run(every, pools(0, 1), lr=0.3, second_order=how).run(1)
    Run(none, pools(0, 1), lr=0.3).run(1)
    for name in (f"{kind}{layer}" for kind in "wb" for layer in range(3)):
        found, own, plain = (getattr(n, name[0])[int(name[1])] for n in (some, every, none))
        torch.testing.assert_close(found, plain if name in plain_ones else own)
        assert not torch.allclose(own, plain, rtol=1e-4, atol=1e-6), name


def test_a_replica_that_diverges_by_second_order_rates_costs_the_others_nothing() -> None:
    how = SecondOrder("hessian", every=7, examples=50)
    network, alone = make(activation="relu"), make((0,), "relu")
    rates = torch.tensor([0.1, 1e200], dtype=torch.float64)
    rows = Run(network, pools(0, 1), lr=rates, second_order=how).run(30, every=10)
    Run(alone, pools(0), lr=0.1, second_order=how).run(30)
    assert network.diverged.tolist() == [-1, 2]
    assert rows[rows.quantity == "diverged"]["update"].tolist() == [2]
    close([x[0] for x in parameters(network)], [x[0] for x in parameters(alone)])
    assert all(x[1].isfinite().all() for x in parameters(network))


# --------------------------------------------------------------------------------------------------
# Frozen, tied, begun at the prior
# --------------------------------------------------------------------------------------------------


def test_without_options_it_is_plain_training_to_the_bit() -> None:
    ours, theirs = make(), make()
    first = Run(ours, pools(0, 1), lr=0.3, test=TEST).run(130, every=20)
    second = train(theirs, pools(0, 1), lr=0.3, test=TEST, updates=130, every=20)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert all(map(torch.equal, parameters(ours), parameters(theirs)))


@pytest.mark.parametrize("how", [None, SecondOrder("variance", every=20, examples=50)])
@pytest.mark.parametrize(
    ("freeze", "held"), [("freeze_output_bias", ["b2"]), ("freeze_first_layer", ["w0", "b0"])]
)
def test_what_is_frozen_stays_and_only_that(
    freeze: str, held: list[str], how: SecondOrder | None
) -> None:
    frozen, plain, before = make(), make(), make()
    Run(frozen, pools(0, 1), lr=0.3, second_order=how, **{freeze: True}).run(1)  # type: ignore[arg-type]
    Run(plain, pools(0, 1), lr=0.3, second_order=how).run(1)
    for name in (f"{kind}{layer}" for kind in "wb" for layer in range(3)):
        ours, theirs, then = (getattr(n, name[0])[int(name[1])] for n in (frozen, plain, before))
        assert torch.equal(ours, then if name in held else theirs), name
        assert not torch.equal(theirs, then)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_prior_is_the_logarithm_of_the_frequencies(dtype: torch.dtype) -> None:
    network, before = make(dtype=dtype), make(dtype=dtype)
    log_prior(network, torch.tensor([0, 2, 1, 1, 2, 2, 2, 2]))
    expected = torch.tensor([1 / 8, 2 / 8, 5 / 8], dtype=torch.float64).log().to(dtype)
    # To the last digits of the dtype, with which the logarithm is rounded.
    rounding = 2 * torch.finfo(dtype).eps
    torch.testing.assert_close(network.b[-1], expected.expand(2, -1), rtol=rounding, atol=0)
    assert all(map(torch.equal, parameters(network)[:-1], parameters(before)[:-1]))


@pytest.mark.parametrize("labels", [[0, 1, 1], [0, 1, 2, 3]])
def test_labels_without_frequencies_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels must hold each of 3 classes, got counts"):
        log_prior(make(), torch.tensor(labels))


def test_random_biases_are_normal_one_draw_a_seed_and_none_of_the_output() -> None:
    sizes = (N_IN, 4000, 4000, CLASSES)
    network, before = (make((0, 0), sizes=sizes, dtype=torch.float32) for _ in range(2))
    random_biases(network, 0.05)
    first, second = network.b[:2]
    drawn = torch.cat([first[0], second[0]]).double()
    assert float(drawn.mean()) == pytest.approx(0, abs=5 * (0.05 / len(drawn)) ** 0.5)
    assert float(drawn.var()) == pytest.approx(0.05, rel=5 * (2 / len(drawn)) ** 0.5)
    assert float((drawn.abs() < 0.05**0.5).double().mean()) == pytest.approx(0.683, abs=0.03)
    assert not torch.equal(first[0], second[0])
    for b in (first, second):  # both replicas are of one seed
        assert torch.equal(b[0], b[1])
    assert not network.b[-1].any() and all(map(torch.equal, network.w, before.w))
    other = make(sizes=sizes, dtype=torch.float32)
    random_biases(other, 0.05)
    assert not torch.equal(other.b[0][0], other.b[0][1])


def tied_network(hidden: int = 4, dtype: torch.dtype = torch.float64) -> Network:
    network = make(sizes=(N_IN, *[5] * hidden, CLASSES), dtype=dtype)
    tie(network)
    return network


def test_tied_layers_move_together_by_the_mean_of_their_updates() -> None:
    tied, free = tied_network(), tied_network()
    start = free.w[1].clone()
    Run(tied, pools(0, 1), lr=0.1, tied=True).run(1)
    Run(free, pools(0, 1), lr=0.1).run(1)
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
    run = Run(network, pools(0, 1), lr=0.1, tied=True)
    run.run(5)
    before = [x[1].clone() for x in parameters(network)]
    network.diverged[1] = 5
    run.run(20)
    for ours, theirs in zip(parameters(network), before, strict=True):
        assert torch.equal(ours[1], theirs) and not torch.equal(ours[0], theirs)
    assert torch.equal(network.w[1], network.w[7])


def test_layers_of_several_widths_are_not_tied() -> None:
    with pytest.raises(ValueError, match=r"hidden layers of one width, got \(5, 4\)"):
        tie(make())


# --------------------------------------------------------------------------------------------------
# The file
# --------------------------------------------------------------------------------------------------

OF: dict[str, Any] = {"sizes": [4, 3], "rates": [0.1, 0.30000001192092896], "second_order": None}
STATE: dict[str, Any] = {
    "w": [torch.tensor([[0.1, -0.0], [math.nan, math.inf]]), torch.empty(0, 3)],
    "diverged": torch.tensor([-1, 2**62]),
    "streams": {0: {"position": 70, "name": "Größe"}},
    "half": torch.tensor([0.1], dtype=torch.bfloat16),
}


def bits(value: Any) -> Any:
    """What equals another such value only if all numbers do, to the bit."""
    if isinstance(value, Tensor):
        numbers = value.contiguous().reshape(-1).view(torch.uint8).tolist()
        return [str(value.dtype), list(value.shape), numbers]
    if isinstance(value, dict):
        return {key: bits(part) for key, part in value.items()}
    return [bits(part) for part in value] if isinstance(value, list | tuple) else value


def test_what_is_saved_comes_back_to_the_bit_in_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "run.checkpoint"
    assert load(path, OF) is None
    save(path, OF, {"w": []})
    save(path, OF, STATE)
    assert bits(load(path, OF)) == bits(STATE)
    assert list(path.parent.iterdir()) == [path]


COLUMNS = {
    "number": st.floats(width=32),
    "count": st.integers(-(2**63), 2**63 - 1),
    "text": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "yes": st.booleans(),
}


@settings(max_examples=50)
@given(st.lists(st.fixed_dictionaries(COLUMNS), max_size=5), st.booleans())
def test_tables_come_back_to_the_bit(rows: list[dict[str, Any]], single: bool) -> None:
    table = pd.DataFrame(rows)
    if single and rows:
        table["number"] = table["number"].astype("float32")
    again = runs.unpack(pack(table))
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    for name in set(table) & {"number"}:
        assert again[name].to_numpy().tobytes() == table[name].to_numpy().tobytes()


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    save(path, OF, STATE)
    whole = path.read_bytes()
    for at in {0, 63, 64, len(whole) - 1, *range(65, len(whole), len(whole) // 50)}:
        for spoilt in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            path.write_bytes(spoilt)
            with pytest.raises(CheckpointError, match=r"damaged or cut short.*; delete it"):
                load(path, OF)


def test_a_checkpoint_from_before_an_option_is_not_of_a_run_that_uses_it(tmp_path: Path) -> None:
    """And one of a run with an option that this version lacks is not of one of this version."""
    path = tmp_path / "run.checkpoint"
    for saved, asked in ((OF, {**OF, "frozen": True}), ({**OF, "frozen": True}, OF)):
        save(path, saved, STATE)
        with pytest.raises(CheckpointError, match="of another run, which differs in frozen;"):
            load(path, asked)


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["EVIL"],)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the file's seal is right."""
    path, made = tmp_path / "run.checkpoint", tmp_path / "made"
    monkeypatch.setenv("EVIL", str(made))
    save(path, OF, {"w": Evil()})
    with pytest.raises(CheckpointError, match="it is no checkpoint"):
        load(path, OF)
    assert not made.exists()


# --------------------------------------------------------------------------------------------------
# Stopped and taken up again
# --------------------------------------------------------------------------------------------------


def watch(update: int, network: Network) -> pd.DataFrame | None:
    """Numbers, and text that is missing at first; columns come and go."""
    if update % 5 == 0:
        return None
    rest: dict[str, Any] = {"note": "äöü" if update > 40 else None, "even": update % 2 == 0}
    if update > 60:
        rest["more"] = f"update {update}"
    mean = network.w[0].double().mean((1, 2)).tolist()
    return pd.DataFrame({"update": update, "mean": mean, **rest})


def begin(**changed: Any) -> Run:
    """Three small replicas, of which the second diverges at once."""
    said = {"activation": "relu", "seeds": (0, 1, 0), "gain": 1.0, "sizes": (N_IN, 5, 4, CLASSES)}
    network = make(**{key: changed.pop(key, value) for key, value in said.items()})
    if changed.get("tied"):
        tie(network)
    lr = torch.tensor([0.1, 1e200, 0.3], dtype=torch.float64)
    arguments: dict[str, Any] = {"lr": lr, "test": TEST, "monitor": watch, **changed}
    return Run(network, pools(*network.seeds), **arguments)


def summary(run: Run) -> dict[str, Any]:
    """All that a run leaves, so that equal means equal to the bit."""
    tables = [run.measured, run.monitored]
    return json.loads(
        json.dumps(
            {
                "parameters": bits(parameters(run.network)),
                "diverged": run.network.diverged.tolist(),
                "updates": [run.made, run.network.updates],
                "streams": [stream.state() for stream in run._batches.streams.values()],
                "dtypes": [[str(dtype) for dtype in table.dtypes] for table in tables],
                "rows": [table.to_csv(float_format=float.hex) for table in tables],
            }
        )
    )


class Stop(BaseException):
    """What stops a run, as Ctrl-C does; nothing catches it."""


def stop_before(updates: int) -> Any:
    """Let so many updates be made, of any network, and raise `Stop` in the place of the next."""
    update, left = Network.update, updates

    def counted(network: Network, *arguments: Any, **named: Any) -> Tensor:
        nonlocal left
        if not left:
            raise Stop
        left -= 1
        return update(network, *arguments, **named)

    return mock.patch.object(Network, "update", counted)


CASES: dict[str, dict[str, Any]] = {
    "plain": {"batch_size": 20},
    "hessian": {"second_order": SecondOrder("hessian", every=70, examples=20)},
    "variance, frozen": {
        "second_order": SecondOrder("variance", every=33, examples=9),
        "freeze_output_bias": True, "freeze_first_layer": True, "cost": "quadratic",
        "activation": "softsign",
    },
    "tied": {"tied": True, "sizes": (N_IN, 5, 5, 5, CLASSES), "test": None},
    "one look": {"monitor": None, "batch_size": 300},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stops", [[0], [1, 0, 101], [130, 57, 60]])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    tmp_path: Path, case: str, stops: list[int]
) -> None:
    whole, path = begin(**CASES[case]), tmp_path / "run.checkpoint"
    whole.run(250, every=20, at=[3])
    for stop in stops:
        with stop_before(stop), pytest.raises(Stop):
            begin(**CASES[case]).run(250, every=20, at=[3], checkpoint=path, save_every=0.0)
    last = begin(**CASES[case])
    last.run(250, every=20, at=[3], checkpoint=path)
    assert summary(last) == summary(whole)
    with stop_before(0):  # nothing is left to be done
        last.run(250, every=20, at=[3], checkpoint=path)
    assert summary(last) == summary(whole)


def test_what_was_stopped_may_itself_go_on(tmp_path: Path) -> None:
    """As in a notebook, whose objects are still there, in whatever state."""
    path, whole, stopped = tmp_path / "run.checkpoint", begin(), begin()
    whole.run(350, every=20)
    for stop in (130, 57, 60):
        with stop_before(stop), pytest.raises(Stop):
            stopped.run(350, every=20, checkpoint=path, save_every=0.0)
    stopped.run(350, every=20, checkpoint=path)
    assert summary(stopped) == summary(whole)


def test_it_is_saved_every_so_many_seconds_and_at_the_end(tmp_path: Path) -> None:
    """Of four hundred updates each hundred takes twenty seconds."""
    for seconds, times in ((0.0, 4), (20.0, 4), (25.0, 2), (1e9, 1)):
        now = [0.0]

        def look(update: int, network: Network, now: list[float] = now) -> None:
            now[0] += 20.0 if update else 0.0

        with (
            mock.patch.object(time, "monotonic", lambda now=now: now[0]),
            mock.patch.object(files, "replace") as replace,
        ):
            run = begin(monitor=look)
            run.run(400, every=100, checkpoint=tmp_path / "run", save_every=seconds)
        assert replace.call_count == times


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "rate": ({"lr": 0.2}, {}, "rates"),
    "batch size": ({"batch_size": 5}, {}, "batch_size"),
    "cost": ({"cost": "quadratic"}, {}, "cost"),
    "weights": ({"gain": 0.5}, {}, "weights"),
    "activation": ({"activation": "tanh"}, {}, "activation"),
    "streams": ({"seeds": (0, 2, 0)}, {}, "seeds, streams, weights"),
    "rates of their own": ({"second_order": SecondOrder("hessian")}, {}, "second_order"),
    "frozen biases": ({"freeze_output_bias": True}, {}, "freeze_output_bias"),
    "frozen layer": ({"freeze_first_layer": True}, {}, "freeze_first_layer"),
    "no test": ({"test": None}, {}, "test"),
    "other labels": ({"test": (TEST[0], TEST[1].flip(0))}, {}, "test"),
    "other images": ({"test": (2 * TEST[0], TEST[1])}, {}, "test"),
    "longer": ({}, {"updates": 200}, "due, updates"),
    "measured elsewhere": ({}, {"at": [7]}, "due"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_runs_checkpoint_is_refused_and_nothing_is_changed(
    tmp_path: Path, case: str
) -> None:
    changed, said, differ = OTHERS[case]
    path = tmp_path / "run.checkpoint"
    begin().run(130, every=20, checkpoint=path)
    other, as_it_was, before = begin(**changed), begin(**changed), path.read_bytes()
    with pytest.raises(CheckpointError, match=f"of another run, which differs in {differ};"):
        other.run(**{"updates": 130, "every": 20, "checkpoint": path, **said})
    assert summary(other) == summary(as_it_was)
    assert path.read_bytes() == before


@pytest.mark.parametrize("spoil", [dict.clear, lambda state: state.update(w=[torch.zeros(1, 7)])])
def test_a_checkpoint_of_no_runs_state_is_refused(tmp_path: Path, spoil: Any) -> None:
    path, run = tmp_path / "run.checkpoint", begin()
    run.run(130, every=20, checkpoint=path)
    of = {**run._of, "updates": 130, "due": sorted(training.measured_updates(130, 20, ()))}
    state = load(path, of)
    assert state is not None
    spoil(state)
    save(path, of, state)
    with pytest.raises(CheckpointError, match=r"nothing of where this run is.*; delete it"):
        begin().run(130, every=20, checkpoint=path)


def child(folder: Path, pipe: int | None = None) -> None:
    """Train to the end and leave a summary; ``pipe`` hears of every measurement."""
    run = begin(monitor=lambda update, network: pipe and os.write(pipe, b".") and None)
    path = None if pipe is None else folder / "run.checkpoint"
    run.run(600, every=9, checkpoint=path, save_every=0.0)
    files.replace(folder / "summary.json", json.dumps(summary(run)).encode())


def main(folder: Path) -> None:
    """Kill processes at random moments, each going on where the one before it was killed."""
    torch.set_num_threads(1)
    training.FETCHED = 30  # updates fetched together are three, after which it is saved
    chance, places = random.Random(0), list[str]()
    while not (folder / "summary.json").exists():
        hear, tell = os.pipe()
        process = multiprocessing.get_context("fork").Process(target=child, args=(folder, tell))
        process.start()
        os.close(tell)
        for _ in range(chance.randint(0, 12)):
            os.read(hear, 1)  # at the end at once
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        process.join()
        os.close(hear)
        path = folder / "run.checkpoint"
        places.append(hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "")
    found = (folder / "summary.json").read_text()
    child(folder)
    print(json.dumps([found == (folder / "summary.json").read_text(), len(set(places))]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    same, places = json.loads(done.stdout)
    assert same and places >= 4  # there was something to lose and to go on from


# --------------------------------------------------------------------------------------------------
# Recorded graphs
# --------------------------------------------------------------------------------------------------


def test_divergence_noted_on_the_device_is_what_the_network_would_have_noted() -> None:
    """A replica with an absurd rate diverges and stops; to the bit, as neither path rounds."""
    pair = [Network.create([20, 30, 30, 4], "relu", "he", seeds=[0, 1, 2]) for _ in range(2)]
    rates = torch.tensor([0.01, 1e30, 0.1])
    watched = DeviceWatch.of(pair[1])
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        x = torch.randn(3, 5, 20, generator=generator)
        y = torch.randint(4, (3, 5), generator=generator)
        plain = pair[0].update(x, y, rates, "cross_entropy")
        costs = pair[1].update(x, y, rates, "cross_entropy", stop=watched.stop)
        assert torch.equal(plain.nan_to_num(-1.0), costs.nan_to_num(-1.0))
    assert int(pair[1].diverged.max()) == -1  # not yet told
    watched.give(pair[1])
    assert pair[0].updates == pair[1].updates == 30
    assert torch.equal(pair[0].diverged, pair[1].diverged) and 0 < pair[0].diverged[1] < 30
    assert all(map(torch.equal, parameters(pair[0]), parameters(pair[1])))


@pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="no CUDA device: install torch with CUDA (pip install torch) where an NVIDIA GPU is",
)
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_training_on_another_device_is_the_same_to_rounding(kind: Any, tmp_path: Path) -> None:
    """And a run there that is stopped and taken up again is the same to the bit."""
    said = {
        "second_order": kind and SecondOrder(kind, every=50),
        "freeze_output_bias": True, "monitor": None,
    }  # fmt: skip

    def start(device: str, monitor: training.Monitor | None = None) -> Run:
        network = make((0, 1, 0), "relu", device=device)
        lr = torch.tensor([0.1, 0.3, 1e200], dtype=torch.float64)
        return Run(network, pools(0, 1), lr=lr, test=TEST, **{**said, "monitor": monitor})

    def stop(update: int, network: Network) -> None:
        if update == 110:
            raise Stop

    here, there, again = start("cpu"), start("cuda"), start("cuda")
    here.run(120, every=10)
    there.run(120, every=10)
    with pytest.raises(Stop):
        start("cuda", stop).run(120, every=10, checkpoint=tmp_path / "run", save_every=0.0)
    again.run(120, every=10, checkpoint=tmp_path / "run")
    assert all(map(torch.equal, parameters(again.network), parameters(there.network)))
    pd.testing.assert_frame_equal(again.measured, there.measured, check_exact=True)
    pd.testing.assert_frame_equal(here.measured, there.measured, rtol=1e-9, atol=1e-12)
    assert here.network.diverged.tolist() == there.network.diverged.tolist() == [-1, -1, 2]
    for a, b in zip(parameters(here.network), parameters(there.network), strict=True):
        np.testing.assert_allclose(a[:2].numpy(), b[:2].cpu().numpy(), rtol=1e-9, atol=1e-10)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
