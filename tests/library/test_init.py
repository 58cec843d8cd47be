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
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from xavier import init, rules
from xavier.rules import RULES

LIMIT = 5.1
SQUARE_SPREAD = {"uniform": math.sqrt(0.8), "normal": math.sqrt(2)}
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

OURS = {"uniform": init.uniform_, "normal": init.normal_}

in_torch = pytest.mark.parametrize(("rule", "distribution"), TORCH)
both = pytest.mark.parametrize("distribution", OURS)


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
def test_the_same_tensor_comes_back_filled(distribution: str) -> None:
    weights = torch.full((4, 3), 7.0)
    assert OURS[distribution](weights) is weights
    assert not torch.any(weights == 7.0)


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


def test_numpy_sampling_consumes_the_given_generator_only() -> None:
    rng, before = np.random.default_rng(1), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (init.sample((3, 2), "glorot", rng) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


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
        self.attention = nn.MultiheadAttention(32, 4)
        self.cross = nn.MultiheadAttention(24, 2, kdim=40, vdim=16, add_bias_kv=True)
        self.pair = nn.Bilinear(9, 11, 40)
        self.layer_norm = nn.LayerNorm(60)
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(8, 8)
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
    "attention.in_proj_weight": (32, 32),
    "attention.out_proj.weight": (32, 32),
    "cross.q_proj_weight": (24, 24),
    "cross.k_proj_weight": (40, 24),
    "cross.v_proj_weight": (16, 24),
    "cross.out_proj.weight": (24, 24),
    "pair.weight": (99, 40),
    "nested.0.weight": (30, 20),
    "nested.2.0.weight": (20, 90),
}
ZOO_DRAWN = (
    "linear", "conv", "up", "attention", "attention.out_proj", "cross", "cross.out_proj", "pair",
    "tied", "nested.0", "nested.2.0",
)  # fmt: skip
ZOO_SKIPPED = ("", "norm", "layer_norm", "embedding", "lstm", "nested.2.1")
ZOO_BIASES = {
    "linear.bias", "tied.bias", "again.bias", "conv.bias", "up.bias", "pair.bias", "nested.0.bias",
    "nested.2.0.bias", "attention.in_proj_bias", "attention.out_proj.bias", "cross.in_proj_bias",
    "cross.out_proj.bias", "cross.bias_k", "cross.bias_v",
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
    assert str(init.initialize_(net)) == "drawn: 0; left alone: 1"


@pytest.mark.parametrize("first", ["embedding", "read_out"])
def test_an_embedding_tied_to_a_drawn_layer_is_not_said_to_be_left_alone(first: str) -> None:
    layers = {"embedding": nn.Embedding(9, 4), "read_out": nn.Linear(4, 9)}
    layers["read_out"].weight = layers["embedding"].weight
    order = [first, *(name for name in layers if name != first)]
    done = init.initialize_(nn.ModuleDict({name: layers[name] for name in order}))
    assert done == init.Initialized(("read_out",), ())


def test_weights_that_are_computed_from_others_are_left_alone_and_said_so() -> None:
    net = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(4, 3)),
        prune.random_unstructured(nn.Linear(3, 2), "weight", 0.5),
        nn.Linear(2, 2),
    )
    before = copy.deepcopy(net.state_dict())
    done = init.initialize_(net)
    assert done.drawn == ("2",)
    assert done.skipped == ("0", "0.parametrizations.weight", "1")
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
    with pytest.raises(ValueError, match=r"^module: the lazy layer '1' has no shape yet"):
        init.initialize_(net)
    assert torch.equal(net[0].weight, before)
    net(torch.zeros(1, 2))
    assert init.initialize_(net).drawn == ("0", "1")


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
        ({"gain": "1"}, TypeError, "gain must be a real number, got '1'"),
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
    message = r"^distribution must be one of uniform, normal, got 'gauss'"
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
    with pytest.raises(ValueError, match=r"fans\[1\] must be at least 1, got -1"):
        fill(torch.empty(4, 3), fans=(3, -1))
    with pytest.raises(TypeError, match=r"fans\[0\] must be an integer, got 2\.5"):
        fill(torch.empty(4, 3), fans=(2.5, 3))
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


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (torch.ones(1, 1).expand(2, 3), ValueError, "must not be expanded .* got strides"),
        (
            torch.ones(2, 3, dtype=torch.float8_e4m3fn),
            TypeError,
            "must have a dtype among .*float8",
        ),
    ],
    ids=["expanded", "float8"],
)
def test_weights_that_cannot_be_drawn_leave_the_whole_module_unchanged(
    weight: Tensor, error: type[Exception], message: str
) -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    net[2].weight = nn.Parameter(weight)
    before = net[0].weight.detach().clone()
    with pytest.raises(error, match=f"^module: weights of layer '2' {message}"):
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
