"""What it costs to judge a start, against the forward and backward pass that it takes at least."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.measure import Row, paired
from xavier.diagnose import diagnose


class Block(nn.Module):
    """The basic block of a ResNet-18."""

    def __init__(self, n: int, m: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m)
        self.conv2, self.bn2 = nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m)
        self.down = nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m))
        if n == m:
            self.down = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.down(x))


def resnet(width: int) -> tuple[nn.Module, Tensor]:
    layers: list[nn.Module] = [
        nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    ]  # fmt: skip
    for k in range(4):
        n = width * 2 ** max(k - 1, 0)
        layers += [Block(n, width * 2**k, 2 if k else 1), Block(width * 2**k, width * 2**k, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 10)]
    return nn.Sequential(*layers, *head), torch.randn(16, 3, 32, 32)


def encoder(width: int) -> tuple[nn.Module, Tensor]:
    layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True, norm_first=True)
    model = nn.TransformerEncoder(layer, 12, enable_nested_tensor=False)
    return nn.Sequential(model, nn.Linear(width, 10)), torch.randn(8, 64, width)


MODELS = {"a ResNet-18": (resnet, 64), "an encoder of 12 layers": (encoder, 256)}


def passes(model: nn.Module, x: Tensor) -> None:
    """One forward and one backward pass."""
    model(x).square().mean().backward()
    model.zero_grad()


def against_its_passes(name: str, width: int, repeat: int) -> Row:
    model, x = MODELS[name][0](width)
    times = paired(
        lambda: diagnose(model, x), lambda: passes(model, x), repeat, 1, time.perf_counter
    )
    return Row.of(f"diagnose, {name}", times, " ms", "at most 4")


_MEMORY = """
import sys
import torch
from benchmarks.measure import peak_memory
from benchmarks.starts import MODELS, diagnose, passes
torch.set_num_threads(2)
make, action = MODELS[sys.argv[1]][0], {"diagnose": diagnose, "passes": passes}[sys.argv[3]]
for width in (8, int(sys.argv[2])):  # the first for what code and libraries take
    before = peak_memory()
    action(*make(width))
print(peak_memory() - before)
"""


def memory(name: str, width: int, repeat: int) -> Row:
    """Growth of a fresh process's peak by the model, its batch, and either."""

    def grown(action: str) -> int:
        command = [sys.executable, "-c", _MEMORY, name, str(width), action]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout)

    pairs = [(grown("diagnose"), grown("passes")) for _ in range(repeat)]
    return Row.of(f"diagnose, {name}: memory", pairs, " MB", "at most 2")


def rows(quick: bool) -> Iterator[Callable[[], Row]]:
    for name, (_, width) in MODELS.items():
        size = width // 4 if quick else width
        yield lambda name=name, size=size: against_its_passes(name, size, 2 if quick else 7)
        yield lambda name=name, size=size: memory(name, size, 1 if quick else 3)
