"""One update as a CUDA graph: recorded once, then replayed without Python in between.

A network of the paper's width is updated in some tenths of a millisecond on a large graphics card,
which is no longer than Python takes to ask for its sixty kernels one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from xavier.network import Cost, Network


@dataclass(frozen=True)
class DeviceWatch:
    """Which replicas have diverged, kept where a network lives.

    `xavier.network.Network` keeps it on the CPU and so asks the device after every update whether
    all costs were finite. Where nobody may ask, as in a recorded graph, this does the same without
    branches.

    Attributes:
        diverged: as in the network, on its device.
        updates: likewise, a tensor of one number.
    """

    diverged: Tensor
    updates: Tensor

    @classmethod
    def of(cls, network: Network) -> DeviceWatch:
        """A watch that begins with what a network knows."""
        device = network.w[0].device
        updates = torch.tensor(network.updates, device=device)
        return cls(network.diverged.to(device, copy=True), updates)

    def stop(self, costs: Tensor) -> Tensor:
        """Count an update; which replicas are not to be updated, (R, 1, 1), given their costs."""
        self.updates.add_(1)
        earlier = self.diverged >= 0
        now = ~costs.isfinite() & ~earlier
        self.diverged.copy_(torch.where(now, self.updates, self.diverged))
        costs.masked_fill_(earlier, math.nan)
        return (self.diverged >= 0)[:, None, None]

    def take(self, network: Network) -> None:
        """Begin again with what a network knows."""
        self.diverged.copy_(network.diverged)
        self.updates.fill_(network.updates)

    def give(self, network: Network) -> None:
        """Tell a network."""
        network.diverged = self.diverged.to("cpu", copy=True)
        network.updates = int(self.updates)


class Captured:
    """The update of a network on a CUDA device, for batches of one size.

    What it changes is the network's own weights and biases. Costs and divergence are kept on the
    device; `settle` brings them back.
    """

    def __init__(
        self,
        network: Network,
        batch_size: int,
        rates: Tensor,
        cost: Cost,
        descend: Callable[[int, Tensor, Tensor], None],
    ) -> None:
        """Record an update; the network is as it was afterwards.

        Args:
            network, rates, cost, descend: as in `xavier.network.Network.update`.
            batch_size: examples of one update.
        """
        w = network.w[0]
        self._network = network
        self._x = w.new_zeros(network.replicas, batch_size, network.sizes[0])
        self._y = torch.zeros(network.replicas, batch_size, dtype=torch.int64, device=w.device)
        self._total = w.new_zeros(network.replicas)
        self._watch = DeviceWatch.of(network)
        self._graph = torch.cuda.CUDAGraph()

        def update() -> None:
            self._total += network.update(
                self._x, self._y, rates, cost, stop=self._watch.stop, descend=descend
            )

        kept = [x.clone() for x in (*network.w, *network.b)]
        updates = network.updates
        beside = torch.cuda.Stream(w.device)
        beside.wait_stream(torch.cuda.current_stream(w.device))
        with torch.cuda.stream(beside):
            for _ in range(3):  # what is made on first use must be there before the recording
                update()
        torch.cuda.current_stream(w.device).wait_stream(beside)
        with torch.cuda.graph(self._graph):
            update()
        for x, before in zip((*network.w, *network.b), kept, strict=True):
            x.copy_(before)
        network.updates = updates
        self._room = network._room  # the recording writes there, whatever the network uses next
        self._watch.take(network)
        self._total.zero_()

    def __call__(self, x: Tensor, y: Tensor) -> None:
        """Make the update on images (R, B, n_0) and labels (R, B), or what expands to them."""
        self._x.copy_(x)
        self._y.copy_(y)
        self._graph.replay()

    def settle(self) -> Tensor:
        """Tell the network how many updates it has had, and which of its replicas diverged.

        Returns:
            Costs summed over the updates since the last call, (R,).
        """
        self._watch.give(self._network)
        total = self._total.clone()
        self._total.zero_()
        return total
