"""What is said of one tensor: moments, percentiles, saturation and densities.

`xavier.monitor` says which tensors, and what the words mean. All sums are in double precision, in
pieces that stay in a processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from xavier import checks
from xavier.activations import Activation

if TYPE_CHECKING:
    import pandas as pd

Limits: TypeAlias = tuple[float, float, int]
"""The lower end, the upper end and the number of a histogram's bins, which are equally wide."""

Statistic: TypeAlias = tuple[str, float, Tensor]
"""Its name, the centre of its bin (not a number but for densities), and its value for every
replica (R,), in double precision."""

_PERCENTILES = {"p02": 0.02, "p98": 0.98}
_CHUNK = 2**16  # values taken to double precision at once: half a MB, which stays in the cache
_ALL_VALUES, _SAMPLE = 2**19, 2**16  # percentiles: of all values up to the first, of about so many


def describe(
    x: Tensor,
    *,
    inputs: bool,
    bins: Limits | None = None,
    activation: Activation | None = None,
    health: bool = False,
) -> list[Statistic]:
    """Statistics of (R, B, n), over everything but the replicas.

    Args:
        x: values; with ``inputs`` the second dimension is the examples.
        inputs: whether to add "std_over_inputs".
        bins: of the density, if any.
        activation: whose outputs these are, for "saturated".
        health: for `xavier.monitor.watch`: whether to add "norm", "not_finite" and, with inputs of
            an activation, "dead", and to take percentiles of a sample sooner.
    """
    replicas = len(x)
    flat = (x if x.is_contiguous() else x.mT).reshape(replicas, -1)  # in any order
    if inputs:
        spread = dict(zip(("mean", "std", "std_over_inputs"), _within_and_between(x), strict=True))
    else:
        spread = dict(zip(("mean", "std"), _spread(flat), strict=True))
    mean = spread["mean"]
    most = _SAMPLE if health else _ALL_VALUES
    spread |= dict(zip(_PERCENTILES, _percentiles(_even_sample(flat, most)), strict=True))
    found = [(name, math.nan, value) for name, value in spread.items()]
    if activation is not None:
        share = activation.saturated(flat).sum(1).double() / flat.shape[1]
        found.append(("saturated", math.nan, share.where(~mean.isnan(), mean)))
    if health:
        norm = (flat.shape[1] * (mean.square() + spread["std"].square())).sqrt()
        odd = torch.zeros_like(norm)
        if not norm.isfinite().all():  # else there is none to count
            norm = torch.linalg.vector_norm(flat, dim=1, dtype=torch.float64)
            odd = (~flat.isfinite()).sum(1).double()
        found.append(("norm", math.nan, norm))
        found.append(("not_finite", math.nan, odd))
        if activation is not None and inputs:
            dead = activation.saturated(x).all(1).double().mean(1)
            found.append(("dead", math.nan, dead.where(~mean.isnan(), mean)))
    if bins is not None:
        counts = torch.stack([_counts(flat[r], bins) for r in range(replicas)])
        found += _density(counts, flat.shape[1], bins, mean)
    return found


def _spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of (R, N), each (R,)."""
    parts = [torch.var_mean(row.double(), correction=0) for row in x]
    variance, mean = (torch.stack(numbers) for numbers in zip(*parts, strict=True))
    return mean, variance.sqrt()


def _within_and_between(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, standard deviation and the part of it within columns of (R, B, n), each (R,)."""
    replicas, examples, _ = x.shape
    means, variances = [], []
    for some in x.split(max(1, _CHUNK // (replicas * examples)), dim=2):
        wide = some.double()
        mean = wide.mean(1, keepdim=True)
        means.append(mean[:, 0])
        variances.append((wide - mean).square_().mean(1))
    columns, within = torch.cat(means, 1), torch.cat(variances, 1).mean(1)
    between = columns.var(1, correction=0)
    return columns.mean(1), (within + between).sqrt(), within.sqrt()


def products(z: Tensor, delta: Tensor, bins: Limits | None) -> list[Statistic]:
    """Statistics of all z[r, b, j] * delta[r, b, k], without making them."""
    replicas, batch, n = z.shape
    m = delta.shape[2]
    number = batch * n * m

    def total(power: int) -> Tensor:
        sides = [
            x.sum(2, dtype=torch.float64)
            if power == 1
            else torch.linalg.vector_norm(x, dim=2, dtype=torch.float64).square()
            for x in (z, delta)
        ]
        return (sides[0] * sides[1]).sum(1) / number

    mean = total(1)
    found = [
        ("mean", math.nan, mean),
        ("std", math.nan, (total(2) - mean.square()).clamp(min=0).sqrt()),
    ]
    if bins is not None:
        counts = [_count_products(z[r], delta[r], bins) for r in range(replicas)]
        found += _density(torch.stack(counts), number, bins, mean)
    return found


def _count_products(z: Tensor, delta: Tensor, bins: Limits) -> Tensor:
    """How many of all z[b, j] * delta[b, k] are in each bin, closed below and open above.

    a * b is below an edge where a is below edge / b (above it for b < 0): with the longer side
    sorted, one search counts all products of a number b of the other.
    """
    low, high, number = bins
    longer, shorter = (z, delta) if z.shape[1] >= delta.shape[1] else (delta, z)
    edges = torch.from_numpy(np.linspace(low, high, number + 1)).to(z.device)
    below = torch.zeros_like(edges)
    for a, b in zip(longer.double().sort(1).values, shorter.double(), strict=True):
        up, down = b[b > 0], b[b < 0]
        below += torch.searchsorted(a, edges / up[:, None]).sum(0)
        below += len(a) * len(down)
        below -= torch.searchsorted(a, edges / down[:, None], right=True).sum(0)
        below += (edges > 0) * (len(a) * (len(b) - len(up) - len(down)))
    return below.diff()


def _even_sample(x: Tensor, most: int) -> Tensor:
    """(R, N) as it is, or every so many of too many values."""
    if x.shape[1] <= most:
        return x
    # An odd stride visits all columns of a matrix with an even number of them.
    return x[:, :: math.ceil(x.shape[1] / _SAMPLE) | 1]


def _percentiles(x: Tensor) -> Tensor:
    """The 2nd and 98th percentile of (R, N), (2, R); none of a replica with what is no number."""
    values = (x if x.dtype == torch.float64 else x.float()).cpu().numpy()
    # Sorted, which NumPy does in vector instructions; its quantiles would select every rank again.
    ordered = np.sort(values, axis=1)
    place = np.array(list(_PERCENTILES.values())) * (ordered.shape[1] - 1)
    rank = place.astype(int)
    low, high = ordered[:, rank], ordered[:, np.minimum(rank + 1, ordered.shape[1] - 1)]
    part = place - rank
    with np.errstate(invalid="ignore"):  # from one infinite value to the next
        step = high - low
        between = np.where(part < 0.5, low + step * part, high - step * (1 - part))
    found = np.where(np.isnan(ordered[:, -1:]), np.nan, between).T
    return torch.from_numpy(found).to(x.device, torch.float64)


def _counts(x: Tensor, bins: Limits) -> Tensor:
    """How many of (N,) are in each bin, counted in pieces that single precision can hold."""
    low, high, number = bins
    if x.dtype not in (torch.float32, torch.float64):
        x = x.float()
    counts = torch.zeros(number, dtype=torch.float64, device=x.device)
    for some in x.split(2**23):
        counts += torch.histc(some, number, low, high)
    return counts


def _density(counts: Tensor, number: int, bins: Limits, mean: Tensor) -> list[Statistic]:
    """Counts (R, bins) as densities; not numbers where the mean is not."""
    low, high, of = bins
    width = (high - low) / of
    density = (counts / (number * width)).where(~mean.isnan()[:, None], math.nan)
    return [("density", low + (k + 0.5) * width, density[:, k]) for k in range(of)]


def detached(x: Tensor) -> Tensor:
    """A tensor without its graph, on a device that has double precision."""
    x = x.detach()
    return x.cpu() if x.device.type == "mps" else x


def bins_of(histogram: Mapping[str, Limits] | None, known: Sequence[str]) -> dict[str, Limits]:
    """The bins of each quantity, checked."""
    if histogram is None:
        return {}
    form = "(lower end, upper end, number of bins)"
    if not isinstance(histogram, Mapping):
        raise TypeError(f"histogram must map quantities to {form}, got {histogram!r}")
    for quantity, limits in histogram.items():
        name = f"histogram[{checks.one_of('histogram', quantity, known)!r}]"
        try:
            low, high, number = limits
        except (TypeError, ValueError) as error:  # no sequence; not of three
            raise type(error)(f"{name} must be {form}, got {limits!r}") from None
        if not checks.finite(f"{name}[0]", low) < checks.finite(f"{name}[1]", high):
            raise ValueError(f"{name} must have ascending ends, got {limits!r}")
        checks.positive_int(f"{name}[2]", number)
    return dict(histogram)


_COLUMNS = {  # of `by_name`: quantity and statistic
    "std": ("output", "std"),
    "std_over_inputs": ("output", "std_over_inputs"),
    "saturated": ("output", "saturated"),
    "dead": ("output", "dead"),
    "back_gradient": ("back_gradient", "std"),
    "weight": ("weight", "norm"),
    "weight_gradient": ("weight_gradient", "norm"),
    "update": ("weight", "update"),
}


def by_name(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a watch as one for each name, as `xavier.monitor.Watch.summary` returns it."""
    keys = ["name", "kind"]
    table = rows[keys].drop_duplicates().set_index(keys)
    for column, (quantity, statistic) in _COLUMNS.items():
        found = rows[(rows.quantity == quantity) & (rows.statistic == statistic)]
        table[column] = found.groupby(keys).value.mean()
    bad = rows[rows.statistic == "not_finite"].groupby(keys).value.sum()
    return table.assign(not_finite=bad.astype(int)).reset_index()


def as_text(rows: pd.DataFrame) -> str:
    """The same table in at most a screen, and the layer that first had no number."""
    steps = rows.step.nunique()
    lines = [f"{steps} step{'' if steps == 1 else 's'}"]
    if len(rows):
        table = by_name(rows).dropna(axis="columns", how="all")
        number = "{:.3g}".format
        lines.append(table.to_string(index=False, float_format=number, na_rep="", max_rows=40))
    bad = rows[(rows.statistic == "not_finite") & (rows.value > 0)]
    if len(bad):
        # Forward passes go through the layers in order, and backward passes against it.
        bad = bad[bad.step == bad.step.min()]
        forward = bad[~bad.quantity.str.endswith("gradient")]
        first = (forward if len(forward) else bad[bad.order == bad.order.max()]).iloc[0]
        name = first["name"] or "the module itself"
        lines.append(
            f"first not finite: {first.quantity} of {name} ({first.kind}) in step {first.step}, "
            f"{int(first.value)} values"
        )
    return "\n".join(lines)
