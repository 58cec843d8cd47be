"""Hooks that see what the modules of a network do: the machinery of `xavier.monitor.watch`.

They are torch's hooks on all modules and ask each whether it is one of the network's, so that none
is on a module, where copies and files would take it along.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn, overrides
from torch.nn import functional
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils.hooks import RemovableHandle

from xavier import checks
from xavier.activations import ACTIVATIONS, Activation
from xavier.summaries import Limits, describe, detached
from xavier.threads import few_threads

WATCHED: tuple[str, ...] = ("output", "back_gradient", "weight", "weight_gradient")
"""What `xavier.monitor.watch` describes, in the order of its rows."""

_KINDS = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "tanh": nn.Tanh, "hardtanh": nn.Hardtanh,
    "sigmoid": nn.Sigmoid, "hardsigmoid": nn.Hardsigmoid, "softsign": nn.Softsign,
    "softplus": nn.Softplus, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU,
    "celu": nn.CELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish, "hardswish": nn.Hardswish,
}  # fmt: skip
# The functions of these names, also those that overwrite, and the modules that do the same.
_FUNCTIONS: dict[Any, tuple[str, type[nn.Module]]] = {
    getattr(home, name + ending): (name, kind)
    for name, kind in _KINDS.items()
    for home in (torch, functional, Tensor)
    for ending in ("", "_")
    if hasattr(home, name + ending)
}


class _Calls(overrides.TorchFunctionMode):
    """Says which of the activations were called as functions."""

    def __init__(self, see: Callable[..., None]) -> None:
        super().__init__()
        self._see = see

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in _FUNCTIONS:
            self._see(*_FUNCTIONS[func], args[1:], kwargs or {}, output)
        return output


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run compiled modules as they were, and without a warning that hooks are on all modules."""
    if "torch._dynamo" not in sys.modules:  # then nothing is compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile")
        yield


class Recorder:
    """Keeps what is described of the passes of a module inside a ``with`` block."""

    def __init__(
        self,
        module: nn.Module,
        every: int,
        bins: Mapping[str, Limits],
        examples_dim: int | Mapping[str, int],
        loss_scale: float | Callable[[], float],
        updates: bool,
    ) -> None:
        """Find what there is to be watched; the arguments are those of `xavier.monitor.watch`."""
        checks.instance("module", module, nn.Module, "a torch.nn.Module")
        for name, parameter in module.named_parameters():
            if parameter.dtype.is_complex:
                raise ValueError(f"module must be real, got {parameter.dtype} in {name!r}")
        module = getattr(module, "_orig_mod", module)  # what torch.compile was given
        # By the identity of modules that cannot go while they are held here.
        self._modules = {
            id(part): (".".join(key for key in name.split(".") if key != "_orig_mod"), part)
            for name, part in module.named_modules()
        }
        self._parts = [(name, part) for name, part in self._modules.values() if _is_watched(part)]
        if not self._parts and not any(_is_own(part) for _, part in self._modules.values()):
            raise ValueError(f"module must have a layer with weights or an activation: {module!r}")
        self._module: nn.Module | None = module
        self._every, self._bins = every, bins
        self._examples_dim = self._checked_dims(examples_dim)
        self._loss_scale = loss_scale
        self._scale()
        self._step, self._order, self._depth = -1, 0, 0
        # (step, order, place of the quantity, name) -> kind and statistics.
        self._found: dict[tuple[int, int, int, str], tuple[str, list[tuple[str, float, float]]]]
        self._found = {}
        self._eager = ExitStack()
        self._calls: Any = None  # while a pass is recorded
        self._running: list[nn.Module] = []
        self._handles: list[RemovableHandle] = []
        self._weights: dict[int, RemovableHandle | None] = {}  # of this step, by id
        self._before: dict[int, Tensor] | None = {} if updates else None
        self._passing: list[RemovableHandle] = []  # on tensors that live as long as their graph

    def __enter__(self) -> Self:
        if self._module is None or self._handles:
            raise RuntimeError(
                "a watch is for one with block, and this one has been entered before; "
                "call monitor.watch again for another"
            )
        self._eager.enter_context(_uncompiled())
        self._handles = [
            register_module_forward_pre_hook(self._before_module),
            register_module_forward_hook(self._after_module, always_call=True),
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._forget_weights()
        self._listen(False)
        for handle in (*self._handles, *self._passing):
            handle.remove()
        self._eager.close()
        if error is None and not self._found:
            passes = "no forward pass of it ran" if self._step < 0 else "nothing in it was executed"
            name = type(self._module).__name__
            warnings.warn(f"watch has no rows of {name}: {passes} in the block", stacklevel=2)
        # It may go; what was seen of it stays.
        self._module, self._modules, self._parts, self._running = None, {}, [], []
        self._before = None

    def _checked_dims(self, dims: int | Mapping[str, int]) -> dict[str, int]:
        if not isinstance(dims, Mapping):
            return {"*": checks.count("examples_dim", dims)}
        for pattern in dims:
            checks.count(f"examples_dim[{pattern!r}]", dims[pattern])
            if not any(fnmatchcase(name, str(pattern)) for name, _ in self._modules.values()):
                raise ValueError(f"examples_dim must match a module by its name, got {pattern!r}")
        return dict(dims)

    def _scale(self) -> float:
        scale = self._loss_scale
        return checks.positive("loss_scale", scale() if callable(scale) else scale)

    @property
    def _due(self) -> bool:
        return self._depth > 0 and self._step % self._every == 0

    def _listen(self, do: bool) -> None:
        """Begin or end to notice functions; no end where somebody else's mode has come on top."""
        if do and self._calls is None:
            self._calls = _Calls(self._after_function)
            self._calls.__enter__()
        elif not do and self._calls and overrides._get_current_function_mode() is self._calls:
            self._calls.__exit__(None, None, None)
            self._calls = None

    def _before_module(self, module: nn.Module, inputs: Any) -> None:
        if id(module) not in self._modules:
            return
        self._running.append(module)
        if module is self._module:
            if not self._depth:
                self._passing = [h for h in self._passing if h.hooks_dict_ref() is not None]
                self._step, self._order = self._step + 1, 0
                self._forget_weights()
            self._depth += 1  # it can run within itself
        # Attention calls none, and computes in another order where it is listened to.
        self._listen(self._due and not isinstance(module, nn.MultiheadAttention))

    def _after_module(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """After an execution, also by an error, and then the output is None."""
        if id(module) not in self._modules:
            return
        if self._running and self._running[-1] is module:
            self._running.pop()
        name, part = self._modules[id(module)]
        if self._due and output is not None and _is_watched(part):
            tensor = _first_tensor(output)
            if tensor is None or not _is_transformed(tensor):
                at = self._next()
                self._describe_weights(at, name, part)
                if tensor is not None:
                    kind = type(part).__name__
                    self._describe_output(at, name, name, kind, tensor, _saturating(part))
        if module is self._module:
            if self._depth == 1 and self._due and output is not None:
                for name, part in self._parts:
                    self._order += self._describe_weights((self._step, self._order), name, part)
            self._depth -= 1
        self._listen(self._due)

    def _after_function(
        self, function: str, kind: type[nn.Module], args: Any, kwargs: Any, output: Any
    ) -> None:
        """After an activation was called as a function, and not by the module of its kind."""
        if not self._due or not self._running or not isinstance(output, Tensor):
            return
        caller = self._running[-1]
        is_its_own = type(caller).__module__ == nn.Tanh.__module__
        if is_its_own or not output.is_floating_point() or _is_transformed(output):
            return
        where = self._modules[id(caller)][0]
        name = f"{where}.{function}()" if where else f"{function}()"
        ends = {key: kwargs[key] for key in ("min_val", "max_val") if key in kwargs}
        part = nn.Hardtanh(*args, **ends) if kind is nn.Hardtanh else kind()
        self._describe_output(self._next(), name, where, kind.__name__, output, _saturating(part))

    def _next(self) -> tuple[int, int]:
        self._order += 1
        return self._step, self._order - 1

    def _describe_output(
        self,
        at: tuple[int, int],
        name: str,
        where: str,
        kind: str,
        tensor: Tensor,
        activation: Activation | None,
    ) -> None:
        """Describe what the module or function returned, and its gradient when it comes."""
        matching = [d for p, d in self._examples_dim.items() if fnmatchcase(where, p)]
        put = partial(self._put, at, name, kind, examples_dim=[0, *matching][-1])
        put("output", tensor, activation=activation)
        if tensor.requires_grad and torch.is_grad_enabled():
            self._passing.append(tensor.register_hook(partial(put, "back_gradient")))

    def _describe_weights(self, at: tuple[int, int], name: str, part: nn.Module) -> bool:
        """Describe the weights of a part that are new in this step, and say if there are any."""
        new = [(n, weight) for n, weight in _weights(name, part) if id(weight) not in self._weights]
        for full, weight in new:
            put = partial(self._put, at, full, type(part).__name__)
            put("weight", weight)
            hook = partial(put, "weight_gradient")
            self._weights[id(weight)] = weight.register_hook(hook) if weight.requires_grad else None
        return bool(new)

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
            if inputs:
                values = values.movedim(examples_dim, 0)
            described = describe(
                values.reshape(1, values.shape[0] if values.dim() else 1, -1),
                inputs=inputs,
                bins=self._bins.get(quantity),
                activation=activation,
                health=True,
            )
            if quantity == "weight" and self._before is not None:
                before = self._before.get(id(tensor))
                if before is not None and before.shape == values.shape:
                    change, norm = (
                        torch.linalg.vector_norm(x, dtype=torch.float64).reshape(1)
                        for x in (values - before, before)
                    )
                    described.append(("update", float("nan"), change / norm))
                self._before[id(tensor)] = values.clone()
            numbers = torch.cat([value for _, _, value in described]).tolist()
        self._found[(*at, WATCHED.index(quantity), name)] = (
            kind,
            [(s, where, v) for (s, where, _), v in zip(described, numbers, strict=True)],
        )


def _is_own(part: nn.Module) -> bool:
    """Whether it is a module from outside torch."""
    return not type(part).__module__.startswith("torch.")


def _is_watched(part: nn.Module) -> bool:
    return (
        next(part.parameters(recurse=False), None) is not None
        or type(part).__module__ == nn.Tanh.__module__
        or (_is_own(part) and next(part.children(), None) is None)
    )


def _weights(name: str, part: nn.Module) -> list[tuple[str, Tensor]]:
    """The module's own floating parameters that are no biases, by the name of their rows."""
    own = [
        (key, parameter)
        for key, parameter in part.named_parameters(recurse=False)
        if "bias" not in key and parameter.is_floating_point() and not _is_transformed(parameter)
    ]
    if len(own) == 1:
        return [(name, own[0][1])]
    return [(f"{name}.{key}" if name else key, parameter) for key, parameter in own]


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    parts: Iterable[Any] = ()
    if isinstance(output, Mapping):
        parts = output.values()
    elif isinstance(output, tuple | list):
        parts = output
    return next((t for part in parts if (t := _first_tensor(part)) is not None), None)


def _is_transformed(tensor: Tensor) -> bool:
    """Whether it stands for others, inside of `torch.func.vmap` and its kind."""
    return torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def _saturating(part: nn.Module) -> Activation | None:
    if isinstance(part, nn.Hardtanh | nn.Hardsigmoid):  # ReLU6 is a Hardtanh
        ends = (part.min_val, part.max_val) if isinstance(part, nn.Hardtanh) else (0.0, 1.0)
        return replace(ACTIVATIONS["relu"], saturation=ends)
    kinds = {nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.Softsign: "softsign", nn.ReLU: "relu"}
    name = kinds.get(type(part))
    return ACTIVATIONS[name] if name else None
