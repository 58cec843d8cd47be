"""One forward and one backward pass through any model, and what each use of its weights did.

`xavier.monitor.watch` describes modules and activations over many steps; this follows one pass
through every function of torch, so that a residual sum, or a matrix that is no layer, counts as
well. `look` leaves the model as it was: parameters, their gradients, buffers such as running
averages, hooks, modes and the states of torch's random number generators. `xavier.diagnose` says
what the numbers mean.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from xavier import checks
from xavier.activations import Named, get
from xavier.hooks import After, Follower, call, tensors, unchanged, unit_called
from xavier.threads import few_threads
from xavier.uses import Use, Weights, curve, mean_square, root, shared, similarity

_RECTIFIERS = {"relu", "relu6"}
_NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"}
_SUMS = {"add", "iadd", "radd", "sub", "isub", "rsub"}  # a sign changes no square
_RESCALED = {*_SUMS, "mul", "imul", "rmul", "div", "idiv", "truediv"}
_PASS_ON = {  # what leaves the size of a signal's values nearly as it is
    *("view", "reshape", "flatten", "unflatten", "permute", "transpose", "squeeze", "unsqueeze"),
    *("contiguous", "clone", "to", "float", "double", "half", "bfloat16", "type_as"),
    *("dropout", "alpha_dropout", "dropout2d", "get"),  # the last of x.mT and its like
    *("getitem", "max_pool1d", "max_pool2d", "max_pool3d", "chunk", "split", "unbind", "movedim"),
}  # fmt: skip
_POWERS = {"mul": 2, "imul": 2, "square": 1, "pow": 1}  # and of how many tensors
_MASKED = -1e4  # scores that are no larger are a mask's


@dataclass(frozen=True)
class Sum:
    """A residual sum: two signals of one shape are added.

    Attributes:
        name: of the module that adds.
        last: of the parameter that the branch ends on.
        stream, branch, total: mean squares of the two and of the sum.
        before: the place of the sum from which the stream came, or None.
    """

    name: str
    last: str
    stream: float
    branch: float
    total: float
    before: int | None


@dataclass(frozen=True)
class Softmax:
    """A softmax of numbers that depend on the batch.

    Attributes:
        name: of the module that takes it.
        entries: over how many it goes.
        saturated: the share of rows, of those with two entries or more that no mask hides, in which
            the largest entry's slope p(1 - p) is below a twentieth of the largest it can be. A mask
            may be a number as small as -20: then the entries that it hides are alike, and far off.
    """

    name: str
    entries: int
    saturated: float


@dataclass
class Seen:
    """What a pass has shown.

    Attributes:
        uses, sums, softmaxes: in the order of execution.
        output: what the model returned.
        last: the use that the first output with numbers came from, if it did from one.
        loss, losses: the loss, None if there is none, and that of each example where it is known.
        logits: whether the loss is known to take the softmax of the outputs.
        unused: parameters that nothing used; ``unseen`` those that got a gradient all the same,
            ``cut_off`` those that were used and got none, ``frozen`` those that ask for none,
            ``held`` those of zeros whose gradients are zeros, also when all others have moved,
            ``silent`` others of which that is so, ``broken`` those whose gradients are no numbers.
        asked, reached: how many parameters ask for a gradient, and how many of them got one.
        foreign: how many parameters were used that are none of the model's.
        stored: batch normalizations that used stored averages.
        examples: how many.
    """

    uses: list[Use] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    softmaxes: list[Softmax] = field(default_factory=list)
    output: Any = None
    last: Use | None = None
    loss: float | None = None
    losses: Tensor | None = None
    logits: bool = False
    unused: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    cut_off: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    asked: int = 0
    reached: int = 0
    foreign: int = 0
    stored: list[str] = field(default_factory=list)
    examples: int = 0


@dataclass(frozen=True)
class _Origin:
    """Where a tensor comes from: the place of a use or of a sum, and what it went through.

    The use is None where more than what the fields tell lies between; ``latest`` is its place all
    the same. ``unread`` are the places of uses whose outputs are in it, as far as none has read it.
    """

    use: int | None = None
    latest: int = -1
    unread: frozenset[int] = frozenset()
    activated: bool = False
    normed: bool = False
    centred: bool = False
    sum: int | None = None
    last: str = ""


class _Looking(Follower):
    """Sees every function of torch that is called on what comes from the batch."""

    def __init__(self, model: nn.Module, seen: Seen) -> None:
        super().__init__(model)
        self.seen = seen
        self.used: set[int] = set()
        self.weights = Weights(self.module)
        self.foreign: dict[int, Tensor] = {}  # parameters that are none of the model's
        self.origins: Any = WeakTensorKeyDictionary()  # tensors that depend on the batch
        self.pasts: Any = WeakTensorKeyDictionary()  # bits of the uses that they depend on

    @property
    def here(self) -> str:
        """The module that is being executed."""
        return self.running[-1][0] if self.running else ""

    def calling(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After:
        """What to note when the function has returned."""
        given = list(tensors((args, kwargs)))
        if not given:
            return None
        note = self._before(function, args, kwargs, given)
        past = functools.reduce(int.__or__, (self.pasts.get(x, 0) for x in given))

        def after(out: Any) -> None:
            nonlocal past
            made = list(tensors(out)) or (given[:1] if function == "setitem" else [])
            if not made or not made[0].dtype.is_floating_point | made[0].dtype.is_complex:
                return
            roots = {id(x): x for x in map(root, given)}
            self.used |= roots.keys()
            self.foreign |= {
                key: x for key, x in roots.items()
                if isinstance(x, nn.Parameter) and x.requires_grad
                and key not in self.weights.names and x not in self.origins
            }  # fmt: skip
            before = len(self.seen.uses)
            with torch.no_grad(), few_threads(0):
                origin = note(made[0])
            for place, use in enumerate(self.seen.uses[before:], start=before):
                use.past = past
                past |= 1 << place
            for tensor in made:
                self.pasts[tensor] = past
            if origin is None and (known := [o for x in given if (o := self.origins.get(x))]):
                origin = _Origin(latest=max(o.latest for o in known), unread=self._unread(known))
            for tensor in made if origin else ():
                self.origins[tensor] = origin

        return after

    def _before(
        self, name: str, args: Any, kwargs: Any, given: list[Tensor]
    ) -> Callable[[Tensor], _Origin | None]:
        """What is to be done when a function has returned; in place, its input is gone then."""
        x = given[0]
        known = [o for t in given if (o := self.origins.get(t))]
        origin: _Origin | None = self.origins.get(x)
        uses = [] if name == "getitem" else list(self.weights.used_by(name, args, kwargs))
        if uses:
            for place in self._unread(known):
                self.seen.uses[place].read = True
            return partial(self._after_use, uses, self.origins.get(uses[0][1]))
        of_one = len(known) == len(given) == _POWERS.get(name)
        if of_one and any(o.activated for o in known):
            return self._product(given, known)
        if name in _RESCALED and len(known) == 1:  # by what does not depend on the batch
            if known[0].activated and known[0].use is not None:
                self.seen.uses[known[0].use].curve = None
            return lambda out: replace(known[0], use=None)
        if origin is None:
            return lambda out: None
        if unit := unit_called(name, args, kwargs):
            before = shared(x) if unit[0] in _RECTIFIERS and origin.sum is not None else math.nan
            found = curve(*unit, given[1] if unit[0] == "prelu" else None)
            return partial(self._after_activation, *unit, found, origin, before)
        if name in _NORMS:
            live = name != "batch_norm" or bool(kwargs.get("training", (*args, *[False] * 9)[5]))
            if not live:
                self.seen.stored.append(self.here)
            if origin.use is not None and origin.sum is None and not origin.activated and live:
                self.seen.uses[origin.use].normed = True
            last = self.here
            centred = live and name in {"batch_norm", "instance_norm"}
            return lambda out: replace(
                origin, normed=origin.normed or live, centred=centred, last=last
            )
        if name in _SUMS and len(known) == len(given) == 2 and x.shape == given[1].shape:
            return self._sum(given, float(kwargs.get("alpha", 1)))
        if name in _PASS_ON:
            return lambda out: origin
        if name in ("softmax", "scaled_dot_product_attention"):
            return partial(self._after_softmax, name, args, kwargs)
        return lambda out: None

    def _after_softmax(self, name: str, args: Any, kwargs: Any, out: Tensor) -> None:
        """Note the share of saturated rows, of some, where a gradient goes back through them."""
        if not out.requires_grad or out.is_nested:
            return
        if name == "softmax":
            given = dict(zip(("input", "dim"), args, strict=False)) | kwargs
            scores, dim = given["input"], given.get("dim")
        else:
            scores, dim = _scores(*args, **kwargs), -1
        if not (isinstance(dim, int) and scores.dim() and scores.numel()):
            return
        rows = scores.detach().movedim(dim, -1).reshape(-1, scores.shape[dim])[:1024].double()
        rows = rows[(rows > _MASKED).sum(-1) > 1]
        if len(rows):
            first, second = rows.topk(2).values.unbind(-1)
            apart = first - second
            least = rows.where(rows > _MASKED, second[:, None]).amin(-1)
            hidden = (apart > 10) & (apart > 2 * (second - least))
            largest = rows[~hidden].softmax(-1).amax(-1)
            flat = get("sigmoid").saturated(largest) & (largest > 0.5)
            share = float(flat.double().mean()) if len(flat) else 0.0
            self.seen.softmaxes.append(Softmax(self.here, scores.shape[dim], share))

    def _after_activation(
        self, name: str, unit: nn.Module, found: Named | None, origin: _Origin, before: float,
        out: Tensor,
    ) -> _Origin:  # fmt: skip
        if origin.use is not None and not origin.activated:
            use = self.seen.uses[origin.use]
            if use.activation is None:
                use.activation, use.curve = name, found
            axis = 1 if use.kind.startswith("conv") and out.dim() > 2 else -1
            rest = [d for d in range(out.dim()) if d != axis % out.dim()]
            if name in _RECTIFIERS and rest:
                use.dead = float((out.amax(rest) <= 0).double().mean())
                use.units = out.shape[axis]
                use.before = use.entering if math.isnan(before) else before
                use.before = 0.0 if origin.centred and math.isnan(before) else use.before
            elif name in ("tanh", "sigmoid", "softsign"):
                use.saturated = float(get(name).saturated(out).double().mean())
        return replace(origin, activated=True)

    def _unread(self, known: Sequence[_Origin]) -> frozenset[int]:
        places = frozenset[int]().union(*(origin.unread for origin in known))
        return frozenset(place for place in places if not self.seen.uses[place].read)

    def _product(
        self, given: Sequence[Tensor], known: Sequence[_Origin]
    ) -> Callable[[Tensor], _Origin | None]:
        """Of an activation with what it is of, or with itself: a unit that is spelt out."""
        first, second = known[0], known[-1]
        if first.use is None or (first.use, first.sum) != (second.use, second.sum):
            return lambda out: None
        use = self.seen.uses[first.use]
        raw, unit = (given[k].detach() for k in ((0, -1) if second.activated else (-1, 0)))
        swish = use.activation == "sigmoid" and torch.equal(raw.sigmoid(), unit)
        use.activation, use.curve = ("silu", "silu") if swish else ("product", None)
        use.saturated = math.nan
        return lambda out: replace(first, activated=True)

    def _sum(self, both: list[Tensor], alpha: float) -> Callable[[Tensor], _Origin]:
        """Of two signals, the second times alpha: the branch is the one that met weights last."""
        sizes = [mean_square(x) * by**2 for x, by in zip(both, (1.0, alpha), strict=True)]
        pair: list[tuple[_Origin, float]] = [
            (self.origins[x], sizes[k]) for k, x in enumerate(both)
        ]
        pair.sort(key=lambda p: p[0].latest)
        (stream, a), (branch, b) = pair
        name = self.here

        def after(out: Tensor) -> _Origin:
            # What a normalization has made of a stream adds to nothing that came before.
            before = None if stream.normed else stream.sum
            self.seen.sums.append(Sum(name, branch.last, a, b, mean_square(out), before))
            unread = self._unread([stream, branch])
            return replace(
                branch, sum=len(self.seen.sums) - 1, last="", normed=False, centred=False,
                unread=unread,
            )  # fmt: skip

        return after

    def _after_use(
        self, uses: list[tuple[Use, Tensor, bool]], origin: _Origin | None, out: Tensor
    ) -> _Origin:
        for use, _, makes in uses:
            use.name = use.name if use.full else self.here
            place = len(self.seen.uses)
            self.seen.uses.append(use)
            if origin and not origin.normed and origin.sum is None:
                use.below = origin.use
            if makes:
                use.makes = out.numel() > 0
                use.outputs, use.alike = mean_square(out), similarity(out)
                if out.requires_grad:
                    out.register_hook(partial(_keep_gradient, use))
            else:
                use.read = True
        return _Origin(
            place, place, frozenset({place}), last=f"{use.name}.weight" if use.name else "weight"
        )


def _scores(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """What torch's attention takes the softmax of, for a few examples."""
    query, key = query.detach()[:4], key.detach()[:4]
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scores = query @ key.mT * (scale or query.shape[-1] ** -0.5)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        return scores
    mask = attn_mask.detach()
    mask = mask[:4] if mask.dim() == scores.dim() else mask
    return scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask


def _keep_gradient(use: Use, gradient: Tensor) -> None:
    with torch.no_grad(), few_threads(0):
        use.gradient = math.sqrt(mean_square(gradient) * gradient.numel())


def _dense(gradient: Tensor) -> Tensor:
    """What a gradient holds, as that of an embedding may hold some rows only."""
    return gradient if gradient.layout == torch.strided else gradient.coalesce().values()


def look(
    model: nn.Module,
    batch: Any,
    targets: Any = None,
    loss: Callable[..., Any] | None = None,
) -> Seen:
    """Run one forward and one backward pass and say what was seen.

    Where weights of zeros get no gradient, two more of each tell whether they ever will.

    Args:
        model: any module whose functions are torch's.
        batch: what it is called with: a tensor, a tuple of arguments, or a mapping of them.
        targets: what the outputs should be: class numbers, or numbers in the output's shape.
        loss: of ``(output, targets)``, or of the output alone without targets. By default
            cross-entropy for whole numbers, the squared error for others, and without targets a
            sum of the outputs with random signs, which is enough to see gradients.

    Raises:
        TypeError: the model is no module in Python, or the targets are no tensor.
        ValueError: the batch is empty, sparse or on meta, it or the model was made in inference
            mode, or the loss is no single number.
    """
    model = _checked(model, batch, targets, loss)
    seen = Seen(examples=next((len(t) for t in tensors(batch) if t.dim()), 0))
    looking = _Looking(model, seen)
    with ExitStack() as stack:
        stack.enter_context(unchanged(model))
        devices = {p.device.index for p in model.parameters() if p.device.type == "cuda"}
        stack.enter_context(torch.random.fork_rng(devices))  # noqa: TID251 -- seeds nothing
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for tensor in tensors(batch):
            looking.origins[tensor] = _Origin()
        stack.callback(looking.stop)
        looking.follow()
        looking.listen(True)
        seen.output = call(model, batch)
        looking.listen(False)
        seen.foreign = len(looking.foreign)
        output = next((t for t in tensors(seen.output) if t.is_floating_point()), None)
        if output is not None and (origin := looking.origins.get(output)) and origin.latest >= 0:
            seen.last = seen.uses[origin.latest]
        cost = _cost(seen, targets, loss)
        asking = {name: p for name, p in model.named_parameters() if p.requires_grad}
        seen.asked = len(asking)
        got: _Gradients = {}
        if asking and cost is not None and cost.requires_grad:
            got = _gradients(cost, asking)

            def again() -> _Gradients:
                cost = _cost(Seen(output=call(model, batch)), targets, loss)
                assert cost is not None
                return _gradients(cost, asking)

            _note_zeros(seen, asking, got, again)
    _note_reached(seen, model, looking.used, {id(asking[name]): g for name, g in got.items()})
    return seen


def _checked(
    model: nn.Module, batch: Any, targets: Any, loss: Callable[..., Any] | None
) -> nn.Module:
    """The model, or what torch.compile made it of; refuses what cannot be looked at."""
    checks.instance("model", model, nn.Module, "a torch.nn.Module")
    model = getattr(model, "_orig_mod", model)
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("model must run in Python, got a ScriptModule: give what it was made of")
    if targets is not None and loss is None:
        checks.instance("targets", targets, Tensor, "a torch.Tensor, or None")
    for tensor in tensors(batch):
        shape = tuple(tensor.shape)
        if not tensor.numel() or tensor.is_meta:
            raise ValueError(f"batch must have numbers, got a tensor {shape} on {tensor.device}")
        if tensor.layout != torch.strided:
            raise ValueError(f"batch must be dense, got a tensor {shape} of {tensor.layout}")
        if tensor.is_inference():
            raise ValueError(f"batch must not be made in inference mode: clone the tensor {shape}")
    for name, parameter in model.named_parameters():
        if parameter.is_inference():
            raise ValueError(f"model must not be made in inference mode, as {name!r} was")
    return model


_Gradients = dict[str, Tensor]


def _gradients(cost: Tensor, asking: Mapping[str, nn.Parameter]) -> _Gradients:
    """Of those parameters that get one."""
    found = torch.autograd.grad(cost, list(asking.values()), allow_unused=True)
    return {name: g for name, g in zip(asking, found, strict=True) if g is not None}


def _note_zeros(
    seen: Seen,
    asking: Mapping[str, nn.Parameter],
    gradients: _Gradients,
    again: Callable[[], _Gradients],
) -> None:
    """Whose gradients are no numbers, and whose are zeros and stay so."""
    seen.broken = tuple(
        name for name, g in gradients.items() if not math.isfinite(mean_square(_dense(g)))
    )
    if seen.broken:
        return
    some = {use.parameter for use in seen.uses if not use.reads}  # got no example, as experts may
    names = [name for name, p in asking.items() if "bias" not in name and id(p) not in some]
    nothing = {name for name in names if not bool(asking[name].any())}
    still = _still(asking, gradients, names, again)
    seen.held = tuple(name for name in still if name in nothing)
    seen.silent = tuple(name for name in still if name not in nothing)


def _note_reached(
    seen: Seen, model: nn.Module, used: Collection[int], got: Mapping[int, Tensor]
) -> None:
    """Give every use its weight's gradient, and name the parameters that the passes missed."""
    seen.reached = len(got)
    for use in seen.uses:
        gradient = got.get(use.parameter)
        if gradient is not None:
            gradient = gradient.mT if use.turned else gradient
            use.weight_gradient = gradient if gradient.shape == use.weight.shape else None
    for name, parameter in model.named_parameters():
        reached = id(parameter) in got
        if not parameter.requires_grad:
            seen.frozen += (name,)
        elif id(parameter) not in used:
            where = "unseen" if reached else "unused"
            setattr(seen, where, (*getattr(seen, where), name))
        elif not reached and got:
            seen.cut_off += (name,)


def _still(
    asking: Mapping[str, nn.Parameter],
    gradients: _Gradients,
    names: Iterable[str],
    again: Callable[[], _Gradients],
) -> tuple[str, ...]:
    """Those parameters whose gradients are zeros, before and after steps of all others.

    Each step may wake what the one before has uncovered, as a head of zeros does for branches that
    end on zeros. Two that hold each other, such as the last layer of a branch and its factor, none
    wakes.
    """
    zero = set(names)
    for k in range(3):
        moving = {n: g for n, g in gradients.items() if g.layout == torch.strided and g.numel()}
        sizes = {name: float(g.abs().max()) for name, g in moving.items()}
        rounding = 1e-6 * max(sizes.values(), default=0.0) if k else 0.0  # of what has moved
        zero &= {name for name, size in sizes.items() if size <= rounding}
        if k == 2 or not zero:
            break
        for name, g in moving.items():
            step = (g * (0.01 / g.abs().max())).nan_to_num_(0.0, 0.0, 0.0)
            asking[name].data.sub_(step)
        try:
            gradients = again()
        except RuntimeError:  # it keeps something of the pass before, and cannot be run twice
            return ()
    return tuple(name for name in asking if name in zero)


def _cost(seen: Seen, targets: Any, loss: Callable[..., Any] | None) -> Tensor | None:
    """The number to go back from, with the examples' own losses where they are known."""
    output = next((t for t in tensors(seen.output) if t.is_floating_point()), None)
    if loss is not None:
        cost = loss(seen.output) if targets is None else loss(seen.output, targets)
        if not isinstance(cost, Tensor) or cost.numel() != 1:
            shape = f"{tuple(cost.shape)}" if isinstance(cost, Tensor) else repr(cost)
            raise ValueError(f"loss must return a tensor with one number, got {shape}")
        seen.loss = float(cost.detach())
        if output is not None and isinstance(targets, Tensor):
            with suppress(RuntimeError, IndexError, ValueError), torch.no_grad():
                each = _each(output, targets)  # by another name, or in another shape
                if math.isclose(float(each.mean()), seen.loss, rel_tol=1e-4):
                    seen.losses = each.reshape(len(each), -1).double().mean(1)
                    seen.logits = seen.output is output and _is_cross_entropy(loss, output, targets)
        seen.logits |= isinstance(loss, nn.CrossEntropyLoss)
        return cost
    if output is None:
        return None
    if targets is None:
        generator = torch.Generator().manual_seed(0)  # its own
        parts = []
        for one in (t for t in tensors(seen.output) if t.is_floating_point()):
            signs = torch.randint(2, one.shape, generator=generator).to(one) * 2 - 1
            parts.append((one * signs).sum() / math.sqrt(max(1, one.numel())))
        return functools.reduce(torch.add, parts)
    each = _each(output, targets)
    seen.losses = each.detach().reshape(len(each), -1).double().mean(1)
    seen.loss = float(seen.losses.mean())
    seen.logits = not targets.is_floating_point()
    mean: Tensor = each.mean()
    return mean


def _is_cross_entropy(loss: Callable[..., Any], output: Tensor, targets: Tensor) -> bool:
    """Whether it is also for other outputs: for equal ones that of their logarithms is the same."""
    if targets.is_floating_point():
        return False
    other = torch.rand_like(output)
    expected = float(_each(other, targets).mean())
    with suppress(Exception):  # somebody's own may refuse such an output in its own way
        return math.isclose(float(loss(other, targets)), expected, rel_tol=1e-4)
    return False


def _each(output: Tensor, targets: Tensor) -> Tensor:
    """Losses by default: squared errors, or cross-entropies of classes in dimension 1 or last."""
    shape, of = tuple(output.shape), tuple(targets.shape)
    if targets.is_floating_point():
        if shape != of:
            raise ValueError(f"targets must have the output's shape {shape}, got {of}")
        return (output - targets).square()
    classes = output.dim() - 1 if of == shape[:-1] else 1
    if (
        targets.dtype == torch.bool
        or len(shape) < 2
        or of != shape[:classes] + shape[classes + 1 :]
    ):
        raise ValueError(
            f"targets must be class numbers of the output's shape {shape} less its classes, or "
            f"numbers of this shape, got {targets.dtype} {of}; or give the loss"
        )
    return nn.functional.cross_entropy(output.movedim(classes, 1), targets.long(), reduction="none")
