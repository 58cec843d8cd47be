r"""Training layer by layer without labels: stacked denoising auto-encoders.

What the paper holds its networks against in sec. 5 (fig. 11), and after which, by the end of
sec. 3.1, sigmoids do not saturate. The method is that of Vincent, Larochelle, Bengio and Manzagol
(2008). A hidden layer learns to restore its own input :math:`z` from :math:`\tilde z`, of which a
share of the components has been set to 0:

.. math::

    h = f(\tilde z W + b), \qquad a = h W^T + c, \qquad
    \hat z = z_- + d\, \sigma(d a), \quad d = z_+ - z_-,

where :math:`z_-` and :math:`z_+` are the ends of the input's range. Encoder and decoder share their
weights; the decoder's biases :math:`c` start at 0 and are dropped when the layer is done. Then the
layer's activations, of images that nothing is taken from, are the next layer's input. So the
weights are those of `xavier.network.Network`, which afterwards is trained as any other.

**Cost.** The cross-entropy of the target :math:`t = (z - z_-) / d`, which lies in [0, 1], with the
logit :math:`d a`, summed over the components and averaged over the batch:

.. math::

    C = \sum_k \log(1 + e^{d a_k}) - (z_k - z_-) a_k, \qquad
    \frac{\partial C}{\partial a_k} = \hat z_k - z_k .

For a sigmoid's units it is that of Vincent et al., with :math:`\hat z = \sigma(a)`. For pixels in
[-1, 1] and the units of tanh and softsign it is :math:`\hat z = \tanh(a)`. One formula serves all
ranges, and its gradient has no slope of the decoder in it: an output that is wrong and saturated
still learns, which with the squared error it would hardly. The cost is least where
:math:`\hat z = z`, but not 0 there, since targets are not only 0 and 1: what is left is the
entropy of :math:`t`. It can be compared over time and between replicas of one activation, not
between layers.

**Noise.** A coin is tossed for each component, so that the share is met on average (Vincent et al.
fix the number). What 0 says depends on the units. For tanh and softsign it is the middle of the
range, where a unit stands that has nothing to say, and for the pixels of Shapeset mid-grey. For a
sigmoid it is an end, as in Vincent et al.: "off", not the 1/2 at which its units begin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from glorot2010 import runs
from xavier.datasets import Stream
from xavier.network import Network
from xavier.threads import few_threads
from xavier.training import Batches, diverged_since, measured_updates

NOISE = 0.25
"""Probability with which each component of a layer's input is set to 0."""

_BATCH = 10  # examples of one update, as in training
_COLUMNS = ["layer", "update", "replica", "seed", "quantity", "value"]
_MASKS = 2008  # sets the masks' generators apart from all others that come of the same seed


def pretrain(
    network: Network,
    streams: Mapping[int, Stream],
    *,
    lr: float | Tensor,
    updates: int,
    pixels: tuple[float, float] = (-1.0, 1.0),
    every: int | None = None,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
    report: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Train the hidden layers as denoising auto-encoders, one after another, in place.

    The output layer is left as it is. Every update counts in ``network.updates``. A replica whose
    cost becomes infinite or no number stops there, for the layers above and for any training after
    it too (`xavier.network.Network`, ``diverged``), and costs the others nothing.

    Replicas of one seed share images and masks. The masks are drawn on the CPU, from a generator
    that follows from the seed and the layer, and do not depend on the network's dtype or device.
    So a replica is trained as it would be alone, to rounding.

    With ``checkpoint``, a run that was stopped goes on where that file says, if network and streams
    are given as they were at its start (see `glorot2010.runs`). When the run is done, the file is
    left as it is, complete.

    Args:
        network: R replicas of at least one hidden layer; the units must have a bounded range, as
            those of sigmoid, tanh and softsign have.
        streams: one stream of examples for every seed in ``network.seeds``, whose labels are not
            used. It goes on from layer to layer, so that no two layers see the same images of an
            endless stream.
        lr: learning rate, or one per replica (R,).
        updates: number of updates of each layer, each on ten examples of every stream.
        pixels: the ends of the images' range, in which 0 must be: (-1, 1) for
            `xavier.shapeset.Shapeset`, (0, 1) for `xavier.datasets.DatasetStream`.
        every: updates of a layer between two measurements; by default only its start and its end.
        checkpoint: a file, that need not be there.
        save_every: seconds between two savings.
        report: told, now and then, how many updates have been made, of all layers together.

    Returns:
        Tidy rows ``layer`` (from 1, the first hidden layer), ``update`` (of this layer),
        ``replica``, ``seed``, ``quantity``, ``value``. The quantity "reconstruction" is the cost in
        nats per example, the mean over the updates since the last measurement; at update 0 it is
        that of the untrained layer on the examples of the first hundred updates or so. A replica
        that stopped has a row "diverged", whose value is the update that was not made, and from
        then on its cost is NaN.

    Raises:
        TypeError: an argument is of the wrong type, or a stream gives what is.
        ValueError: the network has units of unbounded range, a seed has no stream, or the rate or a
            stream's examples are none that `xavier.network.Network` takes.
        CheckpointError: the checkpoint is damaged, or of another run.
        OSError: it cannot be written; an earlier one is as it was.
    """
    run = _Pretraining(network, streams, lr, updates, pixels, every)
    with few_threads(network.largest):
        runs.go_on(
            run,
            run.steps,
            run.updates,
            run.of,
            checkpoint=checkpoint,
            save_every=save_every,
            report=report,
            progress=False,
        )
    return run.measured


class _Pretraining:
    """Where a run of `pretrain` stands.

    Attributes:
        made: updates made so far, of all layers.
        updates: those there are in the end.
        of: what tells this run from others.
    """

    def __init__(
        self,
        network: Network,
        streams: Mapping[int, Stream],
        lr: float | Tensor,
        updates: int,
        pixels: tuple[float, float],
        every: int | None,
    ) -> None:
        low, high = network.activation.range
        if not math.isfinite(high - low):
            raise ValueError(
                "network.activation must have a bounded range, which the reconstruction can be "
                f"compared with, got {network.activation.name!r} with range {(low, high)}"
            )
        self.network = network
        self.made = 0
        self.updates = updates * (len(network.w) - 1)
        self._batches = Batches(network, streams, _BATCH)
        self._rates = network.rates(lr)
        self._of_a_layer = updates
        self._pixels = pixels
        self._due = measured_updates(updates, every)
        self._rows: list[tuple[int, int, int, int, str, float]] = []
        self._total, self._since = network.w[0].new_zeros(network.replicas), 0
        self._generators: dict[int, torch.Generator] = {}
        self._c = network.w[0].new_zeros(0)  # the decoder's biases, (R, n_in)
        self.of = {
            **runs.fingerprint(network, self._batches, self._rates),
            "kind": "pretraining",
            "updates": updates,
            "noise": NOISE,
            "pixels": list(pixels),
            "due": sorted(self._due),
        }

    @property
    def measured(self) -> pd.DataFrame:
        """Tidy rows so far."""
        return pd.DataFrame(self._rows, columns=_COLUMNS)

    def steps(self) -> Iterator[int]:
        """Train, and say again and again how many updates are made, a hundred or so at a time."""
        while self.made < self.updates:
            self._advance()
            yield self.made

    @torch.no_grad()
    def _advance(self) -> None:
        """Make some updates of one layer on examples that are fetched together."""
        layer, made = divmod(self.made, self._of_a_layer)
        x, _ = self._batches.fetch(min(self._batches.updates, self._of_a_layer - made))
        if not made:  # a layer gets its noise and a decoder
            self._generators = {seed: _generator(seed, layer) for seed in self._batches.streams}
            self._c = self._c.new_zeros(self.network.w[layer].shape[:2])
        z, kept = self._clean(x, layer), self._masks(x, layer)
        if not made:
            self._look_ahead(layer, z, kept)
        for k in range(x.shape[1]):
            self._total += self._update(layer, *self._batch(z, kept, k))
            self.made, self._since = self.made + 1, self._since + 1
            if made + k + 1 in self._due:
                self._look(layer, made + k + 1)

    def _clean(self, x: Tensor, layer: int) -> Tensor:
        """What enters a layer: ``x`` (streams, U, B, n_0) for the first, else (R, U, B, n_in)."""
        if not layer:
            return x
        network = self.network
        z = x.new_empty(network.replicas, *x.shape[1:3], network.sizes[layer])
        # Replica by replica: products of a thousand rows gain nothing from being batched, and
        # the images of a seed are not copied for its replicas.
        for r, stream in enumerate(self._batches.index.tolist()):
            z_r = x[stream].flatten(0, 1)
            for w, b in zip(network.w[:layer], network.b[:layer], strict=True):
                z_r = network.activation.value(torch.addmm(b[r], z_r, w[r]))
            z[r] = z_r.unflatten(0, x.shape[1:3])
        return z

    def _masks(self, x: Tensor, layer: int) -> Tensor:
        """1 where a component is kept and 0 where it is not, (streams, U, B, n_in)."""
        shape = (*x.shape[1:3], self.network.sizes[layer])
        masks = [_mask(generator, shape) for generator in self._generators.values()]
        return torch.stack(masks).to(x)

    def _batch(self, z: Tensor, kept: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """What enters the layer in one update, clean and masked, (R, B, n_in)."""
        clean = self._batches.each(z[:, k])
        return clean, clean * self._batches.each(kept[:, k])

    def _ends(self, layer: int) -> tuple[float, float]:
        """Of the range of what enters a layer."""
        return self.network.activation.range if layer else self._pixels

    def _pass(self, layer: int, z: Tensor, noisy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode and decode.

        Returns:
            Cost per replica averaged over the batch (R,); weighted sums s and activations h of the
            layer (R, B, n_out); the cost's gradient by the decoder's sums, before it is averaged
            over the batch, (R, B, n_in).
        """
        w, b = self.network.w[layer], self.network.b[layer]
        s = torch.bmm(noisy, w).add_(b[:, None])
        h = self.network.activation.value(s)
        a = torch.bmm(h, w.mT).add_(self._c[:, None])
        low, high = self._ends(layer)
        logits = (high - low) * a
        # -logsigmoid(-x) is log(1 + e^x) to the last digit; softplus is x itself from 20 on.
        costs = -torch.nn.functional.logsigmoid(-logits) - (z - low) * a
        error = logits.sigmoid_().mul_(high - low).add_(low).sub_(z)
        return costs.sum((1, 2)) / z.shape[1], s, h, error

    def _update(self, layer: int, z: Tensor, noisy: Tensor) -> Tensor:
        """One update in place; the cost per replica before it, (R,), NaN where it has stopped.

        The shared weights have two gradients, as encoder and as decoder. Neither is ever built.
        """
        network, w = self.network, self.network.w[layer]
        network.updates += 1
        costs, s, h, error = self._pass(layer, z, noisy)
        stopped = network.stop(costs)
        error.mul_((self._rates / z.shape[1])[:, None, None])
        if stopped is not None:  # what is no number must not reach weights that are at rest
            error.masked_fill_(stopped, 0)
        delta = torch.bmm(error, w)
        network.activation.chain_(delta, s, h)
        if stopped is not None:
            for factor in (delta, h, noisy):
                factor.masked_fill_(stopped, 0)
        network.b[layer].sub_(delta.sum(1))
        self._c.sub_(error.sum(1))
        w.baddbmm_(noisy.mT, delta, alpha=-1)
        w.baddbmm_(error.mT, h, alpha=-1)
        return costs

    def _look_ahead(self, layer: int, z: Tensor, kept: Tensor) -> None:
        """Measure before the first update, on the examples of those that follow."""
        updates = z.shape[1]
        for k in range(updates):
            self._total += self._pass(layer, *self._batch(z, kept, k))[0]
        gone = (self.network.diverged >= 0).to(self._total.device)
        self._total.masked_fill_(gone, math.nan)
        self._since = updates
        self._look(layer, 0)

    def _look(self, layer: int, update: int) -> None:
        """Rows of one measurement."""
        network, since = self.network, self._since
        for r, value in enumerate((self._total / since).tolist()):
            self._row(layer, update, r, "reconstruction", value)
        if update:
            for r, ago in diverged_since(network, since):
                self._row(layer, update - ago, r, "diverged", float(update - ago))
        self._total, self._since = torch.zeros_like(self._total), 0

    def _row(self, layer: int, update: int, replica: int, quantity: str, value: float) -> None:
        seed = self.network.seeds[replica]
        self._rows.append((layer + 1, update, replica, seed, quantity, value))

    def state(self) -> dict[str, Any]:
        """Where the run is, for `glorot2010.runs.save`."""
        return {
            **runs.network_state(self.network, self._batches),
            "noise": {seed: g.get_state() for seed, g in self._generators.items()},
            "c": self._c,
            "total": self._total,
            "made": self.made,
            "since": self._since,
            "measured": runs.pack(self.measured),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go there."""
        runs.restore_network(self.network, self._batches, state)
        self._c, self._total = (state[key].to(self.network.w[0]) for key in ("c", "total"))
        self.made, self._since = state["made"], state["since"]
        for seed, noise in state["noise"].items():
            self._generators[seed] = torch.Generator().set_state(noise)
        self._rows = list(runs.unpack(state["measured"]).itertuples(index=False, name=None))


def _generator(seed: int, layer: int) -> torch.Generator:
    """Where the masks of a seed come from in one layer, on the CPU."""
    words = np.random.SeedSequence(seed, spawn_key=(_MASKS, layer)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> 1))


def _mask(generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """True where a component is kept. In float32, whatever the network's dtype."""
    return torch.rand(shape, generator=generator, dtype=torch.float32) >= NOISE
