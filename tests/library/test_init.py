"""`xavier.init`: the bits of torch.nn.init, the statistics of every rule, whole modules.

Statistical tests: ``LIMIT`` standard errors, a false alarm in 3e-7 of all single comparisons of a
normal estimate; about 200 comparisons are made, so 6e-5 for the whole file and another seed. The
seeds follow from the tests' names.
"""

from __future__ import annotations

import copy
import math
import re
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

from xavier import init, rules, theory
from xavier.activations import ACTIVATIONS
from xavier.rules import RULES

LIMIT = 5.1
CUT = stats.truncnorm(-2, 2)
SQUARE_SPREAD = {
    "uniform": math.sqrt(0.8),
    "normal": math.sqrt(2),
    "truncated": math.sqrt(CUT.stats("k") + 2),
}
"""Standard deviation of w^2 in units of the variance of w: (kurtosis - 1)^(1/2)."""

shapes = st.lists(st.integers(1, 12), min_size=2, max_size=5)

Filler = Callable[[Tensor, torch.Generator], Tensor]


def _kaiming(fill: Any, nonlinearity: str) -> Filler:
    return lambda w, generator: fill(
        w, mode="fan_in", nonlinearity=nonlinearity, generator=generator
    )


TORCH: dict[tuple[str, str], Filler] = {
    ("glorot", "uniform"): lambda w, g: nn.init.xavier_uniform_(w, generator=g),
    ("glorot", "normal"): lambda w, g: nn.init.xavier_normal_(w, generator=g),
    ("he", "uniform"): _kaiming(nn.init.kaiming_uniform_, "relu"),
    ("he", "normal"): _kaiming(nn.init.kaiming_normal_, "relu"),
    ("lecun", "uniform"): _kaiming(nn.init.kaiming_uniform_, "linear"),
    ("lecun", "normal"): _kaiming(nn.init.kaiming_normal_, "linear"),
    ("standard", "uniform"): lambda w, g: nn.init.kaiming_uniform_(w, a=math.sqrt(5), generator=g),
}
"""Where torch.nn.init has the rule: the rule and distribution, and torch's way to fill."""

OURS: dict[str, Callable[..., Tensor]] = {
    "uniform": init.uniform_,
    "normal": init.normal_,
    "truncated": partial(init.draw_, distribution="truncated"),
}
ALL = OURS | {"orthogonal": partial(init.draw_, distribution="orthogonal")}

in_torch = pytest.mark.parametrize(("rule", "distribution"), TORCH)
both = pytest.mark.parametrize("distribution", OURS)
every = pytest.mark.parametrize("distribution", ALL)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --------------------------------------------------------------------------------------------------
# The same weights as torch's
# --------------------------------------------------------------------------------------------------


@in_torch
@settings(max_examples=40)
@given(shape=shapes, seed=st.integers(0, 2**62))
def test_weights_are_torchs_to_the_bit_in_float32_and_to_two_units_in_float64(
    rule: str, distribution: str, shape: list[int], seed: int
) -> None:
    ours = OURS[distribution](torch.empty(shape), rule, generator=seeded(seed))
    assert torch.equal(ours, TORCH[rule, distribution](torch.empty(shape), seeded(seed)))
    ours = OURS[distribution](torch.empty(shape).double(), rule, generator=seeded(seed))
    theirs = TORCH[rule, distribution](torch.empty(shape).double(), seeded(seed))
    std = math.sqrt(RULES[rule](*rules.fans(shape)))
    scale = math.sqrt(3) * std if distribution == "uniform" else std
    # A std that is 2 units off moves a draw of k stds by 2 k units, and both round the product.
    allowed = 2 * math.ulp(scale) * (theirs / scale).abs().clamp(1)
    allowed += torch.finfo(torch.float64).eps * theirs.abs()
    assert torch.all((ours - theirs).abs() <= allowed)


@given(n_in=st.integers(1, 2000), n_out=st.integers(1, 2000), seed=st.integers(0, 2**62))
@settings(max_examples=25)
def test_the_standard_rule_is_what_a_new_linear_layer_has(n_in: int, n_out: int, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = nn.Linear(n_in, n_out)
    ours = init.uniform_(torch.empty(n_out, n_in), "standard", generator=seeded(seed))
    assert torch.equal(ours, layer.weight)


@given(gain=st.floats(0.01, 100))
@settings(max_examples=25)
def test_the_gain_is_torchs_gain(gain: float) -> None:
    for ours, theirs in (
        (init.uniform_, nn.init.xavier_uniform_),
        (init.normal_, nn.init.xavier_normal_),
    ):
        expected = theirs(torch.empty(30, 50), gain, generator=seeded())
        assert torch.equal(ours(torch.empty(30, 50), gain=gain, generator=seeded()), expected)


@both
def test_a_gain_of_a_narrow_dtype_is_not_rounded_to(distribution: str) -> None:
    gain = np.float32(0.1)
    narrow, wide = (
        OURS[distribution](torch.empty(9, 9, dtype=torch.float64), gain=g, generator=seeded())
        for g in (gain, float(gain))
    )
    assert torch.equal(narrow, wide)


@both
def test_gain_zero_and_variance_zero_give_zeros(distribution: str) -> None:
    for arguments in ({"gain": 0.0}, {"gain": -0.0}, {"rule": lambda n_in, n_out: 0}):
        weights = OURS[distribution](torch.full((3, 4), math.nan), **arguments)
        assert torch.equal(weights, torch.zeros(3, 4))
        rng, options = np.random.default_rng(0), {"rule": "glorot", **arguments}
        assert not init.sample((3, 4), rng=rng, distribution=distribution, **options).any()


# --------------------------------------------------------------------------------------------------
# Rules
# --------------------------------------------------------------------------------------------------


@both
def test_a_rule_is_called_with_fan_in_first(distribution: str) -> None:
    def only_fan_out(n_in: int, n_out: int) -> float:
        return {(200, 50): 4.0}[n_in, n_out]

    weights = OURS[distribution](torch.empty(50, 200), only_fan_out, generator=seeded())
    assert_moments(weights.numpy(), 4.0, distribution)
    rng = np.random.default_rng(1)
    sampled = init.sample((50, 200), only_fan_out, rng, distribution=distribution)  # type: ignore[arg-type]
    assert_moments(sampled, 4.0, distribution)


@both
def test_given_fans_replace_those_of_the_shape(distribution: str) -> None:
    given_fans = OURS[distribution](torch.empty(8, 3), fans=(30, 10), generator=seeded())
    constant = OURS[distribution](torch.empty(8, 3), lambda n, m: 2 / 40, generator=seeded())
    assert torch.equal(given_fans, constant)
    assert OURS[distribution](torch.empty(8), fans=(30, 10)).shape == (8,)


@pytest.mark.parametrize(
    "variance",
    [Fraction(1, 4), sympy.sqrt(sympy.Rational(1, 16)), np.float32(0.25), torch.tensor(0.25)],
    ids=lambda value: type(value).__name__,
)
def test_a_rule_may_return_any_real_number(variance: Any) -> None:
    assert init.variance_of(lambda n_in, n_out: variance, 3, 4) == 0.25


@pytest.mark.parametrize(
    "variance", [-1, math.nan, math.inf, 10**400, None, "much", 1j, sympy.Symbol("v")]
)
def test_what_a_rule_returns_is_checked_everywhere(variance: Any) -> None:
    def rule(n_in: int, n_out: int) -> Any:
        return variance

    weights = torch.full((4, 3), 7.0)
    message = f"rule(3, 4) must return a finite number of at least 0, got {variance!r}"
    for call in (
        lambda: init.uniform_(weights, rule),
        lambda: init.normal_(weights, rule),
        lambda: init.sample((4, 3), rule, np.random.default_rng(0)),
        lambda: init.initialize_(nn.Linear(3, 4), rule),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            call()
    assert torch.all(weights == 7.0)


# --------------------------------------------------------------------------------------------------
# Statistics
# --------------------------------------------------------------------------------------------------


def assert_moments(weights: np.ndarray, variance: float, distribution: str) -> None:
    """Mean 0 and this variance, by standard errors that are known beforehand."""
    w = weights.astype(np.float64).ravel()
    root = math.sqrt(w.size)
    assert abs(w.mean()) <= LIMIT * math.sqrt(variance) / root
    assert abs((w**2).mean() / variance - 1) <= LIMIT * SQUARE_SPREAD[distribution] / root


def assert_distribution(weights: np.ndarray, variance: float, distribution: str) -> None:
    """Moments, support and the whole distribution function."""
    assert_moments(weights, variance, distribution)
    w = weights.astype(np.float64).ravel()
    if distribution == "uniform":
        bound = math.sqrt(3 * variance)
        # The support ends at the bound, rounded to float32, and is filled up to it: that all
        # draws stay 20/N short of it has probability (1 - 20/N)^N = 2e-9.
        assert np.abs(w).max() <= bound * (1 + 2**-23)
        assert np.abs(w).max() > bound * (1 - 20 / w.size)
        law = stats.uniform(-bound, 2 * bound)
    elif distribution == "truncated":
        wide = math.sqrt(variance / CUT.var())
        assert 1.99 * wide < np.abs(w).max() <= 2 * wide * (1 + 2**-20)
        law = stats.truncnorm(-2, 2, 0, wide)
    else:
        law = stats.norm(0, math.sqrt(variance))
    assert stats.kstest(w, law.cdf).pvalue > 1e-6


@both
@pytest.mark.parametrize("name", RULES)
def test_torch_weights_have_the_distribution_of_the_rule(
    distribution: str, name: str, generator: torch.Generator
) -> None:
    weights = torch.empty(120, 250)
    OURS[distribution](weights, name, 1.5, generator=generator)
    assert_distribution(weights.numpy(), 1.5**2 * RULES[name](250, 120), distribution)


@both
def test_numpy_weights_have_the_distribution_of_the_rule(
    distribution: Any, rng: np.random.Generator
) -> None:
    weights = init.sample((40, 20, 5, 7), "glorot", rng, gain=1.5, distribution=distribution)
    assert weights.shape == (40, 20, 5, 7) and weights.dtype == np.float64
    assert_distribution(weights, 1.5**2 * rules.glorot(20 * 35, 40 * 35), distribution)


@both
def test_half_precision_weights_have_the_variance_too(
    distribution: str, generator: torch.Generator
) -> None:
    for dtype in (torch.float16, torch.bfloat16):
        weights = OURS[distribution](torch.empty(100, 60, dtype=dtype), generator=generator)
        assert_moments(weights.float().numpy(), 2 / 160, distribution)


# --------------------------------------------------------------------------------------------------
# In place, and nothing besides
# --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("requires_grad", "mode"), [(True, True), (True, False), (False, True)])
def test_gradients_and_the_grad_mode_are_left_as_they_were(
    distribution: str, requires_grad: bool, mode: bool
) -> None:
    weight = nn.Parameter(torch.zeros(4, 3), requires_grad=requires_grad)
    layer = nn.Linear(3, 4).requires_grad_(requires_grad)
    with torch.set_grad_enabled(mode):
        OURS[distribution](weight)
        init.initialize_(layer, distribution=distribution)  # type: ignore[arg-type]
        assert torch.is_grad_enabled() == mode
    for parameter in (weight, layer.weight, layer.bias):
        assert parameter.requires_grad == requires_grad
        assert parameter.is_leaf and parameter.grad is None and parameter.grad_fn is None


@both
def test_with_a_generator_the_global_one_is_not_consumed(distribution: Any) -> None:
    layer = nn.Linear(3, 4)
    before = torch.get_rng_state()
    OURS[distribution](torch.empty(4, 3), generator=seeded())
    init.initialize_(layer, distribution=distribution, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)


@both
def test_without_a_generator_the_global_one_is_used(distribution: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        weights = OURS[distribution](torch.empty(4, 3))
    assert torch.equal(weights, OURS[distribution](torch.empty(4, 3), generator=seeded(5)))


# --------------------------------------------------------------------------------------------------
# Whole modules
# --------------------------------------------------------------------------------------------------


class Zoo(nn.Module):
    """One of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(60, 80)
        self.norm = nn.BatchNorm2d(18)
        self.conv = nn.Conv2d(12, 18, 5, groups=3)
        self.up = nn.ConvTranspose2d(10, 16, 5, groups=2)
        self.down = nn.Conv2d(6, 16, 4, stride=2)
        self.larger = nn.ConvTranspose2d(16, 6, 4, stride=(2, 1))
        self.attention = nn.MultiheadAttention(32, 4)
        self.cross = nn.MultiheadAttention(24, 2, kdim=40, vdim=16, add_bias_kv=True)
        self.pair = nn.Bilinear(9, 11, 40)
        self.layer_norm = nn.LayerNorm(60)
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(24, 30, proj_size=20, bidirectional=True)
        self.cell = nn.GRUCell(20, 30)
        self.tied = nn.Linear(60, 80)
        self.tied.weight = self.linear.weight
        self.again = self.linear
        self.nested = nn.Sequential(
            nn.Linear(30, 20), nn.ReLU(), nn.Sequential(nn.Linear(20, 90), nn.LayerNorm(90))
        )
        self.scale = nn.Parameter(torch.ones(3))


# Terms per output and outputs per input of every weight that is drawn, in the order of drawing.
ZOO = {
    "linear.weight": (60, 80),
    "conv.weight": (12 // 3 * 25, 18 // 3 * 25),
    "up.weight": (10 // 2 * 25, 16 // 2 * 25),
    "down.weight": (6 * 16, 16 * 4),
    "larger.weight": (16 * 8, 6 * 16),
    "attention.in_proj_weight": (32, 32),
    "attention.out_proj.weight": (32, 32),
    "cross.q_proj_weight": (24, 24),
    "cross.k_proj_weight": (40, 24),
    "cross.v_proj_weight": (16, 24),
    "cross.out_proj.weight": (24, 24),
    "pair.weight": (99, 40),
    "lstm.weight_ih_l0": (24, 30),
    "lstm.weight_hh_l0": (20, 30),
    "lstm.weight_hr_l0": (30, 20),
    "lstm.weight_ih_l0_reverse": (24, 30),
    "lstm.weight_hh_l0_reverse": (20, 30),
    "lstm.weight_hr_l0_reverse": (30, 20),
    "cell.weight_ih": (20, 30),
    "cell.weight_hh": (30, 30),
    "nested.0.weight": (30, 20),
    "nested.2.0.weight": (20, 90),
}
ZOO_DRAWN = (
    "linear", "conv", "up", "down", "larger", "attention", "attention.out_proj", "cross",
    "cross.out_proj", "pair", "lstm", "cell", "tied", "nested.0", "nested.2.0",
)  # fmt: skip
ZOO_SKIPPED = {
    "": "Zoo", "norm": "BatchNorm2d", "layer_norm": "LayerNorm", "embedding": "Embedding",
    "nested.2.1": "LayerNorm",
}  # fmt: skip
ZOO_BIASES = {
    "linear.bias", "tied.bias", "again.bias", "conv.bias", "up.bias", "pair.bias", "nested.0.bias",
    "nested.2.0.bias", "attention.in_proj_bias", "attention.out_proj.bias", "cross.in_proj_bias",
    "cross.out_proj.bias", "cross.bias_k", "cross.bias_v", "down.bias", "larger.bias",
    *(f"lstm.bias_{kind}_l0{end}" for kind in ("ih", "hh") for end in ("", "_reverse")),
    "cell.bias_ih", "cell.bias_hh",
}  # fmt: skip
ZOO_ALIASES = {"tied.weight", "again.weight"}


@pytest.fixture
def zoo() -> Zoo:
    """A zoo whose every parameter is 7, so that what was touched is seen."""
    with torch.random.fork_rng():
        module = Zoo()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(7.0)
    return module


def test_a_module_says_what_was_drawn_and_what_was_left_alone(zoo: Zoo) -> None:
    done = init.initialize_(zoo)
    assert done.drawn == ZOO_DRAWN
    assert done.skipped == ZOO_SKIPPED


def test_only_weights_and_biases_of_the_drawn_layers_change(zoo: Zoo) -> None:
    before = copy.deepcopy(zoo.state_dict())
    init.initialize_(zoo, generator=seeded())
    after = zoo.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == set(ZOO) | ZOO_BIASES | ZOO_ALIASES
    assert all(torch.count_nonzero(after[name]) == 0 for name in ZOO_BIASES)
    assert not any(torch.any(after[name] == 7.0) for name in ZOO)


@both
def test_the_layers_are_drawn_one_after_the_other_in_the_order_of_the_module(
    zoo: Zoo, distribution: Any
) -> None:
    init.initialize_(zoo, "glorot", 1.5, distribution=distribution, generator=seeded(9))
    by_hand = seeded(9)
    for name, fans in ZOO.items():
        weight = torch.empty_like(zoo.state_dict()[name])
        OURS[distribution](weight, "glorot", 1.5, fans=fans, generator=by_hand)
        assert torch.equal(zoo.state_dict()[name], weight), name


def test_the_report_reads_as_a_sentence() -> None:
    assert str(init.initialize_(nn.Sequential(nn.ReLU(), nn.Flatten()))) == "drawn: nothing"
    assert str(init.initialize_(nn.Linear(2, 3))) == "drawn: the module itself"
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.LayerNorm(3))
    assert str(init.initialize_(net)) == "drawn: 0; left alone: 1 (LayerNorm)"


@pytest.mark.parametrize("first", ["embedding", "read_out"])
def test_an_embedding_tied_to_a_drawn_layer_is_not_said_to_be_left_alone(first: str) -> None:
    layers = {"embedding": nn.Embedding(9, 4), "read_out": nn.Linear(4, 9)}
    layers["read_out"].weight = layers["embedding"].weight
    order = [first, *(name for name in layers if name != first)]
    done = init.initialize_(nn.ModuleDict({name: layers[name] for name in order}))
    assert done == init.Initialized(("read_out",), {})


def test_weights_that_are_computed_from_others_are_left_alone_and_said_so() -> None:
    net = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(4, 3)),
        prune.random_unstructured(nn.Linear(3, 2), "weight", 0.5),
        nn.Linear(2, 2),
    )
    before = copy.deepcopy(net.state_dict())
    done = init.initialize_(net)
    assert done.drawn == ("2",)
    computed = "its weight is computed"
    assert done.skipped["0"] == done.skipped["1"] == computed
    assert set(done.skipped) == {"0", "0.parametrizations.weight", "1"}
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith("2."), name


def test_a_refused_rule_leaves_the_module_unchanged(zoo: Zoo) -> None:
    def refuses_the_last(n_in: int, n_out: int) -> float:
        return math.nan if (n_in, n_out) == ZOO["nested.2.0.weight"] else 0.1

    for arguments in ({"rule": refuses_the_last}, {"rule": "golrot"}, {"gain": -1.0}):
        with pytest.raises(ValueError, match=r"^(rule|gain)"):
            init.initialize_(zoo, **arguments)
    assert all(torch.all(parameter == 7.0) for parameter in zoo.parameters())


def test_a_gain_that_is_too_large_for_the_last_layer_alone_leaves_the_module_unchanged() -> None:
    """Its deviation fits into single precision, and the ends of a uniform draw do not."""
    net = nn.Sequential(nn.Linear(900, 900), nn.Linear(100, 100))
    before = [parameter.clone() for parameter in net.parameters()]
    with pytest.raises(ValueError, match="gain"):
        init.initialize_(net, gain=1.7e38)
    assert all(map(torch.equal, net.parameters(), before))
    init.initialize_(net, gain=1.7e38, distribution="normal")


def test_a_lazy_layer_is_refused_until_it_has_a_shape() -> None:
    with warnings.catch_warnings(action="ignore"):
        net = nn.Sequential(nn.Linear(2, 3), nn.LazyLinear(4))
    before = net[0].weight.clone()
    with pytest.raises(ValueError, match=r"^module: parameter '1.weight' is of a lazy layer: "):
        init.initialize_(net)
    assert torch.equal(net[0].weight, before)
    net(torch.zeros(1, 2))
    assert init.initialize_(net).drawn == ("0", "1")


# --------------------------------------------------------------------------------------------------
# Parameters that are frozen, shared, asked for otherwise, or somebody's own
# --------------------------------------------------------------------------------------------------


def test_frozen_parameters_and_what_shares_their_memory_stay_and_are_said() -> None:
    net = nn.ModuleDict({"base": nn.Linear(4, 3), "copy": nn.Linear(4, 3), "free": nn.Linear(3, 2)})
    net["base"].requires_grad_(False)
    net["copy"].weight = nn.Parameter(net["base"].weight.data)
    net["free"].bias.requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    done = init.initialize_(net)
    assert done.drawn == ("free",)
    assert done.skipped == {"base": "frozen", "copy": "frozen", "free.bias": "frozen"}
    changed = {n for n, value in net.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"free.weight"}
    assert str(done) == "drawn: free; left alone: base (frozen), copy (frozen), free.bias (frozen)"


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_that_share_memory_are_drawn_once_by_the_first(transposed: bool) -> None:
    net = nn.Sequential(nn.Linear(4, 9), nn.Linear(*((9, 4) if transposed else (4, 9))))
    shared = net[0].weight.data
    net[1].weight = nn.Parameter(shared.T if transposed else shared)
    assert init.initialize_(net, "lecun", generator=seeded()).drawn == ("0", "1")
    expected = init.uniform_(torch.empty(9, 4), "lecun", generator=seeded())
    assert torch.equal(net[0].weight, expected)
    assert torch.equal(net[1].weight, expected.T if transposed else expected)


@pytest.mark.parametrize("by", ["object", "storage"])
def test_the_padding_row_of_a_tied_embedding_keeps_its_values(by: str) -> None:
    net = nn.ModuleDict({"head": nn.Linear(4, 10), "words": nn.Embedding(10, 4, padding_idx=3)})
    same = net["words"].weight
    net["head"].weight = same if by == "object" else nn.Parameter(same.data)
    init.initialize_(net)
    assert net["head"].weight is same or by == "storage"
    assert not same[3].any() and same[[0, 1, 2, 4, 9]].all()
    with torch.no_grad():
        same[3] = 7.0
    init.initialize_(net)
    assert torch.all(same[3] == 7.0)


def test_a_parameter_of_ones_own_in_a_known_layer_is_said() -> None:
    class Scaled(nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 4)
            self.bias_scale = nn.Parameter(torch.full((4, 3), 9.0))

    layer = Scaled()
    assert init.initialize_(layer).skipped == {"bias_scale": "a parameter of its own"}
    assert torch.all(layer.bias_scale == 9.0)


def test_a_layer_without_elements_hinders_nobody() -> None:
    with warnings.catch_warnings(action="ignore"):
        net = nn.Sequential(nn.Linear(0, 4), nn.Linear(4, 2))
    net[0].bias.data.fill_(7.0)
    assert init.initialize_(net).drawn == ("0", "1")
    assert not net[0].bias.any()


def test_weights_without_fans_are_named() -> None:
    net = nn.Sequential(nn.Conv1d(4, 6, 3))
    net[0].weight = nn.Parameter(torch.ones(5))
    with pytest.raises(ValueError, match=r"^module: parameter '0.weight': shape must have "):
        init.initialize_(net)


def test_overrides_change_what_they_match_and_the_last_wins(generator: torch.Generator) -> None:
    net = nn.ModuleDict({
        "blocks": nn.Sequential(nn.Linear(50, 40), nn.Linear(40, 50)), "lstm": nn.LSTM(8, 16),
        "head": nn.Linear(50, 10),
    })  # fmt: skip
    net["head"].bias.data.fill_(-4.6)
    done = init.initialize_(
        net,
        "lecun",
        generator=generator,
        overrides={
            "blocks.*": {"gain": 2.0},
            "blocks.1": {"gain": 0.5, "distribution": "normal"},
            "*.weight_hh_*": {"rule": "lecun", "distribution": "orthogonal"},
            "*.bias": None,
            "blocks.0.bias": {},
        },
    )
    assert_moments(net["blocks"][0].weight.detach().numpy(), 4 / 50, "uniform")
    assert_moments(net["blocks"][1].weight.detach().numpy(), 0.25 / 40, "normal")
    assert net["blocks"][1].weight.abs().max() > 0.5 * rules.bound(1 / 40)
    for gate in net["lstm"].weight_hh_l0.detach().chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)
    assert torch.all(net["head"].bias == -4.6) and not net["blocks"][0].bias.any()
    assert done.skipped == {"blocks.1.bias": "as asked", "head.bias": "as asked"}


def test_a_layer_that_is_to_be_left_alone_is(zoo: Zoo) -> None:
    done = init.initialize_(zoo, overrides={"attention*": None, "attention.out_proj": {}})
    assert done.skipped["attention"] == "as asked"
    assert torch.all(zoo.attention.in_proj_weight == 7.0)
    assert torch.all(zoo.attention.in_proj_bias == 7.0)
    assert "attention.out_proj" in done.drawn and not zoo.attention.out_proj.bias.any()


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        ({"haed": None}, ValueError, "overrides must match a layer that is drawn, got 'haed'"),
        ({"norm": {}}, ValueError, "overrides must match a layer that is drawn, got 'norm'"),
        (
            {"up": {"gian": 1}},
            ValueError,
            "overrides['up'] must be one of rule, gain, distribution",
        ),
        ({"up": 0.5}, TypeError, "overrides['up'] must be a mapping of options, or None, got 0.5"),
        ({"up": {"distribution": "u"}}, ValueError, "distribution must be one of uniform, normal"),
        ({"up": {"gain": -1}}, ValueError, "gain must be at least 0"),
        (["up"], TypeError, "overrides must be a mapping from patterns to options, got ['up']"),
        ({3: None}, ValueError, "overrides must match a layer that is drawn, got 3"),
    ],
)
def test_bad_overrides_are_refused_and_nothing_is_changed(
    zoo: Zoo, overrides: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        init.initialize_(zoo, overrides=overrides)
    assert all(torch.all(parameter == 7.0) for parameter in zoo.parameters())


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(self.inner(x))


def test_branches_add_the_variance_of_one_or_nothing(generator: torch.Generator) -> None:
    """Linear blocks of width 300 with Lecun's rule: each adds 1/N of the stream before it."""
    layers, width = 12, 300
    net = nn.Sequential(*[Block(width) for _ in range(layers)])
    x = torch.randn(200, width, generator=generator)
    init.initialize_(net, "lecun", generator=generator)
    assert net(x).var() > 0.5 * 2**layers * x.var()
    init.initialize_(net, "lecun", residual_scale={"*.outer": None}, generator=generator)
    for block in net:
        assert_moments(block.inner.weight.detach().numpy(), 1 / width, "uniform")
        assert_moments(block.outer.weight.detach().numpy(), 1 / width / layers, "uniform")
    grown = (net(x).var() / x.var()).item()
    assert grown == pytest.approx((1 + 1 / layers) ** layers, rel=0.15)
    scales = {"*.outer": 0, "3.*": 1.0, "3.outer": 0.5, "*.inner": None}
    done = init.initialize_(net, "lecun", residual_scale=scales, generator=generator)
    assert torch.equal(net[0](x), x) and len(done.drawn) == 2 * layers
    assert_moments(net[3].outer.weight.detach().numpy(), 0.25 / width, "uniform")
    assert_moments(net[3].inner.weight.detach().numpy(), 1 / width / layers, "uniform")


def test_the_scale_of_branches_is_that_of_a_known_encoder(generator: torch.Generator) -> None:
    layer = nn.TransformerEncoderLayer(64, 4, 128)
    net = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    both = {"*.linear2": None, "*.out_proj": None}
    init.initialize_(net, "lecun", residual_scale=both, distribution="normal", generator=generator)
    for part in net.layers:
        assert_moments(part.linear2.weight.detach().numpy(), 1 / 128 / 6, "normal")
        assert_moments(part.self_attn.out_proj.weight.detach().numpy(), 1 / 64 / 6, "normal")
        assert_moments(part.self_attn.in_proj_weight.detach().numpy(), 1 / 64, "normal")


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        ({"haed": None}, ValueError, "residual_scale must match a layer that is drawn, got 'haed'"),
        ({"up": -1}, ValueError, "residual_scale['up'] must be at least 0, got -1"),
        ({"up": 1.5}, ValueError, "residual_scale['up'] must be at most 1, got 1.5"),
        ({"up": "1"}, TypeError, "residual_scale['up'] must be a real number, got '1'"),
        ({3: 1.0}, ValueError, "residual_scale must match a layer that is drawn, got 3"),
        (0.5, TypeError, "residual_scale must be a mapping from patterns to factors, got 0.5"),
    ],
)
def test_bad_scales_of_branches_are_refused_and_nothing_is_changed(
    zoo: Zoo, scale: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        init.initialize_(zoo, residual_scale=scale)
    assert all(torch.all(parameter == 7.0) for parameter in zoo.parameters())


def test_forget_gates_have_their_bias_once() -> None:
    net = nn.ModuleDict({"layer": nn.LSTM(3, 4, 2), "cell": nn.LSTMCell(3, 4), "gru": nn.GRU(3, 4)})
    init.initialize_(net, forget_bias=1.0)
    for name, bias in net.named_parameters():
        if "bias" in name:
            expected = torch.zeros_like(bias)
            if "bias_ih" in name and "gru" not in name:
                expected[4:8] = 1.0  # gates: input, forget, cell, output
            assert torch.equal(bias, expected), name
    for module in (nn.GRU(3, 4), nn.LSTM(3, 4, bias=False)):
        with pytest.raises(ValueError, match=r"^forget_bias must be 0 without an LSTM's biases"):
            init.initialize_(module, forget_bias=1.0)


# --------------------------------------------------------------------------------------------------
# Orthogonal matrices, gains by name, memory
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(9, 9), (12, 5), (5, 12), (6, 2, 3), (7, 1)])
@pytest.mark.parametrize("rule", ["lecun", "glorot"])
def test_singular_values_are_alike_and_give_the_variance(shape: tuple[int, ...], rule: str) -> None:
    variance = 1.5**2 * RULES[rule](*rules.fans(shape))
    w = init.draw_(torch.empty(shape).double(), rule, 1.5, distribution="orthogonal")
    sampled = init.sample(
        shape, rule, np.random.default_rng(0), gain=1.5, distribution="orthogonal"
    )
    for drawn in (w.numpy(), sampled):
        assert (drawn**2).mean() == pytest.approx(variance, rel=1e-12)
        singular = np.linalg.svd(drawn.reshape(shape[0], -1), compute_uv=False)
        np.testing.assert_allclose(singular, singular[0], rtol=1e-12)
    if rule == "lecun" and len(set(shape)) == 1:
        assert singular[0] == pytest.approx(1.5)


def test_all_orthogonal_matrices_are_equally_likely(generator: torch.Generator) -> None:
    """Each entry of a 3 x 3 one is uniform on [-1, 1] (Archimedes), unlike those of QR alone."""
    draws = torch.stack([
        init.draw_(torch.empty(3, 3), "lecun", distribution="orthogonal", generator=generator)
        for _ in range(2000)
    ])  # fmt: skip
    for k in range(9):
        entries = draws.flatten(1)[:, k].numpy()
        assert stats.kstest(entries, stats.uniform(-1, 2).cdf).pvalue > 1e-6


def test_packed_and_grouped_weights_are_orthogonal_each() -> None:
    up = nn.ConvTranspose1d(8, 6, 2, groups=2)
    net = nn.ModuleDict({"attention": nn.MultiheadAttention(6, 2), "up": up})
    init.initialize_(net, "lecun", distribution="orthogonal")
    for part in net["attention"].in_proj_weight.detach().chunk(3):
        torch.testing.assert_close(part @ part.T, torch.eye(6), atol=1e-5, rtol=0)
    for part in up.weight.detach().flatten(1).chunk(2):
        product = part @ part.T  # 4 x 6, of variance 1 / 8
        torch.testing.assert_close(product, torch.eye(4) * 6 / 8, atol=1e-5, rtol=0)


@every
def test_the_same_weights_are_drawn_in_any_order_of_memory(distribution: str) -> None:
    fill = ALL[distribution]
    for dtype in (torch.float32, torch.bfloat16):
        plain = fill(torch.empty(20, 6, 3, 3, dtype=dtype), generator=seeded())
        last = torch.empty(20, 6, 3, 3, dtype=dtype, memory_format=torch.channels_last)
        assert fill(last, generator=seeded()) is last
        assert torch.equal(last, plain) and not last.is_contiguous()
        across = torch.empty(6, 20, dtype=dtype)
        fill(across.T, generator=seeded())
        assert torch.equal(across.T, fill(torch.empty(20, 6, dtype=dtype), generator=seeded()))


def test_a_gain_by_name_is_that_of_theory() -> None:
    for gain in ("gelu", "tanh", ("leaky_relu", 0.2), F.mish, ACTIVATIONS["softsign"]):
        named, by_number = nn.Linear(9, 9), nn.Linear(9, 9)
        init.initialize_(named, "lecun", gain, generator=seeded())
        init.initialize_(by_number, "lecun", float(theory.gain(gain)), generator=seeded())
        assert torch.equal(named.weight, by_number.weight)
    he, relu = (
        init.uniform_(torch.empty(9, 9), *how, generator=seeded())
        for how in (("he",), ("lecun", "relu"))
    )
    torch.testing.assert_close(he, relu)


# --------------------------------------------------------------------------------------------------
# Bad input
# --------------------------------------------------------------------------------------------------

SAMPLERS: list[Callable[..., Any]] = [
    lambda **kwargs: init.uniform_(torch.empty(4, 3), **kwargs),
    lambda **kwargs: init.normal_(torch.empty(4, 3), **kwargs),
    lambda rule="glorot", **kwargs: init.sample((4, 3), rule, np.random.default_rng(0), **kwargs),
    lambda **kwargs: init.initialize_(nn.Linear(3, 4), **kwargs),
]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"gain": -0.5},
            ValueError,
            f"gain must be at least 0 and keep weights of variance {2 / 7!r} finite in torch.float",
        ),
        ({"gain": math.nan}, ValueError, "gain must be finite, got nan"),
        ({"gain": None}, TypeError, "gain must be a real number, got None"),
        ({"gain": "gulu"}, ValueError, "gain must be one of sigmoid, tanh, softsign, relu, "),
        (
            {"gain": "relu", "rule": "he"},
            ValueError,
            "gain must be a number with the rule 'he', which has a factor of its own",
        ),
        ({"rule": 0.1}, TypeError, "rule must be a name or a callable (n_in, n_out), got 0.1"),
        (
            {"rule": "golrot"},
            ValueError,
            "rule must be one of standard, lecun, glorot, he, got 'golrot'; did you mean 'glorot'?",
        ),
    ],
    ids=repr,
)
def test_a_bad_gain_or_rule_is_refused_by_every_sampler(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    for sampler in SAMPLERS:
        with pytest.raises(error, match=f"^{re.escape(message)}"):
            sampler(**arguments)


def test_an_unknown_distribution_is_refused() -> None:
    message = r"^distribution must be one of uniform, normal, truncated, orthogonal, got 'gauss'"
    for sampler in SAMPLERS[2:]:
        with pytest.raises(ValueError, match=message):
            sampler(distribution="gauss")


@both
def test_a_tensor_without_fans_or_of_the_wrong_dtype_is_refused(distribution: str) -> None:
    fill = OURS[distribution]
    with pytest.raises(ValueError, match="shape must have at least two dimensions"):
        fill(torch.zeros(3))
    with pytest.raises(ValueError, match=r"shape\[0\] must be at least 1, got 0"):
        fill(torch.zeros(0, 3))
    for dtype in (torch.int64, torch.complex64, torch.float8_e4m3fn):
        with pytest.raises(TypeError, match=rf"tensor must have a dtype among .*16, .*got {dtype}"):
            fill(torch.zeros(3, 2, dtype=dtype))
    with pytest.raises(ValueError, match=r"fans\[1\] must be above 0, got -1"):
        fill(torch.empty(4, 3), fans=(3, -1))
    with pytest.raises(TypeError, match=r"fans\[0\] must be a real number, got '2'"):
        fill(torch.empty(4, 3), fans=("2", 3))
    for fans in ((3, 4, 5), (), 3):
        message = f"fans must be the pair (n_in, n_out), got {fans!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            fill(torch.empty(4, 3), fans=fans)
    with pytest.raises(ValueError, match=r"^tensor must not be expanded .* \(0, 1\) .* \(4, 3\)$"):
        fill(torch.ones(3).expand(4, 3))
    fill(torch.ones(3).as_strided((1, 3), (0, 1)))  # a step of 0 that is never taken


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.initialize_(None), "module must be a torch.nn.Module, got None"),  # type: ignore[arg-type]
        (lambda: init.uniform_(np.ones(2)), "tensor must be a torch.Tensor, got array([1., 1.])"),  # type: ignore[arg-type]
        (lambda: init.normal_(3), "tensor must be a torch.Tensor, got 3"),  # type: ignore[arg-type]
        (
            lambda: init.sample((3, 2), "he", None),  # type: ignore[arg-type]
            "rng must be a numpy.random.Generator, got None",
        ),
        (
            lambda: init.sample(3, "he", np.random.default_rng(0)),  # type: ignore[arg-type]
            "shape must be a sequence of integers, got 3",
        ),
    ],
)
def test_what_is_of_another_type_is_refused_by_name(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        call()


def _computed() -> Tensor:
    return parametrizations.weight_norm(nn.Linear(3, 2)).weight


def _of_inference_mode() -> Tensor:
    with torch.inference_mode():
        return nn.Parameter(torch.ones(2, 3))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: torch.ones(1, 1).expand(2, 3), ValueError, "must not be expanded .* got strides"),
        (lambda: torch.ones(2, 3).to(torch.float8_e4m3fn), TypeError, "must have a dtype.*float8"),
        (lambda: torch.ones(2, 3) * 1j, TypeError, "must have a dtype .* got torch.complex64"),
        (lambda: torch.ones(2, 3, device="meta"), ValueError, "must have memory, got .* on meta"),
        (_of_inference_mode, ValueError, "must not be made in inference mode"),
    ],
    ids=["expanded", "float8", "complex", "meta", "inference"],
)
def test_weights_that_cannot_be_drawn_leave_the_whole_module_unchanged(
    make: Callable[[], Tensor], error: type[Exception], message: str
) -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    weight = make()
    net[2].weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight)
    before = net[0].weight.detach().clone()
    with pytest.raises(error, match=f"^module: parameter '2.weight' {message}"):
        init.initialize_(net)
    with pytest.raises(error, match=f"^tensor {message}"):
        init.uniform_(make())
    assert torch.equal(net[0].weight, before)


def test_a_bias_that_cannot_be_changed_leaves_the_whole_module_unchanged() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    net[1].bias = nn.Parameter(torch.ones(2, device="meta"))
    before = net[0].weight.detach().clone()
    with pytest.raises(ValueError, match=r"^module: parameter '1.bias' must have memory"):
        init.initialize_(net)
    assert torch.equal(net[0].weight, before)
    net[1].bias = nn.Parameter(torch.ones(2) * 1j)  # which can be zero
    init.initialize_(net)
    assert not net[1].bias.any()


def test_an_inference_tensor_can_be_drawn_in_inference_mode() -> None:
    with torch.inference_mode():
        assert init.uniform_(torch.zeros(3, 2)).all()


def test_a_weight_that_would_forget_the_draw_is_refused_and_a_view_of_one_is_not() -> None:
    with pytest.raises(ValueError, match=r"^tensor must be a parameter or a view of one, got the"):
        init.uniform_(_computed())
    layer = nn.MultiheadAttention(4, 2)
    init.normal_(layer.in_proj_weight[4:8], "lecun", generator=seeded())
    expected = init.normal_(torch.empty(4, 4), "lecun", generator=seeded())
    assert torch.equal(layer.in_proj_weight[4:8], expected)


def test_a_quantized_layer_is_refused_by_name() -> None:
    from torch.ao.nn import quantized

    with warnings.catch_warnings(action="ignore"):
        net = nn.Sequential(nn.Linear(4, 3), quantized.Linear(3, 2))
    before = net[0].weight.detach().clone()
    with pytest.raises(ValueError, match=r"^module must have no quantized layer, .* at '1'"):
        init.initialize_(net)
    assert torch.equal(net[0].weight, before)


@both
@pytest.mark.parametrize(
    ("dtype", "gain"), [(torch.float16, 1e4), (torch.float32, 1e38), (torch.float64, 1e308)]
)
def test_a_gain_too_large_for_the_dtype_is_refused_and_nothing_becomes_infinite(
    distribution: str, dtype: torch.dtype, gain: float
) -> None:
    weights = torch.zeros(4, 3, dtype=dtype)
    with pytest.raises(ValueError, match=f"^gain must .* finite in {dtype}, got "):
        OURS[distribution](weights, gain=gain)
    assert torch.all(weights == 0)
    assert torch.all(torch.isfinite(OURS[distribution](weights, gain=gain / 100)))


@given(shape=st.lists(st.integers(-2, 6), max_size=4), gain=st.floats(width=32), data=st.data())
def test_weights_are_finite_and_inside_the_bound_or_an_error_names_the_argument(
    shape: Sequence[int], gain: float, data: st.DataObject
) -> None:
    rule = data.draw(st.sampled_from([*RULES, "xavier"]))
    arguments = (tuple(shape), rule, np.random.default_rng(0))
    usable = len(shape) >= 2 and min(shape) >= 1 and rule in RULES
    if usable and math.isfinite(gain) and gain >= 0:
        bound = gain * rules.bound(RULES[rule](*rules.fans(shape)))
        assert np.abs(init.sample(*arguments, gain=gain)).max() <= bound
    else:
        with pytest.raises(ValueError, match=r"^(shape(\[\d\])?|gain|rule) must .*, got"):
            init.sample(*arguments, gain=gain)
