"""What is said of one tensor: moments, percentiles, saturation and densities.

`xavier.monitor` says which tensors, and what the words mean. Sums are in double precision, but
for `xavier.monitor.watch`, and in pieces that stay in a processor's cache.
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

Statistic: TypeAlias = tuple[str, float, float]
"""Its name, the centre of its bin (not a number but for densities), and its value."""

_PERCENTILES = {"p02": 0.02, "p98": 0.98}
_CHUNK = 2**18  # values added up at once: 1 MB in single precision, which stays in the cache


def describe(
    x: Tensor,
    *,
    inputs: bool,
    bins: Limits | None = None,
    activation: Activation | None = None,
    health: bool = False,
) -> list[Statistic]:
    """Statistics of (B, n), in few operations, as most tensors are small.

    Args:
        x: values; with ``inputs`` the first dimension is the examples.
        inputs: whether to add "std_over_inputs".
        bins: of the density, if any.
        activation: whose outputs these are, for "saturated".
        health: for `xavier.monitor.watch`: whether to add "norm", "not_finite" and, with inputs of
            an activation, "dead", to take percentiles of a smaller sample, and to add up in the
            dtype of ``x``, single precision at least.
    """
    x = x if x.dtype in (torch.float32, torch.float64) else x.float()
    flat = (x if x.is_contiguous() else x.mT).reshape(-1)  # in any order
    shaped = x if inputs else flat[:, None]
    mean, variance, within = _moments(shaped, x.dtype if health else torch.float64)
    square = mean * mean + variance
    if health and not 1e-30 < square < 1e30:  # single has no such squares
        mean, variance, within = _moments(shaped, torch.float64)
        square = mean * mean + variance
    found = {"mean": mean, "std": math.sqrt(variance)}
    if inputs:
        found["std_over_inputs"] = math.sqrt(within)
    # Percentiles are of all values up to the first number, and of about the second of more.
    sample, (most, about) = flat, (2**14, 2**13) if health else (2**19, 2**16)
    if len(flat) > most:
        stride = math.ceil(len(flat) / about)
        while math.gcd(stride, len(flat)) > 1:  # it would visit some columns only
            stride += 1
        sample = flat[::stride]
    found |= zip(_PERCENTILES, _percentiles(sample), strict=True)
    if activation is not None:
        hit = activation.saturated(x.cpu().numpy())  # NumPy compares and counts faster
        found["saturated"] = np.count_nonzero(hit) / hit.size
    if health:
        found |= {"norm": math.sqrt(len(flat) * square), "not_finite": 0.0}
        if not math.isfinite(square):  # else there is none to count
            found["norm"] = float(torch.linalg.vector_norm(flat, dtype=torch.float64))
            found["not_finite"] = float((~flat.isfinite()).sum())
        if activation is not None and inputs:
            found["dead"] = np.count_nonzero(hit.all(0)) / hit.shape[1]
    if math.isnan(mean):
        found |= dict.fromkeys(found.keys() & {"saturated", "dead"}, math.nan)
    statistics = [(name, math.nan, value) for name, value in found.items()]
    if bins is not None:
        statistics += _density(_counts(flat, bins), len(flat), bins, mean)
    return statistics


def _moments(x: Tensor, wide: torch.dtype, centred: bool = False) -> tuple[float, float, float]:
    """Mean and variance of (B, n), and the part of the variance that is within columns.

    Args:
        x: the values.
        wide: float32 or float64, in which they are added up.
        centred: whether to take the first row from all others before.
    """
    (examples, n), number = x.shape, x.numel()
    squares, totals = 0.0, []
    for some in x.split(max(1, _CHUNK // n)) if number > _CHUNK else [x]:
        some = some.to(wide)
        if centred:
            some = some - x[0].to(wide)
        norm = float(torch.linalg.vector_norm(some))
        squares += norm * norm
        totals.append(some.sum(0))
    total = totals[0] if len(totals) == 1 else torch.stack(totals).sum(0)
    level = float(total.sum() if n > 1 else total)
    within = squares - (float(total.dot(total)) if n > 1 else level * level) / examples
    if centred:
        means = total.double() / examples + x[0]
        mean = float(means.sum()) / n
        means -= mean
        within = max(within, 0.0) / number
        return mean, within + float(means.dot(means)) / n, within
    if not within >= 0.1 * squares:  # what all have in common takes the digits of what differs
        return _moments(x, wide, True)
    mean = level / number
    return mean, squares / number - mean * mean, within / number


def products(z: Tensor, delta: Tensor, bins: Limits | None) -> list[Statistic]:
    """Statistics of all z[b, j] * delta[b, k], without making them."""
    number = z.numel() * delta.shape[1]
    one, other = (
        torch.stack([
            x.sum(1, dtype=torch.float64),
            torch.linalg.vector_norm(x, dim=1, dtype=torch.float64).square(),
        ])
        for x in (z, delta)
    )  # fmt: skip
    mean, square = ((one * other).sum(1) / number).tolist()
    std = math.sqrt(max(square - mean * mean, 0.0))
    found: list[Statistic] = [("mean", math.nan, mean), ("std", math.nan, std)]
    if bins is not None:
        found += _density(_count_products(z, delta, bins), number, bins, mean)
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


def _percentiles(x: Tensor) -> list[float]:
    """The 2nd and 98th percentile of (N,); none of what has no number in it."""
    # Sorted, which NumPy does in vector instructions; its quantiles would select every rank again.
    ordered = np.sort(x.cpu().numpy())
    last = len(ordered) - 1
    if np.isnan(ordered[last]):
        return [math.nan] * len(_PERCENTILES)
    found = []
    for q in _PERCENTILES.values():
        rank, part = divmod(q * last, 1)
        low, high = float(ordered[int(rank)]), float(ordered[min(int(rank) + 1, last)])
        step = high - low
        found.append(low + step * part if part < 0.5 else high - step * (1 - part))
    return found


def _counts(x: Tensor, bins: Limits) -> Tensor:
    """How many of (N,) are in each bin, counted in pieces that single precision can hold."""
    low, high, number = bins
    counts = torch.zeros(number, dtype=torch.float64, device=x.device)
    for some in x.split(2**23):
        counts += torch.histc(some, number, low, high)
    return counts


def _density(counts: Tensor, number: int, bins: Limits, mean: float) -> list[Statistic]:
    """Counts (bins,) as densities; no numbers where the mean is none."""
    low, high, of = bins
    width = (high - low) / of
    density = (counts / (math.nan if math.isnan(mean) else number * width)).tolist()
    return [("density", low + (k + 0.5) * width, density[k]) for k in range(of)]


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
