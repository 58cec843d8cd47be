"""Claims of this book, C1 to C7, each with its judge."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import sympy
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from glorot2010.verdicts import births
from glorot2010.verdicts import claim as c
from glorot2010.verdicts.asked import above, below, equivalent, mean_interval, proportion_interval
from xavier import derivation, rules, theory, training
from xavier.intervals import Interval
from xavier.shapeset import FREQUENCIES, Shapeset


@c.claim("C1", "this book; table 1", "1,000 updates", chapter=2)
def c1_chance(evidence: c.Evidence) -> c.Judgement:
    """Chance on Shapeset is 83.33 % wrong, and a sigmoid network of depth 5 gives one answer to all
    images.

    Statistic: error of the best constant answer, counted; share of the most common answer of
        trained networks
    Rule: the first holds if its exact 95 % interval has 83.33 in it and not 88.89; the second if
        its interval over seeds is above 0.99; each a part
    Scale: 50,000 labels; five hidden layers of 100 sigmoids, 2,000 images, seeds 0 to 4
    """
    _, labels = Shapeset(seed=0, size=15).batch(50_000)
    best = max(FREQUENCIES)
    counted = int((labels == FREQUENCIES.index(best)).sum())
    wrong = proportion_interval(len(labels) - counted, len(labels))
    constant = mean_interval(_most_common_answer())
    parts: dict[str, c.Fact] = {
        "83.33 % wrong at best without looking": (1 - best) in wrong and 8 / 9 not in wrong,
        "the trained sigmoid gives one answer": above(constant, 0.99),
    }
    said = (
        "Five layers of 100 sigmoids after 1,000 updates at rate 0.1; share of the most common "
        f"answer {constant.mean:.2f}"
    )
    return c.in_parts(parts, c.scaled(wrong, c.percent), said, paper=82.61)


@cache
def _most_common_answer() -> c.Array:
    """Share of the most common answer on 2,000 images after some training, seed by seed."""
    grid = pd.DataFrame({"seed": births.SEEDS, "lr": 0.1, "rule": "standard"})
    network, _ = training.train_grid(
        [1024, *[100] * 5, 9], "sigmoid", grid, Shapeset, updates=1000, progress=False
    )
    images, _ = Shapeset(seed=10**6).batch(2000)
    answers = network.forward(images).logits.argmax(-1)
    return np.array([int(a.bincount().max()) / len(a) for a in answers])


LAW = 0.02
"""How far a law for large depths may be from the theory for wide layers at layer 1,000."""

FOLLOWS = 1.5
"""Networks of width 400 follow a theory if their mean is within this factor at layer 100."""


@c.claim("C2", "this book", c.BIRTH, chapter=9)
def c2_dying_out(evidence: c.Evidence) -> c.Judgement:
    """At gain 1 the variance dies out as 1/(2 l) in tanh networks and as pi/(8 l^2) in softsign
    networks.

    Statistic: the series; the law over the theory for wide layers at layer 1,000; networks over
        theory at layer 100
    Rule: the series is equal, the law within {LAW:g}, and the 95 % interval of the networks within
        a factor of {FOLLOWS:g}; each of the two activations' three a part
    Scale: width 400, depth 100, seeds 0 to 4
    """
    layer = sympy.Symbol("l", positive=True)
    claimed = {"tanh": 1 / (2 * layer), "softsign": sympy.pi / (8 * layer**2)}
    parts: dict[str, c.Fact] = {}
    for units, law in claimed.items():
        parts[f"{units}: the series"] = births.same(theory.vanishing_variance(units)[0], law)
        far = float(_theory(units, 1000).variance.iloc[-1] / law.subs(layer, 1000))
        parts[f"{units}: quadrature at layer 1,000"] = abs(far - 1) < LAW
        parts[f"{units}: networks at layer 100"] = c.within_factor(_over_theory(units), FOLLOWS)
    said = "Tanh, variance at layer 100 over the theory's, width 400"
    return c.in_parts(parts, c.as_ratio(_over_theory("tanh")), said)


@cache
def _theory(units: str, layers: int) -> pd.DataFrame:
    return theory.propagate(units, 1.0, layers)


def _over_theory(units: str) -> Interval:
    """Variance of the sums at layer 100, sampled over predicted, seed by seed, as logarithms."""
    rows = births.deep(units, 1.0, 100, 400)
    last = rows[rows.layer == 100].sums.to_numpy()
    return c.ratio_interval(last / _theory(units, 100).variance.iloc[-1])


@c.claim("C3", "this book", c.BIRTH, chapter=9)
def c3_five_thirds(evidence: c.Evidence) -> c.Judgement:
    """Torch's gain for tanh, 5/3, holds units at a standard deviation of 0.651 and lets the
    variance of gradients grow by 1.21 per layer.

    Statistic: both numbers by quadrature at the fixed point, and in networks
    Rule: quadrature within 0.0005 and 0.005; the 95 % intervals of networks within 0.02 and 0.05;
        each a part
    Scale: width 400, depth 50, seeds 0 to 4
    """
    gain = nn.init.calculate_gain("tanh")
    q = theory.fixed_point("tanh", gain=gain)
    settled, chi = math.sqrt(q) / gain, theory.gradient_map("tanh", q, gain=gain)
    rows = births.deep("tanh", gain, 50, 400)
    drawn = mean_interval(np.sqrt(rows[rows.layer == 50].activation.to_numpy()) - 0.651)
    growth = c.ratio_interval(births.between(rows, "gradient", 10, 50) ** (1 / 40))  # a layer
    parts: dict[str, c.Fact] = {
        "torch's gain is 5/3": abs(gain - 5 / 3) < 1e-12,
        "quadrature: 0.651": abs(settled - 0.651) < 0.0005,
        "quadrature: 1.21": abs(chi - 1.21) < 0.005,
        "networks at layer 50: 0.651 within 0.02": equivalent(drawn, 0.02),
        "networks, layers 10 to 50: 1.21 within 0.05": c.all_of(
            [above(growth, math.log(1.16)), below(growth, math.log(1.26))]
        ),
    }
    return c.in_parts(parts, c.as_ratio(growth))


MODEST = 5.0
"""The largest gain that counts as modest, more than the 4 that makes up for the slope of 1/4."""

SATURATED = 0.25
"""Share of saturated units at birth from which on a gain is no way out."""


@c.claim("C4", "this book", c.BIRTH, chapter=9)
def c4_sigmoid_gains(evidence: c.Evidence) -> c.Judgement:
    """No modest gain saves the sigmoid: gradients survive only near gain 10, where units are
    saturated.

    Statistic: factor on the variance of the gradient per layer at the fixed point, gains 0.5 to 20;
        saturated share where it is 1 or more; the factor in networks at gain 4
    Rule: holds if the factor is below 0.9 up to gain {MODEST:g}, the share above {SATURATED:g}, and
        the networks' 95 % interval below 0.9
    Scale: quadrature; width 400, depth 20, seeds 0 to 4
    """
    gains = np.geomspace(0.5, 20, 60)
    settled = [theory.fixed_point("sigmoid", gain=gain) for gain in gains]
    pairs = list(zip(gains, settled, strict=True))
    chi = np.array([theory.gradient_map("sigmoid", q, gain=gain) for gain, q in pairs])
    shares = np.array([theory.saturated_share("sigmoid", q) for q in settled])
    drawn = c.ratio_interval(
        births.between(births.deep("sigmoid", 4.0, 20, 400), "gradient", 10, 20) ** (1 / 10)
    )
    survive = chi >= 1
    parts: dict[str, c.Fact] = {
        f"quadrature: gradients die out up to gain {MODEST:g}": bool(
            (chi[gains <= MODEST] < 0.9).all()
        ),
        "quadrature: where they do not, units are saturated": bool(
            survive.any() and (shares[survive] > SATURATED).all()
        ),
        "networks at gain 4: gradients die out": below(drawn, math.log(0.9)),
    }
    k = int(survive.argmax())  # the first; between it and the one before, along a straight line
    first = np.interp(1.0, chi[k - 1 : k + 1], gains[k - 1 : k + 1]) if k else math.inf
    said = (
        f"Factor on the gradient's variance per layer, gain 4; it reaches 1 near gain {first:.0f}"
    )
    return c.as_a_whole(c.all_of(parts.values()), c.as_ratio(drawn), said, parts=parts)


@c.claim("C5", "this book", "none", chapter=6)
def c5_default_linear(evidence: c.Evidence) -> c.Judgement:
    """The default of torch's linear layer is the paper's standard initialization, with random
    biases.

    Statistic: variance of Kaiming's rule with slope sqrt(5); n Var[W], largest weight and n Var[b]
        of layers as torch makes them
    Rule: equal to eq. 1; within {births.AGREES:g} standard errors of 1/3; within 0.1 % of
        1/sqrt(n); each a part
    Scale: symbols; 20 layers from 1000 to 200 units
    """
    n = derivation.n_in
    slope = sympy.sqrt(5)  # the layer draws by Kaiming's rule for leaky rectifiers of this slope
    kaiming = 2 / ((1 + slope**2) * n)
    layers = _default_layers(1000, 200, number=20)
    weights, biases = (
        1000 * np.array([float(getattr(a, name).detach().double().square().mean()) for a in layers])
        for name in ("weight", "bias")
    )
    limit = 1000**-0.5
    largest = max(float(a.weight.detach().abs().max()) for a in layers)
    parts: dict[str, c.Fact] = {
        "the algebra": births.same(kaiming, rules.standard(n, derivation.n_out)),
        "n Var[W] of drawn layers is 1/3": births.agrees(births.distance(weights, 1 / 3)),
        "between plus and minus 1/sqrt(n)": 0.999 * limit < largest <= limit * (1 + 1e-6),
        "biases are random": births.agrees(births.distance(biases, 1 / 3)),
    }
    return c.in_parts(parts, mean_interval(weights), "The paper's own biases are zero", paper=1 / 3)


class _Seeded(TorchFunctionMode):
    """Gives torch's own initializers a generator, where a layer calls them without one."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)


def _default_layers(n_in: int, n_out: int, *, number: int) -> list[nn.Linear]:
    """Linear layers as torch makes them, but that its global generator is left alone."""
    with _Seeded(torch.Generator().manual_seed(0)):
        return [nn.Linear(n_in, n_out) for _ in range(number)]


@c.claim("C6", "this book", c.BIRTH, chapter=7)
def c6_other_baseline(evidence: c.Evidence) -> c.Judgement:
    """A published replication that found no effect used a baseline with n Var[W] = 1, so that its
    two arms were alike at birth.

    Statistic: n Var[W] of U(-sqrt(3/n), sqrt(3/n)); standard deviation of the activations, that
        baseline over normalized, and eq. 1 over normalized in layer 5
    Rule: holds if the first is 1, the 95 % interval of the second within {births.MATCHES:g} of 1,
        and that of the third below 1/{births.ALIKE:g}; what the replication used is by its files
    Scale: five hidden layers of 1000 tanh units, 300 images, seeds 0 to 4
    """
    theirs = 1000 * float(derivation.uniform_variance(math.sqrt(3 / 1000)))  # its uniform rule
    glorot = births.at_birth("glorot", "activation")
    alike = mean_interval((births.at_birth("lecun", "activation") / glorot - 1).mean(1))
    ours = mean_interval(births.at_birth("standard", "activation")[:, -1] / glorot[:, -1])
    parts: dict[str, c.Fact] = {
        "its baseline has n Var[W] = 1": abs(theirs - 1) < 1e-9,
        "with it both arms are alike at birth": equivalent(alike, births.MATCHES),
        "with the paper's they are not": below(ours, 1 / births.ALIKE),
    }
    said = (
        "Standard deviation of layer 5, the paper's baseline over normalized; at birth, their "
        "training was not repeated"
    )
    return c.as_a_whole(c.all_of(parts.values()), ours, said, parts=parts)


LEVEL = 1.2
"""Weight gradients are level if the largest variance is below this multiple of the smallest."""


@c.claim("C7", "this book", c.BIRTH, chapter=9)
def c7_same_powers(evidence: c.Evidence) -> c.Judgement:
    """At gain 1 gradients die out by the same power of the layer as the signal, so that weight
    gradients stay level far beyond the linear regime.

    Statistic: the two series; largest over smallest variance of the weight gradients of layers 10
        to 100 in the theory for wide layers, and of 10 to 99 in single networks
    Rule: the powers are equal; level if the ratio is below {LEVEL:g}, in networks in every seed;
        for tanh and softsign, each a part
    Scale: width 400, depth 100, seeds 0 to 4
    """
    parts: dict[str, c.Fact] = {}
    wander = {}
    layer, last = sympy.symbols("l L", positive=True)
    for units, power in (("tanh", 1), ("softsign", 2)):
        variance, gradient = theory.vanishing_variance(units)
        powers = births.same(gradient, (layer / last) ** power)
        parts[f"{units}: both by the power {power} of the layer, the series"] = powers and not (
            variance * layer**power
        ).has(layer)
        level = _theory(units, 100).query("layer >= 10").weight_gradient
        parts[f"{units}: level in wide networks"] = bool(level.max() / level.min() < LEVEL)
        drawn = births.deep(units, 1.0, 100, 400).query("10 <= layer <= 99")
        by_seed = drawn.groupby("seed").weight_gradient
        wander[units] = (by_seed.max() / by_seed.min()).to_numpy()
        parts[f"{units}: level in single networks of width 400"] = bool(
            (wander[units] < LEVEL).all()
        )
    said = "Largest over smallest variance of layers 10 to 99, single tanh networks"
    return c.in_parts(parts, f"{wander['tanh'].min():.2g} to {wander['tanh'].max():.2g}", said)
