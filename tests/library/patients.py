"""Networks that start well, and ways to make them start badly: the zoo of `test_diagnose`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xavier import init


class Patient(NamedTuple):
    """A model with its batch."""

    model: nn.Module
    batch: Any
    targets: Tensor | None = None


def draw(n: int, *shape: int) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(n))


def classes(n: int, of: int) -> Tensor:
    return torch.arange(n) % of


def started(model: nn.Module, seed: int, rule: str = "he", **options: Any) -> nn.Module:
    init.initialize_(model, rule, generator=torch.Generator().manual_seed(seed), **options)
    return model


# ------------------------------------------------------------------------------------ architectures


def mlp(
    unit: type[nn.Module], width: int = 100, depth: int = 8, norm: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k in range(depth):
        layers.append(nn.Linear(64 if k == 0 else width, width))
        layers += [nn.BatchNorm1d(width)] if norm else []
        layers.append(unit())
    return nn.Sequential(*layers, nn.Linear(width, 10))


def tanh_mlp(seed: int = 0) -> Patient:
    return Patient(started(mlp(nn.Tanh), seed, "glorot"), draw(64, 64), classes(64, 10))


def relu_mlp(seed: int = 0) -> Patient:
    return Patient(started(mlp(nn.ReLU), seed), draw(64, 64), classes(64, 10))


def normed_mlp(seed: int = 0) -> Patient:
    return Patient(started(mlp(nn.ReLU, norm=True), seed), draw(64, 64), classes(64, 10))


def cnn(seed: int = 0) -> Patient:
    """Without normalization."""
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 16, 10),
    )  # fmt: skip
    return Patient(started(model, seed), draw(32, 3, 16, 16), classes(32, 10))


class Block(nn.Module):
    """A basic block, as in a ResNet-18."""

    def __init__(self, n: int, m: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n, m, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(m)
        self.conv2 = nn.Conv2d(m, m, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(m)
        self.down: nn.Module | None = None
        if stride > 1 or n != m:
            self.down = nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += x if self.down is None else self.down(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(
        self, width: int = 16, blocks: int = 2, stages: int = 4, outputs: int = 10
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        n = width
        for k in range(stages):
            for i in range(blocks):
                m = width * 2**k
                self.stages.append(Block(n, m, 2 if k and not i else 1))
                n = m
        self.fc = nn.Linear(n, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        for block in self.stages:
            x = block(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def resnet(seed: int = 0) -> Patient:
    """As torchvision starts it: He's law backward for convolutions, torch's own for the last."""
    model = ResNet()
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )
    init.uniform_(model.fc.weight, "standard", generator=generator)
    return Patient(model, draw(32, 3, 16, 16), classes(32, 10))


class Encoder(nn.Module):
    """Tokens, positions, pre-norm layers of attention and ReLU, and a head."""

    def __init__(self, width: int = 32, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.token = nn.Embedding(50, width)
        self.position = nn.Parameter(torch.zeros(12, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, 0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(1))


def tokens(n: int, length: int = 12) -> Tensor:
    return torch.randint(50, (n, length), generator=torch.Generator().manual_seed(n))


def encoder(seed: int = 0) -> Patient:
    model = started(Encoder(), seed, "glorot")
    init.normal_(
        model.token.weight, lambda n, m: 1.0, generator=torch.Generator().manual_seed(seed)
    )
    return Patient(model, tokens(32), classes(32, 10))


class GPTBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = (
            self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self, width: int = 48, layers: int = 6, heads: int = 4) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(50, width), nn.Embedding(12, width)
        self.blocks = nn.ModuleList(GPTBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 50, bias=False)
        self.head.weight = self.token.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position(torch.arange(x.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def gpt(seed: int = 0) -> Patient:
    """Std 0.02, residual projections by 1/sqrt(2 layers), tied head."""
    model, generator = GPT(), torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            scaled = name.endswith(("proj.weight", "down.weight"))
            std = 0.02 / (math.sqrt(2 * len(model.blocks)) if scaled else 1)
            nn.init.normal_(parameter, 0, std, generator=generator)
        elif "ln" not in name and "norm" not in name:
            nn.init.zeros_(parameter)
    x = tokens(16)
    return Patient(model, x, x.roll(1, 1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token, self.lstm = nn.Embedding(50, 32), nn.LSTM(32, 48, 2, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(self.token(x))[0][:, -1])


def lstm(seed: int = 0) -> Patient:
    """As torch starts it."""
    model, generator = Recurrent(), torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.startswith("lstm"):
            parameter.data.uniform_(-(48**-0.5), 48**-0.5, generator=generator)
        elif parameter.dim() > 1:
            rule = (lambda n, m: 1.0) if name.startswith("token") else "standard"
            init.uniform_(parameter, rule, generator=generator)
    return Patient(model, tokens(32), classes(32, 10))


class UNet(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()

        def double(n: int, m: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(n, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU(),
                nn.Conv2d(m, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU(),
            )  # fmt: skip

        self.d1, self.d2, self.d3 = (
            double(1, width),
            double(width, 2 * width),
            double(2 * width, 4 * width),
        )
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.u2, self.u1 = double(4 * width, 2 * width), double(2 * width, width)
        self.out = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.d3(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([self.up2(c), b], 1))
        a = self.u1(torch.cat([self.up1(b), a], 1))
        return self.out(a)


def unet(seed: int = 0) -> Patient:
    x = draw(8, 1, 16, 16)
    return Patient(started(UNet(), seed), x, (x[:, 0] > 0).long())


def generator_net(seed: int = 0) -> Patient:
    """A GAN's generator, as DCGAN starts it but for its code's law."""
    model = nn.Sequential(
        nn.ConvTranspose2d(64, 64, 4, 1, 0, bias=False), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    return Patient(started(model, seed, "lecun"), draw(32, 64, 1, 1))


ARCHITECTURES: dict[str, Callable[[int], Patient]] = {
    "tanh mlp": tanh_mlp, "relu mlp": relu_mlp, "normed mlp": normed_mlp, "cnn": cnn,
    "resnet": resnet, "encoder": encoder, "gpt": gpt, "lstm": lstm, "u-net": unet,
    "generator": generator_net,
}  # fmt: skip


def healthy(seed: int) -> Patient:
    """A network of a random kind, size, unit and law, of which all suit each other."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["mlp", "mlp", "mlp", "cnn", "resnet", "encoder", "gpt", "lstm", "u-net"])
    if kind in ("gpt", "lstm", "u-net", "resnet"):
        return ARCHITECTURES[kind](seed)
    if kind == "encoder":
        model = Encoder(int(rng.choice([16, 32, 64])), int(rng.integers(1, 9)))
        started(model, seed, str(rng.choice(["glorot", "lecun"])))
        init.normal_(
            model.token.weight, lambda n, m: 1.0, generator=torch.Generator().manual_seed(seed)
        )
        return Patient(model, tokens(int(rng.choice([16, 32, 64]))))
    unit, rule, gain = [
        (nn.ReLU, "he", 1.0), (nn.Tanh, "glorot", 1.0), (nn.Tanh, "lecun", 1.0),
        (nn.GELU, "lecun", "gelu"), (nn.SiLU, "lecun", "silu"), (nn.SELU, "lecun", 1.0),
        (nn.LeakyReLU, "lecun", "leaky_relu"), (nn.Softsign, "glorot", 1.0),
        (nn.ELU, "lecun", "elu"),
    ][rng.integers(9)]  # fmt: skip
    distribution = str(rng.choice(["uniform", "normal", "truncated", "orthogonal"]))
    depth, examples = int(rng.integers(1, 9)), int(rng.choice([16, 32, 64, 128]))
    norm = bool(rng.integers(2))
    layers: list[nn.Module] = []
    if kind == "mlp":
        n = first = int(rng.choice([16, 64, 256]))
        widths = rng.choice([32, 64, 100, 256], depth)
        for width in map(int, np.full(depth, widths[0]) if rng.integers(2) else widths):
            layers += [nn.Linear(n, width), *[nn.LayerNorm(width)] * norm, unit()]
            n = width
        batch = torch.randn(examples, first, generator=torch.Generator().manual_seed(seed))
    else:
        n, depth = 3, min(depth, 6)
        for k in range(depth):
            width = 16 * 2 ** (k // 2)
            layers += [
                nn.Conv2d(n, width, 3, 1 + k % 2, 1),
                *[nn.BatchNorm2d(width)] * norm,
                unit(),
            ]
            n = width
        layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
        n *= 4
        batch = torch.randn(examples, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    model = nn.Sequential(*layers, nn.Linear(n, 10))
    started(model, seed, rule, gain=gain, distribution=distribution)
    init.uniform_(model[-1].weight, "standard", generator=torch.Generator().manual_seed(seed))
    return Patient(model, batch, classes(examples, 10))


# ------------------------------------------------------------------------------------------ faults


class Fault(NamedTuple):
    """A fault, planted in an architecture, the kinds of findings that name it, and a word of them.

    A plant changes the model, or returns another patient.
    """

    name: str
    architecture: str
    plant: Callable[[Patient], Any]
    kinds: set[str]
    word: str = ""


def weights(model: nn.Module, *kinds: type[nn.Module]) -> list[Tensor]:
    wanted = kinds or (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    return [m.weight.data for m in model.modules() if isinstance(m, wanted)]


def every(change: Callable[[Tensor], object], *kinds: type[nn.Module]) -> Callable[[Patient], None]:
    """A change of the weights of all layers of these kinds."""

    def plant(patient: Patient) -> None:
        for weight in weights(patient.model, *kinds):
            change(weight)

    return plant


def one(place: int, change: Callable[[Tensor], object], *kinds: type[nn.Module]) -> Any:
    return lambda patient: change(weights(patient.model, *kinds)[place])


def uniform(rule: Callable[[int, int], float]) -> Callable[[Tensor], object]:
    """U(-a, a) with the bound that a rule gives."""
    generator = torch.Generator().manual_seed(1)

    def fill(w: Tensor) -> None:
        a = rule(w[0].numel(), len(w) * w[0, 0].numel())
        w.uniform_(-a, a, generator=generator)

    return fill


def normal(rule: Callable[[int, int], float]) -> Callable[[Tensor], object]:
    """N(0, std^2) with the std that a rule gives."""
    generator = torch.Generator().manual_seed(1)
    return lambda w: w.normal_(0, rule(w[0].numel(), len(w) * w[0, 0].numel()), generator=generator)


def biases(value: float, *names: str) -> Callable[[Patient], None]:
    def plant(patient: Patient) -> None:
        for name, parameter in patient.model.named_parameters():
            if name.endswith("bias") and (not names or name.startswith(names)):
                parameter.data.fill_(value)

    return plant


def batch(change: Callable[[Tensor], Tensor]) -> Callable[[Patient], Patient]:
    return lambda patient: patient._replace(batch=change(patient.batch))


def defaults(patient: Patient) -> None:
    """As torch's layers start, biases included."""
    generator = torch.Generator().manual_seed(2)
    for module in patient.model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            module.weight.data.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.data.uniform_(-bound, bound, generator=generator)


def reused(patient: Patient) -> None:
    for module in patient.model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            init.uniform_(module.weight, "he", generator=torch.Generator().manual_seed(3))


def equal_heads(patient: Patient) -> None:
    for name, parameter in patient.model.named_parameters():
        if name.endswith(("in_proj_weight", "qkv.weight")):
            q, k, v = parameter.data.chunk(3)
            for part in (q, k, v):
                head = part[: len(part) // 4].clone()
                part.copy_(head.repeat(4, 1))


def spare_layer(patient: Patient) -> None:
    patient.model.register_module("spare", nn.Linear(4, 4))


class Detached(nn.Module):
    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.below, self.above = model[:4], model[4:]

    def forward(self, x: Tensor) -> Tensor:
        return self.above(self.below(x).detach())


class Listed(nn.Module):
    """Holds its layers in a list, where no optimizer finds them."""

    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.head, self.layers = model[-1], list(model[:-1])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Log(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.log()


class Rooted(nn.Module):
    """Takes roots behind a mask, whose slope is infinite where the mask is 0."""

    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.below, self.above = model[:3], model[4:]

    def forward(self, x: Tensor) -> Tensor:
        h = self.below(x)
        return self.above(torch.where(h > 0, h.sqrt(), 0.0))


class Experts(nn.Module):
    """Four experts on the same inputs, added up by a gate."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.into = started(nn.Linear(64, 32), seed)
        self.experts = nn.ModuleList(started(nn.Linear(32, 32), 7) for _ in range(4))
        self.out = started(nn.Linear(32, 10), seed)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.into(x))
        return self.out(sum(F.relu(expert(x)) for expert in self.experts))


class Stack(nn.Module):
    """Residual blocks, with or without a norm before the branch."""

    def __init__(self, blocks: int, norm: bool, width: int = 64) -> None:
        super().__init__()
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) if norm else nn.Identity() for _ in range(blocks)
        )
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            x = x + down(F.relu(up(norm(x))))
        return self.head(x)


def other(model: Callable[[], nn.Module]) -> Callable[[Patient], Patient]:
    return lambda patient: patient._replace(model=model())


def he(n: int, m: int) -> float:
    return math.sqrt(2 / n)


def glorot(n: int, m: int) -> float:
    return math.sqrt(2 / (n + m))


def set_to(value: float) -> Callable[[Tensor], object]:
    return lambda w: w.fill_(value)


def scale(factor: float) -> Callable[[Tensor], object]:
    return lambda w: w.mul_(factor)


def same_rows(w: Tensor) -> object:
    return w.copy_(w[:1].expand_as(w).clone())


def stuck_sigmoid(patient: Patient) -> Patient:
    model = started(mlp(nn.Sigmoid), 0, "glorot")
    for weight in weights(model)[1:-1]:
        weight.mul_(60)
    return patient._replace(model=model)


Linear, Conv = nn.Linear, nn.Conv2d
FAULTS: list[Fault] = [
    Fault("standard law", "tanh mlp", every(uniform(lambda n, m: n**-0.5)), {"signal", "gradient"}),
    Fault("torch's defaults", "relu mlp", defaults, {"gradient", "signal"}),
    Fault("torch's defaults, deep tanh", "tanh mlp",
          other(lambda: mlp(nn.Tanh, depth=16)), {"alike", "gradient"}),
    Fault("weights of 0.01", "relu mlp", every(normal(lambda n, m: 0.01)), {"signal"}),
    Fault("weights of 1", "relu mlp", every(normal(lambda n, m: 1.0)), {"signal"}),
    Fault("weights of 1", "tanh mlp", every(normal(lambda n, m: 1.0)), {"saturated", "gradient"}),
    Fault("weights of 1", "cnn", every(normal(lambda n, m: 1.0)), {"signal"}),
    Fault("weights of 0.01", "cnn", every(normal(lambda n, m: 0.01)), {"signal"}),
    Fault("std as bound", "relu mlp", every(uniform(he)), {"law"}, "he, std as bound"),
    Fault("std as bound", "cnn", every(uniform(he)), {"law"}, "he, std as bound"),
    Fault("bound as std", "relu mlp",
          every(normal(lambda n, m: math.sqrt(6 / n))), {"law"}, "he, bound as std"),
    Fault("bound as std", "cnn",
          every(normal(lambda n, m: math.sqrt(6 / n))), {"law"}, "he, bound as std"),
    Fault("kernel forgotten", "cnn",
          every(normal(lambda n, m: math.sqrt(2 * 9 / n)), Conv), {"law"}, "he, kernel forgotten"),
    Fault("gain twice", "relu mlp",
          every(normal(lambda n, m: 2 / math.sqrt(n))), {"law"}, "gain twice"),
    Fault("gain twice", "cnn", every(normal(lambda n, m: 2 / math.sqrt(n))), {"law"}, "gain twice"),
    Fault("variance as std", "relu mlp",
          every(normal(lambda n, m: 2 / n)), {"law"}, "he, variance as std"),
    Fault("variance as bound", "relu mlp",
          every(uniform(lambda n, m: 2 / n)), {"law"}, "he, variance as bound"),
    Fault("fans swapped", "cnn", every(normal(lambda n, m: m**-0.5)), {"law"}, "fans swapped"),
    Fault("Glorot's under ReLU", "relu mlp",
          every(uniform(lambda n, m: math.sqrt(6 / (n + m)))),
          {"law"}, "Weights by glorot in front of relu"),
    Fault("He's under tanh", "tanh mlp",
          every(normal(he)), {"law"}, "Weights by he in front of tanh"),
    Fault("packed as one", "encoder", lambda p: [
        nn.init.xavier_uniform_(q, generator=torch.Generator().manual_seed(k))
        for k, (n, q) in enumerate(p.model.named_parameters()) if n.endswith("in_proj_weight")
    ], {"law"}, "packed as one"),
    Fault("all weights 0.1", "tanh mlp", every(set_to(0.1)), {"tied"}),
    Fault("all weights 0.1", "cnn", every(set_to(0.1)), {"tied"}),
    Fault("all weights 0", "tanh mlp", every(set_to(0.0)), {"stuck"}),
    Fault("all weights 0", "relu mlp", every(set_to(0.0)), {"stuck"}),
    Fault("equal rows", "relu mlp", one(3, same_rows), {"tied"}),
    Fault("equal filters", "resnet", one(4, same_rows), {"tied"}),
    Fault("equal rows up to sign", "tanh mlp", one(2, lambda w: w[50:].copy_(-w[:50])), {"tied"}),
    Fault("equal heads", "encoder", equal_heads, {"tied"}),
    Fault("equal heads", "gpt", equal_heads, {"tied"}),
    Fault("equal gates", "lstm", lambda p: same_rows(p.model.lstm.weight_ih_l1.data), {"tied"}),
    Fault("one seed for all layers", "relu mlp", reused, {"copied"}),
    Fault("one seed for all layers", "resnet", reused, {"copied"}),
    Fault("equal experts", "relu mlp", other(lambda: Experts(0)), {"copied"}),
    Fault("copied layers", "encoder", lambda p: [
        p.model.layers[k].load_state_dict(p.model.layers[0].state_dict()) for k in (1, 2, 3)
    ], {"copied"}),
    Fault("biases of -3", "relu mlp", biases(-3.0), {"dead"}),
    Fault("biases of -3", "cnn", biases(-3.0), {"dead"}),
    Fault("dead norms", "resnet", lambda p: p.model.stages[2].bn1.bias.data.fill_(-9), {"dead"}),
    Fault("half dead, half on", "relu mlp", lambda p: p.model[4].bias.data.copy_(
        torch.tensor([-30.0, 30.0]).repeat(50)), {"dead"}),
    Fault("biases of 5", "tanh mlp", biases(5.0), {"bias"}),
    Fault("biases of 5", "relu mlp", biases(5.0), {"bias"}),
    Fault("weights in front of sigmoids", "tanh mlp", stuck_sigmoid, {"saturated"}),
    Fault("weights not centred", "relu mlp",
          every(lambda w: uniform(lambda n, m: m**-0.5)(w) or w.abs_()), {"mean"}),
    Fault("weights not centred", "u-net", one(3, lambda w: w.abs_(), Conv), {"mean"}),
    Fault("gates open or shut", "lstm", lambda p: p.model.lstm.weight_ih_l0.data.mul_(10),
          {"saturated"}),
    Fault("weights not centred", "lstm", lambda p: p.model.lstm.weight_hh_l0.data.abs_(), {"mean"}),
    Fault("pixels to 255", "cnn", batch(lambda x: 127.5 + 60 * x), {"inputs"}),
    Fault("pixels to 1", "cnn", batch(lambda x: (0.5 + 0.25 * x).clamp(0, 1)), {"inputs"}),
    Fault("tiny inputs", "tanh mlp", batch(lambda x: 1e-3 * x), {"inputs"}),
    Fault("a column in metres", "relu mlp",
          batch(lambda x: x * torch.tensor([1000.0] + [1.0] * 63)), {"inputs"}),
    Fault("inputs that are no numbers", "cnn",
          batch(lambda x: x.index_fill(0, torch.tensor([3]), math.nan)), {"not finite"}),
    Fault("inputs that are no numbers", "resnet",
          batch(lambda x: x.index_fill(0, torch.tensor([3]), math.inf)), {"not finite"}),
    Fault("a head of ten", "resnet", lambda p: p.model.fc.weight.data.mul_(30), {"loss"}),
    Fault("a head of ten", "lstm", lambda p: p.model.head.weight.data.mul_(200), {"loss"}),
    Fault("a head of ten", "encoder", lambda p: p.model.head.weight.data.mul_(20), {"loss"}),
    Fault("an untied head's scale", "gpt", lambda p: p.model.token.weight.data.mul_(50), {"loss"}),
    Fault("targets not standardized", "tanh mlp",
          lambda p: p._replace(targets=70 + 5 * draw(64, 10)), {"loss"}),
    Fault("a spare layer", "resnet", spare_layer, {"never ran"}),
    Fault("a spare layer", "u-net", spare_layer, {"never ran"}),
    Fault("detached", "relu mlp", lambda p: p._replace(model=Detached(p.model)), {"cut off"}),
    Fault("layers in a list", "relu mlp",
          lambda p: p._replace(model=Listed(p.model)), {"foreign"}),
    Fault("roots of zeros", "relu mlp",
          lambda p: p._replace(model=Rooted(p.model)), {"not finite"}, "The gradients of"),
    Fault("softmax over one", "relu mlp", lambda p: p._replace(
        model=nn.Sequential(*p.model[:-1], nn.Linear(100, 1), nn.Softmax(1)),
        targets=p.targets[:, None] % 2.0), {"cut off"}, "get gradients of zero"),
    Fault("logarithms of zeros", "relu mlp", lambda p: p._replace(
        model=nn.Sequential(nn.ReLU(), Log(), *p.model)), {"not finite"}, "in front of this layer"),
    Fault("frozen", "resnet", lambda p: p.model.stages.requires_grad_(False), {"frozen"}),
    Fault("on meta", "cnn", lambda p: p._replace(model=p.model.to("meta")), {"no memory"}),
    Fault("lazy", "relu mlp", other(lambda: nn.Sequential(nn.LazyLinear(10))), {"no memory"}),
    Fault("evaluation mode", "resnet", lambda p: p.model.eval(), {"averages"}),
    Fault("fifty branches", "relu mlp", other(lambda: started(Stack(50, True), 0)), {"branches"}),
    Fault("twenty branches without norm", "relu mlp",
          other(lambda: started(Stack(20, False), 0)), {"branches"}),
    Fault("large, hidden by norm", "resnet", every(scale(30), Conv), {"hidden scale"}),
    Fault("small, hidden by norm", "u-net", every(scale(1 / 30), Conv), {"hidden scale"}),
    Fault("small, hidden by norm", "generator", every(scale(1 / 30)), {"hidden scale"}),
    Fault("large last layer", "generator", one(3, scale(50)), {"saturated"}),
    Fault("large, hidden by norm", "normed mlp", every(scale(100), Linear), {"hidden scale"}),
]  # fmt: skip
"""Faults that people have reported, or made in the problem sets."""
