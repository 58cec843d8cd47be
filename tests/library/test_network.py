"""The network against torch autograd, replica by replica, and what it refuses.

Comparisons are in float64. Both sides do the same few thousand operations in another order, so
they differ by some units of 2.2e-16 times the largest number involved; `CLOSE` allows 1e-12,
four decimal digits above that and four below the smallest fault worth the name.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from xavier import network as networks
from xavier.activations import ACTIVATIONS, VARIANTS
from xavier.network import COSTS, Network
from xavier.threads import few_threads

CLOSE: dict[str, float] = {"rtol": 1e-12, "atol": 1e-12}
WIDTHS = (7, 5, 9, 4, 6, 3, 8, 5)  # unequal, and the last of them the classes
TORCH: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": nn.functional.softsign,
    "relu": nn.functional.relu,
    "identity": lambda s: s,
    "centred_sigmoid": lambda s: torch.sigmoid(s) - 0.5,
    "steep_sigmoid": lambda s: torch.sigmoid(4 * s),
    "steep_centred_sigmoid": lambda s: torch.sigmoid(4 * s) - 0.5,
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
    generator = torch.Generator().manual_seed(sum(seeds) % 2**63)
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
    """The costs, from their definitions."""
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    if cost == "cross_entropy":
        return -p[torch.arange(len(y)), y].log().mean()
    target = nn.functional.one_hot(y, logits.shape[-1]).to(p.dtype)
    if cost == "quadratic_tanh":
        p, target = logits.tanh(), 2 * target - 1
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


@hypothesis_settings(max_examples=80)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=2, max_size=8),
    activation=st.sampled_from(list(TORCH)),
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


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_on_several_threads_it_equals_autograd_too(threads: Callable[[int], None]) -> None:
    threads(2)
    network = doubles((1000, 600, 400, 9), "tanh", (0,))  # large enough to be shared among threads
    compare(network, *examples(network, 10), "cross_entropy", 0.3)


def test_small_networks_compute_on_one_thread_and_give_the_setting_back(
    threads: Callable[[int], None],
) -> None:
    """Whatever happens inside; large matrices keep what the caller has set."""
    threads(3)
    with few_threads(499_999):
        assert torch.get_num_threads() == 1
        with few_threads(500_000):  # an inner one knows of no other setting
            assert torch.get_num_threads() == 1
    with few_threads(500_000):
        assert torch.get_num_threads() == 3
    with pytest.raises(RuntimeError, match="stop"), few_threads(0):
        raise RuntimeError("stop")
    assert torch.get_num_threads() == 3


def in_thread(thread: ThreadPoolExecutor, call: Callable[..., Any], *arguments: Any) -> Any:
    return thread.submit(call, *arguments).result()


@pytest.mark.parametrize("leaving", [(0, 1), (1, 0)])
def test_threads_inside_at_once_have_their_setting_back(
    leaving: tuple[int, int], threads: Callable[[int], None]
) -> None:
    """And so has one that begins later, whoever leaves last; large matrices keep the setting."""
    threads(3)
    seen, leave = torch.get_num_threads, (None, None, None)
    with (
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
        ThreadPoolExecutor(1) as large,
        ThreadPoolExecutor(1) as later,
    ):
        inside = [(thread, few_threads(0)) for thread in (one, other)]
        for thread, context in inside:
            in_thread(thread, context.__enter__)
            assert in_thread(thread, seen) == 1
        context = few_threads(500_000)
        in_thread(large, context.__enter__)
        assert in_thread(large, seen) == 3
        in_thread(large, context.__exit__, *leave)
        for i in leaving:
            thread, context = inside[i]
            in_thread(thread, context.__exit__, *leave)
            assert in_thread(thread, seen) == 3
        assert in_thread(later, seen) == 3
    assert torch.get_num_threads() == 3


def test_a_thread_that_keeps_one_sets_no_later_one_to_it(threads: Callable[[int], None]) -> None:
    threads(3)
    with ThreadPoolExecutor(1) as early, ThreadPoolExecutor(1) as later:
        with few_threads(0):
            assert in_thread(early, torch.get_num_threads) == 1  # torch's own doing
        context = few_threads(0)
        in_thread(early, context.__enter__)
        in_thread(early, context.__exit__, None, None, None)
        assert in_thread(later, torch.get_num_threads) == 3


class Watched:
    """tanh that notes on how many threads it is computed."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.activation = dataclasses.replace(ACTIVATIONS["tanh"], value=self.value)

    def value(self, s: Tensor) -> Tensor:
        self.seen.add(torch.get_num_threads())
        return torch.tanh(s)


@pytest.mark.parametrize(("width", "expected"), [(20, 1), (800, 2)])
def test_passes_and_steps_use_as_many_threads_as_their_size_is_worth(
    width: int, expected: int, threads: Callable[[int], None]
) -> None:
    threads(2)
    noted = Watched()
    network = Network.create((800, width, 3), noted.activation, "glorot", seeds=[0])
    x, y = examples(network, 3)
    network.backward(network.forward(x), y)
    network.step(x, y, lr=0.1)
    assert noted.seen == {expected}
    assert torch.get_num_threads() == 2


def test_a_quadratic_cost_is_half_the_squared_distance_from_the_targets() -> None:
    network = Network([torch.zeros(1, 2, 4)], [torch.zeros(1, 4)], "tanh", [0])
    trace = network.forward(torch.zeros(3, 2))
    y = torch.tensor([0, 1, 3])
    # p = 1/4 everywhere: ((3/4)^2 + 3 (1/4)^2) / 2 = 3/8
    assert network.cost(trace, y, "quadratic").tolist() == [0.375]
    assert network.cost(trace, y).tolist() == pytest.approx([math.log(4)], rel=1e-6)
    # Every output is 0 and every target 1 or -1: 4 / 2.
    assert network.cost(trace, y, "quadratic_tanh").tolist() == [2.0]


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


# --------------------------------------------------------------------------------------- replicas


RULES = ["standard", "glorot", "he"]
GAINS = [0.5, 1.0, 2.0]


def packed(dtype: torch.dtype = torch.float64) -> Network:
    return Network.create((6, 5, 4, 3), "tanh", RULES, seeds=(3, 4, 3), gain=GAINS, dtype=dtype)


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
    for r, (seed, rule, gain) in enumerate(zip(seeds, ("standard", "he"), (1.0, 0.5), strict=True)):
        generator = torch.Generator().manual_seed(seed)
        z = x
        for i, (n, m) in enumerate(itertools.pairwise(sizes)):
            layer = nn.Linear(n, m, dtype=torch.float64)
            init.draw_(layer.weight, rule, gain, distribution=distribution, generator=generator)
            nn.init.zeros_(layer.bias)
            assert torch.equal(network.w[i][r], layer.weight.T)
            s = layer(z)
            z = torch.tanh(s)
        equal(network.forward(x).logits[r], s.detach())


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


# ------------------------------------------------------------------------------------------- step


class NewTensors(TorchDispatchMode):
    """Collects the shapes of tensors that operations make and that are no view of ``known``."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()
        self.known = {x.untyped_storage().data_ptr() for x in known}
        self.shapes: set[tuple[int, ...]] = set()
        self.made: set[int] = set()  # places
        self.held: list[Tensor] = []  # so that no place is used twice

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, Tensor) and x.untyped_storage().data_ptr() not in self.known:
                self.shapes.add(tuple(sorted(n for n in x.shape if n > 1)))
                self.made.add(x.untyped_storage().data_ptr())
                self.held.append(x)
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


def test_steps_of_other_batch_sizes_and_of_other_networks_do_not_disturb() -> None:
    """Each step equals that of a network that has never made another."""
    first, second = packed(), doubles((6, 4, 3), "sigmoid")
    for step, batch in enumerate((4, 4, 2, 7, 4)):
        for network in (first, second):
            parameters = [[x.clone() for x in xs] for xs in (network.w, network.b)]
            fresh = Network(*parameters, network.activation, network.seeds)
            x, y = examples(network, batch, own_x=True, seed=step)
            assert torch.equal(network.step(x, y, lr=0.5), fresh.step(x, y, lr=0.5))
            for a, b in zip([*network.w, *network.b], [*fresh.w, *fresh.b], strict=True):
                assert torch.equal(a, b)


def test_what_a_step_writes_to_is_kept_for_the_next_of_its_size() -> None:
    network, rooms = packed(), []
    for batch in (4, 4, 3):
        network.step(*examples(network, batch), lr=0.5)
        rooms.append(network._room)
    assert rooms[0] is rooms[1] and rooms[1] is not rooms[2]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_forward_and_backward_returned_is_not_changed_by_steps(activation: str) -> None:
    network = doubles((6, 5, 4, 3), activation)
    x, y = examples(network, 4)
    network.step(x, y, lr=0.5)
    trace = network.forward(x)
    gradients = network.backward(trace, y)
    costs = network.step(x, y, lr=0.5)
    returned = [*trace.s, *trace.z, *gradients.s, *gradients.z, *gradients.b, costs]
    before = [tensor.clone() for tensor in returned]
    for seed in range(3):
        network.step(*examples(network, 4, seed=seed), lr=0.5)
    assert all(torch.equal(a, b) for a, b in zip(returned, before, strict=True))


def test_a_step_leaves_no_trace_in_autograd_and_works_beside_inference_mode() -> None:
    network, plain = packed(), packed()
    x, y = examples(network, 4)
    plain.step(x, y, lr=0.5)
    plain.step(x, y, lr=0.5)
    with torch.inference_mode():
        network.step(x, y, lr=0.5)
    network.step(x.clone().requires_grad_(), y, lr=0.5)
    for a, b in zip([*network.w, *network.b], [*plain.w, *plain.b], strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad


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


def test_another_way_down_is_given_the_two_factors_of_every_gradient() -> None:
    network = doubles((6, 5, 4, 3), "tanh", (0, 1))
    x, y = examples(network, 4, own_x=True, own_y=True)
    gradients = network.backward(network.forward(x), y)
    before = [p.clone() for p in (*network.w, *network.b)]
    rates = torch.tensor([0.3, 0.7], dtype=torch.float64)
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def descend(i: int, z: Tensor, delta: Tensor) -> None:
        seen[i] = z.mT @ delta, delta.sum(1)

    network.update(x, y, rates, "cross_entropy", descend=descend)
    assert list(seen) == [2, 1, 0]
    for i, (w, b) in seen.items():
        equal(w, rates[:, None, None] * gradients.w[i])
        equal(b, rates[:, None] * gradients.b[i])
    assert all(map(torch.equal, (*network.w, *network.b), before))  # left to `descend`


# ------------------------------------------------------------------------------------- divergence


def test_a_replica_whose_cost_is_infinite_stops_and_its_neighbours_do_not() -> None:
    """In the second of three the first update leads to weights of 1e29, that overflow."""
    sizes, rates = (6, 5, 4, 3), torch.tensor([0.1, 1e30, 0.3])
    network = Network.create(sizes, "relu", "he", seeds=(0, 1, 2))
    others = Network.create(sizes, "relu", "he", seeds=(0, 2))
    assert network.diverged.tolist() == [-1, -1, -1]
    for update in range(1, 7):
        x, y = examples(network, 4, seed=update)
        costs = network.step(x, y, lr=rates)
        expected = others.step(x, y, lr=rates[[0, 2]])
        torch.testing.assert_close(costs[[0, 2]], expected, rtol=1e-5, atol=0)
        assert network.updates == update
        if update == 1:
            assert costs.isfinite().all()
            assert network.diverged.tolist() == [-1, -1, -1]
            frozen = [x[1].clone() for x in [*network.w, *network.b]]
        else:
            assert not costs[1].isfinite()
            assert network.diverged.tolist() == [-1, 2, -1]
    assert costs[1].isnan()
    for a, b in zip([*network.w, *network.b], frozen, strict=True):
        assert b.isfinite().all()
        assert torch.equal(a[1], b)
    for a, b in zip([*network.w, *network.b], [*others.w, *others.b], strict=True):
        torch.testing.assert_close(a[[0, 2]], b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers_do_not_spread(activation: str, bad: float) -> None:
    network = doubles((6, 5, 4, 3), activation)
    network.w[2][1, 0, 0] = bad
    network.b[2][1, 0] = math.nan
    before = [x[1].clone() for x in [*network.w, *network.b]]
    for _ in range(2):
        network.step(*examples(network, 4), lr=0.5)
    assert network.diverged.tolist() == [-1, 1]
    for a, b in zip([*network.w, *network.b], before, strict=True):
        torch.testing.assert_close(a[1], b, rtol=0, atol=0, equal_nan=True)


def test_a_replica_that_stopped_stays_so_until_it_is_set_free() -> None:
    network, never = doubles((6, 5, 3), "tanh", (0,)), doubles((6, 5, 3), "tanh", (0,))
    x, y = examples(network, 4)
    whole = float(network.w[1][0, 0, 0])
    network.w[1][0, 0, 0] = math.nan
    network.step(x, y, lr=0.5)
    network.w[1][0, 0, 0] = whole
    assert network.step(x, y, lr=0.5).isnan()
    assert all(torch.equal(a, b) for a, b in zip(network.w, never.w, strict=True))
    network.diverged[0] = -1
    assert torch.equal(network.step(x, y, lr=0.5), never.step(x, y, lr=0.5))
    assert all(torch.equal(a, b) for a, b in zip(network.w, never.w, strict=True))
    assert network.diverged.tolist() == [-1]


def test_finite_costs_whose_sum_is_not_are_no_divergence() -> None:
    """Two costs of 2e38 each in single precision, whose largest number is 3.4e38."""
    weights = torch.tensor([[[2e38, 0.0]], [[2e38, 0.0]]])
    network = Network([weights], [torch.zeros(2, 2)], "tanh", (0, 1))
    costs = network.step(torch.ones(1, 1), torch.tensor([1]), lr=0.0)
    assert costs.isfinite().all()
    assert costs.sum().isinf()
    assert network.diverged.tolist() == [-1, -1]


# --------------------------------------------------------------------------------- to other modules


KINDS = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "relu": nn.ReLU,
    "identity": nn.Identity,
}  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_exported_replica_computes_the_same(activation: str) -> None:
    network = doubles((7, 5, 6, 3), activation, (0, 1))
    x, _ = examples(network, 9)
    logits = network.forward(x).logits
    for replica in range(2):
        module = network.to_module(replica)
        linear, kind = nn.Linear, KINDS[activation]
        assert [type(layer) for layer in module] == [linear, kind, linear, kind, linear]
        equal(module(x).detach(), logits[replica])
        assert all(p.requires_grad and p.is_contiguous() for p in module.parameters())
    assert not torch.allclose(network.to_module(0)(x), network.to_module(1)(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_out_and_in_again_is_the_same_to_the_bit(activation: str, dtype: torch.dtype) -> None:
    network = Network.create((7, 5, 1, 3), activation, "he", seeds=(3, 4), dtype=dtype)
    for b in network.b:
        b.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    again = Network.from_module(network.to_module(1), seeds=[4])
    assert (again.sizes, again.seeds, again.replicas) == ((7, 5, 1, 3), (4,), 1)
    assert again.activation is network.activation
    for a, b in zip([*again.w, *again.b], [*network.w, *network.b], strict=True):
        assert torch.equal(a[0], b[1])
        assert a.dtype == dtype


def test_neither_way_shares_memory_or_draws_from_the_global_generator() -> None:
    network = doubles((4, 1, 3), "tanh", (0,))  # (1, n) is contiguous either way
    state = torch.get_rng_state()
    module = network.to_module()
    again = Network.from_module(module)
    assert torch.equal(torch.get_rng_state(), state)
    places = [
        {x.untyped_storage().data_ptr() for x in xs}
        for xs in ([*network.w, *network.b], module.parameters(), [*again.w, *again.b])
    ]
    assert not places[0] & places[1]
    assert not places[1] & places[2]
    assert again.seeds == (0,)
    again.step(*examples(again, 3), lr=0.1)
    assert not any(x.requires_grad for x in [*again.w, *again.b])


def test_layers_without_bias_or_with_nothing_between_are_read() -> None:
    module = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 2))
    network = Network.from_module(module)
    assert network.activation is ACTIVATIONS["identity"]
    assert not network.b[0].any()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    # Sums of four products near one in single precision.
    torch.testing.assert_close(
        network.forward(x).logits[0], module(x).detach(), rtol=1e-5, atol=1e-6
    )
    assert Network.from_module(nn.Sequential(nn.Linear(4, 3))).sizes == (4, 3)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "module must end with a linear layer"),
        ([nn.Tanh()], "a linear layer before each activation, got Tanh at '0'"),
        ([nn.Linear(4, 3), nn.Tanh()], "module must end with a linear layer"),
        ([nn.Linear(4, 3), nn.Tanh(), nn.Tanh(), nn.Linear(3, 2)], "got Tanh at '2'"),
        ([nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 2)], "only Linear, .*ReLU.*, got GELU at '1'"),
        ([nn.Sequential(nn.Linear(4, 3))], "got Sequential at '0'"),
        ([nn.LazyLinear(3)], "got LazyLinear at '0'"),
        (
            [nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)],
            "one kind of activation, got tanh, relu",
        ),
        (
            [nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3), nn.Linear(3, 2)],
            "one kind of activation, got tanh, identity",
        ),
        ([nn.Linear(4, 3), nn.Tanh(), nn.Linear(5, 2)], r"w\[1\] must have shape \(1, 3, 2\)"),
    ],
)
def test_a_module_of_another_kind_is_refused(layers: list[nn.Module], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network.from_module(nn.Sequential(*layers))


def test_modules_replicas_and_seeds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError, match=r"module must be a torch\.nn\.Sequential, got Linear"):
        Network.from_module(nn.Linear(4, 3))  # type: ignore[arg-type]
    module = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(ValueError, match=r"seeds must hold one per replica \(1\)"):
        Network.from_module(module, seeds=[0, 1])
    with pytest.raises(TypeError, match=r"seeds\[0\] must be an integer"):
        Network.from_module(module, seeds=[0.5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="seeds must be a sequence of seeds"):
        Network.from_module(module, seeds=3)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        make().to_module(2)
    other = dataclasses.replace(ACTIVATIONS["tanh"], name="mine")
    with pytest.raises(ValueError, match=r"activation must be one of .*, got 'mine'"):
        make(activation=other).to_module()


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
    ("changes", "error", "message"),
    [
        ({"sizes": (4,)}, ValueError, "sizes must hold at least two"),
        ({"sizes": ()}, ValueError, "sizes must hold at least two"),
        ({"sizes": (4, 0, 2)}, ValueError, r"sizes\[1\] must be at least 1, got 0"),
        ({"sizes": 4}, TypeError, "^sizes must be a sequence of sizes, got 4$"),
        ({"sizes": (4, 2.5)}, TypeError, r"sizes\[1\] must be an integer"),
        ({"seeds": ()}, ValueError, "seeds must hold at least one seed"),
        ({"seeds": (0, -1)}, ValueError, r"seeds\[1\] must be at least 0, got -1"),
        ({"seeds": 3}, TypeError, "seeds must be a sequence"),
        ({"seeds": (0, 1.0)}, TypeError, r"seeds\[1\] must be an integer"),
        ({"activation": "tahn"}, ValueError, "activation must be .*'tahn'; did you mean 'tanh'"),
        ({"rule": ["he", "hee"]}, ValueError, "rule must be one of .*'hee'"),
        ({"rule": ["he"]}, ValueError, r"rule must be one or one per replica \(2\), got 1"),
        ({"rule": 3}, TypeError, "rule must be a name or a callable"),
        ({"gain": [1.0] * 3}, ValueError, r"gain must be one or one per replica \(2\), got 3"),
        ({"gain": [1.0, math.inf]}, ValueError, "gain must be finite"),
        ({"gain": None}, TypeError, "gain must be a real number"),
        ({"distribution": "unifrom"}, ValueError, "distribution must be .*did you mean 'uniform'"),
        ({"dtype": torch.int64}, TypeError, "dtype must be a floating dtype"),
        ({"dtype": "float32"}, TypeError, "dtype must be a floating dtype"),
    ],
)
def test_what_is_no_network_is_not_created(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(**changes)


@pytest.mark.parametrize(
    "shape", [(), (4,), (5, 3), (0, 4), (2, 0, 4), (3, 5, 4), (1, 5, 4), (1, 2, 5, 4)]
)
def test_inputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(B, 4\) or \(2, B, 4\)"):
        make().forward(torch.zeros(shape))


def test_inputs_of_another_dtype_are_refused() -> None:
    with pytest.raises(TypeError, match=r"x must have the network's dtype torch\.float32"):
        make().forward(torch.zeros(5, 4, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"x must have the network's dtype .*, got list"):
        make().forward([[0.0] * 4] * 5)  # type: ignore[arg-type]


PARAMETERS: dict[str, tuple[list[Tensor], list[Tensor], type[Exception], str]] = {
    "no layer": ([], [], ValueError, "at least one, got 0 and 0"),
    "no bias": ([torch.ones(1, 2, 3)], [], ValueError, "one tensor per layer.*got 1 and 0"),
    "one matrix": ([torch.ones(2, 3)], [torch.ones(1, 3)], ValueError, r"w\[0\] must be floating"),
    "no replica": ([torch.ones(0, 3, 2)], [torch.ones(0, 2)], ValueError, r"got \(0, 3, 2\)"),
    "no unit": (
        [torch.ones(1, 3, 2), torch.ones(1, 2, 0)], [torch.ones(1, 2), torch.ones(1, 0)],
        ValueError, r"w\[1\] must have shape .* with no 0",
    ),
    "other width": (
        [torch.ones(1, 3, 2), torch.ones(1, 3, 2)], [torch.ones(1, 2)] * 2,
        ValueError, r"w\[1\] must have shape \(1, 2, 2\)",
    ),
    "other replicas": (
        [torch.ones(1, 3, 2)], [torch.ones(2, 2)], ValueError, r"b\[0\] must have shape \(1, 2\)"
    ),
    "integers": ([torch.ones(1, 3, 2).long()], [torch.ones(1, 2)], ValueError, "must be floating"),
    "mixed dtypes": (
        [torch.ones(1, 3, 2)], [torch.ones(1, 2).double()],
        ValueError, r"b\[0\] must have .* and w\[0\]'s dtype torch\.float32, got .*torch\.float64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_that_are_no_network_are_refused(case: str) -> None:
    w, b, error, message = PARAMETERS[case]
    with pytest.raises(error, match=message):
        Network(w, b, "tanh", [0])


def test_parameters_are_kept_and_those_spread_out_are_put_together() -> None:
    w, b = torch.ones(2, 3, 2), torch.zeros(2, 2)
    network = Network([w], [b], "tanh", [0, 1])
    assert network.w[0].data_ptr() == w.data_ptr()
    assert network.b[0].data_ptr() == b.data_ptr()
    spread = Network([torch.ones(3, 2).expand(2, 3, 2)], [b], "tanh", [0, 1])
    assert spread.w[0].is_contiguous()
    with pytest.raises(ValueError, match=r"seeds must hold one per replica \(2\), got \(0,\)"):
        Network([w], [b], "tanh", [0])


BAD = {
    "nan": [math.nan, 0.0], "inf": [math.inf, 1.0], "-inf": [-math.inf, 1.0],
    "inf and -inf": [math.inf, -math.inf],
}  # fmt: skip


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_inputs_that_are_not_finite_are_refused_and_nothing_is_changed(
    case: str, own: bool
) -> None:
    network, before = make(), make()
    x, y = examples(network, 5, own_x=own)
    x[..., 3, 1:3] = torch.tensor(BAD[case])
    message = f"x must hold finite numbers, got {BAD[case][0]}"
    for call in (
        lambda: network.forward(x),
        lambda: network.check(x, y),
        lambda: network.step(x, y, lr=0.1),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert network.updates == 0
    assert all(torch.equal(a, b) for a, b in zip(network.w, before.w, strict=True))


def test_large_inputs_whose_sum_overflows_are_finite() -> None:
    x = torch.full((5, 4), 3e38)
    assert x.sum().isinf()
    assert make().forward(x).z[0].isfinite().all()


METHODS: dict[str, Callable[[Network, Tensor], Any]] = {
    "backward": lambda network, y: network.backward(network.forward(torch.zeros(5, 4)), y),
    "cost": lambda network, y: network.cost(network.forward(torch.zeros(5, 4)), y),
    "error": lambda network, y: network.error(network.forward(torch.zeros(5, 4)), y),
    "step": lambda network, y: network.step(torch.zeros(5, 4), y, lr=0.1),
}


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (torch.zeros(4, dtype=torch.int64), ValueError, r"y must have shape \(5,\) or \(2, 5\)"),
        (torch.zeros(3, 5, dtype=torch.int64), ValueError, r"y must have shape"),
        (torch.zeros(5), TypeError, r"y must be int64 labels, got torch\.float32"),
        ([0] * 5, TypeError, "y must be int64 labels, got list"),
        (torch.tensor([0, 1, 2, 0, 0]), ValueError, "y must hold labels from 0 to 1, got 2"),
        (torch.tensor([0, 1, -1, 0, 0]), ValueError, "y must hold labels from 0 to 1, got -1"),
    ],
)
def test_wrong_labels_are_refused_and_nothing_is_changed(
    y: Any, error: type[Exception], message: str
) -> None:
    network, before = make(), make()
    with pytest.raises(error, match=message):
        network.check(torch.zeros(5, 4), y)
    for method in METHODS.values():
        with pytest.raises(error, match=message):
            method(network, y)
    assert all(map(torch.equal, network.w, before.w))


@pytest.mark.parametrize(
    ("lr", "error", "message"),
    [
        (math.inf, ValueError, "lr must be finite and not negative"),
        (-0.1, ValueError, "lr must be finite and not negative"),
        (torch.tensor([0.1, math.nan]), ValueError, "lr must be finite and not negative"),
        (torch.tensor([0.1, 0.1, 0.1]), ValueError, r"one per replica \(2,\), got shape \(3,\)"),
        (torch.full((2, 1), 0.1), ValueError, r"got shape \(2, 1\)"),
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
    message = (
        "cost must be one of cross_entropy, quadratic, quadratic_tanh, got 'quadratc'; did you mean"
    )
    cost: Any = "quadratc"
    for call in (
        lambda: network.backward(trace, y, cost),
        lambda: network.cost(trace, y, cost),
        lambda: network.step(x, y, lr=0.1, cost=cost),
    ):
        with pytest.raises(ValueError, match=message):
            call()


# -------------------------------------------------------------------------- variants of the sigmoid


@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize("activation", ["sigmoid", "steep_sigmoid"])
def test_a_centred_network_computes_the_same(activation: str, depth: int) -> None:
    network = doubles((*WIDTHS[: depth + 1], WIDTHS[-1]), activation, (3, 1, 3))
    before = [x.clone() for x in (*network.w, *network.b)]
    x, _ = examples(network, 20)
    other = networks.centred(network)
    assert other.activation is VARIANTS[activation.replace("sigmoid", "centred_sigmoid")]
    assert (other.sizes, other.seeds) == (network.sizes, network.seeds)
    ours, theirs = network.forward(x), other.forward(x)
    for i, (a, b) in enumerate(zip(ours.s, theirs.s, strict=True)):
        equal(a, b)
        equal(ours.z[i] - (0.5 if i else 0.0), theirs.z[i])
    # The weights are the same, in places of their own, and the first network is as it was.
    for a, b, c in zip((*network.w, *network.b), (*other.w, *other.b), before, strict=True):
        assert a.data_ptr() != b.data_ptr() and torch.equal(a, c)
    assert all(torch.equal(a, b) for a, b in zip(network.w, other.w, strict=True))
    assert torch.equal(network.b[0], other.b[0])


@pytest.mark.parametrize("activation", ["tanh", "centred_sigmoid", "relu"])
def test_what_is_no_sigmoid_network_is_not_centred(activation: str) -> None:
    message = f"network.activation must be one of sigmoid, steep_sigmoid, got '{activation}'"
    with pytest.raises(ValueError, match=message):
        networks.centred(make(activation=activation))
