"""What is seen of passes, by `xavier.monitor.watch` beside modules too, and what is left behind.

The rest is tested with `xavier.monitor` and `xavier.diagnose`.
"""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xavier import hooks, monitor


def value(rows: pd.DataFrame, **where: Any) -> float:
    """The one value of a table in the rows that ``where`` names."""
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1, f"{len(rows)} rows where {where}"
    return float(rows["value"].iloc[0])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def mlp() -> nn.Sequential:
    """Two layers, always the same."""
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    for seed, parameter in enumerate(model.parameters()):
        parameter.data = normal(*parameter.shape, seed=seed)
    return model


# ---------------------------------------------------------------------------------- functions


class Functional(nn.Module):
    def __init__(self, act: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.act = nn.Linear(4, 50), act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x))


FUNCTIONS: list[tuple[Callable[[Tensor], Tensor], nn.Module, str]] = [
    (F.relu, nn.ReLU(), "relu()"),
    (lambda s: F.relu(s, inplace=True), nn.ReLU(), "relu()"),
    (torch.relu_, nn.ReLU(), "relu()"),
    (lambda s: s.clamp(min=0), nn.ReLU(), "relu()"),
    (lambda s: s.tanh(), nn.Tanh(), "tanh()"),
    (torch.sigmoid, nn.Sigmoid(), "sigmoid()"),
    (lambda s: s.clone().sigmoid_(), nn.Sigmoid(), "sigmoid()"),
    (F.softsign, nn.Softsign(), "softsign()"),
    (F.relu6, nn.ReLU6(), "relu6()"),
    (F.hardsigmoid, nn.Hardsigmoid(), "hardsigmoid()"),
    (lambda s: F.hardtanh(s, -0.5, 0.25), nn.Hardtanh(-0.5, 0.25), "hardtanh()"),
    (lambda s: F.hardtanh(s, max_val=0.25), nn.Hardtanh(-1.0, 0.25), "hardtanh()"),
    (F.gelu, nn.GELU(), "gelu()"),
]


@pytest.mark.parametrize(("function", "module", "name"), FUNCTIONS)
def test_a_function_has_the_rows_of_its_module(
    function: Callable[[Tensor], Tensor], module: nn.Module, name: str
) -> None:
    model = Functional(function)
    same = nn.Sequential(model.body, module)
    x = normal(20, 4)
    with monitor.watch(model) as record:
        model(x).square().sum().backward()
    with monitor.watch(same) as expected:
        same(x).square().sum().backward()
    rows, wanted = record.rows(), expected.rows()
    assert rows["name"].unique().tolist() == ["body", name]
    assert wanted["name"].unique().tolist() == ["0", "1"]
    pd.testing.assert_frame_equal(rows.drop(columns="name"), wanted.drop(columns="name"))


def test_a_function_is_named_after_the_module_that_calls_it() -> None:
    model = nn.Sequential(Functional(torch.tanh), Functional(torch.tanh), nn.Tanh())
    model[1].body = nn.Linear(50, 50)
    with monitor.watch(model) as record:
        model(normal(3, 4))
        torch.tanh(normal(3, 4))  # outside of a pass
    rows = record.rows().drop_duplicates("order")
    assert rows["name"].tolist() == ["0.body", "0.tanh()", "1.body", "1.tanh()", "2"]
    assert rows["kind"].tolist() == ["Linear", "Tanh", "Linear", "Tanh", "Tanh"]


def test_a_function_of_integers_has_no_rows() -> None:
    model = Functional(lambda s: s + torch.relu(s.detach().long()) + F.relu(torch.ones(2)[0]))
    with monitor.watch(model) as record:
        model(normal(3, 4))
    assert set(record.rows()["name"]) == {"body", "relu()"}
    assert record.rows().order.nunique() == 2


def test_a_network_of_functions_alone_can_be_watched() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flatten = nn.Flatten()

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.flatten(x))

    model = Bare()
    with monitor.watch(model) as record:
        Bare()(normal(2, 3))  # another one
        assert record.rows().empty
        model(normal(2, 3))
    assert set(record.rows()["name"]) == {"tanh()"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_listens_after_an_error_in_a_pass(error: type[BaseException]) -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    model = nn.Sequential(nn.Linear(4, 4), Fails())
    with pytest.raises(error), monitor.watch(model):
        model(normal(2, 4))
    assert torch.overrides._len_torch_function_stack() == 0
    with monitor.watch(model[0]) as record:
        with pytest.raises(error):
            model(normal(2, 4))
        assert torch.overrides._len_torch_function_stack() == 0
    assert set(record.rows()["name"]) == {""}


def test_steps_that_are_not_recorded_listen_to_nothing() -> None:
    noted = []

    def act(s: Tensor) -> Tensor:
        noted.append(torch.overrides._len_torch_function_stack())
        return torch.tanh(s)

    model = Functional(act)
    with monitor.watch(model, every=2) as record:
        for _ in range(3):
            model(normal(2, 4))
    assert noted == [1, 0, 1]
    assert set(record.rows().step) == {0, 2}


@pytest.mark.parametrize("every", [1, 2])
def test_attention_is_computed_as_without_a_watch(every: int) -> None:
    """It has a path of its own for inference, which whoever listens to functions closes."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    for seed, parameter in enumerate(layer.parameters()):
        parameter.data = normal(*parameter.shape, seed=seed)
    model, x = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval(), normal(3, 5, 8)
    with torch.inference_mode():
        attention = layer.self_attn.eval()(x, x, x, need_weights=False)[0]
        whole = model(x)
        with monitor.watch(layer.self_attn, every=every):
            for _ in range(2):
                assert torch.equal(layer.self_attn(x, x, x, need_weights=False)[0], attention)
        with monitor.watch(model) as record:
            torch.testing.assert_close(model(x), whole, rtol=1e-5, atol=1e-6)
    names = set(record.rows()["name"])
    assert {"layers.0.relu()", "layers.1.relu()", "layers.1.self_attn.out_proj"} <= names


def test_the_modes_of_others_are_left_alone() -> None:
    class Here(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            with torch.device("meta"):
                x = self.attention(x, x, x)[0]
                assert torch.zeros(1).is_meta
            assert not torch.zeros(1).is_meta
            return F.relu(x)

    model = Here()
    with monitor.watch(model) as record:
        model(normal(3, 2, 8))
    assert torch.overrides._len_torch_function_stack() == 0
    assert "relu()" in set(record.rows()["name"])


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        ("clamp", (0.0,), {}, "relu ReLU()"),
        ("clamp", (0, None), {}, "relu ReLU()"),
        ("clamp", (), {"min": 0}, "relu ReLU()"),
        ("clamp_min", (0,), {}, "relu ReLU()"),
        ("clamp", (0, 6), {}, "relu6 ReLU6()"),
        ("clip", (0,), {"max": 6.0}, "relu6 ReLU6()"),
        ("clamp", (0, 5), {}, "None"),
        ("clamp", (-1,), {}, "None"),
        ("clamp", (torch.zeros(1),), {}, "None"),
        ("leaky_relu", (0.3,), {}, "leaky_relu LeakyReLU(negative_slope=0.3)"),
        ("leaky_relu", (), {"negative_slope": 0.2, "inplace": True},
         "leaky_relu LeakyReLU(negative_slope=0.2)"),
        ("hardtanh", (-2, 3), {}, "hardtanh Hardtanh(min_val=-2, max_val=3)"),
        ("hardtanh", (-2,), {"max_val": 3}, "hardtanh Hardtanh(min_val=-2, max_val=3)"),
        ("hardtanh", (0, 6), {}, "relu6 ReLU6()"),
        ("hardtanh", (1, 1), {}, "None"),  # which the module refuses
        ("elu", (0.5, True), {}, "elu ELU(alpha=0.5)"),
        ("gelu", (), {"approximate": "tanh"}, "gelu GELU(approximate='tanh')"),
        ("tanh", (), {}, "tanh Tanh()"),
        ("linear", (torch.zeros(1, 1),), {}, "None"),
    ],
)  # fmt: skip
def test_a_unit_is_known_by_its_function_and_its_numbers(
    function: str, args: tuple[Any, ...], kwargs: dict[str, Any], expected: str
) -> None:
    unit = hooks.unit_called(function, (torch.zeros(1), *args), kwargs)
    assert (f"{unit[0]} {unit[1]}" if unit else "None") == expected


def test_every_unit_is_its_modules_function() -> None:
    x = torch.linspace(-4, 4, 9)
    for name, kind in hooks.UNITS.items():
        homes = [home for home in (F, torch, Tensor) if hasattr(home, name)]
        options = (torch.tensor([0.25]),) if name == "prelu" else ()
        assert homes and torch.equal(getattr(homes[0], name)(x, *options), kind()(x))


class Notes(hooks.Follower):
    def __init__(self, module: nn.Module) -> None:
        super().__init__(module)
        self.noted: list[str] = []

    def entering(self, name: str, part: nn.Module) -> None:
        self.noted.append(f"> {name} {len(self.running)}")

    def leaving(self, name: str, part: nn.Module, output: Any) -> None:
        self.noted.append(f"< {name} {len(self.running)} {type(output).__name__}")

    def calling(self, function: str, args: Any, kwargs: Any) -> hooks.After:
        where = self.running[-1][0] if self.running else None
        return lambda out: self.noted.append(f"{function} in {where}: {tuple(out.shape)}")


def test_who_follows_is_told_what_happens_in_order() -> None:
    model, x = Functional(torch.tanh), normal(3, 4)
    follower = Notes(model)
    follower.follow()
    follower.listen(True)
    follower.listen(True)  # once is enough
    hooks.call(model, (x,))
    nn.Tanh()(x)
    follower.stop()
    model(x)
    assert follower.noted == [
        ">  1", "> body 2", "linear in body: (3, 50)", "< body 1 Tensor", "tanh in : (3, 50)",
        "<  0 Tensor", "tanh in None: (3, 4)",
    ]  # fmt: skip
    assert not follower.parts


def test_a_batch_is_what_the_module_takes() -> None:
    class Takes(nn.Module):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return args, kwargs

    pair = (1, [2])
    assert hooks.call(Takes(), pair) == (pair, {})
    assert hooks.call(Takes(), [*pair]) == (pair, {})
    assert hooks.call(Takes(), {"a": pair}) == ((), {"a": pair})
    packed = nn.utils.rnn.pack_sequence([normal(2, 1)])
    assert hooks.call(Takes(), packed)[0] == (packed,)
    found = list(hooks.tensors({"a": [packed.data, 3], "b": (None, packed.batch_sizes)}))
    assert len(found) == 2 and found[0] is packed.data


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("parameters", [False, True])
def test_a_module_is_given_back_as_it_was(parameters: bool, fails: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[1].weight = model[0].bias  # one tensor in two places
    model[2].register_buffer("wide", torch.ones(1).expand(5))  # nobody may write into it
    model[2].register_buffer("sparse", torch.eye(3).to_sparse())
    model[2].register_buffer("none", None)
    weight, bias, mean = model[0].weight, model[0].bias, model[2].running_mean
    values, versions = [t.detach().clone() for t in (weight, bias, mean)], weight._version
    try:
        with hooks.unchanged(model, parameters=parameters):
            weight.data.zero_()
            model[0].bias = nn.Parameter(torch.zeros(2))
            mean.fill_(7)
            model[2].running_var, model[2].none = torch.zeros(2), torch.zeros(1)
            model[2].sparse.mul_(2)
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    back = parameters or fails
    assert torch.equal(weight, values[0]) == back and weight._version == versions
    assert (model[0].bias is bias) == back and torch.equal(bias, values[1])
    assert model[2].running_mean is mean and torch.equal(mean, values[2])
    assert torch.equal(model[2].running_var, torch.ones(2)) and model[2].none is None
    assert torch.equal(model[2].sparse.to_dense(), torch.eye(3))


# ------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_made_in_the_block_are_as_copies_made_outside(
    how: Callable[[nn.Module], nn.Module],
) -> None:
    model, x = mlp(), normal(6, 4)
    with monitor.watch(model) as record:
        model(x).sum().backward()
        before = record.rows()
        made = how(model)
        made(x).sum().backward()
        pd.testing.assert_frame_equal(record.rows(), before)
        model(x)
    assert set(record.rows().step) == {0, 1}
    for part in made.modules():
        assert not any(len(held) for key, held in vars(part).items() if "_hooks" in key)
    assert not any(parameter._backward_hooks for parameter in made.parameters())
    pairs = zip(made.parameters(), model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert list(pickle.loads(pickle.dumps(made)).state_dict()) == list(model.state_dict())


# ---------------------------------------------------------------------------------- arguments


def test_examples_lie_along_the_dimension_that_is_given() -> None:
    """Seven steps of one sequence for all of 32 examples: nothing differs between them."""
    model = nn.RNN(4, 6)
    x = normal(7, 1, 4).expand(7, 32, 4)
    found = []
    for dim in (0, 1, {"*": 0, "": 1}, {"*": 1, "": 0}):
        with monitor.watch(model, examples_dim=dim) as record:
            model(x)[0].sum().backward()
        rows = record.rows()
        found.append(value(rows, quantity="output", statistic="std_over_inputs"))
    output, _ = model(x)
    over_time = output.detach().double().flatten(1).var(0, correction=0).mean().sqrt().item()
    assert found == pytest.approx([over_time, 0.0, 0.0, over_time], rel=1e-4, abs=1e-6)
    assert over_time > 0.1


def test_some_modules_have_their_examples_elsewhere() -> None:
    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.each, self.head = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(F.relu(self.each(x))[-1])

    model, x = First(), normal(7, 5, 4)
    with monitor.watch(model, examples_dim={"*": 1, "head": 0}) as record:
        model(x).sum().backward()
    rows = record.rows()
    each = model.each(x).detach().double()
    head = model(x).detach().double()
    for name, tensor, dim in (("each", each, 1), ("relu()", each.relu(), 1), ("head", head, 0)):
        got = value(rows, name=name, quantity="output", statistic="std_over_inputs")
        assert got == pytest.approx(tensor.var(dim, correction=0).mean().sqrt().item(), rel=1e-4)
    dead = (each.relu() == 0).all(1).double().mean().item()
    assert value(rows, name="relu()", statistic="dead") == pytest.approx(dead)
    with monitor.watch(model, examples_dim=2) as record:
        model(x)
    rows = record.rows()
    assert "std_over_inputs" not in set(rows[rows["name"] == "head"].statistic)
    assert {"std_over_inputs", "dead"} <= set(rows[rows["name"] == "relu()"].statistic)
    flat = Functional(F.relu)
    with monitor.watch(flat, examples_dim=2) as record:
        flat(normal(3, 4))
    assert not {"std_over_inputs", "dead"} & set(record.rows().statistic)


@pytest.mark.parametrize("scale", [1024.0, lambda: 1024])
def test_a_scale_of_the_loss_is_taken_out_of_gradients(scale: Any) -> None:
    x = normal(6, 4)
    tables = []
    for factor in (1.0, 1024.0):
        model = mlp()
        bins = {"weight_gradient": (-1.0, 1.0, 5)}
        scaled = {} if factor == 1 else {"loss_scale": scale}
        with monitor.watch(model, histogram=bins, **scaled) as record:
            (factor * model(x).square().mean()).backward()
        tables.append(record.rows())
    pd.testing.assert_frame_equal(*tables, rtol=1e-6)


def test_scaled_gradients_of_half_precision_do_not_vanish() -> None:
    model = nn.Linear(3, 2).half()
    scale = 2.0**15
    with monitor.watch(model, loss_scale=scale) as record:
        (model(torch.ones(1, 3, dtype=torch.float16)).float().sum() * scale * 1e-9).backward()
    got = value(record.rows(), quantity="weight_gradient", statistic="mean")
    assert got == pytest.approx(1e-9, rel=1e-3)


def test_updates_are_changes_over_the_norm_before() -> None:
    model, x = mlp(), normal(6, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    weights = []
    with (
        monitor.watch(model, updates=True) as record,
        monitor.watch(model, updates=True, every=2) as sparse,
        monitor.watch(model) as plain,
    ):
        for _ in range(3):
            weights.append(model[0].weight.detach().double().clone())
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    rows = record.rows()
    where = {"name": "0", "quantity": "weight", "statistic": "update"}
    for step in (1, 2):
        expected = (weights[step] - weights[step - 1]).norm() / weights[step - 1].norm()
        assert value(rows, step=step, **where) == pytest.approx(expected.item(), rel=1e-5)
    assert set(rows[rows.statistic == "update"].step) == {1, 2}
    both = (weights[2] - weights[0]).norm() / weights[0].norm()
    assert value(sparse.rows(), step=2, **where) == pytest.approx(both.item(), rel=1e-5)
    assert "update" not in set(plain.rows().statistic)
    mean = rows[(rows["name"] == "0") & (rows.statistic == "update")].value.mean()
    table = record.summary().set_index("name")
    assert table["update"]["0"] == pytest.approx(mean) and math.isnan(table["update"]["1"])
    assert "update" in str(record) and "update" not in str(plain)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"examples_dim": -1}, ValueError, r"^examples_dim must be at least 0, got -1$"),
        ({"examples_dim": "1"}, TypeError, r"^examples_dim must be an integer, got '1'$"),
        ({"examples_dim": {"*": 0.5}}, TypeError, r"^examples_dim\['\*'\] must be an integer, got"),
        ({"examples_dim": {"3": 1}}, ValueError, r"^examples_dim must match a module .*got '3'$"),
        ({"examples_dim": {3: 1}}, ValueError, r"^examples_dim must match a module .*got 3$"),
        ({"loss_scale": 0}, ValueError, r"^loss_scale must be above 0, got 0$"),
        ({"loss_scale": lambda: "a"}, TypeError, r"^loss_scale must be a real number, got 'a'$"),
        ({"updates": 1}, TypeError, r"^updates must be True or False, got 1$"),
    ],
)
def test_arguments_are_refused_by_name(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        monitor.watch(mlp(), **options)
