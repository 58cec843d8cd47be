"""The network against torch autograd, replica by replica, and what it refuses.

Comparisons are in float64. Both sides do the same few thousand operations in another order, so
they differ by some units of 2.2e-16 times the largest number involved; `CLOSE` allows 1e-12,
four decimal digits above that and four below the smallest fault worth the name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from xavier import init
from xavier.activations import ACTIVATIONS
from xavier.network import COSTS, Network

CLOSE: dict[str, float] = {"rtol": 1e-12, "atol": 1e-12}
WIDTHS = (7, 5, 9, 4, 6, 3, 8, 5)  # unequal, and the last of them the classes
TORCH: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": nn.functional.softsign,
    "relu": nn.functional.relu,
    "identity": lambda s: s,
}


def equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, **CLOSE)


def doubles(
    sizes: Sequence[int], activation: str, seeds: Sequence[int] = (0, 1), gain: float = 1.5
) -> Network:
    """A float64 network with biases that are not zero."""
    network = Network.create(
        sizes, activation, "glorot", seeds=seeds, gain=gain, dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(sum(seeds))
    for b in network.b:
        b.normal_(0, 0.3, generator=generator)
    return network


def examples(
    network: Network, batch: int, *, own_x: bool = False, own_y: bool = False, seed: int = 0
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    replicas = network.replicas
    x_shape = (replicas, batch) if own_x else (batch,)
    y_shape = (replicas, batch) if own_y else (batch,)
    x = torch.randn(*x_shape, network.sizes[0], dtype=network.w[0].dtype, generator=generator)
    return x, torch.randint(network.sizes[-1], y_shape, generator=generator)


def average_cost(logits: Tensor, y: Tensor, cost: str) -> Tensor:
    """The two costs, from their definitions."""
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    if cost == "cross_entropy":
        return -p[torch.arange(len(y)), y].log().mean()
    target = nn.functional.one_hot(y, logits.shape[-1]).to(p.dtype)
    return ((p - target) ** 2).sum(-1).mean() / 2


def by_autograd(network: Network, r: int, x: Tensor, y: Tensor, cost: str) -> dict[str, list]:
    """All that a forward and backward pass computes, for one replica alone, by torch."""
    w = [w_i[r].clone().requires_grad_() for w_i in network.w]
    b = [b_i[r].clone().requires_grad_() for b_i in network.b]
    z, s = [x.clone().requires_grad_()], []
    for i, (w_i, b_i) in enumerate(zip(w, b, strict=True)):
        s.append(z[i] @ w_i + b_i)
        if i + 1 < len(w):
            z.append(TORCH[network.activation.name](s[i]))
    value = average_cost(s[-1], y, cost)
    found = torch.autograd.grad(value, [*s, *z, *b, *w])
    n = len(w)
    parts = [list(found[k * n : (k + 1) * n]) for k in range(4)]
    gradients = dict(zip(("ds", "dz", "db", "dw"), parts, strict=True))
    return {"s": s, "z": z, "w": w, "b": b, "cost": [value], **gradients}


def compare(network: Network, x: Tensor, y: Tensor, cost: Any, lr: float | Tensor) -> None:
    """Forward, cost, backward and step against autograd, for every replica."""
    trace = network.forward(x)
    gradients = network.backward(trace, y, cost)
    costs = network.cost(trace, y, cost)
    rates = torch.as_tensor(lr, dtype=torch.float64).expand(network.replicas)
    alone = [
        by_autograd(network, r, x[r] if x.dim() == 3 else x, y[r] if y.dim() == 2 else y, cost)
        for r in range(network.replicas)
    ]
    before = network.step(x, y, lr=lr, cost=cost)
    for r, expected in enumerate(alone):
        equal(costs[r], expected["cost"][0])
        equal(before[r], expected["cost"][0])
        ours = {
            "s": trace.s, "z": trace.z, "ds": gradients.s, "dz": gradients.z,
            "db": gradients.b, "dw": gradients.w,
        }  # fmt: skip
        for name, layers in ours.items():
            assert len(layers) == len(network.w)
            for actual, reference in zip(layers, expected[name], strict=True):
                equal(actual[r], reference)
        for name, parameters in (("w", network.w), ("b", network.b)):
            for actual, old, slope in zip(
                parameters, expected[name], expected["d" + name], strict=True
            ):
                equal(actual[r], old - rates[r] * slope)


# ------------------------------------------------------------------------------- against autograd


@pytest.mark.parametrize("depth", range(7))
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_backward_and_step_equal_autograd(activation: str, cost: str, depth: int) -> None:
    network = doubles((*WIDTHS[: depth + 1], WIDTHS[-1]), activation)
    x, y = examples(network, 6, seed=depth)
    compare(network, x, y, cost, 0.3)


@hypothesis_settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=2, max_size=8),
    activation=st.sampled_from(list(ACTIVATIONS)),
    cost=st.sampled_from(list(COSTS)),
    batch=st.integers(1, 5),
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4),
    own_x=st.booleans(),
    own_y=st.booleans(),
    rates=st.lists(st.floats(0, 2), min_size=4, max_size=4),
)
def test_any_network_equals_autograd_replica_by_replica(
    sizes: list[int],
    activation: str,
    cost: str,
    batch: int,
    seeds: list[int],
    own_x: bool,
    own_y: bool,
    rates: list[float],
) -> None:
    network = doubles(sizes, activation, seeds)
    x, y = examples(network, batch, own_x=own_x, own_y=own_y, seed=batch)
    compare(network, x, y, cost, torch.tensor(rates[: len(seeds)]))


def test_the_quadratic_cost_is_half_the_squared_distance_from_the_unit_vector() -> None:
    network = Network([torch.zeros(1, 2, 4)], [torch.zeros(1, 4)], "tanh", [0])
    trace = network.forward(torch.zeros(3, 2))
    y = torch.tensor([0, 1, 3])
    # p = 1/4 everywhere: ((3/4)^2 + 3 (1/4)^2) / 2 = 3/8
    assert network.cost(trace, y, "quadratic").tolist() == [0.375]
    assert network.cost(trace, y).tolist() == pytest.approx([math.log(4)], rel=1e-6)


@pytest.mark.parametrize("cost", COSTS)
def test_gradients_of_confident_logits_are_finite(cost: Any) -> None:
    weights = [torch.tensor([[[1e4, -1e4, 0.0]]])]
    network = Network(weights, [torch.zeros(1, 3)], "tanh", [0])
    x, y = torch.ones(2, 1), torch.tensor([0, 1])
    trace = network.forward(x)
    assert network.cost(trace, y, cost).isfinite().all()
    assert network.backward(trace, y, cost).w[0].isfinite().all()
    if cost == "cross_entropy":
        assert network.cost(trace, y).tolist() == [1e4]  # the mean of 0 and 2e4


def test_one_x_for_all_replicas_equals_a_copy_for_each() -> None:
    network = doubles((5, 4, 3), "tanh", (0, 1, 2))
    x, y = examples(network, 7)
    one, each = network.forward(x), network.forward(x.expand(3, -1, -1).clone())
    for a, b in zip([*one.s, *one.z], [*each.s, *each.z], strict=True):
        equal(a, b)
    for a, b in zip(
        network.backward(one, y).w, network.backward(each, y.expand(3, -1)).w, strict=True
    ):
        equal(a, b)


def test_the_gradient_of_weights_of_unequal_widths_has_the_weights_shape() -> None:
    network = doubles((5, 4, 3), "tanh", (0, 1, 2))
    x, y = examples(network, 7)
    trace = network.forward(x)
    gradients = network.backward(trace, y)
    assert [g.shape for g in gradients.w] == [w.shape for w in network.w]
    assert [g.shape for g in gradients.b] == [b.shape for b in network.b]
    assert [g.shape for g in gradients.s] == [s.shape for s in trace.s]
    assert [g.shape for g in gradients.z] == [z.shape for z in trace.z]
    assert trace.logits is trace.s[-1]


# --------------------------------------------------------------------------------------- replicas


RULES = ["standard", "glorot", "he"]
GAINS = [0.5, 1.0, 2.0]


def packed(dtype: torch.dtype = torch.float64) -> Network:
    return Network.create((6, 5, 4, 3), "tanh", RULES, seeds=(3, 4, 3), gain=GAINS, dtype=dtype)


def test_a_replica_trains_as_the_same_network_alone() -> None:
    together = packed()
    rates = torch.tensor([0.1, 0.5, 1.0])
    alone = [
        Network.create((6, 5, 4, 3), "tanh", rule, seeds=[seed], gain=gain, dtype=torch.float64)
        for rule, seed, gain in zip(RULES, (3, 4, 3), GAINS, strict=True)
    ]
    for step in range(20):
        x, y = examples(together, 4, own_x=True, own_y=True, seed=step)
        costs = together.step(x, y, lr=rates)
        for r, network in enumerate(alone):
            equal(network.step(x[r], y[r], lr=float(rates[r]))[0], costs[r])
    for r, network in enumerate(alone):
        for a, b in zip([*together.w, *together.b], [*network.w, *network.b], strict=True):
            equal(a[r], b[0])


def test_what_is_no_number_in_one_replica_stays_there() -> None:
    sick, well = packed(), packed()
    for w in sick.w:
        w[1] = math.nan
    for step in range(3):
        x, y = examples(sick, 4, seed=step)
        costs, expected = sick.step(x, y, lr=0.5), well.step(x, y, lr=0.5)
        assert costs[1].isnan()
        equal(costs[[0, 2]], expected[[0, 2]])
    for a, b in zip([*sick.w, *sick.b], [*well.w, *well.b], strict=True):
        equal(a[[0, 2]], b[[0, 2]])


def test_replicas_of_one_seed_rule_and_rate_stay_the_same() -> None:
    network = Network.create((6, 5, 3), "sigmoid", "he", seeds=(7, 8, 7), dtype=torch.float64)
    for step in range(20):
        network.step(*examples(network, 4, seed=step), lr=0.5)
    for layer in [*network.w, *network.b]:
        equal(layer[0], layer[2])
        assert not torch.allclose(layer[0], layer[1])


def test_tied_hidden_units_stay_tied_and_others_do_not() -> None:
    network = doubles((6, 5, 3), "tanh", (0,))
    network.w[0][:, :, 1] = network.w[0][:, :, 0]
    network.b[0][:, 1] = network.b[0][:, 0]
    network.w[1][:, 1] = network.w[1][:, 0]
    start = network.w[0].clone()
    for step in range(20):
        network.step(*examples(network, 4, seed=step), lr=0.3)
    equal(network.w[0][:, :, 0], network.w[0][:, :, 1])
    equal(network.w[1][:, 0], network.w[1][:, 1])
    assert not torch.allclose(network.w[0][:, :, 0], network.w[0][:, :, 2])
    assert not torch.allclose(network.w[0], start)


# ----------------------------------------------------------------------------------------- create


@pytest.mark.parametrize("distribution", init.DISTRIBUTIONS)
def test_a_replica_equals_linear_layers_drawn_from_its_seed(distribution: Any) -> None:
    """On unequal widths and a rule that tells n_in from n_out: orientation matters."""
    sizes, seeds = (7, 5, 9, 3), (11, 2**40)
    network = Network.create(
        sizes, "tanh", ["standard", "he"], seeds=seeds, gain=[1.0, 0.5],
        distribution=distribution, dtype=torch.float64,
    )  # fmt: skip
    x, _ = examples(network, 4)
    fill = init.uniform_ if distribution == "uniform" else init.normal_
    for r, (seed, rule, gain) in enumerate(zip(seeds, ("standard", "he"), (1.0, 0.5), strict=True)):
        generator = torch.Generator().manual_seed(seed)
        z = x
        for i, (n, m) in enumerate(itertools.pairwise(sizes)):
            layer = nn.Linear(n, m, dtype=torch.float64)
            fill(layer.weight, rule, gain, generator=generator)
            nn.init.zeros_(layer.bias)
            assert torch.equal(network.w[i][r], layer.weight.T)
            s = layer(z)
            z = torch.tanh(s)
        equal(network.forward(x).logits[r], s.detach())


def test_uniform_weights_fill_their_bound_by_n_in_and_not_by_n_out() -> None:
    wide = Network.create((400, 100), "tanh", "standard", seeds=[0]).w[0]
    assert wide.shape == (1, 400, 100)
    # The largest of 40,000 uniform numbers is below 0.999 of the bound once in 10^17.
    assert 0.999 / math.sqrt(400) < float(wide.abs().max()) <= 1 / math.sqrt(400) * (1 + 1e-6)


def test_a_seed_means_one_network() -> None:
    first, again = packed(), packed()
    for a, b in zip(first.w, again.w, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.w[0][0], first.w[0][1])
    # One seed, two rules and gains: the same draws, scaled.
    ratio = first.w[0][2] / first.w[0][0]
    equal(ratio, ratio[0, 0].expand_as(ratio))


def test_biases_start_at_zero_and_the_attributes_say_what_was_asked_for() -> None:
    network = packed(torch.float32)
    assert all(not b.any() for b in network.b)
    assert network.sizes == (6, 5, 4, 3)
    assert network.seeds == (3, 4, 3)
    assert network.replicas == 3
    assert network.activation is ACTIVATIONS["tanh"]
    assert [w.shape for w in network.w] == [(3, 6, 5), (3, 5, 4), (3, 4, 3)]
    assert [b.shape for b in network.b] == [(3, 5), (3, 4), (3, 3)]
    assert {x.dtype for x in [*network.w, *network.b]} == {torch.float32}


def test_a_rule_and_an_activation_may_be_objects() -> None:
    named = Network.create((4, 3, 2), "softsign", "lecun", seeds=[0])
    given_ = Network.create(
        (4, 3, 2), ACTIVATIONS["softsign"], lambda n_in, n_out: 1 / n_in, seeds=[0]
    )
    for a, b in zip(named.w, given_.w, strict=True):
        assert torch.equal(a, b)


def test_creating_and_training_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    network = packed()
    network.step(*examples(network, 4), lr=0.1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_network_lives_on_the_device_asked_for() -> None:
    network = Network.create((4, 3, 2), "tanh", "he", seeds=[0, 1], device="meta")
    assert {x.device.type for x in [*network.w, *network.b]} == {"meta"}
    assert network.forward(torch.empty(5, 4, device="meta")).logits.shape == (2, 5, 2)


# ------------------------------------------------------------------------------------------- step


class NewTensors(TorchDispatchMode):
    """Collects the shapes of tensors that operations make and that are no view of ``known``."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()
        self.known = {x.untyped_storage().data_ptr() for x in known}
        self.shapes: set[tuple[int, ...]] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, Tensor) and x.untyped_storage().data_ptr() not in self.known:
                self.shapes.add(tuple(sorted(n for n in x.shape if n > 1)))
        return out


@pytest.mark.parametrize("cost", COSTS)
def test_a_step_never_builds_a_weight_gradient(cost: Any) -> None:
    network = doubles((13, 11, 7, 5), "tanh", (0, 1))  # no size equals another or the batch
    x, y = examples(network, 3, own_x=True, own_y=True)
    weights = {tuple(sorted(w.shape)) for w in network.w}
    with NewTensors(network.w) as in_step:
        network.step(x, y, lr=0.1, cost=cost)
    assert (2, 3, 11) in in_step.shapes  # activations are seen
    assert not weights & in_step.shapes
    assert not {shape[1:] for shape in weights} & in_step.shapes
    with NewTensors(network.w) as in_backward:
        _ = network.backward(network.forward(x), y, cost).w
    assert weights <= in_backward.shapes  # so the test can see one


def test_a_step_changes_the_parameters_in_place() -> None:
    network = packed()
    parameters = [*network.w, *network.b]
    places = [x.data_ptr() for x in parameters]
    before = [x.clone() for x in parameters]
    network.step(*examples(network, 4), lr=0.5)
    after = [*network.w, *network.b]
    assert all(a is b for a, b in zip(after, parameters, strict=True))
    assert [x.data_ptr() for x in after] == places
    assert not any(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_looking_changes_nothing() -> None:
    network = packed()
    before = [x.clone() for x in [*network.w, *network.b]]
    x, y = examples(network, 4)
    trace = network.forward(x)
    _ = network.backward(trace, y).w, network.cost(trace, y), network.error(trace, y)
    network.step(x, y, lr=0.0)
    for a, b in zip([*network.w, *network.b], before, strict=True):
        assert torch.equal(a, b)


def test_one_rate_for_all_equals_that_rate_for_each() -> None:
    networks = [packed() for _ in range(4)]
    x, y = examples(networks[0], 4)
    for network, lr in zip(
        networks, (0.25, torch.tensor(0.25), torch.full((3,), 0.25), torch.tensor([0.25])),
        strict=True,
    ):  # fmt: skip
        network.step(x, y, lr=lr)
        assert all(torch.equal(a, b) for a, b in zip(network.w, networks[0].w, strict=True))


def test_small_steps_lower_the_cost_by_the_squared_gradient() -> None:
    """First-order Taylor: the cost falls by lr times the squared norm of the gradient."""
    network = doubles((6, 5, 3), "tanh", (0, 1))
    x, y = examples(network, 8)
    trace = network.forward(x)
    gradients = network.backward(trace, y)
    square = sum(g.square().flatten(1).sum(1) for g in [*gradients.w, *gradients.b])
    lr = 1e-6
    before = network.step(x, y, lr=lr)
    fall = before - network.cost(network.forward(x), y)
    torch.testing.assert_close(fall, lr * square, rtol=1e-4, atol=0)


# ---------------------------------------------------------------------------------- cost and error


def fixed_logits(logits: Sequence[Sequence[float]]) -> tuple[Network, Tensor]:
    """A network without hidden layers that answers the k-th unit vector with the k-th logits."""
    w = torch.tensor([list(map(list, logits))], dtype=torch.float64)
    network = Network([w], [torch.zeros(1, w.shape[2], dtype=torch.float64)], "tanh", [0])
    return network, torch.eye(w.shape[1], dtype=torch.float64)


def test_the_error_is_the_share_of_wrong_answers() -> None:
    network, x = fixed_logits([[3, 1, 0], [0, 2, 1], [0, 0, 1], [5, 4, 3]])
    trace = network.forward(x)
    assert network.error(trace, torch.tensor([0, 1, 2, 0])).tolist() == [0.0]
    assert network.error(trace, torch.tensor([0, 1, 2, 1])).tolist() == [0.25]
    assert network.error(trace, torch.tensor([1, 2, 0, 2])).tolist() == [1.0]


def test_an_answer_that_is_no_number_is_wrong() -> None:
    network, x = fixed_logits([[3, 1, 0], [0, 2, 1]])
    trace = network.forward(x)
    trace.logits[0, 0, 0] = math.nan
    for label in range(3):
        assert network.error(trace, torch.tensor([label, 1])).tolist() == [0.5]


def test_cost_and_error_are_one_number_per_replica_each_on_its_labels() -> None:
    network = doubles((4, 3, 5), "relu", (0, 1, 2))
    x, y = examples(network, 6, own_x=True, own_y=True)
    trace = network.forward(x)
    cost, error = network.cost(trace, y), network.error(trace, y)
    for r in range(3):
        equal(cost[r], nn.functional.cross_entropy(trace.logits[r], y[r]))
        assert float(error[r]) == float((trace.logits[r].argmax(-1) != y[r]).double().mean())


# -------------------------------------------------------------------------------------- bad inputs


def make(**changes: Any) -> Network:
    arguments: dict[str, Any] = {
        "sizes": (4, 3, 2), "activation": "tanh", "rule": "glorot", "seeds": (0, 1)
    }  # fmt: skip
    return Network.create(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (4,)}, "sizes must hold at least two"),
        ({"sizes": ()}, "sizes must hold at least two"),
        ({"sizes": (4, 0, 2)}, r"sizes\[1\] must be at least 1, got 0"),
        ({"sizes": (4, 3, -2)}, r"sizes\[2\] must be at least 1, got -2"),
        ({"seeds": ()}, "seeds must hold at least one seed"),
        ({"seeds": (0, -1)}, r"seeds\[1\] must be at least 0, got -1"),
        ({"seeds": (2**63,)}, r"seeds\[0\] must be below"),
        ({"activation": "tahn"}, "activation must be one of .*'tahn'; did you mean 'tanh'"),
        ({"rule": "glorott"}, "rule must be one of .*'glorott'; did you mean 'glorot'"),
        ({"rule": ["he", "hee"]}, "rule must be one of .*'hee'"),
        ({"rule": ["he"]}, r"rule must be one or one per replica \(2\), got 1"),
        ({"rule": lambda n_in, n_out: -1.0}, "variance"),
        ({"gain": [1.0, 1.0, 1.0]}, r"gain must be one or one per replica \(2\), got 3"),
        ({"gain": -1.0}, "gain must not be negative"),
        ({"gain": math.nan}, "gain must be finite"),
        ({"gain": [1.0, math.inf]}, "gain must be finite"),
        ({"distribution": "unifrom"}, "distribution must be .*did you mean 'uniform'"),
    ],
)
def test_create_refuses_a_value_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": 4}, "sizes must be a sequence"),
        ({"sizes": (4, 2.5)}, r"sizes\[1\] must be an integer"),
        ({"sizes": (True, 2)}, r"sizes\[0\] must be an integer"),
        ({"seeds": 3}, "seeds must be a sequence"),
        ({"seeds": None}, "seeds must be a sequence"),
        ({"seeds": (0, 1.0)}, r"seeds\[1\] must be an integer"),
        ({"gain": "1"}, "gain must be a real number"),
        ({"rule": 3}, "rule must be a name or a callable"),
        ({"dtype": torch.int64}, "dtype must be a floating dtype"),
        ({"dtype": "float32"}, "dtype must be a floating dtype"),
    ],
)
def test_create_refuses_a_wrong_type(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make(**changes)


@given(st.text(max_size=8).filter(lambda name: name not in ACTIVATIONS))
def test_an_unknown_activation_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="activation must be one of sigmoid, tanh, softsign"):
        make(activation=name)


@given(st.lists(st.integers(0, 5), max_size=4).filter(lambda s: s[-1:] != [4] or len(s) < 2))
def test_inputs_of_another_shape_are_refused(shape: list[int]) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(B, 4\) or \(2, B, 4\)"):
        make().forward(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (3, 5, 4), (1, 5, 4), (1, 2, 5, 4)])
def test_inputs_for_no_example_or_other_replicas_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"x must have shape"):
        make().forward(torch.zeros(shape))


def test_inputs_of_another_dtype_or_device_are_refused() -> None:
    with pytest.raises(TypeError, match=r"x must have the network's dtype torch\.float32"):
        make().forward(torch.zeros(5, 4, dtype=torch.float64))
    with pytest.raises(ValueError, match="x must be on the network's device cpu, got meta"):
        make().forward(torch.zeros(5, 4, device="meta"))


METHODS: dict[str, Callable[[Network, Tensor], Any]] = {
    "backward": lambda network, y: network.backward(network.forward(torch.zeros(5, 4)), y),
    "cost": lambda network, y: network.cost(network.forward(torch.zeros(5, 4)), y),
    "error": lambda network, y: network.error(network.forward(torch.zeros(5, 4)), y),
    "step": lambda network, y: network.step(torch.zeros(5, 4), y, lr=0.1),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (torch.zeros(4, dtype=torch.int64), ValueError, r"y must have shape \(5,\) or \(2, 5\)"),
        (torch.zeros(3, 5, dtype=torch.int64), ValueError, r"y must have shape"),
        (torch.tensor(0), ValueError, r"y must have shape"),
        (torch.zeros(5), TypeError, r"y must be int64 labels, got torch\.float32"),
        (torch.zeros(5, dtype=torch.int32), TypeError, r"y must be int64 labels"),
        (torch.tensor([0, 1, 2, 0, 0]), ValueError, "y must hold labels from 0 to 1, got 2"),
        (torch.tensor([0, 1, -1, 0, 0]), ValueError, "y must hold labels from 0 to 1, got -1"),
        (torch.zeros(5, dtype=torch.int64, device="meta"), ValueError, "y must be on the network"),
    ],
)
def test_wrong_labels_are_refused_and_nothing_is_changed(
    method: str, y: Tensor, error: type[Exception], message: str
) -> None:
    network = make()
    before = [w.clone() for w in network.w]
    with pytest.raises(error, match=message):
        METHODS[method](network, y)
    assert all(torch.equal(a, b) for a, b in zip(network.w, before, strict=True))


@pytest.mark.parametrize(
    ("lr", "error", "message"),
    [
        (math.nan, ValueError, "lr must be finite and not negative"),
        (math.inf, ValueError, "lr must be finite and not negative"),
        (-0.1, ValueError, "lr must be finite and not negative"),
        (torch.tensor([0.1, math.nan]), ValueError, "lr must be finite and not negative"),
        (torch.tensor([0.1, 0.1, 0.1]), ValueError, r"one per replica \(2,\), got shape \(3,\)"),
        (torch.full((2, 1), 0.1), ValueError, r"got shape \(2, 1\)"),
        (torch.tensor([]), ValueError, r"got shape \(0,\)"),
        ("0.1", TypeError, "lr must be a number"),
        (None, TypeError, "lr must be a number"),
    ],
)
def test_a_wrong_rate_is_refused_and_nothing_is_changed(
    lr: Any, error: type[Exception], message: str
) -> None:
    network = make()
    before = [w.clone() for w in network.w]
    with pytest.raises(error, match=message):
        network.step(torch.ones(5, 4), torch.zeros(5, dtype=torch.int64), lr=lr)
    assert all(torch.equal(a, b) for a, b in zip(network.w, before, strict=True))


def test_an_unknown_cost_is_refused_with_the_nearest_match() -> None:
    network = make()
    x, y = torch.ones(5, 4), torch.zeros(5, dtype=torch.int64)
    trace = network.forward(x)
    message = "cost must be one of cross_entropy, quadratic, got 'quadratc'; did you mean"
    with pytest.raises(ValueError, match=message):
        network.backward(trace, y, "quadratc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        network.cost(trace, y, "quadratc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        network.step(x, y, lr=0.1, cost="quadratc")  # type: ignore[arg-type]
