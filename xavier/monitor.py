r"""Instruments for a network: what its layers hold, and what they do to a signal.

`statistics` describes a forward and a backward pass of `xavier.network.Network` (what the paper's
figures 2-4 and 6-10 show), `jacobian` measures how one layer stretches small differences (eq. 17),
and `watch` describes the passes of any `torch.nn.Module`. All of them return tidy tables and change
nothing that they look at.

Layers of a network are counted from 1 for the first hidden layer to L for the output layer, as in
the paper's figures. Layer l has the weights :math:`W^{l-1}` that lead into it, the weighted sums
:math:`s^{l-1}` and the activations :math:`z^l = f(s^{l-1})`. The sums of layer L are the logits,
and it has no activations. Layer 0 is the input.

Statistics are taken over everything in a layer (all units, all examples, all weights) and divide by
the number of values, not by one less:

=================== ==============================================================================
"mean", "std"       over all values
"std_over_inputs"   root of the mean over units of the variance over examples
"p02", "p98"        2nd and 98th percentile, linearly interpolated between values; of more than half
                    a million values in a layer (weights, as a rule), those of an even sample of
                    about 65,000, and in `watch` of more than 16,384 those of 5,000 to 8,000
"saturated"         share of saturated units (`xavier.activations.Activation.saturated`)
"density"           share of the values in a bin, divided by the bin's width
"norm"              root of the sum of squares; this and the next three from `watch` alone
"not_finite"        how many values are infinite or no numbers
"dead"              share of units that are saturated for every example
"update"            norm of a weight's change since it was last described, over its norm then
=================== ==============================================================================

"std" and "std_over_inputs" differ: a layer whose units each sit at a level of their own, whatever
the input, has the first and not the second, and tells nothing about its input.

Sums are in double precision, whatever the network's; in `watch`, which has a training step to keep
up with, in the network's own, and good to five digits. They are computed on one thread, for their
last digits would depend on the number of threads where layers are large. A replica that has
diverged has values that are not numbers, and costs the others nothing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from xavier import checks, hooks
from xavier.activations import Activation
from xavier.hooks import After, Follower
from xavier.network import Gradients, Network, Trace
from xavier.summaries import Limits as Limits
from xavier.summaries import as_text, bins_of, by_name, describe, detached, products
from xavier.threads import few_threads

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("activation", "pre_activation", "back_gradient", "weight", "weight_gradient")
"""What `statistics` describes, in the order of its rows."""

WATCHED = ("output", "back_gradient", "weight", "weight_gradient")
"""What `watch` describes, in the order of its rows."""

_CHUNK_SVD = 2**22  # values decomposed at once


def statistics(
    network: Network,
    trace: Trace,
    gradients: Gradients | None = None,
    *,
    step: int = 0,
    quantities: Sequence[str] | None = None,
    histogram: Mapping[str, Limits] | None = None,
) -> pd.DataFrame:
    r"""Describe every layer of every replica in one pass (figures 2-4 and 6-10).

    The quantities of layer l:

    - "activation", :math:`z^l`, for hidden layers: all statistics.
    - "pre_activation", :math:`s^{l-1}`: all but "saturated".
    - "back_gradient", :math:`\partial\text{Cost}/\partial s^{l-1}` (eq. 2): the same. The cost is
      that of *one* example: what `xavier.network.Gradients` holds is of the batch's mean cost and
      is multiplied by the batch size here, so that the numbers do not depend on it.
    - "weight", :math:`W^{l-1}`: "mean", "std", "p02", "p98".
    - "weight_gradient", :math:`\partial\text{Cost}/\partial W^{l-1}` (eq. 3), again of one
      example, over all weights and examples: "mean" and "std". They are exact, and need no gradient
      of a weight: for one example :math:`\sum_{jk} (z_j \delta_k)^2 = \sum_j z_j^2 \sum_k
      \delta_k^2`. The gradient of a batch of B independent examples, its mean, has a standard
      deviation smaller by about :math:`\sqrt B`.

    "density" is added for the quantities in ``histogram``. It is cheap but for "weight_gradient",
    where it too is over every gradient of every example: some tenths of a second for a
    layer of 1000 x 1000 and 300 examples.

    >>> network = Network.create((4, 3, 2), "tanh", "glorot", seeds=[0])
    >>> rows = statistics(network, network.forward(torch.ones(5, 4)), quantities=["activation"])
    >>> rows["statistic"].to_list()
    ['mean', 'std', 'std_over_inputs', 'p02', 'p98', 'saturated']

    Args:
        network: R replicas.
        trace: a forward pass of the network.
        gradients: the backward pass from ``trace``, for the two gradients.
        step: what to write in the column ``step``, such as the number of updates so far.
        quantities: those to describe; by default all that are known.
        histogram: for some quantities, the bins (lower end, upper end, number of bins). Values
            beyond the ends are in no bin but are counted: densities times the width of a bin
            then sum up to less than 1.

    Returns:
        Rows ``step``, ``replica``, ``layer``, ``quantity``, ``statistic``, ``value``; with
        ``histogram`` also ``at``, the centre of a density's bin, and not a number for the rest.

    Raises:
        TypeError: ``histogram`` is no mapping, or its bins are not three numbers.
        ValueError: a quantity is unknown or needs gradients that are not there, bins are not
            ascending or not of a quantity that is described, or the passes have not the shapes of
            this network and of each other.
    """
    import pandas as pd  # here and below: who only measures waits for torch alone

    _check_passes(network, trace, gradients)
    known = QUANTITIES if gradients else tuple(q for q in QUANTITIES if "gradient" not in q)
    quantities = known if quantities is None else quantities
    wanted = {checks.one_of("quantities", quantity, known) for quantity in quantities}
    bins = bins_of(histogram, [quantity for quantity in known if quantity in wanted])

    deltas = gradients.s if gradients else ()
    tensors: dict[str, Sequence[Tensor]] = {
        "activation": trace.z[1:], "pre_activation": trace.s, "back_gradient": deltas,
        "weight": network.w, "weight_gradient": deltas,
    }  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    with few_threads(0):
        layers = range(len(network.w))
        for replica, i, quantity in product(range(network.replicas), layers, QUANTITIES):
            if quantity not in wanted or i >= len(tensors[quantity]):
                continue
            x, limits = detached(tensors[quantity][i][replica]), bins.get(quantity)
            if "gradient" in quantity:
                x = x * len(trace.s[i][replica])  # of one example's cost
            if quantity == "weight_gradient":
                found = products(detached(trace.z[i][replica]), x, limits)
            else:
                unit = network.activation if quantity == "activation" else None
                found = describe(x, inputs=quantity != "weight", bins=limits, activation=unit)
            rows += [(step, replica, i + 1, quantity, *one) for one in found]
    columns = ["step", "replica", "layer", "quantity", "statistic", "at", "value"]
    table = pd.DataFrame(rows, columns=columns)
    return table if bins else table.drop(columns="at")


def jacobian(
    network: Network, trace: Trace, layer: int, *, examples: int | None = None
) -> pd.DataFrame:
    r"""Singular values of one layer's Jacobian, averaged over examples (eq. 17, sec. 4.2.2).

    :math:`J^i = \partial z^{i+1} / \partial z^i` has the entries :math:`f'(s^i_k) W^i_{jk}`: it
    leads from the activations of layer i to those of layer i + 1 and crosses the weights
    :math:`W^i`, and it differs from example to example. The paper's numbers are the means of
    ``value``. The root of the mean of ``square`` is what happens to signals: where widths are equal
    or shrink, a layer multiplies the standard deviation of independent small differences by it. It
    is :math:`\sqrt{n\,\text{Var}[W]}` times the root of the mean squared slope, and never below the
    mean.

    The cost is one singular value decomposition per replica and example, 0.1 s each on one core
    at 1000 x 1000. At birth by the standard rule examples hardly differ, and a few tell as much as
    all.

    Args:
        network: R replicas.
        trace: a forward pass of the network.
        layer: i, from 0 (the input) to L - 2 (which leads to the last hidden layer).
        examples: how many of the trace's examples to use, the first ones; by default all.

    Returns:
        Rows ``replica``, ``layer``, ``index``, ``value``, ``square``. For each example the
        min(n_i, n_{i+1}) singular values are sorted; index 1 is the largest. ``value`` is the mean
        over examples, ``square`` that of their squares.

    Raises:
        ValueError: the layer or the number of examples is out of range.
    """
    import pandas as pd

    last = len(network.w) - 2
    if checks.count("layer", layer) > last:
        between = f"from 0 to {last}" if last >= 0 else "of a network with a hidden layer"
        raise ValueError(f"layer must be {between}, got {layer}")
    batch = trace.s[layer].shape[1]
    used = batch if examples is None else checks.positive_int("examples", examples)
    if used > batch:
        raise ValueError(f"examples must be at most the trace's {batch}, got {examples}")

    slope = network.activation.derivative(trace.s[layer], trace.z[layer + 1])
    slope, w = detached(slope[:, :used]).double(), detached(network.w[layer]).double()
    rank = min(w.shape[1:])
    sums = w.new_zeros(2, network.replicas, rank)
    with few_threads(0):
        for r in range(network.replicas):
            for some in slope[r].split(max(1, _CHUNK_SVD // w[r].numel())):
                transposed = w[r] * some[:, None, :]
                if bool(transposed.isfinite().all()):
                    singular = torch.linalg.svdvals(transposed)
                else:
                    singular = w.new_full((len(some), rank), math.nan)
                sums[0, r] += singular.sum(0)
                sums[1, r] += singular.square().sum(0)
    value, square = (sums / used).cpu().numpy()
    return pd.DataFrame(
        {
            "replica": np.repeat(np.arange(network.replicas), rank),
            "layer": layer,
            "index": np.tile(np.arange(1, rank + 1), network.replicas),
            "value": value.ravel(),
            "square": square.ravel(),
        }
    )


# ------------------------------------------------------------------------------- of any nn.Module


def watch(
    module: nn.Module,
    *,
    every: int = 1,
    histogram: Mapping[str, Limits] | None = None,
    examples_dim: int | Mapping[str, int] = 0,
    loss_scale: float | Callable[[], float] = 1.0,
    updates: bool = False,
) -> Watch:
    """Describe all forward and backward passes of a module inside a ``with`` block.

    ::

        with monitor.watch(model) as record:
            loss = criterion(model(x), y)
            loss.backward()
        print(record)  # a line for each layer, and where the first value is not finite
        record.rows()

    Every forward pass of ``module`` is a step, counted from 0. Within it, each execution of a
    submodule that has weights of its own, of an activation (`torch.nn.Tanh` and its kind), and of a
    module from outside torch without parts has an entry with the integer ``order`` of its
    execution: a submodule that is called twice has two. An activation that is called as a function,
    such as `torch.relu` or ``x.clamp(min=0)``, has an entry of the same kind and is named after the
    module that calls it, as in ``block.relu()``. Parts that are called outside a forward pass of
    ``module`` are not seen.

    The quantities of an entry:

    - "output": what it returned, the first floating tensor where that is a tuple, list or mapping.
      Statistics as for "pre_activation" in `statistics`; also "saturated" and "dead" where the
      module is a sigmoid, tanh, softsign, ReLU, or a piecewise linear kin of them (ReLU6, Hardtanh,
      Hardsigmoid).
    - "back_gradient": the gradient with respect to that output, of whatever ``backward`` was called
      on: for the mean cost of a batch of B it is smaller by B than that of `statistics`. After
      several backward passes through one forward pass it is that of the last.
    - "weight": all its parameters but biases, at the time of the execution. A layer with
      several has rows for each, under the parameter's full name. What no execution has shown when
      the pass ends has its entry then: weights in a list, those that functions use (such as the
      projection of attention's output), and those of layers that never ran.
    - "weight_gradient": its gradient in a backward pass, entered at the latest forward pass. Not
      of one example as in `statistics` but as it is: of the loss.

    A weight that is used more than once in a forward pass is described once, where it is used
    first, and its gradient is the sum over all uses. Under `torch.no_grad` there are no gradients.
    Units that are copies of one another have ordinary rows: no statistic is of pairs of them.

    Nothing is changed: losses and gradients are the same to the bit. Statistics are computed at
    once, and no tensor is kept but for ``updates``. Hooks are on no module, so that a copy made in
    the block has none and is not seen. When the block is left, also by an error, all are removed;
    what is not backpropagated by then has no gradients in the record. Compiled modules run
    uncompiled inside the block, for compiled code passes hooks by; what runs under the transforms
    of `torch.func`, in another thread or in replicas of a `torch.nn.DataParallel` is not seen.
    A block that recorded nothing warns when it is left.

    Args:
        module: a network in torch.
        every: record only every so many steps, beginning with the first.
        histogram: for some quantities, the bins of a density, as in `statistics`.
        examples_dim: which dimension of outputs counts the examples, from 0; or that for some
            modules, by patterns of their names as of ``fnmatch``, such as ``{"encoder*": 1}`` for
            sequences that come first. The last that matches counts, and where none does it is 0.
            An output that lacks the dimension has no "std_over_inputs" and no "dead".
        loss_scale: what the loss was multiplied by before ``backward``, out of which gradients are
            taken; or what is called to say so, such as ``scaler.get_scale`` of a
            `torch.amp.GradScaler`.
        updates: whether to add "update", for which the watched weights are kept once more.

    Returns:
        A record for one ``with`` block, which can be read inside it and after it.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: nothing in the module can be watched, a parameter is complex, or an argument
            is out of range.
        RuntimeError: the record is taken into a second ``with`` block.
    """
    checks.instance("updates", updates, bool, "True or False")
    every = checks.positive_int("every", every)
    return Watch(module, every, bins_of(histogram, WATCHED), examples_dim, loss_scale, updates)


class Watch(Follower):
    """What `watch` has seen so far."""

    def __init__(
        self,
        module: nn.Module,
        every: int,
        bins: Mapping[str, Limits],
        examples_dim: int | Mapping[str, int],
        loss_scale: float | Callable[[], float],
        updates: bool,
    ) -> None:
        """Find what there is to be watched; the arguments are those of `watch`."""
        checks.instance("module", module, nn.Module, "a torch.nn.Module")
        for name, parameter in module.named_parameters():
            if parameter.dtype.is_complex:
                raise ValueError(f"module must be real, got {parameter.dtype} in {name!r}")
        super().__init__(module)
        self._watched = {at: of for at, of in self.parts.items() if hooks.is_watched(of[1])}
        if not self._watched and not any(hooks.is_own(part) for _, part in self.parts.values()):
            raise ValueError(f"module must have a layer with weights or an activation: {module!r}")
        self._every, self._bins = every, bins
        self._examples_dim = self._checked_dims(examples_dim)
        self._loss_scale = loss_scale
        self._scale()
        self._entered = False
        self._step, self._order, self._depth = -1, 0, 0
        self._due = False  # whether a pass runs and is recorded
        # (step, order, place of the quantity, name) -> kind and statistics.
        self._found: dict[tuple[int, int, int, str], tuple[str, list[tuple[str, float, float]]]]
        self._found = {}
        self._weights: dict[int, RemovableHandle | None] = {}  # of this step, by id
        self._before: dict[int, Tensor] | None = {} if updates else None
        self._passing: list[RemovableHandle] = []  # on tensors that live as long as their graph

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError(
                "a watch is for one with block, and this one has been entered before; "
                "call monitor.watch again for another"
            )
        self._entered = True
        self.follow()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._forget_weights()
        for handle in self._passing:
            handle.remove()
        if error is None and not self._found:
            passes = "no forward pass of it ran" if self._step < 0 else "nothing in it was executed"
            name = type(self.module).__name__
            warnings.warn(f"watch has no rows of {name}: {passes} in the block", stacklevel=2)
        self.stop()  # the module may go; what was seen of it stays
        self._watched, self._before = {}, None

    def rows(self) -> pd.DataFrame:
        """What was recorded until now, ordered by step and execution.

        Returns:
            Rows ``step``, ``order``, ``name``, ``kind``, ``quantity``, ``statistic``, ``value``;
            with ``histogram`` also ``at``, the centre of a density's bin.
        """
        import pandas as pd

        columns = ["step", "order", "name", "kind", "quantity", "statistic", "at", "value"]
        rows = [
            (step, order, name, kind, WATCHED[place], *statistic)
            for (step, order, place, name), (kind, described) in sorted(self._found.items())
            for statistic in described
        ]
        table = pd.DataFrame(rows, columns=columns)
        return table if self._bins else table.drop(columns="at")

    def summary(self) -> pd.DataFrame:
        """What was recorded until now, a row for each layer and parameter, averaged over steps.

        Returns:
            Rows ``name``, ``kind``, the output's ``std``, ``std_over_inputs``, ``saturated`` and
            ``dead``, the std of ``back_gradient``, the norms of ``weight`` and
            ``weight_gradient``, ``update``, and ``not_finite``, how many values of all these were
            not.
        """
        return by_name(self.rows())

    def __str__(self) -> str:
        return as_text(self.rows())

    def _checked_dims(self, dims: int | Mapping[str, int]) -> dict[str, int]:
        if not isinstance(dims, Mapping):
            return {"*": checks.count("examples_dim", dims)}
        for pattern in dims:
            checks.count(f"examples_dim[{pattern!r}]", dims[pattern])
            if not any(fnmatchcase(name, str(pattern)) for name, _ in self.parts.values()):
                raise ValueError(f"examples_dim must match a module by its name, got {pattern!r}")
        return dict(dims)

    def _scale(self) -> float:
        scale = self._loss_scale
        return checks.positive("loss_scale", scale() if callable(scale) else scale)

    def entering(self, name: str, part: nn.Module) -> None:
        """Count steps, and listen where a step is recorded."""
        if part is self.module:
            if not self._depth:
                self._passing = [h for h in self._passing if h.hooks_dict_ref() is not None]
                self._step, self._order = self._step + 1, 0
                self._due = self._step % self._every == 0
                self._forget_weights()
            self._depth += 1  # it can run within itself
        if self._due:
            # Attention calls none, and computes in another order where it is listened to.
            self.listen(not isinstance(part, nn.MultiheadAttention))

    def leaving(self, name: str, part: nn.Module, output: Any) -> None:
        """Describe what a part returned, and its weights."""
        last = part is self.module and self._depth == 1
        with torch._C.DisableTorchFunction():  # else what is asked of a tensor is reported
            if self._due and output is not None and id(part) in self._watched:
                tensor = next((x for x in hooks.tensors(output) if x.is_floating_point()), None)
                if tensor is None or not hooks.is_transformed(tensor):
                    at = self._next()
                    self._describe_weights(at, name, part)
                    if tensor is not None:
                        self._describe_output(at, name, name, part, tensor)
            if self._due and output is not None and last:
                for each in self._watched.values():
                    self._order += self._describe_weights((self._step, self._order), *each)
        if part is self.module:
            self._depth -= 1
        if self._due:
            self._due = not last
            self.listen(self._due)

    def calling(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After:
        """Describe what an activation returns that no module of its kind calls."""
        unit = hooks.unit_called(function, args, kwargs)
        if unit is None or not self._due or not self.running:
            return None
        (known, part), (where, caller) = unit, self.running[-1]
        if type(caller).__module__ == nn.Tanh.__module__:
            return None
        name = f"{where}.{known}()" if where else f"{known}()"

        def after(output: Any) -> None:
            real = isinstance(output, Tensor) and output.is_floating_point()
            if real and not hooks.is_transformed(output):
                self._describe_output(self._next(), name, where, part, output)

        return after

    def _next(self) -> tuple[int, int]:
        self._order += 1
        return self._step, self._order - 1

    def _describe_output(
        self, at: tuple[int, int], name: str, where: str, part: nn.Module, tensor: Tensor
    ) -> None:
        """Describe what the module or function returned, and its gradient when it comes."""
        matching = [d for p, d in self._examples_dim.items() if fnmatchcase(where, p)]
        put = partial(self._put, at, name, type(part).__name__, examples_dim=[0, *matching][-1])
        put("output", tensor, activation=hooks.saturating(part))
        if tensor.requires_grad and torch.is_grad_enabled():
            self._passing.append(tensor.register_hook(partial(put, "back_gradient")))

    def _describe_weights(self, at: tuple[int, int], name: str, part: nn.Module) -> bool:
        """Describe the weights of a part that are new in this step, and say if there are any."""
        before = len(self._weights)
        for full, weight in hooks.weights(name, part):
            if id(weight) in self._weights:
                continue
            put = partial(self._put, at, full, type(part).__name__)
            put("weight", weight)
            hook = partial(put, "weight_gradient")
            self._weights[id(weight)] = weight.register_hook(hook) if weight.requires_grad else None
        return len(self._weights) > before

    def _forget_weights(self) -> None:
        for handle in self._weights.values():
            if handle:
                handle.remove()
        self._weights = {}

    def _put(
        self,
        at: tuple[int, int],
        name: str,
        kind: str,
        quantity: str,
        tensor: Tensor,
        *,
        activation: Activation | None = None,
        examples_dim: int = 0,
    ) -> None:
        """Describe a tensor, and keep what was found in the place of an earlier one."""
        if not tensor.numel():
            return
        with torch.no_grad(), torch._C.DisableTorchFunction(), few_threads(0):
            values = detached(tensor if tensor.layout == torch.strided else tensor.to_dense())
            if "gradient" in quantity and (scale := self._scale()) != 1:
                wide = torch.promote_types(values.dtype, torch.float32)  # half has no room below
                values = values.to(wide) / scale
            inputs = "weight" not in quantity and values.dim() > examples_dim
            if inputs and examples_dim:
                values = values.movedim(examples_dim, 0)
            found = describe(
                values.reshape(values.shape[0] if values.dim() else 1, -1),
                inputs=inputs,
                bins=self._bins.get(quantity),
                activation=activation,
                health=True,
            )
            if quantity == "weight" and self._before is not None:
                before = self._before.get(id(tensor))
                if before is not None and before.shape == values.shape:
                    change, norm = (
                        float(torch.linalg.vector_norm(x, dtype=torch.float64))
                        for x in (values - before, before)
                    )
                    found.append(("update", math.nan, change / norm if norm else math.nan))
                self._before[id(tensor)] = values.clone()
        self._found[(*at, WATCHED.index(quantity), name)] = (kind, found)


def _check_passes(network: Network, trace: Trace, gradients: Gradients | None) -> None:
    expected = [(network.replicas, trace.s[0].shape[1], n) for n in network.sizes[1:]]
    for name, sums in (("trace", trace.s), ("gradients", gradients and gradients.s)):
        shapes = [tuple(s.shape) for s in sums or trace.s]
        if shapes != expected:
            raise ValueError(f"{name} must be a pass with sums of shape {expected}, got {shapes}")
