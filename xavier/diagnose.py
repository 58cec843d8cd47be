"""Say in words how a network starts: one call, and what to do about what it finds.

::

    from xavier.diagnose import diagnose

    report = diagnose(model, images, labels)
    print(report)      # "starts well", or what is wrong, where, why, and a line of code
    assert report.ok   # in a test; `xavier.testing.assert_starts_well` says more when it fails

One forward and one backward pass is run (`xavier.probe`), two more of each where a gradient is
zero, and the model is left as it was. The checks, and what their thresholds come from, are in
`xavier.faults`. A finding is serious, or a remark; a network without a serious one starts well,
which says nothing of its rate, its labels, or its end.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torch import nn

import xavier.findings
from xavier import checks, probe, theory
from xavier.evidence import About
from xavier.faults import CHECKS
from xavier.findings import Finding
from xavier.uses import Use, mean_square

if TYPE_CHECKING:
    import pandas as pd

    from xavier.figures import Picture


@dataclass(frozen=True)
class Report:
    """What `diagnose` found. It prints itself.

    Attributes:
        findings: serious ones first.
        table: one row for each use of a weight, in the order of execution: ``layer``, ``kind``,
            ``fan_in``, ``fan_out``, ``rule`` (by which its weights seem to have been drawn),
            ``activation`` (what follows), ``inputs`` and ``outputs`` (root mean squares),
            ``theory`` (what the outputs should be, given inputs and weights), ``alike`` (mean
            similarity of the outputs for two examples), ``dead``, ``saturated``, ``gradient``
            (norm of that of the outputs), ``gradient_theory`` (what it should be, given those of
            the layers that read the outputs, and their weights).
    """

    findings: tuple[xavier.findings.Finding, ...]
    table: pd.DataFrame = field(default_factory=lambda: _table(()), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing serious was found."""
        return not any(finding.serious for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The first line."""
        serious = sum(finding.serious for finding in self.findings)
        remarks = len(self.findings) - serious
        text = f"{serious} finding{'s' * (serious != 1)}" if serious else "starts well"
        return text + (f" ({remarks} remark{'s' * (remarks != 1)})" if remarks else "")

    def __str__(self) -> str:
        lines = [self.verdict]
        lines += [f"{i}. {finding}" for i, finding in enumerate(self.findings, start=1)]
        rows = self.table[_PRINTED].dropna(axis="columns", how="all")
        if len(rows):
            number = "{:.2g}".format
            text = rows.to_string(index=False, float_format=number, na_rep="", max_rows=24)
            lines += ["", text]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><strong>{html.escape(f.kind)}</strong>{'' if f.serious else ' (remark)'}: "
            f"{html.escape(f.what)} {html.escape(f.why)} <code>{html.escape(f.fix)}</code> "
            f'<a href="{f.link}">chapter {f.chapter}</a></li>'
            for f in self.findings
        )
        table = self.table.to_html(index=False, float_format="{:.2g}".format, na_rep="", border=0)
        return f"<p><strong>{self.verdict}</strong></p><ol>{items}</ol>{table}"

    def plot(self) -> Picture:
        """Signal and gradient by layer, as measured and by theory from what is next to the layer.

        Layers that a finding names are marked.
        """
        from xavier.figures import COLOURS, Picture, styled

        @styled
        def draw() -> Picture:
            rows, picture = self.table, Picture(figsize=(5.2, 4.6))
            named = rows.layer.isin({name for f in self.findings for name in f.where})
            above, below = picture.subplots(2, sharex=True)
            place = range(1, len(rows) + 1)
            for axes, column, expected, colour in (
                (above, "outputs", "theory", COLOURS["forward"]),
                (below, "gradient", "gradient_theory", COLOURS["backward"]),
            ):
                axes.plot(place, rows[expected], color=COLOURS["theory"], ls="--", label="theory")
                axes.plot(place, rows[column], color=colour, marker="o", label="measured")
                at = [(x, y) for x, y, n in zip(place, rows[column], named, strict=True) if n]
                axes.plot(*zip(*at, strict=True), color=COLOURS["standard"], ls="", marker="x",
                          ms=9, label="named by a finding") if at else None  # fmt: skip
                axes.set_yscale("log")
            above.set_ylabel("signal, root mean square")
            below.set(ylabel="gradient, norm", xlabel="use of a weight, in order")
            above.legend()
            return picture

        return draw()


_COLUMNS = [
    *("layer", "kind", "fan_in", "fan_out", "rule", "activation", "inputs", "outputs", "theory"),
    *("alike", "dead", "saturated", "gradient", "gradient_theory"),
]
_PRINTED = [
    *("layer", "fan_in", "rule", "activation", "outputs", "alike", "dead", "saturated", "gradient")
]  # which find room in a line


def diagnose(
    model: nn.Module,
    batch: Any,
    targets: Any = None,
    *,
    loss: Callable[..., Any] | None = None,
) -> Report:
    """Say how a network starts, from one forward and one backward pass over a batch.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
    >>> _ = nn.init.constant_(model[0].weight, 0.1)
    >>> report = diagnose(model, torch.eye(8))
    >>> report.ok, [finding.what for finding in report.findings if finding.kind == "tied"]
    (False, ['16 of 16 units have the weights of another, such as 0 and 1; none should.'])

    Args:
        model: any module whose functions are torch's, in training mode as a rule: a batch
            normalization in evaluation mode does not normalize before it has learned.
        batch: what it is called with, a tensor, a tuple of arguments, or a mapping of them; thirty
            examples or more say most.
        targets, loss: as in `xavier.probe.look`; they are needed to judge the first loss.

    Raises:
        TypeError, ValueError: as in `xavier.probe.look`.
    """
    checks.instance("model", model, nn.Module, "a torch.nn.Module")
    without = [
        name
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
        if nn.parameter.is_lazy(tensor) or tensor.is_meta
    ]
    if without:
        return Report((Finding(
            "no memory", tuple(without),
            f"{len(without)} parameters or buffers are lazy or on meta.",
            {"tensors": len(without)}, "They have no values yet, and nothing can be run.",
            'model.to_empty(device="cpu"); init.initialize_(model)  # lazy: pass a batch instead',
        ),))  # fmt: skip
    if loss is nn.functional.cross_entropy or loss is nn.functional.mse_loss:
        loss = None  # which look knows, and with it each example's own
    seen = probe.look(model, batch, targets, loss)
    about = About(seen, batch, targets)
    found = [finding for check in CHECKS for finding in check(about)]
    return Report(_merged(found), _table([_row(about, use) for use in seen.uses]))


_ONCE = {"tied": "tied", "dead": "dead", "saturated": "share", "mean": "mean"}
"""Kinds that are said once for all layers, and which number says where it is worst."""


def _merged(found: list[Finding]) -> tuple[Finding, ...]:
    """Serious ones first, and what was found in several layers once."""
    kept: dict[Any, list[Finding]] = {}
    for finding in sorted(found, key=lambda finding: not finding.serious):
        once = finding.kind in _ONCE
        kept.setdefault((finding.kind, finding.serious) if once else id(finding), []).append(
            finding
        )
    merged = []
    for alike in kept.values():
        worst = max(alike, key=lambda f: abs(f.evidence.get(_ONCE.get(f.kind, ""), 0.0)))
        where = tuple(dict.fromkeys(name for finding in alike for name in finding.where))
        several = f"{len(where)} layers" if len(where) > 1 else f"{len(alike)} times"
        prefix = f"The worst of {several}: " if len({f.what for f in alike}) > 1 else ""
        merged.append(replace(worst, where=where, what=prefix + worst.what))
    return tuple(merged)


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(about: About, use: Use) -> dict[str, Any]:
    n_in, n_out = use.fans or (math.nan, math.nan)
    bias = mean_square(use.bias) if use.bias is not None else 0.0
    return {
        "layer": use.name, "kind": use.kind, "fan_in": n_in, "fan_out": n_out,
        "rule": about.law(use), "activation": use.activation,
        "inputs": _root(use.inputs), "outputs": _root(use.outputs),
        "theory": _root(about.gain_squared(use) * use.inputs + bias), "alike": round(use.alike, 4),
        "dead": use.dead, "saturated": use.saturated, "gradient": use.gradient,
        "gradient_theory": _root(_gradient_squared(about, use)),
    }  # fmt: skip


def _gradient_squared(about: About, use: Use) -> float:
    """Of what a layer's outputs get back, the expected square: through weights, then the unit.

    A matrix gives back n_in Var[W] times the squared length of what it gets, and the unit below
    the mean of its squared slope, at the variance that its inputs have.
    """
    above = [u for u in about.seen.uses if u.below is not None and about.seen.uses[u.below] is use]
    if not above or use.normed or (use.activation and use.curve is None):
        return math.nan
    try:
        slope = theory.gradient_map(use.curve or "identity", use.outputs)
    except ValueError:  # sums that are no numbers
        return math.nan
    return slope * sum(about.gain_squared(u) * u.gradient**2 for u in above)


def _root(square: float) -> float:
    return math.sqrt(square) if square >= 0 else math.nan
