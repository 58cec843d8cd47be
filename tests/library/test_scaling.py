"""`xavier.init.lsuv_`: what it makes equal, what it leaves as it was, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xavier import init


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Mixed(nn.Module):
    """Convolutions around an average that runs, a branch, noise, and a bilinear end."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.2)
        self.branch = nn.ConvTranspose2d(8, 8, 3, padding=1, bias=False)
        self.embed = nn.Embedding(5, 8)
        self.end = nn.Bilinear(8, 8, 4)
        self.tail = nn.Linear(4, 3)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        x = self.drop(F.gelu(self.norm(self.first(x))))
        x = (x + self.branch(x)).mean((2, 3))
        return self.tail(self.end(x, self.embed(tokens)))


def outputs(model: nn.Module, layers: list[str], *arguments: Tensor) -> dict[str, Tensor]:
    """What the layers return in a pass."""
    seen: dict[str, Tensor] = {}
    for name in layers:
        part = model.get_submodule(name)
        part.register_forward_hook(lambda m, i, out, name=name: seen.update({name: out.detach()}))
    model(*arguments)
    return seen


@pytest.mark.parametrize("as_what", [tuple, list, lambda b: dict(zip("xt", b, strict=True))])
def test_every_layer_speaks_with_unit_variance(as_what: Callable[[Any], Any]) -> None:
    model = Mixed().eval()
    for seed, parameter in enumerate(model.parameters()):
        parameter.data = normal(*parameter.shape, seed=seed)
    x, tokens = 3 + 2 * normal(16, 3, 6, 6), torch.arange(16) % 5
    batch = as_what((x, tokens))
    if isinstance(batch, dict):
        batch = {"x": batch["x"], "tokens": batch["t"]}
    layers = ["first", "branch", "end", "tail"]
    divided = init.lsuv_(model, batch, generator=generator())
    assert list(divided) == layers
    same = Mixed()
    init.initialize_(same, "lecun", distribution="orthogonal", generator=generator())
    for name, output in outputs(model, layers, x, tokens).items():
        assert output.std(correction=0).item() == pytest.approx(1, rel=1e-5)
        ours, theirs = (m.get_submodule(name) for m in (model, same))
        torch.testing.assert_close(ours.weight * divided[name], theirs.weight)
        assert ours.bias is None or not ours.bias.any()


def test_what_is_no_weight_stays_as_it_was() -> None:
    """Running averages, torch's own generator, the mode, gradients, hooks."""
    model = Mixed()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    embedding, state = model.embed.weight.detach().clone(), torch.get_rng_state()
    init.lsuv_(model, (normal(16, 3, 6, 6), torch.arange(16) % 5), generator=generator())
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())
    assert torch.equal(model.embed.weight, embedding) and model.training
    assert torch.equal(torch.get_rng_state(), state)
    for part in model.modules():
        assert not part._forward_hooks
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_overrides_are_those_of_initialize() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.Linear(4, 3))
    kept = model[2].weight.detach().clone()
    divided = init.lsuv_(
        model, normal(50, 6), overrides={"2": None, "3": {"distribution": "uniform"}}
    )
    assert list(divided) == ["0", "3"] and torch.equal(model[2].weight, kept)
    singular = torch.linalg.svdvals(model[3].weight.detach())
    assert singular.max() > 1.01 * singular.min()
    assert model(normal(50, 6)).std(correction=0).item() == pytest.approx(1, rel=1e-5)


def test_half_precision_is_scaled_too() -> None:
    model = nn.Sequential(nn.Linear(6, 50), nn.ReLU(), nn.Linear(50, 40)).bfloat16()
    x = normal(60, 6).bfloat16()
    init.lsuv_(model, x, generator=generator())
    assert model(x).float().std(correction=0).item() == pytest.approx(1, rel=0.02)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.idle = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x))


class Once(Twice):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Pair(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor]:  # type: ignore[override]
        return (super().forward(x),)


class Assigns(nn.Module):
    """A buffer that is replaced, and an error after it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.seen + 1
        self.layer(x)
        raise KeyError("mine")


def tied() -> nn.Module:
    model = nn.Sequential(nn.Embedding(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    return model


def biased() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].bias.requires_grad_(False).fill_(0.5)
    return model


def compiled() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4))
    model[0].compile(backend="eager")
    return model


REFUSED: list[tuple[Callable[[], nn.Module], str]] = [
    (Twice, "module: layer 'layer' must run once in a forward pass, and ran twice"),
    (Once, "module: layer 'idle' must run in a forward pass, and never did"),
    (lambda: nn.Sequential(nn.Linear(4, 4), Pair(4, 4)), "layer '1' must return a tensor, got tup"),
    (lambda: nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4)),
     "layer '1' must be linear in its weights to be scaled, got LSTM: leave it alone, "
     "overrides={'1*': None}"),
    (tied, "parameters must not be one to be scaled, got ['0.weight', '1.weight']"),
    (biased, "module: layer '1' must have a bias of 0 to be scaled"),
    (lambda: nn.Sequential(nn.Linear(4, 4), nn.Threshold(1e9, 0.0), nn.Linear(4, 2)),
     "layer '2' must have outputs that vary, got a deviation of 0.0"),
    (lambda: nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(2)), "is of a lazy layer"),
    (lambda: torch.compile(nn.Linear(4, 4), backend="eager"), "must not be compiled, got Opt"),
    (lambda: torch.jit.script(nn.Linear(4, 4)), "must have a layer that is drawn, got Recursive"),
    (lambda: nn.BatchNorm1d(4), "module must have a layer that is drawn, got BatchNorm1d"),
    (compiled, "module must not be compiled, got Linear at '0'"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize(("build", "message"), REFUSED)
def test_what_cannot_be_scaled_is_refused_and_nothing_is_changed(
    build: Callable[[], nn.Module], message: str
) -> None:
    model = build()
    loaded = [p for p in model.parameters() if not nn.parameter.is_lazy(p)]
    before = [p.detach().clone() for p in loaded]
    with pytest.raises(ValueError, match=re.escape(message)):
        init.lsuv_(model, normal(8, 4))
    assert all(torch.equal(a, b) for a, b in zip(before, loaded, strict=True))
    assert not any(part._forward_hooks for part in model.modules())


def test_an_error_of_the_module_takes_everything_back() -> None:
    model = Assigns()
    weight, seen = model.layer.weight.detach().clone(), model.seen
    with pytest.raises(KeyError, match="mine"):
        init.lsuv_(model, normal(8, 4))
    assert torch.equal(model.layer.weight, weight) and model.seen is seen
    with pytest.raises(ValueError, match="deviation of nan"):
        init.lsuv_(nn.Linear(4, 4), torch.full((8, 4), torch.nan))
    with pytest.raises(TypeError, match=r"^module must be a torch.nn.Module, got None$"):
        init.lsuv_(None, normal(8, 4))  # type: ignore[arg-type]
