"""What is said of one tensor: moments, percentiles, saturation and densities.

`xavier.monitor` says which tensors, and what the words mean. Sums are in double precision, in
pieces that stay in a processor's cache; for `xavier.monitor.watch` those of a piece are not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xavier import checks
from xavier.activations import Activation

if TYPE_CHECKING:
    import pandas as pd

Limits: TypeAlias = tuple[float, float, int]
"""The lower end, the upper end and the number of a histogram's bins, which are equally wide."""

Values: TypeAlias = NDArray[np.float64]

Statistic: TypeAlias = tuple[str, float, Values]
"""Its name, the centre of its bin (not a number but for densities), and its value for every
replica (R,)."""

_PERCENTILES = {"p02": 0.02, "p98": 0.98}
_CHUNK = 2**16  # values taken to double precision at once: half a MB, which stays in the cache
# Percentiles are those of all values up to the first number, and of about as many as the second.
_SAMPLES = {"statistics": (2**19, 2**16), "watch": (2**14, 2**13)}


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
            an activation, "dead", to take percentiles of a smaller sample, and to add up pieces in
            the dtype of ``x``, single precision at least.
    """
    replicas, _, units = x.shape
    flat = (x if x.is_contiguous() else x.mT).reshape(replicas, -1)  # in any order
    number = flat.shape[1]
    shaped = x if inputs else flat[:, None]
    with np.errstate(invalid="ignore", over="ignore"):  # of a replica that has diverged
        wide = torch.promote_types(x.dtype, torch.float32) if health else torch.float64
        mean, within, between = _spread(shaped, flat, inputs, wide)
        size = np.sqrt(mean**2 + within + between)
        if health and not ((size > 1e-15) & (size < 1e15)).all():  # single has no such squares
            mean, within, between = _spread(shaped, flat, inputs, torch.float64)
            size = np.sqrt(mean**2 + within + between)
        spread = {"mean": mean, "std": np.sqrt(within + between)}
        if inputs:
            spread["std_over_inputs"] = np.sqrt(within)
    sample = _even_sample(flat, *_SAMPLES["watch" if health else "statistics"])
    spread |= dict(zip(_PERCENTILES, _percentiles(sample), strict=True))
    lost = np.isnan(mean)
    if activation is not None:
        hit = activation.saturated(x).cpu().numpy()  # in which NumPy counts faster
        share = np.array([np.count_nonzero(one) for one in hit]) / number
        spread["saturated"] = np.where(lost, np.nan, share)
    if health:
        spread["norm"], spread["not_finite"] = np.sqrt(number) * size, np.zeros(replicas)
        if not np.isfinite(size).all():  # else there is none to count
            norm = torch.linalg.vector_norm(flat, dim=1, dtype=torch.float64)
            spread["norm"] = norm.cpu().numpy()
            spread["not_finite"] = (~flat.isfinite()).sum(1).double().cpu().numpy()
        if activation is not None and inputs:
            spread["dead"] = np.where(lost, np.nan, hit.all(1).sum(1) / units)
    found = [(name, math.nan, value) for name, value in spread.items()]
    if bins is not None:
        counts = torch.stack([_counts(flat[r], bins) for r in range(replicas)])
        found += _density(counts, number, bins, lost)
    return found


def _spread(
    x: Tensor, flat: Tensor, inputs: bool, wide: torch.dtype
) -> tuple[Values, Values, Values]:
    """Mean, variance within columns and between them of (R, B, n), each (R,).

    Without ``inputs`` columns are the pieces that the values are taken in. Sums of a piece are in
    the dtype ``wide``; tensors that have it already are one piece, of which no copy is made.

    Args:
        x: the values.
        flat: the same, (R, B n) in any order.
        inputs: whether the second dimension is the examples.
        wide: float32 or float64.
    """
    replicas, examples, n = x.shape
    along = 1 if inputs else 2
    whole = x.dtype == wide
    sizes: list[int] = []
    columns: list[Values] = []
    within = np.zeros(replicas)
    for some in [x] if whole else x.split(max(1, _CHUNK // (replicas * examples)), dim=2):
        values = flat if whole else some.to(wide).reshape(replicas, -1)
        shaped = x if whole else values.reshape(some.shape)
        size = some.shape[along]
        total, squares = _sums(shaped, values, along)
        inside = squares - _dot(total, total) / size
        means = total / size
        if not (inside >= 0.1 * squares).all():
            # What all have in common would take the digits of what differs: taken away first.
            first = shaped.narrow(along, 0, 1)
            shaped = shaped - first
            total, squares = _sums(shaped, shaped.reshape(replicas, -1), along)
            inside = squares - _dot(total, total) / size
            means = first.flatten(1).double().cpu().numpy() + total / size
        within += np.maximum(inside, 0)
        columns.append(means)
        sizes.append(size)
    means = columns[0] if whole else np.concatenate(columns, 1)
    if inputs:
        mean = means.sum(1) / n
        means = means - mean[:, None]
        return mean, within / (examples * n), _dot(means, means) / n
    share = np.array(sizes) / n  # pieces count by their size
    mean = (means * share).sum(1)
    means = means - mean[:, None]
    return mean, within / (examples * n), _dot(means, means * share)


def _dot(a: Values, b: Values) -> Values:
    """Of (R, N) with (R, N), for each replica."""
    products: Values = np.einsum("rn,rn->r", a, b)
    return products


def _sums(x: Tensor, flat: Tensor, along: int) -> tuple[Values, Values]:
    """Sums of (R, B, n) along a dimension, (R, rest), and sums of squares (R,)."""
    norms = torch.linalg.vector_norm(flat, dim=1).double()
    return x.sum(along).double().cpu().numpy(), norms.cpu().numpy() ** 2


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
    std = (total(2) - mean.square()).clamp(min=0).sqrt()
    found = [(k, math.nan, v.cpu().numpy()) for k, v in (("mean", mean), ("std", std))]
    if bins is not None:
        counts = [_count_products(z[r], delta[r], bins) for r in range(replicas)]
        found += _density(torch.stack(counts), number, bins, mean.isnan().cpu().numpy())
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


def _even_sample(x: Tensor, all_up_to: int, of_more: int) -> Tensor:
    """(R, N) as it is, or every so many of too many values."""
    if x.shape[1] <= all_up_to:
        return x
    # An odd stride visits all columns of a matrix with an even number of them.
    return x[:, :: math.ceil(x.shape[1] / of_more) | 1]


def _percentiles(x: Tensor) -> Values:
    """The 2nd and 98th percentile of (R, N), (2, R); none of a replica with what is no number."""
    values = (x if x.dtype == torch.float64 else x.float()).cpu().numpy()
    # Sorted, which NumPy does in vector instructions; its quantiles would select every rank again.
    ordered = np.sort(values, axis=1)
    found = []
    for q in _PERCENTILES.values():
        rank, part = divmod(q * (ordered.shape[1] - 1), 1)
        low = ordered[:, int(rank)].astype(float)
        high = ordered[:, min(int(rank) + 1, ordered.shape[1] - 1)].astype(float)
        with np.errstate(invalid="ignore"):  # from one infinite value to the next
            step = high - low
            found.append(low + step * part if part < 0.5 else high - step * (1 - part))
    return np.where(np.isnan(ordered[:, -1]), np.nan, np.array(found))


def _counts(x: Tensor, bins: Limits) -> Tensor:
    """How many of (N,) are in each bin, counted in pieces that single precision can hold."""
    low, high, number = bins
    if x.dtype not in (torch.float32, torch.float64):
        x = x.float()
    counts = torch.zeros(number, dtype=torch.float64, device=x.device)
    for some in x.split(2**23):
        counts += torch.histc(some, number, low, high)
    return counts


def _density(counts: Tensor, number: int, bins: Limits, lost: Values) -> list[Statistic]:
    """Counts (R, bins) as densities; no numbers where the mean was lost."""
    low, high, of = bins
    width = (high - low) / of
    density = np.where(lost, np.nan, counts.T.cpu().numpy() / (number * width))
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
