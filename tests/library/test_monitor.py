"""The instruments against direct computations, and ``watch`` against doing nothing.

References are NumPy's in float64, written from the definitions. Both sides add the same numbers in
another order, so they differ by some units of 2.2e-16 times the largest sum; `CLOSE` allows 1e-11.
"""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from xavier import monitor, summaries
from xavier.activations import ACTIVATIONS
from xavier.network import Gradients, Network, Trace

CLOSE = {"rtol": 1e-11, "atol": 1e-13}
SIZES = (6, 8, 5, 7, 4)
BATCH = 11


def passes(
    activation: str = "tanh",
    *,
    sizes: tuple[int, ...] = SIZES,
    batch: int = BATCH,
    gains: tuple[float, ...] = (0.7, 1.5, 3.0),
    dtype: torch.dtype = torch.float64,
    own: bool = False,
) -> tuple[Network, Trace, Gradients, Tensor]:
    """A network with biases, a replica for each gain, and its passes; ``own`` examples for each."""
    network = Network.create(
        sizes, activation, "glorot", seeds=range(len(gains)), gain=gains, dtype=dtype
    )
    generator = torch.Generator().manual_seed(5)
    for b in network.b:
        b.normal_(0, 0.3, generator=generator)
    shape = (len(gains), batch) if own else (batch,)
    x = torch.randn(*shape, sizes[0], dtype=dtype, generator=generator)
    y = torch.randint(sizes[-1], shape, generator=generator)
    trace = network.forward(x)
    return network, trace, network.backward(trace, y), y


def value(rows: pd.DataFrame, **where: Any) -> float:
    """The one value of a table in the rows that ``where`` names."""
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1, f"{len(rows)} rows where {where}"
    return float(rows["value"].iloc[0])


def described(values: np.ndarray, activation: str | None = None) -> dict[str, float]:
    """All statistics of values (examples, ...), from their definitions."""
    values = values.astype(float)
    slopes = {
        "sigmoid": lambda z: 4 * z * (1 - z),
        "tanh": lambda z: 1 - z**2,
        "softsign": lambda z: (1 - np.abs(z)) ** 2,
        "relu": lambda z: np.where(z > 0, 1.0, 0.0),
        "identity": np.ones_like,
    }
    found = {
        "mean": values.mean(),
        "std": values.std(),
        "std_over_inputs": math.sqrt(values.var(axis=0).mean()),
        "p02": np.percentile(values, 2),
        "p98": np.percentile(values, 98),
    }
    if activation:
        found["saturated"] = (slopes[activation](values) <= 0.05).mean()
    return found


def products(trace: Trace, gradients: Gradients, i: int, r: int) -> np.ndarray:
    """Every example's own gradient by the weights, (B, n_i, n_{i+1}), by eq. 3."""
    delta = gradients.s[i][r].numpy() * trace.s[i].shape[1]
    return np.einsum("bj,bk->bjk", trace.z[i][r].numpy(), delta)


# --------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_statistic_is_numpys(activation: str, own: bool) -> None:
    network, trace, gradients, _ = passes(activation, own=own)
    rows = monitor.statistics(network, trace, gradients, step=7)
    expected = {}
    for r in range(network.replicas):
        for i in range(len(network.w)):
            layers = {
                "pre_activation": described(trace.s[i][r].numpy()),
                "back_gradient": described(gradients.s[i][r].numpy() * BATCH),
                "weight": described(network.w[i][r].numpy()),
                "weight_gradient": described(products(trace, gradients, i, r)),
            }
            if i + 1 < len(network.w):
                layers["activation"] = described(trace.z[i + 1][r].numpy(), activation)
            for quantity, statistics in layers.items():
                for statistic, number in statistics.items():
                    expected[7, r, i + 1, quantity, statistic] = number
    for key in list(expected):  # what has no such statistic
        if key[3:] in {("weight", "std_over_inputs")} | {
            ("weight_gradient", s) for s in ("std_over_inputs", "p02", "p98")
        }:
            del expected[key]
    assert list(rows.columns) == ["step", "replica", "layer", "quantity", "statistic", "value"]
    found = rows.set_index(list(rows.columns[:-1]))["value"]
    assert found.index.is_unique
    assert set(found.index) == set(expected)
    for key, number in expected.items():
        np.testing.assert_allclose(found[key], number, err_msg=str(key), **CLOSE)
    assert set(monitor.statistics(network, trace).step) == {0}


def test_gradients_and_activations_are_only_where_they_exist() -> None:
    network, trace, gradients, _ = passes()
    without = monitor.statistics(network, trace)
    assert set(without.quantity) == {"activation", "pre_activation", "weight"}
    rows = monitor.statistics(network, trace, gradients, quantities=["weight", "activation"])
    assert set(rows.quantity) == {"activation", "weight"}
    assert set(rows[rows.quantity == "activation"].layer) == {1, 2, 3}
    assert set(rows[rows.quantity == "weight"].layer) == {1, 2, 3, 4}
    assert monitor.statistics(network, trace, quantities=[]).empty


@pytest.mark.parametrize(
    ("level", "scale"),
    [(0.0, 0.01), (0.5, 0.01), (30.0, 0.01), (-1000.0, 0.01), (0.0, 1e-25), (0.0, 1e25)],
)
def test_what_values_have_in_common_takes_no_digits(level: float, scale: float) -> None:
    """Nor squares that are beyond single precision, in which watch adds up."""
    x = level + scale * torch.randn(50, 400, generator=torch.Generator().manual_seed(1))
    model = nn.PReLU(init=1.0)
    with monitor.watch(model) as record:
        model(x)
    rows = record.rows()
    for statistic, number in described(x.numpy()).items():
        if statistic[0] != "p":
            got = value(rows, quantity="output", statistic=statistic)
            assert got == pytest.approx(number, rel=1e-4, abs=1e-4 * scale)


def test_sums_of_single_precision_are_in_double() -> None:
    # Values that differ in their last few digits only: in single precision their spread drowns.
    network = Network.create((1, 1), "identity", "glorot", seeds=[0])
    network.w[0].fill_(1)
    x = 1000 + 0.01 * torch.randn(20_000, 1, generator=torch.Generator().manual_seed(1))
    rows = monitor.statistics(network, network.forward(x))
    expected = described(x.numpy())
    for statistic in ("mean", "std", "std_over_inputs"):
        got = value(rows, quantity="pre_activation", statistic=statistic)
        np.testing.assert_allclose(got, expected[statistic], rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_described(dtype: torch.dtype) -> None:
    network, trace, _, _ = passes(dtype=torch.float32)
    half = Network([w.to(dtype) for w in network.w], [b.to(dtype) for b in network.b], "tanh",
                   network.seeds)  # fmt: skip
    t = Trace([s.to(dtype) for s in trace.s], [z.to(dtype) for z in trace.z])
    rows = monitor.statistics(half, t, histogram={"activation": (-1, 1, 4)})
    got = value(rows, replica=1, layer=1, quantity="activation", statistic="p98")
    assert got == pytest.approx(np.percentile(t.z[1][1].float().numpy(), 98), rel=1e-6)


class LargestDouble(TorchDispatchMode):
    """Notes how many values the largest tensor in double precision has."""

    values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, Tensor) and x.dtype == torch.float64:
                self.values = max(self.values, x.numel())
        return out


def test_large_layers_are_described_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many values are in double precision at once."""
    network, trace, gradients, _ = passes(dtype=torch.float32, batch=100)
    layers = ("activation", "pre_activation", "back_gradient")
    with LargestDouble() as usual:
        whole = monitor.statistics(network, trace, gradients, quantities=layers)
    monkeypatch.setattr(summaries, "_CHUNK", 5 * max(SIZES))  # five examples of the widest
    with LargestDouble() as small:
        pieces = monitor.statistics(network, trace, gradients, quantities=layers)
    assert (usual.values, small.values) == (100 * max(SIZES), 4 * 5 * max(SIZES))
    np.testing.assert_allclose(pieces.value, whole.value, **CLOSE)


class Threads(TorchDispatchMode):
    """Notes on how many threads the operations ran whose last digits may depend on it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, int]] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("linalg_vector_norm", "_linalg_svd"):
            self.seen.add((name, torch.get_num_threads()))
        return func(*args, **(kwargs or {}))


def test_large_layers_are_described_on_one_thread() -> None:
    """Whatever the caller has set: the same numbers, to the bit."""
    before = torch.get_num_threads()
    network, trace, gradients, _ = passes(sizes=(800, 700, 2), gains=(1.0,), dtype=torch.float32)
    try:
        torch.set_num_threads(2)
        with Threads() as noted:
            monitor.statistics(network, trace, gradients)
            monitor.jacobian(network, trace, 0, examples=1)
            model = network.to_module()
            with monitor.watch(model):
                model(trace.z[0][0]).sum().backward()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert noted.seen == {("linalg_vector_norm", 1), ("_linalg_svd", 1)}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_diverged_replica_is_not_a_number_and_spoils_no_other(bad: float) -> None:
    network, trace, gradients, y = passes("identity")
    histogram = dict.fromkeys(monitor.QUANTITIES, (-1.0, 1.0, 4))
    before = monitor.statistics(network, trace, gradients, histogram=histogram)
    network.w[1][1, :, 0] = bad
    network.w[1][1, 0, 0] = -bad
    t = network.forward(trace.z[0])
    after = monitor.statistics(network, t, network.backward(t, y), histogram=histogram)
    others = after.replica != 1
    pd.testing.assert_frame_equal(after[others], before[others])
    # It is all lost where it is lost: nothing that looks like a measurement is left.
    last = after[~others & (after.layer == 4) & (after.quantity != "weight")]
    assert len(last)
    assert last.value.isna().all()
    assert (
        not after.value[~others & (after.layer == 1) & (after.quantity == "activation")]
        .isna()
        .any()
    )


def test_saturation_of_a_diverged_replica_is_not_a_number() -> None:
    network, trace, _, _ = passes("tanh")
    network.w[0][2] = math.nan
    rows = monitor.statistics(network, network.forward(trace.z[0]))
    rows = rows[rows.statistic == "saturated"]
    assert rows.value.isna().tolist() == (rows.replica == 2).tolist()


# ---------------------------------------------------------------------------------- densities


@pytest.mark.parametrize("activation", ["tanh", "relu"])  # relu: many values on an edge, 0
def test_densities_are_numpys(activation: str) -> None:
    network, trace, gradients, _ = passes(activation)
    histogram = {
        "activation": (-1.0, 1.0, 10),
        "pre_activation": (-0.5, 0.25, 7),
        "back_gradient": (-0.3, 0.3, 8),
        "weight": (-1.0, 1.0, 5),
        "weight_gradient": (-0.1, 0.1, 12),
    }
    rows = monitor.statistics(network, trace, gradients, histogram=histogram)
    plain = monitor.statistics(network, trace, gradients)
    assert list(rows.columns) == [*plain.columns[:-1], "at", "value"]
    density = rows.statistic == "density"
    rest = rows[~density]
    assert rest["at"].isna().all()
    pd.testing.assert_frame_equal(rest.drop(columns="at").reset_index(drop=True), plain)
    for r in range(network.replicas):
        for i in range(len(network.w)):
            layers = {
                "pre_activation": trace.s[i][r].numpy(),
                "back_gradient": gradients.s[i][r].numpy() * BATCH,
                "weight": network.w[i][r].numpy(),
                "weight_gradient": products(trace, gradients, i, r),
            }
            if i + 1 < len(network.w):
                layers["activation"] = trace.z[i + 1][r].numpy()
            for quantity, values in layers.items():
                low, high, number = histogram[quantity]
                counts, edges = np.histogram(values, number, (low, high))
                where = density & (rows.replica == r) & (rows.layer == i + 1)
                got = rows[where & (rows.quantity == quantity)]
                width = (high - low) / number
                np.testing.assert_allclose(got["at"], (edges[1:] + edges[:-1]) / 2, **CLOSE)
                np.testing.assert_allclose(got["value"], counts / (values.size * width), **CLOSE)


# ----------------------------------------------------------------------------------- Jacobians


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softsign", "relu"])
def test_jacobian_is_autograds(activation: str) -> None:
    network, trace, _, _ = passes(activation, batch=4)
    for i in range(len(network.w) - 1):
        rows = monitor.jacobian(network, trace, i)
        assert list(rows.columns) == ["replica", "layer", "index", "value", "square"]
        assert set(rows.layer) == {i}
        for r in range(network.replicas):
            w, b = network.w[i][r], network.b[i][r]
            singular = np.stack([
                np.linalg.svd(
                    torch.autograd.functional.jacobian(
                        lambda z, w=w, b=b: network.activation.value(z @ w + b), z
                    ).numpy(),
                    compute_uv=False,
                )
                for z in trace.z[i][r]
            ])  # fmt: skip
            got = rows[rows.replica == r]
            assert got["index"].tolist() == list(range(1, min(w.shape) + 1))
            np.testing.assert_allclose(got["value"], singular.mean(0), **CLOSE)
            np.testing.assert_allclose(got["square"], (singular**2).mean(0), **CLOSE)


def test_jacobian_uses_the_first_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    network, trace, _, _ = passes()
    some = monitor.jacobian(network, trace, 1, examples=3)
    first = network.forward(trace.z[0][:, :3])
    pd.testing.assert_frame_equal(some, monitor.jacobian(network, first, 1), rtol=1e-11)
    assert not np.allclose(some.value, monitor.jacobian(network, trace, 1).value)
    monkeypatch.setattr(monitor, "_CHUNK_SVD", 2 * network.w[1][0].numel())
    pd.testing.assert_frame_equal(some, monitor.jacobian(network, trace, 1, examples=3), rtol=1e-11)


def test_jacobian_of_a_diverged_replica_is_not_a_number() -> None:
    network, trace, _, _ = passes()
    before = monitor.jacobian(network, trace, 1)
    network.w[1][0, 0, 0] = math.nan
    rows = monitor.jacobian(network, network.forward(trace.z[0]), 1)
    assert rows.value.isna().tolist() == (rows.replica == 0).tolist()
    others = rows.replica != 0
    pd.testing.assert_frame_equal(rows[others], before[others], rtol=1e-11)
    assert rows.square.isna().tolist() == rows.value.isna().tolist()


# -------------------------------------------------------------------------------------- errors


def test_statistics_refuses_what_does_not_fit() -> None:
    network, trace, gradients, y = passes()
    other = passes(sizes=(6, 8, 4))
    shorter = network.backward(network.forward(trace.z[0][:, :4]), y[:4])
    bins = (0.0, 1.0, 5)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("trace must", {"trace": other[1], "gradients": None}),
        ("gradients must", {"gradients": other[2]}),
        ("gradients must", {"gradients": shorter}),
        ("quantities .*'wieght'; did you mean 'weight'", {"quantities": ["wieght"]}),
        ("quantities .*'back_gradient'", {"quantities": ["back_gradient"], "gradients": None}),
        ("histogram .*'z'", {"histogram": {"z": bins}}),
        ("histogram .*'weight'", {"quantities": ["activation"], "histogram": {"weight": bins}}),
        (r"histogram\['weight'\] .*ascending", {"histogram": {"weight": (1.0, 1.0, 5)}}),
        (r"histogram\['weight'\]\[2\] .*0", {"histogram": {"weight": (0.0, 1.0, 0)}}),
    ]
    for message, changes in cases:
        with pytest.raises(ValueError, match=message):
            monitor.statistics(network, **{"trace": trace, "gradients": gradients, **changes})


def test_jacobian_refuses_what_does_not_fit() -> None:
    network, trace, _, _ = passes()
    for layer in (-1, 3):
        with pytest.raises(ValueError, match="layer"):
            monitor.jacobian(network, trace, layer)
    for examples in (0, BATCH + 1):
        with pytest.raises(ValueError, match="examples"):
            monitor.jacobian(network, trace, 0, examples=examples)
    linear, t, _, _ = passes(sizes=(3, 2))
    with pytest.raises(ValueError, match="hidden layer"):
        monitor.jacobian(linear, t, 0)


# --------------------------------------------------------------------------------------- watch


class Residual(nn.Module):
    """Convolutions, one of them called twice, around a sum; the ReLU overwrites its input."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.body = nn.Conv2d(4, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.head(x)))
        x = x + self.body(self.act(self.body(x)))
        return self.out(self.pool(self.act(x)).flatten(1))


class Recurrent(nn.Module):
    """Modules that return tuples, and take integers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x, _ = self.lstm(self.embed(tokens))
        x, _ = self.attend(x, x, x)
        return self.out(x.mean(1))


class Tied(nn.Module):
    """Two layers, one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(6, 6)
        self.up = nn.Linear(6, 6)
        self.up.weight = self.down.weight
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.up(torch.tanh(self.down(x)))))


class Scale(nn.Module):
    """Somebody's own layer, with a weight of another name, that returns a mapping of a list."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((6,), 1.5))

    def forward(self, x: Tensor) -> dict[str, list[Tensor]]:
        return {"out": [x * self.scale]}


class Swish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = Scale()
        self.act = Swish()
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.act(self.scale(x)["out"][0]))


def mlp(depth: int = 3) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(6, 6), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(6, 3))


def nested() -> nn.Module:
    block = nn.Sequential(nn.Linear(6, 6), nn.ReLU(inplace=True), nn.Dropout(0.5))
    return nn.Sequential(nn.Sequential(block, nn.Sequential(nn.Linear(6, 6), nn.ELU())), block,
                         nn.LayerNorm(6), nn.Linear(6, 3))  # fmt: skip


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (mlp, (6,)),
    "nested and shared": (nested, (6,)),
    "convolutions": (Residual, (2, 6, 6)),
    "tuples": (Recurrent, (4,)),
    "tied": (Tied, (6,)),
    "own": (Own, (6,)),
    "one layer": (lambda: nn.Linear(6, 3), (6,)),
}


def make(name: str, seed: int = 0) -> tuple[nn.Module, Tensor, Tensor]:
    """The model, always the same, and a batch of eight."""
    build, shape = MODELS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build()
        x = torch.randint(5, (8, *shape)) if name == "tuples" else torch.randn(8, *shape)
        return model, x, torch.randint(3, (8,))


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


@contextmanager
def unwatched(_: nn.Module) -> Iterator[None]:
    yield


def hooks_on(model: nn.Module) -> list[str]:
    """All hooks of all modules and parameters, and those of torch on every module."""
    found = [
        name
        for name, held in vars(torch.nn.modules.module).items()
        if name.startswith("_global") and "hooks" in name and len(held)
    ]
    for name, part in model.named_modules():
        found += [
            f"{name}.{key}" for key, held in vars(part).items() if "_hooks" in key and len(held)
        ]
    return found + [name for name, p in model.named_parameters() if p._backward_hooks]


@pytest.mark.parametrize("name", MODELS)
def test_watching_changes_no_bit(name: str) -> None:
    """Three updates: losses, gradients, parameters, running averages and dropout."""
    outcomes = []
    for context in (monitor.watch, unwatched):
        model, x, y = make(name)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        outcome: list[Tensor] = []
        with torch.random.fork_rng():
            torch.manual_seed(3)
            with context(model):
                for _ in range(3):
                    optimizer.zero_grad()
                    loss = loss_of(model, x, y)
                    loss.backward()
                    outcome += [loss.detach(), *(p.grad.clone() for p in model.parameters())]
                    optimizer.step()
        outcomes.append([*outcome, *(t.clone() for t in model.state_dict().values())])
    assert len(outcomes[0]) == len(outcomes[1])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_hooks_are_gone_afterwards(name: str) -> None:
    model, x, y = make(name)
    assert hooks_on(model) == []
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
        assert hooks_on(model)
        pending = loss_of(model, x, y)
    assert hooks_on(model) == []
    rows = record.rows()
    loss_of(model, x, y).backward()
    pending.backward()  # begun inside, too late to be seen
    pd.testing.assert_frame_equal(record.rows(), rows)
    assert set(rows[rows.step == 1].quantity) == {"output", "weight"}


def test_hooks_are_gone_after_an_error_in_the_block() -> None:
    model, x, y = make("convolutions")
    with pytest.raises(KeyError, match="mine"), monitor.watch(model) as record:
        loss_of(model, x, y).backward()
        raise KeyError("mine")
    assert hooks_on(model) == []
    assert set(record.rows().quantity) == set(monitor.WATCHED)


def test_a_watch_is_for_one_block() -> None:
    """A second use is refused before it sets a hook, inside the first and after it."""
    model, x, y = make("mlp")
    with monitor.watch(model) as record:
        hooks = hooks_on(model)
        with (
            pytest.raises(RuntimeError, match=r"one with block.* call monitor.watch again"),
            record,
        ):
            pytest.fail("entered")
        assert hooks_on(model) == hooks
        loss_of(model, x, y).backward()
    assert hooks_on(model) == []
    assert set(record.rows().quantity) == set(monitor.WATCHED)
    with pytest.raises(RuntimeError, match="one with block"), record:
        pytest.fail("entered")
    assert hooks_on(model) == []


def test_an_error_in_a_forward_pass_ends_its_step() -> None:
    model, x, y = make("mlp")
    with monitor.watch(model) as record:
        with pytest.raises(RuntimeError):
            model(torch.zeros(2, 5))
        loss_of(model, x, y).backward()
        model[0](x)  # a part of its own is not a pass of the model
    assert hooks_on(model) == []
    rows = record.rows()
    assert set(rows.step) == {1}
    assert set(rows.order) == set(range(7))


def test_watch_agrees_with_statistics() -> None:
    network, trace, gradients, y = passes("tanh", gains=(1.5,))
    layers: list[nn.Module] = []
    for w, b in zip(network.w, network.b, strict=True):
        layers += [nn.Linear(*w.shape[1:], dtype=torch.float64), nn.Tanh()]
        layers[-2].weight.data, layers[-2].bias.data = w[0].T, b[0]
    model = nn.Sequential(*layers[:-1])
    bins = (-0.5, 0.5, 6)
    histogram = {"output": bins, "weight": bins}
    with monitor.watch(model, histogram=histogram) as record:
        loss_of(model, trace.z[0][0], y).backward()
    found = record.rows()
    found = found[~found.statistic.isin(["norm", "not_finite", "dead"])]  # of watch alone
    expected = monitor.statistics(
        network, trace, gradients,
        histogram={"activation": bins, "pre_activation": bins, "weight": bins},
    )  # fmt: skip
    compared = 0
    for order in range(len(model)):
        layer = order // 2 + 1
        pairs = [("output", "activation" if order % 2 else "pre_activation", 1.0)]
        if not order % 2:
            pairs += [("weight", "weight", 1.0), ("back_gradient", "back_gradient", BATCH)]
        for ours, theirs, factor in pairs:
            got = found[(found.order == order) & (found.quantity == ours)]
            want = expected[(expected.layer == layer) & (expected.quantity == theirs)]
            assert got.statistic.tolist() == want.statistic.tolist()
            np.testing.assert_array_equal(got["at"], want["at"])
            np.testing.assert_allclose(factor * got["value"], want["value"], **CLOSE)
            compared += len(got)
        if not order % 2:
            want_all = described(gradients.w[layer - 1][0].T.numpy())
            got = found[(found.order == order) & (found.quantity == "weight_gradient")]
            assert got.statistic.tolist() == ["mean", "std", "p02", "p98"]
            for statistic, number in zip(got.statistic, got["value"], strict=True):
                np.testing.assert_allclose(number, want_all[statistic], **CLOSE)
    assert compared == 4 * (11 + 10 + 5) + 3 * 12


def test_order_is_that_of_execution() -> None:
    model = nn.Sequential()
    for _ in range(12):
        model.append(nn.Sequential(nn.Linear(6, 6), nn.Tanh()))
    with monitor.watch(model) as record:
        model(torch.ones(2, 6))
    rows = record.rows().drop_duplicates("order")
    assert rows["name"].tolist() == [f"{k}.{j}" for k in range(12) for j in (0, 1)]
    assert rows["kind"].tolist() == ["Linear", "Tanh"] * 12
    assert rows["order"].tolist() == list(range(24))

    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(self.c(x)))

    backwards = Backwards()
    with monitor.watch(backwards) as record:
        assert record.rows().empty
        backwards(torch.ones(2, 4)).sum().backward()
    rows = record.rows()
    assert rows.drop_duplicates("order")["name"].tolist() == ["c", "a", "b"]
    assert list(rows.columns) == ["step", "order", "name", "kind", "quantity", "statistic", "value"]


def captured(model: nn.Module, x: Tensor, y: Tensor) -> list[tuple[nn.Module, Tensor, Tensor]]:
    """(module, output, gradient by it) of every leaf's execution, with in-place modules mended."""
    found: list[tuple[nn.Module, Tensor]] = []

    def keep(part: nn.Module, _: Any, output: Any) -> Tensor:
        output.retain_grad()
        found.append((part, output))
        return output.clone()  # which the next module may overwrite

    parts = [m for m in model.modules() if not list(m.children())]
    handles = [part.register_forward_hook(keep) for part in parts]
    loss_of(model, x, y).backward()
    for handle in handles:
        handle.remove()
    return [(part, output.detach(), output.grad) for part, output in found]


@pytest.mark.parametrize("name", ["convolutions", "mlp"])
def test_every_execution_has_its_output_and_gradient(name: str) -> None:
    """A module that is called twice has two entries; what is overwritten was described before."""
    model, x, y = make(name)
    model.double()
    x = x.double()
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    model.zero_grad()
    names = {part: key for key, part in model.named_modules()}
    expected = [e for e in captured(model, x, y) if not isinstance(e[0], nn.AdaptiveAvgPool2d)]
    assert rows.drop_duplicates("order")["name"].tolist() == [names[part] for part, *_ in expected]
    for order, (part, output, gradient) in enumerate(expected):
        for quantity, tensor in (("output", output), ("back_gradient", gradient)):
            for statistic, number in described(tensor.numpy()).items():
                where = {"order": order, "quantity": quantity, "statistic": statistic}
                np.testing.assert_allclose(value(rows, **where), number, rtol=1e-9, atol=1e-13)
        saturated = rows[(rows.order == order) & (rows.statistic == "saturated")]
        assert len(saturated) == isinstance(part, nn.ReLU | nn.Tanh)
    if name == "convolutions":
        twice = rows[rows["name"] == "body"]
        assert twice.order.nunique() == 2
        # One weight, one gradient: the sum over both uses, where it was used first.
        assert twice[twice.quantity == "weight_gradient"].order.unique() == [twice.order.min()]
        got = value(twice, quantity="weight_gradient", statistic="std")
        assert got == pytest.approx(model.body.weight.grad.std(correction=0).item(), rel=1e-9)


def test_a_weight_of_two_layers_has_one_gradient() -> None:
    model, x, y = make("tied")
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    for quantity in ("weight", "weight_gradient"):
        assert set(rows[rows.quantity == quantity]["name"]) == {"down", "out"}
    got = value(rows, name="down", quantity="weight_gradient", statistic="std")
    assert got == pytest.approx(model.down.weight.grad.std(correction=0).item(), rel=1e-5)


def test_tuples_mappings_and_several_weights() -> None:
    model, x, y = make("tuples")
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    outputs = rows[rows.quantity == "output"].drop_duplicates("order")
    assert outputs["kind"].tolist()[:3] == ["Embedding", "LSTM", "MultiheadAttention"]
    sequence, _ = model.lstm(model.embed(x))
    got = value(rows, name="lstm", quantity="output", statistic="std_over_inputs")
    assert got == pytest.approx(described(sequence.detach().numpy())["std_over_inputs"], rel=1e-5)
    for quantity, tensors in (
        ("weight", dict(model.named_parameters())),
        ("weight_gradient", {k: p.grad for k, p in model.named_parameters()}),
    ):
        part = rows[(rows.quantity == quantity) & (rows.kind == "LSTM")]
        assert set(part["name"]) == {"lstm.weight_ih_l0", "lstm.weight_hh_l0"}
        for name in set(part["name"]):
            expected = tensors[name].detach().std(correction=0).item()
            assert value(part, name=name, statistic="std") == pytest.approx(expected, rel=1e-5)

    model, x, y = make("own")
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    kinds = rows[rows.quantity == "output"].drop_duplicates("order")["kind"].tolist()
    assert kinds == ["Scale", "Sigmoid", "Swish", "Linear"]
    assert value(rows, name="scale", quantity="weight", statistic="mean") == 1.5
    expected_std = (1.5 * x).std(correction=0).item()
    got = value(rows, name="scale", quantity="output", statistic="std")
    assert got == pytest.approx(expected_std, rel=1e-5)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_without_gradients_there_are_none(context: Callable[[], Any]) -> None:
    model, x, _ = make("mlp")
    with monitor.watch(model) as record, context():
        model(x)
    assert set(record.rows().quantity) == {"output", "weight"}


def test_frozen_weights_have_no_gradient() -> None:
    model, x, y = make("mlp")
    model[0].weight.requires_grad_(False)
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    assert 0 not in set(rows[rows.quantity == "weight_gradient"].order)
    assert 0 in set(rows[rows.quantity == "weight"].order)


def test_every_pass_is_a_step() -> None:
    model, x, y = make("mlp")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    weights, slopes = [], []
    with monitor.watch(model) as record, monitor.watch(model, every=2) as sparse:
        for _ in range(4):
            weights.append(model[2].weight.std(correction=0).item())
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            slopes.append(model[2].weight.grad.std(correction=0).item())
            optimizer.step()
        assert record.rows().step.nunique() == 4  # readable inside
    rows = record.rows()
    for step in range(4):
        for quantity, expected in (("weight", weights), ("weight_gradient", slopes)):
            got = value(rows, step=step, order=2, quantity=quantity, statistic="std")
            assert got == pytest.approx(expected[step], rel=1e-5)
    kept = rows[rows.step % 2 == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(sparse.rows(), kept)


def test_a_second_backward_pass_replaces_the_first() -> None:
    model, x, y = make("mlp")
    with monitor.watch(model) as record:
        loss = loss_of(model, x, y)
        loss.backward(retain_graph=True)
        once = record.rows()
        (3 * loss).backward()
    rows = record.rows()
    gradients = rows.quantity.isin(["back_gradient", "weight_gradient"])
    assert len(rows) == len(once)
    assert gradients.sum()
    np.testing.assert_allclose(
        rows.value[gradients], 3 * once.value[gradients], rtol=1e-4, atol=1e-8
    )
    np.testing.assert_array_equal(rows.value[~gradients], once.value[~gradients])


def test_a_module_inside_itself_is_one_step() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x: Tensor, times: int = 2) -> Tensor:
            return self.layer(self(x, times - 1) if times else x)

    model = Again()
    with monitor.watch(model) as record:
        for _ in range(2):
            model(torch.ones(2, 3))
    entries = record.rows().drop_duplicates(["step", "order"])
    assert list(zip(entries.step, entries.order, strict=True)) == [
        (step, order) for step in (0, 1) for order in (0, 1, 2)
    ]


def test_recomputed_passes_are_not_counted() -> None:
    from torch.utils.checkpoint import checkpoint

    class Saving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.out = mlp(2), nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(checkpoint(self.body, x, use_reentrant=False))

    model = Saving()
    with monitor.watch(model) as record:
        loss_of(model, torch.ones(4, 6), torch.tensor([0, 1, 2, 0])).backward()
    rows = record.rows()
    assert set(rows.step) == {0}
    assert rows.drop_duplicates("order")["kind"].tolist() == ["Linear", "Tanh"] * 2 + ["Linear"] * 2


@pytest.mark.parametrize("grad", [True, False])
def test_no_tensor_is_kept(grad: bool) -> None:
    model, x, y = make("mlp")
    alive: list[weakref.ref[Tensor]] = []

    def follow(*arguments: Any) -> None:
        alive.append(weakref.ref(arguments[-1]))
        if grad:
            arguments[-1].register_hook(lambda g: alive.append(weakref.ref(g)))

    gc.collect()
    gc.disable()  # a reference in a circle counts as kept
    try:
        with monitor.watch(model) as record:
            for part in model:  # hooks after those of watch
                part.register_forward_hook(follow)
            with torch.set_grad_enabled(grad):
                loss = loss_of(model, x, y)
                if grad:
                    assert any(ref() is not None for ref in alive)
                    loss.backward()
            del loss
            assert len(alive) == (14 if grad else 7)
            assert not any(ref() is not None for ref in alive)
        owner = weakref.ref(model)
        del model, part
        assert owner() is None
        assert len(record.rows())
    finally:
        gc.enable()


def test_watch_describes_odd_tensors() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(2.0))

        def forward(self, x: Tensor) -> Tensor:
            return x.sum() * self.weight

    model = Odd()
    with monitor.watch(model) as record:
        model(torch.ones(3)).backward()
        model(torch.empty(0))
    rows = record.rows()
    assert value(rows, step=0, quantity="output", statistic="mean") == 6
    assert value(rows, step=0, quantity="weight_gradient", statistic="p98") == 3
    assert "std_over_inputs" not in set(rows.statistic)

    embedding = nn.Embedding(4, 2, sparse=True)
    with monitor.watch(embedding) as record:
        embedding(torch.tensor([1, 1, 3])).sum().backward()
        embedding(torch.empty(0, dtype=torch.int64))
    rows = record.rows()
    assert value(rows, quantity="weight_gradient", statistic="mean") == (2 + 1) / 4
    assert set(rows[rows.step == 1].quantity) == {"weight"}

    lazy = nn.Sequential(nn.LazyLinear(3))
    with monitor.watch(lazy) as record:
        lazy(torch.ones(2, 5)).sum().backward()
    assert set(record.rows().quantity) == set(monitor.WATCHED)
    assert set(record.rows().kind) == {"Linear"}


def test_watch_refuses_what_it_cannot_watch() -> None:
    def watching(*arguments: Any, **options: Any) -> None:
        with monitor.watch(*arguments, **options):
            pytest.fail("entered")

    for module, error, says in (
        (torch.tanh, TypeError, "module"),
        (nn.Sequential(nn.Flatten(), nn.Dropout()), ValueError, "module must have a layer"),
    ):
        with pytest.raises(error, match=says):
            watching(module)
    for options, error, says in (
        ({"every": 0}, ValueError, "every"),
        ({"histogram": {"activation": (0, 1, 5)}}, ValueError, "histogram"),
        ({"histogram": {"output": (1, 0, 5)}}, ValueError, "ascending"),
        ({"histogram": 3}, TypeError, r"histogram must map .*\(lower end, .*got 3"),
        ({"histogram": {"output": 3}}, TypeError, r"histogram\['output'\] must be \(lower.*got 3"),
        ({"histogram": {"output": (0, 1)}}, ValueError, r"\['output'\] must be \(lower.*\(0, 1\)"),
        ({"histogram": {"output": (0, math.inf, 5)}}, ValueError, r"\['output'\]\[1\] .*finite"),
    ):
        model = mlp()
        with pytest.raises(error, match=says):
            watching(model, **options)
        assert hooks_on(model) == []


def test_dead_units_are_told_apart_from_units_that_are_off_half_of_the_time() -> None:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 100), nn.ReLU())
    nn.init.normal_(model[0].weight, generator=generator)
    nn.init.zeros_(model[0].bias)
    x = torch.randn(1000, 10, generator=generator)
    for broken, share in ((False, 0.0), (True, 0.5)):
        if broken:
            with torch.no_grad():
                model[0].bias[:50], model[0].bias[50:] = -100.0, 100.0
        with monitor.watch(model) as record:
            model(x)
        rows = record.rows()
        assert value(rows, kind="ReLU", statistic="dead") == share
        assert value(rows, kind="ReLU", statistic="saturated") == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("part", "ends"),
    [(nn.ReLU6(), (0, 6)), (nn.Hardtanh(-2.0, 1.0), (-2, 1)), (nn.Hardsigmoid(), (0, 1))],
    ids=lambda value: type(value).__name__,
)
def test_pieces_of_lines_are_saturated_at_their_ends(
    part: nn.Module, ends: tuple[float, float]
) -> None:
    x = torch.linspace(-9, 9, 50)[:, None].repeat(1, 3)
    x[:, 0] = 8.0
    with monitor.watch(part) as record:
        z = part(x)
    share = ((z <= ends[0]) | (z >= ends[1])).double().mean().item()
    assert 0.4 < share < 1
    assert value(record.rows(), statistic="saturated") == pytest.approx(share)
    assert value(record.rows(), statistic="dead") == pytest.approx(1 / 3)


def test_norms_are_the_roots_of_sums_of_squares() -> None:
    model, x, y = make("mlp")
    with monitor.watch(model) as record:
        loss_of(model, x, y).backward()
    rows = record.rows()
    for quantity, tensor in (
        ("weight", model[2].weight),
        ("weight_gradient", model[2].weight.grad),
    ):
        got = value(rows, name="2", quantity=quantity, statistic="norm")
        assert got == pytest.approx(tensor.detach().double().norm().item(), rel=1e-5)


@pytest.mark.parametrize("backward", [False, True])
def test_the_first_layer_without_numbers_is_named(backward: bool) -> None:
    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if backward:  # finite, with an infinite slope
                return x + 0 * (x - x.detach()).abs().sqrt()
            return x / torch.tensor([1.0, 0, 1, 1, 1, 1])

    model = nn.Sequential(nn.Linear(6, 6), Breaks(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3))
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    with monitor.watch(model) as record:
        model[2](x)  # no pass of the model
        F.cross_entropy(model(x), torch.tensor([0, 1, 2, 0])).backward()
    last = str(record).splitlines()[-1]
    if backward:
        assert last == "first not finite: back_gradient of 0 (Linear) in step 0, 24 values"
    else:
        assert last == "first not finite: output of 1 (Breaks) in step 0, 4 values"
    counts = record.summary().set_index("name").not_finite
    assert (counts["0"] > 0) and (counts["2"] > 0) == (not backward)


def test_a_record_has_a_line_for_each_name() -> None:
    model, x, y = make("mlp")
    with monitor.watch(model) as record:
        for _ in range(2):
            loss_of(model, x, y).backward()
            with torch.no_grad():
                model[0].weight.mul_(3)
    rows, table = record.rows(), record.summary()
    assert table["name"].tolist() == [str(i) for i in range(7)]
    for column, quantity, statistic in (
        ("std", "output", "std"), ("back_gradient", "back_gradient", "std"),
        ("weight", "weight", "norm"),
    ):  # fmt: skip
        part = rows[(rows["name"] == "0") & (rows.quantity == quantity)]
        both = part[part.statistic == statistic].value
        assert len(both) == 2 and table[column][0] == pytest.approx(both.mean())
    assert table.dead.notna().tolist() == table.saturated.notna().tolist()
    assert not table.not_finite.any()
    lines = str(record).splitlines()
    assert lines[0] == "2 steps" and len(lines) == 2 + 7
    assert lines[1].split()[:4] == ["name", "kind", "std", "std_over_inputs"]
    assert "histogram" not in str(record)


def test_weights_outside_of_executed_modules_have_rows() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList([torch.ones(3, 3), 2 * torch.ones(3, 3)])
            self.idle = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.weights[0] @ self.weights[1]

    model = Listed()
    with monitor.watch(model) as record:
        for _ in range(2):
            model(torch.ones(2, 3)).sum().backward()
    rows = record.rows()
    for name, mean, slope in (("weights.0", 1.0, 12.0), ("weights.1", 2.0, 6.0)):
        for step in (0, 1):
            where = {"step": step, "name": name, "statistic": "mean"}
            assert value(rows, quantity="weight", **where) == mean
            assert value(rows, quantity="weight_gradient", **where) == slope
    assert set(rows[rows["name"] == "idle"].quantity) == {"weight"}

    attention = nn.MultiheadAttention(8, 2)
    with monitor.watch(attention) as record:
        attention(*[torch.randn(5, 3, 8)] * 3)[0].square().sum().backward()
    rows = record.rows()
    got = value(rows, name="out_proj", quantity="weight_gradient", statistic="norm")
    assert got == pytest.approx(attention.out_proj.weight.grad.norm().item(), rel=1e-5)
    assert value(rows, name="out_proj", quantity="weight", statistic="norm") > 0


@pytest.mark.parametrize("how", ["around", "inside", "in place", "behind its back"])
def test_compiled_modules_run_uncompiled_in_the_block(how: str) -> None:
    model, x, y = make("mlp")
    compiled = model
    if how == "in place":
        model.compile(backend="eager")
    elif how == "inside":
        model[0] = torch.compile(model[0], backend="eager")
    else:
        compiled = torch.compile(model, backend="eager")
    compiled(x)  # before there are hooks
    watched = model if how == "behind its back" else compiled
    with monitor.watch(watched) as record:
        loss_of(compiled, x, y).backward()
    plain, x, y = make("mlp")
    with monitor.watch(plain) as expected:
        loss_of(plain, x, y).backward()
    pd.testing.assert_frame_equal(record.rows(), expected.rows())
    compiled(x)


def test_a_block_that_recorded_nothing_says_so() -> None:
    class Asleep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            return torch.sin(x)

    model = Asleep()
    says = "^watch has no rows of Asleep: "
    with pytest.warns(UserWarning, match=says + "no forward pass of it"), monitor.watch(model):
        model.act(torch.ones(2))
    record = monitor.watch(model)
    with pytest.warns(UserWarning, match=says + "nothing in it was executed"), record:
        model(torch.ones(2))
    assert str(record) == "0 steps"
    with pytest.raises(KeyError), monitor.watch(model):
        raise KeyError  # an error says enough
    linear = nn.Linear(3, 1)
    weights = dict(linear.named_parameters())

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(linear, weights, (x,)).sum()

    with pytest.warns(UserWarning, match="nothing in it was executed"), monitor.watch(linear):
        slopes = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, torch.ones(4, 3))
    assert torch.equal(slopes["weight"], torch.ones(4, 1, 3))


def test_complex_parameters_are_refused_by_name() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"^module must be real, got .*64 in '1.weight'"):
        monitor.watch(model)


def test_percentiles_of_a_very_large_layer_are_those_of_an_even_sample() -> None:
    """Within five standard errors of a percentile of 2^16 uniform values, 6e-7 by chance."""
    network = Network.create([1000, 1000, 2], "tanh", "standard", seeds=[0])
    trace = network.forward(torch.zeros(1, 1000))
    rows = monitor.statistics(network, trace, quantities=["weight"])
    rows = rows[rows.layer == 1].set_index("statistic").value
    exact = np.quantile(network.w[0].numpy(), [0.02, 0.98])
    limit = 1000**-0.5
    error = 2 * limit * math.sqrt(0.02 * 0.98 / 2**16)
    assert abs(rows["p02"] - exact[0]) < 5 * error and abs(rows["p98"] - exact[1]) < 5 * error
    assert abs(rows["p02"] - exact[0]) > 0  # of a sample, and documented so
    layer = nn.Linear(500, 500)  # no more than a quarter of a million, which watch samples too
    with monitor.watch(layer) as record:
        layer(torch.zeros(1, 500))
    watched = record.rows()
    for share, name in ((0.02, "p02"), (0.98, "p98")):
        got = value(watched, quantity="weight", statistic=name)
        whole = np.quantile(layer.weight.detach().numpy(), share)
        assert 0 < abs(got - whole) < 5 * 500**-0.5 * 2 * math.sqrt(0.02 * 0.98 / 2**13)
    std = network.w[0].double().numpy().std()
    assert rows["std"] == pytest.approx(std, rel=1e-6)  # parts are added in single precision
