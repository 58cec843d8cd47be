"""What can be wrong with a start: checks from what a pass has shown to findings in words.

`xavier.diagnose` runs them. What is serious and what is chance is said in `xavier.evidence`; shares
and means of samples are granted four standard errors, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xavier import hooks, laws, theory
from xavier.evidence import ERRORS, REMARK, SERIOUS, About, graded, pace
from xavier.findings import Finding
from xavier.uses import Use, mean_square, similarity

_BYTES = torch.uint8  # images as they are read from files


def _finite(about: About) -> Iterator[Finding]:
    """The first place where a number is none."""
    given = [t for t in hooks.tensors(about.batch) if t.is_floating_point()]
    for use in about.seen.uses:
        for what, number, known in (
            ("comes into", use.inputs, use.reads), ("comes out of", use.outputs, use.makes)
        ):  # fmt: skip
            if known and not math.isfinite(number):
                batch, into = any(map(_holes, given)), what == "comes into"
                yield Finding(
                    "not finite", (use.name,),
                    f"What {what} this layer has values that are infinite or no numbers.",
                    {"mean square": number},
                    "They are so in the batch." if batch else "Before it, all were finite.",
                    "batch = torch.nan_to_num(batch)" if batch else about.remedy if not into else
                    "# look for roots, logarithms, divisions and masks in front of this layer",
                )  # fmt: skip
                return
    loss, targets = about.seen.loss, about.targets
    outputs = [t for t in hooks.tensors(about.seen.output) if t.is_floating_point()]
    if not (any(map(_holes, outputs)) if loss is None else not math.isfinite(loss)):
        if broken := about.seen.broken:
            yield Finding(
                "not finite", broken, f"The gradients of {len(broken)} weights and biases have "
                "values that are infinite or no numbers.", {"parameters": len(broken)},
                "On the way up all was finite: something has an infinite slope, as a root has at "
                "0, and a mask behind it multiplies that by 0.",
                "# add 1e-12 under roots and norms, and mask what comes into them",
            )  # fmt: skip
        return
    numbers = isinstance(targets, Tensor) and targets.is_floating_point()
    where, fix = "loss", "# look at what the loss divides by, and takes roots and logarithms of"
    if numbers and not bool(targets.isfinite().all()):
        where, fix = "targets", "targets = torch.nan_to_num(targets)"
    elif any(map(_holes, outputs)):
        where, fix = "output", "# look at what the model does behind its last weights"
    yield Finding(
        "not finite", (), f"The {where} is infinite or no number." if where == "loss" else
        f"The {where} {'have' if where == 'targets' else 'has'} values that are infinite or no "
        "numbers.", {"loss": math.nan if loss is None else loss},
        "What comes out of all layers is finite.", fix,
    )  # fmt: skip


def _holes(x: Tensor) -> bool:
    """Whether it has values that are no numbers, or infinite but for a mask's."""
    return bool((x.isnan() | (x == math.inf)).any())


def _inputs(about: About) -> Iterator[Finding]:
    """Level, spread and dominance of the inputs; a cosine of 1/2 and the half are conventions."""
    given = (t for t in hooks.tensors(about.batch) if t.is_floating_point() or t.dtype is _BYTES)
    x = next(given, None)
    if x is None or x.dim() < 2 or len(x) < 2 or not about.uses:
        return
    read = x.dtype is _BYTES
    x = x.detach().double()
    square, alike = mean_square(x), similarity(x)
    first = about.uses[0]
    if math.isfinite(first.inputs) and not math.isclose(first.inputs, square, rel_tol=0.1):
        return  # the model makes something of its inputs before it weighs them
    line = "batch = (batch - batch.mean(0)) / batch.std(0).clamp(min=1e-6)"
    if read:
        line = f"batch = batch.float(); {line}"
    if not isinstance(about.batch, Tensor):
        line = "# subtract the mean of each input and divide by its standard deviation"
    normed = first.normed
    # Small ones slow the first layer; of counts and of one of many, most of which are 0, they are
    # the rule. Where they are serious is a convention.
    sparse = float((x == 0).double().mean()) > 0.5
    if math.isfinite(square) and not (0.1 <= square <= 10 or (sparse and square < 0.1)):
        yield Finding(
            "inputs", (), f"The inputs have the mean square {square:.3g}, and should have 1.",
            {"mean square": square},
            "The first sums are as much too large or too small"
            + (", but a normalization follows." if normed else
               ", and with them the gradients of the first weights."),
            line, not normed and not 1e-3 <= square <= 10,
        )  # fmt: skip
    channels = 1 if x.dim() > 3 or first.kind.startswith("conv") else x.dim() - 1
    axes = [d for d in range(x.dim()) if d != channels]
    spread = x.var(axes, correction=0)
    if len(spread) >= 10 and (share := float(spread.max() / spread.sum())) > 0.5:
        yield Finding(
            "inputs", (), f"Input {int(spread.argmax())} has {share:.0%} of the variance of all "
            f"{len(spread)}; each should have {1 / len(spread):.0%}.", {"share": share},
            "All units see little else than this one.", line,
        )  # fmt: skip
    if alike > 0.5:
        yield Finding(
            "inputs", (), f"Two inputs have a mean cosine of {alike:.2f}; centred ones have 0.",
            {"cosine": alike},
            "What they share moves the weights of every unit along one direction.", line, False,
        )  # fmt: skip


def _signal(about: About) -> Iterator[Finding]:
    """Signals that fade or grow with depth, by the trend of the mean square, or at one layer."""
    uses = [u for u in about.hidden if math.isfinite(u.outputs) and u.outputs > 0]
    if not (change := about.change(uses, lambda use: use.outputs)):
        return
    uses, step, whole, serious = change
    unit, curve = about.most(lambda use: (about.follows(use), use.curve))
    law, needed = about.most(about.law), laws.needed(curve)
    has = np.median([about.gain_squared(u) for u in uses])
    if at := _jump([u.outputs for u in uses]):
        k, there, rest = at
        yield Finding(
            "signal", (uses[k].name,),
            f"The signal {'drops' if there < 1 else 'jumps'} at this layer: its variance by "
            f"{there:.2g}, and by {rest:.2g} over the other {len(uses) - 1}.",
            {"per layer": there, "change": there * rest},
            f"Its n_in Var[W] is {about.gain_squared(uses[k]):.3g}, and that of most layers "
            f"{has:.3g} (law: {law}).", about.remedy, serious,
        )  # fmt: skip
        return
    known = curve is not None or unit == "no unit"
    yield Finding(
        "signal", tuple(u.name for u in uses),
        f"The signal {'fades' if step < 1 else 'grows'}: its variance by {step:.3g} a layer, "
        f"{whole:.2g} over {len(uses)} layers; it should stay.",
        {"per layer": step, "change": whole, "gain squared": float(has)},
        f"n_in Var[W] is {has:.3g} (law: {law})"
        + (f", and {unit} keeps a signal with {needed:.3g}. " if known else ". ")
        + f"At this pace a hundredfold is reached within "
        f"{math.ceil(abs(math.log(100) / math.log(step)))} layers.", about.remedy, serious,
    )  # fmt: skip


def _jump(squares: Sequence[float]) -> tuple[int, float, float] | None:
    """Where one layer changes more than all others: its place, its factor, and that of the rest.

    >>> place, there, rest = _jump([1.0, 1.0, 100.0, 101.0])
    >>> place, round(there, 6), round(rest, 6)
    (2, 100.0, 1.01)
    """
    steps = np.diff(np.log(squares))
    k = int(np.abs(steps).argmax())
    rest = float(steps.sum() - steps[k])
    if len(steps) < 3 or abs(steps[k]) <= 3 * abs(rest):
        return None
    return k + 1, math.exp(steps[k]), math.exp(rest)


def _gradient(about: About) -> Iterator[Finding]:
    """The same on the way back, by the norm over a layer, which n_in Var[W] and slopes change."""
    uses = [u for u in about.hidden if math.isfinite(u.gradient) and u.gradient > 0]
    if not (change := about.change(uses, lambda use: use.gradient**2, back=True)):
        return
    uses, step, whole, serious = change
    yield Finding(
        "gradient", (uses[-1].name, uses[0].name),
        f"The gradient {'fades' if step < 1 else 'grows'} on its way back: its square by "
        f"{step:.3g} a layer, {whole:.2g} over {len(uses)} layers; it should stay.",
        {"per layer": step, "change": whole},
        "Weights next to the input have gradients smaller by its root, unless the signal fades as "
        "fast towards the output: then all have small ones." if step < 1 else
        "A rate that suits the layers next to the output may be too large next to the input.",
        about.remedy, serious,
    )  # fmt: skip


def _alike(about: About) -> Iterator[Finding]:
    """Inputs that differ, and whose signals differ by less than a hundredth of their variance."""
    uses = [u for u in about.hidden if math.isfinite(u.alike)]
    if not uses or not uses[0].entering < 0.9 or not uses[-1].alike > 0.99:
        return
    yield Finding(
        "alike", (uses[-1].name,),
        f"For two inputs the signals of this layer have a cosine of {uses[-1].alike:.4f}, and the "
        f"inputs one of {uses[0].entering:.2f}.",
        {"cosine": uses[-1].alike, "of inputs": uses[0].entering},
        "What tells the inputs apart is less than a hundredth of the variance; the rest is the "
        "same for all of them, from biases or from units with a mean.", about.remedy,
    )  # fmt: skip


def _tied(about: About) -> Iterator[Finding]:
    """Units with the same weights, and layers that hold one draw."""
    for use in {u.parameter: u for u in about.hidden}.values():
        weight, gradient = use.matrices
        odd = use.activation in (None, "tanh", "softsign")
        twins = _twins(weight, odd)
        if weight.shape[1] > 1 and len(twins) > 1:
            first, row = int(twins[0]), weight[twins[0]]
            equal = (weight == row).all(1) | (odd & (weight == -row).all(1))
            second = next(int(i) for i in equal.nonzero()[:, 0] if i != first)
            same = gradient is not None and bool(torch.isclose(
                gradient[first].abs(), gradient[second].abs(), rtol=1e-3, atol=0
            ).all())  # fmt: skip
            yield Finding(
                "tied", (use.name,), f"{len(twins)} of {len(weight)} units have the weights of "
                f"another, such as {first} and {second}; none should.",
                {"units": len(weight), "tied": len(twins)},
                "Their gradients are equal too: they stay one unit for ever." if same else
                "They see the same; only what is above can part them.", about.remedy,
            )  # fmt: skip
    shapes: dict[tuple[Any, ...], list[Use]] = {}
    for use in {u.parameter: u for u in about.uses}.values():
        if use.weight.numel() >= 16 and int((use.weight != 0).sum()) > len(use.weight):
            key = (tuple(use.weight.shape), float(use.weight.abs().double().sum()))
            shapes.setdefault(key, []).append(use)
    groups = [
        copies for like in shapes.values()
        if len(copies := [u for u in like if torch.equal(u.weight, like[0].weight)]) > 1
        # A copy that does not learn is one on purpose.
        and len({u.weight_gradient is None for u in copies}) == 1
    ]  # fmt: skip
    for beside in (True, False):
        chosen = [g for g in groups if any(u.source == g[0].source for u in g[1:]) == beside]
        if chosen:
            yield Finding(
                "copied", tuple(u.name for group in chosen for u in group),
                " ".join(f"{len(g)} layers hold the numbers of {g[0].name}." for g in chosen[:4]),
                {"layers": sum(map(len, chosen)), "different": len(chosen)},
                "They have the same inputs, so that only what is above can part them." if beside
                else "A generator was set back, or a layer copied; theory has them independent.",
                about.remedy, beside,
            )  # fmt: skip


def _twins(weight: Tensor, odd: bool) -> Tensor:
    """Which rows have an equal one, up to sign if that is wanted; rows of zeros aside."""
    rows = (torch.view_as_real(weight).flatten(1) if weight.is_complex() else weight).double().cpu()
    index = torch.arange(1, rows.shape[1] + 1, dtype=torch.float64)
    key = rows @ torch.cos(index * index)  # by chance no two are equal
    key = key.abs() if odd else key
    order = key.argsort()
    a, b = order[:-1], order[1:]
    near = (key[a] - key[b]).abs() <= 1e-9 * rows.norm(dim=1)[a]
    a, b = a[near], b[near]
    equal = (rows[a] == rows[b]).all(1) | (odd & (rows[a] == -rows[b]).all(1))
    equal &= rows[a].any(1)
    twins: Tensor = torch.cat([a[equal], b[equal]]).unique()
    return twins


def _stuck(about: About) -> Iterator[Finding]:
    """Zeros that hold each other: neither will ever change the other."""
    if held := about.seen.held:
        matrices = {use.full: use.drawn for use in about.seen.uses}
        bare = [name for name in held if name in matrices]
        ends = (bare or held)[0].rpartition(".")[2]
        some = [name for name in bare or held if name.rpartition(".")[2] == ends]
        change = "normal_(0, 0.02)" if bare else "fill_(1)"
        yield Finding(
            "stuck", tuple(name.removesuffix(".weight") for name in held),
            f"{len(held)} weights are zero and get gradients of zero, also when all others have "
            "moved.", {"weights": len(held)},
            "The gradient of a weight is the signal below times the gradient above; one of the two "
            "is zero, and through weights of zero nothing goes back to change it.",
            about.remedy if any(matrices.get(name) for name in held) else
            f"[model.get_parameter(n).data.{change} for n in {some}]",
        )  # fmt: skip
    elif silent := about.seen.silent:
        yield Finding(
            "cut off", silent, f"{len(silent)} weights get gradients of zero, also when all others "
            "have moved.", {"number": len(silent)},
            "What they change does not change the loss: a softmax over one number, a rounding, a "
            "normalization over one value, or units that are dead or saturated lie between.",
            "# look for these behind them", about.silence,
        )  # fmt: skip


def _units(about: About) -> Iterator[Finding]:
    """Rectifiers that are off for every input, and units in the flat part of their curve."""
    for use in about.uses:
        if use.dead >= 0.05:
            # Biases as torch draws them, of variance 1/(3 n_in) at most, push all examples alike.
            sums, n_in = about.gain_squared(use) * use.inputs, (use.fans or (math.nan,))[0]
            pushed = 0.0
            if use.bias is not None and use.bias.numel() > 1 and not use.normed and sums > 0:
                pushed = min(float(use.bias.double().var()), 1 / (3 * n_in))
            alike = (use.before * sums + pushed) / (sums + pushed) if pushed else use.before
            chance = chance_of_dead(alike, about.seen.examples)
            limit = chance + ERRORS * math.sqrt(chance * (1 - chance) / use.units) + 1 / use.units
            if use.dead > limit:
                yield Finding(
                    "dead", (use.name,), f"{use.dead:.0%} of the {use.units} rectifiers are zero "
                    f"for every input; by chance it would be {chance:.0%}.",
                    {"dead": use.dead, "chance": chance},
                    "Nothing comes through them and no gradient back, for any input of the batch.",
                    "[m.reset_parameters() for m in model.modules() if 'Norm' in type(m).__name__]"
                    if use.normed else about.remedy,
                )  # fmt: skip
        gates = use.activation == "gates" and use.kind.startswith(("lstm", "gru"))
        sums = about.gain_squared(use) * use.inputs if gates and use.reads else 0.0
        if 0 < sums < math.inf and (share := theory.saturated_share("sigmoid", sums)) > 0.25:
            yield Finding(
                "saturated", (use.name,), f"At its first step {share:.0%} of the gates are "
                f"saturated by theory, whose sums have a variance of {sums:.3g}.", {"share": share},
                "Gates that are open or shut for every input let few gradients through; a sigmoid "
                "has a quarter of its outputs where it is flat at a variance of 14.", about.remedy,
            )  # fmt: skip
        if use.saturated > 0.25:
            usual = theory.saturated_share(use.activation or "tanh", 1.0)
            yield Finding(
                "saturated", (use.name,), f"{use.saturated:.0%} of the outputs are saturated, "
                "where the slope is below a twentieth of its largest; at a variance of 1 "
                f"{use.activation} has {usual:.1%}.",
                {"share": use.saturated}, "Gradients come through the others only.", about.remedy,
            )  # fmt: skip


def _softmaxes(about: About) -> Iterator[Finding]:
    """Those in which one entry has nearly all, in more than a quarter of the rows."""
    for softmax in about.seen.softmaxes:
        if softmax.saturated > 0.25:
            yield Finding(
                "saturated", (softmax.name,), f"{softmax.saturated:.0%} of the rows of this "
                f"softmax over {softmax.entries} are saturated: one entry has nearly all, and the "
                "slopes are below a twentieth of their largest.", {"share": softmax.saturated},
                "What comes into it is too large. A product of a query and a key of length d has d "
                "terms, and d times the variance of one.",
                "# make it smaller, as attention does that divides by the root of d",
            )  # fmt: skip


def chance_of_dead(similarity: float, examples: int) -> float:
    """Probability that a centred normal sum is below 0 for all examples of this similarity.

    >>> round(chance_of_dead(0.0, 3), 4), round(chance_of_dead(0.5, 2), 4)  # 1/8, and 1/3
    (0.125, 0.3333)
    """
    from scipy.special import ndtr

    c = min(max(similarity, 0.0), 1 - 1e-9) if similarity == similarity else 1 - 1e-9
    t = np.linspace(-9, 9, 20_001)
    density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(density * ndtr(t * math.sqrt(c / (1 - c))) ** examples, t))


def _drawn(about: About) -> Iterator[Finding]:
    """Laws that are mistakes, or for another unit; weights whose mean is not zero."""
    by_law: dict[tuple[str, str, Any], list[Use]] = {}
    for use in about.hidden:
        # An orthogonal matrix is drawn for its singular values, at a gain that is meant.
        if not use.normed and about.laws[id(use)] and about.law(use) != "orthogonal":
            by_law.setdefault((about.law(use), about.follows(use), use.curve), []).append(use)
    for (name, unit, curve), uses in by_law.items():
        law, known = about.laws[id(uses[0])], curve is not None or unit == "no unit"
        ratios = {id(u): math.log(about.gain_squared(u) / laws.needed(curve)) for u in uses}
        # What gives the variance that the unit needs is none, whatever else gives it.
        mistake = law.mistake if law and max(map(abs, ratios.values())) > 0.05 else ""
        path = about.path(uses)
        whole = sum(ratios[id(u)] for u in path)
        linked = sum(ratios[id(u)] for u in path if u.below is not None)
        settles = unit in ("sigmoid", "hardsigmoid")
        matters = curve is not None and not settles and abs(linked) > REMARK
        if mistake or matters:
            ratio = math.exp(float(np.mean(list(ratios.values()))))
            text = f": {mistake}" if mistake else ""
            row = f", and {len(path)} in a row by {math.exp(whole):.2g}" if len(path) > 1 else ""
            yield Finding(
                "law", tuple(u.name for u in uses),
                f"Weights by {name} in front of {unit or 'what is not known here'}{text}.",
                {"gain squared over what is needed": ratio, "layers": len(uses)},
                f"Such a layer multiplies a variance by {ratio:.3g} where 1 would keep it{row}."
                if known and not settles else "Such a mistake gives this variance. "
                "As what follows is not known here, it may be meant.",
                about.remedy, bool(mistake) and known and abs(linked) > SERIOUS,
            )  # fmt: skip
    for use in about.hidden:
        draw, (n_in, n_out) = about.draws[id(use)], use.fans or (1.0, 1.0)
        spread = draw.square - abs(draw.mean) ** 2
        # The mean alone is a matrix with one singular value, mean (n_in n_out)^1/2; it stands out
        # of the others where it is beyond their largest, std (n_in^1/2 + n_out^1/2).
        edge = max(math.sqrt(n_in) + math.sqrt(n_out), 5.0 * math.sqrt(n_in * n_out / draw.number))
        size = abs(draw.mean) * math.sqrt(n_in * n_out)
        if spread > 0 and size > edge * math.sqrt(spread):
            yield Finding(
                "mean", (use.name,), f"The weights have the mean {draw.mean:.3g} at a std of "
                f"{math.sqrt(spread):.3g}; it should be 0.",
                {"mean": draw.mean, "std": math.sqrt(spread)},
                "All units share a multiple of the sum of their inputs, which the matrix stretches "
                "more than anything else.", about.remedy,
            )  # fmt: skip


def _biases(about: About) -> Iterator[Finding]:
    """Biases that are more than the signal: the same for all inputs."""
    biased = [u for u in about.hidden if u.bias is not None and u.bias.dim() == 1 and not u.normed]
    # A gate's bias says how open it is; and of what is not known here, what it does is not.
    gates = ("sigmoid", "hardsigmoid")
    uses = [u for u in biased if u.activation not in gates and u.curve is not None]
    others = sorted({u.name for u in biased} - {u.name for u in uses})
    squares = {id(u): mean_square(u.bias) for u in uses if u.bias is not None}
    large = [
        u for u in uses
        if squares[id(u)] > 4 * about.gain_squared(u) * u.inputs > 0
    ]  # fmt: skip
    if large:
        ratio = squares[id(large[0])] / (about.gain_squared(large[0]) * large[0].inputs)
        # As large as torch draws them, they are more than the signal where that is small.
        drawn = all(squares[id(u)] < 1.5 / (3 * u.fans[0]) for u in large if u.fans)
        yield Finding(
            "bias", tuple(u.name for u in large), f"The biases have {ratio:.3g} times the mean "
            "square of what the weights make of the inputs.", {"ratio": ratio},
            "A bias is the same for every input, and so is what a unit says then.",
            "[p.data.zero_() for n, p in model.named_parameters() if n.endswith('bias')"
            + (f" and n.removesuffix('bias').strip('.') not in {others}]" if others else "]"),
            not drawn,
        )  # fmt: skip


def _loss(about: About) -> Iterator[Finding]:
    """The first loss, against that of an answer that knows nothing."""
    each, targets = about.seen.losses, about.targets
    loss, use = about.seen.loss, about.seen.last
    if each is None or loss is None or len(each) < 2 or not bool(each.isfinite().all()):
        return
    chance = ERRORS / math.sqrt(len(each))  # in deviations of one example
    last = (use.name,) if use else ()
    smaller = f"model.get_parameter({use.full!r}).data.mul_(0.1)" if use and use.full else (
        "# make the outputs smaller, where the last weights are drawn")  # fmt: skip
    if targets.is_floating_point():
        best = float(targets.double().var(0, correction=0).mean())
        standard = 0.1 <= best <= 10 and float(targets.double().mean(0).square().mean()) <= best
        # Outputs with the targets' own variance cost twice that of their mean; beyond is no law's.
        if loss > (3 + 2 * math.sqrt(2) * chance) * best > 0:
            yield Finding(
                "loss", last, f"The first loss is {loss:.3g}, and that of the mean "
                f"target {best:.3g}.", {"loss": loss, "best": best},
                "The first updates go into the level and the scale of the outputs.",
                smaller if standard else
                "targets = (targets - targets.mean(0)) / targets.std(0).clamp(min=1e-6)",
            )  # fmt: skip
        return
    output = next(t for t in hooks.tensors(about.seen.output) if t.is_floating_point())
    best = math.log(output.shape[_classes(output, targets)])
    # Logits of variance s^2 cost s^2/2 more than equal ones, with a deviation of about s. By He's
    # law, the largest, s^2 is 2 for inputs of variance 1; three times that is serious.
    excess = loss - best - math.sqrt(2) * chance
    if excess > 1:
        yield Finding(
            "loss", last, f"The first loss is {loss:.3g}, and equal probabilities "
            f"would cost {best:.3g}.", {"loss": loss, "best": best},
            "The network is sure of answers that it has not learned, and first unlearns them.",
            smaller, excess > 3,
        )  # fmt: skip


def _probabilities(about: About) -> Iterator[Finding]:
    """Outputs that are probabilities, where the loss takes the softmax of what it gets."""
    targets, use = about.targets, about.seen.last
    output = next((t for t in hooks.tensors(about.seen.output) if t.is_floating_point()), None)
    if not about.seen.logits or output is None or output.dim() < 2:
        return
    axis, output = _classes(output, targets), output.detach()
    ones = (output.sum(axis) - 1).abs() < 1e-3
    if output.shape[axis] > 1 and bool((output >= 0).all() & ones.all()):
        # From values between 0 and 1 the right class can get no more than e/(e + K - 1).
        least = math.log(math.e + output.shape[axis] - 1) - 1
        yield Finding(
            "loss", (use.name,) if use else (), "The outputs are probabilities, and cross-entropy "
            f"takes the softmax of what it gets: of {output.shape[axis]} classes none costs less "
            f"than {least:.3g} then, be it certain and right.", {"least": least},
            "It wants logits. What makes probabilities of them has its slopes in all gradients.",
            "# give the loss what the probabilities are made of",
        )  # fmt: skip


def _classes(output: Tensor, targets: Any) -> int:
    """The dimension of the classes, as `xavier.probe.look` and cross-entropy have it."""
    whole = isinstance(targets, Tensor) and not targets.is_floating_point()
    return -1 if whole and targets.shape == output.shape[:-1] else 1


def _reached(about: About) -> Iterator[Finding]:
    """Parameters that the passes did not reach, or not as one expects, and what was not judged."""
    seen, keep = about.seen, "model.requires_grad_(True)"
    if not seen.uses:
        hidden = bool(seen.unseen) or not seen.reached
        yield Finding(
            "nothing seen", (), "No use of a matrix was seen.", {}, "There is nothing to judge."
            if hidden else "Embeddings and normalizations alone have no law to be drawn by.",
            "# the layers are quantized, or hidden in code that torch cannot look into" if hidden
            else "# nothing is to be done", hidden,
        )  # fmt: skip
    if seen.foreign:
        yield Finding(
            "foreign", (), f"{seen.foreign} parameters are used that are none of the model's.",
            {"number": seen.foreign},
            "model.parameters() does not have them, and no optimizer of these will change them.",
            "# keep layers in a torch.nn.ModuleList and tensors in a torch.nn.Parameter, not in "
            "lists and dicts",
        )  # fmt: skip
    if about.seen.examples == 1:
        yield Finding(
            "one example", (), "The batch has one example.", {"examples": 1},
            "Whether inputs are told apart and units are dead takes several to see.",
            "# give 30 examples or more", False,
        )  # fmt: skip
    for kind, names, what, why, fix, serious in (
        ("never ran", seen.unused, "were not used", "They will not learn from such a batch.",
         "[n for n, _ in model.named_modules()]  # is each called in forward?", True),
        ("cut off", seen.cut_off, "were used and got no gradient",
         "Something between them and the loss detaches, or the loss asks nothing of them.",
         "# look for detach(), no_grad, argmax or .item() after them", True),
        ("unseen", seen.unseen, "got a gradient, and what used them was not seen",
         "They are used by code that hides what it calls; this report says nothing of them.",
         "# judge these by hand", False),
        ("frozen", seen.frozen, "ask for no gradient", "They stay as they are.", keep,
         not seen.asked),
        ("averages", tuple(dict.fromkeys(seen.stored)), "used stored averages",
         "A batch normalization in evaluation mode does not normalize before it has learned.",
         "model.train()", False),
    ):  # fmt: skip
        if names:
            said = f"{len(names)} {what}."
            yield Finding(kind, names, said, {"number": len(names)}, why, fix, serious)


def _branches(about: About) -> Iterator[Finding]:
    """Residual sums whose variance adds up, or doubles, along a chain of them."""
    for chain in about.chains:
        growth = math.log(chain[-1].total / chain[0].total)
        if (serious := graded(growth)) is None:
            continue
        step, doubles = pace(chain)
        ends = _one_name([s.last for s in chain if s.last])
        yield Finding(
            "branches", tuple(s.name for s in chain),
            f"The variance of the residual stream grows from {chain[0].total:.2g} behind the first "
            f"of {len(chain)} sums to {chain[-1].total:.2g} behind the last"
            + (f", by {step:.2f} at each in the upper half." if doubles else ", and adds up."),
            {"growth": math.exp(growth), "sums": len(chain)},
            ("Each branch is a fixed share of the stream. " if doubles else
             "The last branches are a small part of the sum. ")
            + f"Branches that end on weights smaller by 1/({len(chain)})^1/2 (as GPT-2's do), or "
            "on zeros, keep it.",
            f"import re; [p.data.mul_({len(chain) ** -0.5:.2g}) for n, p in "
            f"model.named_parameters() if re.fullmatch({ends!r}, n)]" if ends else
            f"# multiply each branch by {len(chain) ** -0.5:.2g} where it is added", serious,
        )  # fmt: skip


def _one_name(names: Sequence[str]) -> str:
    """A pattern for names that differ in numbers; the numbers in which all are one stay.

    >>> print(_one_name(["blocks.0.fc2.weight", "blocks.1.fc2.weight"]).replace(chr(92), "/"))
    blocks/./d+/.fc2/.weight
    """
    groups: dict[str, list[list[str]]] = {}
    for name in names:
        groups.setdefault(re.sub(r"\d+", "*", name), []).append(re.split(r"(\d+)", name))
    return "|".join(
        "".join(
            re.escape(parts[0]) if len(set(parts)) == 1 else r"\d+"
            for parts in zip(*of, strict=True)
        )
        for of in groups.values()
    )


def _hidden_scale(about: About) -> Iterator[Finding]:
    """Weights whose scale a normalization takes away, and what it still does."""
    sizes = {id(u): about.gain_squared(u) for u in about.uses if u.normed}
    off = [u for u in about.uses if sizes.get(id(u), 0.0) > 0
           and abs(math.log(sizes[id(u)])) > REMARK + about.noise([u])]  # fmt: skip
    if off:
        worst = max(off, key=lambda u: abs(math.log(sizes[id(u)])))
        size = sizes[id(worst)]
        yield Finding(
            "hidden scale", tuple(u.name for u in off),
            f"A normalization hides weights with n_in Var[W] = {size:.2g} in {len(off)} layers.",
            {"gain squared": size},
            f"The signal does not show it, but a step turns these weights {1 / size:.2g} times as "
            "far as those of variance 1/n_in: the rate counts by the square of their length.",
            about.remedy, abs(math.log(size)) > SERIOUS,
        )  # fmt: skip


CHECKS: tuple[Callable[[About], Iterable[Finding]], ...] = (
    _finite, _inputs, _signal, _gradient, _alike, _tied, _stuck, _units, _softmaxes, _drawn,
    _biases, _loss, _probabilities, _reached, _branches, _hidden_scale,
)  # fmt: skip
"""All checks, in the order in which their findings are printed, serious ones first.

:meta hide-value:"""
