"""That starts are told apart: what is healthy passes in silence, what is planted is named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import patients
import pytest
import torch
import torch.nn.functional as F
from patients import ARCHITECTURES, FAULTS, Fault, Patient
from torch import Tensor, nn

from xavier import init, probe, theory, uses
from xavier.activations import ACTIVATIONS
from xavier.diagnose import Report, diagnose
from xavier.faults import chance_of_dead
from xavier.findings import EXPLAINED, Finding

NUMBERS = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}


# ----------------------------------------------------------------------- what is healthy is silent


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_starts_well_is_left_in_peace(name: str) -> None:
    report = diagnose(*ARCHITECTURES[name](0))
    assert report.findings == ()
    assert report.verdict == "starts well"
    assert report.ok


@pytest.mark.parametrize("seed", range(20))
def test_random_healthy_networks_raise_no_alarm(seed: int) -> None:
    assert diagnose(*patients.healthy(seed)).findings == ()


@pytest.mark.thorough
def test_two_hundred_random_healthy_networks_raise_no_alarm() -> None:
    """None was raised when this was written; one would be a rate of half a percent."""
    alarms = [seed for seed in range(200) if diagnose(*patients.healthy(seed)).findings]
    assert len(alarms) <= 1, alarms


# ----------------------------------------------------------------------- what is planted is named


def planted(fault: Fault) -> tuple[Patient, Report]:
    patient = ARCHITECTURES[fault.architecture](0)
    changed = fault.plant(patient)
    patient = changed if isinstance(changed, Patient) else patient
    return patient, diagnose(*patient)


def in_a_line(printed: object) -> str:
    return " ".join(str(printed).split())


def is_named(fault: Fault, report: Report) -> bool:
    return any(f.kind in fault.kinds and fault.word in in_a_line(f) for f in report.findings)


def test_every_kind_is_explained() -> None:
    kinds_ = set().union(*(fault.kinds for fault in FAULTS))
    assert set(EXPLAINED) == kinds_ | {"unseen", "nothing seen", "one example"}


def test_the_zoo_is_large() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.architecture for fault in FAULTS}) >= 8
    known = set().union(*(fault.kinds for fault in FAULTS))
    assert len(known) >= 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.name}, {f.architecture}")
def test_planted_faults_are_named(fault: Fault) -> None:
    _, report = planted(fault)
    assert is_named(fault, report), str(report)
    for finding in report.findings:
        compile(finding.fix, "fix", "exec")
        assert finding.why.endswith((".", ")"))
        assert finding.kind in EXPLAINED


MENDED = {"signal", "gradient", "tied", "stuck", "bias", "mean", "hidden scale", "loss", "frozen",
          "averages", "branches"}  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [f for f in FAULTS if f.kinds <= MENDED and f.name != "targets not standardized"],
    ids=lambda f: f"{f.name}, {f.architecture}",
)
def test_the_line_that_is_proposed_mends_it(fault: Fault) -> None:
    (model, batch, targets), report = planted(fault)
    named = next(f for f in report.findings if is_named(fault, Report((f,))))
    for _ in range(2):  # a head that is thirty times too large takes it twice
        exec(named.fix, {"model": model, "batch": batch, "init": init, "torch": torch})
    assert named.kind not in kinds(diagnose(model, batch, targets))


class Held(nn.Module):
    """Three residual branches, each with a factor, and what of it all is zero at the start."""

    def __init__(self, zeros: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 64)) for _ in range(3)
        )
        self.factors = nn.Parameter(torch.full((3,), 0.0 if "factors" in zeros else 1.0))
        self.head = nn.Linear(64, 4)
        self.last: Tensor | None = None
        self.remembers = False
        init.initialize_(self, "he", generator=torch.Generator().manual_seed(0))
        for name, parameter in self.named_parameters():
            if (name.endswith(("2.weight", "2.bias")) and "last" in zeros) or (
                "head" in name and "head" in zeros
            ):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        for factor, branch in zip(self.factors, self.branches, strict=True):
            x = x + factor * branch(x)
        out = self.head(x)
        if self.remembers:
            out, self.last = out + (0 if self.last is None else self.last), out
        return out


@pytest.mark.parametrize(
    ("zeros", "held"),
    [("factors", 0), ("last", 0), ("head", 0), ("last, head", 0), ("factors, head", 0),
     ("factors, last", 4), ("factors, last, head", 4)],
)  # fmt: skip
def test_zeros_are_stuck_where_they_hold_each_other(zeros: str, held: int) -> None:
    """A zero that wakes when what is above has moved is none: branches below a head of zeros."""
    model, targets = Held(zeros), torch.arange(16) % 4
    report = diagnose(model, NUMBERS, targets)
    stuck = [f for f in report.findings if f.kind == "stuck"]
    assert [f.evidence["weights"] for f in stuck] == ([held] if held else [])
    if held:
        exec(stuck[0].fix, {"model": model, "init": init, "torch": torch})
        assert "stuck" not in kinds(diagnose(model, NUMBERS, targets))


class Towers(nn.Module):
    """An actor and a critic on the same inputs, the actor's last weights small by design."""

    def __init__(self) -> None:
        super().__init__()
        self.actor, self.critic = (patients.mlp(nn.Tanh, width=64, depth=2) for _ in range(2))
        init.initialize_(self, generator=torch.Generator().manual_seed(0))
        self.actor[-1].weight.data.mul_(1e-3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.actor(x), self.critic(x)


def test_towers_that_do_not_feed_each_other_are_no_chain() -> None:
    def loss(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs[0], targets) + outputs[1].square().mean()

    report = diagnose(Towers(), NUMBERS, torch.arange(16) % 10, loss=loss)
    assert report.ok
    gradients = report.table.set_index("layer").gradient
    assert gradients["actor.0"] < gradients["critic.0"] / 100  # which was called a fading gradient


class Steps(nn.Module):
    """A recurrence by hand: two layers at each of twelve steps, from a state of zeros."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.i, self.h, self.o = nn.Linear(4, 64), nn.Linear(64, 64), nn.Linear(64, 5)
        init.initialize_(self, generator=torch.Generator().manual_seed(0))
        self.h.weight.data.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 64)
        for part in x.reshape(len(x), -1, 4)[:, :12].unbind(1):
            state = self.i(part) + self.h(state)
        return self.o(torch.tanh(state))


def test_steps_of_a_recurrence_are_counted_once() -> None:
    """The layer of the inputs has one place in each step, and depends on no other step."""
    (grows,) = (f for f in diagnose(Steps(3.0), NUMBERS).findings if f.kind == "signal")
    assert grows.serious and "over 12 layers" in grows.what
    assert grows.evidence["per layer"] == pytest.approx(9, rel=0.3)  # the gain squared
    fades = diagnose(Steps(0.3), NUMBERS)
    assert fades.ok and "gradient" in kinds(fades)  # the weights learn from the last steps


@pytest.mark.parametrize(
    "loss",
    [None, F.cross_entropy, nn.CrossEntropyLoss(), lambda output, y: F.cross_entropy(output, y),
     lambda output, y: F.nll_loss(output.log_softmax(1), y)],
)  # fmt: skip
def test_the_loss_is_judged_by_whatever_name(loss: Any) -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5))
    nn.init.normal_(model[2].weight, std=5, generator=torch.Generator().manual_seed(0))
    report = diagnose(model, NUMBERS, torch.arange(16) % 5, loss=loss)
    assert "loss" in kinds(report) and not report.ok


@pytest.mark.parametrize(
    ("targets", "message"),
    [(torch.zeros(16), "targets must have the output's shape (16, 5), got (16,)"),
     (torch.zeros(16, 1, dtype=torch.long), "class numbers of the output's shape (16, 5)"),
     (torch.zeros(16, dtype=torch.bool), "or give the loss")],
)  # fmt: skip
def test_targets_that_do_not_fit_are_refused(targets: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        diagnose(nn.Linear(64, 5), NUMBERS, targets)
    with pytest.raises(ValueError, match="targets must be"):  # an output for each example is no
        diagnose(nn.Sequential(nn.Linear(64, 1), nn.Flatten(0)), NUMBERS, torch.arange(16))  # class


def test_weights_of_einsum_are_judged_as_matrices() -> None:
    class Einsum(nn.Module):
        def __init__(self, equation: str, shape: tuple[int, ...]) -> None:
            super().__init__()
            self.equation = equation
            self.w = nn.Parameter(torch.ones(shape))

        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum(self.equation, x, self.w)

    for equation, shape, x, fans in (
        ("bi,io->bo", (64, 8), NUMBERS, (64, 8)),
        ("bi, oi -> bo", (8, 64), NUMBERS, (64, 8)),
        ("bhi,hio->bho", (4, 16, 8), NUMBERS.view(16, 4, 16), (16, 8)),
        ("bhi,hio->bo", (4, 16, 8), NUMBERS.view(16, 4, 16), (64, 8)),
    ):
        model = Einsum(equation, shape)
        report = diagnose(nn.Sequential(model, nn.Flatten()), x)
        assert tuple(report.table.loc[0, ["fan_in", "fan_out"]]) == fans
        assert report.table.loc[0, "rule"] == f"gain {fans[0] ** 0.5:.2g}"
    odd = diagnose(nn.Sequential(Einsum("bi,i->bi", (64,))), NUMBERS)
    assert math.isnan(odd.table.loc[0, "fan_in"])


def test_two_units_are_named_that_are_one() -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 5))
    model[0].weight.data[16:] = model[0].weight.data[:16]
    (tied,) = (f for f in diagnose(model, NUMBERS).findings if f.kind == "tied")
    first, second = map(int, re.findall(r"such as (\d+) and (\d+)", tied.what)[0])
    assert second == first + 16


def test_one_bad_layer_is_said_to_be_one() -> None:
    model = patients.started(patients.mlp(nn.ReLU), 0)
    model[6].weight.data.mul_(0.01)
    (signal,) = (f for f in diagnose(model, NUMBERS).findings if f.kind == "signal")
    assert signal.where == ("6",) and "drops at this layer" in signal.what
    assert signal.evidence["per layer"] == pytest.approx(1e-4, rel=0.5)


def test_a_line_is_for_weights_that_it_can_draw() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            weights = torch.randn(6, 64, 64, generator=torch.Generator().manual_seed(0))
            self.w = nn.ParameterList(nn.Parameter(w) for w in weights)

        def forward(self, x: Tensor) -> Tensor:
            for w in self.w:
                x = (x @ w).relu()
            return x

    model = Bare()
    signal = diagnose(model, NUMBERS).findings[0]
    assert signal.kind == "signal"
    exec(signal.fix, {"model": model, "init": init, "torch": torch})
    assert diagnose(model, NUMBERS).ok
    normed = [nn.utils.parametrizations.weight_norm(nn.Linear(64, 64)) for _ in range(8)]
    stack = nn.Sequential(*(part for layer in normed for part in (layer, nn.ReLU())))
    assert diagnose(stack, NUMBERS).findings[0].fix.startswith("# draw what")


def test_orthogonal_weights_are_recognized_and_no_mistake_is_made_of_them() -> None:
    model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 5))
    nn.init.orthogonal_(model[0].weight, generator=torch.Generator().manual_seed(0))
    report = diagnose(model, NUMBERS)
    assert report.table.loc[0, "rule"] == "orthogonal" and report.findings == ()


def test_counts_of_which_most_are_zero_are_no_fault() -> None:
    x = F.one_hot(torch.arange(64) % 50, 200).float()
    model = nn.Sequential(nn.Linear(200, 64), nn.Tanh(), nn.Linear(64, 5))
    assert diagnose(model, x).ok and "inputs" not in kinds(diagnose(model, x))


def test_embeddings_alone_are_nothing_to_worry_about() -> None:
    class Factors(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.u, self.v = nn.Embedding(9, 32), nn.Embedding(9, 32)

        def forward(self, i: Tensor) -> Tensor:
            return (self.u(i) * self.v(i)).sum(1)

    report = diagnose(Factors(), torch.arange(16) % 9)
    assert report.ok and kinds(report) == {"nothing seen"}


def test_chance_counts_biases_as_torch_draws_them() -> None:
    """Small inputs and a bias that is larger: a tenth is off for all, and no mistake was made."""
    x = 0.1 * NUMBERS
    model = nn.Sequential(nn.Linear(64, 4000), nn.ReLU(), nn.Linear(4000, 5))
    for k, parameter in enumerate(model[0].parameters()):
        parameter.data.uniform_(-1 / 8, 1 / 8, generator=torch.Generator().manual_seed(k))
    report = diagnose(model, x)
    assert report.table.loc[0, "dead"] > 0.08 and "dead" not in kinds(report)


def test_whether_zeros_wake_is_not_asked_of_what_runs_only_once() -> None:
    model = Held("factors, last")
    model.remembers = True
    assert "stuck" not in kinds(diagnose(model, NUMBERS, torch.arange(16) % 4))


def test_factors_of_zeros_get_a_line_of_their_own() -> None:
    class Adapter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Parameter(torch.zeros(64, 4)), nn.Parameter(torch.zeros(4, 64))
            self.head = nn.Linear(64, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x + x @ self.a @ self.b)

    model = Adapter()
    (finding,) = (f for f in diagnose(model, NUMBERS).findings if f.kind == "stuck")
    assert finding.where == ("a", "b")
    exec(finding.fix, {"model": model})
    assert bool(model.a.any()) and "stuck" not in kinds(diagnose(model, NUMBERS))


# ------------------------------------------------------------------- the model is left as it was


class Awkward(nn.Module):
    """Has all that a pass could change: dropout, averages, a plain buffer, a counter, hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout())
        self.head = nn.Linear(32, 4)
        self.register_buffer("passes", torch.zeros(()))
        self.register_buffer("last", torch.zeros(16, 4), persistent=False)
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        out = self.head(self.body(x))
        self.last = out.detach()
        if self.fails:
            raise ArithmeticError
        return out


def state(model: nn.Module) -> list[Any]:
    hooks = [
        (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks), m.training)
        for m in model.modules()
    ]
    tensors = [*model.parameters(), *model.buffers()]
    grads = [p.grad for p in model.parameters()]
    return [
        hooks,
        [id(t) for t in tensors],
        [t.detach().clone() for t in tensors],
        [g if g is None else g.clone() for g in grads],
        [p.requires_grad for p in model.parameters()],
        [p._backward_hooks for p in model.parameters()],
        torch.get_rng_state(),
    ]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_changed(fails: bool, training: bool) -> None:
    model = Awkward().train(training)
    model(NUMBERS).sum().backward()
    model.body[0].weight.requires_grad_(False)
    model.fails = fails
    model.register_forward_hook(lambda *_: None)
    before, batch = state(model), NUMBERS.clone()
    if fails:
        with pytest.raises(ArithmeticError):
            diagnose(model, batch)
    else:
        diagnose(model, batch, torch.arange(16) % 4)
    for old, new in zip(before, state(model), strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=0)
    assert torch.equal(batch, NUMBERS)
    assert batch.grad is None


class Clips(nn.Module):
    """Changes its weights in forward: one in place, one behind torch's back, one for another."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(64, 64) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.a.weight.clamp_(-0.01, 0.01)
        self.b.weight.data.mul_(0.5)
        self.c.weight = nn.Parameter(self.c.weight * 2)
        return self.c(self.b(self.a(x)))


def test_what_forward_does_to_parameters_is_taken_back() -> None:
    model = Clips()
    pending = model.b.weight.square().sum()  # a graph from before
    before = state(model)
    diagnose(model, NUMBERS)
    torch.testing.assert_close(state(model), before, rtol=0, atol=0)
    pending.backward()
    assert torch.equal(model.b.weight.grad, 2 * model.b.weight)


def test_two_reports_are_equal() -> None:
    patient = patients.cnn()
    assert str(diagnose(*patient)) == str(diagnose(*patient))


# --------------------------------------------------------------------------- numbers that are known


def test_rows_hold_what_theory_says() -> None:
    """Weights are independent of their inputs, and there are many of them."""
    rows = diagnose(*patients.relu_mlp()).table
    assert list(rows.activation[:-1]) == ["relu"] * 8
    assert np.allclose(rows.outputs / rows.theory, 1, atol=0.15)
    assert np.allclose(rows.inputs[1:], rows.outputs[:-1] / math.sqrt(2), rtol=0.25)
    assert set(rows.rule[:-1]) == {"he"}
    assert np.allclose((rows.gradient / rows.gradient_theory)[:-1], 1, atol=0.15)
    assert math.isnan(rows.gradient_theory.iloc[-1])  # nothing above it


@pytest.mark.parametrize(
    ("unit", "expected"), [(nn.ReLU, 1 / 6), (nn.Identity, 1 / 3), (nn.LeakyReLU, 1 / 6)]
)
def test_the_rate_per_layer_is_that_of_the_law(unit: type[nn.Module], expected: float) -> None:
    model = patients.started(patients.mlp(unit, 200, 12), 1, "standard")
    found = next(f for f in diagnose(model, patients.draw(64, 64)).findings if f.kind == "signal")
    assert found.evidence["per layer"] == pytest.approx(expected, rel=0.1)
    assert found.evidence["gain squared"] == pytest.approx(1 / 3, rel=0.02)
    assert found.serious


UNITS = {
    "relu6": nn.ReLU6(), "mish": nn.Mish(), "hardswish": nn.Hardswish(), "elu": nn.ELU(0.3),
    "celu": nn.CELU(2.0), "prelu": nn.PReLU(), "gelu": nn.GELU("tanh"), "hardtanh": nn.Hardtanh(),
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_known_with_its_options(name: str) -> None:
    """At the gain that keeps a variance of 1 through it, nothing is said, and ten times as much."""
    unit = UNITS[name]
    slope = ("leaky_relu", 0.25) if name == "prelu" else unit
    gain = 1.0 if name == "hardtanh" else float(theory.gain(slope))  # odd, slope 1: small signals
    model = nn.Sequential(*(part for _ in range(10) for part in (nn.Linear(200, 200), unit)))
    model.append(nn.Linear(200, 10))
    init.initialize_(model, "lecun", gain=gain, generator=torch.Generator().manual_seed(0))
    init.initialize_(model[-1], "lecun", generator=torch.Generator().manual_seed(1))
    x = patients.draw(64, 200)
    report = diagnose(model, x)
    assert report.findings == ()
    assert set(report.table.activation[:-1]) == {name}
    assert report.table.gradient_theory[:-1].notna().all()
    with torch.no_grad():
        for layer in model[:-1:2]:
            layer.weight.mul_(0.3)
    worse = diagnose(model, x)
    assert "signal" in kinds(worse)
    exec(worse.findings[0].fix, {"model": model, "init": init, "torch": torch})
    assert diagnose(model, x).ok


class Branches(nn.Module):
    """Fifty residual blocks that are added in some way."""

    def __init__(self, add: Callable[[Any, Tensor, Tensor], Tensor], alpha: float) -> None:
        super().__init__()
        self.alpha, self.add = nn.Parameter(torch.tensor(alpha)), add
        self.blocks = nn.ModuleList(nn.Linear(64, 64) for _ in range(50))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = self.add(self, x, block(F.layer_norm(x, (64,))))
        return self.head(F.layer_norm(x, (64,)))


WAYS: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "plain": lambda net, x, f: x + f if net.alpha == 1 else x + 0.1 * f,
    "parameter": lambda net, x, f: x + net.alpha * f,
    "branch first": lambda net, x, f: f * net.alpha + x,
    "minus": lambda net, x, f: x - net.alpha * f,
    "option": lambda net, x, f: torch.add(x, f, alpha=net.alpha.item()),
    "divided": lambda net, x, f: x + f / (1 / net.alpha.item()),
    "shifted": lambda net, x, f: (x - 0.01) + (net.alpha * f + 0.01),
    "gated": lambda net, x, f: x + net.alpha * f * (2 * torch.sigmoid(0 * f.mean(1, True))),
    "dropped": lambda net, x, f: x + net.alpha * f * torch.ones(len(x), 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_branches_are_told_however_they_are_scaled(way: str) -> None:
    """Fifty of the stream's size add up to 51 times its variance, and of a tenth to 1.5 times."""
    found = {}
    for alpha in (1.0, 0.1):
        model = patients.started(Branches(WAYS[way], alpha), 0, "lecun")
        model.alpha.data.fill_(alpha)
        report = diagnose(model, patients.draw(64, 64))
        found[alpha] = [f for f in report.findings if f.kind == "branches"]
    assert found[0.1] == []
    (whole,) = found[1.0]
    assert whole.evidence["sums"] == 50
    assert whole.evidence["growth"] == pytest.approx(51 / 2, rel=0.25)  # from the first sum on


def test_what_is_dead_is_told_from_what_is_half_on() -> None:
    model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 2))
    init.initialize_(model, "he", generator=torch.Generator().manual_seed(0))
    x = patients.draw(1000, 10)
    assert diagnose(model, x).table.dead[0] == 0
    model[0].bias.data = torch.tensor([-100.0, 100.0]).repeat(50)
    report = diagnose(model, x)
    assert report.table.dead[0] == 0.5
    assert "dead" in kinds(report)


@pytest.mark.parametrize(("similarity", "examples"), [(0.0, 4), (0.5, 3), (0.8, 16), (0.95, 64)])
def test_the_chance_of_a_dead_unit(similarity: float, examples: int) -> None:
    """Against draws: one common normal number and one of each example's own."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(20_000, 1)), rng.normal(size=(20_000, examples))
    sums = math.sqrt(similarity) * common + math.sqrt(1 - similarity) * own
    share = (sums < 0).all(1).mean()
    error = 5 * math.sqrt(share * (1 - share) / len(sums))
    assert abs(chance_of_dead(similarity, examples) - share) < error


def test_similarity_and_what_is_shared() -> None:
    x = torch.randn(40, 500, generator=torch.Generator().manual_seed(0)) + 2
    assert uses.similarity(x) == pytest.approx(0.8, abs=0.02)
    assert uses.shared(x) == pytest.approx(0.8, abs=0.02)
    assert uses.shared(x * torch.arange(1, 41)[:, None]) == pytest.approx(0.8, abs=0.02)
    assert uses.similarity(torch.zeros(3, 2)) != 0  # not a number
    pairs = [float(a @ b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]
    assert uses.similarity(x) == pytest.approx(
        np.mean(pairs) / 500 / float(x.square().mean()), rel=1e-4
    )


def test_a_quarter_of_tanh_is_saturated_where_the_text_says() -> None:
    assert theory.saturated_share("tanh", 1.0) == pytest.approx(0.03, abs=0.003)
    assert theory.saturated_share("tanh", 3.6) == pytest.approx(0.25, abs=0.01)
    assert theory.gain("tanh", 3.6) == pytest.approx(2.4, abs=0.05)
    assert theory.saturated_share("sigmoid", 14.0) == pytest.approx(0.25, abs=0.01)


def test_the_share_of_gates_is_that_of_a_pass() -> None:
    patient = patients.lstm()
    patient.model.lstm.weight_ih_l0.data.mul_(10)
    found = next(f for f in diagnose(*patient).findings if f.kind == "saturated")
    sums = patient.model.token(patient.batch)[:, 0] @ patient.model.lstm.weight_ih_l0.T
    share = ACTIVATIONS["sigmoid"].saturated(torch.sigmoid(sums)).double().mean()
    assert found.evidence["share"] == pytest.approx(float(share), abs=0.05)


class Attention(nn.Module):
    """Four heads, of which no score is seen but that a token has of itself and of earlier ones."""

    def __init__(self, scale: float, fused: bool, width: int = 256) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, 10)
        self.scale, self.fused = scale, fused
        init.initialize_(self, "glorot", generator=torch.Generator().manual_seed(1))

    def forward(self, x: Tensor) -> Tensor:
        heads = (len(x), -1, 4, x.shape[-1] // 4)
        q, k, v = (f(x).view(heads).transpose(1, 2) for f in (self.query, self.key, self.value))
        if self.fused:
            found = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        else:
            later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
            found = (q @ k.mT * self.scale).masked_fill(later, -1e9).softmax(-1) @ v
        averaged: Tensor = self.out(found.transpose(1, 2).flatten(2).mean(1))
        return averaged


@pytest.mark.parametrize("fused", [False, True])
def test_attention_without_its_root_is_saturated(fused: bool) -> None:
    """A row with one score is no choice, and is not counted: of two tokens half the rows are."""
    x = torch.randn(32, 20, 256, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32) % 10
    assert diagnose(Attention(1 / 8, fused), x, labels).findings == ()
    (found,) = diagnose(Attention(1.0, fused), x, labels).findings
    assert found.kind == "saturated" and found.serious
    assert "softmax over 20" in found.what and 0.25 < found.evidence["share"] < 0.5
    sure = probe.look(Attention(1.0, fused), x[:, :2]).softmaxes[0]
    assert (sure.entries, sure.name) == (2, "") and 0.2 < sure.saturated < 0.9


class Quiet(nn.Module):
    """Looks at what a model makes, and trains something else."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.own = model, nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.model(x)
        said: Tensor = self.own(x)
        return said


class Hidden(nn.Module):
    """Scores, and a mask that leaves the first few of them."""

    def __init__(self, shown: int, mask: float) -> None:
        super().__init__()
        self.own = nn.Linear(8, 8, bias=False)
        nn.init.eye_(self.own.weight)
        self.mask = torch.where(torch.arange(8) < shown, 0.0, mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(dim=-1, input=self.own(x) + self.mask)


@pytest.mark.parametrize("mask", [-20.7, -100.0, -9984.0, -1e9, -math.inf])
def test_a_row_in_which_a_mask_shows_one_entry_is_no_choice(mask: float) -> None:
    """However small a number the mask is; one that shows three leaves a choice among these."""
    scores = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    assert [s.saturated for s in probe.look(Hidden(1, mask), scores).softmaxes] in ([0.0], [])
    three = probe.look(Hidden(3, mask), 8 * scores).softmaxes[0].saturated
    assert three == pytest.approx(0.5, abs=0.15)
    assert probe.look(Hidden(8, mask), 300 * scores).softmaxes[0].saturated > 0.9


def test_the_scores_of_torchs_attention_are_those_that_it_takes_the_softmax_of() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(3, 4, 5, 8, generator=generator) for _ in range(3))
    several = torch.randn(3, 1, 5, 5, generator=generator)
    shown = torch.ones(5, 5, dtype=torch.bool).tril()
    ways: list[dict[str, Any]] = [
        {}, {"scale": 0.3}, {"is_causal": True}, {"attn_mask": several}, {"attn_mask": shown},
    ]  # fmt: skip
    for options in ways:
        scores = probe._scores(q, k, v, **options)
        expected = F.scaled_dot_product_attention(q, k, v, **options)
        torch.testing.assert_close(scores.softmax(-1) @ v, expected)
    few = probe._scores(q, k[:, :2], v[:, :2], enable_gqa=True)
    expected = F.scaled_dot_product_attention(q, k[:, :2], v[:, :2], enable_gqa=True)
    torch.testing.assert_close(few.softmax(-1) @ v[:, :2].repeat_interleave(2, 1), expected)


@pytest.mark.parametrize(("difference", "share"), [(4.3, 0.0), (4.4, 1.0)])
def test_a_softmax_is_saturated_where_its_slope_is_a_twentieth_of_the_largest(
    difference: float, share: float
) -> None:
    """p (1 - p) = 1/80 of two entries at a difference of 4.357; a mask hides the third.

    Of two hundred equal entries each has a slope as small, and none has nearly all.
    """
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Softmax(-1))
    nn.init.eye_(model[0].weight)
    rows = torch.tensor([[difference, 0.0, -1e9], [0.0, -1e9, -1e9]])
    assert probe.look(model, rows).softmaxes == [probe.Softmax("1", 3, share)]
    assert probe.look(Quiet(model), rows).softmaxes == []  # what has no gradient learns nothing
    pooled = nn.Sequential(nn.Linear(3, 4), nn.Flatten(0), nn.Softmax(0))  # a vector is one row
    assert [s.entries for s in probe.look(pooled, torch.eye(2, 3)).softmaxes] == [8]
    equal = nn.Sequential(nn.Linear(3, 200, bias=False), nn.Softmax(-1))
    nn.init.zeros_(equal[0].weight)
    assert probe.look(equal, rows[:1]).softmaxes[0].saturated == 0


class Answer(dict[str, Tensor]):
    """An output with fields, as those of large models are."""

    @property
    def logits(self) -> Tensor:
        return self["logits"]


class Named(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Answer:
        return Answer(logits=self.model(x))


def test_probabilities_are_no_logits() -> None:
    """Even of a certain and right answer the loss is the bound that is told."""
    x, labels = torch.randn(64, 64), torch.arange(64) % 10
    model = nn.Sequential(nn.Linear(64, 10), nn.Softmax(-1))
    (found,) = diagnose(model, x, labels).findings
    assert found.kind == "loss" and found.serious
    certain = F.one_hot(labels, 10).double()
    assert found.evidence["least"] == pytest.approx(float(F.cross_entropy(certain, labels)))
    for loss in (
        nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss(weight=torch.rand(10)),
        nn.CrossEntropyLoss(reduction="sum"), lambda out, of: F.cross_entropy(out, of),
    ):  # fmt: skip
        assert kinds(diagnose(model, x, labels, loss=loss)) == {"loss"}
    for head in (model[0].weight, model[0].bias):  # where both losses have one value
        nn.init.zeros_(head)
    report = diagnose(model, x, labels, loss=lambda out, of: F.nll_loss(out.log(), of))
    assert "loss" not in kinds(report)
    assert "loss" in kinds(diagnose(model, x, labels, loss=F.cross_entropy))
    named = Named(model)  # whose loss reads a field that no tensor has
    assert "loss" not in kinds(diagnose(named, x, labels, loss=lambda out, of: F.cross_entropy(
        out.logits, of)))  # fmt: skip
    init.initialize_(model, "glorot")
    model[1] = nn.LogSoftmax(-1)  # of which the softmax is the same again
    assert diagnose(model, x, labels.int()).findings == ()


class Bytes(nn.Module):
    """Takes images as they are read from files, and divides them itself."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.first, self.last, self.by = nn.Conv2d(3, 16, 3), nn.Linear(16, 10), by
        init.initialize_(self, "he", generator=torch.Generator().manual_seed(0))

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.last(self.first(x.float() / self.by).relu().mean((2, 3)))
        return said


def test_images_in_bytes_are_judged_unless_the_model_divides_them() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (32, 3, 16, 16), generator=generator, dtype=torch.uint8)
    found = next(f for f in diagnose(Bytes(1.0), images).findings if f.kind == "inputs")
    assert found.serious and found.evidence["mean square"] == pytest.approx(255**2 / 3, rel=0.02)
    room = {"batch": images}
    exec(found.fix, room)
    assert float(room["batch"].std()) == pytest.approx(1.0, abs=0.02)
    assert "inputs" not in kinds(diagnose(Bytes(1.0), room["batch"]))
    assert diagnose(Bytes(255.0), images).findings == ()


def test_the_first_loss_is_judged_with_its_error() -> None:
    model = nn.Linear(64, 10)
    init.normal_(model.weight, "he", generator=torch.Generator().manual_seed(0))
    model.bias.data.zero_()
    y = torch.arange(16) % 10
    assert "loss" not in kinds(diagnose(model, NUMBERS, y))
    model.weight.data.mul_(10)
    (found,) = (f for f in diagnose(model, NUMBERS, y).findings if f.kind == "loss")
    loss = F.cross_entropy(model(NUMBERS), y).item()
    assert found.evidence["loss"] == pytest.approx(loss, rel=1e-4)
    assert found.evidence["best"] == pytest.approx(math.log(10))
    assert "loss" in kinds(diagnose(model, NUMBERS, y, loss=F.cross_entropy))


def test_losses_of_ones_own() -> None:
    model = patients.relu_mlp().model
    y = torch.arange(16) % 10
    for loss, targets in (
        (nn.CrossEntropyLoss(), y), (lambda out: out.square().sum(), None),
        (lambda out, t: F.nll_loss(out.log_softmax(1), t), y),
    ):  # fmt: skip
        assert diagnose(model, NUMBERS, targets, loss=loss).table.gradient.notna().all()
    with pytest.raises(ValueError, match=r"loss must return .* one number, got \(16, 10\)"):
        diagnose(model, NUMBERS, loss=lambda out: out)


# --------------------------------------------------------------------------------------- odd models


class Answers(nn.Module):
    """Gives what it is told to, of one layer's outputs."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.answer = nn.Linear(64, 8), answer

    def forward(self, x: Tensor, *, mask: Any = None) -> Any:
        return self.answer(self.layer(x))


@pytest.mark.parametrize(
    "answer",
    [
        lambda y: (torch.arange(3), {"logits": y}),
        lambda y: [y, None],
        lambda y: {"n": 3, "y": y},
    ],
)
def test_outputs_may_be_nested(answer: Callable[[Tensor], Any]) -> None:
    assert diagnose(Answers(answer), NUMBERS).table.gradient.notna().all()


def test_batches_may_be_arguments() -> None:
    model = Answers(lambda y: y)
    for batch in ((NUMBERS,), {"x": NUMBERS, "mask": 3}, [NUMBERS]):
        assert len(diagnose(model, batch).table) == 1
    many = nn.utils.rnn.pack_padded_sequence(torch.randn(3, 5, 8), [5, 3, 2], batch_first=True)
    assert len(diagnose(nn.GRU(8, 4, batch_first=True), many).table) == 2


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(64, 64), nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.tanh(self.a(torch.tanh(self.a(x)))))


def test_a_layer_that_is_used_twice_has_two_rows() -> None:
    rows = diagnose(Twice(), NUMBERS).table
    assert list(rows.layer) == ["a", "a", "b"]


class Bare(nn.Module):
    """Weights that are no layers, and functions that are no modules."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weights = nn.ParameterList(
            nn.Parameter(init.uniform_(torch.empty(64, 64), "he", generator=generator))
            for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d = self.weights
        x = (x @ a).clamp(min=0)
        x = torch.relu(torch.addmm(torch.zeros(64), x, b))
        return F.linear(F.relu(torch.einsum("bi,ij->bj", x, c)), d)


def test_functions_are_seen() -> None:
    rows = diagnose(Bare(), NUMBERS).table
    assert list(rows.layer) == [f"weights.{k}" for k in range(4)]
    assert list(rows.kind) == ["matmul", "addmm", "einsum", "linear"]
    assert list(rows.activation[:3]) == ["relu"] * 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    model = patients.relu_mlp().model.to(dtype)
    assert diagnose(model, NUMBERS.to(dtype)).verdict == "starts well"


def test_complex_weights() -> None:
    model = nn.Sequential(
        nn.Linear(64, 64, dtype=torch.cfloat), nn.Linear(64, 4, dtype=torch.cfloat)
    )
    report = diagnose(model, NUMBERS.to(torch.cfloat), loss=lambda y: y.abs().sum())
    assert report.verdict == "starts well"
    assert report.table.gradient.notna().all()


@pytest.mark.filterwarnings("ignore")
def test_compiled_models_run_uncompiled() -> None:
    model = patients.relu_mlp().model
    compiled = torch.compile(model, backend="eager")
    compiled(NUMBERS)
    assert str(diagnose(compiled, NUMBERS)) == str(diagnose(model, NUMBERS))


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_are_looked_into(reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = patients.relu_mlp().model

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.model, x, use_reentrant=reentrant)

    rows = diagnose(Checkpointed(), NUMBERS.clone().requires_grad_(reentrant)).table
    assert len(rows) == 9


def test_computed_weights_are_seen() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(64, 32))
    report = diagnose(nn.Sequential(layer, nn.ReLU(), nn.Linear(32, 3)), NUMBERS)
    assert report.table.rule[0] == "standard"
    assert report.ok


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, w = ctx.saved_tensors
        return gradients[0] @ w.T, x.T @ gradients[0]


class OfItsOwn(nn.Module):
    """A derivative of its own, and a product that it hides where it is told to."""

    def __init__(self, hides: bool) -> None:
        super().__init__()
        self.w, self.head, self.hides = nn.Parameter(torch.randn(64, 8)), nn.Linear(8, 3), hides

    def forward(self, x: Tensor) -> Tensor:
        if not self.hides:
            return self.head(Product.apply(x, self.w))
        with torch._C.DisableTorchFunction():
            x = x @ self.w
        return self.head(x)


def test_derivatives_of_ones_own_are_looked_into() -> None:
    assert list(diagnose(OfItsOwn(False), NUMBERS).table.layer) == ["w", "head"]


def test_what_hides_its_weights_is_said() -> None:
    report = diagnose(OfItsOwn(True), NUMBERS)
    assert list(report.table.layer) == ["head"]
    (found,) = (f for f in report.findings if f.kind == "unseen")
    assert (found.where, found.serious) == (("w",), False)


def test_of_nothing_nothing_is_said() -> None:
    for model in (nn.ReLU(), nn.Identity()):
        report = diagnose(model, NUMBERS)
        assert kinds(report) == {"nothing seen"}
        assert not report.ok


def test_one_example_is_remarked_on() -> None:
    report = diagnose(patients.relu_mlp().model, NUMBERS[:1])
    assert kinds(report) == {"one example"}
    assert report.verdict == "starts well (1 remark)"


@pytest.mark.parametrize("grad", [torch.no_grad, torch.inference_mode])
def test_the_callers_modes_do_not_matter(grad: Callable[[], Any]) -> None:
    model = patients.relu_mlp().model
    with grad():
        report = diagnose(model, NUMBERS)
    assert report.table.gradient.notna().all()


def test_wrong_arguments_are_named() -> None:
    model = patients.relu_mlp().model
    with pytest.raises(TypeError, match="model must be a torch"):
        diagnose(lambda x: x, NUMBERS)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"batch must have numbers, got a tensor \(0, 64\)"):
        diagnose(model, NUMBERS[:0])
    with pytest.raises(ValueError, match="on meta"):
        diagnose(model, NUMBERS.to("meta"))
    with pytest.raises(ValueError, match=r"be dense, got a tensor \(16, 64\) of torch\.sparse"):
        diagnose(model, NUMBERS.to_sparse())
    with pytest.raises(RuntimeError, match=r"dtype|Byte"):  # torch's own words
        diagnose(model, NUMBERS.byte())
    with pytest.raises(TypeError, match=r"targets must be a torch\.Tensor"):
        diagnose(model, NUMBERS, [0] * 16)
    with torch.inference_mode():
        inside, made = NUMBERS.clone(), nn.Linear(64, 2)
    with pytest.raises(ValueError, match="inference mode, as 'weight' was"):
        diagnose(made, NUMBERS)
    with pytest.raises(ValueError, match="inference mode"):
        diagnose(model, inside)


@pytest.mark.filterwarnings("ignore")
def test_scripts_are_refused() -> None:
    with pytest.raises(TypeError, match="ScriptModule"):
        diagnose(torch.jit.script(nn.Linear(64, 2)), NUMBERS)


# ----------------------------------------------------- what people really build, and its sentences


def blocks_of(part: Callable[[], nn.Module], number: int, width: int = 64) -> nn.Sequential:
    return nn.Sequential(*(part() for _ in range(number)), nn.Linear(width, 10))


class Cell(nn.Module):
    """Two layers of weights, and what becomes of their outputs."""

    def __init__(self, how: Callable[[Any, Tensor], Tensor], hidden: int = 64) -> None:
        super().__init__()
        self.up, self.down, self.how = nn.Linear(64, hidden), nn.Linear(hidden, 64), how
        self.norm = nn.LayerNorm(64)

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self, x)


def cells(number: int, how: Callable[[Any, Tensor], Tensor], hidden: int = 64) -> nn.Sequential:
    return patients.started(blocks_of(lambda: Cell(how, hidden), number), 0, "he")


LABELS = torch.arange(64) % 10
INPUTS = patients.draw(64, 64)


def after_norm(cell: Any, x: Tensor) -> Tensor:
    return cell.norm(x + cell.down(F.relu(cell.up(x))))


def before_norm(cell: Any, x: Tensor) -> Tensor:
    return x + cell.down(F.relu(cell.up(cell.norm(x))))


def highway(cell: Any, x: Tensor) -> Tensor:
    gate = torch.sigmoid(cell.down(x) - 0)
    return gate * F.relu(cell.up(x)) + (1 - gate) * x


def test_a_stream_that_is_normalized_after_every_sum_adds_nothing_up() -> None:
    x = 0.02 * INPUTS
    assert "branches" not in kinds(diagnose(cells(20, after_norm), x, LABELS))
    assert "branches" in kinds(diagnose(cells(20, before_norm), x, LABELS))


def test_inputs_that_the_model_makes_its_own_are_not_judged() -> None:
    loud = 100 + 30 * INPUTS
    norm = nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 10))
    init.initialize_(norm, "lecun", generator=torch.Generator().manual_seed(0))
    assert "inputs" not in kinds(diagnose(norm, loud, LABELS))
    assert "inputs" in kinds(diagnose(norm[1:], loud, LABELS))


def test_the_channels_of_a_sequence_are_its_second_axis() -> None:
    x = patients.draw(16, 12, 30)
    x[:, 3] *= 20
    (found,) = (f for f in diagnose(nn.Conv1d(12, 4, 3), x).findings if "%" in f.what)
    assert found.what.startswith("Input 3 has 9")


class Heads(nn.Module):
    """A trunk and two heads, of which the first is small, as policies are drawn."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.policy, self.value = nn.Linear(64, 10), nn.Linear(64, 1)
        patients.started(self, 0, "glorot")
        with torch.no_grad():
            self.policy.weight.mul_(factor)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.trunk(x)
        return self.policy(x), self.value(x)


def test_every_head_is_an_output() -> None:
    def loss(out: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
        return F.cross_entropy(out[0], y) + out[1].square().mean()

    assert diagnose(Heads(0.01), INPUTS, LABELS, loss=loss).findings == ()
    model = Heads(3000)
    (found,) = (f for f in diagnose(model, INPUTS, LABELS).findings if f.kind == "loss")
    assert found.where == ("policy",)
    exec(found.fix, {"model": model})
    assert float(model.policy.weight.detach().std()) < 50
    assert "cut off" not in kinds(diagnose(Heads(1), INPUTS))  # without targets all are asked


def test_a_packed_law_is_named_of_what_is_packed_alone() -> None:
    layer = nn.TransformerEncoderLayer(64, 4, 160, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    for k, weight in enumerate(p for p in model.parameters() if p.dim() > 1):
        nn.init.xavier_uniform_(weight, generator=torch.Generator().manual_seed(k))
    table = diagnose(model, patients.draw(8, 6, 64)).table
    packed = table.layer.str.contains("in_proj")
    assert set(table.rule[packed]) == {"glorot, packed as one"}
    assert set(table.rule[~packed]) == {"glorot"}


def test_a_law_is_multiplied_along_layers_that_feed_one_another() -> None:
    """A norm stands in front of each pair: by two in a row a variance is multiplied, not by 24."""
    model = cells(12, before_norm, 256)
    for weight in (p for p in model[:-1].parameters() if p.dim() > 1):
        init.normal_(weight, lambda n, m: 1 / m, generator=torch.Generator().manual_seed(0))
    found = [f for f in diagnose(model, INPUTS, LABELS).findings if f.kind == "law"]
    assert found and not any(f.serious for f in found)


def test_a_unit_that_is_spelt_out_is_the_unit() -> None:
    """The gated one has two halves, of which the first is not what its sigmoid is of."""
    how: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "silu": lambda cell, x: F.silu(cell.up(x)),
        "by hand": lambda cell, x: (s := cell.up(x)) * torch.sigmoid(s),
        "turned": lambda cell, x: torch.sigmoid(s := cell.up(x)) * s,
        "squared": lambda cell, x: F.relu(cell.up(x)).square(),
        "itself": lambda cell, x: (z := F.relu(cell.up(x))) * z,
        "gated": lambda cell, x: (
            (p := cell.up(x).chunk(2, 1))[0] * torch.sigmoid(p[1])
        ).repeat(1, 2),
        "half": lambda cell, x: 0.5 * F.relu(cell.up(x)),
    }  # fmt: skip
    reports = {name: diagnose(cells(6, of), INPUTS, LABELS) for name, of in how.items()}
    first = {name: report.table.iloc[0] for name, report in reports.items()}
    for name in ("by hand", "turned"):
        pd.testing.assert_series_equal(first[name], first["silu"], rtol=1e-5)
    assert [first[name].activation for name in ("squared", "itself", "gated")] == ["product"] * 3
    assert math.isnan(first["gated"].saturated)
    for name in ("squared", "gated", "half"):  # what these keep is not known, and is not said
        assert "keeps a signal with" not in str(reports[name])
        assert not any(f.kind == "law" and f.serious for f in reports[name].findings)


def test_a_copy_that_does_not_learn_is_one_on_purpose() -> None:
    pair = nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64)])
    pair[1].load_state_dict(pair[0].state_dict())

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair, self.top = pair, nn.Linear(64, 64)

        def forward(self, x: Tensor) -> Tensor:
            return self.top(F.relu(self.pair[0](x))) - self.pair[1](x)

    assert "copied" in kinds(diagnose(Pair(), INPUTS))
    pair[1].requires_grad_(False)
    assert "copied" not in kinds(diagnose(Pair(), INPUTS))


def test_a_gate_may_have_a_bias() -> None:
    model = cells(10, highway)
    for cell in model[:-1]:
        nn.init.constant_(cell.down.bias, -4)
    assert "bias" not in kinds(diagnose(model, INPUTS, LABELS))
    for cell in model[:-1]:
        nn.init.constant_(cell.up.bias, 4)
    report = diagnose(model, INPUTS, LABELS)
    (found,) = (f for f in report.findings if f.kind == "bias")
    exec(found.fix, {"model": model})
    assert not any(cell.up.bias.any() for cell in model[:-1])
    assert all(cell.down.bias.all() for cell in model[:-1])  # which was not named


@pytest.mark.parametrize(
    ("targets", "loss", "output", "said"),
    [
        (torch.full((64, 10), math.nan), None, None, "The targets have values"),
        (LABELS, lambda out, y: out.sum() * math.inf, None, "The loss is infinite or no number."),
        (LABELS, None, lambda out: (out - 99).log(), "The output has values"),
        (None, None, lambda out: (out - 99).sqrt(), "The output has values"),
    ],
)
def test_what_is_no_number_behind_the_layers_is_found(
    targets: Any, loss: Any, output: Any, said: str
) -> None:
    model = patients.started(Answers(output or (lambda out: out)), 0, "lecun")
    model.layer = nn.Linear(64, 10)
    found = diagnose(model, INPUTS, targets, loss=loss).findings[0]
    assert (found.kind, found.serious) == ("not finite", True)
    assert found.what.startswith(said)
    masked = Answers(lambda out: out.masked_fill(torch.arange(8) > 3, -math.inf))
    assert "not finite" not in kinds(diagnose(masked, INPUTS))


def test_a_line_for_branches_changes_their_ends_alone() -> None:
    model = cells(40, before_norm)
    before = {name: p.clone() for name, p in model.named_parameters()}
    (found,) = (f for f in diagnose(model, INPUTS).findings if f.kind == "branches")
    exec(found.fix, {"model": model})
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {f"{k}.down.weight" for k in range(40)}
    unknown = cells(40, lambda cell, x: x + torch.stack([cell.down(x), cell.up(x)]).sum(0))
    (found,) = (f for f in diagnose(unknown, INPUTS).findings if f.kind == "branches")
    assert found.fix.startswith("# multiply each branch by 0.16")


def test_a_line_for_the_loss_runs_whatever_the_last_weights_are() -> None:
    class Raw(nn.Module):
        def __init__(self, tied: bool) -> None:
            super().__init__()
            self.matrix, self.tied = nn.Parameter(30 * patients.draw(64, 10)), tied

        def forward(self, x: Tensor) -> Tensor:
            return x @ (F.normalize(self.matrix, dim=0) * 30 if self.tied else self.matrix)

    for tied, loss in ((False, True), (True, False)):
        model = Raw(tied)
        (found,) = (f for f in diagnose(model, INPUTS, LABELS).findings if f.kind == "loss")
        before = model.matrix.detach().clone()
        exec(found.fix, {"model": model})
        assert torch.equal(model.matrix, before) != loss
    model = nn.Linear(64, 10)
    init.normal_(model.weight, "lecun", 10, generator=torch.Generator().manual_seed(0))
    (found,) = (
        f for f in diagnose(model, INPUTS, patients.draw(64, 10)).findings if f.kind == "loss"
    )
    exec(found.fix, {"model": model})
    assert float(model.weight.detach().std()) == pytest.approx(1 / 8, rel=0.1)


def test_what_is_said_once_for_several_layers_is_of_the_worst() -> None:
    model = patients.relu_mlp().model
    for layer, dead in ((model[0], 12), (model[2], 90)):
        layer.bias.data[:dead] = -30.0
    (found,) = (f for f in diagnose(model, NUMBERS).findings if f.kind == "dead")
    assert found.what.startswith("The worst of 2 layers: 9") and found.where == ("0", "2")
    often = nn.Linear(64, 64)
    nn.init.normal_(often.weight, std=2, generator=torch.Generator().manual_seed(0))
    again = diagnose(nn.Sequential(often, nn.Tanh(), often, nn.Tanh(), nn.Linear(64, 2)), NUMBERS)
    (found,) = (f for f in again.findings if f.kind == "saturated")
    assert found.what.startswith("The worst of 2 times: ") and len(found.where) == 1


# -------------------------------------------------------------------------------------- the report


def test_a_report_prints_itself() -> None:
    model, batch, targets = patients.relu_mlp()
    patients.defaults(Patient(model, batch))
    report = diagnose(model, batch, targets)
    text = str(report)
    assert text.splitlines()[0] == report.verdict
    assert len(text.splitlines()) <= 50
    assert all(len(line) <= 80 for line in text.splitlines() if "do: " not in line)
    for finding in report.findings:
        assert finding.what in in_a_line(text)
        assert finding.fix in text
        assert f"chapter {finding.chapter}, {finding.link}" in text
        assert f'<a href="{finding.link}">chapter {finding.chapter}</a>' in report._repr_html_()
    serious = [finding.serious for finding in report.findings]
    assert serious == sorted(serious, reverse=True)
    assert report._repr_html_().count("<li>") == len(report.findings)
    assert "<th>fan_in</th>" in report._repr_html_()


def test_a_report_escapes_what_it_quotes() -> None:
    finding = Finding("law", ("b",), "1 < 2", {}, "& so", "x < y")
    assert "1 &lt; 2 &amp; so <code>x &lt; y</code>" in Report((finding,))._repr_html_()


def test_a_picture_of_it() -> None:
    model, batch, targets = patients.relu_mlp()
    healthy = diagnose(model, batch, targets).plot()
    assert [len(axes.lines) for axes in healthy.axes] == [2, 2]
    patients.defaults(Patient(model, batch))
    ill = diagnose(model, batch, targets).plot()
    assert [len(axes.lines) for axes in ill.axes] == [3, 3]
    assert len(ill.axes[0].lines[2].get_xdata()) == 9 - 1
    assert all(axes.get_yscale() == "log" for axes in ill.axes)
